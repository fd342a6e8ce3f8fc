//! What can be asked of the numbers of past episodes.

use crate::model::Scope;

/// Number of points that are forecast when the question gives none.
pub(crate) const DEFAULT_HORIZON: usize = 7;

/// Most points that are forecast.
pub(crate) const MAX_HORIZON: usize = 1_000;

/// Probability of intervals when the question gives none.
pub(crate) const DEFAULT_LEVEL: f64 = 0.8;

/// Kind of an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnalysisKind {
    /// Values of the next days.
    Forecast,
    /// Values and episodes that do not fit in with the others.
    Anomalies,
    /// Times at which the values began to be other ones.
    ChangePoints,
    /// Patterns that go with success, adjusted for the task.
    Effects,
    /// Quality of the chances of success that were told.
    Calibration,
}

impl AnalysisKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Forecast, Self::Anomalies, Self::ChangePoints, Self::Effects, Self::Calibration];

    /// Returns its name: `forecast`, `anomalies`, `changepoints`, `effects` or `calibration`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forecast => "forecast",
            Self::Anomalies => "anomalies",
            Self::ChangePoints => "changepoints",
            Self::Effects => "effects",
            Self::Calibration => "calibration",
        }
    }

    /// Returns the kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Number of an episode that is followed over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Share of successes; of a tool, the share of its calls that were ok.
    Success,
    /// Reward in [0, 1].
    Reward,
    /// Duration of all steps, in milliseconds; of a tool, that of a call.
    LatencyMs,
    /// Tokens of all steps; of a tool, those of a call.
    Tokens,
    /// Number of steps; of a tool, of its calls.
    Steps,
    /// Number of failed steps; of a tool, of its failed calls; of an error, how often it came.
    Errors,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 6] =
        [Self::Success, Self::Reward, Self::LatencyMs, Self::Tokens, Self::Steps, Self::Errors];

    /// Returns its name: `success`, `reward`, `latency_ms`, `tokens`, `steps` or `errors`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Reward => "reward",
            Self::LatencyMs => "latency_ms",
            Self::Tokens => "tokens",
            Self::Steps => "steps",
            Self::Errors => "errors",
        }
    }

    /// Returns the metric of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }
}

/// Question about the numbers of past episodes.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisQuery {
    /// Kind of the analysis.
    pub kind: AnalysisKind,
    /// Metric; success if not given, for anomalies steps.
    pub metric: Option<Metric>,
    /// Scope of the episodes; all scopes, if not given.
    pub scope: Option<Scope>,
    /// Type of task of the episodes.
    pub task_type: Option<String>,
    /// Tool that the episodes used; `bash` stands for all that begin with `bash:` as well.
    pub tool: Option<String>,
    /// Error that the episodes met, as its message says; those that did not meet it count as well
    /// where the metric is how often it came.
    pub error: Option<String>,
    /// Number of points to forecast, at most 1,000; 7 if not given.
    pub horizon: Option<usize>,
    /// Probability of the interval, above 0 and below 1; 0.8 if not given.
    pub level: Option<f64>,
}

impl AnalysisQuery {
    /// Makes a question about all episodes.
    #[must_use]
    pub const fn new(kind: AnalysisKind) -> Self {
        Self {
            kind,
            metric: None,
            scope: None,
            task_type: None,
            tool: None,
            error: None,
            horizon: None,
            level: None,
        }
    }

    /// Returns the metric that is meant.
    pub(crate) fn meant_metric(&self) -> Metric {
        let default = match self.kind {
            AnalysisKind::Anomalies => Metric::Steps,
            _ => Metric::Success,
        };
        self.metric.unwrap_or(default)
    }
}
