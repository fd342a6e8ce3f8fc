//! The inner loops of the index, one table of functions per instruction set, chosen once.
//!
//! Every kernel computes the same numbers as [`portable`], bit for bit: the integer sums are exact,
//! the float operations are the same in the same order. Instruction sets differ only in how many
//! bits the query code may have ([`Kernels::query_limit`]).
//!
//! Sources: `vpdpbusd` on blocks of 16 rows × 4 bytes as in oneDNN and faiss' fast scan;
//! `vpmaddubsw` with a 7-bit query so that the 16-bit sums cannot saturate (255·63·2 = 32,130). Two
//! codes of four bits share a byte, and are not taken apart: with v = 16·h + l,
//!
//! ```text
//! h·a + l·b = v·a/16 + l·(b − a/16)
//! ```
//!
//! which is one product with the whole byte and one with its low half.

#[cfg(target_arch = "aarch64")]
mod neon;
pub(crate) mod portable;
mod table;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

pub(crate) use table::{
    Cutoff, GROUP, Kernels, LANES, ROWS, SECTION_BITS, ScanBlocks, ScanLayout, ScanQuery, TOGETHER,
};

/// Returns the best kernels this processor can run; detected at the first call.
pub(crate) fn best() -> &'static Kernels {
    static BEST: OnceLock<&'static Kernels> = OnceLock::new();
    BEST.get_or_init(|| available().into_iter().next().unwrap_or(&portable::KERNELS))
}

/// Returns all kernels this processor can run, best first; the portable ones are always among them.
pub(crate) fn available() -> Vec<&'static Kernels> {
    let mut found: Vec<&'static Kernels> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    found.extend(x86::available());
    #[cfg(target_arch = "aarch64")]
    found.extend(neon::available());
    found.push(&portable::KERNELS);
    found
}

#[cfg(test)]
mod tests;
