//! The general ledger: the entries of each kind of record to the unit, and that every journal balances in each currency.

use hwan_domain::{
    control::ControlTotals,
    exchange::{Ask, Side},
    id::{AccountId, ExchangeId},
    ledger::{
        AccountCode, Chart, ChartAccount, ChartError, EntrySide, Journal, JournalKind, LedgerAccount, PostingError,
        Role, TrialBalance, TrialLine, Turnover, journal_of,
    },
    money::Money,
    record::{Cover, Event, Landing, Leg, Origin, Record},
};
use proptest::prelude::*;
use smallvec::SmallVec;

use crate::support::{FOREIGN_ACCOUNT, WON_ACCOUNT, ccy, customer, monday, money, place, round, terms};

/// The numbers of the domain page, in the order of the roles.
const CODES: [u32; 17] =
    [1010, 1110, 1310, 2010, 2110, 2310, 2320, 2410, 2420, 1900, 1901, 4110, 5110, 4120, 5120, 5010, 5900];

pub(crate) fn lines() -> Vec<ChartAccount> {
    let line = |(role, code): (&Role, u32)| ChartAccount {
        code: AccountCode::new(code).unwrap(),
        name: role.as_str().into(),
        class: role.class(),
        role: *role,
        per_currency: role.is_per_currency(),
    };
    Role::ALL.iter().zip(CODES).map(line).collect()
}

pub(crate) fn chart() -> Chart {
    Chart::new(lines()).unwrap()
}

fn leg(account: u64, amount: Money) -> Leg {
    Leg { account: AccountId::at(place(account)), customer: customer(), amount, balance_after: amount, version: 1 }
}

fn leg_of(amount: Money) -> Leg {
    leg(if amount.currency().is_home() { WON_ACCOUNT } else { FOREIGN_ACCOUNT }, amount)
}

pub(crate) fn record(event: Event) -> Record {
    Record {
        position: place(7),
        at: monday("10:00:00"),
        business_date: monday("10:00:00").seoul_date(),
        origin: Origin { caller: "app".into(), key: None },
        event,
        totals: SmallVec::new(),
    }
}

pub(crate) fn exchanged(code: &str, mid: &str, side: Side, foreign: &str) -> Event {
    let terms = terms(code, mid, side);
    let priced = terms.price(Ask::Foreign(money(&format!("{foreign} {code}")))).unwrap();
    let (debit, credit) = match side {
        Side::Buy => (priced.won.negated(), priced.foreign),
        Side::Sell => (priced.foreign.negated(), priced.won),
    };
    Event::Exchanged {
        terms,
        quote: None,
        debit: leg_of(debit),
        credit: leg_of(credit),
        limits: None,
        limited_won: None,
    }
}

pub(crate) fn reversed(of: &Event, to_suspense: bool) -> Event {
    let Event::Exchanged { terms, debit, credit, .. } = of else { panic!("an exchange") };
    let back = debit.amount.negated();
    Event::Reversed {
        exchange: ExchangeId::at(place(3)),
        reason: "wrong".into(),
        terms: *terms,
        debit: leg_of(credit.amount.negated()),
        landing: if to_suspense { Landing::Suspense(back) } else { Landing::Account(leg_of(back)) },
        limits: None,
        limited_won: None,
    }
}

pub(crate) fn covered(side: Side, amount: &str, won: i64) -> Event {
    let amount = money(amount);
    let mid = round(amount.currency().code(), "1349").mid;
    let won = Money::won(won).unwrap();
    Event::Covered { cover: Cover { side, amount, won, rate: mid, reference: Some("deal-1".into()) } }
}

pub(crate) fn posted(event: Event) -> Journal {
    journal_of(&chart(), &record(event)).unwrap().unwrap()
}

/// `Dr 2010 135050 KRW`.
fn entries(journal: &Journal) -> Vec<String> {
    let entry = |entry: &hwan_domain::ledger::Entry| {
        let side = if entry.side == EntrySide::Debit { "Dr" } else { "Cr" };
        format!("{side} {} {:?}", entry.account, entry.amount)
    };
    journal.entries.iter().map(entry).collect()
}

