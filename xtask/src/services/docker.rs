//! The same servers by Docker, where an engine answers: `compose.yaml` says what they are.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use hwan_services::Product;

use crate::machine;

/// An engine that answers, with Compose.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    file: PathBuf,
}

/// The engine of this machine, if it runs.
pub(crate) fn engine() -> Option<Engine> {
    // The first asks the engine, not only the client.
    if !machine::runs("docker", &["info", "--format", "{{.ServerVersion}}"])
        || !machine::runs("docker", &["compose", "version"])
    {
        return None;
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    Some(Engine { file: manifest.parent().unwrap_or(manifest).join("compose.yaml") })
}

/// Where a server of `compose.yaml` listens, and as whom one comes in.
pub(crate) fn url(product: Product) -> String {
    match product {
        Product::MySql => "mysql://root@127.0.0.1:13306/hwan",
        Product::MariaDb => "mysql://root@127.0.0.1:13307/hwan",
        Product::Redis => "redis://127.0.0.1:16379/",
        Product::Kafka => "127.0.0.1:19092",
    }
    .to_owned()
}

impl Engine {
    /// Starts a server and waits until it is healthy.
    pub(crate) fn start(&self, product: Product) -> Result<(), String> {
        self.compose(&["up", "--detach", "--wait", product.name()]).map(|_| ())
    }

    /// Stops a server; what it holds stays.
    pub(crate) fn stop(&self, product: Product) -> Result<(), String> {
        self.compose(&["stop", product.name()]).map(|_| ())
    }

    /// Stops a server and removes what it holds.
    pub(crate) fn remove(&self, product: Product) -> Result<(), String> {
        self.compose(&["rm", "--stop", "--force", "--volumes", product.name()]).map(|_| ())
    }

    /// Whether a server runs.
    pub(crate) fn runs(&self, product: Product) -> bool {
        let running = self.compose(&["ps", "--services", "--status", "running"]);
        running.is_ok_and(|names| names.lines().any(|name| name == product.name()))
    }

    fn compose(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new("docker")
            .args(["compose", "--progress", "plain", "--file"])
            .arg(&self.file)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("docker: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("docker compose {}: {}\n{said}", arguments.join(" "), output.status))
    }
}
