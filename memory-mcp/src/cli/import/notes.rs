//! `import claude-memory`, `import mcp-memory` and `import markdown`: takes in what other programs
//! remember as text.

use std::fs;
use std::path::{Path, PathBuf};

use memory_capture::notes::{Origin, markdown, mcp_memory};
use memory_capture::{Captured, Client, Importer, Lines, Place};
use memory_core::{NoteKind, Scope, Timestamp};

use crate::cli::output::{Failure, Output};
use crate::config::Settings;
use crate::{scope, store};

/// Largest file that is read, in bytes: memories are texts.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Deepest folder below a named one that is looked into.
const MAX_DEPTH: usize = 8;

/// Notes of a batch.
const MAX_NOTES: usize = 500;

/// Lines of a transcript in which the folder of a project is looked for.
const MAX_LINES: usize = 40;

/// Arguments of the imports of notes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders with them
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Say what is there and store nothing
    #[arg(long)]
    dry_run: bool,
}

/// Kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    ClaudeMemory,
    McpMemory,
    Markdown,
}

impl Format {
    const fn importer(self) -> &'static str {
        match self {
            Self::ClaudeMemory => "claude-memory",
            Self::McpMemory => "mcp-memory",
            Self::Markdown => "markdown",
        }
    }

    fn takes(self, path: &Path) -> bool {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match self {
            Self::ClaudeMemory | Self::Markdown => matches!(extension, Some("md" | "markdown")),
            Self::McpMemory => matches!(extension, Some("json" | "jsonl")),
        }
    }
}

/// A file, with the folder that was named, by which it is called.
struct File {
    root: PathBuf,
    path: PathBuf,
}

