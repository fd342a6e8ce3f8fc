//! Sketch of an error: enough of its words to know it again when it was shortened, embedded in
//! more text, or differs in a word that matters.

use super::{coarse, message, salient};
use crate::learn::hash::StableHash;
use crate::model::Step;

/// Minimum number of words that two errors share.
const MIN_SHARED: usize = 2;

/// Percentage of the words of the shorter error that the longer one must have.
const MIN_SHARE: usize = 80;

/// Words that any error may have: they tell none from another.
const COMMON: [&str; 24] = [
    "a",
    "an",
    "and",
    "at",
    "be",
    "by",
    "code",
    "error",
    "errors",
    "exception",
    "failed",
    "failure",
    "fatal",
    "for",
    "from",
    "in",
    "is",
    "of",
    "on",
    "the",
    "to",
    "was",
    "with",
    "while",
];

/// Words of an error as hashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Sketch {
    /// Hash of the tool.
    pub(crate) tool: u16,
    /// Hashes of the words of its coarse form, but for those that any error may have; sorted, each
    /// once.
    pub(crate) words: Box<[u16]>,
    /// Hashes of its salient words, in their order.
    pub(crate) salient: Box<[u16]>,
}

/// Relation of two errors of one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// The same error, one of them told in fewer words.
    Same,
    /// The same words, but another port, code or name.
    Like,
}

impl Sketch {
    /// Computes the sketch of an error `text` of `tool`.
    pub(crate) fn of_error(tool: &str, text: &str) -> Self {
        let message = message::of_text(text);
        let mut words = Vec::new();
        coarse::words(&message.text, true, |word| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            if !word.is_empty() && !COMMON.contains(&word.as_str()) {
                words.push(short(&word));
            }
        });
        words.sort_unstable();
        words.dedup();
        let mut names = Vec::new();
        salient::words(&message.text, |word| names.push(short(word)));
        Self { tool: short(tool), words: words.into(), salient: names.into() }
    }

    /// Computes the sketch of the error of a step, told as [`Signature::of_step`] takes it.
    ///
    /// [`Signature::of_step`]: super::Signature::of_step
    pub(crate) fn of_step(step: &Step) -> Self {
        Self::of_error(&step.tool, step.error.as_ref().unwrap_or(&step.observation).as_str())
    }

    /// Returns whether the error says nothing by which it could be known again.
    pub(crate) fn is_silent(&self) -> bool {
        self.words.is_empty() && self.salient.is_empty()
    }

    /// Compares two errors; `None` where they are different ones, or too short to tell.
    pub(crate) fn likeness(&self, other: &Self) -> Option<Likeness> {
        if self.tool != other.tool {
            return None;
        }
        let n_shared = self.words.iter().filter(|w| other.words.binary_search(w).is_ok()).count();
        let shorter = self.words.len().min(other.words.len());
        let is_alike = n_shared >= MIN_SHARED && 100 * n_shared >= MIN_SHARE * shorter;
        let likeness = if self.salient == other.salient { Likeness::Same } else { Likeness::Like };
        is_alike.then_some(likeness)
    }
}

fn short(word: &str) -> u16 {
    let mut hash = StableHash::new();
    hash.update(word.as_bytes());
    u16::try_from(hash.finish() >> 48).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: &str, other: &str) -> Option<Likeness> {
        let of = |text| Sketch::of_error("bash", text);
        assert_eq!(of(one).likeness(&of(other)), of(other).likeness(&of(one)), "{one}");
        of(one).likeness(&of(other))
    }

    #[test]
    fn a_shortened_error_is_the_same_one() {
        for (long, short) in [
            (
                "Error: connect ECONNREFUSED 127.0.0.1:5432\n    at Socket.after (net.js:1)",
                "connect ECONNREFUSED 127.0.0.1:5432",
            ),
            ("ModuleNotFoundError: No module named 'attrs'", "No module named 'attrs'"),
            (
                "Traceback (most recent call last):\n  File \"a.py\"\nOSError: cannot load library",
                "OSError: cannot load library",
            ),
            (
                "error: linking with `cc` failed: exit status: 1 because of duplicate symbols here",
                "linking with `cc` failed: exit status: 1",
            ),
        ] {
            assert_eq!(likeness(long, short), Some(Likeness::Same), "{long}");
        }
    }

    #[test]
    fn another_port_or_name_is_one_like_it_and_other_words_are_another_error() {
        let like = |a, b| likeness(a, b);
        let refused = "connect ECONNREFUSED 10.0.0.7:3306";
        assert_eq!(like(refused, "connect ECONNREFUSED 10.0.0.7:5672"), Some(Likeness::Like));
        assert_eq!(
            like("No module named 'attrs'", "No module named 'numpy'"),
            Some(Likeness::Like)
        );
        assert_eq!(like(refused, "connect ETIMEDOUT 10.0.0.7:3306"), None);
        assert_eq!(like("error: x", "error: x"), None, "too short to tell");
        let tool = Sketch::of_error("node", refused);
        assert_eq!(tool.likeness(&Sketch::of_error("bash", refused)), None);
    }
}
