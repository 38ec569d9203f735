//! What strikes between the two halves, and when it is over.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hwan_services::Signal;
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};
use tokio::task::block_in_place;

use super::{
    evidence, kafka_topic,
    site::{BOOKS, PipelineSite},
};

/// How often a moment is looked for at which the books are written and Kafka is not told.
const MOMENTS_MAX: usize = 400;
/// For how long the books are held in scenario S41.
const HELD_FOR: Duration = Duration::from_secs(60);
/// Exchanges that wait for the books then, at least.
const BACKLOG: u64 = 100_000;
/// Records that repeat.
const REPEATED: usize = 200;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PipelineFault {
    /// `kill -9` of the broker, and its start some time later.
    BrokerKill,
    /// The broker is held for seconds (SIGSTOP).
    BrokerPause,
    /// `kill -9` of the engine, and with it of the relay.
    RelayKill,
    /// `kill -9` of the books' process between its write to the database and its word to Kafka.
    BooksKill,
    /// Two processes of one group; then one of them is killed.
    TwoBooks,
    /// Records come again.
    Repeats,
    /// Something comes that is no record.
    Poison,
    /// The books are held for a minute while exchanges go on: scenario S41, and a backlog.
    BooksHeld,
}

impl PipelineFault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::BrokerKill,
        Self::BrokerPause,
        Self::RelayKill,
        Self::BooksKill,
        Self::TwoBooks,
        Self::Repeats,
        Self::Poison,
        Self::BooksHeld,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BrokerKill => "broker-kill",
            Self::BrokerPause => "broker-pause",
            Self::RelayKill => "relay-kill",
            Self::BooksKill => "books-kill",
            Self::TwoBooks => "two-books",
            Self::Repeats => "repeats",
            Self::Poison => "poison",
            Self::BooksHeld => "books-held",
        }
    }

    /// How often it strikes in CI.
    pub const fn times_in_ci(self) -> usize {
        match self {
            Self::BrokerKill => 10,
            Self::RelayKill | Self::BooksKill => 20,
            Self::BrokerPause => 2,
            Self::TwoBooks | Self::Repeats | Self::Poison => 3,
            Self::BooksHeld => 1,
        }
    }
}

impl fmt::Display for PipelineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

async fn pause(random: &mut StdRng, millis: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(random.random_range(millis))).await;
}

/// Strikes once; gives how long it took until everything was as before, the books included where they are what was struck.
pub async fn strike(fault: PipelineFault, site: &mut PipelineSite, random: &mut StdRng) -> anyhow::Result<Duration> {
    match fault {
        PipelineFault::BrokerKill => broker_kill(site, random).await,
        PipelineFault::BrokerPause => broker_pause(site, random).await,
        PipelineFault::RelayKill => relay_kill(site, random).await,
        PipelineFault::BooksKill => books_kill(site, random).await,
        PipelineFault::TwoBooks => two_books(site, random).await,
        PipelineFault::Repeats => repeats(site, random).await,
        PipelineFault::Poison => poison(site, random).await,
        PipelineFault::BooksHeld => books_held(site).await,
    }
}

/// Exchanges do not notice; the relay and the books go on by themselves.
async fn broker_kill(site: &mut PipelineSite, random: &mut StdRng) -> anyhow::Result<Duration> {
    block_in_place(|| site.kafka.kill())?;
    let down = site.clock.now();
    pause(random, 100..900).await;
    site.recovered(down).await.context("exchanges stopped with the broker")?;
    block_in_place(|| site.kafka.restart())?;
    site.followed().await
}

async fn broker_pause(site: &mut PipelineSite, random: &mut StdRng) -> anyhow::Result<Duration> {
    site.kafka.signal(Signal::Hold)?;
    let held = site.clock.now();
    pause(random, 2_000..8_000).await;
    site.recovered(held).await.context("exchanges stopped with the broker")?;
    site.kafka.signal(Signal::Resume)?;
    site.followed().await
}

async fn relay_kill(site: &mut PipelineSite, random: &mut StdRng) -> anyhow::Result<Duration> {
    pause(random, 50..400).await;
    site.engine.kill()?;
    let killed = site.clock.now();
    site.engine.start().await?;
    site.recovered(killed).await
}

