//! Claims about variety: what repeats steps back, what says something else does not.

use super::*;
use crate::clock::StepClock;
use crate::embed::{EmbedError, Role};
use crate::intake::{Completion, NewEpisode, NewNote};
use crate::model::{NoteKind, Outcome, Scope, Timestamp};
use crate::retrieve::Hit;
use crate::storage::MemStorage;

const TASK: &str = "Repair the login page of the shop";

/// Counts of letters: equal texts have equal vectors, and different ones hardly.
struct Letters;

impl Embedder for Letters {
    fn id(&self) -> &'static str {
        "letters/1"
    }

    fn dimension(&self) -> usize {
        26 * 26
    }

    fn batch_limit(&self) -> usize {
        8
    }

    fn embed(&self, _: Role, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let vector = |text: &&str| {
            let mut vector = vec![0.0; 26 * 26];
            let letters: Vec<usize> = text
                .bytes()
                .filter(u8::is_ascii_alphabetic)
                .map(|b| usize::from(b.to_ascii_lowercase() - b'a'))
                .collect();
            for pair in letters.windows(2) {
                vector[pair[0] * 26 + pair[1]] += 1.0;
            }
            let length = vector.iter().map(|x: &f32| x * x).sum::<f32>().sqrt().max(1.0);
            vector.iter().map(|x| x / length).collect()
        };
        Ok(texts.iter().map(vector).collect())
    }
}

fn memory(embedder: Option<Arc<dyn Embedder>>) -> Memory {
    let clock = Arc::new(StepClock::new(Timestamp::from_millis(1_700_000_000_000), 1_000));
    let storage = Arc::new(MemStorage::new());
    Memory::builder(storage).clock(clock).embedder(embedder).open().unwrap()
}

fn run(memory: &Memory, task: &str, outcome: Outcome, summary: &str) -> RecordId {
    let id = memory.start(NewEpisode::new(Scope::new("shop").unwrap(), task)).unwrap().value;
    let summary = Some(summary.to_owned()).filter(|summary| !summary.is_empty());
    let completion = Completion { outcome: Some(outcome), summary, ..Completion::default() };
    memory.finish(id, completion).unwrap();
    id.into()
}

/// Remembers other things, so that the words of the task carry information.
fn others(memory: &Memory) {
    for (n, thing) in ["orchard", "river", "violin", "quarry", "jumble"].into_iter().enumerate() {
        for verb in ["Water", "Measure", "Describe", "Visit"] {
            run(memory, &format!("{verb} {thing} number {n}"), Outcome::Success, "");
        }
    }
}

/// Returns the counts of the attempts for which the hit of the task stands; there is one such hit.
fn attempts(hits: &[Hit]) -> (u32, u32) {
    let of_task = |hit: &&Hit| matches!(&hit.record, Record::Episode(e) if e.task.as_str() == TASK);
    let found: Vec<&Hit> = hits.iter().filter(of_task).collect();
    assert_eq!(found.len(), 1, "attempts at one task are one hit");
    let attempts = found[0].attempts.as_ref().unwrap();
    (attempts.n, attempts.n_succeeded)
}

/// Six runs of one task that ended well, one that did not, and one of a task that is near it.
fn runs(memory: &Memory, summaries: [&str; 6]) -> (RecordId, RecordId) {
    others(memory);
    for summary in summaries {
        run(memory, TASK, Outcome::Success, summary);
    }
    let failure = run(memory, TASK, Outcome::Failure, "");
    let near = run(memory, "The login of the shop is slow", Outcome::Success, "");
    memory.embed_all().unwrap();
    (failure, near)
}

fn found(memory: &Memory, query: &Query) -> Vec<RecordId> {
    memory.recall(query).unwrap().hits.iter().map(|hit| hit.record.id()).collect()
}

#[test]
fn runs_of_one_task_do_not_fill_an_answer() {
    let memory = memory(Some(Arc::new(Letters)));
    let (failure, near) = runs(&memory, [""; 6]);
    let query = Query { limit: Some(3), ..Query::new(TASK) };
    let various = memory.recall(&query).unwrap().hits;
    assert_eq!(attempts(&various), (7, 6));
    assert!(various.iter().any(|hit| hit.record.id() == near));
    assert_ne!(various[0].record.id(), failure, "the best attempt stands for them");
    let plain = found(&memory, &Query { variety: false, ..query });
    assert!(!plain.contains(&near), "by score alone the runs come first");
}

#[test]
fn summaries_in_other_words_do_not_hide_that_a_task_is_the_same() {
    let memory = memory(Some(Arc::new(Letters)));
    runs(&memory, ["done", "ok", "fine", "good", "yes", "well"]);
    let hits = memory.recall(&Query { limit: Some(8), ..Query::new(TASK) }).unwrap().hits;
    assert_eq!(attempts(&hits), (7, 6));
}

#[test]
fn without_vectors_runs_are_known_by_their_text() {
    let memory = memory(None);
    let (_, near) = runs(&memory, [""; 6]);
    let various = memory.recall(&Query { limit: Some(3), ..Query::new(TASK) }).unwrap().hits;
    assert_eq!(attempts(&various), (7, 6));
    assert!(various.iter().any(|hit| hit.record.id() == near));
}

#[test]
fn a_penalty_is_a_term_of_the_score_and_scores_still_fall() {
    let memory = memory(Some(Arc::new(Letters)));
    others(&memory);
    // Other tasks, but hardly: attempts at one task would be one hit.
    for day in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        run(&memory, &format!("{TASK} {day}"), Outcome::Success, "");
    }
    memory.embed_all().unwrap();
    let hits = memory.recall(&Query { limit: Some(8), ..Query::new(TASK) }).unwrap().hits;
    assert_eq!(hits.len(), 8, "nothing is left out");
    assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    let penalty = |hit: &Hit| hit.terms.iter().find(|(name, _)| *name == "variety").copied();
    assert!(hits.iter().any(|hit| penalty(hit).is_some_and(|(_, value)| value < 0.0)));
    assert_eq!(penalty(&hits[0]), None);
}

#[test]
fn copies_of_a_note_step_back_and_turns_that_are_alike_do_not() {
    let memory = memory(Some(Arc::new(Letters)));
    let note = |scope: &str, kind, text: &str| {
        let note = NewNote::new(Scope::new(scope).unwrap(), kind, text);
        RecordId::from(memory.remember(note).unwrap().value.id())
    };
    for thing in ["orchard", "river", "violin", "quarry", "jumble", "waltz", "pixel", "oxide"] {
        note("shop", NoteKind::Lesson, &format!("Cover any {thing} by night"));
    }
    // Within a scope they would be told as one.
    for scope in ["shop", "app", "site"] {
        note(scope, NoteKind::Lesson, "Run the linter before the tests");
    }
    let other = note("shop", NoteKind::Lesson, "Run the linter before the review");
    for _ in 0..3 {
        note("shop", NoteKind::Turn, "Shall we deploy the blue version now");
    }
    note("shop", NoteKind::Turn, "Shall we deploy it");
    memory.embed_all().unwrap();
    let kinds = vec![crate::HitKind::Note(NoteKind::Lesson)];
    let text = "Run the linter before the tests";
    let lessons = found(&memory, &Query { limit: Some(2), kinds, ..Query::new(text) });
    assert_eq!(lessons[1], other);
    let turns = Query { limit: Some(4), ..Query::new("Shall we deploy the blue version now") };
    let plain = Query { variety: false, ..turns.clone() };
    assert_eq!(found(&memory, &turns), found(&memory, &plain));
}
