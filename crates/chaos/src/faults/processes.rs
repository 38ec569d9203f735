//! Processes that die: mysqld, the engine, both.

use rand::rngs::StdRng;

use super::{Struck, pause};
use crate::site::Site;

/// `kill -9` of mysqld; after a while it is started again.
pub(super) async fn kill_mysqld(site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    let since = site.clock.now();
    let turned_away = site.town.pulse.come_back_later();
    site.mysqld.kill()?;
    pause(random, 20..300).await;
    let away = site.clock.now();
    let was_told = site.town.pulse.come_back_later() > turned_away;
    site.mysqld.restart()?;
    let recovered = site.recovered(since).await?;
    let mut struck = Struck::recovered_in(recovered);
    // Whoever asks while it is away is told to come back, and is not left waiting. Short absences may pass unnoticed.
    if !was_told && site.town.pulse.come_back_later() == turned_away && away - since > 100_000 {
        struck.complaints.push("mysqld was away and nobody was told 503 with Retry-After".to_owned());
    }
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
    use rand::RngExt as _;
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
