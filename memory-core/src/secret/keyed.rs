//! Values whose name says that they are secrets: settings, fields, options, query parameters.
//!
//! The name is read around a word such as `token`, what separates it from its value behind it; then
//! name and value are judged together. In: a text and the place of the word. Out: the range of the
//! value. Limits: a value on another line than its name is seen only as `value:` of a list.

use std::ops::Range;

use super::judge::{Separator, Value, is_secret};
use super::names::{Secrecy, is_query_secret, opens_with, secrecy};
use super::scan::{at, before, line_end, piece, run_end, run_start, starts_with};

/// Longest half of a name, in bytes.
const MAX_NAME: usize = 80;

/// Longest piece of a value that is read and judged, in bytes.
const MAX_JUDGED: usize = 512;

/// Longest value, in bytes: one that is longer is masked so far.
const MAX_VALUE: usize = 64 * 1024;

/// Longest run of spaces between a name and its value, in bytes.
const MAX_SPACES: usize = 24;

/// Longest type between a name and its value, in bytes.
const MAX_TYPE: usize = 48;

/// Returns the name around a word, as a range.
pub(super) fn name_around(text: &str, word: &Range<usize>) -> Range<usize> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let mut start = run_start(text, word.start, MAX_NAME, is_name);
    // Some words bring the sign behind the name along.
    let end = run_end(text, word.start, 2 * MAX_NAME, is_name);
    // An escape before a name (`\n`) does not belong to it.
    if before(text, start) == b'\\' && matches!(at(text, start), b'n' | b't' | b'r') {
        start += 1;
    }
    start..end
}

