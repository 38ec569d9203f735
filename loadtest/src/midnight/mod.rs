//! `midnight`: a constant load over the turn of the business date. No exchange may fail by it, both days must reconcile, and how
//! long exchanges take around midnight is told against the rest of the window.
//!
//! The server that is started has a business day of its own, which ends in the middle of the window: the machine's clock is what it
//! is. Afterwards the next date is rolled by command, so that both days can be closed, and both are closed and reconciled by the
//! program's own commands.

mod day;
mod finding;

use std::{thread, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use hwan_client::{BusinessDate, Client};

use self::{day::Day, finding::Found};
use crate::{
    cli::{LoadArguments, MidnightArguments, ResultArguments, RunArguments, SeedArguments, ThresholdArguments},
    http,
    key::KeyClock,
    run::{self, Measured},
    seed,
    started::{ServerPlace, StartedServer},
    workload::Spread,
};

/// How long seeding may take.
const SEED_MAX: Duration = Duration::from_secs(3_600);
/// How long a server may take to start again before its load begins.
const START_TAKES: Duration = Duration::from_secs(10);

/// Drives a server over midnight; whether all was as it shall be.
pub(crate) fn midnight(arguments: &MidnightArguments) -> Result<bool> {
    let around = arguments.around;
    ensure!(
        arguments.before > around && arguments.after > around,
        "--before and --after must be longer than --around: the rest of the window is what midnight is compared with"
    );
    let clock = KeyClock::start();
    let day = Day::around_noon(clock.unix_ms() / 1_000);
    let place = ServerPlace::fresh(&arguments.start_server, arguments.mysql_url.as_deref(), &arguments.server_env)?;
    // The lanes get their first date now: it ends only within the window, so no roll of the schedule comes before.
    let seeding = place.start(&day.settings(day.latest_end()))?;
    let seeded = seed_customers(arguments, &place, &seeding);
    seeding.stop()?;
    seeded?;
    let lead = START_TAKES + arguments.warmup + arguments.before;
    let midnight = Day::minute_from(clock.unix_ms() / 1_000 + lead.as_secs());
    ensure!(
        midnight < day.latest_end(),
        "seeding took too long for the business day of this run: seed fewer customers"
    );
    let server = place.start(&day.settings(midnight))?;
    let load_at_ms = (midnight.saturating_mul(1_000)).saturating_sub(millis(arguments.warmup + arguments.before));
    let Some(wait_ms) = load_at_ms.checked_sub(clock.unix_ms()) else {
        bail!("the server took more than {} s to start again", START_TAKES.as_secs());
    };
    thread::sleep(Duration::from_millis(wait_ms));
    let first = dates_of(&server)?.business_date;
    let measured = run::measure_by_seconds(&run_arguments(arguments, &place, &server))?;
    let dates = dates_of(&server)?;
    ensure!(first != dates.business_date, "the business date did not turn within the window");
    // The day that has begun is over, too, once the next one is sent for.
    send_on(&server, &dates.next_roll.business_date)?;
    let mut found = Found::of(&measured, midnight.saturating_mul(1_000), around)?;
    server.stop()?;
    found.run(place.command("close"))?;
    for date in [first, dates.business_date].into_iter().flatten() {
        found.run(reconcile(&place, &date))?;
    }
    place.remove()?;
    found.publish(arguments)
}

fn seed_customers(arguments: &MidnightArguments, place: &ServerPlace, server: &StartedServer) -> Result<()> {
    eprintln!("... seeding {} customers", arguments.customers);
    let target = server.target();
    seed::seed(&SeedArguments {
        target: target.clone(),
        customers: arguments.customers,
        customers_file: place.customers_file(),
        hot: false,
        connections: 256,
        time_max: SEED_MAX,
    })?;
    let address = http::server::address(&target)?;
    http::settle::Settling::new(&address, &server.admin_url(), SEED_MAX)?.wait().map(drop)
}

fn run_arguments(arguments: &MidnightArguments, place: &ServerPlace, server: &StartedServer) -> RunArguments {
    RunArguments {
        target: server.target(),
        admin_url: server.admin_url(),
        in_process: None,
        customers_file: place.customers_file(),
        load: LoadArguments::open(
            arguments.rate,
            arguments.before + arguments.after,
            arguments.warmup,
            Spread::Uniform,
        ),
        connections: arguments.connections,
        batch: None,
        quotes: 0,
        deadline: Duration::from_secs(10),
        settle_max: Duration::from_secs(300),
        server_pid: Some(server.pid()),
        store_pid: None,
        result: ResultArguments::default(),
        thresholds: ThresholdArguments::default(),
    }
}

fn ask<T>(server: &StartedServer, question: impl AsyncFnOnce(Client) -> Result<T>) -> Result<T> {
    let client = http::server::client(&http::server::address(&server.target())?, 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(question(client))
}

/// The business date, and the next.
fn dates_of(server: &StartedServer) -> Result<BusinessDate> {
    ask(server, async |client| Ok(client.business_date().await.context("the business date cannot be read")?.value))
}

fn send_on(server: &StartedServer, date: &str) -> Result<()> {
    let key = uuid::Uuid::now_v7().to_string();
    ask(server, async |client| {
        client.roll_business_date(date, Some(&key)).await.context("the business date cannot be sent on by command")?;
        Ok(())
    })
}

fn reconcile(place: &ServerPlace, date: &str) -> std::process::Command {
    let mut command = place.command("reconcile");
    command.args(["--date", date]);
    command
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Found {
    fn of(measured: &Measured, midnight_unix_ms: u64, around: Duration) -> Result<Self> {
        let report = &measured.report;
        let opened_ms = report.began_unix_ms + (report.settings.ramp_us + report.settings.warmup_us) / 1_000;
        let second = usize::try_from(midnight_unix_ms.saturating_sub(opened_ms) / 1_000)?;
        let width = usize::try_from(around.as_secs())?;
        let seconds = 0..measured.timeline.seconds().len();
        let is_around = |at: &usize| (second.saturating_sub(width)..=second + width).contains(at);
        let p99 = |near: bool| measured.timeline.p99_us_of(seconds.clone().filter(|at| is_around(at) == near));
        let around_us = p99(true)?.context("nothing was executed around midnight")?;
        let rest_us = p99(false)?.context("nothing was executed in the rest of the window")?;
        Ok(Self::new(report.clone(), second, around_us, rest_us))
    }
}
