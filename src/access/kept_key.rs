//! A key as it is kept: its fields, whether it may be used, and its text in the keys' file.

use hwan_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    api_key::{KeyId, SecretDigest},
    role::{Role, Roles},
};

/// The longest name of a caller, in characters.
pub(super) const NAME_MAX: usize = 64;
/// Names under which hwan itself acts.
pub(super) const OWN_NAMES: [&str; 2] = ["engine", "demonstration"];

/// A key as it is kept.
#[derive(Clone, Debug)]
pub struct KeptKey {
    /// Its id.
    pub id: KeyId,
    /// The caller that has it; several keys may have one name.
    pub name: String,
    /// What it may do.
    pub roles: Roles,
    /// Of its secret.
    pub digest: SecretDigest,
    /// Since when it is good.
    pub created_at: Timestamp,
    /// From when on it is not; `None`: never by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Requests a second, in place of everyone's.
    pub rate_per_second: Option<u32>,
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It may.
    Active,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl KeyState {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyState::Active => "active",
            KeyState::Expired => "expired",
            KeyState::Revoked => "revoked",
        }
    }
}

impl KeptKey {
    /// Whether it may be used at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }

    /// When its time was over, or will be.
    pub(super) fn ended_at(&self) -> Option<Timestamp> {
        self.revoked_at.into_iter().chain(self.expires_at).min()
    }
}

/// Whether a caller may have this name. It has no colon, so it never equals the name that a token gives.
pub fn is_caller_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && !OWN_NAMES.contains(&name)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte))
}

/// All keys, as the file has them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default)]
    pub(super) key: Vec<WrittenKey>,
}

/// One of them, not checked yet.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenKey {
    id: String,
    name: String,
    roles: Vec<String>,
    sha256: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_second: Option<u32>,
}

impl WrittenKey {
    pub(super) fn of(key: &KeptKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            roles: key.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            sha256: key.digest.to_hex(),
            created_at: key.created_at.to_rfc3339(),
            expires_at: key.expires_at.map(Timestamp::to_rfc3339),
            revoked_at: key.revoked_at.map(Timestamp::to_rfc3339),
            rate_per_second: key.rate_per_second,
        }
    }

    /// The key, or the name of what is wrong with it.
    pub(super) fn checked(self) -> Result<KeptKey, String> {
        let wrong = |field: &str, value: &str| format!("{field} {value:?} of key {:?}", self.id);
        let time = |field: &str, text: &str| Timestamp::parse_rfc3339(text).ok_or_else(|| wrong(field, text));
        let optional = |field: &str, text: &Option<String>| text.as_deref().map(|text| time(field, text)).transpose();
        let role = |text: &String| Role::parse(text).ok_or_else(|| wrong("role", text));
        if !is_caller_name(&self.name) {
            return Err(wrong("name", &self.name));
        }
        if self.rate_per_second == Some(0) {
            return Err(wrong("rate_per_second", "0"));
        }
        Ok(KeptKey {
            id: KeyId::parse(&self.id).ok_or_else(|| wrong("id", &self.id))?,
            roles: self.roles.iter().map(role).collect::<Result<_, _>>()?,
            digest: SecretDigest::parse(&self.sha256).ok_or_else(|| wrong("sha256", "…"))?,
            created_at: time("created_at", &self.created_at)?,
            expires_at: optional("expires_at", &self.expires_at)?,
            revoked_at: optional("revoked_at", &self.revoked_at)?,
            rate_per_second: self.rate_per_second,
            name: self.name,
        })
    }
}
