//! Learning without a storage, for the benches that replay recorded episodes.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::advice::{
    PlaybookInput, SimilarEpisode, Vocabulary, lesson_request, playbook as make_playbook,
};
use super::digest::{self, Digest, Ending, Signature};
use super::pattern::{Cure, PatternQuery};
use super::quote::{Quote, Quotes, StepRef};
use super::table::{Learned, OutcomeCounts, Remedy, TaskKey, ToolPath};
use crate::model::{Episode, EpisodeId, Scope, Step};

/// Maximum size of a reflection, in tokens.
const REFLECTION_TOKENS: usize = 400;

/// State learned from episodes, with the steps of those that may be quoted.
#[derive(Debug, Default)]
pub struct LearnBench {
    learned: Learned,
    steps: FxHashMap<EpisodeId, Vec<Step>>,
}

/// An error of an episode and its end.
#[derive(Debug)]
pub struct Observed {
    /// Name of the tool that failed.
    pub tool: String,
    /// Signature of the error.
    pub signature: u64,
    /// Remedy in words, after its beginnings; empty where nothing was tried.
    pub remedies: Vec<String>,
    /// True when the tool was tried again at once, with or without changes.
    pub at_once: bool,
    /// True when the tool was tried again at once with nothing changed.
    pub plain: bool,
    /// True when that worked.
    pub resolved: bool,
}

/// A cure that is proposed for an error.
#[derive(Debug)]
pub struct Proposal {
    /// Remedy, in the words of [`Observed::remedies`].
    pub remedy: String,
    /// Expected success rate.
    pub rate: f64,
}

/// A playbook in the form that the replay rates.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedPlaybook {
    /// Names of the tools of its route, each once.
    pub tools: Vec<String>,
    /// Expected success rate with its 80 % interval, where there is experience.
    pub expected: Option<[f64; 3]>,
    /// Its text.
    pub text: String,
}

/// Returns the name of a step in playbooks: its tool, or `tool:action`.
#[must_use]
pub fn step_name(step: &Step) -> String {
    digest::step_name(step)
}

/// Returns the signature of the coarse form of a text, by which log lines are grouped.
#[must_use]
pub fn signature(tool: &str, text: &str) -> u64 {
    Signature::of_coarse(tool, text).0
}

impl LearnBench {
    /// Returns the digest of an episode in its stored form.
    #[must_use]
    pub fn digest(steps: &[Step]) -> Vec<u8> {
        Digest::of(steps).encode()
    }

    /// Learns an ended episode from its stored digest.
    pub fn put(&mut self, episode: &Episode, digest: &[u8]) {
        if let Ok(digest) = Digest::decode(digest) {
            self.learned.put(episode, &digest);
        }
    }

    /// Learns an ended episode from its steps, which may be quoted from then on.
    pub fn put_with_steps(&mut self, episode: &Episode, steps: Vec<Step>) {
        self.learned.put(episode, &Digest::of(&steps));
        self.steps.insert(episode.id, steps);
    }

    /// Removes an episode.
    pub fn remove(&mut self, id: EpisodeId) {
        self.learned.remove(id);
    }

    /// Returns the number of patterns of all kinds in a scope.
    #[must_use]
    pub fn n_patterns(&self, scope: Scope, min_support: u32) -> usize {
        let query = PatternQuery {
            scope: Some(scope),
            min_support: Some(min_support),
            ..PatternQuery::default()
        };
        self.learned.patterns(&query, usize::MAX).len()
    }

    /// Returns the errors of an episode.
    #[must_use]
    pub fn observed(episode: &Episode, steps: &[Step]) -> Vec<Observed> {
        let mut alone = Learned::default();
        alone.put(episode, &Digest::of(steps));
        let Some(run) = alone.run(episode.id) else { return Vec::new() };
        let observed = run.incidents.iter().map(|incident| {
            let remedy = Remedy::of(run, incident);
            let all = remedy.into_iter().flat_map(Remedy::with_beginnings);
            Observed {
                tool: alone.name(run.tool_at(incident.at)).to_owned(),
                signature: incident.signature.0,
                remedies: all.map(|remedy| alone.remedy_words(&remedy)).collect(),
                at_once: matches!(remedy, Some(Remedy::Retry(_))),
                plain: remedy.is_some_and(|remedy| remedy.is_plain_retry()),
                resolved: matches!(incident.ending, Ending::Resolved { .. }),
            }
        });
        observed.collect()
    }

