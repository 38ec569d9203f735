//! An account at work: any sequence of reserving, announcing, posting and releasing keeps what must always hold.

use std::collections::HashMap;

use hwan_domain::{
    account::{AccountBook, AccountKind, Credit, Debit, Moment},
    check::{Check, Direction, Fact},
    invariant::{self, Breach},
    limit::LimitPolicy,
    money::Money,
    rejection::{Code, Violations},
    time::Timestamp,
};
use proptest::prelude::*;

use crate::support::{account, ccy, codes, fact, monday, money};

const POLICY: LimitPolicy =
    LimitPolicy { daily_won: 10_000_000, monthly_won: 100_000_000, limited_account_daily_won: 1_000_000 };

fn moment() -> Moment<'static> {
    let at = monday("10:00:00");
    Moment { at, date: at.seoul_date(), policy: &POLICY }
}

fn judge_debit(book: &AccountBook, amount: Money) -> Vec<Code> {
    let mut violations = Violations::new();
    book.judge_debit(Debit { amount, won: amount.minor() }, moment(), &mut violations);
    codes(violations)
}

fn judge_credit(book: &AccountBook, amount: Money) -> Vec<Code> {
    let mut violations = Violations::new();
    book.judge_credit(Credit { amount, direction: Direction::Credit, cap: None }, moment(), &mut violations);
    codes(violations)
}

#[test]
fn a_reserve_shrinks_what_is_available_and_nothing_else() {
    let mut book = account(AccountKind::Won, &["135050 KRW"], &[]);
    let won = ccy("KRW");
    assert_eq!(judge_debit(&book, money("135051 KRW")), vec![Code::InsufficientBalance]);
    assert_eq!(judge_debit(&book, money("135050 KRW")), vec![]);
    book.reserve(money("135050 KRW")).unwrap();
    assert_eq!(book.available(won, moment().at), money("0 KRW"));
    assert_eq!((book.state().booked(won), book.version()), (money("135050 KRW"), 1));
    assert_eq!(judge_debit(&book, money("1 KRW")), vec![Code::InsufficientBalance]);
    assert!(matches!(book.reserve(money("1 KRW")), Err(Breach::ReserveOpen { .. })));
    book.release();
    assert_eq!(book.available(won, moment().at), money("135050 KRW"));
    assert!(book.at_rest());
}

#[test]
fn nothing_and_less_than_nothing_cannot_be_moved() {
    let book = account(AccountKind::Won, &["100 KRW"], &[fact(Check::Dormant)]);
    for amount in ["0 KRW", "-1 KRW", "-100 KRW"] {
        assert_eq!(judge_debit(&book, money(amount)), vec![Code::Dormant, Code::AmountTooSmall], "{amount}");
        assert_eq!(judge_credit(&book, money(amount)), vec![Code::Dormant, Code::AmountTooSmall], "{amount}");
    }
}

#[test]
fn a_posting_below_zero_or_beyond_the_range_breaks_an_invariant_and_changes_nothing() {
    let mut book = account(AccountKind::Won, &["100 KRW"], &[]);
    let before = book.state().clone();
    assert!(matches!(book.post(money("-101 KRW")), Err(Breach::NegativeBalance { .. })));
    assert!(matches!(book.post(money("100000000000000000 KRW")), Err(Breach::BalanceOverflow { .. })));
    assert_eq!((book.state(), book.version()), (&before, 1));
}

#[test]
fn versions_count_the_postings_of_an_account_over_all_its_currencies() {
    let mut book = account(AccountKind::Foreign, &["5.00 USD", "700 JPY"], &[]);
    let leg = book.post(money("-1.00 USD")).unwrap();
    assert_eq!((leg.version, leg.balance_after), (3, money("4.00 USD")));
    assert_eq!(AccountBook::new(book.state().clone()).version(), 3, "the version survives a restart");
    assert_eq!(book.state().booked(ccy("EUR")), money("0.00 EUR"));
}

#[test]
fn one_of_two_equal_announcements_ends_alone() {
    let mut book = account(AccountKind::Won, &[], &[]);
    book.announce(money("5 KRW"));
    book.announce(money("5 KRW"));
    book.withdraw_announcement(money("5 KRW"));
    assert!(!book.at_rest());
    book.withdraw_announcement(money("6 KRW"));
    assert!(!book.at_rest(), "an announcement that was never made ends nothing");
    book.withdraw_announcement(money("5 KRW"));
    assert!(book.at_rest());
}

/// What may be done to an account.
#[derive(Clone, Debug)]
enum Step {
    Reserve(i64),
    PostReserve,
    Release,
    Announce(i64),
    PostAnnounced,
    Withdraw,
    Seize(i64),
    LiftSeizure,
}

