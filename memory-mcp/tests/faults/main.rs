//! The engine on a storage of which one call fails, whichever it is: an error that says so or a
//! right answer, nothing half written, and everything works again afterwards.

#[cfg(test)]
mod scenario;

use std::path::Path;
use std::sync::Arc;

use memory_core::{Error, MemStorage, Memory, Query, Storage, StorageError};
use memory_storage_redb::RedbStorage;
use memory_storage_turso::{Options, TursoStorage};
use memory_testkit::fault::{Calls, Fault, FaultStorage, Moment};

use scenario::{Act, Caller, SESSION, Stored};

const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

/// Error that a storage fails with, and what must be said of it.
type Failing = (fn() -> StorageError, &'static str);

const ERRORS: [Failing; 4] = [
    (|| StorageError::Busy, "try again"),
    (|| StorageError::Backend("the plug was pulled".into()), "the plug was pulled"),
    (
        || StorageError::Unavailable { resource: "/data".into(), reason: "it is full".into() },
        "/data is unavailable: it is full",
    ),
    (
        || StorageError::Poisoned { reason: "a flush to disk failed (no power)".into() },
        "writing has ended because a flush to disk failed (no power); restart the server",
    ),
];

/// Opens the store in a folder, or makes it.
type Open = fn(&Path) -> Arc<dyn Storage>;

/// A new store on disk; it lives as long as its folder.
#[cfg(test)]
fn new_store(open: Open) -> (Arc<dyn Storage>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (open(dir.path()), dir)
}

#[cfg(test)]
fn new_turso() -> (Arc<dyn Storage>, tempfile::TempDir) {
    new_store(open_turso)
}

#[cfg(test)]
fn open_redb(dir: &Path) -> Arc<dyn Storage> {
    let options = memory_storage_redb::Options::default();
    Arc::new(RedbStorage::open(&dir.join("memory.redb"), &options).unwrap())
}

#[cfg(test)]
fn open_turso(dir: &Path) -> Arc<dyn Storage> {
    Arc::new(TursoStorage::open(&dir.join("memory.db"), &Options::default()).unwrap())
}

#[cfg(test)]
fn new_mem() -> Arc<dyn Storage> {
    Arc::new(MemStorage::new())
}

/// Content of the store before the first call and after each, and the number of calls of the
/// storage that came before.
#[cfg(test)]
struct Reference {
    stored: Vec<Stored>,
    n_calls: Vec<u64>,
}

#[cfg(test)]
impl Reference {
    fn of(storage: &Arc<dyn Storage>) -> Self {
        let faulty = Arc::new(FaultStorage::new(Arc::clone(storage)));
        let mut caller = Caller::new(Arc::clone(&faulty) as _);
        let n_first = faulty.n_calls();
        let mut reference = Self { stored: vec![Stored::of(&**storage)], n_calls: vec![0] };
        for (n, act) in SESSION.into_iter().enumerate() {
            caller.act(act, &reference.stored[n]).unwrap();
            reference.stored.push(Stored::of(&**storage));
            reference.n_calls.push(faulty.n_calls() - n_first);
        }
        caller.assert_finds_all(&reference.stored[SESSION.len()]);
        reference
    }

    fn n_all(&self) -> u64 {
        self.n_calls[SESSION.len()]
    }
}

/// The session with one call of the storage failing; gives the caller at its end, and whether
/// nobody was told of the failure.
#[cfg(test)]
fn run(
    storage: &Arc<dyn Storage>,
    reference: &Reference,
    n: u64,
    moment: Moment,
    (error, says): Failing,
) -> (Caller, bool) {
    let faulty = Arc::new(FaultStorage::new(Arc::clone(storage)));
    let mut caller = Caller::new(Arc::clone(&faulty) as _);
    faulty.arm(Fault::once(Calls::All, n, moment, error));
    let (mut has_failed, mut is_silent) = (false, false);
    for (at, act) in SESSION.into_iter().enumerate() {
        let before = Stored::of(&**storage);
        let result = caller.act(act, &before);
        let after = Stored::of(&**storage);
        if has_failed {
            result.unwrap();
            continue;
        }
        has_failed = faulty.n_failed() > 0;
        // No call of the engine makes up for a failed call of the storage, so it says so; but for
        // what only an extra wants once the steps or the end are stored: the reflection on an ended
        // episode reads earlier ones, what is foreseen of a running one reads that.
        let is_here = n < reference.n_calls[at + 1];
        is_silent = matches!(act, Act::Complete | Act::Log(_)) && is_here && result.is_ok();
        let is_told = is_here && !is_silent;
        assert_eq!((result.is_err(), has_failed), (is_told, is_here), "{act:?}: {result:?}");
        let Err(error) = result else {
            assert_eq!(after, reference.stored[at + 1], "{act:?}");
            continue;
        };
        assert_clear(&error, act, says);
        let is_applied = after != before;
        assert!(!is_applied || moment == Moment::After, "{act:?} failed and wrote");
        assert_eq!(after, reference.stored[at + usize::from(is_applied)], "{act:?}: half written");
        again(&mut caller, act, &after, is_applied);
    }
    assert!(has_failed, "call {n} was made");
    (caller, is_silent)
}

/// Messages of a call that looks for records.
#[cfg(test)]
const LOOK: &str = "refresh search index: ";

/// Messages of a call that reads what it found.
#[cfg(test)]
const READ: &str = "read records: ";

/// The message names the operation, and tells what the storage told.
#[cfg(test)]
fn assert_clear(error: &Error, act: Act, says: &str) {
    let operations: &[&str] = match act {
        Act::Start => &["start episode: ", "read what was learned: "],
        Act::Log(_) => &["log steps: "],
        Act::Complete => &[
            "complete episode: ",
            "read episode: ",
            "read steps: ",
            "read what was learned: ",
            LOOK,
            "read notes: ",
            READ,
        ],
        Act::Checkpoint => &["keep checkpoint: ", "read episode: "],
        Act::Judge => &["count feedback: ", "read what was learned: ", READ],
        Act::Remember | Act::RememberAgain | Act::Supersede => {
            &["remember note: ", LOOK, "read what was learned: ", "read notes: ", READ]
        }
        Act::Import => &["import records: ", "find sources: "],
        Act::Forget => &["forget records: "],
        Act::Recall => &[LOOK, "read what was learned: ", READ, "read steps: "],
    };
    let said = error.to_string();
    assert!(operations.iter().any(|operation| said.starts_with(operation)), "{act:?}: {said}");
    assert!(said.contains(says), "{act:?}: {said}");
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
}

/// The caller tries again: it succeeds, unless that is refused because the first try was applied.
#[cfg(test)]
fn again(caller: &mut Caller, act: Act, stored: &Stored, is_applied: bool) {
    if is_applied {
        caller.look(stored);
    }
    match (act, is_applied) {
        // Nobody could tell the second from a first.
        (
            Act::Start
            | Act::Log(_)
            | Act::Checkpoint
            | Act::Judge
            | Act::Remember
            | Act::RememberAgain,
            true,
        ) => {}
        (Act::Complete | Act::Supersede, true) => {
            let refused = caller.act(act, stored).unwrap_err();
            assert!(matches!(refused, Error::Conflict { .. }), "{act:?}: {refused}");
        }
        (Act::Forget, true) => {
            let refused = caller.act(act, stored).unwrap_err();
            assert!(matches!(refused, Error::NotFound { .. }), "{refused}");
        }
        _ => caller.act(act, stored).unwrap(),
    }
}

#[test]
fn whichever_call_of_a_storage_in_memory_fails_the_engine_says_so_and_goes_on() {
    let storage = new_mem();
    let reference = Reference::of(&storage);
    assert!(reference.n_all() > 30, "{:?}", reference.n_calls);
    let mut n_silent = 0;
    for n in 0..reference.n_all() {
        for moment in MOMENTS {
            for error in ERRORS {
                let storage = new_mem();
                let (caller, is_silent) = run(&storage, &reference, n, moment, error);
                n_silent += usize::from(is_silent);
                caller.assert_finds_all(&Stored::of(&*storage));
                assert_eq!(caller.memory.check().unwrap(), Vec::<String>::new());
            }
        }
    }
    // One for a reflection. For logged steps the scope of known errors, three times, and twice the
    // episode and its steps, where what is foreseen rests on an episode that went on elsewhere.
    assert_eq!(n_silent, 8 * MOMENTS.len() * ERRORS.len(), "calls that only extras want");
}

/// The storage behind does not depend on the error, so they take turns.
#[cfg(test)]
fn assert_goes_on(open: Open) {
    let (storage, _dir) = new_store(open);
    let reference = Reference::of(&storage);
    for (n, error) in (0..reference.n_all()).zip(ERRORS.into_iter().cycle()) {
        for moment in MOMENTS {
            let (storage, dir) = new_store(open);
            let (caller, _) = run(&storage, &reference, n, moment, error);
            let stored = Stored::of(&*storage);
            caller.assert_finds_all(&stored);
            drop((caller, storage));

            let storage = open(dir.path());
            assert_eq!(Stored::of(&*storage), stored, "reopened after call {n} failed {moment:?}");
            assert_eq!(storage.check().unwrap(), Vec::<String>::new());
            Caller::new(storage).assert_finds_all(&stored);
        }
    }
}

#[test]
fn whichever_call_of_a_libsql_store_fails_the_engine_says_so_and_goes_on() {
    assert_goes_on(open_turso);
}

#[test]
fn whichever_call_of_a_redb_store_fails_the_engine_says_so_and_goes_on() {
    assert_goes_on(open_redb);
}

#[test]
fn an_index_whose_load_fails_at_any_call_is_never_taken_for_an_empty_one() {
    let (on_disk, _dir) = new_turso();
    for storage in [new_mem(), on_disk] {
        let reference = Reference::of(&storage);
        let faulty = Arc::new(FaultStorage::new(Arc::clone(&storage)));
        Caller::new(Arc::clone(&faulty) as _);
        // The last call was a refresh after the load.
        let n_calls = faulty.n_calls() - 1;
        assert!(n_calls >= 4, "{n_calls}");
        for (n, error) in (0..n_calls).zip(ERRORS.into_iter().cycle()) {
            for moment in MOMENTS {
                assert_load_fails(&storage, &reference, n, moment, error);
            }
        }
    }
}

/// While the fault lasts no search answers; afterwards the first one does.
#[cfg(test)]
fn assert_load_fails(
    storage: &Arc<dyn Storage>,
    reference: &Reference,
    n: u64,
    moment: Moment,
    (error, says): Failing,
) {
    let faulty = Arc::new(FaultStorage::new(Arc::clone(storage)));
    faulty.arm(Fault::from(Calls::All, n, moment, error));
    let memory = Memory::builder(Arc::clone(&faulty) as _).open().unwrap();
    for text in ["walrus", ""] {
        let refused = memory.recall(&Query::new(text)).unwrap_err().to_string();
        // An index that was loaded before the fault leaves it to what was learned.
        let operations = ["refresh search index: ", "read what was learned: "];
        assert!(operations.iter().any(|op| refused.starts_with(op)), "{refused}");
        assert!(refused.contains(says), "{refused}");
    }
    faulty.disarm();
    let caller = Caller::on(memory);
    caller.assert_finds_all(&reference.stored[SESSION.len()]);
    assert!(caller.memory.status().unwrap().index.ready);
}

#[test]
fn while_the_storage_is_down_every_call_says_so_and_nothing_is_written() {
    let (storage, _dir) = new_turso();
    let faulty = Arc::new(FaultStorage::new(Arc::clone(&storage)));
    let mut caller = Caller::new(Arc::clone(&faulty) as _);
    let nothing = Stored::of(&*storage);
    for (error, says) in ERRORS {
        faulty.arm(Fault::from(Calls::All, 0, Moment::Before, error));
        for act in SESSION.into_iter().filter(|act| *act != Act::Forget) {
            assert_clear(&caller.act(act, &nothing).unwrap_err(), act, says);
        }
        let memory = &caller.memory;
        for refused in [memory.flush().err(), memory.status().err(), memory.check().err()] {
            assert!(refused.unwrap().to_string().contains(says));
        }
        faulty.disarm();
        assert_eq!(Stored::of(&*storage), nothing);
    }
    for act in SESSION {
        let stored = Stored::of(&*storage);
        caller.act(act, &stored).unwrap();
    }
    caller.assert_finds_all(&Stored::of(&*storage));
}
