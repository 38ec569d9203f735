//! May this account take part? The table of checks, written out by hand from the rule book, against the books.

use hwan_domain::{
    account::{AccountBook, AccountKind, Credit, Debit, Moment},
    check::{Check, Direction, Fact, Subject, Verdict},
    customer::CustomerBook,
    limit::LimitPolicy,
    rejection::{Code, Violations},
    time::Timestamp,
};

use crate::support::{account, codes, date, fact, monday, money, opened};

const POLICY: LimitPolicy =
    LimitPolicy { daily_won: 10_000_000, monthly_won: 100_000_000, limited_account_daily_won: 1_000_000 };

fn moment(at: Timestamp) -> Moment<'static> {
    Moment { at, date: at.seoul_date(), policy: &POLICY }
}

/// What a row says of a direction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    /// Nothing stands against it.
    Yes,
    /// It is refused by the row's code.
    No,
    /// Only above the seized amount.
    Above,
    /// Only up to the daily cap.
    Cap,
    /// It goes to suspense instead, so the account refuses it by the row's code.
    Suspense,
}
use Cell::{Above, Cap, No, Suspense, Yes};

/// Row 1 is no fact: it is an account that does not hold the currency (or is not there, or is another's).
const ROW_1: [Cell; 3] = [No, No, Suspense];

/// Rows 2 to 16: code, debit, credit, compensating credit.
const ROWS: [(&str, Cell, Cell, Cell); 15] = [
    ("account_closed", No, No, Suspense),
    ("accident_reported", No, Yes, Yes),
    ("deceased", No, Yes, Yes),
    ("dormant", No, No, Yes),
    ("suspended", No, Yes, Yes),
    ("seized", Above, Yes, Yes),
    ("payment_stopped", No, Yes, Yes),
    ("fraud_reported", No, No, Yes),
    ("pledged", No, Yes, Yes),
    ("limited_account", Cap, Yes, Yes),
    ("minor", No, No, Yes),
    ("kyc_expired", No, Yes, Yes),
    ("credential_locked", No, Yes, Yes),
    ("bankrupt", No, Yes, Yes),
    ("sanctioned", No, No, Yes),
];

/// An account with 3,000,000 won and its owner, under a fact of this kind.
fn under(fact: Fact) -> (AccountBook, CustomerBook) {
    let mut owner = CustomerBook::new(opened());
    match fact.check.subject() {
        Subject::Account => (account(AccountKind::Won, &["3000000 KRW"], &[fact]), owner),
        Subject::Customer => {
            owner.state_fact(fact, Timestamp::from_micros(0));
            (account(AccountKind::Won, &["3000000 KRW"], &[]), owner)
        }
    }
}

fn judge(books: &(AccountBook, CustomerBook), direction: Direction, amount: &str, at: Timestamp) -> Vec<Code> {
    let mut violations = Violations::new();
    let amount = money(amount);
    books.1.judge(direction, at, &mut violations);
    match direction {
        Direction::Debit => {
            books.0.judge_debit(Debit { amount, won: amount.minor() }, moment(at), &mut violations);
        }
        Direction::Credit | Direction::CompensatingCredit => {
            books.0.judge_credit(Credit { amount, direction, cap: None }, moment(at), &mut violations);
        }
    }
    codes(violations)
}

#[test]
fn every_check_says_to_every_direction_what_the_table_says() {
    assert_eq!(ROWS.len(), Check::ALL.len());
    let now = monday("10:00:00");
    for ((text, debit, credit, compensating), check) in ROWS.into_iter().zip(Check::ALL) {
        assert_eq!(check.code().as_str(), text, "the rows are in order of precedence");
        let code = check.code();
        let mut stated = fact(check);
        if debit == Above {
            stated.amount = Some(money("1000000 KRW"));
        }
        let books = under(stated);
        for (direction, cell) in
            [(Direction::Debit, debit), (Direction::Credit, credit), (Direction::CompensatingCredit, compensating)]
        {
            let small = judge(&books, direction, "1000000 KRW", now);
            let large = judge(&books, direction, "2000001 KRW", now);
            let (expected_small, expected_large) = match cell {
                Yes => (vec![], vec![]),
                No | Suspense => (vec![code], vec![code]),
                // 3,000,000 held, 1,000,000 seized: 2,000,000 may go. Or: a million a day.
                Above | Cap => (vec![], vec![code]),
            };
            assert_eq!((small, large), (expected_small, expected_large), "{text} {direction:?}");
            let verdict = match cell {
                Yes => Verdict::Admit,
                No => Verdict::Forbid,
                Above => Verdict::AboveSeized,
                Cap => Verdict::UpToDailyCap,
                Suspense => Verdict::ToSuspense,
            };
            assert_eq!(check.admits(direction), verdict, "{text} {direction:?}");
        }
    }
}

