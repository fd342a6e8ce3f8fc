//! Latency of the server and of recall, by percentiles; see the README of this crate.

use std::error::Error;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use memory_benches::figure::{Figure, layout};
use memory_benches::machine::Provenance;
use memory_benches::server::{MeasuredServer, beside, end, resident_bytes};
use memory_core::{MemStorage, Memory, Query};
use memory_testkit::generate::Workload;
use memory_testkit::stdio::Client;
use serde_json::{Value, json};

/// Number of calls before any is measured.
const N_WARM: usize = 20;

/// Number of steps of a generated episode.
const N_STEPS: usize = 15;

/// Number of records handed to one import of the engine.
const IMPORT_SIZE: usize = 1_000;

/// Numbers of notes among which the engine searches.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Measures latencies that need percentiles.
#[derive(Parser)]
struct Arguments {
    /// The server's program; by default `memory-mcp` beside this one
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Import the episode sets of this folder instead of generated ones
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Generated episodes in the larger store
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    episodes: usize,
    /// Notes among which the engine searches, without a server; 0 leaves this out
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = SIZES)]
    sizes: Vec<usize>,
    /// Episodes that are recorded, and half as many questions as are asked
    #[arg(long, value_name = "N", default_value_t = 200)]
    rounds: usize,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit with 1 when a target is missed or something could not be measured
    #[arg(long)]
    check: bool,
}

/// Figures that were measured, and names of those that were not.
#[derive(Default)]
struct Findings {
    figures: Vec<Figure>,
    missing: Vec<String>,
}

impl Findings {
    fn add(&mut self, figure: impl IntoIterator<Item = Figure>) {
        self.figures.extend(figure);
    }

    /// Adds the resident memory of a server.
    fn add_resident(&mut self, name: String, client: &Client) {
        match resident_bytes(client) {
            Some(bytes) => self.add([Figure::once(name, "MB", bytes as f64 / 1e6)]),
            None => self.miss("resident memory: this system does not report it"),
        }
    }

