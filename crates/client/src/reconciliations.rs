//! Reconciliations: starting one, the history, reports.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Answer, Client, ClientError, Pages, Request, answer::with_limit, request::segment};

/// A reconciliation in the history.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reconciliation {
    /// `rcn_…`
    pub id: String,
    /// Asia/Seoul; none while the newest day is looked for.
    pub business_date: Option<String>,
    /// `running`, `clean`, `broken` or `failed`.
    pub status: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC; none while it runs.
    pub finished_at: Option<String>,
    /// Accounts compared.
    pub accounts: u64,
    /// Postings read.
    pub postings: u64,
    /// Breaks found.
    pub breaks: u64,
}

/// A reconciliation with its report.
#[derive(Clone, Debug, Deserialize)]
pub struct ReconciliationReport {
    /// `rcn_…`
    pub id: String,
    /// `running`, `clean`, `broken` or `failed`.
    pub status: String,
    /// Breaks found.
    pub breaks: u64,
    /// The whole report as JSON; none while it runs.
    pub report: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct NewReconciliation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    business_date: Option<&'a str>,
}

impl Client {
    /// Starts one, of a business date or of the newest that is over.
    pub async fn reconcile(&self, business_date: Option<&str>) -> Result<Answer<Reconciliation>, ClientError> {
        self.post("/v1/reconciliations", &NewReconciliation { business_date }, None).await
    }

    /// The history, newest first.
    pub fn reconciliations(&self, limit: Option<u16>) -> Pages<Reconciliation> {
        Pages::of(self, with_limit(Request::get("/v1/reconciliations"), limit))
    }

    /// One with its report.
    pub async fn reconciliation(&self, id: &str) -> Result<Answer<ReconciliationReport>, ClientError> {
        self.get(format!("/v1/reconciliations/{}", segment(id))).await
    }
}
