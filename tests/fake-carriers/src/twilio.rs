//! Twilio's Messages resource (twilio.com/docs/messaging/api/message-resource).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Cut, fits, one, take};
use crate::{ACCOUNT_SID, AUTH_TOKEN, Company, Shared, Text, digits, now_ms};

fn fault(status: u16, code: u32, message: &str) -> Answer {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    (
        status,
        json!({ "code": code, "message": message, "more_info": more, "status": status }),
    )
}

/// A text as Twilio describes it.
fn described(text: &Text) -> Value {
    let at = jiff::Timestamp::from_millisecond(text.at_ms).unwrap_or_default();
    let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    json!({
        "account_sid": ACCOUNT_SID, "api_version": "2010-04-01", "body": text.text, "date_created": date,
        "date_sent": if text.status == "queued" { Value::Null } else { json!(date) }, "date_updated": date,
        "direction": "outbound-api", "error_code": text.code, "error_message": null, "from": text.from,
        "messaging_service_sid": null, "num_media": "0", "num_segments": "1", "price": null, "price_unit": "USD",
        "sid": text.id, "status": text.status, "subresource_uris": {}, "to": text.to,
        "uri": format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{}.json", text.id),
    })
}

pub async fn answer(shared: &Arc<Shared>, asked: &Asked) -> Result<Answer, Cut> {
    let proof = STANDARD.encode(format!("{ACCOUNT_SID}:{AUTH_TOKEN}"));
    if asked.header("authorization") != format!("Basic {proof}") {
        return Ok(fault(401, 20_003, "Authenticate"));
    }
    if asked.path != format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json") {
        return Ok(fault(404, 20_404, "The requested resource was not found"));
    }
    match asked.verb.as_str() {
        "POST" => create(shared, asked).await,
        "GET" => Ok(list(shared, asked)),
        verb => {
            shared.complain(format!("Twilio: {verb} of messages"));
            Ok(fault(405, 20_004, "Method not allowed"))
        }
    }
}

async fn create(shared: &Arc<Shared>, asked: &Asked) -> Result<Answer, Cut> {
    let form = asked.form();
    let from = one(&form, "From").or(one(&form, "MessagingServiceSid"));
    let known = [
        "To",
        "From",
        "MessagingServiceSid",
        "Body",
        "StatusCallback",
    ];
    if !fits(shared, "Twilio create", &form, &known, &["To", "Body"]) || from.is_none() {
        return Ok(fault(400, 21_603, "A 'From' phone number is required"));
    }
    let (to, body) = (
        one(&form, "To").unwrap_or_default(),
        one(&form, "Body").unwrap_or_default(),
    );
    let number = to.strip_prefix('+').unwrap_or("x");
    if !(8..=15).contains(&number.len()) || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(fault(400, 21_211, "Invalid 'To' Phone Number"));
    }
    if body.chars().count() > 1_600 {
        return Ok(fault(
            400,
            21_617,
            "The concatenated message body exceeds the 1600 character limit",
        ));
    }
    let text = Text {
        company: Company::Twilio,
        id: format!("SM{}", digits(32)),
        to: to.to_owned(),
        from: from.unwrap_or_default().to_owned(),
        text: body.to_owned(),
        reference: None,
        callback: one(&form, "StatusCallback").map(str::to_owned),
        status: "queued".into(),
        code: None,
        at_ms: now_ms(),
    };
    take(
        shared,
        text,
        |text| (201, described(text)),
        |code| fault(400, code, "refused"),
    )
    .await
}

fn list(shared: &Arc<Shared>, asked: &Asked) -> Answer {
    let known = [
        "To",
        "From",
        "PageSize",
        "DateSent",
        "DateSent>",
        "DateSent<",
    ];
    fits(shared, "Twilio list", &asked.query, &known, &[]);
    let to = one(&asked.query, "To");
    let size: usize = one(&asked.query, "PageSize")
        .and_then(|size| size.parse().ok())
        .unwrap_or(50);
    let world = shared.world();
    let of_number =
        |text: &&Text| text.company == Company::Twilio && to.is_none_or(|to| text.to == to);
    let found: Vec<Value> = world
        .texts
        .iter()
        .rev()
        .filter(of_number)
        .map(described)
        .collect();
    let next = (found.len() > size).then(|| format!("{}?Page=1", asked.path));
    let page: Vec<Value> = found.into_iter().take(size.min(1_000)).collect();
    let body = json!({
        "messages": page, "page": 0, "page_size": size, "start": 0, "end": page.len().saturating_sub(1),
        "first_page_uri": asked.path, "next_page_uri": next, "previous_page_uri": null, "uri": asked.path,
    });
    (200, body)
}
