//! `/v1/exchanges`: money is changed, at a quote or at the current round; tried out; read; listed.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use hwan_domain::{
    exchange::{Side, Terms},
    id::{AccountId, CustomerId, ExchangeId, Position, ReversalId},
    money::Money,
    quote::QuoteId,
    record::{Event, Leg, Record},
    round::RoundId,
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    accounts::OF_ACCOUNT,
    amount::{DecimalText, MoneyAnswer},
    answer::{self, Posting},
    authorize::By,
    context::Context,
    idempotency::{OptionalKey, missing_key},
    json::Body,
    openapi::texts::{
        AccountIdText, CursorText, CustomerIdText, DateText, ExchangeIdText, InstantText, PercentText, QuoteIdText,
        QuoteTokenText, RateText, ReversalIdText, RoundIdText,
    },
    operation::{Described, KeyRule, MONEY, Operation, Parameter, Shape},
    order::{OrderFields, SideText, order_request, side_text},
    page::{self, Cursor},
    path_id::PathId,
    problem::{ApiCode, Found, Problem},
    query::Query,
    quotes::ShownQuoteId,
    wire::{Shown, Text},
};
use crate::actors::{
    command::{Command, Order},
    reads::{Page, Window},
    view::TrialView,
};

/// The id that a path names.
pub(super) const NAMED: Parameter =
    Parameter { name: "id", about: "The exchange", shape: Shape::of::<ExchangeIdText>(), example: "exg_0008000000006" };

order_request! {
    /// An exchange: either a quote, or an order at the current round.
    #[schema(as = NewExchange)]
    ExchangeRequest {
        /// A quote as `POST /v1/quotes` gave it; nothing of an order beside it.
        #[serde(borrow)]
        #[schema(value_type = Option<QuoteTokenText>)]
        quote: Option<Text<'a>>,
        /// The worst rate to accept, per the currency's rate unit: the highest for a buy, the lowest for a sell.
        #[serde(borrow)]
        #[schema(value_type = Option<RateText>)]
        worst_rate: Option<DecimalText<'a>>,
        /// True: judge all of it and change nothing; no key is needed.
        dry_run: Option<bool>,
    }
}

impl ExchangeRequest<'_> {
    /// Whether it is only to be tried out.
    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run == Some(true)
    }

    /// What is to be exchanged.
    pub(super) fn order(&self, context: &Context) -> Result<Order, Problem> {
        let fields = OrderFields { worst_rate: self.worst_rate.as_ref(), ..self.order_fields() };
        let Some(token) = &self.quote else { return fields.order(context).map(Order::AtMarket) };
        if !fields.is_empty() {
            let detail = "a quote says everything: give either the quote or an order's fields";
            return Err(Problem::at(ApiCode::MalformedBody, "quote", detail));
        }
        let verified = context.keyring.verify(token.as_str(), &context.currencies);
        verified.map(Order::AtQuote).map_err(|error| Problem::at(ApiCode::QuoteInvalid, "quote", error.to_string()))
    }
}

/// The numbers that an exchange trades at; copies, never looked up again.
#[derive(Serialize, ToSchema)]
#[schema(as = ExecutedRate)]
pub(super) struct RateAnswer {
    /// Won per unit of the foreign currency.
    #[schema(value_type = RateText)]
    value: Shown<Decimal>,
    /// How much foreign currency the rate is for.
    unit: u32,
    /// Its round.
    #[schema(value_type = RoundIdText)]
    round: Shown<RoundId>,
    /// The round's business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// The round's middle rate.
    #[schema(value_type = RateText)]
    mid: Shown<Decimal>,
    /// How much of the spread the customer was let off.
    #[schema(value_type = PercentText)]
    preference_percent: Shown<Decimal>,
}

impl RateAnswer {
    pub(super) const fn of(terms: &Terms) -> Self {
        Self {
            value: Shown(terms.rate.value()),
            unit: terms.rate.unit(),
            round: Shown(terms.round),
            business_date: Shown(terms.round.date),
            mid: Shown(terms.mid.value()),
            preference_percent: Shown(terms.preference_percent),
        }
    }
}

/// An exchange that took place.
#[derive(Serialize, ToSchema)]
#[schema(as = Exchange)]
pub(super) struct ExchangeAnswer {
    /// Its id.
    #[schema(value_type = ExchangeIdText)]
    id: Shown<ExchangeId>,
    /// Whose.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    /// Buy or sell.
    #[schema(value_type = SideText)]
    side: &'static str,
    /// At which numbers.
    rate: RateAnswer,
    /// The quote that was used, if it was at one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = QuoteIdText, required = false)]
    quote_id: Option<ShownQuoteId>,
    /// The won leg.
    won: MoneyAnswer,
    /// The foreign leg.
    foreign: MoneyAnswer,
    /// The debit, then the credit.
    postings: [Posting; 2],
    /// When.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
    /// The reversal that took it back, once one did; never in the answer to the exchange itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ReversalIdText, required = false)]
    reversal_id: Option<Shown<ReversalId>>,
}

