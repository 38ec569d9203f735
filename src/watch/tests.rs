//! The shell over real stores: what is judged again is told once, what is put away is gone on from, what is not what was judged is told.

use std::{path::Path, sync::Arc, time::Duration};

use hwan_domain::{
    anomaly::{MeasurePolicy, WatchPolicy},
    id::{LaneId, Seq},
};

use super::{
    lane_state::Delivery,
    teller::Teller,
    watcher::{Watch, WatchParts},
};
use crate::{
    clock::{Clock, ManualClock},
    outbox::{
        both::Both,
        feed::Feed,
        port::{Backlog, FollowedLane, Follower},
    },
    storage::{
        alerts::port::{AlertBook, AlertQuery, Checkpoint, KeptAlert},
        codec,
        conformance::fixture::{Scribe, currencies, money, ten_o_clock},
        general_ledger::conformance::chart,
        port::{ChainHash, Epoch, JournalRow, LedgerStore, TakenLane},
        sqlite::{SqliteBooks, SqliteOptions, SqliteStore},
    },
};

const LANE: LaneId = LaneId::FIRST;

async fn books(dir: &Path) -> Arc<dyn AlertBook> {
    Arc::new(SqliteBooks::open(dir, currencies(), &chart(), &SqliteOptions::default()).await.unwrap())
}

/// A watch that has just begun.
fn watch(alerts: &Arc<dyn AlertBook>) -> Watch {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(ten_o_clock().plus_seconds(3_600)));
    Watch::new(WatchParts {
        teller: Arc::new(Teller::new(Arc::clone(alerts), clock, MeasurePolicy::default())),
        policy: Arc::new(WatchPolicy::default().with_currencies(&currencies())),
        currencies: currencies(),
        put_away_every: Duration::from_secs(3_600),
        put_away_records: 1_000,
    })
}

fn new_lane() -> TakenLane {
    TakenLane {
        epoch: Epoch(1),
        seq: Seq::ZERO,
        hash: ChainHash::GENESIS,
        last: None,
        projected: Seq::ZERO,
        totals: hwan_domain::control::ControlTotals::default(),
    }
}

/// A day of a customer.
fn day(scribe: &mut Scribe) -> Vec<JournalRow> {
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.withdraw(family.won, money("1000", "KRW"));
    scribe.deposit(family.won, money("500", "KRW"));
    scribe.batch().rows
}

/// A row whose text somebody edited, and left its hash alone.
fn edited(row: &JournalRow, from: &str, to: &str) -> JournalRow {
    assert!(row.body.contains(from), "{from} in {}", row.body);
    let body = row.body.replacen(from, to, 1);
    JournalRow { record: Arc::new(codec::decode(&body, &currencies()).unwrap()), body: body.into(), hash: row.hash }
}

fn deliveries(rows: &[JournalRow]) -> Vec<Delivery> {
    rows.iter().cloned().map(|row| Delivery::of_row(row, None)).collect()
}

/// Has a new watch judge rows from the lane's beginning, and tell.
async fn judge(watch: &Watch, rows: &[JournalRow]) {
    let lane = watch.lane(LANE);
    if !watch.take_back(LANE, &lane).await.unwrap() {
        watch.begin(LANE, &lane, (Seq::ZERO, ChainHash::GENESIS), None);
    }
    watch.take(&lane, &deliveries(rows));
    let mut turn = lane.turn.lock().await;
    watch.upkeep(&lane, &mut turn).await.unwrap();
}

async fn told(alerts: &Arc<dyn AlertBook>) -> Vec<KeptAlert> {
    let mut alerts = alerts.alerts(&AlertQuery { limit: 100, ..AlertQuery::default() }).await.unwrap();
    alerts.sort_by(|one, other| one.id.cmp(&other.id));
    alerts
}

fn ids(alerts: &[KeptAlert]) -> Vec<&str> {
    alerts.iter().map(|alert| alert.id.as_str()).collect()
}

#[tokio::test]
async fn an_edited_journal_is_told_once_however_often_it_is_judged() {
    let dir = tempfile::tempdir().unwrap();
    let alerts = books(dir.path()).await;
    let mut rows = day(&mut Scribe::taken(LANE, &new_lane()));
    judge(&watch(&alerts), &rows).await;
    assert_eq!(told(&alerts).await, []);
    // Behind the engine's back: a deposit grows, and what it leaves.
    rows[3] = edited(&rows[3], "\"amount\":\"1000000\"", "\"amount\":\"1000001\"");
    for times in 1..=3 {
        judge(&watch(&alerts), &rows).await;
        let told = told(&alerts).await;
        assert_eq!(
            ids(&told),
            [
                "balance_off_entries.acc_0008000000002.1-4",
                "chain_broken.lane-1.1-4",
                "control_off_subledger.lane-1.1-4"
            ]
        );
        assert!(told.iter().all(|alert| alert.times_seen == times), "{told:?}");
    }
}

#[tokio::test]
async fn what_was_put_away_is_gone_on_from_and_what_cannot_be_read_is_judged_anew() {
    let dir = tempfile::tempdir().unwrap();
    let alerts = books(dir.path()).await;
    let mut scribe = Scribe::taken(LANE, &new_lane());
    let first = day(&mut scribe);
    let before = watch(&alerts);
    judge(&before, &first).await;
    before.close().await;
    let after = watch(&alerts);
    let second = day(&mut scribe);
    judge(&after, &second).await;
    let stands = after.stands();
    assert_eq!((stands.len(), stands[0].seq.number()), (1, 12));
    assert_eq!(stands[0].totals.as_ref().map(|totals| totals.iter().count()), Some(1));
    assert_eq!(told(&alerts).await, []);
    after.close().await;
    // Another version of the state: not read, and nothing is wrong with the lane.
    let kept = alerts.taken_back(LANE).await.unwrap().unwrap();
    assert_eq!(kept.seq.number(), 12);
    let mut body = kept.body.clone();
    body[8] = body[8].wrapping_add(1);
    alerts.put_away(&Checkpoint { body, at: kept.at.plus_seconds(1), ..kept }).await.unwrap();
    let again = watch(&alerts);
    assert!(!again.take_back(LANE, &again.lane(LANE)).await.unwrap());
    judge(&again, &first).await;
    judge(&again, &second).await;
    assert_eq!((again.stands()[0].seq.number(), told(&alerts).await), (12, vec![]));
}

