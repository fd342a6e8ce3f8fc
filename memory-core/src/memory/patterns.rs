//! Patterns of what was done, in words and with their evidence.

use super::advice::Lookup;
use super::{Memory, wording};
use crate::error::Error;
use crate::learn::Association;
use crate::learn::evidence::Posterior;
use crate::learn::patterns::{self, What};
use crate::model::{EpisodeId, Scope};

/// Fewest runs behind a pattern when the query says nothing.
const DEFAULT_SUPPORT: u32 = 3;

/// Patterns that are given when the query says nothing.
const DEFAULT_LIMIT: usize = 10;

/// Which patterns are wanted; all conditions that are set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatternQuery {
    /// `sequence`, `decision_point`, `recovery` or `context`; all kinds, if not said.
    pub kind: Option<String>,
    /// Of which this tool is a part.
    pub tool: Option<String>,
    /// In the episodes of this scope; of all, if not said.
    pub scope: Option<Scope>,
    /// Fewest episodes behind one; 3, if not said.
    pub min_support: Option<u32>,
    /// Most patterns; 10, if not said.
    pub limit: Option<usize>,
}

/// Something that several ended episodes have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// 16 hexadecimal digits; the same for the same pattern in the same scope, for ever.
    pub id: String,
    /// `sequence`, `decision_point`, `recovery` or `context`.
    pub kind: &'static str,
    /// What it is, in words.
    pub text: String,
    /// Episodes that have it; for a recovery, times that it was tried.
    pub n: u32,
    /// Episodes among them whose result is known; for a recovery, times that it was tried.
    pub n_known: f64,
    /// How many of those succeeded; for a recovery, how often it worked.
    pub n_succeeded: f64,
    /// Mean of the posterior of success, and its 80 % interval.
    pub success: (f64, f64, f64),
    /// What goes with it, adjusted for the task; `None` where nothing can be compared.
    pub effect: Option<Association>,
    /// The newest episodes that have it.
    pub episodes: Vec<EpisodeId>,
}

impl Memory {
    /// Patterns with their evidence: those with a shown effect first, the clearest first, then by support.
    ///
    /// Costs a look at every ended episode for each of some hundred patterns.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an unknown kind or a limit of 0, [`Error::LimitExceeded`],
    /// [`Error::Storage`].
    pub fn patterns(&self, query: &PatternQuery) -> Result<Vec<Pattern>, Error> {
        let kind = match query.kind.as_deref() {
            None => None,
            Some(name) => Some(patterns::PatternKind::from_name(name).ok_or_else(|| {
                let names = patterns::PatternKind::ALL.map(patterns::PatternKind::name);
                Error::invalid("kind", format!("`{name}` is none of {}", names.join(", ")))
            })?),
        };
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        if limit == 0 {
            return Err(Error::invalid("limit", "must be at least 1"));
        }
        Error::check_limit("limit", self.config.max_limit, limit)?;
        self.learn()?;
        let learned = self.learning.learned();
        let found = learned.patterns(&patterns::PatternQuery {
            kind,
            tool: query.tool.as_deref(),
            scope: query.scope.as_ref().map(Scope::as_str),
            min_support: query.min_support.unwrap_or(DEFAULT_SUPPORT),
            limit,
        });
        let lookup = Lookup::new(self.storage.as_ref(), &learned);
        Ok(found.into_iter().map(|pattern| told(pattern, &lookup)).collect())
    }
}

fn told(pattern: patterns::Pattern, lookup: &Lookup<'_>) -> Pattern {
    let error = match &pattern.what {
        What::Recovery { cure, .. } => {
            let shown = cure.evidence.first();
            shown.and_then(|shown| lookup.error(shown.episode, shown.error_at))
        }
        _ => None,
    };
    let Posterior { n, successes, mean, lower, upper } = pattern.posterior;
    Pattern {
        id: format!("{:016x}", pattern.id),
        kind: pattern.what.kind().name(),
        text: wording::pattern(&pattern.what, error.as_deref()),
        n: pattern.n,
        n_known: n,
        n_succeeded: successes,
        success: (mean, lower, upper),
        effect: pattern.effect.map(|effect| Association::new(&effect, pattern.q)),
        episodes: pattern.episodes,
    }
}
