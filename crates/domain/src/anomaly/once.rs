//! What happens once: keys and quotes, reversals; and reversals that come late.

use std::collections::{HashMap, VecDeque};

use super::{
    alert::{Alert, Subject},
    conduct::exchange_of,
    policy::WatchPolicy,
    rule::Rule,
};
use crate::{
    id::{ExchangeId, Position, Seq},
    record::{Event, KeyDigest, Record},
    time::{BusinessDate, Timestamp},
};

/// Beginnings of days that are remembered: somewhat more than a year.
const DAYS_MAX: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    /// The beginning of the body's fingerprint.
    request: u64,
    seq: Seq,
    at: Timestamp,
}

/// The newest keys and quotes of a lane. They are not put away: after a restart they begin anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysSeen {
    used: HashMap<KeyDigest, Used>,
    order: VecDeque<KeyDigest>,
}

impl KeysSeen {
    /// Judges what a record uses up, and remembers it.
    pub fn observe(&mut self, record: &Record, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        if let Some(key) = &record.origin.key {
            let [a, b, c, d, e, f, g, h, ..] = key.request.0;
            let request = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            self.once(record, (key.digest, request), Rule::KeyReused, policy, alerts);
        }
        if let Event::Exchanged { quote: Some(quote), .. } = &record.event {
            self.once(record, (KeyDigest::of_quote(*quote), 0), Rule::QuoteReused, policy, alerts);
        }
    }

    fn once(
        &mut self,
        record: &Record,
        (digest, request): (KeyDigest, u64),
        rule: Rule,
        policy: &WatchPolicy,
        alerts: &mut Vec<Alert>,
    ) {
        let used = Used { request, seq: record.position.seq(), at: record.at };
        match self.used.insert(digest, used) {
            Some(before) => {
                if record.at < before.at.plus_seconds(policy.key_retention_seconds) {
                    let body = if before.request == request { "the same body" } else { "another body" };
                    let subject = match record.event.customer() {
                        Some(customer) => Subject::Customer(customer),
                        None => exchange_of(record),
                    };
                    let here = (record.position, record.at);
                    let expected = format!("used once, by record {}", before.seq);
                    alerts.push(Alert::at_record(rule, subject, here, expected, format!("used again, with {body}")));
                }
            }
            None => self.order.push_back(digest),
        }
        while self.order.len() > policy.keys_max.max(1) {
            if let Some(oldest) = self.order.pop_front() {
                self.used.remove(&oldest);
            }
        }
    }
}

/// The reversals of a lane, and when its days began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReversalsSeen {
    /// Exchange and reversal, the oldest reversal first.
    pub(super) order: VecDeque<(Seq, Seq)>,
    by_exchange: HashMap<Seq, Seq>,
    /// The first record of each day.
    pub(super) days: VecDeque<(BusinessDate, Seq)>,
}

impl ReversalsSeen {
    /// As they were put away.
    pub(super) fn restored(order: VecDeque<(Seq, Seq)>, days: VecDeque<(BusinessDate, Seq)>) -> Self {
        Self { by_exchange: order.iter().copied().collect(), order, days }
    }

    /// Follows a record, and judges it if it is a reversal.
    pub fn observe(&mut self, record: &Record, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        if self.days.back().is_none_or(|(date, _)| *date < record.business_date) {
            if self.days.len() >= DAYS_MAX {
                self.days.pop_front();
            }
            self.days.push_back((record.business_date, record.position.seq()));
        }
        let Event::Reversed { exchange, .. } = &record.event else { return };
        let of = exchange.position().seq();
        let here = (record.position, record.at);
        if let Some(before) = self.by_exchange.insert(of, record.position.seq()) {
            let found = format!("again by {}", record.position.seq());
            let expected = format!("reversed once, by record {before}");
            alerts.push(Alert::at_record(
                Rule::DoubleCompensation,
                Subject::Exchange(*exchange),
                here,
                expected,
                found,
            ));
        } else {
            self.order.push_back((of, record.position.seq()));
        }
        if self.order.len() > policy.reversals_max.max(1)
            && let Some((oldest, _)) = self.order.pop_front()
        {
            self.by_exchange.remove(&oldest);
        }
        if let Some(alert) = late(*exchange, self.date_of(of), record, policy) {
            alerts.push(alert);
        }
    }

    /// The business date of a record, if its day is remembered.
    fn date_of(&self, seq: Seq) -> Option<BusinessDate> {
        let after = self.days.partition_point(|(_, first)| *first <= seq);
        self.days.get(after.checked_sub(1)?).map(|(date, _)| *date)
    }

    /// Records may be missing: where days began is not known any more.
    pub fn forget_days(&mut self) {
        self.days.clear();
    }
}

/// Whether a reversal comes late after its exchange, or before it.
pub fn late(
    exchange: ExchangeId,
    exchanged_on: Option<BusinessDate>,
    record: &Record,
    policy: &WatchPolicy,
) -> Option<Alert> {
    let raise = |expected: String, found: String| {
        let here = (record.position, record.at);
        Alert::at_record(Rule::LateCompensation, Subject::Exchange(exchange), here, expected, found)
    };
    if exchange.position() >= record.position {
        return Some(raise("an exchange before its reversal".into(), format!("exchange {:?}", exchange.position())));
    }
    let on = exchanged_on?;
    let days = record.business_date.days().saturating_sub(on.days());
    (days > policy.compensation_days_max).then(|| {
        raise(format!("within {} days of {on}", policy.compensation_days_max), format!("on {}", record.business_date))
    })
}

/// A place of money that waits in suspense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspended {
    /// The reversal that could not give it back.
    pub position: Position,
    /// Of which exchange.
    pub exchange: ExchangeId,
    /// Since when.
    pub since: Timestamp,
}
