//! `run`: an engine of hwan under load, over HTTP; and how long its projections take to catch up.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use hwan_client::ServerAddr;

use crate::{
    cli::RunArguments,
    customers::{self, SeededCustomer},
    drive::{self, CpuReader, Target},
    http::{Customer, HttpTarget, server, settle::Settling},
    in_process,
    key::KeyClock,
    report::{Circumstances, RunReport},
    tally::Timeline,
    workload::{Spread, Workload},
};

/// Drives the server and reports; whether the run was good.
pub(crate) fn run(arguments: &RunArguments) -> Result<bool> {
    measure(arguments)?.publish(&arguments.result, &arguments.thresholds.thresholds())
}

/// What a run found, and its window second by second.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) report: RunReport,
    pub(crate) timeline: Timeline,
}

/// Drives the server, or an engine in this process.
pub(crate) fn measure(arguments: &RunArguments) -> Result<RunReport> {
    Ok(measure_by_seconds(arguments)?.report)
}

/// The same, with each second of the window.
pub(crate) fn measure_by_seconds(arguments: &RunArguments) -> Result<Measured> {
    ensure!(!arguments.load.duration.is_zero(), "--duration must be longer than nothing");
    let Some(config) = &arguments.in_process else {
        let keys = KeyClock::start();
        let (server, customers) = prepare(arguments)?;
        let count = customers.len();
        let customers = customers.iter().map(Customer::new).collect::<Result<Vec<_>>>()?.into();
        let (batch, deadline) = (arguments.batch, arguments.deadline);
        let target = HttpTarget { server: server.clone(), customers, batch, deadline, keys };
        return drive(arguments, "hwan over http", &server, (target, count), keys);
    };
    let running = in_process::Running::start(config)?;
    let (target, admin_url) = running.ports();
    let arguments = RunArguments { target, admin_url, ..arguments.clone() };
    let driven = drive_in_process(&arguments, &running);
    let stopped = running.stop();
    let measured = driven?;
    stopped.map(|()| measured)
}

fn drive_in_process(arguments: &RunArguments, running: &in_process::Running) -> Result<Measured> {
    let keys = KeyClock::start();
    let (server, customers) = prepare(arguments)?;
    let target = running.target(&customers, keys)?;
    let mut measured = drive(arguments, "hwan in process", &server, (target, customers.len()), keys)?;
    measured.report.remarks.push("client cpu is the engine's and the generator's".to_owned());
    Ok(measured)
}

fn drive<T: Target>(
    arguments: &RunArguments,
    name: &str,
    server: &ServerAddr,
    (target, customers): (T, usize),
    keys: KeyClock,
) -> Result<Measured> {
    let settling = Settling::new(server, &arguments.admin_url, arguments.settle_max)?;
    settling.lag_records().with_context(|| {
        format!("the port at --admin-url {} does not say how far the projections are", arguments.admin_url)
    })?;
    let load = &arguments.load;
    let plan = load.plan(arguments.connections, arguments.batch.unwrap_or(1));
    let workload = Arc::new(Workload::new(load.mix, load.spread(), arguments.quotes, customers));
    let mut cpu = CpuReader::new(arguments.server_pid, arguments.store_pid);
    let began_unix_ms = keys.unix_ms();
    let driven = drive::drive(&Arc::new(target), &plan, &workload, &mut cpu)?;
    let settled = settling.wait()?;
    let of = Circumstances {
        target: name.to_owned(),
        began_unix_ms,
        batch: arguments.batch,
        customers: workload.customers(),
        spread: load.spread().to_string(),
        quotes_percent: arguments.quotes,
        cpu: cpu.taken()?,
        settled: Some((settled.at, settled.lag_records)),
        remarks: Vec::new(),
    };
    let report = RunReport::new(&plan, &driven, of);
    Ok(Measured { report, timeline: driven.tally.timeline })
}

/// The server, and the customers that live in it.
fn prepare(arguments: &RunArguments) -> Result<(ServerAddr, Vec<SeededCustomer>)> {
    let path = &arguments.customers_file;
    let server = server::address(&arguments.target)?;
    let file = customers::read(path)?.with_context(|| format!("{} is not there: run seed first", path.display()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(server::probe(&server::client(&server, 1), Some(&file)))?;
    let present = file.customers.len();
    if let Spread::Hot { customers } = arguments.load.spread() {
        ensure!(customers as usize <= present, "{customers} hot customers, but the file holds {present}");
    }
    ensure!(present > 0, "{} holds no customer: run seed first", path.display());
    Ok((server, file.customers))
}
