//! Several machines that exchange records through one place: random histories with faults, after
//! which all must hold the same, nothing lost, nothing twice, and what was forgotten gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fastrand::Rng;
use memory_core::backend::{Durability, Op, StepRange, WriteBatch};
use memory_core::exchange::{Carrier, ExchangeError, Report, Standing, Terms, exchange};
use memory_core::{
    Closing, Episode, EpisodeId, Note, NoteId, Outcome, Record, RecordId, RecordKind, Scope,
    Source, Step, Storage, StorageError,
};

use crate::fault::{Calls, Fault, FaultStorage, Moment};
use crate::sample;

mod carrier;
mod clock;
mod view;

pub use carrier::{Faults, FaultyCarrier};
use clock::SkewedClock;
pub use view::View;

/// Names of sources that several machines import.
const N_SOURCES: usize = 4;

/// The scopes that are exchanged.
fn scopes() -> [Scope; 2] {
    ["acme/shop", "acme/api"].map(sample::scope)
}

/// One machine with its store.
pub struct Machine {
    /// Its store, which can be told to fail.
    pub storage: Arc<FaultStorage>,
    clock: SkewedClock,
    terms: Terms,
}

/// Facts about what all machines did, that must hold at the end.
#[derive(Default)]
struct Ledger {
    made: BTreeMap<RecordId, Option<Source>>,
    forgotten: BTreeSet<RecordId>,
    sources: BTreeSet<(RecordKind, Source)>,
    judged: BTreeMap<RecordId, (u32, u32)>,
    merged: BTreeMap<RecordId, u32>,
    logged: BTreeMap<EpisodeId, usize>,
}

/// Machines, what they did, and the place through which they exchange.
pub struct World {
    machines: Vec<Machine>,
    ledger: Ledger,
    rng: Rng,
    n_writes: u64,
}

/// Makes the carrier of the machine of that number.
pub type OpenCarrier<'a> = &'a mut dyn FnMut(usize) -> Box<dyn Carrier>;

impl World {
    /// Machines with these empty stores, whose clocks are wrong by up to an hour.
    #[must_use]
    pub fn new(stores: Vec<Arc<dyn Storage>>, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let machine = |(n, store): (usize, Arc<dyn Storage>)| Machine {
            storage: Arc::new(FaultStorage::new(store)),
            clock: SkewedClock::new(n, rng.i64(-3_600_000..=3_600_000)),
            terms: Terms {
                scopes: scopes().to_vec(),
                author: format!("person {n}").into(),
                place: format!("machine {n}").into(),
            },
        };
        let machines = stores.into_iter().enumerate().map(machine).collect();
        Self { machines, ledger: Ledger::default(), rng, n_writes: 0 }
    }

    /// Number of writes that were acknowledged.
    #[must_use]
    pub fn n_writes(&self) -> u64 {
        self.n_writes
    }

    /// Lets a random machine write something.
    pub fn write(&mut self) {
        let n = self.rng.usize(0..self.machines.len());
        self.machines[n].clock.advance(self.rng.i64(1..5_000));
        match self.rng.u32(0..20) {
            0..=3 => self.begin(n),
            4..=6 => self.log(n),
            7..=8 => self.close(n),
            9..=11 => self.remember(n),
            12 => self.supersede(n),
            13..=14 => self.judge(n),
            15 => self.merge(n),
            16 => self.relocate(n),
            17 => self.forget(n),
            18 => self.import(n),
            _ => self.lesson(n),
        }
    }

    /// Lets a machine exchange; with faults, some of which end it early.
    pub fn sync(&mut self, n: usize, open: OpenCarrier<'_>, storage_faults: bool) -> bool {
        let machine = &self.machines[n];
        if storage_faults && self.rng.u32(0..5) == 0 {
            let moment = if self.rng.bool() { Moment::Before } else { Moment::After };
            let n_good = self.rng.u64(0..6);
            machine.storage.arm(Fault::once(Calls::Writes, n_good, moment, || StorageError::Busy));
        }
        let mut carrier = open(n);
        let done = machine.sync(&mut *carrier);
        machine.storage.disarm();
        match done {
            Ok(_) => true,
            Err(ExchangeError::Carrier(_) | ExchangeError::Storage(StorageError::Busy)) => false,
            Err(error) => panic!("machine {n}: {error}"),
        }
    }

    /// Lets all machines exchange until nobody has anything to say.
    pub fn settle(&mut self, open: OpenCarrier<'_>) {
        for _ in 0..20 {
            let mut is_quiet = true;
            for (n, machine) in self.machines.iter().enumerate() {
                let report = machine.sync(&mut *open(n)).unwrap();
                is_quiet &= report == Report::default();
            }
            if is_quiet {
                return;
            }
        }
        panic!("the machines never come to rest");
    }

