//! Lines as they are written.

use serde::Serialize;
use serde_json::value::RawValue;

/// Episode.
#[derive(Debug, Serialize)]
pub(super) struct EpisodeOut<'a> {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) importer: Option<&'a str>,
    pub(super) task: &'a str,
    pub(super) context: ContextOut<'a>,
    pub(super) steps: Vec<StepOut<'a>>,
    pub(super) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inferred: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<&'static str>,
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
    pub(super) relations: Vec<LinkOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) shown: Vec<LinkOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) followed: Vec<LinkOut>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_helpful: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_unhelpful: u32,
}

/// Setting of an episode.
#[derive(Debug, Serialize)]
pub(super) struct ContextOut<'a> {
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

/// Step of an episode.
#[derive(Debug, Serialize)]
pub(super) struct StepOut<'a> {
    pub(super) tool: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call_id: Option<&'a str>,
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
pub(super) enum ArgsOut<'a> {
    /// An object or a list on one line.
    Json(&'a RawValue),
    /// Anything else.
    Text(&'a str),
}

/// Note.
#[derive(Debug, Serialize)]
pub(super) struct NoteOut<'a> {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) importer: Option<&'a str>,
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<&'static str>,
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
    pub(super) supersedes: Option<NameOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) episode: Option<NameOut>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_merged: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) merged_at: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_helpful: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) n_unhelpful: u32,
}

/// Record that an episode names: one of `episode` and `note`.
#[derive(Debug, Serialize)]
pub(super) struct LinkOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) episode: Option<NameOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<NameOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) strong: Option<bool>,
}

/// Name of another record.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum NameOut {
    /// Record whose line names no importer.
    Id(String),
    /// Record of another importer.
    Foreign {
        /// The importer.
        importer: Box<str>,
        /// The id there.
        id: Box<str>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