    /// Returns the cures of an error, best first.
    #[must_use]
    pub fn cures(&self, tool: &str, signature: u64, limit: usize) -> Vec<Proposal> {
        let known = self.learned.known_error(Signature(signature), tool, 0, None, limit);
        let cures = known.into_iter().flat_map(|known| known.cures);
        let proposal = |Cure { via, instead, changed, success, .. }: Cure| {
            let remedy = match instead {
                None if via.is_empty() => words("retry", &changed),
                None => words("via", &via),
                Some(tool) => words("instead", &[via, vec![tool]].concat()),
            };
            Proposal { remedy, rate: success.mean }
        };
        cures.map(proposal).collect()
    }

    /// Returns whether the task of an episode was tried before.
    #[must_use]
    pub fn is_tried(&self, episode: &Episode) -> bool {
        let task = TaskKey::of(episode.task.as_str());
        !self.learned.runs_of_task(episode.scope.as_str(), task).is_empty()
    }

    /// Makes a playbook for the task of an episode from earlier attempts at it, or from `similar`
    /// episodes with the similarity of their tasks; without cures and lessons.
    #[must_use]
    pub fn playbook(
        &self,
        episode: &Episode,
        similar: &[(EpisodeId, f64)],
        max_tokens: usize,
    ) -> ReplayedPlaybook {
        let similar: Vec<SimilarEpisode> = similar
            .iter()
            .map(|(id, similarity)| SimilarEpisode { id: *id, similarity: *similarity })
            .collect();
        let precedents =
            self.learned.precedents(episode.task.as_str(), Some(&episode.scope), &similar);
        let runs = self.learned.runs_unordered(Some(episode.scope.as_str()));
        let scope = OutcomeCounts::of(runs);
        let precedents = &precedents;
        let book = make_playbook(PlaybookInput { precedents, scope, ..PlaybookInput::default() });
        let mut tools: Vec<String> = Vec::new();
        for tool in book.route.iter().flat_map(|step| &step.tools) {
            let name = self.learned.name(*tool).to_owned();
            if !tools.contains(&name) {
                tools.push(name);
            }
        }
        let mentions = book.mentions();
        let vocabulary = Vocabulary {
            tools: self.learned.tool_names(&mentions),
            quotes: self.quotes(&mentions.steps),
        };
        ReplayedPlaybook {
            tools,
            expected: book.expected.map(|e| [e.mean, e.lower, e.upper]),
            text: book.text(&vocabulary, max_tokens),
        }
    }

    /// Returns the reflection on an episode that was learned, and the request for lessons.
    #[must_use]
    pub fn reflection(&self, episode: &Episode) -> (String, Option<String>) {
        let Some(assessment) = self.learned.assess(episode.id) else { return Default::default() };
        let mentions = assessment.mentions();
        let vocabulary = Vocabulary {
            tools: self.learned.tool_names(&mentions),
            quotes: self.quotes(&mentions.steps),
        };
        (assessment.text(&vocabulary, REFLECTION_TOKENS), lesson_request(&assessment, &[]))
    }

    fn quotes(&self, steps: &BTreeSet<StepRef>) -> Quotes {
        let step = |at: &StepRef| self.steps.get(&at.episode)?.get(at.idx as usize);
        steps.iter().map(|at| (*at, step(at).map(Quote::of).unwrap_or_default())).collect()
    }
}

impl Learned {
    fn remedy_words(&self, remedy: &Remedy<'_>) -> String {
        let named = |path: &ToolPath| -> Vec<Box<str>> {
            path.tools().map(|no| self.name(no).into()).collect()
        };
        match remedy {
            Remedy::Retry(changed) => words("retry", changed),
            Remedy::Via(path) => words("via", &named(path)),
            Remedy::Instead(path) => words("instead", &named(path)),
        }
    }
}

fn words(kind: &str, names: &[Box<str>]) -> String {
    format!("{kind} {}", names.join(" → "))
}
