//! The currencies of the bank, instants by their text, and short ways to make what a rule is about.

use hwan_domain::{
    account::{AccountBook, AccountKind, AccountState},
    check::{Check, Fact},
    currency::{Currency, CurrencySet, CurrencySpec},
    customer::CustomerState,
    exchange::{Side, Terms},
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    money::Money,
    rate::Rate,
    rejection::{Code, Rejection, Violations},
    round::{Round, RoundId, RoundStatus},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;

/// Code, minor digits, rate unit, holding cap: the currencies as the domain page lists them.
pub(crate) const CURRENCIES: [(&str, u8, u32, Option<i64>); 18] = [
    ("KRW", 0, 1, None),
    ("JPY", 0, 100, None),
    ("VND", 0, 100, Some(5_000_000)),
    ("USD", 2, 1, None),
    ("EUR", 2, 1, None),
    ("GBP", 2, 1, None),
    ("CNY", 2, 1, None),
    ("HKD", 2, 1, None),
    ("SGD", 2, 1, None),
    ("AUD", 2, 1, None),
    ("CAD", 2, 1, None),
    ("CHF", 2, 1, None),
    ("NZD", 2, 1, None),
    ("THB", 2, 1, None),
    ("MYR", 2, 1, Some(5_000_000)),
    ("TWD", 2, 1, Some(5_000_000)),
    ("IDR", 2, 100, Some(5_000_000)),
    ("PHP", 2, 1, Some(5_000_000)),
];

pub(crate) fn spec(code: &str) -> CurrencySpec {
    let (code, minor_digits, rate_unit, holding_cap_won) = CURRENCIES.into_iter().find(|row| row.0 == code).unwrap();
    CurrencySpec {
        code: code.into(),
        name: code.into(),
        minor_digits,
        rate_unit,
        rate_decimals: 2,
        spread_decimals: if code == "USD" { 1 } else { 2 },
        spread_percent: dec("1"),
        preference_percent: dec("100"),
        jump_percent_max: if code == "USD" { dec("2") } else { dec("3") },
        holding_cap_won,
    }
}

pub(crate) fn currencies() -> CurrencySet {
    CurrencySet::new(CURRENCIES.iter().map(|row| spec(row.0)).collect()).unwrap()
}

pub(crate) fn ccy(code: &str) -> Currency {
    currencies().find(code).unwrap()
}

/// `money("100.00 USD")`, `money("-5 KRW")`.
pub(crate) fn money(text: &str) -> Money {
    let (amount, code) = text.split_once(' ').unwrap();
    match amount.strip_prefix('-') {
        Some(amount) => Money::parse(amount, ccy(code)).unwrap().negated(),
        None => Money::parse(amount, ccy(code)).unwrap(),
    }
}

pub(crate) fn dec(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// A time of the usual Monday, in Seoul: `monday("10:00:00")`.
pub(crate) fn monday(clock: &str) -> Timestamp {
    at(&format!("2026-11-23T{clock}+09:00"))
}

pub(crate) fn date(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

pub(crate) fn place(seq: u64) -> Position {
    Position::new(LaneId::FIRST, Seq::new(seq).unwrap())
}

pub(crate) const CUSTOMER: u64 = 1;
pub(crate) const WON_ACCOUNT: u64 = 2;
pub(crate) const FOREIGN_ACCOUNT: u64 = 3;

pub(crate) fn customer() -> CustomerId {
    CustomerId::at(place(CUSTOMER))
}

/// A customer of the channel `app`, with nothing against it.
pub(crate) fn opened() -> CustomerState {
    CustomerState::opened(customer(), "app".into(), None)
}

/// An account that holds these balances, with these facts against it.
pub(crate) fn account(kind: AccountKind, balances: &[&str], facts: &[Fact]) -> AccountBook {
    let seq = if kind == AccountKind::Won { WON_ACCOUNT } else { FOREIGN_ACCOUNT };
    let mut book = AccountBook::new(AccountState::opened(AccountId::at(place(seq)), customer(), kind));
    for balance in balances {
        book.post(money(balance)).unwrap();
    }
    for fact in facts {
        book.state_fact(*fact, Timestamp::from_micros(0));
    }
    book
}

/// A fact in force for ever.
pub(crate) fn fact(check: Check) -> Fact {
    Fact { check, effective_from: Timestamp::from_micros(0), effective_to: None, amount: None }
}

pub(crate) fn round(code: &str, mid: &str) -> Round {
    let spec = spec(code);
    Round {
        id: RoundId { currency: *ccy(code).code_bytes(), date: date("2026-11-23"), number: 1 },
        currency: ccy(code),
        mid: Rate::new(dec(mid), spec.rate_unit).unwrap(),
        spread: Decimal::ZERO,
        preference_percent: dec("100"),
        published_at: monday("10:00:00"),
        valid_until: monday("10:01:00"),
        status: RoundStatus::Active,
    }
}

pub(crate) fn terms(code: &str, mid: &str, side: Side) -> Terms {
    Terms::of(&round(code, mid), side).unwrap()
}

pub(crate) fn codes(violations: Violations) -> Vec<Code> {
    Rejection::of(violations)
        .map_or(vec![], |rejection| rejection.violations().iter().map(|violation| violation.code).collect())
}
