//! Files that are removed, moved, replaced or overwritten under an open store: no change is
//! confirmed that the path of the store would not give back.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use memory_core::backend::{Durability, Op, WriteBatch};
use memory_core::{Storage, StorageError};
use memory_storage_turso::{Options, TursoStorage};
use memory_testkit::{read, sample};

/// Options under which the log is moved into the database all the time, or never.
fn options(checkpoint_bytes: u64) -> Options {
    Options { checkpoint_bytes, checkpoint_idle: Duration::from_hours(1), ..Options::default() }
}

#[expect(clippy::unwrap_used, reason = "a store that does not open fails the test")]
fn open(path: &Path) -> TursoStorage {
    TursoStorage::open(path, &options(u64::MAX)).unwrap()
}

fn add(store: &TursoStorage, n: u64) -> Result<(), StorageError> {
    let batch = WriteBatch::of(Op::InsertNote(Box::new(sample::note(n))));
    store.apply(batch, Durability::Process).map(drop)
}

fn has(store: &TursoStorage, n: u64) -> bool {
    read::notes(store, &[sample::note_id(n)]).iter().any(Option::is_some)
}

/// A path that belongs to a store: its name with `suffix`.
fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[expect(clippy::unwrap_used, reason = "a file that cannot be moved fails the test")]
fn moved(store: &Path) -> PathBuf {
    let to = store.with_file_name("moved.db");
    fs::rename(store, &to).unwrap();
    to
}

/// A sound store in a file of its own, with the notes from 100 to `end`.
#[expect(clippy::unwrap_used, reason = "a store that cannot be made fails the test")]
fn other_store(store: &Path, end: u64) -> PathBuf {
    let path = store.with_file_name("other.db");
    let other = open(&path);
    for n in 100..end {
        add(&other, n).unwrap();
    }
    drop(other);
    path
}

#[expect(clippy::unwrap_used, reason = "a file that cannot be cut fails the test")]
fn cut(path: &Path, n_bytes: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(n_bytes).unwrap();
}

#[expect(clippy::unwrap_used, reason = "a file that cannot be looked at fails the test")]
fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// Change to the files of the store at a path: its name, the change, a word of the message.
type Mishap = (&'static str, fn(&Path), &'static str);

#[expect(clippy::unwrap_used, reason = "files that cannot be changed fail the test")]
const MISHAPS: &[Mishap] = &[
    ("removed", |store| fs::remove_file(store).unwrap(), "removed or moved"),
    (
        "removed with all that belongs to it",
        |store| {
            for entry in fs::read_dir(store.parent().unwrap()).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        },
        "removed or moved",
    ),
    ("moved", |store| drop(moved(store)), "removed or moved"),
    (
        "moved with its folder",
        |store| {
            let folder = store.parent().unwrap();
            fs::rename(folder, folder.with_file_name("elsewhere")).unwrap();
        },
        "removed or moved",
    ),
    (
        "replaced by another store",
        |store| fs::rename(other_store(store, 103), store).unwrap(),
        "another file",
    ),
    ("replaced by a link to itself", |store| symlink(moved(store), store).unwrap(), "another file"),
    (
        "replaced by a link to another store",
        |store| {
            let other = other_store(store, 103);
            fs::remove_file(store).unwrap();
            symlink(other, store).unwrap();
        },
        "another file",
    ),
    (
        "replaced by a folder",
        |store| {
            fs::remove_file(store).unwrap();
            fs::create_dir(store).unwrap();
        },
        "another file",
    ),
    ("without its log", |store| fs::remove_file(beside(store, "-wal")).unwrap(), "-wal"),
    (
        "with another log",
        |store| {
            fs::copy(beside(store, "-wal"), beside(store, "-new")).unwrap();
            fs::rename(beside(store, "-new"), beside(store, "-wal")).unwrap();
        },
        "-wal",
    ),
    (
        "without the index of its log",
        |store| fs::remove_file(beside(store, "-shm")).unwrap(),
        "-shm",
    ),
    (
        "overwritten by a smaller store",
        |store| {
            fs::copy(other_store(store, 103), store).unwrap();
        },
        "overwrote",
    ),
    (
        "overwritten by a larger store",
        |store| {
            fs::copy(other_store(store, 900), store).unwrap();
        },
        "overwrote",
    ),
    (
        "overwritten by its own content",
        |store| {
            let (bytes, before) = (fs::read(store).unwrap(), modified(store));
            // The clock of the file system ticks every few milliseconds.
            while modified(store) == before {
                fs::write(store, &bytes).unwrap();
            }
        },
        "overwrote",
    ),
    ("emptied", |store| cut(store, 0), "overwrote"),
    ("cut by a page", |store| cut(store, fs::metadata(store).unwrap().len() - 4_096), "overwrote"),
    ("with an emptied log", |store| cut(&beside(store, "-wal"), 0), "overwrote"),
];

