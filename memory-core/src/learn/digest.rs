//! What is learned of one ended episode from its steps alone.

use rustc_hash::FxHashMap;

use super::action::write_name;
use super::{Signature, incident};
use crate::model::Step;

/// An episode's steps without their texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Digest {
    /// Names of tools, each once, in the order of first use: the tool, or `tool:action` where the tool
    /// alone says too little.
    pub(crate) tools: Vec<Box<str>>,
    /// For each step the place of its tool in `tools`, and whether it was ok.
    pub(crate) moves: Vec<(u32, bool)>,
    /// Errors and what became of them, in the order of their steps.
    pub(crate) incidents: Vec<Incident>,
    /// Tokens of all steps, where any says so.
    pub(crate) n_tokens: Option<u64>,
    /// Duration of all steps in milliseconds, where any says so.
    pub(crate) latency_ms: Option<u64>,
}

/// An error of a step and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// The failed step.
    pub(crate) at: u32,
    /// What kind of error it was.
    pub(crate) signature: Signature,
    /// What followed within the next steps.
    pub(crate) ending: Ending,
}

/// What became of an error. `changed` are the names of the arguments that differ between the failed step
/// and the one that ended it, sorted; none for a plain retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The same tool succeeded, or another one on the same target.
    Resolved {
        /// The step that succeeded.
        at: u32,
        /// What was changed.
        changed: Vec<Box<str>>,
    },
    /// The same error came again first.
    DeadEnd {
        /// The step with the same error.
        at: u32,
        /// What was changed.
        changed: Vec<Box<str>>,
    },
    /// The same tool was used again, failed in another way, and did not succeed after that.
    OtherError {
        /// The first step that failed in another way.
        at: u32,
        /// What was changed.
        changed: Vec<Box<str>>,
    },
    /// The tool was not used again, within as many steps as are looked at.
    Open,
}

impl Ending {
    /// The step that ended the error and the arguments that were changed for it; `None` for an open one.
    pub(crate) fn step(&self) -> Option<(u32, &[Box<str>])> {
        match self {
            Self::Resolved { at, changed }
            | Self::DeadEnd { at, changed }
            | Self::OtherError { at, changed } => Some((*at, changed)),
            Self::Open => None,
        }
    }
}

impl Digest {
    /// Boils down the steps of an episode, in their order.
    ///
    /// Costs time linear in the texts of arguments (up to 8 kB of each) and in the number of steps; of the
    /// other texts only those of errors are looked at.
    pub(crate) fn of(steps: &[Step]) -> Self {
        let mut digest = Self { moves: Vec::with_capacity(steps.len()), ..Self::default() };
        let mut places: FxHashMap<Box<str>, u32> = FxHashMap::default();
        let mut name = String::new();
        for step in steps {
            write_name(step, &mut name);
            let place = if let Some(place) = places.get(name.as_str()) {
                *place
            } else {
                let place = u32::try_from(digest.tools.len()).unwrap_or(u32::MAX);
                digest.tools.push(name.as_str().into());
                places.insert(name.as_str().into(), place);
                place
            };
            digest.moves.push((place, step.ok));
            add(&mut digest.n_tokens, step.n_tokens);
            add(&mut digest.latency_ms, step.latency_ms);
        }
        digest.incidents = incident::of(steps, &digest.moves);
        digest
    }
}

/// Adds to a sum that stays unknown until something is added.
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
        assert_eq!(digest.tools, ["bash:ls".into(), "edit".into()]);
        assert_eq!(digest.moves, [(0, true), (1, false), (0, true)]);
        assert_eq!((digest.n_tokens, digest.latency_ms), (Some(u64::MAX), None));
        let error = Incident {
            at: 1,
            signature: Signature::of_error("edit", "error: x"),
            ending: Ending::Open,
        };
        assert_eq!(digest.incidents, [error]);
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
    }
}
