//! Lists as the engine reads them: what was answered is in them, pages join up, windows and kinds are exact.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

use std::{sync::Arc, time::Duration};

use hwan::{
    actors::{
        command::{Command, NotDone, Overload, Refusal},
        engine::{Engine, EngineLimits, EngineParts, Placement},
        reads::{CustomerFilter, EntryKind, EntryPage, Page, PassbookEntry, RecordPage, RoundPage, Window},
    },
    clock::ManualClock,
    storage::{
        fake::Outage,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use hwan_domain::{
    account::AccountKind,
    guard::GuardPolicy,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    limit::LimitPolicy,
    record::{Event, Record},
    round::Round,
};
use hwan_simulator::{
    bank::{Bank, Family, TEN_O_CLOCK, buy, caller, money, sell},
    in_still_time,
    world::{currencies, currency, instant},
};

const ALL: Page = Page { window: Window { from: None, to: None }, before: None, limit: 1_000 };

async fn deposit(bank: &Bank, account: AccountId, text: &str) -> Arc<Record> {
    bank.done(Command::Deposit { account, amount: money(text) }).await
}

fn versions(entries: &[PassbookEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.version).collect()
}

/// Every page of an account's passbook, by this many.
async fn walk(engine: &Engine, account: AccountId, page: Page) -> Vec<EntryPage> {
    let mut pages: Vec<EntryPage> = Vec::new();
    loop {
        let before = pages.last().map_or(page.before, |last| last.next);
        pages.push(engine.entries(account, Page { before, ..page }).await.unwrap());
        if pages.last().unwrap().next.is_none() {
            return pages;
        }
    }
}

#[test]
fn what_was_answered_is_in_the_list_that_is_asked_for_next() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        for count in 1..=20_u64 {
            let record = bank.done(buy(family, "1.00 USD")).await;
            let seen = bank.engine.entries(family.won, Page { limit: 1, ..ALL }).await.unwrap().entries;
            let debit = record.event.legs().next().unwrap();
            assert_eq!((seen[0].position, seen[0].version), (record.position, count + 1));
            assert_eq!((seen[0].amount, seen[0].balance_after), (debit.amount, debit.balance_after));
            assert_eq!((seen[0].kind, seen[0].at), (EntryKind::Exchange, record.at));
            let listed = bank.engine.exchanges(family.foreign, ALL).await.unwrap();
            assert_eq!((listed.records.first(), listed.records.len() as u64), (Some(&record), count));
        }
    });
}

#[test]
fn what_was_answered_is_in_the_list_on_a_store_of_record_and_its_own_threads() {
    actix_rt::System::new().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path(), currencies(), SqliteOptions::default()).await.unwrap();
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let parts = EngineParts {
            store: Arc::new(store),
            clock: clock.clone(),
            currencies: currencies(),
            business_day: hwan_domain::business_day::BusinessDay::SEOUL,
            policy: LimitPolicy::default(),
            guard: GuardPolicy::default(),
            interest: Arc::default(),
            quote_lifetime_max: Duration::from_secs(300),
            limits: EngineLimits::default(),
            outbox: None,
            placement: Placement::OwnArbiters,
        };
        let engine = Engine::start(parts).await.unwrap();
        let done = async |command| engine.execute(caller("teller", None), command).await.unwrap().record;
        let customer = CustomerId::at(done(Command::OpenCustomer { reference: None, channel: None }).await.position);
        let won = AccountId::at(done(Command::OpenAccount { customer, kind: AccountKind::Won }).await.position);
        let begun = std::time::Instant::now();
        for count in 1..=30 {
            let record = done(Command::Deposit { account: won, amount: money("1 KRW") }).await;
            let page = engine.entries(won, Page { limit: 2, ..ALL }).await.unwrap();
            assert_eq!((page.entries[0].position, page.entries[0].version), (record.position, count));
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "the projector hurries while somebody waits");
        engine.drain().await;
        assert_eq!(engine.entries(won, ALL).await, Err(Refusal::NotDone(NotDone::Stopping)));
    });
}

