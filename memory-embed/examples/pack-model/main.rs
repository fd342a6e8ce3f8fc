//! Packs a published model into a file that `memory-embed` compiles in or opens.
//!
//! ```text
//! cargo run --release -p memory-embed --example pack-model -- \
//!     all-MiniLM-L6-v2 model.safetensors vocab.txt memory-embed/model/minilm-l6-v2.int8.bin
//! ```
//!
//! The models that are known, where their files come from and what they must be, by their SHA-256,
//! stand in `source.rs`. The output depends on nothing but these files.

mod pack;
mod source;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, tensors, vocabulary, output] = arguments.as_slice() else {
        let names = source::SOURCES.map(|source| source.name).join(" or ");
        eprintln!("usage: pack-model MODEL SAFETENSORS VOCABULARY OUTPUT, of the model {names}");
        return ExitCode::from(2);
    };
    let packed = source::find(name)
        .and_then(|source| pack::pack(source, Path::new(tensors), Path::new(vocabulary)));
    match packed.and_then(|file| Ok(std::fs::write(output, file)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("packing {name} into {output}: {error}");
            ExitCode::FAILURE
        }
    }
}
