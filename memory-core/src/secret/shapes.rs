//! Tokens that are known by their shape: the table `shapes.txt` and how its lines are matched.
//!
//! In: a text and the place of a literal in it. Out: the range to be masked, if a token is there.
//! Used by the scan of this folder. Limits: only the first 512 bytes behind a literal are matched.

use std::ops::Range;
use std::sync::OnceLock;

use regex::Regex;

use super::scan::{at, before, begins_token, piece, run_end};
use super::value::{is_placeholder, is_random};

/// The table; its beginning says what a line means.
const TABLE: &str = include_str!("shapes.txt");

/// Longest piece of text that a shape is matched in, in bytes.
const MAX_MATCHED: usize = 512;

/// Longest piece before a literal that belongs to a token, in bytes.
const MAX_HEAD: usize = 96;

/// Length from which a literal says enough in any case, in bytes.
const MIN_CASELESS: usize = 6;

/// Longest token, in bytes: one that is longer is masked so far.
const MAX_TOKEN: usize = 64 * 1024;

/// One line of the table.
pub(super) struct Shape {
    /// Replaces the token, in brackets.
    pub(super) name: &'static str,
    /// Literals of which every token holds one.
    pub(super) literals: Vec<&'static str>,
    /// Expression of what follows the literal.
    pub(super) rest: &'static str,
    /// Expression of what stands before it.
    pub(super) head: Option<&'static str>,
    /// The literal says too little: the rest must look random.
    pub(super) random: bool,
    /// The token must end where the rest does.
    ends: bool,
    rest_regex: OnceLock<Option<Regex>>,
    head_regex: OnceLock<Option<Regex>>,
}

/// Reads the table.
pub(super) fn read() -> Vec<Shape> {
    let mut lines: Vec<Vec<&'static str>> = Vec::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let columns = line.split_whitespace();
        match lines.last_mut() {
            Some(last) if line.starts_with(' ') => last.extend(columns),
            _ => lines.push(columns.collect()),
        }
    }
    lines.iter().filter_map(|line| Shape::of(line)).collect()
}

impl Shape {
    fn of(columns: &[&'static str]) -> Option<Self> {
        let [name, literals, rest, marks @ ..] = columns else { return None };
        Some(Self {
            name,
            literals: literals.split(',').collect(),
            rest,
            head: marks.iter().find_map(|mark| mark.strip_prefix("head=")),
            random: marks.contains(&"random"),
            ends: marks.contains(&"end"),
            rest_regex: OnceLock::new(),
            head_regex: OnceLock::new(),
        })
    }

    /// Returns the expression of the rest, made when its literal is first seen: most stores never
    /// need most of them.
    pub(super) fn rest_regex(&self) -> Option<&Regex> {
        let make = || Regex::new(&format!("^(?:{})", self.rest)).ok();
        self.rest_regex.get_or_init(make).as_ref()
    }

    /// Returns the expression of the head, if there is one.
    pub(super) fn head_regex(&self) -> Option<&Regex> {
        let make = || Regex::new(&format!("(?:{})$", self.head?)).ok();
        self.head_regex.get_or_init(make).as_ref()
    }

    /// Returns what is to be masked of the token whose literal stands at `literal`, if any.
    ///
    /// Cost: bounded, whatever the text.
    pub(super) fn find(&self, text: &str, literal: Range<usize>) -> Option<Range<usize>> {
        let seen = text.get(literal.clone())?;
        let is_seen = |known: &&str| {
            *known == seen || (known.len() >= MIN_CASELESS && known.eq_ignore_ascii_case(seen))
        };
        if !self.literals.iter().any(is_seen) {
            return None;
        }
        let start = match self.head {
            // A literal that begins with a sign goes on with what stands before it.
            None if !seen.starts_with(|c: char| c.is_ascii_alphanumeric()) => literal.start,
            None if begins_token(text, literal.start) => literal.start,
            None => return None,
            Some(_) => self.head_start(text, literal.start)?,
        };
        let captures =
            self.rest_regex()?.captures(piece(text, literal.end..literal.end + MAX_MATCHED))?;
        let group = captures.get(1);
        let found = group.or_else(|| captures.get(0))?;
        let start = if group.is_some() { literal.end + found.start() } else { start };
        let mut end = literal.end + found.end();
        if self.ends {
            // A rest of letters and digits ends before `-`; one that may hold `-` does not.
            let follows = at(text, end);
            let with_signs = self.rest.contains("_-]") && (follows == b'_' || follows == b'-');
            if follows.is_ascii_alphanumeric() || with_signs {
                return None;
            }
        } else if group.is_none() {
            end = run_end(text, end, MAX_MATCHED, |byte| byte.is_ascii_alphanumeric());
        }
        let value = text.get(start..end)?;
        let rest = text.get(literal.end.min(end)..end).unwrap_or_default();
        if is_placeholder(value) || (self.random && !is_random(rest)) {
            return None;
        }
        // What may be longer than the piece it was matched in goes on as far as a token can.
        if found.end() + 4 > MAX_MATCHED {
            end = run_end(text, end, MAX_TOKEN, is_token_byte);
        }
        Some(start..end)
    }

    /// Returns the start of the head that ends at `to`.
    fn head_start(&self, text: &str, to: usize) -> Option<usize> {
        // Most literals of shapes with a head stand after something else: looked at first.
        if !is_token_byte(before(text, to)) {
            return None;
        }
        let mut from = to.saturating_sub(MAX_HEAD);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let start = from + self.head_regex()?.find(text.get(from..to)?)?.start();
        begins_token(text, start).then_some(start)
    }
}

/// Tells whether a byte may be within a token.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=_~.%-".contains(&byte)
}
