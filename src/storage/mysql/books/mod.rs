//! The books in a database of their own on MySQL or MariaDB.
//!
//! Any number of processes may read them, and more than one may post: every step is fenced. What is posted travels in two round
//! trips: the fence, whose answer is seen, and then the rest of the step with its COMMIT.

mod alerts;
mod closings;
mod post;
mod reads;
mod reconciliation;
mod standing;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Position, Seq},
    ledger::{Chart, Journal, TrialLine},
    time::BusinessDate,
};
use sqlx::{AssertSqlSafe, MySqlConnection, migrate::Migrator};

use super::{
    committer::Committer,
    connect::{self, Purpose},
    errors::store_error,
    options::MysqlOptions,
    reads::get,
    schema,
    script::Script,
    sessions::Sessions,
    settings,
};
use crate::storage::{
    general_ledger::{
        columns,
        port::{
            DeadLetter, GeneralLedger, JournalPage, JournalQuery, LaneBooks, LaneCursor, PostError, Redelivery, Step,
        },
    },
    port::{ChainHash, StoreError},
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/books/mysql");

/// How long a connection that posts may be idle before the server ends it, in seconds: with it ends what it left open.
const IDLE_SECONDS: u64 = 60;

/// The books in a database.
#[derive(Debug)]
pub struct MysqlBooks {
    name: String,
    shared: Arc<Shared>,
}

/// What the store's work has in common; outlives a call that is given up.
#[derive(Debug)]
struct Shared {
    sessions: Sessions,
    currencies: Arc<CurrencySet>,
    /// Connections that post; a lane has its own among them. None where the books are only read.
    committers: Vec<Arc<Committer>>,
}

impl Shared {
    fn committer(&self, lane: LaneId) -> Result<Arc<Committer>, StoreError> {
        let index = usize::from(lane.number()).checked_rem(self.committers.len());
        index.and_then(|index| self.committers.get(index)).map(Arc::clone).ok_or_else(|| {
            StoreError::Unavailable("the books were opened to read only, only the accounting posts".to_owned())
        })
    }
}

impl MysqlBooks {
    /// Opens the books to post: brings the tables up to date and checks the server. Of the options, the lease does not matter
    /// here, and connections that commit are those that post.
    ///
    /// Fails with [`StoreError::Unavailable`] where the server cannot be reached or takes no writes, and with
    /// [`StoreError::Unsafe`] where a step would not be durable, or where currencies or the chart of accounts do not mean what is
    /// stored.
    pub async fn open(
        options: &MysqlOptions,
        currencies: Arc<CurrencySet>,
        chart: Arc<Chart>,
    ) -> Result<Self, StoreError> {
        let target = connect::target(options)?;
        let sessions = Sessions::new(&target, options)?;
        let (entered, timeout, first) = (Arc::clone(&currencies), options.connect_timeout, target.clone());
        let name = sessions
            .run(async move {
                let purpose = Purpose::Write { idle_seconds: IDLE_SECONDS };
                let mut connection = connect::open(&first, timeout, purpose).await?;
                migrate(&mut connection).await?;
                schema::enter_currencies(&mut connection, &entered).await?;
                schema::check_currencies(&mut connection, &entered).await?;
                enter_chart(&mut connection, &chart).await?;
                let name = settings::name(&mut connection).await?;
                connect::close(connection).await;
                Ok::<_, StoreError>(name)
            })
            .await??;
        // The idle time of a connection that commits is twice the lease.
        let posting = MysqlOptions { lease: Duration::from_secs(IDLE_SECONDS / 2), ..options.clone() };
        let committers = (0..options.commit_connections.max(1)).map(|_| Committer::new(target.clone(), &posting));
        let shared = Shared { sessions, currencies, committers: committers.collect() };
        Ok(Self { name, shared: Arc::new(shared) })
    }

    /// Opens the books to read only, beside whoever posts or without.
    pub async fn open_read_only(
        options: &MysqlOptions,
        currencies: Arc<CurrencySet>,
        chart: Arc<Chart>,
    ) -> Result<Self, StoreError> {
        let target = connect::target(options)?;
        let sessions = Sessions::new(&target, options)?;
        let (known, timeout) = (Arc::clone(&currencies), options.connect_timeout);
        let name = sessions
            .run(async move {
                let mut connection = connect::open(&target, timeout, Purpose::Read).await?;
                check_version(&mut connection).await?;
                schema::check_currencies(&mut connection, &known).await?;
                check_chart(&mut connection, &chart).await?;
                let name = settings::name(&mut connection).await?;
                connect::close(connection).await;
                Ok::<_, StoreError>(name)
            })
            .await??;
        Ok(Self { name, shared: Arc::new(Shared { sessions, currencies, committers: Vec::new() }) })
    }
}

async fn migrate(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    // Not `run`: its bound on `Acquire` makes a future that cannot be sent between threads.
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| StoreError::Unavailable(format!("the books' tables cannot be brought up to date: {error}")))
}

