//! The gate: tells from a request's `Authorization` header who is calling.
//!
//! | step | cost |
//! |---|---|
//! | an API key: take it apart, find it by its id, hash the secret, compare in constant time | below 1 µs, no allocation, no lock |
//! | a token that was verified before: its digest, and a look-up | some µs, one of 16 locks |
//! | a new token: its signature, what it says | some 100 µs, once |
//!
//! A wrong credential is refused without a difference in time that would tell how much of it was right. Refusals spend
//! an allowance that all of them share: beyond it they are answered 429, and no new token is verified, so that guessing fills
//! neither the audit trail nor the processors. Keys and tokens that are known never wait for it.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use hwan_domain::time::Timestamp;

use super::{
    allowance::{Allowance, Allowances, Pace},
    api_key::{KeyId, PresentedKey},
    jwt::verifier::Verifier,
    kept_key::KeptKey,
    key_set::{KeySet, LastUses},
    last_use,
    principal::Principal,
    refused::Refused,
};
use crate::{clock::Clock, telemetry::metrics::AccessMetrics};

/// Refusals a second that are told why, over all callers together; and how many at once.
const REFUSALS_PACE: (u32, u32) = (100, 200);

/// Who may call. Shared by all workers.
pub struct Access {
    keys: ArcSwap<KeySet>,
    last_uses: Mutex<LastUses>,
    allowances: Allowances,
    refusals: Allowance,
    metrics: AccessMetrics,
    tokens: Option<Arc<Verifier>>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("keys", &self.keys.load().len()).finish_non_exhaustive()
    }
}

impl Access {
    /// Lets in whoever has one of `keys`; each caller at `pace` unless its key has one of its own. Keys and tokens live
    /// by the machine's clock, so `clock` is that one, but in tests.
    pub fn new(keys: &[KeptKey], pace: Pace, clock: Arc<dyn Clock>) -> Self {
        let access = Self {
            keys: ArcSwap::default(),
            last_uses: Mutex::default(),
            allowances: Allowances::new(pace),
            refusals: Allowance::new(Pace::new(REFUSALS_PACE.0, REFUSALS_PACE.1)),
            metrics: AccessMetrics::new(&Refused::REASONS),
            tokens: None,
            clock,
        };
        access.replace_keys(keys);
        access
    }

    /// Takes an identity provider's tokens too.
    #[must_use]
    pub fn with_tokens(self, tokens: Option<Arc<Verifier>>) -> Self {
        Self { tokens, ..self }
    }

    /// From here on these are the keys.
    pub fn replace_keys(&self, keys: &[KeptKey]) {
        let mut last_uses = self.last_uses.lock().unwrap_or_else(PoisonError::into_inner);
        self.keys.store(Arc::new(KeySet::of(keys, &self.allowances, &mut last_uses)));
    }

    /// When keys were used before this start.
    pub fn set_last_uses(&self, uses: &BTreeMap<KeyId, Timestamp>) {
        let last_uses = self.last_uses.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in uses {
            if let Some(last_use) = last_uses.get(id) {
                last_use.fetch_max(at.micros(), Ordering::Relaxed);
            }
        }
    }

    /// Writes down when keys were used, if that has changed; says in the log if it cannot.
    pub fn write_last_uses(&self, directory: &Path) {
        let uses: BTreeMap<KeyId, Timestamp> = {
            let last_uses = self.last_uses.lock().unwrap_or_else(PoisonError::into_inner);
            let used = |(id, at): (&KeyId, &Arc<AtomicI64>)| (*id, Timestamp::from_micros(at.load(Ordering::Relaxed)));
            last_uses.iter().map(used).filter(|(_, at)| at.micros() > 0).collect()
        };
        if uses == last_use::read(directory) {
            return;
        }
        if let Err(error) = last_use::write(directory, &uses) {
            tracing::warn!(%error, "when keys were last used is not written down");
        }
    }

    /// Who is calling with this `Authorization` header.
    pub fn authenticate(&self, authorization: Option<&[u8]>) -> Result<Arc<Principal>, Refused> {
        let credential = bearer(authorization.ok_or(Refused::Missing)?)?;
        let now = self.clock.now();
        if let Some(presented) = PresentedKey::parse(credential) {
            return self.keys.load().admit(presented, now);
        }
        let tokens = self.tokens.as_ref().ok_or(Refused::Malformed)?;
        if let Some(principal) = tokens.recall(credential, now) {
            return Ok(principal);
        }
        if self.refusals.is_open().is_err() {
            return Err(Refused::UntrustedToken);
        }
        tokens.verify(credential, now, &self.allowances)
    }

