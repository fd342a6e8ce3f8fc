use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use super::*;
use crate::model::{EpisodeId, Feedback, RecordId, Scope, Shown};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn after_ms(ms: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + ms)
}

fn key(text: &str) -> Key {
    Key { query: Query::new(text), position: Position { changes: 1, vectors: 0 } }
}

/// An answer that tells which computation it came from.
fn numbered(n: usize) -> Answer {
    Answer { recall: Recall { n_pending: n, ..Recall::default() }, changes_at: None }
}

fn failed() -> Result<Answer, Error> {
    Err(Error::invalid("text", "is refused by the test"))
}

fn cache_of(cache_bytes: usize, cache_age_ms: u64) -> RecallCache {
    RecallCache::new(&Config { cache_bytes, cache_age_ms, ..Config::default() })
}

fn cache() -> RecallCache {
    RecallCache::new(&Config::default())
}

/// Asks for `text`; gives the number of the computation that the answer came from.
fn ask(cache: &RecallCache, text: &str, now: Timestamp, n: usize) -> usize {
    cache.answer(key(text), now, || Ok(numbered(n))).unwrap().n_pending
}

#[test]
fn an_answer_is_kept_for_its_age_and_no_longer() {
    let cache = cache_of(1 << 20, 1_000);
    assert_eq!(ask(&cache, "a", START, 1), 1);
    assert_eq!(ask(&cache, "a", after_ms(999), 2), 1);
    assert_eq!(ask(&cache, "a", after_ms(1_000), 3), 3);
    assert_eq!(ask(&cache, "a", after_ms(1_999), 4), 3, "its age begins anew");
    assert_eq!(ask(&cache, "a", after_ms(500), 5), 5, "an answer from the future is not trusted");
    let counts = RecallCounts { cached: 2, computed: 3, shared: 0 };
    assert_eq!(cache.counts(), counts);
}

#[test]
fn an_answer_is_kept_until_a_note_begins_or_ceases_to_hold() {
    let cache = cache();
    let until = || Ok(Answer { changes_at: Some(after_ms(10)), ..numbered(1) });
    cache.answer(key("a"), START, until).unwrap();
    assert_eq!(ask(&cache, "a", after_ms(9), 2), 1);
    assert_eq!(ask(&cache, "a", after_ms(10), 3), 3);
}

#[test]
fn another_position_is_another_key() {
    let cache = cache();
    for (n, (changes, vectors)) in [(1, 0), (2, 0), (2, 1)].into_iter().enumerate() {
        let key = Key { query: Query::new("a"), position: Position { changes, vectors } };
        assert_eq!(cache.answer(key, START, || Ok(numbered(n))).unwrap().n_pending, n);
    }
}

#[test]
fn a_full_cache_forgets_what_was_not_asked_for_the_longest() {
    let size = size_bytes(&key("a"), &Recall::default());
    let cache = cache_of(2 * size, 1_000);
    assert_eq!([ask(&cache, "a", START, 1), ask(&cache, "b", START, 2)], [1, 2]);
    assert_eq!(ask(&cache, "a", START, 3), 1, "both fit");
    assert_eq!(ask(&cache, "c", START, 4), 4);
    assert_eq!([ask(&cache, "a", START, 5), ask(&cache, "c", START, 6)], [1, 4]);
    assert_eq!(ask(&cache, "b", START, 7), 7, "b had to go");
    assert_eq!(cache.state().n_bytes, 2 * size);
}

#[test]
fn what_is_counted_is_what_is_kept() {
    let cache = cache_of(5_000, 1_000);
    for n in 0..500_usize {
        let text = "x".repeat(n * 37 % 600);
        ask(&cache, &text, after_ms(i64::try_from(n).unwrap() * 30), n);
        let state = cache.state();
        let sum: usize = state.entries.iter().map(|(_, entry)| entry.n_bytes).sum();
        assert!(state.n_bytes == sum && sum <= 5_000, "{} of {sum}", state.n_bytes);
        let has_answer = |(_, entry): (_, &Entry)| lock(&entry.slot).is_some();
        assert!(state.entries.iter().all(has_answer), "nothing is in flight");
    }
}

#[test]
fn what_does_not_fit_is_answered_and_not_kept() {
    for cache in [cache_of(0, 1_000), cache_of(1 << 20, 0), cache_of(10_000, 1_000)] {
        let text = "x".repeat(10_000);
        let text = if cache.max_bytes == 10_000 { text.as_str() } else { "a" };
        assert_eq!([ask(&cache, text, START, 1), ask(&cache, text, START, 2)], [1, 2]);
        assert_eq!(cache.state().entries.len(), 0);
    }
}

