//! Note of what the files of a store are, which the processes that share the store leave one
//! another.
//!
//! The note lies in the lock file, whose content nothing else uses. It is written under the lock:
//! when a store is opened by its first user, and after each checkpoint, the only time at which the
//! database file changes. A process that finds another database than the one noted knows that a
//! program that is none of ours wrote to it, or that another file took its place. Without a note,
//! or on systems that are not Unix, nothing can be said and the files are taken as they are.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use memory_core::StorageError;

use crate::error::from_io;

/// Device and inode of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FileId {
    /// The device that holds the file.
    pub(crate) device: u64,
    /// The number of the file on that device.
    pub(crate) inode: u64,
}

impl FileId {
    /// Returns the identity of the file with this metadata; all files are alike elsewhere than on
    /// Unix.
    pub(crate) fn of(found: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Self { device: found.dev(), inode: found.ino() }
        }
        #[cfg(not(unix))]
        {
            let _ = found;
            Self::default()
        }
    }

    /// Returns the identity of what lies at `path`, without following a link; `None` when it
    /// cannot be inspected.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().as_ref().map(Self::of)
    }
}

/// Length and modification time of the database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Length in bytes.
    pub(crate) n_bytes: u64,
    /// Nanoseconds of the last write since 1970; 0 elsewhere than on Unix.
    pub(crate) modified_ns: i64,
}

impl Stamp {
    /// Returns the state of the file with this metadata.
    pub(crate) fn of(found: &Metadata) -> Self {
        #[cfg(unix)]
        let modified_ns = {
            use std::os::unix::fs::MetadataExt;
            found.mtime().wrapping_mul(1_000_000_000).wrapping_add(found.mtime_nsec())
        };
        #[cfg(not(unix))]
        let modified_ns = 0;
        Self { n_bytes: found.len(), modified_ns }
    }
}

/// The files of a store at the time when its database was written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// The database.
    pub(crate) database: FileId,
    /// The log.
    pub(crate) log: FileId,
    /// The index of the log.
    pub(crate) log_index: FileId,
    /// State of the database; `None` while it is being written, and when its writer died then.
    pub(crate) stamp: Option<Stamp>,
}

/// Number of words of an encoded note: the lock file, three files, the stamp, a checksum.
const N_WORDS: usize = 11;

/// Reads the note in the lock file at `lock_path`.
///
/// `None` when there is none, when it was half written, or when the lock file is a copy: whoever
/// copied it copied the store too.
pub(crate) fn load(lock_path: &Path) -> Option<Fingerprint> {
    let mut file = File::open(lock_path).ok()?;
    let own = FileId::of(&file.metadata().ok()?);
    let mut bytes = [0; 8 * N_WORDS];
    io::Read::read_exact(&mut file, &mut bytes).ok()?;
    decode(&bytes, own)
}

/// Writes the note into the lock file. The lock must be held.
///
/// # Errors
///
/// [`StorageError::Unavailable`] when the lock file cannot be written. An old note would make the
/// other processes take the next checkpoint for damage, so a note without a stamp comes before.
pub(crate) fn note(lock_path: &Path, fingerprint: &Fingerprint) -> Result<(), StorageError> {
    let error = |error| from_io(lock_path, &error);
    let own = FileId::of(&fs::symlink_metadata(lock_path).map_err(error)?);
    write(lock_path, &encode(own, fingerprint)).map_err(error)
}

#[cfg(unix)]
fn write(lock_path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(lock_path)?;
    std::os::unix::fs::FileExt::write_all_at(&file, bytes, 0)
}

/// Locks of other systems forbid others to write to the file.
#[cfg(not(unix))]
fn write(_: &Path, _: &[u8]) -> io::Result<()> {
    Ok(())
}

fn encode(own: FileId, fingerprint: &Fingerprint) -> [u8; 8 * N_WORDS] {
    let Fingerprint { database, log, log_index, stamp } = fingerprint;
    // No database is empty, so that no bytes are no stamp.
    let Stamp { n_bytes, modified_ns } = stamp.unwrap_or(Stamp { n_bytes: 0, modified_ns: 0 });
    let files = [own, *database, *log, *log_index].map(|file| [file.device, file.inode]);
    let stamp = [n_bytes, modified_ns.cast_unsigned()];
    let content = files.as_flattened().iter().chain(&stamp).copied();
    let mut bytes = [0; 8 * N_WORDS];
    let words = content.clone().chain([checksum(content)]);
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    bytes
}

fn decode(bytes: &[u8; 8 * N_WORDS], own: FileId) -> Option<Fingerprint> {
    let mut words = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
    let content = words.clone().take(N_WORDS - 1);
    let mut file = || Some(FileId { device: words.next()?, inode: words.next()? });
    let [noted_own, database, log, log_index] = [file()?, file()?, file()?, file()?];
    let (n_bytes, modified_ns) = (words.next()?, words.next()?.cast_signed());
    if words.next()? != checksum(content) || noted_own != own {
        return None;
    }
    let stamp = (n_bytes > 0).then_some(Stamp { n_bytes, modified_ns });
    Some(Fingerprint { database, log, log_index, stamp })
}

/// Checksum of words (FNV-1a, a word at a time); never 0, so that zeros are no note.
fn checksum(words: impl Iterator<Item = u64>) -> u64 {
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    words.fold(0xcbf2_9ce4_8422_2325, mix).max(1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sample() -> Fingerprint {
        let file = |inode| FileId { device: 7, inode };
        let stamp = Stamp { n_bytes: 8_192, modified_ns: 1_700_000_000_123_456_789 };
        Fingerprint { database: file(1), log: file(2), log_index: file(3), stamp: Some(stamp) }
    }

    #[test]
    fn a_note_is_read_back_with_and_without_a_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("store.db.lock");
        assert_eq!(load(&lock), None, "no file");
        fs::write(&lock, "").unwrap();
        assert_eq!(load(&lock), None, "a file of an older version");
        for stamp in [sample().stamp, None] {
            let written = Fingerprint { stamp, ..sample() };
            note(&lock, &written).unwrap();
            assert_eq!(load(&lock), Some(written));
        }
    }

    #[test]
    fn a_note_that_is_torn_or_copied_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, copy) = (dir.path().join("store.db.lock"), dir.path().join("copy.db.lock"));
        fs::write(&lock, "").unwrap();
        note(&lock, &sample()).unwrap();
        let whole = fs::read(&lock).unwrap();
        fs::write(&copy, &whole).unwrap();
        assert_eq!(load(&copy), None, "it names another lock file");
        for position in 0..whole.len() {
            let mut torn = whole.clone();
            torn[position] ^= 0x10;
            fs::write(&lock, &torn).unwrap();
            assert_eq!(load(&lock), None, "byte {position}");
        }
        fs::write(&lock, &whole[..40]).unwrap();
        assert_eq!(load(&lock), None, "cut off");
    }
}
