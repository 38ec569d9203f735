//! `compare`: the engine and its alternatives in turn, on the same machine, the same database server and the same
//! spread of exchanges, several rounds; and how many times as fast the engine is.

mod ratio;
mod result;

use anyhow::Result;

use self::result::{Compared, Comparison};
use crate::{
    baseline::{Bench, sweep},
    cli::{BaselineKind, CompareArguments, ResultArguments, RunArguments, SeedArguments, ThresholdArguments},
    drive::CpuReader,
    http, run, seed,
    started::{DATABASE, ServerPlace, StartedServer},
    workload::Spread,
};

/// How long seeding may take.
const SEED_MAX: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Compares; whether the engine is as fast as it shall be.
pub(crate) fn compare(arguments: &CompareArguments) -> Result<bool> {
    let benches = prepare_alternatives(arguments)?;
    let engine = Engine::prepare(arguments)?;
    let mut comparison = Comparison::new(arguments.rounds);
    for round in 1..=arguments.rounds {
        eprintln!("... round {round} of {}: hwan", arguments.rounds);
        comparison.add(None, engine.measure(arguments)?);
        for (kind, bench, connections, remarks) in &benches {
            eprintln!("... round {round} of {}: {}", arguments.rounds, kind.name());
            let cpu = CpuReader::new(None, arguments.store_pid);
            comparison.add(Some(*kind), bench.measure(*connections, cpu, remarks.clone())?);
        }
    }
    engine.stop()?;
    let compared: Compared = comparison.compared();
    compared.publish(&arguments.result, arguments.min_rate, &arguments.min_ratio)
}

/// An alternative, over so many connections, with remarks for its report.
type Prepared = (BaselineKind, Bench, u16, Vec<String>);

fn prepare_alternatives(arguments: &CompareArguments) -> Result<Vec<Prepared>> {
    let prepare = |kind: &BaselineKind| {
        let bench = Bench::new(&arguments.database, *kind, arguments.customers, &arguments.load)?;
        let mut remarks = vec![bench.describe()?];
        let connections = match arguments.baseline_connections {
            Some(connections) => connections,
            None => {
                eprintln!("... {}: which number of connections is best", kind.name());
                let (connections, tried) = sweep::best(&bench, arguments.sweep_duration)?;
                remarks.extend(tried);
                connections
            }
        };
        Ok((*kind, bench, connections, remarks))
    };
    arguments.kinds.iter().map(prepare).collect()
}

/// The engine: a server that is started here, or one that runs already.
struct Engine {
    run: RunArguments,
    started: Option<(ServerPlace, StartedServer)>,
}

impl Engine {
    fn prepare(arguments: &CompareArguments) -> Result<Self> {
        let mut run = RunArguments {
            target: arguments.target.clone(),
            admin_url: arguments.admin_url.clone(),
            in_process: None,
            customers_file: arguments.customers_file.clone(),
            load: arguments.load.clone(),
            connections: arguments.connections,
            batch: arguments.batch,
            quotes: 0,
            deadline: std::time::Duration::from_secs(10),
            settle_max: std::time::Duration::from_secs(300),
            server_pid: arguments.server_pid,
            store_pid: arguments.store_pid,
            result: ResultArguments::default(),
            thresholds: ThresholdArguments::default(),
        };
        let Some(program) = &arguments.start_server else { return Ok(Self { run, started: None }) };
        let place = ServerPlace::fresh(program, Some(&arguments.database.mysql_url), &arguments.server_env)?;
        let started = place.start(&[])?;
        run.target = started.target();
        run.admin_url = started.admin_url();
        run.customers_file = place.customers_file();
        run.server_pid = Some(started.pid());
        eprintln!("... seeding {} customers", arguments.customers);
        seed::seed(&SeedArguments {
            target: run.target.clone(),
            customers: arguments.customers,
            customers_file: run.customers_file.clone(),
            hot: matches!(arguments.load.spread(), Spread::Hot { .. }),
            connections: 256,
            time_max: SEED_MAX,
        })?;
        let server = http::server::address(&run.target)?;
        http::settle::Settling::new(&server, &run.admin_url, run.settle_max)?.wait()?;
        Ok(Self { run, started: Some((place, started)) })
    }

    fn measure(&self, arguments: &CompareArguments) -> Result<crate::report::RunReport> {
        let mut report = run::measure(&self.run)?;
        report.target = "hwan".to_owned();
        if let Some(program) = &arguments.start_server {
            report.remarks.push(format!("{} on {}", program.display(), DATABASE));
        }
        Ok(report)
    }

    fn stop(self) -> Result<()> {
        let Some((place, started)) = self.started else { return Ok(()) };
        started.stop()?;
        place.remove()
    }
}
