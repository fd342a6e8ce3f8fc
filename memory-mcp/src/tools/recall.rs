//! `recall`: finds past experience.

use memory_core::{Outcome, Query, Strength, TimeBound, display_name};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool, count};
use crate::error::CallError;
use crate::wire::{HitAnswer, Kind, Labels, One, Several, arguments, put, render_hits};

pub(super) struct Recall;

arguments! {
    /// Arguments of `recall`.
    pub(super) struct Args {
        query: String = "Task, question or error; dates too; empty: the newest",
        scope: Option<String> = "Default: this project; *: all",
        kinds: Several<Kind> = "",
        outcome: Option<One<Outcome>> = "For programs. ",
        task_type: Option<String> = "For programs. ",
        language: Option<String> = "For programs. ",
        tags: Labels = "For programs. All must match",
        since: Option<TimeBound> = "Date, RFC 3339 or 7d",
        until: Option<TimeBound> = "",
        limit: Option<u64> = "",
        max_tokens: Option<u64> = "",
        strength: Option<One<Strength>> = "Least; default weak",
        explain: Option<bool> = "For programs. Show score terms",
    }
}

/// Answer of `recall`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Recalled {
    scope: String,
    hits: Vec<HitAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Reason why only words were searched, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<String>,
    /// Texts not yet searched by meaning.
    #[serde(skip_serializing_if = "is_none_left")]
    pending: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_none_left(pending: &usize) -> bool {
    *pending == 0
}

impl Tool for Recall {
    const NAME: &'static str = "recall";
    const TITLE: &'static str = "Recall";
    const ABOUT: &'static str = "Call before unfamiliar work and on errors: finds past episodes, \
        lessons, facts, decisions. Often nothing is relevant.";
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Answer = Recalled;

    fn run(call: &Call<'_>, args: Args) -> Result<Recalled, CallError> {
        let scope = call.scope_or_all(args.scope.as_deref())?;
        let mut query = Query::new(args.query);
        query.scope.clone_from(&scope);
        query.own_scope = Some(call.scope(None)?);
        query.kinds = args.kinds.0.into_iter().flat_map(Kind::hit_kinds).collect();
        query.outcome = args.outcome.map(|One(outcome)| outcome);
        query.task_type = args.task_type;
        query.language = args.language;
        query.tags = args.tags.0;
        query.since = args.since.map(|since| since.since(call.now));
        query.until = args.until.map(|until| until.until(call.now));
        if !query.text.trim().is_empty() {
            query.except = call.served.running.ids();
        }
        query.limit = args.limit.map(count);
        query.max_tokens = args.max_tokens.map(count);
        query.strength = args.strength.map_or(Strength::Weak, |One(strength)| strength);
        let found = call.memory.recall(&query)?;
        let scope = scope.map_or_else(|| "*".to_owned(), |scope| scope.to_string());
        let message = message(&found, &scope);
        let explain = args.explain.unwrap_or(false);
        let hits = found.hits.into_iter().map(|hit| HitAnswer::new(hit, explain)).collect();
        Ok(Recalled { scope, hits, message, degraded: found.degraded, pending: found.n_pending })
    }
}

/// Returns what the hits alone do not say, and a better question.
fn message(found: &memory_core::Recall, scope: &str) -> Option<String> {
    let mut parts = Vec::new();
    if found.hits.is_empty() {
        parts.push(match scope {
            "*" => "nothing relevant in any scope".to_owned(),
            scope => {
                let scope = display_name(scope);
                format!("nothing relevant in scope {scope}; scope \"*\" searches all projects")
            }
        });
    }
    if found.n_below_strength > 0 && found.hits.is_empty() {
        parts.push(format!("strength \"any\" shows {} weaker hit(s)", found.n_below_strength));
    }
    if found.n_over_budget > 0 {
        parts.push(format!("{} hit(s) left out or cut: raise max_tokens", found.n_over_budget));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

impl Answer for Recalled {
    fn text(&self, call: &Call<'_>) -> String {
        let mut out = String::new();
        if !self.hits.is_empty() {
            let scope = display_name(&self.scope);
            out = format!("{} hit(s) in scope {scope}. ", self.hits.len());
            render_hits(&mut out, &self.hits, &self.scope, call.now);
        }
        if let Some(message) = &self.message {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(message);
        }
        if let Some(reason) = &self.degraded {
            put(&mut out, format_args!("\ndegraded: searched by words alone ({reason})"));
        }
        out
    }
}
