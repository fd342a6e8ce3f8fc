//! The dense index and its kernels, 384 dimensions, one thread.
//!
//! `kernels/…` reads as many bytes as criterion says; `kernels/read` only reads and adds, which is
//! the speed of memory (or of the cache, at 10,000 rows) that the others are to be compared with.
//! A million vectors take 2.5 GB and a minute to fill in: `MEMORY_BENCH_MILLION=1 cargo bench …`.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use memory_benches::synthetic::{DIMENSION, vector};
use memory_dense::bench::KernelBench;
use memory_dense::{DenseIndex, Mask};

const K: usize = 10;

/// Number of vectors that are drawn; in a larger index each comes again with a little noise.
const N_DRAWN: u32 = 100_000;

fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernels");
    group.sample_size(30).measurement_time(Duration::from_secs(2));
    for n_rows in [10_000, 100_000] {
        for mut kernel in KernelBench::all(DIMENSION, n_rows).unwrap() {
            let name = kernel.name();
            group.throughput(Throughput::Bytes(kernel.scan() as u64));
            let id = |what: &str| BenchmarkId::new(format!("{what}/{name}"), n_rows);
            group.bench_function(id("scan_int4"), |b| b.iter(|| kernel.scan()));
            group.throughput(Throughput::Bytes(kernel.dot().0 as u64));
            group.bench_function(id("dot_f32"), |b| b.iter(|| kernel.dot()));
        }
        let all = KernelBench::all(DIMENSION, n_rows).unwrap();
        let first = all.first().unwrap();
        group.throughput(Throughput::Bytes(first.read().0 as u64));
        group.bench_function(BenchmarkId::new("read", n_rows), |b| b.iter(|| first.read()));
    }
    group.finish();
}

fn filled(n_vectors: u32) -> DenseIndex {
    let mut index = DenseIndex::new(DIMENSION).unwrap();
    let drawn: Vec<Vec<f32>> =
        (0..n_vectors.min(N_DRAWN)).map(|seed| vector(u64::from(seed))).collect();
    let mut rng = fastrand::Rng::with_seed(3);
    for unit in 0..n_vectors {
        let vector = &drawn[unit as usize % drawn.len()];
        if unit < N_DRAWN {
            index.put(unit, vector).unwrap();
        } else {
            let noisy: Vec<f32> = vector.iter().map(|x| x + 0.02 * (rng.f32() - 0.5)).collect();
            index.put(unit, &noisy).unwrap();
        }
    }
    if let Some(codes) = index.freeze().recode(&|| true) {
        index.adopt(codes);
    }
    index
}

fn search(c: &mut Criterion) {
    let mut group = c.benchmark_group("dense");
    group.sample_size(30).measurement_time(Duration::from_secs(3));
    let million = std::env::var_os("MEMORY_BENCH_MILLION").map(|_| 1_000_000);
    for n_vectors in [10_000, 100_000].into_iter().chain(million) {
        let mut index = filled(n_vectors);
        let queries: Vec<Vec<f32>> = (0..200).map(|seed| vector(1 << 40 | seed)).collect();
        let mut queries = queries.iter().cycle();
        let mut next = || queries.next().unwrap();
        let id = |what: &str| BenchmarkId::new(what, n_vectors);
        group.bench_function(id("exact"), |b| b.iter(|| index.search(next(), K, None).unwrap()));
        group.bench_function(id("survey"), |b| b.iter(|| index.survey(next(), 256, None).unwrap()));
        let contiguous: Mask = (n_vectors / 3..n_vectors / 3 + n_vectors / 10).collect();
        let scattered: Mask = (0..n_vectors).filter(|unit| unit % 100 == 7).collect();
        for (name, mask) in [("a_tenth_in_a_row", &contiguous), ("a_hundredth", &scattered)] {
            group.bench_function(id(name), |b| {
                b.iter(|| index.search(next(), K, Some(mask)).unwrap());
            });
        }
        let mut unit = n_vectors;
        group.bench_function(id("put"), |b| {
            b.iter(|| {
                unit += 1;
                index.put(unit % n_vectors, next()).unwrap();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, kernels, search);
criterion_main!(benches);
