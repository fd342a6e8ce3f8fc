//! Recorder: from events to episodes, the same for hooks and imports.
//!
//! A state machine over the events of one session. A person's prompt opens an episode, short ones
//! go on with it; calls are its steps; the next prompt, the end of the session or a time without
//! events closes it, with an outcome from evidence. Calls of subagents belong to their parent's
//! episode. Knows no client, no clock and no store: what is to be written comes out as [`Action`]s,
//! and the state between two events is a [`SessionState`].

mod command;
mod evidence;
mod state;
mod words;

use memory_core::{NewStep, Timestamp};

use crate::event::{Call, CallEnd, CallStatus, Event, EventKind, Prompt};
use crate::hash::fnv;
use crate::noise::is_own_tool;
use command::command_line;
pub use evidence::Judgement;
use evidence::{Evidence, Observed};
pub use state::SessionState;
use state::{MAX_PENDING, MAX_PROMPTS, MAX_SEEN, MAX_TURNS, OpenEpisode, Pending};
use words::Turn;

/// Time without events after which an episode is over, in milliseconds.
pub const IDLE_MS: i64 = 6 * 60 * 60 * 1_000;

/// Longest part of a task that the state keeps, in bytes.
const MAX_TASK_BYTES: usize = 400;

/// Longest message of the agent that becomes a summary, in bytes.
const MAX_MESSAGE_BYTES: usize = 1_500;

/// Longest part of a call that stands for a prompt which was not told, in bytes.
const MAX_CALL_BYTES: usize = 160;

/// Time within which the same prompt without an id is the same one, told twice, in milliseconds.
const TWICE_MS: i64 = 3_000;

/// Something to be written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// An episode begins.
    Begin(Beginning),
    /// A call belongs to it.
    Step(RecordedStep),
    /// It ends.
    End(Ending),
}

/// Beginning of an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// Key of the episode among all of the client: its id as an imported record.
    pub key: Box<str>,
    /// Key under which a hook recorded the same episode, if that is another one.
    pub alias: Option<Box<str>>,
    /// Words of the person.
    pub task: String,
    /// Time of the prompt.
    pub at: Timestamp,
    /// The folder in which the session began.
    pub folder: Option<Box<str>>,
    /// The session.
    pub session: Box<str>,
    /// The language model, if it is told.
    pub model: Option<Box<str>>,
    /// The branch, if it is told.
    pub branch: Option<Box<str>>,
}

/// A call as a step of an episode.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedStep {
    /// Key of the episode.
    pub key: Box<str>,
    /// Id of the call, unique in the episode.
    pub call_id: Box<str>,
    /// Result of the call; of an unknown one the step says neither success nor failure.
    pub status: CallStatus,
    /// The step.
    pub step: NewStep,
}

/// End of an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Key of the episode.
    pub key: Box<str>,
    /// Time of its last event.
    pub at: Timestamp,
    /// The outcome, and why.
    pub judgement: Judgement,
    /// Last words of the agent.
    pub summary: Option<String>,
    /// The language model, which may be told after the beginning.
    pub model: Option<Box<str>>,
}

/// Turns the events of one session into what is to be written.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    state: SessionState,
}

impl Recorder {
    /// Goes on from a state.
    #[must_use]
    pub const fn new(state: SessionState) -> Self {
        Self { state }
    }

    /// Returns the state after the last event.
    #[must_use]
    pub const fn state(&self) -> &SessionState {
        &self.state
    }

