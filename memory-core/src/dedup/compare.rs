//! Comparison of two statements by their words.
//!
//! In: two texts. Out: the relation between them, and whether one amends the other. Used by the
//! rest of this folder's users through [`Statement`]. Limits: statements of 64 words.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::canonical::canonical;
use super::words::{Role, Word, words};

/// Longest statement that is read, in words.
const MAX_WORDS: usize = 64;

/// Fewest words in common of statements in which a value or a negation differs.
const MIN_SHARED: usize = 2;

/// Fewest words in common of statements that choose different things.
const MIN_SHARED_OF_CHOICE: usize = 3;

/// Most words of a choice.
const MAX_CHOICE: usize = 3;

/// Most words that a statement may have more than the one that it turns around.
const MAX_MORE: usize = 1;

/// Share of an older statement's words that one which amends it has at least.
const AMENDED_SHARE: f64 = 0.6;

/// The same where no word says that it amends.
const EXTENDED_SHARE: f64 = 0.75;

/// Relation of two statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// They may be merged.
    Same,
    /// They say of one thing what cannot both hold, as far as words can tell.
    Contradiction,
    /// They differ in small words and endings only.
    Restatement,
    /// One adds something to the other, behind what that says.
    Extension,
    /// None of these: they are about two things, or about different sides of one.
    Distinct,
}

/// Ways in which a later statement takes the place of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amendment {
    /// Its words say so, or it says the same of the same thing otherwise.
    Told,
    /// It says the same and more; only time tells that it is the newer word.
    Silent,
}

/// A text, read for comparisons.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    canonical: String,
    /// Without what only says when or why something changed.
    words: Vec<Word>,
    /// Keys of the words that say something, in order.
    said: Vec<u64>,
    chosen: BTreeSet<String>,
    rejected: BTreeSet<String>,
    /// It says that it replaces or amends something.
    amends: bool,
}

/// A place where two statements differ, with the words of each and what stands before.
struct Difference<'a> {
    one: &'a [Word],
    other: &'a [Word],
    /// Its beginning in `one`.
    at: usize,
}

