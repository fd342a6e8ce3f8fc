//! Vectors: beside the records that they are derived from, never without them.

use memory_core::backend::{Op, Rejection, StoredVector, UnitKey, VectorRow, WriteBatch};
use memory_core::{Note, RecordId, Storage, StorageError};

use super::store::{append, apply, insert_episode, insert_note, read_note, reject};
use crate::sample::{self, vector};

const MODEL: &str = sample::MODELS[0];
const OTHER: &str = sample::MODELS[1];

fn put(model: &str, vectors: Vec<StoredVector>) -> Op {
    Op::PutVectors { model: model.into(), vectors }
}

fn rows(storage: &dyn Storage, model: &str) -> Vec<VectorRow> {
    let rows = storage.vectors(model, 0, usize::MAX).unwrap();
    assert!(rows.is_sorted_by(|a, b| a.seq < b.seq), "oldest first: {rows:?}");
    assert!(rows.first().is_none_or(|row| row.seq > 0), "0 is before the first");
    rows
}

fn stored(storage: &dyn Storage, model: &str) -> Vec<StoredVector> {
    rows(storage, model).into_iter().map(|row| row.vector).collect()
}

fn last_seq(storage: &dyn Storage, model: &str) -> u64 {
    rows(storage, model).last().map_or(0, |row| row.seq)
}

fn sound(storage: &dyn Storage) {
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
}

/// Episode 1 and the notes 1 and 2: the same bytes name an episode and a note.
fn prepare(storage: &dyn Storage) -> [RecordId; 3] {
    let episode = insert_episode(sample::episode(1), sample::steps(2));
    let notes = [1, 2].map(|n| insert_note(sample::note(n)));
    apply(storage, [episode].into_iter().chain(notes).collect());
    [sample::episode_id(1).into(), sample::note_id(1).into(), sample::note_id(2).into()]
}

/// To the last bit: hash, part and every number.
pub fn vectors_are_read_back_as_they_were_written(storage: &dyn Storage) {
    let [episode, note, _] = prepare(storage);
    let odd = |record, part, content_hash, vector: [f32; 5]| StoredVector {
        unit: UnitKey { record, part },
        content_hash,
        vector: vector.to_vec(),
    };
    let vectors = vec![
        odd(episode, u32::MAX, u64::MAX, [f32::MAX, f32::MIN, f32::EPSILON, 0.1, -0.1]),
        odd(note, 0, 0, [0.0, -0.0, f32::MIN_POSITIVE, 1e-45, -1e-45]),
        odd(episode, 0, 1 << 63, [1.0 / 3.0, 2.0_f32.sqrt(), 1.5, -7.25, 1e30]),
    ];
    apply(storage, vec![put(MODEL, vectors.clone())]);
    let read = stored(storage, MODEL);
    assert_eq!(read, vectors);
    let bits = |all: &[StoredVector]| -> Vec<u32> {
        all.iter().flat_map(|one| &one.vector).map(|x| x.to_bits()).collect()
    };
    assert_eq!(bits(&read), bits(&vectors), "also the sign of zero");
    assert_eq!(storage.stats().unwrap().n_vectors(), 3);
}

/// A follower of a model's vectors gets the new ones, and those that replaced others, once more.
pub fn a_replaced_vector_moves_to_the_end(storage: &dyn Storage) {
    let [episode, note, _] = prepare(storage);
    let (a, b, c) = (vector(episode, 0, 1), vector(episode, 1, 2), vector(note, 0, 3));
    apply(storage, vec![put(MODEL, vec![a, b.clone(), c.clone()])]);
    let before = last_seq(storage, MODEL);
    let newer = vector(episode, 0, 9);
    apply(storage, vec![put(MODEL, vec![newer.clone()])]);
    assert_eq!(stored(storage, MODEL), [b.clone(), c, newer.clone()]);
    let new = storage.vectors(MODEL, before, 10).unwrap();
    assert_eq!(new.iter().map(|row| &row.vector).collect::<Vec<_>>(), [&newer]);
    // The last of several vectors of one unit holds; an equal one counts as new.
    let twice = vec![vector(note, 0, 4), vector(note, 0, 5), newer.clone()];
    apply(storage, vec![put(MODEL, twice)]);
    assert_eq!(stored(storage, MODEL), [b, vector(note, 0, 5), newer]);
    assert_eq!(storage.stats().unwrap().n_vectors(), 3);
}

