//! The end of a session's transcript, for what hooks do not tell.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use memory_capture::{Client, Event, Hook};
use memory_core::Timestamp;

use crate::config::Settings;

/// Bytes at the end of the transcript that are read: outputs before the call's are short of it.
const TAIL_BYTES: u64 = 256 * 1024;

/// Bytes at its end in which the prompt of a call is looked for: hooks may be installed in the
/// middle of its turn.
const PROMPT_BYTES: u64 = 1024 * 1024;

/// Times that it is looked for: the client writes it beside the call of the hook.
const TRIES: u32 = 4;

/// Time between two of them.
const PAUSE: Duration = Duration::from_millis(8);

/// Adds to the events of a hook what the client's transcript tells of them, if it is to tell.
pub(super) fn complete(hook: &mut Hook) {
    let Some(path) = hook.untold_in().map(str::to_owned) else { return };
    for n in 0..TRIES {
        if n > 0 {
            thread::sleep(PAUSE);
        }
        match tail(Path::new(&path), TAIL_BYTES) {
            Some(tail) if !hook.tell(&tail) => {}
            // Told, or a file that cannot be read, which does not change.
            _ => return,
        }
    }
}

/// Returns the prompt that a call answers, where the session's transcript has it.
pub(super) fn prompt_of(
    hook: &Hook,
    call: &Event,
    settings: &Settings,
    now: Timestamp,
) -> Option<Event> {
    let named = hook.transcript.as_deref().map(PathBuf::from);
    let path = named.or_else(|| unnamed(hook.client, &call.session, settings))?;
    hook.prompt_in(call, &tail(&path, PROMPT_BYTES)?, now)
}

/// Returns the transcript of a client that does not name it with a call.
fn unnamed(client: Client, session: &str, settings: &Settings) -> Option<PathBuf> {
    let is_name = session.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if client != Client::Copilot || !is_name {
        return None;
    }
    let environment = &settings.environment;
    let home = environment.path("COPILOT_HOME");
    let home = home.or_else(|| environment.home().map(|home| home.join(".copilot")))?;
    Some(home.join("session-state").join(session).join("events.jsonl"))
}

fn tail(path: &Path, n_bytes: u64) -> Option<Vec<u8>> {
    // A pipe would not end.
    let length = path.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(length.saturating_sub(n_bytes))).ok()?;
    let mut bytes = Vec::new();
    file.take(2 * n_bytes).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