impl Statement {
    /// Reads a text; `None` if nothing could contradict it: a question, or one of more than 64
    /// words, of which single ones decide nothing. Cost: linear.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // A long text is refused before work is done on it.
        if text.split_whitespace().nth(MAX_WORDS).is_some() {
            return None;
        }
        let canonical = canonical(text);
        let all = words(&canonical);
        if all.len() > MAX_WORDS || canonical.ends_with(['?', '？']) {
            return None;
        }
        let (chosen, rejected) = choices(&all);
        let (words, amends) = without_amendment(all);
        let mut said: Vec<u64> =
            words.iter().filter(|word| word.says_something()).map(Word::key).collect();
        said.sort_unstable();
        Some(Self { canonical, words, said, chosen, rejected, amends })
    }

    /// Says how this statement relates to another. The order of the two does not matter.
    ///
    /// Cost: the product of their lengths in words, 64 at most.
    pub(crate) fn compare(&self, other: &Self) -> Comparison {
        if self.canonical == other.canonical {
            return Comparison::Same;
        }
        // Judged in one order, so that it does not matter who asks.
        if self.canonical > other.canonical {
            return other.compare(self);
        }
        let shared = self.n_shared(other);
        let n_said = self.n_said().min(other.n_said());
        let is_near = shared >= MIN_SHARED && shared * 2 >= n_said;
        if !is_near {
            let is_against = self.chooses_against(other);
            return if is_against { Comparison::Contradiction } else { Comparison::Distinct };
        }
        let differences = differences(&self.words, &other.words);
        let judged = self.judge(other, &differences, shared);
        if judged != Comparison::Contradiction && self.chooses_against(other) {
            return Comparison::Contradiction;
        }
        judged
    }

    /// Says how this statement, the later one, takes the place of an earlier one; `None` if it does
    /// not.
    pub(crate) fn amendment(&self, earlier: &Self) -> Option<Amendment> {
        match self.compare(earlier) {
            Comparison::Contradiction | Comparison::Restatement => Some(Amendment::Told),
            Comparison::Same => None,
            comparison => {
                let share = ratio(self.n_shared(earlier), earlier.n_said());
                if !same_subject(&self.words, &earlier.words) {
                    return None;
                }
                if self.amends && share >= AMENDED_SHARE {
                    return Some(Amendment::Told);
                }
                let extends = comparison == Comparison::Extension
                    && self.words.len() > earlier.words.len()
                    && share >= EXTENDED_SHARE;
                extends.then_some(Amendment::Silent)
            }
        }
    }

    /// Counts the words in common that say something, each as often as both have it.
    fn n_shared(&self, other: &Self) -> usize {
        let (mut left, mut right) = (self.said.iter().peekable(), other.said.iter().peekable());
        let mut n_shared = 0;
        while let (Some(one), Some(theirs)) = (left.peek(), right.peek()) {
            match one.cmp(theirs) {
                Ordering::Less => drop(left.next()),
                Ordering::Greater => drop(right.next()),
                Ordering::Equal => {
                    n_shared += 1;
                    left.next();
                    right.next();
                }
            }
        }
        n_shared
    }

    fn judge(&self, other: &Self, differences: &[Difference<'_>], shared: usize) -> Comparison {
        let turned = self.n_negations() % 2 != other.n_negations() % 2;
        let mut n_choices = 0;
        let mut n_more = 0;
        let mut opposed = false;
        let mut valued = false;
        for difference in differences {
            let (one, theirs) = (said(difference.one), said(difference.other));
            let pairs =
                difference.one.iter().flat_map(|a| difference.other.iter().map(move |b| (a, b)));
            opposed |= pairs.clone().any(|(a, b)| a.is_opposite(b));
            if one.is_empty() && theirs.is_empty() {
                continue;
            }
            if one.is_empty() || theirs.is_empty() {
                n_more += one.len() + theirs.len();
                // What is said of another subject, or under a condition, is another thing.
                if self.is_condition(difference) {
                    n_more += MAX_MORE + 1;
                }
                continue;
            }
            let is_opposed = one.iter().any(|a| theirs.iter().any(|b| a.is_opposite(b)));
            let are_values = one.iter().chain(&theirs).all(|word| word.role == Role::Value);
            // A word before the verb names what is spoken of: `the nightly backup`.
            let is_subject = difference.at <= verb(&self.words)
                && !one.iter().all(|word| word.form.bytes().any(|byte| byte.is_ascii_digit()));
            if are_values && !is_subject && !self.names_by_number(difference) {
                valued = true;
            } else if !is_opposed || one.len() + theirs.len() > 2 {
                n_choices += 1;
                if one.len().max(theirs.len()) > MAX_CHOICE || !self.is_choice(difference, shared) {
                    n_choices += 2;
                }
            }
        }
        let is_close = n_choices == 0 && n_more <= MAX_MORE;
        if is_close && shared >= MIN_SHARED && (turned || opposed || (valued && n_more == 0)) {
            return Comparison::Contradiction;
        }
        if n_choices == 1 && n_more == 0 && !turned && shared >= MIN_SHARED_OF_CHOICE {
            return Comparison::Contradiction;
        }
        if self.is_reordered(other) {
            return if self.contrasts() { Comparison::Contradiction } else { Comparison::Distinct };
        }
        match (n_choices, n_more, turned || opposed || valued) {
            (0, 0, false) => Comparison::Restatement,
            (0, _, false) => Comparison::Extension,
            _ => Comparison::Distinct,
        }
    }

    fn n_said(&self) -> usize {
        self.said.len()
    }

    fn n_negations(&self) -> usize {
        self.words.iter().filter(|word| word.role == Role::Negation).count()
    }

    /// Tells whether the words are those of the other in another order.
    fn is_reordered(&self, other: &Self) -> bool {
        let sorted = |statement: &Self| {
            let said = statement.words.iter().filter(|word| word.says_something());
            let mut forms: Vec<String> = said.map(|word| word.form.clone()).collect();
            forms.sort_unstable();
            forms
        };
        let in_order = |statement: &Self| {
            let said = statement.words.iter().filter(|word| word.says_something());
            said.map(|word| word.form.clone()).collect::<Vec<_>>()
        };
        in_order(self) != in_order(other) && sorted(self) == sorted(other)
    }

    /// Tells whether the order of words says what is preferred, or what comes first.
    fn contrasts(&self) -> bool {
        const WORDS: &[&str] = &[
            "never", "not", "over", "instead", "rather", "before", "after", "than", "prefer",
            "first", "then", "avoid", "don't", "no",
        ];
        self.words.iter().any(|word| WORDS.contains(&word.form.as_str()))
    }

    /// Tells whether one chooses what the other rejects, in one place.
    fn chooses_against(&self, other: &Self) -> bool {
        let against = |one: &Self, other: &Self| !one.chosen.is_disjoint(&other.rejected);
        if !against(self, other) && !against(other, self) {
            return false;
        }
        let context = |statement: &Self| -> BTreeSet<String> {
            let said =
                statement.words.iter().filter(|word| word.says_something() && !is_choosing(word));
            let named = |form: &String| {
                [self, other].iter().any(|s| s.chosen.contains(form) || s.rejected.contains(form))
            };
            said.map(|word| word.form.clone()).filter(|form| !named(form)).collect()
        };
        let (one, other) = (context(self), context(other));
        let n_smaller = one.len().min(other.len());
        one.intersection(&other).count() * 2 >= n_smaller
    }

    /// Tells whether a difference is before the verb, or behind a word that begins a condition.
    fn is_condition(&self, difference: &Difference<'_>) -> bool {
        difference.at <= verb(&self.words)
            || difference.one.first().is_some_and(Word::begins_condition)
            || difference.other.first().is_some_and(Word::begins_condition)
    }

    /// Tells whether a number belongs to a name, as in `server 2`.
    fn names_by_number(&self, difference: &Difference<'_>) -> bool {
        let before = difference.at.checked_sub(1).and_then(|at| self.words.get(at));
        before.is_some_and(Word::is_labelled)
    }

    /// Tells whether a difference is a choice: of what is done or used, not of what is spoken of.
    fn is_choice(&self, difference: &Difference<'_>, shared: usize) -> bool {
        let verb = verb(&self.words);
        if difference.at <= verb || shared < MIN_SHARED_OF_CHOICE {
            return false;
        }
        // The nearest word before it that says how it belongs to the rest.
        let behind = self.words.get(verb..difference.at).unwrap_or_default();
        let uses = self.words.get(verb).is_some_and(is_choosing);
        let joint = behind
            .iter()
            .rev()
            .find(|word| word.begins_condition() || word.begins_place() || word.begins_means());
        match joint {
            Some(word) if word.begins_condition() => false,
            // `Use tabs in Go files` says nothing of other files.
            Some(word) if word.begins_place() => !uses,
            _ => true,
        }
    }
}

