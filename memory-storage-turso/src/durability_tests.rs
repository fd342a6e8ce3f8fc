//! Promises of an acknowledgement, seen from inside: flushes that are counted or fail, a lock
//! that is held so that batches pile up.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use memory_core::backend::{Durability, Op, Rejection, WriteBatch};
use memory_core::{Storage, StorageError};
use memory_testkit::{read, sample};

use crate::connection::Connection;
use crate::lock::StoreLock;
use crate::wal::FlushFailure;
use crate::{Options, TursoStorage, restore};

fn note(n: u64) -> WriteBatch {
    WriteBatch::of(Op::InsertNote(Box::new(sample::note(n))))
}

/// A store that counts its flushes.
fn counted(dir: &Path, options: &Options) -> (TursoStorage, Arc<AtomicUsize>) {
    let n_flushes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&n_flushes);
    let store = TursoStorage::open_with(&dir.join("store.db"), options, move |wal| {
        counted.fetch_add(1, Ordering::SeqCst);
        wal.flush()
    });
    (store.unwrap(), n_flushes)
}

/// Options under which nothing is flushed unless somebody waits for it.
fn never_by_itself() -> Options {
    let flush_interval = Duration::from_hours(1);
    Options { flush_interval, flush_batches: u32::MAX, ..Options::default() }
}

fn wait_until(happened: impl Fn() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it did not happen");
        thread::yield_now();
    }
}

#[test]
fn a_commit_that_must_survive_power_waits_for_a_flush_and_others_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let (store, n_flushes) = counted(dir.path(), &never_by_itself());
    store.apply(note(1), Durability::Process).unwrap();
    assert_eq!(n_flushes.load(Ordering::SeqCst), 0);
    store.apply(note(2), Durability::Power).unwrap();
    assert_eq!(n_flushes.load(Ordering::SeqCst), 1);
    store.flush().unwrap();
    assert_eq!(n_flushes.load(Ordering::SeqCst), 2);
    store.apply(note(3), Durability::Process).unwrap();
    drop(store);
    assert_eq!(n_flushes.load(Ordering::SeqCst), 3, "closing flushes what is left");
}

#[test]
fn commits_are_flushed_in_the_background_after_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { flush_interval: Duration::from_millis(5), ..never_by_itself() };
    let (store, n_flushes) = counted(dir.path(), &options);
    store.apply(note(1), Durability::Process).unwrap();
    wait_until(|| n_flushes.load(Ordering::SeqCst) == 1);
}

#[test]
fn commits_are_flushed_in_the_background_when_there_are_many() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { flush_batches: 8, ..never_by_itself() };
    let (store, n_flushes) = counted(dir.path(), &options);
    for n in 0..7 {
        store.apply(note(n), Durability::Process).unwrap();
    }
    assert_eq!(n_flushes.load(Ordering::SeqCst), 0);
    store.apply(note(7), Durability::Process).unwrap();
    wait_until(|| n_flushes.load(Ordering::SeqCst) == 1);
}

