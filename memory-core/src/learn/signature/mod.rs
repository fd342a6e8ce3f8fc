//! Errors that are the same but for numbers, names and places have one signature.
//!
//! A signature is worked out from the message alone: no state is kept, so the same message has the same
//! signature in every store and for ever. On the sixteen 2,000-line logs of loghub this kind of
//! coarse text groups as well as the online parser Drain (He et al., ICWS 2017) does.

mod coarse;
mod message;

use std::fmt;

use super::action::write_name;
use crate::model::Step;

/// Names a kind of error: same text and tool, same signature, for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Signature(pub(crate) u64);

/// Bits that say which tool and class of error it was; the others name the text.
const FAMILY_BITS: u32 = 16;

impl Signature {
    /// The signature of a step's error; `None` for a step that was ok.
    ///
    /// The text is the step's error, or else what the tool answered. Costs a few microseconds, for a
    /// text of any length.
    pub(crate) fn of_step(step: &Step) -> Option<Self> {
        if step.ok {
            return None;
        }
        let text = step.error.as_ref().unwrap_or(&step.observation).as_str();
        if !text.trim().is_empty() {
            return Some(Self::of_error(&step.tool, text));
        }
        // A tool that says nothing is told apart by what it was used for.
        let mut name = String::new();
        write_name(step, &mut name);
        Some(Self::of_error(&name, ""))
    }

    /// The line of a step's error that says what went wrong; `None` for a step that was ok or says nothing.
    pub(crate) fn message_of(step: &Step) -> Option<String> {
        let text = step.error.as_ref().unwrap_or(&step.observation).as_str();
        let message = message::of_text(text).text;
        (!step.ok && !message.trim().is_empty()).then(|| message.into_owned())
    }

    /// The signature of an error `text` of `tool`.
    pub(crate) fn of_error(tool: &str, text: &str) -> Self {
        let message = message::of_text(text);
        let mut family = Hash::new();
        family.take(tool.as_bytes());
        family.take(&[0]);
        family.take(message.class.as_bytes());
        let mut detail = Hash::new();
        detail.take(message.class.as_bytes());
        detail.take(&[0]);
        coarse::words(&message.text, |word| {
            detail.take(word.as_bytes());
            detail.take(b" ");
        });
        let (family, detail) = (family.finish(), detail.finish());
        Self(family << (u64::BITS - FAMILY_BITS) | detail >> FAMILY_BITS)
    }

    /// What the signatures of all errors of one tool and class share.
    pub(crate) const fn family(self) -> u64 {
        self.0 >> (u64::BITS - FAMILY_BITS)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({:016x})", self.0)
    }
}

/// The 64-bit hash FNV-1a (Fowler, Noll, Vo), with its bits mixed at the end so that any of them do.
pub(super) struct Hash(u64);

impl Hash {
    /// The hash of nothing.
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Takes in bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Takes in eight bytes at once; not the same as one by one.
    pub(super) const fn take_word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }

    /// The hash of what was taken in (last steps of `MurmurHash3`, which are a bijection).
    pub(super) const fn finish(&self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

#[cfg(test)]
mod tests;
