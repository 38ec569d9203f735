//! `/v1/accounts/{id}/checks`: may this account take part? All checks, tried out. And `/v1/accounts/{id}/limits`.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    check::Direction,
    id::AccountId,
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accounts,
    amount::{Amount, MoneyAnswer},
    answer,
    authorize::By,
    context::Context,
    json::Body,
    openapi::texts::{AccountIdText, DateText, InstantText},
    operation::{Described, KeyRule, Operation, READERS, Shape},
    path_id::PathId,
    problem::{ApiCode, Found, Problem},
    wire::{Shown, Text},
};

/// Which way money would move.
#[derive(ToSchema)]
#[schema(as = Direction, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum DirectionText {
    Debit,
    Credit,
    CompensatingCredit,
}

/// A posting to be tried out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TriedPosting<'a> {
    /// Out, in, or back in.
    #[serde(borrow)]
    #[schema(value_type = DirectionText)]
    direction: Text<'a>,
    /// How much.
    #[serde(borrow)]
    #[schema(value_type = MoneyAnswer)]
    amount: Amount<'a>,
}

/// Everything that stands against a posting. Nothing was changed or reserved.
#[derive(Serialize, ToSchema)]
struct Checked {
    /// Which account.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// Which way.
    #[schema(value_type = DirectionText)]
    direction: &'static str,
    /// How much.
    amount: MoneyAnswer,
    /// Whether nothing stands against it.
    admitted: bool,
    /// Everything that does, in order of precedence.
    violations: Vec<Found>,
    /// When it was judged.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

/// Tries all checks.
pub(super) const TRY: Operation = Operation {
    roles: READERS,
    key: KeyRule::Unused,
    named: Some(accounts::NAMED),
    status: 200,
    refusals: &[404, 422],
    notes: "Facts of the account and of its customer, seizures, the caps of limited accounts and of holdings, the balance: \
            judged as a real posting would be. Limits into foreign currency belong to exchanges: try those with dry_run.",
    ..Operation::command(
        "accounts.checks",
        "/accounts/{id}/checks",
        "Try whether an account may take part",
        Described {
            shape: Shape::of::<TriedPosting<'_>>(),
            example: r#"{"direction":"debit","amount":{"amount":"1000","currency":"KRW"}}"#,
        },
        Described {
            shape: Shape::of::<Checked>(),
            example: r#"{"account_id":"acc_0008000000003","direction":"debit","amount":{"amount":"1000","currency":"KRW"},"admitted":true,"violations":[],"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

/// POST /v1/accounts/{id}/checks
pub(super) async fn try_out(
    context: web::Data<Context>,
    by: By,
    id: PathId<AccountId>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: TriedPosting<'_> = body.read()?;
    let (direction, text) = match request.direction.as_str() {
        "debit" => (Direction::Debit, "debit"),
        "credit" => (Direction::Credit, "credit"),
        "compensating_credit" => (Direction::CompensatingCredit, "compensating_credit"),
        _ => {
            let detail = "expected debit, credit or compensating_credit";
            return Err(Problem::at(ApiCode::OutOfRange, "direction", detail));
        }
    };
    let amount = request.amount.positive("amount", &context.currencies)?;
    let checked = context.engine.check(&by.viewer(), id.0, direction, amount).await?;
    let checked = checked.ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&Checked {
        account_id: Shown(id.0),
        direction: text,
        amount: MoneyAnswer(amount),
        admitted: checked.violations.is_empty(),
        violations: checked.violations.iter().map(Found::of).collect(),
        at: Shown(checked.at),
        business_date: Shown(checked.business_date),
    }))
}
