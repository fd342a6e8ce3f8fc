//! The claims, each on an empty place.

use std::collections::BTreeMap;

use memory_core::RecordId;
use memory_core::exchange::{Carrier, Cursor, Entry, MachineId, Pulled};

use super::{MemCarrier, Open};
use crate::sample;

/// Entries that a reader was told, the newest of each.
type Known = BTreeMap<(MachineId, RecordId), Entry>;

/// A reader that has pushed nothing.
const READER: MachineId = MachineId([0xee; 16]);
/// As many bytes as any page needs.
const ALL: usize = 1 << 30;

fn machine(n: u8) -> MachineId {
    MachineId([n; 16])
}

fn entry(of: u8, n: u64, scope: &str, bytes: &[u8]) -> Entry {
    let record = RecordId::Episode(sample::episode_id(n));
    Entry { machine: machine(of), record, scope: scope.into(), bytes: bytes.into() }
}

fn scopes(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|&name| name.into()).collect()
}

/// Pulls pages until none follows; returns their entries and the last position.
fn drain(
    carrier: &mut dyn Carrier,
    own: MachineId,
    names: &[&str],
    after: Option<Cursor>,
    limit_bytes: usize,
) -> (Vec<Entry>, Cursor) {
    let (names, mut after, mut entries) = (scopes(names), after, Vec::new());
    loop {
        let page = carrier.pull(own, &names, after.as_ref(), limit_bytes).unwrap();
        assert!(!page.more || !page.entries.is_empty(), "a page with more to follow brings some");
        entries.extend(page.entries);
        if !page.more {
            return (entries, page.cursor);
        }
        after = Some(page.cursor);
    }
}

fn all(carrier: &mut dyn Carrier, names: &[&str]) -> Vec<Entry> {
    drain(carrier, READER, names, None, ALL).0
}

fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| (entry.machine, entry.record));
    entries
}

/// Nothing is listed, and asking does not change that.
pub fn a_new_place_is_empty(open: Open<'_>) {
    let mut carrier = open();
    for _ in 0..2 {
        let page = carrier.pull(READER, &scopes(&["a"]), None, ALL).unwrap();
        assert_eq!((page.entries, page.more), (vec![], false));
    }
}

/// Each byte of bytes, scope and ids, in the order of the push.
pub fn entries_arrive_as_they_were_pushed(open: Open<'_>) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let odd = "équipe/\u{10ffff} %_*'\";--\n";
    let mut pushed = vec![
        entry(1, 2, odd, &every_byte),
        entry(1, 1, odd, b""),
        entry(1, u64::MAX >> 8, odd, &vec![0; 300_000]),
    ];
    let note = RecordId::Note(sample::note_id(7));
    pushed.push(Entry {
        machine: MachineId([0xff; 16]),
        record: note,
        scope: odd.into(),
        bytes: [0, 0xff].into(),
    });
    open().push(&pushed).unwrap();
    assert_eq!(all(&mut *open(), &[odd]), pushed);
}

/// Whoever pulls gets what others pushed.
pub fn own_entries_are_left_out(open: Open<'_>) {
    let mut carrier = open();
    carrier.push(&[entry(1, 1, "a", b"one"), entry(2, 2, "a", b"two")]).unwrap();
    let listed = |carrier: &mut dyn Carrier, own| drain(carrier, own, &["a"], None, ALL).0;
    assert_eq!(listed(&mut *carrier, machine(1)), [entry(2, 2, "a", b"two")]);
    assert_eq!(listed(&mut *carrier, machine(2)), [entry(1, 1, "a", b"one")]);
    assert_eq!(listed(&mut *carrier, READER).len(), 2);
}

/// The older state is gone, and who has seen it is told the newer one.
pub fn a_replaced_entry_is_listed_at_its_newest_position_alone(open: Open<'_>) {
    let mut carrier = open();
    carrier.push(&[entry(1, 1, "a", b"old"), entry(1, 2, "a", b"other")]).unwrap();
    let (_, seen) = drain(&mut *carrier, READER, &["a"], None, ALL);
    carrier.push(&[entry(1, 1, "a", b"new")]).unwrap();
    let newest = [entry(1, 2, "a", b"other"), entry(1, 1, "a", b"new")];
    assert_eq!(all(&mut *carrier, &["a"]), newest);
    let (since, _) = drain(&mut *carrier, READER, &["a"], Some(seen), ALL);
    assert_eq!(since, [entry(1, 1, "a", b"new")]);
}