/// Page after page by any limit gives what one call gives.
pub fn paging_through_the_vectors_loses_nothing(storage: &dyn Storage) {
    let [episode, note, _] = prepare(storage);
    for n in 0..9 {
        let model = if n % 3 == 2 { OTHER } else { MODEL };
        apply(storage, vec![put(model, vec![vector(episode, n, 1), vector(note, n / 2, 2)])]);
    }
    for model in sample::MODELS {
        let all = rows(storage, model);
        assert!(all.len() > 4, "{}", all.len());
        for limit in [1, 2, 3, all.len() - 1, all.len(), all.len() + 1] {
            let (mut paged, mut after) = (Vec::new(), 0);
            loop {
                let page = storage.vectors(model, after, limit).unwrap();
                assert!(page.len() <= limit, "{} of {limit}", page.len());
                let Some(last) = page.last() else { break };
                after = last.seq;
                paged.extend(page);
            }
            assert_eq!(paged, all, "pages of {limit}");
        }
        assert_eq!(storage.vectors(model, 0, 0).unwrap(), []);
        for after in [last_seq(storage, model), u64::from(u32::MAX), u64::MAX / 2, u64::MAX] {
            assert_eq!(storage.vectors(model, after, 10).unwrap(), [], "after {after}");
        }
    }
}

/// Not after the record of the newest was removed, not after all were, and not by another model.
pub fn vector_positions_are_not_used_again(storage: &dyn Storage) {
    let [episode, note, other] = prepare(storage);
    let mut last = 0;
    let mut grown = |model| {
        let seq = last_seq(storage, model);
        assert!(seq > last, "{seq} after {last}");
        last = seq;
    };
    apply(storage, vec![put(MODEL, vec![vector(episode, 0, 1), vector(note, 0, 1)])]);
    grown(MODEL);
    apply(storage, vec![Op::Remove(note), put(MODEL, vec![vector(episode, 0, 1)])]);
    grown(MODEL);
    apply(storage, vec![Op::Remove(episode)]);
    assert_eq!(storage.stats().unwrap().n_vectors(), 0);
    apply(storage, vec![put(OTHER, vec![vector(other, 0, 1)])]);
    grown(OTHER);
    apply(storage, vec![Op::Remove(other), insert_note(sample::note(3))]);
    apply(storage, vec![put(MODEL, vec![vector(sample::note_id(3), 0, 1)])]);
    grown(MODEL);
}

/// A record that comes back under the same id does not inherit them.
pub fn vectors_go_with_their_record(storage: &dyn Storage) {
    let [episode, note, other] = prepare(storage);
    let of = |record| vec![vector(record, 0, 1), vector(record, 1, 2), vector(record, u32::MAX, 3)];
    for model in sample::MODELS {
        let vectors = [episode, note, other].into_iter().flat_map(of);
        apply(storage, vec![put(model, vectors.collect())]);
    }
    apply(storage, vec![Op::Remove(note)]);
    for model in sample::MODELS {
        assert_eq!(stored(storage, model), [of(episode), of(other)].concat());
    }
    sound(storage);
    apply(storage, vec![insert_note(sample::note(1)), Op::Remove(episode)]);
    for model in sample::MODELS {
        assert_eq!(stored(storage, model), of(other));
    }
    apply(storage, vec![Op::Remove(other)]);
    assert_eq!(storage.stats().unwrap().n_vectors(), 0);
    sound(storage);
}

/// Those of other models stay, and so does what was stored after them.
pub fn dropped_vectors_are_the_oldest_of_one_model(storage: &dyn Storage) {
    let [episode, note, other] = prepare(storage);
    let of = |n| [episode, note, other].map(|record| vector(record, 0, n)).to_vec();
    apply(storage, vec![put(MODEL, of(1)), put(OTHER, of(2))]);
    let dropped = |model: &str, limit| Op::DropVectors { model: model.into(), limit };
    let before = storage.head().unwrap().seq;
    apply(storage, vec![dropped(MODEL, 0), dropped("unknown", 9), dropped(MODEL, 2)]);
    assert_eq!(storage.head().unwrap().seq, before, "no change");
    assert_eq!(stored(storage, MODEL), of(1)[2..]);
    assert_eq!(stored(storage, OTHER), of(2));
    let counts = storage.stats().unwrap().vectors;
    assert_eq!(counts.iter().find(|(model, _)| **model == *MODEL), Some(&(MODEL.into(), 1)));
    let last = last_seq(storage, OTHER);
    apply(storage, vec![dropped(MODEL, u32::MAX), dropped(OTHER, u32::MAX)]);
    assert_eq!(storage.stats().unwrap().vectors, []);
    sound(storage);
    // A model without vectors may begin with any dimension, and positions go on.
    let short = StoredVector { vector: vec![1.0], ..vector(note, 0, 1) };
    apply(storage, vec![put(OTHER, vec![short.clone()])]);
    assert_eq!(stored(storage, OTHER), [short]);
    assert!(last_seq(storage, OTHER) > last);
    // What a rejected batch dropped is there again.
    reject(storage, vec![dropped(OTHER, 1), Op::Remove(sample::note_id(77).into())]);
    assert_eq!(storage.stats().unwrap().n_vectors(), 1);
}

