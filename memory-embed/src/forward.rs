//! The forward pass: from token ids to one vector of their final hidden states.
//!
//! BERT (Devlin et al. 2018) with the sizes of MiniLM-L6-H384. Several texts may share a pass:
//! their tokens lie below each other in one matrix, and only attention looks at where one text
//! ends.

use crate::kernels::{AttentionScratch, CodedRows, Kernels, RowScale};
use crate::packed_format::{FEED_FORWARD, HIDDEN, Pooling};
use crate::weights::{Layer, Linear, Norm, Weights};

/// Buffers of a forward pass, kept between passes: about 17 KB per token of the largest pass so
/// far.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Hidden state: `HIDDEN` per token.
    hidden: Vec<f32>,
    /// Projections or feed-forward state: up to `FEED_FORWARD` per token.
    wide: Vec<f32>,
    /// Output of a sub-layer, to be added to the hidden state: `HIDDEN` per token.
    added: Vec<f32>,
    /// Codes of the input of the next matrix product.
    codes: Vec<u8>,
    /// Their scales, one per token.
    scales: Vec<RowScale>,
    attention: AttentionScratch,
}

/// Returns what the model makes of the last layer's hidden states, for each text of `texts`, in
/// order: the sum over its tokens, which points where their mean does, or that of its first token.
///
/// A text is its token ids with the markers at both ends, at most
/// [`POSITIONS`](crate::packed_format::POSITIONS) of them.
pub(crate) fn forward(
    kernels: &Kernels,
    (weights, pooling): (&Weights<'_>, Pooling),
    texts: &[&[u32]],
    scratch: &mut Scratch,
) -> Vec<Vec<f32>> {
    embed(kernels, weights, texts, scratch);
    for layer in &weights.layers {
        attention_half(kernels, layer, texts, scratch);
        feed_forward_half(kernels, layer, scratch);
    }
    let mut rows = scratch.hidden.chunks_exact(HIDDEN);
    let pooled = texts.iter().map(|text| {
        let rows = rows.by_ref().take(text.len());
        let n_pooled = match pooling {
            Pooling::Mean => text.len(),
            Pooling::FirstToken => 1,
        };
        let mut sum = vec![0.0; HIDDEN];
        for (place, row) in rows.enumerate() {
            if place < n_pooled {
                for (sum, value) in sum.iter_mut().zip(row) {
                    *sum += value;
                }
            }
        }
        sum
    });
    pooled.collect()
}

/// Sets the hidden state to the tokens' normalised embeddings.
fn embed(kernels: &Kernels, weights: &Weights<'_>, texts: &[&[u32]], scratch: &mut Scratch) {
    let tokens = texts.iter().map(|text| text.len()).sum::<usize>();
    resize(&mut scratch.hidden, tokens * HIDDEN);
    resize(&mut scratch.added, HIDDEN);
    scratch.added.fill(0.0);
    let places = texts.iter().flat_map(|text| text.iter().enumerate());
    let norm = &weights.embedding_norm;
    for (row, (position, &token)) in scratch.hidden.chunks_exact_mut(HIDDEN).zip(places) {
        weights.embed_token(token, position, row);
        kernels.add_norm(row, &scratch.added, norm);
    }
}

/// `hidden = norm(hidden + attention(hidden))`.
fn attention_half(kernels: &Kernels, layer: &Layer<'_>, texts: &[&[u32]], scratch: &mut Scratch) {
    let Scratch { hidden, wide, added, codes, scales, attention } = scratch;
    encode(kernels, hidden, HIDDEN, codes, scales);
    multiply(kernels, &layer.qkv, codes, scales, wide);
    resize(added, hidden.len());
    let (mut projections, mut context) = (wide.as_slice(), added.as_mut_slice());
    for text in texts {
        // `multiply` and `resize` have just made both as long as all texts together.
        let (input, other_inputs) = projections.split_at(text.len() * layer.qkv.outputs);
        let (output, other_outputs) = context.split_at_mut(text.len() * HIDDEN);
        kernels.attend(input, output, attention);
        (projections, context) = (other_inputs, other_outputs);
    }
    encode(kernels, added, HIDDEN, codes, scales);
    multiply(kernels, &layer.attention_out, codes, scales, added);
    add_norm(kernels, hidden, added, &layer.attention_norm);
}

/// `hidden = norm(hidden + down(gelu(up(hidden))))`.
fn feed_forward_half(kernels: &Kernels, layer: &Layer<'_>, scratch: &mut Scratch) {
    let Scratch { hidden, wide, added, codes, scales, .. } = scratch;
    encode(kernels, hidden, HIDDEN, codes, scales);
    multiply(kernels, &layer.up, codes, scales, wide);
    for row in wide.chunks_exact_mut(FEED_FORWARD) {
        kernels.gelu(row);
    }
    encode(kernels, wide, FEED_FORWARD, codes, scales);
    multiply(kernels, &layer.down, codes, scales, added);
    add_norm(kernels, hidden, added, &layer.output_norm);
}

/// Writes `values` as rows of 8-bit codes, `width` to a row.
fn encode(
    kernels: &Kernels,
    values: &[f32],
    width: usize,
    codes: &mut Vec<u8>,
    scales: &mut Vec<RowScale>,
) {
    resize(codes, values.len());
    scales.clear();
    let rows = values.chunks_exact(width).zip(codes.chunks_exact_mut(width));
    scales.extend(rows.map(|(row, codes)| kernels.quantise(row, codes)));
}

/// Writes `layer` of the coded rows to `results`.
fn multiply(
    kernels: &Kernels,
    layer: &Linear<'_>,
    codes: &[u8],
    scales: &[RowScale],
    results: &mut Vec<f32>,
) {
    resize(results, scales.len() * layer.outputs);
    kernels.multiply(CodedRows { codes, scales }, layer, results);
}

fn add_norm(kernels: &Kernels, hidden: &mut [f32], added: &[f32], norm: &Norm<'_>) {
    for (row, added) in hidden.chunks_exact_mut(HIDDEN).zip(added.chunks_exact(HIDDEN)) {
        kernels.add_norm(row, added, norm);
    }
}

/// Gives `buffer` this length, whatever its content: it is overwritten next.
fn resize<T: Clone + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() > len {
        buffer.truncate(len);
    } else {
        buffer.resize(len, T::default());
    }
}
