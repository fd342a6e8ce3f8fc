//! Points of a series that do not fit in with those around them.

use super::long_series::{Anomaly, long_scores};
use crate::stats::{deviation, mean, median, real};

/// Number of points around one by whose median it is judged, itself among them.
const WINDOW: usize = 9;

/// Distance from the median, in robust standard deviations, from which a point is an anomaly.
pub(crate) const THRESHOLD: f64 = 4.0;

/// Smallest spread, as a share of the size of the values, that a distance is measured with: a
/// series that hardly moves has no spread, and a change in the last place is no anomaly.
const MIN_SPREAD: f64 = 1e-3;

/// Share of the mean distance below which a median distance is not taken.
const MIN_SHARE_OF_MEAN: f64 = 0.2;

/// Factor from a mean distance to the standard deviation of a normal distribution.
const MEAN_TO_DEVIATION: f64 = 1.253_314_137_315_5;

/// Distance from the median up to which a point is usual, and factor from the standard deviation of
/// usual points of a normal distribution to that of all.
const USUAL: f64 = 3.0;
const USUAL_TO_DEVIATION: f64 = 1.013_6;

/// Most points of a series that is judged so; a longer one is of another kind.
const MAX_POINTS: usize = 1_000;

/// Fewest known points of a series whose points are judged.
pub(crate) const MIN_POINTS: usize = 8;

/// Scale on which distances are measured: that of ratios where all values allow it.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Logarithm,
    /// Logarithm of one more: there are zeros.
    LogarithmOfNext,
    Plain,
}

impl Scale {
    fn of(series: &[f64]) -> Self {
        let least = series.iter().copied().filter(|v| !v.is_nan()).fold(f64::INFINITY, f64::min);
        match least {
            least if least > 0.0 => Self::Logarithm,
            least if least >= 0.0 => Self::LogarithmOfNext,
            _ => Self::Plain,
        }
    }

    fn to(self, value: f64) -> f64 {
        match self {
            Self::Logarithm => value.ln(),
            Self::LogarithmOfNext => value.ln_1p(),
            Self::Plain => value,
        }
    }

    fn back(self, value: f64) -> f64 {
        match self {
            Self::Logarithm => value.exp(),
            Self::LogarithmOfNext => value.exp_m1(),
            Self::Plain => value,
        }
    }
}

/// Finds the anomalies of a series; missing points are NaN. None for less than [`MIN_POINTS`].
pub(crate) fn anomalies(series: &[f64]) -> Vec<Anomaly> {
    let mut found = scores(series);
    found.retain(|judged| judged.score.abs() > THRESHOLD);
    found
}

/// Judges every known point of a series; none for less than [`MIN_POINTS`].
pub(crate) fn scores(series: &[f64]) -> Vec<Anomaly> {
    let scale = Scale::of(series);
    let known = series.iter().enumerate().filter(|(_, value)| value.is_finite());
    if series.len() > MAX_POINTS {
        return long_scores(&known.map(|(at, value)| (at, *value)).collect::<Vec<_>>());
    }
    let known: Vec<(usize, f64)> = known.map(|(at, value)| (at, scale.to(*value))).collect();
    if known.len() < MIN_POINTS {
        return Vec::new();
    }
    // Drift is measured from one known point to the next: across a long gap it says nothing.
    let values: Vec<f64> = known.iter().map(|(_, value)| *value).collect();
    let slope = slope(&values);
    let levelled = values.iter().enumerate().map(|(i, value)| value - slope * real(i));
    let levelled: Vec<f64> = levelled.collect();
    let centres: Vec<f64> = (0..levelled.len()).map(|i| centre(&levelled, i)).collect();
    let size = known.iter().map(|(_, value)| value.abs()).sum::<f64>() / real(known.len());
    let floor = match scale {
        Scale::Plain => MIN_SPREAD * size,
        Scale::Logarithm | Scale::LogarithmOfNext => MIN_SPREAD,
    };
    let (centres, spread) = refined(&levelled, centres);
    let spread = spread.max(floor).max(f64::MIN_POSITIVE);
    let judged = known.iter().zip(&centres).enumerate().filter_map(|(i, ((at, known), centre))| {
        let centre = centre + slope * real(i);
        let value = *series.get(*at)?;
        let score = (known - centre) / spread;
        Some(Anomaly { at: *at, value, expected: scale.back(centre), score })
    });
    judged.collect()
}

