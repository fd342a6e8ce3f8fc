//! A dense index whose vectors lie in a file is the same index; damage ends in an error.

use super::coding::Frozen;
use super::{Dense, DenseError};
use crate::index::mask::Mask;
use crate::index::snapshot::{Reader, SnapshotError, Writer};
use proptest::prelude::*;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

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

/// A file with the vectors from byte 0 on, and the front.
fn write(
    frozen: &Frozen,
    path: &Path,
) -> (Arc<File>, Vec<u8>, Vec<Option<super::coding::WrittenSlab>>) {
    let mut front = Writer::new(Vec::new());
    let slabs = frozen.write_front(&mut front).unwrap();
    let (front, _, _) = front.finish();
    let options = File::options().read(true).write(true).create(true).truncate(true).open(path);
    let mut file = options.unwrap();
    frozen.write_rows(&mut file, &|| true).unwrap();
    assert_eq!(file.metadata().unwrap().len(), frozen.rows_bytes());
    file.seek(SeekFrom::Start(0)).unwrap();
    (Arc::new(file), front, slabs)
}

fn read(file: &Arc<File>, front: &[u8], dims: usize) -> Result<Dense, SnapshotError> {
    let mut reader = Reader::new(front, front.len() as u64);
    let mut dense = Dense::read(&mut reader, dims, file, 0)?;
    reader.finish()?;
    dense.index_units()?;
    Ok(dense)
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
            let expected = left.search(&query, 10, mask).unwrap();
            assert_eq!(right.search(&query, 10, mask).unwrap(), expected);
        }
    }
}

/// Replaces, removes and appends.
fn go_on(dense: &mut Dense, units: u32) {
    let dims = dense.dims();
    for unit in (0..units + 40).step_by(5) {
        dense.put(unit, &vector(unit + 3, dims)).unwrap();
    }
    for unit in (0..units).step_by(11) {
        dense.remove(unit);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn axes_come_back_with_the_index(units in 200_u32..400) {
        let dir = tempfile::tempdir().unwrap();
        let mut dense = disturbed(units, 128);
        let found = dense.freeze().recoded(&|| true).unwrap();
        prop_assert!(dense.adopt_axes(found));
        let (file, front, _) = write(&dense.freeze(), &dir.path().join("file"));
        let mut loaded = read(&file, &front, 128).unwrap();
        prop_assert!(loaded.has_axes() && !loaded.wants_axes());
        assert_same(&dense, &loaded, units);
        go_on(&mut dense, units);
        go_on(&mut loaded, units);
        assert_same(&dense, &loaded, units + 40);
    }

    #[test]
    fn an_index_that_was_written_or_read_is_the_same_and_goes_on(
        units in prop_oneof![0_u32..40, 200_u32..300, Just(640)],
        dims in prop_oneof![Just(5_usize), Just(64), Just(8192)],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut held = disturbed(units, dims);
        let mut filed = disturbed(units, dims);
        let (file, front, slabs) = write(&filed.freeze(), &dir.path().join("first"));
        drop(filed.attach(&file, 0, slabs));
        let mut loaded = read(&file, &front, dims).unwrap();
        assert_same(&held, &filed, units);
        assert_same(&held, &loaded, units);
        for index in [&mut held, &mut filed, &mut loaded] {
            go_on(index, units);
        }
        assert_same(&held, &filed, units + 40);
        assert_same(&held, &loaded, units + 40);
        // Written again, from memory and from the first file.
        let (second, front, slabs) = write(&filed.freeze(), &dir.path().join("second"));
        drop(filed.attach(&second, 0, slabs));
        drop(file);
        assert_same(&held, &filed, units + 40);
        assert_same(&held, &read(&second, &front, dims).unwrap(), units + 40);
    }
}

#[test]
fn what_changes_while_it_is_written_is_neither_in_the_file_nor_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (units, dims) = (640, 8192);
    let (before, mut after) = (disturbed(units, dims), disturbed(units, dims));
    let mut dense = disturbed(units, dims);
    let frozen = dense.freeze();
    go_on(&mut dense, units);
    go_on(&mut after, units);
    let (file, front, slabs) = write(&frozen, &dir.path().join("file"));
    drop(frozen);
    drop(dense.attach(&file, 0, slabs));
    assert_same(&after, &dense, units + 40);
    assert_same(&before, &read(&file, &front, dims).unwrap(), units);
}

#[test]
fn full_slabs_leave_memory_once_they_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let dims = 8192;
    let mut dense = Dense::new(dims).unwrap();
    for unit in 0..520 {
        dense.put(unit, &vector(unit, dims)).unwrap();
    }
    let full = dense.size_bytes();
    let frozen = dense.freeze();
    let (file, _, slabs) = write(&frozen, &dir.path().join("file"));
    drop(frozen);
    drop(dense.attach(&file, 0, slabs));
    // A byte and a half for every dimension stays, and the rows of the slab that grows.
    assert!(dense.size_bytes() < full * 2 / 5, "{} of {full}", dense.size_bytes());
}

#[test]
fn a_damaged_or_missing_vector_ends_searches_in_an_error_until_the_index_is_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let dims = 8192;
    let dense = disturbed(640, dims);
    for cut in [false, true] {
        let (file, front, _) = write(&dense.freeze(), &dir.path().join("file"));
        let mut dense = read(&file, &front, dims).unwrap();
        let query = vector(3, dims);
        dense.search(&query, 10, None).unwrap();
        if cut {
            file.set_len(100).unwrap();
        } else {
            for row in 0..200 {
                file.write_all_at(b"!", row * dims as u64 * 4 + 99).unwrap();
            }
        }
        assert!(!dense.is_damaged());
        assert!(matches!(dense.search(&query, 10, None), Err(DenseError::Damaged)));
        assert!(dense.is_damaged());
        assert!(matches!(dense.search(&query, 1, None), Err(DenseError::Damaged)));
        let mut front = Writer::new(Vec::new());
        let frozen = dense.freeze();
        let written = frozen.write_front(&mut front).map(drop);
        let written = written.and_then(|()| frozen.write_rows(&mut Vec::new(), &|| true));
        assert!(written.is_err(), "what is damaged is not written on");
        dense.clear();
        dense.put(1, &query).unwrap();
        assert_eq!(dense.search(&query, 1, None).unwrap().top.len(), 1);
    }
}

#[test]
fn every_cut_of_the_front_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (file, front, _) = write(&disturbed(30, 8).freeze(), &dir.path().join("file"));
    for cut in 0..front.len() {
        assert!(read(&file, &front[..cut], 8).is_err(), "{cut} of {} bytes", front.len());
    }
    assert!(read(&file, &front, 9).is_err(), "another dimension");
}

#[test]
fn writing_stops_when_nobody_waits_any_more() {
    let frozen = disturbed(420, 8192).freeze();
    let mut out = Vec::new();
    let stopped = frozen.write_rows(&mut out, &|| false);
    assert!(matches!(stopped, Err(SnapshotError::Stopped)) && out.is_empty());
    assert!(out.write_all(b"x").is_ok());
}
