//! The poster of a lane, fed by hand: repeats, gaps, other hashes, broken chains, poison, what does not balance, control accounts
//! that differ, redelivery; from records and from their texts alike.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{path::Path, sync::Arc};

use hwan::{
    accounting::{
        books::{Books, DeadLetterKind},
        event_reader::EventReader,
        incoming::{Content, Delivered, Incoming},
        poster::{LanePoster, PosterParts, Taken},
        verdict::{Stop, Verdict},
    },
    clock::ManualClock,
    storage::{
        codec,
        conformance::fixture::{Family, Scribe, currencies, money, seq, ten_o_clock, terms},
        general_ledger::{conformance::chart, port::GeneralLedger},
        port::{ChainHash, Epoch, JournalRow, TakenLane},
        sqlite::{SqliteBooks, SqliteOptions},
    },
};
use hwan_domain::{
    control::ControlTotals,
    exchange::Side,
    id::{LaneId, Position, Seq},
    ledger::{Role, positions},
    rate::Rate,
    record::{Cover, Event, Record},
    time::BusinessDate,
};
use tempfile::TempDir;

/// Whether what comes is the record itself or its text alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Record,
    Text,
}

struct Office {
    dir: TempDir,
    ledger: Arc<dyn GeneralLedger>,
}

async fn open(dir: &Path) -> Arc<dyn GeneralLedger> {
    Arc::new(SqliteBooks::open(dir, currencies(), &chart(), &SqliteOptions::default()).await.unwrap())
}

impl Office {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(dir.path()).await;
        Self { dir, ledger }
    }

    async fn reopen(&mut self) {
        self.ledger.close().await;
        self.ledger = open(self.dir.path()).await;
    }

    async fn poster(&self) -> LanePoster {
        let parts = PosterParts {
            ledger: Arc::clone(&self.ledger),
            chart: chart(),
            reader: EventReader::new(currencies()),
            clock: Arc::new(ManualClock::at(ten_o_clock())),
        };
        LanePoster::open(parts, LaneId::FIRST).await.unwrap()
    }

    fn books(&self) -> Books {
        Books::new(Arc::clone(&self.ledger), chart())
    }

    async fn balanced(&self) {
        assert_eq!(self.books().trial_balance(None).await.unwrap().unbalanced(), []);
    }
}

fn scribe() -> Scribe {
    let taken = TakenLane {
        epoch: Epoch(1),
        seq: Seq::ZERO,
        hash: ChainHash::GENESIS,
        last: None,
        projected: Seq::ZERO,
        totals: ControlTotals::default(),
    };
    Scribe::taken(LaneId::FIRST, &taken)
}

/// A family with money, exchanges, a reversal: fourteen records or so.
fn history() -> Vec<JournalRow> {
    let mut scribe = scribe();
    let family = scribe.open_family();
    let mut rows = live(&mut scribe, family);
    scribe.roll_date();
    rows.extend(live(&mut scribe, family));
    rows
}

fn live(scribe: &mut Scribe, family: Family) -> Vec<JournalRow> {
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.buy(family, money("100.00", "USD"));
    let mut rows = scribe.batch().rows;
    let exchange = Arc::clone(&rows.last().unwrap().record);
    scribe.reverse(&exchange, false);
    scribe.buy(family, money("33.33", "USD"));
    scribe.withdraw(family.won, money("7", "KRW"));
    scribe.withdraw(family.foreign, money("1.05", "USD"));
    rows.extend(scribe.batch().rows);
    rows
}

fn incoming(rows: &[JournalRow], form: Form) -> Vec<Incoming> {
    let mut previous = ChainHash::GENESIS;
    let mut events = Vec::new();
    for row in rows {
        let record = (form == Form::Record).then(|| Arc::clone(&row.record));
        let delivered = Delivered {
            position: row.record.position,
            previous: (row.record.position.seq() == seq(1) || previous != ChainHash::GENESIS).then_some(previous),
            hash: row.hash,
            body: Arc::from(row.body.as_bytes()),
            record,
        };
        let offset = (form == Form::Text).then(|| i64::try_from(row.record.position.seq().number()).unwrap() + 100);
        events.push(Incoming { offset, content: Content::Record(delivered) });
        previous = row.hash;
    }
    events
}

