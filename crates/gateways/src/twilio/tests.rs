//! Twilio's signature and receipts, and every code in plain words.

use reqwest::header::{HeaderMap, HeaderValue};

use super::*;
use crate::messages::OF_RECIPIENT;
use crate::roots::Roots;

fn twilio() -> Twilio {
    Twilio::new(TwilioConfig {
        api_base: DEFAULT_API_BASE.into(),
        account_sid: "AC1".into(),
        auth_token: "12345".into(),
        sender: "+447700900999".into(),
        callback: None,
        client: http::client(&Roots::default()).unwrap(),
    })
    .unwrap()
}

/// The example of twilio.com/docs/usage/security.
#[test]
fn a_signature_is_as_twilio_computes_it() {
    use base64::Engine as _;
    let params: Vec<(String, String)> = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let signed = signature::sign("12345", url, &params);
    let text = base64::engine::general_purpose::STANDARD.encode(&signed);
    assert_eq!(text, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    assert!(signature::fits("12345", url, &params, &text));
    assert!(signature::fits(
        "12345",
        "https://mycompany.com:443/myapp.php?foo=1&bar=2",
        &params,
        &text
    ));
    for (token, url, header) in [
        ("12346", url, text.as_str()),
        ("", url, &text),
        (
            "12345",
            "https://mycompany.com/myapp.php?foo=1&bar=3",
            &text,
        ),
        ("12345", "http://mycompany.com/myapp.php?foo=1&bar=2", &text),
        ("12345", url, ""),
        ("12345", url, "not base64!"),
    ] {
        assert!(
            !signature::fits(token, url, &params, header),
            "{token} {url} {header}"
        );
    }
}

fn receipt(url: &str, params: &[(&str, &str)], token: &str) -> Result<Receipt, ReceiptError> {
    use base64::Engine as _;
    let owned: Vec<_> = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let header =
        base64::engine::general_purpose::STANDARD.encode(signature::sign(token, url, &owned));
    let mut headers = HeaderMap::new();
    headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(&header).unwrap());
    let mut form = Url::parse("form:?").unwrap();
    form.query_pairs_mut().extend_pairs(params);
    twilio().parse_receipt(ReceiptRequest {
        url,
        headers: &headers,
        body: form.query().unwrap_or_default().as_bytes(),
        received_at: 0,
    })
}

#[test]
fn a_receipt_says_which_message_and_how_it_stands() {
    let url = "https://pay.example/hooks/messages/end_1?reference=dlv_1";
    for (word, code, expected) in [
        ("queued", "", MessageStatus::Sent),
        ("sent", "", MessageStatus::Sent),
        ("delivered", "", MessageStatus::Delivered),
        ("undelivered", "30003", MessageStatus::Failed),
        ("failed", "30006", MessageStatus::Failed),
    ] {
        let params = [
            ("AccountSid", "AC1"),
            ("ErrorCode", code),
            ("MessageSid", "SM1"),
            ("MessageStatus", word),
            ("To", "+44 7700 & = #"),
        ];
        let told = receipt(url, &params, "12345").unwrap();
        assert_eq!(
            (
                told.reference.as_deref(),
                told.provider_message_id.as_deref()
            ),
            (Some("dlv_1"), Some("SM1"))
        );
        assert_eq!(
            (told.status, told.reason.is_some()),
            (expected, expected == MessageStatus::Failed),
            "{word}"
        );
    }
    let params = [
        ("AccountSid", "AC1"),
        ("MessageSid", "SM1"),
        ("MessageStatus", "delivered"),
    ];
    assert_eq!(receipt(url, &params, "other"), Err(ReceiptError::Signature));
    assert_eq!(
        receipt(
            url,
            &[("AccountSid", "AC2"), ("MessageStatus", "sent")],
            "12345"
        ),
        Err(ReceiptError::Signature)
    );
    assert_eq!(
        receipt(url, &[("AccountSid", "AC1")], "12345"),
        Err(ReceiptError::Malformed)
    );
}

#[test]
fn each_refusal_has_a_sentence_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for code in [20_003, 21_610, 21_614, 21_635, 21_408, 21_606, 21_617] {
        assert!(seen.insert(faults::refused(code).message), "{code}");
    }
    assert_eq!(faults::refused(21_610).code, OF_RECIPIENT);
    assert!(faults::refused(12_345).message.contains("12345"));
    assert!(faults::failed(Some(30_003)).contains("could not be reached"));
    assert!(faults::failed(Some(39_999)).contains("39999"));
}

#[test]
fn the_same_message_is_known_by_its_address() {
    let ours = "Larkhill’s Clinic: £30.00 https://pay.example/p/abc Ref PL-1";
    assert!(same_words(ours, ours));
    assert!(same_words(
        "Larkhill's Clinic: £30.00 https://pay.example/p/abc Ref PL-1 ",
        ours
    ));
    assert!(!same_words("Larkhill: https://pay.example/p/abcd", ours));
    assert!(!same_words("Thank you", "Thank you very much"));
}
