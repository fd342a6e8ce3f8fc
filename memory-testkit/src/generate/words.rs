//! Prose, names and stack traces.

use super::Rng;

const WORDS: [&str; 96] = [
    "the",
    "to",
    "a",
    "in",
    "is",
    "of",
    "and",
    "test",
    "for",
    "error",
    "file",
    "with",
    "it",
    "on",
    "not",
    "build",
    "when",
    "this",
    "was",
    "from",
    "function",
    "value",
    "that",
    "but",
    "returns",
    "call",
    "type",
    "after",
    "before",
    "change",
    "server",
    "request",
    "failed",
    "module",
    "import",
    "timeout",
    "cache",
    "config",
    "path",
    "line",
    "client",
    "thread",
    "query",
    "index",
    "field",
    "missing",
    "version",
    "update",
    "parser",
    "token",
    "socket",
    "retry",
    "lock",
    "schema",
    "branch",
    "merge",
    "commit",
    "fixture",
    "assert",
    "expected",
    "actual",
    "column",
    "buffer",
    "stream",
    "encoding",
    "header",
    "payload",
    "session",
    "worker",
    "queue",
    "handler",
    "migration",
    "rollback",
    "checksum",
    "pagination",
    "locale",
    "timezone",
    "deadlock",
    "overflow",
    "fallback",
    "throttle",
    "naïve",
    "café",
    "größe",
    "длина",
    "配置",
    "テスト",
    "오류",
    "→",
    "✓",
    "`None`",
    "src/lib.rs",
    "parse_header",
    "maxRetryCount",
    "HTTP/2",
    "v1.4.2",
];

const MODULES: [&str; 8] =
    ["pool", "session", "router", "parser", "cache", "billing", "export", "worker"];

/// About `n_bytes` of words, in sentences; never fewer.
#[must_use]
pub fn prose(rng: &mut Rng, n_bytes: usize) -> String {
    let mut text = String::with_capacity(n_bytes + 16);
    while text.len() < n_bytes {
        // The smaller of two draws: common words are some ten times as common as rare ones, which is
        // what a search engine meets.
        let n = WORDS.len() as u64;
        let word = WORDS[usize::try_from(rng.below(n).min(rng.below(n))).unwrap()];
        if !text.is_empty() {
            text.push_str(if rng.chance(8) { ". " } else { " " });
        }
        text.push_str(word);
    }
    text
}

/// The name of a source file.
pub(super) fn file(rng: &mut Rng) -> String {
    let end = rng.pick(&["rs", "py", "ts"]);
    format!("src/{}/{}_{}.{end}", rng.pick(&MODULES), rng.pick(&MODULES), rng.below(40))
}

/// A stack trace of at least `n_bytes`, in one of three languages, whose last line says what failed.
#[must_use]
pub fn stack_trace(rng: &mut Rng, n_bytes: usize) -> String {
    let language = rng.below(3);
    let mut trace = String::from(match language {
        0 => "stack backtrace:\n",
        1 => "Traceback (most recent call last):\n",
        _ => "Uncaught exception\n",
    });
    let mut frame = 0;
    while trace.len() < n_bytes {
        let (file, module, line) = (file(rng), rng.pick(&MODULES), rng.below(900));
        let told = match language {
            0 => format!("  {frame}: shop::{module}::load\n             at ./{file}:{line}:13\n"),
            1 => format!("  File \"{file}\", line {line}, in {module}\n    {module}.load(key)\n"),
            _ => format!("    at {module}.load (/app/{file}:{line}:7)\n"),
        };
        trace += &told;
        frame += 1;
    }
    let n = rng.below(10_000);
    let told = match language {
        0 => format!(
            "thread 'main' panicked: index out of bounds: the len is 3 but the index is {n}"
        ),
        1 => format!("KeyError: 'größe_{n}'"),
        _ => format!("TypeError: Cannot read properties of undefined (reading 'id_{n}')"),
    };
    trace + &told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_follow_from_the_seed_and_have_the_length_that_was_asked_for() {
        for make in [prose, stack_trace] {
            let text = make(&mut Rng::new(7), 1_500);
            assert_eq!(text, make(&mut Rng::new(7), 1_500));
            assert_ne!(text, make(&mut Rng::new(8), 1_500));
            assert!((1_500..1_700).contains(&text.len()), "{}", text.len());
        }
    }
}
