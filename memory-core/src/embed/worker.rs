//! Embeds in the background what waits for it: text is stored first, its vector comes later.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Embedder, Role};
use crate::error::Error;
use crate::index::{Index, WaitingUnit};
use crate::storage::{Durability, Op, Storage, StoredVector, WriteBatch};

/// Texts of one round: small, so that other processes' vectors are noticed and writers do not wait.
const ROUND_TEXTS: usize = 16;

/// How long to wait after a failure before the next try.
const RETRY: Duration = Duration::from_secs(30);

/// What one round needs.
pub(crate) struct Embedding {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) index: Arc<Index>,
    pub(crate) embedder: Arc<dyn Embedder>,
    /// Where in the queue to begin: differs between processes, so that they do not do the same work.
    pub(crate) from: u32,
}

impl Embedding {
    /// Embeds a few of the waiting units and stores the vectors; gives the number that wait no more.
    ///
    /// None means that there is nothing to do now: what waits has changed meanwhile and is seen at the
    /// next refresh.
    pub(crate) fn round(&self) -> Result<usize, Error> {
        self.index.refresh(self.storage.as_ref(), Duration::MAX)?;
        let limit = self.embedder.batch_limit().min(ROUND_TEXTS);
        let waiting = self.index.waiting(self.storage.as_ref(), self.from, limit)?;
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

#[derive(Debug, Default)]
struct Signal {
    stop: bool,
    work: bool,
}

/// The thread that embeds.
#[derive(Debug)]
pub(crate) struct Worker {
    signal: Arc<(Mutex<Signal>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread; it begins with what waits already.
    pub(crate) fn start(embedding: Embedding) -> Self {
        let signal = Arc::new((Mutex::new(Signal { stop: false, work: true }), Condvar::new()));
        let shared = Arc::clone(&signal);
        let thread = std::thread::Builder::new()
            .name("memory-embed".into())
            .spawn(move || run(&embedding, &shared))
            .inspect_err(|error| tracing::warn!(%error, "nothing will be embedded"));
        Self { signal, thread: thread.ok() }
    }

    /// Says that something may wait.
    pub(crate) fn wake(&self) {
        let (signal, changed) = &*self.signal;
        signal.lock().unwrap_or_else(PoisonError::into_inner).work = true;
        changed.notify_one();
    }
}

impl Drop for Worker {
    /// Ends the thread after the round that runs.
    fn drop(&mut self) {
        let (signal, changed) = &*self.signal;
        signal.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        changed.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the embedding thread panicked");
        }
    }
}

fn run(embedding: &Embedding, shared: &(Mutex<Signal>, Condvar)) {
    let (signal, changed) = shared;
    let stopped = || signal.lock().unwrap_or_else(PoisonError::into_inner).stop;
    loop {
        let idle = |signal: &mut Signal| !signal.stop && !signal.work;
        let waiting = signal.lock().unwrap_or_else(PoisonError::into_inner);
        let mut woken = changed.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner);
        if woken.stop {
            return;
        }
        woken.work = false;
        drop(woken);
        loop {
            match embedding.round() {
                _ if stopped() => return,
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "embedding waits");
                    let waiting = signal.lock().unwrap_or_else(PoisonError::into_inner);
                    let (mut woken, _) = changed
                        .wait_timeout_while(waiting, RETRY, |signal| !signal.stop)
                        .unwrap_or_else(PoisonError::into_inner);
                    woken.work = true;
                    break;
                }
            }
        }
    }
}
