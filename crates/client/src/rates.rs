//! Currencies, pairs, rates, rounds and halts.

use serde::{Deserialize, Serialize};

use crate::{
    Answer, Client, ClientError, Money, Pages, Request,
    answer::{with_limit, with_optional},
    request::segment,
};

/// A currency that the engine trades.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CurrencyEntry {
    /// ISO 4217 code.
    pub code: String,
    /// In English.
    pub name: String,
    /// Digits after the point of an amount.
    pub minor_digits: u32,
    /// How many units a rate is for: 1 or 100.
    pub rate_unit: u32,
    /// Digits after the point of a rate.
    pub rate_decimals: u32,
    /// The spread on each side of the mid, in percent.
    pub spread_percent: String,
    /// How much of the spread the customer is spared, in percent.
    pub preference_percent: String,
    /// The most that a customer may hold, in won.
    pub holding_cap: Option<Money>,
}

/// The rate of a pair as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Rate {
    /// The foreign currency.
    pub currency: String,
    /// How many units it is for.
    pub unit: u32,
    /// The mid; none before the first round.
    pub mid: Option<String>,
    /// What a buyer pays.
    pub buy: Option<String>,
    /// What a seller gets.
    pub sell: Option<String>,
    /// The round that it comes from.
    pub round: Option<String>,
    /// Asia/Seoul.
    pub business_date: Option<String>,
    /// RFC 3339, UTC.
    pub published_at: Option<String>,
    /// RFC 3339, UTC.
    pub valid_until: Option<String>,
    /// `trading`, `halted` or `unavailable`.
    pub status: String,
    /// Why it does not trade.
    pub halt: Option<Halt>,
}

/// A halt of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Halt {
    /// Why.
    pub reason: String,
    /// RFC 3339, UTC.
    pub since: String,
}

/// A pair and whether it trades.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pair {
    /// Such as `USD/KRW`.
    pub pair: String,
    /// The foreign currency.
    pub currency: String,
    /// How many units a rate is for: 1 or 100.
    pub unit: u32,
    /// Digits after the point of a rate.
    pub rate_decimals: u32,
    /// The spread on each side of the mid, in percent.
    pub spread_percent: String,
    /// How much of the spread the customer is spared, in percent.
    pub preference_percent: String,
    /// `trading`, `halted` or `unavailable`.
    pub status: String,
    /// Why it does not trade.
    pub halt: Option<Halt>,
}

/// A halt in the list of halts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StandingHalt {
    /// The foreign currency of the pair.
    pub currency: String,
    /// Why.
    pub reason: String,
    /// Who set it, or published the round that the guard refused.
    pub by: String,
    /// RFC 3339, UTC.
    pub since: String,
}

#[derive(Serialize)]
struct NewHalt<'a> {
    currency: &'a str,
    reason: &'a str,
}

/// A halt that was set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SetHalt {
    /// `chg_…`
    pub id: String,
    /// The foreign currency of the pair.
    pub currency: String,
    /// As given.
    pub reason: String,
    /// Who set it.
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// A halt that was lifted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LiftedHalt {
    /// `chg_…`
    pub id: String,
    /// The foreign currency of the pair.
    pub currency: String,
    /// Who lifted it: never who set it.
    pub lifted_by: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

#[derive(Serialize)]
struct VoidRequest<'a> {
    reason: &'a str,
}

/// A round that was voided.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct VoidedRound {
    /// `chg_…`
    pub id: String,
    /// Such as `USD-20261123-1`.
    pub round: String,
    /// The foreign currency of the pair, which is halted by it.
    pub currency: String,
    /// As given.
    pub reason: String,
    /// Who voided it.
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// A round to be published.
#[derive(Clone, Debug, Serialize)]
pub struct NewRound {
    /// The foreign currency.
    pub currency: String,
    /// Won per unit.
    pub mid: String,
    /// RFC 3339, UTC; now without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<String>,
    /// What independent sources say, won per unit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// RFC 3339, UTC.
    pub valid_until: String,
    /// Another spread than the currency's, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_percent: Option<String>,
    /// Another preference than the currency's, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preference_percent: Option<String>,
}

