//! Odds of success and next tools of an episode that begins or is running.

mod news;
mod running;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::news::KeptNews;
use self::running::{Running, Trace};
use super::Memory;
use super::learning::Learning;
use crate::background::Task;
use crate::error::Error;
use crate::learn::{AgentKey, Learned, Move, NameId, TaskKey};
use crate::model::{Context, Episode, EpisodeId, Scope, Step};
use crate::predict::{Attempt, Odds, Predictor};

/// Most runs that are learned within a request where there is a thread for more.
const MAX_INLINE: usize = 100;

/// Fewest ended episodes that say anything.
const MIN_RUNS: usize = 5;

/// Change of the chance of success since it was told last, from which it is told again.
const MOVED: f64 = 0.15;

/// Fewest steps of an episode before odds are told again.
const MIN_STEPS: usize = 3;

/// Steps for which an agent that was told what comes next is left alone.
const QUIET_STEPS: usize = 5;

/// Most next tools that are told, and the least probability of one.
const MAX_NEXT: usize = 3;
const MIN_SHARE: f64 = 0.1;

/// Most episodes whose steps are kept.
const MAX_RUNNING: usize = 16;

/// Name of what no ended episode has.
const UNKNOWN: NameId = NameId::MAX;

/// Odds of a running episode that are other ones than those told before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MovedOdds {
    /// Chance of success that was told before.
    pub before: f64,
    /// Odds after the last step.
    pub now: Odds,
}

/// A tool that may come next.
#[derive(Debug, Clone, PartialEq)]
pub struct NextTool {
    /// Name: the tool, or `tool:action`.
    pub tool: String,
    /// Share of such moments in which it came next.
    pub share: f64,
}

/// Foresight after logged steps; mostly nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Foreseen {
    pub(super) odds: Option<MovedOdds>,
    /// Likely next tools where the agent seems stuck.
    pub(super) next_tools: Vec<NextTool>,
}

/// Models of episodes, with the episodes that are running in this process.
pub(super) struct Foresight {
    predictor: Arc<Mutex<Predictor>>,
    /// Episodes, the one that was logged to last at the end.
    running: Mutex<Vec<(EpisodeId, Running)>>,
    /// Thread that begins the models anew.
    catching_up: Mutex<Option<Task>>,
    has_threads: bool,
    news: KeptNews,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Foresight {
    pub(super) fn new(has_threads: bool) -> Self {
        Self {
            predictor: Arc::default(),
            running: Mutex::default(),
            catching_up: Mutex::default(),
            has_threads,
            news: KeptNews::default(),
        }
    }

    /// Returns a function that brings the models up to what was learned; it does not hold up those
    /// who ask meanwhile.
    pub(super) fn catch_up(&self, learning: &Arc<Learning>) -> impl FnOnce() + Send + use<> {
        let (learning, predictor) = (Arc::clone(learning), Arc::clone(&self.predictor));
        move || {
            let mut fresh = Predictor::default();
            fresh.follow(&learning.learned());
            *lock(&predictor) = fresh;
        }
    }

    /// Asks the models as of the last refresh; `None` where there is too little experience, or
    /// while they begin anew.
    fn ask<T>(
        &self,
        learning: &Arc<Learning>,
        question: impl FnOnce(&Predictor, &Learned) -> T,
    ) -> Option<T> {
        let learned = learning.learned();
        if learned.n_runs() < MIN_RUNS {
            return None;
        }
        let mut predictor = lock(&self.predictor);
        if self.has_threads && predictor.n_behind(&learned) > MAX_INLINE {
            let mut task = lock(&self.catching_up);
            if task.as_ref().is_none_or(Task::is_finished) {
                let work = self.catch_up(learning);
                *task = Task::start("memory-foresee", move |_| work()).ok();
            }
            return None;
        }
        predictor.follow(&learned);
        Some(question(&predictor, &learned))
    }

    fn remember(&self, id: EpisodeId, running: Running) {
        let mut all = lock(&self.running);
        all.retain(|(known, _)| *known != id);
        if all.len() >= MAX_RUNNING {
            all.remove(0);
        }
        all.push((id, running));
    }

    fn take(&self, id: EpisodeId) -> Option<Running> {
        let mut all = lock(&self.running);
        let at = all.iter().position(|(known, _)| *known == id)?;
        Some(all.remove(at).1)
    }
}

impl Memory {
    /// Returns the odds of an attempt at a task before its first step; what was learned is as of
    /// the last refresh.
    pub(super) fn odds_at_start(
        &self,
        task: &str,
        scope: &Scope,
        context: &Context,
    ) -> Option<Odds> {
        self.foresight.ask(&self.learning, |predictor, learned| {
            let name = |name: &str| learned.name_id(name).unwrap_or(UNKNOWN);
            predictor.odds(Attempt {
                scope: name(scope.as_str()),
                domain: context.domain.as_deref().map_or(0, name),
                task: TaskKey::of(task),
                agent: AgentKey::of(context),
                moves: &[],
                calls: &[],
            })
        })
    }

