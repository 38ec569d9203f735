//! What Redis needs to be told. It holds locks for a baseline and nothing that outlives it: nothing is written to disk.

use std::path::Path;

/// How a server is started.
pub(crate) fn arguments(data: &Path, port: u16) -> Vec<String> {
    let port = port.to_string();
    let data = data.display().to_string();
    let words = ["--port", &port, "--bind", "127.0.0.1", "--dir", &data, "--save", "", "--appendonly", "no"];
    words.map(str::to_owned).to_vec()
}
