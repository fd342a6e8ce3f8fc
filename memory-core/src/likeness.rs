//! How one remembered text stands to another: the same, nearly so, or against it.
//!
//! Who calls it: [`crate::Memory`], for texts that search found to be alike. What it must not know: where
//! notes are stored. Judged by words alone and with care: what is merged wrongly is lost, what is called
//! contradictory wrongly costs the reader a line.

use std::collections::BTreeMap;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::index::unit::content_hash;

/// How two texts stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// They say the same, but for case, spaces, punctuation and small words.
    Same,
    /// They share nearly all words and differ in none that turns the meaning.
    Near,
    /// They are about the same thing and differ in a number, a negation, an opposite or one word.
    Against,
    /// Neither.
    Different,
}

/// Share of the words of both texts together that near texts have in common.
const NEAR_SHARE: f64 = 0.8;

/// The same for texts that say different things of one thing.
const AGAINST_SHARE: f64 = 0.45;

/// Words without which a text is too short to be called near another.
const MIN_WORDS: usize = 4;

/// Words that say little by themselves.
const SMALL: &[&str] = &[
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "to", "of", "in", "on", "at",
    "for", "and", "or", "that", "this", "it", "its", "with", "by", "as", "we", "you", "i", "they",
    "our", "your", "will", "should", "must", "please", "also", "so", "then", "there", "here",
];

/// Words that turn a sentence around.
const NEGATIONS: &[&str] = &[
    "not",
    "no",
    "never",
    "without",
    "dont",
    "don't",
    "doesn't",
    "cannot",
    "can't",
    "isn't",
    "aren't",
    "won't",
    "shouldn't",
    "mustn't",
    "avoid",
    "nicht",
    "kein",
    "keine",
    "nie",
    "ohne",
];

/// Pairs of which one word says the opposite of the other.
const OPPOSITES: &[(&str, &str)] = &[
    ("always", "never"),
    ("before", "after"),
    ("enable", "disable"),
    ("enabled", "disabled"),
    ("true", "false"),
    ("on", "off"),
    ("allow", "forbid"),
    ("allowed", "forbidden"),
    ("increase", "decrease"),
    ("add", "remove"),
    ("start", "stop"),
    ("first", "last"),
    ("required", "optional"),
    ("pass", "fail"),
    ("passes", "fails"),
    ("works", "fails"),
    ("safe", "unsafe"),
    ("fast", "slow"),
    ("public", "private"),
    ("sync", "async"),
    ("local", "remote"),
];

/// Names a text whatever its case, spaces and punctuation; equal for texts that are the same.
pub(crate) fn text_key(text: &str) -> u64 {
    let words = words(text);
    if words.is_empty() { content_hash(text.trim()) } else { content_hash(&words.join(" ")) }
}

/// How `one` stands to `other`. Cost: linear in both.
pub(crate) fn likeness(one: &str, other: &str) -> Likeness {
    let same_key = text_key(one) == text_key(other);
    let (one, other) = (Words::of(words(one)), Words::of(words(other)));
    if one.content.is_empty() || other.content.is_empty() {
        return if same_key { Likeness::Same } else { Likeness::Different };
    }
    if one.content == other.content {
        // The same words in another order may say something else: who calls whom.
        let same = one.order == other.order && one.n_negations == other.n_negations;
        let turned = one.n_negations % 2 != other.n_negations % 2;
        return match (same, turned) {
            (true, _) => Likeness::Same,
            (false, true) => Likeness::Against,
            (false, false) => Likeness::Different,
        };
    }
    let (shared, only_one, only_other) = one.compare(&other);
    let apart = only_one.len() + only_other.len();
    let share = ratio(shared, shared + apart);
    let turned = one.n_negations % 2 != other.n_negations % 2
        || opposed(&only_one, &only_other)
        || (only_one.iter().any(|word| is_precise(word))
            && only_other.iter().any(|word| is_precise(word)));
    let swapped = only_one.len() == 1 && only_other.len() == 1;
    let long = shared >= MIN_WORDS;
    match (turned, swapped) {
        (true, _) if share >= AGAINST_SHARE && shared >= 2 => Likeness::Against,
        (false, true) if share >= AGAINST_SHARE && shared >= 2 => Likeness::Against,
        (false, false) if share >= NEAR_SHARE && long && !precise_apart(&only_one, &only_other) => {
            Likeness::Near
        }
        _ => Likeness::Different,
    }
}

/// The words of a text in lower case and one Unicode form, in order.
fn words(text: &str) -> Vec<String> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded.unicode_words().map(|word| word.replace('\u{2019}', "'")).collect()
}

/// The words that say something, as often as each occurs, and how often the text is turned around.
struct Words {
    content: BTreeMap<String, usize>,
    /// The same words in their order.
    order: Vec<String>,
    raw: Vec<String>,
    n_negations: usize,
}

