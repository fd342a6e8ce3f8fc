//! Claims about patterns, and that the order in which episodes come decides no answer.

use super::*;
use crate::learn::digest::Digest;
use crate::learn::sample::{episode, step};
use crate::learn::table::TaskKey;
use crate::model::{Episode, Outcome};
use proptest::prelude::*;

fn digest(tools: &[(&str, bool)]) -> Digest {
    let one = |(tool, ok): &(&str, bool)| step(tool, r#"{"x":1}"#, *ok, "error: bad thing");
    Digest::of(&tools.iter().map(one).collect::<Vec<_>>())
}

/// Learns runs in which tests before an edit go with success, within each of ten tasks of different
/// difficulty.
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

fn of_scope(scope: Option<&str>, min_support: u32) -> PatternQuery {
    PatternQuery {
        scope: scope.map(|scope| Scope::new(scope).unwrap()),
        min_support: Some(min_support),
        ..PatternQuery::default()
    }
}

fn all(learned: &Learned, kind: PatternKind) -> Vec<Pattern> {
    let query = PatternQuery { kind: Some(kind), ..of_scope(Some("a"), 5) };
    learned.patterns(&query, 100)
}

#[test]
fn a_sequence_that_goes_with_success_has_a_clear_effect() {
    let learned = sample();
    let found = all(&learned, PatternKind::Sequence);
    let first = &found[0];
    let effect = first.effect.unwrap();
    assert!(effect.q.unwrap() < 1e-6 && effect.within == "task", "{first:?}");
    assert!((effect.n - 80.0).abs() < f64::EPSILON, "all runs of the ten tasks: {first:?}");
    assert!((effect.difference.abs() - 0.9).abs() < 1e-9, "nine of ten tasks turn: {effect:?}");
    let tested = found.iter().find(|pattern| pattern.body.has_tool("test"));
    let tested = tested.unwrap();
    assert_eq!((tested.n, tested.success.successes, tested.episodes.len()), (40, 40.0, 3));
    assert_eq!(tested.episodes[0].to_bytes()[0], 69, "the newest of them");
}

#[test]
fn a_decision_point_a_recovery_and_a_context_are_found() {
    let learned = sample();
    let decisions = all(&learned, PatternKind::DecisionPoint);
    let after_read = decisions.iter().find(|pattern| {
        let after = |tool: &str, ok| tool == "read" && ok;
        matches!(&pattern.body, PatternBody::Decision { after: Some((tool, ok)), .. }
            if after(tool, *ok))
    });
    let PatternBody::Decision { branches, difference, .. } = &after_read.unwrap().body else {
        panic!()
    };
    assert!(branches.len() >= 2 && difference.unwrap() > 0.4, "{branches:?} {difference:?}");

    let recoveries = all(&learned, PatternKind::Recovery);
    let PatternBody::Recovery { tool, cure, .. } = &recoveries[0].body else { panic!() };
    assert_eq!((&**tool, &cure.via[..], recoveries[0].n), ("edit", &["read".into()][..], 40));
    assert!((recoveries[0].effect.unwrap().difference - 0.9).abs() < 1e-9);

    let contexts = all(&learned, PatternKind::Context);
    let names: Vec<_> = contexts.iter().map(|pattern| pattern.body.key()[1].to_owned()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_pattern_is_found_by_its_kind_its_tool_and_its_scope() {
    let learned = sample();
    let of_all = learned.patterns(&of_scope(None, 2), usize::MAX);
    let mut ids: Vec<String> = of_all.iter().map(|pattern| pattern.id.clone()).collect();
    for kind in PatternKind::ALL {
        assert_eq!(PatternKind::from_name(kind.name()), Some(kind));
        let found = all(&learned, kind);
        assert!(!found.is_empty() && found.iter().all(|pattern| pattern.kind == kind));
        ids.extend(found.into_iter().map(|pattern| pattern.id));
    }
    assert_eq!(PatternKind::from_name("nonsense"), None);
    let n = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), n, "each pattern has its own id in each scope");
    let of_tool = |tool: &str| PatternQuery { tool: Some(tool.to_owned()), ..of_scope(None, 2) };
    let found = learned.patterns(&of_tool("list"), 9);
    assert!(!found.is_empty() && found.iter().all(|pattern| pattern.body.has_tool("list")));
    assert_eq!(learned.patterns(&of_tool("lis"), 9), []);
    assert_eq!(learned.patterns(&PatternQuery::default(), 0), [], "a limit of none");
}

#[test]
fn the_effect_is_that_of_the_runs_that_the_matcher_accepts() {
    let learned = sample();
    for pattern in PatternKind::ALL.into_iter().flat_map(|kind| all(&learned, kind)) {
        let matcher = learned.matcher(&pattern.body).unwrap();
        let runs = learned.runs_unordered(Some("a"));
        let mut trials: Vec<_> = runs.filter_map(|run| run.trial(matcher.matches(run)?)).collect();
        let expected = effect(&mut trials).map(|effect| effect.difference);
        assert_eq!(pattern.effect.map(|effect| effect.difference), expected, "{}", pattern.text);
    }
}

#[test]
fn the_text_of_a_recovery_quotes_its_error_once_it_is_read() {
    let learned = sample();
    let mut recovery = all(&learned, PatternKind::Recovery).swap_remove(0);
    assert_eq!(recovery.text, "`edit` fails: use `read` first, then retry `edit`");
    assert_eq!(recovery.error_step().map(|step| step.idx), Some(2));
    recovery.quote_error(Some("error: bad thing"));
    assert!(recovery.text.starts_with("`edit` fails “error: bad thing”: use"), "{}", recovery.text);
}

#[test]
fn ids_of_patterns_never_change() {
    let steps = vec![("bash:ls".into(), true), ("edit".into(), false)];
    let body = PatternBody::Sequence { steps, gapped: false };
    assert_eq!(body.id(Some("a")), 8_810_331_871_739_003_877);
}

/// Makes an episode that depends on nothing but its number and version.
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

/// Returns all answers, as text.
fn answers(learned: &Learned) -> Vec<String> {
    let mut answers = Vec::new();
    let ids = |runs: Vec<&Run>| runs.iter().map(|run| run.id).collect::<Vec<_>>();
    for scope in [None, Some("a"), Some("b")] {
        let patterns = learned.patterns(&of_scope(scope, 2), 1_000);
        answers.push(format!("{:?} {patterns:?}", ids(learned.runs_in(scope))));
    }
    for tool in ["read", "edit", "test"] {
        let error = Signature::of_error(tool, "error: bad thing");
        let mut met = ids(learned.runs_with_error(error).collect());
        met.sort_unstable();
        answers.push(format!(
            "{met:?} {:?}",
            learned.known_error(&learned.met_error(error, tool), 0, None, 9)
        ));
        answers.push(format!("{:?}", ids(learned.runs_of_task("a", TaskKey::of("task 1")))));
    }
    answers
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
