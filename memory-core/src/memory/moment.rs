//! The moment of action: the cure of a call that failed, and the warning before a call that will.
//!
//! Both need no stored step: a hook of a client asks about a call that it sees. Silence is normal.

use std::collections::BTreeSet;

use super::{Memory, Wanted};
use crate::error::Error;
use crate::intake::NewStep;
use crate::learn::{CallKey, KnownError, MetError, Risk, step_name};
use crate::model::{EpisodeId, Scope};
use crate::stats::Posterior;

/// Warning before a call that failed most of the times that it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Warning {
    /// Name of its tool: the tool, or `tool:action`.
    pub tool: String,
    /// Number of times that the call was made in the scope.
    pub n_made: u32,
    /// Number of times that it failed.
    pub n_failed: u32,
    /// Number of episodes in which it failed.
    pub n_episodes: u32,
    /// Share of failures, with an 80 % interval.
    pub failure: Posterior,
    /// Error of the newest failure, masked; `None` where it said nothing.
    pub error: Option<String>,
    /// Call that worked in its place the last time, shortened and masked; `None` if none did.
    pub instead: Option<String>,
    /// Episode of the newest failure.
    pub episode: EpisodeId,
}

impl Memory {
    /// Returns what is known of the error of a call that just failed in a scope; `None` for a call
    /// that was ok and for an error that was never met.
    ///
    /// Nothing is stored, and no step needs to be. What another process recorded within the last
    /// second may be missing.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a call without a tool, [`Error::Storage`].
    pub fn cure_for(&self, scope: &Scope, failed: NewStep) -> Result<Option<KnownError>, Error> {
        let mut intake = self.intake();
        let steps = intake.steps(vec![failed])?;
        let met: Vec<MetError> = steps.iter().filter_map(MetError::of).collect();
        if met.is_empty() {
            return Ok(None);
        }
        self.learn_of(&Wanted::Errors(&met), intake.now())?;
        let failed = self.errors_of(&steps, intake.now());
        Ok(self.known_errors(&failed, 0, Some(scope.as_str())).pop())
    }

    /// Returns the warning before a call runs in a scope; `None` where it is not known to fail.
    ///
    /// A call that differs in nothing that matters (white space, names of temporary files, numbers
    /// of one occurrence, order of options) is the same call. It is warned of when it failed at
    /// least three times, the last time as well, and the lower bound of the 80 % interval of its
    /// share of failures is one half or more.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a call without a tool, [`Error::Storage`].
    pub fn warning_for(&self, scope: &Scope, call: NewStep) -> Result<Option<Warning>, Error> {
        let mut intake = self.intake();
        let steps = intake.steps(vec![call])?;
        let Some(step) = steps.first() else { return Ok(None) };
        let key = CallKey::of(step);
        self.learn_of(&Wanted::Call(scope.as_str(), key), intake.now())?;
        let tool = step_name(step);
        // The lock on what was learned is released before the storage is read.
        let risk = self.learning.learned().risk(Some(scope.as_str()), &tool, key);
        let Some(risk) = risk else { return Ok(None) };
        let Risk { n_made, n_failed, n_episodes, failure, failed, instead } = risk;
        let shown: BTreeSet<_> = [Some(failed), instead].into_iter().flatten().collect();
        let quotes = self.quotes(&shown)?;
        Ok(Some(Warning {
            tool,
            n_made,
            n_failed,
            n_episodes,
            failure,
            error: quotes.error(failed).map(str::to_owned),
            instead: instead.and_then(|step| quotes.call(step)).map(str::to_owned),
            episode: failed.episode,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::intake::{Completion, NewEpisode};
    use crate::storage::MemStorage;

    fn call(command: &str, error: Option<&str>) -> NewStep {
        NewStep {
            tool: "bash".into(),
            args: format!(r#"{{"command":"{command}"}}"#),
            error: error.map(Into::into),
            ..NewStep::default()
        }
    }

    /// Returns a memory with as many episodes in which `make all` failed and another call worked.
    fn memory(n_failed: usize, scope: &Scope) -> Memory {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        for n in 0..n_failed {
            let task = format!("build the thing in way {n}");
            let id = memory.start(NewEpisode::new(scope.clone(), task)).unwrap().value;
            let steps =
                vec![call("make all", Some("make: no target")), call("make -C app all", None)];
            memory.log(id, steps).unwrap();
            memory.finish(id, Completion::default()).unwrap();
        }
        memory
    }

    #[test]
    fn a_call_that_mostly_failed_is_warned_of_with_its_error_and_what_worked() {
        let scope = Scope::new("acme/shop").unwrap();
        let asked = |n_failed, command: &str| {
            memory(n_failed, &scope).warning_for(&scope, call(command, None)).unwrap()
        };
        assert_eq!(asked(2, "make all"), None, "too few");
        assert_eq!(asked(3, "make app"), None, "another call");
        let warning = asked(3, "make   all 2>&1").unwrap();
        assert_eq!((warning.n_made, warning.n_failed, warning.n_episodes), (3, 3, 3));
        assert_eq!(warning.error.as_deref(), Some("make: no target"));
        assert_eq!(warning.instead.as_deref(), Some("make -C app all"));
        let elsewhere = Scope::new("acme/other").unwrap();
        let there = memory(3, &scope).warning_for(&elsewhere, call("make all", None)).unwrap();
        assert_eq!(there, None);
    }

    #[test]
    fn an_error_is_answered_without_a_stored_step_and_nothing_is_stored() {
        let scope = Scope::new("acme/shop").unwrap();
        let memory = memory(3, &scope);
        let head = memory.storage.head().unwrap();
        let known = memory.cure_for(&scope, call("make all", Some("make: no target"))).unwrap();
        assert_eq!(known.unwrap().n_seen, 3);
        let unknown = memory.cure_for(&scope, call("make all", Some("disk is full"))).unwrap();
        assert_eq!(unknown, None);
        assert_eq!(memory.cure_for(&scope, call("make all", None)).unwrap(), None, "it was ok");
        assert_eq!(memory.storage.head().unwrap(), head);
    }
}
