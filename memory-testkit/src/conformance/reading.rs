//! Reads return what was written.

use memory_core::backend::{Durability, Found, StepRange, WriteBatch};
use memory_core::{
    Closing, Context, Episode, Excerpt, Note, NoteKind, Outcome, Step, Storage, StorageStats,
    Timestamp,
};
use memory_core::{RecordFilter, RecordId, RecordKind};

use super::store::{
    append, apply, insert_episode, insert_note, read_episode, read_note, read_steps,
};
use crate::{read, sample};

/// Every reading of a new store says that nothing is there.
pub fn a_new_store_is_empty(storage: &dyn Storage) {
    assert_eq!(storage.head().unwrap().seq, 0);
    assert_eq!(storage.changes(0, 10).unwrap(), []);
    for kind in [RecordKind::Episode, RecordKind::Note] {
        assert_eq!(storage.list(kind, &RecordFilter::default(), None, 10).unwrap(), []);
        assert_eq!(storage.find(kind, &[sample::source("x")]).unwrap(), [Found::Unknown]);
    }
    let stats = storage.stats().unwrap();
    assert_eq!(StorageStats { size_bytes: 0, ..stats }, StorageStats::default());
    assert_eq!(storage.check().unwrap(), Vec::<String>::new());
    storage.flush().unwrap();
}

/// All fields set, and no optional field set.
pub fn episodes_are_read_back_as_they_were_written(storage: &dyn Storage) {
    for episode in [sample::episode(1), sample::full_episode(2)] {
        apply(storage, vec![insert_episode(episode.clone(), vec![])]);
        assert_eq!(read_episode(storage, episode.id), Some(episode));
    }
}

/// An episode may be stored whole, after its end: as an importer does.
pub fn a_finished_episode_is_stored_whole(storage: &dyn Storage) {
    let closings = Outcome::ALL.iter().copied().map(Some).chain([None]);
    for (n, outcome) in closings.enumerate() {
        let mut episode = sample::full_episode(n as u64);
        episode.closing = Some(sample::closing(outcome));
        apply(storage, vec![insert_episode(episode.clone(), sample::steps(3))]);
        episode.n_steps = 3;
        assert_eq!(read_episode(storage, episode.id), Some(episode));
    }
}

/// An ending with every field, and one with none.
pub fn endings_are_read_back_as_they_were_written(storage: &dyn Storage) {
    let bare = Closing {
        outcome: None,
        inferred: None,
        ended_at: sample::instant(3),
        summary: None,
        artifacts: vec![],
        reward: None,
        surprise: None,
        followed: vec![],
        reflection: None,
    };
    let rewards = [None, Some(0.0), Some(1.0), Some(0.1 + 0.2), Some(f64::MIN_POSITIVE)];
    let with_reward = |reward| Closing { reward, ..sample::closing(Some(Outcome::Success)) };
    for (n, closing) in [bare].into_iter().chain(rewards.map(with_reward)).enumerate() {
        let mut episode = sample::episode(n as u64);
        let close = memory_core::backend::Op::Close {
            episode: episode.id,
            closing: Box::new(closing.clone()),
        };
        apply(storage, vec![insert_episode(episode.clone(), vec![]), close]);
        episode.closing = Some(closing);
        assert_eq!(read_episode(storage, episode.id), Some(episode));
    }
}

/// With all fields set, and with none.
pub fn steps_are_read_back_as_they_were_written(storage: &dyn Storage) {
    let id = sample::episode_id(1);
    let written = [sample::step(0), sample::full_step(1), sample::step(2)];
    apply(storage, vec![insert_episode(sample::episode(1), written.to_vec())]);
    let mut expected = written.to_vec();
    (0..).zip(&mut expected).for_each(|(idx, step)| step.idx = idx);
    assert_eq!(read_steps(storage, id), expected);
}

/// Every kind, with all fields set, and with none.
pub fn notes_are_read_back_as_they_were_written(storage: &dyn Storage) {
    apply(storage, vec![insert_episode(sample::episode(1), vec![])]);
    for (n, kind) in (1_u64..).zip(NoteKind::ALL) {
        let bare = Note { kind: *kind, ..sample::note(n * 2) };
        let episode = Some(sample::episode_id(1));
        let full = Note { kind: *kind, episode, ..sample::full_note(n * 2 + 1) };
        apply(storage, vec![insert_note(bare.clone()), insert_note(full.clone())]);
        assert_eq!(read_note(storage, bare.id), Some(bare));
        assert_eq!(read_note(storage, full.id), Some(full));
    }
}

