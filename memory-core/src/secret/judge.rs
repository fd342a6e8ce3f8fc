//! Judgement of a value by its name, its form and the place where it stands.
//!
//! In: a name, the sign behind it and a value. Out: whether the value is masked. Used by the search
//! for named values. Limits: the place is known by its line alone, not by a language's grammar.

use std::ops::Range;

use super::names::Secrecy;
use super::scan::{at, before, run_start};
use super::value::{
    is_code, is_identifier, is_known_word, is_long_mixed, is_name, is_noise, is_path,
    is_placeholder, is_random, is_reference, is_slug, is_template, is_time, is_type, is_uuid,
};

/// Longest piece of a line before a name that is looked at, in bytes.
const MAX_HEAD: usize = 80;

/// Shortest password, in bytes.
const MIN_PASSWORD: usize = 4;

/// Shortest token, in bytes.
const MIN_TOKEN: usize = 6;

/// Shortest value of a name that only perhaps means a key, in bytes.
const MIN_PERHAPS: usize = 16;

/// Shortest value that stands behind a name in a list, in bytes.
const MIN_LISTED: usize = 12;

/// Words of messages and labels.
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

/// Sign between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
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
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) range: Range<usize>,
    pub(super) quoted: bool,
    /// Rest of its line, without white space.
    pub(super) after: &'a str,
}

/// Judges a name and its value together.
pub(super) fn is_secret(
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
    // A password may hold a slash or dot; where one is set as such, only a whole path is none.
    let may_hold_signs = secrecy == Secrecy::Password
        && separator == Separator::Tight
        && !word.starts_with('/')
        && !word.contains("://");
    if is_path(word) && !may_hold_signs {
        return false;
    }
    if !value.quoted && matches!(separator, Separator::Colon | Separator::Spaced) {
        let is_typed = separator == Separator::Colon && value.after.starts_with('=');
        let is_pointer = word.starts_with(['*', '&', '[', '(', '{', '|']);
        if is_typed || is_pointer || word.starts_with("0x") {
            return false;
        }
    }
    let before = before(text, name.start);
    let is_argument = (shown.starts_with("--") || before.is_ascii_whitespace() || before == b'=')
        && !value.quoted
        && matches!(at(text, value.range.end), 0 | b' ' | b'\n' | b'\t');
    let is_line = is_line_start(text, name.start);
    let place = Place { shown, separator, value, is_line, is_argument };
    match secrecy {
        Secrecy::Password => place.holds_password(),
        Secrecy::Token => place.holds_token(),
        Secrecy::Perhaps => {
            word.len() >= MIN_PERHAPS
                && is_random(word)
                && !is_uuid(word)
                && (value.quoted || !place.is_code())
        }
    }
}

/// Tells whether a name stands at the beginning of its line, but for `export` and the like.
fn is_line_start(text: &str, start: usize) -> bool {
    let mut from = run_start(text, start, MAX_HEAD, |byte| byte != b'\n');
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
    /// Name and value are one word of a command: `--set db.password=value`.
    is_argument: bool,
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
            Separator::Tight => {
                is_upper || (self.is_line && ends_line) || self.is_connection() || self.is_argument
            }
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

    /// Tells whether a value without quotes is a name of code: a path of names, a short one, or one
    /// that is made of words.
    fn is_code(&self) -> bool {
        let word = self.value.text;
        let may_be_name = is_name(word) || (is_identifier(word) && word.len() < MIN_PERHAPS);
        is_code(word) || (may_be_name && !self.is_header())
    }

    /// Tells whether this is the field of a header: with a dash in its name, or in a text that ends
    /// with a quote.
    fn is_header(&self) -> bool {
        self.separator == Separator::Colon
            && (self.shown.contains('-')
                || self.shown.eq_ignore_ascii_case("authorization")
                || self.value.after.starts_with(['\'', '"']))
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
        let is_name = self.separator == Separator::Spaced && is_slug(word) && has_sign;
        !in_code && !is_name
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
        let is_sentence = lower.ends_with(['.', '!', '?', ':'])
            || lower.split_whitespace().any(|part| SENTENCE.contains(&part));
        let n_words = lower.split_whitespace().count();
        !is_sentence && (2..=6).contains(&n_words) && lower.split_whitespace().all(|w| w.len() > 1)
    }

    fn holds_token(&self) -> bool {
        let word = self.value.text;
        if self.value.quoted && is_noise(word) {
            return true;
        }
        if word.len() < MIN_TOKEN || word.contains(char::is_whitespace) {
            return false;
        }
        if is_random(word) || (self.is_header() && is_long_mixed(word)) {
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