    /// Takes an event; `now` is its time where it tells none.
    pub fn record(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        let at = event.at.unwrap_or(now);
        let state = &mut self.state;
        if state.session.is_empty() {
            state.session = event.session;
        }
        if state.folder.is_none() {
            state.folder = event.folder;
        }
        let is_subagent = event.agent.is_some();
        let turn = event.turn.as_deref().filter(|_| !is_subagent);
        if let (Some(turn), true) = (turn, is_prompt_or_call(&event.kind)) {
            state.enter(turn);
        }
        let mut actions = Vec::new();
        match event.kind {
            EventKind::SessionBegun(begun) if !is_subagent => {
                state.model = begun.model.or(state.model.take());
                state.branch = begun.branch.or(state.branch.take());
            }
            EventKind::SessionEnded { .. } if !is_subagent => actions.extend(self.end(None)),
            EventKind::Prompt(prompt) if !is_subagent => self.prompt(prompt, at, &mut actions),
            EventKind::CallBegun(call) => {
                self.open_for(&call, is_subagent, turn, at, &mut actions);
                self.call_begun(call, at);
            }
            EventKind::CallEnded { call, end } => {
                self.open_for(&call, is_subagent, turn, at, &mut actions);
                self.call_ended(call, end, at, &mut actions);
            }
            EventKind::TurnEnded { message, .. } if !is_subagent => {
                if let (Some(open), Some(message)) = (&mut state.open, message) {
                    open.message = Some(head(&message, MAX_MESSAGE_BYTES).into());
                }
            }
            _ => {}
        }
        if let Some(open) = &mut self.state.open {
            open.last_ms = open.last_ms.max(at.as_millis());
        }
        actions
    }

    /// Returns whether an event is a call in a turn of which nothing was told: its prompt was
    /// missed, and is to be recorded before it where it can be found.
    #[must_use]
    pub fn misses_prompt(&self, event: &Event) -> bool {
        let (EventKind::CallBegun(call) | EventKind::CallEnded { call, .. }) = &event.kind else {
            return false;
        };
        let is_untold = match &event.turn {
            Some(turn) => !self.state.knows(turn),
            None => self.state.open.is_none() && self.state.last.is_none(),
        };
        is_untold && event.agent.is_none() && !is_own_tool(&call.tool)
    }

    /// Closes the open episode if nothing came for [`IDLE_MS`].
    pub fn close_idle(&mut self, now: Timestamp) -> Vec<Action> {
        let is_idle = self.state.last_at().is_some_and(|last| now.millis_since(last) > IDLE_MS);
        if is_idle { self.end(None) } else { Vec::new() }
    }

    /// Closes the open episode: nothing more will come.
    pub fn close(&mut self) -> Vec<Action> {
        self.end(None)
    }

    fn prompt(&mut self, prompt: Prompt, at: Timestamp, actions: &mut Vec<Action>) {
        let words = fnv(&[prompt.text.as_bytes()]);
        let turn = Turn::of(&prompt.text);
        if let Some(open) = &mut self.state.open {
            if open.is_told_twice(&prompt, words, at) {
                return;
            }
            let is_idle = at.as_millis().saturating_sub(open.last_ms) > IDLE_MS;
            open.last_prompt = words;
            open.has_moved = false;
            open.evidence.hear(turn);
            match turn {
                Turn::Continue | Turn::Complaint | Turn::Undo if !is_idle => return,
                Turn::Praise => {
                    actions.extend(self.end(Some(at)));
                    return;
                }
                _ => actions.extend(self.end(None)),
            }
        } else if turn == Turn::Praise {
            return;
        }
        let key = self.key_of(&prompt, words);
        let goes_on = matches!(turn, Turn::Continue | Turn::Complaint | Turn::Undo);
        let task = match &self.state.last {
            Some((task, _)) if goes_on => format!("{task}\n\n{}", prompt.text),
            _ => prompt.text,
        };
        self.begin(key, prompt.alias, task, words, at, actions);
    }

    fn begin(
        &mut self,
        key: Box<str>,
        alias: Option<Box<str>>,
        task: String,
        words: u64,
        at: Timestamp,
        actions: &mut Vec<Action>,
    ) {
        let short: Box<str> = head(&task, MAX_TASK_BYTES).into();
        self.state.last = Some((short.clone(), key.clone()));
        self.state.open = Some(OpenEpisode::new(key.clone(), short, words, at));
        actions.push(Action::Begin(Beginning {
            key,
            alias,
            task,
            at,
            folder: self.state.folder.clone(),
            session: self.state.session.clone(),
            model: self.state.model.clone(),
            branch: self.state.branch.clone(),
        }));
    }

    /// Returns the key of the episode that a prompt opens: the client's id of the prompt, which a
    /// fork repeats, or the session and the words with the number of times that they came.
    fn key_of(&mut self, prompt: &Prompt, words: u64) -> Box<str> {
        if let Some(id) = &prompt.id {
            return id.clone();
        }
        let prompts = &mut self.state.prompts;
        if prompts.len() >= MAX_PROMPTS && !prompts.contains_key(&words) {
            prompts.pop_first();
        }
        let n = prompts.entry(words).or_default();
        *n = n.saturating_add(1);
        format!("{}/{words:016x}.{n}", self.state.session).into()
    }

