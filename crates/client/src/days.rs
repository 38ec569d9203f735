//! Business dates: where the lanes stand, closings, what accounts held, statements.

use serde::{Deserialize, Serialize};

use crate::{
    Answer, Client, ClientError, Entry, LedgerLine, Money, Pages, RawAnswer, Request,
    answer::{with_limit, with_optional},
    request::segment,
};

/// A lane's business date.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LaneDate {
    /// Which; 0 is the system lane.
    pub lane: u16,
    /// Of its newest durable record; none while the lane is not open.
    pub business_date: Option<String>,
    /// That record.
    pub seq: u64,
}

/// When business dates begin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DateSchedule {
    /// Such as `+09:00`.
    pub utc_offset: String,
    /// Such as `00:00`, by local time.
    pub rolls_at: String,
}

/// The next roll by the schedule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NextRoll {
    /// To which date.
    pub business_date: String,
    /// RFC 3339, UTC.
    pub at: String,
}

/// The business date of every lane.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BusinessDate {
    /// The date that all open lanes have reached.
    pub business_date: Option<String>,
    /// What the clock shows: RFC 3339, UTC.
    pub clock: String,
    /// Which date that is by the schedule.
    pub clock_date: String,
    /// Whether the lanes do not follow the clock, which jumped ahead.
    pub held_back: bool,
    /// When dates begin.
    pub schedule: DateSchedule,
    /// The next roll.
    pub next_roll: NextRoll,
    /// Lane by lane.
    pub lanes: Vec<LaneDate>,
}

/// All lanes have got to a date.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RolledDate {
    /// Which.
    pub business_date: String,
    /// By which record of the system lane.
    pub seq: u64,
    /// On whose word.
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
}

/// A closing among others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ClosingSummary {
    /// The date.
    pub business_date: String,
    /// SHA-256 of its text.
    pub hash: String,
    /// The hash of the one before.
    pub previous: String,
    /// Whether both sides of the books are the same in every currency.
    pub balanced: bool,
    /// What all customers held.
    pub customers: Vec<Money>,
}

/// Where a lane stood at the end of a business date.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LaneClosing {
    /// Which.
    pub lane: u16,
    /// Its last record by then.
    pub seq: u64,
    /// That record's hash.
    pub hash: String,
}

/// A business date that is closed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Closing {
    /// The date.
    pub business_date: String,
    /// SHA-256 of its text.
    pub hash: String,
    /// The hash of the one before.
    pub previous: String,
    /// Whether both sides of the books are the same in every currency.
    pub balanced: bool,
    /// What all customers held.
    pub customers: Vec<Money>,
    /// Where each lane stood.
    pub lanes: Vec<LaneClosing>,
    /// What the books turned over up to then.
    pub lines: Vec<LedgerLine>,
    /// The text that the hash is of.
    pub text: String,
}

/// What an account held.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BalancesAsOf {
    /// `acc_…`
    pub account_id: String,
    /// As it was asked.
    pub as_of: String,
    /// How many postings it had had by then.
    pub version: u64,
    /// Whether nothing can be added any more.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Of every currency that had had a posting.
    pub balances: Vec<Money>,
}

/// Which statement: business dates, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatementSpan<'a> {
    /// The first; the first of the month without.
    pub from: Option<&'a str>,
    /// The last; today without.
    pub to: Option<&'a str>,
    /// This currency alone.
    pub currency: Option<&'a str>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<&'a str>,
}

/// A statement, or a page of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Statement {
    /// `acc_…`
    pub account_id: String,
    /// The first business date.
    pub from: String,
    /// The last business date.
    pub to: String,
    /// Whether nothing can be added any more.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Before the first posting.
    pub opening: Vec<Money>,
    /// Oldest first.
    pub postings: Vec<Entry>,
    /// After the last posting.
    pub closing: Vec<Money>,
    /// Where to go on.
    pub next_cursor: Option<String>,
}

#[derive(Serialize)]
struct NewDate<'a> {
    date: &'a str,
}

#[derive(Serialize)]
struct NewClosing<'a> {
    business_date: &'a str,
}

impl Client {
    /// Where the lanes stand, when they roll.
    pub async fn business_date(&self) -> Result<Answer<BusinessDate>, ClientError> {
        self.get("/v1/business-date").await
    }

    /// Sends all lanes on to a date; answered once all of them have got there.
    pub async fn roll_business_date(&self, date: &str, key: Option<&str>) -> Result<Answer<RolledDate>, ClientError> {
        self.post("/v1/business-date", &NewDate { date }, key).await
    }

    /// Closes a business date, and every earlier one.
    pub async fn close_business_date(&self, date: &str) -> Result<Answer<Closing>, ClientError> {
        self.post("/v1/closings", &NewClosing { business_date: date }, None).await
    }

    /// The closing of a business date.
    pub async fn closing(&self, date: &str) -> Result<Answer<Closing>, ClientError> {
        self.get(format!("/v1/closings/{}", segment(date))).await
    }

    /// Closings, the newest first.
    pub fn closings(&self, limit: Option<u16>) -> Pages<ClosingSummary> {
        Pages::of(self, with_limit(Request::get("/v1/closings"), limit))
    }

    /// What an account held at an instant (RFC 3339), or at the end of a business date.
    pub async fn balances_as_of(&self, id: &str, as_of: &str) -> Result<Answer<BalancesAsOf>, ClientError> {
        self.typed(&Request::get(format!("/v1/accounts/{}/balances", segment(id))).with_query("as_of", as_of)).await
    }

    /// An account's statement.
    pub async fn statement(&self, id: &str, span: &StatementSpan<'_>) -> Result<Answer<Statement>, ClientError> {
        self.typed(&statement(id, span)).await
    }

    /// The same as CSV: the body of the answer.
    pub async fn statement_csv(&self, id: &str, span: &StatementSpan<'_>) -> Result<RawAnswer, ClientError> {
        self.answer(&statement(id, span).with_query("format", "csv")).await
    }
}

fn statement(id: &str, span: &StatementSpan<'_>) -> Request {
    let request = Request::get(format!("/v1/accounts/{}/statement", segment(id)));
    [("from", span.from), ("to", span.to), ("currency", span.currency), ("cursor", span.cursor)]
        .into_iter()
        .fold(request, |request, (name, value)| with_optional(request, name, value))
}
