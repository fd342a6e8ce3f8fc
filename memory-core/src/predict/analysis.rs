//! The analyses: a question is put to the method that fits it.

use super::anomaly::{self, anomalies};
use super::answer::{Analysis, Finding, ForecastPoint, SeriesPoint};
use super::calibration::calibration;
use super::changepoint::{breaks, outcome_breaks, standardized};
use super::forecast::{self, Method, Range, forecast};
use super::oddities::oddities;
use super::question::{AnalysisKind, AnalysisQuery, DEFAULT_HORIZON, DEFAULT_LEVEL, Metric};
use super::rate::rate;
use super::series::{BinUnit, Series};
use super::wording;
use crate::learn::Learned;
use crate::stats::median;

/// Most findings of an analysis.
const MAX_FINDINGS: usize = 10;

/// Most episodes that are named for a finding.
const MAX_EPISODES: usize = 3;

/// Fewest bins, or episodes, that are searched for a change.
const MIN_FOR_CHANGES: usize = 8;

/// Answers a question from what was learned, but for effects, which are patterns.
pub(crate) fn analyze(learned: &Learned, query: &AnalysisQuery) -> Analysis {
    let mut answer = Analysis {
        kind: query.kind,
        metric: query.meant_metric(),
        n_episodes: 0,
        n_left_out: 0,
        unit: BinUnit::Episode,
        series: Vec::new(),
        method: String::new(),
        sentence: String::new(),
        forecast: Vec::new(),
        findings: Vec::new(),
        effects: Vec::new(),
        calibration: None,
    };
    match query.kind {
        AnalysisKind::Effects => {}
        AnalysisKind::Calibration => {
            answer.calibration = calibration(learned.asked_runs(query));
            answer.n_episodes = answer.calibration.as_ref().map_or(0, |found| found.n);
            wording::CALIBRATION_METHOD.clone_into(&mut answer.method);
            answer.sentence = wording::calibration(answer.calibration.as_ref());
        }
        _ => {
            let series = Series::of(learned.observations(query), answer.metric);
            answer.take_series(&series);
            match query.kind {
                AnalysisKind::Forecast => answer.forecast(&series, query),
                AnalysisKind::ChangePoints => answer.change_points(&series, query),
                _ => answer.anomalies(&series, learned, query),
            }
        }
    }
    answer
}

impl Analysis {
    fn take_series(&mut self, series: &Series) {
        self.n_episodes = series.n_episodes;
        self.n_left_out = series.n_left_out;
        self.unit = series.unit;
        let points = series.bins.iter().map(|bin| SeriesPoint {
            start: bin.start,
            n: bin.counts.n,
            value: Some(bin.value).filter(|value| !value.is_nan()),
        });
        self.series = points.collect();
    }

    fn forecast(&mut self, series: &Series, query: &AnalysisQuery) {
        let horizon = query.horizon.unwrap_or(DEFAULT_HORIZON);
        let level = query.level.unwrap_or(DEFAULT_LEVEL);
        let point = |ahead: usize, value, lower, upper| ForecastPoint {
            start: series.time_after(ahead + 1),
            value,
            lower,
            upper,
        };
        if self.metric == Metric::Success {
            let found = rate(&series.counts(), level);
            let at = |ahead| point(ahead, found.mean, found.lower, found.upper);
            if self.n_episodes > 0 {
                self.forecast = (0..horizon).map(at).collect();
            }
            wording::RATE_METHOD.clone_into(&mut self.method);
            self.sentence = wording::rate(self, query, &found, level);
            return;
        }
        let range = match self.metric {
            Metric::Reward => Range { low: 0.0, high: 1.0 },
            _ => Range { low: 0.0, high: f64::MAX },
        };
        let period = series.unit.period();
        let Some(found) = forecast(&series.values(), period, horizon, level, range) else {
            self.sentence = wording::too_few(series, forecast::MIN_POINTS);
            return;
        };
        let points = found.points.iter().zip(found.lower.iter().zip(&found.upper)).enumerate();
        self.forecast = points
            .map(|(ahead, (value, (lower, upper)))| point(ahead, *value, *lower, *upper))
            .collect();
        self.method = wording::method(&found);
        self.sentence = if found.method == Method::Last && self.forecast.is_empty() {
            wording::too_few(series, forecast::MIN_POINTS)
        } else {
            wording::forecast(self, &wording::subject(query), level)
        };
    }

