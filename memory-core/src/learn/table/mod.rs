//! Table of runs: everything that is learned from ended episodes, with indexes over it.
//!
//! Filled from episodes and their digests by [`Learned::put`], read by `pattern`, `helpfulness` and
//! `advice`. Answers depend on the set of runs only, never on the order in which they were put, put
//! again and removed: whatever needs an order (a trend, a half-life) is computed when it is asked
//! for.

mod arrivals;
mod interner;
mod ngram;
mod outcome;
mod remedy;
mod run;
mod run_lists;
mod scope_targets;

use rustc_hash::{FxHashMap, FxHashSet};

use arrivals::Arrivals;
pub(crate) use arrivals::Position;
use interner::Interner;
pub(crate) use interner::NameId;
use ngram::for_each_ngram;
pub(crate) use ngram::{NGram, indexed_parts};
pub(crate) use outcome::OutcomeCounts;
pub(crate) use remedy::{AttemptCounts, Remedy, ToolPath};
use run::strata;
pub(crate) use run::{AgentKey, AttemptRank, Move, Run, TaskKey};
use run_lists::{RunLists, RunSlot};
use scope_targets::ScopeTargets;
pub(crate) use scope_targets::{ScopeTarget, TargetKey};

use super::digest::{CallKey, Digest, Likeness, Signature, Sketch};
use crate::model::{Closing, Episode, EpisodeId, RecordId};

/// State that is learned from the episodes that have ended.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    names: Interner,
    /// Rows by slot; `None` for a free slot.
    rows: Vec<Option<Row>>,
    free: Vec<RunSlot>,
    by_id: FxHashMap<EpisodeId, RunSlot>,
    by_task: RunLists<(NameId, TaskKey)>,
    by_signature: RunLists<Signature>,
    /// Sketch of each signature that some run has.
    sketches: FxHashMap<Signature, Sketch>,
    /// Runs in which a call failed.
    by_failed_call: RunLists<CallKey>,
    by_ngram: RunLists<NGram>,
    /// Runs that were shown a record or followed it.
    by_record: RunLists<RecordId>,
    /// Targets of the runs of each scope.
    targets: ScopeTargets,
    /// Plain retries after any error.
    plain_retries: AttemptCounts,
    arrivals: Arrivals,
}

/// A run and its tools.
#[derive(Debug)]
struct Row {
    run: Run,
    /// Tools of the run, each once.
    tools: Box<[NameId]>,
}

/// Condition on the scope of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScopeFilter(Option<NameId>);

impl ScopeFilter {
    /// Returns whether a run satisfies it.
    pub(crate) fn accepts(self, run: &Run) -> bool {
        self.0.is_none_or(|scope| scope == run.scope)
    }
}

