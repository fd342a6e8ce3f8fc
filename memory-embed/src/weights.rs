//! The model's weights as typed views into the packed file, without copying.

use crate::packed_format::{
    CHECKSUM_AT, Description, HEADER_BYTES, HIDDEN, LAYERS, LayerSpans, Layout, LinearSpans,
    NormSpans, Span, header,
};
use bytemuck::AnyBitPattern;
use memory_core::EmbedError;

#[cfg(target_endian = "big")]
compile_error!("the packed model is little-endian and used in place");

/// A linear layer with 8-bit weights, see [`packed_format`](crate::packed_format).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear<'a> {
    /// Block-ordered codes, `outputs · inputs`.
    pub(crate) codes: &'a [i8],
    /// Weight per code step, one per output.
    pub(crate) scales: &'a [f32],
    /// Sum of the codes of each output.
    pub(crate) sums: &'a [i32],
    /// Bias of each output.
    pub(crate) bias: &'a [f32],
    /// Number of outputs, a multiple of 64.
    pub(crate) outputs: usize,
    /// Number of inputs, a multiple of 16.
    pub(crate) inputs: usize,
}

/// Gain and bias of a layer normalisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub(crate) gain: &'a [f32],
    pub(crate) bias: &'a [f32],
}

/// One transformer layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer<'a> {
    pub(crate) qkv: Linear<'a>,
    pub(crate) attention_out: Linear<'a>,
    pub(crate) attention_norm: Norm<'a>,
    pub(crate) up: Linear<'a>,
    pub(crate) down: Linear<'a>,
    pub(crate) output_norm: Norm<'a>,
}

/// The whole model.
#[derive(Debug, Clone)]
pub(crate) struct Weights<'a> {
    word_scales: &'a [f32],
    word_codes: &'a [i8],
    positions: &'a [f32],
    pub(crate) embedding_norm: Norm<'a>,
    pub(crate) layers: [Layer<'a>; LAYERS],
    pub(crate) token_slots: &'a [u16],
    pub(crate) token_ends: &'a [u32],
    pub(crate) token_text: &'a [u8],
}

impl<'a> Weights<'a> {
    /// Views a packed file, which must start on a 64-byte boundary. Costs a microsecond: nothing is
    /// copied, and the checksum is not computed.
    pub(crate) fn view(file: &'a [u8]) -> Result<Self, EmbedError> {
        let unknown = EmbedError::Model { what: "not a packed model of this format version" };
        let expected = header(file.len());
        match (file.get(..CHECKSUM_AT), expected.get(..CHECKSUM_AT)) {
            (Some(found), Some(expected)) if found == expected && file.len() > HEADER_BYTES => {}
            _ => return Err(unknown),
        }
        let layout = Layout::new();
        let mut layers = Vec::with_capacity(LAYERS);
        for spans in &layout.layers {
            layers.push(layer(file, spans)?);
        }
        let layers = layers.try_into().map_err(|_| unknown)?;
        let text =
            Span { start: layout.token_text, len: file.len().saturating_sub(layout.token_text) };
        Ok(Weights {
            word_scales: view(file, layout.word_scales)?,
            word_codes: view(file, layout.word_codes)?,
            positions: view(file, layout.positions)?,
            embedding_norm: norm(file, &layout.embedding_norm)?,
            layers,
            token_slots: view(file, layout.token_slots)?,
            token_ends: view(file, layout.token_ends)?,
            token_text: view(file, text)?,
        })
    }

    /// Reads what the packed file says of its model.
    pub(crate) fn description(file: &[u8]) -> Result<Description, EmbedError> {
        let section = view(file, Layout::new().description)?;
        let what = "the packed model does not say what it is";
        Description::decode(section).ok_or(EmbedError::Model { what })
    }

    /// Writes the embedding of `token` at `position` to `row` (`HIDDEN` numbers), not yet
    /// normalised.
    ///
    /// A token or position outside the model leaves `row` zero; the tokenizer gives none.
    pub(crate) fn embed_token(&self, token: u32, position: usize, row: &mut [f32]) {
        let token = usize::try_from(token).unwrap_or(usize::MAX);
        let codes = self.word_codes.chunks_exact(HIDDEN).nth(token);
        let place = self.positions.chunks_exact(HIDDEN).nth(position);
        let (Some(codes), Some(place), Some(&scale)) = (codes, place, self.word_scales.get(token))
        else {
            debug_assert!(false, "token {token} or position {position} is outside the model");
            row.fill(0.0);
            return;
        };
        for ((out, &code), &place) in row.iter_mut().zip(codes).zip(place) {
            *out = f32::from(code) * scale + place;
        }
    }
}

fn view<T: AnyBitPattern>(file: &[u8], span: Span) -> Result<&[T], EmbedError> {
    let bytes = file
        .get(span.start..span.start + span.len)
        .ok_or(EmbedError::Model { what: "the packed model is cut short" })?;
    bytemuck::try_cast_slice(bytes)
        .map_err(|_| EmbedError::Model { what: "the packed model is not aligned" })
}

fn linear<'a>(file: &'a [u8], spans: &LinearSpans) -> Result<Linear<'a>, EmbedError> {
    Ok(Linear {
        codes: view(file, spans.codes)?,
        scales: view(file, spans.scales)?,
        sums: view(file, spans.sums)?,
        bias: view(file, spans.bias)?,
        outputs: spans.outputs,
        inputs: spans.inputs,
    })
}

fn norm<'a>(file: &'a [u8], spans: &NormSpans) -> Result<Norm<'a>, EmbedError> {
    Ok(Norm { gain: view(file, spans.gain)?, bias: view(file, spans.bias)? })
}

fn layer<'a>(file: &'a [u8], spans: &LayerSpans) -> Result<Layer<'a>, EmbedError> {
    Ok(Layer {
        qkv: linear(file, &spans.qkv)?,
        attention_out: linear(file, &spans.attention_out)?,
        attention_norm: norm(file, &spans.attention_norm)?,
        up: linear(file, &spans.up)?,
        down: linear(file, &spans.down)?,
        output_norm: norm(file, &spans.output_norm)?,
    })
}
