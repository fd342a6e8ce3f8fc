//! Private keys as blocks of text between a first and a last line.
//!
//! In: a text and the place of such a line. Out: the range of the key. Used by the scan of this
//! folder. Limits: a block longer than 32 KB is masked so far.

use std::ops::Range;

use super::scan::{at, before, run_end, run_start, starts_with};

/// Begins the first line of a block.
pub(super) const BEGIN: &str = "-----begin";

/// Begins the last line of a block.
pub(super) const END: &str = "-----end";

/// Longest first or last line, in bytes.
const MAX_LINE: usize = 100;

/// Longest key, in bytes.
const MAX_KEY: usize = 32 * 1024;

/// Shortest line of a key, in bytes; fewer are a word of prose.
const MIN_RUN: usize = 16;

/// Returns a private key whose first line begins at `start`. The mention of such a line, without a
/// key behind it, is none; of a key that was cut off all is taken that is there.
pub(super) fn from_begin(text: &str, start: usize) -> Option<Range<usize>> {
    let body = marker_end(text, start, BEGIN)?;
    let mut here = body;
    let mut end = body;
    let limit = start + MAX_KEY;
    let mut n_headers = 0;
    while here < limit {
        let from = blank_end(text, here);
        let run = run_end(text, from, MAX_KEY, is_key_byte);
        let header = run_end(text, from, MAX_LINE, |b| b.is_ascii_alphabetic() || b == b'-');
        if starts_with(text, from, END) {
            return Some(start..marker_end(text, from, END).unwrap_or(from));
        }
        let is_last = run == text.len() && from > body;
        if header > from && at(text, header) == b':' && end == body && n_headers < 6 {
            // `Proc-Type: 4,ENCRYPTED` and the like stand before the key.
            n_headers += 1;
            here = run_end(text, header, MAX_LINE, |byte| byte != b'\n' && byte != b'\\');
        } else if run >= from + MIN_RUN || (end > body && run > from && ends_line(text, run)) {
            here = run;
            end = run;
        } else if is_last && run > from {
            return Some(start..run);
        } else {
            break;
        }
    }
    (end > body).then_some(start..end)
}

/// Returns the tail of a private key whose last line begins at `start`.
pub(super) fn to_end(text: &str, start: usize) -> Option<Range<usize>> {
    let end = marker_end(text, start, END)?;
    let mut from = start;
    loop {
        let blank = run_start(text, from, 8, |byte| byte.is_ascii_whitespace());
        // A line break that is written as an escape.
        let blank = if before(text, blank) == b'n' && blank >= 2 && before(text, blank - 1) == b'\\'
        {
            blank - 2
        } else {
            blank
        };
        let run = run_start(text, blank, MAX_KEY, is_key_byte);
        let is_first = from == start;
        let is_line = blank - run >= MIN_RUN || (is_first && blank > run && blank < start);
        if !is_line || start - run > MAX_KEY {
            break;
        }
        from = run;
    }
    (start - from >= MIN_RUN).then_some(from..end)
}

/// Returns the end of a first or last line that speaks of a private key.
fn marker_end(text: &str, start: usize, marker: &str) -> Option<usize> {
    let from = start + marker.len();
    let is_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ';
    let label_end = run_end(text, from, MAX_LINE, is_label);
    let label = text.get(from..label_end)?;
    let is_private = label.contains("PRIVATE KEY") || label.contains("private key");
    (is_private && starts_with(text, label_end, "-----")).then_some(label_end + 5)
}

/// Steps over white space, also where it is written as an escape, and over signs that join strings.
fn blank_end(text: &str, from: usize) -> usize {
    let mut here = from;
    loop {
        let next = run_end(text, here, 64, |byte| byte.is_ascii_whitespace());
        let is_escape =
            at(text, next) == b'\\' && matches!(at(text, next + 1), b'n' | b'r' | b't' | b'\\');
        match is_escape {
            true => here = next + 2,
            false if next == here => return here,
            false => here = next,
        }
        if here > from + 256 {
            return here;
        }
    }
}

/// Tells whether a line ends at a position.
fn ends_line(text: &str, position: usize) -> bool {
    matches!(at(text, position), 0 | b'\n' | b'\r' | b'\\' | b'-')
}

/// Tells whether a byte may be in a line of a key.
fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
