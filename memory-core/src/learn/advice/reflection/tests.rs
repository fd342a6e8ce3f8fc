use super::*;
use crate::learn::Incident;
use crate::learn::advice::lesson::{Contradiction, lesson_request};
use crate::learn::advice::text::Words;
use crate::learn::evidence::sample::run;
use crate::learn::evidence::{Record, Trial, effect};
use crate::model::NoteId;

fn words<'a>() -> Words<'a> {
    Words {
        tool: &|tool| ["", "search", "open", "patch", "test"].get(tool as usize).copied(),
        call: &|_, step| (step == 1).then(|| "src/lib.rs".to_owned()),
        error: &|_, _| Some("no such file".to_owned()),
    }
}

fn reflect_on(run: &Run, task: &[&Run]) -> Reflection {
    let scope = Record::of(task.iter().copied());
    let history = History { task, task_type: task, scope };
    reflect(
        run,
        &history,
        &|signature| ErrorRecord::of(signature, run.task, task.iter().copied()),
        &[],
    )
}

fn incident(at: u32, ending: Ending) -> Incident {
    Incident { at, signature: Signature(7), ending }
}

#[test]
fn a_usual_run_teaches_nothing() {
    let won: Vec<Run> = (1..6).map(|i| run(i, 1, Some(Outcome::Success), &[1, 2, 3])).collect();
    let task: Vec<&Run> = won.iter().collect();
    let again = run(9, 1, Some(Outcome::Success), &[1, 2, 3]);
    let reflection = reflect_on(&again, &task);
    assert_eq!(reflection.evidence, []);
    assert_eq!(reflection.text(again.id, &words(), 400), "");
    assert_eq!(lesson_request(again.id, &reflection, Vec::new(), &words()), None);
    let first = reflect_on(&again, &[]);
    assert_eq!(first.evidence, [], "a first attempt with nothing to hold it against");
    let unknown = run(9, 1, None, &[4, 4]);
    assert_eq!(reflect_on(&unknown, &task).evidence, [], "abandoned");
}

#[test]
fn an_unexpected_failure_is_held_against_the_nearest_success() {
    let won: Vec<Run> = (1..6).map(|i| run(i, 1, Some(Outcome::Success), &[1, 2, 3, 4])).collect();
    let far = run(6, 1, Some(Outcome::Success), &[4, 4]);
    let task: Vec<&Run> = std::iter::once(&far).chain(&won).collect();
    let failed = run(9, 1, Some(Outcome::Failure), &[1, 3]);
    let reflection = reflect_on(&failed, &task);
    let text = reflection.text(failed.id, &words(), 400);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "- Failed, though 6 of 6 earlier attempts succeeded (a chance of 97% was expected, 80% interval 90% to \
         100%)."
    );
    assert_eq!(
        lines[1],
        format!(
            "- After the first step the nearest success {} did `open` [src/lib.rs], this run did not. `open` is in \
             5 of 6 successes, 0 of 1 others.",
            won[0].id
        )
    );
    let request = lesson_request(failed.id, &reflection, Vec::new(), &words()).unwrap();
    assert!(request.question.starts_with("What made the difference?"), "{}", request.question);
    assert!(text.contains(&request.quotes[0]), "{:?}", request.quotes);
    assert_eq!(request.contrast.unwrap().other, won[0].id);
}

#[test]
fn an_error_is_told_with_what_resolved_it_and_what_was_known() {
    let resolved = |at| Ending::Resolved { at, changed: vec!["path".into()] };
    let dead = Ending::DeadEnd { at: 2, changed: Vec::new() };
    let mut before = run(1, 1, Some(Outcome::Success), &[-2, -2, 2]);
    before.incidents = Box::new([incident(0, dead), incident(1, resolved(2))]);
    let mut ended = run(2, 1, Some(Outcome::Success), &[-2, 2]);
    ended.incidents = Box::new([incident(0, resolved(1))]);
    let reflection = reflect_on(&ended, &[&before]);
    let text = reflection.text(ended.id, &words(), 400);
    assert_eq!(
        text,
        "- Error of `open` at step 0: “no such file”. Step 1 succeeded with another `path`: src/lib.rs. \
         Before: resolved 1 of 2 times."
    );
    let record = ErrorRecord::of(Signature(7), before.task, [&before]);
    assert_eq!((record.n_seen, record.n_resolved, record.n_dead_ends), (2, 1, 1));
    assert_eq!(record.resolved_by, Some((before.id, 1, 2)));
}

#[test]
fn an_error_that_nobody_resolved_or_met_before_gives_no_line() {
    let mut ended = run(2, 1, Some(Outcome::Success), &[-2, 1]);
    ended.incidents = Box::new([incident(0, Ending::Open)]);
    assert_eq!(reflect_on(&ended, &[]).evidence, []);
}

