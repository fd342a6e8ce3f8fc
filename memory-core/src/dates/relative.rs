//! Days that count from today: “yesterday”, “last Monday”, “ten days ago”, “the past two weeks”.
//!
//! Weeks begin on Monday. “Last week” and “last month” are those of the calendar before this one,
//! “the past week” the seven days up to today. The farther back a number of units goes, the rounder
//! it is taken to be: a month more or less is no other answer to “two years ago”.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::calendar::{
    Days, MS_PER_DAY, Part, date_of, day_number, day_of, days_of_month, days_of_months,
    days_of_year, monday_of, weekday_before,
};
use super::token::Tokens;
use super::vocabulary::{
    Unit, cardinal, is_common_word, month, tens, unit, weekday, weekday_or_short,
};
use crate::model::Timestamp;

/// Most years of doubt of “years ago”, in days.
const MAX_DOUBT_DAYS: i64 = 180;

/// The moment that days are counted from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) at: Timestamp,
    pub(super) today: Date,
}

impl Now {
    /// The day of an instant in UTC; `None` beyond the calendar.
    pub(super) fn new(at: Timestamp) -> Option<Self> {
        Some(Self { at, today: date_of(day_of(at))? })
    }

    fn day(self) -> i64 {
        day_number(self.today)
    }

    /// A number of days before today.
    fn back(self, n: i64) -> Days {
        let day = self.day() - n;
        day..=day
    }
}

/// Days that a phrase names.
pub(super) struct Relative {
    pub(super) days: Days,
    /// Days that some mean by the same phrase: the past seven by “last week”.
    pub(super) loosely: Option<Days>,
    /// Position after it.
    pub(super) next: usize,
}

/// Reads the days that the phrase at a token names.
pub(super) fn read(tokens: &Tokens<'_>, at: usize, now: Now) -> Option<Relative> {
    let plain = |(days, next)| Relative { days, loosely: None, next };
    single_day(tokens, at, now)
        .or_else(|| before_last(tokens, at, now))
        .map(plain)
        .or_else(|| weekday_of(tokens, at, now))
        .or_else(|| period(tokens, at, now))
        .or_else(|| last_so_many(tokens, at, now).or_else(|| ago(tokens, at, now)).map(plain))
}

/// Today, yesterday, and parts of them.
fn single_day(tokens: &Tokens<'_>, at: usize, now: Now) -> Option<(Days, usize)> {
    const PARTS: [&str; 4] = ["morning", "afternoon", "evening", "noon"];
    let is_part = |at: usize| PARTS.iter().any(|part| tokens.is(at, part));
    if tokens.are(at, &["day", "before", "yesterday"]) {
        return Some((now.back(2), at + 3));
    }
    if tokens.are(at, &["night", "before", "last"]) {
        return Some((now.day() - 2..=now.day() - 1, at + 3));
    }
    // What is before yesterday or today is told by what stands before it, or not at all.
    if tokens.before(at).is_some_and(|word| word.is("before") || word.is("after")) {
        return None;
    }
    if tokens.is(at, "yesterday") {
        return Some((now.back(1), at + 1));
    }
    if tokens.is(at, "today") || tokens.is(at, "tonight") {
        return Some((now.back(0), at + 1));
    }
    if tokens.are(at, &["last", "night"]) {
        return Some((now.day() - 1..=now.day(), at + 2));
    }
    (tokens.is(at, "this") && is_part(at + 1)).then(|| (now.back(0), at + 2))
}

/// “The week before last”.
fn before_last(tokens: &Tokens<'_>, at: usize, now: Now) -> Option<(Days, usize)> {
    let unit = unit(tokens.get(at)?.text)?;
    if !tokens.are(at + 1, &["before", "last"]) {
        return None;
    }
    Some((calendar_period(unit, 2, now)?, at + 3))
}

/// Days of a week, month, quarter or year, so many before the present one.
fn calendar_period(unit: Unit, n_back: i8, now: Now) -> Option<Days> {
    let n = i64::from(n_back);
    let (year, month) = (now.today.year(), now.today.month());
    match unit {
        Unit::Week => {
            let monday = monday_of(now.today) - 7 * n;
            Some(monday..=monday + 6)
        }
        Unit::Month => {
            let first = now.today.first_of_month().checked_sub(n.months()).ok()?;
            days_of_months(first.year(), first.month(), 1)
        }
        Unit::Quarter => {
            let first = Date::new(year, (month - 1) / 3 * 3 + 1, 1).ok()?;
            let first = first.checked_sub((3 * n).months()).ok()?;
            days_of_months(first.year(), first.month(), 3)
        }
        Unit::Year => days_of_year(year - i16::from(n_back)),
        Unit::Minute | Unit::Hour | Unit::Day => None,
    }
}

