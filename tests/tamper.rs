//! What somebody changed behind the engine's back is found, and named, on SQLite, MySQL and MariaDB; and where nobody changed anything
//! nothing is found, while trading goes on.
//!
//! `HWAN_TEST_MYSQL_URL` and `HWAN_TEST_MARIADB_URL` say where the servers are; `cargo xtask test` brings them. A lie is a statement of
//! SQL; whoever else has to find lies takes them from [`lies`].
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "tamper/bank.rs"]
mod bank;
#[path = "tamper/clean.rs"]
mod clean;
#[path = "tamper/found.rs"]
mod found;
#[path = "tamper/lies.rs"]
mod lies;
#[path = "store_mysql/server.rs"]
#[allow(dead_code, reason = "shared with the tests of the stores, which need more of it")]
mod server;

use bank::Kind;

/// Lists every case as a test of its own, on one kind of store.
macro_rules! on {
    ($room:ident, $kind:expr) => {
        mod $room {
            use super::{Kind, clean, found};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn days_that_nobody_touched_agree_from_the_beginning_and_from_snapshots() {
                clean::days_agree($kind).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_day_agrees_while_trading_goes_on() {
                clean::while_trading_goes_on($kind).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn what_is_not_over_is_refused_and_what_lags_is_a_matter_of_timing() {
                clean::too_early($kind).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn without_books_it_says_what_was_not_done() {
                clean::without_books($kind).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn every_lie_in_the_ledger_is_found_and_named() {
                found::lies_in_the_ledger($kind).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn every_lie_in_the_books_is_found_and_named() {
                found::lies_in_the_books($kind).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn interest_that_was_paid_twice_is_named_by_reconciliation_and_watch() {
                found::doubled_interest($kind).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_closing_is_held_against_what_its_records_give() {
                found::seals($kind).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_changed_snapshot_is_found_and_not_used() {
                found::changed_snapshots($kind).await;
            }
        }
    };
}

on!(sqlite, Kind::Sqlite);
on!(mysql, Kind::Mysql);
on!(mariadb, Kind::Mariadb);
