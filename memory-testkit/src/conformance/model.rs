//! Random histories, applied to a storage and to the reference in memory, must give equal answers.

use memory_core::backend::{
    Durability, Found, NamedState, Op, Placed, StepRange, StoredVector, WriteBatch,
};
use memory_core::{
    Change, ChangeOp, Closing, Episode, EpisodeId, MemStorage, Note, NoteId, NoteKind, Outcome,
    Record, RecordFilter, RecordId, RecordKind, Scope, Seq, Shown, Source, Step, Storage,
    StorageError, StorageStats,
};
use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use crate::{read, sample};

/// Few names, so that operations meet on the same records.
const N_EPISODES: u64 = 5;
const N_NOTES: u64 = 6;
/// Notes from here on are made on other machines alone, to this number.
const N_ALL_NOTES: u64 = 9;
const N_SOURCES: u64 = 3;

/// An operation described by small numbers, which shrink well.
#[derive(Debug, Clone)]
enum Plan {
    InsertEpisode { n: u64, looks: Looks, n_steps: u64, closed: bool, outcome: Option<usize> },
    Append { n: u64, n_steps: u64, limit: u32, first: u64 },
    Close { n: u64, outcome: Option<usize>, reward: Option<u8>, inferred: bool },
    InsertNote { n: u64, looks: Looks, kind: usize, episode: Option<u64>, supersedes: Option<u64> },
    Judge { is_note: bool, n: u64, helpful: bool },
    Merge { n: u64, at: u64, tags: Vec<u8> },
    Tie { n: u64, named: u64 },
    SetScope { is_note: bool, n: u64, scope: u8 },
    KeepDigest { n: u64, digest: u8 },
    RemoveEpisode(u64),
    RemoveNote(u64),
    PutVectors { model: usize, units: Vec<Unit>, short: bool },
    Place(Elsewhere),
    Withdraw { is_note: bool, n: u64, source: Option<u64> },
    DropVectors { model: usize, limit: u32 },
    Lift(u64),
    KeepState { n: u8, bytes: Vec<u8>, at: u64 },
    DropStates(u64),
}

/// A record of another machine.
#[derive(Debug, Clone)]
enum Elsewhere {
    Episode { n: u64, looks: Looks, n_steps: Option<u64>, closed: bool, author: Option<u8> },
    Note { n: u64, looks: Looks, episode: Option<u64>, supersedes: Option<u64> },
}

impl Elsewhere {
    fn strategy() -> impl Strategy<Value = Self> {
        let episode = (
            0..N_EPISODES,
            Looks::strategy(),
            option::of(0..4_u64),
            any::<bool>(),
            option::of(0..2_u8),
        );
        // One that is made here later is not named before.
        let note = (
            0..N_ALL_NOTES,
            Looks::strategy(),
            option::weighted(0.3, 0..N_EPISODES),
            option::weighted(0.6, N_NOTES..N_ALL_NOTES),
        );
        prop_oneof![
            episode.prop_map(|(n, looks, n_steps, closed, author)| {
                Self::Episode { n, looks, n_steps, closed, author }
            }),
            note.prop_map(|(n, looks, episode, supersedes)| {
                Self::Note { n, looks, episode, supersedes }
            }),
        ]
    }

    fn to_placed(&self) -> Placed {
        match self {
            Self::Episode { n, looks, n_steps, closed, author } => {
                let closing = closed.then(|| sample::closing(Some(Outcome::Success)));
                let episode =
                    Episode { author: author.map(sample::author), ..episode(*n, looks, closing) };
                let steps = n_steps.map(whole_steps);
                Placed { record: Record::Episode(Box::new(episode)), steps, seen: None }
            }
            Self::Note { n, looks, episode, supersedes } => {
                let note = Note {
                    scope: looks.scope(),
                    tags: looks.tags(),
                    source: looks.source(),
                    occurred_at: sample::instant(looks.at),
                    author: Some(sample::author(1)),
                    episode: episode.map(sample::episode_id),
                    supersedes: supersedes.filter(|old| old != n).map(sample::note_id),
                    ..sample::note(*n)
                };
                Placed { record: Record::Note(Box::new(note)), steps: None, seen: None }
            }
        }
    }
}

