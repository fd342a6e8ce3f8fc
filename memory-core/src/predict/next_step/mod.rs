//! Next step: which tool an agent will use, from what followed the same moves before.
//!
//! Prediction by partial matching: what followed the last four moves counts most, and as far as
//! that is little, what followed three, and so on. It is done four times: among all attempts, those
//! of the domain, of the scope and at the same task; each is weighted by how well it foretold the
//! last steps of the running attempt.
//!
//! Source: J. Cleary, I. Witten, "Data compression using adaptive coding and partial string
//! matching", 1984; escape by method C of A. Moffat, "Implementing the PPM data compression
//! scheme", 1990, all orders blended.

mod contexts;

use rustc_hash::FxHashMap;

use self::contexts::{N_CONTEXTS, contexts, is_ok, mix, n_alike};
use super::attempt::Attempt;
use crate::learn::{Move, NameId, Run};
use crate::stats::real;

/// Number of levels: all attempts, those of the domain, of the scope, and at the task.
const N_LEVELS: usize = 4;

/// Weights of the levels before the first step.
const PRIOR: [f64; N_LEVELS] = [0.1, 0.2, 0.2, 0.5];

/// Level of the attempts at the same task.
const TASK: usize = 3;

/// Share of what a step says about the levels that is kept at the next one, and number of last
/// steps that are looked at.
const MEMORY: f64 = 0.5;
const N_LAST: usize = 4;

/// Maximum number of attempts at the same task that are looked at: the newest.
const MAX_SAME_TASK: usize = 6;

/// Share that shorter contexts have left below which they are not looked at.
const NEGLIGIBLE: f64 = 1e-4;

/// Tools that followed a context.
#[derive(Debug, Clone, Default)]
struct Followers {
    n: u32,
    /// Tools, each once: by their place in the list of all tools.
    tools: Vec<(u32, u32)>,
}

impl Followers {
    fn add(&mut self, tool: u32) {
        self.n += 1;
        match self.tools.iter_mut().find(|(known, _)| *known == tool) {
            Some((_, n)) => *n += 1,
            None => self.tools.push((tool, 1)),
        }
    }
}

/// Tools that followed each context of the attempts that were learned.
#[derive(Debug, Default)]
pub(crate) struct NextStep {
    tools: Vec<NameId>,
    places: FxHashMap<NameId, u32>,
    followers: FxHashMap<u64, Followers>,
}

