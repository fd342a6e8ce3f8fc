//! Simulation of runs with a known effect: level, power and coverage of the estimates.

use super::*;
use crate::stats::false_discovery::benjamini_hochberg;
use crate::stats::special::normal_cdf;

/// Seeded random number generator (splitmix64), so that a test always sees the same runs.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Draws uniformly from [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        normal_quantile(self.unit().max(1e-12))
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Tasks of differing difficulty, on which exposure is more likely the easier the task.
struct World {
    ease: Vec<f64>,
    /// Increase of the log-odds of success by exposure.
    gain: f64,
}

impl World {
    fn new(random: &mut Random, n_tasks: usize, gain: f64) -> Self {
        Self { ease: (0..n_tasks).map(|_| 1.5 * random.normal()).collect(), gain }
    }

    fn rate(&self, task: usize, exposed: bool) -> f64 {
        logistic(self.ease[task] + if exposed { self.gain } else { 0.0 })
    }

    fn run(&self, random: &mut Random) -> Trial {
        let task = random.below(self.ease.len());
        let exposed = random.unit() < logistic(0.8 * self.ease[task]);
        let success = random.unit() < self.rate(task, exposed);
        Trial { strata: [task as u64 + 1, 0, 0], exposed, success, weight: 1.0 }
    }

    /// Returns the difference that the estimate targets: over the tasks, by Mantel-Haenszel
    /// weights.
    fn true_difference(&self, trials: &[Trial]) -> f64 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for task in 0..self.ease.len() {
            let of_task = trials.iter().filter(|trial| trial.strata[0] == task as u64 + 1);
            let (with, without): (Vec<&Trial>, Vec<&Trial>) =
                of_task.partition(|trial| trial.exposed);
            if !with.is_empty() && !without.is_empty() {
                let (n1, n2) = (with.len() as f64, without.len() as f64);
                let weight = n1 * n2 / (n1 + n2);
                sum += weight * (self.rate(task, true) - self.rate(task, false));
                weights += weight;
            }
        }
        sum / weights
    }
}

/// Returns the p-value of the bare contrast: a z-test of two proportions over all runs.
fn naive_p(trials: &[Trial]) -> f64 {
    let count = |exposed, success: Option<bool>| {
        let of = |t: &&Trial| t.exposed == exposed && success.is_none_or(|s| s == t.success);
        trials.iter().filter(of).count() as f64
    };
    let (n1, n2) = (count(true, None), count(false, None));
    let (y1, y2) = (count(true, Some(true)), count(false, Some(true)));
    let pooled = (y1 + y2) / (n1 + n2);
    let error = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    let z = (y1 / n1 - y2 / n2) / error;
    if z.is_nan() { 1.0 } else { 2.0 * normal_cdf(-z.abs()) }
}

#[test]
fn without_an_effect_few_patterns_are_rejected_where_the_bare_contrast_is_fooled() {
    let mut random = Random(1);
    for (n_runs, n_tasks) in [(24, 6), (60, 6), (80, 20), (300, 20), (300, 75)] {
        let n_patterns = 2_000;
        let (mut adjusted, mut naive) = (Vec::new(), 0);
        while adjusted.len() < n_patterns {
            let world = World::new(&mut random, n_tasks, 0.0);
            let mut trials: Vec<Trial> = (0..n_runs).map(|_| world.run(&mut random)).collect();
            naive += usize::from(naive_p(&trials) < 0.05);
            if let Some(found) = effect(&mut trials) {
                adjusted.push(found.p);
            }
        }
        let share = |n: usize| n as f64 / n_patterns as f64;
        let at_p = share(adjusted.iter().filter(|p| **p < 0.05).count());
        let q = benjamini_hochberg(&adjusted);
        let at_q = share(q.iter().filter(|q| **q < 0.05).count());
        println!(
            "{n_runs} runs of {n_tasks} tasks: p {at_p:.3} q {at_q:.3} naive {:.3}",
            share(naive)
        );
        assert!(at_p <= 0.07, "{n_runs} runs of {n_tasks} tasks: {at_p}");
        assert!(at_q <= 0.01, "{n_runs} runs of {n_tasks} tasks: {at_q}");
        assert!(share(naive) > 2.0 * at_p, "{n_runs} runs of {n_tasks} tasks: {}", share(naive));
    }
}

#[test]
fn outcomes_shuffled_within_their_task_leave_no_patterns() {
    let mut random = Random(2);
    let world = World::new(&mut random, 40, 1.0);
    let mut trials: Vec<Trial> = (0..400).map(|_| world.run(&mut random)).collect();
    let (mut n_at_p, mut n_at_q, n_rounds, n_patterns) = (0, 0, 20, 60);
    for _ in 0..n_rounds {
        trials.sort_unstable_by_key(|trial| trial.strata[0]);
        for of_task in trials.chunk_by_mut(|a, b| a.strata[0] == b.strata[0]) {
            for i in (1..of_task.len()).rev() {
                let j = random.below(i + 1);
                (of_task[i].success, of_task[j].success) = (of_task[j].success, of_task[i].success);
            }
        }
        let p: Vec<f64> = (0..n_patterns)
            .filter_map(|_| {
                let mut seen = trials.clone();
                for trial in &mut seen {
                    let ease = world.ease[trial.strata[0] as usize - 1];
                    trial.exposed = random.unit() < logistic(ease);
                }
                effect(&mut seen).map(|effect| effect.p)
            })
            .collect();
        n_at_p += p.iter().filter(|p| **p < 0.05).count();
        n_at_q += benjamini_hochberg(&p).iter().filter(|q| **q < 0.05).count();
    }
    let share = |n: usize| n as f64 / f64::from(n_rounds * n_patterns);
    println!("shuffled: p {:.3} q {:.3}", share(n_at_p), share(n_at_q));
    assert!(share(n_at_p) <= 0.07, "{}", share(n_at_p));
    assert!(share(n_at_q) <= 0.01, "{}", share(n_at_q));
}

#[test]
fn the_interval_covers_a_planted_effect() {
    let mut random = Random(3);
    for (n_runs, n_tasks, gain) in
        [(20, 2, 0.0), (40, 10, 2.5), (60, 6, 0.8), (80, 20, 0.8), (300, 20, 0.8), (300, 75, 1.5)]
    {
        let (mut n_covered, mut n_judged, mut bias) = (0, 0, 0.0);
        while n_judged < 2_000 {
            let world = World::new(&mut random, n_tasks, gain);
            let mut trials: Vec<Trial> = (0..n_runs).map(|_| world.run(&mut random)).collect();
            let Some(found) = effect(&mut trials) else { continue };
            let truth = world.true_difference(&trials);
            n_covered += usize::from(found.lower <= truth && truth <= found.upper);
            bias += found.difference - truth;
            n_judged += 1;
        }
        let covered = n_covered as f64 / f64::from(n_judged);
        println!("{n_runs} runs of {n_tasks} tasks, gain {gain}: covers {covered:.3}");
        assert!(covered >= 0.93, "{n_runs} runs of {n_tasks} tasks, gain {gain}: {covered}");
        assert!((bias / f64::from(n_judged)).abs() < 0.02, "{n_runs}: {bias}");
    }
}
