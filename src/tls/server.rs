//! The server's side: its certificate, which may be renewed while it runs, and whom it lets connect.
//!
//! A renewed certificate (files replaced) counts for new connections within seconds; one that cannot be used leaves the
//! old one, and says so. The roots of clients' certificates are read at start only.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};

use super::pem;
use crate::{config::tls::TlsFiles, secret_file::SecretFileError};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be used.
    #[error("{path} cannot be used for TLS: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The key's file cannot be used.
    #[error(transparent)]
    Key(#[from] SecretFileError),
    /// The parts do not fit together.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// The certificate of the server, as it is now.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// The one provider of cryptography.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl Certificates {
    /// Reads the files, and makes of them what a port needs.
    pub fn open(files: TlsFiles<'_>) -> Result<(Arc<Self>, ServerConfig), TlsError> {
        let current = ArcSwap::from_pointee(load(files.certificate, files.key)?);
        let certificates =
            Arc::new(Self { certificate: files.certificate.to_owned(), key: files.key.to_owned(), current });
        let setup = |error: &dyn std::fmt::Display| TlsError::Setup(error.to_string());
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(&error))?;
        let builder = match files.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for root in pem::certificates(path)? {
                    let unusable =
                        |error: rustls::Error| TlsError::File { path: path.to_owned(), cause: error.to_string() };
                    roots.add(root).map_err(unusable)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| setup(&error))?)
            }
        };
        let config = builder.with_cert_resolver(Arc::clone(&certificates) as Arc<dyn ResolvesServerCert>);
        Ok((certificates, config))
    }

    /// Follows the files forever.
    pub async fn follow(self: Arc<Self>) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut seen = self.stamps();
        loop {
            every.tick().await;
            let certificates = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || {
                let stamps = certificates.stamps();
                if stamps != seen {
                    certificates.renew();
                }
                stamps
            });
            match looked.await {
                Ok(stamps) => seen = stamps,
                Err(error) => {
                    tracing::error!(%error, "the certificate is not followed any more: restart hwan to renew it");
                    return;
                }
            }
        }
    }

    fn stamps(&self) -> [Option<SystemTime>; 2] {
        let modified = |path: &Path| -> io::Result<SystemTime> { fs::metadata(path)?.modified() };
        [modified(&self.certificate).ok(), modified(&self.key).ok()]
    }

    /// Between the two files' replacement they do not fit: then the next look finds both.
    fn renew(&self) {
        match load(&self.certificate, &self.key) {
            Ok(renewed) => {
                self.current.store(Arc::new(renewed));
                tracing::info!(path = %self.certificate.display(), "certificate renewed");
            }
            Err(error) => {
                tracing::error!(%error, "the certificate cannot be renewed: the one that was read before stays")
            }
        }
    }
}

fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let chain = pem::certificates(certificate)?;
    CertifiedKey::from_der(chain, pem::key(key)?, &provider())
        .map_err(|error| TlsError::Setup(format!("{} and {}: {error}", certificate.display(), key.display())))
}
