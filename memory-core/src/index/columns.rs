//! Columns of the indexed units besides their terms: their records, their places, and what filters
//! ask about it.

mod coding;

use std::sync::{Arc, Mutex, PoisonError};

use memory_dense::Mask;
use rustc_hash::FxHashMap;

use super::unit::Part;
use crate::model::{EpisodeId, Feedback, HitKind, NoteId, RecordId, Timestamp};

/// Dense number of a unit; free numbers are used again.
pub(crate) type UnitNo = u32;

/// Dense number of a record; free numbers are used again.
pub(crate) type RecordNo = u32;

/// A name as a number; 0 means "has none".
pub(crate) type NameNo = u32;

/// Facts of a record that filters may ask for.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) id: RecordId,
    pub(crate) kind: HitKind,
    pub(crate) at: Timestamp,
    pub(crate) outcome: Option<crate::model::Outcome>,
    pub(crate) scope: NameNo,
    pub(crate) task_type: NameNo,
    pub(crate) language: NameNo,
    pub(crate) tags: Box<[NameNo]>,
    /// Left out of search: superseded by another.
    pub(crate) superseded: bool,
    /// Made on another machine.
    pub(crate) team: bool,
    /// Steps that lie in finished windows; indexing goes on after them.
    pub(crate) n_steps_done: u32,
    /// Hash of an episode's task and result as indexed: logging a step leaves them as they are. Of
    /// a note the key of its text: what is told again has the same.
    pub(crate) head_hash: u64,
    /// Feedback of readers.
    pub(crate) feedback: Feedback,
    /// The record's units.
    pub(crate) units: Vec<UnitNo>,
}

/// Place of a unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) record: RecordNo,
    pub(crate) part: Part,
    /// The session that a note is part of; its neighbours there speak for it.
    pub(crate) session: Option<u32>,
    /// Order within the session.
    pub(crate) position: u32,
    /// Speaker; 0 for nobody.
    pub(crate) speaker: NameNo,
}

impl Place {
    /// The place of a piece of an episode.
    pub(crate) const fn of_episode(record: RecordNo, part: Part) -> Self {
        Self { record, part, session: None, position: 0, speaker: 0 }
    }
}

/// Conditions in the index's own numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Conditions {
    pub(crate) scope: Option<NameNo>,
    pub(crate) kinds: Vec<HitKind>,
    pub(crate) outcome: Option<crate::model::Outcome>,
    pub(crate) task_type: Option<NameNo>,
    pub(crate) language: Option<NameNo>,
    pub(crate) tags: Vec<NameNo>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) except: Vec<EpisodeId>,
}

impl Conditions {
    fn pass(&self, facts: &Facts) -> bool {
        !facts.superseded
            && self.scope.is_none_or(|scope| scope == facts.scope)
            && (self.kinds.is_empty() || self.kinds.contains(&facts.kind))
            && self.outcome.is_none_or(|outcome| facts.outcome == Some(outcome))
            && self.task_type.is_none_or(|task_type| task_type == facts.task_type)
            && self.language.is_none_or(|language| language == facts.language)
            && self.tags.iter().all(|tag| facts.tags.contains(tag))
            && self.since.is_none_or(|since| since <= facts.at)
            && self.until.is_none_or(|until| facts.at < until)
            && !self.except.iter().any(|&id| facts.id == RecordId::Episode(id))
    }
}

/// Speakers that are roles and not persons: a query that has the word does not ask for them, but
/// one may by saying “I” or “you”.
const ROLES: [&str; 7] = ["user", "assistant", "system", "tool", "agent", "human", "ai"];

/// Number that stands for a name no record has: it passes nothing.
const UNKNOWN_NAME: NameNo = NameNo::MAX;