#[test]
fn after_a_failed_flush_nothing_is_written_until_the_store_is_reopened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let fails = Arc::new(AtomicBool::new(false));
    let failing = Arc::clone(&fails);
    let store = TursoStorage::open_with(&path, &never_by_itself(), move |wal| {
        if failing.load(Ordering::SeqCst) {
            Err(io::Error::other("no power").into())
        } else {
            wal.flush()
        }
    })
    .unwrap();
    store.apply(note(1), Durability::Power).unwrap();
    fails.store(true, Ordering::SeqCst);
    assert!(matches!(store.apply(note(2), Durability::Power), Err(StorageError::Poisoned { .. })));
    fails.store(false, Ordering::SeqCst);
    for durability in [Durability::Process, Durability::Power] {
        let refused = store.apply(note(3), durability).unwrap_err();
        assert!(matches!(refused, StorageError::Poisoned { .. }), "{refused:?}");
    }
    assert!(matches!(store.flush(), Err(StorageError::Poisoned { .. })));
    let told = store.stats().unwrap_err().to_string();
    assert!(told.contains("a flush to disk failed (no power); restart"), "{told}");
    assert!(read::notes(&store, &[sample::note_id(1)])[0].is_some(), "reading goes on");
    drop(store);

    let store = TursoStorage::open(&path, &Options::default()).unwrap();
    assert!(read::notes(&store, &[sample::note_id(3)])[0].is_none());
    store.apply(note(3), Durability::Power).unwrap();
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_flush_that_could_not_begin_costs_one_call_and_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let is_first = AtomicBool::new(true);
    let options = Options { flush_interval: Duration::from_millis(5), ..never_by_itself() };
    let (flushed, n_flushes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&flushed);
    let tries = Arc::clone(&n_flushes);
    let store = TursoStorage::open_with(&path, &options, move |wal| {
        tries.fetch_add(1, Ordering::SeqCst);
        if is_first.swap(false, Ordering::SeqCst) {
            return Err(FlushFailure::NotBegun(io::Error::other("too many open files")));
        }
        wal.flush()?;
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    })
    .unwrap();
    let told = store.apply(note(1), Durability::Power).unwrap_err().to_string();
    assert!(told.contains("too many open files") && told.contains("not confirmed"), "{told}");
    wait_until(|| flushed.load(Ordering::SeqCst) == 1);
    store.apply(note(2), Durability::Power).unwrap();
    store.stats().unwrap();
    drop(store);
    let store = TursoStorage::open(&path, &Options::default()).unwrap();
    for n in [1, 2] {
        assert!(read::notes(&store, &[sample::note_id(n)])[0].is_some(), "{n}");
    }
    assert!(n_flushes.load(Ordering::SeqCst) >= 3);
}

/// The commit itself was sound; the file goes away while its log is flushed.
#[cfg(unix)]
#[test]
fn a_commit_is_not_confirmed_when_the_file_is_moved_before_its_flush_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (path, away) = (dir.path().join("store.db"), dir.path().join("away.db"));
    let (from, to) = (path.clone(), away.clone());
    let moves = Arc::new(AtomicBool::new(false));
    let moving = Arc::clone(&moves);
    let store = TursoStorage::open_with(&path, &never_by_itself(), move |wal| {
        wal.flush()?;
        if moving.load(Ordering::SeqCst) {
            std::fs::rename(&from, &to)?;
        }
        Ok(())
    })
    .unwrap();
    store.apply(note(1), Durability::Power).unwrap();
    moves.store(true, Ordering::SeqCst);
    let refused = store.apply(note(2), Durability::Power).unwrap_err().to_string();
    assert!(refused.contains("the change is not confirmed"), "{refused}");
    moves.store(false, Ordering::SeqCst);
    std::fs::rename(&away, &path).unwrap();
    store.apply(note(3), Durability::Power).unwrap();
    store.flush().unwrap();
}

/// The file goes away while the writer, its checks done, waits for SQLite's own lock.
#[cfg(unix)]
#[test]
fn a_commit_is_not_confirmed_when_the_file_is_moved_before_it_ends() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.db");
        let (store, _) = counted(dir.path(), &never_by_itself());
        let mut other = Connection::open(&Arc::from(store.path()), Duration::ZERO).unwrap();
        other.script("BEGIN IMMEDIATE").unwrap();
        let lock = StoreLock::open(store.path()).unwrap();
        let refused = thread::scope(|scope| {
            let writer = scope.spawn(|| store.apply(note(1), Durability::Process));
            wait_until(|| matches!(lock.acquire(Duration::ZERO), Err(StorageError::Busy)));
            std::fs::rename(&path, dir.path().join("away.db")).unwrap();
            other.script("ROLLBACK").unwrap();
            writer.join().unwrap().unwrap_err().to_string()
        });
        // The writer took its lock, but had not looked at the names yet.
        if !refused.contains("nothing was written") {
            assert!(refused.contains("the change is not confirmed"), "{refused}");
            return;
        }
    }
    panic!("the file was never moved in time");
}

