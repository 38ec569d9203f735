//! One exchange as the alternatives make it: 1.00 USD for 1,350 won, the journal's text about it, and what refuses it.

use uuid::Uuid;

use crate::workload::Turn;

/// What a customer is seeded with, in won and in cents: enough for any run.
pub(super) const SEEDED_MINOR: i64 = 1_000_000_000_000;
/// The limits of a day and of a month, in won: asked about every purchase, and never reached.
pub(super) const LIMIT_WON: i64 = 1_000_000_000_000_000;
const USD_CENTS: i64 = 100;
const WON: i64 = 1_350;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// An exchange to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) customer: i64,
    pub(super) sells: bool,
    pub(super) key: Uuid,
    /// Microseconds since 1970.
    pub(super) at_us: i64,
}

/// A balance under its lock, or after the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) amount_minor: i64,
    pub(super) version: i64,
}

/// What the rows say under their locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Locked {
    pub(super) won: Balance,
    pub(super) usd: Balance,
    /// Used of the limits, in won.
    pub(super) day_won: i64,
    pub(super) month_won: i64,
    /// The business date of the newest posting, in days since 1970.
    pub(super) last_date: i32,
}

/// The id that a customer's rows go by, in the width of hwan's own.
pub(super) fn customer_id(customer: usize) -> i64 {
    const LANE: i64 = 1 << 48;
    LANE + i64::try_from(customer).unwrap_or(0) * 3
}

impl Order {
    pub(super) fn new(turn: Turn, key: Uuid, unix_ms: u64) -> Self {
        let at_us = i64::try_from(unix_ms).unwrap_or(0) * 1_000;
        Self { customer: customer_id(turn.customer), sells: turn.sells, key, at_us }
    }

    /// The won account; the foreign one follows it.
    pub(super) fn won_account(&self) -> i64 {
        self.customer + 1
    }

    pub(super) fn usd_account(&self) -> i64 {
        self.customer + 2
    }

    /// Days since 1970.
    pub(super) fn business_date(&self) -> i32 {
        i32::try_from(self.at_us / DAY_US).unwrap_or(0)
    }

    /// Whether it is the first of its customer on its day.
    pub(super) fn opens_day(&self, locked: Locked) -> bool {
        locked.last_date < self.business_date()
    }

    /// What moves: won, cents. A purchase takes won.
    pub(super) fn moves(&self) -> (i64, i64) {
        if self.sells { (WON, -USD_CENTS) } else { (-WON, USD_CENTS) }
    }

