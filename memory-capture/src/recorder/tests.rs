//! Claims about the recorder; the sessions are made up.

use memory_core::Outcome;

use super::*;
use crate::event::SessionBegun;

/// A session that is told second by second.
#[derive(Default)]
struct Session {
    recorder: Recorder,
    actions: Vec<Action>,
    second: i64,
}

impl Session {
    fn tell(&mut self, kind: EventKind) -> &mut Self {
        self.tell_of(None, kind)
    }

    fn tell_of(&mut self, agent: Option<&str>, kind: EventKind) -> &mut Self {
        self.second += 1;
        let event = Event {
            session: "s".into(),
            agent: agent.map(Into::into),
            turn: None,
            folder: Some("/app".into()),
            at: Some(Timestamp::from_millis(self.second * 1_000)),
            kind,
        };
        // Between two hooks the state is all that is left.
        let state = SessionState::decode(&self.recorder.state().encode());
        self.recorder = Recorder::new(state.unwrap_or_default());
        self.actions.extend(self.recorder.record(event, Timestamp::from_millis(0)));
        self
    }

    fn asks(&mut self, text: &str) -> &mut Self {
        self.tell(EventKind::Prompt(Prompt { id: None, alias: None, text: text.to_owned() }))
    }

    fn begins(&mut self, id: Option<&str>, tool: &str, args: &str) -> &mut Self {
        self.tell(EventKind::CallBegun(call(id, tool, args)))
    }

    fn ends(&mut self, id: Option<&str>, tool: &str, args: &str, status: CallStatus) -> &mut Self {
        let end = CallEnd { status, result: "done".to_owned(), ..CallEnd::default() };
        self.tell(EventKind::CallEnded { call: call(id, tool, args), end })
    }

    fn tasks(&self) -> Vec<&str> {
        let actions = self.actions.iter();
        let tasks = actions.filter_map(|action| match action {
            Action::Begin(begin) => Some(begin.task.as_str()),
            _ => None,
        });
        tasks.collect()
    }

    fn steps(&self) -> Vec<&RecordedStep> {
        let actions = self.actions.iter();
        let steps = actions.filter_map(|action| match action {
            Action::Step(step) => Some(step),
            _ => None,
        });
        steps.collect()
    }

    fn outcomes(&self) -> Vec<Option<Outcome>> {
        let outcome = |action: &Action| match action {
            Action::End(end) => Some(end.judgement.outcome),
            _ => None,
        };
        self.actions.iter().filter_map(outcome).collect()
    }
}

fn call(id: Option<&str>, tool: &str, args: &str) -> Call {
    Call { id: id.map(Into::into), tool: tool.into(), args: args.to_owned() }
}

const OK: CallStatus = CallStatus::Ok;

#[test]
fn a_new_task_closes_the_episode_and_short_words_go_on_with_it() {
    let mut session = Session::default();
    session.asks("fix the parser").ends(Some("1"), "Read", "{}", OK);
    session.asks("yes, go on").ends(Some("2"), "Edit", "{}", OK);
    session.asks("still fails with the same message").ends(Some("3"), "Edit", "{}", OK);
    session.asks("write the release notes").tell(EventKind::SessionEnded { reason: None });
    assert_eq!(session.tasks(), ["fix the parser", "write the release notes"]);
    let keys: Vec<&str> = session.steps().iter().map(|step| &*step.key).collect();
    assert!(keys.iter().all(|key| *key == keys[0]) && keys.len() == 3, "{keys:?}");
    assert_eq!(session.outcomes(), [Some(Outcome::Failure), None]);
}

#[test]
fn praise_closes_the_episode_and_opens_none() {
    let mut session = Session::default();
    session.asks("fix the parser").ends(Some("1"), "Edit", "{}", OK).asks("thanks, works");
    assert_eq!(session.outcomes(), [Some(Outcome::Success)]);
    session.asks("thanks");
    assert_eq!(session.tasks().len(), 1);
    session.asks("fix the lexer").asks("great, it works. Now please rename the module to syntax");
    assert_eq!(session.tasks().len(), 3);
    assert_eq!(session.outcomes(), [Some(Outcome::Success), Some(Outcome::Success)]);
}

