//! Name of a step: its tool, and the action where the tool alone says too little.

use std::borrow::Cow;

use super::members::{members, unquoted};
use crate::model::Step;

/// Arguments that hold a command line of a shell.
pub(super) const COMMANDS: [&str; 3] = ["command", "cmd", "script"];

/// Arguments that hold a statement of a query language.
pub(super) const STATEMENTS: [&str; 2] = ["query", "sql"];

/// Arguments that name the function of a tool that has several.
const FUNCTIONS: [&str; 3] = ["action", "action_name", "operation"];

/// Maximum length of an action, in bytes; longer words are no names.
const MAX_ACTION_BYTES: usize = 40;

/// Bytes of a command line that are read.
const MAX_COMMAND_BYTES: usize = 1_000;

/// Bytes of arguments that are read.
const MAX_ARGS_BYTES: usize = 8_000;

/// Programs that run the program named after them.
const PREFIXES: [&str; 13] = [
    "sudo", "time", "env", "nohup", "exec", "command", "nice", "timeout", "then", "do", "if",
    "while", "!",
];

/// First words of statements.
const KEYWORDS: [&str; 30] = [
    "ALTER", "ANALYZE", "ATTACH", "BEGIN", "CALL", "COMMIT", "COPY", "CREATE", "DELETE", "DESC",
    "DESCRIBE", "DO", "DROP", "EXPLAIN", "GRANT", "INSERT", "MERGE", "PRAGMA", "REPLACE", "REVOKE",
    "ROLLBACK", "SELECT", "SET", "SHOW", "TRUNCATE", "UPDATE", "USE", "VACUUM", "VALUES", "WITH",
];

/// Writes the name of a step to `name`: the tool, or `tool:action`.
///
/// The action is the one that was logged; else the first program of an argument that is a command
/// line, the first keyword of one that is a statement, or the name in one that names a function.
pub(super) fn write_name(step: &Step, name: &mut String) {
    name.clear();
    name.push_str(&step.tool);
    let action = match &step.action {
        Some(action) => Some(Cow::Borrowed(&**action)),
        None => action_of_args(head(step.args.as_str(), MAX_ARGS_BYTES)),
    };
    if let Some(action) = action {
        name.push(':');
        name.push_str(&action);
    }
}

/// Returns the name of a step: the tool, or `tool:action`.
pub(crate) fn step_name(step: &Step) -> String {
    let mut name = String::new();
    write_name(step, &mut name);
    name
}

/// Returns the beginning of `text`, at most `n_bytes`, cut at a character.
pub(super) fn head(text: &str, n_bytes: usize) -> &str {
    text.split_at(text.floor_char_boundary(n_bytes)).0
}

/// Returns the action that the arguments give.
fn action_of_args(args: &str) -> Option<Cow<'_, str>> {
    members(args).find_map(|(name, raw)| {
        let is_in = |names: &[&str]| names.contains(&name);
        if is_in(&COMMANDS) {
            program(head(&unquoted(raw)?, MAX_COMMAND_BYTES))
                .map(|name| Cow::Owned(name.to_owned()))
        } else if is_in(&STATEMENTS) {
            keyword(&unquoted(raw)?).map(Cow::Borrowed)
        } else if is_in(&FUNCTIONS) {
            unquoted(raw).filter(|action| is_name(action))
        } else {
            None
        }
    })
}

/// Returns whether a word can be the name of a program or function.
fn is_name(word: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    !word.is_empty()
        && word.len() <= MAX_ACTION_BYTES
        && word.chars().all(is_plain)
        && word.chars().any(char::is_alphabetic)
}

/// Returns the program that a command line is about, without its folder: the first one that is not
/// a change of directory, an assignment or a program that runs another.
fn program(line: &str) -> Option<&str> {
    line.split(['\n', ';', '|', '&']).find_map(|command| {
        let mut words =
            command.split_whitespace().map(|word| word.trim_matches(['(', ')', '{', '}']));
        let mut is_after_prefix = false;
        let word = words.find(|word| {
            let is_assignment = word.split_once('=').is_some_and(|(name, _)| is_name(name));
            let is_prefix = PREFIXES.contains(word);
            // The options and times of a prefix: `timeout -k 5 10s cargo`.
            let is_option =
                is_after_prefix && word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
            is_after_prefix |= is_prefix;
            !(word.is_empty() || is_assignment || is_prefix || is_option)
        })?;
        let is_comment = word.starts_with('#');
        let program = word.rsplit('/').next().unwrap_or(word);
        let is_setting =
            matches!(program, "cd" | "pushd" | "export" | "set" | "source" | "." | "true");
        (!is_comment && !is_setting && is_name(program)).then_some(program)
    })
}

/// Returns the keyword that a statement begins with, after comments and brackets.
pub(super) fn keyword(statement: &str) -> Option<&'static str> {
    let line = statement.lines().map(str::trim).find(|line| {
        let is_comment = line.starts_with("--") || line.starts_with("/*");
        !line.is_empty() && !is_comment
    })?;
    let word = line.trim_start_matches(['(', ' ']);
    let word = word.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Excerpt, Timestamp};

    fn step(tool: &str, action: Option<&str>, args: &str) -> Step {
        Step {
            idx: 0,
            call_id: None,
            tool: tool.into(),
            action: action.map(Into::into),
            args: Excerpt::cut(args.to_owned(), 100_000),
            observation: Excerpt::default(),
            ok: true,
            error: None,
            latency_ms: None,
            n_tokens: None,
            occurred_at: Timestamp::default(),
        }
    }

    #[test]
    fn a_generic_tool_is_named_by_what_it_ran() {
        let cases = [
            (r#"{"command":"cargo test -p core"}"#, "sh:cargo"),
            (r#"{"cmd":"cd app && RUST_LOG=debug sudo -E time ./tools/run.sh 3"}"#, "sh:run.sh"),
            (
                r#"{"script":"set -e\n# first\nexport A=1; timeout -k 5 10s grep -rn x | head"}"#,
                "sh:grep",
            ),
            (r#"{"command":"(cd a; git status)"}"#, "sh:git"),
            (r#"{"query":"-- all\n  ( select 1"}"#, "sh:SELECT"),
            (r#"{"sql":"The tables are"}"#, "sh"),
            (r#"{"query":"who wrote this"}"#, "sh"),
            (r#"{"action_name":"create_issue","body":"x"}"#, "sh:create_issue"),
            (r#"{"action":"do this and that"}"#, "sh"),
            (r#"{"command":"$(("}"#, "sh"),
            (r#"{"command":42,"path":"x"}"#, "sh"),
            ("", "sh"),
        ];
        for (args, expected) in cases {
            assert_eq!(step_name(&step("sh", None, args)), expected, "{args}");
        }
    }

    #[test]
    fn the_logged_action_comes_first() {
        assert_eq!(step_name(&step("sh", Some("git"), r#"{"command":"ls"}"#)), "sh:git");
    }

    #[test]
    fn a_command_beyond_the_bytes_that_are_read_does_no_harm() {
        let args = format!(r#"{{"text":"{}","command":"ls"}}"#, "é".repeat(MAX_ARGS_BYTES));
        assert_eq!(step_name(&step("sh", None, &args)), "sh");
        let args = format!(r#"{{"command":"{}"}}"#, "日".repeat(MAX_COMMAND_BYTES));
        assert_eq!(step_name(&step("sh", None, &args)), "sh");
    }
}
