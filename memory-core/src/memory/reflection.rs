//! Reflection on an ended episode: what it teaches against those before it.

use super::{Memory, Remembered};
use crate::error::Error;
use crate::learn::{Contradiction, Mentions, Vocabulary, lesson_request};
use crate::model::{EpisodeId, NoteId};

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
    /// `lessons` are those that were remembered with it: without any, or where one contradicts a
    /// note, lessons are requested.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Conflict`] while it is open, [`Error::Storage`].
    pub fn reflect(&self, id: EpisodeId, lessons: &[Remembered]) -> Result<Reflection, Error> {
        self.learn()?;
        let contradictions = self.contradictions(lessons)?;
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
        let Some((assessment, tools, steps)) = assessed else {
            let episode = self.episode(id)?;
            let reason = format!("is {}; reflect on it when it has ended", episode.status().name());
            return Err(Error::Conflict { id: id.into(), reason: reason.into() });
        };
        let vocabulary = Vocabulary { tools, quotes: self.quotes(&steps)? };
        let is_asked = lessons.is_empty() || !contradictions.is_empty();
        let request = is_asked.then(|| lesson_request(&assessment, &contradictions)).flatten();
        Ok(Reflection {
            reward: assessment.reward.score,
            surprise: assessment.reward.surprise,
            text: assessment.text(&vocabulary, MAX_TOKENS),
            n_evidence: assessment.findings.len(),
            request,
        })
    }

    /// Returns the pairs of new lessons and notes that contradict them.
    fn contradictions(&self, lessons: &[Remembered]) -> Result<Vec<Contradiction>, Error> {
        let mut pairs = Vec::new();
        for lesson in lessons {
            let Remembered::New { id, contradicts } = lesson else { continue };
            for other in contradicts {
                pairs.push(Contradiction { one: self.quote(*id)?, other: self.quote(*other)? });
            }
        }
        Ok(pairs)
    }

    fn quote(&self, id: NoteId) -> Result<(NoteId, String), Error> {
        Ok((id, self.note(id)?.text.as_str().to_owned()))
    }
}
