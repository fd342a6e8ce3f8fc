//! First guesses of parameters and states, from which the search begins.

use super::filter::Smoothing;
use super::form::{Form, Season, Trend};
use crate::predict::forecast::season::{MIN_FACTOR, decompose};
use crate::stats::{mean, real};

/// Range of all smoothing parameters but the damping.
pub(super) const SHARE: (f64, f64) = (1e-4, 0.9999);

/// Range of the damping.
pub(super) const DAMPING: (f64, f64) = (0.8, 0.98);

/// First guess of the smoothing parameters.
///
/// The level is held calm in proportion to the period. Slope and season are guessed low in their
/// ranges, which end at what the guess of the level leaves: [`ranges`].
pub(super) fn smoothing(form: Form, period: usize) -> Smoothing {
    let period = if form.has_season() { real(period) } else { 1.0 };
    let alpha = SHARE.0 + 0.2 * (SHARE.1 - SHARE.0) / period;
    let [_, (_, most_slope), (_, most_season), _] = ranges(alpha);
    let beta = SHARE.0 + 0.1 * (most_slope - SHARE.0);
    let gamma = SHARE.0 + 0.05 * (most_season - SHARE.0);
    let phi =
        if form.trend == Trend::Damped { DAMPING.0 + 0.99 * (DAMPING.1 - DAMPING.0) } else { 1.0 };
    Smoothing {
        alpha,
        beta: if form.has_trend() { beta } else { 0.0 },
        gamma: if form.has_season() { gamma } else { 0.0 },
        phi,
    }
}

/// Ranges of level, slope, season and damping, for a first guess of the level's parameter.
///
/// The slope is bounded by that guess, not by the level's parameter as it is found: a slope that
/// may follow every turn forecasts worse.
pub(super) fn ranges(alpha: f64) -> [(f64, f64); 4] {
    [SHARE, (SHARE.0, SHARE.1.min(alpha)), (SHARE.0, SHARE.1.min(1.0 - alpha)), DAMPING]
}

/// First guess of the states of a series without missing points: level, slope where the form has
/// one, then the season of all points of the period but the first, backwards.
pub(super) fn states(form: Form, series: &[f64], period: usize) -> Option<Vec<f64>> {
    let (mut season, mut rest) = (Vec::new(), series.to_vec());
    if form.has_season() {
        let is_factor = form.season == Season::Multiplicative;
        let whole = if series.len() < 3 * period {
            wave(series, period, is_factor)?
        } else {
            let cycle = decompose(series, period, is_factor)?;
            (0..series.len()).filter_map(|t| cycle.get(t % period).copied()).collect()
        };
        season = whole.iter().take(period).skip(1).rev().copied().collect();
        for (value, season) in rest.iter_mut().zip(&whole) {
            *value = if is_factor { *value / season.max(MIN_FACTOR) } else { *value - season };
        }
        if is_factor {
            for factor in &mut season {
                *factor = factor.max(MIN_FACTOR);
            }
        }
    }
    let n = rest.len().min(if form.has_season() { (2 * period).max(10) } else { 10 });
    let head = rest.get(..n)?;
    let mut states = if form.has_trend() {
        let (level, slope) = line(head)?;
        // A relative error must not divide by a first forecast of 0.
        if (level + slope).abs() < 1e-8 {
            vec![level * (1.0 + 1e-3), slope * (1.0 - 1e-3)]
        } else {
            vec![level, slope]
        }
    } else {
        vec![mean(head)?]
    };
    states.extend(season);
    states.iter().all(|state| state.is_finite()).then_some(states)
}

/// Returns the line through points at 1, 2, …: its height at 0 and its slope.
pub(crate) fn line(points: &[f64]) -> Option<(f64, f64)> {
    let n = real(points.len());
    let (middle, height) = (f64::midpoint(n, 1.0), mean(points)?);
    let (mut both, mut square) = (0.0, 0.0);
    for (i, point) in points.iter().enumerate() {
        let off = real(i + 1) - middle;
        both += off * (point - height);
        square += off * off;
    }
    let slope = if square > 0.0 { both / square } else { 0.0 };
    Some((height - slope * middle, slope))
}

/// Returns the season of a short series: what a line, with a wave of one period beside it, leaves.
fn wave(series: &[f64], period: usize, is_factor: bool) -> Option<Vec<f64>> {
    let turn = std::f64::consts::TAU / real(period);
    let row = |t: usize| {
        let time = real(t + 1);
        [1.0, time, (turn * time).cos(), if period > 2 { (turn * time).sin() } else { 0.0 }]
    };
    let rows: Vec<[f64; 4]> = (0..series.len()).map(row).collect();
    let [height, slope, ..] = least_squares(&rows, series)?;
    let off = series.iter().zip(&rows).map(|(value, row)| {
        let line = height + slope * row[1];
        if is_factor { value / line } else { value - line }
    });
    Some(off.collect())
}

/// Solves a regression on four columns by normal equations; a column without information gets 0.
#[expect(clippy::indexing_slicing, reason = "arrays of fixed size")]
fn least_squares(rows: &[[f64; 4]], values: &[f64]) -> Option<[f64; 4]> {
    let mut system = [[0.0; 5]; 4];
    for (row, value) in rows.iter().zip(values) {
        for i in 0..4 {
            for j in 0..4 {
                system[i][j] += row[i] * row[j];
            }
            system[i][4] += row[i] * value;
        }
    }
    for i in 0..4 {
        let pivot = (i..4).max_by(|a, b| system[*a][i].abs().total_cmp(&system[*b][i].abs()))?;
        system.swap(i, pivot);
        if system[i][i].abs() < 1e-12 {
            system[i] = [0.0; 5];
            system[i][i] = 1.0;
            continue;
        }
        for j in 0..4 {
            if j != i {
                let share = system[j][i] / system[i][i];
                let pivot = system[i];
                for (value, pivot) in system[j].iter_mut().zip(pivot) {
                    *value -= share * pivot;
                }
            }
        }
    }
    let solution = [0, 1, 2, 3].map(|i| system[i][4] / system[i][i]);
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}
