//! Every kernel of this processor against the portable one, and that against naive loops.

use super::table::Quantized;
use super::{
    Cutoff, GROUP, Kernels, LANES, ROWS, ScanBlocks, ScanLayout, ScanQuery, TOGETHER, available,
    portable,
};
use proptest::prelude::*;

/// Codes of `blocks` blocks, scales of their rows, and a query within `limit`.
#[derive(Debug, Clone)]
struct Case {
    layout: ScanLayout,
    codes: Vec<u8>,
    scales: Vec<f32>,
    query: Vec<i8>,
    floor: f32,
}

const STEPS: [f32; 4] = [0.02, 0.01, 0.003, 0.07];
const OFFSET: f32 = 1.5;

fn signed(limit: i8) -> impl Strategy<Value = i8> {
    // Extremes often: that is where 16-bit sums would saturate.
    prop_oneof![Just(-limit), Just(limit), -limit..=limit]
}

fn codes() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0_u8), Just(255_u8), any::<u8>()]
}

fn cases(limit: i8) -> impl Strategy<Value = Case> {
    (0_usize..3, 0_usize..4, 0_usize..6, 0_usize..5).prop_flat_map(
        move |(bytes, halves, quarters, blocks)| {
            let layout = [4 * bytes, 4 * halves, quarters];
            let groups: usize = layout.iter().sum();
            let dims = (layout[0] + 2 * layout[1] + 4 * layout[2]) * TOGETHER;
            (
                prop::collection::vec(codes(), blocks * groups * GROUP),
                prop::collection::vec(1e-6_f32..1.0, if groups == 0 { 0 } else { blocks * ROWS }),
                prop::collection::vec(signed(limit), dims),
                -100.0_f32..100.0,
            )
                .prop_map(move |(codes, scales, query, floor)| Case {
                    layout,
                    codes,
                    scales,
                    query,
                    floor,
                })
        },
    )
}

fn run(kernels: &Kernels, case: &Case) -> (Vec<f32>, Vec<u16>) {
    let query =
        ScanQuery { codes: case.query.clone(), layout: case.layout, steps: STEPS, offset: OFFSET };
    let blocks = case.scales.len() / ROWS;
    let (mut scores, mut hits) = (vec![f32::NAN; blocks * ROWS], vec![0; blocks]);
    let input = ScanBlocks { codes: &case.codes, scales: &case.scales, floor: case.floor };
    (kernels.scan)(&query, input, &mut scores, &mut hits);
    (scores, hits)
}

/// Row by row and dimension by dimension, from the definition of the layout.
#[expect(clippy::cast_precision_loss, reason = "the rounding under test")]
fn naive(case: &Case) -> (Vec<f32>, Vec<u16>) {
    let groups: usize = case.layout.iter().sum();
    let mut scores = Vec::new();
    let mut hits = vec![0; case.scales.len() / ROWS];
    for (row, scale) in case.scales.iter().enumerate() {
        // Byte `at` of the row.
        let byte = |at: usize| {
            let start = row / ROWS * groups * GROUP + at / TOGETHER * GROUP + row % ROWS * TOGETHER;
            i32::from(case.codes[start + at % TOGETHER])
        };
        let [n_bytes, n_halves, n_quarters] = case.layout.map(|groups| groups * TOGETHER);
        let query = |dim: usize| i32::from(case.query[dim]);
        let mut sums = [0_i32; 4];
        for at in 0..n_bytes {
            sums[0] += byte(at) * query(at);
        }
        for at in 0..n_halves {
            let code = byte(n_bytes + at);
            sums[1] += code * query(n_bytes + n_halves + at);
            sums[2] += code % 16 * query(n_bytes + at);
        }
        for at in 0..n_quarters {
            let code = byte(n_bytes + n_halves + at);
            for quarter in 0..4 {
                let dim = n_bytes + 2 * n_halves + quarter * n_quarters + at;
                sums[3] += code / 4_i32.pow(u32::try_from(quarter).unwrap()) % 4 * query(dim);
            }
        }
        let part = |at: usize| sums[at] as f32 * STEPS[at];
        let score = ((part(0) + part(1)) + (part(2) + part(3)) - OFFSET) * scale;
        scores.push(score);
        hits[row / ROWS] |= u16::from(score >= case.floor) << (row % ROWS);
    }
    (scores, hits)
}

