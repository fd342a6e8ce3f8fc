//! From a line to a record.

use std::collections::HashMap;

use memory_core::{
    Completion, Context, EpisodeId, Feedback, Import, NewEpisode, NewNote, NewStep, NoteId,
    NoteKind, Outcome, Period, RecordKind, RelationKind, Scope, Source, Timestamp,
};

use super::line::{ContextLine, Lenient, Line, LinkLine, StepLine, TieLine};
use super::{IMPORTER, TASK_TAG, unquoted};

/// A record that another one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link(pub(crate) Source);

/// A record that an episode names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tie {
    /// What it is to the episode.
    pub(crate) role: Role,
    /// Its kind.
    pub(crate) kind: RecordKind,
    /// Which one it is.
    pub(crate) link: Link,
}

/// What a record is to an episode that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// An earlier episode that it stands to in this way.
    Related(RelationKind),
    /// A record that was shown when it began.
    Shown {
        /// Whether it was a strong hit.
        strong: bool,
    },
    /// A record whose advice was followed.
    Followed,
}

/// One line, read.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The record.
    pub(crate) record: Import,
    /// The note that a note replaces.
    pub(crate) supersedes: Option<Link>,
    /// The episode that taught a note.
    pub(crate) episode: Option<Link>,
    /// What an episode names: most of it stands later in the file.
    pub(crate) ties: Vec<Tie>,
    /// The id that the record had in the store that it was exported from, if it was.
    pub(crate) native: Option<memory_core::RecordId>,
    /// Whether a reward had to be moved into [0, 1].
    pub(crate) reward_clamped: bool,
    /// Whether a time was written in a way that nobody understands.
    pub(crate) time_unknown: bool,
}

/// Reads the lines of one file in order.
#[derive(Debug)]
pub(crate) struct Reader {
    scope: Option<Scope>,
    default_scope: Scope,
    kind: Option<NoteKind>,
    now: Timestamp,
    /// The next position in each session; lines of a session come in its order.
    positions: HashMap<(Scope, String), u32>,
}

impl Reader {
    /// Begins a file. `scope` and `kind` override what lines say, `default_scope` is for lines that say
    /// nothing, and what has no time happened `now`.
    pub(crate) fn new(
        scope: Option<Scope>,
        default_scope: Scope,
        kind: Option<NoteKind>,
        now: Timestamp,
    ) -> Self {
        Self { scope, default_scope, kind, now, positions: HashMap::new() }
    }

    /// Reads one line, or says what is wrong with it.
    pub(crate) fn read(&mut self, line: &str) -> Result<Parsed, String> {
        let line: Line<'_> = serde_json::from_str(line).map_err(|error| reason(&error))?;
        match (line.task.is_some(), line.text.is_some()) {
            (true, _) => self.episode(line),
            (false, true) => self.note(line),
            (false, false) => Err("has neither `task` nor `text`".to_owned()),
        }
    }

    fn episode(&self, line: Line<'_>) -> Result<Parsed, String> {
        let source = source(line.id, line.importer)?;
        let mut context = line.context.unwrap_or_default();
        let mut time_unknown = false;
        let duration_ms = millis(line.duration_ms).unwrap_or(0);
        let duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX);
        // What is known only by its duration ended just now, so that nothing lies in the future.
        let started_at = when(line.ts, &mut time_unknown).unwrap_or_else(|| {
            Timestamp::from_millis(self.now.as_millis().saturating_sub(duration_ms))
        });
        let ended_at = Timestamp::from_millis(started_at.as_millis().saturating_add(duration_ms));
        let steps = line.steps.unwrap_or_default().into_iter();
        let steps = steps.map(|step| read_step(step, started_at, &mut time_unknown)).collect();

