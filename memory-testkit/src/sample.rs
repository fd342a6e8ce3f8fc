//! Small records for tests: everything follows from a number, so that two calls give equal records.

use memory_core::backend::{StoredVector, UnitKey};
use memory_core::exchange::MachineId;
use memory_core::{
    Author, Closing, Context, Episode, EpisodeId, Excerpt, Feedback, Note, NoteId, NoteKind,
    Origin, Outcome, RecordId, Relation, RelationKind, Scope, Shown, Source, Step, Timestamp,
};

/// Instant from which samples count, in milliseconds since the Unix epoch.
pub const EPOCH_MS: i64 = 1_750_000_000_000;

/// Models that vectors are made by; the second differs from the first where a careless comparison
/// does not see it.
pub const MODELS: [&str; 2] = ["mini/lm", "Mini/LM"];

/// The vector of a unit, of three numbers that follow from `n`.
#[must_use]
pub fn vector(record: impl Into<RecordId>, part: u32, n: u8) -> StoredVector {
    let x = f32::from(n);
    StoredVector {
        unit: UnitKey { record: record.into(), part },
        content_hash: u64::MAX - u64::from(n),
        vector: vec![x, -x / 3.0, f32::MIN_POSITIVE],
    }
}

fn id_bytes(n: u64) -> [u8; 16] {
    // The shape of a UUIDv7, so that readers which print or parse ids meet real ones; the number
    // lies in the lowest bytes, so ids sort by it.
    let mut bytes = *b"\x01\x98\xf3\xa2\x00\x00\x70\x00\x80\0\0\0\0\0\0\0";
    bytes[9..].copy_from_slice(&n.to_be_bytes()[1..]);
    bytes
}

/// The `n`-th episode id.
#[must_use]
pub fn episode_id(n: u64) -> EpisodeId {
    EpisodeId::from_bytes(id_bytes(n))
}

/// The `n`-th note id.
#[must_use]
pub fn note_id(n: u64) -> NoteId {
    NoteId::from_bytes(id_bytes(n))
}

/// A text that is kept whole.
#[must_use]
pub fn text(text: impl Into<String>) -> Excerpt {
    Excerpt::cut(text.into(), usize::MAX)
}

/// A scope of that name.
#[must_use]
pub fn scope(name: &str) -> Scope {
    Scope::new(name).unwrap()
}

/// The instant `n` seconds after [`EPOCH_MS`].
#[must_use]
pub fn instant(n: u64) -> Timestamp {
    Timestamp::from_millis(EPOCH_MS + i64::try_from(n).unwrap() * 1_000)
}

/// Somebody on another machine.
#[must_use]
pub fn author(n: u8) -> Author {
    Author { name: format!("person {n}").into(), machine: MachineId([n; 16]) }
}

/// A source of the importer `jsonl`.
#[must_use]
pub fn source(external_id: &str) -> Source {
    Source { importer: "jsonl".into(), external_id: external_id.into() }
}

/// Owned labels.
#[must_use]
pub fn labels(labels: &[&str]) -> Vec<Box<str>> {
    labels.iter().map(|label| (*label).into()).collect()
}

/// An open episode with no optional field set.
#[must_use]
pub fn episode(n: u64) -> Episode {
    Episode {
        id: episode_id(n),
        scope: scope("acme/shop"),
        task: text(format!("task {n}")),
        context: Context::default(),
        source: None,
        origin: Origin::Agent,
        author: None,
        started_at: instant(n),
        recorded_at: instant(n),
        relations: Vec::new(),
        shown: Vec::new(),
        feedback: Feedback::default(),
        digest: None,
        n_steps: 0,
        closing: None,
    }
}