#[test]
fn two_hundred_and_fifty_entries_are_three_pages_of_a_hundred() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        for _ in 0..250 {
            deposit(&bank, family.won, "1 KRW").await;
        }
        let pages = walk(&bank.engine, family.won, Page { limit: 100, ..ALL }).await;
        assert_eq!(pages.iter().map(|page| page.entries.len()).collect::<Vec<_>>(), [100, 100, 50]);
        assert_eq!(pages.iter().map(|page| page.next).collect::<Vec<_>>(), [Some(151), Some(51), None]);
        let entries: Vec<PassbookEntry> = pages.into_iter().flat_map(|page| page.entries).collect();
        assert_eq!(versions(&entries), (1..=250).rev().collect::<Vec<_>>());
        for pair in entries.windows(2) {
            assert_eq!(pair[0].balance_after.checked_add(pair[0].amount.negated()), Ok(pair[1].balance_after));
        }
    });
}

#[test]
fn a_page_has_a_thousand_items_at_most_whatever_is_asked_for() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        for _ in 0..1_010 {
            deposit(&bank, family.won, "1 KRW").await;
        }
        let page = bank.engine.entries(family.won, Page { limit: usize::MAX, ..ALL }).await.unwrap();
        assert_eq!((page.entries.len(), page.next), (1_000, Some(11)));
        let records = bank.engine.journal(LaneId::FIRST, Seq::ZERO, usize::MAX).await.unwrap();
        assert_eq!(records.len(), 1_000);
    });
}

#[test]
fn a_window_holds_its_first_instant_and_not_its_end() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        let ten = instant(TEN_O_CLOCK);
        for minute in 0..60 {
            bank.clock.set(ten.plus_seconds(60 * minute));
            deposit(&bank, family.won, "1 KRW").await;
            deposit(&bank, family.won, "2 KRW").await;
        }
        let minute = |minutes: i64| ten.plus_seconds(60 * minutes);
        let seen = async |from, to, limit| {
            let window = Window { from, to };
            let pages = walk(&bank.engine, family.won, Page { window, limit, ..ALL }).await;
            pages.into_iter().flat_map(|page| versions(&page.entries)).collect::<Vec<_>>()
        };
        let due = |first: u64, last: u64| (first..=last).rev().collect::<Vec<_>>();
        for limit in [1, 3, 1_000] {
            assert_eq!(seen(Some(minute(10)), Some(minute(20)), limit).await, due(21, 40));
            let after = minute(10).plus_micros(1);
            assert_eq!(seen(Some(after), Some(minute(20).plus_micros(1)), limit).await, due(23, 42));
            assert_eq!(seen(None, Some(minute(1)), limit).await, due(1, 2));
            assert_eq!(seen(Some(minute(59)), None, limit).await, due(119, 120));
            assert_eq!(seen(Some(minute(20)), Some(minute(20)), limit).await, due(1, 0));
            assert_eq!(seen(Some(minute(20)), Some(minute(10)), limit).await, due(1, 0));
            assert_eq!(seen(Some(minute(60)), None, limit).await, due(1, 0));
        }
    });
}

#[test]
fn exchanges_are_listed_by_either_account_without_anything_else() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("10000000", "1000.00").await;
        let mut exchanges: Vec<Arc<Record>> = Vec::new();
        for index in 0..40 {
            deposit(&bank, family.won, "1 KRW").await;
            let command = if index % 2 == 0 { buy(family, "1.00 USD") } else { sell(family, "1.00 USD") };
            exchanges.push(bank.done(command).await);
            bank.done(Command::Withdraw { account: family.foreign, amount: money("0.01 USD") }).await;
        }
        exchanges.reverse();
        for account in [family.won, family.foreign] {
            let mut listed: Vec<RecordPage> = Vec::new();
            loop {
                let before = listed.last().and_then(|page| page.next);
                listed.push(bank.engine.exchanges(account, Page { before, limit: 15, ..ALL }).await.unwrap());
                if listed.last().unwrap().next.is_none() {
                    break;
                }
            }
            assert_eq!(listed.iter().map(|page| page.records.len()).collect::<Vec<_>>(), [15, 15, 10]);
            assert!(listed.iter().flat_map(|page| &page.records).eq(&exchanges));
        }
    });
}

