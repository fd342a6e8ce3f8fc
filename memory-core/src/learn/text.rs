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
    use super::one_line;

    proptest::proptest! {
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
