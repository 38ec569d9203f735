//! The engine with its books embedded: whatever customers do, the books follow, balance, and agree with their accounts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{path::Path, sync::Arc, time::Duration};

use hwan::{
    accounting::{
        books::Books, catch_up::catch_up, embedded::EmbeddedBooks, event_reader::EventReader, poster::PosterParts,
    },
    actors::{
        command::{Command, Refusal},
        engine::{Engine, EngineLimits, EngineParts, Placement},
        interest::Claimed,
    },
    clock::{Clock as _, ManualClock},
    outbox::port::Follower,
    storage::{
        general_ledger::{
            conformance::chart,
            port::{GeneralLedger, Step},
        },
        port::{ChainHash, LedgerStore, StoreError},
        sqlite::{SqliteBooks, SqliteOptions, SqliteStore},
    },
};
use hwan_domain::{
    account::AccountKind,
    board::Publication,
    exchange::{Ask, Side},
    guard::{GuardPolicy, Proposal},
    id::{AccountId, CustomerId, LaneId, Seq},
    interest::{RateLine, RateTable},
    ledger::{JournalKind, Role},
    limit::LimitPolicy,
    record::{Event, Record},
    time::BusinessDate,
};
use hwan_simulator::{
    bank::{Family, TEN_O_CLOCK, caller, money, order},
    world::{currencies, currency, instant},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// How long the books may take to follow a few thousand records on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Bank {
    engine: Engine,
    store: Arc<SqliteStore>,
    ledger: Arc<SqliteBooks>,
    clock: Arc<ManualClock>,
}

async fn ledger(dir: &Path) -> Arc<SqliteBooks> {
    Arc::new(SqliteBooks::open(dir, currencies(), &chart(), &SqliteOptions::default()).await.unwrap())
}

/// What won bears.
fn two_percent() -> RateTable {
    let line = RateLine {
        currency: currency("KRW"),
        effective_from: BusinessDate::from_days(0),
        annual_percent: rust_decimal::Decimal::TWO,
    };
    RateTable::new([line]).unwrap()
}

fn follower(ledger: Arc<SqliteBooks>, clock: Arc<ManualClock>) -> EmbeddedBooks {
    let reader = EventReader::new(currencies());
    EmbeddedBooks::new(PosterParts { ledger, chart: chart(), reader, clock })
}

impl Bank {
    async fn open(dir: &Path, clock: &Arc<ManualClock>) -> Self {
        let store = Arc::new(SqliteStore::open(dir, currencies(), SqliteOptions::default()).await.unwrap());
        let ledger = ledger(dir).await;
        let parts = EngineParts {
            store: store.clone(),
            clock: clock.clone(),
            currencies: currencies(),
            business_day: hwan_domain::business_day::BusinessDay::SEOUL,
            policy: LimitPolicy::default(),
            guard: GuardPolicy::default(),
            interest: Arc::new(two_percent()),
            quote_lifetime_max: Duration::from_secs(300),
            limits: EngineLimits { customer_lanes: 2, ..EngineLimits::default() },
            outbox: Some(Arc::new(follower(ledger.clone(), clock.clone()))),
            placement: Placement::CallersThread,
        };
        let engine = Engine::start(parts).await.unwrap();
        Self { engine, store, ledger, clock: clock.clone() }
    }

    /// As a killed process leaves it: nothing is drained or told.
    async fn kill(self) {
        let Self { engine, store, ledger, .. } = self;
        drop(engine);
        // Only so that the files may be opened again in this process.
        ledger.close().await;
        store.close().await;
    }

    fn books(&self) -> Books {
        Books::new(self.ledger.clone(), chart())
    }

    async fn publish(&self, code: &str, mid: &str) {
        let publication = Publication {
            currency: currency(code),
            proposal: Proposal { mid: mid.parse().unwrap(), observed_at: self.clock.now(), sources: Vec::new() },
            valid_until: self.clock.now().plus_seconds(60 * 86_400),
            spread_percent: None,
            preference_percent: None,
        };
        self.engine.publish(caller("board", None), publication).await.unwrap();
    }

    async fn done(&self, command: Command) -> Arc<Record> {
        self.engine.execute(caller("teller", None), command).await.unwrap().record
    }

