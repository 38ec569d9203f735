//! `/v1/ledger/journals`: what was posted, record by record.

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Position, Seq},
    ledger::{AccountCode, Entry, Journal, LedgerAccount},
    time::{BusinessDate, Timestamp},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::journal_id::JournalId;
use crate::{
    accounting::books::JournalQuery,
    api::{
        amount::MoneyAnswer,
        answer,
        context::Context,
        openapi::texts::{CursorText, DateText, InstantText, JournalIdText, LaneNumber, LedgerAccountText},
        operation::{BOOKS, Described, Operation, Parameter, Shape},
        page::{self, Cursor},
        path_id::PathId,
        problem::{ApiCode, Problem},
        query::Query,
        wire::Shown,
    },
};

/// How many journals are looked through for those of one account, for one page.
const LOOKED_THROUGH_MAX: usize = 1_000;

/// Of one lane alone.
pub(super) const LANE: Parameter = Parameter {
    name: "lane",
    about: "Only this lane: 0 has the bank's own deals, 1 and up what customers did",
    shape: Shape::of::<LaneNumber>(),
    example: "1",
};
const ON_DATE: Parameter = Parameter {
    name: "business_date",
    about: "Only journals of this business date",
    shape: Shape::of::<DateText>(),
    example: "2026-11-23",
};
const OF_ACCOUNT: Parameter = Parameter {
    name: "account",
    about: "Only journals with an entry on this account, or on any of its currencies",
    shape: Shape::of::<LedgerAccountText>(),
    example: "1901[USD]",
};

/// What a journal stands for.
#[derive(ToSchema)]
#[schema(as = JournalKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum KindText {
    Deposit,
    Withdrawal,
    Transfer,
    Exchange,
    Reversal,
    Cover,
    Interest,
}

/// A side of an account.
#[derive(ToSchema)]
#[schema(as = EntrySide, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum SideText {
    Debit,
    Credit,
}

/// A debit or a credit.
#[derive(Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
struct EntryAnswer {
    /// The account.
    #[schema(value_type = LedgerAccountText)]
    account: Shown<LedgerAccount>,
    /// Which side of it.
    #[schema(value_type = SideText)]
    side: &'static str,
    /// How much: above zero.
    amount: MoneyAnswer,
}

/// The journal of a record; it balances in each currency by itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Journal)]
struct JournalAnswer {
    /// The id of what it stands for.
    #[schema(value_type = JournalIdText)]
    id: String,
    /// What that is.
    #[schema(value_type = KindText)]
    kind: &'static str,
    /// The record's lane.
    #[schema(value_type = LaneNumber)]
    lane: u16,
    /// The record's place in it.
    seq: u64,
    /// What it refers to: the exchange that was reversed, the deal in the bank's dealing system; null for others.
    #[schema(required)]
    reference: Option<String>,
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// Its entries.
    entries: Vec<EntryAnswer>,
}