    /// Where a token's key is unknown: has the provider's key set read again; whether it is worth asking once more.
    pub async fn read_key_set_again(&self) -> bool {
        match &self.tokens {
            Some(tokens) => tokens.read_again().await,
            None => false,
        }
    }

    /// Where refusals are counted.
    pub const fn metrics(&self) -> &AccessMetrics {
        &self.metrics
    }

    /// Spends one refusal, or says when there is one left.
    pub fn admit_refusal(&self) -> Result<(), Duration> {
        self.refusals.admit(1)
    }
}

/// What follows `Bearer `.
fn bearer(header: &[u8]) -> Result<&[u8], Refused> {
    match header.split_at_checked("Bearer ".len()) {
        Some((scheme, credential)) if scheme.eq_ignore_ascii_case(b"Bearer ") => Ok(credential),
        _ => Err(Refused::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{
            key_file::{KeyFile, NewKey},
            role::{Role, Roles},
        },
        clock::ManualClock,
    };

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    fn new(name: &str, lifetime_seconds: Option<i64>) -> NewKey {
        let roles = Roles::of(&[Role::Teller]);
        NewKey { name: name.to_owned(), roles, lifetime_seconds, rate_per_second: None }
    }

    fn header(key: &str) -> Vec<u8> {
        format!("Bearer {key}").into_bytes()
    }

    #[test]
    fn only_a_whole_key_is_let_in_and_only_while_it_is_good() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path());
        let (key, _) = file.create(&new("app", Some(60)), NOW).unwrap();
        let (other, _) = file.create(&new("web", None), NOW).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let pace = Pace::new(1_000, 1_000);
        let access = Access::new(&file.read().unwrap().unwrap(), pace, Arc::clone(&clock) as Arc<dyn Clock>);
        let ask = |header: &[u8]| access.authenticate(Some(header)).map(|principal| principal.name.to_string());
        let text = key.reveal();
        assert_eq!(ask(&header(text)), Ok("app".to_owned()));
        assert_eq!(ask(format!("bearer {text}").as_bytes()), Ok("app".to_owned()));
        assert_eq!(ask(&header(other.reveal())), Ok("web".to_owned()));
        let secret_of_other = other.reveal().rsplit('.').next().unwrap();
        for (bad, why) in [
            (String::new(), Refused::Missing),
            ("Bearer".to_owned(), Refused::Missing),
            ("Bearer ".to_owned(), Refused::Malformed),
            (text.to_owned(), Refused::Missing),
            (format!("Basic {text}"), Refused::Missing),
            (format!("Bearer  {text}"), Refused::Malformed),
            (format!("Bearer {text}x"), Refused::Malformed),
            (format!("Bearer {}", &text[..text.len() / 2]), Refused::Malformed),
            (format!("Bearer hwan.000000000000.{secret_of_other}"), Refused::UnknownKey),
            (format!("Bearer hwan.{}.{secret_of_other}", key.id), Refused::WrongSecret(key.id)),
        ] {
            assert_eq!(ask(bad.as_bytes()), Err(why), "{bad}");
        }
        assert_eq!(access.authenticate(None).unwrap_err(), Refused::Missing);
        clock.set(NOW.plus_seconds(60));
        assert_eq!(ask(&header(text)), Err(Refused::ExpiredKey(key.id)));
        file.revoke(other.id, NOW).unwrap();
        access.replace_keys(&file.read().unwrap().unwrap());
        assert_eq!(ask(&header(other.reveal())), Err(Refused::RevokedKey(other.id)));
    }

    #[test]
    fn the_keys_of_one_caller_spend_one_allowance_that_a_change_of_keys_does_not_refill() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path());
        let (one, _) = file.create(&new("app", None), NOW).unwrap();
        let (other, _) = file.create(&new("app", None), NOW).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let access = Access::new(&file.read().unwrap().unwrap(), Pace::new(1, 2), clock);
        let ask = |key: &str| access.authenticate(Some(&header(key))).unwrap().admit(1);
        assert!(ask(one.reveal()).is_ok() && ask(other.reveal()).is_ok());
        assert!(ask(one.reveal()).is_err() && ask(other.reveal()).is_err());
        access.replace_keys(&file.read().unwrap().unwrap());
        assert!(ask(one.reveal()).is_err());
    }
}
