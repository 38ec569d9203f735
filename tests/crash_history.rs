//! The judge of histories finds what the crash tests must never see: each bad history here is a good one with one
//! planted lie.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{collections::BTreeMap, io::ErrorKind, time::Duration};

use common::history::{
    AccountSeen, Acknowledgement, Asked, AtQuote, Effect, Ended, Fault, Observed, Recorded, Standing, judge,
};
use hwan_client::{Money, Posting};

const WON: &str = "acc_won";
const USD: &str = "acc_usd";

fn posting(account: &str, currency: &str, amount: i128, after: i128, version: u64) -> Posting {
    let money = |minor: i128| {
        let sign = if minor < 0 { "-" } else { "" };
        let digits = minor.unsigned_abs();
        let text =
            if currency == "KRW" { format!("{digits}") } else { format!("{}.{:02}", digits / 100, digits % 100) };
        Money::new(format!("{sign}{text}"), currency)
    };
    Posting { account_id: account.into(), amount: money(amount), balance_after: money(after), version }
}

fn acknowledged(id: &str, replayed: bool, postings: Vec<Posting>) -> Ended {
    let effect = Effect { id: id.into(), postings };
    Ended::Acknowledged(Acknowledgement { replayed, body: format!("body of {id}").into_bytes(), effect })
}

fn again(ended: &Ended) -> Ended {
    let Ended::Acknowledged(answer) = ended else { panic!("only an acknowledgement is repeated") };
    Ended::Acknowledged(Acknowledgement { replayed: true, ..answer.clone() })
}

fn unanswered() -> Ended {
    Ended::Unanswered { how: ErrorKind::ConnectionReset, waited: Duration::from_millis(1) }
}

fn refused(retryable: bool) -> Ended {
    Ended::Refused { status: 422, code: "insufficient_balance".into(), retryable }
}

fn asked(account: &str, currency: &'static str, minor: i128) -> Asked {
    Asked { account: account.into(), currency, minor }
}

fn recorded(key: &str, asked: Asked, attempts: Vec<Ended>) -> Recorded {
    Recorded { key: key.into(), path: "/v1/exchanges", request: vec![], asked: vec![asked], quote: None, attempts }
}

/// A deposit; a buy, acknowledged and retried; a sell whose answer was lost and which is found to have happened; a
/// sell whose answer was lost and which had not happened; a refusal.
fn good() -> (Vec<Recorded>, Observed) {
    let deposit = acknowledged("txn_1", false, vec![posting(WON, "KRW", 10_000, 10_000, 1)]);
    let buy =
        acknowledged("exg_2", false, vec![posting(WON, "KRW", -1_351, 8_649, 2), posting(USD, "USD", 100, 100, 1)]);
    let sell = acknowledged("exg_3", true, vec![posting(USD, "USD", -50, 50, 2), posting(WON, "KRW", 675, 9_324, 3)]);
    let late = acknowledged("exg_4", false, vec![posting(USD, "USD", -50, 0, 3), posting(WON, "KRW", 675, 9_999, 4)]);
    let history = vec![
        recorded("k1", asked(WON, "KRW", 10_000), vec![deposit.clone()]),
        recorded("k2", asked(USD, "USD", 100), vec![buy.clone(), again(&buy)]),
        recorded("k3", asked(USD, "USD", -50), vec![unanswered(), sell.clone(), again(&sell)]),
        recorded("k4", asked(USD, "USD", -50), vec![unanswered(), refused(true), late.clone(), again(&late)]),
        recorded("k5", asked(USD, "USD", -50), vec![refused(false)]),
        recorded("k6", asked(USD, "USD", -50), vec![Ended::NotSent]),
    ];
    let read_back =
        ["txn_1", "exg_2", "exg_3", "exg_4"].map(|id| (id.to_owned(), Some(format!("body of {id}").into_bytes())));
    let account = |version, currency: &str, booked| AccountSeen {
        version,
        booked: BTreeMap::from([(currency.to_owned(), booked)]),
    };
    let observed = Observed {
        opened: BTreeMap::from([(WON.into(), AccountSeen::default()), (USD.into(), AccountSeen::default())]),
        accounts: BTreeMap::from([(WON.into(), account(4, "KRW", 9_999)), (USD.into(), account(3, "USD", 0))]),
        read_back: BTreeMap::from(read_back),
    };
    (history, observed)
}

