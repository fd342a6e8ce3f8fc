//! The bytes of records: what machines send each other, field by field.
//!
//! Derived fields are not among them: which note superseded a note, digests, numbers of steps, and
//! sums of counts.

use crate::codec::{ByteReader, ByteWriter, DecodeError};
use crate::model::{
    Author, Closing, Context, Episode, EpisodeId, Excerpt, Feedback, MachineId, Note, NoteId,
    NoteKind, Origin, Outcome, Record, RecordId, RecordKind, Relation, RelationKind, Scope, Shown,
    Source, Step, Timestamp,
};

type Read<T> = Result<T, DecodeError>;

/// FNV-1a, which is the same in every build.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Appends a record, without what is set later: scope, end, ties, labels of notes and counts.
pub(crate) fn put_core(out: &mut ByteWriter, record: &Record) {
    match record {
        Record::Episode(episode) => put_episode(out, episode),
        Record::Note(note) => put_note(out, note),
    }
}

/// Reads what [`put_core`] wrote, into that scope.
pub(crate) fn core(input: &mut ByteReader<'_>, id: RecordId, scope: Scope) -> Read<Record> {
    Ok(match id {
        RecordId::Episode(id) => Record::Episode(Box::new(episode(input, id, scope)?)),
        RecordId::Note(id) => Record::Note(Box::new(note(input, id, scope)?)),
    })
}

fn put_episode(out: &mut ByteWriter, episode: &Episode) {
    put_excerpt(out, &episode.task);
    let Context { task_type, language, framework, domain, tags, agent, model, session, branch } =
        &episode.context;
    for label in [task_type, language, framework, domain, agent, model, session, branch] {
        put_label(out, label.as_deref());
    }
    put_labels(out, tags);
    put_source(out, episode.source.as_ref());
    out.text(episode.origin.name());
    put_time(out, episode.started_at);
    put_time(out, episode.recorded_at);
}

fn episode(input: &mut ByteReader<'_>, id: EpisodeId, scope: Scope) -> Read<Episode> {
    Ok(Episode {
        id,
        scope,
        task: excerpt(input)?,
        context: Context {
            task_type: label(input)?,
            language: label(input)?,
            framework: label(input)?,
            domain: label(input)?,
            agent: label(input)?,
            model: label(input)?,
            session: label(input)?,
            branch: label(input)?,
            tags: labels(input)?,
        },
        source: source(input)?,
        origin: named(input, Origin::from_name)?,
        author: None,
        started_at: time(input)?,
        recorded_at: time(input)?,
        relations: Vec::new(),
        shown: Vec::new(),
        feedback: Feedback::default(),
        digest: None,
        n_steps: 0,
        closing: None,
    })
}

fn put_note(out: &mut ByteWriter, note: &Note) {
    out.text(note.kind.name());
    put_excerpt(out, &note.text);
    put_label(out, note.speaker.as_deref());
    put_label(out, note.session.as_deref());
    out.varint(u64::from(note.position));
    put_source(out, note.source.as_ref());
    out.text(note.origin.name());
    put_time(out, note.occurred_at);
    put_time(out, note.recorded_at);
    put_optional(out, note.valid_from, put_time);
    put_optional(out, note.valid_to, put_time);
}

fn note(input: &mut ByteReader<'_>, id: NoteId, scope: Scope) -> Read<Note> {
    Ok(Note {
        id,
        scope,
        kind: named(input, NoteKind::from_name)?,
        text: excerpt(input)?,
        speaker: label(input)?,
        session: label(input)?,
        position: input.varint_u32()?,
        source: source(input)?,
        origin: named(input, Origin::from_name)?,
        author: None,
        occurred_at: time(input)?,
        recorded_at: time(input)?,
        valid_from: optional(input, time)?,
        valid_to: optional(input, time)?,
        tags: Vec::new(),
        episode: None,
        supersedes: None,
        superseded_by: None,
        n_merged: 0,
        merged_at: None,
        feedback: Feedback::default(),
    })
}

/// Appends the end of an episode.
pub(crate) fn put_closing(out: &mut ByteWriter, closing: &Closing) {
    put_label(out, closing.outcome.map(Outcome::name));
    put_label(out, closing.inferred.as_deref());
    put_time(out, closing.ended_at);
    put_optional(out, closing.summary.as_ref(), put_excerpt);
    put_labels(out, &closing.artifacts);
    put_optional(out, closing.reward, put_real);
    put_optional(out, closing.surprise, put_real);
    out.count(closing.followed.len());
    closing.followed.iter().for_each(|id| put_id(out, *id));
    put_optional(out, closing.reflection.as_ref(), put_excerpt);
}

/// Reads what [`put_closing`] wrote.
pub(crate) fn closing(input: &mut ByteReader<'_>) -> Read<Closing> {
    let outcome = label(input)?.map(|name| Outcome::from_name(&name).ok_or(INVALID)).transpose()?;
    Ok(Closing {
        outcome,
        inferred: label(input)?,
        ended_at: time(input)?,
        summary: optional(input, excerpt)?,
        artifacts: labels(input)?,
        reward: optional(input, real)?,
        surprise: optional(input, real)?,
        followed: input.list(17, id)?,
        reflection: optional(input, excerpt)?,
    })
}

/// Appends what an episode names.
pub(crate) fn put_ties(out: &mut ByteWriter, relations: &[Relation], shown: &[Shown]) {
    out.count(relations.len());
    for relation in relations {
        out.text(relation.kind.name());
        out.bytes(&relation.episode.to_bytes());
    }
    out.count(shown.len());
    for shown in shown {
        put_id(out, shown.record);
        out.u8(u8::from(shown.strong));
    }
}

