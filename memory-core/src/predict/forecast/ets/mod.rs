//! Exponential smoothing with an automatic choice among fifteen forms.
//!
//! `form` names the forms, `filter` runs one over a series, `initial` guesses where to begin,
//! `search` finds the minimum. Parameters and first states maximise the likelihood; the form is
//! chosen by the corrected Akaike criterion. Missing points (NaN) move the states as expected.

mod filter;
mod form;
mod initial;
mod search;

pub(crate) use filter::{Smoothing, State, deviance};
pub(crate) use form::{Form, Season, Trend};
pub(crate) use initial::line;
use search::{Bounds, Effort, minimum};

use super::gaps::filled;
use crate::stats::real;

/// Effort at which forms are compared.
const ROUGH: Effort = Effort { tolerance: 1e-2, max_rounds: 1_000 };

/// Effort at which the best of them are fitted.
const FINE: Effort = Effort { tolerance: 1e-7, max_rounds: 2_000 };

/// Number of forms without trend whose errors and seasons are tried with a trend.
const N_KEPT: usize = 2;

/// A model fitted to a series.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) form: Form,
    pub(crate) smoothing: Smoothing,
    /// State before the first point.
    pub(crate) start: State,
    /// State after the last point.
    pub(crate) end: State,
    /// Number of fitted numbers.
    pub(crate) n_fitted: usize,
}

/// Search for the best numbers of one form.
struct Candidate<'a> {
    form: Form,
    period: usize,
    series: &'a [f64],
    /// Parameters, then states.
    numbers: Vec<f64>,
    bounds: Vec<Bounds>,
    /// Corrected Akaike criterion of the numbers.
    criterion: f64,
}

impl<'a> Candidate<'a> {
    /// Makes the first guess; `None` where the series is too short for the form or the form does
    /// not suit it.
    fn new(form: Form, series: &'a [f64], whole: &[f64], period: usize) -> Option<Self> {
        let known = series.iter().filter(|value| !value.is_nan());
        let n = known.clone().count();
        let is_seasonal = period >= 2 && series.len() > period;
        if form.has_season() && !is_seasonal {
            return None;
        }
        let n_fitted = form.n_smoothing() + form.n_states(period);
        if n_fitted + 3 > n || (form.needs_positive() && known.clone().any(|value| *value <= 0.0)) {
            return None;
        }
        let first = initial::smoothing(form, period);
        let ranges = initial::ranges(first.alpha);
        let all = [
            (true, first.alpha),
            (form.has_trend(), first.beta),
            (form.has_season(), first.gamma),
            (form.trend == Trend::Damped, first.phi),
        ];
        let used = || all.iter().zip(ranges).filter(|((is_used, _), _)| *is_used);
        let mut numbers: Vec<f64> = used().map(|((_, guess), _)| *guess).collect();
        let mut bounds: Vec<Bounds> = used().map(|(_, range)| range).collect();
        numbers.extend(initial::states(form, whole, period)?);
        bounds.resize(numbers.len(), (f64::NEG_INFINITY, f64::INFINITY));
        Some(Self { form, period, series, numbers, bounds, criterion: f64::INFINITY })
    }

    /// Searches on from where it stands.
    fn search(&mut self, effort: Effort) {
        let (form, period, series) = (self.form, self.period, self.series);
        let mut state = State::default();
        let function = |numbers: &[f64]| match unpack(form, period, numbers, &mut state) {
            Some(smoothing) => deviance(form, &smoothing, &mut state, series),
            None => f64::INFINITY,
        };
        let (numbers, value) = minimum(function, &self.numbers, &self.bounds, effort);
        let k = real(numbers.len() + 1);
        let n = real(series.iter().filter(|value| !value.is_nan()).count());
        let room = n - k - 1.0;
        let correction = if room > 0.0 { 2.0 * k * (k + 1.0) / room } else { f64::INFINITY };
        self.numbers = numbers;
        self.criterion = value + 2.0 * k + correction;
    }

