//! The rule of rounding, in its examples and as properties: nothing is ever gained by splitting or going in a circle.

use hwan_domain::{
    currency::{Currency, CurrencySet, CurrencySpec},
    exchange::{Ask, Side, Terms, value_in_won},
    money::{MINOR_MAX, Money},
    rate::Rate,
    rejection::Code,
    round::{Round, RoundId, RoundStatus},
    time::Timestamp,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::{date, dec, money, spec, terms};

fn won_leg(side: Side, code: &str, mid: &str, amount: &str) -> Result<String, Code> {
    terms(code, mid, side)
        .price(Ask::Foreign(money(&format!("{amount} {code}"))))
        .map(|priced| priced.won.to_string())
        .map_err(|violation| violation.code)
}

#[test]
fn buying_rounds_the_won_up_and_selling_rounds_it_down() {
    for (code, mid, amount, buy, sell) in [
        ("USD", "1350.50", "100.00", Ok("135050"), Ok("135050")),
        ("USD", "1350.57", "33.33", Ok("45015"), Ok("45014")),
        ("JPY", "934.06", "12345", Ok("115310"), Ok("115309")),
        ("USD", "1350.50", "1.00", Ok("1351"), Ok("1350")),
        ("USD", "1350.50", "0.01", Ok("14"), Ok("13")),
        ("USD", "1350.57", "74.04", Ok("99997"), Ok("99996")),
        ("VND", "5.45", "36", Ok("2"), Ok("1")),
        ("VND", "5.45", "36000", Ok("1962"), Ok("1962")),
        ("VND", "5.45", "18", Ok("1"), Err(Code::AmountTooSmall)),
        ("VND", "5.45", "19", Ok("2"), Ok("1")),
        ("IDR", "8.52", "0.01", Ok("1"), Err(Code::AmountTooSmall)),
        ("IDR", "8.52", "11.73", Ok("1"), Err(Code::AmountTooSmall)),
        ("IDR", "8.52", "11.74", Ok("2"), Ok("1")),
        ("USD", "1350.50", "0.00", Err(Code::AmountTooSmall), Err(Code::AmountTooSmall)),
        ("USD", "1350.50", "1000000000000000.00", Err(Code::AmountTooLarge), Err(Code::AmountTooLarge)),
    ] {
        let owned = |outcome: Result<&str, Code>| outcome.map(str::to_owned);
        assert_eq!(won_leg(Side::Buy, code, mid, amount), owned(buy), "buy {amount} {code} at {mid}");
        assert_eq!(won_leg(Side::Sell, code, mid, amount), owned(sell), "sell {amount} {code} at {mid}");
    }
}

#[test]
fn a_budget_buys_what_it_pays_for_and_leaves_the_rest() {
    for (code, mid, budget, outcome) in [
        ("USD", "1350.57", "100000", Ok(("74.04", "99997"))),
        ("USD", "1350.57", "13", Err(Code::AmountTooSmall)),
        ("USD", "1350.57", "14", Ok(("0.01", "14"))),
        ("USD", "1350.50", "135050", Ok(("100.00", "135050"))),
        ("USD", "1350.50", "135049", Ok(("99.99", "135037"))),
        ("JPY", "934.06", "9", Err(Code::AmountTooSmall)),
        ("JPY", "934.06", "10", Ok(("1", "10"))),
        ("USD", "1350.57", "0", Err(Code::AmountTooSmall)),
    ] {
        let budget = money(&format!("{budget} KRW"));
        let priced = terms(code, mid, Side::Buy).price(Ask::WonBudget(budget));
        let found = priced.map(|priced| (priced.foreign.to_string(), priced.won.to_string()));
        let expected = outcome.map(|(foreign, won): (&str, &str)| (foreign.to_owned(), won.to_owned()));
        assert_eq!(found.map_err(|violation| violation.code), expected, "{budget} {code} at {mid}");
    }
    let sell = terms("USD", "1350.57", Side::Sell).price(Ask::WonBudget(money("100000 KRW")));
    assert_eq!(sell.unwrap_err().code, Code::WonAmountNotExact);
}

#[test]
fn a_won_amount_is_met_exactly_or_refused() {
    for (side, mid, won, outcome) in [
        (Side::Buy, "1350.50", "135050", Ok("100.00")),
        (Side::Buy, "1350.57", "99997", Ok("74.04")),
        (Side::Buy, "1350.57", "99998", Err(Code::WonAmountNotExact)),
        (Side::Sell, "1350.57", "45014", Ok("33.33")),
        (Side::Sell, "1350.57", "45015", Err(Code::WonAmountNotExact)),
        (Side::Buy, "0.5", "1", Ok("2.00")),
        (Side::Buy, "1350.50", "0", Err(Code::AmountTooSmall)),
    ] {
        let ask = Ask::Won(money(&format!("{won} KRW")));
        let priced = terms("USD", mid, side).price(ask);
        let found = priced.map(|priced| priced.foreign.to_string()).map_err(|violation| violation.code);
        assert_eq!(found, outcome.map(str::to_owned), "{side:?} {won} KRW at {mid}");
    }
}

#[test]
fn an_amount_in_another_currency_is_no_amount_of_this_exchange() {
    let usd = terms("USD", "1350.50", Side::Buy);
    for ask in [
        Ask::Foreign(money("100 JPY")),
        Ask::Foreign(money("100.00 EUR")),
        Ask::Foreign(money("100000 KRW")),
        Ask::Won(money("100.00 USD")),
        Ask::WonBudget(money("100.00 USD")),
    ] {
        assert_eq!(usd.price(ask).unwrap_err().code, Code::AccountNotFound, "{ask:?}");
    }
    let negative = Ask::Foreign(money("-1.00 USD"));
    assert_eq!(usd.price(negative).unwrap_err().code, Code::AmountTooSmall);
}

#[test]
fn a_thousand_small_purchases_of_dong_lose_when_sold_at_once() {
    let (buy, sell) = (terms("VND", "5.45", Side::Buy), terms("VND", "5.45", Side::Sell));
    let paid: i64 = (0..1_000).map(|_| buy.price(Ask::Foreign(money("36 VND"))).unwrap().won.minor()).sum();
    let got = sell.price(Ask::Foreign(money("36000 VND"))).unwrap().won.minor();
    assert_eq!((paid, got), (2_000, 1_962));
}

#[test]
fn the_value_for_limits_is_rounded_up() {
    let rate = Rate::new(dec("8.52"), 100).unwrap();
    assert_eq!(value_in_won(money("0.01 IDR"), rate), 1);
    assert_eq!(value_in_won(money("0.00 IDR"), rate), 0);
    assert_eq!(value_in_won(money("100.00 USD"), Rate::new(dec("1350.50"), 1).unwrap()), 135_050);
    let most = Money::from_minor(MINOR_MAX, money("0 JPY").currency()).unwrap();
    assert_eq!(value_in_won(most, Rate::new(dec("999999999.99"), 1).unwrap()), i64::MAX, "held, not wrapped");
}

/// A currency of so many minor digits, and terms at any rate, spread and preference, both sides.
#[derive(Debug)]
struct Market {
    buy: Terms,
    sell: Terms,
    currency: Currency,
}

fn market() -> impl Strategy<Value = Market> {
    let mantissa = prop_oneof![1_i64..1_000, 1_000_i64..10_000_000, 1_i64..99_999_999_999_999_999];
    (0_u8..=4, mantissa, 0_u32..=8, any::<bool>(), 0_i64..=3_000, 0_i64..=10_000).prop_filter_map(
        "terms on both sides",
        |(digits, mantissa, scale, per_100, spread_bp, preference)| {
            let custom = CurrencySpec { code: "XTS".into(), minor_digits: digits, ..spec("USD") };
            let currency = CurrencySet::new(vec![spec("KRW"), custom]).ok()?.find("XTS")?;
            let mid = Rate::new(Decimal::new(mantissa, scale), if per_100 { 100 } else { 1 }).ok()?;
            let spread = (mid.value() * Decimal::new(spread_bp, 4)).trunc_with_scale(2);
            let round = Round {
                id: RoundId { currency: *b"XTS", date: date("2026-11-23"), number: 1 },
                currency,
                mid,
                spread,
                preference_percent: Decimal::new(preference, 2),
                published_at: Timestamp::from_micros(0),
                valid_until: Timestamp::MAX,
                status: RoundStatus::Active,
            };
            Some(Market {
                buy: Terms::of(&round, Side::Buy).ok()?,
                sell: Terms::of(&round, Side::Sell).ok()?,
                currency,
            })
        },
    )
}

fn foreign(minor: i64, market: &Market) -> Ask {
    Ask::Foreign(Money::from_minor(minor, market.currency).unwrap())
}

/// The exact value of `minor` at `rate`, as a fraction.
fn exact(minor: i64, rate: Rate, currency: Currency) -> (i128, i128) {
    let scale = rate.value().scale() + u32::from(currency.minor_digits());
    (i128::from(minor) * rate.value().mantissa(), 10_i128.pow(scale) * i128::from(rate.unit()))
}

/// Spread over all magnitudes: small ones, where rounding bites, as often as large ones.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![1_i64..200, 1_i64..100_000, 1_i64..10_000_000_000]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_won_leg_is_less_than_one_won_from_exact_and_never_in_the_customers_favour(market in market(), minor in amount()) {
        if let Ok(priced) = market.buy.price(foreign(minor, &market)) {
            let (value, unit) = exact(minor, market.buy.rate, market.currency);
            let off = i128::from(priced.won.minor()) * unit - value;
            prop_assert!((0..unit).contains(&off));
        }
        match market.sell.price(foreign(minor, &market)) {
            Ok(priced) => {
                let (value, unit) = exact(minor, market.sell.rate, market.currency);
                let off = value - i128::from(priced.won.minor()) * unit;
                prop_assert!((0..unit).contains(&off));
                prop_assert!(priced.won.minor() > 0);
            }
            Err(violation) => prop_assert!([Code::AmountTooSmall, Code::AmountTooLarge].contains(&violation.code)),
        }
    }

    #[test]
    fn splitting_a_purchase_never_costs_less_than_the_whole(market in market(), parts in prop::collection::vec(amount(), 1..20)) {
        let whole: i64 = parts.iter().sum();
        if let Ok(at_once) = market.buy.price(foreign(whole, &market)) {
            let split: i64 = parts.iter().map(|part| market.buy.price(foreign(*part, &market)).unwrap().won.minor()).sum();
            prop_assert!(split >= at_once.won.minor());
        }
    }

    #[test]
    fn splitting_a_sale_never_brings_more_than_the_whole(market in market(), parts in prop::collection::vec(amount(), 1..20)) {
        let whole: i64 = parts.iter().sum();
        // A part that is too small to be sold brings nothing.
        let split: i64 = parts
            .iter()
            .filter_map(|part| market.sell.price(foreign(*part, &market)).ok())
            .map(|priced| priced.won.minor())
            .sum();
        match market.sell.price(foreign(whole, &market)) {
            Ok(at_once) => prop_assert!(split <= at_once.won.minor()),
            Err(violation) => prop_assert!(violation.code == Code::AmountTooLarge || split == 0),
        }
    }

    #[test]
    fn going_round_in_a_circle_never_gains(market in market(), bought in prop::collection::vec(amount(), 1..8), sold in prop::collection::vec(amount(), 1..8)) {
        // Buys in any parts, then sells at most what was bought, in any other parts.
        let mut held = 0_i64;
        let mut won = 0_i128;
        for part in bought {
            if let Ok(priced) = market.buy.price(foreign(part, &market)) {
                held += part;
                won -= i128::from(priced.won.minor());
            }
        }
        for part in sold.into_iter().chain([i64::MAX]) {
            let part = part.min(held);
            if let Some(Ok(priced)) = (part > 0).then(|| market.sell.price(foreign(part, &market))) {
                held -= part;
                won += i128::from(priced.won.minor());
            }
        }
        prop_assert!(won <= 0, "gained {won} won");
        // What is still held is worth no more than what was paid for it.
        let (value, unit) = exact(held, market.sell.rate, market.currency);
        prop_assert!(won * unit + value <= 0);
    }

    #[test]
    fn going_round_by_budgets_never_gains(market in market(), budget in amount(), rounds in 1..6) {
        let mut won = budget;
        for _ in 0..rounds {
            let Ok(bought) = Money::won(won).map(Ask::WonBudget).map(|ask| market.buy.price(ask)).unwrap() else { break };
            won -= bought.won.minor();
            let Ok(sold) = market.sell.price(Ask::Foreign(bought.foreign)) else { break };
            won += sold.won.minor();
        }
        prop_assert!((0..=budget).contains(&won));
    }

    #[test]
    fn a_budget_is_never_exceeded_and_one_minor_unit_more_would_not_have_fitted(market in market(), budget in amount()) {
        match market.buy.price(Ask::WonBudget(Money::won(budget).unwrap())) {
            Ok(priced) => {
                prop_assert!((1..=budget).contains(&priced.won.minor()));
                prop_assert_eq!(market.buy.price(Ask::Foreign(priced.foreign)), Ok(priced));
                if let Ok(more) = market.buy.price(foreign(priced.foreign.minor() + 1, &market)) {
                    prop_assert!(more.won.minor() > budget);
                }
            }
            Err(violation) if violation.code == Code::AmountTooSmall => {
                prop_assert!(market.buy.price(foreign(1, &market)).is_ok_and(|least| least.won.minor() > budget));
            }
            Err(violation) => prop_assert_eq!(violation.code, Code::AmountTooLarge),
        }
    }

    #[test]
    fn a_won_amount_that_is_accepted_is_met_and_one_that_is_refused_cannot_be(market in market(), won in amount()) {
        for terms in [market.buy, market.sell] {
            match terms.price(Ask::Won(Money::won(won).unwrap())) {
                Ok(priced) => {
                    prop_assert_eq!(priced.won.minor(), won);
                    prop_assert_eq!(terms.price(Ask::Foreign(priced.foreign)), Ok(priced));
                }
                Err(violation) if violation.code == Code::WonAmountNotExact => {
                    // The amounts on either side of the exact one miss it.
                    let (one, unit) = exact(1, terms.rate, market.currency);
                    let near = i64::try_from(i128::from(won) * unit / one).unwrap();
                    for minor in near.saturating_sub(2).max(1)..=near.saturating_add(2) {
                        let reached = terms.price(foreign(minor, &market)).map(|priced| priced.won.minor());
                        prop_assert_ne!(reached, Ok(won), "{} would do", minor);
                    }
                }
                Err(violation) => prop_assert_eq!(violation.code, Code::AmountTooLarge),
            }
        }
    }

    #[test]
    fn no_amount_at_any_rate_overflows(market in market(), minor in -MINOR_MAX..=MINOR_MAX, won in -MINOR_MAX..=MINOR_MAX) {
        for terms in [market.buy, market.sell] {
            let _ = terms.price(foreign(minor, &market));
            let _ = terms.price(Ask::Won(Money::won(won).unwrap()));
            let _ = terms.price(Ask::WonBudget(Money::won(won).unwrap()));
            let _ = value_in_won(Money::from_minor(minor, market.currency).unwrap(), terms.mid);
        }
    }
}
