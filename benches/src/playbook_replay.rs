//! Playbooks judged by what happened next, on recorded episodes.
//!
//! The episodes of a set are replayed in their order. Before each one a playbook is asked for, made of what came
//! before; then the episode shows which tools it really used and how it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use memory_core::bench::{Adviser, step_name};
use memory_core::{
    Closing, Completion, Config, Context, Episode, EpisodeId, Error, Excerpt, Feedback, HitKind,
    MemStorage, Memory, NewEpisode, Outcome, Query, RecordId, Scope, Step, Strength, Timestamp,
};
use serde::Deserialize;

use crate::data::{DataError, broken, read_lines, set_names};
use crate::table::{layout, share};

/// Bytes of a text that are kept, as in the product's default.
const MAX_TEXT_BYTES: usize = 8_000;

/// Attempts at tasks alike that are asked for.
const MAX_NEAR: usize = 5;

/// How much an attempt at a task that a strong hit found counts, against one at the very task.
const NEAR: f64 = 0.5;

/// Time between two episodes where the set does not say.
const STEP_MS: i64 = 60_000;

#[derive(Deserialize)]
struct Recorded {
    id: String,
    task: String,
    #[serde(default)]
    context: RecordedContext,
    steps: Vec<RecordedStep>,
    outcome: String,
    reward: Option<f64>,
}

#[derive(Deserialize, Default)]
struct RecordedContext {
    project: Option<String>,
    domain: Option<String>,
    language: Option<String>,
}

#[derive(Deserialize)]
struct RecordedStep {
    tool: String,
    #[serde(default)]
    args: serde_json::Value,
    #[serde(default)]
    result: Option<String>,
    ok: Option<bool>,
    latency_ms: Option<f64>,
}

/// What came of the replay of one set.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    /// Name of the set.
    pub set: String,
    /// Successes of tasks that had succeeded before: what playbooks are judged on.
    pub repeated: Overlap,
    /// The same with as many of the most frequent tools of all earlier successes.
    pub baseline: Overlap,
    /// Successes of new tasks for which a strong hit found others alike.
    pub alike: Overlap,
    /// Its baseline.
    pub alike_baseline: Overlap,
    /// Episodes of tasks never tried before.
    pub n_new: usize,
    /// Of these the ones that got "no experience".
    pub n_no_experience: usize,
    /// Episodes of tasks tried before, and the sums of squared errors of the expected success and of the
    /// rate of all earlier episodes.
    pub n_expected: usize,
    /// See `n_expected`.
    pub squared_error: f64,
    /// See `n_expected`.
    pub squared_error_base: f64,
    /// Longest playbook, in bytes.
    pub max_bytes: usize,
    /// Every 20th or so of the playbooks, with the reflection that followed, for reading.
    pub examples: Vec<String>,
}

/// Sums of precision and recall of tools told against tools used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overlap {
    n: usize,
    precision: f64,
    recall: f64,
}

impl Overlap {
    fn add(&mut self, told: &[String], used: &BTreeSet<String>) {
        let hits = told.iter().filter(|tool| used.contains(*tool)).count() as f64;
        self.n += 1;
        self.precision += if told.is_empty() { 0.0 } else { hits / told.len() as f64 };
        self.recall += hits / used.len().max(1) as f64;
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.n > 0).then(|| sum / self.n as f64)
    }
}

/// Replays every set `NAME.episodes.jsonl.gz` of a folder, or those named.
pub fn replay_all(
    dir: &Path,
    only: &[String],
    n_examples: usize,
) -> Result<Vec<Replay>, DataError> {
    let names = set_names(dir, ".episodes.jsonl.gz")?;
    let wanted = names.into_iter().filter(|name| only.is_empty() || only.contains(name));
    wanted.map(|name| replay(dir, &name, n_examples)).collect()
}

