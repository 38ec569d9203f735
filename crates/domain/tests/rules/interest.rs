//! Interest: the numbers of the domain page, the table of rates, what a period is, and what always holds.

use hwan_domain::{
    account::{AccountBook, AccountKind},
    id::{AccountId, ExchangeId},
    interest::{
        Accrual, DailyClosing, Interest, InterestError, Period, RateLine, RateTable, RateTableError, accrue, reckon,
    },
    invariant::{Breach, balanced, follows_interest},
    money::{MINOR_MAX, Money},
    record::{Event, KeyDigest, Leg},
    rejection::{Code, Violations},
    time::BusinessDate,
};
use proptest::prelude::*;

use crate::{
    ledger::record,
    support::{WON_ACCOUNT, account, ccy, codes, customer, date, dec, money, place},
};

fn line(from: &str, percent: &str) -> RateLine {
    RateLine { currency: ccy("KRW"), effective_from: date(from), annual_percent: dec(percent) }
}

fn two_percent() -> RateTable {
    RateTable::new([line("2000-01-01", "2.0")]).unwrap()
}

fn period(from: &str, through: &str) -> Period {
    Period::new(date(from), date(through)).unwrap()
}

fn closings(list: &[(&str, i64)]) -> Vec<DailyClosing> {
    list.iter().map(|(day, won)| DailyClosing { date: date(day), amount: Money::won(*won).unwrap() }).collect()
}

fn interest(table: &RateTable, from: &str, through: &str, list: &[(&str, i64)]) -> Interest {
    accrue(table, ccy("KRW"), period(from, through), &closings(list)).unwrap()
}

/// Gross, income tax, local tax, net.
fn numbers(of: &Interest) -> (i64, i64, i64, i64) {
    (of.gross.minor(), of.income_tax.minor(), of.local_tax.minor(), of.net.minor())
}

/// What is paid on 23 November 2026 at 2 % for the days from `from` through the day before.
pub(crate) fn paid(list: &[(&str, i64)], from: &str) -> Event {
    let interest = interest(&two_percent(), from, "2026-11-22", list);
    let account = AccountId::at(place(WON_ACCOUNT));
    let credit = Leg { account, customer: customer(), amount: interest.net, balance_after: interest.net, version: 1 };
    interest.paid(credit)
}

#[test]
fn the_numbers_of_the_domain_page_are_exact() {
    for (list, days, expected) in [
        (vec![("2026-11-22", 10_000_000)], 1, (547, 70, 0, 477)),
        (vec![("2026-11-22", 9_124_999)], 1, (499, 60, 0, 439)),
        (vec![("2026-11-22", 9_125_000)], 1, (500, 70, 0, 430)),
        (vec![("2026-11-18", 10_000_000), ("2026-11-21", 4_000_000)], 5, (2_082, 290, 20, 1_772)),
        (vec![("2026-11-22", 18_249)], 1, (0, 0, 0, 0)),
        (vec![("2026-11-22", 18_250)], 1, (1, 0, 0, 1)),
        (vec![], 1, (0, 0, 0, 0)),
    ] {
        let from = BusinessDate::from_days(date("2026-11-22").days() - days + 1).to_string();
        let found = interest(&two_percent(), &from, "2026-11-22", &list);
        assert_eq!(numbers(&found), expected, "{list:?}");
    }
}

#[test]
fn a_closing_counts_for_every_day_until_the_next_and_only_within_the_period() {
    let around = [("2026-11-01", 1_000_000), ("2026-11-20", 3_000_000), ("2026-11-25", 9_000_000)];
    let found = interest(&two_percent(), "2026-11-19", "2026-11-21", &around);
    let [accrual] = found.accruals.as_slice() else { panic!("one rate: {found:?}") };
    assert_eq!(accrual.closings_minor, 1_000_000 + 2 * 3_000_000);
    assert_eq!(accrual.period, period("2026-11-19", "2026-11-21"));
}

