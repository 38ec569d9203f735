//! A place where both halves are at work: mysqld, Kafka, the engine with its relay, processes that keep the books, clients.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use hwan_services::{Installed, Instance, Options};
use tokio::task::block_in_place;

use super::{
    bookkeeper::Bookkeeper,
    evidence,
    judge::{self, Looked},
};
use crate::{
    clients::{Crew, CrewPlan, Town, open_customers},
    clock::RunClock,
    patience::Patience,
    site::{CALLER, DATABASE, Engine, EngineFiles, Mysqld},
};

/// The database of the books.
pub const BOOKS: &str = "hwan_books";
/// How long anything may take until new work is taken again.
const RECOVERED_MAX: Duration = Duration::from_secs(60);
/// How long the books may take until they have followed.
const FOLLOWED_MAX: Duration = Duration::from_secs(180);
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long an engine may take to stop in order.
const STOP_MAX: Duration = Duration::from_secs(30);

/// How it is put up.
#[derive(Clone, Debug)]
pub struct PipelinePlan {
    /// MySQL, as it was installed.
    pub mysql: Installed,
    /// Kafka, as it was installed.
    pub kafka: Installed,
    /// The program `hwan`.
    pub hwan: PathBuf,
    /// Where everything goes.
    pub folder: PathBuf,
    /// Lanes of customers.
    pub lanes: u16,
    /// Customers.
    pub customers: usize,
    /// The clients.
    pub crew: CrewPlan,
}

/// The site at work.
#[derive(Debug)]
pub struct PipelineSite {
    /// The run's clock.
    pub clock: RunClock,
    /// How it was put up.
    pub plan: PipelinePlan,
    /// The server of ledger and books.
    pub mysqld: Mysqld,
    /// The broker.
    pub kafka: Instance,
    /// The engine, whose process is the relay's.
    pub engine: Engine,
    /// Who keeps the books: the first always, the second sometimes.
    pub bookkeepers: [Bookkeeper; 2],
    /// What the clients share.
    pub town: Arc<Town>,
    /// Until they are told to end.
    crew: Option<Crew>,
}

/// What it came to.
#[derive(Debug)]
pub struct PipelineJudgement {
    /// What was looked at.
    pub looked: Looked,
    /// Commands that clients were told are done.
    pub acknowledged: u64,
    /// Everything that is not as it must be.
    pub found: Vec<String>,
}

impl PipelineSite {
    /// Puts it up, opens customers, and sends the clients to work.
    pub async fn open(plan: PipelinePlan) -> anyhow::Result<Self> {
        let clock = RunClock::start();
        let mysqld = Mysqld::start(&plan.mysql, &plan.folder.join("mysqld"), &[])?;
        mysqld.direct().execute(&format!("CREATE DATABASE {BOOKS}")).await?;
        let kafka = block_in_place(|| plan.kafka.start(&plan.folder.join("kafka"), Options::default()))
            .context("kafka does not start")?;
        let (sql, broker) = (mysqld.port(), kafka.port());
        let url = |database: &str| format!("mysql://hwan@127.0.0.1:{sql}/{database}");
        let store =
            format!("url = \"{}\"\ntls = \"disabled\"\ncommit_connections = 2\nlease_ms = 2_000\n", url(DATABASE));
        let rest = format!(
            "[outbox]\nkind = \"kafka\"\n[outbox.kafka]\nbootstrap_servers = \"127.0.0.1:{broker}\"\n\
             [accounting]\nkind = \"mysql\"\nurl = \"{}\"\n",
            url(BOOKS)
        );
        let files = EngineFiles { binary: plan.hwan.clone(), folder: plan.folder.join("engine") };
        let mut engine = Engine::new(files, &store, plan.lanes, &rest, None)?;
        engine.start().await?;
        let bookkeeper = |name: &str| {
            let log = plan.folder.join(format!("{name}.log"));
            Bookkeeper::new(plan.hwan.clone(), engine.configuration(), log)
        };
        let mut bookkeepers = [bookkeeper("books-a"), bookkeeper("books-b")];
        let [first, _] = &mut bookkeepers;
        first.start()?;
        let customers = open_customers(engine.client(), plan.customers).await?;
        let town = Arc::new(Town::new(clock, vec![engine.endpoint().clone()], CALLER, customers));
        Crew::endow(&town).await?;
        let crew = Some(Crew::start(&town, plan.crew));
        let site = Self { clock, plan, mysqld, kafka, engine, bookkeepers, town, crew };
        site.recovered(site.clock.now()).await.context("the clients do not get going")?;
        site.followed().await.context("the books do not get going")?;
        Ok(site)
    }

    /// Where the broker is.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.kafka.port())
    }

    /// Waits until every lane takes new work that was sent at `since` or later; gives how long after `since` that was.
    pub async fn recovered(&self, since: u64) -> anyhow::Result<Duration> {
        let patience = Patience::of(RECOVERED_MAX);
        let recovered = self.town.pulse.recovered(self.clock, since, self.plan.lanes, patience).await;
        recovered.with_context(|| format!("no recovery within {RECOVERED_MAX:?}:\n{}", self.engine.last_lines()))
    }

    /// Waits until the books have what the engine has now; gives how long that took.
    pub async fn followed(&self) -> anyhow::Result<Duration> {
        let (begun, mut patience) = (Instant::now(), Patience::of(FOLLOWED_MAX));
        let heads = evidence::heads(self.mysqld.direct()).await?;
        loop {
            // Before its first start there are no tables of the books.
            let stands = evidence::stands(self.mysqld.direct(), BOOKS).await.unwrap_or_default();
            let behind = heads
                .iter()
                .find(|(lane, head)| !stands.iter().any(|(of, stand, _)| of == lane && stand >= head) && *head > 0);
            let Some((lane, head)) = behind else { return Ok(begun.elapsed()) };
            anyhow::ensure!(
                !patience.is_over(),
                "the books did not follow lane {lane} to {head} within {FOLLOWED_MAX:?}, they stand at {stands:?}:\n{}\n{}",
                self.bookkeepers[0].last_lines(),
                self.engine.last_lines()
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// An error of a client, if one has failed.
    pub async fn client_failure(&mut self) -> Option<anyhow::Error> {
        match &mut self.crew {
            Some(crew) => crew.failure().await,
            None => None,
        }
    }

    /// Lets the clients learn what they have in flight and the books follow, ends everything in order, and judges.
    pub async fn close(mut self) -> anyhow::Result<PipelineJudgement> {
        if let Some(crew) = self.crew.take() {
            crew.stop().await?;
        }
        self.followed().await?;
        let mut found = Vec::new();
        // Both while everything is still there: the proof must hold at any time.
        for question in [&["ledger", "compare"][..], &["ledger", "trial-balance"], &["ledger", "lag"]] {
            let (status, said) = self.engine.ask(question).await?;
            if !status.success() {
                found.push(format!("hwan {} ended with {status}: {said}", question.join(" ")));
            }
        }
        self.engine.stop(STOP_MAX).await?;
        let (status, said) = self.engine.ask(&["verify"]).await?;
        if !status.success() {
            found.push(format!("hwan verify ended with {status}: {said}"));
        }
        let evidence = evidence::gather(self.mysqld.direct(), BOOKS, &self.bootstrap(), self.plan.lanes).await?;
        let (looked, broken) = judge::judge(&evidence);
        found.extend(broken);
        Ok(PipelineJudgement { looked, acknowledged: self.town.pulse.acknowledged(), found })
    }
}
