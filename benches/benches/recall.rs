//! What it costs to find among 1,000, 10,000 and 100,000 units on `MemStorage`.
//!
//! Each call asks a question that was not asked before, in the words of Zipf's law that the texts are
//! made of; the index is up to date when the clock starts. Criterion gives the median of means; single
//! calls and their 99th percentile are in the harness `latency`.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use memory_benches::workload::Workload;
use memory_core::{Config, MemStorage, Memory, Query};

const IMPORT_SIZE: usize = 1_000;

fn recall(c: &mut Criterion) {
    let mut group = c.benchmark_group("recall_mem");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for n_notes in [1_000, 10_000, 100_000] {
        let config = Config { cache_bytes: 0, ..Config::default() };
        let memory = Memory::open(Arc::new(MemStorage::new()), config).unwrap();
        let mut load = Workload::new(1);
        for _ in 0..n_notes / IMPORT_SIZE {
            memory.import((0..IMPORT_SIZE).map(|_| load.note()).collect()).unwrap();
        }
        memory.refresh().unwrap();
        group.bench_function(BenchmarkId::from_parameter(n_notes), |b| {
            b.iter_batched(
                || Query::new(load.question()),
                |query| memory.recall(&query).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, recall);
criterion_main!(benches);
