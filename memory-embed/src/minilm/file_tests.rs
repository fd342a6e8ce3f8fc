//! Packed models in files: used as they are, or refused with a reason.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::packed_format::{CHECKSUM_AT, Description, HEADER_BYTES, Layout, Pooling};
use crate::{EmbedError, Embedder, MiniLm, Role, Windows};

const PACKED: &[u8] = include_bytes!("../../model/minilm-l6-v2.int8.bin");
const TEXTS: [&str; 3] = ["The linker cannot find libssl.", "", "git rebase --onto main"];

/// The compiled-in model under another description.
fn described(change: impl FnOnce(&mut Description)) -> Vec<u8> {
    let span = Layout::new().description;
    let mut file = PACKED.to_vec();
    let section = &mut file[span.start..span.start + span.len];
    let mut description = Description::decode(section).unwrap();
    change(&mut description);
    section.copy_from_slice(&description.encode().unwrap());
    let sum = Sha256::digest(&file[HEADER_BYTES..]);
    file[CHECKSUM_AT..CHECKSUM_AT + sum.len()].copy_from_slice(&sum);
    file
}

fn open(file: &[u8]) -> Result<MiniLm, EmbedError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.bin");
    std::fs::write(&path, file).unwrap();
    MiniLm::open(&path)
}

#[test]
fn the_compiled_in_model_read_from_a_file_gives_the_same_bits() {
    let (read, embedded) = (open(PACKED).unwrap(), MiniLm::embedded().unwrap());
    assert_eq!(read.id(), embedded.id());
    for role in [Role::Query, Role::Document] {
        assert_eq!(read.embed(role, &TEXTS).unwrap(), embedded.embed(role, &TEXTS).unwrap());
    }
}

#[test]
fn a_prefix_stands_before_each_text_of_its_role_and_takes_nothing_of_its_window() {
    let model = open(&described(|model| {
        model.id = "prefixed".to_owned();
        model.query_prefix = "find this: ".to_owned();
        model.windows = Windows { text: 100, query: 9 };
    }));
    let (model, embedded) = (model.unwrap(), MiniLm::embedded().unwrap());
    assert_eq!(model.id(), "prefixed/first-100");
    let query = "one two three four five six seven eight nine";
    let prefixed = format!("find this: {query}");
    let whole = embedded.embed(Role::Document, &[&prefixed]).unwrap();
    assert_eq!(model.embed(Role::Query, &[query]).unwrap(), whole);
    assert_eq!(model.embed(Role::Query, &[&format!("{query} ten eleven")]).unwrap(), whole);
    let plain = embedded.embed(Role::Document, &TEXTS).unwrap();
    assert_eq!(model.embed(Role::Document, &TEXTS).unwrap(), plain);
}

#[test]
fn a_model_of_the_first_token_takes_that_alone() {
    let model = open(&described(|model| model.pooling = Pooling::FirstToken)).unwrap();
    let texts = ["cat", "the cat sat on the mat and looked at the dog"];
    let (first, mean) = (
        model.embed(Role::Document, &texts).unwrap(),
        MiniLm::embedded().unwrap().embed(Role::Document, &texts).unwrap(),
    );
    for (first, mean) in first.iter().zip(&mean) {
        let cosine: f32 = first.iter().zip(mean).map(|(a, b)| a * b).sum();
        assert!(cosine < 0.99, "{cosine}");
        let length: f32 = first.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
}

#[test]
fn a_file_that_is_cut_damaged_foreign_or_not_there_is_refused_by_its_name() {
    let mut flipped = PACKED.to_vec();
    flipped[PACKED.len() / 2] ^= 1;
    let mut newer = PACKED.to_vec();
    newer[8] += 1;
    let mut longer = PACKED.to_vec();
    longer.push(0);
    let undescribed = {
        let mut file = PACKED.to_vec();
        file[HEADER_BYTES] = 9;
        file
    };
    let cases: [(&str, &[u8]); 8] = [
        ("checksum", &flipped),
        ("format version", &newer),
        ("format version", &longer),
        ("format version", &PACKED[..PACKED.len() - 1]),
        ("format version", &PACKED[..64]),
        ("format version", b"SQLite format 3\0"),
        ("format version", b""),
        ("what it is", &undescribed),
    ];
    for (expected, file) in cases {
        let error = open(file).unwrap_err();
        assert!(matches!(error, EmbedError::ModelFile { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(expected) && message.contains("model.bin"), "{message}");
    }
    for path in ["no-such-file.bin", "."] {
        let message = MiniLm::open(Path::new(path)).unwrap_err().to_string();
        assert!(message.contains(path), "{message}");
    }
}
