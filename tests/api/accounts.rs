//! Customers, accounts, and money that comes, goes and moves.

use serde_json::json;

use crate::server::{NOW, Server, order, text};

#[tokio::test]
async fn a_customer_is_opened_read_and_has_one_account_of_each_kind() {
    let server = Server::start().await;
    let opened = server.post("/v1/customers", &json!({ "reference": "bank-4711" })).await.expect(201);
    assert_eq!(
        (opened["reference"].as_str(), opened["business_date"].as_str()),
        (Some("bank-4711"), Some("2026-11-23"))
    );
    assert_eq!(opened["opened_at"], NOW);
    let id = text(&opened["id"]);
    let won = server.post("/v1/accounts", &json!({ "customer_id": id, "kind": "won" })).await.expect(201);
    assert_eq!((won["customer_id"].as_str(), won["kind"].as_str()), (Some(id.as_str()), Some("won")));
    let second = server.post("/v1/accounts", &json!({ "customer_id": id, "kind": "won" })).await;
    assert_eq!(second.problem(), (409, "account_exists".to_owned()));
    let customer = server.get(&format!("/v1/customers/{id}")).await.expect(200);
    assert_eq!(customer["accounts"], json!([won["id"]]));
    assert_eq!(customer["facts"], json!([]));
    assert_eq!(customer["limits"]["monthly"]["max"], json!({ "amount": "100000000", "currency": "KRW" }));
    let account = server.get(&format!("/v1/accounts/{}", text(&won["id"]))).await.expect(200);
    assert_eq!((account["version"].as_u64(), &account["balances"]), (Some(0), &json!([])));
    for bad in ["", &"r".repeat(65), "a\nb"] {
        let answer = server.post("/v1/customers", &json!({ "reference": bad })).await;
        assert_eq!(answer.problem(), (400, "out_of_range".to_owned()));
    }
}

#[tokio::test]
async fn deposits_withdrawals_and_transfers_are_posted_and_read_back() {
    let server = Server::start().await;
    let (from, to) = (server.customer(&[("KRW", "1000")]).await, server.customer(&[]).await);
    let amount = json!({ "amount": "300", "currency": "KRW" });
    let body = json!({ "from_account_id": from.won, "to_account_id": to.won, "amount": amount });
    let transfer = server.post_with("/v1/transfers", "t", &body).await.expect(201);
    assert_eq!(transfer["kind"], "transfer");
    assert_eq!(transfer["postings"][0]["amount"]["amount"], "-300");
    assert_eq!(transfer["postings"][1]["balance_after"]["amount"], "300");
    let body = json!({ "account_id": from.won, "amount": amount });
    let withdrawal = server.post_with("/v1/withdrawals", "w", &body).await.expect(201);
    assert_eq!(
        (&withdrawal["kind"], &withdrawal["postings"][0]["balance_after"]["amount"]),
        (&json!("withdrawal"), &json!("400"))
    );
    for made in [&transfer, &withdrawal] {
        let id = text(&made["id"]);
        assert_eq!(&server.get(&format!("/v1/transactions/{id}")).await.expect(200), made);
        let as_exchange = id.replace("txn_", "exg_");
        assert_eq!(server.get(&format!("/v1/exchanges/{as_exchange}")).await.problem().0, 404);
    }
    let too_much = json!({ "account_id": from.won, "amount": { "amount": "401", "currency": "KRW" } });
    assert_eq!(server.post_with("/v1/withdrawals", "x", &too_much).await.problem().1, "insufficient_balance");
    let nothing = json!({ "account_id": from.won, "amount": { "amount": "0", "currency": "KRW" } });
    assert_eq!(server.post_with("/v1/withdrawals", "y", &nothing).await.problem().1, "amount_too_small");
    let wrong = json!({ "account_id": from.won, "amount": { "amount": "1.00", "currency": "USD" } });
    assert_eq!(server.post_with("/v1/deposits", "z", &wrong).await.problem(), (404, "account_not_found".to_owned()));
}

#[tokio::test]
async fn a_fact_is_stated_seen_lifted_and_belongs_to_its_subject() {
    let server = Server::start().await;
    let customer = server.customer(&[("KRW", "1000")]).await;
    let facts = format!("/v1/accounts/{}/facts", customer.won);
    let seizure = json!({ "check": "seized", "amount": { "amount": "600", "currency": "KRW" } });
    let stated = server.post(&facts, &seizure).await.expect(201);
    assert!(text(&stated["id"]).starts_with("chg_"));
    assert_eq!(stated["fact"]["effective_from"], NOW);
    let balances = server.get(&format!("/v1/accounts/{}/balances", customer.won)).await.expect(200);
    let balance = &balances["balances"][0];
    assert_eq!((&balance["booked"]["amount"], &balance["available"]["amount"]), (&json!("1000"), &json!("400")));
    assert_eq!(balance["reserved"]["amount"], "0");
    let account = server.get(&format!("/v1/accounts/{}", customer.won)).await.expect(200);
    assert_eq!(account["facts"][0]["amount"]["amount"], "600");
    let lifted = json!({ "check": "seized", "amount": { "amount": "600", "currency": "KRW" }, "effective_to": NOW });
    server.post(&facts, &lifted).await.expect(201);
    assert_eq!(server.get(&format!("/v1/accounts/{}", customer.won)).await.expect(200)["facts"], json!([]));
    for (body, code) in [
        (json!({ "check": "deceased" }), "unknown_check"),
        (json!({ "check": "sleepy" }), "unknown_check"),
        (json!({ "check": "dormant", "effective_from": "yesterday" }), "malformed_time"),
        (json!({ "check": "dormant", "amount": { "amount": "1", "currency": "KRW" } }), "out_of_range"),
    ] {
        assert_eq!(server.post(&facts, &body).await.problem(), (400, code.to_owned()), "{body}");
    }
    let deceased = json!({ "check": "deceased", "effective_from": "2026-11-24T00:00:00+09:00" });
    let stated = server.post(&format!("/v1/customers/{}/facts", customer.id), &deceased).await.expect(201);
    assert_eq!(stated["fact"]["effective_from"], "2026-11-23T15:00:00.000000Z");
    assert_eq!(stated["customer_id"], customer.id.as_str());
}

