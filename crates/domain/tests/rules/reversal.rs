//! Reversals at the original numbers.

use hwan_domain::{
    account::{AccountKind, Moment},
    check::{Check, Direction},
    exchange::{Ask, Side},
    id::{AccountId, ExchangeId},
    invariant::{Breach, balanced, reverses},
    limit::{Charge, LimitPolicy, LimitUse},
    money::Money,
    record::{Event, KeyDigest, Landing, Leg, Origin, Record},
    rejection::{Code, Violations},
    reversal::{plan, reversed_before},
    time::Timestamp,
};
use smallvec::SmallVec;

use crate::support::{FOREIGN_ACCOUNT, WON_ACCOUNT, account, at, codes, customer, fact, monday, money, place, terms};

/// The record of an exchange of 100.00 USD at 1350.50, and the books after it.
fn exchanged(side: Side) -> (Record, hwan_domain::account::AccountBook, hwan_domain::account::AccountBook) {
    let terms = terms("USD", "1350.50", side);
    let priced = terms.price(Ask::Foreign(money("100.00 USD"))).unwrap();
    let mut won = account(AccountKind::Won, &["1000000 KRW"], &[]);
    let mut foreign = account(AccountKind::Foreign, &["500.00 USD"], &[]);
    let (debit, credit) = match side {
        Side::Buy => (won.post(priced.won.negated()).unwrap(), foreign.post(priced.foreign).unwrap()),
        Side::Sell => (foreign.post(priced.foreign.negated()).unwrap(), won.post(priced.won).unwrap()),
    };
    let event = Event::Exchanged { terms, quote: None, debit, credit, limits: None, limited_won: None };
    (record(7, event), won, foreign)
}

fn record(seq: u64, event: Event) -> Record {
    Record {
        position: place(seq),
        at: monday("10:00:00"),
        business_date: monday("10:00:00").seoul_date(),
        origin: Origin { caller: "test".into(), key: None },
        event,
        totals: SmallVec::new(),
    }
}

#[test]
fn a_reversal_takes_back_what_was_credited_and_gives_back_what_was_debited() {
    let (won, foreign) = (AccountId::at(place(WON_ACCOUNT)), AccountId::at(place(FOREIGN_ACCOUNT)));
    for (side, debit, credit) in [
        (Side::Buy, (foreign, "100.00 USD"), (won, "135050 KRW")),
        (Side::Sell, (won, "135050 KRW"), (foreign, "100.00 USD")),
    ] {
        let plan = plan(&exchanged(side).0).unwrap();
        assert_eq!((plan.exchange, plan.terms.side), (ExchangeId::at(place(7)), side));
        assert_eq!((plan.debit_account, plan.debit.amount), (debit.0, money(debit.1)));
        assert_eq!((plan.credit_account, plan.credit.amount), (credit.0, money(credit.1)));
        assert_eq!(plan.customer, customer());
        assert_eq!(plan.debit.won, 135_050, "the won value is the exchange's own, whatever the rate is now");
        assert_eq!((plan.credit.direction, plan.credit.cap), (Direction::CompensatingCredit, None));
    }
}

#[test]
fn only_an_exchange_is_reversed() {
    let leg = Leg {
        account: AccountId::at(place(WON_ACCOUNT)),
        customer: customer(),
        amount: money("5 KRW"),
        balance_after: money("5 KRW"),
        version: 1,
    };
    for event in [Event::Deposited { credit: leg }, Event::DateRolled { date: monday("10:00:00").seoul_date() }] {
        assert_eq!(plan(&record(8, event)).map(|_| ()).unwrap_err().code(), Code::ExchangeNotFound);
    }
}

#[test]
fn what_was_reversed_before_names_its_reversal() {
    let violation = reversed_before(ExchangeId::at(place(7)), place(9));
    assert_eq!(violation.code, Code::AlreadyReversed);
    assert_eq!(violation.detail, "exg_0008000000007 was reversed before, by rev_0008000000009");
}

#[test]
fn a_purchase_was_charged_and_a_sale_was_not() {
    let (mut bought, ..) = exchanged(Side::Buy);
    if let Event::Exchanged { limits, .. } = &mut bought.event {
        *limits = Some(LimitUse::default().charged(135_050, bought.at));
    }
    assert_eq!(plan(&bought).unwrap().charge, Some(Charge { at: bought.at, won: 135_050 }));
    assert_eq!(plan(&exchanged(Side::Sell).0).unwrap().charge, None);
}

/// The reversal of an exchange as a record, landing on the account or in suspense.
fn reversed(of: &Record, to_suspense: bool) -> Record {
    let plan = plan(of).unwrap();
    let leg = |account, amount| Leg { account, customer: plan.customer, amount, balance_after: amount, version: 9 };
    let landing = match to_suspense {
        true => Landing::Suspense(plan.credit.amount),
        false => Landing::Account(leg(plan.credit_account, plan.credit.amount)),
    };
    let debit = leg(plan.debit_account, plan.debit.amount.negated());
    let (exchange, terms, reason) = (plan.exchange, plan.terms, "wrong rate".into());
    record(9, Event::Reversed { exchange, reason, terms, debit, landing, limits: None, limited_won: None })
}