#[tokio::test]
async fn alerts_wait_for_a_store_that_is_away_and_nothing_is_put_away_before() {
    let dir = tempfile::tempdir().unwrap();
    let closed = SqliteBooks::open(dir.path(), currencies(), &chart(), &SqliteOptions::default()).await.unwrap();
    let mut rows = day(&mut Scribe::taken(LANE, &new_lane()));
    rows[4] = edited(&rows[4], "\"version\":2", "\"version\":3");
    close_store(&closed).await;
    let alerts: Arc<dyn AlertBook> = Arc::new(closed);
    let away = watch(&alerts);
    let lane = away.lane(LANE);
    away.begin(LANE, &lane, (Seq::ZERO, ChainHash::GENESIS), None);
    away.take(&lane, &deliveries(&rows));
    let mut turn = lane.turn.lock().await;
    for _ in 0..2 {
        assert!(away.upkeep(&lane, &mut turn).await.is_err());
    }
    assert_eq!(away.stands()[0].seq.number(), 6);
}

async fn close_store(books: &SqliteBooks) {
    crate::storage::general_ledger::port::GeneralLedger::close(books).await;
}

/// A lane of a real store, as a follower sees it.
async fn followed(dir: &Path) -> (FollowedLane, Scribe, Arc<SqliteStore>) {
    let store = Arc::new(SqliteStore::open(dir, currencies(), SqliteOptions::default()).await.unwrap());
    let taken = store.take_lane(LANE).await.unwrap();
    let scribe = Scribe::taken(LANE, &taken);
    let lane = FollowedLane {
        lane: LANE,
        epoch: taken.epoch,
        head: taken.seq,
        store: store.clone(),
        backlog: Arc::new(Backlog::default()),
        feed: Arc::new(Feed::default()),
    };
    (lane, scribe, store)
}

/// Follows a lane until the watch stands at this record.
async fn follow_to(watch: &Watch, lane: &FollowedLane, seq: u64) {
    watch.system_is_caught_up();
    let following = watch.follow(lane.clone());
    let reached = async {
        while watch.stands().first().is_none_or(|stands| stands.seq.number() < seq) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    tokio::select! {
        () = following => panic!("it follows for ever"),
        () = reached => {}
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("record {seq} was not judged"),
    }
}

#[tokio::test]
async fn a_journal_that_is_not_the_one_that_was_judged_is_told_and_judged_from_its_beginning() {
    let (dir, one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let alerts = books(dir.path()).await;
    let (lane, mut scribe, store) = followed(one.path()).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    let batch = Arc::new(scribe.batch());
    store.commit(&batch).await.unwrap();
    lane.feed.committed(&batch);
    let first = watch(&alerts);
    follow_to(&first, &lane, 4).await;
    first.close().await;
    assert_eq!((told(&alerts).await, lane.backlog.published().number()), (vec![], 4));
    // The same lane of a store that came from elsewhere.
    let (lane, mut scribe, store) = followed(other.path()).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("7", "KRW"));
    let batch = Arc::new(scribe.batch());
    store.commit(&batch).await.unwrap();
    lane.feed.committed(&batch);
    let second = watch(&alerts);
    follow_to(&second, &lane, 4).await;
    assert_eq!(ids(&told(&alerts).await), ["chain_broken.lane-1.1-4"]);
}

/// Says that it has all, and waits for ever.
struct Prompt;

#[async_trait::async_trait]
impl Follower for Prompt {
    fn name(&self) -> &'static str {
        "prompt"
    }

    async fn accept(
        &self,
        _: LaneId,
        _: (Seq, ChainHash),
        _: &dyn LedgerStore,
    ) -> Result<(), crate::storage::port::StoreError> {
        Ok(())
    }

    fn follow(&self, lane: FollowedLane) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            lane.backlog.reached(Seq::new(7).unwrap(), None);
            std::future::pending::<()>().await;
        })
    }
}

/// Refuses, then panics.
struct Broken;

#[async_trait::async_trait]
impl Follower for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    async fn accept(
        &self,
        _: LaneId,
        _: (Seq, ChainHash),
        _: &dyn LedgerStore,
    ) -> Result<(), crate::storage::port::StoreError> {
        Err(crate::storage::port::StoreError::Damaged("no".into()))
    }

    fn follow(&self, lane: FollowedLane) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        lane.backlog.reached(Seq::new(1).unwrap(), None);
        Box::pin(async { panic!("planted") })
    }
}

#[tokio::test]
async fn the_follower_beside_another_holds_nothing_up_whatever_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let (lane, _, store) = followed(dir.path()).await;
    let both = Both::new(Arc::new(Prompt), Arc::new(Broken));
    both.accept(LANE, (Seq::ZERO, ChainHash::GENESIS), store.as_ref()).await.unwrap();
    let following = tokio::time::timeout(Duration::from_millis(200), both.follow(lane.clone())).await;
    assert!(following.is_err(), "it goes on");
    assert_eq!((both.name(), lane.backlog.published().number()), ("prompt", 7));
}