/// Texts that storages tend to trip over, the last one of a megabyte.
pub(super) fn odd_texts() -> Vec<String> {
    let odd = [
        "",
        " ",
        "\0",
        "before\0after",
        "NULL",
        "0x00",
        "'; DROP TABLE episodes; --",
        "\"quoted\" \\ `back`",
        "%_*?[a-z]",
        "line\nline\r\nline\rline\u{2028}line",
        "déjà vu, de\u{301}ja\u{300}",
        "日本語 한국어 中文",
        "שלום \u{202e}عربى",
        "👩‍👩‍👧‍👦 🏳️‍🌈",
        "\u{feff}\u{fffe}\u{ffff}\u{10ffff}\u{7f}\u{1b}[31m",
        "{\"json\": [1, null, \"\\u0000\"]}",
    ];
    let huge = "stack overflow at frame ü\n".repeat(40_000);
    odd.into_iter().map(str::to_owned).chain([huge]).collect()
}

/// In every field that takes a text: empty, with NUL, Unicode, quotes, a megabyte.
pub fn odd_texts_survive(storage: &dyn Storage) {
    for (n, odd) in (0_u64..).zip(odd_texts()) {
        let (text, label) = (|| sample::text(odd.clone()), || Some(odd.clone().into_boxed_str()));
        let source = memory_core::Source {
            importer: odd.clone().into(),
            external_id: format!("{odd}{n}").into(),
        };
        let mut episode = Episode {
            task: text(),
            context: Context {
                task_type: label(),
                language: label(),
                framework: label(),
                domain: label(),
                tags: vec![odd.clone().into()],
                agent: label(),
                model: label(),
                session: label(),
                branch: label(),
            },
            source: Some(source.clone()),
            closing: Some(Closing {
                summary: Some(text()),
                artifacts: vec![odd.clone().into(), "".into(), odd.clone().into()],
                reflection: Some(text()),
                ..sample::closing(Some(Outcome::Success))
            }),
            ..sample::full_episode(n)
        };
        let step = Step {
            tool: odd.clone().into(),
            action: label(),
            args: text(),
            observation: text(),
            error: Some(text()),
            ..sample::full_step(n)
        };
        let note = Note {
            text: text(),
            speaker: label(),
            session: label(),
            tags: vec![odd.clone().into()],
            source: Some(source.clone()),
            ..sample::full_note(n)
        };
        let insert = insert_episode(episode.clone(), vec![step.clone()]);
        apply(storage, vec![insert, insert_note(note.clone())]);
        episode.n_steps = 1;
        let seen: String = odd.chars().take(40).collect();
        assert!(read_episode(storage, episode.id) == Some(episode.clone()), "episode of {seen:?}");
        assert!(read_steps(storage, episode.id) == [step], "step of {seen:?}");
        assert!(read_note(storage, note.id).as_ref() == Some(&note), "note of {seen:?}");
        let found = storage.find(RecordKind::Episode, std::slice::from_ref(&source)).unwrap();
        assert_eq!(found, [Found::Stored(episode.id.into())], "source of {seen:?}");
    }
}

/// Counts and lengths are kept up to `i64::MAX`, which is all that SQLite's integers hold; what is
/// above is not portable and never arises (it would be 292 million years in milliseconds).
pub fn extreme_numbers_and_instants_survive(storage: &dyn Storage) {
    let most = u64::try_from(i64::MAX).unwrap();
    for (n, ms) in [(1, i64::MIN), (2, i64::MAX), (3, -1), (4, 0)] {
        let at = Timestamp::from_millis(ms);
        let mut episode = Episode { started_at: at, recorded_at: at, ..sample::full_episode(n) };
        episode.closing = Some(Closing { ended_at: at, ..sample::closing(None) });
        let step = Step {
            latency_ms: Some(most),
            n_tokens: Some(most - 1),
            args: Excerpt::from_parts("kept".to_owned(), most),
            observation: Excerpt::from_parts(String::new(), u64::from(u32::MAX) + 1),
            occurred_at: at,
            ..sample::full_step(n)
        };
        let note = Note {
            position: u32::MAX,
            occurred_at: at,
            recorded_at: at,
            valid_from: Some(at),
            valid_to: Some(at),
            ..sample::full_note(n)
        };
        let zero = Step { latency_ms: Some(0), n_tokens: Some(0), ..sample::step(n) };
        let insert = insert_episode(episode.clone(), vec![step.clone(), Step { idx: 1, ..zero }]);
        apply(storage, vec![insert, insert_note(note.clone())]);
        episode.n_steps = 2;
        let (id, read) = (episode.id, read_steps(storage, episode.id));
        assert_eq!(read_episode(storage, id), Some(episode));
        assert_eq!(read[0], step);
        assert_eq!((read[1].latency_ms, read[1].n_tokens), (Some(0), Some(0)));
        assert_eq!(read_note(storage, note.id), Some(note));
    }
}