/// Runs the command.
pub(super) fn run(
    format: Format,
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut files = Vec::new();
    for root in roots(format, args, settings)? {
        let metadata = fs::metadata(&root).map_err(|error| Failure::file(&root, &error))?;
        if metadata.is_dir() {
            walk(format, &root, &root, 0, &mut files);
        } else {
            files.push(File { root: root.clone(), path: root });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let own = scope::own(settings)?;
    let (mut notes, mut n_bad) = (Vec::new(), 0_u64);
    for file in &files {
        match read(format, file, &own, settings) {
            Ok((of_file, bad)) => {
                n_bad += bad.len() as u64;
                for (line, reason) in bad {
                    output.remark(&format!("{}:{line}: {reason}", file.path.display()));
                }
                notes.extend(of_file.into_iter().map(|note| (note, file.path.clone())));
            }
            Err(reason) => {
                n_bad += 1;
                output.remark(&format!("{}: {reason}", file.path.display()));
            }
        }
    }
    let n_notes = notes.len();
    let stored =
        if args.dry_run { None } else { Some(store_all(notes, settings, &mut n_bad, output)?) };
    if output.is_json() {
        output.value(&serde_json::json!({
            "n_files": files.len(), "n_notes": n_notes, "n_bad": n_bad,
            "n_new": stored.map(|(n_new, _)| n_new), "n_known": stored.map(|(_, known)| known),
        }))?;
    } else {
        let what = stored.map_or_else(
            || "nothing stored".to_owned(),
            |(n_new, n_known)| format!("{n_new} new, {n_known} known"),
        );
        output.line(&format!("{what}: {n_notes} notes in {} files", files.len()))?;
    }
    if n_bad > 0 { Err(Failure::Incomplete) } else { Ok(()) }
}

/// Stores notes; returns the numbers of new and of known ones.
fn store_all(
    notes: Vec<(Captured, PathBuf)>,
    settings: &Settings,
    n_bad: &mut u64,
    output: &mut Output<'_>,
) -> Result<(u64, u64), Failure> {
    let store = store::open(settings)?;
    let mut importer = Importer::new(&store.memory);
    let mut notes = notes.into_iter().peekable();
    while notes.peek().is_some() {
        for (path, error) in importer.write(notes.by_ref().take(MAX_NOTES).collect())? {
            *n_bad += 1;
            output.remark(&format!("{}: {error}", path.display()));
        }
    }
    let counts = importer.finish()?;
    store.memory.flush()?;
    if counts.n_new > 0 {
        // So that the index is kept for the next start; if it fails, that start reports it.
        drop(store.memory.refresh());
    }
    Ok((counts.n_new, counts.n_known))
}

/// Returns the places that are read: those that are named, or where Claude Code keeps its memory.
fn roots(format: Format, args: &Args, settings: &Settings) -> Result<Vec<PathBuf>, Failure> {
    if !args.paths.is_empty() {
        return Ok(args.paths.clone());
    }
    if format != Format::ClaudeMemory {
        let name = format.importer();
        return Err(Failure::Usage(format!("`import {name}` needs a file or a folder: name one")));
    }
    let environment = &settings.environment;
    let base = environment.path("CLAUDE_CONFIG_DIR");
    let base = base.or_else(|| environment.home().map(|home| home.join(".claude")));
    let projects = base.map(|base| base.join("projects")).filter(|folder| folder.is_dir());
    let projects = projects.ok_or_else(|| {
        Failure::Failed("Claude Code keeps no memory here: name the folder".to_owned())
    })?;
    let folders = fs::read_dir(&projects).map_err(|error| Failure::file(&projects, &error))?;
    let memories = folders.flatten().map(|folder| folder.path().join("memory"));
    Ok(memories.filter(|folder| folder.is_dir()).collect())
}

/// Looks through a folder; one that cannot be read is passed by.
fn walk(format: Format, root: &Path, folder: &Path, depth: usize, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let Ok(kind) = entry.file_type() else { continue };
        // Links are not followed: they lead out of the folder, or in circles.
        if kind.is_dir() && depth < MAX_DEPTH && !is_hidden && entry.file_name() != "node_modules" {
            walk(format, root, &path, depth + 1, found);
        } else if kind.is_file() && format.takes(&path) {
            found.push(File { root: root.to_owned(), path });
        }
    }
}

type Notes = (Vec<Captured>, Vec<(usize, String)>);

fn read(format: Format, file: &File, own: &Scope, settings: &Settings) -> Result<Notes, String> {
    let metadata = fs::metadata(&file.path).map_err(|error| error.to_string())?;
    if metadata.len() > MAX_FILE_BYTES {
        return Err(format!("has {} bytes; at most {MAX_FILE_BYTES} are read", metadata.len()));
    }
    let bytes = fs::read(&file.path).map_err(|error| error.to_string())?;
    if bytes.contains(&0) {
        return Err("is no text: it has zero bytes".to_owned());
    }
    let content = String::from_utf8_lossy(&bytes);
    let changed = metadata.modified().ok().and_then(|at| {
        let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    });
    let (scope, name) = match format {
        Format::ClaudeMemory => project_of(file, own, settings),
        Format::McpMemory | Format::Markdown => {
            let name =
                file.path.strip_prefix(&file.root).ok().filter(|name| name.iter().count() > 0);
            let name = name.or(file.path.file_name().map(Path::new)).unwrap_or(&file.path);
            (own.clone(), name.to_string_lossy().replace('\\', "/"))
        }
    };
    let origin = Origin {
        importer: format.importer(),
        file: name,
        scope,
        at: Timestamp::from_millis(changed.unwrap_or_default()),
    };
    Ok(match format {
        Format::McpMemory => mcp_memory::read(&content, &origin),
        Format::ClaudeMemory => {
            // What it learned of the person is a preference, all else a fact.
            let of_person = ["user", "feedback"];
            let is_preference = markdown::kind_in_front_matter(&content)
                .is_some_and(|kind| of_person.contains(&kind));
            let kind = if is_preference { NoteKind::Preference } else { NoteKind::Fact };
            (markdown::read(&content, markdown::Grain::Item, kind, &origin), Vec::new())
        }
        Format::Markdown => {
            let (grain, kind) = (markdown::Grain::Section, NoteKind::Fact);
            (markdown::read(&content, grain, kind, &origin), Vec::new())
        }
    })
}

/// Returns the project of a memory of Claude Code, which lies beside the transcripts of the
/// project, and a name for the file that no other project has.
fn project_of(file: &File, own: &Scope, settings: &Settings) -> (Scope, String) {
    let folder = file.path.ancestors().find(|above| above.ends_with("memory"));
    let project = folder.and_then(Path::parent);
    let name = project.and_then(|project| file.path.strip_prefix(project.parent()?).ok());
    let name = name.unwrap_or(&file.path).to_string_lossy().replace('\\', "/");
    let sessions = project.and_then(|project| fs::read_dir(project).ok()).into_iter().flatten();
    let folder = sessions.flatten().find_map(|entry| folder_in(&entry.path()));
    let scope = folder.map(|folder| scope::around(Path::new(&*folder), &settings.git).scope);
    (scope.unwrap_or_else(|| own.clone()), name)
}

/// Returns the working folder that a transcript tells.
fn folder_in(path: &Path) -> Option<Box<str>> {
    path.extension().filter(|extension| *extension == "jsonl")?;
    let place = Place { session: "".into(), folder: None, at: Timestamp::from_millis(0) };
    let file = fs::File::open(path).ok()?;
    let mut lines = Lines::new(Client::ClaudeCode, file, 0, place, true).ok()?;
    (0..MAX_LINES).find_map(|_| {
        let events = lines.read().ok()??.events.ok()?;
        events.into_iter().find_map(|event| event.folder)
    })
}
