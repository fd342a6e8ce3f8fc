//! Small steps over the bytes of a text.
//!
//! All classes of bytes here are ASCII, so that a run of them begins and ends between characters.

use std::ops::Range;

/// Returns the byte at a position, or 0 outside of the text: 0 is in no class that is asked for.
pub(super) fn at(text: &str, position: usize) -> u8 {
    text.as_bytes().get(position).copied().unwrap_or(0)
}

/// Returns the byte before a position, or 0 at the beginning of the text.
pub(super) fn before(text: &str, position: usize) -> u8 {
    position.checked_sub(1).map_or(0, |position| at(text, position))
}

/// Returns the end of the run of bytes of a class that begins at `from`, at most `limit` bytes on.
pub(super) fn run_end(text: &str, from: usize, limit: usize, class: fn(u8) -> bool) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().take(limit).take_while(|byte| class(**byte)).count()
}

/// Returns the start of the run of bytes of a class that ends at `to`, at most `limit` bytes back.
pub(super) fn run_start(text: &str, to: usize, limit: usize, class: fn(u8) -> bool) -> usize {
    let head = text.as_bytes().get(..to).unwrap_or_default();
    to - head.iter().rev().take(limit).take_while(|byte| class(**byte)).count()
}

/// Returns the piece of a text, cut back to whole characters at its end.
pub(super) fn piece(text: &str, range: Range<usize>) -> &str {
    let mut end = range.end.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(range.start..end).unwrap_or_default()
}

/// Returns the end of the line that `from` lies in, at most `limit` bytes on.
pub(super) fn line_end(text: &str, from: usize, limit: usize) -> usize {
    run_end(text, from, limit, |byte| byte != b'\n')
}

/// Tells whether the text at a position begins with `word`, whatever its case.
pub(super) fn starts_with(text: &str, position: usize, word: &str) -> bool {
    let bytes = text.as_bytes().get(position..position + word.len());
    bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(word.as_bytes()))
}

/// Tells whether a token may begin at a position: no letter or digit stands before it, unless that
/// is the end of an escape (`\n`, `%3D`).
pub(super) fn begins_token(text: &str, position: usize) -> bool {
    let last = before(text, position);
    if !last.is_ascii_alphanumeric() {
        return true;
    }
    let second = position.checked_sub(1).map_or(0, |position| before(text, position));
    if matches!(last, b'n' | b't' | b'r') && second == b'\\' {
        return true;
    }
    let third = position.checked_sub(2).map_or(0, |position| before(text, position));
    third == b'%' && last.is_ascii_hexdigit() && second.is_ascii_hexdigit()
}
