//! Playbooks rated by what happened next, on recorded episodes.
//!
//! The episodes of a set are replayed in their order. Before each one a playbook is made from those
//! that came before; then the episode shows which tools it used and how it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use memory_core::bench::{LearnBench, step_name};
use memory_core::{
    Completion, Episode, EpisodeId, Error, HitKind, MemStorage, Memory, NewEpisode, Outcome, Query,
    RecordId, Scope, Strength,
};
use serde::Serialize;

use crate::data::{DataError, broken, set_names};
use crate::episodes::{Attempt, read_attempts};
use crate::table::{layout, number, share};

/// Maximum number of attempts at similar tasks.
const MAX_SIMILAR: usize = 5;

/// Maximum size of a playbook, in tokens.
const MAX_TOKENS: usize = 400;

/// Similarity of a task that a strong hit found; 1 is the same task.
const SIMILARITY: f64 = 0.5;

/// Figures of the replay of one set.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Replay {
    /// Name of the set.
    pub set: String,
    /// Successes of tasks that were tried before: what playbooks are rated on.
    pub repeated: Overlap,
    /// The same with as many of the most frequent tools of all earlier successes.
    pub baseline: Overlap,
    /// Successes of new tasks for which a strong hit found similar ones.
    pub similar: Overlap,
    /// Baseline of `similar`.
    pub similar_baseline: Overlap,
    /// Number of episodes of tasks never tried before.
    pub n_new: usize,
    /// Number of these that got "no experience".
    pub n_no_experience: usize,
    /// Number of episodes of tasks tried before.
    pub n_expected: usize,
    /// Sum of the squared errors of the expected success over these.
    pub squared_error: f64,
    /// Sum of the squared errors of the success rate of all earlier episodes.
    pub squared_error_base: f64,
    /// Length of the longest playbook, in bytes.
    pub max_bytes: usize,
    /// Number of playbooks.
    pub n_books: usize,
    /// Time that they took together, in microseconds.
    pub book_us: f64,
    /// Some of the playbooks, evenly spread, with the reflections that followed, for reading.
    #[serde(skip)]
    pub examples: Vec<String>,
}

/// Sums of precision and recall of the tools of playbooks against the tools used.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Overlap {
    n: usize,
    precision: f64,
    recall: f64,
}

impl Overlap {
    fn add(&mut self, named: &[String], used: &BTreeSet<String>) {
        let hits = named.iter().filter(|tool| used.contains(*tool)).count() as f64;
        self.n += 1;
        self.precision += if named.is_empty() { 0.0 } else { hits / named.len() as f64 };
        self.recall += hits / used.len().max(1) as f64;
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.n > 0).then(|| sum / self.n as f64)
    }
}

/// Replays every set `NAME.episodes.jsonl.gz` of a folder, or those that are named.
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
    let mut replayer = Replayer::new(set).map_err(failed)?;
    for (i, attempt) in attempts.into_iter().enumerate() {
        let show = n_examples > 0 && i % every == every - 1;
        replayer.replay(attempt, show).map_err(failed)?;
    }
    Ok(replayer.report)
}

/// State of the replay of a set.
struct Replayer {
    report: Replay,
    memory: Memory,
    /// Ids of the attempts by the ids that the memory gave them.
    ids: BTreeMap<EpisodeId, EpisodeId>,
    learned: LearnBench,
    /// For each tool the number of earlier successes that used it.
    popular: BTreeMap<String, usize>,
    /// Number of earlier attempts with a known outcome.
    n_known: usize,
    /// Number of successes among them.
    n_succeeded: f64,
}

impl Replayer {
    fn new(set: &str) -> Result<Self, Error> {
        Ok(Self {
            report: Replay { set: set.to_owned(), ..Replay::default() },
            memory: Memory::builder(Arc::new(MemStorage::new())).open()?,
            ids: BTreeMap::new(),
            learned: LearnBench::default(),
            popular: BTreeMap::new(),
            n_known: 0,
            n_succeeded: 0.0,
        })
    }

