//! TLS: whom to trust, and what to show of oneself.
//!
//! Versions 1.2 and 1.3 with the library's safe defaults. Trusted are the certificates of one file and nothing else:
//! no store of the system's, so that a bank's private authority is all that counts. The files are read once.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, pem, pem::PemObject},
    },
};

use crate::address::ServerAddrError;

/// The files of TLS, all PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificates of those who may sign the server's.
    pub trusted: PathBuf,
    /// What the client shows, where the server asks for it.
    pub client: Option<ClientCertificate>,
}

/// A client's certificate and its key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, the authorities between it and the root following.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Trusts the certificates of this file, and shows nothing.
    pub fn trusting(trusted: impl Into<PathBuf>) -> Self {
        Self { trusted: trusted.into(), client: None }
    }

    /// Shows a certificate too.
    #[must_use]
    pub fn showing(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client = Some(ClientCertificate { certificate: certificate.into(), key: key.into() });
        self
    }
}

/// What is wrong with a file of TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read as PEM.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] pem::Error),
    /// It holds no certificate.
    #[error("holds no certificate")]
    Empty,
    /// It holds what TLS does not take.
    #[error("is not taken: {0}")]
    Refused(#[from] rustls::Error),
    /// The server's name is none.
    #[error("the server's name is none that a certificate can be for: {0}")]
    Name(#[from] InvalidDnsNameError),
}

/// How to speak TLS with one server.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) connector: TlsConnector,
    pub(crate) name: ServerName<'static>,
}

impl Tls {
    pub(crate) fn from_files(host: &str, files: &TlsFiles) -> Result<Self, ServerAddrError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |reason: TlsError| ServerAddrError::Certificate { path, reason }
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|error| at(Path::new(host))(error.into()))?;
        let mut trusted = RootCertStore::empty();
        for certificate in certificates(&files.trusted).map_err(at(&files.trusted))? {
            trusted.add(certificate).map_err(|error| at(&files.trusted)(error.into()))?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| at(&files.trusted)(error.into()))?
            .with_root_certificates(trusted);
        let config = match &files.client {
            None => builder.with_no_client_auth(),
            Some(ClientCertificate { certificate, key }) => {
                let shown = certificates(certificate).map_err(at(certificate))?;
                let key_read = PrivateKeyDer::from_pem_file(key).map_err(|error| at(key)(error.into()))?;
                builder.with_client_auth_cert(shown, key_read).map_err(|error| at(certificate)(error.into()))?
            }
        };
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({:?})", self.name)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() { Err(TlsError::Empty) } else { Ok(certificates) }
}
