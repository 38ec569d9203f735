//! One request to one engine, and what came of it, with times and the process that it went to.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use hwan_client::{ClientError, Connection, Request, Sent, ServerAddr};

use crate::{
    clock::RunClock,
    history::{EngineId, Micros, RetryAfter},
};

/// How long a connection may take to open.
const CONNECT_MAX: Duration = Duration::from_millis(500);
/// How long an answer may take; longer is no answer.
const ANSWER_MAX: Duration = Duration::from_millis(1_000);

/// Where an engine listens, whichever process that is at the time.
#[derive(Debug)]
pub struct Endpoint {
    server: ServerAddr,
    process: AtomicU32,
    is_up: AtomicBool,
}

impl Endpoint {
    /// Of an engine that does not run yet.
    pub fn of(server: ServerAddr) -> Self {
        Self { server, process: AtomicU32::new(0), is_up: AtomicBool::new(false) }
    }

    /// Its address and token.
    pub fn server(&self) -> &ServerAddr {
        &self.server
    }

    /// A process begins to listen there.
    pub fn begins(&self, process: u32) {
        self.process.store(process, Ordering::Release);
        self.is_up.store(true, Ordering::Release);
    }

    /// The process is gone. One that is only held is not.
    pub fn ends(&self) {
        self.is_up.store(false, Ordering::Release);
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    fn engine(&self) -> EngineId {
        EngineId(self.process.load(Ordering::Acquire))
    }
}

/// What came back over HTTP.
#[derive(Debug)]
pub(super) enum Came {
    /// A whole answer.
    Answer { status: u16, replayed: bool, retry_after: RetryAfter, body: Vec<u8> },
    /// None, and it may have been read.
    Nothing,
    /// None, and not a byte had left.
    NotSent,
}

/// A call with its times.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) engine: EngineId,
    pub(super) invoked: Micros,
    pub(super) ended: Micros,
    pub(super) came: Came,
}

/// A connection to one endpoint, opened when needed, and the process that it was opened to.
#[derive(Debug, Default)]
pub(super) struct Line {
    connection: Option<(Connection, EngineId)>,
}

impl Line {
    /// Sends a request and waits for its answer; an answer that is not hwan's is an error.
    pub(super) async fn call(
        &mut self,
        endpoint: &Endpoint,
        request: &Request,
        clock: RunClock,
    ) -> anyhow::Result<Called> {
        let prepared = request.prepare(&endpoint.server)?;
        let mut engine = endpoint.engine();
        let not_sent = |engine| Called { engine, invoked: clock.now(), ended: clock.now(), came: Came::NotSent };
        if self.connection.as_mut().is_none_or(|(connection, of)| *of != engine || !connection.is_quiet()) {
            self.connection = None;
            let Ok(opened) = Connection::open(&endpoint.server, CONNECT_MAX).await else { return Ok(not_sent(engine)) };
            if endpoint.engine() != engine {
                return Ok(not_sent(engine)); // restarted meanwhile: whose connection this is is not known
            }
            self.connection = Some((opened, engine));
        }
        let Some((connection, of)) = &mut self.connection else { return Ok(not_sent(engine)) };
        engine = *of;
        let invoked = clock.now();
        let came = match connection.call(&prepared, ANSWER_MAX).await {
            Ok(reply) => Came::Answer {
                status: reply.status,
                replayed: reply.replayed,
                retry_after: if reply.retry_after_s.is_some() { RetryAfter::Told } else { RetryAfter::Missing },
                body: reply.body.to_vec(),
            },
            Err(ClientError::Connection { sent: Sent::Nothing, .. }) => Came::NotSent,
            Err(ClientError::Connection { .. }) => Came::Nothing,
            Err(error) => return Err(error.into()),
        };
        if !matches!(came, Came::Answer { .. }) {
            self.connection = None;
        }
        Ok(Called { engine, invoked, ended: clock.now(), came })
    }
}
