//! The head of the slab file.

use super::{Identity, SLAB_FILE_VERSION, SlabFileError};
use crate::index::dense::checksum::Checksum;
use crate::index::dense::kernel::ROWS;
use crate::index::dense::quantise::Shape;

/// Size of the head.
pub(super) const HEAD_BYTES: usize = 256;

/// First bytes of every slab file.
const MAGIC: [u8; 8] = *b"memdense";

/// Bytes kept of the name of the model.
const MODEL_BYTES: usize = 128;

/// The head, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) shape: Shape,
    pub(super) seq: u64,
    pub(super) front_checksum: u64,
    rows: usize,
    store: [u8; 16],
    model: [u8; MODEL_BYTES],
}

impl Head {
    pub(super) fn new(
        shape: Shape,
        rows: usize,
        identity: &Identity<'_>,
        seq: u64,
        front_checksum: u64,
    ) -> Self {
        Self {
            shape,
            seq,
            front_checksum,
            rows,
            store: identity.store,
            model: model_bytes(identity.model),
        }
    }

    /// The head as written; its last eight bytes are the checksum of the others.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(SLAB_FILE_VERSION.to_le_bytes());
        for size in [self.shape.dims, self.shape.slab_blocks, self.rows] {
            // Within 32 bits: dimensions, blocks of a huge page and slot numbers all are.
            bytes.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
        }
        bytes.extend(self.seq.to_le_bytes());
        bytes.extend(self.front_checksum.to_le_bytes());
        bytes.extend(self.store);
        bytes.extend(self.model);
        bytes.resize(HEAD_BYTES - 8, 0);
        bytes.extend(Checksum::of(&bytes).to_le_bytes());
        bytes
    }

    /// Reads a head and compares it with what is wanted.
    ///
    /// The version is looked at before the checksum: a newer head may be laid out otherwise.
    pub(super) fn decode(
        bytes: &[u8; HEAD_BYTES],
        identity: &Identity<'_>,
    ) -> Result<Self, SlabFileError> {
        let mut fields = Fields(bytes);
        if fields.take::<8>()? != MAGIC {
            return Err(SlabFileError::Foreign { what: "program" });
        }
        let found = u32::from_le_bytes(fields.take()?);
        if found != SLAB_FILE_VERSION {
            let supported = SLAB_FILE_VERSION;
            return Err(SlabFileError::Format { found, supported });
        }
        let (content, checksum) = bytes.split_at(HEAD_BYTES - 8);
        if checksum != Checksum::of(content).to_le_bytes() {
            return Err(SlabFileError::Corrupt { what: "head" });
        }
        let mut size = || fields.take().map(|bytes| u32::from_le_bytes(bytes) as usize);
        let (dims, slab_blocks, rows) = (size()?, size()?, size()?);
        let seq = u64::from_le_bytes(fields.take()?);
        let front_checksum = u64::from_le_bytes(fields.take()?);
        let (store, model) = (fields.take()?, fields.take()?);
        if store != identity.store {
            return Err(SlabFileError::Foreign { what: "store" });
        }
        if model != model_bytes(identity.model) {
            return Err(SlabFileError::Foreign { what: "model" });
        }
        if dims != identity.dims {
            return Err(SlabFileError::Foreign { what: "dimension" });
        }
        let shape = Shape::new(dims)?;
        if shape.slab_blocks != slab_blocks {
            return Err(SlabFileError::Foreign { what: "slab size" });
        }
        Ok(Self { shape, seq, front_checksum, rows, store, model })
    }

    /// Number of slabs.
    pub(super) fn slabs(&self) -> usize {
        self.rows.div_ceil(self.shape.slab_rows())
    }

    /// Rows in use of each slab.
    pub(super) fn slab_rows(&self) -> impl Iterator<Item = usize> + use<> {
        let (rows, full) = (self.rows, self.shape.slab_rows());
        (0..self.slabs()).map(move |slab| (rows - slab * full).min(full))
    }

    /// Rows as stored: whole blocks.
    fn stored_rows(&self) -> u64 {
        self.rows.next_multiple_of(ROWS) as u64
    }

    /// Byte at which the vectors begin.
    pub(super) fn rows_start(&self) -> u64 {
        let width = self.shape.width as u64;
        let columns = 4 * size_of::<f32>() as u64;
        let sums = width * size_of::<f64>() as u64;
        HEAD_BYTES as u64
            + sums
            + (self.slabs() * size_of::<u64>()) as u64
            + self.stored_rows() * (width + columns)
    }

    /// Size of the whole file.
    pub(super) fn file_bytes(&self) -> u64 {
        let row = (self.shape.width * size_of::<f32>()) as u64;
        self.rows_start() + self.stored_rows() * row
    }
}

/// The name of the model, cut or padded.
fn model_bytes(model: &str) -> [u8; MODEL_BYTES] {
    let mut bytes = [0; MODEL_BYTES];
    for (place, byte) in bytes.iter_mut().zip(model.bytes()) {
        *place = byte;
    }
    bytes
}

/// Fields not yet read.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SlabFileError> {
        let (field, rest) =
            self.0.split_first_chunk::<N>().ok_or(SlabFileError::Corrupt { what: "head" })?;
        self.0 = rest;
        Ok(*field)
    }
}
