//! A failover to a replica that missed the last commits: the engine must notice that the store went back, and stop, until
//! the bank has repaired it.

use std::time::Duration;

use anyhow::Context as _;
use hwan_client::Request;
use rand::rngs::StdRng;
use sqlx::Row as _;

use super::{Struck, pause};
use crate::{
    patience::Patience,
    site::{Direct, Judgement, Mysqld, Site, SitePlan},
};

/// What both servers are started with.
const REPLICATED: [&str; 3] = ["--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--log-replica-updates=ON"];
/// How long the replica may take to follow at first.
const FOLLOWS_MAX: Duration = Duration::from_secs(60);
/// How long the engine may take to notice.
const STOPS_MAX: Duration = Duration::from_secs(15);
/// What its log says then.
const LOGGED: &str = "went back";

/// Puts up a site with a replica, cuts the replica off, kills the primary and makes the replica the primary.
pub async fn stale_replica(mut plan: SitePlan, random: &mut StdRng) -> anyhow::Result<(Struck, Judgement)> {
    plan.mysqld_options.extend(REPLICATED);
    plan.mysqld_options.push("--server-id=1");
    let replica_options = [&REPLICATED[..], &["--server-id=2", "--skip-replica-start", "--relay-log=relay"]].concat();
    let mut replica = Mysqld::start(&plan.mysql, &plan.folder.join("replica"), &replica_options)?;
    let mut site = Site::open(plan).await?;
    follow(replica.direct(), site.mysqld.port()).await?;
    follows(&site, replica.direct()).await?;
    replica.direct().execute("STOP REPLICA IO_THREAD").await?;
    // More is acknowledged that the replica never hears of.
    let missed_from = site.clock.now();
    site.recovered(missed_from).await?;
    pause(random, 300..600).await;
    site.mysqld.kill()?;
    // By force: the half of a transaction that it may have would be waited for.
    replica.kill()?;
    replica.restart()?;
    replica.direct().execute("RESET REPLICA ALL").await?;
    let active = site.active;
    let since = site.clock.now();
    site.proxy(active).switch_to(replica.port());
    let complaints = stopped(&mut site).await?;
    let seen = site.clock.since(since);
    // The bank goes back to the old primary, which has everything that was acknowledged.
    site.engine(active).kill()?;
    site.mysqld.restart()?;
    let primary = site.mysqld.port();
    site.proxy(active).switch_to(primary);
    site.engine(active).start().await?;
    site.recovered(site.clock.now()).await?;
    drop(replica);
    let judgement = site.close().await?;
    Ok((Struck { complaints, ..Struck::recovered_in(seen) }, judgement))
}

async fn follow(replica: Direct, primary_port: u16) -> anyhow::Result<()> {
    let source = format!(
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {primary_port}, SOURCE_USER = 'hwan', \
         SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 0, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1; START REPLICA"
    );
    replica.execute(&source).await.context("the replica does not start")
}

/// Waits until the replica has a good part of the journal.
async fn follows(site: &Site, replica: Direct) -> anyhow::Result<()> {
    let mut patience = Patience::of(FOLLOWS_MAX);
    let wanted = heads(site.mysqld.direct()).await?;
    loop {
        // Its tables may not be there yet.
        if heads(replica).await.is_ok_and(|found| found.len() == wanted.len() && found >= wanted) {
            return Ok(());
        }
        anyhow::ensure!(!patience.is_over(), "the replica does not follow within {FOLLOWS_MAX:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn heads(of: Direct) -> anyhow::Result<Vec<i64>> {
    let mut connection = of.connect().await?;
    let rows = sqlx::raw_sql("SELECT seq FROM lane ORDER BY id").fetch_all(&mut connection).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// The engine says everywhere that its lanes are stopped, and why, and takes no more work.
async fn stopped(site: &mut Site) -> anyhow::Result<Vec<String>> {
    let active = site.active;
    let mut patience = Patience::of(STOPS_MAX);
    while !all_went_back(site) || site.engine(active).is_ready().await != Some(false) {
        if patience.is_over() {
            let lines = site.engine(active).last_lines();
            return Ok(vec![format!("not every lane said within {STOPS_MAX:?} that the store {LOGGED}:\n{lines}")]);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut complaints = Vec::new();
    let noticed = site.clock.now();
    tokio::time::sleep(Duration::from_millis(500)).await;
    if site.town.pulse.newest() >= noticed {
        complaints.push("work was acknowledged after the store went back".to_owned());
    }
    for lane in 1..=site.plan.lanes {
        let customer = site.town.customers.iter().find(|customer| customer.id.lane() == lane);
        let customer = *customer.context("a lane has no customers")?;
        let opening = format!(r#"{{"customer_id":"{}","kind":"won"}}"#, customer.id.id("cus"));
        let amount = r#"{"amount":"1","currency":"KRW"}"#;
        let deposit = format!(r#"{{"account_id":"{}","amount":{amount}}}"#, customer.won.id("acc"));
        // Under a key it may be that of a command whose outcome was not known when the lane stopped.
        for (request, codes) in [
            (Request::post("/v1/accounts", opening), &["lane_stopped"][..]),
            (Request::post("/v1/deposits", deposit).with_key("late"), &["lane_stopped", "outcome_unknown"][..]),
        ] {
            let answer = site.engine(active).client().answer(&request).await?;
            let told = answer.problem().map(|problem| (problem.status, problem.code, problem.retry_after.is_some()));
            let is_told = |(status, code, retry): &(u16, String, bool)| {
                *status == 503 && codes.contains(&code.as_str()) && *retry
            };
            if !told.as_ref().is_some_and(is_told) {
                complaints.push(format!("lane {lane}: expected 503 of {codes:?} with Retry-After, found {told:?}"));
            }
        }
    }
    Ok(complaints)
}

/// Whether the log says of every lane of customers that the store went back.
fn all_went_back(site: &mut Site) -> bool {
    let active = site.active;
    let log = site.engine(active).logged();
    (1..=site.plan.lanes).all(|lane| {
        let of_lane = format!(" lane={lane} ");
        log.lines().any(|line| line.contains(LOGGED) && line.contains(&of_lane))
    })
}
