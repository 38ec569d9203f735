//! One name, two servers: after a failover connections to the old one may stay open. Nothing is written to it, and nothing of a
//! lane is read from it.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use hwan::storage::{mysql::MysqlOptions, port::LedgerStore};
use hwan_domain::account::AccountState;
use sqlx::{Connection, MySqlConnection};
use tokio::net::{TcpListener, TcpStream};

use super::{
    own_server::{DATABASE, OwnServer, home},
    seen::{BEGUN, DONE, Ledger, seen},
};

/// Where a name leads: new connections go to the server behind this port, those that are open stay where they are.
struct Name {
    leads_to: Arc<AtomicU16>,
    port: u16,
}

impl Name {
    async fn of(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, leads_to) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU16::new(server)));
        let now = Arc::clone(&leads_to);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let server = now.load(Ordering::Acquire);
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", server)).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Self { leads_to, port }
    }
}

/// What the won account holds, as the engine would read it.
async fn won(ledger: &Ledger) -> i64 {
    let household = ledger.store.customer(ledger.family.customer).await.unwrap().unwrap();
    let held = |account: &AccountState| account.balances.iter().map(|balance| balance.amount.minor()).sum::<i64>();
    household.accounts.iter().filter(|account| account.id == ledger.family.won).map(held).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failover_behind_the_same_name_the_old_server_is_neither_written_nor_read() {
    let mut old = OwnServer::start(&[]);
    let name = Name::of(old.instance.port()).await;
    let options = MysqlOptions {
        lease: Duration::from_secs(2),
        ..MysqlOptions::at(format!("mysql://hwan@127.0.0.1:{}/{DATABASE}", name.port))
    };
    let mut ledger = Ledger::begin(&options).await;

    // The new server has all that the old one has, and an identity of its own.
    old.instance.stop().unwrap();
    let place = home();
    let copied = Command::new("cp").arg("-r").arg(old.instance.home().join("data")).arg(place.path()).status().unwrap();
    assert!(copied.success());
    std::fs::remove_file(place.path().join("data/auto.cnf")).unwrap();
    old.instance.restart().unwrap();
    let new = OwnServer::start_in(place.path(), &[]);
    ledger.take_again(Duration::from_secs(20)).await;
    assert_eq!(won(&ledger).await, 1_000, "a reader is open to the old server");

    old.sql("SET GLOBAL super_read_only = ON");
    name.leads_to.store(new.port(), Ordering::Release);
    let batch = ledger.next();
    let why = ledger.not_done(&batch).await;
    assert!(why.contains("is it the primary?"), "{why}");
    ledger.take_again(Duration::from_secs(20)).await;
    ledger.commit_again(&batch, Duration::from_secs(5)).await;
    for _ in 0..20 {
        assert_eq!(won(&ledger).await, 1_234, "it was read from the old server");
    }
    let mut on_old = MySqlConnection::connect(&old.url_of_operator()).await.unwrap();
    let mut on_new = MySqlConnection::connect(&new.url(DATABASE)).await.unwrap();
    assert_eq!((seen(&mut on_old).await.as_str(), seen(&mut on_new).await.as_str()), (BEGUN, DONE));
    drop(new);
}
