//! The store as the engine sees it: opening, closing, and the port.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use hwan_domain::{
    board::Pair,
    currency::{Currency, CurrencySet},
    customer::CustomerState,
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    interest::{DailyClosing, Period},
    money::Money,
    record::{KeyDigest, Record},
    round::Round,
    time::{BusinessDate, Timestamp},
};
use tokio::time::Instant;

use super::{
    commit,
    committer::Committer,
    connect::{self, Purpose},
    lanes, lease,
    options::MysqlOptions,
    owner::Owner,
    passbook,
    projections::{self, Openings},
    reads, relay,
    retention::{self, Kept, Retention},
    schema,
    sessions::Sessions,
    settings, states, sums,
};
use crate::storage::{
    listing::{CustomerQuery, PassbookPage, PassbookQuery, RoundQuery},
    port::{
        AccountSums, ChainHash, CommitBatch, CommitError, Epoch, Household, JournalRow, LaneHead, LedgerStore,
        PassbookEntry, ProjectionStep, StoreError, TakenLane,
    },
};

/// How the projections are moved on: steps that take some tens of milliseconds of the server's time, so that commits hardly
/// wait behind one.
const PROJECTION_STEP: ProjectionStep = ProjectionStep { records_max: 4_096, gathered_for: Duration::from_millis(200) };

/// The store on MySQL.
#[derive(Debug)]
pub struct MysqlStore {
    name: String,
    shared: Shared,
}

/// What the store's work has in common; outlives a call that is given up.
#[derive(Clone, Debug)]
pub(super) struct Shared(Arc<SharedParts>);

impl From<Arc<SharedParts>> for Shared {
    fn from(parts: Arc<SharedParts>) -> Self {
        Self(parts)
    }
}

impl Deref for Shared {
    type Target = SharedParts;

    fn deref(&self) -> &SharedParts {
        &self.0
    }
}

/// See [`Shared`].
#[derive(Debug)]
pub(super) struct SharedParts {
    pub(super) sessions: Sessions,
    pub(super) currencies: Arc<CurrencySet>,
    pub(super) owner: Owner,
    pub(super) lease: Duration,
    /// Connections that commit; a lane has its own among them.
    committers: Vec<Arc<Committer>>,
    /// The connection that moves projections on.
    pub(super) projector: Arc<Committer>,
    pub(super) openings: Openings,
    owned: Mutex<HashMap<LaneId, Owned>>,
    closed: AtomicBool,
    /// Whether another engine has taken one of the lanes: then all are left to it.
    lost: AtomicBool,
}

/// A lane that this store has taken.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    pub(super) lane: LaneId,
    pub(super) epoch: Epoch,
    /// On which server it was taken: behind the same name another may stand after a failover, and there it is taken anew.
    pub(super) server: Arc<str>,
    /// When its lease was last renewed.
    pub(super) renewed: Instant,
}