    async fn family(&self, won: &str) -> Family {
        let customer =
            CustomerId::at(self.done(Command::OpenCustomer { reference: None, channel: None }).await.position);
        let open = async |kind| AccountId::at(self.done(Command::OpenAccount { customer, kind }).await.position);
        let family = Family { customer, won: open(AccountKind::Won).await, foreign: open(AccountKind::Foreign).await };
        self.done(Command::Deposit { account: family.won, amount: money(won) }).await;
        family
    }

    /// Waits until the books have everything that is durable.
    async fn followed(&self) {
        let followed = async {
            loop {
                let heads = self.store.lane_heads().await.unwrap();
                let progress = self.books().progress().await.unwrap();
                let at = |lane| progress.iter().find(|of| of.lane == lane).map_or(Seq::ZERO, |of| of.seq);
                if let Some(stopped) = progress.iter().find_map(|of| of.stopped.clone()) {
                    panic!("{stopped}");
                }
                if heads.iter().all(|head| at(head.lane) == head.seq) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, followed).await.is_err() {
            let (heads, progress) = (self.store.lane_heads().await, self.books().progress().await);
            panic!("the books do not follow: {progress:?} of {heads:?}");
        }
    }

    /// Books and engine agree, in every way that there is.
    async fn agree(&self) {
        let books = self.books();
        assert_eq!(books.trial_balance(None).await.unwrap().unbalanced(), []);
        let proofs = books.compare(self.store.as_ref()).await.unwrap();
        assert!(proofs.len() >= 3, "{proofs:?}");
        for proof in &proofs {
            assert!(proof.agrees(), "{proof:?}");
        }
        assert!(proofs.iter().any(|proof| proof.compared.len() >= 3), "{proofs:?}");
    }
}

/// A random command of one of these families; what is refused changes nothing.
fn command(dice: &mut StdRng, families: &[Family], exchanges: &[Arc<Record>]) -> Command {
    let family = families[dice.random_range(0..families.len())];
    let code = if dice.random_bool(0.5) { "USD" } else { "JPY" };
    let some = |dice: &mut StdRng| match code {
        "USD" => money(&format!("{}.{:02} USD", dice.random_range(0..90), dice.random_range(1..100))),
        _ => money(&format!("{} JPY", dice.random_range(1..9_000))),
    };
    match dice.random_range(0..12) {
        0 => Command::Deposit { account: family.won, amount: money(&format!("{} KRW", dice.random_range(1..90_000))) },
        1 => Command::Withdraw { account: family.won, amount: money(&format!("{} KRW", dice.random_range(1..90_000))) },
        2 => Command::Withdraw { account: family.foreign, amount: some(dice) },
        3 => {
            let other = families[dice.random_range(0..families.len())];
            Command::Transfer { from: family.foreign, to: other.foreign, amount: some(dice) }
        }
        4 if !exchanges.is_empty() => {
            let exchange = exchanges[dice.random_range(0..exchanges.len())].clone();
            Command::Reverse { exchange, reason: "a test".into() }
        }
        number => {
            let side = if number % 2 == 0 { Side::Sell } else { Side::Buy };
            let mut order = order(family, side, Ask::Foreign(some(dice)));
            order.currency = currency(code);
            Command::Exchange(Box::new(hwan::actors::command::Order::AtMarket(order)))
        }
    }
}

#[test]
fn after_thousands_of_commands_and_restarts_the_books_balance_and_agree_with_every_account() {
    actix_rt::System::new().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let mut bank = Bank::open(dir.path(), &clock).await;
        bank.publish("USD", "1350.50").await;
        bank.publish("JPY", "934.06").await;
        let mut families = Vec::new();
        for _ in 0..8 {
            families.push(bank.family("9000000 KRW").await);
        }
        let mut dice = StdRng::seed_from_u64(7);
        let mut exchanges: Vec<Arc<Record>> = Vec::new();
        let (mut done, mut refused) = (0, 0);
        for round in 0..4 {
            for _ in 0..700 {
                match bank.engine.execute(caller("app", None), command(&mut dice, &families, &exchanges)).await {
                    Ok(executed) => {
                        done += 1;
                        if matches!(executed.record.event, Event::Exchanged { .. }) {
                            exchanges.push(executed.record);
                        }
                    }
                    Err(Refusal::Rejected(_)) => refused += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
            if round == 1 {
                // While the books lag behind, too: what the accounts hold is rolled back to where the books stand.
                bank.agree().await;
                clock.set(clock.now().plus_seconds(86_400));
                bank.family("5 KRW").await;
            }
            if round % 2 == 0 {
                bank.kill().await;
                bank = Bank::open(dir.path(), &clock).await;
            }
            bank.followed().await;
            bank.agree().await;
        }
        assert!(done > 1_500 && refused > 50, "{done} done, {refused} refused");
        let lanes: Vec<u16> = bank.books().progress().await.unwrap().iter().map(|of| of.lane.number()).collect();
        assert_eq!(lanes, [0, 1, 2]);
        bank.kill().await;
    });
}

#[test]
fn a_reversal_goes_back_through_the_position_at_its_original_numbers_and_waits_in_suspense_where_it_must() {
    actix_rt::System::new().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let bank = Bank::open(dir.path(), &clock).await;
        bank.publish("USD", "1350.50").await;
        let family = bank.family("270100 KRW").await;
        let buy = || {
            Command::Exchange(Box::new(hwan::actors::command::Order::AtMarket(order(
                family,
                Side::Buy,
                Ask::Foreign(money("100.00 USD")),
            ))))
        };
        let first = bank.done(buy()).await;
        let second = bank.done(buy()).await;
        clock.set(clock.now().plus_seconds(1));
        bank.publish("USD", "1360.50").await;
        let reverse = |exchange: &Arc<Record>| Command::Reverse { exchange: exchange.clone(), reason: "wrong".into() };
        let back = bank.done(reverse(&first)).await;
        bank.done(Command::Withdraw { account: family.won, amount: money("135050 KRW") }).await;
        bank.done(Command::CloseAccount { account: family.won, expected: None }).await;
        let waits = bank.done(reverse(&second)).await;
        bank.followed().await;
        bank.agree_on_one_lane().await;
        let books = bank.books();
        let journal = books.journal(back.position).await.unwrap().unwrap();
        assert_eq!(journal.kind, JournalKind::Reversal);
        let original = books.journal(first.position).await.unwrap().unwrap();
        for (entry, before) in journal.entries.iter().zip(&original.entries) {
            assert_eq!(entry.amount, before.amount);
        }
        let balance = books.trial_balance(None).await.unwrap();
        let usd = currency("USD");
        let turnover = |role| balance.turnover(chart().account_of(role, usd));
        assert_eq!(
            (turnover(Role::Position).debit_balance(), turnover(Role::PositionEquivalent).debit_balance()),
            (0, 0)
        );
        let suspense = balance.turnover(chart().account_of(Role::Suspense, currency("KRW")));
        assert_eq!(suspense.credit_balance(), 135_050);
        assert_eq!(books.journal(waits.position).await.unwrap().unwrap().kind, JournalKind::Reversal);
        bank.kill().await;
    });
}

