//! Series of every bad kind, and ranges that hold.

use proptest::prelude::*;

use super::{MIN_POINTS, Range, forecast};

const POSITIVE: Range = Range { low: 0.0, high: f64::MAX };

#[test]
fn few_points_have_no_forecast_and_constant_ones_go_on() {
    for series in [vec![], vec![1.0], vec![1.0, 2.0], vec![f64::NAN; 40], vec![3.0; MIN_POINTS - 1]]
    {
        assert!(forecast(&series, 1, 5, 0.8, POSITIVE).is_none(), "{series:?}");
    }
    let found = forecast(&[7.0; 20], 7, 4, 0.8, POSITIVE).unwrap();
    for (low, point) in found.lower.iter().zip(&found.points) {
        assert!((point - 7.0).abs() < 1e-6 && (low - 7.0).abs() < 1e-3, "{found:?}");
    }
}

#[test]
fn a_season_with_missing_days_goes_on_as_it_was() {
    let day = |t: usize| if t % 7 >= 5 { 10.0 } else { 40.0 };
    let mut series: Vec<f64> = (0..84).map(|t| day(t) + [0.0, 0.5, -0.5][t % 3]).collect();
    for gap in [10, 11, 30, 55] {
        series[gap] = f64::NAN;
    }
    let found = forecast(&series, 7, 14, 0.8, POSITIVE).unwrap();
    assert_eq!(found.period, Some(7));
    for (ahead, point) in found.points.iter().enumerate() {
        assert!((point - day(84 + ahead)).abs() < 3.0, "{ahead}: {point}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_series_gives_a_figure_that_is_none_or_out_of_range(
        series in prop::collection::vec(
            prop_oneof![
                4 => 0.0..1e4_f64,
                1 => Just(f64::NAN),
                1 => Just(0.0),
                1 => Just(1e12),
                1 => -5.0..5.0_f64,
            ],
            0..60,
        ),
        horizon in 1..40_usize,
        period in 1..9_usize,
        level in 0.01..0.999_f64,
    ) {
        if let Some(found) = forecast(&series, period, horizon, level, POSITIVE) {
            prop_assert_eq!(found.points.len(), horizon);
            for ((low, point), high) in found.lower.iter().zip(&found.points).zip(&found.upper) {
                prop_assert!(0.0 <= *low && low <= point && point <= high && high.is_finite());
            }
        }
    }
}
