//! Layout of the packed model file: what the packing program writes and the engine reads in place.
//!
//! All numbers are little-endian. Every section starts on a multiple of 64 bytes, so that a file
//! loaded on a 64-byte boundary can be used without copying. The sections follow the header in the
//! order of the fields of [`Layout`]; gaps are zero.
//!
//! A linear layer `y = W·x + b` stores each row of `W` (one output) as symmetric 8-bit codes:
//! `scale = max|w| / 127`, `code = round(w / scale)`, with the sum of the row's codes beside it.
//! Codes are stored in blocks of 16 outputs × 4 inputs (see [`code_position`]), the shape that one
//! 512-bit `vpdpbusd` multiplies at once.
//!
//! All models of this format are encoders of one shape with one vocabulary: `MiniLM-L6-H384`. What
//! else they differ in is a section of its own, the [`Description`].

mod description;

use crate::windows::Windows;

pub use description::{DESCRIPTION_BYTES, Description, Pooling};

/// First bytes of the file.
pub const MAGIC: [u8; 8] = *b"MMMINILM";
/// Version of this layout; a reader accepts only its own.
pub const FORMAT_VERSION: u32 = 2;
/// Bytes of the header, padding included.
pub const HEADER_BYTES: usize = 128;
/// Offset in the header of the SHA-256 of everything after the header (32 bytes).
pub const CHECKSUM_AT: usize = 64;

/// Transformer layers.
pub const LAYERS: usize = 6;
/// Width of the hidden state, and dimension of the vectors.
pub const HIDDEN: usize = 384;
/// Width of the feed-forward layer.
pub const FEED_FORWARD: usize = 1536;
/// Attention heads.
pub const HEADS: usize = 12;
/// Tokens in the vocabulary.
pub const VOCABULARY: usize = 30_522;
/// Positions kept of the 512 that these models have. all-MiniLM-L6-v2 was trained on texts of at
/// most 128 tokens, and its published limit is 256.
pub const POSITIONS: usize = Windows::LARGEST + 2;
/// Slots of the token hash table: a power of two, a little over half of them empty.
pub const TOKEN_SLOTS: usize = 65_536;
/// Content of an empty slot.
pub const EMPTY_SLOT: u16 = u16::MAX;
/// Outputs in one block of codes.
pub const BLOCK_OUTPUTS: usize = 16;
/// Consecutive inputs that lie side by side in a block.
pub const BLOCK_INPUTS: usize = 4;

/// A range of bytes of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Number of bytes.
    pub len: usize,
}

/// Sections of one linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearSpans {
    /// `i8[outputs · inputs]` in block order.
    pub codes: Span,
    /// `f32[outputs]`.
    pub scales: Span,
    /// `i32[outputs]`: sum of each row's codes.
    pub sums: Span,
    /// `f32[outputs]`.
    pub bias: Span,
    /// Outputs of the layer.
    pub outputs: usize,
    /// Inputs of the layer.
    pub inputs: usize,
}

/// Sections of one layer normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NormSpans {
    /// `f32[HIDDEN]`.
    pub gain: Span,
    /// `f32[HIDDEN]`.
    pub bias: Span,
}

/// Sections of one transformer layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSpans {
    /// Query, key and value projections stacked: `3 · HIDDEN` outputs.
    pub qkv: LinearSpans,
    /// Projection of the attention's result.
    pub attention_out: LinearSpans,
    /// Normalisation after attention.
    pub attention_norm: NormSpans,
    /// Feed-forward, first half.
    pub up: LinearSpans,
    /// Feed-forward, second half.
    pub down: LinearSpans,
    /// Normalisation after feed-forward.
    pub output_norm: NormSpans,
}

/// Places of all sections in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// All that differs between models of this shape, see [`Description`].
    pub description: Span,
    /// `f32[VOCABULARY]`: scale of each token's embedding row.
    pub word_scales: Span,
    /// `i8[VOCABULARY · HIDDEN]`, row by row.
    pub word_codes: Span,
    /// `f32[POSITIONS · HIDDEN]`: position embedding plus the embedding of token type 0.
    pub positions: Span,
    /// Normalisation of the embeddings.
    pub embedding_norm: NormSpans,
    /// The transformer layers, first to last.
    pub layers: [LayerSpans; LAYERS],
    /// `u16[TOKEN_SLOTS]`: open-addressing hash table from token to id, see [`token_hash`].
    pub token_slots: Span,
    /// `u32[VOCABULARY]`: end of each token's bytes in the text that follows.
    pub token_ends: Span,
    /// First byte of the concatenated tokens (UTF-8), which run to the end of the file.
    pub token_text: usize,
}

