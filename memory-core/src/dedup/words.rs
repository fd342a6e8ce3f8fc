//! Words of a statement and what they do in it.

use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use unicode_segmentation::UnicodeSegmentation;

use crate::dates::names_of_values;

/// Shortest stem of a word, in bytes.
const MIN_STEM: usize = 3;

/// A word as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// In small letters, without the punctuation around it.
    pub(super) form: String,
    pub(super) role: Role,
    /// Length of the word without its ending, in bytes.
    stem_len: usize,
}

/// Part that a word has in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Names or says something.
    Content,
    /// A number, version, unit, day, month or comparison: another one is another value.
    Value,
    /// Turns the sentence around.
    Negation,
    /// Holds the sentence together.
    Function,
    /// Adds weight, or says that something is new.
    Filler,
}

/// Words that hold a sentence together.
const FUNCTION: &[&str] = &[
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "being", "am", "to", "of", "in",
    "on", "at", "for", "and", "or", "that", "this", "these", "those", "it", "its", "with", "by",
    "as", "we", "you", "i", "they", "he", "she", "our", "your", "their", "my", "will", "would",
    "should", "must", "shall", "may", "might", "can", "could", "has", "have", "had", "do", "does",
    "did", "so", "then", "there", "here", "via", "through", "into", "from", "than", "per", "when",
    "if", "while", "during", "until", "unless", "where", "which", "who", "but", "e.g", "i.e",
    "etc", "please", "also", "only", "each", "every", "all", "any", "before", "after", "over",
    "under", "within", "inside", "among", "because", "using", "without", "on", "off", "up", "out",
    "too",
];

/// Words that add weight or mark what is new.
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
    "nowadays",
    "again",
    "anymore",
    "already",
    "still",
    "note",
];

/// Words that turn a sentence around.
const NEGATIONS: &[&str] = &[
    "not",
    "no",
    "never",
    "none",
    "neither",
    "nor",
    "without",
    "dont",
    "don't",
    "doesn't",
    "didn't",
    "cannot",
    "can't",
    "isn't",
    "aren't",
    "wasn't",
    "weren't",
    "won't",
    "wouldn't",
    "shouldn't",
    "mustn't",
    "couldn't",
    "hasn't",
    "haven't",
    "avoid",
    "forbid",
    "stop",
    "nicht",
    "kein",
    "keine",
    "nie",
    "ohne",
    "不",
    "没",
    "勿",
    "別",
];

/// Units and other values, besides the names of days, months and numbers.
const VALUES: &[&str] = &[
    "b",
    "kb",
    "mb",
    "gb",
    "tb",
    "kib",
    "mib",
    "gib",
    "tib",
    "ms",
    "s",
    "sec",
    "second",
    "seconds",
    "minute",
    "minutes",
    "min",
    "hour",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "percent",
    "mondays",
    "tuesdays",
    "wednesdays",
    "thursdays",
    "fridays",
    "saturdays",
    "sundays",
    "once",
    "twice",
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "hourly",
    "nightly",
    "quarterly",
    "==",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "=",
    "≤",
    "≥",
    "true",
    "false",
];

/// Nouns that a number behind them makes a name of: `server 2` is another one than `server 1`.
const LABELLED: &[&str] = &[
    "server",
    "step",
    "phase",
    "worker",
    "shard",
    "replica",
    "host",
    "machine",
    "room",
    "team",
    "issue",
    "ticket",
    "task",
    "bug",
    "pr",
    "mr",
    "chapter",
    "section",
    "question",
    "test",
    "case",
    "episode",
    "job",
    "run",
    "row",
    "table",
    "figure",
    "sprint",
    "milestone",
    "lesson",
    "customer",
    "user",
    "tenant",
    "device",
    "slot",
    "channel",
    "unit",
    "stage",
    "layer",
    "experiment",
    "trial",
    "item",
    "rule",
    "importer",
    "exporter",
    "project",
    "example",
    "line",
    "page",
    "branch",
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
    ("allowed", "denied"),
    ("allow", "deny"),
    ("increase", "decrease"),
    ("add", "remove"),
    ("start", "stop"),
    ("first", "last"),
    ("required", "optional"),
    ("mandatory", "optional"),
    ("pass", "fail"),
    ("passes", "fails"),
    ("works", "fails"),
    ("fast", "slow"),
    ("public", "private"),
    ("sync", "async"),
    ("local", "remote"),
    ("synchronous", "asynchronous"),
    ("always", "never"),
    ("accept", "reject"),
    ("include", "exclude"),
    ("open", "closed"),
    ("up", "down"),
    ("above", "below"),
    ("more", "less"),
    ("at most", "at least"),
    ("maximum", "minimum"),
    ("max", "min"),
    ("ascending", "descending"),
    ("with", "without"),
    ("all", "none"),
    ("safe", "dangerous"),
    ("stable", "flaky"),
    ("manual", "automatic"),
    ("manually", "automatically"),
    ("strict", "lenient"),
    ("mutable", "immutable"),
    ("internal", "external"),
    ("high", "low"),
];