/// One push may tell a record twice.
pub fn of_two_states_in_one_push_the_later_stays(open: Open<'_>) {
    let mut carrier = open();
    let twice = [entry(1, 1, "a", b"old"), entry(1, 2, "a", b"x"), entry(1, 1, "a", b"new")];
    carrier.push(&twice).unwrap();
    let newest = [entry(1, 2, "a", b"x"), entry(1, 1, "a", b"new")];
    assert_eq!(all(&mut *carrier, &["a"]), newest);
}

/// A state that one machine tells of a record does not replace what another says.
pub fn machines_have_entries_of_their_own_for_one_record(open: Open<'_>) {
    let mut carrier = open();
    let both = [entry(1, 1, "a", b"one"), entry(2, 1, "a", b"two")];
    carrier.push(&both[..1]).unwrap();
    carrier.push(&both[1..]).unwrap();
    assert_eq!(all(&mut *carrier, &["a"]), both);
}

/// Ids are unique by kind.
pub fn an_episode_and_a_note_of_the_same_bytes_are_two_records(open: Open<'_>) {
    let mut carrier = open();
    let episode = entry(1, 1, "a", b"episode");
    let RecordId::Episode(id) = episode.record else { panic!("an episode was made") };
    let record = RecordId::from_bytes(memory_core::RecordKind::Note, id.to_bytes());
    let note = Entry { record, bytes: (*b"note").into(), ..episode.clone() };
    let both = [episode, note];
    carrier.push(&both).unwrap();
    assert_eq!(all(&mut *carrier, &["a"]), both);
}

/// As after an answer that was lost.
pub fn a_repeated_push_changes_nothing_but_positions(open: Open<'_>) {
    let mut carrier = open();
    let pushed: Vec<Entry> = (0..20).map(|n| entry(1, n, "a", &n.to_be_bytes())).collect();
    for _ in 0..3 {
        carrier.push(&pushed).unwrap();
    }
    assert_eq!(all(&mut *carrier, &["a"]), pushed);
}

/// It is allowed, and does not move anybody's position.
pub fn a_push_of_nothing_changes_nothing(open: Open<'_>) {
    let mut carrier = open();
    carrier.push(&[]).unwrap();
    assert_eq!(all(&mut *carrier, &["a"]), []);
}

/// At least one entry; together not much more than the limit; nothing left out or told twice.
pub fn a_page_holds_about_as_many_bytes_as_asked_for(open: Open<'_>) {
    let mut carrier = open();
    let pushed: Vec<Entry> = (0..60)
        .map(|n| entry(1, n, "a", &vec![7; if n % 20 == 9 { 50_000 } else { 1_000 }]))
        .collect();
    carrier.push(&pushed).unwrap();
    for limit in [0, 1, 999, 5_000, 40_000] {
        let (mut after, mut got, mut n_pages) = (None, Vec::new(), 0);
        loop {
            let page: Pulled =
                carrier.pull(READER, &scopes(&["a"]), after.as_ref(), limit).unwrap();
            let sizes: Vec<usize> = page.entries.iter().map(|entry| entry.bytes.len()).collect();
            let all_but_last: usize = sizes.iter().rev().skip(1).sum();
            assert!(all_but_last <= limit, "{limit}: {sizes:?}");
            n_pages += 1;
            got.extend(page.entries);
            if !page.more {
                break;
            }
            after = Some(page.cursor);
        }
        assert_eq!(got, pushed, "{limit}");
        assert!(n_pages > 2 && n_pages <= pushed.len() + 1, "{limit}: {n_pages}");
    }
}

/// Thousands of entries, and entries of megabytes.
pub fn a_push_larger_than_any_request_arrives_whole(open: Open<'_>) {
    let mut carrier = open();
    let small = (0..9_000).map(|n| entry(1, n, "a", b"x"));
    let large = (0..5_u8).map(|n| entry(2, n.into(), "a", &vec![n; 3 << 20]));
    let pushed: Vec<Entry> = small.chain(large).collect();
    carrier.push(&pushed).unwrap();
    assert_eq!(drain(&mut *carrier, READER, &["a"], None, 4 << 20).0, pushed);
}

