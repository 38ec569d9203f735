//! Deposits, withdrawals and transfers.

use serde::{Deserialize, Serialize};

use crate::{Answer, Client, ClientError, Money, Posting};

/// Money into or out of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// `acc_…`
    pub account_id: String,
    /// How much; positive.
    pub amount: Money,
}

/// Money from an account to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// `acc_…`
    pub from_account_id: String,
    /// `acc_…`
    pub to_account_id: String,
    /// How much; positive.
    pub amount: Money,
}

/// A deposit, withdrawal, transfer or payment of interest that was executed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Transaction {
    /// `txn_…`
    pub id: String,
    /// `deposit`, `withdrawal`, `transfer` or `interest`.
    pub kind: String,
    /// Debit first.
    pub postings: Vec<Posting>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

impl Client {
    /// Deposits, at most once for `key`.
    pub async fn deposit(&self, movement: &Movement, key: &str) -> Result<Answer<Transaction>, ClientError> {
        self.post("/v1/deposits", movement, Some(key)).await
    }

    /// Withdraws, at most once for `key`.
    pub async fn withdraw(&self, movement: &Movement, key: &str) -> Result<Answer<Transaction>, ClientError> {
        self.post("/v1/withdrawals", movement, Some(key)).await
    }

    /// Transfers, at most once for `key`.
    pub async fn transfer(&self, transfer: &Transfer, key: &str) -> Result<Answer<Transaction>, ClientError> {
        self.post("/v1/transfers", transfer, Some(key)).await
    }

    /// Reads a deposit, withdrawal, transfer or payment of interest.
    pub async fn transaction(&self, id: &str) -> Result<Answer<Transaction>, ClientError> {
        self.get(format!("/v1/transactions/{id}")).await
    }
}
