//! What is learned, for the benches.

use super::patterns::PatternQuery;
use super::recovery::Cure;
use super::remedy::{Path, Remedy};
use super::{Digest, Ending, Learned, Signature};
use crate::model::{Episode, EpisodeId, Step};

/// Learns from episodes and says what it knows of errors.
#[derive(Debug, Default)]
pub struct LearnBench {
    learned: Learned,
}

/// An error of an episode, and what became of it.
#[derive(Debug)]
pub struct Observed {
    /// Name of the tool that failed.
    pub tool: String,
    /// Kind of error.
    pub signature: u64,
    /// What was done about it, after those that it begins with; empty where nothing was tried.
    pub remedies: Vec<String>,
    /// Whether it was tried again at once, with whatever changed.
    pub at_once: bool,
    /// Whether it was tried again at once with nothing changed.
    pub plain: bool,
    /// Whether that worked.
    pub resolved: bool,
}

/// A cure that is proposed for an error.
#[derive(Debug)]
pub struct Proposal {
    /// What to do, in the words of [`Observed::remedies`].
    pub remedy: String,
    /// Expected success rate.
    pub rate: f64,
}

/// The signature of an error's text.
#[must_use]
pub fn signature(tool: &str, text: &str) -> u64 {
    Signature::of_error(tool, text).0
}

impl LearnBench {
    /// The digest of an episode, as it is stored.
    #[must_use]
    pub fn digest(steps: &[Step]) -> Vec<u8> {
        Digest::of(steps).encode()
    }

    /// Takes in an episode with its stored digest.
    pub fn put(&mut self, episode: &Episode, digest: &[u8]) {
        if let Some(digest) = Digest::decode(digest) {
            self.learned.put(episode, &digest);
        }
    }

    /// How many patterns of all kinds a scope has.
    #[must_use]
    pub fn n_patterns(&self, scope: &str, min_support: u32) -> usize {
        let (scope, limit) = (Some(scope), usize::MAX);
        self.learned
            .patterns(&PatternQuery { scope, min_support, limit, ..Default::default() })
            .len()
    }

    /// Forgets an episode.
    pub fn remove(&mut self, id: EpisodeId) {
        self.learned.remove(id);
    }

    /// The errors of an episode.
    #[must_use]
    pub fn observed(episode: &Episode, steps: &[Step]) -> Vec<Observed> {
        let mut alone = Learned::default();
        alone.put(episode, &Digest::of(steps));
        let Some(run) = alone.run(episode.id) else { return Vec::new() };
        let observed = run.incidents.iter().map(|incident| {
            let tool = run.moves.get(incident.at as usize).map_or(0, |step| step.tool);
            let remedy = Remedy::of(run, incident);
            let all = remedy.into_iter().flat_map(Remedy::with_beginnings);
            Observed {
                tool: alone.name(tool).to_owned(),
                signature: incident.signature.0,
                remedies: all.map(|remedy| alone.words(remedy)).collect(),
                at_once: matches!(remedy, Some(Remedy::Retry(_))),
                plain: remedy.is_some_and(|remedy| remedy.is_plain()),
                resolved: matches!(incident.ending, Ending::Resolved { .. }),
            }
        });
        observed.collect()
    }

    /// Cures of an error, best first.
    #[must_use]
    pub fn cures(&self, tool: &str, signature: u64, limit: usize) -> Vec<Proposal> {
        let known = self.learned.known_error(Signature(signature), tool, limit);
        let cures = known.map(|known| known.cures).unwrap_or_default();
        let proposal = |cure: Cure| {
            let remedy = match cure.instead {
                None if cure.via.is_empty() => words("retry", &cure.changed),
                None => words("via", &cure.via),
                Some(tool) => words("instead", &[cure.via, vec![tool]].concat()),
            };
            Proposal { remedy, rate: cure.posterior.mean }
        };
        cures.into_iter().map(proposal).collect()
    }
}

impl Learned {
    fn words(&self, remedy: Remedy<'_>) -> String {
        let named =
            |path: Path| -> Vec<Box<str>> { path.tools().map(|no| self.name(no).into()).collect() };
        match remedy {
            Remedy::Retry(changed) => words("retry", changed),
            Remedy::Via(path) => words("via", &named(path)),
            Remedy::Instead(path) => words("instead", &named(path)),
        }
    }
}

fn words(what: &str, names: &[Box<str>]) -> String {
    format!("{what} {}", names.join(" → "))
}
