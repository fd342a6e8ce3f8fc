//! Whatever lies at the path: the store opens, or says what is wrong and what would help.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memory_core::backend::{Durability, Op, StepRange, WriteBatch};
use memory_core::{RecordFilter, RecordId, RecordKind, Storage, StorageError};
use memory_storage_turso::{Options, TursoStorage};
use memory_testkit::sample;

fn open(path: &Path) -> Result<TursoStorage, StorageError> {
    TursoStorage::open(path, &Options::default())
}

/// A store of some episodes and notes, closed.
#[expect(clippy::unwrap_used, reason = "a store that cannot be made fails the test")]
fn stored(dir: &Path) -> PathBuf {
    let path = dir.join("store.db");
    let store = open(&path).unwrap();
    for n in 0..40 {
        let ops = vec![
            Op::InsertEpisode {
                episode: Box::new(sample::full_episode(n)),
                steps: sample::steps(6),
            },
            Op::InsertNote(Box::new(sample::full_note(n))),
        ];
        store.apply(WriteBatch { ops }, Durability::Process).unwrap();
    }
    path
}

/// Reads all there is by every method; gives the first failure.
fn read_all(store: &TursoStorage) -> Result<(), StorageError> {
    store.head()?;
    store.stats()?;
    store.changes(0, usize::MAX)?;
    for kind in [RecordKind::Episode, RecordKind::Note] {
        for listed in store.list(kind, &RecordFilter::default(), None, usize::MAX)? {
            match listed.id {
                RecordId::Episode(episode) => {
                    store.records(&[episode.into()])?;
                    store.steps(&[StepRange { episode, from: 0, limit: u32::MAX }])?;
                }
                RecordId::Note(note) => drop(store.records(&[note.into()])?),
            }
        }
    }
    Ok(())
}

#[expect(clippy::panic, reason = "another error fails the test")]
fn unavailable(refused: StorageError) -> String {
    match refused {
        StorageError::Unavailable { .. } => refused.to_string(),
        other => panic!("expected `Unavailable`, got {other:?}"),
    }
}

#[test]
fn missing_folders_are_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b c/ü/store.db");
    let store = open(&path).unwrap();
    assert_eq!(store.head().unwrap().seq, 0);
    assert!(store.path().ends_with("a/b c/ü/store.db"));
}

#[test]
fn an_empty_file_becomes_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    fs::write(&path, "").unwrap();
    assert!(open(&path).unwrap().check().unwrap().is_empty());
}

#[test]
fn a_store_keeps_its_identity_and_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path());
    let head = open(&path).unwrap().head().unwrap();
    let store = open(&path).unwrap();
    assert_eq!(store.head().unwrap(), head);
    assert_eq!((head.seq, head.format), (80, 5));
    read_all(&store).unwrap();
}

#[test]
fn a_reopened_store_that_nobody_wrote_to_can_be_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&stored(dir.path())).unwrap();
    store.flush().unwrap();
    store.apply(WriteBatch::default(), Durability::Power).unwrap();
}

#[test]
fn a_folder_is_no_store() {
    let dir = tempfile::tempdir().unwrap();
    let message = unavailable(open(dir.path()).unwrap_err());
    assert!(message.contains("folder"), "{message}");
}

#[test]
fn a_path_through_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "text").unwrap();
    let message = unavailable(open(&dir.path().join("file/store.db")).unwrap_err());
    assert!(message.contains("file"), "{message}");
}

#[test]
fn a_name_that_is_no_text_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    unavailable(open(&dir.path().join("a\0b")).unwrap_err());
}

#[cfg(unix)]
#[test]
fn a_link_and_its_target_are_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path());
    let (folder, link) = (dir.path().join("elsewhere"), dir.path().join("elsewhere/link.db"));
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let (direct, linked) = (open(&path).unwrap(), open(&link).unwrap());
    assert_eq!(linked.path(), direct.path(), "they take the same lock");
    let batch = WriteBatch::of(Op::InsertNote(Box::new(sample::note(900))));
    linked.apply(batch, Durability::Power).unwrap();
    assert_eq!(direct.head().unwrap(), linked.head().unwrap());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing lies beside the link");
}

#[cfg(unix)]
#[test]
fn a_store_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let _store = open(&dir.path().join("store.db")).unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others", entry.path().display());
    }
}

#[test]
fn a_text_file_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    for text in ["x", &"not a database\n".repeat(1_000)] {
        fs::write(&path, text).unwrap();
        let refused = open(&path).unwrap_err();
        assert!(matches!(refused, StorageError::Corrupt { .. }), "{refused:?}");
        assert!(refused.to_string().contains("notes.txt"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path());
    // SQLite keeps `user_version`, our format, in the bytes 60 to 63 of the file.
    let mut bytes = fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&7_u32.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StorageError::Format { found: 7, supported: 5 }), "{refused:?}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_truncated_store_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path());
    let whole = fs::read(&path).unwrap();
    for part in [50, 4_096, 10_000, whole.len() / 2, whole.len() - 4_096] {
        fs::write(&path, &whole[..part]).unwrap();
        let Err(refused) = open(&path) else {
            panic!("{part} of {} bytes were opened", whole.len())
        };
        assert!(matches!(refused, StorageError::Corrupt { .. }), "{part} bytes: {refused:?}");
        assert!(refused.to_string().contains("store.db"), "{refused}");
    }
}

