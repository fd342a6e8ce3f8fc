//! `import CLIENT`: takes in the sessions that a client kept.
//!
//! One file after the other, each as a stream: what is held is the episode that is open and a batch
//! of those that ended. What is stored already is skipped, so an import is simply run again.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use memory_capture::{
    Action, Assembler, Captured, Client, Counts, Event, Importer, Lines, Recorder, read_document,
};
use memory_core::{Clock, Import, Memory, Scope, SystemClock, Timestamp};
use serde_json::json;

use super::places::{self, Kept};
use super::seen::Seen;
use super::stream::{Stop, Stream};
use crate::cli::instant;
use crate::cli::output::{Failure, Output};
use crate::config::Settings;
use crate::{scope, store};

/// Episodes of a batch.
const MAX_EPISODES: usize = 50;

/// Steps with which a batch ends.
const MAX_STEPS: usize = 1_000;

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
    let mut run = Run::new(client, settings, &files)?;
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    for file in with_subagents(client, files, &paths) {
        run.read(&file, None, output)?;
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
    let mut run = Run::new(client, settings, &files)?;
    let mut seen = Seen::load(memory, client)?;
    let mut importer = Importer::new(memory);
    let progress = super::progress(Some(run.n_bytes));
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let (unchanged, changed): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| !args.again && seen.has(file));
    run.n_unchanged = unchanged.len() as u64;
    progress.inc(unchanged.iter().map(|file| file.n_bytes).sum());
    for file in with_subagents(client, changed, &paths) {
        progress.inc(file.n_bytes);
        let (n_bad, n_open) = (run.n_bad, run.n_open);
        run.read(&file, Some(&mut importer), output)?;
        // A part of the sessions, an open one and one with bad records is read again.
        if run.wanted.is_none() && (n_bad, n_open) == (run.n_bad, run.n_open) {
            file.adopted.iter().for_each(|child| seen.add(child));
            seen.add(&file);
        }
    }
    run.store(Some(&mut importer), output)?;
    progress.finish_and_clear();
    let counts = importer.finish()?;
    memory.flush()?;
    seen.keep(memory)?;
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

/// One import.
struct Run<'s> {
    client: Client,
    settings: &'s Settings,
    scopes: BTreeMap<Box<str>, Scope>,
    now: Timestamp,
    n_files: usize,
    n_bytes: u64,
    n_bad: u64,
    /// Files that are as they were at the last import.
    n_unchanged: u64,
    /// Sessions whose last task may go on.
    n_open: u64,
    n_sessions: u64,
    batch: Vec<(Captured, PathBuf)>,
    n_batch_steps: usize,
    n_episodes: u64,
    n_steps: usize,
    wanted: Option<Scope>,
    projects: BTreeMap<Scope, u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// The sessions of one file, on their way to records.
struct Sessions {
    recorders: BTreeMap<Box<str>, Recorder>,
    assembler: Assembler,
}

impl<'s> Run<'s> {
    fn new(client: Client, settings: &'s Settings, files: &[Kept]) -> Result<Self, Failure> {
        Ok(Self {
            client,
            settings,
            scopes: BTreeMap::new(),
            now: SystemClock.now(),
            n_files: files.len(),
            n_bytes: files.iter().map(|file| file.n_bytes).sum(),
            n_bad: 0,
            n_unchanged: 0,
            n_open: 0,
            n_sessions: 0,
            batch: Vec::new(),
            n_batch_steps: 0,
            n_episodes: 0,
            n_steps: 0,
            wanted: wanted(settings)?,
            projects: BTreeMap::new(),
            first: None,
            last: None,
        })
    }