fn step() -> impl Strategy<Value = (Step, bool)> {
    let step = prop_oneof![
        (1_i64..2_000).prop_map(Step::Reserve),
        Just(Step::PostReserve),
        Just(Step::Release),
        (1_i64..2_000).prop_map(Step::Announce),
        Just(Step::PostAnnounced),
        Just(Step::Withdraw),
        (1_i64..3_000).prop_map(Step::Seize),
        Just(Step::LiftSeizure),
    ];
    (step, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_sequence_of_steps_keeps_the_account_whole(steps in prop::collection::vec(step(), 1..80)) {
        let now = moment().at;
        let mut book = account(AccountKind::Foreign, &[], &[]);
        let mut balances: HashMap<&str, i64> = HashMap::from([("USD", 0), ("JPY", 0)]);
        let mut seized: HashMap<&str, i64> = HashMap::new();
        let mut reserve: Option<(&str, i64)> = None;
        let mut announced: Vec<(&str, i64)> = vec![];
        let mut version = 0;
        for (step, dollars) in steps {
            let code = if dollars { "USD" } else { "JPY" };
            let amount = |code: &str, minor| Money::from_minor(minor, ccy(code)).unwrap();
            let mut posted = None;
            match step {
                Step::Reserve(minor) => {
                    // Several debits never stand open at once: the next one waits.
                    if reserve.is_none() {
                        let left = balances[code] - minor;
                        let bound = seized.get(code).copied().unwrap_or(0);
                        let mut expected = vec![];
                        if bound > 0 && left < bound { expected.push(Code::Seized); }
                        if left < 0 { expected.push(Code::InsufficientBalance); }
                        let found = judge_debit(&book, amount(code, minor));
                        prop_assert_eq!(&found, &expected);
                        if found.is_empty() {
                            book.reserve(amount(code, minor)).unwrap();
                            reserve = Some((code, minor));
                        }
                    }
                }
                Step::PostReserve => {
                    if let Some((code, minor)) = reserve.take() {
                        book.release();
                        posted = Some((code, -minor));
                    }
                }
                Step::Release => {
                    book.release();
                    reserve = None;
                }
                Step::Announce(minor) => {
                    if judge_credit(&book, amount(code, minor)).is_empty() {
                        book.announce(amount(code, minor));
                        announced.push((code, minor));
                    }
                }
                Step::PostAnnounced => {
                    if let Some((code, minor)) = announced.pop() {
                        book.withdraw_announcement(amount(code, minor));
                        posted = Some((code, minor));
                    }
                }
                Step::Withdraw => {
                    if let Some((code, minor)) = announced.pop() {
                        book.withdraw_announcement(amount(code, minor));
                    }
                }
                Step::Seize(minor) => {
                    book.state_fact(Fact { amount: Some(amount(code, minor)), ..fact(Check::Seized) }, now);
                    seized.insert(code, minor);
                }
                Step::LiftSeizure => {
                    let lifted = Fact { amount: Some(amount(code, 1)), effective_to: Some(now), ..fact(Check::Seized) };
                    book.state_fact(lifted, now);
                    seized.remove(code);
                }
            }
            if let Some((code, minor)) = posted {
                let before = book.state().booked(ccy(code));
                let leg = book.post(amount(code, minor)).unwrap();
                prop_assert_eq!(invariant::continues(&leg, version, before), Ok(()));
                version += 1;
                *balances.get_mut(code).unwrap() += minor;
            }
            for (code, balance) in &balances {
                let booked = book.state().booked(ccy(code)).minor();
                let available = book.available(ccy(code), now).minor();
                let reserved = reserve.filter(|(reserved, _)| reserved == code).map_or(0, |(_, minor)| minor);
                prop_assert_eq!(booked, *balance);
                prop_assert!(booked >= 0);
                prop_assert_eq!(available, (booked - reserved - seized.get(code).copied().unwrap_or(0)).max(0));
            }
            prop_assert_eq!(book.version(), version);
            prop_assert_eq!(book.at_rest(), reserve.is_none() && announced.is_empty());
            prop_assert_eq!(AccountBook::new(book.state().clone()).version(), version);
        }
    }

    #[test]
    fn what_is_available_can_be_debited_and_one_more_cannot(held in 1_i64..10_000, reserved in 0_i64..10_000, seized in 0_i64..12_000) {
        let mut book = account(AccountKind::Won, &[&format!("{held} KRW")], &[]);
        if (1..=held).contains(&reserved) {
            book.reserve(Money::won(reserved).unwrap()).unwrap();
        }
        if seized > 0 {
            book.state_fact(Fact { amount: Some(Money::won(seized).unwrap()), ..fact(Check::Seized) }, Timestamp::from_micros(0));
        }
        let available = book.available(ccy("KRW"), moment().at);
        if !available.is_zero() {
            prop_assert_eq!(judge_debit(&book, available), vec![]);
        }
        prop_assert!(!judge_debit(&book, Money::won(available.minor() + 1).unwrap()).is_empty());
    }
}
