//! Rating of the cures that are told of errors, by how the errors then ended.

use std::collections::{BTreeMap, BTreeSet};

use memory_core::bench::{End, ErrorKind, LearnBench, Observed, Proposal};

use crate::episodes::Attempt;
use crate::table::share;

/// Replay of episodes in which each error is rated before its episode is learned.
#[derive(Default)]
pub struct CureReplay {
    learned: LearnBench,
    /// By whether the first cure is confirmed, and all of them.
    ratings: BTreeMap<&'static str, Rating>,
    /// Confirmed cures that were done and ended nothing, each in some lines.
    pub wrong: Vec<String>,
}

/// What came of cures.
#[derive(Debug, Clone, Copy, Default)]
struct Rating {
    /// Number of errors of which one was told first.
    told: usize,
    /// Number of these that in fact ended by it.
    right: usize,
    /// Number of these where it was done and the error did not end, and where the same error came
    /// again.
    wrong: usize,
    again: usize,
    /// Number of errors where an attempt at once was made instead, and where that worked.
    at_once: usize,
    at_once_right: usize,
}

impl Rating {
    /// Counts an error and the remedy that was told of it; returns whether that was wrong.
    fn add(&mut self, error: &Observed, remedy: &String) -> bool {
        let is_followed = error.remedies.contains(remedy);
        let is_wrong = is_followed && !error.is_resolved();
        self.told += 1;
        self.right += usize::from(is_followed && error.is_resolved());
        self.wrong += usize::from(is_wrong);
        self.again += usize::from(is_followed && error.end == End::Again);
        if !is_followed && error.at_once {
            self.at_once += 1;
            self.at_once_right += usize::from(error.is_resolved());
        }
        is_wrong
    }

    fn row(&self) -> Vec<String> {
        let part = |n: usize, of: usize| share((of > 0).then(|| n as f64 / of as f64));
        let n_followed = self.right + self.wrong;
        vec![
            self.told.to_string(),
            part(self.right, self.told),
            part(self.wrong, self.told),
            part(self.again, self.told),
            format!("{} ({n_followed})", part(self.right, n_followed)),
            format!("{} ({})", part(self.at_once_right, self.at_once), self.at_once),
        ]
    }
}

/// Headings of a rating.
pub const RATING_HEADINGS: [&str; 7] =
    ["cures", "told", "right", "wrong", "again", "if followed", "if at once"];

impl CureReplay {
    /// Rates the errors of an attempt, and learns it.
    pub fn take(&mut self, attempt: &Attempt) {
        let mut known = BTreeSet::new();
        for error in LearnBench::observed(&attempt.episode, &attempt.steps) {
            let step = attempt.steps.get(error.at as usize);
            let signature = step.and_then(ErrorKind::of).map(|kind| kind.signature());
            // What is known of an error is told once in an episode.
            if !known.insert(signature) {
                continue;
            }
            let told = self.learned.told(&error, &attempt.episode.scope, 2).unwrap_or_default();
            let Some(first) = told.first() else { continue };
            let kind = if first.is_confirmed { "confirmed" } else { "seen" };
            let mut is_wrong = false;
            for kind in [kind, "all"] {
                is_wrong = self.ratings.entry(kind).or_default().add(&error, &first.remedy);
            }
            if is_wrong && first.is_confirmed {
                self.wrong.push(told_wrong(attempt, &error, first));
            }
        }
        self.learned.put_with_steps(&attempt.episode, attempt.steps.clone());
    }

    /// Returns the figures under [`RATING_HEADINGS`], a row for each kind of cure.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let row =
            |(kind, rating): (&&str, &Rating)| [vec![(*kind).to_owned()], rating.row()].concat();
        self.ratings.iter().map(row).collect()
    }
}

/// Number of steps after an error that are shown.
const N_AFTER: usize = 6;

/// Bytes of a text that are shown.
const SHOWN_BYTES: usize = 160;

/// Words a cure that was done and ended nothing, with the steps that followed the error.
fn told_wrong(attempt: &Attempt, error: &Observed, told: &Proposal) -> String {
    let mut text = format!(
        "{}: told {:?} ({:.2} of {}), like {}, class {}",
        attempt.episode.id, told.remedy, told.rate, told.n_tried, told.is_like, told.from_class
    );
    let at = error.at as usize;
    for step in attempt.steps.iter().skip(at).take(N_AFTER) {
        let short = |text: &str| text.chars().take(SHOWN_BYTES).collect::<String>();
        let said = ErrorKind::of(step).map_or_else(|| "ok".to_owned(), |error| error.message);
        let (name, args) = (memory_core::bench::step_name(step), short(step.args.as_str()));
        let said = short(&said);
        text.extend(["\n    ", &name, " ", &args, "\n        → ", &said]);
    }
    text
}
