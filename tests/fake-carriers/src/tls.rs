//! TLS for servers of mail: from the first byte, or once it is asked for.

use std::error::Error;
use std::sync::Arc;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// When a connection becomes secret.
#[derive(Clone)]
pub enum Secrecy {
    Never,
    Wrapped(TlsAcceptor),
    OnRequest(TlsAcceptor),
}

/// A connection, secret or not.
pub trait Wire: AsyncBufRead + AsyncWrite + Unpin {}
impl<T: AsyncBufRead + AsyncWrite + Unpin> Wire for T {}

/// A server's TLS for `name`, and the authority that vouches for it (PEM).
///
/// # Errors
/// No randomness.
pub fn vouched_for(name: &str) -> Result<(TlsAcceptor, String), Box<dyn Error + Send + Sync>> {
    let authority_key = rcgen::KeyPair::generate()?;
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(authority, authority_key)?;
    let key = rcgen::KeyPair::generate()?;
    let own = rcgen::CertificateParams::new([name.to_owned()])?.signed_by(&key, &authority)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![own.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    Ok((TlsAcceptor::from(Arc::new(config)), authority.pem()))
}
