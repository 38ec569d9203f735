//! `/v1/currencies`: what the bank deals in.

use actix_web::{HttpResponse, web};
use hwan_domain::currency::{Currency, CurrencySpec};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{amount::WonAnswer, answer, context::Context, wire::Shown};

#[derive(Serialize)]
struct CurrenciesAnswer<'a> {
    currencies: Vec<CurrencyAnswer<'a>>,
}

#[derive(Serialize)]
struct CurrencyAnswer<'a> {
    code: &'a str,
    name: &'a str,
    minor_digits: u8,
    rate_unit: u32,
    rate_decimals: u32,
    spread_percent: Shown<Decimal>,
    preference_percent: Shown<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
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

/// GET /v1/currencies
pub(super) async fn list(context: web::Data<Context>) -> HttpResponse {
    answer::ok(&CurrenciesAnswer { currencies: context.currencies.iter().map(CurrencyAnswer::of).collect() })
}
