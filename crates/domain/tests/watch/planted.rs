//! Each rule finds what is planted for it. The list is by the enum: a rule without a plant does not compile.

use hwan_domain::{
    anomaly::{
        Alert, Rule, Severity, Sighting, SystemLane,
        standing::{self, LagSeen},
    },
    check::{Check, Fact},
    currency::Currency,
    exchange::Side,
    guard::Finding,
    id::{AccountId, LaneId},
    money::Money,
    record::{Event, Record},
    round::RoundStatus,
    time::BusinessDate,
};
use rust_decimal::Decimal;

use crate::bank::{Bank, change, legs_of, link, place, won};

/// A bank in which somebody has money.
fn bank() -> (Bank, crate::bank::Family) {
    let mut bank = Bank::open();
    let family = bank.rich_family(20_000_000);
    (bank, family)
}

/// An exchange that somebody tampered with.
fn tampered(code: &str, side: Side, by: impl FnOnce(&mut Event)) -> Bank {
    let (mut bank, family) = bank();
    bank.buy(family, code, 10_000);
    let record = bank.exchange(family, code, side, 3_333);
    bank.show(&change(record, by));
    bank
}

/// A deposit that somebody tampered with.
fn deposit_changed(by: impl FnOnce(&mut Record)) -> Bank {
    let (mut bank, family) = bank();
    let credit = bank.leg(family.won, won(1_000));
    let mut record = bank.record(1, Event::Deposited { credit });
    by(&mut record);
    bank.show(&record);
    bank
}

fn blocked(check: Check, posts: impl FnOnce(&mut Bank, crate::bank::Family)) -> Bank {
    let (mut bank, family) = bank();
    bank.fact(family, family.won, check, None);
    bank.pass(1);
    posts(&mut bank, family);
    bank
}

fn withdraw(bank: &mut Bank, family: crate::bank::Family) {
    let record = bank.withdrawal(family.won, won(1_000));
    bank.show(&record);
}

fn shift(leg: &mut hwan_domain::record::Leg, by: i64) {
    let moved = |money: Money| Money::from_minor(money.minor() + by, money.currency()).unwrap();
    (leg.amount, leg.balance_after) = (moved(leg.amount), moved(leg.balance_after));
}

fn lag() -> LagSeen {
    LagSeen { lane: LaneId::FIRST, records: 0, since: None, stopped: None, dead_letters: 0 }
}

