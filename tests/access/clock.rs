//! Test time: only where it was begun so, only forward, only told on the admin port.

use serde_json::json;

use crate::bank::Bank;

const BEGIN: &str = "2026-11-23T01:00:00.000000Z";

#[tokio::test]
async fn a_test_clock_stands_until_it_is_told_and_never_goes_back() {
    let mut bank = Bank::new("").with_arguments(&["--test-clock", "2026-11-23T01:00:00Z"]);
    bank.start().await;
    assert!(bank.said().contains("the clock is a test's"), "{}", bank.said());
    assert_eq!(bank.ask_admin("/clock").await.json(), json!({ "now": BEGIN }));
    let moved = bank.post_admin("/clock", r#"{"advance_ms":10001}"#).await;
    assert_eq!((moved.status, moved.json()), (200, json!({ "now": "2026-11-23T01:00:10.001000Z" })));
    let moved = bank.post_admin("/clock", r#"{"set":"2026-11-24T00:00:00+09:00"}"#).await;
    assert_eq!(moved.json(), json!({ "now": "2026-11-23T15:00:00.000000Z" }));
    let back = bank.post_admin("/clock", r#"{"set":"2026-11-23T14:59:59Z"}"#).await;
    assert_eq!(back.problem(), (400, "out_of_range".to_owned()));
    for (body, code) in [
        ("{}", "malformed_body"),
        (r#"{"advance_ms":1,"set":"2027-01-01T00:00:00Z"}"#, "malformed_body"),
        (r#"{"advance_ms":-1}"#, "malformed_body"),
        (r#"{"set":"tomorrow"}"#, "malformed_time"),
        ("", "malformed_body"),
    ] {
        assert_eq!(bank.post_admin("/clock", body).await.problem(), (400, code.to_owned()), "{body}");
    }
    assert_eq!(bank.ask_admin("/clock").await.json()["now"], "2026-11-23T15:00:00.000000Z");
    assert_eq!(bank.post_admin("/v1/clock", r#"{"advance_ms":1}"#).await.status, 404);
    // Again with a test clock: the directory takes it.
    bank.stop().await;
    bank.start().await;
    assert_eq!(bank.ask_admin("/clock").await.json()["now"], BEGIN);
    // With the machine's: not.
    bank.stop().await;
    let (code, said) = bank.refused(&[]);
    assert!(code == 1 && said.contains("test clock") && said.contains("--test-clock"), "{said}");
}

#[tokio::test]
async fn a_test_clock_is_refused_where_money_goes_by_the_machines_time() {
    let mut bank = Bank::open("").await;
    assert_eq!(bank.ask_admin("/clock").await.status, 404);
    assert_eq!(bank.post_admin("/clock", r#"{"advance_ms":1}"#).await.status, 404);
    bank.stop().await;
    let (code, said) = bank.refused(&["--test-clock", "2026-11-23T01:00:00Z"]);
    assert!(code == 1 && said.contains("machine's clock") && said.contains("--data"), "{said}");
    assert!(!bank.data().join("test-clock").exists());
    bank.start().await;
}
