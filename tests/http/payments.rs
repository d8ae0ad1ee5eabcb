//! Money coming in: by link, at the desk, and both at once.

use serde_json::{Value, json};

use crate::clinic::{
    ASKS_FOR_3DS, Clinic, DECLINED, PAID, continues, gbp, has_badge, id, minor, pays_by_card,
    presses, types_card, url,
};

fn none() -> Value {
    json!({ "kind": "none" })
}

pub async fn a_deposit_is_paid_by_the_link_sent_to_the_phone(clinic: &Clinic) {
    let deposit = json!({ "kind": "percent", "percent": 25 });
    let visit = clinic.books(12_000, deposit).await;
    assert_eq!(minor(&visit["deposit_due"]), 3_000);
    let link = clinic.issues(&visit, json!({ "purpose": "deposit" })).await;
    let link = link.done();
    assert_eq!(link["status"], "created");
    let (sms, email) = (
        clinic.sends(&link, "sms").await,
        clinic.sends(&link, "email").await,
    );
    assert_eq!(
        (&sms["channel"], &email["channel"]),
        (&json!("sms"), &json!("email"))
    );
    clinic.sees_status(&link, "sent").await;
    let told = |link: &Value| {
        let deliveries = link["deliveries"].as_array().expect("deliveries").iter();
        deliveries.filter(|one| one["status"] != "queued").count() == 2
    };
    clinic.sees(&link, told).await;
    let messages = clinic.tray(url(&link)).await;
    assert_eq!(
        messages.len(),
        2,
        "one message for each intent: {messages:?}"
    );

    let address = messages[0]["links"][0].as_str().expect("a link");
    let page = pays_by_card(&mut clinic.phone(), address).await;
    assert!(page.text().contains("is paid"), "{}", page.text());
    let paid = clinic.sees_status(&link, "paid").await;
    assert!(paid["paid_at"].is_string() && paid["accessed_at"].is_string());
    let visit = clinic.visit(&visit).await;
    assert_eq!(minor(&visit["paid"]), 3_000);
    assert_eq!(minor(&visit["balance"]), 9_000);
    assert_eq!(minor(&visit["deposit_due"]), 0);
    let page = clinic.phone().get(address).await;
    assert!(page.form_with("method").is_none(), "it can be paid again");
}

pub async fn the_balance_after_cash_is_paid_by_klarna(clinic: &Clinic) {
    let visit = clinic.books(10_000, none()).await;
    clinic.takes_cash(&visit, 3_000).await;
    let link = clinic.issues_link(&visit).await;
    assert_eq!(minor(&link["amount"]), 7_000);
    let mut phone = clinic.phone();
    let page = continues(&mut phone, url(&link), "klarna").await;
    presses(&mut phone, &page, "approve").await;
    clinic.sees_status(&link, "paid").await;
    let visit = clinic.visit(&visit).await;
    assert_eq!((minor(&visit["balance"]), minor(&visit["credit"])), (0, 0));
    let methods: Vec<&Value> = visit["payments"]
        .as_array()
        .expect("payments")
        .iter()
        .map(|payment| &payment["method"])
        .collect();
    assert_eq!(methods, ["cash", "klarna"]);
    let nothing = clinic.issues(&visit, json!({ "purpose": "balance" })).await;
    assert_eq!((nothing.status, nothing.problem()), (409, "nothing-due"));
}

pub async fn a_second_link_closes_the_first_and_cash_lowers_it(clinic: &Clinic) {
    let (visit, first) = clinic.books_and_issues(4_500).await;
    let second = clinic.issues_link(&visit).await;
    clinic.takes_cash(&visit, 500).await;
    let (first, second) = (clinic.link(&first).await, clinic.link(&second).await);
    assert_eq!(first["status"], "cancelled");
    assert_eq!(second["status"], "created");
    assert_eq!(minor(&second["amount_due"]), 4_000);
    let page = clinic.phone().get(url(&first)).await;
    assert!(
        page.form_with("method").is_none(),
        "two addresses take money"
    );
    pays_by_card(&mut clinic.phone(), url(&second)).await;
    clinic.sees_status(&second, "paid").await;
    let visit = clinic.visit(&visit).await;
    assert_eq!((minor(&visit["balance"]), minor(&visit["credit"])), (0, 0));
    assert_eq!(minor(&visit["paid"]), 4_500);
}

