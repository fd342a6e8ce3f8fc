//! The table of units and records in a snapshot.

use std::io::{Read, Write};

use rustc_hash::FxHashMap;

use super::{Columns, Facts, NameNo, Place};
use crate::index::snapshot::codec::{Fields, Reader, Writer, push_count, push_text, push_u32};
use crate::index::snapshot::error::SnapshotError;
use crate::index::unit::Part;
use crate::model::{Feedback, HitKind, NoteKind, Outcome, RecordId, RecordKind, Timestamp};

/// Stands for "none" where a number is expected.
const NONE: u32 = u32::MAX;

impl Columns {
    pub(in crate::index) fn write<W: Write>(
        &self,
        out: &mut Writer<W>,
    ) -> Result<(), SnapshotError> {
        out.block(&self.name_fields())?;
        let mut records = Vec::with_capacity(self.records.len() * 96);
        push_count(&mut records, self.records.len());
        for facts in &self.records {
            push_facts(&mut records, facts.as_ref());
        }
        out.block(&records)?;
        drop(records);
        let mut places = Vec::with_capacity(self.places.len());
        places.extend(self.places.iter().map(|place| place_numbers(place.as_ref())));
        out.array(&places, |numbers| {
            let mut bytes = [0; 20];
            for (place, number) in bytes.as_chunks_mut().0.iter_mut().zip(numbers) {
                *place = number.to_le_bytes();
            }
            bytes
        })?;
        out.array(&self.free_records, u32::to_le_bytes)?;
        out.array(&self.free_units, u32::to_le_bytes)
    }

    /// Names and sessions in the order of their numbers, and the speakers by the words of their
    /// names.
    fn name_fields(&self) -> Vec<u8> {
        let mut names: Vec<(NameNo, &str)> =
            self.names.iter().map(|(name, number)| (*number, &**name)).collect();
        names.sort_unstable();
        let mut sessions: Vec<(u32, NameNo, &str)> = self
            .sessions
            .iter()
            .map(|((scope, session), number)| (*number, *scope, &**session))
            .collect();
        sessions.sort_unstable();
        let mut out = Vec::new();
        push_count(&mut out, names.len());
        for (_, name) in names {
            push_text(&mut out, name);
        }
        push_count(&mut out, sessions.len());
        for (_, scope, session) in sessions {
            push_u32(&mut out, scope);
            push_text(&mut out, session);
        }
        push_count(&mut out, self.speakers.len());
        for (word, speakers) in &self.speakers {
            push_text(&mut out, word);
            push_numbers(&mut out, speakers);
        }
        out
    }

    /// Reads what [`Columns::write`] wrote.
    pub(in crate::index) fn read<R: Read>(input: &mut Reader<R>) -> Result<Self, SnapshotError> {
        let mut columns = Self::default();
        columns.read_names(&input.block()?)?;
        let block = input.block()?;
        let mut fields = Fields(&block);
        let n_records = fields.count(1)?;
        columns.records.reserve(n_records);
        columns.numbers.reserve(n_records);
        for number in (0..).take(n_records) {
            let facts = read_facts(&mut fields)?;
            if let Some(facts) = &facts {
                columns.numbers.insert(facts.id, number);
            }
            columns.records.push(facts);
        }
        fields.finish()?;
        drop(block);
        columns.places = input.array(|bytes: [u8; 20]| {
            let mut numbers = [0; 5];
            for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
                *number = u32::from_le_bytes(*bytes);
            }
            place_of(numbers)
        })?;
        for (unit, place) in (0..).zip(&columns.places) {
            if let Some(Place { session: Some(session), position, .. }) = place {
                columns.turns.insert((*session, *position), unit);
            }
        }
        columns.free_records = input.array(u32::from_le_bytes)?;
        columns.free_units = input.array(u32::from_le_bytes)?;
        let free = columns.places.iter().filter(|place| place.is_none()).count();
        // The number of units is the difference of the two.
        if free == columns.free_units.len() { Ok(columns) } else { Err(WRONG) }
    }

    fn read_names(&mut self, block: &[u8]) -> Result<(), SnapshotError> {
        let mut fields = Fields(block);
        let n_names = fields.count(4)?;
        self.names.reserve(n_names);
        for number in (1..).take(n_names) {
            self.names.insert(fields.text()?.into(), number);
        }
        for number in (0..).take(fields.count(8)?) {
            let scope = fields.u32()?;
            self.sessions.insert((scope, fields.text()?.into()), number);
        }
        let n_words = fields.count(8)?;
        self.speakers = FxHashMap::default();
        for _ in 0..n_words {
            let word = fields.text()?.into();
            self.speakers.insert(word, fields.numbers()?);
        }
        fields.finish()
    }
}

