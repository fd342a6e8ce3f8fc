//! Sentences of analyses, as a person would say them.

use super::answer::{Analysis, Finding};
use super::calibration::Calibration;
use super::forecast::{Forecast, Method};
use super::oddities::{Feature, Oddity};
use super::question::{AnalysisQuery, Metric};
use super::rate::Rate;
use super::series::{BinUnit, Series};
use crate::model::Timestamp;

pub(super) const CALIBRATION_METHOD: &str = "each of the newest 2,000 episodes was predicted, as \
    at its start, from those that had ended before it: by the history of its task, drawn towards \
    its scope's rate, and by that of its agent; inferred outcomes count half";

pub(super) const RATE_METHOD: &str = "thirteen motions of a rate (holds, wanders, jumps, drifts), \
    weighted by how well each foretold the counts so far";

pub(super) const RATE_CHANGES_METHOD: &str = "most probable segmentation of the counts into \
    stretches with a rate of their own; changes with a Bayes factor of 20 or more";

pub(super) const CHANGES_METHOD: &str = "segmentation of the logarithm with least squares and a \
    penalty of 3 ln n for each change (PELT)";

pub(super) const ANOMALIES_METHOD: &str = "values more than 4 robust standard deviations from the \
    rolling median of the logarithm; episodes that belong to no dense group (DBSCAN) in steps, \
    tokens, latency and errors";

/// Returns a value of a metric as it is told.
pub(super) fn shown(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Success | Metric::Reward => format!("{value:.2}"),
        Metric::LatencyMs if value >= 10_000.0 => format!("{:.0} s", value / 1_000.0),
        Metric::LatencyMs if value >= 1_000.0 => format!("{:.1} s", value / 1_000.0),
        Metric::LatencyMs => format!("{value:.0} ms"),
        _ if value.abs() >= 10.0 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

/// Returns the number that a question is about, as a noun.
pub(super) fn subject(query: &AnalysisQuery) -> String {
    let metric = query.meant_metric();
    let mut text = match &query.tool {
        None => of_episodes(metric).to_owned(),
        Some(tool) => match metric {
            Metric::Success => format!("the success rate of `{tool}`"),
            Metric::Reward => format!("the reward of episodes with `{tool}`"),
            Metric::LatencyMs => format!("the latency of a call of `{tool}`"),
            Metric::Tokens => format!("the tokens of a call of `{tool}`"),
            Metric::Steps => format!("the calls of `{tool}` in an episode"),
            Metric::Errors => format!("the failed calls of `{tool}` in an episode"),
        },
    };
    match (&query.error, metric) {
        (None, _) => {}
        (Some(_), Metric::Errors) => {
            "the times that an episode met this error".clone_into(&mut text);
        }
        (Some(_), _) => text.push_str(" where this error came"),
    }
    text
}

/// Returns a metric of whole episodes as a noun.
pub(super) const fn of_episodes(metric: Metric) -> &'static str {
    match metric {
        Metric::Success => "the success rate",
        Metric::Reward => "the reward",
        Metric::LatencyMs => "the latency of an episode",
        Metric::Tokens => "the tokens of an episode",
        Metric::Steps => "the steps of an episode",
        Metric::Errors => "the errors of an episode",
    }
}

/// Returns a time as precise as the bins are.
pub(super) fn day(at: Timestamp, unit: BinUnit) -> String {
    let text = at.to_string();
    let n = if matches!(unit, BinUnit::Hour | BinUnit::Episode) { 16 } else { 10 };
    text.get(..n).unwrap_or(&text).replace('T', " ")
}

fn bins(n: usize, unit: BinUnit) -> String {
    match (n, unit) {
        (1, unit) => format!("1 {}", unit.name()),
        (n, BinUnit::Month) => format!("{n} times four weeks"),
        (n, unit) => format!("{n} {}s", unit.name()),
    }
}

fn episodes(n: usize) -> String {
    if n == 1 { "1 episode".to_owned() } else { format!("{n} episodes") }
}

pub(super) fn too_few(series: &Series, needed: usize) -> String {
    let n = series.n_known();
    if n == 0 {
        return format!("No ended episode has a value of `{}` here.", series.metric.name());
    }
    format!("Too few points: {n}, need {needed} (one point is one {}).", series.unit.name())
}

pub(super) fn rate(answer: &Analysis, query: &AnalysisQuery, found: &Rate, level: f64) -> String {
    if answer.n_episodes == 0 {
        return "No ended episode with a known outcome here.".to_owned();
    }
    let direction = match found.slope {
        slope if slope > 0.01 => ", rising",
        slope if slope < -0.01 => ", falling",
        _ => "",
    };
    let succeed = match &query.tool {
        None => "episodes succeed".to_owned(),
        Some(tool) => format!("calls of `{tool}` are ok"),
    };
    let where_met = if query.error.is_some() { " where this error came" } else { "" };
    format!(
        "About {:.0} of 100 {succeed} now{where_met} (between {:.0} and {:.0} with {:.0} % \
         probability){direction}; this rests on {}, worth {:.0} recent ones.",
        100.0 * found.mean,
        100.0 * found.lower,
        100.0 * found.upper,
        100.0 * level,
        episodes(answer.n_episodes),
        found.n_worth,
    )
}

