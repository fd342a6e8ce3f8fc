//! Quality of predictions on public series and recorded episodes.

mod anomalies;
mod change_points;
mod folds;
mod forecasts;
mod nab;
mod next_steps;
mod outcomes;
mod rates;

pub use anomalies::planted_anomalies;
pub use change_points::tcpd;
pub use forecasts::m3;
pub use nab::nab;
pub use next_steps::next_steps;
pub use outcomes::outcomes;
pub use rates::simulated_rates;

/// A part of the harness: a table, and figures beside their targets.
#[derive(Debug, Default)]
pub struct Part {
    /// Heading of the table.
    pub title: &'static str,
    /// Headings of the columns.
    pub headings: Vec<&'static str>,
    /// Rows of the table.
    pub rows: Vec<Vec<String>>,
    /// Figures with a target.
    pub figures: Vec<Target>,
}

/// A figure with the range in which it has to lie.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Name of the figure.
    pub name: &'static str,
    /// Measured value.
    pub value: f64,
    /// Lowest value that is accepted.
    pub least: f64,
    /// Highest value that is accepted.
    pub most: f64,
}

impl Target {
    /// A figure that has to be at most so high.
    #[must_use]
    pub const fn at_most(name: &'static str, value: f64, most: f64) -> Self {
        Self { name, value, least: f64::NEG_INFINITY, most }
    }

    /// A figure that has to be at least so high.
    #[must_use]
    pub const fn at_least(name: &'static str, value: f64, least: f64) -> Self {
        Self { name, value, least, most: f64::INFINITY }
    }

    /// Returns whether the value lies in its range.
    #[must_use]
    pub fn is_met(&self) -> bool {
        (self.least..=self.most).contains(&self.value)
    }

    /// Returns the range in words.
    #[must_use]
    pub fn wanted(&self) -> String {
        match (self.least.is_finite(), self.most.is_finite()) {
            (true, true) => format!("{} – {}", self.least, self.most),
            (true, false) => format!("≥ {}", self.least),
            _ => format!("≤ {}", self.most),
        }
    }
}
