//! Opening a redb store: what is refused, and with which words.

use std::path::Path;
use std::time::Duration;

use memory_core::backend::{Durability, Op, WriteBatch};
use memory_core::{RecordFilter, RecordKind, Storage, StorageError};
use memory_storage_redb::{Options, RedbStorage};
use memory_testkit::sample;

fn open(path: &Path) -> Result<RedbStorage, StorageError> {
    RedbStorage::open(path, &Options { lock_wait: Duration::ZERO, ..Options::default() })
}

#[expect(clippy::unwrap_used, reason = "a write that fails fails the test")]
fn add_note(store: &RedbStorage, n: u64) {
    let op = Op::InsertNote(Box::new(sample::note(n)));
    store.apply(WriteBatch::of(op), Durability::Process).unwrap();
}

#[expect(clippy::unwrap_used, reason = "a read that fails fails the test")]
fn n_notes(store: &RedbStorage) -> usize {
    store.list(RecordKind::Note, &RecordFilter::default(), None, 100).unwrap().len()
}

#[test]
fn a_second_opener_is_told_who_has_the_store_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("memory.redb");
    let store = open(&path).unwrap();
    let message = open(&path).unwrap_err().to_string();
    let pid = format!("process {}", std::process::id());
    assert!(message.contains(&pid) && message.contains("memory.redb"), "{message}");
    assert!(message.contains("libsql"), "it says what windows can share: {message}");
    #[cfg(unix)]
    {
        let second = dir.path().join("second.redb");
        std::fs::hard_link(&path, &second).unwrap();
        let message = open(&second).unwrap_err().to_string();
        assert!(message.contains("has it open"), "the same file under another name: {message}");
    }
    add_note(&store, 1);
    drop(store);
    assert_eq!(n_notes(&open(&path).unwrap()), 1);
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(left.iter().all(|path| path.extension().is_some_and(|e| e == "redb")), "{left:?}");
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("notes.txt");
    std::fs::write(&text, "not a database, but longer than a header ".repeat(400)).unwrap();
    let before = std::fs::read(&text).unwrap();
    assert!(matches!(open(&text).unwrap_err(), StorageError::Corrupt { .. }));
    assert_eq!(std::fs::read(&text).unwrap(), before);
    assert!(matches!(open(dir.path()).unwrap_err(), StorageError::Unavailable { .. }));
    let foreign = dir.path().join("other.redb");
    let table = redb::TableDefinition::<u8, u8>::new("theirs");
    let db = redb::Database::create(&foreign).unwrap();
    let txn = db.begin_write().unwrap();
    txn.open_table(table).unwrap().insert(1, 1).unwrap();
    txn.commit().unwrap();
    drop(db);
    let message = open(&foreign).unwrap_err().to_string();
    assert!(message.contains("another program"), "{message}");
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("memory.redb");
    drop(open(&path).unwrap());
    let db = redb::Database::create(&path).unwrap();
    let txn = db.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, &[u8]>::new("meta");
    txn.open_table(meta).unwrap().insert("format", &[9_u8][..]).unwrap();
    txn.commit().unwrap();
    drop(db);
    assert!(matches!(open(&path).unwrap_err(), StorageError::Format { found: 9, supported: 1 }));
}

#[cfg(unix)]
#[test]
fn a_store_that_was_moved_or_replaced_confirms_no_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("memory.redb");
    let store = open(&path).unwrap();
    add_note(&store, 1);
    let away = dir.path().join("away.redb");
    std::fs::rename(&path, &away).unwrap();
    let op = || WriteBatch::of(Op::InsertNote(Box::new(sample::note(2))));
    let message = store.apply(op(), Durability::Process).unwrap_err().to_string();
    assert!(message.contains("writing has ended because"), "{message}");
    assert!(store.stats().is_err(), "its health says so");
    std::fs::write(&path, "another file").unwrap();
    let message = store.apply(op(), Durability::Process).unwrap_err().to_string();
    assert!(message.contains("replaced") && message.contains("restart"), "{message}");
    assert_eq!(n_notes(&store), 1, "what is open can still be read, without what was refused");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_store() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new").join("memory.redb");
    let store = open(&path).unwrap();
    for entry in std::fs::read_dir(dir.path().join("new")).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
    drop(store);
}

#[test]
fn pages_that_rot_are_found_by_check_or_refused_at_opening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("memory.redb");
    let store = open(&path).unwrap();
    (0..200).for_each(|n| add_note(&store, n));
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    let at: Vec<usize> = whole
        .windows(8)
        .enumerate()
        .filter(|(_, bytes)| *bytes == b"note 150")
        .map(|(at, _)| at)
        .collect();
    assert!(!at.is_empty(), "the text is in the file");
    let mut rotten = whole;
    for at in at {
        rotten[at] ^= 0x40;
    }
    std::fs::write(&path, rotten).unwrap();
    let Ok(store) = open(&path) else { return };
    match store.check() {
        Ok(findings) => assert!(!findings.is_empty(), "a changed text is a finding"),
        Err(error) => assert!(matches!(error, StorageError::Corrupt { .. }), "{error}"),
    }
}
