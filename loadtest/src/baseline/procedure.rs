//! An exchange in one call of a stored procedure, at its best: one round trip, the rows locked for as long as the server
//! itself needs.

use anyhow::Result;
use sqlx::MySqlConnection;

use super::{
    order::{Balance, LIMIT_WON, Locked, Order},
    row_lock::Made,
};

const CALL: &str = "CALL exchange(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// What stands in the journal's text where a balance and its version do; the procedure writes them.
const BALANCE_MARK: i64 = 999_999_999_999;
const VERSION_MARK: i64 = 77_777;

/// Makes an exchange.
pub(super) async fn exchange(connection: &mut MySqlConnection, order: &Order) -> Result<Made> {
    let [head, mid, tail] = parts(order);
    let (won, usd) = order.moves();
    let called = sqlx::query(CALL)
        .bind(order.customer)
        .bind(order.sells)
        .bind(order.key.as_bytes().as_slice())
        .bind(order.at_us)
        .bind(order.business_date())
        .bind(won)
        .bind(usd)
        .bind(LIMIT_WON)
        .bind(head)
        .bind(mid)
        .bind(tail)
        .execute(connection)
        .await;
    match called {
        Ok(_) => Ok(Made::Executed),
        Err(sqlx::Error::Database(error)) if error.message() == "insufficient_funds" => {
            Ok(Made::Refused("insufficient_funds"))
        }
        Err(sqlx::Error::Database(error)) if error.message() == "limit_daily" => Ok(Made::Refused("limit_daily")),
        Err(error) => Err(error.into()),
    }
}

/// The journal's text around the won balance and the foreign one, which stand in that order: the debit and the credit of
/// a sale change places, which no reader of JSON minds.
fn parts(order: &Order) -> [String; 3] {
    let marked = Balance { amount_minor: BALANCE_MARK, version: VERSION_MARK };
    let text = order.body(Locked { won: marked, usd: marked, day_won: 1_000_000, month_won: 1_000_000, last_date: 0 });
    let mark = format!("{BALANCE_MARK}\",\"version\":{VERSION_MARK}");
    let mut parts = text.split(mark.as_str()).map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    [part(), part(), part()]
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::workload::Turn;

    #[test]
    fn the_parts_make_the_text_again() {
        for sells in [false, true] {
            let order = Order::new(Turn { customer: 7, sells, quoted: false }, Uuid::nil(), 1_795_000_000_000);
            let [head, mid, tail] = parts(&order);
            let text = format!("{head}1\",\"version\":2{mid}3\",\"version\":4{tail}");
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!((&json["debit"]["version"], &json["credit"]["version"]), (&2.into(), &4.into()));
        }
    }
}