#[test]
fn an_account_that_does_not_hold_the_currency_takes_no_part() {
    let books = (account(AccountKind::Won, &["3000000 KRW"], &[]), under(fact(Check::Dormant)).1);
    for (direction, cell) in [Direction::Debit, Direction::Credit, Direction::CompensatingCredit].into_iter().zip(ROW_1)
    {
        assert_ne!(cell, Yes);
        assert_eq!(judge(&books, direction, "1.00 USD", monday("10:00:00")), vec![Code::AccountNotFound]);
    }
    let foreign = (account(AccountKind::Foreign, &["5.00 USD"], &[]), books.1);
    assert_eq!(judge(&foreign, Direction::Debit, "1 KRW", monday("10:00:00")), vec![Code::AccountNotFound]);
    assert_eq!(judge(&foreign, Direction::Debit, "1.00 USD", monday("10:00:00")), vec![]);
}

#[test]
fn every_failure_is_reported_in_order_of_precedence() {
    let everything: Vec<Fact> = Check::ALL.into_iter().map(fact).collect();
    let mut owner = CustomerBook::new(opened());
    for fact in &everything {
        if fact.check.subject() == Subject::Customer {
            owner.state_fact(*fact, Timestamp::from_micros(0));
        }
    }
    let of_account: Vec<Fact> =
        everything.into_iter().filter(|fact| fact.check.subject() == Subject::Account).rev().collect();
    let books = (account(AccountKind::Won, &["5 KRW"], &of_account), owner);
    let mut expected: Vec<&str> = ROWS.iter().map(|row| row.0).collect();
    expected.push("insufficient_balance");
    let found = judge(&books, Direction::Debit, "1000001 KRW", monday("10:00:00"));
    assert_eq!(found.iter().map(|code| code.as_str()).collect::<Vec<_>>(), expected);

    let wrong_currency = judge(&books, Direction::Credit, "1.00 USD", monday("10:00:00"));
    let expected = ["account_not_found", "account_closed", "dormant", "fraud_reported", "minor", "sanctioned"];
    assert_eq!(wrong_currency.iter().map(|code| code.as_str()).collect::<Vec<_>>(), expected);
}

#[test]
fn a_death_reported_today_blocks_debits_from_midnight_on_and_no_credits() {
    let reported = monday("15:30:00");
    let from = Check::Deceased.in_force_from(reported);
    assert_eq!(from, monday("00:00:00").plus_seconds(86_400));
    let books = under(Fact { effective_from: from, ..fact(Check::Deceased) });
    let last_instant = monday("23:59:59.999999");
    assert_eq!(last_instant.plus_micros(1), from);
    assert_eq!(judge(&books, Direction::Debit, "1 KRW", monday("23:59:59.999")), vec![]);
    assert_eq!(judge(&books, Direction::Debit, "1 KRW", last_instant), vec![]);
    assert_eq!(judge(&books, Direction::Debit, "1 KRW", from), vec![Code::Deceased]);
    assert_eq!(judge(&books, Direction::Credit, "1 KRW", from), vec![]);
    for check in Check::ALL.into_iter().filter(|check| *check != Check::Deceased) {
        assert_eq!(check.in_force_from(reported), reported, "{check:?} takes effect at once");
    }
}

