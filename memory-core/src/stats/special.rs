//! Special functions behind intervals and p-values: log-gamma, incomplete beta, normal
//! distribution.
//!
//! Accurate to 1e-10 against scipy on the committed figures, for beta parameters from 0.01 to a
//! million.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// ln √(2π).
const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_7;

/// Maximum number of terms of a series or continued fraction; the slowest case met (parameters of a
/// million) takes about a thousand.
const MAX_TERMS: u32 = 20_000;

/// Relative size below which a term no longer changes a sum: two units in the last place.
const EPSILON: f64 = 5e-16;

/// Coefficients of Lanczos' approximation with g = 7 (P. Godfrey's set of nine, without the first).
const LANCZOS: [f64; 8] = [
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

/// Computes the natural logarithm of the gamma function for `x > 0`; NaN elsewhere.
///
/// Source: C. Lanczos, "A precision approximation of the gamma function", 1964.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    if x < 0.5 {
        // Reflection keeps the sum of the approximation away from its pole.
        return (PI / (PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let base = x + 7.5;
    let (sum, _) = LANCZOS.iter().fold((0.999_999_999_999_809_9, 1.0), |(sum, place), c| {
        (sum + c / (x + place), place + 1.0)
    });
    LN_SQRT_TAU + (x + 0.5) * base.ln() - base + sum.ln()
}

/// Computes the remainder of Stirling's formula: ln Γ(x) − ((x − ½) ln x − x + ln √(2π)), for
/// `x > 0`.
fn stirling_rest(x: f64) -> f64 {
    if x < 15.0 {
        return ln_gamma(x) - ((x - 0.5) * x.ln() - x + LN_SQRT_TAU);
    }
    let square = 1.0 / (x * x);
    let tail = 1.0 / 1_260.0 - square * (1.0 / 1_680.0 - square / 1_188.0);
    (1.0 / 12.0 - square * (1.0 / 360.0 - square * tail)) / x
}

/// Computes `x^a (1 − x)^b / B(a, b)` for `x` in (0, 1).
///
/// The powers are taken relative to the mean `a / (a + b)`, so that nothing cancels for large
/// parameters.
fn beta_power(a: f64, b: f64, x: f64) -> f64 {
    let n = a + b;
    let (at_a, at_b) = (x * n / a, (1.0 - x) * n / b);
    // Near the mean both ratios are about 1: `ln_1p` of their distance to 1 rounds only once.
    let off = x * n - a;
    let ln_of = |ratio: f64, off: f64| if off.abs() < 0.1 { off.ln_1p() } else { ratio.ln() };
    let power = a * ln_of(at_a, off / a) + b * ln_of(at_b, -off / b);
    let rest = stirling_rest(n) - stirling_rest(a) - stirling_rest(b);
    (power + rest).exp() * (a / n * b / (2.0 * PI)).sqrt()
}

/// Computes the regularised incomplete beta function `I_x(a, b)`: the probability of a Beta(a, b)
/// distribution below `x`.
///
/// NaN unless `a` and `b` are positive and finite; 0 below and 1 above the range of `x`.
/// Source: continued fraction DLMF 8.17.22 with Lentz's method, on the side of the mean where it
/// converges fast.
pub(crate) fn beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite()) || x.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = beta_power(a, b, x);
    let share = if x <= (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    };
    share.clamp(0.0, 1.0)
}

/// Evaluates the continued fraction of the incomplete beta function.
#[expect(clippy::many_single_char_names, reason = "as in the formula")]
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..=MAX_TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < EPSILON {
            break;
        }
    }
    fraction
}

/// Computes the `p`-quantile of a Beta(a, b) distribution.
///
/// NaN for parameters that are not positive and finite or a `p` outside [0, 1]. Newton steps inside
/// a bracket that each evaluation narrows; a step that leaves it is replaced by a bisection. Some
/// 10 evaluations of [`beta_cdf`].
pub(crate) fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite() && (0.0..=1.0).contains(&p)) {
        return f64::NAN;
    }
    if p == 0.0 || p >= 1.0 {
        return p;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let mut x = a / (a + b);
    for _ in 0..200 {
        let over = beta_cdf(a, b, x) - p;
        if over > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = beta_power(a, b, x) / (x * (1.0 - x));
        let step = over / density;
        let next = x - step;
        // A NaN or infinite step lies in no bracket either.
        let next = if next > low && next < high { next } else { between(low, high) };
        let moved = (next - x).abs();
        x = next;
        if moved <= 1e-13 * x || high - low <= 1e-16 * high || high < 1e-300 {
            break;
        }
    }
    x
}

/// Returns a point inside a bracket: its middle, on a logarithmic scale where it spans orders of
/// magnitude.
fn between(low: f64, high: f64) -> f64 {
    if low == 0.0 {
        high * 0.01
    } else if high > 4.0 * low {
        (low * high).sqrt()
    } else {
        f64::midpoint(low, high)
    }
}