/// A record may be forgotten while its vectors are made; those of the others are stored.
pub fn vectors_of_unknown_records_are_left_out(storage: &dyn Storage) {
    let [episode, note, other] = prepare(storage);
    let unknown = [RecordId::from(sample::note_id(77)), sample::episode_id(2).into()];
    let mut vectors: Vec<_> = unknown.map(|record| vector(record, 0, 1)).to_vec();
    apply(storage, vec![put(OTHER, vectors.clone())]);
    assert_eq!(storage.stats().unwrap().n_vectors(), 0);
    vectors.extend([vector(episode, 3, 2), vector(unknown[0], 1, 2), vector(note, 0, 3)]);
    apply(storage, vec![Op::Remove(note), put(MODEL, vectors)]);
    assert_eq!(stored(storage, MODEL), [vector(episode, 3, 2)]);
    apply(storage, vec![put(MODEL, vec![vector(other, 0, 4)]), Op::Remove(other)]);
    assert_eq!(stored(storage, MODEL), [vector(episode, 3, 2)]);
    // A model of which nothing was stored may begin with any dimension.
    let short = StoredVector { vector: vec![1.0], ..vector(episode, 0, 1) };
    apply(storage, vec![put(OTHER, vec![short.clone()])]);
    assert_eq!(stored(storage, OTHER), [short]);
    sound(storage);
}

/// A unit has one vector by each, of different dimensions, told apart to the letter.
pub fn vectors_of_several_models_stand_side_by_side(storage: &dyn Storage) {
    let [episode, note, _] = prepare(storage);
    let wide = |record| StoredVector { vector: vec![0.5; 384], ..vector(record, 0, 1) };
    apply(storage, vec![put(MODEL, vec![vector(episode, 0, 1)]), put(OTHER, vec![wide(note)])]);
    apply(storage, vec![put(OTHER, vec![wide(episode)]), put("", vec![vector(note, 0, 5)])]);
    assert_eq!(stored(storage, MODEL), [vector(episode, 0, 1)]);
    assert_eq!(stored(storage, OTHER), [wide(note), wide(episode)]);
    assert_eq!(stored(storage, ""), [vector(note, 0, 5)], "a model without a name");
    for unknown in ["mini", "mini/lm ", "MINI/LM", "mini/lm\0"] {
        assert_eq!(stored(storage, unknown), [], "{unknown}");
    }
    assert_eq!(storage.stats().unwrap().n_vectors(), 4);
}

/// Nothing of the batch is stored, wherever in it the bad vector is and whosever it is.
pub fn vectors_of_a_wrong_dimension_are_rejected(storage: &dyn Storage) {
    let [episode, note, _] = prepare(storage);
    let of = |record, vector: &[f32]| StoredVector {
        vector: vector.to_vec(),
        ..sample::vector(record, 0, 1)
    };
    let unknown = sample::note_id(77).into();
    let wrong = |expected, got| Rejection::Dimension { model: MODEL.into(), expected, got };
    let useless = |id| Rejection::NoVector { model: MODEL.into(), id };
    let cases = |expected: usize| {
        [
            (vec![vector(episode, 1, 1), of(note, &[1.0; 2])], wrong(expected, 2)),
            (vec![vector(episode, 1, 1), of(unknown, &[1.0; 4])], wrong(expected, 4)),
            (vec![of(note, &[])], useless(note)),
            (vec![vector(episode, 1, 1), of(episode, &[0.0, f32::NAN, 0.0])], useless(episode)),
            (vec![of(unknown, &[f32::INFINITY, 0.0, 0.0])], useless(unknown)),
            (vec![of(note, &[0.0, 0.0, f32::NEG_INFINITY])], useless(note)),
        ]
    };
    let reject_all = || {
        for (vectors, expected) in cases(3) {
            let ops = vec![put(OTHER, vec![of(note, &[1.0])]), put(MODEL, vectors)];
            assert_eq!(reject(storage, ops), expected);
        }
    };
    reject_all();
    apply(storage, vec![put(MODEL, vec![vector(note, 0, 1)])]);
    reject_all();
    assert_eq!(reject(storage, vec![put(MODEL, vec![of(note, &[1.0; 2])])]), wrong(3, 2));
    let told = wrong(3, 2).to_string();
    assert!(told.contains(MODEL) && told.contains('3') && told.contains('2'), "{told}");
    // Once the last vector is gone, with its record, another dimension is fine.
    apply(storage, vec![Op::Remove(note), put(MODEL, vec![of(episode, &[1.0; 2])])]);
    sound(storage);
}

