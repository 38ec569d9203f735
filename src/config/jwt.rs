//! Tokens of an identity provider: which are taken, and what they say.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, number::within};

/// Which tokens are taken beside API keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtConfig {
    /// Whether any is.
    pub enabled: bool,
    /// How they may be signed.
    pub algorithms: Vec<JwtAlgorithm>,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must be or hold.
    pub audience: String,
    /// By how much the provider's clock may differ, in seconds.
    pub leeway_seconds: u32,
    /// The provider's key set: a file, or a URL (https, or http on loopback).
    pub key_set: String,
    /// A PEM file: the root that the URL's certificate leads to; empty for the system's roots.
    pub key_set_ca: PathBuf,
    /// How often the key set is read again, in minutes.
    pub key_set_refresh_minutes: u32,
    /// The claim that holds roles: a list, or a text with spaces between.
    pub roles_claim: String,
    /// Verified tokens that are remembered until they expire, at most.
    pub remembered_max: usize,
}

/// A way of signing with a key that the verifier need not keep secret. There is no other here, on purpose: `none` signs
/// nothing, and with HMAC whoever can verify can sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum JwtAlgorithm {
    /// RSA with PKCS #1 padding and SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA with PSS padding and SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl JwtConfig {
    /// The file of `key_set_ca`, where there is one.
    pub fn key_set_ca(&self) -> Option<&Path> {
        Some(self.key_set_ca.as_path()).filter(|path| !path.as_os_str().is_empty())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("access.jwt.leeway_seconds", self.leeway_seconds, 0..=300)?;
        within("access.jwt.key_set_refresh_minutes", self.key_set_refresh_minutes, 1..=1_440)?;
        within("access.jwt.remembered_max", self.remembered_max, 16..=1_000_000)?;
        if !self.enabled {
            return Ok(());
        }
        let needed = [
            ("access.jwt.issuer", self.issuer.is_empty(), "name the provider as its tokens' iss does"),
            ("access.jwt.audience", self.audience.is_empty(), "name this bank as the tokens' aud does"),
            ("access.jwt.key_set", self.key_set.is_empty(), "name a file or a URL"),
            ("access.jwt.roles_claim", self.roles_claim.is_empty(), "name the claim that holds roles"),
            ("access.jwt.algorithms", self.algorithms.is_empty(), "name at least one"),
        ];
        match needed.into_iter().find(|(_, empty, _)| *empty) {
            Some((field, _, advice)) => {
                Err(ConfigError::Bound { field, found: "empty".to_owned(), advice: advice.to_owned() })
            }
            None => Ok(()),
        }
    }
}
