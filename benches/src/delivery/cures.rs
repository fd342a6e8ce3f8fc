//! Cures that `log_steps` tells of errors, rated on how the errors then ended.
//!
//! What is told is read from the answers; what it amounts to is judged by the engine's own replay
//! of the same episodes, in the words of remedies.

use super::{Part, Session, Table, n_tokens};
use crate::cure_rating::{CureReplay, RATING_HEADINGS};
use crate::episodes::Attempt;
use crate::table::share;

/// Mark of a line of an answer that tells a cure.
const CURE: &str = "- ";

/// End of a line that points to a cure that was told in the episode before.
const TOLD: &str = "again, whose cure was told.";

/// Counts of errors and of what was told of them.
#[derive(Default)]
pub(super) struct Cures {
    replay: CureReplay,
    n_errors: usize,
    n_answered: usize,
    /// Size of each cure that was told, in tokens.
    sizes: Vec<usize>,
}

impl Part for Cures {
    fn began(&mut self, _: &Session, _: &Attempt, _: &str, _: &str) {}

    fn logged(&mut self, attempt: &Attempt, idx: usize, answer: &str) {
        if attempt.steps.get(idx).is_none_or(|step| step.ok) {
            return;
        }
        self.n_errors += 1;
        let told: Vec<&str> = answer.split("\n- ").skip(1).collect();
        self.n_answered += usize::from(!told.is_empty() || answer.contains(TOLD));
        self.sizes.extend(told.iter().map(|cure| n_tokens(cure) + n_tokens(CURE)));
    }

    fn ended(&mut self, attempt: &Attempt) {
        self.replay.take(attempt);
    }

    fn table(&self) -> Option<Table> {
        let answered =
            share((self.n_errors > 0).then(|| self.n_answered as f64 / self.n_errors as f64));
        let mut sizes = self.sizes.clone();
        sizes.sort_unstable();
        let largest = sizes.last().map_or_else(|| "-".to_owned(), ToString::to_string);
        let median = sizes.get(sizes.len() / 2).map_or_else(|| "-".to_owned(), ToString::to_string);
        let row = |mut rating: Vec<String>| {
            let figures = rating.split_off(1);
            let of_all = [self.n_errors.to_string(), answered.clone()];
            let size = [median.clone(), largest.clone()];
            [rating.as_slice(), &of_all, &figures, &size].concat()
        };
        let headings = [
            &["cures", "errors", "answered"],
            &RATING_HEADINGS[1..],
            &["median tokens", "largest"],
        ]
        .concat();
        let rows = self.replay.rows().into_iter().map(row).collect();
        (self.n_errors > 0).then_some(Table { part: "cures", headings, rows })
    }
}
