//! TLS of the ports: certificate, key, and who may connect.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;

/// The files; an empty path is none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// A PEM file: the certificate, then those that lead to a root. Read again when it changes.
    pub certificate: PathBuf,
    /// A PEM file of mode 0600: the certificate's key.
    pub key: PathBuf,
    /// A PEM file: the roots of clients' certificates. With it only clients that have one may connect.
    pub client_ca: PathBuf,
}

/// The files of a port that speaks TLS.
#[derive(Clone, Copy, Debug)]
pub struct TlsFiles<'a> {
    /// The certificate, then those that lead to a root.
    pub certificate: &'a Path,
    /// Its key.
    pub key: &'a Path,
    /// The roots of clients' certificates.
    pub client_ca: Option<&'a Path>,
}

impl TlsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_set = |path: &Path| !path.as_os_str().is_empty();
        let all_or_none = |field, advice: &str| {
            Err(ConfigError::Bound { field, found: "empty".to_owned(), advice: advice.to_owned() })
        };
        match (is_set(&self.certificate), is_set(&self.key), is_set(&self.client_ca)) {
            (true, false, _) => all_or_none("server.tls.key", "name the key of server.tls.certificate, a PEM file"),
            (false, true, _) => {
                all_or_none("server.tls.certificate", "name the certificate of server.tls.key, a PEM file")
            }
            (false, false, true) => {
                all_or_none("server.tls.certificate", "server.tls.client_ca takes a certificate and a key beside it")
            }
            _ => Ok(()),
        }
    }

    /// The files, if the ports speak TLS.
    pub fn files(&self) -> Option<TlsFiles<'_>> {
        fn named(path: &Path) -> Option<&Path> {
            Some(path).filter(|path| !path.as_os_str().is_empty())
        }
        let (certificate, key) = (named(&self.certificate)?, named(&self.key)?);
        Some(TlsFiles { certificate, key, client_ca: named(&self.client_ca) })
    }
}
