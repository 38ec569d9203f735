//! Limits into foreign currency: windows from 09:00 in Seoul, exchanges in flight, holding caps.

use hwan_domain::{
    account::{AccountKind, Credit, HoldingCap, Moment},
    check::Direction,
    customer::{CustomerBook, CustomerState},
    limit::{Charge, LimitPolicy, LimitUse, LimitWindow},
    rate::Rate,
    rejection::{Code, Violations},
    time::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp},
};
use proptest::prelude::*;

use crate::support::{account, at, codes, dec, monday, money, opened};

fn judged(book: &CustomerBook, won: i64, at: Timestamp) -> Vec<Code> {
    let mut violations = Violations::new();
    book.judge_limits(won, at, &LimitPolicy::default(), &mut violations);
    codes(violations)
}

fn used(day_won: i64, month_won: i64, charged_at: Timestamp) -> CustomerBook {
    let limits = LimitUse { charged_at, day_won, month_won };
    CustomerBook::new(CustomerState { limits, ..opened() })
}

#[test]
fn the_limits_are_ten_million_a_day_and_a_hundred_million_a_month() {
    let now = monday("10:00:00");
    for (day, month, won, outcome) in [
        (0, 0, 10_000_000, vec![]),
        (0, 0, 10_000_001, vec![Code::LimitDaily]),
        (9_999_994, 9_999_994, 6, vec![]),
        (9_999_994, 9_999_994, 7, vec![Code::LimitDaily]),
        (0, 99_000_000, 1_000_000, vec![]),
        (0, 99_000_000, 1_000_001, vec![Code::LimitMonthly]),
        (9_000_000, 99_000_000, 1_000_001, vec![Code::LimitDaily, Code::LimitMonthly]),
        (0, 0, i64::MAX, vec![Code::LimitDaily, Code::LimitMonthly]),
        (i64::MAX, i64::MAX, i64::MAX, vec![Code::LimitDaily, Code::LimitMonthly]),
    ] {
        assert_eq!(judged(&used(day, month, now), won, now), outcome, "{day} {month} {won}");
    }
}

#[test]
fn the_limit_day_begins_at_nine_in_seoul_and_not_at_midnight() {
    let book = used(9_999_994, 9_999_994, monday("08:00:00"));
    assert_eq!(judged(&book, 14, monday("08:59:59.999")), vec![Code::LimitDaily]);
    assert_eq!(judged(&book, 14, monday("09:00:00")), vec![]);
    let evening = used(9_999_994, 9_999_994, monday("23:59:59"));
    assert_eq!(
        judged(&evening, 14, at("2026-11-24T00:00:00+09:00")),
        vec![Code::LimitDaily],
        "midnight resets nothing"
    );
    assert_eq!(judged(&evening, 14, at("2026-11-24T08:59:59.999999+09:00")), vec![Code::LimitDaily]);
    assert_eq!(judged(&evening, 14, at("2026-11-24T09:00:00+09:00")), vec![]);
}

#[test]
fn the_limit_month_begins_on_the_first_at_nine() {
    let book = used(0, 100_000_000, at("2026-11-30T12:00:00+09:00"));
    for (now, outcome) in [
        ("2026-11-30T13:00:00+09:00", vec![Code::LimitMonthly]),
        ("2026-12-01T00:00:00+09:00", vec![Code::LimitMonthly]),
        ("2026-12-01T08:59:59.999999+09:00", vec![Code::LimitMonthly]),
        ("2026-12-01T09:00:00+09:00", vec![]),
        ("2027-01-01T08:00:00+09:00", vec![]),
    ] {
        assert_eq!(judged(&book, 1, at(now)), outcome, "{now}");
    }
}

#[test]
fn windows_follow_each_other_without_a_gap() {
    for (instant, day, day_end, month, month_end) in [
        (
            "2026-11-23T10:00:00",
            "2026-11-23T09:00:00",
            "2026-11-24T09:00:00",
            "2026-11-01T09:00:00",
            "2026-12-01T09:00:00",
        ),
        (
            "2026-11-23T08:00:00",
            "2026-11-22T09:00:00",
            "2026-11-23T09:00:00",
            "2026-11-01T09:00:00",
            "2026-12-01T09:00:00",
        ),
        (
            "2027-01-01T08:59:59",
            "2026-12-31T09:00:00",
            "2027-01-01T09:00:00",
            "2026-12-01T09:00:00",
            "2027-01-01T09:00:00",
        ),
        (
            "2027-01-01T09:00:00",
            "2027-01-01T09:00:00",
            "2027-01-02T09:00:00",
            "2027-01-01T09:00:00",
            "2027-02-01T09:00:00",
        ),
        (
            "2028-03-01T00:30:00",
            "2028-02-29T09:00:00",
            "2028-03-01T09:00:00",
            "2028-02-01T09:00:00",
            "2028-03-01T09:00:00",
        ),
    ] {
        let seoul = |text: &str| at(&format!("{text}+09:00"));
        let expected = LimitWindow {
            day_began: seoul(day),
            day_ends: seoul(day_end),
            month_began: seoul(month),
            month_ends: seoul(month_end),
        };
        assert_eq!(LimitWindow::at(seoul(instant)), expected, "{instant}");
    }
}