proptest! {
    #[test]
    fn every_scan_gives_the_numbers_of_the_naive_loop(case in cases(63), wide in cases(127)) {
        for kernels in available() {
            prop_assert_eq!(run(kernels, &case), naive(&case), "{}", kernels.name);
            if kernels.query_limit == 127 {
                prop_assert_eq!(run(kernels, &wide), naive(&wide), "{}", kernels.name);
            }
        }
    }

    #[test]
    fn every_listing_is_that_of_the_naive_loop(
        rows in prop::collection::vec((-3_i8..3, 0_i8..3), 0..200),
        bits in prop::collection::vec(prop_oneof![Just(u16::MAX), any::<u16>()], 13),
        floor in -3_i8..5,
        weight in 0_i8..3,
        first in 0_u32..1000,
    ) {
        let scores: Vec<f32> = rows.iter().map(|row| f32::from(row.0) / 3.0).collect();
        let errors: Vec<f32> = rows.iter().map(|row| f32::from(row.1) / 3.0).collect();
        let (weight, floor) = (f32::from(weight), f32::from(floor) / 3.0);
        let cutoff = Cutoff { bits: &bits, errors: &errors, weight, floor };
        let hit = |row: &usize| {
            let is_selected = bits[row / ROWS] >> (row % ROWS) & 1 == 1;
            is_selected && scores[*row] + errors[*row] * weight >= floor
        };
        let whole = rows.len() / ROWS * ROWS;
        let naive: Vec<u32> =
            (0..whole).filter(hit).map(|row| first + u32::try_from(row).unwrap()).collect();
        for kernels in available() {
            let mut found = vec![99; whole];
            let n = (kernels.select)(&scores, cutoff, first, &mut found);
            prop_assert_eq!(&found[..n], &naive, "{}", kernels.name);
        }
    }

    #[test]
    fn every_rotation_gives_the_same_bits_and_is_close_to_the_plain_products(
        (vector, matrix) in (1_usize..6, 0_usize..7).prop_flat_map(|(chunks, rows)| {
            let code = |most: i16| prop_oneof![Just(-most), Just(most), -most..=most];
            (
                prop::collection::vec(code(2_047), chunks * LANES),
                prop::collection::vec(code(i16::MAX), rows * chunks * LANES),
            )
        }),
    ) {
        let rotated = |kernels: &Kernels| {
            let mut rotated = vec![f32::NAN; matrix.len() / vector.len()];
            (kernels.rotate)(&matrix, &vector, 0.25, &mut rotated);
            rotated
        };
        let expected = rotated(&portable::KERNELS);
        for (row, value) in matrix.chunks(vector.len()).zip(&expected) {
            let products = row.iter().zip(&vector).map(|(m, x)| f64::from(*m) * f64::from(*x));
            let (plain, size) = products.fold((0.0, 0.0), |(plain, size), product| {
                (plain + product, size + product.abs())
            });
            let bound = size * 0.25 / f64::from(1 << 21);
            prop_assert!((f64::from(*value) - plain * 0.25).abs() <= bound);
        }
        for kernels in available() {
            prop_assert_eq!(&rotated(kernels), &expected, "{}", kernels.name);
        }
    }

    #[test]
    fn all_codes_of_values_are_the_same_and_what_they_miss_is_bounded(
        values in (0_usize..9).prop_flat_map(|sixteens| prop::collection::vec(
            prop_oneof![Just(0.0_f32), Just(1.0), -1.0_f32..1.0, -1e-3_f32..1e-3],
            sixteens * ROWS,
        )),
        exponent in -12_i32..12,
        limit in prop_oneof![Just(63_i8), Just(127)],
        wide_limit in 100_i16..4_096,
    ) {
        let values: Vec<f32> = values.iter().map(|value| value * 10_f32.powi(exponent)).collect();
        let n = values.len();
        let check = |codes: &[f64], limit: f32, quantized: Quantized| {
            let gaps = codes.iter().zip(&values).map(|(code, value)| {
                f64::from(*value) - code * f64::from(quantized.step)
            });
            let gaps: Vec<f64> = gaps.collect();
            // Quotient, step and quotient times value take a rounding each.
            let half = 0.5 + f64::from(limit) * 3.0 / f64::from(1 << 24) * 1.01;
            let near = gaps.iter().all(|gap| gap.abs() <= half * f64::from(quantized.step));
            let missed = gaps.iter().map(|gap| gap * gap).sum::<f64>().sqrt();
            near && missed <= quantized.error_bound(n, limit)
        };
        let (mut first, mut first_wide) = (None, None);
        for kernels in available() {
            let mut codes = vec![9_i8; n];
            let quantized = (kernels.quantize)(&values, limit, &mut codes);
            let plain: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
            prop_assert!(check(&plain, f32::from(limit), quantized), "{}", kernels.name);
            let found = (quantized, codes);
            prop_assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
            let mut codes = vec![9_i16; n];
            let quantized = (kernels.quantize_wide)(&values, wide_limit, &mut codes);
            let plain: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
            prop_assert!(check(&plain, f32::from(wide_limit), quantized), "{}", kernels.name);
            let found = (quantized, codes);
            prop_assert_eq!(first_wide.get_or_insert_with(|| found.clone()), &found);
        }
    }

    #[test]
    fn every_sum_is_that_of_the_naive_loop(
        (narrow, wide, rows) in (1_usize..9, 0_usize..10).prop_flat_map(|(padded, rows)| (
            prop::collection::vec(signed(63), padded * LANES),
            prop::collection::vec(signed(127), padded * LANES),
            prop::collection::vec(prop::collection::vec(codes(), padded * LANES), rows),
        )),
    ) {
        let naive = |query: &[i8]| -> Vec<i32> {
            let product = |(x, q): (&u8, &i8)| i32::from(*x) * i32::from(*q);
            rows.iter().map(|row| row.iter().zip(query).map(product).sum()).collect()
        };
        let slices: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        for kernels in available() {
            let sums = |query: &[i8]| {
                let mut sums = vec![99; rows.len()];
                (kernels.byte_dots)(query, &slices, &mut sums);
                sums
            };
            prop_assert_eq!(sums(&narrow), naive(&narrow), "{}", kernels.name);
            if kernels.query_limit == 127 {
                prop_assert_eq!(sums(&wide), naive(&wide), "{}", kernels.name);
            }
        }
    }

    #[test]
    fn every_dot_product_gives_the_same_bits_and_is_close_to_the_plain_sum(
        pairs in (1_usize..50).prop_flat_map(|chunks| {
            prop::collection::vec((-1e3_f32..1e3, -1e3_f32..1e3), chunks * LANES)
        }),
        exponent in -12_i32..12,
    ) {
        let factor = 10_f32.powi(exponent);
        let query: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.0)).collect();
        let row: Vec<f32> = pairs.iter().map(|pair| pair.1 * factor).collect();
        let expected = (portable::KERNELS.dot)(&query, &row);
        let (mut plain, mut magnitude) = (0.0_f64, 0.0_f64);
        for (query, value) in query.iter().zip(&row) {
            plain += query * f64::from(*value);
            magnitude += (query * f64::from(*value)).abs();
        }
        prop_assert!((plain - expected).abs() <= 1e-12 * magnitude);
        for kernels in available() {
            let got = (kernels.dot)(&query, &row);
            prop_assert_eq!(got.to_bits(), expected.to_bits(), "{}", kernels.name);
        }
    }
}

#[test]
fn the_portable_kernels_are_always_available() {
    assert_eq!(available().last().map(|kernels| kernels.name), Some("portable"));
}
