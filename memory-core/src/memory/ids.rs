//! Short ids: the last digits of an id, as many as tell it from all others that are stored.
//!
//! The first digits of an id are its time, so that those of one afternoon are alike; the last ones
//! are random. Cost: two descents of an index for each id that is shortened or looked up.

use super::Memory;
use crate::error::Error;
use crate::model::{IdRange, IdTail, RecordId, RecordKind};
use crate::storage::RecordFilter;

/// Fewest digits of a short id: two of 10,000 records share them once in 86 stores.
const MIN_DIGITS: u32 = 8;

/// Most matches that are named when digits are ambiguous.
const MAX_AMBIGUOUS: usize = 3;

/// Most records with the same last digits that are told apart; where there are more, an id is shown
/// whole.
const MAX_ALIKE: usize = 16;

const KINDS: [RecordKind; 2] = [RecordKind::Episode, RecordKind::Note];

impl Memory {
    /// Finds the record of one of `kinds` whose id begins or ends with `digits`, 8 hexadecimal
    /// digits or more.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for something that is no part of an id or fits several records,
    /// [`Error::NotFound`], [`Error::Storage`].
    pub fn resolve(&self, kinds: &[RecordKind], digits: &str) -> Result<RecordId, Error> {
        let ids = Some(IdRange::from_prefix(digits)?);
        let head = RecordFilter { ids, ..RecordFilter::default() };
        let tail = Some(IdTail::from_digits(digits)?);
        let tail = RecordFilter { tail, ..RecordFilter::default() };
        let mut found = Vec::new();
        for kind in kinds {
            // What is shown is a tail, so that is looked for first.
            for filter in [&tail, &head] {
                let ids = self.list(*kind, filter, None, MAX_AMBIGUOUS)?;
                found.extend(ids.into_iter().map(|entry| entry.id));
            }
        }
        found.sort_unstable();
        found.dedup();
        let only_kind = if let [kind] = kinds { Some(*kind) } else { None };
        match found.as_slice() {
            [id] => Ok(*id),
            [] => Err(Error::unknown(only_kind, digits)),
            some => Err(Error::ambiguous(digits, some)),
        }
    }

    /// Returns the last digits of an id by which its record is told from all others that are
    /// stored; `None` where no record of that id is.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    pub fn short_id(&self, id: [u8; 16]) -> Result<Option<IdTail>, Error> {
        let tail = IdTail::of(id, MIN_DIGITS);
        let filter = RecordFilter { tail: Some(tail), ..RecordFilter::default() };
        let mut alike = Vec::new();
        for kind in KINDS {
            let ids = self.list(kind, &filter, None, MAX_ALIKE)?;
            alike.extend(ids.into_iter().map(|entry| entry.id.to_bytes()));
        }
        if !alike.contains(&id) {
            return Ok(None);
        }
        let is_told = |n_digits: &u32| {
            let tail = IdTail::of(id, *n_digits);
            alike.iter().filter(|other| tail.fits(**other)).count() == 1
        };
        let n_digits = if alike.len() < MAX_ALIKE { (MIN_DIGITS..32).find(is_told) } else { None };
        Ok(Some(IdTail::of(id, n_digits.unwrap_or(32))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::intake::NewEpisode;
    use crate::model::{EpisodeId, Scope};
    use crate::storage::{Durability, MemStorage, Op, WriteBatch};

    /// A memory with episodes of these ids.
    fn memory(ids: &[u128]) -> Memory {
        let memory = Memory::builder(Arc::new(MemStorage::new())).open().unwrap();
        for id in ids {
            let id = EpisodeId::from_bytes(id.to_be_bytes());
            let new = NewEpisode::new(Scope::new("s").unwrap(), "task");
            let episode = Box::new(memory.intake().episode(id, new).unwrap());
            let insert = WriteBatch::of(Op::InsertEpisode { episode, steps: vec![] });
            memory.storage.apply(insert, Durability::Process).unwrap();
        }
        memory
    }

    #[test]
    fn an_id_is_as_short_as_tells_it_from_the_others() {
        const A: u128 = 0x0198_f3a2_0000_7000_8000_00a1_1234_5678;
        const B: u128 = 0x0198_f3a2_0000_7000_8000_00b1_1234_5678;
        const C: u128 = 0x0198_f3a2_0000_7000_8000_00b1_1234_5679;
        let memory = memory(&[A, B, C]);
        let short =
            |id: u128| memory.short_id(id.to_be_bytes()).unwrap().map(|tail| tail.to_string());
        assert_eq!(short(A).as_deref(), Some("a112345678"));
        assert_eq!(short(B).as_deref(), Some("b112345678"));
        assert_eq!(short(C).as_deref(), Some("12345679"));
        assert_eq!(short(0x5678), None, "it is not stored");
        for id in [A, B, C] {
            let found = memory.resolve(&KINDS, &short(id).unwrap()).unwrap();
            assert_eq!(found.to_bytes(), id.to_be_bytes());
        }
        assert!(memory.resolve(&KINDS, "12345678").is_err(), "two end so");
        assert!(memory.resolve(&KINDS, "0198f3a2").is_err(), "three begin so");
        let whole = memory.resolve(&KINDS, "0198f3a2-0000-7000-8000-00a112345678").unwrap();
        assert_eq!(whole.to_bytes(), A.to_be_bytes());
    }

    #[test]
    fn of_many_that_end_alike_each_is_shown_whole() {
        let ids: Vec<u128> = (1..=40).map(|n| n << 40 | 7).collect();
        let memory = memory(&ids);
        for id in ids {
            // Those that are not among the first that are looked at are shown as they are.
            let short = memory.short_id(id.to_be_bytes()).unwrap();
            assert!(short.is_none_or(|tail| tail.n_digits() == 32), "{short:?}");
        }
    }
}
