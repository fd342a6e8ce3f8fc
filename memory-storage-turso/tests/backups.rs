//! A backup is a whole store; restoring one replaces a store in one step or not at all.

use std::fs;
use std::path::Path;

use memory_core::backend::{Durability, Op, WriteBatch};
use memory_core::{Storage, StorageError};
use memory_storage_turso::{Options, TursoStorage, restore};
use memory_testkit::{read, sample};

#[expect(clippy::unwrap_used, reason = "a store that does not open fails the test")]
fn open(path: &Path) -> TursoStorage {
    TursoStorage::open(path, &Options::default()).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a write that is refused fails the test")]
fn add_note(store: &TursoStorage, n: u64) {
    let batch = WriteBatch::of(Op::InsertNote(Box::new(sample::full_note(n))));
    store.apply(batch, Durability::Process).unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_of_a_store_in_use_is_restored_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("backup/copy.db"));
    let store = open(&path);
    add_note(&store, 1);
    store.backup(&copy).unwrap();
    add_note(&store, 2);
    assert_eq!(names(&dir.path().join("backup")), ["copy.db"]);

    let elsewhere = dir.path().join("new/store.db");
    restore(&copy, &elsewhere, false).unwrap();
    let restored = open(&elsewhere);
    let (new, old) = (restored.head().unwrap(), store.head().unwrap());
    assert_ne!(new.store_id, old.store_id, "positions are given out twice");
    let ids = [sample::note_id(1), sample::note_id(2)];
    assert_eq!(read::notes(&restored, &ids), [Some(sample::full_note(1)), None]);
    assert_eq!(restored.check().unwrap(), Vec::<String>::new());
    add_note(&restored, 3);
}

#[test]
fn a_backup_never_replaces_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("store.db"));
    let taken = dir.path().join("taken");
    fs::write(&taken, "precious").unwrap();
    let refused = store.backup(&taken).unwrap_err().to_string();
    assert!(refused.contains("taken") && refused.contains("exists"), "{refused}");
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
}

#[test]
fn a_store_is_replaced_only_by_force() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let store = open(&path);
    add_note(&store, 1);
    store.backup(&copy).unwrap();
    add_note(&store, 2);
    drop(store);
    let refused = restore(&copy, &path, false).unwrap_err().to_string();
    assert!(refused.contains("exists"), "{refused}");
    assert_eq!(open(&path).stats().unwrap().n_notes, 2);
    restore(&copy, &path, true).unwrap();
    assert_eq!(open(&path).stats().unwrap().n_notes, 1);
}

#[test]
fn a_store_that_is_open_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let store = open(&path);
    store.backup(&copy).unwrap();
    add_note(&store, 1);
    let refused = restore(&copy, &path, true).unwrap_err().to_string();
    assert!(refused.contains("open in another window"), "{refused}");
    add_note(&store, 2);
    assert_eq!(store.stats().unwrap().n_notes, 2);
}

#[test]
fn a_damaged_or_foreign_backup_leaves_the_store_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let store = open(&path);
    for n in 0..50 {
        add_note(&store, n);
    }
    store.backup(&copy).unwrap();
    drop(store);
    let sound = fs::read(&copy).unwrap();
    let mut damaged = sound.clone();
    damaged[8_192..12_288].fill(0x55);
    let mut newer = sound.clone();
    newer[60..64].copy_from_slice(&9_u32.to_be_bytes());
    for bad in [&sound[..sound.len() / 2], &damaged, &newer, b"text", b""] {
        fs::write(&copy, bad).unwrap();
        let refused = restore(&copy, &path, true).unwrap_err();
        let expected =
            matches!(refused, StorageError::Corrupt { .. } | StorageError::Format { .. });
        assert!(expected, "{refused:?}");
        assert_eq!(open(&path).stats().unwrap().n_notes, 50);
    }
    assert!(restore(&dir.path().join("none.db"), &path, true).is_err());
    assert!(!names(dir.path()).iter().any(|name| name.contains("part")), "{:?}", names(dir.path()));
}

#[test]
fn a_damaged_store_and_its_log_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let store = open(&path);
    add_note(&store, 1);
    store.backup(&copy).unwrap();
    add_note(&store, 2);
    // What a crash leaves: a log that nobody took in.
    let log = fs::read(dir.path().join("store.db-wal")).unwrap();
    drop(store);
    fs::write(&path, "damaged ".repeat(2_000)).unwrap();
    fs::write(dir.path().join("store.db-wal"), log).unwrap();
    restore(&copy, &path, true).unwrap();
    let restored = open(&path);
    assert_eq!(restored.stats().unwrap().n_notes, 1, "the old log is not played into it");
    assert_eq!(restored.check().unwrap(), Vec::<String>::new());
}

#[test]
fn what_a_killed_backup_left_is_swept_and_a_file_of_somebody_else_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let other = dir.path().join("other.db");
    let store = open(&path);
    add_note(&store, 1);
    store.backup(&copy).unwrap();
    let left = [".other.db.memory-mcp.7.part", ".other.db.memory-mcp.7.part-journal"];
    let mine = ["other.db.part", "other.db.part-journal", ".other.db.part"];
    let made: [&dyn Fn(); 2] =
        [&|| store.backup(&other).unwrap(), &|| restore(&copy, &other, false).unwrap()];
    for make in made {
        for name in left.iter().chain(&mine) {
            fs::write(dir.path().join(name), "mine").unwrap();
        }
        make();
        for name in left {
            assert!(!dir.path().join(name).exists(), "{name}");
        }
        for name in mine {
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), "mine");
        }
        assert_eq!(open(&other).stats().unwrap().n_notes, 1);
        for suffix in ["", "-wal", "-shm"] {
            drop(fs::remove_file(dir.path().join(format!("other.db{suffix}"))));
        }
    }
}

#[cfg(unix)]
#[test]
fn backups_and_restored_stores_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let other = dir.path().join("other.db");
    let store = open(&path);
    add_note(&store, 1);
    store.backup(&copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    restore(&copy, &other, false).unwrap();
    assert_eq!(mode(&other), 0o600, "whatever the mode of the backup");
    fs::remove_file(&other).unwrap();
    store.backup(&other).unwrap();
    assert_eq!(mode(&other), 0o600);
}
