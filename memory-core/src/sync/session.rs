//! One machine's side of an exchange: what it knows of its records, and which of them it changed.

use std::collections::BTreeMap;

use super::shadow::{self, Mark, Seen, Shadow};
use super::stamp::Stamp;
use super::standing::{OUT, RECORD, SOURCE, Standing, TOO_LARGE, WAITS, keep, unreadable};
use super::state::{Dead, Live};
use crate::clock::Clock;
use crate::model::{Author, Record, RecordId, RecordKind, Scope, Source, Step};
use crate::storage::{
    ChangeOp, Durability, Found, Op, StepRange, Storage, StorageError, WriteBatch,
};

/// Changes that are looked at at once.
const PAGE: usize = 128;

/// A machine that takes part in an exchange.
pub(crate) struct Session<'a> {
    /// Its store.
    pub(crate) storage: &'a dyn Storage,
    /// Its clock.
    pub(crate) clock: &'a dyn Clock,
    /// Its identity.
    pub(crate) me: Author,
    /// The scopes that are exchanged.
    pub(crate) scopes: &'a [Scope],
    /// Its standing; kept with each batch that moves it.
    pub(crate) standing: Standing,
}

/// A record as it is stored, with its steps.
pub(crate) type Stored = (Record, Vec<Step>);

/// Shadows of records and sources, as a batch in the making changes them.
#[derive(Default)]
pub(crate) struct Kept {
    shadows: BTreeMap<RecordId, Option<Shadow>>,
    marks: BTreeMap<(RecordKind, Source), Mark>,
    holders: BTreeMap<(RecordKind, Source), Found>,
    /// Operations that keep what was changed.
    pub(crate) ops: Vec<Op>,
}

impl Kept {
    /// Returns what is kept of a record.
    pub(crate) fn shadow(
        &mut self,
        storage: &dyn Storage,
        id: RecordId,
    ) -> Result<Option<Shadow>, StorageError> {
        if let Some(known) = self.shadows.get(&id) {
            return Ok(known.clone());
        }
        let name = format!("{RECORD}{}", shadow::key(id));
        let state = storage.states(&name)?.into_iter().next();
        let read = state.map(|state| Shadow::from_bytes(&state.bytes)).transpose();
        let read = read.map_err(|error| unreadable(&name, error))?;
        self.shadows.insert(id, read.clone());
        Ok(read)
    }

    /// Keeps something else of a record, or nothing.
    pub(crate) fn set_shadow(&mut self, id: RecordId, shadow: Option<Shadow>) {
        let bytes = shadow.as_ref().map(Shadow::to_bytes).unwrap_or_default();
        self.ops.push(keep(format!("{RECORD}{}", shadow::key(id)).into(), bytes));
        self.shadows.insert(id, shadow);
    }

    /// Notes whether a record is to be sent.
    pub(crate) fn set_out(&mut self, id: RecordId, is_out: bool) {
        let bytes = if is_out { WAITS.to_vec() } else { Vec::new() };
        self.ops.push(keep(format!("{OUT}{}", shadow::key(id)).into(), bytes));
    }

    /// Notes that a record cannot be sent as it is.
    pub(crate) fn set_too_large(&mut self, id: RecordId) {
        self.ops.push(keep(format!("{OUT}{}", shadow::key(id)).into(), TOO_LARGE.to_vec()));
    }

    /// Returns whether a source is forgotten, and since when.
    pub(crate) fn mark(
        &mut self,
        storage: &dyn Storage,
        kind: RecordKind,
        source: &Source,
    ) -> Result<Mark, StorageError> {
        let key = (kind, source.clone());
        if let Some(known) = self.marks.get(&key) {
            return Ok(*known);
        }
        let name = format!("{SOURCE}{}", shadow::source_key(kind, source));
        let state = storage.states(&name)?.into_iter().next();
        let read = state.map(|state| Mark::from_bytes(&state.bytes)).transpose();
        let read = read.map_err(|error| unreadable(&name, error))?.unwrap_or_default();
        self.marks.insert(key, read);
        Ok(read)
    }

    /// Takes note of when a source was forgotten, and when that was lifted; gives what holds now.
    pub(crate) fn add_mark(
        &mut self,
        storage: &dyn Storage,
        kind: RecordKind,
        source: &Source,
        new: Mark,
    ) -> Result<Mark, StorageError> {
        let known = self.mark(storage, kind, source)?;
        let mark =
            Mark { buried: known.buried.max(new.buried), lifted: known.lifted.max(new.lifted) };
        if mark != known {
            let name = format!("{SOURCE}{}", shadow::source_key(kind, source));
            self.ops.push(keep(name.into(), mark.to_bytes()));
            self.marks.insert((kind, source.clone()), mark);
        }
        Ok(mark)
    }

    /// Returns what is stored of a source.
    pub(crate) fn holder(
        &mut self,
        storage: &dyn Storage,
        kind: RecordKind,
        source: &Source,
    ) -> Result<Found, StorageError> {
        let key = (kind, source.clone());
        if let Some(known) = self.holders.get(&key) {
            return Ok(*known);
        }
        let found = storage.find(kind, std::slice::from_ref(source))?;
        let found = found.first().copied().unwrap_or(Found::Unknown);
        self.holders.insert(key, found);
        Ok(found)
    }

    /// Notes what is stored of a source from now on.
    pub(crate) fn set_holder(&mut self, kind: RecordKind, source: &Source, found: Found) {
        self.holders.insert((kind, source.clone()), found);
    }
}

