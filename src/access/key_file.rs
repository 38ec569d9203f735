//! The API keys as they are kept: `api-keys.toml`, mode 0600, always replaced whole.
//!
//! Of a key's secret only the digest is here. Writers (`hwan token …`, the first start) take turns by a lock file beside
//! it, so that none undoes another's change; readers need no lock, because a file that is replaced whole is whole. A
//! key that ended longer ago than [`KEPT_DAYS`] is dropped at the next change.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{
    api_key::{FreshKey, KeyId},
    kept_key::{KeptKey, KeyState, NAME_MAX, OWN_NAMES, Written, WrittenKey, is_caller_name},
    role::Roles,
};
use crate::secret_file::{self, SecretFileError};
use hwan_domain::time::{MICROS_PER_DAY, Timestamp};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "api-keys.toml";
/// Keys at most, ended ones included: a file of a few hundred kilobytes, read in a millisecond.
pub const KEYS_MAX: usize = 1_000;
/// For how long a key that has ended is still listed, in days.
pub const KEPT_DAYS: i64 = 90;

const HEADER: &str = "\
# hwan's API keys: of each secret only the SHA-256. Made and ended by `hwan token`, which a running hwan notices.

";

/// Why the keys cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The file is not a list of keys.
    #[error("{path} is not a list of api keys, restore it from a copy: {cause}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// Another writer cannot be waited for.
    #[error("{path} cannot be locked: {cause}")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// What was asked for cannot be done.
    #[error("{0}")]
    Refused(String),
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The caller's name.
    pub name: String,
    /// What it may do.
    pub roles: Roles,
    /// For how long, in seconds; `None`: until it is revoked.
    pub lifetime_seconds: Option<i64>,
    /// Requests a second, in place of everyone's.
    pub rate_per_second: Option<u32>,
}

