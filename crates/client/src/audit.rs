//! Who did what: the journal of a lane, record by record.

use serde::Deserialize;

use crate::{Client, Pages, Request, answer::with_limit};

/// A record of the journal, as an auditor sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AuditEntry {
    /// The lane; 0 is the system's.
    pub lane: u16,
    /// Its place in the lane.
    pub seq: u64,
    /// What happened, such as `exchanged`.
    pub event: String,
    /// What it created.
    pub id: Option<String>,
    /// On whose word it stands.
    pub caller: String,
    /// `cus_…`
    pub customer_id: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
}

impl Client {
    /// The journal of a lane, in order.
    pub fn audit(&self, lane: u16, limit: Option<u16>) -> Pages<AuditEntry> {
        let request = Request::get("/v1/audit").with_query("lane", &lane.to_string());
        Pages::of(self, with_limit(request, limit))
    }
}
