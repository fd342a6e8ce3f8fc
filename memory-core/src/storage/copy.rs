//! Copying a whole store into an empty one of another backend, and comparing two.
//!
//! The copy has the same records, steps, vectors, states and forgotten sources, and its feed lists
//! the records in the same order. It is another store: with an identity and positions of its own,
//! and without the removals that only followers of the first one could miss.

use super::{
    ChangeOp, Durability, Op, Placed, Seq, StepRange, Storage, StorageError, StoredVector,
    WriteBatch, records,
};
use crate::model::{EpisodeId, Record, RecordId, RecordKind, Source};

/// Records of one page.
const PAGE: usize = 512;
/// Bytes of texts after which a batch is written.
const BATCH_BYTES: usize = 8 << 20;
/// Vectors of one batch.
const N_VECTORS: usize = 2_048;

/// A store, and the names of what is in it that the trait [`Storage`] gives only by name.
pub struct Contents<'a> {
    /// The store; nobody writes to it meanwhile.
    pub storage: &'a dyn Storage,
    /// Sources whose records were forgotten, sorted.
    pub forgotten: Vec<(RecordKind, Source)>,
    /// Embedding models that made vectors, sorted.
    pub models: Vec<Box<str>>,
}

/// Copies a store into one that is empty; gives the number of records.
///
/// # Errors
///
/// [`StorageError::Unavailable`] when something is in `to` already; those of the storages.
pub fn copy(from: &Contents<'_>, to: &dyn Storage) -> Result<u64, StorageError> {
    let has_records = !to.changes(0, 1)?.is_empty();
    if has_records || !to.states("")?.is_empty() {
        return Err(StorageError::Unavailable {
            resource: "the target of the copy".into(),
            reason: "it is not empty; name a file that is not there".into(),
        });
    }
    bury(from, to)?;
    let order = put_order(from.storage)?;
    copy_records(from.storage, to, &order)?;
    restore_order(to, &order)?;
    copy_vectors(from, to)?;
    let states = from.storage.states("")?.into_iter();
    let states = states.map(|s| Op::KeepState { name: s.name, bytes: s.bytes, at: s.recorded_at });
    write(to, states.collect())?;
    to.flush()?;
    Ok(order.len() as u64)
}

