//! Records as commands show them.

use memory_core::{
    Episode, Memory, Note, Record, RecordFilter, RecordId, RecordKind, Relation, Shown, Status,
    Step,
};
use serde_json::{Value, json};

use super::instant::short;
use super::output::one_line;
use super::{Failure, Output};

/// Lengths of an id that are tried until it is the only one: whole groups of its digits.
const ID_LENGTHS: [usize; 4] = [13, 18, 23, 28];

/// Widest text in a table.
const TEXT_WIDTH: usize = 80;

/// Steps that are read at once.
const STEP_PAGE: u32 = 200;

/// The shortest beginning of an id that no other record shares and that every command accepts.
///
/// The first digits are a clock, so records that were imported together differ only late.
pub(crate) fn short_id(memory: &Memory, id: RecordId) -> Result<String, Failure> {
    let whole = id.to_string();
    for length in ID_LENGTHS {
        let Some(prefix) = whole.get(..length) else { break };
        let ids = Some(memory_core::IdRange::from_prefix(prefix)?);
        let filter = RecordFilter { ids, ..RecordFilter::default() };
        let n_found = memory.list(RecordKind::Episode, &filter, None, 2)?.len()
            + memory.list(RecordKind::Note, &filter, None, 2)?.len();
        if n_found <= 1 {
            return Ok(prefix.to_owned());
        }
    }
    Ok(whole)
}

/// Prints records as a table, or each as a line of JSON without its steps.
pub(crate) fn table(
    memory: &Memory,
    records: &[Record],
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if output.is_json() {
        return records.iter().try_for_each(|record| output.value(&as_json(record, None)));
    }
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        let (at, scope, text) = match record {
            Record::Episode(episode) => (episode.started_at, &episode.scope, &episode.task),
            Record::Note(note) => (note.occurred_at, &note.scope, &note.text),
        };
        rows.push(vec![
            short_id(memory, record.id())?,
            short(at),
            what(record),
            one_line(scope.as_str(), 40),
            one_line(text.as_str(), TEXT_WIDTH),
        ]);
    }
    output.table(&["ID", "WHEN (UTC)", "WHAT", "SCOPE", "TEXT"], &rows)
}

/// What a record is and how it stands, in a few words.
pub(crate) fn what(record: &Record) -> String {
    match record {
        Record::Episode(episode) => {
            let state = episode.outcome().map_or(episode.status().name(), |o| o.name());
            format!("episode, {state}, {} steps", episode.n_steps)
        }
        Record::Note(note) if note.superseded_by.is_some() => {
            format!("{}, superseded", note.kind.name())
        }
        Record::Note(note) => note.kind.name().to_owned(),
    }
}

/// The steps that the episode had when it was read, though more may have been appended since.
pub(crate) fn steps(memory: &Memory, episode: &Episode) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    while let Ok(from) = u32::try_from(steps.len())
        && from < episode.n_steps
    {
        let page = memory.steps(episode.id, from, STEP_PAGE.min(episode.n_steps - from))?;
        if page.is_empty() {
            break;
        }
        steps.extend(page);
    }
    Ok(steps)
}

/// A record as JSON; an episode with its steps, if they are given.
pub(crate) fn as_json(record: &Record, steps: Option<&[Step]>) -> Value {
    match record {
        Record::Episode(episode) => episode_json(episode, steps),
        Record::Note(note) => note_json(note),
    }
}

