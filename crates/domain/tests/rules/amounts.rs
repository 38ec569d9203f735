//! Amounts as text: what is read exactly, what is refused and by which name, and money's range.

use hwan_domain::{
    currency::{Currency, CurrencySet, CurrencySetError},
    money::{AmountError, MINOR_MAX, Money, MoneyError},
};
use proptest::prelude::*;

use crate::support::{CURRENCIES, ccy, dec, money, spec};

#[derive(Debug, PartialEq)]
enum Outcome {
    Minor(i64),
    Malformed,
    Scale,
    TooLarge,
}
use Outcome::{Malformed, Minor, Scale, TooLarge};

fn read(text: &str, code: &str) -> Outcome {
    match Money::parse(text, ccy(code)) {
        Ok(money) => Minor(money.minor()),
        Err(AmountError::Malformed(_)) => Malformed,
        Err(AmountError::Scale { .. }) => Scale,
        Err(AmountError::TooLarge) => TooLarge,
    }
}

#[test]
fn an_amount_is_read_at_the_exact_scale_of_its_currency_or_refused_by_name() {
    let digits_40 = "1234567890".repeat(4);
    let fraction_40 = format!("1.{digits_40}");
    let megabyte = "9".repeat(1 << 20);
    let rows: &[(&str, &str, Outcome)] = &[
        ("0", "KRW", Minor(0)),
        ("1", "KRW", Minor(1)),
        ("135050", "KRW", Minor(135_050)),
        ("12345", "JPY", Minor(12_345)),
        ("100.00", "USD", Minor(10_000)),
        ("0.01", "USD", Minor(1)),
        ("0.00", "USD", Minor(0)),
        ("33.33", "EUR", Minor(3_333)),
        ("100000000000000000", "KRW", Minor(MINOR_MAX)),
        ("1000000000000000.00", "USD", Minor(MINOR_MAX)),
        // beyond what money can be
        ("100000000000000001", "KRW", TooLarge),
        ("1000000000000000.01", "USD", TooLarge),
        ("9223372036854775807", "KRW", TooLarge),
        ("9223372036854775808", "KRW", TooLarge),
        ("18446744073709551617", "KRW", TooLarge),
        (&digits_40, "KRW", TooLarge),
        (&megabyte, "KRW", TooLarge),
        // another scale
        ("100.5", "JPY", Scale),
        ("100.0", "KRW", Scale),
        ("100", "USD", Scale),
        ("100.0", "USD", Scale),
        ("100.000", "USD", Scale),
        ("0.001", "USD", Scale),
        (&fraction_40, "USD", Scale),
        (&digits_40, "USD", Scale),
        // no decimal number
        ("", "KRW", Malformed),
        (".", "KRW", Malformed),
        (".", "USD", Malformed),
        (".50", "USD", Malformed),
        ("1.", "KRW", Malformed),
        ("100.", "USD", Malformed),
        ("1..00", "USD", Malformed),
        ("1.0.0", "USD", Malformed),
        ("-1", "KRW", Malformed),
        ("-0", "KRW", Malformed),
        ("+1", "KRW", Malformed),
        ("1-", "KRW", Malformed),
        ("1.-5", "USD", Malformed),
        ("00", "KRW", Malformed),
        ("01", "KRW", Malformed),
        ("00.50", "USD", Malformed),
        ("1e2", "KRW", Malformed),
        ("1E2", "USD", Malformed),
        ("1.0e1", "USD", Malformed),
        ("NaN", "KRW", Malformed),
        ("inf", "KRW", Malformed),
        ("Infinity", "KRW", Malformed),
        ("0x10", "KRW", Malformed),
        ("1_000", "KRW", Malformed),
        ("1,000", "KRW", Malformed),
        ("100,00", "USD", Malformed),
        (" 1", "KRW", Malformed),
        ("1 ", "KRW", Malformed),
        ("1 000", "KRW", Malformed),
        ("\t1", "KRW", Malformed),
        ("1\n", "KRW", Malformed),
        ("1\0", "KRW", Malformed),
        ("１００", "KRW", Malformed),
        ("١٢٣", "KRW", Malformed),
        ("1．00", "USD", Malformed),
        ("²", "KRW", Malformed),
        ("백", "KRW", Malformed),
        ("₩100", "KRW", Malformed),
        ("$1.00", "USD", Malformed),
        ("null", "KRW", Malformed),
    ];
    for (text, code, outcome) in rows {
        let shown: String = text.chars().take(50).collect();
        assert_eq!(&read(text, code), outcome, "{shown:?} {code}");
    }
}

#[test]
fn a_refusal_repeats_no_more_of_the_text_than_a_line_holds() {
    let error = Money::parse(&"x".repeat(1 << 20), Currency::KRW).unwrap_err();
    assert!(error.to_string().len() < 200);
}

