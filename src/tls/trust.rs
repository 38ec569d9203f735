//! The client's side: which servers hwan itself trusts, where it reads from one.

use std::{path::Path, sync::Arc};

use rustls::{ClientConfig, RootCertStore};

use super::{TlsError, pem, server::provider};

/// Trusts the roots of `ca`, or without one the system's.
pub fn client_config(ca: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            for root in pem::certificates(path)? {
                roots.add(root).map_err(|error| TlsError::File { path: path.to_owned(), cause: error.to_string() })?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            // A root that is not understood is left out: it can make nothing trusted.
            let (_taken, _left_out) = roots.add_parsable_certificates(found.certs);
        }
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?;
    Ok(builder.with_root_certificates(Arc::new(roots)).with_no_client_auth())
}
