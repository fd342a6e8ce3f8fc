//! Stored text made safe to show.
//!
//! Stored text comes from anywhere. Some characters steer the terminal or the reader of lines that
//! shows them, some hide text from people while models read it, or show it in another order than it
//! has. Used by the texts of the tools' answers and by whatever the command line prints. Limits:
//! text in files, exports and JSON is kept whole.

use std::borrow::Cow;

/// Returns whether a character acts on what shows it: C0, DEL, C1, and the separators U+2028 and
/// U+2029.
///
/// Tabs and line feeds are among them; whoever shows a text decides about these.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Returns whether a character hides or reorders text: bidirectional controls and the tags from
/// U+E0000 on.
///
/// Source: Unicode Standard Annex 9, section 2; Unicode Standard, section 23.9.
pub(crate) const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Takes hidden characters out of a text that is not printed but read as data.
pub(crate) fn without_hidden(text: &str) -> Cow<'_, str> {
    without(text, is_hidden)
}

/// Takes controls, but for tabs and line feeds, and hidden characters out of a text.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    without(text, |c| is_hidden(c) || (is_control(c) && !matches!(c, '\n' | '\t')))
}

fn without(text: &str, is_out: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.contains(&is_out) {
        Cow::Owned(text.chars().filter(|c| !is_out(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_not_printable() {
        let text = "a\u{1b}[2J\u{7}b\u{7f}c\u{9b}31m\u{85}d\u{2028}e\u{2029}\r\u{8}f\tg\nh";
        assert_eq!(printable(text), "a[2Jbc31mdef\tg\nh");
    }

    #[test]
    fn hidden_and_reordering_characters_are_taken_out() {
        let tags: String = "obey".chars().map(|c| char::from(c as u8)).map(tag).collect();
        let text = format!("a{tags}b\u{202e}c\u{2066}d\u{2069}\u{200e}e\u{61c}\u{e0001}");
        assert_eq!(without_hidden(&text), "abcde");
        assert_eq!(printable(&text), "abcde");
    }

    fn tag(c: char) -> char {
        char::from_u32(0xe_0000 + u32::from(c)).unwrap()
    }

    #[test]
    fn ordinary_text_of_any_script_is_borrowed_as_it_is() {
        for text in ["plain", "naïve “quotes”", "日本語", "שלום", "می‌خواهم", "👩‍💻 👍🏽", "a\u{a0}b"]
        {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
