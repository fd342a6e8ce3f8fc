//! Search for the experience that advice for a task is based on.

use super::Memory;
use super::advice::Advice;
use crate::error::Error;
use crate::learn::{Lesson, SimilarEpisode};
use crate::model::{HitKind, NoteKind, Record, RecordId, Scope};
use crate::retrieve::{Hit, Query, Strength};

/// Maximum number of episodes of similar tasks, besides those of the same task.
const MAX_SIMILAR: usize = 24;

/// Maximum number of notes.
const MAX_LESSONS: usize = 3;

/// Share of its similarity that an episode keeps when a part of its steps is similar, not its task.
const STEPS_SHARE: f64 = 0.5;

/// Maximum similarity of an episode that was found by a search: 1 means the same task.
const MAX_SIMILARITY: f64 = 0.95;

impl Memory {
    /// Gives advice for a task from how attempts at it, and at similar tasks, went in a scope.
    ///
    /// `max_tokens` bounds the text; whole lines are left out, the least valuable first. Quotations
    /// in it are stored text, masked again.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for no task or no budget, [`Error::Storage`].
    pub fn recommend(&self, task: &str, scope: &Scope, max_tokens: usize) -> Result<Advice, Error> {
        if task.trim().is_empty() {
            return Err(Error::invalid("task", "must not be empty"));
        }
        if max_tokens == 0 {
            return Err(Error::invalid("max_tokens", "must be at least 1"));
        }
        self.learn()?;
        let (similar, degraded) = match self.similar_episodes(task, scope) {
            Ok(found) => found,
            Err(error @ Error::Storage { .. }) => return Err(error),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let lessons = self.lessons_for(task, scope)?;
        self.advise(task, scope, &similar, lessons, max_tokens, degraded)
    }

    /// Searches episodes of a scope with a similar task or similar steps; also returns why the
    /// search was incomplete, if so.
    fn similar_episodes(
        &self,
        task: &str,
        scope: &Scope,
    ) -> Result<(Vec<SimilarEpisode>, Option<String>), Error> {
        let mut query = Query::new(task);
        query.scope = Some(scope.clone());
        query.kinds = vec![HitKind::Episode];
        query.limit = Some(MAX_SIMILAR.min(self.config.max_limit));
        query.strength = Strength::Strong;
        query.max_tokens = Some(usize::MAX);
        let found = self.recall(&query)?;
        let similar = found.hits.iter().filter_map(|hit| match hit.record.id() {
            RecordId::Episode(id) => Some(SimilarEpisode { id, similarity: similarity(hit) }),
            RecordId::Note(_) => None,
        });
        Ok((similar.collect(), found.degraded))
    }

    /// Searches notes that are surely about a task.
    fn lessons_for(&self, task: &str, scope: &Scope) -> Result<Vec<Lesson>, Error> {
        let mut query = Query::new(task);
        query.scope = Some(scope.clone());
        let kinds = [NoteKind::Lesson, NoteKind::Decision, NoteKind::Preference, NoteKind::Fact];
        query.kinds = kinds.map(HitKind::Note).to_vec();
        query.limit = Some(MAX_LESSONS);
        query.strength = Strength::Strong;
        let found = match self.recall(&query) {
            Ok(found) => found.hits,
            Err(error @ Error::Storage { .. }) => return Err(error),
            // The search for episodes failed in the same way, which the advice says.
            Err(_) => Vec::new(),
        };
        let lessons = found.into_iter().filter_map(|hit| match hit.record {
            Record::Note(note) => Some(Lesson { id: note.id, text: note.text.as_str().to_owned() }),
            Record::Episode(_) => None,
        });
        Ok(lessons.collect())
    }
}

/// Returns the similarity of a hit's task to the query, in [0, 1): from the cosine of their
/// vectors, or without vectors from the share of the query's words. The lower half of that scale is
/// noise and counts as 0.
fn similarity(hit: &Hit) -> f64 {
    let term = |name: &str| hit.terms.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    let share = term("cosine").or_else(|| term("coverage")).unwrap_or(0.0);
    let similarity = ((share - 0.5) * 2.0).clamp(0.0, MAX_SIMILARITY);
    if hit.step_idx.is_some() { similarity * STEPS_SHARE } else { similarity }
}
