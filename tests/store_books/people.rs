//! What people see of the books, and whom the books refuse: the views, a changed chart, a reader before there is anything.

use std::sync::Arc;

use hwan::storage::{
    conformance::fixture::currencies,
    general_ledger::{
        conformance::{Subject, chart},
        port::{GeneralLedger, PostError, Step},
    },
    mysql::MysqlBooks,
    port::StoreError,
    sqlite::{SqliteBooks, SqliteOptions},
};
use hwan_domain::{
    exchange::Side,
    id::{LaneId, Position, Seq},
    ledger::{AccountCode, Chart, ChartAccount, Deal, JournalKind, LedgerEvent, TrialLine, Turnover, post},
    money::Money,
    time::{BusinessDate, Timestamp},
};
use smallvec::SmallVec;
use sqlx::{AssertSqlSafe, ConnectOptions, Row, sqlite::SqliteConnectOptions};

use super::{
    database::{Database, Server},
    open, sqlite,
};

const SHOWN: &str = "SELECT line, kind, account, of_currency, side, currency, amount, at, CAST(business_date AS CHAR) AS day, \
    reference FROM v_entry WHERE lane = 1 AND seq = 7 ORDER BY line";
const BALANCE: &str = "SELECT account, CAST(debit_minor AS CHAR) AS debit, CAST(credit_minor AS CHAR) AS credit \
    FROM v_trial_balance ORDER BY account";

/// 100.00 USD bought at 1350.50, as record 7 of lane 1.
async fn post_one(books: &dyn GeneralLedger) -> Result<(), PostError> {
    let usd = currencies().find("USD").unwrap();
    post_deal(
        books,
        Deal::Exchange {
            side: Side::Buy,
            currency: usd,
            debit: Money::won(-135_050).unwrap(),
            credit: Money::from_minor(10_005, usd).unwrap(),
        },
    )
    .await
}

async fn post_deal(books: &dyn GeneralLedger, deal: Deal) -> Result<(), PostError> {
    let at = Timestamp::parse_rfc3339("2026-11-23T01:00:00.000009Z").unwrap();
    let event = LedgerEvent {
        position: Position::new(LaneId::FIRST, Seq::new(7).unwrap()),
        at,
        business_date: at.seoul_date(),
        deal,
        totals: SmallVec::new(),
    };
    let journal = post(&chart(), &event).unwrap().unwrap();
    let turnovers: Vec<(BusinessDate, TrialLine)> = journal
        .entries
        .iter()
        .map(|entry| {
            let mut turnover = Turnover::default();
            turnover.post(entry.side, entry.amount.minor());
            (at.seoul_date(), TrialLine { account: entry.account, currency: entry.amount.currency(), turnover })
        })
        .collect();
    let cursor = books.enter(LaneId::FIRST).await.unwrap().cursor;
    let step = Step {
        lane: LaneId::FIRST,
        from: cursor.seq,
        revision: cursor.revision,
        seq: Seq::new(7).unwrap(),
        hash: cursor.hash,
        at: Some(at),
        business_date: Some(at.seoul_date()),
        offset: None,
        journals: vec![journal],
        turnovers,
        days: Vec::new(),
        trail: vec![cursor.hash; 7],
        dead_letters: Vec::new(),
    };
    books.post(&step).await
}

fn expected() -> Vec<String> {
    [
        "1 exchange 2010  debit KRW 135050",
        "2 exchange 1901 USD credit KRW 135050",
        "3 exchange 1900 USD debit USD 100.05",
        "4 exchange 2110 USD credit USD 100.05",
    ]
    .map(|line| format!("{line} 2026-11-23T01:00:00.000009Z 2026-11-23"))
    .to_vec()
}

macro_rules! shown {
    ($rows:expr) => {
        $rows
            .iter()
            .map(|row| {
                let text = |name: &str| row.try_get_unchecked::<String, _>(name).unwrap();
                let line: i64 = row.try_get_unchecked("line").unwrap();
                let account: i64 = row.try_get_unchecked("account").unwrap();
                let (kind, of, side) = (text("kind"), text("of_currency"), text("side"));
                let (currency, amount, at, day) = (text("currency"), text("amount"), text("at"), text("day"));
                format!("{line} {kind} {account} {of} {side} {currency} {amount} {at} {day}")
            })
            .collect::<Vec<_>>()
    };
}

macro_rules! balance {
    ($rows:expr) => {
        $rows
            .iter()
            .map(|row| {
                let text = |name: &str| row.try_get_unchecked::<String, _>(name).unwrap();
                let account: i64 = row.try_get_unchecked("account").unwrap();
                format!("{account} {} {}", text("debit"), text("credit"))
            })
            .collect::<Vec<_>>()
    };
}

const BALANCED: [&str; 4] = ["1900 10005 0", "1901 0 135050", "2010 135050 0", "2110 0 10005"];

#[tokio::test]
async fn people_read_entries_and_the_trial_balance_in_sqlite() {
    let subject = sqlite().await;
    post_one(subject.books().as_ref()).await.unwrap();
    let mut raw = SqliteConnectOptions::new().filename(subject.dir.path().join("books.db")).connect().await.unwrap();
    assert_eq!(shown!(sqlx::raw_sql(SHOWN).fetch_all(&mut raw).await.unwrap()), expected());
    assert_eq!(balance!(sqlx::raw_sql(BALANCE).fetch_all(&mut raw).await.unwrap()), BALANCED);
    let by_day = sqlx::raw_sql("SELECT * FROM v_turnover").fetch_all(&mut raw).await.unwrap();
    assert_eq!(by_day.len(), 4);
}

