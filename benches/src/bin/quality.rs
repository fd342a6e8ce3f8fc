//! Quality of search on data sets with known answers; see the README of this crate.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use memory_benches::evaluate::{SetReport, Silence, evaluate};
use memory_benches::kept::Kept;
use memory_benches::machine::Provenance;
use memory_benches::retrieval_set::RetrievalSet;
use memory_benches::scores::Scores;
use memory_benches::searcher::{ByVectors, Column, Product};
use memory_benches::table::{layout, number, share};
use memory_benches::variety::{Episodes, VarietyReport};
use memory_benches::{ablation, variety};
use memory_core::Embedder;
use memory_core::bench::Weights;
use memory_embed::MiniLm;

/// Measures how well past texts are found again.
#[derive(Parser)]
struct Arguments {
    /// Folder with NAME.corpus.jsonl.gz and NAME.queries.jsonl.gz
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only these sets, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    sets: Vec<String>,
    /// Only these columns (bm25, dense, fused; with --ablation also those), separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,
    /// Also leave out one term of the score at a time, and print what each is worth
    #[arg(long)]
    ablation: bool,
    /// Ask about the tasks of these sets of episodes (NAME.episodes.jsonl.gz), separated by commas,
    /// and print how various the answers are
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    episodes: Vec<String>,
    /// Keep the vectors of the texts in this file for the next run
    #[arg(long, value_name = "FILE")]
    vectors: Option<PathBuf>,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit with 1 when a target is missed
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let sets = match read_sets(&arguments.data, &arguments.sets) {
        Ok(sets) => sets,
        Err(error) => {
            eprintln!("quality: {error}");
            return ExitCode::from(2);
        }
    };
    let embedder = match embedder(arguments.vectors.as_deref()) {
        Ok(embedder) => embedder,
        Err(error) => {
            eprintln!("quality: {error}");
            return ExitCode::from(2);
        }
    };
    let columns = columns(&embedder, arguments.ablation);
    let wanted =
        |name: &str| arguments.columns.is_empty() || arguments.columns.iter().any(|n| n == name);
    let mut reports = Vec::new();
    for column in columns.into_iter().filter(|column| wanted(column.name())) {
        for set in &sets {
            eprintln!("{} on {} ({} texts) …", column.name(), set.name, set.documents.len());
            let others: Vec<_> = sets.iter().filter(|other| other.name != set.name).collect();
            match evaluate(column.as_ref(), set, &others) {
                Ok(report) => reports.push(report),
                Err(error) => {
                    eprintln!("quality: {} cannot be measured: {error}", set.name);
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    println!("{}\n\n{}", ranking_table(&reports), floor_table(&reports));
    if arguments.ablation {
        println!("\n{}", ablation::table(&reports));
    }
    match variety_of(&arguments, &embedder) {
        Ok(reports) if reports.is_empty() => {}
        Ok(reports) => println!("\n{}", variety::table(&reports)),
        Err(error) => {
            eprintln!("quality: {error}");
            return ExitCode::from(2);
        }
    }
    if let Some(path) = &arguments.json
        && let Err(error) = write_json(path, &reports)
    {
        eprintln!("quality: cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    let is_missed = reports.iter().flat_map(|r| &r.scores).any(Scores::misses_target);
    if arguments.check && is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The ways of searching that are measured.
fn columns(embedder: &Arc<dyn Embedder>, ablation: bool) -> Vec<Box<dyn Column>> {
    let product = |name, embedder| Product { name, embedder, weights: Weights::default() };
    let mut columns: Vec<Box<dyn Column>> = vec![
        Box::new(product("bm25", None)),
        Box::new(ByVectors { embedder: Arc::clone(embedder) }),
        Box::new(product("fused", Some(Arc::clone(embedder)))),
    ];
    if ablation {
        let more = ablation::columns(embedder).into_iter();
        columns.extend(more.map(|column| -> Box<dyn Column> { Box::new(column) }));
    }
    columns
}

/// Measures the variety of the answers about episodes, with and without diversification.
fn variety_of(
    arguments: &Arguments,
    embedder: &Arc<dyn Embedder>,
) -> Result<Vec<VarietyReport>, Box<dyn std::error::Error>> {
    let mut reports = Vec::new();
    for set in &arguments.episodes {
        eprintln!("variety on {set} …");
        reports.extend(Episodes::load(&arguments.data, set, embedder)?.measure()?);
    }
    Ok(reports)
}

/// The embedded model on all cores, behind the kept vectors if a file is named.
fn embedder(kept: Option<&Path>) -> Result<Arc<dyn Embedder>, Box<dyn std::error::Error>> {
    let n_threads = std::thread::available_parallelism()?;
    let model: Arc<dyn Embedder> = Arc::new(MiniLm::embedded()?.with_threads(n_threads));
    Ok(match kept {
        Some(path) => Arc::new(Kept::open(path, model)?),
        None => model,
    })
}

/// Reads every set before any is measured, so that a broken file is not found after minutes.
fn read_sets(
    dir: &Path,
    wanted: &[String],
) -> Result<Vec<RetrievalSet>, memory_benches::data::DataError> {
    let names = RetrievalSet::names(dir, wanted)?;
    names.iter().map(|name| RetrievalSet::read(dir, name)).collect()
}

fn ranking_table(reports: &[SetReport]) -> String {
    let mut rows = Vec::new();
    for report in reports {
        for (i, scores) in report.scores.iter().enumerate() {
            let verdict = match (scores.target_recall_at_10, scores.misses_target()) {
                (None, _) => "",
                (_, false) => "ok",
                (_, true) => "MISSED",
            };
            let ms = |us: f64| number(us / 1e3);
            let latency = report.latency.filter(|_| i == 0);
            rows.push(vec![
                format!("{} ({})", report.set, scores.view),
                report.column.to_owned(),
                report.loading.n_documents.to_string(),
                scores.n.to_string(),
                share(scores.recall_at_5),
                share(scores.recall_at_10),
                share(scores.target_recall_at_10),
                verdict.to_owned(),
                share(scores.ndcg_at_10),
                share(scores.mrr),
                latency.map_or(String::new(), |l| ms(l.p50_us)),
                latency.map_or(String::new(), |l| ms(l.p99_us)),
                if i == 0 { number(report.loading.import_ms) } else { String::new() },
                if i == 0 { number(report.loading.index_ms) } else { String::new() },
            ]);
        }
    }
    let headings = [
        "set (questions)",
        "column",
        "texts",
        "n",
        "recall@5",
        "recall@10",
        "target",
        "",
        "nDCG@10",
        "MRR@10",
        "p50 ms",
        "p99 ms",
        "import ms",
        "index ms",
    ];
    format!(
        "Ranking, strength any; recall@k = |gold ∩ first k| / |gold|, nDCG by linear gain\n{}",
        layout(&headings, &rows)
    )
}

fn floor_table(reports: &[SetReport]) -> String {
    let silence = |silence: &Silence| {
        [silence.n.to_string(), share(silence.nothing), share(silence.none_strong)]
    };
    let row = |report: &SetReport| {
        let floor = &report.floor;
        let mut cells = vec![report.set.clone(), report.column.to_owned()];
        cells.extend(silence(&floor.unanswerable));
        cells.extend(silence(&floor.foreign));
        cells.extend([floor.n_found.to_string(), share(floor.lost), share(floor.strong)]);
        cells
    };
    let headings = [
        "set",
        "column",
        "unanswerable",
        "nothing",
        "none strong",
        "foreign",
        "nothing",
        "none strong",
        "found",
        "lost",
        "strong",
    ];
    format!(
        "Floor, default strength: unanswerable questions of the set and questions of other sets\n\
         should get nothing; of the right answers found at strength any few should be lost\n{}",
        layout(&headings, &reports.iter().map(row).collect::<Vec<_>>())
    )
}

fn write_json(path: &Path, reports: &[SetReport]) -> std::io::Result<()> {
    let document = serde_json::json!({
        "kind": "quality",
        "provenance": Provenance::here(),
        "recall_definition": "|gold ∩ first k| / |gold|",
        "ndcg_gain": "linear",
        "sets": reports,
    });
    std::fs::write(path, format!("{document:#}\n"))
}
