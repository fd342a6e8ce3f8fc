//! What was done about an error.

use super::incident::WINDOW;
use super::{Ending, Incident, NameNo, Run};

/// Tools in the order of their use, without repeats in a row; what is not used is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Path([NameNo; WINDOW]);

impl Path {
    /// The tools.
    pub(super) fn tools(&self) -> impl Iterator<Item = NameNo> {
        self.0.into_iter().take_while(|tool| *tool != 0)
    }

    /// How many tools there are.
    pub(super) fn len(&self) -> usize {
        self.tools().count()
    }

    /// The first `len` of them.
    pub(super) fn prefix(&self, len: usize) -> Self {
        let mut path = *self;
        path.0.iter_mut().skip(len).for_each(|tool| *tool = 0);
        path
    }

    fn push(&mut self, tool: NameNo) {
        let len = self.len();
        let is_repeat = len.checked_sub(1).and_then(|last| self.0.get(last)) == Some(&tool);
        if let Some(place) = self.0.get_mut(len).filter(|_| !is_repeat) {
            *place = tool;
        }
    }
}

/// What was done between an error and the attempt that ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Remedy<'a> {
    /// The same tool at once, with these arguments changed; none of them is a plain retry.
    Retry(&'a [Box<str>]),
    /// These tools first, then the one that failed.
    Via(Path),
    /// These tools, of which the last did it in place of the one that failed.
    Instead(Path),
}

impl<'a> Remedy<'a> {
    /// What was done about an error of a run; `None` where nothing was tried.
    pub(super) fn of(run: &Run, incident: &'a Incident) -> Option<Self> {
        let (end, changed) = incident.ending.step()?;
        let tool = run.moves.get(incident.at as usize)?.tool;
        let last = run.moves.get(end as usize)?.tool;
        let mut path = Path::default();
        for step in run.moves.get(incident.at as usize + 1..end as usize)? {
            // Attempts of the tool itself that failed otherwise are no part of what was done about it.
            if step.tool != tool {
                path.push(step.tool);
            }
        }
        if last != tool && matches!(incident.ending, Ending::Resolved { .. }) {
            path.push(last);
            return Some(Self::Instead(path));
        }
        Some(if path.len() == 0 { Self::Retry(changed) } else { Self::Via(path) })
    }

    /// The remedy and those that it begins with: who used A and B before the retry used A first.
    pub(super) fn with_beginnings(self) -> impl Iterator<Item = Self> {
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

    /// Whether nothing was done but trying again.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self, Self::Retry(changed) if changed.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::sample::{episode, step};
    use crate::learn::{Digest, Learned};

    const ARGS: [&str; 2] = [r#"{"path":"a","x":1}"#, r#"{"path":"a","x":2}"#];

    /// The tools of the first error's remedy, as text.
    fn told(steps: &[(&str, bool, usize)]) -> String {
        let steps: Vec<_> = steps
            .iter()
            .map(|(tool, ok, args)| step(tool, ARGS[*args], *ok, &format!("error: {tool}{args}")))
            .collect();
        let mut learned = Learned::default();
        let ended = episode(1, "a", "b", None);
        learned.put(&ended, &Digest::of(&steps));
        let run = learned.run(ended.id).unwrap();
        let names = |path: Path| {
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
        assert_eq!(told(&[("t", false, 0), ("t", true, 0)]), "retry ");
        assert_eq!(told(&[("t", false, 0), ("t", true, 1)]), "retry x");
        assert_eq!(
            told(&[("t", false, 0), ("a", true, 0), ("a", false, 1), ("t", true, 1)]),
            "via a"
        );
        assert_eq!(
            told(&[("t", false, 0), ("a", true, 0), ("b", true, 0), ("t", false, 0)]),
            "via a b"
        );
        assert_eq!(told(&[("t", false, 0), ("t", false, 1), ("t", true, 1)]), "retry x");
        assert_eq!(told(&[("t", false, 0), ("a", true, 0)]), "instead a");
        assert_eq!(told(&[("t", false, 0), ("a", false, 0)]), "nothing");
    }

    #[test]
    fn who_used_two_tools_used_the_first() {
        let mut path = Path::default();
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
        assert_eq!(path.len(), WINDOW, "no more than a window holds");
    }
}
