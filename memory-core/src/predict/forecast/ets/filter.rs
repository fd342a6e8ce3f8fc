//! Recursion of a model of exponential smoothing over a series.

use super::form::{Form, Season, Trend};
use crate::stats::real;

/// Size below which a divisor counts as 0.
const TINY: f64 = 1e-10;

/// Value in place of a quotient by 0: large enough that no such parameters are chosen.
const HUGE: f64 = 1e10;

/// Smoothing parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Smoothing {
    /// Share of an error that moves the level.
    pub(crate) alpha: f64,
    /// Share that moves the slope, at most `alpha`.
    pub(crate) beta: f64,
    /// Share that moves the season.
    pub(crate) gamma: f64,
    /// Factor by which a slope fades; 1 where it does not.
    pub(crate) phi: f64,
}

/// State of a model between two points.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) level: f64,
    pub(crate) slope: f64,
    /// Offsets or factors of the season; that of point `t` stands at `t` modulo its length.
    pub(crate) season: Vec<f64>,
    /// Position in `season` of the next point.
    pub(crate) at: usize,
}

impl State {
    /// Returns the forecast of the next point, with its part without season.
    #[inline]
    fn next(&self, form: Form, phi: f64) -> (f64, f64, f64) {
        let slope = if form.has_trend() { phi * self.slope } else { 0.0 };
        let base = self.level + slope;
        let season = self.season.get(self.at).copied().unwrap_or(0.0);
        let point = match form.season {
            Season::Flat => base,
            Season::Additive => base + season,
            Season::Multiplicative => base * season,
        };
        (point, base, slope)
    }

    /// Moves the state past a point; one that is missing (NaN) moves it as expected.
    #[inline]
    fn update(&mut self, form: Form, smoothing: &Smoothing, y: f64, base: f64, slope: f64) {
        let Smoothing { alpha, beta, gamma, .. } = *smoothing;
        if y.is_nan() {
            self.level = base;
            self.slope = slope;
        } else {
            let season = self.season.get(self.at).copied().unwrap_or(0.0);
            let quotient = |a: f64, b: f64| if b.abs() < TINY { HUGE } else { a / b };
            let (seen, ratio) = match form.season {
                Season::Flat => (y, 0.0),
                Season::Additive => (y - season, y - base),
                Season::Multiplicative => (quotient(y, season), quotient(y, base)),
            };
            let level = base + alpha * (seen - base);
            if form.has_trend() {
                self.slope = slope + (beta / alpha) * (level - self.level - slope);
            }
            self.level = level;
            if let Some(season) = self.season.get_mut(self.at) {
                *season += gamma * (ratio - *season);
            }
        }
        self.at = if self.at + 1 >= self.season.len() { 0 } else { self.at + 1 };
    }

    /// Runs over a series; `visit` gets the state before each point and the forecast of it.
    pub(crate) fn run(
        &mut self,
        form: Form,
        smoothing: &Smoothing,
        series: &[f64],
        mut visit: impl FnMut(&Self, f64),
    ) {
        for y in series {
            let (point, base, slope) = self.next(form, smoothing.phi);
            visit(self, point);
            self.update(form, smoothing, *y, base, slope);
        }
    }

    /// Returns the point forecasts of the next `horizon` points.
    pub(crate) fn forecast(&self, form: Form, phi: f64, horizon: usize) -> Vec<f64> {
        let (mut fade, mut sum) = (1.0, 0.0);
        let mut at = self.at;
        let mut points = Vec::with_capacity(horizon);
        for _ in 0..horizon {
            fade *= phi;
            sum += fade;
            let base =
                if form.trend == Trend::Flat { self.level } else { self.level + sum * self.slope };
            let season = self.season.get(at).copied().unwrap_or(0.0);
            points.push(match form.season {
                Season::Flat => base,
                Season::Additive => base + season,
                Season::Multiplicative => base * season,
            });
            at = if at + 1 >= self.season.len() { 0 } else { at + 1 };
        }
        points
    }
}

/// Returns −2 ln of the likelihood of a series up to a constant; infinite where it has none.
pub(crate) fn deviance(
    form: Form,
    smoothing: &Smoothing,
    state: &mut State,
    series: &[f64],
) -> f64 {
    let (mut squares, mut logs, mut product, mut n) = (0.0, 0.0_f64, 1.0_f64, 0_usize);
    for y in series {
        let (point, base, slope) = state.next(form, smoothing.phi);
        if !y.is_nan() {
            let error = if form.is_relative {
                let divisor = if point.abs() < TINY { point + TINY } else { point };
                // A product of forecasts in place of their logarithms, as far as its range allows.
                product *= divisor.abs();
                if !(1e-100..=1e100).contains(&product) {
                    logs += product.ln();
                    product = 1.0;
                }
                (y - point) / divisor
            } else {
                y - point
            };
            squares += error * error;
            n += 1;
        }
        state.update(form, smoothing, *y, base, slope);
    }
    let mut deviance = real(n) * (if squares > 0.0 { squares } else { 1e-8 }).ln();
    if form.is_relative {
        deviance += 2.0 * (logs + product.ln());
    }
    if deviance.is_nan() { f64::INFINITY } else { deviance.max(-1e10) }
}
