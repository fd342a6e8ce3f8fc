//! The providers' requests and answers.

use memory_core::Role;
use serde::Deserialize;
use serde_json::{Value, json};

/// The shape of a provider's requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// `OpenAI`, and servers that speak its protocol: LM Studio, vLLM, llama.cpp's server,
    /// text-embeddings-inference.
    OpenAi,
    /// Ollama (`/api/embed`).
    Ollama,
    /// Mistral.
    Mistral,
    /// Voyage AI.
    Voyage,
    /// Cohere (`/v2/embed`).
    Cohere,
}

/// `{"data": [{"embedding": [...], "index": 0}, ...]}`.
#[derive(Deserialize)]
struct Listed {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    embedding: Vec<f32>,
    index: usize,
}

/// `{"embeddings": [[...], ...]}`.
#[derive(Deserialize)]
struct Plain {
    embeddings: Vec<Vec<f32>>,
}

/// `{"embeddings": {"float": [[...], ...]}}`.
#[derive(Deserialize)]
struct ByKind {
    embeddings: Floats,
}

#[derive(Deserialize)]
struct Floats {
    float: Vec<Vec<f32>>,
}

impl Provider {
    /// Name in ids and messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Provider::OpenAi => "openai",
            Provider::Ollama => "ollama",
            Provider::Mistral => "mistral",
            Provider::Voyage => "voyage",
            Provider::Cohere => "cohere",
        }
    }

    /// Path after the base address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Provider::OpenAi | Provider::Mistral | Provider::Voyage => "/embeddings",
            Provider::Ollama => "/api/embed",
            Provider::Cohere => "/embed",
        }
    }

    /// Texts in one request: Cohere documents 96; the others take at least as many as this.
    pub(super) fn batch_limit(self) -> usize {
        match self {
            Provider::Cohere => 96,
            _ => 128,
        }
    }

    /// Body of a request. An empty text is sent as a space, as several providers refuse empty ones.
    pub(super) fn request(self, model: &str, role: Role, texts: &[&str]) -> Value {
        let texts: Vec<&str> =
            texts.iter().map(|text| if text.is_empty() { " " } else { text }).collect();
        let query = role == Role::Query;
        match self {
            Provider::OpenAi => json!({"model": model, "input": texts, "encoding_format": "float"}),
            Provider::Ollama | Provider::Mistral => json!({"model": model, "input": texts}),
            Provider::Voyage => json!({
                "model": model, "input": texts,
                "input_type": if query { "query" } else { "document" },
            }),
            Provider::Cohere => json!({
                "model": model, "texts": texts, "embedding_types": ["float"],
                "input_type": if query { "search_query" } else { "search_document" },
            }),
        }
    }

    /// The vectors of an answer, in the order of the request's texts; `None` if it is something
    /// else.
    pub(super) fn vectors(self, body: &[u8]) -> Option<Vec<Vec<f32>>> {
        match self {
            Provider::OpenAi | Provider::Mistral | Provider::Voyage => {
                let Listed { mut data } = serde_json::from_slice(body).ok()?;
                data.sort_by_key(|item| item.index);
                let in_order = data.iter().zip(0..).all(|(item, index)| item.index == index);
                in_order.then(|| data.into_iter().map(|item| item.embedding).collect())
            }
            Provider::Ollama => Some(serde_json::from_slice::<Plain>(body).ok()?.embeddings),
            Provider::Cohere => Some(serde_json::from_slice::<ByKind>(body).ok()?.embeddings.float),
        }
    }
}
