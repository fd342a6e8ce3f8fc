//! One suite for every [`memory_core::Storage`]: what the trait promises, claim by claim.
//!
//! [`crate::conformance!`] expands to a `#[test]` per claim. What is not portable and therefore not
//! claimed: counts above `i64::MAX`, rewards that are not finite, a note that is inserted with
//! `superseded_by` set, and the order of the changes within one batch (but for the last).

pub mod batches;
pub mod calls;
pub mod concurrency;
pub mod copies;
pub mod feed;
pub mod links;
pub mod listing;
pub mod marks;
pub mod model;
pub mod placed;
pub mod reading;
pub mod states;
mod store;
pub mod vectors;

pub use store::{fresh, reopened, shared};

/// Expands to the whole suite as named tests, for a store that is opened once.
///
/// Takes a function from a fresh directory (`&Path`) to an open, empty store; it is called several
/// times, each time with another directory.
///
/// ```
/// mod conformance {
///     memory_testkit::conformance!(|_dir| memory_core::MemStorage::new());
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance {
    ($open:expr) => {
        $crate::conformance_tests!(fresh, $open);
    };
}

/// Expands to the whole suite as named tests, for a store that is closed and opened again after
/// every batch: what is read has always passed through the place where it is kept.
///
/// Takes a function from a directory to the store in it, new or not.
#[macro_export]
macro_rules! conformance_reopened {
    ($open:expr) => {
        $crate::conformance_tests!(reopened, $open);
    };
}

/// Expands to the claims about two handles that are open on one store at once, as several processes
/// have them; only for a storage that allows it.
///
/// Takes a function from a directory to the store in it, new or open already.
#[macro_export]
macro_rules! conformance_shared {
    ($open:expr) => {
        $crate::conformance_tests!(@each shared, $open;
            concurrency: writers_of_two_handles_lose_nothing
                a_second_handle_that_follows_the_feed_misses_nothing
                each_handle_sees_what_the_other_wrote
                a_call_told_by_several_handles_is_stored_once;
            vectors: a_second_handle_that_follows_the_vectors_misses_nothing;
        );
    };
}

