//! Targets: the files, tables, addresses and things that the steps of an episode read and changed.
//!
//! Nothing here knows a client or a tool. What a target is follows from the form of names and
//! values: a word that looks like a file, a table in SQL, an address, an argument whose name ends
//! in `id`. Command lines and patches are read (`shell.rs`, `patch.rs`), since most of the work of
//! an agent is done in these.

mod arguments;
mod patch;
mod path;
mod shell;
mod statement;
mod written;

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::action::{COMMANDS, STATEMENTS, head, keyword, step_name};
use super::members::{members, unquoted};
use crate::learn::text::one_line;
use crate::model::Step;
pub(crate) use arguments::words as name_words;
use arguments::{Role, command_line, is_changing, leaves, role};
use shell::{Command, Touch};
pub(crate) use written::written;

/// Most targets that are kept of those that were changed, and of those that were only read.
const MAX_CHANGED: usize = 12;
const MAX_READ: usize = 12;

/// Most calls that are kept: the last ones.
const MAX_CALLS: usize = 4;

/// Bytes of arguments and observations that are read.
const MAX_TEXT_BYTES: usize = 16_384;

/// Longest texts of a call, an address, and of a thing that is named in words, in bytes.
const CALL_BYTES: usize = 100;
const ADDRESS_BYTES: usize = 100;
const TERM_BYTES: usize = 48;

/// Kind of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TargetKind {
    /// A file, named from the project's folder where that is known.
    File,
    /// A table of a database.
    Table,
    /// An address of the network, without scheme and query.
    Address,
    /// Something that is known by an id.
    Id,
    /// Something that is meant by its name or by words.
    Term,
}

/// A target of an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: TargetKind,
    pub(crate) name: Box<str>,
    pub(crate) is_changed: bool,
}

/// Something that was run, with its last result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallResult {
    pub(crate) text: Box<str>,
    pub(crate) is_ok: bool,
    /// Number of times that it was run.
    pub(crate) n: u32,
}

/// Finds the targets of steps, changed ones first, and the last calls that did something.
pub(super) fn look(steps: &[Step]) -> (Vec<Target>, Vec<CallResult>) {
    let mut seen = Sightings::default();
    if let [before @ .., last] = steps {
        for step in before {
            seen.take(step);
        }
        seen.is_answer = members(last.args.as_str()).count() == 1;
        seen.take(last);
    }
    // Where all calls only looked, the last one is what was done.
    if seen.calls.is_empty()
        && let Some(last) = steps.iter().rev().find(|step| has_arguments(step))
    {
        seen.call(&call_line(last), last.ok);
    }
    let calls = seen.calls.split_off(seen.calls.len().saturating_sub(MAX_CALLS));
    (seen.targets(), calls)
}

fn has_arguments(step: &Step) -> bool {
    !matches!(step.args.as_str().trim(), "" | "{}" | "[]" | "null" | "\"\"")
}

/// Returns what a step ran, in one line: a command, a statement, or the name of the tool with what
/// it was given first.
pub(super) fn call_line(step: &Step) -> String {
    let args = head(step.args.as_str(), MAX_TEXT_BYTES);
    let line = match command_line(args) {
        Some(line) => shell::commands(&line)
            .iter()
            .rev()
            .find_map(Command::action)
            .unwrap_or(line.into_owned()),
        None => match statement(args) {
            Some(statement) => statement.into_owned(),
            None => named_call(step),
        },
    };
    one_line(&line, CALL_BYTES).unwrap_or_else(|| step_name(step))
}

/// Returns the command line of a step as a whole, with the variables that it sets.
pub(super) fn whole_line(step: &Step) -> String {
    let line = command_line(head(step.args.as_str(), MAX_TEXT_BYTES));
    line.and_then(|line| one_line(&line, CALL_BYTES)).unwrap_or_else(|| call_line(step))
}

/// Returns the name of a step's tool with what it was given first, besides what the name says.
fn named_call(step: &Step) -> String {
    let (args, name) = (head(step.args.as_str(), MAX_TEXT_BYTES), step_name(step));
    let action = name.split_once(':').map_or("", |(_, action)| action);
    let mut given = members(args).filter_map(|(_, raw)| unquoted(raw));
    let first = given.find(|value| value != action).unwrap_or_default();
    format!("{name} {first}")
}

