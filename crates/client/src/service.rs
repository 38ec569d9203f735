//! How the server is: alive, ready, which version, its metrics; its description; the clock of one started for tests.

use serde::{Deserialize, Serialize};

use crate::{Answer, Client, ClientError, Request, client::json};

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

/// The clock of a server that was started with one to be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Clock {
    /// RFC 3339, UTC.
    pub now: String,
}

/// How to move such a clock; it never goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMove {
    /// By so many milliseconds.
    AdvanceMs(u64),
    /// To this time: RFC 3339, UTC.
    Set(String),
}

impl Client {
    /// Whether the process lives.
    pub async fn live(&self) -> Result<(), ClientError> {
        self.send_to_admin(&Request::get("/livez")).await.map(drop)
    }

    /// Whether it takes work; an error with status 503 while it does not.
    pub async fn ready(&self) -> Result<Answer<Readiness>, ClientError> {
        self.send_to_admin(&Request::get("/readyz")).await?.typed()
    }

    /// What runs there.
    pub async fn version(&self) -> Result<Answer<Version>, ClientError> {
        self.send_to_admin(&Request::get("/version")).await?.typed()
    }

    /// The metrics page, as Prometheus reads it.
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let page = self.send_to_admin(&Request::get("/metrics")).await?;
        String::from_utf8(page.body).map_err(|_| ClientError::protocol("the metrics page is not utf-8"))
    }

    /// What time it is for a server that was started with a clock to be set.
    pub async fn clock(&self) -> Result<Answer<Clock>, ClientError> {
        self.send_to_admin(&Request::get("/clock")).await?.typed()
    }

    /// Moves that clock.
    pub async fn move_clock(&self, by: &ClockMove) -> Result<Answer<Clock>, ClientError> {
        self.send_to_admin(&Request::post("/clock", json(by)?)).await?.typed()
    }

    /// The description of the API, OpenAPI 3.1.
    pub async fn openapi(&self) -> Result<Answer<serde_json::Value>, ClientError> {
        self.get("/v1/openapi.json").await
    }
}
