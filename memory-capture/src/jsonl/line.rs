//! Lines as they are spelled in a file to be read; the fields of both kinds of record.
//!
//! Unknown fields are passed over, so that files with more in them can be read.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor, value};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Importer of records whose line names none.
pub(super) const IMPORTER: &str = "jsonl";

/// Prefix of the tag that stands for `task_id`: runs of the same task share it.
pub(super) const TASK_TAG: &str = "task:";

/// Fields of an episode and of a note, since the shape decides which one a line is.
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
    pub(super) inferred: Option<Lenient>,
    pub(super) origin: Option<String>,
    pub(super) status: Option<String>,
    pub(super) reward: Option<f64>,
    pub(super) duration_ms: Option<f64>,
    pub(super) summary: Option<Lenient>,
    pub(super) artifacts: Option<Vec<Lenient>>,
    pub(super) reflection: Option<Lenient>,
    pub(super) surprise: Option<f64>,
    pub(super) relations: Option<Vec<LinkLine>>,
    pub(super) shown: Option<Vec<LinkLine>>,
    pub(super) followed: Option<Vec<LinkLine>>,
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
    pub(super) supersedes: Option<NameLine>,
    pub(super) episode: Option<NameLine>,
    pub(super) n_merged: Option<u32>,
    pub(super) merged_at: Option<Lenient>,
}

/// Record that an episode names: one of `episode` and `note`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with `note` or `episode`")]
pub(super) struct LinkLine {
    pub(super) episode: Option<NameLine>,
    pub(super) note: Option<NameLine>,
    /// Relation of the episode to an earlier one.
    pub(super) kind: Option<String>,
    /// True for a record that was shown as a strong hit.
    pub(super) strong: Option<bool>,
}

/// Name of another record.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum NameLine {
    /// Record whose line names no importer.
    Id(String),
    /// Record of another importer.
    Foreign {
        /// The importer.
        importer: String,
        /// The id there.
        id: String,
    },
}

/// Setting of an episode.
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

/// Step of an episode.
#[derive(Debug, Deserialize)]
pub(super) struct StepLine<'a> {
    #[serde(default)]
    pub(super) tool: String,
    pub(super) call_id: Option<Lenient>,
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
