//! Every kernel of this processor against the portable one, and that against naive loops.

use super::{
    Blocks, CoarseQuery, DIMS_TOGETHER, Ends, GROUP, Kernels, LANES, ROWS, SKETCH_ROWS,
    SketchQuery, Sketches, TOGETHER, available, portable,
};
use proptest::prelude::*;

/// Codes of `blocks` blocks, scales of their rows, and a query within `limit`.
#[derive(Debug, Clone)]
struct Case {
    codes: Vec<u8>,
    scales: Vec<f32>,
    query: Vec<[[i8; TOGETHER]; 2]>,
    floor: f32,
}

const STEPS: [f32; 2] = [0.01, 0.003];
const OFFSET: f32 = 1.5;

fn signed(limit: i8) -> impl Strategy<Value = i8> {
    // Extremes often: that is where 16-bit sums would saturate.
    prop_oneof![Just(-limit), Just(limit), -limit..=limit]
}

fn codes() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0_u8), Just(255_u8), any::<u8>()]
}

fn cases(limit: i8) -> impl Strategy<Value = Case> {
    (1_usize..6, 0_usize..5).prop_flat_map(move |(padded, blocks)| {
        let groups = padded * LANES / DIMS_TOGETHER;
        let four = || prop::array::uniform4(signed(limit));
        (
            prop::collection::vec(codes(), blocks * groups * GROUP),
            prop::collection::vec(1e-6_f32..1.0, blocks * ROWS),
            prop::collection::vec((four(), four()).prop_map(|(a, b)| [a, b]), groups),
            -100.0_f32..100.0,
        )
            .prop_map(|(codes, scales, query, floor)| Case { codes, scales, query, floor })
    })
}

fn run(kernels: &Kernels, case: &Case) -> (Vec<f32>, Vec<u16>) {
    let word = |codes: &[i8; TOGETHER]| u32::from_le_bytes(codes.map(i8::cast_unsigned));
    let words = case.query.iter().map(|[a, b]| [word(a), word(b)]).collect();
    let query = CoarseQuery { words, steps: STEPS, offset: OFFSET };
    let blocks = case.scales.len() / ROWS;
    let (mut scores, mut hits) = (vec![f32::NAN; blocks * ROWS], vec![0; blocks]);
    let input = Blocks { codes: &case.codes, scales: &case.scales, floor: case.floor };
    (kernels.scan)(&query, input, &mut scores, &mut hits);
    (scores, hits)
}

