//! The transport: lines on two pipes, in place of that of the protocol's library.
//!
//! Reads one message after the other and hands it to the library, which calls the handlers; what
//! cannot be served is answered here. Before the handshake only requests get through: the library
//! ends the server at a notification that comes before `initialize`, and a client that says
//! something too early has broken nothing. Nothing of a message is logged.

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::model::{ClientNotification, JsonRpcMessage, ProtocolVersion, RequestId, ServerResult};
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::io::AsyncRead;

use super::lines::{Line, Lines, MAX_LINE_BYTES};
use super::message::{Incoming, Parsed, Refusal, parse, single};
use super::outbox::{BatchNo, LAST_ANSWERS, Outbox};

/// Lines in, lines out.
pub(super) struct LineTransport<R> {
    lines: Lines<R>,
    outbox: Arc<Outbox>,
    /// Messages of a batch that are still to be handed on.
    ready: VecDeque<RxJsonRpcMessage<RoleServer>>,
    /// Set once the handshake was made.
    is_serving: Arc<AtomicBool>,
    /// Set where the protocol version that was agreed on has batches.
    knows_batches: bool,
}

impl<R: AsyncRead + Unpin + Send> LineTransport<R> {
    /// Reads from `pipe` and writes to `outbox`; `is_serving` is set once the handshake was made.
    pub(super) fn new(pipe: R, outbox: Arc<Outbox>, is_serving: Arc<AtomicBool>) -> Self {
        let lines = Lines::new(pipe);
        Self { lines, outbox, ready: VecDeque::new(), is_serving, knows_batches: false }
    }

    fn take_line(&mut self, line: &[u8]) {
        match parse(line) {
            Parsed::Nothing => {}
            Parsed::Single(incoming) => self.take(incoming, None),
            Parsed::Batch(items) => self.take_batch(items),
        }
    }

    /// Takes one message: hands it on, or answers it.
    fn take(&mut self, incoming: Incoming, batch: Option<BatchNo>) {
        let message = match incoming {
            Incoming::Message(message) => *message,
            Incoming::Refused(refusal) => return self.refuse(&refusal, batch),
            Incoming::Ignored => return,
        };
        if let JsonRpcMessage::Request(request) = &message {
            if !self.outbox.accept(request.id.clone(), batch) {
                let id = request.id.clone().into_json_value();
                let reason = "the id is that of a request that is not answered yet";
                return self.refuse(&Refusal::invalid(id, reason), batch);
            }
        } else if !self.is_serving.load(Ordering::Relaxed) {
            tracing::debug!("passed over a message that came before the handshake");
            return;
        }
        if let JsonRpcMessage::Notification(notification) = &message
            && let ClientNotification::CancelledNotification(cancelled) = &notification.notification
            && let Some(id) = &cancelled.params.request_id
        {
            self.outbox.cancel(id);
        }
        self.ready.push_back(message);
    }

    /// Takes a batch. Only the older versions of the protocol have them; for others each request in
    /// it is refused, so that nobody waits for an answer.
    fn take_batch(&mut self, items: Vec<Value>) {
        if items.is_empty() {
            return self.refuse(&Refusal::invalid(Value::Null, "an empty batch"), None);
        }
        if self.knows_batches {
            let batch = self.outbox.begin_batch();
            for item in items {
                self.take(single(item), Some(batch));
            }
            return self.outbox.end_batch(batch);
        }
        let is_id = |id: &Value| id.is_string() || id.is_number();
        let mut ids: Vec<Value> = items
            .iter()
            .filter(|item| item.get("method").is_some())
            .filter_map(|item| item.get("id").filter(|id| is_id(id)).cloned())
            .collect();
        if ids.is_empty() {
            ids.push(Value::Null);
        }
        for id in ids {
            let reason = "this version of the protocol has no batches: one message a line";
            self.refuse(&Refusal::invalid(id, reason), None);
        }
    }

    fn refuse(&self, refusal: &Refusal, batch: Option<BatchNo>) {
        tracing::debug!(code = refusal.code, "a message was refused");
        if let Err(error) = self.outbox.send(refusal.to_json(), batch) {
            tracing::debug!(%error, "an error was not sent");
        }
    }

    /// Sends a message now, or says why not.
    fn send_now(&mut self, item: &TxJsonRpcMessage<RoleServer>) -> io::Result<()> {
        let json = serde_json::to_string(item)?;
        if let JsonRpcMessage::Response(response) = item
            && let ServerResult::InitializeResult(result) = &response.result
        {
            self.knows_batches = result.protocol_version <= ProtocolVersion::V_2025_03_26;
        }
        match answered(item) {
            Some(id) => self.outbox.answer(id, json),
            None => self.outbox.send(json, None),
        }
    }
}

/// Returns the id of the request that a message answers.
fn answered(item: &TxJsonRpcMessage<RoleServer>) -> Option<&RequestId> {
    match item {
        JsonRpcMessage::Response(response) => Some(&response.id),
        JsonRpcMessage::Error(error) => error.id.as_ref(),
        JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
    }
}

impl<R: AsyncRead + Unpin + Send> Transport<RoleServer> for LineTransport<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        ready(self.send_now(&item))
    }

    /// May be dropped and called again at any time: all that was read is kept in the transport.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            self.outbox.room().await;
            match self.lines.next().await {
                Line::Whole(line) => self.take_line(&line),
                Line::TooLong { id } => {
                    let reason =
                        format!("a message of more than {MAX_LINE_BYTES} bytes is not read");
                    self.refuse(&Refusal::invalid(id, reason), None);
                }
                Line::End => return None,
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.outbox.finish(LAST_ANSWERS).await;
        Ok(())
    }
}