/// The list of claims, by the module they are in.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    (@each $on:ident, $open:expr; $($subject:ident: $($claim:ident)+;)+) => {
        $($(
            #[test]
            fn $claim() {
                $crate::conformance::$on($open, $crate::conformance::$subject::$claim);
            }
        )+)+
    };
    ($on:ident, $open:expr) => {
        #[test]
        fn random_histories_agree_with_the_reference() {
            $crate::conformance::model::random_histories_agree_with_the_reference(
                &|claim| $crate::conformance::$on($open, claim),
            );
        }

        $crate::conformance_tests!(@each $on, $open;
            reading: a_new_store_is_empty
                episodes_are_read_back_as_they_were_written
                a_finished_episode_is_stored_whole
                endings_are_read_back_as_they_were_written
                steps_are_read_back_as_they_were_written
                notes_are_read_back_as_they_were_written
                odd_texts_survive
                extreme_numbers_and_instants_survive
                excerpts_keep_the_length_of_their_original
                answers_follow_the_order_of_the_ids
                unknown_ids_have_no_record
                tens_of_thousands_of_ids_are_read_in_one_call
                steps_are_read_by_range
                either_durability_stores_the_same
                stats_count_what_is_stored;
            batches: steps_are_numbered_from_zero_in_order
                an_episode_holds_as_many_steps_as_its_limit
                an_episode_ends_once
                an_end_that_nobody_reported_gives_way
                missing_records_are_named
                an_id_is_inserted_once_per_kind
                a_batch_with_one_bad_operation_leaves_nothing
                operations_see_those_before_them
                operations_do_not_see_those_after_them
                a_record_made_and_removed_in_one_batch_is_gone
                an_empty_batch_changes_nothing
                a_batch_may_have_thousands_of_operations;
            links: a_superseded_note_is_marked
                a_note_is_superseded_once
                removing_a_successor_makes_the_note_current_again
                removing_a_note_from_the_middle_of_a_chain_frees_both_ends
                removing_an_episode_keeps_its_lessons
                a_source_is_stored_once_per_kind
                a_forgotten_source_is_not_stored_again
                records_are_found_by_source
                a_removed_record_is_gone;
            feed: every_commit_stands_at_its_last_change
                a_record_is_listed_once
                records_changed_in_passing_are_listed
                paging_through_the_feed_loses_nothing
                nothing_is_listed_after_the_head
                positions_are_not_used_again
                a_store_keeps_its_identity;
            listing: lists_are_newest_first
                each_condition_filters
                tags_match_whole_and_to_the_letter
                instants_are_bounded_from_below_and_above
                conditions_combine
                records_are_found_by_the_last_digits_of_their_ids
                paging_through_a_list_loses_nothing;
            concurrency: concurrent_writers_lose_nothing
                of_concurrent_inserts_of_one_source_one_succeeds
                readers_never_see_half_a_batch
                a_reader_that_follows_the_feed_misses_nothing;
            calls: a_call_is_stored_once
                the_result_of_a_call_completes_its_step
                calls_of_other_episodes_do_not_meet
                a_call_told_again_fits_into_a_full_or_ended_episode
                a_completed_step_is_taken_back_with_its_batch;
            states: states_are_kept_by_name
                states_are_listed_by_the_beginning_of_their_names
                states_are_dropped_by_age
                states_make_no_change
                states_are_kept_with_their_batch_or_not_at_all;
            marks: judgements_are_counted
                a_note_remembered_again_is_counted
                labels_of_a_merged_text_are_added
                what_an_episode_names_is_set_once_it_is_known
                a_record_moves_to_another_scope
                a_digest_is_kept_without_a_change
                marks_of_unknown_records_are_rejected;
            placed: a_placed_record_is_read_back_as_it_is
                a_state_that_is_older_than_the_record_is_not_placed
                records_that_are_placed_together_do_not_stand_in_each_others_way
                placed_notes_find_what_superseded_them
                a_source_is_forgotten_without_a_record
                steps_of_an_episode_of_another_machine_are_not_logged;
            copies: a_copy_of_it_is_equal
                it_holds_a_copy_of_another;
            vectors: vectors_are_read_back_as_they_were_written
                a_replaced_vector_moves_to_the_end
                paging_through_the_vectors_loses_nothing
                vector_positions_are_not_used_again
                vectors_go_with_their_record
                dropped_vectors_are_the_oldest_of_one_model
                vectors_of_unknown_records_are_left_out
                vectors_of_several_models_stand_side_by_side
                vectors_of_a_wrong_dimension_are_rejected
                vectors_are_not_in_the_change_feed
                vectors_are_stored_with_their_batch_or_not_at_all;
        );
    };
}

#[cfg(test)]
mod tests {
    /// A claim that the macro forgets is never checked.
    #[test]
    fn every_claim_is_in_the_list() {
        let listed = include_str!("conformance.rs");
        let subjects = [
            include_str!("conformance/reading.rs"),
            include_str!("conformance/batches.rs"),
            include_str!("conformance/calls.rs"),
            include_str!("conformance/states.rs"),
            include_str!("conformance/links.rs"),
            include_str!("conformance/feed.rs"),
            include_str!("conformance/listing.rs"),
            include_str!("conformance/concurrency.rs"),
            include_str!("conformance/marks.rs"),
            include_str!("conformance/vectors.rs"),
            include_str!("conformance/copies.rs"),
            include_str!("conformance/placed.rs"),
        ];
        let claims = subjects.iter().flat_map(|subject| subject.lines());
        let claims = claims.filter_map(|line| line.strip_prefix("pub fn ")?.split_once('('));
        let names: Vec<&str> = claims.map(|(name, _)| name).collect();
        assert!(names.len() > 50, "{}", names.len());
        for name in names {
            assert!(listed.split_whitespace().any(|word| word.trim_matches(';') == name), "{name}");
        }
    }
}
