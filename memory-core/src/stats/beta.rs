//! Beta posteriors of a success rate.

use super::special::beta_quantile;

/// Beta posterior of a success rate.
///
/// `lower` and `upper` bound the central interval at the level that the posterior was computed for:
/// 80 % in all answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    /// Number of attempts; not whole where attempts are weighted.
    pub n: f64,
    /// Number of successes among them; a partial success counts by its share.
    pub successes: f64,
    /// Mean of the posterior.
    pub mean: f64,
    /// Lower bound of the interval.
    pub lower: f64,
    /// Upper bound of the interval.
    pub upper: f64,
}

/// Beta prior, given by its mean and the number of attempts that it is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prior {
    /// Expected rate, in (0, 1).
    pub(crate) mean: f64,
    /// Number of attempts that it weighs as much as, above 0.
    pub(crate) weight: f64,
}

impl Prior {
    /// Uniform prior, Beta(1, 1).
    pub(crate) const UNIFORM: Self = Self { mean: 0.5, weight: 2.0 };

    /// Returns a prior worth two attempts around a rate known from elsewhere, such as the scope's.
    ///
    /// The rate is clamped to [0.02, 0.98]: at 0 or 1 no number of attempts could move it. A rate
    /// that is not finite counts as ½.
    pub(crate) fn around(mean: f64) -> Self {
        let mean = if mean.is_finite() { mean.clamp(0.02, 0.98) } else { 0.5 };
        Self { mean, weight: 2.0 }
    }
}

impl Posterior {
    /// Computes the posterior of `n` attempts with `successes`, with the central interval of
    /// probability `level`, from a uniform prior.
    ///
    /// Numbers that are not finite or negative count as 0, more successes than attempts as all of
    /// them.
    pub(crate) fn new(n: f64, successes: f64, level: f64) -> Self {
        Self::with_prior(n, successes, level, Prior::UNIFORM)
    }

    /// Computes the same from a given prior.
    pub(crate) fn with_prior(n: f64, successes: f64, level: f64, prior: Prior) -> Self {
        let n = if n.is_finite() { n.max(0.0) } else { 0.0 };
        let successes = if successes.is_finite() { successes.clamp(0.0, n) } else { 0.0 };
        let prior_successes = prior.mean * prior.weight;
        let a = prior_successes + successes;
        let b = prior.weight - prior_successes + n - successes;
        let tail = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
        Self {
            n,
            successes,
            mean: a / (a + b),
            lower: beta_quantile(a, b, tail),
            upper: beta_quantile(a, b, 1.0 - tail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < 1e-9, "{got} is not {wanted}");
    }

    #[test]
    fn a_posterior_counts_one_more_success_and_failure() {
        let posterior = Posterior::new(8.0, 6.0, 0.8);
        near(posterior.mean, 0.7);
        // scipy.stats.beta(7, 3).ppf([.1, .9])
        near(posterior.lower, BETA_7_3.0);
        near(posterior.upper, BETA_7_3.1);
    }

    #[test]
    fn without_attempts_the_prior_speaks() {
        let posterior = Posterior::new(0.0, 0.0, 0.8);
        near(posterior.mean, 0.5);
        near(posterior.lower, 0.1);
        near(posterior.upper, 0.9);
        near(Posterior::with_prior(0.0, 0.0, 0.8, Prior::around(0.3)).mean, 0.3);
        near(Prior::around(f64::NAN).mean, 0.5);
    }

    #[test]
    fn an_interval_narrows_with_attempts_and_holds_its_mean() {
        let mut last = 1.0;
        for n in [0.0, 4.0, 16.0, 64.0, 1_000.0, 1_000_000.0] {
            let posterior = Posterior::new(n, n / 4.0, 0.8);
            let width = posterior.upper - posterior.lower;
            assert!(width < last, "{n}: {width}");
            assert!(posterior.lower < posterior.mean && posterior.mean < posterior.upper);
            last = width;
        }
    }

    #[test]
    fn few_successes_rank_below_many_nearly_as_good() {
        let rank = |n, successes| Posterior::new(n, successes, 0.8).lower;
        assert!(rank(1.0, 1.0) < rank(20.0, 18.0));
        assert!(rank(3.0, 3.0) > rank(3.0, 2.0));
    }

    #[test]
    fn numbers_that_are_none_count_as_nothing() {
        for (n, successes) in [(f64::NAN, 1.0), (-3.0, 2.0), (0.0, f64::INFINITY)] {
            near(Posterior::new(n, successes, 0.8).mean, 0.5);
        }
        near(Posterior::new(2.0, 9.0, 0.8).mean, 0.75);
    }

    const BETA_7_3: (f64, f64) = (0.509_918_805_554_197, 0.870_502_703_142_310_3);
}
