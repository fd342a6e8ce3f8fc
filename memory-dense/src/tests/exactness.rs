//! A million scores: large hostile corpora against a full scan, with every kind of filter.

use super::*;

/// Rows of a corpus: some eighty blocks.
const N_ROWS: u32 = 1_280;

/// Queries to each corpus.
const N_QUERIES: u64 = 66;

/// Kinds of corpora.
#[derive(Debug, Clone, Copy)]
enum Corpus {
    Clustered,
    NearDuplicates,
    ExactDuplicates,
    ZerosAmongOthers,
    TinyAndHuge,
    OneHot,
}

fn row(corpus: Corpus, seed: u64, dims: usize) -> Vec<f32> {
    let noise = pseudo_random(seed + 1_000, dims);
    let near = |centre: u64, width: f32| -> Vec<f32> {
        let centre = pseudo_random(centre, dims);
        centre.iter().zip(&noise).map(|(c, n)| c + n * width).collect()
    };
    match corpus {
        Corpus::Clustered => near(seed % 12, 0.4),
        Corpus::NearDuplicates => near(seed % 2, 1e-5),
        Corpus::ExactDuplicates => pseudo_random(seed % 9, dims),
        Corpus::ZerosAmongOthers if !seed.is_multiple_of(3) => vec![0.0; dims],
        Corpus::ZerosAmongOthers => scaled(&noise, 1e-3),
        Corpus::TinyAndHuge => {
            let factors = [1e-10, 1e-3, 1.0, 1e3, 1e9];
            scaled(&noise, factors[usize::try_from(seed % 5).unwrap()])
        }
        Corpus::OneHot => one_hot(seed, dims),
    }
}

/// Everything, nothing, one, a run, a few here and there, most.
fn filters() -> Vec<Option<Mask>> {
    let every = |n: u32| Some((0..N_ROWS).filter(|id| id % n == 1).collect());
    let most = (0..N_ROWS).filter(|id| id % 7 > 0).collect();
    vec![
        None,
        Some(Mask::new()),
        Some([N_ROWS / 2].into_iter().collect()),
        Some((N_ROWS / 3..N_ROWS / 2).collect()),
        every(2),
        every(40),
        Some(most),
    ]
}

/// Checks one corpus under each instruction set, and once along axes; returns the number of pairs
/// of row and query.
fn check_corpus(corpus: Corpus, dims: usize) -> usize {
    let rows: Vec<Vec<f32>> = (0..N_ROWS).map(|id| row(corpus, u64::from(id), dims)).collect();
    let model: Model = (0..).zip(rows).collect();
    let filled = |kernels| {
        let mut index = small_slabs(dims, 30, kernels);
        for (id, vector) in &model {
            index.put(*id, vector).unwrap();
        }
        index
    };
    let mut indexes: Vec<DenseIndex> = kernel::available().into_iter().map(filled).collect();
    let mut rotated = filled(kernel::best());
    assert_eq!(force_axes(&mut rotated), dims >= 96);
    indexes.push(rotated);
    let filters = filters();
    let mut n_pairs = 0;
    for query in 0..N_QUERIES {
        // Half of them are rows of the corpus itself.
        let query = row(corpus, query * 17 + (query % 2) * 10_000, dims);
        let all = full_scan(&model, &query, None);
        n_pairs += all.len();
        for (at, filter) in filters.iter().enumerate() {
            let k = [1, 10, 64][(at + query.len()) % 3];
            let passes = |id: u32| filter.as_ref().is_none_or(|mask| mask.contains(id));
            let mut expected: Vec<(u32, f32)> =
                all.iter().copied().filter(|(id, _)| passes(*id)).collect();
            expected.truncate(k);
            for index in &indexes {
                let found = index.search(&query, k, filter.as_ref()).unwrap().top;
                assert_eq!(found, expected, "{corpus:?}, {}, filter {at}", index.instruction_set());
            }
        }
    }
    n_pairs
}

#[test]
fn a_million_scores_miss_nothing() {
    let mut n_pairs = 0;
    for corpus in [
        Corpus::Clustered,
        Corpus::NearDuplicates,
        Corpus::ExactDuplicates,
        Corpus::ZerosAmongOthers,
        Corpus::TinyAndHuge,
        Corpus::OneHot,
    ] {
        for dims in [40, 96] {
            n_pairs += check_corpus(corpus, dims);
        }
    }
    n_pairs += check_corpus(Corpus::Clustered, 384);
    assert!(n_pairs > 1_000_000, "{n_pairs}");
}
