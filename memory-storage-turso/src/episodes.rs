//! Rows of episodes.

use libsql::Value;
use memory_core::exchange::MachineId;
use memory_core::{
    Author, Closing, Context, Episode, EpisodeId, Feedback, Origin, Outcome, Scope, Source, Status,
    StorageError, Timestamp,
};

use crate::connection::{Connection, Row, excerpt, label, labels, opt};
use crate::{ids, ties};

/// State of an episode that a change of it depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    /// Its key in this file.
    pub(crate) key: i64,
    /// Its newest change.
    pub(crate) seq: i64,
    /// Its number of steps.
    pub(crate) n_steps: u32,
    /// Its status.
    pub(crate) status: Status,
    /// True when nobody has reported how it ended.
    pub(crate) is_provisional: bool,
    /// True when another machine logs its steps.
    pub(crate) is_elsewhere: bool,
}

/// Columns of an episode that was removed, by which all that belongs to it is found.
#[derive(Debug)]
pub(crate) struct Removed {
    /// Its newest change.
    pub(crate) seq: i64,
    /// Its beginning.
    pub(crate) started_at: Timestamp,
    /// Its tags.
    pub(crate) tags: Vec<Box<str>>,
    /// Its key in this file.
    pub(crate) key: i64,
    /// Place that it came from.
    pub(crate) source: Option<Source>,
}

/// Looks an episode up.
pub(crate) fn state(conn: &mut Connection, id: EpisodeId) -> Result<Option<State>, StorageError> {
    let sql = "SELECT pk, seq, n_steps, CAST(status AS BLOB),
               inferred IS NOT NULL OR outcome IS 'unjudged', machine IS NOT NULL
               FROM episodes WHERE id = ?";
    conn.first(sql, vec![id.to_bytes().to_vec().into()], |row| {
        let (key, seq, n_steps) = (row.int()?, row.int()?, row.u32()?);
        let status = Status::from_name(&row.text()?)
            .ok_or_else(|| row.damaged("an unknown status of an episode"))?;
        let (is_provisional, is_elsewhere) = (row.int()? != 0, row.int()? != 0);
        Ok(State { key, seq, n_steps, status, is_provisional, is_elsewhere })
    })
}

/// Columns of an episode that change with the whole of it, in the order of [`values`].
macro_rules! columns {
    () => {
        "seq, n_steps, recorded_at, started_at, scope, task_type, language, framework, domain,
         agent, model, session, branch, tags, task, task_bytes, origin, status, outcome, inferred,
         ended_at, reward, summary, summary_bytes, reflection, reflection_bytes, artifacts,
         surprise, followed, n_helpful, n_unhelpful, relations, shown, digest, machine, author"
    };
}

/// Inserts an episode that has `n_steps` steps; gives its key.
pub(crate) fn insert(
    conn: &mut Connection,
    episode: &Episode,
    n_steps: u32,
    seq: i64,
) -> Result<i64, StorageError> {
    let sql = concat!(
        "INSERT INTO episodes (",
        columns!(),
        ", id, importer, external_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
         ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    let mut values = values(episode, n_steps, seq)?;
    values.extend([
        episode.id.to_bytes().to_vec().into(),
        label(episode.source.as_ref().map(|source| &*source.importer)),
        label(episode.source.as_ref().map(|source| &*source.external_id)),
    ]);
    conn.execute(sql, values)?;
    Ok(conn.last_key())
}

/// Puts an episode in place of the stored one; the source of that stays.
pub(crate) fn replace(
    conn: &mut Connection,
    key: i64,
    episode: &Episode,
    n_steps: u32,
    seq: i64,
) -> Result<(), StorageError> {
    let sql = concat!(
        "UPDATE episodes SET (",
        columns!(),
        ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
         ?, ?, ?, ?, ?, ?, ?, ?) WHERE pk = ?"
    );
    let mut values = values(episode, n_steps, seq)?;
    values.push(key.into());
    conn.execute(sql, values).map(drop)
}

fn values(episode: &Episode, n_steps: u32, seq: i64) -> Result<Vec<Value>, StorageError> {
    let Context { task_type, language, framework, domain, tags, agent, model, session, branch } =
        &episode.context;
    let [task, task_bytes] = excerpt(Some(&episode.task));
    let mut values = vec![
        seq.into(),
        i64::from(n_steps).into(),
        episode.recorded_at.as_millis().into(),
        episode.started_at.as_millis().into(),
        episode.scope.as_str().to_owned().into(),
        label(task_type.as_deref()),
        label(language.as_deref()),
        label(framework.as_deref()),
        label(domain.as_deref()),
        label(agent.as_deref()),
        label(model.as_deref()),
        label(session.as_deref()),
        label(branch.as_deref()),
        labels(tags)?,
        task,
        task_bytes,
        episode.origin.name().into(),
    ];
    values.extend(closing_columns(episode.closing.as_ref())?);
    values.extend([
        i64::from(episode.feedback.n_helpful).into(),
        i64::from(episode.feedback.n_unhelpful).into(),
        ties::relations(&episode.relations)?,
        ties::shown(&episode.shown)?,
        opt(episode.digest.as_ref().map(|digest| digest.to_vec())),
    ]);
    values.extend(author_columns(episode.author.as_ref()));
    Ok(values)
}

