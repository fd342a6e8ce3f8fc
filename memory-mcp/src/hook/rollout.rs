//! The end of a session's transcript, for what a hook does not tell.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::Duration;

use memory_capture::Hook;

/// Bytes at the end of the transcript that are read: outputs before the call's are short of it.
const TAIL_BYTES: u64 = 256 * 1024;

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
        match tail(Path::new(&path)) {
            Some(tail) if !hook.tell(&tail) => {}
            // Told, or a file that cannot be read, which does not change.
            _ => return,
        }
    }
}

fn tail(path: &Path) -> Option<Vec<u8>> {
    // A pipe would not end.
    let length = path.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(2 * TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
