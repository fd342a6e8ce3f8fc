//! `import`: takes in records from files.
//!
//! One thread reads and parses, this one stores; the channel between them is bounded in records and
//! bytes, so that files of any size need the same memory, but for links to records that come later:
//! these are resolved at the end. What is stored already is skipped, so an import that was
//! interrupted is simply run again.

mod files;
mod notes;
mod places;
mod reading;
mod seen;
mod stream;
mod transcripts;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use memory_capture::jsonl::Rules;
use memory_capture::{Client, Counts, Importer};
use memory_core::{Clock, NoteKind, SystemClock};
use serde_json::json;

use super::output::{Failure, Output};
use crate::config::Settings;
use crate::{scope, store};
use files::Message;

/// Batches that wait between the threads.
const MAX_WAITING: usize = 3;

/// Bad lines that are reported; the rest is only counted.
const MAX_REPORTED: u64 = 100;

/// Formats that can be imported.
#[derive(Debug, Subcommand)]
pub(crate) enum Format {
    /// JSON lines, one episode or note each, plain or gzipped
    Jsonl(Args),
    /// Take in the sessions of every client that is found here
    All(transcripts::Args),
    /// Take in what Claude Code remembers by itself, each item as a note
    ClaudeMemory(notes::Args),
    /// Take in the knowledge graph of the reference memory server
    McpMemory(notes::Args),
    /// Take in documents, each section as a note
    Markdown(notes::Args),
    /// Take in sessions of Claude Code
    ClaudeCode(transcripts::Args),
    /// Take in sessions of Codex CLI
    Codex(transcripts::Args),
    /// Take in sessions of Copilot CLI
    Copilot(transcripts::Args),
    /// Take in sessions of Cursor's command line
    Cursor(transcripts::Args),
    /// Take in sessions of Gemini CLI
    Gemini(transcripts::Args),
    /// Take in sessions of OpenCode, as `opencode export` prints them
    #[command(name = "opencode")]
    OpenCode(transcripts::Args),
    /// Take in sessions of Cline
    Cline(transcripts::Args),
    /// Take in sessions of Roo Code
    Roo(transcripts::Args),
    /// Take in sessions of mini-swe-agent
    MiniSweAgent(transcripts::Args),
    /// Take in sessions of SWE-agent
    SweAgent(transcripts::Args),
    /// Take in sessions of OpenHands
    #[command(name = "openhands")]
    OpenHands(transcripts::Args),
    /// Take in sessions of ATIF trajectories
    Atif(transcripts::Args),
}

/// Arguments of `import jsonl`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files; `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Kind of all notes, whatever their lines say
    #[arg(long, value_parser = super::filter::note_kind)]
    kind: Option<NoteKind>,
    /// Stop at the first bad line
    #[arg(long)]
    strict: bool,
}

/// Runs the command.
pub(crate) fn run(
    format: &Format,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let (client, args) = match format {
        Format::Jsonl(args) => return lines(args, settings, output),
        Format::All(args) => return transcripts::run_all(args, settings, output),
        Format::ClaudeMemory(args) => {
            return notes::run(notes::Format::ClaudeMemory, args, settings, output);
        }
        Format::McpMemory(args) => {
            return notes::run(notes::Format::McpMemory, args, settings, output);
        }
        Format::Markdown(args) => {
            return notes::run(notes::Format::Markdown, args, settings, output);
        }
        Format::ClaudeCode(args) => (Client::ClaudeCode, args),
        Format::Codex(args) => (Client::Codex, args),
        Format::Copilot(args) => (Client::Copilot, args),
        Format::Cursor(args) => (Client::Cursor, args),
        Format::Gemini(args) => (Client::Gemini, args),
        Format::OpenCode(args) => (Client::OpenCode, args),
        Format::Cline(args) => (Client::Cline, args),
        Format::Roo(args) => (Client::Roo, args),
        Format::MiniSweAgent(args) => (Client::MiniSweAgent, args),
        Format::SweAgent(args) => (Client::SweAgent, args),
        Format::OpenHands(args) => (Client::OpenHands, args),
        Format::Atif(args) => (Client::Atif, args),
    };
    transcripts::run(client, args, settings, output)
}

