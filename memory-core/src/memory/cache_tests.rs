//! Claims about answers that are kept: they are given again, and never when they are out of date.

use std::sync::{Condvar, Mutex};
use std::time::Instant;

use super::*;
use crate::clock::StepClock;
use crate::embed::{EmbedError, Role};
use crate::intake::NewNote;
use crate::model::{HitKind, NoteKind, Outcome, Scope, Timestamp};
use crate::retrieve::Strength;
use crate::storage::MemStorage;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn after_ms(ms: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + ms)
}

/// Counts the queries that it embeds, and holds them back while its gate is shut.
#[derive(Default)]
struct Gate {
    /// Queries so far, and whether the gate is shut.
    state: Mutex<(usize, bool)>,
    opened: Condvar,
}

impl Gate {
    fn n_queries(&self) -> usize {
        self.state.lock().unwrap().0
    }

    fn set_shut(&self, shut: bool) {
        self.state.lock().unwrap().1 = shut;
        self.opened.notify_all();
    }
}

impl Embedder for Gate {
    fn id(&self) -> &'static str {
        "gate/1"
    }

    fn dimension(&self) -> usize {
        2
    }

    fn batch_limit(&self) -> usize {
        4
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if role == Role::Query {
            let mut state = self.state.lock().unwrap();
            state.0 += texts.len();
            drop(self.opened.wait_while(state, |state| state.1).unwrap());
        }
        Ok(vec![vec![1.0, 0.0]; texts.len()])
    }
}

fn store() -> Arc<dyn Storage> {
    Arc::new(MemStorage::new())
}

fn memory_with(storage: &Arc<dyn Storage>, gate: &Arc<Gate>, step_ms: i64) -> Memory {
    let clock = Arc::new(StepClock::new(START, step_ms));
    let embedder: Arc<dyn Embedder> = Arc::<Gate>::clone(gate);
    Memory::builder(Arc::clone(storage)).clock(clock).embedder(embedder).open().unwrap()
}

fn memory() -> (Memory, Arc<dyn Storage>, Arc<Gate>) {
    let (storage, gate) = (store(), Arc::new(Gate::default()));
    (memory_with(&storage, &gate, 0), storage, gate)
}

fn fact(text: &str) -> NewNote {
    NewNote::new(Scope::new("shop").unwrap(), NoteKind::Fact, text)
}

/// Recalls that were answered from the cache, computed and shared.
fn counts(memory: &Memory) -> (u64, u64, u64) {
    let status = memory.status().unwrap();
    (status.n_recalls_cached, status.n_recalls_computed, status.n_recalls_shared)
}

#[test]
fn a_repeated_query_is_answered_from_the_cache_as_it_would_be_afresh() {
    let (memory, storage, gate) = memory();
    for n in 0..20 {
        memory.remember(fact(&format!("The red car number {n} is slow"))).unwrap();
    }
    memory.embed_all().unwrap();
    let query = Query::new("red car");
    let first = memory.recall(&query).unwrap();
    let again = memory.recall(&query).unwrap();
    assert_eq!(counts(&memory), (1, 1, 0));
    assert_eq!(gate.n_queries(), 1);
    let fresh = memory_with(&storage, &gate, 0).recall(&query).unwrap();
    assert_eq!(first.hits.len(), 10);
    assert_eq!((&first, &again), (&fresh, &fresh));
}

#[test]
fn a_write_of_this_process_or_another_is_seen_at_once() {
    let (memory, storage, gate) = memory();
    let other = memory_with(&storage, &gate, 0);
    let query = Query::new("red car");
    let n_hits = || memory.recall(&query).unwrap().hits.len();
    assert_eq!((n_hits(), n_hits()), (0, 0));
    let own = memory.remember(fact("The red car is slow")).unwrap().value.id();
    assert_eq!((n_hits(), n_hits()), (1, 1));
    other.recall(&query).unwrap();
    other.forget(&[own.into()]).unwrap();
    assert_eq!((n_hits(), n_hits()), (0, 0));
    assert_eq!(counts(&memory), (3, 3, 0));
}

