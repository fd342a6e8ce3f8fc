//! The backends side by side: durable steps, point reads, reads of many, imports.
//!
//! Measured are calls of the storage trait. `libsql` acknowledges a step after its commit, which
//! survives the process, and `libsql_power` after the flush, as redb always does: only these two
//! promise the same.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use memory_core::backend::{Durability, Op, WriteBatch};
use memory_core::{Episode, RecordId, Storage};
use memory_storage_redb::RedbStorage;
use memory_storage_turso::TursoStorage;
use memory_testkit::sample;
use tempfile::TempDir;

/// Episodes of the store that is read.
const N_EPISODES: u64 = 2_000;
/// Steps of an episode.
const N_STEPS: u64 = 15;
/// Episodes of one import.
const N_IMPORTED: u64 = 200;

/// An open store in a folder of its own.
struct Store {
    storage: Arc<dyn Storage>,
    _dir: TempDir,
}

type Open = fn() -> Store;

fn in_libsql() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let options = memory_storage_turso::Options::default();
    let storage = TursoStorage::open(&dir.path().join("memory.db"), &options).unwrap();
    Store { storage: Arc::new(storage), _dir: dir }
}

fn in_redb() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let options = memory_storage_redb::Options::default();
    let storage = RedbStorage::open(&dir.path().join("memory.redb"), &options).unwrap();
    Store { storage: Arc::new(storage), _dir: dir }
}

const BACKENDS: [(&str, Open); 2] = [("libsql", in_libsql), ("redb", in_redb)];

/// An episode with a task of 300 bytes.
fn episode(n: u64) -> Episode {
    let task = format!("task {n}: {}", "make the checkout tests pass ".repeat(10));
    Episode { task: sample::text(task), source: None, ..sample::full_episode(n) }
}

/// A step of 1.5 KB.
fn step() -> memory_core::Step {
    memory_core::Step {
        observation: sample::text("line of output\n".repeat(100)),
        ..sample::step(1)
    }
}

fn insertion(n: u64) -> Op {
    let steps = (0..N_STEPS).map(|_| step()).collect();
    Op::InsertEpisode { episode: Box::new(episode(n)), steps }
}

fn fill(storage: &dyn Storage) {
    for first in (0..N_EPISODES).step_by(200) {
        let ops = (first..first + 200).map(insertion).collect();
        storage.apply(WriteBatch { ops }, Durability::Process).unwrap();
    }
}

fn log_steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("log_steps");
    group.measurement_time(Duration::from_secs(5));
    let cases = [
        ("libsql", in_libsql as Open, Durability::Process),
        ("libsql_power", in_libsql, Durability::Power),
        ("redb", in_redb, Durability::Process),
    ];
    for (name, open, durability) in cases {
        let store = open();
        let open_episode = Episode { closing: None, ..episode(1) };
        let id = open_episode.id;
        let start = Op::InsertEpisode { episode: Box::new(open_episode), steps: Vec::new() };
        store.storage.apply(WriteBatch::of(start), durability).unwrap();
        let append = || {
            WriteBatch::of(Op::AppendSteps { episode: id, steps: vec![step()], limit: u32::MAX })
        };
        group.bench_function(name, |b| {
            b.iter_batched(
                append,
                |batch| store.storage.apply(batch, durability).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn reads(c: &mut Criterion) {
    for (name, open) in BACKENDS {
        let store = open();
        fill(&*store.storage);
        let mut n = 0;
        let mut next = || {
            n = (n + 7_919) % N_EPISODES;
            RecordId::from(sample::episode_id(n))
        };
        let mut group = c.benchmark_group("records");
        group.bench_function(format!("{name}/1"), |b| {
            b.iter(|| store.storage.records(&[next()]).unwrap());
        });
        let note = RecordId::from(sample::note_id(7));
        let remembered = Op::InsertNote(Box::new(sample::note(7)));
        store.storage.apply(WriteBatch::of(remembered), Durability::Process).unwrap();
        group.bench_function(format!("{name}/note"), |b| {
            b.iter(|| store.storage.records(&[note]).unwrap());
        });
        let many: Vec<RecordId> = (0..100).map(|_| next()).collect();
        group.bench_function(format!("{name}/100"), |b| {
            b.iter(|| store.storage.records(&many).unwrap());
        });
        group.finish();
    }
}

/// The same episodes in batches of 50 and one by one, and a flush.
fn import(c: &mut Criterion) {
    let mut group = c.benchmark_group("import_200_episodes");
    group.sample_size(10);
    for (name, open) in BACKENDS {
        for size in [50, 1] {
            group.bench_function(format!("{name}/batches_of_{size}"), |b| {
                let batches = || {
                    let batch = |first: u64| WriteBatch {
                        ops: (first..first + size).map(insertion).collect(),
                    };
                    let size = usize::try_from(size).unwrap();
                    let batches = (0..N_IMPORTED).step_by(size).map(batch).collect::<Vec<_>>();
                    (open(), batches)
                };
                b.iter_batched(
                    batches,
                    |(store, batches)| {
                        for batch in batches {
                            store.storage.apply(batch, Durability::Process).unwrap();
                        }
                        store.storage.flush().unwrap();
                        store
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

/// Opening a store that is there, and closing it.
fn open(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let mut group = c.benchmark_group("open_and_close");
    group.sample_size(20);
    let (libsql, redb) = (dir.path().join("memory.db"), dir.path().join("memory.redb"));
    let options = memory_storage_turso::Options::default();
    fill(&TursoStorage::open(&libsql, &options).unwrap());
    group.bench_function("libsql", |b| b.iter(|| TursoStorage::open(&libsql, &options).unwrap()));
    let options = memory_storage_redb::Options::default();
    fill(&RedbStorage::open(&redb, &options).unwrap());
    group.bench_function("redb", |b| b.iter(|| RedbStorage::open(&redb, &options).unwrap()));
    group.finish();
}

criterion_group!(benches, log_steps, reads, import, open);
criterion_main!(benches);
