//! `POST /v1/exchanges:batch`: up to a thousand exchanges in one request, each with its own key and its own outcome.
//!
//! Nothing binds the items: they are executed at once, in no particular order, and one that is refused leaves the others
//! alone. An item's fingerprint is that of `POST /v1/exchanges` with the same text as its body, so either may retry the
//! other. The answer has an outcome for every item, in their order, whatever became of them.

use actix_web::{HttpRequest, HttpResponse, http::header::CONTENT_TYPE, web};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    answer,
    authorize::By,
    context::Context,
    exchanges::{ExchangeAnswer, ExchangeRequest},
    idempotency,
    json::{self, Body},
    operation::{Described, KeyRule, MONEY, Operation, Shape},
    problem::{ApiCode, Problem, ProblemAnswer},
    request_id::RequestId,
    wire::Text,
};
use crate::actors::command::{Command, Delivery};

/// The most items of a batch.
pub(super) const ITEMS_MAX: usize = 1_000;
/// The most bytes of a batch.
pub(super) const BYTES_MAX: usize = 1_048_576;
/// About as much as an item's outcome takes.
const OUTCOME_CAPACITY: usize = 1_100;

/// Exchanges.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    /// 1 to 1,000.
    #[serde(borrow)]
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<Item<'a>>,
}

/// An exchange with its key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BatchItem)]
struct Item<'a> {
    /// Its idempotency key: 1 to 255 visible ASCII characters. One that is none is refused in the item's own outcome.
    #[serde(borrow)]
    #[schema(value_type = String)]
    key: Text<'a>,
    /// What POST /v1/exchanges takes (NewExchange), without dry_run. One that is none is refused in the item's own outcome.
    #[serde(borrow)]
    #[schema(value_type = serde_json::Value)]
    exchange: &'a RawValue,
}

/// What became of each item.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written piece by piece")]
struct BatchAnswer {
    /// In the order of the request.
    items: Vec<Outcome>,
}

/// What became of an item.
#[derive(ToSchema)]
#[schema(as = BatchOutcome)]
#[expect(dead_code, reason = "describes what is written piece by piece")]
struct Outcome {
    /// Its key, as it came.
    key: String,
    /// The status that POST /v1/exchanges would have had.
    status: u16,
    /// Whether an earlier request with this key did it.
    replayed: bool,
    /// The exchange, or the problem.
    body: OutcomeBody,
}

/// The answer that POST /v1/exchanges would have had.
#[derive(ToSchema)]
#[schema(as = BatchBody)]
#[serde(untagged)]
#[derive(Serialize)]
#[expect(dead_code, reason = "describes what is written piece by piece")]
enum OutcomeBody {
    Exchange(ExchangeAnswer),
    Problem(ProblemAnswer<'static>),
}

/// Exchanges many times.
pub(super) const CREATE: Operation = Operation {
    roles: MONEY,
    key: KeyRule::Unused,
    status: 200,
    refusals: &[],
    notes: "1 to 1,000 exchanges, each with its own key and outcome; 200 whatever became of them. Nothing binds them together, \
            and they take effect in no particular order.",
    ..Operation::command(
        "exchanges.batch",
        "/exchanges:batch",
        "Exchange many times in one request",
        Described {
            shape: Shape::of::<Batch<'_>>(),
            example: r#"{"items":[{"key":"order-1","exchange":{"customer_id":"cus_0008000000002","side":"buy","currency":"USD","foreign_amount":{"amount":"1.00","currency":"USD"}}}]}"#,
        },
        Described {
            shape: Shape::of::<BatchAnswer>(),
            example: r#"{"items":[{"key":"order-1","status":422,"replayed":false,"body":{"type":"urn:hwan:problem:insufficient_balance","title":"The available balance does not cover the debit.","status":422,"detail":"needs 1351 KRW, available 0 KRW","code":"insufficient_balance","retryable":false,"violations":[{"code":"insufficient_balance","detail":"needs 1351 KRW, available 0 KRW"}],"request_id":"req-5f3a0c11-1"}}]}"#,
        },
    )
};

/// POST /v1/exchanges:batch
pub(super) async fn create(
    context: web::Data<Context>,
    by: By,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let batch: Batch<'_> = body.read()?;
    if !(1..=ITEMS_MAX).contains(&batch.items.len()) {
        return Err(Problem::at(ApiCode::OutOfRange, "items", format!("a batch has 1 to {ITEMS_MAX} items")));
    }
    // The first is paid for at the gate.
    by.charge_more(batch.items.len().saturating_sub(1));
    let id = RequestId::of_request(&request);
    let outcomes = join_all(batch.items.iter().map(|item| execute(&context, &by, item))).await;
    let mut bytes = Vec::with_capacity(batch.items.len().saturating_mul(OUTCOME_CAPACITY));
    bytes.extend_from_slice(b"{\"items\":[");
    for (index, (item, outcome)) in batch.items.iter().zip(outcomes).enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        write_outcome(&mut bytes, item.key.as_str(), outcome, &id);
    }
    bytes.extend_from_slice(b"]}");
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(bytes))
}

struct Done {
    body: Vec<u8>,
    delivery: Delivery,
}

async fn execute(context: &Context, by: &By, item: &Item<'_>) -> Result<Done, Problem> {
    let key = idempotency::checked(item.key.as_str())?;
    let text = item.exchange.get();
    let request: ExchangeRequest<'_> = json::read(text.as_bytes())?;
    if request.is_dry_run() {
        return Err(Problem::at(
            ApiCode::OutOfRange,
            "dry_run",
            "a batch executes: try one out with POST /v1/exchanges",
        ));
    }
    let command = Command::Exchange(Box::new(request.order(context)?));
    let digest = json::digest("POST", "/v1/exchanges", text.as_bytes());
    let executed = context.engine.execute(context.caller(by, Some(key.into()), digest), command).await?;
    Ok(Done { body: answer::body(&executed.record), delivery: executed.delivery })
}

fn write_outcome(bytes: &mut Vec<u8>, key: &str, outcome: Result<Done, Problem>, id: &RequestId) {
    let (status, replayed, body) = match outcome {
        Ok(done) => (201, done.delivery == Delivery::Replayed, done.body),
        Err(problem) => (problem.status(), false, problem.body(id)),
    };
    bytes.extend_from_slice(b"{\"key\":");
    bytes.extend_from_slice(&answer::to_json(&key));
    bytes.extend_from_slice(format!(",\"status\":{status},\"replayed\":{replayed},\"body\":").as_bytes());
    bytes.extend_from_slice(&body);
    bytes.push(b'}');
}
