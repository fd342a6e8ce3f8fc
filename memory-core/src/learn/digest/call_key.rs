//! Key of a call: calls that differ in nothing that matters have the same one.
//!
//! White space, names of temporary files, long numbers, times to wait, what only cuts or merges the
//! output, and the order of options do not matter. Everything else does: another path, port,
//! version or word is another call.

use std::borrow::Cow;

use super::action::{COMMANDS, STATEMENTS, head};
use super::members::{members, unquoted};
use crate::learn::hash::StableHash;
use crate::model::Step;

/// Bytes of arguments that are read.
const MAX_ARGS_BYTES: usize = 8_000;

/// Arguments that say nothing about what a call does.
const REMARKS: [&str; 13] = [
    "description",
    "explanation",
    "reason",
    "reasoning",
    "thought",
    "timeout",
    "timeout_ms",
    "timeout_s",
    "run_in_background",
    "is_background",
    "toolCallId",
    "tool_call_id",
    "session_id",
];

/// Programs that only shorten what a command prints.
const CUTTERS: [&str; 6] = ["cat", "head", "less", "more", "tail", "tee"];

/// Programs that run the command named after them and their own time.
const WAITERS: [&str; 3] = ["nohup", "time", "timeout"];

/// Number of digits from which a number identifies one occurrence: a time, a process, an order.
const MAX_DIGITS: usize = 5;

/// Number of steps at either end of an episode whose calls are kept.
const MAX_KEPT: usize = 250;

/// Returns whether the call of step `at` of an episode of `n_steps` is kept.
pub(super) const fn is_kept(at: usize, n_steps: usize) -> bool {
    at < MAX_KEPT || n_steps.saturating_sub(at) <= MAX_KEPT
}

/// Key of what a call does, the same in every store and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallKey(pub(crate) u32);

impl CallKey {
    /// Key of a step whose call is not kept.
    pub(crate) const NONE: Self = Self(0);

    /// Computes the key of a step's call.
    ///
    /// Costs time linear in its arguments, up to 8 kB.
    pub(crate) fn of(step: &Step) -> Self {
        let mut hash = StableHash::new();
        hash.update(step.tool.as_bytes());
        hash.update(&[0]);
        hash.update(step.action.as_deref().unwrap_or_default().as_bytes());
        let args = head(step.args.as_str(), MAX_ARGS_BYTES).trim();
        if args.starts_with('{') {
            let mut fields: Vec<(&str, u64)> = members(args)
                .filter(|(name, _)| !REMARKS.contains(name))
                .map(|(name, raw)| (name, field(name, raw)))
                .collect();
            fields.sort_unstable();
            for (name, value) in fields {
                hash.update(name.as_bytes());
                hash.update_word(value);
            }
        } else {
            hash.update_word(command_line(args));
        }
        let key = hash.finish();
        // 0 is no call.
        Self(u32::try_from(key >> 32).unwrap_or_default().max(1))
    }
}

/// Returns the words of each command that a step runs; none where it runs none.
pub(crate) fn commands_of(step: &Step) -> Vec<Vec<String>> {
    let args = head(step.args.as_str(), MAX_ARGS_BYTES).trim();
    let line = if args.starts_with('{') {
        let command = members(args).find(|(name, _)| COMMANDS.contains(name));
        command.and_then(|(_, raw)| unquoted(raw))
    } else {
        (!args.starts_with(['[', '"'])).then_some(Cow::Borrowed(args))
    };
    let Some(line) = line else { return Vec::new() };
    split_commands(&line).into_iter().map(|(_, words)| words).collect()
}

/// Returns the hash of a field's value.
fn field(name: &str, raw: &str) -> u64 {
    let text = unquoted(raw).unwrap_or(Cow::Borrowed(raw));
    if COMMANDS.contains(&name) {
        return command_line(&text);
    }
    let mut hash = StableHash::new();
    let is_statement = STATEMENTS.contains(&name);
    let lines = text.lines().filter(|line| !(is_statement && line.trim_start().starts_with("--")));
    for word in lines.flat_map(str::split_whitespace) {
        let word = if is_statement { word.trim_end_matches(';') } else { word };
        if !word.is_empty() {
            hash.update(masked(word).as_bytes());
            hash.update(b" ");
        }
    }
    hash.finish()
}

