//! Turns of hooks at one store: two events of one session at once would not see each other's state.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for another hook; then both go on, and at worst say the same twice.
const WAIT: Duration = Duration::from_millis(200);

/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(2);

/// The turn of this process, until it is dropped.
pub(super) struct Turn(#[expect(dead_code, reason = "held for the lock on it")] Option<File>);

impl Turn {
    /// Waits for the turn, a short time.
    pub(super) fn take(store: &Path) -> Self {
        let mut name = store.file_name().unwrap_or_default().to_os_string();
        name.push(".hooks.lock");
        let path = store.with_file_name(name);
        let options = OpenOptions::new().create(true).write(true).truncate(false).open(path);
        let Ok(file) = options else { return Self(None) };
        let begin = Instant::now();
        while file.try_lock().is_err() {
            if begin.elapsed() > WAIT {
                return Self(None);
            }
            thread::sleep(PAUSE);
        }
        Self(Some(file))
    }
}
