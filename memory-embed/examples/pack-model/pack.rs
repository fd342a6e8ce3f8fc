//! From `model.safetensors` and `vocab.txt` to the bytes of the packed file.

use memory_embed::packed_format::{
    CHECKSUM_AT, EMPTY_SLOT, HASH_START, HEADER_BYTES, HIDDEN, Layout, LinearSpans, NormSpans,
    POSITIONS, Span, TOKEN_SLOTS, VOCABULARY, code_position, first_slot, header, token_hash,
};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

use crate::source::{Failure, Source, VOCABULARY_SHA256};

/// Packs a model of its tensors and its vocabulary.
pub(crate) fn pack(source: &Source, tensors: &Path, vocabulary: &Path) -> Result<Vec<u8>, Failure> {
    let tensors = Tensors::parse(&read(tensors, source.safetensors_sha256)?)?;
    let vocabulary = String::from_utf8(read(vocabulary, VOCABULARY_SHA256)?)?;
    let tokens: Vec<&str> = vocabulary.lines().map(str::trim_end).collect();
    if tokens.len() != VOCABULARY {
        return Err(format!("vocab.txt has {} lines, not {VOCABULARY}", tokens.len()).into());
    }
    let layout = Layout::new();
    let mut file = Packed(vec![0; layout.token_text]);
    let description = source.description().encode().ok_or("the description is too long")?;
    file.put(layout.description, description.into_iter())?;
    embeddings(&mut file, &layout, &tensors)?;
    for (number, spans) in layout.layers.iter().enumerate() {
        let layer = format!("encoder.layer.{number}");
        let attention = format!("{layer}.attention");
        let projections = ["query", "key", "value"].map(|name| format!("{attention}.self.{name}"));
        file.linear(&spans.qkv, &tensors, &projections)?;
        file.linear(&spans.attention_out, &tensors, &[format!("{attention}.output.dense")])?;
        file.norm(&spans.attention_norm, &tensors, &format!("{attention}.output.LayerNorm"))?;
        file.linear(&spans.up, &tensors, &[format!("{layer}.intermediate.dense")])?;
        file.linear(&spans.down, &tensors, &[format!("{layer}.output.dense")])?;
        file.norm(&spans.output_norm, &tensors, &format!("{layer}.output.LayerNorm"))?;
    }
    file.vocabulary(&layout, &tokens)?;
    Ok(file.sealed())
}

/// Reads a file that must have this checksum.
fn read(path: &Path, sha256: &str) -> Result<Vec<u8>, Failure> {
    let file = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let sum = format!("{:x}", Sha256::digest(&file));
    if sum != sha256 {
        return Err(format!("{}: SHA-256 {sum}, not {sha256}", path.display()).into());
    }
    Ok(file)
}

fn embeddings(file: &mut Packed, layout: &Layout, tensors: &Tensors) -> Result<(), Failure> {
    let words = tensors.get("embeddings.word_embeddings.weight", VOCABULARY * HIDDEN)?;
    let rows: Vec<Row> = words.chunks_exact(HIDDEN).map(quantise).collect();
    file.put(layout.word_scales, rows.iter().flat_map(|row| row.scale.to_le_bytes()))?;
    let codes = rows.iter().flat_map(|row| &row.codes);
    file.put(layout.word_codes, codes.flat_map(|code| code.to_le_bytes()))?;
    let positions = tensors.get("embeddings.position_embeddings.weight", 512 * HIDDEN)?;
    let types = tensors.get("embeddings.token_type_embeddings.weight", 2 * HIDDEN)?;
    // A single text has token type 0 throughout, so its embedding is a constant of the position.
    let kept = positions.iter().take(POSITIONS * HIDDEN);
    let sums = kept.zip(types.iter().take(HIDDEN).cycle()).map(|(place, kind)| place + kind);
    file.put(layout.positions, sums.flat_map(f32::to_le_bytes))?;
    file.norm(&layout.embedding_norm, tensors, "embeddings.LayerNorm")
}

/// One row of weights as symmetric 8-bit codes.
struct Row {
    scale: f32,
    codes: Vec<i8>,
}

fn quantise(weights: &[f32]) -> Row {
    let largest = weights.iter().fold(0_f32, |largest, weight| largest.max(weight.abs()));
    let scale = largest.max(1e-9) / 127.0;
    #[expect(clippy::cast_possible_truncation, reason = "a weight is at most 127 scales large")]
    let codes = weights.iter().map(|weight| (weight / scale).round() as i8).collect();
    Row { scale, codes }
}

/// The tensors of a safetensors file: an 8-byte length, a JSON header of that length, the data.
struct Tensors {
    header: serde_json::Value,
    data: Vec<u8>,
}

impl Tensors {
    fn parse(file: &[u8]) -> Result<Self, Failure> {
        let (length, rest) = file.split_first_chunk::<8>().ok_or("file too short")?;
        let length = usize::try_from(u64::from_le_bytes(*length))?;
        let (header, data) = rest.split_at_checked(length).ok_or("header cut short")?;
        Ok(Tensors { header: serde_json::from_slice(header)?, data: data.to_vec() })
    }

