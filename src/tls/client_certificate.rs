//! The certificate that a client has connected with.
//!
//! It was verified against `server.tls.client_ca` before anything of a request was read. What it says is which machine
//! is at the other end, not which caller: a request needs its credential all the same, and what the caller may do
//! depends on that alone. The certificate's subject stands in the audit trail beside it.

use std::any::Any;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{dev::Extensions, rt::net::TcpStream};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

/// The longest subject that is kept, in characters.
const SUBJECT_MAX: usize = 256;

/// A connection's client, by its verified certificate.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The subject's common name; without one the first DNS name, URI or mail address that it is also known by.
    pub subject: Box<str>,
}

impl ClientCertificate {
    /// Of a certificate in DER; `None` if it names nobody.
    fn of(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let common_name = certificate.subject().iter_common_name().find_map(|name| name.as_str().ok());
        let alternative = || {
            let names = certificate.subject_alternative_name().ok().flatten()?;
            names.value.general_names.iter().find_map(|name| match name {
                GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => Some(*name),
                _ => None,
            })
        };
        let subject: String =
            common_name.filter(|name| !name.is_empty()).or_else(alternative)?.chars().take(SUBJECT_MAX).collect();
        Some(Self { subject: subject.into() })
    }

    /// For each new connection: keeps whose it is, where the client has shown a certificate.
    pub fn keep(connection: &dyn Any, extensions: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        if let Some(certificate) = certificate.and_then(|certificate| Self::of(certificate)) {
            extensions.insert(certificate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(common_name: Option<&str>, names: &[&str]) -> Option<Box<str>> {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common_name) = common_name {
            parameters.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        }
        let certificate = parameters.self_signed(&key).unwrap();
        ClientCertificate::of(certificate.der()).map(|certificate| certificate.subject)
    }

    #[test]
    fn a_client_is_called_by_its_common_name_or_else_by_an_alternative_one() {
        assert_eq!(subject(Some("app-7"), &["app.example"]).as_deref(), Some("app-7"));
        assert_eq!(subject(None, &["app.example"]).as_deref(), Some("app.example"));
        assert_eq!(subject(None, &[]), None);
        assert!(ClientCertificate::of(b"no certificate").is_none());
    }
}
