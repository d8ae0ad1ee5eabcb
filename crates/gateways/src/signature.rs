//! Webhook signatures of the form `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "t.body">`, as Stripe made usual and
//! the sandbox's company signs too. Pure: no clock, no I/O.

use hmac::{Hmac, KeyInit as _, Mac as _};
use remit_core::{SECOND_MS, UtcMs};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use crate::payments::WebhookError;

/// How far a signature's time may lie from its receipt, either way (hazards B6, D2).
pub const TOLERANCE_MS: i64 = 300 * SECOND_MS;

/// The longest header that is read, and the most `v1` parts: a sender has two while it rotates its secret.
const HEADER_BYTES_MAX: usize = 2_048;
const SIGNATURES_MAX: usize = 8;

/// The header's value for a body sent at `at`.
pub fn sign(secret: &str, at: UtcMs, body: &[u8]) -> String {
    let time = (at / SECOND_MS).to_string();
    let mac = mac(secret, time.as_bytes(), body);
    format!("t={time},v1={}", hex::encode(mac))
}

/// Checks a header against any of the secrets. All pairs are compared, each in constant time, so neither the time
/// taken nor the error tells which secret or which byte was near.
///
/// # Errors
/// `Signature`: nothing matches, no secret is set (hazard D1), or the header is not of this form. `Timestamp`: truly
/// signed, but more than [`TOLERANCE_MS`] before or after `received_at`.
pub fn verify(
    header: &str,
    body: &[u8],
    secrets: &[String],
    received_at: UtcMs,
) -> Result<(), WebhookError> {
    let (time, signatures) = parse(header).ok_or(WebhookError::Signature)?;
    let mut matched = Choice::from(0);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let expected = mac(secret, time.as_bytes(), body);
        for signature in &signatures {
            matched |= expected[..].ct_eq(signature);
        }
    }
    if !bool::from(matched) {
        return Err(WebhookError::Signature);
    }
    let signed_at = time
        .parse::<i64>()
        .ok()
        .and_then(|seconds| seconds.checked_mul(SECOND_MS))
        .ok_or(WebhookError::Timestamp)?;
    if signed_at.abs_diff(received_at) > TOLERANCE_MS.unsigned_abs() {
        return Err(WebhookError::Timestamp);
    }
    Ok(())
}

fn mac(secret: &str, time: &[u8], body: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length, so this never fails; a wrong constant answer would only fail closed.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return [0; 32];
    };
    mac.update(time);
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

/// The one `t`, as it was written, and every `v1`. Other parts (`v0`) are of other schemes and are passed over.
fn parse(header: &str) -> Option<(&str, Vec<[u8; 32]>)> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let (mut time, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", value) if time.is_none() => time = Some(value),
            ("t", _) => return None,
            ("v1", value) => {
                let mut bytes = [0; 32];
                if hex::decode_to_slice(value, &mut bytes).is_ok() {
                    signatures.push(bytes);
                }
            }
            _ => {}
        }
    }
    let time =
        time.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))?;
    (!signatures.is_empty() && signatures.len() <= SIGNATURES_MAX).then_some((time, signatures))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UtcMs = 1_800_000_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn secrets(all: &[&str]) -> Vec<String> {
        all.iter().map(|secret| (*secret).to_owned()).collect()
    }

    #[test]
    fn a_signature_is_as_others_compute_it() {
        // printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_a
        let expected =
            "t=1800000000,v1=a55079840ea2399121b7cc9ddcc2d7f3eadb4e93e38ab7d315482aa8d4846852";
        assert_eq!(sign("whsec_a", AT, BODY), expected);
    }

    #[test]
    fn a_signature_is_believed_for_five_minutes_either_way() {
        let header = sign("whsec_a", AT, BODY);
        for (late_by, expected) in [
            (0, Ok(())),
            (300_000, Ok(())),
            (-300_000, Ok(())),
            (300_001, Err(WebhookError::Timestamp)),
            (-300_001, Err(WebhookError::Timestamp)),
        ] {
            let told = verify(&header, BODY, &secrets(&["whsec_a"]), AT + late_by);
            assert_eq!(told, expected, "{late_by} ms");
        }
    }

    #[test]
    fn two_secrets_are_good_while_one_is_being_replaced() {
        let by_old = sign("old", AT, BODY);
        let by_new = sign("new", AT, BODY);
        let both = format!("{by_old},{}", by_new.split_once(',').unwrap().1);
        for header in [&by_old, &by_new, &both] {
            assert_eq!(verify(header, BODY, &secrets(&["new", "old"]), AT), Ok(()));
        }
        assert_eq!(verify(&both, BODY, &secrets(&["new"]), AT), Ok(()));
        assert_eq!(
            verify(&by_old, BODY, &secrets(&["new"]), AT),
            Err(WebhookError::Signature)
        );
    }

    #[test]
    fn nothing_else_is_believed() {
        let good = sign("whsec_a", AT, BODY);
        let v1 = good.split_once(',').unwrap().1;
        let keys = secrets(&["whsec_a"]);
        for header in [
            "",
            "t=1800000000",
            v1,
            "nonsense",
            "t=,v1=",
            "t=1800000000,v1=zz",
            &format!("t=1800000001,{v1}"),
            &format!("t=+1800000000,{v1}"),
            &format!("t=1800000000,t=1800000000,{v1}"),
            &good.replace("v1=", "v0="),
            &format!("{good}{}", ",v1=00".repeat(1_000)),
        ] {
            assert_eq!(
                verify(header, BODY, &keys, AT),
                Err(WebhookError::Signature),
                "{header}"
            );
        }
        let reserialised = br#"{"id": "evt_1"}"#;
        assert_eq!(
            verify(&good, reserialised, &keys, AT),
            Err(WebhookError::Signature)
        );
        // Hazard D1: no secret, or an empty one, believes nobody, not even one who signs with the empty secret.
        let by_empty = sign("", AT, BODY);
        for keys in [secrets(&[]), secrets(&[""])] {
            assert_eq!(
                verify(&by_empty, BODY, &keys, AT),
                Err(WebhookError::Signature)
            );
        }
        // A time beyond any calendar, truly signed, is refused and does not overflow.
        let far = format!("{}", i64::MAX);
        let header = format!(
            "t={far},v1={}",
            hex::encode(mac("whsec_a", far.as_bytes(), BODY))
        );
        assert_eq!(
            verify(&header, BODY, &keys, AT),
            Err(WebhookError::Timestamp)
        );
    }
}
