//! Rules of what an exchange sends, keeps back and says, rule by rule.

use std::sync::Arc;

use memory_core::backend::{Durability, Found, Op, Rejection, WriteBatch};
use memory_core::exchange::{
    Carrier, Entry, ExchangeError, MachineId, Report, Standing, Terms, exchange, leave, preview,
};
use memory_core::{
    Episode, MemStorage, Memory, Note, Query, Record, RecordId, RecordKind, Source, Storage,
    StorageError, SystemClock,
};
use memory_testkit::exchange::MemCarrier;
use memory_testkit::{read, sample};

struct Machine {
    storage: Arc<MemStorage>,
    terms: Terms,
}

impl Machine {
    fn new(name: &str) -> Self {
        let terms = Terms {
            scopes: vec![sample::scope("acme/shop")],
            author: name.into(),
            place: name.into(),
        };
        Self { storage: Arc::new(MemStorage::new()), terms }
    }

    fn write(&self, op: Op) {
        self.storage.apply(WriteBatch::of(op), Durability::Process).unwrap();
    }

    fn sync(&self, place: &MemCarrier) -> Report {
        exchange(&*self.storage, &SystemClock, &self.terms, &mut place.clone()).unwrap()
    }

    fn note(&self, n: u64) -> Option<Note> {
        read::notes(&*self.storage, &[sample::note_id(n)]).remove(0)
    }

    fn episode(&self, n: u64) -> Option<Episode> {
        read::episodes(&*self.storage, &[sample::episode_id(n)]).remove(0)
    }

    fn standing(&self) -> Standing {
        Standing::of(&*self.storage).unwrap().unwrap()
    }
}

fn two() -> (Machine, Machine, MemCarrier) {
    (Machine::new("ada"), Machine::new("ben"), MemCarrier::new())
}

/// A place of another address, whose clock stands still.
struct Elsewhere(MemCarrier);
impl Carrier for Elsewhere {
    fn address(&self) -> &'static str {
        "another place"
    }
    fn largest_entry(&self) -> usize {
        self.0.largest_entry()
    }
    fn push(&mut self, entries: &[Entry]) -> Result<(), memory_core::exchange::CarrierError> {
        self.0.push(entries)
    }
    fn pull(
        &mut self,
        own: MachineId,
        scopes: &[Box<str>],
        after: Option<&memory_core::exchange::Cursor>,
        limit: usize,
    ) -> Result<memory_core::exchange::Pulled, memory_core::exchange::CarrierError> {
        self.0.pull(own, scopes, after, limit)
    }
    fn now(
        &mut self,
    ) -> Result<Option<memory_core::Timestamp>, memory_core::exchange::CarrierError> {
        Ok(Some(sample::instant(0)))
    }
}

fn note(note: Note) -> Op {
    Op::InsertNote(Box::new(note))
}

fn imported(n: u64, source: &Source) -> Op {
    note(Note { source: Some(source.clone()), ..sample::note(n) })
}

#[test]
fn a_record_arrives_with_its_author_and_nothing_is_sent_twice() {
    let (ada, ben, place) = two();
    let episode = Box::new(sample::full_episode(1));
    ada.write(Op::InsertEpisode { episode, steps: vec![sample::full_step(1)] });
    ada.write(note(Note { episode: Some(sample::episode_id(1)), ..sample::full_note(1) }));
    assert_eq!(ada.sync(&place), Report { n_sent: 2, ..Report::default() });
    assert_eq!(ada.sync(&place), Report::default());
    assert_eq!(ben.sync(&place), Report { n_received: 2, ..Report::default() });
    assert_eq!(ben.sync(&place), Report::default(), "no echo");
    assert_eq!(ada.sync(&place), Report::default());
    let there = ben.episode(1).unwrap();
    let author = there.author.clone().unwrap();
    assert_eq!((&*author.name, author.machine), ("ada", ada.standing().machine));
    let here = Episode { digest: None, author: Some(author), ..ada.episode(1).unwrap() };
    assert_eq!(there, here);
    let there = Note { author: None, ..ben.note(1).unwrap() };
    assert_eq!(Some(there), ada.note(1));
}

