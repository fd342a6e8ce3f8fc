//! Lists by filter, newest first, page by page.

use memory_core::backend::Op;
use memory_core::{
    Episode, IdRange, IdTail, ListEntry, MemStorage, Note, NoteKind, Outcome, RecordFilter,
    RecordId, RecordKind, Status, Storage, Timestamp,
};

use super::store::{apply, insert_episode, insert_note, list_ids};
use crate::generate::Rng;
use crate::sample;

const KINDS: [RecordKind; 2] = [RecordKind::Episode, RecordKind::Note];
const SCOPES: [&str; 3] = ["acme/shop", "acme", "Acme/Shop"];
const TAGS: [&str; 6] = ["go", "golang", "a,b", "%", "\"", ""];

/// Twelve episodes and twelve notes; instants repeat, so that ties must be broken by id.
fn records() -> Vec<Op> {
    let mut ops = Vec::new();
    for n in 0..12_u64 {
        let scope = sample::scope(SCOPES[usize::try_from(n % 3).unwrap()]);
        let tags: Vec<Box<str>> =
            (0..n % 4).map(|t| TAGS[usize::try_from((n + t) % 6).unwrap()].into()).collect();
        let at = sample::instant(n / 3);
        let mut episode = Episode { scope: scope.clone(), started_at: at, ..sample::episode(n) };
        episode.context.tags.clone_from(&tags);
        episode.closing = match n % 6 {
            5 => None,
            4 => Some(sample::closing(None)),
            i => Some(sample::closing(Some(Outcome::ALL[usize::try_from(i).unwrap()]))),
        };
        ops.push(insert_episode(episode, vec![]));
        let kind = NoteKind::ALL[usize::try_from(n % 6).unwrap()];
        let supersedes = (n % 4 == 3).then(|| sample::note_id(n - 2));
        ops.push(insert_note(Note {
            kind,
            scope,
            tags,
            occurred_at: at,
            supersedes,
            ..sample::note(n)
        }));
    }
    ops
}

/// The numbers of the records that pass, newest first.
fn passing(storage: &dyn Storage, kind: RecordKind, filter: &RecordFilter) -> Vec<u64> {
    let number = |bytes: [u8; 16]| u64::from(bytes[15]);
    list_ids(storage, kind, filter).iter().map(|id| number(id.to_bytes())).collect()
}

/// By instant, then by id, both descending.
pub fn lists_are_newest_first(storage: &dyn Storage) {
    apply(storage, records());
    let all = RecordFilter::default();
    for kind in KINDS {
        assert_eq!(passing(storage, kind, &all), (0..12).rev().collect::<Vec<_>>());
        let entries = storage.list(kind, &all, None, 1).unwrap();
        assert_eq!(entries[0].at, sample::instant(3));
        assert_eq!(storage.list(kind, &all, None, 0).unwrap(), []);
    }
    // An old episode that is recorded late has the smaller instant and the larger id.
    apply(
        storage,
        vec![insert_episode(
            Episode { started_at: Timestamp::from_millis(-1), ..sample::episode(20) },
            vec![],
        )],
    );
    assert_eq!(passing(storage, RecordKind::Episode, &all).last(), Some(&20));
}

/// One condition at a time, on both kinds.
pub fn each_condition_filters(storage: &dyn Storage) {
    apply(storage, records());
    let check = |filter: RecordFilter, episodes: &[u64], notes: &[u64]| {
        assert_eq!(passing(storage, RecordKind::Episode, &filter), episodes, "{filter:?}");
        assert_eq!(passing(storage, RecordKind::Note, &filter), notes, "{filter:?}");
    };
    let none = RecordFilter::default;
    let shop = [9, 6, 3, 0];
    check(RecordFilter { scope: Some(sample::scope("acme/shop")), ..none() }, &shop, &shop);
    check(RecordFilter { scope: Some(sample::scope("nowhere")), ..none() }, &[], &[]);
    check(RecordFilter { status: Some(Status::Open), ..none() }, &[11, 5], &[]);
    check(RecordFilter { status: Some(Status::Abandoned), ..none() }, &[10, 4], &[]);
    let completed = [9, 8, 7, 6, 3, 2, 1, 0];
    check(RecordFilter { status: Some(Status::Completed), ..none() }, &completed, &[]);
    check(RecordFilter { outcome: Some(Outcome::Partial), ..none() }, &[7, 1], &[]);
    check(RecordFilter { note_kind: Some(NoteKind::Fact), ..none() }, &[], &[7, 1]);
    let all: Vec<u64> = (0..12).rev().collect();
    check(RecordFilter { current_only: true, ..none() }, &all, &[11, 10, 8, 7, 6, 4, 3, 2, 0]);
    let newer = [11, 10, 9, 8, 7, 6];
    check(RecordFilter { since: Some(sample::instant(2)), ..none() }, &newer, &newer);
    let older = [5, 4, 3, 2, 1, 0];
    check(RecordFilter { until: Some(sample::instant(2)), ..none() }, &older, &older);
    let ids = IdRange { first: sample::note_id(3).to_bytes(), last: sample::note_id(5).to_bytes() };
    check(RecordFilter { ids: Some(ids), ..none() }, &[5, 4, 3], &[5, 4, 3]);
    let one = IdRange { last: ids.first, ..ids };
    check(RecordFilter { ids: Some(one), ..none() }, &[3], &[3]);
    let prefix = IdRange::from_prefix("0198f3a2").unwrap();
    check(RecordFilter { ids: Some(prefix), ..none() }, &all, &all);
    let empty = IdRange { first: ids.last, last: ids.first };
    check(RecordFilter { ids: Some(empty), ..none() }, &[], &[]);
}

