//! A failover to a replica that missed the last commits: the engine must notice that the store went back, and stop, until
//! the bank has repaired it.

use std::time::Duration;

use anyhow::Context as _;
use hwan_client::Request;
use rand::rngs::StdRng;
use sqlx::Row as _;

use super::{Struck, pause};
use crate::site::{Direct, Judgement, Mysqld, Site, SitePlan};

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
    let replica = Mysqld::start(&plan.mysql, &plan.folder.join("replica"), &replica_options)?;
    let mut site = Site::open(plan).await?;
    follow(replica.direct(), site.mysqld.port()).await?;
    follows(&site, replica.direct()).await?;
    replica.direct().execute("STOP REPLICA IO_THREAD").await?;
    // More is acknowledged that the replica never hears of.
    let missed_from = site.clock.now();
    site.recovered(missed_from).await?;
    pause(random, 300..600).await;
    site.mysqld.kill()?;
    replica.direct().execute("STOP REPLICA; RESET REPLICA ALL").await?;
    let active = site.active;
    let since = site.clock.now();
    site.proxy(active).switch_to(replica.port());
    let complaints = stopped(&mut site, since).await?;
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
         SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1; START REPLICA"
    );
    replica.execute(&source).await.context("the replica does not start")
}

/// Waits until the replica has a good part of the journal.
async fn follows(site: &Site, replica: Direct) -> anyhow::Result<()> {
    let begun = site.clock.now();
    let wanted = heads(site.mysqld.direct()).await?;
    loop {
        // Its tables may not be there yet.
        if heads(replica).await.is_ok_and(|found| found.len() == wanted.len() && found >= wanted) {
            return Ok(());
        }
        anyhow::ensure!(site.clock.since(begun) < FOLLOWS_MAX, "the replica does not follow within {FOLLOWS_MAX:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn heads(of: Direct) -> anyhow::Result<Vec<i64>> {
    let mut connection = of.connect().await?;
    let rows = sqlx::raw_sql("SELECT seq FROM lane ORDER BY id").fetch_all(&mut connection).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// The engine says everywhere that its lanes are stopped, and takes no more work.
async fn stopped(site: &mut Site, since: u64) -> anyhow::Result<Vec<String>> {
    let active = site.active;
    while !site.engine(active).logged().contains(LOGGED) || site.engine(active).is_ready().await != Some(false) {
        if site.clock.since(since) > STOPS_MAX {
            let lines = site.engine(active).last_lines();
            return Ok(vec![format!("the store went back and the engine did not stop within {STOPS_MAX:?}:\n{lines}")]);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut complaints = Vec::new();
    let noticed = site.clock.now();
    tokio::time::sleep(Duration::from_millis(500)).await;
    if site.town.pulse.newest() >= noticed {
        complaints.push("work was acknowledged after the store went back".to_owned());
    }
    let lines = site.engine(active).logged();
    let customer = site.town.customers.first().context("there are no customers")?;
    let (id, account) = (customer.id.id("cus"), customer.won.id("acc"));
    let deposit = format!(r#"{{"account_id":"{account}","amount":{{"amount":"1","currency":"KRW"}}}}"#);
    let request = Request::post("/v1/deposits", deposit).with_key(format!("after-the-failover-{id}"));
    let answer = site.engine(active).client().answer(&request).await?;
    let code = answer.problem().map(|problem| (problem.status, problem.code, problem.retry_after.is_some()));
    if code.as_ref().is_none_or(|(status, code, told)| (*status, code.as_str(), *told) != (503, "lane_stopped", true)) {
        complaints.push(format!("expected 503 lane_stopped with Retry-After, found {code:?}; the log:\n{lines}"));
    }
    Ok(complaints)
}
