//! Lists: pages join up, windows are exact at their ends, and no page looks at more than its bound.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a case of the suite is a test")]

use std::sync::Arc;

use hwan_domain::{
    customer::CustomerState,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    record::{Event, Record},
    round::{Round, RoundStatus},
    time::Timestamp,
};

use super::{
    Subject,
    fixture::{Family, Scribe, currency, lane, money, records, round, seq, ten_o_clock},
};
use crate::storage::{
    listing::{CustomerQuery, ENTRIES_PER_PAGE_MAX, EntryKind, PassbookPage, PassbookQuery, RoundQuery, Window},
    port::{LedgerStore, PassbookEntry, StateWrite},
};

async fn begin(store: &dyn LedgerStore) -> Scribe {
    Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap())
}

/// Commits and projects all that was written since.
async fn settle(store: &dyn LedgerStore, scribe: &mut Scribe) -> Vec<Arc<Record>> {
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    let records = records(&batch);
    store.project(LaneId::FIRST, batch.from, &records).await.unwrap();
    records
}

fn all(account: AccountId, limit: usize) -> PassbookQuery {
    PassbookQuery { account, window: Window::default(), only: None, before: None, limit }
}

/// Walks a list to its end; every page but the last says where the next begins.
async fn walk(store: &dyn LedgerStore, query: PassbookQuery) -> Vec<PassbookPage> {
    let mut pages: Vec<PassbookPage> = Vec::new();
    loop {
        let before = pages.last().and_then(|page| page.next).or(query.before);
        let page = store.passbook_page(&PassbookQuery { before, ..query }).await.unwrap();
        assert!(page.entries.len() <= query.limit, "{} entries", page.entries.len());
        let is_last = page.next.is_none();
        pages.push(page);
        if is_last {
            return pages;
        }
    }
}

fn entries(pages: Vec<PassbookPage>) -> Vec<PassbookEntry> {
    pages.into_iter().flat_map(|page| page.entries).collect()
}

async fn newest_first(store: &dyn LedgerStore, account: AccountId) -> Vec<PassbookEntry> {
    let mut passbook = store.passbook(account, 0, usize::MAX).await.unwrap();
    passbook.reverse();
    passbook
}

/// A family with 63 postings of every kind on the won account.
async fn written(store: &dyn LedgerStore, scribe: &mut Scribe) -> Family {
    let family = scribe.open_family();
    for _ in 0..21 {
        scribe.deposit(family.won, money("10000", "KRW"));
        scribe.buy(family, money("1.00", "USD"));
        scribe.withdraw(family.won, money("1", "KRW"));
    }
    settle(store, scribe).await;
    family
}

/// Pages of any size, joined, are the passbook turned round: no gap, no repeat, also where it grows meanwhile; each entry
/// says what its record did. An account that nobody has, or that holds nothing, has one empty page.
pub async fn pages_of_a_passbook_join_up(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let (family, silent) = (written(&*store, &mut scribe).await, scribe.open_family());
    settle(&*store, &mut scribe).await;
    let whole = newest_first(&*store, family.won).await;
    assert_eq!(whole.len(), 63);
    let kinds: Vec<EntryKind> = whole[..3].iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Withdrawal, EntryKind::Exchange, EntryKind::Deposit]);
    for limit in [1, 7, 21, 62, 63, 64, 1_000] {
        let pages = walk(&*store, all(family.won, limit)).await;
        assert_eq!(pages.len(), 63_usize.div_ceil(limit), "no page is empty, all but the last are full");
        assert_eq!(entries(pages), whole, "by {limit}");
    }
    assert_eq!(store.passbook_page(&all(family.won, 0)).await.unwrap().entries, whole[..1], "a page has one at least");

    let first = store.passbook_page(&all(family.won, 10)).await.unwrap();
    scribe.deposit(family.won, money("1", "KRW"));
    settle(&*store, &mut scribe).await;
    let rest = walk(&*store, PassbookQuery { before: first.next, ..all(family.won, 10) }).await;
    assert_eq!(entries([vec![first], rest].concat()), whole, "what came meanwhile is above all that is listed");

    let stranger = AccountId::at(Position::new(lane(9), seq(9)));
    for account in [silent.won, stranger] {
        let window = Window { from: Some(ten_o_clock()), to: Some(Timestamp::MAX) };
        for query in [all(account, 10), PassbookQuery { window, before: Some(5), ..all(account, 10) }] {
            assert_eq!(store.passbook_page(&query).await.unwrap(), PassbookPage::default());
        }
    }
}

