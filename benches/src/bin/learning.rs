//! Harness for what is learned, rated on what comes next; see the README of this crate.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use memory_benches::cure_rating::{CureReplay, RATING_HEADINGS};
use memory_benches::data::{DataError, set_names};
use memory_benches::episodes::{Attempt, generated, read_attempts};
use memory_benches::log_groups::{SUFFIX, group_accuracy, read_log};
use memory_benches::machine::Provenance;
use memory_benches::percentile::Percentiles;
use memory_benches::playbook_replay::{replay_all, table};
use memory_benches::table::{layout, number, object, share};
use memory_core::bench::{LearnBench, Observed, signature};

/// Measures whether earlier cures of errors cure the next ones, and the quality of playbooks.
///
/// Episodes come in the order of time. Before each is learned, its errors are put to what was
/// learned so far, and the best cure that is proposed is compared with what in fact ended the
/// error.
#[derive(Parser)]
struct Arguments {
    /// Folder with NAME.episodes.jsonl.gz
    #[arg(long, value_name = "DIR", required_unless_present_any = ["speed", "logs"])]
    data: Option<PathBuf>,
    /// Only these sets, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    sets: Vec<String>,
    /// Take the verb of a step from the file instead of from its arguments
    #[arg(long)]
    verbs: bool,
    /// Show what is proposed, most frequent first, and some playbooks and reflections
    #[arg(long)]
    show: bool,
    /// Only measure how well signatures group the lines of the logs in this folder:
    /// `NAME.log_structured.csv` with columns `Content` and `EventId`, as loghub has them
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only measure the cost of learning 10,000 generated episodes of 15 steps; reads no data
    #[arg(long)]
    speed: bool,
}

