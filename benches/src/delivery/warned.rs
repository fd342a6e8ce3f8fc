//! Errors that `start_episode` names beforehand, beside the most frequent ones and a plain mix of
//! frequencies.
//!
//! An error counts once an episode; one told in more or fewer words is the same. A line names the
//! error that it quotes; beside it stands what its very signature named.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use memory_core::bench::ErrorKind;

use super::{Part, Session, Table};
use crate::episodes::Attempt;
use crate::table::{number, share};

/// Heading of the lines that name errors.
const HEADING: &str = "What will probably go wrong:";

/// Most lines of any way of naming.
const MAX_LINES: usize = 5;

/// Weights of the mix: runs of the task by the agent, of the task, of the agent in the scope, of
/// the agent; and the share from which it names an error.
const MIX: [f64; 4] = [3.0, 2.0, 2.0, 1.0];
const MIX_FROM: f64 = 0.1;

/// Ways of naming errors.
const WAYS: [&str; 3] = ["answer", "most frequent, as many", "mix of frequencies"];

/// Errors that came, and those that were named.
#[derive(Default)]
pub(super) struct Warned {
    errors: Errors,
    /// Runs at each level, and how many met each kind of error.
    runs: BTreeMap<String, usize>,
    met: BTreeMap<(String, usize), usize>,
    /// Kinds and signatures that the running episode met, and that each way named before it.
    came: BTreeSet<(usize, u64)>,
    named: [Vec<Option<(usize, u64)>>; WAYS.len()],
    /// Counts of each way over tasks that were tried before, and over all.
    seen: [Count; WAYS.len()],
    all: [Count; WAYS.len()],
}

/// Errors of a set, by kind.
#[derive(Default)]
struct Errors {
    /// First error of each kind.
    kinds: Vec<ErrorKind>,
    by_signature: HashMap<u64, usize>,
    /// Tool and message of every distinct text, with its kind and signature.
    texts: Vec<(String, String, usize, u64)>,
    known: BTreeSet<(String, String)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    episodes: usize,
    errors: usize,
    named: usize,
    lines: usize,
    came_true: usize,
    /// The same by signature.
    exact_errors: usize,
    exactly_named: usize,
    exactly_true: usize,
}

impl Errors {
    /// Returns the kind of an error.
    fn kind(&mut self, error: ErrorKind) -> usize {
        let signature = error.signature();
        let message = one_line(&error.message);
        let kind = if let Some(kind) = self.by_signature.get(&signature) {
            *kind
        } else {
            let kind = self.kinds.iter().position(|kind| kind.is_same(&error));
            let kind = kind.unwrap_or_else(|| {
                self.kinds.push(error.clone());
                self.kinds.len() - 1
            });
            self.by_signature.insert(signature, kind);
            kind
        };
        if self.known.insert((error.tool.clone(), message.clone())) {
            self.texts.push((error.tool, message, kind, signature));
        }
        kind
    }

    /// Returns the error that a line of an answer names: "- `tool` “message” in …".
    fn of_line(&self, line: &str) -> Option<(usize, u64)> {
        let (tool, rest) = line.strip_prefix("- `")?.split_once("` ")?;
        if rest.starts_with("(no message)") {
            let silent = |(of, message, ..): &&(String, String, usize, u64)| {
                of == tool && message.is_empty()
            };
            return self.texts.iter().find(silent).map(|(.., kind, signature)| (*kind, *signature));
        }
        let (quote, _) = rest.strip_prefix('“')?.split_once('”')?;
        let names = |(of, message, ..): &&(String, String, usize, u64)| {
            of == tool && is_quoted(message, quote)
        };
        self.texts.iter().find(names).map(|(.., kind, signature)| (*kind, *signature))
    }
}

/// Returns whether a quotation is of a text: what stands before a cut begins it, what stands behind
/// the cut comes later.
fn is_quoted(text: &str, quote: &str) -> bool {
    let quote = quote.strip_suffix('…').unwrap_or(quote);
    let (head, tail) = quote.split_once('…').unwrap_or((quote, ""));
    text.strip_prefix(head.trim_end()).is_some_and(|rest| rest.contains(tail.trim_start()))
}

/// Returns a text on one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the lines of an answer that name errors.
fn lines(answer: &str) -> impl Iterator<Item = &str> {
    let section = answer.split_once(HEADING).map_or("", |(_, section)| section);
    section.lines().skip(1).take_while(|line| line.starts_with("- "))
}

/// Returns the levels of an attempt: its task by its agent, its task, its agent in the scope, its
/// agent, its scope.
fn levels(attempt: &Attempt) -> [String; 5] {
    let episode = &attempt.episode;
    let (scope, task) = (episode.scope.as_str(), episode.task.as_str());
    let context = &episode.context;
    let agent = format!("{:?} {:?}", context.agent, context.model);
    [
        format!("{scope}\n{task}\n{agent}"),
        format!("{scope}\n{task}\n"),
        format!("{scope}\n\n{agent}"),
        format!("\n\n{agent}"),
        format!("{scope}\n\n"),
    ]
}

impl Warned {
    /// Returns the kinds that were met at a level, each with the share of runs.
    fn rates(&self, level: &str) -> impl Iterator<Item = (usize, f64)> {
        let n_runs = self.runs.get(level).copied().unwrap_or(0).max(1) as f64;
        let of_level = (level.to_owned(), 0)..=(level.to_owned(), usize::MAX);
        self.met.range(of_level).map(move |((_, kind), n)| (*kind, *n as f64 / n_runs))
    }

