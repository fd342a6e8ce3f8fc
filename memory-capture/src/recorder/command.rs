//! Kinds of work that a call does: changes files, checks, commits, or merely looks.
//!
//! By the name of the tool and, for shells, by the programs of the command line; no client's list
//! of tools is needed. A command line counts as what its weightiest program does.

use serde_json::Value;

/// Kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Changes files.
    Change,
    /// Runs tests, a build or a check.
    Check,
    /// Commits.
    Commit,
    /// Looks for something; finding nothing is no error.
    Search,
    /// Anything else.
    Other,
}

/// Parts of names of tools that change files.
const CHANGING: &[&str] = &[
    "edit",
    "write",
    "patch",
    "replace",
    "create",
    "insert",
    "apply_diff",
    "delete",
    "rename",
    "move_file",
];

/// Parts of names of tools that look like changes and are none, or not of files.
const NOT_CHANGING: &[&str] = &["todo", "issue", "page", "pull_request", "comment", "memory"];

/// Names of tools that run command lines.
const SHELLS: &[&str] = &[
    "bash",
    "shell",
    "sh",
    "exec_command",
    "run_shell_command",
    "run_in_terminal",
    "terminal",
    "execute_command",
    "run_command",
    "local_shell",
    "execute_bash",
    "powershell",
];

/// Programs that check, whatever their arguments.
const CHECKERS: &[&str] = &[
    "pytest",
    "py.test",
    "tox",
    "nox",
    "unittest",
    "jest",
    "vitest",
    "mocha",
    "ctest",
    "mypy",
    "ruff",
    "eslint",
    "tsc",
    "flake8",
    "pylint",
    "pyright",
    "phpunit",
    "rspec",
    "ninja",
    "runtests.py",
    "shellcheck",
    "clippy",
    "playwright",
    "ava",
    "bats",
    "stylelint",
    "golangci-lint",
];

/// Programs with the first arguments with which they check.
const CHECKING: &[(&str, &[&str])] = &[
    ("cargo", &["test", "build", "check", "clippy", "nextest", "bench"]),
    ("go", &["test", "build", "vet"]),
    ("npm", &["test", "t", "build", "lint", "typecheck", "check"]),
    ("yarn", &["test", "build", "lint", "typecheck", "check"]),
    ("pnpm", &["test", "build", "lint", "typecheck", "check"]),
    ("bun", &["test", "build"]),
    ("deno", &["test", "check", "lint"]),
    ("dotnet", &["test", "build"]),
    ("mvn", &["test", "verify", "package", "install", "compile"]),
    ("gradle", &["test", "build", "check", "assemble"]),
    ("gradlew", &["test", "build", "check", "assemble"]),
    ("make", &[]),
    ("cmake", &["--build"]),
    ("bazel", &["test", "build"]),
    ("swift", &["test", "build"]),
    ("manage.py", &["test", "check"]),
    ("setup.py", &["test"]),
    ("mix", &["test", "compile"]),
    ("zig", &["build", "test"]),
    ("rake", &["test", "spec"]),
];

/// Programs that look.
const SEARCHERS: &[&str] = &[
    "grep", "rg", "ag", "egrep", "fgrep", "find", "fd", "ls", "diff", "cmp", "test", "[", "which",
    "pgrep", "cat", "head", "tail", "file", "stat",
];

/// Programs that run another one behind their options.
const RUNNERS: &[&str] = &[
    "sudo", "env", "time", "timeout", "nice", "xvfb-run", "npx", "uv", "uvx", "poetry", "pipenv",
    "run", "exec", "bundle", "python", "python3", "python2", "py", "node", "bash", "sh", "command",
    "pdm", "hatch", "rye", "then", "do", "else",
];

/// Returns the kind of work of a call.
pub(super) fn work(tool: &str, args: &str) -> Work {
    let name = tool.rsplit("__").next().unwrap_or(tool).to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let is_changing = has(CHANGING) && !has(NOT_CHANGING);
    let command = command_line(&name, args);
    if is_changing && !SHELLS.contains(&name.as_str()) {
        // Some tools that edit have a command that only looks.
        let looks = command.is_some_and(|command| command.trim_start().starts_with("view"));
        return if looks { Work::Search } else { Work::Change };
    }
    if let Some(command) = command {
        return of_command(&command);
    }
    if has(&["run_test", "runtest", "run_tests", "test_runner"]) {
        return Work::Check;
    }
    if has(&["grep", "glob", "search", "find"]) { Work::Search } else { Work::Other }
}

/// Returns the command line of a call of a shell.
pub(super) fn command_line(tool: &str, args: &str) -> Option<String> {
    let is_shell = SHELLS.contains(&tool.to_ascii_lowercase().as_str());
    match serde_json::from_str::<Value>(args) {
        Ok(Value::Object(fields)) => {
            let command = ["command", "cmd"].iter().find_map(|key| fields.get(*key))?;
            match command {
                Value::String(line) => Some(line.clone()),
                Value::Array(words) => {
                    let words = words.iter().filter_map(Value::as_str);
                    Some(words.collect::<Vec<_>>().join(" "))
                }
                _ => None,
            }
        }
        Ok(Value::String(line)) if is_shell => Some(line),
        Err(_) if is_shell && !args.is_empty() => Some(args.to_owned()),
        _ => None,
    }
}

