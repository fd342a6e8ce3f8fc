//! The way out: answers in the order in which they are made, and how many of them may be unsent.
//!
//! Input: messages as JSON. Output: lines on a pipe, written by a task of its own. Used by the
//! transport, which reads nothing more while too much is unsent: a client that asks without reading
//! the answers fills the pipe, and not the memory of this process.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::RequestId;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Most requests and answers that are under way before nothing more is read.
const MAX_UNDER_WAY: usize = 256;

/// Most bytes of unsent answers before nothing more is read.
const MAX_UNSENT_BYTES: usize = 4 * 1024 * 1024;

/// Time that a client has at the end to read its last answers.
pub(super) const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Number of a batch, unique in a session.
pub(super) type BatchNo = u64;

/// Answers that wait to be written, and requests that wait to be answered.
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Told whenever something was written or forgotten.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Lines on their way to the writer; `None` once the session is over.
    lines: Option<UnboundedSender<Vec<u8>>>,
    /// Requests that are not answered yet, with the batch that each came in.
    in_flight: HashMap<RequestId, Option<BatchNo>>,
    n_unsent: usize,
    unsent_bytes: usize,
    batches: HashMap<BatchNo, Batch>,
    n_batches: BatchNo,
}

/// A batch of requests, whose answers are sent together.
#[derive(Default)]
struct Batch {
    n_open: usize,
    answers: Vec<String>,
}

