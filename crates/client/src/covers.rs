//! Cover trades: the bank's own deals in the market.

use serde::{Deserialize, Serialize};

use crate::{Answer, Client, ClientError, Money, Side, request::segment};

/// A deal of the bank's own, as it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCover {
    /// Whether the bank bought or sold the foreign currency.
    pub side: Side,
    /// The foreign amount; positive.
    pub amount: Money,
    /// Won per unit.
    pub rate: String,
    /// What was paid or received in won; what follows from the rate without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub won: Option<Money>,
    /// The deal's reference in the bank's dealing system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// A cover trade as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Cover {
    /// `cov_…`
    pub id: String,
    /// Whether the bank bought or sold the foreign currency.
    pub side: Side,
    /// The foreign amount.
    pub amount: Money,
    /// What was paid or received in won.
    pub won: Money,
    /// Won per unit.
    pub rate: String,
    /// How many units the rate is for: 1 or 100.
    pub unit: u32,
    /// As given.
    pub reference: Option<String>,
    /// Who reported it.
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

impl Client {
    /// Records a cover trade, at most once for `key`.
    pub async fn cover(&self, cover: &NewCover, key: &str) -> Result<Answer<Cover>, ClientError> {
        self.post("/v1/positions/covers", cover, Some(key)).await
    }

    /// Reads a cover trade.
    pub async fn read_cover(&self, id: &str) -> Result<Answer<Cover>, ClientError> {
        self.get(format!("/v1/positions/covers/{}", segment(id))).await
    }
}