#[test]
fn a_vector_that_arrives_is_seen_at_once() {
    let (memory, storage, gate) = memory();
    memory.remember(fact("The red car is slow")).unwrap();
    let query = Query::new("red car");
    let n_pending = || memory.recall(&query).unwrap().n_pending;
    assert_eq!((n_pending(), n_pending()), (1, 1));
    assert_eq!(memory_with(&storage, &gate, 0).embed_all().unwrap(), 1);
    assert_eq!((n_pending(), n_pending()), (0, 0));
    memory.remember(fact("The blue car is fast")).unwrap();
    assert_eq!(n_pending(), 1);
    assert_eq!(memory.embed_all().unwrap(), 1);
    assert_eq!(n_pending(), 0);
    assert_eq!(counts(&memory), (2, 4, 0));
}

#[test]
fn an_answer_is_computed_anew_after_a_minute() {
    let (storage, gate) = (store(), Arc::new(Gate::default()));
    let memory = memory_with(&storage, &gate, 20_000);
    for _ in 0..4 {
        memory.recall(&Query::new("red car")).unwrap();
    }
    assert_eq!(counts(&memory), (2, 2, 0));
}

#[test]
fn a_note_is_given_from_and_until_the_instants_at_which_it_holds() {
    let (storage, gate) = (store(), Arc::new(Gate::default()));
    let memory = memory_with(&storage, &gate, 1_000);
    let note = fact("The red car is slow");
    memory
        .remember(NewNote {
            valid_from: Some(after_ms(3_000)),
            valid_to: Some(after_ms(5_000)),
            ..note
        })
        .unwrap();
    // Each recall is a second after the one before; the note was stored in second 0.
    let n_hits: Vec<usize> =
        (1..8).map(|_| memory.recall(&Query::new("red car")).unwrap().hits.len()).collect();
    assert_eq!(n_hits, [0, 0, 1, 1, 0, 0, 0]);
    assert_eq!(counts(&memory), (4, 3, 0));
}

#[test]
fn a_query_that_differs_in_any_field_has_an_answer_of_its_own() {
    // A new field breaks this pattern, which is the reminder to vary it here.
    let Query {
        text: _,
        scope: _,
        own_scope: _,
        kinds: _,
        outcome: _,
        task_type: _,
        language: _,
        tags: _,
        since: _,
        until: _,
        except: _,
        limit: _,
        max_tokens: _,
        strength: _,
        variety: _,
    } = Query::new("");
    let shop = Some(Scope::new("shop").unwrap());
    let base = || Query::new("red car");
    let queries = [
        base(),
        Query::new("red cart"),
        Query { scope: shop.clone(), ..base() },
        Query { own_scope: shop, ..base() },
        Query { kinds: vec![HitKind::Episode], ..base() },
        Query { outcome: Some(Outcome::Success), ..base() },
        Query { task_type: Some("bugfix".into()), ..base() },
        Query { language: Some("bugfix".into()), ..base() },
        Query { tags: vec!["bugfix".into()], ..base() },
        Query { since: Some(START), ..base() },
        Query { until: Some(START), ..base() },
        Query { except: vec![EpisodeId::from_bytes([1; 16])], ..base() },
        Query { limit: Some(3), ..base() },
        Query { max_tokens: Some(3), ..base() },
        Query { strength: Strength::Any, ..base() },
        Query { variety: false, ..base() },
    ];
    let (memory, ..) = memory();
    for query in queries.iter().chain(&queries) {
        memory.recall(query).unwrap();
    }
    let n = queries.len() as u64;
    assert_eq!(counts(&memory), (n, n, 0));
}

#[test]
fn threads_that_ask_the_same_at_once_share_one_answer() {
    const N_THREADS: usize = 8;
    let (memory, _, gate) = memory();
    memory.remember(fact("The red car is slow")).unwrap();
    let query = Query::new("red car");
    gate.set_shut(true);
    let answers: Vec<Recall> = std::thread::scope(|scope| {
        let ask = || scope.spawn(|| memory.recall(&query).unwrap());
        let threads: Vec<_> = (0..N_THREADS).map(|_| ask()).collect();
        let deadline = Instant::now() + Duration::from_secs(20);
        while counts(&memory).2 + 1 < N_THREADS as u64 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        gate.set_shut(false);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(gate.n_queries(), 1);
    assert_eq!(counts(&memory), (0, 1, 7));
    assert!(answers.iter().all(|answer| answer.hits.len() == 1 && *answer == answers[0]));
}

#[test]
fn bounds_that_make_no_sense_are_refused() {
    let config = Config { cache_age_ms: 86_400_001, ..Config::default() };
    assert!(config.validate().unwrap_err().to_string().contains("cache_age_ms"));
    let none = Config { cache_bytes: 0, cache_age_ms: 0, ..Config::default() };
    none.validate().unwrap();
}
