//! A server, an engine on it, customers, and the judgement over all that was sent.

use std::{path::Path, sync::Arc};

use tempfile::TempDir;

use crate::{
    common::{
        drive::{self, Customer},
        engine_process::{EngineProcess, run_to_end_with},
        history::{Observed, Recorded, judge},
    },
    own_server::{OwnServer, home},
};

/// A server with an engine on it.
pub(crate) struct Bench {
    pub(crate) server: OwnServer,
    pub(crate) engine: EngineProcess,
    pub(crate) data: TempDir,
    pub(crate) customers: Arc<[Customer]>,
    pub(crate) history: Vec<Recorded>,
    observed: Observed,
    lease_ms: u32,
}

impl Bench {
    pub(crate) async fn open(customers: usize, lease_ms: u32) -> Self {
        let (server, data) = (OwnServer::start(&[]), home());
        let engine = EngineProcess::start_with(data.path(), &environment(&server, lease_ms)).await;
        let mut observed = Observed::default();
        let (customers, history) =
            drive::open_customers(&engine.server, &engine.client, customers, &mut observed).await;
        Self { server, engine, data, customers: customers.into(), history, observed, lease_ms }
    }

    /// What makes an engine one on this server.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        environment(&self.server, self.lease_ms)
    }

    /// Starts the engine again.
    pub(crate) async fn start_again(&mut self) {
        self.engine = EngineProcess::start_with(self.data.path(), &self.environment()).await;
    }

    /// Reads what is there as it is, then retries everything of `sent`, and judges all that was ever sent.
    pub(crate) async fn accept(&mut self, sent: Vec<Recorded>, when: &str) {
        self.observed.read_back.clear();
        drive::read_back(&self.engine.client, &sent, &mut self.observed).await;
        let resolved = drive::retry_all(&self.engine.server, sent).await;
        drive::read_back(&self.engine.client, &resolved, &mut self.observed).await;
        drive::read_accounts(&self.engine.client, &self.customers, &mut self.observed).await;
        self.history.extend(resolved);
        let faults = judge(&self.history, &self.observed);
        let shown: Vec<String> = faults.iter().take(20).map(|fault| format!("{fault:?}")).collect();
        assert!(faults.is_empty(), "{} faults {when}:\n{}\n{}", faults.len(), shown.join("\n"), self.engine.output());
    }

    /// `hwan verify`, beside the engine or without it.
    pub(crate) fn verify(&self) {
        let (status, output) = run_to_end_with(&["verify"], self.data.path(), &self.environment());
        assert_eq!(status.code(), Some(0), "verify says: {output}");
    }
}

fn environment(server: &OwnServer, lease_ms: u32) -> Vec<(&'static str, String)> {
    vec![
        ("HWAN_STORE__KIND", "mysql".to_owned()),
        ("HWAN_STORE__MYSQL__URL", server.url()),
        ("HWAN_STORE__MYSQL__LEASE_MS", lease_ms.to_string()),
        ("HWAN_STORE__MYSQL__CONNECT_TIMEOUT_MS", "1000".to_owned()),
        ("HWAN_STORE__MYSQL__COMMIT_TIMEOUT_MS", "3000".to_owned()),
    ]
}

/// What a process holds in memory, in megabytes.
pub(crate) fn resident_megabytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}