/// It is pushed with others, and pulled whatever size a page may have.
pub fn the_largest_entry_that_it_takes_arrives_whole(open: Open<'_>) {
    let mut carrier = open();
    let largest = carrier.largest_entry().min(24 << 20);
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(largest).collect();
    let pushed = [entry(1, 1, "a", b"x"), entry(1, 2, "a", &bytes), entry(1, 3, "a", b"y")];
    carrier.push(&pushed).unwrap();
    assert!(drain(&mut *carrier, READER, &["a"], None, 1).0 == pushed);
}

/// To the letter: no beginnings, no patterns, no other case; none at all when none is named.
pub fn only_scopes_that_are_asked_for_are_listed(open: Open<'_>) {
    let mut carrier = open();
    let names = ["a", "A", "a/b", "ab", "%", "", "é", "*"];
    let pushed: Vec<Entry> = (0..).zip(names).map(|(n, name)| entry(1, n, name, b"x")).collect();
    carrier.push(&pushed).unwrap();
    for (n, name) in names.into_iter().enumerate() {
        assert_eq!(all(&mut *carrier, &[name]), pushed[n..=n], "{name}");
    }
    assert_eq!(all(&mut *carrier, &[]), []);
    assert_eq!(all(&mut *carrier, &["ab", "a", "a"]), [pushed[0].clone(), pushed[3].clone()]);
    assert_eq!(all(&mut *carrier, &names), pushed);
}

/// An entry has one scope, the one it was last pushed with.
pub fn an_entry_that_moves_to_another_scope_leaves_the_first(open: Open<'_>) {
    let mut carrier = open();
    carrier.push(&[entry(1, 1, "a", b"x")]).unwrap();
    carrier.push(&[entry(1, 1, "b", b"x")]).unwrap();
    assert_eq!(all(&mut *carrier, &["a"]), []);
    assert_eq!(all(&mut *carrier, &["b"]), [entry(1, 1, "b", b"x")]);
}

/// Entries that were listed are not listed again; what comes later is, also where all before it was
/// own or of another scope.
pub fn a_position_goes_on_where_it_ended(open: Open<'_>) {
    let mut carrier = open();
    let mut after = None;
    for round in 0..4 {
        let other = entry(1, 100 + round, "b", b"other");
        carrier.push(&[other, entry(9, round, "a", b"own")]).unwrap();
        let (listed, seen) = drain(&mut *carrier, machine(9), &["a"], after.clone(), ALL);
        assert_eq!(listed, [], "{round}");
        carrier.push(&[entry(1, round, "a", b"x")]).unwrap();
        let (listed, seen) = drain(&mut *carrier, machine(9), &["a"], Some(seen), ALL);
        assert_eq!(listed, [entry(1, round, "a", b"x")]);
        after = Some(seen);
    }
}

/// A cursor outlives the handle, as after a restart.
pub fn a_position_of_one_handle_serves_another(open: Open<'_>) {
    open().push(&[entry(1, 1, "a", b"one")]).unwrap();
    let (_, seen) = drain(&mut *open(), READER, &["a"], None, ALL);
    open().push(&[entry(1, 2, "a", b"two")]).unwrap();
    let (listed, _) = drain(&mut *open(), READER, &["a"], Some(seen), ALL);
    assert_eq!(listed, [entry(1, 2, "a", b"two")]);
}

/// New ones, and ones that are replaced on either side of the position.
pub fn what_is_pushed_between_two_pages_is_not_left_out(open: Open<'_>) {
    let mut carrier = open();
    let pushed: Vec<Entry> = (0..10).map(|n| entry(1, n, "a", &[0; 100])).collect();
    carrier.push(&pushed).unwrap();
    let first = carrier.pull(READER, &scopes(&["a"]), None, 300).unwrap();
    assert!(first.more && !first.entries.is_empty());
    let changed = [0, 9, 20].map(|n| entry(1, n, "a", b"new"));
    open().push(&changed).unwrap();
    let (rest, _) = drain(&mut *carrier, READER, &["a"], Some(first.cursor), 300);
    let told: BTreeMap<RecordId, Entry> =
        first.entries.into_iter().chain(rest).map(|entry| (entry.record, entry)).collect();
    let mut held: BTreeMap<RecordId, Entry> =
        pushed.into_iter().map(|entry| (entry.record, entry)).collect();
    held.extend(changed.map(|entry| (entry.record, entry)));
    assert_eq!(told, held);
}

