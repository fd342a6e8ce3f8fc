//! Values of episodes. The number of steps is not among them: it is in the row of the record.

use memory_core::{
    Closing, Context, Episode, EpisodeId, Outcome, Relation, RelationKind, Shown, StorageError,
    Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::error::{decode, encode};
use crate::text::{Id, Judged, Maker, Place, Text, labels, named, origin, owned, scope};

/// An episode as it is stored; versions are added at the end and never change.
#[derive(Serialize, Deserialize)]
enum Value<'a> {
    V1(#[serde(borrow)] Box<V1<'a>>),
    /// One that another machine made.
    V2(#[serde(borrow)] Box<V1<'a>>, Maker<'a>),
}

#[derive(Serialize, Deserialize)]
struct V1<'a> {
    #[serde(borrow)]
    scope: &'a str,
    task: Text<'a>,
    task_type: Option<&'a str>,
    language: Option<&'a str>,
    framework: Option<&'a str>,
    domain: Option<&'a str>,
    tags: Vec<&'a str>,
    agent: Option<&'a str>,
    model: Option<&'a str>,
    session: Option<&'a str>,
    branch: Option<&'a str>,
    source: Option<Place<'a>>,
    origin: &'a str,
    started_at: i64,
    recorded_at: i64,
    relations: Vec<(&'a str, [u8; 16])>,
    shown: Vec<(Id, bool)>,
    judged: Judged,
    digest: Option<&'a [u8]>,
    closing: Option<End<'a>>,
}

#[derive(Serialize, Deserialize)]
struct End<'a> {
    outcome: Option<&'a str>,
    inferred: Option<&'a str>,
    ended_at: i64,
    #[serde(borrow)]
    summary: Option<Text<'a>>,
    artifacts: Vec<&'a str>,
    reward: Option<f64>,
    surprise: Option<f64>,
    followed: Vec<Id>,
    reflection: Option<Text<'a>>,
}

/// Returns the value of an episode.
pub(crate) fn to_bytes(episode: &Episode) -> Result<Vec<u8>, StorageError> {
    let context = &episode.context;
    let value = V1 {
        scope: episode.scope.as_str(),
        task: Text::of(&episode.task),
        task_type: context.task_type.as_deref(),
        language: context.language.as_deref(),
        framework: context.framework.as_deref(),
        domain: context.domain.as_deref(),
        tags: labels(&context.tags),
        agent: context.agent.as_deref(),
        model: context.model.as_deref(),
        session: context.session.as_deref(),
        branch: context.branch.as_deref(),
        source: episode.source.as_ref().map(Place::of),
        origin: episode.origin.name(),
        started_at: episode.started_at.as_millis(),
        recorded_at: episode.recorded_at.as_millis(),
        relations: episode
            .relations
            .iter()
            .map(|r| (r.kind.name(), r.episode.to_bytes()))
            .collect(),
        shown: episode.shown.iter().map(|shown| (Id::of(shown.record), shown.strong)).collect(),
        judged: Judged::of(episode.feedback),
        digest: episode.digest.as_deref(),
        closing: episode.closing.as_ref().map(end),
    };
    let value = Box::new(value);
    encode(&match &episode.author {
        None => Value::V1(value),
        Some(author) => Value::V2(value, Maker::of(author)),
    })
}

fn end(closing: &Closing) -> End<'_> {
    End {
        outcome: closing.outcome.map(Outcome::name),
        inferred: closing.inferred.as_deref(),
        ended_at: closing.ended_at.as_millis(),
        summary: closing.summary.as_ref().map(Text::of),
        artifacts: labels(&closing.artifacts),
        reward: closing.reward,
        surprise: closing.surprise,
        followed: closing.followed.iter().map(|id| Id::of(*id)).collect(),
        reflection: closing.reflection.as_ref().map(Text::of),
    }
}

/// Reads the value of an episode that has `n_steps`.
///
/// # Errors
///
/// [`StorageError::Corrupt`] where the bytes are no such value.
pub(crate) fn from_bytes(
    id: EpisodeId,
    n_steps: u32,
    bytes: &[u8],
) -> Result<Episode, StorageError> {
    let (value, author) = match decode(bytes, &format_args!("episode {id}"))? {
        Value::V1(value) => (value, None),
        Value::V2(value, maker) => (value, Some(maker.author())),
    };
    let relations = value.relations.iter().map(|(kind, episode)| {
        let kind = named(RelationKind::from_name(kind), kind)?;
        Ok(Relation { kind, episode: EpisodeId::from_bytes(*episode) })
    });
    let shown = value.shown.iter().map(|(id, strong)| {
        let record = id.record()?;
        Ok(Shown { record, strong: *strong })
    });
    Ok(Episode {
        id,
        scope: scope(value.scope)?,
        task: value.task.excerpt(),
        context: Context {
            task_type: value.task_type.map(Into::into),
            language: value.language.map(Into::into),
            framework: value.framework.map(Into::into),
            domain: value.domain.map(Into::into),
            tags: owned(&value.tags),
            agent: value.agent.map(Into::into),
            model: value.model.map(Into::into),
            session: value.session.map(Into::into),
            branch: value.branch.map(Into::into),
        },
        source: value.source.map(Place::source),
        origin: origin(value.origin)?,
        author,
        started_at: Timestamp::from_millis(value.started_at),
        recorded_at: Timestamp::from_millis(value.recorded_at),
        relations: relations.collect::<Result<_, StorageError>>()?,
        shown: shown.collect::<Result<_, StorageError>>()?,
        feedback: value.judged.feedback(),
        digest: value.digest.map(Into::into),
        n_steps,
        closing: value.closing.map(closing).transpose()?,
    })
}

fn closing(end: End<'_>) -> Result<Closing, StorageError> {
    let outcome = end.outcome.map(|name| named(Outcome::from_name(name), name));
    Ok(Closing {
        outcome: outcome.transpose()?,
        inferred: end.inferred.map(Into::into),
        ended_at: Timestamp::from_millis(end.ended_at),
        summary: end.summary.map(Text::excerpt),
        artifacts: owned(&end.artifacts),
        reward: end.reward,
        surprise: end.surprise,
        followed: end.followed.into_iter().map(Id::record).collect::<Result<_, _>>()?,
        reflection: end.reflection.map(Text::excerpt),
    })
}
