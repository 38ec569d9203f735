//! TLS: what the ports speak beyond loopback, and how hwan itself reads from an identity provider.
//!
//! The one provider of cryptography is named here explicitly, so that a dependency that brings another changes nothing.
//! TLS 1.2 and 1.3, with the provider's defaults: nothing of it is configured, because every knob is a way to be wrong.

pub mod client_certificate;
pub mod pem;
pub mod server;
pub mod trust;

pub use client_certificate::ClientCertificate;
pub use server::{Certificates, TlsError};
