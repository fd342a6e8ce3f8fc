//! The 1-bit stage: sign bits of the rotated, centred vectors, to draw up a short list fast.
//!
//! With m the mean of the corpus, `x·q = (x − m)·(q − m) + x·m + const`. Of the rotated e = R(x − m) the
//! signs b = ±1 are kept and the factor |e|²/|e|₁, which makes `factor · b·z` the unbiased estimate of
//! e·z in random rotations (`RaBitQ`, Gao and Long, 2024); z = R(q − m) has codes of four bits, so that
//! b·z is a matter of counting bits (as in Lucene's "better binary quantization"). The short list
//! is then ranked exactly, by its 8-bit codes and the vectors of those that could belong to the best.

use super::kernel::{ROWS, SKETCH_ROWS, SketchQuery, Sketches};
use super::rotation::Rotation;
use super::search::{Drawn, Search};
use super::survivors::{STRIDE, Stride, Survivors};
use super::topk::TopK;

/// Bits of a word.
const WORD: usize = 64;

/// Distance in standard deviations at which an estimate is believed, times their size.
///
/// The deviation of the estimate of e·z is |e|·|z|·√((1 − c²)/c²)/√d (`RaBitQ`, theorem 3.2), where
/// c = |e|₁/(√d·|e|) is near √(2/π) = .80. In terms of the factor |e|²/|e|₁ that is .60 · factor · |z|;
/// three of them.
const DOUBT: f32 = 1.8;

/// Sketches by slot.
#[derive(Debug)]
pub(in crate::index) struct Sketch {
    /// Rows there were when the sketches were made.
    made_for: usize,
    rotation: Rotation,
    words: usize,
    /// Mean of the corpus when the sketches were made, padded.
    centre: Vec<f32>,
    /// Groups of eight rows; see [`Sketches::bits`].
    bits: Vec<u64>,
    factors: Vec<f32>,
    offsets: Vec<f32>,
}

impl Sketch {
    /// No sketches yet, of vectors whose sum over `count` is `sum`.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a centre need not be exact"
    )]
    pub(super) fn new(dims: usize, sum: &[f64], count: usize) -> Self {
        let words = dims.div_ceil(WORD);
        let scale = 1.0 / count.max(1) as f64;
        let mut centre: Vec<f32> = sum.iter().map(|sum| (sum * scale) as f32).collect();
        centre.resize(words * WORD, 0.0);
        Self {
            made_for: count,
            rotation: Rotation::new(words * WORD),
            words,
            centre,
            bits: Vec::new(),
            factors: Vec::new(),
            offsets: Vec::new(),
        }
    }

    /// Rows there were when the sketches were made.
    pub(super) const fn made_for(&self) -> usize {
        self.made_for
    }

    /// Memory that they take, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        self.bits.capacity() * size_of::<u64>()
            + (self.factors.capacity() + self.offsets.capacity()) * size_of::<f32>()
    }

    /// Sets the sketch of `slot`, at most one after the last.
    pub(super) fn write(&mut self, slot: u32, vector: &[f32]) {
        let slot = slot as usize;
        let (rotated, offset) = self.rotated(vector);
        let (square, taxi) = rotated
            .iter()
            .fold((0.0, 0.0), |(square, taxi), value| (square + value * value, taxi + value.abs()));
        let group = slot / SKETCH_ROWS * SKETCH_ROWS;
        if self.factors.len() <= slot {
            // Whole blocks, as the scan asks for them.
            let rows = (slot + 1).next_multiple_of(ROWS);
            self.factors.resize(rows, 0.0);
            self.offsets.resize(rows, 0.0);
            self.bits.resize(rows * self.words, 0);
        }
        let bits = self.bits.get_mut(group * self.words..).unwrap_or_default();
        let rows = bits.as_chunks_mut::<SKETCH_ROWS>().0.iter_mut();
        let places = rows.filter_map(|rows| rows.get_mut(slot % SKETCH_ROWS));
        for (place, values) in places.zip(rotated.as_chunks::<WORD>().0) {
            *place = bits_of(values, |value| value > 0.0);
        }
        if let (Some(factor), Some(place)) =
            (self.factors.get_mut(slot), self.offsets.get_mut(slot))
        {
            let usable = if taxi > 0.0 { square / taxi } else { 0.0 };
            (*factor, *place) = (usable, offset);
        }
    }

    /// The vector centred and rotated, and its inner product with the centre.
    fn rotated(&self, vector: &[f32]) -> (Vec<f32>, f32) {
        let mut rotated = vec![0.0; self.words * WORD];
        let mut offset = 0.0_f32;
        for ((place, value), centre) in rotated.iter_mut().zip(vector).zip(&self.centre) {
            *place = value - centre;
            offset += value * centre;
        }
        self.rotation.apply(&mut rotated);
        (rotated, offset)
    }

    /// The query as the kernel reads it, and how far an estimate may be off per unit of its factor.
    fn query(&self, vector: &[f32]) -> (SketchQuery, f32) {
        let (mut rotated, _) = self.rotated(vector);
        let largest = rotated.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let norm = rotated.iter().fold(0.0_f32, |sum, value| sum + value * value).sqrt();
        let step = largest / 7.5;
        let steps = if step > 0.0 { step.recip() } else { 0.0 };
        for value in &mut rotated {
            *value = (*value * steps).round().clamp(-8.0, 7.0);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a code within −8..=7")]
        let plane = |values: &[f32; WORD], plane: u32| {
            bits_of(values, |code| (code as i8) >> plane & 1 == 1)
        };
        let query = SketchQuery {
            planes: rotated
                .as_chunks::<WORD>()
                .0
                .iter()
                .map(|values| [0, 1, 2, 3].map(|bit| plane(values, bit)))
                .collect(),
            step,
            // Of the codes, not of the values, so that rounding shifts no estimate.
            total: rotated.iter().sum::<f32>() * step,
        };
        (query, norm * DOUBT)
    }
}

