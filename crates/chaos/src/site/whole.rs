//! A whole site: put up, put to work, closed and judged.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use hwan_services::Installed;

use super::{
    engine::{Engine, EngineFiles},
    mysqld::{DATABASE, Direct, Mysqld},
    reader,
    watcher::Watcher,
};
use crate::{
    check::{Auditor, Counts, Violation},
    clients::{Crew, CrewPlan, Town, open_customers},
    clock::RunClock,
    history::{Command, History, Outcome},
    patience::Patience,
    proxy::Proxy,
};

/// As whom the clients send.
pub(crate) const CALLER: &str = "chaos";
/// How long an engine keeps its lanes without a sign of life.
pub const LEASE: Duration = Duration::from_millis(1_000);
/// How long an engine may take to stop in order.
const STOP_MAX: Duration = Duration::from_secs(30);
/// How long anything may take until new work is taken again.
const RECOVERED_MAX: Duration = Duration::from_secs(90);
/// How often a server is looked after that may end by itself.
const LOOKED_AFTER_EVERY: Duration = Duration::from_millis(200);
/// How long the projections may take to catch up once the load is gone.
const CAUGHT_UP_MAX: Duration = Duration::from_secs(60);

/// Two engines would keep two books: those have a site of their own.
const WITHOUT_BOOKS: &str = "[outbox]\nkind = \"off\"\n[accounting]\nenabled = false\n";

/// One of the two engines of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    A,
    /// The second.
    B,
}

impl Which {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// How a site is put up.
#[derive(Clone, Debug)]
pub struct SitePlan {
    /// MySQL, as it was installed.
    pub mysql: Installed,
    /// The program `hwan`.
    pub hwan: PathBuf,
    /// Where everything of the site goes.
    pub folder: PathBuf,
    /// Where mysqld's data goes, if not there.
    pub mysqld_folder: Option<PathBuf>,
    /// Options of mysqld's own.
    pub mysqld_options: Vec<&'static str>,
    /// Lanes of customers.
    pub lanes: u16,
    /// Customers.
    pub customers: usize,
    /// The clients.
    pub crew: CrewPlan,
}

/// A site at work.
#[derive(Debug)]
pub struct Site {
    /// The run's clock.
    pub clock: RunClock,
    /// How it was put up.
    pub plan: SitePlan,
    /// The server of record.
    pub mysqld: Mysqld,
    /// What the clients share.
    pub town: Arc<Town>,
    /// Which engine is to own the lanes when nothing is wrong.
    pub active: Which,
    engines: [Engine; 2],
    proxies: [Proxy; 2],
    watcher: Watcher,
    crew: Crew,
    endowment: Vec<Command>,
}

impl Site {
    /// Puts up mysqld, proxies and the first engine, opens customers, and sends the clients to work.
    pub async fn open(plan: SitePlan) -> anyhow::Result<Self> {
        let clock = RunClock::start();
        let mysqld_folder = plan.mysqld_folder.clone().unwrap_or_else(|| plan.folder.join("mysqld"));
        let mysqld = Mysqld::start(&plan.mysql, &mysqld_folder, &plan.mysqld_options)?;
        let proxies = [Proxy::to(mysqld.port()).await?, Proxy::to(mysqld.port()).await?];
        let files = |name| EngineFiles { binary: plan.hwan.clone(), folder: plan.folder.join(name) };
        let [store_a, store_b] = proxies.each_ref().map(store);
        let mut a = Engine::new(files("engine-a"), &store_a, plan.lanes, WITHOUT_BOOKS, None)?;
        a.start().await?;
        let b = Engine::new(files("engine-b"), &store_b, plan.lanes, WITHOUT_BOOKS, Some(&a))?;
        let customers = open_customers(a.client(), plan.customers).await?;
        let endpoints = vec![a.endpoint().clone(), b.endpoint().clone()];
        let town = Arc::new(Town::new(clock, endpoints, CALLER, customers));
        let endowment = Crew::endow(&town).await?;
        let watcher = Watcher::of(mysqld.direct());
        let crew = Crew::start(&town, plan.crew);
        let (engines, active) = ([a, b], Which::A);
        let site = Self { clock, plan, mysqld, town, active, engines, proxies, watcher, crew, endowment };
        site.recovered(site.clock.now()).await.context("the clients do not get going")?;
        Ok(site)
    }

    /// An engine.
    pub fn engine(&mut self, which: Which) -> &mut Engine {
        let [a, b] = &mut self.engines;
        match which {
            Which::A => a,
            Which::B => b,
        }
    }

    /// The proxy before an engine.
    pub fn proxy(&self, which: Which) -> &Proxy {
        let [a, b] = &self.proxies;
        match which {
            Which::A => a,
            Which::B => b,
        }
    }

