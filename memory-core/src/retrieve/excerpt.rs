//! Shows what of a record fits the query.

use std::collections::BTreeSet;

use super::candidates::Candidate;
use super::hit::Hit;
use crate::error::Error;
use crate::index::unit::{WINDOW_STEPS, call_text, head};
use crate::index::{LexicalQuery, Tokenizer};
use crate::model::{Episode, Note, Record, Step};
use crate::secret::mask;
use crate::storage::{StepRange, Storage};

/// Longest excerpt of a note, in bytes.
const NOTE_BYTES: usize = 700;

/// Longest excerpt of an episode's task, in bytes.
const TASK_BYTES: usize = 320;

/// Longest excerpt of an episode's summary, in bytes.
const SUMMARY_BYTES: usize = 320;

/// Longest excerpts of the step that fits: of what it did, and of what came of it, in bytes.
const CALL_BYTES: usize = 160;
const RESULT_BYTES: usize = 320;

/// Longest excerpts of the steps around it, in bytes.
const NEXT_CALL_BYTES: usize = 100;
const NEXT_RESULT_BYTES: usize = 60;

/// Bytes of a text in which the best part is looked for.
const MAX_SEARCHED_BYTES: usize = 16 * 1024;

/// The same for each of the steps of a window: of a hundred long answers only these are read
/// through.
const MAX_SEARCHED_STEP_BYTES: usize = 2 * 1024;

/// The words of a query, with a tokenizer that learns the stems of the texts it reads.
struct Words {
    query: LexicalQuery,
    tokenizer: Tokenizer,
}

impl Words {
    /// Hashes of the query's terms that a text holds.
    fn terms_in(&mut self, text: &str) -> Vec<u64> {
        self.query.terms_in(&mut self.tokenizer, text)
    }
}

/// Makes hits of the candidates, reading the steps that fit in one query.
pub(super) fn write(
    storage: &dyn Storage,
    found: Vec<(Candidate, Record)>,
    query: &str,
) -> Result<Vec<Hit>, Error> {
    let range = |(candidate, record): &(Candidate, Record)| match (candidate.step_idx, record) {
        (Some(from), Record::Episode(episode)) => {
            Some(StepRange { episode: episode.id, from, limit: WINDOW_STEPS })
        }
        _ => None,
    };
    let ranges: Vec<StepRange> = found.iter().filter_map(range).collect();
    let steps = if ranges.is_empty() {
        Vec::new()
    } else {
        storage.steps(&ranges).map_err(Error::storage("read steps"))?
    };
    let mut words = Words { query: LexicalQuery::new(query), tokenizer: Tokenizer::for_index() };
    let mut steps = steps.into_iter();
    let hit = |(candidate, record): (Candidate, Record)| {
        let Candidate { score, strength, signals, terms, step_idx, .. } = candidate;
        let (text, step_idx) = match &record {
            Record::Note(note) => (note_excerpt(note, &mut words), None),
            Record::Episode(episode) => {
                let window = step_idx.and_then(|_| steps.next()).unwrap_or_default();
                (episode_excerpt(episode, &window, &mut words), step_idx)
            }
        };
        // Rules for secrets grow; what was stored before them is masked on its way out.
        let (text, _) = mask(text);
        let contradicts = Vec::new();
        Hit { record, strength, score, text, step_idx, contradicts, signals, terms }
    };
    Ok(found.into_iter().map(hit).collect())
}

fn note_excerpt(note: &Note, query: &mut Words) -> String {
    let text = fitting_part(note.text.as_str(), NOTE_BYTES, query);
    match &note.speaker {
        Some(speaker) => format!("{speaker}: {text}"),
        None => text,
    }
}

fn episode_excerpt(episode: &Episode, window: &[Step], query: &mut Words) -> String {
    let mut text = fitting_part(episode.task.as_str(), TASK_BYTES, query);
    if let Some(summary) = episode.closing.as_ref().and_then(|closing| closing.summary.as_ref()) {
        text.push_str("\nSummary: ");
        text.push_str(&fitting_part(summary.as_str(), SUMMARY_BYTES, query));
    }
    // The first of the steps that hold most of the query's terms.
    let mut best = None;
    for step in window {
        let n_terms = n_terms_of(step, query);
        if best.is_none_or(|(most, _)| n_terms > most) {
            best = Some((n_terms, step.idx));
        }
    }
    for step in window {
        text.push_str("\n#");
        text.push_str(&step.idx.to_string());
        text.push(' ');
        let (call_bytes, result_bytes) = if best.is_some_and(|(_, idx)| idx == step.idx) {
            (CALL_BYTES, RESULT_BYTES)
        } else {
            (NEXT_CALL_BYTES, NEXT_RESULT_BYTES)
        };
        text.push_str(&step_line(step, call_bytes, result_bytes, query));
    }
    text
}

