//! How the server is: alive, ready, which version, its metrics; asked of its admin address.

use serde::Deserialize;

use crate::{Answer, Client, ClientError, Request, client::typed};

/// Whether the server takes work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Readiness {
    /// `ready` once it does.
    pub status: String,
    /// Lane by lane.
    #[serde(default)]
    pub lanes: Vec<LaneReadiness>,
}

/// A lane as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LaneReadiness {
    /// Its number.
    pub lane: u16,
    /// Such as `open`.
    pub status: String,
    /// The last durable seq.
    pub durable: u64,
    /// The last projected seq.
    pub projected: u64,
}

/// What runs there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// `hwan`
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its store.
    pub store: String,
}

impl Client {
    /// Whether the process lives.
    pub async fn live(&self) -> Result<(), ClientError> {
        self.send_to_admin(&Request::get("/livez")).await.map(drop)
    }

    /// Whether it takes work; an error with status 503 while it does not.
    pub async fn ready(&self) -> Result<Answer<Readiness>, ClientError> {
        typed(self.send_to_admin(&Request::get("/readyz")).await?)
    }

    /// What runs there.
    pub async fn version(&self) -> Result<Answer<Version>, ClientError> {
        typed(self.send_to_admin(&Request::get("/version")).await?)
    }

    /// The metrics page, as Prometheus reads it.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let page = self.send_to_admin(&Request::get("/metrics")).await?;
        String::from_utf8(page.body).map_err(|_| ClientError::protocol("the metrics page is not utf-8"))
    }
}
