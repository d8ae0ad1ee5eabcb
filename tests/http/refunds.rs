//! Money going back.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::clinic::{Clinic, has_badge, id, minor, pays_by_card, url};

/// An appointment of this price, paid by its link: the appointment and the link.
async fn paid_by_link(clinic: &Clinic, price: i64) -> (Value, Value) {
    let (visit, link) = clinic.books_and_issues(price).await;
    pays_by_card(&mut clinic.phone(), url(&link)).await;
    let link = clinic.sees_status(&link, "paid").await;
    (clinic.visit(&visit).await, link)
}

pub async fn a_refund_in_part_and_the_rest(clinic: &Clinic) {
    let (visit, link) = paid_by_link(clinic, 8_000).await;
    let payment = &visit["payments"][0];
    let refund = clinic.refunds(payment, 3_000).await.done();
    assert!(refund["status"] == "pending" || refund["status"] == "succeeded");
    let path = format!("/payments/{}", id(payment));
    let back = |amount| move |payment: &Value| minor(&payment["refunded"]) == amount;
    clinic.until(&path, back(3_000)).await;
    let part = clinic
        .sees(&link, |link| has_badge(link, "part_refunded"))
        .await;
    assert_eq!(part["status"], "paid");
    clinic.refunds(payment, 5_000).await.done();
    let whole = clinic.until(&path, back(8_000)).await;
    assert_eq!(minor(&whole["refundable"]), 0);
    let whole = clinic.sees(&link, |link| has_badge(link, "refunded")).await;
    assert!(!has_badge(&whole, "part_refunded"));
    let visit = clinic.visit(&visit).await;
    assert_eq!(
        (minor(&visit["refunded"]), minor(&visit["balance"])),
        (8_000, 0)
    );
}

/// Hazards A16 and A18: sixteen at once cannot take out more than came in.
pub async fn more_than_was_paid_is_not_refunded(clinic: &Clinic) {
    let (visit, _) = paid_by_link(clinic, 1_600).await;
    let payment = &visit["payments"][0];
    let over = clinic.refunds(payment, 1_601).await;
    assert_eq!((over.status, over.problem()), (422, "more-than-refundable"));
    let zero = clinic.refunds(payment, 0).await;
    assert_eq!(zero.status, 422);
    let tries = (0..16).map(|_| clinic.refunds(payment, 400));
    let answers = join_all(tries).await;
    let done = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 422).count();
    assert_eq!((done, refused), (4, 12), "{answers:?}");
    let path = format!("/payments/{}", id(payment));
    let all = clinic.until(&path, |payment| minor(&payment["refunded"]) == 1_600);
    assert_eq!(minor(&all.await["refundable"]), 0);
}

/// Hazards 7.6: the paid deposit stays the patient's until somebody decides.
pub async fn a_cancelled_appointment_leaves_credit(clinic: &Clinic) {
    let deposit = json!({ "kind": "fixed", "amount": crate::clinic::gbp(2_000) });
    let visit = clinic.books(9_000, deposit).await;
    let link = clinic.issues(&visit, json!({ "purpose": "deposit" })).await;
    let link = link.done();
    pays_by_card(&mut clinic.phone(), url(&link)).await;
    clinic.sees_status(&link, "paid").await;
    let rest = clinic.issues_link(&visit).await;
    clinic.cancels(&visit).await;
    let visit = clinic.visit(&visit).await;
    assert_eq!(visit["status"], "cancelled");
    assert_eq!(minor(&visit["balance"]), 0);
    assert_eq!(minor(&visit["credit"]), 2_000);
    let rest = clinic.link(&rest).await;
    assert_eq!(rest["status"], "cancelled");
    let page = clinic.phone().get(url(&rest)).await;
    assert!(
        page.form_with("method").is_none(),
        "a cancelled appointment takes money"
    );
    clinic.refunds(&visit["payments"][0], 2_000).await.done();
    let path = format!("/appointments/{}", id(&visit));
    let back = clinic.until(&path, |visit| minor(&visit["refunded"]) == 2_000);
    assert_eq!(minor(&back.await["credit"]), 0);
}

/// Who cancels and says that the money goes back has both or neither: cash at once, the card by its provider.
pub async fn a_cancelled_appointment_gives_everything_back(clinic: &Clinic) {
    let visit = clinic.books(9_000, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 2_500).await;
    let link = clinic.issues_link(&visit).await;
    pays_by_card(&mut clinic.phone(), url(&link)).await;
    clinic.sees_status(&link, "paid").await;
    let path = format!("/appointments/{}", id(&visit));
    // Money is only decided about together with an appointment that does not take place.
    let asked = json!({ "status": "arrived", "paid_is": "refunded" });
    assert_eq!(clinic.changes(&visit, asked).await.status, 422);
    let asked = json!({ "status": "cancelled", "paid_is": "refunded" });
    clinic.changes(&visit, asked.clone()).await.done();
    // Said again, it gives nothing back twice.
    clinic.changes(&visit, asked).await.done();
    let back = clinic.until(&path, |visit| minor(&visit["refunded"]) == 9_000);
    let visit = back.await;
    assert_eq!((minor(&visit["credit"]), minor(&visit["balance"])), (0, 0));
    for payment in visit["payments"].as_array().expect("payments") {
        assert_eq!(payment["amount"], payment["refunded"]);
    }
}

/// A fee takes the place of the charges, and the books still balance.
pub async fn a_missed_appointment_keeps_what_was_paid(clinic: &Clinic) {
    let visit = clinic.books(9_000, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 2_500).await;
    let rest = clinic.issues_link(&visit).await;
    let asked = json!({ "status": "no_show", "paid_is": "kept" });
    let visit = clinic.changes(&visit, asked).await.done();
    let figures = ["total", "paid", "balance", "credit"].map(|name| minor(&visit[name]));
    assert_eq!(figures, [2_500, 2_500, 0, 0]);
    assert_eq!(clinic.link(&rest).await["status"], "cancelled");
}

/// What was typed wrongly at the desk is owed again; what a provider took cannot have been a typing mistake.
pub async fn a_desk_payment_is_corrected(clinic: &Clinic) {
    let visit = clinic.books(9_000, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 9_000).await;
    let visit = clinic.visit(&visit).await;
    let path = format!("/payments/{}/refunds", id(&visit["payments"][0]));
    let silent = clinic.post(&path, json!({ "correction": true })).await;
    assert_eq!(silent.status, 422, "a correction needs its reason");
    let asked = json!({ "correction": true, "reason": "Paid by card, not in cash" });
    let refund = clinic.post(&path, asked).await.done();
    assert_eq!(
        (refund["status"].as_str(), &refund["correction"]),
        (Some("succeeded"), &json!(true))
    );
    let visit = clinic.visit(&visit).await;
    assert_eq!(minor(&visit["balance"]), 9_000);
    let (paid, _) = paid_by_link(clinic, 4_000).await;
    let path = format!("/payments/{}/refunds", id(&paid["payments"][0]));
    let asked = json!({ "correction": true, "reason": "Mistake" });
    let refused = clinic.post(&path, asked).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (409, "not-correctable")
    );
}
