//! Message within the text of an error: the line or the field that says what went wrong.

use std::borrow::Cow;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::learn::digest::members::{members, string_end, unquoted};

/// Bytes at the head and at the tail of a long text that are searched.
const MAX_END_BYTES: usize = 2_000;

/// Maximum depth of errors within errors.
const MAX_DEPTH: usize = 4;

/// Maximum length of the label, like `Error:`, before an object, in bytes.
const MAX_LABEL_BYTES: usize = 60;

/// Words of lines that report a failure, in lower case.
const KEYWORDS: [&str; 24] = [
    "error",
    "fatal",
    "exception",
    "panicked",
    "failed",
    "failure",
    "cannot",
    "can't",
    "could not",
    "not found",
    "no such",
    "denied",
    "invalid",
    "undefined",
    "unable",
    "unexpected",
    "missing",
    "unknown",
    "refused",
    "timed out",
    "not permitted",
    "doesn't exist",
    "does not exist",
    "must be",
];

/// Class and message of an error.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Message<'a> {
    /// Name of its exception, code or status; empty where it has none.
    pub(super) class: Cow<'a, str>,
    /// The line or the field that says what went wrong.
    pub(super) text: Cow<'a, str>,
}

/// Finds the message in the text of an error.
pub(super) fn of_text(text: &str) -> Message<'_> {
    let text = text.trim();
    let label_end = text.get(..text.floor_char_boundary(MAX_LABEL_BYTES)).and_then(|t| t.find('{'));
    // Only a label may stand before an object: a line of code that holds a brace is no object.
    let object = label_end
        .and_then(|at| text.split_at_checked(at))
        .filter(|(label, _)| label.is_empty() || label.trim_end().ends_with(':'));
    if let Some((_, object)) = object
        && let Some(message) = of_object(object, MAX_DEPTH)
    {
        return message;
    }
    let line = message_line(text);
    Message { class: Cow::Borrowed(class_of(line)), text: Cow::Borrowed(line) }
}

/// Returns the message of a JSON object: its code and status, and its message or that of an object
/// inside it, of its details before that of its error: "HTTP 400" says less than why.
fn of_object(object: &str, depth: usize) -> Option<Message<'_>> {
    let depth = depth.checked_sub(1)?;
    let (mut class, mut text, mut inner) = (String::new(), None, None);
    let mut details = None;
    for (name, raw) in members(object) {
        match name {
            "code" | "status" | "status_code" | "statusCode" | "name" | "errno" | "isError" => {
                let word = unquoted(raw).unwrap_or(Cow::Borrowed(raw));
                if name != "isError" && word.len() <= 60 && !word.contains(char::is_whitespace) {
                    class.push_str(&word);
                    class.push(' ');
                }
            }
            "details" | "detail" | "response" | "body" if raw.starts_with(['{', '[']) => {
                details = details.or_else(|| of_value(raw, depth).filter(|m| !m.text.is_empty()));
            }
            "message" | "msg" | "detail" | "reason" | "error_description" | "text" | "stderr" => {
                text = text.or_else(|| unquoted(raw).filter(|text| !text.trim().is_empty()));
            }
            "error" | "errors" | "execution_result" | "content" | "data" | "cause" => {
                inner = inner.or_else(|| of_value(raw, depth));
            }
            _ => {}
        }
    }
    match (text, details.or(inner)) {
        (Some(text), _) => {
            class.push_str(class_of(&text));
            Some(Message { class: Cow::Owned(class), text })
        }
        (None, Some(inner)) => {
            class.push_str(&inner.class);
            Some(Message { class: Cow::Owned(class), text: inner.text })
        }
        (None, None) if class.is_empty() => None,
        (None, None) => Some(Message { class: Cow::Owned(class), text: Cow::Borrowed("") }),
    }
}

/// Returns the message of a JSON value within an error.
fn of_value(raw: &str, depth: usize) -> Option<Message<'_>> {
    // Of a list the first item counts.
    let raw = raw.strip_prefix('[').map_or(raw, str::trim_start);
    if raw.starts_with('{') {
        return of_object(raw, depth);
    }
    let text = unquoted(raw.get(..string_end(raw)?)?)?;
    let has_text = !text.trim().is_empty();
    has_text.then_some(Message { class: Cow::Borrowed(""), text })
}

/// Returns the line of a text that says best what went wrong: the last line of a traceback, else
/// the line of a test that failed, else the first with a keyword, else the first that is not empty.
fn message_line(text: &str) -> &str {
    if !text.contains('\n') {
        return text;
    }
    let head_end = text.floor_char_boundary(MAX_END_BYTES);
    let tail_start =
        text.ceil_char_boundary(text.len().saturating_sub(MAX_END_BYTES)).max(head_end);
    let (head, tail) = (text.split_at(head_end).0, text.split_at(tail_start).1);
    if let Some(line) = exception_line(tail).or_else(|| exception_line(head)) {
        return line;
    }
    failed_test_line(text)
        .or_else(|| keyword_line(head))
        .or_else(|| keyword_line(tail))
        .unwrap_or_else(|| {
            head.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
        })
}

