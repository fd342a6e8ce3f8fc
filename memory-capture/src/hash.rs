//! A short hash that stays the same with every version of this program.

/// Returns the FNV-1a hash of parts, which cannot be shifted against each other.
pub(crate) fn fnv(parts: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        part.iter().copied().for_each(&mut eat);
        // No text holds this byte.
        eat(0xff);
    }
    hash
}
