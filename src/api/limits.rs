//! A customer's limits as they are answered: used, remaining, and when they begin anew.

use hwan_domain::{limit::LimitPolicy, time::Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{amount::WonAnswer, openapi::texts::InstantText, wire::Shown};
use crate::actors::view::CustomerView;

/// Both limits into foreign currency.
#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
pub(super) struct LimitsAnswer {
    /// Of the limit day, which begins at 09:00 Asia/Seoul.
    daily: LimitAnswer,
    /// Of the limit month, which begins on the 1st at 09:00 Asia/Seoul.
    monthly: LimitAnswer,
}

/// One limit.
#[derive(Serialize, ToSchema)]
#[schema(as = Limit)]
struct LimitAnswer {
    /// The most.
    max: WonAnswer,
    /// Used by exchanges that took place.
    used: WonAnswer,
    /// Reserved by exchanges in flight.
    in_flight: WonAnswer,
    /// What is left.
    remaining: WonAnswer,
    /// When it begins anew.
    #[schema(value_type = InstantText)]
    reset_at: Shown<Timestamp>,
}

impl LimitAnswer {
    const fn of(max: i64, used: i64, in_flight: i64, reset_at: Timestamp) -> Self {
        let remaining = max.saturating_sub(used).saturating_sub(in_flight);
        Self {
            max: WonAnswer(max),
            used: WonAnswer(used),
            in_flight: WonAnswer(in_flight),
            remaining: WonAnswer(if remaining < 0 { 0 } else { remaining }),
            reset_at: Shown(reset_at),
        }
    }
}

impl LimitsAnswer {
    pub(super) fn of(view: &CustomerView, policy: &LimitPolicy) -> Self {
        let used = view.state.limits.at(view.at);
        Self {
            daily: LimitAnswer::of(policy.daily_won, used.day_won, view.in_flight_won, view.window.day_ends),
            monthly: LimitAnswer::of(policy.monthly_won, used.month_won, view.in_flight_won, view.window.month_ends),
        }
    }
}