    fn get(&self, name: &str, count: usize) -> Result<Vec<f32>, Failure> {
        let entry = self.header.get(name).ok_or_else(|| format!("no tensor {name}"))?;
        let (kind, offsets) = (entry.get("dtype"), entry.get("data_offsets"));
        let offsets: [usize; 2] =
            serde_json::from_value(offsets.ok_or("no data_offsets")?.clone())?;
        let bytes = self.data.get(offsets[0]..offsets[1]).ok_or("offsets outside the file")?;
        if kind.and_then(|kind| kind.as_str()) != Some("F32") || bytes.len() != 4 * count {
            return Err(format!("{name}: not {count} f32 numbers").into());
        }
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }
}

/// The file under construction.
struct Packed(Vec<u8>);

impl Packed {
    fn put(&mut self, span: Span, bytes: impl Iterator<Item = u8>) -> Result<(), Failure> {
        let place = self.0.get_mut(span.start..span.start + span.len).ok_or("no such section")?;
        let bytes: Vec<u8> = bytes.collect();
        if bytes.len() != place.len() {
            return Err(format!("{} bytes for a section of {}", bytes.len(), place.len()).into());
        }
        place.copy_from_slice(&bytes);
        Ok(())
    }

    fn norm(&mut self, spans: &NormSpans, tensors: &Tensors, name: &str) -> Result<(), Failure> {
        let gain = tensors.get(&format!("{name}.weight"), HIDDEN)?;
        let bias = tensors.get(&format!("{name}.bias"), HIDDEN)?;
        self.put(spans.gain, gain.into_iter().flat_map(f32::to_le_bytes))?;
        self.put(spans.bias, bias.into_iter().flat_map(f32::to_le_bytes))
    }

    /// Quantise the matrices of `names`, stacked, in block order.
    fn linear(
        &mut self,
        spans: &LinearSpans,
        tensors: &Tensors,
        names: &[String],
    ) -> Result<(), Failure> {
        let outputs = spans.outputs / names.len();
        let (mut rows, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            let weights = tensors.get(&format!("{name}.weight"), outputs * spans.inputs)?;
            rows.extend(weights.chunks_exact(spans.inputs).map(quantise));
            bias.extend(tensors.get(&format!("{name}.bias"), outputs)?);
        }
        let mut codes = vec![0; spans.codes.len];
        for (output, row) in rows.iter().enumerate() {
            for (input, code) in row.codes.iter().enumerate() {
                let place = code_position(spans.inputs, output, input);
                *codes.get_mut(place).ok_or("code outside its section")? =
                    u8::from_le_bytes(code.to_le_bytes());
            }
        }
        self.put(spans.codes, codes.into_iter())?;
        self.put(spans.scales, rows.iter().flat_map(|row| row.scale.to_le_bytes()))?;
        let sums = rows.iter().map(|row| row.codes.iter().map(|&code| i32::from(code)).sum());
        self.put(spans.sums, sums.flat_map(i32::to_le_bytes))?;
        self.put(spans.bias, bias.into_iter().flat_map(f32::to_le_bytes))
    }

    /// Tokens, their ends and the hash table over them.
    fn vocabulary(&mut self, layout: &Layout, tokens: &[&str]) -> Result<(), Failure> {
        let mut slots = vec![EMPTY_SLOT; TOKEN_SLOTS];
        let (mut ends, mut text) = (Vec::new(), String::new());
        for (id, token) in tokens.iter().enumerate() {
            text.push_str(token);
            ends.push(u32::try_from(text.len())?);
            let first = first_slot(token_hash(HASH_START, token.as_bytes()));
            let free = (first..first + TOKEN_SLOTS)
                .map(|slot| slot % TOKEN_SLOTS)
                .find(|&slot| slots.get(slot) == Some(&EMPTY_SLOT));
            let slot = free.and_then(|slot| slots.get_mut(slot)).ok_or("hash table full")?;
            *slot = u16::try_from(id)?;
        }
        self.put(layout.token_slots, slots.into_iter().flat_map(u16::to_le_bytes))?;
        self.put(layout.token_ends, ends.into_iter().flat_map(u32::to_le_bytes))?;
        self.0.extend(text.into_bytes());
        Ok(())
    }

    /// The finished file: header and checksum in place.
    fn sealed(mut self) -> Vec<u8> {
        let mut start = header(self.0.len());
        let sum = Sha256::digest(self.0.iter().as_slice().get(HEADER_BYTES..).unwrap_or_default());
        for (place, byte) in start.iter_mut().skip(CHECKSUM_AT).zip(sum) {
            *place = byte;
        }
        for (place, byte) in self.0.iter_mut().zip(start) {
            *place = byte;
        }
        self.0
    }
}