/// Hazard A1: two phones at the same moment, on different nodes where there are two.
pub async fn two_tabs_get_one_session(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(5_100).await;
    let (mut one, mut two) = (clinic.phone_at(0), clinic.phone());
    let (first, second) = tokio::join!(
        continues(&mut one, url(&link), "card"),
        continues(&mut two, url(&link), "card")
    );
    // Who comes while the other's call is under way is told so, and finds the one session a moment later.
    let sandbox = |page: &&crate::browser::Page| page.url.path().starts_with("/sandbox/pay/");
    let pages = [first, second];
    let sessions: Vec<_> = pages.iter().filter(sandbox).map(|page| &page.url).collect();
    assert!(!sessions.is_empty(), "nobody can pay");
    assert!(
        sessions.iter().all(|url| *url == sessions[0]),
        "{sessions:?}"
    );
    let again = clinic.phone().get(url(&link)).await;
    let offered = again.body.contains(sessions[0].path()) || again.form_with("method").is_some();
    assert!(offered, "the tab does not lead on: {}", again.text());
    let page = one.get(sessions[0].as_str()).await;
    types_card(&mut one, &page, PAID).await;
    clinic.sees_status(&link, "paid").await;
    let visit = clinic.visit(&visit).await;
    assert_eq!((minor(&visit["paid"]), minor(&visit["credit"])), (5_100, 0));
}

pub async fn a_declined_card_pays_at_the_second_try(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(2_600).await;
    let mut phone = clinic.phone();
    let page = continues(&mut phone, url(&link), "card").await;
    let page = types_card(&mut phone, &page, DECLINED).await;
    assert!(page.form_with("card_number").is_some(), "{}", page.text());
    assert_eq!(clinic.link(&link).await["status"], "accessed");
    assert_eq!(minor(&clinic.visit(&visit).await["paid"]), 0);
    types_card(&mut phone, &page, PAID).await;
    clinic.sees_status(&link, "paid").await;
}

pub async fn a_3ds_step_is_passed(clinic: &Clinic) {
    let (_, link) = clinic.books_and_issues(4_100).await;
    let mut phone = clinic.phone();
    let page = continues(&mut phone, url(&link), "card").await;
    let page = types_card(&mut phone, &page, ASKS_FOR_3DS).await;
    presses(&mut phone, &page, "complete").await;
    clinic.sees_status(&link, "paid").await;
}

/// Hazard A11: an answer that takes its time blocks a second try and posts nothing yet.
pub async fn approved_later_is_in_progress_until_then(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(4_200).await;
    let mut phone = clinic.phone();
    let lender = continues(&mut phone, url(&link), "klarna").await;
    let page = presses(&mut phone, &lender, "approve_later").await;
    assert!(
        page.form_with("method").is_none(),
        "a second try is offered"
    );
    let now = clinic
        .sees(&link, |link| has_badge(link, "in_progress"))
        .await;
    assert_eq!(now["status"], "accessed");
    assert_eq!(minor(&clinic.visit(&visit).await["paid"]), 0);
    let told = clinic.takes(&visit, "cash", 4_200).await;
    assert_eq!((told.status, told.problem()), (409, "payment-in-progress"));

    let lender = phone.get(lender.url.as_str()).await;
    presses(&mut phone, &lender, "approve").await;
    let paid = clinic.sees_status(&link, "paid").await;
    assert!(!has_badge(&paid, "in_progress"));
    assert_eq!(minor(&clinic.visit(&visit).await["paid"]), 4_200);
}

