//! News of scopes, kept while nothing was learned since.

use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::learn::{Learned, Position};
use crate::memory::Memory;
use crate::memory::learning::stored_digest;
use crate::model::{EpisodeId, RecordId, RecordKind, Scope, Status, Timestamp};
use crate::predict::{MAX_NEWS_RUNS, news};
use crate::storage::{self, RecordFilter};

/// Scopes whose news are kept.
const MAX_KEPT: usize = 8;

/// Age up to which news are told again though something was learned since, in milliseconds.
const FRESH_MS: i64 = 60_000;

/// News of one scope.
#[derive(Debug)]
struct Kept {
    scope: Box<str>,
    position: Position,
    at: Timestamp,
    text: Option<String>,
}

/// News that are kept, the newest last.
#[derive(Debug, Default)]
pub(super) struct KeptNews(Mutex<Vec<Kept>>);

impl Memory {
    /// Says in one sentence what changed lately in a scope: success of a tool or of all episodes,
    /// their time or tokens, or a day that was unusual; `None` where nothing stands out, which is
    /// mostly so.
    ///
    /// Changes are told for 14 days. Costs a look at the newest 400 episodes of the scope, once a
    /// minute at most.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn news(&self, scope: &Scope) -> Result<Option<String>, Error> {
        if self.is_selective {
            return self.read_news(scope);
        }
        self.learn()?;
        Ok(self.learned_news(scope))
    }

    /// Returns the news of a scope from its newest episodes alone, for a process that learns
    /// nothing else; episodes whose digest has to be made anew are left out.
    fn read_news(&self, scope: &Scope) -> Result<Option<String>, Error> {
        let filter = RecordFilter {
            scope: Some(scope.clone()),
            status: Some(Status::Completed),
            ..RecordFilter::default()
        };
        let listed = self.list(RecordKind::Episode, &filter, None, MAX_NEWS_RUNS)?;
        let ids: Vec<EpisodeId> = listed
            .into_iter()
            .filter_map(|entry| match entry.id {
                RecordId::Episode(id) => Some(id),
                RecordId::Note(_) => None,
            })
            .collect();
        let read = storage::episodes(self.storage.as_ref(), &ids);
        let mut learned = Learned::default();
        for episode in read.map_err(Error::storage("read episodes"))?.into_iter().flatten() {
            if let Some(digest) = stored_digest(&episode) {
                learned.put(&episode, &digest);
            }
        }
        Ok(news(&learned, scope.as_str(), self.clock.now()))
    }

    /// Returns the news of a scope as of the last refresh.
    pub(in crate::memory) fn learned_news(&self, scope: &Scope) -> Option<String> {
        let now = self.clock.now();
        let learned = self.learning.learned();
        let position = learned.position();
        let mut all = self.foresight.news.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.iter().find(|kept| *kept.scope == *scope.as_str()) {
            let age = now.millis_since(kept.at);
            let limit = if kept.position == position { 60 * FRESH_MS } else { FRESH_MS };
            if (0..limit).contains(&age) {
                return kept.text.clone();
            }
        }
        let text = news(&learned, scope.as_str(), now);
        all.retain(|kept| *kept.scope != *scope.as_str());
        if all.len() >= MAX_KEPT {
            all.remove(0);
        }
        all.push(Kept { scope: scope.as_str().into(), position, at: now, text: text.clone() });
        text
    }
}
