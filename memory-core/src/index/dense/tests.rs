//! The index against a full scan in `f64`, over hostile corpora and after random changes.

mod axes;
mod exactness;

use super::axes::Axes;
use super::coarse::Coder;
use super::quantise::Shape;
use super::{CERTAIN, Dense, DenseError, UNIT_LIMIT, kernel};
use crate::index::mask::Mask;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What the index should hold.
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
            let drawn = (0_u32..2000).filter(|&unit| {
                (seed ^ u64::from(unit)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 < (1 << 32) / one_in
            });
            Some(drawn.collect())
        }),
        2 => (0_u32..300, 0_u32..300).prop_map(|(first, units)| Some((first..first + units).collect())),
        1 => (0_u32..500).prop_map(|unit| Some([unit].into_iter().collect())),
        1 => Just(Some(Mask::new())),
    ]
}

fn apply(dense: &mut Dense, model: &mut Model, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Put(unit, vector) => match dense.put(unit, &vector) {
                Ok(()) => drop(model.insert(unit, vector)),
                Err(error) => assert!(matches!(error, DenseError::Norm { .. }), "{error}"),
            },
            Change::Remove(unit) => {
                assert_eq!(dense.remove(unit), model.remove(&unit).is_some());
            }
        }
    }
    assert_eq!(dense.len(), model.len());
    for (unit, vector) in model {
        assert_eq!(dense.vector(*unit).as_ref(), Some(&*vector));
    }
}

/// Every unit of the model in the mask with its score, best first.
fn full_scan(model: &Model, query: &[f32], mask: Option<&Mask>) -> Vec<(u32, f32)> {
    let width = query.len().next_multiple_of(kernel::LANES);
    let mut wide: Vec<f64> = query.iter().map(|&value| f64::from(value)).collect();
    wide.resize(width, 0.0);
    let taking_part =
        model.iter().filter(|(unit, _)| mask.is_none_or(|mask| mask.contains(**unit)));
    let mut ranked: Vec<(u32, f32)> = taking_part
        .map(|(&unit, vector)| {
            let mut row = vector.clone();
            row.resize(width, 0.0);
            #[expect(clippy::cast_possible_truncation, reason = "the score by definition")]
            let score = (kernel::portable::KERNELS.dot)(&wide, &row) as f32;
            (unit, score + 0.0)
        })
        .collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    ranked
}

/// An index with slabs of a few blocks, so that small corpora span several.
fn small_slabs(dims: usize, blocks: usize, kernels: &'static kernel::Kernels) -> Dense {
    let mut shape = Shape::new(dims).unwrap();
    shape.slab_blocks = shape.slab_blocks.min(blocks);
    Dense::with(shape, kernels)
}

