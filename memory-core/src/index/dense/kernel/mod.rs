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

/// Bytes of a group: what lies together of the rows of a block.
pub(super) const GROUP: usize = ROWS * TOGETHER;

/// What the width of a row is padded to: the `f64` lanes of [`Kernels::dot`].
pub(super) const LANES: usize = 32;

/// How many bits a code of the scan has, by section: a row is its sections one after the other.
pub(super) const SECTION_BITS: [u32; 3] = [8, 4, 2];

/// Groups of each section of a row: of the first two multiples of four.
pub(super) type Layout = [usize; 3];

/// A query as the scan reads it.
#[derive(Debug, Clone)]
pub(super) struct CoarseQuery {
    /// Signed codes in the order of the dimensions. Of the section of 4-bit codes, the first half meets low
    /// halves, and the others whole bytes.
    pub(super) codes: Vec<i8>,
    /// Groups of each section.
    pub(super) layout: Layout,
    /// Value of one code step: for 8-bit codes, whole bytes, low halves, 2-bit codes.
    pub(super) steps: [f32; 4],
    /// What the offset of the row codes adds to every sum.
    pub(super) offset: f32,
}

/// The codes of a query that one group after the other is multiplied with, four to each.
type Fours<'a> = &'a [[i8; TOGETHER]];

/// The codes of a query by what they meet.
struct Parts<'a> {
    bytes: Fours<'a>,
    low: Fours<'a>,
    whole: Fours<'a>,
    quarters: [Fours<'a>; 4],
}

impl CoarseQuery {
    fn parts(&self) -> Parts<'_> {
        let [bytes, halves, quarters] = self.layout;
        let fours = self.codes.as_chunks::<TOGETHER>().0;
        let (bytes, rest) = fours.split_at(bytes.min(fours.len()));
        let (low, rest) = rest.split_at(halves.min(rest.len()));
        let (whole, rest) = rest.split_at(halves.min(rest.len()));
        let quarter = |at: usize| rest.get(at * quarters..(at + 1) * quarters).unwrap_or_default();
        Parts { bytes, low, whole, quarters: [quarter(0), quarter(1), quarter(2), quarter(3)] }
    }

    /// Bytes of the sections of a block; none where the codes are too short for one.
    fn sections<'a>(&self, block: &'a [u8]) -> [&'a [[u8; GROUP]]; 3] {
        let [bytes, halves, _] = self.layout;
        let groups = block.as_chunks::<GROUP>().0;
        let (bytes, rest) = groups.split_at(bytes.min(groups.len()));
        let (halves, quarters) = rest.split_at(halves.min(rest.len()));
        [bytes, halves, quarters]
    }

    /// Bytes of a block, at least one.
    fn block_bytes(&self) -> usize {
        (self.layout.iter().sum::<usize>() * GROUP).max(1)
    }
}

/// Consecutive blocks of codes to score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks<'a> {
    /// A block is its groups of 16 rows × 4 bytes, section by section. A byte holds the code of one dimension;
    /// or of one of the first half of the section in its low bits and of the other half in its high ones; or
    /// of one from each quarter, the first in the lowest bits.
    pub(super) codes: &'a [u8],
    /// Value of one code step of each row; 16 per block.
    pub(super) scales: &'a [f32],
    /// Score from which on a row is a hit.
    pub(super) floor: f32,
}

/// Scores blocks: with the sums over the bytes v of row r and the codes of the query,
///
/// ```text
/// scores[r] = ((Σ v·q · steps[0] + Σ v·a · steps[1])
///             + (Σ (v mod 16)·b · steps[2] + Σ ((v div 4ⁱ) mod 4)·qᵢ · steps[3]) − offset) · scale of the row
/// ```
///
/// and sets bit r of the block's hits where the score is at least the floor.
///
/// Blocks beyond the shortest of the given slices are left alone.
pub(super) type Scan = fn(&CoarseQuery, Blocks<'_>, scores: &mut [f32], hits: &mut [u16]);

/// Inner products of a vector and the rows of a matrix, a multiple of 32 wide, both in signed codes, times
/// `scale`.
///
/// Products of neighbours are added up in sixteen 32-bit lanes, which must not overflow; these are folded in
/// halves as `f32`: within 2⁻²¹ · Σ|m·x|, and the same bits from every kernel.
pub(super) type Turn = fn(matrix: &[i16], vector: &[i16], scale: f32, turned: &mut [f32]);

/// What codes of values stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stepped {
    /// Value of a step.
    pub(super) step: f32,
    /// √Σ of the squares of what the codes leave out, as computed in `f32`.
    pub(super) missed: f32,
}

impl Stepped {
    /// Length of what `n` codes within `limit` leave out, not below it: each may be off by a rounding of its
    /// value and one of its product.
    #[expect(clippy::cast_precision_loss, reason = "a number of dimensions")]
    pub(super) fn missed(self, n: usize, limit: f32) -> f64 {
        let rounding = f64::from(limit) / f64::from(1 << 22) * f64::from(self.step);
        f64::from(self.missed) * (1.0 + 1e-5) + rounding * (n as f64).sqrt()
    }
}

/// Signed codes of values, a multiple of 16 of them: the nearest integers, ties to even, in steps of
/// max|v| / `limit`; as the quotients are rounded, by up to three times 2⁻²⁴ · `limit` of a step not the nearest.
pub(super) type Quantise<T> = fn(values: &[f32], limit: T, codes: &mut [T]) -> Stepped;

/// What decides whether rows with certain scores may reach a floor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    /// Bits of the rows of each block that take part.
    pub(super) bits: &'a [u16],
    /// |x − x̂| of each row; 16 per block.
    pub(super) errors: &'a [f32],
    /// What it weighs in how far a score can be off.
    pub(super) weight: f32,
    /// The floor, less what all rows may be off besides.
    pub(super) floor: f32,
}

/// Lists the rows that take part whose score is at least the floor once errors[r] · weight is added: `first` and
/// on for the first block. Gives how many; what follows them in `found`, which has room for every row, is
/// undefined.
pub(super) type Reaching = fn(scores: &[f32], Ends<'_>, first: u32, found: &mut [u32]) -> usize;

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

/// Σ code·query over the 8-bit codes + 128 of each row, `width` of them; a sum for each row.
pub(super) type Sums = fn(query: &[i8], rows: &[&[u8]], sums: &mut [i32]);

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
    /// Scan of blocks of codes.
    pub(super) scan: Scan,
    /// Inner products with the rows of a matrix.
    pub(super) turn: Turn,
    /// Codes of a query or row.
    pub(super) quantise: Quantise<i8>,
    /// Codes of a vector to be turned.
    pub(super) quantise_wide: Quantise<i16>,
    /// Which scores may reach a floor.
    pub(super) reaching: Reaching,
    /// Scores of rows of 8-bit codes.
    pub(super) sums: Sums,
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
