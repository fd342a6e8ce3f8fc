//! This index as one of the peers of `peers/peers.py`: reads a file of vectors, then answers every line
//! of its input with one round over all queries, so that the rounds of all peers can alternate.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use memory_benches::vector_file::VectorFile;
use memory_core::bench::DenseIndex;
use serde_json::json;

/// How it is searched.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Mode {
    /// Exactly.
    Exact,
    /// From sketches of one bit a dimension.
    Fast,
}

/// Searches a file of vectors, one query at a time on one thread.
#[derive(Parser)]
struct Arguments {
    /// The file
    vectors: PathBuf,
    /// Vectors to find
    #[arg(long, default_value_t = 10)]
    k: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let file = VectorFile::read(&arguments.vectors)?;
    let begin = Instant::now();
    let mut index = DenseIndex::new(file.dimension)?;
    for (unit, row) in (0..).zip(file.rows()) {
        index.put(unit, row)?;
    }
    index.turn();
    let build_s = begin.elapsed().as_secs_f64();
    index.sketch();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({"kernels": index.kernels(), "build_s": build_s}))?;
    for line in std::io::stdin().lock().lines() {
        let mode = Mode::from_str(line?.trim(), true)?;
        let (mut ids, mut latencies_ns) = (Vec::new(), Vec::new());
        for query in file.queries() {
            let begin = Instant::now();
            let top = match mode {
                Mode::Exact => index.search(query, arguments.k)?,
                Mode::Fast => index.search_fast(query, arguments.k)?,
            };
            latencies_ns.push(begin.elapsed().as_nanos());
            ids.push(top.into_iter().map(|(unit, _)| unit).collect::<Vec<_>>());
        }
        writeln!(out, "{}", json!({"latencies_ns": latencies_ns, "ids": ids}))?;
        out.flush()?;
    }
    Ok(())
}
