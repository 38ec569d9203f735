//! The fields of a market order, shared by quotes and exchanges.

use hwan_domain::exchange::{Ask, Side};

use super::{
    amount::{Amount, DecimalText, foreign_currency},
    context::Context,
    problem::{ApiCode, Problem},
    wire::Text,
};
use crate::actors::command::MarketOrder;

/// The fields as they arrive, each one optional: what has to be there is said by name.
pub(super) struct OrderFields<'a, 'b> {
    pub(super) customer_id: Option<&'b Text<'a>>,
    pub(super) side: Option<&'b Text<'a>>,
    pub(super) currency: Option<&'b Text<'a>>,
    pub(super) foreign_amount: Option<&'b Amount<'a>>,
    pub(super) won_amount: Option<&'b Amount<'a>>,
    pub(super) won_budget: Option<&'b Amount<'a>>,
    pub(super) won_account_id: Option<&'b Text<'a>>,
    pub(super) foreign_account_id: Option<&'b Text<'a>>,
    pub(super) worst_rate: Option<&'b DecimalText<'a>>,
}

fn required<'b, 'a>(text: Option<&'b Text<'a>>, field: &'static str) -> Result<&'b Text<'a>, Problem> {
    text.ok_or_else(|| Problem::at(ApiCode::MalformedBody, field, "the field is missing"))
}

impl OrderFields<'_, '_> {
    /// The order that they make.
    pub(super) fn order(&self, context: &Context) -> Result<MarketOrder, Problem> {
        let customer = required(self.customer_id, "customer_id")?.id("customer_id")?;
        let side = match required(self.side, "side")?.as_str() {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => return Err(Problem::at(ApiCode::OutOfRange, "side", "expected buy or sell")),
        };
        let currencies = &context.currencies;
        let currency = foreign_currency(required(self.currency, "currency")?, "currency", currencies)?;
        let home = hwan_domain::currency::Currency::KRW;
        let ask = match (self.foreign_amount, self.won_amount, self.won_budget) {
            (Some(amount), None, None) => Ask::Foreign(amount.of(currency, "foreign_amount", currencies)?),
            (None, Some(amount), None) => Ask::Won(amount.of(home, "won_amount", currencies)?),
            (None, None, Some(amount)) => Ask::WonBudget(amount.of(home, "won_budget", currencies)?),
            _ => {
                let detail = "give exactly one of foreign_amount, won_amount and won_budget";
                return Err(Problem::at(ApiCode::MalformedBody, "foreign_amount", detail));
            }
        };
        Ok(MarketOrder {
            customer,
            won_account: self.won_account_id.map(|text| text.id("won_account_id")).transpose()?,
            foreign_account: self.foreign_account_id.map(|text| text.id("foreign_account_id")).transpose()?,
            side,
            currency,
            ask,
            worst_rate: self.worst_rate.map(|text| text.signed("worst_rate")).transpose()?,
        })
    }
}