#[test]
fn an_account_that_is_not_there_has_empty_lists() {
    in_still_time(async {
        let bank = Bank::open().await;
        let Family { customer, won, .. } = bank.family("0", "0.00").await;
        let nowhere = AccountId::at(Position::new(LaneId::new(9).unwrap(), won.position().seq()));
        for account in [won, AccountId::at(customer.position()), nowhere] {
            let entries = bank.engine.entries(account, ALL).await.unwrap();
            assert_eq!(entries, EntryPage { entries: Vec::new(), next: None });
            let records = bank.engine.exchanges(account, ALL).await.unwrap();
            assert_eq!(records, RecordPage { records: Vec::new(), next: None });
        }
    });
}

#[test]
fn a_list_that_the_projections_do_not_reach_in_time_is_refused_as_overloaded() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000", "0.00").await;
        assert_eq!(bank.engine.entries(family.won, ALL).await.unwrap().entries.len(), 1);
        bank.store.set_outage(Outage::Writes);
        deposit(&bank, family.won, "1 KRW").await;
        let begun = tokio::time::Instant::now();
        let refused = bank.engine.entries(family.won, ALL).await;
        assert!(matches!(refused, Err(Refusal::Overloaded { limit: Overload::ProjectionLag, .. })), "{refused:?}");
        assert!((2..3).contains(&begun.elapsed().as_secs()));
        let rounds = bank.engine.rounds(currency("USD"), None, None, 10).await;
        assert_eq!(rounds.unwrap().rounds.len(), 1, "what needs no projection is read");
        bank.store.set_outage(Outage::None);
        assert_eq!(bank.engine.entries(family.won, ALL).await.unwrap().entries.len(), 2);
        bank.store.set_outage(Outage::Reads);
        assert_eq!(bank.engine.entries(family.won, ALL).await, Err(Refusal::NotDone(NotDone::LaneClosed)));
    });
}

#[test]
fn rounds_are_listed_as_they_stand_and_every_change_of_the_board_is_said() {
    in_still_time(async {
        let bank = Bank::open().await;
        let mut changes = bank.engine.board_changes();
        let first = *changes.borrow_and_update();
        for mid in ["1350.60", "1350.70"] {
            bank.publish("USD", mid).await.unwrap();
            assert!(changes.has_changed().unwrap(), "before the answer");
            let seq = *changes.borrow_and_update();
            assert!(seq > first);
            let newest = bank.engine.board().pair(currency("USD")).unwrap().rounds.last().unwrap().clone();
            assert_eq!(newest.mid.value(), mid.parse().unwrap());
        }
        assert!(!changes.has_changed().unwrap());
        bank.engine.halt(caller("ops", None), currency("JPY"), "looks wrong").await.unwrap();
        assert!(changes.has_changed().unwrap());

        let board = bank.engine.board();
        let due: Vec<Round> = board.pair(currency("USD")).unwrap().rounds.iter().rev().cloned().collect();
        let rounds = async |date, before| bank.engine.rounds(currency("USD"), date, before, 2).await.unwrap();
        let page = |rounds: &[Round], next| RoundPage { rounds: rounds.to_vec(), next };
        let place = (due[1].id.date, due[1].id.number);
        assert_eq!(rounds(None, None).await, page(&due[..2], Some(place)));
        assert_eq!(rounds(None, Some(place)).await, page(&due[2..], None));
        assert_eq!(rounds(Some(place.0), Some(place)).await, page(&due[2..], None));
        assert_eq!(rounds(Some(place.0.next()), None).await, page(&[], None));
        assert_eq!(bank.engine.rounds(currency("JPY"), None, None, 2).await, Ok(page(&[], None)));
    });
}

