//! What every handler may use: the engine's façade, the keys, and the door.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::HttpResponse;
use hwan_domain::currency::CurrencySet;

use super::{
    answer,
    auth::Token,
    json::{Body, BodyLimits},
    problem::Problem,
};
use crate::{
    actors::{
        command::{Caller, Command, Viewer},
        engine::Engine,
    },
    quotes::keyring::Keyring,
};

/// Shared by all requests of all workers.
#[derive(Debug)]
pub struct Context {
    /// The engine.
    pub engine: EngineHandle,
    /// The currencies.
    pub currencies: Arc<CurrencySet>,
    /// The keys that sign quotes.
    pub keyring: Keyring,
    /// The token that callers have.
    pub token: Token,
    /// The name under which callers with the token act.
    pub caller: Arc<str>,
    /// The life of a quote that asks for none.
    pub quote_lifetime: Duration,
    /// The longest life of a quote.
    pub quote_lifetime_max: Duration,
    /// What a body may take.
    pub body: BodyLimits,
    /// What the store is, for `/version`.
    pub store_name: String,
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

    /// On whose word a request stands.
    pub(super) fn caller(&self, key: Option<Box<str>>, body: &Body) -> Caller {
        Caller { who: self.viewer(), key, request: body.digest }
    }

    /// Who asks, and how far that one sees.
    pub(super) fn viewer(&self) -> Viewer {
        Viewer::of_all(Arc::clone(&self.caller))
    }

    /// Executes a command and answers with what it created.
    pub(super) async fn execute(
        &self,
        key: Option<Box<str>>,
        body: &Body,
        command: Command,
    ) -> Result<HttpResponse, Problem> {
        let executed = self.engine.execute(self.caller(key, body), command).await?;
        Ok(answer::created(&executed))
    }
}
