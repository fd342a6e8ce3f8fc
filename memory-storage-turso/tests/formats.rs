//! Stores of older formats, frozen as files, are brought to the newest one with all that they hold.
//!
//! `fixtures/v1.db` to `v4.db` hold records of `memory_testkit::sample` and were written
//! by the last versions of these formats. Whoever changes a sample that is compared here writes
//! its old looks down here instead.

use std::fs;
use std::path::{Path, PathBuf};

use memory_core::backend::{Durability, Found, Op, Placed, StepRange, StoredVector, WriteBatch};
use memory_core::{
    ChangeOp, Episode, EpisodeId, Feedback, IdTail, Note, Origin, Record, RecordFilter, RecordId,
    RecordKind, Source, Step, Storage, StorageError,
};
use memory_storage_turso::{Options, TursoStorage, restore};
use memory_testkit::{read, sample};

const STORE_ID: [u8; 16] =
    [207, 120, 242, 98, 142, 242, 72, 8, 231, 121, 101, 81, 68, 105, 245, 174];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The sample as it was in format 3; it came from elsewhere.
fn episode_of_format_3(n: u64) -> Episode {
    Episode { origin: Origin::Imported, ..sample::full_episode(n) }
}

/// The sample as it was in format 3; it came from elsewhere.
fn note_of_format_3(n: u64) -> Note {
    Note { origin: Origin::Imported, ..sample::full_note(n) }
}

/// The sample as it was before format 3.
fn old_episode(n: u64) -> Episode {
    let mut old = Episode {
        relations: vec![],
        shown: vec![],
        feedback: Feedback::default(),
        digest: None,
        ..episode_of_format_3(n)
    };
    if let Some(closing) = &mut old.closing {
        closing.surprise = None;
        closing.followed = vec![];
    }
    old
}

/// The sample as it was before format 3.
fn old_note(n: u64) -> Note {
    let feedback = Feedback::default();
    Note { n_merged: 0, merged_at: None, feedback, ..note_of_format_3(n) }
}

fn open(path: &Path) -> Result<TursoStorage, StorageError> {
    TursoStorage::open(path, &Options::default())
}

/// A copy of the fixture in a folder of its own.
#[expect(clippy::unwrap_used, reason = "a fixture that cannot be copied fails the test")]
fn copy(name: &str, dir: &Path) -> PathBuf {
    let path = dir.join("store.db");
    fs::copy(fixture(name), &path).unwrap();
    path
}

fn numbered(steps: Vec<Step>) -> Vec<Step> {
    (0..).zip(steps).map(|(idx, step)| Step { idx, ..step }).collect()
}

/// The samples as they were before format 4.
fn full_steps(n: u64) -> Vec<Step> {
    (0..n).map(|n| Step { call_id: None, ..sample::full_step(n) }).collect()
}

