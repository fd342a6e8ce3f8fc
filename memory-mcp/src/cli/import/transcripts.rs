//! `import CLIENT`: takes in the sessions that a client kept.
//!
//! One file after the other, each as a stream: what is held is the episode that is open and a batch
//! of those that ended. What is stored already is skipped, so an import is simply run again.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};

use memory_capture::{
    Action, Assembler, Captured, Client, Event, Importer, Lines, Record, Recorder, Unreadable,
    read_document,
};
use memory_core::{Clock, Import, Scope, SystemClock, Timestamp};
use serde_json::json;

use super::places::{self, Kept};
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
}

/// Runs the command.
pub(crate) fn run(
    client: Client,
    args: &Args,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let now = SystemClock.now();
    let since = instant::bound(args.since.as_deref())?.map(|since| since.since(now));
    let mut files = places::find(client, &args.paths, settings)?;
    files.retain(|file| since.is_none_or(|since| file.at >= since));
    let mut run = Run {
        settings,
        scopes: BTreeMap::new(),
        now,
        n_bad: 0,
        batch: Vec::new(),
        n_batch_steps: 0,
        n_episodes: 0,
        n_steps: 0,
        wanted: wanted(settings)?,
        projects: BTreeMap::new(),
        first: None,
        last: None,
    };
    if args.dry_run {
        for file in &files {
            run.read(client, file, None, output)?;
        }
        let n_bytes: u64 = files.iter().map(|file| file.n_bytes).sum();
        run.print(None, files.len(), n_bytes, output)?;
        return run.end();
    }
    let store = store::open(settings)?;
    let mut importer = Importer::new(&store.memory);
    let progress = super::progress(Some(files.iter().map(|file| file.n_bytes).sum()));
    for file in &files {
        run.read(client, file, Some(&mut importer), output)?;
        progress.inc(file.n_bytes);
    }
    run.store(Some(&mut importer), output)?;
    progress.finish_and_clear();
    let counts = importer.finish()?;
    store.memory.flush()?;
    let n_bytes = files.iter().map(|file| file.n_bytes).sum();
    run.print(Some((counts.n_new, counts.n_known)), files.len(), n_bytes, output)?;
    if counts.n_new > 0 {
        // So that the index is kept for the next start; if it fails, that start reports it.
        drop(store.memory.refresh());
    }
    run.end()
}

/// One import.
struct Run<'s> {
    settings: &'s Settings,
    scopes: BTreeMap<Box<str>, Scope>,
    now: Timestamp,
    n_bad: u64,
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

impl Run<'_> {
    /// Reads one file; one that cannot be read is named and left out.
    fn read(
        &mut self,
        client: Client,
        file: &Kept,
        mut importer: Option<&mut Importer<'_>>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
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
            self.read_lines(client, file, &mut sessions, &mut importer, output)
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
            // A session that may go on keeps its last episode for the next import.
            let is_log = file.is_document;
            let actions = if is_log { recorder.close() } else { recorder.close_idle(self.now) };
            for action in actions {
                self.act(&mut sessions, action, &file.path, &mut importer, output)?;
            }
        }
        Ok(())
    }

    /// Reads the lines of a session and of its subagents, ordered by time.
    fn read_lines(
        &mut self,
        client: Client,
        file: &Kept,
        sessions: &mut Sessions,
        importer: &mut Option<&mut Importer<'_>>,
        output: &mut Output<'_>,
    ) -> Result<(), Stop> {
        let open = |path: &Path| Lines::new(client, File::open(path)?, 0, file.place(), true);
        let mut streams = vec![Stream::new(open(&file.path)?, file.path.clone())];
        for path in &file.subagents {
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

    fn print(
        &self,
        stored: Option<(u64, u64)>,
        n_files: usize,
        n_bytes: u64,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let date = |at: Option<Timestamp>| at.map(instant::short);
        let projects: BTreeMap<&str, u64> =
            self.projects.iter().map(|(scope, n)| (scope.as_str(), *n)).collect();
        if output.is_json() {
            return output.value(&json!({
                "n_files": n_files,
                "n_bytes": n_bytes,
                "n_episodes": self.n_episodes,
                "n_steps": self.n_steps,
                "n_new": stored.map(|(n_new, _)| n_new),
                "n_known": stored.map(|(_, n_known)| n_known),
                "n_bad": self.n_bad,
                "from": date(self.first),
                "to": date(self.last),
                "projects": projects,
            }));
        }
        let what = match stored {
            Some((n_new, n_known)) => format!("{n_new} new, {n_known} known: "),
            None => "nothing stored: ".to_owned(),
        };
        output.line(&format!(
            "{what}{} episodes with {} steps in {n_files} files of {} KB",
            self.n_episodes,
            self.n_steps,
            n_bytes / 1_000
        ))?;
        if let (Some(first), Some(last)) = (date(self.first), date(self.last)) {
            output.line(&format!("  from {first} to {last}"))?;
        }
        for (project, n) in &projects {
            output.line(&format!("  {n} in {project}"))?;
        }
        if self.n_bad > 0 {
            output.line(&format!("  {} files or records left out", self.n_bad))?;
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

/// Reason for which a file is not read to its end.
enum Stop {
    /// The file cannot be read on; the next one may.
    File(Unreadable),
    /// The store takes nothing more: the import ends.
    Store(Failure),
}

impl From<Unreadable> for Stop {
    fn from(reason: Unreadable) -> Self {
        Self::File(reason)
    }
}

/// The lines of one file, and the events that were read ahead.
struct Stream {
    lines: Lines<'static>,
    path: PathBuf,
    events: VecDeque<Event>,
    is_over: bool,
}

impl Stream {
    fn new(lines: Lines<'static>, path: PathBuf) -> Self {
        Self { lines, path, events: VecDeque::new(), is_over: false }
    }

    fn at(&self) -> Option<Timestamp> {
        self.events.front().and_then(|event| event.at)
    }

    /// Reads on until there is an event, or nothing more; returns the records that are left out.
    fn fill(&mut self) -> Result<Vec<(u64, Unreadable)>, Unreadable> {
        let mut bad = Vec::new();
        while self.events.is_empty() && !self.is_over {
            match self.lines.read()? {
                Some(Record { events: Ok(events), .. }) => self.events.extend(events),
                Some(Record { events: Err(reason), number, .. }) => bad.push((number, reason)),
                None => self.is_over = true,
            }
        }
        Ok(bad)
    }
}
