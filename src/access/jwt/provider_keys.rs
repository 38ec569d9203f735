//! The provider's key set (RFC 7517), reduced to what verifies.
//!
//! A key is taken with the algorithms that it may verify, decided here and not by a token: its own `alg`, or by its type.
//! Symmetric keys are never taken, so no token can pass off a public key as one. What is not understood is left out.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;

use crate::config::jwt::JwtAlgorithm;

/// Keys of a set at most; further ones are left out.
pub const KEYS_MAX: usize = 100;
/// The longest id of a key, in bytes.
const KEY_ID_MAX: usize = 256;

/// The library's name for it.
pub(super) const fn algorithm(of: JwtAlgorithm) -> Algorithm {
    match of {
        JwtAlgorithm::Rs256 => Algorithm::RS256,
        JwtAlgorithm::Ps256 => Algorithm::PS256,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

struct ProviderKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// The keys that may have signed a token.
#[derive(Default)]
pub struct ProviderKeys(Vec<ProviderKey>);

impl std::fmt::Debug for ProviderKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| (&key.id, &key.algorithms))).finish()
    }
}

impl ProviderKeys {
    /// Reads a set; `permitted` are the algorithms of the configuration.
    pub fn read(json: &[u8], permitted: &[JwtAlgorithm]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|error| format!("it is no key set: {error}"))?;
        let permitted: Vec<Algorithm> = permitted.iter().map(|of| algorithm(*of)).collect();
        let keys: Vec<ProviderKey> =
            set.keys.into_iter().filter_map(|key| take(key, &permitted)).take(KEYS_MAX).collect();
        if keys.is_empty() {
            return Err("it has no key for access.jwt.algorithms".to_owned());
        }
        Ok(Self(keys))
    }

    /// The key of this id for this algorithm; without an id the only key there is.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let found = match (id, self.0.as_slice()) {
            (Some(_), keys) => keys.iter().find(|key| key.id.as_deref() == id && key.algorithms.contains(&algorithm)),
            (None, [only]) => Some(only).filter(|key| key.algorithms.contains(&algorithm)),
            (None, _) => None,
        };
        found.map(|key| &key.key)
    }

    /// Whether a key has this id, for whatever algorithm.
    pub(super) fn knows(&self, id: Option<&str>) -> bool {
        id.is_none() || self.0.iter().any(|key| key.id.as_deref() == id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn take(key: serde_json::Value, permitted: &[Algorithm]) -> Option<ProviderKey> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|of| *of != PublicKeyUse::Signature) {
        return None;
    }
    let by_type: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[Algorithm::RS256, Algorithm::PS256],
        AlgorithmParameters::EllipticCurve(parameters) if parameters.curve == EllipticCurve::P256 => {
            &[Algorithm::ES256]
        }
        AlgorithmParameters::OctetKeyPair(parameters) if parameters.curve == EllipticCurve::Ed25519 => {
            &[Algorithm::EdDSA]
        }
        _ => return None,
    };
    let own = match jwk.common.key_algorithm {
        None => None,
        Some(KeyAlgorithm::RS256) => Some(Algorithm::RS256),
        Some(KeyAlgorithm::PS256) => Some(Algorithm::PS256),
        Some(KeyAlgorithm::ES256) => Some(Algorithm::ES256),
        Some(KeyAlgorithm::EdDSA) => Some(Algorithm::EdDSA),
        Some(_) => return None,
    };
    let good = |of: &Algorithm| permitted.contains(of) && own.is_none_or(|own| own == *of);
    let algorithms: Vec<Algorithm> = by_type.iter().copied().filter(good).collect();
    let id = jwk.common.key_id.clone();
    if algorithms.is_empty() || id.as_ref().is_some_and(|id| id.len() > KEY_ID_MAX) {
        return None;
    }
    Some(ProviderKey { id, algorithms, key: DecodingKey::from_jwk(&jwk).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [JwtAlgorithm; 4] = [JwtAlgorithm::Rs256, JwtAlgorithm::Ps256, JwtAlgorithm::Es256, JwtAlgorithm::EdDsa];
    const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const RSA: &str = r#"{"kty":"RSA","kid":"rsa","use":"sig","n":"sXch","e":"AQAB"}"#;

    fn read(keys: &[&str], permitted: &[JwtAlgorithm]) -> Result<ProviderKeys, String> {
        ProviderKeys::read(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes(), permitted)
    }

    #[test]
    fn a_key_verifies_its_own_algorithms_and_no_other() {
        let keys = read(&[ED, RSA], &ALL).unwrap();
        assert!(keys.find(Some("ed"), Algorithm::EdDSA).is_some() && keys.find(Some("ed"), Algorithm::RS256).is_none());
        assert!(
            keys.find(Some("rsa"), Algorithm::RS256).is_some() && keys.find(Some("rsa"), Algorithm::PS256).is_some()
        );
        assert!(
            keys.find(Some("rsa"), Algorithm::HS256).is_none() && keys.find(Some("rsa"), Algorithm::RS512).is_none()
        );
        assert!(keys.find(Some("other"), Algorithm::EdDSA).is_none() && keys.find(None, Algorithm::EdDSA).is_none());
        assert!(keys.knows(Some("ed")) && !keys.knows(Some("other")));
        let with_alg = RSA.replace("\"kid\"", "\"alg\":\"PS256\",\"kid\"");
        let keys = read(&[&with_alg], &ALL).unwrap();
        assert!(keys.find(None, Algorithm::PS256).is_some() && keys.find(None, Algorithm::RS256).is_none());
        assert!(read(&[RSA], &[JwtAlgorithm::Es256]).is_err());
    }

    #[test]
    fn what_cannot_verify_is_left_out() {
        let secret = r#"{"kty":"oct","kid":"hmac","k":"c2VjcmV0"}"#;
        let encrypts = RSA.replace("\"sig\"", "\"enc\"");
        let other_curve = r#"{"kty":"EC","crv":"P-384","kid":"ec","x":"AA","y":"AA"}"#;
        let of_another_kind = RSA.replace("\"kid\"", "\"alg\":\"RS512\",\"kid\"");
        for bad in [secret, &encrypts, other_curve, &of_another_kind, "{}", "7", r#"{"kty":"new"}"#] {
            assert_eq!(read(&[bad, ED], &ALL).unwrap().len(), 1, "{bad}");
            assert!(read(&[bad], &ALL).is_err(), "{bad}");
        }
        for bad in ["", "[]", "{}", r#"{"keys":7}"#] {
            assert!(ProviderKeys::read(bad.as_bytes(), &ALL).is_err(), "{bad}");
        }
        let many: Vec<&str> = std::iter::repeat_n(ED, 2 * KEYS_MAX).collect();
        assert_eq!(read(&many, &ALL).unwrap().len(), KEYS_MAX);
    }
}