/// Returns the value to be masked of the name at `name`, if it is a secret. Cost: bounded.
pub(super) fn find(text: &str, name: &Range<usize>) -> Option<Range<usize>> {
    // The mark of a secret that is masked already may hold a word such as `token`.
    if text.get(..name.start)?.ends_with("[masked:") {
        return None;
    }
    let shown = text.get(name.clone())?.trim_end_matches('.');
    let name = name.start..name.start + shown.len();
    let (separator, from) = separator(text, &name)?;
    let secrecy = match secrecy(shown.trim_matches(['-', '.'])) {
        Some(secrecy) => secrecy,
        None if is_key_in_words(text, &name) => Secrecy::Token,
        None if separator == Separator::Query && is_query_secret(shown) => Secrecy::Perhaps,
        None => return None,
    };
    let value = value(text, from, separator)?;
    if !is_secret(text, &name, separator, secrecy, &value) {
        return None;
    }
    let mut range = value.range;
    if range.len() >= MAX_JUDGED {
        let goes_on =
            |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`');
        range.end = run_end(text, range.end, MAX_VALUE, goes_on);
    }
    Some(range)
}

/// Tells whether a name is the word `key` behind another one, as in `API key`.
fn is_key_in_words(text: &str, name: &Range<usize>) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic();
    let end = run_start(text, name.start, 1, |byte| byte == b' ');
    let word = text.get(run_start(text, end, MAX_NAME, is_letter)..end).unwrap_or_default();
    let shown = text.get(name.clone()).unwrap_or_default();
    shown.eq_ignore_ascii_case("key") && end < name.start && opens_with(word)
}

/// Reads what separates a name from its value, and where the value begins.
fn separator(text: &str, name: &Range<usize>) -> Option<(Separator, usize)> {
    let mut from = name.end;
    let shown = text.get(name.clone())?;
    let first = before(text, name.start);
    if first == b'<' && at(text, from) == b'>' {
        let end = run_end(text, from + 1, MAX_JUDGED, |byte| byte != b'<' && byte != b'\n');
        return (at(text, end + 1) == b'/').then_some((Separator::Element, from + 1));
    }
    let is_query = matches!(first, b'?' | b'&' | b';') || (first == b'#' && at(text, from) == b'=');
    if is_query && at(text, from) == b'=' && first != b';' {
        return Some((Separator::Query, from + 1));
    }
    // The quote and bracket that close the name: `"name":`, `\"name\":`, `['name'] =`.
    let mut is_quoted = false;
    if at(text, from) == b'\\' {
        from += 1;
    }
    if matches!(at(text, from), b'"' | b'\'' | b'`') {
        from += 1;
        is_quoted = true;
        // The quote closes a longer text, of which this is the end.
        if matches!(first, b':' | b'/' | b'.' | b'>') {
            return None;
        }
    }
    if matches!(at(text, from), b']' | b')') {
        from += 1;
    }
    let spaces = run_end(text, from, MAX_SPACES, |byte| byte == b' ' || byte == b'\t');
    let is_spaced = spaces > from;
    if let Some(value) = value_field(text, from) {
        return Some((Separator::Colon, value));
    }
    let is_option =
        shown.starts_with("--") || (first == b'-' && before(text, name.start - 1) == b'-');
    let mut here = spaces;
    // `?=`, `||=`, `+=`, and the `?` of an optional field.
    here = run_end(text, here, 2, |byte| matches!(byte, b'?' | b'|' | b'+'));
    let (separator, end) = match (at(text, here), at(text, here + 1)) {
        (b'=', b'=' | b'~') | (b':', b':') => return None,
        (b'=', b'>') | (b':', b'=') => (Separator::Spaced, here + 2),
        (b'=', _) if is_spaced => (Separator::Spaced, here + 1),
        (b'=', _) => (Separator::Tight, here + 1),
        (b':', _) => (Separator::Colon, here + 1),
        (b',', _) if is_quoted && matches!(first, b'"' | b'\'' | b'`') => {
            (Separator::Comma, here + 1)
        }
        _ if is_spaced && is_option && !is_quoted => (Separator::Option, spaces),
        _ if is_spaced && is_given_by_word(text, name) => (Separator::Option, spaces),
        _ => return None,
    };
    let end = run_end(text, end, MAX_SPACES, |byte| byte == b' ' || byte == b'\t');
    let separator = match separator {
        Separator::Tight if end > here + 1 => Separator::Spaced,
        other => other,
    };
    let end = if separator == Separator::Colon { after_type(text, end) } else { end };
    Some((separator, end))
}

/// Tells whether a value follows a name without any sign: in `.netrc`, in SQL, in a Dockerfile.
fn is_given_by_word(text: &str, name: &Range<usize>) -> bool {
    let line = run_start(text, name.start, MAX_NAME, |byte| byte != b'\n');
    let mut line_start = line;
    while !text.is_char_boundary(line_start) {
        line_start += 1;
    }
    let before = text.get(line_start..name.start).unwrap_or_default();
    let shown = text.get(name.clone()).unwrap_or_default();
    let lower = before.to_ascii_lowercase();
    let in_netrc = shown == "password" && lower.contains("login ");
    let in_sql = shown == "PASSWORD" && at(text, name.end + 1) == b'\''
        || shown.eq_ignore_ascii_case("password")
            && at(text, name.end + 1) == b'\''
            && (lower.trim_end().ends_with("with")
                || lower.contains("user ")
                || lower.contains("role "));
    let in_dockerfile = lower == "env " || lower == "arg ";
    in_netrc || in_sql || in_dockerfile
}

/// Returns where the value begins of a name that is itself a value: `name: X`, then `value: Y`.
fn value_field(text: &str, from: usize) -> Option<usize> {
    let is_between =
        |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b'"' | b'\'' | b'\\');
    let word = run_end(text, from, MAX_SPACES, is_between);
    if word == from || !starts_with(text, word, "value") {
        return None;
    }
    let mut here = word + "value".len();
    here = run_end(text, here, 2, |byte| matches!(byte, b'"' | b'\'' | b'\\'));
    here = run_end(text, here, MAX_SPACES, |byte| byte == b' ');
    matches!(at(text, here), b'=' | b':')
        .then(|| run_end(text, here + 1, MAX_SPACES, |byte| byte == b' '))
}

/// Steps over a type and the `=` behind it: `name: str = "value"`.
fn after_type(text: &str, from: usize) -> usize {
    let first = at(text, from);
    if !first.is_ascii_alphabetic() && first != b'&' {
        return from;
    }
    let is_of_type = |byte: u8| byte.is_ascii_alphanumeric() || b"_:<>[]&|?., '".contains(&byte);
    let end = run_end(text, from, MAX_TYPE, is_of_type);
    let quote = run_end(text, end + 1, MAX_SPACES, |byte| byte == b' ');
    let is_assigned = at(text, end) == b'=' && matches!(at(text, quote), b'"' | b'\'');
    if is_assigned { quote } else { from }
}

