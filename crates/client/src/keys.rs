//! What became of a request, by its key.

use serde::Deserialize;

use crate::{Answer, Client, ClientError, Request, request::segment};

/// Whose key it is: keys of money belong to a customer, those of openings, rounds and halts to the caller alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope<'a> {
    /// Of an opening, a round, a halt.
    Caller,
    /// `cus_…`
    Customer(&'a str),
    /// `acc_…`: of the customer whose account it is.
    OwnerOf(&'a str),
}

/// What became of the request with a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum KeyState {
    /// It is being worked on.
    InFlight {
        /// As asked for.
        key: String,
    },
    /// It took effect.
    Completed(Box<CompletedKey>),
}

/// A request that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CompletedKey {
    /// As asked for.
    pub key: String,
    /// Such as `exchanged`.
    pub event: String,
    /// What it created: `exg_…` and the like.
    pub id: Option<String>,
    /// Where that is read.
    pub location: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
    /// The status of its answer.
    pub status: u16,
    /// Its answer.
    pub body: serde_json::Value,
}

impl Client {
    /// What became of the request with `key`; a problem `idempotency_key_not_found` where none took effect.
    pub async fn key(&self, key: &str, scope: KeyScope<'_>) -> Result<Answer<KeyState>, ClientError> {
        let request = Request::get(format!("/v1/idempotency-keys/{}", segment(key)));
        self.typed(&match scope {
            KeyScope::Caller => request,
            KeyScope::Customer(id) => request.with_query("customer_id", id),
            KeyScope::OwnerOf(id) => request.with_query("account_id", id),
        })
        .await
    }
}