    /// Checks that all machines hold the same, and that it is what was done.
    pub fn check(&self) {
        let views: Vec<View> = self.machines.iter().map(Machine::view).collect();
        let first = &views[0];
        for (n, view) in views.iter().enumerate() {
            view.assert_same(first, n);
            let findings = self.machines[n].storage.check().unwrap();
            assert_eq!(findings, Vec::<String>::new(), "machine {n}");
            assert_eq!(Standing::n_waiting(&*self.machines[n].storage).unwrap(), 0);
        }
        self.ledger.check(first);
    }

    fn apply(&mut self, n: usize, op: Op) -> bool {
        match self.machines[n].storage.apply(WriteBatch::of(op), Durability::Process) {
            Ok(_) => {
                self.n_writes += 1;
                true
            }
            Err(StorageError::Rejected(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// A record that a machine has, in a scope that is exchanged.
    fn pick(&mut self, n: usize, kind: RecordKind) -> Option<RecordId> {
        let view = self.machines[n].list(kind);
        if view.is_empty() { None } else { Some(view[self.rng.usize(0..view.len())]) }
    }

    fn shared_scope(&mut self) -> Scope {
        scopes()[self.rng.usize(0..2)].clone()
    }

    fn insert_episode(&mut self, n: usize, source: Option<Source>) {
        let machine = &self.machines[n];
        let (id, at) = (EpisodeId::from_bytes(machine.clock.id()), machine.clock.time());
        let episode = Episode {
            id,
            scope: self.shared_scope(),
            source: source.clone(),
            started_at: at,
            recorded_at: at,
            ..sample::episode(self.n_writes)
        };
        if self.apply(n, Op::InsertEpisode { episode: Box::new(episode), steps: vec![] }) {
            self.ledger.made.insert(id.into(), source);
        }
    }

    fn begin(&mut self, n: usize) {
        self.insert_episode(n, None);
    }

    fn import(&mut self, n: usize) {
        let source = sample::source(&format!("e{}", self.rng.usize(0..N_SOURCES)));
        self.ledger.sources.insert((RecordKind::Episode, source.clone()));
        self.insert_episode(n, Some(source));
    }

    fn log(&mut self, n: usize) {
        let Some(RecordId::Episode(episode)) = self.pick(n, RecordKind::Episode) else { return };
        let call = self.rng.u64(0..6);
        let full = self.rng.bool();
        let step = |n| Step { call_id: Some(format!("c{n}").into()), ..sample::step(n) };
        let step =
            if full { step(call) } else { Step { observation: sample::text(""), ..step(call) } };
        let op = Op::AppendSteps { episode, steps: vec![step], limit: u32::MAX };
        if self.apply(n, op) {
            let range = StepRange { episode, from: 0, limit: u32::MAX };
            let steps = self.machines[n].storage.steps(&[range]).unwrap().remove(0);
            // A call that is told again elsewhere changes nothing there, where fewer may be known.
            let logged = self.ledger.logged.entry(episode).or_default();
            *logged = (*logged).max(steps.len());
        }
    }

    fn close(&mut self, n: usize) {
        let Some(RecordId::Episode(episode)) = self.pick(n, RecordKind::Episode) else { return };
        let outcome = Outcome::ALL[self.rng.usize(0..Outcome::ALL.len())];
        let inferred = self.rng.bool().then(|| "green".into());
        let summary = Some(sample::text(format!("by {n}, {}", self.n_writes)));
        let closing = Closing { inferred, summary, ..sample::closing(Some(outcome)) };
        self.apply(n, Op::Close { episode, closing: Box::new(closing) });
    }

    fn insert_note(&mut self, n: usize, episode: Option<EpisodeId>, supersedes: Option<NoteId>) {
        let machine = &self.machines[n];
        let (id, at) = (NoteId::from_bytes(machine.clock.id()), machine.clock.time());
        let note = Note {
            id,
            scope: self.shared_scope(),
            episode,
            supersedes,
            occurred_at: at,
            recorded_at: at,
            ..sample::note(self.n_writes)
        };
        if self.apply(n, Op::InsertNote(Box::new(note))) {
            self.ledger.made.insert(id.into(), None);
        }
    }

    fn remember(&mut self, n: usize) {
        self.insert_note(n, None, None);
    }

    fn lesson(&mut self, n: usize) {
        if let Some(RecordId::Episode(episode)) = self.pick(n, RecordKind::Episode) {
            self.insert_note(n, Some(episode), None);
        }
    }

    fn supersede(&mut self, n: usize) {
        if let Some(RecordId::Note(old)) = self.pick(n, RecordKind::Note) {
            self.insert_note(n, None, Some(old));
        }
    }

    fn judge(&mut self, n: usize) {
        let kind = if self.rng.bool() { RecordKind::Episode } else { RecordKind::Note };
        let (Some(id), helpful) = (self.pick(n, kind), self.rng.bool()) else { return };
        if self.apply(n, Op::Judge { id, helpful }) {
            let (yes, no) = self.ledger.judged.entry(id).or_default();
            *(if helpful { yes } else { no }) += 1;
        }
    }

    fn merge(&mut self, n: usize) {
        let Some(id @ RecordId::Note(note)) = self.pick(n, RecordKind::Note) else { return };
        let tags = sample::labels(&[["a", "b", "c"][self.rng.usize(0..3)]]);
        let at = self.machines[n].clock.time();
        if self.apply(n, Op::Merge { note, at, tags }) {
            *self.ledger.merged.entry(id).or_default() += 1;
        }
    }

    fn relocate(&mut self, n: usize) {
        let kind = if self.rng.bool() { RecordKind::Episode } else { RecordKind::Note };
        let (Some(id), scope) = (self.pick(n, kind), self.shared_scope()) else { return };
        self.apply(n, Op::SetScope { id, scope });
    }

    fn forget(&mut self, n: usize) {
        let kind = if self.rng.bool() { RecordKind::Episode } else { RecordKind::Note };
        let Some(id) = self.pick(n, kind) else { return };
        if self.apply(n, Op::Remove(id)) {
            self.ledger.forgotten.insert(id);
        }
    }

    /// Lets the machines write and exchange at random, with faults, `n_rounds` times, and then come
    /// to rest without. With faults some of the machines are cut off for a while, again and again.
    pub fn run<C: Carrier + 'static>(
        &mut self,
        n_rounds: usize,
        faults: Faults,
        mut open: impl FnMut() -> C,
    ) {
        let (mut cut_off, mut until) = (BTreeSet::new(), 0);
        for round in 0..n_rounds {
            for _ in 0..self.rng.usize(0..12) {
                self.write();
            }
            if faults.failed > 0 && round >= until {
                let machines = 0..self.machines.len();
                cut_off = machines.filter(|_| self.rng.u32(0..4) == 0).collect();
                until = round + self.rng.usize(1..60);
            }
            let (n, seed) = (self.rng.usize(0..self.machines.len()), self.rng.u64(..));
            let mut way =
                |_| -> Box<dyn Carrier> { Box::new(FaultyCarrier::new(open(), faults, seed)) };
            if !cut_off.contains(&n) {
                self.sync(n, &mut way, faults.failed > 0);
            }
        }
        self.settle(&mut |_| Box::new(open()));
    }
}

impl Machine {
    fn sync(&self, carrier: &mut dyn Carrier) -> Result<Report, ExchangeError> {
        exchange(&*self.storage, &self.clock, &self.terms, carrier)
    }

    fn list(&self, kind: RecordKind) -> Vec<RecordId> {
        let filter = memory_core::RecordFilter::default();
        let listed = self.storage.list(kind, &filter, None, usize::MAX).unwrap();
        listed.into_iter().map(|entry| entry.id).collect()
    }

    fn view(&self) -> View {
        View::of(&*self.storage, &self.terms.scopes)
    }
}

impl Ledger {
    fn check(&self, view: &View) {
        for id in &self.forgotten {
            assert!(!view.records.contains_key(id), "{id} was forgotten and is there");
        }
        let of_source = |id: &RecordId| self.made.get(id).is_some_and(Option::is_some);
        for id in self.made.keys().filter(|id| !of_source(id)) {
            let is_forgotten = self.forgotten.contains(id);
            assert!(is_forgotten || view.records.contains_key(id), "{id} is lost");
        }
        self.check_sources(view);
        for (id, record) in &view.records {
            let judged = self.judged.get(id).copied().unwrap_or_default();
            let merged = self.merged.get(id).copied().unwrap_or_default();
            let (feedback, n_merged) = match record {
                Record::Episode(episode) => {
                    let logged = self.logged.get(&episode.id).copied().unwrap_or_default();
                    assert_eq!(view.steps[&episode.id].len(), logged, "steps of {id}");
                    (episode.feedback, 0)
                }
                Record::Note(note) => (note.feedback, note.n_merged),
            };
            assert_eq!((feedback.n_helpful, feedback.n_unhelpful), judged, "judgements of {id}");
            assert_eq!(n_merged, merged, "merges of {id}");
        }
    }

    /// Of a source there is one record at most; the oldest, if none was forgotten.
    fn check_sources(&self, view: &View) {
        for (kind, source) in &self.sources {
            let made = self.made.iter().filter(|(_, of)| of.as_ref() == Some(source));
            let made: Vec<RecordId> = made.map(|(id, _)| *id).collect();
            let there = view.records.values().filter(|record| record.source() == Some(source));
            let there: Vec<RecordId> = there.map(Record::id).collect();
            let is_forgotten = made.iter().any(|id| self.forgotten.contains(id));
            let expected = if is_forgotten { None } else { made.first().copied() };
            assert_eq!(there, expected.into_iter().collect::<Vec<_>>(), "{kind:?} of {source}");
            assert_eq!(view.sources.get(&(*kind, source.clone())), Some(&expected), "{source}");
        }
    }
}
