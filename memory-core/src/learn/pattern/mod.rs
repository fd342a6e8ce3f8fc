//! Patterns: what several runs have in common, with how it goes with success.
//!
//! Four kinds are mined from the table of runs: sequences of steps (`sequence.rs`), decision points
//! (`flow.rs`), recoveries from errors (`recovery.rs`) and contexts (`context.rs`). Each pattern is
//! compared with the runs without it (`matcher.rs`), adjusted for the task, and q-values are
//! computed over all patterns of its kind. Nothing is precomputed: a query reads every run.
//! `risk.rs` finds calls that mostly failed.

mod body;
mod context;
mod flow;
mod known_error;
mod matcher;
mod recovery;
mod risk;
mod sequence;

use std::cmp::Reverse;

pub use body::PatternKind;
use body::{Branch, PatternBody};
use flow::{FlowBranch, FlowNode};
pub use known_error::KnownError;
pub(crate) use known_error::MetError;
pub use recovery::Cure;
pub(crate) use recovery::CureExample;
pub(crate) use risk::{MIN_FAILED, Risk};
use sequence::Sequence;

use super::association::Association;
use super::digest::Signature;
use super::quote::StepRef;
use super::table::{Learned, Move, NameId, Run};
use crate::model::{EpisodeId, Scope};
use crate::stats::{Effect, Posterior, benjamini_hochberg, effect};

/// Level of the intervals.
const LEVEL: f64 = 0.8;

/// Maximum number of patterns of a kind that are compared with the runs without them: those with
/// the highest support.
const MAX_COMPARED: usize = 200;

/// Maximum number of runs that sequences with gaps are mined from: the newest.
const MAX_GAPPED_RUNS: usize = 2_000;

/// Maximum number of episodes that are named for a pattern.
const MAX_EPISODES: usize = 3;

/// q-value below which an effect counts as shown.
const MAX_SHOWN_Q: f64 = 0.1;

/// Minimum number of runs behind a pattern when the query gives none.
const DEFAULT_SUPPORT: u32 = 3;

/// Conditions on patterns; all that are set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatternQuery {
    /// Kind of pattern; every kind, if not given.
    pub kind: Option<PatternKind>,
    /// Tool that is part of it; `bash` is part of what `bash:ls` is part of.
    pub tool: Option<String>,
    /// Scope of the episodes; all scopes, if not given.
    pub scope: Option<Scope>,
    /// Minimum number of episodes behind it; 3, if not given. 0 counts as 1.
    pub min_support: Option<u32>,
    /// Maximum number of patterns; 10, if not given.
    pub limit: Option<usize>,
}

/// Something that several ended episodes have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Id of 16 hexadecimal digits; the same pattern in the same scope always has the same one.
    pub id: String,
    /// Kind of pattern.
    pub kind: PatternKind,
    /// The pattern in words.
    pub text: String,
    /// Number of episodes that have it; for a recovery, of times that it was tried.
    pub n: u32,
    /// Success rate of episodes that have it, as far as their outcomes are known; for a recovery,
    /// how often it worked. 80 % interval.
    pub success: Posterior,
    /// Association with success, adjusted for the task; `None` where too few can be compared.
    pub effect: Option<Association>,
    /// Newest episodes that have it, newest first.
    pub episodes: Vec<EpisodeId>,
    /// Its content.
    body: PatternBody,
}

impl Pattern {
    /// Returns the step whose error is quoted in the text of a recovery.
    pub(crate) fn error_step(&self) -> Option<StepRef> {
        match &self.body {
            PatternBody::Recovery { cure, .. } => {
                cure.examples.first().map(CureExample::failed_step)
            }
            _ => None,
        }
    }

    /// Quotes the error of a recovery in the text.
    pub(crate) fn quote_error(&mut self, error: Option<&str>) {
        self.text = self.body.text(error);
    }
}

/// A pattern that was found, before its figures are known.
struct Candidate {
    body: PatternBody,
    /// Number of runs, or for a recovery of attempts.
    n: u32,
}

