//! Receipts reach the patient once by themselves, and again when staff ask.

use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{Clinic, id, pays_by_card, url};

async fn receipts_of(clinic: &Clinic, payment: &Value, wanted: usize) -> Vec<Value> {
    let path = format!("/payments/{}/receipts", id(payment));
    let settled = |page: &Value| {
        let rows = page["data"].as_array().expect("a list");
        rows.len() == wanted && rows.iter().all(|row| row["status"] == "delivered")
    };
    let page = clinic.until(&path, settled).await;
    page["data"].as_array().expect("a list").clone()
}

async fn payment_of(clinic: &Clinic, visit: &Value) -> Value {
    let path = format!("/payments?appointment_id={}", id(visit));
    let page = clinic
        .until(&path, |page| page["data"][0]["id"].is_string())
        .await;
    page["data"][0].clone()
}

/// By email where the patient has an address; the file says what the page says.
pub async fn an_online_payment_sends_its_receipt_once(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(3_100).await;
    let mut phone = clinic.phone();
    pays_by_card(&mut phone, url(&link)).await;
    let payment = payment_of(clinic, &visit).await;
    let sent = receipts_of(clinic, &payment, 1).await;
    assert_eq!(
        (&sent[0]["channel"], &sent[0]["refund_id"]),
        (&json!("email"), &Value::Null)
    );
    assert_eq!(sent[0]["created_by"], "Remit");

    let page = phone.get(&format!("{}/receipt", url(&link))).await;
    let text = page.text();
    let number = text
        .split("Receipt R-")
        .nth(1)
        .expect("a number")
        .split(' ')
        .next();
    let number = format!("R-{}", number.expect("a number"));
    assert!(
        text.contains("£31.00") && !text.contains("Consultation"),
        "{text}"
    );
    let mailed = clinic.tray(&number).await;
    assert_eq!(mailed.len(), 1, "{number}: {mailed:?}");

    let file = phone.get(&format!("{}/receipt.pdf", url(&link))).await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "application/pdf")
    );
    assert!(
        file.header("content-disposition").contains(&number),
        "{:?}",
        file.headers
    );
    assert!(file.body.starts_with("%PDF-"));

    let refund = clinic.refunds(&payment, 100).await.done();
    clinic
        .until(&format!("/refunds/{}", id(&refund)), |refund| {
            refund["status"] == "succeeded"
        })
        .await;
    let sent = receipts_of(clinic, &payment, 2).await;
    assert_eq!(sent[0]["refund_id"], refund["id"]);
    assert_eq!(clinic.tray(&number).await.len(), 2);
}

/// At the desk nothing leaves by itself; staff send it by SMS, whose address shows this receipt alone.
pub async fn the_desk_sends_a_receipt_on_request(clinic: &Clinic) {
    let visit = clinic.books(4_300, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 4_300).await;
    let payment = payment_of(clinic, &visit).await;
    assert!(receipts_of(clinic, &payment, 0).await.is_empty());

    let path = format!("/payments/{}/receipt", id(&payment));
    let wish = json!({ "channel": "sms" });
    let key = Some("a-receipt-by-sms");
    let first = clinic
        .call(0, Method::POST, &path, Some(&wish), key)
        .await
        .done();
    let again = clinic
        .call(0, Method::POST, &path, Some(&wish), key)
        .await
        .done();
    assert_eq!(first["id"], again["id"]);
    receipts_of(clinic, &payment, 1).await;
    let soon = clinic.post(&path, wish).await;
    assert_eq!(soon.status, 429, "{}", soon.json);

    let to = first["to"].as_str().expect("a number");
    let texts = clinic.tray("/receipt").await;
    let text = texts
        .iter()
        .find(|message| message["to"] == to)
        .expect("a text");
    let text = text["text"].as_str().expect("a text");
    let mut words = text.split_whitespace();
    let address = words.find(|word| word.starts_with("http"));
    let address = address.expect("an address");
    let mut phone = clinic.phone();
    let page = phone.get(address).await;
    assert!(
        page.status == 200 && page.text().contains("£43.00"),
        "{}",
        page.text()
    );
    let token = address.trim_end_matches("/receipt");
    assert_eq!(
        phone.get(token).await.status,
        404,
        "it opens no payment page"
    );
}

/// Each address that cannot be is refused with its own sentence, and nothing is queued.
pub async fn a_receipt_to_nowhere_is_refused(clinic: &Clinic) {
    let visit = clinic.books(900, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 900).await;
    let payment = payment_of(clinic, &visit).await;
    let path = format!("/payments/{}/receipt", id(&payment));
    for (channel, to) in [
        ("sms", "0117 496 0142"),
        ("sms", "12"),
        ("email", "nobody"),
        ("email", "a@example.com\r\nBcc: b@example.com"),
    ] {
        let answer = clinic
            .post(&path, json!({ "channel": channel, "to": to }))
            .await;
        assert_eq!(answer.status, 422, "{to}: {}", answer.json);
    }
    assert!(receipts_of(clinic, &payment, 0).await.is_empty());
}