#[test]
fn only_the_scopes_that_are_named_leave_the_store() {
    let (ada, ben, place) = two();
    let private = sample::scope("private");
    ada.write(note(Note { scope: private.clone(), ..sample::note(1) }));
    ada.write(note(sample::note(2)));
    let sent = preview(&*ada.storage, &SystemClock, &ada.terms, "memory").unwrap();
    assert_eq!(sent, [RecordId::from(sample::note_id(2))]);
    assert_eq!(Standing::of(&*ada.storage).unwrap(), None, "a preview writes nothing");
    ada.sync(&place);
    ben.sync(&place);
    assert_eq!((ben.note(1), ben.note(2).is_some()), (None, true));
    // Moved out, it stays with the others as it was, and is told no more of.
    let id = sample::note_id(2).into();
    ada.write(Op::SetScope { id, scope: private.clone() });
    ada.write(Op::Judge { id, helpful: true });
    assert_eq!(ada.sync(&place).n_sent, 0);
    ben.sync(&place);
    let there = ben.note(2).unwrap();
    assert_eq!((there.scope.as_str(), there.feedback.n_helpful), ("acme/shop", 0));
    ben.write(Op::Judge { id, helpful: false });
    ben.sync(&place);
    ada.sync(&place);
    let here = ada.note(2).unwrap();
    assert_eq!((here.scope, here.feedback.n_unhelpful), (private, 1));
    // Moved in, all of it is sent.
    ada.write(Op::SetScope { id, scope: sample::scope("acme/shop") });
    ada.write(Op::SetScope { id: sample::note_id(1).into(), scope: sample::scope("acme/shop") });
    assert_eq!(ada.sync(&place).n_sent, 2);
    ben.sync(&place);
    assert_eq!(ben.note(2).unwrap().feedback.n_helpful, 1);
    assert!(ben.note(1).is_some());
}

#[test]
fn what_is_opted_in_later_is_sent_then() {
    let (mut ada, ben, place) = two();
    ada.write(note(Note { scope: sample::scope("acme/api"), ..sample::note(1) }));
    ada.sync(&place);
    ada.terms.scopes.push(sample::scope("acme/api"));
    assert_eq!(ada.sync(&place).n_sent, 1);
    assert_eq!(ben.sync(&place).n_received, 0);
    let ben = Machine { terms: Terms { place: "ben".into(), ..ada.terms.clone() }, ..ben };
    assert_eq!(ben.sync(&place).n_received, 1);
}

#[test]
fn secrets_that_an_old_text_holds_are_masked_on_the_way() {
    let (ada, ben, place) = two();
    let secret = "AKIAIOSFODNN7EXAMPLZ";
    let text = sample::text(format!("the key is {secret}, keep it"));
    ada.write(note(Note { text, ..sample::note(1) }));
    assert_eq!(ada.sync(&place).n_masked, 1);
    let pulled = place.clone().pull(MachineId([0; 16]), &["acme/shop".into()], None, 9999).unwrap();
    let bytes = &pulled.entries[0].bytes;
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    ben.sync(&place);
    assert!(ben.note(1).unwrap().text.as_str().contains("[masked"));
}

#[test]
fn a_source_that_was_forgotten_is_lifted_for_all_by_a_new_import() {
    let (ada, ben, place) = two();
    let source = sample::source("e1");
    ada.write(imported(1, &source));
    ada.sync(&place);
    ben.sync(&place);
    ada.write(Op::Remove(sample::note_id(1).into()));
    ada.sync(&place);
    assert_eq!(ben.sync(&place), Report { n_removed: 1, ..Report::default() });
    let found = || ben.storage.find(RecordKind::Note, std::slice::from_ref(&source)).unwrap();
    assert_eq!(found(), [Found::Forgotten]);
    let again = WriteBatch::of(imported(2, &source));
    let refused = ben.storage.apply(again, Durability::Process).unwrap_err();
    assert!(matches!(refused, StorageError::Rejected(Rejection::Forgotten { .. })), "{refused}");
    ada.write(Op::Lift(source.clone()));
    ada.write(imported(3, &source));
    ada.sync(&place);
    ben.sync(&place);
    assert_eq!(found(), [Found::Stored(sample::note_id(3).into())]);
    // And forgotten once more.
    ben.write(Op::Remove(sample::note_id(3).into()));
    ben.sync(&place);
    ada.sync(&place);
    assert_eq!((ada.note(3), found()), (None, vec![Found::Forgotten]));
}

#[test]
fn what_was_forgotten_before_it_was_ever_sent_is_refused_to_others_too() {
    let (ada, ben, place) = two();
    let source = sample::source("e1");
    ada.write(imported(1, &source));
    ada.write(Op::Remove(sample::note_id(1).into()));
    ben.write(imported(2, &source));
    ada.sync(&place);
    ben.sync(&place);
    assert_eq!(ada.sync(&place).n_sent, 1, "that it is forgotten");
    ben.sync(&place);
    assert_eq!((ada.note(2), ben.note(2)), (None, None));
}

