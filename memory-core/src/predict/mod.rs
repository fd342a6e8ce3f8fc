//! Prediction: what numbers of past episodes say about the next ones.
//!
//! Input: the runs that were learned, or plain numbers. Output: forecasts, change points,
//! anomalies and calibration, each with its method and a sentence. Used by [`crate::Memory`]. This
//! module reads no storage and knows no wire format.
//!
//! * `question` says what is asked, `series` puts episodes into bins of time;
//! * `forecast`, `rate`, `changepoint`, `anomaly`, `cluster` and `calibration` compute on numbers;
//! * `analysis` puts a question to them, `wording` says the answer.

mod analysis;
mod anomaly;
mod answer;
#[cfg(feature = "bench")]
pub(crate) mod bench;
mod calibration;
#[cfg(test)]
mod chance;
mod changepoint;
mod cluster;
mod forecast;
mod oddities;
#[cfg(test)]
mod oracle_tests;
mod question;
mod rate;
mod series;
mod wording;

pub(crate) use analysis::analyze;
pub use answer::{Analysis, Finding, ForecastPoint, SeriesPoint};
pub use calibration::{Calibration, ReliabilityBin};
pub(crate) use question::MAX_HORIZON;
pub use question::{AnalysisKind, AnalysisQuery, Metric};
pub use series::BinUnit;
