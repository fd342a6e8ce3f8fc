//! Moving all records of one scope to another.
//!
//! Used by the command `scopes`: a project whose address was written in two ways, or that was moved
//! to another host, becomes one scope again.

use super::Memory;
use crate::error::Error;
use crate::model::{RecordKind, Scope};
use crate::storage::{Durability, Op, RecordFilter, WriteBatch};

/// Most records that one batch moves.
const MAX_BATCH: usize = 500;

impl Memory {
    /// Moves every record of the scope `from` to `into`; returns their number.
    ///
    /// Works in batches, each of them all or nothing. After an error some records are moved
    /// already; calling it again moves the rest. A record that is written to `from` meanwhile may
    /// stay there.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when both are the same scope, [`Error::NotFound`] when another process
    /// removed a record meanwhile, [`Error::Storage`].
    pub fn join_scopes(&self, from: &Scope, into: &Scope) -> Result<u64, Error> {
        if from == into {
            return Err(Error::invalid(
                "into",
                "must be another scope than the one that is joined",
            ));
        }
        let mut n_moved = 0;
        for kind in [RecordKind::Episode, RecordKind::Note] {
            let filter = RecordFilter { scope: Some(from.clone()), ..RecordFilter::default() };
            loop {
                // What was moved is no longer listed, so every page is the first one.
                let page = self.list(kind, &filter, None, MAX_BATCH)?;
                if page.is_empty() {
                    break;
                }
                let n_page = page.len() as u64;
                let op = |id| Op::SetScope { id, scope: into.clone() };
                let ops = page.into_iter().map(|entry| op(entry.id)).collect();
                self.apply("join scopes", WriteBatch { ops }, Durability::Power)?;
                n_moved += n_page;
            }
        }
        Ok(n_moved)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::intake::{Completion, NewEpisode, NewNote};
    use crate::model::{NoteKind, Outcome, RecordId};
    use crate::retrieve::Query;
    use crate::storage::MemStorage;

    fn found(memory: &Memory, scope: &Scope, text: &str) -> Vec<RecordId> {
        let query = Query { scope: Some(scope.clone()), ..Query::new(text) };
        let hits = memory.recall(&query).unwrap().hits;
        hits.into_iter().map(|hit| hit.record.id()).collect()
    }

    #[test]
    fn records_of_a_joined_scope_are_found_in_the_other_one_alone() {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        let [old, new] = ["Acme/Shop", "acme/shop"].map(|name| Scope::new(name).unwrap());
        let task = "Migrate the voucher table to partitions";
        let episode = memory.start(NewEpisode::new(old.clone(), task)).unwrap().value;
        let outcome = Some(Outcome::Success);
        memory.finish(episode, Completion { outcome, ..Completion::default() }).unwrap();
        for n in 0..=MAX_BATCH {
            let text = format!("The walrus number {n} is fed at dawn");
            memory.remember(NewNote::new(old.clone(), NoteKind::Fact, &text)).unwrap();
        }
        assert_eq!(found(&memory, &old, task), [RecordId::from(episode)]);
        assert!(!memory.recommend(task, &new, 400).unwrap().is_experienced);

        assert_eq!(memory.join_scopes(&old, &new).unwrap(), MAX_BATCH as u64 + 2);
        assert_eq!(found(&memory, &old, task), []);
        assert_eq!(found(&memory, &new, task), [RecordId::from(episode)]);
        assert_eq!(found(&memory, &old, "walrus number 7"), []);
        assert!(!found(&memory, &new, "walrus number 7").is_empty());
        assert!(memory.recommend(task, &new, 400).unwrap().is_experienced);
        assert!(!memory.recommend(task, &old, 400).unwrap().is_experienced);
        assert_eq!(memory.join_scopes(&old, &new).unwrap(), 0, "nothing is left to move");
    }

    #[test]
    fn a_scope_is_not_joined_with_itself() {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        let scope = Scope::new("acme/shop").unwrap();
        let refused = memory.join_scopes(&scope, &scope);
        assert!(matches!(refused, Err(Error::Invalid { field: "into", .. })), "{refused:?}");
    }
}
