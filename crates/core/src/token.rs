//! The secret in a link's address: a public routing prefix of the clinic, then 128 random bits (hazard B10).

use sha2::{Digest, Sha256};

/// base64url characters that carry the 128 random bits.
pub const SECRET_CHARS: usize = 22;
/// The longest routing prefix a clinic may have.
pub const ROUTE_CHARS_MAX: usize = 12;

/// A link's token as it stands in the address. Deliberately without `Debug` and `Display`: it must not reach a log
/// (hazard D4).
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// SHA-256 of a token: what is stored and looked up. 128 bits of entropy need no slow hash (ASVS 6.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl Token {
    /// From the clinic's routing prefix and the 22 characters of a fresh random secret.
    pub fn compose(route: &str, secret: &str) -> Option<Token> {
        Token::parse(&format!("{route}{secret}"))
    }

    /// Anything shaped like a token. Whether it exists is another question, answered with the same page.
    pub fn parse(text: &str) -> Option<Token> {
        let shape = text.len() > SECRET_CHARS
            && text.len() <= SECRET_CHARS + ROUTE_CHARS_MAX
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        shape.then(|| Token(text.to_owned()))
    }

    /// The clinic's part, so that a request reaches its clinic (and shard) before any look-up.
    pub fn route(&self) -> &str {
        &self.0[..self.0.len() - SECRET_CHARS]
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The whole text, for the address and for sealing. Never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_splits_into_route_and_secret() {
        let token = Token::compose("lark", "7Qm2vXc9RtL0aZk4sWfH1w").unwrap();
        assert_eq!(
            (token.route(), token.reveal()),
            ("lark", "lark7Qm2vXc9RtL0aZk4sWfH1w")
        );
        for bad in [
            "",
            "7Qm2vXc9RtL0aZk4sWfH1w",
            "lark7Qm2vXc9RtL0aZk4sWfH1w ",
            "lark/Qm2vXc9RtL0aZk4sWfH1w",
            "lllllllllllllllllllllllllllllllllllllllll",
            "larké7Qm2vXc9RtL0aZk4sWfHw",
        ] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }
}
