//! When each key was last used: a file of its own, so that the keys' file changes only by those who manage keys.
//!
//! `api-keys-used.toml`, written at most once a minute and at the stop, never on a request's way. What was used within
//! the last minute of a process that was killed is forgotten.

use std::{collections::BTreeMap, path::Path};

use hwan_domain::time::Timestamp;

use super::api_key::KeyId;
use crate::secret_file::{self, SecretFileError};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "api-keys-used.toml";

const HEADER: &str = "# When each of hwan's API keys was last used, to the minute.\n\n";

/// When each key was last used, as far as it is known; a file that cannot be read tells nothing.
pub fn read(directory: &Path) -> BTreeMap<KeyId, Timestamp> {
    let text = secret_file::read(&directory.join(FILE_NAME)).ok().flatten().unwrap_or_default();
    let uses: BTreeMap<String, String> = toml::from_str(&text).unwrap_or_default();
    uses.iter().filter_map(|(id, at)| Some((KeyId::parse(id)?, Timestamp::parse_rfc3339(at)?))).collect()
}

/// Replaces the file.
pub fn write(directory: &Path, uses: &BTreeMap<KeyId, Timestamp>) -> Result<(), SecretFileError> {
    let lines = uses.iter().map(|(id, at)| format!("{id} = \"{at}\"\n"));
    secret_file::replace(&directory.join(FILE_NAME), &lines.fold(HEADER.to_owned(), |text, line| text + &line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_survive_the_file_and_a_broken_file_tells_nothing() {
        let directory = tempfile::tempdir().unwrap();
        assert!(read(directory.path()).is_empty());
        let id = KeyId::parse("0123456789ab").unwrap();
        let uses = BTreeMap::from([(id, Timestamp::from_micros(7))]);
        write(directory.path(), &uses).unwrap();
        assert_eq!(read(directory.path()), uses);
        secret_file::replace(&directory.path().join(FILE_NAME), "[[").unwrap();
        assert!(read(directory.path()).is_empty());
    }
}
