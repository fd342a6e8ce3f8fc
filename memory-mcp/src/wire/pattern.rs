//! A pattern of past episodes, as data and as text.

use memory_core::learning::Pattern;
use serde::Serialize;

use super::render::put;

/// One pattern.
#[derive(Debug, Serialize)]
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
}

/// What goes with a pattern, adjusted for the task.
#[derive(Debug, Serialize)]
struct EffectAnswer {
    difference: f64,
    interval_95: [f64; 2],
    n: f64,
    within: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<f64>,
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

impl PatternAnswer {
    /// Takes a pattern.
    pub(crate) fn new(pattern: Pattern) -> Self {
        let (mean, lower, upper) = pattern.success;
        let effect = pattern.effect.map(|effect| EffectAnswer {
            difference: rounded(effect.difference),
            interval_95: [rounded(effect.interval.0), rounded(effect.interval.1)],
            n: effect.n,
            within: effect.within,
            q: effect.q.map(rounded),
        });
        Self {
            id: pattern.id,
            kind: pattern.kind,
            text: pattern.text,
            n: pattern.n,
            n_succeeded: rounded(pattern.n_succeeded),
            success: [mean, lower, upper].map(rounded),
            effect,
            episodes: pattern.episodes.iter().map(ToString::to_string).collect(),
            n_known: rounded(pattern.n_known),
        }
    }

    /// Appends it in a few lines.
    pub(crate) fn render(&self, out: &mut String) {
        let Self { kind, text, n, n_known, n_succeeded, .. } = self;
        let [mean, lower, upper] = self.success.map(percent);
        put(out, format_args!("{kind}: {text}\n   {n} times"));
        if *n_known > 0.0 {
            let verb = if *kind == "recovery" { "worked" } else { "succeeded" };
            put(out, format_args!(", {n_succeeded} of {n_known} {verb}"));
            put(out, format_args!(" ({mean} %, 80 % interval {lower}–{upper})"));
        }
        match &self.effect {
            None => out.push_str("; no comparable episodes without it"),
            Some(EffectAnswer { difference, interval_95: [low, high], n, within, q }) => {
                let points = |share: &f64| format!("{:+.0}", share * 100.0);
                put(
                    out,
                    format_args!(
                        "; associated with {} points of success ({} to {}), adjusted for {within}, {n} \
                         episodes",
                        points(difference),
                        points(low),
                        points(high)
                    ),
                );
                if let Some(q) = q {
                    put(out, format_args!(", q {q:.2}"));
                    if *q > 0.05 {
                        out.push_str(": not shown");
                    }
                }
            }
        }
        if let Some(episode) = self.episodes.first() {
            put(out, format_args!("; e.g. {episode}"));
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}
