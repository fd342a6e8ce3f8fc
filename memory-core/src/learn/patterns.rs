//! All that is found in the runs of a scope, of whatever kind, beside how surely it goes with success.

use std::cmp::Reverse;

use super::contexts::ContextRecord;
use super::evidence::{Effect, Posterior, benjamini_hochberg, effect};
use super::recovery::Cure;
use super::sequences::Sequence;
use super::signature::Hash;
use super::{Learned, Move, Run, Signature};
use crate::model::EpisodeId;

/// Level of the intervals.
const LEVEL: f64 = 0.8;

/// Most patterns of a kind that are compared with the runs without them; the others by support.
const MAX_COMPARED: usize = 200;

/// Most runs among which sequences with gaps are looked for: the newest.
const MAX_GAPPED_RUNS: usize = 2_000;

/// Newest episodes that are named for a pattern.
const MAX_EPISODES: usize = 3;

/// Share of false discoveries below which an effect counts as shown.
const SHOWN_AT: f64 = 0.1;

/// The kinds of pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PatternKind {
    /// Moves in an order, with or without others between.
    Sequence,
    /// A move after which runs go different ways.
    DecisionPoint,
    /// What cures an error.
    Recovery,
    /// What held for runs of a context.
    Context,
}

impl PatternKind {
    /// Every kind.
    pub(crate) const ALL: [Self; 4] =
        [Self::Sequence, Self::DecisionPoint, Self::Recovery, Self::Context];

    /// Its fixed name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::DecisionPoint => "decision_point",
            Self::Recovery => "recovery",
            Self::Context => "context",
        }
    }

    /// The kind of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Which patterns are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PatternQuery<'a> {
    /// Of this kind only.
    pub(crate) kind: Option<PatternKind>,
    /// Those that this tool is part of; `bash` is part of what `bash:ls` is part of.
    pub(crate) tool: Option<&'a str>,
    /// In the runs of this scope only.
    pub(crate) scope: Option<&'a str>,
    /// Fewest runs behind one; 0 counts as 1.
    pub(crate) min_support: u32,
    /// Most patterns.
    pub(crate) limit: usize,
}

/// Something that several runs have in common.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    /// The same for the same pattern in the same scope, in every store and for ever.
    pub(crate) id: u64,
    /// What it is.
    pub(crate) what: What,
    /// Runs that have it; for a recovery, times that it was tried.
    pub(crate) n: u32,
    /// How runs with it ended; for a recovery, how often it worked. An 80 % interval.
    pub(crate) posterior: Posterior,
    /// How much oftener runs with it succeed than runs of the same task without it; `None` where nothing
    /// can be compared.
    pub(crate) effect: Option<Effect>,
    /// Expected share of chance finds among all patterns that are at least as clear (Benjamini and
    /// Hochberg), over those of its kind.
    pub(crate) q: Option<f64>,
    /// The newest episodes that have it.
    pub(crate) episodes: Vec<EpisodeId>,
}

/// What a pattern consists of, in names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// Tools and whether they were ok, in their order.
    Sequence {
        /// The moves.
        steps: Vec<(Box<str>, bool)>,
        /// Whether up to two others may lie between two of them.
        gapped: bool,
    },
    /// A move and what runs did next, most frequent first.
    Decision {
        /// The move; `None` for the beginning.
        after: Option<(Box<str>, bool)>,
        /// What came next.
        branches: Vec<Choice>,
        /// Uncertainty of what comes next, in bits.
        entropy_bits: f64,
        /// By how much the success of the branches differs; `None` where too few runs say.
        difference: Option<f64>,
    },
    /// An error and what cured it.
    Recovery {
        /// The tool that failed.
        tool: Box<str>,
        /// The error.
        signature: Signature,
        /// What cured it.
        cure: Cure,
    },
    /// A context, beside the rest of the scope.
    Context(ContextRecord),
}

/// What some runs did next.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// The tool; `None` for the end of the run.
    pub(crate) tool: Option<Box<str>>,
    /// How often it came next.
    pub(crate) n: u32,
    /// In how many runs.
    pub(crate) n_runs: u32,
    /// How those runs ended.
    pub(crate) outcome: Posterior,
}

impl What {
    /// Its kind.
    pub(crate) const fn kind(&self) -> PatternKind {
        match self {
            Self::Sequence { .. } => PatternKind::Sequence,
            Self::Decision { .. } => PatternKind::DecisionPoint,
            Self::Recovery { .. } => PatternKind::Recovery,
            Self::Context(_) => PatternKind::Context,
        }
    }

