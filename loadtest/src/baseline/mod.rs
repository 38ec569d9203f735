//! `baseline`: the other ways to make an exchange, on the same MySQL, doing the same work on rows of the same content.
//!
//! | file | way |
//! |---|---|
//! | `row_lock` | a transaction an exchange, rows locked by `SELECT … FOR UPDATE` |
//! | `redis_lock` | the same inside a lock of Redis for each customer |
//! | `procedure` | the same work in one call of a stored procedure |
//!
//! Each is as good as it gets without giving up a row, a check or durability: what is compared is the way.

mod caller;
pub(crate) mod database;
mod order;
mod procedure;
mod redis_lock;
mod row_lock;
pub(crate) mod sweep;

use std::sync::Arc;

use anyhow::{Result, ensure};

use self::{caller::Alternative, database::Database};
use crate::{
    cli::{BaselineArguments, BaselineKind, DatabaseArguments, LoadArguments},
    drive::{self, CpuReader, Driven, Plan},
    key::KeyClock,
    report::{Circumstances, RunReport},
    workload::Workload,
};

/// Drives an alternative and reports; whether the run was good.
pub(crate) fn baseline(arguments: &BaselineArguments) -> Result<bool> {
    let bench = Bench::new(&arguments.database, arguments.kind, arguments.customers, &arguments.load)?;
    let (connections, mut remarks) = if arguments.width.sweep {
        sweep::best(&bench, arguments.sweep_duration)?
    } else {
        (arguments.width.connections, Vec::new())
    };
    remarks.insert(0, bench.describe()?);
    let report = bench.measure(connections, CpuReader::new(None, arguments.store_pid), remarks)?;
    report.publish(&arguments.result, &arguments.thresholds.thresholds())
}

/// An alternative that is ready to be driven.
pub(crate) struct Bench {
    target: Arc<Alternative>,
    customers: u32,
    load: LoadArguments,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    /// Looks whether it can be driven.
    pub(crate) fn new(
        of: &DatabaseArguments,
        kind: BaselineKind,
        customers: u32,
        load: &LoadArguments,
    ) -> Result<Self> {
        ensure!(!load.duration.is_zero(), "--duration must be longer than nothing");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let database = runtime.block_on(Database::open(&of.mysql_url))?;
        let redis_url = of.redis_url.clone();
        let target = Arc::new(Alternative { database, redis_url, kind, keys: KeyClock::start() });
        Ok(Self { target, customers, load: load.clone(), runtime })
    }

    /// The server, in a line.
    pub(crate) fn describe(&self) -> Result<String> {
        self.fresh()?;
        self.runtime.block_on(self.target.database.describe())
    }

    /// Makes the database anew, and sees that a connection is to be had.
    fn fresh(&self) -> Result<()> {
        self.runtime.block_on(async {
            self.target.database.create(self.customers).await?;
            drive::Target::connect(self.target.as_ref()).await.map(drop)
        })
    }

    /// Drives it on a fresh database; fails if what was answered is not there afterwards.
    fn drive(&self, plan: &Plan, cpu: &mut CpuReader) -> Result<(Driven, Arc<Workload>)> {
        self.fresh()?;
        let workload = Arc::new(Workload::new(self.load.mix, self.load.spread(), 0, self.customers as usize));
        let driven = drive::drive(&self.target, plan, &workload, cpu)?;
        let executed = driven.tally.executed + driven.tally.executed_later;
        self.runtime.block_on(self.target.database.count())?.check(executed)?;
        Ok((driven, workload))
    }

    /// A load over so many connections, as the arguments have it.
    pub(crate) fn measure(&self, connections: u16, mut cpu: CpuReader, remarks: Vec<String>) -> Result<RunReport> {
        let plan = self.load.plan(connections, 1);
        let began_unix_ms = self.target.keys.unix_ms();
        let (driven, workload) = self.drive(&plan, &mut cpu)?;
        let of = Circumstances {
            target: format!("baseline {}", self.target.kind.name()),
            began_unix_ms,
            batch: None,
            customers: workload.customers(),
            spread: self.load.spread().to_string(),
            quotes_percent: 0,
            cpu: cpu.taken()?,
            settled: None,
            remarks,
        };
        Ok(RunReport::new(&plan, &driven, of))
    }
}