/// “Last Monday”, “on Monday”, “this Monday”, “Monday of last week”.
fn weekday_of(tokens: &Tokens<'_>, at: usize, now: Now) -> Option<Relative> {
    let word = tokens.get(at)?;
    let is_last = ["last", "past", "previous"].iter().any(|last| word.is(last));
    let is_led = is_last || word.is("on") || word.is("this");
    let place = at + usize::from(is_led);
    let name = tokens.get(place)?.text;
    let is_capitalised = name.chars().next().is_some_and(char::is_uppercase);
    // “sat on” and “sun” are other words.
    let short = if is_led && is_capitalised { weekday_or_short(name) } else { None };
    let day = weekday(name).or(short)?;
    let next = place + 1;
    let of_week = next + usize::from(tokens.is(next, "of"));
    let monday = monday_of(now.today);
    let of_last_week = in_week(monday - 7, day);
    if tokens.are(of_week, &["last", "week"]) {
        return Some(Relative { days: of_last_week, loosely: None, next: of_week + 2 });
    }
    if tokens.are(of_week, &["this", "week"]) || word.is("this") {
        let next = if tokens.is(of_week, "this") { of_week + 2 } else { next };
        return Some(Relative { days: in_week(monday, day), loosely: None, next });
    }
    let last = weekday_before(now.today, day);
    // On a Friday, “last Monday” may be that of last week.
    let loosely = is_last.then_some(of_last_week);
    is_led.then_some(Relative { days: last..=last, loosely, next })
}

fn in_week(monday: i64, weekday: Weekday) -> Days {
    let day = monday + i64::from(weekday.to_monday_zero_offset());
    day..=day
}

/// “Last week”, “this month”, “the past year”, “last weekend”, “last June”.
fn period(tokens: &Tokens<'_>, at: usize, now: Now) -> Option<Relative> {
    let which = tokens.get(at)?;
    let is_rolling = which.is("past");
    let is_previous = which.is("last") || which.is("previous");
    let is_current = which.is("this") || which.is("current");
    let word = tokens.get(at + 1).filter(|_| tokens.is_spaced(at + 1))?.text;
    let today = now.day();
    if word.eq_ignore_ascii_case("weekend")
        && (is_rolling || is_previous || is_current || which.is("the"))
    {
        let saturday = monday_of(now.today) + 5;
        // This weekend lies ahead until it is there; the one meant by the others is over.
        let saturday = if is_current { saturday } else { saturday - 7 };
        return Some(Relative { days: saturday..=saturday + 1, loosely: None, next: at + 2 });
    }
    if !(is_rolling || is_previous || is_current) {
        return None;
    }
    if let Some(number) = month(word).filter(|_| !is_common_word(word) || is_capitalised(word)) {
        let is_over = number < now.today.month();
        let year = now.today.year() - i16::from(!(is_current || is_over));
        let days = days_of_month(year, number, Part::WHOLE)?;
        return Some(Relative { days, loosely: None, next: at + 2 });
    }
    let unit = unit(word)?;
    // “The last week” is the past one, “last week” that of the calendar.
    let is_rolling =
        is_rolling || is_previous && tokens.before(at).is_some_and(|the| the.is("the"));
    let n_days = match unit {
        Unit::Minute | Unit::Hour => 1,
        Unit::Day => 2,
        Unit::Week => 7,
        Unit::Month => 30,
        Unit::Quarter => 91,
        Unit::Year => 365,
    };
    let up_to_today = today - n_days + 1..=today;
    // On a Monday, “this week” is still the days that were just gone through.
    if is_rolling || is_current && unit == Unit::Week || unit < Unit::Week {
        return Some(Relative { days: up_to_today, loosely: None, next: at + 2 });
    }
    Some(if is_current {
        let days = *calendar_period(unit, 0, now)?.start()..=today;
        Relative { days, loosely: None, next: at + 2 }
    } else {
        let days = calendar_period(unit, 1, now)?;
        Relative { days, loosely: Some(up_to_today), next: at + 2 }
    })
}

