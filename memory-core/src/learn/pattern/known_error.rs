//! What is known of an error that a step just met.
//!
//! The error itself comes first, then the same one in more or fewer words, then one that differs in
//! a port, a code or a name, which is told as such.

use super::recovery::{Cure, CureExample, ErrorHistory, MIN_TRIED, posterior};
use crate::learn::digest::{Likeness, Signature, Sketch, step_name};
use crate::learn::table::Learned;
use crate::model::{NoteId, Step};
use crate::stats::Prior;

/// Minimum number of attempts behind a cure of other errors of the same class.
const MIN_TRIED_IN_CLASS: u32 = 5;

/// Minimum success rate of such a cure.
const MIN_RATE_IN_CLASS: f64 = 0.5;

/// Maximum number of sightings of which the first one that shows something is told.
const MAX_SIGHTINGS: usize = 4;

/// An error that was met before.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownError {
    /// Index of the step that has it.
    pub step_idx: u32,
    /// Name of its tool: the tool, or `tool:action`.
    pub tool: String,
    /// Number of times that the error was met, in episodes that have ended.
    pub n_seen: u32,
    /// Number of these episodes.
    pub n_episodes: u32,
    /// Number of times that it was resolved within a few steps.
    pub n_resolved: u32,
    /// Number of times that the next attempt met the same error.
    pub n_dead_ends: u32,
    /// Number of times that it was tried again with nothing changed.
    pub n_retried: u32,
    /// Number of times that this worked.
    pub n_retries_resolved: u32,
    /// Success rate of a plain retry of this error, drawn towards that of all errors where it is
    /// rare.
    pub retry_rate: f64,
    /// True when the cures are those of other errors of the tool and class, because this one has
    /// none.
    pub from_class: bool,
    /// Words that matter by which the error that is told of differs from the one that was met, as
    /// (there, here); `None` where it is the same error.
    pub differs: Option<(String, String)>,
    /// Remedies that worked clearly more often than a plain retry, best first, or those that were
    /// seen to work; often none.
    pub cures: Vec<Cure>,
    /// Newest lesson of the episode in which the first cure worked, if it taught any.
    pub lesson: Option<(NoteId, String)>,
}

/// An error that a step met, as it is looked up.
#[derive(Debug, Clone)]
pub(crate) struct MetError {
    /// Name of the tool, or `tool:action`.
    pub(crate) tool: String,
    pub(crate) signature: Signature,
    pub(crate) sketch: Sketch,
}

impl MetError {
    /// Returns the error of a step; `None` for one that was ok.
    pub(crate) fn of(step: &Step) -> Option<Self> {
        let signature = Signature::of_step(step)?;
        Some(Self { tool: step_name(step), signature, sketch: Sketch::of_step(step) })
    }

    /// Returns whether both are one error of a tool, told in more or fewer words.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.signature == other.signature
            || self.sketch.likeness(&other.sketch) == Some(Likeness::Same)
    }

    /// Returns whether errors of its class have more in common than their tool.
    fn has_class(&self) -> bool {
        let tool = self.tool.split_once(':').map_or(self.tool.as_str(), |(tool, _)| tool);
        self.signature.family() != Signature::of_error(tool, "").family()
    }
}

/// Circles in which an error is looked for, from the nearest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Circle {
    /// The error itself, met by the same action.
    Action,
    /// The error itself, met by any action of the tool.
    Tool,
    /// The error told in more or fewer words.
    Words,
    /// An error that differs in a word that matters.
    Like,
}

