//! What befalls a connection or a row: each trouble has its answer, leaves nothing half done, and passes. On MySQL and on
//! MariaDB. What befalls a whole server is in `broken_servers`.

use std::time::{Duration, Instant};

use hwan::storage::{
    conformance::fixture::{key, money, seq},
    mysql::MysqlOptions,
    port::{CommitError, LedgerStore, StoreError},
};
use sqlx::MySqlConnection;
use tokio::sync::Mutex;

use super::{
    database::{Database, Server, run, text},
    seen::{BEGUN, DONE, LANE, Ledger, committing, seen},
};

/// Longer than the server lets a statement of hwan's wait for a lock, and the lease's renewal before it.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(6);
/// Trouble that is over is over at once.
const SOON: Duration = Duration::from_secs(5);
/// The server shows its transactions as they were when they were last looked at, unless that is longer ago than 100 ms: whoever
/// looks more often, or two who look in turns, see them stand still.
const LOOK_EVERY: Duration = Duration::from_millis(120);
/// Held by the only test that looks.
static LOOKING: Mutex<()> = Mutex::const_new(());

/// One look at the server's transactions: how many there are like this.
async fn transactions(connection: &mut MySqlConnection, like: &str) -> String {
    let _alone = LOOKING.lock().await;
    tokio::time::sleep(LOOK_EVERY).await;
    text(connection, &format!("SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.INNODB_TRX WHERE {like}")).await
}

/// Transactions with changes that this connection has open, of the server's own counting.
async fn open_transactions(connection: &mut MySqlConnection, number: &str) -> String {
    transactions(connection, &format!("trx_mysql_thread_id = {number} AND trx_rows_modified > 0")).await
}

