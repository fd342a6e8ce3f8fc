//! Remedies: actions between an error and the attempt that ended it.

use super::interner::NameId;
use super::run::Run;
use crate::learn::digest::{Ending, Incident, MAX_STEPS_TO_END};

/// Tools in the order of their use, without repeats in a row; unused places are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct ToolPath([NameId; MAX_STEPS_TO_END]);

impl ToolPath {
    /// Returns the tools.
    pub(crate) fn tools(&self) -> impl Iterator<Item = NameId> {
        self.0.into_iter().take_while(|tool| *tool != 0)
    }

    /// Returns the number of tools.
    pub(crate) fn len(&self) -> usize {
        self.tools().count()
    }

    /// Returns the first `len` of them.
    pub(crate) fn prefix(&self, len: usize) -> Self {
        let mut path = *self;
        path.0.iter_mut().skip(len).for_each(|tool| *tool = 0);
        path
    }

    /// Appends a tool, unless it is the last one or the path is full.
    fn push(&mut self, tool: NameId) {
        if self.tools().last() == Some(tool) {
            return;
        }
        if let Some(free) = self.0.iter_mut().find(|tool| **tool == 0) {
            *free = tool;
        }
    }
}

/// Actions between an error and the attempt that ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Remedy<'a> {
    /// The same tool at once, with these arguments changed; without any it is a plain retry.
    Retry(&'a [Box<str>]),
    /// These tools first, then the one that failed.
    Via(ToolPath),
    /// These tools, of which the last succeeded in place of the one that failed.
    Instead(ToolPath),
}

impl<'a> Remedy<'a> {
    /// Returns the remedy for an error of a run; `None` where nothing was tried.
    pub(crate) fn of(run: &Run, incident: &'a Incident) -> Option<Self> {
        let (end, changed) = incident.ending.step()?;
        let (failed_tool, last_tool) = (run.tool_at(incident.at), run.tool_at(end));
        let mut path = ToolPath::default();
        for at in incident.at + 1..end {
            // Attempts of the failed tool that failed otherwise are no part of the remedy.
            let tool = run.tool_at(at);
            if tool != failed_tool {
                path.push(tool);
            }
        }
        if last_tool != failed_tool && matches!(incident.ending, Ending::Resolved { .. }) {
            path.push(last_tool);
            return Some(Self::Instead(path));
        }
        Some(if path.len() == 0 { Self::Retry(changed) } else { Self::Via(path) })
    }

    /// Returns the remedy and its beginnings: who used A and B before the retry used A first.
    pub(crate) fn with_beginnings(self) -> impl Iterator<Item = Self> {
        let shorter = match self {
            Self::Via(path) => 1..path.len(),
            Self::Retry(_) | Self::Instead(_) => 1..1,
        };
        let beginnings = shorter.map(move |len| match self {
            Self::Via(path) => Self::Via(path.prefix(len)),
            other => other,
        });
        beginnings.chain([self])
    }

    /// Returns whether the failed step was only tried again, with nothing changed.
    pub(crate) const fn is_plain_retry(&self) -> bool {
        matches!(self, Self::Retry(changed) if changed.is_empty())
    }
}

/// Number of attempts after an error, and how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "counts are called `n_…`")]
pub(crate) struct AttemptCounts {
    /// Number of attempts.
    pub(crate) n_tried: u32,
    /// Number of those that succeeded.
    pub(crate) n_resolved: u32,
    /// Number of those that met the same error.
    pub(crate) n_dead_ends: u32,
}

impl AttemptCounts {
    /// Counts the plain retries after all errors of a run.
    pub(super) fn of_plain_retries(run: &Run) -> Self {
        let mut counts = Self::default();
        for incident in &run.incidents {
            if Remedy::of(run, incident).is_some_and(|remedy| remedy.is_plain_retry()) {
                counts.add(&incident.ending);
            }
        }
        counts
    }

