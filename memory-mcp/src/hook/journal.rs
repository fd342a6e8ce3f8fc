//! The log of hooks: a file of bounded size beside the store, since nobody reads their stderr.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memory_capture::Hook;
use memory_core::{Clock, SystemClock};

use crate::config::{LogLevel, Settings};

/// Size at which the file becomes the older one, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// Longest line, in bytes.
const LINE_BYTES: usize = 500;

/// The log; what cannot be written to it is lost.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    path: PathBuf,
}

impl Journal {
    /// Returns the log of a store.
    pub(crate) fn beside(store: &Path) -> Self {
        let mut name = store.file_name().unwrap_or_default().to_os_string();
        name.push(".hooks.log");
        Self { path: store.with_file_name(name) }
    }

    /// Adds a line.
    pub(crate) fn note(&self, text: &str) {
        if self.path.metadata().is_ok_and(|meta| meta.len() > MAX_BYTES) {
            // Another hook may have done so just now.
            drop(fs::rename(&self.path, self.path.with_extension("log.old")));
        }
        let Ok(mut file) = self.open() else { return };
        let now = SystemClock.now();
        let line: String = text.chars().filter(|c| !c.is_control()).take(LINE_BYTES).collect();
        // One write, so that lines of several hooks do not mix.
        drop(file.write_all(format!("{} {line}\n", now.as_millis()).as_bytes()));
    }

    /// Adds a line about an event that was answered, where details are wanted.
    pub(super) fn trace(&self, settings: &Settings, hook: &Hook, took: Duration, is_said: bool) {
        if matches!(settings.log_level, LogLevel::Debug | LogLevel::Trace) {
            let said = if is_said { ", said something" } else { "" };
            let (client, ms) = (hook.client.name(), took.as_millis());
            self.note(&format!("{client} {}: {ms} ms{said}", hook.event));
        }
    }

    #[cfg(unix)]
    fn open(&self) -> std::io::Result<File> {
        use std::os::unix::fs::OpenOptionsExt;
        OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)
    }

    #[cfg(not(unix))]
    fn open(&self) -> std::io::Result<File> {
        OpenOptions::new().create(true).append(true).open(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_stays_within_its_bound_and_its_lines() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::beside(&dir.path().join("memory.db"));
        let long = "x\n".repeat(400);
        for _ in 0..1_500 {
            journal.note(&long);
        }
        let size = |path: &Path| path.metadata().unwrap().len();
        let files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
        assert_eq!(files.len(), 2, "{files:?}");
        assert!(files.iter().all(|path| size(path) <= MAX_BYTES + 600));
        let text = fs::read_to_string(&journal.path).unwrap();
        assert!(text.lines().all(|line| line.len() > 400));
        Journal::beside(Path::new("/nonexistent/memory.db")).note("lost");
    }
}
