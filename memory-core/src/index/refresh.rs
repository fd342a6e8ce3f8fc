//! From the change feed to the index; the first load is a refresh from position 0.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use super::columns::{Facts, Place};
use super::unit::{self, MAX_ERRORS, Part, UnitText, WINDOW_STEPS};
use super::{Contents, RecordNo, Semantic, UnitNo};
use crate::model::{Episode, HitKind, Note, NoteKind, RecordId, Step};
use crate::storage::{Follower, Seq, StepRange, Storage, StorageError, StoredVector, VectorRow};

/// Records that are read at once.
const PAGE_RECORDS: usize = 64;

/// Steps of an episode that are read at once: a multiple of the window, small enough that a page of
/// the largest steps stays within some tens of megabytes.
const PAGE_STEPS: u32 = 8 * WINDOW_STEPS;

/// Vectors that are read at once.
const PAGE_VECTORS: usize = 512;

/// Positions of vectors, used and unused, that are tried for one that can be read.
const MAX_GAP: u64 = 1 << 40;

/// Takes in all changes that the contents do not know, unless `abandoned`, which is set once it is
/// `until`; gives their number. Vectors come after all changes.
///
/// The contents are locked only while records that were read before are entered.
pub(super) fn catch_up(
    contents: &RwLock<Contents>,
    storage: &dyn Storage,
    abandoned: &AtomicBool,
    until: Option<Instant>,
) -> Result<usize, StorageError> {
    let seq = contents.read().unwrap_or_else(PoisonError::into_inner).seq;
    let lock = || contents.write().unwrap_or_else(PoisonError::into_inner);
    let feed = Follower { storage, page_size: PAGE_RECORDS, with_notes: true, abandoned };
    let n_changes = feed.follow(seq, |page| {
        {
            let mut contents = lock();
            for id in page.removed {
                contents.remove(id);
            }
            for note in &page.notes {
                contents.put_note(note);
            }
        }
        put_episodes(&page.episodes, storage, lock)?;
        lock().advance(page.seq);
        let is_over = until.is_some_and(|until| Instant::now() >= until);
        abandoned.fetch_or(is_over, Ordering::Relaxed);
        Ok(())
    })?;
    pull_vectors(contents, storage, abandoned)?;
    Ok(n_changes)
}