/// Computes the complementary error function, to full relative precision also where it is tiny.
fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < 2.0 {
        // erf(x) = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!: all terms positive (DLMF 7.6.2).
        let (mut term, mut sum) = (x, x);
        for n in 1..=MAX_TERMS {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
            if term < EPSILON * sum {
                break;
            }
        }
        return 1.0 - 2.0 / PI.sqrt() * (-x * x).exp() * sum;
    }
    if x > 27.5 {
        return 0.0; // below the smallest number
    }
    // Continued fraction DLMF 7.9.3, evaluated from its end: 60 terms suffice from 2 on.
    let tail = (1..=60).rev().fold(x, |below, n| x + f64::from(n) / 2.0 / below);
    (-x * x).exp() / (PI.sqrt() * tail)
}

/// Computes the probability of a standard normal distribution below `z`.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z * FRAC_1_SQRT_2)
}

/// Computes the two-sided p-value of a standard normal statistic.
pub(crate) fn two_sided_p(z: f64) -> f64 {
    erfc(z.abs() * FRAC_1_SQRT_2)
}

/// Computes the `p`-quantile of a standard normal distribution: −∞ at 0, ∞ at 1, NaN outside.
///
/// Starts from the rational approximation 26.2.23 of Abramowitz and Stegun (error 4.5e-4) and takes
/// Halley steps, which treble the digits, in the lower half.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    let t = (-2.0 * p.ln()).sqrt();
    let above = (0.010_328 * t + 0.802_853) * t + 2.515_517;
    let below = ((0.001_308 * t + 0.189_269) * t + 1.432_788) * t + 1.0;
    let mut z = above / below - t;
    for _ in 0..3 {
        let density = (-0.5 * z * z - LN_SQRT_TAU).exp();
        if density <= 0.0 {
            break;
        }
        let step = (normal_cdf(z) - p) / density;
        z -= step / (1.0 + 0.5 * z * step);
    }
    z
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values at the ends are exact")]
mod tests {
    use super::*;

    /// Distance of two numbers: relative for large ones, absolute for small ones.
    fn distance(got: f64, wanted: f64) -> f64 {
        (got - wanted).abs() / wanted.abs().max(1.0)
    }

    #[test]
    fn the_functions_equal_scipy_to_ten_digits() {
        let mut n_checked = 0;
        for line in include_str!("golden/special.txt").lines().filter(|l| !l.starts_with('#')) {
            let mut words = line.split(' ');
            let name = words.next().unwrap();
            let numbers: Vec<f64> = words.map(|word| word.parse().unwrap()).collect();
            let got = match (name, numbers.as_slice()) {
                ("gammaln", [x, _]) => ln_gamma(*x),
                ("betainc", [a, b, x, _]) => beta_cdf(*a, *b, *x),
                ("betaincinv", [a, b, p, _]) => beta_quantile(*a, *b, *p),
                ("ndtr", [z, _]) => normal_cdf(*z),
                ("ndtri", [p, _]) => normal_quantile(*p),
                _ => panic!("{line}"),
            };
            let off = distance(got, *numbers.last().unwrap());
            assert!(off <= 1e-10, "{line}: {got:e}, off by {off:e}");
            n_checked += 1;
        }
        assert!(n_checked > 200, "{n_checked}");
    }

    #[test]
    fn tails_keep_their_relative_precision() {
        // scipy.special.ndtr
        for (z, wanted) in [(-8.0, 6.220_960_574_271_785e-16), (-20.0, 2.753_624_118_606_234e-89)] {
            assert!((normal_cdf(z) / wanted - 1.0).abs() < 1e-10, "{z}");
            assert!((two_sided_p(z) / (2.0 * wanted) - 1.0).abs() < 1e-10, "{z}");
        }
    }

    #[test]
    fn arguments_out_of_range_have_no_value() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(beta_cdf(bad, 1.0, 0.5).is_nan() && beta_cdf(1.0, bad, 0.5).is_nan(), "{bad}");
            assert!(beta_quantile(bad, 1.0, 0.5).is_nan(), "{bad}");
        }
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(beta_quantile(1.0, 1.0, bad).is_nan() && normal_quantile(bad).is_nan());
        }
        assert!(ln_gamma(0.0).is_nan() && ln_gamma(-1.5).is_nan() && ln_gamma(f64::NAN).is_nan());
        assert!(beta_cdf(1.0, 1.0, f64::NAN).is_nan());
        assert_eq!([beta_cdf(2.0, 3.0, -1.0), beta_cdf(2.0, 3.0, 2.0)], [0.0, 1.0]);
        assert_eq!([beta_quantile(2.0, 3.0, 0.0), beta_quantile(2.0, 3.0, 1.0)], [0.0, 1.0]);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }

    proptest::proptest! {
        #[test]
        fn a_quantile_is_where_its_share_lies_below(
            a in 0.05_f64..200.0, b in 0.05_f64..200.0, p in 0.001_f64..0.999,
        ) {
            let x = beta_quantile(a, b, p);
            proptest::prop_assert!((0.0..=1.0).contains(&x));
            // Where the distribution crowds at an end, one step of x passes over p.
            let [under, over] = [1.0 - 1e-9, 1.0 + 1e-9].map(|near| beta_cdf(a, b, x * near));
            proptest::prop_assert!(under - 1e-10 <= p && p <= over + 1e-10, "{under} {p} {over}");
        }
    }
}
