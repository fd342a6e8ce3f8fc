//! Claims about the snapshot of the index: it saves a start its work, and never an answer its
//! truth.

mod world;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::meaning_tests::{Concepts, fact};
use super::*;
use crate::intake::{Completion, NewEpisode};
use crate::model::Scope;
use crate::storage::MemStorage;
pub(super) use world::{Counting, Words};
use world::{World, answers, note, step};

/// A world of some notes with vectors whose index was saved.
fn saved_world(storage: Arc<dyn Storage>, n_notes: usize) -> World {
    let world = World::on(storage);
    let memory = world.start();
    for number in 0..n_notes {
        memory.remember(note(number)).unwrap();
    }
    memory.embed_all().unwrap();
    memory.index.save_now();
    world
}

#[test]
fn a_start_reads_the_snapshot_and_from_the_store_only_what_came_after() {
    let storage = Counting::new();
    let world = saved_world(Arc::<Counting>::clone(&storage) as Arc<dyn Storage>, 60);
    let before = world.start_with(None);
    for number in 60..63 {
        before.remember(note(number)).unwrap();
    }
    drop(before);
    storage.n_read();
    let memory = world.start();
    memory.refresh().unwrap();
    assert_eq!(storage.n_read(), [3, 0, 0]);
    let index = memory.status().unwrap().index;
    assert_eq!((index.n_units, index.n_pending), (63, 3));
    assert_eq!(index.snapshot(), "loaded");
    assert_eq!(answers(&memory), world.rebuilt());
    assert_eq!(memory.embed_all().unwrap(), 3);
    assert_eq!(answers(&memory), world.rebuilt());
}

#[test]
fn a_large_enough_index_is_saved_at_the_end_and_a_small_one_is_not() {
    for (n_notes, is_saved) in [(300, true), (200, false)] {
        let world = World::on(Arc::new(MemStorage::new()));
        let memory = world.start();
        for number in 0..n_notes {
            memory.remember(note(number)).unwrap();
        }
        memory.embed_all().unwrap();
        let expected = answers(&memory);
        assert_eq!(memory.status().unwrap().index.snapshot(), "none");
        drop(memory);
        assert_eq!(world.path().exists(), is_saved, "{n_notes} notes");
        let memory = world.start();
        assert_eq!(answers(&memory), expected);
        assert_eq!(memory.status().unwrap().index.snapshot_loaded, is_saved);
        // Nothing has changed, so nothing is written.
        let written = fs::metadata(world.path()).and_then(|file| file.modified()).ok();
        drop(memory);
        assert_eq!(fs::metadata(world.path()).and_then(|file| file.modified()).ok(), written);
    }
}

#[test]
fn the_background_saves_when_enough_has_changed() {
    let world = World::on(Arc::new(MemStorage::new()));
    let memory = world.start();
    let writer = world.start_with(None);
    for number in 0..4_200 {
        writer.remember(note(number)).unwrap();
    }
    memory.refresh().unwrap();
    memory.index.settle();
    assert!(world.path().exists());
    let again = world.start();
    assert_eq!(answers(&again), answers(&memory));
    assert!(again.status().unwrap().index.snapshot_loaded);
}

/// Does something to the file and gives what the next start says of it; the answers stay right, and
/// the start after that finds a good file again.
fn after_damage(world: &World, damage: impl Fn(&Path)) -> String {
    damage(&world.path());
    let expected = world.rebuilt();
    let memory = world.start();
    assert_eq!(answers(&memory), expected);
    let said = memory.status().unwrap().index.snapshot();
    memory.index.settle();
    drop(memory);
    let memory = world.start();
    assert_eq!(answers(&memory), expected);
    assert_eq!(memory.status().unwrap().index.snapshot(), "loaded", "it is written anew");
    said
}

/// Damage to a file.
type Damage<'a> = &'a dyn Fn(&Path);

fn overwrite(path: &Path, at: usize, with: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at..at + with.len()].copy_from_slice(with);
    fs::write(path, bytes).unwrap();
}