/// The table of units and records.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    names: FxHashMap<Box<str>, NameNo>,
    sessions: FxHashMap<(NameNo, Box<str>), u32>,
    /// Speakers by each word of their names, in lower case.
    speakers: FxHashMap<Box<str>, Vec<NameNo>>,
    records: Vec<Option<Facts>>,
    free_records: Vec<RecordNo>,
    numbers: FxHashMap<RecordId, RecordNo>,
    places: Vec<Option<Place>>,
    /// Unit of a note by its session and position.
    turns: FxHashMap<(u32, u32), UnitNo>,
    free_units: Vec<UnitNo>,
    masks: Masks,
}

/// Masks kept until anything changes: the same few conditions are asked again and again.
#[derive(Debug, Default)]
struct Masks(Mutex<Vec<(Conditions, Arc<Mask>)>>);

impl Masks {
    /// Number of masks that are kept.
    const MOST: usize = 4;

    /// The mask of conditions, made now if it is not known.
    fn get(&self, conditions: &Conditions, make: impl FnOnce() -> Mask) -> Arc<Mask> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |(known, _): &(Conditions, _)| known == conditions;
        if let Some((_, mask)) = lock().iter().find(|kept| known(kept)) {
            return Arc::clone(mask);
        }
        // Not under the lock: whoever asks for another mask does not wait for this one.
        let mask = Arc::new(make());
        let mut masks = lock();
        masks.insert(0, (conditions.clone(), Arc::clone(&mask)));
        masks.truncate(Self::MOST);
        mask
    }

    /// Forgets all of them: some unit may pass now that did not, or the other way round.
    fn clear(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Columns {
    /// The number of a name, given now if it is new.
    pub(crate) fn name(&mut self, name: Option<&str>) -> NameNo {
        let Some(name) = name else { return 0 };
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len() + 1).unwrap_or(UNKNOWN_NAME);
        self.names.insert(name.into(), number);
        number
    }

    /// The number of a name in a condition.
    pub(crate) fn known_name(&self, name: &str) -> NameNo {
        self.names.get(name).copied().unwrap_or(UNKNOWN_NAME)
    }

    /// The number of a session within a scope, given now if it is new.
    pub(crate) fn session(&mut self, scope: NameNo, session: &str) -> u32 {
        let next = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        *self.sessions.entry((scope, session.into())).or_insert(next)
    }

    /// The number of a speaker; from now on the words of the name are known.
    pub(crate) fn speaker(&mut self, speaker: Option<&str>) -> NameNo {
        let Some(speaker) = speaker else { return 0 };
        let role = speaker.to_lowercase();
        if ROLES.contains(&role.as_str()) {
            return self.name(Some(&role));
        }
        let number = self.name(Some(speaker));
        for word in speaker.split_whitespace() {
            let speakers = self.speakers.entry(word.to_lowercase().into()).or_default();
            if !speakers.contains(&number) {
                speakers.push(number);
            }
        }
        number
    }

    /// The speakers whose names have this word.
    pub(crate) fn speakers_named(&self, word: &str) -> &[NameNo] {
        self.speakers.get(word.to_lowercase().as_str()).map_or(&[], Vec::as_slice)
    }

    /// The units before and after a note in its session.
    pub(crate) fn neighbours(&self, unit: UnitNo) -> [Option<UnitNo>; 2] {
        let Some(Place { session: Some(session), position, .. }) = self.place(unit) else {
            return [None; 2];
        };
        let at = |position: Option<u32>| self.turns.get(&(*session, position?)).copied();
        [at(position.checked_sub(1)), at(position.checked_add(1))]
    }

    /// The record's number and facts, if it is indexed.
    pub(crate) fn find(&self, id: RecordId) -> Option<(RecordNo, &Facts)> {
        let number = *self.numbers.get(&id)?;
        Some((number, self.facts(number)?))
    }

    pub(crate) fn facts(&self, record: RecordNo) -> Option<&Facts> {
        self.records.get(record as usize)?.as_ref()
    }

    pub(crate) fn facts_mut(&mut self, record: RecordNo) -> Option<&mut Facts> {
        self.masks.clear();
        self.records.get_mut(record as usize)?.as_mut()
    }

    pub(crate) fn place(&self, unit: UnitNo) -> Option<&Place> {
        self.places.get(unit as usize)?.as_ref()
    }

    /// Time of the event that a unit is about.
    pub(crate) fn instant(&self, unit: UnitNo) -> Option<Timestamp> {
        Some(self.facts(self.place(unit)?.record)?.at)
    }

    /// Enters a record without units.
    pub(crate) fn insert(&mut self, facts: Facts) -> RecordNo {
        self.masks.clear();
        let id = facts.id;
        let number = claim(&mut self.records, &mut self.free_records, facts);
        self.numbers.insert(id, number);
        number
    }

    /// Adds a unit to a record.
    pub(crate) fn add_unit(&mut self, place: Place) -> UnitNo {
        self.masks.clear();
        let unit = claim(&mut self.places, &mut self.free_units, place);
        if let Some(session) = place.session {
            self.turns.insert((session, place.position), unit);
        }
        if let Some(facts) = self.facts_mut(place.record) {
            facts.units.push(unit);
        }
        unit
    }

    /// Takes units of a record out; the caller takes them out of the indexes too.
    pub(crate) fn drop_units(
        &mut self,
        record: RecordNo,
        gone: impl Fn(Part) -> bool,
    ) -> Vec<UnitNo> {
        self.masks.clear();
        let Self { records, places, turns, free_units, .. } = self;
        let Some(Some(facts)) = records.get_mut(record as usize) else { return Vec::new() };
        let mut dropped = Vec::new();
        facts.units.retain(|unit| {
            let Some(slot) = places.get_mut(*unit as usize) else { return false };
            let keep = slot.is_some_and(|place| !gone(place.part));
            if !keep {
                if let Some(Place { session: Some(session), position, .. }) = slot.take()
                    && turns.get(&(session, position)) == Some(unit)
                {
                    turns.remove(&(session, position));
                }
                dropped.push(*unit);
            }
            keep
        });
        free_units.extend_from_slice(&dropped);
        dropped
    }

    /// Takes a record out; its units must be dropped before.
    pub(crate) fn remove(&mut self, record: RecordNo) {
        self.masks.clear();
        if let Some(slot) = self.records.get_mut(record as usize)
            && let Some(facts) = slot.take()
        {
            self.numbers.remove(&facts.id);
            self.free_records.push(record);
        }
    }

    /// Unit numbers given so far, those that are free again too.
    pub(crate) fn n_numbers(&self) -> usize {
        self.places.len()
    }

    /// Number of records.
    pub(crate) fn n_records(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn n_units(&self) -> usize {
        self.places.len() - self.free_units.len()
    }

    /// The units of all records.
    pub(crate) fn units(&self) -> impl Iterator<Item = UnitNo> + '_ {
        let records = self.records.iter().flatten();
        records.flat_map(|facts| facts.units.iter().copied())
    }

    /// Memory that the table takes, estimated, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.records.capacity() * (size_of::<Option<Facts>>() + 24)
            + self.places.capacity() * size_of::<Option<Place>>()
            + self.numbers.capacity() * size_of::<(RecordId, RecordNo)>()
            + self.turns.capacity() * size_of::<((u32, u32), UnitNo)>()
            + (self.names.capacity() + self.sessions.capacity()) * 64
    }

    /// The units of the records that pass.
    ///
    /// Cost: nothing for conditions that were asked before and since the last change, else linear
    /// in the records and units.
    pub(crate) fn mask(&self, conditions: &Conditions) -> Arc<Mask> {
        self.masks.get(conditions, || {
            let mut mask = Mask::new();
            for facts in self.records.iter().flatten().filter(|facts| conditions.pass(facts)) {
                for unit in &facts.units {
                    mask.insert(*unit);
                }
            }
            mask
        })
    }

    /// The units of the records for whose instant `nearness` is above 0, with it.
    ///
    /// Cost: linear in the records.
    pub(crate) fn units_near(&self, nearness: impl Fn(Timestamp) -> f32) -> Vec<(UnitNo, f32)> {
        let mut found = Vec::new();
        for facts in self.records.iter().flatten() {
            let near = nearness(facts.at);
            if near > 0.0 {
                found.extend(facts.units.iter().map(|unit| (*unit, near)));
            }
        }
        found
    }

    /// The notes of a scope whose text has this key, in any order.
    pub(crate) fn notes_of_text(&self, scope: NameNo, key: u64) -> Vec<NoteId> {
        let all = self.records.iter().flatten();
        let same = all.filter(|facts| facts.head_hash == key && facts.scope == scope);
        let note = |facts: &Facts| match facts.id {
            RecordId::Note(id) => Some(id),
            RecordId::Episode(_) => None,
        };
        same.filter_map(note).collect()
    }

    /// The newest `limit` records that pass, newest first.
    pub(crate) fn newest(&self, conditions: &Conditions, limit: usize) -> Vec<RecordNo> {
        let mut passing: Vec<(Timestamp, RecordId, RecordNo)> = (0..)
            .zip(&self.records)
            .filter_map(|(number, facts)| Some((number, facts.as_ref()?)))
            .filter(|(_, facts)| conditions.pass(facts))
            .map(|(number, facts)| (facts.at, facts.id, number))
            .collect();
        if limit > 0 && limit < passing.len() {
            passing.select_nth_unstable_by(limit - 1, |a, b| b.cmp(a));
            passing.truncate(limit);
        }
        passing.sort_unstable_by(|a, b| b.cmp(a));
        passing.truncate(limit);
        passing.into_iter().map(|(_, _, number)| number).collect()
    }
}

