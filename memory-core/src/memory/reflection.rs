//! Reflection on an ended episode: what it teaches against those before it.

use super::Memory;
use crate::error::Error;
use crate::learn::{Contradiction, Mentions, Vocabulary, lesson_request};
use crate::model::EpisodeId;

/// Maximum size of the text of a reflection, in tokens.
const MAX_TOKENS: usize = 300;

/// Findings on an ended episode; none by default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reflection {
    /// Reward, in [0, 1]; `None` for unknown.
    pub reward: Option<f64>,
    /// Credit less the expected credit, in [−1, 1]; `None` for unknown.
    pub surprise: Option<f64>,
    /// Findings in words, most telling first, one a line; empty when it teaches nothing.
    pub text: String,
    /// Number of findings.
    pub n_evidence: usize,
    /// Question to the agent, when there is something to learn.
    pub request: Option<String>,
}

impl Memory {
    /// Compares an ended episode with all that ended before it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Conflict`] while it is open, [`Error::Storage`].
    pub fn reflect(&self, id: EpisodeId) -> Result<Reflection, Error> {
        self.learn()?;
        if let Some(reflection) = self.reflection(id, true, &[])? {
            return Ok(reflection);
        }
        let episode = self.episode(id)?;
        let reason = format!("is {}; reflect on it when it has ended", episode.status().name());
        Err(Error::Conflict { id: id.into(), reason: reason.into() })
    }

    /// Compares an episode with all that ended before it, as of the last refresh; `None` where it
    /// was not learned of. Lessons are requested where `is_asked`, about `contradictions` first.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] when the steps that it quotes cannot be read.
    pub(super) fn reflection(
        &self,
        id: EpisodeId,
        is_asked: bool,
        contradictions: &[Contradiction],
    ) -> Result<Option<Reflection>, Error> {
        // The lock on what was learned is released before the storage is read.
        let assessed = {
            let learned = self.learning.learned();
            learned.assess(id).map(|assessment| {
                let mentions = assessment.mentions();
                let tools = learned.tool_names(&mentions);
                let Mentions { steps, .. } = mentions;
                (assessment, tools, steps)
            })
        };
        let Some((assessment, tools, steps)) = assessed else { return Ok(None) };
        let vocabulary = Vocabulary { tools, quotes: self.quotes(&steps)? };
        let request = is_asked.then(|| lesson_request(&assessment, contradictions)).flatten();
        Ok(Some(Reflection {
            reward: assessment.reward.score,
            surprise: assessment.reward.surprise,
            text: assessment.text(&vocabulary, MAX_TOKENS),
            n_evidence: assessment.findings.len(),
            request,
        }))
    }
}