    fn replay(&mut self, attempt: Attempt, show: bool) -> Result<(), Error> {
        let Attempt { episode, steps, .. } = attempt;
        let task = episode.task.as_str();
        if task.trim().is_empty() {
            // Its task is not known.
            return Ok(());
        }
        let similar = self.similar(&episode.scope, task)?;
        let id = self.memory.start(NewEpisode::new(episode.scope.clone(), task))?.value;
        let outcome = episode.outcome();
        self.memory.finish(id, Completion { outcome, ..Completion::default() })?;
        self.ids.insert(id, episode.id);
        let is_new = !self.learned.is_tried(&episode);
        // Where the task was tried before, its own attempts alone count.
        let similar = if is_new { similar } else { Vec::new() };
        let started = Instant::now();
        let advice = self.learned.playbook(&episode, &similar, MAX_TOKENS);
        self.report.book_us += started.elapsed().as_secs_f64() * 1e6;
        self.report.n_books += 1;
        self.report.max_bytes = self.report.max_bytes.max(advice.text.len());
        if is_new {
            self.report.n_new += 1;
            self.report.n_no_experience += usize::from(advice.expected.is_none());
        }
        self.rate_expectation(is_new, advice.expected, &episode);
        let used: BTreeSet<String> = steps.iter().filter(|s| s.ok).map(step_name).collect();
        if outcome == Some(Outcome::Success) && !used.is_empty() {
            if !advice.tools.is_empty() {
                let popular = self.most_popular(advice.tools.len());
                let (own, base) = if is_new {
                    (&mut self.report.similar, &mut self.report.similar_baseline)
                } else {
                    (&mut self.report.repeated, &mut self.report.baseline)
                };
                own.add(&advice.tools, &used);
                base.add(&popular, &used);
            }
            for tool in used {
                *self.popular.entry(tool).or_default() += 1;
            }
        }
        self.learned.put_with_steps(&episode, steps);
        if show {
            let (reflection, request) = self.learned.reflection(&episode);
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

    /// Finds ended attempts at similar tasks, by their words.
    fn similar(&self, scope: &Scope, task: &str) -> Result<Vec<(EpisodeId, f64)>, Error> {
        let query = Query {
            scope: Some(scope.clone()),
            kinds: vec![HitKind::Episode],
            limit: Some(MAX_SIMILAR),
            strength: Strength::Strong,
            ..Query::new(task)
        };
        let hits = self.memory.recall(&query)?.hits;
        let ids = hits.iter().filter_map(|hit| match hit.record.id() {
            RecordId::Episode(id) => self.ids.get(&id).map(|id| (*id, SIMILARITY)),
            RecordId::Note(_) => None,
        });
        Ok(ids.collect())
    }

    fn rate_expectation(&mut self, is_new: bool, expected: Option<[f64; 3]>, episode: &Episode) {
        let credit = match episode.outcome() {
            Some(Outcome::Success) => 1.0,
            Some(Outcome::Partial | Outcome::Failure) => 0.0,
            Some(Outcome::Abstained | Outcome::Unjudged) | None => return,
        };
        if let (false, Some([mean, ..])) = (is_new, expected) {
            let base = (self.n_succeeded + 1.0) / (self.n_known as f64 + 2.0);
            self.report.n_expected += 1;
            self.report.squared_error += (mean - credit).powi(2);
            self.report.squared_error_base += (base - credit).powi(2);
        }
        self.n_known += 1;
        self.n_succeeded += credit;
    }

    fn most_popular(&self, n: usize) -> Vec<String> {
        let mut tools: Vec<(&String, &usize)> = self.popular.iter().collect();
        tools.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        tools.into_iter().take(n).map(|(tool, _)| tool.clone()).collect()
    }
}

/// Lays out the figures: precision and recall of the tools of playbooks beside the baseline, and
/// the error of the expected success.
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
            row.push(replay.similar.n.to_string());
            row.extend(overlap(&replay.similar));
            row.extend(overlap(&replay.similar_baseline));
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