    /// The names that it is made of: what tells it from every other pattern of its kind.
    fn parts(&self) -> Vec<&str> {
        let mark = |ok: bool| if ok { "ok" } else { "failed" };
        match self {
            Self::Sequence { steps, gapped } => {
                let steps = steps.iter().flat_map(|(tool, ok)| [&**tool, mark(*ok)]);
                std::iter::once(if *gapped { "gapped" } else { "direct" }).chain(steps).collect()
            }
            Self::Decision { after: None, .. } => vec!["start"],
            Self::Decision { after: Some((tool, ok)), .. } => vec!["after", tool, mark(*ok)],
            Self::Recovery { tool, cure, .. } => {
                let changed: &[Box<str>] = if cure.via.is_empty() { &cure.changed } else { &[] };
                let via = cure.via.iter().map(|tool| &**tool).chain(["then"]);
                let rest = cure.instead.iter().chain(changed).map(|name| &**name);
                std::iter::once(&**tool).chain(via).chain(rest).collect()
            }
            Self::Context(context) => vec![context.facet.name(), &context.value],
        }
    }

    /// Its number in a scope.
    fn id(&self, scope: Option<&str>) -> u64 {
        let mut hash = Hash::new();
        let signature = match self {
            Self::Recovery { signature, .. } => signature.0,
            _ => 0,
        };
        hash.take(&signature.to_le_bytes());
        for part in [scope.unwrap_or("*"), self.kind().name()].into_iter().chain(self.parts()) {
            hash.take(part.as_bytes());
            hash.take(&[0]);
        }
        hash.finish()
    }

    /// Whether a tool is part of it.
    fn has_tool(&self, wanted: &str) -> bool {
        let is = |tool: &str| {
            let rest = tool.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        match self {
            Self::Sequence { steps, .. } => steps.iter().any(|(tool, _)| is(tool)),
            Self::Decision { after, branches, .. } => {
                let next = branches.iter().filter_map(|branch| branch.tool.as_deref());
                after.iter().map(|(tool, _)| &**tool).chain(next).any(is)
            }
            Self::Recovery { tool, cure, .. } => {
                is(tool) || cure.via.iter().chain(&cure.instead).any(|tool| is(tool))
            }
            Self::Context(context) => context.tools.iter().any(|(tool, ..)| is(tool)),
        }
    }
}

impl Learned {
    /// The patterns that are wanted: those with a shown effect first, the clearest first, then by the number
    /// of runs.
    ///
    /// Of each kind the 200 with most runs are compared with the runs without them. Costs a look at every
    /// run for each of these: about a second for ten thousand runs.
    pub(crate) fn patterns(&self, query: &PatternQuery<'_>) -> Vec<Pattern> {
        let runs = self.runs_in(query.scope);
        let grouped = by_stratum(&runs);
        let mut all = Vec::new();
        for kind in PatternKind::ALL {
            if query.kind.is_some_and(|wanted| wanted != kind) {
                continue;
            }
            let mut found = self.found(kind, query, &runs);
            found.retain(|(what, _)| query.tool.is_none_or(|tool| what.has_tool(tool)));
            // By support, then by names: the order of arrival decides nothing.
            found.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.parts().cmp(&b.parts())));
            found.truncate(MAX_COMPARED);
            let mut patterns: Vec<Pattern> = found
                .into_iter()
                .filter_map(|(what, n)| self.pattern_of(what, n, query.scope, &grouped))
                .collect();
            set_q(&mut patterns);
            all.extend(patterns);
        }
        all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id)));
        all.truncate(query.limit);
        all
    }

    /// The pattern with a number in a scope, from those that at least two runs have; alone, so without the
    /// share of chance finds.
    #[cfg(test)]
    pub(crate) fn pattern(&self, id: u64, scope: Option<&str>) -> Option<Pattern> {
        let query = PatternQuery { scope, min_support: 2, ..PatternQuery::default() };
        let runs = self.runs_in(scope);
        PatternKind::ALL.into_iter().find_map(|kind| {
            let mut found = self.found(kind, &query, &runs).into_iter();
            let (what, n) = found.find(|(what, _)| what.id(scope) == id)?;
            self.pattern_of(what, n, scope, &by_stratum(&runs))
        })
    }

    /// What there is of a kind, with its support.
    fn found(
        &self,
        kind: PatternKind,
        query: &PatternQuery<'_>,
        runs: &[&Run],
    ) -> Vec<(What, u32)> {
        let min = query.min_support.max(1);
        match kind {
            PatternKind::Sequence => self.found_sequences(query.scope, min as usize, runs),
            PatternKind::DecisionPoint => {
                let nodes = self.decisions(query.scope, min).into_iter();
                nodes.map(|node| (self.decision(&node, min), node.n_runs)).collect()
            }
            PatternKind::Recovery => self.recoveries(query.scope, runs, min),
            PatternKind::Context => {
                let contexts = self.contexts(query.scope, min).into_iter();
                contexts
                    .map(|context| (context.n_runs, context))
                    .map(|(n, c)| (What::Context(c), n))
                    .collect()
            }
        }
    }

    fn found_sequences(&self, scope: Option<&str>, min: usize, runs: &[&Run]) -> Vec<(What, u32)> {
        let direct = self.sequences(scope, min);
        let newest = runs.get(..MAX_GAPPED_RUNS).unwrap_or(runs);
        let (gapped, _) = self.gapped(newest, min);
        let is_direct = |gapped: &Sequence| {
            self.n_direct(&gapped.moves, scope, newest.last().copied()) == gapped.n_runs
        };
        let gapped = gapped.into_iter().filter(|sequence| !is_direct(sequence));
        let what = |sequence: Sequence, gapped: bool| {
            let steps = sequence.moves.iter().map(|step| self.named(*step)).collect();
            let n_runs = u32::try_from(sequence.n_runs).unwrap_or(u32::MAX);
            (What::Sequence { steps, gapped }, n_runs)
        };
        let direct = direct.into_iter().map(|sequence| what(sequence, false));
        direct.chain(gapped.map(|sequence| what(sequence, true))).collect()
    }

    fn named(&self, step: Move) -> (Box<str>, bool) {
        (self.name(step.tool).into(), step.ok)
    }

    fn decision(&self, node: &super::flow::Node, min: u32) -> What {
        let choice = |branch: &super::flow::Branch| Choice {
            tool: branch.tool.map(|tool| self.name(tool).into()),
            n: branch.n,
            n_runs: branch.n_runs,
            outcome: branch.outcome,
        };
        What::Decision {
            after: node.after.map(|step| self.named(step)),
            branches: node.branches.iter().map(choice).collect(),
            entropy_bits: node.entropy_bits,
            difference: node.difference(min),
        }
    }

    /// Cures of the errors that runs met.
    fn recoveries(&self, scope: Option<&str>, runs: &[&Run], min: u32) -> Vec<(What, u32)> {
        let errors = runs.iter().flat_map(|run| {
            let tool = |at: u32| run.moves.get(at as usize).map(|step| step.tool);
            run.incidents
                .iter()
                .filter_map(move |incident| Some((incident.signature, tool(incident.at)?)))
        });
        let mut errors: Vec<(Signature, u32)> = errors.collect();
        errors.sort_unstable();
        errors.dedup();
        let mut found = Vec::new();
        for (signature, tool) in errors {
            let name: Box<str> = self.name(tool).into();
            let cures = self.own_cures(signature, tool, scope).into_iter();
            found.extend(cures.filter(|cure| cure.n_tried >= min).map(|cure| {
                let n_tried = cure.n_tried;
                (What::Recovery { tool: name.clone(), signature, cure }, n_tried)
            }));
        }
        found
    }

    /// The pattern with its figures; `None` where a name is nobody's.
    fn pattern_of(
        &self,
        what: What,
        n: u32,
        scope: Option<&str>,
        runs: &[&Run],
    ) -> Option<Pattern> {
        let probe = self.probe(&what)?;
        let (mut trials, mut exposed) = (Vec::with_capacity(runs.len()), Vec::new());
        for run in runs {
            let Some(is_exposed) = probe.exposed(run) else { continue };
            trials.extend(run.trial(is_exposed));
            if is_exposed {
                exposed.push((run.ended_at, run.id));
            }
        }
        exposed.sort_unstable_by_key(|newest| Reverse(*newest));
        let episodes = exposed.into_iter().take(MAX_EPISODES).map(|(_, id)| id).collect();
        let posterior = if let What::Recovery { cure, .. } = &what {
            cure.posterior
        } else {
            let with = trials.iter().filter(|trial| trial.exposed);
            let n_success = with.clone().filter(|trial| trial.success).count();
            Posterior::new(count(with.count()), count(n_success), LEVEL)
        };
        let id = what.id(scope);
        Some(Pattern { id, what, n, posterior, effect: effect(&mut trials), q: None, episodes })
    }
}