impl Words {
    fn of(words: Vec<String>) -> Self {
        let stemmer = Stemmer::create(Algorithm::English);
        let (mut content, mut order) = (BTreeMap::new(), Vec::new());
        let mut n_negations = 0;
        for word in &words {
            if NEGATIONS.contains(&word.as_str()) {
                n_negations += 1;
            } else if !SMALL.contains(&word.as_str()) {
                let stem = stemmer.stem(word).into_owned();
                *content.entry(stem.clone()).or_insert(0) += 1;
                order.push(stem);
            }
        }
        Self { content, order, raw: words, n_negations }
    }

    /// The number of words in common, and those that only one of both has.
    fn compare(&self, other: &Self) -> (usize, Vec<String>, Vec<String>) {
        let shared = self.content.keys().filter(|word| other.content.contains_key(*word)).count();
        let only = |one: &Self, other: &Self| {
            one.content.keys().filter(|word| !other.content.contains_key(*word)).cloned().collect()
        };
        let (mut only_one, mut only_other): (Vec<_>, Vec<_>) =
            (only(self, other), only(other, self));
        // Opposites may be small words ("on", "off"), which content leaves out.
        for (a, b) in OPPOSITES {
            let has = |words: &Self, word: &str| words.raw.iter().any(|raw| raw == word);
            for (a, b) in [(*a, *b), (*b, *a)] {
                if has(self, a) && has(other, b) && !has(self, b) && !has(other, a) {
                    only_one.push(a.to_owned());
                    only_other.push(b.to_owned());
                }
            }
        }
        only_one.dedup();
        only_other.dedup();
        (shared, only_one, only_other)
    }
}

/// Whether one text says a word and the other its opposite.
fn opposed(one: &[String], other: &[String]) -> bool {
    let has = |words: &[String], word: &str| words.iter().any(|w| w == word);
    OPPOSITES.iter().any(|(a, b)| (has(one, a) && has(other, b)) || (has(one, b) && has(other, a)))
}

/// Whether a word is a number, version, path or name, of which another one is another thing.
fn is_precise(word: &str) -> bool {
    word.contains(|c: char| c.is_numeric() || c == '_' || c == '.')
}

fn precise_apart(one: &[String], other: &[String]) -> bool {
    one.iter().chain(other).any(|word| is_precise(word))
}

#[expect(clippy::cast_precision_loss, reason = "counts of words")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(one: &str, other: &str, expected: Likeness) {
        assert_eq!(likeness(one, other), expected, "{one:?} / {other:?}");
        assert_eq!(likeness(other, one), expected, "{other:?} / {one:?}");
    }

    #[test]
    fn the_same_text_is_known_in_other_clothes() {
        let text = "Run the tests with `cargo nextest` before each push.";
        for other in [
            "run tests with cargo nextest before each push",
            "  RUN the TESTS with cargo-nextest, before each push!! ",
        ] {
            check(text, other, Likeness::Same);
        }
    }

    #[test]
    fn a_text_with_one_more_word_is_near() {
        check(
            "The staging database is restored from the nightly dump of production.",
            "The staging database is always restored from the nightly dump of production",
            Likeness::Near,
        );
    }

    #[test]
    fn another_number_or_name_is_against_and_never_merged() {
        check(
            "The dev server listens on port 8080",
            "The dev server listens on port 9090",
            Likeness::Against,
        );
        check("Requires Python 3.11 or newer", "Requires Python 3.12 or newer", Likeness::Against);
        check(
            "Use tabs for indentation in Go files",
            "Use spaces for indentation in Go files",
            Likeness::Against,
        );
    }

    #[test]
    fn a_negation_or_an_opposite_is_against() {
        check(
            "Rebase feature branches before merging",
            "Do not rebase feature branches before merging",
            Likeness::Against,
        );
        check(
            "Always squash commits when merging",
            "Never squash commits when merging",
            Likeness::Against,
        );
        check(
            "The feature flag new_checkout is on in staging",
            "The feature flag new_checkout is off in staging",
            Likeness::Against,
        );
    }

    #[test]
    fn texts_about_other_things_are_different() {
        check("The user prefers dark mode", "Deploys run on Fridays only", Likeness::Different);
        check("🎉", "the", Likeness::Different);
        check("", "Deploys run on Fridays only", Likeness::Different);
        check("Use port 8080", "The 8080 was a successor of the 8008", Likeness::Different);
    }

    #[test]
    fn the_same_words_in_another_order_are_not_the_same() {
        check("the parser calls the lexer", "the lexer calls the parser", Likeness::Different);
    }

    #[test]
    fn one_more_precise_word_is_not_merged() {
        check(
            "Clear the build cache when the linker fails with undefined symbols",
            "Clear the build cache when the linker fails with undefined symbols on macos 14",
            Likeness::Different,
        );
    }

    proptest! {
        #[test]
        fn a_text_is_the_same_as_itself_and_likeness_has_no_order(a in "\\PC{0,60}", b in "\\PC{0,60}") {
            prop_assert_eq!(likeness(&a, &a), Likeness::Same);
            prop_assert_eq!(likeness(&a, &b), likeness(&b, &a));
            prop_assert_eq!(text_key(&a), text_key(&format!("{a} ")));
            prop_assert_eq!(text_key(&a), text_key(&a.to_ascii_uppercase()));
        }
    }
}