/// Replays one set.
pub fn replay(dir: &Path, set: &str, n_examples: usize) -> Result<Replay, DataError> {
    let path = dir.join(format!("{set}.episodes.jsonl.gz"));
    let recorded: Vec<Recorded> = read_lines(&path)?;
    let every = (recorded.len() / (n_examples + 1)).max(1);
    let mut course = Course::new(set).map_err(|e| broken(&path, 0, e.to_string()))?;
    for (line, recorded) in recorded.into_iter().enumerate() {
        let show = n_examples > 0 && line % every == every - 1;
        course.meet(line, recorded, show).map_err(|e| broken(&path, line + 1, e.to_string()))?;
    }
    Ok(course.report)
}

/// A set while it is replayed.
struct Course {
    report: Replay,
    memory: Memory,
    adviser: Adviser,
    /// For each tool the earlier successes that used it.
    popular: BTreeMap<String, usize>,
    n_met: usize,
    credit: f64,
}

impl Course {
    fn new(set: &str) -> Result<Self, Error> {
        Ok(Self {
            report: Replay { set: set.to_owned(), ..Replay::default() },
            memory: Memory::open(std::sync::Arc::new(MemStorage::new()), Config::default())?,
            adviser: Adviser::default(),
            popular: BTreeMap::new(),
            n_met: 0,
            credit: 0.0,
        })
    }

    fn meet(&mut self, line: usize, recorded: Recorded, show: bool) -> Result<(), Error> {
        if recorded.task.trim().is_empty() {
            return Ok(()); // an attempt at nobody knows what
        }
        let scope = Scope::new(recorded.context.project.as_deref().unwrap_or("all"))?;
        let near = self.alike(&scope, &recorded.task)?;
        let id = self.memory.start(NewEpisode::new(scope.clone(), recorded.task.clone()))?.value;
        let outcome = Outcome::from_name(&recorded.outcome);
        self.memory.complete(id, Completion { outcome, ..Completion::default() })?;
        let (episode, steps) = built(id, line, scope, recorded, outcome);
        let same: Vec<(EpisodeId, f64)> =
            self.adviser.attempts(&episode).into_iter().map(|id| (id, 1.0)).collect();
        let is_new = same.is_empty();
        let precedents = if is_new { near } else { same };
        let advice = self.adviser.playbook(episode.scope.as_str(), &precedents, 400);
        self.report.max_bytes = self.report.max_bytes.max(advice.text.len());
        if is_new {
            self.report.n_new += 1;
            self.report.n_no_experience += usize::from(advice.expected.is_none());
        }
        self.judge_expectation(is_new, advice.expected, &episode);
        let used: BTreeSet<String> = steps.iter().filter(|s| s.ok).map(step_name).collect();
        if outcome == Some(Outcome::Success) && !used.is_empty() {
            if !advice.tools.is_empty() {
                let told = self.most_popular(advice.tools.len());
                let (own, base) = if is_new {
                    (&mut self.report.alike, &mut self.report.alike_baseline)
                } else {
                    (&mut self.report.repeated, &mut self.report.baseline)
                };
                own.add(&advice.tools, &used);
                base.add(&told, &used);
            }
            for tool in used {
                *self.popular.entry(tool).or_default() += 1;
            }
        }
        self.adviser.put(&episode, steps);
        if show {
            let (reflection, request) = self.adviser.reflection(&episode);
            let task = episode.task.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
            let task: String = task.chars().take(200).collect();
            let ended = outcome.map_or("unknown", Outcome::name);
            self.report.examples.push(format!(
                "=== {task}\n{}\n--- ended: {ended}\n{reflection}\n--- asked: {}",
                advice.text,
                request.unwrap_or_default()
            ));
        }
        Ok(())
    }

    /// Ended attempts at tasks alike, found by their words.
    fn alike(&self, scope: &Scope, task: &str) -> Result<Vec<(EpisodeId, f64)>, Error> {
        let query = Query {
            scope: Some(scope.clone()),
            kinds: vec![HitKind::Episode],
            limit: Some(MAX_NEAR),
            strength: Strength::Strong,
            ..Query::new(task)
        };
        let hits = self.memory.recall(&query)?.hits;
        let ids = hits.iter().filter_map(|hit| match hit.record.id() {
            RecordId::Episode(id) => Some((id, NEAR)),
            RecordId::Note(_) => None,
        });
        Ok(ids.collect())
    }

