//! Encoders beside each other on data sets with known answers; see the README of this crate.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use memory_benches::candidates::Candidate;
use memory_benches::evaluate::{SetReport, evaluate};
use memory_benches::machine::Provenance;
use memory_benches::retrieval_set::RetrievalSet;
use memory_benches::searcher::{ByVectors, Column, Product};
use memory_benches::table::{layout, number, share};
use memory_core::bench::Weights;

/// Measures encoders by vectors alone and in the product's fusion.
#[derive(Parser)]
struct Arguments {
    /// Folder with NAME.corpus.jsonl.gz and NAME.queries.jsonl.gz
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only these sets, in this order, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    sets: Vec<String>,
    /// Encoders, separated by commas: wordpieces that are read of a text and of a query; before
    /// them FILE@ for a packed model, or exec:COMMAND for a program that embeds; two with + between
    /// for both side by side
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "254/62,254/254")]
    candidates: Vec<String>,
    /// Keep the vectors in this file for the next run
    #[arg(long, value_name = "FILE")]
    vectors: Option<PathBuf>,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("encoder: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let names = RetrievalSet::names(&arguments.data, &arguments.sets)?;
    let read = |name: &String| RetrievalSet::read(&arguments.data, name);
    let sets: Vec<RetrievalSet> = names.iter().map(read).collect::<Result<_, _>>()?;
    let mut reports: Vec<(String, SetReport)> = Vec::new();
    for set in &sets {
        for name in &arguments.candidates {
            let candidate = Candidate::of(name, arguments.vectors.as_deref())?;
            let others: Vec<_> = sets.iter().filter(|other| other.name != set.name).collect();
            for column in columns(&candidate) {
                let report = evaluate(column.as_ref(), set, &others)?;
                println!("{}", row(name, &report).join("  "));
                reports.push((name.clone(), report));
            }
        }
        write(arguments, &reports)?;
    }
    let headings = [
        "set",
        "column",
        "texts/query",
        "recall@10",
        "nDCG@10",
        "lost",
        "strong",
        "none strong",
        "foreign none strong",
        "embed s",
    ];
    let rows: Vec<Vec<String>> = reports.iter().map(|(name, report)| row(name, report)).collect();
    println!("\n{}", layout(&headings, &rows));
    Ok(())
}

fn columns(candidate: &Candidate) -> [Box<dyn Column>; 2] {
    let embedder = &candidate.embedder;
    let fused = Some(Arc::clone(embedder));
    [
        Box::new(ByVectors { embedder: Arc::clone(embedder) }),
        Box::new(Product { name: "fused", embedder: fused, weights: Weights::default() }),
    ]
}

fn row(name: &str, report: &SetReport) -> Vec<String> {
    let all = report.scores.iter().find(|scores| scores.view == "all");
    let floor = &report.floor;
    vec![
        report.set.clone(),
        report.column.to_owned(),
        name.to_owned(),
        share(all.and_then(|scores| scores.recall_at_10)),
        share(all.and_then(|scores| scores.ndcg_at_10)),
        share(floor.lost),
        share(floor.strong),
        share(floor.unanswerable.none_strong),
        share(floor.foreign.none_strong),
        number(report.loading.embed_ms / 1e3),
    ]
}

fn write(arguments: &Arguments, reports: &[(String, SetReport)]) -> std::io::Result<()> {
    let Some(path) = &arguments.json else { return Ok(()) };
    let reports: Vec<_> = reports
        .iter()
        .map(|(name, report)| serde_json::json!({"candidate": name, "report": report}))
        .collect();
    let document = serde_json::json!({
        "kind": "encoder",
        "provenance": Provenance::here(),
        "reports": reports,
    });
    std::fs::write(path, format!("{document:#}\n"))
}
