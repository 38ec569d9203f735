//! `/v1/exchanges`: money is changed, at a quote or at the current round.

use actix_web::{HttpResponse, web};
use hwan_domain::{
    exchange::{Side, Terms},
    id::{CustomerId, ExchangeId},
    money::Money,
    quote::QuoteId,
    record::{Event, Leg, Record},
    round::RoundId,
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    amount::{Amount, DecimalText, MoneyAnswer},
    answer::{self, Posting},
    context::Context,
    idempotency::RequiredKey,
    json::Body,
    order::OrderFields,
    path_id::PathId,
    problem::{ApiCode, Problem},
    quotes::{ShownQuoteId, side_text},
    wire::{Shown, Text},
};
use crate::actors::command::{Command, Order};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeRequest<'a> {
    #[serde(borrow)]
    quote: Option<Text<'a>>,
    #[serde(borrow)]
    customer_id: Option<Text<'a>>,
    side: Option<Text<'a>>,
    currency: Option<Text<'a>>,
    #[serde(borrow)]
    foreign_amount: Option<Amount<'a>>,
    #[serde(borrow)]
    won_amount: Option<Amount<'a>>,
    #[serde(borrow)]
    won_budget: Option<Amount<'a>>,
    won_account_id: Option<Text<'a>>,
    foreign_account_id: Option<Text<'a>>,
    #[serde(borrow)]
    worst_rate: Option<DecimalText<'a>>,
}

impl ExchangeRequest<'_> {
    fn names_an_order(&self) -> bool {
        self.customer_id.is_some()
            || self.side.is_some()
            || self.currency.is_some()
            || self.foreign_amount.is_some()
            || self.won_amount.is_some()
            || self.won_budget.is_some()
            || self.won_account_id.is_some()
            || self.foreign_account_id.is_some()
            || self.worst_rate.is_some()
    }

    fn order(&self, context: &Context) -> Result<Order, Problem> {
        let Some(token) = &self.quote else {
            let fields = OrderFields {
                customer_id: self.customer_id.as_ref(),
                side: self.side.as_ref(),
                currency: self.currency.as_ref(),
                foreign_amount: self.foreign_amount.as_ref(),
                won_amount: self.won_amount.as_ref(),
                won_budget: self.won_budget.as_ref(),
                won_account_id: self.won_account_id.as_ref(),
                foreign_account_id: self.foreign_account_id.as_ref(),
                worst_rate: self.worst_rate.as_ref(),
            };
            return fields.order(context).map(Order::AtMarket);
        };
        if self.names_an_order() {
            let detail = "a quote says everything: give either the quote or an order's fields";
            return Err(Problem::at(ApiCode::MalformedBody, "quote", detail));
        }
        let verified = context.keyring.verify(token.as_str(), &context.currencies);
        verified.map(Order::AtQuote).map_err(|error| Problem::at(ApiCode::QuoteInvalid, "quote", error.to_string()))
    }
}

/// The numbers that an exchange trades at, as they are answered.
#[derive(Serialize)]
pub(super) struct RateAnswer {
    value: Shown<Decimal>,
    unit: u32,
    round: Shown<RoundId>,
    business_date: Shown<BusinessDate>,
    mid: Shown<Decimal>,
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
#[derive(Serialize)]
pub(super) struct ExchangeAnswer {
    id: Shown<ExchangeId>,
    customer_id: Shown<CustomerId>,
    side: &'static str,
    rate: RateAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote_id: Option<ShownQuoteId>,
    won: MoneyAnswer,
    foreign: MoneyAnswer,
    postings: [Posting; 2],
    at: Shown<Timestamp>,
    business_date: Shown<BusinessDate>,
}

impl ExchangeAnswer {
    pub(super) fn of(
        record: &Record,
        id: ExchangeId,
        terms: &Terms,
        quote: Option<QuoteId>,
        debit: &Leg,
        credit: &Leg,
    ) -> Self {
        let (paid, received): (Money, Money) = (debit.amount.negated(), credit.amount);
        let (won, foreign) = match terms.side {
            Side::Buy => (paid, received),
            Side::Sell => (received, paid),
        };
        Self {
            id: Shown(id),
            customer_id: Shown(debit.customer),
            side: side_text(terms.side),
            rate: RateAnswer::of(terms),
            quote_id: quote.map(ShownQuoteId),
            won: MoneyAnswer(won),
            foreign: MoneyAnswer(foreign),
            postings: [Posting::of(debit), Posting::of(credit)],
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}

/// POST /v1/exchanges
pub(super) async fn create(context: web::Data<Context>, key: RequiredKey, body: Body) -> Result<HttpResponse, Problem> {
    let order = body.read::<ExchangeRequest<'_>>()?.order(&context)?;
    context.execute(Some(key.0), &body, Command::Exchange(Box::new(order))).await
}

/// GET /v1/exchanges/{id}
pub(super) async fn get(context: web::Data<Context>, id: PathId<ExchangeId>) -> Result<HttpResponse, Problem> {
    let record = context.engine.record(id.0.position()).await?.ok_or_else(|| id.not_found())?;
    match &record.event {
        Event::Exchanged { terms, quote, debit, credit, .. } => {
            Ok(answer::ok(&ExchangeAnswer::of(&record, id.0, terms, *quote, debit, credit)))
        }
        _ => Err(id.not_found()),
    }
}
