//! Accounts: opening, reading, balances, stating facts.

use serde::{Deserialize, Serialize};

use crate::{Answer, Client, ClientError, Fact, FactAnswer, Money, NewFact};

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

/// An account as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// `acc_…`
    pub id: String,
    /// `cus_…`
    pub customer_id: String,
    /// What it holds.
    pub kind: AccountKind,
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
}
