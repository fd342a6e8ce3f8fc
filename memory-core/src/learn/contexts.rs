//! What held for the runs of a context: of a type of task, a language, a domain, a tag.

use rustc_hash::FxHashMap;

use super::evidence::Posterior;
use super::{Learned, NameNo, Run};

/// Level of the intervals.
const LEVEL: f64 = 0.8;

/// Most tools that are named as typical.
const MAX_TOOLS: usize = 5;

/// Which part of its context runs are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Facet {
    /// Type of task.
    TaskType,
    /// Programming or natural language.
    Language,
    /// Field of work.
    Domain,
    /// A label.
    Tag,
}

impl Facet {
    const ALL: [Self; 4] = [Self::TaskType, Self::Language, Self::Domain, Self::Tag];

    /// Its name in answers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TaskType => "task type",
            Self::Language => "language",
            Self::Domain => "domain",
            Self::Tag => "tag",
        }
    }

    /// What a run has there; nothing where it says nothing.
    pub(super) fn values(self, run: &Run) -> impl Iterator<Item = NameNo> {
        let (one, tags): (NameNo, &[NameNo]) = match self {
            Self::TaskType => (run.task_type, &[]),
            Self::Language => (run.language, &[]),
            Self::Domain => (run.domain, &[]),
            Self::Tag => (0, &run.tags),
        };
        std::iter::once(one).chain(tags.iter().copied()).filter(|value| *value != 0)
    }
}

/// How the runs of a context went, beside the other runs of the scope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ContextRecord {
    /// What they have in common.
    pub(crate) facet: Facet,
    /// What it is there.
    pub(crate) value: Box<str>,
    /// Their number.
    pub(crate) n_runs: u32,
    /// How they ended, as far as they have an outcome.
    pub(crate) outcome: Posterior,
    /// How the others ended.
    pub(crate) rest: Posterior,
    /// Tools that they use more often than the others, with the share of runs that use them here and there;
    /// the greatest difference first.
    pub(crate) tools: Vec<(Box<str>, f64, f64)>,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    n_runs: u32,
    n_known: u32,
    n_success: u32,
    tools: FxHashMap<NameNo, u32>,
}

impl Counts {
    fn add(&mut self, run: &Run, tools: &[NameNo]) {
        self.n_runs += 1;
        self.n_known += u32::from(run.success().is_some());
        self.n_success += u32::from(run.success() == Some(true));
        for tool in tools {
            *self.tools.entry(*tool).or_default() += 1;
        }
    }
}

impl Learned {
    /// Contexts that at least `min_support` runs of a scope share, but not all of its runs.
    ///
    /// Costs a look at each run and its tools. In no order that means anything.
    pub(super) fn contexts(&self, scope: Option<&str>, min_support: u32) -> Vec<ContextRecord> {
        let mut all = Counts::default();
        let mut values: FxHashMap<(Facet, NameNo), Counts> = FxHashMap::default();
        for (run, tools) in self.unordered_with_tools(scope) {
            all.add(run, tools);
            for facet in Facet::ALL {
                for value in facet.values(run) {
                    values.entry((facet, value)).or_default().add(run, tools);
                }
            }
        }
        let is_told =
            |counts: &Counts| counts.n_runs >= min_support.max(1) && counts.n_runs < all.n_runs;
        values
            .into_iter()
            .filter(|(_, counts)| is_told(counts))
            .map(|((facet, value), counts)| self.context(facet, value, &counts, &all))
            .collect()
    }

    fn context(&self, facet: Facet, value: NameNo, here: &Counts, all: &Counts) -> ContextRecord {
        let n_there = all.n_runs - here.n_runs;
        let mut tools: Vec<(Box<str>, f64, f64)> = here
            .tools
            .iter()
            .map(|(tool, n)| {
                let n_others = all.tools.get(tool).map_or(0, |all| all.saturating_sub(*n));
                let share = |n: u32, of: u32| f64::from(n) / f64::from(of.max(1));
                (self.name(*tool).into(), share(*n, here.n_runs), share(n_others, n_there))
            })
            .filter(|(_, here, there)| here > there)
            .collect();
        tools.sort_by(|a, b| {
            let lead = |tool: &(Box<str>, f64, f64)| tool.1 - tool.2;
            lead(b).total_cmp(&lead(a)).then_with(|| a.0.cmp(&b.0))
        });
        tools.truncate(MAX_TOOLS);
        let posterior = |n: u32, successes: u32| Posterior::new(n.into(), successes.into(), LEVEL);
        ContextRecord {
            facet,
            value: self.name(value).into(),
            n_runs: here.n_runs,
            outcome: posterior(here.n_known, here.n_success),
            rest: posterior(all.n_known - here.n_known, all.n_success - here.n_success),
            tools,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Digest;
    use crate::learn::sample::{episode, step};
    use crate::model::Outcome;

    #[test]
    fn a_context_is_told_beside_the_rest_of_its_scope() {
        let mut learned = Learned::default();
        for n in 0..6 {
            let is_rust = n < 4;
            let outcome = if is_rust { Outcome::Success } else { Outcome::Failure };
            let mut ended = episode(n, "a", "b", Some(outcome));
            ended.context.language = Some(if is_rust { "rust" } else { "python" }.into());
            ended.context.domain = Some("everything".into());
            ended.context.tags = if n == 0 { vec!["odd".into()] } else { Vec::new() };
            let tools = if is_rust { ["cargo", "edit"] } else { ["pip", "edit"] };
            learned.put(&ended, &Digest::of(&tools.map(|tool| step(tool, "", true, ""))));
        }
        let mut told = learned.contexts(Some("a"), 2);
        told.sort_by(|a, b| a.value.cmp(&b.value));
        let names: Vec<&str> = told.iter().map(|context| &*context.value).collect();
        assert_eq!(names, ["python", "rust"], "what all share or only one has tells nothing");
        let rust = &told[1];
        assert_eq!((rust.facet, rust.n_runs, rust.facet.name()), (Facet::Language, 4, "language"));
        assert_eq!((rust.outcome.successes, rust.rest.successes, rust.rest.n), (4.0, 0.0, 2.0));
        assert_eq!(rust.tools, [("cargo".into(), 1.0, 0.0)], "edit is as usual elsewhere");
        assert_eq!(learned.contexts(Some("none"), 1), []);
    }
}