/// What is found once this rule is broken, and which other rules the same plant breaks.
fn plant(rule: Rule) -> (Vec<Alert>, Vec<Rule>) {
    let told = |bank: Bank| (bank.alerts, Vec::new());
    let told_with = |bank: Bank, others: &[Rule]| (bank.alerts, others.to_vec());
    match rule {
        Rule::SequenceGap => {
            let (mut bank, family) = bank();
            let unseen = bank.record(1, Event::DateRolled { date: bank.date });
            drop(unseen);
            bank.buy(family, "USD", 100);
            told(bank)
        }
        Rule::TimeBack => {
            let (mut bank, family) = bank();
            bank.pass(-5);
            bank.buy(family, "USD", 100);
            told_with(bank, &[Rule::TradeOnExpiredRound])
        }
        Rule::DateBack => told(deposit_changed(|record| {
            record.business_date = BusinessDate::from_days(record.business_date.days() - 1);
        })),
        Rule::ChainBroken => {
            let (mut bank, family) = bank();
            let record = bank.exchange(family, "USD", Side::Buy, 100);
            let hash = link(record.position);
            bank.show_as(Sighting { record: &record, hash, computed: Some([1; 32]), epoch: None });
            told(bank)
        }
        Rule::TwoOwners => {
            let (mut bank, family) = bank();
            for epoch in [4, 3] {
                let record = bank.exchange(family, "USD", Side::Buy, 100);
                let hash = link(record.position);
                bank.show_as(Sighting { record: &record, hash, computed: Some(hash), epoch: Some(epoch) });
            }
            told(bank)
        }
        Rule::EntryAfterClose => {
            let (mut bank, family) = bank();
            let (date, last) = (bank.date, bank.lane.order().seq);
            bank.lane.close(date, last, &mut bank.alerts);
            bank.buy(family, "USD", 100);
            told(bank)
        }
        Rule::CreditToClosedAccount => {
            let (mut bank, family) = bank();
            withdraw_all(&mut bank, family);
            bank.write(1, Event::AccountClosed { account: family.won, customer: family.customer });
            bank.deposit(family.won, won(5));
            told(bank)
        }
        Rule::CreditOnBlockedAccount => told(blocked(Check::FraudReported, |bank, family| {
            bank.deposit(family.won, won(5));
        })),
        Rule::DebitOnBlockedAccount => told(blocked(Check::PaymentStopped, withdraw)),
        Rule::NegativeBalance => {
            let (mut bank, family) = bank();
            let record = bank.withdrawal(family.won, won(20_000_001));
            bank.show(&record);
            told(bank)
        }
        Rule::BelowSeizure => {
            let (mut bank, family) = bank();
            bank.fact(family, family.won, Check::Seized, Some(won(19_999_500)));
            withdraw(&mut bank, family);
            told(bank)
        }
        Rule::BalanceOffEntries => told(deposit_changed(|record| {
            let leg = &mut *legs_of(&mut record.event).remove(0);
            leg.balance_after = won(leg.balance_after.minor() + 1);
        })),
        Rule::AccountVersionGap => told(deposit_changed(|record| legs_of(&mut record.event)[0].version += 1)),
        Rule::OrphanLeg => {
            told_with(deposit_changed(|record| legs_of(&mut record.event)[0].account = AccountId::at(place(1, 2))), &[])
        }
        Rule::CapExceeded => {
            let (mut bank, family) = bank();
            bank.buy(family, "VND", 91_743_200);
            told(bank)
        }
        Rule::ZeroLeg => told_with(
            deposit_changed(|record| legs_of(&mut record.event)[0].amount = won(0)),
            &[Rule::BalanceOffEntries, Rule::ControlOffSubledger],
        ),
        Rule::DoubleLeg => {
            let (mut bank, family) = bank();
            let (debit, credit) = (bank.leg(family.won, won(-7)), bank.leg(family.won, won(7)));
            bank.write(1, Event::Transferred { debit, credit, limited_won: None });
            told(bank)
        }
        Rule::UnbalancedJournal => {
            let (mut bank, family) = bank();
            let other = bank.family();
            let (debit, credit) = (bank.leg(family.won, won(-7)), bank.leg(other.won, won(8)));
            bank.write(1, Event::Transferred { debit, credit, limited_won: None });
            told(bank)
        }
        Rule::LegsOffTerms => {
            let (bank, _) = plant_legs(&[-1]);
            told_with(bank, &[Rule::ControlOffSubledger])
        }
        Rule::RoundingDrift => {
            // Three won too few, one by one: the third is more than rounding can be.
            let (bank, _) = plant_legs(&[1, 1, 1]);
            told_with(
                bank,
                &[Rule::LegsOffTerms, Rule::ControlOffSubledger, Rule::BalanceOffEntries, Rule::RoundTripGain],
            )
        }
        Rule::RoundTripGain => {
            let bank = tampered("USD", Side::Sell, |event| shift(legs_of(event)[1], 5));
            told_with(bank, &[Rule::LegsOffTerms, Rule::ControlOffSubledger, Rule::RoundingDrift])
        }
        Rule::ControlOffSubledger => told(deposit_changed(|record| record.totals[0].minor += 1)),
        Rule::TradeOnUnknownRound => {
            let mut bank = tampered("USD", Side::Buy, |event| {
                let Event::Exchanged { terms, .. } = event else { unreachable!() };
                terms.round.number = 77;
            });
            let now = bank.now.plus_seconds(61);
            let Bank { lane, rounds, policy, alerts, .. } = &mut bank;
            lane.look_again(rounds, now, SystemLane::CaughtUp, policy, alerts);
            told(bank)
        }
        Rule::TradeOnVoidedRound => {
            let (mut bank, family) = bank();
            let (round, currency) = (bank.round("USD", "1").id, bank.ccy("USD"));
            let round = hwan_domain::round::RoundId { number: round.number - 1, ..round };
            bank.write(0, Event::RoundVoided { round, currency, reason: "wrong".into() });
            bank.pass(10_000_001);
            bank.buy(family, "USD", 100);
            told_with(bank, &[Rule::TradeOnHaltedPair])
        }
        Rule::TradeOnExpiredRound => {
            let (mut bank, family) = bank();
            bank.pass(120_000_000);
            bank.buy(family, "USD", 100);
            told(bank)
        }
        Rule::TradeOnExpiredQuote => {
            let (mut bank, family) = bank();
            let made = bank.now;
            bank.pass(301_000_000);
            let record = bank.quoted(family, "USD", 100, made);
            bank.show(&record);
            told(bank)
        }
        Rule::TradeOnHaltedPair => {
            let (mut bank, family) = bank();
            let currency = bank.ccy("USD");
            bank.write(0, Event::PairHalted { currency, reason: "looks odd".into() });
            bank.pass(10_000_001);
            bank.buy(family, "USD", 100);
            told(bank)
        }
        Rule::TermsOffRound => {
            let (mut bank, family) = bank();
            let real = bank.publish("USD", "1350.00");
            // The engine trades at the earlier numbers and calls them by the new round's name.
            let mut other = Bank::open();
            let record = {
                let Event::Exchanged { terms, .. } = other_exchange(&mut other).event else { unreachable!() };
                change(bank.exchange(family, "USD", Side::Buy, 100), |event| {
                    let Event::Exchanged { terms: of, debit, .. } = event else { unreachable!() };
                    (of.mid, of.rate) = (terms.mid, terms.rate);
                    assert_eq!((of.round, debit.amount.minor()), (real, -1_350));
                    shift(debit, -1);
                })
            };
            bank.show(&record);
            told_with(bank, &[Rule::ControlOffSubledger])
        }
        Rule::RoundOutsideBand => {
            let (mut bank, _) = bank();
            bank.publish("JPY", "472.23");
            told(bank)
        }
        Rule::RoundRefused => {
            let (mut bank, _) = bank();
            let mut round = bank.round("JPY", "472.23");
            round.status = RoundStatus::Halted;
            bank.write(0, Event::RoundPublished { round, findings: vec![Finding::Unit] });
            let currency = bank.ccy("USD");
            let mid = Decimal::ZERO;
            bank.write(0, Event::RoundRefused { currency, mid, findings: vec![Finding::Sign] });
            told(bank)
        }
        Rule::DoubleCompensation => {
            let (mut bank, family) = bank();
            bank.buy(family, "USD", 500);
            let record = bank.buy(family, "USD", 100);
            for _ in 0..2 {
                let back = bank.reversal(&record, false);
                bank.show(&back);
            }
            told(bank)
        }
        Rule::LateCompensation => {
            let (mut bank, family) = bank();
            let record = bank.buy(family, "USD", 100);
            (0..8).for_each(|_| bank.roll());
            let back = bank.reversal(&record, false);
            bank.show(&back);
            told(bank)
        }
        Rule::KeyReused => {
            let (mut bank, family) = bank();
            let first = bank.deposit(family.won, won(5));
            let credit = bank.leg(family.won, won(6));
            let mut second = bank.record(1, Event::Deposited { credit });
            second.origin.key.as_mut().unwrap().digest = first.origin.key.unwrap().digest;
            bank.show(&second);
            told(bank)
        }
        Rule::QuoteReused => {
            let (mut bank, family) = bank();
            let made = bank.now;
            let first = bank.quoted(family, "USD", 100, made);
            bank.show(&first);
            let Event::Exchanged { quote: used, .. } = first.event else { unreachable!() };
            let second = change(bank.quoted(family, "USD", 100, made), |event| {
                let Event::Exchanged { quote, .. } = event else { unreachable!() };
                *quote = used;
            });
            bank.show(&second);
            told(bank)
        }
        Rule::LimitExceeded => {
            let (mut bank, family) = bank();
            bank.buy(family, "USD", 400_000);
            bank.buy(family, "USD", 350_000);
            told(bank)
        }
        Rule::Velocity => {
            let (mut bank, family) = bank();
            bank.policy.exchanges_per_minute_max = 10;
            (0..15).for_each(|_| drop(bank.buy(family, "USD", 100)));
            told(bank)
        }
        Rule::Structuring => {
            let (mut bank, family) = bank();
            bank.policy.structuring_won = 1_000_000;
            (0..3).for_each(|_| drop(bank.buy(family, "USD", 70_000)));
            told(bank)
        }
        Rule::InterestOverlap => {
            let (mut bank, family) = bank();
            let day = BusinessDate::from_days(bank.date.days() - 1);
            bank.pay_interest(family, day);
            assert!(bank.alerts.is_empty(), "{:?}", bank.alerts);
            // The next payment is for the same day once more.
            bank.pay_interest(family, day);
            told(bank)
        }
        Rule::InterestOffFormula => {
            let (mut bank, family) = bank();
            let day = BusinessDate::from_days(bank.date.days() - 1);
            let honest = bank.interest(family, day);
            let lie = change(honest, |event| {
                let Event::InterestPaid { gross, accruals, .. } = event else { return };
                // More than a day's closing comes to.
                accruals[0].closings_minor -= 10_000_000;
                assert!(!gross.is_zero());
            });
            bank.show(&lie);
            told(bank)
        }
        Rule::SagaLate | Rule::SagaStuck | Rule::AgedSuspense => {
            let (mut bank, family) = bank();
            let record = bank.buy(family, "USD", 100);
            let back = bank.reversal(&record, true);
            bank.show(&back);
            let seconds = match rule {
                Rule::SagaLate => 60,
                Rule::SagaStuck => 600,
                _ => 24 * 3_600,
            };
            let now = bank.now.plus_seconds(seconds);
            let Bank { lane, rounds, policy, alerts, .. } = &mut bank;
            lane.look_again(rounds, now, SystemLane::CaughtUp, policy, alerts);
            told_with(bank, if rule == Rule::AgedSuspense { &[Rule::SagaStuck] } else { &[] })
        }
        Rule::OutboxLag => {
            let (bank, _) = bank();
            let lag = LagSeen { records: 3, since: Some(bank.now), ..lag() };
            (standing::lag(&lag, bank.now.plus_seconds(61), &bank.policy).into_iter().collect(), Vec::new())
        }
        Rule::BooksStopped => {
            let (bank, _) = bank();
            let lag = LagSeen { stopped: Some("a gap".into()), ..lag() };
            (standing::stopped(&lag, bank.now).into_iter().collect(), Vec::new())
        }
        Rule::DeadLetters => {
            let (bank, _) = bank();
            let lag = LagSeen { dead_letters: 2, ..lag() };
            (standing::dead_letters(&lag, bank.now).into_iter().collect(), Vec::new())
        }
    }
}

