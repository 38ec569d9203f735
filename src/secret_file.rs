//! Files that hold secrets: the first key's text, the digests of all keys, the keys that sign quotes, a TLS key.
//!
//! Such a file is written beside its place, made durable, and put there in one step with mode 0600, so that nobody
//! ever sees half of it. One that others may read is refused, because what it holds is no longer a secret.
//! Callers: `access` and `quotes::keyring`, at start and where keys change.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The longest secret file that is read, in bytes: a thousand API keys, ended ones included.
const BYTES_MAX: u64 = 1_048_576;

/// Why a secret file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read or written.
    #[error("{path} cannot be used: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("{path} has mode {mode:o}, others may read it: replace what it holds, then chmod 600 it")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is longer than any such file is.
    #[error("{path} has more than {BYTES_MAX} bytes: restore it from a copy")]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("no random numbers for {path}: {cause}")]
    Random {
        /// The file that needs them.
        path: PathBuf,
        /// Why.
        cause: getrandom::Error,
    },
}

/// Creates a directory for secrets with mode 0700, if it is missing.
pub fn create_directory(path: &Path) -> Result<(), SecretFileError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|cause| io_error(path, cause))
}

/// The file's text; if it is missing, first creates it with what `initial` gives.
pub fn read_or_create(
    path: &Path,
    initial: impl FnOnce() -> Result<String, SecretFileError>,
) -> Result<String, SecretFileError> {
    if let Some(text) = read(path)? {
        return Ok(text);
    }
    let fresh = write_beside(path, &initial()?)?;
    // A link does not replace: if another start was faster, its file counts.
    let linked = fs::hard_link(&fresh, path);
    fs::remove_file(&fresh).map_err(|cause| io_error(&fresh, cause))?;
    match linked {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(io_error(path, cause)),
        _ => sync_directory(path)?,
    }
    read(path)?.ok_or_else(|| io_error(path, io::ErrorKind::NotFound.into()))
}

/// Puts `text` in the place of the file, in one step.
pub fn replace(path: &Path, text: &str) -> Result<(), SecretFileError> {
    let fresh = write_beside(path, text)?;
    fs::rename(&fresh, path).map_err(|cause| io_error(path, cause))?;
    sync_directory(path)
}

/// 256 random bits as base64url without padding, for the file at `path`.
pub fn random_text(path: &Path) -> Result<String, SecretFileError> {
    let mut bytes = [0; 32];
    fill_random(path, &mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Random bytes for the file at `path`.
pub fn fill_random(path: &Path, bytes: &mut [u8]) -> Result<(), SecretFileError> {
    getrandom::fill(bytes).map_err(|cause| SecretFileError::Random { path: path.to_owned(), cause })
}

/// The file's text; `None` if there is no such file.
pub fn read(path: &Path) -> Result<Option<String>, SecretFileError> {
    let file = match File::open(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|cause| io_error(path, cause))?,
    };
    let mode = file.metadata().map_err(|cause| io_error(path, cause))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    let read = file.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(|cause| io_error(path, cause))?;
    if read as u64 > BYTES_MAX {
        return Err(SecretFileError::TooLong { path: path.to_owned() });
    }
    Ok(Some(text))
}

fn write_beside(path: &Path, text: &str) -> Result<PathBuf, SecretFileError> {
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        // A left-over of an earlier attempt keeps its own mode.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })();
    written.map_err(|cause| io_error(&fresh, cause))?;
    Ok(fresh)
}

fn sync_directory(path: &Path) -> Result<(), SecretFileError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|cause| io_error(directory, cause))
}

fn io_error(path: &Path, cause: io::Error) -> SecretFileError {
    SecretFileError::Io { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_created_once_kept_afterwards_and_replaced_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let created = read_or_create(&path, || random_text(&path)).unwrap();
        assert_eq!(read_or_create(&path, || Ok("another".to_owned())).unwrap(), created);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        replace(&path, "third").unwrap();
        assert_eq!(read_or_create(&path, || Ok("another".to_owned())).unwrap(), "third");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        replace(&path, "secret").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let error = read_or_create(&path, || Ok(String::new())).unwrap_err().to_string();
        assert!(error.contains("644") && error.contains("chmod 600"), "{error}");
    }
}
