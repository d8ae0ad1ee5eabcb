//! Money that the payer's bank takes back, and money that goes back past us (hazards A17, A23, D18).

use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::clinic::{
    Answer, Clinic, PAID, continues, gbp, has_badge, id, minor, presses, types_card, url,
};
use crate::server::run;

/// A card whose payment its bank disputes at once.
const DISPUTED: &str = "4000 0000 0000 0259";

/// An appointment of this price, paid with this card: the payment and the link.
async fn paid_with(clinic: &Clinic, card: &str, price: i64) -> (Value, Value) {
    let (visit, link) = clinic.books_and_issues(price).await;
    let mut phone = clinic.phone();
    let page = continues(&mut phone, url(&link), "card").await;
    types_card(&mut phone, &page, card).await;
    let link = clinic.sees_status(&link, "paid").await;
    let visit = clinic.visit(&visit).await;
    (visit["payments"][0].clone(), link)
}

/// The sandbox's own page of a payment, where its bank and its desk are played.
async fn at_the_bank(clinic: &Clinic, payment: &Value, action: &str) -> Browser {
    let mut phone = clinic.phone();
    let number = payment["provider_payment_id"].as_str().expect("an id");
    let number = number.replacen("sbx_pay_", "sbx_ses_", 1);
    let page = phone.get(&format!("/sandbox/pay/{number}")).await;
    presses(&mut phone, &page, action).await;
    phone
}

fn path(payment: &Value) -> String {
    format!("/payments/{}", id(payment))
}

async fn dispute_is(clinic: &Clinic, payment: &Value, status: &str, held: i64) -> Value {
    let as_wanted = |payment: &Value| {
        let dispute = &payment["disputes"][0];
        dispute["status"] == status && minor(&dispute["withdrawn"]) == held
    };
    clinic.until(&path(payment), as_wanted).await
}

pub async fn a_disputed_payment_is_held_and_won_back(clinic: &Clinic) {
    let (payment, link) = paid_with(clinic, DISPUTED, 6_100).await;
    let held = dispute_is(clinic, &payment, "needs_response", 6_100).await;
    assert!(held["disputes"][0]["evidence_due_by"].is_string());
    clinic.sees(&link, |link| has_badge(link, "disputed")).await;
    let refused = clinic.refunds(&payment, 100).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (409, "payment-disputed")
    );
    at_the_bank(clinic, &payment, "evidence").await;
    let reviewed = dispute_is(clinic, &payment, "under_review", 6_100).await;
    assert!(reviewed["disputes"][0]["evidence_due_by"].is_null());
    at_the_bank(clinic, &payment, "win").await;
    let won = dispute_is(clinic, &payment, "won", 0).await;
    assert!(won["disputes"][0]["closed_at"].is_string());
    clinic
        .sees(&link, |link| !has_badge(link, "disputed"))
        .await;
    // What was won can be given back like any other money.
    clinic.refunds(&payment, 6_100).await.done();
    let given = |payment: &Value| minor(&payment["refunded"]) == 6_100;
    clinic.until(&path(&payment), given).await;
}

pub async fn a_lost_dispute_is_gone_and_nobody_owes_it(clinic: &Clinic) {
    let (payment, link) = paid_with(clinic, DISPUTED, 6_200).await;
    dispute_is(clinic, &payment, "needs_response", 6_200).await;
    at_the_bank(clinic, &payment, "lose").await;
    dispute_is(clinic, &payment, "lost", 6_200).await;
    // An answer reads the payment before its disputes, so the two may be a moment apart.
    let nothing_left = |payment: &Value| minor(&payment["refundable"]) == 0;
    clinic.until(&path(&payment), nothing_left).await;
    let over = clinic.refunds(&payment, 1).await;
    assert_eq!((over.status, over.problem()), (422, "more-than-refundable"));
    let link = clinic.link(&link).await;
    assert!(has_badge(&link, "disputed") && link["status"] == "paid");
    let visit = json!({ "id": link["appointment_id"] });
    let visit = clinic.visit(&visit).await;
    assert_eq!(
        (minor(&visit["balance"]), minor(&visit["paid"])),
        (0, 6_200)
    );
}

