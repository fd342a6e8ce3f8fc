//! What a step called, in a few words: enough to do the same again.

use std::borrow::Cow;

use crate::learn::members::{members, unquoted};
use crate::learn::name_of;
use crate::model::Step;

use super::text::one_line;

/// Arguments that say by themselves what was done.
const TELLING: [&str; 7] = ["command", "cmd", "script", "query", "sql", "code", "arg"];

/// Most bytes of one argument beside others, and of one alone.
const VALUE_BYTES: usize = 48;
const ALONE_BYTES: usize = 120;

/// Most arguments that are shown.
const MAX_ARGUMENTS: usize = 3;

/// The arguments of a step in one short line, without the tool's name; `None` where they say no more than that.
///
/// A command or a query stands for itself, without its lines of comment; other arguments are given as
/// `name=value`, three of them, ids last. Arguments that are no JSON object are cut.
pub(crate) fn call_of(step: &Step) -> Option<String> {
    let args = step.args.as_str();
    let name = name_of(step);
    let action = name.rsplit(':').next().unwrap_or_default();
    let says_more = |text: &str| !matches!(text, "null" | "{}" | "[]" | "\"\"") && text != action;
    let shown = |raw: &str, limit| {
        let text = unquoted(raw).unwrap_or(Cow::Borrowed(raw));
        one_line(&text, limit).filter(|text| says_more(text))
    };
    if let Some((_, raw)) = members(args).find(|(name, _)| TELLING.contains(name)) {
        let text = unquoted(raw).unwrap_or(Cow::Borrowed(raw));
        return one_line(&without_comments(&text), ALONE_BYTES).filter(|text| says_more(text));
    }
    let named =
        members(args).filter_map(|(name, raw)| shown(raw, VALUE_BYTES).map(|value| (name, value)));
    let (ids, others): (Vec<_>, Vec<_>) = named.partition(|(name, _)| is_id(name));
    let named: Vec<String> = others
        .into_iter()
        .chain(ids)
        .take(MAX_ARGUMENTS)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if named.is_empty() {
        let is_object = args.trim_start().starts_with('{');
        return if is_object { None } else { one_line(args, ALONE_BYTES) };
    }
    Some(named.join(" "))
}

/// Whether an argument names a thing that another attempt will hardly meet.
fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name.ends_with("Id")
}

/// A command without its lines of comment, unless it is nothing else.
fn without_comments(text: &str) -> Cow<'_, str> {
    let is_comment =
        |line: &str| line.trim_start().starts_with("--") || line.trim_start().starts_with('#');
    if !text.contains('\n') || !text.lines().any(is_comment) || text.lines().all(is_comment) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::step;

    fn called(args: &str) -> Option<String> {
        call_of(&step("tool", args, true, ""))
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
    fn comments_ids_and_what_the_name_says_already_are_left_out() {
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
