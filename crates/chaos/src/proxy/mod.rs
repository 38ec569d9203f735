//! A TCP proxy between an engine and mysqld that understands enough of the protocol to strike at a COMMIT.
//!
//! One listener on loopback, a task per connection, plain text only (the server must not offer TLS). What it forwards it
//! forwards byte for byte. Dropping it ends its connections. Called by the faults; each wait there has an end.

mod connection;
mod packet;
mod plan;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

pub use packet::Transaction;
pub use plan::{Cut, Weather};
use plan::{Deed, Plan};

/// A COMMIT that is held back; dropping this lets it go on to the server.
#[derive(Debug)]
pub struct Held {
    /// Hears when a COMMIT is held.
    pub struck: oneshot::Receiver<()>,
    /// Lets it go, by being sent or dropped.
    pub release: oneshot::Sender<()>,
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    plan: Arc<Plan>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port and forwards to `port` of loopback.
    pub async fn to(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let plan = Arc::new(Plan::to(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        let accepting = tokio::spawn(accept(listener, plan.clone()));
        Ok(Self { address, plan, accepting })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// COMMITs of the ledger that came from the client, forwarded or not.
    pub fn commits(&self) -> u64 {
        self.plan.commits()
    }

    /// Forwards new connections elsewhere and ends those that are there: a failover as the client sees it.
    pub fn switch_to(&self, port: u16) {
        self.plan.set_upstream(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        self.end_connections();
    }

    /// Ends every connection.
    pub fn end_connections(&self) {
        self.plan.clearing.send_modify(|clearing| *clearing += 1);
    }

    /// Changes the weather.
    pub fn weather(&self, weather: Weather) {
        self.plan.weather.send_replace(weather);
    }

    /// Cuts the connection of the next COMMIT of the ledger. The receiver hears when that happens.
    pub fn cut_next(&self, cut: Cut) -> oneshot::Receiver<()> {
        self.plan.arm(Transaction::Ledger, Deed::Cut(cut))
    }

    /// Holds back the next COMMIT of this kind.
    pub fn hold_next(&self, of: Transaction) -> Held {
        let (release, released) = oneshot::channel();
        Held { struck: self.plan.arm(of, Deed::Hold(released)), release }
    }

    /// Takes back a cut or a hold that has not struck.
    pub fn disarm(&self) {
        self.plan.disarm();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.end_connections();
    }
}

/// Takes connections until it is aborted. Of those in the backlog that the client gave up, the error shows in the task.
async fn accept(listener: TcpListener, plan: Arc<Plan>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        if *plan.weather.borrow() == Weather::NewRefused {
            continue; // dropped: closed at once
        }
        tokio::spawn(serve(client, plan.clone()));
    }
}

async fn serve(client: TcpStream, plan: Arc<Plan>) {
    // A server that is away refuses; then the client is closed, which is what it would see.
    let Ok(server) = TcpStream::connect(plan.upstream()).await else { return };
    connection::run(client, server, &plan).await;
}