/// Compares two stores; gives the first difference of each kind, nothing where they are equal.
///
/// # Errors
///
/// Those of the storages.
pub fn compare(a: &Contents<'_>, b: &Contents<'_>) -> Result<Vec<String>, StorageError> {
    let mut found = Vec::new();
    let (left, right) = (put_order(a.storage)?, put_order(b.storage)?);
    if left != right {
        let n = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
        let (n_left, n_right) = (left.len(), right.len());
        found.push(format!("the feeds of {n_left} and {n_right} records part at record {n}"));
        return Ok(found);
    }
    for page in left.chunks(PAGE) {
        let pages = (a.storage.records(page)?, b.storage.records(page)?);
        if let Some(n) = first_difference(&pages.0, &pages.1) {
            let id = page.get(n).map(ToString::to_string).unwrap_or_default();
            found.push(format!("record {id} differs"));
        }
        for id in page.iter().filter_map(|id| episode_id(*id)) {
            if all_steps(a.storage, id)? != all_steps(b.storage, id)? {
                found.push(format!("the steps of episode {id} differ"));
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    if a.models != b.models {
        found.push(format!("vectors are of the models {:?} and {:?}", a.models, b.models));
    }
    for model in &a.models {
        if !same_vectors(a.storage, b.storage, model)? {
            found.push(format!("vectors of model `{model}` differ"));
        }
    }
    if a.storage.states("")? != b.storage.states("")? {
        found.push("the small states differ".to_owned());
    }
    if a.forgotten != b.forgotten {
        found.push("the forgotten sources differ".to_owned());
    }
    Ok(found)
}

fn first_difference<T: PartialEq>(a: &[T], b: &[T]) -> Option<usize> {
    let n = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    (n < a.len().max(b.len())).then_some(n)
}

fn episode_id(id: RecordId) -> Option<EpisodeId> {
    match id {
        RecordId::Episode(id) => Some(id),
        RecordId::Note(_) => None,
    }
}

/// Returns the stored records in the order of their newest changes.
fn put_order(storage: &dyn Storage) -> Result<Vec<RecordId>, StorageError> {
    let (mut order, mut seq): (Vec<RecordId>, Seq) = (Vec::new(), 0);
    loop {
        let page = storage.changes(seq, PAGE)?;
        let Some(last) = page.last() else { return Ok(order) };
        seq = last.seq;
        order.extend(page.iter().filter(|c| c.op == ChangeOp::Put).map(|change| change.id));
    }
}

fn all_steps(
    storage: &dyn Storage,
    episode: EpisodeId,
) -> Result<Vec<crate::model::Step>, StorageError> {
    let steps = storage.steps(&[StepRange { episode, from: 0, limit: u32::MAX }])?;
    Ok(steps.into_iter().next().unwrap_or_default())
}

/// Copies records and writes them once they are many.
struct Copier<'a> {
    from: &'a dyn Storage,
    to: &'a dyn Storage,
    ops: Vec<Op>,
    n_bytes: usize,
}

impl Copier<'_> {
    fn copy(&mut self, record: Record) -> Result<(), StorageError> {
        let (steps, n_bytes) = match &record {
            Record::Episode(episode) => {
                let steps = all_steps(self.from, episode.id)?;
                let texts =
                    steps.iter().map(|s| s.args.as_str().len() + s.observation.as_str().len());
                let n_bytes = episode.task.as_str().len() + texts.sum::<usize>();
                (Some(steps), n_bytes)
            }
            Record::Note(note) => (None, note.text.as_str().len()),
        };
        self.ops.push(Op::Place(Box::new(Placed { record, steps, seen: None })));
        self.n_bytes += n_bytes;
        if self.ops.len() >= PAGE || self.n_bytes >= BATCH_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StorageError> {
        self.n_bytes = 0;
        write(self.to, std::mem::take(&mut self.ops))
    }
}

fn write(to: &dyn Storage, ops: Vec<Op>) -> Result<(), StorageError> {
    if ops.is_empty() {
        return Ok(());
    }
    to.apply(WriteBatch { ops }, Durability::Process).map(drop)
}

fn copy_records(
    from: &dyn Storage,
    to: &dyn Storage,
    order: &[RecordId],
) -> Result<(), StorageError> {
    let mut copier = Copier { from, to, ops: Vec::new(), n_bytes: 0 };
    for page in order.chunks(PAGE) {
        for record in records(from, page)? {
            copier.copy(record)?;
        }
    }
    copier.write()
}

/// Brings the feed into the order of the original: each record that stands behind its place is
/// given a change that changes nothing.
fn restore_order(to: &dyn Storage, order: &[RecordId]) -> Result<(), StorageError> {
    let now = put_order(to)?;
    let mut wanted = order.iter().peekable();
    for id in &now {
        wanted.next_if_eq(&id);
    }
    // What is left comes after all others, in order.
    let rest: Vec<RecordId> = wanted.copied().collect();
    for page in rest.chunks(PAGE) {
        let same_scope = |record| match record {
            Record::Episode(e) => Op::SetScope { id: e.id.into(), scope: e.scope },
            Record::Note(note) => Op::SetScope { id: note.id.into(), scope: note.scope },
        };
        write(to, records(to, page)?.into_iter().map(same_scope).collect())?;
    }
    Ok(())
}

fn copy_vectors(from: &Contents<'_>, to: &dyn Storage) -> Result<(), StorageError> {
    for model in &from.models {
        let mut after = 0;
        loop {
            let rows = from.storage.vectors(model, after, N_VECTORS)?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            let vectors = rows.into_iter().map(|row| row.vector).collect();
            write(to, vec![Op::PutVectors { model: model.clone(), vectors }])?;
        }
    }
    Ok(())
}

fn same_vectors(a: &dyn Storage, b: &dyn Storage, model: &str) -> Result<bool, StorageError> {
    let (mut after_a, mut after_b) = (0, 0);
    loop {
        let (left, right) =
            (a.vectors(model, after_a, N_VECTORS)?, b.vectors(model, after_b, N_VECTORS)?);
        let vectors = |rows: &[super::VectorRow]| -> Vec<StoredVector> {
            rows.iter().map(|row| row.vector.clone()).collect()
        };
        if vectors(&left) != vectors(&right) {
            return Ok(false);
        }
        let (Some(left), Some(right)) = (left.last(), right.last()) else { return Ok(true) };
        (after_a, after_b) = (left.seq, right.seq);
    }
}

/// Lets the target forget what the original has forgotten.
fn bury(from: &Contents<'_>, to: &dyn Storage) -> Result<(), StorageError> {
    /// The id of no record.
    const NOBODY: [u8; 16] = [0; 16];
    for page in from.forgotten.chunks(PAGE) {
        let withdraw = |(kind, source): &(RecordKind, Source)| Op::Withdraw {
            id: RecordId::from_bytes(*kind, NOBODY),
            source: Some(source.clone()),
        };
        write(to, page.iter().map(withdraw).collect())?;
    }
    Ok(())
}