/// Both handles: the second stands for another process.
#[test]
fn no_change_is_confirmed_that_would_be_lost() {
    for (what, happens, told) in MISHAPS {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder/store.db");
        let (one, two) = (open(&path), open(&path));
        add(&one, 1).unwrap();
        // A reader that is open goes on.
        assert!(has(&one, 1) && has(&two, 1));
        happens(&path);
        for store in [&one, &two] {
            for durability in [Durability::Process, Durability::Power] {
                let batch = WriteBatch::of(Op::InsertNote(Box::new(sample::note(2))));
                let refused = store.apply(batch, durability).unwrap_err();
                assert!(matches!(refused, StorageError::Unavailable { .. }), "{what}: {refused:?}");
                let message = refused.to_string();
                for part in ["store.db", told, "nothing was written", "memory-mcp"] {
                    assert!(message.contains(part), "{what}: `{part}` is not in: {message}");
                }
            }
            let probed = store.stats().unwrap_err().to_string();
            assert!(probed.contains(told), "{what}: {probed}");
            if !what.contains("cut") && !what.contains("empt") && !what.contains("overwr") {
                assert!(has(store, 1), "{what}: what is open can be read");
                assert!(!has(store, 2), "{what}");
            }
        }
    }
}

#[test]
fn a_store_that_gets_its_name_back_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let store = open(&path);
    add(&store, 1).unwrap();
    let away = moved(&path);
    add(&store, 2).unwrap_err();
    store.stats().unwrap_err();
    fs::rename(&away, &path).unwrap();
    add(&store, 3).unwrap();
    assert_eq!(store.stats().unwrap().n_notes, 2);
    drop(store);
    let store = open(&path);
    assert!(has(&store, 1) && !has(&store, 2) && has(&store, 3));
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

/// The confirmed changes lie in the log, which keeps the old name: the moved file must not need it.
#[test]
fn a_moved_file_holds_all_that_was_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let store = open(&path);
    for n in 0..50 {
        add(&store, n).unwrap();
    }
    let away = moved(&path);
    add(&store, 50).unwrap_err();
    let copy = dir.path().join("copy.db");
    fs::copy(&away, &copy).unwrap();
    let copy = open(&copy);
    assert_eq!(copy.stats().unwrap().n_notes, 50);
    assert_eq!(copy.check().unwrap(), Vec::<String>::new());
}

#[test]
fn what_takes_the_place_of_a_store_is_not_harmed_when_that_is_closed() {
    for (what, happens, _) in MISHAPS.iter().take(5) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder/store.db");
        let old = open(&path);
        for n in 0..50 {
            add(&old, n).unwrap();
        }
        happens(&path);
        // Opened while the old one is still open, before and after that noticed anything.
        let new = open(&path);
        add(&new, 200).unwrap();
        add(&old, 50).unwrap_err();
        add(&new, 201).unwrap();
        let log = beside(&path, "-wal");
        let before = fs::read(&log).unwrap();
        drop(old);
        assert_eq!(fs::read(&log).unwrap(), before, "{what}: its log is untouched");
        add(&new, 202).unwrap();
        drop(new);
        let new = open(&path);
        assert!(has(&new, 200) && has(&new, 201) && has(&new, 202), "{what}");
        assert!(!has(&new, 0), "{what}: the log of the old store was not played into it");
        assert_eq!(new.check().unwrap(), Vec::<String>::new(), "{what}");
    }
}