/// Steps as a storage numbers them, each call once.
fn whole_steps(n_steps: u64) -> Vec<Step> {
    (0..n_steps).map(sample::full_step).collect()
}

/// A record, episode or note, with a part and what makes the vector.
type Unit = (bool, u64, u32, u8);

/// Fields that episodes and notes have in common.
#[derive(Debug, Clone)]
struct Looks {
    scope: u8,
    tag: Option<u8>,
    source: Option<u64>,
    at: u64,
}

impl Looks {
    fn strategy() -> impl Strategy<Value = Self> {
        (0..2_u8, option::of(0..2_u8), option::weighted(0.3, 0..N_SOURCES), 0..4_u64)
            .prop_map(|(scope, tag, source, at)| Self { scope, tag, source, at })
    }

    fn scope(&self) -> Scope {
        sample::scope(&format!("scope {}", self.scope))
    }

    fn tags(&self) -> Vec<Box<str>> {
        self.tag.iter().map(|tag| format!("tag {tag}").into()).collect()
    }

    fn source(&self) -> Option<Source> {
        self.source.map(source)
    }
}

fn source(n: u64) -> Source {
    sample::source(&format!("source {n}"))
}

impl Plan {
    fn strategy() -> impl Strategy<Value = Self> {
        let (episode, note) = (0..N_EPISODES, 0..N_NOTES);
        let outcome = || option::weighted(0.8, 0..Outcome::ALL.len());
        let units = vec((any::<bool>(), 0..N_EPISODES, 0..3_u32, 0..4_u8), 0..4);
        prop_oneof![
            4 => (episode.clone(), Looks::strategy(), 0..4_u64, weighted(0.2), outcome())
                .prop_map(|(n, looks, n_steps, closed, outcome)| {
                    Self::InsertEpisode { n, looks, n_steps, closed, outcome }
                }),
            4 => (
                episode.clone(),
                0..4_u64,
                prop_oneof![4 => Just(u32::MAX), 1 => 0..8_u32],
                0..9_u64,
            )
                .prop_map(|(n, n_steps, limit, first)| Self::Append { n, n_steps, limit, first }),
            3 => (episode.clone(), outcome(), option::of(any::<u8>()), any::<bool>())
                .prop_map(|(n, outcome, reward, inferred)| {
                    Self::Close { n, outcome, reward, inferred }
                }),
            5 => (
                note.clone(),
                Looks::strategy(),
                0..NoteKind::ALL.len(),
                option::weighted(0.3, episode.clone()),
                option::weighted(0.4, 0..N_ALL_NOTES),
            )
                .prop_map(|(n, looks, kind, episode, supersedes)| {
                    Self::InsertNote { n, looks, kind, episode, supersedes }
                }),
            1 => (any::<bool>(), episode.clone(), any::<bool>())
                .prop_map(|(is_note, n, helpful)| Self::Judge { is_note, n, helpful }),
            1 => (note.clone(), 0..4_u64, vec(0..3_u8, 0..3))
                .prop_map(|(n, at, tags)| Self::Merge { n, at, tags }),
            1 => (episode.clone(), note.clone()).prop_map(|(n, named)| Self::Tie { n, named }),
            1 => (any::<bool>(), episode.clone(), 0..2_u8)
                .prop_map(|(is_note, n, scope)| Self::SetScope { is_note, n, scope }),
            1 => (episode.clone(), any::<u8>())
                .prop_map(|(n, digest)| Self::KeepDigest { n, digest }),
            1 => episode.prop_map(Self::RemoveEpisode),
            2 => (0..N_ALL_NOTES).prop_map(Self::RemoveNote),
            4 => Elsewhere::strategy().prop_map(Self::Place),
            1 => (any::<bool>(), 0..N_ALL_NOTES, option::of(0..N_SOURCES))
                .prop_map(|(is_note, n, source)| Self::Withdraw { is_note, n, source }),
            1 => (0..sample::MODELS.len(), 0..4_u32)
                .prop_map(|(model, limit)| Self::DropVectors { model, limit }),
            1 => (0..N_SOURCES).prop_map(Self::Lift),
            1 => (0..3_u8, vec(any::<u8>(), 0..3), 0..4_u64)
                .prop_map(|(n, bytes, at)| Self::KeepState { n, bytes, at }),
            1 => (0..4_u64).prop_map(Self::DropStates),
            3 => (0..sample::MODELS.len(), units, weighted(0.1))
                .prop_map(|(model, units, short)| Self::PutVectors { model, units, short }),
        ]
    }

