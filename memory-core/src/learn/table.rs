//! The table of what was tried, with indexes over it.

use rustc_hash::FxHashMap;

use super::gram::{Gram, grams};
use super::names::Names;
use super::posting::{Postings, RunNo};
use super::recovery::Tally;
use super::run::strata;
use super::{Digest, Move, NameNo, Run, Signature, TaskKey};
use crate::model::{Episode, EpisodeId, RecordId};

/// What is learned from the episodes that have ended.
///
/// The same episodes give the same answers, in whatever order they were put, put again and removed.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    names: Names,
    runs: Vec<Option<Row>>,
    free: Vec<RunNo>,
    by_id: FxHashMap<EpisodeId, RunNo>,
    by_task: Postings<(NameNo, TaskKey)>,
    by_tool: Postings<NameNo>,
    by_signature: Postings<Signature>,
    by_gram: Postings<Gram>,
    /// Runs that were shown a record or followed it.
    by_record: Postings<RecordId>,
    /// How plain retries went, after any error.
    plain_retries: Tally,
}

/// A run, and the names it holds besides those of its fields.
#[derive(Debug)]
struct Row {
    run: Run,
    /// Its tools, each once.
    tools: Box<[NameNo]>,
}

impl Learned {
    /// Takes in an ended episode, or what became of one that was taken in before; one that is open again
    /// is removed.
    ///
    /// Costs microseconds for an episode of 15 steps; grows with the steps, of which only the first and
    /// last few hundred are looked at for sequences.
    pub(crate) fn put(&mut self, episode: &Episode, digest: &Digest) {
        self.remove(episode.id);
        let Some(row) = self.row(episode, digest) else { return };
        let no = self.free.pop().unwrap_or_else(|| {
            self.runs.push(None);
            u32::try_from(self.runs.len() - 1).unwrap_or(u32::MAX)
        });
        let run = &row.run;
        self.by_id.insert(run.id, no);
        self.by_task.add((run.scope, run.task), no);
        for tool in &row.tools {
            self.by_tool.add(*tool, no);
        }
        for incident in &run.incidents {
            self.by_signature.add(incident.signature, no);
        }
        for record in records(run) {
            self.by_record.add(record, no);
        }
        grams(&run.moves, |gram| self.by_gram.add(gram, no));
        self.plain_retries.merge(Tally::of_plain_retries(run));
        if let Some(place) = self.runs.get_mut(no as usize) {
            *place = Some(row);
        }
    }

    /// Forgets an episode; nothing happens for one that is not there.
    pub(crate) fn remove(&mut self, id: EpisodeId) {
        let Some(no) = self.by_id.remove(&id) else { return };
        let Some(row) = self.runs.get_mut(no as usize).and_then(Option::take) else { return };
        self.free.push(no);
        let Row { run, tools } = row;
        self.plain_retries.take_out(Tally::of_plain_retries(&run));
        self.by_task.remove((run.scope, run.task), no);
        for incident in &run.incidents {
            self.by_signature.remove(incident.signature, no);
        }
        for record in records(&run) {
            self.by_record.remove(record, no);
        }
        grams(&run.moves, |gram| self.by_gram.remove(gram, no));
        for tool in &tools {
            self.by_tool.remove(*tool, no);
        }
        let fields = [run.scope, run.task_type, run.language, run.domain];
        for name in fields.iter().chain(&run.tags).chain(&tools) {
            self.names.release(*name);
        }
    }

    /// The row of an episode; `None` while it is open.
    fn row(&mut self, episode: &Episode, digest: &Digest) -> Option<Row> {
        let closing = episode.closing.as_ref()?;
        let names = &mut self.names;
        let mut number = |name: &Option<Box<str>>| names.hold(name.as_deref().unwrap_or_default());
        let context = &episode.context;
        let task_type = number(&context.task_type);
        let (language, domain) = (number(&context.language), number(&context.domain));
        let tools: Box<[NameNo]> = digest.tools.iter().map(|tool| names.hold(tool)).collect();
        let tool = |place: u32| tools.get(place as usize).copied().unwrap_or(0);
        let moves = digest.moves.iter().map(|(place, ok)| Move { tool: tool(*place), ok: *ok });
        let task = TaskKey::of(episode.task.as_str());
        let run = Run {
            id: episode.id,
            scope: names.hold(episode.scope.as_str()),
            task,
            strata: strata(episode.scope.as_str(), context, task),
            task_type,
            language,
            domain,
            tags: context.tags.iter().map(|tag| names.hold(tag)).collect(),
            outcome: closing.outcome,
            reward: closing.reward,
            started_at: episode.started_at,
            ended_at: closing.ended_at,
            moves: moves.collect(),
            incidents: digest.incidents.clone().into_boxed_slice(),
            n_tokens: digest.n_tokens,
            latency_ms: digest.latency_ms,
            shown: shown(episode),
            followed: closing.followed.clone().into_boxed_slice(),
        };
        Some(Row { run, tools })
    }

    /// How many runs there are.
    #[cfg(test)]
    pub(crate) fn n_runs(&self) -> usize {
        self.by_id.len()
    }

    /// The run of an episode.
    pub(crate) fn run(&self, id: EpisodeId) -> Option<&Run> {
        self.by_id.get(&id).and_then(|no| self.run_no(*no))
    }

