//! The reading side of `import CLIENT`: from the files of a client to batches of episodes.
//!
//! One file after the other, each as a stream: what is held is the episode that is open and a batch
//! of those that ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use memory_capture::{
    Action, Assembler, Captured, Client, Counts, Event, Lines, Recorder, read_document,
};
use memory_core::{Clock, Import, NewStep, Scope, SystemClock, Timestamp};
use serde_json::json;

use super::places::Kept;
use super::stream::{Stop, Stream};
use crate::cli::instant;
use crate::cli::output::{Failure, Output};
use crate::config::Settings;
use crate::scope;

/// Episodes of a batch.
const MAX_EPISODES: usize = 50;

/// Bytes of steps with which a batch ends.
const MAX_BATCH_BYTES: usize = 2 << 20;

/// Episodes on their way to the store, each with the file that it comes from.
pub(super) type Batch = Vec<(Captured, PathBuf)>;

/// One import.
pub(super) struct Run<'s> {
    pub(super) client: Client,
    settings: &'s Settings,
    /// Who stores; without one all is only counted.
    pub(super) sink: Option<SyncSender<Batch>>,
    scopes: BTreeMap<Box<str>, Scope>,
    now: Timestamp,
    n_files: usize,
    pub(super) n_bytes: u64,
    pub(super) n_bad: u64,
    /// Files that are as they were at the last import.
    pub(super) n_unchanged: u64,
    /// Sessions whose last task may go on.
    pub(super) n_open: u64,
    n_sessions: u64,
    batch: Batch,
    n_batch_bytes: usize,
    n_episodes: u64,
    n_steps: usize,
    pub(super) wanted: Option<Scope>,
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
    pub(super) fn new(
        client: Client,
        settings: &'s Settings,
        files: &[Kept],
        sink: Option<SyncSender<Batch>>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            client,
            settings,
            sink,
            scopes: BTreeMap::new(),
            now: SystemClock.now(),
            n_files: files.len(),
            n_bytes: files.iter().map(|file| file.n_bytes).sum(),
            n_bad: 0,
            n_unchanged: 0,
            n_open: 0,
            n_sessions: 0,
            batch: Vec::new(),
            n_batch_bytes: 0,
            n_episodes: 0,
            n_steps: 0,
            wanted: wanted(settings)?,
            projects: BTreeMap::new(),
            first: None,
            last: None,
        })
    }

    /// Reads one file; one that cannot be read is named and left out.
    pub(super) fn read(&mut self, file: &Kept, output: &mut Output<'_>) -> Result<(), Failure> {
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
                        failed = self.take(&mut sessions, event, &file.path).err();
                    }
                },
            );
            failed.map_or(Ok(()), |failure| Err(Stop::Store(failure))).and(read.map_err(Stop::File))
        } else {
            self.read_lines(file, &mut sessions, output)
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
                self.act(&mut sessions, action, &file.path)?;
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
                self.take(sessions, event, &file.path).map_err(Stop::Store)?;
            }
        }
    }

    fn take(&mut self, sessions: &mut Sessions, event: Event, path: &Path) -> Result<(), Failure> {
        let recorder = sessions.recorders.entry(event.session.clone()).or_default();
        for action in recorder.record(event, self.now) {
            self.act(sessions, action, path)?;
        }
        Ok(())
    }

    fn act(&mut self, sessions: &mut Sessions, action: Action, path: &Path) -> Result<(), Failure> {
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
        let n_bytes = |step: &NewStep| step.args.len() + step.observation.len();
        self.n_batch_bytes += steps.iter().map(n_bytes).sum::<usize>();
        self.batch.push((captured, path.to_owned()));
        if self.batch.len() >= MAX_EPISODES || self.n_batch_bytes >= MAX_BATCH_BYTES {
            self.store()?;
        }
        Ok(())
    }

    /// Hands on what is collected; without anyone who stores it is only counted.
    pub(super) fn store(&mut self) -> Result<(), Failure> {
        self.n_batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        let sent = self.sink.as_ref().map_or(Ok(()), |sink| sink.send(batch));
        sent.map_err(|_| Failure::Failed("the store takes nothing more".to_owned()))
    }

    /// Returns the failure that tells of what was left out, if anything was.
    pub(super) const fn end(&self) -> Result<(), Failure> {
        if self.n_bad > 0 { Err(Failure::Incomplete) } else { Ok(()) }
    }

    pub(super) fn bad(&mut self, message: &str, output: &mut Output<'_>) {
        self.n_bad += 1;
        if self.n_bad <= super::MAX_REPORTED {
            output.remark(message);
        }
    }

    pub(super) fn print(
        &self,
        stored: Option<Counts>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
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