#[test]
fn a_seizure_binds_its_own_currency_and_a_whole_seizure_everything() {
    let now = monday("10:00:00");
    let seized = |amount: Option<&str>| Fact { amount: amount.map(money), ..fact(Check::Seized) };
    let held = ["100.00 USD", "10000 JPY"];
    let owner = || CustomerBook::new(opened());
    let some = (account(AccountKind::Foreign, &held, &[seized(Some("60.00 USD"))]), owner());
    assert_eq!(judge(&some, Direction::Debit, "40.00 USD", now), vec![]);
    assert_eq!(judge(&some, Direction::Debit, "40.01 USD", now), vec![Code::Seized]);
    assert_eq!(judge(&some, Direction::Debit, "10000 JPY", now), vec![]);
    assert_eq!(judge(&some, Direction::Debit, "100.01 USD", now), vec![Code::Seized, Code::InsufficientBalance]);
    assert_eq!(some.0.available(money("0.00 USD").currency(), now), money("40.00 USD"));

    let both = (account(AccountKind::Foreign, &held, &[seized(Some("60.00 USD")), seized(Some("9999 JPY"))]), owner());
    assert_eq!(judge(&both, Direction::Debit, "1 JPY", now), vec![]);
    assert_eq!(judge(&both, Direction::Debit, "2 JPY", now), vec![Code::Seized]);

    let more_than_held = (account(AccountKind::Foreign, &held, &[seized(Some("500.00 USD"))]), owner());
    assert_eq!(judge(&more_than_held, Direction::Debit, "0.01 USD", now), vec![Code::Seized]);
    assert_eq!(judge(&more_than_held, Direction::Credit, "0.01 USD", now), vec![]);

    let whole = (account(AccountKind::Foreign, &held, &[seized(None), seized(Some("1.00 USD"))]), owner());
    for amount in ["0.01 USD", "1 JPY"] {
        assert_eq!(judge(&whole, Direction::Debit, amount, now), vec![Code::Seized]);
        assert_eq!(judge(&whole, Direction::Credit, amount, now), vec![]);
    }
    assert!(whole.0.available(money("1 JPY").currency(), now).is_zero());
}

#[test]
fn a_seizure_counts_what_is_reserved_as_gone() {
    let now = monday("10:00:00");
    let seizure = Fact { amount: Some(money("60 KRW")), ..fact(Check::Seized) };
    let mut book = account(AccountKind::Won, &["100 KRW"], &[seizure]);
    book.reserve(money("30 KRW")).unwrap();
    let mut violations = Violations::new();
    book.judge_debit(Debit { amount: money("10 KRW"), won: 10 }, moment(now), &mut violations);
    assert_eq!(codes(violations), vec![]);
    let mut violations = Violations::new();
    book.judge_debit(Debit { amount: money("11 KRW"), won: 11 }, moment(now), &mut violations);
    assert_eq!(codes(violations), vec![Code::Seized]);
}

#[test]
fn a_limited_account_debits_a_million_a_business_date() {
    let mut book = account(AccountKind::Won, &["5000000 KRW"], &[fact(Check::LimitedAccount)]);
    let judged = |book: &AccountBook, amount: &str, day: &str| {
        let mut violations = Violations::new();
        let amount = money(amount);
        let moment = Moment { date: date(day), ..moment(monday("10:00:00")) };
        book.judge_debit(Debit { amount, won: amount.minor() }, moment, &mut violations);
        codes(violations)
    };
    assert_eq!(judged(&book, "1000000 KRW", "2026-11-23"), vec![]);
    assert_eq!(judged(&book, "1000001 KRW", "2026-11-23"), vec![Code::LimitedAccount]);
    assert_eq!(book.count_limited(999_999, monday("10:00:00"), date("2026-11-23")), Some(999_999));
    assert_eq!(judged(&book, "1 KRW", "2026-11-23"), vec![]);
    assert_eq!(judged(&book, "2 KRW", "2026-11-23"), vec![Code::LimitedAccount]);
    assert_eq!(judged(&book, "1000000 KRW", "2026-11-24"), vec![], "another date, another million");
    assert_eq!(book.count_limited(5, monday("10:00:00"), date("2026-11-24")), Some(5));
    let mut free = account(AccountKind::Won, &["5000000 KRW"], &[]);
    assert_eq!(free.count_limited(5, monday("10:00:00"), date("2026-11-23")), None);
    assert_eq!(judged(&free, "5000000 KRW", "2026-11-23"), vec![]);
}
