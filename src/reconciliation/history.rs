//! A reconciliation as the history keeps it: noted when it begins, and again, whole, when it has ended.

use hwan_domain::{
    reconciliation::{Reconciliation, RunId},
    time::BusinessDate,
};
use serde_json::json;

use super::{report, run::Failure};
use crate::{
    clock::{Clock, SystemClock},
    storage::reconciliation::book::{RunStatus, StoredRun},
};

/// One that begins.
pub const fn begun(id: RunId, date: Option<BusinessDate>) -> StoredRun {
    StoredRun {
        id,
        business_date: date,
        status: RunStatus::Running,
        finished_at: None,
        accounts: 0,
        postings: 0,
        breaks: 0,
        report: String::new(),
    }
}

/// One that has ended.
pub fn ended(id: RunId, date: Option<BusinessDate>, result: &Result<Reconciliation, Failure>) -> StoredRun {
    match result {
        Ok(result) => StoredRun {
            business_date: Some(result.business_date),
            status: if result.is_clean() { RunStatus::Clean } else { RunStatus::Broken },
            finished_at: Some(result.finished_at),
            accounts: result.accounts(),
            postings: result.postings(),
            breaks: result.breaks.count(),
            report: report::json::value(result).to_string(),
            ..begun(id, date)
        },
        Err(failure) => StoredRun {
            status: RunStatus::Failed,
            finished_at: Some(SystemClock.now()),
            report: json!({ "id": id.to_string(), "status": "failed", "reason": failure.to_string() }).to_string(),
            ..begun(id, date)
        },
    }
}
