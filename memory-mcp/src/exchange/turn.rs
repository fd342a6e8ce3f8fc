//! Turns of processes at one store: one exchanges at a time.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for another process.
const WAIT: Duration = Duration::from_secs(30);

/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// The turn of this process, until it is dropped.
pub(super) struct Turn(#[expect(dead_code, reason = "held for the lock on it")] File);

impl Turn {
    /// Takes the turn, unless another process has it.
    pub(super) fn take(store: &Path) -> Option<Self> {
        let mut name = store.file_name().unwrap_or_default().to_os_string();
        name.push(".sync.lock");
        let path = store.with_file_name(name);
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).ok()?;
        file.try_lock().ok()?;
        Some(Self(file))
    }

    /// Waits for the turn.
    pub(super) fn wait(store: &Path) -> Option<Self> {
        let begin = Instant::now();
        loop {
            let turn = Self::take(store);
            if turn.is_some() || begin.elapsed() > WAIT {
                return turn;
            }
            thread::sleep(PAUSE);
        }
    }
}
