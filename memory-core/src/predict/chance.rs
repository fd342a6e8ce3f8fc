//! Random numbers for simulations in tests.

/// Source of random numbers (xorshift), the same for a seed on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            chance.next();
        }
        chance
    }

    /// Returns a number in [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a whole number from 0 to below `end`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below `end`")]
    pub(crate) fn below(&mut self, end: u16) -> usize {
        (self.next() * f64::from(end)) as usize
    }

    /// Returns a number of the standard normal distribution.
    pub(crate) fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.next(), self.next());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// Returns a count of the Poisson distribution with a small mean.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let (bound, mut product, mut n) = ((-mean).exp(), self.next(), 0);
        while product > bound {
            product *= self.next();
            n += 1;
        }
        n
    }
}
