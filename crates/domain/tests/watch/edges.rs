//! Where rules end: what is just good, what comes again, what comes in another order, and that a breach is told once.

use hwan_domain::{
    anomaly::{Arrival, Rule, Sighting, SystemLane, interest},
    check::Check,
    exchange::Side,
    record::Event,
    time::BusinessDate,
};

use crate::bank::{Bank, change, legs_of, link, won};

#[test]
fn what_comes_again_changes_nothing_and_raises_nothing() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    let record = bank.buy(family, "USD", 100);
    let before = bank.lane.clone();
    assert_eq!(bank.show(&record), Arrival::Repeat);
    assert_eq!((bank.lane.clone(), bank.alerts.clone()), (before, vec![]));
}

#[test]
fn what_comes_again_with_another_hash_is_a_fork() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    let record = bank.buy(family, "USD", 100);
    let other = Sighting { record: &record, hash: [9; 32], computed: None, epoch: Some(2) };
    assert_eq!(bank.show_as(other), Arrival::Repeat);
    assert_eq!(bank.broken(), [Rule::ChainBroken]);
}

#[test]
fn a_repeat_of_an_earlier_owner_is_no_second_owner() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    let record = bank.buy(family, "USD", 100);
    let hash = link(record.position);
    let next = bank.exchange(family, "USD", Side::Buy, 100);
    let next_hash = link(next.position);
    bank.show_as(Sighting { record: &next, hash: next_hash, computed: Some(next_hash), epoch: Some(5) });
    bank.show_as(Sighting { record: &record, hash, computed: None, epoch: Some(1) });
    assert_eq!(bank.alerts, []);
}

#[test]
fn a_breach_is_told_once_and_what_follows_it_is_judged_by_it() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    let credit = bank.leg(family.won, won(1_000));
    let record = change(bank.record(1, Event::Deposited { credit }), |event| {
        legs_of(event)[0].balance_after = won(1_000_000);
    });
    bank.show(&record);
    assert_eq!(bank.broken(), [Rule::BalanceOffEntries]);
    bank.alerts.clear();
    // The account goes on from what its record said.
    let credit = bank.leg(family.won, won(5));
    let record = change(bank.record(1, Event::Deposited { credit }), |event| {
        legs_of(event)[0].balance_after = won(1_000_005);
    });
    bank.show(&record);
    assert_eq!(bank.alerts, []);
}

#[test]
fn after_a_gap_the_accounts_are_learned_anew() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    bank.exchange(family, "USD", Side::Buy, 100);
    bank.buy(family, "USD", 100);
    assert_eq!(bank.broken(), [Rule::SequenceGap]);
    bank.alerts.clear();
    bank.sell(family, "USD", 100);
    assert_eq!(bank.alerts, []);
}

#[test]
fn an_exchange_that_is_read_before_its_round_waits_for_it() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    let round = bank.round("USD", "1349.00");
    // The engine publishes and trades; the watch reads the trade first.
    let published = bank.record(0, Event::RoundPublished { round: round.clone(), findings: vec![] });
    bank.pass(1_000);
    let record = change(bank.exchange(family, "USD", Side::Buy, 100), |event| {
        let Event::Exchanged { terms, debit, .. } = event else { unreachable!() };
        *terms = hwan_domain::exchange::Terms::of(&round, Side::Buy).unwrap();
        debit.amount = won(-1_349);
        debit.balance_after = won(1_000_000 - 1_349);
    });
    let record = hwan_domain::record::Record { totals: Default::default(), ..record };
    bank.show(&record);
    assert_eq!(bank.alerts, []);
    bank.show(&published);
    let now = bank.now.plus_seconds(3_600);
    let Bank { lane, rounds, policy, alerts, .. } = &mut bank;
    lane.look_again(rounds, now, SystemLane::CaughtUp, policy, alerts);
    assert_eq!(bank.alerts, []);
}

#[test]
fn a_round_that_is_not_known_is_not_told_before_the_system_lane_was_read() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    let record = change(bank.exchange(family, "USD", Side::Buy, 100), |event| {
        let Event::Exchanged { terms, .. } = event else { unreachable!() };
        terms.round.number = 9;
    });
    bank.show(&record);
    for (seconds, system, told) in
        [(3_600, SystemLane::Behind, 0), (59, SystemLane::CaughtUp, 0), (60, SystemLane::CaughtUp, 1)]
    {
        let now = bank.now.plus_seconds(seconds);
        let Bank { lane, rounds, policy, alerts, .. } = &mut bank;
        lane.look_again(rounds, now, system, policy, alerts);
        assert_eq!(bank.alerts.len(), told, "{seconds} {system:?}");
    }
}

