//! The database of the alternatives: made anew each time, seeded by large inserts, and counted when a load is over.

use anyhow::{Context, Result, ensure};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};

use super::order::{SEEDED_MINOR, customer_id};
use crate::progress::Progress;

/// Its name. Whatever bears it is dropped.
const DATABASE: &str = "hwan_baseline";
/// Customers in one insert: some 100 KiB, far below any server's packet.
const CUSTOMERS_PER_INSERT: usize = 1_000;

/// The URL of a database at a server; the one that the URL names is passed over.
pub(crate) fn url_of(server: &str, database: &str) -> Option<String> {
    let (scheme, rest) = server.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    Some(format!("{scheme}://{authority}/{database}"))
}

/// Drops a database, if it is there, and makes it anew.
pub(crate) async fn create_empty(server: &str, database: &'static str) -> Result<()> {
    let options = server.parse::<MySqlConnectOptions>().context("--mysql-url must be mysql://user@host:port")?;
    let mut connection = MySqlConnection::connect_with(&options.database("mysql"))
        .await
        .context("no MySQL answers at --mysql-url: is it running, and may the user log in?")?;
    for statement in ["DROP DATABASE IF EXISTS ", "CREATE DATABASE "] {
        let statement = format!("{statement}{database}");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(())
}

/// The server and its database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    url: String,
    options: MySqlConnectOptions,
    /// How connections go, for the report.
    link: &'static str,
}

impl Database {
    /// From a URL; a database in it is passed over. In plain text where the server lets the user in so: encryption of many
    /// small packets would be held against the alternatives.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let options = url.parse::<MySqlConnectOptions>().context("--mysql-url must be mysql://user@host:port")?;
        let options = options.disable_statement_logging();
        let plain = options.clone().ssl_mode(MySqlSslMode::Disabled);
        let (options, link) = match MySqlConnection::connect_with(&plain.clone().database("mysql")).await {
            Ok(connection) => {
                connection.close().await?;
                (plain, "in plain text")
            }
            Err(_) => (options, "over TLS if the server has it"),
        };
        Ok(Self { url: url.to_owned(), options: options.database(DATABASE), link })
    }

    /// A connection as the alternatives use it: read committed, and a transaction is open by the first statement in it,
    /// so that none costs a round trip to begin.
    pub(crate) async fn connect(&self) -> Result<MySqlConnection> {
        let mut connection = MySqlConnection::connect_with(&self.options).await.context("the database refused us")?;
        for set in ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET autocommit = 0"] {
            sqlx::raw_sql(set).execute(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Makes it anew with so many customers.
    pub(crate) async fn create(&self, customers: u32) -> Result<()> {
        create_empty(&self.url, DATABASE).await?;
        let mut connection = MySqlConnection::connect_with(&self.options).await?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&mut connection).await?;
        sqlx::raw_sql(include_str!("procedure.sql")).execute(&mut connection).await?;
        let mut progress = Progress::start("customers", customers.into());
        let numbers: Vec<usize> = (0..customers as usize).collect();
        for (done, chunk) in numbers.chunks(CUSTOMERS_PER_INSERT).enumerate() {
            for statement in inserts(chunk) {
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
            }
            progress.show((done * CUSTOMERS_PER_INSERT) as u64, "");
        }
        Ok(())
    }

    /// What the server is and how durable: a line for the report.
    pub(crate) async fn describe(&self) -> Result<String> {
        let mut connection = MySqlConnection::connect_with(&self.options).await?;
        let (version, flush, binlog, log_bin): (String, i64, i64, i64) = sqlx::query_as(
            "SELECT CAST(VERSION() AS CHAR), CAST(@@innodb_flush_log_at_trx_commit AS SIGNED), \
             CAST(@@sync_binlog AS SIGNED), CAST(@@log_bin AS SIGNED)",
        )
        .fetch_one(&mut connection)
        .await?;
        let full = flush == 1 && (binlog == 1 || log_bin == 0);
        Ok(format!(
            "server {version}, innodb_flush_log_at_trx_commit {flush}, sync_binlog {binlog}, log_bin {log_bin}, {}{}",
            self.link,
            if full { "" } else { ": NOT durable, its figures say nothing" }
        ))
    }

    /// Journal rows, passbook entries, and by how much won and cents differ from what was seeded.
    pub(crate) async fn count(&self) -> Result<Counted> {
        let mut connection = MySqlConnection::connect_with(&self.options).await?;
        let (journal, entries): (i64, i64) =
            sqlx::query_as("SELECT (SELECT COUNT(*) FROM journal), (SELECT COUNT(*) FROM passbook)")
                .fetch_one(&mut connection)
                .await?;
        let (wrong,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM balance b WHERE b.amount_minor <> ? + \
             (SELECT COALESCE(CAST(SUM(p.amount_minor) AS SIGNED), 0) FROM passbook p WHERE p.account = b.account)",
        )
        .bind(SEEDED_MINOR)
        .fetch_one(&mut connection)
        .await?;
        Ok(Counted { journal: u64::try_from(journal)?, entries: u64::try_from(entries)?, wrong: u64::try_from(wrong)? })
    }
}