/// Verbs in their plain form, for finding where a statement's subject ends.
const VERBS: &[&str] = &[
    "is", "are", "was", "were", "be", "has", "have", "had", "will", "would", "must", "should",
    "shall", "may", "might", "can", "could", "cannot", "need", "use", "run", "listen", "live",
    "prefer", "require", "expect", "return", "default", "deploy", "take", "support", "store", "go",
    "get", "stay", "want", "like", "work", "start", "stop", "send", "read", "write", "build",
    "own", "report", "mean", "contain", "hold", "keep", "let", "make", "sit", "belong", "come",
    "fail", "pass", "accept", "allow", "expose", "serve", "handle", "happen", "depend", "connect",
    "point", "choose", "pick", "avoid", "host", "print", "log", "end", "open", "close", "call",
];

/// Words after which a condition or the thing spoken of stands.
const CONDITIONS: &[&str] = &[
    "for", "of", "when", "if", "while", "during", "per", "among", "within", "unless", "until",
    "where", "because", "under", "inside",
];

/// Role of each word of the lists; where a word is in two, that of the list named last.
static ROLES: LazyLock<FxHashMap<&str, Role>> = LazyLock::new(|| {
    let lists = [
        (FILLERS, Role::Filler),
        (FUNCTION, Role::Function),
        (VALUES, Role::Value),
        (NEGATIONS, Role::Negation),
    ];
    let dates = names_of_values().map(|word| (word, Role::Value));
    dates
        .chain(lists.iter().flat_map(|(list, role)| list.iter().map(|word| (*word, *role))))
        .collect()
});

/// Stems of the known verbs.
static VERB_STEMS: LazyLock<FxHashSet<&str>> =
    LazyLock::new(|| VERBS.iter().map(|verb| stem(verb)).collect());

impl Word {
    fn of(form: String) -> Self {
        let is_number = || form.bytes().any(|byte| byte.is_ascii_digit());
        let role = match ROLES.get(form.as_str()) {
            Some(role) => *role,
            None if is_number() => Role::Value,
            None => Role::Content,
        };
        let stem_len = stem(&form).len();
        Self { form, role, stem_len }
    }

    fn stem(&self) -> &str {
        self.form.get(..self.stem_len).unwrap_or(&self.form)
    }

    /// Returns what is equal for two words of which [`is_like`](Self::is_like) holds, and for no
    /// others but by a chance of 2^-64.
    pub(super) fn key(&self) -> u64 {
        let is_content = self.role == Role::Content;
        let mut hasher = FxHasher::default();
        (is_content, if is_content { self.stem() } else { &self.form }).hash(&mut hasher);
        hasher.finish()
    }

    /// Tells whether the word says something: content or a value.
    pub(super) fn says_something(&self) -> bool {
        matches!(self.role, Role::Content | Role::Value)
    }

    /// Tells whether a condition or the thing spoken of follows.
    pub(super) fn begins_condition(&self) -> bool {
        CONDITIONS.contains(&self.form.as_str())
    }

    /// Tells whether a place or time follows.
    pub(super) fn begins_place(&self) -> bool {
        ["in", "on", "at"].contains(&self.form.as_str())
    }