    fn to_op(&self) -> Op {
        match self {
            Self::InsertEpisode { n, looks, n_steps, closed, outcome } => {
                let outcome = outcome.map(|o| Outcome::ALL[o]);
                let closing = closed.then(|| sample::closing(outcome));
                let episode = Box::new(episode(*n, looks, closing));
                Op::InsertEpisode { episode, steps: some_steps(0, *n_steps) }
            }
            Self::Append { n, n_steps, limit, first } => {
                let (episode, steps) = (sample::episode_id(*n), some_steps(*first, *n_steps));
                Op::AppendSteps { episode, steps, limit: *limit }
            }
            Self::Close { n, outcome, reward, inferred } => close(*n, *outcome, *reward, *inferred),
            Self::InsertNote { n, looks, kind, episode, supersedes } => {
                Op::InsertNote(Box::new(Note {
                    kind: NoteKind::ALL[*kind],
                    scope: looks.scope(),
                    tags: looks.tags(),
                    source: looks.source(),
                    occurred_at: sample::instant(looks.at),
                    episode: episode.map(sample::episode_id),
                    supersedes: supersedes.map(sample::note_id),
                    ..sample::note(*n)
                }))
            }
            Self::Judge { is_note, n, helpful } => {
                Op::Judge { id: record(*is_note, *n), helpful: *helpful }
            }
            Self::Merge { n, at, tags } => Op::Merge {
                note: sample::note_id(*n),
                at: sample::instant(*at),
                tags: tags.iter().map(|tag| format!("tag {tag}").into()).collect(),
            },
            Self::Tie { n, named } => tie(*n, *named),
            Self::SetScope { is_note, n, scope } => {
                let scope = sample::scope(&format!("scope {scope}"));
                Op::SetScope { id: record(*is_note, *n), scope }
            }
            Self::KeepDigest { n, digest } => {
                let digest = vec![*digest; usize::from(*digest)].into();
                Op::KeepDigest { episode: sample::episode_id(*n), digest }
            }
            Self::RemoveEpisode(n) => Op::Remove(sample::episode_id(*n).into()),
            Self::RemoveNote(n) => Op::Remove(sample::note_id(*n).into()),
            Self::PutVectors { model, units, short } => {
                let mut vectors: Vec<StoredVector> = units.iter().map(vector).collect();
                if let Some(last) = vectors.last_mut().filter(|_| *short) {
                    last.vector.pop();
                }
                Op::PutVectors { model: sample::MODELS[*model].into(), vectors }
            }
            Self::Place(placed) => Op::Place(Box::new(placed.to_placed())),
            Self::Withdraw { is_note, n, source: of } => {
                Op::Withdraw { id: record(*is_note, *n), source: of.map(source) }
            }
            Self::DropVectors { model, limit } => {
                Op::DropVectors { model: sample::MODELS[*model].into(), limit: *limit }
            }
            Self::Lift(n) => Op::Lift(source(*n)),
            Self::KeepState { n, bytes, at } => {
                let (name, bytes) = (format!("state {n}").into(), bytes.as_slice().into());
                Op::KeepState { name, bytes, at: sample::instant(*at) }
            }
            Self::DropStates(before) => Op::DropStates { before: sample::instant(*before) },
        }
    }
}

