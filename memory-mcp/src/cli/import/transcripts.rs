//! `import CLIENT`: takes in the sessions that a client kept.
//!
//! This thread reads the files, another one stores. What is stored already is skipped, so an import
//! is simply run again.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use memory_capture::{Client, Counts, Importer};
use memory_core::{Clock, Error, Memory, SystemClock};

use super::places::{self, Kept};
use super::reading::{Batch, Run};
use super::seen::Seen;
use crate::cli::instant;
use crate::cli::output::{Failure, Output};
use crate::config::Settings;
use crate::store;

/// Batches that wait to be stored: one may hold a long episode.
const MAX_WAITING: usize = 1;

/// Arguments of `import CLIENT`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders with them; where the client keeps them, if none is named
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only files that were changed since this date or within this span (`7d`)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Say what is there and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Read files again that are as they were at the last import
    #[arg(long)]
    again: bool,
    /// Go on with what comes, until this is stopped
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
}

/// Time between two looks at files that are watched.
const WATCH_PAUSE: Duration = Duration::from_secs(5);

/// Runs the command.
pub(crate) fn run(
    client: Client,
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let now = SystemClock.now();
    let since = instant::bound(args.since.as_deref())?.map(|since| since.since(now));
    let find = || -> Result<Vec<Kept>, Failure> {
        let mut files = places::find(client, &args.paths, settings)?;
        files.retain(|file| since.is_none_or(|since| file.at >= since));
        Ok(files)
    };
    let files = find()?;
    if args.dry_run {
        return count(client, files, settings, output);
    }
    let store = store::open(settings)?;
    let done = take_in(client, files, args, settings, &store.memory, output);
    if !args.watch {
        return done;
    }
    // What was left out was named: it does not end the watch.
    done.or_else(|failure| is_incomplete(&failure).then_some(()).ok_or(failure))?;
    loop {
        thread::sleep(WATCH_PAUSE);
        let files = find()?;
        let seen = Seen::load(&store.memory, client)?;
        let changed: Vec<Kept> = files.into_iter().filter(|file| !seen.has(file)).collect();
        if !changed.is_empty() {
            let done = take_in(client, changed, args, settings, &store.memory, output);
            done.or_else(|failure| is_incomplete(&failure).then_some(()).ok_or(failure))?;
        }
    }
}

/// Says of every client what it keeps here, or takes in what all of them keep.
pub(crate) fn run_all(
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if !args.paths.is_empty() || args.watch {
        let what = "`import all` takes no path and does not watch: name a client for that";
        return Err(Failure::Usage(what.to_owned()));
    }
    let mut done = Ok(());
    for client in places::present(settings) {
        if !output.is_json() {
            output.line(client.title())?;
        }
        match run(client, args, settings, output) {
            Err(failure) if !is_incomplete(&failure) => return Err(failure),
            one => done = done.and(one),
        }
    }
    done
}

/// Returns whether what could not be done was named already.
const fn is_incomplete(failure: &Failure) -> bool {
    matches!(failure, Failure::Incomplete)
}

/// Counts what is there and stores nothing.
fn count(
    client: Client,
    files: Vec<Kept>,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut run = Run::new(client, settings, &files, None)?;
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    for file in with_subagents(client, files, &paths) {
        run.read(&file, output)?;
    }
    run.print(None, output)?;
    run.end()
}

/// Puts files of subagents to those of their sessions, where they do not lie below them.
fn with_subagents(client: Client, files: Vec<Kept>, all: &[PathBuf]) -> Vec<Kept> {
    if client == Client::Codex { places::adopt(files, all) } else { files }
}

/// Takes in the sessions of files.
fn take_in(
    client: Client,
    files: Vec<Kept>,
    args: &Args,
    settings: &Settings,
    memory: &Memory,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let (sender, receiver) = sync_channel(MAX_WAITING);
    thread::scope(|scope| {
        let storing = thread::Builder::new().name("import-write".to_owned());
        let storing = storing
            .spawn_scoped(scope, || store_all(receiver, memory))
            .map_err(|error| Failure::Failed(format!("cannot start a thread: {error}")))?;
        let mut run = Run::new(client, settings, &files, Some(sender))?;
        let mut seen = Seen::load(memory, client)?;
        let read = read_changed(&mut run, files, args.again, &mut seen, output);
        // Nothing more is sent: it ends with what it has.
        run.sink = None;
        let stored = storing.join();
        let stored =
            stored.map_err(|_| Failure::Failed("the storing thread stopped".to_owned()))?;
        // What the store refused is why nobody listened.
        let (counts, refused) = stored?;
        read?;
        for (path, error) in refused {
            run.bad(&format!("{}: {error}", path.display()), output);
        }
        memory.flush()?;
        seen.keep(memory)?;
        finish(&run, counts, memory, output)
    })
}

/// Stores what comes, until there is no more; returns what was refused.
fn store_all(
    batches: Receiver<Batch>,
    memory: &Memory,
) -> Result<(Counts, Vec<(PathBuf, Error)>), Error> {
    let (mut importer, mut refused) = (Importer::new(memory), Vec::new());
    for batch in batches {
        refused.extend(importer.write(batch)?);
    }
    Ok((importer.finish()?, refused))
}

/// Reads the files that are not as they were.
fn read_changed(
    run: &mut Run<'_>,
    files: Vec<Kept>,
    again: bool,
    seen: &mut Seen,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let progress = super::progress(Some(run.n_bytes));
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let (unchanged, changed): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| !again && seen.has(file));
    run.n_unchanged = unchanged.len() as u64;
    progress.inc(unchanged.iter().map(|file| file.n_bytes).sum());
    for file in with_subagents(run.client, changed, &paths) {
        progress.inc(file.n_bytes);
        let (n_bad, n_open) = (run.n_bad, run.n_open);
        run.read(&file, output)?;
        // A part of the sessions, an open one and one with bad records is read again.
        if run.wanted.is_none() && (n_bad, n_open) == (run.n_bad, run.n_open) {
            file.adopted.iter().for_each(|child| seen.add(child));
            seen.add(&file);
        }
    }
    run.store()?;
    progress.finish_and_clear();
    Ok(())
}

/// Says what came of an import, and prepares what reads it next.
fn finish(
    run: &Run<'_>,
    counts: Counts,
    memory: &Memory,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let n_new = counts.n_new;
    run.print(Some(counts), output)?;
    if n_new > 0 {
        // So that the index is kept for the next start; if it fails, that start reports it.
        drop(memory.refresh());
        // And so that the next hook finds what these episodes taught.
        drop(memory.keep_catalog());
    }
    run.end()
}