/// A tag is a word of its own, whatever its letters mean to a query language.
pub fn tags_match_whole_and_to_the_letter(storage: &dyn Storage) {
    for (n, tag) in (0..).zip(TAGS) {
        let mut episode = sample::episode(n);
        episode.context.tags = sample::labels(&[tag]);
        apply(storage, vec![insert_episode(episode, vec![])]);
        let note = Note { tags: sample::labels(&[tag, "zz"]), ..sample::note(n) };
        apply(storage, vec![insert_note(note)]);
    }
    for (n, tag) in (0..).zip(TAGS) {
        for kind in KINDS {
            let filter = RecordFilter { tag: Some(tag.into()), ..RecordFilter::default() };
            assert_eq!(passing(storage, kind, &filter), [n], "{tag:?}");
        }
    }
    for tag in ["GO", "g", "a", "_", "z", "go\0", " go", "[\"go\"]"] {
        let filter = RecordFilter { tag: Some(tag.into()), ..RecordFilter::default() };
        assert_eq!(passing(storage, RecordKind::Episode, &filter), Vec::<u64>::new(), "{tag:?}");
    }
}

/// The whole range of instants can be asked for; `until` is not included.
pub fn instants_are_bounded_from_below_and_above(storage: &dyn Storage) {
    let instants = [i64::MIN, -1, 0, 1, i64::MAX];
    for (n, ms) in (0..).zip(instants) {
        let at = Timestamp::from_millis(ms);
        let episode = Episode { started_at: at, ..sample::episode(n) };
        let note = Note { occurred_at: at, ..sample::note(n) };
        apply(storage, vec![insert_episode(episode, vec![]), insert_note(note)]);
    }
    for since in instants {
        for until in instants {
            let expected = (0..5_u64).rev().filter(|n| {
                let at = instants[usize::try_from(*n).unwrap()];
                since <= at && at < until
            });
            let (since, until) = (Timestamp::from_millis(since), Timestamp::from_millis(until));
            let filter =
                RecordFilter { since: Some(since), until: Some(until), ..RecordFilter::default() };
            for kind in KINDS {
                let passing = passing(storage, kind, &filter);
                assert_eq!(passing, expected.clone().collect::<Vec<_>>(), "{since:?} {until:?}");
            }
        }
    }
}

fn any_filter(rng: &mut Rng) -> RecordFilter {
    let pick = |rng: &mut Rng, n: u64| usize::try_from(rng.u64(..n)).unwrap();
    let mut filter = RecordFilter::default();
    // Each condition is rare enough that what all of them pass is seldom empty.
    if rng.u64(..3) == 0 {
        filter.scope = Some(sample::scope(SCOPES[pick(rng, 3)]));
    }
    if rng.u64(..6) == 0 {
        filter.status = Some(Status::ALL[pick(rng, 3)]);
    }
    if rng.u64(..6) == 0 {
        filter.outcome = Some(Outcome::ALL[pick(rng, 4)]);
    }
    if rng.u64(..6) == 0 {
        filter.note_kind = Some(NoteKind::ALL[pick(rng, 6)]);
    }
    if rng.u64(..4) == 0 {
        filter.tag = Some(TAGS[pick(rng, 6)].into());
    }
    if rng.u64(..4) == 0 {
        filter.since = Some(sample::instant(rng.u64(..5)));
    }
    if rng.u64(..4) == 0 {
        filter.until = Some(sample::instant(rng.u64(..5)));
    }
    if rng.u64(..4) == 0 {
        let first = sample::note_id(rng.u64(..12)).to_bytes();
        filter.ids = Some(IdRange { first, last: sample::note_id(rng.u64(..14)).to_bytes() });
    }
    filter.current_only = rng.u64(..3) == 0;
    filter
}

