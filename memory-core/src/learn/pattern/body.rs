//! Content of a pattern: what it consists of, its stable id, and its wording.

use super::context::ContextSummary;
use super::recovery::Cure;
use crate::learn::digest::Signature;
use crate::learn::hash::StableHash;
use crate::learn::text::{name_in_backticks, percent};
use crate::model::display_name;
use crate::stats::Posterior;

/// Maximum number of branches or tools in the text of a pattern.
const MAX_LISTED: usize = 4;

/// Kind of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PatternKind {
    /// Steps in an order, with or without others between.
    Sequence,
    /// A step after which episodes continue in different ways.
    DecisionPoint,
    /// An error and a remedy that cured it.
    Recovery,
    /// A type of task, language, domain or tag whose episodes differ from the others.
    Context,
}

impl PatternKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Sequence, Self::DecisionPoint, Self::Recovery, Self::Context];

    /// Returns its name: `sequence`, `decision_point`, `recovery` or `context`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::DecisionPoint => "decision_point",
            Self::Recovery => "recovery",
            Self::Context => "context",
        }
    }

    /// Returns the kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Content of a pattern, in names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PatternBody {
    /// Tools and whether they were ok, in their order.
    Sequence {
        /// The steps.
        steps: Vec<(Box<str>, bool)>,
        /// True when up to two others may lie between two of them.
        gapped: bool,
    },
    /// A step and what runs did next, most frequent first.
    Decision {
        /// The step; `None` for the beginning.
        after: Option<(Box<str>, bool)>,
        /// Next steps.
        branches: Vec<Branch>,
        /// Entropy of the next step, in bits.
        entropy_bits: f64,
        /// Difference in success between the branches; `None` where too few outcomes are known.
        difference: Option<f64>,
    },
    /// An error and its cure.
    Recovery {
        /// Tool that failed.
        tool: Box<str>,
        /// Signature of the error.
        signature: Signature,
        /// Its cure.
        cure: Cure,
    },
    /// A context beside the rest of the scope.
    Context(ContextSummary),
}

/// Next step that some runs took.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Branch {
    /// The tool; `None` for the end of the run.
    pub(crate) tool: Option<Box<str>>,
    /// Number of times that it came next.
    pub(crate) n: u32,
    /// Number of runs in which it came next.
    pub(crate) n_runs: u32,
    /// Success rate of these runs.
    pub(crate) outcome: Posterior,
}

impl PatternBody {
    /// Returns its kind.
    pub(super) const fn kind(&self) -> PatternKind {
        match self {
            Self::Sequence { .. } => PatternKind::Sequence,
            Self::Decision { .. } => PatternKind::DecisionPoint,
            Self::Recovery { .. } => PatternKind::Recovery,
            Self::Context(_) => PatternKind::Context,
        }
    }

    /// Returns the names that distinguish it from every other pattern of its kind (recoveries also
    /// by their signature).
    pub(super) fn key(&self) -> Vec<&str> {
        let result = |ok: bool| if ok { "ok" } else { "failed" };
        match self {
            Self::Sequence { steps, gapped } => {
                let steps = steps.iter().flat_map(|(tool, ok)| [&**tool, result(*ok)]);
                std::iter::once(if *gapped { "gapped" } else { "direct" }).chain(steps).collect()
            }
            Self::Decision { after: None, .. } => vec!["start"],
            Self::Decision { after: Some((tool, ok)), .. } => vec!["after", tool, result(*ok)],
            Self::Recovery { tool, cure, .. } => {
                let changed: &[Box<str>] = if cure.via.is_empty() { &cure.changed } else { &[] };
                let via = cure.via.iter().map(|tool| &**tool).chain(["then"]);
                let rest = cure.instead.iter().chain(changed).map(|name| &**name);
                std::iter::once(&**tool).chain(via).chain(rest).collect()
            }
            Self::Context(context) => vec![context.facet.name(), &context.value],
        }
    }

