//! Latency of the server and of recall, by percentiles; see the README of this crate.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use memory_benches::figure::{Figure, layout};
use memory_benches::machine::Provenance;
use memory_benches::stdio::{Server, ServerError, Session};
use memory_benches::workload::Workload;
use memory_core::{Config, MemStorage, Memory, Query};
use serde_json::{Value, json};

/// Calls before any is measured.
const N_WARM: usize = 20;

/// Steps of a generated episode.
const N_STEPS: usize = 15;

/// Records handed to one import of the engine.
const IMPORT_SIZE: usize = 1_000;

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
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
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

/// What was measured, and what was not.
#[derive(Default)]
struct Findings {
    figures: Vec<Figure>,
    missing: Vec<String>,
}

impl Findings {
    fn add(&mut self, figure: impl IntoIterator<Item = Figure>) {
        self.figures.extend(figure);
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
    match arguments.server.clone().or_else(server_beside).filter(|path| path.is_file()) {
        None => findings.miss("the server: build it (cargo build --release) or pass --server PATH"),
        Some(program) => {
            for is_filled in [false, true] {
                if let Err(error) = serve(&arguments, &program, is_filled, &mut findings) {
                    let store = if is_filled { "a filled" } else { "an empty" };
                    findings.miss(format!("the rest of the server on {store} store: {error}"));
                }
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

fn server_beside() -> Option<PathBuf> {
    let name = format!("memory-mcp{}", std::env::consts::EXE_SUFFIX);
    Some(std::env::current_exe().ok()?.parent()?.join(name))
}

/// Recall in this process, each question asked once, so that no cache of answers helps.
fn engine_recall(n_notes: usize, n_questions: usize) -> Result<Option<Figure>, memory_core::Error> {
    let memory = Memory::open(Arc::new(MemStorage::new()), Config::default())?;
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
) -> Result<(), ServerError> {
    let server = Server::new(program)?;
    let n_stored = if is_filled { fill(arguments, &server, findings)? } else { 0 };
    let named = |name: &str| format!("server/{name}@{n_stored}");
    eprintln!("server: {n_stored} episodes stored …");
    let mut starts = Vec::new();
    for _ in 0..N_WARM {
        starts.push(server.start()?.1);
    }
    findings.add(Figure::timings(named("start_to_initialize"), starts).map(Figure::in_ms));
    let (mut session, _) = server.start()?;
    // Long enough that a load of the index in the background is over at all sizes that have a target.
    std::thread::sleep(Duration::from_secs(2));
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    match session.resident_bytes() {
        Some(bytes) => findings.add([Figure::once(named("idle_rss"), "MB", megabytes(bytes))]),
        None => findings.miss("resident memory: this system does not tell it"),
    }
    if !is_filled {
        findings.add([Figure::once("server/binary", "MB", megabytes(server.size_bytes()?))]);
        let (tools, _) = session.request("tools/list", &json!({}))?;
        let n_bytes = tools.to_string().len();
        findings.add([Figure::once("server/tools_list", "bytes", n_bytes as f64)]);
    }
    let figures = calls(&mut session, n_stored, arguments.rounds)?;
    findings.add(figures);
    match session.resident_bytes() {
        Some(bytes) => findings.add([Figure::once(named("used_rss"), "MB", megabytes(bytes))]),
        None => findings.miss("resident memory: this system does not tell it"),
    }
    drop(session);
    let mut load = Workload::new(4)?;
    let mut firsts = Vec::new();
    for _ in 0..5 {
        let (mut session, _) = server.start()?;
        firsts.push(session.call("recall", &question(&mut load))?.1);
    }
    findings.add(Figure::timings(named("first_recall"), firsts).map(Figure::in_ms));
    Ok(())
}

/// Imports episodes into the store; gives how many are there.
fn fill(
    arguments: &Arguments,
    server: &Server,
    findings: &mut Findings,
) -> Result<usize, ServerError> {
    let failed = |what: String| ServerError::Failed { what, log: String::new() };
    let mut paths = Vec::new();
    let mut n_lines = 0;
    if let Some(dir) = &arguments.data {
        let names =
            memory_benches::data::set_names(dir, EPISODES).map_err(|e| failed(e.to_string()))?;
        for name in names {
            let path = dir.join(format!("{name}{EPISODES}"));
            let lines = memory_benches::data::read_lines::<Value>(&path);
            n_lines += lines.map_err(|e| failed(e.to_string()))?.len();
            paths.push(path);
        }
    } else {
        let path = server.dir().join("generated.jsonl");
        let written = write_episodes(&path, arguments.episodes);
        written.map_err(|e| failed(format!("cannot write generated episodes: {e}")))?;
        n_lines = arguments.episodes;
        paths.push(path);
    }
    let shown: Vec<String> = paths
        .iter()
        .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string())
        .collect();
    let mut args = vec!["import", "jsonl"];
    args.extend(shown.iter().map(String::as_str));
    let elapsed = server.run(&args)?;
    let per_episode_us = elapsed.as_secs_f64() * 1e6 / n_lines.max(1) as f64;
    findings.add([Figure::once("server/import_of_one_episode", "µs", per_episode_us)]);
    Ok(n_lines)
}

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
    session: &mut Session<'_>,
    n_stored: usize,
    n_rounds: usize,
) -> Result<Vec<Figure>, ServerError> {
    let mut load = Workload::new(3)?;
    let [mut starts, mut logs, mut completions, mut fresh, mut recalls, mut advice] =
        [const { Vec::new() }; 6];
    for i in 0..N_WARM + n_rounds {
        let task = json!({"task": load.words(20), "scope": "acme/project-0"});
        let (started, start) = session.call("start_episode", &task)?;
        let id = started["episode_id"].clone();
        for _ in 0..N_STEPS {
            let step = load.step(150, 1_350);
            let args: Value = serde_json::from_str(&step.args).unwrap_or_default();
            let step = json!({"tool": step.tool, "args": args, "observation": step.observation,
                "ok": step.ok, "latency_ms": step.latency_ms});
            let log = session.call("log_steps", &json!({"episode_id": id, "steps": [step]}))?.1;
            if i >= N_WARM {
                logs.push(log);
            }
        }
        let end = json!({"episode_id": id, "outcome": "success", "summary": load.text(200)});
        let completion = session.call("complete_episode", &end)?.1;
        let recall = session.call("recall", &question(&mut load))?.1;
        if i >= N_WARM {
            starts.push(start);
            completions.push(completion);
            fresh.push(recall);
            advice.push(session.call("recommend", &task)?.1);
        }
    }
    for _ in 0..n_rounds * 2 {
        recalls.push(session.call("recall", &question(&mut load))?.1);
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
