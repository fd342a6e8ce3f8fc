//! Codes along axes: when they are made, and that what happens beside that is not lost.

use super::*;

/// Vectors near a space of eight dimensions.
fn flat(unit: u32, dims: usize) -> Vec<f32> {
    let parts: Vec<Vec<f32>> = (0..8).map(|at| pseudo_random(at + 7, dims)).collect();
    let weights = pseudo_random(u64::from(unit) + 100, 8);
    let noise = scaled(&pseudo_random(u64::from(unit) + 90_000, dims), 0.1);
    let along = |dim: usize| parts.iter().zip(&weights).map(|(part, w)| part[dim] * w).sum::<f32>();
    (0..dims).map(|dim| along(dim) + noise[dim]).collect()
}

fn filled(units: u32, vector: impl Fn(u32) -> Vec<f32>) -> (Dense, Model) {
    let mut dense = small_slabs(vector(0).len(), 20, kernel::best());
    let mut model = Model::new();
    apply(&mut dense, &mut model, (0..units).map(|unit| Change::Put(unit, vector(unit))).collect());
    (dense, model)
}

fn assert_exact(dense: &Dense, model: &Model, query: &[f32]) {
    let mut expected = full_scan(model, query, None);
    expected.truncate(10);
    assert_eq!(dense.search(query, 10, None).unwrap().top, expected);
}

#[test]
fn codes_are_along_axes_where_few_directions_have_most_of_the_energy() {
    let dims = 128;
    for (vector, worth) in [(flat as fn(u32, usize) -> Vec<f32>, true), (even, false)] {
        let (mut dense, model) = filled(1_000, |unit| vector(unit, dims));
        let plain = dense.shape.block_bytes();
        let found = dense.freeze().recoded(&|| true).unwrap();
        assert_eq!(dense.adopt_axes(found), worth);
        assert_eq!([dense.has_axes(), dense.shape.block_bytes() < plain], [worth; 2]);
        assert_exact(&dense, &model, &vector(5_000, dims));
    }
}

/// As much energy in each direction.
fn even(unit: u32, dims: usize) -> Vec<f32> {
    pseudo_random(u64::from(unit) + 1, dims)
}

#[test]
fn axes_are_given_up_once_the_vectors_have_no_more_use_for_them() {
    let dims = 128;
    let (mut dense, mut model) = filled(600, |unit| flat(unit, dims));
    let found = dense.freeze().recoded(&|| true).unwrap();
    assert!(dense.adopt_axes(found) && dense.has_axes());
    let others = (0..3_000).map(|unit| Change::Put(unit, even(unit, dims)));
    apply(&mut dense, &mut model, others.collect());
    assert_exact(&dense, &model, &even(9_000, dims));
    let found = dense.freeze().recoded(&|| true).unwrap();
    assert!(dense.adopt_axes(found) && !dense.has_axes());
    assert_exact(&dense, &model, &even(9_000, dims));
}

#[test]
fn what_changes_while_axes_are_looked_for_is_coded_along_them() {
    let dims = 128;
    let (mut dense, mut model) = filled(1_000, |unit| flat(unit, dims));
    let found = dense.freeze().recoded(&|| true).unwrap();
    let changes = (0..1_400).step_by(3).map(|unit| match unit % 2 {
        0 => Change::Put(unit, flat(unit + 7_000, dims)),
        _ => Change::Remove(unit),
    });
    apply(&mut dense, &mut model, changes.collect());
    dense.adopt_sketch(dense.freeze().sketch(&|| true).unwrap(), &dense.freeze());
    assert!(dense.is_sketched());
    assert!(dense.adopt_axes(found) && !dense.is_sketched(), "along axes a scan is as fast");
    for query in 20_000..20_020 {
        assert_exact(&dense, &model, &flat(query, dims));
    }
    dense.clear();
    assert!(!dense.has_axes());
    dense.put(3, &flat(3, dims)).unwrap();
    assert_exact(&dense, &[(3, flat(3, dims))].into_iter().collect(), &flat(1, dims));
}

#[test]
fn axes_are_looked_for_from_some_thousand_vectors_on_and_again_at_four_times_as_many() {
    let dims = 2;
    let mut dense = Dense::new(dims).unwrap();
    let mut sought_at = Vec::new();
    for unit in 0..20_000_u32 {
        dense.put(unit, &[1.0, 0.5]).unwrap();
        if dense.wants_axes() {
            sought_at.push(dense.len());
            let found = dense.freeze().recoded(&|| true).unwrap();
            assert!(!dense.adopt_axes(found), "two dimensions have no use for axes");
        }
    }
    assert_eq!(sought_at, [4_096, 16_384]);
}

#[test]
fn looking_for_axes_stops_when_nobody_waits_any_more() {
    let (dense, _) = filled(300, |unit| flat(unit, 128));
    for patience in [0_u32, 1, 200, 400, 605, 609] {
        let left = std::cell::Cell::new(patience);
        let go_on = || left.replace(left.get().saturating_sub(1)) > 0;
        assert!(dense.freeze().recoded(&go_on).is_none(), "{patience}");
    }
}
