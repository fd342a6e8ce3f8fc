//! Functions that every instruction set provides, and the data that they read.

/// Rows of a block: the 32-bit lanes of a 512-bit register.
pub(crate) const ROWS: usize = 16;

/// Bytes of a row that lie together in a block: those of a 32-bit lane.
pub(crate) const TOGETHER: usize = 4;

/// Bytes of a group: [`TOGETHER`] bytes of each row of a block.
pub(crate) const GROUP: usize = ROWS * TOGETHER;

/// Multiple to which the width of a row is padded: the `f64` lanes of [`Dot`].
pub(crate) const LANES: usize = 32;

/// Bits of a scanned code, by section; a row is its sections one after the other.
pub(crate) const SECTION_BITS: [u32; 3] = [8, 4, 2];

/// Number of groups of each section of a row; those of the first two are multiples of four.
pub(crate) type ScanLayout = [usize; 3];

/// A query as the scan reads it.
#[derive(Debug, Clone)]
pub(crate) struct ScanQuery {
    /// Signed codes in the order of the dimensions. In the section of 4-bit codes, the first half
    /// is multiplied with low halves of bytes, and the second half with whole bytes.
    pub(crate) codes: Vec<i8>,
    /// Number of groups of each section.
    pub(crate) layout: ScanLayout,
    /// Value of one code step: for 8-bit codes, whole bytes, low halves, 2-bit codes.
    pub(crate) steps: [f32; 4],
    /// Sum that the offset of the row codes adds to every score before the row's scale.
    pub(crate) offset: f32,
}

/// Query codes in groups of four: each four is multiplied with one group of a block.
type Fours<'a> = &'a [[i8; TOGETHER]];

/// The codes of a query by what they are multiplied with.
pub(super) struct QueryParts<'a> {
    pub(super) bytes: Fours<'a>,
    pub(super) low: Fours<'a>,
    pub(super) whole: Fours<'a>,
    pub(super) quarters: [Fours<'a>; 4],
}

impl ScanQuery {
    pub(super) fn parts(&self) -> QueryParts<'_> {
        let [n_bytes, n_halves, n_quarters] = self.layout;
        let fours = self.codes.as_chunks::<TOGETHER>().0;
        debug_assert_eq!(fours.len(), n_bytes + 2 * n_halves + 4 * n_quarters);
        let (bytes, rest) = fours.split_at(n_bytes);
        let (low, rest) = rest.split_at(n_halves);
        let (whole, rest) = rest.split_at(n_halves);
        let (first, rest) = rest.split_at(n_quarters);
        let (second, rest) = rest.split_at(n_quarters);
        let (third, fourth) = rest.split_at(n_quarters);
        QueryParts { bytes, low, whole, quarters: [first, second, third, fourth] }
    }

    /// Splits the bytes of a block into its sections.
    pub(super) fn sections<'a>(&self, block: &'a [u8]) -> [&'a [[u8; GROUP]]; 3] {
        let [n_bytes, n_halves, _] = self.layout;
        let (bytes, rest) = block.as_chunks::<GROUP>().0.split_at(n_bytes);
        let (halves, quarters) = rest.split_at(n_halves);
        [bytes, halves, quarters]
    }

    /// Returns the bytes of a block, at least one.
    pub(super) fn block_bytes(&self) -> usize {
        (self.layout.iter().sum::<usize>() * GROUP).max(1)
    }
}

/// Consecutive blocks of codes to score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScanBlocks<'a> {
    /// A block is its groups of 16 rows × 4 bytes, section by section. A byte holds the code of one
    /// dimension; or of one of the first half of the section in its low bits and of the other half
    /// in its high ones; or of one from each quarter, the first in the lowest bits.
    pub(crate) codes: &'a [u8],
    /// Value of one code step of each row; 16 per block.
    pub(crate) scales: &'a [f32],
    /// Score from which on a row is a hit.
    pub(crate) floor: f32,
}

