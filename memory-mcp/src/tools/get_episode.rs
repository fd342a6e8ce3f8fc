//! `get_episode`: shows one episode, its steps in pages.

use memory_core::{Episode, Excerpt, Relation, Step, display_name};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Call, Effect, Tool, count};
use crate::error::CallError;
use crate::wire::{Opaque, QUOTED, StepAnswer, arguments, dot, put, quote, rfc3339, shortened};

/// Steps of a page that names no limit.
const DEFAULT_STEPS: u64 = 20;

/// Most steps of a page.
const MAX_STEPS: usize = 200;

/// Room for the steps of a page, in bytes of JSON. The text copy says the same again, and an answer
/// as a whole stays below 25 KB.
const PAGE_BYTES: usize = 9_000;

/// Most ties to earlier episodes that are shown; hardly any episode has more than one.
const MAX_TIES: usize = 4;

/// Room for each text above the steps, and for each list of labels.
const HEAD_BYTES: usize = 800;

pub(super) struct GetEpisode;

arguments! {
    /// What `get_episode` takes.
    pub(super) struct Args {
        episode_id: String = "",
        from_step: Option<u64> = "Default 0",
        limit: Option<u64> = "Default 20; 0: no steps",
    }
}

/// What `get_episode` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown {
    episode_id: String,
    #[schemars(skip)]
    scope: String,
    task: String,
    #[schemars(skip)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[schemars(skip)]
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// Language, framework and the like, by name.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    context: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    relations: Vec<Tie>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reflection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    artifacts: Vec<String>,
    n_steps: u32,
    #[schemars(with = "Vec<Opaque>")]
    steps: Vec<StepAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_from_step: Option<u32>,
}

/// An earlier episode, and what this one is to it.
#[derive(Debug, Serialize)]
struct Tie {
    kind: &'static str,
    episode_id: String,
}

impl Tool for GetEpisode {
    const NAME: &'static str = "get_episode";
    const ABOUT: &'static str = "Shows one episode with its steps, in pages: what was tried, what \
        came back.";
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Answer = Shown;

    fn run(call: &Call<'_>, args: Args) -> Result<Shown, CallError> {
        let limit = count(args.limit.unwrap_or(DEFAULT_STEPS)).min(MAX_STEPS);
        let id = call.episode_id("episode_id", &args.episode_id)?;
        let episode = call.memory.episode(id)?;
        let from = u32::try_from(args.from_step.unwrap_or(0)).unwrap_or(u32::MAX);
        // Steps that were appended since the episode was read would not fit what is said of it.
        let n_left = episode.n_steps.saturating_sub(from);
        let limit = u32::try_from(limit).map_or(n_left, |limit| limit.min(n_left));
        let steps = page(&call.memory.steps(id, from, limit)?);
        let next = steps.last().map_or(from, |step| step.idx + 1);
        Ok(shown(episode, steps, next))
    }
}

fn shown(episode: Episode, steps: Vec<StepAnswer>, next: u32) -> Shown {
    let (status, outcome) = (episode.status(), episode.outcome());
    let more = !steps.is_empty() && next < episode.n_steps;
    let closing = episode.closing.as_ref();
    let text = |text: &Excerpt| shortened(text.as_str(), HEAD_BYTES);
    Shown {
        episode_id: episode.id.to_string(),
        scope: episode.scope.to_string(),
        task: text(&episode.task),
        status: status.name(),
        outcome: outcome.map(memory_core::Outcome::name),
        started_at: rfc3339(episode.started_at),
        ended_at: closing.map(|closing| rfc3339(closing.ended_at)),
        context: context(&episode.context),
        relations: episode.relations.iter().take(MAX_TIES).map(Tie::to).collect(),
        source_id: episode.source.map(|source| source.external_id.into_string()),
        summary: closing.and_then(|closing| closing.summary.as_ref()).map(text),
        reflection: closing.and_then(|closing| closing.reflection.as_ref()).map(text),
        reward: closing.and_then(|closing| closing.reward),
        artifacts: closing.map(|closing| labels(&closing.artifacts)).unwrap_or_default(),
        n_steps: episode.n_steps,
        steps,
        next_from_step: more.then_some(next),
    }
}

