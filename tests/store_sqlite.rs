//! The embedded store keeps the promises of a store, and those of its own: one engine, readers beside it, durable.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use hwan::{
    storage::{
        conformance::{
            Subject,
            fixture::{Scribe, currencies, money, records, seq},
        },
        port::{CommitError, LedgerStore, StoreError},
        sqlite::{SqliteOptions, SqliteStore},
    },
    store_conformance,
};
use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Position, SEQ_MAX, Seq},
};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

struct Sqlite {
    dir: TempDir,
    store: Option<Arc<SqliteStore>>,
}

impl Sqlite {
    async fn shut(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
    }

    async fn open(&mut self) {
        self.store = Some(Arc::new(open(self.dir.path()).await.unwrap()));
    }
}

#[async_trait]
impl Subject for Sqlite {
    fn store(&self) -> Arc<dyn LedgerStore> {
        Arc::clone(self.store.as_ref().unwrap()) as Arc<dyn LedgerStore>
    }

    async fn reopen(&mut self) {
        self.shut().await;
        self.open().await;
    }

    async fn forget_totals(&mut self, lane: LaneId) {
        self.shut().await;
        let mut connection = raw(self.dir.path()).await;
        sqlx::query("UPDATE lane SET totals = NULL WHERE id = ?")
            .bind(i64::from(lane.number()))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        self.open().await;
    }

    async fn lose_journal_after(&mut self, lane: LaneId, seq: Seq) {
        self.shut().await;
        let mut connection = raw(self.dir.path()).await;
        let last = Position::new(lane, Seq::new(SEQ_MAX).unwrap()).packed();
        sqlx::query("DELETE FROM journal WHERE id > ? AND id <= ?")
            .bind(Position::new(lane, seq).packed())
            .bind(last)
            .execute(&mut connection)
            .await
            .unwrap();
        sqlx::query(
            "UPDATE lane SET (seq, hash, last_at, last_date) = \
             (SELECT id & 281474976710655, hash, at, business_date FROM journal WHERE id = ?) WHERE id = ?",
        )
        .bind(Position::new(lane, seq).packed())
        .bind(i64::from(lane.number()))
        .execute(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
        self.open().await;
    }
}

async fn open(dir: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(dir, currencies(), SqliteOptions::default()).await
}

async fn raw(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(dir.join("ledger.db")).connect().await.unwrap()
}

async fn sqlite() -> Sqlite {
    let mut subject = Sqlite { dir: tempfile::tempdir().unwrap(), store: None };
    subject.open().await;
    subject
}

store_conformance!(sqlite);

async fn begin(store: &SqliteStore) -> Scribe {
    Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap())
}

