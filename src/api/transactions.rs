//! `/v1/deposits`, `/v1/withdrawals`, `/v1/transfers`, and `/v1/transactions` to read them.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    id::{AccountId, TransactionId},
    money::Money,
    record::{Event, Record},
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    amount::{Amount, MoneyAnswer},
    answer::{self, Posting},
    authorize::By,
    context::Context,
    idempotency::RequiredKey,
    json::Body,
    openapi::texts::{AccountIdText, DateText, InstantText, TransactionIdText},
    operation::{Described, KeyRule, MONEY, Operation, Parameter, Shape},
    path_id::PathId,
    problem::Problem,
    wire::{Shown, Text},
};
use crate::actors::command::Command;

/// What a transaction is.
#[derive(ToSchema)]
#[schema(as = TransactionKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
pub(super) enum KindText {
    Deposit,
    Withdrawal,
    Transfer,
    Interest,
}

/// Money that comes in or goes out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCash)]
struct CashRequest<'a> {
    /// Into, or out of, which account.
    #[serde(borrow)]
    #[schema(value_type = AccountIdText)]
    account_id: Text<'a>,
    /// How much: above zero, at the currency's exact scale.
    #[serde(borrow)]
    #[schema(value_type = MoneyAnswer)]
    amount: Amount<'a>,
}

/// Money that moves between two accounts of the same kind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTransfer)]
struct TransferRequest<'a> {
    /// The debit.
    #[serde(borrow)]
    #[schema(value_type = AccountIdText)]
    from_account_id: Text<'a>,
    /// The credit.
    #[schema(value_type = AccountIdText)]
    to_account_id: Text<'a>,
    /// How much: above zero, at the currency's exact scale.
    #[serde(borrow)]
    #[schema(value_type = MoneyAnswer)]
    amount: Amount<'a>,
}

/// A deposit, a withdrawal, a transfer or a payment of interest that took place.
#[derive(Serialize, ToSchema)]
#[schema(as = Transaction)]
pub(super) struct TransactionAnswer {
    /// Its id.
    #[schema(value_type = TransactionIdText)]
    id: Shown<TransactionId>,
    /// What it is.
    #[schema(value_type = KindText)]
    kind: &'static str,
    /// The debit, then the credit.
    postings: Vec<Posting>,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

const EXAMPLE: &str = r#"{"id":"txn_0008000000005","kind":"deposit","postings":[{"account_id":"acc_0008000000003","amount":{"amount":"1000000","currency":"KRW"},"balance_after":{"amount":"1000000","currency":"KRW"},"version":1}],"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#;

const fn cash_operation(id: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        roles: MONEY,
        key: KeyRule::Required,
        ..Operation::command(
            id,
            path,
            summary,
            Described {
                shape: Shape::of::<CashRequest<'_>>(),
                example: r#"{"account_id":"acc_0008000000003","amount":{"amount":"1000000","currency":"KRW"}}"#,
            },
            Described { shape: Shape::of::<TransactionAnswer>(), example: EXAMPLE },
        )
    }
}

/// Pays in.
pub(super) const DEPOSIT: Operation = cash_operation("deposits.create", "/deposits", "Pay money in");

/// Pays out.
pub(super) const WITHDRAW: Operation = cash_operation("withdrawals.create", "/withdrawals", "Pay money out");

/// Moves money between accounts.
pub(super) const TRANSFER: Operation = Operation {
    roles: MONEY,
    key: KeyRule::Required,
    notes: "Both accounts in one commit. Accounts that live in different lanes are refused by name (lanes_differ).",
    ..Operation::command(
        "transfers.create",
        "/transfers",
        "Move money between two accounts",
        Described {
            shape: Shape::of::<TransferRequest<'_>>(),
            example: r#"{"from_account_id":"acc_0008000000003","to_account_id":"acc_0008000000013","amount":{"amount":"1000","currency":"KRW"}}"#,
        },
        Described { shape: Shape::of::<TransactionAnswer>(), example: EXAMPLE },
    )
};

/// Reads a transaction.
pub(super) const GET: Operation = Operation {
    named: Some(Parameter {
        name: "id",
        about: "The transaction",
        shape: Shape::of::<TransactionIdText>(),
        example: "txn_0008000000005",
    }),
    refusals: &[404],
    ..Operation::read(
        "transactions.get",
        "/transactions/{id}",
        "Read a deposit, a withdrawal, a transfer or a payment of interest",
        Described { shape: Shape::of::<TransactionAnswer>(), example: EXAMPLE },
    )
};

impl TransactionAnswer {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            id: Shown(TransactionId::at(record.position)),
            kind: kind(&record.event).unwrap_or_else(|| record.event.name()),
            postings: record.event.legs().map(Posting::of).collect(),
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

const fn kind(event: &Event) -> Option<&'static str> {
    match event {
        Event::Deposited { .. } => Some("deposit"),
        Event::Withdrawn { .. } => Some("withdrawal"),
        Event::Transferred { .. } => Some("transfer"),
        Event::InterestPaid { .. } => Some("interest"),
        _ => None,
    }
}

fn cash(body: &Body, context: &Context) -> Result<(AccountId, Money), Problem> {
    let request: CashRequest<'_> = body.read()?;
    Ok((request.account_id.id("account_id")?, request.amount.positive("amount", &context.currencies)?))
}

/// POST /v1/deposits
pub(super) async fn deposit(
    context: web::Data<Context>,
    by: By,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (account, amount) = cash(&body, &context)?;
    context.execute(&by, Some(key.0), &body, Command::Deposit { account, amount }).await
}

/// POST /v1/withdrawals
pub(super) async fn withdraw(
    context: web::Data<Context>,
    by: By,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (account, amount) = cash(&body, &context)?;
    context.execute(&by, Some(key.0), &body, Command::Withdraw { account, amount }).await
}

/// POST /v1/transfers
pub(super) async fn transfer(
    context: web::Data<Context>,
    by: By,
    key: RequiredKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: TransferRequest<'_> = body.read()?;
    let from = request.from_account_id.id("from_account_id")?;
    let to = request.to_account_id.id("to_account_id")?;
    let amount = request.amount.positive("amount", &context.currencies)?;
    context.execute(&by, Some(key.0), &body, Command::Transfer { from, to, amount }).await
}

/// GET /v1/transactions/{id}
pub(super) async fn get(
    context: web::Data<Context>,
    by: By,
    id: PathId<TransactionId>,
) -> Result<HttpResponse, Problem> {
    let record = context.record_for(&by, id.0.position()).await?.ok_or_else(|| id.not_found())?;
    if kind(&record.event).is_none() {
        return Err(id.not_found());
    }
    Ok(answer::ok(&TransactionAnswer::of(&record)))
}
