//! `import`: takes in records from files.
//!
//! One thread reads and parses, this one writes; the channel between them is bounded in records and
//! bytes, so that files of any size need the same memory, but for what episodes name: that may stand later
//! in the files, and is looked up at the end. What is stored already is skipped, so an import that was
//! interrupted is simply run again.

mod files;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Instant;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use memory_core::{Clock, NoteKind, SystemClock};
use serde::Serialize;

use super::{Failure, Output};
use crate::config::Settings;
use crate::{scope, store};
use files::{Message, Rules};
use writer::Writer;

/// Batches that wait between the threads.
const MAX_WAITING: usize = 3;

/// Complaints about lines that are printed; the rest is only counted.
const MAX_COMPLAINTS: u64 = 100;

/// What can be imported.
#[derive(Debug, Subcommand)]
pub(crate) enum Format {
    /// JSON lines, one episode or note each, plain or gzipped
    Jsonl(Args),
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

/// What an import did.
#[derive(Debug, Default, Serialize)]
struct Report {
    n_files: usize,
    n_episodes: u64,
    n_steps: u64,
    n_notes: u64,
    n_new: u64,
    n_known: u64,
    n_bad: u64,
    n_masked: u64,
    n_cut: u64,
    n_rewards_clamped: u64,
    n_times_unknown: u64,
    n_links_unknown: u64,
    elapsed_ms: u64,
}

/// Runs the command.
pub(crate) fn run(
    format: &Format,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let Format::Jsonl(args) = format;
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

    let mut report = Report { n_files: args.paths.len(), ..Report::default() };
    let mut writer = Writer::new(&store);
    let mut tick = || progress.set_position(n_read.load(Ordering::Relaxed));
    let written = write(args, &receiver, &mut writer, &mut report, output, &progress, &mut tick);
    // A reader that still has something to say must see that nobody listens before it is waited for.
    drop(receiver);
    let read = reader.join();
    progress.finish_and_clear();
    written?;
    writer.finish(&mut report)?;
    if read.is_err() {
        return Err(Failure::Failed("the reading thread stopped before its time".to_owned()));
    }
    store.memory.flush()?;
    report.elapsed_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    print(&report, output)?;
    if report.n_bad > 0 { Err(Failure::Incomplete) } else { Ok(()) }
}

/// Writes what the reading thread sends, until it has no more.
fn write(
    args: &Args,
    receiver: &Receiver<Message>,
    writer: &mut Writer<'_>,
    report: &mut Report,
    output: &mut Output<'_>,
    progress: &ProgressBar,
    tick: &mut impl FnMut(),
) -> Result<(), Failure> {
    for message in receiver {
        let complaints = match message {
            Message::Batch(batch) => writer.write(batch, report)?,
            Message::Bad(complaint) => vec![complaint],
            Message::Unreadable(failure) => return Err(failure),
        };
        for complaint in complaints {
            report.n_bad += 1;
            if args.strict {
                return Err(Failure::Failed(complaint));
            }
            if report.n_bad <= MAX_COMPLAINTS {
                progress.suspend(|| output.remark(&complaint));
            } else if report.n_bad == MAX_COMPLAINTS + 1 {
                progress.suspend(|| output.remark("more bad lines are only counted"));
            }
        }
        tick();
    }
    Ok(())
}

/// A bar on a terminal, nothing elsewhere.
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

fn print(report: &Report, output: &mut Output<'_>) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(report);
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let seconds = report.elapsed_ms as f64 / 1_000.0;
    output.line(&format!(
        "{} new, {} known: {} episodes with {} steps and {} notes in {seconds:.1} s",
        report.n_new, report.n_known, report.n_episodes, report.n_steps, report.n_notes
    ))?;
    let remarks = [
        (report.n_bad, "bad lines left out"),
        (report.n_masked, "secrets masked"),
        (report.n_cut, "long texts kept by head and tail"),
        (report.n_rewards_clamped, "rewards outside of 0 to 1 moved to its ends"),
        (report.n_times_unknown, "times not understood, import time taken"),
        (report.n_links_unknown, "links to records that are not stored left out"),
    ];
    for (n, what) in remarks.into_iter().filter(|(n, _)| *n > 0) {
        output.line(&format!("  {n} {what}"))?;
    }
    Ok(())
}