/// One bit per value, the first in the lowest.
fn bits_of(values: &[f32; WORD], bit: impl Fn(f32) -> bool) -> u64 {
    let values = values.iter().enumerate();
    values.fold(0, |word, (at, &value)| word | u64::from(bit(value)) << at)
}

impl Search<'_> {
    /// A short list from sketches, without a guarantee; `None` where they are not worth it.
    pub(super) fn draw_sketched(
        &self,
        survivors: &Survivors,
        sketch: &Sketch,
        n_listed: usize,
    ) -> Option<Drawn> {
        let count = survivors.count(self.dense);
        let n_estimates = shortlist(self.k, count).max(n_listed);
        if n_estimates * 4 >= count || self.query.is_zero() {
            return None;
        }
        let exact = &self.query.exact;
        #[expect(clippy::cast_possible_truncation, reason = "these were `f32` before")]
        let vector: Vec<f32> = exact.iter().map(|value| *value as f32).collect();
        let (query, reach) = sketch.query(vector.get(..self.dense.dims()).unwrap_or_default());
        let estimates = self.estimate(survivors, sketch, &query, n_estimates);
        let (list, sum) = (estimates.list.into_ranked(), Some(estimates.sum));
        let listed: Vec<u32> = list.iter().map(|(slot, _)| *slot).collect();
        let seeds = self.seeds(listed.get(..self.k).unwrap_or(&listed));
        let floor = seeds.top.floor();
        // But for rows that can hardly come in any more.
        let constant = sketch.constant(exact);
        let hopeful = list.iter().filter(|(slot, estimate)| {
            let factor = sketch.factors.get(*slot as usize).copied().unwrap_or_default();
            estimate + constant + factor * reach >= floor
        });
        let hopeful: Vec<u32> = hopeful.map(|(slot, _)| *slot).collect();
        Some(Drawn { near: self.by_codes(&hopeful), listed, seeds, sum })
    }

    /// The best survivors by estimate.
    fn estimate(
        &self,
        survivors: &Survivors,
        sketch: &Sketch,
        query: &SketchQuery,
        list: usize,
    ) -> Estimates {
        let mut drawn = Estimates { list: TopK::new(list), sum: 0.0 };
        // The constant of the estimate only matters to the mean.
        let constant = f64::from(sketch.constant(&self.query.exact));
        let mut scores = [0.0_f32; STRIDE * ROWS];
        survivors.strides(self.dense, |stride| {
            let start = stride.start * ROWS;
            let input = Sketches {
                bits: sketch.bits.get(start * sketch.words..).unwrap_or_default(),
                factors: sketch.factors.get(start..).unwrap_or_default(),
                offsets: sketch.offsets.get(start..).unwrap_or_default(),
            };
            let scores = scores.get_mut(..stride.bits.len() * ROWS).unwrap_or_default();
            (self.kernels.estimate)(query, input, scores);
            drawn.meet(stride, scores, constant);
        });
        drawn
    }
}

