//! One event of a client: what happened is recorded, and what helps is said.
//!
//! Input: the payload of a hook, as bytes. Output: the client's answer as JSON, mostly nothing.
//! Used by the command `hook`. Limits: never an exit code but 0, nothing on standard output but
//! what the client is to read, no other process, no wait beyond the time that a client gives; what
//! goes wrong is a line in a log beside the store.

mod answer;
mod journal;
mod lock;
mod moment;
mod record;
mod rollout;

use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use memory_capture::{Client, Hook, INJECTION_BEGIN, INJECTION_END, read_hook};
use memory_core::Memory;

use crate::config::Settings;
use crate::store::{self, Store, StoreError};
use answer::answer;
pub(crate) use journal::Journal;
use lock::Turn;

/// Longest time for one event: clients give three seconds at least, and one and a half at the end
/// of a session.
const TIME: Duration = Duration::from_millis(1_200);

/// Time beyond [`TIME`] in which an event is still recorded, though nothing is said any more:
/// without its prompt, all calls of a turn would be lost.
const RECORDING: Duration = Duration::from_secs(1);

/// Longest time in which the search index is brought up to date when an agent rests.
const KEEPING: Duration = Duration::from_millis(400);

/// Sizes of the store's log, in bytes, from which on it is moved into the store: a hook that opens
/// the store alone reads all of it, 4 MiB in some milliseconds.
const MAX_LOG_BYTES: u64 = 8 << 20;
const MAX_LOG_BYTES_AT_REST: u64 = 1 << 20;

/// Longest payload that is read; the rest is passed over.
const MAX_PAYLOAD_BYTES: u64 = 16 << 20;

/// Answers the event on standard input; returns when it is done or the time is over.
pub(crate) fn run(hint: Option<&str>, settings: &Settings) {
    let begin = Instant::now();
    let journal = Journal::beside(&settings.store);
    let hint = hint.and_then(Client::from_name);
    let (settings, worker_journal) = (settings.clone(), journal.clone());
    let (sender, receiver) = mpsc::sync_channel(1);
    let work = move || {
        let mut payload = Vec::new();
        let read = io::stdin().take(MAX_PAYLOAD_BYTES).read_to_end(&mut payload);
        let done = match read {
            Ok(_) => one_event(&payload, hint, &settings, &worker_journal),
            Err(error) => {
                worker_journal.note(&format!("the payload cannot be read: {error}"));
                Done::default()
            }
        };
        // A receiver that left has waited long enough.
        if sender.send(done.said).is_err() {
            return;
        }
        if let Some(store) = done.store {
            leave(store, done.rests, &worker_journal);
        }
    };
    let started = thread::Builder::new().name("hook".to_owned()).spawn(work);
    if let Err(error) = started {
        return journal.note(&format!("no thread can be started: {error}"));
    }
    match receiver.recv_timeout(TIME) {
        Ok(said) => {
            if let Some(text) = said {
                // A client that left needs no answer.
                drop(io::stdout().lock().write_all(text.as_bytes()));
            }
            // Nothing more is said: the sender is dropped when all is done.
            drop(receiver.recv_timeout(TIME.saturating_sub(begin.elapsed())));
        }
        Err(mpsc::RecvTimeoutError::Timeout) => {
            let recorded = receiver.recv_timeout(RECORDING).is_ok();
            let what = if recorded { "was recorded, and nothing was said" } else { "was given up" };
            journal.note(&format!("an event took too long: it {what}"));
        }
        // The panic's message is on the log of the process already.
        Err(mpsc::RecvTimeoutError::Disconnected) => journal.note("a bug stopped an event"),
    }
}

/// Result of an event.
#[derive(Default)]
struct Done {
    /// The client's answer.
    said: Option<String>,
    /// The store that was opened for it.
    store: Option<Store>,
    /// Whether the agent rests now.
    rests: bool,
}

/// Leaves a store when all is said: what others will need is brought up to date where there is time
/// for it, or must be.
fn leave(store: Store, rests: bool, journal: &Journal) {
    if rests && let Err(error) = store.memory.keep_index(KEEPING) {
        journal.note(&format!("the search index is not up to date: {error}"));
    }
    let log_bytes = store.log_bytes();
    if log_bytes > MAX_LOG_BYTES || (rests && log_bytes > MAX_LOG_BYTES_AT_REST) {
        // Moves the log into the store: who opens it reads all of it.
        drop(store);
    } else {
        // The end of the process closes the store; waiting for its threads would be felt.
        std::mem::forget(store);
    }
}

/// Answers one event with a store that is opened for it.
fn one_event(payload: &[u8], hint: Option<Client>, settings: &Settings, journal: &Journal) -> Done {
    let begin = Instant::now();
    let mut hook = match read_hook(payload, hint) {
        Ok(hook) => hook,
        Err(error) => {
            journal.note(&error.to_string());
            return Done::default();
        }
    };
    if hook.events.is_empty() {
        return Done::default();
    }
    rollout::complete(&mut hook);
    let rests = moment::rests(&hook, settings);
    let asked = (rests || moment::searches(&hook, settings)).then(|| store::open_to_ask(settings));
    let opened = match asked {
        Some(Ok(store)) => Ok(store),
        Some(Err(error @ StoreError::Storage { .. })) => Err(error),
        // Without a model that can be used nothing is looked up, but all is recorded.
        Some(Err(_)) | None => store::open_to_record(settings),
    };
    let (said, store) = match opened {
        Ok(store) => (event(&store.memory, &hook, settings, journal), Some(store)),
        Err(error) => {
            journal.note(&format!("the store cannot be opened: {error}"));
            (None, None)
        }
    };
    journal.trace(settings, &hook, begin.elapsed(), said.is_some());
    let said = said.and_then(|text| answer(hook.client, &hook.event, &text));
    Done { said, store, rests }
}

/// Records the events of a payload and returns what is to be said, framed as the memory's words.
pub(crate) fn event(
    memory: &Memory,
    hook: &Hook,
    settings: &Settings,
    journal: &Journal,
) -> Option<String> {
    // One at a time: a hook may be entered twice, and calls run side by side.
    let turn = Turn::take(&settings.store);
    let mut said = Vec::new();
    for event in &hook.events {
        let Some(scope) = record::scope_of(event, settings) else { continue };
        // First what is known, so that a prompt does not find the episode that it opens.
        match moment::speak(memory, hook, event, &scope, settings) {
            Ok(text) => said.extend(text),
            Err(error) => journal.note(&format!("{}: nothing can be said: {error}", hook.event)),
        }
        let recorded = if settings.hooks.capture {
            record::record(memory, hook, event, &scope, settings)
        } else {
            Ok(())
        };
        if let Err(error) = recorded {
            journal.note(&format!("{}: not recorded: {error}", hook.event));
        }
    }
    drop(turn);
    let text = said.join("\n");
    (!text.is_empty()).then(|| format!("{INJECTION_BEGIN}\n{text}\n{INJECTION_END}"))
}
