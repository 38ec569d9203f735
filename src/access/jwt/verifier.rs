//! Verifies a token: its signature by a key of the provider's, then what it says.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use hwan_domain::time::{MICROS_PER_SECOND, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{provider_keys::ProviderKeys, remembered::Remembered};
use crate::{
    access::{
        allowance::Allowances,
        principal::{Credential, Principal},
        refused::Refused,
        role::{Role, Roles},
    },
    config::jwt::JwtConfig,
};

/// The longest token that is looked at, in bytes.
const TOKEN_MAX: usize = 8_192;
/// The longest `sub`, in characters.
const SUBJECT_MAX: usize = 128;
/// What stands before a token's `sub` in the caller's name.
const NAME_PREFIX: &str = "jwt:";
/// Requests that wait for the key set to be read at most; further ones are refused at once.
const WAITERS_MAX: usize = 256;
/// The least time between two readings that unknown keys ask for: strangers can name any key.
const ASKED_APART: Duration = Duration::from_secs(10);
/// How long they wait.
const WAIT_MAX: Duration = Duration::from_secs(6);

/// What a token says.
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<Seconds>,
    nbf: Option<Seconds>,
    sub: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Seconds since the epoch: whole ones, or with a fraction that is cut off.
#[derive(Clone, Copy)]
struct Seconds(i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        let whole = || number.to_string().split('.').next()?.parse().ok();
        number.as_i64().or_else(whole).map(Self).ok_or_else(|| serde::de::Error::custom("not a time"))
    }
}

impl Seconds {
    const fn instant(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(MICROS_PER_SECOND))
    }
}

/// Knows the provider's keys and what its tokens must say.
#[derive(Debug)]
pub struct Verifier {
    config: JwtConfig,
    keys: ArcSwap<ProviderKeys>,
    remembered: Remembered,
    /// How often the key set was read or tried to be.
    readings: watch::Sender<u64>,
    /// Asks for a reading.
    pub(super) wanted: Notify,
    /// When a reading was last asked for, and the number of readings by then.
    asked: Mutex<Option<(Instant, u64)>>,
    waiters: AtomicUsize,
}

impl Verifier {
    /// Without keys yet: nothing passes.
    pub fn new(config: &JwtConfig) -> Self {
        Self {
            config: config.clone(),
            keys: ArcSwap::default(),
            remembered: Remembered::new(config.remembered_max),
            readings: watch::Sender::new(0),
            wanted: Notify::new(),
            asked: Mutex::default(),
            waiters: AtomicUsize::new(0),
        }
    }

    /// Reads a key set and takes it in place of the one before.
    pub fn take_key_set(&self, json: &[u8]) -> Result<usize, String> {
        let keys = ProviderKeys::read(json, &self.config.algorithms)?;
        let count = keys.len();
        self.keys.store(Arc::new(keys));
        // After the keys: a token that was verified by the old ones in between is forgotten too.
        self.remembered.clear();
        Ok(count)
    }

    /// A reading has ended, well or not.
    pub(super) fn has_read(&self) {
        self.readings.send_modify(|readings| *readings += 1);
    }

    /// Has the key set read, unless that was asked for a moment ago, and waits for it; false if it is not worth trying
    /// again, because there was no reading.
    pub async fn read_again(&self) -> bool {
        if self.waiters.fetch_add(1, Ordering::AcqRel) >= WAITERS_MAX {
            self.waiters.fetch_sub(1, Ordering::AcqRel);
            return false;
        }
        let read = match self.ask_for_reading() {
            Some(mut readings) => matches!(timeout(WAIT_MAX, readings.changed()).await, Ok(Ok(()))),
            None => false,
        };
        self.waiters.fetch_sub(1, Ordering::AcqRel);
        read
    }

    /// What changes with the reading to wait for.
    fn ask_for_reading(&self) -> Option<watch::Receiver<u64>> {
        let readings = self.readings.subscribe();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = *readings.borrow();
        match *asked {
            Some((at, _)) if at.elapsed() >= ASKED_APART => {}
            // The reading that another request has asked for is under way.
            Some((_, readings_then)) if readings_then == so_far => return Some(readings),
            Some(_) => return None,
            None => {}
        }
        *asked = Some((Instant::now(), so_far));
        self.wanted.notify_one();
        Some(readings)
    }

