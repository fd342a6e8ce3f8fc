//! From the change feed to the index; the first load is a refresh from position 0.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use super::columns::{Facts, Place};
use super::unit::{self, MAX_ERRORS, Part, WINDOW_STEPS};
use super::{Contents, RecordNo};
use crate::model::{Episode, Note, RecordId, Step};
use crate::retrieve::HitKind;
use crate::storage::{ChangeOp, Seq, StepRange, Storage, StorageError};

/// Records that are read at once.
const PAGE_RECORDS: usize = 64;

/// Steps of an episode that are read at once: a multiple of the window, small enough that a page of the
/// largest steps stays within some tens of megabytes.
const PAGE_STEPS: u32 = 8 * WINDOW_STEPS;

/// Takes in all changes that the contents do not know, unless `abandoned`; gives their number.
///
/// The contents are locked only while records that were read before are entered.
pub(super) fn catch_up(
    contents: &RwLock<Contents>,
    storage: &dyn Storage,
    abandoned: &AtomicBool,
) -> Result<usize, StorageError> {
    let mut n_changes = 0;
    let mut seq = contents.read().unwrap_or_else(PoisonError::into_inner).seq;
    loop {
        let changes = storage.changes(seq, PAGE_RECORDS)?;
        let Some(last) = changes.last().filter(|_| !abandoned.load(Ordering::Relaxed)) else {
            return Ok(n_changes);
        };
        n_changes += changes.len();
        seq = last.seq;
        let (mut gone, mut episodes, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for change in &changes {
            match (change.op, change.id) {
                (ChangeOp::Remove, id) => gone.push(id),
                (ChangeOp::Put, RecordId::Episode(id)) => episodes.push(id),
                (ChangeOp::Put, RecordId::Note(id)) => notes.push(id),
            }
        }
        let notes = if notes.is_empty() { Vec::new() } else { storage.notes(&notes)? };
        let episodes =
            if episodes.is_empty() { Vec::new() } else { storage.episodes(&episodes)? };
        let lock = || contents.write().unwrap_or_else(PoisonError::into_inner);
        {
            let mut contents = lock();
            for id in gone {
                contents.remove(id);
            }
            for note in notes.iter().flatten() {
                contents.put_note(note);
            }
        }
        let episodes: Vec<Episode> = episodes.into_iter().flatten().collect();
        put_episodes(&episodes, storage, lock)?;
        lock().advance(seq);
    }
}

fn put_episodes<'a>(
    episodes: &[Episode],
    storage: &dyn Storage,
    lock: impl Fn() -> std::sync::RwLockWriteGuard<'a, Contents>,
) -> Result<(), StorageError> {
    if episodes.is_empty() {
        return Ok(());
    }
    let mut pending: Vec<(RecordNo, StepRange)> = {
        let mut contents = lock();
        let put = |episode: &Episode| {
            let (record, from) = contents.put_episode(episode);
            let range = StepRange { episode: episode.id, from, limit: PAGE_STEPS };
            (from < episode.n_steps).then_some((record, range))
        };
        episodes.iter().filter_map(put).collect()
    };
    while !pending.is_empty() {
        let ranges: Vec<StepRange> = pending.iter().map(|(_, range)| *range).collect();
        let read = storage.steps(&ranges)?;
        let mut contents = lock();
        let mut next = Vec::new();
        for ((record, range), steps) in pending.into_iter().zip(read) {
            contents.put_steps(record, &steps);
            if steps.len() == PAGE_STEPS as usize {
                next.push((record, StepRange { from: range.from + PAGE_STEPS, ..range }));
            }
        }
        pending = next;
    }
    Ok(())
}

impl Contents {
    fn advance(&mut self, seq: Seq) {
        self.seq = seq;
        self.version += 1;
    }

    fn remove(&mut self, id: RecordId) {
        if let Some((record, _)) = self.columns.find(id) {
            self.drop_units(record, |_| true);
            self.columns.remove(record);
        }
    }

