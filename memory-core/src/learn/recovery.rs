//! What cured an error before.
//!
//! After an error an agent does something and tries again: its [`Remedy`]. How often that succeeded is
//! compared with how often trying again unchanged did. What is not clearly better is no cure; what was
//! tried a few times only is none yet.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::evidence::Posterior;
use super::evidence::beta::Prior;
use super::remedy::{Path, Remedy};
use super::{Ending, Incident, Learned, Run, Signature};
use crate::model::{EpisodeId, Timestamp};

/// Fewest attempts behind a cure, and behind one that comes from errors of the same class only.
const MIN_TRIED: [u32; 2] = [3, 5];

/// Fewest of them that worked: one may be chance.
const MIN_RESOLVED: u32 = 2;

/// Level of the interval whose lower bound must beat a plain retry.
const LEVEL: f64 = 0.8;

/// What is believed of a plain retry before the first: errors mostly come again. Of 1,634 plain
/// retries in recorded runs of agents 10 worked; those against a network or a lock may.
const PLAIN_RETRY: Prior = Prior { mean: 0.2, weight: 2.0 };

/// Newest episodes that are named as evidence.
const MAX_EVIDENCE: usize = 3;

/// A remedy that worked clearly oftener than a plain retry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cure {
    /// Tools to use first, in their order; then the failed one again. Empty for trying again at once.
    pub(crate) via: Vec<Box<str>>,
    /// The tool that did it in place of the failed one; `None` where that one is tried again.
    pub(crate) instead: Option<Box<str>>,
    /// Arguments that were changed for the attempt that succeeded, in most cases; sorted.
    pub(crate) changed: Vec<Box<str>>,
    /// How often it was tried.
    pub(crate) n_tried: u32,
    /// How often it then worked.
    pub(crate) n_resolved: u32,
    /// How often it works, with an 80 % interval from a uniform prior.
    pub(crate) posterior: Posterior,
    /// How often it ended in the same error again.
    pub(crate) n_dead_ends: u32,
    /// The newest successes.
    pub(crate) evidence: Vec<Evidence>,
}

/// Where a cure worked: the texts of these steps say what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Evidence {
    /// When the episode ended.
    pub(crate) ended_at: Timestamp,
    /// The episode.
    pub(crate) episode: EpisodeId,
    /// The step that failed.
    pub(crate) error_at: u32,
    /// The step that succeeded.
    pub(crate) resolved_at: u32,
}

/// What is known of an error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KnownError {
    /// How often it was met.
    pub(crate) n_seen: u32,
    /// In how many episodes.
    pub(crate) n_runs: u32,
    /// How often it was resolved within a few steps.
    pub(crate) n_resolved: u32,
    /// How often the next attempt ended in the same error.
    pub(crate) n_dead_ends: u32,
    /// Success rate of a plain retry: of this error, leaning on that of all errors where it is rare.
    pub(crate) retry_rate: f64,
    /// Whether the cures come from other errors of the same tool and class, for want of experience with
    /// this one.
    pub(crate) from_class: bool,
    /// What worked better than a plain retry; the best first, by how often it worked and how surely.
    pub(crate) cures: Vec<Cure>,
}

/// Attempts, and how many of them succeeded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "counts are called `n_…`")]
pub(super) struct Tally {
    n_tried: u32,
    n_resolved: u32,
    n_dead_ends: u32,
}

impl Tally {
    /// How plain retries went, over all errors of a run.
    pub(super) fn of_plain_retries(run: &Run) -> Self {
        let mut tally = Self::default();
        for incident in &run.incidents {
            if Remedy::of(run, incident).is_some_and(|remedy| remedy.is_plain()) {
                tally.add(&incident.ending);
            }
        }
        tally
    }

    fn add(&mut self, ending: &Ending) {
        self.n_tried += 1;
        self.n_resolved += u32::from(matches!(ending, Ending::Resolved { .. }));
        self.n_dead_ends += u32::from(matches!(ending, Ending::DeadEnd { .. }));
    }

    /// Takes in another tally.
    pub(super) fn merge(&mut self, other: Self) {
        self.n_tried += other.n_tried;
        self.n_resolved += other.n_resolved;
        self.n_dead_ends += other.n_dead_ends;
    }