        let outcome = line.outcome.as_deref().map(|name| {
            Outcome::from_name(name)
                .ok_or_else(|| one_of("outcome", name, Outcome::ALL.iter().map(|o| o.name())))
        });
        let outcome = outcome.transpose()?;
        let reward = line.reward.map(|reward| reward.clamp(0.0, 1.0));
        let reward_clamped = reward != line.reward;
        let completion = Completion {
            outcome,
            summary: text(line.summary),
            artifacts: texts(line.artifacts),
            lessons: Vec::new(),
            reward,
            reflection: text(line.reflection),
            surprise: line.surprise,
            followed: Vec::new(),
            ended_at: Some(ended_at),
        };
        let ties = ties(line.relations, line.shown, line.followed)?;
        let open = outcome.is_none() && line.status.as_deref() == Some("open");
        let scope = self.scope(text(context.project.take()).or_else(|| text(line.scope)))?;
        let native = native_id::<EpisodeId>(&source);
        let new = NewEpisode {
            scope,
            task: line.task.unwrap_or_default(),
            context: read_context(context, line.tags),
            source: Some(source),
            started_at: Some(started_at),
            relations: Vec::new(),
            shown: Vec::new(),
            feedback: feedback(line.n_helpful, line.n_unhelpful),
        };
        let completion = (!open).then(|| Box::new(completion));
        Ok(Parsed {
            record: Import::Episode(Box::new(new), steps, completion),
            supersedes: None,
            episode: None,
            ties,
            native,
            reward_clamped,
            time_unknown,
        })
    }

    fn note(&mut self, line: Line<'_>) -> Result<Parsed, String> {
        let source = source(line.id, line.importer)?;
        let speaker = text(line.speaker);
        let named = line.kind.as_deref().map(|name| {
            NoteKind::from_name(name)
                .ok_or_else(|| one_of("kind", name, NoteKind::ALL.iter().map(|k| k.name())))
        });
        // Who said it makes a text a turn of a conversation.
        let by_shape = if speaker.is_some() { NoteKind::Turn } else { NoteKind::Fact };
        let kind = self.kind.or(named.transpose()?).unwrap_or(by_shape);
        let scope = self.scope(text(line.scope))?;
        let session = text(line.session);
        let position = match &session {
            Some(session) => self.position(&scope, session, line.position),
            None => line.position.unwrap_or(0),
        };
        let mut time_unknown = false;
        let native = native_id::<NoteId>(&source);
        let new = NewNote {
            scope,
            kind,
            text: line.text.unwrap_or_default(),
            speaker,
            session,
            position,
            tags: texts(line.tags),
            source: Some(source),
            episode: None,
            supersedes: None,
            occurred_at: Some(when(line.ts, &mut time_unknown).unwrap_or(self.now)),
            valid_from: when(line.valid_from, &mut time_unknown),
            valid_to: period(line.valid_to, &mut time_unknown).map(|period| period.end),
            n_merged: line.n_merged.unwrap_or(0),
            merged_at: when(line.merged_at, &mut time_unknown),
            feedback: feedback(line.n_helpful, line.n_unhelpful),
        };
        Ok(Parsed {
            record: Import::Note(Box::new(new)),
            supersedes: line.supersedes.map(link),
            episode: line.episode.map(link),
            ties: Vec::new(),
            native,
            reward_clamped: false,
            time_unknown,
        })
    }

    fn scope(&self, named: Option<String>) -> Result<Scope, String> {
        match (&self.scope, named) {
            (Some(scope), _) => Ok(scope.clone()),
            (None, Some(name)) => Scope::new(&name).map_err(|error| error.to_string()),
            (None, None) => Ok(self.default_scope.clone()),
        }
    }

    fn position(&mut self, scope: &Scope, session: &str, given: Option<u32>) -> u32 {
        let next = self.positions.entry((scope.clone(), session.to_owned())).or_default();
        let position = given.unwrap_or(*next);
        *next = position.saturating_add(1);
        position
    }
}

