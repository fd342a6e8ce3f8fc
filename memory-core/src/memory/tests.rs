use super::*;
use crate::clock::StepClock;
use crate::intake::{Completion, NewEpisode, NewNote, NewStep};
use crate::model::{Excerpt, HitKind, NoteKind, Outcome, Scope, Source, Status, Timestamp};
use crate::retrieve::Strength;
use crate::storage::MemStorage;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn memory() -> Memory {
    memory_on(Arc::new(MemStorage::new()), Config::default())
}

fn memory_on(storage: Arc<dyn Storage>, config: Config) -> Memory {
    Memory::builder(storage)
        .config(config)
        .clock(Arc::new(StepClock::new(START, 1_000)))
        .open()
        .unwrap()
}

fn scope(name: &str) -> Scope {
    Scope::new(name).unwrap()
}

fn shop() -> Scope {
    scope("github.com/acme/shop")
}

fn step(tool: &str, observation: &str) -> NewStep {
    NewStep { tool: tool.into(), observation: observation.into(), ..NewStep::default() }
}

fn failed(tool: &str, error: &str) -> NewStep {
    NewStep { tool: tool.into(), error: Some(error.into()), ..NewStep::default() }
}

fn ended(outcome: Outcome) -> Completion {
    Completion { outcome: Some(outcome), ..Completion::default() }
}

fn fact(text: &str) -> NewNote {
    NewNote::new(shop(), NoteKind::Fact, text)
}

fn found(memory: &Memory, query: &Query) -> Vec<RecordId> {
    memory.recall(query).unwrap().hits.iter().map(|hit| hit.record.id()).collect()
}

#[test]
fn an_episode_is_recorded_step_by_step_and_read_back() {
    let memory = memory();
    let id = memory.start(NewEpisode::new(shop(), "Fix the login redirect")).unwrap().value;
    assert_eq!(
        memory.log(id, vec![step("grep", "3 matches"), step("edit", "ok")]).unwrap().value.n_steps,
        2
    );
    assert_eq!(memory.log(id, vec![failed("bash", "exit 1")]).unwrap().value.n_steps, 3);
    let steps = memory.steps(id, 1, 10).unwrap();
    assert_eq!(steps.iter().map(|s| (s.idx, s.ok)).collect::<Vec<_>>(), [(1, true), (2, false)]);
    memory.finish(id, ended(Outcome::Partial)).unwrap();
    let episode = memory.episode(id).unwrap();
    assert_eq!((episode.status(), episode.n_steps), (Status::Completed, 3));
    assert_eq!(episode.outcome(), Some(Outcome::Partial));
}

#[test]
fn lessons_become_notes_of_the_episode() {
    let memory = memory();
    let id = memory.start(NewEpisode::new(shop(), "Speed up CI")).unwrap().value;
    let completion =
        Completion { lessons: vec!["Cache the target folder".into()], ..ended(Outcome::Success) };
    let lessons = memory.finish(id, completion).unwrap().value.lessons;
    let note = memory.note(lessons[0].id()).unwrap();
    assert_eq!((note.kind, note.episode), (NoteKind::Lesson, Some(id)));
    assert_eq!(note.scope, shop());
}

#[test]
fn an_ended_episode_takes_no_more() {
    let memory = memory();
    let id = memory.start(NewEpisode::new(shop(), "t")).unwrap().value;
    memory.finish(id, ended(Outcome::Success)).unwrap();
    for error in [
        memory.log(id, vec![step("bash", "")]).unwrap_err(),
        memory.finish(id, ended(Outcome::Failure)).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        assert!(error.to_string().contains("already completed"), "{error}");
    }
}

