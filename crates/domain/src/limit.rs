//! Limits into foreign currency, per customer, in won: by limit day and limit month, exchanges in flight included.
//!
//! The limit day begins at 09:00 Asia/Seoul, the limit month on the 1st at 09:00; so the limit day is not the
//! calendar day. What an exchange takes is reserved when it starts, charged when it is sequenced, released when it fails,
//! and given back when the exchange is reversed while the limit day or month that it lay in still lasts.

use crate::{
    rejection::{Code, Violation, Violations},
    time::{MICROS_PER_SECOND, Timestamp},
};

/// When a limit day begins, after midnight in Asia/Seoul: 09:00.
const BEGINS_AFTER_MIDNIGHT_MICROS: i64 = 9 * 3_600 * MICROS_PER_SECOND;

/// The bank's limits, in won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitPolicy {
    /// Into foreign currency, a limit day.
    pub daily_won: i64,
    /// Into foreign currency, a limit month.
    pub monthly_won: i64,
    /// Debits of a limited account, a business date.
    pub limited_account_daily_won: i64,
}

impl Default for LimitPolicy {
    fn default() -> Self {
        Self { daily_won: 10_000_000, monthly_won: 100_000_000, limited_account_daily_won: 1_000_000 }
    }
}

/// The limit day and month that an instant lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitWindow {
    /// The limit day's first instant.
    pub day_began: Timestamp,
    /// The instant at which the next limit day begins.
    pub day_ends: Timestamp,
    /// The limit month's first instant.
    pub month_began: Timestamp,
    /// The instant at which the next limit month begins.
    pub month_ends: Timestamp,
}

impl LimitWindow {
    /// The window that `at` lies in.
    pub fn at(at: Timestamp) -> Self {
        let date = at.plus_micros(-BEGINS_AFTER_MIDNIGHT_MICROS).seoul_date();
        let begins = |date: crate::time::BusinessDate| date.begins_at().plus_micros(BEGINS_AFTER_MIDNIGHT_MICROS);
        Self {
            day_began: begins(date),
            day_ends: begins(date.next()),
            month_began: begins(date.first_of_month()),
            month_ends: begins(date.first_of_next_month()),
        }
    }
}

/// One limit as a customer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Used, exchanges in flight included, in won.
    pub used_won: i64,
    /// What is left, in won; never below zero.
    pub remaining_won: i64,
    /// When it begins anew.
    pub reset_at: Timestamp,
}

/// Both limits as a customer sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitStanding {
    /// Of the limit day.
    pub day: Standing,
    /// Of the limit month.
    pub month: Standing,
}

/// What an exchange took of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// When.
    pub at: Timestamp,
    /// How much, in won.
    pub won: i64,
}

/// What a customer has used: the counters as they are journaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LimitUse {
    /// The instant of the last charge, or of giving one back: it tells which windows the counters belong to.
    pub charged_at: Timestamp,
    /// Used in that limit day, in won.
    pub day_won: i64,
    /// Used in that limit month, in won.
    pub month_won: i64,
}

impl LimitUse {
    /// The counters as they stand at `at`: those of a past window count nothing.
    pub fn at(&self, at: Timestamp) -> Self {
        let window = LimitWindow::at(at);
        Self {
            charged_at: self.charged_at,
            day_won: if self.charged_at < window.day_began { 0 } else { self.day_won },
            month_won: if self.charged_at < window.month_began { 0 } else { self.month_won },
        }
    }

    /// The counters after `won` won more at `at`.
    #[must_use]
    pub fn charged(&self, won: i64, at: Timestamp) -> Self {
        let now = self.at(at);
        Self { charged_at: at, day_won: now.day_won.saturating_add(won), month_won: now.month_won.saturating_add(won) }
    }

    /// The counters after an exchange that took `charge` is reversed at `at`: given back to the limit day and to the
    /// limit month that the exchange lay in, where they are the present ones. A window that is over has begun anew and
    /// gets nothing; `None` where both are.
    #[must_use]
    pub fn given_back(&self, charge: Charge, at: Timestamp) -> Option<Self> {
        let (now, window) = (self.at(at), LimitWindow::at(at));
        let back = |began: Timestamp| if charge.at >= began { charge.won } else { 0 };
        let (day, month) = (back(window.day_began), back(window.month_began));
        (day != 0 || month != 0).then(|| Self {
            charged_at: at,
            day_won: now.day_won.saturating_sub(day).max(0),
            month_won: now.month_won.saturating_sub(month).max(0),
        })
    }

    /// Used, remaining and reset of both limits at `at`, with `in_flight_won` reserved by exchanges in flight.
    pub fn standing(&self, in_flight_won: i64, at: Timestamp, policy: &LimitPolicy) -> LimitStanding {
        let (now, window) = (self.at(at), LimitWindow::at(at));
        let of = |used: i64, max: i64, reset_at| {
            let used_won = used.saturating_add(in_flight_won);
            Standing { used_won, remaining_won: max.saturating_sub(used_won).max(0), reset_at }
        };
        LimitStanding {
            day: of(now.day_won, policy.daily_won, window.day_ends),
            month: of(now.month_won, policy.monthly_won, window.month_ends),
        }
    }

    /// Adds a violation for each limit that `won` more would exceed at `at`, with `in_flight_won` reserved by others.
    pub fn check(
        &self,
        won: i64,
        in_flight_won: i64,
        at: Timestamp,
        policy: &LimitPolicy,
        violations: &mut Violations,
    ) {
        let now = self.standing(in_flight_won, at, policy);
        let mut judge = |code, standing: Standing, max: i64| {
            let Standing { used_won, remaining_won, reset_at } = standing;
            if used_won.saturating_add(won) > max {
                violations.push(Violation::new(
                    code,
                    format!("needs {won} KRW of the limit, {remaining_won} of {max} KRW remain until {reset_at}"),
                ));
            }
        };
        judge(Code::LimitDaily, now.day, policy.daily_won);
        judge(Code::LimitMonthly, now.month, policy.monthly_won);
    }
}
