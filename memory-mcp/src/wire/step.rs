//! The text of a step of an episode, as a model reads it.

use memory_core::display_name;

use super::record::StepView;
use super::render::{dot, put, quote};

/// Appends steps as numbered blocks, their texts as quotations; the same step again and again is
/// one block with the number of times.
pub(crate) fn render_steps(out: &mut String, steps: &[StepView]) {
    for same in steps.chunk_by(StepView::is_same) {
        if let [first, .., last] = same {
            first.render(out, Some((last.idx, same.len())));
        } else if let Some(only) = same.first() {
            only.render(out, None);
        }
    }
}

impl StepView {
    /// Returns whether another step says the same.
    fn is_same(&self, other: &Self) -> bool {
        let texts = |step: &Self| {
            [&step.action, &step.args, &step.observation, &step.error]
                .map(|text| text.get().cloned())
        };
        (&self.tool, self.ok, texts(self)) == (&other.tool, other.ok, texts(other))
    }

    /// Appends it; `more` are the index of the last one that says the same, and their number.
    fn render(&self, out: &mut String, more: Option<(u32, usize)>) {
        let last = more.map_or_else(String::new, |(last, _)| format!("–{last}"));
        put(out, format_args!("\n{}{last}. {}", self.idx, display_name(&self.tool)));
        if let Some(action) = self.action.get() {
            dot(out, display_name(action));
        }
        dot(out, if self.ok { "ok" } else { "failed" });
        if let Some((_, n)) = more {
            dot(out, format_args!("×{n}"));
        } else if let Some(latency_ms) = self.latency_ms.get() {
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