fn withdraw_all(bank: &mut Bank, family: crate::bank::Family) {
    let held = bank.held(family.won, Currency::KRW);
    let record = bank.withdrawal(family.won, won(held));
    bank.show(&record);
}

fn other_exchange(bank: &mut Bank) -> Record {
    let family = bank.rich_family(1_000_000);
    bank.exchange(family, "USD", Side::Buy, 100)
}

/// Buys whose won leg somebody changed.
fn plant_legs(by: &[i64]) -> (Bank, crate::bank::Family) {
    let (mut bank, family) = bank();
    for by in by {
        let record = bank.exchange(family, "USD", Side::Buy, 100);
        bank.show(&change(record, |event| shift(legs_of(event)[0], *by)));
    }
    (bank, family)
}

#[test]
fn each_rule_finds_what_is_planted_for_it_and_no_other_does() {
    for rule in Rule::ALL.iter().copied() {
        let (alerts, companions) = plant(rule);
        let found: Vec<&Alert> = alerts.iter().filter(|alert| alert.rule == rule).collect();
        assert!(!found.is_empty(), "{rule} found nothing: {alerts:?}");
        let others: Vec<&Alert> =
            alerts.iter().filter(|alert| alert.rule != rule && !companions.contains(&alert.rule)).collect();
        assert!(others.is_empty(), "the plant of {rule} raised {others:?}");
        for alert in found {
            assert!(!alert.evidence.expected.is_empty() && !alert.evidence.found.is_empty(), "{alert:?}");
            assert!(alert.id().len() <= hwan_domain::anomaly::alert::ALERT_ID_LEN_MAX, "{}", alert.id());
            assert!(alert.severity() >= Severity::Info);
        }
    }
}

#[test]
fn the_same_records_make_the_same_alerts() {
    for rule in Rule::ALL.iter().copied() {
        let ids = |alerts: Vec<Alert>| alerts.iter().map(Alert::id).collect::<Vec<_>>();
        assert_eq!(ids(plant(rule).0), ids(plant(rule).0));
    }
}

#[test]
fn a_fact_of_the_customer_blocks_all_accounts() {
    let (mut bank, family) = bank();
    let fact = Fact { check: Check::Deceased, effective_from: bank.now, effective_to: None, amount: None };
    bank.write(1, Event::CustomerFactStated { customer: family.customer, fact });
    bank.buy(family, "USD", 100);
    assert_eq!(bank.broken(), [Rule::DebitOnBlockedAccount]);
}

#[test]
fn a_limited_account_is_judged_by_its_daily_cap() {
    let (mut bank, family) = bank();
    let record = change(bank.withdrawal(family.won, won(10)), |event| {
        let Event::Withdrawn { limited_won, .. } = event else { unreachable!() };
        *limited_won = Some(1_000_001);
    });
    bank.show(&record);
    assert_eq!(bank.broken(), [Rule::LimitExceeded]);
}
