//! Before the handshake: what asks for nothing is passed over.
//!
//! The protocol's library ends the server at a notification that comes before `initialize`. A client
//! that says something too early has broken nothing, and an editor would only see that its memory died.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::model::JsonRpcMessage;
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;

/// A transport that lets only requests through until the handshake was made.
pub(super) struct Patient<T> {
    inner: T,
    shaken: Arc<AtomicBool>,
}

impl<T> Patient<T> {
    /// Lets everything through once `shaken` is set.
    pub(super) const fn new(inner: T, shaken: Arc<AtomicBool>) -> Self {
        Self { inner, shaken }
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Patient<T> {
    type Error = T::Error;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = self.inner.receive().await?;
            let is_request = matches!(message, JsonRpcMessage::Request(_));
            if is_request || self.shaken.load(Ordering::Relaxed) {
                return Some(message);
            }
            tracing::debug!(?message, "passed over before the handshake");
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}
