//! How one remembered text stands to another: the same, nearly so, or against it.
//!
//! Who calls it: [`crate::Memory`], for texts that search found to be alike. What it must not know: where
//! notes are stored. Judged by words alone and with care: what is merged wrongly is lost, what is called
//! contradictory wrongly costs the reader a line.

use std::collections::{BTreeMap, BTreeSet};

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::index::unit::content_hash;

/// How two texts stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// They say the same, but for case, spaces, punctuation and small words.
    Same,
    /// So do they but for fillers or, where they are long, one more word that turns nothing.
    Near,
    /// They say the same but for numbers, a negation, an opposite or one word in the place of another.
    Against,
    /// Neither.
    Different,
}

/// Share of the words of both texts together, without those that turn the meaning, that texts against each
/// other have in common at least. Below it they are mostly about two things.
const AGAINST_SHARE: f64 = 0.75;

/// Most such words that differ: a paragraph more is something new, however long the text is.
const MAX_REST: usize = 6;

/// Words in common from which on one word in the place of another is about the same thing.
const INSTEAD_WORDS: usize = 3;

/// Words from which on small ones no longer decide: "you too" is not "I did it, too".
const MIN_WORDS: usize = 3;

/// Words from which on one more is a detail: in a short text it is another subject or condition.
const LONG: usize = 16;

/// Words that say little by themselves.
const SMALL: &[&str] = &[
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "to", "of", "in", "on", "at",
    "for", "and", "or", "that", "this", "it", "its", "with", "by", "as", "we", "you", "i", "they",
    "our", "your", "will", "should", "must", "please", "also", "so", "then", "there", "here", "do",
    "does", "did", "e.g", "i.e", "etc",
];

/// Words that only add weight.
const FILLERS: &[&str] = &[
    "always",
    "just",
    "really",
    "simply",
    "very",
    "quite",
    "actually",
    "indeed",
    "definitely",
    "currently",
    "now",
    "again",
    "too",
    "else",
    "note",
    "remember",
    "important",
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
    "不",
    "没",
    "勿",
];

/// Pairs of which one word says the opposite of the other.
const OPPOSITES: &[(&str, &str)] = &[
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

/// How `one` stands to `other`. Cost: linear in both but for the logarithm of sorting.
pub(crate) fn likeness(one: &str, other: &str) -> Likeness {
    let same_key = text_key(one) == text_key(other);
    let (one, other) = (Words::of(words(one)), Words::of(words(other)));
    if one.core.is_empty() || other.core.is_empty() {
        return if same_key { Likeness::Same } else { Likeness::Different };
    }
    let turned = one.n_negations % 2 != other.n_negations % 2;
    if same_key || (one.n_negations == other.n_negations && one.core.len() >= MIN_WORDS) {
        // The same words in another order may say something else: who calls whom.
        if one.content == other.content {
            return Likeness::Same;
        }
        if one.core == other.core || one_more(&one.core, &other.core) {
            return Likeness::Near;
        }
    }
    let apart = Apart::of(&one, &other);
    let share = ratio(apart.n_shared, apart.n_shared + apart.n_rest);
    let else_same = apart.n_shared >= 2 && apart.n_rest <= MAX_REST && share >= AGAINST_SHARE;
    let turned = else_same && (turned || apart.n_turning > 0);
    let instead = apart.n_shared >= INSTEAD_WORDS && one_instead(&one.core, &other.core);
    if turned || instead { Likeness::Against } else { Likeness::Different }
}

/// Whether the longer of two long texts is the shorter one with one more word that names nothing precise.
fn one_more(one: &[String], other: &[String]) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if short.len() < LONG || long.len() != short.len() + 1 {
        return false;
    }
    let n_head = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let more = long.get(n_head).is_some_and(|word| !is_precise(word) && !has_opposite(word));
    more && short.get(n_head..) == long.get(n_head + 1..)
}

/// Whether two texts differ in one word, in the same place.
fn one_instead(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().zip(other).filter(|(a, b)| a != b).count() == 1
}

/// The words of a text in lower case and one Unicode form, in order.
fn words(text: &str) -> Vec<String> {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).collect();
    folded.unicode_words().map(|word| word.replace('\u{2019}', "'")).collect()
}

/// The words that say something, in their order, and how often the text is turned around.
struct Words {
    /// Stems, without small words.
    content: Vec<String>,
    /// The same without fillers.
    core: Vec<String>,
    /// Words that have an opposite, as they stand there.
    sides: BTreeSet<String>,
    n_negations: usize,
}

impl Words {
    fn of(words: Vec<String>) -> Self {
        let stemmer = Stemmer::create(Algorithm::English);
        let (mut content, mut core, mut sides) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut n_negations = 0;
        for word in words {
            if NEGATIONS.contains(&word.as_str()) {
                n_negations += 1;
            } else if !SMALL.contains(&word.as_str()) {
                let stem = stemmer.stem(&word).into_owned();
                if !FILLERS.contains(&word.as_str()) {
                    core.push(stem.clone());
                }
                content.push(stem);
            }
            if OPPOSITES.iter().any(|(a, b)| [*a, *b].contains(&word.as_str())) {
                sides.insert(word);
            }
        }
        Self { content, core, sides, n_negations }
    }

