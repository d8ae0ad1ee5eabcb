//! A mail server in a setting, for sending or for reading: where it is, how the connection is kept secret, who signs in.

#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};

use reqwest::Url;

use crate::address;

/// What is spoken with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Sending (RFC 5321).
    Smtp,
    /// Reading (RFC 9051). A folder may be named: `imaps://name@mail.example.com/Bounces`.
    Imap,
}

impl Protocol {
    /// The ports in the clear, after STARTTLS, and with TLS from the first byte (RFC 6409, RFC 8314).
    fn port(self, security: Security) -> u16 {
        match (self, security) {
            (Protocol::Smtp, Security::Plain) => 25,
            (Protocol::Smtp, Security::StartTls) => 587,
            (Protocol::Smtp, Security::Wrapped) => 465,
            (Protocol::Imap, Security::Plain | Security::StartTls) => 143,
            (Protocol::Imap, Security::Wrapped) => 993,
        }
    }
}

impl Display for Protocol {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Smtp => "smtp",
            Protocol::Imap => "imap",
        })
    }
}

/// Why an address is not taken. For people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    #[error("Enter the mail server as {0}s://name:password@mail.example.com.")]
    NotAnAddress(Protocol),
    #[error(
        "Use {0}s://, or {0}:// with ?tls=required at the end. Without encryption only a server on this machine (127.0.0.1 or localhost) is taken."
    )]
    NotSecure(Protocol),
    #[error("Only ?tls=required may stand at the end of the address.")]
    TooMuch,
    #[error(
        "A password needs a name, and a name a password: {0}s://name:password@mail.example.com."
    )]
    HalfSignIn(Protocol),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// To this machine only.
    Plain,
    StartTls,
    /// TLS from the first byte.
    Wrapped,
}

/// Deliberately without `Debug`: it holds a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) sign_in: Option<(String, String)>,
    /// What stands after the host; empty for SMTP.
    pub(crate) folder: String,
}

impl Server {
    /// # Errors
    /// See [`ServerError`].
    pub fn parse(protocol: Protocol, text: &str) -> Result<Server, ServerError> {
        let url = parse(protocol, text)?;
        let security = security(protocol, &url)?;
        let password = url.password().map(decoded);
        let sign_in = match (decoded(url.username()), password) {
            (name, None) if name.is_empty() => None,
            (name, Some(password)) if !name.is_empty() && !password.is_empty() => {
                Some((name, password))
            }
            _ => return Err(ServerError::HalfSignIn(protocol)),
        };
        Ok(Server {
            host: url
                .host_str()
                .unwrap_or_default()
                .trim_matches(['[', ']'])
                .to_owned(),
            port: url.port().unwrap_or(protocol.port(security)),
            security,
            sign_in,
            folder: decoded(url.path().trim_matches('/')),
        })
    }
}

fn parse(protocol: Protocol, text: &str) -> Result<Url, ServerError> {
    let none = ServerError::NotAnAddress(protocol);
    let text = text.trim();
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(none);
    }
    let url = Url::parse(text).map_err(|_| none)?;
    let spoken = url.scheme().strip_suffix('s').unwrap_or(url.scheme());
    if spoken != protocol.to_string() || url.host_str().is_none_or(str::is_empty) {
        return Err(none);
    }
    Ok(url)
}

fn security(protocol: Protocol, url: &Url) -> Result<Security, ServerError> {
    let has_path = !matches!(url.path(), "" | "/");
    if url.fragment().is_some() || (has_path && protocol == Protocol::Smtp) {
        return Err(ServerError::TooMuch);
    }
    let host = url.host_str().unwrap_or_default();
    match (url.scheme().ends_with('s'), url.query()) {
        (true, None | Some("" | "tls=required")) => Ok(Security::Wrapped),
        (false, Some("tls=required")) => Ok(Security::StartTls),
        (false, None | Some("")) if address::is_loopback(host) => Ok(Security::Plain),
        (false, None | Some("" | "tls=opportunistic" | "tls=none")) => {
            Err(ServerError::NotSecure(protocol))
        }
        _ => Err(ServerError::TooMuch),
    }
}

/// A setting with its password taken out, to be shown; and the password.
///
/// # Errors
/// See [`ServerError`].
pub fn split(protocol: Protocol, text: &str) -> Result<(String, Option<String>), ServerError> {
    let mut url = parse(protocol, text)?;
    security(protocol, &url)?;
    let password = url
        .password()
        .map(decoded)
        .filter(|password| !password.is_empty());
    url.set_password(None)
        .map_err(|()| ServerError::NotAnAddress(protocol))?;
    Ok((url.into(), password))
}

/// A setting with its password put in.
///
/// # Errors
/// See [`ServerError`].
pub fn join(protocol: Protocol, text: &str, password: Option<&str>) -> Result<String, ServerError> {
    let mut url = parse(protocol, text)?;
    url.set_password(password)
        .map_err(|()| ServerError::NotAnAddress(protocol))?;
    Ok(url.into())
}

/// Whether two settings are of the same name at the same server.
pub fn same_sign_in(protocol: Protocol, one: &str, other: &str) -> bool {
    let read = |text| {
        let url = parse(protocol, text).ok()?;
        Some((url.username().to_owned(), url.host_str()?.to_owned()))
    };
    read(one).is_some_and(|one| read(other).is_some_and(|other| one == other))
}

/// Percent signs undone. Bytes that are no UTF-8 afterwards stand as a mark, which no server accepts.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
