//! `run`: an engine of hwan under load, over HTTP; and how long its projections take to catch up.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use hwan_client::ServerAddr;

use crate::{
    cli::RunArguments,
    customers,
    drive::{self, CpuReader},
    http::{Customer, HttpTarget, server, settle::Settling},
    key::KeyClock,
    report::{Circumstances, RunReport},
    workload::{Spread, Workload},
};

/// Drives the server and reports; whether the run was good.
pub(crate) fn run(arguments: &RunArguments) -> Result<bool> {
    measure(arguments)?.publish(&arguments.result, &arguments.thresholds.thresholds())
}

/// Drives the server.
pub(crate) fn measure(arguments: &RunArguments) -> Result<RunReport> {
    let (server, customers) = prepare(arguments)?;
    let settling = Settling::new(&server, &arguments.admin_url, arguments.settle_max)?;
    settling.lag_records().with_context(|| {
        format!("the port at --admin-url {} does not say how far the projections are", arguments.admin_url)
    })?;
    let load = &arguments.load;
    let plan = load.plan(arguments.connections, arguments.batch.unwrap_or(1));
    let workload = Arc::new(Workload::new(load.mix, load.spread(), arguments.quotes, customers.len()));
    let keys = KeyClock::start();
    let target = Arc::new(HttpTarget { server, customers, batch: arguments.batch, deadline: arguments.deadline, keys });
    let began_unix_ms = keys.unix_ms();
    let mut cpu = CpuReader::new(arguments.server_pid, arguments.store_pid);
    let driven = drive::drive(&target, &plan, &workload, &mut cpu)?;
    let settled = settling.wait()?;
    let of = Circumstances {
        target: "hwan over http".to_owned(),
        began_unix_ms,
        batch: arguments.batch,
        customers: workload.customers(),
        spread: load.spread().to_string(),
        quotes_percent: arguments.quotes,
        cpu: cpu.taken()?,
        settled: Some((settled.at, settled.lag_records)),
        remarks: Vec::new(),
    };
    Ok(RunReport::new(&plan, &driven, of))
}

fn prepare(arguments: &RunArguments) -> Result<(ServerAddr, Arc<[Customer]>)> {
    ensure!(!arguments.load.duration.is_zero(), "--duration must be longer than nothing");
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
    let customers = file.customers.iter().map(Customer::new).collect::<Result<Vec<_>>>()?;
    Ok((server, customers.into()))
}
