//! API keys: made, rotated, revoked and expired while the server runs.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::bank::{Bank, get, id_of, text_of, write_secret};

#[tokio::test]
async fn a_key_that_the_command_line_makes_is_taken_by_a_running_server_until_it_is_revoked() {
    let bank = Bank::open("").await;
    assert_eq!(bank.status(&bank.token()).await, 200);
    let output = bank.hwan(&["token", "create", "--name", "app", "--role", "customer_channel", "--expires-in", "30d"]);
    // Standard output is the key and nothing else.
    let key = text_of(&output.stdout);
    assert!(key.ends_with('\n') && key.trim_end().len() == "hwan.".len() + 12 + 1 + 43, "{key:?}");
    let key = key.trim_end();
    let explained = text_of(&output.stderr);
    assert!(explained.contains("app") && explained.contains("customer_channel") && !explained.contains(key));
    bank.soon(key, 200).await;
    let output = bank.hwan(&["token", "revoke", id_of(key)]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    bank.soon(key, 401).await;
    let answer = bank.ask(key).await;
    assert!(answer.json()["detail"].as_str().unwrap().contains("revoked"), "{answer:?}");
    assert_eq!(bank.status(&bank.token()).await, 200);
}

#[tokio::test]
async fn a_rotated_key_and_its_successor_are_both_good_for_the_overlap() {
    let bank = Bank::open("").await;
    let old = bank.create_key(&["--name", "app", "--role", "teller", "--rate-per-second", "77"]);
    bank.soon(&old, 200).await;
    let output = bank.hwan(&["token", "rotate", id_of(&old), "--overlap", "3s"]);
    let new = text_of(&output.stdout).trim_end().to_owned();
    bank.soon(&new, 200).await;
    assert_eq!(bank.status(&old).await, 200);
    bank.soon(&old, 401).await;
    assert!(bank.ask(&old).await.json()["detail"].as_str().unwrap().contains("expired"));
    assert_eq!(bank.status(&new).await, 200);
    let list: Value = serde_json::from_slice(&bank.hwan(&["token", "list", "--json"]).stdout).unwrap();
    let of = |key: &str| list.as_array().unwrap().iter().find(|entry| entry["id"] == id_of(key)).unwrap().clone();
    let (old, new) = (of(&old), of(&new));
    assert_eq!((old["state"].as_str(), new["state"].as_str()), (Some("expired"), Some("active")));
    for field in ["name", "roles", "rate_per_second"] {
        assert_eq!(old[field], new[field], "{field}");
    }
}

#[tokio::test]
async fn when_a_key_was_last_used_is_listed_after_a_stop() {
    let mut bank = Bank::open("").await;
    let key = bank.create_key(&["--name", "app", "--role", "auditor"]);
    let unused = bank.create_key(&["--name", "unused", "--role", "auditor", "--expires-in", "never"]);
    bank.soon(&key, 200).await;
    bank.stop().await;
    let table = text_of(&bank.hwan(&["token", "list"]).stdout);
    let row = |key: &str| table.lines().find(|line| line.starts_with(id_of(key))).unwrap().to_owned();
    assert!(table.starts_with("ID ") && table.contains("LAST USED"), "{table}");
    assert_eq!(row(&key).matches("never").count(), 0, "{table}");
    assert_eq!(row(&unused).matches("never").count(), 2, "{table}");
    assert!(!table.contains(key.rsplit('.').next().unwrap()));
    // The next start knows it, too.
    bank.start().await;
    bank.stop().await;
    assert_eq!(text_of(&bank.hwan(&["token", "list"]).stdout), table);
    let mode = |name: &str| fs::metadata(bank.data().join(name)).unwrap().permissions().mode() & 0o777;
    for file in ["api-keys.toml", "api-keys-used.toml", "audit.log", "token"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[tokio::test]
async fn wrong_missing_and_half_credentials_are_refused_alike() {
    let bank = Bank::open("").await;
    let token = bank.token();
    let other = bank.create_key(&["--name", "other", "--role", "ops"]);
    let mut details = Vec::new();
    for bad in [
        format!("hwan.{}.{}", id_of(&token), other.rsplit('.').next().unwrap()),
        format!("hwan.000000000000.{}", token.rsplit('.').next().unwrap()),
        token[..token.len() / 2].to_owned(),
        format!("{token}x"),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "A".repeat(43),
    ] {
        let answer = bank.ask(&bad).await;
        assert_eq!(answer.problem(), (401, "unauthorized".to_owned()), "{bad}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"hwan\""));
        details.push(answer.json()["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1, "{details:?}");
    let without = bank.send(bank.api(), get("/v1/rates")).await;
    assert_eq!(without.problem(), (401, "unauthorized".to_owned()));
    let basic = bank.send(bank.api(), get("/v1/rates").header("authorization", format!("Basic {token}"))).await;
    assert_eq!(basic.status, 401);
}

#[tokio::test]
async fn a_broken_file_of_keys_leaves_those_that_were_read() {
    let bank = Bank::open("").await;
    let (token, path) = (bank.token(), bank.data().join("api-keys.toml"));
    let good = fs::read_to_string(&path).unwrap();
    write_secret(&path, "[[key]]\nid = 7\n");
    let started = std::time::Instant::now();
    while !bank.said().contains("api keys cannot be read") {
        assert!(started.elapsed() < crate::bank::SOON, "{}", bank.said());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(bank.status(&token).await, 200);
    let output = bank.hwan(&["token", "create", "--name", "app", "--role", "ops"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text_of(&output.stderr).contains("api-keys.toml") && output.stdout.is_empty());
    write_secret(&path, &good);
    let key = bank.create_key(&["--name", "app", "--role", "ops"]);
    bank.soon(&key, 200).await;
}

#[tokio::test]
async fn a_token_of_an_earlier_version_is_replaced_by_a_key() {
    let mut bank = Bank::new("");
    fs::create_dir(bank.data()).unwrap();
    let old = "A".repeat(43);
    write_secret(&bank.data().join("token"), &old);
    bank.start().await;
    assert!(bank.said().contains("older form"), "{}", bank.said());
    assert_eq!((bank.status(&old).await, bank.status(&bank.token()).await), (401, 200));
}

#[tokio::test]
async fn the_command_line_says_what_is_wrong_with_what_was_asked() {
    let bank = Bank::new("");
    for (arguments, code, words) in [
        (&["token", "create", "--name", "app"][..], 2, "--role"),
        (&["token", "create", "--name", "jwt:app", "--role", "ops"], 2, "letters, digits"),
        (&["token", "create", "--name", "engine", "--role", "ops"], 2, "hwan itself"),
        (&["token", "create", "--name", "app", "--role", "king"], 2, "customer_channel, teller"),
        (&["token", "create", "--name", "app", "--role", "ops", "--expires-in", "1y"], 2, "90d"),
        (&["token", "create", "--name", "app", "--role", "ops", "--rate-per-second", "0"], 2, "rate-per-second"),
        (&["token", "revoke", "x"], 2, "12 characters"),
        (&["token", "revoke", "000000000000"], 1, "--data"),
        (&["token", "list"], 1, "--data"),
    ] {
        let output = bank.hwan(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert!(text_of(&output.stderr).contains(words), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    bank.create_key(&["--name", "app", "--role", "ops"]);
    let output = bank.hwan(&["token", "revoke", "000000000000"]);
    assert!(output.status.code() == Some(1) && text_of(&output.stderr).contains("hwan token list"), "{output:?}");
    for command in ["create", "rotate", "list", "revoke"] {
        let output = bank.hwan(&["token", command, "--help"]);
        assert!(output.status.success() && text_of(&output.stdout).contains("--data"), "{command}");
    }
}

#[tokio::test]
async fn keys_made_before_the_first_start_are_all_there_are() {
    let mut bank = Bank::new("");
    let key = bank.create_key(&["--name", "root", "--role", "ops"]);
    bank.start().await;
    assert_eq!(bank.status(&key).await, 200);
    assert!(!bank.data().join("token").exists());
    assert!(bank.said().contains("hwan token create"), "{}", bank.said());
}