    /// What it leaves behind, or the code that refuses it.
    pub(super) fn apply(&self, locked: Locked) -> Result<Locked, &'static str> {
        let (won, usd) = self.moves();
        let moved = |balance: Balance, by: i64| Balance {
            amount_minor: balance.amount_minor + by,
            version: balance.version + 1,
        };
        let last_date = self.business_date().max(locked.last_date); // at midnight, yesterday's may come last
        let after = Locked { won: moved(locked.won, won), usd: moved(locked.usd, usd), last_date, ..locked };
        if after.won.amount_minor < 0 || after.usd.amount_minor < 0 {
            return Err("insufficient_funds");
        }
        if self.sells {
            return Ok(after);
        }
        let (day_won, month_won) = (after.day_won + WON, after.month_won + WON);
        if day_won > LIMIT_WON || month_won > LIMIT_WON {
            return Err("limit_daily");
        }
        Ok(Locked { day_won, month_won, ..after })
    }

    /// The journal's text, as long as hwan's own.
    pub(super) fn body(&self, after: Locked) -> String {
        let (side, debit, credit) = if self.sells {
            ("sell", ("usd", "-1.00"), ("won", "1350"))
        } else {
            ("buy", ("won", "-1350"), ("usd", "1.00"))
        };
        let leg = |(which, amount): (&str, &str)| {
            let (account, currency, balance) = match which {
                "won" => (self.won_account(), "KRW", after.won),
                _ => (self.usd_account(), "USD", after.usd),
            };
            format!(
                "{{\"account\":\"acc_{account:013x}\",\"customer\":\"cus_{:013x}\",\"currency\":\"{currency}\",\
                 \"amount\":\"{amount}\",\"balance_after\":\"{}\",\"version\":{}}}",
                self.customer, balance.amount_minor, balance.version
            )
        };
        let limits = if self.sells {
            String::new()
        } else {
            format!(
                ",\"limits\":{{\"charged_at\":\"2026-11-23T01:00:00.000000Z\",\"day_won\":\"{}\",\"month_won\":\"{}\"}}",
                after.day_won, after.month_won
            )
        };
        let key = self.key.simple();
        format!(
            "{{\"v\":1,\"lane\":1,\"seq\":{},\"type\":\"exchanged\",\"at\":\"2026-11-23T01:00:00.000000Z\",\
             \"business_date\":\"2026-11-23\",\"caller\":\"loadtest\",\"key\":\"{key}\",\"request\":\"{key}\",\
             \"exchange\":\"exg_{:013x}\",\"terms\":{{\"side\":\"{side}\",\"currency\":\"USD\",\
             \"round\":\"USD-20261123-1\",\"mid\":{{\"won\":\"1350.00\",\"per\":1}},\
             \"rate\":{{\"won\":\"1350.00\",\"per\":1}},\"preference_percent\":\"100\"}},\
             \"debit\":{},\"credit\":{}{limits}}}",
            self.at_us,
            self.at_us,
            leg(debit),
            leg(credit)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(sells: bool) -> Order {
        Order::new(Turn { customer: 7, sells, quoted: false }, Uuid::nil(), 1_795_000_000_000)
    }

    #[test]
    fn an_exchange_opens_its_day_once() {
        let order = order(false);
        let before = locked(10_000, 0, 0);
        let after = order.apply(before).unwrap();
        assert!(order.opens_day(before) && !order.opens_day(after));
    }

    fn locked(won: i64, cents: i64, day_won: i64) -> Locked {
        let balance = |amount_minor| Balance { amount_minor, version: 5 };
        Locked { won: balance(won), usd: balance(cents), day_won, month_won: 0, last_date: 0 }
    }

    #[test]
    fn an_exchange_moves_both_balances_and_a_purchase_uses_the_limits() {
        let after = order(false).apply(locked(10_000, 0, 50)).unwrap();
        assert_eq!((after.won, after.usd.amount_minor), (Balance { amount_minor: 8_650, version: 6 }, 100));
        assert_eq!((after.day_won, after.month_won), (1_400, 1_350));
        let after = order(true).apply(locked(0, 100, 50)).unwrap();
        assert_eq!((after.won.amount_minor, after.usd.amount_minor, after.day_won), (1_350, 0, 50));
    }

    #[test]
    fn what_is_not_there_cannot_move_and_limits_hold() {
        assert_eq!(order(false).apply(locked(1_349, 0, 0)), Err("insufficient_funds"));
        assert_eq!(order(true).apply(locked(0, 99, 0)), Err("insufficient_funds"));
        assert_eq!(order(false).apply(locked(1_350, 0, LIMIT_WON)), Err("limit_daily"));
        assert!(order(true).apply(locked(0, 100, LIMIT_WON)).is_ok());
    }

    #[test]
    fn the_journals_text_is_json_of_the_length_of_hwans() {
        for sells in [false, true] {
            let body = order(sells).body(locked(SEEDED_MINOR, SEEDED_MINOR, 1_000_000));
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(json["credit"]["currency"], if sells { "KRW" } else { "USD" });
            // hwan's for the same exchange: 803 bytes of a purchase, 99 less of a sale.
            let expected = if sells { 700 } else { 800 };
            assert!((expected - 40..expected + 60).contains(&body.len()), "{} bytes: {body}", body.len());
        }
    }
}
