//! Wording of an assessment.

use super::{
    Assessment, DistinctiveTool, Divergence, ErrorCounts, ErrorFinding, Finding, Measure,
    Resolution, Segment,
};
use crate::learn::advice::budgeted_text::BudgetedText;
use crate::learn::advice::vocabulary::{Mentions, Vocabulary};
use crate::learn::quote::StepRef;
use crate::learn::table::NameId;
use crate::learn::text::{name_in_backticks, percent};
use crate::model::{EpisodeId, Outcome};
use crate::stats::Posterior;

/// Number of repeats in a row from which a run counts as stuck where the other went on.
const STUCK: u32 = 3;

impl Assessment {
    /// Returns the tools and steps that its text may name.
    pub(crate) fn mentions(&self) -> Mentions {
        let mut mentions = Mentions::default();
        for finding in &self.findings {
            match finding {
                Finding::Surprise { .. } | Finding::Cost { .. } => {}
                Finding::Divergence(divergence) => divergence.add_mentions(&mut mentions),
                Finding::Error(error) => {
                    mentions.tools([error.tool]);
                    mentions.steps([error.step]);
                    if let Some(resolved) = &error.resolved {
                        mentions.tools(resolved.between.iter().copied());
                        mentions.steps([resolved.step]);
                    }
                }
            }
        }
        mentions
    }

    /// Words the findings, one a line, in at most `max_tokens`; empty when there are none.
    pub(crate) fn text(&self, vocabulary: &Vocabulary, max_tokens: usize) -> String {
        let mut text = BudgetedText::default();
        for (rank, finding) in self.findings.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            text.line(-(rank as f64), format!("- {}", finding.text(vocabulary)));
        }
        text.render(max_tokens)
    }
}

impl Finding {
    fn text(&self, vocabulary: &Vocabulary) -> String {
        match self {
            Self::Surprise { outcome, expected, n_task, n_succeeded } => {
                surprise_text(*outcome, expected, *n_task, *n_succeeded)
            }
            Self::Divergence(divergence) => divergence.text(vocabulary),
            Self::Error(error) => error.text(vocabulary),
            Self::Cost { measure, value, median, share_above, n } => {
                let [value, median] = [*value, *median].map(|cost| cost_text(*measure, cost));
                let share = percent(1.0 - share_above);
                format!(
                    "Took {value}; the median of {n} successes is {median}, \
                     {share} of them took less."
                )
            }
        }
    }
}

fn surprise_text(
    outcome: Option<Outcome>,
    expected: &Posterior,
    n_task: u32,
    n_succeeded: u32,
) -> String {
    let ended = match outcome {
        Some(Outcome::Success) => "Succeeded",
        Some(Outcome::Partial) => "Succeeded in part",
        Some(Outcome::Failure) => "Failed",
        Some(Outcome::Abstained) => "Abstained",
        Some(Outcome::Unjudged) => "Ended without a known outcome",
        None => "Abandoned",
    };
    let [mean, lower, upper] = [expected.mean, expected.lower, expected.upper].map(percent);
    let chance = format!("a chance of {mean} was expected, 80% interval {lower} to {upper}");
    match n_task {
        0 => format!(
            "{ended} at the first attempt, unlike most attempts in this project ({chance})."
        ),
        n => format!("{ended}, though {n_succeeded} of {n} earlier attempts succeeded ({chance})."),
    }
}

impl ErrorFinding {
    fn text(&self, vocabulary: &Vocabulary) -> String {
        let tool = vocabulary.tool(self.tool);
        let at = self.step.idx;
        let times = match self.n_here {
            1 => String::new(),
            n_here => format!(", {n_here} times"),
        };
        let message = vocabulary.quoted_error(self.step);
        let now = match &self.resolved {
            Some(resolution) => resolution.text(vocabulary),
            None => "It was not resolved.".to_owned(),
        };
        let before = self.before.text();
        format!("Error of {tool} at step {at}{times}: {message}. {now} {before}")
    }
}

impl Resolution {
    fn text(&self, vocabulary: &Vocabulary) -> String {
        let remedy = match (self.changed.as_slice(), self.between.as_slice()) {
            ([], []) => " when tried again".to_owned(),
            ([], between) => format!(" after {}", vocabulary.tool_path(between)),
            (changed, _) => {
                let changed: Vec<String> =
                    changed.iter().map(|name| name_in_backticks(name)).collect();
                format!(" with another {}", changed.join(", "))
            }
        };
        let call = vocabulary.call(self.step);
        let call = call.map_or_else(String::new, |call| format!(": {call}"));
        format!("Step {} succeeded{remedy}{call}.", self.step.idx)
    }
}

