//! Cost of a recall among 1,000, 10,000 and 100,000 units on `MemStorage`, by words alone and with
//! vectors.
//!
//! Each call asks a question that was not asked before, in the words of Zipf's law that the texts
//! are made of; the index is up to date when the clock starts. The vectors are generated, and that
//! of the query is there at once, like a cached one: only the engine is measured. Criterion gives
//! the median of means; single calls and their 99th percentile are in the harness `latency`.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use memory_core::{Config, Embedder, MemStorage, Memory, Query, SystemClock};
use memory_testkit::generate::HashEmbedder;
use memory_testkit::generate::Workload;

const IMPORT_SIZE: usize = 1_000;

fn memory_of(n_notes: usize, embedder: Option<Arc<dyn Embedder>>, load: &mut Workload) -> Memory {
    let config = Config { cache_bytes: 0, ..Config::default() };
    let (storage, clock) = (Arc::new(MemStorage::new()), Arc::new(SystemClock));
    let memory =
        Memory::builder(storage).config(config).clock(clock).embedder(embedder).open().unwrap();
    for _ in 0..n_notes / IMPORT_SIZE {
        memory.import((0..IMPORT_SIZE).map(|_| load.note()).collect()).unwrap();
    }
    memory.refresh().unwrap();
    memory.embed_all().unwrap();
    memory
}

fn recall(c: &mut Criterion) {
    let embedders: [(&str, Option<Arc<dyn Embedder>>); 2] =
        [("recall_mem", None), ("recall_fused", Some(Arc::new(HashEmbedder)))];
    for (name, embedder) in embedders {
        let mut group = c.benchmark_group(name);
        group.sample_size(20).measurement_time(Duration::from_secs(3));
        for n_notes in [1_000, 10_000, 100_000] {
            let mut load = Workload::new(1).unwrap();
            let memory = memory_of(n_notes, embedder.clone(), &mut load);
            for variety in [true, false] {
                // The plain order is measured beside it: the difference is what variety costs.
                let id = if variety { "" } else { "plain/" };
                group.bench_function(BenchmarkId::from_parameter(format!("{id}{n_notes}")), |b| {
                    b.iter_batched(
                        || Query { variety, ..Query::new(load.question()) },
                        |query| memory.recall(&query).unwrap(),
                        BatchSize::SmallInput,
                    );
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, recall);
criterion_main!(benches);
