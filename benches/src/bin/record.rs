//! Puts the figures of one machine and one commit into one file; see the README of this crate.
//!
//! Every run makes a new file: a record is never overwritten.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use memory_benches::figure::{Figure, layout};
use memory_benches::machine::Provenance;
use serde_json::{Value, json};

/// Harnesses whose reports belong into a record; criterion's estimates are read from its folder.
const KINDS: [&str; 6] = ["quality", "latency", "learning", "delivery", "prediction", "peers"];

/// Merges the figures of the benches and harnesses into a new record.
#[derive(Parser)]
struct Arguments {
    /// Reports that `quality`, `latency`, `learning`, `delivery`, `prediction` and
    /// `peers/peers.py` wrote with `--json`
    reports: Vec<PathBuf>,
    /// Folder in which criterion keeps its estimates
    #[arg(long, value_name = "DIR")]
    criterion: Option<PathBuf>,
    /// Folder for the record
    #[arg(long, value_name = "DIR", default_value = "benches/records")]
    to: PathBuf,
    /// Name of the machine in the file's name; by default made from its processor
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match record(&arguments) {
        Ok(path) => {
            println!("{}", path.display());
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("record: {reason}");
            ExitCode::from(2)
        }
    }
}

fn record(arguments: &Arguments) -> Result<PathBuf, String> {
    let here = Provenance::here();
    let mut document = json!({ "provenance": here });
    for path in &arguments.reports {
        let mut report = read(path)?;
        let commit = report["provenance"]["commit"].as_str().unwrap_or_default();
        if commit != here.commit {
            let path = path.display();
            return Err(format!("{path} is of commit {commit}, the source of {}", here.commit));
        }
        let kind = report["kind"].as_str().map(ToOwned::to_owned);
        let Some(kind) = kind.filter(|kind| KINDS.contains(&kind.as_str())) else {
            return Err(format!("{} is no report of a harness", path.display()));
        };
        if !document[&kind].is_null() {
            return Err(format!("{}: a second report of `{kind}`", path.display()));
        }
        if let Some(fields) = report.as_object_mut() {
            fields.remove("provenance");
            fields.remove("kind");
        }
        document[kind] = report;
    }
    for kind in KINDS.iter().filter(|kind| document[**kind].is_null()) {
        eprintln!("record: no report of `{kind}`");
    }
    let estimates = arguments.criterion.clone().unwrap_or_else(default_criterion);
    let mut figures = Vec::new();
    collect(&estimates, &estimates, &mut figures)?;
    figures.sort_by(|a, b| a.name.cmp(&b.name));
    if figures.is_empty() {
        eprintln!("record: no criterion estimates in {}", estimates.display());
    } else {
        println!("{}", layout(&figures));
        document["criterion"] = json!(figures);
    }
    let machine = arguments.machine.clone().unwrap_or_else(|| here.machine_name());
    let stem = format!("{}-{machine}", here.date);
    let (path, mut file) = new_file(&arguments.to, &stem)
        .map_err(|e| format!("cannot create a record in {}: {e}", arguments.to.display()))?;
    writeln!(file, "{document:#}").map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    Ok(path)
}

/// Creates `STEM.json` in `dir`, or `STEM-2.json` and so on if there is one already.
fn new_file(dir: &Path, stem: &str) -> std::io::Result<(PathBuf, File)> {
    let mut n = 1_u32;
    loop {
        let name = if n == 1 { format!("{stem}.json") } else { format!("{stem}-{n}.json") };
        let path = dir.join(name);
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => n += 1,
            Err(error) => return Err(error),
        }
    }
}

fn default_criterion() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    target.join("criterion")
}

fn read(path: &Path) -> Result<Value, String> {
    let cannot = |e: &dyn std::fmt::Display| format!("cannot read {}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| cannot(&e))?;
    serde_json::from_str(&text).map_err(|e| cannot(&e))
}

/// Collects the medians of all benches below `dir`, in microseconds: criterion keeps them in
/// nanoseconds in `GROUP/BENCH/new/estimates.json`.
fn collect(root: &Path, dir: &Path, figures: &mut Vec<Figure>) -> Result<(), String> {
    let estimates = dir.join("new").join("estimates.json");
    if estimates.is_file() {
        let median_ns = read(&estimates)?["median"]["point_estimate"].as_f64();
        let median_ns = median_ns.ok_or(format!("{} has no median", estimates.display()))?;
        let name = dir.strip_prefix(root).unwrap_or(dir).to_string_lossy().replace('\\', "/");
        figures.push(Figure::once(name, "µs", median_ns / 1e3));
        return Ok(());
    }
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect(root, &entry.path(), figures)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_never_takes_the_place_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let mut names = Vec::new();
        for run in 1..=3 {
            let (path, mut file) = new_file(dir.path(), "2026-01-02-cpu-2core").unwrap();
            write!(file, "{run}").unwrap();
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        let expected = ["", "-2", "-3"].map(|n| format!("2026-01-02-cpu-2core{n}.json"));
        assert_eq!(names, expected);
        let first = std::fs::read_to_string(dir.path().join(&expected[0])).unwrap();
        assert_eq!(first, "1", "the first record is as it was");
    }
}