/// A round as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Round {
    /// Such as `USD-20261123-1`.
    pub id: String,
    /// The foreign currency.
    pub currency: String,
    /// How many units the mid is for.
    pub unit: u32,
    /// Won per unit.
    pub mid: String,
    /// Won per unit, on each side of the mid.
    pub spread: String,
    /// How much of the spread the customer is spared, in percent.
    pub preference_percent: String,
    /// RFC 3339, UTC.
    pub published_at: String,
    /// RFC 3339, UTC.
    pub valid_until: String,
    /// `active`, `superseded`, `halted` or `voided`.
    pub status: String,
}

/// What the rate guard found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// Whether the round trades.
    pub trades: bool,
    /// What stands against it.
    pub findings: Vec<Finding>,
}

/// One finding of the rate guard; its values differ by kind and stay in the answer's body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// Its kind, such as `jump`.
    pub finding: String,
}

/// A round that was published, with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PublishedRound {
    /// The round; none where what was proposed is no rate at all.
    pub round: Option<Round>,
    /// What the guard found.
    pub verdict: Verdict,
}

#[derive(Deserialize)]
struct Currencies {
    currencies: Vec<CurrencyEntry>,
}

#[derive(Deserialize)]
struct Pairs {
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Halts {
    halts: Vec<StandingHalt>,
}

#[derive(Deserialize)]
struct Rates {
    rates: Vec<Rate>,
}

impl Client {
    /// The currencies.
    pub async fn currencies(&self) -> Result<Vec<CurrencyEntry>, ClientError> {
        Ok(self.get::<Currencies>("/v1/currencies").await?.value.currencies)
    }

    /// All rates.
    pub async fn rates(&self) -> Result<Vec<Rate>, ClientError> {
        Ok(self.get::<Rates>("/v1/rates").await?.value.rates)
    }

    /// The rate of one foreign currency.
    pub async fn rate(&self, currency: &str) -> Result<Answer<Rate>, ClientError> {
        self.get(format!("/v1/rates/{currency}")).await
    }

    /// Publishes a round.
    pub async fn publish_round(&self, round: &NewRound) -> Result<Answer<PublishedRound>, ClientError> {
        self.post("/v1/rounds", round, None).await
    }

    /// The pairs.
    pub async fn pairs(&self) -> Result<Vec<Pair>, ClientError> {
        Ok(self.get::<Pairs>("/v1/pairs").await?.value.pairs)
    }

    /// One pair.
    pub async fn pair(&self, currency: &str) -> Result<Answer<Pair>, ClientError> {
        self.get(format!("/v1/pairs/{}", segment(currency))).await
    }

    /// Reads a round.
    pub async fn round(&self, id: &str) -> Result<Answer<Round>, ClientError> {
        self.get(format!("/v1/rounds/{}", segment(id))).await
    }

    /// A foreign currency's rounds, those of one business date or all, newest first.
    pub fn rounds(&self, currency: &str, business_date: Option<&str>, limit: Option<u16>) -> Pages<Round> {
        let request = Request::get("/v1/rounds").with_query("currency", currency);
        Pages::of(self, with_limit(with_optional(request, "business_date", business_date), limit))
    }

    /// Voids a round, which halts its pair.
    pub async fn void_round(&self, id: &str, reason: &str) -> Result<Answer<VoidedRound>, ClientError> {
        self.post(format!("/v1/rounds/{}/void", segment(id)), &VoidRequest { reason }, None).await
    }

    /// The halts that stand.
    pub async fn halts(&self) -> Result<Vec<StandingHalt>, ClientError> {
        Ok(self.get::<Halts>("/v1/halts").await?.value.halts)
    }

    /// Halts a pair.
    pub async fn halt(&self, currency: &str, reason: &str) -> Result<Answer<SetHalt>, ClientError> {
        self.post("/v1/halts", &NewHalt { currency, reason }, None).await
    }

    /// Lifts a halt, as another person than the one who set it.
    pub async fn lift_halt(&self, currency: &str) -> Result<Answer<LiftedHalt>, ClientError> {
        let request = Request::post(format!("/v1/halts/{}/lift", segment(currency)), *b"{}");
        self.typed(&request).await
    }
}
