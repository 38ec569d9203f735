//! `/v1/accounts/{id}/entries`: the passbook, newest first.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    id::{AccountId, ExchangeId, Position, ReversalId, TransactionId},
    time::{BusinessDate, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    accounts,
    amount::MoneyAnswer,
    answer,
    authorize::By,
    context::Context,
    exchanges::entries_page,
    openapi::texts::{AnyIdText, CursorText, DateText, InstantText},
    operation::{Described, Operation, Shape},
    page::{self, Cursor},
    path_id::PathId,
    problem::Problem,
    query::Query,
    wire::Shown,
};
use crate::actors::{history::PassbookEntry, reads::EntryKind};

/// What an entry came from.
#[derive(ToSchema)]
#[schema(as = EntryKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum KindText {
    Deposit,
    Withdrawal,
    Transfer,
    Exchange,
    Reversal,
    Interest,
}

/// An entry of a passbook.
#[derive(Serialize, ToSchema)]
pub(super) struct Entry {
    /// The account's version after it: from 1 on without a gap.
    version: u64,
    /// What it belongs to.
    #[schema(value_type = AnyIdText)]
    id: String,
    /// What that is.
    #[schema(value_type = KindText)]
    kind: &'static str,
    /// What was posted: negative for a debit.
    amount: MoneyAnswer,
    /// What the account held of this currency afterwards.
    balance_after: MoneyAnswer,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

/// A page of a passbook, newest first.
#[derive(Serialize, ToSchema)]
struct EntryPage {
    /// The entries.
    items: Vec<Entry>,
    /// Where to go on; null at the end.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

/// Reads a passbook.
pub(super) const LIST: Operation = Operation {
    named: Some(accounts::NAMED),
    query: &[page::FROM, page::TO, page::LIMIT, page::CURSOR],
    refusals: &[404],
    notes: "Complete up to the moment of asking.",
    ..Operation::read(
        "accounts.entries",
        "/accounts/{id}/entries",
        "Read an account's passbook, newest entry first",
        Described {
            shape: Shape::of::<EntryPage>(),
            example: r#"{"items":[{"version":2,"id":"exg_0008000000006","kind":"exchange","amount":{"amount":"-135050","currency":"KRW"},"balance_after":{"amount":"864950","currency":"KRW"},"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}],"next_cursor":null}"#,
        },
    )
};

/// What an entry belongs to, by its id.
pub(super) fn entry_id(kind: EntryKind, position: Position) -> String {
    match kind {
        EntryKind::Exchange => ExchangeId::at(position).to_string(),
        EntryKind::Reversal => ReversalId::at(position).to_string(),
        EntryKind::Deposit | EntryKind::Withdrawal | EntryKind::Transfer | EntryKind::Interest => {
            TransactionId::at(position).to_string()
        }
    }
}

impl Entry {
    /// An entry as it is answered.
    pub(super) fn of(entry: &PassbookEntry) -> Self {
        Self {
            version: entry.version,
            id: entry_id(entry.kind, entry.position),
            kind: entry.kind.as_str(),
            amount: MoneyAnswer(entry.amount),
            balance_after: MoneyAnswer(entry.balance_after),
            at: Shown(entry.at),
            business_date: Shown(entry.business_date),
        }
    }
}

/// GET /v1/accounts/{id}/entries
pub(super) async fn list(
    context: web::Data<Context>,
    by: By,
    account: PathId<AccountId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let page = entries_page(&query)?;
    let seen = context.engine.account(&by.viewer(), account.0).await?;
    seen.ok_or_else(|| account.not_found())?;
    let found = context.engine.entries(account.0, page).await?;
    let items = found.entries.iter().map(Entry::of);
    let next_cursor = found.next.map(|version| Cursor(version, 0));
    Ok(answer::ok(&EntryPage { items: items.collect(), next_cursor }))
}
