//! The bytes of a packed model: compiled in, or read from a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memory_core::EmbedError;
use sha2::{Digest, Sha256};

use crate::packed_format::{CHECKSUM_AT, Description, HEADER_BYTES};
use crate::weights::Weights;

/// Bytes that a packed model has at most: a file that is longer is none, and is not read.
const LARGEST_FILE: u64 = 64 << 20;

/// Gives included bytes the alignment that the sections of the packed file count on.
#[repr(C, align(64))]
struct Aligned<B: ?Sized>(B);

static COMPILED_IN: &Aligned<[u8]> = &Aligned(*include_bytes!("../model/minilm-l6-v2.int8.bin"));

/// A packed model in memory, on a 64-byte boundary, that has the shape of this program's encoder.
pub(crate) struct ModelFile {
    bytes: Bytes,
}

enum Bytes {
    /// Pages of the program itself, read by the operating system when they are first used.
    CompiledIn(&'static [u8]),
    /// A file that was read, from the first place of this buffer that is aligned to its end.
    Read(Vec<u8>, usize),
}

impl ModelFile {
    /// The model inside this program. Costs a microsecond and no memory; a test of this crate
    /// computes its checksum.
    pub(crate) fn compiled_in() -> Self {
        Self { bytes: Bytes::CompiledIn(&COMPILED_IN.0) }
    }

    /// Reads a file and compares it with its checksum: some 23 MB, and as much memory.
    pub(crate) fn read(path: &Path) -> Result<Self, EmbedError> {
        let failed = |reason: String| EmbedError::ModelFile { path: path.into(), reason };
        let (buffer, start) = read_aligned(path).map_err(|error| failed(error.to_string()))?;
        let file = Self { bytes: Bytes::Read(buffer, start) };
        let bytes = file.bytes();
        let usable = Weights::view(bytes).and_then(|_| Weights::description(bytes));
        usable.map_err(|error| failed(error.to_string()))?;
        let sum = Sha256::digest(bytes.get(HEADER_BYTES..).unwrap_or_default());
        if bytes.get(CHECKSUM_AT..CHECKSUM_AT + sum.len()) != Some(sum.as_slice()) {
            return Err(failed("it does not match its checksum: get or pack it again".to_owned()));
        }
        Ok(file)
    }

    /// Views the weights.
    pub(crate) fn weights(&self) -> Result<Weights<'_>, EmbedError> {
        Weights::view(self.bytes())
    }

    /// Returns what the file says of its model.
    pub(crate) fn description(&self) -> Result<Description, EmbedError> {
        Weights::description(self.bytes())
    }

    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::CompiledIn(bytes) => bytes,
            Bytes::Read(buffer, start) => buffer.get(*start..).unwrap_or_default(),
        }
    }
}

/// Reads a file to the end of a buffer, and gives the place in it where the file begins.
fn read_aligned(path: &Path) -> io::Result<(Vec<u8>, usize)> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.len() > LARGEST_FILE {
        let what = "it is no packed model: those are files of some 23 MB";
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let len = usize::try_from(about.len()).unwrap_or(usize::MAX);
    let mut buffer = vec![0; len.saturating_add(align_of::<Aligned<()>>())];
    let start = buffer.as_ptr().align_offset(align_of::<Aligned<()>>());
    // Keeps the allocation, and with it the place.
    buffer.truncate(start.saturating_add(len));
    file.read_exact(buffer.get_mut(start..).unwrap_or_default())?;
    Ok((buffer, start))
}
