//! One line as a record.

use std::collections::HashMap;

use memory_core::{
    Completion, Context, Feedback, Import, Link, LinkRole, NewEpisode, NewNote, NewStep, NoteKind,
    Origin, Outcome, Period, RecordKind, RelationKind, Scope, Source, Timestamp,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::bad_line::BadLine;
use super::line::{ContextLine, IMPORTER, Lenient, Line, LinkLine, NameLine, StepLine, TASK_TAG};
use crate::importer::Captured;
use crate::json;

/// Settings that hold for all lines of a file.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Scope of all records, whatever their lines say.
    pub scope: Option<Scope>,
    /// Scope of records whose lines name none.
    pub default_scope: Scope,
    /// Kind of all notes, whatever their lines say.
    pub kind: Option<NoteKind>,
    /// Time of import: of records whose lines have no time, or none that can be read.
    pub now: Timestamp,
}

/// Parser of the lines of one file, in their order.
#[derive(Debug)]
pub(super) struct Parser {
    rules: Rules,
    /// Next position in each session; lines of a session come in its order.
    positions: HashMap<(Scope, String), u32>,
}

impl Parser {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, positions: HashMap::new() }
    }

    /// Parses one line.
    pub(super) fn parse(&mut self, line: &str) -> Result<Captured, BadLine> {
        let line = json::repair_surrogates(line);
        let line: Line<'_> = serde_json::from_str(&line)?;
        match (line.task.is_some(), line.text.is_some()) {
            (true, _) => self.episode(line),
            (false, true) => self.note(line),
            (false, false) => Err(BadLine::NoRecord),
        }
    }

    fn episode(&self, line: Line<'_>) -> Result<Captured, BadLine> {
        let source = source(line.id, line.importer)?;
        let mut context = line.context.unwrap_or_default();
        let mut is_time_unknown = false;
        let duration_ms = whole(line.duration_ms).unwrap_or(0);
        let duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX);
        // What is known only by its duration ended just now, so that nothing lies in the future.
        let now = self.rules.now;
        let started_at = when(line.ts, &mut is_time_unknown)
            .unwrap_or_else(|| Timestamp::from_millis(now.as_millis().saturating_sub(duration_ms)));
        let ended_at = Timestamp::from_millis(started_at.as_millis().saturating_add(duration_ms));
        let steps = line.steps.unwrap_or_default().into_iter();
        let steps = steps.map(|line| step(line, started_at, &mut is_time_unknown)).collect();

        let named = line.outcome.as_deref().map(outcome).transpose()?;
        // Of an episode that was neither left open nor given up nothing says how it ended.
        let outcome = match line.status.as_deref() {
            Some("open" | "abandoned") => named,
            _ => named.or(Some(Outcome::Unjudged)),
        };
        let reward = line.reward.map(|reward| reward.clamp(0.0, 1.0));
        let is_reward_clamped = reward != line.reward;
        let completion = Completion {
            outcome,
            inferred: text(line.inferred).filter(|_| outcome.is_some()),
            summary: text(line.summary),
            artifacts: texts(line.artifacts),
            lessons: Vec::new(),
            reward,
            reflection: text(line.reflection),
            surprise: line.surprise,
            followed: Vec::new(),
            ended_at: Some(ended_at),
        };
        let links = links_of_episode(line.relations, line.shown, line.followed)?;
        let is_open = outcome.is_none() && line.status.as_deref() == Some("open");
        let new = NewEpisode {
            scope: self.scope(text(context.project.take()).or_else(|| text(line.scope)))?,
            task: line.task.unwrap_or_default(),
            context: setting(context, line.tags),
            source: Some(source),
            origin: origin(line.origin.as_deref())?,
            started_at: Some(started_at),
            relations: Vec::new(),
            shown: Vec::new(),
            feedback: feedback(line.n_helpful, line.n_unhelpful),
        };
        let completion = (!is_open).then(|| Box::new(completion));
        let record = Import::Episode(Box::new(new), steps, completion);
        Ok(Captured { record, links, alias: None, is_reward_clamped, is_time_unknown })
    }

    fn note(&mut self, line: Line<'_>) -> Result<Captured, BadLine> {
        let source = source(line.id, line.importer)?;
        let speaker = text(line.speaker);
        let named = line.kind.as_deref().map(note_kind).transpose()?;
        // A text with a speaker is a turn of a conversation, unless the line says what it is.
        let by_shape = if speaker.is_some() { NoteKind::Turn } else { NoteKind::Fact };
        let kind = self.rules.kind.or(named).unwrap_or(by_shape);
        let scope = self.scope(text(line.scope))?;
        let session = text(line.session);
        let position = match &session {
            Some(session) => self.position(&scope, session, line.position),
            None => line.position.unwrap_or(0),
        };
        let mut is_time_unknown = false;
        let links = [(LinkRole::Supersedes, line.supersedes), (LinkRole::TaughtBy, line.episode)];
        let links = links.into_iter().filter_map(|(role, name)| {
            let kind = match role {
                LinkRole::TaughtBy => RecordKind::Episode,
                _ => RecordKind::Note,
            };
            Some(Link { role, kind, source: named_source(name?) })
        });
        let new = NewNote {
            scope,
            kind,
            text: line.text.unwrap_or_default(),
            speaker,
            session,
            position,
            tags: texts(line.tags),
            source: Some(source),
            origin: origin(line.origin.as_deref())?,
            episode: None,
            supersedes: None,
            occurred_at: Some(when(line.ts, &mut is_time_unknown).unwrap_or(self.rules.now)),
            valid_from: when(line.valid_from, &mut is_time_unknown),
            valid_to: period(line.valid_to, &mut is_time_unknown).map(|period| period.end),
            n_merged: line.n_merged.unwrap_or(0),
            merged_at: when(line.merged_at, &mut is_time_unknown),
            feedback: feedback(line.n_helpful, line.n_unhelpful),
        };
        Ok(Captured {
            alias: None,
            record: Import::Note(Box::new(new)),
            links: links.collect(),
            is_reward_clamped: false,
            is_time_unknown,
        })
    }

    fn scope(&self, named: Option<String>) -> Result<Scope, BadLine> {
        match (&self.rules.scope, named) {
            (Some(scope), _) => Ok(scope.clone()),
            (None, Some(name)) => Scope::new(&name).map_err(|error| BadLine::Scope(error.into())),
            (None, None) => Ok(self.rules.default_scope.clone()),
        }
    }

    fn position(&mut self, scope: &Scope, session: &str, given: Option<u32>) -> u32 {
        let next = self.positions.entry((scope.clone(), session.to_owned())).or_default();
        let position = given.unwrap_or(*next);
        *next = position.saturating_add(1);
        position
    }
}

