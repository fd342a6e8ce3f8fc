//! The packed model file in the repository.

#[path = "../examples/pack-model/pack.rs"]
mod pack;
#[path = "../examples/pack-model/source.rs"]
mod source;

use memory_embed::packed_format::{CHECKSUM_AT, HEADER_BYTES, header};
use sha2::{Digest, Sha256};
use std::path::Path;

const PACKED: &[u8] = include_bytes!("../model/minilm-l6-v2.int8.bin");

#[test]
fn the_packed_file_has_the_header_of_this_version_and_matches_its_own_checksum() {
    assert_eq!(PACKED[..CHECKSUM_AT], header(PACKED.len())[..CHECKSUM_AT]);
    let sum = Sha256::digest(&PACKED[HEADER_BYTES..]);
    assert_eq!(PACKED[CHECKSUM_AT..CHECKSUM_AT + 32], sum[..]);
}

/// With `MEMORY_MCP_MINILM_DIR` naming the folder that holds `model.safetensors` and `vocab.txt`,
/// pack them anew; without, check that a folder without a model is refused, so that the packing
/// code runs in any case.
#[test]
fn packing_the_published_model_gives_this_file_or_a_missing_model_is_refused() {
    let model = source::find("all-MiniLM-L6-v2").unwrap();
    let packed = |folder: &Path| {
        pack::pack(model, &folder.join("model.safetensors"), &folder.join("vocab.txt"))
    };
    match std::env::var_os("MEMORY_MCP_MINILM_DIR") {
        Some(folder) => assert!(packed(Path::new(&folder)).unwrap() == PACKED),
        None => assert!(packed(Path::new("no-such-folder")).is_err()),
    }
    assert!(source::find("all-MiniLM-L12").is_err());
}