#[test]
fn batches_that_wait_are_committed_together_and_each_is_whole_or_rejected_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, n_flushes) = counted(dir.path(), &never_by_itself());
    store.apply(note(0), Durability::Power).unwrap();
    let lock = StoreLock::open(store.path()).unwrap();
    let n_started = AtomicUsize::new(0);
    let n_before = n_flushes.load(Ordering::SeqCst);

    let held = lock.acquire(Duration::from_secs(10)).unwrap();
    let answers: Vec<_> = thread::scope(|scope| {
        let (store, n_started) = (&store, &n_started);
        let writers: Vec<_> = (1..=40)
            .map(|n| {
                scope.spawn(move || {
                    n_started.fetch_add(1, Ordering::SeqCst);
                    // Every fourth batch ends with an id that is taken, after a note that is not.
                    let mut batch = note(n);
                    if n % 4 == 0 {
                        batch.ops.extend(note(0).ops);
                    }
                    (n, store.apply(batch, Durability::Power))
                })
            })
            .collect();
        wait_until(|| n_started.load(Ordering::SeqCst) == 40);
        drop(held);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });

    for (n, answer) in answers {
        let stored = read::notes(&store, &[sample::note_id(n)])[0].is_some();
        assert_eq!(stored, n % 4 != 0, "note {n}");
        match answer {
            Ok(_) => assert!(stored, "note {n} was acknowledged"),
            Err(StorageError::Rejected(Rejection::Exists { .. })) => assert!(!stored),
            Err(other) => panic!("note {n}: {other:?}"),
        }
    }
    assert_eq!(store.head().unwrap().seq, 31, "rejected batches leave no gap");
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    let n_shared = n_flushes.load(Ordering::SeqCst) - n_before;
    assert!(n_shared < 15, "{n_shared} flushes for 30 commits");
}

#[test]
fn a_long_log_is_moved_into_the_store_between_commits() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { checkpoint_bytes: 1 << 20, ..Options::default() };
    let (store, _) = counted(dir.path(), &options);
    let big = |n| {
        let mut note = sample::note(n);
        note.text = sample::text("x".repeat(50_000));
        WriteBatch::of(Op::InsertNote(Box::new(note)))
    };
    for n in 0..200 {
        store.apply(big(n), Durability::Process).unwrap();
    }
    let log = std::fs::metadata(dir.path().join("store.db-wal")).unwrap().len();
    assert!(log < 5 << 20, "the log of 10 MB of notes has {log} bytes");
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn an_idle_store_moves_its_log_and_can_be_restored_over_once_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let options = Options { checkpoint_idle: Duration::from_millis(5), ..Options::default() };
    let (store, _) = counted(dir.path(), &options);
    for n in 0..100 {
        store.apply(note(n), Durability::Process).unwrap();
    }
    wait_until(|| std::fs::metadata(&path).unwrap().len() > 20_000);
    let copy = dir.path().join("copy.db");
    store.backup(&copy).unwrap();
    drop(store);
    restore(&copy, &path, true).unwrap();
    assert_eq!(
        TursoStorage::open(&path, &Options::default()).unwrap().stats().unwrap().n_notes,
        100
    );
}

/// Another process looks: one that has the store open must not open its file beside SQLite.
#[cfg(unix)]
#[test]
fn a_short_log_is_moved_too_once_the_store_is_idle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let options = Options { checkpoint_idle: Duration::from_millis(5), ..Options::default() };
    let (store, _) = counted(dir.path(), &options);
    let mut small = sample::note(1);
    small.text = sample::text("a short and last text");
    store.apply(WriteBatch::of(Op::InsertNote(Box::new(small))), Durability::Process).unwrap();
    wait_until(|| {
        let mut grep = std::process::Command::new("grep");
        grep.args(["-q", "a short and last text"]).arg(&path).status().unwrap().success()
    });
    assert_eq!(store.stats().unwrap().n_notes, 1, "the store is still open");
}
