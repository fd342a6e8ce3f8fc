//! Prediction: what numbers of past episodes say about the next ones.
//!
//! Input: the runs that were learned, or plain numbers. Output: forecasts, change points,
//! anomalies and calibration, each with its method and a sentence. Used by [`crate::Memory`]. This
//! module reads no storage and knows no wire format.
//!
//! * `question` says what is asked, `series` puts episodes into bins of time;
//! * `forecast`, `rate`, `changepoint`, `anomaly`, `cluster` and `calibration` compute on numbers;
//! * `next_step` and `odds` foretell an `attempt` from those before it, `predictor` keeps both up
//!   with the table of runs;
//! * `news` finds what changed lately;
//! * `analysis` puts a question to them, `wording` says the answer.

mod analysis;
mod anomaly;
mod answer;
mod attempt;
#[cfg(feature = "bench")]
pub(crate) mod bench;
mod calibration;
#[cfg(test)]
mod chance;
mod changepoint;
mod cluster;
mod forecast;
mod long_series;
mod news;
mod next_step;
mod oddities;
mod odds;
#[cfg(test)]
mod oracle_tests;
mod predictor;
mod question;
mod rate;
mod series;
mod wording;

pub(crate) use analysis::analyze;
pub use answer::{Analysis, Finding, ForecastPoint, SeriesPoint};
pub(crate) use attempt::Attempt;
pub use calibration::{Calibration, ReliabilityBin};
pub(crate) use news::{MAX_NEWS_RUNS, news};
pub use odds::Odds;
pub(crate) use predictor::Predictor;
pub(crate) use question::MAX_HORIZON;
pub use question::{AnalysisKind, AnalysisQuery, Metric};
pub use series::BinUnit;
