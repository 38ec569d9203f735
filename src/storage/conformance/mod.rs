//! One suite for every store: what the engine counts on, whatever stands behind the port.
//!
//! A store's test file names a function that makes a [`Subject`] and lists the suite by
//! [`store_conformance!`](crate::store_conformance): each case becomes a test of its own. [`all`] runs them in a row.
//!
//! | room | what it holds a store to |
//! |---|---|
//! | [`commits`] | fencing, gapless seq, used keys, outcomes that are unknown |
//! | [`states`] | households, balances, rounds and halts come back as committed |
//! | [`journal`] | order, chain, positions, keys |
//! | [`projections`] | passbook and daily balances follow the journal, and a store that went back is noticed |
//! | [`relay`] | the outbox's cursor is fenced, and a store that went back beneath it is noticed |
//! | [`lists`] | pages join up, windows are exact, no page looks at more than its bound |
//! | [`fixture`] | records as an engine would write them |

pub mod commits;
pub mod fixture;
pub mod journal;
pub mod lists;
pub mod projections;
pub mod relay;
pub mod states;

use std::sync::Arc;

use async_trait::async_trait;
use hwan_domain::id::{LaneId, Seq};

use super::port::LedgerStore;

/// A store under test, empty at first, and what only its own kind can do to it.
#[async_trait]
pub trait Subject: Send {
    /// The store.
    fn store(&self) -> Arc<dyn LedgerStore>;

    /// Closes the store and opens it again on what it had stored.
    async fn reopen(&mut self);

    /// Makes the store lose a lane's journal after `seq`, head included, but not what was projected of it.
    async fn lose_journal_after(&mut self, lane: LaneId, seq: Seq);

    /// Makes the store forget a lane's control totals, as one that was written before there were any.
    async fn forget_totals(&mut self, lane: LaneId);
}

macro_rules! cases {
    ($dollar:tt $($room:ident: $($case:ident),+ $(,)?;)+) => {
        /// Runs every case, each on a fresh subject.
        pub async fn all<S, M>(make: M)
        where
            S: Subject,
            M: AsyncFn() -> S,
        {
            $($($room::$case(&mut make().await).await;)+)+
        }

        /// Lists every case as a test: `store_conformance!(make)`, where `make` is an async function without
        /// arguments that returns a [`Subject`](crate::storage::conformance::Subject).
        #[macro_export]
        macro_rules! store_conformance {
            ($dollar make:path) => {
                $($(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        $crate::storage::conformance::$room::$case(&mut $dollar make().await).await;
                    }
                )+)+
            };
        }
    };
}

cases! { $
    commits:
        a_zombie_commits_nothing,
        a_lane_moves_only_from_where_it_stands,
        the_same_batch_sent_twice_stands_once,
        a_used_key_is_refused_with_its_record,
        a_used_quote_is_refused_with_its_record,
        an_exchange_that_was_reversed_is_refused_with_its_reversal,
        a_day_that_was_paid_for_is_refused_with_its_payment,
        a_dropped_commit_is_whole_or_absent,
        two_lanes_do_not_disturb_each_other,
        a_lane_is_taken_where_it_stands_after_reopening,
        the_totals_of_a_lane_come_back_and_are_added_up_where_there_are_none,
        a_closed_store_refuses_everything;
    states:
        a_household_comes_back_exactly,
        balances_are_exact_at_every_commit,
        accounts_add_up_to_what_their_lane_says,
        of_several_values_the_last_one_stands,
        the_day_that_interest_is_paid_through_comes_back,
        rounds_and_halts_come_back_newest_last,
        readers_see_whole_commits_only;
    journal:
        the_chain_verifies_from_its_beginning,
        the_journal_is_read_in_order_from_any_place,
        an_instant_leads_to_the_first_record_not_before_it,
        keys_lead_to_their_records;
    projections:
        projections_are_fenced_and_never_ahead,
        the_passbook_is_gapless_and_the_days_close_right,
        the_closings_of_a_period_are_those_of_its_days,
        a_store_that_went_back_is_noticed;
    relay:
        the_outbox_moves_by_its_owners_hand_and_never_ahead,
        a_store_that_went_back_beneath_its_outbox_is_noticed;
    lists:
        pages_of_a_passbook_join_up,
        a_passbook_is_current_once_its_own_postings_are_projected,
        a_window_of_a_passbook_is_exact_at_its_ends,
        entries_of_one_kind_are_found_in_bounded_pages,
        records_come_back_by_place,
        customers_are_listed_in_the_order_of_their_opening,
        rounds_are_listed_newest_first;
}
