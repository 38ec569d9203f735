//! `GET /v1/accounts/{id}/statement`: what an account held, what was posted, what it held then; as JSON or as CSV.

use std::fmt::Write as _;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ACCEPT, CONTENT_TYPE},
    web,
};
use hwan_domain::{id::AccountId, money::Money, time::BusinessDate};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    accounts,
    amount::MoneyAnswer,
    answer,
    authorize::By,
    context::Context,
    entries::{Entry, entry_id},
    openapi::texts::{AccountIdText, CurrencyText, CursorText, DateText},
    operation::{Described, Operation, Parameter, Shape},
    page::{self, Cursor},
    path_id::PathId,
    problem::{ApiCode, Problem},
    query::Query,
    wire::Shown,
};
use crate::actors::history::{POSTINGS_MAX, Statement, StatementError, StatementPlace, StatementQuery};

/// The media type of the other form.
pub(super) const CSV: &str = "text/csv; charset=utf-8";

const FROM: Parameter = Parameter {
    name: "from",
    about: "The first business date; the first of the month of the last one without",
    shape: Shape::of::<DateText>(),
    example: "2026-11-01",
};
const TO: Parameter = Parameter {
    name: "to",
    about: "The last business date; today without",
    shape: Shape::of::<DateText>(),
    example: "2026-11-23",
};
const CURRENCY: Parameter =
    Parameter { name: "currency", about: "This currency alone", shape: Shape::of::<CurrencyText>(), example: "USD" };
const FORMAT: Parameter = Parameter {
    name: "format",
    about: "json, or csv for a spreadsheet; also by Accept: text/csv",
    shape: Shape::of::<Format>(),
    example: "json",
};

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(as = StatementFormat, rename_all = "snake_case")]
enum Format {
    Json,
    Csv,
}

/// A statement, or a page of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Statement)]
struct StatementAnswer {
    /// Whose.
    #[schema(value_type = AccountIdText)]
    account_id: Shown<AccountId>,
    /// The first business date.
    #[schema(value_type = DateText)]
    from: Shown<BusinessDate>,
    /// The last business date.
    #[schema(value_type = DateText)]
    to: Shown<BusinessDate>,
    /// Whether nothing can be added any more: the last date is over.
    r#final: bool,
    /// What the account held before the first posting: of every currency that had had one.
    opening: Vec<MoneyAnswer>,
    /// The postings, oldest first.
    postings: Vec<Entry>,
    /// What it held after the last posting.
    closing: Vec<MoneyAnswer>,
    /// Where to go on; the next page opens with what this one closes with. Null at the end.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

/// Reads a statement.
pub(super) const GET: Operation = Operation {
    named: Some(accounts::NAMED),
    query: &[FROM, TO, CURRENCY, FORMAT, page::LIMIT, page::CURSOR],
    refusals: &[404, 422],
    offers_csv: true,
    notes: "By business date, both ends included. Opening balances and postings make the closing balances, or the statement is not \
            given. A page has at most 10,000 postings (1,000 where a limit is given); the next one carries the balances over.",
    ..Operation::read(
        "accounts.statement",
        "/accounts/{id}/statement",
        "Read an account's statement between two business dates",
        Described {
            shape: Shape::of::<StatementAnswer>(),
            example: r#"{"account_id":"acc_0008000000003","from":"2026-11-01","to":"2026-11-23","final":false,"opening":[],"postings":[{"version":1,"id":"txn_0008000000005","kind":"deposit","amount":{"amount":"1000000","currency":"KRW"},"balance_after":{"amount":"1000000","currency":"KRW"},"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}],"closing":[{"amount":"1000000","currency":"KRW"}],"next_cursor":null}"#,
        },
    )
};

impl From<StatementError> for Problem {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Refused(refusal) => refusal.into(),
            StatementError::ForeignPlace => Problem::at(
                ApiCode::MalformedCursor,
                page::CURSOR.name,
                "the cursor is of another statement: pass on the next_cursor of the page before with the same dates",
            ),
            StatementError::Broken { .. } => {
                Problem::new(ApiCode::StatementBroken, "what is stored of the account waits for an operator")
            }
        }
    }
}

fn format_of(query: &Query<'_>, request: &HttpRequest) -> Result<Format, Problem> {
    match query.text(&FORMAT) {
        Some("json") => Ok(Format::Json),
        Some("csv") => Ok(Format::Csv),
        Some(_) => Err(Problem::at(ApiCode::OutOfRange, FORMAT.name, "expected json or csv")),
        None => {
            let accepted = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
            let names = |media: &str| {
                accepted.split(',').any(|one| one.split(';').next().is_some_and(|name| name.trim() == media))
            };
            Ok(if names("text/csv") && !names("application/json") { Format::Csv } else { Format::Json })
        }
    }
}