fn is_capitalised(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// A number of units.
struct Amount {
    n: i64,
    /// Set if the number is vague: “a few”.
    is_vague: bool,
    unit: Unit,
    next: usize,
}

impl Amount {
    /// Reads `3 days`, `a week`, `a couple of months`, `twenty-one days`, `half a year`.
    fn read(tokens: &Tokens<'_>, at: usize) -> Option<Self> {
        let word = tokens.get(at)?;
        let plural = |n: i64, is_vague: bool, place: usize| {
            let unit = unit(tokens.get(place)?.text)?;
            Some(Self { n, is_vague, unit, next: place + 1 })
        };
        if word.is("half") {
            let amount = plural(1, true, at + 2)?;
            let (n, unit) = match amount.unit {
                Unit::Year => (6, Unit::Month),
                Unit::Month => (15, Unit::Day),
                Unit::Hour => (30, Unit::Minute),
                _ => return None,
            };
            return Some(Self { n, unit, ..amount });
        }
        let is_article = word.is("a") || word.is("an");
        if is_article && tokens.is(at + 1, "couple") {
            return plural(2, true, at + 2 + usize::from(tokens.is(at + 2, "of")));
        }
        if is_article && tokens.is(at + 1, "few") {
            return plural(4, true, at + 2);
        }
        if is_article && (tokens.is(at + 1, "fortnight")) {
            return Some(Self { n: 2, is_vague: false, unit: Unit::Week, next: at + 2 });
        }
        if word.is("few") || word.is("several") {
            return plural(4, true, at + 1);
        }
        if is_article {
            return plural(1, false, at + 1);
        }
        if let Some(number) = word.number(1..=4) {
            return tokens.starts_alone(at).then(|| plural(i64::from(number), false, at + 1))?;
        }
        let number = i64::from(cardinal(word.text)?);
        let ones = tokens.get(at + 1).and_then(|ones| cardinal(ones.text));
        match ones.filter(|ones| *ones < 10 && tens(word.text).is_some()) {
            Some(ones) => plural(number + i64::from(ones), false, at + 2),
            None => plural(number, false, at + 1),
        }
    }

    /// Days of the amount, about.
    const fn about_days(&self) -> i64 {
        match self.unit {
            Unit::Minute => self.n / 1_440,
            Unit::Hour => self.n / 24,
            Unit::Day => self.n,
            Unit::Week => 7 * self.n,
            Unit::Month => 30 * self.n,
            Unit::Quarter => 91 * self.n,
            Unit::Year => 365 * self.n,
        }
    }

    /// Days by which the amount may be off.
    fn doubt_days(&self) -> i64 {
        let doubt = match self.unit {
            Unit::Minute | Unit::Hour | Unit::Day => 0,
            Unit::Week => 3,
            Unit::Month => 15,
            Unit::Quarter => 45,
            Unit::Year => 15 * self.n,
        };
        let vague = if self.is_vague { self.about_days() / 2 } else { 0 };
        doubt.max(vague).min(MAX_DOUBT_DAYS)
    }

    /// The instant so long before another.
    fn before(&self, now: Now) -> Option<i64> {
        let n_ms = |each: i64| Some(now.at.as_millis().saturating_sub(self.n.checked_mul(each)?));
        let date = match self.unit {
            Unit::Minute => return Some(day_of(Timestamp::from_millis(n_ms(60_000)?))),
            Unit::Hour => return Some(day_of(Timestamp::from_millis(n_ms(3_600_000)?))),
            Unit::Day | Unit::Week => {
                return Some(day_of(now.at) - self.about_days());
            }
            Unit::Month => now.today.checked_sub(self.n.months()),
            Unit::Quarter => now.today.checked_sub((3 * self.n).months()),
            Unit::Year => now.today.checked_sub(self.n.years()),
        };
        date.ok().map(day_number)
    }
}

/// “The last three days”, “the past two weeks”.
fn last_so_many(tokens: &Tokens<'_>, at: usize, now: Now) -> Option<(Days, usize)> {
    let which = tokens.get(at)?;
    if !(which.is("last") || which.is("past") || which.is("previous")) {
        return None;
    }
    let amount = Amount::read(tokens, at + 1)?;
    Some((amount.before(now)?..=now.day(), amount.next))
}

/// “Ten days ago”, “a year and two months ago”, “a year and a half ago”.
fn ago(tokens: &Tokens<'_>, at: usize, now: Now) -> Option<(Days, usize)> {
    let amount = Amount::read(tokens, at)?;
    let mut doubt = amount.doubt_days();
    let mut day = amount.before(now)?;
    let mut next = amount.next;
    if tokens.is(next, "and") || tokens.gap(next).trim() == "," {
        let place = next + usize::from(tokens.is(next, "and"));
        if tokens.are(place, &["a", "half"]) {
            day -= amount.about_days() / amount.n.max(1) / 2;
            next = place + 2;
        } else {
            let more = Amount::read(tokens, place)?;
            let then = start_of_day(day)?;
            day = more.before(Now::new(then)?)?;
            doubt = more.doubt_days();
            next = more.next;
        }
    }
    if !tokens.is(next, "ago") {
        return None;
    }
    Some((day - doubt..=(day + doubt).min(now.day()), next + 1))
}

fn start_of_day(day: i64) -> Option<Timestamp> {
    day.checked_mul(MS_PER_DAY).map(Timestamp::from_millis)
}
