//! How a line is spelled. Unknown fields are ignored, so that files with more in them can be read.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::wire::is_zero;

/// A line to be read: all fields of episodes and notes, since the shape decides which one it is.
#[derive(Debug, Deserialize)]
pub(super) struct Line<'a> {
    pub(super) id: Option<Lenient>,
    pub(super) importer: Option<Lenient>,
    pub(super) ts: Option<Lenient>,
    pub(super) tags: Option<Vec<Lenient>>,

    pub(super) task: Option<String>,
    #[serde(default)]
    pub(super) context: Option<ContextLine>,
    #[serde(borrow)]
    pub(super) steps: Option<Vec<StepLine<'a>>>,
    pub(super) outcome: Option<String>,
    pub(super) status: Option<String>,
    pub(super) reward: Option<f64>,
    pub(super) duration_ms: Option<f64>,
    pub(super) summary: Option<Lenient>,
    pub(super) artifacts: Option<Vec<Lenient>>,
    pub(super) reflection: Option<Lenient>,
    pub(super) surprise: Option<f64>,
    pub(super) relations: Option<Vec<TieLine>>,
    pub(super) shown: Option<Vec<TieLine>>,
    pub(super) followed: Option<Vec<TieLine>>,
    pub(super) n_helpful: Option<u32>,
    pub(super) n_unhelpful: Option<u32>,

    pub(super) text: Option<String>,
    pub(super) scope: Option<Lenient>,
    pub(super) kind: Option<String>,
    pub(super) session: Option<Lenient>,
    pub(super) position: Option<u32>,
    pub(super) speaker: Option<Lenient>,
    pub(super) valid_from: Option<Lenient>,
    pub(super) valid_to: Option<Lenient>,
    pub(super) supersedes: Option<LinkLine>,
    pub(super) episode: Option<LinkLine>,
    pub(super) n_merged: Option<u32>,
    pub(super) merged_at: Option<Lenient>,
}

/// What an episode names, to be read: one of `episode` and `note`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with `note` or `episode`")]
pub(super) struct TieLine {
    pub(super) episode: Option<LinkLine>,
    pub(super) note: Option<LinkLine>,
    /// How the episode stands to an earlier one.
    pub(super) kind: Option<String>,
    /// Whether what was shown was a strong hit.
    pub(super) strong: Option<bool>,
}

/// Another record, to be read.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum LinkLine {
    /// One of the same importer as the default.
    Id(String),
    /// One of another importer.
    Foreign {
        /// The importer.
        importer: String,
        /// The id there.
        id: String,
    },
}

/// The setting of an episode to be read.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ContextLine {
    pub(super) project: Option<Lenient>,
    pub(super) task_type: Option<Lenient>,
    pub(super) task_id: Option<Lenient>,
    pub(super) language: Option<Lenient>,
    pub(super) framework: Option<Lenient>,
    pub(super) domain: Option<Lenient>,
    pub(super) tags: Option<Vec<Lenient>>,
    pub(super) agent: Option<Lenient>,
    pub(super) model: Option<Lenient>,
    pub(super) session: Option<Lenient>,
    pub(super) branch: Option<Lenient>,
}

/// A step to be read.
#[derive(Debug, Deserialize)]
pub(super) struct StepLine<'a> {
    #[serde(default)]
    pub(super) tool: String,
    pub(super) action: Option<Lenient>,
    pub(super) verb: Option<Lenient>,
    #[serde(borrow)]
    pub(super) args: Option<&'a RawValue>,
    pub(super) result: Option<Lenient>,
    pub(super) observation: Option<Lenient>,
    pub(super) ok: Option<bool>,
    pub(super) error: Option<Lenient>,
    pub(super) latency_ms: Option<f64>,
    pub(super) tokens: Option<f64>,
    pub(super) ts: Option<Lenient>,
}

/// A text that may be written as something else: a number, a boolean, a list, an object.
#[derive(Debug, Default)]
pub(super) struct Lenient(pub(super) String);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Ok(String::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<String, A::Error> {
        let value = serde_json::Value::deserialize(value::SeqAccessDeserializer::new(seq))?;
        Ok(value.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
        let value = serde_json::Value::deserialize(value::MapAccessDeserializer::new(map))?;
        Ok(value.to_string())
    }
}

/// An episode to be written.
#[derive(Debug, Serialize)]
pub(crate) struct EpisodeOut<'a> {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) importer: Option<&'a str>,
    pub(super) task: &'a str,
    pub(super) context: ContextOut<'a>,
    pub(super) steps: Vec<StepOut<'a>>,
    pub(super) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    pub(super) reward: Option<f64>,
    pub(super) ts: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) artifacts: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reflection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) surprise: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) relations: Vec<TieOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) shown: Vec<TieOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) followed: Vec<TieOut>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_helpful: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_unhelpful: u32,
}

/// The setting of an episode to be written.
#[derive(Debug, Serialize)]
pub(crate) struct ContextOut<'a> {
    pub(super) project: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) task_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) framework: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) branch: Option<&'a str>,
}

/// A step to be written.
#[derive(Debug, Serialize)]
pub(crate) struct StepOut<'a> {
    pub(super) tool: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<ArgsOut<'a>>,
    pub(super) result: &'a str,
    pub(super) ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) latency_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ts: Option<String>,
}

/// Arguments as JSON where that gives the same text back, else as a string.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ArgsOut<'a> {
    /// An object or a list on one line.
    Json(&'a RawValue),
    /// Anything else.
    Text(&'a str),
}

/// A note to be written.
#[derive(Debug, Serialize)]
pub(crate) struct NoteOut<'a> {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) importer: Option<&'a str>,
    pub(super) kind: &'static str,
    pub(super) text: &'a str,
    pub(super) ts: String,
    pub(super) scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) position: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) speaker: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) valid_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supersedes: Option<LinkOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) episode: Option<LinkOut>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_merged: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) merged_at: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_helpful: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_unhelpful: u32,
}

/// What an episode names, to be written.
#[derive(Debug, Serialize)]
pub(crate) struct TieOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) episode: Option<LinkOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<LinkOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strong: Option<bool>,
}

/// Another record, to be written.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum LinkOut {
    /// One whose line names no importer.
    Id(String),
    /// One of another importer.
    Foreign {
        /// The importer.
        importer: Box<str>,
        /// The id there.
        id: Box<str>,
    },
}
