//! Features of an attempt: what its task, its agent and its steps say about its outcome.

use rustc_hash::{FxHashMap, FxHashSet};

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

/// Counts from which features are computed.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    scopes: FxHashMap<NameId, OutcomeCounts>,
    tasks: FxHashMap<(NameId, TaskKey), OutcomeCounts>,
    abilities: FxHashMap<(NameId, Option<AgentKey>), Ability>,
    agents_at_tasks: FxHashMap<(NameId, TaskKey, Option<AgentKey>), OutcomeCounts>,
    sequences: FxHashMap<(NameId, u64), OutcomeCounts>,
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
}

fn log_odds(chance: f64) -> f64 {
    let chance = chance.clamp(LEAST, 1.0 - LEAST);
    (chance / (1.0 - chance)).ln()
}

fn drawn(counts: Option<&OutcomeCounts>, rate: f64, worth: f64) -> f64 {
    let OutcomeCounts { n, successes, .. } = counts.copied().unwrap_or_default();
    (successes + worth * rate) / (n + worth)
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

impl Evidence {
    /// Returns the plain chance of an attempt.
    pub(super) fn plain(&self, attempt: Attempt<'_>) -> Plain {
        let base = drawn(self.scopes.get(&attempt.scope), 0.5, 2.0);
        let task = self.tasks.get(&(attempt.scope, attempt.task));
        let OutcomeCounts { n: n_task, successes, .. } = task.copied().unwrap_or_default();
        Plain { base, chance: drawn(task, base, TASK_PRIOR), n_task, successes }
    }

    /// Returns the number of attempts of a scope with a known outcome.
    pub(super) fn n_scope(&self, scope: NameId) -> f64 {
        self.scopes.get(&scope).map_or(0.0, |counts| counts.n)
    }

    /// Returns the features of an attempt after its steps.
    pub(super) fn features(&self, attempt: Attempt<'_>, plain: Plain) -> Features {
        let prior = log_odds(plain.chance);
        let Attempt { scope, task, agent: by, moves, calls, .. } = attempt;
        let ability = self.abilities.get(&(scope, by)).copied().unwrap_or_default();
        let at_task = self.agents_at_tasks.get(&(scope, task, by));
        let at_task = log_odds(drawn(at_task, plain.chance, TASK_PRIOR)) - prior;
        let agent = AGENT_PRIOR * ability.surplus / (ability.n + AGENT_PRIOR);
        let [failed, last, repeated, sequences, length] =
            self.of_steps(scope, moves, calls, plain.base);
        [1.0, prior, agent, at_task, failed, last, repeated, sequences, length]
    }

    fn of_steps(&self, scope: NameId, moves: &[Move], calls: &[CallKey], base: f64) -> [f64; 5] {
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
            let counts = self.sequences.get(&(scope, sequence));
            if !met.insert(sequence) {
                return;
            }
            if let Some(counts) = counts.filter(|counts| counts.n >= MIN_SEQUENCE) {
                let odds = log_odds(drawn(Some(counts), base, SEQUENCE_PRIOR)) - log_odds(base);
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
        let plain = self.plain(Attempt::of(run));
        let ability = self.abilities.entry((scope, run.agent)).or_default();
        ability.n += weight;
        ability.surplus += weight * (success - plain.chance);
        self.scopes.entry(scope).or_default().add(weight, success);
        self.tasks.entry((scope, run.task)).or_default().add(weight, success);
        let at_task = self.agents_at_tasks.entry((scope, run.task, run.agent)).or_default();
        at_task.add(weight, success);
        if !run.moves.is_empty() {
            let length = self.lengths.entry(scope).or_default();
            length.0 += 1.0;
            length.1 += real(run.moves.len());
        }
        let mut met = FxHashSet::default();
        sequences(&run.moves, |sequence| {
            if met.insert(sequence) {
                self.sequences.entry((scope, sequence)).or_default().add(weight, success);
            }
        });
    }
}
