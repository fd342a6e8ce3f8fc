//! Names of scopes that are made of the names of folders.

use std::path::Path;

use memory_core::Scope;

/// Name of the scope when not even a folder has a name.
pub(super) const NOWHERE: &str = "default";

/// Longest part of a folder's name that becomes a part of a scope, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// Returns a name with a short mark of the place, so that two projects of one name are not taken
/// for one.
pub(super) fn marked(name: &str, place: &Path) -> String {
    let place = place.canonicalize().unwrap_or_else(|_| place.to_owned());
    // FNV-1a, folded to 32 bits: the mark must stay the same with every version of this program.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in place.as_os_str().as_encoded_bytes() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let name = name.get(..name.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or_default();
    format!("{name}-{:08x}", (hash ^ (hash >> 32)) & 0xffff_ffff)
}

/// Makes a scope of a name that may hold what no scope can.
pub(super) fn named(name: &str) -> Scope {
    let clean: String = name.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.get(..clean.floor_char_boundary(MAX_NAME_BYTES + 50)).unwrap_or_default();
    // The last name always is a scope; there is no other way to say so without a panic.
    Scope::new(clean).unwrap_or_else(|_| named(NOWHERE))
}
