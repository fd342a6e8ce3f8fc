//! A saved index is the same index; anything else is refused by name.

use super::{HEAD_BYTES, Identity, SlabFileError, load, save, verify_rows};
use crate::index::dense::Dense;
use crate::index::mask::Mask;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;

const STORE: [u8; 16] = *b"store-0123456789";

fn identity(dims: usize) -> Identity<'static> {
    Identity { store: STORE, model: "minilm-l6-v2", dims }
}

fn vector(unit: u32, dims: usize) -> Vec<f32> {
    let seed = f32::from(u16::try_from(unit % 997).unwrap());
    (0_u16..).take(dims).map(|dim| (seed * 0.37 + f32::from(dim) * 1.3).sin()).collect()
}

/// An index of `units` units whose order the removal of every seventh has disturbed.
fn disturbed(units: u32, dims: usize) -> Dense {
    let mut dense = Dense::new(dims).unwrap();
    for unit in 0..units {
        dense.put(unit, &vector(unit, dims)).unwrap();
    }
    for unit in (0..units).step_by(7) {
        dense.remove(unit);
    }
    dense
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dense.slab");
    (folder, path)
}

fn assert_same(left: &Dense, right: &Dense, units: u32) {
    assert_eq!(left.len(), right.len());
    for unit in 0..units {
        assert_eq!(left.vector(unit), right.vector(unit), "unit {unit}");
    }
    let mask: Mask = (0..units).step_by(3).collect();
    for query in [3, 500, 801] {
        let query = vector(query, left.dims());
        for mask in [None, Some(&mask)] {
            let expected = left.survey(&query, 10, mask).unwrap();
            assert_eq!(right.survey(&query, 10, mask).unwrap(), expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_loaded_index_is_the_saved_one_and_goes_on(
        units in prop_oneof![0_u32..40, 200_u32..300, Just(1370)],
        dims in prop_oneof![Just(5_usize), Just(64), Just(1536)],
    ) {
        let (_folder, path) = folder();
        let mut saved = disturbed(units, dims);
        save(&saved, &path, &identity(dims), 42).unwrap();
        let (mut loaded, seq) = load(&path, &identity(dims)).unwrap();
        prop_assert_eq!(seq, 42);
        verify_rows(&path, &identity(dims)).unwrap();
        assert_same(&saved, &loaded, units);
        // Replacing, removing and appending go on, in memory only.
        for index in [&mut saved, &mut loaded] {
            for unit in (0..units + 40).step_by(5) {
                index.put(unit, &vector(unit + 3, dims)).unwrap();
            }
            for unit in (0..units).step_by(11) {
                index.remove(unit);
            }
        }
        assert_same(&saved, &loaded, units + 40);
        let (again, _) = load(&path, &identity(dims)).unwrap();
        prop_assert_eq!(again.len(), disturbed(units, dims).len());
    }
}

#[test]
fn a_replaced_file_leaves_loaded_indexes_intact() {
    let (_folder, path) = folder();
    let first = disturbed(1500, 1536);
    save(&first, &path, &identity(1536), 1).unwrap();
    let (loaded, _) = load(&path, &identity(1536)).unwrap();
    save(&disturbed(20, 1536), &path, &identity(1536), 2).unwrap();
    assert_same(&first, &loaded, 1500);
    assert_eq!(load(&path, &identity(1536)).unwrap().1, 2);
    let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "no neighbour stays behind");
}

#[test]
fn a_missing_file_is_said_to_be_missing() {
    let (_folder, path) = folder();
    assert!(matches!(load(&path, &identity(8)), Err(SlabFileError::Missing)));
}

#[test]
fn a_file_of_another_store_model_or_dimension_is_foreign() {
    let (_folder, path) = folder();
    save(&disturbed(30, 8), &path, &identity(8), 1).unwrap();
    let others = [
        Identity { store: [0; 16], ..identity(8) },
        Identity { model: "other", ..identity(8) },
        identity(9),
    ];
    for other in others {
        assert!(matches!(load(&path, &other), Err(SlabFileError::Foreign { .. })));
    }
    fs::write(&path, vec![b'x'; 1000]).unwrap();
    assert!(matches!(load(&path, &identity(8)), Err(SlabFileError::Foreign { what: "program" })));
}

#[test]
fn a_newer_file_is_refused_by_its_format() {
    let (_folder, path) = folder();
    save(&disturbed(30, 8), &path, &identity(8), 1).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(load(&path, &identity(8)), Err(SlabFileError::Format { found: 9, .. })));
}

#[test]
fn every_cut_is_noticed() {
    let (_folder, path) = folder();
    save(&disturbed(30, 8), &path, &identity(8), 1).unwrap();
    let bytes = fs::read(&path).unwrap();
    for cut in [0, 1, HEAD_BYTES - 1, HEAD_BYTES, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).unwrap();
        assert!(matches!(load(&path, &identity(8)), Err(SlabFileError::Truncated { .. })));
    }
    let mut longer = bytes;
    longer.push(0);
    fs::write(&path, longer).unwrap();
    assert!(matches!(load(&path, &identity(8)), Err(SlabFileError::Truncated { .. })));
}

#[test]
fn every_flipped_byte_is_noticed() {
    let (_folder, path) = folder();
    save(&disturbed(10, 8), &path, &identity(8), 1).unwrap();
    let bytes = fs::read(&path).unwrap();
    // All of the head, then enough to meet every section often.
    for at in (0..HEAD_BYTES).chain((HEAD_BYTES..bytes.len()).step_by(5)) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, damaged).unwrap();
        let outcome = load(&path, &identity(8)).and_then(|_| verify_rows(&path, &identity(8)));
        assert!(outcome.is_err(), "byte {at}");
    }
}