/// Takes in records of the neutral format.
fn lines(args: &Args, settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let begin = Instant::now();
    let rules = Rules {
        scope: settings.scope_condition(),
        default_scope: scope::own(settings)?,
        kind: args.kind,
        now: SystemClock.now(),
    };
    let total_bytes = files::total_bytes(&args.paths)?;
    let store = store::open(settings)?;
    let n_read = Arc::new(AtomicU64::new(0));
    let progress = progress(total_bytes);
    let (sender, receiver) = sync_channel(MAX_WAITING);
    let (paths, counter) = (args.paths.clone(), Arc::clone(&n_read));
    let reader = thread::Builder::new()
        .name("import-read".to_owned())
        .spawn(move || files::read(&paths, &rules, &counter, &sender))
        .map_err(|error| Failure::Failed(format!("cannot start the reading thread: {error}")))?;

    let mut importer = Importer::new(&store.memory);
    let mut bad_lines = BadLines { n: 0, is_strict: args.strict, progress: &progress };
    let stored = write(&receiver, &mut importer, &mut bad_lines, output, &n_read);
    let n_bad = bad_lines.n;
    // A reader that still has something to send must see that nobody listens before it is waited
    // for.
    drop(receiver);
    let read = reader.join();
    progress.finish_and_clear();
    stored?;
    let counts = importer.finish()?;
    if read.is_err() {
        return Err(Failure::Failed("the reading thread stopped before its time".to_owned()));
    }
    store.memory.flush()?;
    let elapsed_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    print(&counts, args.paths.len(), n_bad, elapsed_ms, output)?;
    if counts.n_new > 0 {
        // So that the index is kept for the next start; if it fails, that start reports it.
        drop(store.memory.refresh());
        // And so that the next hook finds what these episodes taught.
        drop(store.memory.keep_catalog());
    }
    if n_bad > 0 { Err(Failure::Incomplete) } else { Ok(()) }
}

/// Lines that are left out.
struct BadLines<'p> {
    n: u64,
    is_strict: bool,
    progress: &'p ProgressBar,
}

impl BadLines<'_> {
    fn report(&mut self, message: String, output: &mut Output<'_>) -> Result<(), Failure> {
        self.n += 1;
        if self.is_strict {
            return Err(Failure::Failed(message));
        }
        if self.n <= MAX_REPORTED {
            self.progress.suspend(|| output.remark(&message));
        } else if self.n == MAX_REPORTED + 1 {
            self.progress.suspend(|| output.remark("more bad lines are only counted"));
        }
        Ok(())
    }
}

/// Stores what the reading thread sends, until it has no more.
fn write(
    receiver: &Receiver<Message>,
    importer: &mut Importer<'_>,
    bad_lines: &mut BadLines<'_>,
    output: &mut Output<'_>,
    n_read: &AtomicU64,
) -> Result<(), Failure> {
    for message in receiver {
        match message {
            Message::Batch(batch) => {
                for (origin, error) in importer.write(batch)? {
                    bad_lines.report(origin.message(&error), output)?;
                }
            }
            Message::Bad(message) => bad_lines.report(message, output)?,
            Message::Unreadable(failure) => return Err(failure),
        }
        bad_lines.progress.set_position(n_read.load(Ordering::Relaxed));
    }
    Ok(())
}

/// Returns a bar on a terminal, nothing elsewhere.
fn progress(total_bytes: Option<u64>) -> ProgressBar {
    // Hidden by itself when stderr is no terminal.
    let bar = match total_bytes {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::new_spinner(),
    };
    let style = ProgressStyle::with_template(
        "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec}, {eta} to go",
    );
    match style {
        Ok(style) if total_bytes.is_some() => bar.with_style(style),
        _ => bar,
    }
}

fn print(
    counts: &Counts,
    n_files: usize,
    n_bad: u64,
    elapsed_ms: u64,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&json!({
            "n_files": n_files,
            "n_episodes": counts.n_episodes,
            "n_steps": counts.n_steps,
            "n_notes": counts.n_notes,
            "n_new": counts.n_new,
            "n_known": counts.n_known,
            "n_forgotten": counts.n_forgotten,
            "n_bad": n_bad,
            "n_masked": counts.n_masked,
            "n_cut": counts.n_cut,
            "n_rewards_clamped": counts.n_rewards_clamped,
            "n_times_unknown": counts.n_times_unknown,
            "n_links_unknown": counts.n_links_unknown,
            "elapsed_ms": elapsed_ms,
        }));
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let seconds = elapsed_ms as f64 / 1_000.0;
    output.line(&format!(
        "{} new, {} known: {} episodes with {} steps and {} notes in {seconds:.1} s",
        counts.n_new, counts.n_known, counts.n_episodes, counts.n_steps, counts.n_notes
    ))?;
    let remarks = [
        (n_bad, "bad lines left out"),
        (counts.n_forgotten, "forgotten records left out; `forget --lift` allows them again"),
        (counts.n_masked, "secrets masked"),
        (counts.n_cut, "long texts kept by head and tail"),
        (counts.n_rewards_clamped, "rewards outside of 0 to 1 moved to its ends"),
        (counts.n_times_unknown, "times that cannot be read, time of import taken"),
        (counts.n_links_unknown, "links to records that are not stored left out"),
    ];
    for (n, what) in remarks.into_iter().filter(|(n, _)| *n > 0) {
        output.line(&format!("  {n} {what}"))?;
    }
    Ok(())
}