#[test]
fn each_kind_of_record_makes_the_entries_of_the_domain_page() {
    let buy = || exchanged("USD", "1350.50", Side::Buy, "100.00");
    let deposit = |text: &str| Event::Deposited { credit: leg_of(money(text)) };
    let withdrawal = |text: &str| Event::Withdrawn { debit: leg_of(money(text).negated()), limited_won: None };
    let transfer = |text: &str| Event::Transferred {
        debit: leg_of(money(text).negated()),
        credit: leg_of(money(text)),
        limited_won: None,
    };
    let bought =
        ["Dr 2010 135050 KRW", "Cr 1901[USD] 135050 KRW", "Dr 1900[USD] 100.00 USD", "Cr 2110[USD] 100.00 USD"];
    let back = ["Dr 1901[USD] 135050 KRW", "Cr 2010 135050 KRW", "Dr 2110[USD] 100.00 USD", "Cr 1900[USD] 100.00 USD"];
    let waits =
        ["Dr 1901[USD] 135050 KRW", "Cr 2310[KRW] 135050 KRW", "Dr 2110[USD] 100.00 USD", "Cr 1900[USD] 100.00 USD"];
    let cover = ["Dr 1901[USD] 134900 KRW", "Cr 1010 134900 KRW", "Dr 1110[USD] 100.00 USD", "Cr 1900[USD] 100.00 USD"];
    let sale = ["Dr 1010 134900 KRW", "Cr 1901[USD] 134900 KRW", "Dr 1900[USD] 100.00 USD", "Cr 1110[USD] 100.00 USD"];
    let table: [(Event, JournalKind, &[&str]); 15] = [
        (deposit("5 KRW"), JournalKind::Deposit, &["Dr 1010 5 KRW", "Cr 2010 5 KRW"]),
        (deposit("5.00 USD"), JournalKind::Deposit, &["Dr 1110[USD] 5.00 USD", "Cr 2110[USD] 5.00 USD"]),
        (withdrawal("5 KRW"), JournalKind::Withdrawal, &["Dr 2010 5 KRW", "Cr 1010 5 KRW"]),
        (withdrawal("5 JPY"), JournalKind::Withdrawal, &["Dr 2110[JPY] 5 JPY", "Cr 1110[JPY] 5 JPY"]),
        (transfer("5 KRW"), JournalKind::Transfer, &["Dr 2010 5 KRW", "Cr 2010 5 KRW"]),
        (transfer("5.00 USD"), JournalKind::Transfer, &["Dr 2110[USD] 5.00 USD", "Cr 2110[USD] 5.00 USD"]),
        (buy(), JournalKind::Exchange, &bought),
        (exchanged("USD", "1350.50", Side::Sell, "100.00"), JournalKind::Exchange, &back),
        (reversed(&buy(), false), JournalKind::Reversal, &back),
        (reversed(&exchanged("USD", "1350.50", Side::Sell, "100.00"), false), JournalKind::Reversal, &bought),
        (reversed(&buy(), true), JournalKind::Reversal, &waits),
        (covered(Side::Buy, "100.00 USD", 134_900), JournalKind::Cover, &cover),
        (covered(Side::Sell, "100.00 USD", 134_900), JournalKind::Cover, &sale),
        (
            crate::interest::paid(&[("2026-11-18", 10_000_000), ("2026-11-21", 4_000_000)], "2026-11-18"),
            JournalKind::Interest,
            &[
                "Dr 5010 2082 KRW",
                "Cr 2410 2082 KRW",
                "Dr 2410 2082 KRW",
                "Cr 2010 1772 KRW",
                "Cr 2420 290 KRW",
                "Cr 2420 20 KRW",
            ],
        ),
        (
            crate::interest::paid(&[("2026-11-22", 10_000_000)], "2026-11-22"),
            JournalKind::Interest,
            &["Dr 5010 547 KRW", "Cr 2410 547 KRW", "Dr 2410 547 KRW", "Cr 2010 477 KRW", "Cr 2420 70 KRW"],
        ),
    ];
    for (event, kind, expected) in table {
        let journal = posted(event);
        assert_eq!((journal.kind, entries(&journal)), (kind, expected.iter().map(ToString::to_string).collect()));
    }
}