/// Takes in the vectors that were stored since the last time, by this process or another.
///
/// What cannot be read of them leaves its units without a vector, so that they are embedded again.
fn pull_vectors(
    contents: &RwLock<Contents>,
    storage: &dyn Storage,
    abandoned: &AtomicBool,
) -> Result<(), StorageError> {
    let known = |contents: &Contents| {
        contents.semantic.as_ref().map(|semantic| (semantic.model().to_owned(), semantic.seq()))
    };
    let known = known(&contents.read().unwrap_or_else(PoisonError::into_inner));
    let Some((model, mut seq)) = known else { return Ok(()) };
    let mut limit = PAGE_VECTORS;
    loop {
        let rows = match storage.vectors(&model, seq, limit) {
            Ok(rows) => rows,
            // The last row that can be read, or the next that cannot, is found one by one.
            Err(StorageError::Corrupt { .. }) if limit > 1 => {
                limit = 1;
                continue;
            }
            Err(error @ StorageError::Corrupt { .. }) => {
                let Some(next) = past_damage(storage, &model, seq)? else {
                    fail_vectors(contents, Some(error.to_string()));
                    return Ok(());
                };
                tracing::warn!(%error, "a stored vector is passed over, its text embedded again");
                seq = next;
                limit = PAGE_VECTORS;
                put_vectors(contents, &[], seq);
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(last) = rows.last().filter(|_| !abandoned.load(Ordering::Relaxed)) else {
            fail_vectors(contents, None);
            return Ok(());
        };
        seq = last.seq;
        put_vectors(contents, &rows, seq);
    }
}

/// Enters vectors, which are all up to that position.
fn put_vectors(contents: &RwLock<Contents>, rows: &[VectorRow], seq: u64) {
    let mut contents = contents.write().unwrap_or_else(PoisonError::into_inner);
    for row in rows {
        contents.put_vector(&row.vector);
    }
    if let Some(semantic) = &mut contents.semantic {
        semantic.advance(seq);
    }
}

/// Notes why no further vectors can be read, or that they can.
fn fail_vectors(contents: &RwLock<Contents>, failure: Option<String>) {
    let known = contents.read().unwrap_or_else(PoisonError::into_inner);
    let same = |semantic: &Semantic| semantic.failure() == failure.as_deref();
    if known.semantic.as_ref().is_none_or(same) {
        return;
    }
    drop(known);
    if let Some(failure) = &failure {
        tracing::warn!(failure, "no further vectors can be read");
    }
    let mut contents = contents.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(semantic) = &mut contents.semantic {
        semantic.set_failure(failure.map(Into::into));
    }
}

/// The position from which on vectors can be read again, when the next after `seq` cannot; `None`
/// when there is none. Cost: some tens of reads of one row.
fn past_damage(storage: &dyn Storage, model: &str, seq: u64) -> Result<Option<u64>, StorageError> {
    let readable = |step: u64| match storage.vectors(model, seq.saturating_add(step), 1) {
        Ok(_) => Ok(true),
        Err(StorageError::Corrupt { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    let (mut damaged, mut sound) = (0, 1_u64);
    while !readable(sound)? {
        if sound >= MAX_GAP {
            return Ok(None);
        }
        (damaged, sound) = (sound, sound * 2);
    }
    while sound - damaged > 1 {
        let middle = damaged + (sound - damaged) / 2;
        if readable(middle)? {
            sound = middle;
        } else {
            damaged = middle;
        }
    }
    Ok(Some(seq.saturating_add(sound)))
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
        self.spared.clear();
    }

    fn remove(&mut self, id: RecordId) {
        if let Some((record, _)) = self.columns.find(id) {
            self.drop_units(record, |_| true);
            self.columns.remove(record);
        }
    }

    /// Takes units out that are about to be entered again, most of them with the text that they
    /// have.
    fn renew_units(&mut self, record: RecordNo, gone: impl Fn(Part) -> bool) {
        if let (Some(facts), Some(semantic)) = (self.columns.facts(record), &self.semantic) {
            let spare = |unit: &UnitNo| {
                let part = self.columns.place(*unit)?.part;
                let (hash, vector) =
                    Some(*unit).filter(|_| gone(part)).and_then(|unit| semantic.get(unit))?;
                Some((facts.id, part, hash, vector))
            };
            self.spared.extend(facts.units.iter().filter_map(spare));
        }
        self.drop_units(record, gone);
    }

    fn drop_units(&mut self, record: RecordNo, gone: impl Fn(Part) -> bool) {
        for unit in self.columns.drop_units(record, gone) {
            self.n_changed += 1;
            self.lexical.remove(unit);
            if let Some(semantic) = &mut self.semantic {
                semantic.remove(unit);
            }
        }
    }

    fn add_unit(&mut self, place: Place, text: &UnitText) {
        let unit = self.columns.add_unit(place);
        self.n_changed += 1;
        self.lexical.put(unit, &text.words);
        let Some(semantic) = &mut self.semantic else { return };
        let hash = semantic.expect(unit, text.meaning());
        let id = self.columns.facts(place.record).map(|facts| facts.id);
        let same = |spared: &&(RecordId, Part, u64, Vec<f32>)| {
            Some(spared.0) == id && spared.1 == place.part && spared.2 == hash
        };
        if let Some((.., vector)) = self.spared.iter().find(same) {
            semantic.put(unit, hash, vector);
        }
    }

    /// Gives a unit its vector, if it is still the one that the vector was made for.
    pub(super) fn put_vector(&mut self, stored: &StoredVector) {
        let part = Part::from_code(stored.unit.part);
        let unit = self.columns.find(stored.unit.record).and_then(|(_, facts)| {
            let is_part =
                |unit: &&UnitNo| self.columns.place(**unit).is_some_and(|place| place.part == part);
            facts.units.iter().find(is_part).copied()
        });
        if let (Some(unit), Some(semantic)) = (unit, &mut self.semantic) {
            let is_new = semantic.put(unit, stored.content_hash, &stored.vector);
            self.n_changed += usize::from(is_new);
        }
    }

    fn put_note(&mut self, note: &Note) {
        if let Some((record, _)) = self.columns.find(note.id.into()) {
            self.renew_units(record, |_| true);
            self.columns.remove(record);
        }
        let columns = &mut self.columns;
        let scope = columns.name(Some(note.scope.as_str()));
        let tags = note.tags.iter().map(|tag| columns.name(Some(tag))).collect();
        // Only what was said in turn has neighbours; other notes of a session merely share an
        // origin.
        let turns = note.session.as_ref().filter(|_| note.kind == NoteKind::Turn);
        let session = turns.map(|session| columns.session(scope, session));
        let speaker = columns.speaker(note.speaker.as_deref());
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
            team: note.author.is_some(),
            n_steps_done: 0,
            head_hash: unit::text_key(note.text.as_str()),
            feedback: note.feedback,
            units: Vec::with_capacity(1),
        });
        let place = Place { record, part: Part::Head, session, position: note.position, speaker };
        self.add_unit(place, &unit::note_text(note));
    }

    /// Enters all of an episode but its steps; gives the position from which steps are still to be
    /// put.
    fn put_episode(&mut self, episode: &Episode) -> (RecordNo, u32) {
        let text = unit::head_text(episode);
        let synopsis = unit::synopsis_text(episode);
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
            team: episode.author.is_some(),
            n_steps_done: 0,
            head_hash: unit::content_hash(&text.words),
            feedback: episode.feedback,
            units: Vec::new(),
        };
        let hash = facts.head_hash;
        let known = columns.find(facts.id);
        let known = known.map(|(record, known)| (record, known.n_steps_done, known.head_hash));
        let is_same = known.is_some_and(|(.., known)| known == hash);
        let (record, from) = match known {
            Some((record, done, _)) => {
                // The last window may have grown; the head changes when the episode ends.
                let gone = |part: Part| match part {
                    Part::Head => !is_same,
                    Part::Synopsis => true,
                    Part::Window(idx) | Part::Error(idx) => idx >= done,
                };
                self.renew_units(record, gone);
                if let Some(known) = self.columns.facts_mut(record) {
                    facts.units = std::mem::take(&mut known.units);
                    facts.n_steps_done = done;
                    *known = facts;
                }
                (record, done)
            }
            None => (columns.insert(facts), 0),
        };
        if !is_same {
            self.add_unit(Place::of_episode(record, Part::Head), &text);
        }
        if let Some(text) = synopsis {
            let place = Place::of_episode(record, Part::Synopsis);
            self.add_unit(place, &UnitText::of(text));
        }
        (record, from)
    }

    /// Enters steps that follow those which were put before.
    fn put_steps(&mut self, record: RecordNo, steps: &[Step]) {
        let mut n_errors = self.n_errors(record);
        for window in steps.chunks(WINDOW_STEPS as usize) {
            let Some(first) = window.first() else { continue };
            let part = Part::Window(first.idx);
            self.add_unit(
                Place::of_episode(record, part),
                &UnitText::of(unit::window_text(window)),
            );
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