    fn model(self) -> Option<Model> {
        let mut state = State::default();
        let smoothing = unpack(self.form, self.period, &self.numbers, &mut state)?;
        let start = state.clone();
        state.run(self.form, &smoothing, self.series, |_, _| {});
        self.criterion.is_finite().then_some(Model {
            form: self.form,
            smoothing,
            start,
            end: state,
            n_fitted: self.numbers.len(),
        })
    }
}

impl Model {
    /// Fits a form; `None` where the series is too short for it or the form does not suit it.
    #[cfg(test)]
    pub(crate) fn fit(form: Form, series: &[f64], period: usize) -> Option<Self> {
        let mut candidate = Candidate::new(form, series, &filled(series), period)?;
        candidate.search(ROUGH);
        candidate.search(FINE);
        candidate.model()
    }

    /// Fits the best form.
    ///
    /// Forms without trend are compared first; trends are tried with the errors and seasons that
    /// do best without. That costs half as much as to fit all fifteen.
    pub(crate) fn choose(series: &[f64], period: usize) -> Option<Self> {
        let whole = filled(series);
        let fit = |form: &Form| {
            let mut candidate = Candidate::new(*form, series, &whole, period)?;
            candidate.search(ROUGH);
            Some(candidate)
        };
        let best_first = |candidates: &mut Vec<Candidate<'_>>| {
            candidates.sort_by(|a, b| a.criterion.total_cmp(&b.criterion));
        };
        let flat = Form::ALL.iter().filter(|form| !form.has_trend());
        let mut candidates: Vec<Candidate<'_>> = flat.filter_map(fit).collect();
        best_first(&mut candidates);
        let kept: Vec<Form> = candidates.iter().take(N_KEPT).map(|kept| kept.form).collect();
        let is_kept = |form: &&Form| {
            let same =
                |kept: &Form| (kept.is_relative, kept.season) == (form.is_relative, form.season);
            form.has_trend() && kept.iter().any(same)
        };
        candidates.extend(Form::ALL.iter().filter(is_kept).filter_map(fit));
        best_first(&mut candidates);
        let mut best = candidates.into_iter().next()?;
        best.search(FINE);
        best.model()
    }

    /// Returns the forecasts of up to `reach` points from before each point of a series.
    pub(crate) fn forecasts_from_each(&self, series: &[f64], reach: usize) -> Vec<Vec<f64>> {
        let (mut state, n) = (self.start.clone(), series.len());
        let mut forecasts = Vec::with_capacity(n);
        state.run(self.form, &self.smoothing, series, |state, _| {
            let reach = reach.min(n - forecasts.len());
            forecasts.push(state.forecast(self.form, self.smoothing.phi, reach));
        });
        forecasts
    }

    /// Returns the point forecasts of the next `horizon` points.
    pub(crate) fn forecast(&self, horizon: usize) -> Vec<f64> {
        self.end.forecast(self.form, self.smoothing.phi, horizon)
    }
}

/// Writes the states among the numbers of a search into `state` and returns the parameters among
/// them; `None` where a factor of the season is negative.
fn unpack(form: Form, period: usize, numbers: &[f64], state: &mut State) -> Option<Smoothing> {
    let mut numbers = numbers.iter().copied();
    let mut next = |is_there: bool, absent: f64| {
        if is_there { numbers.next().unwrap_or(absent) } else { absent }
    };
    let smoothing = Smoothing {
        alpha: next(true, 0.0),
        beta: next(form.has_trend(), 0.0),
        gamma: next(form.has_season(), 0.0),
        phi: next(form.trend == Trend::Damped, 1.0),
    };
    state.level = next(true, 0.0);
    state.slope = next(form.has_trend(), 0.0);
    state.at = 0;
    state.season.clear();
    if form.has_season() {
        let whole = if form.season == Season::Multiplicative { real(period) } else { 0.0 };
        let rest: f64 = numbers.clone().sum();
        state.season.push(whole - rest);
        state.season.extend(numbers.rev());
        let is_factor = form.season == Season::Multiplicative;
        if is_factor && state.season.iter().any(|factor| *factor < 0.0) {
            return None;
        }
    }
    Some(smoothing)
}
