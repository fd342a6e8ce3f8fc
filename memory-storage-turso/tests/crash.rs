//! Several processes write to one store and are killed in mid-stream: what was acknowledged is
//! there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use memory_core::backend::{Durability, Op, WriteBatch};
use memory_core::{Clock, EpisodeId, Storage, SystemClock};
use memory_storage_turso::{Options, TursoStorage};
use memory_testkit::{read, sample};

/// Names the store to a process that is started to write.
const STORE: &str = "MEMORY_STORAGE_CRASH_STORE";

/// Steps per batch, so that a torn one would show.
const N_STEPS: u32 = 3;

#[expect(clippy::unwrap_used, reason = "a store that does not open fails the test")]
fn open(path: &Path) -> TursoStorage {
    // A small log makes checkpoints frequent, so that some are cut off too.
    let options = Options { checkpoint_bytes: 256 << 10, ..Options::default() };
    TursoStorage::open(path, &options).unwrap()
}

/// The writing process: appends to an episode of its own and prints each acknowledgement until
/// killed. Does nothing unless a test started it.
#[test]
fn a_writer_prints_what_is_acknowledged() {
    let Some(path) = std::env::var_os(STORE) else { return };
    let store = open(path.as_ref());
    let id = EpisodeId::from_bytes(SystemClock.next_id());
    let mut episode = sample::episode(0);
    episode.id = id;
    let start = Op::InsertEpisode { episode: Box::new(episode), steps: Vec::new() };
    store.apply(WriteBatch::of(start), Durability::Power).unwrap();
    for n in 1_u32.. {
        let steps = sample::steps(u64::from(N_STEPS));
        let append = Op::AppendSteps { episode: id, steps, limit: u32::MAX };
        let durability = if n % 40 == 0 { Durability::Power } else { Durability::Process };
        store.apply(WriteBatch::of(append), durability).unwrap();
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
fn killed_writers_of_one_store_lose_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let mut acknowledged = BTreeMap::new();
    for round in 0..6 {
        let found = thread::scope(|scope| {
            let writers: Vec<_> = (0..3)
                .map(|n| {
                    let writer = start_writer(&path);
                    scope.spawn(move || kill_after(writer, 20 + 60 * n + 7 * round))
                })
                .collect();
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        acknowledged.extend(found);

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
    assert_eq!(acknowledged.len(), 18, "each writer came to write");
}