/// An excerpt knows how long its original was, in every field that holds one.
pub fn excerpts_keep_the_length_of_their_original(storage: &dyn Storage) {
    let cut = || Excerpt::cut("long and longer ".repeat(100), 64);
    let mut episode = Episode { task: cut(), ..sample::full_episode(1) };
    episode.closing = Some(Closing {
        summary: Some(cut()),
        reflection: Some(cut()),
        ..sample::closing(Some(Outcome::Failure))
    });
    let step = Step { args: cut(), observation: cut(), error: Some(cut()), ..sample::full_step(1) };
    let note = Note { text: cut(), ..sample::note(1) };
    let insert = insert_episode(episode.clone(), vec![step.clone()]);
    apply(storage, vec![insert, insert_note(note.clone())]);
    episode.n_steps = 1;
    let id = episode.id;
    assert_eq!(read_episode(storage, id), Some(episode));
    assert_eq!(read_steps(storage, id), [step]);
    assert_eq!(read_note(storage, note.id), Some(note));
}

/// Also where an id is asked for twice or unknown.
pub fn answers_follow_the_order_of_the_ids(storage: &dyn Storage) {
    let mut ops = Vec::new();
    for n in 0..5 {
        ops.push(insert_episode(sample::episode(n), sample::steps(n)));
        ops.push(insert_note(sample::note(n)));
    }
    apply(storage, ops);
    let asked = [3_u64, 0, 77, 4, 3, 1];
    let stored = |n: &u64| (*n < 5).then_some(*n);

    let episodes = read::episodes(storage, &asked.map(sample::episode_id));
    let expected = asked.iter().map(|n| stored(n).map(sample::episode_id));
    assert!(episodes.iter().map(|e| e.as_ref().map(|e| e.id)).eq(expected), "{episodes:?}");
    let notes = read::notes(storage, &asked.map(sample::note_id));
    let expected = asked.iter().map(|n| stored(n).map(sample::note_id));
    assert!(notes.iter().map(|note| note.as_ref().map(|note| note.id)).eq(expected), "{notes:?}");
    let whole = |n| StepRange { episode: sample::episode_id(n), from: 0, limit: 100 };
    let steps = storage.steps(&asked.map(whole)).unwrap();
    let lengths: Vec<usize> = steps.iter().map(Vec::len).collect();
    assert_eq!(lengths, [3, 0, 0, 4, 3, 1]);
    assert_eq!(read::episodes(storage, &[]), []);
    assert_eq!(read::notes(storage, &[]), []);
    assert_eq!(storage.steps(&[]).unwrap(), Vec::<Vec<Step>>::new());
    assert_eq!(storage.find(RecordKind::Note, &[]).unwrap(), []);
}

/// An id names a record of its own kind only.
pub fn unknown_ids_have_no_record(storage: &dyn Storage) {
    apply(storage, vec![insert_episode(sample::episode(1), sample::steps(1))]);
    apply(storage, vec![insert_note(sample::note(2))]);
    assert_eq!(read_episode(storage, sample::episode_id(2)), None);
    assert_eq!(read_note(storage, sample::note_id(1)), None);
    assert_eq!(read_steps(storage, sample::episode_id(2)), []);
}