fn step(line: StepLine<'_>, started_at: Timestamp, is_time_unknown: &mut bool) -> NewStep {
    NewStep {
        call_id: text(line.call_id),
        tool: line.tool,
        action: text(line.action).or_else(|| text(line.verb)),
        args: line.args.filter(|raw| raw.get() != "null").map(unquoted).unwrap_or_default(),
        observation: line.result.or(line.observation).unwrap_or_default().0,
        ok: line.ok,
        error: text(line.error),
        latency_ms: whole(line.latency_ms),
        n_tokens: whole(line.tokens),
        occurred_at: Some(when(line.ts, is_time_unknown).unwrap_or(started_at)),
    }
}

fn setting(line: ContextLine, more_tags: Option<Vec<Lenient>>) -> Context {
    let name = |name: Option<Lenient>| text(name).map(String::into_boxed_str);
    let mut tags = texts(line.tags);
    tags.extend(texts(more_tags));
    tags.extend(text(line.task_id).map(|id| format!("{TASK_TAG}{id}")));
    Context {
        task_type: name(line.task_type),
        language: name(line.language),
        framework: name(line.framework),
        domain: name(line.domain),
        tags: tags.into_iter().map(Into::into).collect(),
        agent: name(line.agent),
        model: name(line.model),
        session: name(line.session),
        branch: name(line.branch),
    }
}

fn source(id: Option<Lenient>, importer: Option<Lenient>) -> Result<Source, BadLine> {
    let id = text(id).ok_or(BadLine::NoId)?;
    let importer = text(importer).unwrap_or_else(|| IMPORTER.to_owned());
    Ok(Source { importer: importer.into(), external_id: id.into() })
}

fn named_source(name: NameLine) -> Source {
    let (importer, id) = match name {
        NameLine::Id(id) => (IMPORTER.to_owned(), id),
        NameLine::Foreign { importer, id } => (importer, id),
    };
    Source { importer: importer.into(), external_id: id.into() }
}