/// The same rows with another text at one place, chained again as somebody else would have.
fn forged(rows: &[JournalRow], at: usize, change: impl Fn(&str) -> String) -> Vec<Incoming> {
    let mut events = incoming(rows, Form::Text);
    let mut hash = if at == 0 { ChainHash::GENESIS } else { rows[at - 1].hash };
    for (index, event) in events.iter_mut().enumerate().skip(at) {
        let Content::Record(delivered) = &mut event.content else { unreachable!() };
        if index == at {
            delivered.body = Arc::from(change(&rows[at].body).as_bytes());
        }
        delivered.previous = Some(hash);
        hash = codec::chain_bytes(hash, &delivered.body);
        delivered.hash = hash;
    }
    events
}

fn verdict(stop: Stop) -> Verdict {
    match stop {
        Stop::Lane { verdict, .. } => verdict,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn records_and_their_texts_are_posted_alike_however_they_are_dealt_out() {
    let rows = history();
    let mut seen = Vec::new();
    for form in [Form::Record, Form::Text] {
        for size in [1, 3, rows.len()] {
            let office = Office::new().await;
            let mut poster = office.poster().await;
            let mut taken = 0;
            for events in incoming(&rows, form).chunks(size) {
                taken += poster.take(events).await.unwrap().records;
            }
            assert_eq!(taken, rows.len() as u64);
            let books = office.books();
            let progress = books.progress().await.unwrap();
            assert_eq!((progress[0].seq, progress[0].hash), (seq(rows.len() as u64), rows.last().unwrap().hash));
            assert_eq!((progress[0].stopped.clone(), progress[0].dead_letters), (None, 0));
            let offset = office.ledger.cursors().await.unwrap()[0].offset;
            assert_eq!(offset, (form == Form::Text).then(|| i64::try_from(rows.len()).unwrap() + 101));
            office.balanced().await;
            let control = books.control_totals(LaneId::FIRST).await.unwrap();
            for total in &rows.last().unwrap().record.totals {
                assert_eq!(control.minor(total.currency), total.minor);
            }
            seen.push(books.trial_balance(None).await.unwrap());
            let first_day = rows[0].record.business_date;
            let earlier = books.trial_balance(Some(first_day)).await.unwrap();
            assert_eq!(earlier.unbalanced(), []);
            assert!(earlier != books.trial_balance(Some(first_day.next())).await.unwrap());
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_repeat_changes_nothing_and_another_hash_stops_the_lane() {
    let rows = history();
    let mut office = Office::new().await;
    let events = incoming(&rows, Form::Text);
    office.poster().await.take(&events[..9]).await.unwrap();
    let before = office.books().trial_balance(None).await.unwrap();
    office.reopen().await;
    let mut poster = office.poster().await;
    assert_eq!(poster.take(&events[..9]).await.unwrap(), Taken { records: 0, repeats: 9, put_aside: vec![] });
    // Twice within one batch, too.
    let twice: Vec<Incoming> = events[5..].iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    let taken = poster.take(&twice).await.unwrap();
    assert_eq!((taken.records, taken.repeats), (rows.len() as u64 - 9, 4 + rows.len() as u64 - 5));
    assert!(before != office.books().trial_balance(None).await.unwrap());
    for other_at in [0, 4, rows.len() - 1] {
        let other = forged(&rows, other_at, |text| text.replacen("scribe", "forger", 1));
        let stopped = verdict(poster.take(&other[other_at..]).await.unwrap_err());
        assert!(matches!(stopped, Verdict::AnotherHash { position, .. } if position == rows[other_at].record.position));
        let progress = office.books().progress().await.unwrap();
        assert!(progress[0].stopped.as_ref().unwrap().contains("another hash"), "{progress:?}");
    }
    office.balanced().await;
}

#[tokio::test]
async fn a_gap_stops_the_lane_with_what_came_before_it_posted_and_it_goes_on_once_it_is_filled() {
    let rows = history();
    let office = Office::new().await;
    let mut poster = office.poster().await;
    let mut events = incoming(&rows, Form::Text);
    let missing = events.remove(6);
    let stopped = verdict(poster.take(&events).await.unwrap_err());
    assert_eq!(stopped, Verdict::Gap { expected: seq(7), found: seq(8) });
    let progress = office.books().progress().await.unwrap();
    assert_eq!(progress[0].seq, seq(6));
    assert!(progress[0].stopped.as_ref().unwrap().contains("gap: record 8 came where 7 was expected"));
    events.insert(6, missing);
    let taken = poster.take(&events).await.unwrap();
    assert_eq!((taken.records, taken.repeats), (rows.len() as u64 - 6, 6));
    assert_eq!(office.books().progress().await.unwrap()[0].stopped, None);
    office.balanced().await;
}

#[tokio::test]
async fn a_text_that_is_not_what_its_hash_says_and_a_record_after_another_stop_the_lane() {
    let rows = history();
    let office = Office::new().await;
    let mut poster = office.poster().await;
    let mut changed = incoming(&rows, Form::Text);
    if let Content::Record(delivered) = &mut changed[4].content {
        delivered.body = Arc::from(rows[4].body.replacen("135050", "135051", 1).as_bytes());
    }
    let stopped = verdict(poster.take(&changed).await.unwrap_err());
    assert!(matches!(stopped, Verdict::BrokenChain { position, .. } if position.seq() == seq(5)));
    // Another history from record 5 on: right in itself, and not what follows here.
    let other = forged(&rows, 3, |text| text.replacen("scribe", "forger", 1));
    let stopped = verdict(poster.take(&other[4..]).await.unwrap_err());
    assert!(matches!(stopped, Verdict::BrokenChain { position, .. } if position.seq() == seq(5)));
    let mut wrong_lane = incoming(&rows, Form::Text);
    if let Content::Record(delivered) = &mut wrong_lane[4].content {
        delivered.position = Position::new(LaneId::SYSTEM, seq(5));
    }
    assert!(matches!(verdict(poster.take(&wrong_lane).await.unwrap_err()), Verdict::WrongLane { .. }));
    assert_eq!(office.books().progress().await.unwrap()[0].seq, seq(4));
    poster.take(&incoming(&rows, Form::Text)).await.unwrap();
    office.balanced().await;
}

#[tokio::test]
async fn a_poison_record_is_put_aside_with_its_reason_and_the_lane_goes_on() {
    let rows = history();
    let office = Office::new().await;
    let mut poster = office.poster().await;
    let poisoned = forged(&rows, 4, |text| text.replacen("\"exchanged\"", "\"exhausted\"", 1));
    let mut events = poisoned.clone();
    events.insert(
        7,
        Incoming {
            offset: Some(0),
            content: Content::Stray { body: b"\xff\0hello".to_vec(), reason: "no headers".into() },
        },
    );
    let taken = poster.take(&events).await.unwrap();
    assert_eq!((taken.records, taken.put_aside.len()), (rows.len() as u64, 2));
    let books = office.books();
    let letters = books.dead_letters(Some(LaneId::FIRST), None, 10).await.unwrap();
    assert_eq!(letters.len(), 2);
    assert!(letters[0].kind == DeadLetterKind::Record && letters[0].position.seq() == seq(5));
    assert!(letters[0].reason.contains("\"exhausted\" moves money and is not known"), "{}", letters[0].reason);
    assert!(letters[0].text().contains("exhausted"));
    assert!(letters[1].kind == DeadLetterKind::Stray && letters[1].reason == "no headers");
    assert_eq!(books.progress().await.unwrap()[0].dead_letters, 1);
    office.balanced().await;
    // Again, and nothing new is put aside.
    poster.take(&poisoned).await.unwrap();
    assert_eq!(books.dead_letters(None, None, 10).await.unwrap().len(), 2);
    // What still cannot be read stays.
    let reader = EventReader::new(currencies());
    let redelivered = books.redeliver(&reader, None, ten_o_clock()).await.unwrap();
    assert_eq!((redelivered.posted.len(), redelivered.left.len()), (0, 2));
}

/// Rows with a transfer at index 4 whose sides differ.
fn with_unbalanced() -> Vec<JournalRow> {
    let mut rows = history();
    let mut hash = rows[3].hash;
    for (index, row) in rows.iter_mut().enumerate().skip(4) {
        if index == 4 {
            let Event::Exchanged { debit, credit, .. } = row.record.event.clone() else { panic!("an exchange") };
            let credit = hwan_domain::record::Leg { amount: money("9", "KRW"), ..credit };
            let event = Event::Transferred { debit, credit, limited_won: None };
            row.record = Arc::new(Record { event, ..row.record.as_ref().clone() });
            row.body = codec::encode(&row.record).into();
        }
        hash = codec::chain(hash, &row.body);
        row.hash = hash;
    }
    rows
}

#[tokio::test]
async fn a_record_whose_date_goes_back_is_put_aside_and_never_posted_on_the_day_that_is_over() {
    let mut rows = history();
    let mut hash = rows[3].hash;
    for (index, row) in rows.iter_mut().enumerate().skip(4) {
        if index == 4 {
            let date = BusinessDate::from_days(row.record.business_date.days() - 1);
            row.record = Arc::new(Record { business_date: date, ..row.record.as_ref().clone() });
            row.body = codec::encode(&row.record).into();
        }
        hash = codec::chain(hash, &row.body);
        row.hash = hash;
    }
    let office = Office::new().await;
    office.poster().await.take(&incoming(&rows, Form::Text)).await.unwrap();
    let before = office.books().trial_balance(None).await.unwrap();
    let redelivered = office.books().redeliver(&EventReader::new(currencies()), None, ten_o_clock()).await.unwrap();
    assert!(redelivered.posted.is_empty());
    let (position, reason) = &redelivered.left[0];
    assert_eq!(*position, rows[4].record.position);
    assert!(reason.contains("was over where the record stands, or is closed"), "{reason}");
    assert_eq!(office.books().trial_balance(None).await.unwrap(), before);
}

#[tokio::test]
async fn what_does_not_balance_is_put_aside_and_never_posted() {
    for form in [Form::Record, Form::Text] {
        let office = Office::new().await;
        let rows = with_unbalanced();
        let taken = office.poster().await.take(&incoming(&rows, form)).await.unwrap();
        assert_eq!((taken.records, taken.put_aside.len()), (rows.len() as u64, 1));
        let letters = office.books().dead_letters(None, None, 10).await.unwrap();
        assert!(letters[0].reason.contains("unbalanced: 135050 debited and 9 credited"), "{}", letters[0].reason);
        assert_eq!(office.books().journal(letters[0].position).await.unwrap(), None);
        office.balanced().await;
    }
}

#[tokio::test]
async fn control_accounts_that_differ_stop_the_lane_with_the_evidence() {
    let rows = history();
    let office = Office::new().await;
    let mut poster = office.poster().await;
    let lied = forged(&rows, 5, |text| {
        assert!(text.contains("\"totals\":{\"KRW\":\"1000000\""), "{text}");
        text.replacen("\"totals\":{\"KRW\":\"1000000\"", "\"totals\":{\"KRW\":\"1000001\"", 1)
    });
    match verdict(poster.take(&lied).await.unwrap_err()) {
        Verdict::ControlMismatch { position, ledger, engine, .. } => {
            assert_eq!((position.seq(), ledger, engine), (seq(6), 1_000_000, 1_000_001));
        }
        other => panic!("{other}"),
    }
    assert_eq!(office.books().progress().await.unwrap()[0].seq, seq(5));
    poster.take(&incoming(&rows, Form::Text)).await.unwrap();
}

#[tokio::test]
async fn what_was_put_aside_is_posted_once_when_it_can_be_and_control_accounts_are_judged_again() {
    let rows = history();
    let mut office = Office::new().await;
    let mut poster = office.poster().await;
    // Only won until now: a program that knows no dollars puts aside what has any.
    let only_won = hwan_domain::currency::CurrencySet::new(
        currencies().iter().filter(|(currency, _)| currency.is_home()).map(|(_, spec)| spec.clone()).collect(),
    )
    .unwrap();
    let parts = PosterParts {
        ledger: Arc::clone(&office.ledger),
        chart: chart(),
        reader: EventReader::new(Arc::new(only_won)),
        clock: Arc::new(ManualClock::at(ten_o_clock())),
    };
    let events = incoming(&rows, Form::Text);
    let poor = LanePoster::open(parts, LaneId::FIRST).await.unwrap().take(&events[..8]).await.unwrap();
    assert_eq!((poor.records, poor.put_aside.len()), (8, 3));
    let reader = EventReader::new(currencies());
    let redelivered = office.books().redeliver(&reader, Some(LaneId::FIRST), ten_o_clock()).await.unwrap();
    assert_eq!((redelivered.posted.len(), redelivered.left.len()), (3, 0));
    let again = office.books().redeliver(&reader, None, ten_o_clock()).await.unwrap();
    assert!(again.posted.is_empty() && again.left.is_empty());
    // A poster that was open meanwhile keeps turnovers in memory: it learns that they are stale, and loses nothing.
    poster.take(&events).await.unwrap();
    office.reopen().await;
    let straight = Office::new().await;
    straight.poster().await.take(&events).await.unwrap();
    assert_eq!(office.books().trial_balance(None).await.unwrap(), straight.books().trial_balance(None).await.unwrap());
    assert_eq!(office.books().progress().await.unwrap()[0].dead_letters, 0);
}

#[tokio::test]
async fn a_sale_that_is_covered_in_the_market_earns_150_won() {
    let mut scribe = scribe();
    let family = scribe.open_family();
    scribe.deposit(family.won, money("135050", "KRW"));
    scribe.buy(family, money("100.00", "USD"));
    let mid = terms(Side::Buy).mid;
    let cover = Cover {
        side: Side::Buy,
        amount: money("100.00", "USD"),
        won: money("134900", "KRW"),
        rate: Rate::new("1349".parse().unwrap(), 1).unwrap(),
        reference: Some("deal 7".into()),
    };
    scribe.write(Event::Covered { cover });
    let rows = scribe.batch().rows;
    let office = Office::new().await;
    office.poster().await.take(&incoming(&rows, Form::Text)).await.unwrap();
    let books = office.books();
    let balance = books.trial_balance(None).await.unwrap();
    let position = positions(books.chart(), &balance)[0];
    let valued = position.valued(mid).unwrap();
    assert_eq!((position.open(), valued.total, valued.realised), (0, 150.into(), 150.into()));
    let usd = money("1.00", "USD").currency();
    let equivalent = balance.turnover(chart().account_of(Role::PositionEquivalent, usd));
    assert_eq!(equivalent.credit_balance(), 150);
    let cover = books.journal(rows.last().unwrap().record.position).await.unwrap().unwrap();
    assert_eq!(cover.reference.as_deref(), Some("deal 7"));
    office.balanced().await;
}

#[tokio::test]
async fn two_posters_of_one_lane_post_everything_once() {
    let rows = history();
    let office = Office::new().await;
    let events = incoming(&rows, Form::Text);
    let (mut one, mut other) = (office.poster().await, office.poster().await);
    let mut records = 0;
    for event in events.chunks(2) {
        records += one.take(event).await.unwrap().records;
        records += other.take(event).await.unwrap().records;
    }
    assert_eq!(records, rows.len() as u64);
    office.balanced().await;
    let again = Office::new().await;
    again.poster().await.take(&events).await.unwrap();
    assert_eq!(office.books().trial_balance(None).await.unwrap(), again.books().trial_balance(None).await.unwrap());
}