/// Returns the line in which a test says why it failed, wherever it stands: a log of tests begins
/// with those that passed, and ends with a count.
fn failed_test_line(text: &str) -> Option<&str> {
    // What pytest marks; what a panic, Go and the others say follows the name of the test.
    let mut lines = text.lines().map(str::trim_end).peekable();
    let mut named = None;
    while let Some(line) = lines.next() {
        let bare = line.trim_start();
        if let Some(message) = line.strip_prefix("E  ").map(str::trim).filter(|m| !m.is_empty()) {
            return Some(message);
        }
        if bare.contains(" panicked at ") && line.ends_with(':') {
            return lines.next().map(str::trim).filter(|next| !next.is_empty()).or(Some(bare));
        }
        let is_name = ["--- FAIL: ", "FAIL: ", "FAILED ", "● ", "not ok "]
            .iter()
            .any(|mark| bare.starts_with(mark));
        if is_name && named.is_none() {
            // Go gives the message on the next line, behind its place.
            let next = lines.peek().map(|next| next.trim());
            let message = next.filter(|_| bare.starts_with("--- FAIL: ")).and_then(behind_place);
            named = Some(message.unwrap_or(bare));
        }
    }
    named
}

/// Returns what follows the place in a file that a line begins with.
fn behind_place(line: &str) -> Option<&str> {
    let (file, rest) = line.split_once(':')?;
    let (number, message) = rest.split_once(": ")?;
    let is_place = file.contains('.') && number.split(':').all(|n| n.parse::<u32>().is_ok());
    (is_place && !message.trim().is_empty()).then(|| message.trim())
}

/// Returns whether a line reports that something went well, whatever its words.
fn is_success(line: &str) -> bool {
    let line = line.trim();
    [" ok", "... ok", " PASSED", " passed", "[100%]"].iter().any(|end| line.ends_with(end))
        || ["ok ", "\u{2713}", "\u{2714}"].iter().any(|mark| line.starts_with(mark))
        || line.trim_start_matches(['-', ' ']).starts_with("PASS")
}

/// Returns the last line at the left margin that names an exception, as `module.SomeError: what`.
fn exception_line(text: &str) -> Option<&str> {
    text.lines().rev().find(|line| {
        let name = line.split([':', ' ']).next().unwrap_or_default();
        is_exception(name)
            && line.get(name.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
    })
}

/// Returns whether a word is the name of an exception: `ValueError`, `a.b.NotFoundException`.
fn is_exception(word: &str) -> bool {
    let last = word.rsplit('.').next().unwrap_or(word);
    let is_name = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$'));
    let ends = [
        "Error",
        "Exception",
        "Exit",
        "Interrupt",
        "DoesNotExist",
        "NotFound",
        "Violation",
        "Timeout",
    ];
    is_name
        && last.starts_with(|c: char| c.is_uppercase())
        && ends.iter().any(|end| last.ends_with(end) && last.len() > end.len())
}

/// Returns the first line with a keyword that is no warning and no success.
fn keyword_line(text: &str) -> Option<&str> {
    static FINDER: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let finder = FINDER.get_or_init(|| {
        let mut builder = AhoCorasick::builder();
        let builder = builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostFirst);
        builder.kind(Some(AhoCorasickKind::DFA)).build(KEYWORDS).ok()
    });
    let finder = finder.as_ref()?;
    let is_warning = |line: &str| {
        let start = line.get(..7).unwrap_or_default();
        start.eq_ignore_ascii_case("warning")
    };
    let mut rest = text;
    while let Some(found) = finder.find(rest) {
        let start = rest.get(..found.start())?.rfind('\n').map_or(0, |at| at + 1);
        let length = rest.get(start..)?.find('\n');
        let line = rest.get(start..length.map_or(rest.len(), |length| start + length))?;
        if !is_warning(line.trim_start()) && !is_success(line) {
            // A panic gives its place on the first line and its message on the next.
            let next = rest.get(start + line.len()..)?.lines().nth(1);
            let is_heading = line.contains("panicked at") && line.trim_end().ends_with(':');
            return next
                .filter(|next| is_heading && !next.is_empty())
                .or(Some(line))
                .map(str::trim);
        }
        rest = rest.get(start + length? + 1..)?;
    }
    None
}

/// Returns the exception or code that a line names; empty where it names none.
fn class_of(line: &str) -> &str {
    let mut is_after_error = false;
    for word in line
        .split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | ':' | ','))
        .filter(|word| !word.is_empty())
        .take(16)
    {
        if is_exception(word) || (is_after_error && is_code(word)) {
            return word;
        }
        is_after_error = word.eq_ignore_ascii_case("error") || word == "SQLSTATE";
    }
    ""
}

