//! Where sealed days lie: a directory, or an S3-compatible store.
//!
//! `s3://bucket/prefix` takes its endpoint, region and credentials from the environment, as the AWS tools do (`AWS_ACCESS_KEY_ID`,
//! `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL` …). TLS is demanded, but for an endpoint on this very machine. A file
//! appears whole or not at all: it is renamed into its place, or completed as an upload of several parts. Callers: this crate;
//! whoever exports opens it.

use std::{path::Path as Folder, sync::Arc};

use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, PutPayload,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    buffered::BufWriter,
    local::LocalFileSystem,
    path::Path,
};

use crate::error::SealedError;

/// How much of a file one part of an upload holds, in bytes: ten thousand parts at most, so files up to 80 GB.
const PART_BYTES: usize = 8 * 1_024 * 1_024;
/// Parts under way at once, for each file.
const PARTS_AT_ONCE: usize = 2;

/// Where sealed days lie, open.
#[derive(Clone, Debug)]
pub struct Place {
    store: Arc<dyn ObjectStore>,
    root: Path,
    url: String,
}

impl Place {
    /// Opens `s3://bucket/prefix`, `file:///directory`, or a directory, which is made if it is missing.
    pub fn open(url: &str) -> Result<Self, SealedError> {
        let wrong = |cause: String| SealedError::Place { url: url.to_owned(), cause };
        match url.split_once("://") {
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() {
                    return Err(wrong("give s3://bucket/prefix".to_owned()));
                }
                let store = s3(bucket).map_err(wrong)?;
                let root = Path::parse(prefix.trim_matches('/')).map_err(|error| wrong(error.to_string()))?;
                Ok(Self { store: Arc::new(store), root, url: url.to_owned() })
            }
            Some(("file", directory)) if directory.starts_with('/') => Self::directory(url, Folder::new(directory)),
            Some(_) => Err(wrong("give a directory, file:///directory or s3://bucket/prefix".to_owned())),
            None if url.is_empty() => Err(wrong("it is empty".to_owned())),
            None => Self::directory(url, Folder::new(url)),
        }
    }

    fn directory(url: &str, folder: &Folder) -> Result<Self, SealedError> {
        let wrong = |cause: String| SealedError::Place { url: url.to_owned(), cause };
        std::fs::create_dir_all(folder).map_err(|error| wrong(error.to_string()))?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), root: Path::default(), url: url.to_owned() })
    }

    /// As it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn at(&self, path: &str) -> Path {
        path.split('/').fold(self.root.clone(), |place, part| place.join(part))
    }

    fn failed(&self, path: &str, error: Error) -> SealedError {
        SealedError::Store { path: format!("{}/{path}", self.url.trim_end_matches('/')), cause: Box::new(error) }
    }

    /// Begins a file; it is there once it is shut down.
    pub(crate) fn upload(&self, path: &str) -> BufWriter {
        BufWriter::with_capacity(Arc::clone(&self.store), self.at(path), PART_BYTES).with_max_concurrency(PARTS_AT_ONCE)
    }

    /// Writes a small file whole.
    pub(crate) async fn write(&self, path: &str, text: String) -> Result<(), SealedError> {
        let written = self.store.put(&self.at(path), PutPayload::from(text)).await;
        written.map(|_| ()).map_err(|error| self.failed(path, error))
    }

    /// Reads a small file whole; `None` where there is none.
    pub(crate) async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SealedError> {
        match self.store.get(&self.at(path)).await {
            Ok(found) => {
                let bytes = found.bytes().await.map_err(|error| self.failed(path, error))?;
                Ok(Some(bytes.to_vec()))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(path, error)),
        }
    }

    /// How many bytes a file has; `None` where there is none.
    pub async fn bytes_of(&self, path: &str) -> Result<Option<u64>, SealedError> {
        match self.store.head(&self.at(path)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(path, error)),
        }
    }

    /// Removes a file, if it is there.
    pub(crate) async fn remove(&self, path: &str) -> Result<(), SealedError> {
        match self.store.delete(&self.at(path)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(path, error)),
        }
    }

    /// An error of a file's upload.
    pub(crate) fn upload_failed(
        &self,
        path: &str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> SealedError {
        self.failed(path, Error::Generic { store: "upload", source: cause.into() })
    }
}

/// The bucket, as the environment describes its store.
fn s3(bucket: &str) -> Result<object_store::aws::AmazonS3, String> {
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    let endpoint = builder
        .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
        .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
    // Whatever the environment allows: without TLS on this machine alone.
    let plain = endpoint.as_deref().and_then(|endpoint| endpoint.strip_prefix("http://"));
    if let Some(rest) = plain
        && !is_loopback(rest)
    {
        return Err(format!("the endpoint http://{rest} has no TLS: give one with https"));
    }
    builder = builder.with_allow_http(plain.is_some());
    builder.build().map_err(|error| error.to_string())
}

/// Whether `host:port/…` is this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    // What stands before an @ is no host.
    let Some((host, _)) = authority.rsplit_once(':').or(Some((authority, ""))) else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for here in ["127.0.0.1:9000", "localhost:5000/x", "[::1]:80", "127.0.0.1", "localhost"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in ["10.0.0.1:9000", "s3.example", "localhost.example:80", "127.0.0.1@evil:80", "", "[fe80::1]:1"]
        {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_place_that_is_none_is_refused_with_what_to_give() {
        for url in ["", "s3://", "ftp://host/x", "file://relative"] {
            let error = Place::open(url).unwrap_err().to_string();
            assert!(error.contains("cannot be used"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_file_comes_back_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::open(folder.path().join("a b").to_str().unwrap()).unwrap();
        assert_eq!(place.read("day/manifest.json").await.unwrap(), None);
        place.write("day/business_date=2026-11-23/x.json", "{}".to_owned()).await.unwrap();
        assert!(folder.path().join("a b/day/business_date=2026-11-23/x.json").exists());
        assert_eq!(place.bytes_of("day/business_date=2026-11-23/x.json").await.unwrap(), Some(2));
        place.remove("day/business_date=2026-11-23/x.json").await.unwrap();
        place.remove("day/business_date=2026-11-23/x.json").await.unwrap();
        assert_eq!(place.bytes_of("day/business_date=2026-11-23/x.json").await.unwrap(), None);
    }
}