    fn change_points(&mut self, series: &Series, query: &AnalysisQuery) {
        if series.n_known() < MIN_FOR_CHANGES {
            self.sentence = wording::too_few(series, MIN_FOR_CHANGES);
            return;
        }
        self.findings = if self.metric == Metric::Success {
            wording::RATE_CHANGES_METHOD.clone_into(&mut self.method);
            rate_changes(series)
        } else {
            wording::CHANGES_METHOD.clone_into(&mut self.method);
            number_changes(series)
        };
        // The newest are told where there are many.
        let n = self.findings.len();
        self.findings.drain(..n.saturating_sub(MAX_FINDINGS));
        let subject = wording::subject(query);
        for finding in &mut self.findings {
            finding.text = wording::change(self.metric, self.unit, &subject, finding);
        }
        self.sentence = wording::changes(self, &subject);
    }

    fn anomalies(&mut self, series: &Series, learned: &Learned, query: &AnalysisQuery) {
        let known = series.n_known();
        if known < anomaly::MIN_POINTS {
            self.sentence = wording::too_few(series, anomaly::MIN_POINTS);
            return;
        }
        let mut found: Vec<Finding> = anomalies(&series.values())
            .into_iter()
            .filter_map(|anomaly| {
                let bin = series.bins.get(anomaly.at)?;
                Some(Finding {
                    at: bin.start,
                    before: anomaly.expected,
                    after: anomaly.value,
                    score: anomaly.score,
                    n: bin.counts.n,
                    episodes: bin.episodes.iter().rev().take(MAX_EPISODES).copied().collect(),
                    text: String::new(),
                })
            })
            .collect();
        found.sort_by(|a, b| b.score.abs().total_cmp(&a.score.abs()));
        found.truncate(MAX_FINDINGS);
        let (n_points, subject) = (found.len(), wording::subject(query));
        for finding in &mut found {
            finding.text = wording::anomaly(self.metric, self.unit, &subject, finding);
        }
        let odd = oddities(learned.asked_runs(query));
        let n_odd = odd.len();
        for oddity in odd.into_iter().take(MAX_FINDINGS - found.len().min(MAX_FINDINGS / 2)) {
            found.push(Finding {
                at: oddity.run.ended_at,
                before: oddity.usual,
                after: oddity.value,
                score: oddity.distance,
                n: 1.0,
                episodes: vec![oddity.run.id],
                text: wording::oddity(&oddity),
            });
        }
        found.truncate(MAX_FINDINGS);
        self.findings = found;
        wording::ANOMALIES_METHOD.clone_into(&mut self.method);
        self.sentence = wording::anomalies(self, &subject, n_points, n_odd);
    }
}

fn rate_changes(series: &Series) -> Vec<Finding> {
    let breaks = outcome_breaks(&series.counts());
    let finding = |found: &super::changepoint::OutcomeBreak| {
        let bin = series.bins.get(found.at)?;
        Some(Finding {
            at: bin.start,
            before: found.before.successes / found.before.n,
            after: found.after.successes / found.after.n,
            score: found.ln_factor,
            n: found.after.n,
            episodes: bin.episodes.iter().take(MAX_EPISODES).copied().collect(),
            text: String::new(),
        })
    };
    breaks.iter().filter_map(finding).collect()
}

/// Finds changes on the logarithm of what is known of a series.
pub(super) fn number_changes(series: &Series) -> Vec<Finding> {
    let known: Vec<_> = series.bins.iter().filter(|bin| !bin.value.is_nan()).collect();
    let logs: Vec<f64> = known.iter().map(|bin| bin.value.max(0.0).ln_1p()).collect();
    let starts = breaks(&standardized(&logs));
    let mut edges = vec![0];
    edges.extend(&starts);
    edges.push(known.len());
    let middle = |from: usize, to: usize| {
        let some = known.get(from..to).unwrap_or_default();
        median(&mut some.iter().map(|bin| bin.value).collect::<Vec<f64>>()).unwrap_or(0.0)
    };
    let findings = edges.windows(3).filter_map(|edges| {
        let &[from, at, to] = edges else { return None };
        let bin = known.get(at)?;
        let (before, after) = (middle(from, at), middle(at, to));
        let since = known.get(at..to).unwrap_or_default();
        Some(Finding {
            at: bin.start,
            before,
            after,
            score: (after.ln_1p() - before.ln_1p()).abs(),
            n: since.iter().map(|bin| bin.counts.n).sum(),
            episodes: bin.episodes.iter().take(MAX_EPISODES).copied().collect(),
            text: String::new(),
        })
    });
    findings.collect()
}
