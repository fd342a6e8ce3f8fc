//! Selection of the records that a command is about.

use memory_core::{
    Clock, ListEntry, Memory, NoteKind, Outcome, RecordFilter, RecordId, RecordKind, Status,
    SystemClock,
};

use super::instant;
use super::output::Failure;
use crate::config::Settings;

/// Records that are listed at once when all are wanted.
const PAGE: usize = 1_000;

/// Conditions, all of which must hold.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Which records")]
pub(crate) struct FilterArgs {
    /// episode, note, or the kind of note: lesson, fact, preference, decision, reference, turn
    #[arg(long, value_parser = kind)]
    kind: Option<Kind>,
    /// Episodes with this outcome: success, partial, failure, abstained
    #[arg(long, value_parser = outcome)]
    outcome: Option<Outcome>,
    /// Episodes in this state: open, completed, abandoned
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// Records with this tag
    #[arg(long)]
    tag: Option<Box<str>>,
    /// From this time on: 2026-03-31, 2026-03-31T14:00:00Z, 12h, 7d, 2w
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Up to this time; a date is in it
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Leave out notes that are superseded
    #[arg(long)]
    current: bool,
}

/// Value of `--kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Episodes or notes.
    Record(RecordKind),
    /// Notes of one kind.
    Note(NoteKind),
}

/// Reads the value of a `--kind` that may name episodes too.
pub(crate) fn kind(name: &str) -> Result<Kind, String> {
    match name.to_ascii_lowercase().as_str() {
        "episode" | "episodes" => Ok(Kind::Record(RecordKind::Episode)),
        "note" | "notes" => Ok(Kind::Record(RecordKind::Note)),
        name => note_kind(name).map(Kind::Note).map_err(|error| format!("episode, note, {error}")),
    }
}

/// Reads the name of a kind of note.
pub(crate) fn note_kind(name: &str) -> Result<NoteKind, String> {
    NoteKind::from_name(name).ok_or_else(|| names(NoteKind::ALL.iter().map(|k| k.name())))
}

/// Reads the name of an outcome.
pub(crate) fn outcome(name: &str) -> Result<Outcome, String> {
    Outcome::from_name(name).ok_or_else(|| names(Outcome::ALL.iter().map(|o| o.name())))
}

fn status(name: &str) -> Result<Status, String> {
    Status::from_name(name).ok_or_else(|| names(Status::ALL.iter().map(|s| s.name())))
}

fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    format!("{} are the possible values", names.join(", "))
}

/// Conditions in the words of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// Kinds of records that can pass.
    pub(crate) kinds: Vec<RecordKind>,
    /// The conditions.
    pub(crate) filter: RecordFilter,
}

impl FilterArgs {
    /// Returns whether nothing is asked for but a scope.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { kind, outcome, status, tag, since, until, current } = self;
        kind.is_none()
            && outcome.is_none()
            && status.is_none()
            && tag.is_none()
            && since.is_none()
            && until.is_none()
            && !current
    }

    /// Returns the conditions, with the scope of `--scope`.
    pub(crate) fn selection(&self, settings: &Settings) -> Result<Selection, Failure> {
        let (kinds, note_kind) = match self.kind {
            Some(Kind::Record(kind)) => (vec![kind], None),
            Some(Kind::Note(kind)) => (vec![RecordKind::Note], Some(kind)),
            None => (vec![RecordKind::Episode, RecordKind::Note], None),
        };
        let now = SystemClock.now();
        let filter = RecordFilter {
            scope: settings.scope_condition(),
            ids: None,
            tail: None,
            status: self.status,
            outcome: self.outcome,
            note_kind,
            tag: self.tag.clone(),
            since: instant::bound(self.since.as_deref())?.map(|bound| bound.since(now)),
            until: instant::bound(self.until.as_deref())?.map(|bound| bound.until(now)),
            current_only: self.current,
        };
        Ok(Selection { kinds, filter })
    }
}

impl Selection {
    /// Lists the newest records of all kinds together, after `cursor`.
    pub(crate) fn page(
        &self,
        memory: &Memory,
        cursor: Option<ListEntry>,
        limit: usize,
    ) -> Result<Vec<ListEntry>, Failure> {
        let mut entries = Vec::new();
        for kind in &self.kinds {
            // The order compares time and bytes of the id, so a cursor serves the other kind as
            // well.
            let cursor = cursor.map(|entry| ListEntry {
                id: RecordId::from_bytes(*kind, entry.id.to_bytes()),
                at: entry.at,
            });
            entries.extend(memory.list(*kind, &self.filter, cursor, limit)?);
        }
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.id.to_bytes())));
        entries.truncate(limit);
        Ok(entries)
    }

    /// Lists the ids of all records of one kind, in the order in which they were stored.
    pub(crate) fn all(&self, memory: &Memory, kind: RecordKind) -> Result<Vec<RecordId>, Failure> {
        let mut ids = Vec::new();
        let mut cursor = None;
        while self.kinds.contains(&kind) {
            let page = memory.list(kind, &self.filter, cursor, PAGE)?;
            ids.extend(page.iter().map(|entry| entry.id));
            match page.last() {
                Some(last) if page.len() == PAGE => cursor = Some(*last),
                _ => break,
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }
}
