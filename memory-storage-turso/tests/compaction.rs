//! Removed records give their space back: at once when that is asked for, and bit by bit later.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use memory_core::backend::{Durability, Op, WriteBatch};
use memory_core::{Storage, StorageError};
use memory_storage_turso::{Options, TursoStorage};
use memory_testkit::{read, sample};

/// Names the store to a process that is started to compact it.
const STORE: &str = "MEMORY_STORAGE_COMPACTED_STORE";

/// Longest wait for what happens in idle moments.
const MAX_WAIT: Duration = Duration::from_mins(1);

#[expect(clippy::unwrap_used, reason = "a store that does not open fails the test")]
fn open(path: &Path) -> TursoStorage {
    let options = Options { checkpoint_idle: Duration::from_millis(1), ..Options::default() };
    TursoStorage::open(path, &options).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a change that fails ends the test")]
fn apply(store: &TursoStorage, ops: Vec<Op>) {
    store.apply(WriteBatch { ops }, Durability::Power).unwrap();
}

/// Stores episodes of four pages each.
fn fill(store: &TursoStorage, ids: std::ops::Range<u64>) {
    let ops = ids.map(|n| {
        let mut steps = sample::steps(6);
        for step in &mut steps {
            step.observation = sample::text("x".repeat(2_500));
        }
        let mut episode = sample::episode(n);
        episode.source = None;
        Op::InsertEpisode { episode: Box::new(episode), steps }
    });
    apply(store, ops.collect());
}

fn remove(store: &TursoStorage, ids: impl Iterator<Item = u64>) {
    apply(store, ids.map(|n| Op::Remove(sample::episode_id(n).into())).collect());
}

#[expect(clippy::unwrap_used, reason = "the file is there")]
fn size(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[test]
fn half_of_a_store_that_was_removed_gives_its_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let (store, other) = (open(&path), open(&path));
    fill(&store, 0..400);
    store.compact().unwrap();
    let full = size(&path);
    remove(&store, (0..400).step_by(2));
    let before = (read::episodes(&store, &[sample::episode_id(1)]), store.head().unwrap());
    store.compact().unwrap();
    let half = size(&path);
    assert!(half * 10 <= full * 6, "{half} of {full}");
    assert_eq!((read::episodes(&store, &[sample::episode_id(1)]), store.head().unwrap()), before);
    // Another handle, open all the time, goes on reading and writing.
    assert_eq!(other.head().unwrap(), before.1);
    fill(&other, 1_000..1_001);
    assert_eq!(store.stats().unwrap().n_episodes, 201);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    drop((store, other));
    assert_eq!(open(&path).check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_store_that_was_compacted_gets_shorter_by_itself_when_it_is_idle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let store = open(&path);
    fill(&store, 0..1_000);
    store.compact().unwrap();
    let full = size(&path);
    remove(&store, 0..900);
    let began = Instant::now();
    while size(&path) * 2 > full {
        assert!(began.elapsed() < MAX_WAIT, "{} of {full}", size(&path));
        std::thread::yield_now();
    }
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_store_that_another_holds_for_too_long_is_not_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let options = Options { lock_wait: Duration::from_millis(20), ..Options::default() };
    let store = TursoStorage::open(&path, &options).unwrap();
    let lock = std::fs::File::open(dir.path().join("store.db.lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(store.compact(), Err(StorageError::Busy)));
    lock.unlock().unwrap();
    store.compact().unwrap();
}

/// The process that compacts again and again until it is killed. Does nothing unless a test started
/// it.
#[test]
fn a_process_compacts_until_it_is_killed() {
    let Some(path) = std::env::var_os(STORE) else { return };
    let store = open(path.as_ref());
    loop {
        println!("compacting");
        store.compact().unwrap();
    }
}

#[expect(clippy::unwrap_used, reason = "a process that does not start fails the test")]
fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_compacts_until_it_is_killed", "--nocapture"])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_compaction_that_is_killed_loses_nothing() {
    use std::io::{BufRead, BufReader};

    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let store = open(&path);
    fill(&store, 0..300);
    remove(&store, (0..300).step_by(3));
    store.backup(&copy).unwrap();
    for round in 0..8 {
        let mut process = start(&path);
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let begun = lines.by_ref().map_while(Result::ok).filter(|line| line == "compacting");
        assert_eq!(begun.take(1 + round % 3).count(), 1 + round % 3);
        // Somewhere in a compaction: another place in each round.
        for _ in 0..round * 400 {
            std::thread::yield_now();
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // Its writes go on beside and after.
        let n = 10_000 + u64::try_from(round).unwrap();
        fill(&store, n..n + 1);
        assert_eq!(store.check().unwrap(), Vec::<String>::new(), "{round}");
    }
    remove(&store, 10_000..10_008);
    let (store, copy) = (store, open(&copy));
    let ids: Vec<_> = (0..300).map(sample::episode_id).collect();
    assert_eq!(read::episodes(&store, &ids), read::episodes(&copy, &ids));
    assert_eq!(store.stats().unwrap().n_episodes, 200);
}
