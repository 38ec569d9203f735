//! `/v1/accounts`: opening, listing, reading, balances, limits, stating facts, closing.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    account::{AccountKind, AccountState},
    check::{Check, Subject},
    id::{AccountId, ChangeId, CustomerId},
    money::Money,
    record::Record,
    time::{BusinessDate, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    amount::MoneyAnswer,
    answer,
    authorize::By,
    context::Context,
    customers::OF_CUSTOMER,
    facts::{self, FactAnswer, FactRequest},
    idempotency::OptionalKey,
    json::Body,
    openapi::texts::{AccountIdText, AsOfText, ChangeIdText, CurrencyText, CustomerIdText, DateText, InstantText},
    operation::{Described, MONEY, Operation, Parameter, Shape},
    path_id::PathId,
    problem::{ApiCode, Problem},
    query::Query,
    revision::{self, IfMatch, IfNoneMatch},
    wire::{Shown, Text},
};
use crate::{
    access::role::{Role, Roles},
    actors::{command::Command, history::AsOf, view::AccountView},
};

/// The id that a path names.
pub(super) const NAMED: Parameter =
    Parameter { name: "id", about: "The account", shape: Shape::of::<AccountIdText>(), example: "acc_0008000000003" };

/// The account that a query names.
pub(super) const OF_ACCOUNT: Parameter = Parameter { name: "account_id", ..NAMED };

/// Won, or all foreign currencies.
#[derive(ToSchema)]
#[schema(as = AccountKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum Kind {
    Won,
    Foreign,
}

/// Whether an account takes part in anything.
#[derive(ToSchema)]
#[schema(as = AccountStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum Status {
    Open,
    Closed,
}

/// An account to be opened: a customer has one open account of each kind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount<'a> {
    /// Whose.
    #[serde(borrow)]
    #[schema(value_type = CustomerIdText)]
    customer_id: Text<'a>,
    /// Which kind.
    #[schema(value_type = Kind)]
    kind: Text<'a>,
}

/// An account that was opened.
#[derive(Serialize, ToSchema)]
pub(super) struct OpenedAccount {
    /// The new id.
    #[schema(value_type = AccountIdText)]
    pub(super) id: Shown<AccountId>,
    /// Whose.
    #[schema(value_type = CustomerIdText)]
    pub(super) customer_id: Shown<CustomerId>,
    /// Which kind.
    #[schema(value_type = Kind)]
    pub(super) kind: &'static str,
    /// When.
    #[schema(value_type = InstantText)]
    pub(super) opened_at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    pub(super) business_date: Shown<BusinessDate>,
}

/// An account. Its ETag names this state; `If-Match` with it makes a command conditional.
#[derive(Serialize, ToSchema)]
struct Account {
    /// Its id.
    #[schema(value_type = AccountIdText)]
    id: Shown<AccountId>,
    /// Whose.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    /// Which kind.
    #[schema(value_type = Kind)]
    kind: &'static str,
    /// Open or closed.
    #[schema(value_type = Status)]
    status: &'static str,
    /// How many postings it has had.
    version: u64,
    /// What stands against it, or will.
    facts: Vec<FactAnswer>,
    /// One entry for each currency that ever had a posting, by code.
    balances: Vec<Balance>,
}

/// A customer's accounts.
#[derive(Serialize, ToSchema)]
struct AccountPage {
    /// The accounts, by id.
    items: Vec<Account>,
    /// Null: a customer's accounts are one page.
    #[schema(value_type = Option<super::openapi::texts::CursorText>, required)]
    next_cursor: Option<super::page::Cursor>,
}

/// What an account holds.
#[derive(Serialize, ToSchema)]
struct Balances {
    /// Whose.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// How many postings the account has had.
    version: u64,
    /// When this was seen.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// One entry for each currency that ever had a posting, by code.
    balances: Vec<Balance>,
}

/// What an account holds of one currency.
#[derive(Serialize, ToSchema)]
struct Balance {
    /// The currency.
    #[schema(value_type = CurrencyText)]
    currency: String,
    /// What is posted.
    booked: MoneyAnswer,
    /// What can be debited now.
    available: MoneyAnswer,
    /// What commands in flight have reserved.
    reserved: MoneyAnswer,
}

/// What an account held at an instant, or at the end of a business date.
#[derive(Serialize, ToSchema)]
#[schema(as = BalancesAsOf)]
struct PastBalances {
    /// Whose.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// As of when, as it was asked.
    #[schema(value_type = AsOfText)]
    as_of: String,
    /// How many postings the account had had by then.
    version: u64,
    /// Whether nothing can be added any more: the instant has passed, the date is over in the account's lane.
    r#final: bool,
    /// What was posted by then: of every currency that had had a posting, by code.
    balances: Vec<MoneyAnswer>,
}

/// What an account holds, or held.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = BalancesNowOrAsOf)]
#[expect(dead_code, reason = "describes one of two answers")]
enum NowOrAsOf {
    Now(Balances),
    AsOf(PastBalances),
}

