//! Addresses of outside services that an owner may set.

use reqwest::Url;

/// Why an address is not taken. For people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("Enter a whole address, such as https://api.example.com.")]
    NotAnAddress,
    #[error(
        "Use https://. Plain http:// is only taken for a service on this machine (127.0.0.1 or localhost)."
    )]
    NotSecure,
    #[error("Leave name, password, ? and # out of the address.")]
    TooMuch,
}

/// Reads the base address of a service as it is kept: without a slash at the end. A path stays.
///
/// # Errors
/// See [`AddressError`].
pub fn api_base(text: &str) -> Result<String, AddressError> {
    Ok(base(text)?.as_str().trim_end_matches('/').to_owned())
}

/// Reads the base address of a service: https, or plain http to this machine; without credentials, query or fragment.
///
/// # Errors
/// See [`AddressError`].
pub fn base(text: &str) -> Result<Url, AddressError> {
    let url = Url::parse(text.trim()).map_err(|_| AddressError::NotAnAddress)?;
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(AddressError::NotAnAddress);
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(host) => {}
        _ => return Err(AddressError::NotSecure),
    }
    let extra = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    if extra {
        return Err(AddressError::TooMuch);
    }
    Ok(url)
}

/// Whether a patient may be sent there: a page of the web, not a script or a file. Its host is the provider's choice.
pub fn is_page(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// Scheme, host and port of an http or https address, as a content security policy writes them.
pub fn origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secure_addresses_and_this_machine_are_taken() {
        for (text, expected) in [
            (" https://api.stripe.com/ ", Ok("https://api.stripe.com")),
            (
                "http://127.0.0.1:4010/stripe",
                Ok("http://127.0.0.1:4010/stripe"),
            ),
            ("http://localhost:1", Ok("http://localhost:1")),
            ("http://[::1]:80", Ok("http://[::1]")),
            ("http://api.stripe.com", Err(AddressError::NotSecure)),
            (
                "http://127.0.0.1.evil.example",
                Err(AddressError::NotSecure),
            ),
            ("http://10.0.0.1", Err(AddressError::NotSecure)),
            ("ftp://127.0.0.1", Err(AddressError::NotSecure)),
            ("https://me:pw@api.stripe.com", Err(AddressError::TooMuch)),
            ("https://api.stripe.com?x=1", Err(AddressError::TooMuch)),
            ("api.stripe.com", Err(AddressError::NotAnAddress)),
            ("", Err(AddressError::NotAnAddress)),
        ] {
            assert_eq!(api_base(text), expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn an_origin_is_what_a_policy_compares() {
        for (url, expected) in [
            ("https://pay.example/c/1?x=2", Some("https://pay.example")),
            ("http://127.0.0.1:4010/c/1", Some("http://127.0.0.1:4010")),
            ("javascript:alert(1)", None),
            ("nothing", None),
        ] {
            assert_eq!(origin(url), expected.map(str::to_owned), "{url}");
        }
    }
}
