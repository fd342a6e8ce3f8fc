//! The index against a full scan in `f64`, over hostile corpora and after random changes.

mod exactness;
mod margins;
mod recoding;
#[cfg(unix)]
mod saved;

use std::collections::BTreeMap;

use crate::error::ID_LIMIT;
use crate::estimate::{Estimate, Estimator};
use crate::index::SURVEY_EXACT;
use crate::kernel;
use crate::principal_axes::PrincipalAxes;
use crate::recode;
use crate::row_format::RowFormat;
use crate::row_store::RowStore;
use crate::scan_quantizer::ScanQuantizer;
use crate::{DenseIndex, Error, Mask};
use proptest::prelude::*;

/// Vectors that the index should hold.
type Model = BTreeMap<u32, Vec<f32>>;

/// A change of the index.
#[derive(Debug, Clone)]
enum Change {
    Put(u32, Vec<f32>),
    Remove(u32),
}

/// Dimensions that fill lanes, that do not, and those of embedding models.
fn dims() -> impl Strategy<Value = usize> {
    prop_oneof![
        6 => 1_usize..70,
        2 => 96_usize..200,
        2 => Just(384),
        1 => (9_usize..193).prop_map(|eights| eights * 8),
    ]
}

/// Vectors that make trouble: clusters of near-duplicates, exact duplicates, zeros, tiny and huge.
fn vectors(dims: usize) -> impl Strategy<Value = Vec<f32>> + Clone {
    let seed = (0_u64..6, 0_u64..3, any::<u64>(), 0_u8..12);
    seed.prop_map(move |(cluster, duplicate, noise, kind)| {
        let centre = pseudo_random(cluster, dims);
        match kind {
            0 => vec![0.0; dims],
            1 => scaled(&pseudo_random(noise, dims), 1e-11),
            2 => scaled(&pseudo_random(noise, dims), 1e9),
            3 => pseudo_random(duplicate + 100, dims),
            4 => one_hot(noise, dims),
            5 | 6 => pseudo_random(noise, dims),
            _ => {
                let width = if kind < 9 { 1e-6 } else { 0.3 };
                let noise = pseudo_random(noise, dims);
                centre.iter().zip(noise).map(|(c, n)| c + n * width).collect()
            }
        }
    })
}

/// Values in −.5..=.5 from a seed (xorshift*).
fn pseudo_random(seed: u64, dims: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 48;
        f32::from(u16::try_from(bits).unwrap()) / 65_535.0 - 0.5
    };
    std::iter::repeat_with(next).take(dims).collect()
}

fn scaled(vector: &[f32], factor: f32) -> Vec<f32> {
    vector.iter().map(|value| value * factor).collect()
}

fn one_hot(seed: u64, dims: usize) -> Vec<f32> {
    let mut vector = vec![0.0; dims];
    vector[usize::try_from(seed % 1000).unwrap() % dims] = 1.0;
    vector
}

fn changes(dims: usize, most: usize) -> impl Strategy<Value = Vec<Change>> {
    // Units mostly in order, as a store numbers them, with repeats and gaps.
    let change = (0_u32..3, vectors(dims), 0_u8..5);
    prop::collection::vec(change, 0..most).prop_map(|changes| {
        let mut next = 0;
        let change = changes.into_iter().map(|(gap, vector, kind)| match kind {
            0 => Change::Remove(next / (gap + 1)),
            1 => Change::Put(next / (gap + 2), vector),
            _ => {
                next += gap.max(1);
                Change::Put(next, vector)
            }
        });
        change.collect()
    })
}

/// No filter, scattered, contiguous, single, empty.
fn masks() -> impl Strategy<Value = Option<Mask>> {
    prop_oneof![
        3 => Just(None),
        2 => (any::<u64>(), 1_u64..20).prop_map(|(seed, one_in)| {
            let drawn = (0_u32..2000).filter(|&id| {
                let mixed = (seed ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                mixed >> 32 < (1 << 32) / one_in
            });
            Some(drawn.collect())
        }),
        2 => (0_u32..300, 0_u32..300).prop_map(|(first, ids)| Some((first..first + ids).collect())),
        1 => (0_u32..500).prop_map(|id| Some([id].into_iter().collect())),
        1 => Just(Some(Mask::new())),
    ]
}

fn apply(index: &mut DenseIndex, model: &mut Model, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Put(id, vector) => match index.put(id, &vector) {
                Ok(()) => drop(model.insert(id, vector)),
                Err(error) => assert!(matches!(error, Error::NormOutOfRange { .. }), "{error}"),
            },
            Change::Remove(id) => {
                assert_eq!(index.remove(id), model.remove(&id).is_some());
            }
        }
    }
    assert_eq!(index.len(), model.len());
    for (id, vector) in model {
        assert_eq!(index.vector(*id).as_ref(), Some(&*vector));
    }
}