/// A passbook is current as soon as it has all that is committed of its account, whatever of others is still to come.
pub async fn a_passbook_is_current_once_its_own_postings_are_projected(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let (one, other) = (scribe.open_family(), scribe.open_family());
    scribe.deposit(one.won, money("1000000", "KRW"));
    scribe.buy(one, money("1.00", "USD"));
    let first = scribe.head().0;
    scribe.deposit(other.won, money("5", "KRW"));
    let batch = scribe.batch();
    let is_current = async |account| store.passbook_is_current(account).await.unwrap();
    assert!(is_current(one.won).await, "nothing is committed");
    store.commit(&batch).await.unwrap();
    assert_eq!([is_current(one.won).await, is_current(one.foreign).await], [false, false]);
    assert!(is_current(other.foreign).await, "it has no postings");
    let records = records(&batch);
    let (some, rest) = records.split_at(usize::try_from(first.number()).unwrap());
    store.project(LaneId::FIRST, Seq::ZERO, some).await.unwrap();
    assert_eq!([is_current(one.won).await, is_current(one.foreign).await], [true, true]);
    assert!(!is_current(other.won).await);
    store.project(LaneId::FIRST, first, rest).await.unwrap();
    assert!(is_current(other.won).await);
}

/// A window holds the instants from its first to before its end, to the microsecond; records of one instant stay
/// together; one that is open, empty or crossed is no special case; pages within it join up.
pub async fn a_window_of_a_passbook_is_exact_at_its_ends(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let family = written(&*store, &mut scribe).await;
    scribe.set_pace(0);
    for _ in 0..5 {
        scribe.deposit(family.won, money("1", "KRW")); // at the instant of the last
    }
    scribe.set_pace(1);
    scribe.buy(family, money("1.00", "USD"));
    settle(&*store, &mut scribe).await;
    let whole = newest_first(&*store, family.won).await;
    assert_eq!((whole.len(), whole[1].at, whole[7].at == whole[6].at), (69, whole[6].at, false));
    let mut instants: Vec<Timestamp> =
        whole.iter().flat_map(|entry| [-1, 0, 1].map(|by| entry.at.plus_micros(by))).collect();
    instants.dedup();
    let mut ends: Vec<Option<Timestamp>> = instants.iter().step_by(7).copied().map(Some).collect();
    ends.extend([None, Some(whole[1].at), Some(whole[0].at), Some(whole[68].at), Some(Timestamp::MAX)]);
    for from in &ends {
        for to in &ends {
            let window = Window { from: *from, to: *to };
            let due: Vec<&PassbookEntry> = whole
                .iter()
                .filter(|entry| from.is_none_or(|from| from <= entry.at) && to.is_none_or(|to| entry.at < to))
                .collect();
            let page = store.passbook_page(&PassbookQuery { window, ..all(family.won, 100) }).await.unwrap();
            assert!(page.entries.iter().eq(due.iter().copied()), "{window:?}: {page:?} is not {due:?}");
            assert_eq!(page.next, None, "{window:?}");
        }
    }
    let window = Window { from: Some(whole[60].at), to: Some(whole[0].at) };
    let pages = walk(&*store, PassbookQuery { window, ..all(family.won, 7) }).await;
    assert_eq!(entries(pages), whole[1..=60]);
}

/// Of a passbook's entries those of one kind: a page that has looked at as many as it may says where to go on, even
/// with nothing in it; within a window it never looks beyond.
pub async fn entries_of_one_kind_are_found_in_bounded_pages(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let family = written(&*store, &mut scribe).await;
    for _ in 0..2 * ENTRIES_PER_PAGE_MAX + 100 {
        scribe.deposit(family.won, money("1", "KRW"));
    }
    settle(&*store, &mut scribe).await;
    scribe.buy(family, money("1.00", "USD"));
    let last = settle(&*store, &mut scribe).await;
    let exchanges = |limit| PassbookQuery { only: Some(EntryKind::Exchange), ..all(family.won, limit) };
    let due: Vec<PassbookEntry> = newest_first(&*store, family.won).await;
    let due: Vec<PassbookEntry> = due.into_iter().filter(|entry| entry.kind == EntryKind::Exchange).collect();
    assert_eq!(due.len(), 22);
    for limit in [1, 5, 20, 22, 1_000] {
        let pages = walk(&*store, exchanges(limit)).await;
        assert!(pages.iter().any(|page| page.entries.is_empty()), "by {limit}: a desert between two exchanges");
        assert!(pages.len() <= 22_usize.div_ceil(limit) + 3, "{} pages by {limit}", pages.len());
        assert_eq!(entries(pages), due, "by {limit}");
    }
    // As many as a page takes lead to no page after it where there is no other.
    let window = Window { from: None, to: Some(due[0].at) };
    let oldest = PassbookQuery { window, before: Some(due[1].version + 1), ..exchanges(21) };
    assert_eq!(store.passbook_page(&oldest).await.unwrap(), PassbookPage { entries: due[1..].to_vec(), next: None });
    let window = Window { from: Some(last[0].at), to: None };
    let newest = PassbookPage { entries: due[..1].to_vec(), next: None };
    assert_eq!(store.passbook_page(&PassbookQuery { window, ..exchanges(21) }).await.unwrap(), newest);
    // A page of all kinds is bounded likewise.
    let most = usize::try_from(ENTRIES_PER_PAGE_MAX).unwrap();
    assert_eq!(store.passbook_page(&all(family.won, usize::MAX)).await.unwrap().entries.len(), most);
}

