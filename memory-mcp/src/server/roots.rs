//! Asks the client for its roots where nothing else says which project is meant.
//!
//! The answer may come late or never: the first call waits a moment for it, later ones do not.

use std::time::Duration;

use rmcp::service::{Peer, RoleServer};
use tokio::sync::watch;

use crate::project::Project;

/// Time that the first call waits for the client to name its roots.
const FIRST_CALL_WAIT: Duration = Duration::from_secs(1);

/// Time that an answer of the client may take.
const ANSWER_WAIT: Duration = Duration::from_mins(1);

/// State of the question: whether it is settled.
pub(super) struct Roots {
    is_settled: watch::Sender<bool>,
}

impl Roots {
    /// Nothing was asked yet.
    pub(super) fn new() -> Self {
        Self { is_settled: watch::Sender::new(false) }
    }

    /// Asks the client, if its answer is wanted and it can give one, and passes the answer on.
    #[expect(
        deprecated,
        reason = "clients of the older versions of the protocol name their project so"
    )]
    pub(super) async fn ask(&self, peer: &Peer<RoleServer>, project: &Project) {
        if project.asks_client() && has_roots(peer) {
            match tokio::time::timeout(ANSWER_WAIT, peer.list_roots()).await {
                Ok(Ok(answer)) => {
                    let uris: Vec<String> = answer.roots.into_iter().map(|root| root.uri).collect();
                    project.take_roots(&uris);
                }
                // What a client says of itself is not logged.
                Ok(Err(_)) => tracing::debug!("the client did not name its roots"),
                Err(_) => tracing::debug!("the client did not name its roots in time"),
            }
        }
        self.is_settled.send_replace(true);
    }

    /// Waits, once and for a moment, until the project is known.
    pub(super) async fn settled(&self, peer: &Peer<RoleServer>, project: &Project) {
        if *self.is_settled.borrow() || !project.asks_client() || !has_roots(peer) {
            return;
        }
        let mut settled = self.is_settled.subscribe();
        let waited = settled.wait_for(|is_settled| *is_settled);
        if tokio::time::timeout(FIRST_CALL_WAIT, waited).await.is_err() {
            self.is_settled.send_replace(true);
        }
    }
}

/// Returns whether the client declared that it has roots.
fn has_roots(peer: &Peer<RoleServer>) -> bool {
    peer.peer_info().is_some_and(|info| info.capabilities.roots.is_some())
}
