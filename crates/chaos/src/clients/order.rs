//! Customers, and what the clients ask for in their name.

use anyhow::Context as _;
use futures_util::{StreamExt, TryStreamExt, stream};
use hwan_client::{AccountKind, Client, NewCustomer, NewRound};
use rand::{RngExt, rngs::StdRng};

use crate::{
    history::Order,
    money::{Currency, Side},
    place::Place,
};

/// Openings at once.
const OPENED_AT_ONCE: usize = 16;
/// The rates of a run: they never change, so that every won leg can be computed.
const RATES: [(&str, &str); 2] = [("USD", "1350.50"), ("JPY", "934.06")];

/// A customer with a won account and one for foreign money.
#[derive(Clone, Copy, Debug)]
pub struct Customer {
    /// `cus_…`
    pub id: Place,
    /// The won account.
    pub won: Place,
    /// The foreign account.
    pub foreign: Place,
}

impl Customer {
    /// What each customer starts with: enough for a long run of small exchanges either way.
    pub(super) fn endowment(&self) -> [Order; 3] {
        let deposit = |account, currency, minor| Order::Deposit { account, currency, minor };
        [
            deposit(self.won, Currency::KRW, 50_000_000),
            deposit(self.foreign, Currency::USD, 5_000_000),
            deposit(self.foreign, Currency::JPY, 5_000_000),
        ]
    }
}

/// Publishes rates, and opens customers with their accounts, without money yet.
pub async fn open_customers(client: &Client, count: usize) -> anyhow::Result<Vec<Customer>> {
    for (currency, mid) in RATES {
        let round = NewRound {
            currency: currency.to_owned(),
            mid: mid.to_owned(),
            observed_at: None,
            sources: Vec::new(),
            valid_until: "2099-01-01T00:00:00Z".to_owned(),
            spread_percent: None,
            preference_percent: None,
        };
        let published = client.publish_round(&round).await.context("a rate was not published")?;
        anyhow::ensure!(published.value.verdict.trades, "the rate of {currency} does not trade");
    }
    stream::iter(0..count).map(|_| open_customer(client)).buffer_unordered(OPENED_AT_ONCE).try_collect().await
}

async fn open_customer(client: &Client) -> anyhow::Result<Customer> {
    let id = client.open_customer(&NewCustomer::default()).await.context("no customer was opened")?.value.id;
    let account = async |kind| {
        let opened = client.open_account(&id, kind).await.context("no account was opened")?;
        Place::of_id(&opened.value.id).context("an account's id cannot be read")
    };
    let (won, foreign) = (account(AccountKind::Won).await?, account(AccountKind::Foreign).await?);
    Ok(Customer { id: Place::of_id(&id).context("a customer's id cannot be read")?, won, foreign })
}

/// An exchange of a small amount, either way.
pub(super) fn random_exchange(customer: &Customer, random: &mut StdRng) -> Order {
    let side = if random.random() { Side::Buy } else { Side::Sell };
    let (currency, minor_max) = if random.random_ratio(3, 4) { (Currency::USD, 5_000) } else { (Currency::JPY, 9_000) };
    let minor = random.random_range(100..=minor_max);
    Order::Exchange { side, won: customer.won, foreign: customer.foreign, currency, minor }
}

/// Mostly an exchange; of thirty-two, one deposit and one withdrawal.
pub(super) fn random_order(customer: &Customer, random: &mut StdRng) -> Order {
    let minor = random.random_range(1..=1_000);
    match random.random_range(0..32) {
        0 => Order::Deposit { account: customer.won, currency: Currency::KRW, minor },
        1 => Order::Withdrawal { account: customer.foreign, currency: Currency::USD, minor },
        _ => random_exchange(customer, random),
    }
}

/// Where an order is posted.
pub(super) const fn path(order: &Order) -> &'static str {
    match order {
        Order::Exchange { .. } => "/v1/exchanges",
        Order::Deposit { .. } => "/v1/deposits",
        Order::Withdrawal { .. } => "/v1/withdrawals",
    }
}

/// The body of an order: one text for one order, so that a retry is the same request.
pub(super) fn body(order: &Order, customer: Place) -> String {
    let money = |currency: Currency, minor: i64| {
        format!(r#"{{"amount":"{}","currency":"{}"}}"#, currency.text(minor), currency.code())
    };
    match *order {
        Order::Exchange { side, currency, minor, .. } => {
            let side = match side {
                Side::Buy => "buy",
                Side::Sell => "sell",
            };
            format!(
                r#"{{"customer_id":"{}","side":"{side}","currency":"{}","foreign_amount":{}}}"#,
                customer.id("cus"),
                currency.code(),
                money(currency, minor)
            )
        }
        Order::Deposit { account, currency, minor } | Order::Withdrawal { account, currency, minor } => {
            format!(r#"{{"account_id":"{}","amount":{}}}"#, account.id("acc"), money(currency, minor))
        }
    }
}
