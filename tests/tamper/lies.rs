//! The lies: what somebody with a shell on the database might change, and what has to be said of it.

use hwan::storage::conformance::fixture::Family;
use hwan_domain::{
    id::{AccountId, Position},
    reconciliation::{BreakKind, Check},
};

use super::bank::{Bank, Base};

/// Whom a finding has to name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    Account(AccountId),
    Record(Position),
    Ledger(&'static str),
}

/// A statement, and what has to be found of it: at least this.
#[derive(Clone, Debug)]
pub(crate) struct Lie {
    pub(crate) what: &'static str,
    pub(crate) base: Base,
    pub(crate) sql: String,
    pub(crate) found: Vec<(Check, BreakKind, Named)>,
}

/// A family that has moved on both days and moves on.
pub(crate) fn busy(bank: &Bank) -> Family {
    bank.families[1]
}

/// A family that has not moved since the first day.
pub(crate) fn still(bank: &Bank) -> Family {
    bank.families[0]
}

fn packed(account: AccountId) -> i64 {
    account.position().packed()
}

/// The lies about the store of record, of which the newest day that is over has to tell.
pub(crate) async fn about_the_ledger(bank: &Bank) -> Vec<Lie> {
    let (busy, still) = (busy(bank), still(bank));
    let journal =
        bank.store.journal(hwan_domain::id::LaneId::FIRST, hwan_domain::id::Seq::new(1).unwrap(), 1_000).await;
    let rows = journal.unwrap();
    let of_busy = |date| {
        let row = rows.iter().find(|row| {
            row.record.business_date == date && row.record.event.legs().any(|leg| leg.account == busy.foreign)
        });
        row.unwrap().record.position
    };
    let (second, record) = (bank.days[1], of_busy(bank.days[1]));
    let kind = bank.kind;
    let account = Named::Account;
    let holding = |family: Family, from: &str, to: &str| {
        let (owner, from) = (family.customer.position().packed(), from);
        format!("UPDATE holding SET balances = REPLACE(balances, '{from}', '{to}') WHERE customer = {owner}")
    };
    let still_won = bank.scribe.account(still.won).balances[0];
    let (minor, version) = (still_won.amount.minor(), still_won.version);
    vec![
        Lie {
            what: "a balance that stands still was changed",
            base: Base::Ledger,
            sql: kind.pick(
                format!("UPDATE balance SET amount_minor = amount_minor + 1 WHERE account = {}", packed(still.won)),
                holding(still, &format!(",{minor},{version}]"), &format!(",{},{version}]", minor + 1)),
            ),
            found: vec![(Check::Balances, BreakKind::Amount, account(still.won))],
        },
        Lie {
            what: "a balance was given to an account that never had one",
            base: Base::Ledger,
            sql: kind.pick(
                format!("INSERT INTO balance VALUES ({}, 'EUR', 100000, 9)", packed(busy.foreign)),
                holding(busy, "]]", &format!("],[{},\"EUR\",100000,9]]", packed(busy.foreign))),
            ),
            found: vec![(Check::Balances, BreakKind::Orphan, account(busy.foreign))],
        },
        Lie {
            what: "a balance was deleted",
            base: Base::Ledger,
            sql: kind.pick(
                format!("DELETE FROM balance WHERE account = {}", packed(still.foreign)),
                format!("DELETE FROM holding WHERE customer = {}", still.customer.position().packed()),
            ),
            found: vec![(Check::Balances, BreakKind::Missing, account(still.foreign))],
        },
        Lie {
            what: "an entry of a passbook was deleted",
            base: Base::Passbook,
            sql: format!("DELETE FROM passbook WHERE account = {} AND version = 1", packed(busy.won)),
            found: vec![(Check::Passbook, BreakKind::Missing, account(busy.won))],
        },
        Lie {
            what: "an entry's amount was changed",
            base: Base::Passbook,
            sql: format!(
                "UPDATE passbook SET amount_minor = amount_minor + 1 WHERE account = {} AND version = 2",
                packed(busy.foreign)
            ),
            found: vec![(Check::Passbook, BreakKind::Amount, account(busy.foreign))],
        },
        Lie {
            what: "an entry's balance was changed",
            base: Base::Passbook,
            sql: format!(
                "UPDATE passbook SET balance_minor = balance_minor + 1 WHERE account = {} AND version = 1",
                packed(still.won)
            ),
            found: vec![(Check::Passbook, BreakKind::Amount, account(still.won))],
        },
        Lie {
            what: "an entry's instant was changed",
            base: Base::Passbook,
            sql: format!("UPDATE passbook SET at = at + 1 WHERE account = {} AND version = 1", packed(still.won)),
            found: vec![(Check::Passbook, BreakKind::Amount, account(still.won))],
        },
        Lie {
            what: "an entry was added",
            base: Base::Passbook,
            sql: format!(
                "INSERT INTO passbook SELECT account, 77, record, kind, currency, amount_minor, balance_minor, at, {} \
                 FROM passbook WHERE account = {} AND version = 1",
                second.days(),
                packed(still.won)
            ),
            found: vec![(Check::Passbook, BreakKind::Orphan, account(still.won))],
        },
        Lie {
            what: "an amount in a record's text was changed",
            base: Base::Ledger,
            sql: format!(
                "UPDATE journal SET body = REPLACE(body, '\"amount\":\"7.05\"', '\"amount\":\"7.06\"') WHERE id = {}",
                record.packed()
            ),
            found: vec![
                (Check::JournalChain, BreakKind::Amount, Named::Record(record)),
                (Check::AccountChain, BreakKind::Amount, account(busy.foreign)),
                (Check::Terms, BreakKind::Amount, Named::Record(record)),
                (Check::LedgerJournals, BreakKind::Amount, Named::Record(record)),
            ],
        },
        Lie {
            what: "a record's text was replaced by nonsense",
            base: Base::Ledger,
            sql: format!("UPDATE journal SET body = '{{}}' WHERE id = {}", record.packed()),
            found: vec![
                (Check::JournalChain, BreakKind::Amount, Named::Record(record)),
                (Check::AccountChain, BreakKind::Missing, account(busy.foreign)),
            ],
        },
        Lie {
            what: "a record was deleted",
            base: Base::Ledger,
            sql: format!("DELETE FROM journal WHERE id = {}", record.packed()),
            found: vec![
                (Check::JournalChain, BreakKind::Missing, Named::Record(record)),
                (Check::AccountChain, BreakKind::Missing, account(busy.won)),
                (Check::LedgerJournals, BreakKind::Orphan, Named::Record(record)),
            ],
        },
        Lie {
            what: "a record's hash was changed",
            base: Base::Ledger,
            sql: format!(
                "UPDATE journal SET hash = {} WHERE id = {}",
                kind.pick("zeroblob(32)", "REPEAT(CHAR(7), 32)"),
                record.packed()
            ),
            found: vec![(Check::JournalChain, BreakKind::Amount, Named::Record(record))],
        },
        Lie {
            what: "a daily row was changed",
            base: Base::Passbook,
            sql: kind.pick(
                format!(
                    "UPDATE daily_balance SET amount_minor = amount_minor + 1 WHERE account = {} AND business_date = {}",
                    packed(busy.won),
                    second.days()
                ),
                format!(
                    "UPDATE daily_opening SET amount_minor = amount_minor + 1 WHERE account = {} AND business_date = {}",
                    packed(busy.won),
                    second.next().days()
                ),
            ),
            found: vec![(Check::Closings, BreakKind::Amount, account(busy.won))],
        },
        Lie {
            what: "what an account began the day with was changed",
            base: Base::Passbook,
            sql: kind.pick(
                format!(
                    "UPDATE daily_balance SET amount_minor = amount_minor + 1 WHERE account = {} AND business_date = {}",
                    packed(busy.won),
                    bank.days[0].days()
                ),
                format!(
                    "UPDATE daily_opening SET amount_minor = amount_minor + 1 WHERE account = {} AND business_date = {}",
                    packed(busy.won),
                    second.days()
                ),
            ),
            found: vec![(Check::Rollover, BreakKind::Amount, account(busy.won))],
        },
    ]
}

