//! From a record to a line.

use std::collections::BTreeMap;

use memory_core::{Context, Episode, Note, RecordId, Scope, Source, Status, Step, Timestamp};
use serde_json::value::RawValue;

use super::line::{ArgsOut, ContextOut, EpisodeOut, LinkOut, NoteOut, StepOut, TieOut};
use super::{IMPORTER, TASK_TAG};

/// The records that are named and stored, with their sources.
pub(crate) type Linked = BTreeMap<RecordId, Option<Source>>;

/// The records that a line of this episode may name.
pub(crate) fn named_by_episode(episode: &Episode) -> impl Iterator<Item = RecordId> {
    let relations = episode.relations.iter().map(|tie| tie.episode.into());
    let shown = episode.shown.iter().map(|shown| shown.record);
    let followed = episode.closing.iter().flat_map(|closing| closing.followed.iter().copied());
    relations.chain(shown).chain(followed)
}

/// The records that a line of this note may name.
pub(crate) fn named_by_note(note: &Note) -> impl Iterator<Item = RecordId> {
    let supersedes = note.supersedes.map(RecordId::from);
    supersedes.into_iter().chain(note.episode.map(RecordId::from))
}

/// The line of an episode. What it names and is forgotten is left out.
pub(crate) fn episode_line<'a>(
    episode: &'a Episode,
    steps: &'a [Step],
    linked: &Linked,
) -> EpisodeOut<'a> {
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
        ts: episode.started_at.to_string(),
        duration_ms: duration_ms.filter(|ms| *ms > 0),
        summary: closing.and_then(|c| c.summary.as_ref()).map(memory_core::Excerpt::as_str),
        artifacts: closing.iter().flat_map(|c| &c.artifacts).map(AsRef::as_ref).collect(),
        reflection: closing.and_then(|c| c.reflection.as_ref()).map(memory_core::Excerpt::as_str),
        surprise: closing.and_then(|closing| closing.surprise),
        relations: episode
            .relations
            .iter()
            .filter_map(|relation| {
                let tie = tie(relation.episode.into(), linked)?;
                Some(TieOut { kind: Some(relation.kind.name()), ..tie })
            })
            .collect(),
        shown: episode
            .shown
            .iter()
            .filter_map(|shown| {
                Some(TieOut { strong: Some(shown.strong), ..tie(shown.record, linked)? })
            })
            .collect(),
        followed: closing
            .iter()
            .flat_map(|closing| &closing.followed)
            .filter_map(|id| tie(*id, linked))
            .collect(),
        n_helpful: episode.feedback.n_helpful,
        n_unhelpful: episode.feedback.n_unhelpful,
    }
}

fn tie(id: RecordId, linked: &Linked) -> Option<TieOut> {
    let link = link(id, linked);
    let (episode, note) = match id {
        RecordId::Episode(_) => (link, None),
        RecordId::Note(_) => (None, link),
    };
    let is_stored = episode.is_some() || note.is_some();
    is_stored.then_some(TieOut { episode, note, kind: None, strong: None })
}

/// How a line names another record, if that is stored.
fn link(id: RecordId, linked: &Linked) -> Option<LinkOut> {
    Some(match linked.get(&id)?.clone() {
        Some(source) if *source.importer != *IMPORTER => {
            LinkOut::Foreign { importer: source.importer, id: source.external_id }
        }
        Some(source) => LinkOut::Id(source.external_id.into()),
        None => LinkOut::Id(id.to_string()),
    })
}

/// The line of a note.
pub(crate) fn note_line<'a>(note: &'a Note, linked: &Linked) -> NoteOut<'a> {
    let (id, importer) = name(note.id.into(), note.source.as_ref());
    NoteOut {
        id,
        importer,
        kind: note.kind.name(),
        text: note.text.as_str(),
        ts: note.occurred_at.to_string(),
        scope: note.scope.as_str(),
        session: note.session.as_deref(),
        position: (note.session.is_some() || note.position > 0).then_some(note.position),
        speaker: note.speaker.as_deref(),
        tags: note.tags.iter().map(AsRef::as_ref).collect(),
        valid_from: note.valid_from.map(|at| at.to_string()),
        valid_to: note.valid_to.map(|at| at.to_string()),
        supersedes: note.supersedes.and_then(|id| link(id.into(), linked)),
        episode: note.episode.and_then(|id| link(id.into(), linked)),
        n_merged: note.n_merged,
        merged_at: note.merged_at.map(|at| at.to_string()),
        n_helpful: note.feedback.n_helpful,
        n_unhelpful: note.feedback.n_unhelpful,
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
        ts: (step.occurred_at != started_at).then(|| step.occurred_at.to_string()),
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
