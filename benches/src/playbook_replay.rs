//! Playbooks judged by what happened next, on recorded episodes.
//!
//! The episodes of a set are replayed in their order. Before each one a playbook is asked for, made of what came
//! before; then the episode shows which tools it really used and how it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use memory_core::bench::{Adviser, step_name};
use memory_core::{
    Completion, Config, Episode, EpisodeId, Error, HitKind, MemStorage, Memory, NewEpisode,
    Outcome, Query, RecordId, Scope, Strength,
};
use serde::Serialize;

use crate::data::{DataError, broken, set_names};
use crate::episodes::{Attempt, read_attempts};
use crate::table::{layout, number, share};

/// Attempts at tasks alike that are asked for.
const MAX_NEAR: usize = 5;

/// How much an attempt at a task that a strong hit found counts, against one at the very task.
const NEAR: f64 = 0.5;

/// What came of the replay of one set.
#[derive(Debug, Clone, Default, Serialize)]
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
    /// Playbooks asked for, and the time that they took together, in microseconds.
    pub n_books: usize,
    /// See `n_books`.
    pub book_us: f64,
    /// Every 20th or so of the playbooks, with the reflection that followed, for reading.
    #[serde(skip)]
    pub examples: Vec<String>,
}

/// Sums of precision and recall of tools told against tools used.
#[derive(Debug, Clone, Copy, Default, Serialize)]
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
    let failed = |e: Error| broken(&dir.join(set), 0, e.to_string());
    let attempts = read_attempts(dir, set, false)?;
    let every = (attempts.len() / (n_examples + 1)).max(1);
    let mut course = Course::new(set).map_err(failed)?;
    for (i, attempt) in attempts.into_iter().enumerate() {
        let show = n_examples > 0 && i % every == every - 1;
        course.meet(attempt, show).map_err(failed)?;
    }
    Ok(course.report)
}

/// A set while it is replayed.
struct Course {
    report: Replay,
    memory: Memory,
    /// Ids of the attempts by those that the memory gave them.
    ids: BTreeMap<EpisodeId, EpisodeId>,
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
            memory: Memory::open(Arc::new(MemStorage::new()), Config::default())?,
            ids: BTreeMap::new(),
            adviser: Adviser::default(),
            popular: BTreeMap::new(),
            n_met: 0,
            credit: 0.0,
        })
    }

    fn meet(&mut self, attempt: Attempt, show: bool) -> Result<(), Error> {
        let Attempt { episode, steps } = attempt;
        let task = episode.task.as_str();
        if task.trim().is_empty() {
            return Ok(()); // an attempt at nobody knows what
        }
        let near = self.alike(&episode.scope, task)?;
        let id = self.memory.start(NewEpisode::new(episode.scope.clone(), task))?.value;
        let outcome = episode.outcome();
        self.memory.complete(id, Completion { outcome, ..Completion::default() })?;
        self.ids.insert(id, episode.id);
        let same: Vec<(EpisodeId, f64)> =
            self.adviser.attempts(&episode).into_iter().map(|id| (id, 1.0)).collect();
        let is_new = same.is_empty();
        let precedents = if is_new { near } else { same };
        let started = Instant::now();
        let advice = self.adviser.playbook(episode.scope.as_str(), &precedents, 400);
        self.report.book_us += started.elapsed().as_secs_f64() * 1e6;
        self.report.n_books += 1;
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
            RecordId::Episode(id) => self.ids.get(&id).map(|id| (*id, NEAR)),
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
        "µs",
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
            row.push(number(replay.book_us / replay.n_books.max(1) as f64));
            row
        })
        .collect();
    layout(&headings, &rows)
}
