use super::*;
use crate::learn::{CallKey, TaskKey, sample};
use crate::model::Outcome;

fn runs() -> Vec<Run> {
    let cycle = [1, 2, 3, 1, 2, 3, 1, 2, 3];
    let other = [4, 5, 4, 5, 4, 5];
    (1..=6)
        .map(|id| {
            let tools: &[i32] = if id % 2 == 0 { &cycle } else { &other };
            sample::run(id, u64::from(id % 2), Some(Outcome::Success), tools)
        })
        .collect()
}

fn learned(runs: &[Run]) -> NextStep {
    let mut model = NextStep::default();
    for run in runs {
        model.learn(run);
    }
    model
}

fn attempt(moves: &[Move]) -> Attempt<'_> {
    Attempt { scope: 1, domain: 0, task: TaskKey(9), agent: None, moves, calls: &[] as &[CallKey] }
}

fn moves(tools: &[NameId]) -> Vec<Move> {
    tools.iter().map(|tool| Move { tool: *tool, ok: true }).collect()
}

#[test]
fn what_followed_the_same_moves_is_foretold_and_probabilities_sum_to_one() {
    let model = learned(&runs());
    for (before, wanted) in [(vec![1, 2], 3), (vec![2, 3], 1), (vec![4], 5), (vec![5, 4, 5], 4)] {
        let before = moves(&before);
        let all = model.predict(attempt(&before), &[], usize::MAX >> 1);
        assert_eq!(all.first().map(|(tool, _)| *tool), Some(wanted), "{before:?}: {all:?}");
        let sum: f64 = all.iter().map(|(_, share)| share).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        assert!(all.is_sorted_by(|a, b| a.1 >= b.1));
    }
}

#[test]
fn attempts_at_the_same_task_outweigh_the_others() {
    let runs = runs();
    let model = learned(&runs);
    let same: Vec<&Run> = runs.iter().filter(|run| run.task == TaskKey(1)).collect();
    let first = |same: &[&Run]| model.predict(attempt(&[]), same, 1)[0];
    assert_eq!(first(&same).0, 4);
    assert!(first(&same).1 > 0.6, "{:?}", first(&same));
}

#[test]
fn nothing_learned_and_tools_that_were_never_seen_foretell_something_defined() {
    assert!(NextStep::default().predict(attempt(&[]), &[], 3).is_empty());
    let model = learned(&runs());
    let strange = moves(&[77, 78, 79, 80, 81]);
    let found = model.predict(attempt(&strange), &[], 3);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|(_, share)| (0.0..=1.0).contains(share)), "{found:?}");
    assert!(model.predict(attempt(&strange), &[], 0).is_empty());
}