#[test]
fn interest_is_one_journal_after_which_the_control_account_is_what_the_accounts_hold() {
    actix_rt::System::new().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let bank = Bank::open(dir.path(), &clock).await;
        let families = [bank.family("10000000 KRW").await, bank.family("9124999 KRW").await];
        clock.set(clock.now().plus_seconds(86_400));
        let mut paid = Vec::new();
        for (number, family) in families.iter().enumerate() {
            // Until its lane has passed midnight nothing is due.
            let record = loop {
                let key = format!("claim-{number}");
                match bank.engine.pay_interest(caller("app", Some(&key)), family.won).await.unwrap() {
                    Claimed::Paid(executed) => break executed.record,
                    Claimed::Nothing(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            };
            paid.push(record);
        }
        bank.followed().await;
        bank.agree_on_one_lane().await;
        let books = bank.books();
        let journal = books.journal(paid[0].position).await.unwrap().unwrap();
        assert_eq!((journal.kind, journal.balanced(), journal.entries.len()), (JournalKind::Interest, Ok(()), 5));
        let balance = books.trial_balance(None).await.unwrap();
        let of = |role| balance.turnover(chart().account(role));
        assert_eq!(of(Role::InterestExpense).debit_balance(), 547 + 499);
        assert_eq!((of(Role::AccruedInterest).debit, of(Role::AccruedInterest).debit_balance()), (547 + 499, 0));
        assert_eq!(of(Role::WithholdingTax).credit_balance(), 70 + 60);
        assert_eq!(of(Role::WonDeposits).credit_balance(), 10_000_000 + 9_124_999 + 477 + 439);
        bank.kill().await;
    });
}