/// Records come back by place, any number at once, in the order asked for; a place without a record is left out.
pub async fn records_come_back_by_place(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let family = scribe.open_family();
    for _ in 0..400 {
        scribe.deposit(family.won, money("1", "KRW"));
    }
    let all = settle(&*store, &mut scribe).await;
    assert!(store.records(&[]).await.unwrap().is_empty());
    for count in [1, 2, 15, 16, 17, 300, 403] {
        let due: Vec<Arc<Record>> = all.iter().rev().take(count).cloned().collect();
        let mut places: Vec<Position> = due.iter().map(|record| record.position).collect();
        places.insert(count / 2, Position::new(LaneId::FIRST, seq(10_000)));
        places.push(Position::new(lane(7), seq(1)));
        places.push(Position::new(LaneId::FIRST, Seq::ZERO));
        assert_eq!(store.records(&places).await.unwrap(), due);
    }
}

/// Customers are listed by id, all of them or those of one channel, of one reference, or both; pages join up.
pub async fn customers_are_listed_in_the_order_of_their_opening(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut opened: Vec<CustomerState> = Vec::new();
    for number in [2, 1] {
        let mut scribe = Scribe::taken(lane(number), &store.take_lane(lane(number)).await.unwrap());
        for index in 0..20 {
            let channel = ["app", "branch", "app-2"][index % 3];
            let reference = [None, Some("kim-1"), Some("kim-10"), Some("KIM-1")][index % 4];
            let event = Event::CustomerOpened { reference: reference.map(Into::into), channel: Some(channel.into()) };
            let id = CustomerId::at(scribe.write(event));
            let state = CustomerState::opened(id, channel.into(), reference.map(Into::into));
            scribe.leave(StateWrite::Customer(state.clone()));
            opened.push(state);
        }
        store.commit(&scribe.batch()).await.unwrap();
    }
    opened.sort_by_key(|customer| customer.id);
    let channels = [None, Some("app"), Some("branch"), Some("App"), Some("")];
    let references = [None, Some("kim-1"), Some("KIM-1"), Some("kim-"), Some("")];
    for (channel, reference) in
        channels.into_iter().flat_map(|channel| references.map(|reference| (channel, reference)))
    {
        let due: Vec<CustomerState> = opened
            .iter()
            .filter(|customer| channel.is_none_or(|channel| &*customer.channel == channel))
            .filter(|customer| reference.is_none() || customer.reference.as_deref() == reference)
            .cloned()
            .collect();
        for limit in [1, 7, 40, 100] {
            let mut listed: Vec<CustomerState> = Vec::new();
            loop {
                let (channel, reference) = (channel.map(Into::into), reference.map(Into::into));
                let after = listed.last().map(|customer| customer.id);
                let page = store.customers(&CustomerQuery { channel, reference, after, limit }).await.unwrap();
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
            }
            assert_eq!(listed, due, "{channel:?} {reference:?} by {limit}");
        }
    }
}

/// Rounds are listed newest first, of one currency, of one date or of all, as they stand; pages join up.
pub async fn rounds_are_listed_newest_first(subject: &mut dyn Subject) {
    let store = subject.store();
    let mut scribe = begin(&*store).await;
    let today = ten_o_clock().seoul_date();
    let mut published: Vec<Round> = Vec::new();
    for (date, count) in [(today, 3), (today.next(), 12), (today.next().next(), 1)] {
        published.extend((1..=count).map(|number| round(date, number, "1350.50")));
    }
    published[4].status = RoundStatus::Voided;
    for round in &published {
        scribe.write_with(None, Event::RoundPublished { round: round.clone(), findings: Vec::new() });
        scribe.leave(StateWrite::Round(round.clone()));
    }
    store.commit(&scribe.batch()).await.unwrap();
    published.reverse();
    let query = RoundQuery { currency: currency("USD"), date: None, before: None, limit: 100 };
    for (date, due) in [
        (None, &published[..]),
        (Some(today.next()), &published[1..13]),
        (Some(today), &published[13..]),
        (Some(today.next().next().next()), &[]),
    ] {
        for limit in [1, 2, 5, 16, 100] {
            let mut listed: Vec<Round> = Vec::new();
            loop {
                let before = listed.last().map(|round| (round.id.date, round.id.number));
                let page = store.rounds(&RoundQuery { date, before, limit, ..query }).await.unwrap();
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
            }
            assert_eq!(listed, due, "{date:?} by {limit}");
        }
    }
    assert!(store.rounds(&RoundQuery { currency: currency("JPY"), ..query }).await.unwrap().is_empty());
}
