//! An index whose vectors lie in a file is the same index; damage ends in an error.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::{DenseIndex, Error, FrozenIndex, Mask, SavedVectors};
use proptest::prelude::*;

/// Byte at which indexes are written.
const START: u64 = 100;

fn vector(id: u32, dims: usize) -> Vec<f32> {
    let seed = f32::from(u16::try_from(id % 997).unwrap());
    (0_u16..).take(dims).map(|dim| (seed * 0.37 + f32::from(dim) * 1.3).sin()).collect()
}

/// An index of `n` ids whose order the removal of every seventh has disturbed.
fn disturbed(n: u32, dims: usize) -> DenseIndex {
    let mut index = DenseIndex::new(dims).unwrap();
    for id in 0..n {
        index.put(id, &vector(id, dims)).unwrap();
    }
    for id in (0..n).step_by(7) {
        index.remove(id);
    }
    index
}

/// Writes an index behind [`START`] bytes of something else.
fn write(frozen: &FrozenIndex, path: &Path) -> (Arc<File>, SavedVectors) {
    let options = File::options().read(true).write(true).create(true).truncate(true).open(path);
    let mut file = options.unwrap();
    file.seek(SeekFrom::Start(START)).unwrap();
    let saved = frozen.write(&mut file, &|| true).unwrap();
    assert_eq!(file.metadata().unwrap().len(), START + saved.n_bytes());
    (Arc::new(file), saved)
}

fn read(file: &Arc<File>, dims: usize) -> DenseIndex {
    DenseIndex::open(file, START, dims).unwrap()
}

fn read_on_demand(file: &Arc<File>, dims: usize) -> DenseIndex {
    DenseIndex::open_on_demand(file, START, dims).unwrap()
}

fn assert_same(left: &DenseIndex, right: &DenseIndex, ids: u32) {
    assert_eq!(left.len(), right.len());
    for id in 0..ids {
        assert_eq!(left.vector(id), right.vector(id), "id {id}");
        assert_eq!(left.direction(id), right.direction(id), "id {id}");
    }
    let mask: Mask = (0..ids).step_by(3).collect();
    for query in [3, 500, 801] {
        let query = vector(query, left.n_dims());
        for mask in [None, Some(&mask)] {
            let expected = left.search(&query, 10, mask).unwrap();
            assert_eq!(right.search(&query, 10, mask).unwrap(), expected);
            let expected = left.survey(&query, 60, mask).unwrap();
            assert_eq!(right.survey(&query, 60, mask).unwrap(), expected);
            let (left, right) = (left.scorer(&query).unwrap(), right.scorer(&query).unwrap());
            assert!((0..ids).all(|id| left.score(id) == right.score(id)));
        }
    }
}

/// Replaces, removes and appends.
fn go_on(index: &mut DenseIndex, ids: u32) {
    let dims = index.n_dims();
    for id in (0..ids + 40).step_by(5) {
        index.put(id, &vector(id + 3, dims)).unwrap();
    }
    for id in (0..ids).step_by(11) {
        index.remove(id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn axes_come_back_with_the_index(ids in 200_u32..400) {
        let dir = tempfile::tempdir().unwrap();
        let mut held = disturbed(ids, 128);
        let found = held.freeze().recode(&|| true).unwrap();
        prop_assert!(held.adopt(found));
        let (file, _) = write(&held.freeze(), &dir.path().join("file"));
        let mut loaded = read(&file, 128);
        prop_assert!(loaded.has_principal_axes() && !loaded.wants_recoding());
        let mut on_demand = read_on_demand(&file, 128);
        for index in [&loaded, &on_demand] {
            assert_same(&held, index, ids);
        }
        for index in [&mut held, &mut loaded, &mut on_demand] {
            go_on(index, ids);
        }
        for index in [&loaded, &on_demand] {
            assert_same(&held, index, ids + 40);
        }
    }

    #[test]
    fn an_index_that_was_written_or_read_is_the_same_and_goes_on(
        ids in prop_oneof![0_u32..40, 200_u32..300, Just(640)],
        dims in prop_oneof![Just(5_usize), Just(64), Just(8192)],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut held = disturbed(ids, dims);
        let mut filed = disturbed(ids, dims);
        let (file, saved) = write(&filed.freeze(), &dir.path().join("first"));
        drop(filed.attach(&file, START, saved));
        let (mut loaded, mut on_demand) = (read(&file, dims), read_on_demand(&file, dims));
        for index in [&filed, &loaded, &on_demand] {
            assert_same(&held, index, ids);
        }
        // Also an index whose codes lie in the first file is written again.
        let (again, _) = write(&on_demand.freeze(), &dir.path().join("again"));
        assert_same(&held, &read_on_demand(&again, dims), ids);
        for index in [&mut held, &mut filed, &mut loaded, &mut on_demand] {
            go_on(index, ids);
        }
        for index in [&filed, &loaded, &on_demand] {
            assert_same(&held, index, ids + 40);
        }
        // Written again, from memory and from the first file.
        let (second, saved) = write(&filed.freeze(), &dir.path().join("second"));
        drop(filed.attach(&second, START, saved));
        drop(file);
        assert_same(&held, &filed, ids + 40);
        assert_same(&held, &read(&second, dims), ids + 40);
    }
}

#[test]
fn what_changes_while_it_is_written_is_neither_in_the_file_nor_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (ids, dims) = (640, 8192);
    let (before, mut after) = (disturbed(ids, dims), disturbed(ids, dims));
    let mut index = disturbed(ids, dims);
    let frozen = index.freeze();
    go_on(&mut index, ids);
    go_on(&mut after, ids);
    let (file, saved) = write(&frozen, &dir.path().join("file"));
    drop(frozen);
    drop(index.attach(&file, START, saved));
    assert_same(&after, &index, ids + 40);
    assert_same(&before, &read(&file, dims), ids);
}

#[test]
fn full_slabs_leave_memory_once_they_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let dims = 8192;
    let mut index = DenseIndex::new(dims).unwrap();
    for id in 0..520 {
        index.put(id, &vector(id, dims)).unwrap();
    }
    let full = index.size_bytes();
    assert!(index.has_unsaved_slab());
    let frozen = index.freeze();
    let (file, saved) = write(&frozen, &dir.path().join("file"));
    drop(frozen);
    drop(index.attach(&file, START, saved));
    assert!(!index.has_unsaved_slab());
    // A byte and a half for every dimension stays.
    assert!(index.size_bytes() < full * 2 / 5, "{} of {full}", index.size_bytes());
}

