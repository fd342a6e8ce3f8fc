//! Claims about advice, cures and reflections, and how they follow the storage.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use super::advice::Basis;
use super::snapshot_tests::Counting;
use super::*;
use crate::clock::StepClock;
use crate::intake::{Completion, NewEpisode, NewNote, NewStep};
use crate::learn::PatternQuery;
use crate::model::{NoteKind, Outcome, Scope, Timestamp};
use crate::stats::Posterior;
use crate::storage::{MemStorage, Op, episodes};

fn on<S: Storage + 'static>(storage: &Arc<S>) -> Memory {
    let seq = storage.head().unwrap().seq;
    let from = 1_760_000_000_000 + i64::try_from(seq).unwrap() * 1_000_000;
    let clock = Arc::new(StepClock::new(Timestamp::from_millis(from), 1_000));
    let shared = Arc::<S>::clone(storage);
    let memory = Memory::builder(shared).clock(clock).open().unwrap();
    memory.refresh().unwrap();
    memory
}

fn memory() -> Memory {
    on(&Arc::new(MemStorage::new()))
}

fn scope() -> Scope {
    Scope::new("acme/shop").unwrap()
}

fn step(tool: &str, path: &str, error: Option<&str>) -> NewStep {
    NewStep {
        tool: tool.into(),
        args: format!(r#"{{"path":"{path}"}}"#),
        error: error.map(Into::into),
        ..NewStep::default()
    }
}

/// Records a whole attempt at a task.
fn attempt(memory: &Memory, task: &str, steps: Vec<NewStep>, outcome: Outcome) -> EpisodeId {
    let id = memory.start(NewEpisode::new(scope(), task)).unwrap().value;
    memory.log(id, steps).unwrap();
    let completion = Completion { outcome: Some(outcome), ..Completion::default() };
    memory.finish(id, completion).unwrap();
    id
}

const MISSING: &str = "No such file or directory: 'conf/app.toml'";

/// Returns steps in which the edit fails until the file is searched.
fn cured() -> Vec<NewStep> {
    vec![
        step("edit", "conf/app.toml", Some(MISSING)),
        step("find", "app.toml", None),
        step("edit", "config/app.toml", None),
    ]
}

/// Returns steps in which plain retries of the edit fail.
fn stuck() -> Vec<NewStep> {
    (0..3).map(|_| step("edit", "conf/app.toml", Some(MISSING))).collect()
}

const TASK: &str = "Raise the timeout of the payment client";

#[test]
fn an_error_is_answered_with_its_cure_from_the_first_success_on() {
    let memory = memory();
    let met = |memory: &Memory| {
        let id = memory.start(NewEpisode::new(scope(), "another task")).unwrap().value;
        let first = memory.log(id, vec![step("ls", ".", None)]).unwrap().value;
        assert_eq!(first.known_errors, [], "steps without an error are not looked up");
        let error = "No such file or directory: 'etc/other.toml'";
        let steps = vec![step("ls", ".", None), step("edit", "etc/other.toml", Some(error))];
        memory.log(id, steps).unwrap().value
    };
    assert_eq!(met(&memory).known_errors, []);
    attempt(&memory, TASK, stuck(), Outcome::Failure);
    for n in 0..3 {
        let known = met(&memory).known_errors;
        let [known] = known.as_slice() else { panic!("{known:?}") };
        let seen: Vec<u32> = known.cures.iter().map(|cure| cure.n_resolved).collect();
        assert_eq!(seen, if n == 0 { vec![] } else { vec![n] }, "after {n} cures: {known:?}");
        assert!(known.cures.iter().all(|cure| !cure.is_confirmed), "{known:?}");
        attempt(&memory, TASK, cured(), Outcome::Success);
    }
    let logged = met(&memory);
    let [known] = logged.known_errors.as_slice() else { panic!("{logged:?}") };
    assert_eq!((logged.n_steps, known.step_idx, known.tool.as_str()), (3, 2, "edit"));
    assert_eq!((known.n_episodes, known.n_resolved), (4, 3));
    let [cure] = known.cures.as_slice() else { panic!("{known:?}") };
    assert_eq!(cure.text, "use `find` first, then retry `edit` with another `path`");
    assert_eq!((cure.n_tried, cure.n_resolved, cure.is_confirmed), (3, 3, false));
    let shown = cure.demonstration.as_ref().unwrap();
    assert_eq!(shown.change.as_deref(), Some("path: `conf/app.toml` → `config/app.toml`"));
}

#[test]
fn errors_of_the_episode_and_what_a_recall_finds_are_looked_at_before_nothing_is_known() {
    let memory = memory();
    for _ in 0..3 {
        attempt(&memory, TASK, cured(), Outcome::Success);
    }
    // Nobody knows how it ended, so it counts nowhere; it is found all the same.
    let other = "Translate the invoices into Portuguese";
    let open = memory.start(NewEpisode::new(scope(), other)).unwrap().value;
    let own = memory.start(NewEpisode::new(scope(), other)).unwrap().value;
    memory.log(own, stuck()).unwrap();
    let advice = memory.recommend_for(own, &scope(), 400).unwrap();
    assert!(advice.is_experienced && advice.expected.is_none(), "{advice:?}");
    let hits: Vec<RecordId> = advice.hits.iter().map(|hit| hit.record.id()).collect();
    assert_eq!(hits, [open.into()], "the episode itself is no experience");
    let [known] = advice.known_errors.as_slice() else { panic!("{advice:?}") };
    assert_eq!(known.cures[0].n_resolved, 3);
    let foreign = Scope::new("acme/other").unwrap();
    assert!(!memory.recommend(other, &foreign, 400).unwrap().is_experienced);
}

#[test]
fn an_open_error_is_told_once() {
    let memory = memory();
    for _ in 0..3 {
        attempt(&memory, TASK, cured(), Outcome::Success);
    }
    let before = memory.recommend(TASK, &scope(), 400).unwrap().text;
    assert!(before.contains("What will probably go wrong"), "{before}");
    let own = memory.start(NewEpisode::new(scope(), TASK)).unwrap().value;
    memory.log(own, vec![step("edit", "conf/app.toml", Some(MISSING))]).unwrap();
    let advice = memory.recommend_for(own, &scope(), 400).unwrap();
    assert_eq!(advice.known_errors.len(), 1, "{advice:?}");
    assert!(!advice.text.contains("What will probably go wrong"), "{}", advice.text);
}

#[test]
fn advice_says_where_such_work_was_done() {
    let memory = memory();
    attempt(&memory, TASK, cured(), Outcome::Success);
    let text = memory.recommend("raise the timeout again", &scope(), 400).unwrap().text;
    assert!(text.contains("Where such work was done (n× changed): config/app.toml 1×"), "{text}");
    let hits = memory.recall(&Query::new(TASK)).unwrap().hits;
    assert!(hits[0].text.contains("changed config/app.toml"), "{}", hits[0].text);
    let Record::Episode(episode) = &hits[0].record else { panic!("{hits:?}") };
    let synopsis = memory.synopsis(episode).unwrap();
    assert!(synopsis.len() <= 240 && hits[0].text.contains(&synopsis), "{synopsis}");
}

#[test]
fn advice_names_what_worked_with_counts_and_episodes() {
    let memory = memory();
    let nothing = memory.recommend(TASK, &scope(), 400).unwrap();
    assert!(!nothing.is_experienced && nothing.expected.is_none(), "{nothing:?}");
    assert!(nothing.text.starts_with("No attempt at such a task is known."), "{}", nothing.text);
    let good = attempt(&memory, TASK, cured(), Outcome::Success);
    let bad = attempt(&memory, TASK, stuck(), Outcome::Failure);
    let advice =
        memory.recommend("raise the timeout of the PAYMENT client!", &scope(), 400).unwrap();
    assert_eq!((advice.n_runs, advice.n_same_task), (2, 2));
    assert_eq!(advice.evidence, [bad, good]);
    let Posterior { mean, lower, upper, .. } = advice.expected.unwrap();
    assert!(0.0 < lower && lower < mean && mean < upper && upper < 1.0, "{advice:?}");
    for part in ["2 attempts at this task before: 1 succeeded", "`find`", "path=config/app.toml"] {
        assert!(advice.text.contains(part), "{part}: {}", advice.text);
    }
    let elsewhere = Scope::new("other").unwrap();
    assert!(!memory.recommend(TASK, &elsewhere, 400).unwrap().is_experienced);
    let everywhere = memory.recommend(TASK, None, 400).unwrap();
    assert_eq!((everywhere.n_same_task, everywhere.evidence), (2, vec![bad, good]));
}

#[test]
fn advice_keeps_its_budget_and_refuses_what_makes_no_sense() {
    let memory = memory();
    for _ in 0..3 {
        attempt(&memory, TASK, cured(), Outcome::Success);
    }
    for max_tokens in [1, 20, 60, 400] {
        let text = memory.recommend(TASK, &scope(), max_tokens).unwrap().text;
        assert!(text.len() <= max_tokens.max(40) * 4, "{max_tokens}: {text}");
    }
    let refused = memory.recommend(" ", &scope(), 400);
    assert!(matches!(refused, Err(Error::Invalid { field: "task", .. })), "{refused:?}");
    let refused = memory.recommend(TASK, &scope(), 0);
    assert!(matches!(refused, Err(Error::Invalid { field: "max_tokens", .. })), "{refused:?}");
}

#[test]
fn a_reflection_compares_an_episode_with_those_before_it() {
    let memory = memory();
    let good = attempt(&memory, TASK, cured(), Outcome::Success);
    let first = memory.reflect(good).unwrap();
    assert_eq!((first.reward, first.request), (Some(1.0), None), "{}", first.text);
    let bad = attempt(&memory, TASK, stuck(), Outcome::Failure);
    let reflection = memory.reflect(bad).unwrap();
    assert_eq!(reflection.reward, Some(0.0));
    assert!(reflection.surprise < Some(0.0));
    assert!(reflection.text.contains(&good.to_string()), "{}", reflection.text);
    assert!(reflection.request.unwrap().contains("at most 3 lessons"));
    // Later attempts do not change it.
    attempt(&memory, TASK, cured(), Outcome::Success);
    assert_eq!(memory.reflect(bad).unwrap().text, reflection.text);
    let open = memory.start(NewEpisode::new(scope(), TASK)).unwrap().value;
    assert!(matches!(memory.reflect(open), Err(Error::Conflict { .. })));
    let unknown = EpisodeId::from_bytes([9; 16]);
    assert!(matches!(memory.reflect(unknown), Err(Error::NotFound { .. })));
}

#[test]
fn contradictions_among_lessons_are_asked_about() {
    let memory = memory();
    let old = "The payment client reads conf/app.toml and not the environment";
    memory.remember(NewNote::new(scope(), NoteKind::Lesson, old)).unwrap();
    let id = memory.start(NewEpisode::new(scope(), TASK)).unwrap().value;
    let lessons = vec!["The payment client reads conf/app.toml and the environment".to_owned()];
    let completion =
        Completion { outcome: Some(Outcome::Success), lessons, ..Completion::default() };
    let request = memory.finish(id, completion).unwrap().value.reflection.request.unwrap();
    assert!(request.contains(old) && request.contains("Which of these notes holds?"), "{request}");
}

#[test]
fn what_another_process_recorded_imported_or_forgot_is_learned_at_once() {
    let storage = Arc::new(MemStorage::new());
    let (one, other) = (on(&storage), on(&storage));
    let id = attempt(&one, TASK, cured(), Outcome::Success);
    assert_eq!(other.recommend(TASK, &scope(), 400).unwrap().evidence, [id]);
    other.forget(&[id.into()]).unwrap();
    assert!(!one.recommend(TASK, &scope(), 400).unwrap().is_experienced);
    let source = crate::model::Source { importer: "jsonl".into(), external_id: "1".into() };
    let new = NewEpisode { source: Some(source), ..NewEpisode::new(scope(), TASK) };
    let ended = Completion { outcome: Some(Outcome::Failure), ..Completion::default() };
    let import =
        || vec![Import::Episode(Box::new(new.clone()), stuck(), Some(Box::new(ended.clone())))];
    assert_eq!(one.import(import()).unwrap().value.n_new, 1);
    assert_eq!(one.import(import()).unwrap().value.n_new, 0);
    let advice = other.recommend(TASK, &scope(), 400).unwrap();
    assert_eq!((advice.n_runs, advice.n_same_task), (1, 1), "imported twice counts once");
}

#[test]
fn the_digest_is_stored_with_the_end_and_questions_write_nothing() {
    let storage = Arc::new(MemStorage::new());
    let memory = on(&storage);
    let id = attempt(&memory, TASK, cured(), Outcome::Success);
    let digest = || episodes(storage.as_ref(), &[id]).unwrap()[0].clone().unwrap().digest;
    let expected = memory.recommend(TASK, &scope(), 400).unwrap();
    let stored = digest().expect("stored with the end of the episode");
    let short: Box<[u8]> = crate::learn::Digest::default().encode().into();
    for wrong in [Box::from(&b"\xff\xff damaged"[..]), Box::from(&[][..]), short] {
        let keep = Op::KeepDigest { episode: id, digest: wrong.clone() };
        storage.apply(WriteBatch::of(keep), Durability::Process).unwrap();
        let fresh = on(&storage);
        assert_eq!(fresh.recommend(TASK, &scope(), 400).unwrap(), expected, "computed again");
        assert_eq!(digest(), Some(wrong), "a question changes nothing that is stored");
        // The thread that loads what was learned stores it for the next process.
        let shared = Arc::<MemStorage>::clone(&storage);
        drop(fresh);
        let background = Memory::builder(shared).background(true).open().unwrap();
        while digest().as_ref() != Some(&stored) {
            std::thread::yield_now();
        }
        drop(background);
    }
}

#[test]
fn after_a_lesson_nothing_is_asked() {
    let memory = memory();
    attempt(&memory, TASK, cured(), Outcome::Success);
    let end = |lessons: &[&str]| {
        let id = memory.start(NewEpisode::new(scope(), TASK)).unwrap().value;
        memory.log(id, stuck()).unwrap();
        let lessons = lessons.iter().map(ToString::to_string).collect();
        let completion =
            Completion { outcome: Some(Outcome::Failure), lessons, ..Completion::default() };
        memory.finish(id, completion).unwrap().value
    };
    let without = end(&[]);
    assert_eq!(without.n_steps, 3);
    assert!(without.reflection.request.is_some(), "{without:?}");
    assert_eq!(end(&["The timeout is in seconds"]).reflection.request, None);
}

#[test]
fn hits_and_advice_of_a_beginning_come_from_one_search() {
    let storage = Counting::new();
    let memory = on(&storage);
    let past = attempt(&memory, TASK, cured(), Outcome::Success);
    let lesson = "Raise the timeout of the payment client by 2 s";
    let lesson = NewNote::new(scope(), NoteKind::Lesson, lesson);
    let lesson = memory.remember(lesson).unwrap().value.id();
    let lookup = Lookup { limit: 5, max_tokens: None, advice_tokens: 160 };
    let begun = memory.begin(NewEpisode::new(scope(), TASK), lookup).unwrap().value;
    let shown: Vec<RecordId> = begun.hits.iter().map(|hit| hit.record.id()).collect();
    assert!(shown.contains(&past.into()) && shown.contains(&lesson.into()), "{shown:?}");
    let advice = begun.advice.unwrap();
    assert_eq!((advice.n_same_task, begun.degraded), (1, None));
    assert!(advice.text.contains("payment client by 2 s"), "{}", advice.text);
    let stored = memory.episode(begun.id).unwrap();
    let stored: Vec<RecordId> = stored.shown.iter().map(|shown| shown.record).collect();
    assert_eq!(stored, shown, "what was shown is stored with the episode");
    let status = memory.status().unwrap();
    assert_eq!(status.n_recalls_computed, 0, "no other recall is computed beside it");
}

#[test]
fn odd_episodes_are_learned_from_without_harm() {
    let memory = memory();
    let many = (0..5_000).map(|n| step("edit", &n.to_string(), None)).collect();
    attempt(&memory, "an episode of 5,000 steps", many, Outcome::Success);
    attempt(&memory, "one step", vec![step("ls", ".", Some(""))], Outcome::Failure);
    let empty = memory.start(NewEpisode::new(scope(), "no step")).unwrap().value;
    let backwards = Completion {
        outcome: Some(Outcome::Success),
        ended_at: Some(Timestamp::from_millis(-5)),
        ..Completion::default()
    };
    memory.finish(empty, backwards).unwrap();
    memory.reflect(empty).unwrap();
    for task in ["an episode of 5,000 steps", "one step", "no step"] {
        let advice = memory.recommend(task, &scope(), 400).unwrap();
        assert_eq!(advice.n_same_task, 1, "{task}: {}", advice.text);
        assert!(advice.text.len() <= 1_600, "{}", advice.text);
    }
}

#[test]
fn quoted_steps_are_read_in_one_call_and_without_a_lock() {
    let storage = Counting::new();
    let memory = Arc::new(on(&storage));
    for _ in 0..3 {
        attempt(&memory, TASK, cured(), Outcome::Success);
    }
    let last = attempt(&memory, TASK, stuck(), Outcome::Failure);
    let open = memory.start(NewEpisode::new(scope(), "another task")).unwrap().value;
    // Digests are computed from steps; they are stored before the calls are counted.
    memory.learn().unwrap();
    let n_calls = Arc::new(AtomicUsize::new(0));
    let (weak, counted): (Weak<Memory>, _) = (Arc::downgrade(&memory), Arc::clone(&n_calls));
    let on_steps = Box::new(move |_| {
        let is_locked = weak.upgrade().is_some_and(|memory| memory.learning.is_locked());
        assert!(!is_locked, "steps are read while the learned state is locked");
        counted.fetch_add(1, Ordering::Relaxed);
    });
    assert!(storage.on_steps.set(on_steps).is_ok(), "set once");
    let calls_of = |what: &str, expected: &str, act: &dyn Fn() -> String| {
        n_calls.store(0, Ordering::Relaxed);
        let text = act();
        assert!(text.contains(expected), "{what}: {text}");
        assert_eq!(n_calls.load(Ordering::Relaxed), 1, "{what}: {text}");
    };
    calls_of("advice", "path=config/app.toml", &|| {
        memory.advise(TASK, Some(&scope()), None, Basis::default(), 400).unwrap().text
    });
    calls_of("reflection", "No such file", &|| memory.reflect(last).unwrap().text);
    calls_of("patterns", "fails “No such file", &|| {
        let patterns = memory.patterns(&PatternQuery::default()).unwrap();
        patterns.into_iter().map(|pattern| pattern.text).collect::<Vec<_>>().join("\n")
    });
    calls_of("cures", "→ `config/app.toml`", &|| {
        let failed = step("edit", "etc/other.toml", Some(MISSING));
        format!("{:?}", memory.log(open, vec![failed]).unwrap().value.known_errors)
    });
}

#[test]
fn what_an_attempt_at_the_task_taught_comes_first_whatever_its_words() {
    let memory = memory();
    let taught = |lesson: &str, task: &str| {
        let id = memory.start(NewEpisode::new(scope(), task)).unwrap().value;
        let lessons = vec![lesson.to_owned()];
        let outcome = Some(Outcome::Success);
        memory.finish(id, Completion { outcome, lessons, ..Completion::default() }).unwrap();
    };
    taught("Purge the cache of rendered pages afterwards", TASK);
    taught("Water the plants", "Another task altogether");
    let about = NewNote::new(scope(), NoteKind::Lesson, format!("{TASK}: in small steps"));
    memory.remember(about).unwrap();
    let text = memory.recommend(TASK, &scope(), 500).unwrap().text;
    let place = |words: &str| text.find(words);
    assert!(place("Purge the cache").is_some(), "{text}");
    assert!(place("Purge the cache") < place("in small steps"), "{text}");
    assert_eq!(place("Water the plants"), None, "{text}");
    let elsewhere = Scope::new("acme/other").unwrap();
    let text = memory.recommend(TASK, &elsewhere, 500).unwrap().text;
    assert!(!text.contains("Purge the cache"), "{text}");
}
