//! A lock of Redis for each customer: taken by `SET NX PX` with a token, tried again after a short random pause, released
//! by a script that deletes it only if it is still this holder's.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::{RngExt, rngs::StdRng};
use redis::{Client, Script, aio::MultiplexedConnection};
use uuid::Uuid;

use super::order::Order;

/// How long a lock holds by itself, in milliseconds, if its holder dies.
const LOCK_MS: u64 = 3_000;
/// Between two tries, in microseconds; the timer rounds up to whole milliseconds.
const PAUSE_US: std::ops::Range<u64> = 500..2_000;
/// How long to try at most.
const TRY_MAX: Duration = Duration::from_secs(5);

const RELEASE: &str =
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

/// Takes and releases locks over a connection of its own.
pub(super) struct RedisLock {
    connection: MultiplexedConnection,
    release: Script,
}

/// A lock that is held.
pub(super) struct Held {
    name: String,
    token: String,
}

impl RedisLock {
    /// Connects, on the runtime that it is used on.
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let client = Client::open(url).context("--redis-url must be redis://host:port")?;
        let connection = client
            .get_multiplexed_async_connection()
            .await
            .context("no Redis answers at --redis-url: is it running?")?;
        Ok(Self { connection, release: Script::new(RELEASE) })
    }

    /// Takes the lock of an order's customer.
    pub(super) async fn take(&mut self, order: &Order, random: &mut StdRng) -> Result<Held> {
        let held = Held { name: format!("lock:{}", order.customer), token: Uuid::new_v4().simple().to_string() };
        let began = Instant::now();
        loop {
            let set: Option<String> = redis::cmd("SET")
                .arg(&held.name)
                .arg(&held.token)
                .arg("NX")
                .arg("PX")
                .arg(LOCK_MS)
                .query_async(&mut self.connection)
                .await?;
            if set.is_some() {
                return Ok(held);
            }
            if began.elapsed() > TRY_MAX {
                bail!("a lock was not to be had");
            }
            tokio::time::sleep(Duration::from_micros(random.random_range(PAUSE_US))).await;
        }
    }

    /// Releases a lock; whether it was still held.
    pub(super) async fn release(&mut self, held: Held) -> Result<bool> {
        let deleted: i64 = self.release.key(held.name).arg(held.token).invoke_async(&mut self.connection).await?;
        Ok(deleted == 1)
    }
}