#[test]
fn money_adds_within_one_currency_and_within_its_range() {
    assert_eq!(money("1.00 USD").checked_add(money("0.01 USD")), Ok(money("1.01 USD")));
    assert_eq!(money("1.00 USD").checked_sub(money("1.01 USD")), Ok(money("-0.01 USD")));
    assert_eq!(
        money("1 KRW").checked_add(money("1.00 USD")),
        Err(MoneyError::CurrencyMismatch(Currency::KRW, ccy("USD")))
    );
    let most = Money::won(MINOR_MAX).unwrap();
    assert_eq!(most.checked_add(money("1 KRW")), Err(MoneyError::Overflow));
    assert_eq!(most.negated().checked_sub(money("1 KRW")), Err(MoneyError::Overflow));
    assert_eq!(most.checked_sub(most), Ok(money("0 KRW")));
    for minor in [i64::MIN, i64::MAX, MINOR_MAX + 1, -MINOR_MAX - 1] {
        assert_eq!(Money::won(minor), Err(MoneyError::Overflow), "{minor}");
    }
}

#[test]
fn the_set_of_currencies_refuses_what_could_not_be_traded() {
    let with = |change: &dyn Fn(&mut hwan_domain::currency::CurrencySpec)| {
        let mut usd = spec("USD");
        change(&mut usd);
        CurrencySet::new(vec![spec("KRW"), usd]).map(|_| ())
    };
    assert_eq!(with(&|_| {}), Ok(()));
    for code in ["", "US", "USDT", "usd", "U5D", "Ü1", "원"] {
        assert!(matches!(with(&|spec| spec.code = code.into()), Err(CurrencySetError::Code(_))), "{code}");
    }
    let range = |result, field| match result {
        Err(CurrencySetError::Range { field: found, .. }) => assert_eq!(found, field),
        other => panic!("{field}: {other:?}"),
    };
    range(with(&|spec| spec.minor_digits = 5), "minor_digits");
    range(with(&|spec| spec.rate_unit = 10), "rate_unit");
    range(with(&|spec| spec.rate_unit = 0), "rate_unit");
    range(with(&|spec| spec.rate_decimals = 7), "rate_decimals");
    range(with(&|spec| spec.spread_decimals = 3), "spread_decimals");
    range(with(&|spec| spec.spread_percent = dec("-0.1")), "spread_percent");
    range(with(&|spec| spec.spread_percent = dec("0.0000001")), "spread_percent");
    range(with(&|spec| spec.preference_percent = dec("100.1")), "preference_percent");
    range(with(&|spec| spec.jump_percent_max = dec("101")), "jump_percent_max");
    range(with(&|spec| spec.holding_cap_won = Some(0)), "holding_cap_won");

    assert!(matches!(CurrencySet::new(vec![spec("USD")]), Err(CurrencySetError::NoHome)));
    let won_with_digits = hwan_domain::currency::CurrencySpec { minor_digits: 2, ..spec("KRW") };
    assert!(matches!(CurrencySet::new(vec![won_with_digits]), Err(CurrencySetError::NoHome)));
    let twice = CurrencySet::new(vec![spec("KRW"), spec("USD"), spec("USD")]);
    assert!(matches!(twice, Err(CurrencySetError::Duplicate(_))));
}

#[test]
fn the_bank_deals_in_eighteen_currencies() {
    let set = crate::support::currencies();
    assert_eq!((set.iter().count(), set.foreign().count()), (18, 17));
    for (code, digits, unit, cap) in CURRENCIES {
        let currency = set.find(code).unwrap();
        let spec = set.spec(currency).unwrap();
        assert_eq!((currency.minor_digits(), spec.rate_unit, spec.holding_cap_won), (digits, unit, cap), "{code}");
        assert_eq!(currency.is_home(), code == "KRW");
    }
    for code in ["", "usd", "XXX", "USDX"] {
        assert_eq!(set.find(code), None, "{code}");
    }
}

proptest! {
    #[test]
    fn an_amount_survives_its_text(minor in 0..=MINOR_MAX, row in 0..CURRENCIES.len()) {
        let currency = ccy(CURRENCIES[row].0);
        let money = Money::from_minor(minor, currency).unwrap();
        prop_assert_eq!(Money::parse(&money.to_string(), currency), Ok(money));
        let negative = money.negated();
        if minor > 0 {
            prop_assert_eq!(negative.to_string(), format!("-{money}"));
            prop_assert!(Money::parse(&negative.to_string(), currency).is_err());
        }
    }

    #[test]
    fn a_text_that_is_read_is_the_only_text_of_its_amount(text in "[0-9.+eE -]{0,26}", row in 0..CURRENCIES.len()) {
        let currency = ccy(CURRENCIES[row].0);
        if let Ok(money) = Money::parse(&text, currency) {
            prop_assert_eq!(money.to_string(), text);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), row in 0..CURRENCIES.len()) {
        let _ = Money::parse(&text, ccy(CURRENCIES[row].0));
    }

    #[test]
    fn sums_are_exact_or_refused(a in -MINOR_MAX..=MINOR_MAX, b in -MINOR_MAX..=MINOR_MAX) {
        let (one, other) = (Money::won(a).unwrap(), Money::won(b).unwrap());
        let exact = i128::from(a) + i128::from(b);
        match one.checked_add(other) {
            Ok(sum) => prop_assert_eq!(i128::from(sum.minor()), exact),
            Err(error) => {
                prop_assert_eq!(error, MoneyError::Overflow);
                prop_assert!(exact.abs() > i128::from(MINOR_MAX));
            }
        }
    }
}
