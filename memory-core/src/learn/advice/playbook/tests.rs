//! Claims about playbooks and their wording.

use super::*;
use crate::learn::advice::vocabulary::{Mentions, Vocabulary};
use crate::learn::demonstration::Demonstration;
use crate::learn::pattern::{Cure, KnownError};
use crate::learn::quote::Quote;
use crate::learn::sample::run;

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

fn text(book: &Playbook, max_tokens: usize) -> String {
    book.text(&vocabulary(&book.mentions()), max_tokens)
}

/// Makes a playbook of precedents alone.
fn of_precedents(precedents: &[Precedent<'_>]) -> Playbook {
    playbook(PlaybookInput { precedents, ..PlaybookInput::default() })
}

fn precedents_of(runs: &[Run], similarity: f64) -> Vec<Precedent<'_>> {
    runs.iter().map(|run| Precedent { run, similarity }).collect()
}

fn three_runs() -> Vec<Run> {
    vec![
        run(1, 1, Some(Outcome::Success), &[1, 2, 3, 4]),
        run(2, 1, Some(Outcome::Success), &[1, 2, 3, 3, 4]),
        run(3, 1, Some(Outcome::Failure), &[1, 3]),
    ]
}

#[test]
fn without_runs_there_is_no_expectation_and_it_says_so() {
    let empty = playbook(PlaybookInput::default());
    assert!(empty.is_empty());
    assert_eq!(text(&empty, 400), "No attempt at such a task is known.");
    let scope = OutcomeCounts { n: 40.0, credit: 20.0, successes: 10.0 };
    let book = playbook(PlaybookInput { scope, ..PlaybookInput::default() });
    assert!(text(&book, 400).ends_with("25% of 40 attempts succeeded."));
    let abandoned = run(1, 1, None, &[1]);
    let precedents = precedents_of(std::slice::from_ref(&abandoned), 1.0);
    assert!(of_precedents(&precedents).is_empty());
}

#[test]
fn it_gives_the_expectation_the_route_and_the_evidence() {
    let runs = three_runs();
    let precedents = precedents_of(&runs, 1.0);
    let book = of_precedents(&precedents);
    let expected = book.expected.unwrap();
    assert!((expected.mean - 3.0 / 5.0).abs() < 1e-12, "{expected:?}");
    let text = text(&book, 400);
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        "3 attempts at this task before: 2 succeeded. \
         Chance of success 60% (80% interval 32% to 86%)."
    );
    assert!(text.contains("What worked 2 times:\n1. `search`\n2. `open`: src/lib.rs"), "{text}");
    assert!(text.contains(&format!("From {}, {} and 1 more.", runs[0].id, runs[1].id)));
}

#[test]
fn a_task_that_failed_lately_says_how_often() {
    let mut runs = three_runs();
    let said = |runs: &[Run]| {
        let text = text(&of_precedents(&precedents_of(runs, 1.0)), 400);
        text.split('.').next().unwrap().to_owned()
    };
    assert_eq!(said(&runs), "3 attempts at this task before: 2 succeeded");
    runs.push(run(4, 1, Some(Outcome::Partial), &[1, 3]));
    let words = "4 attempts at this task before: 2 succeeded, 1 in part, none of the last 2";
    assert_eq!(said(&runs), words);
    runs.reverse();
    assert_eq!(said(&runs), words);
    runs.push(run(5, 1, Some(Outcome::Success), &[1, 3]));
    assert_eq!(said(&runs), "5 attempts at this task before: 3 succeeded, 1 in part");
}

#[test]
fn where_nothing_succeeded_the_best_attempt_and_the_ends_of_others_are_given() {
    let mut best = run(1, 1, Some(Outcome::Partial), &[1, 2]);
    best.reward = Some(0.6);
    let runs = [
        best,
        run(2, 1, Some(Outcome::Failure), &[1, 3]),
        run(3, 1, Some(Outcome::Failure), &[3, 3]),
    ];
    let precedents = precedents_of(&runs, 1.0);
    let book = of_precedents(&precedents);
    assert_eq!((book.expected.unwrap().successes, book.route_credit), (0.0, 0.6));
    let text = text(&book, 400);
    assert!(
        text.starts_with("3 attempts at this task before: none succeeded, 1 in part."),
        "{text}"
    );
    assert!(text.contains("Nothing worked fully. The best attempt (60%):\n1. `search`"), "{text}");
    assert!(text.contains("at the end:\n- `patch`: src/lib.rs [2 of 2]"), "{text}");
}

#[test]
fn similar_tasks_count_by_their_similarity_and_are_not_called_the_same() {
    let runs = three_runs();
    let near = precedents_of(&runs, 0.5);
    let book = of_precedents(&near);
    assert!((book.expected.unwrap().n - 1.5).abs() < 1e-12);
    assert_eq!(book.n_same_task, 0);
    let text = text(&book, 400);
    assert!(
        text.starts_with("Not tried before. 3 attempts at tasks like it: 2 succeeded."),
        "{text}"
    );
    assert!(text.contains("What worked on 2 tasks like it"), "{text}");
}

