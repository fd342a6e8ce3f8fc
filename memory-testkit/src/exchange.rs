//! One suite for every [`Carrier`]: what the trait promises, claim by claim; and the reference.
//!
//! [`crate::carrier_conformance!`] expands to a `#[test]` per claim.

pub mod claims;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memory_core::Timestamp;
use memory_core::exchange::{Carrier, CarrierError, Cursor, Entry, MachineId, Pulled};

/// Expands to the whole suite as named tests.
///
/// Takes a function from a fresh directory (`&Path`) to a handle of the place that belongs to it:
/// all handles made from one directory meet in one place, which is empty at first.
#[macro_export]
macro_rules! carrier_conformance {
    ($open:expr) => {
        $crate::carrier_conformance!(@each $open;
            a_new_place_is_empty
            entries_arrive_as_they_were_pushed
            own_entries_are_left_out
            a_replaced_entry_is_listed_at_its_newest_position_alone
            of_two_states_in_one_push_the_later_stays
            machines_have_entries_of_their_own_for_one_record
            an_episode_and_a_note_of_the_same_bytes_are_two_records
            a_repeated_push_changes_nothing_but_positions
            a_push_of_nothing_changes_nothing
            a_page_holds_about_as_many_bytes_as_asked_for
            a_push_larger_than_any_request_arrives_whole
            the_largest_entry_that_it_takes_arrives_whole
            only_scopes_that_are_asked_for_are_listed
            an_entry_that_moves_to_another_scope_leaves_the_first
            a_position_goes_on_where_it_ended
            a_position_of_one_handle_serves_another
            what_is_pushed_between_two_pages_is_not_left_out
            a_reader_that_follows_several_writers_misses_nothing
            histories_agree_with_the_reference
            its_clock_does_not_stand_on_its_head
            every_handle_names_the_same_address
        );
    };
    (@each $open:expr; $($claim:ident)+) => {
        $(
            #[test]
            fn $claim() {
                $crate::exchange::on_a_fresh_place($open, $crate::exchange::claims::$claim);
            }
        )+
    };
}

/// Opens another handle of the place that a claim is about.
pub type Open<'a> = &'a (dyn Fn() -> Box<dyn Carrier> + Sync);

/// Runs `claim` on the place of a fresh directory.
pub fn on_a_fresh_place<C: Carrier + 'static>(
    open: impl Fn(&Path) -> C + Sync,
    claim: impl FnOnce(Open<'_>),
) {
    let dir = tempfile::tempdir().unwrap();
    claim(&|| Box::new(open(dir.path())));
}

#[derive(Debug, Default)]
struct Held {
    /// Position of the newest entry.
    newest: u64,
    entries: Vec<(u64, Entry)>,
}

/// Carrier in memory, the reference of the suite; clones are handles of one place.
#[derive(Debug, Clone)]
pub struct MemCarrier {
    held: Arc<Mutex<Held>>,
    largest: usize,
}

impl Default for MemCarrier {
    fn default() -> Self {
        Self::of_entries_up_to(usize::MAX)
    }
}

impl MemCarrier {
    /// Makes an empty place.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty place that takes no larger entries.
    #[must_use]
    pub fn of_entries_up_to(largest: usize) -> Self {
        Self { held: Arc::default(), largest }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carrier for MemCarrier {
    fn address(&self) -> &'static str {
        "memory"
    }

    fn largest_entry(&self) -> usize {
        self.largest
    }

    fn push(&mut self, entries: &[Entry]) -> Result<(), CarrierError> {
        let mut held = self.lock();
        for entry in entries {
            let key = (entry.machine, entry.record);
            held.entries.retain(|(_, old)| (old.machine, old.record) != key);
            held.newest += 1;
            let position = held.newest;
            held.entries.push((position, entry.clone()));
        }
        Ok(())
    }

    fn pull(
        &mut self,
        own: MachineId,
        scopes: &[Box<str>],
        after: Option<&Cursor>,
        limit_bytes: usize,
    ) -> Result<Pulled, CarrierError> {
        let after = match after {
            None => 0,
            Some(cursor) => u64::from_be_bytes((&*cursor.0).try_into().map_err(|_| {
                CarrierError::Corrupt { address: "memory".into(), what: "a position".into() }
            })?),
        };
        let held = self.lock();
        let listed = held.entries.iter().filter(|(position, entry)| {
            *position > after && entry.machine != own && scopes.contains(&entry.scope)
        });
        let (mut entries, mut n_bytes, mut last) = (Vec::new(), 0, None);
        for (position, entry) in listed {
            if n_bytes >= limit_bytes && !entries.is_empty() {
                return Ok(Pulled { entries, cursor: cursor(last.unwrap_or(after)), more: true });
            }
            n_bytes += entry.bytes.len();
            last = Some(*position);
            entries.push(entry.clone());
        }
        Ok(Pulled { entries, cursor: cursor(held.newest.max(after)), more: false })
    }

    fn now(&mut self) -> Result<Option<Timestamp>, CarrierError> {
        Ok(None)
    }
}

fn cursor(position: u64) -> Cursor {
    Cursor(Box::new(position.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    /// A claim that the macro forgets is never checked.
    #[test]
    fn every_claim_is_in_the_list() {
        let listed = include_str!("exchange.rs");
        let claims = include_str!("exchange/claims.rs").lines();
        let names: Vec<&str> = claims
            .filter_map(|line| line.strip_prefix("pub fn ")?.split_once('('))
            .map(|(name, _)| name)
            .collect();
        assert!(names.len() > 15, "{}", names.len());
        for name in names {
            assert!(listed.split_whitespace().any(|word| word == name), "{name}");
        }
    }
}