fn close(n: u64, outcome: Option<usize>, reward: Option<u8>, inferred: bool) -> Op {
    let closing = Closing {
        inferred: inferred.then(|| "the build is green".into()),
        reward: reward.map(|reward| f64::from(reward) / 255.0),
        ..sample::closing(outcome.map(|o| Outcome::ALL[o]))
    };
    Op::Close { episode: sample::episode_id(n), closing: Box::new(closing) }
}

fn episode(n: u64, looks: &Looks, closing: Option<Closing>) -> Episode {
    let mut episode = Episode {
        scope: looks.scope(),
        source: looks.source(),
        started_at: sample::instant(looks.at),
        closing,
        ..sample::episode(n)
    };
    episode.context.tags = looks.tags();
    episode
}

fn tie(n: u64, named: u64) -> Op {
    let record: RecordId = sample::note_id(named).into();
    Op::Tie {
        episode: sample::episode_id(n),
        relations: vec![],
        shown: vec![Shown { record, strong: true }],
        followed: vec![record],
    }
}

fn vector((is_note, n, part, looks): &Unit) -> StoredVector {
    sample::vector(record(*is_note, *n), *part, *looks)
}

fn record(is_note: bool, n: u64) -> RecordId {
    if is_note { sample::note_id(n).into() } else { sample::episode_id(n).into() }
}

/// Steps without an id of their call, before its result and with it.
fn some_steps(first: u64, n_steps: u64) -> Vec<Step> {
    let step = |n: u64| match n % 3 {
        0 => sample::step(n),
        1 => sample::full_step(n),
        _ => Step {
            call_id: sample::full_step(n / 2).call_id,
            observation: sample::text(""),
            ..sample::step(n)
        },
    };
    (first..first + n_steps).map(step).collect()
}

/// A way to run something on a new, empty store.
pub type OnNewStore<'a> = &'a dyn Fn(&mut dyn FnMut(&dyn Storage));

