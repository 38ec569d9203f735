//! PEM files: certificates and keys.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::TlsError;
use crate::secret_file;

/// The largest file of certificates that is read, in bytes.
const BYTES_MAX: u64 = 1_048_576;

/// All certificates of a file, at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unusable = |cause: String| TlsError::File { path: path.to_owned(), cause };
    let bytes = read(path).map_err(|error| unusable(error.to_string()))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(unusable("it holds no certificate in PEM".to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// The key of a file that nobody else may read.
pub fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let unusable = |cause: String| TlsError::File { path: path.to_owned(), cause };
    let text = secret_file::read(path)?.ok_or_else(|| unusable(io::ErrorKind::NotFound.to_string()))?;
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| unusable(error.to_string()))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