#[test]
fn customers_are_listed_with_their_openings_by_channel_and_reference() {
    in_still_time(async {
        let bank = Bank::open().await;
        let mut openings: Vec<Arc<Record>> = Vec::new();
        for index in 0..25 {
            let reference = (index % 5 == 0).then(|| "kim-1".into());
            let channel = (index % 2 == 0).then(|| "app".into());
            openings.push(bank.done(Command::OpenCustomer { reference, channel }).await);
        }
        let listed = async |channel: Option<&str>, reference: Option<&str>, limit: usize| {
            let (mut pages, mut after) = (Vec::new(), None);
            loop {
                let filter = CustomerFilter { channel: channel.map(Into::into), reference: reference.map(Into::into) };
                let page = bank.engine.customers(filter, after, limit).await.unwrap();
                assert!(
                    page.customers.iter().all(|customer| customer.state.id.position() == customer.opening.position)
                );
                after = page.next;
                pages.push(page.customers);
                if after.is_none() {
                    return pages;
                }
            }
        };
        let due = |step: usize, first: usize| openings.iter().skip(first).step_by(step).cloned().collect::<Vec<_>>();
        for (channel, reference, due) in [
            (None, None, due(1, 0)),
            (Some("app"), None, due(2, 0)),
            (Some("teller"), None, due(2, 1)), // whoever opens a customer without naming a channel is its channel
            (None, Some("kim-1"), due(5, 0)),
            (Some("teller"), Some("kim-1"), due(10, 5)),
            (Some("nobody"), None, Vec::new()),
        ] {
            for limit in [1, 4, 25, 1_000] {
                let pages = listed(channel, reference, limit).await;
                assert_eq!(pages.len(), due.len().div_ceil(limit).max(1), "none is empty after a full one");
                let all: Vec<Arc<Record>> = pages.into_iter().flatten().map(|customer| customer.opening).collect();
                assert_eq!(all, due, "{channel:?} {reference:?}");
            }
        }
    });
}

#[test]
fn reversals_stand_in_the_passbook_as_what_they_are_and_not_among_the_exchanges() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let exchange = bank.done(buy(family, "1.00 USD")).await;
        let reversal = bank.done(Command::Reverse { exchange: exchange.clone(), reason: "wrong".into() }).await;
        for account in [family.won, family.foreign] {
            let entries = bank.engine.entries(account, Page { limit: 2, ..ALL }).await.unwrap().entries;
            let seen: Vec<_> = entries.iter().map(|entry| (entry.kind, entry.position)).collect();
            assert_eq!(seen, [(EntryKind::Reversal, reversal.position), (EntryKind::Exchange, exchange.position)]);
            assert_eq!(bank.engine.exchanges(account, ALL).await.unwrap().records, std::slice::from_ref(&exchange));
        }
    });
}

#[test]
fn the_journal_of_a_lane_is_read_in_order_from_any_place() {
    in_still_time(async {
        let bank = Bank::open().await;
        bank.family("1000", "1.00").await;
        let rows = bank.store.rows(LaneId::FIRST);
        let mut read: Vec<Arc<Record>> = Vec::new();
        loop {
            let after = read.last().map_or(Seq::ZERO, |record| record.position.seq());
            let page = bank.engine.journal(LaneId::FIRST, after, 2).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= 2);
            read.extend(page);
        }
        assert!(read.iter().eq(rows.iter().map(|row| &row.record)));
        let system = bank.engine.journal(LaneId::SYSTEM, Seq::ZERO, 10).await.unwrap();
        assert!(system.iter().any(|record| matches!(record.event, Event::RoundPublished { .. })));
        assert!(bank.engine.journal(LaneId::new(9).unwrap(), Seq::ZERO, 10).await.unwrap().is_empty());
    });
}

#[test]
fn a_list_passes_the_door_like_everything_else() {
    in_still_time(async {
        let narrow = EngineLimits { in_flight_max: 1, ..EngineLimits::default() };
        let bank = Bank::open_at(TEN_O_CLOCK, narrow).await;
        let family = bank.family("1000", "0.00").await;
        bank.store.set_outage(Outage::Writes);
        deposit(&bank, family.won, "1 KRW").await;
        let (waits, refused) =
            tokio::join!(bank.engine.entries(family.won, ALL), bank.engine.rounds(currency("USD"), None, None, 10),);
        assert!(matches!(waits, Err(Refusal::Overloaded { limit: Overload::ProjectionLag, .. })), "{waits:?}");
        assert!(matches!(refused, Err(Refusal::Overloaded { limit: Overload::InFlight, .. })), "{refused:?}");
    });
}
