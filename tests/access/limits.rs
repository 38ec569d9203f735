//! How much a caller may ask, and how much strangers.

use crate::bank::{Bank, get};

#[tokio::test]
async fn a_caller_beyond_its_allowance_waits_and_others_do_not() {
    let bank = Bank::open("[access]\nrequests_per_second = 1\nburst = 3").await;
    let slow = bank.create_key(&["--name", "slow", "--role", "auditor"]);
    let other = bank.create_key(&["--name", "other", "--role", "auditor"]);
    let fast = bank.create_key(&["--name", "fast", "--role", "auditor", "--rate-per-second", "1000"]);
    bank.soon(&fast, 200).await;
    let mut limited = None;
    for _ in 0..10 {
        let answer = bank.ask(&slow).await;
        if answer.status == 429 {
            limited = Some(answer);
            break;
        }
        assert_eq!(answer.status, 200);
    }
    let limited = limited.expect("ten at once are more than three");
    assert_eq!(limited.problem(), (429, "rate_limited".to_owned()));
    assert_eq!((limited.header("retry-after"), &limited.json()["retryable"]), (Some("1"), &true.into()));
    assert_eq!(bank.status(&other).await, 200);
    for _ in 0..50 {
        assert_eq!(bank.status(&fast).await, 200);
    }
    // Waiting as long as it says is enough.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(bank.status(&slow).await, 200);
    let metrics = bank.ask_admin("/metrics").await.text;
    assert!(metrics.contains("hwan_rate_limited_total{whom=\"caller\"} 1"), "{metrics}");
}

#[tokio::test]
async fn strangers_share_one_allowance_and_do_not_hold_up_those_who_are_known() {
    let bank = Bank::open("").await;
    let token = bank.token();
    let mut found = Vec::new();
    for _ in 0..400 {
        found.push(bank.send(bank.api(), get("/v1/rates")).await.status);
    }
    assert!(found.starts_with(&[401, 401]) && found.contains(&429), "{found:?}");
    assert_eq!(bank.status(&token).await, 200);
    // What was beyond is counted, not noted.
    let refusals = bank.audit().iter().filter(|line| line["event"] == "refused").count();
    assert!(refusals <= found.iter().filter(|status| **status == 401).count());
    let metrics = bank.ask_admin("/metrics").await.text;
    assert!(metrics.contains("hwan_access_refused_total{reason=\"missing\"} 400"), "{metrics}");
    assert!(metrics.contains("hwan_rate_limited_total{whom=\"stranger\"}"), "{metrics}");
}
