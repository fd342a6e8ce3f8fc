//! What a step called, in a few words: enough to do the same again.

use crate::learn::members::{members, unquoted};
use crate::model::Step;

use super::text::one_line;

/// Arguments that say by themselves what was done.
const TELLING: [&str; 7] = ["command", "cmd", "script", "query", "sql", "code", "arg"];

/// Most bytes of one argument beside others, and of one alone.
const VALUE_BYTES: usize = 48;
const ALONE_BYTES: usize = 120;

/// Most arguments that are shown.
const MAX_ARGUMENTS: usize = 3;

/// The arguments of a step in one short line, without the tool's name; `None` where there are none.
///
/// A command or a query stands for itself; other arguments are given as `name=value`, the first three that
/// say something. Arguments that are no JSON object are cut.
pub(crate) fn call_of(step: &Step) -> Option<String> {
    let args = step.args.as_str();
    let shown = |raw: &str, limit| {
        let text = unquoted(raw).unwrap_or(std::borrow::Cow::Borrowed(raw));
        one_line(&text, limit)
            .filter(|text| !matches!(text.as_str(), "null" | "{}" | "[]" | "\"\""))
    };
    let telling = members(args).find(|(name, _)| TELLING.contains(name));
    if let Some(text) = telling.and_then(|(_, raw)| shown(raw, ALONE_BYTES)) {
        return Some(text);
    }
    let named: Vec<String> = members(args)
        .filter_map(|(name, raw)| shown(raw, VALUE_BYTES).map(|value| format!("{name}={value}")))
        .take(MAX_ARGUMENTS)
        .collect();
    if named.is_empty() {
        let is_object = args.trim_start().starts_with('{');
        return if is_object { None } else { one_line(args, ALONE_BYTES) };
    }
    Some(named.join(" "))
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
    fn nothing_and_what_is_no_json_are_defined() {
        assert_eq!([called(""), called("{}"), called("  ")], [None, None, None]);
        assert_eq!(called("plain words").unwrap(), "plain words");
        assert_eq!(called(r#"{"broken": "#), None);
    }
}
