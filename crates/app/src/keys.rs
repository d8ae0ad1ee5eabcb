//! The master key: seals what the database must not give away, and nothing else (XChaCha20-Poly1305).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// Names the key in front of each sealed text, so that keys can be rotated.
const KEY_ID: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Opens and seals. Deliberately without `Debug`.
pub struct Keys {
    cipher: XChaCha20Poly1305,
}

impl Keys {
    /// From the master key file's content: 64 hex digits.
    ///
    /// # Errors
    /// [`Error::Setup`] for anything else.
    pub fn parse(text: &str) -> Result<Keys> {
        let bytes = Zeroizing::new(hex::decode(text.trim()).unwrap_or_default());
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes)
            .map_err(|_| Error::Setup("the master key file must hold 64 hex digits".into()))?;
        Ok(Keys { cipher })
    }

    /// A fresh key, as the file holds it.
    ///
    /// # Errors
    /// The operating system gave no random bits.
    pub fn generate() -> Result<String> {
        random_hex(32)
    }

    /// Seals a secret for one place. The place (clinic and column) is authenticated, so that rows cannot be swapped.
    ///
    /// # Errors
    /// The operating system gave no random bits.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_BYTES];
        fill(&mut nonce)?;
        let payload = Payload {
            msg: secret,
            aad: place.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Sealed)?;
        Ok([&[KEY_ID][..], &nonce, &sealed].concat())
    }

    /// # Errors
    /// [`Error::Sealed`]: another key, another place, or a changed byte.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let (&key, rest) = sealed.split_first().ok_or(Error::Sealed)?;
        let (nonce, text) = rest.split_at_checked(NONCE_BYTES).ok_or(Error::Sealed)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Error::Sealed)?;
        if key != KEY_ID {
            return Err(Error::Sealed);
        }
        let payload = Payload {
            msg: text,
            aad: place.as_bytes(),
        };
        self.cipher
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| Error::Sealed)
    }
}

/// Marks a text that was sealed, so that one from before stays readable.
const SEALED: &str = "sealed:";

impl Keys {
    /// Seals a text for a text column.
    ///
    /// # Errors
    /// The operating system gave no random bits.
    pub fn seal_text(&self, place: &str, text: &str) -> Result<String> {
        Ok(format!(
            "{SEALED}{}",
            URL_SAFE_NO_PAD.encode(self.seal(place, text.as_bytes())?)
        ))
    }

    /// # Errors
    /// [`Error::Sealed`]
    pub fn open_text(&self, place: &str, text: &str) -> Result<String> {
        let Some(sealed) = text.strip_prefix(SEALED) else {
            return Ok(text.to_owned());
        };
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| Error::Sealed)?;
        let opened = self.open(place, &sealed)?;
        String::from_utf8(opened.to_vec()).map_err(|_| Error::Sealed)
    }
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| Error::Setup("no random numbers from the system".into()))
}

/// 128 random bits as 22 base64url characters: the secret of a link, a session, a form.
///
/// # Errors
/// The operating system gave no random bits.
pub fn random_secret() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Random bytes in hex.
///
/// # Errors
/// The operating system gave no random bits.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0_u8; bytes];
    fill(&mut random)?;
    Ok(hex::encode(random))
}

/// 64 random bits, for jitter. Zero when the system has none: a backoff then loses its jitter, nothing else.
pub fn random_u64() -> u64 {
    let mut bytes = [0_u8; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_in_its_place_only() {
        let keys = Keys::parse(&Keys::generate().unwrap()).unwrap();
        let sealed = keys.seal("cln_1 token", b"secret").unwrap();
        assert_eq!(&*keys.open("cln_1 token", &sealed).unwrap(), b"secret");
        assert!(
            keys.open("cln_2 token", &sealed).is_err(),
            "another clinic's row"
        );
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(
            keys.open("cln_1 token", &changed).is_err(),
            "a changed byte"
        );
        let other = Keys::parse(&Keys::generate().unwrap()).unwrap();
        assert!(other.open("cln_1 token", &sealed).is_err(), "another key");
        assert!(keys.open("cln_1 token", &[]).is_err() && Keys::parse("00").is_err());
    }
}
