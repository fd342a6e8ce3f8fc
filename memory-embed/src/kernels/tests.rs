//! Every kernel against its plain twin, on every instruction set that this processor has.

use super::*;
use crate::packed_format::{HEADS, HIDDEN, code_position};
use proptest::prelude::*;

/// Numbers that look like activations: mostly small, some large.
fn numbers(count: usize) -> impl Strategy<Value = Vec<f32>> {
    let number = prop_oneof![9 => -3.0_f32..3.0, 1 => -30.0_f32..30.0];
    proptest::collection::vec(number, count)
}

/// A layer with its weights row by row as well.
#[derive(Debug)]
struct OwnedLayer {
    plain: Vec<i8>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    sums: Vec<i32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl OwnedLayer {
    fn new(plain: Vec<i8>, bias: Vec<f32>, inputs: usize) -> Self {
        let mut codes = vec![0; plain.len()];
        for (at, &code) in plain.iter().enumerate() {
            codes[code_position(inputs, at / inputs, at % inputs)] = code;
        }
        let sums = plain.chunks(inputs).map(|row| row.iter().map(|&code| i32::from(code)).sum());
        let scales = bias.iter().map(|bias| bias.abs() / 100.0 + 1e-3).collect();
        OwnedLayer { codes, scales, sums: sums.collect(), bias, inputs, plain }
    }

    fn view(&self) -> Linear<'_> {
        Linear {
            codes: &self.codes,
            scales: &self.scales,
            sums: &self.sums,
            bias: &self.bias,
            outputs: self.bias.len(),
            inputs: self.inputs,
        }
    }

    /// `W·x + b` in double precision, straight from the definitions.
    fn plain_product(&self, codes: &[u8], row: RowScale) -> Vec<f64> {
        let input: Vec<f64> = codes
            .iter()
            .map(|&code| f64::from(row.scale) * (f64::from(code) - 128.0) + f64::from(row.centre))
            .collect();
        let rows = self.plain.chunks(self.inputs).zip(self.scales.iter().zip(&self.bias));
        rows.map(|(weights, (&scale, &bias))| {
            let sum: f64 = weights.iter().zip(&input).map(|(&w, x)| f64::from(w) * x).sum();
            sum * f64::from(scale) + f64::from(bias)
        })
        .collect()
    }
}