#[test]
fn a_damaged_or_missing_vector_ends_searches_in_an_error_until_the_index_is_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let dims = 8192;
    let index = disturbed(640, dims);
    for cut in [false, true] {
        let (file, saved) = write(&index.freeze(), &dir.path().join("file"));
        let vectors = START + saved.n_bytes() - index.len() as u64 * dims as u64 * 4;
        let mut index = read(&file, dims);
        let query = vector(3, dims);
        index.search(&query, 10, None).unwrap();
        if cut {
            file.set_len(vectors).unwrap();
        } else {
            for row in 0..200 {
                file.write_all_at(b"!", vectors + row * dims as u64 * 4 + 99).unwrap();
            }
        }
        assert!(!index.is_damaged());
        assert!(matches!(index.search(&query, 10, None), Err(Error::Damaged)));
        assert!(index.is_damaged());
        assert!(matches!(index.search(&query, 1, None), Err(Error::Damaged)));
        let written = index.freeze().write(&mut Vec::new(), &|| true);
        assert!(matches!(written, Err(Error::Damaged)), "what is damaged is not written on");
        index.clear();
        index.put(1, &query).unwrap();
        assert_eq!(index.search(&query, 1, None).unwrap().top.len(), 1);
    }
}

#[test]
fn every_cut_and_every_flipped_byte_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut index = disturbed(130, 96);
    assert!(super::force_axes(&mut index));
    write(&index.freeze(), &path);
    let whole = fs::read(&path).unwrap();
    let open = |bytes: &[u8], dims| {
        fs::write(&path, bytes).unwrap();
        let index = DenseIndex::open(&Arc::new(File::open(&path).unwrap()), START, dims)?;
        // Vectors are checked when they are read.
        (0..140).for_each(|id| drop(index.vector(id)));
        if index.is_damaged() { Err(Error::Damaged) } else { Ok(index) }
    };
    assert!(open(&whole, 96).is_ok());
    assert!(matches!(open(&whole, 97), Err(Error::Foreign { what: "dimension" })));
    let (start, query) = (usize::try_from(START).unwrap(), vector(3, 96));
    let expected = open(&whole, 96).unwrap().search(&query, 10, None).unwrap();
    // Who searches once notices what it reads.
    let ask = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        let found = DenseIndex::open_on_demand(&file, START, 96)
            .and_then(|index| index.search(&query, 10, None));
        assert!(found.is_err() || found.unwrap() == expected);
    };
    for at in (start..start + 200).chain((start..whole.len()).step_by(97)) {
        assert!(open(&whole[..at], 96).is_err(), "cut to {at} of {} bytes", whole.len());
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        assert!(open(&flipped, 96).is_err(), "byte {at} of {}", whole.len());
        ask(&flipped);
        ask(&whole[..at]);
    }
}

#[test]
fn an_id_that_comes_twice_is_noticed_though_the_checksum_holds() {
    let dir = tempfile::tempdir().unwrap();
    let index = disturbed(30, 8);
    let mut frozen = index.freeze();
    let (slab, _) = frozen.rows.place_mut(3).unwrap();
    slab.ids[3] = slab.ids[4];
    let (file, _) = write(&frozen, &dir.path().join("file"));
    let read = DenseIndex::open(&file, START, 8);
    assert!(matches!(read, Err(Error::Corrupt { what: "ids" })));
}

#[test]
fn writing_stops_when_nobody_waits_any_more() {
    let frozen = disturbed(420, 8192).freeze();
    let mut out = Vec::new();
    let stopped = frozen.write(&mut out, &|| false);
    assert!(matches!(stopped, Err(Error::Stopped)) && out.is_empty());
    // Also between vectors.
    let whole = frozen.write(&mut Vec::new(), &|| true).unwrap().n_bytes();
    let patience = std::cell::Cell::new(5);
    let stopped = frozen.write(&mut out, &|| patience.replace(patience.get() - 1) > 1);
    assert!(matches!(stopped, Err(Error::Stopped)) && (out.len() as u64) < whole);
}
