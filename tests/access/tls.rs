//! TLS: the handshake, clients' certificates, a certificate that is renewed, and an admin port beyond loopback.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use crate::bank::{Bank, SOON, get, send_over_tls, write_secret};

/// A root and what it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "root");
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, common_name: &str) -> Identity {
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        Identity { certificate: parameters.signed_by(&key, &self.0).unwrap(), key }
    }

    /// A client that trusts this root alone, with an identity or without.
    fn client(&self, identity: Option<&Identity>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let builder = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        }
    }
}

impl Identity {
    fn write(&self, directory: &Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = (directory.join("server.pem"), directory.join("server-key.pem"));
        fs::write(&certificate, self.certificate.pem()).unwrap();
        write_secret(&key, &self.key.serialize_pem());
        (certificate, key)
    }
}

/// A bank whose port speaks TLS; `more` stands in its section `server.tls`.
fn bank(files: &Path, identity: &Identity, more: &str) -> Bank {
    let (certificate, key) = identity.write(files);
    Bank::new(&format!(
        "[server.tls]\ncertificate = {:?}\nkey = {:?}\n{more}",
        certificate.display().to_string(),
        key.display().to_string()
    ))
}

async fn ask(bank: &Bank, client: ClientConfig, to: SocketAddr, path: &str, credential: &str) -> Result<u16, String> {
    let request = get(path).header("authorization", format!("Bearer {credential}"));
    let answer = send_over_tls(client, to, request).await;
    answer.map(|answer| answer.status).inspect_err(|_| assert!(!bank.said().contains("panic"), "{}", bank.said()))
}

#[tokio::test]
async fn the_api_speaks_tls_and_nothing_else_once_it_has_a_certificate() {
    let (files, root) = (tempfile::tempdir().unwrap(), Authority::new());
    let mut bank = bank(files.path(), &root.sign("bank"), "");
    bank.start().await;
    let token = bank.token();
    assert!(bank.said().contains(&format!("hwan listens on https://{}", bank.api())), "{}", bank.said());
    assert_eq!(ask(&bank, root.client(None), bank.api(), "/v1/rates", &token).await, Ok(200));
    assert_eq!(ask(&bank, root.client(None), bank.api(), "/v1/rates", "wrong").await, Ok(401));
    // Whoever trusts another root does not connect, and whoever speaks in the clear is not answered.
    assert!(ask(&bank, Authority::new().client(None), bank.api(), "/v1/rates", &token).await.is_err());
    let plain = tokio::net::TcpStream::connect(bank.api()).await.unwrap();
    let mut answer = Vec::new();
    let mut plain = plain;
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"GET /v1/rates HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let _closed = tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // The admin port on loopback is for this machine's probes, in the clear.
    assert_eq!(bank.ask_admin("/readyz").await.status, 200);
}

#[tokio::test]
async fn with_a_client_ca_only_its_clients_connect_and_they_need_credentials_all_the_same() {
    let (files, root, clients) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let ca = files.path().join("clients.pem");
    fs::write(&ca, clients.0.pem()).unwrap();
    let more = format!("client_ca = {:?}", ca.display().to_string());
    let mut bank = bank(files.path(), &root.sign("bank"), &more);
    bank.start().await;
    let token = bank.token();
    let app = clients.sign("app-7");
    assert_eq!(ask(&bank, root.client(Some(&app)), bank.api(), "/v1/rates", &token).await, Ok(200));
    assert_eq!(ask(&bank, root.client(Some(&app)), bank.api(), "/v1/rates", "wrong").await, Ok(401));
    let line = bank.noted(|line| line["event"] == "refused").await;
    assert_eq!(line["certificate"], "app-7", "{line}");
    assert!(ask(&bank, root.client(None), bank.api(), "/v1/rates", &token).await.is_err());
    let foreign = root.sign("of-another-root");
    assert!(ask(&bank, root.client(Some(&foreign)), bank.api(), "/v1/rates", &token).await.is_err());
}

#[tokio::test]
async fn a_renewed_certificate_counts_without_a_restart_and_a_broken_one_does_not() {
    let (files, root, next) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let mut bank = bank(files.path(), &root.sign("bank"), "");
    bank.start().await;
    let token = bank.token();
    assert_eq!(ask(&bank, root.client(None), bank.api(), "/v1/rates", &token).await, Ok(200));
    fs::write(files.path().join("server.pem"), "no certificate").unwrap();
    let started = Instant::now();
    while !bank.said().contains("certificate cannot be renewed") {
        assert!(started.elapsed() < SOON, "{}", bank.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ask(&bank, root.client(None), bank.api(), "/v1/rates", &token).await, Ok(200));
    next.sign("bank").write(files.path());
    while ask(&bank, next.client(None), bank.api(), "/v1/rates", &token).await != Ok(200) {
        assert!(started.elapsed() < 2 * SOON, "{}", bank.said());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(ask(&bank, root.client(None), bank.api(), "/v1/rates", &token).await.is_err());
}

#[tokio::test]
async fn a_key_that_others_may_read_or_that_does_not_fit_is_refused_at_start() {
    use std::os::unix::fs::PermissionsExt;
    let (files, root) = (tempfile::tempdir().unwrap(), Authority::new());
    let bank = bank(files.path(), &root.sign("bank"), "");
    let key = files.path().join("server-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let (code, said) = bank.refused(&[]);
    assert!(code == 1 && said.contains("server-key.pem") && said.contains("chmod 600"), "{said}");
    write_secret(&key, &root.sign("another").key.serialize_pem());
    let (code, said) = bank.refused(&[]);
    assert!(code == 1 && said.contains("server-key.pem"), "{said}");
    fs::remove_file(&key).unwrap();
    let (code, said) = bank.refused(&[]);
    assert!(code == 1 && said.contains("server-key.pem"), "{said}");
}

#[tokio::test]
async fn an_admin_port_beyond_loopback_speaks_tls_and_tells_only_health_to_strangers() {
    let (files, root) = (tempfile::tempdir().unwrap(), Authority::new());
    let mut bank = bank(files.path(), &root.sign("bank"), "").with_arguments(&["--admin-listen", "0.0.0.0:0"]);
    bank.start().await;
    let teller = bank.create_key(&["--name", "desk", "--role", "teller"]);
    let auditor = bank.create_key(&["--name", "audit", "--role", "auditor"]);
    let (client, admin) = (|| root.client(None), bank.admin());
    for path in ["/livez", "/readyz"] {
        assert_eq!(ask(&bank, client(), admin, path, "none").await, Ok(200), "{path}");
    }
    let started = Instant::now();
    while ask(&bank, client(), admin, "/version", &auditor).await != Ok(200) {
        assert!(started.elapsed() < SOON, "{}", bank.said());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for path in ["/version", "/metrics"] {
        assert_eq!(ask(&bank, client(), admin, path, "none").await, Ok(401), "{path}");
        assert_eq!(ask(&bank, client(), admin, path, &teller).await, Ok(403), "{path}");
        assert_eq!(ask(&bank, client(), admin, path, &auditor).await, Ok(200), "{path}");
    }
    let line = bank.noted(|line| line["status"] == 403).await;
    assert_eq!((&line["caller"], &line["code"]), (&"desk".into(), &"forbidden".into()), "{line}");
}
