//! What a bank's database administrator sees by plain SQL.

use hwan::storage::{
    conformance::fixture::{Scribe, money, records, seq},
    port::LedgerStore,
};
use hwan_domain::id::{LaneId, Seq};

use super::database::{Database, Server, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balances_postings_and_the_journal_read_exactly_in_plain_sql() {
    for server in Server::ALL {
        let database = Database::create(server).await;
        let store = database.mysql();
        let mut scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
        let family = scribe.open_family();
        scribe.deposit(family.won, money("1000000", "KRW"));
        scribe.buy(family, money("100.05", "USD"));
        let batch = scribe.batch();
        store.commit(&batch).await.unwrap();
        store.project(LaneId::FIRST, Seq::ZERO, &records(&batch)).await.unwrap();
        let mut connection = database.raw().await;
        let customer = family.customer.to_string();
        for (sql, expected) in [
            (format!("SELECT amount FROM v_balance WHERE customer_id = '{customer}' AND currency = 'USD'"), "100.05"),
            (format!("SELECT amount FROM v_balance WHERE customer_id = '{customer}' AND currency = 'KRW'"), "864882"),
            (
                "SELECT GROUP_CONCAT(CONCAT(side, ' ', currency, ' ', amount, ' -> ', balance_after) ORDER BY side DESC \
                 SEPARATOR ', ') FROM v_posting WHERE kind = 'exchanged'"
                    .to_owned(),
                "debit KRW -135118 -> 864882, credit USD 100.05 -> 100.05",
            ),
            ("SELECT CONCAT(lane, '/', seq) FROM v_journal WHERE kind = 'exchanged'".to_owned(), "1/5"),
            ("SELECT CAST(COUNT(*) AS CHAR) FROM v_suspense".to_owned(), "0"),
            (
                format!(
                    "SELECT GROUP_CONCAT(CONCAT(amount, ' -> ', balance_after) ORDER BY version SEPARATOR ', ') \
                     FROM v_passbook WHERE account_id = '{}'",
                    family.won
                ),
                "1000000 -> 1000000, -135118 -> 864882",
            ),
        ] {
            assert_eq!(text(&mut connection, &sql).await, expected, "{server:?}: {sql}");
        }
        assert_eq!(scribe.head().0, seq(5));
    }
}
