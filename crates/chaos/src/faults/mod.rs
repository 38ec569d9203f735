//! The faults: each strikes a site at work, waits until it takes new work again, and says how that went.
//!
//! Rules for all: every wait has an end; what is broken is mended before it returns; afterwards one engine runs and owns
//! the lanes, and mysqld runs. A fault that sees a promise broken says so as a complaint and goes on.

mod commits;
mod full_disk;
mod lanes;
mod lines;
mod processes;
mod server;
mod stale;

use std::{fmt, time::Duration};

use rand::{RngExt, rngs::StdRng};

use crate::{proxy::Cut, site::Site};

pub use full_disk::full_disk;
pub use stale::stale_replica;

/// What can be done to a site at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// `kill -9` of mysqld.
    MysqldKill,
    /// `kill -9` of the engine.
    EngineKill,
    /// Both, at the same moment.
    BothKill,
    /// The connection is cut before a COMMIT gets to the server.
    CutBefore,
    /// As it gets there.
    CutAt,
    /// After the server has done it, before the engine hears.
    CutUnanswered,
    /// After the engine has heard.
    CutAnswered,
    /// Everything between engine and server takes longer.
    Slow,
    /// What the engine sends vanishes, or what the server sends.
    HalfOpen,
    /// The engine can open no new connections, and loses those that it has.
    Refused,
    /// A second engine claims the lanes of one that is well; then the first is killed.
    Standby,
    /// The owner is held beyond its lease; another takes over; the first goes on.
    ZombiePaused,
    /// The same in the midst of a transaction that holds the lane's row.
    ZombieCommitting,
    /// The same in the midst of a projection's.
    ZombieProjecting,
    /// The server takes no writes for a while.
    ReadOnly,
    /// The server takes no more connections, and the engine loses those that it has.
    TooManyConnections,
    /// The disk of the server is full for a while; a site of its own.
    FullDisk,
    /// A replica that missed the last commits becomes the primary; a site of its own.
    StaleReplica,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::MysqldKill,
        Self::EngineKill,
        Self::BothKill,
        Self::CutBefore,
        Self::CutAt,
        Self::CutUnanswered,
        Self::CutAnswered,
        Self::Slow,
        Self::HalfOpen,
        Self::Refused,
        Self::Standby,
        Self::ZombiePaused,
        Self::ZombieCommitting,
        Self::ZombieProjecting,
        Self::ReadOnly,
        Self::TooManyConnections,
        Self::FullDisk,
        Self::StaleReplica,
    ];

    /// As it is written on a command line and in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MysqldKill => "mysqld-kill",
            Self::EngineKill => "engine-kill",
            Self::BothKill => "both-kill",
            Self::CutBefore => "cut-before-commit",
            Self::CutAt => "cut-at-commit",
            Self::CutUnanswered => "cut-after-commit",
            Self::CutAnswered => "cut-after-answer",
            Self::Slow => "slow",
            Self::HalfOpen => "half-open",
            Self::Refused => "refused",
            Self::Standby => "standby",
            Self::ZombiePaused => "zombie-paused",
            Self::ZombieCommitting => "zombie-committing",
            Self::ZombieProjecting => "zombie-projecting",
            Self::ReadOnly => "read-only",
            Self::TooManyConnections => "too-many-connections",
            Self::FullDisk => "disk-full",
            Self::StaleReplica => "stale-replica",
        }
    }

    /// By its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Whether another engine takes over from one that is held.
    pub const fn is_take_over(self) -> bool {
        matches!(self, Self::ZombiePaused | Self::ZombieCommitting | Self::ZombieProjecting)
    }

    /// Whether it has a site of its own, because it ruins one or needs another kind of it.
    pub const fn needs_own_site(self) -> bool {
        matches!(self, Self::FullDisk | Self::StaleReplica)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a fault went.
#[derive(Debug, Default)]
pub struct Struck {
    /// From the fault to the first acknowledgement, in every lane, of something that was sent after it.
    pub recovered: Option<Duration>,
    /// From the moment that what was broken is mended, where the fault lasts for a time of its own.
    pub recovered_once_mended: Option<Duration>,
    /// Promises that were seen broken.
    pub complaints: Vec<String>,
    /// Why it could not strike at all.
    pub skipped: Option<String>,
}

impl Struck {
    /// One that was over at once.
    fn recovered_in(recovered: Duration) -> Self {
        Self { recovered: Some(recovered), ..Self::default() }
    }

    /// One that lasted.
    fn lasted(recovered: Duration, once_mended: Duration) -> Self {
        Self { recovered: Some(recovered), recovered_once_mended: Some(once_mended), ..Self::default() }
    }
}

/// Does it to a site; those with a site of their own are not for this.
pub async fn strike(fault: Fault, site: &mut Site, random: &mut StdRng) -> anyhow::Result<Struck> {
    match fault {
        Fault::MysqldKill => processes::kill_mysqld(site, random).await,
        Fault::EngineKill => processes::kill_engine(site).await,
        Fault::BothKill => processes::kill_both(site, random).await,
        Fault::CutBefore => commits::cut(site, Cut::Before).await,
        Fault::CutAt => commits::cut(site, Cut::At).await,
        Fault::CutUnanswered => commits::cut(site, Cut::Unanswered).await,
        Fault::CutAnswered => commits::cut(site, Cut::Answered).await,
        Fault::Slow => lines::slow(site, random).await,
        Fault::HalfOpen => lines::half_open(site, random).await,
        Fault::Refused => lines::refused(site, random).await,
        Fault::Standby => lanes::standby(site).await,
        Fault::ZombiePaused => lanes::zombie(site, lanes::HeldIn::Nothing, random).await,
        Fault::ZombieCommitting => lanes::zombie(site, lanes::HeldIn::Commit, random).await,
        Fault::ZombieProjecting => lanes::zombie(site, lanes::HeldIn::Projection, random).await,
        Fault::ReadOnly => server::read_only(site, random).await,
        Fault::TooManyConnections => server::too_many_connections(site, random).await,
        Fault::FullDisk | Fault::StaleReplica => anyhow::bail!("{fault} needs a site of its own"),
    }
}

/// Some milliseconds.
async fn pause(random: &mut StdRng, millis: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(random.random_range(millis))).await;
}
