//! The reading side of an import: from files to batches of records.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use memory_capture::Captured;
use memory_capture::jsonl::{Entry, Reader, Rules};

use crate::cli::output::Failure;

/// Most records of one batch.
const MAX_RECORDS: usize = 200;

/// Bytes of lines with which a batch ends.
const MAX_BATCH_BYTES: usize = 2 << 20;

/// A line of a file.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    path: Arc<Path>,
    line: u64,
}

impl Origin {
    /// Returns the message that says what is wrong with the line.
    pub(super) fn message(&self, reason: &impl std::fmt::Display) -> String {
        format!("{}:{}: {reason}", self.path.display(), self.line)
    }
}

/// Message of the reading thread.
pub(super) enum Message {
    /// Records in the order of their lines.
    Batch(Vec<(Captured, Origin)>),
    /// A line that is no record, with the reason.
    Bad(String),
    /// A file that cannot be read to its end.
    Unreadable(Failure),
}

/// Returns the size of all files together; `None` when standard input is among them.
pub(super) fn total_bytes(paths: &[PathBuf]) -> Result<Option<u64>, Failure> {
    let mut total = 0;
    for path in paths {
        if is_stdin(path) {
            return Ok(None);
        }
        let metadata = std::fs::metadata(path).map_err(|error| Failure::file(path, &error))?;
        if metadata.is_dir() {
            let message = format!("{}: is a folder; name the files in it", path.display());
            return Err(Failure::Failed(message));
        }
        total += metadata.len();
    }
    Ok(Some(total))
}

/// Reads all files and sends what is in them; ends early when nobody listens any more.
pub(super) fn read(
    paths: &[PathBuf],
    rules: &Rules,
    n_read: &Arc<AtomicU64>,
    sender: &SyncSender<Message>,
) {
    for path in paths {
        match read_file(path, rules.clone(), n_read, sender) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                // When nobody listens, nobody waits for the failure either.
                drop(sender.send(Message::Unreadable(Failure::file(path, &error))));
                return;
            }
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Reads one file; `false` when nobody listens any more.
fn read_file(
    path: &Path,
    rules: Rules,
    n_read: &Arc<AtomicU64>,
    sender: &SyncSender<Message>,
) -> io::Result<bool> {
    let source: Box<dyn Read> =
        if is_stdin(path) { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let counted = Counted { source, n_read: Arc::clone(n_read) };
    let path: Arc<Path> = path.into();
    let (mut batch, mut batch_bytes) = (Vec::new(), 0);
    for entry in Reader::new(counted, rules)? {
        let Entry { line, n_bytes, record } = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // What came before the damage is worth keeping.
                drop(sender.send(Message::Batch(batch)));
                return Err(error);
            }
        };
        let origin = Origin { path: Arc::clone(&path), line };
        match record {
            Ok(captured) => {
                batch.push((captured, origin));
                batch_bytes += n_bytes;
            }
            Err(reason) => {
                if sender.send(Message::Bad(origin.message(&reason))).is_err() {
                    return Ok(false);
                }
            }
        }
        if batch.len() == MAX_RECORDS || batch_bytes >= MAX_BATCH_BYTES {
            batch_bytes = 0;
            if sender.send(Message::Batch(std::mem::take(&mut batch))).is_err() {
                return Ok(false);
            }
        }
    }
    Ok(batch.is_empty() || sender.send(Message::Batch(batch)).is_ok())
}

/// File whose bytes are counted for the progress bar.
struct Counted {
    source: Box<dyn Read>,
    n_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.source.read(buffer)?;
        self.n_read.fetch_add(n_bytes as u64, Ordering::Relaxed);
        Ok(n_bytes)
    }
}
