//! What must always hold: each predicate finds its breach, and nothing else.

use hwan_domain::{
    exchange::Side,
    id::{AccountId, LaneId, Position, Seq},
    invariant::{Breach, balanced, continues, follows},
    record::{Event, Leg, Origin, Record},
    time::Timestamp,
};
use smallvec::SmallVec;

use crate::support::{FOREIGN_ACCOUNT, WON_ACCOUNT, customer, date, monday, money, place, terms};

fn leg(seq: u64, amount: &str, balance_after: &str, version: u64) -> Leg {
    Leg {
        account: AccountId::at(place(seq)),
        customer: customer(),
        amount: money(amount),
        balance_after: money(balance_after),
        version,
    }
}

fn record(event: Event) -> Record {
    Record {
        position: place(9),
        at: monday("10:00:00"),
        business_date: date("2026-11-23"),
        origin: Origin { caller: "test".into(), key: None },
        event,
        totals: SmallVec::new(),
    }
}

#[test]
fn a_leg_continues_its_account_by_one_version_and_its_amount() {
    for (leg, version, before, whole) in [
        (leg(WON_ACCOUNT, "5 KRW", "15 KRW", 4), 3, "10 KRW", true),
        (leg(WON_ACCOUNT, "-10 KRW", "0 KRW", 4), 3, "10 KRW", true),
        (leg(WON_ACCOUNT, "5 KRW", "16 KRW", 4), 3, "10 KRW", false),
        (leg(WON_ACCOUNT, "5 KRW", "15 KRW", 5), 3, "10 KRW", false),
        (leg(WON_ACCOUNT, "5 KRW", "15 KRW", 3), 3, "10 KRW", false),
        (leg(WON_ACCOUNT, "5 KRW", "15 KRW", 4), 3, "10.00 USD", false),
        (leg(WON_ACCOUNT, "5 KRW", "15 KRW", 0), u64::MAX, "10 KRW", false),
    ] {
        let found = continues(&leg, version, money(before));
        assert_eq!(found.is_ok(), whole, "{leg:?} after {version} {before}: {found:?}");
    }
    let below = continues(&leg(WON_ACCOUNT, "-11 KRW", "-1 KRW", 4), 3, money("10 KRW"));
    assert!(matches!(below, Err(Breach::NegativeBalance { .. })));
}

#[test]
fn the_legs_of_an_exchange_are_what_its_terms_make_of_each_other() {
    let exchange = |side, debit: (u64, &str), credit: (u64, &str)| {
        let event = Event::Exchanged {
            terms: terms("USD", "1350.57", side),
            quote: None,
            debit: leg(debit.0, debit.1, "0 KRW", 1),
            credit: leg(credit.0, credit.1, "0 KRW", 1),
            limits: None,
            limited_won: None,
        };
        balanced(&record(event))
    };
    let (won, usd) = (WON_ACCOUNT, FOREIGN_ACCOUNT);
    assert_eq!(exchange(Side::Buy, (won, "-45015 KRW"), (usd, "33.33 USD")), Ok(()));
    assert_eq!(exchange(Side::Sell, (usd, "-33.33 USD"), (won, "45014 KRW")), Ok(()));
    for (side, debit, credit) in [
        (Side::Buy, (won, "-45014 KRW"), (usd, "33.33 USD")),
        (Side::Buy, (won, "-45016 KRW"), (usd, "33.33 USD")),
        (Side::Sell, (usd, "-33.33 USD"), (won, "45015 KRW")),
        (Side::Buy, (won, "-45015 KRW"), (usd, "33.33 EUR")),
        (Side::Buy, (won, "-450.15 USD"), (usd, "33.33 USD")),
    ] {
        assert!(matches!(exchange(side, debit, credit), Err(Breach::LegsAgainstTerms { .. })), "{side:?} {debit:?}");
    }
    for (debit, credit) in [
        ((won, "45015 KRW"), (usd, "33.33 USD")),
        ((won, "-45015 KRW"), (usd, "-33.33 USD")),
        ((won, "0 KRW"), (usd, "33.33 USD")),
        ((won, "-45015 KRW"), (usd, "0.00 USD")),
    ] {
        assert!(matches!(exchange(Side::Buy, debit, credit), Err(Breach::WrongWay { .. })), "{debit:?} {credit:?}");
    }
}

#[test]
fn deposits_withdrawals_and_transfers_point_their_way_and_conserve() {
    let (from, to) = (|amount| leg(WON_ACCOUNT, amount, "0 KRW", 1), |amount| leg(8, amount, "0 KRW", 1));
    let transfer = |debit, credit| {
        balanced(&record(Event::Transferred { debit: from(debit), credit: to(credit), limited_won: None }))
    };
    assert_eq!(transfer("-5 KRW", "5 KRW"), Ok(()));
    assert!(matches!(transfer("-5 KRW", "4 KRW"), Err(Breach::NotConserved { .. })));
    assert!(matches!(transfer("-5 KRW", "0.05 USD"), Err(Breach::NotConserved { .. })));
    assert!(matches!(transfer("5 KRW", "-5 KRW"), Err(Breach::WrongWay { .. })));
    assert_eq!(balanced(&record(Event::Deposited { credit: to("5 KRW") })), Ok(()));
    assert!(matches!(balanced(&record(Event::Deposited { credit: to("-5 KRW") })), Err(Breach::WrongWay { .. })));
    let withdrawn = |amount| balanced(&record(Event::Withdrawn { debit: from(amount), limited_won: None }));
    assert_eq!(withdrawn("-5 KRW"), Ok(()));
    assert!(matches!(withdrawn("5 KRW"), Err(Breach::WrongWay { .. })));
    assert_eq!(balanced(&record(Event::DateRolled { date: date("2026-11-24") })), Ok(()));
}

#[test]
fn a_lane_is_gapless_and_its_time_never_goes_back() {
    let at = |lane: u16, seq: u64, at: Timestamp, day: &str| Record {
        position: Position::new(LaneId::new(lane).unwrap(), Seq::new(seq).unwrap()),
        at,
        business_date: date(day),
        ..record(Event::DateRolled { date: date(day) })
    };
    let before = at(1, 5, monday("23:59:59"), "2026-11-23");
    let same = monday("23:59:59");
    assert_eq!(follows(&before, &at(1, 6, same, "2026-11-23")), Ok(()));
    assert_eq!(follows(&before, &at(1, 6, same, "2026-11-24")), Ok(()), "the date is a command, not the clock's");
    for (lane, seq) in [(1, 5), (1, 7), (1, 4), (2, 6)] {
        let found = follows(&before, &at(lane, seq, same, "2026-11-23"));
        assert!(matches!(found, Err(Breach::Gap { .. })), "{lane}/{seq}");
    }
    let earlier = at(1, 6, monday("23:59:58.999999"), "2026-11-23");
    assert!(matches!(follows(&before, &earlier), Err(Breach::TimeBack { .. })));
    assert!(matches!(follows(&before, &at(1, 6, same, "2026-11-22")), Err(Breach::TimeBack { .. })));
}