    /// Opens an episode for a call that comes while none is open: the last task goes on; where none
    /// was told, the prompt was missed, and the call stands for it. The turn is the key then, as of
    /// its prompt. Calls of a subagent alone open none: they have a parent.
    fn open_for(
        &mut self,
        call: &Call,
        is_subagent: bool,
        turn: Option<&str>,
        at: Timestamp,
        actions: &mut Vec<Action>,
    ) {
        if self.state.open.is_some() || call.tool.is_empty() || is_own_tool(&call.tool) {
            return;
        }
        if let Some((task, key)) = self.state.last.clone() {
            self.begin(format!("{key}+").into(), None, task.into(), 0, at, actions);
        } else if !is_subagent {
            let session = &self.state.session;
            let key = turn.map_or_else(|| format!("{session}/untold").into(), Into::into);
            let line = command_line(&call.tool, &call.args).or_else(|| short_argument(&call.args));
            let line = line.unwrap_or_default();
            let first = format!("{} {}", call.tool, head(&line, MAX_CALL_BYTES));
            let task = format!("Request not recorded; its first call: {}", first.trim_end());
            self.begin(key, None, task, 0, at, actions);
        }
    }

    fn call_begun(&mut self, call: Call, at: Timestamp) {
        if is_own_tool(&call.tool) {
            return;
        }
        let Some(open) = &mut self.state.open else { return };
        open.has_moved = true;
        open.has_beginnings = true;
        let what = fnv(&[call.tool.as_bytes(), call.args.as_bytes()]);
        let id = match call.id {
            Some(id) if open.is_seen(&id) => return,
            Some(id) if open.pending.iter().any(|pending| pending.id == id) => return,
            Some(id) => id,
            // The same call while it is on its way: the same one, told twice.
            None if open.pending.iter().any(|pending| pending.what == what) => return,
            None => open.next_id(what),
        };
        if open.pending.len() == MAX_PENDING {
            open.pending.remove(0);
        }
        let args = head(&call.args, MAX_TASK_BYTES * 10).into();
        let at_ms = at.as_millis();
        open.pending.push(Pending { id, what, tool: call.tool, args, at_ms });
    }

    fn call_ended(&mut self, call: Call, end: CallEnd, at: Timestamp, actions: &mut Vec<Action>) {
        if is_own_tool(&call.tool) {
            return;
        }
        let Some(open) = &mut self.state.open else { return };
        open.has_moved = true;
        let what = fnv(&[call.tool.as_bytes(), call.args.as_bytes()]);
        let is_it = |pending: &Pending| match &call.id {
            Some(id) => pending.id == *id,
            None => pending.what == what,
        };
        let began = open.pending.iter().position(is_it).map(|place| open.pending.remove(place));
        let id = match (call.id, &began) {
            (Some(id), _) => id,
            (None, Some(began)) => began.id.clone(),
            // Its beginning would have been told: it is the end of a call that ended before.
            (None, None) if open.has_beginnings && open.counts.contains_key(&what) => return,
            (None, None) => open.next_id(what),
        };
        if !open.see(&id) {
            return;
        }
        let at_ms = began.as_ref().map_or(at.as_millis(), |began| began.at_ms);
        let (tool, args) = match began {
            Some(began) if call.tool.is_empty() => (began.tool, began.args.into()),
            Some(began) if call.args.is_empty() => (call.tool, began.args.into()),
            _ => (call.tool, call.args),
        };
        // The end of a call whose name is not told, and whose beginning was not seen, is nothing.
        if tool.is_empty() || is_own_tool(&tool) {
            return;
        }
        let waited = u64::try_from(at.as_millis().saturating_sub(at_ms)).ok();
        let latency_ms = end.latency_ms.or(waited.filter(|waited| *waited > 0));
        open.evidence.observe(&Observed {
            tool: &tool,
            args: &args,
            status: end.status,
            result: end.error.as_deref().unwrap_or(&end.result),
        });
        actions.push(Action::Step(RecordedStep {
            key: open.key.clone(),
            call_id: id,
            status: end.status,
            step: NewStep {
                tool: tool.into(),
                args,
                observation: end.result,
                ok: match end.status {
                    CallStatus::Ok => Some(true),
                    CallStatus::Failed => Some(false),
                    CallStatus::Unknown => None,
                },
                error: end.error,
                latency_ms,
                occurred_at: Some(Timestamp::from_millis(at_ms)),
                ..NewStep::default()
            },
        }));
    }

