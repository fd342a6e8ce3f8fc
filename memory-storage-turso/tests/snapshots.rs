//! The snapshot of the search index beside a store that several handles write, copy and put back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memory_core::{
    Config, EmbedError, Embedder, Import, Memory, NewNote, NoteKind, Query, RecordFilter,
    RecordKind, Role, Scope, Source, Storage, Strength,
};
use memory_storage_turso::{Options, TursoStorage, restore};

/// Vectors that depend on the text alone.
struct Letters;

impl Embedder for Letters {
    fn id(&self) -> &'static str {
        "letters/1"
    }

    fn dimension(&self) -> usize {
        26
    }

    fn batch_limit(&self) -> usize {
        64
    }

    fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let vector = |text: &&str| {
            let mut counts = [0.1_f32; 26];
            for letter in text.bytes().filter(u8::is_ascii_lowercase) {
                if let Some(count) = counts.get_mut(usize::from(letter - b'a')) {
                    *count += 1.0;
                }
            }
            let length = counts.iter().map(|count| count * count).sum::<f32>().sqrt();
            counts.iter().map(|count| count / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

/// A handle as a process has it; `is_kept` says whether it keeps its index beside the store.
#[expect(clippy::unwrap_used, reason = "a store that does not open fails the test")]
fn start(path: &Path, is_kept: bool) -> (Memory, Arc<TursoStorage>) {
    let storage = Arc::new(TursoStorage::open(path, &Options::default()).unwrap());
    let shared: Arc<dyn Storage> = Arc::<TursoStorage>::clone(&storage);
    let snapshot_path = is_kept.then(|| path.with_extension("db.index"));
    let config = Config { snapshot_path, cache_bytes: 0, ..Config::default() };
    let memory = Memory::builder(shared)
        .config(config)
        .embedder(Arc::new(Letters) as Arc<dyn Embedder>)
        .open()
        .unwrap();
    (memory, storage)
}

const WORDS: [&str; 7] = ["walrus", "quartz", "bridge", "lemon", "thunder", "vexing", "jumbo"];

#[expect(clippy::unwrap_used, reason = "the name is a good one")]
fn note(number: usize) -> Import {
    let word = |at: usize| WORDS.iter().cycle().nth(at).copied().unwrap_or_default();
    let words = [word(number % 7), word(number / 7 % 7), word(number / 49 % 7)];
    let text = format!("{} number{number}", words.join(" "));
    let scope = Scope::new("shop").unwrap();
    let source = Source { importer: "test".into(), external_id: number.to_string().into() };
    let note = NewNote::new(scope, NoteKind::Fact, &text);
    Import::Note(Box::new(NewNote { source: Some(source), ..note }))
}

/// Everything that is asked of an index.
#[expect(clippy::unwrap_used, reason = "a recall that is refused fails the test")]
fn answers(memory: &Memory) -> Vec<String> {
    let mut said = Vec::new();
    for text in ["walrus bridge", "number17", "a quartz lemon", "thunder number300", "jumb"] {
        let mut query = Query::new(text);
        query.limit = Some(5);
        query.strength = Strength::Any;
        let recall = memory.recall(&query).unwrap();
        let scores: Vec<String> =
            recall.hits.iter().map(|hit| format!("{:.3}", hit.score)).collect();
        said.push(format!("{text}: {} {scores:?}", recall.n_pending));
    }
    said
}

#[test]
fn after_a_restore_recall_sees_exactly_the_restored_state() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("memory.db"), dir.path().join("copy.db"));
    let (memory, storage) = start(&path, true);
    memory.import((0..600).map(note).collect()).unwrap();
    memory.embed_all().unwrap();
    storage.backup(&copy).unwrap();
    let expected = answers(&memory);
    memory.import((600..1_300).map(note).collect()).unwrap();
    memory.embed_all().unwrap();
    let more = answers(&memory);
    assert_ne!(more, expected);
    drop((memory, storage));

    let (memory, storage) = start(&path, true);
    assert_eq!(answers(&memory), more);
    assert_eq!(memory.status().unwrap().index.snapshot(), "loaded");
    drop((memory, storage));

    restore(&copy, &path, true).unwrap();
    // A handle that keeps no index writes until the positions are beyond those of the snapshot.
    let (memory, storage) = start(&path, false);
    assert_eq!(answers(&memory), expected);
    memory.import((2_000..3_000).map(note).collect()).unwrap();
    memory.embed_all().unwrap();
    let after = answers(&memory);
    drop((memory, storage));

    let (memory, _storage) = start(&path, true);
    assert_eq!(answers(&memory), after);
    let said = memory.status().unwrap().index.snapshot();
    assert_eq!(said, "rebuilt: the snapshot belongs to another store");
}

/// Copies the file of a closed store under its own id, as a person would.
#[expect(clippy::unwrap_used, reason = "a copy that fails fails the test")]
fn copy_by_hand(from: &Path, to: &Path) {
    for tail in ["", "-wal", "-shm"] {
        let with_tail = |path: &Path| path.with_extension(format!("db{tail}"));
        drop(std::fs::remove_file(with_tail(to)));
        if with_tail(from).exists() {
            std::fs::copy(with_tail(from), with_tail(to)).unwrap();
        }
    }
}

#[test]
fn a_snapshot_of_a_copy_that_went_its_own_way_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("memory.db"), dir.path().join("other.db"));
    let tell = |path: &Path, numbers: std::ops::Range<usize>| {
        let (memory, storage) = start(path, true);
        memory.import(numbers.map(note).collect()).unwrap();
        memory.embed_all().unwrap();
        let told = answers(&memory);
        drop((memory, storage));
        told
    };
    tell(&path, 0..100);
    copy_by_hand(&path, &other);
    tell(&path, 1_000..1_700);
    let expected = tell(&other, 2_000..2_900);
    copy_by_hand(&other, &path);

    let (memory, _storage) = start(&path, true);
    assert_eq!(answers(&memory), expected);
    let said = memory.status().unwrap().index.snapshot();
    assert_eq!(said, "rebuilt: the snapshot belongs to another history of the store");
}

#[test]
fn handles_that_write_load_and_save_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("memory.db");
    let is_done = AtomicBool::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (memory, storage) = start(&path, false);
            for batch in 0..40 {
                memory.import((batch * 100..batch * 100 + 100).map(note).collect()).unwrap();
                if batch % 8 == 5 {
                    memory.embed_all().unwrap();
                }
                let newest =
                    storage.list(RecordKind::Note, &RecordFilter::default(), None, 10).unwrap();
                let gone: Vec<_> = newest.iter().skip(7).map(|entry| entry.id).collect();
                memory.forget(&gone).unwrap();
            }
            is_done.store(true, Ordering::Relaxed);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    // Each of them saves at its end what has changed since the last.
                    let (memory, _storage) = start(&path, true);
                    memory.recall(&Query::new("walrus")).unwrap();
                }
            });
        }
    });
    let (rebuilt, _storage) = start(&path, false);
    rebuilt.embed_all().unwrap();
    let expected = answers(&rebuilt);
    for _ in 0..2 {
        let (memory, _storage) = start(&path, true);
        assert_eq!(answers(&memory), expected);
        let index = memory.status().unwrap().index;
        assert_eq!((index.n_pending, index.snapshot()), (0, "loaded".to_owned()));
    }
    let left = std::fs::read_dir(dir.path()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{left:?}");
}