/// A page of journals: lane by lane from the highest down, within a lane from the newest down.
#[derive(Serialize, ToSchema)]
#[schema(as = JournalPage)]
struct PageAnswer {
    /// The journals; with a filter by account there may be fewer than asked for, or none, and still more to come.
    items: Vec<JournalAnswer>,
    /// Where to go on; null at the end.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

const EXAMPLE: &str = r#"{"id":"exg_0008000000006","kind":"exchange","lane":1,"seq":6,"reference":null,"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23","entries":[{"account":"2010","side":"debit","amount":{"amount":"135050","currency":"KRW"}},{"account":"1901[USD]","side":"credit","amount":{"amount":"135050","currency":"KRW"}},{"account":"1900[USD]","side":"debit","amount":{"amount":"100.00","currency":"USD"}},{"account":"2110[USD]","side":"credit","amount":{"amount":"100.00","currency":"USD"}}]}"#;

/// Lists journals.
pub(in crate::api) const LIST: Operation = Operation {
    roles: BOOKS,
    query: &[ON_DATE, OF_ACCOUNT, LANE, page::LIMIT, page::CURSOR],
    refusals: &[404],
    notes: "Lane by lane from the highest down, within a lane from the newest down. What moved no money has no journal.",
    ..Operation::read(
        "ledger.journals",
        "/ledger/journals",
        "List what was posted",
        Described { shape: Shape::of::<PageAnswer>(), example: r#"{"items":[],"next_cursor":null}"# },
    )
};

/// Reads a journal.
pub(in crate::api) const GET: Operation = Operation {
    roles: BOOKS,
    named: Some(Parameter {
        name: "id",
        about: "What the journal stands for: an exchange, a reversal, a transaction, a cover trade",
        shape: Shape::of::<JournalIdText>(),
        example: "exg_0008000000006",
    }),
    refusals: &[404],
    ..Operation::read(
        "ledger.get_journal",
        "/ledger/journals/{id}",
        "Read how something was posted",
        Described { shape: Shape::of::<JournalAnswer>(), example: EXAMPLE },
    )
};

impl JournalAnswer {
    fn of(journal: &Journal) -> Self {
        let entry = |entry: &Entry| EntryAnswer {
            account: Shown(entry.account),
            side: entry.side.as_str(),
            amount: MoneyAnswer(entry.amount),
        };
        Self {
            id: journal.id(),
            kind: journal.kind.as_str(),
            lane: journal.position.lane().number(),
            seq: journal.position.seq().number(),
            reference: journal.reference.as_deref().map(str::to_owned),
            at: Shown(journal.at),
            business_date: Shown(journal.business_date),
            entries: journal.entries.iter().map(entry).collect(),
        }
    }
}

/// Where a page ended.
pub(super) fn cursor_of(position: Position) -> Cursor {
    Cursor(position.lane().number().into(), position.seq().number())
}

/// Where to go on.
pub(super) fn position_at(Cursor(lane, seq): Cursor) -> Result<Position, Problem> {
    let lane = u16::try_from(lane).ok().and_then(LaneId::new);
    let position = lane.zip(Seq::new(seq)).map(|(lane, seq)| Position::new(lane, seq));
    position.ok_or_else(|| Problem::at(ApiCode::MalformedCursor, page::CURSOR.name, "it is no cursor of this list"))
}

/// The lane that a query names; one that is not there has nothing.
pub(super) fn lane_of(query: &Query<'_>) -> Result<Option<LaneId>, Problem> {
    let parse = |text: &str| {
        let lane = text.parse().ok().and_then(LaneId::new);
        lane.ok_or_else(|| Problem::at(ApiCode::OutOfRange, LANE.name, "a lane is a number from 0 to 32767"))
    };
    query.text(&LANE).map(parse).transpose()
}

/// The account that a query names: `2010`, `1901[USD]`, or `1901` for all its currencies.
fn account_of(query: &Query<'_>, currencies: &CurrencySet) -> Result<Option<LedgerAccount>, Problem> {
    let parse = |text: &str| {
        let (code, of) = match text.split_once('[') {
            None => (text, None),
            Some((code, rest)) => (code, Some(currencies.find(rest.strip_suffix(']')?)?)),
        };
        Some(LedgerAccount { code: AccountCode::new(code.parse().ok()?)?, of })
    };
    let malformed =
        || Problem::at(ApiCode::MalformedId, OF_ACCOUNT.name, "write an account such as 2010, 1901 or 1901[USD]");
    query.text(&OF_ACCOUNT).map(|text| parse(text).ok_or_else(malformed)).transpose()
}

/// GET /v1/ledger/journals
pub(in crate::api) async fn list(context: web::Data<Context>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let (limit, account) = (query.limit()?, account_of(&query, &context.currencies)?);
    let sought = JournalQuery {
        lane: lane_of(&query)?,
        business_date: query.date(&ON_DATE)?,
        before: Cursor::of(&query)?.map(position_at).transpose()?,
        limit: if account.is_some() { LOOKED_THROUGH_MAX } else { limit },
    };
    let page = context.books()?.journals(&sought).await?;
    let is_of = |entry: &Entry| {
        account.is_none_or(|sought| {
            entry.account.code == sought.code && (sought.of.is_none() || entry.account.of == sought.of)
        })
    };
    let mut found: Vec<&Journal> = page.journals.iter().filter(|one| one.entries.iter().any(is_of)).collect();
    // With more found than asked for, the next page begins within this one.
    let next = match found.get(limit) {
        Some(_) => limit.checked_sub(1).and_then(|last| found.get(last)).map(|last| last.position),
        None => page.next,
    };
    found.truncate(limit);
    let items = found.into_iter().map(JournalAnswer::of).collect();
    Ok(answer::ok(&PageAnswer { items, next_cursor: next.map(cursor_of) }))
}

/// GET /v1/ledger/journals/{id}
pub(in crate::api) async fn get(context: web::Data<Context>, id: PathId<JournalId>) -> Result<HttpResponse, Problem> {
    let journal = context.books()?.journal(id.0.position()).await?;
    let journal = journal.filter(|journal| id.0.names(journal)).ok_or_else(|| id.not_found())?;
    Ok(answer::ok(&JournalAnswer::of(&journal)))
}
