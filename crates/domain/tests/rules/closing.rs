//! Closing an account, its revision, and what of two accounts' violations is told.

use hwan_domain::{
    account::{AccountKind, Debit, Moment},
    check::{Check, Direction, FACTS_MAX, Fact},
    limit::LimitPolicy,
    rejection::{Code, Rejection, Violations},
    revision::{AccountRevision, REVISION_LEN_MAX},
    time::Timestamp,
};
use proptest::prelude::*;

use crate::support::{account, codes, fact, monday, money};

fn judged(book: &hwan_domain::account::AccountBook) -> Vec<Code> {
    let mut violations = Violations::new();
    book.judge_closing(monday("10:00:00"), &mut violations);
    codes(violations)
}

#[test]
fn an_account_is_closed_only_while_it_neither_holds_nor_awaits_money() {
    let (won, foreign) = (AccountKind::Won, AccountKind::Foreign);
    for (kind, balances, outcome) in [
        (won, vec![], vec![]),
        (won, vec!["5 KRW"], vec![Code::AccountNotEmpty]),
        (won, vec!["5 KRW", "-5 KRW"], vec![]),
        (foreign, vec!["0.01 USD"], vec![Code::AccountNotEmpty]),
        (foreign, vec!["0.01 USD", "5 JPY", "-0.01 USD"], vec![Code::AccountNotEmpty]),
        (foreign, vec!["0.01 USD", "5 JPY", "-0.01 USD", "-5 JPY"], vec![]),
    ] {
        assert_eq!(judged(&account(kind, &balances, &[])), outcome, "{balances:?}");
    }
    let mut awaits = account(won, &[], &[]);
    awaits.announce(money("5 KRW"));
    assert_eq!(judged(&awaits), vec![Code::AccountNotEmpty]);
    awaits.withdraw_announcement(money("5 KRW"));
    assert_eq!(judged(&awaits), vec![]);
    let mut reserved = account(won, &["5 KRW", "-5 KRW"], &[]);
    reserved.reserve(money("5 KRW")).unwrap();
    assert_eq!(judged(&reserved), vec![Code::AccountNotEmpty]);
}

#[test]
fn what_stands_against_an_account_does_not_keep_it_from_being_closed() {
    for check in [Check::Dormant, Check::Seized, Check::FraudReported, Check::Pledged] {
        assert_eq!(judged(&account(AccountKind::Won, &[], &[fact(check)])), vec![], "{check:?}");
    }
}

#[test]
fn a_closed_account_takes_nothing_from_that_instant_on_and_is_closed_once() {
    let mut book = account(AccountKind::Won, &[], &[]);
    let (before, now) = (monday("09:59:59.999999"), monday("10:00:00"));
    book.close(now);
    assert!(!book.state().is_closed(before) && book.state().is_closed(now) && book.state().is_closed(Timestamp::MAX));
    assert!(book.state().sends_to_suspense(now) && !book.state().sends_to_suspense(before));
    for direction in [Direction::Debit, Direction::Credit, Direction::CompensatingCredit] {
        let mut violations = Violations::new();
        book.judge_facts(direction, now, &mut violations);
        assert_eq!(codes(violations), vec![Code::AccountClosed], "{direction:?}");
    }
    assert_eq!(judged(&book), vec![Code::AccountClosed]);
}

#[test]
fn a_full_sheet_has_no_room_for_the_closing() {
    let mut book = account(AccountKind::Won, &[], &[]);
    for day in 0..i64::try_from(FACTS_MAX).unwrap() {
        let effective_from = monday("11:00:00").plus_seconds(day);
        let effective_to = Some(effective_from.plus_micros(1));
        book.state_fact(Fact { check: Check::Pledged, effective_from, effective_to, amount: None }, monday("09:00:00"));
    }
    assert_eq!(judged(&book), vec![Code::FactsFull]);
}