/// Compares all that the store gives back with what was written into the fixture.
#[expect(clippy::unwrap_used, reason = "a store that cannot be read fails the test")]
fn assert_whole(store: &TursoStorage) {
    let (first, second): (EpisodeId, EpisodeId) = (sample::episode_id(1), sample::episode_id(2));
    let episodes = read::episodes(store, &[first, second, sample::episode_id(3)]);
    let expected = [
        Some(Episode { n_steps: 9, ..old_episode(1) }),
        Some(Episode { n_steps: 5, ..sample::episode(2) }),
        None,
    ];
    assert_eq!(episodes, expected);
    let whole = |episode| StepRange { episode, from: 0, limit: u32::MAX };
    let expected = [numbered(full_steps(9)), numbered([full_steps(2), sample::steps(3)].concat())];
    assert_eq!(store.steps(&[whole(first), whole(second)]).unwrap(), expected);
    let notes = read::notes(store, &[1, 2, 3, 4].map(sample::note_id));
    let expected = [
        Some(Note { episode: Some(first), ..old_note(1) }),
        Some(Note { superseded_by: Some(sample::note_id(3)), ..sample::note(2) }),
        Some(Note { supersedes: Some(sample::note_id(2)), ..sample::note(3) }),
        None,
    ];
    assert_eq!(notes, expected);
    let changes = store.changes(0, usize::MAX).unwrap();
    let changes: Vec<_> = changes.iter().map(|change| (change.id, change.op)).collect();
    let put = |id: RecordId| (id, ChangeOp::Put);
    let expected = [
        put(first.into()),
        put(second.into()),
        put(sample::note_id(1).into()),
        put(sample::note_id(2).into()),
        put(sample::note_id(3).into()),
        (sample::episode_id(3).into(), ChangeOp::Remove),
        (sample::note_id(4).into(), ChangeOp::Remove),
    ];
    assert_eq!(changes, expected);
    let sources: [Source; 2] = [sample::source("note-1"), sample::source("note-9")];
    let found = store.find(RecordKind::Note, &sources).unwrap();
    assert_eq!(found, [Found::Stored(sample::note_id(1).into()), Found::Unknown]);
    let tagged = RecordFilter { tag: Some("flaky".into()), ..RecordFilter::default() };
    let listed = store.list(RecordKind::Episode, &tagged, None, 10).unwrap();
    assert_eq!(listed.iter().map(|entry| entry.id).collect::<Vec<_>>(), [RecordId::from(first)]);
    let head = store.head().unwrap();
    assert_eq!((head.seq, head.format), (11, 5));
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_store_of_format_1_keeps_everything_and_takes_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy("v1.db", dir.path());
    let store = open(&path).unwrap();
    assert_whole(&store);
    assert_eq!(store.head().unwrap().store_id, STORE_ID);
    assert_eq!(store.stats().unwrap().n_vectors(), 0);
    let kept: StoredVector = sample::vector(sample::episode_id(1), 0, 1);
    let vectors = vec![kept.clone(), sample::vector(sample::note_id(2), 0, 2)];
    let put = Op::PutVectors { model: "m".into(), vectors };
    store.apply(WriteBatch::of(put), Durability::Power).unwrap();
    drop(store);

    let store = open(&path).unwrap();
    assert_whole(&store);
    let remove = WriteBatch::of(Op::Remove(sample::note_id(2).into()));
    store.apply(remove, Durability::Power).unwrap();
    let rows = store.vectors("m", 0, 10).unwrap();
    assert_eq!(rows.into_iter().map(|row| row.vector).collect::<Vec<_>>(), [kept]);
}

#[test]
fn a_backup_of_format_1_is_restored_in_the_newest_format() {
    let dir = tempfile::tempdir().unwrap();
    let (backup, path) = (copy("v1.db", dir.path()), dir.path().join("new/store.db"));
    let before = fs::read(&backup).unwrap();
    restore(&backup, &path, false).unwrap();
    assert_eq!(fs::read(&backup).unwrap(), before, "the backup is only read");
    assert_whole(&open(&path).unwrap());
}

#[test]
fn reading_a_store_of_format_1_side_by_side_migrates_it_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy("v1.db", dir.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_whole(&open(&path).unwrap()));
        }
    });
}