    /// Reads one file; one that cannot be read is named and left out.
    fn read(
        &mut self,
        file: &Kept,
        mut importer: Option<&mut Importer<'_>>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let client = self.client;
        let mut sessions =
            Sessions { recorders: BTreeMap::new(), assembler: Assembler::new(client) };
        let place = file.place();
        let mut failed: Option<Failure> = None;
        let read = if file.is_document {
            let read = read_document(
                client,
                &place,
                || File::open(&file.path),
                |event| {
                    if failed.is_none() {
                        failed = self
                            .take(&mut sessions, event, &file.path, &mut importer, output)
                            .err();
                    }
                },
            );
            failed.map_or(Ok(()), |failure| Err(Stop::Store(failure))).and(read.map_err(Stop::File))
        } else {
            self.read_lines(file, &mut sessions, &mut importer, output)
        };
        match read {
            Ok(()) => {}
            Err(Stop::File(reason)) => {
                self.bad(&format!("{}: {reason}", file.path.display()), output);
            }
            Err(Stop::Store(failure)) => return Err(failure),
        }
        let recorders: Vec<Recorder> =
            std::mem::take(&mut sessions.recorders).into_values().collect();
        for mut recorder in recorders {
            self.n_sessions += 1;
            // A session that may go on keeps its last episode for the next import.
            let is_log = file.is_document;
            let actions = if is_log { recorder.close() } else { recorder.close_idle(self.now) };
            for action in actions {
                self.act(&mut sessions, action, &file.path, &mut importer, output)?;
            }
            self.n_open += u64::from(recorder.state().open_key().is_some());
        }
        Ok(())
    }

    /// Reads the lines of a session and of its subagents, ordered by time.
    fn read_lines(
        &mut self,
        file: &Kept,
        sessions: &mut Sessions,
        importer: &mut Option<&mut Importer<'_>>,
        output: &mut Output<'_>,
    ) -> Result<(), Stop> {
        let client = self.client;
        let open = |path: &Path| Lines::new(client, File::open(path)?, 0, file.place(), true);
        let mut streams = vec![Stream::new(open(&file.path)?, file.path.clone())];
        let adopted = file.adopted.iter().map(|child| &child.path);
        for path in file.subagents.iter().chain(adopted) {
            match open(path) {
                Ok(lines) => streams.push(Stream::new(lines, path.clone())),
                Err(reason) => self.bad(&format!("{}: {reason}", path.display()), output),
            }
        }
        loop {
            for stream in &mut streams {
                for (line, reason) in stream.fill()? {
                    let path = stream.path.display();
                    self.bad(&format!("{path}:{line}: {reason}"), output);
                }
            }
            let ahead = streams.iter_mut().filter(|stream| !stream.events.is_empty());
            let Some(first) = ahead.min_by_key(|stream| stream.at()) else { return Ok(()) };
            if let Some(event) = first.events.pop_front() {
                self.take(sessions, event, &file.path, importer, output).map_err(Stop::Store)?;
            }
        }
    }

    fn take(
        &mut self,
        sessions: &mut Sessions,
        event: Event,
        path: &Path,
        importer: &mut Option<&mut Importer<'_>>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let recorder = sessions.recorders.entry(event.session.clone()).or_default();
        for action in recorder.record(event, self.now) {
            self.act(sessions, action, path, importer, output)?;
        }
        Ok(())
    }

    fn act(
        &mut self,
        sessions: &mut Sessions,
        action: Action,
        path: &Path,
        importer: &mut Option<&mut Importer<'_>>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let (scopes, settings) = (&mut self.scopes, self.settings);
        let captured = sessions.assembler.take(action, |folder| scope_of(folder, scopes, settings));
        let Some(captured) = captured else { return Ok(()) };
        let Captured { record: Import::Episode(new, steps, _), .. } = &captured else {
            return Ok(());
        };
        // `--project` and `--scope` say whose sessions are wanted.
        if self.wanted.as_ref().is_some_and(|wanted| *wanted != new.scope) {
            return Ok(());
        }
        self.n_episodes += 1;
        self.n_steps += steps.len();
        *self.projects.entry(new.scope.clone()).or_default() += 1;
        let at = new.started_at;
        self.first = [self.first, at].into_iter().flatten().min();
        self.last = self.last.max(at);
        self.n_batch_steps += steps.len();
        self.batch.push((captured, path.to_owned()));
        if self.batch.len() >= MAX_EPISODES || self.n_batch_steps >= MAX_STEPS {
            self.store(importer.as_deref_mut(), output)?;
        }
        Ok(())
    }

