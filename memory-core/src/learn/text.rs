//! Short texts: one line of limited length, names, percentages.

use crate::model::display_name;

/// Returns a text on one line of at most `limit` bytes, cut at a character with `…`; `None` for a
/// text without words.
pub(crate) fn one_line(text: &str, limit: usize) -> Option<String> {
    const ELLIPSIS: char = '…';
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > limit {
            line.truncate(line.floor_char_boundary(limit.saturating_sub(ELLIPSIS.len_utf8())));
            line.push(ELLIPSIS);
            break;
        }
    }
    (!line.is_empty()).then_some(line)
}

/// Returns an error on one line of at most `limit` bytes, as [`one_line`] does.
///
/// A first line that is longer is cut in its middle, since what an error is about often stands at
/// its end.
pub(crate) fn error_line(text: &str, limit: usize) -> Option<String> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    if first.len() <= limit || first.ends_with('…') {
        return one_line(text, limit);
    }
    let room = limit.saturating_sub(" … ".len());
    let head = first.get(..first.floor_char_boundary(room / 2)).unwrap_or_default();
    let tail = first.get(first.ceil_char_boundary(first.len() - room / 2)..).unwrap_or_default();
    // Whole words, where there are any: half a word says nothing.
    let head = head.rsplit_once(char::is_whitespace).map_or(head, |(whole, _)| whole);
    let tail = tail.split_once(char::is_whitespace).map_or(tail, |(_, whole)| whole);
    one_line(&format!("{} … {}", head.trim_end(), tail.trim_start()), limit)
}

/// Returns a name in backticks, cut to what the name of a tool or an argument can be: whatever a
/// caller said it was must not pass for a statement of this program.
pub(crate) fn name_in_backticks(name: &str) -> String {
    format!("`{}`", display_name(name))
}

/// Formats a share as a whole percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0}%", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::{error_line, one_line};

    #[test]
    fn a_long_error_keeps_what_it_is_about_at_its_end() {
        let error = "error[E0433]: failed to resolve: use of undeclared crate or module `decimal`";
        let line = error_line(error, 60).unwrap();
        assert_eq!(line, "error[E0433]: failed to … crate or module `decimal`");
        assert_eq!(error_line(error, 200).unwrap(), error);
        let log = format!("short\n{error}");
        assert_eq!(error_line(&log, 40), one_line(&log, 40), "of a log its beginning");
        assert_eq!(error_line(" \n", 40), None);
    }

    proptest::proptest! {
        #[test]
        fn any_error_becomes_one_short_line(
            text in "\\PC{0,60}\n?\\PC{0,60}", limit in 8_usize..50,
        ) {
            if let Some(line) = error_line(&text, limit) {
                proptest::prop_assert!(line.len() <= limit && !line.contains('\n'), "{}", line);
            } else {
                proptest::prop_assert!(text.trim().is_empty());
            }
        }

        #[test]
        fn any_text_becomes_one_short_line(
            text in "\\PC{0,60}\n?\\PC{0,60}", limit in 4_usize..50,
        ) {
            if let Some(line) = one_line(&text, limit) {
                proptest::prop_assert!(line.len() <= limit && !line.contains('\n'));
            } else {
                proptest::prop_assert!(text.trim().is_empty());
            }
        }
    }
}
