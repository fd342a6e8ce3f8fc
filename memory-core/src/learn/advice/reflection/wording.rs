//! What a run teaches, in words.

use super::{Divergence, ErrorRecord, Evidence, PatternMet, Reflection, Resolution, Telling};
use crate::learn::NameNo;
use crate::learn::advice::align::Stretch;
use crate::learn::advice::text::{Page, Words, one_line, percent};
use crate::learn::evidence::{Measure, Posterior};
use crate::model::{EpisodeId, Outcome};

/// Repeats in a row from which a run counts as stuck where the other went on.
const STUCK: u32 = 3;

/// Most bytes of an example beside another.
const SHORT_BYTES: usize = 70;

impl Reflection {
    /// The evidence in words, of at most `max_tokens`; empty when the run teaches nothing.
    ///
    /// `id` is the run's own episode, whose steps are quoted.
    pub(crate) fn text(&self, id: EpisodeId, words: &Words<'_>, max_tokens: usize) -> String {
        let mut page = Page::default();
        for (rank, evidence) in self.evidence.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            page.line(-(rank as f64), format!("- {}", evidence.text(id, words)));
        }
        page.render(max_tokens)
    }
}

impl Evidence {
    /// One line in words.
    pub(crate) fn text(&self, id: EpisodeId, words: &Words<'_>) -> String {
        match self {
            Self::Surprise { outcome, expected, n_task, n_succeeded } => {
                surprise_text(*outcome, expected, *n_task, *n_succeeded)
            }
            Self::Divergence(divergence) => divergence.text(id, words),
            Self::Error { tool, at, n_here, resolved, before, .. } => {
                let text = words.quoted_error(id, *at);
                let times = if *n_here > 1 { format!(", {n_here} times") } else { String::new() };
                let now = resolved_text(id, resolved.as_ref(), words);
                let before = before_text(before, words);
                format!(
                    "Error of {} at step {}{times}: {text}. {now}{before}",
                    words.tool(*tool),
                    at
                )
            }
            Self::Cost { measure, value, median, share_above, n } => {
                let [value, median] = [*value, *median].map(|cost| cost_text(*measure, cost));
                let share = percent(1.0 - share_above);
                format!(
                    "Took {value}; the median of {n} successes is {median}, {share} of them took less."
                )
            }
            Self::Pattern(PatternMet { tools, effect, q }) => format!(
                "{} goes with {} success: {:+.0} points (95% interval {:+.0} to {:+.0}), adjusted for {}, over \
                 {:.0} runs, q = {q:.2}.",
                words.tools(tools),
                if effect.difference > 0.0 { "more" } else { "less" },
                100.0 * effect.difference,
                100.0 * effect.lower,
                100.0 * effect.upper,
                effect.stratum.name(),
                effect.n
            ),
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

fn resolved_text(id: EpisodeId, resolved: Option<&Resolution>, words: &Words<'_>) -> String {
    let Some(Resolution { at, changed, between }) = resolved else {
        return "It was not resolved.".to_owned();
    };
    let how = match (changed.is_empty(), between.is_empty()) {
        (false, _) => format!(" with another `{}`", changed.join("`, `")),
        (true, false) => format!(" after {}", words.tools(between)),
        (true, true) => " when tried again".to_owned(),
    };
    let call = words.call(id, *at).map_or_else(String::new, |call| format!(": {call}"));
    format!("Step {at} succeeded{how}{call}.")
}

fn before_text(before: &ErrorRecord, words: &Words<'_>) -> String {
    let ErrorRecord { n_seen, n_resolved, .. } = before;
    if *n_seen == 0 {
        return " Not seen before.".to_owned();
    }
    let how = before.resolved_by.and_then(|(id, _, at)| {
        words
            .call(id, at)
            .and_then(|call| one_line(&call, SHORT_BYTES))
            .map(|call| format!(", last by {call}"))
    });
    format!(" Before: resolved {n_resolved} of {n_seen} times{}.", how.unwrap_or_default())
}

fn cost_text(measure: Measure, cost: u64) -> String {
    match measure {
        Measure::Steps if cost == 1 => "1 step".to_owned(),
        Measure::Steps => format!("{cost} steps"),
        Measure::Tokens => format!("{cost} tokens"),
        Measure::Time if cost < 10_000 => format!("{cost} ms"),
        Measure::Time => format!("{} s", cost / 1_000),
    }
}

impl Divergence {
    /// Where this run did the same thing over and over and the other went on.
    fn stuck_text(
        &self,
        nearest: &str,
        there: Option<String>,
        words: &Words<'_>,
    ) -> Option<String> {
        let (own, others) = self.last_shared?;
        let is_stuck = own.n >= STUCK && own.n >= 2 * others.n;
        let there = there.filter(|_| is_stuck && self.here.is_empty())?;
        let failed = if own.ok { "" } else { " (failed)" };
        Some(format!(
            "This run did {}{failed} {} times in a row; {nearest} went on after {} with {there}.",
            words.tool(own.tool),
            own.n,
            others.n
        ))
    }

    /// In words.
    pub(crate) fn text(&self, id: EpisodeId, words: &Words<'_>) -> String {
        let other_succeeded = self.other_outcome == Some(Outcome::Success);
        let other = match self.other_outcome {
            Some(Outcome::Success) => "success",
            Some(Outcome::Partial) => "partial success",
            _ => "failed attempt",
        };
        let side = |id, way: &[Stretch]| {
            let first = way.first()?;
            let tools: Vec<NameNo> = way.iter().map(|stretch| stretch.tool).collect();
            let failed = if first.ok { "" } else { " (failed)" };
            let call =
                words.call(id, first.at).map_or_else(String::new, |call| format!(" [{call}]"));
            Some(format!("{}{failed}{call}", words.tools(&tools)))
        };
        let shared = match self.n_shared {
            0 => "From the first step".to_owned(),
            1 => "After the first step".to_owned(),
            n => format!("After {n} steps alike"),
        };
        let nearest = format!("the nearest {other} {}", self.other);
        if let Some(text) = self.stuck_text(&nearest, side(self.other, &self.there), words) {
            return text;
        }
        let mut text = match (side(id, &self.here), side(self.other, &self.there)) {
            (Some(here), Some(there)) => {
                format!("{shared} this run did {here}, {nearest} did {there}.")
            }
            (Some(here), None) => format!("{shared} this run did {here}, {nearest} did not."),
            (None, there) => {
                let there = there.unwrap_or_default();
                format!("{shared} {nearest} did {there}, this run did not.")
            }
        };
        if let Some(Telling { tool, n_there_with, n_there, n_here_with, n_here }) = self.telling {
            let [like_other, like_this] =
                if other_succeeded { ["successes", "others"] } else { ["others", "successes"] };
            let counts = format!(
                " {} is in {n_there_with} of {n_there} {like_other}, {n_here_with} of {n_here} {like_this}.",
                words.tool(tool)
            );
            text.push_str(&counts);
        }
        text
    }
}