#[test]
fn a_foreign_amount_that_comes_back_to_a_closed_account_waits_in_its_own_currency() {
    let sale = exchanged("JPY", "934.06", Side::Sell, "12345");
    let expected =
        ["Dr 2010 115309 KRW", "Cr 1901[JPY] 115309 KRW", "Dr 1900[JPY] 12345 JPY", "Cr 2310[JPY] 12345 JPY"];
    assert_eq!(entries(&posted(reversed(&sale, true))), expected);
}

#[test]
fn a_journal_names_what_it_stands_for_and_what_it_refers_to() {
    let buy = exchanged("USD", "1350.50", Side::Buy, "100.00");
    let reversal = posted(reversed(&buy, false));
    assert_eq!(reversal.id(), "rev_0008000000007");
    assert_eq!(reversal.reference.as_deref(), Some("exg_0008000000003"));
    assert_eq!((posted(buy.clone()).id().as_str(), posted(buy).reference), ("exg_0008000000007", None));
    let cover = posted(covered(Side::Buy, "100.00 USD", 134_900));
    assert_eq!((cover.id().as_str(), cover.reference.as_deref()), ("cov_0008000000007", Some("deal-1")));
    for kind in JournalKind::ALL {
        assert_eq!(JournalKind::parse(kind.as_str()), Some(kind));
    }
}

#[test]
fn where_no_money_moved_there_is_no_journal() {
    let quiet = Event::CustomerOpened { reference: None, channel: None };
    assert_eq!(journal_of(&chart(), &record(quiet)), Ok(None));
}

#[test]
fn what_does_not_balance_is_refused_with_its_currency() {
    let refused = |event| journal_of(&chart(), &record(event)).unwrap_err();
    let transfer = |debit: &str, credit: &str| Event::Transferred {
        debit: leg_of(money(debit).negated()),
        credit: leg_of(money(credit)),
        limited_won: None,
    };
    let unbalanced = PostingError::Unbalanced { currency: ccy("KRW"), debit: 5, credit: 4 };
    assert_eq!(refused(transfer("5 KRW", "4 KRW")), unbalanced);
    assert!(matches!(refused(transfer("5 KRW", "4.00 USD")), PostingError::Unbalanced { .. }));
    for event in [
        Event::Deposited { credit: leg_of(money("-5 KRW")) },
        Event::Deposited { credit: leg_of(money("0 KRW")) },
        Event::Withdrawn { debit: leg_of(money("5 KRW")), limited_won: None },
        transfer("-5 KRW", "-5 KRW"),
    ] {
        assert!(matches!(refused(event), PostingError::NotPositive { .. }));
    }
    let Event::Exchanged { terms, quote, debit, credit, .. } = exchanged("USD", "1350.50", Side::Buy, "100.00") else {
        panic!("an exchange")
    };
    let crossed = Event::Exchanged { terms, quote, debit: credit, credit: debit, limits: None, limited_won: None };
    let (expected, found) = (ccy("KRW"), ccy("USD"));
    assert_eq!(refused(crossed), PostingError::WrongCurrency { expected, found });
    let won = Event::Covered {
        cover: Cover { side: Side::Buy, amount: money("5 KRW"), won: money("5 KRW"), rate: terms.mid, reference: None },
    };
    assert_eq!(refused(won), PostingError::HomePosition);
}

#[test]
fn a_chart_has_every_role_once_and_every_number_once() {
    let changed = |change: &dyn Fn(&mut Vec<ChartAccount>)| {
        let mut lines = lines();
        change(&mut lines);
        Chart::new(lines).unwrap_err()
    };
    let code = |number| AccountCode::new(number).unwrap();
    assert_eq!(changed(&|lines| lines.truncate(16)), ChartError::MissingRole(Role::CorrectionLoss));
    assert_eq!(changed(&|lines| lines[1].code = code(1010)), ChartError::DuplicateCode(code(1010)));
    assert_eq!(
        changed(&|lines| lines.push(ChartAccount { code: code(7), ..lines[0].clone() })),
        ChartError::DuplicateRole { role: Role::WonReserves, first: code(1010), second: code(7) }
    );
    assert_eq!(changed(&|lines| lines[0].name.clear()), ChartError::NoName(code(1010)));
    assert!(matches!(changed(&|lines| lines[0].per_currency = true), ChartError::PerCurrency { .. }));
    assert!(matches!(changed(&|lines| lines[0].class = Role::Suspense.class()), ChartError::Class { .. }));
    assert_eq!((AccountCode::new(0), AccountCode::new(1_000_000_000)), (None, None));
    for role in Role::ALL {
        assert_eq!((Role::parse(role.as_str()), chart().role(chart().code(*role))), (Some(*role), Some(*role)));
    }
}

