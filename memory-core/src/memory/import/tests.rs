use std::sync::Arc;

use super::*;
use crate::model::{NoteKind, Outcome, Record, Scope};
use crate::storage::{MemStorage, RecordFilter};

fn memory() -> Memory {
    Memory::builder(Arc::new(MemStorage::new())).open().unwrap()
}

fn scope() -> Scope {
    Scope::new("acme/shop").unwrap()
}

fn source(id: &str) -> Source {
    Source { importer: "test".into(), external_id: id.into() }
}

fn note(id: &str) -> Import {
    let new = NewNote::new(scope(), NoteKind::Fact, format!("text of {id}"));
    Import::Note(Box::new(NewNote { source: Some(source(id)), ..new }))
}

fn episode(id: &str) -> Import {
    let new = NewEpisode::new(scope(), format!("task of {id}"));
    let ended = Completion { outcome: Some(Outcome::Success), ..Completion::default() };
    let new = NewEpisode { source: Some(source(id)), ..new };
    Import::Episode(Box::new(new), Vec::new(), Some(Box::new(ended)))
}

fn link(role: LinkRole, kind: RecordKind, id: &str) -> Link {
    Link { role, kind, source: source(id) }
}

fn links(kind: RecordKind, id: &str, links: Vec<Link>) -> Import {
    Import::Links(Links { kind, source: source(id), links })
}

/// Names one earlier episode, one record that was shown, and one that was followed.
fn all_links(id: &str) -> Import {
    let named = vec![
        link(LinkRole::Related(RelationKind::Retries), RecordKind::Episode, "e0"),
        link(LinkRole::Shown { strong: true }, RecordKind::Note, "n0"),
        link(LinkRole::Followed, RecordKind::Note, "n0"),
    ];
    links(RecordKind::Episode, id, named)
}

fn stored(memory: &Memory, kind: RecordKind, id: &str) -> Record {
    let found = memory.storage.find(kind, &[source(id)]).unwrap()[0].id().unwrap();
    memory.read(&[found]).unwrap().remove(0)
}

fn stored_episode(memory: &Memory, id: &str) -> Episode {
    match stored(memory, RecordKind::Episode, id) {
        Record::Episode(episode) => *episode,
        Record::Note(note) => panic!("{note:?}"),
    }
}

fn is_linked(memory: &Memory, id: &str) -> bool {
    let episode = stored_episode(memory, id);
    let note = stored(memory, RecordKind::Note, "n0").id();
    let earlier = stored_episode(memory, "e0").id;
    let closing = episode.closing.unwrap();
    episode.relations == [Relation { kind: RelationKind::Retries, episode: earlier }]
        && episode.shown == [Shown { record: note, strong: true }]
        && closing.followed == [note]
}

#[test]
fn links_are_resolved_within_one_call_whatever_comes_first() {
    let memory = memory();
    let records = vec![all_links("e1"), episode("e1"), note("n0"), episode("e0")];
    let imported = memory.import(records).unwrap().value;
    assert_eq!((imported.n_new, imported.unresolved.len()), (3, 0));
    assert!(is_linked(&memory, "e1"));
}

#[test]
fn links_to_records_of_a_later_call_are_given_back_and_resolved_then() {
    let memory = memory();
    let first = memory.import(vec![episode("e1"), all_links("e1"), note("n0")]).unwrap().value;
    assert_eq!((first.n_unresolved_links, first.unresolved.len()), (1, 1));
    assert_eq!(stored_episode(&memory, "e1").shown.len(), 1, "what is stored is linked at once");
    memory.import(vec![episode("e0")]).unwrap();
    let again = first.unresolved.into_iter().map(Import::Links).collect();
    let second = memory.import(again).unwrap().value;
    assert_eq!((second.n_new, second.unresolved.len()), (0, 0));
    assert!(is_linked(&memory, "e1"));
}

#[test]
fn an_import_that_comes_again_makes_no_change() {
    let memory = memory();
    let records = || {
        let replaced = vec![link(LinkRole::Supersedes, RecordKind::Note, "n0")];
        let by = links(RecordKind::Note, "n1", replaced);
        vec![episode("e0"), note("n0"), note("n1"), by, episode("e1"), all_links("e1")]
    };
    memory.import(records()).unwrap();
    let before = memory.status().unwrap().head;
    let imported = memory.import(records()).unwrap().value;
    assert_eq!(imported, Imported::default());
    assert_eq!(memory.status().unwrap().head, before);
}

#[test]
fn links_that_say_less_than_what_is_stored_take_nothing_back() {
    let memory = memory();
    let records = vec![episode("e0"), note("n0"), episode("e1"), all_links("e1")];
    memory.import(records).unwrap();
    let less = vec![link(LinkRole::Followed, RecordKind::Note, "n0")];
    memory.import(vec![links(RecordKind::Episode, "e1", less)]).unwrap();
    assert!(is_linked(&memory, "e1"));
}

#[test]
fn a_note_is_linked_to_records_before_it() {
    let memory = memory();
    let named = vec![
        link(LinkRole::Supersedes, RecordKind::Note, "n0"),
        link(LinkRole::TaughtBy, RecordKind::Episode, "e0"),
    ];
    let of = links(RecordKind::Note, "n1", named);
    let records = vec![note("n0"), episode("e0"), note("n1"), of];
    assert_eq!(memory.import(records).unwrap().value.n_dropped_links, 0);
    let Record::Note(new) = stored(&memory, RecordKind::Note, "n1") else { panic!() };
    assert_eq!(
        new.supersedes.map(RecordId::from),
        Some(stored(&memory, RecordKind::Note, "n0").id())
    );
    assert_eq!(new.episode, Some(stored_episode(&memory, "e0").id));
}

#[test]
fn a_link_of_a_note_to_nothing_stored_is_counted_and_left_out() {
    let memory = memory();
    let named = vec![link(LinkRole::Supersedes, RecordKind::Note, "n2")];
    let records = vec![note("n1"), links(RecordKind::Note, "n1", named), note("n2")];
    let imported = memory.import(records).unwrap().value;
    assert_eq!((imported.n_new, imported.n_dropped_links), (2, 1));
}

#[test]
fn a_record_of_this_store_is_known_by_its_id() {
    let memory = memory();
    let own = NewNote::new(scope(), NoteKind::Fact, "written here");
    let id = memory.remember(own).unwrap().value.id();
    let exported = note(&id.to_string());
    let named = vec![link(LinkRole::Supersedes, RecordKind::Note, &id.to_string())];
    let records = vec![exported, note("n1"), links(RecordKind::Note, "n1", named)];
    assert_eq!(memory.import(records).unwrap().value.n_new, 1);
    assert!(memory.note(id).unwrap().superseded_by.is_some());
    let of_another_kind = episode(&id.to_string());
    assert_eq!(memory.import(vec![of_another_kind]).unwrap().value.n_new, 1);
}

#[test]
fn links_of_a_record_that_is_not_stored_are_left_out() {
    let memory = memory();
    let imported = memory.import(vec![all_links("e9")]).unwrap().value;
    assert_eq!(imported, Imported::default());
    assert!(
        memory.list(RecordKind::Episode, &RecordFilter::default(), None, 1).unwrap().is_empty()
    );
}
