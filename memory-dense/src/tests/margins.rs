//! Margins bound the errors of scores of codes, plain and along principal axes.

use crate::arithmetic::squared_norm;
use crate::error_bound::{ErrorBound, QUERY_ERROR_SHARE, RowStats, WorstRow};
use crate::kernel::{GROUP, Kernels, ROWS, ScanBlocks, ScanQuery, portable};
use crate::principal_axes::PrincipalAxes;
use crate::query::Query;
use crate::row_codes::RowCodes;
use crate::row_format::RowFormat;
use crate::scan_quantizer::ScanQuantizer;
use proptest::prelude::*;

fn vectors() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
    let value = || prop_oneof![-1.0_f32..1.0, Just(0.0), Just(1.0), -1e-6_f32..1e-6];
    let dims = prop_oneof![5 => 1_usize..80, 1 => 96_usize..200];
    (dims, -11_i32..10, -11_i32..10).prop_flat_map(move |(dims, left, right)| {
        let scaled = move |exponent: i32| {
            prop::collection::vec(value(), dims)
                .prop_map(move |values| values.iter().map(|v| v * 10_f32.powi(exponent)).collect())
        };
        (scaled(left), scaled(right))
    })
}

/// Returns the quantizer along axes of these vectors, whether that is worth it or not.
fn along(vectors: &[&[f32]], format: RowFormat) -> Option<ScanQuantizer> {
    let unit = |vector: &&[f32]| -> Vec<f32> {
        let norm = squared_norm(vector).sqrt();
        #[expect(clippy::cast_possible_truncation, reason = "a sample")]
        let unit: Vec<f32> = vector.iter().map(|value| (f64::from(*value) / norm) as f32).collect();
        if norm > 0.0 { format.padded(&unit) } else { Vec::new() }
    };
    let sample: Vec<f32> = vectors.iter().flat_map(unit).collect();
    let axes = PrincipalAxes::with_score_error(&sample, format.width, &|| true);
    axes.map(|(axes, _)| ScanQuantizer::along(axes))
}

