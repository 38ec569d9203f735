//! Households, balances, rounds and halts come back as committed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a case of the suite is a test")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use hwan_domain::{
    account::{AccountState, LimitedUse},
    board::Halt,
    check::{Check, Fact},
    currency::Currency,
    customer::CustomerState,
    id::{AccountId, CustomerId, LaneId, Position},
    interest::Period,
    limit::LimitUse,
    record::Event,
    round::RoundStatus,
};

use super::{
    Subject,
    fixture::{Family, Scribe, currency, lane, money, round, seq, ten_o_clock},
};
use crate::storage::port::{Household, LedgerStore, StateWrite};

async fn begin(store: &dyn LedgerStore) -> Scribe {
    Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap())
}

fn sorted(state: &AccountState) -> AccountState {
    let mut state = state.clone();
    state.balances.sort_by_key(|balance| balance.amount.currency());
    state
}

async fn assert_as_written(store: &dyn LedgerStore, scribe: &Scribe, family: Family) {
    let Household { customer, accounts } = store.customer(family.customer).await.unwrap().unwrap();
    assert_eq!(&customer, scribe.customer(family.customer));
    assert_eq!(accounts.iter().map(|account| account.id).collect::<Vec<_>>(), [family.won, family.foreign]);
    for account in &accounts {
        assert_eq!(sorted(account), sorted(scribe.account(account.id)));
    }
}

/// A customer comes back with accounts, facts, limits and balances, also after a restart; a stranger does not.
pub async fn a_household_comes_back_exactly(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let (first, second) = (scribe.open_family(), scribe.open_family());
    scribe.deposit(first.won, money("1000000", "KRW"));
    scribe.buy(first, money("100.00", "USD"));
    scribe.deposit(first.foreign, money("12345", "JPY"));
    scribe.deposit(first.foreign, money("0.05", "EUR"));
    let fact = |check, amount| Fact { check, effective_from: ten_o_clock(), effective_to: None, amount };
    scribe.state_account_fact(first.won, fact(Check::Seized, Some(money("500", "KRW"))));
    let until = Some(ten_o_clock().plus_seconds(86_400));
    scribe.state_account_fact(first.won, Fact { effective_to: until, ..fact(Check::Pledged, None) });
    scribe.state_customer_fact(first.customer, fact(Check::KycExpired, None));
    scribe.close_account(second.won);
    store.commit(&scribe.batch()).await.unwrap();
    assert_as_written(&*store, &scribe, first).await;
    assert_as_written(&*store, &scribe, second).await;
    assert_eq!(store.owner(first.foreign).await.unwrap(), Some(first.customer));
    let stranger = Position::new(lane(9), seq(9));
    assert!(store.customer(CustomerId::at(stranger)).await.unwrap().is_none());
    assert_eq!(store.owner(AccountId::at(stranger)).await.unwrap(), None);
    drop(store);

    subject.reopen().await;
    let store = subject.store();
    assert_as_written(&*store, &scribe, first).await;
    assert_as_written(&*store, &scribe, second).await;

    // A customer may be there without an account, and without a reference.
    scribe.retaken(&store.take_lane(LaneId::FIRST).await.unwrap());
    let opened = Event::CustomerOpened { reference: None, channel: Some("app".into()) };
    let lonely = CustomerState::opened(CustomerId::at(scribe.write(opened)), "app".into(), None);
    scribe.leave(StateWrite::Customer(lonely.clone()));
    store.commit(&scribe.batch()).await.unwrap();
    let household = store.customer(lonely.id).await.unwrap().unwrap();
    assert_eq!(household.customer, lonely);
    assert!(household.accounts.is_empty());
}

/// After each commit, not later, every balance is what the journal says.
pub async fn balances_are_exact_at_every_commit(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let families: Vec<Family> = (0..20).map(|_| scribe.open_family()).collect();
    for family in &families {
        scribe.deposit(family.won, money("10000000", "KRW"));
    }
    store.commit(&scribe.batch()).await.unwrap();
    for size in [1_usize, 2, 15, 64, 93] {
        for index in 0..size {
            let family = families[(index * 7 + size) % families.len()];
            match index % 4 {
                0 | 1 => drop(scribe.buy(family, money("1.00", "USD"))),
                2 => drop(scribe.deposit(family.foreign, money("36", "VND"))),
                _ => drop(scribe.withdraw(family.won, money("10", "KRW"))),
            }
        }
        store.commit(&scribe.batch()).await.unwrap();
        for family in &families {
            assert_as_written(&*store, &scribe, *family).await;
        }
    }
}