#[test]
fn whatever_is_wrong_with_the_file_the_index_is_rebuilt_and_says_why() {
    let world = saved_world(Arc::new(MemStorage::new()), 60);
    let cut = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 7]).unwrap();
    };
    let other_store = |path: &Path| {
        let other = saved_world(Arc::new(MemStorage::new()), 50);
        fs::copy(other.path(), path).unwrap();
    };
    let damages: [(Damage<'_>, &str); 8] = [
        (&|path| fs::write(path, "").unwrap(), "has 0 bytes"),
        (&cut, "its head says"),
        (&|path| overwrite(path, 40, b"x"), "damaged: head"),
        (&|path| overwrite(path, 300, b"xyz"), "damaged"),
        (&|path| overwrite(path, 8, &[200]), "has format 200"),
        (&|path| fs::write(path, [b'x'; 5_000]).unwrap(), "another program"),
        (&other_store, "another store"),
        (
            &|path| {
                let bytes = fs::read(path).unwrap();
                let last = bytes.len() - 3;
                overwrite(path, last, &[bytes[last] ^ 1]);
            },
            "a vector in the snapshot was damaged",
        ),
    ];
    for (damage, reason) in damages {
        let said = after_damage(&world, damage);
        assert!(said.starts_with("rebuilt: ") && said.contains(reason), "{said} for {reason}");
    }
}

#[test]
fn a_vector_that_is_damaged_while_it_is_in_use_is_read_from_the_store_within_the_query() {
    let world = World::on(Arc::new(MemStorage::new()));
    // A slab of vectors this long holds 512 of them and leaves memory when it is saved.
    let start = |path: Option<std::path::PathBuf>| {
        let config = Config { snapshot_path: path, cache_bytes: 0, ..Config::default() };
        let embedder = Some(Arc::new(Words(8_192)) as Arc<dyn Embedder>);
        Memory::builder(Arc::clone(&world.storage))
            .config(config)
            .embedder(embedder)
            .open()
            .unwrap()
    };
    let first = start(Some(world.path()));
    for number in 0..560 {
        first.remember(note(number)).unwrap();
    }
    first.embed_all().unwrap();
    first.index.save_now();
    let loaded = start(Some(world.path()));
    let expected = answers(&start(None));
    for memory in [&first, &loaded] {
        assert_eq!(answers(memory), expected);
    }
    // In place, as a failing disk would.
    let mut bytes = fs::read(world.path()).unwrap();
    let rows = bytes.len() - 560 * 8_192 * 4;
    for at in (rows..bytes.len()).step_by(4_096) {
        bytes[at] ^= 1;
    }
    fs::write(world.path(), bytes).unwrap();
    for memory in [&first, &loaded] {
        assert_eq!(answers(memory), expected);
        let said = memory.status().unwrap().index.snapshot();
        assert_eq!(said, "rebuilt: a vector in the snapshot was damaged");
        memory.index.settle();
    }
    assert_eq!(answers(&start(Some(world.path()))), expected);
}

#[test]
fn vectors_leave_memory_once_no_text_waits_for_one() {
    let world = World::on(Arc::new(MemStorage::new()));
    let config = Config { snapshot_path: Some(world.path()), cache_bytes: 0, ..Config::default() };
    let embedder = Some(Arc::new(Words(8_192)) as Arc<dyn Embedder>);
    let memory = Memory::builder(Arc::clone(&world.storage))
        .config(config)
        .embedder(embedder)
        .open()
        .unwrap();
    // A slab of vectors this long holds 512 of them.
    for number in 0..560 {
        memory.remember(note(number)).unwrap();
    }
    memory.embed_all().unwrap();
    memory.index.settle();
    let vectors_bytes = 560 * 8_192 * 4;
    let index = memory.status().unwrap().index;
    assert!(fs::metadata(world.path()).unwrap().len() > vectors_bytes);
    assert!((index.size_bytes as u64) < vectors_bytes, "{} bytes", index.size_bytes);
}

#[test]
fn a_snapshot_of_another_model_or_of_words_alone_is_rebuilt() {
    let mut world = saved_world(Arc::new(MemStorage::new()), 60);
    world.embedder = Concepts::new("concepts/2");
    let said = after_damage(&world, |_| ());
    assert_eq!(said, "rebuilt: the snapshot belongs to another model");
    let config = Config { snapshot_path: Some(world.path()), ..Config::default() };
    let words = Memory::builder(Arc::clone(&world.storage)).config(config).open().unwrap();
    words.refresh().unwrap();
    assert_eq!(words.status().unwrap().index.snapshot(), said);
    words.index.settle();
    words.index.save_now();
    drop(words);
    assert_eq!(after_damage(&world, |_| ()), said);
}

