//! Interest: what an account would get now, and claiming it.

use serde::Deserialize;

use crate::{Answer, Client, ClientError, Money, Posting, Request};

/// A run of business dates, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InterestPeriod {
    /// The first day.
    pub from: String,
    /// The last day.
    pub through: String,
    /// How many days.
    pub days: u32,
}

/// A run of days at one rate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InterestAccrual {
    /// Which days.
    pub period: InterestPeriod,
    /// The rate, in percent a year.
    pub annual_percent: String,
    /// What the closing balances of the days add up to.
    pub closings: Money,
}

/// Interest that was paid; without an id, that none was due.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InterestPayment {
    /// `txn_…`; absent where nothing was paid.
    #[serde(default)]
    pub id: Option<String>,
    /// `interest`
    pub kind: String,
    /// `acc_…`
    pub account_id: String,
    /// `cus_…`
    pub customer_id: String,
    /// For which days; absent where every day was paid for.
    #[serde(default)]
    pub period: Option<InterestPeriod>,
    /// At which rates and on which sums it accrued.
    pub accruals: Vec<InterestAccrual>,
    /// Before tax.
    pub gross: Money,
    /// Withheld for the state.
    pub income_tax: Money,
    /// Withheld for the municipality.
    pub local_tax: Money,
    /// What the account got.
    pub net: Money,
    /// The credit; none where nothing was paid.
    pub postings: Vec<Posting>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// What an account would get now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InterestPreview {
    /// `acc_…`
    pub account_id: String,
    /// `cus_…`
    pub customer_id: String,
    /// The last day paid for.
    pub paid_through: Option<String>,
    /// Today's rate, in percent a year.
    pub annual_percent: Option<String>,
    /// For which days; absent where every day is paid for.
    #[serde(default)]
    pub period: Option<InterestPeriod>,
    /// At which rates and on which sums it accrued.
    pub accruals: Vec<InterestAccrual>,
    /// Before tax.
    pub gross: Money,
    /// Withheld for the state.
    pub income_tax: Money,
    /// Withheld for the municipality.
    pub local_tax: Money,
    /// What the account would get.
    pub net: Money,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

impl Client {
    /// Claims the interest accrued so far, at most once for `key`, and each day once.
    pub async fn claim_interest(&self, account: &str, key: &str) -> Result<Answer<InterestPayment>, ClientError> {
        self.typed(&Request::post(format!("/v1/accounts/{account}/interest"), *b"{}").with_key(key)).await
    }

    /// Reads the interest accrued so far.
    pub async fn interest(&self, account: &str) -> Result<Answer<InterestPreview>, ClientError> {
        self.get(format!("/v1/accounts/{account}/interest")).await
    }
}