/// They are derived: who follows the feed would index their records for nothing.
pub fn vectors_are_not_in_the_change_feed(storage: &dyn Storage) {
    let [episode, note, _] = prepare(storage);
    let before = (storage.head().unwrap(), storage.changes(0, 100).unwrap());
    let ops = [
        put(MODEL, vec![vector(episode, 0, 1), vector(note, 0, 2)]),
        put(OTHER, vec![vector(episode, 0, 1)]),
    ];
    for op in ops {
        assert_eq!(apply(storage, vec![op]).seq, before.0.seq);
        assert_eq!((storage.head().unwrap(), storage.changes(0, 100).unwrap()), before);
    }
    assert_eq!(stored(storage, MODEL), [vector(episode, 0, 1), vector(note, 0, 2)]);
}

/// All that a rejected batch did to vectors is taken back.
pub fn vectors_are_stored_with_their_batch_or_not_at_all(storage: &dyn Storage) {
    let [episode, note, _] = prepare(storage);
    let all = vec![vector(episode, 0, 1), vector(episode, 1, 2), vector(note, 0, 3)];
    for model in sample::MODELS {
        apply(storage, vec![put(model, all.clone())]);
    }
    let new = Note { episode: Some(sample::episode_id(1)), ..sample::note(9) };
    let good = vec![
        insert_note(new.clone()),
        put(MODEL, vec![vector(new.id, 0, 7), vector(note, 0, 8), vector(note, 0, 9)]),
        Op::Remove(episode),
        put(OTHER, vec![vector(note, 5, 1)]),
    ];
    let bad = [
        append(sample::episode_id(77), vec![]),
        put(MODEL, vec![StoredVector { vector: vec![1.0], ..vector(note, 0, 1) }]),
    ];
    for bad in bad {
        for position in 0..=good.len() {
            let mut ops = good.clone();
            ops.insert(position, bad.clone());
            reject(storage, ops);
        }
    }
    apply(storage, good);
    assert_eq!(read_note(storage, new.id).unwrap().episode, None);
    assert_eq!(stored(storage, MODEL), [vector(new.id, 0, 7), vector(note, 0, 9)]);
    assert_eq!(stored(storage, OTHER), [vector(note, 0, 3), vector(note, 5, 1)]);
    sound(storage);
}

/// Each handle learns by position what the other stored, and misses nothing that both write at
/// once.
pub fn a_second_handle_that_follows_the_vectors_misses_nothing(
    first: &dyn Storage,
    second: &dyn Storage,
) {
    const N: u32 = 40;
    let [episode, note, _] = prepare(first);
    let write = |storage: &dyn Storage, record| {
        for part in 0..N {
            let batch = WriteBatch::of(put(MODEL, vec![vector(record, part, 1)]));
            // A store that stays busy for a thousand attempts is not busy, it is stuck.
            let stored = (0..1_000).any(|_| {
                match storage.apply(batch.clone(), memory_core::backend::Durability::Process) {
                    Ok(_) => true,
                    Err(StorageError::Busy) => false,
                    Err(error) => panic!("{error}"),
                }
            });
            assert!(stored, "the store never became free");
        }
    };
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        let writers = [(first, episode), (second, note)]
            .map(|(storage, record)| scope.spawn(move || write(storage, record)));
        let (mut after, mut is_last) = (0, false);
        loop {
            let page = second.vectors(MODEL, after, 7).unwrap();
            assert!(page.iter().all(|row| row.seq > after));
            after = page.last().map_or(after, |row| row.seq);
            if is_last && page.is_empty() {
                break;
            }
            seen.extend(page.into_iter().map(|row| row.vector.unit));
            is_last = writers.iter().all(std::thread::ScopedJoinHandle::is_finished);
        }
    });
    assert_eq!(seen, stored(first, MODEL).iter().map(|one| one.unit).collect::<Vec<_>>());
    assert_eq!(seen.len(), 2 * N as usize);
    sound(second);
}
