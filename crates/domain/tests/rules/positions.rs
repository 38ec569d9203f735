//! Positions: what is open, what it has earned, and how far it may go.

use hwan_domain::{
    exchange::Side,
    ledger::{CurrencyPosition, Mark, PositionError, PositionLimit, TrialBalance, positions},
    rate::Rate,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::{
    ledger::{chart, covered, exchanged, posted, reversed},
    support::{ccy, dec},
};

fn rate(value: &str, unit: u32) -> Rate {
    Rate::new(dec(value), unit).unwrap()
}

fn balance(events: impl IntoIterator<Item = hwan_domain::record::Event>) -> TrialBalance {
    let balance = TrialBalance::of(None, events.into_iter().flat_map(|event| posted(event).lines(&chart())));
    assert_eq!(balance.unbalanced(), []);
    balance
}

#[test]
fn a_sale_that_is_covered_earns_the_difference() {
    let events = [exchanged("USD", "1350.50", Side::Buy, "100.00"), covered(Side::Buy, "100.00 USD", 134_900)];
    let balance = balance(events);
    let positions = positions(&chart(), &balance);
    assert_eq!(
        positions,
        [CurrencyPosition {
            currency: ccy("USD"),
            bought: 10_000,
            sold: 10_000,
            won_paid: 134_900,
            won_received: 135_050
        }]
    );
    assert_eq!((positions[0].open(), positions[0].realised()), (0, Ok(150)));
    let valued = positions[0].valued(rate("1400", 1)).unwrap();
    assert_eq!((valued.realised, valued.unrealised, valued.total), (dec("150"), dec("0"), dec("150")));
}

#[test]
fn what_is_open_is_valued_at_mid_and_the_rest_is_realised() {
    // Sold 100.00 USD for 135,050; bought 40.00 of them back for 53,960, at 1,349.00.
    let events = [exchanged("USD", "1350.50", Side::Buy, "100.00"), covered(Side::Buy, "40.00 USD", 53_960)];
    let balance = balance(events);
    let position = positions(&chart(), &balance)[0];
    assert_eq!(position.open(), -6_000);
    let valued = position.valued(rate("1349.25", 1)).unwrap();
    assert_eq!(valued.open_won, dec("-80955"));
    assert_eq!(valued.total, dec("135")); // 135,050 − 53,960 − 80,955
    assert_eq!((valued.realised, valued.unrealised), (dec("60"), dec("75"))); // 40 × 1.50; 60 × 1.25
}

#[test]
fn a_rate_per_hundred_and_a_currency_without_decimals_are_valued_exactly() {
    // Bought 12,345 yen of a customer for 115,309.
    let position = positions(&chart(), &balance([exchanged("JPY", "934.06", Side::Sell, "12345")]))[0];
    let valued = position.valued(rate("934.06", 100)).unwrap();
    assert_eq!(valued.open_won, dec("115309.707"));
    assert_eq!(valued.total, dec("0.707"));
    assert_eq!((valued.realised, valued.unrealised), (dec("0"), dec("0.707")));
}

#[test]
fn what_was_sold_by_mistake_and_reversed_changes_neither_averages_nor_results() {
    let mistake = exchanged("USD", "675", Side::Buy, "10000.00");
    let back = reversed(&mistake, false);
    let true_sale = || exchanged("USD", "1350", Side::Buy, "100.00");
    let with = positions(&chart(), &balance([true_sale(), mistake, back]));
    assert_eq!(with, positions(&chart(), &balance([true_sale()])));
    assert_eq!((with[0].sold, with[0].bought, with[0].realised()), (10_000, 0, Ok(0)));
}

#[test]
fn a_reversal_leaves_no_position_and_no_result() {
    let exchange = exchanged("USD", "1350.57", Side::Buy, "33.33");
    let reversal = reversed(&exchange, false);
    let position = positions(&chart(), &balance([exchange, reversal]))[0];
    let valued = position.valued(rate("1500", 1)).unwrap();
    assert_eq!((position.open(), valued.total, valued.realised), (0, Decimal::ZERO, Decimal::ZERO));
}

#[test]
fn what_is_realised_is_rounded_once_half_to_even() {
    let position = |bought, sold, won_paid, won_received| CurrencyPosition {
        currency: ccy("USD"),
        bought,
        sold,
        won_paid,
        won_received,
    };
    for (bought, sold, paid, received, realised) in [
        (2, 1, 1, 1, 0),   // 1 − 0.5 is 0.5
        (2, 1, 1, 2, 2),   // 1.5
        (2, 1, 1, 0, 0),   // −0.5
        (2, 1, 3, 0, -2),  // −1.5
        (3, 1, 1, 1, 1),   // 0.67
        (1, 3, 0, 1, 0),   // 0.33
        (0, 3, 0, 9, 0),   // nothing bought
        (3, 0, 9, 0, 0),   // nothing sold
        (3, 3, 10, 4, -6), // all matched
    ] {
        assert_eq!(
            position(bought, sold, paid, received).realised(),
            Ok(realised),
            "{bought} {sold} {paid} {received}"
        );
    }
}

#[test]
fn a_position_beyond_exact_numbers_is_refused_and_not_rounded() {
    let huge = CurrencyPosition {
        currency: ccy("USD"),
        bought: i128::MAX / 2,
        sold: 3,
        won_paid: i128::MAX / 2,
        won_received: 1,
    };
    assert_eq!(huge.realised(), Err(PositionError::TooLarge(ccy("USD"))));
    assert_eq!(huge.valued(rate("1350.50", 1)), Err(PositionError::TooLarge(ccy("USD"))));
}

#[test]
fn an_open_amount_is_marked_by_how_far_it_goes_to_either_side() {
    let limit = PositionLimit::new(100, 200).unwrap();
    for (open, mark) in [
        (0, Mark::Within),
        (99, Mark::Within),
        (-99, Mark::Within),
        (100, Mark::Soft),
        (-199, Mark::Soft),
        (200, Mark::Hard),
        (i128::MIN, Mark::Hard),
    ] {
        assert_eq!(limit.mark(open), mark, "{open}");
    }
    assert_eq!((PositionLimit::new(0, 1), PositionLimit::new(2, 1)), (None, None));
    assert_eq!(PositionLimit::new(1, 1).map(|limit| (limit.soft(), limit.hard())), Some((1, 1)));
}

proptest! {
    #[test]
    fn realised_and_unrealised_always_make_the_total_and_the_total_is_the_formula(
        bought in 0_i64..10_000_000_000_000,
        sold in 0_i64..10_000_000_000_000,
        paid in 0_i64..1_000_000_000_000_000,
        received in 0_i64..1_000_000_000_000_000,
        hundredths in 1_i64..1_000_000,
        per_hundred in any::<bool>(),
    ) {
        let mid = rate(&Decimal::new(hundredths, 2).to_string(), if per_hundred { 100 } else { 1 });
        let position = CurrencyPosition {
            currency: ccy("USD"),
            bought: bought.into(),
            sold: sold.into(),
            won_paid: paid.into(),
            won_received: received.into(),
        };
        let valued = position.valued(mid).unwrap();
        prop_assert_eq!(valued.realised + valued.unrealised, valued.total);
        let open = Decimal::new(bought - sold, 2);
        let formula = Decimal::from(received - paid) + open * mid.value() / Decimal::from(mid.unit());
        prop_assert_eq!(valued.total, formula);
        prop_assert!(valued.realised.fract().is_zero());
        if bought > 0 && sold > 0 {
            // Within half a won of the exact fraction.
            let (bought, sold) = (i128::from(bought), i128::from(sold));
            let matched = bought.min(sold);
            let exact = |won: i64, of: i128| i128::from(won) * matched * 1_000 / of;
            let off = exact(received, sold) - exact(paid, bought) - position.realised().unwrap() * 1_000;
            prop_assert!(off.abs() <= 502, "off by {} thousandths", off);
        }
    }
}
