//! Checksum of the files of the engine: against damage, not against intent.

/// Multiplier of the 64-bit FNV hash (Fowler, Noll, Vo).
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Bytes that are mixed at once.
const BLOCK: usize = 64;

/// Checksum of 64 bits over a stream of bytes: eight interleaved multiply-and-xor hashes over
/// 64-bit words, folded at the end.
///
/// Every step is a bijection of the lane for a given word and of the word for a given lane, so a
/// change within one word is always noticed. The result depends on the bytes alone, not on how
/// they are cut into parts. About 15 GB/s.
#[derive(Debug, Clone)]
pub struct Checksum {
    lanes: [u64; 8],
    n_bytes: u64,
    /// Bytes of the last, incomplete block: `n_bytes` modulo [`BLOCK`] of them.
    pending: [u8; BLOCK],
}

#[expect(clippy::indexing_slicing, reason = "positions within a block are taken modulo its length")]
impl Checksum {
    /// Returns the checksum of an empty stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { lanes: [1, 2, 3, 4, 5, 6, 7, 8], n_bytes: 0, pending: [0; BLOCK] }
    }

    /// Appends bytes to the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        let n_pending = self.n_pending();
        self.n_bytes += bytes.len() as u64;
        let mut rest = bytes;
        if n_pending > 0 {
            let n_taken = bytes.len().min(BLOCK - n_pending);
            let (taken, after) = bytes.split_at(n_taken);
            self.pending[n_pending..n_pending + n_taken].copy_from_slice(taken);
            if n_pending + n_taken < BLOCK {
                return;
            }
            let block = self.pending;
            self.mix(&block);
            rest = after;
        }
        let (blocks, tail) = rest.as_chunks::<BLOCK>();
        for block in blocks {
            self.mix(block);
        }
        self.pending[..tail.len()].copy_from_slice(tail);
    }

    /// Returns the checksum of the stream so far. An incomplete block counts as filled with zeros;
    /// the length is part of the sum.
    #[must_use]
    pub fn finish(&self) -> u64 {
        let mut whole = self.clone();
        let n_pending = self.n_pending();
        if n_pending > 0 {
            let mut block = self.pending;
            block[n_pending..].fill(0);
            whole.mix(&block);
        }
        whole
            .lanes
            .iter()
            .fold(whole.n_bytes, |hash, lane| (hash ^ lane).wrapping_mul(PRIME).rotate_left(29))
    }

    /// Returns the checksum of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u64 {
        let mut checksum = Self::new();
        checksum.update(bytes);
        checksum.finish()
    }

    /// Number of bytes of the incomplete block.
    #[expect(clippy::cast_possible_truncation, reason = "below the length of a block")]
    const fn n_pending(&self) -> usize {
        (self.n_bytes % BLOCK as u64) as usize
    }

    fn mix(&mut self, block: &[u8; BLOCK]) {
        for (lane, word) in self.lanes.iter_mut().zip(block.as_chunks::<8>().0) {
            // The rotation carries high bits down, where the multiplication spreads them again.
            *lane = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME).rotate_left(29);
        }
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::Checksum;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_flipped_bit_or_a_cut_changes_the_checksum(
            bytes in prop::collection::vec(any::<u8>(), 1..300),
            at in any::<prop::sample::Index>(),
            bit in 0_u32..8,
        ) {
            let whole = Checksum::of(&bytes);
            let at = at.index(bytes.len());
            prop_assert_ne!(whole, Checksum::of(&bytes[..at]));
            let mut flipped = bytes;
            flipped[at] ^= 1 << bit;
            prop_assert_ne!(whole, Checksum::of(&flipped));
        }

        #[test]
        fn a_stream_has_the_same_checksum_however_it_is_cut(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            cuts.sort_by_key(|cut| cut.index(bytes.len() + 1));
            let (mut checksum, mut start) = (Checksum::new(), 0);
            for end in cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([bytes.len()]) {
                checksum.update(&bytes[start..end]);
                start = end;
            }
            prop_assert_eq!(checksum.finish(), Checksum::of(&bytes));
        }
    }
}