#[tokio::test]
async fn people_read_entries_and_the_trial_balance_on_a_server() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        post_one(database.books().as_ref()).await.unwrap();
        let mut raw = database.raw().await;
        let rows = sqlx::raw_sql(AssertSqlSafe(SHOWN.to_owned())).fetch_all(&mut raw).await.unwrap();
        assert_eq!(shown!(rows), expected(), "{server:?}");
        let rows = sqlx::raw_sql(AssertSqlSafe(BALANCE.to_owned())).fetch_all(&mut raw).await.unwrap();
        assert_eq!(balance!(rows), BALANCED, "{server:?}");
        let by_day = sqlx::raw_sql("SELECT * FROM v_turnover").fetch_all(&mut raw).await.unwrap();
        assert_eq!(by_day.len(), 4);
    }
}

/// The interest of scenario S37.
fn interest() -> Deal {
    let won = |won| Money::won(won).unwrap();
    Deal::Interest { gross: won(2_082), income_tax: won(290), local_tax: won(20), net: won(1_772) }
}

fn expected_of_interest() -> Vec<String> {
    [
        "1 interest 5010  debit KRW 2082",
        "2 interest 2410  credit KRW 2082",
        "3 interest 2410  debit KRW 2082",
        "4 interest 2010  credit KRW 1772",
        "5 interest 2420  credit KRW 290",
        "6 interest 2420  credit KRW 20",
    ]
    .map(|line| format!("{line} 2026-11-23T01:00:00.000009Z 2026-11-23"))
    .to_vec()
}

#[tokio::test]
async fn interest_comes_back_as_one_journal_of_six_entries_under_its_name() {
    let subject = sqlite().await;
    post_deal(subject.books().as_ref(), interest()).await.unwrap();
    let mut raw = SqliteConnectOptions::new().filename(subject.dir.path().join("books.db")).connect().await.unwrap();
    assert_eq!(shown!(sqlx::raw_sql(SHOWN).fetch_all(&mut raw).await.unwrap()), expected_of_interest());
    let place = Position::new(LaneId::FIRST, Seq::new(7).unwrap());
    let stored = async |books: Arc<dyn GeneralLedger>| books.journal(place).await.unwrap().unwrap();
    let journal = stored(subject.books()).await;
    assert_eq!((journal.kind, journal.entries.len(), journal.balanced()), (JournalKind::Interest, 6, Ok(())));
    for server in Server::ALL {
        let database = Database::create(server).await;
        post_deal(database.books().as_ref(), interest()).await.unwrap();
        let rows = sqlx::raw_sql(AssertSqlSafe(SHOWN.to_owned())).fetch_all(&mut database.raw().await).await.unwrap();
        assert_eq!(shown!(rows), expected_of_interest(), "{server:?}");
        assert_eq!(stored(database.books()).await, journal, "{server:?}");
    }
}

/// The chart with another number for the first account, and with another name for it.
fn changed() -> (Arc<Chart>, Arc<Chart>) {
    let with = |change: &dyn Fn(&mut ChartAccount)| {
        let mut accounts: Vec<ChartAccount> = chart().iter().cloned().collect();
        change(&mut accounts[0]);
        Arc::new(Chart::new(accounts).unwrap())
    };
    (with(&|account| account.code = AccountCode::new(1_011).unwrap()), with(&|account| account.name = "Cash".into()))
}

#[tokio::test]
async fn a_chart_that_gives_a_role_another_number_is_refused_and_another_name_is_not() {
    let (renumbered, renamed) = changed();
    let subject = sqlite().await;
    let again = async |chart: &Chart| {
        SqliteBooks::open(subject.dir.path(), currencies(), chart, &SqliteOptions::default()).await
    };
    let refused = again(&renumbered).await.err().unwrap();
    assert!(matches!(&refused, StoreError::Unsafe(text) if text.contains("account 1010 as won_reserves")), "{refused}");
    again(&renamed).await.unwrap().close().await;
    assert!(SqliteBooks::open_read_only(subject.dir.path(), currencies(), &renumbered).await.is_err());
    let database = Database::create(Server::Mysql).await;
    let refused = MysqlBooks::open(&database.options(), currencies(), Arc::clone(&renumbered)).await.err().unwrap();
    assert!(matches!(refused, StoreError::Unsafe(_)), "{refused}");
    MysqlBooks::open(&database.options(), currencies(), renamed).await.unwrap().close().await;
}

#[tokio::test]
async fn a_reader_sees_what_is_posted_beside_it_and_posts_nothing() {
    let empty = tempfile::tempdir().unwrap();
    assert!(SqliteBooks::open_read_only(empty.path(), currencies(), &chart()).await.is_err(), "there are no books yet");
    let subject = sqlite().await;
    let reader = SqliteBooks::open_read_only(subject.dir.path(), currencies(), &chart()).await.unwrap();
    let database = Database::create(Server::Mysql).await;
    let other = MysqlBooks::open_read_only(&database.options(), currencies(), chart()).await.unwrap();
    let pairs: [(Arc<dyn GeneralLedger>, &dyn GeneralLedger); 2] =
        [(subject.books(), &reader), (database.books(), &other)];
    for (books, reader) in pairs {
        assert!(reader.enter(LaneId::FIRST).await.is_err(), "a reader begins no lane");
        post_one(books.as_ref()).await.unwrap();
        assert_eq!(reader.cursors().await.unwrap().len(), 1);
        assert_eq!(reader.turnovers(None, None).await.unwrap().len(), 4);
        assert!(matches!(post_one(reader).await, Err(PostError::Store(StoreError::Unavailable(_)))));
        reader.close().await;
    }
    // And a second process may post: each step is fenced.
    let second = open(subject.dir.path()).await.unwrap();
    assert_eq!(second.cursors().await.unwrap().len(), 1);
    second.close().await;
}