/// The faults of the good history after a lie was planted.
fn faults(lie: impl FnOnce(&mut Vec<Recorded>, &mut Observed)) -> Vec<Fault> {
    let (mut history, mut observed) = good();
    lie(&mut history, &mut observed);
    judge(&history, &observed)
}

fn answer_of(ended: &mut Ended) -> &mut Acknowledgement {
    let Ended::Acknowledged(answer) = ended else { panic!("not an acknowledgement") };
    answer
}

#[test]
fn a_good_history_has_no_fault() {
    assert_eq!(faults(|_, _| ()), []);
}

#[test]
fn an_acknowledged_exchange_that_cannot_be_read_is_lost() {
    let found = faults(|_, observed| drop(observed.read_back.insert("exg_2".into(), None)));
    assert_eq!(found, [Fault::Lost { key: "k2".into(), id: "exg_2".into() }]);
}

#[test]
fn an_exchange_that_reads_differently_is_found() {
    let found = faults(|_, observed| drop(observed.read_back.insert("exg_2".into(), Some(b"other".to_vec()))));
    assert_eq!(found, [Fault::ReadsDifferently { key: "k2".into(), id: "exg_2".into() }]);
}

#[test]
fn an_acknowledged_exchange_without_its_effect_on_balances_is_found() {
    let found = faults(|_, observed| {
        let usd = observed.accounts.get_mut(USD).unwrap();
        usd.version = 2;
        usd.booked.insert("USD".into(), 50);
    });
    assert_eq!(
        found,
        [
            Fault::WrongVersion { account: USD.into(), expected: 3, found: 2 },
            Fault::WrongBalance { account: USD.into(), currency: "USD".into(), expected: 0, found: 50 },
        ]
    );
}

#[test]
fn an_exchange_that_took_effect_twice_is_found_at_the_end_of_the_chain_and_within_it() {
    let at_the_end = faults(|_, observed| {
        let won = observed.accounts.get_mut(WON).unwrap();
        won.version = 5;
        won.booked.insert("KRW".into(), 10_674);
    });
    assert_eq!(at_the_end.len(), 2, "{at_the_end:?}");
    // Nobody was ever told of version 3: the sell happened once before its key was executed again.
    let within = faults(|history, _| {
        for ended in &mut history[3].attempts[2..] {
            for posting in &mut answer_of(ended).effect.postings {
                posting.version += 1;
            }
        }
    });
    assert!(within.iter().any(|fault| matches!(fault, Fault::BrokenChain { version: 4, .. })), "{within:?}");
}

#[test]
fn two_keys_with_one_effect_are_found() {
    let found = faults(|history, _| {
        let mut twin = history[1].clone();
        twin.key = "k7".into();
        history.push(twin);
    });
    assert_eq!(found, [Fault::SharedEffect { id: "exg_2".into(), keys: ("k2".into(), "k7".into()) }]);
}

#[test]
fn an_answer_that_changes_is_found() {
    let found = faults(|history, _| answer_of(&mut history[1].attempts[1]).body.push(b' '));
    assert_eq!(found, [Fault::AnswerChanged { key: "k2".into() }]);
}

#[test]
fn a_replay_that_is_not_marked_and_a_mark_without_a_replay_are_found() {
    let unmarked = faults(|history, _| answer_of(&mut history[1].attempts[1]).replayed = false);
    assert_eq!(unmarked, [Fault::NotMarkedAsReplay { key: "k2".into() }]);
    let marked = faults(|history, _| answer_of(&mut history[0].attempts[0]).replayed = true);
    assert_eq!(marked, [Fault::ReplayOfNothing { key: "k1".into() }]);
}

