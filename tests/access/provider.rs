//! An identity provider: keys, tokens that it signs, and its key set as a file or behind a URL.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub(crate) const ISSUER: &str = "https://id.bank.example";
pub(crate) const AUDIENCE: &str = "hwan";

/// A key that signs tokens.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    key: EncodingKey,
    pub(crate) public: Value,
}

impl SigningKey {
    pub(crate) fn new(id: &str, algorithm: Algorithm) -> Self {
        let of: &SignatureAlgorithm = match algorithm {
            Algorithm::ES256 => &PKCS_ECDSA_P256_SHA256,
            Algorithm::EdDSA => &PKCS_ED25519,
            _ => &PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(of).unwrap();
        let pem = pair.serialize_pem();
        let key = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        let key = key.unwrap();
        let public = match algorithm {
            Algorithm::EdDSA => {
                let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
                json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": id, "x": x })
            }
            _ => {
                let mut public = Jwk::from_encoding_key(&key, algorithm).unwrap();
                public.common.key_id = Some(id.to_owned());
                serde_json::to_value(public).unwrap()
            }
        };
        Self { id: id.to_owned(), algorithm, key, public }
    }

    /// Signs these claims under this key's own id and algorithm.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) }, claims)
    }

    /// Signs under whatever header.
    pub(crate) fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }
}

/// The set of these keys.
pub(crate) fn key_set(keys: &[&SigningKey]) -> String {
    json!({ "keys": keys.iter().map(|key| &key.public).collect::<Vec<_>>() }).to_string()
}

/// The machine's time, in seconds.
#[expect(clippy::disallowed_methods, reason = "a provider goes by the machine's time")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What a good token says, at this time.
pub(crate) fn claims_at(now: u64) -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "app-7", "exp": now + 300, "roles": ["auditor"] })
}

/// The same with one claim changed; null takes it away.
pub(crate) fn but(claims: &Value, claim: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(claim);
    } else {
        claims[claim] = value;
    }
    claims
}

/// The section of the configuration that trusts this provider.
pub(crate) fn configuration(key_set: &str) -> String {
    format!(
        "[access.jwt]\nenabled = true\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\nleeway_seconds = 0\nkey_set = {key_set:?}\n"
    )
}

/// A key set behind a URL.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Served {
    pub(crate) async fn new(body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, asked) = (Arc::new(Mutex::new(ok(body))), Arc::new(AtomicUsize::new(0)));
        let (its_answer, its_asked) = (Arc::clone(&answer), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                its_asked.fetch_add(1, Ordering::SeqCst);
                let answer = its_answer.lock().unwrap().clone();
                let mut request = [0; 4_096];
                let _read = stream.read(&mut request).await;
                let _written = stream.write_all(answer.as_bytes()).await;
                let _closed = stream.shutdown().await;
            }
        });
        Self { address, answer, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// An answer with this body.
pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
