//! The first key: so that a fresh data directory can be tried at once.
//!
//! Where there are no keys yet, the caller `operator` gets one with every role; its text is written to `token`, the only
//! key that ever lies in a file whole. Whoever takes it out of there, and removes the file, does well. A `token` of the
//! form that earlier versions had is replaced in the same way.

use std::path::{Path, PathBuf};

use hwan_domain::time::Timestamp;

use super::{
    api_key::PresentedKey,
    kept_key::KeptKey,
    key_file::{KeyFile, KeyFileError, NewKey},
    role::Roles,
};
use crate::secret_file;

/// The caller of the first key.
pub const FIRST_CALLER: &str = "operator";
/// The file's name in the data directory.
pub const FILE_NAME: &str = "token";

/// The keys at start.
#[derive(Debug)]
pub struct OpenedKeys {
    /// All of them.
    pub keys: Vec<KeptKey>,
    /// Where the first key's text lies, if it still does.
    pub token_path: Option<PathBuf>,
}

/// Reads the keys of a data directory; makes the first one where there is none.
pub fn open(directory: &Path, now: Timestamp) -> Result<OpenedKeys, KeyFileError> {
    let (file, token_path) = (KeyFile::of(directory), directory.join(FILE_NAME));
    let kept = file.read()?;
    let token = secret_file::read(&token_path)?;
    let of_older_form =
        token.as_deref().is_some_and(|text| PresentedKey::parse(text.trim_ascii().as_bytes()).is_none());
    let keys = match kept {
        Some(keys) if !of_older_form => keys,
        _ => {
            let new = NewKey {
                name: FIRST_CALLER.to_owned(),
                roles: Roles::all(),
                lifetime_seconds: None,
                rate_per_second: None,
            };
            // The text goes first: a start that is cut off in between makes both anew.
            let fresh = file.create_after(&new, now, |fresh| secret_file::replace(&token_path, fresh.reveal()))?;
            if of_older_form {
                tracing::warn!(key = %fresh.id, path = %token_path.display(), "the token had an older form and is no longer taken: callers need the new key");
            }
            file.read()?.unwrap_or_default()
        }
    };
    Ok(OpenedKeys { keys, token_path: Some(token_path).filter(|path| path.exists()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_directory_gets_a_key_with_every_role_and_keeps_it() {
        let directory = tempfile::tempdir().unwrap();
        let opened = open(directory.path(), Timestamp::MAX).unwrap();
        assert_eq!((opened.keys.len(), opened.keys[0].name.as_str()), (1, FIRST_CALLER));
        assert_eq!(opened.keys[0].roles, Roles::all());
        let path = opened.token_path.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(opened.keys[0].digest.is_of(PresentedKey::parse(text.as_bytes()).unwrap().secret));
        assert_eq!(open(directory.path(), Timestamp::MAX).unwrap().keys.len(), 1);
        std::fs::remove_file(path).unwrap();
        let opened = open(directory.path(), Timestamp::MAX).unwrap();
        assert_eq!((opened.keys.len(), opened.token_path), (1, None));
    }

    #[test]
    fn a_token_of_the_older_form_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        secret_file::replace(&path, &"A".repeat(43)).unwrap();
        let opened = open(directory.path(), Timestamp::MAX).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(opened.keys[0].digest.is_of(PresentedKey::parse(text.as_bytes()).unwrap().secret));
        assert_eq!(open(directory.path(), Timestamp::MAX).unwrap().keys.len(), 1);
    }

    #[test]
    fn keys_that_were_made_before_the_first_start_are_all_there_are() {
        let directory = tempfile::tempdir().unwrap();
        let new = NewKey { name: "app".to_owned(), roles: Roles::all(), lifetime_seconds: None, rate_per_second: None };
        KeyFile::of(directory.path()).create(&new, Timestamp::MAX).unwrap();
        let opened = open(directory.path(), Timestamp::MAX).unwrap();
        assert_eq!((opened.keys.len(), opened.token_path), (1, None));
    }
}