    /// Takes out a tally that was taken in.
    pub(super) fn take_out(&mut self, other: Self) {
        self.n_tried = self.n_tried.saturating_sub(other.n_tried);
        self.n_resolved = self.n_resolved.saturating_sub(other.n_resolved);
        self.n_dead_ends = self.n_dead_ends.saturating_sub(other.n_dead_ends);
    }

    fn posterior(self, prior: Prior) -> Posterior {
        Posterior::with_prior(self.n_tried.into(), self.n_resolved.into(), LEVEL, prior)
    }
}

/// What came of one remedy.
#[derive(Debug, Default)]
struct Record<'a> {
    tally: Tally,
    /// Sets of arguments that were changed, where it worked.
    changed: FxHashMap<&'a [Box<str>], u32>,
    evidence: Vec<Evidence>,
}

/// What came of an error and of everything that was done about it.
#[derive(Debug, Default)]
struct History<'a> {
    n_seen: u32,
    n_runs: u32,
    /// Over all remedies, and over plain retries.
    tried: Tally,
    plain: Tally,
    remedies: FxHashMap<Remedy<'a>, Record<'a>>,
}

impl<'a> History<'a> {
    fn add_run(&mut self, run: &'a Run, tool: u32, signature: Signature) {
        let n_before = self.n_seen;
        for incident in &run.incidents {
            let failed = run.moves.get(incident.at as usize);
            if incident.signature == signature && failed.is_some_and(|step| step.tool == tool) {
                self.add(run, incident);
            }
        }
        self.n_runs += u32::from(self.n_seen > n_before);
    }

    fn add(&mut self, run: &'a Run, incident: &'a Incident) {
        self.n_seen += 1;
        let Some(remedy) = Remedy::of(run, incident) else { return };
        self.tried.add(&incident.ending);
        if remedy.is_plain() {
            self.plain.add(&incident.ending);
        }
        for remedy in remedy.with_beginnings() {
            let record = self.remedies.entry(remedy).or_default();
            record.tally.add(&incident.ending);
            let Ending::Resolved { at, changed } = &incident.ending else { continue };
            *record.changed.entry(changed).or_default() += 1;
            let (error_at, resolved_at) = (incident.at, *at);
            let (ended_at, episode) = (run.ended_at, run.id);
            record.evidence.push(Evidence { ended_at, episode, error_at, resolved_at });
        }
    }

    /// Whether a remedy says something that a shorter or a longer one does not say better.
    fn is_closed(&self, remedy: &Remedy<'_>, lower: f64) -> bool {
        let (Remedy::Via(path), Some(record)) = (remedy, self.remedies.get(remedy)) else {
            return true;
        };
        let n_tried = record.tally.n_tried;
        let is_always_longer = self.remedies.iter().any(|(other, record)| {
            let Remedy::Via(longer) = other else { return false };
            record.tally.n_tried == n_tried
                && longer.len() > path.len()
                && longer.prefix(path.len()) == *path
        });
        let mut shorter = (1..path.len()).filter_map(|len| {
            let tally = self.remedies.get(&Remedy::Via(path.prefix(len)))?.tally;
            Some((tally.n_tried, f64::from(tally.n_resolved) / f64::from(tally.n_tried)))
        });
        let is_no_better = shorter.any(|(n, rate)| n != n_tried && lower <= rate);
        !is_always_longer && !is_no_better
    }
}

