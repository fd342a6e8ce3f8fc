//! Features of an attempt: what its task, its agent and its steps say about its outcome.

use rustc_hash::{FxHashMap, FxHashSet};

use super::fading::{Fading, Wider};
use crate::learn::{AgentKey, CallKey, Move, NameId, OutcomeCounts, Run, TaskKey};
use crate::predict::attempt::Attempt;
use crate::stats::real;

/// Number of features.
pub(super) const N_FEATURES: usize = 9;

/// Features of an attempt.
pub(super) type Features = [f64; N_FEATURES];

/// Attempts that the rate of the scope is worth for a task, of a task for an agent at it, and of a
/// scope for a sequence.
const TASK_PRIOR: f64 = 1.0;
const AGENT_PRIOR: f64 = 4.0;
const SEQUENCE_PRIOR: f64 = 4.0;

/// Attempts from which a sequence says something.
const MIN_SEQUENCE: f64 = 2.0;

/// Attempts with which a sequence is believed by half.
const HALF_BELIEVED: f64 = 8.0;

/// Chance that log-odds are bounded by on both sides.
const LEAST: f64 = 1e-4;

/// Attempts and the sum of how much better they went than their task let expect.
#[derive(Debug, Clone, Copy, Default)]
struct Ability {
    n: f64,
    surplus: f64,
}

/// Way of looking at an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// As it is.
    Whole,
    /// As if its task had never been tried: all that comes from other attempts at it is left out.
    AsNew,
}

impl View {
    pub(super) const ALL: [Self; 2] = [Self::Whole, Self::AsNew];
}

/// Counts from which features are computed.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    scopes: FxHashMap<NameId, OutcomeCounts>,
    tasks: FxHashMap<(NameId, TaskKey), Fading>,
    abilities: FxHashMap<(NameId, Option<AgentKey>), Ability>,
    agents_at_tasks: FxHashMap<(NameId, TaskKey, Option<AgentKey>), (Fading, Ability)>,
    sequences: FxHashMap<(NameId, u64), OutcomeCounts>,
    /// The same for each task, so that they can be left out.
    task_sequences: FxHashMap<(NameId, TaskKey, u64), OutcomeCounts>,
    /// Number of attempts of a scope and of their steps.
    lengths: FxHashMap<NameId, (f64, f64)>,
}

/// Chance before anything is known of an attempt's steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain {
    /// Rate of its scope.
    pub(super) base: f64,
    /// Rate of its task, drawn towards that of its scope.
    pub(super) chance: f64,
    /// Attempts at its task with a known outcome, those with an inferred one by half.
    pub(super) n_task: f64,
    /// Whole successes among them.
    pub(super) successes: f64,
    /// Attempts that the chance rests on: where it changed, the last ones.
    pub(super) n_worth: f64,
}

fn log_odds(chance: f64) -> f64 {
    let chance = chance.clamp(LEAST, 1.0 - LEAST);
    (chance / (1.0 - chance)).ln()
}

fn drawn(counts: Option<&OutcomeCounts>, rate: f64, worth: f64) -> f64 {
    let OutcomeCounts { n, successes, .. } = counts.copied().unwrap_or_default();
    (successes + worth * rate) / (n + worth)
}

/// Returns a rate that attempts at a task are drawn towards.
const fn of_task(rate: f64) -> Wider {
    Wider { rate, worth: TASK_PRIOR }
}

/// Passes each move, and each pair of moves, to `take` as a number.
fn sequences(moves: &[Move], mut take: impl FnMut(u64)) {
    let mut before = u64::from(u32::MAX);
    for step in moves {
        let code = u64::from(step.tool) << 1 | u64::from(step.ok);
        take(code << 2 | 1);
        // Names of tools are far fewer than the two thousand million that would collide here.
        take((before << 33 | code << 2) | 2);
        before = code;
    }
}

/// Returns counts without others that are among them.
fn without(all: Option<&OutcomeCounts>, part: Option<&OutcomeCounts>) -> OutcomeCounts {
    let (mut all, part) = (all.copied().unwrap_or_default(), part.copied().unwrap_or_default());
    all.n -= part.n;
    all.successes -= part.successes;
    all
}

impl Evidence {
    /// Returns the plain chance of an attempt.
    pub(super) fn plain(&self, attempt: Attempt<'_>, view: View) -> Plain {
        let scope = self.scopes.get(&attempt.scope);
        let task = self.tasks.get(&(attempt.scope, attempt.task)).copied().unwrap_or_default();
        let all = task.all();
        if view == View::AsNew {
            let base = drawn(Some(&without(scope, Some(&all))), 0.5, 2.0);
            return Plain { base, chance: base, n_task: 0.0, successes: 0.0, n_worth: 0.0 };
        }
        let base = drawn(scope, 0.5, 2.0);
        let (chance, n_worth) = task.next(of_task(base));
        Plain { base, chance, n_task: all.n, successes: all.successes, n_worth }
    }