/// Any conditions together, with any cursor and limit, as the reference in memory lists them.
pub fn conditions_combine(storage: &dyn Storage) {
    let reference = MemStorage::new();
    apply(storage, records());
    apply(&reference, records());
    let mut rng = Rng::with_seed(1);
    let mut n_found = 0;
    for _ in 0..600 {
        let (filter, limit) = (any_filter(&mut rng), usize::try_from(rng.u64(..14)).unwrap());
        for kind in KINDS {
            let cursor = (rng.u64(..3) == 0).then(|| {
                let id = match kind {
                    RecordKind::Episode => sample::episode_id(rng.u64(..13)).into(),
                    RecordKind::Note => sample::note_id(rng.u64(..13)).into(),
                };
                ListEntry { id, at: sample::instant(rng.u64(..5)) }
            });
            let expected = reference.list(kind, &filter, cursor, limit).unwrap();
            n_found += expected.len();
            let got = storage.list(kind, &filter, cursor, limit).unwrap();
            assert_eq!(got, expected, "{kind:?} {filter:?} after {cursor:?}, {limit}");
        }
    }
    assert!(n_found > 1_000, "the filters pass something: {n_found}");
}

/// Also where several records share an instant, and where the record of the cursor is gone.
pub fn paging_through_a_list_loses_nothing(storage: &dyn Storage) {
    apply(storage, records());
    let filters = [
        RecordFilter::default(),
        RecordFilter { scope: Some(sample::scope("acme")), ..RecordFilter::default() },
    ];
    for kind in KINDS {
        for filter in &filters {
            let all = storage.list(kind, filter, None, usize::MAX).unwrap();
            for limit in 1..=all.len() + 1 {
                let (mut paged, mut cursor): (Vec<ListEntry>, Option<ListEntry>) = (vec![], None);
                loop {
                    let page = storage.list(kind, filter, cursor, limit).unwrap();
                    assert!(page.len() <= limit, "{} of {limit}", page.len());
                    let Some(last) = page.last() else { break };
                    cursor = Some(*last);
                    paged.extend(page);
                }
                assert_eq!(paged, all, "pages of {limit}");
            }
        }
        let all = storage.list(kind, &filters[0], None, usize::MAX).unwrap();
        apply(storage, vec![Op::Remove(all[4].id)]);
        assert_eq!(storage.list(kind, &filters[0], Some(all[4]), 3).unwrap(), all[5..8]);
    }
}

/// By eight of them and by more; also with other conditions.
pub fn records_are_found_by_the_last_digits_of_their_ids(storage: &dyn Storage) {
    let ids = [0x0a_1234_5678, 0x0b_1234_5678, 0x0a_1234_5679, 0xff_0000_0000];
    for (n, id) in (0..).zip(ids) {
        apply(storage, vec![insert_episode(sample::episode(n), vec![])]);
        apply(storage, vec![insert_note(Note { id: sample::note_id(id), ..sample::note(1) })]);
    }
    let tail = |digits: &str| Some(IdTail::from_digits(digits).unwrap());
    let found = |digits: &str| {
        let filter = RecordFilter { tail: tail(digits), ..RecordFilter::default() };
        let mut found = list_ids(storage, RecordKind::Note, &filter);
        found.sort_unstable();
        found
    };
    let note = |n| RecordId::from(sample::note_id(n));
    assert_eq!(found("12345678"), [note(ids[0]), note(ids[1])]);
    assert_eq!(found("b12345678"), [note(ids[1])]);
    assert_eq!(found("0A-1234-5679"), [note(ids[2])]);
    assert_eq!(found("00000000"), [note(ids[3])]);
    assert_eq!(found("100000000"), []);
    let whole = sample::note_id(ids[1]).to_string();
    assert_eq!(found(&whole), [note(ids[1])]);
    let scope = Some(sample::scope("elsewhere"));
    let elsewhere = RecordFilter { tail: tail("12345678"), scope, ..RecordFilter::default() };
    assert_eq!(list_ids(storage, RecordKind::Note, &elsewhere), []);
}
