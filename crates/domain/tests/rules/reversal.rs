//! Reversals at the original numbers.

use hwan_domain::{
    account::{AccountKind, Moment},
    check::{Check, Direction},
    exchange::{Ask, Side},
    id::{AccountId, ExchangeId},
    limit::LimitPolicy,
    money::Money,
    record::{Event, Leg, Origin, Record},
    rejection::{Code, Violations},
    reversal::plan,
};

use crate::support::{FOREIGN_ACCOUNT, WON_ACCOUNT, account, codes, customer, fact, monday, money, place, terms};

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
    }
}

#[test]
fn a_reversal_takes_back_what_was_credited_and_gives_back_what_was_debited() {
    let (won, foreign) = (AccountId::at(place(WON_ACCOUNT)), AccountId::at(place(FOREIGN_ACCOUNT)));
    for (side, debit, credit) in [
        (Side::Buy, (foreign, "100.00 USD"), (won, "135050 KRW")),
        (Side::Sell, (won, "135050 KRW"), (foreign, "100.00 USD")),
    ] {
        let plan = plan(&exchanged(side).0, None, "wrong rate").unwrap();
        assert_eq!((plan.exchange, plan.side), (ExchangeId::at(place(7)), side));
        assert_eq!((plan.debit_account, plan.debit.amount), (debit.0, money(debit.1)));
        assert_eq!((plan.credit_account, plan.credit.amount), (credit.0, money(credit.1)));
        assert_eq!((plan.debit_customer, plan.credit_customer), (customer(), customer()));
        assert_eq!(plan.debit.won, 135_050, "the won value is the exchange's own, whatever the rate is now");
        assert_eq!((plan.credit.direction, plan.credit.cap), (Direction::CompensatingCredit, None));
        assert_eq!(&*plan.reason, "wrong rate");
    }
}

#[test]
fn only_an_exchange_is_reversed_and_only_once() {
    let (exchange, ..) = exchanged(Side::Buy);
    let refused = |record: &Record, reversed_by| plan(record, reversed_by, "").map(|_| ()).unwrap_err().code();
    assert_eq!(refused(&exchange, Some(place(9))), Code::AlreadyReversed);
    let leg = Leg {
        account: AccountId::at(place(WON_ACCOUNT)),
        customer: customer(),
        amount: money("5 KRW"),
        balance_after: money("5 KRW"),
        version: 1,
    };
    for event in [Event::Deposited { credit: leg }, Event::DateRolled { date: monday("10:00:00").seoul_date() }] {
        assert_eq!(refused(&record(8, event.clone()), None), Code::ExchangeNotFound);
        assert_eq!(refused(&record(8, event), Some(place(9))), Code::ExchangeNotFound);
    }
}

#[test]
fn a_reversal_restores_both_balances_and_its_credit_passes_blocks() {
    let policy = LimitPolicy::default();
    let now = monday("11:00:00");
    let moment = Moment { at: now, date: now.seoul_date(), policy: &policy };
    let (record, mut won, mut foreign) = exchanged(Side::Buy);
    let plan = plan(&record, None, "wrong rate").unwrap();
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
    let plan = plan(&record, None, "wrong rate").unwrap();
    foreign.post(Money::from_minor(-55_000, plan.debit.amount.currency()).unwrap()).unwrap();
    let mut violations = Violations::new();
    foreign.judge_debit(plan.debit, Moment { at: now, date: now.seoul_date(), policy: &policy }, &mut violations);
    assert_eq!(codes(violations), vec![Code::InsufficientBalance]);
}