    /// Stems of the words of both that say the opposite of each other, and are on one side only.
    fn opposed(&self, other: &Self) -> BTreeSet<String> {
        let stemmer = Stemmer::create(Algorithm::English);
        let only = |one: &Self, other: &Self, word: &str| {
            one.sides.contains(word) && !other.sides.contains(word)
        };
        let apart = |a: &str, b: &str| only(self, other, a) && only(other, self, b);
        let pairs = OPPOSITES.iter().filter(|(a, b)| apart(a, b) || apart(b, a));
        pairs.flat_map(|(a, b)| [*a, *b]).map(|word| stemmer.stem(word).into_owned()).collect()
    }
}

/// What two texts have in common, and what not.
#[expect(clippy::struct_field_names, reason = "counts are named `n_…`")]
struct Apart {
    /// Words of both, as often as both have them.
    n_shared: usize,
    /// Words of one of them that turn the meaning: numbers and opposites.
    n_turning: usize,
    /// The other words of one of them.
    n_rest: usize,
}

impl Apart {
    fn of(one: &Words, other: &Words) -> Self {
        // How often the one has a word, and the other.
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        one.core.iter().for_each(|word| counts.entry(word).or_default().0 += 1);
        other.core.iter().for_each(|word| counts.entry(word).or_default().1 += 1);
        let mut numbers = counts.iter().filter(|(word, _)| is_precise(word)).map(|(_, n)| *n);
        let of_both = numbers.clone().any(|(a, b)| a > b) && numbers.any(|(a, b)| a < b);
        let opposed = one.opposed(other);
        let mut apart = Self { n_shared: 0, n_turning: 0, n_rest: 0 };
        for (word, (a, b)) in counts {
            apart.n_shared += a.min(b);
            if (of_both && is_precise(word)) || opposed.contains(word) {
                apart.n_turning += a.abs_diff(b);
            } else {
                apart.n_rest += a.abs_diff(b);
            }
        }
        apart
    }
}

/// Whether there is a word that says the opposite.
fn has_opposite(stem: &str) -> bool {
    let stemmer = Stemmer::create(Algorithm::English);
    OPPOSITES.iter().any(|(a, b)| stemmer.stem(a) == stem || stemmer.stem(b) == stem)
}

/// Whether a word is a number, version, path or name, of which another one is another thing.
fn is_precise(word: &str) -> bool {
    word.contains(|c: char| c.is_numeric() || c == '_' || c == '.')
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
    fn a_text_with_fillers_is_near() {
        check(
            "The staging database is restored from the nightly dump of production.",
            "Note: the staging database is always restored from the nightly dump of production",
            Likeness::Near,
        );
    }

    #[test]
    fn one_more_word_is_near_in_a_long_text_and_another_thing_in_a_short_one() {
        let long = "When the linker complains of undefined symbols after a rebase, clear the build cache, \
                    then run cmake once more and build the tests before anything else is changed";
        check(long, &long.replace("cmake", "cmake quietly"), Likeness::Near);
        // What was appended would be lost.
        check(long, &format!("{long}. Keep the log."), Likeness::Different);
        check(long, &format!("{long} on macos14"), Likeness::Different);
        check(
            long,
            &long.replace("before anything", "twice before anything remote"),
            Likeness::Different,
        );
        check("Count the open tickets", "Count the open tickets of this week", Likeness::Different);
        check(
            "Compress files older than 7 days",
            "Compress big files older than 7 days",
            Likeness::Different,
        );
    }

    #[test]
    fn a_text_that_is_told_over_and_over_with_more_is_not_the_first_one() {
        let first =
            "I searched for the port alone. Next time search for the process that holds the port.";
        let more =
            "I searched for the process by its name. Next time search for the port of the process.";
        check(first, &format!("{first} {more}"), Likeness::Different);
        check(first, &format!("{first} {first}"), Likeness::Different);
        let long = [first; 5].join(" ");
        check(&long, &format!("{long} Never trust {more}"), Likeness::Different);
    }

    #[test]
    fn letters_of_a_name_are_words_of_their_own_in_chinese() {
        check("李婷的名字就是李婷。", "李婷婷的名字就是李婷婷。", Likeness::Different);
        check("测试环境的端口是8080。", "测试环境的端口是9090。", Likeness::Against);
        check("部署在周五进行。", "部署不在周五进行。", Likeness::Against);
        check("我的下属叫赵宇轩，今年36岁。", "我的表哥叫李梓睿，今年45岁。", Likeness::Different);
    }

    #[test]
    fn texts_that_are_mostly_about_two_things_are_not_against_each_other() {
        check(
            "Show the codes of templates that are not used by any document",
            "How many documents use each template type of the archive",
            Likeness::Different,
        );
        check(
            "Version 2 of the importer reads gzip",
            "The exporter writes 3 files",
            Likeness::Different,
        );
        check("Count the tickets", "Count the documents", Likeness::Different);
        check("We did it tooo", "You tooo", Likeness::Different);
        check(
            "Builds need Go 1.22 and make",
            "Releases need Go 1.23 and a signed tag",
            Likeness::Different,
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