    /// Tells whether means or a direction follow.
    pub(super) fn begins_means(&self) -> bool {
        ["with", "via", "through", "using", "by", "as", "to", "into", "from", "over"]
            .contains(&self.form.as_str())
    }

    /// Tells whether a number behind the word makes a name of it.
    pub(super) fn is_labelled(&self) -> bool {
        LABELLED.contains(&self.form.as_str())
    }

    /// Tells whether this is a verb that is known.
    pub(super) fn is_verb(&self) -> bool {
        VERB_STEMS.contains(self.stem())
    }

    /// Tells whether this is an article or a word of its kind: a verb in front of it commands.
    pub(super) fn is_article(&self) -> bool {
        ["the", "a", "an", "all", "our", "your", "my", "this", "these", "each", "every", "any"]
            .contains(&self.form.as_str())
    }

    /// Tells whether two words are the same but for an ending: `pass`, `passes`, `passed`.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.form == other.form
            || (self.role == Role::Content
                && other.role == Role::Content
                && self.stem() == other.stem())
    }

    /// Tells whether one word says the opposite of the other.
    pub(super) fn is_opposite(&self, other: &Self) -> bool {
        let (one, other) = (self.form.as_str(), other.form.as_str());
        let has_prefix = |long: &str, short: &str| {
            let prefixes = ["un", "dis", "non", "non-", "in", "im"];
            short.len() > 3 && prefixes.iter().any(|p| long.strip_prefix(p) == Some(short))
        };
        OPPOSITES.iter().any(|(a, b)| (*a, *b) == (one, other) || (*a, *b) == (other, one))
            || has_prefix(one, other)
            || has_prefix(other, one)
    }
}

/// Returns a word without the ending of a plural or a verb: `pass` for `passes` and `passed`.
///
/// Endings that make another word of it (`customer`, `relative`) stay.
fn stem(word: &str) -> &str {
    let without = |word: &'_ str, ending: &str| -> usize {
        let length = word.strip_suffix(ending).map_or(0, str::len);
        if length >= MIN_STEM { length } else { 0 }
    };
    let cut = |word: &str, endings: &[&str]| -> usize {
        let lengths = endings.iter().map(|ending| without(word, ending));
        lengths.filter(|length| *length > 0).min().unwrap_or(word.len())
    };
    let word = word.strip_suffix("'s").unwrap_or(word);
    let end = if word.ends_with("ss") { word.len() } else { cut(word, &["ies", "es", "s"]) };
    let word = word.get(..end).unwrap_or(word);
    let word = word.get(..cut(word, &["ing", "ed"])).unwrap_or(word);
    word.get(..cut(word, &["e", "y"])).unwrap_or(word)
}

/// Returns the words of a text in order. Signs that mean something are kept, as in `C++` and `>=`;
/// of Chinese and Japanese each character is a word.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for chunk in text.split_whitespace() {
        if chunk.chars().any(is_ideograph) {
            words.extend(chunk.unicode_words().map(|word| Word::of(word.to_lowercase())));
            continue;
        }
        let around = |c: char| ",.;:!?()[]{}\"'`“”…*".contains(c);
        // A dot or dash in front may belong to the word: `.env`, `-D`.
        let front = |c: char| "([{\"'`“*".contains(c);
        let word = chunk.trim_end_matches(around).trim_start_matches(front);
        let word = if word.is_empty() { chunk } else { word };
        // An option keeps its case.
        let form = if word.starts_with('-') && word.len() <= 3 {
            word.to_owned()
        } else {
            word.to_lowercase().replace('\u{2019}', "'")
        };
        words.push(Word::of(form));
    }
    words
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_that_are_alike_have_one_key_and_others_have_not(
            one in "(pass|port|use|run|8|not|sens|the)(es|ed|ing|e|'s|s)?",
            other in "(pass|port|use|run|8|not|sens|the)(es|ed|ing|e|'s|s)?",
        ) {
            let (one, other) = (Word::of(one), Word::of(other));
            prop_assert_eq!(one.key() == other.key(), one.is_like(&other));
        }
    }
}
