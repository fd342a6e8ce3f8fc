//! `show`: an episode with its steps, or a note.

use memory_core::{Episode, Feedback, Memory, Note, Record, RecordId, RecordKind, Step, Timestamp};

use super::output::{Failure, Output, block, one_line};
use super::record;
use crate::config::Settings;
use crate::store;
use crate::wire::team;

/// Lines of a step's answer that are shown without `--full`.
const N_LINES: usize = 8;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id, or its first 8 digits or more
    id: String,
    /// Show the answers of tools in full
    #[arg(long)]
    full: bool,
}

/// Runs the command.
pub(crate) fn run(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let store = store::open(settings)?;
    let memory = &store.memory;
    let id = memory.resolve(&[RecordKind::Episode, RecordKind::Note], &args.id)?;
    let found = memory.read(&[id])?.into_iter().next();
    let found = found.ok_or_else(|| Failure::Failed(format!("{id} was removed meanwhile")))?;
    match &found {
        Record::Episode(episode) => {
            let steps = memory.steps(episode.id, 0, episode.n_steps)?;
            if output.is_json() {
                return output.value(&record::as_json(&found, Some(&steps))?);
            }
            show_episode(memory, episode, output)?;
            for same in steps.chunk_by(|a, b| !args.full && is_same(a, b)) {
                let Some(first) = same.first() else { continue };
                show_step(first, same.len(), args.full, output)?;
            }
            Ok(())
        }
        Record::Note(_) if output.is_json() => output.value(&record::as_json(&found, None)?),
        Record::Note(note) => show_note(memory, note, output),
    }
}

fn field(output: &mut Output<'_>, name: &str, value: Option<&str>) -> Result<(), Failure> {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => output.line(&format!("{name:<10}  {}", one_line(value, 400))),
        None => Ok(()),
    }
}

/// Returns the ids of records, short where they are stored, marked where they are forgotten.
fn names(memory: &Memory, ids: &[RecordId]) -> Result<Vec<String>, Failure> {
    let stored: Vec<RecordId> = memory.read(ids)?.iter().map(Record::id).collect();
    let name = |id: &RecordId| {
        let kind = id.kind().name();
        if stored.contains(id) {
            Ok(format!("{kind} {}", record::short_id(memory, *id)?))
        } else {
            Ok(format!("{kind} {id} (forgotten)"))
        }
    };
    ids.iter().map(name).collect()
}

fn show_ties(memory: &Memory, episode: &Episode, output: &mut Output<'_>) -> Result<(), Failure> {
    let related: Vec<RecordId> = episode.relations.iter().map(|tie| tie.episode.into()).collect();
    for (tie, name) in episode.relations.iter().zip(names(memory, &related)?) {
        field(output, &tie.kind.name().replace('_', " "), Some(&name))?;
    }
    let shown: Vec<RecordId> = episode.shown.iter().map(|shown| shown.record).collect();
    let shown = episode
        .shown
        .iter()
        .zip(names(memory, &shown)?)
        .map(|(shown, name)| if shown.strong { name } else { format!("{name} (weak)") });
    field(output, "shown", Some(&shown.collect::<Vec<_>>().join(", ")))?;
    let followed = episode.closing.as_ref().map_or(&[][..], |closing| &closing.followed);
    field(output, "followed", Some(&names(memory, followed)?.join(", ")))
}

fn feedback(given: Feedback) -> Option<String> {
    let Feedback { n_helpful, n_unhelpful } = given;
    let is_given = n_helpful > 0 || n_unhelpful > 0;
    is_given.then(|| format!("{n_helpful} helpful, {n_unhelpful} unhelpful"))
}

fn show_episode(
    memory: &Memory,
    episode: &Episode,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let context = &episode.context;
    let closing = episode.closing.as_ref();
    let state = episode.standing();
    let state = match closing.and_then(|c| c.reward) {
        Some(reward) => format!("{state}, reward {reward}"),
        None => state,
    };
    field(output, "episode", Some(&episode.id.to_string()))?;
    field(output, "outcome", Some(&state))?;
    field(output, "inferred", episode.inferred())?;
    field(output, "scope", Some(episode.scope.as_str()))?;
    field(output, "started", Some(&episode.started_at.to_string()))?;
    field(output, "ended", closing.map(|c| c.ended_at.to_string()).as_deref())?;
    field(output, "task type", context.task_type.as_deref())?;
    field(output, "language", context.language.as_deref())?;
    field(output, "framework", context.framework.as_deref())?;
    field(output, "domain", context.domain.as_deref())?;
    field(output, "tags", Some(&context.tags.join(", ")))?;
    field(output, "agent", context.agent.as_deref())?;
    field(output, "model", context.model.as_deref())?;
    field(output, "session", context.session.as_deref())?;
    field(output, "branch", context.branch.as_deref())?;
    field(output, "source", source(episode.source.as_ref()).as_deref())?;
    field(output, "origin", Some(episode.origin.name()))?;
    field(output, "team", episode.author.as_ref().map(team).as_deref())?;
    show_ties(memory, episode, output)?;
    field(output, "feedback", feedback(episode.feedback).as_deref())?;
    output.line("task")?;
    output.line(&block(episode.task.as_str(), "  "))?;
    let synopsis = memory.synopsis(episode)?;
    field(output, "done", Some(&synopsis))?;
    let Some(closing) = closing else { return Ok(()) };
    field(output, "artifacts", Some(&closing.artifacts.join(", ")))?;
    for (name, text) in [("summary", &closing.summary), ("reflection", &closing.reflection)] {
        if let Some(text) = text {
            output.line(name)?;
            output.line(&block(text.as_str(), "  "))?;
        }
    }
    Ok(())
}

