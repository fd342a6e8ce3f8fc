//! Of a damaged store all that is readable is saved, and what is lost is named.

use std::path::{Path, PathBuf};

use memory_core::backend::{Durability, Op, StepRange, WriteBatch};
use memory_core::{Record, RecordFilter, RecordId, RecordKind, Step, Storage, StorageError};
use memory_storage_turso::{Options, TursoStorage, salvage};
use memory_testkit::{read, sample};

const N: u64 = 120;
const PAGE: usize = 4_096;

#[expect(clippy::unwrap_used, reason = "what fails ends its test")]
fn open(path: &Path) -> TursoStorage {
    TursoStorage::open(path, &Options::default()).unwrap()
}

/// Makes a store with all kinds of rows, closed and whole in one file.
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails ends its test")]
fn sound(path: &Path) -> Vec<RecordId> {
    let store = open(path);
    let mut ids = Vec::new();
    for n in 0..N {
        let mut steps = sample::steps(5);
        for (k, step) in steps.iter_mut().enumerate() {
            step.observation = sample::text(format!("{n} {k} {}", "x".repeat(700 * (k % 3))));
            step.call_id = None;
        }
        let mut note = sample::note(n);
        (note.supersedes, note.source, note.episode) = (None, None, Some(sample::episode_id(n)));
        let mut episode = sample::episode(n);
        episode.context.tags = vec![format!("tag{}", n % 7).into()];
        episode.source = None;
        ids.extend([RecordId::from(episode.id), RecordId::from(note.id)]);
        let ops = vec![
            Op::InsertEpisode { episode: Box::new(episode), steps },
            Op::InsertNote(Box::new(note)),
            Op::KeepState {
                name: format!("state/{n}").into(),
                bytes: vec![7; 300].into(),
                at: sample::instant(n),
            },
        ];
        store.apply(WriteBatch { ops }, Durability::Process).unwrap();
    }
    store.apply(WriteBatch::of(Op::Remove(ids[0])), Durability::Power).unwrap();
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    ids
}

/// Overwrites a page of a copy of the store; returns the copy.
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails ends its test")]
fn damaged(sound: &Path, dir: &Path, page: usize, filling: &[u8]) -> PathBuf {
    let mut bytes = std::fs::read(sound).unwrap();
    let place = &mut bytes[page * PAGE..][..filling.len()];
    place.copy_from_slice(filling);
    let path = dir.join("damaged.db");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn whatever_page_is_damaged_the_rest_is_saved_and_the_loss_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole.db");
    let ids = sound(&whole);
    let n_pages = usize::try_from(std::fs::metadata(&whole).unwrap().len()).unwrap() / PAGE;
    let original = open(&whole);
    let (mut n_saved, mut n_lossless) = (0, 0);
    let mut random = fastrand::Rng::with_seed(5);
    for page in (1..n_pages).step_by(7) {
        let filling: Vec<u8> = match page % 4 {
            0 => vec![0; PAGE],
            1 => vec![0xff; PAGE],
            2 => (0..PAGE).map(|_| random.u8(..)).collect(),
            // The middle of a page alone.
            _ => vec![0xaa; PAGE / 2],
        };
        let here = tempfile::tempdir().unwrap();
        let path = damaged(&whole, here.path(), page, &filling);
        let damaged_bytes = std::fs::read(&path).unwrap();
        let saved = match salvage(&path) {
            Ok(saved) => saved,
            // The tables themselves are listed there.
            Err(StorageError::Corrupt { .. }) => {
                assert_eq!(std::fs::read(&path).unwrap(), damaged_bytes, "left as it was");
                continue;
            }
            Err(error) => panic!("page {page}: {error}"),
        };
        n_saved += 1;
        assert_eq!(std::fs::read(&saved.kept_as).unwrap(), damaged_bytes, "the old one is kept");
        let store = open(&path);
        let findings = store.check().unwrap();
        let findings: Vec<_> =
            findings.iter().filter(|finding| !finding.contains("not UTF-8")).collect();
        assert!(findings.is_empty(), "page {page}: {findings:?}");
        let kept = store.records(&ids).unwrap().into_iter().flatten().count() as u64;
        assert_eq!(kept, saved.n_episodes + saved.n_notes);
        let missing = 2 * N - 1 - kept;
        n_lossless += u64::from(missing == 0);
        assert!(missing < N, "page {page}: {missing} lost of one page");
        assert!(missing == 0 || !saved.lost.is_empty(), "page {page}: {missing} lost unsaid");
        if saved.lost.is_empty() && !matches!(page % 4, 2 | 3) {
            assert_eq!(read::episodes(&store, &episodes()), read::episodes(&original, &episodes()));
        }
    }
    assert!(n_saved * 10 > n_pages / 7 * 9, "{n_saved} of {n_pages}");
    assert!(n_lossless > 3, "pages of indexes cost nothing: {n_lossless}");
}

