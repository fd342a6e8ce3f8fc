//! Steps that passed by their mark but whose output says that they failed.
//!
//! A client that does not know the exit code logs a red test as ok. Such a step is no end of an
//! error.

use super::call_key::commands_of;
use crate::model::Step;

/// Bytes at the end of an output that are read: the summary stands there.
const MAX_TAIL_BYTES: usize = 1_500;

/// Beginnings of lines by which a runner of tests or a compiler reports its own failure.
const BEGINS: [&str; 8] = [
    "FAILED (",
    "FAIL\t",
    "--- FAIL",
    "npm ERR!",
    "error: test failed",
    "error: could not compile",
    "test result: FAILED",
    "BUILD FAILED",
];

/// Returns whether the output of a command says that it failed.
pub(super) fn is_red(step: &Step) -> bool {
    if commands_of(step).is_empty() {
        return false;
    }
    let text = step.observation.as_str();
    let from = text.ceil_char_boundary(text.len().saturating_sub(MAX_TAIL_BYTES));
    let tail = text.get(from..).unwrap_or_default();
    tail.lines().map(str::trim).any(|line| {
        BEGINS.iter().any(|begin| line.starts_with(begin))
            || counts_failures(line)
            || ends_badly(line)
    })
}

/// Returns whether a line counts failures: `3 failed, 12 passed`, `Tests: 1 failed`.
fn counts_failures(line: &str) -> bool {
    let words: Vec<&str> =
        line.split([' ', ',', ';', '=', '(']).filter(|w| !w.is_empty()).collect();
    let is_count = |word: &&str| word.parse::<u32>().is_ok_and(|n| n > 0);
    // A log may mention a count; a summary has the other one too, or begins with its own name.
    let is_summary = line.contains("passed") || line.starts_with("Tests:") || line.starts_with('=');
    let pairs = words.iter().zip(words.iter().skip(1));
    is_summary && pairs.into_iter().any(|(n, word)| is_count(n) && word.starts_with("failed"))
}

/// Returns whether a line gives an exit code other than 0.
fn ends_badly(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let code = lower
        .strip_prefix("exit code")
        .or_else(|| lower.strip_prefix("exited with code"))
        .or_else(|| lower.strip_prefix("[exit code"));
    let code = code.map(|rest| rest.trim_matches([':', ' ', ']', '.', '=']));
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code != 0)
}

#[cfg(test)]
mod tests {
    use super::is_red;
    use crate::learn::sample::step;

    #[test]
    fn a_red_test_is_red_and_other_output_is_not() {
        let red = |output: &str| is_red(&step("bash", r#"{"command":"make test"}"#, true, output));
        for output in [
            "running 3 tests\ntest result: FAILED. 2 passed; 1 failed; 0 ignored",
            "== 1 failed, 4 passed in 2.1s ==",
            "Tests:       2 failed, 9 passed, 11 total",
            "--- FAIL: TestCart (0.00s)\nFAIL",
            "Exit code 2",
            "Ran 3 tests in 0.1s\n\nFAILED (errors=1)",
        ] {
            assert!(red(output), "{output}");
        }
        for output in [
            "test result: ok. 3 passed; 0 failed; 0 ignored",
            "4 passed in 2.1s",
            "fn counts failed jobs: 3 failed yesterday",
            "exit code: 0",
            "",
        ] {
            assert!(!red(output), "{output}");
        }
        assert!(!is_red(&step("read", r#"{"path":"a"}"#, true, "FAILED")), "no command");
    }
}
