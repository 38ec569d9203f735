//! What a market order says, in quotes and exchanges alike.

use hwan_domain::{
    currency::Currency,
    exchange::{Ask, Side},
};
use utoipa::ToSchema;

use super::{
    amount::{Amount, DecimalText, foreign_currency},
    context::Context,
    problem::{ApiCode, Problem},
    wire::Text,
};
use crate::actors::command::MarketOrder;

/// Buy or sell foreign currency for won.
#[derive(ToSchema)]
#[schema(as = Side, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a text")]
pub(super) enum SideText {
    /// Won for foreign currency.
    Buy,
    /// Foreign currency for won.
    Sell,
}

/// The text of a side.
pub(super) const fn side_text(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// The side in `side`.
pub(super) fn side_of(text: &Text<'_>) -> Result<Side, Problem> {
    match text.as_str() {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        _ => Err(Problem::at(ApiCode::OutOfRange, "side", "expected buy or sell")),
    }
}

/// The fields of an order as they arrive, each one optional: what has to be there is said by name.
#[derive(Default)]
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

/// A request that is an order and something more: its fields are the order's, then its own.
macro_rules! order_request {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(serde::Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$outer])*
        pub(super) struct $name<'a> {
            /// Whose.
            #[serde(borrow)]
            #[schema(value_type = Option<crate::api::openapi::texts::CustomerIdText>)]
            customer_id: Option<crate::api::wire::Text<'a>>,
            /// Buy or sell foreign currency.
            #[schema(value_type = Option<crate::api::order::SideText>)]
            side: Option<crate::api::wire::Text<'a>>,
            /// The foreign currency.
            #[schema(value_type = Option<crate::api::openapi::texts::CurrencyText>)]
            currency: Option<crate::api::wire::Text<'a>>,
            /// Exactly this much foreign currency. Exactly one of the three amounts is given.
            #[serde(borrow)]
            #[schema(value_type = Option<crate::api::amount::MoneyAnswer>)]
            foreign_amount: Option<crate::api::amount::Amount<'a>>,
            /// Exactly this many won; refused where no foreign amount is worth exactly that.
            #[serde(borrow)]
            #[schema(value_type = Option<crate::api::amount::MoneyAnswer>)]
            won_amount: Option<crate::api::amount::Amount<'a>>,
            /// As much foreign currency as these won buy; what is left stays in won.
            #[serde(borrow)]
            #[schema(value_type = Option<crate::api::amount::MoneyAnswer>)]
            won_budget: Option<crate::api::amount::Amount<'a>>,
            /// The won account; without it the customer's open one.
            #[schema(value_type = Option<crate::api::openapi::texts::AccountIdText>)]
            won_account_id: Option<crate::api::wire::Text<'a>>,
            /// The foreign account; without it the customer's open one.
            #[schema(value_type = Option<crate::api::openapi::texts::AccountIdText>)]
            foreign_account_id: Option<crate::api::wire::Text<'a>>,
            $($(#[$inner])* $field: $type,)*
        }

        impl<'a> $name<'a> {
            /// The order's part of it.
            fn order_fields(&self) -> crate::api::order::OrderFields<'a, '_> {
                crate::api::order::OrderFields {
                    customer_id: self.customer_id.as_ref(),
                    side: self.side.as_ref(),
                    currency: self.currency.as_ref(),
                    foreign_amount: self.foreign_amount.as_ref(),
                    won_amount: self.won_amount.as_ref(),
                    won_budget: self.won_budget.as_ref(),
                    won_account_id: self.won_account_id.as_ref(),
                    foreign_account_id: self.foreign_account_id.as_ref(),
                    worst_rate: None,
                }
            }
        }
    };
}
pub(super) use order_request;

fn required<'b, 'a>(text: Option<&'b Text<'a>>, field: &'static str) -> Result<&'b Text<'a>, Problem> {
    text.ok_or_else(|| Problem::at(ApiCode::MalformedBody, field, "the field is missing"))
}

impl OrderFields<'_, '_> {
    /// Whether nothing of an order is said.
    pub(super) const fn is_empty(&self) -> bool {
        self.customer_id.is_none()
            && self.side.is_none()
            && self.currency.is_none()
            && self.foreign_amount.is_none()
            && self.won_amount.is_none()
            && self.won_budget.is_none()
            && self.won_account_id.is_none()
            && self.foreign_account_id.is_none()
            && self.worst_rate.is_none()
    }

    /// The order that they make.
    pub(super) fn order(&self, context: &Context) -> Result<MarketOrder, Problem> {
        let customer = required(self.customer_id, "customer_id")?.id("customer_id")?;
        let side = side_of(required(self.side, "side")?)?;
        let currencies = &context.currencies;
        let currency = foreign_currency(required(self.currency, "currency")?, "currency", currencies)?;
        let home = Currency::KRW;
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