    /// Closes the open episode at a time, its last event if none is given; calls that never came
    /// back are steps without a result.
    fn end(&mut self, at: Option<Timestamp>) -> Vec<Action> {
        let Some(open) = self.state.open.take() else { return Vec::new() };
        let lost = open.pending.into_iter().map(|pending| {
            Action::Step(RecordedStep {
                key: open.key.clone(),
                call_id: pending.id,
                status: CallStatus::Unknown,
                step: NewStep {
                    tool: pending.tool.into(),
                    args: pending.args.into(),
                    occurred_at: Some(Timestamp::from_millis(pending.at_ms)),
                    ..NewStep::default()
                },
            })
        });
        let mut actions: Vec<Action> = lost.collect();
        actions.push(Action::End(Ending {
            key: open.key.clone(),
            at: at.unwrap_or(Timestamp::from_millis(open.last_ms)),
            judgement: open.evidence.judge(),
            summary: open.message.map(Into::into),
            model: self.state.model.clone(),
        }));
        actions
    }
}

impl OpenEpisode {
    fn new(key: Box<str>, task: Box<str>, words: u64, at: Timestamp) -> Self {
        Self {
            key,
            task,
            began_ms: at.as_millis(),
            last_ms: at.as_millis(),
            last_prompt: words,
            has_moved: false,
            pending: Vec::new(),
            seen: Vec::new(),
            counts: std::collections::BTreeMap::new(),
            has_beginnings: false,
            evidence: Evidence::default(),
            message: None,
        }
    }

    /// Returns whether a prompt is the last one once more.
    fn is_told_twice(&self, prompt: &Prompt, words: u64, at: Timestamp) -> bool {
        match &prompt.id {
            Some(id) if *id == self.key => true,
            _ => {
                let elapsed = at.as_millis().saturating_sub(self.last_ms).abs();
                words == self.last_prompt && !self.has_moved && elapsed < TWICE_MS
            }
        }
    }

    fn is_seen(&self, id: &str) -> bool {
        self.seen.contains(&fnv(&[id.as_bytes()]))
    }

    /// Notes that a call ended; `false` when it was noted before.
    fn see(&mut self, id: &str) -> bool {
        if self.is_seen(id) {
            return false;
        }
        if self.seen.len() == MAX_SEEN {
            self.seen.remove(0);
        }
        self.seen.push(fnv(&[id.as_bytes()]));
        true
    }

    /// Returns an id for a call that has none.
    fn next_id(&mut self, what: u64) -> Box<str> {
        let n = self.counts.entry(what).or_default();
        *n = n.saturating_add(1);
        format!("{what:016x}.{n}").into()
    }
}

impl SessionState {
    fn knows(&self, turn: &str) -> bool {
        self.turns.contains(&fnv(&[turn.as_bytes()]))
    }

    /// Notes a turn of which something is told.
    fn enter(&mut self, turn: &str) {
        if self.knows(turn) {
            return;
        }
        if self.turns.len() == MAX_TURNS {
            self.turns.remove(0);
        }
        self.turns.push(fnv(&[turn.as_bytes()]));
    }
}

/// Returns the first text among the arguments of a call that is short, such as the name of a file.
fn short_argument(args: &str) -> Option<String> {
    let serde_json::Value::Object(fields) = serde_json::from_str(args).ok()? else { return None };
    let texts = fields.values().filter_map(serde_json::Value::as_str);
    let is_short = |text: &&str| text.len() <= MAX_CALL_BYTES && !text.contains('\n');
    texts.map(str::trim).filter(|text| !text.is_empty()).find(is_short).map(str::to_owned)
}

const fn is_prompt_or_call(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Prompt(_) | EventKind::CallBegun(_) | EventKind::CallEnded { .. })
}

fn head(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
