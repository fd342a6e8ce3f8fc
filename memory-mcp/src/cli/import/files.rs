//! The reading side: from files to batches of parsed records.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use flate2::read::MultiGzDecoder;
use memory_core::{NoteKind, Scope, Timestamp};

use crate::cli::Failure;
use crate::cli::jsonl::{Parsed, Reader};

/// Most records of one batch.
const MAX_RECORDS: usize = 200;

/// A batch ends once its lines have this many bytes.
const MAX_BATCH_BYTES: usize = 2 << 20;

/// Longest line; a longer one is refused, so that one bad file cannot take all memory.
const MAX_LINE_BYTES: usize = 64 << 20;

/// What every gzip file begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How lines become records.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) scope: Option<Scope>,
    pub(super) default_scope: Scope,
    pub(super) kind: Option<NoteKind>,
    pub(super) now: Timestamp,
}

/// A record and where it stands.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) parsed: Parsed,
    pub(super) path: Arc<Path>,
    pub(super) line: u64,
}

/// What the reading thread sends.
pub(super) enum Message {
    /// Records in the order of their lines.
    Batch(Vec<Item>),
    /// One line that is no record, and why.
    Bad(String),
    /// A file that cannot be read to its end.
    Unreadable(Failure),
}

/// Size of all files together; `None` when standard input is among them.
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
        let read = open(path, n_read).and_then(|file| read_file(path, file, rules, sender));
        match read {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                // Nobody to tell means that nobody waits for it either.
                drop(sender.send(Message::Unreadable(Failure::file(path, &error))));
                return;
            }
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens a file, unpacked if it is packed.
fn open(path: &Path, n_read: &Arc<AtomicU64>) -> io::Result<Box<dyn BufRead>> {
    let source: Box<dyn Read> =
        if is_stdin(path) { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let counted = Counted { source, n_read: Arc::clone(n_read) };
    let mut raw = BufReader::with_capacity(128 << 10, counted);
    if raw.fill_buf()?.starts_with(&GZIP_MAGIC) {
        return Ok(Box::new(BufReader::with_capacity(256 << 10, MultiGzDecoder::new(raw))));
    }
    Ok(Box::new(raw))
}

/// Reads one file; `false` when nobody listens any more.
fn read_file(
    path: &Path,
    mut file: Box<dyn BufRead>,
    rules: &Rules,
    sender: &SyncSender<Message>,
) -> io::Result<bool> {
    let name: Arc<Path> = path.into();
    let rules = rules.clone();
    let mut reader = Reader::new(rules.scope, rules.default_scope, rules.kind, rules.now);
    let (mut bytes, mut batch, mut batch_bytes) = (Vec::new(), Vec::new(), 0);
    let mut line = 0;
    loop {
        line += 1;
        let n_bytes = read_line(&mut file, &mut bytes)?;
        if n_bytes == 0 {
            break;
        }
        let read = match std::str::from_utf8(&bytes) {
            _ if n_bytes > MAX_LINE_BYTES => {
                Err(format!("{n_bytes} bytes are more than the limit of {MAX_LINE_BYTES}"))
            }
            Ok(text) if text.trim().is_empty() => continue,
            // A file that was made on Windows may begin with the mark of its encoding.
            Ok(text) => reader.read(text.trim_start_matches('\u{feff}')),
            Err(error) => Err(format!("is not UTF-8 from byte {} on", error.valid_up_to() + 1)),
        };
        match read {
            Ok(parsed) => {
                batch.push(Item { parsed, path: Arc::clone(&name), line });
                batch_bytes += n_bytes;
            }
            Err(reason) => {
                let bad = Message::Bad(complaint(path, line, &reason));
                if sender.send(bad).is_err() {
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

/// Reads one line into `bytes` and gives its length, which is 0 at the end of the file; of a line that
/// is too long only the beginning is kept.
fn read_line(file: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<usize> {
    bytes.clear();
    let limit = MAX_LINE_BYTES as u64 + 1;
    let mut n_bytes = file.by_ref().take(limit).read_until(b'\n', bytes)?;
    if n_bytes > MAX_LINE_BYTES && bytes.last() != Some(&b'\n') {
        n_bytes += file.skip_until(b'\n')?;
    }
    Ok(n_bytes)
}

/// Says where a line stands and what is wrong with it.
pub(super) fn complaint(path: &Path, line: u64, reason: &str) -> String {
    format!("{}:{line}: {reason}", path.display())
}

/// Counts what is read, for the progress bar.
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