/// Returns the statement of a query language among the arguments, if there is one.
fn statement(args: &str) -> Option<Cow<'_, str>> {
    let texts = members(args).filter(|(name, _)| STATEMENTS.contains(name));
    texts.filter_map(|(_, raw)| unquoted(raw)).find(|text| keyword(text).is_some())
}

/// A target with what was done to it.
#[derive(Debug)]
struct Sighting {
    kind: TargetKind,
    name: String,
    n_read: u32,
    n_changed: u32,
    /// It was written before anything read it: it may be new.
    is_new: bool,
    is_removed: bool,
    /// A diff of the work shows it.
    is_in_diff: bool,
}

/// Everything that was seen in the steps so far.
#[derive(Debug, Default)]
struct Sightings {
    all: Vec<Sighting>,
    places: FxHashMap<(TargetKind, String), usize>,
    /// Absolute folders that command lines changed to, with their number.
    folders: Vec<(String, u32)>,
    calls: Vec<CallResult>,
    /// Number of times that a file was changed.
    n_file_changes: u32,
    /// True at a last step with one argument: where that is in words, it is an answer that was
    /// handed in.
    is_answer: bool,
}

impl Sightings {
    fn take(&mut self, step: &Step) {
        let args = head(step.args.as_str(), MAX_TEXT_BYTES).trim();
        if !args.starts_with(['{', '[']) {
            if patch::is_patch(args) {
                self.patch(args, "", false);
            } else {
                self.line(args, step);
            }
            return;
        }
        let line = command_line(args);
        let is_line = line.as_ref().is_some_and(|line| line.trim().contains(char::is_whitespace));
        if let Some(line) = line.as_ref().filter(|_| is_line) {
            self.line(line, step);
        }
        if let Some(statement) = statement(args) {
            if step.ok {
                statement::tables(&statement, |table, is_changed| {
                    let touch = if is_changed { Touch::Changed } else { Touch::Read };
                    self.touch(TargetKind::Table, table.to_owned(), touch);
                });
            }
            self.call(&statement, step.ok);
        }
        // A tool with several functions may name the one as its command.
        let function = line.filter(|_| !is_line);
        let action = step.action.as_deref().or(function.as_deref());
        let is_changing = is_changing(&step.tool, action, args);
        let n_file_changes = self.n_file_changes;
        if step.ok {
            let touch = if is_changing { Touch::Changed } else { Touch::Read };
            leaves(args, &mut |name, value| self.value(name, &value, touch));
        }
        // An edit that was made is told by its file.
        let is_told = self.n_file_changes > n_file_changes;
        if is_changing && !is_line && !is_told {
            self.call(&step_name(step), step.ok);
        }
    }

    /// Takes an argument that is neither a command line nor a statement.
    fn value(&mut self, name: &str, text: &str, touch: Touch) {
        let is_statement = STATEMENTS.contains(&name) && keyword(text).is_some();
        if is_statement || COMMANDS.contains(&name) {
            return;
        }
        let text = text.trim();
        if text.contains('\n') || text.len() > MAX_VALUE_BYTES {
            if patch::is_patch(text) {
                self.patch(text, "", false);
            } else if CODE.contains(&name) {
                self.code(text, "");
            }
            return;
        }
        let role = role(name);
        if let Some(address) = address(text) {
            self.touch(TargetKind::Address, address.to_owned(), touch);
        } else if role == Role::File && path::is_plain(text)
            || path::is_file(text) && (text.contains('/') || role == Role::Term)
        {
            self.touch(TargetKind::File, path::join("", text), touch);
        } else if role == Role::Table && is_word(text) {
            self.touch(TargetKind::Table, text.to_owned(), touch);
        } else if role == Role::Id && is_word(text) {
            self.touch(TargetKind::Id, format!("{name} {text}"), touch);
        } else if role == Role::Term && !self.is_answer && (1..=TERM_BYTES).contains(&text.len()) {
            self.touch(TargetKind::Term, text.to_owned(), touch);
        }
    }

