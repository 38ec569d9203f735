//! Conditions: judged from a snapshot of facts, again and again, for as long as they last.

use super::{
    alert::{Alert, Place, Subject},
    once::Suspended,
    policy::WatchPolicy,
    rule::Rule,
};
use crate::{
    currency::Currency,
    id::{ExchangeId, LaneId},
    time::{BusinessDate, MICROS_PER_SECOND, Timestamp},
};

/// How far the bank's books are behind a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LagSeen {
    /// The lane.
    pub lane: LaneId,
    /// Records that wait.
    pub records: u64,
    /// Since when the oldest waits, where that is known.
    pub since: Option<Timestamp>,
    /// Why the lane's books stopped, if they did.
    pub stopped: Option<String>,
    /// Records that could not be posted.
    pub dead_letters: u64,
}

/// What the books hold for a lane's customers, beside what its entries add up to, at the same record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlSeen {
    /// The lane.
    pub lane: LaneId,
    /// The currency.
    pub currency: Currency,
    /// By the control account, in minor units.
    pub control: i128,
    /// By the entries, in minor units.
    pub entries: i128,
}

/// The states of what moves between two ledgers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SagaState {
    /// Asked for.
    Requested,
    /// Judged good.
    Validated,
    /// The debit was sent.
    Withdrawing,
    /// The debit is done.
    Withdrawn,
    /// The credit was sent.
    Depositing,
    /// Both are done.
    Completed,
    /// The debit is being taken back.
    Canceling,
    /// It was taken back.
    Canceled,
    /// Nothing moved.
    Failed,
    /// Somebody decides.
    ManualReview,
}

impl SagaState {
    /// Whether it ended, or somebody has it.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Completed | Self::Canceled | Self::Failed | Self::ManualReview)
    }
}

/// Something on its way between two ledgers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SagaSeen {
    /// The exchange that it is, or takes back.
    pub exchange: ExchangeId,
    /// Since when.
    pub since: Timestamp,
    /// How far.
    pub state: SagaState,
}

impl From<Suspended> for SagaSeen {
    /// Money in suspense is a cancel that has not found its end.
    fn from(suspended: Suspended) -> Self {
        Self { exchange: suspended.exchange, since: suspended.since, state: SagaState::Canceling }
    }
}

fn seconds(since: Timestamp, now: Timestamp) -> i64 {
    now.micros_since(since) / MICROS_PER_SECOND
}

/// A saga that takes too long: late, then stuck.
pub fn saga(saga: &SagaSeen, now: Timestamp, policy: &WatchPolicy) -> Option<Alert> {
    let waited = seconds(saga.since, now);
    let (rule, most) = match waited {
        _ if saga.state.is_settled() => return None,
        _ if waited >= policy.saga_stuck_seconds => (Rule::SagaStuck, policy.saga_stuck_seconds),
        _ if waited >= policy.saga_late_seconds => (Rule::SagaLate, policy.saga_late_seconds),
        _ => return None,
    };
    let found = format!("{:?} since {}", saga.state, saga.since).to_lowercase();
    Some(Alert::standing(rule, Subject::Exchange(saga.exchange), now, format!("its end within {most} s"), found))
}

/// Money that waits in suspense for too long.
pub fn aged(suspended: &Suspended, now: Timestamp, policy: &WatchPolicy) -> Option<Alert> {
    (seconds(suspended.since, now) >= policy.suspense_seconds_max).then(|| {
        let expected = format!("an owner within {} s", policy.suspense_seconds_max);
        let found = format!("in suspense since {}", suspended.since);
        let subject = Subject::Exchange(suspended.exchange);
        let place = Place::Standing;
        Alert::new(Rule::AgedSuspense, subject, place, now, Some(suspended.position), expected, found)
    })
}

/// Records that wait too long for the books, or too many of them.
pub fn lag(lag: &LagSeen, now: Timestamp, policy: &WatchPolicy) -> Option<Alert> {
    let waited = lag.since.map_or(0, |since| seconds(since, now));
    let is_long = lag.records > 0 && waited > policy.lag_seconds_max;
    (is_long || lag.records > policy.lag_records_max).then(|| {
        let expected = format!("at most {} s and {} records", policy.lag_seconds_max, policy.lag_records_max);
        let found = format!("{waited} s, {} records", lag.records);
        Alert::standing(Rule::OutboxLag, Subject::Lane(lag.lane), now, expected, found)
    })
}

/// Books that stopped.
pub fn stopped(lag: &LagSeen, now: Timestamp) -> Option<Alert> {
    let reason = lag.stopped.as_ref()?;
    Some(Alert::standing(Rule::BooksStopped, Subject::Lane(lag.lane), now, "books that go on", reason.as_str()))
}

/// Records that could not be posted.
pub fn dead_letters(lag: &LagSeen, now: Timestamp) -> Option<Alert> {
    (lag.dead_letters > 0).then(|| {
        let found = format!("{} records", lag.dead_letters);
        Alert::standing(Rule::DeadLetters, Subject::Lane(lag.lane), now, "every record posted", found)
    })
}

/// Control accounts that are not what the entries add up to, on a date.
pub fn control(seen: &ControlSeen, date: BusinessDate, now: Timestamp) -> Option<Alert> {
    (seen.control != seen.entries).then(|| {
        let currency = seen.currency;
        let (expected, found) = (format!("{} {currency}", seen.entries), format!("{} {currency}", seen.control));
        let (subject, place) = (Subject::Lane(seen.lane), Place::Day(date));
        Alert::new(Rule::ControlOffSubledger, subject, place, now, None, expected, found)
    })
}