/// Values are absolute: within a batch and between batches the last one of a key stands, whole.
pub async fn of_several_values_the_last_one_stands(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let family = scribe.open_family();
    let won = scribe.account(family.won).clone();
    let customer = scribe.customer(family.customer).clone();
    let date = ten_o_clock().seoul_date();
    for amount in ["30", "10", "20"] {
        let amount = money(amount, "KRW");
        scribe.leave(StateWrite::Balance { account: family.won, amount, version: amount.minor().unsigned_abs() });
        let limited = Some(LimitedUse { date, won: amount.minor() });
        scribe.leave(StateWrite::Account(AccountState { limited, ..won.clone() }));
        let limits = LimitUse::default().charged(amount.minor(), ten_o_clock());
        scribe.leave(StateWrite::Customer(CustomerState { limits, ..customer.clone() }));
    }
    store.commit(&scribe.batch()).await.unwrap();
    let Household { customer: read, accounts } = store.customer(family.customer).await.unwrap().unwrap();
    assert_eq!(accounts[0].booked(Currency::KRW), money("20", "KRW"));
    assert_eq!(accounts[0].version(), 20);
    assert_eq!(accounts[0].limited, Some(LimitedUse { date, won: 20 }));
    assert_eq!(read.limits.day_won, 20);

    scribe.write(Event::DateRolled { date });
    scribe.leave(StateWrite::Account(won.clone()));
    scribe.leave(StateWrite::Customer(customer.clone()));
    store.commit(&scribe.batch()).await.unwrap();
    let Household { customer: read, accounts } = store.customer(family.customer).await.unwrap().unwrap();
    assert_eq!(accounts[0].limited, None, "what is absent in the last value is absent");
    assert_eq!(accounts[0].booked(Currency::KRW), money("20", "KRW"), "an account's row leaves its balances alone");
    assert_eq!(read, customer);
}

/// Through which day an account was paid interest comes back with it, and is nothing before the first payment.
pub async fn the_day_that_interest_is_paid_through_comes_back(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let (paid, unpaid) = (scribe.open_family(), scribe.open_family());
    scribe.deposit(paid.won, money("10000000", "KRW"));
    let first = scribe.clock().1;
    scribe.roll_date();
    scribe.pay_interest(paid.won, Period::new(first, first).unwrap(), money("10000000", "KRW"));
    store.commit(&scribe.batch()).await.unwrap();
    drop(store);
    subject.reopen().await;
    let read = async |customer| subject.store().customer(customer).await.unwrap().unwrap().accounts;
    assert_eq!(
        read(paid.customer).await.iter().map(|state| state.paid_through).collect::<Vec<_>>(),
        [Some(first), None]
    );
    assert_eq!(read(unpaid.customer).await.iter().filter_map(|state| state.paid_through).count(), 0);
}

