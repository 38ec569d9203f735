//! Interest, from the façade down to real stores: exact, once for each day, whatever is repeated, restarted, or done at once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "store_mysql/server.rs"]
mod server;

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::future::join_all;
use hwan::{
    actors::{
        command::{Claim, Command, Delivery, Executed, Refusal},
        engine::{Engine, EngineLimits, EngineParts, Placement},
        interest::Claimed,
        view::InterestView,
    },
    clock::ManualClock,
    storage::{
        mysql::{MysqlOptions, MysqlStore},
        port::LedgerStore,
        sqlite::{SqliteOptions, SqliteStore},
    },
    verify::walk,
};
use hwan_domain::{
    account::AccountKind,
    check::{Check, Fact},
    guard::GuardPolicy,
    id::{AccountId, CustomerId, Position, Seq},
    interest::{Interest, RateLine, RateTable},
    limit::LimitPolicy,
    money::Money,
    record::{Event, KeyDigest, Record},
    rejection::Code,
    time::{BusinessDate, Timestamp},
};
use hwan_simulator::{
    bank::{caller, fact, money, teller},
    world::{currencies, currency, instant},
};
use server::{Scratch, Server, run};
use sqlx::{AssertSqlSafe, ConnectOptions as _, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// How long a lane may take to pass midnight, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a ledger lies.
enum Place {
    Sqlite(TempDir),
    Server(Scratch),
}

impl Place {
    async fn open(&self) -> Arc<dyn LedgerStore> {
        match self {
            Place::Sqlite(dir) => {
                Arc::new(SqliteStore::open(dir.path(), currencies(), SqliteOptions::default()).await.unwrap())
            }
            Place::Server(scratch) => {
                let options = MysqlOptions { lease: Duration::from_secs(2), ..MysqlOptions::at(scratch.url()) };
                Arc::new(MysqlStore::open(&options, currencies()).await.unwrap())
            }
        }
    }

    /// Writes behind the engine's back.
    async fn write(&self, sql: &str) -> u64 {
        match self {
            Place::Sqlite(dir) => {
                let file = dir.path().join("ledger.db");
                let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
                let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
                done.unwrap().rows_affected()
            }
            Place::Server(scratch) => run(&mut scratch.raw().await, sql).await,
        }
    }
}

fn two_percent() -> RateTable {
    let effective_from = date("2026-01-01");
    RateTable::new([RateLine { currency: currency("KRW"), effective_from, annual_percent: "2.0".parse().unwrap() }])
        .unwrap()
}

fn date(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

/// Ten o'clock of a day in Seoul.
fn ten_on(day: &str) -> Timestamp {
    instant(&format!("{day}T10:00:00+09:00"))
}

struct Bank {
    engine: Engine,
    store: Arc<dyn LedgerStore>,
    clock: Arc<ManualClock>,
}

impl Bank {
    async fn open(place: &Place, day: &str) -> Self {
        let clock = Arc::new(ManualClock::at(ten_on(day)));
        let store = place.open().await;
        let parts = EngineParts {
            store: store.clone(),
            clock: clock.clone(),
            business_day: hwan_domain::business_day::BusinessDay::SEOUL,
            currencies: currencies(),
            policy: LimitPolicy::default(),
            guard: GuardPolicy::default(),
            interest: Arc::new(two_percent()),
            quote_lifetime_max: Duration::from_secs(300),
            limits: EngineLimits::default(),
            outbox: None,
            placement: Placement::CallersThread,
        };
        Self { engine: Engine::start(parts).await.unwrap(), store, clock }
    }

    /// As a killed process leaves it: nothing is drained or told.
    async fn kill(self) {
        drop(self.engine);
        self.store.close().await;
    }

    async fn done(&self, command: Command) -> Arc<Record> {
        self.engine.execute(caller("teller", None), command).await.unwrap().record
    }

    async fn accounts(&self) -> (AccountId, AccountId) {
        let opened = self.done(Command::OpenCustomer { reference: None, channel: None }).await;
        let customer = CustomerId::at(opened.position);
        let open = async |kind| AccountId::at(self.done(Command::OpenAccount { customer, kind }).await.position);
        (open(AccountKind::Won).await, open(AccountKind::Foreign).await)
    }

    async fn deposit(&self, account: AccountId, won: i64) {
        self.done(Command::Deposit { account, amount: Money::won(won).unwrap() }).await;
    }

    /// Sets the clock, and waits until the customers' lane has passed on to that day.
    async fn pass_on_to(&self, day: &str, account: AccountId) {
        self.clock.set(ten_on(day));
        // A clock that jumps by days is followed for one: the command brings the lanes there, and does nothing where they are.
        let _there_already = self.engine.roll_date(caller("ops", None), date(day)).await;
        let passed = async {
            loop {
                let view = self.engine.account(&teller(), account).await;
                if view.is_ok_and(|view| view.is_some_and(|view| view.business_date == date(day))) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, passed).await.unwrap();
    }

    async fn claim(&self, key: &str, account: AccountId) -> Claimed {
        self.engine.pay_interest(caller("app", Some(key)), account).await.unwrap()
    }

    async fn refused(&self, account: AccountId) -> Code {
        match self.engine.pay_interest(caller("app", None), account).await {
            Err(Refusal::Rejected(rejection)) => rejection.code(),
            other => panic!("{other:?}"),
        }
    }

    async fn preview(&self, account: AccountId) -> InterestView {
        self.engine.interest(&teller(), account).await.unwrap().unwrap()
    }

    async fn held(&self, account: AccountId) -> i64 {
        let view = self.engine.account(&teller(), account).await.unwrap().unwrap();
        view.state.booked(currency("KRW")).minor()
    }

    /// Stops in order, and holds everything stored against the journal.
    async fn close(self, place: &Place) {
        self.engine.drain().await;
        drop(self);
        let store = place.open().await;
        let report = walk::verify(&*store, &mut |_| {}).await.unwrap();
        assert!(report.is_clean(), "{:?}", report.findings());
        store.close().await;
    }
}

fn paid(claimed: Claimed) -> Executed {
    match claimed {
        Claimed::Paid(executed) => executed,
        Claimed::Nothing(view) => panic!("nothing is due: {view:?}"),
    }
}

fn nothing(claimed: Claimed) -> Box<InterestView> {
    match claimed {
        Claimed::Nothing(view) => view,
        Claimed::Paid(executed) => panic!("paid: {executed:?}"),
    }
}

/// Gross, income tax, local tax, net.
fn numbers(record: &Record) -> [i64; 4] {
    let Event::InterestPaid { gross, income_tax, local_tax, credit, .. } = &record.event else { panic!("{record:?}") };
    [*gross, *income_tax, *local_tax, credit.amount].map(Money::minor)
}

fn previewed(interest: &Interest) -> [i64; 4] {
    [interest.gross, interest.income_tax, interest.local_tax, interest.net].map(Money::minor)
}

async fn the_numbers_are_exact_and_a_second_claim_pays_nothing(place: &Place) {
    let bank = Bank::open(place, "2026-11-22").await;
    let (ten, _) = bank.accounts().await;
    let (below, _) = bank.accounts().await;
    let (at, _) = bank.accounts().await;
    for (account, won) in [(ten, 10_000_000), (below, 9_124_999), (at, 9_125_000)] {
        bank.deposit(account, won).await;
    }
    assert!(bank.preview(ten).await.interest.is_none(), "no day is over yet");
    bank.pass_on_to("2026-11-23", ten).await;
    // What happens today is none of yesterday's closing.
    bank.deposit(ten, 5_000_000).await;
    for (account, expected) in [(ten, [547, 70, 0, 477]), (below, [499, 60, 0, 439]), (at, [500, 70, 0, 430])] {
        let preview = bank.preview(account).await;
        assert_eq!(preview.interest.as_ref().map(previewed), Some(expected));
        let record = paid(bank.claim(&format!("first-{account}"), account).await).record;
        assert_eq!(numbers(&record), expected);
        let again = nothing(bank.claim(&format!("second-{account}"), account).await);
        assert_eq!((again.interest, again.paid_through), (None, Some(date("2026-11-22"))));
    }
    assert_eq!(bank.held(ten).await, 15_000_477);
    bank.close(place).await;
}

async fn days_of_different_closings_add_up_and_the_tax_is_cut(place: &Place) {
    let bank = Bank::open(place, "2026-11-18").await;
    let (won, _) = bank.accounts().await;
    bank.deposit(won, 10_000_000).await;
    bank.pass_on_to("2026-11-21", won).await;
    bank.done(Command::Withdraw { account: won, amount: money("6000000 KRW") }).await;
    bank.pass_on_to("2026-11-23", won).await;
    let record = paid(bank.claim("once", won).await).record;
    assert_eq!(numbers(&record), [2_082, 290, 20, 1_772]);
    let Event::InterestPaid { from, through, .. } = record.event else { panic!() };
    assert_eq!((from, through), (date("2026-11-18"), date("2026-11-22")));
    // The next period begins where this one ended, and bears interest on the interest.
    bank.pass_on_to("2026-12-23", won).await;
    let record = paid(bank.claim("again", won).await).record;
    let Event::InterestPaid { from, through, accruals, .. } = &record.event else { panic!() };
    assert_eq!((*from, *through), (date("2026-11-23"), date("2026-12-22")));
    assert_eq!(accruals[0].closings_minor, 30 * 4_001_772);
    bank.close(place).await;
}

async fn fifty_claims_at_once_are_one_payment(place: &Place) {
    let bank = Bank::open(place, "2026-11-22").await;
    let (won, _) = bank.accounts().await;
    bank.deposit(won, 10_000_000).await;
    bank.pass_on_to("2026-11-23", won).await;
    let claims = (0..50).map(async |number| bank.claim(&format!("claim-{number}"), won).await);
    let claimed = join_all(claims).await;
    let payments = claimed.iter().filter(|claimed| matches!(claimed, Claimed::Paid(_))).count();
    assert_eq!((payments, bank.held(won).await), (1, 10_000_477));
    // The same key fifty times is one payment, and one answer.
    bank.pass_on_to("2026-11-24", won).await;
    let retries = join_all((0..50).map(async |_| paid(bank.claim("one", won).await))).await;
    assert!(retries.iter().all(|retry| retry.record == retries[0].record));
    assert_eq!(retries.iter().filter(|retry| retry.delivery == Delivery::First).count(), 1);
    assert_eq!(bank.held(won).await, 10_000_477 + 477);
    bank.close(place).await;
}

async fn a_retry_gets_the_first_answer_whatever_has_happened_since(place: &Place) {
    let bank = Bank::open(place, "2026-11-22").await;
    let (won, _) = bank.accounts().await;
    bank.deposit(won, 10_000_000).await;
    bank.pass_on_to("2026-11-23", won).await;
    let first = paid(bank.claim("once", won).await);
    assert_eq!(first.delivery, Delivery::First);
    let retry = paid(bank.claim("once", won).await);
    assert_eq!((retry.delivery, &retry.record), (Delivery::Replayed, &first.record));
    bank.kill().await;

    let bank = Bank::open(place, "2026-11-23").await;
    assert_eq!(bank.preview(won).await.paid_through, Some(date("2026-11-22")), "it lies in the account's row");
    nothing(bank.claim("another", won).await);
    bank.pass_on_to("2026-11-24", won).await;
    let retry = paid(bank.claim("once", won).await);
    assert_eq!((retry.delivery, &retry.record), (Delivery::Replayed, &first.record));
    // A key under which nothing was due is not used up.
    let second = paid(bank.claim("another", won).await);
    assert_eq!((second.delivery, numbers(&second.record)[0]), (Delivery::First, 547));
    assert_eq!(bank.held(won).await, 10_000_954);
    bank.close(place).await;
}

async fn a_period_that_memory_forgot_is_not_paid_again(place: &Place) {
    let bank = Bank::open(place, "2026-11-22").await;
    let (won, _) = bank.accounts().await;
    bank.deposit(won, 10_000_000).await;
    bank.pass_on_to("2026-11-23", won).await;
    let first = paid(bank.claim("once", won).await).record;
    bank.kill().await;
    assert_eq!(place.write("UPDATE account SET paid_through = NULL WHERE paid_through IS NOT NULL").await, 1);

    let bank = Bank::open(place, "2026-11-23").await;
    assert!(bank.preview(won).await.interest.is_some(), "the account's row has been made to forget it");
    nothing(bank.claim("again", won).await);
    assert_eq!(bank.held(won).await, 10_000_477);
    let used = KeyDigest::of_interest(won, date("2026-11-22"));
    let found = bank.store.find_keys(&[used]).await.unwrap();
    assert_eq!(found.iter().map(|(_, row)| row.record.position).collect::<Vec<_>>(), [first.position]);
    bank.engine.drain().await;
    let store = place.open().await;
    let report = walk::verify(&*store, &mut |_| {}).await.unwrap();
    assert!(report.findings().iter().any(|finding| finding.contains("paid through")), "{:?}", report.findings());
    store.close().await;
}

async fn midnight_between_reckoning_and_sequencing_leaves_the_new_day_open(place: &Place) {
    let bank = Bank::open(place, "2026-11-22").await;
    let (won, _) = bank.accounts().await;
    bank.deposit(won, 10_000_000).await;
    bank.pass_on_to("2026-11-23", won).await;
    let reckoned = Box::new(bank.preview(won).await.interest.unwrap());
    bank.pass_on_to("2026-11-24", won).await;
    let claim = |claim: &Interest| Command::PayInterest { account: won, claim: Claim::Due(Box::new(claim.clone())) };
    let record = bank.done(claim(&reckoned)).await;
    assert_eq!((numbers(&record), record.business_date), ([547, 70, 0, 477], date("2026-11-24")));
    // What was reckoned before another claim came first is not paid.
    match bank.engine.execute(caller("app", None), claim(&reckoned)).await {
        Err(Refusal::Rejected(rejection)) => assert_eq!(rejection.code(), Code::NothingAccrued),
        other => panic!("{other:?}"),
    }
    let next = paid(bank.claim("next", won).await).record;
    let Event::InterestPaid { from, through, .. } = next.event else { panic!() };
    assert_eq!((from, through), (date("2026-11-23"), date("2026-11-23")));
    bank.close(place).await;
}

async fn what_stands_against_a_credit_stands_against_interest(place: &Place) {
    let bank = Bank::open(place, "2026-11-22").await;
    let (won, foreign) = bank.accounts().await;
    bank.deposit(won, 10_000_000).await;
    let (empty, _) = bank.accounts().await;
    bank.pass_on_to("2026-11-23", won).await;
    let absent = AccountId::at(Position::new(won.lane(), Seq::new(900).unwrap()));
    assert_eq!(bank.refused(foreign).await, Code::InterestNotOffered);
    let not_offered = bank.engine.interest(&teller(), foreign).await;
    assert!(matches!(not_offered, Err(Refusal::Rejected(rejection)) if rejection.code() == Code::InterestNotOffered));
    assert_eq!(bank.refused(absent).await, Code::AccountNotFound);
    // Too little accrued: nothing is paid, and the days stay open.
    let view = nothing(bank.claim("empty", empty).await);
    assert_eq!((view.interest.map(|interest| interest.period.days()), view.paid_through), (Some(1), None));
    let fraud = |effective_to| Fact { effective_to, ..fact(Check::FraudReported, ten_on("2026-11-23")) };
    bank.done(Command::StateAccountFact { account: won, fact: fraud(None), expected: None }).await;
    assert_eq!(bank.refused(won).await, Code::FraudReported);
    let lifted = fraud(Some(ten_on("2026-11-23").plus_seconds(1)));
    bank.done(Command::StateAccountFact { account: won, fact: lifted, expected: None }).await;
    bank.clock.set(ten_on("2026-11-23").plus_seconds(2));
    assert_eq!(numbers(&paid(bank.claim("good", won).await).record)[3], 477);
    bank.done(Command::CloseAccount { account: empty, expected: None }).await;
    assert_eq!(bank.refused(empty).await, Code::AccountClosed);
    bank.close(place).await;
}

fn on(place: impl Future<Output = Place>, case: impl AsyncFnOnce(&Place)) {
    actix_rt::System::new().block_on(async {
        let place = place.await;
        case(&place).await;
    });
}

macro_rules! on_every_store {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $case() {
                super::on(async { super::Place::Sqlite(tempfile::tempdir().unwrap()) }, super::$case);
            })+
        }

        mod servers {
            $(#[test]
            fn $case() {
                for server in super::Server::ALL {
                    super::on(async { super::Place::Server(super::Scratch::create(server, "hwan_interest").await) }, super::$case);
                }
            })+
        }
    };
}

on_every_store! {
    the_numbers_are_exact_and_a_second_claim_pays_nothing,
    days_of_different_closings_add_up_and_the_tax_is_cut,
    fifty_claims_at_once_are_one_payment,
    a_retry_gets_the_first_answer_whatever_has_happened_since,
    a_period_that_memory_forgot_is_not_paid_again,
    midnight_between_reckoning_and_sequencing_leaves_the_new_day_open,
    what_stands_against_a_credit_stands_against_interest,
}