/// One that opens now would take another log, or another content, than those that are open.
#[test]
fn a_store_whose_files_changed_is_not_opened_beside_those_who_have_it_open() {
    for (what, happens, told) in MISHAPS.iter().skip(8) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder/store.db");
        let store = open(&path);
        add(&store, 1).unwrap();
        happens(&path);
        if what.contains("log") && what.contains("emptied") {
            continue;
        }
        let refused = TursoStorage::open(&path, &Options::default()).unwrap_err();
        let message = refused.to_string();
        if message.contains("not a store") {
            continue;
        }
        assert!(message.contains(told), "{what}: {message}");
        assert!(message.contains("end all sessions"), "{what}: {message}");
    }
}

#[test]
fn a_link_that_leads_elsewhere_now_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("store.db"), dir.path().join("link.db"));
    drop(open(&path));
    symlink(&path, &link).unwrap();
    let (direct, linked) = (open(&path), open(&link));
    add(&linked, 1).unwrap();
    fs::remove_file(&link).unwrap();
    assert!(add(&linked, 2).unwrap_err().to_string().contains("removed or moved"));
    symlink(other_store(&path, 103), &link).unwrap();
    assert!(add(&linked, 2).unwrap_err().to_string().contains("another file"));
    add(&direct, 3).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&path, &link).unwrap();
    add(&linked, 4).unwrap();
    assert_eq!(direct.stats().unwrap().n_notes, 3);
    // One that closes while its link leads elsewhere leaves the store to the others.
    fs::remove_file(&link).unwrap();
    add(&linked, 5).unwrap_err();
    drop(linked);
    add(&direct, 6).unwrap();
    assert_eq!(direct.stats().unwrap().n_notes, 4);
}

#[test]
fn lock_files_that_are_removed_are_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let (one, two) = (open(&path), open(&path));
    let hasty = Options { lock_wait: Duration::from_millis(50), ..options(u64::MAX) };
    let hasty = TursoStorage::open(&path, &hasty).unwrap();
    for (n, suffixes) in (0..).zip([&[".lock"][..], &[".use"], &[".queue"], &[".lock", ".use"]]) {
        for suffix in suffixes {
            fs::remove_file(beside(&path, suffix)).unwrap();
        }
        add(&one, 10 * n).unwrap();
        let three = open(&path);
        let count = |store: &TursoStorage, from: u64| {
            (from..from + 3).for_each(|n| add(store, n).unwrap());
        };
        thread::scope(|scope| {
            scope.spawn(|| count(&one, 10 * n + 1));
            scope.spawn(|| count(&two, 10 * n + 4));
            scope.spawn(|| count(&three, 10 * n + 7));
        });
    }
    assert_eq!(one.stats().unwrap().n_notes, 40);
    assert_eq!(two.check().unwrap(), Vec::<String>::new());
    add(&hasty, 100).unwrap();
    // They lock the files that others find by name.
    let lock = fs::File::open(beside(&path, ".lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(add(&hasty, 101), Err(StorageError::Busy)));
    lock.unlock().unwrap();
    let mark = fs::File::open(beside(&path, ".use")).unwrap();
    assert!(mark.try_lock().is_err(), "a restore sees that the store is in use");
}

/// Handles that checkpoint in turn, open and close: none takes the work of the others for damage.
#[test]
fn checkpoints_of_other_handles_are_no_mishap() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let probe = open(&path);
    let eager = || TursoStorage::open(&path, &options(1)).unwrap();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3_u64)
            .map(|writer| {
                scope.spawn(move || {
                    for n in 0..40 {
                        let store = eager();
                        add(&store, writer * 1_000 + 2 * n).unwrap();
                        add(&store, writer * 1_000 + 2 * n + 1).unwrap();
                    }
                })
            })
            .collect();
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            probe.stats().unwrap();
        }
    });
    add(&probe, 900_000).unwrap();
    assert_eq!(probe.stats().unwrap().n_notes, 241);
    assert_eq!(probe.check().unwrap(), Vec::<String>::new());
}

/// As older versions leave it, which note nothing.
#[test]
fn a_database_without_a_note_is_taken_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let store = open(&path);
    add(&store, 1).unwrap();
    fs::write(beside(&path, ".lock"), [0; 88]).unwrap();
    let (bytes, before) = (fs::read(&path).unwrap(), modified(&path));
    while modified(&path) == before {
        fs::write(&path, &bytes).unwrap();
    }
    store.stats().unwrap();
    add(&store, 2).unwrap();
    add(&store, 3).unwrap();
    drop(store);
    assert_eq!(open(&path).stats().unwrap().n_notes, 3);
}