    fn miss(&mut self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("latency: missing: {what}");
        self.missing.push(what);
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(dir) = arguments.data.as_ref().filter(|dir| !dir.is_dir()) {
        eprintln!("latency: {} is missing: the folder with the data sets", dir.display());
        return ExitCode::from(2);
    }
    let mut findings = Findings::default();
    for size in arguments.sizes.iter().filter(|size| **size > 0) {
        eprintln!("engine: recall among {size} notes …");
        match engine_recall(*size, arguments.rounds * 2) {
            Ok(figure) => findings.add(figure),
            Err(error) => findings.miss(format!("recall among {size} notes: {error}")),
        }
    }
    match arguments.server.clone().or_else(beside).filter(|path| path.is_file()) {
        None => findings.miss("the server: build it (cargo build --release) or pass --server PATH"),
        Some(program) => {
            for is_filled in [false, true] {
                let store = if is_filled { "a filled" } else { "an empty" };
                // The client panics where the server fails; what was measured before stays.
                let serving = || serve(&arguments, &program, is_filled, &mut findings);
                let reason = match catch_unwind(AssertUnwindSafe(serving)) {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "see the message above".to_owned(),
                };
                findings.miss(format!("the rest of the server on {store} store: {reason}"));
            }
        }
    }
    report(&arguments, &findings)
}

fn report(arguments: &Arguments, findings: &Findings) -> ExitCode {
    println!("{}", layout(&findings.figures));
    for what in &findings.missing {
        println!("MISSING: {what}");
    }
    let document = json!({"kind": "latency", "provenance": Provenance::here(),
        "figures": findings.figures, "missing": findings.missing});
    if let Some(path) = &arguments.json
        && let Err(error) = std::fs::write(path, format!("{document:#}\n"))
    {
        eprintln!("latency: cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    let is_short =
        !findings.missing.is_empty() || findings.figures.iter().any(Figure::misses_target);
    if arguments.check && is_short { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Recall in this process, each question asked once, so that no cache of answers helps.
fn engine_recall(n_notes: usize, n_questions: usize) -> Result<Option<Figure>, memory_core::Error> {
    let memory = Memory::builder(Arc::new(MemStorage::new())).open()?;
    let mut load = Workload::new(1)?;
    let mut n_left = n_notes;
    while n_left > 0 {
        let n = n_left.min(IMPORT_SIZE);
        memory.import((0..n).map(|_| load.note()).collect())?;
        n_left -= n;
    }
    memory.refresh()?;
    let mut timings = Vec::with_capacity(n_questions);
    for i in 0..N_WARM + n_questions {
        let query = Query::new(load.question());
        let begin = Instant::now();
        memory.recall(&query)?;
        if i >= N_WARM {
            timings.push(begin.elapsed());
        }
    }
    Ok(Figure::timings(format!("engine/recall@{n_notes}"), timings))
}

/// Measures the server on an empty or a filled store.
fn serve(
    arguments: &Arguments,
    program: &Path,
    is_filled: bool,
    findings: &mut Findings,
) -> Result<(), Box<dyn Error>> {
    let server = MeasuredServer::new(program)?;
    let n_stored = if is_filled { fill(arguments, &server, findings)? } else { 0 };
    let named = |name: &str| format!("server/{name}@{n_stored}");
    eprintln!("server: {n_stored} episodes stored …");
    let mut starts = Vec::new();
    for _ in 0..N_WARM {
        let (client, start) = server.start();
        starts.push(start);
        end(&client);
    }
    findings.add(Figure::timings(named("start_to_initialize"), starts).map(Figure::in_ms));
    let (client, _) = server.start();
    // Long enough that a load of the index in the background is over at all sizes with a target.
    std::thread::sleep(Duration::from_secs(2));
    findings.add_resident(named("idle_rss"), &client);
    if !is_filled {
        let size = server.size_bytes()? as f64 / 1e6;
        findings.add([Figure::once("server/binary", "MB", size)]);
        let (tools, _) = client.timed("tools/list", &json!({}));
        let n_bytes = tools.to_string().len();
        findings.add([Figure::once("server/tools_list", "bytes", n_bytes as f64)]);
    }
    findings.add(calls(&client, n_stored, arguments.rounds)?);
    findings.add_resident(named("used_rss"), &client);
    end(&client);
    let mut load = Workload::new(4)?;
    let mut firsts = Vec::new();
    for _ in 0..5 {
        let (client, _) = server.start();
        firsts.push(client.timed_call("recall", &question(&mut load)).1);
        end(&client);
    }
    findings.add(Figure::timings(named("first_recall"), firsts).map(Figure::in_ms));
    Ok(())
}

/// Imports episodes into the store; returns how many are there.
fn fill(
    arguments: &Arguments,
    server: &MeasuredServer,
    findings: &mut Findings,
) -> Result<usize, Box<dyn Error>> {
    let mut paths = Vec::new();
    let mut n_lines = 0;
    if let Some(dir) = &arguments.data {
        for name in memory_benches::data::set_names(dir, EPISODES)? {
            let path = dir.join(format!("{name}{EPISODES}"));
            n_lines += memory_benches::data::read_lines::<Value>(&path)?.len();
            paths.push(path.canonicalize()?.display().to_string());
        }
    } else {
        let path = server.dir().join("generated.jsonl");
        write_episodes(&path, arguments.episodes)?;
        n_lines = arguments.episodes;
        paths.push(path.display().to_string());
    }
    let mut args = vec!["import", "jsonl"];
    args.extend(paths.iter().map(String::as_str));
    let elapsed = server.run(&args);
    let per_episode_us = elapsed.as_secs_f64() * 1e6 / n_lines.max(1) as f64;
    findings.add([Figure::once("server/import_of_one_episode", "µs", per_episode_us)]);
    Ok(n_lines)
}

/// End of the name of a set of episodes.
const EPISODES: &str = ".episodes.jsonl.gz";

fn write_episodes(path: &Path, n: usize) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut load = Workload::new(2).map_err(std::io::Error::other)?;
    for _ in 0..n {
        writeln!(file, "{}", load.episode_line(N_STEPS))?;
    }
    file.flush()
}

/// Records episodes as an agent does, one step a call, and asks in between and after.
fn calls(
    client: &Client,
    n_stored: usize,
    n_rounds: usize,
) -> Result<Vec<Figure>, memory_core::Error> {
    let mut load = Workload::new(3)?;
    let [mut starts, mut logs, mut completions, mut fresh, mut recalls, mut advice] =
        [const { Vec::new() }; 6];
    for i in 0..N_WARM + n_rounds {
        let task = json!({"task": load.words(20), "scope": "acme/project-0"});
        let (started, start) = client.timed_call("start_episode", &task);
        let id = started["episode_id"].clone();
        for _ in 0..N_STEPS {
            let step = load.step(150, 1_350);
            let args: Value = serde_json::from_str(&step.args).unwrap_or_default();
            let step = json!({"tool": step.tool, "args": args, "observation": step.observation,
                "ok": step.ok, "latency_ms": step.latency_ms});
            let log = client.timed_call("log_steps", &json!({"episode_id": id, "steps": [step]})).1;
            if i >= N_WARM {
                logs.push(log);
            }
        }
        let end = json!({"episode_id": id, "outcome": "success", "summary": load.text(200)});
        let completion = client.timed_call("complete_episode", &end).1;
        let recall = client.timed_call("recall", &question(&mut load)).1;
        if i >= N_WARM {
            starts.push(start);
            completions.push(completion);
            fresh.push(recall);
            advice.push(client.timed_call("recommend", &task).1);
        }
    }
    for _ in 0..n_rounds * 2 {
        recalls.push(client.timed_call("recall", &question(&mut load)).1);
    }
    let named = [
        ("start_episode", starts),
        ("log_steps_1500_b", logs),
        ("complete_episode", completions),
        ("recommend", advice),
        ("recall_after_write", fresh),
        ("recall", recalls),
    ];
    let figures = named
        .into_iter()
        .filter_map(|(name, timings)| Figure::timings(format!("stdio/{name}@{n_stored}"), timings));
    Ok(figures.collect())
}

fn question(load: &mut Workload) -> Value {
    json!({"query": load.question(), "scope": "*"})
}
