//! Embeds in the background what waits for it: text is stored first, its vector comes later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::background::{Signal, Task};
use crate::clock::Clock;
use crate::embed::{Embedder, Role};
use crate::error::Error;
use crate::index::{Index, WaitingUnit};
use crate::model::Timestamp;
use crate::storage::{Durability, Op, Storage, StoredVector, WriteBatch};

/// Texts of one round: small, so that other processes' vectors are noticed and writers do not wait.
const ROUND_TEXTS: usize = 16;

/// Rounds that share the newest units: each begins at another of as many places in turn, so that
/// two processes seldom embed the same and what is newest waits for three rounds at most.
const ROUNDS_APART: usize = 4;

/// Wait after a failure before the next try.
const RETRY: Duration = Duration::from_secs(30);

/// Time after which it is seen again whether vectors of other models are still used, in
/// milliseconds.
const LOOK_AGAIN_MS: i64 = 24 * 60 * 60 * 1_000;

/// Time after which it looks for what other processes stored: hooks of clients embed nothing, and
/// their server may be asked nothing for hours.
const LOOK_AROUND: Duration = Duration::from_mins(1);

/// Parts that one round needs.
pub(crate) struct Embedding {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) index: Arc<Index>,
    pub(crate) embedder: Arc<dyn Embedder>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Counts the rounds from a number that differs between processes.
    pub(crate) turn: AtomicUsize,
}

impl Embedding {
    /// Embeds a few of the waiting units and stores the vectors; gives the number that wait no
    /// more.
    ///
    /// None means that there is nothing to do now: what waits has changed meanwhile and is seen at
    /// the next refresh.
    pub(crate) fn round(&self) -> Result<usize, Error> {
        self.index.refresh(self.storage.as_ref(), Duration::MAX)?;
        let limit = self.embedder.batch_limit().min(ROUND_TEXTS);
        let skip = self.turn.fetch_add(1, Ordering::Relaxed) % ROUNDS_APART * limit;
        let waiting = self.index.waiting(self.storage.as_ref(), skip, limit)?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let texts: Vec<&str> = waiting.iter().map(|waiting| waiting.text.as_str()).collect();
        let vectors = self
            .embedder
            .embed(Role::Document, &texts)
            .map_err(|source| Error::Embed { source })?;
        let stored = |(waiting, vector): (&WaitingUnit, Vec<f32>)| StoredVector {
            unit: waiting.key,
            content_hash: waiting.content_hash,
            vector,
        };
        let vectors: Vec<StoredVector> = waiting.iter().zip(vectors).map(stored).collect();
        let model = self.embedder.id().into();
        let put = Op::PutVectors { model, vectors: vectors.clone() };
        self.storage
            .apply(WriteBatch::of(put), Durability::Process)
            .map_err(Error::storage("store vectors"))?;
        Ok(self.index.put_vectors(&vectors))
    }
}

/// Starts the thread that embeds: first what waits already, then what does whenever it is woken.
pub(crate) fn start(embedding: Embedding) -> Option<Task> {
    let task = Task::start("memory-embed", move |signal| run(&embedding, signal));
    task.inspect_err(|error| tracing::warn!(%error, "nothing will be embedded")).ok()
}

fn run(embedding: &Embedding, signal: &Signal) {
    let mut looked: Option<Timestamp> = None;
    loop {
        match embedding.round() {
            _ if signal.is_stopped() => return,
            Ok(0) => {
                let now = embedding.clock.now();
                if looked.is_none_or(|last| now.millis_since(last) >= LOOK_AGAIN_MS) {
                    looked = Some(now);
                    if let Err(error) = embedding.retire_others(now) {
                        tracing::warn!(%error, "vectors of other models stay for now");
                    }
                }
                if !signal.wait(LOOK_AROUND) {
                    return;
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "embedding waits");
                if !signal.sleep(RETRY) {
                    return;
                }
            }
        }
    }
}