impl Session<'_> {
    /// Returns a stamp of this instant.
    pub(crate) fn stamp(&mut self) -> Stamp {
        self.standing.clock.next(self.me.machine, self.clock.now())
    }

    /// Returns whether records of a scope are exchanged.
    pub(crate) fn takes(&self, scope: &Scope) -> bool {
        self.scopes.contains(scope)
    }

    /// Reads records with their steps, in the order of the ids.
    pub(crate) fn read(&self, ids: &[RecordId]) -> Result<Vec<Option<Stored>>, StorageError> {
        let records = if ids.is_empty() { Vec::new() } else { self.storage.records(ids)? };
        let episodes = records.iter().flatten().filter_map(|record| match record {
            Record::Episode(episode) => Some(episode.id),
            Record::Note(_) => None,
        });
        let ranges: Vec<StepRange> =
            episodes.map(|episode| StepRange { episode, from: 0, limit: u32::MAX }).collect();
        let steps = if ranges.is_empty() { Vec::new() } else { self.storage.steps(&ranges)? };
        let mut steps = steps.into_iter();
        let with_steps = |record| {
            let steps = match &record {
                Record::Episode(_) => steps.next().unwrap_or_default(),
                Record::Note(_) => Vec::new(),
            };
            (record, steps)
        };
        let mut with_steps = with_steps;
        Ok(records.into_iter().map(|record| record.map(&mut with_steps)).collect())
    }

    /// Takes note of all that was changed here, in batches; gives the number of records that are
    /// to be sent because of it.
    pub(crate) fn observe(&mut self) -> Result<usize, StorageError> {
        let mut n_out = 0;
        while let Some((ops, n_new)) = self.observe_page()? {
            n_out += n_new;
            self.storage.apply(WriteBatch { ops }, Durability::Process)?;
        }
        Ok(n_out)
    }

    /// Takes note of the next changes: the operations that keep that, and the number of records
    /// that are to be sent; `None` where there are no more.
    pub(crate) fn observe_page(&mut self) -> Result<Option<(Vec<Op>, usize)>, StorageError> {
        let changes = self.storage.changes(self.standing.observed, PAGE)?;
        let Some(last) = changes.last() else { return Ok(None) };
        self.standing.observed = last.seq;
        let (mut kept, mut n_out) = (Kept::default(), 0);
        let put = changes.iter().filter(|change| change.op == ChangeOp::Put);
        let put: Vec<RecordId> = put.map(|change| change.id).collect();
        for (record, steps) in self.read(&put)?.into_iter().flatten() {
            n_out += usize::from(self.observe_put(&mut kept, record, steps)?);
        }
        for change in changes.iter().filter(|change| change.op == ChangeOp::Remove) {
            n_out += usize::from(self.observe_removal(&mut kept, change.id)?);
        }
        kept.ops.push(self.standing.keep());
        Ok(Some((kept.ops, n_out)))
    }

    /// Looks at a stored record; gives whether it is to be sent.
    fn observe_put(
        &mut self,
        kept: &mut Kept,
        record: Record,
        steps: Vec<Step>,
    ) -> Result<bool, StorageError> {
        let id = record.id();
        let seen = match kept.shadow(self.storage, id)? {
            // It was stored again under an id that is forgotten: it stays here, and is not sent.
            Some(Shadow::Dead { .. }) => return Ok(false),
            Some(Shadow::Live(seen)) => Some(*seen),
            // One of somebody else whose versions are lost is theirs to send.
            None if !self.takes(record.scope()) || record.author().is_some() => return Ok(false),
            None => None,
        };
        let live = self.observed(record, steps, seen.as_ref());
        let mut live = live;
        if seen.is_none()
            && let Some(source) = live.record.source().cloned()
            && kept.mark(self.storage, id.kind(), &source)?.is_forgotten()
        {
            // It is stored though its source was forgotten: that was lifted.
            let lifted = Some(self.stamp());
            live.versions.lifted = lifted;
            let mark = Mark { lifted, ..Mark::default() };
            kept.add_mark(self.storage, id.kind(), &source, mark)?;
        }
        let scope = live.record.scope().clone();
        let before = seen.as_ref().and_then(|seen| seen.offered.clone());
        let is_offered = self.takes(&scope);
        let offered = if is_offered { Some(scope) } else { before.clone() };
        let now = Seen::of(&live, offered);
        let is_changed = seen.as_ref().is_none_or(|seen| seen.hashes != now.hashes);
        if !is_changed && now.offered == before {
            return Ok(false);
        }
        kept.set_shadow(id, Some(Shadow::Live(Box::new(now))));
        if is_offered {
            kept.set_out(id, true);
        }
        Ok(is_offered)
    }

    /// Returns the state of a stored record.
    pub(crate) fn observed(
        &mut self,
        record: Record,
        steps: Vec<Step>,
        seen: Option<&Seen>,
    ) -> Live {
        let (me, now) = (self.me.clone(), self.clock.now());
        let clock = &mut self.standing.clock;
        shadow::observe(&me, record, steps, seen, || clock.next(me.machine, now))
    }

    /// Looks at a record that is gone; gives whether that is to be sent.
    fn observe_removal(&mut self, kept: &mut Kept, id: RecordId) -> Result<bool, StorageError> {
        let Some(Shadow::Live(seen)) = kept.shadow(self.storage, id)? else { return Ok(false) };
        let Some(offered) = seen.offered else {
            // Nobody else knows it.
            kept.set_shadow(id, None);
            return Ok(false);
        };
        let mut dead = Dead::default();
        if let Some(source) = seen.source
            && kept.holder(self.storage, id.kind(), &source)? == Found::Forgotten
        {
            let stamp = self.stamp();
            let mark = Mark { buried: Some(stamp), ..Mark::default() };
            kept.add_mark(self.storage, id.kind(), &source, mark)?;
            dead.source = Some((stamp, source));
        }
        kept.set_shadow(id, Some(Shadow::Dead { dead, offered: Some(offered) }));
        kept.set_out(id, true);
        Ok(true)
    }
}