#[test]
fn what_was_done_between_an_error_and_its_end_is_told_where_no_argument_changed() {
    let mut ended = run(2, 1, Some(Outcome::Success), &[-4, 3, -3, 3, 4]);
    ended.incidents = Box::new([incident(0, Ending::Resolved { at: 4, changed: Vec::new() })]);
    let text = reflect_on(&ended, &[]).text(ended.id, &words(), 400);
    assert!(text.contains("Step 4 succeeded after `patch`. Not seen before."), "{text}");
}

#[test]
fn a_run_that_repeats_what_the_other_left_is_told_so() {
    let won = run(1, 1, Some(Outcome::Success), &[1, -3, 2, 3]);
    let stuck = run(2, 1, Some(Outcome::Failure), &[1, -3, -3, -3, -3]);
    let text = reflect_on(&stuck, &[&won]).text(stuck.id, &words(), 400);
    assert!(
        text.contains(&format!(
            "This run did `patch` (failed) 4 times in a row; the nearest success {} went on after 1 with `open` → \
             `patch`.",
            won.id
        )),
        "{text}"
    );
}

#[test]
fn a_cost_far_from_that_of_successes_is_told_and_a_cheap_failure_is_not() {
    let won: Vec<Run> = (1..5).map(|i| run(i, 1, Some(Outcome::Success), &[1; 10])).collect();
    let task: Vec<&Run> = won.iter().collect();
    let long = run(9, 1, Some(Outcome::Success), &[1; 30]);
    let text = reflect_on(&long, &task).text(long.id, &words(), 400);
    assert_eq!(
        text,
        "- Took 30 steps; the median of 4 successes is 10 steps, 100% of them took less."
    );
    let short = run(9, 1, Some(Outcome::Failure), &[1; 2]);
    let evidence = reflect_on(&short, &task).evidence;
    assert!(!evidence.iter().any(|e| matches!(e, Evidence::Cost { .. })), "{evidence:?}");
}

#[test]
fn only_patterns_that_survive_the_adjustment_are_told() {
    let mut trials: Vec<Trial> = (0..80)
        .map(|i| Trial {
            strata: [i % 4 + 1, 1, 1],
            exposed: i / 4 % 2 == 0,
            success: i / 4 % 2 == 0,
        })
        .collect();
    let effect = effect(&mut trials).unwrap();
    let met = |q| PatternMet { tools: vec![1, 2], effect, q };
    let ended = run(9, 1, Some(Outcome::Success), &[1, 2]);
    let told = |patterns: &[PatternMet]| {
        reflect(&ended, &History::default(), &|_| ErrorRecord::default(), patterns).text(
            ended.id,
            &words(),
            400,
        )
    };
    assert_eq!(told(&[met(0.4)]), "");
    let text = told(&[met(0.01)]);
    assert!(text.starts_with("- `search` → `open` goes with more success: +100 points"), "{text}");
    assert!(text.contains("adjusted for task, over 80 runs, q = 0.01"), "{text}");
}

#[test]
fn contradicting_notes_are_asked_about() {
    let note = |i, text: &str| (NoteId::from_bytes([i; 16]), text.to_owned());
    let pair = Contradiction { one: note(1, "Use port 80."), other: note(2, "Never use port 80.") };
    let nothing = Reflection {
        reward: reward(&run(1, 1, None, &[1]), &History::default()),
        evidence: Vec::new(),
    };
    let id = EpisodeId::from_bytes([1; 16]);
    let request = lesson_request(id, &nothing, vec![pair], &words()).unwrap();
    assert!(request.quotes[0].contains("says “Use port 80.”, note"), "{:?}", request.quotes);
    assert!(request.question.starts_with("Which of these notes holds?"));
    assert!(request.contrast.is_none() && request.max_lessons == 3);
}

proptest::proptest! {
    #[test]
    fn every_line_holds_a_number(
        runs in proptest::collection::vec((proptest::collection::vec(1_i32..5, 0..12), 0_u8..3), 0..6),
        tools in proptest::collection::vec(1_i32..5, 0..12),
        success in proptest::bool::ANY,
    ) {
        let outcomes = [Some(Outcome::Success), Some(Outcome::Failure), None];
        let runs: Vec<Run> = runs.iter().zip(1..)
            .map(|((tools, outcome), id)| run(id, 1, outcomes[usize::from(*outcome)], tools)).collect();
        let task: Vec<&Run> = runs.iter().collect();
        let ended = run(99, 1, outcomes[usize::from(!success)], &tools);
        let text = reflect_on(&ended, &task).text(ended.id, &words(), 400);
        for line in text.lines() {
            proptest::prop_assert!(line.chars().any(|c| c.is_ascii_digit()), "{}", line);
        }
    }
}