    /// Who owns the lanes, as it is seen.
    pub fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    /// Waits until every lane takes new work that was sent at `since` or later; gives how long after `since` that was.
    pub async fn recovered(&self, since: u64) -> anyhow::Result<Duration> {
        let recovered =
            self.town.pulse.recovered(self.clock, since, self.plan.lanes, Patience::of(RECOVERED_MAX)).await;
        recovered.with_context(|| {
            let [a, b] = &self.engines;
            format!(
                "no recovery within {RECOVERED_MAX:?}; engine a:\n{}\nengine b:\n{}",
                a.last_lines(),
                b.last_lines()
            )
        })
    }

    /// The same for a server that may end by itself meanwhile: it is started again, as whoever runs it would.
    pub async fn recovered_under_care(&mut self, since: u64) -> anyhow::Result<Duration> {
        let mut care = Patience::of(RECOVERED_MAX);
        loop {
            let patience = Patience::of(LOOKED_AFTER_EVERY);
            let recovered = self.town.pulse.recovered(self.clock, since, self.plan.lanes, patience).await;
            if let Some(recovered) = recovered {
                return Ok(recovered);
            }
            if !self.mysqld.is_running() {
                self.mysqld.restart()?;
            }
            if care.is_over() {
                return self.recovered(since).await; // says what is known
            }
        }
    }

    /// An error of a client, if one has failed.
    pub async fn client_failure(&mut self) -> Option<anyhow::Error> {
        self.crew.failure().await
    }

    /// Lets the clients learn what they have in flight, stops the engine in order, and judges everything against the
    /// database.
    pub async fn close(mut self) -> anyhow::Result<Judgement> {
        let mut commands = std::mem::take(&mut self.endowment);
        commands.extend(self.crew.stop().await?);
        let reigns = self.watcher.reigns();
        let [a, b] = &mut self.engines;
        let mut stopped = Vec::new();
        caught_up(self.mysqld.direct()).await?;
        for engine in [&mut *a, &mut *b] {
            if engine.is_running() {
                stopped.push(engine.stop(STOP_MAX).await?);
            }
        }
        let (verified, verdict) = a.verify().await?;
        let history = History { began_at: self.clock.began_at(), commands, reigns };
        let (counts, violations) = judge(&history, self.mysqld.direct()).await?;
        let mut complaints = Vec::new();
        if let Some(status) = stopped.iter().find(|status| !status.success()) {
            complaints.push(format!("an engine stopped with {status}"));
        }
        if !verified.success() {
            complaints.push(format!("hwan verify ended with {verified}: {verdict}"));
        }
        Ok(Judgement { counts, refusals: refusals(&history), violations, complaints })
    }
}

/// What a site's history comes to.
#[derive(Debug)]
pub struct Judgement {
    /// What was looked at.
    pub counts: Counts,
    /// How often each code was told.
    pub refusals: BTreeMap<String, u64>,
    /// Broken promises.
    pub violations: Vec<Violation>,
    /// What else went wrong at the end.
    pub complaints: Vec<String>,
}

/// What stands under `[store.mysql]`.
fn store(proxy: &Proxy) -> String {
    let (port, lease_ms) = (proxy.port(), LEASE.as_millis());
    format!(
        "url = \"mysql://hwan@127.0.0.1:{port}/{DATABASE}\"\ntls = \"disabled\"\ncommit_connections = 2\n\
         connect_timeout_ms = 1_000\ncommit_timeout_ms = 2_000\nread_timeout_ms = 2_000\nlease_ms = {lease_ms}\n"
    )
}

/// Waits until the projections of every lane have followed.
async fn caught_up(direct: Direct) -> anyhow::Result<()> {
    let wait = async {
        loop {
            let mut connection = direct.connect().await?;
            let behind: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM lane l LEFT JOIN projection p ON p.lane = l.id WHERE COALESCE(p.seq, 0) <> l.seq",
            )
            .fetch_one(&mut connection)
            .await?;
            if behind == 0 {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // If they don't, the judge says so by name.
    tokio::time::timeout(CAUGHT_UP_MAX, wait).await.unwrap_or(Ok(()))
}

fn refusals(history: &History) -> BTreeMap<String, u64> {
    let mut refusals: BTreeMap<String, u64> = BTreeMap::new();
    for attempt in history.commands.iter().flat_map(|command| &command.attempts) {
        if let Outcome::Refused { code, .. } = &attempt.outcome {
            *refusals.entry(code.to_string()).or_default() += 1;
        }
    }
    refusals
}

async fn judge(history: &History, direct: Direct) -> anyhow::Result<(Counts, Vec<Violation>)> {
    let mut auditor = Auditor::of(history);
    let standing = reader::read_into(&mut auditor, direct).await?;
    Ok(auditor.finish(&standing))
}
