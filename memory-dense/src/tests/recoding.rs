//! Codes along principal axes: when they are computed, and that changes meanwhile are not lost.

use super::*;

/// Vectors near a space of eight dimensions.
fn flat(id: u32, dims: usize) -> Vec<f32> {
    let parts: Vec<Vec<f32>> = (0..8).map(|at| pseudo_random(at + 7, dims)).collect();
    let weights = pseudo_random(u64::from(id) + 100, 8);
    let noise = scaled(&pseudo_random(u64::from(id) + 90_000, dims), 0.1);
    let along = |dim: usize| parts.iter().zip(&weights).map(|(part, w)| part[dim] * w).sum::<f32>();
    (0..dims).map(|dim| along(dim) + noise[dim]).collect()
}

fn filled(ids: u32, vector: impl Fn(u32) -> Vec<f32>) -> (DenseIndex, Model) {
    let mut index = small_slabs(vector(0).len(), 20, kernel::best());
    let mut model = Model::new();
    apply(&mut index, &mut model, (0..ids).map(|id| Change::Put(id, vector(id))).collect());
    (index, model)
}

fn assert_exact(index: &DenseIndex, model: &Model, query: &[f32]) {
    let mut expected = full_scan(model, query, None);
    expected.truncate(10);
    assert_eq!(index.search(query, 10, None).unwrap().top, expected);
}

#[test]
fn codes_are_along_axes_where_few_directions_have_most_of_the_variance() {
    let dims = 128;
    for (vector, worth) in [(flat as fn(u32, usize) -> Vec<f32>, true), (even, false)] {
        let (mut index, model) = filled(1_000, |id| vector(id, dims));
        let plain = index.rows.format.block_bytes();
        let found = index.freeze().recode(&|| true).unwrap();
        assert_eq!(index.adopt(found), worth);
        assert_eq!(
            [index.has_principal_axes(), index.rows.format.block_bytes() < plain],
            [worth; 2]
        );
        assert_exact(&index, &model, &vector(5_000, dims));
    }
}

/// Vectors with as much variance in each direction.
fn even(id: u32, dims: usize) -> Vec<f32> {
    pseudo_random(u64::from(id) + 1, dims)
}

#[test]
fn axes_are_given_up_once_the_vectors_have_no_more_use_for_them() {
    let dims = 128;
    let (mut index, mut model) = filled(600, |id| flat(id, dims));
    let found = index.freeze().recode(&|| true).unwrap();
    assert!(index.adopt(found) && index.has_principal_axes());
    let others = (0..3_000).map(|id| Change::Put(id, even(id, dims)));
    apply(&mut index, &mut model, others.collect());
    assert_exact(&index, &model, &even(9_000, dims));
    let found = index.freeze().recode(&|| true).unwrap();
    assert!(index.adopt(found) && !index.has_principal_axes());
    assert_exact(&index, &model, &even(9_000, dims));
}

#[test]
fn what_changes_while_axes_are_looked_for_is_coded_along_them() {
    let dims = 128;
    let (mut index, mut model) = filled(1_000, |id| flat(id, dims));
    let found = index.freeze().recode(&|| true).unwrap();
    let changes = (0..1_400).step_by(3).map(|id| match id % 2 {
        0 => Change::Put(id, flat(id + 7_000, dims)),
        _ => Change::Remove(id),
    });
    apply(&mut index, &mut model, changes.collect());
    assert!(index.adopt(found));
    for query in 20_000..20_020 {
        assert_exact(&index, &model, &flat(query, dims));
    }
    index.clear();
    assert!(!index.has_principal_axes());
    index.put(3, &flat(3, dims)).unwrap();
    assert_exact(&index, &[(3, flat(3, dims))].into_iter().collect(), &flat(1, dims));
}

#[test]
fn vectors_of_3072_dimensions_have_axes_too() {
    let dims = 3_072;
    let (mut index, model) = filled(40, |id| flat(id, dims));
    let found = index.freeze().recode(&|| true).unwrap();
    assert!(index.adopt(found) && index.has_principal_axes());
    for query in 5_000..5_003 {
        assert_exact(&index, &model, &flat(query, dims));
    }
}

#[test]
fn axes_are_looked_for_from_some_thousand_vectors_on_and_again_at_four_times_as_many() {
    let dims = 2;
    let mut index = DenseIndex::new(dims).unwrap();
    let mut sought_at = Vec::new();
    for id in 0..20_000_u32 {
        index.put(id, &[1.0, 0.5]).unwrap();
        if index.wants_recoding() {
            sought_at.push(index.len());
            let found = index.freeze().recode(&|| true).unwrap();
            assert!(!index.adopt(found), "two dimensions have no use for axes");
        }
    }
    assert_eq!(sought_at, [4_096, 16_384]);
}

#[test]
fn looking_for_axes_stops_when_nobody_waits_any_more() {
    let (index, _) = filled(300, |id| flat(id, 128));
    for patience in [0_u32, 1, 200, 304, 312, 317] {
        let left = std::cell::Cell::new(patience);
        let go_on = || left.replace(left.get().saturating_sub(1)) > 0;
        assert!(index.freeze().recode(&go_on).is_none(), "{patience}");
    }
}