/// Scores blocks: with the sums over the bytes v of row r and the codes of the query,
///
/// ```text
/// scores[r] = ((Σ v·q · steps[0] + Σ v·a · steps[1])
///             + (Σ (v mod 16)·b · steps[2] + Σ ((v div 4ⁱ) mod 4)·qᵢ · steps[3]) − offset)
///             · scale of the row
/// ```
///
/// and sets bit r of the block's hits where the score is at least the floor. Blocks beyond the
/// shortest of the given slices are left alone.
pub(crate) type Scan = fn(&ScanQuery, ScanBlocks<'_>, scores: &mut [f32], hits: &mut [u16]);

/// Computes the inner products of a vector and the rows of a matrix, a multiple of 32 wide, both in
/// signed codes, times `scale`.
///
/// Products of neighbours are added up in sixteen 32-bit lanes, which must not overflow; these are
/// folded in halves as `f32`: within 2⁻²¹ · Σ|m·x|, and the same bits from every kernel.
pub(crate) type Rotate = fn(matrix: &[i16], vector: &[i16], scale: f32, rotated: &mut [f32]);

/// Result of quantizing values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quantized {
    /// Value of a code step.
    pub(crate) step: f32,
    /// Norm of the differences between values and codes, as computed in `f32`.
    pub(crate) error: f32,
}

impl Quantized {
    /// Returns an upper bound of the norm of the differences for `n` codes within `limit`: each may
    /// be off by a rounding of its value and one of its product.
    #[expect(clippy::cast_precision_loss, reason = "a number of dimensions")]
    pub(crate) fn error_bound(self, n: usize, limit: f32) -> f64 {
        let rounding = f64::from(limit) / f64::from(1 << 22) * f64::from(self.step);
        f64::from(self.error) * (1.0 + 1e-5) + rounding * (n as f64).sqrt()
    }
}

/// Computes signed codes of values, a multiple of 16 of them: the nearest integers, ties to even,
/// in steps of max|v| / `limit`; as the quotients are rounded, by up to three times 2⁻²⁴ · `limit`
/// of a step not the nearest.
pub(crate) type Quantize<T> = fn(values: &[f32], limit: T, codes: &mut [T]) -> Quantized;

/// Condition under which rows with certain scores may reach a floor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cutoff<'a> {
    /// Bits of the rows of each block that take part.
    pub(crate) bits: &'a [u16],
    /// |x − x̂| of each row; 16 per block.
    pub(crate) errors: &'a [f32],
    /// Weight of the error in the distance between score and exact score.
    pub(crate) weight: f32,
    /// Floor, less the part of that distance that is the same for all rows.
    pub(crate) floor: f32,
}

/// Lists the rows that take part whose score is at least the floor once errors\[r\] · weight is
/// added: numbered from `first` on, the first row of the first block. Returns their number; what
/// follows them in `found`, which has room for every row, is undefined.
pub(crate) type Select = fn(scores: &[f32], Cutoff<'_>, first: u32, found: &mut [u32]) -> usize;

/// Computes Σ code·query over the 8-bit codes + 128 of each row, all of one width.
pub(crate) type ByteDots = fn(query: &[i8], rows: &[&[u8]], sums: &mut [i32]);

/// Computes the inner product in `f64` of a query and an `f32` row, both a multiple of [`LANES`]
/// long.
///
/// The products of two `f32` are exact in `f64`; the sums run in 32 lanes that are folded in halves
/// (16, 8, 4, 2, 1). So every kernel returns the same bits, fused multiply-add or not, within
/// `d · 2⁻⁵³ · Σ|q·x|` of the true value.
pub(crate) type Dot = fn(&[f64], &[f32]) -> f64;

/// Asks for as many bytes to be brought to the cache, where there is an instruction for that.
pub(crate) type Prefetch = fn(*const u8, usize);

/// One instruction set.
#[derive(Debug)]
pub(crate) struct Kernels {
    /// Name for logs and benches.
    pub(crate) name: &'static str,
    /// Largest magnitude of a query code: 127, or 63 where sums of two products have 16 bits.
    pub(crate) query_limit: i8,
    /// Scores blocks of codes.
    pub(crate) scan: Scan,
    /// Multiplies a matrix with a vector.
    pub(crate) rotate: Rotate,
    /// Quantizes a query or row to bytes.
    pub(crate) quantize: Quantize<i8>,
    /// Quantizes a vector that is to be rotated.
    pub(crate) quantize_wide: Quantize<i16>,
    /// Lists the scores that may reach a floor.
    pub(crate) select: Select,
    /// Scores rows of 8-bit codes.
    pub(crate) byte_dots: ByteDots,
    /// Scores a row exactly.
    pub(crate) dot: Dot,
    /// Hints that bytes are read soon.
    pub(crate) prefetch: Prefetch,
}