/// Codes all vectors along their axes, whether that is worth it or not; false where they have none.
fn force_axes(dense: &mut Dense) -> bool {
    let frozen = dense.freeze();
    let found = Axes::found(&frozen.sample(&|| true).unwrap(), dense.shape.width, &|| true);
    let Some((axes, _)) = found else { return false };
    let recoded = frozen.recoded_by(Coder::along(axes), &|| true).unwrap();
    drop(frozen);
    assert!(dense.adopt_axes(recoded) && dense.has_axes());
    true
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

/// The best of a survey are exact; the others take part, once each, with a score that is near theirs.
fn check_survey(dense: &Dense, query: &[f32], mask: Option<&Mask>, expected: &[(u32, f32)]) {
    for n in [1, 40, 90, 2_000] {
        let survey = dense.survey(query, n, mask).unwrap();
        assert_eq!(survey.top.len(), n.min(expected.len()));
        let n_exact = CERTAIN.min(survey.top.len());
        assert_eq!(survey.top[..n_exact], expected[..n_exact]);
        let scores: BTreeMap<u32, f32> = expected.iter().copied().collect();
        let units: BTreeMap<u32, f32> = survey.top.iter().copied().collect();
        assert_eq!(units.len(), survey.top.len());
        let prepared = dense.query(query).unwrap();
        for (unit, score) in units {
            let codes = dense.searching(&prepared, 0).by_fine_codes(dense.slot(unit).unwrap());
            assert!((score - scores[&unit]).abs() <= codes.unwrap().1);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn check(dense: &Dense, model: &Model, scenario: &Scenario) {
    let mask = scenario.mask.as_ref();
    for query in &scenario.queries {
        let mut expected = full_scan(model, query, mask);
        let found = match dense.search(query, scenario.k, mask) {
            Err(DenseError::Norm { .. }) => continue,
            found => found.unwrap(),
        };
        let unmasked: BTreeMap<u32, f32> = full_scan(model, query, None).into_iter().collect();
        check_survey(dense, query, mask, &expected);
        let (probe, prepared) = (dense.probe(query).unwrap(), dense.query(query).unwrap());
        for unit in 0..600 {
            let score = probe.score(unit);
            assert_eq!(score.is_some(), unmasked.contains_key(&unit));
            if let (Some(score), Some(exact)) = (score, unmasked.get(&unit)) {
                let by_codes =
                    dense.searching(&prepared, 0).by_fine_codes(dense.slot(unit).unwrap());
                assert!((score - exact).abs() <= by_codes.unwrap().1);
            }
        }
        let margins = dense.slabs.iter().map(|slab| prepared.coarse_window.of(slab.coarse.worst));
        let bound = margins.fold(0.0, f32::max);
        let total: f64 = expected.iter().map(|(_, score)| f64::from(*score)).sum();
        let mean = total / expected.len().max(1) as f64;
        let slack = mean_slack(&expected, bound) + mean_drift(scenario, query);
        assert!((f64::from(found.mean) - mean).abs() <= slack);
        expected.truncate(scenario.k);
        assert_eq!(found.top, expected);
    }
}

/// What vectors that were replaced may have left in the running sum.
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
            let mut dense = small_slabs(scenario.dims, scenario.blocks, kernels);
            let mut model = Model::new();
            apply(&mut dense, &mut model, scenario.changes.clone());
            check(&dense, &model, &scenario);
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
        let mut dense = small_slabs(first.dims, first.blocks, kernels);
        let mut model = Model::new();
        apply(&mut dense, &mut model, first.changes.clone());
        let has_axes = force_axes(&mut dense);
        prop_assert!(has_axes || model.values().all(|vector| vector.iter().all(|x| *x == 0.0)));
        check(&dense, &model, &first);
        apply(&mut dense, &mut model, second.clone());
        let changes = first.changes.iter().cloned().chain(second).collect();
        check(&dense, &model, &Scenario { changes, ..first });
    }
}

#[test]
fn a_corpus_of_near_duplicates_is_ranked_exactly() {
    let dims = 96;
    let mut dense = Dense::new(dims).unwrap();
    let mut model = Model::new();
    let centre = pseudo_random(1, dims);
    let changes = (0..3000_u32).map(|unit| {
        let noise = scaled(&pseudo_random(u64::from(unit % 1500) + 7, dims), 1e-4);
        let vector = centre.iter().zip(noise).map(|(c, n)| c + n).collect();
        Change::Put(unit, vector)
    });
    apply(&mut dense, &mut model, changes.collect());
    for k in [1, 10, 100] {
        let mut expected = full_scan(&model, &centre, None);
        expected.truncate(k);
        assert_eq!(dense.search(&centre, k, None).unwrap().top, expected);
    }
}

#[test]
fn of_many_rows_a_survey_gives_the_best_exactly_and_others_by_their_codes() {
    let dims = 96;
    for kernels in kernel::available() {
        let mut dense = small_slabs(dims, 40, kernels);
        let mut model = Model::new();
        let changes = (0..5_000_u32).map(|unit| {
            let centre = pseudo_random(u64::from(unit % 60), dims);
            let noise = pseudo_random(u64::from(unit) + 100, dims);
            let width = 0.5 + f32::from(u8::try_from(unit % 7).unwrap()) * 0.1;
            Change::Put(unit, centre.iter().zip(noise).map(|(c, n)| c + n * width).collect())
        });
        apply(&mut dense, &mut model, changes.collect());
        let most: Mask = (0..5_000).filter(|unit| unit % 9 > 0).collect();
        for (query, mask) in [(7, None), (33, Some(&most)), (4_000, None), (9_999, Some(&most))] {
            let query = pseudo_random(query, dims);
            let expected = full_scan(&model, &query, mask);
            check_survey(&dense, &query, mask, &expected);
        }
    }
}

#[test]
fn a_survey_of_thousands_in_doubt_gives_those_that_are_best_by_the_scan() {
    let dims = 96;
    let mut dense = Dense::new(dims).unwrap();
    let centre = pseudo_random(1, dims);
    let sum = |left: &[f32], right: Vec<f32>| -> Vec<f32> {
        left.iter().zip(right).map(|(left, right)| left + right).collect()
    };
    let query = sum(&centre, pseudo_random(2, dims));
    // Of 5,000 that are all in doubt, the last forty are a little nearer.
    for unit in 0..5_000 {
        let noise = scaled(&pseudo_random(u64::from(unit) + 7, dims), 1e-3);
        let nearer = scaled(&query, if unit < 4_960 { 0.0 } else { 0.03 });
        dense.put(unit, &sum(&sum(&centre, noise), nearer)).unwrap();
    }
    let survey = dense.survey(&query, 100, None).unwrap().top;
    let exact = dense.search(&query, 5_000, None).unwrap().top;
    assert_eq!(survey[..CERTAIN], exact[..CERTAIN]);
    let mut nearest: Vec<u32> = survey.iter().take(40).map(|(unit, _)| *unit).collect();
    nearest.sort_unstable();
    assert!(nearest.into_iter().eq(4_960..5_000));
    // All others are alike: whichever is given is near the best of them.
    assert!(survey.len() == 100 && survey.iter().all(|(_, score)| score / exact[40].1 > 0.995));
}

#[test]
fn exact_ties_go_to_the_smaller_unit_even_if_it_is_met_later() {
    for kernels in kernel::available() {
        let mut dense = small_slabs(40, 3, kernels);
        let mut model = Model::new();
        // Zero vectors have no margin: their interval is the score itself, as is the floor.
        let zeros = (0..300_u32).rev().map(|unit| Change::Put(unit, vec![0.0; 40]));
        let others = (300..310).map(|unit| Change::Put(unit, scaled(&pseudo_random(5, 40), 0.1)));
        apply(&mut dense, &mut model, zeros.chain(others).collect());
        for sign in [1.0, -1.0] {
            let query = scaled(&pseudo_random(5, 40), sign);
            let mut expected = full_scan(&model, &query, None);
            expected.truncate(15);
            assert_eq!(dense.search(&query, 15, None).unwrap().top, expected);
        }
    }
}

#[test]
fn a_zero_query_ranks_by_unit_number() {
    let mut dense = Dense::new(4).unwrap();
    for unit in [9, 3, 7] {
        dense.put(unit, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    }
    let found = dense.search(&[0.0; 4], 2, None).unwrap();
    assert_eq!(found.top, [(3, 0.0), (7, 0.0)]);
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut dense = Dense::new(2).unwrap();
    dense.put(1, &[1.0, 0.0]).unwrap();
    assert!(matches!(dense.put(UNIT_LIMIT, &[1.0, 0.0]), Err(DenseError::Unit { .. })));
    assert!(matches!(dense.put(1, &[f32::NAN, 0.0]), Err(DenseError::NotFinite { at: 0 })));
    assert!(matches!(dense.put(1, &[1e20, 0.0]), Err(DenseError::Norm { .. })));
    assert!(matches!(dense.put(1, &[1.0]), Err(DenseError::Dimensions { .. })));
    assert!(matches!(dense.search(&[1.0], 1, None), Err(DenseError::Dimensions { .. })));
    assert!(matches!(
        dense.search(&[f32::INFINITY, 0.0], 1, None),
        Err(DenseError::NotFinite { .. })
    ));
    assert_eq!(dense.len(), 1);
    assert_eq!(dense.vector(1), Some(vec![1.0, 0.0]));
}

#[test]
fn searches_can_run_beside_each_other() {
    fn shared<T: Send + Sync>() {}
    shared::<Dense>();
}

#[test]
fn the_cosine_of_directions_is_close_to_that_of_the_vectors() {
    for dims in [1, 3, 16, 50, 384] {
        let vector = |seed: usize| -> Vec<f32> {
            let at = |dim: usize| u16::try_from((seed * 7 + dim) * (seed + 3) % 251).unwrap();
            (0..dims).map(|dim| f32::from(at(dim)) / 125.0 - 0.99).collect()
        };
        let mut dense = Dense::new(dims).unwrap();
        for unit in 0..40 {
            dense.put(unit, &vector(unit as usize)).unwrap();
        }
        dense.put(40, &vec![0.0; dims]).unwrap();
        for unit in 0..40 {
            let (a, b) = (vector(unit as usize), vector(7));
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let exact = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
            let by_codes = dot(&dense.direction(unit).unwrap(), &dense.direction(7).unwrap());
            assert!((by_codes - exact).abs() < 0.01, "{dims} {unit}: {by_codes} {exact}");
        }
        assert_eq!([dense.direction(40), dense.direction(99)], [None, None]);
    }
}
