//! An analysis of past episodes, as data and as text.

use memory_core::prediction::{Analysis, AnalysisKind, Finding};
use schemars::JsonSchema;
use serde::Serialize;

use super::pattern::PatternAnswer;
use super::render::put;
use crate::chart::Chart;

/// Most points of a series or forecast that are listed in text.
const MAX_LISTED: usize = 14;

/// Blocks of a sparkline, from low to high.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Answer of an analysis.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AnalysisAnswer {
    what: &'static str,
    metric: &'static str,
    sentence: String,
    method: String,
    n_episodes: usize,
    n_left_out: usize,
    bin: &'static str,
    /// Start, number of episodes and value of each bin.
    series: Vec<(String, f64, Option<f64>)>,
    /// Start, value, lower and upper bound.
    forecast: Vec<(String, [f64; 3])>,
    findings: Vec<FindingAnswer>,
    effects: Vec<PatternAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<CalibrationAnswer>,
    #[serde(skip)]
    kind: AnalysisKind,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FindingAnswer {
    at: String,
    before: f64,
    after: f64,
    score: f64,
    n: f64,
    text: String,
    episodes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CalibrationAnswer {
    n: usize,
    brier: f64,
    brier_base: f64,
    surprise: f64,
    /// Number, mean chance told and share that came, by chance.
    bins: Vec<(usize, f64, f64)>,
}

/// Rounds to four figures or so: more are noise to the reader.
fn rounded(value: f64) -> f64 {
    if value.abs() >= 100.0 { value.round() } else { (value * 1_000.0).round() / 1_000.0 }
}

impl From<Finding> for FindingAnswer {
    fn from(finding: Finding) -> Self {
        Self {
            at: finding.at.to_string(),
            before: rounded(finding.before),
            after: rounded(finding.after),
            score: rounded(finding.score),
            n: finding.n,
            text: finding.text,
            episodes: finding.episodes.iter().map(ToString::to_string).collect(),
        }
    }
}

impl AnalysisAnswer {
    /// Takes an analysis.
    pub(crate) fn new(analysis: Analysis) -> Self {
        let point = |at: memory_core::Timestamp| at.to_string();
        let series = analysis.series.iter();
        let forecast = analysis.forecast.iter();
        Self {
            what: analysis.kind.name(),
            metric: analysis.metric.name(),
            n_episodes: analysis.n_episodes,
            n_left_out: analysis.n_left_out,
            bin: analysis.unit.name(),
            series: series.map(|p| (point(p.start), p.n, p.value.map(rounded))).collect(),
            forecast: forecast
                .map(|p| (point(p.start), [p.value, p.lower, p.upper].map(rounded)))
                .collect(),
            calibration: analysis.calibration.as_ref().map(|found| CalibrationAnswer {
                n: found.n,
                brier: rounded(found.brier),
                brier_base: rounded(found.brier_base),
                surprise: rounded(found.surprise),
                bins: found
                    .bins
                    .iter()
                    .map(|bin| (bin.n, rounded(bin.predicted), rounded(bin.observed)))
                    .collect(),
            }),
            sentence: analysis.sentence,
            method: analysis.method,
            findings: analysis.findings.into_iter().map(FindingAnswer::from).collect(),
            effects: analysis.effects.into_iter().map(PatternAnswer::new).collect(),
            kind: analysis.kind,
        }
    }

    /// Returns the series as a chart, with the forecast and what was found.
    pub(crate) fn chart(&self) -> Chart {
        // Bins of days are told by the day, shorter ones by the hour as well.
        let n = if matches!(self.bin, "hour" | "episode") { 13 } else { 10 };
        let label = |at: &str| at.get(5..n).unwrap_or(at).replace('T', " ");
        let day = |at: Option<&String>| at.and_then(|at| at.get(..10)).unwrap_or("").to_owned();
        let (first, last) = (self.series.first(), self.series.last());
        let title = format!(
            "{} by {}, {} to {}",
            self.metric,
            self.bin,
            day(first.map(|(at, ..)| at)),
            day(last.map(|(at, ..)| at)),
        );
        let place = |finding: &FindingAnswer| {
            self.series.iter().position(|(start, ..)| *start == finding.at)
        };
        Chart {
            title,
            points: self.series.iter().map(|(at, _, value)| (label(at), *value)).collect(),
            forecast: self.forecast.iter().map(|(at, values)| (label(at), *values)).collect(),
            marks: self.findings.iter().filter_map(place).collect(),
            marks_are_changes: self.kind == AnalysisKind::ChangePoints,
        }
    }

    /// Returns the sentence, the findings, a sketch of the series, then the method.
    pub(crate) fn text(&self) -> String {
        let mut out = self.sentence.clone();
        for finding in &self.findings {
            let episodes = match finding.episodes.as_slice() {
                [] => String::new(),
                some => format!(" [{}]", some.join(", ")),
            };
            put(&mut out, format_args!("\n- {}{episodes}", finding.text));
        }
        for effect in &self.effects {
            out.push_str("\n- ");
            effect.render(&mut out);
        }
        for (n, told, came) in self.calibration.iter().flat_map(|found| &found.bins) {
            put(&mut out, format_args!("\n- told {told:.2}, came {came:.2} ({n} episodes)"));
        }
        let is_flat = self.metric == "success" && self.kind == AnalysisKind::Forecast;
        let n_listed = if is_flat { 0 } else { MAX_LISTED };
        for (at, [value, lower, upper]) in self.forecast.iter().take(n_listed) {
            put(&mut out, format_args!("\n- {at}: {value} ({lower} to {upper})"));
        }
        if self.forecast.len() > MAX_LISTED && !is_flat {
            put(&mut out, format_args!("\n- … {} points in all", self.forecast.len()));
        }
        let values: Vec<Option<f64>> = self.series.iter().map(|(_, _, value)| *value).collect();
        if let (Some(sketch), Some((first, ..)), Some((last, ..))) =
            (sparkline(&values), self.series.first(), self.series.last())
        {
            let day = |at: &str| at.get(..10).unwrap_or(at).to_owned();
            let (first, last, Self { metric, bin, .. }) = (day(first), day(last), self);
            put(&mut out, format_args!("\n{metric} by {bin}, {first} to {last}:\n{sketch}"));
        }
        if self.n_left_out > 0 {
            put(
                &mut out,
                format_args!("\n{} episodes left out: their times lie far off.", self.n_left_out),
            );
        }
        if !self.method.is_empty() {
            put(&mut out, format_args!("\nMethod: {}.", self.method));
        }
        out
    }
}

/// Returns the series as one line of blocks with its range, a space for each missing point; `None`
/// for less than two known points.
fn sparkline(values: &[Option<f64>]) -> Option<String> {
    let known = || values.iter().flatten().copied();
    if known().count() < 2 {
        return None;
    }
    let (low, high) = (known().fold(f64::MAX, f64::min), known().fold(f64::MIN, f64::max));
    let block = |value: &Option<f64>| {
        let Some(value) = value else { return ' ' };
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in [0, 7]")]
        let place = (share * 7.0).round() as usize;
        BLOCKS.get(place).copied().unwrap_or('█')
    };
    let blocks: String = values.iter().map(block).collect();
    Some(format!("{blocks}  {} to {}", rounded(low), rounded(high)))
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn a_sketch_shows_height_and_gaps() {
        let drawn = sparkline(&[Some(0.0), None, Some(7.0), Some(3.5)]).unwrap();
        assert_eq!(drawn, "▁ █▅  0 to 7");
        assert_eq!(sparkline(&[Some(1.0)]), None);
        assert_eq!(sparkline(&[Some(2.0), Some(2.0)]).unwrap(), "▅▅  2 to 2");
    }
}