#[test]
fn a_degraded_answer_is_not_kept() {
    let cache = cache();
    let mut degraded = numbered(1);
    degraded.recall.degraded = Some("no embedder".into());
    assert_eq!(cache.answer(key("a"), START, || Ok(degraded)).unwrap().n_pending, 1);
    assert_eq!(ask(&cache, "a", START, 2), 2);
}

#[test]
fn an_error_or_a_panic_is_not_kept() {
    let cache = cache();
    cache.answer(key("a"), START, failed).unwrap_err();
    let panics = || cache.answer(key("a"), START, || panic!("as the test wants"));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err(), "the panic goes on");
    assert_eq!(ask(&cache, "a", START, 3), 3);
    assert_eq!(cache.counts().computed, 3);
}

/// Lets `n` threads wait for a leader that ends so; gives their answers and how often one was
/// computed.
fn wait_for(
    n: u64,
    end: impl FnOnce() -> Result<Answer, Error> + Send,
) -> (Vec<usize>, RecallCounts) {
    let cache = &cache();
    let answers = std::thread::scope(|scope| {
        let (begun, has_begun) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let leader = scope.spawn(move || {
            let lead = || {
                begun.send(()).unwrap();
                may_go.recv().unwrap();
                end()
            };
            catch_unwind(AssertUnwindSafe(|| cache.answer(key("a"), START, lead)))
        });
        has_begun.recv().unwrap();
        let waiters: Vec<_> = (0..n).map(|_| scope.spawn(|| ask(cache, "a", START, 2))).collect();
        while cache.counts().shared < n {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
        drop(leader.join());
        waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect()
    });
    (answers, cache.counts())
}

#[test]
fn identical_queries_in_flight_are_computed_once() {
    let (answers, counts) = wait_for(7, || Ok(numbered(1)));
    assert_eq!(answers, [1; 7]);
    assert_eq!(counts, RecallCounts { cached: 0, computed: 1, shared: 7 });
}

#[test]
fn a_failure_is_its_callers_alone_and_one_of_those_who_waited_computes_the_answer() {
    let panics = || -> Result<Answer, Error> { panic!("as the test wants") };
    for (answers, counts) in [wait_for(7, failed), wait_for(7, panics)] {
        assert_eq!(answers, [2; 7]);
        assert_eq!(counts, RecallCounts { cached: 0, computed: 2, shared: 6 });
    }
}

#[test]
fn another_query_does_not_wait_for_one_in_flight() {
    let (cache, inner) = (cache(), Cell::new(0));
    let outer = cache.answer(key("a"), START, || {
        inner.set(ask(&cache, "b", START, 2));
        Ok(numbered(1))
    });
    assert_eq!((outer.unwrap().n_pending, inner.get()), (1, 2));
}

#[test]
fn everything_that_hangs_on_a_record_is_counted() {
    let episode = |digest: usize, n_shown: usize| {
        let (id, scope) = (EpisodeId::from_bytes([1; 16]), Scope::new("shop").unwrap());
        let shown = Shown { record: id.into(), strong: true };
        let closing = Closing { followed: vec![id.into(); n_shown], ..closed() };
        Episode {
            digest: Some(vec![0; digest].into()),
            shown: vec![shown; n_shown],
            closing: Some(closing),
            ..open(id, scope)
        }
    };
    let small = episode_bytes(&episode(0, 0));
    assert_eq!(episode_bytes(&episode(1_000, 0)), small + 1_000);
    let per_shown = size_of::<Shown>() + size_of::<RecordId>();
    assert_eq!(episode_bytes(&episode(0, 50)), small + 50 * per_shown);
}

fn open(id: EpisodeId, scope: Scope) -> Episode {
    Episode {
        id,
        scope,
        task: Excerpt::cut("task".into(), 100),
        context: Context::default(),
        source: None,
        origin: crate::model::Origin::Agent,
        author: None,
        started_at: START,
        recorded_at: START,
        relations: Vec::new(),
        shown: Vec::new(),
        feedback: Feedback::default(),
        digest: None,
        n_steps: 0,
        closing: None,
    }
}

fn closed() -> Closing {
    Closing {
        outcome: None,
        inferred: None,
        ended_at: START,
        summary: None,
        artifacts: Vec::new(),
        reward: None,
        surprise: None,
        followed: Vec::new(),
        reflection: None,
    }
}
