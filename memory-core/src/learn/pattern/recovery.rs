//! Recoveries: remedies that cured an error.
//!
//! After an error an agent does something and tries again: its [`Remedy`]. Its success rate is
//! compared with that of trying again unchanged. A remedy that is clearly better, was tried often
//! enough, after which the same error never came again, and that is one thing that can be done, is
//! a confirmed cure; any other that worked is told as a sighting. Figures in `plans/0037`.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use crate::learn::demonstration::Demonstration;
use crate::learn::digest::{CallKey, Ending, Incident, Signature};
use crate::learn::quote::StepRef;
use crate::learn::table::{AttemptCounts, Learned, NameId, Remedy, Run, ScopeFilter, ToolPath};
use crate::learn::text::name_in_backticks;
use crate::model::{EpisodeId, Timestamp};
use crate::stats::{Posterior, Prior};

/// Minimum number of attempts behind a cure that was seen with the error itself.
pub(super) const MIN_TRIED: u32 = 3;

/// Minimum number of successes: one may be chance.
const MIN_RESOLVED: u32 = 2;

/// Level of the interval whose lower bound must lie above the rate of a plain retry.
const LEVEL: f64 = 0.8;

/// Lower bound of the success rate of a confirmed cure: it works in most cases.
const SURE: f64 = 0.5;

/// Minimum number of attempts behind a confirmed cure.
const MIN_SURE: u32 = 5;

/// Prior of the success of a plain retry: most errors come again. Of 1,634 plain retries in
/// recorded runs of agents 10 succeeded; those against a network or a lock may.
const PLAIN_RETRY: Prior = Prior { mean: 0.2, weight: 2.0 };

/// Number of steps before an error that are read with it: who mends a script wrote it just before.
const N_BEFORE: u32 = 4;

/// Maximum number of examples of a cure.
const MAX_EXAMPLES: usize = 3;

/// A remedy that cured an error: surely, or as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Cure {
    /// The remedy as an instruction: "use `grep` first, then retry `edit` with another `path`".
    pub text: String,
    /// Tools to use first, in their order, before the failed one is tried again.
    pub via: Vec<Box<str>>,
    /// Tool that succeeded in place of the failed one; `None` where that one is tried again.
    pub instead: Option<Box<str>>,
    /// Arguments that were changed for the attempt that succeeded, in most cases; sorted.
    pub changed: Vec<Box<str>>,
    /// Number of times that it was tried.
    pub n_tried: u32,
    /// Number of times that it then worked.
    pub n_resolved: u32,
    /// Number of times that the same error came again.
    pub n_dead_ends: u32,
    /// Success rate with an 80 % interval, from a uniform prior.
    pub success: Posterior,
    /// True when it worked clearly more often than a plain retry and in most cases, was tried five
    /// times without the same error again, and is one thing that can be done; false for a
    /// sighting, which was only seen to work.
    pub is_confirmed: bool,
    /// What was done the last time, and what then passed; `None` where steps show nothing.
    pub demonstration: Option<Demonstration>,
    /// Newest successes, newest first, those of the scope that was asked about before others.
    pub(crate) examples: Vec<CureExample>,
}

impl Cure {
    /// Returns the newest episodes in which it worked, newest first, those of the scope that was
    /// asked about before others.
    pub fn episodes(&self) -> impl Iterator<Item = EpisodeId> {
        self.examples.iter().map(|example| example.episode)
    }

    /// Returns whether it is to try again with nothing changed, and that is confirmed.
    pub(crate) fn is_plain_retry(&self) -> bool {
        let is_plain = self.via.is_empty() && self.instead.is_none() && self.changed.is_empty();
        self.is_confirmed && is_plain
    }

    /// Returns the steps of the remedy, by which equal cures are ordered.
    pub(super) fn steps(&self) -> (&[Box<str>], Option<&str>, &[Box<str>]) {
        (&self.via, self.instead.as_deref(), &self.changed)
    }
}

/// A place where a cure worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CureExample {
    /// True in the scope that was asked about: calls of other projects say less.
    pub(crate) is_own: bool,
    /// End of the episode.
    pub(crate) ended_at: Timestamp,
    /// The episode.
    pub(crate) episode: EpisodeId,
    /// Index of the step that failed.
    pub(crate) error_at: u32,
    /// Index of the step that succeeded.
    pub(crate) resolved_at: u32,
}

impl CureExample {
    /// Returns the step that failed.
    pub(crate) fn failed_step(&self) -> StepRef {
        StepRef { episode: self.episode, idx: self.error_at }
    }

    /// Returns the number of steps before the one that failed which say what it began with.
    pub(crate) fn n_before(&self) -> u32 {
        self.error_at.min(N_BEFORE)
    }

    /// Returns the number of steps from the one that failed to the one that succeeded.
    pub(crate) const fn n_steps(&self) -> u32 {
        self.resolved_at.saturating_sub(self.error_at).saturating_add(1)
    }
}

