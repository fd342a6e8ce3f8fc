//! How often something succeeds, from how often it did.

use super::special::{beta_quantile, normal_quantile};

/// A Beta posterior of a success rate.
///
/// `lower` and `upper` bound the central interval at the level it was made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Posterior {
    /// Attempts behind it; not whole where they are weighted.
    pub(crate) n: f64,
    /// Of these the successes; a partial one counts by its share.
    pub(crate) successes: f64,
    /// Mean of the posterior.
    pub(crate) mean: f64,
    /// Lower bound of the interval.
    pub(crate) lower: f64,
    /// Upper bound of the interval.
    pub(crate) upper: f64,
}

/// What is believed before the first attempt: a Beta distribution given by its mean and the number of
/// attempts that it is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prior {
    /// Expected rate, in (0, 1).
    pub(crate) mean: f64,
    /// Attempts it is worth, above 0.
    pub(crate) weight: f64,
}

impl Prior {
    /// All rates equally likely: Beta(1, 1).
    pub(crate) const UNIFORM: Self = Self { mean: 0.5, weight: 2.0 };

    /// A prior worth two attempts around a rate known from elsewhere, for example the scope's.
    ///
    /// The rate is kept off 0 and 1, where no number of attempts could change it.
    pub(crate) fn around(mean: f64) -> Self {
        let mean = if mean.is_finite() { mean.clamp(0.02, 0.98) } else { 0.5 };
        Self { mean, weight: 2.0 }
    }
}

impl Posterior {
    /// Of `n` attempts with `successes`, at `level` (0.8 for an 80 % interval), from a uniform prior.
    ///
    /// What is not a number or negative counts as 0, more successes than attempts as all of them.
    pub(crate) fn new(n: f64, successes: f64, level: f64) -> Self {
        Self::with_prior(n, successes, level, Prior::UNIFORM)
    }

    /// The same from a given prior.
    pub(crate) fn with_prior(n: f64, successes: f64, level: f64, prior: Prior) -> Self {
        let n = if n.is_finite() { n.max(0.0) } else { 0.0 };
        let successes = if successes.is_finite() { successes.clamp(0.0, n) } else { 0.0 };
        let (a, b) = parameters(n, successes, prior);
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

/// The rate that the posterior exceeds with probability 1 − `p`: what to rank by, because few attempts
/// rank low.
pub(crate) fn quantile(n: f64, successes: f64, prior: Prior, p: f64) -> f64 {
    let (a, b) = parameters(n.max(0.0), successes.clamp(0.0, n.max(0.0)), prior);
    beta_quantile(a, b, p)
}

fn parameters(n: f64, successes: f64, prior: Prior) -> (f64, f64) {
    let before = prior.mean * prior.weight;
    (before + successes, prior.weight - before + n - successes)
}

/// Wilson's score interval for `successes` of `n` at `level`, for display beside bare counts.
///
/// (0, 1) for no attempts. E. B. Wilson, "Probable inference, the law of succession, and statistical
/// inference", 1927.
#[cfg_attr(not(test), expect(dead_code, reason = "no answer shows bare counts yet"))]
pub(crate) fn wilson(n: f64, successes: f64, level: f64) -> (f64, f64) {
    if n.is_nan() || n <= 0.0 {
        return (0.0, 1.0);
    }
    let z = normal_quantile(f64::midpoint(1.0, level.clamp(0.0, 1.0 - 1e-9)));
    let rate = (successes / n).clamp(0.0, 1.0);
    let shrink = 1.0 + z * z / n;
    let middle = (rate + z * z / (2.0 * n)) / shrink;
    let half = z / shrink * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
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
        let rank = |n, successes| quantile(n, successes, Prior::UNIFORM, 0.1);
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

    #[test]
    fn wilson_equals_statsmodels() {
        // statsmodels.stats.proportion.proportion_confint(k, n, .05, "wilson")
        for (n, k, lower, upper) in WILSON {
            let (got_lower, got_upper) = wilson(n, k, 0.95);
            near(got_lower, lower);
            near(got_upper, upper);
        }
        assert_eq!(wilson(0.0, 0.0, 0.95), (0.0, 1.0));
        assert_eq!(wilson(f64::NAN, 0.0, 0.95), (0.0, 1.0));
    }

    const BETA_7_3: (f64, f64) = (0.509_918_805_554_197, 0.870_502_703_142_310_3);

    const WILSON: [(f64, f64, f64, f64); 5] = [
        (1.0, 0.0, 0.0, 0.793_450_685_622_762_7),
        (1.0, 1.0, 0.206_549_314_377_237_4, 1.0),
        (10.0, 3.0, 0.107_791_267_406_301_04, 0.603_221_852_538_854_6),
        (57.0, 40.0, 0.573_357_198_965_399_8, 0.804_674_499_251_819_1),
        (2000.0, 3.0, 0.000_510_263_583_638_481_9, 0.004_401_032_555_770_695),
    ];
}