    /// Returns the number of attempts of a scope with a known outcome.
    pub(super) fn n_scope(&self, scope: NameId) -> f64 {
        self.scopes.get(&scope).map_or(0.0, |counts| counts.n)
    }

    /// Returns the features of an attempt after its steps.
    pub(super) fn features(&self, attempt: Attempt<'_>, plain: Plain, view: View) -> Features {
        let prior = log_odds(plain.chance);
        let Attempt { scope, task, agent: by, .. } = attempt;
        let mut ability = self.abilities.get(&(scope, by)).copied().unwrap_or_default();
        let own = self.agents_at_tasks.get(&(scope, task, by)).filter(|_| view == View::Whole);
        let at_task = own.map_or(plain.chance, |(own, _)| own.next(of_task(plain.chance)).0);
        let at_task = log_odds(at_task) - prior;
        if let (View::AsNew, Some((_, here))) = (view, self.agents_at_tasks.get(&(scope, task, by)))
        {
            ability.n -= here.n;
            ability.surplus -= here.surplus;
        }
        let agent = AGENT_PRIOR * ability.surplus / (ability.n + AGENT_PRIOR);
        let [failed, last, repeated, sequences, length] = self.of_steps(attempt, plain.base, view);
        [1.0, prior, agent, at_task, failed, last, repeated, sequences, length]
    }

    fn of_steps(&self, attempt: Attempt<'_>, base: f64, view: View) -> [f64; 5] {
        let Attempt { scope, task, moves, calls, .. } = attempt;
        if moves.is_empty() {
            return [0.0; 5];
        }
        let n = real(moves.len());
        let failed = real(moves.iter().filter(|step| !step.ok).count()) / n;
        let last = if moves.last().is_some_and(|step| !step.ok) { 0.5 } else { 0.0 };
        let mut seen = FxHashSet::default();
        let known = calls.iter().filter(|call| **call != CallKey::NONE);
        let repeated = real(known.filter(|call| !seen.insert(**call)).count()) / n;
        let (mut sum, mut met) = (0.0, FxHashSet::default());
        sequences(moves, |sequence| {
            if !met.insert(sequence) {
                return;
            }
            let own = self.task_sequences.get(&(scope, task, sequence));
            let own = own.filter(|_| view == View::AsNew);
            let counts = without(self.sequences.get(&(scope, sequence)), own);
            if counts.n >= MIN_SEQUENCE {
                let odds = log_odds(drawn(Some(&counts), base, SEQUENCE_PRIOR)) - log_odds(base);
                sum += odds * counts.n / (counts.n + HALF_BELIEVED);
            }
        });
        let sequences = (sum / real(met.len()).sqrt()).clamp(-2.0, 2.0) * 0.5;
        let (n_runs, n_steps) = self.lengths.get(&scope).copied().unwrap_or_default();
        let length =
            if n_runs > 2.0 && n_steps > 0.0 { 0.3 * (n * n_runs / n_steps).min(3.0) } else { 0.0 };
        [failed, last, repeated, sequences, length]
    }

    /// Counts an attempt that ended with a whole success or not.
    pub(super) fn add(&mut self, run: &Run, success: f64) {
        let (scope, weight) = (run.scope, run.weight());
        let plain = self.plain(Attempt::of(run), View::Whole);
        let surplus = weight * (success - plain.chance);
        let at_task = self.agents_at_tasks.entry((scope, run.task, run.agent)).or_default();
        at_task.0.add(weight, success, of_task(plain.chance));
        for ability in [self.abilities.entry((scope, run.agent)).or_default(), &mut at_task.1] {
            ability.n += weight;
            ability.surplus += surplus;
        }
        self.scopes.entry(scope).or_default().add(weight, success);
        let task = self.tasks.entry((scope, run.task)).or_default();
        task.add(weight, success, of_task(plain.base));
        if !run.moves.is_empty() {
            let length = self.lengths.entry(scope).or_default();
            length.0 += 1.0;
            length.1 += real(run.moves.len());
        }
        let mut met = FxHashSet::default();
        sequences(&run.moves, |sequence| {
            if met.insert(sequence) {
                self.sequences.entry((scope, sequence)).or_default().add(weight, success);
                let own = self.task_sequences.entry((scope, run.task, sequence)).or_default();
                own.add(weight, success);
            }
        });
    }
}
