//! `start_episode`: begins an episode and shows what helps with its task.

use memory_core::{Context, Error, NewEpisode, Query};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool, count};
use crate::error::CallError;
use crate::wire::{HitAnswer, Labels, arguments, is_zero, receipt, render_hits};

/// Hits that are shown when the call names no number.
const DEFAULT_HITS: u64 = 5;

pub(super) struct StartEpisode;

arguments! {
    /// What `start_episode` takes.
    pub(super) struct Args {
        task: String = "What is to be done, in a sentence or more",
        scope: Option<String> = "Project; default: the current one",
        task_type: Option<String> = "e.g. bugfix",
        language: Option<String> = "",
        framework: Option<String> = "",
        domain: Option<String> = "",
        tags: Labels = "",
        agent: Option<String> = "",
        model: Option<String> = "",
        session: Option<String> = "",
        branch: Option<String> = "",
        recall_limit: Option<u64> = "Hits to show (5); 0: none",
        max_tokens: Option<u64> = "",
    }
}

/// What `start_episode` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Started {
    episode_id: String,
    scope: String,
    hits: Vec<HitAnswer>,
    /// Why past experience could not be looked up, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    n_masked: u32,
    #[serde(skip_serializing_if = "is_zero")]
    n_cut: u32,
    #[serde(skip)]
    looked: bool,
}

impl Tool for StartEpisode {
    const NAME: &'static str = "start_episode";
    const ABOUT: &'static str = "Call at the beginning of every task. Opens the record of this \
        attempt and returns past experience with tasks like it.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Started;

    fn run(call: &Call<'_>, args: Args) -> Result<Started, CallError> {
        let scope = call.scope(args.scope.as_deref())?;
        let limit = args.recall_limit.unwrap_or(DEFAULT_HITS);
        // Looked up before the episode is stored, so that it cannot find itself.
        let mut query = Query::new(args.task.as_str());
        query.scope = Some(scope.clone());
        query.own_scope = Some(scope.clone());
        query.limit = Some(count(limit));
        query.max_tokens = args.max_tokens.map(count);
        let looked = limit > 0 && !args.task.trim().is_empty();
        let found = if looked { look_up(call, &query)? } else { Ok(Vec::new()) };
        let mut new = NewEpisode::new(scope.clone(), args.task);
        new.context = Context {
            task_type: args.task_type.map(Into::into),
            language: args.language.map(Into::into),
            framework: args.framework.map(Into::into),
            domain: args.domain.map(Into::into),
            tags: args.tags.0.into_iter().map(Into::into).collect(),
            agent: args.agent.map(Into::into),
            model: args.model.map(Into::into),
            session: args.session.map(Into::into),
            branch: args.branch.map(Into::into),
        };
        let started = call.memory.start(new)?;
        let (hits, degraded) = match found {
            Ok(hits) => (hits, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        Ok(Started {
            episode_id: started.value.to_string(),
            scope: scope.to_string(),
            hits,
            degraded,
            n_masked: started.n_masked,
            n_cut: started.n_cut,
            looked,
        })
    }
}

/// Hits, or why there are none; only a wrong argument is the call's error, so that a broken search
/// never costs the episode.
fn look_up(call: &Call<'_>, query: &Query) -> Result<Result<Vec<HitAnswer>, String>, CallError> {
    match call.memory.recall(query) {
        Ok(found) => Ok(Ok(found.hits.into_iter().map(|hit| HitAnswer::new(hit, false)).collect())),
        Err(Error::LimitExceeded { limit, got, .. }) => Err(CallError::Refused(format!(
            "recall_limit: {got} is more than the limit of {limit}; send less"
        ))),
        Err(error @ Error::Invalid { .. }) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "an episode begins without a look at the past");
            Ok(Err(error.to_string()))
        }
    }
}

impl Answer for Started {
    fn text(&self, call: &Call<'_>) -> String {
        let mut out = format!("Episode {} started in scope {}", self.episode_id, self.scope);
        receipt(&mut out, self.n_masked, self.n_cut);
        out.push('\n');
        match &self.degraded {
            Some(reason) => {
                out.push_str("Past experience could not be looked up: ");
                out.push_str(reason);
            }
            None if !self.looked => out.push_str("Past experience was not looked up."),
            None if self.hits.is_empty() => {
                out.push_str("No relevant past experience in this scope.");
            }
            None => {
                out.push_str("Past experience. ");
                render_hits(&mut out, &self.hits, &self.scope, call.now);
            }
        }
        out
    }
}
