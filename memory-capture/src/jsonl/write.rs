//! Records of the memory as lines.
//!
//! Input: ids of stored records. Output: a line each, in the given order. A record that is removed
//! while the others are written is left out, and so is the name of a record that is not stored.

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use memory_core::{
    Context, Episode, Error, Excerpt, Memory, Note, Origin, Outcome, Record, RecordId, Scope,
    Source, Status, Step, Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::line::{IMPORTER, TASK_TAG};
use super::out::{ArgsOut, ContextOut, EpisodeOut, LinkOut, NameOut, NoteOut, StepOut};
use crate::json;

/// Records that are read at once.
const BATCH: usize = 100;

/// Reason why records could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The memory could not be read.
    #[error(transparent)]
    Memory(#[from] Error),
    /// The lines could not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Writes a line for each of these records.
///
/// [`super::Reader`] reads the lines as the same records again when what a record names comes
/// before it: episodes before notes, each in the order in which they were stored.
///
/// # Errors
///
/// [`WriteError::Memory`], [`WriteError::Write`].
pub fn write(
    memory: &Memory,
    ids: &[RecordId],
    to: &mut (impl Write + ?Sized),
) -> Result<(), WriteError> {
    for batch in ids.chunks(BATCH) {
        let records = memory.read(batch)?;
        let named = named_sources(memory, &records)?;
        for record in &records {
            match record {
                Record::Episode(episode) => {
                    let steps = memory.steps(episode.id, 0, episode.n_steps)?;
                    write_line(to, &episode_line(episode, &steps, &named))?;
                }
                Record::Note(note) => write_line(to, &note_line(note, &named))?,
            }
        }
    }
    Ok(())
}

/// Writes the same lines packed by gzip, and returns the file with all of them written to it.
///
/// # Errors
///
/// [`WriteError::Memory`], [`WriteError::Write`].
pub fn write_gzip<W: Write>(memory: &Memory, ids: &[RecordId], to: W) -> Result<W, WriteError> {
    let mut packed = GzEncoder::new(to, Compression::default());
    write(memory, ids, &mut packed)?;
    Ok(packed.finish()?)
}

fn write_line(to: &mut (impl Write + ?Sized), line: &impl Serialize) -> io::Result<()> {
    let mut text = json::escape_controls(serde_json::to_string(line)?);
    text.push('\n');
    to.write_all(text.as_bytes())
}

/// Sources of named records that are stored.
type Named = BTreeMap<RecordId, Option<Source>>;

/// Reads the sources of all records that these name.
fn named_sources(memory: &Memory, records: &[Record]) -> Result<Named, Error> {
    let mut ids: Vec<RecordId> = Vec::new();
    for record in records {
        match record {
            Record::Episode(episode) => {
                ids.extend(episode.relations.iter().map(|tie| RecordId::from(tie.episode)));
                ids.extend(episode.shown.iter().map(|shown| shown.record));
                ids.extend(episode.closing.iter().flat_map(|closing| &closing.followed));
            }
            Record::Note(note) => {
                ids.extend(note.supersedes.map(RecordId::from));
                ids.extend(note.episode.map(RecordId::from));
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let with_source = |record: Record| {
        let id = record.id();
        let source = match record {
            Record::Episode(episode) => episode.source,
            Record::Note(note) => note.source,
        };
        (id, source)
    };
    Ok(memory.read(&ids)?.into_iter().map(with_source).collect())
}

/// Returns the line of an episode. What it names and is forgotten is left out.
fn episode_line<'a>(episode: &'a Episode, steps: &'a [Step], named: &Named) -> EpisodeOut<'a> {
    let (id, importer) = own_name(episode.id.into(), episode.source.as_ref());
    let closing = episode.closing.as_ref();
    let duration_ms = closing.map(|closing| closing.ended_at.millis_since(episode.started_at));
    EpisodeOut {
        id,
        importer,
        task: episode.task.as_str(),
        context: context(&episode.scope, &episode.context),
        steps: steps.iter().map(|step| step_out(step, episode.started_at)).collect(),
        outcome: episode.outcome().map(Outcome::name),
        inferred: episode.inferred(),
        // The outcome tells of one that is completed.
        status: Some(episode.status()).filter(|s| *s != Status::Completed).map(Status::name),
        origin: origin(episode.origin),
        reward: closing.and_then(|closing| closing.reward),
        ts: episode.started_at.to_string(),
        duration_ms: duration_ms.filter(|ms| *ms > 0),
        summary: closing.and_then(|c| c.summary.as_ref()).map(Excerpt::as_str),
        artifacts: closing.iter().flat_map(|c| &c.artifacts).map(AsRef::as_ref).collect(),
        reflection: closing.and_then(|c| c.reflection.as_ref()).map(Excerpt::as_str),
        surprise: closing.and_then(|closing| closing.surprise),
        relations: episode
            .relations
            .iter()
            .filter_map(|relation| {
                let link = link(relation.episode.into(), named)?;
                Some(LinkOut { kind: Some(relation.kind.name()), ..link })
            })
            .collect(),
        shown: episode
            .shown
            .iter()
            .filter_map(|shown| {
                Some(LinkOut { strong: Some(shown.strong), ..link(shown.record, named)? })
            })
            .collect(),
        followed: closing
            .iter()
            .flat_map(|closing| &closing.followed)
            .filter_map(|id| link(*id, named))
            .collect(),
        n_helpful: episode.feedback.n_helpful,
        n_unhelpful: episode.feedback.n_unhelpful,
    }
}

fn link(id: RecordId, named: &Named) -> Option<LinkOut> {
    let name = name(id, named)?;
    let (episode, note) = match id {
        RecordId::Episode(_) => (Some(name), None),
        RecordId::Note(_) => (None, Some(name)),
    };
    Some(LinkOut { episode, note, kind: None, strong: None })
}

/// Returns the name of another record, if that is stored.
fn name(id: RecordId, named: &Named) -> Option<NameOut> {
    Some(match named.get(&id)?.clone() {
        Some(source) if *source.importer != *IMPORTER => {
            NameOut::Foreign { importer: source.importer, id: source.external_id }
        }
        Some(source) => NameOut::Id(source.external_id.into()),
        None => NameOut::Id(id.to_string()),
    })
}

/// Returns the line of a note.
fn note_line<'a>(note: &'a Note, named: &Named) -> NoteOut<'a> {
    let (id, importer) = own_name(note.id.into(), note.source.as_ref());
    NoteOut {
        id,
        importer,
        kind: note.kind.name(),
        origin: origin(note.origin),
        text: note.text.as_str(),
        ts: note.occurred_at.to_string(),
        scope: note.scope.as_str(),
        session: note.session.as_deref(),
        position: (note.session.is_some() || note.position > 0).then_some(note.position),
        speaker: note.speaker.as_deref(),
        tags: note.tags.iter().map(AsRef::as_ref).collect(),
        valid_from: note.valid_from.map(|at| at.to_string()),
        valid_to: note.valid_to.map(|at| at.to_string()),
        supersedes: note.supersedes.and_then(|id| name(id.into(), named)),
        episode: note.episode.and_then(|id| name(id.into(), named)),
        n_merged: note.n_merged,
        merged_at: note.merged_at.map(|at| at.to_string()),
        n_helpful: note.feedback.n_helpful,
        n_unhelpful: note.feedback.n_unhelpful,
    }
}

/// Returns the id under which a record is known outside, and the importer if it is not the usual
/// one.
fn own_name(id: RecordId, source: Option<&Source>) -> (String, Option<&str>) {
    match source {
        Some(source) => {
            let importer = Some(&*source.importer).filter(|importer| *importer != IMPORTER);
            (source.external_id.to_string(), importer)
        }
        None => (id.to_string(), None),
    }
}

/// Returns who a record comes from, unless that is what a reader takes for granted.
fn origin(origin: Origin) -> Option<&'static str> {
    Some(origin).filter(|origin| *origin != Origin::Imported).map(Origin::name)
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
        call_id: step.call_id.as_deref(),
        action: step.action.as_deref(),
        args: args(step.args.as_str()),
        result: step.observation.as_str(),
        ok: step.ok,
        error: step.error.as_ref().map(Excerpt::as_str),
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