#[test]
fn an_acknowledged_exchange_that_is_refused_later_is_found() {
    let found = faults(|history, _| history[1].attempts.push(refused(false)));
    assert_eq!(found, [Fault::TakenBack { key: "k2".into(), code: "insufficient_balance".into() }]);
}

#[test]
fn an_outcome_that_is_still_unknown_is_a_fault_of_the_history() {
    for last in [unanswered(), refused(true)] {
        let found = faults(|history, _| history[4].attempts = vec![last]);
        assert_eq!(found, [Fault::Unresolved { key: "k5".into() }]);
    }
}

#[test]
fn an_effect_other_than_asked_for_is_found() {
    let found = faults(|history, _| history[1].asked = vec![asked(USD, "USD", -100)]);
    assert_eq!(found, [Fault::WrongEffect { key: "k2".into(), asked: asked(USD, "USD", -100) }]);
}

#[test]
fn an_effect_on_an_account_other_than_asked_for_is_found() {
    let found = faults(|history, _| history[1].asked.push(asked("acc_other", "KRW", -1_351)));
    assert_eq!(found, [Fault::WrongEffect { key: "k2".into(), asked: asked("acc_other", "KRW", -1_351) }]);
}

fn at_quote(standing: Standing) -> Option<AtQuote> {
    Some(AtQuote { id: "qte_1".into(), standing })
}

fn quote_used() -> Ended {
    Ended::Refused { status: 422, code: "quote_used".into(), retryable: false }
}

#[test]
fn a_used_quote_that_is_refused_as_used_has_no_fault() {
    let found = faults(|history, _| {
        history[1].quote = at_quote(Standing::Open);
        history[4].quote = at_quote(Standing::Used);
        history[4].attempts = vec![unanswered(), quote_used(), quote_used()];
    });
    assert_eq!(found, []);
}

#[test]
fn a_quote_that_trades_under_two_keys_is_found() {
    for second in [Standing::Open, Standing::Used] {
        let found = faults(|history, _| {
            history[1].quote = at_quote(Standing::Open);
            history[2].quote = at_quote(second);
        });
        let keys = ("k2".into(), "k3".into());
        assert_eq!(found, [Fault::QuoteTradedTwice { quote: "qte_1".into(), keys }]);
    }
}

#[test]
fn a_used_quote_that_is_refused_as_something_else_is_found() {
    let found = faults(|history, _| history[4].quote = at_quote(Standing::Used));
    assert_eq!(found, [Fault::UsedQuoteNotTold { key: "k5".into(), code: "insufficient_balance".into() }]);
}

#[test]
fn a_chain_that_does_not_add_up_is_found() {
    let found = faults(|history, _| {
        for ended in &mut history[1].attempts {
            answer_of(ended).effect.postings[0].balance_after = Money::new("8650", "KRW");
        }
    });
    assert_eq!(found.len(), 2, "at that posting and at the next: {found:?}");
    assert!(found.iter().all(|fault| matches!(fault, Fault::BrokenChain { .. })), "{found:?}");
}

#[test]
fn a_posting_to_an_account_that_nobody_reads_is_found() {
    let found = faults(|_, observed| drop(observed.accounts.remove(USD)));
    assert!(matches!(found.as_slice(), [Fault::BrokenChain { .. }]), "{found:?}");
}

#[test]
fn a_balance_that_nobody_asked_for_is_found() {
    let found = faults(|_, observed| {
        observed.accounts.get_mut(USD).unwrap().booked.insert("JPY".into(), 1);
    });
    assert_eq!(found, [Fault::WrongBalance { account: USD.into(), currency: "JPY".into(), expected: 0, found: 1 }]);
}
