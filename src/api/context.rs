//! What every handler may use: the engine's façade, the keys, and the door.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::HttpResponse;
use hwan_domain::{
    currency::CurrencySet,
    id::Position,
    record::{Record, RequestDigest},
};

use super::{
    answer,
    authorize::By,
    host::Hosts,
    json::{Body, BodyLimits},
    problem::{ApiCode, Problem},
    rate_stream::Streams,
};
use crate::{
    access::{audit::AuditTrail, gate::Access},
    accounting::{books::Books, positions::PositionLimits},
    actors::{
        command::{Caller, Command, Reach},
        engine::Engine,
    },
    clock::TestClock,
    closing::closer::Closer,
    quotes::keyring::Keyring,
    reconciliation::service::Reconciler,
    watch::desk::Desk,
};

/// Shared by all requests of all workers.
#[derive(Debug)]
pub struct Context {
    /// The engine.
    pub engine: EngineHandle,
    /// The bank's own books, if this server can read them.
    pub books: Option<Books>,
    /// What closes the days of the books, where there are any.
    pub closer: Option<Closer>,
    /// The watch's alerts, if anybody watches.
    pub desk: Option<Desk>,
    /// Reconciles, and has the history, where this server has books to keep it in.
    pub reconciler: Option<Arc<Reconciler>>,
    /// How far the bank's positions may go.
    pub position_limits: Arc<PositionLimits>,
    /// The currencies.
    pub currencies: Arc<CurrencySet>,
    /// The keys that sign quotes.
    pub keyring: Keyring,
    /// Who may call.
    pub access: Arc<Access>,
    /// Where refusals and privileged acts are noted.
    pub audit: AuditTrail,
    /// By which names this server is called.
    pub hosts: Hosts,
    /// The engine's clock, if it is one that a test moves.
    pub test_clock: Option<Arc<TestClock>>,
    /// The life of a quote that asks for none.
    pub quote_lifetime: Duration,
    /// The longest life of a quote.
    pub quote_lifetime_max: Duration,
    /// What a body may take.
    pub body: BodyLimits,
    /// What the store is, for `/version`.
    pub store_name: String,
    /// How many readers follow the rates.
    pub streams: Streams,
    /// Whether a stop has begun.
    pub draining: AtomicBool,
}

/// The engine, whose insides are nobody's to print.
#[derive(Clone)]
pub struct EngineHandle(pub Engine);

impl std::fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl std::ops::Deref for EngineHandle {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0
    }
}

impl Context {
    /// From here on `/readyz` says no, and answers close their connections.
    pub fn begin_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether a stop has begun.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The bank's own books.
    pub(super) fn books(&self) -> Result<&Books, Problem> {
        let off =
            || Problem::new(ApiCode::LedgerOff, "this server keeps no books: turn them on with accounting.enabled");
        self.books.as_ref().ok_or_else(off)
    }

    /// What closes the days of the books.
    pub(super) fn closer(&self) -> Result<&Closer, Problem> {
        self.books()?;
        self.closer.as_ref().ok_or_else(|| Problem::new(ApiCode::LedgerOff, "this server closes no days"))
    }

    /// The watch's alerts.
    pub(super) fn desk(&self) -> Result<&Desk, Problem> {
        let off = || {
            let detail = "nobody watches here: turn it on with watch.enabled, and the books with accounting.enabled";
            Problem::new(ApiCode::WatchOff, detail)
        };
        self.desk.as_ref().ok_or_else(off)
    }

    /// On whose word a request stands.
    pub(super) fn caller(&self, by: &By, key: Option<Box<str>>, request: RequestDigest) -> Caller {
        Caller { who: by.viewer(), key, request }
    }

    /// Executes a command and answers with what it created.
    pub(super) async fn execute(
        &self,
        by: &By,
        key: Option<Box<str>>,
        body: &Body,
        command: Command,
    ) -> Result<HttpResponse, Problem> {
        let executed = self.engine.execute(self.caller(by, key, body.digest), command).await?;
        Ok(answer::created(&executed))
    }

    /// A record, if the caller may see all customers whose money it moved; `None` as for one that does not exist.
    pub(super) async fn record_for(&self, by: &By, position: Position) -> Result<Option<Arc<Record>>, Problem> {
        let Some(record) = self.engine.record(position).await? else { return Ok(None) };
        let viewer = by.viewer();
        if viewer.reach == Reach::OwnCustomers {
            for leg in record.event.legs() {
                if self.engine.customer(&viewer, leg.customer).await?.is_none() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(record))
    }
}
