//! `seed`: opens customers with money, many at once, and remembers their ids.
//!
//! Bounds: --connections customers at once, --time-max in all. A call that the server asks to repeat is repeated with
//! its key, [`ATTEMPTS_MAX`] times; any other failure ends the seeding, and what was done stays in the file.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hwan_client::{AccountKind, Answer, Client, ClientError, Money, Movement, NewCustomer};
use tokio::task::JoinSet;

use crate::{
    cli::SeedArguments,
    customers::{self, CustomersFile, CustomersWriter, SeededCustomer, Wealth},
    http::server,
    number,
    progress::Progress,
};

const ATTEMPTS_MAX: u32 = 8;

/// Brings the file to the number of customers that is asked for.
pub(crate) fn seed(arguments: &SeedArguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(ensure_customers(arguments)).map(drop)
}

/// The file's customers, after opening what was missing.
pub(crate) async fn ensure_customers(arguments: &SeedArguments) -> Result<CustomersFile> {
    let path = &arguments.customers_file;
    let wealth = if arguments.hot { Wealth::Hot } else { Wealth::Normal };
    let known = customers::read(path)?;
    let client = server::client(&server::address(&arguments.target)?, arguments.connections);
    server::probe(&client, known.as_ref()).await?;
    let present = known.as_ref().map_or(0, |known| known.customers.len());
    if let Some(known) = &known {
        ensure!(known.wealth == wealth, "{} was seeded {:?}, not {wealth:?}", path.display(), known.wealth);
    }
    let missing = arguments.customers.saturating_sub(u32::try_from(present)?);
    if missing > 0 {
        let writer = CustomersWriter::open(path, known.as_ref(), wealth)?;
        open_customers(&client, arguments, writer, wealth, missing).await?;
    }
    println!("{} holds {} customers", path.display(), number::grouped(present as u64 + u64::from(missing)));
    customers::read(path)?.with_context(|| format!("{} has gone", path.display()))
}

struct Shared {
    client: Client,
    wealth: Wealth,
    left: AtomicU32,
    done: AtomicU32,
    stop: AtomicBool,
    writer: Mutex<CustomersWriter>,
}

async fn open_customers(
    client: &Client,
    arguments: &SeedArguments,
    writer: CustomersWriter,
    wealth: Wealth,
    missing: u32,
) -> Result<()> {
    let shared = Arc::new(Shared {
        client: client.clone(),
        wealth,
        left: AtomicU32::new(missing),
        done: AtomicU32::new(0),
        stop: AtomicBool::new(false),
        writer: Mutex::new(writer),
    });
    let started = Instant::now();
    let mut progress = Progress::start("customers", missing.into());
    let mut workers = JoinSet::new();
    for _ in 0..arguments.connections {
        workers.spawn(open_until_done(shared.clone()));
    }
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    let mut failure = None;
    loop {
        tokio::select! {
            ended = workers.join_next() => match ended {
                None => break,
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => { shared.stop.store(true, Ordering::Relaxed); failure.get_or_insert(error); }
                Some(Err(panic)) => bail!("a worker panicked: {panic}"),
            },
            _ = tick.tick() => {
                let done = shared.done.load(Ordering::Relaxed).into();
                let elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                progress.show(done, &format!("{}/s", number::per_second(done, elapsed_us)));
                if started.elapsed() > arguments.time_max && !shared.stop.swap(true, Ordering::Relaxed) {
                    failure.get_or_insert(anyhow::anyhow!("--time-max is over"));
                }
            }
        }
    }
    shared.writer.lock().unwrap_or_else(PoisonError::into_inner).flush()?;
    match failure {
        None => Ok(()),
        Some(error) => {
            let done = shared.done.load(Ordering::Relaxed);
            Err(error.context(format!("seeding stopped after {done} of {missing} customers: run it again to go on")))
        }
    }
}

async fn open_until_done(shared: Arc<Shared>) -> Result<()> {
    let take = |left: u32| left.checked_sub(1);
    while !shared.stop.load(Ordering::Relaxed)
        && shared.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    {
        let customer = open_customer(&shared.client, shared.wealth).await?;
        shared.writer.lock().unwrap_or_else(PoisonError::into_inner).append(&customer)?;
        shared.done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn open_customer(client: &Client, wealth: Wealth) -> Result<SeededCustomer> {
    let (won, usd) = match wealth {
        Wealth::Normal => ("5000000", "5000.00"),
        Wealth::Hot => ("10000000000", "10000000.00"),
    };
    let new = NewCustomer::default();
    let id = patiently(|| client.open_customer(&new)).await.context("a customer was not opened")?.value.id;
    let mut accounts = Vec::with_capacity(2);
    for (kind, money) in [(AccountKind::Won, Money::new(won, "KRW")), (AccountKind::Foreign, Money::new(usd, "USD"))] {
        let account = patiently(|| client.open_account(&id, kind)).await.context("an account was not opened")?.value.id;
        let movement = Movement { account_id: account.clone(), amount: money };
        let key = uuid::Uuid::now_v7().to_string();
        patiently(|| client.deposit(&movement, &key)).await.context("a deposit was not made")?;
        accounts.push(account);
    }
    let mut accounts = accounts.into_iter();
    let (Some(won_account), Some(foreign_account)) = (accounts.next(), accounts.next()) else {
        bail!("two accounts are opened, always");
    };
    Ok(SeededCustomer { id, won_account, foreign_account })
}

/// Repeats a call as long as the server asks for it.
async fn patiently<T, F>(call: impl Fn() -> F) -> Result<Answer<T>, ClientError>
where
    F: Future<Output = Result<Answer<T>, ClientError>>,
{
    for _ in 1..ATTEMPTS_MAX {
        match call().await {
            Err(ClientError::Problem(problem)) if problem.retryable => {
                tokio::time::sleep(problem.retry_after.unwrap_or(Duration::from_millis(100))).await;
            }
            ended => return ended,
        }
    }
    call().await
}