#[test]
fn a_rate_that_changes_within_the_period_holds_from_its_day_on_and_the_sum_is_cut_once() {
    let table = RateTable::new([line("2026-11-18", "2"), line("2026-11-20", "3.65"), line("2026-11-21", "0")]).unwrap();
    let found = interest(&table, "2026-11-16", "2026-11-22", &[("2026-11-01", 1_000_003)]);
    let accrual = |from, through, percent, closings_minor| Accrual {
        period: period(from, through),
        annual_percent: dec(percent),
        closings_minor,
    };
    assert_eq!(
        found.accruals,
        [
            accrual("2026-11-18", "2026-11-19", "2", 2_000_006),
            accrual("2026-11-20", "2026-11-20", "3.65", 1_000_003),
            accrual("2026-11-21", "2026-11-22", "0", 2_000_006),
        ]
    );
    // 109.589… and 100.0003: 209, of which each alone would have been cut to 109 and 100.
    assert_eq!(numbers(&found), (209, 20, 0, 189));
    // Cut apart these are 54 and 54, together 109.
    let days = |from, through| interest(&table, from, through, &[("2026-11-01", 1_000_003)]).gross.minor();
    let apart = [days("2026-11-18", "2026-11-18"), days("2026-11-19", "2026-11-19")];
    assert_eq!((apart, days("2026-11-18", "2026-11-19")), ([54, 54], 109));
}

#[test]
fn a_day_has_one_rate_and_before_the_first_line_there_is_none() {
    let table = RateTable::new([line("2026-01-01", "2.00"), line("2026-07-01", "1.75")]).unwrap();
    let on = |day| table.on(ccy("KRW"), date(day)).map(|percent| percent.to_string());
    assert_eq!(on("2025-12-31"), None);
    assert_eq!(on("2026-01-01").as_deref(), Some("2"));
    assert_eq!(on("2026-06-30").as_deref(), Some("2"));
    assert_eq!(on("2026-07-01").as_deref(), Some("1.75"));
    assert!(table.offers(ccy("KRW")) && !table.offers(ccy("USD")) && !RateTable::default().offers(ccy("KRW")));
    assert_eq!(table.lines().count(), 2);
}

#[test]
fn lines_that_are_no_table_are_refused_with_the_reason() {
    let usd = RateLine { currency: ccy("USD"), ..line("2026-01-01", "1") };
    let refused = |lines: Vec<RateLine>| RateTable::new(lines).unwrap_err();
    assert_eq!(refused(vec![usd]), RateTableError::NotWon(ccy("USD")));
    for percent in ["-0.1", "100.0001", "1.00001"] {
        let from = date("2026-01-01");
        assert_eq!(refused(vec![line("2026-01-01", percent)]), RateTableError::Rate { from, percent: dec(percent) });
    }
    for (one, other) in [("2026-01-02", "2026-01-01"), ("2026-01-01", "2026-01-01")] {
        let (before, after) = (date(one), date(other));
        assert_eq!(refused(vec![line(one, "1"), line(other, "2")]), RateTableError::Order { before, after });
    }
    let many =
        (0..1_001).map(|day| RateLine { effective_from: BusinessDate::from_days(day), ..line("2026-01-01", "1") });
    assert_eq!(refused(many.collect()), RateTableError::TooMany(ccy("KRW")));
    assert!(RateTable::new([line("2026-01-01", "0"), line("2026-01-02", "100.0000")]).is_ok());
}

#[test]
fn a_period_begins_after_the_last_paid_day_or_at_the_opening_and_ends_yesterday() {
    let (opened, today) = (date("2026-11-20"), date("2026-11-23"));
    assert_eq!(Period::due(None, opened, today), Some(period("2026-11-20", "2026-11-22")));
    assert_eq!(Period::due(Some(date("2026-11-21")), opened, today), Some(period("2026-11-22", "2026-11-22")));
    assert_eq!(Period::due(Some(date("2026-11-22")), opened, today), None);
    assert_eq!(Period::due(Some(date("2026-12-31")), opened, today), None);
    assert_eq!(Period::due(None, today, today), None);
    assert_eq!(period("2024-02-28", "2024-03-01").days(), 3);
}