#[test]
fn a_reversal_balances_with_money_in_suspense_too_and_with_no_other_amount() {
    for side in [Side::Buy, Side::Sell] {
        let (exchange, ..) = exchanged(side);
        for to_suspense in [false, true] {
            let good = reversed(&exchange, to_suspense);
            assert_eq!(balanced(&good), Ok(()), "{side:?}");
            assert_eq!(reverses(&good.event, &exchange), Ok(()));
            assert_eq!(good.event.legs().count(), if to_suspense { 1 } else { 2 });
            assert_eq!(good.event.customer(), Some(customer()));

            let mut less = good.clone();
            if let Event::Reversed { debit, .. } = &mut less.event {
                debit.amount = Money::from_minor(debit.amount.minor() + 1, debit.amount.currency()).unwrap();
            }
            assert!(matches!(reverses(&less.event, &exchange), Err(Breach::NotItsReversal { .. })));
            assert!(matches!(balanced(&less), Err(Breach::LegsAgainstTerms { .. })), "{side:?}");

            let mut nothing = good.clone();
            if let Event::Reversed { landing, .. } = &mut nothing.event {
                *landing = Landing::Suspense(Money::zero(landing.amount().currency()));
            }
            assert!(matches!(balanced(&nothing), Err(Breach::WrongWay { .. })));
        }
    }
}

#[test]
fn a_reversal_is_of_its_own_exchange_and_of_its_own_accounts() {
    let (exchange, ..) = exchanged(Side::Buy);
    let other = Record { position: place(8), ..exchange.clone() };
    assert!(reverses(&reversed(&exchange, false).event, &other).is_err());
    let mut astray = reversed(&exchange, false);
    if let Event::Reversed { landing: Landing::Account(leg), .. } = &mut astray.event {
        leg.account = AccountId::at(place(99));
    }
    assert!(reverses(&astray.event, &exchange).is_err());
    assert_eq!(reverses(&exchange.event, &exchange), Ok(()), "what is no reversal is nobody's");
}

#[test]
fn a_reversed_exchange_stands_among_the_keys_apart_from_quotes() {
    let (exchange, ..) = exchanged(Side::Buy);
    let digest = KeyDigest::of_reversal(ExchangeId::at(place(7)));
    assert_eq!(&digest.0[..8], b"reversal");
    assert_eq!(reversed(&exchange, true).used_once(), Some(digest));
    assert_ne!(digest, KeyDigest::of_reversal(ExchangeId::at(place(8))));
    // The quote that reads the same would have been made millennia from now.
    let made_at = Timestamp::from_micros(i64::try_from(u128::from_be_bytes(digest.0) >> 80).unwrap() * 1_000);
    assert!(made_at > at("5900-01-01T00:00:00Z"), "{made_at}");
}

#[test]
fn a_reversal_restores_both_balances_and_its_credit_passes_blocks() {
    let policy = LimitPolicy::default();
    let now = monday("11:00:00");
    let moment = Moment { at: now, date: now.seoul_date(), policy: &policy };
    let (record, mut won, mut foreign) = exchanged(Side::Buy);
    let plan = plan(&record).unwrap();
    for check in [Check::Dormant, Check::FraudReported, Check::PaymentStopped, Check::Suspended] {
        won.state_fact(fact(check), now);
    }
    let mut violations = Violations::new();
    foreign.judge_debit(plan.debit, moment, &mut violations);
    won.judge_credit(plan.credit, moment, &mut violations);
    assert_eq!(codes(violations), vec![]);
    foreign.post(plan.debit.amount.negated()).unwrap();
    won.post(plan.credit.amount).unwrap();
    assert_eq!(won.state().booked(plan.credit.amount.currency()), money("1000000 KRW"));
    assert_eq!(foreign.state().booked(plan.debit.amount.currency()), money("500.00 USD"));

    won.state_fact(fact(Check::AccountClosed), now);
    let mut violations = Violations::new();
    won.judge_credit(plan.credit, moment, &mut violations);
    assert_eq!(codes(violations), vec![Code::AccountClosed], "into a closed account goes nothing: suspense takes it");
}

#[test]
fn what_was_spent_in_the_meantime_is_missing() {
    let policy = LimitPolicy::default();
    let now = monday("11:00:00");
    let (record, _, mut foreign) = exchanged(Side::Buy);
    let plan = plan(&record).unwrap();
    foreign.post(Money::from_minor(-55_000, plan.debit.amount.currency()).unwrap()).unwrap();
    let mut violations = Violations::new();
    foreign.judge_debit(plan.debit, Moment { at: now, date: now.seoul_date(), policy: &policy }, &mut violations);
    assert_eq!(codes(violations), vec![Code::InsufficientBalance]);
}
