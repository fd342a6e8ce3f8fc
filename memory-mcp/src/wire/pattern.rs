//! A pattern of past episodes, as data and as text.

use memory_core::learning::{Association, Pattern, PatternKind, Posterior};
use schemars::JsonSchema;
use serde::Serialize;

use super::render::put;

/// q-value above which an effect is called not shown.
const MAX_SHOWN_Q: f64 = 0.05;

/// One pattern.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PatternAnswer {
    id: String,
    kind: &'static str,
    text: String,
    n: u32,
    n_succeeded: f64,
    /// Mean and 80 % interval.
    success: [f64; 3],
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<EffectAnswer>,
    episodes: Vec<String>,
    #[serde(skip)]
    n_known: f64,
    #[serde(skip)]
    is_recovery: bool,
}

/// Association of a pattern with success, adjusted for the task.
#[derive(Debug, Serialize, JsonSchema)]
struct EffectAnswer {
    difference: f64,
    interval_95: [f64; 2],
    n: f64,
    within: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<f64>,
}

impl From<Association> for EffectAnswer {
    fn from(effect: Association) -> Self {
        let (lower, upper) = effect.interval;
        Self {
            difference: rounded(effect.difference),
            interval_95: [lower, upper].map(rounded),
            n: effect.n,
            within: effect.within,
            q: effect.q.map(rounded),
        }
    }
}

/// Rounds to three decimals: more are noise to the reader.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

impl PatternAnswer {
    /// Takes a pattern.
    pub(crate) fn new(pattern: Pattern) -> Self {
        let Posterior { n, successes, mean, lower, upper } = pattern.success;
        Self {
            id: pattern.id,
            kind: pattern.kind.name(),
            text: pattern.text,
            n: pattern.n,
            n_succeeded: rounded(successes),
            success: [mean, lower, upper].map(rounded),
            effect: pattern.effect.map(EffectAnswer::from),
            episodes: pattern.episodes.iter().map(ToString::to_string).collect(),
            n_known: rounded(n),
            is_recovery: pattern.kind == PatternKind::Recovery,
        }
    }

    /// Appends it in a few lines.
    pub(crate) fn render(&self, out: &mut String) {
        let Self { kind, text, n, n_known, n_succeeded, .. } = self;
        let [mean, lower, upper] = self.success.map(percent);
        put(out, format_args!("{kind}: {text}\n   {n} times"));
        if *n_known > 0.0 {
            let verb = if self.is_recovery { "worked" } else { "succeeded" };
            put(out, format_args!(", {n_succeeded} of {n_known} {verb}"));
            put(out, format_args!(" ({mean} %, 80 % interval {lower}–{upper})"));
        }
        if let Some(effect) = &self.effect {
            effect.render(out);
        }
        if let Some(episode) = self.episodes.first() {
            put(out, format_args!("; e.g. {episode}"));
        }
    }
}

impl EffectAnswer {
    fn render(&self, out: &mut String) {
        let Self { difference, interval_95: [lower, upper], n, within, q } = self;
        let [difference, lower, upper] = [*difference, *lower, *upper].map(points);
        put(out, format_args!("; associated with {difference} points of success"));
        put(out, format_args!(" ({lower} to {upper}), adjusted for {within}, {n} episodes"));
        if let Some(q) = q {
            put(out, format_args!(", q {q:.2}"));
            if *q > MAX_SHOWN_Q {
                out.push_str(": not shown");
            }
        }
    }
}

fn points(share: f64) -> String {
    format!("{:+.0}", share * 100.0)
}

fn percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}
