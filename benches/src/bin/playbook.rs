//! How good playbooks are, on recorded episodes; prints some for reading.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use memory_benches::playbook_replay::{replay_all, table};

/// Measures playbooks by what happened next.
#[derive(Parser)]
struct Arguments {
    /// Folder with NAME.episodes.jsonl.gz
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only these sets, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    sets: Vec<String>,
    /// Print about this many playbooks and reflections of each set
    #[arg(long, value_name = "N", default_value_t = 0)]
    show: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match replay_all(&arguments.data, &arguments.sets, arguments.show) {
        Ok(replays) => {
            for example in replays.iter().flat_map(|replay| &replay.examples) {
                println!("{example}\n");
            }
            println!("{}", table(&replays));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("playbook: {error}");
            ExitCode::from(2)
        }
    }
}
