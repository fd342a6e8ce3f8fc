//! The text of a step of an episode, as a model reads it.

use memory_core::display_name;

use super::record::StepView;
use super::render::{dot, put, quote};

impl StepView {
    /// Appends it as a numbered block, its texts as quotations.
    pub(crate) fn render(&self, out: &mut String) {
        put(out, format_args!("\n{}. {}", self.idx, display_name(&self.tool)));
        if let Some(action) = self.action.get() {
            dot(out, display_name(action));
        }
        dot(out, if self.ok { "ok" } else { "failed" });
        if let Some(latency_ms) = self.latency_ms.get() {
            dot(out, format_args!("{latency_ms} ms"));
        }
        for (name, text) in
            [("args", &self.args), ("got", &self.observation), ("error", &self.error)]
        {
            if let Some(text) = text.get().filter(|text| !text.trim().is_empty()) {
                put(out, format_args!("\n   {name}:"));
                quote(out, text);
            }
        }
    }
}
