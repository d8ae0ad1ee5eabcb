//! Vonage's SMS API and the synchronous part of its Reports API (developer.vonage.com/api/sms, /api/reports).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Cut, fits, one, take};
use crate::{API_KEY, API_SECRET, Company, Shared, Text, digits, now_ms};

fn refused(status: u32) -> Answer {
    let messages = [json!({ "status": status.to_string(), "error-text": "refused" })];
    (200, json!({ "message-count": "1", "messages": messages }))
}

pub async fn answer(shared: &Arc<Shared>, asked: &Asked) -> Result<Answer, Cut> {
    if asked.path == "/v2/reports/records" {
        return Ok(report(shared, asked));
    }
    let form = asked.form();
    let known = [
        "api_key",
        "api_secret",
        "from",
        "to",
        "text",
        "type",
        "client-ref",
        "callback",
    ];
    let needed = ["api_key", "api_secret", "from", "to", "text"];
    if asked.verb != "POST" || !fits(shared, "Vonage send", &form, &known, &needed) {
        return Ok(refused(2));
    }
    let value = |name| one(&form, name).unwrap_or_default().to_owned();
    if value("api_key") != API_KEY || value("api_secret") != API_SECRET {
        return Ok(refused(4));
    }
    let to = value("to");
    if !(7..=15).contains(&to.len()) || !to.bytes().all(|b| b.is_ascii_digit()) {
        shared.complain(format!(
            "Vonage: {to} is not written as Vonage writes numbers"
        ));
        return Ok(refused(3));
    }
    if one(&form, "client-ref").is_some_and(|reference| reference.len() > 40) {
        shared.complain("Vonage: client-ref is too long".into());
        return Ok(refused(3));
    }
    if !value("text").is_ascii() && value("type") != "unicode" && !value("text").contains('£') {
        shared.complain("Vonage: letters outside GSM 03.38 need the type unicode".into());
    }
    let text = Text {
        company: Company::Vonage,
        id: digits(16).to_uppercase(),
        to: format!("+{to}"),
        from: value("from"),
        text: value("text"),
        reference: one(&form, "client-ref").map(str::to_owned),
        callback: one(&form, "callback").map(str::to_owned),
        status: "accepted".into(),
        code: None,
        at_ms: now_ms(),
    };
    let taken = |text: &Text| {
        let message = json!({
            "to": text.to.trim_start_matches('+'), "message-id": text.id, "status": "0", "remaining-balance": "3.14",
            "message-price": "0.03330000", "network": "23410",
        });
        (200, json!({ "message-count": "1", "messages": [message] }))
    };
    take(shared, text, taken, refused).await
}

fn report(shared: &Arc<Shared>, asked: &Asked) -> Answer {
    let proof = STANDARD.encode(format!("{API_KEY}:{API_SECRET}"));
    if asked.header("authorization") != format!("Basic {proof}") {
        return (401, json!({ "title": "Unauthorized" }));
    }
    let known = [
        "account_id",
        "product",
        "direction",
        "date_start",
        "date_end",
        "include_message",
        "status",
        "id",
    ];
    let needed = [
        "account_id",
        "product",
        "direction",
        "date_start",
        "date_end",
    ];
    if !fits(shared, "Vonage report", &asked.query, &known, &needed) {
        return (422, json!({ "title": "Unprocessable entity" }));
    }
    let at = |name| {
        let text = one(&asked.query, name).unwrap_or_default();
        text.parse::<jiff::Timestamp>()
            .map(|at| at.as_millisecond())
            .ok()
    };
    let (Some(from), Some(to)) = (at("date_start"), at("date_end")) else {
        shared.complain("Vonage report: the dates are not ISO 8601".into());
        return (422, json!({ "title": "Unprocessable entity" }));
    };
    if to - from > 24 * 3_600_000 {
        shared.complain("Vonage report: more than 24 hours".into());
        return (422, json!({ "title": "Unprocessable entity" }));
    }
    let world = shared.world();
    let within =
        |text: &&Text| text.company == Company::Vonage && text.at_ms >= from && text.at_ms < to;
    let records: Vec<Value> = world.texts.iter().filter(within).map(|text| json!({
        "account_id": API_KEY, "message_id": text.id, "client_ref": text.reference, "direction": "outbound",
        "from": text.from, "to": text.to.trim_start_matches('+'), "status": text.status,
        "error_code": text.code.unwrap_or(0).to_string(), "currency": "EUR", "total_price": "0.033",
    })).collect();
    (
        200,
        json!({ "request_id": "r", "request_status": "SUCCESS", "items_count": records.len(), "records": records }),
    )
}
