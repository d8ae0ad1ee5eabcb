//! `X-Twilio-Signature`: base64 of HMAC-SHA1 under the auth token, over the exact address and then every parameter of
//! the form, sorted by name, name and value joined without anything between (twilio.com/docs/usage/security). Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq as _};

/// Whether the header belongs to this call. No token believes nobody (hazard D1).
pub fn fits(token: &str, url: &str, params: &[(String, String)], header: &str) -> bool {
    let Ok(given) = STANDARD.decode(header.trim()) else {
        return false;
    };
    if token.is_empty() {
        return false;
    }
    // All are compared, so that the time taken does not tell which was near.
    let mut fits = Choice::from(0);
    for url in spellings(url) {
        fits |= sign(token, &url, params).ct_eq(&given);
    }
    fits.into()
}

/// The bytes that the header holds in base64.
pub fn sign(token: &str, url: &str, params: &[(String, String)]) -> Vec<u8> {
    // HMAC takes a key of any length, so this never fails; an empty answer fits nothing.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else {
        return Vec::new();
    };
    mac.update(url.as_bytes());
    let mut sorted: Vec<_> = params.iter().collect();
    sorted.sort();
    sorted.dedup();
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.finalize().into_bytes().to_vec()
}

/// The address with and without its port: which of them Twilio signs differs between its products.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    if let Ok(parsed) = Url::parse(url)
        && let Some(host) = parsed.host_str()
        && let Some(port) = parsed.port_or_known_default()
    {
        let scheme = parsed.scheme();
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.find('/').map_or("", |at| &rest[at..]);
        all.push(format!("{scheme}://{host}:{port}{rest}"));
        all.push(format!("{scheme}://{host}{rest}"));
    }
    all
}