#[test]
fn bad_input_names_the_field_and_writes_nothing() {
    let memory = memory();
    let id = memory.start(NewEpisode::new(shop(), "t")).unwrap().value;
    let seq = memory.status().unwrap().head.seq;
    let errors = [
        memory.start(NewEpisode::new(shop(), " \n")).unwrap_err(),
        memory.log(id, vec![]).unwrap_err(),
        memory.log(id, vec![step("bash", "fine"), step("", "no tool")]).unwrap_err(),
        memory.log(id, vec![step("x", ""); 5_001]).unwrap_err(),
        memory.finish(id, Completion { reward: Some(1.5), ..Completion::default() }).unwrap_err(),
        memory
            .finish(id, Completion { lessons: vec![String::new()], ..ended(Outcome::Success) })
            .unwrap_err(),
        memory.remember(fact("")).unwrap_err(),
        memory.remember(NewNote { tags: vec!["t".into(); 65], ..fact("x") }).unwrap_err(),
        memory.remember(NewNote { tags: vec!["t".repeat(5_000)], ..fact("x") }).unwrap_err(),
        memory.import(vec![Import::Note(Box::new(fact("without a source")))]).unwrap_err(),
        memory.recall(&Query { limit: Some(0), ..Query::new("x") }).unwrap_err(),
        memory.recall(&Query { limit: Some(1_000_000), ..Query::new("x") }).unwrap_err(),
        memory.recall(&Query { max_tokens: Some(0), ..Query::new("x") }).unwrap_err(),
    ];
    let fields = [
        "task",
        "steps",
        "tool",
        "steps",
        "reward",
        "lessons",
        "text",
        "tags",
        "tags",
        "source",
        "limit",
        "limit",
        "max_tokens",
    ];
    for (error, field) in errors.iter().zip(fields) {
        assert!(error.to_string().contains(field), "{field}: {error}");
    }
    assert_eq!(memory.status().unwrap().head.seq, seq);
}

#[test]
fn steps_beyond_the_limit_are_refused_whole() {
    let config = Config { max_steps: 3, ..Config::default() };
    let memory = memory_on(Arc::new(MemStorage::new()), config);
    let id = memory.start(NewEpisode::new(shop(), "t")).unwrap().value;
    memory.log(id, vec![step("a", ""), step("b", "")]).unwrap();
    let error = memory.log(id, vec![step("c", ""), step("d", "")]).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded { limit: 3, got: 4, .. }), "{error}");
    assert_eq!(memory.episode(id).unwrap().n_steps, 2);
}

#[test]
fn a_huge_observation_keeps_head_tail_and_length() {
    let memory = memory();
    let id = memory.start(NewEpisode::new(shop(), "t")).unwrap().value;
    let huge = format!("BEGIN{}END", "x".repeat(10_000_000));
    let receipt = memory.log(id, vec![step("bash", &huge)]).unwrap();
    assert_eq!(receipt.n_cut, 1);
    let kept = memory.steps(id, 0, 1).unwrap().remove(0).observation;
    assert_eq!(kept.full_bytes(), 10_000_008);
    assert!(kept.as_str().starts_with("BEGIN") && kept.as_str().ends_with("END"));
    assert!(kept.as_str().len() < 17_000, "{}", kept.as_str().len());
}

#[test]
fn secrets_never_reach_the_storage() {
    let memory = memory();
    let key = format!("AKIA{}", "ABCDEFGH234567IJ");
    let id = memory.start(NewEpisode::new(shop(), format!("rotate {key}"))).unwrap();
    assert_eq!(id.n_masked, 1);
    let receipt = memory.log(id.value, vec![step("bash", &key), failed("bash", &key)]).unwrap();
    assert_eq!(receipt.n_masked, 2);
    let stored = format!("{:?} {:?}", memory.episode(id.value), memory.steps(id.value, 0, 9));
    assert!(!stored.contains(&key) && stored.contains("[masked:aws-key-id]"), "{stored}");
}

#[test]
fn a_recall_sees_what_was_acknowledged_before_it() {
    let memory = memory();
    let query = Query::new("postgres connection pool exhausted");
    assert_eq!(found(&memory, &query), []);
    let id = memory.start(NewEpisode::new(shop(), "Fix the flaky search")).unwrap().value;
    for n in 0..9 {
        memory.log(id, vec![step("bash", &format!("line {n}"))]).unwrap();
    }
    memory.log(id, vec![failed("bash", "FATAL: postgres connection pool exhausted")]).unwrap();
    let recall = memory.recall(&query).unwrap();
    assert_eq!(recall.hits[0].record.id(), id.into());
    assert_eq!(recall.hits[0].step_idx, Some(9));
    assert_eq!(recall.hits[0].strength, Strength::Strong);
    assert!(recall.hits[0].text.contains("pool exhausted"), "{}", recall.hits[0].text);
    memory.forget(&[id.into()]).unwrap();
    assert_eq!(found(&memory, &query), []);
}

