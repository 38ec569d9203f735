//! What leaves the database, and what never does.

use std::time::Duration;

use hwan::{
    storage::{
        conformance::fixture::{Scribe, key, money, records, seq},
        mysql::Retention,
        port::LedgerStore,
    },
    verify::walk,
};
use hwan_domain::{
    id::{LaneId, Seq},
    time::Timestamp,
};

use super::database::{Database, Server};

const AT_ONCE: Retention = Retention { step: 2, pause: Duration::ZERO };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_expire_and_sealed_records_leave_in_steps_and_the_chain_verifies_from_there() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let store = database.mysql();
        let lane = LaneId::FIRST;
        let mut scribe = Scribe::taken(lane, &store.take_lane(lane).await.unwrap());
        let family = scribe.open_family();
        let deposit = {
            let mut aside = scribe.clone();
            aside.deposit(family.won, money("5", "KRW"));
            aside.batch().rows.last().unwrap().record.event.clone()
        };
        scribe.write_with(Some(key(77)), deposit);
        let first = scribe.batch();
        store.commit(&first).await.unwrap();
        let turn = scribe.clock().0.plus_seconds(1);
        scribe.set_pace(60);
        scribe.open_family();
        let second = scribe.batch();
        store.commit(&second).await.unwrap();
        assert_eq!(store.find_keys(&[key(77)]).await.unwrap().len(), 1);

        assert_eq!(store.delete_sealed(lane, AT_ONCE).await.unwrap(), 0, "nothing is sealed");
        store.seal(lane, seq(4)).await.unwrap();
        assert_eq!(store.delete_sealed(lane, AT_ONCE).await.unwrap(), 0, "its keys live");
        assert_eq!(store.expire_keys(lane, turn, AT_ONCE).await.unwrap(), 4);
        assert_eq!(store.expire_keys(lane, turn, AT_ONCE).await.unwrap(), 0);
        assert!(store.find_keys(&[key(77)]).await.unwrap().is_empty(), "the key may be used anew");
        assert_eq!(store.journal(lane, seq(1), 10).await.unwrap().len(), 7, "its record stays");

        assert_eq!(store.delete_sealed(lane, AT_ONCE).await.unwrap(), 0, "they are not projected");
        store.project(lane, Seq::ZERO, &records(&first)).await.unwrap();
        assert_eq!(store.delete_sealed(lane, AT_ONCE).await.unwrap(), 4);
        let kept = store.kept(lane).await.unwrap();
        assert_eq!((kept.deleted, kept.hash), (seq(4), first.rows[3].hash));
        assert_eq!(store.journal(lane, seq(1), 10).await.unwrap().len(), 3);
        let report = walk::verify(store.as_ref(), &mut |_| ()).await.unwrap();
        assert!(report.is_clean(), "{:?}", report.findings());

        store.project(lane, seq(4), &records(&second)).await.unwrap();
        // Sealed to its end: the last record stays, so the lane can be taken.
        store.seal(lane, seq(7)).await.unwrap();
        store.expire_keys(lane, Timestamp::MAX, AT_ONCE).await.unwrap();
        assert_eq!(store.delete_sealed(lane, AT_ONCE).await.unwrap(), 2);
        assert_eq!(store.take_lane(lane).await.unwrap().seq, seq(7));
        assert_eq!(store.journal(lane, Seq::ZERO, 10).await.unwrap().len(), 1);
    }
}