/// Returns the hash of a command line: of its commands, each without the order of its options.
fn command_line(line: &str) -> u64 {
    let mut commands = split_commands(line);
    let is_cutter = |command: &(bool, Vec<String>)| {
        command.0 && command.1.first().is_some_and(|program| is_in(&CUTTERS, program))
    };
    while commands.last().is_some_and(is_cutter) {
        commands.pop();
    }
    let mut hash = StableHash::new();
    for (is_piped, command) in &commands {
        hash.update(&[u8::from(*is_piped)]);
        hash.update_word(simple_command(command));
    }
    hash.finish()
}

/// Splits a command line into its commands, each with whether it reads what the one before it
/// prints.
fn split_commands(line: &str) -> Vec<(bool, Vec<String>)> {
    let mut commands: Vec<(bool, Vec<String>)> = Vec::new();
    let mut begins = Some(false);
    for word in shell_words(line) {
        match (word.as_str(), begins) {
            ("|", _) => begins = Some(true),
            ("||" | "&&" | ";" | "&" | "\n", _) => begins = Some(false),
            (_, Some(is_piped)) => {
                commands.push((is_piped, vec![word]));
                begins = None;
            }
            (_, None) => {
                if let Some((_, command)) = commands.last_mut() {
                    command.push(word);
                }
            }
        }
    }
    commands
}

fn is_in(names: &[&str], word: &str) -> bool {
    names.contains(&word)
}

/// Returns the hash of a command without pipes.
///
/// Of options in a row only the last may take the next word as its value; which of them does is not
/// known, so that the word belongs to all of them. The other words keep their order.
fn simple_command(words: &[String]) -> u64 {
    let mut rest = words.iter().map(String::as_str).peekable();
    while rest.peek().is_some_and(|word| is_in(&WAITERS, word)) {
        rest.next();
        while rest.peek().is_some_and(|w| w.starts_with('-') || is_duration(w)) {
            rest.next();
        }
    }
    let (mut groups, mut others) = (Vec::new(), StableHash::new());
    let mut options: Vec<Cow<'_, str>> = Vec::new();
    let is_sleep = rest.peek() == Some(&"sleep");
    for word in rest {
        let word = masked(word);
        if word.len() > 1 && word.starts_with('-') {
            options.push(word);
        } else if !options.is_empty() {
            groups.push(group(&mut options, &word));
        } else if !(is_sleep && is_duration(&word)) {
            others.update(word.as_bytes());
            others.update(&[0]);
        }
    }
    if !options.is_empty() {
        groups.push(group(&mut options, ""));
    }
    groups.sort_unstable();
    for group in groups {
        others.update_word(group);
    }
    others.finish()
}

/// Returns the hash of options in a row and the word after them.
fn group(options: &mut Vec<Cow<'_, str>>, value: &str) -> u64 {
    options.sort_unstable();
    let mut hash = StableHash::new();
    for option in options.drain(..) {
        hash.update(option.as_bytes());
        hash.update(&[0]);
    }
    hash.update(value.as_bytes());
    hash.finish()
}

fn is_duration(word: &str) -> bool {
    let number = word.trim_end_matches(['s', 'm', 'h']);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Returns a word with what identifies one occurrence left out.
fn masked(word: &str) -> Cow<'_, str> {
    if ["/tmp/", "/var/tmp/", "/var/folders/", "/private/tmp/"].iter().any(|t| word.contains(t)) {
        // The file's ending says what it is; its name was made up for the moment.
        let ending = word.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
        return Cow::Owned(format!("/tmp/*.{}", ending.map_or("", |(_, ending)| ending)));
    }
    let is_long = |part: &str| {
        let n_digits = part.bytes().filter(u8::is_ascii_digit).count();
        let is_hex = part.len() >= 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        n_digits > MAX_DIGITS && n_digits == part.len() || is_hex && n_digits > 0
    };
    let is_part = |c: char| !c.is_ascii_alphanumeric();
    if !word.split(is_part).any(is_long) {
        return Cow::Borrowed(word);
    }
    let mut text = String::with_capacity(word.len());
    for part in word.split_inclusive(is_part) {
        let bare = part.trim_end_matches(is_part);
        if is_long(bare) {
            text.push('*');
            text.extend(part.chars().skip(bare.len()));
        } else {
            text.push_str(part);
        }
    }
    Cow::Owned(text)
}

/// Splits a command line into words and operators; quotations stay whole and lose their quotes.
/// Comment lines and redirections of the error output are left out.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in line.lines() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        words_of_line(line, &mut words);
        words.push("\n".to_owned());
    }
    words
}