/// Runs of one task beside each other, as a comparison orders them: ordering them again costs little.
fn by_stratum<'a>(runs: &[&'a Run]) -> Vec<&'a Run> {
    let mut runs = runs.to_vec();
    runs.sort_by_key(|run| run.strata);
    runs
}

fn count(n: usize) -> f64 {
    u32::try_from(n).unwrap_or(u32::MAX).into()
}

/// Sets the share of chance finds, over the patterns of a kind that could be compared.
fn set_q(patterns: &mut [Pattern]) {
    let p: Vec<f64> = patterns.iter().filter_map(|pattern| Some(pattern.effect?.p)).collect();
    let compared = patterns.iter_mut().filter(|pattern| pattern.effect.is_some());
    for (pattern, q) in compared.zip(benjamini_hochberg(&p)) {
        pattern.q = Some(q);
    }
}

/// What patterns are ordered by.
fn rank(pattern: &Pattern) -> (u8, u64, Reverse<u32>) {
    match pattern.q.filter(|q| *q < SHOWN_AT) {
        // Numbers that are not negative are ordered like their bits.
        Some(q) => (0, q.max(0.0).to_bits(), Reverse(pattern.n)),
        None => (1, 0, Reverse(pattern.n)),
    }
}

#[cfg(test)]
mod tests;
