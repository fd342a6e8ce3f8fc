//! Names and quotations that advice is worded with.
//!
//! Advice is computed in numbers: of tools, and of steps of episodes. Wording it takes two steps,
//! so that no lock is held while the storage is read: it lists everything that it may name
//! ([`Mentions`]), and is rendered once the names and the quoted steps are at hand
//! ([`Vocabulary`]).

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::learn::quote::{Quotes, StepRef};
use crate::learn::table::{Learned, NameId};
use crate::learn::text::{error_line, name_in_backticks, one_line};

/// Maximum bytes of a quotation within a line.
const QUOTE_BYTES: usize = 110;

/// Tools and steps that a piece of advice may name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mentions {
    /// Tools that it names.
    pub(crate) tools: BTreeSet<NameId>,
    /// Steps that it quotes.
    pub(crate) steps: BTreeSet<StepRef>,
}

impl Mentions {
    /// Adds tools.
    pub(crate) fn tools(&mut self, tools: impl IntoIterator<Item = NameId>) {
        self.tools.extend(tools);
    }

    /// Adds steps.
    pub(crate) fn steps(&mut self, steps: impl IntoIterator<Item = StepRef>) {
        self.steps.extend(steps);
    }
}

/// Names of tools by number.
pub(crate) type ToolNames = FxHashMap<NameId, Box<str>>;

impl Learned {
    /// Returns the names of tools.
    pub(crate) fn tool_names(&self, mentions: &Mentions) -> ToolNames {
        mentions.tools.iter().map(|tool| (*tool, self.name(*tool).into())).collect()
    }
}

/// Names of tools and quotations of steps.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// Names of the tools that are mentioned.
    pub(crate) tools: ToolNames,
    /// Quotations of the steps that are mentioned.
    pub(crate) quotes: Quotes,
}

impl Vocabulary {
    /// Returns the name of a tool in backticks.
    pub(crate) fn tool(&self, tool: NameId) -> String {
        let name = self.tools.get(&tool);
        debug_assert!(name.is_some(), "tool {tool} is named but was not mentioned");
        name.map_or_else(|| format!("tool {tool}"), |name| name_in_backticks(name))
    }

    /// Returns tools in their order, without repeats in a row, shortened in the middle where they
    /// are many.
    pub(crate) fn tool_path(&self, tools: &[NameId]) -> String {
        let mut once = tools.to_vec();
        once.dedup();
        if let [a, b, .., y, z] = once.as_slice()
            && once.len() > 5
        {
            let [a, b, y, z] = [a, b, y, z].map(|tool| self.tool(*tool));
            return format!("{a} → {b} → … → {y} → {z}");
        }
        once.iter().map(|tool| self.tool(*tool)).collect::<Vec<_>>().join(" → ")
    }

    /// Returns what a step called, in one short line; `None` where it says nothing.
    pub(crate) fn call(&self, step: StepRef) -> Option<String> {
        one_line(self.quotes.call(step)?, QUOTE_BYTES)
    }

    /// Returns whether a step did more than look at something that was there.
    pub(crate) fn says_what_was_tried(&self, step: StepRef) -> bool {
        self.quotes.error(step).is_some() || !self.quotes.is_look(step)
    }

    /// Returns the error of a step in quotation marks, in one short line.
    pub(crate) fn quoted_error(&self, step: StepRef) -> String {
        self.error_within(step, QUOTE_BYTES)
    }

    /// Returns the error of a step in quotation marks, in one line of at most `limit` bytes.
    pub(crate) fn error_within(&self, step: StepRef, limit: usize) -> String {
        let error = self.quotes.error(step).and_then(|text| error_line(text, limit));
        error.map_or_else(|| "(no message)".to_owned(), |text| format!("“{text}”"))
    }
}
