//! An injection as it is kept, with what came of it.

use std::collections::BTreeSet;

use crate::codec::{ByteReader, ByteWriter, DecodeError};
use crate::learn::CallKey;
use crate::model::{Step, Timestamp};

/// Version of the bytes.
const VERSION: u8 = 1;

/// Calls within which words are followed, or not.
const MAX_CALLS: u32 = 10;

/// Share of the words of an advised call that a call must have to be that one.
const MIN_SHARE: f64 = 0.8;

/// Moments at which the memory speaks by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// The start of a session.
    Start,
    /// A prompt of a person.
    Prompt,
    /// A call that failed.
    Failure,
    /// A call that is about to run.
    Risk,
}

impl Moment {
    /// Every moment.
    pub const ALL: [Self; 4] = [Self::Start, Self::Prompt, Self::Failure, Self::Risk];

    /// Returns its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Prompt => "prompt",
            Self::Failure => "failure",
            Self::Risk => "risk",
        }
    }
}

/// Counts of what was said at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InjectionCounts {
    /// Number of injections.
    pub n_shown: u32,
    /// Number of those after which the advised call was made, or the record named was read.
    pub n_followed: u32,
    /// Number of followed ones after which the call that had failed was ok, or the advised call
    /// was.
    pub n_helped: u32,
    /// Number of those after which ten calls came, none of them as advised.
    pub n_ignored: u32,
    /// Number of warnings whose call was made all the same, and was ok.
    pub n_wrong: u32,
}

impl InjectionCounts {
    pub(super) fn add(&mut self, kept: &Kept) {
        self.n_shown += 1;
        self.n_followed += u32::from(kept.is_followed);
        self.n_helped += u32::from(kept.has_helped);
        self.n_wrong += u32::from(kept.is_wrong);
        self.n_ignored += u32::from(!kept.is_followed && kept.n_calls >= MAX_CALLS);
    }
}

/// An injection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) moment: Moment,
    pub(super) at: Timestamp,
    /// Names of what was told.
    pub(super) keys: Vec<String>,
    /// The words.
    pub(super) text: String,
    /// The call that is advised, if one is.
    advised: Option<String>,
    /// The call that failed or that is warned of; none where a changed one is advised.
    call: CallKey,
    /// Number of calls that ended since.
    n_calls: u32,
    is_followed: bool,
    has_helped: bool,
    is_wrong: bool,
}

impl Kept {
    pub(super) const fn new(
        moment: Moment,
        at: Timestamp,
        keys: Vec<String>,
        text: String,
        advised: Option<String>,
        call: CallKey,
    ) -> Self {
        let (n_calls, is_followed, has_helped, is_wrong) = (0, false, false, false);
        Self { moment, at, keys, text, advised, call, n_calls, is_followed, has_helped, is_wrong }
    }

    /// Returns whether nothing more can come of it.
    pub(super) const fn is_closed(&self) -> bool {
        self.n_calls >= MAX_CALLS || self.has_helped
    }

    /// Returns whether it warned of a call and told this one in its place.
    pub(super) fn warned(&self, call: CallKey, instead: Option<&str>) -> bool {
        self.moment == Moment::Risk && self.call == call && self.advised.as_deref() == instead
    }

    /// Takes a call that ended after it; returns whether that says anything.
    pub(super) fn follow(&mut self, step: &Step) -> bool {
        if self.is_closed() {
            return false;
        }
        self.n_calls += 1;
        let is_same = self.call != CallKey::NONE && CallKey::of(step) == self.call;
        match self.moment {
            Moment::Start | Moment::Prompt => {
                let args = step.args.as_str();
                self.is_followed |= self.keys.iter().any(|key| names(args, key));
            }
            Moment::Failure | Moment::Risk if self.is_advised(step) => {
                self.is_followed = true;
                // The advised call may be the one that failed, changed; then this is the end.
                let is_end = self.moment == Moment::Risk || self.call == CallKey::NONE || is_same;
                self.has_helped |= step.ok && is_end;
            }
            Moment::Failure => self.has_helped |= is_same && step.ok && self.is_followed,
            Moment::Risk => self.is_wrong |= is_same && step.ok,
        }
        true
    }

    /// Returns whether a call is the one that was advised: of its words nearly all are there.
    fn is_advised(&self, step: &Step) -> bool {
        let Some(advised) = &self.advised else { return false };
        let (wanted, made) = (words(advised), words(step.args.as_str()));
        let n_made = wanted.intersection(&made).count();
        #[expect(clippy::cast_precision_loss, reason = "counts of words of one line")]
        let is_made = n_made as f64 >= MIN_SHARE * wanted.len() as f64;
        !wanted.is_empty() && is_made
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = ByteWriter::new();
        out.u8(VERSION);
        out.u8(self.moment as u8);
        out.u64(u64::from_le_bytes(self.at.as_millis().to_le_bytes()));
        out.count(self.keys.len());
        self.keys.iter().for_each(|key| out.text(key));
        out.text(&self.text);
        out.u8(u8::from(self.advised.is_some()));
        out.text(self.advised.as_deref().unwrap_or_default());
        out.varint(u64::from(self.call.0));
        out.varint(u64::from(self.n_calls));
        for flag in [self.is_followed, self.has_helped, self.is_wrong] {
            out.u8(u8::from(flag));
        }
        out.into_bytes()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = ByteReader::new(bytes);
        if from.u8()? != VERSION {
            return Err(DecodeError::Invalid { what: "version" });
        }
        let moment = Moment::ALL.get(usize::from(from.u8()?)).copied();
        let moment = moment.ok_or(DecodeError::Invalid { what: "moment" })?;
        let at = Timestamp::from_millis(i64::from_le_bytes(from.u64()?.to_le_bytes()));
        let mut keys = Vec::new();
        for _ in 0..from.count(1)? {
            keys.push(from.text()?.to_owned());
        }
        let text = from.text()?.to_owned();
        let is_advised = from.u8()? != 0;
        let advised = from.text()?.to_owned();
        let (call, n_calls) = (CallKey(from.varint_u32()?), from.varint_u32()?);
        let mut flag = || from.u8().map(|byte| byte != 0);
        let (is_followed, has_helped, is_wrong) = (flag()?, flag()?, flag()?);
        from.finish()?;
        let kept = Self::new(moment, at, keys, text, is_advised.then_some(advised), call);
        Ok(Self { n_calls, is_followed, has_helped, is_wrong, ..kept })
    }
}

/// Returns whether arguments name a record, in full or by its last digits.
fn names(args: &str, id: &str) -> bool {
    const SHORT: usize = 8;
    let tail = id.len().checked_sub(SHORT).and_then(|at| id.get(at..));
    args.contains(id) || tail.is_some_and(|tail| args.contains(tail))
}

/// Returns the words of a call; of escaped quotes and line breaks in JSON nothing is left.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.replace("\\n", " ");
    let words = words.split(|c: char| !(c.is_alphanumeric() || "._-/".contains(c)));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}
