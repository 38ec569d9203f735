//! Tokens that were verified, by their digest, until they expire: verifying costs a hundred times what looking up does.
//!
//! Sharded, so that workers rarely meet at a lock, and bounded: a full shard forgets what has expired, and if nothing
//! has, whatever it comes upon first. A new key set forgets everything, so that a key that left verifies nothing more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hwan_domain::time::Timestamp;

use crate::access::principal::Principal;

const SHARDS: usize = 16;

/// SHA-256 of a whole token.
pub type TokenDigest = [u8; 32];

#[derive(Debug)]
struct Kept {
    principal: Arc<Principal>,
    expires_at: Timestamp,
}

/// What is remembered.
#[derive(Debug)]
pub struct Remembered {
    shards: [Mutex<HashMap<TokenDigest, Kept>>; SHARDS],
    per_shard_max: usize,
}

impl Remembered {
    /// At most about `max` tokens.
    pub fn new(max: usize) -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), per_shard_max: max.div_ceil(SHARDS) }
    }

    fn shard(&self, digest: &TokenDigest) -> MutexGuard<'_, HashMap<TokenDigest, Kept>> {
        let [first, ..] = digest;
        let [zeroth, ..] = &self.shards;
        let shard = self.shards.get(usize::from(*first) % SHARDS).unwrap_or(zeroth);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose token this is, if it was verified and is still good at `now`.
    pub fn find(&self, digest: &TokenDigest, now: Timestamp) -> Option<Arc<Principal>> {
        let mut shard = self.shard(digest);
        match shard.get(digest) {
            Some(kept) if kept.expires_at > now => Some(Arc::clone(&kept.principal)),
            Some(_) => {
                shard.remove(digest);
                None
            }
            None => None,
        }
    }

    /// Remembers a verified token.
    pub fn keep(&self, digest: TokenDigest, principal: Arc<Principal>, expires_at: Timestamp, now: Timestamp) {
        let mut shard = self.shard(&digest);
        if shard.len() >= self.per_shard_max {
            shard.retain(|_, kept| kept.expires_at > now);
        }
        if shard.len() >= self.per_shard_max
            && let Some(any) = shard.keys().next().copied()
        {
            shard.remove(&any);
        }
        shard.insert(digest, Kept { principal, expires_at });
    }

    /// Forgets all.
    pub fn clear(&self) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{
        allowance::{Allowance, Pace},
        principal::Credential,
        role::Roles,
    };

    #[test]
    fn what_is_remembered_ends_with_the_token_and_is_bounded() {
        let remembered = Remembered::new(64);
        let allowance = Allowance::new(Pace::new(1, 1));
        let principal = Arc::new(Principal::new(Arc::from("jwt:a"), Roles::NONE, Credential::Jwt, allowance));
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        remembered.keep([1; 32], Arc::clone(&principal), at(10), at(0));
        assert!(remembered.find(&[1; 32], at(9)).is_some() && remembered.find(&[2; 32], at(9)).is_none());
        assert!(remembered.find(&[1; 32], at(10)).is_none() && remembered.find(&[1; 32], at(9)).is_none());
        for index in 0_u32..10_000 {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&index.to_le_bytes());
            remembered.keep(digest, Arc::clone(&principal), at(10), at(0));
        }
        let kept: usize = remembered.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert_eq!(kept, 64);
        remembered.clear();
        assert!(remembered.shards.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }
}
