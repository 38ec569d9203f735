//! The audit trail's file: appended to, and put aside when it is full.
//!
//! `audit.log` is the newest; a full one becomes `audit.log.1`, that one `audit.log.2` and so on, and the oldest leaves.
//! Each line is one write, so lines of two processes do not mix.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The file's name in the data directory.
pub const FILE_NAME: &str = "audit.log";

/// The trail cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be used for the audit trail: {cause}")]
pub struct AuditFileError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub cause: io::Error,
}

/// How much of the trail is kept.
#[derive(Clone, Copy, Debug)]
pub struct AuditLimits {
    /// Bytes after which a file is put aside.
    pub file_bytes_max: u64,
    /// Files put aside at most; with none, a full file is begun anew.
    pub files_kept: u32,
}

impl AuditLimits {
    /// Never puts a file aside.
    pub const NONE: Self = Self { file_bytes_max: u64::MAX, files_kept: 0 };
}

/// The newest file, open for appending.
#[derive(Debug)]
pub struct AuditFile {
    path: PathBuf,
    limits: AuditLimits,
    file: File,
    bytes: u64,
    unsynced_since: Option<Instant>,
}

impl AuditFile {
    /// Opens or creates the file of a data directory.
    pub fn open(directory: &Path, limits: AuditLimits) -> Result<Self, AuditFileError> {
        let path = directory.join(FILE_NAME);
        let opened = open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (bytes, file) = opened.map_err(|cause| AuditFileError { path: path.clone(), cause })?;
        Ok(Self { path, limits, file, bytes, unsynced_since: None })
    }

    /// Appends a whole line.
    pub fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.bytes >= self.limits.file_bytes_max {
            self.put_aside()?;
        }
        self.file.write_all(line)?;
        self.bytes = self.bytes.saturating_add(line.len() as u64);
        self.unsynced_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Makes durable what was appended.
    pub fn sync(&mut self) -> io::Result<()> {
        self.unsynced_since = None;
        self.file.sync_data()?;
        if self.was_moved() {
            self.file = open(&self.path)?;
            self.bytes = self.file.metadata()?.len();
        }
        Ok(())
    }

    /// The same, if something waits for it so long.
    pub fn sync_if_older_than(&mut self, age: Duration) -> io::Result<()> {
        if self.unsynced_since.is_some_and(|since| since.elapsed() >= age) { self.sync() } else { Ok(()) }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.sync()?;
        let numbered = |number: u32| self.path.with_file_name(format!("{FILE_NAME}.{number}"));
        for number in (1..self.limits.files_kept).rev() {
            match fs::rename(numbered(number), numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.limits.files_kept == 0 {
            fs::remove_file(&self.path)?;
        } else {
            fs::rename(&self.path, numbered(1))?;
        }
        self.file = open(&self.path)?;
        self.bytes = 0;
        Ok(())
    }

    /// Whether the file at the path is another by now: someone put it aside.
    fn was_moved(&self) -> bool {
        let inode = |metadata: io::Result<fs::Metadata>| metadata.map(|metadata| metadata.ino()).ok();
        inode(fs::metadata(&self.path)) != inode(self.file.metadata())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_leaves() {
        let directory = tempfile::tempdir().unwrap();
        let limits = AuditLimits { file_bytes_max: 4, files_kept: 2 };
        let mut file = AuditFile::open(directory.path(), limits).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n"] {
            file.append(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(
            (read("audit.log"), read("audit.log.1"), read("audit.log.2")),
            ("four\n".into(), "three\n".into(), "two\n".into())
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
        // What is there already counts.
        let mut file = AuditFile::open(directory.path(), limits).unwrap();
        file.append(b"five\n").unwrap();
        assert_eq!((read("audit.log"), read("audit.log.1")), ("five\n".into(), "four\n".into()));
    }
}