#[tokio::test]
async fn a_second_engine_is_refused_and_told_which_file() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).await.unwrap();
    let refused = open(dir.path()).await.err().unwrap().to_string();
    let file = dir.path().join("engine.lock");
    assert!(refused.contains(&file.display().to_string()), "{refused}");
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    first.close().await;
    open(dir.path()).await.unwrap().close().await;
    let dropped = open(dir.path()).await.unwrap();
    drop(dropped);
    open(dir.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_reader_works_beside_the_engine_and_without_it() {
    let dir = tempfile::tempdir().unwrap();
    assert!(SqliteStore::open_read_only(dir.path(), currencies()).await.is_err(), "there is no ledger yet");
    let engine = open(dir.path()).await.unwrap();
    let mut scribe = begin(&engine).await;
    let family = scribe.open_family();
    engine.commit(&scribe.batch()).await.unwrap();
    let reader = SqliteStore::open_read_only(dir.path(), currencies()).await.unwrap();
    assert!(reader.customer(family.customer).await.unwrap().is_some());
    scribe.deposit(family.won, money("5", "KRW"));
    engine.commit(&scribe.batch()).await.unwrap();
    assert_eq!(reader.journal(LaneId::FIRST, seq(1), 10).await.unwrap().len(), 4);
    scribe.deposit(family.won, money("5", "KRW"));
    assert!(matches!(reader.commit(&scribe.batch()).await, Err(CommitError::NotDone(_))));
    assert!(matches!(reader.take_lane(LaneId::FIRST).await, Err(StoreError::Unavailable(_))));
    assert!(reader.project(LaneId::FIRST, Seq::ZERO, &[]).await.is_err());
    reader.close().await;
    engine.close().await;
    let reader = SqliteStore::open_read_only(dir.path(), currencies()).await.unwrap();
    assert_eq!(reader.journal(LaneId::FIRST, seq(1), 10).await.unwrap().len(), 4);
    assert!(reader.name().starts_with("sqlite 3."));
}

#[tokio::test]
async fn an_unfinished_transaction_of_a_killed_engine_leaves_nothing() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(dir.path()).await.unwrap();
    let mut scribe = begin(&store).await;
    let family = scribe.open_family();
    store.commit(&scribe.batch()).await.unwrap();
    // Half of a commit, written by hand, on the disk but not committed: what a killed process leaves.
    let mut half = raw(dir.path()).await;
    for statement in ["PRAGMA cache_size = 1", "PRAGMA cache_spill = 1", "BEGIN IMMEDIATE", "UPDATE lane SET seq = 9"] {
        sqlx::raw_sql(statement).execute(&mut half).await.unwrap();
    }
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO journal \
         SELECT id + i, kind, customer, NULL, NULL, at, business_date, body, hash FROM journal, n WHERE id = (SELECT max(id) FROM journal)",
    )
    .execute(&mut half)
    .await
    .unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap) {
        if file.file_name() != "engine.lock" {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    assert!(
        std::fs::metadata(copy.path().join("ledger.db-wal")).unwrap().len() > 1_000_000,
        "half of it is in the log"
    );

    let reader = SqliteStore::open_read_only(copy.path(), currencies()).await.unwrap();
    assert_eq!(reader.journal(LaneId::FIRST, seq(1), 100).await.unwrap().len(), 3, "a reader recovers the log too");
    reader.close().await;
    let survivor = open(copy.path()).await.unwrap();
    let taken = survivor.take_lane(LaneId::FIRST).await.unwrap();
    assert_eq!((taken.seq, taken.hash), scribe.head());
    scribe.retaken(&taken);
    scribe.deposit(family.won, money("5", "KRW"));
    survivor.commit(&scribe.batch()).await.unwrap();
    assert_eq!(survivor.journal(LaneId::FIRST, seq(1), 100).await.unwrap().len(), 4);
    survivor.close().await;
}

#[tokio::test]
async fn a_lane_that_was_edited_by_hand_is_damaged() {
    for edit in [
        "UPDATE lane SET seq = seq + 1",
        "UPDATE lane SET hash = zeroblob(32)",
        "DELETE FROM journal WHERE id = (SELECT max(id) FROM journal)",
        "UPDATE lane SET last_date = last_date + 1",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).await.unwrap();
        let mut scribe = begin(&store).await;
        scribe.open_family();
        store.commit(&scribe.batch()).await.unwrap();
        sqlx::raw_sql(edit).execute(&mut raw(dir.path()).await).await.unwrap();
        let answer = store.take_lane(LaneId::FIRST).await;
        assert!(matches!(&answer, Err(StoreError::Damaged(text)) if text.contains("lane 1")), "{edit}: {answer:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_text_that_was_edited_by_hand_is_damaged_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    let mut scribe = begin(&store).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("5", "KRW"));
    store.commit(&scribe.batch()).await.unwrap();
    let edit = "UPDATE journal SET body = replace(body, '\"5\"', '\"05\"')";
    sqlx::raw_sql(edit).execute(&mut raw(dir.path()).await).await.unwrap();
    let answer = store.journal(LaneId::FIRST, seq(1), 10).await;
    assert!(matches!(&answer, Err(StoreError::Damaged(text)) if text.contains("1/4")), "{answer:?}");
    store.close().await;
}

#[tokio::test]
async fn currencies_that_mean_something_else_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.unwrap().close().await;
    let changed = |change: &dyn Fn(&mut Vec<hwan_domain::currency::CurrencySpec>)| {
        let mut specs: Vec<_> = currencies().iter().map(|(_, spec)| spec.clone()).collect();
        change(&mut specs);
        Arc::new(CurrencySet::new(specs).unwrap())
    };
    let rescaled = changed(&|specs| {
        specs.iter_mut().filter(|spec| spec.code == "USD").for_each(|spec| spec.minor_digits = 3);
    });
    let removed = changed(&|specs| specs.retain(|spec| spec.code != "PHP"));
    for (set, named) in [(rescaled, "USD"), (removed, "PHP")] {
        let refused = SqliteStore::open(dir.path(), set, SqliteOptions::default()).await.err().unwrap();
        assert!(matches!(&refused, StoreError::Unsafe(text) if text.contains(named)), "{refused}");
    }
    open(dir.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn the_views_show_people_decimals_and_dates() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    let mut scribe = begin(&store).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.deposit(family.foreign, money("0.05", "EUR"));
    scribe.buy(family, money("100.00", "USD"));
    store.commit(&scribe.batch()).await.unwrap();
    let mut connection = raw(dir.path()).await;
    let rows = sqlx::query("SELECT account_id, customer_id, currency, amount FROM v_balance ORDER BY currency")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let read: Vec<[String; 4]> = rows.iter().map(|row| [0, 1, 2, 3].map(|column| row.get(column))).collect();
    let customer = family.customer.to_string();
    let (won, foreign) = (family.won.to_string(), family.foreign.to_string());
    assert_eq!(
        read,
        [
            [&*foreign, &*customer, "EUR", "0.05"],
            [&*won, &*customer, "KRW", "864950"],
            [&*foreign, &*customer, "USD", "100.00"]
        ]
    );
    let rows = sqlx::query(
        "SELECT seq, side, account_id, amount, balance_after, business_date FROM v_posting ORDER BY seq, side DESC",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(rows.len(), 4);
    let debit: [String; 5] = [1, 2, 3, 4, 5].map(|column| rows[2].get(column));
    assert_eq!(debit, ["debit", &won, "-135050", "864950", "2026-11-23"]);
    let (lane, seq, kind): (i64, i64, String) =
        sqlx::query_as("SELECT lane, seq, kind FROM v_journal ORDER BY seq DESC LIMIT 1")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!((lane, seq, kind.as_str()), (1, 6, "exchanged"));
    store.close().await;
}

#[tokio::test]
async fn the_log_begins_anew_beside_the_commits_unless_a_reader_holds_an_old_state() {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { checkpoint_mib: 1, wal_mib_max: 2, ..SqliteOptions::default() };
    let store = SqliteStore::open(dir.path(), currencies(), options).await.unwrap();
    let mut scribe = begin(&store).await;
    let family = scribe.open_family();
    let log = || std::fs::metadata(dir.path().join("ledger.db-wal")).unwrap().len();
    // A commit that is appended to the log makes the file longer; one with which the log begins anew does not.
    let mut grows = async || {
        let before = log();
        for _ in 0..100 {
            scribe.deposit(family.won, money("1", "KRW"));
        }
        store.commit(&scribe.batch()).await.unwrap();
        log() > before
    };
    assert!(grows().await);
    let mut reader = raw(dir.path()).await;
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM journal").execute(&mut reader).await.unwrap();
    for _ in 0..50 {
        assert!(grows().await, "the reader's state would be overwritten");
    }
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();
    let mut rounds = 0;
    while grows().await {
        rounds += 1;
        assert!(rounds < 300, "the log never begins anew");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    reader.close().await.unwrap();
    store.close().await;
    assert!(!dir.path().join("ledger.db-wal").exists(), "a closed ledger is one file");
}

#[tokio::test]
async fn lookups_by_key_use_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as("EXPLAIN QUERY PLAN SELECT id FROM journal WHERE key_digest IN (?, ?)")
            .fetch_all(&mut raw(dir.path()).await)
            .await
            .unwrap();
    assert!(plan.iter().any(|(.., step)| step.contains("journal_key")), "{plan:?}");
    store.close().await;
}

#[tokio::test]
async fn projections_of_an_older_form_are_built_anew_from_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await.unwrap();
    let mut scribe = begin(&store).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.buy(family, money("1.00", "USD"));
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    store.project(LaneId::FIRST, seq(0), &records(&batch)).await.unwrap();
    let passbook = store.passbook(family.won, 0, 10).await.unwrap();
    assert_eq!(passbook.len(), 2);
    store.close().await;

    // As the first form left it: other tables, and projections that say they have followed.
    let older = SqliteConnectOptions::new().filename(dir.path().join("passbook.db"));
    let mut connection = older.connect().await.unwrap();
    sqlx::raw_sql(
        "DELETE FROM _sqlx_migrations WHERE version > 1; DROP TABLE passbook; DROP TABLE daily_balance; \
         ALTER TABLE projection RENAME TO followed;",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::raw_sql(include_str!("../migrations/sqlite/passbook/0001_passbook.sql"))
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql("INSERT INTO projection SELECT * FROM followed; DROP TABLE followed")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();

    let store = open(dir.path()).await.unwrap();
    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    assert_eq!((taken.seq, taken.projected), (seq(5), seq(0)));
    store.project(LaneId::FIRST, seq(0), &records(&batch)).await.unwrap();
    assert_eq!(store.passbook(family.won, 0, 10).await.unwrap(), passbook);
    store.close().await;
}
