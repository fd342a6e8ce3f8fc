//! Claims about cures.

use super::*;
use crate::learn::digest::Digest;
use crate::learn::pattern::known_error::{KnownError, MetError};
use crate::learn::sample::{episode, step};

const ERROR: &str = "KeyError: no such thing";

/// Learns one run for each entry: its steps as `tool`, `tool!` for one that failed with the error,
/// `tool?` for one that failed otherwise; `tool=x` has another argument.
fn learned(runs: &[&str]) -> Learned {
    let mut learned = Learned::default();
    for (n, tools) in (1..).zip(runs) {
        let steps: Vec<_> = tools
            .split(' ')
            .map(|word| {
                let (word, text) = word.split_once('=').unwrap_or((word, ""));
                let tool = word.trim_end_matches(['!', '?']);
                let error = if word.ends_with('!') { ERROR } else { "ValueError: other" };
                step(tool, &format!(r#"{{"text":"{text}"}}"#), tool == word, error)
            })
            .collect();
        learned.put(&episode(n, "a", "b", None), &Digest::of(&steps));
    }
    learned
}

/// Returns an error of a tool as it is looked up.
fn met(tool: &str, text: &str) -> MetError {
    MetError::of(&step(tool, "", false, text)).unwrap()
}

fn known(learned: &Learned) -> Option<KnownError> {
    learned.known_error(&met("edit", ERROR), 0, None, 9)
}

fn words(cure: &Cure) -> String {
    format!(
        "{} | {} | {}",
        cure.via.join(" "),
        cure.instead.as_deref().unwrap_or("-"),
        cure.changed.join(" ")
    )
}

#[test]
fn what_was_done_before_the_retry_worked_is_the_cure() {
    let learned = learned(&[
        "edit! read edit=x",
        "edit! read read edit=x",
        "edit! edit edit",
        "edit! edit!",
        "edit! edit!",
        "edit! edit!",
        "edit! read edit=y",
    ]);
    let known = known(&learned).unwrap();
    assert_eq!(
        (known.n_seen, known.n_episodes, known.n_resolved, known.n_dead_ends),
        (10, 7, 4, 3)
    );
    assert!((known.retry_rate - 0.25).abs() < 0.1, "one of four: {}", known.retry_rate);
    assert_eq!(known.cures.iter().map(words).collect::<Vec<_>>(), ["read | - | text"]);
    let cure = &known.cures[0];
    assert_eq!((cure.n_tried, cure.n_resolved, cure.n_dead_ends), (3, 3, 0));
    assert!(cure.success.lower > known.retry_rate);
    let examples: Vec<_> = cure
        .examples
        .iter()
        .map(|e| (e.episode.to_bytes()[0], e.error_at, e.resolved_at))
        .collect();
    assert_eq!(examples, [(7, 0, 2), (2, 0, 3), (1, 0, 2)], "newest first");
}

#[test]
fn what_worked_fewer_than_five_times_is_a_sighting() {
    let counts = |learned: &Learned| {
        let cures = known(learned).unwrap().cures;
        cures.iter().map(|c| (c.is_confirmed, c.n_tried, c.n_resolved)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&learned(&["edit! read edit"])), [(false, 1, 1)], "from the first on");
    assert_eq!(counts(&learned(&["edit! read edit"; 2])), [(false, 2, 2)]);
    assert_eq!(counts(&learned(&["edit! read edit"; 4])), [(false, 4, 4)]);
    assert_eq!(counts(&learned(&["edit! read edit"; 5])), [(true, 5, 5)]);
    let once = learned(&["edit! read edit", "edit! read edit!", "edit! read edit!"]);
    assert_eq!(counts(&once), [(false, 3, 1)]);
    let mut rarely = vec!["edit! read edit!"; 9];
    rarely.push("edit! read edit");
    assert_eq!(counts(&learned(&rarely)), [], "no better than a retry");
    assert_eq!(known(&learned(&["read"])), None, "never met");
    assert_eq!(known(&Learned::default()), None);
}

#[test]
fn a_tool_that_was_used_first_is_no_sure_cure_unless_it_was_the_same_call() {
    let is_confirmed = |calls: [&str; 5]| {
        let runs = calls.map(|call| format!("edit! read={call} edit"));
        let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
        known(&learned(&runs)).unwrap().cures[0].is_confirmed
    };
    assert!(!is_confirmed(["one", "two", "three", "four", "five"]));
    assert!(is_confirmed(["one", "one", "one", "four", "five"]));
}

#[test]
fn a_cure_after_which_the_error_came_again_is_not_sure_any_more() {
    let mut runs = vec!["edit! read edit"; 6];
    let is_confirmed = |runs: &[&str]| known(&learned(runs)).unwrap().cures[0].is_confirmed;
    assert!(is_confirmed(&runs));
    runs.push("edit! read edit!");
    assert!(!is_confirmed(&runs));
    runs.push("edit! read edit");
    assert!(!is_confirmed(&runs));
}

#[test]
fn what_is_no_better_than_a_plain_retry_is_no_cure() {
    let mut runs = vec!["edit! edit"; 6];
    runs.extend(["edit! read edit"; 3]);
    let cures = known(&learned(&runs)).unwrap().cures;
    assert!(cures.iter().all(|cure| !cure.is_confirmed), "all of six against all of three");
    runs.splice(0..6, ["edit! edit!"; 6]);
    assert_eq!(known(&learned(&runs)).unwrap().cures.len(), 1, "none of six against all of three");
}

#[test]
fn an_error_that_any_success_followed_is_not_resolved_by_it() {
    let elsewhere =
        learned(&["edit! read list read", "edit! read list read", "edit! read list read"]);
    let known = known(&elsewhere).unwrap();
    assert_eq!((known.n_seen, known.n_resolved, known.cures), (3, 0, vec![]));
}

#[test]
fn a_longer_way_counts_only_where_it_is_better_than_its_beginning() {
    let mut runs = vec!["edit! read list edit"; 4];
    let all_the_same = learned(&runs);
    let words_of =
        |learned: &Learned| known(learned).unwrap().cures.iter().map(words).collect::<Vec<_>>();
    assert_eq!(words_of(&all_the_same), ["read list | - | "], "nobody stopped after the first");
    runs.extend(["edit! read edit"; 4]);
    assert_eq!(words_of(&learned(&runs)), ["read | - | "], "the second adds nothing");
    runs.splice(4.., ["edit! read edit!"; 40]);
    runs.extend(["edit! read list edit"; 20]);
    assert_eq!(words_of(&learned(&runs)), ["read list | - | ", "read | - | "], "now it does");
}

#[test]
fn another_tool_on_the_same_target_may_be_the_cure() {
    let mut learned = Learned::default();
    for n in 0..3 {
        let path = r#"{"path":"a"}"#;
        let steps = [step("edit", path, false, ERROR), step("write", path, true, "")];
        learned.put(&episode(n, "a", "b", None), &Digest::of(&steps));
    }
    let cures = known(&learned).unwrap().cures;
    assert_eq!(cures.iter().map(words).collect::<Vec<_>>(), [" | write | "]);
}

#[test]
fn an_error_without_cures_of_its_own_gets_those_of_its_class() {
    let learned = learned(&["edit! read edit=x"; 5]);
    let other = met("edit", "KeyError: another of that kind");
    let known = learned.known_error(&other, 0, None, 9).unwrap();
    assert!(known.from_class && known.n_seen == 0);
    assert_eq!(known.cures.iter().map(words).collect::<Vec<_>>(), ["read | - | text"]);
    let of_other_class = met("edit", "TypeError: another of that kind");
    assert_eq!(learned.known_error(&of_other_class, 0, None, 9), None);
    let of_other_tool = MetError { tool: "list".to_owned(), ..other };
    assert_eq!(learned.known_error(&of_other_tool, 0, None, 9), None, "another tool");
}

#[test]
fn at_most_as_many_cures_as_asked_for() {
    let mut runs = vec!["edit! read edit"; 5];
    runs.extend(["edit! list edit"; 4]);
    let learned = learned(&runs);
    let error = met("edit", ERROR);
    let n = |limit| learned.known_error(&error, 0, None, limit).unwrap().cures.len();
    assert_eq!((n(0), n(1), n(9)), (0, 1, 2));
    let first = &learned.known_error(&error, 0, None, 1).unwrap().cures[0];
    assert_eq!(first.via, ["read".into()], "what worked more often");
}

#[test]
fn each_kind_of_cure_reads_as_an_instruction() {
    let text = |via: &[&str], instead: Option<&str>, changed: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect::<Vec<_>>();
        instruction(&names(via), instead, &names(changed), "edit")
    };
    assert_eq!(text(&[], None, &[]), "retry `edit` unchanged");
    assert_eq!(text(&[], None, &["old", "path"]), "retry `edit` with another `old` and `path`");
    assert_eq!(
        text(&["read"], None, &["old"]),
        "use `read` first, then retry `edit` with another `old`"
    );
    assert_eq!(text(&[], Some("write"), &[]), "use `write` instead");
    assert_eq!(
        text(&["ls", "read"], Some("write"), &[]),
        "use `ls` and `read` and then `write` instead"
    );
}