/// Returns whether two steps say the same.
fn is_same(a: &Step, b: &Step) -> bool {
    let said = |step: &Step| {
        let texts = [Some(&step.args), Some(&step.observation), step.error.as_ref()];
        texts.map(|text| text.map(|text| text.as_str().to_owned()))
    };
    (&a.tool, &a.action, a.ok) == (&b.tool, &b.action, b.ok) && said(a) == said(b)
}

/// Prints a step that came `n` times in a row.
fn show_step(step: &Step, n: usize, full: bool, output: &mut Output<'_>) -> Result<(), Failure> {
    let mark = if step.ok { "ok" } else { "failed" };
    let action = step.action.as_deref().map(|action| format!(":{action}")).unwrap_or_default();
    let time = match step.latency_ms {
        _ if n > 1 => format!(", ×{n}"),
        Some(ms) => format!(", {ms} ms"),
        None => String::new(),
    };
    let tool = one_line(&format!("{}{action}", step.tool), 100);
    output.line(&format!("\n#{} {tool}  {mark}{time}", step.idx))?;
    let args = step.args.as_str();
    if full {
        output.line(&block(args, "  > "))?;
    } else if !args.is_empty() {
        output.line(&format!("  > {}", one_line(args, 400)))?;
    }
    if let Some(error) = &step.error {
        output.line(&block(error.as_str(), "  ! "))?;
    }
    let answer = block(step.observation.as_str(), "  ");
    let n_lines = answer.lines().count();
    if full || n_lines <= N_LINES {
        return if answer.is_empty() { Ok(()) } else { output.line(&answer) };
    }
    for line in answer.lines().take(N_LINES) {
        output.line(line)?;
    }
    output.line(&format!("  … {} more lines, shown by --full", n_lines - N_LINES))
}

fn show_note(memory: &Memory, note: &Note, output: &mut Output<'_>) -> Result<(), Failure> {
    let id = |id: Option<RecordId>| -> Result<Option<String>, Failure> {
        id.map(|id| record::short_id(memory, id)).transpose()
    };
    field(output, note.kind.name(), Some(&note.id.to_string()))?;
    field(output, "scope", Some(note.scope.as_str()))?;
    field(output, "when", Some(&note.occurred_at.to_string()))?;
    field(output, "speaker", note.speaker.as_deref())?;
    let session = note.session.as_ref().map(|session| format!("{session} #{}", note.position));
    field(output, "session", session.as_deref())?;
    field(output, "tags", Some(&note.tags.join(", ")))?;
    field(output, "valid from", note.valid_from.map(|at| at.to_string()).as_deref())?;
    field(output, "valid to", note.valid_to.map(|at| at.to_string()).as_deref())?;
    field(output, "learned in", id(note.episode.map(Into::into))?.as_deref())?;
    field(output, "supersedes", id(note.supersedes.map(Into::into))?.as_deref())?;
    field(output, "superseded", id(note.superseded_by.map(Into::into))?.as_deref())?;
    let repeated = |at: Timestamp| format!("{} time(s), last {at}", note.n_merged);
    field(output, "repeated", note.merged_at.map(repeated).as_deref())?;
    field(output, "feedback", feedback(note.feedback).as_deref())?;
    field(output, "source", source(note.source.as_ref()).as_deref())?;
    field(output, "origin", Some(note.origin.name()))?;
    field(output, "team", note.author.as_ref().map(team).as_deref())?;
    output.line("text")?;
    output.line(&block(note.text.as_str(), "  "))
}

fn source(source: Option<&memory_core::Source>) -> Option<String> {
    source.map(|source| format!("{} {}", source.importer, source.external_id))
}