#[test]
fn another_memory_on_the_same_storage_is_seen_too() {
    let storage: Arc<dyn Storage> = Arc::new(MemStorage::new());
    let one = memory_on(Arc::clone(&storage), Config::default());
    let clock = Arc::new(StepClock::new(Timestamp::from_millis(1_800_000_000_000), 1));
    let other = Memory::builder(storage).clock(clock).open().unwrap();
    assert_eq!(found(&one, &Query::new("walrus")), []);
    let id = other.remember(fact("The walrus service owns sessions")).unwrap().value.id();
    assert_eq!(found(&one, &Query::new("walrus service")), [id.into()]);
}

#[test]
fn a_superseded_note_stays_readable_but_is_not_found() {
    let memory = memory();
    let old = memory.remember(fact("Deploys run from Jenkins")).unwrap().value.id();
    let new = NewNote { supersedes: Some(old), ..fact("Deploys run from GitHub Actions") };
    let new = memory.remember(new).unwrap().value.id();
    assert_eq!(found(&memory, &Query::new("where do deploys run")), [new.into()]);
    assert_eq!(memory.note(old).unwrap().superseded_by, Some(new));
    let again = memory.remember(NewNote { supersedes: Some(old), ..fact("x") }).unwrap_err();
    assert!(again.to_string().contains("superseded"), "{again}");
    memory.forget(&[new.into()]).unwrap();
    assert_eq!(found(&memory, &Query::new("where do deploys run")), [old.into()]);
}

#[test]
fn a_note_that_does_not_hold_now_is_not_found() {
    let memory = memory();
    let expired = Some(Timestamp::from_millis(START.as_millis() - 1));
    memory
        .remember(NewNote { valid_to: expired, ..fact("feature freeze for release nine") })
        .unwrap();
    let later = Some(Timestamp::from_millis(START.as_millis() * 2));
    memory
        .remember(NewNote { valid_from: later, ..fact("feature freeze for release ten") })
        .unwrap();
    let id = memory.remember(fact("feature freeze is announced in chat")).unwrap().value.id();
    assert_eq!(found(&memory, &Query::new("feature freeze release")), [id.into()]);
}

#[test]
fn every_condition_narrows_the_answer() {
    let memory = memory();
    let mut new = NewEpisode::new(shop(), "Upgrade the payment gateway");
    new.context.language = Some("rust".into());
    new.context.task_type = Some("upgrade".into());
    new.context.tags = vec!["payments".into(), "urgent".into()];
    let episode = memory.start(new).unwrap().value;
    memory.finish(episode, ended(Outcome::Failure)).unwrap();
    let note = memory.remember(fact("The payment gateway needs TLS 1.3")).unwrap().value.id();
    let elsewhere = NewNote::new(scope("other"), NoteKind::Lesson, "Our payment gateway is mocked");
    let elsewhere = memory.remember(elsewhere).unwrap().value.id();
    let query = Query { strength: Strength::Any, ..Query::new("payment gateway") };
    let only = |change: &dyn Fn(&mut Query)| {
        let mut query = query.clone();
        change(&mut query);
        let mut ids = found(&memory, &query);
        ids.sort_unstable();
        ids
    };
    assert_eq!(only(&|_| {}).len(), 3);
    assert_eq!(only(&|q| q.scope = Some(shop())), [episode.into(), note.into()]);
    assert_eq!(only(&|q| q.scope = Some(scope("nowhere"))), []);
    assert_eq!(only(&|q| q.kinds = vec![HitKind::Episode]), [episode.into()]);
    assert_eq!(only(&|q| q.kinds = vec![HitKind::Note(NoteKind::Lesson)]), [elsewhere.into()]);
    assert_eq!(only(&|q| q.outcome = Some(Outcome::Failure)), [episode.into()]);
    assert_eq!(only(&|q| q.outcome = Some(Outcome::Success)), []);
    assert_eq!(only(&|q| q.language = Some("rust".into())), [episode.into()]);
    assert_eq!(only(&|q| q.task_type = Some("upgrade".into())), [episode.into()]);
    assert_eq!(only(&|q| q.tags = vec!["urgent".into(), "payments".into()]), [episode.into()]);
    assert_eq!(only(&|q| q.tags = vec!["urgent".into(), "unknown".into()]), []);
    let at = memory.note(note).unwrap().occurred_at;
    assert_eq!(only(&|q| q.since = Some(at)), [note.into(), elsewhere.into()]);
    assert_eq!(only(&|q| q.until = Some(at)), [episode.into()]);
    let own = Query { own_scope: Some(scope("other")), ..query.clone() };
    assert_eq!(found(&memory, &own)[0], elsewhere.into());
}

