//! Reconciliation by command, beside trading and without a server.

use std::{path::Path, process::Command, time::Duration};

use hwan_domain::time::Timestamp;
use serde_json::{Value, json};

use crate::{
    days::closed,
    server::{Server, order, text},
};

const RECONCILIATIONS: &str = "/v1/reconciliations";

/// A server with a business day behind it, and with customers in memory.
async fn with_a_day() -> Server {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    for _ in 0..3 {
        let customer = server.customer(&[("KRW", "1000000")]).await;
        let buy = order(&customer, "buy", "100.00", "USD");
        server.post_with("/v1/exchanges", &server.key(), &buy).await.expect(201);
    }
    server.clock.set(Timestamp::parse_rfc3339("2026-11-24T01:00:00Z").unwrap());
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut all_rolled = true;
        for lane in 0.. {
            let page = server.get(&format!("/v1/audit?lane={lane}&limit=1000")).await;
            if page.status != 200 {
                break;
            }
            let page = page.json();
            let records = page["items"].as_array().unwrap();
            all_rolled &= records.is_empty() || records.iter().any(|record| record["business_date"] == "2026-11-24");
        }
        if all_rolled {
            return server;
        }
    }
    panic!("the date does not roll");
}

/// The report, once it is there.
async fn report(server: &Server, id: &str) -> Value {
    for _ in 0..400 {
        let found = server.get(&format!("{RECONCILIATIONS}/{id}")).await.expect(200);
        if found["status"] != "running" {
            return found;
        }
        assert!(found["report"].is_null(), "{found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not end");
}

fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    report["report"]["checks"].as_array().unwrap().iter().find(|check| check["check"] == id).unwrap()
}

fn command(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hwan"));
    let done = command.arg("reconcile").args(arguments).arg("--data").arg(data).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[tokio::test]
async fn a_day_is_reconciled_beside_the_engine_with_its_memory_and_stands_in_the_history() {
    let server = with_a_day().await;
    closed(&server, "2026-11-23").await;
    let started = server.post(RECONCILIATIONS, &json!({ "business_date": "2026-11-23" })).await.expect(202);
    assert_eq!((&started["status"], &started["report"]), (&json!("running"), &Value::Null));
    let id = text(&started["id"]);
    let found = report(&server, &id).await;
    assert_eq!((&found["status"], &found["breaks"]), (&json!("clean"), &json!(0)), "{found:#}");
    assert_eq!((&found["accounts"], &found["business_date"]), (&json!(6), &json!("2026-11-23")));
    let memory = check(&found, "memory");
    assert_eq!((&memory["status"], &memory["compared"]), (&json!("clean"), &json!(3)), "{found:#}");
    assert_eq!(check(&found, "control_accounts")["status"], "clean");
    assert_eq!(check(&found, "seals")["status"], "clean");

    let newest = server.post(RECONCILIATIONS, &json!({})).await.expect(202);
    let newest = report(&server, &text(&newest["id"])).await;
    assert_eq!(newest["business_date"], "2026-11-23");
    let page = server.get(&format!("{RECONCILIATIONS}?limit=1")).await.expect(200);
    assert_eq!(page["items"][0]["id"], newest["id"]);
    let cursor = text(&page["next_cursor"]);
    let page = server.get(&format!("{RECONCILIATIONS}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!((&page["items"][0]["id"], &page["next_cursor"]), (&json!(id), &Value::Null));

    let today = server.post(RECONCILIATIONS, &json!({ "business_date": "2026-11-24" })).await.expect(202);
    let today = report(&server, &text(&today["id"])).await;
    assert_eq!(today["status"], "failed");
    assert!(text(&today["report"]["reason"]).contains("is not over"), "{today}");

    let request = server.request("GET", "/metrics").body(http_body_util::Full::default()).unwrap();
    let metrics = server.send_to(server.admin_address, request).await;
    let metrics = String::from_utf8(metrics.bytes.to_vec()).unwrap();
    for line in ["hwan_reconciliations_total{outcome=\"failed\"}", "hwan_reconciliation_breaks{kind=\"amount\"}"] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    for (path, status, code) in [
        (format!("{RECONCILIATIONS}/rcn_0000000000007"), 404, "reconciliation_not_found"),
        (format!("{RECONCILIATIONS}/nonsense"), 404, "reconciliation_not_found"),
        (format!("{RECONCILIATIONS}?cursor=nonsense"), 400, "malformed_cursor"),
    ] {
        assert_eq!(server.get(&path).await.problem(), (status, code.to_owned()), "{path}");
    }
    let wrong = server.post(RECONCILIATIONS, &json!({ "business_date": "yesterday" })).await;
    assert_eq!(wrong.problem(), (400, "malformed_time".to_owned()));
}

#[tokio::test]
async fn one_runs_at_a_time() {
    let server = with_a_day().await;
    let mut refused = 0;
    for _ in 0..10 {
        let answer = server.post(RECONCILIATIONS, &json!({})).await;
        match answer.status {
            202 => {}
            _ => {
                assert_eq!(answer.problem(), (409, "reconciliation_running".to_owned()));
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn the_command_reconciles_beside_a_server_and_without_one_in_every_form() {
    let mut server = with_a_day().await;
    let data = server.data();
    // The books may still be on their way when the date has rolled: the command waits for them.
    let (code, out, err) = command(&data, &[]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("2026-11-23 agrees: nothing breaks"), "{out}");
    assert!(out.contains("memory") && out.contains("not done"), "{out}");
    server.stop();
    let (code, out, _) = command(&data, &["--format", "json", "--no-snapshot"]);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &value["status"], &value["accounts"]), (0, &json!("clean"), &json!(6)));
    let page = data.join("day.html");
    let (code, out, _) = command(&data, &["--format", "html", "--out", page.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (0, ""));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!doctype html>") && !page.contains("http"), "it fetches nothing");
    assert_eq!(value["lanes"][1]["accounts"], 6);
    let (code, out, _) = command(&data, &["--account", "acc_0008000000002"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("every entry is what its record posted"), "{out}");
    assert_eq!(command(&data, &["--date", "2026-11-24"]).0, 3);
    assert_eq!(command(&data, &["--date", "tomorrow"]).0, 2);
    assert_eq!(command(&data.join("nowhere"), &[]).0, 3);
}

#[tokio::test]
async fn without_books_there_is_no_history_and_the_command_says_what_it_did_not_do() {
    let mut server = Server::start_with(|config| config.accounting.enabled = false).await;
    assert_eq!(server.get(RECONCILIATIONS).await.problem(), (404, "ledger_off".to_owned()));
    assert_eq!(server.post(RECONCILIATIONS, &json!({})).await.problem(), (404, "ledger_off".to_owned()));
    server.customer(&[("KRW", "1000000")]).await;
    let data = server.data();
    server.stop();
    let off = data.join("off.toml");
    std::fs::write(&off, "[accounting]\nenabled = false\n").unwrap();
    let (code, out, err) = command(&data, &["--config", off.to_str().unwrap()]);
    assert_eq!(code, 3, "{out}{err}");
    assert!(err.contains("no business day is over yet"), "{err}");
}
