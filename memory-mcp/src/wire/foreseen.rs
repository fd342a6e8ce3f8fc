//! Foresight of a running episode, as data and as text; mostly nothing.

use memory_core::display_name;
use memory_core::prediction::{MovedOdds, NextTool};
use schemars::JsonSchema;
use serde::Serialize;

use super::render::put;

/// Odds that have moved, and likely next tools of an agent that repeats itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Foreseen {
    /// Chance of success now, where it has moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    chance: Option<f64>,
    /// Chance that was told before.
    #[serde(skip_serializing_if = "Option::is_none")]
    chance_before: Option<f64>,
    /// Tools that came next in such moments, with their share.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    likely_next: Vec<(String, f64)>,
    #[serde(skip)]
    told: String,
}

impl Foreseen {
    pub(crate) fn new(odds: Option<MovedOdds>, next: Vec<NextTool>) -> Self {
        let mut told = String::new();
        if let Some(MovedOdds { before, now }) = &odds {
            let percent = |share: f64| format!("{:.0}%", 100.0 * share);
            let known = if now.chance.n > 0.0 {
                format!("{} attempts at this task", rounded(now.chance.n))
            } else {
                format!("{} attempts in this project", rounded(now.n_scope))
            };
            put(
                &mut told,
                format_args!(
                    "\nChance of success now {} (80% interval {} to {}), told before: {}; by the \
                     steps so far and {known}.",
                    percent(now.chance.mean),
                    percent(now.chance.lower),
                    percent(now.chance.upper),
                    percent(*before),
                ),
            );
        }
        if !next.is_empty() {
            let tool = |next: &NextTool| {
                format!("`{}` ({:.0}%)", display_name(&next.tool), 100.0 * next.share)
            };
            let tools: Vec<String> = next.iter().map(tool).collect();
            let tools = tools.join(", ");
            put(
                &mut told,
                format_args!(
                    "\nThe last steps repeat themselves. After such steps past attempts went on \
                     with {tools}."
                ),
            );
        }
        Self {
            chance: odds.map(|odds| two_digits(odds.now.chance.mean)),
            chance_before: odds.map(|odds| two_digits(odds.before)),
            likely_next: next.into_iter().map(|next| (next.tool, two_digits(next.share))).collect(),
            told,
        }
    }

    pub(crate) fn render(&self, out: &mut String) {
        out.push_str(&self.told);
    }
}

fn two_digits(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

/// Returns a count that may be half.
fn rounded(n: f64) -> String {
    if n.fract() == 0.0 { format!("{n:.0}") } else { format!("{n:.1}") }
}
