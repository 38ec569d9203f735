//! Spread, preference and the customer's rate; the worst rate accepted; quotes' ends; what a rate can be.

use hwan_domain::{
    exchange::{Ask, Side, Terms},
    id::AccountId,
    quote::{Quote, QuoteId},
    rate::{Rate, RateError},
    rejection::Code,
    round::Round,
};
use rust_decimal::Decimal;

use crate::support::{FOREIGN_ACCOUNT, WON_ACCOUNT, customer, dec, monday, money, place, round, terms};

fn rates(mid: &str, spread: &str, preference: &str) -> [Option<Decimal>; 2] {
    let round = Round { spread: dec(spread), preference_percent: dec(preference), ..round("USD", mid) };
    [Side::Buy, Side::Sell].map(|side| Terms::of(&round, side).ok().map(|terms| terms.rate.value()))
}

#[test]
fn a_preference_waives_its_share_of_the_spread_on_both_sides() {
    for (mid, spread, preference, buy, sell) in [
        ("1350.50", "13.5", "100", "1350.50", "1350.50"),
        ("1350.50", "13.5", "0", "1364.00", "1337.00"),
        ("1350.50", "13.5", "50", "1357.25", "1343.75"),
        ("1350.50", "13.5", "90", "1351.85", "1349.15"),
        ("1350.50", "13.5", "33.33", "1359.50045", "1341.49955"),
        ("1350.50", "0", "0", "1350.50", "1350.50"),
    ] {
        assert_eq!(rates(mid, spread, preference), [Some(dec(buy)), Some(dec(sell))], "{mid} {spread} {preference}");
    }
}

#[test]
fn a_spread_that_leaves_no_rate_gives_no_terms_and_no_panic() {
    assert_eq!(rates("10.00", "10", "0"), [Some(dec("20.00")), None]);
    for (spread, preference) in [(Decimal::MAX, dec("0")), (dec("1"), Decimal::MIN), (Decimal::MAX, Decimal::MAX)] {
        let round = Round { spread, preference_percent: preference, ..round("USD", "1350.50") };
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(Terms::of(&round, side).unwrap_err().code, Code::RateUnavailable);
        }
    }
}

#[test]
fn terms_are_copies_of_their_rounds_numbers() {
    let terms = terms("JPY", "934.06", Side::Buy);
    assert_eq!(
        (terms.mid.value(), terms.mid.unit(), terms.round.to_string()),
        (dec("934.06"), 100, "JPY-20261123-1".into())
    );
    assert_eq!(terms.mid.to_string(), "934.06 per 100");
}

#[test]
fn the_worst_rate_is_a_ceiling_for_a_buyer_and_a_floor_for_a_seller() {
    let (buy, sell) = (terms("USD", "1350.50", Side::Buy), terms("USD", "1350.50", Side::Sell));
    for (worst, buyer_refuses, seller_refuses) in
        [("1350.49", true, false), ("1350.5", false, false), ("1350.51", false, true)]
    {
        assert_eq!(
            (buy.worse_than(dec(worst)), sell.worse_than(dec(worst))),
            (buyer_refuses, seller_refuses),
            "{worst}"
        );
    }
}

#[test]
fn a_quote_is_good_until_just_before_its_end() {
    let terms = terms("USD", "1350.50", Side::Buy);
    let quote = Quote {
        id: QuoteId(1),
        customer: customer(),
        won_account: AccountId::at(place(WON_ACCOUNT)),
        foreign_account: AccountId::at(place(FOREIGN_ACCOUNT)),
        terms,
        priced: terms.price(Ask::Foreign(money("100.00 USD"))).unwrap(),
        expires_at: monday("10:00:10"),
    };
    for (clock, expired) in [
        ("10:00:00", false),
        ("10:00:09.999999", false),
        ("10:00:10", true),
        ("10:00:10.001", true),
        ("23:00:00", true),
    ] {
        assert_eq!(quote.expired(monday(clock)).map(|violation| violation.code), expired.then_some(Code::QuoteExpired));
    }
}

#[test]
fn a_rate_is_positive_below_a_billion_and_quoted_per_1_or_100() {
    for (value, unit, outcome) in [
        ("1350.50", 1, None),
        ("0.00000001", 1, None),
        ("999999999.99999999", 100, None),
        ("0", 1, Some(RateError::NotPositive)),
        ("-1", 1, Some(RateError::NotPositive)),
        ("1000000000", 1, Some(RateError::OutOfRange)),
        ("0.000000001", 1, Some(RateError::OutOfRange)),
        ("79228162514264337593543950335", 1, Some(RateError::OutOfRange)),
        ("1", 0, Some(RateError::Unit)),
        ("1", 10, Some(RateError::Unit)),
        ("1", 1000, Some(RateError::Unit)),
    ] {
        assert_eq!(Rate::new(dec(value), unit).err(), outcome, "{value} per {unit}");
    }
}
