//! The text of a step of an episode, as a model reads it.

use super::record::StepView;
use super::render::{dot, put, quote, title};

/// Length of a name in the text, in characters.
pub(crate) const NAME_CHARS: usize = 60;

impl StepView {
    /// Appends it as a numbered block, its texts as quotations.
    pub(crate) fn render(&self, out: &mut String) {
        put(out, format_args!("\n{}. {}", self.idx, title(&self.tool, NAME_CHARS)));
        if let Some(action) = self.action.get() {
            dot(out, title(action, NAME_CHARS));
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
