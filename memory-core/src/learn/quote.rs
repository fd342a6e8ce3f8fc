//! Quotations of steps: what a step called, and the error that it had.
//!
//! Advice, cures and patterns name the steps that they want to quote as [`StepRef`]s. Their caller
//! reads all of these in one call of the storage, outside of any lock, and gives them back as
//! [`Quotes`], from which the text is rendered.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::digest::{Signature, looks, members, step_name, unquoted};
use super::text::one_line;
use crate::model::{EpisodeId, Step};
use crate::secret::mask;

/// Arguments that alone say what was done.
const SUFFICIENT: [&str; 7] = ["command", "cmd", "script", "query", "sql", "code", "arg"];

/// Maximum bytes of one argument beside others.
const VALUE_BYTES: usize = 48;

/// Maximum bytes of an argument that is shown alone.
const ALONE_BYTES: usize = 120;

/// Maximum number of arguments that are shown.
const MAX_ARGUMENTS: usize = 3;

/// A step of an episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StepRef {
    /// The episode.
    pub(crate) episode: EpisodeId,
    /// Index of the step in it.
    pub(crate) idx: u32,
}

/// Quotable parts of a step, masked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Quote {
    /// Arguments in one short line, without the tool's name; `None` where they say no more.
    pub(crate) call: Option<String>,
    /// Message of its error; `None` for a step that was ok or says nothing.
    pub(crate) error: Option<String>,
    /// True where it only looked at something, tested or waited.
    pub(crate) is_look: bool,
}

impl Quote {
    /// Returns the quotable parts of a step.
    ///
    /// They are masked again: a rule for secrets may be newer than the stored text.
    pub(crate) fn of(step: &Step) -> Self {
        let masked = |text| mask(text).0;
        Self {
            call: call_of(step, ALONE_BYTES).map(masked),
            error: Signature::message_of(step).map(masked),
            is_look: looks(step),
        }
    }
}

/// Quotations of the steps that were asked for; those of steps that are not stored any more are
/// empty.
#[derive(Debug, Default)]
pub(crate) struct Quotes(FxHashMap<StepRef, Quote>);

impl Quotes {
    /// Returns what a step called.
    pub(crate) fn call(&self, step: StepRef) -> Option<&str> {
        self.quote(step)?.call.as_deref()
    }

    /// Returns the error of a step.
    pub(crate) fn error(&self, step: StepRef) -> Option<&str> {
        self.quote(step)?.error.as_deref()
    }

    /// Returns whether a step only looked at something, tested or waited.
    pub(crate) fn is_look(&self, step: StepRef) -> bool {
        self.quote(step).is_some_and(|quote| quote.is_look)
    }

    fn quote(&self, step: StepRef) -> Option<&Quote> {
        let quote = self.0.get(&step);
        debug_assert!(quote.is_some(), "{step:?} is quoted but was not asked for");
        quote
    }
}

impl FromIterator<(StepRef, Quote)> for Quotes {
    fn from_iter<I: IntoIterator<Item = (StepRef, Quote)>>(quotes: I) -> Self {
        Self(quotes.into_iter().collect())
    }
}

/// Returns the arguments of a step in one short line, without the tool's name; `None` where they
/// say no more than that.
///
/// A command or a query is given alone, without its comment lines; other arguments as `name=value`,
/// three of them, ids last. What is given alone has at most `limit` bytes.
pub(super) fn call_of(step: &Step, limit: usize) -> Option<String> {
    let args = step.args.as_str();
    let name = step_name(step);
    let action = name.rsplit(':').next().unwrap_or_default();
    let says_more = |text: &str| !matches!(text, "null" | "{}" | "[]" | "\"\"") && text != action;
    if let Some((_, raw)) = members(args).find(|(name, _)| SUFFICIENT.contains(name)) {
        let text = without_comments(&value(raw)).into_owned();
        return one_line(&text, limit).filter(|text| says_more(text));
    }
    let shown = members(args).filter_map(|(name, raw)| {
        let value = one_line(&value(raw), VALUE_BYTES).filter(|text| says_more(text))?;
        Some((name, value))
    });
    let (ids, others): (Vec<_>, Vec<_>) = shown.partition(|(name, _)| is_id(name));
    let named: Vec<String> = others
        .into_iter()
        .chain(ids)
        .take(MAX_ARGUMENTS)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if named.is_empty() {
        let is_object = args.trim_start().starts_with('{');
        return if is_object { None } else { one_line(args, limit) };
    }
    Some(named.join(" "))
}

/// Returns the text of a raw JSON value: of a string its content, of others their source.
fn value(raw: &str) -> Cow<'_, str> {
    unquoted(raw).unwrap_or(Cow::Borrowed(raw))
}

/// Returns whether an argument identifies a thing that another attempt will hardly meet.
fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name.ends_with("Id")
}

/// Returns a command without its comment lines, unless it has no other lines.
fn without_comments(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') || !text.lines().any(is_comment) || text.lines().all(is_comment) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n"))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("--") || line.trim_start().starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::step;

    fn called(args: &str) -> Option<String> {
        call_of(&step("tool", args, true, ""), ALONE_BYTES)
    }

    #[test]
    fn a_command_stands_for_itself() {
        assert_eq!(called(r#"{"timeout":3,"command":"cargo\n  test"}"#).unwrap(), "cargo test");
    }

    #[test]
    fn other_arguments_are_named_and_cut() {
        let args = r#"{"path":"src/lib.rs","empty":null,"n":3,"more":"x","rest":"y"}"#;
        assert_eq!(called(args).unwrap(), "path=src/lib.rs n=3 more=x");
        let long = format!(r#"{{"text":"{}"}}"#, "ä".repeat(500));
        assert!(called(&long).unwrap().len() <= "text=".len() + VALUE_BYTES);
    }

    #[test]
    fn comments_ids_and_what_the_name_already_says_are_left_out() {
        let sql = r#"{"query":"-- ======\n-- All of them\nSELECT *\n  -- no more\nFROM t"}"#;
        assert_eq!(called(sql).unwrap(), "SELECT * FROM t");
        let ids = r#"{"page_id":"1","a":"x","b":"y","c":"z"}"#;
        assert_eq!(called(ids).unwrap(), "a=x b=y c=z");
        assert_eq!(called(r#"{"page_id":"1"}"#).unwrap(), "page_id=1");
        assert_eq!(called(r#"{"command":"submit"}"#), None, "`tool:submit` says so");
    }

    #[test]
    fn nothing_and_what_is_no_json_are_defined() {
        assert_eq!([called(""), called("{}"), called("  ")], [None, None, None]);
        assert_eq!(called("plain words").unwrap(), "plain words");
        assert_eq!(called(r#"{"broken": "#), None);
    }
}