impl Sketch {
    /// (q − m)·m, which an estimate leaves out.
    #[expect(clippy::cast_possible_truncation, reason = "estimates are no more exact")]
    fn constant(&self, query: &[f64]) -> f32 {
        let mut total = 0.0;
        for (value, centre) in query.iter().zip(&self.centre) {
            total += (value - f64::from(*centre)) * f64::from(*centre);
        }
        total as f32
    }
}

/// A short list and the sum of all estimates.
struct Estimates {
    list: TopK,
    sum: f64,
}

impl Estimates {
    fn meet(&mut self, stride: Stride<'_>, scores: &[f32], constant: f64) {
        let floor = self.list.floor();
        let mut hits = [0_u16; STRIDE];
        let blocks = stride.bits.iter().zip(scores.as_chunks::<ROWS>().0);
        for ((bits, scores), hits) in blocks.zip(&mut hits) {
            let mut sum = 0.0;
            for (lane, score) in scores.iter().enumerate() {
                *hits |= u16::from(*score >= floor) << lane;
                sum += if bits >> lane & 1 == 1 { *score } else { 0.0 };
            }
            self.sum += f64::from(sum) + f64::from(bits.count_ones()) * constant;
        }
        stride.each_hit(&hits, |slot, row| {
            if let Some(score) = scores.get(row) {
                self.list.push(*score, slot);
            }
        });
    }
}

/// How many rows to read for the best `k` of `rows`.
///
/// A hundredth up to 200,000 rows, a 250th above: .9995 of the ten best on clustered unit vectors; of
/// 250,000 embeddings of steps of agents all of the ten best and .9992 of the 256 best.
fn shortlist(k: usize, rows: usize) -> usize {
    (rows / 100).clamp(400, 2_000).max(rows / 250).max(k * 8)
}

#[cfg(test)]
mod tests {
    use crate::index::dense::Dense;
    use crate::index::mask::Mask;

    /// Deterministic noise in −1..1.
    fn noise(seed: u32) -> f32 {
        let bits = seed.wrapping_mul(0x9e37_79b9) ^ (seed >> 3).wrapping_mul(0x85eb_ca6b);
        let bits = bits ^ bits >> 15;
        f32::from(u16::try_from(bits.wrapping_mul(0x2c1b_3c6d) >> 16).unwrap()) / 32_768.0 - 1.0
    }

    /// Sixty clusters with noise around them, norms between 1 and 2.
    fn vector(unit: u32, dims: u32) -> Vec<f32> {
        let centre = unit % 60;
        let length = 1.0 + noise(unit).abs();
        (0..dims)
            .map(|dim| {
                length * (noise(centre * dims + dim + 1) + 0.8 * noise((unit + 99) * dims + dim))
            })
            .collect()
    }

    #[test]
    fn a_fast_search_finds_nearly_all_of_the_best_and_scores_them_exactly() {
        let dims = 96;
        let mut dense = Dense::new(96).unwrap();
        for unit in 0..6000 {
            dense.put(unit, &vector(unit, dims)).unwrap();
            if unit == 3000 {
                let frozen = dense.freeze();
                dense.adopt_sketch(frozen.sketch(&|| true).unwrap(), &frozen);
            }
        }
        for unit in (0..6000).step_by(17) {
            dense.remove(unit);
        }
        let mask: Mask = (500..5000).collect();
        let (mut found, mut wanted) = (0, 0);
        for query in 0..40 {
            let query = vector(10_000 + query, dims);
            for mask in [None, Some(&mask)] {
                let exact = dense.search(&query, 10, mask).unwrap();
                let fast = dense.search_fast(&query, 10, mask).unwrap();
                assert!(fast.top.is_sorted_by(|left, right| left.1 >= right.1));
                assert!((fast.mean - exact.mean).abs() < 0.02 * exact.top[0].1);
                found += fast.top.iter().filter(|hit| exact.top.contains(hit)).count();
                wanted += exact.top.len();
            }
        }
        assert!(found * 100 >= wanted * 99, "{found} of {wanted}");
    }

    #[test]
    fn without_sketches_a_fast_search_is_exact() {
        let mut dense = Dense::new(8).unwrap();
        for unit in 0..100 {
            dense.put(unit, &vector(unit, 8)).unwrap();
        }
        let query = vector(7, 8);
        assert_eq!(
            dense.search_fast(&query, 5, None).unwrap(),
            dense.search(&query, 5, None).unwrap()
        );
        assert!(!dense.wants_sketch());
    }
}
