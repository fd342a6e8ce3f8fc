//! Forecasts of numbers: point forecasts with intervals, and the method that made them.
//!
//! Exponential smoothing (`ets`) and the Theta method (`theta`) are fitted to the whole series.
//! Both then forecast from earlier points of it (rolling origin): the errors say which of the two,
//! or their mean, is taken, and how wide the intervals are.

pub(crate) mod ets;
mod gaps;
mod intervals;
mod season;
pub(crate) mod theta;

use ets::Model;
use intervals::Errors;
use theta::Theta;

/// Maximum number of points that are fitted; older ones are left out.
const MAX_POINTS: usize = 400;

/// Fewest known points of a series with a forecast.
pub(crate) const MIN_POINTS: usize = 8;

/// Longest period of a season.
const MAX_PERIOD: usize = 24;

/// Share by which the errors of one method must be below those of the mean of both to be taken.
const CLEARLY: f64 = 0.85;

/// Method of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Exponential smoothing of a form.
    Ets(ets::Form),
    /// The Theta method.
    Theta,
    /// Mean of both.
    Mean(ets::Form),
    /// The last value: nothing could be fitted.
    Last,
}

/// Forecast of the points after a series.
#[derive(Debug, Clone)]
pub(crate) struct Forecast {
    pub(crate) method: Method,
    /// Points of the season, where the method has one.
    pub(crate) period: Option<usize>,
    pub(crate) points: Vec<f64>,
    pub(crate) lower: Vec<f64>,
    pub(crate) upper: Vec<f64>,
    /// Mean absolute error of each method that was tried, from earlier points of the series: of
    /// smoothing, of Theta and of their mean.
    pub(crate) errors: Option<[f64; 3]>,
    /// Number of earlier points that were forecast from.
    pub(crate) n_origins: usize,
}

/// Range of the values that a series can have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Range {
    fn clamp(self, value: f64) -> f64 {
        if value.is_nan() { self.low } else { value.max(self.low).min(self.high) }
    }
}

/// Forecasts the `horizon` points after a series, with the central interval at `level`.
///
/// Missing points are NaN. `None` for less than [`MIN_POINTS`] known points.
pub(crate) fn forecast(
    series: &[f64],
    period: usize,
    horizon: usize,
    level: f64,
    range: Range,
) -> Option<Forecast> {
    // Whole periods are cut off, so that the season keeps its place.
    let series = series.get(series.len().saturating_sub(MAX_POINTS)..)?;
    if series.iter().filter(|value| !value.is_nan()).count() < MIN_POINTS {
        return None;
    }
    let period = if period <= MAX_PERIOD { period } else { 1 };
    let theta = Theta::fit(series, period);
    let model = Model::choose(series, period);
    let errors = Errors::of(series, model.as_ref(), theta.as_ref(), horizon);
    let means = errors.means();
    let (method, points) = match (&model, &theta) {
        (Some(model), Some(theta)) => {
            let [smoothing, straight, both] = means.unwrap_or([1.0; 3]);
            if smoothing < CLEARLY * both {
                (Method::Ets(model.form), model.forecast(horizon))
            } else if straight < CLEARLY * both {
                (Method::Theta, theta.forecast(horizon))
            } else {
                let pairs = model.forecast(horizon).into_iter().zip(theta.forecast(horizon));
                let mean = pairs.map(|(a, b)| f64::midpoint(a, b)).collect();
                (Method::Mean(model.form), mean)
            }
        }
        (Some(model), None) => (Method::Ets(model.form), model.forecast(horizon)),
        (None, Some(theta)) => (Method::Theta, theta.forecast(horizon)),
        (None, None) => {
            let last = series.iter().rev().find(|value| !value.is_nan()).copied()?;
            (Method::Last, vec![last; horizon])
        }
    };
    let which = match method {
        Method::Ets(_) => 0,
        Method::Theta => 1,
        Method::Mean(_) | Method::Last => 2,
    };
    let points: Vec<f64> = points.into_iter().map(|point| range.clamp(point)).collect();
    let widths = errors.widths(which, &points, level);
    let bound = |sign: f64| {
        points.iter().zip(&widths).map(|(point, width)| range.clamp(point + sign * width)).collect()
    };
    let is_seasonal = match method {
        Method::Ets(form) => form.has_season(),
        Method::Theta => theta.as_ref().is_some_and(Theta::is_seasonal),
        Method::Mean(form) => form.has_season() || theta.as_ref().is_some_and(Theta::is_seasonal),
        Method::Last => false,
    };
    Some(Forecast {
        method,
        period: is_seasonal.then_some(period),
        lower: bound(-1.0),
        upper: bound(1.0),
        points,
        errors: means,
        n_origins: errors.n_origins(),
    })
}

#[cfg(test)]
mod tests;