    /// Attempts at a task in a scope, newest first.
    pub(crate) fn runs_of_task(&self, scope: &str, task: TaskKey) -> Vec<&Run> {
        let runs = self.names.find(scope).map(|scope| self.by_task.runs(&(scope, task)));
        self.newest_first(runs.unwrap_or_default())
    }

    /// The same by the number of the scope, in no order that means anything.
    pub(super) fn runs_of_key(&self, scope: NameNo, task: TaskKey) -> impl Iterator<Item = &Run> {
        self.by_task.runs(&(scope, task)).iter().filter_map(|no| self.run_no(*no))
    }

    /// Runs that used a tool, newest first.
    #[cfg(test)]
    pub(crate) fn runs_of_tool(&self, tool: &str) -> Vec<&Run> {
        let runs = self.names.find(tool).map(|tool| self.by_tool.runs(&tool));
        self.newest_first(runs.unwrap_or_default())
    }

    /// Runs that met an error, newest first.
    #[cfg(any(test, feature = "bench"))]
    pub(crate) fn runs_of_signature(&self, signature: Signature) -> Vec<&Run> {
        self.newest_first(self.by_signature.runs(&signature))
    }

    /// Runs that were shown a record or followed it, newest first.
    pub(crate) fn runs_of_record(&self, id: RecordId) -> Vec<&Run> {
        self.newest_first(self.by_record.runs(&id))
    }

    /// Whether any run met an error.
    pub(crate) fn knows_errors(&self) -> bool {
        self.by_signature.keys().next().is_some()
    }

    /// Whether some run followed a record.
    pub(crate) fn is_followed(&self, id: RecordId) -> bool {
        self.runs_of_record(id).iter().any(|run| run.followed.contains(&id))
    }

    /// All runs, or those of a scope, newest first.
    pub(crate) fn runs_in(&self, scope: Option<&str>) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.unordered(scope).collect();
        sort_newest_first(&mut runs);
        runs
    }

    /// The number of a name that some run holds; `None` for a name of nobody.
    pub(crate) fn name_no(&self, name: &str) -> Option<NameNo> {
        self.names.find(name)
    }

    /// The name of a number; empty for 0.
    pub(crate) fn name(&self, no: NameNo) -> &str {
        self.names.get(no)
    }

    /// All runs, or those of a scope, in no order that means anything.
    pub(crate) fn unordered(&self, scope: Option<&str>) -> impl Iterator<Item = &Run> {
        self.unordered_with_tools(scope).map(|(run, _)| run)
    }

    /// The same, each with its tools, each once.
    pub(super) fn unordered_with_tools(
        &self,
        scope: Option<&str>,
    ) -> impl Iterator<Item = (&Run, &[NameNo])> {
        // A scope of nobody has no runs: 0 is no scope.
        let scope = scope.map(|scope| self.names.find(scope).unwrap_or(0));
        let rows = self.runs.iter().flatten().map(|row| (&row.run, &*row.tools));
        rows.filter(move |(run, _)| scope.is_none_or(|scope| scope == run.scope))
    }

    /// How plain retries went, after any error.
    pub(super) const fn plain_retries(&self) -> Tally {
        self.plain_retries
    }

    /// The signatures of the errors of the same tool and class.
    pub(super) fn kin(&self, signature: Signature) -> impl Iterator<Item = Signature> {
        let all = self.by_signature.keys().copied();
        all.filter(move |other| other.family() == signature.family())
    }

    /// The sequences of moves that occur, with the runs that have them.
    pub(super) fn by_gram(&self) -> &Postings<Gram> {
        &self.by_gram
    }

    /// The runs that met an error, in no order that means anything.
    pub(super) fn met(&self, signature: Signature) -> impl Iterator<Item = &Run> {
        self.by_signature.runs(&signature).iter().filter_map(|no| self.run_no(*no))
    }

    pub(super) fn run_no(&self, no: RunNo) -> Option<&Run> {
        self.runs.get(no as usize)?.as_ref().map(|row| &row.run)
    }

    fn newest_first(&self, runs: &[RunNo]) -> Vec<&Run> {
        let mut runs: Vec<&Run> = runs.iter().filter_map(|no| self.run_no(*no)).collect();
        sort_newest_first(&mut runs);
        runs
    }

    /// Entries of all lists and indexes: what memory grows with.
    #[cfg(test)]
    fn n_entries(&self) -> [usize; 8] {
        [
            self.names.len(),
            self.runs.len(),
            self.by_id.len(),
            self.by_task.len(),
            self.by_tool.len(),
            self.by_signature.len(),
            self.by_gram.len(),
            self.by_record.len(),
        ]
    }
}

/// By when they ended, then by id, which is the order of creation.
fn sort_newest_first(runs: &mut [&Run]) {
    runs.sort_unstable_by_key(|run| std::cmp::Reverse((run.ended_at, run.id)));
}

/// What was shown when the episode began; whether each was a strong hit.
fn shown(episode: &Episode) -> Box<[(RecordId, bool)]> {
    episode.shown.iter().map(|shown| (shown.record, shown.strong)).collect()
}

/// What was shown to a run, then what it followed; one that was both comes twice.
fn records(run: &Run) -> impl Iterator<Item = RecordId> {
    run.shown.iter().map(|(id, _)| *id).chain(run.followed.iter().copied())
}

#[cfg(test)]
mod tests;