#[test]
fn the_route_of_the_same_task_counts_before_that_of_others() {
    let own = run(1, 1, Some(Outcome::Success), &[1, 4]);
    let other = run(2, 2, Some(Outcome::Success), &[2, 3]);
    let precedents =
        [Precedent { run: &own, similarity: 1.0 }, Precedent { run: &other, similarity: 0.8 }];
    let book = of_precedents(&precedents);
    let tools: Vec<_> = book.route.iter().flat_map(|step| step.tools.clone()).collect();
    assert_eq!(tools, [1, 4]);
    assert_eq!((book.n_runs, book.n_same_task), (2, 1));
}

/// Returns what is known of an error that was resolved so often.
fn known(n_resolved: u32, cures: Vec<Cure>) -> KnownError {
    KnownError {
        step_idx: 0,
        tool: "patch".to_owned(),
        n_seen: 5,
        n_episodes: 3,
        n_resolved,
        n_dead_ends: 0,
        n_retried: 0,
        n_retries_resolved: 0,
        retry_rate: 0.2,
        from_class: false,
        differs: None,
        cures,
        lesson: None,
    }
}

fn cure(n_tried: u32, n_resolved: u32, act: Option<&str>) -> Cure {
    let demonstration =
        act.map(|act| Demonstration { acts: vec![act.to_owned()], ..Demonstration::default() });
    Cure {
        text: "use `edit` first".to_owned(),
        via: vec!["edit".into()],
        instead: None,
        changed: Vec::new(),
        n_tried,
        n_resolved,
        n_dead_ends: 0,
        success: Posterior::new(n_tried.into(), n_resolved.into(), 0.8),
        is_confirmed: false,
        demonstration,
        examples: Vec::new(),
    }
}

#[test]
fn lessons_errors_and_pitfalls_are_given_with_their_counts() {
    let runs = [
        run(1, 1, Some(Outcome::Success), &[1, 4]),
        run(2, 1, Some(Outcome::Failure), &[1, 3]),
        run(3, 1, Some(Outcome::Failure), &[1, 3]),
    ];
    let step = |idx| StepRef { episode: runs[0].id, idx };
    let cured = ExpectedError {
        tool: 3,
        chance: 0.5,
        n_with: 2,
        n_of: 3,
        among: Among::Task,
        met: step(0),
        known: Some(known(4, vec![cure(5, 4, Some("edit a.rs: `x` → `y`"))])),
    };
    let seen = ExpectedError {
        among: Among::Scope,
        known: Some(known(1, vec![cure(1, 1, Some("make"))])),
        ..cured.clone()
    };
    let open = ExpectedError {
        n_of: 1,
        among: Among::Agent,
        known: Some(known(0, vec![])),
        ..cured.clone()
    };
    let unshown =
        ExpectedError { n_of: 4, known: Some(known(2, vec![cure(2, 2, None)])), ..cured.clone() };
    let lesson =
        Lesson { id: NoteId::from_bytes([9; 16]), text: "Run\nthe tests first.".to_owned() };
    let precedents = precedents_of(&runs, 1.0);
    let input = PlaybookInput {
        precedents: &precedents,
        expected_errors: vec![cured, seen, open, unshown],
        lessons: vec![lesson.clone()],
        ..PlaybookInput::default()
    };
    let text = text(&playbook(input.clone()), 400);
    for line in [
        "- 2 of 2 unsuccessful attempts used `patch`, 0 of 1 successes did, as in src/lib.rs",
        "What will probably go wrong:\n- `patch` “no such file” 2 of 3 runs at this task; \
         cured 4 of 5 times: edit a.rs: `x` → `y`\n",
        "- `patch` “no such file” 2 of 3 runs here; cured once: make\n",
        "- `patch` “no such file” 2 of 1 runs of this agent; never resolved\n",
        "- `patch` “no such file” 2 of 4 runs at this task\n",
        &format!("- Run the tests first. (note {})", lesson.id),
    ] {
        assert!(text.contains(line), "{line}\n---\n{text}");
    }
    let nothing_tried = playbook(PlaybookInput { precedents: &[], ..input });
    assert!(!nothing_tried.is_empty() && nothing_tried.expected.is_none());
}

proptest::proptest! {
    #[test]
    fn a_text_keeps_its_budget_and_the_expectation_its_order(
        runs in proptest::collection::vec(
            (proptest::collection::vec(-4_i32..5, 0..30), 0_u8..4, 0.0_f64..1.0), 0..8),
        max_tokens in 0_usize..500,
    ) {
        let runs: Vec<(Run, f64)> = runs.iter().zip(1..).map(|((tools, outcome, near), id)| {
            let known = [Outcome::Success, Outcome::Failure, Outcome::Partial];
            (run(id, 1, known.get(usize::from(*outcome)).copied(), tools), *near)
        }).collect();
        let precedents: Vec<Precedent<'_>> = runs
            .iter()
            .map(|(run, similarity)| Precedent { run, similarity: *similarity })
            .collect();
        let book = of_precedents(&precedents);
        let text = text(&book, max_tokens);
        proptest::prop_assert!(text.len() <= 4 * max_tokens);
        if let Some(expected) = book.expected {
            proptest::prop_assert!(expected.lower <= expected.mean);
            proptest::prop_assert!(expected.mean <= expected.upper);
        }
    }
}
