//! Answers of analyses, as data.

use super::calibration::Calibration;
use super::question::{AnalysisKind, Metric};
use super::series::BinUnit;
use crate::learn::Pattern;
use crate::model::{EpisodeId, Timestamp};

/// One bin of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeriesPoint {
    /// Start of the bin.
    pub start: Timestamp,
    /// Number of episodes in it, those with an inferred outcome by half.
    pub n: f64,
    /// Value; `None` where nothing happened.
    pub value: Option<f64>,
}

/// One point of a forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForecastPoint {
    /// Start of the bin.
    pub start: Timestamp,
    /// Expected value.
    pub value: f64,
    /// Lower bound of the interval.
    pub lower: f64,
    /// Upper bound of the interval.
    pub upper: f64,
}

/// A change point or an anomaly.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Start of the bin; of an unusual episode, its end.
    pub at: Timestamp,
    /// Value before the change, or value that was expected.
    pub before: f64,
    /// Value since the change, or value that was found.
    pub after: f64,
    /// Clearness: ln of the Bayes factor of a change of a rate, robust standard deviations else.
    pub score: f64,
    /// Number of episodes since the change, or in the bin.
    pub n: f64,
    /// Some of these episodes.
    pub episodes: Vec<EpisodeId>,
    /// The finding in words.
    pub text: String,
}

/// Answer of an analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Kind of the analysis.
    pub kind: AnalysisKind,
    /// Metric of the series.
    pub metric: Metric,
    /// Number of episodes that it is based on.
    pub n_episodes: usize,
    /// Number of episodes left out because their time lies far from that of the others.
    pub n_left_out: usize,
    /// Length of a bin.
    pub unit: BinUnit,
    /// The series; empty for effects and calibration.
    pub series: Vec<SeriesPoint>,
    /// Method, and why it was chosen.
    pub method: String,
    /// The answer in one sentence.
    pub sentence: String,
    /// Points of a forecast.
    pub forecast: Vec<ForecastPoint>,
    /// Change points by time, or anomalies, the clearest first.
    pub findings: Vec<Finding>,
    /// Patterns with an effect.
    pub effects: Vec<Pattern>,
    /// Calibration.
    pub calibration: Option<Calibration>,
}
