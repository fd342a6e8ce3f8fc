//! A step of an episode, as data and as text.

use memory_core::{Excerpt, Step, display_name};
use serde::Serialize;

use super::moment::rfc3339;
use super::render::{dot, put, quote};

/// One step of an episode.
#[derive(Debug, Serialize)]
pub(crate) struct StepAnswer {
    pub(crate) idx: u32,
    tool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    args: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    observation: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    occurred_at: String,
}

impl StepAnswer {
    /// Takes a step, with each text shortened to `limit` bytes.
    pub(crate) fn new(step: &Step, limit: usize) -> Self {
        let text = |text: &Excerpt| shortened(text.as_str(), limit);
        Self {
            idx: step.idx,
            tool: step.tool.to_string(),
            action: step.action.as_deref().map(str::to_owned),
            args: text(&step.args),
            observation: text(&step.observation),
            ok: step.ok,
            error: step.error.as_ref().map(text),
            latency_ms: step.latency_ms,
            tokens: step.n_tokens,
            occurred_at: rfc3339(step.occurred_at),
        }
    }

    /// Bytes that it takes in JSON.
    pub(crate) fn size(&self) -> usize {
        serde_json::to_string(self).map_or(0, |json| json.len())
    }

    /// Appends it as a numbered block, its texts as quotations.
    pub(crate) fn render(&self, out: &mut String) {
        put(out, format_args!("\n{}. {}", self.idx, display_name(&self.tool)));
        if let Some(action) = &self.action {
            dot(out, display_name(action));
        }
        dot(out, if self.ok { "ok" } else { "failed" });
        if let Some(latency_ms) = self.latency_ms {
            dot(out, format_args!("{latency_ms} ms"));
        }
        for (name, text) in [
            ("args", Some(&self.args)),
            ("got", Some(&self.observation)),
            ("error", self.error.as_ref()),
        ] {
            if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
                put(out, format_args!("\n   {name}:"));
                quote(out, text);
            }
        }
    }
}

/// Head and tail of a text that is longer than `limit`.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    Excerpt::cut(text.to_owned(), limit).as_str().to_owned()
}