/// Waits until this connection waits for a row's lock.
async fn until_it_waits(connection: &mut MySqlConnection, number: &str) {
    let waiting = format!("trx_mysql_thread_id = {number} AND trx_state = 'LOCK WAIT'");
    let begun = Instant::now();
    while transactions(connection, &waiting).await != "1" {
        assert!(begun.elapsed() < SOON, "connection {number} never waited");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_for_a_row_that_another_holds_is_not_done_and_leaves_nothing_behind() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let mut ledger = Ledger::begin(&database.options()).await;
        let batch = ledger.next();
        let (mut holder, mut beside) = (database.raw().await, database.raw().await);
        // The row of the fence, and one of the last rows to be written: there half of the work is done before the wait.
        for held in ["SELECT seq FROM lane WHERE id = 1", "SELECT balances FROM holding"] {
            run(&mut holder, &format!("START TRANSACTION; {held} FOR UPDATE")).await;
            let number = committing(&mut beside).await;
            let begun = Instant::now();
            let why = ledger.not_done(&batch).await;
            assert!(why.contains("Lock wait timeout"), "{server:?}, {held}: {why}");
            assert!(begun.elapsed() < LOCK_WAIT_MAX, "{server:?}, {held}: {:?}", begun.elapsed());
            assert_eq!(seen(&mut beside).await, BEGUN, "{server:?}, {held}");
            // The server undoes the one statement only; the rest is undone by hwan's ROLLBACK, on the same connection.
            assert_eq!(open_transactions(&mut beside, &number).await, "0", "{server:?}, {held}");
            if !held.contains("lane") {
                run(&mut holder, "SELECT seq FROM lane WHERE id = 1 FOR UPDATE").await;
            }
            run(&mut holder, "ROLLBACK").await;
            assert_eq!(committing(&mut beside).await, number, "{server:?}, {held}: the connection is good for more");
        }
        ledger.store.commit(&batch).await.unwrap();
        assert_eq!(seen(&mut beside).await, DONE, "{server:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_broken_at_our_cost_is_not_done_and_the_same_batch_goes_through_afterwards() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let mut ledger = Ledger::begin(&database.options()).await;
        let batch = ledger.next();
        let (mut other, mut beside) = (database.raw().await, database.raw().await);
        // The server gives up the transaction that has changed less: the other one has changed more than a batch does.
        run(&mut other, "CREATE TABLE ballast (n INT PRIMARY KEY)").await;
        let rows: Vec<String> = (0..2_000).map(|n| format!("({n})")).collect();
        run(&mut other, &format!("START TRANSACTION; INSERT INTO ballast VALUES {}", rows.join(","))).await;
        run(&mut other, "SELECT balances FROM holding FOR UPDATE").await;
        let number = committing(&mut beside).await;
        let crossing = async {
            until_it_waits(&mut beside, &number).await;
            run(&mut other, "SELECT seq FROM lane WHERE id = 1 FOR UPDATE").await;
            run(&mut other, "ROLLBACK").await;
        };
        let (why, ()) = tokio::join!(ledger.not_done(&batch), crossing);
        assert!(why.contains("Deadlock"), "{server:?}: {why}");
        assert_eq!(seen(&mut beside).await, BEGUN, "{server:?}");
        assert_eq!(open_transactions(&mut beside, &number).await, "0", "{server:?}");
        ledger.store.commit(&batch).await.unwrap();
        assert_eq!(seen(&mut beside).await, DONE, "{server:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_killed_while_idle_costs_no_more_than_a_commit_that_is_not_done() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let mut ledger = Ledger::begin(&database.options()).await;
        let batch = ledger.next();
        let mut beside = database.raw().await;
        let number = committing(&mut beside).await;
        run(&mut beside, &format!("KILL {number}")).await;
        ledger.commit_again(&batch, SOON).await;
        assert_eq!(seen(&mut beside).await, DONE, "{server:?}");
        assert_ne!(committing(&mut beside).await, number, "{server:?}: a connection in doubt was used again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_killed_within_a_commit_leaves_nothing_and_the_answer_never_says_more_than_is_known() {
    for server in Server::ALL {
        // At the fence, and between the fence and the rest.
        for held in ["SELECT seq FROM lane WHERE id = 1", "SELECT balances FROM holding"] {
            let database = Database::create(server).await;
            let mut ledger = Ledger::begin(&database.options()).await;
            let batch = ledger.next();
            let (mut holder, mut beside) = (database.raw().await, database.raw().await);
            run(&mut holder, &format!("START TRANSACTION; {held} FOR UPDATE")).await;
            let number = committing(&mut beside).await;
            let killing = async {
                until_it_waits(&mut beside, &number).await;
                run(&mut beside, &format!("KILL {number}")).await;
            };
            let (outcome, ()) = tokio::join!(ledger.store.commit(&batch), killing);
            run(&mut holder, "ROLLBACK").await;
            match outcome {
                // The server said that it was interrupted, or the fence had no answer: COMMIT was never reached.
                Err(CommitError::NotDone(_)) => {}
                // The connection ended without a word while COMMIT was on its way: it is looked up.
                Err(CommitError::Unknown(_)) if !held.contains("lane") => {}
                other => panic!("{server:?}, {held}: {other:?}"),
            }
            let taken = ledger.take_again(SOON).await;
            assert_eq!((taken.seq, seen(&mut beside).await.as_str()), (seq(4), BEGUN), "{server:?}, {held}");
            ledger.commit_again(&batch, SOON).await;
            assert_eq!(seen(&mut beside).await, DONE, "{server:?}, {held}");
        }
    }
}

/// Settings under which the deadline of a commit passes before the server's own for a lock.
fn impatient(database: &Database) -> MysqlOptions {
    MysqlOptions { commit_timeout: Duration::from_millis(700), ..database.options() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_is_unknown_and_taking_the_lane_makes_sure_that_it_never_happens() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let mut ledger = Ledger::begin(&impatient(&database)).await;
        let batch = ledger.next();
        let (mut holder, mut beside) = (database.raw().await, database.raw().await);
        run(&mut holder, "START TRANSACTION; SELECT balances FROM holding FOR UPDATE").await;
        let outcome = ledger.store.commit(&batch).await;
        assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{server:?}: {outcome:?}");
        // The old transaction waits yet, and holds the lane's row: it is ended, not waited for.
        let taken = ledger.take_again(SOON).await;
        assert_eq!(taken.seq, seq(4), "{server:?}");
        run(&mut holder, "ROLLBACK").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(seen(&mut beside).await, BEGUN, "{server:?}: what was unknown happened after the lane was taken");
        ledger.commit_again(&batch, SOON).await;
        assert_eq!(seen(&mut beside).await, DONE, "{server:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_an_answer_that_happened_after_all_is_found_when_the_lane_is_taken() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let mut ledger = Ledger::begin(&impatient(&database)).await;
        let batch = ledger.next();
        let (mut holder, mut beside) = (database.raw().await, database.raw().await);
        run(&mut holder, "START TRANSACTION; SELECT balances FROM holding FOR UPDATE").await;
        let number = committing(&mut beside).await;
        let outcome = ledger.store.commit(&batch).await;
        assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{server:?}: {outcome:?}");
        // The rest of the packet is with the server: it runs on to its COMMIT although nobody listens any more.
        run(&mut holder, "ROLLBACK").await;
        let begun = Instant::now();
        while open_transactions(&mut beside, &number).await != "0" {
            assert!(begun.elapsed() < SOON, "{server:?}: it never came to an end");
        }
        let there = seen(&mut beside).await;
        let taken = ledger.take_again(SOON).await;
        assert_eq!(there, DONE, "{server:?}");
        assert_eq!((taken.seq, Some(taken.hash)), (seq(5), batch.head().map(|(_, hash)| hash)), "{server:?}");
        assert_eq!(seen(&mut beside).await, there, "{server:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_used_is_named_with_its_record_and_the_connection_goes_on() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let mut ledger = Ledger::begin(&database.options()).await;
        let mut beside = database.raw().await;
        let mut aside = ledger.scribe.clone();
        aside.deposit(ledger.family.won, money("234", "KRW"));
        let first = aside.batch().rows.last().unwrap().record.clone();
        let used = ledger.scribe.write_with(Some(key(77)), first.event.clone());
        ledger.store.commit(&ledger.scribe.batch()).await.unwrap();
        let there = seen(&mut beside).await;
        let mut twice = ledger.scribe.clone();
        twice.write_with(Some(key(77)), first.event.clone());
        match ledger.store.commit(&twice.batch()).await {
            Err(CommitError::DuplicateKey { key: named, used_by }) => assert_eq!((named, used_by), (key(77), used)),
            other => panic!("{server:?}: {other:?}"),
        }
        assert_eq!(seen(&mut beside).await, there, "{server:?}");
        ledger.scribe.write_with(Some(key(78)), first.event.clone());
        ledger.store.commit(&ledger.scribe.batch()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_is_ahead_of_its_lane_is_damage_and_nothing_goes_over_it() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let mut ledger = Ledger::begin(&database.options()).await;
        let batch = ledger.next();
        let mut beside = database.raw().await;
        // A row where the next one belongs, written by a hand that is not hwan's.
        run(
            &mut beside,
            "INSERT INTO journal (id, kind, at, business_date, body, hash) \
             SELECT id + 1, kind, at, business_date, body, hash FROM journal ORDER BY id DESC LIMIT 1",
        )
        .await;
        let outcome = ledger.store.commit(&batch).await;
        assert!(matches!(outcome, Err(CommitError::Fenced { .. })), "{server:?}: {outcome:?}");
        assert_eq!(seen(&mut beside).await, "4/5/1000", "{server:?}");
        let taken = ledger.store.take_lane(LANE).await;
        assert!(matches!(taken, Err(StoreError::Damaged(_))), "{server:?}: {taken:?}");
    }
}
