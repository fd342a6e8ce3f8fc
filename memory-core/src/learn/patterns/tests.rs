//! Claims about patterns, and that the order in which episodes come decides no answer.

use super::*;
use crate::learn::sample::{episode, step};
use crate::learn::{Digest, TaskKey};
use crate::model::{Episode, Outcome};
use proptest::prelude::*;

fn digest(tools: &[(&str, bool)]) -> Digest {
    let one = |(tool, ok): &(&str, bool)| step(tool, r#"{"x":1}"#, *ok, "error: bad thing");
    Digest::of(&tools.iter().map(one).collect::<Vec<_>>())
}

/// Tests before an edit go with success, within each of ten tasks of different difficulty.
fn sample() -> Learned {
    let mut learned = Learned::default();
    for n in 0..80_u8 {
        let (task, is_tested) = (n % 10, n / 10 % 2 == 0);
        let is_success = is_tested || task == 0;
        let outcome = if is_success { Outcome::Success } else { Outcome::Failure };
        let mut ended = episode(n, "a", &format!("task {task}"), Some(outcome));
        ended.context.language = Some(if task < 5 { "rust" } else { "go" }.into());
        let tools: &[(&str, bool)] = if is_tested {
            &[("read", true), ("test", true), ("edit", false), ("read", true), ("edit", true)]
        } else {
            &[("read", true), ("edit", false), ("edit", false), ("list", true)]
        };
        learned.put(&ended, &digest(tools));
    }
    learned
}

fn all(learned: &Learned, kind: PatternKind) -> Vec<Pattern> {
    let query =
        PatternQuery { kind: Some(kind), scope: Some("a"), min_support: 5, limit: 100, tool: None };
    learned.patterns(&query)
}

#[test]
fn a_sequence_that_goes_with_success_is_told_with_its_effect() {
    let learned = sample();
    let found = all(&learned, PatternKind::Sequence);
    let first = &found[0];
    let effect = first.effect.unwrap();
    assert!(first.q.unwrap() < 1e-6 && effect.n_strata == 10, "{first:?}");
    assert!((effect.difference.abs() - 0.9).abs() < 1e-9, "nine of ten tasks turn: {effect:?}");
    let tested = found.iter().find(|pattern| {
        matches!(&pattern.what, What::Sequence { steps, .. } if steps.iter().any(|(tool, _)| &**tool == "test"))
    });
    let tested = tested.unwrap();
    assert_eq!((tested.n, tested.posterior.successes, tested.episodes.len()), (40, 40.0, 3));
    assert_eq!(tested.episodes[0].to_bytes()[0], 69, "the newest of them");
}

#[test]
fn a_decision_point_a_recovery_and_a_context_are_found() {
    let learned = sample();
    let decisions = all(&learned, PatternKind::DecisionPoint);
    let after_read = decisions.iter().find(|pattern| {
        matches!(&pattern.what, What::Decision { after: Some((tool, true)), .. } if &**tool == "read")
    });
    let What::Decision { branches, difference, .. } = &after_read.unwrap().what else { panic!() };
    assert!(branches.len() >= 2 && difference.unwrap() > 0.4, "{branches:?} {difference:?}");

    let recoveries = all(&learned, PatternKind::Recovery);
    let What::Recovery { tool, cure, .. } = &recoveries[0].what else { panic!() };
    assert_eq!((&**tool, &cure.via[..], recoveries[0].n), ("edit", &["read".into()][..], 40));
    assert!((recoveries[0].effect.unwrap().difference - 0.9).abs() < 1e-9);

    let contexts = all(&learned, PatternKind::Context);
    let names: Vec<_> = contexts.iter().map(|pattern| pattern.what.parts()[1].to_owned()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_pattern_is_found_again_by_its_number_and_by_its_tool() {
    let learned = sample();
    for kind in PatternKind::ALL {
        assert_eq!(PatternKind::from_name(kind.name()), Some(kind));
        for pattern in all(&learned, kind) {
            let again = learned.pattern(pattern.id, Some("a")).unwrap();
            assert_eq!(Pattern { q: pattern.q, ..again }, pattern);
            assert_ne!(
                learned.pattern(pattern.id, None).map(|p| p.id),
                Some(pattern.id),
                "of a scope"
            );
        }
    }
    let query = PatternQuery { tool: Some("list"), min_support: 2, limit: 9, ..Default::default() };
    let found = learned.patterns(&query);
    assert!(!found.is_empty() && found.iter().all(|pattern| pattern.what.has_tool("list")));
    let query = PatternQuery { tool: Some("lis"), min_support: 2, limit: 9, ..Default::default() };
    assert_eq!(learned.patterns(&query), []);
    assert_eq!(learned.patterns(&PatternQuery::default()), [], "a limit of none");
}

#[test]
fn strata_are_those_that_the_effect_was_computed_over() {
    let learned = sample();
    for pattern in PatternKind::ALL.into_iter().flat_map(|kind| all(&learned, kind)) {
        let mut trials: Vec<_> = learned.strata(&pattern, Some("a")).collect();
        assert_eq!(effect(&mut trials), pattern.effect, "{:?}", pattern.what);
    }
}

#[test]
fn numbers_of_patterns_never_change() {
    let steps = vec![("bash:ls".into(), true), ("edit".into(), false)];
    let what = What::Sequence { steps, gapped: false };
    assert_eq!(what.id(Some("a")), 8_810_331_871_739_003_877);
}

/// An episode that depends on nothing but its number and version.
fn nth(n: u8, version: u8) -> (Episode, Digest) {
    let outcomes = [Some(Outcome::Success), Some(Outcome::Failure), Some(Outcome::Partial), None];
    let seed = usize::from(n) * 31 + usize::from(version) * 17;
    let scope = ["a", "b"][seed % 2];
    let mut ended = episode(n, scope, &format!("task {}", seed % 3), outcomes[seed % 4]);
    ended.context.language = Some(["rust", "go"][seed / 2 % 2].into());
    ended.context.tags = vec![["x", "y", "z"][seed / 3 % 3].into()];
    let tools = ["read", "edit", "test"];
    let moves: Vec<(&str, bool)> =
        (0..seed % 9).map(|i| (tools[(seed / 5 + i * i) % 3], (seed + i) % 4 != 0)).collect();
    (ended, digest(&moves))
}

/// Everything that can be asked.
fn answers(learned: &Learned) -> Vec<String> {
    let mut told = Vec::new();
    let ids = |runs: Vec<&Run>| runs.iter().map(|run| run.id).collect::<Vec<_>>();
    for scope in [None, Some("a"), Some("b")] {
        let query = PatternQuery { scope, min_support: 2, limit: 1_000, ..Default::default() };
        told.push(format!("{:?} {:?}", ids(learned.runs_in(scope)), learned.patterns(&query)));
    }
    for tool in ["read", "edit", "test"] {
        let error = Signature::of_error(tool, "error: bad thing");
        told.push(format!("{:?}", ids(learned.runs_of_tool(tool))));
        told.push(format!("{:?}", ids(learned.runs_of_signature(error))));
        told.push(format!("{:?}", learned.known_error(error, tool, 9)));
        told.push(format!("{:?}", ids(learned.runs_of_task("a", TaskKey::of("task 1")))));
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn answers_do_not_depend_on_the_order_of_puts_and_removes(
        changes in prop::collection::vec((0..24_u8, 0..3_u8, prop::bool::weighted(0.25)), 0..80),
    ) {
        let mut learned = Learned::default();
        let mut last = std::collections::BTreeMap::new();
        for (n, version, is_removal) in changes {
            let (ended, digest) = nth(n, version);
            if is_removal {
                learned.remove(ended.id);
                last.remove(&n);
            } else {
                learned.put(&ended, &digest);
                last.insert(n, version);
            }
        }
        let mut rebuilt = Learned::default();
        for (n, version) in last.into_iter().rev() {
            let (ended, digest) = nth(n, version);
            rebuilt.put(&ended, &digest);
        }
        prop_assert_eq!(answers(&learned), answers(&rebuilt));
    }
}