/// Reads the value that begins at `from`.
fn value(text: &str, from: usize, separator: Separator) -> Option<Value<'_>> {
    let mut from = from;
    // Marks of literals: b"…", r"…", f'…', @"…".
    if matches!(at(text, from), b'b' | b'r' | b'f' | b'u' | b'@')
        && matches!(at(text, from + 1), b'"' | b'\'')
    {
        from += 1;
    }
    let escaped = at(text, from) == b'\\' && matches!(at(text, from + 1), b'"' | b'\'');
    let open = at(text, from + usize::from(escaped));
    let quoted = matches!(open, b'"' | b'\'' | b'`');
    let (start, end) = if quoted {
        let start = from + usize::from(escaped) + 1;
        (start, quoted_end(text, start, open, escaped)?)
    } else if separator == Separator::Comma {
        return None;
    } else {
        (from, bare_end(text, from, separator))
    };
    let (start, end) = without_scheme(text, start, end);
    let value = text.get(start..end).filter(|value| !value.is_empty())?;
    let behind = end + usize::from(quoted && !escaped) + 2 * usize::from(quoted && escaped);
    let after = piece(text, behind.min(text.len())..line_end(text, behind, MAX_NAME)).trim();
    Some(Value { text: value, range: start..end, quoted, after })
}

/// Returns the end of a value in quotes; `None` when it is not closed on its line.
fn quoted_end(text: &str, start: usize, quote: u8, escaped: bool) -> Option<usize> {
    let bytes = text.as_bytes().get(start..)?;
    let mut after_backslash = false;
    for (n, byte) in bytes.iter().enumerate().take(MAX_JUDGED) {
        if *byte == b'\n' {
            return None;
        }
        if *byte == quote && after_backslash == escaped {
            return Some(start + n - usize::from(escaped));
        }
        after_backslash = *byte == b'\\' && !after_backslash;
    }
    // The end may have been cut off, or lies further on.
    let mut end = text.len().min(start + MAX_JUDGED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Some(end)
}

/// Returns the end of a value without quotes.
fn bare_end(text: &str, from: usize, separator: Separator) -> usize {
    let is_bare = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`');
    let mut end = run_end(text, from, MAX_JUDGED, is_bare);
    let value = piece(text, from..end);
    // A line break that is written as an escape ends a value in a log or in JSON.
    let stops: &[&str] = match separator {
        Separator::Query => &["&", "#", "\\", "<", ">", ")", "]", ";"],
        Separator::Element => &["<"],
        _ => &["\\n", "\\r", "\\t", ";", "&&", "||"],
    };
    let stop = stops.iter().filter_map(|stop| value.find(stop)).min();
    end = stop.map_or(end, |stop| from + stop);
    let kept = text.get(from..end).unwrap_or_default();
    let opens = kept.contains(['(', '[', '{']);
    let closing: &[char] = if opens { &[',', '.'] } else { &[',', '.', ':', ')', ']', '}', '\\'] };
    let end = from + kept.trim_end_matches(closing).len();
    if kept.starts_with("${") || kept.starts_with("$(") { from + kept.len() } else { end }
}

/// Steps over the scheme before a token: `Bearer`, `Basic`, `token`.
fn without_scheme(text: &str, start: usize, end: usize) -> (usize, usize) {
    const SCHEMES: &[&str] =
        &["bearer", "basic", "token", "apikey", "api-key", "ssws", "bot", "oauth", "jwt", "key"];
    let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
    let word_end = run_end(text, start, 10, is_word);
    let is_scheme = text
        .get(start..word_end)
        .is_some_and(|word| SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(word)));
    if !is_scheme || at(text, word_end) != b' ' {
        return (start, end);
    }
    let from = word_end + 1;
    // In quotes the value ends where they do.
    if end > from { (from, end) } else { (from, bare_end(text, from, Separator::Colon)) }
}
