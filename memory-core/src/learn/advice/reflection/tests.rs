//! Claims about assessments, their wording and the requests for lessons.

use super::*;
use crate::learn::advice::lesson_request::{Contradiction, lesson_request};
use crate::learn::advice::vocabulary::{Mentions, Vocabulary};
use crate::learn::digest::Incident;
use crate::learn::quote::Quote;
use crate::learn::sample::run;
use crate::model::NoteId;

/// Returns the vocabulary of a text: four tools, a call in each step 1, an error in every step.
fn vocabulary(mentions: &Mentions) -> Vocabulary {
    let names = ["", "search", "open", "patch", "test"];
    let quote = |step: &StepRef| Quote {
        call: (step.idx == 1).then(|| "src/lib.rs".to_owned()),
        error: Some("no such file".to_owned()),
        is_look: false,
    };
    Vocabulary {
        tools: mentions.tools.iter().map(|tool| (*tool, names[*tool as usize].into())).collect(),
        quotes: mentions.steps.iter().map(|step| (*step, quote(step))).collect(),
    }
}

fn text(assessment: &Assessment) -> String {
    assessment.text(&vocabulary(&assessment.mentions()), 400)
}

fn assess_after(run: &Run, task: &[&Run]) -> Assessment {
    let scope = OutcomeCounts::of(task.iter().copied());
    assess(run, &EarlierRuns { task, task_type: task, scope }, task)
}

fn incident(at: u32, ending: Ending) -> Incident {
    Incident { at, signature: Signature(7), ending }
}

#[test]
fn a_usual_run_teaches_nothing() {
    let won: Vec<Run> = (1..6).map(|i| run(i, 1, Some(Outcome::Success), &[1, 2, 3])).collect();
    let task: Vec<&Run> = won.iter().collect();
    let again = run(9, 1, Some(Outcome::Success), &[1, 2, 3]);
    let usual = assess_after(&again, &task);
    assert_eq!(usual.findings, []);
    assert_eq!(text(&usual), "");
    assert_eq!(lesson_request(&usual, &[]), None);
    let first = assess_after(&again, &[]);
    assert_eq!(first.findings, [], "a first attempt with nothing to compare it with");
    let unknown = run(9, 1, None, &[4, 4]);
    assert_eq!(assess_after(&unknown, &task).findings, [], "abandoned");
}

#[test]
fn an_unexpected_failure_is_compared_with_the_nearest_success() {
    let won: Vec<Run> = (1..6).map(|i| run(i, 1, Some(Outcome::Success), &[1, 2, 3, 4])).collect();
    let far = run(6, 1, Some(Outcome::Success), &[4, 4]);
    let task: Vec<&Run> = std::iter::once(&far).chain(&won).collect();
    let failed = run(9, 1, Some(Outcome::Failure), &[1, 3]);
    let assessment = assess_after(&failed, &task);
    let text = text(&assessment);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "- Failed, though 6 of 6 earlier attempts succeeded \
         (a chance of 97% was expected, 80% interval 90% to 100%)."
    );
    assert_eq!(
        lines[1],
        format!(
            "- After the first step the nearest success {} did `open` [src/lib.rs], \
             this run did not. `open` is in 5 of 6 successes, 0 of 1 others.",
            won[0].id
        )
    );
    let request = lesson_request(&assessment, &[]).unwrap();
    assert!(request.starts_with("What made the difference?"), "{request}");
    assert!(request.contains("at most 3 lessons"), "{request}");
}

#[test]
fn an_error_is_given_with_its_resolution_and_its_counts_before() {
    let resolved = |at| Ending::Resolved { at, changed: vec!["path".into()] };
    let dead = Ending::DeadEnd { at: 2, changed: Vec::new() };
    let mut before = run(1, 1, Some(Outcome::Success), &[-2, -2, 2]);
    before.incidents = Box::new([incident(0, dead), incident(1, resolved(2))]);
    let mut ended = run(2, 1, Some(Outcome::Success), &[-2, 2]);
    ended.incidents = Box::new([incident(0, resolved(1))]);
    let text = text(&assess_after(&ended, &[&before]));
    assert_eq!(
        text,
        "- Error of `open` at step 0: “no such file”. \
         Step 1 succeeded with another `path`: src/lib.rs. Before: resolved 1 of 2 times."
    );
    let counts = ErrorCounts::before(Signature(7), &[&before]);
    assert_eq!((counts.n_seen, counts.n_resolved), (2, 1));
}

