//! Difference of two texts in their words: what was taken out and what was put in its place.

use super::text::one_line;

/// Maximum number of words of either side between common ends that are compared.
const MAX_WORDS: usize = 300;

/// Maximum bytes of either side of a difference.
const SIDE_BYTES: usize = 90;

/// Number of words around a difference that are shown with it.
const CONTEXT: usize = 3;

/// Returns the difference of two texts as `before → after`, each in backticks; `None` for texts of
/// the same words.
///
/// Of several differences the first one that has a word of `about` is given, else the first.
pub(crate) fn word_diff(old_text: &str, new_text: &str, about: &str) -> Option<String> {
    let (before, after) = (words(old_text), words(new_text));
    let n_prefix = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let (a, b) = (before.split_at(n_prefix).1, after.split_at(n_prefix).1);
    let n_suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.split_at(a.len() - n_suffix).0, b.split_at(b.len() - n_suffix).0);
    if a.is_empty() && b.is_empty() {
        return None;
    }
    let hunks = hunks(head(a), head(b));
    let about = words(about);
    let is_about = |hunk: &&Hunk| {
        let has = |words: &[&str]| words.iter().any(|w| w.len() > 2 && about.contains(w));
        has(a.get(hunk.before.clone()).unwrap_or_default())
            || has(b.get(hunk.after.clone()).unwrap_or_default())
    };
    let hunk = hunks.iter().find(is_about).or(hunks.first())?;
    let side = |text: &str, words: &[&str], range: &std::ops::Range<usize>| {
        let from = (n_prefix + range.start).saturating_sub(CONTEXT);
        let to = (n_prefix + range.end + CONTEXT).min(words.len());
        around(text, words.get(from..to).unwrap_or_default())
    };
    let (old, new) = (side(old_text, &before, &hunk.before), side(new_text, &after, &hunk.after));
    Some(format!("`{old}` → `{new}`"))
}

/// Positions of a difference on both sides.
#[derive(Debug, Clone)]
struct Hunk {
    before: std::ops::Range<usize>,
    after: std::ops::Range<usize>,
}

fn head<'a, 'b>(words: &'b [&'a str]) -> &'b [&'a str] {
    words.get(..MAX_WORDS).unwrap_or(words)
}

/// Returns the differences of two lists of words, by a longest common subsequence.
#[expect(clippy::indexing_slicing, reason = "the table has a row and a column more than words")]
fn hunks(a: &[&str], b: &[&str]) -> Vec<Hunk> {
    let width = b.len() + 1;
    let mut common = vec![0_u16; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut found: Vec<Hunk> = Vec::new();
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let is_removed =
            j == b.len() || i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1];
        // Differences that one word keeps apart are one: such a word is a bracket or a comma.
        let near = found.last_mut().filter(|h| i <= h.before.end + 1 && j <= h.after.end + 1);
        let (i_end, j_end) = if is_removed { (i + 1, j) } else { (i, j + 1) };
        if let Some(hunk) = near {
            (hunk.before.end, hunk.after.end) = (i_end, j_end);
        } else {
            found.push(Hunk { before: i..i_end, after: j..j_end });
        }
        (i, j) = (i_end, j_end);
    }
    found
}

/// Splits a text into runs of letters, digits and `_.-/`, and single other characters.
fn words(text: &str) -> Vec<&str> {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    let (mut all, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let end = if is_inner(first) {
            rest.find(|c| !is_inner(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, tail) = rest.split_at(end);
        all.push(word);
        rest = tail.trim_start();
    }
    all
}

/// Returns the part of a text that its neighbouring words take up, cut.
fn around(text: &str, words: &[&str]) -> String {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return String::new() };
    // The words are parts of the text: their addresses say where they stand.
    let at = |word: &str| (word.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let part = text.get(at(first)..at(last) + last.len()).unwrap_or_default();
    one_line(&part.replace('`', "'"), SIDE_BYTES).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::word_diff;

    #[test]
    fn the_words_that_differ_are_shown_with_their_neighbours() {
        for (before, after, about, expected) in [
            ("run --fast all", "run --slow all", "", "`run --fast all` → `run --slow all`"),
            ("a b c", "a c", "", "`a b c` → `a c`"),
            ("f(x, y)", "f(x)", "", "`f(x, y)` → `f(x)`"),
            ("let a  = 1;", "let a  = 2;", "", "`let a = 1;` → `let a = 2;`"),
            (
                "a b c one d e f g h i j two k",
                "a b c oak d e f g h i j top k",
                "no such two",
                "`h i j two k` → `h i j top k`",
            ),
            ("", "new", "", "`` → `new`"),
        ] {
            assert_eq!(word_diff(before, after, about).unwrap(), expected, "{before}");
        }
        assert_eq!(word_diff("a  b", "a b ", ""), None);
    }

    proptest::proptest! {
        #[test]
        fn any_two_texts_have_a_short_difference(a in "\\PC{0,200}", b in "[ab(),`]{0,200}") {
            if let Some(diff) = word_diff(&a, &b, "a") {
                proptest::prop_assert!(diff.len() <= 2 * super::SIDE_BYTES + 10);
            }
            proptest::prop_assert_eq!(word_diff(&a, &a, &b), None);
        }

        #[test]
        fn long_texts_are_compared_in_bounded_time(n in 0_usize..4_000) {
            let (a, b) = ("x ".repeat(n), "y ".repeat(4_000));
            proptest::prop_assert!(word_diff(&a, &b, "").is_some());
        }
    }
}