/// Returns the links of an episode in the order of the lists and of their items.
fn links_of_episode(
    relations: Option<Vec<LinkLine>>,
    shown: Option<Vec<LinkLine>>,
    followed: Option<Vec<LinkLine>>,
) -> Result<Vec<Link>, BadLine> {
    let mut links = Vec::new();
    for line in relations.unwrap_or_default() {
        let name = line.kind.as_deref().unwrap_or(RelationKind::Follows.name());
        let kind = RelationKind::from_name(name).ok_or_else(|| {
            let allowed = RelationKind::ALL.iter().map(|kind| kind.name());
            BadLine::unknown_name("relations: kind", name, allowed)
        })?;
        let link = link("relations", line, LinkRole::Related(kind))?;
        if link.kind == RecordKind::Note {
            return Err(BadLine::RelationToNote);
        }
        links.push(link);
    }
    for line in shown.unwrap_or_default() {
        let strong = line.strong.unwrap_or(false);
        links.push(link("shown", line, LinkRole::Shown { strong })?);
    }
    for line in followed.unwrap_or_default() {
        links.push(link("followed", line, LinkRole::Followed)?);
    }
    Ok(links)
}

fn link(field: &'static str, line: LinkLine, role: LinkRole) -> Result<Link, BadLine> {
    let (kind, name) = match (line.episode, line.note) {
        (Some(name), None) => (RecordKind::Episode, name),
        (None, Some(name)) => (RecordKind::Note, name),
        _ => return Err(BadLine::NoTarget { field }),
    };
    Ok(Link { role, kind, source: named_source(name) })
}

fn outcome(name: &str) -> Result<Outcome, BadLine> {
    Outcome::from_name(name).ok_or_else(|| {
        BadLine::unknown_name("outcome", name, Outcome::ALL.iter().map(|outcome| outcome.name()))
    })
}

/// Returns who a record comes from: where its line does not say, it was imported.
fn origin(name: Option<&str>) -> Result<Origin, BadLine> {
    let Some(name) = name else { return Ok(Origin::Imported) };
    Origin::from_name(name).ok_or_else(|| {
        BadLine::unknown_name("origin", name, Origin::ALL.iter().map(|origin| origin.name()))
    })
}

fn note_kind(name: &str) -> Result<NoteKind, BadLine> {
    NoteKind::from_name(name).ok_or_else(|| {
        BadLine::unknown_name("kind", name, NoteKind::ALL.iter().map(|kind| kind.name()))
    })
}

fn feedback(n_helpful: Option<u32>, n_unhelpful: Option<u32>) -> Feedback {
    Feedback { n_helpful: n_helpful.unwrap_or(0), n_unhelpful: n_unhelpful.unwrap_or(0) }
}

/// Returns a text that is more than white space.
fn text(value: Option<Lenient>) -> Option<String> {
    value.map(|text| text.0).filter(|text| !text.trim().is_empty())
}

fn texts(values: Option<Vec<Lenient>>) -> Vec<String> {
    values.unwrap_or_default().into_iter().map(|text| text.0).collect()
}

/// Reads an instant, of a day its beginning; sets `is_unknown` when one cannot be read.
fn when(value: Option<Lenient>, is_unknown: &mut bool) -> Option<Timestamp> {
    period(value, is_unknown).map(|period| period.start)
}

/// Reads an instant or a day; sets `is_unknown` when one cannot be read.
fn period(value: Option<Lenient>, is_unknown: &mut bool) -> Option<Period> {
    let value = text(value)?;
    let read = Period::read_recorded(&value);
    *is_unknown |= read.is_none();
    read
}

/// Rounds a count or a duration; a negative one is as good as none.
fn whole(value: Option<f64>) -> Option<u64> {
    let value = value.filter(|value| (0.0..9e15).contains(value))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the line above bounds it"
    )]
    let whole = value.round() as u64;
    Some(whole)
}

/// Returns the text of a JSON string, or the JSON text of anything else.
fn unquoted(raw: &RawValue) -> String {
    match raw.get().as_bytes().first() {
        Some(b'"') => String::deserialize(raw).unwrap_or_else(|_| raw.get().to_owned()),
        _ => raw.get().to_owned(),
    }
}

#[cfg(test)]
mod tests;
