//! This index as one of the peers of `peers/peers.py`: reads a file of vectors, then answers every
//! line of its input with one round over all queries, so that the rounds of all peers can
//! alternate.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use memory_benches::vector_file::VectorFile;
use memory_dense::DenseIndex;
use serde_json::json;

/// Searches a file of vectors exactly, one query at a time on one thread.
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
    for (id, row) in (0..).zip(file.rows()) {
        index.put(id, row)?;
    }
    if let Some(codes) = index.freeze().recode(&|| true) {
        index.adopt(codes);
    }
    let build_s = begin.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({"kernels": index.instruction_set(), "build_s": build_s}))?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let (mut ids, mut latencies_ns) = (Vec::new(), Vec::new());
        for query in file.queries() {
            let begin = Instant::now();
            let found = index.search(query, arguments.k, None)?;
            latencies_ns.push(begin.elapsed().as_nanos());
            ids.push(found.top.into_iter().map(|(id, _)| id).collect::<Vec<_>>());
        }
        writeln!(out, "{}", json!({"latencies_ns": latencies_ns, "ids": ids}))?;
        out.flush()?;
    }
    Ok(())
}
