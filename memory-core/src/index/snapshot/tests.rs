//! A saved index is the same index; anything else is refused by name.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::index::columns::{Facts, Place};
use crate::index::unit::Part;
use crate::index::{LexicalQuery, LexicalScores, RecordNo};
use crate::model::HitKind;
use crate::model::{EpisodeId, Feedback, NoteId, NoteKind, Outcome, RecordId, Timestamp};

const STORE: [u8; 16] = *b"store-0123456789";
const DIMS: usize = 8;

fn identity() -> Identity<'static> {
    Identity::new(STORE, Some(("minilm-l6-v2", DIMS)))
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db-index");
    (folder, path)
}

/// An index of some records, of which every third was taken out again.
fn sample(n_records: u8) -> Contents {
    let semantic = Some(Semantic::new("minilm-l6-v2", DIMS).unwrap());
    let (columns, lexical) = (Columns::default(), Bm25::new());
    let mut contents = Contents::new(columns, lexical, semantic, 42);
    for number in 0..n_records {
        let record = put_record(&mut contents, number);
        for part in [Part::Head, Part::Window(0), Part::Error(3)] {
            let session =
                (part == Part::Head && number.is_multiple_of(2)).then_some(u32::from(number) / 4);
            let speaker = contents.columns.speaker(Some("Ada Lovelace"));
            let position = u32::from(number);
            let unit =
                contents.columns.add_unit(Place { record, part, session, position, speaker });
            let text = format!("common {part:?} word{} number{number}", number % 7);
            contents.lexical.put(unit, &text);
            let semantic = contents.semantic.as_mut().unwrap();
            semantic.expect(unit, &text);
            if !number.is_multiple_of(5) {
                semantic.put(unit, content_hash(&text), &[f32::from(number) + 0.5; DIMS]);
            }
        }
        if number.is_multiple_of(3) {
            for unit in contents.columns.drop_units(record, |_| true) {
                contents.lexical.remove(unit);
                contents.semantic.as_mut().unwrap().remove(unit);
            }
            contents.columns.remove(record);
        }
    }
    contents.semantic.as_mut().unwrap().advance(17);
    contents
}

fn put_record(contents: &mut Contents, number: u8) -> RecordNo {
    let columns = &mut contents.columns;
    let is_note = number.is_multiple_of(2);
    let scope = columns.name(Some(["shop", "naïve — café"][usize::from(number % 4 / 2)]));
    columns.session(scope, &format!("session {}", number / 4));
    let tags = (0..number % 3).map(|tag| columns.name(Some(&format!("tag{tag}")))).collect();
    let kinds = NoteKind::ALL.iter().cycle();
    let task_type = columns.name(Some("fix"));
    columns.insert(Facts {
        id: if is_note {
            NoteId::from_bytes([number; 16]).into()
        } else {
            EpisodeId::from_bytes([number; 16]).into()
        },
        kind: if is_note {
            HitKind::Note(*kinds.clone().nth(usize::from(number)).unwrap())
        } else {
            HitKind::Episode
        },
        at: Timestamp::from_millis(-5 + i64::from(number)),
        outcome: Outcome::ALL.get(usize::from(number % 6)).copied(),
        scope,
        task_type,
        language: 0,
        tags,
        superseded: number.is_multiple_of(4),
        team: number.is_multiple_of(5),
        n_steps_done: u32::from(number),
        head_hash: u64::from(number) << 40,
        feedback: Feedback { n_helpful: u32::from(number) / 3, n_unhelpful: u32::from(number) % 3 },
        units: Vec::new(),
    })
}

/// All that an index says.
fn told(contents: &Contents) -> String {
    let columns = &contents.columns;
    let mut said = String::new();
    for number in 0..=u8::MAX {
        let ids: [RecordId; 2] =
            [NoteId::from_bytes([number; 16]).into(), EpisodeId::from_bytes([number; 16]).into()];
        for found in ids.into_iter().filter_map(|id| columns.find(id)) {
            writeln!(said, "{found:?}").unwrap();
        }
    }
    for unit in 0..1_000 {
        let dense = contents.semantic.as_ref().unwrap().dense();
        let vector = dense.vector(unit);
        write!(said, "{:?} {:?} ", columns.place(unit), columns.neighbours(unit)).unwrap();
        writeln!(said, "{vector:?}").unwrap();
    }
    writeln!(said, "{:?} {}", columns.speakers_named("LOVELACE"), columns.n_units()).unwrap();
    for query in ["common", "word3 number17", "nothing"] {
        let mut scores = LexicalScores::new();
        contents.lexical.score(&LexicalQuery::new(query), None, &mut scores);
        writeln!(said, "{:?}", scores.top(1_000)).unwrap();
    }
    let semantic = contents.semantic.as_ref().unwrap();
    write!(said, "{:?} {:?}", semantic.pending(0, 1_000), contents.position()).unwrap();
    said
}

fn save(contents: &Contents, path: &Path) -> Result<Filed, SnapshotError> {
    Draft::of(contents)?.save(path, &identity(), &|| true, &|| true)
}

#[test]
fn a_loaded_index_is_the_saved_one_and_numbers_on_as_it_would() {
    let (_folder, path) = folder();
    for n_records in [0, 1, 40, 200] {
        let mut saved = sample(n_records);
        save(&saved, &path).unwrap();
        let mut loaded = load(&path, &identity(), 42, Reading::Whole).unwrap();
        let mut on_demand = load(&path, &identity(), 42, Reading::OnDemand).unwrap();
        for contents in [&loaded, &on_demand] {
            assert_eq!(told(contents), told(&saved));
        }
        assert_eq!(position(&path, &identity()), Some(saved.position()));
        for contents in [&mut saved, &mut loaded, &mut on_demand] {
            for number in 200..220 {
                let record = put_record(contents, number);
                let place = Place::of_episode(record, Part::Head);
                let unit = contents.columns.add_unit(place);
                contents.lexical.put(unit, "common new word3");
                contents.columns.name(Some("a new name"));
            }
        }
        for contents in [&loaded, &on_demand] {
            assert_eq!(told(contents), told(&saved));
        }
    }
}

