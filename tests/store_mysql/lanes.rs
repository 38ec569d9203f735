//! Who owns a lane, how it changes hands, and what becomes of an owner that was stopped.

use std::time::{Duration, Instant};

use hwan::storage::{
    conformance::fixture::{Scribe, money, records, seq},
    mysql::MysqlStore,
    port::{CommitError, LedgerStore, StoreError},
};
use hwan_domain::id::{LaneId, Seq};

use super::database::{Database, Server, run, text};

async fn begin(store: &MysqlStore) -> Scribe {
    Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_stays_with_an_owner_that_lives_and_passes_on_when_its_lease_runs_out() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let first = database.mysql();
        let mut scribe = begin(&first).await;
        scribe.open_family();
        first.commit(&scribe.batch()).await.unwrap();
        let second = database.another().await.unwrap();
        // Longer than the lease: the first renews it without a commit.
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            match second.take_lane(LaneId::FIRST).await {
                Err(StoreError::LaneHeld { left, .. }) => assert!(left <= Duration::from_secs(2)),
                other => panic!("expected a held lane, found {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        first.close().await;
        let taken = second.take_lane(LaneId::FIRST).await.unwrap();
        assert_eq!(taken.seq, seq(3), "an owner that closed lets go at once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_whose_lease_ran_out_can_neither_commit_nor_project_nor_take_the_lane_back() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let first = database.mysql();
        let mut scribe = begin(&first).await;
        let family = scribe.open_family();
        let opened = scribe.batch();
        first.commit(&opened).await.unwrap();
        scribe.deposit(family.won, money("1000", "KRW"));
        let late = scribe.batch();

        // As after a pause of the whole process: the lease has run out, and the first does not know.
        let mut connection = database.raw().await;
        run(&mut connection, "UPDATE lane SET lease_until = NOW(6) - INTERVAL 1 SECOND").await;
        let second = database.another().await.unwrap();
        let taken = loop {
            match second.take_lane(LaneId::FIRST).await {
                Ok(taken) => break taken,
                // The first was faster to renew it.
                Err(_) => drop(run(&mut connection, "UPDATE lane SET lease_until = NOW(6) - INTERVAL 1 SECOND").await),
            }
        };
        assert_eq!(taken.projected, Seq::ZERO);
        let projected = first.project(LaneId::FIRST, Seq::ZERO, &records(&opened)).await;
        assert!(matches!(projected, Err(StoreError::ProjectionFenced { .. })), "{projected:?}");
        let mut committed = first.commit(&late).await;
        if let Err(CommitError::NotDone(_)) = committed {
            // Its connection was ended by the taking; the lane sends what was not done again.
            committed = first.commit(&late).await;
        }
        assert!(matches!(committed, Err(CommitError::Fenced { .. })), "{committed:?}");
        let retaken = first.take_lane(LaneId::FIRST).await;
        assert!(matches!(retaken, Err(StoreError::LaneHeld { .. })), "{retaken:?}");
        second.project(LaneId::FIRST, Seq::ZERO, &records(&opened)).await.unwrap();
        let mut after = Scribe::taken(LaneId::FIRST, &taken);
        after.open_family();
        second.commit(&after.batch()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_an_owner_left_open_does_not_hold_its_successor_up() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let first = database.mysql();
        let mut scribe = begin(&first).await;
        scribe.open_family();
        first.commit(&scribe.batch()).await.unwrap();
        // A connection that stands for the first one's: stopped in the middle of a transaction, with the row locked.
        let mut stopped = database.raw().await;
        let number = text(&mut stopped, "SELECT CAST(CONNECTION_ID() AS CHAR)").await;
        run(&mut stopped, &format!("UPDATE lane SET connection = {number}, owner = 'elsewhere/1/1/1'")).await;
        run(&mut stopped, "UPDATE lane SET lease_until = NOW(6) - INTERVAL 1 SECOND").await;
        run(&mut stopped, "START TRANSACTION").await;
        run(&mut stopped, "UPDATE lane SET seq = seq + 1 WHERE id = 1").await;
        let second = database.another().await.unwrap();
        let begun = Instant::now();
        let taken = second.take_lane(LaneId::FIRST).await.unwrap();
        assert_eq!(taken.seq, seq(3), "what was left open was rolled back");
        assert!(begun.elapsed() < Duration::from_millis(1_500), "it waited for the lock: {:?}", begun.elapsed());
    }
}