/// Outcomes of one remedy.
#[derive(Debug, Default)]
pub(super) struct RemedyRecord<'a> {
    pub(super) counts: AttemptCounts,
    /// Number of times that it was all that was done and worked.
    pub(super) n_alone: u32,
    /// Number of successes for each set of changed arguments.
    changed: FxHashMap<&'a [Box<str>], u32>,
    /// Number of successes with each call as the last one before the attempt that worked.
    acts: FxHashMap<CallKey, u32>,
    /// Time of the newest attempt, with whether it worked.
    newest: Option<((Timestamp, EpisodeId, u32), bool)>,
    examples: Vec<CureExample>,
}

/// Occurrences of an error, and outcomes of everything that was done about it.
#[derive(Debug, Default)]
pub(super) struct ErrorHistory<'a> {
    pub(super) n_seen: u32,
    pub(super) n_runs: u32,
    /// Attempts with any remedy.
    pub(super) attempts: AttemptCounts,
    pub(super) plain_retries: AttemptCounts,
    pub(super) remedies: FxHashMap<Remedy<'a>, RemedyRecord<'a>>,
}

impl<'a> ErrorHistory<'a> {
    /// Collects the occurrences of errors in the runs of a table; of any tool for `None`.
    pub(super) fn of(
        learned: &'a Learned,
        signatures: &[Signature],
        tool: Option<NameId>,
        own: ScopeFilter,
    ) -> Self {
        let mut history = Self::default();
        for signature in signatures {
            for run in learned.runs_with_error(*signature) {
                history.add_run(run, tool, *signature, own);
            }
        }
        history
    }

    fn add_run(
        &mut self,
        run: &'a Run,
        tool: Option<NameId>,
        signature: Signature,
        own: ScopeFilter,
    ) {
        let n_before = self.n_seen;
        for incident in run.incidents.iter().filter(|i| i.signature == signature) {
            if tool.is_none_or(|tool| run.tool_at(incident.at) == tool) {
                self.add(run, incident, own);
            }
        }
        self.n_runs += u32::from(self.n_seen > n_before);
    }

    fn add(&mut self, run: &'a Run, incident: &'a Incident, own: ScopeFilter) {
        self.n_seen += 1;
        let Some(remedy) = Remedy::of(run, incident) else { return };
        self.attempts.add(&incident.ending);
        if remedy.is_plain_retry() {
            self.plain_retries.add(&incident.ending);
        }
        for part in remedy.with_beginnings() {
            let record = self.remedies.entry(part).or_default();
            record.counts.add(&incident.ending);
            let worked = matches!(incident.ending, Ending::Resolved { .. });
            // The end of its episode, then the order of steps.
            let attempt = ((run.ended_at, run.id, incident.at), worked);
            record.newest = record.newest.max(Some(attempt));
            let Ending::Resolved { at, changed } = &incident.ending else { continue };
            record.n_alone += u32::from(part == remedy);
            *record.changed.entry(changed).or_default() += 1;
            *record.acts.entry(run.call_at(at.saturating_sub(1))).or_default() += 1;
            record.examples.push(CureExample {
                is_own: own.accepts(run),
                ended_at: run.ended_at,
                episode: run.id,
                error_at: incident.at,
                resolved_at: *at,
            });
        }
    }

    /// Returns whether a remedy adds something to its beginnings and its continuations; `lower` is
    /// the lower bound of its success rate.
    fn is_closed(&self, remedy: &Remedy<'_>, lower: f64) -> bool {
        let (Remedy::Via(path), Some(record)) = (remedy, self.remedies.get(remedy)) else {
            return true;
        };
        let n_tried = record.counts.n_tried;
        // A beginning after which every run went on the same way is no remedy of its own.
        let is_always_longer = self.remedies.iter().any(|(other, record)| {
            let Remedy::Via(longer) = other else { return false };
            record.counts.n_tried == n_tried
                && longer.len() > path.len()
                && longer.prefix(path.len()) == *path
        });
        // A longer way must be better than its beginnings, which are cheaper.
        let beginnings = (1..path.len()).filter_map(|len| {
            self.remedies.get(&Remedy::Via(path.prefix(len))).map(|record| record.counts)
        });
        let mut beginnings = beginnings.filter(|counts| counts.n_tried != n_tried);
        let is_no_better = beginnings
            .any(|counts| lower <= f64::from(counts.n_resolved) / f64::from(counts.n_tried));
        !is_always_longer && !is_no_better
    }
}

impl RemedyRecord<'_> {
    /// Returns whether it is sure to work, given the lower bound of its success rate. A plain
    /// retry may take several.
    fn is_sure(&self, remedy: &Remedy<'_>, lower: f64) -> bool {
        let worked_last = self.newest.is_some_and(|(_, worked)| worked);
        let is_tried = self.counts.n_tried >= MIN_SURE && self.counts.n_dead_ends == 0;
        lower >= SURE
            && worked_last
            && (remedy.is_plain_retry() || is_tried && self.is_one_thing(remedy))
    }

    /// Returns whether all that did it did one thing. That a tool was used first says nothing of
    /// what for: only where most successes made the same call is it one thing.
    fn is_one_thing(&self, remedy: &Remedy<'_>) -> bool {
        let most = self.acts.values().max().copied().unwrap_or(0);
        !matches!(remedy, Remedy::Via(_)) || 2 * most > self.counts.n_resolved
    }
}

