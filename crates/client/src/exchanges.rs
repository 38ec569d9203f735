//! Exchanges: one, tried, many at once, listed, reversed.

use serde::{Deserialize, Serialize};

use crate::{
    Answer, Client, ClientError, ExecutedRate, MarketOrder, Money, Pages, Problem, Request, Side, Span, Violation,
    error,
};

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
    /// `rev_…`, once it was reversed; the answer to the order itself never has it.
    pub reversal_id: Option<String>,
}

#[derive(Serialize)]
struct DryRun<'a> {
    #[serde(flatten)]
    order: &'a ExchangeOrder,
    dry_run: bool,
}

/// What an exchange would have been, if it had been made at that time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Trial {
    /// Whether nothing stands against it.
    pub admitted: bool,
    /// Everything that does, by precedence.
    pub violations: Vec<Violation>,
    /// Which way.
    pub side: Side,
    /// At which numbers; none where the pair does not trade.
    pub rate: Option<ExecutedRate>,
    /// The won leg.
    pub won: Option<Money>,
    /// The foreign leg.
    pub foreign: Option<Money>,
    /// `acc_…`
    pub won_account_id: Option<String>,
    /// `acc_…`
    pub foreign_account_id: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// One exchange of a batch, with its own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BatchItem {
    /// Its key.
    pub key: String,
    /// What to exchange.
    pub exchange: ExchangeOrder,
}

#[derive(Serialize)]
struct Batch<'a> {
    items: &'a [BatchItem],
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BatchAnswer {
    /// In the order of the items.
    pub items: Vec<BatchOutcome>,
}

/// What became of one exchange of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BatchOutcome {
    /// Its key.
    pub key: String,
    /// The status that it would have had alone.
    pub status: u16,
    /// Whether it repeats an earlier answer.
    pub replayed: bool,
    /// The exchange or the problem.
    pub body: serde_json::Value,
}

impl BatchOutcome {
    /// The exchange, or the problem that it met.
    pub fn exchange(&self) -> Result<Exchange, ClientError> {
        if self.status >= 400 {
            return Err(error::problem(self.status, None, self.body.to_string().as_bytes()));
        }
        Exchange::deserialize(&self.body)
            .map_err(|error| ClientError::protocol(format!("an outcome of another form: {error}")))
    }

    /// The problem, where it met one.
    pub fn problem(&self) -> Option<Problem> {
        self.exchange().err().and_then(|error| error.problem().cloned())
    }
}

#[derive(Serialize)]
struct ReversalRequest<'a> {
    reason: &'a str,
}

/// An exchange that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reversal {
    /// `rev_…`
    pub id: String,
    /// `exg_…`
    pub exchange_id: String,
    /// `cus_…`
    pub customer_id: String,
    /// As given.
    pub reason: String,
    /// The won leg of the exchange.
    pub won: Money,
    /// The foreign leg of the exchange.
    pub foreign: Money,
    /// Debit first, then credit where the money came back to an account.
    pub postings: Vec<Posting>,
    /// What went to suspense, because the account is closed.
    pub suspense: Option<Money>,
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

    /// What an exchange would be now; nothing moves.
    pub async fn try_exchange(&self, order: &ExchangeOrder) -> Result<Answer<Trial>, ClientError> {
        self.post("/v1/exchanges", &DryRun { order, dry_run: true }, None).await
    }

    /// Exchanges 1 to 1,000 orders, each at most once for its own key. Each has its own outcome; the whole is no
    /// transaction.
    pub async fn execute_batch(&self, items: &[BatchItem]) -> Result<Answer<BatchAnswer>, ClientError> {
        self.post("/v1/exchanges:batch", &Batch { items }, None).await
    }

    /// The exchanges of an account, newest first.
    pub fn exchanges(&self, account_id: &str, span: &Span) -> Pages<Exchange> {
        Pages::of(self, span.of(Request::get("/v1/exchanges").with_query("account_id", account_id)))
    }

    /// Takes an exchange back at its own numbers, at most once for `key`.
    pub async fn reverse_exchange(&self, id: &str, reason: &str, key: &str) -> Result<Answer<Reversal>, ClientError> {
        self.post(format!("/v1/exchanges/{id}/reversal"), &ReversalRequest { reason }, Some(key)).await
    }

    /// Reads a reversal.
    pub async fn reversal(&self, id: &str) -> Result<Answer<Reversal>, ClientError> {
        self.get(format!("/v1/reversals/{id}")).await
    }
}
