//! Harness for what capture concludes; see the README of this crate.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use memory_benches::data::DataError;
use memory_benches::episodes::read_attempts;
use memory_benches::judging::{Tally, judged};
use memory_benches::machine::Provenance;
use memory_benches::table::{layout, object};
use memory_core::Outcome;

/// Sets whose outcomes are known, and hidden here.
const SETS: [&str; 3] = ["swebench", "mcpmark", "hotpotqa"];

/// Lowest share of what is said that is right.
const MIN_RIGHT: f64 = 0.8;

/// Measures how often the outcome that is inferred from steps alone is right, and how often it is
/// said.
#[derive(Parser)]
struct Arguments {
    /// Folder with NAME.episodes.jsonl.gz
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only these sets, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    sets: Vec<String>,
    /// Print each attempt with what is said of it, and why
    #[arg(long)]
    show: bool,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit with 1 when what is said of a set is right less often than .80
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(is_right) if is_right || !arguments.check => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("capture: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints a row for each set; returns whether each of them reaches what is asked.
fn measure(arguments: &Arguments) -> Result<bool, DataError> {
    let sets = if arguments.sets.is_empty() {
        SETS.map(str::to_owned).to_vec()
    } else {
        arguments.sets.clone()
    };
    let (mut rows, mut is_right) = (Vec::new(), true);
    for set in &sets {
        let mut tally = Tally::default();
        for attempt in read_attempts(&arguments.data, set, false)? {
            tally.add(&attempt);
            if arguments.show {
                let known = attempt.episode.closing.as_ref().and_then(|closing| closing.outcome);
                let (known, judgement) = (known.map(Outcome::name), judged(&attempt));
                let said = judgement.as_ref().and_then(|said| said.outcome).map(Outcome::name);
                let why = judgement.map(|said| said.reason).unwrap_or_default();
                let (known, said) = (known.unwrap_or("unknown"), said.unwrap_or("nothing"));
                println!("{set}: {known}, said {said}: {why}");
            }
        }
        is_right &= tally.right().is_none_or(|right| right >= MIN_RIGHT);
        rows.push(tally.row(set));
    }
    println!("{}", layout(&Tally::HEADINGS, &rows));
    if let Some(path) = &arguments.json {
        let rows: Vec<_> = rows.iter().map(|row| object(&Tally::HEADINGS, row)).collect();
        let document = serde_json::json!({
            "kind": "capture", "rows": rows, "provenance": Provenance::here(),
        });
        std::fs::write(path, format!("{document:#}\n"))
            .map_err(|source| DataError::Unreadable { path: path.clone(), line: 0, source })?;
    }
    Ok(is_right)
}
