//! Quotes, and the order that a quote or an exchange is for.

use serde::{Deserialize, Serialize};

use crate::{Answer, Client, ClientError, Money, request::segment};

/// Which way, seen from the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Won into foreign currency.
    Buy,
    /// Foreign currency into won.
    Sell,
}

/// How an order says its size: exactly one of three.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderAmount {
    /// So much foreign currency.
    ForeignAmount(Money),
    /// Exactly so much won.
    WonAmount(Money),
    /// As much as so much won buys; the rest stays.
    WonBudget(Money),
}

/// A market order: at the rate of the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarketOrder {
    /// `cus_…`
    pub customer_id: String,
    /// Which way.
    pub side: Side,
    /// The foreign currency.
    pub currency: String,
    /// How much.
    #[serde(flatten)]
    pub amount: OrderAmount,
    /// `acc_…`; the customer's won account without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub won_account_id: Option<String>,
    /// `acc_…`; the customer's foreign account without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_account_id: Option<String>,
}

impl MarketOrder {
    /// Of a foreign amount, between the customer's only accounts.
    pub fn of_foreign(customer_id: impl Into<String>, side: Side, amount: Money) -> Self {
        Self {
            customer_id: customer_id.into(),
            side,
            currency: amount.currency.clone(),
            amount: OrderAmount::ForeignAmount(amount),
            won_account_id: None,
            foreign_account_id: None,
        }
    }
}

/// A quote that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuoteRequest {
    /// For what.
    #[serde(flatten)]
    pub order: MarketOrder,
    /// How long it shall be good, in seconds; the server's default without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime_seconds: Option<u32>,
}

/// The numbers of the rate that an exchange or a quote was made at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ExecutedRate {
    /// Won per unit.
    pub value: String,
    /// How many units it is for.
    pub unit: u32,
    /// The round.
    pub round: String,
    /// Asia/Seoul.
    pub business_date: String,
    /// The round's mid.
    pub mid: String,
    /// How much of the spread the customer was spared, in percent.
    pub preference_percent: String,
}

/// A quote: a signed capability to exchange at fixed numbers, once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Quote {
    /// The capability.
    pub quote: String,
    /// `qte_…`
    pub id: String,
    /// `cus_…`
    pub customer_id: String,
    /// `acc_…`
    pub won_account_id: String,
    /// `acc_…`
    pub foreign_account_id: String,
    /// Which way.
    pub side: Side,
    /// The foreign leg.
    pub foreign: Money,
    /// The won leg.
    pub won: Money,
    /// At which numbers.
    pub rate: ExecutedRate,
    /// RFC 3339, UTC.
    pub expires_at: String,
}

/// What became of a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuoteStatus {
    /// It can be used.
    Open,
    /// It was not used in time.
    Expired,
    /// It was used.
    Used,
}

/// A quote as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QuoteState {
    /// As it was given.
    #[serde(flatten)]
    pub quote: Quote,
    /// What became of it.
    pub status: QuoteStatus,
    /// `exg_…`, once it was used.
    pub exchange_id: Option<String>,
}

impl Client {
    /// Reads a quote by its capability.
    pub async fn quote_state(&self, quote: &str) -> Result<Answer<QuoteState>, ClientError> {
        self.get(format!("/v1/quotes/{}", segment(quote))).await
    }

    /// Asks for a quote.
    pub async fn quote(&self, request: &QuoteRequest) -> Result<Answer<Quote>, ClientError> {
        self.post("/v1/quotes", request, None).await
    }
}