#[test]
fn closings_and_accruals_that_cannot_be_are_refused_and_so_is_what_no_amount_holds() {
    let won =
        |list: &[(&str, i64)]| accrue(&two_percent(), ccy("KRW"), period("2026-11-20", "2026-11-22"), &closings(list));
    for list in [
        [("2026-11-20", -1), ("2026-11-21", 5)],
        [("2026-11-21", 5), ("2026-11-21", 6)],
        [("2026-11-21", 5), ("2026-11-20", 6)],
    ] {
        assert!(matches!(won(&list), Err(InterestError::Closing(_))), "{list:?}");
    }
    let dollars = [DailyClosing { date: date("2026-11-20"), amount: money("1.00 USD") }];
    let all = period("2026-11-20", "2026-11-22");
    assert!(matches!(accrue(&two_percent(), ccy("KRW"), all, &dollars), Err(InterestError::Closing(_))));
    let accrual = |from, through, closings_minor| Accrual {
        period: period(from, through),
        annual_percent: dec("100"),
        closings_minor,
    };
    for accruals in [
        vec![accrual("2026-11-19", "2026-11-20", 1)],
        vec![accrual("2026-11-22", "2026-11-23", 1)],
        vec![accrual("2026-11-20", "2026-11-21", 1), accrual("2026-11-21", "2026-11-22", 1)],
        vec![accrual("2026-11-20", "2026-11-20", -1)],
        vec![Accrual { annual_percent: dec("-1"), ..accrual("2026-11-20", "2026-11-20", 1) }],
    ] {
        assert!(matches!(reckon(ccy("KRW"), all, accruals), Err(InterestError::Accrual(_))));
    }
    for sum in [i128::MAX, i128::from(MINOR_MAX) * 365 + 365, i128::from(i64::MAX) * 400] {
        let found = reckon(ccy("KRW"), all, vec![accrual("2026-11-20", "2026-11-20", sum)]);
        assert_eq!(found, Err(InterestError::Overflow), "{sum}");
    }
}

#[test]
fn a_payment_that_is_not_what_accrued_is_a_breach() {
    let whole = paid(&[("2026-11-22", 10_000_000)], "2026-11-22");
    assert_eq!(balanced(&record(whole.clone())), Ok(()));
    let change = |change: &dyn Fn(&mut Event)| {
        let mut event = whole.clone();
        change(&mut event);
        balanced(&record(event))
    };
    macro_rules! changed {
        ($field:ident, $value:expr) => {
            change(&|event| {
                let Event::InterestPaid { $field, .. } = event else { panic!() };
                *$field = $value;
            })
        };
    }
    let wrong = [
        changed!(gross, money("548 KRW")),
        changed!(income_tax, money("60 KRW")),
        changed!(local_tax, money("10 KRW")),
        changed!(account, AccountId::at(place(9))),
        changed!(accruals, vec![]),
        changed!(from, date("2026-11-23")),
        changed!(through, date("2026-11-23")),
        change(&|event| {
            let Event::InterestPaid { credit, .. } = event else { panic!() };
            credit.amount = money("478 KRW");
        }),
    ];
    for found in wrong {
        assert!(matches!(found, Err(Breach::InterestAgainstAccruals { .. })), "{found:?}");
    }
}

#[test]
fn periods_of_an_account_follow_each_other_without_overlap_or_gap() {
    let id = AccountId::at(place(WON_ACCOUNT));
    let follows = |from, paid: Option<&str>| follows_interest(id, date(from), paid.map(date)).is_ok();
    assert!(follows("2026-11-22", None) && follows("2026-11-22", Some("2026-11-21")));
    assert!(!follows("2026-11-22", Some("2026-11-22")) && !follows("2026-11-22", Some("2026-11-20")));
}

#[test]
fn a_claim_whose_days_were_paid_for_meanwhile_is_told_that_nothing_accrued() {
    let mut book: AccountBook = account(AccountKind::Won, &["5 KRW"], &[]);
    let claim = period("2026-11-20", "2026-11-22");
    let judged = |book: &AccountBook| {
        let mut violations = Violations::new();
        book.judge_interest(claim, &mut violations);
        codes(violations)
    };
    assert_eq!(judged(&book), []);
    book.pay_interest(period("2026-11-18", "2026-11-19"));
    assert_eq!(judged(&book), []);
    book.pay_interest(claim);
    assert_eq!((judged(&book), book.state().paid_through), (vec![Code::NothingAccrued], Some(date("2026-11-22"))));
}