/// Parts that do not fit together.
const WRONG: SnapshotError = SnapshotError::Corrupt { what: "columns" };

fn push_numbers(out: &mut Vec<u8>, numbers: &[u32]) {
    push_count(out, numbers.len());
    for number in numbers {
        push_u32(out, *number);
    }
}

/// The place of a value among all of its kind, from 1.
fn code_of<T: PartialEq>(all: &[T], value: &T) -> u8 {
    let at = all.iter().position(|other| other == value);
    at.and_then(|at| u8::try_from(at + 1).ok()).unwrap_or(0)
}

/// Flags of a record.
const SUPERSEDED: u8 = 1;
const TEAM: u8 = 2;

fn flags(facts: &Facts) -> u8 {
    let superseded = if facts.superseded { SUPERSEDED } else { 0 };
    superseded | if facts.team { TEAM } else { 0 }
}

fn push_facts(out: &mut Vec<u8>, facts: Option<&Facts>) {
    let Some(facts) = facts else { return out.push(0) };
    let (record, kind) = match (facts.id, facts.kind) {
        (RecordId::Episode(_), _) => (1, 0),
        (RecordId::Note(_), HitKind::Note(kind)) => (2, code_of(NoteKind::ALL, &kind)),
        (RecordId::Note(_), HitKind::Episode) => (2, 0),
    };
    let outcome = facts.outcome.map_or(0, |outcome| code_of(Outcome::ALL, &outcome));
    out.extend([record, kind, outcome, flags(facts)]);
    out.extend(facts.id.to_bytes());
    out.extend(facts.at.as_millis().to_le_bytes());
    out.extend(facts.head_hash.to_le_bytes());
    let Feedback { n_helpful, n_unhelpful } = facts.feedback;
    let numbers = [facts.scope, facts.task_type, facts.language, facts.n_steps_done];
    for number in numbers.into_iter().chain([n_helpful, n_unhelpful]) {
        push_u32(out, number);
    }
    push_numbers(out, &facts.tags);
    push_numbers(out, &facts.units);
}

fn read_facts(fields: &mut Fields<'_>) -> Result<Option<Facts>, SnapshotError> {
    let record = match fields.u8()? {
        0 => return Ok(None),
        1 => RecordKind::Episode,
        2 => RecordKind::Note,
        _ => return Err(WRONG),
    };
    let [kind, outcome, flags] = fields.take()?;
    let kind = match record {
        RecordKind::Episode => HitKind::Episode,
        RecordKind::Note => HitKind::Note(value_of(NoteKind::ALL, kind)?),
    };
    let outcome = if outcome == 0 { None } else { Some(value_of(Outcome::ALL, outcome)?) };
    let id = RecordId::from_bytes(record, fields.take()?);
    let at = Timestamp::from_millis(i64::from_le_bytes(fields.take()?));
    let head_hash = fields.u64()?;
    let (scope, task_type) = (fields.u32()?, fields.u32()?);
    let (language, n_steps_done) = (fields.u32()?, fields.u32()?);
    let feedback = Feedback { n_helpful: fields.u32()?, n_unhelpful: fields.u32()? };
    let tags = fields.numbers()?.into();
    let units = fields.numbers()?;
    let [superseded, team] = [SUPERSEDED, TEAM].map(|flag| flags & flag != 0);
    Ok(Some(Facts {
        id,
        kind,
        at,
        outcome,
        scope,
        task_type,
        language,
        tags,
        superseded,
        team,
        n_steps_done,
        head_hash,
        feedback,
        units,
    }))
}

fn value_of<T: Copy>(all: &[T], code: u8) -> Result<T, SnapshotError> {
    let at = usize::from(code).checked_sub(1);
    at.and_then(|at| all.get(at)).copied().ok_or(WRONG)
}

fn place_numbers(place: Option<&Place>) -> [u32; 5] {
    let Some(place) = place else { return [NONE; 5] };
    let Place { record, part, session, position, speaker } = *place;
    [record, part.code(), session.unwrap_or(NONE), position, speaker]
}

fn place_of([record, part, session, position, speaker]: [u32; 5]) -> Option<Place> {
    let session = Some(session).filter(|session| *session != NONE);
    let part = Part::from_code(part);
    (record != NONE).then_some(Place { record, part, session, position, speaker })
}
