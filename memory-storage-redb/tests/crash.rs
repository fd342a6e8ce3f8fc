//! A process writes to a store from several threads and is killed in mid-stream, also while it
//! makes the store: what was acknowledged is there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use memory_core::backend::{Durability, Op, WriteBatch};
use memory_core::{Clock, EpisodeId, Storage, SystemClock};
use memory_storage_redb::{Options, RedbStorage};
use memory_testkit::{read, sample};

/// Names the store to a process that is started to write.
const STORE: &str = "MEMORY_STORAGE_REDB_CRASH_STORE";

/// Steps per batch, so that a torn one would show.
const N_STEPS: u32 = 3;

/// Threads that write at once, so that batches are written together.
const N_LANES: u64 = 3;

#[expect(clippy::unwrap_used, reason = "a store that does not open fails the test")]
fn open(path: &Path) -> RedbStorage {
    RedbStorage::open(path, &Options::default()).unwrap()
}

/// The writing process: each thread appends to an episode of its own and prints each
/// acknowledgement until killed. Does nothing unless a test started it.
#[test]
fn a_writer_prints_what_is_acknowledged() {
    let Some(path) = std::env::var_os(STORE) else { return };
    println!("started");
    let store = open(path.as_ref());
    thread::scope(|scope| {
        for _ in 0..N_LANES {
            scope.spawn(|| write_on(&store));
        }
    });
}

#[expect(clippy::unwrap_used, reason = "a write that fails fails the test")]
#[expect(clippy::print_stdout, reason = "the test that started this process reads it")]
fn write_on(store: &RedbStorage) {
    let id = EpisodeId::from_bytes(SystemClock.next_id());
    let mut episode = sample::episode(0);
    episode.id = id;
    let start = Op::InsertEpisode { episode: Box::new(episode), steps: Vec::new() };
    store.apply(WriteBatch::of(start), Durability::Power).unwrap();
    for n in 1_u32.. {
        let steps = sample::steps(u64::from(N_STEPS));
        let append = Op::AppendSteps { episode: id, steps, limit: u32::MAX };
        store.apply(WriteBatch::of(append), Durability::Process).unwrap();
        println!("acknowledged {id} {}", n * N_STEPS);
    }
}

#[expect(clippy::unwrap_used, reason = "a process that does not start fails the test")]
fn start_writer(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_writer_prints_what_is_acknowledged", "--nocapture"])
        .env(STORE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Reads acknowledgements, kills the process after `n_acks` of them, and gives the newest per
/// episode.
#[expect(clippy::unwrap_used, reason = "a process that ends by itself fails the test")]
fn kill_after(mut writer: Child, n_acks: usize) -> BTreeMap<EpisodeId, u32> {
    let mut acknowledged = BTreeMap::new();
    let mut n_left = n_acks;
    for line in BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok) {
        // A line that the kill cut off is no acknowledgement.
        let words: Vec<&str> = line.split(' ').collect();
        if let ["acknowledged", id, n_steps] = words[..]
            && let (Ok(id), Ok(n_steps)) = (id.parse(), n_steps.parse::<u32>())
        {
            let newest: &mut u32 = acknowledged.entry(id).or_default();
            // The number of a cut line may be shorter, never greater.
            *newest = n_steps.max(*newest);
            n_left = n_left.saturating_sub(1);
            if n_left == 0 {
                // The rest of the pipe was acknowledged too, and is read to its end.
                writer.kill().unwrap();
                n_left = usize::MAX;
            }
        }
    }
    writer.wait().unwrap();
    assert!(n_left > n_acks, "the writer ended by itself");
    acknowledged
}

#[test]
fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let mut acknowledged = BTreeMap::new();
    for round in 0..10 {
        acknowledged.extend(kill_after(start_writer(&path), 1 + 13 * round));
        let store = open(&path);
        let ids: Vec<EpisodeId> = acknowledged.keys().copied().collect();
        for (episode, (id, n_acknowledged)) in
            read::episodes(&store, &ids).iter().zip(&acknowledged)
        {
            let n_steps = episode.as_ref().map_or(0, |episode| episode.n_steps);
            assert!(n_steps >= *n_acknowledged, "{id}: {n_steps} of {n_acknowledged}");
            assert_eq!(n_steps % N_STEPS, 0, "{id}: a batch is whole or absent");
        }
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
    }
    assert!(acknowledged.len() >= 10, "each round had a writer");
}

#[test]
fn a_store_whose_making_was_killed_is_made_by_the_next() {
    for n_micros in [0, 300, 1_000, 3_000, 6_000, 10_000, 15_000, 25_000] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let mut writer = start_writer(&path);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let started = lines.any(|line| line.is_ok_and(|line| line == "started"));
        assert!(started, "the writer came to open the store");
        let at = Instant::now() + Duration::from_micros(n_micros);
        while Instant::now() < at {
            thread::yield_now();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let store = open(&path);
        assert_eq!(store.check().unwrap(), Vec::<String>::new());
    }
}
