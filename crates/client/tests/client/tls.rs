//! TLS: whom the client trusts, and what it shows of itself.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use hwan_client::{Client, ClientConfig, KnownOutcome, ServerAddr, TlsFiles};
use rcgen::{BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
        server::WebPkiClientVerifier,
    },
};

use crate::server::{Act, connection, json};

/// An authority with the files that a client is given.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = std::env::temp_dir().join(format!("hwan-client-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), certificate.pem()).unwrap();
        Self { certificate, issuer: Issuer::new(params, key), folder }
    }

    /// A certificate for `name`, and its key.
    fn sign(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn trusting(&self) -> TlsFiles {
        TlsFiles::trusting(self.folder.join("ca.pem"))
    }

    fn showing(&self) -> TlsFiles {
        let (certificate, key) = self.sign("channel", ExtendedKeyUsagePurpose::ClientAuth);
        let (certificate_file, key_file) = (self.folder.join("client.pem"), self.folder.join("client.key"));
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        self.trusting().showing(certificate_file, key_file)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder); // what is left lies in the folder of temporary files
    }
}

/// Whether the server asks for a certificate.
#[derive(Clone, Copy, PartialEq)]
enum Asks {
    Nothing,
    Certificate,
}

/// A server of TLS on any port; gives the port.
async fn serve(authority: &Authority, name: &str, asks: Asks, acts: Vec<Act>) -> u16 {
    let (certificate, key) = authority.sign(name, ExtendedKeyUsagePurpose::ServerAuth);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match asks {
        Asks::Nothing => builder.with_no_client_auth(),
        Asks::Certificate => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acts = Arc::new(Mutex::new(acts.into_iter()));
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(connection(stream, acts.clone(), Arc::default()));
            }
        }
    });
    port
}

fn client(url: &str, files: &TlsFiles) -> Client {
    let server = ServerAddr::of(url, Some(files)).unwrap().with_token("t0k3n");
    Client::new(server, ClientConfig { connections_max: 2, deadline: Duration::from_secs(5) })
}

fn good() -> Act {
    Act::Answer(json("200 OK", "", r#"{"name":"hwan","version":"1","store":"s"}"#))
}

#[tokio::test]
async fn a_server_whose_certificate_is_trusted_is_spoken_to() {
    let authority = Authority::new("trusted");
    let port = serve(&authority, "localhost", Asks::Nothing, vec![good(), good()]).await;
    let client = client(&format!("https://localhost:{port}"), &authority.trusting());
    assert_eq!(client.openapi().await.unwrap().value["name"], "hwan");
    assert_eq!(client.openapi().await.unwrap().value["version"], "1", "the connection is good for more than one call");
}

#[tokio::test]
async fn a_server_of_another_authority_or_name_is_refused_before_the_token_leaves() {
    let (authority, other) = (Authority::new("own"), Authority::new("other"));
    let port = serve(&authority, "localhost", Asks::Nothing, vec![good()]).await;
    let foreign = client(&format!("https://localhost:{port}"), &other.trusting()).openapi().await.unwrap_err();
    assert_eq!(foreign.outcome(), KnownOutcome::Nothing, "{foreign}");
    let renamed = client(&format!("https://127.0.0.1:{port}"), &authority.trusting()).openapi().await.unwrap_err();
    assert_eq!(renamed.outcome(), KnownOutcome::Nothing, "{renamed}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let authority = Authority::new("mutual");
    let port = serve(&authority, "localhost", Asks::Certificate, vec![good()]).await;
    let url = format!("https://localhost:{port}");
    assert!(client(&url, &authority.trusting()).openapi().await.is_err());
    assert_eq!(client(&url, &authority.showing()).openapi().await.unwrap().value["name"], "hwan");
}

#[tokio::test]
async fn files_that_are_no_certificates_are_named() {
    let authority = Authority::new("files");
    let empty = authority.folder.join("empty.pem");
    std::fs::write(&empty, "nothing here\n").unwrap();
    let error = ServerAddr::secure("https://localhost:1", &TlsFiles::trusting(&empty)).unwrap_err();
    assert!(error.to_string().contains("empty.pem: holds no certificate"), "{error}");
    let keyless = authority.trusting().showing(authority.folder.join("ca.pem"), &empty);
    let error = ServerAddr::secure("https://localhost:1", &keyless).unwrap_err();
    assert!(error.to_string().contains("empty.pem: cannot be read"), "{error}");
}