#[tokio::test]
async fn s40_a_death_reported_without_a_time_blocks_from_the_next_midnight_in_seoul() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let path = format!("/v1/customers/{}/facts", customer.id);
    let stated = server.post(&path, &json!({ "check": "deceased" })).await.expect(201);
    assert_eq!(stated["fact"]["effective_from"], "2026-11-23T15:00:00.000000Z");
    let buy = order(&customer, "buy", "1.00", "USD");
    server.post_with("/v1/exchanges", &server.key(), &buy).await.expect(201);
    let withdrawal = json!({ "account_id": customer.won, "amount": { "amount": "1", "currency": "KRW" } });
    server.clock.advance_micros(14 * 3_600 * 1_000_000 - 1_000_000);
    server.post_with("/v1/withdrawals", &server.key(), &withdrawal).await.expect(201);
    server.clock.advance_micros(1_000_000);
    let refused = server.post_with("/v1/withdrawals", &server.key(), &withdrawal).await;
    assert_eq!(refused.problem(), (423, "deceased".to_owned()));
}

#[tokio::test]
async fn interest_is_previewed_claimed_once_for_each_day_and_read_everywhere() {
    let server = Server::start().await;
    let customer = server.customer(&[("KRW", "10000000")]).await;
    let path = format!("/v1/accounts/{}/interest", customer.won);
    let today = server.get(&path).await.expect(200);
    assert_eq!(
        (&today["period"], &today["net"]["amount"], &today["paid_through"]),
        (&json!(null), &json!("0"), &json!(null))
    );
    server.clock.advance_micros(86_400_000_000);
    let due = loop {
        let due = server.get(&path).await.expect(200);
        if due["business_date"] == "2026-11-24" {
            break due;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((&due["gross"]["amount"], &due["net"]["amount"]), (&json!("547"), &json!("477")));
    assert_eq!(due["period"], json!({ "from": "2026-11-23", "through": "2026-11-23", "days": 1 }));
    assert_eq!(server.post(&path, &json!({})).await.problem(), (400, "idempotency_key_missing".to_owned()));
    let first = server.post_with(&path, "claim", &json!({})).await;
    let paid = first.expect(201);
    assert_eq!((&paid["net"], &paid["accruals"]), (&due["net"], &due["accruals"]));
    let retry = server.post_with(&path, "claim", &json!({})).await;
    assert_eq!((retry.status, retry.header("idempotency-replayed"), &retry.bytes), (201, Some("true"), &first.bytes));
    let nothing = server.post_with(&path, "again", &json!({})).await.expect(200);
    assert_eq!(
        (&nothing["id"], &nothing["net"]["amount"], &nothing["postings"]),
        (&json!(null), &json!("0"), &json!([]))
    );
    assert_eq!(server.get(&path).await.expect(200)["paid_through"], "2026-11-23");
    // As a transaction, in the passbook, by its key, in the books.
    let id = text(&paid["id"]);
    let transaction = server.get(&format!("/v1/transactions/{id}")).await.expect(200);
    assert_eq!((&transaction["kind"], &transaction["postings"]), (&json!("interest"), &paid["postings"]));
    let entries = server.get(&format!("/v1/accounts/{}/entries?limit=1", customer.won)).await.expect(200);
    assert_eq!((&entries["items"][0]["id"], &entries["items"][0]["kind"]), (&paid["id"], &json!("interest")));
    let look = format!("/v1/idempotency-keys/claim?account_id={}", customer.won);
    let key = server.get(&look).await.expect(200);
    assert_eq!((&key["event"], &key["body"]), (&json!("interest_paid"), &paid));
    let journal = loop {
        let journal = server.get(&format!("/v1/ledger/journals/{id}")).await;
        if journal.status == 200 {
            break journal.expect(200);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!((&journal["kind"], journal["entries"].as_array().map(Vec::len)), (&json!("interest"), Some(5)));
    let foreign = format!("/v1/accounts/{}/interest", customer.foreign);
    assert_eq!(server.get(&foreign).await.problem(), (422, "interest_not_offered".to_owned()));
    assert_eq!(server.post_with(&foreign, "f", &json!({})).await.problem(), (422, "interest_not_offered".to_owned()));
    let off = server.restart(|config| config.interest.enabled = false).await;
    assert_eq!(off.post_with(&path, "off", &json!({})).await.problem(), (422, "interest_not_offered".to_owned()));
    assert_eq!(
        off.post_with(&path, "claim", &json!({})).await.bytes,
        first.bytes,
        "a retry gets its answer all the same"
    );
}