/// What stands in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Rows of the journal.
    pub(crate) journal: u64,
    /// Entries of the passbook.
    pub(crate) entries: u64,
    /// Balances that do not follow from their entries.
    pub(crate) wrong: u64,
}

impl Counted {
    /// Fails unless all that was answered stands there, whole.
    pub(crate) fn check(&self, executed: u64) -> Result<()> {
        ensure!(self.journal >= executed, "{executed} exchanges were executed, the journal has {}", self.journal);
        ensure!(self.entries == self.journal * 2, "{} entries for {} exchanges", self.entries, self.journal);
        ensure!(self.wrong == 0, "{} balances do not follow from their entries", self.wrong);
        Ok(())
    }
}

/// The inserts of some customers.
fn inserts(customers: &[usize]) -> [String; 2] {
    let rows = |of: &dyn Fn(i64) -> String| -> String {
        customers.iter().map(|customer| of(customer_id(*customer))).collect::<Vec<_>>().join(",")
    };
    let balances = rows(&|id| format!("({},'KRW',{SEEDED_MINOR},1,0),({},'USD',{SEEDED_MINOR},1,0)", id + 1, id + 2));
    let limits = rows(&|id| format!("({id},0,0,0)"));
    [
        format!("INSERT INTO balance (account, currency, amount_minor, version, last_date) VALUES {balances}"),
        format!("INSERT INTO limit_use (customer, charged_at, day_won, month_won) VALUES {limits}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statement that makes a table.
    fn table<'a>(sql: &'a str, name: &str) -> &'a str {
        let from = sql.find(&format!("CREATE TABLE {name} (")).unwrap();
        &sql[from..from + sql[from..].find(';').unwrap()]
    }

    #[test]
    fn what_is_appended_is_appended_to_the_tables_of_hwans_store_but_for_where_the_journals_id_comes_from() {
        let store = include_str!("../../../migrations/mysql/0001_ledger.sql");
        for name in ["journal", "passbook", "daily_opening"] {
            let ours = table(include_str!("schema.sql"), name).replace(" AUTO_INCREMENT", "");
            assert_eq!(ours, table(store, name));
        }
    }

    #[test]
    fn a_customer_is_seeded_with_two_balances_and_a_row_of_limits() {
        let [balances, limits] = inserts(&[0, 1]);
        let base = customer_id(0);
        assert!(balances.ends_with(&format!(
            "VALUES ({},'KRW',1000000000000,1,0),({},'USD',1000000000000,1,0),({},'KRW',1000000000000,1,0),({},'USD',1000000000000,1,0)",
            base + 1, base + 2, base + 4, base + 5
        )));
        assert!(limits.ends_with(&format!("VALUES ({base},0,0,0),({},0,0,0)", base + 3)));
    }

    #[test]
    fn a_url_names_the_database_that_is_wanted() {
        for server in ["mysql://u:p@127.0.0.1:3306", "mysql://u:p@127.0.0.1:3306/", "mysql://u:p@127.0.0.1:3306/x?a=b"]
        {
            assert_eq!(url_of(server, "y").as_deref(), Some("mysql://u:p@127.0.0.1:3306/y"));
        }
        assert_eq!(url_of("127.0.0.1", "y"), None);
    }

    #[test]
    fn an_exchange_that_left_no_trace_is_found() {
        let good = Counted { journal: 10, entries: 20, wrong: 0 };
        assert!(good.check(10).is_ok() && good.check(9).is_ok());
        assert!(good.check(11).is_err());
        assert!(Counted { entries: 19, ..good }.check(10).is_err());
        assert!(Counted { wrong: 1, ..good }.check(10).is_err());
    }
}
