//! Forms of exponential smoothing: error, trend and season.

use std::fmt;

/// Trend of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trend {
    /// None: the level alone.
    Flat,
    /// A slope that goes on for ever.
    Linear,
    /// A slope that fades by a factor with each step.
    Damped,
}

/// Season of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Season {
    /// None.
    Flat,
    /// Offsets that are added to the level.
    Additive,
    /// Factors of the level.
    Multiplicative,
}

/// Form of a model of exponential smoothing.
///
/// Source: R. Hyndman, A. Koehler, J. Ord, R. Snyder, "Forecasting with Exponential Smoothing",
/// 2008, whose names of the forms are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// True where errors are shares of the forecast.
    pub(crate) is_relative: bool,
    pub(crate) trend: Trend,
    pub(crate) season: Season,
}

impl Form {
    /// The fifteen forms with a stable variance: multiplicative trends, and factors of the season
    /// with additive errors, are left out as in the reference implementations.
    pub(crate) const ALL: [Self; 15] = {
        use Season::{Additive, Flat, Multiplicative};
        [
            Self::new(false, Trend::Flat, Flat),
            Self::new(false, Trend::Flat, Additive),
            Self::new(false, Trend::Linear, Flat),
            Self::new(false, Trend::Damped, Flat),
            Self::new(false, Trend::Linear, Additive),
            Self::new(false, Trend::Damped, Additive),
            Self::new(true, Trend::Flat, Flat),
            Self::new(true, Trend::Flat, Additive),
            Self::new(true, Trend::Flat, Multiplicative),
            Self::new(true, Trend::Linear, Flat),
            Self::new(true, Trend::Damped, Flat),
            Self::new(true, Trend::Linear, Additive),
            Self::new(true, Trend::Linear, Multiplicative),
            Self::new(true, Trend::Damped, Additive),
            Self::new(true, Trend::Damped, Multiplicative),
        ]
    };

    pub(crate) const fn new(is_relative: bool, trend: Trend, season: Season) -> Self {
        Self { is_relative, trend, season }
    }

    /// Returns whether the form has a slope.
    pub(crate) fn has_trend(self) -> bool {
        self.trend != Trend::Flat
    }

    /// Returns whether the form has a season.
    pub(crate) fn has_season(self) -> bool {
        self.season != Season::Flat
    }

    /// Returns whether the form is meant for positive numbers alone.
    pub(crate) fn needs_positive(self) -> bool {
        self.is_relative || self.season == Season::Multiplicative
    }

    /// Returns the number of smoothing parameters.
    pub(crate) fn n_smoothing(self) -> usize {
        1 + usize::from(self.has_trend())
            + usize::from(self.has_season())
            + usize::from(self.trend == Trend::Damped)
    }

    /// Returns the number of free initial states with a season of `period` points.
    pub(crate) fn n_states(self, period: usize) -> usize {
        let season = if self.has_season() { period.saturating_sub(1) } else { 0 };
        1 + usize::from(self.has_trend()) + season
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = if self.is_relative { "M" } else { "A" };
        let trend = match self.trend {
            Trend::Flat => "N",
            Trend::Linear => "A",
            Trend::Damped => "Ad",
        };
        let season = match self.season {
            Season::Flat => "N",
            Season::Additive => "A",
            Season::Multiplicative => "M",
        };
        write!(f, "ETS({error},{trend},{season})")
    }
}