/// Hands out aligned sections one after the other.
struct Cursor(usize);

impl Cursor {
    const fn span(&mut self, len: usize) -> Span {
        let start = self.0.next_multiple_of(64);
        self.0 = start + len;
        Span { start, len }
    }

    const fn linear(&mut self, outputs: usize, inputs: usize) -> LinearSpans {
        LinearSpans {
            codes: self.span(outputs * inputs),
            scales: self.span(4 * outputs),
            sums: self.span(4 * outputs),
            bias: self.span(4 * outputs),
            outputs,
            inputs,
        }
    }

    const fn norm(&mut self) -> NormSpans {
        NormSpans { gain: self.span(4 * HIDDEN), bias: self.span(4 * HIDDEN) }
    }

    const fn layer(&mut self) -> LayerSpans {
        LayerSpans {
            qkv: self.linear(3 * HIDDEN, HIDDEN),
            attention_out: self.linear(HIDDEN, HIDDEN),
            attention_norm: self.norm(),
            up: self.linear(FEED_FORWARD, HIDDEN),
            down: self.linear(HIDDEN, FEED_FORWARD),
            output_norm: self.norm(),
        }
    }
}

impl Layout {
    /// The layout of this format version.
    #[must_use]
    pub const fn new() -> Self {
        let mut at = Cursor(HEADER_BYTES);
        Layout {
            description: at.span(DESCRIPTION_BYTES),
            word_scales: at.span(4 * VOCABULARY),
            word_codes: at.span(VOCABULARY * HIDDEN),
            positions: at.span(4 * POSITIONS * HIDDEN),
            embedding_norm: at.norm(),
            layers: [at.layer(), at.layer(), at.layer(), at.layer(), at.layer(), at.layer()],
            token_slots: at.span(2 * TOKEN_SLOTS),
            token_ends: at.span(4 * VOCABULARY),
            token_text: at.0.next_multiple_of(64),
        }
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new()
    }
}

/// Header of the file without its checksum, whose 32 bytes at [`CHECKSUM_AT`] are left zero.
///
/// `file_bytes` is the length of the whole file. A reader compares all but the checksum with what
/// this function gives for its own constants.
#[must_use]
pub fn header(file_bytes: usize) -> [u8; HEADER_BYTES] {
    let dimensions =
        [LAYERS, HIDDEN, FEED_FORWARD, HEADS, VOCABULARY, POSITIONS, TOKEN_SLOTS, file_bytes];
    let numbers = dimensions.map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let mut header = [0; HEADER_BYTES];
    let fields = MAGIC.into_iter().chain(FORMAT_VERSION.to_le_bytes());
    let fields = fields.chain(numbers.into_iter().flat_map(u32::to_le_bytes));
    for (place, byte) in header.iter_mut().zip(fields) {
        *place = byte;
    }
    header
}

/// Index of the code of (`output`, `input`) among a linear layer's codes.
#[must_use]
pub const fn code_position(inputs: usize, output: usize, input: usize) -> usize {
    let block = output / BLOCK_OUTPUTS * inputs * BLOCK_OUTPUTS;
    let group = input / BLOCK_INPUTS * BLOCK_OUTPUTS * BLOCK_INPUTS;
    block + group + output % BLOCK_OUTPUTS * BLOCK_INPUTS + input % BLOCK_INPUTS
}

/// Start value of [`token_hash`] (offset basis of 32-bit FNV-1a).
pub const HASH_START: u32 = 0x811c_9dc5;

/// Hash of a token's bytes after those already in `state`: FNV-1a, 32 bits (Fowler, Noll and Vo).
///
/// The hash of every prefix of a word falls out on the way to the hash of the word, which is what
/// WordPiece's longest-match search wants.
#[must_use]
pub fn token_hash(state: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(state, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// First slot to look at for a hash; the search goes on to the next slot, cyclically, until an
/// empty one.
///
/// The multiplication (Knuth's multiplicative hashing) spreads FNV's weak low bits before the top
/// 16 are taken.
#[must_use]
pub const fn first_slot(hash: u32) -> usize {
    (hash.wrapping_mul(0x9e37_79b1) >> 16) as usize
}
