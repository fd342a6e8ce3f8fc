//! `start_episode`: begins an episode and shows what helps with its task.

use memory_core::{
    Begun, Context, Error, Lookup, NewEpisode, Receipt, Relation, RelationKind, display_name,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Answer, Call, Effect, Tool, count};
use crate::error::CallError;
use crate::wire::{
    Argument, BadArgument, HandoffAnswer, HitAnswer, Labels, One, Place, arguments, is_zero, put,
    receipt, render_hits,
};

/// Hits that are shown when the call names no number.
const DEFAULT_HITS: usize = 5;

/// Size of the hits when the call names none, in tokens.
const HITS_TOKENS: usize = 420;

/// Size of the advice, in tokens.
const ADVICE_TOKENS: usize = 420;

pub(super) struct StartEpisode;

arguments! {
    /// Arguments of `start_episode`.
    pub(super) struct Args {
        task: Task = "",
        scope: Option<String> = "",
        task_type: Option<String> = "e.g. bugfix",
        language: Option<String> = "",
        framework: Option<String> = "For programs. ",
        domain: Option<String> = "For programs. ",
        tags: Labels = "",
        agent: Option<String> = "For programs. ",
        model: Option<String> = "For programs. ",
        session: Option<String> = "For programs. ",
        branch: Option<String> = "For programs. ",
        resume: Option<String> = "Id of an episode or checkpoint to go on with",
        relation: Option<One<RelationKind>> = "For programs. To related_to; default follows",
        related_to: Option<String> = "For programs. Episode id",
        recall_limit: Option<u64> = "For programs. Default 5; 0: none",
        max_tokens: Option<u64> = "For programs. ",
    }
}

/// The task. The schema demands it; a call that resumes an episode need not repeat it.
#[derive(Debug)]
pub(super) struct Task(Option<String>);

impl Argument for Task {
    const REQUIRED: bool = true;

    fn schema() -> Value {
        String::schema()
    }

    fn absent(_: &Place<'_>) -> Result<Self, BadArgument> {
        Ok(Self(None))
    }

    fn read(value: Value, at: &Place<'_>) -> Result<Self, BadArgument> {
        String::read(value, at).map(|task| Self(Some(task)))
    }
}

/// Answer of `start_episode`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Started {
    episode_id: String,
    scope: String,
    hits: Vec<HitAnswer>,
    /// Change of late in the scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    news: Option<String>,
    /// Advice from past attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    /// State of the resumed episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<HandoffAnswer>,
    /// Reason why past experience could not be looked up, if so.
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
    const TITLE: &'static str = "Start task";
    const ABOUT: &'static str = "Call at the beginning of every task: opens its record and \
        returns past experience with tasks like it.";
    const EFFECT: Effect = Effect::Adds;
    type Args = Args;
    type Answer = Started;

    fn run(call: &Call<'_>, args: Args) -> Result<Started, CallError> {
        if let Some(from) = &args.resume {
            return resume(call, from);
        }
        let Task(Some(task)) = args.task else {
            return Err(CallError::Refused("task is required".to_owned()));
        };
        let scope = call.scope(args.scope.as_deref())?;
        let relations = relations(call, args.relation, args.related_to.as_deref())?;
        let lookup = Lookup {
            limit: args.recall_limit.map_or(DEFAULT_HITS, count),
            max_tokens: Some(args.max_tokens.map_or(HITS_TOKENS, count)),
            advice_tokens: ADVICE_TOKENS,
        };
        let mut new = NewEpisode::new(scope.clone(), task);
        new.relations = relations;
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
        let Receipt { value: begun, n_masked, n_cut } = begin(call, new, lookup)?;
        call.served.running.begin(begun.id);
        Ok(Started {
            episode_id: begun.id.to_string(),
            scope: scope.to_string(),
            hits: begun.hits.into_iter().map(|hit| HitAnswer::new(hit, false)).collect(),
            news: begun.news,
            advice: begun.advice.map(|advice| advice.text),
            resumed: None,
            degraded: begun.degraded,
            n_masked,
            n_cut,
            looked: lookup.limit > 0,
        })
    }
}

/// Begins the episode; a limit that is too large is named as the argument it came from.
fn begin(call: &Call<'_>, new: NewEpisode, lookup: Lookup) -> Result<Receipt<Begun>, CallError> {
    call.memory.begin(new, lookup).map_err(|error| match error {
        Error::LimitExceeded { what: "limit", limit, got } => CallError::Refused(format!(
            "recall_limit: {got} is more than the limit of {limit}; send less"
        )),
        error => error.into(),
    })
}

/// Goes on with an episode instead of beginning one.
fn resume(call: &Call<'_>, from: &str) -> Result<Started, CallError> {
    let (episode, handoff) = call.memory.resume(call.record_id("resume", from)?)?;
    call.served.running.begin(episode);
    Ok(Started {
        episode_id: episode.to_string(),
        scope: handoff.episode.scope.to_string(),
        hits: Vec::new(),
        news: None,
        advice: None,
        resumed: Some(HandoffAnswer::new(&handoff)),
        degraded: None,
        n_masked: 0,
        n_cut: 0,
        looked: false,
    })
}

/// The tie that the call names.
fn relations(
    call: &Call<'_>,
    kind: Option<One<RelationKind>>,
    to: Option<&str>,
) -> Result<Vec<Relation>, CallError> {
    match (kind, to) {
        (None, None) => Ok(Vec::new()),
        (Some(_), None) => Err(CallError::Refused(
            "related_to is required beside relation: the id of the earlier episode".to_owned(),
        )),
        (kind, Some(id)) => {
            let kind = kind.map_or(RelationKind::Follows, |One(kind)| kind);
            Ok(vec![Relation { kind, episode: call.episode_id("related_to", id)? }])
        }
    }
}

impl Answer for Started {
    fn text(&self, call: &Call<'_>) -> String {
        if let Some(resumed) = &self.resumed {
            let id = &self.episode_id;
            let mut out = if resumed.is_of(id) {
                format!("Go on with episode {id}.\n")
            } else {
                format!("Episode {id} started: log to it. It follows one that has ended:\n")
            };
            resumed.render(&mut out, call.now);
            return out;
        }
        let scope = display_name(&self.scope);
        let mut out = format!("Episode {} started in scope {scope}", self.episode_id);
        receipt(&mut out, self.n_masked, self.n_cut);
        out.push('\n');
        if let Some(news) = &self.news {
            put(&mut out, format_args!("News: {news}.\n"));
        }
        if let Some(advice) = &self.advice {
            out.push_str(advice);
            out.push('\n');
        }
        match &self.degraded {
            Some(reason) => {
                out.push_str("Past experience could not be looked up: ");
                out.push_str(reason);
            }
            None if !self.looked => out.push_str("Past experience was not looked up."),
            None if self.hits.is_empty() => {
                // Advice says by itself that nothing is known.
                if self.advice.is_none() {
                    out.push_str("No relevant past experience in this scope.");
                }
            }
            None => {
                out.push_str("Past experience. ");
                render_hits(&mut out, &self.hits, &self.scope, call.now);
            }
        }
        out.truncate(out.trim_end().len());
        out
    }
}
