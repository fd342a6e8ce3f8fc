//! Replay of episodes against the server, as an agent records them.

use std::path::Path;
use std::time::{Duration, Instant};

use memory_core::{Context, Outcome, Step};
use memory_testkit::stdio::{CallOutcome, Client};
use serde_json::{Value, json};

use super::{Report, parts};
use crate::data::{DataError, set_names};
use crate::episodes::{Attempt, read_attempts};
use crate::server::{MeasuredServer, end};

/// Longest wait for the vectors of what was recorded.
const MAX_WAIT: Duration = Duration::from_mins(5);

/// Pause between two looks at what is not embedded yet.
const PAUSE: Duration = Duration::from_millis(10);

/// A server with the episodes of a set that came before.
pub struct Session {
    client: Client,
}

impl Session {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Calls a tool; returns the text of its answer, which a model reads.
    #[must_use]
    pub fn ask(&self, tool: &str, args: &Value) -> String {
        self.call(tool, args).text
    }

    pub(super) fn call(&self, tool: &str, args: &Value) -> CallOutcome {
        let answer = self.client.call(tool, args);
        assert!(!answer.is_error, "{tool} {args}: {}", answer.text);
        answer
    }

    /// Waits until all that was recorded is found by its meaning.
    pub(super) fn settle(&self) {
        let until = Instant::now() + MAX_WAIT;
        while self.ask("status", &json!({})).contains("wait for their vector") {
            assert!(Instant::now() < until, "the server embeds for more than {MAX_WAIT:?}");
            std::thread::sleep(PAUSE);
        }
    }

    pub(super) fn close(self) {
        end(&self.client);
    }
}

/// Replays the sets of a folder, or those that are named, and gives the tables of the parts.
///
/// With `show`, as many answers of each set are printed, evenly spread.
///
/// # Errors
///
/// A [`DataError`] when the data or the program cannot be read.
pub fn replay_all(
    dir: &Path,
    program: &Path,
    only: &[String],
    part_names: &[String],
    show: usize,
) -> Result<Report, DataError> {
    let mut report = Report::default();
    for name in set_names(dir, ".episodes.jsonl.gz")? {
        if !only.is_empty() && !only.contains(&name) {
            continue;
        }
        let attempts = read_attempts(dir, &name, false)?;
        eprintln!("delivery: {name}, {} episodes …", attempts.len());
        let unreadable =
            |source| DataError::Unreadable { path: program.to_owned(), line: 0, source };
        let server = MeasuredServer::new(program).map_err(unreadable)?;
        let session = Session::new(server.start().0);
        let mut parts = parts(part_names);
        let every = attempts.len().checked_div(show).unwrap_or(usize::MAX).max(1);
        for (i, attempt) in attempts.iter().enumerate() {
            let is_shown = i % every == every - 1;
            // Its task is not known.
            if attempt.episode.task.as_str().trim().is_empty() {
                continue;
            }
            let (id, answer) = begin(&session, attempt);
            if is_shown {
                println!("=== {name} {i}: start_episode\n{answer}");
            }
            for part in &mut parts {
                part.began(&session, attempt, &id, &answer);
            }
            for (idx, step) in attempt.steps.iter().enumerate() {
                let call = json!({"episode_id": id, "steps": [step_json(step)]});
                let answer = session.ask("log_steps", &call);
                if is_shown && answer.lines().count() > 1 {
                    println!("=== {name} {i}: log_steps\n{answer}");
                }
                for part in &mut parts {
                    part.logged(attempt, idx, &answer);
                }
            }
            let outcome = attempt.episode.outcome().unwrap_or(Outcome::Abstained).name();
            let done =
                session.ask("complete_episode", &json!({"episode_id": id, "outcome": outcome}));
            drop(done);
            for part in &mut parts {
                part.ended(attempt);
            }
            if is_shown {
                show_questions(&session, attempt, &format!("{name} {i}"));
            }
            session.settle();
        }
        let tables = parts.iter().filter_map(|part| part.table());
        report.tables.extend(tables.map(|table| (name.clone(), table)));
        session.close();
    }
    Ok(report)
}

/// Begins an episode; returns its id and the answer.
fn begin(session: &Session, attempt: &Attempt) -> (String, String) {
    let episode = &attempt.episode;
    let Context { task_type, language, framework, domain, tags, agent, model, .. } =
        &episode.context;
    let answer = session.ask(
        "start_episode",
        &json!({"task": episode.task.as_str(), "scope": episode.scope.as_str(),
            "task_type": task_type, "language": language, "framework": framework,
            "domain": domain, "tags": tags, "agent": agent, "model": model}),
    );
    let id = answer.split_whitespace().nth(1).unwrap_or_default().to_owned();
    (id, answer)
}

/// Returns a step as an agent logs it.
fn step_json(step: &Step) -> Value {
    json!({"tool": step.tool, "action": step.action, "args": step.args.as_str(),
        "observation": step.observation.as_str(), "ok": step.ok})
}

/// Prints what other questions about the task are answered after it.
fn show_questions(session: &Session, attempt: &Attempt, title: &str) {
    let (task, scope) = (attempt.episode.task.as_str(), attempt.episode.scope.as_str());
    for (tool, args) in [
        ("recommend", json!({"task": task, "scope": scope})),
        ("recall", json!({"query": task, "scope": scope})),
    ] {
        println!("=== {title}: {tool}\n{}", session.ask(tool, &args));
    }
}
