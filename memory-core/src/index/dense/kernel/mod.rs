//! The inner loops of the dense index, one table of functions per instruction set, chosen once.
//!
//! Every kernel computes the same numbers as [`portable`], bit for bit: the integer sums are exact,
//! the float operations are the same in the same order. What differs is only how many bits the
//! query code may have ([`Kernels::query_limit`]).
//!
//! Sources: `vpdpbusd` on blocks of 16 rows × 4 bytes as in oneDNN and faiss' fast scan;
//! `vpmaddubsw` with a 7-bit query so that the 16-bit sums cannot saturate (255·63·2 = 32,130). Two codes
//! of four bits share a byte, and are not taken apart: with v = 16·h + l,
//!
//! ```text
//! h·a + l·b = v·a/16 + l·(b − a/16)
//! ```
//!
//! which is one product with the whole byte and one with its low half.

pub(super) mod portable;

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::OnceLock;

/// Rows of a block: the 32-bit lanes of a 512-bit register.
pub(super) const ROWS: usize = 16;

/// Bytes of a row that lie together in a block: those of a 32-bit lane.
pub(super) const TOGETHER: usize = 4;

/// Dimensions of a row that lie together in a block: two codes of four bits to a byte.
pub(super) const DIMS_TOGETHER: usize = 2 * TOGETHER;

/// Bytes of a group: what lies together of the rows of a block.
pub(super) const GROUP: usize = ROWS * TOGETHER;

/// What the width of a row is padded to: the `f64` lanes of [`Kernels::dot`].
pub(super) const LANES: usize = 32;

/// A query as the scan of 4-bit codes reads it.
#[derive(Debug, Clone)]
pub(super) struct CoarseQuery {
    /// Per group, four signed 8-bit codes by which whole bytes are multiplied and four for their low halves,
    /// first in the lowest byte; `width / 8` pairs.
    pub(super) words: Vec<[u32; 2]>,
    /// Value of one code step, for whole bytes and for low halves.
    pub(super) steps: [f32; 2],
    /// What the offset of the row codes adds to every sum.
    pub(super) offset: f32,
}

/// Consecutive blocks of 4-bit codes to score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a> {
    /// A block is `width / 8` groups of 16 rows × 4 bytes; byte b of group g holds the code of dimension
    /// 8·g + b in its low half and that of 8·g + 4 + b in its high half.
    pub(super) codes: &'a [u8],
    /// Value of one code step of each row; 16 per block.
    pub(super) scales: &'a [f32],
    /// Score from which on a row is a hit.
    pub(super) floor: f32,
}

/// Scores blocks: with sums over the bytes v of row r and the codes a and b of the query,
/// `scores[r] = (Σ v·a · steps[0] + Σ (v mod 16)·b · steps[1] − offset) · scale of the row`,
/// and sets bit r of the block's hits where the score is at least the floor.
///
/// Blocks beyond the shortest of the given slices are left alone.
pub(super) type Scan = fn(&CoarseQuery, Blocks<'_>, scores: &mut [f32], hits: &mut [u16]);

/// What decides whether rows with certain scores may reach a floor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    /// |x − x̂| of each row; 16 per block.
    pub(super) errors: &'a [f32],
    /// |x̂| of each row.
    pub(super) norms: &'a [f32],
    /// What the two weigh in how far a score can be off.
    pub(super) weights: [f32; 2],
    /// The floor.
    pub(super) floor: f32,
}

/// Sets bit r of a block's hits where score r of its 16 is at least the floor once
/// errors[r] · weights[0] + norms[r] · weights[1] is added.
pub(super) type Reaching = fn(scores: &[f32], Ends<'_>, hits: &mut [u16]);

/// A query as it is compared with single rows of 8-bit codes.
#[derive(Debug, Clone)]
pub(super) struct FineQuery {
    /// Signed codes, `width` of them.
    pub(super) codes: Vec<i8>,
    /// 128 · Σ codes: what the offset of the row codes adds to every sum.
    pub(super) offset: i32,
    /// Value of one code step.
    pub(super) scale: f32,
}

/// Σ code·query over the 8-bit codes + 128 of a row, `width` of them.
pub(super) type Sum = fn(query: &[i8], row: &[u8]) -> i32;

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

/// Asks for as many bytes to be brought to the cache, where there is an instruction for that.
pub(super) type Prefetch = fn(*const u8, usize);

/// One instruction set.
#[derive(Debug)]
pub(super) struct Kernels {
    /// Name for logs and benches.
    pub(super) name: &'static str,
    /// Largest magnitude of a query code: 127, or 63 where sums of two products have 16 bits.
    pub(super) query_limit: i8,
    /// Scan of blocks of 4-bit codes.
    pub(super) scan: Scan,
    /// Which scores may reach a floor.
    pub(super) reaching: Reaching,
    /// Score of a row of 8-bit codes.
    pub(super) sum: Sum,
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