/// Every id of the model in the mask with its score, best first.
fn full_scan(model: &Model, query: &[f32], mask: Option<&Mask>) -> Vec<(u32, f32)> {
    let width = query.len().next_multiple_of(kernel::LANES);
    let mut wide: Vec<f64> = query.iter().map(|&value| f64::from(value)).collect();
    wide.resize(width, 0.0);
    let taking_part = model.iter().filter(|(id, _)| mask.is_none_or(|mask| mask.contains(**id)));
    let mut ranked: Vec<(u32, f32)> = taking_part
        .map(|(&id, vector)| {
            let mut row = vector.clone();
            row.resize(width, 0.0);
            #[expect(clippy::cast_possible_truncation, reason = "the score by definition")]
            let score = (kernel::portable::KERNELS.dot)(&wide, &row) as f32;
            (id, score + 0.0)
        })
        .collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    ranked
}

/// An index with slabs of a few blocks, so that small corpora span several.
fn small_slabs(dims: usize, blocks: usize, kernels: &'static kernel::Kernels) -> DenseIndex {
    let mut format = RowFormat::new(dims).unwrap();
    format.slab_blocks = format.slab_blocks.min(blocks);
    DenseIndex::of_rows(RowStore::new(format, kernels))
}

/// Codes all vectors along their axes, whether that is worth it or not; false where they have none.
fn force_axes(index: &mut DenseIndex) -> bool {
    let rows = index.freeze().rows;
    let sample = recode::sample(&rows, &|| true).unwrap();
    let found = PrincipalAxes::with_score_error(&sample, rows.format.width, &|| true);
    let Some((axes, _)) = found else { return false };
    let codes = recode::recode_by(&rows, ScanQuantizer::along(axes), &|| true).unwrap();
    drop(rows);
    assert!(index.adopt(codes) && index.has_principal_axes());
    true
}

/// The score of a vector by its 8-bit codes, with its margin.
fn estimate(index: &DenseIndex, query: &[f32], id: u32) -> Estimate {
    let query = index.rows.query(query).unwrap();
    Estimator { rows: &index.rows, query: &query }.estimate(index.slots.get(id).unwrap())
}

#[derive(Debug, Clone)]
struct Scenario {
    dims: usize,
    blocks: usize,
    changes: Vec<Change>,
    queries: Vec<Vec<f32>>,
    k: usize,
    mask: Option<Mask>,
}

fn scenarios(most: usize) -> impl Strategy<Value = Scenario> {
    dims().prop_flat_map(move |dims| scenarios_of(dims, most))
}

fn scenarios_of(dims: usize, most: usize) -> impl Strategy<Value = Scenario> {
    {
        (
            1_usize..12,
            changes(dims, most),
            prop::collection::vec(vectors(dims), 1..4),
            prop_oneof![Just(1_usize), Just(3), Just(10), 0_usize..40],
            masks(),
        )
            .prop_map(move |(blocks, changes, queries, k, mask)| Scenario {
                dims,
                blocks,
                changes,
                queries,
                k,
                mask,
            })
    }
}

/// A bound of the rounding in a mean: scores sum in `f32` within a block.
fn mean_slack(expected: &[(u32, f32)], bound: f32) -> f64 {
    let largest = expected.iter().map(|(_, score)| score.abs()).fold(0.0, f32::max);
    f64::from(bound) + f64::from(largest) * 1e-5
}