#[test]
fn a_snapshot_that_is_ahead_of_the_store_is_rebuilt() {
    // The storage is an older copy under the same identity, as when files are copied by hand.
    let world = saved_world(Arc::new(MemStorage::new()), 60);
    let path = world.path();
    let id = world.storage.head().unwrap().store_id;
    let older = World::on(Arc::new(MemStorage::with_id(id)));
    older.start_with(None).remember(note(3)).unwrap();
    fs::copy(&path, older.path()).unwrap();
    let said = after_damage(&older, |_| ());
    assert!(said.contains("knows change 60, the store ends at 1"), "{said}");
}

#[test]
fn a_folder_that_takes_no_file_costs_nothing_but_the_next_start() {
    let world = World::on(Arc::new(MemStorage::new()));
    let memory = world.start_with(Some(world.path().join("no/such/folder")));
    for number in 0..300 {
        memory.remember(note(number)).unwrap();
    }
    memory.embed_all().unwrap();
    memory.index.save_now();
    let said = memory.status().unwrap().index.snapshot();
    assert!(said.contains("cannot create the snapshot"), "{said}");
    assert_eq!(answers(&memory), world.rebuilt());
}

#[test]
fn an_open_episode_goes_on_after_a_restart_where_it_was() {
    let world = World::on(Arc::new(MemStorage::new()));
    let memory = world.start();
    let scope = Scope::new("shop").unwrap();
    let id = memory.start(NewEpisode::new(scope, "Make the automobile rapid")).unwrap().value;
    memory.log(id, (0..6).map(|n| step(&format!("step {n} of the loaf"))).collect()).unwrap();
    memory.embed_all().unwrap();
    memory.index.save_now();
    drop(memory);
    let memory = world.start();
    let mut failed = step("episode failed");
    failed.ok = Some(false);
    memory.log(id, vec![failed, step("the sea")]).unwrap();
    memory.finish(id, Completion::default()).unwrap();
    assert_eq!(answers(&memory), world.rebuilt());
    memory.embed_all().unwrap();
    assert_eq!(answers(&memory), world.rebuilt());
    assert!(memory.status().unwrap().index.snapshot_loaded);
}

#[test]
fn a_vector_that_cannot_be_read_from_the_store_is_made_again() {
    let mut storage = Counting::over(MemStorage::new());
    storage.damaged = vec![4, 5, 9, 20];
    let world = World::on(Arc::new(storage));
    let first = world.start_with(None);
    for number in 0..20 {
        first.remember(note(number)).unwrap();
    }
    first.embed_all().unwrap();
    let memory = world.start_with(None);
    let recall = memory.recall(&Query::new("ocean")).unwrap();
    assert!(recall.n_pending >= 4 && recall.n_pending <= 5, "{}", recall.n_pending);
    let n_pending = recall.n_pending;
    assert_eq!(memory.embed_all().unwrap(), n_pending);
    // The damaged rows are replaced by new ones.
    let again = world.start_with(None);
    assert_eq!(again.embed_all().unwrap(), 0);
    assert_eq!(answers(&again), answers(&memory));
}

#[test]
fn where_no_vector_can_be_read_search_goes_by_words_and_the_status_says_so() {
    let mut storage = Counting::over(MemStorage::new());
    storage.is_unreadable = true;
    let world = World::on(Arc::new(storage));
    let memory = world.start_with(None);
    let id = memory.remember(fact("The automobile is red")).unwrap().value.id();
    let recall = memory.recall(&Query::new("automobile")).unwrap();
    assert_eq!(recall.hits.first().map(|hit| hit.record.id()), Some(id.into()));
    let index = memory.status().unwrap().index;
    assert!(index.ready && index.vectors_failure.unwrap().contains("a vector"));
}

#[derive(Debug, Clone)]
enum Act {
    Remember(usize),
    Log(usize),
    Complete,
    Forget(usize),
    Embed,
    Refresh,
    Save,
    Restart,
    Other,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0_usize..200).prop_map(Act::Remember),
        4 => (1_usize..7).prop_map(Act::Log),
        1 => Just(Act::Complete),
        2 => (0_usize..50).prop_map(Act::Forget),
        2 => Just(Act::Embed),
        2 => Just(Act::Refresh),
        3 => Just(Act::Save),
        3 => Just(Act::Restart),
        1 => Just(Act::Other),
    ];
    prop::collection::vec(act, 1..60)
}