#[test]
fn an_error_that_was_neither_resolved_nor_met_before_gives_no_line() {
    let mut ended = run(2, 1, Some(Outcome::Success), &[-2, 1]);
    ended.incidents = Box::new([incident(0, Ending::Open)]);
    assert_eq!(assess_after(&ended, &[]).findings, []);
}

#[test]
fn the_tools_between_an_error_and_its_end_are_given_where_no_argument_changed() {
    let mut ended = run(2, 1, Some(Outcome::Success), &[-4, 3, -3, 3, 4]);
    ended.incidents = Box::new([incident(0, Ending::Resolved { at: 4, changed: Vec::new() })]);
    let text = text(&assess_after(&ended, &[]));
    assert!(text.contains("Step 4 succeeded after `patch`. Not seen before."), "{text}");
}

#[test]
fn a_run_that_repeats_a_step_where_the_other_went_on_is_called_so() {
    let won = run(1, 1, Some(Outcome::Success), &[1, -3, 2, 3]);
    let stuck = run(2, 1, Some(Outcome::Failure), &[1, -3, -3, -3, -3]);
    let text = text(&assess_after(&stuck, &[&won]));
    assert!(
        text.contains(&format!(
            "This run did `patch` (failed) 4 times in a row; \
             the nearest success {} went on after 1 with `open` → `patch`.",
            won.id
        )),
        "{text}"
    );
}

#[test]
fn a_cost_far_from_that_of_successes_is_given_and_that_of_a_cheap_failure_is_not() {
    let won: Vec<Run> = (1..5).map(|i| run(i, 1, Some(Outcome::Success), &[1; 10])).collect();
    let task: Vec<&Run> = won.iter().collect();
    let long = run(9, 1, Some(Outcome::Success), &[1; 30]);
    let text = text(&assess_after(&long, &task));
    assert_eq!(
        text,
        "- Took 30 steps; the median of 4 successes is 10 steps, 100% of them took less."
    );
    let short = run(9, 1, Some(Outcome::Failure), &[1; 2]);
    let findings = assess_after(&short, &task).findings;
    assert!(!findings.iter().any(|f| matches!(f, Finding::Cost { .. })), "{findings:?}");
}

#[test]
fn contradicting_notes_are_asked_about() {
    let note = |i, text: &str| (NoteId::from_bytes([i; 16]), text.to_owned());
    let pair = Contradiction { one: note(1, "Use port 80."), other: note(2, "Never use port 80.") };
    let usual = assess_after(&run(1, 1, None, &[1]), &[]);
    let request = lesson_request(&usual, &[pair]).unwrap();
    let (quoted, question) = request.split_once('\n').unwrap();
    assert!(quoted.contains("says “Use port 80.”, note"), "{request}");
    assert!(question.starts_with("Which of these notes holds?"), "{request}");
}

proptest::proptest! {
    #[test]
    fn every_line_holds_a_number(
        runs in proptest::collection::vec(
            (proptest::collection::vec(1_i32..5, 0..12), 0_u8..3), 0..6),
        tools in proptest::collection::vec(1_i32..5, 0..12),
        success in proptest::bool::ANY,
    ) {
        let outcomes = [Some(Outcome::Success), Some(Outcome::Failure), None];
        let runs: Vec<Run> = runs.iter().zip(1..)
            .map(|((tools, outcome), id)| run(id, 1, outcomes[usize::from(*outcome)], tools))
            .collect();
        let task: Vec<&Run> = runs.iter().collect();
        let ended = run(99, 1, outcomes[usize::from(!success)], &tools);
        let text = text(&assess_after(&ended, &task));
        for line in text.lines() {
            proptest::prop_assert!(line.chars().any(|c| c.is_ascii_digit()), "{}", line);
        }
    }
}