/// Reads what [`put_ties`] wrote.
pub(crate) fn ties(input: &mut ByteReader<'_>) -> Read<(Vec<Relation>, Vec<Shown>)> {
    let relations = input.list(17, |input| {
        let kind = named(input, RelationKind::from_name)?;
        Ok(Relation { kind, episode: EpisodeId::from_bytes(input.array()?) })
    })?;
    let shown = input.list(18, |input| Ok(Shown { record: id(input)?, strong: input.u8()? != 0 }));
    Ok((relations, shown?))
}

/// Appends a step without its position.
pub(crate) fn put_step(out: &mut ByteWriter, step: &Step) {
    put_label(out, step.call_id.as_deref());
    out.text(&step.tool);
    put_label(out, step.action.as_deref());
    put_excerpt(out, &step.args);
    put_excerpt(out, &step.observation);
    out.u8(u8::from(step.ok));
    put_optional(out, step.error.as_ref(), put_excerpt);
    out.optional_varint(step.latency_ms);
    out.optional_varint(step.n_tokens);
    put_time(out, step.occurred_at);
}

/// Reads what [`put_step`] wrote, at that position.
pub(crate) fn step(input: &mut ByteReader<'_>, idx: u32) -> Read<Step> {
    Ok(Step {
        idx,
        call_id: label(input)?,
        tool: input.text()?.into(),
        action: label(input)?,
        args: excerpt(input)?,
        observation: excerpt(input)?,
        ok: input.u8()? != 0,
        error: optional(input, excerpt)?,
        latency_ms: input.optional_varint()?,
        n_tokens: input.optional_varint()?,
        occurred_at: time(input)?,
    })
}

/// Appends a name and a machine.
pub(crate) fn put_author(out: &mut ByteWriter, author: &Author) {
    out.text(&author.name);
    out.bytes(&author.machine.0);
}

/// Reads what [`put_author`] wrote.
pub(crate) fn author(input: &mut ByteReader<'_>) -> Read<Author> {
    Ok(Author { name: input.text()?.into(), machine: MachineId(input.array()?) })
}

/// Appends a source, if there is one.
pub(crate) fn put_source(out: &mut ByteWriter, source: Option<&Source>) {
    put_optional(out, source, |out, source| {
        out.text(&source.importer);
        out.text(&source.external_id);
    });
}

/// Reads what [`put_source`] wrote.
pub(crate) fn source(input: &mut ByteReader<'_>) -> Read<Option<Source>> {
    optional(input, |input| {
        Ok(Source { importer: input.text()?.into(), external_id: input.text()?.into() })
    })
}

/// Reads a scope.
pub(crate) fn scope(input: &mut ByteReader<'_>) -> Read<Scope> {
    Scope::from_stored(input.text()?).map_err(|_| INVALID)
}

/// Appends a list of labels.
pub(crate) fn put_labels(out: &mut ByteWriter, labels: &[Box<str>]) {
    out.count(labels.len());
    for label in labels {
        out.text(label);
    }
}

/// Reads what [`put_labels`] wrote.
pub(crate) fn labels(input: &mut ByteReader<'_>) -> Read<Vec<Box<str>>> {
    input.list(1, |input| input.text().map(Into::into))
}

/// Appends an instant.
pub(crate) fn put_time(out: &mut ByteWriter, at: Timestamp) {
    out.u64(at.as_millis().cast_unsigned());
}

/// Reads what [`put_time`] wrote.
pub(crate) fn time(input: &mut ByteReader<'_>) -> Read<Timestamp> {
    Ok(Timestamp::from_millis(input.u64()?.cast_signed()))
}

/// Appends a flag and, where there is one, a value.
pub(crate) fn put_optional<T>(
    out: &mut ByteWriter,
    value: Option<T>,
    put: impl Fn(&mut ByteWriter, T),
) {
    out.u8(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

/// Reads what [`put_optional`] wrote.
pub(crate) fn optional<'a, T>(
    input: &mut ByteReader<'a>,
    read: impl Fn(&mut ByteReader<'a>) -> Read<T>,
) -> Read<Option<T>> {
    match input.u8()? {
        0 => Ok(None),
        1 => read(input).map(Some),
        _ => Err(INVALID),
    }
}

/// A value that no version of the program writes.
const INVALID: DecodeError = DecodeError::Invalid { what: "value in a record" };

fn put_id(out: &mut ByteWriter, id: RecordId) {
    out.u8(u8::from(id.kind() == RecordKind::Note));
    out.bytes(&id.to_bytes());
}

fn id(input: &mut ByteReader<'_>) -> Read<RecordId> {
    let kind = match input.u8()? {
        0 => RecordKind::Episode,
        1 => RecordKind::Note,
        _ => return Err(INVALID),
    };
    Ok(RecordId::from_bytes(kind, input.array()?))
}

fn put_excerpt(out: &mut ByteWriter, excerpt: &Excerpt) {
    out.text(excerpt.as_str());
    out.varint(excerpt.full_bytes());
}

fn excerpt(input: &mut ByteReader<'_>) -> Read<Excerpt> {
    Ok(Excerpt::from_parts(input.text()?.to_owned(), input.varint()?))
}

fn put_label(out: &mut ByteWriter, label: Option<&str>) {
    put_optional(out, label, ByteWriter::text);
}

fn label(input: &mut ByteReader<'_>) -> Read<Option<Box<str>>> {
    optional(input, |input| input.text().map(Into::into))
}

fn put_real(out: &mut ByteWriter, real: f64) {
    out.u64(real.to_bits());
}

fn real(input: &mut ByteReader<'_>) -> Read<f64> {
    input.u64().map(f64::from_bits)
}

fn named<T>(input: &mut ByteReader<'_>, from_name: impl Fn(&str) -> Option<T>) -> Read<T> {
    from_name(input.text()?).ok_or(INVALID)
}
