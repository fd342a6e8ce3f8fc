//! `get_episode`: shows one episode, its steps in pages.

use memory_core::{Step, display_name};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Answer, Call, Effect, Tool, count};
use crate::error::CallError;
use crate::wire::{
    Detail, EpisodeView, QUOTED, StepView, arguments, dot, printable, put, quote, render_steps,
};

/// Steps of a page that names no limit.
const DEFAULT_STEPS: u64 = 20;

/// Most steps of a page.
const MAX_STEPS: usize = 200;

/// Room for the steps of a page, in bytes of JSON. The text says the same again, and an answer as a
/// whole stays below 25 KB.
const PAGE_BYTES: usize = 9_000;

/// Room for each text above the steps, and for each list of labels.
const HEAD_BYTES: usize = 800;

/// Shortest room for a text of a step; a step that is still too large then is shown as it is.
const MIN_STEP_BYTES: usize = 64;

pub(super) struct GetEpisode;

arguments! {
    /// Arguments of `get_episode`.
    pub(super) struct Args {
        episode_id: String = "",
        from_step: Option<u64> = "",
        limit: Option<u64> = "",
    }
}

/// Answer of `get_episode`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Shown {
    episode_id: String,
    #[serde(flatten)]
    episode: EpisodeView,
    /// Summary of the steps, computed.
    synopsis: String,
    steps: Vec<StepView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_from_step: Option<u32>,
}

impl Tool for GetEpisode {
    const NAME: &'static str = "get_episode";
    const TITLE: &'static str = "Show episode";
    const SEARCH_HINT: &'static str = "past attempt, steps";
    const ABOUT: &'static str = "Shows an episode with its steps.";
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Answer = Shown;

    fn run(call: &Call<'_>, args: Args) -> Result<Shown, CallError> {
        let limit = count(args.limit.unwrap_or(DEFAULT_STEPS)).min(MAX_STEPS);
        let id = call.episode_id("episode_id", &args.episode_id)?;
        let from = u32::try_from(args.from_step.unwrap_or(0)).unwrap_or(u32::MAX);
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let (episode, steps) = call.memory.episode_with_steps(id, from, limit)?;
        let synopsis = call.memory.synopsis(&episode)?;
        let steps = page(&steps);
        let next = steps.last().map(|step| step.idx + 1);
        Ok(Shown {
            episode_id: episode.id.to_string(),
            episode: EpisodeView::new(&episode, Detail::Brief { text_bytes: HEAD_BYTES }),
            synopsis: printable(&synopsis).into_owned(),
            steps,
            next_from_step: next.filter(|next| *next < episode.n_steps),
        })
    }
}

/// Returns the first steps that fit on a page; one always does, shortened if it must be.
fn page(steps: &[Step]) -> Vec<StepView> {
    let mut page = Vec::new();
    let mut room = PAGE_BYTES;
    for step in steps {
        let mut text_bytes = PAGE_BYTES / 2;
        let mut view = StepView::new(step, Detail::Brief { text_bytes });
        // Escapes make a text of control characters six times as long, so the JSON is measured.
        while view.json_bytes() > PAGE_BYTES && text_bytes > MIN_STEP_BYTES {
            text_bytes /= 2;
            view = StepView::new(step, Detail::Brief { text_bytes });
        }
        let size = view.json_bytes();
        if size > room && !page.is_empty() {
            break;
        }
        room = room.saturating_sub(size);
        page.push(view);
    }
    page
}

impl Answer for Shown {
    fn text(&self, _: &Call<'_>) -> String {
        let mut out = String::new();
        self.put_head(&mut out);
        out.push('\n');
        out.push_str(QUOTED);
        self.put_texts(&mut out);
        match self.episode.head.n_steps {
            0 => out.push_str("\nno steps yet"),
            n => put(&mut out, format_args!("\n{} of {n} step(s):", self.steps.len())),
        }
        render_steps(&mut out, &self.steps);
        if let Some(next) = self.next_from_step {
            put(&mut out, format_args!("\nmore: from_step {next}"));
        }
        out
    }
}

impl Shown {
    fn put_head(&self, out: &mut String) {
        let EpisodeView { head, started_at, ended_at, context, relations, .. } = &self.episode;
        put(out, format_args!("Episode {}", self.episode_id));
        dot(out, &head.standing);
        dot(out, format_args!("scope {}", display_name(&head.scope)));
        if let Some(author) = self.episode.team.get() {
            dot(out, format_args!("team {}", display_name(author)));
        }
        dot(out, format_args!("started {started_at}"));
        if let Some(ended_at) = ended_at.get() {
            dot(out, format_args!("ended {ended_at}"));
        }
        for (name, value) in context {
            let value = match value {
                Value::String(text) => display_name(text).into_owned(),
                other => other.to_string(),
            };
            dot(out, format_args!("{name} {value}"));
        }
        for relation in relations.get().into_iter().flatten() {
            dot(out, format_args!("{} {}", relation.kind.replace('_', " "), relation.episode_id));
        }
    }

    fn put_texts(&self, out: &mut String) {
        let episode = &self.episode;
        let artifacts = episode.artifacts.get().map(|artifacts| artifacts.join("\n"));
        let texts = [
            ("task", Some(&episode.head.task)),
            ("summary", episode.summary.get()),
            ("done", Some(&self.synopsis)),
            ("reflection", episode.reflection.get()),
            ("artifacts", artifacts.as_ref()),
        ];
        for (name, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                put(out, format_args!("\n{name}:"));
                quote(out, text);
            }
        }
    }
}