    /// Whose token this is, from memory: costs a digest and a look-up.
    pub fn recall(&self, token: &[u8], now: Timestamp) -> Option<Arc<Principal>> {
        (token.len() <= TOKEN_MAX).then(|| self.remembered.find(&Sha256::digest(token).into(), now)).flatten()
    }

    /// Whose token this is; verifies it, and remembers it if it is good.
    pub fn verify(&self, token: &[u8], now: Timestamp, allowances: &Allowances) -> Result<Arc<Principal>, Refused> {
        if token.len() > TOKEN_MAX || token.iter().filter(|byte| **byte == b'.').count() != 2 {
            return Err(Refused::Malformed);
        }
        // A header that is not understood has an algorithm that is none of ours: `none`, for one.
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::UntrustedToken)?;
        if header.crit.is_some() {
            return Err(Refused::UntrustedToken);
        }
        let keys = self.keys.load();
        let id = header.kid.as_deref();
        let Some(key) = keys.find(id, header.alg) else {
            return Err(if keys.knows(id) { Refused::UntrustedToken } else { Refused::UnknownSigner });
        };
        let claims = signed_claims(token, header.alg, key)?;
        let (name, expires_at) = self.judge(&claims, now)?;
        let allowance = allowances.of(&name, None);
        let principal = Principal::new(Arc::from(name), self.roles(&claims), Credential::Jwt, allowance);
        let principal = Arc::new(principal);
        self.remembered.keep(Sha256::digest(token).into(), Arc::clone(&principal), expires_at, now);
        Ok(principal)
    }

    /// The caller's name, and until when the token is good.
    fn judge(&self, claims: &Claims, now: Timestamp) -> Result<(String, Timestamp), Refused> {
        let expires_at = claims.exp.ok_or(Refused::ExpiredToken)?.instant().plus_seconds(self.leeway());
        let not_before = claims.nbf.map_or(Timestamp::from_micros(0), Seconds::instant);
        if expires_at <= now || not_before > now.plus_seconds(self.leeway()) {
            return Err(Refused::ExpiredToken);
        }
        let ours = |audience: &String| *audience == self.config.audience;
        let for_us = match &claims.aud {
            Some(Audience::One(audience)) => ours(audience),
            Some(Audience::Many(audiences)) => audiences.iter().any(ours),
            None => false,
        };
        if !for_us || claims.iss.as_ref() != Some(&self.config.issuer) {
            return Err(Refused::ForeignToken);
        }
        let visible = |subject: &&String| {
            (1..=SUBJECT_MAX).contains(&subject.len()) && subject.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let subject = claims.sub.as_ref().filter(visible).ok_or(Refused::NamelessToken)?;
        Ok((format!("{NAME_PREFIX}{subject}"), expires_at))
    }

    fn leeway(&self) -> i64 {
        self.config.leeway_seconds.into()
    }

    /// The roles of the claim: by its whole name, or along its dots into nested claims.
    fn roles(&self, claims: &Claims) -> Roles {
        let name = &self.config.roles_claim;
        let along = || {
            let mut parts = name.split('.');
            let first = claims.others.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        };
        let texts: Vec<&str> = match claims.others.get(name).or_else(along) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => text.split(' ').collect(),
            _ => Vec::new(),
        };
        texts.into_iter().filter_map(Role::parse).collect()
    }
}

/// What the token says, if this key has signed it in this way. Times and the rest are judged by our own clock and rules.
fn signed_claims(token: &[u8], algorithm: Algorithm, key: &DecodingKey) -> Result<Claims, Refused> {
    let mut signature_alone = Validation::new(algorithm);
    signature_alone.required_spec_claims.clear();
    (signature_alone.validate_exp, signature_alone.validate_nbf, signature_alone.validate_aud) = (false, false, false);
    match jsonwebtoken::decode::<Claims>(token, key, &signature_alone) {
        Ok(token) => Ok(token.claims),
        Err(error) => Err(match error.kind() {
            jsonwebtoken::errors::ErrorKind::Json(_) => Refused::ForeignToken,
            _ => Refused::WrongSignature,
        }),
    }
}
