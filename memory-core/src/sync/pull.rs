//! Taking in what others sent.

use std::collections::BTreeMap;

use super::carrier::{Carrier, Cursor, Entry};
use super::error::ExchangeError;
use super::session::{Kept, Session, Stored};
use super::shadow::{Mark, Seen, Shadow};
use super::standing::Standing;
use super::state::{Dead, Live, State, Versions, merge};
use crate::model::{Author, Note, Record, RecordId, RecordKind, Scope, Source};
use crate::storage::{Change, Durability, Found, Op, Placed, Rejection, StorageError, WriteBatch};

/// Bytes of entries that are asked for at once.
const PAGE_BYTES: usize = 4 << 20;

/// Records that are stored at once: whoever writes at the same time waits for no more.
const CHUNK: usize = 128;

/// Attempts to take one page in while others write to the same records.
const MAX_ATTEMPTS: usize = 16;

/// Effects of entries that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// Records that were stored or changed.
    pub(crate) placed: usize,
    /// Records that were removed.
    pub(crate) removed: usize,
}

/// States of records as they arrived, each merged from all that came of it, with its scope.
type Arrived = BTreeMap<RecordId, (State, Scope)>;

/// A page in the making.
#[derive(Default)]
struct Page {
    kept: Kept,
    withdrawn: Vec<Op>,
    placed: Vec<Op>,
    touched: Vec<RecordId>,
    taken: Taken,
}

/// Cuts a page into chunks, at least one.
fn chunks_of(arrived: Arrived) -> Vec<Arrived> {
    let mut chunks = vec![Arrived::new()];
    for (id, item) in arrived {
        if chunks.last().is_some_and(|last| last.len() >= CHUNK) {
            chunks.push(Arrived::new());
        }
        if let Some(last) = chunks.last_mut() {
            last.insert(id, item);
        }
    }
    chunks
}

impl Page {
    /// Removes what is stored under an id, and keeps that it is gone.
    fn kill(&mut self, id: RecordId, source: Option<&Source>, gone: Shadow) {
        self.withdrawn.push(Op::Withdraw { id, source: None });
        self.touched.push(id);
        if let Some(source) = source {
            self.kept.set_holder(id.kind(), source, Found::Unknown);
        }
        self.kept.set_shadow(id, Some(gone));
        self.kept.set_out(id, false);
    }
}