impl Bank {
    async fn head(&self, lane: LaneId) -> Seq {
        self.store.lane_heads().await.unwrap().into_iter().find(|head| head.lane == lane).unwrap().seq
    }

    /// The same where there were few customers.
    async fn agree_on_one_lane(&self) {
        let proofs = self.books().compare(self.store.as_ref()).await.unwrap();
        assert!(proofs.iter().all(hwan::accounting::compare::LaneProof::agrees), "{proofs:?}");
    }
}

#[test]
fn a_lane_that_has_less_than_its_books_or_another_record_there_does_not_open() {
    actix_rt::System::new().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let bank = Bank::open(dir.path(), &clock).await;
        bank.family("5 KRW").await;
        bank.followed().await;
        let lane = LaneId::FIRST;
        let head = bank.store.lane_heads().await.unwrap().into_iter().find(|head| head.lane == lane).unwrap();
        let follower = follower(bank.ledger.clone(), clock.clone());
        follower.accept(lane, (head.seq, head.hash), bank.store.as_ref()).await.unwrap();
        // The books have one record more than the lane; then they have another record in its place.
        let cursor = bank.ledger.enter(lane).await.unwrap().cursor;
        let step = Step {
            lane,
            from: cursor.seq,
            revision: cursor.revision,
            seq: cursor.seq.next().unwrap(),
            hash: ChainHash([9; 32]),
            at: cursor.at,
            business_date: cursor.business_date,
            offset: None,
            journals: Vec::new(),
            turnovers: Vec::new(),
            days: Vec::new(),
            trail: vec![ChainHash([9; 32])],
            dead_letters: Vec::new(),
        };
        bank.ledger.post(&step).await.unwrap();
        let refused = follower.accept(lane, (head.seq, head.hash), bank.store.as_ref()).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Damaged(text) if text.contains("which is posted")), "{refused}");
        let proofs = bank.books().compare(bank.store.as_ref()).await.unwrap();
        let proof = proofs.iter().find(|proof| proof.lane == lane).unwrap();
        assert!(!proof.agrees() && proof.fault.as_ref().unwrap().contains("went back"), "{proof:?}");
        bank.kill().await;
    });
}

/// Has the books hold so many won more in a lane's control account than were posted, as a person with a shell could.
async fn tamper(ledger: &SqliteBooks, lane: LaneId, won: i128) {
    let books = ledger.enter(lane).await.unwrap();
    let mut line = books.today.into_iter().find(|line| line.account == chart().account(Role::WonDeposits)).unwrap();
    line.turnover.credit += won;
    let cursor = books.cursor;
    let step = Step {
        lane,
        from: cursor.seq,
        revision: cursor.revision,
        seq: cursor.seq,
        hash: cursor.hash,
        at: cursor.at,
        business_date: cursor.business_date,
        offset: None,
        journals: Vec::new(),
        turnovers: vec![(cursor.business_date.unwrap(), line)],
        days: Vec::new(),
        trail: Vec::new(),
        dead_letters: Vec::new(),
    };
    ledger.post(&step).await.unwrap();
}

#[test]
fn what_differs_from_the_accounts_is_found_to_the_unit() {
    actix_rt::System::new().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let bank = Bank::open(dir.path(), &clock).await;
        let lane = bank.family("5 KRW").await.customer.lane();
        bank.followed().await;
        tamper(&bank.ledger, lane, 1).await;
        let proofs = bank.books().compare(bank.store.as_ref()).await.unwrap();
        let proof = proofs.iter().find(|proof| proof.lane == lane).unwrap();
        assert!(!proof.agrees() && proof.fault.is_none());
        assert_eq!((proof.compared[0].customers, proof.compared[0].control), (5, 6));
        assert_eq!(bank.books().trial_balance(None).await.unwrap().unbalanced().len(), 1);
        bank.kill().await;
    });
}