/// Returns the words of a difference that say something.
fn said(words: &[Word]) -> Vec<&Word> {
    words.iter().filter(|word| word.says_something()).collect()
}

/// Tells whether a word is a verb of choosing.
fn is_choosing(word: &Word) -> bool {
    let verbs =
        ["use", "uses", "using", "prefer", "prefers", "choose", "pick", "adopt", "want", "like"];
    verbs.contains(&word.form.as_str())
}

/// Returns the place of the verb: what stands before it is what is spoken of.
fn verb(words: &[Word]) -> usize {
    let commands = words.first().is_some_and(|first| first.role == Role::Content)
        && words.get(1).is_some_and(Word::is_article);
    if commands {
        return 0;
    }
    let known = words.iter().position(Word::is_verb);
    let first = || words.iter().position(|word| word.role == Role::Content);
    known.or_else(first).unwrap_or(0)
}

/// Tells whether two statements speak of the same thing: what stands before the verb of the earlier
/// stands in the later one, too, without another one in its place.
fn same_subject(later: &[Word], earlier: &[Word]) -> bool {
    let subject = |words: &[Word]| -> Vec<String> {
        let head = words.get(..verb(words)).unwrap_or_default();
        head.iter().filter(|w| w.says_something()).map(|w| w.form.clone()).collect()
    };
    let (later_subject, earlier_subject) = (subject(later), subject(earlier));
    let has = |words: &[String], form: &String| words.contains(form);
    earlier_subject
        .iter()
        .all(|form| has(&later_subject, form) || later.iter().any(|w| w.form == *form))
        && (earlier_subject.is_empty()
            || later_subject.iter().all(|form| has(&earlier_subject, form)))
}