fn statement_query(query: &Query<'_>, context: &Context) -> Result<StatementQuery, Problem> {
    let currency = query.text(&CURRENCY).map(|text| {
        let unknown =
            || Problem::at(ApiCode::UnknownCurrency, CURRENCY.name, format!("{text} is not one of the bank's"));
        context.currencies.find(text).ok_or_else(unknown)
    });
    let (from, to) = (query.date(&FROM)?, query.date(&TO)?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(Problem::at(ApiCode::OutOfRange, FROM.name, "the first date lies after the last"));
    }
    let limit = if query.text(&page::LIMIT).is_some() { query.limit()? } else { POSTINGS_MAX };
    let place = Cursor::of(query)?.map(|Cursor(after, last)| StatementPlace { after, last });
    Ok(StatementQuery { from, to, currency: currency.transpose()?, place, limit })
}

/// GET /v1/accounts/{id}/statement
pub(super) async fn get(
    context: web::Data<Context>,
    by: By,
    account: PathId<AccountId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &GET)?;
    let format = format_of(&query, &request)?;
    let wanted = statement_query(&query, &context)?;
    let statement = context.engine.statement(&by.viewer(), account.0, wanted).await?;
    let statement = statement.ok_or_else(|| account.not_found())?;
    let next_cursor = statement.next.map(|place| Cursor(place.after, place.last));
    if format == Format::Csv {
        return Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, CSV)).body(csv(&statement, next_cursor)));
    }
    let Statement { from, to, is_final, opening, postings, closing, .. } = statement;
    Ok(answer::ok(&StatementAnswer {
        account_id: Shown(account.0),
        from: Shown(from),
        to: Shown(to),
        r#final: is_final,
        opening: opening.into_iter().map(MoneyAnswer).collect(),
        postings: postings.iter().map(Entry::of).collect(),
        closing: closing.into_iter().map(MoneyAnswer).collect(),
        next_cursor,
    }))
}

const HEAD: &str = "row,business_date,at,version,id,kind,currency,amount,balance\r\n";

/// The statement as CSV: a row for each opening balance, posting and closing balance; where it goes on, a row with the cursor.
fn csv(statement: &Statement, next: Option<Cursor>) -> String {
    let mut text = HEAD.to_owned();
    let balance = |text: &mut String, row: &str, date: BusinessDate, money: &Money| {
        let (currency, amount) = (money.currency().to_string(), money.to_string());
        write_row(text, &[row, &date.to_string(), "", "", "", "", &currency, "", &amount]);
    };
    for money in &statement.opening {
        balance(&mut text, "opening", statement.from, money);
    }
    for entry in &statement.postings {
        write_row(
            &mut text,
            &[
                "posting",
                &entry.business_date.to_string(),
                &entry.at.to_string(),
                &entry.version.to_string(),
                &entry_id(entry.kind, entry.position),
                entry.kind.as_str(),
                &entry.amount.currency().to_string(),
                &entry.amount.to_string(),
                &entry.balance_after.to_string(),
            ],
        );
    }
    for money in &statement.closing {
        balance(&mut text, "closing", statement.to, money);
    }
    if let Some(next) = next {
        write_row(&mut text, &["next_cursor", "", "", "", &next.text(), "", "", "", ""]);
    }
    text
}

fn write_row(text: &mut String, cells: &[&str]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_cell(text, cell);
    }
    text.push_str("\r\n");
}

/// A cell that no spreadsheet takes for a formula: what begins as one, and is no number, gets an apostrophe before it. Texts with
/// commas, quotes or breaks stand in quotes.
fn write_cell(text: &mut String, cell: &str) {
    let is_number = || {
        let digits = cell.strip_prefix('-').unwrap_or(cell);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !is_number() { "'" } else { "" };
    if cell.contains([',', '"', '\r', '\n']) {
        // A string takes every write.
        let _ = write!(text, "\"{guard}{}\"", cell.replace('"', "\"\""));
    } else {
        text.push_str(guard);
        text.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_its_row() {
        let cell = |cell: &str| {
            let mut text = String::new();
            write_cell(&mut text, cell);
            text
        };
        for plain in ["", "-135050", "100.00", "exg_0008000000006", "2026-11-23T01:00:00.000000Z"] {
            assert_eq!(cell(plain), plain);
        }
        assert_eq!(cell("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(cell("+1"), "'+1");
        assert_eq!(cell("-1+cmd"), "'-1+cmd");
        assert_eq!(cell("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(cell("\t=1"), "'\t=1");
        assert_eq!(cell("=1,\"2\""), "\"'=1,\"\"2\"\"\"");
        assert_eq!(cell("a\r\nb"), "\"a\r\nb\"");
    }
}