/// The lies about the bank's own books.
pub(crate) async fn about_the_books(bank: &Bank) -> Vec<Lie> {
    let query = hwan::storage::general_ledger::port::JournalQuery {
        lane: None,
        business_date: Some(bank.days[1]),
        before: None,
        limit: 10,
    };
    let journal = bank.books.journals(&query).await.unwrap().journals.remove(0);
    let (record, place) = (Named::Record(journal.position), journal.position.packed());
    let day = bank.days[1].days();
    vec![
        Lie {
            what: "a turnover was changed",
            base: Base::Books,
            sql: format!(
                "UPDATE turnover SET credit_minor = credit_minor + 1 WHERE account = 2010 AND business_date = {day}"
            ),
            found: vec![
                (Check::TrialBalance, BreakKind::Amount, Named::Ledger("")),
                (Check::Control, BreakKind::Amount, Named::Ledger("2010")),
                (Check::LedgerTurnovers, BreakKind::Amount, Named::Ledger("2010")),
            ],
        },
        Lie {
            what: "a position's turnover was changed",
            base: Base::Books,
            sql: format!(
                "UPDATE turnover SET debit_minor = debit_minor + 1 WHERE account = 1900 AND business_date = {day}"
            ),
            found: vec![(Check::Position, BreakKind::Amount, Named::Ledger("1900[USD]"))],
        },
        Lie {
            what: "money was put into suspense",
            base: Base::Books,
            sql: format!("INSERT INTO turnover VALUES (1, {day}, 2310, 'USD', 'USD', 0, 500)"),
            found: vec![
                (Check::Suspense, BreakKind::Amount, Named::Ledger("2310[USD]")),
                (Check::LedgerTurnovers, BreakKind::Orphan, Named::Ledger("2310[USD]")),
            ],
        },
        Lie {
            what: "a journal's entries were changed",
            base: Base::Books,
            sql: format!("UPDATE journal SET entries = REPLACE(entries, '\"C\"', '\"D\"') WHERE id = {place}"),
            found: vec![(Check::LedgerJournals, BreakKind::Amount, record)],
        },
        Lie {
            what: "a journal was deleted",
            base: Base::Books,
            sql: format!("DELETE FROM journal WHERE id = {place}"),
            found: vec![(Check::LedgerJournals, BreakKind::Missing, record)],
        },
        Lie {
            what: "a journal was moved to another day",
            base: Base::Books,
            sql: format!("UPDATE journal SET business_date = business_date - 1 WHERE id = {place}"),
            found: vec![(Check::LedgerJournals, BreakKind::Amount, record)],
        },
    ]
}
