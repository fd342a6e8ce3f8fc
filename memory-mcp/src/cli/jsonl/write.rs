//! From a record to a line.

use memory_core::{Context, Episode, Note, RecordId, Scope, Source, Status, Step, Timestamp};
use serde_json::value::RawValue;

use super::line::{ArgsOut, ContextOut, EpisodeOut, LinkOut, NoteOut, StepOut};
use super::{IMPORTER, TASK_TAG};
use crate::cli::instant::printed;

/// The line of an episode.
pub(crate) fn episode_line<'a>(episode: &'a Episode, steps: &'a [Step]) -> EpisodeOut<'a> {
    let (id, importer) = name(episode.id.into(), episode.source.as_ref());
    let closing = episode.closing.as_ref();
    let duration_ms = closing.map(|closing| closing.ended_at.millis_since(episode.started_at));
    EpisodeOut {
        id,
        importer,
        task: episode.task.as_str(),
        context: context(&episode.scope, &episode.context),
        steps: steps.iter().map(|step| step_out(step, episode.started_at)).collect(),
        outcome: episode.outcome().map(memory_core::Outcome::name),
        status: (episode.status() == Status::Open).then_some(Status::Open.name()),
        reward: closing.and_then(|closing| closing.reward),
        ts: printed(episode.started_at),
        duration_ms: duration_ms.filter(|ms| *ms > 0),
        summary: closing.and_then(|c| c.summary.as_ref()).map(memory_core::Excerpt::as_str),
        artifacts: closing.iter().flat_map(|c| &c.artifacts).map(AsRef::as_ref).collect(),
        reflection: closing.and_then(|c| c.reflection.as_ref()).map(memory_core::Excerpt::as_str),
    }
}

/// The line of a note; `linked` gives the source of a record that it names, if it has one.
pub(crate) fn note_line(note: &Note, linked: impl Fn(RecordId) -> Option<Source>) -> NoteOut<'_> {
    let (id, importer) = name(note.id.into(), note.source.as_ref());
    let link = |id: RecordId| match linked(id) {
        Some(source) if *source.importer != *IMPORTER => {
            LinkOut::Foreign { importer: source.importer, id: source.external_id }
        }
        Some(source) => LinkOut::Id(source.external_id.into()),
        None => LinkOut::Id(id.to_string()),
    };
    NoteOut {
        id,
        importer,
        kind: note.kind.name(),
        text: note.text.as_str(),
        ts: printed(note.occurred_at),
        scope: note.scope.as_str(),
        session: note.session.as_deref(),
        position: note.session.as_ref().map(|_| note.position),
        speaker: note.speaker.as_deref(),
        tags: note.tags.iter().map(AsRef::as_ref).collect(),
        valid_from: note.valid_from.map(printed),
        valid_to: note.valid_to.map(printed),
        supersedes: note.supersedes.map(|id| link(id.into())),
        episode: note.episode.map(|id| link(id.into())),
    }
}

/// The id under which a record is known outside, and the importer if it is not the usual one.
fn name(id: RecordId, source: Option<&Source>) -> (String, Option<&str>) {
    match source {
        Some(source) => {
            let importer = Some(&*source.importer).filter(|importer| *importer != IMPORTER);
            (source.external_id.to_string(), importer)
        }
        None => (id.to_string(), None),
    }
}

fn context<'a>(scope: &'a Scope, context: &'a Context) -> ContextOut<'a> {
    // Several such tags cannot come from one task id; then all of them stay tags.
    let mut tasks = context.tags.iter().filter_map(|tag| tag.strip_prefix(TASK_TAG));
    let task_id = tasks.next().filter(|id| !id.is_empty());
    let task_id = if tasks.next().is_none() { task_id } else { None };
    let is_task = |tag: &str| task_id.is_some() && tag.starts_with(TASK_TAG);
    ContextOut {
        project: scope.as_str(),
        task_type: context.task_type.as_deref(),
        task_id,
        language: context.language.as_deref(),
        framework: context.framework.as_deref(),
        domain: context.domain.as_deref(),
        tags: context.tags.iter().map(AsRef::as_ref).filter(|tag| !is_task(tag)).collect(),
        agent: context.agent.as_deref(),
        model: context.model.as_deref(),
        session: context.session.as_deref(),
        branch: context.branch.as_deref(),
    }
}

fn step_out(step: &Step, started_at: Timestamp) -> StepOut<'_> {
    StepOut {
        tool: &step.tool,
        action: step.action.as_deref(),
        args: args(step.args.as_str()),
        result: step.observation.as_str(),
        ok: step.ok,
        error: step.error.as_ref().map(memory_core::Excerpt::as_str),
        latency_ms: step.latency_ms,
        tokens: step.n_tokens,
        ts: (step.occurred_at != started_at).then(|| printed(step.occurred_at)),
    }
}

fn args(text: &str) -> Option<ArgsOut<'_>> {
    if text.is_empty() {
        return None;
    }
    // A list or an object that begins and ends with its brackets comes back to the letter.
    let as_json =
        text.starts_with(['{', '[']) && text.ends_with(['}', ']']) && !text.contains('\n');
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if as_json => Some(ArgsOut::Json(raw)),
        _ => Some(ArgsOut::Text(text)),
    }
}
