//! A measured figure beside its target.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::percentile::Percentiles;
use crate::{table, targets};

/// Fewest values for which the 99th percentile differs from the maximum.
const MIN_FOR_P99: usize = 100;

/// A measured figure of which less is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Name of the measurement, and key of its target.
    pub name: String,
    /// Unit of the values.
    pub unit: String,
    /// Measurements.
    pub n: usize,
    /// Median, or the only value.
    pub p50: f64,
    /// 99th percentile, where there are enough values.
    pub p99: Option<f64>,
    /// Largest median that is accepted.
    pub target: Option<f64>,
}

impl Figure {
    /// A value that was measured once.
    #[must_use]
    pub fn once(name: impl Into<String>, unit: &str, value: f64) -> Self {
        let name = name.into();
        let target = targets::at_most(&name);
        Self { name, unit: unit.to_owned(), n: 1, p50: value, p99: None, target }
    }

    /// Timings, in microseconds; `None` of nothing.
    #[must_use]
    pub fn timings(name: impl Into<String>, timings: Vec<Duration>) -> Option<Self> {
        let Percentiles { n, p50_us, p99_us, .. } = Percentiles::of(timings)?;
        let p99 = (n >= MIN_FOR_P99).then_some(p99_us);
        Some(Self { n, p99, ..Self::once(name, "µs", p50_us) })
    }

    /// The same, in milliseconds.
    #[must_use]
    pub fn in_ms(mut self) -> Self {
        "ms".clone_into(&mut self.unit);
        self.p50 /= 1e3;
        self.p99 = self.p99.map(|p99| p99 / 1e3);
        self
    }

    /// True if there is a target and it is missed.
    #[must_use]
    pub fn misses_target(&self) -> bool {
        self.target.is_some_and(|target| self.p50 > target)
    }
}

/// Figures as a table, targets beside them.
#[must_use]
pub fn layout(figures: &[Figure]) -> String {
    let rows: Vec<Vec<String>> = figures
        .iter()
        .map(|figure| {
            let optional = |value: Option<f64>| value.map_or("-".to_owned(), table::number);
            let verdict = match (figure.target, figure.misses_target()) {
                (None, _) => "",
                (_, false) => "ok",
                (_, true) => "MISSED",
            };
            vec![
                figure.name.clone(),
                figure.unit.clone(),
                figure.n.to_string(),
                table::number(figure.p50),
                optional(figure.p99),
                figure.target.map_or("-".to_owned(), |target| format!("≤ {target}")),
                verdict.to_owned(),
            ]
        })
        .collect();
    table::layout(&["figure", "unit", "n", "p50", "p99", "target p50", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_knows_its_target() {
        let missed = Figure::once("server/idle_rss@0", "MB", 26.0);
        assert!(missed.misses_target());
        assert!(!Figure::once("server/idle_rss@0", "MB", 25.0).misses_target());
        assert!(!Figure::once("something/else", "MB", 1e9).misses_target());
        let text = layout(&[missed]);
        assert!(text.contains("≤ 25") && text.contains("MISSED"), "{text}");
    }
}
