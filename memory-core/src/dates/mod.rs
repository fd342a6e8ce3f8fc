//! Dates, times and spans as people, agents and files write them.
//!
//! The only parser of such texts in the engine and its command line. Three questions are answered:
//! the instant or the stretch of time that a whole text is ([`Period`]), the length of time that a
//! text is ([`Span`]), and the days that a sentence names ([`NamedDays`]). All three share one
//! tokenizer and one grammar of written dates (`written.rs`), so that a form that one of them reads
//! is read by the others. Calendar arithmetic is that of `jiff`; the calendar is the Gregorian one
//! and a time without a zone is UTC.
//!
//! Used by search (days in queries), retention rules, tool arguments, command-line flags and
//! imports. Pure: the current time is an argument. Language: English month names and phrases,
//! figures in any of the usual orders, and 年月日 / 년월일.
//!
//! Of figures that can mean two days, dots and hyphens put the day first (15.06.2023, 04-03-2023 is
//! 4 March) and slashes the month (03/04/2023 is 4 March), unless only the other order is a date.
//! A sentence is read by that rule; a [`Period`], which is stored or bounds a search, is refused
//! instead, except for dots, which nobody writes month first.

mod calendar;
mod clock_time;
mod figures;
mod found;
mod named;
mod period;
mod relative;
mod span;
mod token;
mod vocabulary;
mod written;

pub(crate) use calendar::{MS_PER_DAY, day_of};
pub(crate) use named::NamedDays;
pub use period::{Period, TimeBound};
pub(crate) use span::Span;
pub(crate) use vocabulary::names_of_values;
