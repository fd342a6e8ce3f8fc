//! Harness for what the answers hold, as a model reads them; see the README of this crate.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use memory_benches::data::DataError;
use memory_benches::delivery::{PARTS, Report, gold, replay_all};
use memory_benches::machine::Provenance;
use memory_benches::server::beside;

/// Measures what the answers of the server hold of what helped then, and what they cost.
#[derive(Parser)]
struct Arguments {
    /// Folder with NAME.episodes.jsonl.gz, and with the retrieval sets
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The server's program; by default `memory-mcp` beside this one
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Only these sets, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    sets: Vec<String>,
    /// Only these parts, separated by commas; `gold` asks the questions of the retrieval sets
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    parts: Vec<String>,
    /// Answers of each set to print, evenly spread
    #[arg(long, value_name = "N", default_value_t = 0)]
    show: usize,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(report) => {
            println!("{}", report.text());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("delivery: {error}");
            ExitCode::from(2)
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Report, DataError> {
    let Arguments { data, server, sets, parts, show, json } = arguments;
    if let Some(part) = parts.iter().find(|part| *part != "gold" && !PARTS.contains(&part.as_str()))
    {
        let wanted = format!("the parts are gold, {}", PARTS.join(", "));
        return Err(DataError::Missing { path: PathBuf::from(part), wanted });
    }
    let program = server.clone().or_else(beside).filter(|path| path.is_file());
    let Some(program) = program else {
        let wanted = "the server: build it (cargo build --release) or pass --server PATH";
        return Err(DataError::Missing { path: "memory-mcp".into(), wanted: wanted.to_owned() });
    };
    let is_gold = |part: &String| part == "gold";
    let mut report = Report::default();
    if parts.is_empty() || !parts.iter().all(is_gold) {
        report = replay_all(data, &program, sets, parts, *show)?;
    }
    if parts.iter().any(is_gold) || parts.is_empty() && sets.is_empty() {
        report.tables.extend(gold(data, &program, sets)?.tables);
    }
    if let Some(path) = json {
        let mut document = report.json();
        document["kind"] = "delivery".into();
        document["provenance"] = serde_json::json!(Provenance::here());
        std::fs::write(path, format!("{document:#}\n"))
            .map_err(|source| DataError::Unreadable { path: path.clone(), line: 0, source })?;
    }
    Ok(report)
}
