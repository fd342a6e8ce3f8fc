//! Percentiles of timings.

use std::time::Duration;

use serde::Serialize;

/// Percentiles of a number of timings, by nearest rank: each is a timing that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// Number of timings.
    pub n: usize,
    /// Half took no longer, in microseconds.
    pub p50_us: f64,
    /// 99 of 100 took no longer, in microseconds.
    pub p99_us: f64,
    /// The longest, in microseconds.
    pub max_us: f64,
}

impl Percentiles {
    /// Percentiles of `timings`; `None` of nothing.
    #[must_use]
    pub fn of(mut timings: Vec<Duration>) -> Option<Self> {
        timings.sort_unstable();
        let at = |percent: usize| {
            let rank = (timings.len() * percent).div_ceil(100).max(1);
            timings.get(rank - 1).map(|d| d.as_secs_f64() * 1e6)
        };
        Some(Self { n: timings.len(), p50_us: at(50)?, p99_us: at(99)?, max_us: at(100)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank_by_hand() {
        let percentiles = Percentiles::of((1..=200).rev().map(Duration::from_micros).collect());
        let Percentiles { n, p50_us, p99_us, max_us } = percentiles.unwrap();
        let rounded = [p50_us, p99_us, max_us].map(f64::round);
        assert_eq!((n, rounded), (200, [100.0, 198.0, 200.0]));
        let one = Percentiles::of(vec![Duration::from_micros(7)]).unwrap();
        assert_eq!((one.p50_us.round(), one.p99_us.round()), (7.0, 7.0));
        assert_eq!(Percentiles::of(Vec::new()), None);
    }
}
