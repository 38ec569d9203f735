//! Where a server listens, and what a caller brings along: token, TLS, the address of those who run it.
//!
//! Plain `http` goes to this machine alone, since a token must not travel in the clear. `https` goes anywhere, to a
//! name or an address, and is verified against a file of certificates; there is no way to skip that.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use crate::tls::{Tls, TlsError, TlsFiles};

/// Why a URL is not one that the client takes.
#[derive(Debug, thiserror::Error)]
pub enum ServerAddrError {
    /// Not `http://host:port` or `https://host:port`.
    #[error("url must be of the form http://127.0.0.1:8080 or https://bank.example:8443, found {0:?}")]
    Form(String),
    /// Plain http to a host that is not this machine.
    #[error("host {0} is not a loopback address: hwan's token must not travel in the clear, use https")]
    NotLoopback(String),
    /// `https` without a file of the certificates to trust.
    #[error("{0} needs a file of the certificates to trust: give one")]
    NoTrust(String),
    /// Certificates for a URL of plain http.
    #[error("{0} is plain http: certificates are for https")]
    NoTls(String),
    /// A certificate or key that cannot be used.
    #[error("{path}: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: TlsError,
    },
}

/// Where a server listens, and what the client brings along.
#[derive(Clone)]
pub struct ServerAddr {
    host: String,
    port: u16,
    authority: String,
    token: Option<String>,
    tls: Option<Tls>,
    admin: Option<Box<ServerAddr>>,
}

impl ServerAddr {
    /// From a URL of plain http, as the server's banner prints it; only loopback.
    pub fn loopback(url: &str) -> Result<Self, ServerAddrError> {
        let address = Self::parse(url, "http://")?;
        let ip = address.host.parse::<IpAddr>().map_err(|_| ServerAddrError::NotLoopback(address.host.clone()))?;
        if ip.is_loopback() { Ok(address) } else { Err(ServerAddrError::NotLoopback(address.host)) }
    }

    /// From a URL of https, whose certificate is to be signed by one of those in the files.
    pub fn secure(url: &str, files: &TlsFiles) -> Result<Self, ServerAddrError> {
        let mut address = Self::parse(url, "https://")?;
        address.tls = Some(Tls::from_files(&address.host, files)?);
        Ok(address)
    }

    /// From a URL of either kind; `files` are for https and needed there.
    pub fn of(url: &str, files: Option<&TlsFiles>) -> Result<Self, ServerAddrError> {
        match (url.starts_with("https://"), files) {
            (true, Some(files)) => Self::secure(url, files),
            (true, None) => Err(ServerAddrError::NoTrust(url.to_owned())),
            (false, Some(_)) => Err(ServerAddrError::NoTls(url.to_owned())),
            (false, None) => Self::loopback(url),
        }
    }

    fn parse(url: &str, scheme: &str) -> Result<Self, ServerAddrError> {
        let form = || ServerAddrError::Form(url.to_owned());
        let authority = url.strip_prefix(scheme).ok_or_else(form)?.trim_end_matches('/');
        let (host, port) = authority.rsplit_once(':').ok_or_else(form)?;
        let port = port.parse::<u16>().map_err(|_| form())?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(host) => host.parse::<IpAddr>().map_err(|_| form())?.to_string(),
            None if host == "localhost" && scheme == "http://" => Ipv4Addr::LOCALHOST.to_string(),
            None => host.to_owned(),
        };
        let of_a_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        if host.is_empty() || (bracketed.is_none() && host.contains(':')) || !host.chars().all(of_a_host) {
            return Err(form());
        }
        Ok(Self { host, port, authority: authority.to_owned(), token: None, tls: None, admin: None })
    }

    /// With the token for `/v1`; surrounding white space, as of a file's end, is dropped.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.trim().to_owned());
        self
    }

    /// Without a token.
    #[must_use]
    pub fn without_token(mut self) -> Self {
        self.token = None;
        self
    }

    /// With the address for those who run the server: health, version, metrics, the clock of a test. Plain http on
    /// loopback; no token is sent there.
    pub fn with_admin(mut self, url: &str) -> Result<Self, ServerAddrError> {
        self.admin = Some(Box::new(Self::loopback(url)?));
        Ok(self)
    }

    /// The name or the address to connect to.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as they stand in the URL and in the `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    pub(crate) fn admin(&self) -> Option<&ServerAddr> {
        self.admin.as_deref()
    }
}

impl fmt::Debug for ServerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "ServerAddr({scheme}://{})", self.authority) // never the token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_alone() {
        for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://localhost:1", "http://[::1]:80"] {
            assert!(ServerAddr::loopback(url).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1:80", "http://bank.example:80", "http://[::2]:80", "http://localhost.example:80"] {
            assert!(matches!(ServerAddr::loopback(url), Err(ServerAddrError::NotLoopback(_))), "{url}");
        }
        for url in [
            "https://127.0.0.1:1",
            "127.0.0.1:1",
            "http://127.0.0.1",
            "http://127.0.0.1:x",
            "http://:1",
            "http://a b:1",
            "http://::1:80",
            "http://u@127.0.0.1:1",
        ] {
            assert!(matches!(ServerAddr::loopback(url), Err(ServerAddrError::Form(_))), "{url}");
        }
    }

    #[test]
    fn https_needs_certificates_and_plain_http_takes_none() {
        let files = TlsFiles::trusting("nowhere.pem");
        assert!(matches!(ServerAddr::of("https://bank.example:443", None), Err(ServerAddrError::NoTrust(_))));
        assert!(matches!(ServerAddr::of("http://127.0.0.1:80", Some(&files)), Err(ServerAddrError::NoTls(_))));
        let missing = ServerAddr::of("https://bank.example:443", Some(&files)).unwrap_err();
        assert!(missing.to_string().starts_with("nowhere.pem: "), "{missing}");
    }

    #[test]
    fn an_admin_address_is_loopback_too() {
        let server = || ServerAddr::loopback("http://127.0.0.1:8080").unwrap();
        assert_eq!(server().with_admin("http://127.0.0.1:8081").unwrap().admin().unwrap().port(), 8081);
        assert!(server().with_admin("http://10.0.0.1:8081").is_err());
    }

    #[test]
    fn the_token_is_never_printed() {
        let server = ServerAddr::loopback("http://127.0.0.1:8080").unwrap().with_token("secret\n");
        assert!(!format!("{server:?}").contains("secret"));
    }
}
