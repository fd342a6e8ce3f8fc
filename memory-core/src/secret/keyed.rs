//! Values whose name says that they are secrets: settings, fields, options, query parameters.
//!
//! The name is read around a word such as `token`, what separates it from its value behind it; then
//! name and value are judged together.

use std::ops::Range;

use super::names::{Secrecy, is_query_secret, secrecy};
use super::scan::{at, before, line_end, piece, run_end, run_start, starts_with};
use super::value::{
    is_code, is_identifier, is_known_word, is_path, is_placeholder, is_random, is_reference,
    is_slug, is_template, is_time, is_type,
};

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

/// Shortest password, in bytes.
const MIN_PASSWORD: usize = 4;

/// Shortest token, in bytes.
const MIN_TOKEN: usize = 6;

/// Shortest value of a name that only perhaps means a key, in bytes.
const MIN_PERHAPS: usize = 16;

/// Shortest value that stands behind a name in a list, in bytes.
const MIN_LISTED: usize = 12;

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    /// `NAME=value`, as environments, commands and forms have it.
    Tight,
    /// `name = value`, `name := value`, `name => value`.
    Spaced,
    /// `name: value`.
    Colon,
    /// `--name value`.
    Option,
    /// `<name>value</name>`.
    Element,
    /// `?name=value`.
    Query,
    /// `name("NAME", "value")`.
    Comma,
}

/// A value with what is known of where it stands.
struct Value<'a> {
    text: &'a str,
    range: Range<usize>,
    quoted: bool,
    /// What follows it on its line, without white space.
    after: &'a str,
}

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
    let shown = text.get(name.clone())?.trim_end_matches('.');
    let name = name.start..name.start + shown.len();
    let (separator, from) = separator(text, &name)?;
    let secrecy = match secrecy(shown.trim_matches(['-', '.'])) {
        Some(secrecy) => secrecy,
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
        (b'=', b'>') => (Separator::Spaced, here + 2),
        (b':', b'=') => (Separator::Spaced, here + 2),
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
    let in_sql = shown.eq_ignore_ascii_case("password")
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

/// Judges a name and its value together.
fn is_secret(
    text: &str,
    name: &Range<usize>,
    separator: Separator,
    secrecy: Secrecy,
    value: &Value<'_>,
) -> bool {
    let word = value.text;
    let is_told = is_reference(word)
        || is_placeholder(word)
        || is_known_word(word)
        || is_time(word)
        || is_template(word);
    if is_told {
        return false;
    }
    let shown = text.get(name.clone()).unwrap_or_default();
    if is_path(word)
        && !(secrecy == Secrecy::Password
            && separator == Separator::Tight
            && !word.starts_with('/')
            && !word.contains("://"))
    {
        return false;
    }
    if !value.quoted && matches!(separator, Separator::Colon | Separator::Spaced) {
        let is_typed = separator == Separator::Colon && value.after.starts_with('=');
        let is_pointer = word.starts_with(['*', '&', '[', '(', '{', '|']);
        if is_typed || is_pointer || word.starts_with("0x") {
            return false;
        }
    }
    let place = Place { shown, separator, value, is_line: is_line_start(text, name.start) };
    match secrecy {
        Secrecy::Password => place.holds_password(),
        Secrecy::Token => place.holds_token(),
        Secrecy::Perhaps => {
            word.len() >= MIN_PERHAPS && is_random(word) && (value.quoted || !place.is_code())
        }
    }
}

/// Tells whether a name stands at the beginning of its line, but for `export` and the like.
fn is_line_start(text: &str, start: usize) -> bool {
    let mut from = run_start(text, start, MAX_NAME, |byte| byte != b'\n');
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let head = text.get(from..start).unwrap_or_default();
    let head = head.rsplit("\\n").next().unwrap_or_default().trim();
    matches!(head, "" | "-" | "export" | "set" | "ENV" | "ARG" | "-e" | "env" | "#" | "//")
}

/// A name with its value, and where they stand.
struct Place<'a> {
    shown: &'a str,
    separator: Separator,
    value: &'a Value<'a>,
    /// The name stands at the beginning of its line.
    is_line: bool,
}

