//! Next step of recorded episodes, beside the one that most often came and the one that most often
//! came after the last.

use std::collections::HashMap;
use std::path::Path;

use super::folds::{Held, attempts, each_held_back};
use super::{Part, Target};
use crate::cpu_clock::CpuClock;
use crate::data::DataError;
use crate::episodes::Attempt;
use crate::table::{number, share};

/// Sets with repeated tasks or several tools.
const SETS: [&str; 5] = ["mcpmark", "tau-airline", "intercode-sql", "intercode-bash", "swebench"];

/// Figures to reach: set, way of holding back, measure.
const TARGETS: [(&str, &str, Held, usize, f64); 7] = [
    ("next/mcpmark seen top-1", "mcpmark, by tool", Held::Attempts, 0, 0.78),
    ("next/mcpmark seen top-3", "mcpmark, by tool", Held::Attempts, 1, 0.94),
    ("next/mcpmark new top-1", "mcpmark, by tool", Held::Tasks, 0, 0.66),
    ("next/mcpmark new top-3", "mcpmark, by tool", Held::Tasks, 1, 0.86),
    ("next/tau-airline seen top-1", "tau-airline", Held::Attempts, 0, 0.65),
    ("next/tau-airline seen top-3", "tau-airline", Held::Attempts, 1, 0.91),
    ("next/intercode-sql seen top-1", "intercode-sql", Held::Attempts, 0, 0.79),
];

/// Foretells each step of the held-back episodes of each set.
///
/// Steps have the names of the product: a shell command by its program, a statement by its first
/// word. A second row of mcpmark has the names of the note that the targets come from: the tool, or
/// for `execute_action` its action.
pub fn next_steps(dir: &Path) -> Result<Part, DataError> {
    let mut part = Part {
        title: "Next step",
        headings: vec![
            "set",
            "task",
            "steps",
            "top-1",
            "top-3",
            "order 1: top-1",
            "top-3",
            "CPU µs",
        ],
        ..Part::default()
    };
    let mut slowest = 0.0_f64;
    for set in SETS {
        let recorded = attempts(dir, set)?;
        let mut variants = vec![(set.to_owned(), recorded)];
        if set == "mcpmark" {
            let plain = variants[0].1.iter().map(by_tool).collect();
            variants.push((format!("{set}, by tool"), plain));
        }
        for (name, recorded) in &variants {
            for held in Held::ALL {
                let Some(row) = measured(recorded, held) else { continue };
                for (figure, wanted, way, column, target) in TARGETS {
                    if wanted == name && way == held {
                        part.figures.push(Target::at_least(figure, row[column], target));
                    }
                }
                slowest = slowest.max(row[4]);
                let head = [name.clone(), held.name().to_owned(), number(row[5])];
                let shares = row[..4].iter().map(|value| share(Some(*value)));
                part.rows.push(head.into_iter().chain(shares).chain([number(row[4])]).collect());
            }
        }
    }
    part.figures.push(Target::at_most("next/µs, slowest set", slowest, 5.0));
    Ok(part)
}

/// Returns the attempt with the names of its tools alone, but for one that has several functions.
fn by_tool(attempt: &Attempt) -> Attempt {
    let mut attempt = attempt.clone();
    for step in &mut attempt.steps {
        let name = memory_core::bench::step_name(step);
        if step.tool.as_ref() == "execute_action" {
            step.tool = name.into();
        }
        step.action = None;
        step.args = memory_core::Excerpt::cut(String::new(), 1);
    }
    attempt
}

/// Returns top-1, top-3, the same of order 1, the microseconds of a prediction and the steps.
fn measured(recorded: &[Attempt], held: Held) -> Option<[f64; 6]> {
    let pairs = pairs(recorded);
    let (mut hits, mut n, mut us) = ([0.0; 4], 0.0, 0.0);
    each_held_back(recorded, held, |models, asked, attempt| {
        let names = models.steps(attempt.episode.id);
        let clock = CpuClock::start();
        let told: Vec<_> = (0..names.len()).map(|at| models.next_tools(asked, at, 3)).collect();
        us += clock.elapsed_us();
        for (at, (name, told)) in names.iter().zip(&told).enumerate() {
            let place = told.iter().position(|(tool, _)| tool == name);
            hits[0] += f64::from(u8::from(place == Some(0)));
            hits[1] += f64::from(u8::from(place.is_some()));
            let before = at.checked_sub(1).map_or("", |before| names[before]);
            let own = names.windows(2).filter(|pair| pair[0] == before && pair[1] == *name).count();
            let place = pairs.get(before).and_then(|next| place_of(next, name, own));
            hits[2] += f64::from(u8::from(place == Some(0)));
            hits[3] += f64::from(u8::from(place.is_some_and(|place| place < 3)));
            n += 1.0;
        }
    });
    let [first, of_three, order_1, order_1_of_three] = hits.map(|hit| hit / n);
    (n > 0.0).then_some([first, of_three, order_1, order_1_of_three, us / n, n])
}

type Pairs = HashMap<String, HashMap<String, usize>>;

/// Counts which step followed which.
fn pairs(recorded: &[Attempt]) -> Pairs {
    let mut pairs: Pairs = HashMap::new();
    for attempt in recorded {
        let mut before = String::new();
        for step in &attempt.steps {
            let name = memory_core::bench::step_name(step);
            *pairs.entry(before).or_default().entry(name.clone()).or_default() += 1;
            before = name;
        }
    }
    pairs
}

/// Returns the place of a step among those that followed, without the episode's own counts.
fn place_of(next: &HashMap<String, usize>, name: &str, own: usize) -> Option<usize> {
    let n = next.get(name)?.checked_sub(own.max(1))?;
    Some(next.iter().filter(|(other, m)| other.as_str() != name && **m > n).count())
}