#[test]
fn exchanges_in_flight_count_and_failed_ones_do_not() {
    let now = monday("10:00:00");
    let mut book = used(0, 0, now);
    book.reserve_limit(6_000_000);
    assert_eq!(judged(&book, 6_000_000, now), vec![Code::LimitDaily], "two of six million at once: one completes");
    assert_eq!(judged(&book, 4_000_000, now), vec![]);
    let standing = book.limit_standing(now, &LimitPolicy::default());
    assert_eq!((standing.day.used_won, standing.day.remaining_won), (6_000_000, 4_000_000));
    book.release_limit(6_000_000);
    assert!(book.at_rest());
    let standing = book.limit_standing(now, &LimitPolicy::default());
    assert_eq!((standing.day.used_won, standing.day.remaining_won), (0, 10_000_000));
    book.reserve_limit(6_000_000);
    book.release_limit(6_000_000);
    assert_eq!(
        book.charge_limit(6_000_000, now),
        LimitUse { charged_at: now, day_won: 6_000_000, month_won: 6_000_000 }
    );
    assert!(book.at_rest());
    assert_eq!(judged(&book, 4_000_001, now), vec![Code::LimitDaily]);
}

#[test]
fn a_query_says_used_remaining_and_when_it_begins_anew() {
    let book = used(9_000_000, 99_500_000, monday("09:30:00"));
    let standing = book.limit_standing(monday("23:00:00"), &LimitPolicy::default());
    assert_eq!((standing.day.used_won, standing.day.remaining_won), (9_000_000, 1_000_000));
    assert_eq!((standing.month.used_won, standing.month.remaining_won), (99_500_000, 500_000));
    assert_eq!(standing.day.reset_at, at("2026-11-24T09:00:00+09:00"));
    assert_eq!(standing.month.reset_at, at("2026-12-01T09:00:00+09:00"));
    let over = used(i64::MAX, i64::MAX, monday("09:30:00")).limit_standing(monday("10:00:00"), &LimitPolicy::default());
    assert_eq!(over.day.remaining_won, 0);
}

#[test]
fn a_holding_cap_bounds_what_is_held_afterwards_at_the_mid_rate() {
    let policy = LimitPolicy::default();
    let now = monday("10:00:00");
    let moment = Moment { at: now, date: now.seoul_date(), policy: &policy };
    let cap = Some(HoldingCap { won: 5_000_000, mid: Rate::new(dec("5.45"), 100).unwrap() });
    let judged = |held: &str, incoming: &[&str], amount: &str, direction, cap| {
        let mut book = account(AccountKind::Foreign, &[held], &[]);
        incoming.iter().for_each(|amount| book.announce(money(amount)));
        let mut violations = Violations::new();
        book.judge_credit(Credit { amount: money(amount), direction, cap }, moment, &mut violations);
        codes(violations)
    };
    let credit = Direction::Credit;
    // 89,908,256 dong are worth 4,899,999.95 won; 91,743,119 are worth 4,999,999.99; one more 5,000,000.04.
    assert_eq!(judged("89908256 VND", &[], "3669725 VND", credit, cap), vec![Code::HoldingLimit]);
    assert_eq!(judged("89908256 VND", &[], "1834863 VND", credit, cap), vec![]);
    assert_eq!(judged("89908256 VND", &[], "1834864 VND", credit, cap), vec![Code::HoldingLimit]);
    assert_eq!(
        judged("1 VND", &["89908255 VND"], "1834864 VND", credit, cap),
        vec![Code::HoldingLimit],
        "in flight counts"
    );
    assert_eq!(judged("1 VND", &["90000000.00 IDR"], "1834864 VND", credit, cap), vec![], "another currency does not");
    assert_eq!(judged("89908256 VND", &[], "3669725 VND", Direction::CompensatingCredit, cap), vec![]);
    assert_eq!(judged("89908256 VND", &[], "3669725 VND", credit, None), vec![], "most currencies have no cap");
}

#[test]
fn a_balance_beyond_what_an_account_can_hold_is_refused() {
    let policy = LimitPolicy::default();
    let now = monday("10:00:00");
    let moment = Moment { at: now, date: now.seoul_date(), policy: &policy };
    let mut book = account(AccountKind::Won, &["99999999999999990 KRW"], &[]);
    let judged = |book: &hwan_domain::account::AccountBook, amount: &str, direction| {
        let mut violations = Violations::new();
        book.judge_credit(Credit { amount: money(amount), direction, cap: None }, moment, &mut violations);
        codes(violations)
    };
    assert_eq!(judged(&book, "10 KRW", Direction::Credit), vec![]);
    assert_eq!(judged(&book, "11 KRW", Direction::Credit), vec![Code::AmountTooLarge]);
    book.announce(money("5 KRW"));
    assert_eq!(judged(&book, "6 KRW", Direction::CompensatingCredit), vec![Code::AmountTooLarge]);
}

