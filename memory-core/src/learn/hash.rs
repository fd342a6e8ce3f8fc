//! A hash whose values are stored: the same on every machine and in every version.

/// 64-bit FNV-1a (Fowler, Noll, Vo) with the finalizer of `MurmurHash3`.
///
/// The finalizer is a bijection that spreads each bit over the whole word, so that any part of the
/// value can be used alone. Error signatures, task keys, strata and ids of patterns are such
/// values: a change of this hash invalidates everything that was stored with them.
pub(crate) struct StableHash(u64);

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

impl StableHash {
    /// Starts an empty hash.
    pub(crate) const fn new() -> Self {
        Self(FNV_OFFSET)
    }

    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }

    /// Adds eight bytes in one step; gives another value than the same bytes one by one.
    pub(crate) const fn update_word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(FNV_PRIME).rotate_left(29);
    }

    /// Returns the hash of everything that was added.
    pub(crate) const fn finish(&self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}