/// Returns the columns `machine` and `author`.
pub(crate) fn author_columns(author: Option<&Author>) -> [Value; 2] {
    [opt(author.map(|author| author.machine.0.to_vec())), label(author.map(|author| &*author.name))]
}

/// Sets the number of steps.
pub(crate) fn grow(
    conn: &mut Connection,
    key: i64,
    n_steps: u32,
    seq: i64,
) -> Result<(), StorageError> {
    let values = vec![i64::from(n_steps).into(), seq.into(), key.into()];
    conn.execute("UPDATE episodes SET n_steps = ?, seq = ? WHERE pk = ?", values).map(drop)
}

/// Ends an episode.
pub(crate) fn close(
    conn: &mut Connection,
    key: i64,
    closing: &Closing,
    seq: i64,
) -> Result<(), StorageError> {
    let sql = "UPDATE episodes SET status = ?, outcome = ?, inferred = ?, ended_at = ?, reward = ?,
               summary = ?, summary_bytes = ?, reflection = ?, reflection_bytes = ?, artifacts = ?,
               surprise = ?, followed = ?, seq = ? WHERE pk = ?";
    let mut values = closing_columns(Some(closing))?;
    values.extend([seq.into(), key.into()]);
    conn.execute(sql, values).map(drop)
}

/// Sets the columns of what an episode names; an open one has followed nothing.
pub(crate) fn tie(
    conn: &mut Connection,
    key: i64,
    [relations, shown, followed]: [Value; 3],
    seq: i64,
) -> Result<(), StorageError> {
    let sql = "UPDATE episodes SET relations = ?, shown = ?,
               followed = CASE WHEN ended_at IS NULL THEN followed ELSE ? END, seq = ?
               WHERE pk = ?";
    conn.execute(sql, vec![relations, shown, followed, seq.into(), key.into()]).map(drop)
}

/// Keeps the digest of an episode's steps, if the episode is stored.
pub(crate) fn keep_digest(
    conn: &mut Connection,
    id: EpisodeId,
    digest: &[u8],
) -> Result<(), StorageError> {
    let values = vec![digest.to_vec().into(), id.to_bytes().to_vec().into()];
    conn.execute("UPDATE episodes SET digest = ? WHERE id = ?", values).map(drop)
}

/// Removes an episode's row.
pub(crate) fn remove(
    conn: &mut Connection,
    id: EpisodeId,
) -> Result<Option<Removed>, StorageError> {
    let id = Value::from(id.to_bytes().to_vec());
    let sql = "SELECT pk, seq, started_at, CAST(tags AS BLOB), CAST(importer AS BLOB),
               CAST(external_id AS BLOB) FROM episodes WHERE id = ?";
    let found = conn.first(sql, vec![id.clone()], |row| {
        let (key, seq) = (row.int()?, row.int()?);
        let started_at = Timestamp::from_millis(row.int()?);
        Ok(Removed { seq, started_at, tags: row.labels()?, source: source(row)?, key })
    })?;
    if found.is_some() {
        conn.execute("DELETE FROM episodes WHERE id = ?", vec![id])?;
    }
    Ok(found)
}

/// Reads episodes, one entry per id.
pub(crate) fn read(
    conn: &mut Connection,
    wanted: &[EpisodeId],
) -> Result<Vec<Option<Episode>>, StorageError> {
    let sql = concat!(
        ids::wanted!(),
        "SELECT n, id, n_steps, recorded_at, started_at, CAST(scope AS BLOB),
         CAST(importer AS BLOB), CAST(external_id AS BLOB), CAST(task_type AS BLOB),
         CAST(language AS BLOB), CAST(framework AS BLOB), CAST(domain AS BLOB),
         CAST(agent AS BLOB), CAST(model AS BLOB), CAST(session AS BLOB), CAST(branch AS BLOB),
         CAST(tags AS BLOB), CAST(task AS BLOB), task_bytes, CAST(origin AS BLOB),
         CAST(outcome AS BLOB), CAST(inferred AS BLOB), ended_at, reward,
         CAST(summary AS BLOB), summary_bytes, CAST(reflection AS BLOB), reflection_bytes,
         CAST(artifacts AS BLOB), surprise, CAST(followed AS BLOB), n_helpful,
         n_unhelpful, CAST(relations AS BLOB), CAST(shown AS BLOB), digest, machine,
         CAST(author AS BLOB)
         FROM wanted CROSS JOIN episodes ON id = wanted_id"
    );
    ids::read(conn, sql, wanted.iter().map(|id| id.to_bytes()), episode)
}