#[test]
fn a_change_is_refused_where_the_account_is_not_as_it_was_seen() {
    let mut book = account(AccountKind::Won, &["5 KRW"], &[]);
    let judged = |book: &hwan_domain::account::AccountBook, expected| {
        let mut violations = Violations::new();
        book.judge_revision(expected, &mut violations);
        codes(violations)
    };
    let seen = book.state().revision();
    assert_eq!((judged(&book, None), judged(&book, Some(seen))), (vec![], vec![]));
    book.post(money("1 KRW")).unwrap();
    assert_eq!(judged(&book, Some(seen)), vec![Code::VersionMismatch]);
    let seen = book.state().revision();
    book.state_fact(fact(Check::Dormant), monday("10:00:00"));
    assert_eq!(judged(&book, Some(seen)), vec![Code::VersionMismatch]);
    let seen = book.state().revision();
    book.reserve(money("2 KRW")).unwrap();
    assert_eq!(judged(&book, Some(seen)), vec![], "a reserve is no change of the account");
}

#[test]
fn a_revision_is_that_of_the_state_and_reads_back_from_its_text_only() {
    let empty = account(AccountKind::Won, &[], &[]).state().revision();
    assert_eq!(empty.to_string(), "0-cbf29ce484222325");
    let pledged = account(AccountKind::Won, &["5 KRW"], &[fact(Check::Pledged)]).state().revision();
    // By what stands in the journal: this text is the same in every version of the program.
    assert_eq!(pledged.to_string(), "1-101adeb694a4191d");
    let seized = |amount| Fact { amount: Some(money(amount)), ..fact(Check::Seized) };
    let revisions = [
        empty,
        pledged,
        account(AccountKind::Won, &["5 KRW"], &[]).state().revision(),
        account(AccountKind::Won, &[], &[fact(Check::Pledged)]).state().revision(),
        account(AccountKind::Won, &[], &[fact(Check::Seized)]).state().revision(),
        account(AccountKind::Won, &[], &[seized("5 KRW")]).state().revision(),
        account(AccountKind::Won, &[], &[seized("6 KRW")]).state().revision(),
    ];
    for (index, revision) in revisions.iter().enumerate() {
        assert_eq!(revision.to_string().parse(), Ok(*revision));
        assert!(!revisions[index + 1..].contains(revision), "{revision}");
    }
    for bad in [
        "",
        "1",
        "1-",
        "-cbf29ce484222325",
        "01-cbf29ce484222325",
        "+1-cbf29ce484222325",
        "1-CBF29CE484222325",
        "1-cbf29ce48422232",
        "1-cbf29ce4842223255",
        "1 -cbf29ce484222325",
        "18446744073709551616-cbf29ce484222325",
        "*",
    ] {
        assert!(bad.parse::<AccountRevision>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_of_revisions_panic(text in ".{0,60}") {
        if let Ok(revision) = text.parse::<AccountRevision>() {
            prop_assert_eq!(revision.to_string(), text);
        }
    }

    #[test]
    fn a_revision_s_text_is_short_and_visible(version in any::<u64>()) {
        let text = AccountRevision::of(version, &hwan_domain::check::FactSheet::default()).to_string();
        prop_assert!(text.len() <= REVISION_LEN_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()));
        prop_assert!(text.parse::<AccountRevision>().is_ok());
    }
}

#[test]
fn where_two_accounts_fail_the_same_check_both_are_named() {
    let (won, foreign) = (
        account(AccountKind::Won, &[], &[fact(Check::Dormant)]),
        account(AccountKind::Foreign, &[], &[fact(Check::Dormant)]),
    );
    let policy = LimitPolicy::default();
    let now = monday("10:00:00");
    let moment = Moment { at: now, date: now.seoul_date(), policy: &policy };
    let mut violations = Violations::new();
    won.judge_debit(Debit { amount: money("5 KRW"), won: 5 }, moment, &mut violations);
    foreign.judge_facts(Direction::Credit, now, &mut violations);
    let rejection = Rejection::of(violations).unwrap();
    let dormant: Vec<&str> = rejection
        .violations()
        .iter()
        .filter(|violation| violation.code == Code::Dormant)
        .map(|violation| violation.detail.as_str())
        .collect();
    let [of_won, of_foreign] = dormant[..] else { panic!("{dormant:?}") };
    assert!(of_won.starts_with(&won.state().id.to_string()) && of_foreign.starts_with(&foreign.state().id.to_string()));
    assert_eq!(rejection.code(), Code::Dormant);
}