#[test]
fn a_private_record_of_the_same_source_stays() {
    let (ada, ben, place) = two();
    let source = sample::source("e1");
    let private = sample::scope("private");
    ada.write(note(Note { scope: private, source: Some(source.clone()), ..sample::note(2) }));
    ben.write(imported(1, &source));
    ben.sync(&place);
    ada.sync(&place);
    assert_eq!((ada.note(1), ada.note(2).is_some()), (None, true));
    assert!(ben.note(1).is_some());
}

#[test]
fn a_copied_store_becomes_another_machine_and_counts_nothing_twice() {
    let (ada, ben, place) = two();
    ada.write(note(sample::note(1)));
    ada.write(Op::Judge { id: sample::note_id(1).into(), helpful: true });
    ada.sync(&place);
    let first = ada.standing().machine;
    let terms = Terms { place: "copy".into(), ..ada.terms.clone() };
    let copy = Machine { storage: Arc::clone(&ada.storage), terms };
    copy.write(Op::Judge { id: sample::note_id(1).into(), helpful: true });
    copy.sync(&place);
    assert_ne!(copy.standing().machine, first);
    ben.sync(&place);
    let there = ben.note(1).unwrap();
    assert_eq!(there.feedback.n_helpful, 2);
    assert_eq!(there.author.unwrap().machine, first);
    assert_eq!(copy.note(1).unwrap().author, None, "what it holds stays its own");
}

#[test]
fn whoever_leaves_forgets_what_came_from_others_and_may_come_back() {
    let (ada, ben, place) = two();
    ada.write(note(sample::note(1)));
    ben.write(note(sample::note(2)));
    ada.sync(&place);
    ben.sync(&place);
    let judge = |machine: &Machine| {
        machine.write(Op::Judge { id: sample::note_id(1).into(), helpful: true });
        machine.sync(&place);
    };
    judge(&ben);
    ada.sync(&place);
    judge(&ada);
    assert_eq!(ada.note(1).unwrap().feedback.n_helpful, 2);
    assert_eq!(leave(&*ada.storage).unwrap(), 1);
    assert_eq!((ada.note(1).unwrap().feedback.n_helpful, ada.note(2)), (1, None));
    assert_eq!(Standing::n_waiting(&*ada.storage).unwrap(), 0);
    let names = ada.storage.states("exchange/").unwrap();
    assert_eq!(names.len(), 1, "who it was: {names:?}");
    ada.sync(&place);
    ben.sync(&place);
    assert_eq!(ada.note(1).unwrap().feedback.n_helpful, 2);
    assert_eq!(ben.note(1).unwrap().feedback.n_helpful, 2);
    assert!(ada.note(2).is_some());
}

#[test]
fn a_new_place_is_told_everything_that_is_known() {
    let (ada, ben, place) = two();
    ada.write(note(sample::note(1)));
    ada.sync(&place);
    ben.sync(&place);
    let mut other = Elsewhere(MemCarrier::new());
    let report = exchange(&*ben.storage, &SystemClock, &ben.terms, &mut other).unwrap();
    assert_eq!(report.n_sent, 1, "also what came from others");
    assert!(ben.standing().skew_ms.is_some_and(|ms| ms > 0), "that clock stands still");
}

#[test]
fn a_record_that_is_too_large_for_the_place_is_named_and_holds_up_no_other() {
    let (ada, ben) = (Machine::new("ada"), Machine::new("ben"));
    let place = MemCarrier::of_entries_up_to(10_000);
    let large = Note { text: sample::text("x".repeat(20_000)), ..sample::note(1) };
    ada.write(note(large));
    ada.write(note(sample::note(2)));
    let report = Report { n_sent: 1, n_too_large: 1, ..Report::default() };
    assert_eq!(ada.sync(&place), report);
    assert_eq!(Standing::too_large(&*ada.storage).unwrap(), [sample::note_id(1).into()]);
    assert_eq!(Standing::n_waiting(&*ada.storage).unwrap(), 0);
    assert_eq!(ada.sync(&place), Report { n_too_large: 1, ..Report::default() }, "no second try");
    assert_eq!(ben.sync(&place).n_received, 1);
    ada.write(Op::Remove(sample::note_id(1).into()));
    assert_eq!(ada.sync(&place), Report { n_sent: 1, ..Report::default() }, "that it is gone");
    let other = MemCarrier::new();
    ada.write(note(Note { text: sample::text("y".repeat(20_000)), ..sample::note(3) }));
    assert_eq!(ada.sync(&place).n_too_large, 1);
    let mut other = Elsewhere(other);
    let report = exchange(&*ada.storage, &SystemClock, &ada.terms, &mut other).unwrap();
    assert_eq!((report.n_sent, report.n_too_large), (3, 0), "another place takes it");
}

