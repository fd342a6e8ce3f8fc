//! Odds of recorded episodes before their first step and while they run.

use std::path::Path;

use memory_core::Outcome;

use super::folds::{Held, attempts, each_held_back};
use super::{Part, Target};
use crate::data::DataError;
use crate::episodes::{Attempt, read_outcomes};
use crate::table::share;

/// Sets of episodes with steps.
const SETS: [&str; 6] =
    ["mcpmark", "tau-airline", "intercode-sql", "intercode-bash", "hotpotqa", "swebench"];

/// Numbers of steps after which the odds are asked for.
const STEPS: [usize; 4] = [0, 3, 5, 10];

/// Difference of the Brier score that counts as none: half of the last digit that is shown.
const TIE: f64 = 0.0005;

/// Fewest predictions of a bin that has to be calibrated.
const MIN_BIN: usize = 50;

/// Chances told, each with 1 where a success came.
#[derive(Default)]
struct Told(Vec<(f64, f64)>);

impl Told {
    fn brier(&self) -> f64 {
        let squares = self.0.iter().map(|(told, came)| (told - came).powi(2));
        squares.sum::<f64>() / self.0.len() as f64
    }

    /// Probability that a success was told a higher chance than a failure.
    fn auc(&self) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0);
        let (came, failed): (Vec<_>, Vec<_>) = self.0.iter().partition(|(_, came)| *came > 0.5);
        for (high, _) in &came {
            for (low, _) in &failed {
                sum += if high > low {
                    1.0
                } else if high < low {
                    0.0
                } else {
                    0.5
                };
                n += 1.0;
            }
        }
        sum / n
    }

    /// Largest difference between what was told and what came in a bin of a tenth, among those of
    /// fifty predictions or more.
    fn worst_bin(&self) -> f64 {
        let gap = |no: u8| {
            let low = f64::from(no) / 10.0;
            let is_in = |told: f64| told >= low && (told < low + 0.1 || no == 9);
            let bin: Vec<_> = self.0.iter().filter(|(told, _)| is_in(*told)).collect();
            let n = bin.len() as f64;
            let mean = |f: fn(&(f64, f64)) -> f64| bin.iter().map(|pair| f(pair)).sum::<f64>() / n;
            if bin.len() < MIN_BIN {
                0.0
            } else {
                (mean(|pair| pair.0) - mean(|pair| pair.1)).abs()
            }
        };
        (0..10).map(gap).fold(0.0, f64::max)
    }
}

/// Odds of the held-back episodes of each set.
pub fn outcomes(dir: &Path) -> Result<Part, DataError> {
    let mut part = Part {
        title: "Success of an episode (AUC / Brier after so many steps)",
        headings: vec!["set", "task", "episodes", "base", "0", "3", "5", "10", "worst bin"],
        ..Part::default()
    };
    let mut worst_on_new = (f64::NEG_INFINITY, String::new());
    for set in SETS {
        let recorded = attempts(dir, set)?;
        for held in Held::ALL {
            let Some((base, told)) = rated(&recorded, held) else { continue };
            for (no, told) in told.iter().enumerate().filter(|_| held == Held::Tasks) {
                let excess = told.brier() - base.brier();
                if excess > worst_on_new.0 {
                    worst_on_new = (excess, format!("{set}, {} steps", STEPS[no]));
                }
            }
            if (set, held) == ("mcpmark", Held::Attempts) {
                let [_, at_three, ..] = &told;
                part.figures.push(Target::at_most(
                    "odds/mcpmark seen Brier at 3",
                    at_three.brier(),
                    0.095,
                ));
                part.figures.push(Target::at_most(
                    "odds/mcpmark seen worst bin at 3",
                    at_three.worst_bin(),
                    0.05,
                ));
            }
            part.rows.push(row(set, held, &base, &told));
        }
    }
    let recorded = read_outcomes(dir, "tbench")?;
    for held in Held::ALL {
        let Some((base, told)) = rated(&recorded, held) else { continue };
        if held == Held::Attempts {
            part.figures.push(Target::at_least("odds/tbench AUC", told[0].auc(), 0.887));
            part.figures.push(Target::at_most("odds/tbench Brier", told[0].brier(), 0.133));
        }
        part.rows.push(row("tbench.outcomes", held, &base, &told));
    }
    let (excess, place) = worst_on_new;
    println!("new tasks, most above the base rate: {excess:.4} ({place})");
    part.figures.push(Target::at_most("odds/new tasks above base rate", excess, TIE));
    Ok(part)
}

fn row(set: &str, held: Held, base: &Told, told: &[Told; 4]) -> Vec<String> {
    let mut row = vec![set.to_owned(), held.name().to_owned(), base.0.len().to_string()];
    row.push(share(Some(base.brier())));
    row.extend(told.iter().map(|t| format!("{}/{}", share(Some(t.auc())), share(Some(t.brier())))));
    row.push(share(Some(told[1].worst_bin())));
    row
}

/// Rates the base rate, and the odds after each number of steps.
fn rated(recorded: &[Attempt], held: Held) -> Option<(Told, [Told; 4])> {
    let (mut base, mut told) = (Told::default(), <[Told; 4]>::default());
    each_held_back(recorded, held, |models, asked, attempt| {
        let outcome = attempt.episode.outcome();
        let came = match outcome {
            Some(Outcome::Success) => 1.0,
            Some(Outcome::Partial | Outcome::Failure) => 0.0,
            _ => return,
        };
        base.0.push((models.odds(asked, 0).base, came));
        for (told, n) in told.iter_mut().zip(STEPS) {
            told.0.push((models.odds(asked, n).chance, came));
        }
    });
    (!base.0.is_empty()).then_some((base, told))
}