    fn drop_units(&mut self, record: RecordNo, gone: impl Fn(Part) -> bool) {
        for unit in self.columns.drop_units(record, gone) {
            self.lexical.remove(unit);
        }
    }

    fn add_unit(&mut self, place: Place, text: &str) {
        let unit = self.columns.add_unit(place);
        self.lexical.put(unit, text);
    }

    fn put_note(&mut self, note: &Note) {
        self.remove(note.id.into());
        let columns = &mut self.columns;
        let scope = columns.name(Some(note.scope.as_str()));
        let tags = note.tags.iter().map(|tag| columns.name(Some(tag))).collect();
        let session = note.session.as_ref().map(|session| columns.session(scope, session));
        let record = columns.insert(Facts {
            id: note.id.into(),
            kind: HitKind::Note(note.kind),
            at: note.occurred_at,
            outcome: None,
            scope,
            task_type: 0,
            language: 0,
            tags,
            superseded: note.superseded_by.is_some(),
            n_steps_done: 0,
            units: Vec::with_capacity(1),
        });
        let place = Place { record, part: Part::Head, session, position: note.position };
        self.add_unit(place, &unit::note_text(note));
    }

    /// Enters all of an episode but its steps; gives the position from which steps are still to be put.
    fn put_episode(&mut self, episode: &Episode) -> (RecordNo, u32) {
        let columns = &mut self.columns;
        let scope = columns.name(Some(episode.scope.as_str()));
        let tags = episode.context.tags.iter().map(|tag| columns.name(Some(tag))).collect();
        let mut facts = Facts {
            id: episode.id.into(),
            kind: HitKind::Episode,
            at: episode.started_at,
            outcome: episode.outcome(),
            scope,
            task_type: columns.name(episode.context.task_type.as_deref()),
            language: columns.name(episode.context.language.as_deref()),
            tags,
            superseded: false,
            n_steps_done: 0,
            units: Vec::new(),
        };
        let known = columns.find(facts.id).map(|(record, known)| (record, known.n_steps_done));
        let (record, from) = match known {
            Some((record, done)) => {
                // The head may have a result now, and the last window may have grown.
                self.drop_units(record, |part| part.step_idx().is_none_or(|idx| idx >= done));
                if let Some(known) = self.columns.facts_mut(record) {
                    facts.units = std::mem::take(&mut known.units);
                    facts.n_steps_done = done;
                    *known = facts;
                }
                (record, done)
            }
            None => (columns.insert(facts), 0),
        };
        self.add_unit(Place::of_episode(record, Part::Head), &unit::head_text(episode));
        (record, from)
    }

    /// Enters steps that follow those which were put before.
    fn put_steps(&mut self, record: RecordNo, steps: &[Step]) {
        let mut n_errors = self.n_errors(record);
        for window in steps.chunks(WINDOW_STEPS as usize) {
            let Some(first) = window.first() else { continue };
            let part = Part::Window(first.idx);
            self.add_unit(Place::of_episode(record, part), &unit::window_text(window));
            if window.len() == WINDOW_STEPS as usize
                && let Some(facts) = self.columns.facts_mut(record)
            {
                facts.n_steps_done = first.idx + WINDOW_STEPS;
            }
            for step in window {
                if let Some(text) = unit::error_text(step)
                    && n_errors < MAX_ERRORS
                {
                    n_errors += 1;
                    let part = Part::Error(step.idx);
                    self.add_unit(Place::of_episode(record, part), &text);
                }
            }
        }
    }

    fn n_errors(&self, record: RecordNo) -> usize {
        let units = self.columns.facts(record).map_or(&[][..], |facts| &facts.units);
        let places = units.iter().filter_map(|unit| self.columns.place(*unit));
        places.filter(|place| matches!(place.part, Part::Error(_))).count()
    }
}