/// Returns what is chosen and what is rejected.
fn choices(words: &[Word]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut chosen, mut rejected) = (BTreeSet::new(), BTreeSet::new());
    let mut rejects = None;
    for (at, word) in words.iter().enumerate() {
        let form = word.form.as_str();
        let next = words.get(at + 1).map(|word| word.form.as_str());
        let is_instead = matches!((form, next), ("instead", Some("of")) | ("rather", Some("than")));
        if word.role == Role::Negation || is_instead || (form == "over" && !chosen.is_empty()) {
            rejects = Some(true);
        } else if is_choosing(word) {
            rejects = Some(rejects.unwrap_or(false));
        } else if word.role == Role::Content && form != "instead" && form != "rather" {
            match rejects.take() {
                Some(true) => drop(rejected.insert(form.to_owned())),
                Some(false) => drop(chosen.insert(form.to_owned())),
                None => {}
            }
        }
    }
    (chosen, rejected)
}

/// Takes out what only says that, when or why something changed; tells whether there was any.
fn without_amendment(words: Vec<Word>) -> (Vec<Word>, bool) {
    let mut kept: Vec<Word> = Vec::with_capacity(words.len());
    let mut amends = false;
    let mut skips = 0_usize;
    for (at, word) in words.iter().enumerate() {
        if skips > 0 {
            skips -= 1;
            continue;
        }
        let next = words.get(at + 1).map(|word| word.form.as_str());
        match (word.form.as_str(), next) {
            ("instead" | "rather", Some("of" | "than")) => {
                amends = true;
                // What was chosen before is named: `instead of npm`.
                skips = 2;
            }
            ("now" | "nowadays" | "currently" | "anymore" | "instead", _) => amends = true,
            ("since", _) | ("as", Some("of")) | ("from", Some("now")) => {
                amends = true;
                // `since March`, `as of 2.0`, `from now on`.
                skips = if word.form == "since" { 1 } else { 2 };
            }
            _ if word.role == Role::Filler => {}
            _ => kept.push(word.clone()),
        }
    }
    if kept.is_empty() { (words, amends) } else { (kept, amends) }
}

/// Returns where two lists of words differ, by their longest common subsequence.
fn differences<'a>(one: &'a [Word], other: &'a [Word]) -> Vec<Difference<'a>> {
    let width = other.len() + 1;
    // lengths[i * width + j]: length of the longest common subsequence of one[i..] and other[j..].
    let mut lengths = vec![0_u16; (one.len() + 1) * width];
    let length =
        |lengths: &[u16], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in one.iter().enumerate().rev() {
        for (j, b) in other.iter().enumerate().rev() {
            let best = if a.is_like(b) {
                length(&lengths, i + 1, j + 1) + 1
            } else {
                length(&lengths, i + 1, j).max(length(&lengths, i, j + 1))
            };
            if let Some(place) = lengths.get_mut(i * width + j) {
                *place = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    let (mut from_one, mut from_other) = (0, 0);
    let mut close = |range: (usize, usize), other_range: (usize, usize)| {
        let (Some(a), Some(b)) =
            (one.get(range.0..range.1), other.get(other_range.0..other_range.1))
        else {
            return;
        };
        if !a.is_empty() || !b.is_empty() {
            found.push(Difference { one: a, other: b, at: range.0 });
        }
    };
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        if a.is_like(b) {
            close((from_one, i), (from_other, j));
            (i, j) = (i + 1, j + 1);
            (from_one, from_other) = (i, j);
        } else if length(&lengths, i + 1, j) >= length(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    close((from_one, one.len()), (from_other, other.len()));
    found
}

#[expect(clippy::cast_precision_loss, reason = "counts of words")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests;