fn read_step(step: StepLine<'_>, started_at: Timestamp, time_unknown: &mut bool) -> NewStep {
    NewStep {
        tool: step.tool,
        action: text(step.action).or_else(|| text(step.verb)),
        args: step.args.filter(|raw| raw.get() != "null").map(unquoted).unwrap_or_default(),
        observation: step.result.or(step.observation).unwrap_or_default().0,
        ok: step.ok,
        error: text(step.error),
        latency_ms: millis(step.latency_ms),
        n_tokens: millis(step.tokens),
        occurred_at: Some(when(step.ts, time_unknown).unwrap_or(started_at)),
    }
}

fn read_context(context: ContextLine, more_tags: Option<Vec<Lenient>>) -> Context {
    let name = |name: Option<Lenient>| text(name).map(String::into_boxed_str);
    let mut tags = texts(context.tags);
    tags.extend(texts(more_tags));
    tags.extend(text(context.task_id).map(|id| format!("{TASK_TAG}{id}")));
    Context {
        task_type: name(context.task_type),
        language: name(context.language),
        framework: name(context.framework),
        domain: name(context.domain),
        tags: tags.into_iter().map(Into::into).collect(),
        agent: name(context.agent),
        model: name(context.model),
        session: name(context.session),
        branch: name(context.branch),
    }
}

fn source(id: Option<Lenient>, importer: Option<Lenient>) -> Result<Source, String> {
    let id = text(id).ok_or("has no `id`; without one a second import would store it again")?;
    let importer = text(importer).unwrap_or_else(|| IMPORTER.to_owned());
    Ok(Source { importer: importer.into(), external_id: id.into() })
}

/// The id of the record in the store that wrote it: exports of records without a source use it.
fn native_id<Id>(source: &Source) -> Option<memory_core::RecordId>
where
    Id: std::str::FromStr + Into<memory_core::RecordId>,
{
    let is_uuid = &*source.importer == IMPORTER && source.external_id.len() == 36;
    is_uuid.then(|| source.external_id.parse::<Id>().ok().map(Into::into)).flatten()
}

fn link(line: LinkLine) -> Link {
    let (importer, id) = match line {
        LinkLine::Id(id) => (IMPORTER.to_owned(), id),
        LinkLine::Foreign { importer, id } => (importer, id),
    };
    Link(Source { importer: importer.into(), external_id: id.into() })
}

/// What an episode names, in the order of the lists and of their items.
fn ties(
    relations: Option<Vec<TieLine>>,
    shown: Option<Vec<TieLine>>,
    followed: Option<Vec<TieLine>>,
) -> Result<Vec<Tie>, String> {
    let mut ties = Vec::new();
    for tie in relations.unwrap_or_default() {
        let name = tie.kind.as_deref().unwrap_or(RelationKind::Follows.name());
        let kind = RelationKind::from_name(name).ok_or_else(|| {
            one_of("relations: kind", name, RelationKind::ALL.iter().map(|kind| kind.name()))
        })?;
        let tie = named("relations", tie, Role::Related(kind))?;
        if tie.kind == RecordKind::Note {
            return Err("relations: a relation is to an `episode`".to_owned());
        }
        ties.push(tie);
    }
    for tie in shown.unwrap_or_default() {
        let strong = tie.strong.unwrap_or(false);
        ties.push(named("shown", tie, Role::Shown { strong })?);
    }
    for tie in followed.unwrap_or_default() {
        ties.push(named("followed", tie, Role::Followed)?);
    }
    Ok(ties)
}

fn named(field: &str, tie: TieLine, role: Role) -> Result<Tie, String> {
    match (tie.episode, tie.note) {
        (Some(id), None) => Ok(Tie { role, kind: RecordKind::Episode, link: link(id) }),
        (None, Some(id)) => Ok(Tie { role, kind: RecordKind::Note, link: link(id) }),
        _ => Err(format!("{field}: each item names either an `episode` or a `note`")),
    }
}