/// More ids than a statement of SQL may have parameters.
pub fn tens_of_thousands_of_ids_are_read_in_one_call(storage: &dyn Storage) {
    let last = 39_999;
    let full = sample::full_episode(last);
    apply(storage, vec![insert_episode(full, vec![]), insert_note(sample::full_note(last))]);
    let n_found = |found: Vec<bool>| {
        assert_eq!(found.len(), 40_000);
        assert!(found[39_999], "the last one is there");
        found.into_iter().filter(|found| *found).count()
    };
    let ids: Vec<_> = (0..=last).map(sample::episode_id).collect();
    let episodes = read::episodes(storage, &ids);
    assert_eq!(n_found(episodes.iter().map(Option::is_some).collect()), 1);
    let ids: Vec<_> = (0..=last).map(sample::note_id).collect();
    let notes = read::notes(storage, &ids);
    assert_eq!(n_found(notes.iter().map(Option::is_some).collect()), 1);
    let sources: Vec<_> = (0..=last).map(|n| sample::source(&format!("note-{n}"))).collect();
    let found = storage.find(RecordKind::Note, &sources).unwrap();
    assert_eq!(n_found(found.iter().map(|found| found.id().is_some()).collect()), 1);
}

/// From any position, by any number, also of the same episode twice.
pub fn steps_are_read_by_range(storage: &dyn Storage) {
    let episode = sample::episode_id(1);
    apply(storage, vec![insert_episode(sample::episode(1), sample::steps(10))]);
    let cases = [
        ((0, 3), 0..3),
        ((7, 3), 7..10),
        ((7, 100), 7..10),
        ((2, 0), 0..0),
        ((10, 5), 0..0),
        ((u32::MAX, u32::MAX), 0..0),
        ((9, u32::MAX), 9..10),
        ((0, 3), 0..3),
    ];
    let range = |(from, limit)| StepRange { episode, from, limit };
    let ranges: Vec<StepRange> = cases.iter().map(|(asked, _)| range(*asked)).collect();
    let answers = storage.steps(&ranges).unwrap();
    assert_eq!(answers.len(), cases.len());
    for ((asked, expected), answer) in cases.iter().zip(answers) {
        let got: Vec<u32> = answer.iter().map(|step| step.idx).collect();
        assert_eq!(got, expected.clone().collect::<Vec<_>>(), "from and limit {asked:?}");
    }
}

/// Batches that must survive a power cut are read like the rest, and may be flushed at any time.
pub fn either_durability_stores_the_same(storage: &dyn Storage) {
    for (n, durability) in [(1, Durability::Process), (2, Durability::Power)] {
        let batch = WriteBatch::of(insert_episode(sample::episode(n), sample::steps(1)));
        storage.apply(batch, durability).unwrap();
        storage
            .apply(WriteBatch::of(append(sample::episode_id(n), sample::steps(1))), durability)
            .unwrap();
        storage.flush().unwrap();
        assert_eq!(read_steps(storage, sample::episode_id(n)).len(), 2);
    }
}

/// Episodes, open ones, steps, notes and records per scope.
pub fn stats_count_what_is_stored(storage: &dyn Storage) {
    let elsewhere = |n| Note { scope: sample::scope("acme/api"), ..sample::note(n) };
    apply(
        storage,
        vec![
            insert_episode(sample::episode(1), sample::steps(4)),
            insert_episode(sample::full_episode(2), sample::steps(3)),
            insert_note(elsewhere(1)),
            insert_note(Note { supersedes: Some(sample::note_id(1)), ..elsewhere(2) }),
            insert_note(sample::note(3)),
        ],
    );
    let stats = storage.stats().unwrap();
    let expected = StorageStats {
        n_episodes: 2,
        n_open: 1,
        n_steps: 7,
        n_notes: 3,
        vectors: Vec::new(),
        size_bytes: stats.size_bytes,
        scopes: vec![("acme/api".into(), 2), ("acme/shop".into(), 3)],
    };
    assert_eq!(stats, expected);
    assert!(stats.size_bytes > 0, "something takes space");
    let gone = [RecordId::from(sample::episode_id(1)), sample::note_id(1).into()];
    apply(storage, gone.map(memory_core::backend::Op::Remove).to_vec());
    apply(storage, vec![memory_core::backend::Op::Remove(sample::note_id(2).into())]);
    let stats = storage.stats().unwrap();
    assert_eq!((stats.n_episodes, stats.n_open, stats.n_steps, stats.n_notes), (1, 0, 3, 1));
    assert_eq!(*stats.scopes, [("acme/shop".into(), 2)], "an empty scope is none");
}