impl Tie {
    fn to(relation: &Relation) -> Self {
        Self { kind: relation.kind.name(), episode_id: relation.episode.to_string() }
    }
}

fn context(context: &memory_core::Context) -> serde_json::Map<String, serde_json::Value> {
    let named = [
        ("task_type", &context.task_type),
        ("language", &context.language),
        ("framework", &context.framework),
        ("domain", &context.domain),
        ("agent", &context.agent),
        ("model", &context.model),
        ("session", &context.session),
        ("branch", &context.branch),
    ];
    let given = named.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let mut map: serde_json::Map<_, _> =
        given.map(|(name, value)| (name.to_owned(), value.into())).collect();
    if !context.tags.is_empty() {
        map.insert("tags".to_owned(), labels(&context.tags).into());
    }
    map
}

/// As many labels as there is room for, then how many are missing.
fn labels(labels: &[Box<str>]) -> Vec<String> {
    let mut room = HEAD_BYTES;
    let mut shown = Vec::new();
    for label in labels {
        if label.len() > room {
            shown.push(format!("… {} more", labels.len() - shown.len()));
            break;
        }
        room -= label.len();
        shown.push(label.to_string());
    }
    shown
}

/// The first steps that fit on a page; one always does, shortened if it must be.
fn page(steps: &[Step]) -> Vec<StepAnswer> {
    let mut page = Vec::new();
    let mut room = PAGE_BYTES;
    for step in steps {
        let mut answer = StepAnswer::new(step, PAGE_BYTES / 2);
        // Escapes make a text of control characters six times as long, so the size is measured.
        let mut limit = PAGE_BYTES / 2;
        while answer.size() > PAGE_BYTES && limit > 64 {
            limit /= 2;
            answer = StepAnswer::new(step, limit);
        }
        let size = answer.size();
        if size > room && !page.is_empty() {
            break;
        }
        room = room.saturating_sub(size);
        page.push(answer);
    }
    page
}

impl Answer for Shown {
    fn text(&self, _: &Call<'_>) -> String {
        let mut out = format!("Episode {}", self.episode_id);
        dot(&mut out, self.outcome.unwrap_or(self.status));
        dot(&mut out, format_args!("scope {}", display_name(&self.scope)));
        dot(&mut out, format_args!("started {}", self.started_at));
        if let Some(ended_at) = &self.ended_at {
            dot(&mut out, format_args!("ended {ended_at}"));
        }
        for (name, value) in &self.context {
            let value = match value {
                serde_json::Value::String(text) => display_name(text).into_owned(),
                other => other.to_string(),
            };
            dot(&mut out, format_args!("{name} {value}"));
        }
        for tie in &self.relations {
            dot(&mut out, format_args!("{} {}", tie.kind.replace('_', " "), tie.episode_id));
        }
        out.push('\n');
        out.push_str(QUOTED);
        let artifacts = self.artifacts.join("\n");
        let head = [
            ("task", Some(&self.task)),
            ("summary", self.summary.as_ref()),
            ("reflection", self.reflection.as_ref()),
            ("artifacts", Some(&artifacts)),
        ];
        for (name, text) in head {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                put(&mut out, format_args!("\n{name}:"));
                quote(&mut out, text);
            }
        }
        match self.n_steps {
            0 => out.push_str("\nno steps yet"),
            n => put(&mut out, format_args!("\n{} of {n} step(s):", self.steps.len())),
        }
        for step in &self.steps {
            step.render(&mut out);
        }
        if let Some(next) = self.next_from_step {
            put(&mut out, format_args!("\nmore: from_step {next}"));
        }
        out
    }
}