    /// Counts one attempt.
    pub(crate) fn add(&mut self, ending: &Ending) {
        self.n_tried += 1;
        self.n_resolved += u32::from(matches!(ending, Ending::Resolved { .. }));
        self.n_dead_ends += u32::from(matches!(ending, Ending::DeadEnd { .. }));
    }

    /// Adds other counts.
    pub(crate) fn merge(&mut self, other: Self) {
        self.n_tried += other.n_tried;
        self.n_resolved += other.n_resolved;
        self.n_dead_ends += other.n_dead_ends;
    }

    /// Subtracts counts that were added.
    pub(super) fn subtract(&mut self, other: Self) {
        debug_assert!(self.n_tried >= other.n_tried, "{other:?} was never added to {self:?}");
        self.n_tried = self.n_tried.saturating_sub(other.n_tried);
        self.n_resolved = self.n_resolved.saturating_sub(other.n_resolved);
        self.n_dead_ends = self.n_dead_ends.saturating_sub(other.n_dead_ends);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::digest::Digest;
    use crate::learn::sample::{episode, step};
    use crate::learn::table::Learned;

    const ARGS: [&str; 2] = [r#"{"path":"a","x":1}"#, r#"{"path":"a","x":2}"#];

    /// Returns the remedy of the first error, as text.
    fn remedy(steps: &[(&str, bool, usize)]) -> String {
        let steps: Vec<_> = steps
            .iter()
            .map(|(tool, ok, args)| step(tool, ARGS[*args], *ok, &format!("error: {tool}{args}")))
            .collect();
        let mut learned = Learned::default();
        let ended = episode(1, "a", "b", None);
        learned.put(&ended, &Digest::of(&steps));
        let run = learned.run(ended.id).unwrap();
        let names = |path: ToolPath| {
            path.tools().map(|tool| learned.name(tool).to_owned()).collect::<Vec<_>>().join(" ")
        };
        match Remedy::of(run, &run.incidents[0]) {
            None => "nothing".to_owned(),
            Some(Remedy::Retry(changed)) => format!("retry {}", changed.join(" ")),
            Some(Remedy::Via(path)) => format!("via {}", names(path)),
            Some(Remedy::Instead(path)) => format!("instead {}", names(path)),
        }
    }

    #[test]
    fn a_remedy_is_what_lies_between_the_error_and_the_next_attempt() {
        assert_eq!(remedy(&[("t", false, 0), ("t", true, 0)]), "retry ");
        assert_eq!(remedy(&[("t", false, 0), ("t", true, 1)]), "retry x");
        assert_eq!(
            remedy(&[("t", false, 0), ("a", true, 0), ("a", false, 1), ("t", true, 1)]),
            "via a"
        );
        assert_eq!(
            remedy(&[("t", false, 0), ("a", true, 0), ("b", true, 0), ("t", false, 0)]),
            "via a b"
        );
        assert_eq!(remedy(&[("t", false, 0), ("t", false, 1), ("t", true, 1)]), "retry x");
        assert_eq!(remedy(&[("t", false, 0), ("a", true, 0)]), "instead a");
        assert_eq!(remedy(&[("t", false, 0), ("a", false, 0)]), "nothing");
    }

    #[test]
    fn who_used_two_tools_used_the_first() {
        let mut path = ToolPath::default();
        for tool in [3, 3, 4, 3] {
            path.push(tool);
        }
        let all: Vec<Remedy<'_>> = Remedy::Via(path).with_beginnings().collect();
        let expected = [1, 2, 3].map(|len| Remedy::Via(path.prefix(len)));
        assert_eq!((path.len(), all), (3, expected.to_vec()));
        assert_eq!(Remedy::Instead(path).with_beginnings().count(), 1);
        assert_eq!(Remedy::Retry(&[]).with_beginnings().count(), 1);
        for tool in 5..20 {
            path.push(tool);
        }
        assert_eq!(path.len(), MAX_STEPS_TO_END, "no more than are searched");
    }
}
