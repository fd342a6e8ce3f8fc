//! Lengths of time as settings and flags write them: `90m`, `24h`, `7d`, `2w`.

use super::calendar::MS_PER_DAY;

/// A length of time, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    ms: i64,
}

impl Span {
    /// Reads a whole number and a unit: `m`inutes, `h`ours, `d`ays or `w`eeks.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = text.chars().next_back()?;
        let unit_ms = match unit {
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => MS_PER_DAY,
            'w' => 7 * MS_PER_DAY,
            _ => return None,
        };
        let n: u32 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        Some(Self { ms: i64::from(n).checked_mul(unit_ms)? })
    }

    /// Length in milliseconds.
    pub(crate) const fn ms(self) -> i64 {
        self.ms
    }

    /// Length in days, if it is a whole number of them.
    pub(crate) fn whole_days(self) -> Option<u32> {
        (self.ms % MS_PER_DAY == 0).then(|| u32::try_from(self.ms / MS_PER_DAY).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        let ms = |text| Span::read(text).map(Span::ms);
        assert_eq!(ms("90m"), Some(5_400_000));
        assert_eq!(ms(" 24 h "), Some(MS_PER_DAY));
        assert_eq!(ms("7d"), Some(7 * MS_PER_DAY));
        assert_eq!(ms("2w"), ms("14d"));
        for bad in ["", "d", "-7d", "1.5d", "7", "7y", "7 days", "99999999999d", "7日"] {
            assert_eq!(ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn whole_days_are_not_rounded() {
        let days = |text| Span::read(text).and_then(Span::whole_days);
        assert_eq!((days("48h"), days("3w"), days("47h")), (Some(2), Some(21), None));
        assert_eq!(days("700000000w"), None, "more days than the type holds");
    }
}