impl Learned {
    /// Adds an ended episode, or replaces what was learned of it; one that is open is removed.
    ///
    /// Costs microseconds for an episode of 15 steps and grows with the steps, of which only the
    /// first and last 250 are indexed as sequences.
    pub(crate) fn put(&mut self, episode: &Episode, digest: &Digest) {
        let Some(closing) = &episode.closing else { return self.remove(episode.id) };
        // The new run holds its names before the old one lets them go, so that they keep their
        // numbers: one that is put again unchanged is the same for those who follow.
        let row = self.row(episode, closing, digest);
        match self.take(episode.id) {
            None => self.arrivals.add(episode.id),
            Some(before) if before == row.run => {}
            Some(_) => self.arrivals.interrupt(),
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        });
        let run = &row.run;
        self.by_id.insert(run.id, slot);
        self.by_task.add((run.scope, run.task), slot);
        let mut seen = FxHashSet::default();
        let distinct = run.incidents.iter().filter(|incident| seen.insert(incident.signature));
        for (incident, sketch) in distinct.zip(&digest.sketches) {
            self.sketches.entry(incident.signature).or_insert_with(|| sketch.clone());
        }
        for incident in &run.incidents {
            self.by_signature.add(incident.signature, slot);
        }
        for call in failed_calls(run) {
            self.by_failed_call.add(call, slot);
        }
        for record in records(run) {
            self.by_record.add(record, slot);
        }
        for_each_ngram(&run.moves, |ngram| self.by_ngram.add(ngram, slot));
        self.plain_retries.merge(AttemptCounts::of_plain_retries(run));
        self.targets.add(run.scope, &run.targets);
        *self.row_mut(slot) = Some(row);
    }

    /// Removes an episode, if it is there.
    pub(crate) fn remove(&mut self, id: EpisodeId) {
        if self.take(id).is_some() {
            self.arrivals.interrupt();
        }
    }

    fn take(&mut self, id: EpisodeId) -> Option<Run> {
        let slot = self.by_id.remove(&id)?;
        let Row { run, tools } = self.row_mut(slot).take()?;
        self.free.push(slot);
        self.plain_retries.subtract(AttemptCounts::of_plain_retries(&run));
        self.by_task.remove((run.scope, run.task), slot);
        for incident in &run.incidents {
            self.by_signature.remove(incident.signature, slot);
            if self.by_signature.runs(&incident.signature).is_empty() {
                self.sketches.remove(&incident.signature);
            }
        }
        for call in failed_calls(&run) {
            self.by_failed_call.remove(call, slot);
        }
        for record in records(&run) {
            self.by_record.remove(record, slot);
        }
        self.targets.remove(run.scope, &run.targets);
        for_each_ngram(&run.moves, |ngram| self.by_ngram.remove(ngram, slot));
        let fields = [run.scope, run.task_type, run.language, run.domain];
        let targets = run.targets.iter().map(|(target, _)| &target.name);
        for name in fields.iter().chain(&run.tags).chain(&tools).chain(targets) {
            self.names.release(*name);
        }
        Some(run)
    }

    /// Returns the number of runs.
    pub(crate) fn n_runs(&self) -> usize {
        self.by_id.len()
    }

    /// Returns where a follower stands that knows all runs.
    pub(crate) fn position(&self) -> Position {
        self.arrivals.position()
    }

    /// Returns the runs that arrived after a position; `None` where others changed since, or one of
    /// them is gone.
    pub(crate) fn runs_since(&self, position: Position) -> Option<Vec<&Run>> {
        self.arrivals.since(position)?.iter().map(|id| self.run(*id)).collect()
    }

    #[expect(clippy::indexing_slicing, reason = "digests hold positions in their own tools")]
    fn row(&mut self, episode: &Episode, closing: &Closing, digest: &Digest) -> Row {
        let (context, names) = (&episode.context, &mut self.names);
        let [task_type, language, domain] =
            [&context.task_type, &context.language, &context.domain]
                .map(|name| name.as_deref().map_or(0, |name| names.hold(name)));
        let tools: Box<[NameId]> = digest.tools.iter().map(|tool| names.hold(tool)).collect();
        let moves = digest.moves.iter().map(|(position, ok)| {
            debug_assert!((*position as usize) < tools.len(), "a digest is checked when decoded");
            Move { tool: tools[*position as usize], ok: *ok }
        });
        let moves = moves.collect();
        let targets = digest.synopsis.targets.iter().map(|target| {
            (TargetKey { kind: target.kind, name: names.hold(&target.name) }, target.is_changed)
        });
        let targets = targets.collect();
        let task = TaskKey::of(episode.task.as_str());
        let mut seen = FxHashSet::default();
        let tags = context.tags.iter().filter(|tag| seen.insert(&***tag));
        let run = Run {
            id: episode.id,
            scope: names.hold(episode.scope.as_str()),
            task,
            agent: AgentKey::of(context),
            strata: strata(episode.scope.as_str(), context, task),
            task_type,
            language,
            domain,
            tags: tags.map(|tag| names.hold(tag)).collect(),
            outcome: closing.outcome,
            is_inferred: closing.inferred.is_some(),
            reward: closing.reward,
            ended_at: closing.ended_at,
            moves,
            calls: digest.calls.clone().into_boxed_slice(),
            targets,
            incidents: digest.incidents.clone().into_boxed_slice(),
            n_tokens: digest.n_tokens,
            latency_ms: digest.latency_ms,
            costs: tools.iter().copied().zip(digest.costs.iter().copied()).collect(),
            shown: episode.shown.iter().map(|shown| (shown.record, shown.strong)).collect(),
            followed: closing.followed.clone().into_boxed_slice(),
        };
        Row { run, tools }
    }

    /// Returns the run of an episode.
    pub(crate) fn run(&self, id: EpisodeId) -> Option<&Run> {
        self.by_id.get(&id).map(|slot| self.run_in(*slot))
    }

    /// Returns the attempts at a task in a scope, newest first.
    pub(crate) fn runs_of_task(&self, scope: &str, task: TaskKey) -> Vec<&Run> {
        let scope = self.names.find(scope);
        newest_first(scope.into_iter().flat_map(|scope| self.attempts(scope, task)))
    }

    /// Returns the attempts at a task in a scope, in no particular order.
    pub(crate) fn attempts(&self, scope: NameId, task: TaskKey) -> impl Iterator<Item = &Run> {
        self.by_task.runs(&(scope, task)).iter().map(|slot| self.run_in(*slot))
    }

    /// Returns the runs that were shown a record or followed it, in no particular order.
    pub(crate) fn runs_of_record(&self, id: RecordId) -> impl Iterator<Item = &Run> {
        self.by_record.runs(&id).iter().map(|slot| self.run_in(*slot))
    }

    /// Returns whether some run followed a record.
    pub(crate) fn is_followed(&self, id: RecordId) -> bool {
        self.runs_of_record(id).any(|run| run.followed.contains(&id))
    }

    /// Returns all runs, or those of a scope, newest first.
    pub(crate) fn runs_in(&self, scope: Option<&str>) -> Vec<&Run> {
        newest_first(self.runs_unordered(scope))
    }

    /// Returns all runs, or those of a scope, in no particular order.
    pub(crate) fn runs_unordered(&self, scope: Option<&str>) -> impl Iterator<Item = &Run> {
        self.runs_with_tools(scope).map(|(run, _)| run)
    }

    /// Returns the same runs, each with its tools, each tool once.
    pub(crate) fn runs_with_tools(
        &self,
        scope: Option<&str>,
    ) -> impl Iterator<Item = (&Run, &[NameId])> {
        let filter = self.scope_filter(scope);
        let rows = self.rows.iter().flatten().map(|row| (&row.run, &*row.tools));
        rows.filter(move |(run, _)| filter.accepts(run))
    }

    /// Returns the condition that a run is of a scope; of any for `None`.
    pub(crate) fn scope_filter(&self, scope: Option<&str>) -> ScopeFilter {
        // No run has the empty name 0 as its scope, so that an unknown scope accepts none.
        ScopeFilter(scope.map(|scope| self.names.find(scope).unwrap_or(0)))
    }

    /// Returns whether any run met an error.
    pub(crate) fn has_errors(&self) -> bool {
        self.by_signature.keys().next().is_some()
    }

    /// Returns the runs that met an error, in no particular order.
    pub(crate) fn runs_with_error(&self, signature: Signature) -> impl Iterator<Item = &Run> {
        self.by_signature.runs(&signature).iter().map(|slot| self.run_in(*slot))
    }

    /// Returns the runs in which a call failed, in no particular order.
    pub(crate) fn runs_with_failed_call(&self, call: CallKey) -> impl Iterator<Item = &Run> {
        self.by_failed_call.runs(&call).iter().map(|slot| self.run_in(*slot))
    }

    /// Returns the sketch of an error; an empty one of an error that no run met.
    pub(crate) fn sketch(&self, signature: Signature) -> Sketch {
        self.sketches.get(&signature).cloned().unwrap_or_default()
    }

    /// Returns the signatures of errors that are like one of a sketch in this way, sorted.
    ///
    /// Costs time linear in the number of signatures, some nanoseconds each.
    pub(crate) fn signatures_like(&self, sketch: &Sketch, wanted: Likeness) -> Vec<Signature> {
        let like = self.sketches.iter().filter(|(_, own)| sketch.likeness(own) == Some(wanted));
        let mut found: Vec<Signature> = like.map(|(signature, _)| *signature).collect();
        found.sort_unstable();
        found
    }

    /// Returns the signatures of the errors of the same tool and class.
    pub(crate) fn signatures_of_family(
        &self,
        signature: Signature,
    ) -> impl Iterator<Item = Signature> {
        let all = self.by_signature.keys().copied();
        all.filter(move |other| other.family() == signature.family())
    }

    /// Returns the sequences that at least `min_runs` runs have, each with these runs.
    pub(crate) fn ngrams(
        &self,
        min_runs: usize,
    ) -> impl Iterator<Item = (NGram, impl Iterator<Item = &Run> + Clone)> {
        let frequent = self.by_ngram.iter().filter(move |(_, slots)| slots.len() >= min_runs);
        frequent.map(|(ngram, slots)| (*ngram, slots.iter().map(|slot| self.run_in(*slot))))
    }

    /// Returns the runs that have a sequence, in no particular order.
    pub(crate) fn runs_with_ngram(&self, ngram: NGram) -> impl Iterator<Item = &Run> {
        self.by_ngram.runs(&ngram).iter().map(|slot| self.run_in(*slot))
    }

    /// Returns the counts of plain retries after any error.
    pub(crate) const fn plain_retries(&self) -> AttemptCounts {
        self.plain_retries
    }

    /// Sets these counts in a table that holds a part of the runs alone.
    pub(crate) const fn set_plain_retries(&mut self, counts: AttemptCounts) {
        self.plain_retries = counts;
    }

    /// Returns the number of a name that some run holds.
    pub(crate) fn name_id(&self, name: &str) -> Option<NameId> {
        self.names.find(name)
    }

    /// Returns the targets of the runs of a scope, or of all, in no particular order.
    pub(crate) fn targets_in(&self, scope: Option<&str>) -> Vec<ScopeTarget<'_>> {
        let scope = scope.map(|scope| self.names.find(scope).unwrap_or(0));
        self.targets.in_scope(scope, |name| self.name(name))
    }

    /// Returns whether a target of a scope is one of another scope too.
    pub(crate) fn is_target_elsewhere(&self, scope: &str, target: TargetKey) -> bool {
        self.names.find(scope).is_some_and(|scope| self.targets.is_elsewhere(scope, target))
    }

    /// Returns the name of a number; empty for 0.
    pub(crate) fn name(&self, id: NameId) -> &str {
        self.names.name(id)
    }

    #[expect(clippy::indexing_slicing, reason = "slots are given out with their row")]
    fn row_mut(&mut self, slot: RunSlot) -> &mut Option<Row> {
        &mut self.rows[slot as usize]
    }

    /// Returns the run in a slot that is in use: every index holds only such slots.
    #[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a broken index must be seen")]
    fn run_in(&self, slot: RunSlot) -> &Run {
        &self.rows[slot as usize].as_ref().expect("a slot that an index holds is in use").run
    }

    /// Returns the lengths of all lists and indexes: what memory grows with.
    #[cfg(test)]
    fn n_entries(&self) -> [usize; 10] {
        [
            self.names.len(),
            self.rows.len(),
            self.by_id.len(),
            self.by_task.len(),
            self.by_signature.len(),
            self.sketches.len(),
            self.by_failed_call.len(),
            self.by_ngram.len(),
            self.by_record.len(),
            self.targets.len(),
        ]
    }
}

/// Collects runs, newest first.
fn newest_first<'a>(runs: impl Iterator<Item = &'a Run>) -> Vec<&'a Run> {
    let mut runs: Vec<&Run> = runs.collect();
    runs.sort_unstable_by_key(|run| std::cmp::Reverse(run.age_key()));
    runs
}

/// Returns the calls that failed in a run, in their order.
fn failed_calls(run: &Run) -> impl Iterator<Item = CallKey> {
    run.incidents.iter().map(|incident| run.call_at(incident.at))
}

/// Returns the records that were shown to a run, then those that it followed; one that was both
/// comes twice.
fn records(run: &Run) -> impl Iterator<Item = RecordId> {
    run.shown.iter().map(|(id, _)| *id).chain(run.followed.iter().copied())
}

#[cfg(test)]
mod tests;
