use super::*;
use crate::learn::sample;
use crate::model::Outcome;
use crate::predict::chance::Chance;

fn outcome(is_success: bool) -> Outcome {
    if is_success { Outcome::Success } else { Outcome::Failure }
}

/// Learns runs of tasks that succeed at rates of their own, and returns their Brier score and that
/// of the scope's rate, each run foretold before it is learned.
fn replay(n_tasks: u16, fails_show: bool) -> (OddsModel, f64, f64) {
    let (mut model, mut chance) = (OddsModel::default(), Chance::new(5));
    let (mut brier, mut base) = (0.0, 0.0);
    for id in 0..240_u8 {
        let task = chance.below(n_tasks);
        let rate = [0.95, 0.05][task % 2];
        let is_success = chance.next() < if fails_show { 0.5 } else { rate };
        let tools: &[i32] = if fails_show && !is_success { &[1, -2, -2, 3] } else { &[1, 2, 3, 4] };
        let task = u64::try_from(task).unwrap();
        let run = sample::run(id, task, Some(outcome(is_success)), tools);
        let odds = model.odds(Attempt::of(&run));
        let came = f64::from(u8::from(is_success));
        brier += (odds.chance.mean - came).powi(2) / 240.0;
        base += (odds.base - came).powi(2) / 240.0;
        model.learn(&run);
    }
    (model, brier, base)
}

#[test]
fn the_history_of_the_same_task_and_the_errors_of_the_steps_make_better_odds() {
    let (_, brier, base) = replay(8, false);
    assert!(brier < 0.6 * base, "by task: {brier} against {base}");
    let (_, brier, base) = replay(8, true);
    assert!(brier < 0.6 * base, "by steps: {brier} against {base}");
}

#[test]
fn where_nothing_tells_the_outcome_the_odds_are_no_worse_than_the_base_rate() {
    let (mut model, mut chance) = (OddsModel::default(), Chance::new(8));
    let (mut brier, mut base) = (0.0, 0.0);
    for id in 0..250_u8 {
        let mut tool = |_| {
            let tool = i32::try_from(1 + chance.below(9)).unwrap();
            if chance.next() < 0.2 { -tool } else { tool }
        };
        let tools: Vec<i32> = (0..6).map(&mut tool).collect();
        let run =
            sample::run(id, 1_000 + u64::from(id), Some(outcome(chance.next() < 0.4)), &tools);
        let odds = model.odds(Attempt::of(&run));
        let came = f64::from(u8::from(run.succeeded()));
        brier += (odds.chance.mean - came).powi(2);
        base += (odds.base - came).powi(2);
        model.learn(&run);
    }
    assert!(brier <= 1.01 * base, "{brier} against {base}");
}

#[test]
fn inferred_outcomes_count_half_and_unjudged_ones_not_at_all() {
    let mut model = OddsModel::default();
    let mut run = sample::run(1, 7, Some(Outcome::Success), &[1, 2]);
    run.is_inferred = true;
    model.learn(&run);
    assert!((model.odds(Attempt::of(&run)).chance.n - 0.5).abs() < 1e-9);
    let unjudged = sample::run(2, 7, Some(Outcome::Unjudged), &[1, 2]);
    model.learn(&unjudged);
    let odds = model.odds(Attempt::of(&unjudged));
    assert!((odds.chance.n - 0.5).abs() < 1e-9 && (odds.n_scope - 0.5).abs() < 1e-9, "{odds:?}");
}

#[test]
fn odds_without_any_experience_are_even_and_say_that_they_know_nothing() {
    let run = sample::run(1, 7, None, &[1, -2, 3]);
    let odds = OddsModel::default().odds(Attempt::of(&run));
    assert!((odds.chance.mean - 0.5).abs() < 1e-9 && !odds.is_informed, "{odds:?}");
    assert!(0.0 <= odds.chance.lower && odds.chance.upper <= 1.0);
}

#[test]
fn the_odds_of_a_task_that_broke_follow_its_last_attempts() {
    let mut model = OddsModel::default();
    let run = |id, end| sample::run(id, 7, Some(end), &[1, 2]);
    (0..30_u8).for_each(|id| model.learn(&run(id, Outcome::Success)));
    let next = run(90, Outcome::Success);
    assert!(model.odds(Attempt::of(&next).after(0)).chance.mean > 0.9);
    (30..34_u8).for_each(|id| model.learn(&run(id, Outcome::Failure)));
    let odds = model.odds(Attempt::of(&next).after(0));
    assert!(odds.chance.mean < 0.45 && odds.chance.upper < 0.8, "{odds:?}");
    assert!((odds.chance.n - 34.0).abs() < 1e-9, "{odds:?}");
}

#[test]
fn a_running_attempt_at_a_new_task_is_told_by_the_steps_of_other_tasks() {
    let (mut model, mut chance) = (OddsModel::default(), Chance::new(6));
    let run = |id, task, is_success| {
        let tools: &[i32] = if is_success { &[1, 2, 3, 4] } else { &[1, -2, -2, 3] };
        sample::run(id, task, Some(outcome(is_success)), tools)
    };
    // Twenty tasks, tried twelve times each: few first attempts, many to learn from.
    (0..240_u8).for_each(|id| model.learn(&run(id, u64::from(id % 20), chance.next() < 0.5)));
    let of = |is_success| {
        let new = run(250, 99, is_success);
        (model.odds(Attempt::of(&new).after(0)), model.odds(Attempt::of(&new)))
    };
    let ((before, good), (_, bad)) = (of(true), of(false));
    assert!((before.chance.mean - before.base).abs() < 1e-9 && !before.is_informed, "{before:?}");
    assert!(good.chance.mean > 0.75 && bad.chance.mean < 0.25, "{good:?} {bad:?}");
}

#[test]
fn as_if_its_task_were_new_nothing_of_other_attempts_at_it_counts() {
    let (mut all, mut others) = (Evidence::default(), Evidence::default());
    for id in 0..60_u8 {
        let is_own = id % 3 == 0;
        // Each task has tools and an end of its own.
        let (task, tools): (u64, &[i32]) = if is_own { (7, &[1, 2]) } else { (8, &[1, 3]) };
        let run = sample::run(id, task, Some(outcome(is_own)), tools);
        all.add(&run, if is_own { 1.0 } else { 0.0 });
        if !is_own {
            others.add(&run, 0.0);
        }
    }
    let next = sample::run(90, 7, None, &[1, 2]);
    let attempt = Attempt::of(&next);
    let (plain, alone) = (all.plain(attempt, View::AsNew), others.plain(attempt, View::Whole));
    assert!((plain.base - alone.base).abs() < 1e-9 && plain.n_task == 0.0, "{plain:?}");
    let as_new = all.features(attempt, plain, View::AsNew);
    let never = others.features(attempt, alone, View::Whole);
    // All but what its agent did, which is measured against tasks as they were then.
    for no in [0, 1, 3, 4, 5, 6, 7, 8] {
        assert!((as_new[no] - never[no]).abs() < 1e-9, "{no}: {as_new:?} {never:?}");
    }
}
