//! What a test writes, and what of it is in the database: all of a batch, or nothing of it.

use std::time::{Duration, Instant};

use hwan::storage::{
    conformance::fixture::{Family, Scribe, currencies, money},
    mysql::{MysqlOptions, MysqlStore},
    port::{CommitBatch, CommitError, Epoch, LedgerStore, StoreError, TakenLane},
};
use hwan_domain::id::LaneId;
use sqlx::MySqlConnection;

use super::database::text;

/// The lane that tests write to.
pub(crate) const LANE: LaneId = LaneId::FIRST;
/// What is there once [`Ledger::begin`] is done: where the lane stands, how many records, the won on the account.
pub(crate) const BEGUN: &str = "4/4/1000";
/// What is there once [`Ledger::next`] is committed, once.
pub(crate) const DONE: &str = "5/5/1234";

/// A lane with a customer of 1,000 won, and a store that owns it.
pub(crate) struct Ledger {
    pub(crate) store: MysqlStore,
    pub(crate) scribe: Scribe,
    pub(crate) family: Family,
    epoch: Epoch,
}

impl Ledger {
    pub(crate) async fn begin(options: &MysqlOptions) -> Self {
        let store = MysqlStore::open(options, currencies()).await.unwrap();
        let taken = store.take_lane(LANE).await.unwrap();
        let mut scribe = Scribe::taken(LANE, &taken);
        let family = scribe.open_family();
        scribe.deposit(family.won, money("1000", "KRW"));
        store.commit(&scribe.batch()).await.unwrap();
        Self { store, scribe, family, epoch: taken.epoch }
    }

    /// A batch of one deposit.
    pub(crate) fn next(&mut self) -> CommitBatch {
        self.scribe.deposit(self.family.won, money("234", "KRW"));
        self.scribe.batch()
    }

    /// Commits a batch, by the right to the lane that there is now.
    pub(crate) async fn commit(&self, batch: &CommitBatch) -> Result<(), CommitError> {
        self.store.commit(&CommitBatch { epoch: self.epoch, ..batch.clone() }).await
    }

    /// Commits a batch that is refused, and says why: as not done.
    pub(crate) async fn not_done(&self, batch: &CommitBatch) -> String {
        match self.commit(batch).await {
            Err(CommitError::NotDone(why)) => why,
            other => panic!("expected a commit that is not done, found {other:?}"),
        }
    }

    /// Takes the lane again, as the engine does after any doubt: until it works.
    pub(crate) async fn take_again(&mut self, within: Duration) -> TakenLane {
        let begun = Instant::now();
        loop {
            match self.store.take_lane(LANE).await {
                Ok(taken) => {
                    self.epoch = taken.epoch;
                    return taken;
                }
                Err(StoreError::Unavailable(why)) => {
                    assert!(begun.elapsed() < within, "the lane cannot be taken after {within:?}: {why}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(other) => panic!("the lane was lost: {other}"),
            }
        }
    }

    /// Commits a batch again until it is done, as the engine does while nothing else is in doubt.
    pub(crate) async fn commit_again(&self, batch: &CommitBatch, within: Duration) {
        let begun = Instant::now();
        loop {
            match self.commit(batch).await {
                Ok(()) => return,
                Err(CommitError::NotDone(why)) => {
                    assert!(begun.elapsed() < within, "still not done after {within:?}: {why}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(other) => panic!("expected a commit that works again, found {other:?}"),
            }
        }
    }
}

/// Where the lane stands, how many records it has, and what the won account holds: `5/5/1234`.
pub(crate) async fn seen(connection: &mut MySqlConnection) -> String {
    let sql = format!(
        "SELECT CONCAT_WS('/', (SELECT seq FROM lane WHERE id = {lane}), \
         (SELECT COUNT(*) FROM journal WHERE id >> 48 = {lane}), \
         (SELECT JSON_EXTRACT(balances, '$[0][2]') FROM holding))",
        lane = LANE.number()
    );
    text(connection, &sql).await
}

/// The connection by which the lane commits.
pub(crate) async fn committing(connection: &mut MySqlConnection) -> String {
    text(connection, &format!("SELECT CAST(connection AS CHAR) FROM lane WHERE id = {}", LANE.number())).await
}
