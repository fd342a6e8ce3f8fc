//! Claims about the errors that are expected.

use super::*;
use crate::learn::digest::Digest;
use crate::learn::sample::{episode, step};
use crate::model::{Context, Outcome, Step};

/// Returns a failed step of a tool.
fn fails(tool: &str, error: &str) -> Step {
    step(tool, r#"{"path":"a"}"#, false, error)
}

fn works(tool: &str) -> Step {
    step(tool, r#"{"path":"b"}"#, true, "")
}

const SYNTAX: &str = "syntax error near the keyword union";
const COLUMN: &str = "column tablename does not exist here";

fn agent(name: &str) -> Option<AgentKey> {
    AgentKey::of(&Context { agent: Some(name.into()), ..Context::default() })
}

/// Returns a table of runs, each with its scope, task, agent and steps, in their order.
fn learned(runs: &[(&str, &str, &str, Vec<Step>)]) -> Learned {
    let mut learned = Learned::default();
    for ((scope, task, agent, steps), n) in runs.iter().zip(1..) {
        let mut episode = episode(n, scope, task, Some(Outcome::Failure));
        episode.context.agent = (!agent.is_empty()).then(|| (*agent).into());
        learned.put(&episode, &Digest::of(steps));
    }
    learned
}

fn expected(learned: &Learned, task: &str, by: &str) -> Vec<(String, u32, u32, Among)> {
    let scope = Scope::new("p").unwrap();
    let all = learned.expected_errors(task, Some(&scope), agent(by), &[]);
    assert!(all.iter().all(|error| (MIN_CHANCE..=1.0).contains(&error.chance)), "{all:?}");
    let told = all
        .iter()
        .map(|error| (learned.name(error.tool).to_owned(), error.n_with, error.n_of, error.among));
    told.collect()
}

#[test]
fn errors_of_the_task_come_before_those_of_the_scope_each_with_its_counts() {
    let met = |error| vec![fails("sql", error), works("other")];
    let table = learned(&[
        ("p", "t", "a", met(COLUMN)),
        ("p", "u", "a", met(SYNTAX)),
        ("p", "u", "a", met(SYNTAX)),
        ("p", "t", "a", met(COLUMN)),
    ]);
    let told = expected(&table, "t", "a");
    let sql = |n_with, n_of, among| ("sql".to_owned(), n_with, n_of, among);
    assert_eq!(told, [sql(2, 2, Among::Task), sql(2, 4, Among::Scope)]);
}

#[test]
fn at_most_five_errors_are_told_and_none_where_the_scope_has_no_run() {
    let many = |_: usize| {
        let words = ["red", "blue", "green", "white", "black", "brown", "grey"];
        let steps = words.iter().map(|word| fails("sql", &format!("{word} {word}ish is broken")));
        ("p", "t", "a", steps.collect::<Vec<Step>>())
    };
    let table = learned(&[0, 1, 2].map(many));
    assert_eq!(expected(&table, "t", "a").len(), MAX_ERRORS);
    let elsewhere = Scope::new("q").unwrap();
    assert_eq!(table.expected_errors("t", Some(&elsewhere), agent("a"), &[]), []);
    assert_eq!(expected(&Learned::default(), "t", "a"), []);
}

#[test]
fn an_agent_is_not_warned_of_tools_that_it_does_not_have() {
    let table = learned(&[
        ("p", "t", "a", vec![fails("sql", COLUMN)]),
        ("q", "u", "b", vec![works("shell")]),
    ]);
    assert_eq!(expected(&table, "t", "b"), [], "b has a shell only");
    assert_eq!(expected(&table, "t", "c").len(), 1, "nobody knows what c has");
    assert_eq!(expected(&table, "t", "").len(), 1);
}

#[test]
fn an_error_in_more_or_fewer_words_is_one_line() {
    let table = learned(&[
        ("p", "t", "", vec![fails("sql", SYNTAX)]),
        ("p", "t", "", vec![fails("sql", &format!("Error: {SYNTAX}"))]),
    ]);
    assert_eq!(expected(&table, "t", ""), [("sql".to_owned(), 2, 2, Among::Task)]);
}

#[test]
fn what_does_not_come_any_more_is_forgotten() {
    let error = || vec![fails("sql", COLUMN)];
    let mut runs = vec![("p", "t", "", error()), ("p", "t", "", error())];
    assert_eq!(expected(&learned(&runs), "t", "").len(), 1);
    runs.extend((0..30).map(|_| ("p", "t", "", vec![works("sql")])));
    assert_eq!(expected(&learned(&runs), "t", ""), []);
    runs.extend((0..6).map(|_| ("p", "t", "", error())));
    assert_eq!(expected(&learned(&runs), "t", ""), [("sql".to_owned(), 8, 38, Among::Task)]);
}

#[test]
fn what_is_known_to_cure_it_is_told_with_it() {
    let run = || ("p", "t", "", vec![fails("sql", COLUMN), works("look"), works("sql")]);
    let cure = |n| {
        let table = learned(&(0..n).map(|_| run()).collect::<Vec<_>>());
        let scope = Scope::new("p").unwrap();
        table.expected_errors("t", Some(&scope), None, &[]).remove(0).known.unwrap().cures.remove(0)
    };
    assert_eq!((cure(2).n_resolved, cure(2).is_confirmed), (2, false));
    let confirmed = cure(5);
    assert_eq!(
        (confirmed.text.as_str(), confirmed.n_resolved, confirmed.is_confirmed),
        ("use `look` first, then retry `sql` with another `path`", 5, true)
    );
}

#[test]
fn an_error_that_says_nothing_is_not_told() {
    let silent = || vec![step("sh", r#"{"command":"grep x"}"#, false, "")];
    let table = learned(&[("p", "t", "", silent()), ("p", "t", "", silent())]);
    assert_eq!(expected(&table, "t", ""), []);
}

#[test]
fn an_error_that_is_told_besides_gives_its_line_to_the_next() {
    let met = |error: &str| vec![fails("sql", error), works("sql")];
    let table = learned(&[("p", "t", "a", met(COLUMN)), ("p", "t", "a", met(SYNTAX))]);
    let scope = Scope::new("p").unwrap();
    let told = MetError::of(&fails("sql", COLUMN)).unwrap();
    let names = |told: &[MetError]| {
        let all = table.expected_errors("t", Some(&scope), agent("a"), told);
        all.iter().map(|error| error.met.idx).collect::<Vec<_>>().len()
    };
    assert_eq!((names(&[]), names(&[told])), (2, 1));
}
