//! Digest of an ended episode: its tools, results and errors without their texts.
//!
//! The digest is computed from the steps alone, in their order, and stored with the episode in the
//! format of `codec.rs` (lists without repetitions: `distinct.rs`); the table of runs is filled
//! from digests, so that a start reads no steps. `action.rs` names what a step did, `call_key.rs`
//! its call as a whole, `cost.rs` what the calls of a tool cost, `signature/` its error,
//! `incident.rs` finds how each error ended (`red.rs`: not by a red test), `looking.rs` tells what
//! only looked, `members.rs` reads the arguments, `target/` finds what the steps read and changed,
//! `synopsis.rs` says what was done.

mod action;
mod call_key;
mod codec;
mod cost;
mod distinct;
mod incident;
mod looking;
mod members;
mod red;
mod signature;
mod synopsis;
mod target;

use rustc_hash::{FxHashMap, FxHashSet};

pub(crate) use action::step_name;
pub(crate) use call_key::{CallKey, commands_of};
pub(crate) use cost::ToolCost;
pub(crate) use incident::{Ending, Incident, MAX_STEPS_TO_END};
pub(crate) use looking::looks;
pub(crate) use members::{members, unquoted};
pub(crate) use signature::{Likeness, Signature, Sketch, error_message, salient_words};
pub(crate) use synopsis::Synopsis;
#[cfg(test)]
pub(crate) use target::Target;
pub(crate) use target::{TargetKind, is_test, name_words, written};

use crate::model::Step;

/// Steps of an episode without their texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Digest {
    /// Names of the tools, each once, in the order of first use: the tool, or `tool:action` where
    /// the tool alone says too little.
    pub(crate) tools: Vec<Box<str>>,
    /// For each step the position of its tool in `tools`, and whether it was ok.
    pub(crate) moves: Vec<(u32, bool)>,
    /// For each step the key of its call, which calls share that differ in nothing that matters;
    /// [`CallKey::NONE`] in the middle of a long episode.
    pub(crate) calls: Vec<CallKey>,
    /// Errors and how they ended, in the order of their steps.
    pub(crate) incidents: Vec<Incident>,
    /// What was done, in short.
    pub(crate) synopsis: Synopsis,
    /// Sketch of each distinct signature among them, in the order in which they came first.
    pub(crate) sketches: Vec<Sketch>,
    /// Number of tokens of all steps, where any step has it.
    pub(crate) n_tokens: Option<u64>,
    /// Duration of all steps in milliseconds, where any step has it.
    pub(crate) latency_ms: Option<u64>,
    /// For each tool the mean cost of its calls; empty where no step has one.
    pub(crate) costs: Vec<ToolCost>,
}

impl Digest {
    /// Computes the digest of the steps of an episode, in their order.
    ///
    /// Costs time linear in the number of steps and in the texts of their arguments (up to 8 kB of
    /// each); of the other texts only those of errors and of diffs are read.
    pub(crate) fn of(steps: &[Step]) -> Self {
        let mut digest = Self { moves: Vec::with_capacity(steps.len()), ..Self::default() };
        let mut positions: FxHashMap<Box<str>, u32> = FxHashMap::default();
        let (mut name, mut costs) = (String::new(), cost::CostSums::default());
        for (at, step) in steps.iter().enumerate() {
            action::write_name(step, &mut name);
            let position = if let Some(position) = positions.get(name.as_str()) {
                *position
            } else {
                let position = u32::try_from(digest.tools.len()).unwrap_or(u32::MAX);
                digest.tools.push(name.as_str().into());
                positions.insert(name.as_str().into(), position);
                position
            };
            digest.moves.push((position, step.ok));
            let is_kept = call_key::is_kept(at, steps.len());
            digest.calls.push(if is_kept { CallKey::of(step) } else { CallKey::NONE });
            costs.add(position, step);
            add(&mut digest.n_tokens, step.n_tokens);
            add(&mut digest.latency_ms, step.latency_ms);
        }
        digest.costs = costs.costs();
        digest.incidents = incident::find(steps, &digest.moves);
        digest.synopsis = Synopsis::of(steps, &digest.incidents);
        let mut seen: FxHashSet<Signature> = FxHashSet::default();
        let first = digest.incidents.iter().filter(|incident| seen.insert(incident.signature));
        let failed = first.filter_map(|incident| steps.get(incident.at as usize));
        digest.sketches = failed.map(Sketch::of_step).collect();
        digest
    }
}

/// Adds to a sum that is unknown until something is added.
fn add(sum: &mut Option<u64>, value: Option<u64>) {
    if let Some(value) = value {
        *sum = Some(sum.unwrap_or(0).saturating_add(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::step;

    #[test]
    fn steps_become_names_and_marks() {
        let mut steps = vec![
            step("bash", r#"{"command":"ls"}"#, true, "a"),
            step("edit", "{}", false, "error: x"),
            step("bash", r#"{"command":"ls -l"}"#, true, "a"),
        ];
        steps[0].n_tokens = Some(7);
        steps[2].n_tokens = Some(u64::MAX);
        let digest = Digest::of(&steps);
        assert_eq!(digest.calls, steps.iter().map(CallKey::of).collect::<Vec<_>>());
        assert_eq!(digest.tools, ["bash:ls".into(), "edit".into()]);
        assert_eq!(digest.moves, [(0, true), (1, false), (0, true)]);
        assert_eq!((digest.n_tokens, digest.latency_ms), (Some(u64::MAX), None));
        let mean = ToolCost { latency_ms: None, n_tokens: Some(u32::MAX) };
        assert_eq!(digest.costs, [mean, ToolCost::default()]);
        let error = Incident {
            at: 1,
            signature: Signature::of_error("edit", "error: x"),
            ending: Ending::Open,
        };
        assert_eq!(digest.incidents, [error]);
        assert_eq!(digest.sketches, [Sketch::of_error("edit", "error: x")]);
    }

    #[test]
    fn an_episode_without_steps_and_one_with_five_thousand_are_digested() {
        assert_eq!(Digest::of(&[]), Digest::default());
        let tool = |n: usize| format!("tool{}", n % 700);
        let steps: Vec<Step> =
            (0..5_000).map(|n| step(&tool(n), "", n % 2 == 0, "error: x")).collect();
        let digest = Digest::of(&steps);
        assert_eq!(
            (digest.tools.len(), digest.moves.len(), digest.incidents.len()),
            (700, 5_000, 2_500)
        );
        let kept = digest.calls.iter().filter(|call| **call != CallKey::NONE);
        assert_eq!(kept.count(), 500, "those at both ends");
    }
}
