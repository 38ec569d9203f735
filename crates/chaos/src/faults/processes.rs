//! Processes that die: mysqld, the engine, both.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};

use super::{Struck, pause};
use crate::site::Site;

/// An engine tries a commit again for two seconds before it turns clients away: from here on it must have.
const TOLD_WITHIN: Duration = Duration::from_millis(2_500);

/// `kill -9` of mysqld; after a while it is started again.
pub(super) async fn kill_mysqld(site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    let since = site.clock.now();
    let turned_away = site.town.pulse.come_back_later();
    site.mysqld.kill()?;
    pause(random, 20..300).await;
    site.mysqld.restart()?;
    let away = site.clock.since(since);
    let mut struck = Struck::default();
    // Whoever asks while it is away is told to come back, and is not left waiting.
    if site.town.pulse.come_back_later() == turned_away && away > TOLD_WITHIN {
        struck.complaints.push(format!("mysqld was away for {away:?} and nobody was told 503 with Retry-After"));
    }
    struck.recovered = Some(site.recovered(since).await?);
    Ok(struck)
}

/// `kill -9` of the engine, which is started again.
pub(super) async fn kill_engine(site: &mut Site) -> anyhow::Result<Struck> {
    let since = site.clock.now();
    let active = site.active;
    site.engine(active).kill()?;
    site.engine(active).start().await?;
    site.recovered(since).await.map(Struck::recovered_in)
}

/// Both at once; which is gone first is chance. mysqld comes back first, or the engine has to wait for it.
pub(super) async fn kill_both(site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    let since = site.clock.now();
    let active = site.active;
    if random.random() {
        site.engine(active).kill()?;
        site.mysqld.kill()?;
    } else {
        site.mysqld.kill()?;
        site.engine(active).kill()?;
    }
    if random.random_ratio(1, 4) {
        site.engine(active).spawn()?; // it finds nobody
        site.mysqld.restart()?;
        site.engine(active).kill()?;
    } else {
        site.mysqld.restart()?;
    }
    site.engine(active).start().await?;
    site.recovered(since).await.map(Struck::recovered_in)
}