impl Place<'_> {
    /// Tells whether this is an environment or a file of settings, where a word is a value and no
    /// name of code.
    fn is_setting(&self) -> bool {
        let is_upper = !self.shown.bytes().any(|byte| byte.is_ascii_lowercase());
        let tight =
            matches!(self.separator, Separator::Tight | Separator::Query | Separator::Element);
        let ends_line = self.value.after.is_empty() || self.value.after.starts_with('#');
        match self.separator {
            Separator::Option => true,
            _ if self.value.quoted => is_upper && tight,
            Separator::Tight => is_upper || (self.is_line && ends_line) || self.is_connection(),
            Separator::Query | Separator::Element => true,
            Separator::Colon => self.is_line && ends_line && !is_type(self.value.text),
            Separator::Spaced | Separator::Comma => false,
        }
    }

    /// Tells whether this is a part of a connection string: `Password=…;`.
    fn is_connection(&self) -> bool {
        self.value.after.starts_with(';') && self.value.after.contains('=')
            || self.value.after == ";" && self.shown.starts_with(|c: char| c.is_ascii_uppercase())
    }

    /// Tells whether a value without quotes is a name of code: a path of names, or one that is too
    /// short or has too few digits for a key.
    fn is_code(&self) -> bool {
        let word = self.value.text;
        let n_digits = word.bytes().filter(u8::is_ascii_digit).count();
        is_code(word) || (is_identifier(word) && (word.len() < MIN_PERHAPS || n_digits < 2))
    }

    fn holds_password(&self) -> bool {
        let word = self.value.text;
        if word.len() < MIN_PASSWORD || word.eq_ignore_ascii_case(self.shown) {
            return false;
        }
        if self.value.quoted {
            return self.is_quoted_password();
        }
        let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
        let has_sign = word.chars().any(|c| !c.is_alphanumeric() && !"_-.".contains(c));
        if self.is_setting() {
            return self.separator == Separator::Tight && self.is_shell()
                || !is_code(word)
                || is_random(word);
        }
        if is_code(word) || (!has_digit && !has_sign) {
            return false;
        }
        // `password = password2;` is code.
        let in_code = self.value.after.starts_with([';', ',', ')']) && is_identifier(word);
        !in_code && !(self.separator == Separator::Spaced && is_slug(word) && has_sign)
    }

    /// Tells whether a password may be what it likes: `NAME=value` of a shell.
    fn is_shell(&self) -> bool {
        !self.shown.bytes().any(|byte| byte.is_ascii_lowercase()) && !self.value.text.contains("()")
    }

    /// Tells a password in quotes from a label or message of a form.
    fn is_quoted_password(&self) -> bool {
        let word = self.value.text;
        let lower = word.to_ascii_lowercase();
        if lower.contains("password") && !word.bytes().any(|byte| byte.is_ascii_digit()) {
            return false;
        }
        if !word.contains(char::is_whitespace) {
            return self.separator != Separator::Comma || is_random(word);
        }
        // Words in a row are a password unless they make a sentence.
        const SENTENCE: &[&str] = &[
            "the",
            "is",
            "are",
            "must",
            "your",
            "please",
            "a",
            "an",
            "of",
            "at",
            "and",
            "or",
            "to",
            "for",
            "with",
            "not",
            "has",
            "be",
            "in",
            "enter",
            "on",
            "can",
            "should",
            "cannot",
            "was",
            "new",
            "invalid",
            "wrong",
            "incorrect",
            "missing",
            "required",
            "from",
            "if",
            "no",
        ];
        let is_sentence = lower.ends_with(['.', '!', '?', ':'])
            || lower.split_whitespace().any(|part| SENTENCE.contains(&part));
        let n_words = lower.split_whitespace().count();
        !is_sentence && (2..=6).contains(&n_words) && lower.split_whitespace().all(|w| w.len() > 1)
    }

    fn holds_token(&self) -> bool {
        let word = self.value.text;
        if word.len() < MIN_TOKEN || word.contains(char::is_whitespace) {
            return false;
        }
        if is_random(word) {
            let is_listed = self.separator == Separator::Comma && word.len() < MIN_LISTED;
            return !is_listed && (self.value.quoted || self.is_setting() || !self.is_code());
        }
        let is_digits = word.bytes().all(|byte| byte.is_ascii_digit());
        if is_digits {
            return self.is_setting() && self.separator != Separator::Colon
                || (self.value.quoted && word.len() >= MIN_PERHAPS);
        }
        let has_sign = word.chars().any(|c| !c.is_alphanumeric() && !"_-./:".contains(c));
        if self.value.quoted && has_sign {
            return !word.contains(['{', '%', '(', '[', '*'])
                && word.bytes().any(|b| b.is_ascii_digit());
        }
        // Words are the value of a setting, and elsewhere a name.
        self.is_setting()
            && self.separator != Separator::Colon
            && !is_code(word)
            && (!is_slug(word) || !word.contains(['-', '_', '.', '/', ':']))
    }
}