#[test]
fn a_newer_format_ends_the_exchange_and_a_damaged_entry_does_not() {
    let (ada, ben, place) = two();
    ada.write(note(sample::note(1)));
    ada.sync(&place);
    let entry = |n: u64, bytes: &[u8]| Entry {
        machine: MachineId([9; 16]),
        record: sample::note_id(n).into(),
        scope: "acme/shop".into(),
        bytes: bytes.into(),
    };
    place.clone().push(&[entry(5, &[1, 1, 7])]).unwrap();
    assert_eq!(ben.sync(&place).n_received, 1);
    assert_eq!(ben.standing().n_damaged, 1);
    place.clone().push(&[entry(6, &[200])]).unwrap();
    let cursor = ben.standing().cursor;
    let failed = exchange(&*ben.storage, &SystemClock, &ben.terms, &mut place.clone());
    assert!(matches!(failed, Err(ExchangeError::Newer)), "{failed:?}");
    let standing = ben.standing();
    assert_eq!(standing.cursor, cursor, "it is read again by the newer program");
    assert!(standing.error.unwrap().contains("update this program"));
    assert!(standing.synced_at.is_some() && standing.tried_at >= standing.synced_at);
}

#[test]
fn an_id_that_is_forgotten_and_imported_again_stays_where_it_is() {
    let (ada, ben, place) = two();
    ada.write(note(sample::note(1)));
    ada.sync(&place);
    ben.sync(&place);
    ben.write(Op::Remove(sample::note_id(1).into()));
    ben.sync(&place);
    ada.sync(&place);
    assert_eq!(ada.note(1), None);
    ada.write(note(sample::note(1)));
    assert_eq!(ada.sync(&place).n_sent, 0);
    ben.sync(&place);
    assert_eq!((ada.note(1).is_some(), ben.note(1)), (true, None));
    let records = ada.storage.records(&[sample::note_id(1).into()]).unwrap();
    assert!(matches!(records[0], Some(Record::Note(_))));
}

#[test]
fn writes_go_on_during_exchanges_and_none_is_lost() {
    const N_JUDGEMENTS: u32 = 600;
    let (ada, ben, place) = two();
    for n in 0..3 {
        ada.write(note(sample::note(n)));
    }
    ada.sync(&place);
    ben.sync(&place);
    std::thread::scope(|scope| {
        let judges = [&ada, &ben].map(|machine| {
            scope.spawn(|| {
                for n in 0..N_JUDGEMENTS {
                    let id = sample::note_id(u64::from(n % 3)).into();
                    machine.write(Op::Judge { id, helpful: true });
                    if n % 7 == 0 {
                        machine.write(Op::SetScope { id, scope: sample::scope("acme/shop") });
                    }
                }
            })
        });
        while !judges.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            for machine in [&ada, &ben] {
                // Whoever writes all the time to the same records may keep it from its end.
                let mut place = place.clone();
                match exchange(&*machine.storage, &SystemClock, &machine.terms, &mut place) {
                    Ok(_) | Err(ExchangeError::Storage(StorageError::Busy)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    for machine in [&ada, &ben, &ada, &ben] {
        machine.sync(&place);
    }
    for n in 0..3 {
        let counts = [&ada, &ben].map(|machine| machine.note(n).unwrap().feedback.n_helpful);
        assert_eq!(counts, [2 * N_JUDGEMENTS / 3; 2]);
    }
}

#[test]
fn a_record_of_another_machine_ranks_behind_its_equal() {
    let (ada, ben, place) = two();
    // The newer of two equal ones goes first.
    let text = || sample::text("Deploy from the branch release");
    ada.write(note(Note { text: text(), ..sample::note(1) }));
    ben.write(note(Note { text: text(), ..sample::note(2) }));
    ada.sync(&place);
    ben.sync(&place);
    ada.sync(&place);
    for (machine, own) in [(&ada, 1), (&ben, 2)] {
        let storage: Arc<dyn Storage> = machine.storage.clone();
        let memory = Memory::builder(storage).open().unwrap();
        let recall = memory.recall(&Query::new("deploy branch release")).unwrap();
        let ids: Vec<RecordId> = recall.hits.iter().map(|hit| hit.record.id()).collect();
        assert_eq!(ids[0], sample::note_id(own).into());
        let team: Vec<bool> = recall.hits.iter().map(|hit| hit.record.author().is_some()).collect();
        assert!(!team[0] && team[1..].iter().all(|is_team| *is_team), "{team:?}");
    }
}
