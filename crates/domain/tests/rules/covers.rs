//! Cover trades: what a deal is worth, and what is no deal.

use hwan_domain::{
    cover::Deal,
    exchange::Side,
    rejection::{Code, Rejection},
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::{currencies, dec, money, spec};

fn deal(amount: &str, rate: &str, won: Option<&str>) -> Deal {
    Deal { side: Side::Sell, amount: money(amount), rate: dec(rate), won: won.map(money), reference: None }
}

fn worth(amount: &str, rate: &str, won: Option<&str>) -> Result<String, Vec<Code>> {
    let codes = |rejection: Rejection| rejection.violations().iter().map(|violation| violation.code).collect();
    deal(amount, rate, won).cover(&currencies()).map(|cover| cover.won.to_string()).map_err(codes)
}

#[test]
fn the_won_of_a_deal_is_the_amount_at_its_rate_to_less_than_one_won() {
    for (amount, rate, won, outcome) in [
        ("100.00 USD", "1349.00", Some("134900 KRW"), Ok("134900")),
        ("100.00 USD", "1349.00", None, Ok("134900")),
        // 45014.4981 won: the nearest, and one on each side of it at most.
        ("33.33 USD", "1350.57", None, Ok("45014")),
        ("33.33 USD", "1350.57", Some("45014 KRW"), Ok("45014")),
        ("33.33 USD", "1350.57", Some("45015 KRW"), Ok("45015")),
        ("33.33 USD", "1350.57", Some("45013 KRW"), Err(Code::CoverInvalid)),
        ("33.33 USD", "1350.57", Some("45016 KRW"), Err(Code::CoverInvalid)),
        // Exactly a half goes up.
        ("0.50 USD", "1349.00", None, Ok("675")),
        ("1.00 USD", "1349.50", None, Ok("1350")),
        // A whole won off is not "nearly".
        ("100.00 USD", "1349.00", Some("134901 KRW"), Err(Code::CoverInvalid)),
        ("100.00 USD", "1349.00", Some("134899 KRW"), Err(Code::CoverInvalid)),
        // Per 100: as if it were per 1, it is off by a hundred.
        ("10000 JPY", "934.06", Some("93406 KRW"), Ok("93406")),
        ("10000 JPY", "934.06", Some("9340600 KRW"), Err(Code::CoverInvalid)),
        // More decimals than the currency's rates have; zeros beyond them are none.
        ("100.00 USD", "1349.001", None, Err(Code::CoverInvalid)),
        ("100.00 USD", "1349.0000", None, Ok("134900")),
        ("100.00 USD", "0", None, Err(Code::CoverInvalid)),
        ("100.00 USD", "-1349.00", None, Err(Code::CoverInvalid)),
        ("100.00 USD", "1000000000", None, Err(Code::CoverInvalid)),
        ("0.00 USD", "1349.00", None, Err(Code::AmountTooSmall)),
        ("100.00 USD", "1349.00", Some("0 KRW"), Err(Code::AmountTooSmall)),
        ("0.01 IDR", "8.52", None, Err(Code::AmountTooSmall)),
        ("0.01 IDR", "8.52", Some("1 KRW"), Ok("1")),
        ("100.00 USD", "1349.00", Some("134900.00 USD"), Err(Code::CoverInvalid)),
        ("1000000000000000.00 USD", "1349.00", None, Err(Code::AmountTooLarge)),
        ("100 KRW", "1.00", None, Err(Code::PairNotFound)),
    ] {
        let expected = outcome.map(str::to_owned).map_err(|code| vec![code]);
        assert_eq!(worth(amount, rate, won), expected, "{amount} at {rate} for {won:?}");
    }
}

#[test]
fn everything_that_is_wrong_with_a_deal_is_found_in_order_of_precedence() {
    assert_eq!(worth("0.00 USD", "-1", None), Err(vec![Code::AmountTooSmall, Code::CoverInvalid]));
    assert_eq!(worth("0 KRW", "1", None), Err(vec![Code::AmountTooSmall, Code::PairNotFound]));
}

#[test]
fn a_deal_is_kept_as_it_was_made() {
    let deal = Deal { side: Side::Buy, reference: Some("deal-7".into()), ..deal("10000 JPY", "934.06", None) };
    let cover = deal.cover(&currencies()).unwrap();
    assert_eq!((cover.side, cover.amount, cover.won), (Side::Buy, money("10000 JPY"), money("93406 KRW")));
    assert_eq!((cover.rate.value(), cover.rate.unit()), (dec("934.06"), 100));
    assert_eq!(cover.reference.as_deref(), Some("deal-7"));
}

proptest! {
    #[test]
    fn what_follows_from_the_rate_is_always_near_enough_to_be_reported(
        code in prop::sample::select(vec!["USD", "JPY", "IDR", "GBP"]),
        minor in 1..1_000_000_000_i64,
        hundredths in 1..1_000_000_i64,
    ) {
        let set = currencies();
        let currency = set.find(code).unwrap();
        let amount = hwan_domain::money::Money::from_minor(minor, currency).unwrap();
        let deal = Deal { side: Side::Buy, amount, rate: Decimal::new(hundredths, 2), won: None, reference: None };
        let Ok(cover) = deal.cover(&set) else { return Ok(()) };
        let again = Deal { won: Some(cover.won), ..deal };
        prop_assert_eq!(again.cover(&set).unwrap(), cover.clone());
        let exact = Decimal::from_i128_with_scale(i128::from(minor), u32::from(currency.minor_digits()))
            * Decimal::new(hundredths, 2)
            / Decimal::from(spec(code).rate_unit);
        prop_assert!((Decimal::from(cover.won.minor()) - exact).abs() <= Decimal::new(5, 1));
    }
}