#[test]
fn a_hook_that_fires_twice_changes_nothing() {
    for id in [Some("1"), None] {
        let mut once = Session::default();
        once.asks("fix the parser");
        let (args, other) = (r#"{"command":"make"}"#, r#"{"command":"ls"}"#);
        once.begins(id, "Bash", args).ends(id, "Bash", args, CallStatus::Failed);
        let second = id.map(|_| "2");
        once.begins(second, "Bash", args).ends(second, "Bash", args, OK);
        let third = id.map(|_| "3");
        once.begins(third, "Bash", other).ends(third, "Bash", other, OK);
        let mut twice = Session::default();
        twice.asks("fix the parser").asks("fix the parser");
        for (id, args, status) in
            [(id, args, CallStatus::Failed), (second, args, OK), (third, other, OK)]
        {
            twice.begins(id, "Bash", args).begins(id, "Bash", args);
            twice.ends(id, "Bash", args, status).ends(id, "Bash", args, status);
        }
        let told = |session: &Session| -> Vec<(String, Option<bool>)> {
            let steps = session.steps();
            steps.iter().map(|step| (step.call_id.to_string(), step.step.ok)).collect()
        };
        assert_eq!(told(&once), told(&twice));
        assert_eq!(once.steps().len(), 3);
        assert_eq!(once.tasks(), twice.tasks());
    }
}

#[test]
fn equal_calls_without_ids_and_beginnings_are_all_steps() {
    let mut session = Session::default();
    session.asks("fix the parser");
    session.ends(None, "Bash", "ls", OK).ends(None, "Bash", "ls", OK);
    let steps = session.steps();
    assert_eq!(steps.len(), 2);
    assert_ne!(steps[0].call_id, steps[1].call_id);
}

#[test]
fn the_latency_is_what_the_client_tells_or_the_time_between_both_events() {
    let mut session = Session::default();
    session.asks("fix the parser");
    session.begins(Some("1"), "Bash", "make").ends(Some("1"), "", "", OK);
    let end = CallEnd { status: OK, latency_ms: Some(7), ..CallEnd::default() };
    session.begins(Some("2"), "Bash", "ls");
    session.tell(EventKind::CallEnded { call: call(Some("2"), "Bash", "ls"), end });
    let told: Vec<_> = session.steps().iter().map(|step| step.step.latency_ms).collect();
    assert_eq!(told, [Some(1_000), Some(7)]);
    // The end names its call by the id alone.
    assert_eq!((&*session.steps()[0].step.tool, &*session.steps()[0].step.args), ("Bash", "make"));
}

#[test]
fn a_call_that_never_came_back_is_a_step_without_a_result() {
    let mut session = Session::default();
    session.asks("fix the parser").begins(Some("1"), "Bash", "sleep 999");
    session.asks("write the release notes");
    let steps = session.steps();
    assert_eq!((steps.len(), steps[0].status, steps[0].step.ok), (1, CallStatus::Unknown, None));
    assert!(matches!(session.actions[1], Action::Step(_)), "before the end of its episode");
}

#[test]
fn a_subagent_works_for_its_parent_s_episode() {
    let mut session = Session::default();
    session.asks("fix the parser").tell_of(Some("a"), EventKind::SubagentBegun);
    let prompt = Prompt { id: None, alias: None, text: "list all the files".to_owned() };
    session.tell_of(Some("a"), EventKind::Prompt(prompt));
    let end = CallEnd { status: OK, ..CallEnd::default() };
    let call = call(Some("9"), "Bash", "ls");
    session.tell_of(Some("a"), EventKind::CallEnded { call, end });
    session.tell_of(Some("a"), EventKind::SessionEnded { reason: None });
    assert_eq!((session.tasks().len(), session.steps().len()), (1, 1));
    assert!(session.outcomes().is_empty());
}

#[test]
fn the_memory_s_own_tools_leave_no_trace() {
    let mut session = Session::default();
    session.asks("fix the parser").begins(Some("1"), "mcp__memory__recall", "{}");
    session.ends(Some("1"), "mcp__memory__recall", "{}", OK);
    session.ends(Some("2"), "memory-log_steps", "{}", OK);
    session.tell(EventKind::SessionEnded { reason: None });
    assert!(session.steps().is_empty());
}

#[test]
fn time_without_events_ends_an_episode() {
    let mut session = Session::default();
    session.asks("fix the parser").ends(Some("1"), "Bash", "ls", OK);
    let last = session.recorder.state().last_at().unwrap();
    assert!(session.recorder.close_idle(Timestamp::from_millis(last.as_millis() + 1)).is_empty());
    session.second += IDLE_MS / 1_000 + 60;
    session.asks("go on");
    assert_eq!(session.tasks(), ["fix the parser", "fix the parser\n\ngo on"]);
    let end = session.actions.iter().find_map(|action| match action {
        Action::End(end) => Some(end.at),
        _ => None,
    });
    assert_eq!(end, Some(last), "the end is the last event, not the next prompt");
}

#[test]
fn calls_after_the_end_of_a_session_go_on_with_its_task() {
    let mut session = Session::default();
    session.asks("fix the parser").tell(EventKind::SessionEnded { reason: None });
    session.tell(EventKind::SessionBegun(SessionBegun::default()));
    session.ends(Some("1"), "Bash", "ls", OK);
    assert_eq!(session.tasks(), ["fix the parser", "fix the parser"]);
    assert_eq!(session.steps().len(), 1);
}

#[test]
fn a_call_without_a_prompt_stands_for_it_and_the_next_prompt_is_a_task_of_its_own() {
    let mut session = Session::default();
    let make = r#"{"command":"make test"}"#;
    session.ends(Some("0"), "", "", OK).tell_of(
        Some("a"),
        EventKind::CallEnded { call: call(Some("9"), "Bash", "ls"), end: CallEnd::default() },
    );
    assert!(session.actions.is_empty(), "a call of a subagent, and one of which nothing is known");
    session.begins(Some("1"), "Bash", make).ends(Some("1"), "Bash", make, OK);
    session.ends(Some("2"), "Read", "{}", OK).asks("write the release notes");
    let untold = "Request not recorded; its first call: Bash make test";
    assert_eq!(session.tasks(), [untold, "write the release notes"]);
    let keys: Vec<&str> = session.steps().iter().map(|step| &*step.key).collect();
    assert_eq!(keys, ["s/untold", "s/untold"]);
    for (args, name) in [
        (r#"{"content":"a\nb","file_path":"/app/a.rs"}"#, "Write /app/a.rs"),
        (r#"{"todos":[{"content":"a"}]}"#, "Write"),
        ("half of {\"", "Write"),
    ] {
        let mut other = Session::default();
        other.begins(Some("1"), "Write", args);
        assert_eq!(other.tasks(), [format!("Request not recorded; its first call: {name}")]);
    }
}

#[test]
fn a_prompt_is_missed_by_a_call_in_a_turn_of_which_nothing_was_told() {
    let of = |turn: Option<&str>, agent: Option<&str>, kind: EventKind| Event {
        session: "s".into(),
        agent: agent.map(Into::into),
        turn: turn.map(Into::into),
        folder: None,
        at: None,
        kind,
    };
    let make =
        |turn: Option<&str>| of(turn, None, EventKind::CallBegun(call(None, "Bash", "make")));
    let asks = |turn: &str| {
        let id = Some(turn.into());
        let prompt = Prompt { id, alias: None, text: "fix the parser of it".to_owned() };
        of(Some(turn), None, EventKind::Prompt(prompt))
    };
    let mut recorder = Recorder::default();
    assert!(recorder.misses_prompt(&make(None)) && recorder.misses_prompt(&make(Some("t1"))));
    let actions = recorder.record(make(Some("t1")), Timestamp::from_millis(1));
    assert!(matches!(&actions[..], [Action::Begin(begin)] if &*begin.key == "t1"), "{actions:?}");
    assert!(!recorder.misses_prompt(&make(None)) && !recorder.misses_prompt(&make(Some("t1"))));
    recorder.record(asks("t2"), Timestamp::from_millis(2));
    for (event, is_missed) in [
        (make(Some("t1")), false),
        (make(Some("t2")), false),
        (make(Some("t3")), true),
        (of(Some("t3"), Some("a"), make(None).kind), false),
        (of(Some("t3"), None, EventKind::CallBegun(call(None, "memory-recall", ""))), false),
        (asks("t4"), false),
    ] {
        assert_eq!(recorder.misses_prompt(&event), is_missed, "{event:?}");
    }
}

#[test]
fn a_prompt_s_id_is_its_key_and_else_the_words_and_their_number() {
    let mut session = Session::default();
    session.tell(EventKind::Prompt(Prompt {
        id: Some("p1".into()),
        alias: None,
        text: "fix it all".into(),
    }));
    session.asks("write the release notes").asks("fix the lexer").asks("write the release notes");
    let keys: Vec<&str> = session
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Begin(begin) => Some(&*begin.key),
            _ => None,
        })
        .collect();
    assert_eq!(keys[0], "p1");
    assert!(keys[1].starts_with("s/") && keys[1].ends_with(".1") && keys[3].ends_with(".2"));
    assert_eq!(keys[1].split('.').next(), keys[3].split('.').next());
}

#[test]
fn a_state_that_is_not_this_version_s_is_none() {
    assert_eq!(SessionState::decode(b""), None);
    assert_eq!(SessionState::decode(b"{\"version\":99}"), None);
    let encoded = SessionState::new().encode();
    assert_eq!(SessionState::decode(&encoded), Some(SessionState::new()));
}
