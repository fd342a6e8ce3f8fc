//! The form of a text in which what means nothing is taken away.
//!
//! Two texts are the same only when their forms are equal. What is taken away: differences of white
//! space, the capital of an ordinary word at the beginning of a sentence, closing punctuation, the
//! marks of code around a word, and an announcement such as `Note:`. Nothing else: a sign, a small
//! word, an ending or the case of a name may be the point.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Announcements that say nothing by themselves, without their colon.
const ANNOUNCEMENTS: &[&str] = &["note", "nb", "n.b.", "fyi", "reminder", "remember", "important"];

/// Shortest word that ends a sentence with its full stop; `e.g.` and `vs.` end none.
const MIN_LAST_WORD: usize = 3;

/// Abbreviations of that length and more, behind which a sentence goes on.
const ABBREVIATIONS: &[&str] =
    &["etc", "approx", "resp", "incl", "excl", "vs", "dept", "min", "max", "fig", "ref", "est"];

/// Returns the form by which texts are compared. Cost: linear.
pub(crate) fn canonical(text: &str) -> String {
    let text = if text.is_ascii() { Cow::Borrowed(text) } else { text.nfc().collect() };
    let text = without_announcement(text.trim());
    let mut words: Vec<Cow<'_, str>> = Vec::new();
    let mut begins_sentence = true;
    for word in text.split_whitespace() {
        let ends_sentence = ends_sentence(word);
        words.push(if begins_sentence { uncapitalized(word) } else { Cow::Borrowed(word) });
        begins_sentence = ends_sentence;
    }
    let mut joined = without_code_marks(&words.join(" "));
    let kept = without_closing(&joined).len();
    joined.truncate(kept);
    joined
}

/// Returns the canonical form without case: equal for all texts that may be the same.
///
/// Used to find those texts; [`is_same`] and [`is_same_in_small_letters`] decide.
pub(crate) fn key_text(text: &str) -> String {
    canonical(text).to_lowercase()
}

/// Tells whether two texts say the same in the same words.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    canonical(one) == canonical(other)
}

/// Tells whether one text is the other one written without capitals.
///
/// This is too little to merge them. It is enough to take a text for one that was superseded, as
/// then the answer says so and nothing is lost. Options (`-D`) and names of code keep their case.
pub(crate) fn is_same_in_small_letters(one: &str, other: &str) -> bool {
    let (one, other) = (canonical(one), canonical(other));
    let is_small = |text: &str| !text.contains(char::is_uppercase);
    if one == other {
        return true;
    }
    if !(is_small(&one) || is_small(&other)) || one.to_lowercase() != other.to_lowercase() {
        return false;
    }
    one.split(' ').zip(other.split(' ')).all(|(a, b)| a == b || !(is_code(a) || is_code(b)))
}

/// Tells whether the case of a word says something: an option, a path, a name of code.
fn is_code(word: &str) -> bool {
    let bytes = word.as_bytes();
    let has_hump = bytes
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    word.starts_with(['-', '$', '%'])
        || (word.starts_with('+') && word.len() > 1)
        || word.contains(['_', '/', '\\', '=', '`', '(', '<', '>'])
        || word.contains("::")
        || has_hump
}

/// Takes away an announcement at the beginning.
fn without_announcement(text: &str) -> &str {
    let Some((head, rest)) = text.split_once(':') else { return text };
    let is_known = ANNOUNCEMENTS.iter().any(|known| known.eq_ignore_ascii_case(head));
    let rest_begins = rest.starts_with(char::is_whitespace) && !rest.trim().is_empty();
    if is_known && rest_begins { rest.trim_start() } else { text }
}

/// Writes an ordinary word at the beginning of a sentence without its capital.
///
/// Ordinary is a capital with small letters behind it, `A` and `I`; `API`, `C++` and `getUser` are
/// not.
fn uncapitalized(word: &str) -> Cow<'_, str> {
    let letters = word.trim_end_matches(['.', ',', ';', ':', '!', '?', '…']);
    let mut chars = letters.chars();
    let Some(first) = chars.next().filter(|first| first.is_uppercase()) else {
        return Cow::Borrowed(word);
    };
    // `Re-run` and `Don't` are ordinary, `Foo.bar` and `X-Header` are names.
    let rest = chars.as_str();
    let is_small = |c: char| c.is_lowercase() || matches!(c, '-' | '\'' | '\u{2019}');
    let is_ordinary = !rest.is_empty()
        && rest.chars().all(is_small)
        && rest.starts_with(char::is_lowercase)
        && !letters.ends_with(['-', '\'']);
    let is_single = rest.is_empty() && matches!(first, 'A' | 'I') && letters.len() == word.len();
    if !is_ordinary && !is_single {
        return Cow::Borrowed(word);
    }
    let mut small: String = first.to_lowercase().collect();
    small.push_str(word.get(first.len_utf8()..).unwrap_or_default());
    Cow::Owned(small)
}

/// Tells whether a sentence ends with a word.
fn ends_sentence(word: &str) -> bool {
    let Some(stem) = word.strip_suffix(['.', '!', '?', '。', '！', '？']) else { return false };
    if word.ends_with(['。', '！', '？']) {
        return true;
    }
    let is_word = stem.chars().all(char::is_alphabetic) && stem.chars().count() >= MIN_LAST_WORD;
    is_word && !ABBREVIATIONS.iter().any(|known| known.eq_ignore_ascii_case(stem))
}

/// Takes away the marks of code around words that stand by themselves.
///
/// Within a word they may be a command of a shell: ``VERSION=`date` `` keeps them.
fn without_code_marks(text: &str) -> String {
    let marks: Vec<usize> = text.match_indices('`').map(|(at, _)| at).collect();
    if marks.is_empty() || marks.len() % 2 == 1 || text.contains("```") {
        return text.to_owned();
    }
    let stands_alone = |pair: &[usize]| {
        let [open, close] = pair else { return false };
        let before = text.get(..*open).unwrap_or_default().chars().next_back();
        let after = text.get(close + 1..).unwrap_or_default().chars().next();
        before.is_none_or(|c| c.is_whitespace() || "([\"'".contains(c))
            && after.is_none_or(|c| c.is_whitespace() || ".,;:!?)]\"'".contains(c))
    };
    if !marks.chunks(2).all(stands_alone) {
        return text.to_owned();
    }
    text.replace('`', "")
}

/// Takes away the punctuation that closes a text; a question mark stays, and so does a sign that
/// stands by itself or closes something that is no word.
fn without_closing(text: &str) -> &str {
    let closing: &[char] = &['.', '!', '。', '！', '…', ';', ','];
    let kept = text.trim_end_matches(closing);
    let last_word = kept.rsplit(' ').next().unwrap_or_default();
    let marks = text.get(kept.len()..).unwrap_or_default();
    let ends_with_word = |c: char| c.is_alphanumeric() || ")]}\"'+#%”’".contains(c);
    let is_name = last_word.contains(['.', '_', ':', '(', '/', '$']);
    // `user.save!` may be a name of its own.
    let is_bang = is_name && marks.starts_with(['!', '！']);
    if kept.ends_with(ends_with_word) && !is_bang { kept } else { text }
}

#[cfg(test)]
mod tests;
