//! What the memory says by itself in a session of a client, and what came of it.
//!
//! Four moments: the start of a session, a prompt, a call that failed, a call that is about to
//! run. Silence is the normal case; nothing is said twice in a session. Each injection is kept as a
//! small state of the storage, in which the calls that follow are noted: so that [`Memory`] can
//! tell what its words were good for. Who calls it: hooks of clients.

mod briefing;
mod kept;
mod wording;

use super::Memory;
use crate::error::Error;
use crate::intake::NewStep;
use crate::learn::CallKey;
use crate::model::{Record, RecordId, Scope, Status, Step, Timestamp};
use crate::retrieve::{Query, Strength};
use crate::storage::{Durability, Op, WriteBatch};
use kept::Kept;
pub use kept::{InjectionCounts, Moment};
use wording::Cured;

/// Prefix of the states.
const PREFIX: &str = "injection/";

/// Name of the digest at the start.
const START_KEY: &str = "start";

/// Most bytes of a session's name in the name of a state.
const SESSION_BYTES: usize = 100;

/// Largest injection at the start or at a prompt, in tokens.
const MAX_TOKENS: usize = 200;

/// Most hits at a prompt.
const MAX_HITS: usize = 2;

/// Fewest words of a prompt that is looked up: shorter ones go on with something.
const MIN_PROMPT_WORDS: usize = 4;

/// Most injections of one session.
const MAX_INJECTIONS: usize = 24;

/// A session of a client, in the project that it works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session<'a> {
    /// The client's id of the session.
    pub id: &'a str,
    /// The project.
    pub scope: &'a Scope,
}

impl Session<'_> {
    /// Returns the prefix of the states of this session.
    fn prefix(&self) -> String {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        let id: String = self.id.chars().filter(is_plain).take(SESSION_BYTES).collect();
        format!("{PREFIX}{id}/")
    }
}

/// Something to be said.
struct Words {
    moment: Moment,
    /// Names of what is told, by which it is not told again.
    keys: Vec<String>,
    text: String,
    /// The call that is advised, if one is.
    advised: Option<String>,
    /// The call that failed or that is warned of; none where a changed one is advised.
    call: CallKey,
}