fn layers() -> impl Strategy<Value = (OwnedLayer, usize)> {
    (1_usize..4, prop_oneof![Just(16_usize), Just(48), Just(384)], 1_usize..20).prop_flat_map(
        |(panels, inputs, rows)| {
            let outputs = 64 * panels;
            let codes = proptest::collection::vec(-127_i8..=127, outputs * inputs);
            (codes, numbers(outputs))
                .prop_map(move |(codes, bias)| (OwnedLayer::new(codes, bias, inputs), rows))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_integer_product_equals_the_plain_one_on_every_instruction_set(
        (layer, rows) in layers(),
        seed in any::<u64>(),
        scale in 0.001_f32..0.2,
        centre in -2.0_f32..2.0,
    ) {
        let codes: Vec<u8> = (0..(rows * layer.inputs) as u64)
            .map(|at| (seed.wrapping_add(at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
            .collect();
        let scales: Vec<RowScale> =
            (0..rows).map(|row| RowScale { scale: scale + row as f32 / 100.0, centre }).collect();
        for kernels in supported() {
            let mut results = vec![f32::NAN; rows * layer.bias.len()];
            let coded = CodedRows { codes: &codes, scales: &scales };
            kernels.multiply(coded, &layer.view(), &mut results);
            let inputs = codes.chunks(layer.inputs).zip(&scales);
            for ((codes, &row), results) in inputs.zip(results.chunks(layer.bias.len())) {
                for (&found, expected) in results.iter().zip(layer.plain_product(codes, row)) {
                    let error = (f64::from(found) - expected).abs();
                    let is_near = error < 1e-4 * (expected.abs() + 10.0);
                    prop_assert!(is_near, "{}: {found} for {expected}", kernels.name);
                }
            }
        }
    }

    #[test]
    fn a_code_is_within_half_a_step_of_its_number(row in numbers(384)) {
        for kernels in supported() {
            let mut codes = vec![0; row.len()];
            let RowScale { scale, centre } = kernels.quantise(&row, &mut codes);
            for (&value, &code) in row.iter().zip(&codes) {
                let back = scale * (f32::from(code) - 128.0) + centre;
                prop_assert!((back - value).abs() <= 0.501 * scale + 1e-5, "{}", kernels.name);
            }
        }
    }

    #[test]
    fn adding_and_normalising_agrees_with_double_precision(
        row in numbers(HIDDEN),
        added in numbers(HIDDEN),
        gain in numbers(HIDDEN),
        bias in numbers(HIDDEN),
    ) {
        let pairs = row.iter().zip(&added);
        let sums: Vec<f64> = pairs.map(|(&a, &b)| f64::from(a) + f64::from(b)).collect();
        let mean = sums.iter().sum::<f64>() / sums.len() as f64;
        let variance = sums.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / sums.len() as f64;
        for kernels in supported() {
            let mut found = row.clone();
            kernels.add_norm(&mut found, &added, &Norm { gain: &gain, bias: &bias });
            for (index, &found) in found.iter().enumerate() {
                let normal = (sums[index] - mean) / (variance + 1e-12).sqrt();
                let expected = normal * f64::from(gain[index]) + f64::from(bias[index]);
                prop_assert!((f64::from(found) - expected).abs() < 1e-3, "{}", kernels.name);
            }
        }
    }

    #[test]
    fn attention_agrees_with_double_precision(tokens in 1_usize..40, seed in numbers(997)) {
        let projections: Vec<f32> =
            (0..tokens * 3 * HIDDEN).map(|at| seed[at * 31 % seed.len()]).collect();
        let expected = plain_attention(&projections);
        for kernels in supported() {
            let mut found = vec![f32::NAN; tokens * HIDDEN];
            kernels.attend(&projections, &mut found, &mut AttentionScratch::default());
            for (&found, &expected) in found.iter().zip(&expected) {
                prop_assert!((f64::from(found) - expected).abs() < 1e-3, "{}", kernels.name);
            }
        }
    }
}

/// Attention straight from its definition, in double precision.
fn plain_attention(projections: &[f32]) -> Vec<f64> {
    let rows: Vec<&[f32]> = projections.chunks(3 * HIDDEN).collect();
    let width = HIDDEN / HEADS;
    let mut context = Vec::new();
    for query in &rows {
        for head in 0..HEADS {
            let part = |row: &[f32], which: usize| -> Vec<f64> {
                let at = which * HIDDEN + head * width;
                row[at..at + width].iter().map(|&x| f64::from(x)).collect()
            };
            let q = part(query, 0);
            let score = |row: &&[f32]| -> f64 {
                part(row, 1).iter().zip(&q).map(|(a, b)| a * b).sum::<f64>() / (width as f64).sqrt()
            };
            let scores: Vec<f64> = rows.iter().map(score).collect();
            let highest = scores.iter().copied().fold(f64::MIN, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
            let total: f64 = weights.iter().sum();
            context.extend((0..width).map(|component| {
                let values = rows.iter().map(|row| part(row, 2)[component]);
                values.zip(&weights).map(|(value, weight)| value * weight).sum::<f64>() / total
            }));
        }
    }
    context
}

/// `x·Φ(x)` with Φ by Simpson's rule over the normal density: slow and plain.
fn plain_gelu(x: f64) -> f64 {
    let steps = 400;
    let width = x / f64::from(steps);
    let density = |t: f64| (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let inner: f64 = (1..steps)
        .map(|step| density(f64::from(step) * width) * if step % 2 == 1 { 4.0 } else { 2.0 })
        .sum();
    x * (0.5 + (density(0.0) + inner + density(x)) * width / 3.0)
}

#[test]
fn gelu_is_within_its_documented_error_of_the_exact_function() {
    let row: Vec<f32> = (-8000..8000).map(|x| x as f32 / 1000.0).collect();
    for kernels in supported() {
        let mut found = row.clone();
        kernels.gelu(&mut found);
        for (&x, &found) in row.iter().zip(&found) {
            let error = (f64::from(found) - plain_gelu(x.into())).abs();
            assert!(error < 5e-5, "{}: gelu({x}) = {found}", kernels.name);
        }
    }
}

#[test]
fn the_exponential_is_within_its_documented_error() {
    for step in 0..870_000 {
        let x = -step as f32 / 10_000.0;
        let found = rows::exp(x);
        let expected = f64::from(x).exp();
        assert!((f64::from(found) / expected - 1.0).abs() < 3e-7, "exp({x}) = {found}");
    }
}

#[test]
fn attention_does_not_depend_on_what_the_buffers_held_before() {
    let long: Vec<f32> = (0..50 * 3 * HIDDEN).map(|at| (at % 17) as f32).collect();
    let short = &long[..7 * 3 * HIDDEN];
    for kernels in supported() {
        let (mut fresh, mut used) = (vec![0.0; 7 * HIDDEN], vec![0.0; 7 * HIDDEN]);
        let mut scratch = AttentionScratch::default();
        kernels.attend(short, &mut fresh, &mut scratch);
        kernels.attend(&long, &mut vec![0.0; 50 * HIDDEN], &mut scratch);
        kernels.attend(short, &mut used, &mut scratch);
        assert_eq!(fresh, used, "{}", kernels.name);
    }
}
