//! Variety of the hits among episodes: runs of one task should not fill an answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use memory_core::bench::Weights;
use memory_core::{
    Completion, Config, Embedder, Error, Import, MemStorage, Memory, NewEpisode, NewStep, Outcome,
    Query, Record, Scope, Source,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::{DataError, read_lines};
use crate::metrics::mean;
use crate::table::{layout, number, share};

/// Tasks that are asked about.
const N_TASKS: usize = 150;

/// Hits that are asked for, as a new episode does by default, and as a recall does.
const DEPTHS: [usize; 2] = [5, 10];

/// An episode of the neutral format, with what matters here.
#[derive(Debug, Clone, Deserialize)]
struct Line {
    id: String,
    task: String,
    context: LineContext,
    steps: Vec<LineStep>,
    outcome: String,
}

#[derive(Debug, Clone, Deserialize)]
struct LineContext {
    project: String,
    #[serde(default)]
    task_id: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct LineStep {
    tool: String,
    #[serde(default)]
    args: Value,
    #[serde(default)]
    result: Value,
    ok: Option<bool>,
}

/// Figures of one set.
#[derive(Debug, Clone, Serialize)]
pub struct VarietyReport {
    /// The set.
    pub set: String,
    /// Hits that repeat others are ranked lower (maximal marginal relevance).
    pub various: bool,
    /// Hits asked for.
    pub limit: usize,
    /// Tasks asked about.
    pub n_tasks: usize,
    /// Mean number of hits.
    pub n_hits: Option<f64>,
    /// Mean number of distinct pairs of task and outcome among them.
    pub n_distinct: Option<f64>,
    /// Of the tasks with a success and a failure: share whose answer shows both.
    pub both_outcomes: Option<f64>,
    /// Share of answers whose first hit is a run of the task.
    pub same_task_first: Option<f64>,
}

/// A memory of the episodes of a set, embedded.
pub struct Episodes {
    memory: Memory,
    tasks: BTreeMap<String, Task>,
    /// Task by the external id of an episode.
    task_of: HashMap<String, String>,
    set: String,
}

/// A task of a set: runs of it may word it a little differently.
#[derive(Debug, Default)]
struct Task {
    text: String,
    outcomes: BTreeSet<Option<Outcome>>,
}

impl Episodes {
    /// Reads and imports a set of episodes.
    pub fn load(
        dir: &Path,
        set: &str,
        embedder: &Arc<dyn Embedder>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let lines: Vec<Line> = read(dir, set)?;
        let memory = Memory::builder(Arc::new(MemStorage::new()))
            .config(Config { cache_bytes: 0, ..Config::default() })
            .embedder(Arc::clone(embedder))
            .open()?;
        let (mut tasks, mut task_of) = (BTreeMap::<String, Task>::new(), HashMap::new());
        let mut imports = Vec::with_capacity(lines.len());
        for line in lines.into_iter().filter(|line| !line.task.trim().is_empty()) {
            let outcome = outcome(&line.outcome);
            let name = line.context.task_id.clone().unwrap_or_else(|| line.task.trim().to_owned());
            let task = tasks.entry(name.clone()).or_default();
            line.task.trim().clone_into(&mut task.text);
            task.outcomes.insert(outcome);
            task_of.insert(line.id.clone(), name);
            imports.push(import(line, outcome)?);
        }
        memory.import(imports)?;
        memory.refresh()?;
        memory.embed_all()?;
        Ok(Self { memory, tasks, task_of, set: set.to_owned() })
    }

    /// Asks about tasks of the set, with and without variety; gives the memory back.
    pub fn measure(mut self) -> Result<Vec<VarietyReport>, Error> {
        let mut reports = Vec::new();
        for (various, weights) in
            [(false, Weights { variety: 0.0, ..Weights::default() }), (true, Weights::default())]
        {
            self.memory = self.memory.with_weights(weights);
            for limit in DEPTHS {
                reports.push(self.ask(various, limit)?);
            }
        }
        Ok(reports)
    }

    fn ask(&self, various: bool, limit: usize) -> Result<VarietyReport, Error> {
        let stride = self.tasks.len().div_ceil(N_TASKS).max(1);
        let (mut hits, mut distinct, mut both, mut first) = (vec![], vec![], vec![], vec![]);
        for (name, task) in self.tasks.iter().step_by(stride) {
            let query = Query { limit: Some(limit), ..Query::new(task.text.as_str()) };
            let shown: Vec<(&String, Option<Outcome>)> = self
                .memory
                .recall(&query)?
                .hits
                .into_iter()
                .filter_map(|hit| match hit.record {
                    Record::Episode(episode) => {
                        let id = episode.source.as_ref()?.external_id.as_ref();
                        Some((self.task_of.get(id)?, episode.outcome()))
                    }
                    Record::Note(_) => None,
                })
                .collect();
            hits.push(shown.len() as f64);
            distinct.push(shown.iter().collect::<BTreeSet<_>>().len() as f64);
            first.push(f64::from(u8::from(shown.first().is_some_and(|(t, _)| *t == name))));
            let ends = [Some(Outcome::Success), Some(Outcome::Failure)];
            if ends.iter().all(|end| task.outcomes.contains(end)) {
                let is_shown = |end| shown.iter().any(|(t, o)| *t == name && *o == end);
                both.push(f64::from(u8::from(ends.into_iter().all(is_shown))));
            }
        }
        Ok(VarietyReport {
            set: self.set.clone(),
            various,
            limit,
            n_tasks: hits.len(),
            n_hits: mean(hits),
            n_distinct: mean(distinct),
            both_outcomes: mean(both),
            same_task_first: mean(first),
        })
    }
}

fn read(dir: &Path, set: &str) -> Result<Vec<Line>, DataError> {
    read_lines(&dir.join(format!("{set}.episodes.jsonl.gz")))
}

fn outcome(name: &str) -> Option<Outcome> {
    match name {
        "success" => Some(Outcome::Success),
        "partial" => Some(Outcome::Partial),
        "failure" => Some(Outcome::Failure),
        _ => None,
    }
}

fn import(line: Line, outcome: Option<Outcome>) -> Result<Import, Error> {
    let text = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    let step = |step: LineStep| NewStep {
        tool: step.tool,
        args: step.args.to_string(),
        observation: text(step.result),
        ok: step.ok,
        ..NewStep::default()
    };
    let scope = Scope::new(&line.context.project)?;
    let mut episode = NewEpisode::new(scope, line.task);
    episode.context.tags = line.context.tags.into_iter().map(Into::into).collect();
    episode.source = Some(Source { importer: "jsonl".into(), external_id: line.id.into() });
    let completion = Completion { outcome, ..Completion::default() };
    let steps = line.steps.into_iter().map(step).collect();
    Ok(Import::Episode(Box::new(episode), steps, Some(Box::new(completion))))
}

/// The reports as a table.
#[must_use]
pub fn table(reports: &[VarietyReport]) -> String {
    let row = |report: &VarietyReport| {
        vec![
            report.set.clone(),
            if report.various { "yes" } else { "no" }.to_owned(),
            report.limit.to_string(),
            report.n_tasks.to_string(),
            report.n_hits.map_or(String::new(), number),
            report.n_distinct.map_or(String::new(), number),
            share(report.both_outcomes),
            share(report.same_task_first),
        ]
    };
    let headings =
        ["episodes", "variety", "limit", "tasks", "hits", "distinct", "both ends", "same task 1st"];
    let rows: Vec<Vec<String>> = reports.iter().map(row).collect();
    format!("Variety: a task of the set is asked for\n{}", layout(&headings, &rows))
}
