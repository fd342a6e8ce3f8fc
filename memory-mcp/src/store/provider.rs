//! A remote embedder with two time limits: a short one for queries, which somebody waits for, and a
//! long one for documents.
//!
//! Used by the store. Limits: builds with the feature `http`.

use std::time::Duration;

use memory_core::{EmbedError, Embedder, Role};
use memory_embed::{Provider, Remote, RemoteConfig};

use crate::config::{Secret, Service, Target};

/// Longest wait for the vector of a query, which is then answered by words alone.
const QUERY_LIMIT: Duration = Duration::from_secs(3);

/// Queries in a row that wait in vain before the next ones do not wait at all for a while.
const QUERY_FAILURES: u32 = 2;

/// The same provider twice, once for each role. Neither counts the other's failures.
pub(super) struct ByRole {
    queries: Remote,
    documents: Remote,
}

impl ByRole {
    /// Takes a provider, to which it connects only when first used.
    pub(super) fn new(service: Service, target: &Target<'_>) -> Self {
        let provider = match service {
            Service::OpenAi => Provider::OpenAi,
            Service::Ollama => Provider::Ollama,
            Service::Mistral => Provider::Mistral,
            Service::Voyage => Provider::Voyage,
            Service::Cohere => Provider::Cohere,
        };
        let documents = RemoteConfig {
            key: target.key.map(Secret::expose).map(str::to_owned),
            ..RemoteConfig::new(provider, target.url, target.model, target.dimension)
        };
        let queries = RemoteConfig {
            attempts: 1,
            attempt_limit: QUERY_LIMIT,
            failures_to_pause: QUERY_FAILURES,
            ..documents.clone()
        };
        Self { queries: Remote::new(queries), documents: Remote::new(documents) }
    }
}

impl Embedder for ByRole {
    fn id(&self) -> &str {
        self.documents.id()
    }

    fn dimension(&self) -> usize {
        self.documents.dimension()
    }

    fn batch_limit(&self) -> usize {
        self.documents.batch_limit()
    }

    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        match role {
            Role::Query => self.queries.embed(role, texts),
            Role::Document => self.documents.embed(role, texts),
        }
    }
}
