//! Every query of docs/mysql.md runs, on both servers, and shows what the page says; the rights for readers let them read, and
//! nothing else.

use hwan::storage::{
    conformance::fixture::{Scribe, money, records},
    mysql::{MysqlOptions, MysqlStore},
    port::LedgerStore,
};
use hwan_domain::id::Seq;
use sqlx::{AssertSqlSafe, Connection, Either, MySqlConnection};

use super::{
    database::{Database, Server},
    own_server::{DATABASE, OwnServer},
    seen::LANE,
};

/// The page's blocks of this kind.
fn blocks(kind: &str) -> Vec<String> {
    let page = include_str!("../../docs/mysql.md");
    let fence = format!("```{kind}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// How many rows statements bring.
async fn rows(connection: &mut MySqlConnection, sql: &str) -> Result<usize, sqlx::Error> {
    use futures_util::TryStreamExt;
    let mut count = 0;
    let mut results = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_many(connection);
    while let Some(result) = results.try_next().await? {
        count += usize::from(matches!(result, Either::Right(_)));
    }
    Ok(count)
}

/// A ledger with a row for each query: a customer, money, an exchange that was reversed into suspense.
async fn fill(store: &MysqlStore) {
    let mut scribe = Scribe::taken(LANE, &store.take_lane(LANE).await.unwrap());
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.buy(family, money("100.05", "USD"));
    let first = scribe.batch();
    store.commit(&first).await.unwrap();
    scribe.reverse(&first.rows.last().unwrap().record, true);
    let second = scribe.batch();
    store.commit(&second).await.unwrap();
    let all: Vec<_> = [records(&first), records(&second)].concat();
    store.project(LANE, Seq::ZERO, &all).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_the_page_runs_and_shows_what_it_says() {
    let queries = blocks("sql");
    assert!(queries.len() > 15, "the page is not read: {queries:?}");
    for server in Server::ALL {
        let database = Database::create(server).await;
        fill(&database.mysql()).await;
        let mut connection = database.raw().await;
        for query in &queries {
            let count =
                rows(&mut connection, query).await.unwrap_or_else(|error| panic!("{server:?}: {error}: {query}"));
            let is_proof = query.starts_with("-- no row");
            assert_eq!(count == 0, is_proof, "{server:?}: {count} rows of {query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_proofs_of_the_page_find_what_they_are_for() {
    let proofs: Vec<String> = blocks("sql").into_iter().filter(|query| query.starts_with("-- no row")).collect();
    let harms = [
        "UPDATE holding SET balances = REPLACE(balances, '\"USD\",', '\"USD\",1')",
        "UPDATE journal SET body = REPLACE(body, 'scribe', 'scrive') WHERE id = (1 << 48) + 4",
        "UPDATE lane SET hash = REVERSE(hash) WHERE id = 1",
    ];
    assert_eq!(proofs.len(), harms.len());
    for server in Server::ALL {
        let database = Database::create(server).await;
        fill(&database.mysql()).await;
        let mut connection = database.raw().await;
        for (proof, harm) in proofs.iter().zip(harms) {
            assert_eq!(rows(&mut connection, harm).await.unwrap(), 0);
            assert!(rows(&mut connection, proof).await.unwrap() > 0, "{server:?}: not found by {proof}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_with_the_rights_of_the_page_reads_the_views_and_changes_nothing() {
    let server = OwnServer::start(&[]);
    let store = MysqlStore::open(&MysqlOptions::at(server.url()), hwan::storage::conformance::fixture::currencies())
        .await
        .unwrap();
    fill(&store).await;
    for block in blocks("sql admin") {
        server.sql(&block);
    }
    server.sql("CREATE USER reader; GRANT ledger_reader TO reader; SET DEFAULT ROLE ledger_reader TO reader");
    let url = format!("mysql://reader@127.0.0.1:{}/{DATABASE}", server.instance.port());
    let mut reader = MySqlConnection::connect(&url).await.unwrap();
    let tables = ["journal", "passbook", "daily_opening", "checkpoint", "FROM lane", "_sqlx"];
    let mut read = 0;
    for query in blocks("sql") {
        let is_of_tables = tables.iter().any(|table| query.contains(table)) && !query.contains("v_");
        if !is_of_tables {
            rows(&mut reader, &query).await.unwrap_or_else(|error| panic!("{error}: {query}"));
            read += 1;
        }
    }
    assert!(read > 8, "only {read} queries were tried");
    for refused in [
        "SELECT * FROM journal",
        "SELECT * FROM holding",
        "UPDATE lane SET epoch = epoch + 1",
        "DELETE FROM v_journal",
        "CREATE TABLE mine (n INT)",
    ] {
        assert!(rows(&mut reader, refused).await.is_err(), "{refused}");
    }
}