    /// Returns its id in a scope, or in all scopes: the same in every store and version.
    pub(super) fn id(&self, scope: Option<&str>) -> u64 {
        let mut hash = StableHash::new();
        let signature = match self {
            Self::Recovery { signature, .. } => signature.0,
            _ => 0,
        };
        hash.update(&signature.to_le_bytes());
        for part in [scope.unwrap_or("*"), self.kind().name()].into_iter().chain(self.key()) {
            hash.update(part.as_bytes());
            hash.update(&[0]);
        }
        hash.finish()
    }

    /// Returns whether a tool is part of it; `bash` is part of what `bash:ls` is part of.
    pub(super) fn has_tool(&self, wanted: &str) -> bool {
        let is = |tool: &str| {
            let rest = tool.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        match self {
            Self::Sequence { steps, .. } => steps.iter().any(|(tool, _)| is(tool)),
            Self::Decision { after, branches, .. } => {
                let next = branches.iter().filter_map(|branch| branch.tool.as_deref());
                after.iter().map(|(tool, _)| &**tool).chain(next).any(is)
            }
            Self::Recovery { tool, cure, .. } => {
                is(tool) || cure.via.iter().chain(&cure.instead).any(|tool| is(tool))
            }
            Self::Context(context) => context.tools.iter().any(|typical| is(&typical.tool)),
        }
    }

    /// Words it; `error` is the message of a recovery's error, where it is known.
    pub(super) fn text(&self, error: Option<&str>) -> String {
        match self {
            Self::Sequence { steps, gapped } => {
                let steps: Vec<String> =
                    steps.iter().map(|(tool, ok)| step_text(tool, *ok)).collect();
                steps.join(if *gapped { " … " } else { " → " })
            }
            Self::Decision { after, branches, difference, .. } => {
                decision_text(after.as_ref(), branches, *difference)
            }
            Self::Recovery { tool, cure, .. } => {
                let error = error.map_or_else(String::new, |error| format!(" “{error}”"));
                format!("{} fails{error}: {}", name_in_backticks(tool), cure.text)
            }
            Self::Context(context) => context_text(context),
        }
    }
}

fn decision_text(
    after: Option<&(Box<str>, bool)>,
    branches: &[Branch],
    difference: Option<f64>,
) -> String {
    let total: u32 = branches.iter().map(|branch| branch.n).sum();
    let from = match after {
        None => "At the beginning".to_owned(),
        Some((tool, ok)) => format!("After {}", step_text(tool, *ok)),
    };
    let listed = branches.iter().take(MAX_LISTED).map(|branch| {
        let next = match &branch.tool {
            Some(tool) => step_text(tool, true),
            None => "the end".to_owned(),
        };
        let share = percent(f64::from(branch.n) / f64::from(total.max(1)));
        let success = percent(branch.outcome.mean);
        format!("{next} {share} ({} episodes, {success} succeed)", branch.n_runs)
    });
    let listed = listed.collect::<Vec<_>>().join(", ");
    let difference = difference.map_or_else(String::new, |difference| {
        format!("; success differs by {}", percent(difference))
    });
    format!("{from}: {listed}{difference}")
}

fn context_text(context: &ContextSummary) -> String {
    let tools = context.tools.iter().take(MAX_LISTED).map(|typical| {
        let [here, elsewhere] = [typical.share, typical.share_elsewhere].map(percent);
        format!("{} in {here} (elsewhere {elsewhere})", name_in_backticks(&typical.tool))
    });
    let tools = tools.collect::<Vec<_>>().join(", ");
    let typical = if tools.is_empty() { tools } else { format!("; typical: {tools}") };
    format!(
        "{} {}: {} succeed, elsewhere {}{typical}",
        context.facet.name(),
        display_name(&context.value),
        percent(context.outcome.mean),
        percent(context.rest.mean)
    )
}

fn step_text(tool: &str, ok: bool) -> String {
    let tool = name_in_backticks(tool);
    if ok { tool } else { format!("{tool} (failed)") }
}
