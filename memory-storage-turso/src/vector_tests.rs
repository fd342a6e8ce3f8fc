//! Damaged and orphaned vectors, as `check`, reading and the engine see them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memory_core::backend::{Durability, Op, WriteBatch};
use memory_core::{EmbedError, Embedder, Memory, Role, Storage, StorageError, SystemClock};
use memory_testkit::sample;

use crate::connection::Connection;
use crate::{Options, TursoStorage};

const MODEL: &str = "m";

/// Makes a store with vectors of a note and an episode, and a connection beside it, on which SQL
/// runs as damage or another version would have it.
fn stored(dir: &Path) -> (TursoStorage, Connection) {
    let store = TursoStorage::open(&dir.join("store.db"), &Options::default()).unwrap();
    let (episode, note) = (sample::episode(1), sample::note(1));
    let vectors = vec![sample::vector(episode.id, 0, 1), sample::vector(note.id, 0, 2)];
    let ops = vec![
        Op::InsertEpisode { episode: Box::new(episode), steps: vec![] },
        Op::InsertNote(Box::new(note)),
        Op::PutVectors { model: MODEL.into(), vectors },
    ];
    store.apply(WriteBatch { ops }, Durability::Process).unwrap();
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    let conn = Connection::open(&Arc::from(store.path()), Duration::from_secs(5)).unwrap();
    (store, conn)
}

/// Runs a statement and returns the findings of `check`, without those on the change feed.
fn findings(sql: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut conn) = stored(dir.path());
    conn.script(sql).unwrap();
    let mut findings = store.check().unwrap();
    findings.retain(|finding| !finding.contains("change feed"));
    findings
}

#[test]
fn a_vector_without_its_record_is_found() {
    let orphaned = "DROP TRIGGER notes_vectors; DELETE FROM notes";
    let note = sample::note_id(1);
    assert_eq!(findings(orphaned), [format!("note {note} is gone but has vectors")]);
    let orphaned = "DROP TRIGGER episodes_vectors; DELETE FROM episodes";
    let episode = sample::episode_id(1);
    assert_eq!(findings(orphaned), [format!("episode {episode} is gone but has vectors")]);
}

#[test]
fn a_vector_of_another_dimension_than_its_model_is_found_and_not_read() {
    let what = "has a vector of another dimension than its model";
    let note = format!("note {} {what}", sample::note_id(1));
    for bytes in ["x''", "x'00'", "zeroblob(11)", "zeroblob(13)", "zeroblob(16)"] {
        let sql = format!("UPDATE vectors SET vector = {bytes} WHERE kind = 2");
        assert_eq!(findings(&sql), [note.as_str()], "{bytes}");
        let dir = tempfile::tempdir().unwrap();
        let (store, mut conn) = stored(dir.path());
        conn.script(&sql).unwrap();
        let refused = store.vectors(MODEL, 0, 10).unwrap_err();
        assert!(matches!(refused, StorageError::Corrupt { .. }), "{refused}");
    }
    let both = findings("DELETE FROM models");
    assert_eq!(both, [format!("episode {} {what}", sample::episode_id(1)), note]);
}

/// Makes the same vector of every text.
struct Constant;

impl Embedder for Constant {
    fn id(&self) -> &str {
        MODEL
    }

    fn dimension(&self) -> usize {
        3
    }

    fn batch_limit(&self) -> usize {
        8
    }

    fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(vec![vec![1.0, 0.0, 0.0]; texts.len()])
    }
}

#[test]
fn a_damaged_vector_is_made_again_from_its_text() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut conn) = stored(dir.path());
    let store: Arc<dyn Storage> = Arc::new(store);
    let start = || {
        let (clock, embedder) = (Arc::new(SystemClock), Some(Arc::new(Constant) as _));
        Memory::builder(Arc::clone(&store)).clock(clock).embedder(embedder).open().unwrap()
    };
    assert_eq!(start().embed_all().unwrap(), 2, "an episode and a note");
    conn.script("UPDATE vectors SET vector = x'00' WHERE kind = 2").unwrap();
    let memory = start();
    memory.refresh().unwrap();
    assert_eq!(memory.status().unwrap().index.n_pending, 1);
    assert_eq!(memory.embed_all().unwrap(), 1);
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    assert_eq!(start().embed_all().unwrap(), 0);
}

/// A version before vectors that has the store open since before knows nothing of them.
#[test]
fn an_older_version_that_removes_a_record_removes_its_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut conn) = stored(dir.path());
    conn.script("DELETE FROM notes").unwrap();
    assert_eq!(store.stats().unwrap().n_vectors(), 1);
    conn.script("DELETE FROM episodes").unwrap();
    assert_eq!(store.stats().unwrap().n_vectors(), 0);
}