/// Refuses a database of another version, for those who may not change it.
async fn check_version(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await
        .map_err(|error| StoreError::Unavailable(format!("these are no books, or none were kept yet: {error}")))?;
    let expected = MIGRATIONS.iter().map(|migration| migration.version).max();
    if found == expected {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "the books' tables are of version {found:?}, this program knows {expected:?}: use the program that keeps the books"
    )))
}

/// Refuses a chart by which what is stored would mean something else.
async fn check_chart(connection: &mut MySqlConnection, chart: &Chart) -> Result<(), StoreError> {
    let rows = sqlx::raw_sql("SELECT account, role FROM chart")
        .fetch_all(connection)
        .await
        .map_err(|error| store_error(&error))?;
    for row in &rows {
        let code: i32 = get(row, "account")?;
        columns::same_chart(chart, u32::try_from(code).unwrap_or(0), get(row, "role")?)?;
    }
    Ok(())
}

/// Enters the chart; names may change.
async fn enter_chart(connection: &mut MySqlConnection, chart: &Chart) -> Result<(), StoreError> {
    check_chart(connection, chart).await?;
    let mut script = Script::default();
    script.insert(
        "INSERT INTO chart (account, name, class, role)",
        " ON DUPLICATE KEY UPDATE name = VALUES(name)",
        chart.iter().map(columns::chart_columns),
        |row, (code, name, class, role)| {
            row.number(code);
            row.text(name);
            row.text(class);
            row.text(role);
        },
    );
    for packet in script.packets() {
        sqlx::raw_sql(AssertSqlSafe(packet.sql))
            .execute(&mut *connection)
            .await
            .map_err(|error| store_error(&error))?;
    }
    Ok(())
}

#[async_trait]
impl GeneralLedger for MysqlBooks {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn enter(&self, lane: LaneId) -> Result<LaneBooks, StoreError> {
        standing::enter(&self.shared, lane).await
    }

    async fn look(&self, lane: LaneId) -> Result<Option<LaneBooks>, StoreError> {
        standing::look(&self.shared, lane).await
    }

    async fn post(&self, step: &Step) -> Result<(), PostError> {
        post::post(&self.shared, step).await
    }

    async fn redeliver(&self, redelivery: &Redelivery) -> Result<bool, StoreError> {
        post::redeliver(&self.shared, redelivery).await
    }

    async fn note_stop(&self, lane: LaneId, at: Seq, reason: &str) -> Result<(), StoreError> {
        post::note_stop(&self.shared, lane, at, reason).await
    }

    async fn trail(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<(Seq, ChainHash)>, StoreError> {
        reads::trail(&self.shared, lane, from, limit).await
    }

    async fn cursors(&self) -> Result<Vec<LaneCursor>, StoreError> {
        standing::cursors(&self.shared).await
    }

    async fn turnovers(&self, as_of: Option<BusinessDate>, lane: Option<LaneId>) -> Result<Vec<TrialLine>, StoreError> {
        reads::turnovers(&self.shared, as_of, lane).await
    }

    async fn journals(&self, query: &JournalQuery) -> Result<JournalPage, StoreError> {
        reads::journals(&self.shared, query).await
    }

    async fn journal(&self, position: Position) -> Result<Option<Journal>, StoreError> {
        reads::journal(&self.shared, position).await
    }

    async fn dead_letters(
        &self,
        lane: Option<LaneId>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        reads::dead_letters(&self.shared, lane, after, limit).await
    }

    async fn close(&self) {
        let shared = Arc::clone(&self.shared);
        let closed = self.shared.sessions.run(async move {
            for committer in &shared.committers {
                committer.close().await;
            }
        });
        if let Err(error) = closed.await {
            tracing::debug!(%error, "the books were closed before");
        }
        self.shared.sessions.close().await;
    }
}