fn closing_columns(closing: Option<&Closing>) -> Result<Vec<Value>, StorageError> {
    let outcome = closing.and_then(|closing| closing.outcome);
    let status = match (closing, outcome) {
        (None, _) => Status::Open,
        (Some(_), Some(_)) => Status::Completed,
        (Some(_), None) => Status::Abandoned,
    };
    let [summary, summary_bytes] = excerpt(closing.and_then(|closing| closing.summary.as_ref()));
    let [reflection, reflection_bytes] =
        excerpt(closing.and_then(|closing| closing.reflection.as_ref()));
    Ok(vec![
        status.name().into(),
        label(outcome.map(Outcome::name)),
        label(closing.and_then(|closing| closing.inferred.as_deref())),
        opt(closing.map(|closing| closing.ended_at.as_millis())),
        opt(closing.and_then(|closing| closing.reward)),
        summary,
        summary_bytes,
        reflection,
        reflection_bytes,
        labels(closing.map_or(&[], |closing| &closing.artifacts))?,
        opt(closing.and_then(|closing| closing.surprise)),
        ties::records(closing.map_or(&[], |closing| &closing.followed))?,
    ])
}

fn episode(row: &mut Row) -> Result<Episode, StorageError> {
    Ok(Episode {
        id: EpisodeId::from_bytes(row.id()?),
        n_steps: row.u32()?,
        recorded_at: Timestamp::from_millis(row.int()?),
        started_at: Timestamp::from_millis(row.int()?),
        scope: scope(row)?,
        source: source(row)?,
        context: context(row)?,
        task: row.excerpt()?,
        origin: origin(row)?,
        closing: closing(row)?,
        feedback: feedback(row)?,
        relations: ties::read_relations(row)?,
        shown: ties::read_shown(row)?,
        digest: row.opt_blob()?.map(Vec::into_boxed_slice),
        author: author(row)?,
    })
}

/// Reads the columns `machine` and `author`.
pub(crate) fn author(row: &mut Row) -> Result<Option<Author>, StorageError> {
    let (machine, name) = (row.opt_id()?, row.opt_label()?);
    Ok(machine.map(|id| Author { name: name.unwrap_or_default(), machine: MachineId(id) }))
}

/// Reads the column `scope`.
pub(crate) fn scope(row: &mut Row) -> Result<Scope, StorageError> {
    Scope::from_stored(&row.text()?).map_err(|_| row.damaged("no scope"))
}

/// Reads the columns `importer` and `external_id`.
pub(crate) fn source(row: &mut Row) -> Result<Option<Source>, StorageError> {
    let (importer, external_id) = (row.opt_label()?, row.opt_label()?);
    Ok(importer.zip(external_id).map(|(importer, external_id)| Source { importer, external_id }))
}

/// Reads the column `origin`.
pub(crate) fn origin(row: &mut Row) -> Result<Origin, StorageError> {
    Origin::from_name(&row.text()?).ok_or_else(|| row.damaged("an unknown origin"))
}

/// Reads the columns `n_helpful` and `n_unhelpful`.
pub(crate) fn feedback(row: &mut Row) -> Result<Feedback, StorageError> {
    Ok(Feedback { n_helpful: row.u32()?, n_unhelpful: row.u32()? })
}

fn context(row: &mut Row) -> Result<Context, StorageError> {
    Ok(Context {
        task_type: row.opt_label()?,
        language: row.opt_label()?,
        framework: row.opt_label()?,
        domain: row.opt_label()?,
        agent: row.opt_label()?,
        model: row.opt_label()?,
        session: row.opt_label()?,
        branch: row.opt_label()?,
        tags: row.labels()?,
    })
}

fn closing(row: &mut Row) -> Result<Option<Closing>, StorageError> {
    let outcome = match row.opt_text()? {
        Some(name) => {
            Some(Outcome::from_name(&name).ok_or_else(|| row.damaged("an unknown outcome"))?)
        }
        None => None,
    };
    let inferred = row.opt_label()?;
    let ended_at = row.opt_int()?.map(Timestamp::from_millis);
    let (reward, summary) = (row.opt_real()?, row.opt_excerpt()?);
    let (reflection, artifacts) = (row.opt_excerpt()?, row.labels()?);
    let (surprise, followed) = (row.opt_real()?, ties::read_records(row)?);
    Ok(ended_at.map(|ended_at| Closing {
        outcome,
        inferred,
        ended_at,
        summary,
        artifacts,
        reward,
        surprise,
        followed,
        reflection,
    }))
}