impl Session<'_> {
    /// Takes in all that others sent since the cursor.
    ///
    /// # Errors
    ///
    /// Those of the carrier and of the storage; pages that were taken in stay.
    pub(crate) fn pull(&mut self, carrier: &mut dyn Carrier) -> Result<Taken, ExchangeError> {
        let scopes: Vec<Box<str>> = self.scopes.iter().map(|scope| scope.as_str().into()).collect();
        let mut total = Taken::default();
        loop {
            let after = self.standing.cursor.clone();
            let pulled = carrier.pull(self.me.machine, &scopes, after.as_ref(), PAGE_BYTES)?;
            let arrived = self.read_entries(&pulled.entries)?;
            let is_moved = Some(&pulled.cursor) != after.as_ref();
            let mut chunks = chunks_of(arrived);
            let last = chunks.pop().filter(|last| is_moved || !last.is_empty());
            // The position moves with the last of them: after a crash they are merged again.
            let chunks = chunks.iter().map(|chunk| (chunk, &after));
            let moved = Some(pulled.cursor);
            for (chunk, cursor) in chunks.chain(last.as_ref().map(|last| (last, &moved))) {
                let taken = self.take_in(chunk, cursor.as_ref())?;
                total.placed += taken.placed;
                total.removed += taken.removed;
            }
            // A carrier that says so without moving on would be asked for ever.
            if !pulled.more || !is_moved {
                return Ok(total);
            }
        }
    }

    /// Reads the entries; counts those that cannot be read and goes on.
    fn read_entries(&mut self, entries: &[Entry]) -> Result<Arrived, ExchangeError> {
        let mut arrived = Arrived::new();
        for entry in entries {
            let scope = self.scopes.iter().find(|scope| scope.as_str() == &*entry.scope);
            let Some(scope) = scope else { continue };
            let state = match State::from_bytes(entry.record, &entry.bytes) {
                Ok(Some(state)) => state,
                Ok(None) => return Err(ExchangeError::Newer),
                Err(error) => {
                    self.standing.n_damaged += 1;
                    tracing::warn!(record = %entry.record, %error, "an entry cannot be read");
                    continue;
                }
            };
            match &state {
                State::Live(live) => {
                    live.versions.stamps().for_each(|stamp| self.standing.clock.see(stamp.at));
                }
                State::Dead(Dead { source: Some((at, _)) }) => self.standing.clock.see(at.at),
                State::Dead(Dead { source: None }) => {}
            }
            let merged = match arrived.remove(&entry.record) {
                Some((other, _)) => merge(other, state),
                None => state,
            };
            arrived.insert(entry.record, (merged, scope.clone()));
        }
        Ok(arrived)
    }

    /// Stores one page with the cursor after it, whole or not at all; again where somebody wrote to
    /// the same records meanwhile.
    fn take_in(
        &mut self,
        arrived: &Arrived,
        after: Option<&Cursor>,
    ) -> Result<Taken, StorageError> {
        for _ in 0..MAX_ATTEMPTS {
            match self.try_to_take_in(arrived, after) {
                Err(StorageError::Rejected(
                    Rejection::Changed { .. } | Rejection::Exists { .. },
                )) => {}
                done => return done,
            }
        }
        Err(StorageError::Busy)
    }

    fn try_to_take_in(
        &mut self,
        arrived: &Arrived,
        after: Option<&Cursor>,
    ) -> Result<Taken, StorageError> {
        let Page { kept, withdrawn, placed, touched, taken } = self.merge_page(arrived)?;
        let mut ops = withdrawn;
        ops.extend(placed);
        ops.extend(kept.ops);
        // Not before: whatever is noticed on the way is kept with the position of before.
        let standing = Standing { cursor: after.cloned(), ..self.standing.clone() };
        ops.push(standing.keep());
        let commit = self.storage.apply(WriteBatch { ops }, Durability::Process)?;
        self.standing = standing;
        self.pass_over(commit.seq, &touched)?;
        Ok(taken)
    }

    /// Passes over the changes that this exchange made itself, up to the first one of another hand.
    fn pass_over(&mut self, until: u64, touched: &[RecordId]) -> Result<(), StorageError> {
        let mut sorted = touched.to_vec();
        sorted.sort_unstable();
        let changes = self.storage.changes(self.standing.observed, touched.len() + 1)?;
        let is_own =
            |change: &&Change| change.seq <= until && sorted.binary_search(&change.id).is_ok();
        if let Some(last) = changes.iter().take_while(is_own).last() {
            self.standing.observed = last.seq;
        }
        Ok(())
    }

    fn merge_page(&mut self, arrived: &Arrived) -> Result<Page, StorageError> {
        // What was changed here and not noticed yet would be taken for what was seen.
        self.observe()?;
        let mut page = Page::default();
        let ids: Vec<RecordId> = arrived.keys().copied().collect();
        let stored = self.read(&ids)?;
        let items = arrived.iter().zip(stored);
        let mut alive = Vec::new();
        for ((id, (state, scope)), stored) in items {
            match state {
                State::Dead(dead) => {
                    self.take_dead(&mut page, *id, dead, scope, stored.is_some())?;
                }
                State::Live(live) => alive.push((*id, live, scope, stored)),
            }
        }
        for (id, live, scope, stored) in alive {
            self.take_live(&mut page, id, live, scope, stored.as_ref())?;
        }
        Ok(page)
    }

    fn take_dead(
        &mut self,
        page: &mut Page,
        id: RecordId,
        dead: &Dead,
        scope: &Scope,
        is_stored: bool,
    ) -> Result<(), StorageError> {
        if let Some((at, source)) = &dead.source {
            let mark = Mark { buried: Some(*at), ..Mark::default() };
            self.forget_source(page, id, source, mark)?;
        }
        let known = page.kept.shadow(self.storage, id)?;
        if let Some(Shadow::Dead { dead: known, offered }) = known {
            let merged = Dead { source: known.source.clone().max(dead.source.clone()) };
            if merged != known {
                page.kept.set_shadow(id, Some(Shadow::Dead { dead: merged, offered }));
            }
            return Ok(());
        }
        let is_kept = is_stored || known.is_some();
        let source = match known {
            Some(Shadow::Live(seen)) => seen.source,
            _ => None,
        };
        page.kill(
            id,
            source.as_ref(),
            Shadow::Dead { dead: dead.clone(), offered: Some(scope.clone()) },
        );
        page.taken.removed += usize::from(is_kept);
        Ok(())
    }

    /// Takes note that a source was forgotten elsewhere: what is stored of it goes, whatever its
    /// id.
    fn forget_source(
        &mut self,
        page: &mut Page,
        id: RecordId,
        source: &Source,
        mark: Mark,
    ) -> Result<(), StorageError> {
        let kind = id.kind();
        let mark = page.kept.add_mark(self.storage, kind, source, mark)?;
        if !mark.is_forgotten() {
            return Ok(());
        }
        let holder = page.kept.holder(self.storage, kind, source)?;
        if let Found::Stored(other) = holder
            && other != id
        {
            let Some(Shadow::Live(seen)) = page.kept.shadow(self.storage, other)? else {
                // It is in no scope that is exchanged: it stays.
                return Ok(());
            };
            let gone = Shadow::Dead { dead: Dead::default(), offered: seen.offered };
            page.kill(other, Some(source), gone);
            page.taken.removed += 1;
        }
        page.withdrawn.push(Op::Withdraw { id, source: Some(source.clone()) });
        page.touched.push(id);
        page.kept.set_holder(kind, source, Found::Forgotten);
        Ok(())
    }

    fn take_live(
        &mut self,
        page: &mut Page,
        id: RecordId,
        arrived: &Live,
        scope: &Scope,
        stored: Option<&Stored>,
    ) -> Result<(), StorageError> {
        let seen = match page.kept.shadow(self.storage, id)? {
            Some(Shadow::Dead { .. }) => return Ok(()),
            Some(Shadow::Live(seen)) => Some(*seen),
            None => None,
        };
        let local = stored
            .as_ref()
            .map(|(record, steps)| self.observed(record.clone(), steps.clone(), seen.as_ref()));
        if let (Some(local), Some(seen)) = (&local, &seen)
            && Seen::of(local, None).hashes != seen.hashes
        {
            // It was changed since all changes were noticed: that has to be noticed first, or it
            // would never be sent.
            return Err(Rejection::Changed { id }.into());
        }
        let live = match local.clone() {
            Some(local) => {
                let arrived = State::Live(Box::new(arrived.clone()));
                match merge(State::Live(Box::new(local)), arrived) {
                    State::Live(live) => *live,
                    State::Dead(_) => return Ok(()),
                }
            }
            None => arrived.clone(),
        };
        if let Some(source) = live.record.source().cloned()
            && !self.claims(page, id, &source, &live, scope)?
        {
            return Ok(());
        }
        let record = self.materialize(page, &live, stored)?;
        let offered = Some(live.record.scope()).filter(|scope| self.takes(scope));
        let now = Seen::of(&live, offered.cloned().or_else(|| Some(scope.clone())));
        let is_same = local.is_some_and(|local| {
            // Versions alone may differ; the record is the same.
            let versions = live.versions.clone();
            Live { versions, ..local } == live
        });
        if !is_same {
            let before = stored.map(|(_, steps)| steps);
            let is_episode = id.kind() == RecordKind::Episode;
            let steps = Some(live.steps).filter(|steps| is_episode && before != Some(steps));
            if let Some(source) = record.source() {
                page.kept.set_holder(id.kind(), source, Found::Stored(id));
            }
            let seen = Some(self.standing.observed);
            page.placed.push(Op::Place(Box::new(Placed { record, steps, seen })));
            page.touched.push(id);
            page.taken.placed += 1;
        }
        if seen.as_ref() != Some(&now) {
            page.kept.set_shadow(id, Some(Shadow::Live(Box::new(now))));
        }
        Ok(())
    }

    /// Decides whether a record may be stored as that of its source: not if the source is
    /// forgotten, nor if another record of it stays. One that has to give way is removed.
    fn claims(
        &mut self,
        page: &mut Page,
        id: RecordId,
        source: &Source,
        live: &Live,
        scope: &Scope,
    ) -> Result<bool, StorageError> {
        let kind = id.kind();
        let Versions { lifted, .. } = live.versions;
        let mark = Mark { lifted, ..Mark::default() };
        let mark = page.kept.add_mark(self.storage, kind, source, mark)?;
        let holder = page.kept.holder(self.storage, kind, source)?;
        let offered = Some(scope.clone());
        if mark.is_forgotten() {
            let dead = Dead { source: mark.buried.map(|at| (at, source.clone())) };
            page.kill(id, Some(source), Shadow::Dead { dead, offered });
            return Ok(false);
        }
        match holder {
            Found::Forgotten if mark == Mark::default() => {
                // It was forgotten here alone so far: now the others learn it.
                let at = self.stamp();
                let mark = Mark { buried: Some(at), ..Mark::default() };
                page.kept.add_mark(self.storage, kind, source, mark)?;
                let dead = Dead { source: Some((at, source.clone())) };
                page.kept.set_shadow(id, Some(Shadow::Dead { dead, offered }));
                page.kept.set_out(id, true);
                Ok(false)
            }
            Found::Stored(other) if other != id => {
                let known = page.kept.shadow(self.storage, other)?;
                let Some(Shadow::Live(seen)) = known.filter(|_| other > id) else {
                    let gone = Shadow::Dead { dead: Dead::default(), offered };
                    page.kept.set_shadow(id, Some(gone));
                    return Ok(false);
                };
                let gone = Shadow::Dead { dead: Dead::default(), offered: seen.offered };
                // It may have been placed in this very page.
                page.placed.retain(|op| !matches!(op, Op::Place(p) if p.record.id() == other));
                page.kill(other, Some(source), gone);
                Ok(true)
            }
            Found::Forgotten | Found::Stored(_) | Found::Unknown => Ok(true),
        }
    }

    /// Makes the record that is stored of a merged state.
    fn materialize(
        &self,
        page: &mut Page,
        live: &Live,
        stored: Option<&Stored>,
    ) -> Result<Record, StorageError> {
        let is_own = live.versions.author.machine == self.me.machine;
        let author: Option<Author> = match stored {
            Some((record, _)) => record.author().cloned(),
            None => (!is_own).then(|| live.versions.author.clone()),
        };
        Ok(match live.record.clone() {
            Record::Episode(mut episode) => {
                if let Some((Record::Episode(before), steps)) = stored
                    && *steps == live.steps
                    && before.closing == episode.closing
                {
                    episode.digest.clone_from(&before.digest);
                }
                episode.author = author;
                Record::Episode(episode)
            }
            Record::Note(note) => {
                let is_own = author.is_none();
                let mut note = Note { author, ..*note };
                if let Some(id) = note.episode
                    && self.is_gone(page, id.into(), is_own)?
                {
                    note.episode = None;
                }
                if let Some(id) = note.supersedes
                    && self.is_gone(page, id.into(), is_own)?
                {
                    note.supersedes = None;
                }
                Record::Note(Box::new(note))
            }
        })
    }

    /// Returns whether a note must not name a record any more. One of another machine may come
    /// before what it names.
    fn is_gone(&self, page: &mut Page, id: RecordId, by_own: bool) -> Result<bool, StorageError> {
        if matches!(page.kept.shadow(self.storage, id)?, Some(Shadow::Dead { .. })) {
            return Ok(true);
        }
        Ok(by_own && self.storage.records(&[id])?.iter().all(Option::is_none))
    }
}
