//! A campaign: rounds of faults, each round on a fresh site that is judged whole at its end.
//!
//! Rounds bound what a long campaign keeps in memory and on disk. The order of the faults, and what the clients choose,
//! follow from the seed; what the processes make of it does not.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hwan_services::Installed;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::{
    clients::CrewPlan,
    faults::{self, Fault},
    patience::Patience,
    report::Report,
    site::{Judgement, Site, SitePlan},
};

/// Lanes of customers.
const LANES: u16 = 2;
/// Customers of a site.
const CUSTOMERS: usize = 240;
/// Customers of a site of which little is asked.
const CUSTOMERS_OF_SMALL: usize = 24;
/// Calm before a fault, in milliseconds.
const CALM_MILLIS: std::ops::Range<u64> = 20..160;
/// How long the load may take to reach its goal once the faults are over.
const GOAL_MAX: Duration = Duration::from_secs(180);
/// Exchanges that the clients may be ahead of the pace.
const AHEAD: u64 = 4_000;
/// How often a sign of life is given.
const SIGN_EVERY: Duration = Duration::from_secs(5);

/// What a campaign does.
#[derive(Clone, Debug)]
pub struct CampaignPlan {
    /// Which faults, and how often, in a round.
    pub round: BTreeMap<Fault, usize>,
    /// Exchanges that are acknowledged in a round at least.
    pub exchanges: u64,
    /// Rounds go on until this has passed; one round without.
    pub time: Option<Duration>,
    /// What chance follows from.
    pub seed: u64,
    /// The program `hwan`.
    pub hwan: PathBuf,
    /// Where everything goes.
    pub folder: PathBuf,
}

/// Runs it; what is found is in the report, an error is that it could not go on.
pub async fn run(plan: &CampaignPlan, mysql: &Installed, report: &mut Report) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut round = 0;
    loop {
        round += 1;
        run_round(plan, mysql, round, &mut random, report).await.with_context(|| format!("in round {round}"))?;
        if !report.is_clean() || plan.time.is_none_or(|time| started.elapsed() >= time) {
            return Ok(());
        }
    }
}

async fn run_round(
    plan: &CampaignPlan,
    mysql: &Installed,
    round: u32,
    random: &mut StdRng,
    report: &mut Report,
) -> anyhow::Result<()> {
    let folder = plan.folder.join(format!("round-{round}"));
    let site_plan = |name: &str, customers, seed| SitePlan {
        mysql: mysql.clone(),
        hwan: plan.hwan.clone(),
        folder: folder.join(name),
        mysqld_folder: None,
        mysqld_options: Vec::new(),
        lanes: LANES,
        customers,
        crew: CrewPlan { single: 6, batching: 2, batch_items: 40, seed },
    };
    let mut faults: Vec<Fault> =
        plan.round.iter().flat_map(|(fault, times)| std::iter::repeat_n(*fault, *times)).collect();
    faults.shuffle(random);
    let (own, shared): (Vec<Fault>, Vec<Fault>) = faults.into_iter().partition(|fault| fault.needs_own_site());
    if !shared.is_empty() {
        let site = site_plan("site", CUSTOMERS, random.random());
        run_site(plan, site, &shared, random, report).await?;
    }
    for fault in own {
        let site = site_plan(fault.name(), CUSTOMERS_OF_SMALL, random.random());
        let goes_to = site.folder.clone();
        say(report, &format!("{fault}: on a site of its own"));
        let (struck, judgement) = match fault {
            Fault::FullDisk => faults::full_disk(site, random).await.with_context(|| fault.name())?,
            _ => {
                let (struck, judgement) = faults::stale_replica(site, random).await.with_context(|| fault.name())?;
                (struck, Some(judgement))
            }
        };
        report.strike(fault, struck);
        if let Some(judgement) = judgement {
            take(report, judgement, &goes_to)?;
        }
    }
    Ok(())
}

