//! The head of a snapshot: what it belongs to, and how long its pieces are.

use memory_dense::Checksum;

use super::codec::Fields;
use super::error::SnapshotError;
use super::{Identity, SNAPSHOT_VERSION};
use crate::index::Position;
use crate::index::unit::content_hash;

/// Size of the head.
pub(super) const HEAD_BYTES: usize = 256;

/// First bytes of every snapshot.
const MAGIC: [u8; 8] = *b"memindex";

/// Bytes kept of the name of the model; the last eight are a hash of all of it.
const MODEL_BYTES: usize = 128;

/// The head, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Position of the store that it holds.
    pub(super) position: Position,
    /// Length and sum of what follows the head, up to the postings.
    pub(super) front_bytes: u64,
    pub(super) front_checksum: u64,
    /// Length of the pages of postings, which follow.
    pub(super) lists_bytes: u64,
    /// Length of the whole file.
    pub(super) file_bytes: u64,
}

impl Head {
    /// The head as written; its last eight bytes are the checksum of the others.
    pub(super) fn encode(&self, identity: &Identity<'_>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(SNAPSHOT_VERSION.to_le_bytes());
        bytes.extend(dimension(identity).to_le_bytes());
        bytes.extend(identity.texts.to_le_bytes());
        bytes.extend(identity.store);
        bytes.extend(self.position.changes.to_le_bytes());
        bytes.extend(self.position.vectors.to_le_bytes());
        bytes.extend(self.front_bytes.to_le_bytes());
        bytes.extend(self.front_checksum.to_le_bytes());
        bytes.extend(self.lists_bytes.to_le_bytes());
        bytes.extend(self.file_bytes.to_le_bytes());
        bytes.extend(model(identity));
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
    ) -> Result<Self, SnapshotError> {
        let mut fields = Fields(bytes);
        if fields.take::<8>()? != MAGIC {
            return Err(SnapshotError::Foreign { what: "program" });
        }
        let found = fields.u32()?;
        if found != SNAPSHOT_VERSION {
            return Err(SnapshotError::Format { found, supported: SNAPSHOT_VERSION });
        }
        let (content, checksum) = bytes.split_at(HEAD_BYTES - 8);
        if checksum != Checksum::of(content).to_le_bytes() {
            return Err(SnapshotError::Corrupt { what: "head" });
        }
        let (dimension_found, texts, store) = (fields.u32()?, fields.u64()?, fields.take::<16>()?);
        let position = Position { changes: fields.u64()?, vectors: fields.u64()? };
        let (front_bytes, front_checksum) = (fields.u64()?, fields.u64()?);
        let (lists_bytes, file_bytes) = (fields.u64()?, fields.u64()?);
        let belongs = [
            ("store", store == identity.store),
            ("model", fields.take()? == model(identity)),
            ("dimension", dimension_found == dimension(identity)),
            ("way of cutting texts", texts == identity.texts),
        ];
        if let Some((what, _)) = belongs.into_iter().find(|(_, same)| !same) {
            return Err(SnapshotError::Foreign { what });
        }
        Ok(Self { position, front_bytes, front_checksum, lists_bytes, file_bytes })
    }
}

/// 0 without vectors.
fn dimension(identity: &Identity<'_>) -> u32 {
    let dimension = identity.model.map_or(0, |(_, dimension)| dimension);
    u32::try_from(dimension).unwrap_or(u32::MAX)
}

/// The name of the model, cut or padded, and its hash.
fn model(identity: &Identity<'_>) -> [u8; MODEL_BYTES] {
    let mut bytes = [0; MODEL_BYTES];
    let name = identity.model.map_or("", |(name, _)| name);
    let hash = content_hash(name).to_le_bytes();
    for (place, byte) in bytes.iter_mut().zip(name.bytes().take(MODEL_BYTES - hash.len())) {
        *place = byte;
    }
    for (place, byte) in bytes.iter_mut().skip(MODEL_BYTES - hash.len()).zip(hash) {
        *place = byte;
    }
    bytes
}
