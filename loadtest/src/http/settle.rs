//! When the work of a load is really done: every lane's projections stand where its journal stands.
//!
//! The lanes are asked by `/readyz`, which reads them at that moment; the gauge on `/metrics` follows by up to a second.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use hwan_client::{Client, ClientConfig, LaneReadiness, ServerAddr};

/// Between two questions.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// Asks a server about its projections.
pub(crate) struct Settling {
    client: Client,
    runtime: tokio::runtime::Runtime,
    /// The longest to wait for.
    patience: Duration,
}

/// How the projections stood behind the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Records that they lagged behind when the last answer was there.
    pub(crate) lag_records: u64,
    /// When they had caught up.
    pub(crate) at: Instant,
}

impl Settling {
    /// By the port at `admin_url`.
    pub(crate) fn new(server: &ServerAddr, admin_url: &str, patience: Duration) -> Result<Self> {
        let server = server.clone().without_token().with_admin(admin_url)?;
        let client = Client::new(server, ClientConfig { connections_max: 1, deadline: Duration::from_secs(10) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { client, runtime, patience })
    }

    /// Records that the projections lag behind now, over all lanes.
    pub(crate) fn lag_records(&self) -> Result<u64> {
        let ready = self.runtime.block_on(self.client.ready())?.value;
        if ready.lanes.is_empty() {
            bail!("the port at --admin-url names no lanes");
        }
        Ok(lag(&ready.lanes))
    }

    /// Waits until the projections have caught up.
    pub(crate) fn wait(&self) -> Result<Settled> {
        let began = Instant::now();
        let mut first = None;
        let mut failure = None;
        while began.elapsed() < self.patience {
            match self.lag_records() {
                Ok(lag) => {
                    let at = Instant::now();
                    let lag_records = *first.get_or_insert(lag);
                    if lag == 0 {
                        return Ok(Settled { lag_records, at });
                    }
                }
                Err(error) => failure = Some(error),
            }
            thread::sleep(ASK_EVERY);
        }
        let error = failure.unwrap_or_else(|| anyhow::anyhow!("they still lag behind"));
        Err(error.context(format!(
            "the projections had not caught up {} s after the load: is --admin-url this server's?",
            self.patience.as_secs()
        )))
    }
}

fn lag(lanes: &[LaneReadiness]) -> u64 {
    lanes.iter().map(|lane| lane.durable.saturating_sub(lane.projected)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_that_of_all_lanes() {
        let lane = |lane, durable, projected| LaneReadiness { lane, status: "open".into(), durable, projected };
        assert_eq!(lag(&[lane(0, 5, 5), lane(1, 100, 70), lane(2, 9, 8)]), 31);
        assert_eq!(lag(&[]), 0);
    }
}
