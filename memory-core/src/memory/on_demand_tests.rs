//! Claims about a process that lives for one question: its answers are those of one that loads all.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::snapshot_tests::Words;
use super::{Memory, SearchIndex};
use crate::clock::{Clock, StepClock, SystemClock};
use crate::config::Config;
use crate::embed::Embedder;
use crate::error::Error;
use crate::intake::{Completion, NewEpisode, NewStep};
use crate::model::{EpisodeId, Outcome, RecordId, Scope, Timestamp};
use crate::retrieve::{Query, Recall, Strength};
use crate::storage::MemStorage;

const TASKS: [&str; 5] = [
    "mend the broken import of the ledger",
    "add a retry to the upload of invoices",
    "Mend the broken import of the ledger!",
    "rename the table of orders",
    "find out why the nightly report is empty",
];

fn scope(n: usize) -> Scope {
    Scope::new(["acme/shop", "acme/till"][n % 2]).unwrap()
}

/// Returns a process in which it is always the same instant.
fn ask(storage: &Arc<MemStorage>, folder: &Path, search: SearchIndex) -> Memory {
    let clock = StepClock::new(Timestamp::from_millis(1_800_000_000_000), 0);
    open_at(storage, folder, search, Arc::new(clock))
}

fn open(storage: &Arc<MemStorage>, folder: &Path, search: SearchIndex) -> Memory {
    open_at(storage, folder, search, Arc::new(SystemClock))
}

fn open_at(
    storage: &Arc<MemStorage>,
    folder: &Path,
    search: SearchIndex,
    clock: Arc<dyn Clock>,
) -> Memory {
    let config = Config {
        snapshot_path: Some(folder.join("memory.db.index")),
        cache_bytes: 0,
        ..Config::default()
    };
    Memory::builder(Arc::<MemStorage>::clone(storage))
        .config(config)
        .embedder(Some(Arc::new(Words(32)) as Arc<dyn Embedder>))
        .catalog(folder.join("memory.db.catalog"))
        .search(search)
        .clock(clock)
        .open()
        .unwrap()
}

/// Stores an episode; every fourth follows one before it.
fn tell(memory: &Memory, n: usize, before: &[EpisodeId]) -> EpisodeId {
    let new = NewEpisode::new(scope(n / 2), TASKS[n * 7 % 5]);
    let id = memory.start(new).unwrap().value;
    let steps = (0..=n % 4).map(|at| NewStep {
        tool: ["bash", "edit"][(n + at) % 2].into(),
        args: format!(r#"{{"command":"make part{}"}}"#, n * at % 11),
        error: (at == 1).then(|| format!("no rule for part{at}")),
        ..NewStep::default()
    });
    memory.log(id, steps.collect()).unwrap();
    let outcome = [Outcome::Success, Outcome::Failure, Outcome::Partial][n % 3];
    let followed: Option<RecordId> =
        (n % 4 == 3).then(|| before.get(n / 2).map(|id| (*id).into())).flatten();
    memory
        .finish(
            id,
            Completion {
                outcome: Some(outcome),
                followed: followed.into_iter().collect(),
                ..Completion::default()
            },
        )
        .unwrap();
    id
}

/// The answer to a question, to the last digit: one index is read in two ways.
fn told(memory: &Memory, text: &str, scope: Option<Scope>, strength: Strength) -> String {
    let mut query = Query::new(text);
    (query.scope, query.strength) = (scope, strength);
    let Recall { hits, n_below_strength, n_over_budget, degraded, .. } =
        memory.recall(&query).unwrap();
    let hit = |hit: &crate::retrieve::Hit| {
        let id = hit.record.id();
        format!("{id} {:?} {} {:?}: {}", hit.strength, hit.score, hit.attempts, hit.text)
    };
    let hits: Vec<String> = hits.iter().map(hit).collect();
    format!("{} {n_below_strength} {n_over_budget} {degraded:?}", hits.join("\n"))
}

/// Asserts that a process for each question answers as one that loads all.
fn assert_same(storage: &Arc<MemStorage>, folder: &Path) {
    let all = ask(storage, folder, SearchIndex::Loaded);
    let (mut n_attempts, mut n_hits) = (0, 0);
    for text in TASKS.iter().chain(&["make part3", "ledger", "no rule for part1", ""]) {
        for scope in [None, Some(scope(0)), Some(scope(1))] {
            for strength in [Strength::Any, Strength::Weak, Strength::Strong] {
                let expected = told(&all, text, scope.clone(), strength);
                let one = ask(storage, folder, SearchIndex::OnDemand);
                assert_eq!(told(&one, text, scope.clone(), strength), expected, "{text}");
                n_attempts += expected.matches("Some(Attempts").count();
                n_hits += usize::from(expected.contains(": "));
            }
        }
    }
    assert!(n_attempts > 20 && n_hits > 40, "{n_attempts} attempts, {n_hits} answers");
}

#[test]
fn one_question_has_the_answer_of_a_process_that_loads_all() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Arc::new(MemStorage::new());
    let writer = open(&storage, folder.path(), SearchIndex::Loaded);
    let mut ids = Vec::new();
    for n in 0..90 {
        let id = tell(&writer, n, &ids);
        ids.push(id);
    }
    writer.embed_all().unwrap();
    writer.refresh().unwrap();
    writer.index.save_now();
    writer.keep_catalog().unwrap();
    assert_same(&storage, folder.path());
    // More was stored since the snapshot, and some forgotten; not all has a vector.
    for n in 90..120 {
        let id = tell(&writer, n, &ids);
        ids.push(id);
    }
    let gone: Vec<RecordId> = ids.iter().step_by(6).map(|id| (*id).into()).collect();
    writer.forget(&gone).unwrap();
    assert_same(&storage, folder.path());
    writer.embed_all().unwrap();
    assert_same(&storage, folder.path());
}

