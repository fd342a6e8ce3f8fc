//! Playbooks and reflections for the harness that replays recorded runs.

use rustc_hash::FxHashMap;

use super::{
    ErrorRecord, Playbook, Precedent, Sources, Words, call_of, lesson_request, playbook, reflect,
};
use crate::learn::evidence::{History, Record};
use crate::learn::{Digest, Learned, Run, Signature, TaskKey, name_of};
use crate::model::{Episode, EpisodeId, Step};

/// What was recorded so far.
#[derive(Debug, Default)]
pub struct Adviser {
    learned: Learned,
    steps: FxHashMap<EpisodeId, Vec<Step>>,
}

/// A playbook as the harness judges it.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// Names of the tools that it tells to use, each once.
    pub tools: Vec<String>,
    /// The expected rate of success, where there is experience, and its 80 % interval.
    pub expected: Option<[f64; 3]>,
    /// It in words.
    pub text: String,
}

/// The name of a step in playbooks: its tool, or `tool:action`.
#[must_use]
pub fn step_name(step: &Step) -> String {
    name_of(step)
}

impl Adviser {
    /// Takes in an ended episode.
    pub fn put(&mut self, episode: &Episode, steps: Vec<Step>) {
        self.learned.put(episode, &Digest::of(&steps));
        self.steps.insert(episode.id, steps);
    }

    /// Earlier attempts at the task of an episode, newest first.
    #[must_use]
    pub fn attempts(&self, episode: &Episode) -> Vec<EpisodeId> {
        self.runs_of(episode).iter().map(|run| run.id).collect()
    }

    fn runs_of(&self, episode: &Episode) -> Vec<&Run> {
        self.learned.runs_of_task(episode.scope.as_str(), TaskKey::of(episode.task.as_str()))
    }

    /// Asks with `precedents`, each with the likeness of its task.
    #[must_use]
    pub fn playbook(
        &self,
        scope: &str,
        precedents: &[(EpisodeId, f64)],
        max_tokens: usize,
    ) -> Advice {
        let precedents: Vec<Precedent<'_>> = precedents
            .iter()
            .filter_map(|(id, near)| {
                self.learned.run(*id).map(|run| Precedent { run, similarity: *near })
            })
            .collect();
        let scope = Record::of(self.learned.runs_in(Some(scope)));
        let book: Playbook =
            playbook(&Sources { precedents: &precedents, scope, ..Sources::default() });
        let mut tools: Vec<String> = Vec::new();
        for tool in book.steps.iter().flat_map(|step| &step.tools) {
            let name = self.learned.name(*tool).to_owned();
            if !tools.contains(&name) {
                tools.push(name);
            }
        }
        Advice {
            tools,
            expected: book.expected.map(|e| [e.mean, e.lower, e.upper]),
            text: self.with_words(|words| book.text(words, max_tokens)),
        }
    }

    /// What an episode that was taken in teaches against the earlier attempts at its task, and what the agent
    /// would be asked.
    #[must_use]
    pub fn reflection(&self, episode: &Episode) -> (String, Option<String>) {
        let Some(run) = self.learned.run(episode.id) else { return Default::default() };
        let earlier = |other: &&Run| (other.ended_at, other.id) < (run.ended_at, run.id);
        let task: Vec<&Run> = self.runs_of(episode).into_iter().filter(earlier).collect();
        let scope = self.learned.runs_in(Some(episode.scope.as_str()));
        let scope = Record::of(scope.into_iter().filter(earlier));
        let errors = |signature: Signature| {
            let runs = self.learned.runs_of_signature(signature);
            ErrorRecord::of(signature, run.task, runs.into_iter().filter(earlier))
        };
        let history = History { task: &task, task_type: &[], scope };
        let reflection = reflect(run, &history, &errors, &[]);
        self.with_words(|words| {
            let request = lesson_request(run.id, &reflection, Vec::new(), words);
            (reflection.text(run.id, words, 400), request.map(|request| request.question))
        })
    }

    fn with_words<T>(&self, tell: impl FnOnce(&Words<'_>) -> T) -> T {
        let step = |id: EpisodeId, at: u32| self.steps.get(&id)?.get(at as usize);
        let words = Words {
            tool: &|tool| Some(self.learned.name(tool)).filter(|name| !name.is_empty()),
            call: &|id, at| step(id, at).and_then(call_of),
            error: &|id, at| step(id, at).and_then(Signature::message_of),
        };
        tell(&words)
    }
}