/// A completed episode with every field set.
#[must_use]
pub fn full_episode(n: u64) -> Episode {
    Episode {
        context: Context {
            task_type: Some("bugfix".into()),
            language: Some("rust".into()),
            framework: Some("tokio".into()),
            domain: Some("backend".into()),
            tags: labels(&["ci", "flaky"]),
            agent: Some("claude-code".into()),
            model: Some("opus".into()),
            session: Some(format!("session-{n}").into()),
            branch: Some("fix/timeout".into()),
        },
        source: Some(source(&format!("episode-{n}"))),
        origin: Origin::User,
        recorded_at: instant(n + 7),
        relations: vec![Relation { kind: RelationKind::Retries, episode: episode_id(n + 1) }],
        shown: vec![
            Shown { record: note_id(n).into(), strong: true },
            Shown { record: episode_id(n + 2).into(), strong: false },
        ],
        feedback: Feedback { n_helpful: 3, n_unhelpful: 1 },
        digest: Some([1, 0, 255].into()),
        closing: Some(closing(Some(Outcome::Partial))),
        ..episode(n)
    }
}

/// An ending with every field set; `None` is that of an abandoned episode.
#[must_use]
pub fn closing(outcome: Option<Outcome>) -> Closing {
    Closing {
        outcome,
        inferred: None,
        ended_at: instant(500),
        summary: Some(text("raised the limit, one test is still red")),
        artifacts: labels(&["src/pool.rs", "commit 1f2e3d"]),
        reward: Some(0.625),
        surprise: Some(-0.25),
        followed: vec![note_id(3).into(), episode_id(4).into()],
        reflection: Some(text("reading the log first saved a rebuild")),
    }
}

/// An ending whose outcome was inferred.
#[must_use]
pub fn inferred(outcome: Outcome) -> Closing {
    let evidence = Some("the last test is green".into());
    Closing { inferred: evidence, ..closing(Some(outcome)) }
}

/// A step that succeeded, with no optional field set; the storage gives it its place.
#[must_use]
pub fn step(n: u64) -> Step {
    Step {
        idx: 0,
        call_id: None,
        tool: "bash".into(),
        action: None,
        args: text(format!(r#"{{"command":"make {n}"}}"#)),
        observation: text(format!("done {n}")),
        ok: true,
        error: None,
        latency_ms: None,
        n_tokens: None,
        occurred_at: instant(n),
    }
}

/// A step that failed, with every field set.
#[must_use]
pub fn full_step(n: u64) -> Step {
    Step {
        call_id: Some(format!("call-{n}").into()),
        action: Some("cargo".into()),
        ok: false,
        error: Some(text("error[E0382]: borrow of moved value: `pool`")),
        latency_ms: Some(1_234 + n),
        n_tokens: Some(77 + n),
        ..step(n)
    }
}

/// `n` small steps.
#[must_use]
pub fn steps(n: u64) -> Vec<Step> {
    (0..n).map(step).collect()
}

/// A fact with no optional field set.
#[must_use]
pub fn note(n: u64) -> Note {
    Note {
        id: note_id(n),
        kind: NoteKind::Fact,
        scope: scope("acme/shop"),
        text: text(format!("note {n}")),
        speaker: None,
        session: None,
        position: 0,
        tags: Vec::new(),
        source: None,
        origin: Origin::Agent,
        author: None,
        episode: None,
        occurred_at: instant(n),
        recorded_at: instant(n),
        valid_from: None,
        valid_to: None,
        supersedes: None,
        superseded_by: None,
        n_merged: 0,
        merged_at: None,
        feedback: Feedback::default(),
    }
}

/// A note with every field set but its links to other records.
#[must_use]
pub fn full_note(n: u64) -> Note {
    Note {
        kind: NoteKind::Turn,
        speaker: Some("Ada".into()),
        session: Some("planning".into()),
        position: 3,
        tags: labels(&["db", "pool"]),
        source: Some(source(&format!("note-{n}"))),
        origin: Origin::Tool,
        recorded_at: instant(n + 9),
        n_merged: 2,
        merged_at: Some(instant(n + 11)),
        feedback: Feedback { n_helpful: 0, n_unhelpful: 5 },
        valid_from: Some(instant(1)),
        valid_to: Some(instant(1_000)),
        ..note(n)
    }
}