/// A candidate with its figures, before its q-value is known.
struct Compared {
    candidate: Candidate,
    success: Posterior,
    effect: Option<Effect>,
    episodes: Vec<EpisodeId>,
}

impl Compared {
    fn into_pattern(self, q: Option<f64>, scope: Option<&str>) -> Pattern {
        let Candidate { body, n } = self.candidate;
        Pattern {
            id: format!("{:016x}", body.id(scope)),
            kind: body.kind(),
            text: body.text(None),
            n,
            success: self.success,
            effect: self.effect.and_then(|effect| Association::of(&effect, q)),
            episodes: self.episodes,
            body,
        }
    }
}

impl Learned {
    /// Finds patterns: those with a shown effect first, by ascending q-value, then by support.
    ///
    /// Errors of recoveries are not quoted yet. Of each kind the 200 patterns with the highest
    /// support are compared with the runs without them. Costs a look at every run for each of
    /// these: about a second for ten thousand runs.
    pub(crate) fn patterns(&self, query: &PatternQuery, limit: usize) -> Vec<Pattern> {
        let scope = query.scope.as_ref().map(Scope::as_str);
        let runs = self.runs_in(scope);
        // A comparison sorts runs by their strata: sorting them once makes that cheap.
        let mut by_stratum = runs.clone();
        by_stratum.sort_by_key(|run| run.strata);
        let kinds = PatternKind::ALL.into_iter();
        let mut all = Vec::new();
        for kind in kinds.filter(|kind| query.kind.is_none_or(|wanted| wanted == *kind)) {
            let mut found = self.candidates(kind, query, &runs);
            let tool = query.tool.as_deref();
            found.retain(|candidate| tool.is_none_or(|tool| candidate.body.has_tool(tool)));
            // Names break ties, so that the order of arrival does not.
            found.sort_by(|a, b| b.n.cmp(&a.n).then_with(|| a.body.key().cmp(&b.body.key())));
            found.truncate(MAX_COMPARED);
            let compared: Vec<Compared> = found
                .into_iter()
                .filter_map(|candidate| self.compare(candidate, &by_stratum))
                .collect();
            all.extend(with_q_values(compared, scope));
        }
        all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id)));
        all.truncate(limit);
        all
    }

    /// Mines the patterns of one kind.
    fn candidates(&self, kind: PatternKind, query: &PatternQuery, runs: &[&Run]) -> Vec<Candidate> {
        let scope = query.scope.as_ref().map(Scope::as_str);
        let min = query.min_support.unwrap_or(DEFAULT_SUPPORT).max(1);
        match kind {
            PatternKind::Sequence => self.frequent_sequences(scope, min as usize, runs),
            PatternKind::DecisionPoint => {
                let nodes = self.decision_points(scope, min).into_iter();
                nodes.map(|node| self.decision(node, min)).collect()
            }
            PatternKind::Recovery => self.recoveries(scope, runs, min),
            PatternKind::Context => {
                let contexts = self.contexts(scope, min).into_iter();
                contexts
                    .map(|context| Candidate {
                        n: context.n_runs,
                        body: PatternBody::Context(context),
                    })
                    .collect()
            }
        }
    }

    fn frequent_sequences(&self, scope: Option<&str>, min: usize, runs: &[&Run]) -> Vec<Candidate> {
        let newest = runs.get(..MAX_GAPPED_RUNS).unwrap_or(runs);
        let (gapped, _) = self.gapped_sequences(newest, min);
        let oldest = newest.last().copied();
        let contiguous = self.sequences(scope, min).into_iter();
        // A sequence without gaps in all of its runs is among the contiguous ones.
        let gapped = gapped.into_iter().filter(|sequence| {
            self.n_contiguous(&sequence.moves, scope, oldest) != sequence.n_runs
        });
        contiguous
            .map(|sequence| self.sequence(&sequence, false))
            .chain(gapped.map(|sequence| self.sequence(&sequence, true)))
            .collect()
    }

    fn sequence(&self, sequence: &Sequence, gapped: bool) -> Candidate {
        let steps = sequence.moves.iter().map(|step| self.named(*step)).collect();
        let n = u32::try_from(sequence.n_runs).unwrap_or(u32::MAX);
        Candidate { body: PatternBody::Sequence { steps, gapped }, n }
    }

    fn named(&self, step: Move) -> (Box<str>, bool) {
        (self.name(step.tool).into(), step.ok)
    }

    fn decision(&self, node: FlowNode, min: u32) -> Candidate {
        let difference = node.difference(min);
        let branch = |branch: FlowBranch| Branch {
            tool: branch.tool.map(|tool| self.name(tool).into()),
            n: branch.n,
            n_runs: branch.n_runs,
            outcome: branch.outcome,
        };
        let body = PatternBody::Decision {
            after: node.after.map(|step| self.named(step)),
            branches: node.branches.into_iter().map(branch).collect(),
            entropy_bits: node.entropy_bits,
            difference,
        };
        Candidate { body, n: node.n_runs }
    }

    /// Finds the cures of the errors that runs met.
    fn recoveries(&self, scope: Option<&str>, runs: &[&Run], min: u32) -> Vec<Candidate> {
        let errors = runs.iter().flat_map(|run| {
            run.incidents.iter().map(|incident| (incident.signature, run.tool_at(incident.at)))
        });
        let mut errors: Vec<(Signature, NameId)> = errors.collect();
        errors.sort_unstable();
        errors.dedup();
        let mut found = Vec::new();
        for (signature, tool) in errors {
            let cures = self.own_cures(signature, tool, scope).into_iter();
            found.extend(cures.filter(|cure| cure.n_tried >= min).map(|cure| Candidate {
                n: cure.n_tried,
                body: PatternBody::Recovery { tool: self.name(tool).into(), signature, cure },
            }));
        }
        found
    }

    /// Compares the runs with a pattern to those without it; `None` where no run holds one of its
    /// names.
    fn compare(&self, candidate: Candidate, runs: &[&Run]) -> Option<Compared> {
        let matcher = self.matcher(&candidate.body)?;
        let (mut trials, mut with_pattern) = (Vec::with_capacity(runs.len()), Vec::new());
        for run in runs {
            let Some(has_pattern) = matcher.matches(run) else { continue };
            trials.extend(run.trial(has_pattern));
            if has_pattern {
                with_pattern.push(run.age_key());
            }
        }
        with_pattern.sort_unstable_by_key(|newest| Reverse(*newest));
        let success = if let PatternBody::Recovery { cure, .. } = &candidate.body {
            cure.success
        } else {
            let (n, n_success) = trials
                .iter()
                .filter(|trial| trial.exposed)
                .fold((0_u32, 0_u32), |(n, n_success), trial| {
                    (n + 1, n_success + u32::from(trial.success))
                });
            Posterior::new(n.into(), n_success.into(), LEVEL)
        };
        Some(Compared {
            candidate,
            success,
            effect: effect(&mut trials),
            episodes: with_pattern.into_iter().take(MAX_EPISODES).map(|(_, id)| id).collect(),
        })
    }
}

/// Computes the q-values of the patterns of a kind that could be compared.
fn with_q_values(compared: Vec<Compared>, scope: Option<&str>) -> Vec<Pattern> {
    let p: Vec<f64> = compared.iter().filter_map(|compared| Some(compared.effect?.p)).collect();
    let mut q_values = benjamini_hochberg(&p).into_iter();
    let mut patterns = Vec::with_capacity(compared.len());
    for compared in compared {
        // One q-value for each effect, in the same order.
        let q = compared.effect.and_then(|_| q_values.next());
        patterns.push(compared.into_pattern(q, scope));
    }
    patterns
}

/// Returns the key by which patterns are ordered.
fn rank(pattern: &Pattern) -> (u8, u64, Reverse<u32>) {
    let q = pattern.effect.and_then(|effect| effect.q);
    match q.filter(|q| *q < MAX_SHOWN_Q) {
        // Floats that are not negative are ordered like their bits.
        Some(q) => (0, q.max(0.0).to_bits(), Reverse(pattern.n)),
        None => (1, 0, Reverse(pattern.n)),
    }
}

#[cfg(test)]
mod tests;