    fn frequent(&self, attempt: &Attempt, n: usize) -> Vec<usize> {
        let [.., scope] = levels(attempt);
        best(self.rates(&scope).collect(), n)
    }

    fn mix(&self, attempt: &Attempt) -> Vec<usize> {
        let mut shares: BTreeMap<usize, f64> = BTreeMap::new();
        for (level, weight) in levels(attempt).iter().zip(MIX) {
            for (kind, rate) in self.rates(level) {
                *shares.entry(kind).or_default() += weight * rate / MIX.iter().sum::<f64>();
            }
        }
        best(shares.into_iter().filter(|(_, share)| *share >= MIX_FROM).collect(), MAX_LINES)
    }
}

/// Returns a row for each way of naming.
fn rows(tasks: &str, counts: &[Count; WAYS.len()]) -> Vec<Vec<String>> {
    let part = |n: usize, of: usize| share((of > 0).then(|| n as f64 / of as f64));
    let row = |(way, count): (&&str, &Count)| {
        vec![
            (*way).to_owned(),
            tasks.to_owned(),
            count.episodes.to_string(),
            count.errors.to_string(),
            part(count.named, count.errors),
            part(count.came_true, count.lines),
            number(count.lines as f64 / count.episodes.max(1) as f64),
            count.exact_errors.to_string(),
            part(count.exactly_named, count.exact_errors),
            part(count.exactly_true, count.lines),
        ]
    };
    WAYS.iter().zip(counts).map(row).collect()
}

/// Returns the kinds with the highest rates, those that were met first among equals.
fn best(mut rates: Vec<(usize, f64)>, n: usize) -> Vec<usize> {
    rates.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    rates.truncate(n);
    rates.into_iter().map(|(kind, _)| kind).collect()
}

impl Count {
    fn add(&mut self, came: &BTreeSet<(usize, u64)>, named: &[Option<(usize, u64)>]) {
        let kinds: BTreeSet<usize> = came.iter().map(|(kind, _)| *kind).collect();
        let signatures: BTreeSet<u64> = came.iter().map(|(_, signature)| *signature).collect();
        let told: Vec<(usize, u64)> = named.iter().flatten().copied().collect();
        self.episodes += 1;
        self.errors += kinds.len();
        self.named += kinds.iter().filter(|kind| told.iter().any(|t| t.0 == **kind)).count();
        self.lines += named.len();
        self.came_true += told.iter().filter(|(kind, _)| kinds.contains(kind)).count();
        self.exact_errors += signatures.len();
        let is_told = |signature: &&u64| told.iter().any(|(_, told)| told == *signature);
        self.exactly_named += signatures.iter().filter(is_told).count();
        self.exactly_true += told.iter().filter(|(_, told)| signatures.contains(told)).count();
    }
}

impl Part for Warned {
    fn began(&mut self, _: &Session, attempt: &Attempt, _: &str, answer: &str) {
        let answered: Vec<Option<(usize, u64)>> =
            lines(answer).map(|line| self.errors.of_line(line)).collect();
        let signed = |kind: usize| {
            let first = self.errors.kinds.get(kind);
            Some((kind, first.map_or(0, ErrorKind::signature)))
        };
        let frequent = self.frequent(attempt, answered.len()).into_iter().map(signed).collect();
        let mix = self.mix(attempt).into_iter().map(signed).collect();
        self.named = [answered, frequent, mix];
        self.came.clear();
    }

    fn logged(&mut self, attempt: &Attempt, idx: usize, _: &str) {
        if let Some(error) = attempt.steps.get(idx).and_then(ErrorKind::of) {
            let signature = error.signature();
            self.came.insert((self.errors.kind(error), signature));
        }
    }

    fn ended(&mut self, attempt: &Attempt) {
        let levels = levels(attempt);
        let is_seen = self.runs.contains_key(&levels[1]);
        for (i, named) in self.named.iter().enumerate() {
            self.all[i].add(&self.came, named);
            if is_seen {
                self.seen[i].add(&self.came, named);
            }
        }
        let kinds: BTreeSet<usize> = self.came.iter().map(|(kind, _)| *kind).collect();
        for level in levels {
            for kind in &kinds {
                *self.met.entry((level.clone(), *kind)).or_default() += 1;
            }
            *self.runs.entry(level).or_default() += 1;
        }
    }

    fn table(&self) -> Option<Table> {
        let headings = vec![
            "by",
            "tasks",
            "episodes",
            "errors",
            "named",
            "true",
            "lines",
            "signatures",
            "exactly named",
            "exactly true",
        ];
        let [all, ..] = &self.all;
        let rows = [rows("seen", &self.seen), rows("all", &self.all)].concat();
        (all.errors > 0).then_some(Table { part: "warned", headings, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_may_be_cut_in_its_middle_or_at_its_end() {
        let text = "cannot resolve module decimal of crate shop";
        for quote in
            [text, "cannot resolve … of crate shop", "cannot resolve mod…", "cannot … of cr…"]
        {
            assert!(is_quoted(text, quote), "{quote}");
        }
        assert!(!is_quoted(text, "cannot resolve … of crate shops"));
        assert!(!is_quoted(text, "resolve module"));
    }

    #[test]
    fn lines_of_the_section_are_found_and_no_others() {
        let answer =
            format!("Lessons:\n- one\n{HEADING}\n- `a` “x y” in 1 of 2\n- `b` “z”\nFrom 3");
        assert_eq!(lines(&answer).count(), 2);
        assert_eq!(lines("Lessons:\n- one").count(), 0);
    }
}