impl ExchangeAnswer {
    pub(super) fn of(
        record: &Record,
        terms: &Terms,
        quote: Option<QuoteId>,
        (debit, credit): (&Leg, &Leg),
        reversal: Option<ReversalId>,
    ) -> Self {
        let (paid, received): (Money, Money) = (debit.amount.negated(), credit.amount);
        let (won, foreign) = match terms.side {
            Side::Buy => (paid, received),
            Side::Sell => (received, paid),
        };
        Self {
            id: Shown(ExchangeId::at(record.position)),
            customer_id: Shown(debit.customer),
            side: side_text(terms.side),
            rate: RateAnswer::of(terms),
            quote_id: quote.map(ShownQuoteId),
            won: MoneyAnswer(won),
            foreign: MoneyAnswer(foreign),
            postings: [Posting::of(debit), Posting::of(credit)],
            at: Shown(record.at),
            business_date: Shown(record.business_date),
            reversal_id: reversal.map(Shown),
        }
    }

    fn of_record(record: &Record, reversal: Option<ReversalId>) -> Option<Self> {
        match &record.event {
            Event::Exchanged { terms, quote, debit, credit, .. } => {
                Some(Self::of(record, terms, *quote, (debit, credit), reversal))
            }
            _ => None,
        }
    }
}

/// What an exchange would do, and everything that stands against it. Nothing was changed or reserved.
#[derive(Serialize, ToSchema)]
#[schema(as = TriedExchange)]
struct TrialAnswer {
    /// Always true.
    dry_run: bool,
    /// Whether it would have been executed.
    admitted: bool,
    /// Everything that stands against it, in order of precedence.
    violations: Vec<Found>,
    /// Buy or sell.
    #[schema(value_type = SideText)]
    side: &'static str,
    /// At which numbers, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = RateAnswer, required = false)]
    rate: Option<RateAnswer>,
    /// The won leg, where it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = MoneyAnswer, required = false)]
    won: Option<MoneyAnswer>,
    /// The foreign leg, where it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = MoneyAnswer, required = false)]
    foreign: Option<MoneyAnswer>,
    /// The won account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AccountIdText, required = false)]
    won_account_id: Option<Shown<AccountId>>,
    /// The foreign account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AccountIdText, required = false)]
    foreign_account_id: Option<Shown<AccountId>>,
    /// When it was judged.
    #[schema(value_type = InstantText)]
    at: Shown<Timestamp>,
    /// On which business date.
    #[schema(value_type = DateText)]
    business_date: Shown<BusinessDate>,
}

impl TrialAnswer {
    fn of(trial: TrialView) -> Self {
        Self {
            dry_run: true,
            admitted: trial.violations.is_empty(),
            violations: trial.violations.iter().map(Found::of).collect(),
            side: side_text(trial.side),
            rate: trial.terms.as_ref().map(RateAnswer::of),
            won: trial.priced.map(|priced| MoneyAnswer(priced.won)),
            foreign: trial.priced.map(|priced| MoneyAnswer(priced.foreign)),
            won_account_id: trial.won_account.map(Shown),
            foreign_account_id: trial.foreign_account.map(Shown),
            at: Shown(trial.at),
            business_date: Shown(trial.business_date),
        }
    }
}

/// A page of an account's exchanges, newest first.
#[derive(Serialize, ToSchema)]
struct ExchangePage {
    /// The exchanges.
    items: Vec<ExchangeAnswer>,
    /// Where to go on; null at the end. A page may have fewer items than asked for, or none, and still go on.
    #[schema(value_type = Option<CursorText>, required)]
    next_cursor: Option<Cursor>,
}

/// An exchange, as an example.
pub(super) const EXAMPLE: &str = r#"{"id":"exg_0008000000006","customer_id":"cus_0008000000002","side":"buy","rate":{"value":"1350.50","unit":1,"round":"USD-20261123-1","business_date":"2026-11-23","mid":"1350.50","preference_percent":"100"},"won":{"amount":"135050","currency":"KRW"},"foreign":{"amount":"100.00","currency":"USD"},"postings":[{"account_id":"acc_0008000000003","amount":{"amount":"-135050","currency":"KRW"},"balance_after":{"amount":"864950","currency":"KRW"},"version":2},{"account_id":"acc_0008000000004","amount":{"amount":"100.00","currency":"USD"},"balance_after":{"amount":"100.00","currency":"USD"},"version":1}],"at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#;

