//! The API keys as requests find them: by id, ready to compare, replaced whole when the file changes.
//!
//! Looking one up takes no lock that workers fight for, and allocates nothing. When a key was last used is one number,
//! written by whoever uses it, at most once a second; it outlives the set.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use hwan_domain::time::{MICROS_PER_SECOND, Timestamp};

use super::{
    allowance::Allowances,
    api_key::{KeyId, PresentedKey, SecretDigest},
    kept_key::KeptKey,
    principal::{Credential, Principal},
    refused::Refused,
};

/// When each key was last used, in microseconds; 0: never.
pub type LastUses = HashMap<KeyId, Arc<AtomicI64>>;

#[derive(Debug)]
struct Entry {
    digest: SecretDigest,
    principal: Arc<Principal>,
    expires_at: Timestamp,
    is_revoked: bool,
    last_used: Arc<AtomicI64>,
}

/// All keys of one reading of the file.
#[derive(Debug, Default)]
pub struct KeySet {
    by_id: HashMap<KeyId, Entry>,
}

impl KeySet {
    /// Makes the kept keys ready; `last_uses` gains those that it did not know and loses those that are gone.
    pub fn of(keys: &[KeptKey], allowances: &Allowances, last_uses: &mut LastUses) -> Self {
        last_uses.retain(|id, _| keys.iter().any(|key| key.id == *id));
        let mut entry = |key: &KeptKey| Entry {
            digest: key.digest,
            principal: Arc::new(Principal::new(
                Arc::from(key.name.as_str()),
                key.roles,
                Credential::ApiKey(key.id),
                allowances.of(&key.name, key.rate_per_second),
            )),
            expires_at: key.expires_at.unwrap_or(Timestamp::MAX),
            is_revoked: key.revoked_at.is_some(),
            last_used: Arc::clone(last_uses.entry(key.id).or_default()),
        };
        Self { by_id: keys.iter().map(|key| (key.id, entry(key))).collect() }
    }

    /// Who has this key, if it is right and good at `now`.
    pub fn admit(&self, presented: PresentedKey<'_>, now: Timestamp) -> Result<Arc<Principal>, Refused> {
        let entry = self.by_id.get(&presented.id).ok_or(Refused::UnknownKey)?;
        if !entry.digest.is_of(presented.secret) {
            return Err(Refused::WrongSecret(presented.id));
        }
        if entry.is_revoked {
            return Err(Refused::RevokedKey(presented.id));
        }
        if entry.expires_at <= now {
            return Err(Refused::ExpiredKey(presented.id));
        }
        // Not for each request: the workers would pass the number's place in memory to and fro.
        if now.micros() - entry.last_used.load(Ordering::Relaxed) >= MICROS_PER_SECOND {
            entry.last_used.store(now.micros(), Ordering::Relaxed);
        }
        Ok(Arc::clone(&entry.principal))
    }

    /// How many keys there are, ended ones included.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}
