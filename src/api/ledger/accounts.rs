//! `GET /v1/ledger/accounts`: the chart of accounts, with what stands on each.

use actix_web::{HttpResponse, web};
use hwan_domain::ledger::{Chart, ChartAccount, TrialBalance};
use serde::Serialize;
use utoipa::ToSchema;

use super::line::LineAnswer;
use crate::api::{
    answer,
    context::Context,
    operation::{BOOKS, Described, Operation, Shape},
    problem::Problem,
};

/// What an account is in the balance sheet or the income statement.
#[derive(ToSchema)]
#[schema(as = AccountClass, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum ClassText {
    Asset,
    Liability,
    Position,
    Income,
    Expense,
}

/// An account of the chart.
#[derive(Serialize, ToSchema)]
#[schema(as = ChartAccount)]
struct AccountAnswer<'a> {
    /// Its number.
    code: u32,
    /// Its name.
    name: &'a str,
    /// What it is in the balance sheet or the income statement.
    #[schema(value_type = ClassText)]
    class: &'static str,
    /// What it is used for.
    role: &'static str,
    /// Whether there is one per currency.
    per_currency: bool,
    /// What stands on it, by currency; empty where nothing was ever posted.
    balances: Vec<LineAnswer<'a>>,
}

/// The chart of accounts.
#[derive(Serialize, ToSchema)]
#[schema(as = ChartOfAccounts)]
struct ChartAnswer<'a> {
    /// By number.
    accounts: Vec<AccountAnswer<'a>>,
}

/// Reads the chart.
pub(in crate::api) const LIST: Operation = Operation {
    roles: BOOKS,
    refusals: &[404],
    ..Operation::read(
        "ledger.accounts",
        "/ledger/accounts",
        "Read the chart of accounts, with what stands on each",
        Described {
            shape: Shape::of::<ChartAnswer<'_>>(),
            example: r#"{"accounts":[{"code":2010,"name":"Won deposits (control)","class":"liability","role":"won_deposits","per_currency":false,"balances":[{"account":"2010","name":"Won deposits (control)","debit":{"amount":"135050","currency":"KRW"},"credit":{"amount":"1000000","currency":"KRW"},"balance":{"amount":"-864950","currency":"KRW"}}]}]}"#,
        },
    )
};

impl<'a> AccountAnswer<'a> {
    fn of(account: &'a ChartAccount, chart: &'a Chart, balance: &TrialBalance) -> Self {
        let lines = balance.lines.iter().filter(|line| line.account.code == account.code);
        Self {
            code: account.code.number(),
            name: &account.name,
            class: account.class.as_str(),
            role: account.role.as_str(),
            per_currency: account.per_currency,
            balances: lines.map(|line| LineAnswer::of(line, chart)).collect(),
        }
    }
}

/// GET /v1/ledger/accounts
pub(in crate::api) async fn list(context: web::Data<Context>) -> Result<HttpResponse, Problem> {
    let books = context.books()?;
    let balance = books.trial_balance(None).await?;
    let chart = books.chart();
    let accounts = chart.iter().map(|account| AccountAnswer::of(account, chart, &balance)).collect();
    Ok(answer::ok(&ChartAnswer { accounts }))
}