impl Memory {
    /// Returns what an agent should know at the start of a session in this project: open work,
    /// lessons, what happened last; `None` where nothing is stored or it was told already.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn brief(&self, session: Session<'_>) -> Result<Option<String>, Error> {
        let told = self.told(session)?;
        if told.iter().any(|(_, kept)| kept.moment == Moment::Start) {
            return Ok(None);
        }
        let Some((text, ids)) = self.briefing(session.scope, MAX_TOKENS)? else { return Ok(None) };
        // What is told once in a session, whatever is in it.
        let mut keys = vec![START_KEY.to_owned()];
        keys.extend(ids.into_iter().map(record_key));
        let (advised, call) = (None, CallKey::NONE);
        self.say(session, &told, Words { moment: Moment::Start, keys, text, advised, call })
    }

    /// Returns what is surely about a prompt and was not told in the session; mostly nothing.
    ///
    /// # Errors
    ///
    /// As [`Memory::recall`].
    pub fn brief_prompt(
        &self,
        session: Session<'_>,
        prompt: &str,
    ) -> Result<Option<String>, Error> {
        if prompt.split_whitespace().take(MIN_PROMPT_WORDS).count() < MIN_PROMPT_WORDS {
            return Ok(None);
        }
        let told = self.told(session)?;
        let mut query = Query::new(prompt);
        query.scope = Some(session.scope.clone());
        query.strength = Strength::Strong;
        query.limit = Some(MAX_HITS);
        query.max_tokens = Some(MAX_TOKENS);
        let mut found = self.recall(&query)?;
        // What is open is the work that the prompt goes on with, often just begun by it.
        found.hits.retain(|hit| {
            let is_open =
                matches!(&hit.record, Record::Episode(episode) if episode.status() == Status::Open);
            !is_open && !is_told(&told, &record_key(hit.record.id()))
        });
        let keys: Vec<String> = found.hits.iter().map(|hit| record_key(hit.record.id())).collect();
        let mut ids = Vec::with_capacity(found.hits.len());
        for hit in &found.hits {
            let id = hit.record.id();
            let tail = self.short_id(id.to_bytes())?;
            ids.push(tail.map_or_else(|| id.to_string(), |tail| tail.to_string()));
        }
        let Some(text) = wording::hits(&found.hits, &ids, MAX_TOKENS) else { return Ok(None) };
        let (advised, call) = (None, CallKey::NONE);
        self.say(session, &told, Words { moment: Moment::Prompt, keys, text, advised, call })
    }

    /// Returns what cured the error of a call that just failed, unless nothing did or it was told,
    /// also as what worked instead in the warning before this call.
    ///
    /// # Errors
    ///
    /// As [`Memory::cure_for`].
    pub fn brief_failure(
        &self,
        session: Session<'_>,
        failed: NewStep,
    ) -> Result<Option<String>, Error> {
        let step = self.step_of(failed.clone())?;
        let Some(known) = self.cure_for(session.scope, failed)? else { return Ok(None) };
        let Some(Cured { text, advised, is_change }) = wording::cure(&known) else {
            return Ok(None);
        };
        let told = self.told(session)?;
        let keys = vec![format!("cure/{}/{}", known.tool, advised.as_deref().unwrap_or(&text))];
        let call = step.as_ref().map_or(CallKey::NONE, CallKey::of);
        if advised.is_some() && told.iter().any(|(_, kept)| kept.warned(call, advised.as_deref())) {
            return Ok(None);
        }
        // Once it is changed, it is no call of the same key.
        let call = if is_change { CallKey::NONE } else { call };
        self.say(session, &told, Words { moment: Moment::Failure, keys, text, advised, call })
    }

    /// Returns the warning before a call that failed most of the times here, unless it was told.
    ///
    /// # Errors
    ///
    /// As [`Memory::warning_for`].
    pub fn brief_call(&self, session: Session<'_>, call: NewStep) -> Result<Option<String>, Error> {
        let step = self.step_of(call.clone())?;
        let Some(warning) = self.warning_for(session.scope, call)? else { return Ok(None) };
        let told = self.told(session)?;
        let text = wording::warning(&warning);
        let advised = warning.instead;
        let call = step.as_ref().map_or(CallKey::NONE, CallKey::of);
        let keys = vec![format!("risk/{}", call.0)];
        self.say(session, &told, Words { moment: Moment::Risk, keys, text, advised, call })
    }

    /// Notes a call that ended in what was said before it: followed, of help, or not.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a call without a tool, [`Error::Storage`].
    pub fn follow_injections(&self, session: Session<'_>, ended: NewStep) -> Result<(), Error> {
        let told = self.told(session)?;
        if told.iter().all(|(_, kept)| kept.is_closed()) {
            return Ok(());
        }
        let Some(step) = self.step_of(ended)? else { return Ok(()) };
        let mut batch = WriteBatch::default();
        for (name, mut kept) in told {
            if kept.follow(&step) {
                batch.ops.push(state(name, &kept));
            }
        }
        self.keep(batch)
    }

    /// Counts what was said by moment, and what came of it, over all sessions.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn injections(&self) -> Result<Vec<(Moment, InjectionCounts)>, Error> {
        let mut counts: Vec<(Moment, InjectionCounts)> =
            Moment::ALL.iter().map(|moment| (*moment, InjectionCounts::default())).collect();
        for (_, kept) in self.kept(PREFIX)? {
            for (_, counts) in counts.iter_mut().filter(|(moment, _)| *moment == kept.moment) {
                counts.add(&kept);
            }
        }
        Ok(counts)
    }

    /// Returns a call as it would be stored.
    fn step_of(&self, call: NewStep) -> Result<Option<Step>, Error> {
        Ok(self.intake().steps(vec![call])?.pop())
    }

    fn told(&self, session: Session<'_>) -> Result<Vec<(Box<str>, Kept)>, Error> {
        self.kept(&session.prefix())
    }

    fn kept(&self, prefix: &str) -> Result<Vec<(Box<str>, Kept)>, Error> {
        let states = self.storage.states(prefix).map_err(Error::storage("read injections"))?;
        // What a newer version keeps is passed over.
        let kept = states.into_iter().filter_map(|state| {
            let kept = Kept::decode(&state.bytes).ok()?;
            Some((state.name, kept))
        });
        Ok(kept.collect())
    }

    /// Keeps what is about to be said, and returns it; nothing that was told, and no more than a
    /// session bears.
    fn say(
        &self,
        session: Session<'_>,
        told: &[(Box<str>, Kept)],
        words: Words,
    ) -> Result<Option<String>, Error> {
        let is_known = words.keys.iter().all(|key| is_told(told, key));
        if is_known || told.len() >= MAX_INJECTIONS {
            return Ok(None);
        }
        let Words { moment, keys, text, advised, call } = words;
        let at = self.clock.now();
        let kept = Kept::new(moment, at, keys, text, advised, call);
        let name = format!("{}{:04}", session.prefix(), told.len());
        self.keep(WriteBatch::of(state(name.into(), &kept)))?;
        Ok(Some(kept.text))
    }

    fn keep(&self, batch: WriteBatch) -> Result<(), Error> {
        if batch.ops.is_empty() {
            return Ok(());
        }
        let kept = self.storage.apply(batch, Durability::Process);
        kept.map(drop).map_err(Error::storage("keep an injection"))
    }
}

fn state(name: Box<str>, kept: &Kept) -> Op {
    let at: Timestamp = kept.at;
    Op::KeepState { name, bytes: kept.encode().into(), at }
}

fn record_key(id: RecordId) -> String {
    id.to_string()
}

fn is_told(told: &[(Box<str>, Kept)], key: &str) -> bool {
    told.iter().any(|(_, kept)| kept.keys.iter().any(|known| known == key))
}

#[cfg(test)]
mod tests;