    /// Takes a command line.
    fn line(&mut self, line: &str, step: &Step) {
        let commands = shell::commands(line);
        let mut folder = String::new();
        for (i, command) in commands.iter().enumerate() {
            if let Some(to) = command.folder() {
                folder = path::join(&folder, to);
                self.enter(&folder);
                continue;
            }
            // Of several commands the last one failed; what went before was done.
            let is_ok = step.ok || i + 1 < commands.len();
            match &command.document {
                Some(text) if command.applies() && is_ok => self.patch(text, &folder, false),
                _ => {}
            }
            if let Some(code) = command.code() {
                self.code(code, &folder);
            }
            command.files(|name, touch| {
                if is_ok || touch == Touch::Read {
                    self.touch(TargetKind::File, path::join(&folder, name), touch);
                }
            });
            if step.ok && command.shows_changes() {
                self.patch(head(step.observation.as_str(), MAX_TEXT_BYTES), "", true);
            }
            if let Some(action) = command.action() {
                self.call(&action, is_ok);
            }
        }
    }

    fn patch(&mut self, text: &str, folder: &str, is_diff: bool) {
        for name in patch::changed(text).filter(|name| path::is_plain(name)) {
            let at = self.touch(TargetKind::File, path::join(folder, name), Touch::Changed);
            if let Some(sighting) = self.all.get_mut(at) {
                sighting.is_in_diff |= is_diff;
                // A diff shows what was written before.
                sighting.is_removed = false;
            }
        }
    }

    /// Takes code that the agent runs: the files that its texts in quotes name.
    fn code(&mut self, code: &str, folder: &str) {
        let files: Vec<(&str, bool)> = quoted_files(code).collect();
        let is_only = files.iter().all(|(file, _)| files.first().is_some_and(|(f, _)| f == file));
        let writes = ["write(", "write_text(", "writelines(", "writeFile"];
        let is_written = is_only && writes.iter().any(|call| code.contains(call));
        for (file, is_opened_to_write) in files {
            let is_changed = is_opened_to_write || is_written;
            let touch = if is_changed { Touch::Changed } else { Touch::Read };
            // `a.b` in code is a module or a member as often as a file.
            if is_changed || file.contains('/') {
                self.touch(TargetKind::File, path::join(folder, file), touch);
            }
        }
    }

    fn enter(&mut self, folder: &str) {
        if !folder.starts_with('/') || folder.len() < 2 || path::is_outside(&format!("{folder}/")) {
            return;
        }
        match self.folders.iter_mut().find(|(known, _)| known == folder) {
            Some((_, n)) => *n += 1,
            None => self.folders.push((folder.to_owned(), 1)),
        }
    }

    /// Notes what was done to a target; returns its place.
    fn touch(&mut self, kind: TargetKind, name: String, touch: Touch) -> usize {
        let next = self.all.len();
        let at = *self.places.entry((kind, name.clone())).or_insert(next);
        if at == next {
            self.all.push(Sighting {
                kind,
                name,
                n_read: 0,
                n_changed: 0,
                is_new: touch == Touch::Changed,
                is_removed: false,
                is_in_diff: false,
            });
        }
        if kind == TargetKind::File && touch == Touch::Changed {
            self.n_file_changes = self.n_file_changes.saturating_add(1);
        }
        if let Some(sighting) = self.all.get_mut(at) {
            sighting.is_removed = touch == Touch::Removed;
            match touch {
                Touch::Read => sighting.n_read += 1,
                Touch::Changed => sighting.n_changed += 1,
                Touch::Removed => {}
            }
        }
        at
    }

    fn call(&mut self, text: &str, is_ok: bool) {
        let Some(text) = one_line(text, CALL_BYTES) else { return };
        let known = self.calls.iter().position(|call| *call.text == *text);
        let n = known.map_or(0, |at| self.calls.remove(at).n);
        self.calls.push(CallResult { text: text.into(), is_ok, n: n.saturating_add(1) });
    }

    /// Gives each file one name, and puts the targets in order: changed ones in the order in which
    /// they were met, then those that were only read, most often read first.
    fn targets(mut self) -> Vec<Target> {
        self.name_from_root();
        let has_diff = self.all.iter().any(|sighting| sighting.is_in_diff);
        let is_scratch = |s: &Sighting| {
            let is_made = s.is_new && has_diff && !s.is_in_diff;
            s.kind == TargetKind::File && (s.is_removed || is_made || path::is_outside(&s.name))
        };
        let (mut changed, mut read): (Vec<Sighting>, Vec<Sighting>) =
            self.all.into_iter().filter(|s| !is_scratch(s)).partition(|s| s.n_changed > 0);
        // What a diff shows was changed for certain; tests go with what they test.
        changed.sort_by_key(|s| (!s.is_in_diff, s.kind, is_test(&s.name)));
        read.sort_by_key(|s| (s.kind, std::cmp::Reverse(s.n_read)));
        changed.truncate(MAX_CHANGED);
        read.truncate(MAX_READ);
        let target =
            |s: Sighting| Target { kind: s.kind, is_changed: s.n_changed > 0, name: s.name.into() };
        changed.into_iter().chain(read).map(target).collect()
    }