/// Hazard A17: a refund made on the provider's own page is recorded once, under the provider's name.
pub async fn a_refund_made_at_the_provider_flows_back(clinic: &Clinic) {
    let (payment, link) = paid_with(clinic, PAID, 6_300).await;
    let mut phone = clinic.phone();
    let number = payment["provider_payment_id"].as_str().expect("an id");
    let number = number.replacen("sbx_pay_", "sbx_ses_", 1);
    let page = phone.get(&format!("/sandbox/pay/{number}")).await;
    let form = page.form_with("amount").expect("the company's refund form");
    let typed = [("amount", "23.00"), ("action", "refund")];
    phone.submit(&page, &form, &typed).await;
    let back = clinic
        .until(&path(&payment), |payment| {
            minor(&payment["refunded"]) == 2_300
        })
        .await;
    let refunds = back["refunds"].as_array().expect("refunds");
    assert_eq!(refunds.len(), 1, "{back}");
    assert_eq!(
        (&refunds[0]["requested_by"], &refunds[0]["status"]),
        (&json!("Sandbox dashboard"), &json!("succeeded"))
    );
    clinic
        .sees(&link, |link| has_badge(link, "part_refunded"))
        .await;
    // The rest is ours to give, and no more than the rest.
    assert_eq!(clinic.refunds(&payment, 4_001).await.status, 422);
    clinic.refunds(&payment, 4_000).await.done();
    let given = |payment: &Value| minor(&payment["refunded"]) == 6_300;
    let whole = clinic.until(&path(&payment), given).await;
    assert_eq!(whole["refunds"].as_array().map(Vec::len), Some(2));
}

/// A key of somebody else in the same clinic.
fn another_key(clinic: &Clinic, role: &str) -> String {
    let master_key = clinic.folder.0.join("master.key").display().to_string();
    let (made, said) = run(
        &["apikey", "--name", "Second pair of eyes", "--role", role],
        &[
            ("REMIT_DATABASE_URL", &clinic.database),
            ("REMIT_MASTER_KEY_FILE", &master_key),
        ],
    );
    assert!(made, "{said}");
    let words = said.split_whitespace();
    let key = words
        .map(|word| word.trim_matches(['"', ',']))
        .find(|word| word.starts_with("rk_"));
    key.unwrap_or_else(|| panic!("no key in {said}")).to_owned()
}

async fn decides(clinic: &Clinic, key: Option<&str>, refund: &Value, decision: &str) -> Answer {
    let path = format!("/refunds/{}/approval", id(refund));
    let body = json!({ "decision": decision });
    clinic.call_as(key, Method::POST, &path, Some(&body)).await
}

/// Hazard D18: above the clinic's limit nothing moves before another person has said so.
pub async fn a_large_refund_waits_for_another_person(clinic: &Clinic) {
    let limits = json!({ "approval_above": gbp(20_000), "reception_max": null });
    let set = clinic
        .call(0, Method::PUT, "/settings/refunds", Some(&limits), None)
        .await;
    assert_eq!(minor(&set.done()["approval_above"]), 20_000);
    let (payment, _) = paid_with(clinic, PAID, 26_000).await;
    let asks = async |amount| clinic.refunds(&payment, amount).await;
    assert_eq!(
        asks(20_000).await.status,
        201,
        "up to the limit nobody is needed"
    );
    let waits = asks(3_000).await;
    assert_eq!(waits.status, 202, "{:?}", waits.json);
    let waits = waits.done();
    assert_eq!(
        (&waits["status"], &waits["approval"]),
        (&json!("pending"), &json!("needed"))
    );
    let own = decides(clinic, None, &waits, "approved").await;
    assert_eq!((own.status, own.problem()), (409, "own-request"));
    let reception = another_key(clinic, "reception");
    let below = decides(clinic, Some(&reception), &waits, "approved").await;
    assert_eq!(below.status, 403);
    // What waits is reserved: the rest is less than it was.
    assert_eq!(asks(3_001).await.status, 422);
    let manager = another_key(clinic, "manager");
    let approved = decides(clinic, Some(&manager), &waits, "approved")
        .await
        .done();
    assert_eq!(approved["approval"], "approved");
    let twice = decides(clinic, Some(&manager), &waits, "declined").await;
    assert_eq!((twice.status, twice.problem()), (409, "refund-decided"));
    let back = |amount| move |payment: &Value| minor(&payment["refunded"]) == amount;
    clinic.until(&path(&payment), back(23_000)).await;
    // Declined: what it had reserved can be refunded again.
    let waits = asks(3_000).await.done();
    let declined = decides(clinic, Some(&manager), &waits, "declined")
        .await
        .done();
    assert_eq!(
        (&declined["status"], &declined["approval"]),
        (&json!("failed"), &json!("declined"))
    );
    let left = clinic.get(&path(&payment)).await;
    assert_eq!(minor(&left["refundable"]), 3_000);
    let off = json!({ "approval_above": null, "reception_max": null });
    clinic
        .call(0, Method::PUT, "/settings/refunds", Some(&off), None)
        .await
        .done();
}