/// Returns the scores of both kinds of codes with their margins.
fn scores(row: &[f32], query: &Query, by: &ScanQuantizer, format: RowFormat) -> [(f32, f32); 2] {
    let kernels = &portable::KERNELS;
    let padded = format.padded(row);
    let bytes = RowCodes::bytes_of(&padded, kernels);
    let mut sum = [0];
    (kernels.byte_dots)(&query.bytes.codes, &[&bytes.bytes], &mut sum);
    let sum = sum[0] - query.bytes.offset;
    #[expect(clippy::cast_precision_loss, reason = "as a search does")]
    let by_bytes = sum as f32 * bytes.stats.step * query.bytes.step;
    // One row of a block, whose others are zeros.
    let scan = by.code(&padded, squared_norm(&padded).sqrt(), kernels);
    let mut codes = vec![0; format.block_bytes()];
    for (group, four) in
        codes.as_chunks_mut::<GROUP>().0.iter_mut().zip(scan.bytes.as_chunks::<4>().0)
    {
        group[..4].copy_from_slice(four);
    }
    let mut scales = [0.0; ROWS];
    scales[0] = scan.stats.step;
    let mut by_scan = [0.0; ROWS];
    let blocks = ScanBlocks { codes: &codes, scales: &scales, floor: 0.0 };
    (kernels.scan)(&query.scan, blocks, &mut by_scan, &mut [0]);
    let margin = |bound: ErrorBound, of: RowStats| bound.margin(of.error, of.norm);
    [
        (by_bytes, margin(query.bytes.bound, bytes.stats)),
        (by_scan[0], margin(query.scan_bound, scan.stats)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn margins_bound_the_errors_of_scores_of_codes(
        (row, query) in vectors(),
        like in -2.0_f32..2.0,
        below in 1e-7..0.5,
        worse in 1.0_f32..1.5,
        at in any::<prop::sample::Index>(),
        query_limit in prop_oneof![Just(63_i8), Just(127)],
    ) {
        let plain = RowFormat::new(row.len()).unwrap();
        let kernels = Kernels { query_limit, ..portable::KERNELS };
        // Also queries that lie nearly along the row.
        let mixed: Vec<f32> = row.iter().zip(&query).map(|(x, q)| x * like + q).collect();
        prop_assume!(plain.check(&row).is_ok());
        let mut elsewhere = vec![0.0; row.len()];
        elsewhere[at.index(row.len())] = 1.0;
        let quantizers = [
            Some(ScanQuantizer::plain(plain.width)),
            along(&[&row, &query], plain),
            // Most of the vectors is at right angles to these axes.
            along(&[&elsewhere], plain),
        ];
        for by in quantizers.into_iter().flatten() {
            let format = RowFormat { scan_layout: by.layout(), ..plain };
            for query in [&query, &mixed] {
                let Ok(query_codes) = Query::new(query, format, &by, &kernels) else { continue };
                let exact: f64 =
                    row.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                let by_codes = scores(&row, &query_codes, &by, format);
                for (score, margin) in by_codes {
                    prop_assert!(f64::from(score + margin) >= exact);
                    prop_assert!(f64::from(score - margin) <= exact);
                }
                // A row whose exact score is the floor is never ruled out.
                #[expect(clippy::cast_possible_truncation, reason = "a floor below it")]
                let floor = (exact - exact.abs() * below) as f32;
                let padded = format.padded(&row);
                let stats = by.code(&padded, squared_norm(&padded).sqrt(), &kernels).stats;
                let error = (stats.error + stats.norm * QUERY_ERROR_SHARE) * (1.0 + f32::EPSILON);
                let worst = WorstRow { error: error * worse, norm: stats.norm * worse };
                let bound = query_codes.scan_bound.narrowed(floor, worst);
                let (weight, least) = bound.cutoff(floor, worst);
                prop_assert!(by_codes[1].0 + error * weight >= least);
            }
        }
    }
}

#[test]
fn a_high_floor_narrows_the_bound_of_plain_codes_and_never_that_of_rotated_ones() {
    let format = RowFormat::new(128).unwrap();
    let vector: Vec<f32> = (0..128_u8).map(|dim| (f32::from(dim) * 1.7).sin() / 8.0).collect();
    let worst = WorstRow { error: 0.2, norm: 1.0 };
    let weight = |by: &ScanQuantizer| {
        let format = RowFormat { scan_layout: by.layout(), ..format };
        let bound = Query::new(&vector, format, by, &portable::KERNELS).unwrap().scan_bound;
        [bound, bound.narrowed(0.9, worst)].map(|bound| bound.cutoff(0.9, worst).0)
    };
    let [whole, narrowed] = weight(&ScanQuantizer::plain(format.width));
    assert!(narrowed < whole * 0.9, "{narrowed} of {whole}");
    let [whole, kept] = weight(&along(&[&vector], format).unwrap());
    assert_eq!(kept.to_bits(), whole.to_bits());
}

#[test]
fn what_the_codes_of_a_query_miss_is_within_the_margin_of_a_row_that_lies_along_it() {
    let (dims, kernels) = (64_u16, &portable::KERNELS);
    let format = RowFormat::new(usize::from(dims)).unwrap();
    let by = ScanQuantizer::plain(format.width);
    for seed in 0..100_u16 {
        let query: Vec<f32> =
            (0..dims).map(|dim| (f32::from(seed) + f32::from(dim) * 1.7).sin()).collect();
        let query_codes = Query::new(&query, format, &by, kernels).unwrap();
        let ScanQuery { codes, steps: [_, whole, low, _], .. } = &query_codes.scan;
        let (lows, wholes) = codes.split_at(codes.len() / 2);
        let low_values =
            lows.iter().zip(wholes).map(|(l, w)| f32::from(*l) * low + f32::from(*w) * whole);
        let high_values = wholes.iter().map(|w| f32::from(*w) * whole * 16.0);
        // Codes of equal magnitude miss nothing of this row.
        let values = low_values.chain(high_values).zip(&query);
        let row: Vec<f32> = values.map(|(value, query)| (query - value).signum()).collect();
        let exact: f64 = row.iter().zip(&query).map(|(x, q)| f64::from(*x) * f64::from(*q)).sum();
        let [_, (score, margin)] = scores(&row, &query_codes, &by, format);
        let off = (exact - f64::from(score)).abs();
        assert!(off <= f64::from(margin), "{seed}: {off} {margin}");
        assert!(off * 2.0 > f64::from(margin), "{seed}: the margin is tight here: {off} {margin}");
    }
}