    fn judge_expectation(&mut self, is_new: bool, expected: Option<[f64; 3]>, episode: &Episode) {
        let credit = match episode.outcome() {
            Some(Outcome::Success) => 1.0,
            Some(Outcome::Partial | Outcome::Failure) => 0.0,
            Some(Outcome::Abstained) | None => return,
        };
        if let (false, Some([mean, ..])) = (is_new, expected) {
            let base = (self.credit + 1.0) / (self.n_met as f64 + 2.0);
            self.report.n_expected += 1;
            self.report.squared_error += (mean - credit).powi(2);
            self.report.squared_error_base += (base - credit).powi(2);
        }
        self.n_met += 1;
        self.credit += credit;
    }

    fn most_popular(&self, n: usize) -> Vec<String> {
        let mut tools: Vec<(&String, &usize)> = self.popular.iter().collect();
        tools.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        tools.into_iter().take(n).map(|(tool, _)| tool.clone()).collect()
    }
}

fn built(
    id: EpisodeId,
    line: usize,
    scope: Scope,
    recorded: Recorded,
    outcome: Option<Outcome>,
) -> (Episode, Vec<Step>) {
    let started_at = Timestamp::from_millis(line as i64 * STEP_MS);
    let ended_at = Timestamp::from_millis((line as i64 + 1) * STEP_MS - 1);
    let kept = |text: String| Excerpt::cut(text, MAX_TEXT_BYTES);
    let steps = recorded.steps.into_iter().zip(0..).map(|(step, idx)| Step {
        idx,
        tool: step.tool.into(),
        action: None,
        args: kept(if step.args.is_null() { String::new() } else { step.args.to_string() }),
        observation: kept(step.result.unwrap_or_default()),
        ok: step.ok.unwrap_or(true),
        error: None,
        latency_ms: step.latency_ms.map(|ms| ms.max(0.0).round() as u64),
        n_tokens: None,
        occurred_at: started_at,
    });
    let steps: Vec<Step> = steps.collect();
    let context = recorded.context;
    let episode = Episode {
        id,
        scope,
        task: kept(recorded.task),
        context: Context {
            domain: context.domain.map(Into::into),
            language: context.language.map(Into::into),
            session: Some(recorded.id.into()),
            ..Context::default()
        },
        source: None,
        started_at,
        recorded_at: started_at,
        relations: Vec::new(),
        shown: Vec::new(),
        feedback: Feedback::default(),
        digest: None,
        n_steps: u32::try_from(steps.len()).unwrap_or(u32::MAX),
        closing: Some(Closing {
            outcome,
            ended_at,
            summary: None,
            artifacts: Vec::new(),
            reward: recorded.reward,
            surprise: None,
            followed: Vec::new(),
            reflection: None,
        }),
    };
    (episode, steps)
}

/// The table: precision and recall of the tools told, beside the baseline, and how well success was expected.
#[must_use]
pub fn table(replays: &[Replay]) -> String {
    let headings = [
        "set",
        "again",
        "P",
        "R",
        "P base",
        "R base",
        "alike",
        "P",
        "R",
        "P base",
        "R base",
        "new",
        "no exp.",
        "seen",
        "Brier",
        "Brier base",
        "max B",
    ];
    let rows: Vec<Vec<String>> = replays
        .iter()
        .map(|replay| {
            let overlap = |o: &Overlap| [share(o.mean(o.precision)), share(o.mean(o.recall))];
            let per = |sum: f64, n: usize| share((n > 0).then(|| sum / n as f64));
            let mut row = vec![replay.set.clone(), replay.repeated.n.to_string()];
            row.extend(overlap(&replay.repeated));
            row.extend(overlap(&replay.baseline));
            row.push(replay.alike.n.to_string());
            row.extend(overlap(&replay.alike));
            row.extend(overlap(&replay.alike_baseline));
            row.push(replay.n_new.to_string());
            row.push(per(replay.n_no_experience as f64, replay.n_new));
            row.push(replay.n_expected.to_string());
            row.push(per(replay.squared_error, replay.n_expected));
            row.push(per(replay.squared_error_base, replay.n_expected));
            row.push(replay.max_bytes.to_string());
            row
        })
        .collect();
    layout(&headings, &rows)
}
