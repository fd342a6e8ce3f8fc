//! Places where clients keep their sessions, and the files in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use memory_capture::{Client, Place};
use memory_core::Timestamp;

use crate::cli::output::Failure;
use crate::config::Settings;

/// Deepest folder below a named one that is looked into.
const MAX_DEPTH: usize = 8;

/// A file of a client, with what its surroundings tell.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) path: PathBuf,
    /// Files of the subagents of its session.
    pub(super) subagents: Vec<PathBuf>,
    /// Files of the subagents of its session that stand among those of others.
    pub(super) adopted: Vec<Self>,
    /// True for a file that is one value, false for lines.
    pub(super) is_document: bool,
    pub(super) n_bytes: u64,
    /// Time of its last change.
    pub(super) at: Timestamp,
    session: Box<str>,
    folder: Option<Box<str>>,
}

impl Kept {
    /// Returns what the file tells besides its content.
    pub(super) fn place(&self) -> Place {
        Place { session: self.session.clone(), folder: self.folder.clone(), at: self.at }
    }
}

/// Finds the files of a client in these places, or where it keeps them.
///
/// # Errors
///
/// [`Failure`] for a place that cannot be read, and for a client whose place has to be named.
pub(super) fn find(
    client: Client,
    paths: &[PathBuf],
    settings: &Settings,
) -> Result<Vec<Kept>, Failure> {
    let roots = if paths.is_empty() { vec![home_of(client, settings)?] } else { paths.to_vec() };
    let mut found = Vec::new();
    for root in roots {
        let metadata =
            fs::metadata(&root).map_err(|error| missing(client, paths, &root, &error))?;
        if metadata.is_dir() {
            walk(client, &root, 0, &mut found)?;
        } else {
            found.extend(kept(client, &root, true));
        }
    }
    found.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
    Ok(found)
}

/// Puts the files of Codex' subagents to those of the sessions that began them, which are among
/// these or all; one whose parent is not here stays by itself.
pub(super) fn adopt(files: Vec<Kept>, all: &[PathBuf]) -> Vec<Kept> {
    let parent = |file: &Kept| memory_capture::parent_thread(fs::File::open(&file.path).ok()?);
    // The name of a rollout ends with its thread.
    let is_of = |path: &Path, thread: &str| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.split('.').next().is_some_and(|stem| stem.ends_with(thread))
    };
    let (children, mut own): (Vec<_>, Vec<_>) =
        files.into_iter().map(|file| (parent(&file), file)).partition(|(of, _)| of.is_some());
    let mut adults: Vec<Kept> = own.drain(..).map(|(_, file)| file).collect();
    for (thread, child) in children {
        let thread = thread.unwrap_or_default();
        let found = match adults.iter().position(|adult| is_of(&adult.path, &thread)) {
            Some(at) => Some(at),
            None => all.iter().find(|path| is_of(path, &thread)).and_then(|path| {
                adults.push(kept(Client::Codex, path, true)?);
                Some(adults.len() - 1)
            }),
        };
        match found.and_then(|at| adults.get_mut(at)) {
            Some(adult) => adult.adopted.push(child),
            None => adults.push(child),
        }
    }
    adults
}

/// Returns the failure for a place that is not there: one that nobody named has a remedy.
fn missing(client: Client, paths: &[PathBuf], root: &Path, error: &io::Error) -> Failure {
    if !paths.is_empty() {
        return Failure::file(root, error);
    }
    let (root, title) = (root.display(), client.title());
    Failure::Failed(format!("{root}: {error}; {title} keeps its logs elsewhere? name that folder"))
}

/// Returns the folder in which a client keeps its sessions.
fn home_of(client: Client, settings: &Settings) -> Result<PathBuf, Failure> {
    let environment = &settings.environment;
    let under = |variable: &str, below_home: &str, below: &str| {
        let base = environment.path(variable);
        let base = base.or_else(|| environment.home().map(|home| home.join(below_home)));
        base.map(|base| base.join(below))
    };
    let folder = match client {
        Client::ClaudeCode => under("CLAUDE_CONFIG_DIR", ".claude", "projects"),
        Client::Codex => under("CODEX_HOME", ".codex", "sessions"),
        Client::Copilot => under("COPILOT_HOME", ".copilot", "session-state"),
        Client::Gemini => under("GEMINI_CLI_HOME", "", ".gemini/tmp"),
        Client::Cursor => under("", ".cursor", "projects"),
        Client::Cline => under("", ".cline", "data/sessions"),
        _ => None,
    };
    folder.ok_or_else(|| {
        let title = client.title();
        Failure::Usage(format!("{title} keeps its logs in no known place: name files or folders"))
    })
}

