//! Harness for predictions; see the README of this crate.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use memory_benches::data::DataError;
use memory_benches::machine::Provenance;
use memory_benches::prediction::{
    Part, Target, m3, nab, next_steps, outcomes, planted_anomalies, simulated_rates, tcpd,
};
use memory_benches::table::{layout, number, object};

/// Measures forecasts, change points, anomalies, next steps and chances of success.
#[derive(Parser)]
struct Arguments {
    /// Folder with the series and episodes
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only these parts, separated by commas
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    parts: Vec<String>,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit with 1 when a target is missed
    #[arg(long)]
    check: bool,
}

/// A part by name.
type Measure = fn(&Path) -> Result<Part, DataError>;

const PARTS: [(&str, Measure); 7] = [
    ("m3", m3),
    ("tcpd", tcpd),
    ("nab", nab),
    ("rates", |_| Ok(simulated_rates())),
    ("anomalies", |_| Ok(planted_anomalies())),
    ("next", next_steps),
    ("odds", outcomes),
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(is_met) if is_met || !arguments.check => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("prediction: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, DataError> {
    let (mut targets, mut tables) = (Vec::new(), serde_json::Map::new());
    for (name, measure) in PARTS {
        if !arguments.parts.is_empty() && !arguments.parts.iter().any(|part| part == name) {
            continue;
        }
        let Part { title, headings, rows, figures } = measure(&arguments.data)?;
        println!("{title}\n{}\n", layout(&headings, &rows));
        let rows = rows.iter().map(|row| object(&headings, row)).collect();
        tables.insert(name.to_owned(), serde_json::Value::Array(rows));
        targets.extend(figures);
    }
    let rows: Vec<Vec<String>> = targets.iter().map(row).collect();
    println!("{}", layout(&["figure", "measured", "target", ""], &rows));
    if let Some(path) = &arguments.json {
        let figures: Vec<_> = rows.iter().map(|row| object(&["figure", "measured"], row)).collect();
        let document = serde_json::json!({"kind": "prediction", "provenance": Provenance::here(),
            "figures": figures, "tables": tables});
        std::fs::write(path, format!("{document:#}\n"))
            .map_err(|source| DataError::Unreadable { path: path.clone(), line: 0, source })?;
    }
    Ok(targets.iter().all(Target::is_met))
}

fn row(target: &Target) -> Vec<String> {
    let value = if target.value.abs() < 10.0 {
        format!("{:.3}", target.value)
    } else {
        number(target.value)
    };
    let verdict = if target.is_met() { "ok" } else { "MISSED" };
    vec![target.name.to_owned(), value, target.wanted(), verdict.to_owned()]
}
