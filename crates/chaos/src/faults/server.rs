//! A server that is there and does not take what it is asked.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};
use sqlx::MySqlConnection;

use super::{Struck, pause};
use crate::site::Site;

/// Connections that the server takes while there are too many.
const CONNECTIONS_MAX: usize = 24;
/// And otherwise.
const CONNECTIONS_USUAL: usize = 400;

/// The server is read-only for a while, as after a failover.
pub(super) async fn read_only(site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    let (direct, since) = (site.mysqld.direct(), site.clock.now());
    let turned_away = site.town.pulse.come_back_later();
    // Without "super" the engine's user, who may do everything here, would not be kept out.
    direct.execute("SET GLOBAL super_read_only = ON").await?;
    let locked = site.clock.now();
    // Longer than an engine tries a commit again before it turns clients away.
    pause(random, 2_500..3_200).await;
    let mut complaints = Vec::new();
    if site.town.pulse.come_back_later() == turned_away {
        complaints.push("the server was read-only and nobody was told 503 with Retry-After".to_owned());
    }
    if site.town.pulse.newest() >= locked {
        complaints.push("work was acknowledged while the server was read-only".to_owned());
    }
    direct.execute("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF").await?;
    let mended = site.clock.now();
    let once_mended = site.recovered(mended).await?;
    let recovered = once_mended + Duration::from_micros(mended - since);
    Ok(Struck { complaints, ..Struck::lasted(recovered, once_mended) })
}

/// Strangers take every connection that the server has; the engine loses its own and gets none.
pub(super) async fn too_many_connections(site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    let (direct, since) = (site.mysqld.direct(), site.clock.now());
    direct.execute(&format!("SET GLOBAL max_connections = {CONNECTIONS_MAX}")).await?;
    let mut strangers: Vec<MySqlConnection> = Vec::new();
    // Again and again: the engine tries to come back between.
    let until = site.clock.now() + random.random_range(800_000..1_800_000);
    while site.clock.now() < until {
        site.proxy(site.active).end_connections();
        while strangers.len() <= 2 * CONNECTIONS_MAX {
            match direct.connect().await {
                Ok(stranger) => strangers.push(stranger),
                Err(_) => break, // that was the last one
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let Some(mut last) = strangers.pop() else { anyhow::bail!("not one connection was to be had") };
    let usual = format!("SET GLOBAL max_connections = {CONNECTIONS_USUAL}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(usual)).execute(&mut last).await?;
    drop(strangers);
    let mended = site.clock.now();
    let once_mended = site.recovered(mended).await?;
    Ok(Struck::lasted(once_mended + Duration::from_micros(mended - since), once_mended))
}