/// The rate board comes back: of each pair the newest rounds, oldest first, and its halt.
pub async fn rounds_and_halts_come_back_newest_last(subject: &mut dyn Subject) {
    let store = subject.store();
    assert!(store.pairs(10).await.unwrap().is_empty());
    let mut scribe = begin(&*store).await;
    let today = ten_o_clock().seoul_date();
    let tomorrow = today.next();
    let published = [round(today, 1, "1350.50"), round(today, 2, "1350.57"), round(tomorrow, 1, "1351.00")];
    for round in &published {
        scribe.write_with(None, Event::RoundPublished { round: round.clone(), findings: Vec::new() });
        scribe.leave(StateWrite::Round(round.clone()));
    }
    let halt = Halt { by: "guard".into(), reason: "off by \"100\"".into(), since: ten_o_clock() };
    scribe.leave(StateWrite::Halt(currency("JPY"), Some(halt.clone())));
    store.commit(&scribe.batch()).await.unwrap();
    let pairs = store.pairs(10).await.unwrap();
    assert_eq!(pairs.iter().map(|(currency, _)| currency.code()).collect::<Vec<_>>(), ["JPY", "USD"]);
    assert_eq!((pairs[0].1.halt.as_ref(), pairs[0].1.rounds.len()), (Some(&halt), 0));
    assert_eq!((pairs[1].1.halt.as_ref(), &pairs[1].1.rounds[..]), (None, &published[..]));
    assert_eq!(store.pairs(2).await.unwrap()[1].1.rounds, published[1..]);

    let mut voided = published[1].clone();
    voided.status = RoundStatus::Voided;
    let reason: Box<str> = "wrong".into();
    scribe.write_with(None, Event::RoundVoided { round: voided.id, currency: currency("USD"), reason });
    scribe.leave(StateWrite::Round(voided.clone()));
    scribe.leave(StateWrite::Halt(currency("JPY"), None));
    scribe.leave(StateWrite::Halt(currency("USD"), Some(halt.clone())));
    store.commit(&scribe.batch()).await.unwrap();
    drop(store);
    subject.reopen().await;
    let pairs = subject.store().pairs(10).await.unwrap();
    assert_eq!(pairs.len(), 1, "a pair without rounds whose halt ended is none");
    assert_eq!(pairs[0].1.rounds, [published[0].clone(), voided, published[2].clone()]);
    assert_eq!(pairs[0].1.halt, Some(halt));
}

/// Reads while commits go on see each commit whole or not at all.
pub async fn readers_see_whole_commits_only(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let family = scribe.open_family();
    scribe.deposit(family.won, money("50", "KRW"));
    scribe.deposit(family.foreign, money("50", "JPY"));
    store.commit(&scribe.batch()).await.unwrap();
    let (done, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let (store, done, reads) = (Arc::clone(&store), Arc::clone(&done), Arc::clone(&reads));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let household = store.customer(family.customer).await.unwrap().unwrap();
                    let won = household.accounts[0].booked(Currency::KRW).minor();
                    let yen = household.accounts[1].booked(currency("JPY")).minor();
                    assert_eq!(won, yen, "both accounts move in every commit");
                    let rows = store.journal(LaneId::FIRST, seq(4), 1_000).await.unwrap();
                    assert_eq!(rows.len() % 2, 0, "every commit has two records");
                    reads.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut commits = 0;
    while (commits < 100 || reads.load(Ordering::Relaxed) < 100) && !readers.iter().any(|reader| reader.is_finished()) {
        scribe.deposit(family.won, money("1", "KRW"));
        scribe.deposit(family.foreign, money("1", "JPY"));
        store.commit(&scribe.batch()).await.unwrap();
        commits += 1;
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
}

/// Every balance of every lane in one read that fits where the lanes stand, while they move.
pub async fn accounts_add_up_to_what_their_lane_says(subject: &mut dyn Subject) {
    let store = subject.store();
    assert!(store.account_sums().await.unwrap().is_empty());
    let mut scribes = Vec::new();
    for id in [LaneId::SYSTEM, LaneId::FIRST, lane(3)] {
        scribes.push(Scribe::taken(id, &store.take_lane(id).await.unwrap()));
    }
    let empty = store.account_sums().await.unwrap();
    assert!(empty.len() == 3 && empty.iter().all(|sums| sums.seq.number() == 0 && sums.totals.iter().count() == 0));
    for scribe in &mut scribes[1..] {
        for _ in 0..3 {
            let family = scribe.open_family();
            scribe.deposit(family.won, money("99999999999999999", "KRW"));
            scribe.buy(family, money("100.00", "USD"));
            scribe.deposit(family.foreign, money("12345", "JPY"));
        }
        let batch = scribe.batch();
        store.commit(&batch).await.unwrap();
        let sums = store.account_sums().await.unwrap().into_iter().find(|sums| sums.lane == batch.lane).unwrap();
        assert_eq!((sums.seq, sums.hash), batch.head().unwrap());
        assert_eq!(sums.totals, batch.totals);
    }
    assert_eq!(store.account_sums().await.unwrap().len(), 3);
}
