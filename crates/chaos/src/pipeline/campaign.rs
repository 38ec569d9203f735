//! A round of everything between the two halves, and the verdict.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hwan_services::Installed;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::{
    faults::{self, PipelineFault},
    site::{PipelinePlan, PipelineSite},
};
use crate::clients::CrewPlan;

/// Lanes of customers.
const LANES: u16 = 2;
/// Customers.
const CUSTOMERS: usize = 240;
/// Exchanges at full pace for each fault.
const AHEAD: u64 = 5_000;
/// How often a sign of life is given.
const SIGN_EVERY: Duration = Duration::from_secs(5);

/// What a campaign is made of.
#[derive(Clone, Debug)]
pub struct PipelineCampaign {
    /// MySQL, as it was installed.
    pub mysql: Installed,
    /// Kafka, as it was installed.
    pub kafka: Installed,
    /// The program `hwan`.
    pub hwan: PathBuf,
    /// Where everything goes.
    pub folder: PathBuf,
    /// Which faults, and how often.
    pub round: BTreeMap<PipelineFault, usize>,
    /// What chance follows from.
    pub seed: u64,
}

/// Every fault as often as in CI.
pub fn round_of_ci() -> BTreeMap<PipelineFault, usize> {
    PipelineFault::ALL.into_iter().map(|fault| (fault, fault.times_in_ci())).collect()
}

/// Runs it; whether every promise held, and the report.
pub async fn run(campaign: &PipelineCampaign) -> anyhow::Result<(bool, String)> {
    let begun = Instant::now();
    let mut random = StdRng::seed_from_u64(campaign.seed);
    let mut order: Vec<PipelineFault> =
        campaign.round.iter().flat_map(|(fault, times)| std::iter::repeat_n(*fault, *times)).collect();
    order.shuffle(&mut random);
    let mut site = PipelineSite::open(PipelinePlan {
        mysql: campaign.mysql.clone(),
        kafka: campaign.kafka.clone(),
        hwan: campaign.hwan.clone(),
        folder: campaign.folder.clone(),
        lanes: LANES,
        customers: CUSTOMERS,
        crew: CrewPlan { single: 6, batching: 2, batch_items: 40, seed: random.random() },
    })
    .await?;
    let mut struck: BTreeMap<PipelineFault, Vec<Duration>> = BTreeMap::new();
    let mut sign = Instant::now();
    for (done, fault) in order.iter().enumerate() {
        // Beyond this the clients slow down, so that there is not more to judge than faults were survived.
        site.town.allow(site.town.pulse.exchanges() + AHEAD);
        let took = faults::strike(*fault, &mut site, &mut random).await;
        let took = match (took, site.client_failure().await) {
            (_, Some(error)) => return Err(error.context(format!("at {fault}, number {done}"))),
            (took, None) => took.with_context(|| format!("{fault}, number {done}"))?,
        };
        struck.entry(*fault).or_default().push(took);
        if sign.elapsed() >= SIGN_EVERY {
            sign = Instant::now();
            let acknowledged = site.town.pulse.acknowledged();
            let (seconds, of) = (begun.elapsed().as_secs(), order.len());
            eprintln!("[{seconds:>4} s] {} of {of} faults, {acknowledged} commands acknowledged", done + 1);
        }
    }
    let judgement = site.close().await?;
    let mut report = format!("{:<14} {:>8} {:>20} {:>12}\n", "fault", "struck", "until as before ms", "longest ms");
    for (fault, mut times) in struck {
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let most = times.last().copied().unwrap_or_default();
        let _ = writeln!(report, "{fault:<14} {:>8} {:>20} {:>12}", times.len(), median.as_millis(), most.as_millis());
    }
    for finding in judgement.found.iter().take(20) {
        let _ = writeln!(report, "FOUND: {finding}");
    }
    let looked = judgement.looked;
    let _ = writeln!(
        report,
        "pipeline: acknowledged {}, records {}, messages {} ({} repeats), journals {}, broken promises {} in {} s, seed {}",
        judgement.acknowledged,
        looked.records,
        looked.messages,
        looked.repeats,
        looked.journals,
        judgement.found.len(),
        begun.elapsed().as_secs(),
        campaign.seed
    );
    Ok((judgement.found.is_empty(), report))
}

/// Where a campaign of this process lies.
pub fn folder_below(target: &Path) -> PathBuf {
    target.join("chaos").join(format!("{}-pipeline", std::process::id()))
}