fn of_command(command: &str) -> Work {
    let head = command.get(..command.floor_char_boundary(4_000)).unwrap_or_default();
    let mut found = Work::Other;
    let mut n_searches = 0;
    let mut n_parts = 0;
    // What follows a heredoc's mark is content, no command.
    let (lines, has_document) = match head.split_once("<<") {
        Some((before, _)) => (before, true),
        None => (head, false),
    };
    for part in lines.split(['\n', ';', '|', '&', '(', ')']) {
        let words: Vec<&str> = part.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        n_parts += 1;
        match of_words(&words) {
            Work::Check => return Work::Check,
            Work::Search => n_searches += 1,
            Work::Other => {}
            heavier => found = heavier,
        }
    }
    let writes = has_document && (lines.contains('>') || lines.contains("tee "));
    match found {
        Work::Other if writes || redirects(lines) => Work::Change,
        Work::Other if n_searches > 0 && n_searches == n_parts => Work::Search,
        found => found,
    }
}

/// Returns whether a command line sends its output to a file.
fn redirects(command: &str) -> bool {
    let mut parts = command.split('>').skip(1);
    parts.any(|target| {
        let target = target.trim_start();
        !target.is_empty()
            && !target.starts_with(['&', '('])
            && !target.starts_with("/dev/")
            && target.starts_with(|c: char| c.is_alphanumeric() || "./_~$\"'".contains(c))
            && !command.contains("=>")
    })
}

fn of_words(words: &[&str]) -> Work {
    let mut words = words.iter().copied().skip_while(|word| {
        let name = base(word);
        word.starts_with('-')
            || word.contains('=')
            || RUNNERS.contains(&name)
            || word.chars().all(|c| c.is_ascii_digit())
    });
    let Some(program) = words.next().map(base) else { return Work::Other };
    let rest: Vec<&str> = words.collect();
    let mut plain = rest.iter().copied().filter(|word| !word.starts_with('-'));
    if CHECKERS.contains(&program) {
        return Work::Check;
    }
    if let Some((_, args)) = CHECKING.iter().find(|(name, _)| *name == program) {
        let first = plain.find(|word| *word != "run" && !word.starts_with('+'));
        let is_check = args.is_empty()
            || first.is_some_and(|first| {
                args.iter().any(|arg| first == *arg || first.split([':', '-']).next() == Some(*arg))
            })
            || args.contains(&"--build") && rest.contains(&"--build");
        return if is_check { Work::Check } else { Work::Other };
    }
    match program {
        "git" => match plain.next() {
            Some("commit") => Work::Commit,
            Some("apply" | "checkout" | "revert" | "restore" | "stash" | "reset" | "am" | "mv") => {
                Work::Change
            }
            Some("grep" | "diff" | "status" | "log" | "show" | "blame") => Work::Search,
            _ => Work::Other,
        },
        "sed" | "perl" if rest.iter().any(|word| word.starts_with("-i") || *word == "-pi") => {
            Work::Change
        }
        "patch" | "mv" | "cp" | "tee" | "apply_patch" | "truncate" => Work::Change,
        _ if SEARCHERS.contains(&program) => Work::Search,
        _ => Work::Other,
    }
}

/// Returns the name of a program without its folder.
fn base(word: &str) -> &str {
    let word = word.trim_matches(['"', '\'']);
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_its_weightiest_program() {
        for (work_of, commands) in [
            (
                Work::Check,
                &[
                    "cargo test -p core --lib",
                    "cd sub && python3 -m pytest -q tests/a.py | tail -5",
                    "RUST_LOG=debug cargo +nightly clippy",
                    "npm run build:prod",
                    "uv run pytest",
                    "./tests/runtests.py forms",
                    "timeout 60 make",
                    "cmake -S . --build out",
                ][..],
            ),
            (
                Work::Change,
                &[
                    "sed -i 's/a/b/' src/x.rs",
                    "cat > a.py <<'EOF'\npytest\nEOF",
                    "echo x >> notes.md",
                    "git checkout -- a.py",
                ],
            ),
            (Work::Commit, &["git add -A && git commit -m 'make it test'"]),
            (Work::Search, &["grep -rn make src", "ls -la | grep x", "git diff"]),
            (
                Work::Other,
                &[
                    "python script.py",
                    "echo hi",
                    "cargo run",
                    "npm install",
                    "node -e 'x=>y'",
                    "ls 2>&1; id",
                ],
            ),
        ] {
            for command in commands {
                let args = serde_json::json!({ "command": command }).to_string();
                assert_eq!(work("Bash", &args), work_of, "{command}");
            }
        }
    }

    #[test]
    fn tools_that_edit_are_known_by_their_names() {
        for tool in ["Edit", "MultiEdit", "apply_patch", "write_to_file", "str_replace_editor"] {
            assert_eq!(work(tool, "{}"), Work::Change, "{tool}");
        }
        let of_editor = |args| work("str_replace_editor", args);
        assert_eq!(of_editor(r#"{"command":"str_replace","path":"a"}"#), Work::Change);
        assert_eq!(of_editor(r#"{"command":"view","path":"a"}"#), Work::Search);
        assert_eq!(work("edit", r#"{"command":"edit 4:4\nx\nend_of_edit"}"#), Work::Change);
        for tool in ["TodoWrite", "mcp__git__create_issue", "Read", "API-patch-page"] {
            assert_ne!(work(tool, "{}"), Work::Change, "{tool}");
        }
        assert_eq!(work("exec_command", r#"{"cmd":["cargo","build"]}"#), Work::Check);
        assert_eq!(work("shell", "make all"), Work::Check);
    }
}