#[test]
fn a_replaced_file_leaves_loaded_indexes_intact_and_nothing_beside() {
    let (folder, path) = folder();
    let first = sample(100);
    save(&first, &path).unwrap();
    let loaded = load(&path, &identity(), 42, Reading::Whole).unwrap();
    // What a process left that was ended while it wrote, and what is none of ours.
    let beside =
        [".memory.db-index.memory-mcp.4000000000.part", "memory.db-index.part", "memory.db"];
    for name in beside {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    save(&sample(3), &path).unwrap();
    assert_eq!(told(&loaded), told(&first));
    let mut left: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["memory.db", "memory.db-index", "memory.db-index.part"]);
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_a_snapshot() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = folder();
    save(&sample(3), &path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_snapshot_that_cannot_be_finished_is_not_there() {
    let (folder, path) = folder();
    let draft = Draft::of(&sample(250)).unwrap();
    let stopped = draft.save(&folder.path().join("no/folder"), &identity(), &|| true, &|| true);
    assert!(matches!(stopped, Err(SnapshotError::Io { op: "create", .. })));
    assert!(matches!(load(&path, &identity(), 42, Reading::Whole), Err(SnapshotError::Missing)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_snapshot_of_another_store_model_dimension_or_tokenizer_is_foreign() {
    let (_folder, path) = folder();
    save(&sample(30), &path).unwrap();
    let others = [
        (Identity { store: [0; 16], ..identity() }, "store"),
        (Identity { model: Some(("other", DIMS)), ..identity() }, "model"),
        (Identity { model: None, ..identity() }, "model"),
        (Identity { model: Some(("minilm-l6-v2", 9)), ..identity() }, "dimension"),
        (Identity { texts: 1, ..identity() }, "way of cutting texts"),
    ];
    for (other, name) in others {
        let refused = load(&path, &other, 42, Reading::Whole).err().unwrap();
        assert!(matches!(refused, SnapshotError::Foreign { what } if what == name), "{refused}");
        assert_eq!(position(&path, &other), None);
    }
    fs::write(&path, vec![b'x'; 1000]).unwrap();
    let refused = load(&path, &identity(), 42, Reading::Whole).err();
    assert!(matches!(refused, Some(SnapshotError::Foreign { what: "program" })));
}

#[test]
fn models_are_told_apart_by_all_of_their_names() {
    let (_folder, path) = folder();
    let long = "x".repeat(300);
    let (one, other) = (format!("{long}1"), format!("{long}2"));
    let of = |model| Identity::new(STORE, Some((model, DIMS)));
    Draft::of(&sample(3)).unwrap().save(&path, &of(&one), &|| true, &|| true).unwrap();
    assert!(load(&path, &of(&one), 42, Reading::Whole).is_ok());
    assert!(matches!(
        load(&path, &of(&other), 42, Reading::Whole),
        Err(SnapshotError::Foreign { .. })
    ));
}

#[test]
fn a_newer_snapshot_is_refused_by_its_format() {
    let (_folder, path) = folder();
    save(&sample(30), &path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    fs::write(&path, bytes).unwrap();
    let refused = load(&path, &identity(), 42, Reading::Whole).err();
    assert!(matches!(refused, Some(SnapshotError::Format { found: 9, .. })));
}

#[test]
fn a_snapshot_that_knows_more_than_the_store_is_refused() {
    let (_folder, path) = folder();
    save(&sample(30), &path).unwrap();
    let refused = load(&path, &identity(), 41, Reading::Whole).err();
    assert!(matches!(refused, Some(SnapshotError::Ahead { found: 42, newest: 41 })));
}

#[test]
fn every_cut_is_noticed() {
    let (_folder, path) = folder();
    save(&sample(30), &path).unwrap();
    let bytes = fs::read(&path).unwrap();
    for cut in [0, 1, HEAD_BYTES - 1, HEAD_BYTES, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..cut]).unwrap();
        let refused = load(&path, &identity(), 42, Reading::Whole).err();
        assert!(matches!(refused, Some(SnapshotError::Truncated { .. })));
    }
    let mut longer = bytes;
    longer.push(0);
    fs::write(&path, longer).unwrap();
    let refused = load(&path, &identity(), 42, Reading::Whole).err();
    assert!(matches!(refused, Some(SnapshotError::Truncated { .. })));
}

#[test]
fn every_flipped_byte_is_noticed() {
    let (_folder, path) = folder();
    let saved = sample(20);
    save(&saved, &path).unwrap();
    let bytes = fs::read(&path).unwrap();
    // All of the head, then enough to meet every section often.
    let arena = bytes.len() / 2..bytes.len();
    for at in (0..HEAD_BYTES).chain((HEAD_BYTES..bytes.len()).step_by(41)).chain(arena.step_by(997))
    {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, damaged).unwrap();
        let is_noticed = load(&path, &identity(), 42, Reading::Whole).map_or(true, |loaded| {
            // Vectors are checked when they are read.
            told(&loaded);
            loaded.semantic.unwrap().dense().is_damaged()
        });
        assert!(is_noticed, "byte {at}");
    }
}
