use std::sync::Arc;

use super::*;
use crate::intake::{Completion, NewEpisode, NewNote};
use crate::model::{NoteKind, Outcome};
use crate::storage::MemStorage;

fn scope() -> Scope {
    Scope::new("shop").unwrap()
}

fn bash(command: &str, error: Option<&str>) -> NewStep {
    NewStep {
        tool: "bash".into(),
        args: format!(r#"{{"command":"{command}"}}"#),
        ok: Some(error.is_none()),
        error: error.map(Into::into),
        ..NewStep::default()
    }
}

/// A memory in which `make all` failed and `make -C app all` worked, three times.
fn memory() -> Memory {
    let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
    for n in 0..4 {
        let task = format!("build the till in way {n}");
        let id = memory.start(NewEpisode::new(scope(), task)).unwrap().value;
        let steps = vec![
            bash("make all", Some("make: *** No rule to make target all")),
            bash("make -C app all", None),
        ];
        memory.log(id, steps).unwrap();
        let ends = Completion { outcome: Some(Outcome::Success), ..Completion::default() };
        memory.finish(id, ends).unwrap();
    }
    memory
}

fn counts(memory: &Memory, moment: Moment) -> InjectionCounts {
    memory.injections().unwrap().into_iter().find(|(m, _)| *m == moment).unwrap().1
}

#[test]
fn a_warning_is_said_once_in_a_session_and_what_follows_is_counted() {
    let memory = memory();
    let (scope, risky) = (scope(), bash("make all", None));
    let session = Session { id: "s/1", scope: &scope };
    let text = memory.brief_call(session, risky.clone()).unwrap().unwrap();
    assert!(text.contains("failed 4 of 4 times") && text.contains("make -C app all"), "{text}");
    assert!(text.len() <= 320, "{} bytes", text.len());
    assert_eq!(memory.brief_call(session, risky.clone()).unwrap(), None);
    let other = Session { id: "s/2", scope: &scope };
    assert!(memory.brief_call(other, risky.clone()).unwrap().is_some());

    memory.follow_injections(session, bash("make -C app all", None)).unwrap();
    memory.follow_injections(other, risky).unwrap();
    for n in 0..12 {
        memory.follow_injections(other, bash(&format!("ls {n}"), None)).unwrap();
    }
    let risk = counts(&memory, Moment::Risk);
    let seen = (risk.n_shown, risk.n_followed, risk.n_helped, risk.n_ignored, risk.n_wrong);
    assert_eq!(seen, (2, 1, 1, 1, 1));
}

#[test]
fn a_cure_is_said_at_the_failing_call_and_nothing_where_none_is_known() {
    let memory = memory();
    let scope = scope();
    let session = Session { id: "s", scope: &scope };
    let failed = bash("make all", Some("make: *** No rule to make target all"));
    let text = memory.brief_failure(session, failed.clone()).unwrap().unwrap();
    assert!(text.contains("make -C app all"), "{text}");
    assert_eq!(memory.brief_failure(session, failed).unwrap(), None);
    let new = bash("cargo doc", Some("error: linking with cc failed"));
    assert_eq!(memory.brief_failure(session, new).unwrap(), None);
    assert_eq!(memory.brief_call(session, bash("ls", None)).unwrap(), None);
}

#[test]
fn a_changed_call_that_was_advised_is_counted_and_is_no_news_after_a_warning_that_told_it() {
    let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
    let missing = Some("ModuleNotFoundError: No module named 'basket'");
    for n in 0..3 {
        let task = format!("count the baskets in way {n}");
        let id = memory.start(NewEpisode::new(scope(), task)).unwrap().value;
        let steps = vec![bash("pytest -q", missing), bash("PYTHONPATH=src pytest -q", None)];
        memory.log(id, steps).unwrap();
        memory.finish(id, Completion::default()).unwrap();
    }
    let scope = scope();
    let session = Session { id: "s", scope: &scope };
    let cure = memory.brief_failure(session, bash("pytest -q", missing)).unwrap().unwrap();
    assert!(cure.contains("PYTHONPATH=src pytest -q"), "{cure}");
    memory.follow_injections(session, bash("PYTHONPATH=src pytest -q", None)).unwrap();
    let failure = counts(&memory, Moment::Failure);
    assert_eq!((failure.n_shown, failure.n_followed, failure.n_helped), (1, 1, 1));

    let warned = Session { id: "t", scope: &scope };
    let warning = memory.brief_call(warned, bash("pytest -q", None)).unwrap().unwrap();
    assert!(warning.contains("PYTHONPATH=src pytest -q"), "{warning}");
    assert_eq!(memory.brief_failure(warned, bash("pytest -q", missing)).unwrap(), None);
}

#[test]
fn a_session_begins_with_open_work_and_lessons_within_the_budget() {
    let memory = memory();
    let scope = scope();
    let session = Session { id: "s", scope: &scope };
    memory.start(NewEpisode::new(scope.clone(), "mend the drawer ".repeat(50))).unwrap();
    for n in 0..5 {
        let lesson = NewNote::new(scope.clone(), NoteKind::Lesson, format!("Lesson {n} of tills"));
        memory.remember(lesson).unwrap();
    }
    let text = memory.brief(session).unwrap().unwrap();
    assert!(text.contains("mend the drawer") && text.contains("Lesson 4"), "{text}");
    assert!(text.len() <= 4 * MAX_TOKENS, "{} bytes", text.len());
    assert_eq!(memory.brief(session).unwrap(), None);
    let empty = Scope::new("elsewhere").unwrap();
    assert_eq!(memory.brief(Session { id: "t", scope: &empty }).unwrap(), None);
}

#[test]
fn a_task_whose_title_was_told_at_the_start_is_still_told_at_a_prompt_about_it() {
    let memory = memory();
    let scope = scope();
    let session = Session { id: "s", scope: &scope };
    let digest = memory.brief(session).unwrap().unwrap();
    assert!(digest.contains("build the till in way 3"), "{digest}");
    let text = memory.brief_prompt(session, "build the till in way 3").unwrap().unwrap();
    assert!(text.contains("make -C app all"), "{text}");
    assert_eq!(memory.brief_prompt(session, "build the till in way 3").unwrap(), None);
}

#[test]
fn a_prompt_gets_what_is_surely_about_it_and_mostly_nothing() {
    let memory = memory();
    let scope = scope();
    let session = Session { id: "s", scope: &scope };
    let fact = "The receipt printer of the till speaks ESC/POS over port 9100";
    memory.remember(NewNote::new(scope.clone(), NoteKind::Fact, fact)).unwrap();
    let asked = "which port does the receipt printer of the till speak over";
    let text = memory.brief_prompt(session, asked).unwrap().unwrap();
    assert!(text.contains("port 9100"), "{text}");
    assert_eq!(memory.brief_prompt(session, asked).unwrap(), None, "nothing twice");
    for other in ["yes go on", "write a poem about the sea and its tides"] {
        assert_eq!(memory.brief_prompt(session, other).unwrap(), None, "{other}");
    }
}

proptest::proptest! {
    #[test]
    fn an_injection_is_read_as_it_was_kept(
        at in proptest::num::i64::ANY,
        keys in proptest::collection::vec(".*", 0..4),
        text in ".*",
        advised in proptest::option::of(".*"),
        call in proptest::num::u32::ANY,
    ) {
        let at = Timestamp::from_millis(at);
        let kept = Kept::new(Moment::Risk, at, keys, text, advised, CallKey(call));
        proptest::prop_assert_eq!(Kept::decode(&kept.encode()), Ok(kept));
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80),
    ) {
        drop(Kept::decode(&bytes));
    }
}
