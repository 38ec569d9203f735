//! Customers: opening, reading, limits, stating facts.

use serde::{Deserialize, Serialize};

use crate::{
    Answer, Client, ClientError, Money, Pages, Request,
    answer::{with_limit, with_optional},
};

/// A customer to be opened.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewCustomer {
    /// The caller's own name for the customer, at most 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The channel that it is to belong to, where a teller opens it for one; the caller without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// A customer that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OpenedCustomer {
    /// `cus_…`
    pub id: String,
    /// As given.
    pub reference: Option<String>,
    /// The caller that it belongs to.
    pub channel: String,
    /// RFC 3339, UTC.
    pub opened_at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// A customer in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CustomerEntry {
    /// `cus_…`
    pub id: String,
    /// As given.
    pub reference: Option<String>,
    /// The caller that it belongs to.
    pub channel: String,
}

/// A customer as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Customer {
    /// `cus_…`
    pub id: String,
    /// As given.
    pub reference: Option<String>,
    /// The caller that it belongs to.
    pub channel: String,
    /// The accounts' ids.
    pub accounts: Vec<String>,
    /// What stands against the customer.
    pub facts: Vec<Fact>,
    /// Limits into foreign currency.
    pub limits: Limits,
}

/// What stands against a customer or an account, and when.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Fact {
    /// The check's code.
    pub check: String,
    /// RFC 3339, UTC.
    pub effective_from: String,
    /// RFC 3339, UTC; open-ended without.
    pub effective_to: Option<String>,
    /// For a seizure: the seized amount.
    pub amount: Option<Money>,
}

/// A fact to be stated.
#[derive(Clone, Debug, Serialize)]
pub struct NewFact {
    /// The check's code.
    pub check: String,
    /// RFC 3339, UTC; now without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<String>,
    /// RFC 3339, UTC; open-ended without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_to: Option<String>,
    /// For a seizure of an account: the seized amount, the whole account without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

impl NewFact {
    /// `check`, from now on, open-ended.
    pub fn now(check: impl Into<String>) -> Self {
        Self { check: check.into(), effective_from: None, effective_to: None, amount: None }
    }
}

/// The answer to a fact that was stated.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FactAnswer {
    /// `chg_…`
    pub id: String,
    /// The fact.
    pub fact: Fact,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

/// Both limits of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Limits {
    /// Of the limit day.
    pub daily: Limit,
    /// Of the limit month.
    pub monthly: Limit,
}

/// A limit and how far it is used, in won.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Limit {
    /// The most.
    pub max: Money,
    /// Used by what is committed.
    pub used: Money,
    /// Reserved by what is in flight.
    pub in_flight: Money,
    /// What is left.
    pub remaining: Money,
    /// When it starts anew: RFC 3339, UTC.
    pub reset_at: String,
}

/// The limits of one customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CustomerLimits {
    /// `cus_…`
    pub customer_id: String,
    /// Into foreign currency.
    #[serde(flatten)]
    pub limits: Limits,
}

impl Client {
    /// Opens a customer.
    pub async fn open_customer(&self, customer: &NewCustomer) -> Result<Answer<OpenedCustomer>, ClientError> {
        self.post("/v1/customers", customer, None).await
    }

    /// Reads a customer.
    pub async fn customer(&self, id: &str) -> Result<Answer<Customer>, ClientError> {
        self.get(format!("/v1/customers/{id}")).await
    }

    /// The customers that the caller may see, those of one reference or all, by id.
    pub fn customers(&self, reference: Option<&str>, limit: Option<u16>) -> Pages<CustomerEntry> {
        let request = with_optional(Request::get("/v1/customers"), "reference", reference);
        Pages::of(self, with_limit(request, limit))
    }

    /// What a customer has used of its limits.
    pub async fn customer_limits(&self, id: &str) -> Result<Answer<CustomerLimits>, ClientError> {
        self.get(format!("/v1/customers/{id}/limits")).await
    }

    /// States a fact about a customer.
    pub async fn state_customer_fact(&self, id: &str, fact: &NewFact) -> Result<Answer<FactAnswer>, ClientError> {
        self.post(format!("/v1/customers/{id}/facts"), fact, None).await
    }
}