#[test]
fn a_text_that_is_not_utf8_is_shown_as_far_as_it_can_be_and_named_by_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path());
    let store = open(&path).unwrap();
    let damaged = sample::note(500);
    store.apply(WriteBatch::of(Op::InsertNote(Box::new(damaged))), Durability::Power).unwrap();
    let mut step = sample::steps(1).remove(0);
    step.tool = "note 501".into();
    let episode = sample::full_episode(501);
    let of_step = episode.id;
    let op = Op::InsertEpisode { episode: Box::new(episode), steps: vec![step] };
    store.apply(WriteBatch::of(op), Durability::Power).unwrap();
    drop(store);

    let mut bytes = fs::read(&path).unwrap();
    for text in [&b"note 500"[..], b"note 501"] {
        let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
        bytes[at + 2] = 0xff;
    }
    fs::write(&path, &bytes).unwrap();
    let store = open(&path).unwrap();
    read_all(&store).unwrap();
    let notes = memory_testkit::read::notes(&store, &[sample::note_id(500), sample::note_id(7)]);
    let texts: Vec<&str> = notes.iter().flatten().map(|note| note.text.as_str()).collect();
    assert_eq!(texts[0], "no\u{fffd}e 500");
    assert!(!texts[1].contains('\u{fffd}'), "the others are whole");
    let findings = store.check().unwrap();
    for id in [RecordId::from(sample::note_id(500)), of_step.into()] {
        let id = id.to_string();
        assert!(findings.iter().any(|f| f.contains(&id) && f.contains("UTF-8")), "{findings:?}");
    }
    assert_eq!(findings.len(), 2, "{findings:?}");
}

#[test]
fn no_damage_of_the_file_ends_in_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path());
    let whole = fs::read(&path).unwrap();
    let mut n_noticed = 0;
    let positions: Vec<usize> = (0..whole.len()).step_by(1_733).collect();
    for &position in &positions {
        let mut bytes = whole.clone();
        let end = whole.len().min(position + 64);
        bytes[position..end].iter_mut().for_each(|byte| *byte ^= 0xa5);
        fs::write(&path, &bytes).unwrap();
        let Ok(store) = open(&path) else {
            n_noticed += 1;
            continue;
        };
        // What falls on text or free space breaks no structure, and cannot be noticed.
        let read = read_all(&store);
        let findings = store.check().unwrap();
        n_noticed += usize::from(read.is_err() || !findings.is_empty());
        let batch = WriteBatch::of(Op::InsertNote(Box::new(sample::note(900))));
        drop(store.apply(batch, Durability::Process));
    }
    assert!(n_noticed * 4 > positions.len(), "{n_noticed} of {} noticed", positions.len());
}

#[test]
fn a_store_that_is_held_by_a_hung_process_is_busy_and_then_usable_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path());
    let patience = Options { lock_wait: Duration::from_millis(50), ..Options::default() };
    let store = TursoStorage::open(&path, &patience).unwrap();
    let hung = fs::File::open(dir.path().join("store.db.lock")).unwrap();
    hung.lock().unwrap();
    let begin = Instant::now();
    let note = |n| WriteBatch::of(Op::InsertNote(Box::new(sample::note(n))));
    let refused = store.apply(note(900), Durability::Process).unwrap_err();
    assert!(matches!(refused, StorageError::Busy), "{refused:?}");
    assert!(matches!(TursoStorage::open(&path, &patience), Err(StorageError::Busy)));
    assert!(begin.elapsed() < Duration::from_secs(5), "it took {:?}", begin.elapsed());
    read_all(&store).unwrap();
    hung.unlock().unwrap();
    store.apply(note(900), Durability::Power).unwrap();
}

#[test]
fn a_full_store_refuses_what_is_too_much_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_bytes: Some(256 * 1024), ..Options::default() };
    let store = TursoStorage::open(&dir.path().join("store.db"), &options).unwrap();
    let big = |n| {
        let mut note = sample::note(n);
        note.text = sample::text("x".repeat(20_000));
        WriteBatch { ops: vec![Op::InsertNote(Box::new(note))] }
    };
    let mut n_stored = 0;
    let refused = loop {
        match store.apply(big(n_stored), Durability::Process) {
            Ok(_) => n_stored += 1,
            Err(refused) => break refused,
        }
    };
    assert!(unavailable(refused).contains("full"));
    assert!((2..14).contains(&n_stored), "{n_stored} notes of 20 kB fit into 256 KiB");
    assert_eq!(store.stats().unwrap().n_notes, n_stored);
    assert_eq!(store.head().unwrap().seq, n_stored, "nothing is half written");
    assert_eq!(store.check().unwrap(), Vec::<String>::new());

    let remove = Op::Remove(sample::note_id(0).into());
    store.apply(WriteBatch::of(remove), Durability::Process).unwrap();
    store.apply(big(n_stored), Durability::Power).unwrap();
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_store_with_two_names_is_refused_until_one_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = stored(dir.path());
    let second = dir.path().join("second.db");
    fs::hard_link(&path, &second).unwrap();
    for name in [&path, &second] {
        let message = open(name).unwrap_err().to_string();
        assert!(
            message.contains("another name") && message.contains("remove the other"),
            "{message}"
        );
    }
    fs::remove_file(&second).unwrap();
    read_all(&open(&path).unwrap()).unwrap();
}