    /// Names files from the folder of the project, where command lines or other names show it.
    fn name_from_root(&mut self) {
        let root =
            self.folders.iter().rev().max_by_key(|(_, n)| *n).map(|(folder, _)| folder.clone());
        let relative: Vec<String> = self
            .all
            .iter()
            .filter(|s| s.kind == TargetKind::File && !s.name.starts_with('/'))
            .map(|s| s.name.clone())
            .collect();
        let mut places: FxHashMap<String, usize> = FxHashMap::default();
        let mut named: Vec<Sighting> = Vec::with_capacity(self.all.len());
        for mut sighting in std::mem::take(&mut self.all) {
            if sighting.kind != TargetKind::File {
                named.push(sighting);
                continue;
            }
            if sighting.name.starts_with('/') {
                let below = root.as_ref().and_then(|root| path::below(&sighting.name, root));
                let tail = || {
                    relative.iter().find(|name| {
                        name.contains('/')
                            && sighting
                                .name
                                .strip_suffix(name.as_str())
                                .is_some_and(|f| f.ends_with('/'))
                    })
                };
                if let Some(name) = below.map(ToOwned::to_owned).or_else(|| tail().cloned()) {
                    sighting.name = name;
                }
            }
            let known = places.get(&sighting.name).and_then(|at| named.get_mut(*at));
            if let Some(known) = known {
                known.merge(&sighting);
            } else {
                places.insert(sighting.name.clone(), named.len());
                named.push(sighting);
            }
        }
        self.all = named;
    }
}

impl Sighting {
    fn merge(&mut self, other: &Self) {
        self.n_read += other.n_read;
        self.n_changed += other.n_changed;
        self.is_new &= other.is_new;
        self.is_removed &= other.is_removed;
        self.is_in_diff |= other.is_in_diff;
    }
}

/// Names of arguments that hold code which is run.
const CODE: [&str; 4] = ["code", "source", "python", "input"];

/// Longest value that can name a target, in bytes.
const MAX_VALUE_BYTES: usize = 200;

/// Returns whether a file is a test, by its name: where work is checked, not where it is done.
pub(crate) fn is_test(path: &str) -> bool {
    path.split(['/', '.']).any(|part| {
        let mut words = arguments::words(part);
        words.any(|word| {
            ["test", "tests", "spec", "specs"].iter().any(|t| t.eq_ignore_ascii_case(word))
        })
    })
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= TERM_BYTES && !text.contains(char::is_whitespace)
}

/// Returns an address without its scheme, its query and its fragment.
fn address(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let end = rest.find(['?', '#', ' ']).unwrap_or(rest.len());
    let address = rest.get(..end)?.trim_end_matches('/');
    (!address.is_empty() && address.len() <= ADDRESS_BYTES).then_some(address)
}

/// Returns the files that texts in quotes name, each with whether it is opened to be written.
fn quoted_files(code: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = code;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(['"', '\''])?;
            let quote = rest.get(start..)?.chars().next()?;
            let inside = rest.get(start + 1..)?;
            let end = inside.find([quote, '\n'])?;
            let text = inside.get(..end)?;
            let after = inside.get(end + 1..)?;
            if !path::is_file(text) {
                // The quote may have been the end of another text.
                rest = inside;
                continue;
            }
            rest = after;
            let mode = after.trim_start().strip_prefix(',').map(str::trim_start);
            let mode = mode.map(|mode| mode.trim_start_matches("mode="));
            let is_written = mode.is_some_and(|mode| {
                ["'w", "\"w", "'a", "\"a"].iter().any(|start| mode.starts_with(start))
            });
            return Some((text, is_written));
        }
    })
}

#[cfg(test)]
mod tests;
