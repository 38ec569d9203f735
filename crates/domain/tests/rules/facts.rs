//! Sheets of facts: what stating, scheduling and lifting do to each instant, and the bound on how many there are.

use hwan_domain::{
    account::AccountKind,
    check::{Check, FACTS_MAX, Fact, FactSheet},
    customer::CustomerBook,
    money::Money,
    rejection::{Code, Violations},
    time::Timestamp,
};
use proptest::prelude::*;

use crate::support::{account, codes, fact, money, opened};

fn t(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn from_to(check: Check, from: i64, to: Option<i64>) -> Fact {
    Fact { check, effective_from: t(from), effective_to: to.map(t), amount: None }
}

/// At which of the instants 0 to 99 the check is in force.
fn in_force(sheet: &FactSheet, check: Check, instants: std::ops::Range<i64>) -> Vec<i64> {
    instants.filter(|at| sheet.in_force(t(*at)).any(|fact| fact.check == check)).collect()
}

#[test]
fn stating_decides_from_the_facts_beginning_on_and_nothing_before() {
    use Check::Suspended as S;
    // Stated at 10: what stood; what is stated; when it is in force from 10 to 19.
    type Row = (&'static str, Vec<(i64, Option<i64>)>, (i64, Option<i64>), Vec<i64>);
    let rows: Vec<Row> = vec![
        ("open-ended from now", vec![], (10, None), (10..20).collect()),
        ("scheduled", vec![], (15, None), (15..20).collect()),
        ("scheduled while in force lifts nothing", vec![(0, None)], (15, None), (10..20).collect()),
        ("lifted now, by its own beginning", vec![(0, None)], (0, Some(10)), vec![]),
        ("lifted now, by the present as beginning", vec![(0, None)], (10, Some(10)), vec![]),
        ("given an end", vec![(0, None)], (0, Some(13)), vec![10, 11, 12]),
        ("lifted from 13 on", vec![(0, None)], (13, Some(13)), vec![10, 11, 12]),
        ("lifting takes what was scheduled along", vec![(0, Some(12)), (15, None)], (0, Some(10)), vec![]),
        ("what was scheduled is lifted alone", vec![(0, Some(12)), (15, None)], (15, Some(15)), vec![10, 11]),
        ("a schedule moved to earlier", vec![(15, None)], (12, None), (12..20).collect()),
        ("a schedule moved to later needs lifting first", vec![(12, None)], (15, None), (12..20).collect()),
        ("a day alone", vec![], (12, Some(14)), vec![12, 13]),
        ("a day alone within what is in force cuts it", vec![(0, None)], (12, Some(14)), vec![10, 11, 12, 13]),
        ("an end before the beginning lifts from there", vec![(0, None)], (15, Some(3)), vec![10, 11, 12, 13, 14]),
    ];
    for (name, stood, stated, expected) in rows {
        let mut sheet = FactSheet::default();
        for (from, to) in stood {
            sheet.state(from_to(S, from, to), t(0));
        }
        sheet.state(from_to(Check::Dormant, 0, None), t(10));
        sheet.state(from_to(S, stated.0, stated.1), t(10));
        assert_eq!(in_force(&sheet, S, 10..20), expected, "{name}");
        assert_eq!(in_force(&sheet, Check::Dormant, 10..20).len(), 10, "{name}: other checks are untouched");
    }
}

#[test]
fn seizures_have_a_timeline_for_each_currency_and_one_for_the_whole() {
    let seized =
        |amount: Option<&str>, to: Option<i64>| Fact { amount: amount.map(money), ..from_to(Check::Seized, 0, to) };
    let mut sheet = FactSheet::default();
    for amount in [Some("60.00 USD"), Some("500 JPY"), None] {
        sheet.state(seized(amount, None), t(5));
    }
    assert_eq!(sheet.in_force(t(5)).count(), 3);
    sheet.state(seized(Some("70.00 USD"), None), t(6));
    let usd: Vec<Option<Money>> = sheet
        .in_force(t(6))
        .map(|fact| fact.amount)
        .filter(|amount| amount.is_some_and(|amount| amount.currency() == money("0.00 USD").currency()))
        .collect();
    assert_eq!(usd, vec![Some(money("70.00 USD"))], "the newer amount stands, they do not add up");
    sheet.state(seized(None, Some(7)), t(7));
    assert_eq!(sheet.in_force(t(7)).count(), 2, "lifting the whole leaves the amounts");
    sheet.state(seized(Some("1 JPY"), Some(7)), t(7));
    assert_eq!(sheet.in_force(t(7)).count(), 1, "a currency is lifted whatever amount is named");
}

#[test]
fn an_amount_means_nothing_but_for_a_seizure() {
    let mut sheet = FactSheet::default();
    for amount in ["1.00 USD", "1 JPY", "1 VND"] {
        sheet.state(Fact { amount: Some(money(amount)), ..from_to(Check::Deceased, 0, None) }, t(0));
    }
    assert_eq!(sheet.iter().count(), 1);
    sheet.state(from_to(Check::Deceased, 0, Some(0)), t(0));
    assert!(sheet.is_empty());
}

#[test]
fn a_full_sheet_refuses_more_but_never_a_lifting() {
    let mut sheet = FactSheet::default();
    let slot = |index: i64| from_to(Check::Pledged, 100 + 10 * index, Some(105 + 10 * index));
    for index in 0..i64::try_from(FACTS_MAX).unwrap() {
        assert_eq!(sheet.refusal(&slot(index), t(1)), None);
        sheet.state(slot(index), t(1));
    }
    assert!(sheet.is_full(t(1)));
    assert_eq!(sheet.refusal(&slot(9_999), t(1)).unwrap().code, Code::FactsFull);
    assert_eq!(sheet.refusal(&from_to(Check::Dormant, 1, None), t(1)).unwrap().code, Code::FactsFull);
    assert_eq!(sheet.refusal(&from_to(Check::Pledged, 1, Some(1)), t(1)), None, "a lifting");
    assert_eq!(sheet.refusal(&from_to(Check::Pledged, 300, None), t(1)), None, "one that takes the place of others");
    assert!(!sheet.is_full(t(105)), "what is over does not count");
    assert_eq!(sheet.refusal(&from_to(Check::Dormant, 105, None), t(105)), None);
}

#[test]
fn a_sheet_that_was_stored_too_full_can_still_be_emptied() {
    let slot = |index: i64| from_to(Check::Pledged, 100 + 10 * index, Some(105 + 10 * index));
    let sheet = FactSheet::new((0..200).map(slot));
    assert_eq!(sheet.refusal(&from_to(Check::Pledged, 1_000, Some(1_000)), t(1)), None);
    assert_eq!(sheet.refusal(&from_to(Check::Dormant, 1, None), t(1)).unwrap().code, Code::FactsFull);
}

#[test]
fn what_was_checked_stays_true_until_the_next_boundary() {
    let mut sheet = FactSheet::default();
    assert_eq!(sheet.stable_until(t(5)), Timestamp::MAX);
    sheet.state(from_to(Check::Pledged, 10, Some(20)), t(0));
    for (now, until) in [(0, t(10)), (9, t(10)), (10, t(20)), (19, t(20)), (20, Timestamp::MAX)] {
        assert_eq!(sheet.stable_until(t(now)), until, "{now}");
    }
}

#[test]
fn the_books_refuse_facts_that_cannot_stand() {
    let judged = |kind, fact: &Fact| {
        let mut violations = Violations::new();
        account(kind, &[], &[]).judge_fact(fact, t(0), &mut violations);
        codes(violations)
    };
    let seized = |amount: &str| Fact { amount: Some(money(amount)), ..fact(Check::Seized) };
    let (won, foreign) = (AccountKind::Won, AccountKind::Foreign);
    for (kind, fact, outcome) in [
        (won, fact(Check::Seized), vec![]),
        (won, seized("1 KRW"), vec![]),
        (won, seized("1.00 USD"), vec![Code::FactInvalid]),
        (foreign, seized("1.00 USD"), vec![]),
        (foreign, seized("1 KRW"), vec![Code::FactInvalid]),
        (won, seized("0 KRW"), vec![Code::FactInvalid]),
        (won, seized("-5 KRW"), vec![Code::FactInvalid]),
        (won, Fact { amount: Some(money("1 KRW")), ..fact(Check::Dormant) }, vec![Code::FactInvalid]),
        (won, fact(Check::Deceased), vec![Code::FactInvalid]),
        (won, fact(Check::AccountClosed), vec![Code::FactInvalid]), // an account is closed, not said to be
    ] {
        assert_eq!(judged(kind, &fact), outcome, "{kind:?} {fact:?}");
    }
    let of_customer = |fact: &Fact| {
        let mut violations = Violations::new();
        CustomerBook::new(opened()).judge_fact(fact, t(0), &mut violations);
        codes(violations)
    };
    assert_eq!(of_customer(&fact(Check::Deceased)), vec![]);
    assert_eq!(of_customer(&fact(Check::Dormant)), vec![Code::FactInvalid]);
    let with_amount = Fact { amount: Some(money("1 KRW")), ..fact(Check::Bankrupt) };
    assert_eq!(of_customer(&with_amount), vec![Code::FactInvalid]);
}

/// What stands, instant by instant: the simplest thing that could be right.
#[derive(Default)]
struct PerInstant(std::collections::HashMap<(Check, &'static str), [Option<Option<Money>>; 60]>);

impl PerInstant {
    fn state(&mut self, line: (Check, &'static str), fact: &Fact) {
        let slots = self.0.entry(line).or_insert([None; 60]);
        for (at, slot) in (0_i64..).zip(slots.iter_mut()) {
            if t(at) >= fact.effective_from {
                *slot = fact.in_force(t(at)).then_some(fact.amount);
            }
        }
    }

    fn at(&self, at: i64) -> Vec<(Check, Option<Money>)> {
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter_map(|((check, _), slots)| slots[usize::try_from(at).unwrap()].map(|amount| (*check, amount)))
            .collect();
        found.sort_by_key(|(check, amount)| (*check, amount.map(|amount| (amount.currency(), amount.minor()))));
        found
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_sheet_says_of_every_instant_what_the_statements_say(
        statements in prop::collection::vec((0_usize..6, 0_i64..50, prop::option::of(0_i64..60), 1_i64..100, 0_i64..4), 0..40),
    ) {
        let mut sheet = FactSheet::default();
        let mut model = PerInstant::default();
        let mut now = 0;
        for (line, from, to, minor, later) in statements {
            now += later;
            let amount = |code| Some(Money::from_minor(minor, crate::support::ccy(code)).unwrap());
            let (check, name, amount) = [
                (Check::Suspended, "", None),
                (Check::Deceased, "", None),
                (Check::Seized, "whole", None),
                (Check::Seized, "USD", amount("USD")),
                (Check::Seized, "JPY", amount("JPY")),
                (Check::Pledged, "", None),
            ][line];
            let fact = Fact { check, effective_from: t(from), effective_to: to.map(t), amount };
            if now >= 60 || sheet.refusal(&fact, t(now)).is_some() {
                break;
            }
            sheet.state(fact, t(now));
            model.state((check, name), &fact);
            prop_assert!(sheet.iter().count() <= FACTS_MAX);
            for at in now..60 {
                let mut found: Vec<_> = sheet.in_force(t(at)).map(|fact| (fact.check, fact.amount)).collect();
                found.sort_by_key(|(check, amount)| (*check, amount.map(|amount| (amount.currency(), amount.minor()))));
                prop_assert_eq!(found, model.at(at), "at {} (now {})", at, now);
            }
            // Nothing changes before the next boundary.
            let stable = sheet.stable_until(t(now)).micros().min(60);
            for at in now..stable {
                prop_assert_eq!(model.at(at), model.at(now));
            }
        }
    }
}