impl Learned {
    /// Returns what is known of an error that was met at step `step_idx`, with at most `limit`
    /// cures that are clearly better than a plain retry, or else some sightings; `None` for an
    /// unknown error, and for one that says nothing.
    ///
    /// Looked for in this order, until there is a clear cure: the error itself with the same
    /// tool and action; with any action of the tool; told in more or fewer words; one that differs
    /// in a word that matters. Then cures of other errors of the same tool and named class count,
    /// from five attempts on where most worked, with the nearest sighting behind them.
    ///
    /// A clear cure was tried at least three times, worked at least twice, and the lower bound
    /// of the 80 % interval of its success rate (from a uniform prior) lies above the rate of a
    /// plain retry. It is confirmed where that bound is ½ or more, it was tried five times and the
    /// same error never came again, it worked the last time, the error itself had it, and what was
    /// done is one thing: use of another tool first is one only where most successes made the same
    /// call. A plain retry is itself a cure where that bound lies above the rate of plain retries
    /// after any error. A sighting worked at least once, and its expected rate lies above that of
    /// a plain retry.
    /// Examples come from `scope` where it has any; what steps show is not filled in.
    ///
    /// Costs time linear in the runs that met such errors.
    pub(crate) fn known_error(
        &self,
        met: &MetError,
        step_idx: u32,
        scope: Option<&str>,
        limit: usize,
    ) -> Option<KnownError> {
        if met.sketch.is_silent() {
            return None;
        }
        let own = self.scope_filter(scope);
        let tool = self.name_id(&met.tool);
        let mut first: Option<KnownError> = None;
        for circle in [Circle::Action, Circle::Tool, Circle::Words, Circle::Like] {
            let (signatures, action) = match circle {
                Circle::Action if tool.is_none() => continue,
                Circle::Action => (vec![met.signature], tool),
                Circle::Tool => (vec![met.signature], None),
                Circle::Words => (self.signatures_like(&met.sketch, Likeness::Same), None),
                Circle::Like => (self.signatures_like(&met.sketch, Likeness::Like), None),
            };
            let history = ErrorHistory::of(self, &signatures, action, own);
            if history.n_seen == 0 {
                continue;
            }
            let (known, is_clear) = self.told(&history, met, step_idx, limit);
            // The words themselves are read with the steps.
            let differs = (circle == Circle::Like).then(Default::default);
            let known = KnownError { differs, ..known };
            if is_clear {
                return Some(known);
            }
            // That one like it was never cured says nothing about this one.
            let has_cures = first.as_ref().is_some_and(|first| !first.cures.is_empty());
            if !known.cures.is_empty() && !has_cures {
                first = Some(known);
            } else if circle != Circle::Like {
                first.get_or_insert(known);
            }
        }
        if let Some(tool) = tool.filter(|_| met.has_class()) {
            let of_class: Vec<Signature> = self.signatures_of_family(met.signature).collect();
            let class = ErrorHistory::of(self, &of_class, Some(tool), own);
            let class_rate = self.retry_rate(class.plain_retries);
            let mut cures = self.cures(&class, &met.tool, class_rate, MIN_TRIED_IN_CLASS);
            cures.retain(|cure| cure.success.mean >= MIN_RATE_IN_CLASS);
            if !cures.is_empty() {
                let none = ErrorHistory::default();
                let first = first.unwrap_or_else(|| self.told(&none, met, step_idx, limit).0);
                // What cured other errors is not sure to cure this one.
                for cure in &mut cures {
                    cure.is_confirmed = false;
                }
                // What was seen with the error itself is told besides.
                cures.truncate(limit.min(1));
                cures.extend(first.cures);
                return Some(KnownError { from_class: true, cures, ..first });
            }
        }
        first
    }

    /// Returns what a history tells of an error, with its own cures, and whether any of them is
    /// clearly better than a plain retry.
    fn told(
        &self,
        history: &ErrorHistory<'_>,
        met: &MetError,
        step_idx: u32,
        limit: usize,
    ) -> (KnownError, bool) {
        let retry_rate = self.retry_rate(history.plain_retries);
        let mut cures = self.cures(history, &met.tool, retry_rate, MIN_TRIED);
        cures.truncate(limit);
        let is_clear = !cures.is_empty();
        if cures.is_empty() && limit > 0 {
            cures = self.sightings(history, &met.tool, retry_rate);
        }
        let known = KnownError {
            step_idx,
            tool: met.tool.clone(),
            n_seen: history.n_seen,
            n_episodes: history.n_runs,
            n_resolved: history.attempts.n_resolved,
            n_dead_ends: history.attempts.n_dead_ends,
            n_retried: history.plain_retries.n_tried,
            n_retries_resolved: history.plain_retries.n_resolved,
            retry_rate,
            from_class: false,
            differs: None,
            cures,
            lesson: None,
        };
        (known, is_clear)
    }

    /// Returns the remedies that were seen to work, those that work more surely first, newest first
    /// among equals.
    fn sightings(&self, history: &ErrorHistory<'_>, tool: &str, retry_rate: f64) -> Vec<Cure> {
        let seen = history.remedies.iter().filter(|(remedy, record)| {
            let rate = posterior(record.counts, Prior::UNIFORM).mean;
            record.n_alone > 0 && !remedy.is_plain_retry() && rate > retry_rate
        });
        let mut seen: Vec<Cure> = seen
            .map(|(remedy, record)| {
                let success = posterior(record.counts, Prior::UNIFORM);
                self.cure(remedy, record, success, tool)
            })
            .collect();
        seen.sort_by(|a, b| {
            let value = |cure: &Cure| (cure.success.mean, cure.examples.first().copied());
            let ((a_rate, a_newest), (b_rate, b_newest)) = (value(a), value(b));
            let is_own = |newest: Option<CureExample>| newest.is_some_and(|e| e.is_own);
            is_own(b_newest)
                .cmp(&is_own(a_newest))
                .then(b_rate.total_cmp(&a_rate))
                .then(b_newest.cmp(&a_newest))
                .then_with(|| a.steps().cmp(&b.steps()))
        });
        seen.truncate(MAX_SIGHTINGS);
        seen
    }

    /// Returns an error that some run met as it is looked up.
    pub(crate) fn met_error(&self, signature: Signature, tool: &str) -> MetError {
        MetError { tool: tool.to_owned(), signature, sketch: self.sketch(signature) }
    }
}