/// Returns whether a word is the code of an error: `E0433`, `TS2304`, `42S02`.
fn is_code(word: &str) -> bool {
    let n_digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    word.len() <= 12 && n_digits >= 2 && n_digits < word.len() && word.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (String, String) {
        let message = of_text(text);
        (message.class.into_owned(), message.text.into_owned())
    }

    fn pair(class: &str, text: &str) -> (String, String) {
        (class.to_owned(), text.to_owned())
    }

    #[test]
    fn the_last_line_of_a_traceback_is_the_message() {
        let text = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    \
                    raise ValueError(x)\nshop.errors.StockError: no stock\n";
        assert_eq!(found(text), pair("shop.errors.StockError", "shop.errors.StockError: no stock"));
        let chained =
            format!("KeyError: 'x'\n\nDuring handling another occurred:\n\n{text}----\nRan 1 test");
        assert_eq!(found(&chained).0, "shop.errors.StockError");
    }

    #[test]
    fn of_a_long_log_of_tests_the_failing_line_is_the_message() {
        let passed = "test parse::error_is_shown ... ok\n".repeat(6_000);
        for (failing, message) in [
            (
                "test cart::total ... FAILED\nthread 'cart::total' panicked at src/cart.rs:7:5:\n\
              totals differ by 3\n",
                "totals differ by 3",
            ),
            ("E   assert 3 == 4\n", "assert 3 == 4"),
            ("--- FAIL: TestTotal (0.00s)\n    cart_test.go:12: got 3, want 4\n", "got 3, want 4"),
            (
                "FAILED tests/test_cart.py::test_total - assert 3 == 4\n",
                "FAILED tests/test_cart.py::test_total - assert 3 == 4",
            ),
        ] {
            for log in [
                format!("{passed}{failing}{passed}"),
                format!("{failing}{passed}"),
                format!("{passed}{failing}1 failed, 11999 others"),
            ] {
                assert_eq!(found(&log).1, message, "{failing}");
            }
        }
    }

    #[test]
    fn the_first_line_with_a_keyword_is_the_message() {
        let text = "   Compiling shop v0.1.0\nwarning: unused error\nerror[E0433]: failed to \
                    resolve: `x`\n --> src/lib.rs:1:1\nerror: could not compile";
        assert_eq!(found(text), pair("E0433", "error[E0433]: failed to resolve: `x`"));
        let panic =
            "running 1 test\nthread 'main' panicked at src/a.rs:1:2:\nindex out of bounds\nnote: x";
        assert_eq!(found(panic), pair("", "index out of bounds"));
        assert_eq!(found("src/a.ts(3,1): error TS2304: Cannot find name 'x'.").0, "TS2304");
        assert_eq!(found("\n\nfirst\nsecond"), pair("", "first"));
        assert_eq!(found("a\nwarning: failed"), pair("", "a"), "a warning at the very end");
    }

    #[test]
    fn an_error_in_json_is_read_by_its_fields() {
        let cases = [
            (
                r#"{"status":400,"object":"error","code":"bad","message":"no \"x\"","id":"7"}"#,
                "400 bad ",
                "no \"x\"",
            ),
            (r#"Error: {"error":{"name":"ZodError","message":"[]"}}"#, "ZodError ", "[]"),
            (
                r#"{"code":-32602,"errors":[{"message":"first"},{"message":"second"}]}"#,
                "-32602 ",
                "first",
            ),
            (r#"{"error":"not found"}"#, "", "not found"),
            (
                r#"{"data":{"error":"HTTP 400","details":{"code":"bad","message":"no y"}}}"#,
                "bad ",
                "no y",
            ),
            (r#"{"error":"HTTP 400","details":{}}"#, "", "HTTP 400"),
            (r#"{"error":["not","found"]}"#, "", "not"),
            (r#"{"status":500}"#, "500 ", ""),
        ];
        for (text, class, message) in cases {
            assert_eq!(found(text), pair(class, message), "{text}");
        }
        let no_error = r#"{"rows":[1,2]}"#;
        assert_eq!(found(no_error), pair("", no_error));
        let code = "fn main() {\n  failed\n}";
        assert_eq!(found(code), pair("", "failed"));
    }

    #[test]
    fn both_ends_of_a_long_text_are_searched() {
        let filler = "compiling\n".repeat(10_000);
        assert_eq!(found(&format!("{filler}disk failed\nend")).1, "disk failed");
        assert_eq!(found(&format!("disk failed\n{filler}")).1, "disk failed");
        assert_eq!(found(&"日\n".repeat(400_000)).1, "日");
    }
}
