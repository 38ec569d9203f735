//! `memory`: what the server holds resident with many customers stored and some of them active.

use std::{
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use hwan_client::{Client, MarketOrder, Money, Side};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::{
    cli::MemoryArguments, customers::SeededCustomer, http::server, number, procfs, progress::Progress, report, seed,
};

/// Resident memory of the server, in KiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct MemoryReport {
    accounts_stored: usize,
    accounts_touched: usize,
    rss_before_kib: u64,
    rss_after_kib: u64,
    rss_peak_kib: u64,
}

/// Seeds, touches, reports; whether it stayed within --max-rss-mib.
pub(crate) fn memory(arguments: &MemoryArguments) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(look(arguments))?;
    println!("accounts stored   {}", number::grouped(report.accounts_stored as u64));
    println!("accounts touched  {}", number::grouped(report.accounts_touched as u64));
    for (name, kib) in
        [("before", report.rss_before_kib), ("after", report.rss_after_kib), ("peak", report.rss_peak_kib)]
    {
        println!("resident {name:<8} {} MiB", number::grouped(kib / 1_024));
    }
    if let Some(path) = &arguments.json {
        report::write_json(path, &report)?;
    }
    let above = arguments.max_rss_mib.filter(|max| report.rss_after_kib > max.saturating_mul(1_024));
    if let Some(max) = above {
        println!("not good          more than {max} MiB resident after touching");
    }
    Ok(above.is_none())
}

async fn look(arguments: &MemoryArguments) -> Result<MemoryReport> {
    procfs::resident(arguments.server_pid)?; // a wrong pid shows before an hour of seeding
    let file = seed::ensure_customers(&arguments.seed).await?;
    let touched = arguments.active as usize / 2;
    ensure!(touched <= file.customers.len(), "--active {} needs {touched} customers", arguments.active);
    let accounts_stored = file.customers.len() * 2;
    let before = procfs::resident(arguments.server_pid)?;
    let client = server::client(&server::address(&arguments.seed.target)?, arguments.seed.connections);
    touch(&client, file.customers.into_iter().take(touched).collect(), arguments.seed.connections).await?;
    let after = procfs::resident(arguments.server_pid)?;
    Ok(MemoryReport {
        accounts_stored,
        accounts_touched: touched * 2,
        rss_before_kib: before.now_kib,
        rss_after_kib: after.now_kib,
        rss_peak_kib: after.peak_kib,
    })
}

/// An exchange on each customer: both accounts become active.
async fn touch(client: &Client, customers: Vec<SeededCustomer>, connections: u16) -> Result<()> {
    let customers: Arc<[SeededCustomer]> = customers.into();
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let (client, customers, next) = (client.clone(), customers.clone(), next.clone());
        workers.spawn(async move {
            while let Some(customer) = customers.get(next.fetch_add(1, Ordering::Relaxed)) {
                let order = MarketOrder::of_foreign(&customer.id, Side::Buy, Money::new("1.00", "USD"));
                let key = uuid::Uuid::now_v7().to_string();
                let done = client.execute_exchange(&order.into(), &key).await;
                done.with_context(|| format!("customer {} could not be touched", customer.id))?;
            }
            anyhow::Ok(())
        });
    }
    let mut progress = Progress::start("customers touched", customers.len() as u64);
    let mut tick = tokio::time::interval(Duration::from_millis(250));
    loop {
        tokio::select! {
            ended = workers.join_next() => match ended {
                None => return Ok(()),
                Some(ended) => ended.context("a worker panicked")??,
            },
            _ = tick.tick() => progress.show(next.load(Ordering::Relaxed).min(customers.len()) as u64, ""),
        }
    }
}