fn episode_json(episode: &Episode, steps: Option<&[Step]>) -> Value {
    let context = &episode.context;
    let closing = episode.closing.as_ref();
    let mut value = json!({
        "kind": "episode",
        "id": episode.id.to_string(),
        "scope": episode.scope.as_str(),
        "task": episode.task.as_str(),
        "task_bytes": episode.task.full_bytes(),
        "context": {
            "task_type": context.task_type,
            "language": context.language,
            "framework": context.framework,
            "domain": context.domain,
            "tags": context.tags,
            "agent": context.agent,
            "model": context.model,
            "session": context.session,
            "branch": context.branch,
        },
        "source": source_json(episode.source.as_ref()),
        "started_at": episode.started_at.to_string(),
        "recorded_at": episode.recorded_at.to_string(),
        "status": episode.status().name(),
        "outcome": episode.outcome().map(memory_core::Outcome::name),
        "ended_at": closing.map(|c| c.ended_at.to_string()),
        "summary": closing.and_then(|c| c.summary.as_ref()).map(memory_core::Excerpt::as_str),
        "artifacts": closing.map(|c| &c.artifacts[..]).unwrap_or_default(),
        "reward": closing.and_then(|c| c.reward),
        "reflection": closing.and_then(|c| c.reflection.as_ref()).map(memory_core::Excerpt::as_str),
        "surprise": closing.and_then(|c| c.surprise),
        "followed": closing.map(|c| names(&c.followed)).unwrap_or_default(),
        "relations": episode.relations.iter().map(relation_json).collect::<Vec<Value>>(),
        "shown": episode.shown.iter().map(shown_json).collect::<Vec<Value>>(),
        "n_helpful": episode.feedback.n_helpful,
        "n_unhelpful": episode.feedback.n_unhelpful,
        "n_steps": episode.n_steps,
    });
    if let (Some(steps), Value::Object(object)) = (steps, &mut value) {
        let steps = steps.iter().map(step_json).collect();
        object.insert("steps".to_owned(), Value::Array(steps));
    }
    value
}

fn relation_json(relation: &Relation) -> Value {
    json!({ "kind": relation.kind.name(), "episode_id": relation.episode.to_string() })
}

fn shown_json(shown: &Shown) -> Value {
    json!({ "id": shown.record.to_string(), "strong": shown.strong })
}

fn names(ids: &[RecordId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn step_json(step: &Step) -> Value {
    json!({
        "idx": step.idx,
        "tool": step.tool,
        "action": step.action,
        "args": step.args.as_str(),
        "observation": step.observation.as_str(),
        "observation_bytes": step.observation.full_bytes(),
        "ok": step.ok,
        "error": step.error.as_ref().map(memory_core::Excerpt::as_str),
        "latency_ms": step.latency_ms,
        "tokens": step.n_tokens,
        "occurred_at": step.occurred_at.to_string(),
    })
}

fn note_json(note: &Note) -> Value {
    json!({
        "kind": note.kind.name(),
        "id": note.id.to_string(),
        "scope": note.scope.as_str(),
        "text": note.text.as_str(),
        "text_bytes": note.text.full_bytes(),
        "speaker": note.speaker,
        "session": note.session,
        "position": note.position,
        "tags": note.tags,
        "source": source_json(note.source.as_ref()),
        "episode_id": note.episode.map(|id| id.to_string()),
        "occurred_at": note.occurred_at.to_string(),
        "recorded_at": note.recorded_at.to_string(),
        "valid_from": note.valid_from.map(|at| at.to_string()),
        "valid_to": note.valid_to.map(|at| at.to_string()),
        "supersedes": note.supersedes.map(|id| id.to_string()),
        "superseded_by": note.superseded_by.map(|id| id.to_string()),
        "n_merged": note.n_merged,
        "merged_at": note.merged_at.map(|at| at.to_string()),
        "n_helpful": note.feedback.n_helpful,
        "n_unhelpful": note.feedback.n_unhelpful,
    })
}

fn source_json(source: Option<&memory_core::Source>) -> Value {
    source.map_or(
        Value::Null,
        |source| json!({ "importer": source.importer, "external_id": source.external_id }),
    )
}

/// Whether an episode still runs, for the one who is about to remove it.
pub(crate) fn is_open(record: &Record) -> bool {
    matches!(record, Record::Episode(episode) if episode.status() == Status::Open)
}