fn episodes() -> Vec<memory_core::EpisodeId> {
    (0..N).map(sample::episode_id).collect()
}

#[test]
fn a_sound_store_is_salvaged_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    sound(&path);
    std::fs::copy(&path, &copy).unwrap();
    let saved = salvage(&path).unwrap();
    assert_eq!((saved.n_episodes, saved.n_notes, saved.lost.len()), (N - 1, N, 0));
    let (store, copy) = (open(&path), open(&copy));
    assert_ne!(store.head().unwrap().store_id, copy.head().unwrap().store_id);
    assert_eq!(read::episodes(&store, &episodes()), read::episodes(&copy, &episodes()));
    assert_eq!(store.states("").unwrap(), copy.states("").unwrap());
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

#[test]
fn a_store_with_something_foreign_in_it_is_salvaged_without_that() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    sound(&path);
    // As another program would.
    let foreign = "CREATE TABLE extra (x)";
    futures_now(async {
        let database = libsql::Builder::new_local(&path).build().await.unwrap();
        database.connect().unwrap().execute(foreign, ()).await.unwrap();
    });
    assert!(TursoStorage::open(&path, &Options::default()).is_err());
    assert_eq!(salvage(&path).unwrap().lost, Vec::<String>::new());
    assert_eq!(open(&path).stats().unwrap().n_episodes, N - 1);
}

/// Runs a local call, which finishes at its first poll.
#[expect(clippy::panic, reason = "what fails ends its test")]
fn futures_now<T>(call: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Waker};
    match std::pin::pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a local call did not finish at once"),
    }
}

const OLDER: [&str; 4] = ["v1.db", "v2.db", "v3.db", "v4.db"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// All records, and the steps of the episodes.
#[expect(clippy::unwrap_used, reason = "what fails ends its test")]
fn content(store: &TursoStorage) -> (Vec<Option<Record>>, Vec<Vec<Step>>) {
    let list = |kind| store.list(kind, &RecordFilter::default(), None, usize::MAX).unwrap();
    let listed = [RecordKind::Episode, RecordKind::Note].into_iter().flat_map(list);
    let ids: Vec<RecordId> = listed.map(|entry| entry.id).collect();
    let episodes = ids.iter().filter_map(|id| match id {
        RecordId::Episode(episode) => Some(*episode),
        RecordId::Note(_) => None,
    });
    let range = |episode| StepRange { episode, from: 0, limit: u32::MAX };
    let ranges: Vec<StepRange> = episodes.map(range).collect();
    (store.records(&ids).unwrap(), store.steps(&ranges).unwrap())
}

#[test]
fn a_store_of_an_older_format_is_salvaged_into_the_newest() {
    for name in OLDER {
        let dir = tempfile::tempdir().unwrap();
        let [migrated, saved] = ["a.db", "b.db"].map(|file| dir.path().join(file));
        std::fs::copy(fixture(name), &migrated).unwrap();
        std::fs::copy(fixture(name), &saved).unwrap();
        let done = salvage(&saved).unwrap();
        assert_eq!(done.lost, Vec::<String>::new(), "{name}");
        assert!(done.n_episodes > 0 && done.n_notes > 0, "{name}: {done:?}");
        let (migrated, saved) = (open(&migrated), open(&saved));
        assert_eq!(content(&saved), content(&migrated), "{name}");
        assert_eq!(saved.check().unwrap(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn of_a_damaged_store_of_an_older_format_the_rest_is_saved_too() {
    for name in OLDER {
        let n_pages = usize::try_from(fixture(name).metadata().unwrap().len()).unwrap() / PAGE;
        for page in 1..n_pages {
            let dir = tempfile::tempdir().unwrap();
            let path = damaged(&fixture(name), dir.path(), page, &[0xff; PAGE]);
            match salvage(&path) {
                Ok(_) => assert_eq!(open(&path).check().unwrap(), Vec::<String>::new()),
                // A page of the list of tables.
                Err(error) => assert!(error.to_string().contains("restore a backup"), "{error}"),
            }
        }
    }
}

#[test]
fn what_cannot_be_salvaged_is_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    assert!(matches!(salvage(&path), Err(StorageError::Unavailable { .. })), "there is none");
    sound(&path);
    let store = open(&path);
    assert!(matches!(salvage(&path), Err(StorageError::Unavailable { .. })), "it is open");
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..200].fill(9);
    std::fs::write(&path, &bytes).unwrap();
    let error = salvage(&path).unwrap_err();
    assert!(error.to_string().contains("restore a backup"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("damaged") || name.starts_with('.'))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}
