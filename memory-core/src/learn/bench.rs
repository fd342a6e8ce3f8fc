//! Learning without a storage, for the benches that replay recorded episodes.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::advice::{
    PlaybookInput, SimilarEpisode, Vocabulary, lesson_request, playbook as make_playbook,
};
use super::demonstration::Demonstration;
use super::digest::{self, CallKey, Digest, Ending, Likeness, Signature, Sketch};
use super::pattern::{Cure, KnownError, MetError, PatternQuery};
use super::quote::{Quote, Quotes, StepRef};
use super::table::{AgentKey, Learned, OutcomeCounts, Remedy, TaskKey, ToolPath};
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
    /// Index of the step that failed.
    pub at: u32,
    /// Name of the tool that failed.
    pub tool: String,
    /// The error as it is looked up.
    met: MetError,
    /// Remedy in words, after its beginnings; empty where nothing was tried.
    pub remedies: Vec<String>,
    /// True when the tool was tried again at once, with or without changes.
    pub at_once: bool,
    /// True when the tool was tried again at once with nothing changed.
    pub plain: bool,
    /// How it ended.
    pub end: End,
}

/// End of an observed error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// What was tried worked.
    Resolved,
    /// The same error came again first.
    Again,
    /// Another error came, or nothing was tried.
    Otherwise,
}

impl Observed {
    /// Returns whether what was tried worked.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.end == End::Resolved
    }
}

/// A cure that is proposed for an error.
#[derive(Debug)]
pub struct Proposal {
    /// Remedy, in the words of [`Observed::remedies`].
    pub remedy: String,
    /// Expected success rate.
    pub rate: f64,
    /// Number of times that it was tried.
    pub n_tried: u32,
    /// True for a cure of other errors of the class.
    pub from_class: bool,
    /// True for a confirmed cure, false for a sighting.
    pub is_confirmed: bool,
    /// True when it is told of an error like the one that was met.
    pub is_like: bool,
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

/// An error of a step as errors are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorKind {
    signature: Signature,
    sketch: Sketch,
    /// Name of its tool: the tool, or `tool:action`.
    pub tool: String,
    /// Line or field that says what went wrong.
    pub message: String,
}

impl ErrorKind {
    /// Returns the error of a step; `None` for one that was ok.
    #[must_use]
    pub fn of(step: &Step) -> Option<Self> {
        let signature = Signature::of_step(step)?;
        let message = Signature::message_of(step).unwrap_or_default();
        Some(Self { signature, sketch: Sketch::of_step(step), tool: step_name(step), message })
    }

    /// Returns the number that all errors of the same text have, but for what identifies one
    /// occurrence.
    #[must_use]
    pub const fn signature(&self) -> u64 {
        self.signature.0
    }

    /// Returns whether both are one error, told in more or fewer words.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.signature == other.signature
            || self.sketch.likeness(&other.sketch) == Some(Likeness::Same)
    }
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
                at: incident.at,
                tool: alone.name(run.tool_at(incident.at)).to_owned(),
                met: alone.met_error(incident.signature, alone.name(run.tool_at(incident.at))),
                remedies: all.map(|remedy| alone.remedy_words(&remedy)).collect(),
                at_once: matches!(remedy, Some(Remedy::Retry(_))),
                plain: remedy.is_some_and(|remedy| remedy.is_plain_retry()),
                end: match incident.ending {
                    Ending::Resolved { .. } => End::Resolved,
                    Ending::DeadEnd { .. } => End::Again,
                    Ending::OtherError { .. } | Ending::Open => End::Otherwise,
                },
            }
        });
        observed.collect()
    }

    /// Returns the confirmed cures of an error, best first.
    #[must_use]
    pub fn cures(&self, error: &Observed, limit: usize) -> Vec<Proposal> {
        let known = self.learned.known_error(&error.met, 0, None, limit);
        let all = known.into_iter().flat_map(|known| proposals(known, |_| true));
        all.filter(|proposal| proposal.is_confirmed).collect()
    }

    /// Returns what is told of an error: confirmed cures, or else a sighting whose steps show
    /// something; `None` for an unknown error. Reads steps that were learned with their episode.
    #[must_use]
    pub fn told(&self, error: &Observed, scope: &Scope, limit: usize) -> Option<Vec<Proposal>> {
        let known = self.learned.known_error(&error.met, 0, Some(scope.as_str()), limit)?;
        let shows = |cure: &Cure| {
            cure.examples.iter().any(|example| {
                let from = example.error_at as usize;
                let steps = self.steps.get(&example.episode);
                let steps = steps.and_then(|s| s.get(from..from + example.n_steps() as usize));
                steps.is_some_and(|steps| Demonstration::of(&[], steps).is_some())
            })
        };
        let mut all = proposals(known, |cure| cure.is_plain_retry() || shows(cure));
        all.truncate(limit);
        Some(all)
    }

    /// Returns whether a step's call is warned of in a scope.
    #[must_use]
    pub fn is_warned(&self, scope: &Scope, step: &Step) -> bool {
        let tool = digest::step_name(step);
        self.learned.risk(Some(scope.as_str()), &tool, CallKey::of(step)).is_some()
    }

    /// Returns the errors that an episode is expected to meet, before it is learned: of each the
    /// chance, and the step where it was met.
    #[must_use]
    pub fn expected_errors(&self, episode: &Episode) -> Vec<(f64, EpisodeId, u32)> {
        let agent = AgentKey::of(&episode.context);
        let task = episode.task.as_str();
        let errors = self.learned.expected_errors(task, Some(&episode.scope), agent, &[]);
        errors.iter().map(|error| (error.chance, error.met.episode, error.met.idx)).collect()
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

/// Returns the cures that pass a condition, in the words of remedies.
fn proposals(known: KnownError, passes: impl Fn(&Cure) -> bool) -> Vec<Proposal> {
    let (is_like, from_class) = (known.differs.is_some(), known.from_class);
    let cures = known.cures.into_iter().filter(|cure| passes(cure));
    let proposal = |cure: Cure| {
        let Cure { via, instead, changed, success, is_confirmed, n_tried, .. } = cure;
        let remedy = match instead {
            None if via.is_empty() => words("retry", &changed),
            None => words("via", &via),
            Some(tool) => words("instead", &[via, vec![tool]].concat()),
        };
        Proposal { remedy, rate: success.mean, n_tried, from_class, is_confirmed, is_like }
    };
    cures.map(proposal).collect()
}

fn words(kind: &str, names: &[Box<str>]) -> String {
    format!("{kind} {}", names.join(" → "))
}