/// Counts of the errors of a set, and of the cures proposed for them.
#[derive(Default)]
struct Tally {
    n_episodes: usize,
    n_steps: usize,
    n_errors: usize,
    n_resolved: usize,
    /// Errors with a proposal.
    n_proposed: usize,
    /// Of these, errors that in fact ended by the first proposal.
    n_right: usize,
    /// Of these, errors that ended by the first proposal and nothing else.
    n_exactly: usize,
    /// Of these, errors that ended by one of the first three proposals.
    n_right_of_three: usize,
    /// Of these, errors that ended by a retry at once, with nothing changed.
    n_plain: usize,
    /// Of these, errors that ended by a retry at once, with or without changes.
    n_at_once: usize,
    /// Of these, errors where the proposal was tried, and where it then worked; then the same for a
    /// retry at once.
    followed: [usize; 2],
    instead: [usize; 2],
    digest: Vec<Duration>,
    put: Vec<Duration>,
    cures: Vec<Duration>,
    digest_bytes: usize,
    shown: std::collections::BTreeMap<(String, String), [usize; 3]>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.speed {
        println!("{}", layout(&["15 steps each", "p50 µs", "p99 µs"], &speed()));
        return ExitCode::SUCCESS;
    }
    let done = match &arguments.logs {
        Some(logs) => group_logs(logs),
        None => run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("learning: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), DataError> {
    let data = arguments.data.as_deref().unwrap_or(Path::new(""));
    let names = set_names(data, ".episodes.jsonl.gz")?;
    let (mut rows, mut told) = (Vec::new(), Vec::new());
    for name in names {
        if !arguments.sets.is_empty() && !arguments.sets.contains(&name) {
            continue;
        }
        let (tally, cures) = replay(data, &name, arguments.verbs)?;
        if arguments.show {
            show(&tally);
            cures.wrong.iter().for_each(|wrong| println!("{wrong}"));
        }
        told.extend(cures.rows().into_iter().map(|row| [vec![name.clone()], row].concat()));
        rows.push(tally.row(&name));
    }
    let n_examples = if arguments.show { EXAMPLES } else { 0 };
    let replays = replay_all(data, &arguments.sets, n_examples)?;
    for example in replays.iter().flat_map(|replay| &replay.examples) {
        println!("{example}\n");
    }
    println!("Cures of errors\n{}", layout(&HEADINGS, &rows));
    let headings = [&["set"], RATING_HEADINGS.as_slice()].concat();
    println!("\nCures as they are told\n{}", layout(&headings, &told));
    println!("\nPlaybooks of what came before, by what happened next\n{}", table(&replays));
    if let Some(path) = &arguments.json {
        let cures: Vec<_> = rows.iter().map(|row| object(&HEADINGS, row)).collect();
        let told: Vec<_> = told.iter().map(|row| object(&headings, row)).collect();
        let document = serde_json::json!({"kind": "learning", "provenance": Provenance::here(),
            "cures": cures, "told": told, "playbooks": replays});
        std::fs::write(path, format!("{document:#}\n"))
            .map_err(|source| DataError::Unreadable { path: path.clone(), line: 0, source })?;
    }
    Ok(())
}

/// Number of playbooks and reflections of each set that are shown for reading.
const EXAMPLES: usize = 3;

const HEADINGS: [&str; 16] = [
    "set",
    "episodes",
    "errors",
    "resolved",
    "proposed",
    "right",
    "95 %",
    "exactly",
    "of three",
    "plain",
    "at once",
    "if followed",
    "if at once",
    "digest µs",
    "put µs",
    "cures µs",
];

/// Learns episode by episode and rates the proposals for each before it is learned.
fn replay(dir: &Path, name: &str, verbs: bool) -> Result<(Tally, CureReplay), DataError> {
    let attempts = read_attempts(dir, name, verbs)?;
    // Models that only repeat themselves say nothing about cures.
    let is_able = |attempt: &Attempt| {
        let model = attempt.episode.context.model.as_deref().unwrap_or_default();
        name != "intercode-sql" || model.starts_with("gpt-")
    };
    let (mut learned, mut tally) = (LearnBench::default(), Tally::default());
    let mut told = CureReplay::default();
    for attempt in attempts.iter().filter(|attempt| is_able(attempt)) {
        told.take(attempt);
        let Attempt { episode, steps, .. } = attempt;
        for error in LearnBench::observed(episode, steps) {
            tally.rate(&learned, &error);
        }
        let start = Instant::now();
        let digest = LearnBench::digest(steps);
        let middle = Instant::now();
        learned.put(episode, &digest);
        tally.put.push(middle.elapsed());
        tally.digest.push(middle - start);
        tally.digest_bytes += digest.len();
        tally.n_episodes += 1;
        tally.n_steps += steps.len();
    }
    Ok((tally, told))
}

impl Tally {
    fn rate(&mut self, learned: &LearnBench, error: &Observed) {
        self.n_errors += 1;
        self.n_resolved += usize::from(error.is_resolved());
        let start = Instant::now();
        let cures = learned.cures(error, 3);
        self.cures.push(start.elapsed());
        let Some(first) = cures.first() else { return };
        let is = |remedy: &String| error.remedies.contains(remedy);
        let resolved = usize::from(error.is_resolved());
        let (is_followed, is_at_once) = (is(&first.remedy), error.at_once);
        self.n_proposed += 1;
        self.n_right += usize::from(is_followed) * resolved;
        self.n_exactly += usize::from(error.remedies.last() == Some(&first.remedy)) * resolved;
        self.n_right_of_three += usize::from(cures.iter().any(|cure| is(&cure.remedy))) * resolved;
        self.n_plain += usize::from(error.plain) * resolved;
        self.n_at_once += usize::from(is_at_once) * resolved;
        if is_followed {
            self.followed[0] += 1;
            self.followed[1] += resolved;
        } else if is_at_once {
            self.instead[0] += 1;
            self.instead[1] += resolved;
        }
        let shown = self.shown.entry((error.tool.clone(), first.remedy.clone())).or_default();
        shown[0] += 1;
        shown[1] += usize::from(is_followed);
        shown[2] += usize::from(is_followed) * resolved;
    }

    fn row(&self, name: &str) -> Vec<String> {
        let of = |n: usize, all: usize| share((all > 0).then(|| n as f64 / all as f64));
        let (low, high) = wilson(self.n_right, self.n_proposed);
        let half = |timings: &Vec<Duration>| {
            Percentiles::of(timings.clone()).map_or_else(String::new, |p| number(p.p50_us))
        };
        vec![
            name.to_owned(),
            self.n_episodes.to_string(),
            self.n_errors.to_string(),
            of(self.n_resolved, self.n_errors),
            of(self.n_proposed, self.n_errors),
            of(self.n_right, self.n_proposed),
            format!("{}–{}", share(Some(low)), share(Some(high))),
            of(self.n_exactly, self.n_proposed),
            of(self.n_right_of_three, self.n_proposed),
            of(self.n_plain, self.n_proposed),
            of(self.n_at_once, self.n_proposed),
            format!("{} ({})", of(self.followed[1], self.followed[0]), self.followed[0]),
            format!("{} ({})", of(self.instead[1], self.instead[0]), self.instead[0]),
            half(&self.digest),
            half(&self.put),
            half(&self.cures),
        ]
    }
}

/// Returns Wilson's 95 % interval of a share; the whole range without observations.
fn wilson(n_right: usize, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, z) = (n as f64, 1.96_f64);
    let rate = n_right as f64 / n;
    let middle = (rate + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
    (middle - half, middle + half)
}

fn show(tally: &Tally) {
    let mut shown: Vec<_> = tally.shown.iter().collect();
    shown.sort_by_key(|(_, counts)| std::cmp::Reverse(counts[0]));
    for ((tool, remedy), [n, followed, resolved]) in shown.into_iter().take(25) {
        println!("{n:>6} proposed, {followed:>5} done, {resolved:>5} worked: {tool}: {remedy}");
    }
    let per_step = tally.digest_bytes as f64 / tally.n_steps.max(1) as f64;
    println!("{per_step:.1} bytes of digest for a step\n");
}

/// Measures the cost of each stage of learning an episode, over 10,000 generated ones, of a
/// signature and of finding the patterns among them.
fn speed() -> Vec<Vec<String>> {
    const STAGES: [&str; 4] = ["digest, encoded", "put", "put again", "remove and put"];
    let mut rng = fastrand::Rng::with_seed(1);
    let attempts: Vec<Attempt> = (1..=10_000).filter_map(|n| generated(&mut rng, n, 15)).collect();
    let mut learned = LearnBench::default();
    let mut timings = vec![Vec::new(); STAGES.len()];
    for Attempt { episode, steps, .. } in &attempts {
        let mut last = Instant::now();
        let mut stages = timings.iter_mut();
        let mut lap = || {
            stages.next().into_iter().for_each(|stage| stage.push(last.elapsed()));
            last = Instant::now();
        };
        let digest = LearnBench::digest(steps);
        lap();
        learned.put(episode, &digest);
        lap();
        learned.put(episode, &digest);
        lap();
        learned.remove(episode.id);
        learned.put(episode, &digest);
        lap();
    }
    let row = |(stage, timings): (&str, Vec<Duration>)| {
        let percentiles = Percentiles::of(timings)?;
        Some(vec![stage.to_owned(), number(percentiles.p50_us), number(percentiles.p99_us)])
    };
    let mut rows: Vec<Vec<String>> = STAGES.into_iter().zip(timings).filter_map(row).collect();
    let failed = attempts.iter().flat_map(|attempt| &attempt.steps).filter(|step| !step.ok);
    let signatures = failed.map(|step| {
        let start = Instant::now();
        std::hint::black_box(signature(&step.tool, step.observation.as_str()));
        start.elapsed()
    });
    rows.extend(row(("signature of an error", signatures.collect())));
    let start = Instant::now();
    let scope = attempts.first().map(|attempt| attempt.episode.scope.clone());
    let n_patterns = scope.map_or(0, |scope| learned.n_patterns(scope, 5));
    rows.extend(row((&format!("all {n_patterns} patterns"), vec![start.elapsed()])));
    rows
}

/// Measures the group accuracy of signatures and their cost.
fn group_logs(dir: &Path) -> Result<(), DataError> {
    let (mut rows, mut sum) = (Vec::new(), 0.0);
    for name in set_names(dir, SUFFIX)? {
        let log = read_log(dir, &name)?;
        let accuracy = group_accuracy(&log, |message| signature("log", message));
        let time = |(message, _): &(String, String)| {
            let start = Instant::now();
            std::hint::black_box(signature("log", message));
            start.elapsed()
        };
        let percentiles = Percentiles::of(log.lines.iter().map(time).collect());
        let us = percentiles.map_or_else(String::new, |p| number(p.p50_us));
        rows.push(vec![name, log.lines.len().to_string(), share(Some(accuracy)), us]);
        sum += accuracy;
    }
    let mean = share(Some(sum / rows.len().max(1) as f64));
    rows.push(vec!["mean".to_owned(), String::new(), mean, String::new()]);
    println!("{}", layout(&["log", "lines", "group accuracy", "p50 µs"], &rows));
    Ok(())
}