fn act(world: &World, memory: &mut Memory, act: &Act) {
    let episodes = || {
        let filter = RecordFilter::default();
        memory.list(RecordKind::Episode, &filter, None, 1).unwrap().first().map(|entry| entry.id)
    };
    match act {
        Act::Remember(number) => drop(memory.remember(note(*number)).unwrap()),
        Act::Log(n_steps) => {
            let open = episodes().and_then(|id| match id {
                RecordId::Episode(id) => Some(id),
                RecordId::Note(_) => None,
            });
            let open = open.filter(|id| memory.episode(*id).unwrap().closing.is_none());
            let scope = Scope::new("bakery").unwrap();
            let open = open.unwrap_or_else(|| {
                memory.start(NewEpisode::new(scope, "An episode at sea")).unwrap().value
            });
            // Pieces of equal scores would be told in the order of unit numbers.
            let done = memory.episode(open).unwrap().n_steps as usize;
            let text = |n| format!("step {n}, a quick loaf{}", " again".repeat(n % 50));
            let steps = (done..done + n_steps).map(|n| step(&text(n))).collect();
            memory.log(open, steps).unwrap();
        }
        Act::Complete => {
            if let Some(RecordId::Episode(id)) = episodes() {
                drop(memory.finish(id, Completion::default()));
            }
        }
        Act::Forget(number) => {
            let filter = RecordFilter::default();
            let notes = memory.list(RecordKind::Note, &filter, None, 50).unwrap();
            if let Some(entry) = notes.get(*number) {
                memory.forget(&[entry.id]).unwrap();
            }
        }
        Act::Embed => drop(memory.embed_all().unwrap()),
        Act::Refresh => memory.refresh().unwrap(),
        Act::Save => {
            memory.refresh().unwrap();
            memory.index.save_now();
        }
        Act::Restart => *memory = world.start(),
        // Another process, which embeds and saves as well.
        Act::Other => {
            let other = world.start();
            other.embed_all().unwrap();
            other.index.save_now();
        }
    }
}

/// A quarter of the usual cases, since each starts several memories.
fn fewer() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases / 4, ..usual }
}

proptest! {
    #![proptest_config(fewer())]

    #[test]
    fn after_any_history_a_reloaded_index_answers_as_a_rebuilt_one(history in acts()) {
        let world = World::on(Arc::new(MemStorage::new()));
        let mut memory = world.start();
        for step in &history {
            act(&world, &mut memory, step);
        }
        memory.refresh().unwrap();
        memory.embed_all().unwrap();
        let expected = world.rebuilt();
        prop_assert_eq!(&answers(&memory), &expected);
        prop_assert_eq!(&answers(&world.start()), &expected);
        // A question at any time after the last snapshot, or without one.
        prop_assert_eq!(&answers(&world.start_to_ask()), &expected);
        memory.index.save_now();
        prop_assert_eq!(&answers(&world.start()), &expected);
        prop_assert_eq!(&answers(&world.start_to_ask()), &expected);
    }
}

#[test]
fn an_index_that_is_saved_and_loaded_while_others_write_misses_nothing() {
    let world = World::on(Arc::new(MemStorage::new()));
    let (writer, saver) = (world.start_with(None), world.start());
    let done = AtomicUsize::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..1_200 {
                let id = writer.remember(note(number)).unwrap().value.id();
                if number % 5 == 0 {
                    writer.forget(&[id.into()]).unwrap();
                }
                if number % 100 == 0 {
                    writer.embed_all().unwrap();
                }
            }
            done.store(1, Ordering::Relaxed);
        });
        scope.spawn(|| {
            while done.load(Ordering::Relaxed) == 0 {
                saver.refresh().unwrap();
                saver.index.save_now();
            }
        });
        scope.spawn(|| {
            while done.load(Ordering::Relaxed) == 0 {
                let loader = world.start();
                loader.recall(&Query::new("ocean")).unwrap();
            }
        });
    });
    saver.embed_all().unwrap();
    saver.refresh().unwrap();
    let expected = world.rebuilt();
    assert_eq!(answers(&saver), expected);
    assert_eq!(answers(&world.start()), expected);
    saver.index.save_now();
    let loaded = world.start();
    assert_eq!(answers(&loaded), expected);
    assert_eq!(loaded.status().unwrap().index.snapshot(), "loaded");
}
