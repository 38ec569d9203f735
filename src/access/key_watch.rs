//! Follows the keys' file beside a running server: a key that the command line made or ended counts within a second.
//!
//! The file is looked at twice a second (modification time, inode, size) and read when it differs. One that cannot be
//! read leaves the keys as they are, and says so once. When keys were last used is written down here too.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{gate::Access, key_file::KeyFile};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After how many looks the last uses are written down: a minute.
const LOOKS_PER_WRITE: u32 = 120;

/// What tells one content of the file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Ok(Self { inode: metadata.ino(), bytes: metadata.len(), modified })
    }
}

/// The state of the watch.
#[derive(Debug)]
pub struct KeyWatch {
    access: Arc<Access>,
    directory: PathBuf,
    file: KeyFile,
    seen: Option<Stamp>,
}

impl KeyWatch {
    /// Watches the keys of a data directory for `access`, which may have older ones.
    pub fn new(access: Arc<Access>, directory: &Path) -> Self {
        Self { access, directory: directory.to_owned(), file: KeyFile::of(directory), seen: None }
    }

    /// Follows forever. The file system may be slow, so looking is not done on the thread that polls this.
    pub async fn follow(mut self) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looks = 0_u32;
        loop {
            every.tick().await;
            looks = looks.wrapping_add(1);
            let looked = tokio::task::spawn_blocking(move || {
                self.look();
                if looks.is_multiple_of(LOOKS_PER_WRITE) {
                    self.access.write_last_uses(&self.directory);
                }
                self
            });
            match looked.await {
                Ok(watch) => self = watch,
                Err(error) => {
                    tracing::error!(%error, "the keys are not followed any more: restart hwan");
                    return;
                }
            }
        }
    }

    /// Reads the file if it differs from what was seen.
    fn look(&mut self) {
        let stamp = Stamp::of(self.file.path()).ok();
        if stamp == self.seen {
            return;
        }
        self.seen = stamp;
        let path = self.file.path().display();
        match self.file.read() {
            Ok(Some(keys)) => {
                self.access.replace_keys(&keys);
                tracing::info!(keys = keys.len(), "api keys read");
            }
            Ok(None) => tracing::error!(%path, "the api keys are gone: those that were read stay, restore the file"),
            Err(error) => tracing::error!(%error, "the api keys cannot be read: those that were read before stay"),
        }
    }
}

#[cfg(test)]
mod tests {
    use hwan_domain::time::Timestamp;

    use super::*;
    use crate::{
        access::{
            allowance::Pace,
            key_file::NewKey,
            last_use,
            role::{Role, Roles},
        },
        clock::ManualClock,
        secret_file,
    };

    #[test]
    fn a_changed_file_is_read_and_a_broken_one_leaves_the_keys() {
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp::from_micros(1_000_000_000_000);
        let access = Arc::new(Access::new(&[], Pace::new(1, 1), Arc::new(ManualClock::at(now))));
        let mut watch = KeyWatch::new(Arc::clone(&access), directory.path());
        watch.look();
        let file = KeyFile::of(directory.path());
        let roles = Roles::of(&[Role::Ops]);
        let new = NewKey { name: "ops".to_owned(), roles, lifetime_seconds: None, rate_per_second: None };
        let (key, _) = file.create(&new, now).unwrap();
        let ask = || access.authenticate(Some(format!("Bearer {}", key.reveal()).as_bytes()));
        assert!(ask().is_err());
        watch.look();
        assert!(ask().is_ok());
        access.write_last_uses(directory.path());
        assert_eq!(last_use::read(directory.path()).get(&key.id), Some(&now));
        let good = fs::read_to_string(file.path()).unwrap();
        for broken in ["[[key]]\nid = 7", ""] {
            secret_file::replace(file.path(), broken).unwrap();
            if broken.is_empty() {
                fs::remove_file(file.path()).unwrap();
            }
            watch.look();
            assert!(ask().is_ok(), "{broken}");
        }
        secret_file::replace(file.path(), &good).unwrap();
        file.revoke(key.id, now).unwrap();
        watch.look();
        assert!(ask().is_err());
    }
}