#[test]
fn a_void_that_is_read_after_the_exchange_finds_it() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    let currency = bank.ccy("USD");
    let next = bank.round("USD", "1350.57").id;
    let round = hwan_domain::round::RoundId { number: next.number - 1, ..next };
    let voided = bank.record(0, Event::RoundVoided { round, currency, reason: "wrong".into() });
    bank.pass(11_000_000);
    bank.buy(family, "USD", 100);
    assert_eq!(bank.alerts, []);
    bank.show(&voided);
    assert_eq!(bank.broken(), [Rule::TradeOnVoidedRound, Rule::TradeOnHaltedPair]);
}

#[test]
fn what_was_decided_before_the_board_changed_is_within_its_grace() {
    let mut bank = Bank::open();
    let family = bank.rich_family(1_000_000);
    let currency = bank.ccy("USD");
    let before = bank.exchange(family, "USD", Side::Buy, 100);
    let next = bank.round("USD", "1350.57").id;
    let round = hwan_domain::round::RoundId { number: next.number - 1, ..next };
    bank.write(0, Event::RoundVoided { round, currency, reason: "wrong".into() });
    bank.show(&before);
    bank.pass(10_000_000);
    bank.buy(family, "USD", 100);
    bank.write(0, Event::PairResumed { currency });
    bank.publish("USD", "1351.00");
    bank.pass(60_000_000);
    bank.buy(family, "USD", 100);
    assert_eq!(bank.alerts, []);
}

#[test]
fn what_a_fact_does_not_forbid_passes() {
    let mut bank = Bank::open();
    let family = bank.rich_family(20_000_000);
    bank.fact(family, family.won, Check::PaymentStopped, None);
    bank.deposit(family.won, won(5));
    assert_eq!(bank.alerts, []);
    bank.fact(
        family,
        family.foreign,
        Check::Seized,
        Some(hwan_domain::money::Money::from_minor(50, bank.ccy("USD")).unwrap()),
    );
    bank.deposit(family.foreign, hwan_domain::money::Money::from_minor(80, bank.ccy("USD")).unwrap());
    let record = bank.withdrawal(family.foreign, hwan_domain::money::Money::from_minor(30, bank.ccy("USD")).unwrap());
    bank.show(&record);
    assert_eq!(bank.alerts, []);
}

#[test]
fn a_closed_day_takes_nothing_more_whoever_is_first() {
    let mut bank = Bank::open();
    let family = bank.rich_family(20_000_000);
    let (date, last) = (bank.date, bank.lane.order().seq);
    bank.buy(family, "USD", 100);
    // The closing is read after the record that breaks it.
    bank.lane.close(date, last, &mut bank.alerts);
    assert_eq!(bank.broken(), [Rule::EntryAfterClose]);
    bank.alerts.clear();
    bank.roll();
    bank.buy(family, "JPY", 100);
    assert!(bank.broken().iter().all(|rule| *rule == Rule::TradeOnExpiredRound), "{:?}", bank.alerts);
}

#[test]
fn days_that_were_paid_for_and_amounts_that_do_not_follow_are_told() {
    let seen = |payment| interest::InterestSeen {
        payment,
        here: (crate::bank::place(1, 9), hwan_domain::time::Timestamp::from_micros(0)),
    };
    let payment = |from: i32, through: i32| {
        seen(hwan_domain::interest::Payment {
            account: hwan_domain::id::AccountId::at(crate::bank::place(1, 3)),
            accrued: 547,
            from: BusinessDate::from_days(from),
            through: BusinessDate::from_days(through),
            gross: 547,
            income_tax: 70,
            local_tax: 0,
            net: 477,
        })
    };
    let paid = Some(BusinessDate::from_days(9));
    assert_eq!(interest::overlap(&payment(10, 10), paid), None);
    assert_eq!(interest::overlap(&payment(1, 2), None), None);
    assert!(interest::overlap(&payment(9, 10), paid).is_some());
    assert!(interest::overlap(&payment(11, 10), paid).is_some());
    assert_eq!(interest::off_formula(&payment(1, 1), Some(547)), None);
    assert!(interest::off_formula(&payment(1, 1), Some(548)).is_some());
}
