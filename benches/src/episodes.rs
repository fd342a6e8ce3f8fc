//! Episodes of agents with outcomes, in the neutral format.

use std::path::Path;

use memory_core::{
    Closing, Context, Episode, EpisodeId, Excerpt, Feedback, Origin, Outcome, Scope, Step,
    Timestamp,
};
use serde::Deserialize;
use serde_json::Value;

use crate::calendar::Calendar;
use crate::data::{DataError, broken, read_lines};

/// Maximum length of a text of a step, in bytes: the default of the engine.
const MAX_TEXT_BYTES: usize = 16_384;

/// An attempt with its steps.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The episode, ended.
    pub episode: Episode,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Files that it changed, where the set says so.
    pub files_changed: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    task: String,
    context: LineContext,
    steps: Vec<LineStep>,
    outcome: Option<String>,
    reward: Option<f64>,
    ts: Option<String>,
    duration_ms: Option<serde_json::Number>,
}

#[derive(Deserialize)]
struct LineContext {
    project: String,
    task_type: Option<Box<str>>,
    language: Option<Box<str>>,
    domain: Option<Box<str>>,
    #[serde(default)]
    tags: Vec<Box<str>>,
    agent: Option<Box<str>>,
    model: Option<Box<str>>,
    #[serde(default)]
    files_changed: Vec<String>,
}

#[derive(Deserialize)]
struct LineStep {
    tool: String,
    #[serde(default)]
    args: Value,
    #[serde(default)]
    result: Option<String>,
    ok: Option<bool>,
    verb: Option<Box<str>>,
}

/// Reads `NAME.episodes.jsonl.gz` in the order of time where it is given, else of lines.
///
/// The action of a step is that which the engine derives from its arguments, or with `verbs` the
/// verb in the file.
pub fn read_attempts(dir: &Path, name: &str, verbs: bool) -> Result<Vec<Attempt>, DataError> {
    read(&dir.join(format!("{name}.episodes.jsonl.gz")), verbs)
}

/// Reads `NAME.outcomes.jsonl.gz`, episodes without steps, in the same order.
pub fn read_outcomes(dir: &Path, name: &str) -> Result<Vec<Attempt>, DataError> {
    read(&dir.join(format!("{name}.outcomes.jsonl.gz")), false)
}

fn read(path: &Path, verbs: bool) -> Result<Vec<Attempt>, DataError> {
    let lines: Vec<Line> = read_lines(path)?;
    let (mut attempts, mut calendar) = (Vec::with_capacity(lines.len()), Calendar::default());
    for (i, line) in lines.into_iter().enumerate() {
        let number = i as u128 + 1;
        let (id, at) = (line.id.clone(), calendar.next(line.ts.as_deref()));
        let attempt = attempt(line, number, at, verbs);
        attempts.push(attempt.ok_or_else(|| broken(path, i + 1, format!("episode {id}")))?);
    }
    attempts.sort_by_key(|attempt| attempt.episode.started_at);
    Ok(attempts)
}

fn attempt(line: Line, number: u128, at: Timestamp, verbs: bool) -> Option<Attempt> {
    let ended_at = at.as_millis() + line.duration_ms.and_then(|ms| ms.as_i64()).unwrap_or(0);
    let closing = Closing {
        outcome: line.outcome.as_deref().and_then(Outcome::from_name),
        inferred: None,
        ended_at: Timestamp::from_millis(ended_at),
        summary: None,
        artifacts: Vec::new(),
        reward: line.reward.filter(|reward| (0.0..=1.0).contains(reward)),
        surprise: None,
        followed: Vec::new(),
        reflection: None,
    };
    let LineContext { project, task_type, language, domain, tags, agent, model, files_changed } =
        line.context;
    let steps = line.steps.into_iter().enumerate();
    let steps: Vec<Step> = steps.map(|(idx, step)| read_step(idx, step, at, verbs)).collect();
    let context = Context { task_type, language, domain, tags, agent, model, ..Context::default() };
    let episode = Episode {
        id: EpisodeId::from_bytes(number.to_be_bytes()),
        scope: Scope::new(&project).ok()?,
        task: Excerpt::cut(line.task, MAX_TEXT_BYTES),
        context,
        source: None,
        origin: Origin::Imported,
        author: None,
        started_at: at,
        recorded_at: at,
        relations: Vec::new(),
        shown: Vec::new(),
        feedback: Feedback::default(),
        digest: None,
        n_steps: u32::try_from(steps.len()).ok()?,
        closing: Some(closing),
    };
    Some(Attempt { episode, steps, files_changed })
}

fn read_step(idx: usize, step: LineStep, at: Timestamp, verbs: bool) -> Step {
    let args = if step.args.is_null() { String::new() } else { step.args.to_string() };
    Step {
        idx: u32::try_from(idx).unwrap_or(u32::MAX),
        call_id: None,
        tool: step.tool.into(),
        action: step.verb.filter(|_| verbs),
        args: Excerpt::cut(args, MAX_TEXT_BYTES),
        observation: Excerpt::cut(step.result.unwrap_or_default(), MAX_TEXT_BYTES),
        ok: step.ok.unwrap_or(true),
        error: None,
        latency_ms: None,
        n_tokens: None,
        occurred_at: at,
    }
}

/// Generates an attempt of `n_steps` steps at one of 500 tasks: each of 20 tools has a few that
/// mostly follow it, and one step in ten fails, in one of 30 ways. Returns `None` for more steps
/// than an episode counts.
pub fn generated(rng: &mut fastrand::Rng, number: u128, n_steps: usize) -> Option<Attempt> {
    let mut tool = rng.usize(..20);
    let mut line_step = || {
        tool = if rng.u8(..10) < 7 { (tool * 7 + rng.usize(..3)) % 20 } else { rng.usize(..20) };
        let ok = rng.u8(..10) > 0;
        let error = format!(
            "error: kind {} of thing failed at line {}",
            FAILURES[rng.usize(..30) % 6],
            rng.u16(..)
        );
        let words = ["alpha", "beta", "gamma", "delta"][rng.usize(..4)].repeat(12);
        LineStep {
            tool: format!("tool_{tool}"),
            args: serde_json::json!({ "path": format!("src/{words}.rs"), "n": rng.u16(..) }),
            result: Some(if ok { words } else { error }),
            ok: Some(ok),
            verb: None,
        }
    };
    let steps = (0..n_steps).map(|_| line_step()).collect();
    let task =
        format!("Make task number {} of the generated load pass all of its tests", number % 500);
    let line = Line {
        id: number.to_string(),
        task,
        context: LineContext {
            project: "generated".to_owned(),
            task_type: Some("bugfix".into()),
            language: Some("rust".into()),
            domain: None,
            tags: vec!["a".into()],
            agent: None,
            model: None,
            files_changed: Vec::new(),
        },
        steps,
        outcome: Some("success".to_owned()),
        reward: None,
        ts: None,
        duration_ms: None,
    };
    let at = Timestamp::from_millis(i64::try_from(number).unwrap_or(i64::MAX));
    attempt(line, number, at, false)
}

/// Kinds of failure in generated steps.
const FAILURES: [&str; 6] = ["network", "syntax", "type", "lock", "disk", "quota"];