/// What is known of a level at a moment.
#[derive(Debug, Clone, Copy)]
enum Level<'a> {
    /// What was learned under its name, after the contexts of the moment.
    Learned(u64, &'a [Option<u64>; N_CONTEXTS]),
    /// Attempts at the same task.
    Task(&'a Own),
}

/// What followed a moment in attempts at the same task, by context; tools by their names.
#[derive(Debug, Default)]
struct Own([Followers; N_CONTEXTS]);

impl Own {
    /// Counts what followed anything at all.
    fn of_any(same_task: &[&Run]) -> Followers {
        let mut all = Followers::default();
        same_task.iter().flat_map(|run| run.moves.iter()).for_each(|step| all.add(step.tool));
        all
    }

    /// Counts what followed the contexts after `moves`; `any` is what followed anything.
    fn of(moves: &[Move], same_task: &[&Run], any: &Followers) -> Self {
        let mut own = Self::default();
        let [none, plain, rest @ ..] = &mut own.0;
        none.clone_from(any);
        for run in same_task {
            for (at, step) in run.moves.iter().enumerate() {
                let before = run.moves.get(..at).unwrap_or_default();
                let n = n_alike(before, moves);
                if n == 0 {
                    continue;
                }
                plain.add(step.tool);
                if is_ok(before) == is_ok(moves) {
                    rest.iter_mut().take(n).for_each(|followers| followers.add(step.tool));
                }
            }
        }
        own
    }
}

impl NextStep {
    /// Learns an attempt that ended.
    pub(crate) fn learn(&mut self, run: &Run) {
        let levels = level_names(run.scope, run.domain);
        for (at, step) in run.moves.iter().enumerate() {
            let tool = self.place(step.tool);
            let before = run.moves.get(..at).unwrap_or_default();
            for context in contexts(before).into_iter().flatten() {
                for level in levels.into_iter().flatten() {
                    self.followers.entry(mix(level, context)).or_default().add(tool);
                }
            }
        }
    }

    fn place(&mut self, tool: NameId) -> u32 {
        let n = u32::try_from(self.tools.len()).unwrap_or(u32::MAX);
        *self.places.entry(tool).or_insert_with(|| {
            self.tools.push(tool);
            n
        })
    }

    /// Returns the likeliest next tools of an attempt, at most `limit`, with their probabilities.
    ///
    /// `same_task` are attempts at the same task, newest first, which need not be learned. Costs
    /// some microseconds.
    pub(crate) fn predict(
        &self,
        attempt: Attempt<'_>,
        same_task: &[&Run],
        limit: usize,
    ) -> Vec<(NameId, f64)> {
        let same_task = same_task.get(..MAX_SAME_TASK).unwrap_or(same_task);
        let any = Own::of_any(same_task);
        let weights = self.weights(attempt, same_task, &any);
        let mut shares = vec![0.0; self.tools.len()];
        let (names, own) = (contexts(attempt.moves), Own::of(attempt.moves, same_task, &any));
        for (level, weight) in levels(attempt, &names, &own).into_iter().zip(weights) {
            self.blend(level, weight, &mut shares);
        }
        let ranked = self.tools.iter().copied().zip(shares);
        let mut best: Vec<(NameId, f64)> = Vec::new();
        for (tool, share) in ranked {
            if best.len() == limit && best.last().is_some_and(|(_, least)| share <= *least) {
                continue;
            }
            let at = best.partition_point(|(_, better)| *better >= share);
            best.insert(at, (tool, share));
            best.truncate(limit);
        }
        best
    }

    /// Weighs the levels by how well each foretold the last steps.
    fn weights(
        &self,
        attempt: Attempt<'_>,
        same_task: &[&Run],
        any: &Followers,
    ) -> [f64; N_LEVELS] {
        let n = attempt.moves.len();
        let mut logs = [0.0; N_LEVELS];
        for at in n.saturating_sub(N_LAST)..n {
            let (Some(before), Some(step)) = (attempt.moves.get(..at), attempt.moves.get(at))
            else {
                continue;
            };
            let (names, own) = (contexts(before), Own::of(before, same_task, any));
            for (level, log) in levels(attempt, &names, &own).into_iter().zip(&mut logs) {
                *log = MEMORY * *log + self.share_of(level, step.tool).max(1e-9).ln();
            }
        }
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut weights = PRIOR;
        for (weight, log) in weights.iter_mut().zip(logs) {
            *weight *= (log - most).exp();
        }
        if let (true, Some(task)) = (same_task.is_empty(), weights.get_mut(TASK)) {
            *task = 0.0;
        }
        let sum: f64 = weights.iter().sum();
        weights.map(|weight| weight / sum)
    }

    /// Returns what followed the contexts of a level, from long to short, each with the share that
    /// longer ones leave to it; looked up one by one, as long as that share is not negligible.
    fn chain<'a>(
        &'a self,
        level: Option<Level<'a>>,
        left: &'a mut f64,
    ) -> impl Iterator<Item = (f64, &'a Followers)> {
        let from_long = (0..N_CONTEXTS).rev();
        from_long.filter_map(move |no| {
            if *left < NEGLIGIBLE {
                return None;
            }
            let followers = match level? {
                Level::Learned(level, names) => {
                    self.followers.get(&mix(level, names.get(no).copied().flatten()?))?
                }
                Level::Task(own) => own.0.get(no)?,
            };
            let n_tools = real(followers.tools.len());
            let all = f64::from(followers.n) + n_tools;
            if followers.n == 0 {
                return None;
            }
            let share = *left / all;
            *left *= n_tools / all;
            Some((share, followers))
        })
    }

    /// Returns the probability of a tool at a level.
    fn share_of(&self, level: Option<Level<'_>>, tool: NameId) -> f64 {
        let name = match level {
            Some(Level::Task(_)) => Some(tool),
            _ => self.places.get(&tool).copied(),
        };
        let mut left = 1.0;
        let found = self.chain(level, &mut left).map(|(share, followers)| {
            let found = followers.tools.iter().find(|(known, _)| Some(*known) == name);
            found.map_or(0.0, |(_, n)| share * f64::from(*n))
        });
        let sum: f64 = found.sum();
        sum + left / real(self.tools.len().max(1))
    }

    /// Adds the distribution of a level to `shares`.
    fn blend(&self, level: Option<Level<'_>>, weight: f64, shares: &mut [f64]) {
        let mut left = weight;
        for (share, followers) in self.chain(level, &mut left) {
            for (tool, n) in &followers.tools {
                let place = match level {
                    Some(Level::Task(_)) => self.places.get(tool).copied(),
                    _ => Some(*tool),
                };
                let place = place.and_then(|place| usize::try_from(place).ok());
                if let Some(sum) = place.and_then(|place| shares.get_mut(place)) {
                    *sum += share * f64::from(*n);
                }
            }
        }
        let each = left / real(shares.len().max(1));
        for share in shares {
            *share += each;
        }
    }
}

/// Returns the levels: all attempts, those of the domain where there is one, the scope, the task.
fn levels<'a>(
    attempt: Attempt<'_>,
    names: &'a [Option<u64>; N_CONTEXTS],
    own: &'a Own,
) -> [Option<Level<'a>>; N_LEVELS] {
    let [all, domain, scope] = level_names(attempt.scope, attempt.domain)
        .map(|level| level.map(|level| Level::Learned(level, names)));
    [all, domain, scope, Some(Level::Task(own))]
}

/// Returns the names of the levels that are learned.
fn level_names(scope: NameId, domain: NameId) -> [Option<u64>; N_LEVELS - 1] {
    let domain = (domain != 0).then(|| mix(2, u64::from(domain)));
    [Some(mix(1, 0)), domain, Some(mix(3, u64::from(scope)))]
}

#[cfg(test)]
mod tests;
