//! Context patterns: how the runs of a task type, language, domain or tag differ from the others.

use rustc_hash::FxHashMap;

use crate::learn::table::{Learned, NameId, Run};
use crate::stats::Posterior;

/// Level of the intervals.
const LEVEL: f64 = 0.8;

/// Maximum number of tools that are named as typical.
const MAX_TOOLS: usize = 5;

/// Part of the context that runs are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Facet {
    /// Type of task.
    TaskType,
    /// Programming or natural language.
    Language,
    /// Field of work.
    Domain,
    /// Tag.
    Tag,
}

impl Facet {
    const ALL: [Self; 4] = [Self::TaskType, Self::Language, Self::Domain, Self::Tag];

    /// Returns its name in answers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TaskType => "task type",
            Self::Language => "language",
            Self::Domain => "domain",
            Self::Tag => "tag",
        }
    }

    /// Returns the values that a run has for it; none where it has none.
    pub(super) fn values(self, run: &Run) -> impl Iterator<Item = NameId> {
        let (one, tags): (NameId, &[NameId]) = match self {
            Self::TaskType => (run.task_type, &[]),
            Self::Language => (run.language, &[]),
            Self::Domain => (run.domain, &[]),
            Self::Tag => (0, &run.tags),
        };
        std::iter::once(one).chain(tags.iter().copied()).filter(|value| *value != 0)
    }
}

/// Runs of a context beside the other runs of the scope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ContextSummary {
    /// Facet that they share.
    pub(crate) facet: Facet,
    /// Value of the facet.
    pub(crate) value: Box<str>,
    /// Number of runs.
    pub(crate) n_runs: u32,
    /// Success rate of the runs, as far as their outcomes are known.
    pub(crate) outcome: Posterior,
    /// Success rate of the other runs.
    pub(crate) rest: Posterior,
    /// Tools that they use more often than the others, greatest difference first.
    pub(crate) tools: Vec<TypicalTool>,
}

/// A tool that the runs of a context use more often than others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TypicalTool {
    /// Name of the tool.
    pub(crate) tool: Box<str>,
    /// Share of the runs of the context that use it.
    pub(crate) share: f64,
    /// Share of the other runs that use it.
    pub(crate) share_elsewhere: f64,
}

/// Counts of the runs of one context, or of all.
#[derive(Debug, Clone, Default)]
struct Counts {
    n_runs: u32,
    n_known: f64,
    n_success: f64,
    tools: FxHashMap<NameId, u32>,
}

impl Counts {
    fn add(&mut self, run: &Run, tools: &[NameId]) {
        self.n_runs += 1;
        if let Some(success) = run.success() {
            self.n_known += run.weight();
            self.n_success += if success { run.weight() } else { 0.0 };
        }
        for tool in tools {
            *self.tools.entry(*tool).or_default() += 1;
        }
    }

    /// Returns the share of the runs that use a tool.
    fn share(&self, tool: NameId) -> f64 {
        let n = self.tools.get(&tool).copied().unwrap_or(0);
        f64::from(n) / f64::from(self.n_runs.max(1))
    }

    /// Returns the counts without those of some of the runs.
    fn without(&self, some: &Self) -> Self {
        let others =
            |(tool, n): (&NameId, &u32)| (*tool, n - some.tools.get(tool).copied().unwrap_or(0));
        Self {
            n_runs: self.n_runs - some.n_runs,
            n_known: self.n_known - some.n_known,
            n_success: self.n_success - some.n_success,
            tools: self.tools.iter().map(others).collect(),
        }
    }

    fn posterior(&self) -> Posterior {
        Posterior::new(self.n_known, self.n_success, LEVEL)
    }
}

impl Learned {
    /// Finds the contexts that at least `min_support` runs of a scope share, but not all of them.
    ///
    /// Costs a look at each run and its tools. In no particular order.
    pub(super) fn contexts(&self, scope: Option<&str>, min_support: u32) -> Vec<ContextSummary> {
        let mut all = Counts::default();
        let mut values: FxHashMap<(Facet, NameId), Counts> = FxHashMap::default();
        for (run, tools) in self.runs_with_tools(scope) {
            all.add(run, tools);
            for facet in Facet::ALL {
                for value in facet.values(run) {
                    values.entry((facet, value)).or_default().add(run, tools);
                }
            }
        }
        let supported = values.into_iter().filter(|(_, counts)| {
            counts.n_runs >= min_support.max(1) && counts.n_runs < all.n_runs
        });
        supported
            .map(|((facet, value), counts)| self.context(facet, value, &counts, &all))
            .collect()
    }

    fn context(&self, facet: Facet, value: NameId, here: &Counts, all: &Counts) -> ContextSummary {
        let elsewhere = all.without(here);
        let used = here.tools.keys().map(|tool| TypicalTool {
            tool: self.name(*tool).into(),
            share: here.share(*tool),
            share_elsewhere: elsewhere.share(*tool),
        });
        let mut tools: Vec<TypicalTool> =
            used.filter(|tool| tool.share > tool.share_elsewhere).collect();
        tools.sort_by(|a, b| {
            let difference = |tool: &TypicalTool| tool.share - tool.share_elsewhere;
            difference(b).total_cmp(&difference(a)).then_with(|| a.tool.cmp(&b.tool))
        });
        tools.truncate(MAX_TOOLS);
        ContextSummary {
            facet,
            value: self.name(value).into(),
            n_runs: here.n_runs,
            outcome: here.posterior(),
            rest: elsewhere.posterior(),
            tools,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::digest::Digest;
    use crate::learn::sample::{episode, step};
    use crate::model::Outcome;

    #[test]
    fn a_context_is_compared_with_the_rest_of_its_scope() {
        let mut learned = Learned::default();
        for n in 0..6 {
            let is_rust = n < 4;
            let outcome = if is_rust { Outcome::Success } else { Outcome::Failure };
            let mut ended = episode(n, "a", "b", Some(outcome));
            ended.context.language = Some(if is_rust { "rust" } else { "python" }.into());
            ended.context.domain = Some("everything".into());
            // A tag that is given twice counts once.
            ended.context.tags = if n == 0 { vec!["odd".into(); 2] } else { Vec::new() };
            let tools = if is_rust { ["cargo", "edit"] } else { ["pip", "edit"] };
            learned.put(&ended, &Digest::of(&tools.map(|tool| step(tool, "", true, ""))));
        }
        let mut found = learned.contexts(Some("a"), 2);
        found.sort_by(|a, b| a.value.cmp(&b.value));
        let names: Vec<&str> = found.iter().map(|context| &*context.value).collect();
        assert_eq!(names, ["python", "rust"], "not what all share or only one has");
        let rust = &found[1];
        assert_eq!((rust.facet, rust.n_runs, rust.facet.name()), (Facet::Language, 4, "language"));
        assert_eq!((rust.outcome.successes, rust.rest.successes, rust.rest.n), (4.0, 0.0, 2.0));
        let cargo = TypicalTool { tool: "cargo".into(), share: 1.0, share_elsewhere: 0.0 };
        assert_eq!(rust.tools, [cargo], "edit is as usual elsewhere");
        assert_eq!(learned.contexts(Some("none"), 1), []);
    }
}