#[test]
fn a_day_of_an_account_stands_among_the_keys_as_nothing_else_does() {
    let (one, other) = (AccountId::at(place(2)), AccountId::at(place(3)));
    let day = date("2026-11-22");
    let keys = [
        KeyDigest::of_interest(one, day),
        KeyDigest::of_interest(other, day),
        KeyDigest::of_interest(one, day.next()),
        KeyDigest::of_reversal(ExchangeId::at(place(2))),
    ];
    for (place, key) in keys.iter().enumerate() {
        assert!(!keys[place + 1..].contains(key));
    }
    let event = paid(&[("2026-11-22", 10_000_000)], "2026-11-22");
    assert_eq!(record(event).used_once(), Some(KeyDigest::of_interest(AccountId::at(place(WON_ACCOUNT)), day)));
}

fn any_closings() -> impl Strategy<Value = Vec<DailyClosing>> {
    proptest::collection::btree_map(0..60_i32, prop_oneof![0..50_000_000_i64, 0..=MINOR_MAX], 0..12).prop_map(|days| {
        days.into_iter()
            .map(|(day, won)| DailyClosing { date: BusinessDate::from_days(day), amount: Money::won(won).unwrap() })
            .collect()
    })
}

fn any_table() -> impl Strategy<Value = RateTable> {
    proptest::collection::btree_map(0..60_i32, 0..=200_000_i64, 0..5).prop_map(|lines| {
        RateTable::new(lines.into_iter().map(|(day, units)| RateLine {
            currency: ccy("KRW"),
            effective_from: BusinessDate::from_days(day),
            annual_percent: rust_decimal::Decimal::new(units, 4),
        }))
        .unwrap()
    })
}

proptest! {
    /// The closed formula of the sums equals the plain walk over the days, and no number is below zero.
    #[test]
    fn what_accrues_is_the_sum_of_the_days(closings in any_closings(), table in any_table(), from in 0..60_i32, days in 0..60_i32) {
        let whole = Period::new(BusinessDate::from_days(from), BusinessDate::from_days(from + days)).unwrap();
        let found = accrue(&table, ccy("KRW"), whole, &closings).unwrap();
        let mut weighted = 0_i128;
        for day in from..=from + days {
            let date = BusinessDate::from_days(day);
            let held = closings.iter().rev().find(|closing| closing.date <= date).map_or(0, |held| held.amount.minor());
            let mut percent = table.on(ccy("KRW"), date).unwrap_or_default();
            percent.rescale(4);
            weighted += i128::from(held) * percent.mantissa();
        }
        prop_assert_eq!(i128::from(found.gross.minor()), weighted / 365_000_000);
        for part in [found.gross, found.income_tax, found.local_tax, found.net] {
            prop_assert!(!part.is_negative());
        }
        let tax = found.income_tax.minor() + found.local_tax.minor();
        prop_assert_eq!(found.net.minor() + tax, found.gross.minor());
        prop_assert_eq!(found.net.is_zero(), found.gross.is_zero());
        prop_assert_eq!(&reckon(ccy("KRW"), whole, found.accruals.clone()).unwrap(), &found);
    }

    /// Claiming in parts never gains gross, and loses less than one won a part.
    #[test]
    fn parts_of_a_period_never_gain_gross(closings in any_closings(), table in any_table(), from in 0..30_i32, days in 1..30_i32, cut in 0..30_i32) {
        let day = BusinessDate::from_days;
        let cut = from + cut.min(days - 1);
        let gross = |from, through| {
            accrue(&table, ccy("KRW"), Period::new(day(from), day(through)).unwrap(), &closings).unwrap().gross.minor()
        };
        let parts = gross(from, cut) + gross(cut + 1, from + days);
        let whole = gross(from, from + days);
        prop_assert!(parts <= whole && whole <= parts + 1, "{} and {}", parts, whole);
    }
}