/// Row by row from the definition of the layout.
#[expect(clippy::cast_precision_loss, reason = "the rounding under test")]
fn naive(case: &Case) -> (Vec<f32>, Vec<u16>) {
    let bytes = case.query.len() * TOGETHER;
    let mut scores = Vec::new();
    let mut hits = vec![0; case.scales.len() / ROWS];
    for (row, scale) in case.scales.iter().enumerate() {
        let (mut whole, mut low) = (0_i32, 0_i32);
        for at in 0..bytes {
            let (group, byte) = (at / TOGETHER, at % TOGETHER);
            let start = row / ROWS * ROWS * bytes + group * GROUP + row % ROWS * TOGETHER;
            let code = i32::from(case.codes[start + byte]);
            whole += code * i32::from(case.query[group][0][byte]);
            low += code % 16 * i32::from(case.query[group][1][byte]);
        }
        let score = (whole as f32 * STEPS[0] + low as f32 * STEPS[1] - OFFSET) * scale;
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
    fn every_comparison_sets_the_bits_of_the_naive_loop(
        rows in prop::collection::vec((-3_i8..3, 0_i8..3, 0_i8..3), 0..200),
        floor in -3_i8..5,
        weights in [0_i8..3, 0_i8..3],
    ) {
        let weights = weights.map(f32::from);
        let column = |of: fn(&(i8, i8, i8)) -> i8| -> Vec<f32> {
            rows.iter().map(|row| f32::from(of(row)) / 3.0).collect()
        };
        let [scores, errors, norms] = [column(|row| row.0), column(|row| row.1), column(|row| row.2)];
        let ends = Ends {
            errors: &errors,
            norms: &norms,
            weights,
            floor: f32::from(floor) / 3.0,
        };
        let hit = |row: usize| {
            let margin = errors[row] * weights[0] + norms[row] * weights[1];
            scores[row] + margin >= ends.floor
        };
        let block = |block| {
            (0..ROWS).fold(0, |bits, row| bits | u16::from(hit(block * ROWS + row)) << row)
        };
        let naive: Vec<u16> = (0..rows.len() / ROWS).map(block).collect();
        for kernels in available() {
            let mut hits = vec![99; naive.len()];
            (kernels.reaching)(&scores, ends, &mut hits);
            prop_assert_eq!(&hits, &naive, "{}", kernels.name);
        }
    }

    #[test]
    fn every_sum_is_that_of_the_naive_loop(
        (narrow, wide, row) in (1_usize..9).prop_flat_map(|padded| (
            prop::collection::vec(signed(63), padded * LANES),
            prop::collection::vec(signed(127), padded * LANES),
            prop::collection::vec(codes(), padded * LANES),
        )),
    ) {
        let naive = |query: &[i8]| -> i32 {
            (0..row.len()).map(|at| i32::from(query[at]) * i32::from(row[at])).sum()
        };
        for kernels in available() {
            prop_assert_eq!((kernels.sum)(&narrow, &row), naive(&narrow), "{}", kernels.name);
            if kernels.query_limit == 127 {
                prop_assert_eq!((kernels.sum)(&wide, &row), naive(&wide), "{}", kernels.name);
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

proptest! {
    #[test]
    fn every_estimate_is_the_inner_product_of_signs_and_query(
        (query, rows) in (1_usize..8).prop_flat_map(|words| (
            prop::collection::vec(-8_i8..8, words * 64),
            prop::collection::vec(
                (prop::collection::vec(any::<u64>(), words), 0.0_f32..2.0, -1.0_f32..1.0),
                0..40,
            ),
        )),
    ) {
        let words = query.len() / 64;
        let groups = rows.len() / SKETCH_ROWS;
        let mut bits = vec![0; groups * SKETCH_ROWS * words];
        for (row, (sketch, ..)) in rows.iter().take(groups * SKETCH_ROWS).enumerate() {
            for (word, &value) in sketch.iter().enumerate() {
                let group = row / SKETCH_ROWS * SKETCH_ROWS;
                bits[group * words + word * SKETCH_ROWS + row % SKETCH_ROWS] = value;
            }
        }
        let factors: Vec<f32> = rows.iter().map(|row| row.1).collect();
        let offsets: Vec<f32> = rows.iter().map(|row| row.2).collect();
        let sketches = Sketches { bits: &bits, factors: &factors, offsets: &offsets };
        let mut planes = vec![[0_u64; 4]; words];
        for (dim, code) in query.iter().enumerate() {
            for (plane, bits) in planes[dim / 64].iter_mut().enumerate() {
                *bits |= u64::from(code.cast_unsigned() >> plane & 1) << (dim % 64);
            }
        }
        let sketch_query = SketchQuery { planes, step: 0.25, total: 0.5 };
        let naive: Vec<f32> = rows.iter().take(groups * SKETCH_ROWS).map(|(sketch, factor, offset)| {
            let set = (0..query.len()).filter(|dim| sketch[dim / 64] >> (dim % 64) & 1 == 1);
            let sum: i16 = set.map(|dim| i16::from(query[dim])).sum();
            factor * (f32::from(sum) * 0.5 - 0.5) + offset
        }).collect();
        for kernels in available() {
            let mut scores = vec![0.0; groups * SKETCH_ROWS];
            (kernels.estimate)(&sketch_query, sketches, &mut scores);
            prop_assert_eq!(&scores, &naive, "{}", kernels.name);
        }
    }
}

#[test]
fn the_portable_kernels_are_always_available() {
    assert_eq!(available().last().map(|kernels| kernels.name), Some("portable"));
}