/// Checks that the best of a survey are exact, and that the others take part, once each, with a
/// score that is near theirs.
fn check_survey(index: &DenseIndex, query: &[f32], mask: Option<&Mask>, expected: &[(u32, f32)]) {
    for n in [1, 40, 90, 2_000] {
        let survey = index.survey(query, n, mask).unwrap();
        assert_eq!(survey.top.len(), n.min(expected.len()));
        let n_exact = SURVEY_EXACT.min(survey.top.len());
        assert_eq!(survey.top[..n_exact], expected[..n_exact]);
        let scores: BTreeMap<u32, f32> = expected.iter().copied().collect();
        let ids: BTreeMap<u32, f32> = survey.top.iter().copied().collect();
        assert_eq!(ids.len(), survey.top.len());
        for (id, score) in ids {
            assert!((score - scores[&id]).abs() <= estimate(index, query, id).margin);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn check(index: &DenseIndex, model: &Model, scenario: &Scenario) {
    let mask = scenario.mask.as_ref();
    for query in &scenario.queries {
        let mut expected = full_scan(model, query, mask);
        let found = match index.search(query, scenario.k, mask) {
            Err(Error::NormOutOfRange { .. }) => continue,
            found => found.unwrap(),
        };
        let unmasked: BTreeMap<u32, f32> = full_scan(model, query, None).into_iter().collect();
        check_survey(index, query, mask, &expected);
        let scorer = index.scorer(query).unwrap();
        for id in 0..600 {
            let score = scorer.score(id);
            assert_eq!(score.is_some(), unmasked.contains_key(&id));
            if let (Some(score), Some(exact)) = (score, unmasked.get(&id)) {
                assert!((score - exact).abs() <= estimate(index, query, id).margin);
            }
        }
        let bound = index.rows.query(query).unwrap().scan_bound;
        let margins = index.rows.slabs.iter().map(|slab| bound.of_worst(slab.scan.worst));
        let bound = margins.fold(0.0, f32::max);
        let total: f64 = expected.iter().map(|(_, score)| f64::from(*score)).sum();
        let mean = total / expected.len().max(1) as f64;
        let slack = mean_slack(&expected, bound) + mean_drift(scenario, query);
        assert!((f64::from(found.mean) - mean).abs() <= slack);
        expected.truncate(scenario.k);
        assert_eq!(found.top, expected);
    }
}

/// Bound of what replaced vectors may have left in the running sum.
fn mean_drift(scenario: &Scenario, query: &[f32]) -> f64 {
    let norm = |vector: &[f32]| -> f64 {
        vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    };
    let put = scenario.changes.iter().map(|change| match change {
        Change::Put(_, vector) => norm(vector),
        Change::Remove(_) => 0.0,
    });
    put.sum::<f64>() * norm(query) * 1e-12
}

/// More cases than usual, and as many as `PROPTEST_CASES` asks for in a long run.
fn many() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.max(400), ..usual }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn a_search_returns_what_a_full_scan_returns(scenario in scenarios(300)) {
        for kernels in kernel::available() {
            let mut index = small_slabs(scenario.dims, scenario.blocks, kernels);
            let mut model = Model::new();
            apply(&mut index, &mut model, scenario.changes.clone());
            check(&index, &model, &scenario);
        }
    }

    #[test]
    fn along_axes_too_a_search_returns_what_a_full_scan_returns(
        (first, second) in (96_usize..180).prop_flat_map(|dims| (
            scenarios_of(dims, 200),
            changes(dims, 100),
        )),
    ) {
        let kernels = kernel::available();
        let kernels = kernels[first.blocks % kernels.len()];
        let mut index = small_slabs(first.dims, first.blocks, kernels);
        let mut model = Model::new();
        apply(&mut index, &mut model, first.changes.clone());
        let has_axes = force_axes(&mut index);
        prop_assert!(has_axes || model.values().all(|vector| vector.iter().all(|x| *x == 0.0)));
        check(&index, &model, &first);
        apply(&mut index, &mut model, second.clone());
        let changes = first.changes.iter().cloned().chain(second).collect();
        check(&index, &model, &Scenario { changes, ..first });
    }
}

#[test]
fn a_corpus_of_near_duplicates_is_ranked_exactly() {
    let dims = 96;
    let mut index = DenseIndex::new(dims).unwrap();
    let mut model = Model::new();
    let centre = pseudo_random(1, dims);
    let changes = (0..3000_u32).map(|id| {
        let noise = scaled(&pseudo_random(u64::from(id % 1500) + 7, dims), 1e-4);
        let vector = centre.iter().zip(noise).map(|(c, n)| c + n).collect();
        Change::Put(id, vector)
    });
    apply(&mut index, &mut model, changes.collect());
    for k in [1, 10, 100] {
        let mut expected = full_scan(&model, &centre, None);
        expected.truncate(k);
        assert_eq!(index.search(&centre, k, None).unwrap().top, expected);
    }
}

#[test]
fn of_many_rows_a_survey_gives_the_best_exactly_and_others_by_their_codes() {
    let dims = 96;
    for kernels in kernel::available() {
        let mut index = small_slabs(dims, 40, kernels);
        let mut model = Model::new();
        let changes = (0..5_000_u32).map(|id| {
            let centre = pseudo_random(u64::from(id % 60), dims);
            let noise = pseudo_random(u64::from(id) + 100, dims);
            let width = 0.5 + f32::from(u8::try_from(id % 7).unwrap()) * 0.1;
            Change::Put(id, centre.iter().zip(noise).map(|(c, n)| c + n * width).collect())
        });
        apply(&mut index, &mut model, changes.collect());
        let most: Mask = (0..5_000).filter(|id| id % 9 > 0).collect();
        for (query, mask) in [(7, None), (33, Some(&most)), (4_000, None), (9_999, Some(&most))] {
            let query = pseudo_random(query, dims);
            let expected = full_scan(&model, &query, mask);
            check_survey(&index, &query, mask, &expected);
        }
    }
}

#[test]
fn a_survey_of_thousands_in_doubt_gives_those_that_are_best_by_the_scan() {
    let dims = 96;
    let mut index = DenseIndex::new(dims).unwrap();
    let centre = pseudo_random(1, dims);
    let sum = |left: &[f32], right: Vec<f32>| -> Vec<f32> {
        left.iter().zip(right).map(|(left, right)| left + right).collect()
    };
    let query = sum(&centre, pseudo_random(2, dims));
    // Of 5,000 that are all in doubt, the last forty are a little nearer.
    for id in 0..5_000 {
        let noise = scaled(&pseudo_random(u64::from(id) + 7, dims), 1e-3);
        let nearer = scaled(&query, if id < 4_960 { 0.0 } else { 0.03 });
        index.put(id, &sum(&sum(&centre, noise), nearer)).unwrap();
    }
    let survey = index.survey(&query, 100, None).unwrap().top;
    let exact = index.search(&query, 5_000, None).unwrap().top;
    assert_eq!(survey[..SURVEY_EXACT], exact[..SURVEY_EXACT]);
    let mut nearest: Vec<u32> = survey.iter().take(40).map(|(id, _)| *id).collect();
    nearest.sort_unstable();
    assert!(nearest.into_iter().eq(4_960..5_000));
    // All others are alike: whichever is given is near the best of them.
    assert!(survey.len() == 100 && survey.iter().all(|(_, score)| score / exact[40].1 > 0.995));
}

#[test]
fn exact_ties_go_to_the_smaller_id_even_if_it_is_met_later() {
    for kernels in kernel::available() {
        let mut index = small_slabs(40, 3, kernels);
        let mut model = Model::new();
        // Zero vectors have no margin: their interval is the score itself, as is the floor.
        let zeros = (0..300_u32).rev().map(|id| Change::Put(id, vec![0.0; 40]));
        let others = (300..310).map(|id| Change::Put(id, scaled(&pseudo_random(5, 40), 0.1)));
        apply(&mut index, &mut model, zeros.chain(others).collect());
        for sign in [1.0, -1.0] {
            let query = scaled(&pseudo_random(5, 40), sign);
            let mut expected = full_scan(&model, &query, None);
            expected.truncate(15);
            assert_eq!(index.search(&query, 15, None).unwrap().top, expected);
        }
    }
}

#[test]
fn a_zero_query_ranks_by_id() {
    let mut index = DenseIndex::new(4).unwrap();
    for id in [9, 3, 7] {
        index.put(id, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    }
    let found = index.search(&[0.0; 4], 2, None).unwrap();
    assert_eq!(found.top, [(3, 0.0), (7, 0.0)]);
}

#[test]
fn a_refused_vector_changes_nothing() {
    let mut index = DenseIndex::new(2).unwrap();
    index.put(1, &[1.0, 0.0]).unwrap();
    assert!(matches!(index.put(ID_LIMIT, &[1.0, 0.0]), Err(Error::IdTooLarge { .. })));
    assert!(matches!(index.put(1, &[f32::NAN, 0.0]), Err(Error::NotFinite { position: 0 })));
    assert!(matches!(index.put(1, &[1e20, 0.0]), Err(Error::NormOutOfRange { .. })));
    assert!(matches!(index.put(1, &[1.0]), Err(Error::DimensionMismatch { .. })));
    assert!(matches!(index.search(&[1.0], 1, None), Err(Error::DimensionMismatch { .. })));
    assert!(matches!(index.search(&[f32::INFINITY, 0.0], 1, None), Err(Error::NotFinite { .. })));
    assert_eq!(index.len(), 1);
    assert_eq!(index.vector(1), Some(vec![1.0, 0.0]));
}

#[test]
fn searches_can_run_beside_each_other() {
    fn shared<T: Send + Sync>() {}
    shared::<DenseIndex>();
}

#[test]
fn the_cosine_of_directions_is_close_to_that_of_the_vectors() {
    for dims in [1, 3, 16, 50, 384] {
        let vector = |seed: usize| -> Vec<f32> {
            let at = |dim: usize| u16::try_from((seed * 7 + dim) * (seed + 3) % 251).unwrap();
            (0..dims).map(|dim| f32::from(at(dim)) / 125.0 - 0.99).collect()
        };
        let mut index = DenseIndex::new(dims).unwrap();
        for id in 0..40 {
            index.put(id, &vector(id as usize)).unwrap();
        }
        index.put(40, &vec![0.0; dims]).unwrap();
        for id in 0..40 {
            let (a, b) = (vector(id as usize), vector(7));
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let exact = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
            let by_codes = dot(&index.direction(id).unwrap(), &index.direction(7).unwrap());
            assert!((by_codes - exact).abs() < 0.01, "{dims} {id}: {by_codes} {exact}");
        }
        assert_eq!([index.direction(40), index.direction(99)], [None, None]);
    }
}