#[test]
fn a_trial_balance_adds_up_what_stands_on_several_lines_and_names_what_does_not_balance() {
    let line = |code: u32, of: Option<&str>, currency: &str, debit, credit| TrialLine {
        account: LedgerAccount { code: AccountCode::new(code).unwrap(), of: of.map(ccy) },
        currency: ccy(currency),
        turnover: Turnover { debit, credit },
    };
    let balance = TrialBalance::of(
        None,
        [
            line(2010, None, "KRW", 0, 7),
            line(1010, None, "KRW", 7, 0),
            line(2010, None, "KRW", 2, 3),
            line(1901, Some("USD"), "KRW", 1, 0),
            line(2110, Some("USD"), "USD", 0, 5),
        ],
    );
    let accounts: Vec<String> = balance.lines.iter().map(|line| line.account.to_string()).collect();
    assert_eq!(accounts, ["1010", "1901[USD]", "2010", "2110[USD]"]);
    assert_eq!(balance.turnover(chart().account(Role::WonDeposits)), Turnover { debit: 2, credit: 10 });
    assert_eq!(balance.unbalanced(), [(ccy("USD"), Turnover { debit: 0, credit: 5 })]);
    let control = balance.control_totals(&chart());
    assert_eq!((control.minor(ccy("KRW")), control.minor(ccy("USD"))), (8, 5));
}

fn any_event() -> impl Strategy<Value = Event> {
    let code = prop_oneof![Just("USD"), Just("JPY"), Just("IDR")];
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let mid = (1_u32..2_000_000).prop_map(|hundredths| format!("{}.{:02}", hundredths / 100, hundredths % 100));
    (code, side, mid, 1_i64..100_000_000_000, 0_u8..7).prop_map(|(code, side, mid, minor, kind)| {
        let foreign = Money::from_minor(minor, ccy(code)).unwrap();
        let exchange = || {
            let terms = terms(code, &mid, side);
            let priced = terms.price(Ask::Foreign(foreign)).ok()?;
            Some(exchanged(code, &mid, side, &priced.foreign.to_string()))
        };
        let deposit = Event::Deposited { credit: leg_of(foreign) };
        match kind {
            0 => deposit,
            1 => Event::Withdrawn { debit: leg_of(foreign.negated()), limited_won: None },
            2 => Event::Transferred { debit: leg_of(foreign.negated()), credit: leg_of(foreign), limited_won: None },
            3 => exchange().unwrap_or(deposit),
            4 => exchange().map_or(deposit, |exchange| reversed(&exchange, false)),
            5 => exchange().map_or(deposit, |exchange| reversed(&exchange, true)),
            _ => covered(side, &format!("{foreign} {code}"), minor),
        }
    })
}

proptest! {
    #[test]
    fn every_journal_balances_and_the_control_accounts_follow_the_legs(events in prop::collection::vec(any_event(), 1..60)) {
        let chart = chart();
        let mut lines = Vec::new();
        let mut totals = ControlTotals::default();
        for event in events {
            totals.carry_forward(&event);
            let journal = journal_of(&chart, &record(event)).unwrap().unwrap();
            prop_assert_eq!(journal.balanced(), Ok(()));
            for entry in journal.entries {
                let role = chart.role(entry.account.code).unwrap();
                prop_assert_eq!(role.counted_in(entry.account.of), entry.amount.currency());
                prop_assert_eq!(role.is_per_currency(), entry.account.of.is_some());
                let mut turnover = Turnover::default();
                turnover.post(entry.side, entry.amount.minor());
                lines.push(TrialLine { account: entry.account, currency: entry.amount.currency(), turnover });
            }
        }
        let balance = TrialBalance::of(None, lines);
        prop_assert_eq!(balance.unbalanced(), vec![]);
        let control = balance.control_totals(&chart);
        for code in ["KRW", "USD", "JPY", "IDR"] {
            prop_assert_eq!(control.minor(ccy(code)), totals.minor(ccy(code)));
        }
    }
}
