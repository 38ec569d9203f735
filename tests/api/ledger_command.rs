//! `hwan ledger`, beside a running server and without one.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use hwan::{
    config::{chart, currencies},
    storage::{
        general_ledger::port::{DeadLetter, DeadLetterKind, GeneralLedger, Step},
        port::ChainHash,
        sqlite::{SqliteBooks, SqliteOptions},
    },
};
use hwan_domain::{
    id::{LaneId, Position},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::server::{Server, order};

fn ledger(data: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hwan"));
    let Output { status, stdout, stderr } =
        command.arg("ledger").args(arguments).arg("--data").arg(data).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code().unwrap(), text)
}

fn ledger_json(data: &Path, command: &str) -> Value {
    let (code, text) = ledger(data, &[command, "--format", "json"]);
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// 100.00 USD bought of the bank, which covers them.
async fn traded() -> Server {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    server.post_with("/v1/exchanges", "x", &order(&customer, "buy", "100.00", "USD")).await.expect(201);
    let deal = json!({ "side": "buy", "amount": { "amount": "100.00", "currency": "USD" }, "rate": "1349.00" });
    server.post_with("/v1/positions/covers", "c", &deal).await.expect(201);
    for _ in 0..200 {
        if server.get("/v1/ledger/lag").await.expect(200)["records"] == 0 {
            return server;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the books do not follow");
}

#[tokio::test]
async fn the_books_are_printed_beside_a_running_server_and_after_it() {
    let mut server = traded().await;
    for round in ["running", "stopped"] {
        let data = server.data();
        let (code, text) = ledger(&data, &["trial-balance"]);
        assert!(code == 0 && text.ends_with("\nbalanced\n") && text.contains("150 Cr"), "{round}: {text}");
        let trial = ledger_json(&data, "trial-balance");
        assert_eq!((&trial["balanced"], trial["lines"].as_array().unwrap().len()), (&json!(true), 6));
        let (code, text) = ledger(&data, &["trial-balance", "--as-of", "2026-11-22"]);
        assert!(code == 0 && text.starts_with("trial balance as of 2026-11-22\n"), "{text}");
        let positions = ledger_json(&data, "positions");
        let position = &positions["positions"][0];
        let shown = ["currency", "open", "realised_won", "mid", "mark"].map(|field| position[field].as_str().unwrap());
        assert_eq!(shown, ["USD", "0.00", "150", "1350.50", "within"]);
        let lag = ledger_json(&data, "lag");
        assert!(lag["lanes"].as_array().unwrap().iter().all(|lane| lane["records"] == 0), "{lag}");
        assert_eq!(ledger_json(&data, "dead-letters"), json!({ "dead_letters": [] }));
        let proof = ledger_json(&data, "compare");
        assert_eq!(proof["agrees"], true, "{proof}");
        for command in ["positions", "lag", "dead-letters", "compare"] {
            let (code, text) = ledger(&data, &[command]);
            assert!(code == 0 && !text.is_empty(), "{command}: {text}");
        }
        let (code, text) = ledger(&data, &["redeliver", "--all"]);
        assert_eq!((code, text.as_str()), (0, "0 posted, 0 left\n"));
        server.stop();
    }
}

#[tokio::test]
async fn a_record_that_could_not_be_posted_is_a_finding_until_it_is() {
    let mut server = traded().await;
    server.stop();
    let data = server.data();
    let (currencies, chart) = (Arc::new(currencies::built_in().unwrap()), chart::built_in().unwrap());
    let books = SqliteBooks::open(&data, currencies, &chart, &SqliteOptions::default()).await.unwrap();
    let cursor = books.look(LaneId::FIRST).await.unwrap().unwrap().cursor;
    let next = cursor.seq.next().unwrap();
    let letter = DeadLetter {
        kind: DeadLetterKind::Record,
        position: Position::new(LaneId::FIRST, next),
        offset: None,
        reason: "cannot be read".to_owned(),
        since: Timestamp::from_micros(0),
        body: b"poison".to_vec(),
    };
    let step = Step {
        lane: LaneId::FIRST,
        from: cursor.seq,
        revision: cursor.revision,
        seq: next,
        hash: ChainHash::GENESIS,
        at: cursor.at,
        business_date: cursor.business_date,
        offset: None,
        journals: Vec::new(),
        turnovers: Vec::new(),
        days: Vec::new(),
        trail: vec![ChainHash::GENESIS],
        dead_letters: vec![letter],
    };
    books.post(&step).await.unwrap();
    books.close().await;

    let (code, text) = ledger(&data, &["dead-letters", "--lane", "1"]);
    assert!(code == 1 && text.contains("cannot be read"), "{text}");
    assert_eq!(ledger(&data, &["dead-letters", "--lane", "0"]), (0, "no dead letters\n".to_owned()));
    assert_eq!(ledger(&data, &["lag"]).0, 1);
    let (code, text) = ledger(&data, &["redeliver", "--lane", "1"]);
    assert!(code == 1 && text.ends_with("0 posted, 1 left\n"), "{text}");
    // The books have taken a record that the engine does not have: the two do not agree.
    let (code, text) = ledger(&data, &["compare"]);
    assert!(code == 1 && text.contains("its store went back") && text.ends_with("do NOT agree\n"), "{text}");
    assert_eq!(ledger(&data, &["trial-balance"]).0, 0);
}

#[test]
fn what_cannot_be_printed_says_why_by_its_exit_code() {
    let empty = tempfile::tempdir().unwrap();
    for command in ["trial-balance", "positions", "lag", "dead-letters", "compare"] {
        let (code, text) = ledger(&empty.path().join("data"), &[command]);
        assert!(code == 1 && text.starts_with("hwan: the books cannot be opened: "), "{command}: {text}");
    }
    for wrong in [&["redeliver"][..], &["redeliver", "--lane", "1", "--all"], &["lag", "--lane", "1"], &["reverse"]] {
        assert_eq!(ledger(empty.path(), wrong).0, 2, "{wrong:?}");
    }
    let off = empty.path().join("off.toml");
    std::fs::write(&off, "[accounting]\nenabled = false\n").unwrap();
    let (code, text) = ledger(empty.path(), &["lag", "--config", off.to_str().unwrap()]);
    assert!(code == 2 && text.contains("accounting.enabled"), "{text}");
}