fn feedback(n_helpful: Option<u32>, n_unhelpful: Option<u32>) -> Feedback {
    Feedback { n_helpful: n_helpful.unwrap_or(0), n_unhelpful: n_unhelpful.unwrap_or(0) }
}

/// A text that says something.
fn text(value: Option<Lenient>) -> Option<String> {
    value.map(|text| text.0).filter(|text| !text.trim().is_empty())
}

fn texts(values: Option<Vec<Lenient>>) -> Vec<String> {
    values.unwrap_or_default().into_iter().map(|text| text.0).collect()
}

/// Reads the instant that is written there, of a day its beginning.
fn when(value: Option<Lenient>, unknown: &mut bool) -> Option<Timestamp> {
    period(value, unknown).map(|period| period.start)
}

/// Reads the time that is written there; sets `unknown` if something is and it cannot be read.
fn period(value: Option<Lenient>, unknown: &mut bool) -> Option<Period> {
    let value = text(value)?;
    let read = Period::read_recorded(&value);
    *unknown |= read.is_none();
    read
}

/// A count or duration; a negative one is as good as none.
fn millis(value: Option<f64>) -> Option<u64> {
    let value = value.filter(|value| (0.0..9e15).contains(value))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the line above bounds it"
    )]
    let whole = value.round() as u64;
    Some(whole)
}

fn one_of<'n>(field: &str, got: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    format!("{field} `{got}` is none of {}", names.join(", "))
}

