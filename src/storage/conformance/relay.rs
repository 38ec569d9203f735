//! The outbox's cursor moves by the lane's owner alone, from where it stands, and a store that went back beneath it is noticed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a case of the suite is a test")]

use hwan_domain::id::{LaneId, Seq};

use super::{
    Subject,
    fixture::{Scribe, lane, money, seq},
};
use crate::storage::port::{ChainHash, CommitBatch, Epoch, LedgerStore, StoreError};

/// Takes the lane and commits records 1 to 5.
async fn written(store: &dyn LedgerStore) -> (Epoch, CommitBatch) {
    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    let mut scribe = Scribe::taken(LaneId::FIRST, &taken);
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.buy(family, money("1.00", "USD"));
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    (taken.epoch, batch)
}

/// The place after so many of a batch's records.
fn place(batch: &CommitBatch, count: usize) -> (Seq, ChainHash) {
    let row = &batch.rows[count - 1];
    (row.record.position.seq(), row.hash)
}

fn is_fenced(answer: Result<(), StoreError>) -> bool {
    matches!(answer, Err(StoreError::RelayFenced { .. }))
}

/// A step begins where the last one ended, is the owner's, and never passes the journal; whatever is refused changes nothing.
pub async fn the_outbox_moves_by_its_owners_hand_and_never_ahead(subject: &mut dyn Subject) {
    let store = subject.store();
    assert_eq!(store.relayed(LaneId::FIRST).await.unwrap(), (Seq::ZERO, ChainHash::GENESIS), "before there is a lane");
    let (epoch, batch) = written(&*store).await;
    let (head, _) = batch.head().unwrap();
    assert_eq!(store.relayed(LaneId::FIRST).await.unwrap(), (Seq::ZERO, ChainHash::GENESIS));
    // Taking a lane may cost a store its connection: what was not done then is done again.
    let relay = async |epoch, from, to| match store.relay(LaneId::FIRST, epoch, from, to).await {
        Err(StoreError::Unavailable(_)) => store.relay(LaneId::FIRST, epoch, from, to).await,
        answer => answer,
    };
    assert!(is_fenced(relay(epoch, seq(1), place(&batch, 2)).await), "a step from ahead");
    relay(epoch, Seq::ZERO, place(&batch, 2)).await.unwrap();
    assert!(is_fenced(relay(epoch, Seq::ZERO, place(&batch, 3)).await), "a step from behind");
    assert!(
        is_fenced(store.relay(lane(7), epoch, Seq::ZERO, (Seq::ZERO, ChainHash::GENESIS)).await),
        "a lane never taken"
    );
    let beyond = relay(epoch, seq(2), (head.next().unwrap(), ChainHash::GENESIS)).await;
    assert!(matches!(beyond, Err(StoreError::Damaged(_))), "ahead of the journal: {beyond:?}");
    assert_eq!(store.relayed(LaneId::FIRST).await.unwrap(), place(&batch, 2));

    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    assert!(is_fenced(relay(epoch, seq(2), place(&batch, 3)).await), "the owner before");
    relay(taken.epoch, seq(2), place(&batch, 3)).await.unwrap();
    drop(store);
    subject.reopen().await;
    assert_eq!(subject.store().relayed(LaneId::FIRST).await.unwrap(), place(&batch, 3));
    let other = subject.store().take_lane(lane(2)).await.unwrap();
    assert!(is_fenced(subject.store().relay(LaneId::FIRST, other.epoch, seq(1), place(&batch, 4)).await));
}

/// What is out for good and no longer in the journal stops the lane.
pub async fn a_store_that_went_back_beneath_its_outbox_is_noticed(subject: &mut dyn Subject) {
    let store = subject.store();
    let (epoch, batch) = written(&*store).await;
    store.relay(LaneId::FIRST, epoch, Seq::ZERO, place(&batch, 4)).await.unwrap();
    drop(store);
    subject.lose_journal_after(LaneId::FIRST, seq(4)).await;
    assert_eq!(subject.store().take_lane(LaneId::FIRST).await.unwrap().seq, seq(4), "all that is out is there");
    subject.lose_journal_after(LaneId::FIRST, seq(3)).await;
    match subject.store().take_lane(LaneId::FIRST).await {
        Err(StoreError::Damaged(text)) => assert!(text.contains("went back"), "{text}"),
        other => panic!("expected the lane to stop, found {other:?}"),
    }
}
