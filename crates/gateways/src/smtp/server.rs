//! The mail server in a setting: where it is, how the connection is kept secret, who signs in.

use reqwest::Url;

use crate::address;

/// Why an address is not taken. For people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    #[error("Enter the mail server as smtps://name:password@mail.example.com.")]
    NotAnAddress,
    #[error(
        "Use smtps://, or smtp:// with ?tls=required at the end. Without encryption only a server on this machine (127.0.0.1 or localhost) is taken."
    )]
    NotSecure,
    #[error("Only ?tls=required may stand at the end of the address.")]
    TooMuch,
    #[error(
        "A password needs a name, and a name a password: smtps://name:password@mail.example.com."
    )]
    HalfSignIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// To this machine only.
    Plain,
    StartTls,
    /// TLS from the first byte.
    Wrapped,
}

/// Deliberately without `Debug`: it holds a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) sign_in: Option<(String, String)>,
}

impl Server {
    /// # Errors
    /// See [`ServerError`].
    pub fn parse(text: &str) -> Result<Server, ServerError> {
        let url = parse(text)?;
        let security = security(&url)?;
        let usual = match security {
            Security::Plain => 25,
            Security::StartTls => 587,
            Security::Wrapped => 465,
        };
        let password = url.password().map(decoded);
        let sign_in = match (decoded(url.username()), password) {
            (name, None) if name.is_empty() => None,
            (name, Some(password)) if !name.is_empty() && !password.is_empty() => {
                Some((name, password))
            }
            _ => return Err(ServerError::HalfSignIn),
        };
        Ok(Server {
            host: url
                .host_str()
                .unwrap_or_default()
                .trim_matches(['[', ']'])
                .to_owned(),
            port: url.port().unwrap_or(usual),
            security,
            sign_in,
        })
    }
}

fn parse(text: &str) -> Result<Url, ServerError> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(ServerError::NotAnAddress);
    }
    let url = Url::parse(text).map_err(|_| ServerError::NotAnAddress)?;
    if !matches!(url.scheme(), "smtp" | "smtps") || url.host_str().is_none_or(str::is_empty) {
        return Err(ServerError::NotAnAddress);
    }
    Ok(url)
}

fn security(url: &Url) -> Result<Security, ServerError> {
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(ServerError::TooMuch);
    }
    let host = url.host_str().unwrap_or_default();
    match (url.scheme(), url.query()) {
        ("smtps", None | Some("" | "tls=required")) => Ok(Security::Wrapped),
        ("smtp", Some("tls=required")) => Ok(Security::StartTls),
        ("smtp", None | Some("")) if address::is_loopback(host) => Ok(Security::Plain),
        ("smtp", None | Some("" | "tls=opportunistic" | "tls=none")) => Err(ServerError::NotSecure),
        _ => Err(ServerError::TooMuch),
    }
}

/// A setting with its password taken out, to be shown; and the password.
///
/// # Errors
/// See [`ServerError`].
pub fn split(text: &str) -> Result<(String, Option<String>), ServerError> {
    let mut url = parse(text)?;
    security(&url)?;
    let password = url
        .password()
        .map(decoded)
        .filter(|password| !password.is_empty());
    url.set_password(None)
        .map_err(|()| ServerError::NotAnAddress)?;
    Ok((url.into(), password))
}

/// A setting with its password put in.
///
/// # Errors
/// See [`ServerError`].
pub fn join(text: &str, password: Option<&str>) -> Result<String, ServerError> {
    let mut url = parse(text)?;
    url.set_password(password)
        .map_err(|()| ServerError::NotAnAddress)?;
    Ok(url.into())
}

/// Whether two settings are of the same name at the same server.
pub fn same_sign_in(one: &str, other: &str) -> bool {
    let read = |text| {
        let url = parse(text).ok()?;
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
