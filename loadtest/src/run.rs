//! `run`: threads, connections, the window that is measured, and the report.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use hwan_client::ServerAddr;
use rand::{SeedableRng, rngs::StdRng};
use tokio::task::JoinSet;

use crate::{
    cli::RunArguments,
    customers,
    key::KeyClock,
    number, procfs,
    progress::Progress,
    report::{self, Latency, RunReport, Thresholds},
    tally::Tally,
    target,
    worker::{self, Drive, Driven, Window},
};

/// Drives the server and reports; whether the run was good.
pub(crate) fn run(arguments: &RunArguments) -> Result<bool> {
    let (server, customers) = prepare(arguments)?;
    let report = measure(arguments, &server, &customers)?;
    print!("{}", report.table());
    if let Some(path) = &arguments.json {
        report::write_json(path, &report)?;
    }
    let thresholds =
        Thresholds { min_rate: arguments.min_rate, max_p99_ms: arguments.max_p99_ms, expect: arguments.expect.clone() };
    let faults = report.faults(&thresholds);
    for fault in &faults {
        println!("{:<14} {fault}", "not good");
    }
    Ok(faults.is_empty())
}

fn prepare(arguments: &RunArguments) -> Result<(ServerAddr, Arc<[Driven]>)> {
    ensure!(!arguments.duration.is_zero(), "--duration must be longer than nothing");
    let path = &arguments.customers_file;
    let server = target::server(&arguments.target)?;
    let file = customers::read(path)?.with_context(|| format!("{} is not there: run seed first", path.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(target::probe(&target::client(&server, 1), Some(&file)))?;
    let wanted = arguments.hot.map_or(file.customers.len(), |hot| hot as usize);
    ensure!(wanted <= file.customers.len(), "--hot {wanted}, but the file holds {} customers", file.customers.len());
    let driven: Vec<Driven> = file.customers.iter().take(wanted).map(Driven::new).collect::<Result<_>>()?;
    ensure!(!driven.is_empty(), "{} holds no customer: run seed first", path.display());
    Ok((server, driven.into()))
}

fn measure(arguments: &RunArguments, server: &ServerAddr, customers: &Arc<[Driven]>) -> Result<RunReport> {
    let begun = Instant::now();
    let from = begun + arguments.warmup;
    let window = Window { from, to: from + arguments.duration };
    let answered = Arc::new(AtomicU64::new(0));
    let keys = KeyClock::start();
    let mut threads = Vec::new();
    for index in 0..arguments.threads {
        let drive = Arc::new(Drive {
            server: server.clone(),
            customers: customers.clone(),
            mix: arguments.mix,
            batch: arguments.batch,
            window,
            deadline: arguments.deadline,
            keys,
            tally: Mutex::new(Tally::new()?),
            answered: answered.clone(),
        });
        // Connections are dealt out evenly; the first threads take the remainder.
        let remainder = u16::from(index < arguments.connections % arguments.threads);
        let connections = arguments.connections / arguments.threads + remainder;
        threads.push(thread::spawn(move || drive_thread(drive, connections)));
    }
    let cpu = watch(arguments, window, &answered)?;
    let mut tally = Tally::new()?;
    for thread in threads {
        tally.add(&thread.join().map_err(|_| anyhow!("a thread of the generator panicked"))??)?;
    }
    let measured_us = u64::try_from(arguments.duration.as_micros())?;
    Ok(RunReport {
        batch: arguments.batch,
        connections: arguments.connections,
        threads: arguments.threads,
        customers: customers.len(),
        measured_us,
        executed: tally.executed,
        requests: tally.latency_us.len(),
        exchanges_per_second: number::per_second(tally.executed, measured_us),
        latency_us: Latency::of(&tally),
        other_outcomes: tally.others.iter().map(|(outcome, count)| (outcome.name(), *count)).collect(),
        server_cpu_us: cpu.server_us,
        client_cpu_us: cpu.client_us,
    })
}

fn drive_thread(drive: Arc<Drive>, connections: u16) -> Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            workers.spawn(worker::work(drive.clone(), StdRng::from_rng(&mut rand::rng())));
        }
        while let Some(ended) = workers.join_next().await {
            ended.context("a connection's worker panicked")??;
        }
        Ok(drive.tally.lock().unwrap_or_else(PoisonError::into_inner).clone())
    })
}

/// CPU taken while measuring.
struct CpuTaken {
    server_us: Option<u64>,
    client_us: u64,
}

/// Shows progress until the window closes, and reads the CPU at both of its ends.
fn watch(arguments: &RunArguments, window: Window, answered: &AtomicU64) -> Result<CpuTaken> {
    let read = || -> Result<(Option<u64>, u64)> {
        Ok((arguments.server_pid.map(procfs::cpu_us).transpose()?, procfs::cpu_us(std::process::id())?))
    };
    let seconds = (arguments.warmup + arguments.duration).as_secs();
    let begun = Instant::now();
    let mut progress = Progress::start("seconds", seconds);
    let mut shown = (Instant::now(), 0);
    let mut show_until = |until: Instant| {
        while let left = until.saturating_duration_since(Instant::now())
            && !left.is_zero()
        {
            thread::sleep(left.min(Duration::from_millis(500)));
            let total = answered.load(Ordering::Relaxed);
            let since_us = u64::try_from(shown.0.elapsed().as_micros()).unwrap_or(u64::MAX);
            let rate = number::grouped(number::per_second(total - shown.1, since_us)); // of exchanges, whatever became of them
            let phase = if Instant::now() < window.from { "warming up, " } else { "" };
            progress.show(begun.elapsed().as_secs(), &format!("{phase}{rate} exchanges/s"));
            shown = (Instant::now(), total);
        }
    };
    show_until(window.from);
    let at_start = read()?;
    show_until(window.to);
    let at_end = read()?;
    let server_us = at_end.0.zip(at_start.0).map(|(end, start)| end.saturating_sub(start));
    Ok(CpuTaken { server_us, client_us: at_end.1.saturating_sub(at_start.1) })
}
