//! Limits as they are answered: used, remaining, and when they begin anew; of a customer, and of an account.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    account::AccountState,
    check::{Direction, Verdict},
    currency::Currency,
    exchange::value_in_won,
    id::AccountId,
    limit::LimitPolicy,
    time::{BusinessDate, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    accounts,
    amount::WonAnswer,
    answer,
    authorize::By,
    context::Context,
    openapi::texts::{AccountIdText, CurrencyText, InstantText},
    operation::{Described, Operation, Shape},
    path_id::PathId,
    problem::Problem,
    wire::Shown,
};
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

/// What an account may still take and give.
#[derive(Serialize, ToSchema)]
struct AccountLimits {
    /// Which account.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// Into foreign currency, of the customer.
    customer: LimitsAnswer,
    /// Debits of a limited account; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = LimitedAnswer, required = false)]
    limited: Option<LimitedAnswer>,
    /// Of each currency that has a holding cap, in a foreign account.
    holdings: Vec<Holding>,
}

/// The debits of a limited account, for each business date.
#[derive(Serialize, ToSchema)]
#[schema(as = LimitedAccount)]
struct LimitedAnswer {
    /// The most.
    max: WonAnswer,
    /// Debited on this business date.
    used: WonAnswer,
    /// What is left.
    remaining: WonAnswer,
    /// When it begins anew.
    #[schema(value_type = InstantText)]
    reset_at: Shown<Timestamp>,
}

/// What is held of a currency that has a cap.
#[derive(Serialize, ToSchema)]
struct Holding {
    /// The currency.
    #[schema(value_type = CurrencyText)]
    currency: String,
    /// The cap.
    cap: WonAnswer,
    /// What the holding is worth at the newest middle rate; absent without a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = WonAnswer, required = false)]
    held: Option<WonAnswer>,
    /// What is left; absent without a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = WonAnswer, required = false)]
    remaining: Option<WonAnswer>,
}

/// Reads an account's limits.
pub(super) const OF_ACCOUNT: Operation = Operation {
    named: Some(accounts::NAMED),
    refusals: &[404],
    ..Operation::read(
        "accounts.limits",
        "/accounts/{id}/limits",
        "Read what an account may still take and give",
        Described {
            shape: Shape::of::<AccountLimits>(),
            example: r#"{"account_id":"acc_0008000000004","customer":{"daily":{"max":{"amount":"10000000","currency":"KRW"},"used":{"amount":"0","currency":"KRW"},"in_flight":{"amount":"0","currency":"KRW"},"remaining":{"amount":"10000000","currency":"KRW"},"reset_at":"2026-11-24T00:00:00.000000Z"},"monthly":{"max":{"amount":"100000000","currency":"KRW"},"used":{"amount":"0","currency":"KRW"},"in_flight":{"amount":"0","currency":"KRW"},"remaining":{"amount":"100000000","currency":"KRW"},"reset_at":"2026-12-01T00:00:00.000000Z"}},"holdings":[{"currency":"VND","cap":{"amount":"5000000","currency":"KRW"},"held":{"amount":"0","currency":"KRW"},"remaining":{"amount":"5000000","currency":"KRW"}}]}"#,
        },
    )
};

/// GET /v1/accounts/{id}/limits
pub(super) async fn get(context: web::Data<Context>, by: By, id: PathId<AccountId>) -> Result<HttpResponse, Problem> {
    let viewer = by.viewer();
    let account = context.engine.account(&viewer, id.0).await?.ok_or_else(|| id.not_found())?;
    let customer = context.engine.customer(&viewer, account.state.customer).await?.ok_or_else(|| id.not_found())?;
    let policy = context.engine.policy();
    Ok(answer::ok(&AccountLimits {
        account_id: Shown(id.0),
        customer: LimitsAnswer::of(&customer, &policy),
        limited: limited(&account.state, account.at, account.business_date, &policy),
        holdings: holdings(&context, &account.state),
    }))
}

fn limited(state: &AccountState, at: Timestamp, date: BusinessDate, policy: &LimitPolicy) -> Option<LimitedAnswer> {
    let is_limited = state.facts.in_force(at).any(|fact| fact.check.admits(Direction::Debit) == Verdict::UpToDailyCap);
    let (max, used) = (policy.limited_account_daily_won, state.limited_won(date));
    is_limited.then(|| LimitedAnswer {
        max: WonAnswer(max),
        used: WonAnswer(used),
        remaining: WonAnswer(max.saturating_sub(used).max(0)),
        reset_at: Shown(date.next().begins_at()),
    })
}

fn holdings(context: &Context, state: &AccountState) -> Vec<Holding> {
    let board = context.engine.board();
    let capped = context.currencies.foreign().filter(|(currency, _)| state.kind.holds(*currency));
    let holding = |currency: Currency, cap: i64| {
        let mid = board.pair(currency).and_then(|pair| pair.last_traded()).map(|round| round.mid);
        let held = mid.map(|mid| value_in_won(state.booked(currency), mid));
        Holding {
            currency: currency.code().to_owned(),
            cap: WonAnswer(cap),
            held: held.map(WonAnswer),
            remaining: held.map(|held| WonAnswer(cap.saturating_sub(held).max(0))),
        }
    };
    capped.filter_map(|(currency, spec)| Some(holding(currency, spec.holding_cap_won?))).collect()
}