    /// Stores what is collected; without an importer it is only counted.
    fn store(
        &mut self,
        importer: Option<&mut Importer<'_>>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        self.n_batch_steps = 0;
        let batch = std::mem::take(&mut self.batch);
        let Some(importer) = importer else { return Ok(()) };
        for (path, error) in importer.write(batch)? {
            self.bad(&format!("{}: {error}", path.display()), output);
        }
        Ok(())
    }

    /// Returns the failure that tells of what was left out, if anything was.
    const fn end(&self) -> Result<(), Failure> {
        if self.n_bad > 0 { Err(Failure::Incomplete) } else { Ok(()) }
    }

    fn bad(&mut self, message: &str, output: &mut Output<'_>) {
        self.n_bad += 1;
        if self.n_bad <= super::MAX_REPORTED {
            output.remark(message);
        }
    }

    fn print(&self, stored: Option<Counts>, output: &mut Output<'_>) -> Result<(), Failure> {
        let (n_files, n_bytes) = (self.n_files, self.n_bytes);
        let date = |at: Option<Timestamp>| at.map(instant::short);
        let projects: BTreeMap<&str, u64> =
            self.projects.iter().map(|(scope, n)| (scope.as_str(), *n)).collect();
        if output.is_json() {
            return output.value(&json!({
                "client": self.client.name(),
                "n_files": n_files,
                "n_unchanged": self.n_unchanged,
                "n_bytes": n_bytes,
                "n_sessions": self.n_sessions,
                "n_open": self.n_open,
                "n_episodes": self.n_episodes,
                "n_steps": self.n_steps,
                "n_new": stored.map(|counts| counts.n_new),
                "n_known": stored.map(|counts| counts.n_known),
                "n_completed": stored.map(|counts| counts.n_completed),
                "n_bad": self.n_bad,
                "from": date(self.first),
                "to": date(self.last),
                "projects": projects,
            }));
        }
        let what = stored.map_or_else(
            || "nothing stored: ".to_owned(),
            |counts| format!("{} new, {} known: ", counts.n_new, counts.n_known),
        );
        output.line(&format!(
            "{what}{} episodes with {} steps of {} sessions in {n_files} files of {} KB",
            self.n_episodes,
            self.n_steps,
            self.n_sessions,
            n_bytes / 1_000
        ))?;
        if let (Some(first), Some(last)) = (date(self.first), date(self.last)) {
            output.line(&format!("  from {first} to {last}"))?;
        }
        for (project, n) in &projects {
            output.line(&format!("  {n} in {project}"))?;
        }
        let n_completed = stored.map_or(0, |counts| counts.n_completed);
        let remarks = [
            (self.n_unchanged, "files as they were at the last import; `--again` reads them too"),
            (n_completed, "episodes completed that hooks had left open"),
            (self.n_open, "sessions may go on: their last task waits for the next import"),
            (self.n_bad, "files or records left out"),
        ];
        for (n, what) in remarks.into_iter().filter(|(n, _)| *n > 0) {
            output.line(&format!("  {n} {what}"))?;
        }
        Ok(())
    }
}

/// Returns the project whose sessions alone are wanted: one that `--project` or `--scope` names.
fn wanted(settings: &Settings) -> Result<Option<Scope>, Failure> {
    let is_named = settings.project.is_some() || settings.scope.is_some();
    let own = is_named.then(|| scope::find(settings)).transpose()?;
    Ok(own.filter(|own| own.basis == scope::Basis::Named).map(|own| own.scope))
}

/// Returns the scope of a folder: that of its repository, or one made of its name when the folder
/// is no more.
fn scope_of(
    folder: Option<&str>,
    scopes: &mut BTreeMap<Box<str>, Scope>,
    settings: &Settings,
) -> Scope {
    let folder = folder.unwrap_or_default();
    if let Some(scope) = scopes.get(folder) {
        return scope.clone();
    }
    let scope = scope::around(Path::new(folder), &settings.git).scope;
    scopes.insert(folder.into(), scope.clone());
    scope
}
