//! `/v1/quotes`: a price that holds for some seconds, as a signed token.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header::CONTENT_TYPE, web};
use hwan_domain::{
    id::{AccountId, CustomerId, ExchangeId},
    quote::{Quote, QuoteId},
    time::Timestamp,
};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{
    amount::MoneyAnswer,
    answer,
    authorize::By,
    context::Context,
    exchanges::RateAnswer,
    json::Body,
    openapi::texts::{AccountIdText, CustomerIdText, ExchangeIdText, InstantText, QuoteIdText, QuoteTokenText},
    operation::{Described, KeyRule, MONEY, Operation, Parameter, Shape},
    order::{SideText, order_request, side_text},
    problem::{ApiCode, Problem},
    wire::Shown,
};

order_request! {
    /// What a price is asked for.
    #[schema(as = NewQuote)]
    QuoteRequest {
        /// How long the price is to hold, in seconds.
        #[schema(minimum = 1, maximum = 300)]
        lifetime_seconds: Option<u32>,
    }
}

/// A price that holds until it expires, for one customer, once. Nothing is reserved.
#[derive(Serialize, ToSchema)]
#[schema(as = Quote)]
struct QuoteAnswer<'a> {
    /// The quote itself: pass it on to POST /v1/exchanges as it is.
    #[schema(value_type = QuoteTokenText)]
    quote: &'a str,
    /// Its id.
    #[schema(value_type = QuoteIdText)]
    id: ShownQuoteId,
    /// For whom.
    #[schema(value_type = CustomerIdText)]
    customer_id: Shown<CustomerId>,
    /// The won account.
    #[schema(value_type = AccountIdText)]
    won_account_id: Shown<AccountId>,
    /// The foreign account.
    #[schema(value_type = AccountIdText)]
    foreign_account_id: Shown<AccountId>,
    /// Buy or sell.
    #[schema(value_type = SideText)]
    side: &'static str,
    /// The foreign leg.
    foreign: MoneyAnswer,
    /// The won leg.
    won: MoneyAnswer,
    /// At which numbers.
    rate: RateAnswer,
    /// Good before this instant.
    #[schema(value_type = InstantText)]
    expires_at: Shown<Timestamp>,
    /// What became of it; only where it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = QuoteStatus, required = false)]
    status: Option<&'static str>,
    /// The exchange that used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ExchangeIdText, required = false)]
    exchange_id: Option<Shown<ExchangeId>>,
}

/// What became of a quote. Open: neither used nor expired; whether its round and its pair still trade, a trial says.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
enum QuoteStatus {
    Open,
    Expired,
    Used,
}

impl<'a> QuoteAnswer<'a> {
    fn of(quote: &Quote, token: &'a str) -> Self {
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
            status: None,
            exchange_id: None,
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

const EXAMPLE: &str = r#"{"quote":"AQAAAAEB","id":"qte_0193553f1a807b2e8f3d5c6a79b8e012","customer_id":"cus_0008000000002","won_account_id":"acc_0008000000003","foreign_account_id":"acc_0008000000004","side":"buy","foreign":{"amount":"100.00","currency":"USD"},"won":{"amount":"135050","currency":"KRW"},"rate":{"value":"1350.50","unit":1,"round":"USD-20261123-1","business_date":"2026-11-23","mid":"1350.50","preference_percent":"100"},"expires_at":"2026-11-23T01:00:10.000000Z"}"#;

/// Makes a quote.
pub(super) const CREATE: Operation = Operation {
    roles: MONEY,
    key: KeyRule::Unused,
    refusals: &[404, 422, 423],
    notes: "Judges rates, facts and limits, not balances: those may change until it is used. Executed at these numbers even when \
            a newer round comes; refused when its round is voided or its pair halted.",
    ..Operation::command(
        "quotes.create",
        "/quotes",
        "Ask for a price that holds",
        Described {
            shape: Shape::of::<QuoteRequest<'_>>(),
            example: r#"{"customer_id":"cus_0008000000002","side":"buy","currency":"USD","foreign_amount":{"amount":"100.00","currency":"USD"},"lifetime_seconds":30}"#,
        },
        Described { shape: Shape::of::<QuoteAnswer<'_>>(), example: EXAMPLE },
    )
};

/// Reads a quote.
pub(super) const GET: Operation = Operation {
    named: Some(Parameter {
        name: "token",
        about: "The quote, as POST /v1/quotes gave it",
        shape: Shape::of::<QuoteTokenText>(),
        example: "AQAAAAEB",
    }),
    refusals: &[404, 422],
    ..Operation::read(
        "quotes.get",
        "/quotes/{token}",
        "Read a quote, and what became of it",
        Described { shape: Shape::of::<QuoteAnswer<'_>>(), example: EXAMPLE },
    )
};

/// POST /v1/quotes
pub(super) async fn create(context: web::Data<Context>, by: By, body: Body) -> Result<HttpResponse, Problem> {
    let request: QuoteRequest<'_> = body.read()?;
    let lifetime = match request.lifetime_seconds.map(|seconds| Duration::from_secs(seconds.into())) {
        None => context.quote_lifetime,
        Some(lifetime) if !lifetime.is_zero() && lifetime <= context.quote_lifetime_max => lifetime,
        Some(_) => {
            let detail = format!("a quote lives 1 to {} seconds", context.quote_lifetime_max.as_secs());
            return Err(Problem::at(ApiCode::OutOfRange, "lifetime_seconds", detail));
        }
    };
    let order = request.order_fields().order(&context)?;
    let quote = context.engine.quote(&by.viewer(), order, lifetime).await?;
    let token = context.keyring.sign(&quote);
    Ok(HttpResponse::build(StatusCode::CREATED)
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(answer::to_json(&QuoteAnswer::of(&quote, &token))))
}

/// GET /v1/quotes/{token}
pub(super) async fn get(context: web::Data<Context>, by: By, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let token = request.match_info().get("token").unwrap_or_default();
    let invalid = |detail: String| Problem::at(ApiCode::QuoteInvalid, "token", detail);
    let quote = context.keyring.verify(token, &context.currencies).map_err(|error| invalid(error.to_string()))?;
    if context.engine.customer(&by.viewer(), quote.customer).await?.is_none() {
        return Err(super::path_id::PathId(quote.customer).not_found());
    }
    let used = context.engine.quote_use(quote.id).await?;
    let (now, _) = context.engine.now();
    let status = match used {
        Some(_) => "used",
        None if now < quote.expires_at => "open",
        None => "expired",
    };
    let exchange_id = used.map(|position| Shown(ExchangeId::at(position)));
    Ok(answer::ok(&QuoteAnswer { status: Some(status), exchange_id, ..QuoteAnswer::of(&quote, token) }))
}
