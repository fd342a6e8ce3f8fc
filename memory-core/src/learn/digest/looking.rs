//! Steps that only look at something, test or wait: they change nothing, and cure nothing.

use super::call_key::commands_of;
use crate::model::Step;

/// First words of tools, programs and statements that only look, wait or think.
const LOOKS: [&str; 63] = [
    "ack",
    "api-get",
    "awk",
    "bat",
    "cat",
    "cd",
    "check",
    "cut",
    "describe",
    "df",
    "diff",
    "dir",
    "du",
    "echo",
    "env",
    "explain",
    "fd",
    "file",
    "fetch",
    "find",
    "get",
    "glob",
    "grep",
    "head",
    "history",
    "hexdump",
    "inspect",
    "jq",
    "less",
    "list",
    "locate",
    "ls",
    "more",
    "nl",
    "open",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "query",
    "read",
    "retrieve",
    "rg",
    "search",
    "select",
    "show",
    "sleep",
    "sort",
    "stat",
    "strings",
    "tail",
    "think",
    "todo",
    "todowrite",
    "tree",
    "type",
    "uname",
    "uniq",
    "view",
    "wc",
    "which",
    "with",
    "xxd",
];

/// Words after a program by which it only looks, checks or tests.
const LOOKING_VERBS: [&str; 24] = [
    "blame", "branch", "build", "check", "clippy", "describe", "diff", "freeze", "get", "help",
    "info", "inspect", "lint", "list", "log", "logs", "ls", "ps", "search", "show", "status",
    "test", "tests", "version",
];

/// Programs that test or check.
const CHECKS: [&str; 16] = [
    "ctest",
    "eslint",
    "flake8",
    "gotestsum",
    "jest",
    "mocha",
    "mypy",
    "nosetests",
    "phpunit",
    "pylint",
    "pytest",
    "rspec",
    "ruff",
    "tox",
    "tsc",
    "vitest",
];

/// Returns whether a step only looked at something, tested or waited.
pub(crate) fn looks(step: &Step) -> bool {
    let commands = commands_of(step);
    if commands.is_empty() {
        let first = step.tool.split(['_', '-', '.', ':', ' ']);
        let words = first.chain(step.action.as_deref());
        return words.take(3).any(|word| is_in(&LOOKS, word));
    }
    commands.iter().all(|words| command_looks(words))
}

/// Returns whether a command only looks at something, tests or waits.
fn command_looks(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str).skip_while(|word| word.contains('='));
    let Some(program) = words.next() else { return true };
    let program = program.rsplit('/').next().unwrap_or(program);
    let rest: Vec<&str> = words.collect();
    // What is written to a file was not only looked at.
    if rest.iter().any(|word| word.starts_with('>')) {
        return false;
    }
    if matches!(program, "sed" | "perl") {
        return !rest.iter().any(|word| word.starts_with("-i") || *word == "-pi");
    }
    let verb = rest.iter().find(|word| !word.starts_with('-'));
    is_in(&LOOKS, program)
        || is_in(&CHECKS, program)
        || verb.is_some_and(|verb| is_in(&LOOKING_VERBS, verb) || verb.contains("test"))
        || program.contains("test")
}

fn is_in(names: &[&str], word: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::step;

    #[test]
    fn reading_and_testing_is_looking_and_writing_is_not() {
        let looks_at = |command: &str| {
            looks(&step("sh", &serde_json::json!({ "command": command }).to_string(), true, ""))
        };
        for command in ["cat a", "cd x && grep b c | wc -l", "git log", "pytest -x", "sed -n 1p a"]
        {
            assert!(looks_at(command), "{command}");
        }
        for command in ["cat > a", "sed -i s/a/b/ c", "git commit -m x", "pip install d"] {
            assert!(!looks_at(command), "{command}");
        }
        let tool = |name: &str| looks(&step(name, r#"{"id":"x"}"#, true, ""));
        assert!(tool("get_order") && !tool("update_order"));
    }
}