#[test]
fn an_empty_query_lists_the_newest() {
    let memory = memory();
    let ids: Vec<RecordId> = (0..5)
        .map(|n| memory.remember(fact(&format!("fact {n}"))).unwrap().value.id().into())
        .collect();
    let query = Query { limit: Some(3), ..Query::new(" ") };
    assert_eq!(found(&memory, &query), [ids[4], ids[3], ids[2]]);
}

#[test]
fn an_answer_keeps_to_its_budget_and_says_what_it_left_out() {
    let memory = memory();
    for n in 0..10 {
        memory.remember(fact(&format!("budget {n} {}", "words and more ".repeat(60)))).unwrap();
    }
    let query = Query { max_tokens: Some(300), ..Query::new("budget words") };
    let recall = memory.recall(&query).unwrap();
    let bytes: usize = recall.hits.iter().map(|hit| hit.text.len() + 110).sum();
    assert!(!recall.hits.is_empty() && bytes <= 1_200, "{bytes}");
    assert!(recall.n_over_budget > 0);
}

#[test]
fn nothing_is_said_when_nothing_is_relevant() {
    let memory = memory();
    memory.remember(fact("The billing cron runs at four")).unwrap();
    let query = Query::new("how does the zebra paint its fence in the billing");
    let recall = memory.recall(&query).unwrap();
    assert_eq!((recall.hits.len(), recall.n_below_strength), (0, 1));
}

#[test]
fn ids_are_found_by_an_unambiguous_prefix() {
    let memory = memory();
    let a = memory.remember(fact("a")).unwrap().value.id();
    let both = [RecordKind::Episode, RecordKind::Note];
    assert_eq!(memory.resolve(&both, &a.to_string()).unwrap(), a.into());
    assert_eq!(memory.resolve(&both, &a.to_string()[..13]).unwrap(), a.into());
    memory.start(NewEpisode::new(shop(), "b")).unwrap();
    let error = memory.resolve(&both, &a.to_string()[..13]).unwrap_err();
    assert!(error.to_string().contains("ambiguous"), "{error}");
    let error = memory.resolve(&both, "ffffffff").unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[test]
fn an_import_takes_what_is_new_and_only_that() {
    let memory = memory();
    let source = |id: &str| Some(Source { importer: "jsonl".into(), external_id: id.into() });
    let records = || {
        let mut episode = NewEpisode::new(shop(), "imported task");
        episode.source = source("e1");
        let note = NewNote { source: source("n1"), ..fact("imported fact") };
        let closing = Some(Box::new(ended(Outcome::Success)));
        vec![
            Import::Episode(Box::new(episode), vec![step("bash", "ok")], closing),
            Import::Note(Box::new(note.clone())),
            Import::Note(Box::new(note)),
        ]
    };
    assert_eq!(memory.import(records()).unwrap().value.n_new, 2);
    let status = memory.status().unwrap();
    assert_eq!(memory.import(records()).unwrap().value.n_new, 0);
    assert_eq!(memory.status().unwrap().storage, status.storage);
    assert_eq!(
        (status.storage.n_episodes, status.storage.n_notes, status.storage.n_steps),
        (1, 1, 1)
    );
}

#[test]
fn a_text_of_exactly_the_limit_is_not_cut() {
    let config = Config { max_note_bytes: 10, ..Config::default() };
    let memory = memory_on(Arc::new(MemStorage::new()), config);
    let id = memory.remember(fact("0123456789")).unwrap();
    assert_eq!(
        (id.n_cut, memory.note(id.value.id()).unwrap().text),
        (0, Excerpt::cut("0123456789".into(), 10))
    );
    assert_eq!(memory.remember(fact("0123456789a")).unwrap().n_cut, 1);
}