impl Outbox {
    /// Starts the task that writes to `pipe`.
    pub(super) fn start<W: AsyncWrite + Unpin + Send + 'static>(pipe: W) -> Arc<Self> {
        let (lines, queue) = unbounded_channel();
        let state = State { lines: Some(lines), ..State::default() };
        let outbox = Arc::new(Self { state: Mutex::new(state), changed: Notify::new() });
        tokio::spawn(write(pipe, queue, Arc::clone(&outbox)));
        outbox
    }

    /// Waits until there is room for another request.
    pub(super) async fn room(&self) {
        self.wait_until(|state| {
            state.in_flight.len() + state.n_unsent < MAX_UNDER_WAY
                && state.unsent_bytes < MAX_UNSENT_BYTES
        })
        .await;
    }

    /// Notes that a request is under way; returns whether its id was free.
    pub(super) fn accept(&self, id: RequestId, batch: Option<BatchNo>) -> bool {
        let mut state = self.lock();
        if state.in_flight.contains_key(&id) {
            return false;
        }
        if let Some(batch) = batch.and_then(|no| state.batches.get_mut(&no)) {
            batch.n_open += 1;
        }
        state.in_flight.insert(id, batch);
        true
    }

    /// Notes that a request was cancelled: no answer to it will come.
    pub(super) fn cancel(&self, id: &RequestId) {
        let mut state = self.lock();
        if let Some(Some(batch)) = state.in_flight.remove(id) {
            state.close_one(batch, None);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Sends the answer to a request.
    ///
    /// # Errors
    ///
    /// `NotConnected` when the session is over.
    pub(super) fn answer(&self, id: &RequestId, json: String) -> io::Result<()> {
        let mut state = self.lock();
        match state.in_flight.remove(id) {
            Some(Some(batch)) => {
                state.close_one(batch, Some(json));
                Ok(())
            }
            _ => state.send(&json),
        }
    }

    /// Sends a message that answers no request that was accepted, with the answers of a batch or
    /// alone.
    ///
    /// # Errors
    ///
    /// `NotConnected` when the session is over.
    pub(super) fn send(&self, json: String, batch: Option<BatchNo>) -> io::Result<()> {
        let mut state = self.lock();
        match batch.and_then(|no| state.batches.get_mut(&no)) {
            Some(batch) => {
                batch.answers.push(json);
                Ok(())
            }
            None => state.send(&json),
        }
    }

    /// Begins a batch, which stays open until [`Outbox::end_batch`].
    pub(super) fn begin_batch(&self) -> BatchNo {
        let mut state = self.lock();
        state.n_batches += 1;
        let no = state.n_batches;
        state.batches.insert(no, Batch { n_open: 1, answers: Vec::new() });
        no
    }

    /// Notes that all requests of a batch are accepted.
    pub(super) fn end_batch(&self, no: BatchNo) {
        self.lock().close_one(no, None);
    }

    /// Takes no further message and waits until all are written, at most `within`.
    pub(super) async fn finish(&self, within: Duration) {
        self.lock().lines = None;
        let written = self.wait_until(|state| state.n_unsent == 0);
        if tokio::time::timeout(within, written).await.is_err() {
            tracing::debug!("the client did not read its last answers");
        }
    }

    async fn wait_until(&self, is_reached: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_reached(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Notes that so many lines of so many bytes need not be written any more.
    fn written(&self, n_lines: usize, n_bytes: usize) {
        let mut state = self.lock();
        state.n_unsent = state.n_unsent.saturating_sub(n_lines);
        state.unsent_bytes = state.unsent_bytes.saturating_sub(n_bytes);
        drop(state);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn send(&mut self, json: &str) -> io::Result<()> {
        let line = line(json);
        let n_bytes = line.len();
        if self.lines.as_ref().is_none_or(|lines| lines.send(line).is_err()) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.n_unsent += 1;
        self.unsent_bytes += n_bytes;
        Ok(())
    }

    /// Counts one request of a batch as done; with the last one the answers are sent.
    fn close_one(&mut self, no: BatchNo, answer: Option<String>) {
        let Some(batch) = self.batches.get_mut(&no) else { return };
        batch.answers.extend(answer);
        batch.n_open = batch.n_open.saturating_sub(1);
        if batch.n_open > 0 {
            return;
        }
        let answers = self.batches.remove(&no).unwrap_or_default().answers;
        if !answers.is_empty()
            && let Err(error) = self.send(&format!("[{}]", answers.join(",")))
        {
            tracing::debug!(%error, "the answers of a batch were not sent");
        }
    }
}

/// Writes lines in their order; after a failure the rest is dropped, since nobody reads it.
async fn write<W: AsyncWrite + Unpin>(
    mut pipe: W,
    mut queue: UnboundedReceiver<Vec<u8>>,
    outbox: Arc<Outbox>,
) {
    let mut is_broken = false;
    while let Some(line) = queue.recv().await {
        if !is_broken {
            let written = match pipe.write_all(&line).await {
                Ok(()) => pipe.flush().await,
                failed => failed,
            };
            if let Err(error) = written {
                tracing::debug!(%error, "the client reads no more answers");
                is_broken = true;
            }
        }
        outbox.written(1, line.len());
    }
}

/// Returns JSON as one line, with what some readers take for the end of a line as an escape.
///
/// U+0085, U+2028 and U+2029 may stand as they are in JSON, and only within strings. Clients in
/// JavaScript and Python cut lines at them all the same.
fn line(json: &str) -> Vec<u8> {
    let mut line = Vec::with_capacity(json.len() + 1);
    let mut rest = json;
    while let Some(at) = rest.find(['\u{85}', '\u{2028}', '\u{2029}']) {
        let (before, from) = rest.split_at(at);
        let mut chars = from.chars();
        let code = chars.next().map_or(0, u32::from);
        line.extend_from_slice(before.as_bytes());
        line.extend_from_slice(format!("\\u{code:04x}").as_bytes());
        rest = chars.as_str();
    }
    line.extend_from_slice(rest.as_bytes());
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;

    fn run<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(test)
    }

    async fn finished(outbox: &Outbox, mut client: DuplexStream) -> String {
        outbox.finish(Duration::from_secs(5)).await;
        let mut sent = vec![0; 4096];
        let n = client.read(&mut sent).await.unwrap();
        String::from_utf8(sent[..n].to_vec()).unwrap()
    }

    fn id(n: i64) -> RequestId {
        RequestId::Number(n)
    }

    async fn has_room(outbox: &Outbox) -> bool {
        tokio::time::timeout(Duration::from_millis(1), outbox.room()).await.is_ok()
    }

    #[test]
    fn separators_of_lines_leave_as_escapes_and_nothing_else_changes() {
        let json = "{\"a\":\"x\u{2028}y\u{2029}\u{85}z … · é \\u0041\"}";
        let expected = "{\"a\":\"x\\u2028y\\u2029\\u0085z … · é \\u0041\"}\n";
        assert_eq!(String::from_utf8(line(json)).unwrap(), expected);
    }

    #[test]
    fn a_client_that_does_not_read_is_asked_for_nothing_more() {
        run(async {
            // What is written first fits into the pipe, the rest waits.
            let (server, mut client) = duplex(10);
            let outbox = Outbox::start(server);
            for _ in 0..MAX_UNDER_WAY + 20 {
                outbox.send("{}".to_owned(), None).unwrap();
            }
            assert!(!has_room(&outbox).await, "read on although nobody reads the answers");
            let mut read = vec![0; 20 * 3 + 30];
            client.read_exact(&mut read).await.unwrap();
            outbox.room().await;
        });
    }

    #[test]
    fn requests_without_an_answer_and_long_answers_count_too() {
        run(async {
            let (server, _client) = duplex(10);
            let outbox = Outbox::start(server);
            for n in (0..).take(MAX_UNDER_WAY) {
                assert!(outbox.accept(id(n), None));
            }
            assert!(!has_room(&outbox).await);
            outbox.cancel(&id(7));
            assert!(has_room(&outbox).await, "a cancelled request waits for no answer");
            outbox.answer(&id(8), "x".repeat(MAX_UNSENT_BYTES)).unwrap();
            outbox.cancel(&id(9));
            assert!(!has_room(&outbox).await);
        });
    }

    #[test]
    fn an_id_is_free_again_once_it_is_answered() {
        run(async {
            let (server, client) = duplex(100);
            let outbox = Outbox::start(server);
            assert!(outbox.accept(id(1), None));
            assert!(!outbox.accept(id(1), None), "two requests of one id");
            outbox.answer(&id(1), "1".to_owned()).unwrap();
            assert!(outbox.accept(id(1), None));
            assert_eq!(finished(&outbox, client).await, "1\n");
            assert!(outbox.send("2".to_owned(), None).is_err(), "the session is over");
        });
    }

    #[test]
    fn the_answers_of_a_batch_are_sent_together_when_the_last_one_is_there() {
        run(async {
            let (server, client) = duplex(100);
            let outbox = Outbox::start(server);
            let (batch, empty) = (outbox.begin_batch(), outbox.begin_batch());
            for n in 1..=3 {
                assert!(outbox.accept(id(n), Some(batch)));
            }
            outbox.send("\"refused\"".to_owned(), Some(batch)).unwrap();
            outbox.answer(&id(2), "2".to_owned()).unwrap();
            outbox.end_batch(batch);
            outbox.end_batch(empty);
            outbox.cancel(&id(3));
            outbox.send("\"alone\"".to_owned(), None).unwrap();
            outbox.answer(&id(1), "1".to_owned()).unwrap();
            assert_eq!(finished(&outbox, client).await, "\"alone\"\n[\"refused\",2,1]\n");
        });
    }
}
