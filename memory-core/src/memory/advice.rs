//! Advice for a task, from what was learned of earlier attempts.

use super::Memory;
use super::cures::{example_ranges, show};
use crate::error::Error;
use crate::learn::{
    AgentKey, KnownError, Lesson, Mentions, MetError, OutcomeCounts, PlaybookInput, SimilarEpisode,
    TaskKey, Vocabulary, handed_in, playbook,
};
use crate::model::{EpisodeId, Origin, Scope};
use crate::predict::Odds;
use crate::retrieve::Hit;
use crate::stats::Posterior;

/// Maximum number of lessons that attempts at the task taught.
const MAX_TAUGHT: usize = 2;

/// Maximum number of lessons.
pub(super) const MAX_LESSONS: usize = 3;

/// Advice for a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// The advice in words, within the budget.
    pub text: String,
    /// True when there is any experience to go by.
    pub is_experienced: bool,
    /// Chance that an attempt succeeds, with an 80 % interval; `None` without experience.
    pub expected: Option<Posterior>,
    /// Number of attempts behind it with a known outcome.
    pub n_runs: u32,
    /// Number of attempts at the same task among them.
    pub n_same_task: u32,
    /// Episodes that it is based on, most similar first.
    pub evidence: Vec<EpisodeId>,
    /// Nearest past work, where no attempt at such a task with a known outcome is there to go by.
    pub hits: Vec<Hit>,
    /// Knowledge of the errors that are open in the episode that asked, newest first.
    pub known_errors: Vec<KnownError>,
    /// Reason why similar tasks could not be searched, if so.
    pub degraded: Option<String>,
}

/// Experience that advice is based on, besides what was learned of the task itself.
#[derive(Default)]
pub(super) struct Basis {
    /// Episodes that surely resemble the task.
    pub(super) similar: Vec<SimilarEpisode>,
    /// Episodes nearest to the task, each with its similarity as a share of the first one's.
    pub(super) near: Vec<SimilarEpisode>,
    /// Notes about the task, best first.
    pub(super) lessons: Vec<Lesson>,
    /// Reason why the search was incomplete, if so.
    pub(super) degraded: Option<String>,
    /// Odds of the attempt.
    pub(super) odds: Option<Odds>,
    /// Errors that are told besides.
    pub(super) told: Vec<MetError>,
}

impl Memory {
    /// Makes advice for a task in a scope, or in all, from what was learned as of the last refresh;
    /// `agent` is the one that it is for.
    ///
    /// Earlier attempts at the task itself are known; `basis` is what a search found besides.
    /// `max_tokens` bounds the text: whole lines are left out, the least valuable first.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] when the steps that it quotes cannot be read.
    pub(super) fn advise(
        &self,
        task: &str,
        scope: Option<&Scope>,
        agent: Option<AgentKey>,
        basis: Basis,
        max_tokens: usize,
    ) -> Result<Advice, Error> {
        let Basis { similar, near, lessons, degraded, odds, told } = basis;
        // The lock on what was learned is released before the storage is read.
        let (mut book, tools, steps, attempts) = {
            let learned = self.learning.learned();
            let attempts = scope.map_or_else(Vec::new, |scope| {
                let runs = learned.runs_of_task(scope.as_str(), TaskKey::of(task));
                runs.iter().map(|run| run.id).collect()
            });
            let precedents = learned.precedents(task, scope, &similar);
            let book = playbook(PlaybookInput {
                precedents: &precedents,
                scope: OutcomeCounts::of(learned.runs_unordered(scope.map(Scope::as_str))),
                expected_errors: learned.expected_errors(task, scope, agent, &told),
                lessons,
                workplaces: learned.workplaces(task, scope, &near),
                handed_in: handed_in(learned.runs_unordered(scope.map(Scope::as_str))),
                odds: odds.filter(|odds| odds.chance.n > 0.0).map(|odds| odds.chance),
            });
            let mentions = book.mentions();
            let tools = learned.tool_names(&mentions);
            let Mentions { steps, .. } = mentions;
            (book, tools, steps, attempts)
        };
        self.put_first_what_was_taught(&mut book.lessons, scope, &attempts)?;
        let mut known: Vec<&mut KnownError> =
            book.expected_errors.iter_mut().filter_map(|error| error.known.as_mut()).collect();
        let ranges = known.iter().map(|known| example_ranges(known)).collect::<Vec<_>>();
        let (quotes, read) = self.quotes_with(&steps, ranges.concat())?;
        let mut read = read.as_slice();
        for (known, ranges) in known.iter_mut().zip(&ranges) {
            let (own, rest) = read.split_at_checked(ranges.len()).unwrap_or_default();
            show(known, "", own);
            read = rest;
        }
        let vocabulary = Vocabulary { tools, quotes };
        Ok(Advice {
            text: book.text(&vocabulary, max_tokens),
            is_experienced: !book.is_empty(),
            expected: book.expected,
            n_runs: book.n_runs,
            n_same_task: book.n_same_task,
            evidence: book.evidence,
            hits: Vec::new(),
            known_errors: Vec::new(),
            degraded,
        })
    }

    /// Puts the newest lessons of attempts at the task before those that a search found: they are
    /// about this very task, whatever their words.
    fn put_first_what_was_taught(
        &self,
        lessons: &mut Vec<Lesson>,
        scope: Option<&Scope>,
        attempts: &[EpisodeId],
    ) -> Result<(), Error> {
        let Some(scope) = scope.filter(|_| !attempts.is_empty()) else { return Ok(()) };
        let notes = self.lessons_of(scope, attempts)?;
        let notes = notes.into_iter().filter(|note| note.origin != Origin::Tool).take(MAX_TAUGHT);
        let taught: Vec<Lesson> =
            notes.map(|note| Lesson { id: note.id, text: note.text.as_str().to_owned() }).collect();
        lessons.retain(|found| taught.iter().all(|taught| taught.id != found.id));
        lessons.splice(0..0, taught);
        lessons.truncate(MAX_LESSONS);
        Ok(())
    }
}
