//! What befalls a whole server, each on a server of the test's own: the answer while it lasts, nothing half done, and the
//! store at work again by itself when it is over.

use std::time::Duration;

use hwan::{
    storage::{
        conformance::fixture::{currencies, money, records, seq},
        mysql::{MysqlOptions, MysqlStore},
        port::{CommitError, LedgerStore, StoreError},
    },
    verify::walk,
};
use hwan_services::Signal;
use rand::RngExt;
use sqlx::{Connection, MySqlConnection};

use super::{
    database::run,
    own_server::{DATABASE, OwnServer, RIGHTS, USER},
    seen::{BEGUN, DONE, LANE, Ledger, committing, seen},
};

/// Trouble that is over is over soon, a server's start among it.
const SOON: Duration = Duration::from_secs(20);

/// Settings that suit tests.
fn options(server: &OwnServer) -> MysqlOptions {
    MysqlOptions {
        lease: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(2),
        commit_timeout: Duration::from_secs(3),
        read_timeout: Duration::from_secs(3),
        ..MysqlOptions::at(server.url())
    }
}

async fn operator(server: &OwnServer) -> MySqlConnection {
    MySqlConnection::connect(&server.url_of_operator()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_or_stopped_while_it_commits_has_all_that_was_acknowledged_and_no_half_of_the_rest() {
    let mut server = OwnServer::start(&[]);
    let mut ledger = Ledger::begin(&options(&server)).await;
    let (mut acknowledged, mut pending) = (4_u64, None);
    for round in 0..8 {
        let signal = if round % 4 == 3 { Signal::Terminate } else { Signal::Kill };
        let moment = Duration::from_millis(rand::rng().random_range(5..120));
        let breaking = async {
            tokio::time::sleep(moment).await;
            server.instance.signal(signal).unwrap();
        };
        let ledger_now = &mut ledger;
        let committing = async {
            loop {
                let batch = pending.take().unwrap_or_else(|| ledger_now.next());
                match ledger_now.commit(&batch).await {
                    Ok(()) => acknowledged += 1,
                    Err(error) => break (error, batch),
                }
            }
        };
        let ((error, batch), ()) = tokio::join!(committing, breaking);
        match signal {
            Signal::Kill => server.instance.kill().unwrap(),
            _ => server.instance.stop().unwrap(),
        }
        let (down, read) = (ledger.store.take_lane(LANE).await, ledger.store.lane_heads().await);
        assert!(matches!(down, Err(StoreError::Unavailable(_))), "while it is down: {down:?}");
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "while it is down: {read:?}");
        server.instance.restart().unwrap();
        let taken = ledger.take_again(SOON).await;
        let stands = taken.seq.number();
        match error {
            CommitError::NotDone(_) => assert_eq!(stands, acknowledged, "round {round}"),
            CommitError::Unknown(_) => assert!((acknowledged..=acknowledged + 1).contains(&stands), "round {round}"),
            other => panic!("round {round}: {other:?}"),
        }
        if stands == acknowledged {
            pending = Some(batch);
        } else {
            assert_eq!(Some(taken.hash), batch.head().map(|(_, hash)| hash), "round {round}");
            acknowledged = stands;
        }
        let whole = format!("{stands}/{stands}/{}", 1_000 + 234 * (stands - 4));
        assert_eq!(seen(&mut operator(&server).await).await, whole, "round {round}, {error:?}");
    }
    assert!(acknowledged > 20, "only {acknowledged} commits: the kills met none");
    let report = walk::verify(&ledger.store, &mut |_| ()).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_turns_read_only_gets_nothing_and_is_asked_for_anew_until_it_takes_writes() {
    let server = OwnServer::start(&[]);
    let mut ledger = Ledger::begin(&options(&server)).await;
    let mut beside = operator(&server).await;
    for (round, setting) in ["read_only", "super_read_only"].into_iter().enumerate() {
        let before = seen(&mut beside).await;
        let number = committing(&mut beside).await;
        let batch = ledger.next();
        server.sql(&format!("SET GLOBAL {setting} = ON"));
        let why = ledger.not_done(&batch).await;
        assert!(why.contains("is it the primary?"), "{setting}: {why}");
        let why = ledger.not_done(&batch).await;
        assert!(why.contains("read_only") && why.contains("is it the primary?"), "{setting}: {why}");
        let taken = ledger.store.take_lane(LANE).await;
        assert!(
            matches!(&taken, Err(StoreError::Unavailable(why)) if why.contains("read_only")),
            "{setting}: {taken:?}"
        );
        let projected = ledger.store.project(LANE, seq(round as u64), &records(&batch)).await;
        assert!(projected.is_err(), "{setting}");
        assert!(ledger.store.customer(ledger.family.customer).await.unwrap().is_some(), "{setting}: it can be read");
        assert_eq!(seen(&mut beside).await, before, "{setting}");
        server.sql("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF");
        ledger.take_again(SOON).await;
        ledger.commit_again(&batch, SOON).await;
        // By the same name another server may be found after a failover: not the old connection again.
        assert_ne!(committing(&mut beside).await, number, "{setting}");
    }
    assert_eq!(seen(&mut beside).await, "6/6/1468");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packet_that_the_server_does_not_take_is_not_done_and_a_server_that_takes_too_little_is_refused_by_name() {
    let server = OwnServer::start(&[]);
    let mut ledger = Ledger::begin(&options(&server)).await;
    let mut beside = operator(&server).await;
    let mut batch = ledger.next();
    let kill = async |beside: &mut MySqlConnection| {
        let number = committing(beside).await;
        server.sql(&format!("KILL {number}"));
    };

    // The check sees it: nothing is committed by a connection that could not hold a batch.
    server.sql("SET GLOBAL max_allowed_packet = 1048576");
    kill(&mut beside).await;
    let _lost = ledger.commit(&batch).await;
    let why = ledger.not_done(&batch).await;
    assert!(why.contains("max_allowed_packet") && why.contains("1048576"), "{why}");
    assert_eq!(seen(&mut beside).await, BEGUN);
    server.sql("SET GLOBAL max_allowed_packet = 67108864");
    ledger.commit_again(&batch, SOON).await;
    assert_eq!(seen(&mut beside).await, DONE);

    // Whatever else the store keeps open is open by now: the next connection is the one that commits.
    tokio::time::sleep(Duration::from_secs(2)).await;
    // The check does not see it: the session begins with little, and the server is set right before it is asked.
    let (user, _) = USER;
    server.sql(&format!("GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO '{user}'@'%'"));
    server.sql("SET GLOBAL init_connect = 'SET GLOBAL max_allowed_packet = 67108864'");
    server.sql("SET GLOBAL max_allowed_packet = 1048576");
    let number = committing(&mut beside).await;
    kill(&mut beside).await;
    // The lease's renewal opens the next connection.
    while committing(&mut beside).await == number {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..4_000 {
        ledger.scribe.deposit(ledger.family.won, money("1", "KRW"));
    }
    batch = ledger.scribe.batch();
    match ledger.commit(&batch).await {
        // The server refused it, or hung up while it was still being sent.
        Err(CommitError::NotDone(_) | CommitError::Unknown(_)) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(seen(&mut beside).await, DONE);
    let taken = ledger.take_again(SOON).await;
    assert_eq!(taken.seq, seq(5));
    ledger.commit_again(&batch, SOON).await;
    assert_eq!(seen(&mut beside).await, "4005/4005/5234");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_connection_to_spare_is_unavailable_and_serves_again_when_there_is_one() {
    let server = OwnServer::start(&[]);
    let (user, _) = USER;
    let mut ledger = Ledger::begin(&options(&server)).await;
    let mut beside = operator(&server).await;
    // Somebody else's connection, by hwan's own name, takes the only place that is left.
    let _hog = MySqlConnection::connect(&server.url()).await.unwrap();
    for (round, (crowd, clear)) in [
        ("SET GLOBAL max_connections = 1".to_owned(), "SET GLOBAL max_connections = 400".to_owned()),
        (
            format!("ALTER USER '{user}'@'%' WITH MAX_USER_CONNECTIONS 1"),
            format!("ALTER USER '{user}'@'%' WITH MAX_USER_CONNECTIONS 0"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let before = seen(&mut beside).await;
        let batch = ledger.next();
        let number = committing(&mut beside).await;
        // There is no connection for the operator either: this one has to do.
        run(&mut beside, &crowd).await;
        // A user's connections count from the limit on.
        let late = MySqlConnection::connect(&server.url()).await;
        run(&mut beside, &format!("KILL {number}")).await;
        let _lost = ledger.commit(&batch).await;
        let why = ledger.not_done(&batch).await;
        assert!(why.contains("raise max_connections, or close others"), "round {round}: {why}");
        for refused in [
            ledger.store.take_lane(LANE).await.map(|_| ()),
            MysqlStore::open(&options(&server), currencies()).await.map(|_| ()),
        ] {
            let is_named = matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("max_connections"));
            assert!(is_named, "round {round}: {refused:?}");
        }
        assert_eq!(seen(&mut beside).await, before, "round {round}");
        run(&mut beside, &clear).await;
        drop(late);
        ledger.take_again(SOON).await;
        ledger.commit_again(&batch, SOON).await;
    }
    assert_eq!(seen(&mut beside).await, "6/6/1468");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_whose_rights_are_gone_commits_nothing_and_goes_on_when_they_are_granted_again() {
    let server = OwnServer::start(&[]);
    let (user, _) = USER;
    let mut ledger = Ledger::begin(&options(&server)).await;
    let mut beside = operator(&server).await;
    let give = format!("GRANT {RIGHTS} ON {DATABASE}.* TO '{user}'@'%'; ALTER USER '{user}'@'%' ACCOUNT UNLOCK");
    for (round, take) in [
        // The connection is refused; half of the work is refused within the transaction; the user is locked out.
        format!("REVOKE ALL PRIVILEGES ON {DATABASE}.* FROM '{user}'@'%'"),
        format!("REVOKE INSERT ON {DATABASE}.* FROM '{user}'@'%'"),
        format!("ALTER USER '{user}'@'%' ACCOUNT LOCK"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = seen(&mut beside).await;
        let batch = ledger.next();
        server.sql(&take);
        let number = committing(&mut beside).await;
        // Rights that are gone are noticed by new connections.
        server.sql(&format!("KILL {number}"));
        let _lost = ledger.commit(&batch).await;
        let why = ledger.not_done(&batch).await;
        assert!(why.contains("grant hwan's user its rights again"), "round {round}: {why}");
        assert_eq!(seen(&mut beside).await, before, "round {round}");
        server.sql(&give);
        ledger.take_again(SOON).await;
        // Rights that are back are noticed by new connections, too.
        let number = committing(&mut beside).await;
        server.sql(&format!("KILL {number}"));
        ledger.commit_again(&batch, SOON).await;
    }
    assert_eq!(seen(&mut beside).await, "7/7/1702");
}