#[test]
fn a_lane_whose_books_stop_says_why_while_exchanges_and_other_lanes_go_on_and_goes_on_once_it_is_mended() {
    actix_rt::System::new().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let bank = Bank::open(dir.path(), &clock).await;
        let family = bank.family("5 KRW").await;
        let mut other = bank.family("5 KRW").await;
        while other.customer.lane() == family.customer.lane() {
            other = bank.family("5 KRW").await;
        }
        bank.followed().await;
        let lane = family.customer.lane();
        tamper(&bank.ledger, lane, 7).await;
        bank.kill().await;
        let bank = Bank::open(dir.path(), &clock).await;
        for of in [family, other, family] {
            bank.done(Command::Deposit { account: of.won, amount: money("1 KRW") }).await;
        }
        let stopped = async || {
            let progress = bank.books().progress().await.unwrap();
            let of = |lane| progress.iter().find(|of| of.lane == lane).unwrap().clone();
            (of(lane), of(other.customer.lane()))
        };
        let told = async {
            while stopped().await.0.stopped.is_none() || stopped().await.1.seq < bank.head(other.customer.lane()).await
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.unwrap();
        let (here, there) = stopped().await;
        let reason = here.stopped.unwrap();
        assert!(reason.contains("control account of KRW stands at 13") && reason.contains("hold 6"), "{reason}");
        assert_eq!((there.stopped, here.seq < bank.head(lane).await), (None, true));
        let view = bank.engine.lanes().into_iter().find(|view| view.lane == lane).unwrap();
        assert!(view.published.unwrap() < view.durable, "what waits is seen");
        tamper(&bank.ledger, lane, -7).await;
        let goes_on = async {
            while stopped().await.0.stopped.is_some() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, goes_on).await.unwrap();
        bank.followed().await;
        bank.agree_on_one_lane().await;
        bank.kill().await;
    });
}

#[test]
fn books_that_were_lost_or_fell_behind_are_caught_up_from_the_journal_and_doing_it_again_posts_nothing() {
    actix_rt::System::new().block_on(async {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let bank = Bank::open(dir.path(), &clock).await;
        bank.publish("USD", "1350.50").await;
        let families = [bank.family("9000000 KRW").await, bank.family("9000000 KRW").await];
        let mut dice = StdRng::seed_from_u64(11);
        for _ in 0..300 {
            let _refused_or_not = bank.engine.execute(caller("app", None), command(&mut dice, &families, &[])).await;
        }
        bank.followed().await;
        let followed = bank.books().trial_balance(None).await.unwrap();
        // New books, as after the loss of a file: everything comes from the journal.
        let anew = ledger(elsewhere.path()).await;
        let parts = PosterParts { ledger: anew.clone(), chart: chart(), reader: EventReader::new(currencies()), clock };
        let lanes: Vec<LaneId> = bank.store.lane_heads().await.unwrap().iter().map(|head| head.lane).collect();
        let store: Arc<dyn LedgerStore> = bank.store.clone();
        let mut told = 0;
        let done = catch_up(&parts, &store, &lanes, &mut |_, _| told += 1).await.unwrap();
        assert!(told >= lanes.len() && done.iter().all(|of| of.from == Seq::ZERO && of.stopped.is_none()), "{done:?}");
        let caught_up = Books::new(anew.clone(), chart());
        assert_eq!(caught_up.trial_balance(None).await.unwrap(), followed);
        for proof in caught_up.compare(store.as_ref()).await.unwrap() {
            assert!(proof.agrees(), "{proof:?}");
        }
        let again = catch_up(&parts, &store, &lanes, &mut |_, _| panic!("nothing is left to post")).await.unwrap();
        assert!(again.iter().all(|of| of.from == of.to), "{again:?}");
        assert_eq!(caught_up.trial_balance(None).await.unwrap(), followed);
        // What is not this ledger's record stops the lane's books, and everything before it stays.
        tamper(&anew, lanes[1], 3).await;
        bank.done(Command::Deposit { account: families[0].won, amount: money("1 KRW") }).await;
        bank.done(Command::Deposit { account: families[1].won, amount: money("1 KRW") }).await;
        let wrong = catch_up(&parts, &store, &lanes, &mut |_, _| ()).await.unwrap();
        let stopped = wrong.iter().find(|of| of.lane == lanes[1]).unwrap();
        assert!(stopped.stopped.as_ref().is_some_and(|reason| reason.contains("control account")), "{wrong:?}");
        anew.close().await;
        bank.kill().await;
    });
}
