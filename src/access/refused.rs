//! Why a caller is not let in. The caller is told little, the audit trail all of it.

use super::api_key::KeyId;

/// Why nobody is behind a request. What is told of a key is told only to those who have its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no `Authorization: Bearer`.
    #[error("send Authorization: Bearer with an api key (hwan token create makes one)")]
    Missing,
    /// It is neither a key nor a token that is taken here.
    #[error("the credential is not one that this server knows: check that it is whole and of this bank")]
    Malformed,
    /// A key of this id was never made here, or left.
    #[error("the credential is not one that this server knows: check that it is whole and of this bank")]
    UnknownKey,
    /// The key's secret is another.
    #[error("the credential is not one that this server knows: check that it is whole and of this bank")]
    WrongSecret(KeyId),
    /// The key's time is over.
    #[error("the api key has expired: have a new one made by hwan token rotate or create")]
    ExpiredKey(KeyId),
    /// The key was taken back.
    #[error("the api key was revoked: have a new one made by hwan token create")]
    RevokedKey(KeyId),
    /// A token that is signed in a way, or by a key, that is not taken here.
    #[error("the token is not signed by a key of the identity provider that this server trusts")]
    UntrustedToken,
    /// A token that names a key which the provider's set does not have, as far as it was read.
    #[error("the token is not signed by a key of the identity provider that this server trusts")]
    UnknownSigner,
    /// A token that the key it names has not signed.
    #[error("the token is not signed by a key of the identity provider that this server trusts")]
    WrongSignature,
    /// A rightly signed token whose time is over, or has not come.
    #[error("the token has expired or is not good yet: get a new one from the identity provider")]
    ExpiredToken,
    /// A rightly signed token of another issuer, or for somebody else.
    #[error("the token is of another issuer or for another audience")]
    ForeignToken,
    /// A rightly signed token that does not say who the caller is.
    #[error("the token has no sub of 1 to 128 visible characters")]
    NamelessToken,
}

impl Refused {
    /// Every stable text.
    pub const REASONS: [&str; 12] = [
        "missing",
        "malformed",
        "unknown_key",
        "wrong_secret",
        "expired_key",
        "revoked_key",
        "untrusted_token",
        "unknown_signer",
        "wrong_signature",
        "expired_token",
        "foreign_token",
        "nameless_token",
    ];

    /// The stable text, for the audit trail and the metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Refused::Missing => "missing",
            Refused::Malformed => "malformed",
            Refused::UnknownKey => "unknown_key",
            Refused::WrongSecret(_) => "wrong_secret",
            Refused::ExpiredKey(_) => "expired_key",
            Refused::RevokedKey(_) => "revoked_key",
            Refused::UntrustedToken => "untrusted_token",
            Refused::UnknownSigner => "unknown_signer",
            Refused::WrongSignature => "wrong_signature",
            Refused::ExpiredToken => "expired_token",
            Refused::ForeignToken => "foreign_token",
            Refused::NamelessToken => "nameless_token",
        }
    }

    /// The key that was presented, where there is one of that id.
    pub const fn key_id(self) -> Option<KeyId> {
        match self {
            Refused::WrongSecret(id) | Refused::ExpiredKey(id) | Refused::RevokedKey(id) => Some(id),
            _ => None,
        }
    }
}
