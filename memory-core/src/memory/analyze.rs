//! Analysis of the numbers of past episodes.

use super::Memory;
use crate::error::Error;
use crate::learn::PatternQuery;
use crate::predict::{Analysis, AnalysisKind, AnalysisQuery, MAX_HORIZON, analyze};

/// Most patterns that an analysis of effects tells.
const MAX_EFFECTS: usize = 10;

/// Method of the comparison of patterns.
const EFFECTS_METHOD: &str = "Mantel-Haenszel risk difference within the same task, type of task \
    or domain, agent and model; q-values over all patterns of a kind";

impl Memory {
    /// Says what the numbers of past episodes let expect: forecasts, change points, anomalies,
    /// effects, or the quality of the chances told so far.
    ///
    /// Too few episodes are no error: the answer says how many there are and how many it needs.
    /// Costs a look at every ended episode.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a horizon of 0, a level that is not between 0 and 1, a tool that no
    /// episode used, or an error that none met; [`Error::LimitExceeded`] for a horizon above 1,000;
    /// [`Error::Storage`].
    pub fn analyze(&self, query: &AnalysisQuery) -> Result<Analysis, Error> {
        if query.horizon == Some(0) {
            return Err(Error::invalid("horizon", "must be at least 1"));
        }
        Error::check_limit("horizon", MAX_HORIZON, query.horizon.unwrap_or(0))?;
        if query.level.is_some_and(|level| !(level > 0.0 && level < 1.0)) {
            let reason = "must lie between 0 and 1 (0 % and 100 %), and not be either";
            return Err(Error::invalid("level", reason));
        }
        self.learn()?;
        let mut answer = {
            let learned = self.learning.learned();
            if let Some(tool) = &query.tool
                && learned.runs_with_error_text(query, None).next().is_none()
            {
                let reason = format!("no ended episode here used `{tool}`; `patterns` lists tools");
                return Err(Error::invalid("tool", reason));
            }
            if query.error.is_some()
                && learned.runs_with_error_text(query, query.error.as_deref()).next().is_none()
            {
                let reason = "no ended episode here met an error of this text; give its message \
                    as `patterns` quotes it";
                return Err(Error::invalid("error", reason));
            }
            analyze(&learned, query)
        };
        if query.kind == AnalysisKind::Effects {
            self.add_effects(&mut answer, query)?;
        }
        Ok(answer)
    }

    fn add_effects(&self, answer: &mut Analysis, query: &AnalysisQuery) -> Result<(), Error> {
        let found = self.patterns(&PatternQuery {
            scope: query.scope.clone(),
            tool: query.tool.clone(),
            limit: Some(MAX_EFFECTS.min(self.config.max_limit)),
            ..PatternQuery::default()
        })?;
        answer.n_episodes = self.learning.learned().asked_runs(query).count();
        EFFECTS_METHOD.clone_into(&mut answer.method);
        answer.effects = found.into_iter().filter(|pattern| pattern.effect.is_some()).collect();
        let is_shown = |q: Option<f64>| q.is_some_and(|q| q < 0.05);
        let shown = answer.effects.iter().filter_map(|pattern| pattern.effect);
        let n_shown = shown.filter(|effect| is_shown(effect.q)).count();
        answer.sentence = match (answer.effects.len(), n_shown) {
            (0, _) => "Nothing can be compared: no task was tried both with and without something."
                .to_owned(),
            (n, 0) => format!("None of the {n} patterns that can be compared goes with success."),
            (n, shown) => {
                format!(
                    "{shown} of {n} patterns go with success or failure, adjusted for the task."
                )
            }
        };
        Ok(())
    }
}
