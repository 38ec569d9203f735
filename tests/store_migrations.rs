//! A ledger from before customers had channels and exchanges could be reversed is brought up to date by opening it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{fs, path::Path};

use hwan::{
    storage::{
        codec,
        conformance::fixture::{Scribe, currencies, key, money, records, seq},
        port::{CommitBatch, LedgerStore},
        sqlite::{SqliteOptions, SqliteStore},
    },
    verify::walk,
};
use hwan_domain::{
    id::{CustomerId, LaneId, Position, Seq},
    record::Event,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

/// The ledger's tables as the first version made them.
async fn first_version(dir: &Path) -> SqliteConnection {
    let only_first = tempfile::tempdir().unwrap();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite/ledger/0001_ledger.sql");
    fs::copy(migrations, only_first.path().join("0001_ledger.sql")).unwrap();
    let mut connection = raw(&dir.join("ledger.db")).await;
    Migrator::new(only_first.path()).await.unwrap().run_direct(None, &mut connection, false).await.unwrap();
    connection
}

/// Writes a batch as the first version wrote it: a quote in its column, no channel.
async fn write(connection: &mut SqliteConnection, batch: &CommitBatch) {
    let mut customers = Vec::new();
    for row in &batch.rows {
        let record = &row.record;
        sqlx::query("INSERT INTO journal (id, kind, customer, key_digest, quote, at, business_date, body, hash) VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?)")
            .bind(record.position.packed())
            .bind(record.event.name())
            .bind(record.key().map(|key| key.0.to_vec()))
            .bind(record.used_once().map(|used| used.0.to_vec()))
            .bind(record.at.micros())
            .bind(record.business_date.days())
            .bind(codec::encode(record))
            .bind(row.hash.0.to_vec())
            .execute(&mut *connection)
            .await
            .unwrap();
        if let Event::CustomerOpened { reference, .. } = &record.event {
            customers.push((record.position, reference.clone()));
        }
    }
    for (position, reference) in customers {
        sqlx::query(
            "INSERT INTO customer (id, reference, limit_at, limit_day_won, limit_month_won) VALUES (?, ?, 0, 0, 0)",
        )
        .bind(position.packed())
        .bind(reference.map(String::from))
        .execute(&mut *connection)
        .await
        .unwrap();
    }
    let (seq, hash) = batch.head().unwrap();
    let last = &batch.rows.last().unwrap().record;
    sqlx::query("INSERT INTO lane (id, epoch, seq, hash, last_at, last_date) VALUES (1, 1, ?, ?, ?, ?)")
        .bind(Position::new(LaneId::SYSTEM, seq).packed())
        .bind(hash.0.to_vec())
        .bind(last.at.micros())
        .bind(last.business_date.days())
        .execute(&mut *connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn customers_of_the_first_version_belong_to_whoever_opened_them_and_used_quotes_stay_used() {
    let dir = tempfile::tempdir().unwrap();
    let mut old = first_version(dir.path()).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let scratch = SqliteStore::open(elsewhere.path(), currencies(), SqliteOptions::default()).await.unwrap();
    let mut scribe = Scribe::taken(LaneId::FIRST, &scratch.take_lane(LaneId::FIRST).await.unwrap());
    let opened = |scribe: &mut Scribe| {
        let event = Event::CustomerOpened { reference: Some("r".into()), channel: None };
        CustomerId::at(scribe.write_with(None, event))
    };
    let customer = opened(&mut scribe);
    let quoted = {
        let mut aside = scribe.clone();
        let family = aside.open_family();
        aside.deposit(family.won, money("1000000", "KRW"));
        aside.buy(family, money("1.00", "USD"));
        aside.batch().rows.last().unwrap().record.event.clone()
    };
    let used_by = scribe.write_with(Some(key(5)), quoted.clone());
    let batch = scribe.batch();
    write(&mut old, &batch).await;
    // A row whose opening is not in the journal any more: nothing is known but that the operator was the only caller.
    sqlx::query("INSERT INTO customer (id, limit_at, limit_day_won, limit_month_won) VALUES (?, 0, 0, 0)")
        .bind(Position::new(LaneId::FIRST, Seq::new(99).unwrap()).packed())
        .execute(&mut old)
        .await
        .unwrap();
    old.close().await.unwrap();

    let store = SqliteStore::open(dir.path(), currencies(), SqliteOptions::default()).await.unwrap();
    let household = store.customer(customer).await.unwrap().unwrap();
    assert_eq!((&*household.customer.channel, household.customer.reference.as_deref()), ("scribe", Some("r")));
    let forgotten = CustomerId::at(Position::new(LaneId::FIRST, Seq::new(99).unwrap()));
    assert_eq!(&*store.customer(forgotten).await.unwrap().unwrap().customer.channel, "operator");
    let digest = batch.rows.last().unwrap().record.used_once().unwrap();
    let found = store.find_keys(&[digest, key(5)]).await.unwrap();
    assert_eq!(found.iter().map(|(_, row)| row.record.position).collect::<Vec<_>>(), [used_by, used_by]);
    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    scribe.retaken(&taken);
    scribe.write_with(None, quoted);
    assert!(store.commit(&scribe.batch()).await.is_err(), "the quote was used before");
    store.project(LaneId::FIRST, seq(0), &[]).await.unwrap();
    let mut connection = raw(&dir.path().join("ledger.db")).await;
    let shown: String = sqlx::query_scalar("SELECT used_once FROM v_journal WHERE used_once <> ''")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(shown.len(), 32);
    connection.close().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn suspense_and_channels_show_in_the_ledger_and_in_a_verification() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), currencies(), SqliteOptions::default()).await.unwrap();
    let mut scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
    let family = scribe.open_family();
    scribe.deposit(family.won, money("135050", "KRW"));
    scribe.buy(family, money("100.00", "USD"));
    let batch = scribe.batch();
    let bought = batch.rows.last().unwrap().record.clone();
    store.commit(&batch).await.unwrap();
    scribe.close_account(family.won);
    scribe.reverse(&bought, true);
    let rest = scribe.batch();
    store.commit(&rest).await.unwrap();
    let all = [records(&batch), records(&rest)].concat();
    store.project(LaneId::FIRST, seq(0), &all).await.unwrap();
    let mut connection = raw(&dir.path().join("ledger.db")).await;
    let rows: Vec<(String, String, String)> = sqlx::query_as("SELECT reversal_id, currency, amount FROM v_suspense")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let reversal = hwan_domain::id::ReversalId::at(rest.rows.last().unwrap().record.position).to_string();
    assert_eq!(rows, [(reversal, "KRW".to_owned(), "135050".to_owned())]);
    for (query, index) in [
        ("SELECT id FROM customer WHERE channel = ? AND id > ? ORDER BY id LIMIT 10", "customer_channel"),
        ("SELECT id FROM customer WHERE reference = ?", "customer_reference"),
        ("SELECT id FROM journal WHERE used_once IN (?, ?)", "journal_used_once"),
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")))
                .fetch_all(&mut connection)
                .await
                .unwrap();
        assert!(plan.iter().any(|(.., step)| step.contains(index)), "{query}: {plan:?}");
    }
    connection.close().await.unwrap();
    let report = walk::verify(&store, &mut |_| {}).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings());
    let mut text = Vec::new();
    report.write(&mut text).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("135050 KRW waits in suspense"));
    store.close().await;
}
