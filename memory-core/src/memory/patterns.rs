//! Patterns of ended episodes, with their evidence.

use super::Memory;
use crate::error::Error;
use crate::learn::{Pattern, PatternQuery};

/// Maximum number of patterns when the query gives none.
const DEFAULT_LIMIT: usize = 10;

impl Memory {
    /// Finds patterns with their evidence: those with a shown effect first, the clearest first,
    /// then by support.
    ///
    /// Costs a look at every ended episode for each of some hundred patterns.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a limit of 0, [`Error::LimitExceeded`], [`Error::Storage`].
    pub fn patterns(&self, query: &PatternQuery) -> Result<Vec<Pattern>, Error> {
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        if limit == 0 {
            return Err(Error::invalid("limit", "must be at least 1"));
        }
        Error::check_limit("limit", self.config.max_limit, limit)?;
        self.learn()?;
        let mut patterns = self.learning.learned().patterns(query, limit);
        let errors = patterns.iter().filter_map(Pattern::error_step);
        let quotes = self.quotes(&errors.collect())?;
        for pattern in &mut patterns {
            if let Some(step) = pattern.error_step() {
                pattern.quote_error(quotes.error(step));
            }
        }
        Ok(patterns)
    }
}