    /// Keeps an episode that has just begun, with the odds that were told.
    pub(super) fn watch(&self, episode: &Episode, told: Option<Odds>) {
        let told = told.map(|odds| odds.chance.mean);
        self.foresight.remember(episode.id, Running::new(episode, told));
    }

    /// Returns what is kept of steps that are about to be logged; nothing where there is too little
    /// experience for them to say anything.
    pub(super) fn traces(&self, steps: &[Step]) -> Vec<Trace> {
        if self.is_selective {
            return Vec::new();
        }
        if let Err(error) = self.learning.refresh_if_due(self.storage.as_ref(), self.clock.now()) {
            tracing::warn!(%error, "nothing new is learned of episodes");
        }
        if self.learning.learned().n_runs() < MIN_RUNS { Vec::new() } else { Trace::of(steps) }
    }

    /// Says what is foreseen for an episode that has `n_steps` steps, the last of them new.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] when an episode that this process has not seen begin cannot be read.
    pub(super) fn foresee(
        &self,
        id: EpisodeId,
        traces: Vec<Trace>,
        n_steps: usize,
    ) -> Result<Foreseen, Error> {
        if traces.is_empty() || n_steps > running::MAX_STEPS {
            return Ok(Foreseen::default());
        }
        let n_before = n_steps.saturating_sub(traces.len());
        let known = self.foresight.take(id).filter(|running| running.n_steps() == n_before);
        let mut running = match known {
            Some(mut running) => {
                running.add(traces);
                running
            }
            None => self.running_episode(id, n_steps)?,
        };
        let foreseen = self
            .foresight
            .ask(&self.learning, |predictor, learned| foresee(predictor, learned, &mut running));
        self.foresight.remember(id, running);
        Ok(foreseen.unwrap_or_default())
    }

    fn running_episode(&self, id: EpisodeId, n_steps: usize) -> Result<Running, Error> {
        let mut running = Running::new(&self.episode(id)?, None);
        let limit = u32::try_from(n_steps).unwrap_or(u32::MAX);
        running.add(Trace::of(&self.steps(id, 0, limit)?));
        Ok(running)
    }
}

fn foresee(predictor: &Predictor, learned: &Learned, running: &mut Running) -> Foreseen {
    let name = |name: &str| learned.name_id(name).unwrap_or(UNKNOWN);
    let step = |(tool, ok): (&str, bool)| Move { tool: name(tool), ok };
    let moves: Vec<Move> = running.moves().map(step).collect();
    let attempt = Attempt {
        scope: name(&running.scope),
        domain: running.domain.as_deref().map_or(0, name),
        task: running.task,
        agent: running.agent,
        moves: &moves,
        calls: &running.calls,
    };
    let now = predictor.odds(attempt);
    let n_steps = moves.len();
    let mut foreseen = Foreseen::default();
    if n_steps >= MIN_STEPS && now.is_informed {
        let before = *running.told.get_or_insert(now.chance.mean);
        if (now.chance.mean - before).abs() >= MOVED {
            running.told = Some(now.chance.mean);
            foreseen.odds = Some(MovedOdds { before, now });
        }
    }
    if n_steps >= running.quiet_until && running.is_stuck() {
        running.quiet_until = n_steps + QUIET_STEPS;
        let same_task = learned.runs_of_task(&running.scope, running.task);
        let last = moves.last().map(|step| step.tool);
        let likely = predictor.next_tools(attempt, &same_task, MAX_NEXT + 1);
        let others = likely.into_iter().filter(|(tool, share)| {
            // What it does again and again is no news.
            Some(*tool) != last && *share >= MIN_SHARE
        });
        let told = others.take(MAX_NEXT);
        let told = told.map(|(tool, share)| NextTool { tool: learned.name(tool).into(), share });
        foreseen.next_tools = told.collect();
    }
    foreseen
}

#[cfg(test)]
mod month_tests;
#[cfg(test)]
mod tests;