pub(super) fn method(found: &Forecast) -> String {
    let name = match found.method {
        Method::Ets(form) => format!("exponential smoothing {form}"),
        Method::Theta => "Theta method".to_owned(),
        Method::Mean(form) => format!("mean of exponential smoothing {form} and the Theta method"),
        Method::Last => "last value".to_owned(),
    };
    let season = found.period.map_or(String::new(), |n| format!(", season of {n}"));
    let why = found.errors.map_or(String::new(), |[smoothing, theta, both]| {
        format!(
            "; errors from {} earlier points: smoothing {smoothing:.3}, Theta {theta:.3}, their \
             mean {both:.3}",
            found.n_origins
        )
    });
    format!("{name}{season}{why}; intervals as wide as those errors")
}

pub(super) fn forecast(answer: &Analysis, subject: &str, level: f64) -> String {
    let (Some(first), Some(last)) = (answer.forecast.first(), answer.forecast.last()) else {
        return String::new();
    };
    let value = |value| shown(answer.metric, value);
    let end = if answer.forecast.len() > 1 {
        let end = bins(answer.forecast.len(), answer.unit);
        format!(", and {} after {end}", value(last.value))
    } else {
        String::new()
    };
    format!(
        "Expect {subject} to be about {} next (between {} and {} with {:.0} % probability){end}; \
         this rests on {} over {}.",
        value(first.value),
        value(first.lower),
        value(first.upper),
        100.0 * level,
        episodes(answer.n_episodes),
        bins(answer.series.len(), answer.unit),
    )
}

pub(super) fn change(metric: Metric, unit: BinUnit, subject: &str, finding: &Finding) -> String {
    let Finding { before, after, n, .. } = finding;
    let verb = if after < before { "fell" } else { "rose" };
    let [before, after] = [before, after].map(|value| shown(metric, *value));
    let since = day(finding.at, unit);
    format!("{subject} {verb} from {before} to {after} since {since} (n = {n:.0})")
}

pub(super) fn changes(answer: &Analysis, subject: &str) -> String {
    let Some(last) = answer.findings.last() else {
        let over = bins(answer.series.len(), answer.unit);
        let n = episodes(answer.n_episodes);
        return format!("No change of {subject} stands out in {n} over {over}.");
    };
    let before = match answer.findings.len() {
        1 => String::new(),
        2 => "; there is one earlier change".to_owned(),
        n => format!("; there are {} earlier changes", n - 1),
    };
    let mut text = last.text.clone();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{text}{before}.")
}

pub(super) fn anomaly(metric: Metric, unit: BinUnit, subject: &str, finding: &Finding) -> String {
    let [before, after] = [finding.before, finding.after].map(|value| shown(metric, value));
    let at = day(finding.at, unit);
    let was = match metric {
        Metric::Tokens | Metric::Steps | Metric::Errors => "were",
        _ => "was",
    };
    format!("{at}: {subject} {was} {after} where about {before} {was} expected")
}

pub(super) fn oddity(oddity: &Oddity<'_>) -> String {
    let Oddity { feature, value, usual, .. } = *oddity;
    let [value, usual] = [value, usual].map(|value| match feature {
        Feature::Steps => format!("{value:.0} steps"),
        Feature::Tokens => format!("{value:.0} tokens"),
        Feature::Latency => shown(Metric::LatencyMs, value),
        Feature::Errors => format!("{:.0} % failed steps", 100.0 * value),
    });
    format!("{}: an episode unlike others: {value} where {usual} are usual", day_of(oddity))
}

fn day_of(oddity: &Oddity<'_>) -> String {
    day(oddity.run.ended_at, BinUnit::Day)
}

pub(super) fn anomalies(answer: &Analysis, subject: &str, n_points: usize, n_odd: usize) -> String {
    let of = bins(answer.series.len(), answer.unit);
    let points = match n_points {
        0 => format!("No unusual value of {subject} in {of}"),
        1 => format!("1 unusual value of {subject} in {of}"),
        n => format!("{n} unusual values of {subject} in {of}"),
    };
    let odd = match n_odd {
        0 => "no episode is unlike all others".to_owned(),
        1 => "1 episode is unlike all others".to_owned(),
        n => format!("{n} episodes are unlike all others"),
    };
    format!("{points}; {odd} ({}).", episodes(answer.n_episodes))
}

pub(super) fn calibration(found: Option<&Calibration>) -> String {
    let Some(Calibration { n, brier, brier_base, surprise, .. }) = found else {
        return "No ended episode with a known outcome here.".to_owned();
    };
    let skill = 1.0 - brier / brier_base.max(f64::MIN_POSITIVE);
    let verdict = if skill > 0.0 {
        format!("{:.0} % better than", 100.0 * skill)
    } else {
        "no better than".to_owned()
    };
    let lean = match surprise {
        surprise if *surprise > 0.03 => ", somewhat too low",
        surprise if *surprise < -0.03 => ", somewhat too high",
        _ => "",
    };
    format!(
        "Over {n} episodes the chances told were {verdict} the overall success rate (Brier score \
         {brier:.3} against {brier_base:.3}){lean}."
    )
}