/// At a moment at which the books have taken what Kafka still holds for unread.
async fn books_kill(site: &mut PipelineSite, random: &mut StdRng) -> anyhow::Result<Duration> {
    pause(random, 50..300).await;
    let (lanes, bootstrap) = (site.plan.lanes, site.bootstrap());
    for _ in 0..MOMENTS_MAX {
        site.bookkeepers[0].signal(Signal::Hold)?;
        let stands = evidence::stands(site.mysqld.direct(), BOOKS).await?;
        let told = block_in_place(|| kafka_topic::committed(&bootstrap, lanes))?;
        let is_between = stands.iter().any(|(lane, _, wanted)| *wanted > told.get(lane).copied().unwrap_or(0));
        if is_between {
            site.bookkeepers[0].kill()?;
            site.bookkeepers[0].start()?;
            return site.followed().await;
        }
        site.bookkeepers[0].signal(Signal::Resume)?;
        pause(random, 20..120).await;
    }
    anyhow::bail!("no moment between the books and Kafka in {MOMENTS_MAX} looks")
}

/// The group shares the lanes, gives them to one, and shares them again.
async fn two_books(site: &mut PipelineSite, random: &mut StdRng) -> anyhow::Result<Duration> {
    site.bookkeepers[1].start()?;
    pause(random, 1_000..3_000).await;
    site.followed().await.context("with two of them")?;
    let [first, second] = &mut site.bookkeepers;
    if random.random() {
        second.kill()?;
        return site.followed().await.context("with the first alone");
    }
    first.kill()?;
    let alone = site.followed().await.context("with the second alone")?;
    let [first, second] = &mut site.bookkeepers;
    first.start()?;
    pause(random, 200..600).await;
    second.kill()?;
    site.followed().await.context("with the first again")?;
    Ok(alone)
}

async fn repeats(site: &mut PipelineSite, random: &mut StdRng) -> anyhow::Result<Duration> {
    let (lanes, bootstrap) = (site.plan.lanes, site.bootstrap());
    let lane = random.random_range(1..=lanes);
    block_in_place(|| kafka_topic::repeat(&bootstrap, lanes, lane, REPEATED))?;
    site.followed().await
}

async fn poison(site: &mut PipelineSite, random: &mut StdRng) -> anyhow::Result<Duration> {
    let bodies: [&[u8]; 4] = [b"", b"\xff\xfe\x00", b"{\"v\":1", b"[]"];
    let body = bodies.choose(random).copied().unwrap_or_default();
    let lane = random.random_range(0..=site.plan.lanes);
    let bootstrap = site.bootstrap();
    block_in_place(|| kafka_topic::poison(&bootstrap, lane, body))?;
    site.followed().await
}

/// Scenario S41: exchanges are as before, and afterwards the ledgers agree.
async fn books_held(site: &mut PipelineSite) -> anyhow::Result<Duration> {
    const COMPARED: Duration = Duration::from_secs(10);
    site.town.allow(u64::MAX);
    let before = exchanged_in(site, COMPARED).await;
    site.bookkeepers[0].signal(Signal::Hold)?;
    let begun = Instant::now();
    let held = exchanged_in(site, HELD_FOR).await;
    let (usual, meanwhile) = (before / COMPARED.as_secs(), held / HELD_FOR.as_secs());
    eprintln!("chaos: books held for {:?}: {usual} exchanges/s before, {meanwhile}/s meanwhile", begun.elapsed());
    site.bookkeepers[0].signal(Signal::Resume)?;
    anyhow::ensure!(held >= BACKLOG, "{held} exchanges waited, {BACKLOG} are to be caught up");
    // Held, the books take no share of the machine: exchanges are rather faster. Half is far from either.
    anyhow::ensure!(meanwhile * 2 > usual, "{usual} exchanges/s before the books were held, {meanwhile}/s meanwhile");
    site.followed().await
}

async fn exchanged_in(site: &PipelineSite, time: Duration) -> u64 {
    let before = site.town.pulse.exchanges();
    tokio::time::sleep(time).await;
    site.town.pulse.exchanges() - before
}
