//! `/v1/positions/covers`: the bank covers its position in the market.

use hwan_domain::{
    exchange::Side,
    id::CoverId,
    rate::Rate,
    record::{Cover, Record},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use serde::Serialize;

use super::wire::Shown;

/// A cover trade.
#[derive(Serialize)]
pub(super) struct CoverTrade<'a> {
    id: Shown<CoverId>,
    side: &'static str,
    currency: String,
    amount: String,
    won: String,
    rate: Shown<Decimal>,
    unit: u32,
    reference: Option<&'a str>,
    at: Shown<Timestamp>,
    business_date: Shown<BusinessDate>,
}

impl<'a> CoverTrade<'a> {
    pub(super) fn of(record: &'a Record, cover: &'a Cover) -> Self {
        let rate: Rate = cover.rate;
        Self {
            id: Shown(CoverId::at(record.position)),
            side: match cover.side {
                Side::Buy => "buy",
                Side::Sell => "sell",
            },
            currency: cover.amount.currency().to_string(),
            amount: cover.amount.to_string(),
            won: cover.won.to_string(),
            rate: Shown(rate.value()),
            unit: rate.unit(),
            reference: cover.reference.as_deref(),
            at: Shown(record.at),
            business_date: Shown(record.business_date),
        }
    }
}
