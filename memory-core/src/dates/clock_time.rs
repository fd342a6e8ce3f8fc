//! Times of the day within a text, with their zone.

use super::token::Tokens;

const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_HOUR: i64 = 60 * MS_PER_MINUTE;

/// Zones that RFC 2822 names, and those of UTC, with their hours from UTC.
const ZONES: [(&str, i64); 12] = [
    ("z", 0),
    ("utc", 0),
    ("gmt", 0),
    ("ut", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
];

/// A time of the day, in milliseconds since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClockTime {
    pub(super) ms: i64,
    /// Milliseconds by which the zone is ahead of UTC; 0 where none is written.
    pub(super) offset_ms: i64,
}

impl ClockTime {
    /// Reads the time that begins at a token: `14:03`, `14:03:01.5`, `140301`, `2:03 pm`, `2pm`,
    /// and a zone after it. Gives it with the position after it.
    pub(super) fn read(tokens: &Tokens<'_>, at: usize) -> Option<(Self, usize)> {
        let (ms, next) = compact(tokens, at).or_else(|| with_colons(tokens, at))?;
        Some(Self { ms, offset_ms: 0 }.with_zone(tokens, next))
    }

    /// Takes in the zone that stands there, if one does; gives the position after it.
    pub(super) fn with_zone(self, tokens: &Tokens<'_>, at: usize) -> (Self, usize) {
        match zone(tokens, at) {
            Some((offset_ms, next)) => (Self { offset_ms, ..self }, next),
            None => (self, at),
        }
    }
}

/// `140301` or `1403`, right after the `T` of a compact instant.
fn compact(tokens: &Tokens<'_>, at: usize) -> Option<(i64, usize)> {
    if !tokens.before(at)?.is("t") || !tokens.gap(at).is_empty() {
        return None;
    }
    let token = tokens.get(at)?;
    let n = i64::from(token.number(4..=6)?);
    let (hour, minute, second) = match token.text.len() {
        4 => (n / 100, n % 100, 0),
        6 => (n / 10_000, n / 100 % 100, n % 100),
        _ => return None,
    };
    Some(fraction(tokens, at + 1, of_day(hour, minute, second)?))
}

fn with_colons(tokens: &Tokens<'_>, at: usize) -> Option<(i64, usize)> {
    let mut hour = i64::from(tokens.get(at)?.number(1..=2)?);
    let part = |place: usize| {
        let number = tokens.get(place)?.number(2..=2)?;
        (tokens.gap(place) == ":").then_some(i64::from(number))
    };
    let minute = part(at + 1);
    let second = minute.and_then(|_| part(at + 2));
    let next = at + 1 + usize::from(minute.is_some()) + usize::from(second.is_some());
    let half = half_of_day(tokens, next);
    // A number alone is no time.
    if minute.is_none() && half.is_none() {
        return None;
    }
    if half.is_some() {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour %= 12;
    }
    let ms = of_day(hour, minute.unwrap_or(0), second.unwrap_or(0))?;
    match half {
        Some((is_afternoon, next)) => {
            Some((ms + if is_afternoon { 12 * MS_PER_HOUR } else { 0 }, next))
        }
        None if second.is_some() => Some(fraction(tokens, next, ms)),
        None => Some((ms, next)),
    }
}

fn of_day(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let is_time = hour < 24 && minute < 60 && second <= 60;
    // The second that is added to some days counts as the one before it.
    is_time.then(|| hour * MS_PER_HOUR + minute * MS_PER_MINUTE + second.min(59) * 1_000)
}

/// Adds the milliseconds after a point or, as Python's logs write them, a comma.
fn fraction(tokens: &Tokens<'_>, at: usize, ms: i64) -> (i64, usize) {
    let is_fraction = matches!(tokens.gap(at), "." | ",");
    let digits = tokens.get(at).filter(|token| is_fraction && token.is_number());
    let Some(digits) = digits else { return (ms, at) };
    let first_three = digits.text.bytes().chain(*b"000").take(3);
    let thousandths = first_three.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    (ms + thousandths, at + 1)
}

/// Returns whether `am`, `pm`, `a.m.` or `p.m.` stands there, and which.
fn half_of_day(tokens: &Tokens<'_>, at: usize) -> Option<(bool, usize)> {
    if !(tokens.gap(at).is_empty() || tokens.is_spaced(at)) {
        return None;
    }
    let token = tokens.get(at)?;
    let is_dotted = tokens.gap(at + 1) == "." && tokens.is(at + 1, "m");
    match token.text.to_ascii_lowercase().as_str() {
        "am" => Some((false, at + 1)),
        "pm" => Some((true, at + 1)),
        "a" if is_dotted => Some((false, at + 2)),
        "p" if is_dotted => Some((true, at + 2)),
        _ => None,
    }
}

/// The zone that is written there, as milliseconds ahead of UTC.
fn zone(tokens: &Tokens<'_>, at: usize) -> Option<(i64, usize)> {
    let token = tokens.get(at)?;
    if let Some((_, hours)) = ZONES.iter().find(|(name, _)| token.is(name))
        && (tokens.gap(at).is_empty() || tokens.is_spaced(at))
    {
        return Some((hours * MS_PER_HOUR, at + 1));
    }
    let sign = match tokens.gap(at).trim_start() {
        "+" => 1,
        "-" | "\u{2212}" => -1,
        _ => return None,
    };
    let number = i64::from(token.number(2..=4)?);
    let (hours, minutes, next) = match token.text.len() {
        4 => (number / 100, number % 100, at + 1),
        2 => match tokens.get(at + 1).and_then(|token| token.number(2..=2)) {
            Some(minutes) if tokens.gap(at + 1) == ":" => (number, i64::from(minutes), at + 2),
            _ => (number, 0, at + 1),
        },
        _ => return None,
    };
    // A year or a day after a hyphen is no zone: the farthest is 14 hours away.
    let is_zone = hours <= 14 && minutes < 60;
    is_zone.then(|| (sign * (hours * MS_PER_HOUR + minutes * MS_PER_MINUTE), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(i64, i64)> {
        let tokens = Tokens::of(text);
        let (time, next) = ClockTime::read(&tokens, 0)?;
        (next == tokens.len()).then_some((time.ms, time.offset_ms / MS_PER_MINUTE))
    }

    #[test]
    fn times_are_read_with_their_zone() {
        for (text, expected) in [
            ("14:03", (50_580_000, 0)),
            ("14:03:01", (50_581_000, 0)),
            ("14:03:01.25Z", (50_581_250, 0)),
            ("14:03:01,1239", (50_581_123, 0)),
            ("14:03:01+02:00", (50_581_000, 120)),
            ("14:03 -0330", (50_580_000, -210)),
            ("14:03:01 +01", (50_581_000, 60)),
            ("14:03:01 PST", (50_581_000, -480)),
            ("2:03 pm", (50_580_000, 0)),
            ("2:03:01 p.m", (50_581_000, 0)),
            ("12am", (0, 0)),
            ("12:30 PM GMT", (45_000_000, 0)),
            ("23:59:60", (86_399_000, 0)),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for bad in ["", "14", "24:00", "14:60", "13 pm", "1:2", "14:03:01+99:00"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