/// What the parser says, without the line that is always 1.
fn reason(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match said.split_once(" at line 1 column ") {
        Some((what, column)) => format!("{what} (column {column})"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> Reader {
        let now = Period::read("2026-01-01").unwrap().start;
        Reader::new(None, Scope::new("here").unwrap(), None, now)
    }

    fn episode(line: &str) -> (NewEpisode, Vec<NewStep>, Option<Completion>, Parsed) {
        let parsed = reader().read(line).unwrap();
        let Import::Episode(new, steps, completion) = parsed.record.clone() else {
            panic!("not an episode: {line}")
        };
        (*new, steps, completion.map(|c| *c), parsed)
    }

    fn note(reader: &mut Reader, line: &str) -> NewNote {
        match reader.read(line).unwrap().record {
            Import::Note(note) => *note,
            other => panic!("not a note: {other:?}"),
        }
    }

    #[test]
    fn an_episode_keeps_what_later_work_needs() {
        let (new, steps, completion, _) = episode(
            r#"{"id":7,"task":"fix it","unknown":{"a":[1]},"duration_ms":1500,"ts":"2025-01-01",
            "context":{"project":"shop","task_id":"t-1","tags":["b"],"model":"m","level":2},
            "steps":[{"tool":"bash","verb":"ls","args":{"b":1,"a": "x"},"result":{"n":1},"thought":"hm","ok":false},
                     {"tool":"say","args":"plain","ok":null,"error":"no"}],
            "outcome":"success","reward":1.5}"#,
        );
        assert_eq!((new.scope.as_str(), new.context.model.as_deref()), ("shop", Some("m")));
        assert_eq!(new.context.tags, ["b".into(), "task:t-1".into()]);
        assert_eq!(&*new.source.unwrap().external_id, "7");
        let [first, second] = steps.as_slice() else { panic!("{steps:?}") };
        assert_eq!(first.args, r#"{"b":1,"a": "x"}"#, "arguments are kept to the letter");
        assert_eq!((first.action.as_deref(), first.ok), (Some("ls"), Some(false)));
        assert_eq!(first.observation, r#"{"n":1}"#);
        assert_eq!((second.args.as_str(), second.ok), ("plain", None));
        assert_eq!(first.occurred_at, new.started_at);
        let completion = completion.unwrap();
        assert_eq!((completion.reward, completion.outcome), (Some(1.0), Some(Outcome::Success)));
        let ended = completion.ended_at.unwrap().to_string();
        assert_eq!(ended, "2025-01-01T00:00:01.5Z");
    }

    #[test]
    fn an_episode_without_outcome_is_abandoned_unless_it_is_open() {
        let (.., completion, _) = episode(r#"{"id":"a","task":"t"}"#);
        assert_eq!(completion.unwrap().outcome, None);
        let (.., completion, _) = episode(r#"{"id":"a","task":"t","status":"open"}"#);
        assert_eq!(completion, None);
    }

    #[test]
    fn what_was_bent_is_told() {
        let (.., parsed) = episode(r#"{"id":"a","task":"t","reward":-1,"ts":"soon"}"#);
        assert!(parsed.reward_clamped && parsed.time_unknown);
        let (new, .., parsed) = episode(r#"{"id":"a","task":"t","ts":null,"duration_ms":60000}"#);
        assert!(!parsed.reward_clamped && !parsed.time_unknown, "missing is not bent");
        assert_eq!(new.started_at.unwrap().to_string(), "2025-12-31T23:59:00Z");
    }

    #[test]
    fn lines_of_a_session_get_its_positions_in_order() {
        let mut reader = reader();
        let line = |n: u32, session: &str| {
            format!(r#"{{"id":"{n}","text":"x","session":"{session}","speaker":"A"}}"#)
        };
        let positions: Vec<u32> = [(1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "b")]
            .map(|(n, session)| note(&mut reader, &line(n, session)).position)
            .into();
        assert_eq!(positions, [0, 0, 1, 2, 1]);
    }

    #[test]
    fn the_shape_gives_the_kind_of_a_note_unless_it_is_said() {
        let mut reader = reader();
        assert_eq!(note(&mut reader, r#"{"id":"1","text":"x"}"#).kind, NoteKind::Fact);
        let turn = note(&mut reader, r#"{"id":"1","text":"x","speaker":"A"}"#);
        assert_eq!((turn.kind, turn.scope.as_str()), (NoteKind::Turn, "here"));
        let said = note(&mut reader, r#"{"id":"1","text":"x","kind":"lesson"}"#);
        assert_eq!(said.kind, NoteKind::Lesson);
        let scope = Some(Scope::new("other").unwrap());
        let mut forced =
            Reader::new(scope, reader.default_scope, Some(NoteKind::Decision), reader.now);
        let note = note(&mut forced, r#"{"id":"1","text":"x","kind":"lesson","scope":"mine"}"#);
        assert_eq!((note.kind, note.scope.as_str()), (NoteKind::Decision, "other"));
    }

    #[test]
    fn bad_lines_say_what_is_wrong() {
        for (line, expected) in [
            ("", "EOF"),
            ("{", "EOF"),
            ("[1]", "column"),
            (r#"{"id":"a"}"#, "neither `task` nor `text`"),
            (r#"{"task":"t"}"#, "no `id`"),
            (r#"{"id":"a","task":"t","outcome":"won"}"#, "`won` is none of success, partial"),
            (r#"{"id":"a","text":"t","kind":"poem"}"#, "`poem` is none of lesson"),
            (r#"{"id":"a","task":"t","reward":"high"}"#, "expected f64"),
            (r#"{"id":"a","text":"t","scope":"*"}"#, "scope"),
            (r#"{"id":"a","task":"t","followed":[{}]}"#, "followed: each item names either"),
            (r#"{"id":"a","task":"t","followed":["n"]}"#, "expected an object with `note`"),
            (r#"{"id":"a","task":"t","relations":[{"note":"n"}]}"#, "is to an `episode`"),
            (
                r#"{"id":"a","task":"t","relations":[{"episode":"n","kind":"likes"}]}"#,
                "`likes` is none of follows, retries, part_of, duplicates",
            ),
            (r#"{"id":"a","text":"t","n_helpful":-1}"#, "expected u32"),
        ] {
            let reason = reader().read(line).unwrap_err();
            assert!(reason.contains(expected) && !reason.contains("line 1"), "{line}: {reason}");
        }
    }
}
