//! A recalled piece of experience, as data and as text.

use std::collections::BTreeMap;

use memory_core::learning::Attempts;
use memory_core::{Episode, Hit, Note, Record, Status, Timestamp, display_name};
use schemars::JsonSchema;
use serde::Serialize;

use super::moment::{Age, rfc3339};
use super::render::{QUOTED, dot, put, quote};
use super::team::team;
use super::visible::without_hidden;

/// One hit of a recall.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HitAnswer {
    kind: &'static str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<String>,
    strength: &'static str,
    score: f64,
    text: String,
    when: String,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// Who made it, on another machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<AttemptsAnswer>,
    /// Notes among the hits that contradict this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contradicts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_idx: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<BTreeMap<&'static str, f64>>,
    #[serde(skip)]
    at: Timestamp,
    /// Outcome or status in words; of a note `superseded`, or nothing.
    #[serde(skip)]
    standing: Option<String>,
}

/// Attempts at the task, for which the hit stands.
#[derive(Debug, Serialize, JsonSchema)]
struct AttemptsAnswer {
    n: u32,
    n_succeeded: u32,
    /// The best one, where that is another than the hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contrast: Option<String>,
}

impl AttemptsAnswer {
    fn new(attempts: Attempts, shown: &str) -> Self {
        let Attempts { n, n_succeeded, best, contrast } = attempts;
        let best = best.map(|best| best.to_string()).filter(|best| best != shown);
        Self { n, n_succeeded, best, contrast }
    }

    fn render(&self, out: &mut String) {
        let Self { n, n_succeeded, .. } = self;
        match n_succeeded {
            0 => put(out, format_args!("\n   {n} attempts, none succeeded")),
            _ => put(out, format_args!("\n   {n} attempts, {n_succeeded} succeeded")),
        }
        if let Some(best) = &self.best {
            put(out, format_args!("; best: {best}"));
        } else if *n_succeeded > 0 {
            out.push_str("; this is the best");
        }
        if let Some(contrast) = &self.contrast {
            put(out, format_args!(". {}", without_hidden(contrast)));
        }
    }
}

impl HitAnswer {
    /// Takes a hit; the terms of its score only if they are asked for.
    pub(crate) fn new(hit: Hit, explain: bool) -> Self {
        let id = hit.record.id().to_string();
        let attempts = hit.attempts.clone().map(|attempts| AttemptsAnswer::new(attempts, &id));
        let why = explain.then(|| hit.explanation().map(|(name, n)| (name, rounded(n))).collect());
        let team = hit.record.author().map(|author| display_name(&team(author)).into_owned());
        let (kind, scope, source, at, outcome, status, standing) = match hit.record {
            Record::Episode(episode) => {
                let standing = Some(episode.standing());
                let (outcome, status) = (episode.outcome(), episode.status());
                // "completed" says no more than the outcome beside it.
                let status = (status != Status::Completed).then(|| status.name());
                let outcome = outcome.map(memory_core::Outcome::name);
                let Episode { scope, source, started_at, .. } = *episode;
                ("episode", scope, source, started_at, outcome, status, standing)
            }
            Record::Note(note) => {
                let superseded = note.superseded_by.map(|_| "superseded");
                let standing = superseded.map(str::to_owned);
                let Note { kind, scope, source, occurred_at, .. } = *note;
                (kind.name(), scope, source, occurred_at, None, superseded, standing)
            }
        };
        Self {
            kind,
            id,
            source_id: source.map(|source| without_hidden(&source.external_id).into_owned()),
            strength: hit.strength.name(),
            score: rounded(hit.score),
            text: without_hidden(&hit.text).into_owned(),
            when: rfc3339(at),
            scope: scope.as_str().to_owned(),
            outcome,
            status,
            team,
            attempts,
            contradicts: hit.contradicts.iter().map(ToString::to_string).collect(),
            step_idx: hit.step_idx,
            why,
            at,
            standing,
        }
    }
}

impl HitAnswer {
    /// Returns the scope of the record.
    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }
}

/// Rounds to three decimals: more are noise to the reader.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// Appends the hits as numbered blocks: what each is, then its excerpt as a quotation.
pub(crate) fn render_hits(out: &mut String, hits: &[HitAnswer], own_scope: &str, now: Timestamp) {
    out.push_str(QUOTED);
    for (n, hit) in hits.iter().enumerate() {
        put(out, format_args!("\n{}. {} {}", n + 1, hit.kind, hit.id));
        if let Some(standing) = &hit.standing {
            dot(out, standing);
        }
        dot(out, hit.strength);
        dot(out, Age { now, then: hit.at });
        if hit.scope != own_scope {
            dot(out, format_args!("scope {}", display_name(&hit.scope)));
        }
        if let Some(author) = &hit.team {
            dot(out, format_args!("team {author}"));
        }
        if let Some(step_idx) = hit.step_idx {
            dot(out, format_args!("step {step_idx}"));
        }
        for other in &hit.contradicts {
            dot(out, format_args!("may contradict note {other}"));
        }
        if let Some(why) = &hit.why {
            let terms: Vec<String> =
                why.iter().map(|(name, value)| format!("{name} {value}")).collect();
            dot(out, format_args!("score {} = {}", hit.score, terms.join(", ")));
        }
        if let Some(attempts) = &hit.attempts {
            attempts.render(out);
        }
        quote(out, &hit.text);
    }
}
