//! Exchanges.

use serde::{Deserialize, Serialize};

use crate::{Answer, Client, ClientError, ExecutedRate, MarketOrder, Money, Side};

/// What to exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ExchangeOrder {
    /// At a quote's numbers.
    Quoted {
        /// The capability, as [`Client::quote`] gave it.
        quote: String,
    },
    /// At the rate of the moment.
    Market {
        /// The order.
        #[serde(flatten)]
        order: MarketOrder,
        /// The worst rate to accept; any without.
        #[serde(skip_serializing_if = "Option::is_none")]
        worst_rate: Option<String>,
    },
}

impl From<MarketOrder> for ExchangeOrder {
    fn from(order: MarketOrder) -> Self {
        Self::Market { order, worst_rate: None }
    }
}

/// One change of one account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Posting {
    /// `acc_…`
    pub account_id: String,
    /// Negative for a debit.
    pub amount: Money,
    /// What the account holds of this currency afterwards.
    pub balance_after: Money,
    /// The account's version afterwards.
    pub version: u64,
}

/// An exchange that was executed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Exchange {
    /// `exg_…`
    pub id: String,
    /// `cus_…`
    pub customer_id: String,
    /// Which way.
    pub side: Side,
    /// At which numbers.
    pub rate: ExecutedRate,
    /// `qte_…`, if it was at a quote.
    pub quote_id: Option<String>,
    /// The won leg.
    pub won: Money,
    /// The foreign leg.
    pub foreign: Money,
    /// Debit first, then credit.
    pub postings: Vec<Posting>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

impl Client {
    /// Exchanges, at most once for `key`.
    pub async fn execute_exchange(&self, order: &ExchangeOrder, key: &str) -> Result<Answer<Exchange>, ClientError> {
        self.post("/v1/exchanges", order, Some(key)).await
    }

    /// Reads an exchange.
    pub async fn exchange(&self, id: &str) -> Result<Answer<Exchange>, ClientError> {
        self.get(format!("/v1/exchanges/{id}")).await
    }
}