/// 2026-10-30 12:00 UTC and some seven weeks: over two ends of months and many of days.
fn instants() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((0..5 * MICROS_PER_DAY, 0_i64..12_000_000), 0..40)
}

proptest! {
    #[test]
    fn the_counters_are_the_sum_of_the_charges_of_each_window(charges in instants(), wait in 0..3 * MICROS_PER_DAY) {
        let mut counters = LimitUse::default();
        let mut list: Vec<(Timestamp, i64)> = Vec::new();
        let mut now = at("2026-10-30T12:00:00Z");
        for (later, won) in charges {
            // Half of the steps are short, so that a window sees several charges.
            now = now.plus_micros(if later % 2 == 0 { later } else { later % (6 * 3_600 * MICROS_PER_SECOND) });
            list.push((now, won));
            counters = counters.charged(won, now);
            let later = now.plus_micros(wait);
            for instant in [now, later] {
                // By hand: nine hours behind Seoul's clock is UTC itself, so a limit day is a day of UTC.
                let day = |at: Timestamp| at.micros().div_euclid(MICROS_PER_DAY);
                let month = |at: Timestamp| at.to_rfc3339()[..7].to_owned();
                let sum = |same: &dyn Fn(Timestamp) -> bool| list.iter().filter(|(at, _)| same(*at)).map(|(_, won)| won).sum::<i64>();
                let found = counters.at(instant);
                prop_assert_eq!(found.day_won, sum(&|at| day(at) == day(instant)));
                prop_assert_eq!(found.month_won, sum(&|at| month(at) == month(instant)));
            }
        }
    }
}

#[test]
fn what_a_reversed_exchange_charged_is_given_back_to_the_windows_that_still_last() {
    // Charged when, reversed when, and what is used of the day and the month afterwards, of 500 charged and 30 since.
    for (charged, reversed, outcome) in [
        ("2026-11-23T10:00:00", "2026-11-23T11:00:00", Some((30, 30))),
        ("2026-11-23T10:00:00", "2026-11-24T08:59:59.999999", Some((30, 30))),
        ("2026-11-23T09:00:00", "2026-11-23T10:00:00", Some((30, 30))),
        ("2026-11-23T10:00:00", "2026-11-24T09:00:00", Some((0, 30))),
        ("2026-11-30T10:00:00", "2026-12-01T08:59:59.999999", Some((30, 30))),
        ("2026-11-30T10:00:00", "2026-12-01T09:00:00", None),
        ("2026-11-23T10:00:00", "2027-11-23T10:00:00", None),
    ] {
        let seoul = |text: &str| at(&format!("{text}+09:00"));
        let (charged, reversed) = (seoul(charged), seoul(reversed));
        let used = LimitUse::default().charged(500, charged).charged(30, charged);
        let given = used.given_back(Charge { at: charged, won: 500 }, reversed);
        assert_eq!(given.map(|used| (used.day_won, used.month_won)), outcome, "{charged} {reversed}");
        assert!(given.is_none_or(|used| used.charged_at == reversed));
    }
}

#[test]
fn giving_back_never_makes_more_room_than_there_was() {
    let now = monday("10:00:00");
    let mut book = used(300, 300, now);
    let charge = Charge { at: now, won: 500 };
    let given = book.give_back_limit(charge, now.plus_seconds(1)).unwrap();
    assert_eq!((given.day_won, given.month_won), (0, 0), "held at nothing used, whatever the counters were");
    assert_eq!(book.state().limits, given);
    let later = now.plus_micros(40 * MICROS_PER_DAY);
    assert_eq!(book.give_back_limit(charge, later), None);
    assert_eq!(book.state().limits, given, "nothing changes where nothing is given back");
    book.reserve_limit(7);
    assert_eq!(judged(&book, 9_999_993, now.plus_seconds(2)), vec![]);
    assert_eq!(judged(&book, 9_999_994, now.plus_seconds(2)), vec![Code::LimitDaily], "what is in flight stays");
}

proptest! {
    #[test]
    fn charging_and_giving_back_in_one_window_leaves_what_was(
        day in 0_i64..10_000_000,
        won in 1_i64..10_000_000,
        seconds in 0_i64..80_000,
    ) {
        let before = LimitUse { charged_at: monday("09:00:00"), day_won: day, month_won: day };
        let charged_at = monday("09:30:00");
        let now = charged_at.plus_seconds(seconds);
        let after = before.charged(won, charged_at).given_back(Charge { at: charged_at, won }, now).unwrap();
        prop_assert_eq!((after.day_won, after.month_won), (day, day));
    }
}