impl Learned {
    /// Returns the cures of an error that `tool` met in a scope.
    pub(super) fn own_cures(
        &self,
        signature: Signature,
        tool: NameId,
        scope: Option<&str>,
    ) -> Vec<Cure> {
        let filter = self.scope_filter(scope);
        let mut own = ErrorHistory::default();
        for run in self.runs_with_error(signature).filter(|run| filter.accepts(run)) {
            own.add_run(run, Some(tool), signature, filter);
        }
        self.cures(&own, self.name(tool), self.retry_rate(own.plain_retries), MIN_TRIED)
    }

    /// Returns the success rate of a plain retry after an error, given its own plain retries.
    pub(super) fn retry_rate(&self, own: AttemptCounts) -> f64 {
        posterior(own, Prior::around(self.overall_retry_rate())).mean
    }

    /// Returns the success rate of plain retries after any error.
    fn overall_retry_rate(&self) -> f64 {
        posterior(self.plain_retries(), PLAIN_RETRY).mean
    }

    /// Returns the remedies of an error of `tool` that are clearly better than a plain retry, best
    /// first; those that are sure are marked as confirmed.
    pub(super) fn cures(
        &self,
        history: &ErrorHistory<'_>,
        tool: &str,
        retry_rate: f64,
        min_tried: u32,
    ) -> Vec<Cure> {
        let overall = self.overall_retry_rate();
        let better = history.remedies.iter().filter_map(|(remedy, record)| {
            let counts = record.counts;
            if counts.n_tried < min_tried || counts.n_resolved < MIN_RESOLVED {
                return None;
            }
            let success = posterior(counts, Prior::UNIFORM);
            let usual = if remedy.is_plain_retry() { overall } else { retry_rate };
            let is_cure = success.lower > usual && history.is_closed(remedy, success.lower);
            is_cure.then(|| {
                let is_confirmed = record.is_sure(remedy, success.lower);
                Cure { is_confirmed, ..self.cure(remedy, record, success, tool) }
            })
        });
        let mut cures: Vec<Cure> = better.collect();
        cures.sort_by(|a, b| {
            let value = |cure: &Cure| cure.success.successes * cure.success.lower;
            // Names break ties, so that the order of arrival does not.
            value(b).total_cmp(&value(a)).then_with(|| a.steps().cmp(&b.steps()))
        });
        cures
    }

    pub(super) fn cure(
        &self,
        remedy: &Remedy<'_>,
        record: &RemedyRecord<'_>,
        success: Posterior,
        tool: &str,
    ) -> Cure {
        let mut examples = record.examples.clone();
        examples.sort_unstable_by_key(|example| Reverse(*example));
        examples.truncate(MAX_EXAMPLES);
        let named = |path: &ToolPath| -> Vec<Box<str>> {
            path.tools().map(|tool| self.name(tool).into()).collect()
        };
        let (via, instead) = match remedy {
            Remedy::Retry(_) => (Vec::new(), None),
            Remedy::Via(path) => (named(path), None),
            Remedy::Instead(path) => {
                let mut tools = named(path);
                let last = tools.pop();
                (tools, last)
            }
        };
        let usual = record.changed.iter().max_by_key(|(names, n)| (**n, Reverse(**names)));
        let changed = usual.map(|(names, _)| names.to_vec()).unwrap_or_default();
        Cure {
            text: instruction(&via, instead.as_deref(), &changed, tool),
            via,
            instead,
            changed,
            n_tried: record.counts.n_tried,
            n_resolved: record.counts.n_resolved,
            n_dead_ends: record.counts.n_dead_ends,
            success,
            is_confirmed: false,
            demonstration: None,
            examples,
        }
    }
}

pub(super) fn posterior(counts: AttemptCounts, prior: Prior) -> Posterior {
    Posterior::with_prior(counts.n_tried.into(), counts.n_resolved.into(), LEVEL, prior)
}

/// Words a remedy for an error of `tool` as an instruction.
fn instruction(
    via: &[Box<str>],
    instead: Option<&str>,
    changed: &[Box<str>],
    tool: &str,
) -> String {
    let (tools, tool) = (quoted(via), name_in_backticks(tool));
    let with_changes = if changed.is_empty() {
        String::new()
    } else {
        format!(" with another {}", quoted(changed))
    };
    match (via, instead) {
        ([], None) if changed.is_empty() => format!("retry {tool} unchanged"),
        ([], None) => format!("retry {tool}{with_changes}"),
        (_, None) => format!("use {tools} first, then retry {tool}{with_changes}"),
        ([], Some(instead)) => format!("use {} instead", name_in_backticks(instead)),
        (_, Some(instead)) => {
            format!("use {tools} and then {} instead", name_in_backticks(instead))
        }
    }
}

/// Lists names in backticks.
fn quoted(names: &[Box<str>]) -> String {
    names.iter().map(|name| name_in_backticks(name)).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests;
