//! A connection that ends around a COMMIT.

use std::time::Duration;

use tokio::time::timeout;

use super::Struck;
use crate::{proxy::Cut, site::Site};

/// How long until somebody commits.
const STRIKES_MAX: Duration = Duration::from_secs(20);

/// Cuts at the next COMMIT of the journal.
pub(super) async fn cut(site: &mut Site, cut: Cut) -> anyhow::Result<Struck> {
    let proxy = site.proxy(site.active);
    let struck = proxy.cut_next(cut);
    if timeout(STRIKES_MAX, struck).await.is_err() {
        proxy.disarm();
        anyhow::bail!("nothing was committed within {STRIKES_MAX:?}");
    }
    site.recovered(site.clock.now()).await.map(Struck::recovered_in)
}
