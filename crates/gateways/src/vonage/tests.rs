//! Vonage's signature, receipts and outcomes.

use reqwest::header::{HeaderMap, HeaderValue};

use super::*;
use crate::roots::Roots;

fn vonage(signature_secret: Option<&str>) -> Vonage {
    Vonage::new(VonageConfig {
        api_base: DEFAULT_API_BASE.into(),
        api_key: "abcd1234".into(),
        api_secret: "secret".into(),
        signature_secret: signature_secret.map(str::to_owned),
        sender: "Larkhill".into(),
        callback: None,
        client: http::client(&Roots::default()).unwrap(),
    })
    .unwrap()
}

#[test]
fn a_signature_covers_every_parameter() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let pairs = |sig: &str| -> Vec<(String, String)> {
        [
            ("b", "2"),
            ("a", "1"),
            ("timestamp", "1461605396"),
            ("c", "x&y=z"),
            ("sig", sig),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    };
    let mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").unwrap();
    let mac = mac.chain_update("&a=1&b=2&c=x_y_z&timestamp=1461605396");
    let sig = hex::encode_upper(mac.finalize().into_bytes());
    assert!(signature::fits("secret", &pairs(&sig)));
    assert!(signature::fits("secret", &pairs(&sig.to_lowercase())));
    assert!(!signature::fits("other", &pairs(&sig)));
    assert!(!signature::fits("", &pairs(&sig)));
    assert!(!signature::fits("secret", &pairs("")));
    assert!(
        !signature::fits("secret", &pairs("6af838ef94998832dbfc29020b564830")),
        "MD5 is not taken"
    );
    let mut changed = pairs(&sig);
    changed[0].1 = "3".into();
    assert!(!signature::fits("secret", &changed));
}

#[test]
fn without_a_secret_no_receipt_is_believed() {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let request = ReceiptRequest {
        url: "https://pay.example/hooks/messages/end_1?reference=dlv_1",
        headers: &headers,
        body: br#"{"messageId": "1", "status": "delivered", "client-ref": "dlv_1"}"#,
        received_at: 0,
    };
    for secret in [None, Some("secret"), Some("")] {
        assert_eq!(
            vonage(secret).parse_receipt(request),
            Err(ReceiptError::Signature),
            "{secret:?}"
        );
    }
}

#[test]
fn a_part_that_went_out_is_neither_a_yes_nor_a_no() {
    let read = |body: &str| judged(serde_json::from_str(body).unwrap());
    let whole =
        r#"{"messages": [{"status": "0", "message-id": "1"}, {"status": "0", "message-id": "2"}]}"#;
    assert!(matches!(read(whole), Handover::Taken(facts) if facts.provider_message_id == "1"));
    let half = r#"{"messages": [{"status": "0", "message-id": "1"}, {"status": "9"}]}"#;
    assert!(matches!(read(half), Handover::Unknown(_)));
    assert!(matches!(read(r#"{"messages": []}"#), Handover::Unknown(_)));
    assert!(matches!(
        read(r#"{"messages": [{"status": "1"}]}"#),
        Handover::NotNow(_)
    ));
    assert!(matches!(
        read(r#"{"messages": [{"status": "4"}]}"#),
        Handover::Refused(_)
    ));
}
