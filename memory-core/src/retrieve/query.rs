//! Queries.

use crate::config::Config;
use crate::error::Error;
use crate::model::{EpisodeId, HitKind, Outcome, Scope, Timestamp};

/// Longest query text that is used, in bytes; what follows is ignored.
pub(crate) const MAX_QUERY_BYTES: usize = 64 * 1024;

/// Certainty that a hit is about the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Shares little with the query.
    Any,
    /// May help.
    Weak,
    /// Very likely about the same thing.
    Strong,
}

impl Strength {
    /// Its name in answers and arguments.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Weak => "weak",
            Self::Strong => "strong",
        }
    }
}

/// A question to the memory. All conditions that are set must hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    /// Text to be found, in any words; empty asks for the newest. Days that it names in up to 32
    /// words (“on 3 June, 2023”, “2023-06-03”, “in June”, “last week”, in UTC) draw what came about
    /// then.
    pub text: String,
    /// Only this scope; `None` searches all of them.
    pub scope: Option<Scope>,
    /// The caller's own scope: when all are searched, its hits come first unless others are clearly
    /// better.
    pub own_scope: Option<Scope>,
    /// Only these kinds; empty means all.
    pub kinds: Vec<HitKind>,
    /// Only episodes that ended so.
    pub outcome: Option<Outcome>,
    /// Only episodes of this type of task.
    pub task_type: Option<String>,
    /// Only episodes in this language.
    pub language: Option<String>,
    /// Only records that have all of these tags.
    pub tags: Vec<String>,
    /// Only what came about at this instant or later.
    pub since: Option<Timestamp>,
    /// Only what came about before this instant.
    pub until: Option<Timestamp>,
    /// Episodes that the caller has before its eyes: no hits.
    pub except: Vec<EpisodeId>,
    /// Most hits; the configured default, if not said.
    pub limit: Option<usize>,
    /// Largest answer, in tokens of about four bytes; the configured default, if not said.
    pub max_tokens: Option<usize>,
    /// Leave out hits that are less sure than this.
    pub strength: Strength,
    /// Let a hit that says the same as one before it step back for one that says something else;
    /// without it the order is that of the scores.
    pub variety: bool,
}

impl Query {
    /// Asks for `text` in all scopes, without conditions, at the usual strength.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            scope: None,
            own_scope: None,
            kinds: Vec::new(),
            outcome: None,
            task_type: None,
            language: None,
            tags: Vec::new(),
            since: None,
            until: None,
            except: Vec::new(),
            limit: None,
            max_tokens: None,
            strength: Strength::Weak,
            variety: true,
        }
    }

    /// The number of hits to give.
    pub(crate) fn checked_limit(&self, config: &Config) -> Result<usize, Error> {
        match self.limit {
            None => Ok(config.default_limit),
            Some(0) => Err(Error::invalid("limit", "must be at least 1")),
            Some(limit) => {
                Error::check_limit("limit", config.max_limit, limit)?;
                Ok(limit)
            }
        }
    }

    /// The bytes that the answer may take.
    pub(crate) fn budget_bytes(&self, config: &Config) -> Result<usize, Error> {
        match self.max_tokens.unwrap_or(config.default_max_tokens) {
            0 => Err(Error::invalid("max_tokens", "must be at least 1")),
            tokens => Ok(tokens.saturating_mul(BYTES_PER_TOKEN)),
        }
    }

    /// The text as used: without outer white space, cut to the limit.
    pub(crate) fn used_text(&self) -> &str {
        let text = self.text.trim();
        text.get(..text.floor_char_boundary(MAX_QUERY_BYTES)).unwrap_or(text)
    }
}

/// Bytes of a token, on average, in English text and code.
pub(crate) const BYTES_PER_TOKEN: usize = 4;