fn words_of_line(line: &str, words: &mut Vec<String>) {
    let (mut word, mut has_word, mut chars) = (String::new(), false, line.chars().peekable());
    let mut end = |word: &mut String, has_word: &mut bool| {
        let is_noise = matches!(&**word, "2>&1" | "2>/dev/null" | ">/dev/null" | "&>/dev/null");
        if *has_word && !is_noise {
            words.push(std::mem::take(word));
        }
        word.clear();
        *has_word = false;
    };
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' => {
                has_word = true;
                word.extend(chars.by_ref().take_while(|inside| *inside != c));
            }
            '\\' => {
                has_word = true;
                word.extend(chars.next());
            }
            '|' | ';' | '&' if !word.ends_with('>') && chars.peek() != Some(&'>') => {
                end(&mut word, &mut has_word);
                let mut operator = String::from(c);
                operator.extend(chars.next_if_eq(&c));
                word = operator;
                has_word = true;
                end(&mut word, &mut has_word);
            }
            c if c.is_whitespace() => end(&mut word, &mut has_word),
            c => {
                has_word = true;
                word.push(c);
            }
        }
    }
    end(&mut word, &mut has_word);
}

#[cfg(test)]
mod tests {
    use super::CallKey;
    use crate::learn::sample::step;
    use proptest::prelude::*;

    fn key(args: &str) -> CallKey {
        CallKey::of(&step("bash", args, true, ""))
    }

    fn command(line: &str) -> CallKey {
        key(&serde_json::json!({ "command": line }).to_string())
    }

    #[test]
    fn what_does_not_matter_makes_no_other_call() {
        for (one, other) in [
            ("cargo  test\t-p core", "cargo test -p core"),
            ("pytest -x -q tests", "pytest -q -x tests"),
            ("tool --from a --to b run", "tool --to b --from a run"),
            ("cargo test 2>&1 | tail -n 40", "cargo test"),
            ("timeout 60 make all", "timeout -k 5 120s make all"),
            ("sleep 5; curl localhost:80", "sleep 30 ; curl localhost:80"),
            ("python /tmp/a1b2.py", "python /tmp/zz-77.py"),
            ("kill 1234567", "kill 7654321"),
            ("# see\nmake", "make"),
            ("grep \"a b\" x", "grep 'a b' x"),
        ] {
            assert_eq!(command(one), command(other), "{one}");
        }
        assert_eq!(key("make all"), key(" make  all\n"), "a command line instead of an object");
        let told = r#"{"command":"make","description":"Builds all","timeout":9}"#;
        assert_eq!(key(told), command("make"));
        let statement = |text: &str| key(&serde_json::json!({ "sql": text }).to_string());
        assert_eq!(statement("SELECT a\n  FROM t;"), statement("-- all\nSELECT a FROM t"));
    }

    #[test]
    fn what_matters_makes_another_call() {
        for (one, other) in [
            ("cp a b", "cp b a"),
            ("tool --from a --to b", "tool --from b --to a"),
            ("curl localhost:80", "curl localhost:81"),
            ("cargo test -p core", "cargo test -p mcp"),
            ("cargo test", "cargo test --release"),
            ("make && make install", "make install"),
            ("pip install x==1.2", "pip install x==1.3"),
            ("cat a | head", "cat b | head"),
            ("cat a; cat b", "cat a"),
            ("yes | make", "yes && make"),
            ("git push", "git push -f"),
            ("python /tmp/a.py", "python /tmp/a.sh"),
        ] {
            assert_ne!(command(one), command(other), "{one}");
        }
        let edit = |old: &str| key(&serde_json::json!({ "path": "a", "old": old }).to_string());
        assert_ne!(edit("x"), edit("y"));
    }

    proptest! {
        #[test]
        fn any_text_has_one_key_whatever_its_white_space(
            words in prop::collection::vec("[a-z0-9./=-]{1,8}", 1..6), gaps in "[ \t]{1,3}",
        ) {
            prop_assert_eq!(command(&words.join(" ")), command(&words.join(&gaps)));
        }

        #[test]
        fn arbitrary_arguments_do_no_harm(text in "\\PC{0,60}|[{}\"':,\\\\|&;<>$ a\n-]{0,60}") {
            prop_assert_eq!(key(&text), key(&text));
            prop_assert_eq!(command(&text), command(&text));
        }
    }
}
