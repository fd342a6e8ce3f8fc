//! Cost of recording an episode: start, log, complete.
//!
//! Measured is the call of `Memory`: checking, masking and cutting of the texts, and the storage's
//! atomic batch. Not measured: making the input (a server has it from decoding the request),
//! dropping the result, and the search index, which is no part of these calls: it follows the
//! change feed when it is asked next (`recall`).
//!
//! On `MemStorage` this is the engine alone. On libsql `log` is acknowledged after its commit,
//! `start` and `complete` after the flush to the disk as well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use memory_core::{Completion, EpisodeId, MemStorage, Memory, NewEpisode, NewStep};
use memory_storage_turso::{Options, TursoStorage};
use memory_testkit::generate::Workload;
use tempfile::TempDir;

const N_STEPS: usize = 15;

/// Different inputs; their copies are what is recorded.
const N_TEMPLATES: usize = 64;

/// A memory, and the folder in which its store lies, if it lies in one.
struct Store {
    memory: Memory,
    _dir: Option<TempDir>,
}

type Open = fn() -> Store;

fn in_memory() -> Store {
    let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
    memory.refresh().unwrap();
    Store { memory, _dir: None }
}

fn in_libsql() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let storage = TursoStorage::open(&dir.path().join("memory.db"), &Options::default()).unwrap();
    let memory = Memory::builder(Arc::new(storage)).open().unwrap();
    memory.refresh().unwrap();
    Store { memory, _dir: Some(dir) }
}

/// Times `call` on inputs made before, `round` of them on each fresh store, so that neither the
/// inputs nor a store that grows without end are measured.
fn timed<I, O>(
    n_calls: u64,
    round: usize,
    open: Open,
    inputs: impl Fn(&Memory, usize) -> Vec<I>,
    call: impl Fn(&Memory, I) -> O,
) -> Duration {
    let mut elapsed = Duration::ZERO;
    let mut n_left = usize::try_from(n_calls).unwrap();
    while n_left > 0 {
        let store = open();
        let inputs = inputs(&store.memory, n_left.min(round));
        n_left -= inputs.len();
        let mut outputs = Vec::with_capacity(inputs.len());
        let begin = Instant::now();
        for input in inputs {
            outputs.push(call(&store.memory, input));
        }
        elapsed += begin.elapsed();
    }
    elapsed
}

fn templates<T>(mut make: impl FnMut(&mut Workload) -> T) -> Vec<T> {
    let mut load = Workload::new(7).unwrap();
    (0..N_TEMPLATES).map(|_| make(&mut load)).collect()
}

fn copies<T: Clone>(templates: &[T], n: usize) -> Vec<T> {
    templates.iter().cycle().take(n).cloned().collect()
}

fn started(memory: &Memory, episodes: &[NewEpisode], n: usize) -> Vec<EpisodeId> {
    let started = copies(episodes, n).into_iter().map(|new| memory.start(new).unwrap().value);
    started.collect()
}

fn bench_start(group: &mut BenchmarkGroup<'_, WallTime>, round: usize, open: Open) {
    let episodes = templates(Workload::new_episode);
    group.bench_function("start", |b| {
        b.iter_custom(|n| {
            let inputs = |_: &Memory, n| copies(&episodes, n);
            timed(n, round, open, inputs, |memory, new| memory.start(new).unwrap())
        });
    });
}

fn bench_log(group: &mut BenchmarkGroup<'_, WallTime>, round: usize, open: Open) {
    let episodes = templates(Workload::new_episode);
    for (name, observation_bytes) in [("log_350_b", 200), ("log_1500_b", 1_350)] {
        let steps: Vec<NewStep> = templates(|load| load.step(150, observation_bytes));
        group.bench_function(name, |b| {
            b.iter_custom(|n| {
                let inputs = |memory: &Memory, n: usize| {
                    let ids = started(memory, &episodes, n.div_ceil(N_STEPS));
                    let ids = ids.into_iter().flat_map(|id| [id; N_STEPS]);
                    ids.zip(copies(&steps, n)).map(|(id, step)| (id, vec![step])).collect()
                };
                timed(n, round, open, inputs, |memory, (id, steps)| memory.log(id, steps).unwrap())
            });
        });
    }
}

fn bench_complete(group: &mut BenchmarkGroup<'_, WallTime>, round: usize, open: Open) {
    let episodes = templates(Workload::new_episode);
    let steps: Vec<NewStep> = templates(|load| load.step(150, 200));
    let plain: Vec<Completion> = templates(Workload::completion);
    let taught = templates(|load| {
        let lessons = vec![load.text(150)];
        Completion { lessons, ..load.completion() }
    });
    for (name, completions) in [("complete", plain), ("complete_with_lesson", taught)] {
        group.bench_function(name, |b| {
            b.iter_custom(|n| {
                let inputs = |memory: &Memory, n| {
                    let ids = started(memory, &episodes, n);
                    for id in &ids {
                        memory.log(*id, copies(&steps, N_STEPS)).unwrap();
                    }
                    ids.into_iter().zip(copies(&completions, n)).collect()
                };
                timed(n, round, open, inputs, |memory, (id, end)| memory.finish(id, end).unwrap())
            });
        });
    }
}

fn recording(c: &mut Criterion) {
    let stores: [(&str, usize, Open); 2] =
        [("engine_mem", 4_096, in_memory), ("engine_libsql", 256, in_libsql)];
    for (name, round, open) in stores {
        let mut group = c.benchmark_group(name);
        group.sample_size(20).measurement_time(Duration::from_secs(2));
        bench_start(&mut group, round, open);
        bench_log(&mut group, round, open);
        bench_complete(&mut group, round, open);
        group.finish();
    }
}

/// Import of episodes of 15 steps of 350 bytes, as one call; it ends with a flush.
fn import(c: &mut Criterion) {
    const N_EPISODES: usize = 200;
    let mut load = Workload::new(8).unwrap();
    let episodes: Vec<_> = (0..N_EPISODES).map(|_| load.episode(N_STEPS)).collect();
    let mut group = c.benchmark_group("import_libsql");
    group.sample_size(10).throughput(Throughput::Elements(N_EPISODES as u64));
    group.bench_function("200_episodes", |b| {
        b.iter_custom(|n| {
            let inputs = |_: &Memory, _: usize| vec![episodes.clone()];
            timed(n, 1, in_libsql, inputs, |memory, episodes| {
                memory.import(episodes).unwrap();
                memory.flush().unwrap();
            })
        });
    });
    group.finish();
}

criterion_group!(benches, recording, import);
criterion_main!(benches);
