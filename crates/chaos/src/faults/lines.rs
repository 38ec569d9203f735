//! The line between engine and server, while it is bad.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};

use super::{Struck, pause};
use crate::{proxy::Weather, site::Site};

/// Every packet takes some milliseconds longer, for a second or so: slow, and nothing else.
pub(super) async fn slow(site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    let by = Duration::from_millis(random.random_range(5..60));
    let since = site.clock.now();
    site.proxy(site.active).weather(Weather::Slow(by));
    let recovered = site.recovered(since).await;
    pause(random, 500..1_000).await;
    site.proxy(site.active).weather(Weather::Clear);
    recovered.map(Struck::recovered_in)
}

/// One direction vanishes, the sockets stay. The engine must notice by itself; connections that were open meanwhile never
/// get well again.
pub(super) async fn half_open(site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    let weather = if random.random() { Weather::AnswersLost } else { Weather::RequestsLost };
    lasting(site, random, weather, 500..2_500, |_| ()).await
}

/// New connections are closed as they open, and those that are there end.
pub(super) async fn refused(site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    lasting(site, random, Weather::NewRefused, 200..1_500, |site| site.proxy(site.active).end_connections()).await
}

async fn lasting(
    site: &mut Site,
    random: &mut StdRng,
    weather: Weather,
    millis: std::ops::Range<u64>,
    also: impl FnOnce(&Site),
) -> anyhow::Result<Struck> {
    let since = site.clock.now();
    site.proxy(site.active).weather(weather);
    also(site);
    pause(random, millis).await;
    site.proxy(site.active).weather(Weather::Clear);
    let mended = site.clock.now();
    let once_mended = site.recovered(mended).await?;
    Ok(Struck::lasted(once_mended + Duration::from_micros(mended - since), once_mended))
}