/// Checks a storage against [`MemStorage`] with random histories; a failing one is made as short as
/// it can be and printed.
pub fn random_histories_agree_with_the_reference(on_new_store: OnNewStore<'_>) {
    let config =
        Config { cases: 64, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    // The same histories at each run: a red test stays red until its cause is gone.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let histories = vec(vec(Plan::strategy(), 0..5), 1..24);
    let outcome = runner.run(&histories, |history| {
        // A claim that does not hold panics; the runner takes that for a failed case and shrinks
        // it.
        on_new_store(&mut |storage| agree(storage, &history));
        Ok(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, history)) => panic!("{reason}\nhistory: {history:#?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn agree(storage: &dyn Storage, history: &[Vec<Plan>]) {
    let reference = MemStorage::new();
    let (mut seq, mut reference_seq) = (0, 0);
    for batch in history {
        let ops: Vec<Op> = batch.iter().map(Plan::to_op).collect();
        let expected = reference.apply(WriteBatch { ops: ops.clone() }, Durability::Process);
        let got = storage.apply(WriteBatch { ops }, Durability::Process);
        match (got, expected) {
            (Ok(got), Ok(expected)) => {
                assert_eq!(got.applied, expected.applied);
                let changes = changes_since(storage, seq, got.seq);
                assert_eq!(changes, changes_since(&reference, reference_seq, expected.seq));
                (seq, reference_seq) = (got.seq, expected.seq);
            }
            (Err(StorageError::Rejected(got)), Err(StorageError::Rejected(expected))) => {
                assert_eq!(got, expected);
            }
            (got, expected) => panic!("got {got:?}, the reference {expected:?}"),
        }
        assert_eq!(storage.head().unwrap().seq, seq);
        assert_eq!(Visible::of(storage), Visible::of(&reference));
    }
    assert_eq!(changes_since(storage, 0, seq), changes_since(&reference, 0, reference_seq));
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// The changes after `after`, of which the last stands at `head`; sorted by record, because the
/// order within a batch is the storage's own.
fn changes_since(storage: &dyn Storage, after: Seq, head: Seq) -> Vec<(RecordId, ChangeOp)> {
    let changes: Vec<Change> = storage.changes(after, usize::MAX).unwrap();
    assert!(changes.is_sorted_by(|a, b| a.seq < b.seq), "{changes:?}");
    assert_eq!(changes.last().map_or(after.max(head), |change| change.seq), head);
    let mut changes: Vec<_> = changes.iter().map(|change| (change.id, change.op)).collect();
    changes.sort_unstable();
    changes
}

/// All that two stores with the same history must show alike.
#[derive(Debug, PartialEq)]
struct Visible {
    episodes: Vec<Option<Episode>>,
    steps: Vec<Vec<Step>>,
    later_steps: Vec<Vec<Step>>,
    notes: Vec<Option<Note>>,
    found: Vec<Found>,
    states: Vec<NamedState>,
    listed: Vec<Vec<RecordId>>,
    vectors: Vec<Vec<StoredVector>>,
    stats: StorageStats,
}

impl Visible {
    fn of(storage: &dyn Storage) -> Self {
        let episodes: Vec<EpisodeId> = (0..N_EPISODES).map(sample::episode_id).collect();
        let notes: Vec<NoteId> = (0..N_ALL_NOTES).map(sample::note_id).collect();
        let sources: Vec<Source> = (0..N_SOURCES).map(source).collect();
        let steps = |from, limit| {
            let range = |id: &EpisodeId| StepRange { episode: *id, from, limit };
            storage.steps(&episodes.iter().map(range).collect::<Vec<_>>()).unwrap()
        };
        let mut found = storage.find(RecordKind::Episode, &sources).unwrap();
        found.extend(storage.find(RecordKind::Note, &sources).unwrap());
        Self {
            steps: steps(0, u32::MAX),
            later_steps: steps(2, 3),
            episodes: read::episodes(storage, &episodes),
            notes: read::notes(storage, &notes),
            found,
            states: storage.states("").unwrap(),
            listed: filters().iter().flat_map(|filter| list_both(storage, filter)).collect(),
            vectors: sample::MODELS.map(|model| vectors(storage, model)).to_vec(),
            stats: StorageStats { size_bytes: 0, ..storage.stats().unwrap() },
        }
    }
}

/// The vectors of a model, oldest first; their positions are the storage's own.
fn vectors(storage: &dyn Storage, model: &str) -> Vec<StoredVector> {
    let rows = storage.vectors(model, 0, usize::MAX).unwrap();
    assert!(rows.is_sorted_by(|a, b| a.seq < b.seq), "{rows:?}");
    rows.into_iter().map(|row| row.vector).collect()
}

fn list_both(storage: &dyn Storage, filter: &RecordFilter) -> [Vec<RecordId>; 2] {
    [RecordKind::Episode, RecordKind::Note].map(|kind| {
        let entries = storage.list(kind, filter, None, usize::MAX).unwrap();
        entries.iter().map(|entry| entry.id).collect()
    })
}

fn filters() -> [RecordFilter; 4] {
    [
        RecordFilter::default(),
        RecordFilter { current_only: true, ..RecordFilter::default() },
        RecordFilter {
            scope: Some(sample::scope("scope 1")),
            tag: Some("tag 0".into()),
            ..RecordFilter::default()
        },
        RecordFilter { outcome: Some(Outcome::Success), ..RecordFilter::default() },
    ]
}