pub async fn paid_in_full_at_the_desk_closes_the_link(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(5_000).await;
    clinic.takes(&visit, "card_terminal", 5_000).await.done();
    let link = clinic.link(&link).await;
    assert_eq!(
        (&link["status"], &link["closed_because"]),
        (&json!("cancelled"), &json!("settled"))
    );
    let page = clinic.phone().get(url(&link)).await;
    assert!(page.form_with("method").is_none() && page.text().contains("paid already"));
}

/// Hazard A24: the session that the patient has open cannot take the same money a second time.
pub async fn the_desk_closes_an_open_session_first(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(6_300).await;
    let mut phone = clinic.phone();
    let open = continues(&mut phone, url(&link), "card").await;
    clinic.takes_cash(&visit, 6_300).await;
    let after = types_card(&mut phone, &open, PAID).await;
    assert!(!after.text().contains("is paid"), "{}", after.text());
    let visit = clinic.visit(&visit).await;
    assert_eq!((minor(&visit["paid"]), minor(&visit["credit"])), (6_300, 0));
    assert_eq!(clinic.link(&link).await["status"], "cancelled");
}

pub async fn the_desk_is_told_when_the_session_was_paid_already(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(6_400).await;
    let mut phone = clinic.phone();
    let open = continues(&mut phone, url(&link), "card").await;
    // The payer's browser dies on its way back: only the provider knows of the money.
    let form = open.form_with("card_number").expect("a card form");
    let body = "card_number=4242424242424242&expiry=12%2F34&cvc=123&action=pay".to_owned();
    let to = open.url.join(&form.action).expect("an address");
    let gone = phone
        .send(reqwest::Method::POST, to, Some(body), Some(&open))
        .await;
    assert_eq!(gone.status, 303);
    let told = clinic.takes(&visit, "cash", 6_400).await;
    let link = clinic.sees_status(&link, "paid").await;
    let visit = clinic.visit(&visit).await;
    assert_eq!(minor(&link["amount"]), 6_400);
    // The webhook may have been first: then nothing is due and the cash would be credit, which staff see before.
    assert!(
        told.status == 409 || minor(&visit["credit"]) == 6_400,
        "{}",
        told.json
    );
    if told.status == 409 {
        assert_eq!((minor(&visit["paid"]), minor(&visit["credit"])), (6_400, 0));
    }
}

pub async fn a_renewed_link_replaces_a_cancelled_one(clinic: &Clinic) {
    let (_, old) = clinic.books_and_issues(3_300).await;
    let renewed = |link: &Value| format!("/payment-links/{}/renew", id(link));
    let still_open = clinic.post(&renewed(&old), json!({})).await;
    assert_eq!(
        (still_open.status, still_open.problem()),
        (409, "link-open")
    );
    let path = format!("/payment-links/{}/cancel", id(&old));
    clinic.post(&path, json!({})).await.done();
    let new = clinic.post(&renewed(&old), json!({})).await.done();
    assert_ne!((id(&new), url(&new)), (id(&old), url(&old)));
    assert_eq!(new["amount"], gbp(3_300));
    let page = clinic.phone().get(url(&old)).await;
    assert!(page.form_with("method").is_none(), "the old address works");
    pays_by_card(&mut clinic.phone(), url(&new)).await;
    clinic.sees_status(&new, "paid").await;
    assert_eq!(clinic.link(&old).await["status"], "cancelled");
}

/// The browser return is only one of three ways in: the webhook alone brings the money (rule 2).
pub async fn nobody_comes_back_and_the_webhook_tells(clinic: &Clinic) {
    let (visit, link) = clinic.books_and_issues(2_900).await;
    let mut phone = clinic.phone();
    let open = continues(&mut phone, url(&link), "card").await;
    let body = "card_number=4242424242424242&expiry=12%2F34&cvc=123&action=pay".to_owned();
    let gone = phone
        .send(
            reqwest::Method::POST,
            open.url.clone(),
            Some(body),
            Some(&open),
        )
        .await;
    assert_eq!(gone.status, 303);
    clinic.sees_status(&link, "paid").await;
    assert_eq!(minor(&clinic.visit(&visit).await["paid"]), 2_900);
}
