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
}

impl Refused {
    /// The stable text, for the audit trail and the metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Refused::Missing => "missing",
            Refused::Malformed => "malformed",
            Refused::UnknownKey => "unknown_key",
            Refused::WrongSecret(_) => "wrong_secret",
            Refused::ExpiredKey(_) => "expired_key",
            Refused::RevokedKey(_) => "revoked_key",
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
