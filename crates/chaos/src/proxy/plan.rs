//! What the proxy is to do: the weather that lasts, and the one thing that it does at the next COMMIT.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{oneshot, watch};

use super::packet::Transaction;

/// How the line is while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Weather {
    /// As it should be.
    #[default]
    Clear,
    /// Everything takes that much longer, each way.
    Slow(Duration),
    /// The server's answers vanish; sockets stay. A connection that lost bytes so never gets well again.
    AnswersLost,
    /// The client's requests vanish; sockets stay, as above.
    RequestsLost,
    /// New connections are closed at once, those that are there stay.
    NewRefused,
}

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// The COMMIT never gets to the server.
    Before,
    /// The COMMIT is forwarded and the connection ends at once, both ways: the server may do it or not.
    At,
    /// The server has done it and said so; the client never hears.
    Unanswered,
    /// The client has heard, then the connection ends.
    Answered,
}

/// What happens at the next COMMIT of the kind that is waited for.
#[derive(Debug)]
pub(super) enum Deed {
    Cut(Cut),
    /// It is held back until the other end says so, or is gone; then it goes to the server.
    Hold(oneshot::Receiver<()>),
}

#[derive(Debug)]
pub(super) struct Armed {
    pub(super) deed: Deed,
    of: Transaction,
    struck: oneshot::Sender<()>,
}

/// What the connections of one proxy share.
#[derive(Debug)]
pub(super) struct Plan {
    upstream: Mutex<SocketAddr>,
    pub(super) weather: watch::Sender<Weather>,
    /// Counts up when every connection is to end.
    pub(super) clearing: watch::Sender<u64>,
    armed: Mutex<Option<Armed>>,
    commits: AtomicU64,
}

impl Plan {
    pub(super) fn to(upstream: SocketAddr) -> Self {
        Self {
            upstream: Mutex::new(upstream),
            weather: watch::Sender::default(),
            clearing: watch::Sender::default(),
            armed: Mutex::default(),
            commits: AtomicU64::new(0),
        }
    }

    pub(super) fn upstream(&self) -> SocketAddr {
        *self.upstream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_upstream(&self, upstream: SocketAddr) {
        *self.upstream.lock().unwrap_or_else(PoisonError::into_inner) = upstream;
    }

    /// Arms a deed, in place of one that has not struck. The receiver hears when it does.
    pub(super) fn arm(&self, of: Transaction, deed: Deed) -> oneshot::Receiver<()> {
        let (struck, hears) = oneshot::channel();
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Armed { deed, of, struck });
        hears
    }

    /// Takes back what is armed.
    pub(super) fn disarm(&self) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A COMMIT goes by: the deed that was armed for it, if any.
    pub(super) fn commit(&self, of: Transaction) -> Option<Deed> {
        if of == Transaction::Ledger {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let Armed { deed, struck, .. } = armed.take_if(|armed| armed.of == of)?;
        let _ = struck.send(()); // nobody waits for it any more: it strikes all the same
        Some(deed)
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}
