//! Cost of embedding: one text of about 34 tokens, a long one, a cached query, 100 texts at once
//! and one after the other.

use std::num::NonZero;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memory_core::{Embedder, Role};
use memory_embed::{Cached, MiniLm};
use memory_testkit::generate::Workload;

const N_TEXTS: usize = 100;

fn embedding(c: &mut Criterion) {
    let mut group = c.benchmark_group("embedding");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    let one = MiniLm::embedded().unwrap();
    let n_threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let all = MiniLm::embedded().unwrap().with_threads(n_threads);
    let short = "The migration of the orders table fails because the column is not nullable; add a \
        default value and run it again before the tests of the importer.";
    let mut load = Workload::new(5).unwrap();
    // Some short, some long, as a queue of units is.
    let texts: Vec<String> = (0..N_TEXTS).map(|i| load.words(8 + i % 60)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let long = load.words(400);
    group.bench_function("text", |b| b.iter(|| one.embed(Role::Query, &[short]).unwrap()));
    group.bench_function("long_text", |b| b.iter(|| one.embed(Role::Query, &[&long]).unwrap()));
    let kept = Cached::new(MiniLm::embedded().unwrap(), NonZero::<usize>::MIN);
    group.bench_function("kept_query", |b| b.iter(|| kept.embed(Role::Query, &[short]).unwrap()));
    group.throughput(Throughput::Elements(N_TEXTS as u64));
    for (name, model) in [("one_thread", &one), ("all_threads", &all)] {
        group.bench_function(format!("100_texts_at_once/{name}"), |b| {
            b.iter(|| {
                let batches = texts.chunks(model.batch_limit());
                batches
                    .map(|batch| model.embed(Role::Document, batch).unwrap().len())
                    .sum::<usize>()
            });
        });
    }
    group.bench_function("100_texts_one_by_one", |b| {
        b.iter(|| {
            let each = texts.iter().map(|text| one.embed(Role::Document, &[text]).unwrap().len());
            each.sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, embedding);
criterion_main!(benches);