#[test]
fn the_end_of_a_session_brings_the_snapshot_up_to_date_piece_by_piece() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Arc::new(MemStorage::new());
    let writer = open(&storage, folder.path(), SearchIndex::Absent);
    let told_few: Vec<EpisodeId> = (0..40).map(|n| tell(&writer, n, &[])).collect();
    let rest = || open(&storage, folder.path(), SearchIndex::OnDemand);
    let snapshot = folder.path().join("memory.db.index");
    assert!(!rest().keep_index(Duration::from_mins(1)).unwrap(), "so few are read at a question");
    assert!(!snapshot.exists());
    for n in 40..1_300 {
        tell(&writer, n, &told_few);
    }
    let asked = rest().recall(&Query::new("ledger"));
    assert!(matches!(asked, Err(Error::Index { .. })), "too many to be read at a question");
    // No time at all: one page of changes each time.
    let mut n_times = 0;
    while rest().keep_index(Duration::ZERO).unwrap() {
        n_times += 1;
    }
    assert!((10..40).contains(&n_times), "{n_times}");
    assert_same(&storage, folder.path());
}

#[test]
fn a_damaged_page_is_taken_from_the_store_within_the_question_and_the_file_goes() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Arc::new(MemStorage::new());
    let writer = open(&storage, folder.path(), SearchIndex::Loaded);
    for n in 0..60 {
        tell(&writer, n, &[]);
    }
    writer.refresh().unwrap();
    writer.index.save_now();
    let all = ask(&storage, folder.path(), SearchIndex::Loaded);
    let expected = told(&all, TASKS[0], None, Strength::Any);
    let path = folder.path().join("memory.db.index");
    let whole = fs::read(&path).unwrap();
    let with_file = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let one = ask(&storage, folder.path(), SearchIndex::OnDemand);
        assert_eq!(told(&one, TASKS[0], None, Strength::Any), expected);
    };
    let mut n_gone = 0;
    for at in (300..whole.len()).step_by(701) {
        let mut bent = whole.clone();
        bent[at] ^= 0x20;
        with_file(&bent);
        n_gone += usize::from(!path.exists());
    }
    assert!(n_gone > 2, "{n_gone} of the pages were read");
    with_file(&whole[..whole.len() / 2]);
    with_file(&[]);
}
