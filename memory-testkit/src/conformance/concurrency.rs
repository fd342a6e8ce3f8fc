//! Several threads on one store, and several handles of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use memory_core::backend::{Applied, Durability, Op, WriteBatch};
use memory_core::{
    ChangeOp, EpisodeId, Note, RecordFilter, RecordId, RecordKind, Seq, Step, Storage, StorageError,
};

use super::store::{append, apply, insert_episode, insert_note, list_ids, read_steps};
use crate::{read, sample};

const N_WRITERS: u64 = 4;
const N_BATCHES: u64 = 25;

/// Applies a batch as the engine does: a busy store is asked again.
fn apply_until_free(storage: &dyn Storage, ops: &[Op]) -> Vec<Applied> {
    // A store that stays busy for a thousand attempts is not busy, it is stuck.
    for _ in 0..1_000 {
        let batch = WriteBatch { ops: ops.to_vec() };
        match storage.apply(batch, Durability::Process) {
            Ok(commit) => return commit.applied,
            Err(StorageError::Busy) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the store never became free");
}

/// Runs a writer per number in threads of its own, and `read` over and over until all are done.
fn while_writing(write: impl Fn(u64) + Sync, mut read: impl FnMut()) {
    let n_running = AtomicUsize::new(usize::try_from(N_WRITERS).unwrap());
    thread::scope(|scope| {
        for writer in 0..N_WRITERS {
            let (write, n_running) = (&write, &n_running);
            scope.spawn(move || {
                // Counted down also when the writer panics, or the reader would go on for ever.
                let _done = CountDown(n_running);
                write(writer);
            });
        }
        while n_running.load(Ordering::Acquire) > 0 {
            read();
        }
        read();
    });
}

struct CountDown<'a>(&'a AtomicUsize);

impl Drop for CountDown<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Four threads log steps to one episode: all are kept, without gaps, each thread's in its order.
pub fn concurrent_writers_lose_nothing(storage: &dyn Storage) {
    append_from_all(&[storage]);
}

/// The same through two handles on one store, as two processes have them.
pub fn writers_of_two_handles_lose_nothing(first: &dyn Storage, second: &dyn Storage) {
    append_from_all(&[first, second]);
    assert_eq!(read_steps(first, sample::episode_id(1)), read_steps(second, sample::episode_id(1)));
}

fn append_from_all(handles: &[&dyn Storage]) {
    let id = sample::episode_id(1);
    apply(handles[0], vec![insert_episode(sample::episode(1), vec![])]);
    thread::scope(|scope| {
        for writer in 0..N_WRITERS {
            let storage = handles[usize::try_from(writer).unwrap() % handles.len()];
            scope.spawn(move || {
                for n in 0..N_BATCHES {
                    let step = |part: u64| Step {
                        observation: sample::text(format!("{writer} {n} {part}")),
                        ..sample::step(n)
                    };
                    let applied = apply_until_free(storage, &[append(id, vec![step(0), step(1)])]);
                    assert!(
                        matches!(applied[..], [Applied::Steps { n_steps, .. }] if n_steps % 2 == 0)
                    );
                }
            });
        }
    });
    let steps = read_steps(handles[0], id);
    assert_eq!(steps.len() as u64, N_WRITERS * N_BATCHES * 2);
    assert!((0..).zip(&steps).all(|(idx, step)| step.idx == idx), "numbered without gaps");
    for writer in 0..N_WRITERS {
        let own = format!("{writer} ");
        let seen = steps.iter().map(|step| step.observation.as_str());
        let seen: Vec<&str> = seen.filter(|text| text.starts_with(&own)).collect();
        let written = (0..N_BATCHES * 2).map(|n| format!("{writer} {} {}", n / 2, n % 2));
        assert!(seen.iter().copied().eq(written), "writer {writer}: {seen:?}");
    }
    for pair in steps.chunks(2) {
        let batch = |step: &Step| step.observation.as_str().rsplit_once(' ').unwrap().0.to_owned();
        assert_eq!(batch(&pair[0]), batch(&pair[1]), "a batch is not torn apart");
    }
    assert_eq!(handles[0].check().unwrap(), Vec::<String>::new());
}

/// Of ten threads that insert the same id, or the same source, exactly one succeeds.
pub fn of_concurrent_inserts_of_one_source_one_succeeds(storage: &dyn Storage) {
    for round in 0..5_u64 {
        let n_accepted = AtomicUsize::new(0);
        thread::scope(|scope| {
            for n in 0..10 {
                let n_accepted = &n_accepted;
                scope.spawn(move || {
                    let source = Some(sample::source(&format!("same {round}")));
                    let note = Note { source, ..sample::note(round * 10 + n) };
                    let batch = WriteBatch::of(insert_note(note));
                    match storage.apply(batch, Durability::Process) {
                        Ok(_) => _ = n_accepted.fetch_add(1, Ordering::AcqRel),
                        Err(StorageError::Rejected(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                });
            }
        });
        assert_eq!(n_accepted.into_inner(), 1);
    }
    assert_eq!(storage.stats().unwrap().n_notes, 5);
}

/// Writers insert two notes and append two steps at once: no reader ever counts an odd number.
pub fn readers_never_see_half_a_batch(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    apply(storage, vec![insert_episode(sample::episode(1), vec![])]);
    let write = |writer: u64| {
        for n in 0..N_BATCHES {
            let first = (writer * N_BATCHES + n) * 2;
            let notes = [insert_note(sample::note(first)), insert_note(sample::note(first + 1))];
            let [one, two] = notes;
            apply_until_free(storage, &[one, append(id, sample::steps(2)), two]);
        }
    };
    let mut last = 0;
    let read = || {
        let listed = list_ids(storage, RecordKind::Note, &RecordFilter::default()).len();
        assert_eq!(listed % 2, 0, "notes come in pairs");
        assert!(listed >= last, "what was visible stays visible: {listed} after {last}");
        last = listed;
        assert_eq!(storage.stats().unwrap().n_notes % 2, 0, "counted in pairs");
        assert_eq!(read_steps(storage, id).len() % 2, 0, "steps come in pairs");
        let episode = read::episodes(storage, &[id]).remove(0).unwrap();
        assert_eq!(episode.n_steps % 2, 0, "steps are counted in pairs");
    };
    while_writing(write, read);
    assert_eq!(last as u64, N_WRITERS * N_BATCHES * 2);
}

/// Reads what is new, as the index does; fails when the feed goes backwards.
struct Follower<'a> {
    storage: &'a dyn Storage,
    after: Seq,
    seen: BTreeSet<RecordId>,
}

impl<'a> Follower<'a> {
    fn new(storage: &'a dyn Storage) -> Self {
        Self { storage, after: 0, seen: BTreeSet::new() }
    }

    fn read_on(&mut self) {
        let head = self.storage.head().unwrap().seq;
        let changes = self.storage.changes(self.after, 7).unwrap();
        for change in &changes {
            assert!(change.seq > self.after, "{} after {}", change.seq, self.after);
            assert_eq!(change.op, ChangeOp::Put);
            self.after = change.seq;
            self.seen.insert(change.id);
        }
        assert!(changes.len() == 7 || self.after >= head, "the feed reaches the head");
    }

    fn read_to_the_end(&mut self) {
        while self.after < self.storage.head().unwrap().seq {
            self.read_on();
        }
    }
}

/// A position that becomes visible late, after larger ones, would be skipped for ever.
pub fn a_reader_that_follows_the_feed_misses_nothing(storage: &dyn Storage) {
    follow(storage, storage);
}

/// The same through another handle.
pub fn a_second_handle_that_follows_the_feed_misses_nothing(
    first: &dyn Storage,
    second: &dyn Storage,
) {
    follow(first, second);
}

fn follow(writing: &dyn Storage, reading: &dyn Storage) {
    let mut follower = Follower::new(reading);
    let write = |writer: u64| {
        for n in 0..N_BATCHES {
            let number = writer * N_BATCHES + n;
            let insert = insert_episode(sample::episode(number), sample::steps(1));
            apply_until_free(writing, &[insert, insert_note(sample::note(number))]);
        }
    };
    while_writing(write, || follower.read_on());
    follower.read_to_the_end();
    assert_eq!(follower.seen.len() as u64, N_WRITERS * N_BATCHES * 2);
}

/// As when two processes of a hook tell of one call at the same time.
pub fn a_call_told_by_several_handles_is_stored_once(first: &dyn Storage, second: &dyn Storage) {
    let id: EpisodeId = sample::episode_id(1);
    apply(first, vec![insert_episode(sample::episode(1), vec![])]);
    let n_calls = 40;
    thread::scope(|scope| {
        for handle in [first, second, first, second] {
            scope.spawn(move || {
                for n in 0..n_calls {
                    apply(handle, vec![append(id, vec![sample::full_step(n)])]);
                }
            });
        }
    });
    let calls = |n: u64| sample::full_step(n).call_id;
    let mut stored: Vec<_> = read_steps(first, id).into_iter().map(|step| step.call_id).collect();
    stored.sort_unstable();
    let mut expected: Vec<_> = (0..n_calls).map(calls).collect();
    expected.sort_unstable();
    assert_eq!(stored, expected);
}

/// At once, whichever handle wrote it.
pub fn each_handle_sees_what_the_other_wrote(first: &dyn Storage, second: &dyn Storage) {
    let handles = [first, second];
    for n in 0..20 {
        let (writer, reader) = (handles[n % 2], handles[(n + 1) % 2]);
        let episode = sample::episode(n as u64);
        let commit = apply(writer, vec![insert_episode(episode, sample::steps(2))]);
        let id: EpisodeId = sample::episode_id(n as u64);
        assert_eq!(reader.head().unwrap(), writer.head().unwrap());
        assert_eq!(reader.changes(commit.seq - 1, 10).unwrap()[0].id, id.into());
        apply(reader, vec![append(id, sample::steps(1))]);
        assert_eq!(read_steps(writer, id).len(), 3);
        apply(writer, vec![insert_note(sample::note(n as u64))]);
        let newest = list_ids(reader, RecordKind::Note, &RecordFilter::default());
        assert_eq!(newest[0], sample::note_id(n as u64).into());
    }
}
