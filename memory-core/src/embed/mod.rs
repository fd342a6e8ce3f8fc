//! Embedders: the contract of every source of embeddings, and its errors.
//!
//! Used by the background embedding of the engine and by the retriever; implemented in other
//! crates.

use std::error::Error;
use std::path::PathBuf;

/// Purpose of an embedding.
///
/// Some models put questions and stored texts through different prefixes or heads, or read more of
/// one than of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A question, to be compared with stored documents.
    Query,
    /// A text to be stored and found again.
    Document,
}

/// A source of embeddings: text in, unit-length vector out.
///
/// Vectors of two embedders with different [`id`](Embedder::id)s live in different spaces and must
/// never be compared.
pub trait Embedder: Send + Sync {
    /// Name of the vector space, stored beside every vector, for example
    /// `all-MiniLM-L6-v2/int8-1/first-254`.
    ///
    /// It changes whenever the same text could give a noticeably different vector.
    fn id(&self) -> &str;

    /// Number of components of every vector.
    fn dimension(&self) -> usize;

    /// Largest number of texts that one call of [`embed`](Embedder::embed) accepts; at least 1.
    fn batch_limit(&self) -> usize;

    /// Embed `texts`, giving one vector of [`dimension`](Embedder::dimension) finite components
    /// and Euclidean length 1 (within `1e-5`) per text, in the order of `texts`.
    ///
    /// Texts may be empty and may be longer than the model can read; what is done with the surplus
    /// is for the embedder to document.
    ///
    /// # Errors
    /// [`EmbedError::TooManyTexts`] above [`batch_limit`](Embedder::batch_limit); the rest depends
    /// on the embedder. On an error no vector is returned, not even for texts that went well.
    fn embed(&self, role: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;
}

/// Reason why texts could not be embedded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// The call holds more texts than the embedder takes at once: split it.
    #[error("embedding {got} texts in one call: at most {limit} are taken, send fewer")]
    TooManyTexts {
        /// Texts in the call.
        got: usize,
        /// The embedder's batch limit.
        limit: usize,
    },
    /// The model's weights are not in the format this program reads.
    #[error("reading the model: {what}")]
    Model {
        /// Fault of the packed file.
        what: &'static str,
    },
    /// A file holds no model that can be used.
    #[error("the model {}: {reason}", path.display())]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// Reason, and what would help.
        reason: String,
    },
    /// The provider cannot be reached or keeps failing: try again later, do without until then.
    #[error("embedding with {provider}: not available")]
    Unavailable {
        /// Host or name of the provider.
        provider: String,
        /// The last failure, if there was one (a circuit breaker may refuse without trying).
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// The provider refused the request: repeating it will not help (wrong key, unknown model).
    #[error("embedding with {provider}: request refused with HTTP status {status}")]
    Refused {
        /// Host or name of the provider.
        provider: String,
        /// HTTP status code of the refusal.
        status: u16,
    },
    /// The provider answered something that cannot be used as embeddings.
    #[error("embedding with {provider}: unusable answer, {what}")]
    BadAnswer {
        /// Host or name of the provider.
        provider: String,
        /// Rule that the answer broke.
        what: &'static str,
    },
}