/// Returns centres and the spread around them, from medians as centres.
///
/// Medians are safe from unusual points but vary more than means: once those points are known, the
/// means of the others are taken, each point judged by those around it alone.
fn refined(levelled: &[f64], medians: Vec<f64>) -> (Vec<f64>, f64) {
    let off: Vec<f64> = levelled.iter().zip(&medians).map(|(value, c)| value - c).collect();
    let spread = deviation(&off, 0.0).unwrap_or(0.0);
    // Where most points are equal the median says nothing: the mean of the distances does.
    let mean_off = off.iter().map(|off| off.abs()).sum::<f64>() / real(off.len().max(1));
    if spread < MIN_SHARE_OF_MEAN * mean_off {
        return (medians, MEAN_TO_DEVIATION * mean_off);
    }
    let is_usual = |i: usize| off.get(i).is_some_and(|off| off.abs() <= USUAL * spread);
    let centre = |(i, median): (usize, &f64)| {
        let (from, to) = window(levelled.len(), i);
        let others = (from..to).filter(|at| *at != i && is_usual(*at));
        let others: Vec<f64> = others.filter_map(|at| levelled.get(at).copied()).collect();
        // Few are left where a stretch is unusual as a whole.
        if others.len() < WINDOW / 2 { *median } else { mean(&others).unwrap_or(*median) }
    };
    let centres: Vec<f64> = medians.iter().enumerate().map(centre).collect();
    let usual = levelled.iter().zip(&centres).enumerate().filter(|(i, _)| is_usual(*i));
    let squares: Vec<f64> = usual.map(|(_, (value, c))| (value - c).powi(2)).collect();
    let refined = mean(&squares).unwrap_or(0.0).sqrt() * USUAL_TO_DEVIATION;
    (centres, if refined > 0.0 { refined } else { spread })
}

/// Returns the median of the slopes between points half a series apart: at the ends of a drifting
/// series, where the points around one lie on one side, the drift has to be taken out.
fn slope(values: &[f64]) -> f64 {
    let half = values.len() / 2;
    let pairs = values.iter().zip(values.iter().skip(half));
    let mut rises: Vec<f64> = pairs.map(|(low, high)| high - low).collect();
    median(&mut rises).unwrap_or(0.0) / real(half.max(1))
}

/// Returns where the points around one begin and end.
fn window(n: usize, i: usize) -> (usize, usize) {
    let width = WINDOW.min(n);
    let from = i.saturating_sub(width / 2).min(n - width);
    (from, from + width)
}

/// Returns the median of the points around one.
fn centre(values: &[f64], i: usize) -> f64 {
    let (from, to) = window(values.len(), i);
    median(&mut values.get(from..to).unwrap_or_default().to_vec()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::chance::Chance;

    /// Series of 60 points with three that were moved by six deviations or more.
    fn planted(shape: usize, chance: &mut Chance) -> (Vec<f64>, Vec<usize>) {
        let spots: Vec<usize> = (0..3).map(|k| k * 20 + 2 + chance.below(16)).collect();
        let series = (0..60).map(|t| {
            let spike = if spots.contains(&t) { 6.0 + 3.0 * chance.next() } else { 0.0 };
            let noise = chance.normal();
            match shape {
                0 => 100.0 + 10.0 * (noise + spike),
                1 => (4.0 + 0.5 * (noise + spike)).exp(),
                _ => (100.0 + 4.0 * real(t)) * (0.05 * (noise + spike)).exp(),
            }
        });
        (series.collect(), spots)
    }

    #[test]
    fn planted_points_are_found_in_level_skewed_and_drifting_series() {
        let mut chance = Chance::new(11);
        for shape in 0..3 {
            let (mut hits, mut found, mut wanted) = (0, 0, 0);
            for _ in 0..200 {
                let (series, spots) = planted(shape, &mut chance);
                let at: Vec<usize> = anomalies(&series).iter().map(|a| a.at).collect();
                hits += at.iter().filter(|at| spots.contains(at)).count();
                found += at.len();
                wanted += spots.len();
            }
            let f1 = 2.0 * real(hits) / real(found + wanted);
            println!("shape {shape}: F1 {f1:.3}");
            assert!(f1 >= 0.94, "shape {shape}: {f1}");
        }
    }

    #[test]
    fn constant_short_and_empty_series_have_none() {
        for series in [vec![], vec![5.0; 3], vec![5.0; 50], vec![f64::NAN; 50], vec![0.0; 50]] {
            assert_eq!(anomalies(&series), []);
        }
    }

    #[test]
    fn a_point_after_a_long_gap_is_judged_by_the_points_before_the_gap() {
        let mut series: Vec<f64> =
            (0..12_u8).map(|t| 10.0 + f64::from(t * 7 % 5) + f64::from(t) / 4.0).collect();
        series.extend([f64::NAN; 300]);
        series.push(14.0);
        assert_eq!(anomalies(&series), []);
    }

    #[test]
    fn one_huge_point_is_found_among_equal_ones_with_what_was_expected() {
        let mut series = vec![10.0; 30];
        series[17] = 1e12;
        let [found] = anomalies(&series)[..] else { panic!("one anomaly") };
        assert_eq!(found.at, 17);
        assert!((found.expected - 10.0).abs() < 1e-6 && found.score > 20.0);
    }
}
