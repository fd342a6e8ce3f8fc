//! The inner loops of the dense index, one table of functions per instruction set, chosen once.
//!
//! Every kernel computes the same numbers as [`portable`], bit for bit: the integer sums are exact,
//! the float operations are the same in the same order. What differs is only how many bits the
//! query code may have ([`Kernels::query_limit`]).
//!
//! Sources: `vpdpbusd` on blocks of 16 rows × 4 dimensions as in oneDNN and faiss' fast scan;
//! `vpmaddubsw` with a 7-bit query so that the 16-bit sums cannot saturate (255·63·2 = 32,130).

pub(super) mod portable;

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

/// Rows of a block: the 32-bit lanes of a 512-bit register.
pub(super) const ROWS: usize = 16;

/// Dimensions of a row that lie together in a block: the bytes of a 32-bit lane.
pub(super) const TOGETHER: usize = 4;

/// What the width of a row is padded to: the `f64` lanes of [`Kernels::dot`].
pub(super) const LANES: usize = 32;

/// A query as the scan reads it.
#[derive(Debug, Clone)]
pub(super) struct CodedQuery {
    /// Four signed 8-bit codes per word, lowest dimension in the lowest byte; `width / 4` words.
    pub(super) words: Vec<u32>,
    /// 128 · Σ codes: what the offset of the row codes adds to every integer sum.
    pub(super) offset: i32,
    /// Value of one code step.
    pub(super) scale: f32,
}

/// Consecutive blocks to score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a> {
    /// Row codes + 128; a block is `width / 4` groups of 16 rows × 4 dimensions.
    pub(super) codes: &'a [u8],
    /// Value of one code step of each row; 16 per block.
    pub(super) scales: &'a [f32],
    /// Score from which on a row of the block is a hit; one per block.
    pub(super) floors: &'a [f32],
}

/// Scores blocks: `scores[r] = (Σ code·query − offset) · scale of the row · scale of the query`,
/// and sets bit r of the block's hits where the score is at least the floor of the block.
///
/// Blocks beyond the shortest of the given slices are left alone.
pub(super) type Scan = fn(&CodedQuery, Blocks<'_>, scores: &mut [f32], hits: &mut [u16]);

/// Inner product in `f64` of a query and an `f32` row, both a multiple of [`LANES`] long.
///
/// The products of two `f32` are exact in `f64`; the sums run in 32 lanes that are folded in halves
/// (16, 8, 4, 2, 1). So every kernel returns the same bits, fused multiply-add or not, within
/// `d · 2⁻⁵³ · Σ|q·x|` of the true value.
pub(super) type Dot = fn(&[f64], &[f32]) -> f64;

/// A query of the 1-bit stage.
#[derive(Debug, Clone)]
pub(super) struct SketchQuery {
    /// Bit planes of codes v in −8..=7 (v = p₀ + 2·p₁ + 4·p₂ − 8·p₃); four per word of a row.
    pub(super) planes: Vec<[u64; 4]>,
    /// Value of one code step.
    pub(super) step: f32,
    /// Σ of the values.
    pub(super) total: f32,
}

/// Rows of a group of sketches: the 64-bit lanes of a 512-bit register.
pub(super) const SKETCH_ROWS: usize = 8;

/// Consecutive groups of sketches to score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sketches<'a> {
    /// Sign bits; word w of row r of a group at `8·w + r`.
    pub(super) bits: &'a [u64],
    /// What one unit of the inner product of signs and query is worth, per row.
    pub(super) factors: &'a [f32],
    /// What centring took from the score of each row.
    pub(super) offsets: &'a [f32],
}

/// Estimates scores from sign bits: `factor · (2 · step · Σ v over the set bits − total) + offset`.
///
/// Groups beyond the shortest of the given slices are left alone.
pub(super) type Estimate = fn(&SketchQuery, Sketches<'_>, scores: &mut [f32]);

/// Asks for a row to be brought to the cache, where there is an instruction for that.
pub(super) type Prefetch = fn(&[f32]);

/// One instruction set.
#[derive(Debug)]
pub(super) struct Kernels {
    /// Name for logs and benches.
    pub(super) name: &'static str,
    /// Largest magnitude of a query code: 127, or 63 where sums of two products have 16 bits.
    pub(super) query_limit: i8,
    /// Scan of int8 blocks.
    pub(super) scan: Scan,
    /// Exact score of a row.
    pub(super) dot: Dot,
    /// Estimates of the 1-bit stage.
    pub(super) estimate: Estimate,
    /// Hint that a row is read soon.
    pub(super) prefetch: Prefetch,
}

/// The best kernels this processor can run; detected at the first call.
pub(super) fn best() -> &'static Kernels {
    static BEST: OnceLock<&'static Kernels> = OnceLock::new();
    BEST.get_or_init(|| available().into_iter().next().unwrap_or(&portable::KERNELS))
}

/// All kernels this processor can run, best first; the portable ones are always among them.
pub(super) fn available() -> Vec<&'static Kernels> {
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
