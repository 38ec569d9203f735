//! Where the provider's key set comes from: a file, or a URL. Read whole, within a time and a size, without redirects.

use std::{
    io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use actix_web::rt;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::tls::{TlsError, trust};

/// The largest key set, in bytes.
pub const BYTES_MAX: usize = 262_144;
/// How long a reading may take.
const READ_MAX: Duration = Duration::from_secs(5);

/// Why a source is not one.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Neither https nor loopback.
    #[error("access.jwt.key_set {0:?} is no URL of https (or of http on loopback): correct it")]
    Url(String),
    /// The root of the URL's certificate cannot be used.
    #[error(transparent)]
    Trust(#[from] TlsError),
}

/// Where a key set is read.
#[derive(Clone)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A URL.
    Url(Box<Place>),
}

/// A URL, taken apart.
#[derive(Clone)]
pub struct Place {
    host: String,
    port: u16,
    authority: String,
    path: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Url(place) => write!(f, "{}{}", place.authority, place.path),
        }
    }
}

impl Source {
    /// Of a path or URL; `ca` holds the root of the URL's certificate, in place of the system's.
    pub fn of(text: &str, ca: Option<&Path>) -> Result<Self, SourceError> {
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let malformed = || SourceError::Url(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(malformed)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let (tls, port) = match uri.scheme_str() {
            Some("https") => {
                let name = ServerName::try_from(host.clone()).map_err(|_| malformed())?;
                (Some((TlsConnector::from(Arc::new(trust::client_config(ca)?)), name)), 443)
            }
            Some("http") if is_loopback => (None, 80),
            _ => return Err(malformed()),
        };
        Ok(Self::Url(Box::new(Place {
            port: authority.port_u16().unwrap_or(port),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            host,
            tls,
        })))
    }

    /// Reads the set, or says why not.
    pub async fn read(&self) -> Result<Vec<u8>, String> {
        match timeout(READ_MAX, self.read_unbounded()).await {
            Ok(read) => read,
            Err(_) => Err(format!("it was not read within {} s", READ_MAX.as_secs())),
        }
    }

    async fn read_unbounded(&self) -> Result<Vec<u8>, String> {
        match self {
            Source::File(path) => read_file(path).await.map_err(|error| error.to_string()),
            Source::Url(place) => {
                let stream = TcpStream::connect((place.host.as_str(), place.port)).await;
                let stream = stream.map_err(|error| error.to_string())?;
                match &place.tls {
                    None => fetch(stream, place).await,
                    Some((connector, name)) => {
                        let stream = connector.connect(name.clone(), stream).await;
                        fetch(stream.map_err(|error| error.to_string())?, place).await
                    }
                }
            }
        }
    }
}

async fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    tokio::fs::File::open(path).await?.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes).await?;
    if bytes.len() > BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

async fn fetch(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, place: &Place) -> Result<Vec<u8>, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // It ends with the answer, or with the sender when the time is up.
    let _connection = rt::spawn(connection);
    let request = Request::get(&place.path)
        .header(header::HOST, &place.authority)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("hwan/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("it is answered {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await;
    Ok(body.map_err(|error| error.to_string())?.to_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_secure_or_on_loopback() {
        for good in ["https://id.bank.example/keys", "http://127.0.0.1:9/keys", "http://localhost/k", "http://[::1]:1/"]
        {
            assert!(matches!(Source::of(good, None), Ok(Source::Url(_))), "{good}");
        }
        assert!(matches!(Source::of("keys.json", None), Ok(Source::File(_))));
        for bad in [
            "http://id.bank.example/keys",
            "http://127.0.0.1.attacker.example/",
            "ftp://127.0.0.1/",
            "https://user:secret@id.example/",
            "https:///keys",
            "http://10.0.0.1/",
            "://",
        ] {
            assert!(matches!(Source::of(bad, None), Err(SourceError::Url(_))), "{bad}");
        }
    }
}
