//! Accounts: opening, reading, closing, balances, the passbook, limits, checks, stating facts.

use serde::{Deserialize, Serialize};

use crate::{
    Answer, Client, ClientError, Fact, FactAnswer, Limits, Money, NewFact, Pages, Request, Span, Violation,
    client::json,
};

/// A fact about an account, as the API reads and gives it.
pub type AccountFact = Fact;

/// What an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Won only.
    Won,
    /// Any number of foreign currencies.
    Foreign,
}

#[derive(Serialize)]
struct NewAccount<'a> {
    customer_id: &'a str,
    kind: AccountKind,
}

/// An account that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OpenedAccount {
    /// `acc_…`
    pub id: String,
    /// `cus_…`
    pub customer_id: String,
    /// What it holds.
    pub kind: AccountKind,
    /// RFC 3339, UTC.
    pub opened_at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// Whether an account takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// It does.
    Open,
    /// It was closed, for good.
    Closed,
}

/// An account as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// `acc_…`
    pub id: String,
    /// `cus_…`
    pub customer_id: String,
    /// What it holds.
    pub kind: AccountKind,
    /// Whether it takes part.
    pub status: AccountStatus,
    /// How often its balances changed.
    pub version: u64,
    /// What stands against it.
    pub facts: Vec<AccountFact>,
    /// Its balances.
    pub balances: Vec<Balance>,
}

/// The balance of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// ISO 4217 code.
    pub currency: String,
    /// What is committed.
    pub booked: Money,
    /// What can be spent.
    pub available: Money,
    /// What commands in flight hold.
    pub reserved: Money,
}

/// An account's balances at one version.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Balances {
    /// `acc_…`
    pub account_id: String,
    /// The version that they are of.
    pub version: u64,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
    /// One per currency.
    pub balances: Vec<Balance>,
}

/// An account that was closed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ClosedAccount {
    /// `chg_…`
    pub id: String,
    /// `acc_…`
    pub account_id: String,
    /// `cus_…`
    pub customer_id: String,
    /// Closed.
    pub status: AccountStatus,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// One line of an account's passbook.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// The account's version afterwards.
    pub version: u64,
    /// What moved the money: `exg_…`, `txn_…` or `rev_…`.
    pub id: String,
    /// `deposit`, `withdrawal`, `transfer`, `exchange` or `reversal`.
    pub kind: String,
    /// Negative for a debit.
    pub amount: Money,
    /// What the account holds of this currency afterwards.
    pub balance_after: Money,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// All limits that bear on an account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountLimits {
    /// `acc_…`
    pub account_id: String,
    /// Its customer's, into foreign currency.
    pub customer: Limits,
    /// Of a limited account: its debits of the day.
    pub limited: Option<LimitedAccount>,
    /// What a foreign account may hold of the currencies that have a cap.
    pub holdings: Vec<Holding>,
}

/// The daily cap of a limited account, in won.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LimitedAccount {
    /// The most.
    pub max: Money,
    /// Used on this business date.
    pub used: Money,
    /// What is left.
    pub remaining: Money,
    /// When it starts anew: RFC 3339, UTC.
    pub reset_at: String,
}

/// What an account holds of a currency with a cap, in won's worth.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Holding {
    /// ISO 4217 code.
    pub currency: String,
    /// The most.
    pub cap: Money,
    /// What it is worth at the newest mid; none without a rate.
    pub held: Option<Money>,
    /// What is left; none without a rate.
    pub remaining: Option<Money>,
}

/// Which way money would move, for a dry run of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Out of the account.
    Debit,
    /// Into the account.
    Credit,
    /// Back into the account, which it left wrongly.
    CompensatingCredit,
}

/// Whether an account may take part in a movement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which way.
    pub direction: Direction,
    /// How much; positive.
    pub amount: Money,
}

/// What the checks would say, if the movement were made now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CheckAnswer {
    /// `acc_…`
    pub account_id: String,
    /// As asked.
    pub direction: Direction,
    /// As asked.
    pub amount: Money,
    /// Whether nothing stands against it.
    pub admitted: bool,
    /// Everything that does, by precedence.
    pub violations: Vec<Violation>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

impl Client {
    /// Opens an account for a customer.
    pub async fn open_account(
        &self,
        customer_id: &str,
        kind: AccountKind,
    ) -> Result<Answer<OpenedAccount>, ClientError> {
        self.post("/v1/accounts", &NewAccount { customer_id, kind }, None).await
    }

    /// Reads an account.
    pub async fn account(&self, id: &str) -> Result<Answer<Account>, ClientError> {
        self.get(format!("/v1/accounts/{id}")).await
    }

    /// Reads an account's balances.
    pub async fn balances(&self, id: &str) -> Result<Answer<Balances>, ClientError> {
        self.get(format!("/v1/accounts/{id}/balances")).await
    }

    /// States a fact about an account.
    pub async fn state_account_fact(&self, id: &str, fact: &NewFact) -> Result<Answer<FactAnswer>, ClientError> {
        self.post(format!("/v1/accounts/{id}/facts"), fact, None).await
    }

    /// The same, if the account still has this etag.
    pub async fn state_account_fact_if(
        &self,
        id: &str,
        fact: &NewFact,
        etag: &str,
    ) -> Result<Answer<FactAnswer>, ClientError> {
        let request = Request::post(format!("/v1/accounts/{id}/facts"), json(fact)?);
        self.typed(&request.with_header("If-Match", etag)).await
    }

    /// Reads an account unless it still has this etag.
    pub async fn account_unless(&self, id: &str, etag: &str) -> Result<Option<Answer<Account>>, ClientError> {
        self.unless(format!("/v1/accounts/{id}"), etag).await
    }

    /// Reads an account's balances unless the account still has this etag.
    pub async fn balances_unless(&self, id: &str, etag: &str) -> Result<Option<Answer<Balances>>, ClientError> {
        self.unless(format!("/v1/accounts/{id}/balances"), etag).await
    }

    /// A customer's accounts.
    pub fn accounts(&self, customer_id: &str) -> Pages<Account> {
        Pages::of(self, Request::get("/v1/accounts").with_query("customer_id", customer_id))
    }

    /// Closes an account, if it still has `etag` where one is given.
    pub async fn close_account(&self, id: &str, etag: Option<&str>) -> Result<Answer<ClosedAccount>, ClientError> {
        let request = Request::post(format!("/v1/accounts/{id}/close"), *b"{}");
        self.typed(&match etag {
            Some(etag) => request.with_header("If-Match", etag),
            None => request,
        })
        .await
    }

    /// An account's passbook, newest first.
    pub fn entries(&self, id: &str, span: &Span) -> Pages<Entry> {
        Pages::of(self, span.of(Request::get(format!("/v1/accounts/{id}/entries"))))
    }

    /// All limits that bear on an account.
    pub async fn account_limits(&self, id: &str) -> Result<Answer<AccountLimits>, ClientError> {
        self.get(format!("/v1/accounts/{id}/limits")).await
    }

    /// Asks all checks about a movement; nothing moves.
    pub async fn check_account(&self, id: &str, check: &Check) -> Result<Answer<CheckAnswer>, ClientError> {
        self.post(format!("/v1/accounts/{id}/checks"), check, None).await
    }
}
