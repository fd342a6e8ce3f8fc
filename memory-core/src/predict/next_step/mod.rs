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

use self::contexts::{N_CONTEXTS, contexts, mix};
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
    /// Tools by their place in the list of all tools, each once.
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

/// Contexts of a level with what followed them, from long to short.
type Chain<'a> = [Option<&'a Followers>; N_CONTEXTS];

impl NextStep {
    /// Learns an attempt that ended.
    pub(crate) fn learn(&mut self, run: &Run) {
        let levels = levels(run.scope, run.domain);
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
        let weights = self.weights(attempt, same_task);
        let mut shares = vec![0.0; self.tools.len()];
        let own = self.own_followers(attempt.moves, same_task);
        for (level, weight) in weights.into_iter().enumerate() {
            let chain = self.chain(level, attempt, attempt.moves, &own);
            blend(&chain, weight, &mut shares);
        }
        let named = self.tools.iter().copied().zip(shares);
        let mut best: Vec<(NameId, f64)> = Vec::new();
        for (tool, share) in named {
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
    fn weights(&self, attempt: Attempt<'_>, same_task: &[&Run]) -> [f64; N_LEVELS] {
        let n = attempt.moves.len();
        let mut logs = [0.0; N_LEVELS];
        for at in n.saturating_sub(N_LAST)..n {
            let (Some(before), Some(step)) = (attempt.moves.get(..at), attempt.moves.get(at))
            else {
                continue;
            };
            let tool = self.places.get(&step.tool).copied();
            let own = self.own_followers(before, same_task);
            for (level, log) in logs.iter_mut().enumerate() {
                let chain = self.chain(level, attempt, before, &own);
                *log = MEMORY * *log + self.share_of(&chain, tool).max(1e-9).ln();
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

    /// Returns what followed the contexts after `moves` at a level, from long to short.
    fn chain<'a>(
        &'a self,
        level: usize,
        attempt: Attempt<'_>,
        moves: &[Move],
        own: &'a [Followers; N_CONTEXTS],
    ) -> Chain<'a> {
        let mut chain = [None; N_CONTEXTS];
        if level == TASK {
            for (slot, followers) in chain.iter_mut().zip(own.iter().rev()) {
                *slot = Some(followers);
            }
        } else if let Some(Some(name)) = levels(attempt.scope, attempt.domain).get(level) {
            for (slot, context) in chain.iter_mut().zip(contexts(moves).into_iter().rev()) {
                *slot = context.and_then(|context| self.followers.get(&mix(*name, context)));
            }
        }
        chain
    }

    /// Counts what followed the contexts after `moves` in attempts at the same task.
    fn own_followers(&self, moves: &[Move], same_task: &[&Run]) -> [Followers; N_CONTEXTS] {
        let mut own: [Followers; N_CONTEXTS] = Default::default();
        let wanted = contexts(moves);
        for run in same_task {
            for (at, step) in run.moves.iter().enumerate() {
                let before = run.moves.get(..at).unwrap_or_default();
                let Some(tool) = self.places.get(&step.tool) else { continue };
                let is_near =
                    before.last().map(|step| step.tool) == moves.last().map(|step| step.tool);
                let here = if is_near { contexts(before) } else { Default::default() };
                for (no, followers) in own.iter_mut().enumerate() {
                    let here = here.get(no).copied().flatten();
                    let is_met =
                        no == 0 || here.is_some() && here == wanted.get(no).copied().flatten();
                    if is_met {
                        followers.add(*tool);
                    }
                }
            }
        }
        own
    }

    /// Returns the probability of a tool in the distribution of a chain.
    fn share_of(&self, chain: &Chain<'_>, tool: Option<u32>) -> f64 {
        let (mut left, mut sum) = (1.0, 0.0);
        for followers in chain.iter().flatten().filter(|followers| followers.n > 0) {
            let all = f64::from(followers.n) + real(followers.tools.len());
            let found = followers.tools.iter().find(|(known, _)| Some(*known) == tool);
            sum += left * found.map_or(0.0, |(_, n)| f64::from(*n)) / all;
            left *= real(followers.tools.len()) / all;
        }
        sum + left / real(self.tools.len().max(1))
    }
}

/// Adds the distribution of a chain to `shares`.
fn blend(chain: &Chain<'_>, weight: f64, shares: &mut [f64]) {
    let mut left = weight;
    for followers in chain.iter().flatten().filter(|followers| followers.n > 0) {
        if left < NEGLIGIBLE {
            break;
        }
        let all = f64::from(followers.n) + real(followers.tools.len());
        for (tool, n) in &followers.tools {
            if let Some(share) = shares.get_mut(*tool as usize) {
                *share += left * f64::from(*n) / all;
            }
        }
        left *= real(followers.tools.len()) / all;
    }
    let each = left / real(shares.len().max(1));
    for share in shares {
        *share += each;
    }
}

/// Returns the names of the levels that are learned: all, the domain where there is one, the scope.
fn levels(scope: NameId, domain: NameId) -> [Option<u64>; N_LEVELS - 1] {
    let domain = (domain != 0).then(|| mix(2, u64::from(domain)));
    [Some(mix(1, 0)), domain, Some(mix(3, u64::from(scope)))]
}

#[cfg(test)]
mod tests;
