//! Two engines and one set of lanes: a second that stands by, and owners that do not know that they were replaced.

use std::time::Duration;

use hwan_services::Signal;
use rand::{RngExt, rngs::StdRng};
use tokio::time::timeout;

use super::{Struck, pause};
use crate::{
    patience::Patience,
    proxy::Transaction,
    site::{LEASE, Site, Which},
};

/// How long a second engine is given to start and to ask for the lanes.
const CLAIMS_FOR: Duration = Duration::from_millis(400);
/// How long until somebody commits or projects; projections gather for seconds.
const STRIKES_MAX: Duration = Duration::from_secs(20);
/// How long after its lease a held owner may keep the lanes: the taker's look, its lock, what it must read.
const TAKEN_WITHIN: Duration = Duration::from_millis(2_000);
/// How long a zombie may take to notice that it is none.
const NOTICED_MAX: Duration = Duration::from_secs(5);
/// How long an engine may take to stop in order.
const STOP_MAX: Duration = Duration::from_secs(15);

/// In the midst of what the owner is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldIn {
    /// Wherever it is.
    Nothing,
    /// A transaction that has the lane's row locked and lacks its COMMIT.
    Commit,
    /// A projection's transaction.
    Projection,
}

/// A second engine claims the lanes of one that is well, and does not get them until that one is killed.
pub(super) async fn standby(site: &mut Site) -> anyhow::Result<Struck> {
    let (first, second) = (site.active, site.active.other());
    // Whatever was before: leases that ran out meanwhile are renewed.
    tokio::time::sleep(LEASE / 2).await;
    let owners = site.watcher().owners();
    site.engine(second).spawn()?;
    let claimed = site.clock.now();
    tokio::time::sleep(LEASE + CLAIMS_FOR).await;
    let mut complaints = Vec::new();
    if site.watcher().owners() != owners {
        complaints.push("a lane changed its owner though the owner was well".to_owned());
    }
    if site.engine(second).is_ready().await == Some(true) {
        complaints.push("an engine says that it is ready while another owns the lanes".to_owned());
    }
    site.recovered(claimed).await?;
    let since = site.clock.now();
    site.engine(first).kill()?;
    let recovered = take_over(site, second, since).await?;
    Ok(Struck { complaints, ..Struck::recovered_in(recovered) })
}

/// The owner is held until another has taken its lanes, then goes on: it must neither commit nor project, nor say that it
/// is ready. In the end it is stopped, and the other one is the owner.
pub(super) async fn zombie(site: &mut Site, held_in: HeldIn, random: &mut StdRng) -> anyhow::Result<Struck> {
    let (first, second) = (site.active, site.active.other());
    site.engine(second).spawn()?;
    tokio::time::sleep(CLAIMS_FOR).await;
    let mut held = None;
    if held_in != HeldIn::Nothing {
        let of = if held_in == HeldIn::Commit { Transaction::Ledger } else { Transaction::Projection };
        let mut hold = site.proxy(first).hold_next(of);
        if timeout(STRIKES_MAX, &mut hold.struck).await.is_err() {
            site.proxy(first).disarm();
            anyhow::bail!("nothing to hold back ({of:?}) within {STRIKES_MAX:?}");
        }
        held = Some(hold.release);
    }
    let since = site.clock.now();
    site.engine(first).signal(Signal::Hold)?;
    let recovered = take_over(site, second, since).await?;
    let mut complaints = Vec::new();
    if recovered > LEASE + TAKEN_WITHIN {
        complaints.push(format!("the lanes were taken over only after {recovered:?} ({held_in:?})"));
    }
    // What was held back goes to the server while its owner sleeps, or once it is awake.
    let release_first = random.random();
    if release_first {
        drop(held.take());
    }
    pause(random, 0..200).await;
    site.engine(first).signal(Signal::Resume)?;
    pause(random, 0..50).await;
    drop(held);
    complaints.extend(awaken(site, first).await?);
    site.recovered(site.clock.now()).await?;
    Ok(Struck { complaints, ..Struck::recovered_in(recovered) })
}

/// Waits until the other engine works, and makes it the active one.
async fn take_over(site: &mut Site, second: Which, since: u64) -> anyhow::Result<Duration> {
    let recovered = site.recovered(since).await;
    if recovered.is_err() && !site.engine(second).is_running() {
        anyhow::bail!("the engine that stood by has ended:\n{}", site.engine(second).last_lines());
    }
    site.active = second;
    recovered
}

/// A zombie that goes on must notice; then it is stopped in order.
async fn awaken(site: &mut Site, zombie: Which) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    let mut patience = Patience::of(NOTICED_MAX);
    while site.engine(zombie).is_running() && site.engine(zombie).is_ready().await != Some(false) {
        if patience.is_over() {
            complaints.push(format!("a zombie was ready still, {NOTICED_MAX:?} after it was let go"));
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if site.engine(zombie).is_running() {
        if let Err(error) = site.engine(zombie).stop(STOP_MAX).await {
            complaints.push(format!("a zombie did not stop in order: {error:#}"));
        }
    } else {
        site.engine(zombie).kill()?; // it ended by itself: only its exit is taken
    }
    Ok(complaints)
}