/// Puts a value into a free slot, or a new one, and gives its number.
fn claim<T>(slots: &mut Vec<Option<T>>, free: &mut Vec<u32>, value: T) -> u32 {
    if let Some(number) = free.pop()
        && let Some(slot) = slots.get_mut(number as usize)
    {
        *slot = Some(value);
        return number;
    }
    slots.push(Some(value));
    u32::try_from(slots.len() - 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{NoteId, NoteKind};

    fn facts(record: u8, scope: NameNo) -> Facts {
        let mut id = [0; 16];
        id[15] = record;
        Facts {
            id: NoteId::from_bytes(id).into(),
            kind: HitKind::Note(NoteKind::Fact),
            at: Timestamp::from_millis(0),
            outcome: None,
            scope,
            task_type: 0,
            language: 0,
            tags: Box::default(),
            superseded: false,
            team: false,
            n_steps_done: 0,
            head_hash: 0,
            feedback: Feedback::default(),
            units: Vec::new(),
        }
    }

    /// The mask as it is made when none is kept: the slow twin.
    fn naive(columns: &Columns, conditions: &Conditions) -> Mask {
        let passing = columns.records.iter().flatten().filter(|facts| conditions.pass(facts));
        passing.flat_map(|facts| facts.units.iter().copied()).collect()
    }

    proptest! {
        #[test]
        fn a_kept_mask_is_the_one_that_would_be_made(
            changes in prop::collection::vec((0_u8..5, 0_u8..8, 0_u32..3), 0..60),
        ) {
            let mut columns = Columns::default();
            let scopes = [None, Some(0), Some(1), Some(2), Some(7), None];
            let asked = scopes.map(|scope| Conditions { scope, ..Conditions::default() });
            for (change, record, n) in changes {
                let found = columns.find(facts(record, 0).id).map(|(number, _)| number);
                match (change, found) {
                    (0, None) => drop(columns.insert(facts(record, n))),
                    (1, Some(number)) => {
                        columns.add_unit(Place::of_episode(number, Part::Window(n)));
                    }
                    (2, Some(number)) => {
                        columns.drop_units(number, |part| part == Part::Window(n));
                    }
                    (3, Some(number)) => {
                        columns.drop_units(number, |_| true);
                        columns.remove(number);
                    }
                    (4, Some(number)) => {
                        columns.facts_mut(number).unwrap().superseded = n == 1;
                    }
                    _ => {}
                }
                for conditions in &asked {
                    prop_assert_eq!(&*columns.mask(conditions), &naive(&columns, conditions));
                }
            }
        }
    }
}
