//! `/v1/quotes`: a price that holds for some seconds, as a signed token.

use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode, http::header::CONTENT_TYPE, web};
use hwan_domain::{
    exchange::Side,
    id::{AccountId, CustomerId},
    quote::{Quote, QuoteId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize, Serializer};

use super::{
    amount::{Amount, MoneyAnswer},
    answer,
    context::Context,
    exchanges::RateAnswer,
    json::Body,
    order::OrderFields,
    problem::{ApiCode, Problem},
    wire::{Shown, Text},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuoteRequest<'a> {
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
    lifetime_seconds: Option<u32>,
}

#[derive(Serialize)]
struct QuoteAnswer {
    quote: String,
    id: ShownQuoteId,
    customer_id: Shown<CustomerId>,
    won_account_id: Shown<AccountId>,
    foreign_account_id: Shown<AccountId>,
    side: &'static str,
    foreign: MoneyAnswer,
    won: MoneyAnswer,
    rate: RateAnswer,
    expires_at: Shown<Timestamp>,
}

impl QuoteAnswer {
    fn of(quote: &Quote, token: String) -> Self {
        Self {
            quote: token,
            id: ShownQuoteId(quote.id),
            customer_id: Shown(quote.customer),
            won_account_id: Shown(quote.won_account),
            foreign_account_id: Shown(quote.foreign_account),
            side: side_text(quote.terms.side),
            foreign: MoneyAnswer(quote.priced.foreign),
            won: MoneyAnswer(quote.priced.won),
            rate: RateAnswer::of(&quote.terms),
            expires_at: Shown(quote.expires_at),
        }
    }
}

/// The text of a quote's id: `qte_` and 32 hexadecimal digits.
#[derive(Clone, Copy)]
pub(super) struct ShownQuoteId(pub(super) QuoteId);

impl Serialize for ShownQuoteId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("qte_{:032x}", self.0.0))
    }
}

/// The text of a side.
pub(super) const fn side_text(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// POST /v1/quotes
pub(super) async fn create(context: web::Data<Context>, body: Body) -> Result<HttpResponse, Problem> {
    let request: QuoteRequest<'_> = body.read()?;
    let lifetime = match request.lifetime_seconds.map(|seconds| Duration::from_secs(seconds.into())) {
        None => context.quote_lifetime,
        Some(lifetime) if !lifetime.is_zero() && lifetime <= context.quote_lifetime_max => lifetime,
        Some(_) => {
            let detail = format!("a quote lives 1 to {} seconds", context.quote_lifetime_max.as_secs());
            return Err(Problem::at(ApiCode::OutOfRange, "lifetime_seconds", detail));
        }
    };
    let fields = OrderFields {
        customer_id: request.customer_id.as_ref(),
        side: request.side.as_ref(),
        currency: request.currency.as_ref(),
        foreign_amount: request.foreign_amount.as_ref(),
        won_amount: request.won_amount.as_ref(),
        won_budget: request.won_budget.as_ref(),
        won_account_id: request.won_account_id.as_ref(),
        foreign_account_id: request.foreign_account_id.as_ref(),
        worst_rate: None,
    };
    let quote = context.engine.quote(&context.viewer(), fields.order(&context)?, lifetime).await?;
    let answer = QuoteAnswer::of(&quote, context.keyring.sign(&quote));
    Ok(HttpResponse::build(StatusCode::CREATED)
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(answer::to_json(&answer)))
}