/// The file, and who may write it next.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The one of this data directory, whether it exists or not.
    pub fn of(directory: &Path) -> Self {
        Self { path: directory.join(FILE_NAME) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All keys; `None` if there is no file.
    pub fn read(&self) -> Result<Option<Vec<KeptKey>>, KeyFileError> {
        let Some(text) = secret_file::read(&self.path)? else { return Ok(None) };
        let malformed = |cause: String| KeyFileError::Malformed { path: self.path.clone(), cause };
        let written: Written = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        let keys: Vec<KeptKey> =
            written.key.into_iter().map(WrittenKey::checked).collect::<Result<_, _>>().map_err(&malformed)?;
        if keys.len() > KEYS_MAX {
            return Err(malformed(format!("more than {KEYS_MAX} keys")));
        }
        let mut ids = HashSet::with_capacity(keys.len());
        if let Some(twice) = keys.iter().find(|key| !ids.insert(key.id)) {
            return Err(malformed(format!("the key {} stands twice", twice.id)));
        }
        Ok(Some(keys))
    }

    /// Makes a key.
    pub fn create(&self, new: &NewKey, now: Timestamp) -> Result<(FreshKey, KeptKey), KeyFileError> {
        self.change(now, |keys| self.add(keys, new, now))
    }

    /// Makes a key, once `before` has done what must come first.
    pub fn create_after(
        &self,
        new: &NewKey,
        now: Timestamp,
        before: impl FnOnce(&FreshKey) -> Result<(), SecretFileError>,
    ) -> Result<FreshKey, KeyFileError> {
        self.change(now, |keys| {
            let (fresh, _) = self.add(keys, new, now)?;
            before(&fresh)?;
            Ok(fresh)
        })
    }

    /// Makes a key with the name, roles and pace of key `id`, whose own time ends after the overlap.
    pub fn rotate(&self, id: KeyId, overlap_seconds: i64, now: Timestamp) -> Result<(FreshKey, KeptKey), KeyFileError> {
        self.change(now, |keys| {
            let old = find(keys, id)?;
            if old.state(now) != KeyState::Active {
                let state = old.state(now).as_str();
                return Err(KeyFileError::Refused(format!("key {id} is {state}: create a new one instead")));
            }
            let lifetime_seconds =
                old.expires_at.map(|end| end.micros_since(old.created_at) / hwan_domain::time::MICROS_PER_SECOND);
            let new = NewKey {
                name: old.name.clone(),
                roles: old.roles,
                lifetime_seconds,
                rate_per_second: old.rate_per_second,
            };
            let overlap_end = now.plus_seconds(overlap_seconds);
            old.expires_at = Some(old.expires_at.map_or(overlap_end, |end| end.min(overlap_end)));
            self.add(keys, &new, now)
        })
    }

    /// Ends a key at once; false if it was revoked before.
    pub fn revoke(&self, id: KeyId, now: Timestamp) -> Result<(KeptKey, Revoked), KeyFileError> {
        self.change(now, |keys| {
            let key = find(keys, id)?;
            let revoked = if key.revoked_at.is_some() { Revoked::Before } else { Revoked::Now };
            key.revoked_at.get_or_insert(now);
            Ok((key.clone(), revoked))
        })
    }

    fn add(&self, keys: &mut Vec<KeptKey>, new: &NewKey, now: Timestamp) -> Result<(FreshKey, KeptKey), KeyFileError> {
        let refused = |words: String| Err(KeyFileError::Refused(words));
        if !is_caller_name(&new.name) {
            let (name, own) = (&new.name, OWN_NAMES.join(" or "));
            return refused(format!("{name:?} is no name: take 1 to {NAME_MAX} letters, digits and -_.@, not {own}"));
        }
        if new.roles.is_empty() {
            return refused("a key without a role may do nothing: give it at least one".to_owned());
        }
        if keys.len() >= KEYS_MAX {
            return refused(format!(
                "there are {KEYS_MAX} keys: those that have ended leave after {KEPT_DAYS} days, or take them out of {}",
                self.path.display()
            ));
        }
        let fresh = FreshKey::generate(&self.path)?;
        let kept = KeptKey {
            id: fresh.id,
            name: new.name.clone(),
            roles: new.roles,
            digest: fresh.digest,
            created_at: now,
            expires_at: new.lifetime_seconds.map(|seconds| now.plus_seconds(seconds)),
            revoked_at: None,
            rate_per_second: new.rate_per_second,
        };
        keys.push(kept.clone());
        Ok((fresh, kept))
    }

    /// Reads, changes and replaces the file, while no other writer does.
    fn change<T>(
        &self,
        now: Timestamp,
        change: impl FnOnce(&mut Vec<KeptKey>) -> Result<T, KeyFileError>,
    ) -> Result<T, KeyFileError> {
        let _turn = self.lock()?;
        let mut keys = self.read()?.unwrap_or_default();
        let kept_since = now.plus_micros(-KEPT_DAYS * MICROS_PER_DAY);
        keys.retain(|key| key.ended_at().is_none_or(|end| end >= kept_since));
        let outcome = change(&mut keys)?;
        let written = Written { key: keys.iter().map(WrittenKey::of).collect() };
        let text = toml::to_string(&written)
            .map_err(|error| KeyFileError::Malformed { path: self.path.clone(), cause: error.to_string() })?;
        secret_file::replace(&self.path, &format!("{HEADER}{text}"))?;
        Ok(outcome)
    }

    /// Waits for its turn; it ends when the file is dropped, or with the process.
    fn lock(&self) -> Result<File, KeyFileError> {
        let path = self.path.with_extension("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        lock.and_then(|file| file.lock().map(|()| file)).map_err(|cause| KeyFileError::Lock { path, cause })
    }
}

/// Whether a key was good until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It was.
    Now,
    /// It had been revoked before.
    Before,
}

fn find(keys: &mut [KeptKey], id: KeyId) -> Result<&mut KeptKey, KeyFileError> {
    keys.iter_mut()
        .find(|key| key.id == id)
        .ok_or_else(|| KeyFileError::Refused(format!("there is no key {id}: hwan token list shows them")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::role::Role;

    fn new(name: &str) -> NewKey {
        let roles = Roles::of(&[Role::Teller, Role::Ops]);
        NewKey { name: name.to_owned(), roles, lifetime_seconds: Some(3_600), rate_per_second: Some(50) }
    }

    #[test]
    fn keys_survive_the_file_without_their_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path());
        assert!(file.read().unwrap().is_none());
        let now = Timestamp::from_micros(1_000_000_000_000);
        let (fresh, kept) = file.create(&new("app"), now).unwrap();
        let read = file.read().unwrap().unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", [kept]));
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(!text.contains(fresh.reveal().rsplit('.').next().unwrap()), "{text}");
    }

    #[test]
    fn a_rotated_key_lives_as_long_as_the_overlap_and_no_longer_than_before() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path());
        let now = Timestamp::from_micros(1_000_000_000_000);
        let (_, old) = file.create(&new("app"), now).unwrap();
        let (_, next) = file.rotate(old.id, 60, now).unwrap();
        assert_eq!((next.name.as_str(), next.roles, next.rate_per_second), ("app", old.roles, Some(50)));
        assert_eq!(next.expires_at, Some(now.plus_seconds(3_600)));
        let (_, third) = file.rotate(old.id, 86_400, now).unwrap();
        let keys = file.read().unwrap().unwrap();
        assert_eq!(keys[0].expires_at, Some(now.plus_seconds(60)));
        assert_eq!(keys[0].state(now.plus_seconds(59)), KeyState::Active);
        assert_eq!(keys[0].state(now.plus_seconds(60)), KeyState::Expired);
        assert!(file.rotate(old.id, 60, now.plus_seconds(60)).unwrap_err().to_string().contains("expired"));
        assert_eq!(file.revoke(third.id, now).unwrap().1, Revoked::Now);
        assert_eq!(file.revoke(third.id, now).unwrap().1, Revoked::Before);
        assert!(file.rotate(third.id, 60, now).unwrap_err().to_string().contains("revoked"));
        let unknown = KeyId::parse("000000000000").unwrap();
        assert!(file.revoke(unknown, now).unwrap_err().to_string().contains("hwan token list"));
    }

    #[test]
    fn ended_keys_leave_in_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path());
        let now = Timestamp::from_micros(1_000_000_000_000);
        file.create(&new("old"), now).unwrap();
        file.create(&new("new"), now.plus_micros(KEPT_DAYS * MICROS_PER_DAY)).unwrap();
        assert_eq!(file.read().unwrap().unwrap().len(), 2);
        file.create(&new("newer"), now.plus_micros((KEPT_DAYS + 1) * MICROS_PER_DAY)).unwrap();
        let names: Vec<String> = file.read().unwrap().unwrap().into_iter().map(|key| key.name).collect();
        assert_eq!(names, ["new", "newer"]);
    }

    #[test]
    fn writers_take_turns() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..4).for_each(|_| drop(file.create(&new("app"), Timestamp::MAX).unwrap())));
            }
        });
        assert_eq!(file.read().unwrap().unwrap().len(), 32);
    }

    #[test]
    fn what_is_no_key_is_refused_by_what_is_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::of(directory.path());
        for name in ["", "engine", "a b", "jwt:app", "é", &"n".repeat(65)] {
            assert!(file.create(&new(name), Timestamp::MAX).unwrap_err().to_string().contains("no name"), "{name}");
        }
        file.create(&new("app"), Timestamp::MAX).unwrap();
        let good = std::fs::read_to_string(file.path()).unwrap();
        for (from, to, word) in [
            ("teller", "king", "role"),
            ("\"app\"", "\"jwt:app\"", "name"),
            ("id = \"", "id = \"x", "id"),
            ("sha256 = \"", "sha256 = \"0", "sha256"),
            ("9999-12", "9999-13", "created_at"),
            ("rate_per_second = 50", "rate_per_second = 0", "rate_per_second"),
            ("name", "nome", "nome"),
        ] {
            secret_file::replace(file.path(), &good.replacen(from, to, 1)).unwrap();
            let error = file.read().unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("api-keys.toml"), "{error}");
        }
        let twice = good.split_once("[[key]]").unwrap().1;
        secret_file::replace(file.path(), &format!("{good}[[key]]{twice}")).unwrap();
        assert!(file.read().unwrap_err().to_string().contains("twice"));
    }
}