/// Positions grow with the commits, not with their beginnings.
pub fn a_reader_that_follows_several_writers_misses_nothing(open: Open<'_>) {
    const N_WRITERS: u8 = 3;
    const N_PUSHES: u64 = 30;
    let total = usize::from(N_WRITERS) * 2 * usize::try_from(N_PUSHES).unwrap();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (1..=N_WRITERS)
            .map(|of| {
                scope.spawn(move || {
                    let mut carrier = open();
                    for n in 0..N_PUSHES {
                        let pair = [entry(of, 2 * n, "a", b"x"), entry(of, 2 * n + 1, "a", b"x")];
                        carrier.push(&pair).unwrap();
                    }
                })
            })
            .collect();
        let mut carrier = open();
        let (mut got, mut after) = (Vec::new(), None);
        loop {
            let have_ended = writers.iter().all(std::thread::ScopedJoinHandle::is_finished);
            let (page, seen) = drain(&mut *carrier, READER, &["a"], after.take(), 20);
            assert_eq!(page.len() % 2, 0, "a push is seen whole");
            got.extend(page);
            after = Some(seen);
            if have_ended {
                break;
            }
        }
        assert_eq!(got.len(), total, "nothing left out, nothing twice");
    });
}

/// Random pushes, pages and restarts of readers: at the end each knows what is held.
pub fn histories_agree_with_the_reference(open: Open<'_>) {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut place, mut reference) = (open(), MemCarrier::new());
    let names = ["a", "b", "c"];
    let mut readers = vec![(Known::new(), None::<Cursor>); 3];
    for round in 0..120_u32 {
        let of = random.u8(1..=3);
        let n_entries = random.usize(0..6);
        let pushed: Vec<Entry> = (0..n_entries)
            .map(|_| {
                let (n, size) = (random.u64(0..25), random.usize(0..200));
                // A record stays in its scope, so that what a reader keeps is what is held.
                let scope = names[usize::try_from(n % 3).unwrap()];
                let mut bytes = round.to_be_bytes().to_vec();
                bytes.resize(4 + size, 1);
                entry(of, n, scope, &bytes)
            })
            .collect();
        place.push(&pushed).unwrap();
        reference.push(&pushed).unwrap();
        let who = random.usize(0..3);
        let (known, after) = &mut readers[who];
        if random.u8(0..20) == 0 {
            place = open();
        }
        let limit = random.usize(0..800);
        let asked = scopes(&names[..=who]);
        let page = place.pull(machine(1), &asked, after.as_ref(), limit).unwrap();
        known.extend(page.entries.into_iter().map(|e| ((e.machine, e.record), e)));
        *after = Some(page.cursor);
    }
    for (who, (mut known, after)) in readers.into_iter().enumerate() {
        let asked = &names[..=who];
        let (rest, _) = drain(&mut *place, machine(1), asked, after, 500);
        known.extend(rest.into_iter().map(|e| ((e.machine, e.record), e)));
        let held = drain(&mut reference, machine(1), asked, None, ALL).0;
        assert_eq!(known.into_values().collect::<Vec<_>>(), sorted(held), "{who}");
    }
}

/// Whoever has none says so; whoever has one shows no earlier time later.
pub fn its_clock_does_not_stand_on_its_head(open: Open<'_>) {
    let mut carrier = open();
    let (first, second) = (carrier.now().unwrap(), carrier.now().unwrap());
    assert_eq!(first.is_some(), second.is_some());
    assert!(first <= second, "{first:?} {second:?}");
}

/// Messages name one place.
pub fn every_handle_names_the_same_address(open: Open<'_>) {
    let (first, second) = (open(), open());
    assert!(!first.address().is_empty());
    assert_eq!(first.address(), second.address());
}