/// As of when.
const AS_OF: Parameter = Parameter {
    name: "as_of",
    about: "What was posted by this instant (RFC 3339), or by the end of this business date; without it what is held now",
    shape: Shape::of::<AsOfText>(),
    example: "2026-11-23",
};

/// Nothing has to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

/// An account that was closed.
#[derive(Serialize, ToSchema)]
pub(super) struct ClosedAccount {
    /// The change's id.
    #[schema(value_type = ChangeIdText)]
    id: Shown<ChangeId>,
    /// Which.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// Whose.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    /// Closed.
    #[schema(value_type = Status)]
    status: &'static str,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

impl ClosedAccount {
    pub(super) const fn of(record: &Record, account: AccountId, customer: CustomerId) -> Self {
        Self {
            id: Shown(ChangeId::at(record.position)),
            account_id: Shown(account),
            customer_id: Shown(customer),
            status: "closed",
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

const ACCOUNT: &str = r#"{"id":"acc_0008000000003","customer_id":"cus_0008000000002","kind":"won","status":"open","version":2,"facts":[],"balances":[{"currency":"KRW","booked":{"amount":"864950","currency":"KRW"},"available":{"amount":"864950","currency":"KRW"},"reserved":{"amount":"0","currency":"KRW"}}]}"#;

/// Opens an account.
pub(super) const OPEN: Operation = Operation {
    roles: MONEY,
    ..Operation::command(
        "accounts.open",
        "/accounts",
        "Open an account",
        Described {
            shape: Shape::of::<NewAccount<'_>>(),
            example: r#"{"customer_id":"cus_0008000000002","kind":"won"}"#,
        },
        Described {
            shape: Shape::of::<OpenedAccount>(),
            example: r#"{"id":"acc_0008000000003","customer_id":"cus_0008000000002","kind":"won","opened_at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

/// Lists a customer's accounts.
pub(super) const LIST: Operation = Operation {
    query: &[OF_CUSTOMER],
    refusals: &[404],
    ..Operation::read(
        "accounts.list",
        "/accounts",
        "List a customer's accounts, by id",
        Described { shape: Shape::of::<AccountPage>(), example: r#"{"items":[],"next_cursor":null}"# },
    )
};

/// Reads an account.
pub(super) const GET: Operation = Operation {
    named: Some(NAMED),
    is_tagged: true,
    refusals: &[404],
    notes: "Its ETag names this state: If-None-Match with it is answered 304 while nothing has changed.",
    ..Operation::read(
        "accounts.get",
        "/accounts/{id}",
        "Read an account",
        Described { shape: Shape::of::<Account>(), example: ACCOUNT },
    )
};

/// Reads an account's balances.
pub(super) const BALANCES: Operation = Operation {
    named: Some(NAMED),
    query: &[AS_OF],
    refusals: &[404, 422],
    notes: "With as_of what was posted by then, exact: refused for what lies ahead, and before the account was opened. A business date \
            ends where the account's lane was rolled, to the posting.",
    ..Operation::read(
        "accounts.balances",
        "/accounts/{id}/balances",
        "Read what an account holds: booked, available, reserved; or what it held",
        Described {
            shape: Shape::of::<NowOrAsOf>(),
            example: r#"{"account_id":"acc_0008000000003","version":2,"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23","balances":[{"currency":"KRW","booked":{"amount":"864950","currency":"KRW"},"available":{"amount":"864950","currency":"KRW"},"reserved":{"amount":"0","currency":"KRW"}}]}"#,
        },
    )
};

/// States a fact about an account.
pub(super) const STATE_FACT: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Ops]),
    named: Some(NAMED),
    is_conditional: true,
    notes: facts::NOTES,
    ..Operation::command(
        "accounts.facts.state",
        "/accounts/{id}/facts",
        "State or lift a fact about an account",
        Described {
            shape: Shape::of::<FactRequest<'_>>(),
            example: r#"{"check":"seized","amount":{"amount":"100000","currency":"KRW"}}"#,
        },
        Described {
            shape: Shape::of::<facts::ChangeAnswer>(),
            example: r#"{"id":"chg_0008000000008","customer_id":"cus_0008000000002","account_id":"acc_0008000000003","fact":{"check":"seized","effective_from":"2026-11-23T01:00:00.000000Z","amount":{"amount":"100000","currency":"KRW"}},"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

/// Closes an account.
pub(super) const CLOSE: Operation = Operation {
    is_privileged: true,
    roles: Roles::of(&[Role::Teller]),
    named: Some(NAMED),
    is_conditional: true,
    notes: "Closed for good. Refused while it holds money or awaits some.",
    ..Operation::command(
        "accounts.close",
        "/accounts/{id}/close",
        "Close an account",
        Described { shape: Shape::of::<Empty>(), example: "{}" },
        Described {
            shape: Shape::of::<ClosedAccount>(),
            example: r#"{"id":"chg_0008000000009","account_id":"acc_0008000000003","customer_id":"cus_0008000000002","status":"closed","at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
        },
    )
};

impl Account {
    fn of(view: &AccountView) -> Self {
        Self {
            id: Shown(view.state.id),
            customer_id: Shown(view.state.customer),
            kind: view.state.kind.as_str(),
            status: status(&view.state, view.at),
            version: view.state.version(),
            facts: view.state.facts.iter().map(FactAnswer::of).collect(),
            balances: balances(view),
        }
    }
}

fn status(state: &AccountState, at: Timestamp) -> &'static str {
    if state.facts.in_force(at).any(|fact| fact.check == Check::AccountClosed) { "closed" } else { "open" }
}

fn balances(view: &AccountView) -> Vec<Balance> {
    let mut booked: Vec<Money> = view.state.balances.iter().map(|balance| balance.amount).collect();
    booked.sort_by_key(|money| money.currency());
    booked
        .into_iter()
        .map(|booked| Balance {
            currency: booked.currency().code().to_owned(),
            booked: MoneyAnswer(booked),
            available: MoneyAnswer(of_currency(booked, view.available.iter().copied())),
            reserved: MoneyAnswer(of_currency(booked, view.reserved)),
        })
        .collect()
}

fn of_currency(booked: Money, amounts: impl IntoIterator<Item = Money>) -> Money {
    let currency = booked.currency();
    amounts.into_iter().find(|money| money.currency() == currency).unwrap_or(Money::zero(currency))
}

/// POST /v1/accounts
pub(super) async fn open(
    context: web::Data<Context>,
    by: By,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: NewAccount<'_> = body.read()?;
    let customer = request.customer_id.id("customer_id")?;
    let kind = AccountKind::parse(request.kind.as_str())
        .ok_or_else(|| Problem::at(ApiCode::OutOfRange, "kind", "expected won or foreign"))?;
    context.execute(&by, key.0, &body, Command::OpenAccount { customer, kind }).await
}

/// GET /v1/accounts
pub(super) async fn list(context: web::Data<Context>, by: By, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let customer = Query::of(&request, &LIST)?.required_id::<CustomerId>(&OF_CUSTOMER)?;
    let viewer = by.viewer();
    let view = context.engine.customer(&viewer, customer).await?;
    let view = view.ok_or_else(|| PathId(customer).not_found())?;
    let mut items = Vec::with_capacity(view.accounts.len());
    for id in view.accounts {
        items.extend(context.engine.account(&viewer, id).await?.as_ref().map(Account::of));
    }
    Ok(answer::ok(&AccountPage { items, next_cursor: None }))
}

/// GET /v1/accounts/{id}
pub(super) async fn get(
    context: web::Data<Context>,
    by: By,
    id: PathId<AccountId>,
    known: IfNoneMatch,
) -> Result<HttpResponse, Problem> {
    let view = context.engine.account(&by.viewer(), id.0).await?.ok_or_else(|| id.not_found())?;
    let revision = view.state.revision();
    if known.has(revision) {
        return Ok(revision::not_modified(revision));
    }
    Ok(revision::named(answer::ok(&Account::of(&view)), revision))
}

fn not_as_of() -> Problem {
    let detail = "neither a date such as 2026-11-23 nor a time such as 2026-11-23T01:00:00.000000Z (write + as %2B)";
    Problem::at(ApiCode::MalformedTime, AS_OF.name, detail)
}

/// GET /v1/accounts/{id}/balances
pub(super) async fn get_balances(
    context: web::Data<Context>,
    by: By,
    id: PathId<AccountId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &BALANCES)?;
    if let Some(text) = query.text(&AS_OF) {
        let as_of = match BusinessDate::parse(text) {
            Some(date) => AsOf::Date(date),
            None => AsOf::Instant(Timestamp::parse_rfc3339(text).ok_or_else(not_as_of)?),
        };
        let held = context.engine.held(&by.viewer(), id.0, as_of).await?.ok_or_else(|| id.not_found())?;
        return Ok(answer::ok(&PastBalances {
            account_id: Shown(id.0),
            as_of: text.to_owned(),
            version: held.version,
            r#final: held.is_final,
            balances: held.balances.into_iter().map(MoneyAnswer).collect(),
        }));
    }
    let view = context.engine.account(&by.viewer(), id.0).await?.ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&Balances {
        account_id: Shown(view.state.id),
        version: view.state.version(),
        at: Shown(view.at),
        business_date: Shown(view.business_date),
        balances: balances(&view),
    }))
}

/// POST /v1/accounts/{id}/facts
pub(super) async fn state_fact(
    context: web::Data<Context>,
    by: By,
    id: PathId<AccountId>,
    (key, expected): (OptionalKey, IfMatch),
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request: FactRequest<'_> = body.read()?;
    let (now, _) = context.engine.now();
    let fact = request.fact(Subject::Account, now, &context.currencies)?;
    let command = Command::StateAccountFact { account: id.0, fact, expected: expected.0 };
    context.execute(&by, key.0, &body, command).await
}

/// POST /v1/accounts/{id}/close
pub(super) async fn close(
    context: web::Data<Context>,
    by: By,
    id: PathId<AccountId>,
    (key, expected): (OptionalKey, IfMatch),
    body: Body,
) -> Result<HttpResponse, Problem> {
    let Empty {} = body.read()?;
    context.execute(&by, key.0, &body, Command::CloseAccount { account: id.0, expected: expected.0 }).await
}
