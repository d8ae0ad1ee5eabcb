//! Whom connections to the outside trust: the public roots that come with the binary, and the operator's own
//! authorities, as a hospital has them before its mail server or its way out.

use std::sync::Arc;

use lettre::transport::smtp::client::{Certificate, TlsParameters};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{ClientConfig, RootCertStore};

/// The public roots, and the operator's own beside them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    own: Arc<[CertificateDer<'static>]>,
}

/// Why a file of the operator's own roots cannot be used. For people.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    #[error("it is not a file of certificates in PEM form: {0}")]
    Pem(#[from] pem::Error),
    #[error("it holds no certificate: one begins with -----BEGIN CERTIFICATE-----")]
    Empty,
    #[error("certificate {nth} in it cannot be used: {error}")]
    Unusable { nth: usize, error: rustls::Error },
}

impl Roots {
    /// Reads PEM: one certificate or several, as `ca.pem` files have them.
    ///
    /// # Errors
    /// See [`RootsError`].
    pub fn from_pem(text: &[u8]) -> Result<Roots, RootsError> {
        let own = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>()?;
        if own.is_empty() {
            return Err(RootsError::Empty);
        }
        let mut tried = RootCertStore::empty();
        for (at, certificate) in own.iter().enumerate() {
            let added = tried.add(certificate.clone());
            added.map_err(|error| RootsError::Unusable { nth: at + 1, error })?;
        }
        Ok(Roots { own: own.into() })
    }

    /// For HTTP, and for reading a mailbox.
    pub(crate) fn tls(&self) -> Result<ClientConfig, rustls::Error> {
        let public = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
        let mut roots = RootCertStore::from_iter(public);
        // Each was added once when it was read.
        roots.add_parsable_certificates(self.own.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth())
    }

    /// For a mail server of this name.
    pub(crate) fn tls_with(
        &self,
        host: &str,
    ) -> Result<TlsParameters, lettre::transport::smtp::Error> {
        let mut tls = TlsParameters::builder(host.to_owned());
        for own in self.own.iter() {
            tls = tls.add_root_certificate(Certificate::from_der(own.to_vec())?);
        }
        tls.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_told_by_its_place() {
        let told = |text: &str| Roots::from_pem(text.as_bytes()).unwrap_err().to_string();
        assert!(told("").contains("no certificate"));
        assert!(told("hello").contains("no certificate"));
        let pem = |inside: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n")
        };
        assert!(told(&pem("aGVsbG8=")).contains("certificate 1"));
        assert!(told(&pem("?")).contains("PEM"));
        let cut = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n";
        assert!(told(cut).contains("PEM"), "{}", told(cut));
    }
}