impl SharedParts {
    /// The connection by which a lane commits.
    pub(super) fn committer(&self, lane: LaneId) -> Arc<Committer> {
        let index = usize::from(lane.number()) % self.committers.len().max(1);
        self.committers.get(index).map_or_else(|| Arc::clone(&self.projector), Arc::clone)
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<LaneId, Owned>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a lane was taken.
    pub(super) fn owns(&self, lane: LaneId, epoch: Epoch, server: Arc<str>) {
        self.lanes().insert(lane, Owned { lane, epoch, server, renewed: Instant::now() });
    }

    /// Refuses a connection to another server than the one where the lane was taken.
    pub(super) fn refuse_other_server(&self, lane: LaneId, server: &str) -> Result<(), StoreError> {
        match self.lanes().get(&lane) {
            Some(owned) if *owned.server != *server => Err(StoreError::Unavailable(
                "another server stands behind the name than before: the lane is taken again there".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// Whether a lane's lease has run out as far as this process knows, or another engine has taken over.
    pub(super) fn has_lapsed(&self, lane: LaneId) -> bool {
        self.is_lost() || self.lanes().get(&lane).is_some_and(|owned| owned.renewed.elapsed() > self.lease)
    }

    /// Notes that a lane's lease was renewed by what was sent then.
    pub(super) fn renewed(&self, lane: LaneId, epoch: Epoch, sent: Instant) {
        if let Some(owned) = self.lanes().get_mut(&lane).filter(|owned| owned.epoch == epoch) {
            owned.renewed = owned.renewed.max(sent);
        }
    }

    /// Notes that a lane is no longer owned, or may not be.
    pub(super) fn forget(&self, lane: LaneId) {
        self.lanes().remove(&lane);
    }

    /// The epoch of a lane that is owned.
    pub(super) fn epoch(&self, lane: LaneId) -> Option<Epoch> {
        self.lanes().get(&lane).map(|owned| owned.epoch)
    }

    /// The lanes that are owned.
    pub(super) fn owned(&self) -> Vec<Owned> {
        self.lanes().values().cloned().collect()
    }

    /// Notes that another engine has taken a lane. Whoever keeps the others would keep that engine from serving: nothing is
    /// committed or renewed from here on, and the leases run out.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether another engine has taken over.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Whether the store was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl MysqlStore {
    /// Opens the ledger for an engine: brings the tables up to date and checks the server.
    ///
    /// Fails with [`StoreError::Unavailable`] where the server cannot be reached or takes no writes, and with
    /// [`StoreError::Unsafe`] where commits would not be durable or the currencies do not mean what is stored.
    pub async fn open(options: &MysqlOptions, currencies: Arc<CurrencySet>) -> Result<Self, StoreError> {
        let target = connect::target(options)?;
        let sessions = Sessions::new(&target, options)?;
        let entered = Arc::clone(&currencies);
        let (timeout, idle_seconds) = (options.connect_timeout, Duration::from_secs(60).as_secs());
        let first = target.clone();
        let name = sessions
            .run(async move {
                let mut connection = connect::open(&first, timeout, Purpose::Write { idle_seconds }).await?;
                schema::migrate(&mut connection).await?;
                schema::enter_currencies(&mut connection, &entered).await?;
                schema::check_currencies(&mut connection, &entered).await?;
                let name = settings::name(&mut connection).await?;
                connect::close(connection).await;
                Ok::<_, StoreError>(name)
            })
            .await??;
        let committers = (0..options.commit_connections.max(1)).map(|_| Committer::new(target.clone(), options));
        let parts = Arc::new(SharedParts {
            sessions,
            currencies,
            owner: Owner::here(),
            lease: options.lease,
            committers: committers.collect(),
            projector: Committer::new(target, options),
            openings: Openings::default(),
            owned: Mutex::default(),
            closed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        });
        parts.sessions.spawn(lease::keep(Arc::downgrade(&parts), options.lease));
        Ok(Self { name, shared: Shared(parts) })
    }

    /// Opens the ledger to read only, beside a running engine or without one; no lane may be taken by it.
    pub async fn open_read_only(options: &MysqlOptions, currencies: Arc<CurrencySet>) -> Result<Self, StoreError> {
        let target = connect::target(options)?;
        let sessions = Sessions::new(&target, options)?;
        let known = Arc::clone(&currencies);
        let (timeout, first) = (options.connect_timeout, target.clone());
        let name = sessions
            .run(async move {
                let mut connection = connect::open(&first, timeout, Purpose::Read).await?;
                schema::check_version(&mut connection).await?;
                schema::check_currencies(&mut connection, &known).await?;
                let name = settings::name(&mut connection).await?;
                connect::close(connection).await;
                Ok::<_, StoreError>(name)
            })
            .await??;
        let parts = SharedParts {
            sessions,
            currencies,
            owner: Owner::here(),
            lease: options.lease,
            committers: Vec::new(),
            projector: Committer::closed(target, options),
            openings: Openings::default(),
            owned: Mutex::default(),
            closed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        };
        Ok(Self { name, shared: Shared(Arc::new(parts)) })
    }

    /// What the store's other rooms work with.
    pub(super) const fn shared(&self) -> &Shared {
        &self.shared
    }

    /// How far a lane's retention has come.
    pub async fn kept(&self, lane: LaneId) -> Result<Kept, StoreError> {
        retention::kept(&self.shared, lane).await
    }

    /// Notes that a lane's journal is sealed and exported up to and including `through`: it may be deleted that far.
    pub async fn seal(&self, lane: LaneId, through: Seq) -> Result<(), StoreError> {
        retention::seal(&self.shared, lane, through).await
    }

    /// Lets the idempotency keys of records before `before` expire; returns how many records were looked at.
    pub async fn expire_keys(&self, lane: LaneId, before: Timestamp, pace: Retention) -> Result<u64, StoreError> {
        retention::expire_keys(&self.shared, lane, before, pace).await
    }

    /// Deletes the journal's rows that are sealed, exported and without a living key; returns how many they were.
    pub async fn delete_sealed(&self, lane: LaneId, pace: Retention) -> Result<u64, StoreError> {
        retention::delete_sealed(&self.shared, lane, pace).await
    }
}

#[async_trait]
impl LedgerStore for MysqlStore {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn take_lane(&self, lane: LaneId) -> Result<TakenLane, StoreError> {
        lanes::take(&self.shared, lane).await
    }

    fn has_lapsed(&self, lane: LaneId) -> bool {
        self.shared.has_lapsed(lane)
    }

    async fn lane_heads(&self) -> Result<Vec<LaneHead>, StoreError> {
        lanes::heads(&self.shared).await
    }

    async fn commit(&self, batch: &CommitBatch) -> Result<(), CommitError> {
        commit::commit(&self.shared, batch).await
    }

    async fn journal_begins(&self, lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
        retention::kept(&self.shared, lane).await.map(|kept| (kept.deleted, kept.hash))
    }

    async fn journal(&self, lane: LaneId, from: Seq, limit: usize) -> Result<Vec<JournalRow>, StoreError> {
        reads::journal(&self.shared, lane, from, limit).await
    }

    async fn journal_since(&self, lane: LaneId, at: Timestamp) -> Result<Seq, StoreError> {
        reads::journal_since(&self.shared, lane, at).await
    }

    async fn records(&self, places: &[Position]) -> Result<Vec<Arc<Record>>, StoreError> {
        reads::records(&self.shared, places).await
    }

    async fn find_keys(&self, keys: &[KeyDigest]) -> Result<Vec<(KeyDigest, JournalRow)>, StoreError> {
        reads::find_keys(&self.shared, keys).await
    }

    async fn customer(&self, id: CustomerId) -> Result<Option<Household>, StoreError> {
        Ok(states::households(&self.shared, &[id]).await?.pop())
    }

    async fn households(&self, ids: &[CustomerId]) -> Result<Vec<Household>, StoreError> {
        states::households(&self.shared, ids).await
    }

    async fn account_sums(&self) -> Result<Vec<AccountSums>, StoreError> {
        sums::account_sums(&self.shared).await
    }

    async fn customers(&self, query: &CustomerQuery) -> Result<Vec<CustomerState>, StoreError> {
        states::customers(&self.shared, query).await
    }

    async fn owner(&self, id: AccountId) -> Result<Option<CustomerId>, StoreError> {
        states::owner(&self.shared, id).await
    }

    async fn pairs(&self, rounds: usize) -> Result<Vec<(Currency, Pair)>, StoreError> {
        states::pairs(&self.shared, rounds).await
    }

    async fn rounds(&self, query: &RoundQuery) -> Result<Vec<Round>, StoreError> {
        states::rounds(&self.shared, query).await
    }

    async fn project(&self, lane: LaneId, from: Seq, records: &[Arc<Record>]) -> Result<(), StoreError> {
        projections::project(&self.shared, lane, from, records).await
    }

    fn projection_step(&self) -> ProjectionStep {
        PROJECTION_STEP
    }

    async fn projected(&self, lane: LaneId) -> Result<Seq, StoreError> {
        reads::projected(&self.shared, lane).await
    }

    async fn relayed(&self, lane: LaneId) -> Result<(Seq, ChainHash), StoreError> {
        relay::relayed(&self.shared, lane).await
    }

    async fn relay(&self, lane: LaneId, epoch: Epoch, from: Seq, to: (Seq, ChainHash)) -> Result<(), StoreError> {
        relay::relay(&self.shared, lane, epoch, from, to).await
    }

    async fn passbook(
        &self,
        id: AccountId,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<PassbookEntry>, StoreError> {
        passbook::above(&self.shared, id, after_version, limit).await
    }

    async fn passbook_is_current(&self, id: AccountId) -> Result<bool, StoreError> {
        passbook::is_current(&self.shared, id).await
    }

    async fn passbook_page(&self, query: &PassbookQuery) -> Result<PassbookPage, StoreError> {
        passbook::page(&self.shared, query).await
    }

    async fn daily_balances(
        &self,
        id: AccountId,
        date: BusinessDate,
    ) -> Result<Vec<(BusinessDate, Money)>, StoreError> {
        passbook::daily_balances(&self.shared, id, date).await
    }

    async fn daily_closings(
        &self,
        id: AccountId,
        currency: Currency,
        period: Period,
    ) -> Result<Vec<DailyClosing>, StoreError> {
        passbook::daily_closings(&self.shared, id, currency, period).await
    }

    async fn close(&self) {
        if self.shared.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = self.shared.clone();
        let closed = self.shared.sessions.run(async move {
            lanes::release(&shared).await;
            for committer in shared.committers.iter().chain([&shared.projector]) {
                committer.close().await;
            }
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the store did not close in order");
        }
        self.shared.sessions.close().await;
    }
}
