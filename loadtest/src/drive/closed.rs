//! The closed loop: the next request when the last one is answered.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use rand::rngs::StdRng;

use super::{Caller, Shared, open::PAUSE_MAX};

/// Drives one connection until the window closes, and its last answer is there.
pub(super) async fn work<C: Caller>(shared: Arc<Shared>, mut caller: C, mut random: StdRng, joins_at: Duration) {
    tokio::time::sleep_until((shared.phases.begun + joins_at).into()).await;
    while Instant::now() < shared.phases.to {
        let exchanges = caller.prepare(&shared.workload, &mut random);
        let started = Instant::now();
        let answered = caller.call().await;
        let now = Instant::now();
        shared.answered.fetch_add(exchanges, Ordering::Relaxed);
        let pause = answered.pause;
        if now >= shared.phases.from {
            shared.tally().count(answered, Some(now - started), shared.phases.second(now));
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause.min(PAUSE_MAX)).await;
        }
    }
}