impl Learned {
    /// What is known of an error that `tool` met; `None` where nothing is.
    ///
    /// A cure was tried at least three times, worked at least twice, and the lower bound of the 80 %
    /// interval of its success rate (from a uniform prior) lies above the rate of a plain retry; that of
    /// the plain retry itself, above its rate after errors of any kind. Where this error has none, those of other errors of the same tool and class are
    /// given, from five attempts on. At most `limit` are given. Costs time linear in the runs that met
    /// the error or its class.
    pub(crate) fn known_error(
        &self,
        signature: Signature,
        tool: &str,
        limit: usize,
    ) -> Option<KnownError> {
        let tool = self.name_no(tool)?;
        let [min_tried, min_tried_in_class] = MIN_TRIED;
        let mut own = History::default();
        self.met(signature).for_each(|run| own.add_run(run, tool, signature));
        let retry_rate = self.retry_rate(own.plain);
        let mut known = KnownError {
            n_seen: own.n_seen,
            n_runs: own.n_runs,
            n_resolved: own.tried.n_resolved,
            n_dead_ends: own.tried.n_dead_ends,
            retry_rate,
            from_class: false,
            cures: self.cures(&own, retry_rate, min_tried),
        };
        if known.cures.is_empty() {
            let mut class = History::default();
            for signature in self.kin(signature) {
                self.met(signature).for_each(|run| class.add_run(run, tool, signature));
            }
            let retry_rate = self.retry_rate(class.plain);
            known.cures = self.cures(&class, retry_rate, min_tried_in_class);
            known.from_class = !known.cures.is_empty();
        }
        known.cures.truncate(limit);
        (known.n_seen > 0 || known.from_class).then_some(known)
    }

    /// The cures of an error that `tool` met in a scope.
    pub(super) fn own_cures(
        &self,
        signature: Signature,
        tool: u32,
        scope: Option<&str>,
    ) -> Vec<Cure> {
        let scope = scope.map(|scope| self.name_no(scope).unwrap_or(0));
        let mut own = History::default();
        for run in self.met(signature).filter(|run| scope.is_none_or(|scope| scope == run.scope)) {
            own.add_run(run, tool, signature);
        }
        let [min_tried, _] = MIN_TRIED;
        self.cures(&own, self.retry_rate(own.plain), min_tried)
    }

    /// Success rate of a plain retry after an error, given how those after that error went.
    fn retry_rate(&self, plain: Tally) -> f64 {
        plain.posterior(Prior::around(self.overall_retry_rate())).mean
    }

    /// Success rate of plain retries after any error.
    fn overall_retry_rate(&self) -> f64 {
        self.plain_retries().posterior(PLAIN_RETRY).mean
    }

    /// The cures in a history, best first.
    fn cures(&self, history: &History<'_>, retry_rate: f64, min_tried: u32) -> Vec<Cure> {
        let overall = self.overall_retry_rate();
        let better = history.remedies.iter().filter_map(|(remedy, record)| {
            let tally = record.tally;
            if tally.n_tried < min_tried || tally.n_resolved < MIN_RESOLVED {
                return None;
            }
            let posterior = tally.posterior(Prior::UNIFORM);
            let usual = if remedy.is_plain() { overall } else { retry_rate };
            let is_cure = posterior.lower > usual && history.is_closed(remedy, posterior.lower);
            is_cure.then(|| self.cure(remedy, record, posterior))
        });
        let mut cures: Vec<Cure> = better.collect();
        cures.sort_by(|a, b| {
            let worth = |cure: &Cure| cure.posterior.successes * cure.posterior.lower;
            let what = |cure: &Cure| (cure.via.clone(), cure.instead.clone(), cure.changed.clone());
            // The names decide between equals, so that the order of arrival does not.
            worth(b).total_cmp(&worth(a)).then_with(|| what(a).cmp(&what(b)))
        });
        cures
    }

    fn cure(&self, remedy: &Remedy<'_>, record: &Record<'_>, posterior: Posterior) -> Cure {
        let mut evidence = record.evidence.clone();
        evidence.sort_unstable_by_key(|evidence| Reverse(*evidence));
        evidence.truncate(MAX_EVIDENCE);
        let named = |path: &Path| path.tools().map(|no| self.name(no).into()).collect();
        let (mut via, is_instead): (Vec<Box<str>>, bool) = match remedy {
            Remedy::Retry(_) => (Vec::new(), false),
            Remedy::Via(path) => (named(path), false),
            Remedy::Instead(path) => (named(path), true),
        };
        let instead = if is_instead { via.pop() } else { None };
        let usual = record.changed.iter().max_by_key(|(names, n)| (**n, Reverse(**names)));
        Cure {
            via,
            instead,
            changed: usual.map(|(names, _)| names.to_vec()).unwrap_or_default(),
            n_tried: record.tally.n_tried,
            n_resolved: record.tally.n_resolved,
            posterior,
            n_dead_ends: record.tally.n_dead_ends,
            evidence,
        }
    }
}

#[cfg(test)]
mod tests;