/// Exchanges money, or tries it out.
pub(super) const CREATE: Operation = Operation {
    roles: MONEY,
    key: KeyRule::UnlessTrial,
    trial: Some(TRIAL),
    refusals: &[404, 409, 410, 422, 423],
    notes: "At a quote (only the field quote), or at the current round (customer, side, currency, and exactly one of the three \
            amounts). Buying rounds the won up, selling down, for each exchange. With dry_run everything is judged and nothing \
            changed: answered 200 with what stands against it, and no key is needed.",
    ..Operation::command(
        "exchanges.create",
        "/exchanges",
        "Exchange money",
        Described {
            shape: Shape::of::<ExchangeRequest<'_>>(),
            example: r#"{"customer_id":"cus_0008000000002","side":"buy","currency":"USD","foreign_amount":{"amount":"100.00","currency":"USD"}}"#,
        },
        Described { shape: Shape::of::<ExchangeAnswer>(), example: EXAMPLE },
    )
};

/// The answer to a trial.
const TRIAL: Described = Described {
    shape: Shape::of::<TrialAnswer>(),
    example: r#"{"dry_run":true,"admitted":false,"violations":[{"code":"insufficient_balance","detail":"needs 135050 KRW, available 0 KRW"}],"side":"buy","rate":{"value":"1350.50","unit":1,"round":"USD-20261123-1","business_date":"2026-11-23","mid":"1350.50","preference_percent":"100"},"won":{"amount":"135050","currency":"KRW"},"foreign":{"amount":"100.00","currency":"USD"},"won_account_id":"acc_0008000000003","foreign_account_id":"acc_0008000000004","at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#,
};

/// Reads an exchange.
pub(super) const GET: Operation = Operation {
    named: Some(NAMED),
    refusals: &[404],
    ..Operation::read(
        "exchanges.get",
        "/exchanges/{id}",
        "Read an exchange",
        Described { shape: Shape::of::<ExchangeAnswer>(), example: EXAMPLE },
    )
};

/// Lists an account's exchanges.
pub(super) const LIST: Operation = Operation {
    query: &[OF_ACCOUNT, page::FROM, page::TO, page::LIMIT, page::CURSOR],
    refusals: &[404],
    ..Operation::read(
        "exchanges.list",
        "/exchanges",
        "List an account's exchanges, newest first",
        Described { shape: Shape::of::<ExchangePage>(), example: r#"{"items":[],"next_cursor":null}"# },
    )
};

/// POST /v1/exchanges
pub(super) async fn create(
    context: web::Data<Context>,
    by: By,
    key: OptionalKey,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let request = body.read::<ExchangeRequest<'_>>()?;
    if request.is_dry_run() {
        let trial = context.engine.trial(&by.viewer(), request.order(&context)?).await?;
        return Ok(answer::ok(&TrialAnswer::of(trial)));
    }
    let key = key.0.ok_or_else(missing_key)?;
    let order = request.order(&context)?;
    context.execute(&by, Some(key), &body, Command::Exchange(Box::new(order))).await
}

/// GET /v1/exchanges/{id}
pub(super) async fn get(context: web::Data<Context>, by: By, id: PathId<ExchangeId>) -> Result<HttpResponse, Problem> {
    let record = context.record_for(&by, id.0.position()).await?.ok_or_else(|| id.not_found())?;
    if !matches!(record.event, Event::Exchanged { .. }) {
        return Err(id.not_found());
    }
    let reversal = context.engine.reversal_of(id.0).await?.map(ReversalId::at);
    ExchangeAnswer::of_record(&record, reversal).map(|exchange| answer::ok(&exchange)).ok_or_else(|| id.not_found())
}

/// GET /v1/exchanges
pub(super) async fn list(context: web::Data<Context>, by: By, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request, &LIST)?;
    let account = query.required_id::<AccountId>(&OF_ACCOUNT)?;
    let page = entries_page(&query)?;
    let seen = context.engine.account(&by.viewer(), account).await?;
    seen.ok_or_else(|| PathId(account).not_found())?;
    let found = context.engine.exchanges(account, page).await?;
    let ids: Vec<ExchangeId> = found.records.iter().map(|record| ExchangeId::at(record.position)).collect();
    let reversals = context.engine.reversals_of(&ids).await?;
    let answer = |(record, reversal): (&Arc<Record>, Option<Position>)| {
        ExchangeAnswer::of_record(record, reversal.map(ReversalId::at))
    };
    let items = found.records.iter().zip(reversals).filter_map(answer).collect();
    Ok(answer::ok(&ExchangePage { items, next_cursor: found.next.map(|version| Cursor(version, 0)) }))
}

/// What a query says of a page of an account's entries.
pub(super) fn entries_page(query: &Query<'_>) -> Result<Page, Problem> {
    Ok(Page {
        before: Cursor::of(query)?.map(|Cursor(version, _)| version),
        window: Window { from: query.instant(&page::FROM)?, to: query.instant(&page::TO)? },
        limit: query.limit()?,
    })
}
