//! English names of months, weekdays, numbers and units of time.

use jiff::civil::Weekday;

/// Months, each with the shortest prefix of it that is a name.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

const CARDINALS: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

const ORDINALS: [&str; 20] = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
];

/// Tens from twenty on.
const TENS: [&str; 8] =
    ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    /// Sixty seconds.
    Minute,
    /// Sixty minutes.
    Hour,
    /// A day.
    Day,
    /// Seven days.
    Week,
    /// A month of the calendar.
    Month,
    /// Three months.
    Quarter,
    /// A year of the calendar.
    Year,
}

/// Names of weekdays, months and numbers, in small letters.
pub(crate) fn names_of_values() -> impl Iterator<Item = &'static str> {
    let weekdays = WEEKDAYS.iter().map(|(name, _)| *name);
    weekdays.chain(MONTHS).chain(CARDINALS).chain(ORDINALS).chain(TENS)
}

/// Number of a month, from 1: its name, the first three letters of it, or `sept`.
pub(super) fn month(word: &str) -> Option<i8> {
    let word = word.to_ascii_lowercase();
    let is_name = |name: &str| {
        name == word
            || word.len() == 3 && name.starts_with(&word)
            || word == "sept" && name == "september"
    };
    (1..).zip(MONTHS).find(|(_, name)| is_name(name)).map(|(number, _)| number)
}

/// Returns whether a month's name is also another English word: “step 3 may fail”.
pub(super) fn is_common_word(month: &str) -> bool {
    matches!(month.to_ascii_lowercase().as_str(), "may" | "mar" | "march")
}

/// A weekday by its whole name.
pub(super) fn weekday(word: &str) -> Option<Weekday> {
    let found = WEEKDAYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    found.map(|(_, weekday)| *weekday)
}

/// A weekday by its name or the abbreviations in use (`Mon`, `Tues`, `Thurs`).
pub(super) fn weekday_or_short(word: &str) -> Option<Weekday> {
    let word = word.to_ascii_lowercase();
    let fits = |name: &str| (3..=5).contains(&word.len()) && name.starts_with(&word);
    let short = || WEEKDAYS.iter().find(|(name, _)| fits(name)).map(|(_, weekday)| *weekday);
    weekday(&word).or_else(short)
}

fn place(word: &str, names: &[&str]) -> Option<u16> {
    let at = names.iter().position(|name| name.eq_ignore_ascii_case(word))?;
    u16::try_from(at).ok()
}

/// A number in one word, up to ninety.
pub(super) fn cardinal(word: &str) -> Option<u16> {
    place(word, &CARDINALS).or_else(|| tens(word))
}

/// Twenty, thirty … ninety.
pub(super) fn tens(word: &str) -> Option<u16> {
    place(word, &TENS).map(|at| (at + 2) * 10)
}

/// The place that a word names, from 1: `first` … `twentieth`, `thirtieth`.
pub(super) fn ordinal(word: &str) -> Option<u16> {
    let thirtieth = || word.eq_ignore_ascii_case("thirtieth").then_some(30);
    place(word, &ORDINALS).map(|at| at + 1).or_else(thirtieth)
}

/// A unit of time, in singular or plural; for hours and shorter ones also as abbreviated.
pub(super) fn unit(word: &str) -> Option<Unit> {
    Some(match word.to_ascii_lowercase().as_str() {
        "second" | "seconds" | "sec" | "secs" | "minute" | "minutes" | "min" | "mins" => {
            Unit::Minute
        }
        "hour" | "hours" | "hr" | "hrs" | "h" => Unit::Hour,
        "day" | "days" | "d" => Unit::Day,
        "week" | "weeks" | "wk" | "wks" => Unit::Week,
        "month" | "months" => Unit::Month,
        "quarter" | "quarters" => Unit::Quarter,
        "year" | "years" | "yr" | "yrs" => Unit::Year,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_by_name_and_by_three_letters() {
        for (word, number) in [("January", 1), ("JUN", 6), ("sept", 9), ("may", 5), ("Dec", 12)] {
            assert_eq!(month(word), Some(number), "{word}");
        }
        for word in ["", "ja", "marching", "janu", "decimal", "i"] {
            assert_eq!(month(word), None, "{word}");
        }
    }

    #[test]
    fn weekdays_and_numbers_are_known_by_their_words() {
        assert_eq!(weekday("FRIDAY"), Some(Weekday::Friday));
        assert_eq!((weekday("fri"), weekday_or_short("Fri")), (None, Some(Weekday::Friday)));
        assert_eq!(weekday_or_short("mo"), None);
        assert_eq!(
            (cardinal("Twelve"), cardinal("ninety"), cardinal("many")),
            (Some(12), Some(90), None)
        );
        assert_eq!(
            (ordinal("third"), ordinal("thirtieth"), ordinal("3")),
            (Some(3), Some(30), None)
        );
    }
}
