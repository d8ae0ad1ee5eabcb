//! Vonage's signature of a receipt: HMAC under the signature secret over `&name=value` of every parameter but `sig`,
//! sorted by name, with `&` and `=` in values written as `_` (developer.vonage.com, *Signing messages*). SHA-256 and
//! SHA-512 are taken, by the length of what came; the older MD5 and SHA-1 methods of the dashboard are not. Pure.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

/// Whether a receipt's `sig` fits. A receipt that comes again says the same again, so its time need not be judged.
pub fn fits(secret: &str, params: &[(String, String)]) -> bool {
    let given = params.iter().find(|(name, _)| name == "sig");
    let Some(given) = given.and_then(|(_, sig)| hex::decode(sig).ok()) else {
        return false;
    };
    if secret.is_empty() {
        return false;
    }
    let text = signed_text(params);
    let expected = match given.len() {
        32 => Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map(|mac| mac.chain_update(&text).finalize().into_bytes().to_vec()),
        64 => Hmac::<Sha512>::new_from_slice(secret.as_bytes())
            .map(|mac| mac.chain_update(&text).finalize().into_bytes().to_vec()),
        _ => return false,
    };
    expected.is_ok_and(|expected| expected.ct_eq(&given).into())
}

fn signed_text(params: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = params.iter().filter(|(name, _)| name != "sig").collect();
    sorted.sort();
    let pieces = sorted.into_iter().map(|(name, value)| {
        let value = value.replace(['&', '='], "_");
        format!("&{name}={value}")
    });
    pieces.collect()
}