impl ErrorCounts {
    fn text(self) -> String {
        let Self { n_seen, n_resolved } = self;
        if n_seen == 0 {
            return "Not seen before.".to_owned();
        }
        format!("Before: resolved {n_resolved} of {n_seen} times.")
    }
}

fn cost_text(measure: Measure, cost: u64) -> String {
    match measure {
        Measure::Steps if cost == 1 => "1 step".to_owned(),
        Measure::Steps => format!("{cost} steps"),
        Measure::Tokens => format!("{cost} tokens"),
        Measure::LatencyMs if cost < 10_000 => format!("{cost} ms"),
        Measure::LatencyMs => format!("{} s", cost / 1_000),
    }
}

impl Divergence {
    fn add_mentions(&self, mentions: &mut Mentions) {
        let last_shared = self.last_shared.map(|(own, _)| own);
        let segments = self.here.iter().chain(&self.there).chain(&last_shared);
        mentions.tools(segments.map(|segment| segment.tool));
        for (episode, path) in [(self.own, &self.here), (self.other, &self.there)] {
            mentions.steps(path.first().map(|first| StepRef { episode, idx: first.first }));
        }
    }

    fn text(&self, vocabulary: &Vocabulary) -> String {
        let shared = match self.n_shared {
            0 => "From the first step".to_owned(),
            1 => "After the first step".to_owned(),
            n => format!("After {n} steps alike"),
        };
        let kind = match self.other_outcome {
            Some(Outcome::Success) => "success",
            Some(Outcome::Partial) => "partial success",
            _ => "failed attempt",
        };
        let nearest = format!("the nearest {kind} {}", self.other);
        let here = path_text(self.own, &self.here, vocabulary);
        let there = path_text(self.other, &self.there, vocabulary);
        let difference = match (here, there) {
            (Some(here), Some(there)) => {
                format!("{shared} this run did {here}, {nearest} did {there}.")
            }
            (Some(here), None) => format!("{shared} this run did {here}, {nearest} did not."),
            (None, there) => {
                let there = there.unwrap_or_default();
                if let Some(text) = self.stuck_text(&nearest, &there, vocabulary) {
                    return text;
                }
                format!("{shared} {nearest} did {there}, this run did not.")
            }
        };
        difference + &self.distinctive_text(vocabulary)
    }

    /// Words a divergence in which this run repeated a step and the other went on; `None` for
    /// others.
    fn stuck_text(&self, nearest: &str, there: &str, vocabulary: &Vocabulary) -> Option<String> {
        let (own, others) = self.last_shared?;
        let is_stuck = own.n >= STUCK && own.n >= 2 * others.n;
        let failed = if own.ok { "" } else { " (failed)" };
        let (tool, n, n_others) = (vocabulary.tool(own.tool), own.n, others.n);
        is_stuck.then(|| {
            format!(
                "This run did {tool}{failed} {n} times in a row; \
                 {nearest} went on after {n_others} with {there}."
            )
        })
    }

    fn distinctive_text(&self, vocabulary: &Vocabulary) -> String {
        let Some(distinctive) = self.distinctive else { return String::new() };
        let DistinctiveTool { tool, n_there_with, n_there, n_here_with, n_here } = distinctive;
        let [like_other, like_this] = if self.other_outcome == Some(Outcome::Success) {
            ["successes", "others"]
        } else {
            ["others", "successes"]
        };
        format!(
            " {} is in {n_there_with} of {n_there} {like_other}, \
             {n_here_with} of {n_here} {like_this}.",
            vocabulary.tool(tool)
        )
    }
}

/// Words the segments of one side of a divergence; `None` where it has none.
fn path_text(episode: EpisodeId, path: &[Segment], vocabulary: &Vocabulary) -> Option<String> {
    let first = path.first()?;
    let tools: Vec<NameId> = path.iter().map(|segment| segment.tool).collect();
    let failed = if first.ok { "" } else { " (failed)" };
    let call = vocabulary.call(StepRef { episode, idx: first.first });
    let call = call.map_or_else(String::new, |call| format!(" [{call}]"));
    Some(format!("{}{failed}{call}", vocabulary.tool_path(&tools)))
}