/// Returns the clients that keep sessions on this machine.
pub(super) fn present(settings: &Settings) -> Vec<Client> {
    let is_here = |client: &Client| home_of(*client, settings).is_ok_and(|folder| folder.is_dir());
    Client::ALL.iter().copied().filter(is_here).collect()
}

/// Looks through a folder. One below the named one that cannot be read is passed by: it is not the
/// client's.
fn walk(client: Client, folder: &Path, depth: usize, found: &mut Vec<Kept>) -> Result<(), Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if depth == 0 => return Err(Failure::file(folder, &error)),
        Err(_) => return Ok(()),
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        // Links are not followed: they lead out of the folder, or in circles.
        if kind.is_dir() && depth < MAX_DEPTH && entry.file_name() != "subagents" {
            walk(client, &path, depth + 1, found)?;
        } else if kind.is_file() {
            found.extend(kept(client, &path, false));
        }
    }
    Ok(())
}

/// Returns a file if it may be one of the client's; a named one always is.
fn kept(client: Client, path: &Path, is_named: bool) -> Option<Kept> {
    let name = path.file_name()?.to_str()?;
    let plain = [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed));
    let plain = plain.unwrap_or(name);
    let extension = plain.rsplit('.').next().unwrap_or_default();
    let is_lines = extension == "jsonl";
    let is_it = match client {
        Client::ClaudeCode => is_lines,
        Client::Codex => plain.starts_with("rollout-") && is_lines,
        Client::Copilot => plain == "events.jsonl",
        Client::Gemini => plain.starts_with("session-"),
        Client::Cursor => is_lines && path.to_string_lossy().contains("agent-transcripts"),
        Client::Cline | Client::Roo => {
            plain == "api_conversation_history.json" || plain.ends_with(".messages.json")
        }
        Client::MiniSweAgent => plain.ends_with(".traj.json"),
        Client::SweAgent => extension == "traj",
        Client::OpenHands | Client::OpenCode | Client::Atif => extension == "json",
        _ => false,
    };
    if !is_it && !is_named {
        return None;
    }
    let metadata = fs::metadata(path).ok()?;
    let at = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let stem = plain.split(".traj").next().unwrap_or(plain);
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let parent = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let session = match client {
        Client::Cline | Client::Roo | Client::Copilot => parent.unwrap_or(stem),
        _ => stem,
    };
    let subagents = match (client, path.parent()) {
        (Client::ClaudeCode, Some(folder)) => lines_in(&folder.join(stem).join("subagents")),
        _ => Vec::new(),
    };
    Some(Kept {
        is_document: match client {
            Client::Gemini => !is_lines,
            Client::ClaudeCode | Client::Codex | Client::Copilot | Client::Cursor => false,
            _ => true,
        },
        n_bytes: metadata.len(),
        at: Timestamp::from_millis(i64::try_from(at.as_millis()).ok()?),
        session: session.into(),
        folder: folder_of(client, path, session),
        subagents,
        adopted: Vec::new(),
        path: path.to_owned(),
    })
}

fn lines_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect()
}

/// Returns the working folder where it stands beside the file and not in it.
fn folder_of(client: Client, path: &Path, session: &str) -> Option<Box<str>> {
    let parent = path.parent()?;
    let root = parent.parent()?;
    match client {
        Client::Gemini => {
            let root = fs::read_to_string(root.join(".project_root")).ok()?;
            Some(root.trim().into())
        }
        Client::Roo => {
            memory_capture::task_folder(&fs::read(parent.join("history_item.json")).ok()?, session)
        }
        Client::Cline => {
            let index = root.parent()?.join("state/taskHistory.json");
            memory_capture::task_folder(&fs::read(index).ok()?, session)
        }
        _ => None,
    }
}