#[test]
fn a_store_of_format_2_keeps_everything_and_takes_digests() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy("v2.db", dir.path());
    let store = open(&path).unwrap();
    let id = sample::episode_id(1);
    let written = [
        Some(Episode { n_steps: 3, ..old_episode(1) }),
        Some(Episode { n_steps: 2, ..sample::episode(2) }),
    ];
    assert_eq!(read::episodes(&store, &[id, sample::episode_id(2)]), written);
    let notes = [Some(Note { episode: Some(id), ..old_note(1) }), Some(sample::note(2))];
    assert_eq!(read::notes(&store, &[1, 2].map(sample::note_id)), notes);
    let rows = store.vectors("m", 0, 10).unwrap();
    let vectors = [sample::vector(id, 0, 1), sample::vector(sample::note_id(2), 0, 2)];
    assert_eq!(rows.into_iter().map(|row| row.vector).collect::<Vec<_>>(), vectors);
    let head = store.head().unwrap();
    assert_eq!((head.seq, head.format), (4, 5));
    let ops = vec![
        Op::KeepDigest { episode: id, digest: [1, 2].into() },
        Op::Judge { id: id.into(), helpful: true },
        Op::Merge { note: sample::note_id(2), at: sample::instant(4), tags: vec![] },
    ];
    store.apply(WriteBatch { ops }, Durability::Power).unwrap();
    drop(store);

    let store = open(&path).unwrap();
    let read = read::episodes(&store, &[id]).remove(0).unwrap();
    assert_eq!((read.digest.as_deref(), read.feedback.n_helpful), (Some(&[1, 2][..]), 1));
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_store_of_format_3_keeps_everything_and_takes_calls_states_and_tombstones() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy("v3.db", dir.path());
    let store = open(&path).unwrap();
    let (first, second) = (sample::episode_id(1), sample::episode_id(2));
    let written = [
        Some(Episode { n_steps: 3, ..episode_of_format_3(1) }),
        Some(Episode { n_steps: 2, ..sample::episode(2) }),
        None,
    ];
    assert_eq!(read::episodes(&store, &[first, second, sample::episode_id(3)]), written);
    let notes = [
        Some(Note { episode: Some(first), ..note_of_format_3(1) }),
        Some(Note { superseded_by: Some(sample::note_id(3)), ..sample::note(2) }),
        Some(Note { supersedes: Some(sample::note_id(2)), ..sample::note(3) }),
    ];
    assert_eq!(read::notes(&store, &[1, 2, 3].map(sample::note_id)), notes);
    let whole = |episode| StepRange { episode, from: 0, limit: u32::MAX };
    let steps = [numbered(full_steps(3)), numbered(sample::steps(2))];
    assert_eq!(store.steps(&[whole(first), whole(second)]).unwrap(), steps);
    let head = store.head().unwrap();
    assert_eq!((head.seq, head.format), (8, 5));
    // What was removed before left no tombstone: it may be imported.
    let again = Op::InsertEpisode { episode: Box::new(sample::full_episode(3)), steps: vec![] };
    let call = |n| Op::AppendSteps { episode: second, steps: vec![sample::full_step(n)], limit: 9 };
    let at = sample::instant(1);
    let keep = Op::KeepState { name: "s".into(), bytes: [7].into(), at };
    let ops = vec![again, call(0), call(0), keep, Op::Remove(sample::note_id(1).into())];
    store.apply(WriteBatch { ops }, Durability::Power).unwrap();
    drop(store);

    let store = open(&path).unwrap();
    assert_eq!(read::episodes(&store, &[second])[0].as_ref().unwrap().n_steps, 3);
    assert_eq!(&*store.states("").unwrap()[0].bytes, [7]);
    let found = store.find(RecordKind::Note, &[sample::source("note-1")]).unwrap();
    assert_eq!(found, [Found::Forgotten]);
    let tail = Some(IdTail::of(first.to_bytes(), 8));
    let by_tail = RecordFilter { tail, ..RecordFilter::default() };
    let listed = store.list(RecordKind::Episode, &by_tail, None, 10).unwrap();
    assert_eq!(listed.iter().map(|entry| entry.id).collect::<Vec<_>>(), [RecordId::from(first)]);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_store_of_format_4_keeps_everything_and_takes_records_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy("v4.db", dir.path());
    let store = open(&path).unwrap();
    let (first, second) = (sample::episode_id(1), sample::episode_id(2));
    let written = [
        Some(Episode { n_steps: 3, ..sample::full_episode(1) }),
        Some(Episode { n_steps: 2, ..sample::episode(2) }),
    ];
    assert_eq!(read::episodes(&store, &[first, second]), written);
    let notes = [
        Some(Note { episode: Some(first), ..sample::full_note(1) }),
        Some(Note { superseded_by: Some(sample::note_id(3)), ..sample::note(2) }),
        Some(Note { supersedes: Some(sample::note_id(2)), ..sample::note(3) }),
        None,
    ];
    assert_eq!(read::notes(&store, &[1, 2, 3, 4].map(sample::note_id)), notes);
    let whole = StepRange { episode: first, from: 0, limit: u32::MAX };
    let steps = numbered((0..3).map(sample::full_step).collect());
    assert_eq!(store.steps(&[whole]).unwrap(), [steps]);
    assert_eq!(&*store.states("").unwrap()[0].bytes, [7]);
    let found = store.find(RecordKind::Note, &[sample::source("note-4")]).unwrap();
    assert_eq!(found, [Found::Forgotten]);
    assert_eq!(store.vectors("m", 0, 9).unwrap().len(), 1);
    assert_eq!(store.head().unwrap().format, 5);
    let theirs = Note { author: Some(sample::author(1)), ..sample::note(5) };
    let record = Record::Note(Box::new(theirs.clone()));
    let place = Op::Place(Box::new(Placed { record, steps: None, seen: None }));
    store.apply(WriteBatch::of(place), Durability::Power).unwrap();
    drop(store);

    let store = open(&path).unwrap();
    assert_eq!(read::notes(&store, &[theirs.id]), [Some(theirs)]);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}
