//! Order, chain, positions, keys.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a case of the suite is a test")]

use hwan_domain::{
    id::{LaneId, Position, Seq},
    invariant,
    time::Timestamp,
};

use super::{
    Subject,
    fixture::{Scribe, key, lane, money, seq},
};
use crate::storage::{
    codec,
    port::{ChainHash, CommitBatch, JournalRow, LedgerStore},
};

/// A lane with a hundred records in batches of different sizes.
async fn written(store: &dyn LedgerStore) -> (Scribe, Vec<JournalRow>) {
    let mut scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
    let family = scribe.open_family();
    scribe.deposit(family.won, money("10000000", "KRW"));
    let mut batches: Vec<CommitBatch> = vec![scribe.batch()];
    while scribe.head().0 < seq(100) {
        for _ in 0..=batches.len().min(20) {
            if scribe.head().0 < seq(100) {
                scribe.buy(family, money("1.00", "USD"));
            }
        }
        batches.push(scribe.batch());
    }
    for batch in &batches {
        store.commit(batch).await.unwrap();
    }
    (scribe, batches.into_iter().flat_map(|batch| batch.rows).collect())
}

/// The journal reads back as it was written, and every hash follows from its predecessor, from the very first.
pub async fn the_chain_verifies_from_its_beginning(subject: &mut dyn Subject) {
    let store = subject.store();
    let (scribe, expected) = written(&*store).await;
    drop(store);
    subject.reopen().await;
    let rows = subject.store().journal(LaneId::FIRST, Seq::ZERO, usize::MAX).await.unwrap();
    assert_eq!(rows.len(), expected.len());
    let mut hash = ChainHash::GENESIS;
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!((&row.record, &row.body), (&expected.record, &expected.body));
        assert_eq!(codec::encode(&row.record), *row.body);
        hash = codec::chain(hash, &row.body);
        assert_eq!(row.hash, hash);
    }
    for pair in rows.windows(2) {
        invariant::follows(&pair[0].record, &pair[1].record).unwrap();
    }
    assert_eq!((seq(100), hash), scribe.head());
}

/// Any place can be read on from, a page at a time.
pub async fn the_journal_is_read_in_order_from_any_place(subject: &mut dyn Subject) {
    let store = subject.store();
    let (_, expected) = written(&*store).await;
    for (from, limit, first, count) in [
        (0, 10, 1, 10),
        (1, 10, 1, 10),
        (95, 10, 95, 6),
        (100, 10, 100, 1),
        (101, 10, 0, 0),
        (50, 0, 0, 0),
        (7, 93, 7, 93),
    ] {
        let rows = store.journal(LaneId::FIRST, seq(from), limit).await.unwrap();
        assert_eq!(rows.len(), count, "from {from}, at most {limit}");
        for (row, number) in rows.iter().zip(first..) {
            assert_eq!(row.record.position, Position::new(LaneId::FIRST, seq(number)));
            assert_eq!(row.hash, expected[usize::try_from(number - 1).unwrap()].hash);
        }
    }
    assert!(store.journal(lane(2), Seq::ZERO, 10).await.unwrap().is_empty());
}

/// The records of the last minutes are found by their instant.
pub async fn an_instant_leads_to_the_first_record_not_before_it(subject: &mut dyn Subject) {
    let store = subject.store();
    assert_eq!(store.journal_since(LaneId::FIRST, Timestamp::MAX).await.unwrap(), seq(1), "an empty lane");
    let (_, rows) = written(&*store).await;
    assert_eq!(store.journal_since(LaneId::FIRST, Timestamp::from_micros(0)).await.unwrap(), seq(1));
    assert_eq!(store.journal_since(LaneId::FIRST, Timestamp::MAX).await.unwrap(), seq(101));
    for row in &rows {
        let (at, here) = (row.record.at, row.record.position.seq());
        assert_eq!(store.journal_since(LaneId::FIRST, at).await.unwrap(), here);
        assert_eq!(store.journal_since(LaneId::FIRST, at.plus_micros(-1)).await.unwrap(), here);
        assert_eq!(store.journal_since(LaneId::FIRST, at.plus_micros(1)).await.unwrap(), here.next().unwrap());
    }
}

/// Keys lead to the records that used them, any number of keys at once; a key never used leads nowhere.
pub async fn keys_lead_to_their_records(subject: &mut dyn Subject) {
    let store = subject.store();
    let (_, rows) = written(&*store).await;
    assert!(store.find_keys(&[]).await.unwrap().is_empty());
    let unused = key(u128::MAX);
    assert!(store.find_keys(&[unused]).await.unwrap().is_empty());
    let used: Vec<_> =
        rows.iter().filter_map(|row| Some((row.record.origin.key.as_ref()?.digest, row.record.position))).collect();
    for count in [1, 2, 16, 17, 60, used.len()] {
        let mut asked: Vec<_> = used.iter().rev().take(count).map(|(key, _)| *key).collect();
        asked.insert(count / 2, unused);
        let mut found: Vec<_> =
            store.find_keys(&asked).await.unwrap().into_iter().map(|(key, row)| (key, row.record.position)).collect();
        found.sort_by_key(|(_, position)| *position);
        assert_eq!(found, used[used.len() - count..]);
    }
    let many: Vec<_> = (0..700).map(|number| key(1 << 100 | number)).chain([used[5].0]).collect();
    assert_eq!(store.find_keys(&many).await.unwrap().len(), 1);
}
