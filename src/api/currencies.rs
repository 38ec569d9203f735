//! `/v1/currencies`: what the bank deals in.

use actix_web::{HttpResponse, web};
use hwan_domain::currency::{Currency, CurrencySpec};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    amount::WonAnswer,
    answer,
    context::Context,
    openapi::texts::{CurrencyText, PercentText},
    operation::{Described, Operation, Shape},
    wire::Shown,
};
use crate::access::role::Roles;

/// All currencies.
#[derive(Serialize, ToSchema)]
#[schema(as = Currencies)]
struct CurrenciesAnswer<'a> {
    /// By code, the won among them.
    currencies: Vec<CurrencyAnswer<'a>>,
}

/// A currency that the bank deals in.
#[derive(Serialize, ToSchema)]
#[schema(as = Currency)]
struct CurrencyAnswer<'a> {
    /// Its code (ISO 4217).
    #[schema(value_type = CurrencyText)]
    code: &'a str,
    /// Its name.
    name: &'a str,
    /// The decimals of an amount.
    minor_digits: u8,
    /// How much of it a rate is for.
    rate_unit: u32,
    /// The decimals of a rate.
    rate_decimals: u32,
    /// The spread of a round that does not say.
    #[schema(value_type = PercentText)]
    spread_percent: Shown<Decimal>,
    /// The preference of a round that does not say.
    #[schema(value_type = PercentText)]
    preference_percent: Shown<Decimal>,
    /// The most that a customer may hold of it, in won, where there is a cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = WonAnswer, required = false)]
    holding_cap: Option<WonAnswer>,
}

impl<'a> CurrencyAnswer<'a> {
    fn of((_, spec): (Currency, &'a CurrencySpec)) -> Self {
        Self {
            code: &spec.code,
            name: &spec.name,
            minor_digits: spec.minor_digits,
            rate_unit: spec.rate_unit,
            rate_decimals: spec.rate_decimals,
            spread_percent: Shown(spec.spread_percent),
            preference_percent: Shown(spec.preference_percent),
            holding_cap: spec.holding_cap_won.map(WonAnswer),
        }
    }
}

/// Lists currencies.
pub(super) const LIST: Operation = Operation {
    roles: Roles::all(),
    ..Operation::read(
        "currencies.list",
        "/currencies",
        "List the currencies that the bank deals in",
        Described {
            shape: Shape::of::<CurrenciesAnswer<'_>>(),
            example: r#"{"currencies":[{"code":"USD","name":"US dollar","minor_digits":2,"rate_unit":1,"rate_decimals":2,"spread_percent":"1.75","preference_percent":"100"}]}"#,
        },
    )
};

/// GET /v1/currencies
pub(super) async fn list(context: web::Data<Context>) -> HttpResponse {
    answer::ok(&CurrenciesAnswer { currencies: context.currencies.iter().map(CurrencyAnswer::of).collect() })
}
