//! Markdown: sections of documents, and the items of memory files, as notes.

use memory_core::NoteKind;

use super::Origin;
use crate::importer::Captured;

/// Longest note, in bytes; a longer section is cut between paragraphs.
const MAX_NOTE_BYTES: usize = 4_000;

/// Shortest note, in bytes: shorter ones say nothing without their neighbours.
const MIN_NOTE_BYTES: usize = 12;

/// Grain of the notes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// A note for each section of a document.
    Section,
    /// A note for each item of a list and each paragraph, as memory files are written.
    Item,
}

/// Reads a file; each note begins with the headings above it.
#[must_use]
pub fn read(content: &str, grain: Grain, kind: NoteKind, origin: &Origin) -> Vec<Captured> {
    let mut notes = Notes { origin, kind, headings: Vec::new(), text: String::new(), all: vec![] };
    let mut fence: Option<&str> = None;
    for line in without_front_matter(content).lines() {
        let bare = line.trim_start();
        if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark)) {
            fence = match fence {
                Some(open) if open == mark => None,
                open => open.or(Some(mark)),
            };
        } else if fence.is_none() {
            if let Some((level, title)) = heading(line) {
                notes.end();
                notes.headings.retain(|(above, _)| *above < level);
                notes.headings.push((level, title));
                continue;
            }
            let is_item = line.starts_with(['-', '*', '+']) && line.get(1..2) == Some(" ");
            let ends = match grain {
                Grain::Item => is_item || line.trim().is_empty(),
                Grain::Section => line.trim().is_empty() && notes.text.len() > MAX_NOTE_BYTES / 2,
            };
            if ends {
                notes.end();
            }
        }
        if notes.text.len() + line.len() > MAX_NOTE_BYTES {
            notes.end();
        }
        notes.text.push_str(line);
        notes.text.push('\n');
    }
    notes.end();
    notes.all
}

struct Notes<'o> {
    origin: &'o Origin,
    kind: NoteKind,
    /// Headings above the text, with their levels.
    headings: Vec<(usize, String)>,
    text: String,
    all: Vec<Captured>,
}

impl Notes<'_> {
    /// Makes a note of the text so far.
    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let item = text.strip_prefix(['-', '*', '+']).filter(|rest| rest.starts_with(' '));
        let text = item.map_or(text, str::trim);
        if text.len() < MIN_NOTE_BYTES || is_link(text) {
            return;
        }
        let titles: Vec<&str> = self.headings.iter().map(|(_, title)| title.as_str()).collect();
        let place = titles.join(" > ");
        let between = if place.is_empty() { "" } else { ": " };
        let told = format!("{place}{between}{text}");
        self.all.push(self.origin.note(&place, self.all.len(), self.kind, told));
    }
}

/// Returns the level and the title of a heading.
fn heading(line: &str) -> Option<(usize, String)> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    let is_heading = (1..=6).contains(&level) && title.starts_with(' ');
    is_heading.then(|| (level, title.trim().trim_end_matches('#').trim().to_owned()))
}

/// Returns whether an item names another file alone, whose content is its own.
fn is_link(text: &str) -> bool {
    let target = text.strip_prefix('[').and_then(|rest| rest.split_once("]("));
    let target = target.and_then(|(_, rest)| rest.split_once(')'));
    target.is_some_and(|(target, _)| {
        let extension = std::path::Path::new(target).extension();
        extension.is_some_and(|extension| extension == "md") && !target.contains("://")
    })
}

/// Returns the `type` that the front matter of a memory file names.
#[must_use]
pub fn kind_in_front_matter(content: &str) -> Option<&str> {
    let inner = content.strip_prefix("---")?;
    let (front, _) = inner.split_once("\n---")?;
    front.lines().find_map(|line| line.trim().strip_prefix("type:")).map(str::trim)
}

fn without_front_matter(content: &str) -> &str {
    let content = content.trim_start_matches('\u{feff}');
    let inner = content.strip_prefix("---\n").or_else(|| content.strip_prefix("---\r\n"));
    let end = inner.and_then(|inner| {
        let at = inner.find("\n---")?;
        let rest = inner.get(at + 4..)?;
        Some(rest.split_once('\n').map_or("", |(_, rest)| rest))
    });
    end.unwrap_or(content)
}

#[cfg(test)]
mod tests {
    use memory_core::{Import, Scope, Timestamp};

    use super::*;

    fn texts(content: &str, grain: Grain) -> Vec<String> {
        let origin = Origin {
            importer: "markdown",
            file: "docs/till.md".to_owned(),
            scope: Scope::new("shop").unwrap(),
            at: Timestamp::from_millis(1),
        };
        let notes = read(content, grain, NoteKind::Fact, &origin);
        let text = |note: &Captured| match &note.record {
            Import::Note(note) => note.text.clone(),
            other => panic!("{other:?}"),
        };
        notes.iter().map(text).collect()
    }

    #[test]
    fn a_section_is_a_note_under_its_headings_and_code_is_no_heading() {
        let content = "---\ntitle: t\n---\n# Till\nIt counts the money.\n\n## Ports\n\
            ```\n# no heading\n```\nIt listens on 8081.\n# Stock\nIt counts the goods.\n";
        let told = [
            "Till: It counts the money.",
            "Till > Ports: ```\n# no heading\n```\nIt listens on 8081.",
            "Stock: It counts the goods.",
        ];
        assert_eq!(texts(content, Grain::Section), told);
    }

    #[test]
    fn an_item_of_a_memory_is_a_note_and_one_that_names_a_file_is_none() {
        let content = "# Memory\n- [Ports](ports.md) - where it listens\n- Use pnpm, not npm,\n  \
            in this repository\n- Taxes come from the order\n\nStaging is reset at night.\n";
        let told = [
            "Memory: Use pnpm, not npm,\n  in this repository",
            "Memory: Taxes come from the order",
            "Memory: Staging is reset at night.",
        ];
        assert_eq!(texts(content, Grain::Item), told);
        let front = "---\nname: x\nmetadata:\n  type: feedback\n---\nUse pnpm.";
        assert_eq!(kind_in_front_matter(front), Some("feedback"));
        assert!(texts("", Grain::Item).is_empty() && texts("---\nx", Grain::Section).is_empty());
    }

    #[test]
    fn a_section_of_any_length_is_cut_into_notes_of_a_bounded_one() {
        let content = format!("# Long\n{}", "some words of a paragraph\n\n".repeat(2_000));
        let notes = texts(&content, Grain::Section);
        assert!(notes.len() > 10 && notes.iter().all(|note| note.len() <= MAX_NOTE_BYTES + 99));
    }
}
