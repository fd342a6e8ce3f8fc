//! From the events of a hook to records: the recorder's actions, carried out.

use std::path::Path;

use memory_capture::{
    Action, Beginning, Call, CallEnd, Client, Ending, Event, EventKind, Hook, Prompt, Recorder,
    SessionState,
};
use memory_core::{
    Clock, Completion, Context, Error, Memory, NewEpisode, NewStep, Origin, Outcome, Scope, Source,
    SystemClock, Timestamp, mask_secrets,
};

use super::rollout;
use crate::config::Settings;
use crate::scope;

/// Returns the project of an event: that of its folder, unless the settings name one.
pub(super) fn scope_of(event: &Event, settings: &Settings) -> Option<Scope> {
    let own = scope::find(settings).ok()?;
    let folder = event.folder.as_deref().map(Path::new).filter(|folder| folder.is_absolute());
    Some(match (own.basis, folder) {
        // A client names the folder of its project better than a payload does, in which it may
        // be wherever a shell went.
        (scope::Basis::Named | scope::Basis::ClientFolder, _) | (_, None) => own.scope,
        (_, Some(folder)) => match scope::of_client(&settings.client_folders, &settings.git) {
            Some(named) => named.scope,
            None => scope::around(folder, &settings.git).scope,
        },
    })
}

/// Records an event: state of its session in, what it means into the store, state out.
pub(super) fn record(
    memory: &Memory,
    hook: &Hook,
    event: &Event,
    scope: &Scope,
    settings: &Settings,
) -> Result<(), Error> {
    let (client, now) = (hook.client, SystemClock.now());
    let name = format!("session/{}/{}", client.name(), event.session);
    let session = SessionRecord { memory, client, scope, name: &name };
    let stored = memory.states(&name)?.into_iter().find(|state| *state.name == *name);
    let state = stored.and_then(|state| SessionState::decode(&state.bytes));
    let mut recorder = Recorder::new(state.unwrap_or_else(SessionState::new));
    let before = recorder.state().clone();
    let mut actions = recorder.close_idle(now);
    if recorder.misses_prompt(event)
        && let Some(prompt) = rollout::prompt_of(hook, event, settings, now)
    {
        actions.extend(recorder.record(masked(prompt), now));
    }
    actions.extend(recorder.record(masked(event.clone()), now));
    let encoded = (*recorder.state() != before).then(|| recorder.state().encode());
    session.carry_out(&actions, encoded)?;
    if matches!(event.kind, EventKind::SessionBegun(_)) {
        session.close_idle_others(now)?;
    }
    Ok(())
}

/// A session of a client whose events are written down.
#[derive(Clone, Copy)]
struct SessionRecord<'a> {
    memory: &'a Memory,
    client: Client,
    scope: &'a Scope,
    /// Name of its state in the store.
    name: &'a str,
}

impl SessionRecord<'_> {
    /// Ends the episodes of other sessions in which nothing came for long: their client was killed,
    /// or tells no end.
    fn close_idle_others(self, now: Timestamp) -> Result<(), Error> {
        let states = self.memory.states(&format!("session/{}/", self.client.name()))?;
        for state in states.into_iter().filter(|state| *state.name != *self.name) {
            let Some(decoded) = SessionState::decode(&state.bytes) else { continue };
            let mut recorder = Recorder::new(decoded);
            let actions = recorder.close_idle(now);
            if actions.is_empty() {
                continue;
            }
            let other = SessionRecord { name: &state.name, ..self };
            other.carry_out(&actions, Some(recorder.state().encode()))?;
        }
        Ok(())
    }

    /// Writes what an event means together with the state of its session: a hook that is killed
    /// leaves nothing half told.
    fn carry_out(self, actions: &[Action], state: Option<Vec<u8>>) -> Result<(), Error> {
        let whole = self.write(actions, state.clone());
        let is_divisible = |error: &Error| {
            matches!(error, Error::Invalid { .. } | Error::LimitExceeded { .. }) || is_told(error)
        };
        if !whole.as_ref().is_err_and(is_divisible) {
            return whole;
        }
        // Some of it was told by a copy of this hook or an import, or is not fit to be stored.
        let mut first = Ok(());
        for action in actions {
            let one = self.write(std::slice::from_ref(action), None);
            let told = |error| if is_told(&error) { Ok(()) } else { Err(error) };
            first = first.and(one.or_else(told));
        }
        self.write(&[], state)?;
        first
    }

    /// Writes actions and the state at once.
    fn write(self, actions: &[Action], state: Option<Vec<u8>>) -> Result<(), Error> {
        let client = self.client;
        let source = |key: &str| Source { importer: client.name().into(), external_id: key.into() };
        let mut batch = self.memory.capture();
        for action in actions {
            match action.clone() {
                Action::Begin(beginning) => {
                    let source = source(&beginning.key);
                    batch.begin(episode(client, beginning, self.scope, source))?;
                }
                Action::Step(step) => {
                    let call_id = Some(step.call_id.into());
                    batch.log(&source(&step.key), NewStep { call_id, ..step.step })?;
                }
                Action::End(ending) => batch.close(&source(&ending.key), completion(ending))?,
                _ => {}
            }
        }
        if let Some(state) = state {
            batch.keep_state(self.name, state)?;
        }
        batch.apply()
    }
}

/// Masks the secrets of an event: the state of its session keeps texts until their episode ends.
fn masked(event: Event) -> Event {
    let call = |call: Call| Call { args: mask_secrets(call.args), ..call };
    let kind = match event.kind {
        EventKind::Prompt(prompt) => {
            EventKind::Prompt(Prompt { text: mask_secrets(prompt.text), ..prompt })
        }
        EventKind::CallBegun(begun) => EventKind::CallBegun(call(begun)),
        EventKind::CallEnded { call: ended, end } => EventKind::CallEnded {
            call: call(ended),
            end: CallEnd {
                result: mask_secrets(end.result),
                error: end.error.map(mask_secrets),
                ..end
            },
        },
        EventKind::TurnEnded { message, is_aborted } => {
            EventKind::TurnEnded { message: message.map(mask_secrets), is_aborted }
        }
        kind => kind,
    };
    Event { kind, ..event }
}

/// Returns whether an error says that something is stored already, or was forgotten to stay so.
const fn is_told(error: &Error) -> bool {
    matches!(error, Error::Conflict { .. } | Error::Forgotten { .. })
}

fn episode(client: Client, beginning: Beginning, scope: &Scope, source: Source) -> NewEpisode {
    NewEpisode {
        context: Context {
            agent: Some(client.name().into()),
            model: beginning.model,
            session: Some(beginning.session),
            branch: beginning.branch,
            ..Context::default()
        },
        source: Some(source),
        origin: Origin::User,
        started_at: Some(beginning.at),
        ..NewEpisode::new(scope.clone(), beginning.task)
    }
}

fn completion(ending: Ending) -> Completion {
    let outcome = ending.judgement.outcome;
    Completion {
        outcome: Some(outcome.unwrap_or(Outcome::Unjudged)),
        inferred: outcome.map(|_| ending.judgement.reason.into()),
        summary: ending.summary,
        ended_at: Some(ending.at),
        ..Completion::default()
    }
}