/// Everything that one site can bear, in the given order.
async fn run_site(
    plan: &CampaignPlan,
    site_plan: SitePlan,
    faults: &[Fault],
    random: &mut StdRng,
    report: &mut Report,
) -> anyhow::Result<()> {
    let folder = site_plan.folder.clone();
    say(report, "putting up a site");
    let mut site = Site::open(site_plan).await?;
    let mut sign = Instant::now();
    for (done, fault) in (0_u64..).zip(faults) {
        let planned = faults.len() as u64;
        site.town.allow(plan.exchanges * (done + 1) / planned.max(1) + AHEAD);
        tokio::time::sleep(Duration::from_millis(random.random_range(CALM_MILLIS))).await;
        let struck = faults::strike(*fault, &mut site, random).await.with_context(|| format!("{fault}, number {done}"));
        let struck = match (struck, site.client_failure().await) {
            (_, Some(error)) => return Err(error.context(format!("at {fault}, number {done}"))),
            (struck, None) => struck?,
        };
        report.strike(*fault, struck);
        if sign.elapsed() >= SIGN_EVERY {
            sign = Instant::now();
            let pulse = &site.town.pulse;
            let (exchanges, later, nothing) = (pulse.exchanges(), pulse.come_back_later(), pulse.unanswered());
            say(
                report,
                &format!(
                    "{} of {planned} faults, {exchanges} exchanges acknowledged, {later} told to come back, {nothing} not answered",
                    done + 1
                ),
            );
        }
    }
    reach(plan.exchanges, &mut site, report).await?;
    say(report, "stopping and judging");
    let judgement = site.close().await?;
    take(report, judgement, &folder)
}

/// Lets the load go on until it has reached its goal.
async fn reach(exchanges: u64, site: &mut Site, report: &Report) -> anyhow::Result<()> {
    site.town.allow(u64::MAX);
    let (mut patience, mut sign) = (Patience::of(GOAL_MAX), Instant::now());
    while site.town.pulse.exchanges() < exchanges {
        if let Some(error) = site.client_failure().await {
            return Err(error);
        }
        anyhow::ensure!(!patience.is_over(), "{exchanges} exchanges were not reached within {GOAL_MAX:?}");
        if sign.elapsed() >= SIGN_EVERY {
            sign = Instant::now();
            say(report, &format!("{} of {exchanges} exchanges acknowledged", site.town.pulse.exchanges()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Takes a judgement into the report; the site's folder stays only where there is something to look for.
fn take(report: &mut Report, judgement: Judgement, folder: &Path) -> anyhow::Result<()> {
    let is_clean = judgement.violations.is_empty() && judgement.complaints.is_empty();
    report.judge(judgement);
    if is_clean && report.is_clean() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}

/// A sign of life, for who waits.
fn say(report: &Report, what: &str) {
    eprintln!("[{:>4} s] {what}", report.elapsed().as_secs());
}

/// One round as CI runs it: 45 kills of mysqld and as many of the engine, 112 cuts at COMMIT, 24 zombies, and the rest.
pub fn round_of_ci() -> BTreeMap<Fault, usize> {
    BTreeMap::from([
        (Fault::MysqldKill, 30),
        (Fault::EngineKill, 30),
        (Fault::BothKill, 15),
        (Fault::CutBefore, 28),
        (Fault::CutAt, 28),
        (Fault::CutUnanswered, 28),
        (Fault::CutAnswered, 28),
        (Fault::Slow, 3),
        (Fault::HalfOpen, 6),
        (Fault::Refused, 3),
        (Fault::Standby, 3),
        (Fault::ZombiePaused, 8),
        (Fault::ZombieCommitting, 10),
        (Fault::ZombieProjecting, 6),
        (Fault::ReadOnly, 3),
        (Fault::TooManyConnections, 3),
        (Fault::FullDisk, 1),
        (Fault::StaleReplica, 1),
    ])
}