/// Returns the number of the query's terms that a step holds.
fn n_terms_of(step: &Step, query: &mut Words) -> usize {
    let said = step.error.as_ref().unwrap_or(&step.observation).as_str();
    let mut terms = query.terms_in(head(said, MAX_SEARCHED_STEP_BYTES));
    terms.extend(query.terms_in(head(step.args.as_str(), MAX_SEARCHED_STEP_BYTES)));
    terms.sort_unstable();
    terms.dedup();
    terms.len()
}

/// A step in one line: what was done, and what came of it.
fn step_line(step: &Step, call_bytes: usize, result_bytes: usize, query: &mut Words) -> String {
    let call = fitting_part(&one_line(&call_text(step)), call_bytes, query);
    let said = step.error.as_ref().unwrap_or(&step.observation).as_str();
    let result = fitting_part(&one_line(head(said, MAX_SEARCHED_STEP_BYTES)), result_bytes, query);
    let mark = if step.ok { "→" } else { "✗" };
    format!("{call} {mark} {result}").trim_end().to_owned()
}

/// A text with its runs of white space folded.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `limit` bytes of a text: whole if it is short, else the run of lines that holds most of
/// the query's terms. What is left out is marked.
fn fitting_part(text: &str, limit: usize, query: &mut Words) -> String {
    let text = text.trim();
    if text.len() <= limit {
        return text.to_owned();
    }
    let used = head(text, MAX_SEARCHED_BYTES);
    let pieces = pieces(used, limit / 2);
    let terms: Vec<Vec<u64>> = pieces.iter().map(|(_, piece)| query.terms_in(piece)).collect();
    let mut best = (0, 0, 0..0);
    for (i, (start, _)) in pieces.iter().enumerate() {
        let mut seen: BTreeSet<&u64> = BTreeSet::new();
        let mut end = *start;
        let run = pieces.iter().zip(&terms).skip(i);
        for ((at, piece), terms) in run.take_while(|((at, p), _)| at + p.len() - start <= limit) {
            seen.extend(terms);
            end = at + piece.len();
        }
        // More terms first; then the earlier part, which usually says what it is about.
        if seen.len() > best.0 || best.2.is_empty() {
            best = (seen.len(), i, *start..end);
        }
    }
    let (_, first, range) = best;
    let part = text.get(range.clone()).unwrap_or_else(|| head(text, limit)).trim();
    let before = if first > 0 { "… " } else { "" };
    let after = if range.end < text.len() { " …" } else { "" };
    format!("{before}{part}{after}")
}

/// A text in lines and sentences, each at most `limit` bytes, with their positions.
fn pieces(text: &str, limit: usize) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for line in
        text.split_inclusive(['\n', '。', '！', '？']).flat_map(|line| line.split_inclusive(". "))
    {
        let mut rest = line;
        while !rest.is_empty() {
            let piece = head(rest, limit.max(4));
            pieces.push((at, piece));
            at += piece.len();
            rest = rest.get(piece.len()..).unwrap_or_default();
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(query: &str) -> Words {
        Words { query: LexicalQuery::new(query), tokenizer: Tokenizer::for_query() }
    }

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(fitting_part(" short ", 10, &mut words("x")), "short");
    }

    #[test]
    fn a_long_text_is_shown_where_it_speaks_of_the_query() {
        let filler = "Nothing to see in this line.\n".repeat(40);
        let text = format!("{filler}The migration failed on the orders table.\n{filler}");
        let part = fitting_part(&text, 120, &mut words("orders table migration"));
        assert!(part.contains("The migration failed on the orders table."), "{part}");
        assert!(part.starts_with("… ") && part.ends_with(" …") && part.len() < 140, "{part}");
    }

    #[test]
    fn a_long_text_without_the_query_is_shown_from_its_beginning() {
        let part = fitting_part(&"日本語のテキスト。".repeat(50), 90, &mut words("zebra"));
        assert!(part.starts_with("日本語") && part.ends_with(" …"), "{part}");
    }
}
