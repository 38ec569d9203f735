//! The audit trail: what is noted, and that it holds no secret.

use std::fs;

use crate::bank::{Bank, get, id_of};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn refusals_keys_starts_and_stops_are_noted_without_a_secret() {
    let mut bank = Bank::open("").await;
    let key = bank.create_key(&["--name", "app", "--role", "teller"]);
    bank.soon(&key, 200).await;
    let half = format!("hwan.{}.{}", id_of(&key), "A".repeat(43));
    let request = get("/v1/rates?cursor=secret")
        .header("authorization", format!("Bearer {half}"))
        .header("traceparent", TRACE)
        .header("x-request-id", "mine-1");
    let answer = bank.send(bank.api(), request).await;
    assert_eq!((answer.status, answer.header("traceparent")), (401, Some(TRACE)));
    let line = bank.noted(|line| line["request_id"] == "mine-1").await;
    for (field, value) in [
        ("event", "refused"),
        ("traceparent", TRACE),
        ("key", id_of(&key)),
        ("method", "GET"),
        ("path", "/v1/rates"),
        ("code", "unauthorized"),
        ("detail", "wrong_secret"),
    ] {
        assert_eq!(line[field], value, "{field} of {line}");
    }
    assert_eq!(line["status"], 401);
    assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:") && line["at"].is_string(), "{line}");
    assert!(line.get("caller").is_none(), "nobody is behind it: {line}");

    let rotated = bank.hwan(&["token", "rotate", id_of(&key), "--overlap", "1h"]);
    let successor = String::from_utf8(rotated.stdout).unwrap();
    bank.hwan(&["token", "revoke", id_of(&key)]);
    bank.stop().await;
    let mut events: Vec<String> = bank.audit().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect();
    // The new key was refused until it was read.
    events.dedup();
    assert_eq!(
        events,
        ["server_started", "token_created", "refused", "token_rotated", "token_revoked", "server_stopped"]
    );
    let created = bank.noted(|line| line["event"] == "token_created").await;
    assert_eq!((&created["caller"], &created["key"]), (&"app".into(), &id_of(&key).into()));
    assert!(created["detail"].as_str().unwrap().contains("teller"), "{created}");
    let text = fs::read_to_string(bank.data().join("audit.log")).unwrap();
    for key in [&key, successor.trim_end(), &bank.token(), &half] {
        assert!(!text.contains(key.rsplit('.').next().unwrap()), "{text}");
    }
    assert!(!text.contains("secret="), "{text}");
}

#[tokio::test]
async fn a_trace_is_echoed_and_in_the_log_and_one_that_is_malformed_is_not() {
    let bank = Bank::open("[log]\nfilter = \"info,hwan=debug\"").await;
    let token = bank.token();
    let request = || get("/v1/rates").header("authorization", format!("Bearer {token}"));
    let answer = bank.send(bank.api(), request().header("traceparent", TRACE)).await;
    assert_eq!((answer.status, answer.header("traceparent")), (200, Some(TRACE)));
    // The line comes by a pipe, after the answer perhaps.
    let said = || bank.said().lines().find(|line| line.contains("answered") && line.contains(TRACE)).map(str::to_owned);
    let asked = std::time::Instant::now();
    while said().is_none() && asked.elapsed() < crate::bank::SOON {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let line = said();
    assert!(line.is_some_and(|line| line.contains(answer.header("x-request-id").unwrap())), "{}", bank.said());
    let answer = bank.send(bank.api(), request().header("traceparent", "00-0-0-01")).await;
    assert_eq!((answer.status, answer.header("traceparent")), (200, None));
}

#[tokio::test]
async fn a_full_trail_is_put_aside() {
    let mut bank = Bank::open("[audit]\nfile_bytes_max = 4096\nfiles_kept = 2").await;
    for _ in 0..100 {
        bank.send(bank.api(), get("/v1/rates")).await;
    }
    let started = std::time::Instant::now();
    while !bank.data().join("audit.log.2").exists() {
        assert!(started.elapsed() < crate::bank::SOON, "{}", bank.said());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    bank.stop().await;
    assert!(!bank.data().join("audit.log.3").exists());
    assert!(fs::metadata(bank.data().join("audit.log.1")).unwrap().len() < 8_192);
}
