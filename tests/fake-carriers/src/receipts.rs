//! Delivery receipts, signed as each carrier signs them, repeated until they are taken.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::Sha256;

use crate::{
    ACCOUNT_SID, API_KEY, AUTH_TOKEN, Company, SIGNATURE_SECRET, Shared, Text, Told, digits, now_ms,
};

const TRIES_MAX: u32 = 6;

/// What follows a text by itself: on its way, then its end.
pub fn follow(shared: &Arc<Shared>, company: Company, id: String, failure: Option<u32>) {
    let steps: Vec<(&str, Option<u32>)> = match (company, failure) {
        (Company::Gateway, _) => return,
        (Company::Twilio, None) => vec![("sent", None), ("delivered", None)],
        (Company::Twilio, Some(code)) => vec![("sent", None), ("undelivered", Some(code))],
        (Company::Vonage, None) => vec![("delivered", None)],
        (Company::Vonage, Some(code)) => vec![("failed", Some(code))],
    };
    shared.under_way.send_modify(|count| *count += 1);
    let shared = shared.clone();
    tokio::spawn(async move {
        for (status, code) in steps {
            for tries in 0..TRIES_MAX {
                let answer = tell(&shared, &id, status, code, None).await;
                if (200..500).contains(&answer) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50 << tries)).await;
            }
        }
        shared.under_way.send_modify(|count| *count -= 1);
    });
}

/// Sends one receipt; `secret`: of somebody else. Answers the receiver's status, 0 without one.
pub async fn tell(
    shared: &Arc<Shared>,
    id: &str,
    status: &str,
    code: Option<u32>,
    secret: Option<&str>,
) -> u16 {
    let text = {
        let mut world = shared.world();
        let Some(text) = world.texts.iter_mut().find(|text| text.id == id) else {
            return 0;
        };
        if secret.is_none() {
            text.status = status.to_owned();
            text.code = code;
        }
        text.clone()
    };
    let Some(callback) = text.callback.clone() else {
        return 0;
    };
    let request = match text.company {
        Company::Twilio => twilio(shared, &callback, &text, status, code, secret),
        Company::Vonage => vonage(shared, &callback, &text, status, code, secret),
        Company::Gateway => return 0,
    };
    let answer = match request.timeout(Duration::from_secs(10)).send().await {
        Ok(response) => response.status().as_u16(),
        Err(_) => 0,
    };
    shared.world().told.push(Told {
        id: id.to_owned(),
        status: status.to_owned(),
        answer,
        is_forged: secret.is_some(),
    });
    answer
}

fn form(pairs: &[(String, String)]) -> String {
    let Ok(mut url) = Url::parse("form:?") else {
        return String::new();
    };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// twilio.com/docs/usage/security: the address, then every parameter sorted by name.
fn twilio(
    shared: &Shared,
    callback: &str,
    text: &Text,
    status: &str,
    code: Option<u32>,
    secret: Option<&str>,
) -> reqwest::RequestBuilder {
    let mut params = vec![
        ("AccountSid", ACCOUNT_SID.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("From", text.from.clone()),
        ("MessageSid", text.id.clone()),
        ("MessageStatus", status.to_owned()),
        ("SmsSid", text.id.clone()),
        ("SmsStatus", status.to_owned()),
        ("To", text.to.clone()),
    ];
    params.extend(code.map(|code| ("ErrorCode", code.to_string())));
    params.sort();
    let mut signed = callback.to_owned();
    for (name, value) in &params {
        signed.push_str(name);
        signed.push_str(value);
    }
    let signature = match Hmac::<Sha1>::new_from_slice(secret.unwrap_or(AUTH_TOKEN).as_bytes()) {
        Ok(mac) => STANDARD.encode(mac.chain_update(signed).finalize().into_bytes()),
        // HMAC takes a key of any length.
        Err(_) => String::new(),
    };
    let owned: Vec<_> = params
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    shared
        .client
        .post(callback)
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=UTF-8",
        )
        .header("user-agent", "TwilioProxy/1.1")
        .header("x-twilio-signature", signature)
        .body(form(&owned))
}

/// developer.vonage.com, *Signing messages*: `&name=value` sorted by name, HMAC-SHA256.
fn vonage(
    shared: &Shared,
    callback: &str,
    text: &Text,
    status: &str,
    code: Option<u32>,
    secret: Option<&str>,
) -> reqwest::RequestBuilder {
    let mut params = vec![
        ("api-key", API_KEY.to_owned()),
        ("client-ref", text.reference.clone().unwrap_or_default()),
        ("err-code", code.unwrap_or(0).to_string()),
        ("message-timestamp", "2026-11-24 12:00:00 +0000".to_owned()),
        ("messageId", text.id.clone()),
        ("msisdn", text.to.trim_start_matches('+').to_owned()),
        ("network-code", "23410".to_owned()),
        ("nonce", digits(32)),
        ("price", "0.03330000".to_owned()),
        ("scts", "2611241200".to_owned()),
        ("status", status.to_owned()),
        ("timestamp", (now_ms() / 1_000).to_string()),
        ("to", text.from.clone()),
    ];
    params.sort();
    let pieces = params
        .iter()
        .map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_")));
    let signed: String = pieces.collect();
    let signature =
        match Hmac::<Sha256>::new_from_slice(secret.unwrap_or(SIGNATURE_SECRET).as_bytes()) {
            Ok(mac) => hex::encode_upper(mac.chain_update(signed).finalize().into_bytes()),
            Err(_) => String::new(),
        };
    params.push(("sig", signature));
    let body: Map<String, Value> = params
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    shared
        .client
        .post(callback)
        .header("content-type", "application/json")
        .body(Value::from(body).to_string())
}
