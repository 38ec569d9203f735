//! A connection of an alternative: its transactions, one at a time, tried again where the database asks for it.

use anyhow::{Error, Result};
use rand::{SeedableRng, rngs::StdRng};
use sqlx::{MySqlConnection, mysql::MySqlDatabaseError};

use super::{
    database::Database,
    order::Order,
    procedure,
    redis_lock::RedisLock,
    row_lock::{self, Made},
};
use crate::{
    cli::BaselineKind,
    drive::{Answered, Caller, Target},
    key::KeyClock,
    tally::{Ended, Outcome},
    workload::Workload,
};

/// How often an exchange is tried that met a deadlock or waited too long for a lock.
const ATTEMPTS_MAX: u32 = 5;

/// An alternative to be driven.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) database: Database,
    pub(super) redis_url: String,
    pub(super) kind: BaselineKind,
    pub(super) keys: KeyClock,
}

/// One connection of it.
pub(super) struct AlternativeCaller {
    of: Alternative,
    connection: MySqlConnection,
    redis: Option<RedisLock>,
    random: StdRng,
    next: Option<Order>,
}

impl Target for Alternative {
    type Caller = AlternativeCaller;

    async fn connect(&self) -> Result<AlternativeCaller> {
        let redis = match self.kind {
            BaselineKind::RedisLock => Some(RedisLock::connect(&self.redis_url).await?),
            BaselineKind::RowLock | BaselineKind::Procedure => None,
        };
        let connection = self.database.connect().await?;
        let random = StdRng::from_rng(&mut rand::rng());
        Ok(AlternativeCaller { of: self.clone(), connection, redis, random, next: None })
    }
}

impl Caller for AlternativeCaller {
    fn prepare(&mut self, workload: &Workload, random: &mut StdRng) -> u64 {
        let turn = workload.next(random);
        self.next = Some(Order::new(turn, self.of.keys.key(random), self.of.keys.unix_ms()));
        1
    }

    async fn call(&mut self) -> Answered {
        let Some(order) = self.next.take() else { return Ended::default().into() };
        let outcome = match self.exchange(&order).await {
            Ok(Made::Executed) => Outcome::Executed,
            Ok(Made::Refused(code)) => Outcome::Refused(code.to_owned()),
            Err(error) => Outcome::Connection(format!("{error:#}")),
        };
        Ended::all(outcome, 1).into()
    }
}

impl AlternativeCaller {
    async fn exchange(&mut self, order: &Order) -> Result<Made> {
        let held = match &mut self.redis {
            Some(redis) => Some(redis.take(order, &mut self.random).await?),
            None => None,
        };
        let made = self.transact(order).await;
        if let (Some(redis), Some(held)) = (&mut self.redis, held) {
            redis.release(held).await?;
        }
        made
    }

    async fn transact(&mut self, order: &Order) -> Result<Made> {
        let mut attempt = 1;
        loop {
            let made = match self.of.kind {
                BaselineKind::RowLock | BaselineKind::RedisLock => {
                    row_lock::exchange(&mut self.connection, order).await
                }
                BaselineKind::Procedure => procedure::exchange(&mut self.connection, order).await,
            };
            match made {
                Err(error) if attempt < ATTEMPTS_MAX && is_passing(&error) => attempt += 1,
                Err(error) => {
                    row_lock::rollback(&mut self.connection).await?;
                    return Err(error);
                }
                made => return made,
            }
            row_lock::rollback(&mut self.connection).await?;
        }
    }
}

/// A deadlock, or a lock that was waited for too long.
fn is_passing(error: &Error) -> bool {
    match error.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Database(error)) => {
            error.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|error| [1205, 1213].contains(&error.number()))
        }
        _ => false,
    }
}
