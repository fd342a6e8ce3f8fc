//! From the events of a hook to records: the recorder's actions, carried out.

use std::path::Path;

use memory_capture::{
    Action, Beginning, Call, CallEnd, Client, Ending, Event, EventKind, Prompt, RecordedStep,
    Recorder, SessionState,
};
use memory_core::{
    Clock, Completion, Context, EpisodeId, Error, Memory, NewEpisode, Origin, Outcome, Scope,
    Source, SystemClock, Timestamp, mask_secrets,
};

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
    client: Client,
    event: &Event,
    scope: &Scope,
) -> Result<(), Error> {
    let now = SystemClock.now();
    let name = format!("session/{}/{}", client.name(), event.session);
    let stored = memory.states(&name)?.into_iter().find(|state| *state.name == *name);
    let state = stored.and_then(|state| SessionState::decode(&state.bytes));
    let mut recorder = Recorder::new(state.unwrap_or_else(SessionState::new));
    let before = recorder.state().clone();
    let mut actions = recorder.close_idle(now);
    actions.extend(recorder.record(masked(event.clone()), now));
    let done = actions.into_iter().try_for_each(|action| carry_out(memory, client, action, scope));
    if *recorder.state() != before {
        memory.keep_state(&name, recorder.state().encode())?;
    }
    if matches!(event.kind, EventKind::SessionBegun(_)) {
        close_idle_sessions(memory, client, &name, scope, now)?;
    }
    done
}

/// Ends the episodes of other sessions in which nothing came for long: their client was killed, or
/// tells no end.
fn close_idle_sessions(
    memory: &Memory,
    client: Client,
    own: &str,
    scope: &Scope,
    now: Timestamp,
) -> Result<(), Error> {
    let states = memory.states(&format!("session/{}/", client.name()))?;
    for state in states.into_iter().filter(|state| *state.name != *own) {
        let Some(decoded) = SessionState::decode(&state.bytes) else { continue };
        let mut recorder = Recorder::new(decoded);
        let actions = recorder.close_idle(now);
        if actions.is_empty() {
            continue;
        }
        for action in actions {
            carry_out(memory, client, action, scope)?;
        }
        memory.keep_state(&state.name, recorder.state().encode())?;
    }
    Ok(())
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

fn carry_out(memory: &Memory, client: Client, action: Action, scope: &Scope) -> Result<(), Error> {
    let done = match action {
        Action::Begin(beginning) => begin(memory, client, beginning, scope),
        Action::Step(step) => log(memory, client, step),
        Action::End(ending) => end(memory, client, ending),
        _ => Ok(()),
    };
    match done {
        // Told before, by a copy of this hook or an import; or forgotten, and to stay so.
        Err(Error::Conflict { .. } | Error::Forgotten { .. }) => Ok(()),
        done => done,
    }
}

fn source(client: Client, key: &str) -> Source {
    Source { importer: client.name().into(), external_id: key.into() }
}

fn begin(
    memory: &Memory,
    client: Client,
    beginning: Beginning,
    scope: &Scope,
) -> Result<(), Error> {
    let new = NewEpisode {
        context: Context {
            agent: Some(client.name().into()),
            model: beginning.model,
            session: Some(beginning.session),
            branch: beginning.branch,
            ..Context::default()
        },
        source: Some(source(client, &beginning.key)),
        origin: Origin::User,
        started_at: Some(beginning.at),
        ..NewEpisode::new(scope.clone(), beginning.task)
    };
    memory.open_captured(new).map(drop)
}

fn stored(memory: &Memory, client: Client, key: &str) -> Result<Option<EpisodeId>, Error> {
    memory.episode_of(&source(client, key))
}

fn log(memory: &Memory, client: Client, recorded: RecordedStep) -> Result<(), Error> {
    let Some(id) = stored(memory, client, &recorded.key)? else { return Ok(()) };
    let call_id = Some(recorded.call_id.into());
    memory.log_captured(id, memory_core::NewStep { call_id, ..recorded.step })
}

fn end(memory: &Memory, client: Client, ending: Ending) -> Result<(), Error> {
    let Some(id) = stored(memory, client, &ending.key)? else { return Ok(()) };
    let outcome = ending.judgement.outcome;
    let completion = Completion {
        outcome: Some(outcome.unwrap_or(Outcome::Unjudged)),
        inferred: outcome.map(|_| ending.judgement.reason.into()),
        summary: ending.summary,
        ended_at: Some(ending.at),
        ..Completion::default()
    };
    memory.close_captured(id, completion)
}
