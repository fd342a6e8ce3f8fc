//! Error signatures: errors that differ only in numbers, names and places share one, unless a
//! number or a name is the point: ports, codes, modules.
//!
//! A signature is computed from the message alone, without state: the same message has the same
//! signature in every store and version. On the sixteen 2,000-line logs of loghub this kind of
//! coarse text groups as well as the online parser Drain (He et al., ICWS 2017).

mod coarse;
mod message;
mod salient;
mod sketch;

use std::fmt;

pub(crate) use sketch::{Likeness, Sketch};

use super::action::step_name;
use crate::learn::hash::StableHash;
use crate::model::Step;

/// Stable 64-bit name of a kind of error: the same text of the same tool always has the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Signature(pub(crate) u64);

/// Returns the line or field of an error's text that says what went wrong.
pub(crate) fn error_message(text: &str) -> String {
    message::of_text(text).text.into_owned()
}

/// Returns the salient words of an error: ports, codes, names of what is missing.
pub(crate) fn salient_words(error: &str) -> Vec<String> {
    let mut all = Vec::new();
    salient::words(&message::of_text(error).text, |word| all.push(word.to_owned()));
    all
}

/// Number of highest bits that name the tool and the class of the error; the others name the text.
const FAMILY_BITS: u32 = 16;

impl Signature {
    /// Returns the signature of a step's error; `None` for a step that was ok.
    ///
    /// The text is the step's error, or else its observation. Costs a few microseconds, and for a
    /// text of many lines time linear in it.
    pub(crate) fn of_step(step: &Step) -> Option<Self> {
        if step.ok {
            return None;
        }
        let text = step.error.as_ref().unwrap_or(&step.observation).as_str();
        if !text.trim().is_empty() {
            return Some(Self::of_error(&step.tool, text));
        }
        // Only the action distinguishes errors without a text.
        Some(Self::of_error(&step_name(step), ""))
    }

    /// Returns the line of a step's error that says what went wrong; `None` for a step that was ok
    /// or has no text.
    pub(crate) fn message_of(step: &Step) -> Option<String> {
        let text = step.error.as_ref().unwrap_or(&step.observation).as_str();
        let message = message::of_text(text).text;
        (!step.ok && !message.trim().is_empty()).then(|| message.into_owned())
    }

    /// Returns the signature of an error `text` of `tool`.
    pub(crate) fn of_error(tool: &str, text: &str) -> Self {
        Self::of_parts(tool, text, true)
    }

    /// Returns the signature of the coarse form alone, as log messages are grouped by.
    #[cfg(feature = "bench")]
    pub(crate) fn of_coarse(tool: &str, text: &str) -> Self {
        Self::of_parts(tool, text, false)
    }

    fn of_parts(tool: &str, text: &str, with_salient: bool) -> Self {
        let message = message::of_text(text);
        let mut family = StableHash::new();
        family.update(tool.as_bytes());
        family.update(&[0]);
        family.update(message.class.as_bytes());
        let mut detail = StableHash::new();
        detail.update(message.class.as_bytes());
        detail.update(&[0]);
        coarse::words(&message.text, with_salient, |word| {
            detail.update(word.as_bytes());
            detail.update(b" ");
        });
        if with_salient {
            salient::words(&message.text, |word| {
                detail.update(&[0]);
                detail.update(word.as_bytes());
            });
        }
        let (family, detail) = (family.finish(), detail.finish());
        Self(family << (u64::BITS - FAMILY_BITS) | detail >> FAMILY_BITS)
    }

    /// Returns the part that the signatures of all errors of one tool and class share.
    pub(crate) const fn family(self) -> u64 {
        self.0 >> (u64::BITS - FAMILY_BITS)
    }

    /// Returns the part that errors of the same text share, whichever tool they are of.
    pub(crate) const fn detail(self) -> u64 {
        self.0 & (u64::MAX >> FAMILY_BITS)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({:016x})", self.0)
    }
}

#[cfg(test)]
mod tests;
