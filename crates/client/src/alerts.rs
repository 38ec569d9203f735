//! What the watch found, and what people say to it.

use serde::{Deserialize, Serialize};

use crate::{
    Answer, Client, ClientError, Pages, Request,
    answer::{with_limit, with_optional},
    request::segment,
};

/// Whom an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AlertSubject {
    /// `account`, `customer`, `exchange`, `lane`, `pair`, `round` or `date`.
    pub kind: String,
    /// Which.
    pub id: String,
}

/// A record's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct RecordPlace {
    /// Its lane.
    pub lane: u16,
    /// Its place in it.
    pub seq: u64,
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AlertNote {
    /// Who.
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// What; may be empty.
    pub note: String,
}

/// Something that the watch found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Alert {
    /// Rule, subject and place.
    pub id: String,
    /// Which rule found it.
    pub rule: String,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// `open`, `acknowledged` or `resolved`.
    pub state: String,
    /// Whom it is about.
    pub subject: AlertSubject,
    /// What the rule says, of a rule that the server knows.
    pub rule_says: Option<String>,
    /// What should have been.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// The record that shows it; a condition has none.
    pub record: Option<RecordPlace>,
    /// The account that it touches.
    pub account_id: Option<String>,
    /// The foreign currency that it touches.
    pub currency: Option<String>,
    /// When it happened: RFC 3339, UTC.
    pub at: String,
    /// When it was found first.
    pub first_seen: String,
    /// When it was found last.
    pub last_seen: String,
    /// How often it was found.
    pub times_seen: u64,
    /// How often it was opened again.
    pub times_reopened: u64,
    /// Who has it.
    pub acknowledged: Option<AlertNote>,
    /// Who has done with it last.
    pub resolved: Option<AlertNote>,
}

/// Which alerts.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlertFilter<'a> {
    /// Of this rule.
    pub rule: Option<&'a str>,
    /// Of this severity.
    pub severity: Option<&'a str>,
    /// In this state.
    pub state: Option<&'a str>,
    /// About this subject.
    pub subject: Option<&'a str>,
}

#[derive(Serialize)]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl Client {
    /// What the watch found, the newest first.
    pub fn alerts(&self, filter: &AlertFilter<'_>, limit: Option<u16>) -> Pages<Alert> {
        let request = with_optional(Request::get("/v1/alerts"), "rule", filter.rule);
        let request = with_optional(with_optional(request, "severity", filter.severity), "state", filter.state);
        let request = with_optional(request, "subject", filter.subject);
        Pages::of(self, with_limit(request, limit))
    }

    /// Reads an alert.
    pub async fn alert(&self, id: &str) -> Result<Answer<Alert>, ClientError> {
        self.get(format!("/v1/alerts/{}", segment(id))).await
    }

    /// Says that somebody has an alert.
    pub async fn acknowledge_alert(&self, id: &str, note: Option<&str>) -> Result<Answer<Alert>, ClientError> {
        self.post(format!("/v1/alerts/{}/acknowledge", segment(id)), &Said { note }, None).await
    }

    /// Says that an alert is done with.
    pub async fn resolve_alert(&self, id: &str, note: &str) -> Result<Answer<Alert>, ClientError> {
        self.post(format!("/v1/alerts/{}/resolve", segment(id)), &Said { note: Some(note) }, None).await
    }
}
