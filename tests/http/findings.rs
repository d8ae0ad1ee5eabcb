//! Credits & findings: one press on what stands there moves the money, once.

use serde_json::{Value, json};

use crate::browser::{Browser, Form, Page};
use crate::clinic::{Clinic, gbp, id, minor, pays_by_card, url};

const HERE: &str = "/financials/findings";

/// The card of the finding about an appointment, if there is one.
fn card(page: &Page, visit: &Value) -> Option<Page> {
    let place = format!("\"/appointments/{}\"", id(visit));
    let cards = page.body.split("<section class=\"card finding\"").skip(1);
    let one = cards.map(|card| card.split("</section>").next().unwrap_or_default());
    let one = one.into_iter().find(|card| card.contains(&place))?;
    Some(Page {
        body: format!("<section{one}"),
        ..page.clone()
    })
}

fn form_to(card: &Page, action_ends: &str) -> Form {
    let form = card
        .forms()
        .into_iter()
        .find(|form| form.action.ends_with(action_ends));
    form.unwrap_or_else(|| panic!("no form to {action_ends}: {}", card.text()))
}

/// Looks at the list until the finding about this appointment is as wanted.
async fn looks(
    desk: &mut Browser,
    visit: &Value,
    wanted: impl Fn(Option<&Page>) -> bool,
) -> Option<Page> {
    for _ in 0..600 {
        let card = card(&desk.get(HERE).await, visit);
        if wanted(card.as_ref()) {
            return card;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the finding of {visit} never came to stand as wanted");
}

/// The second payment is proposed, and goes back once, however often its button is pressed.
pub async fn paid_twice_is_refunded_with_one_press(clinic: &Clinic) {
    let visit = clinic.books(4_500, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 4_500).await;
    clinic.takes(&visit, "card_terminal", 4_500).await.done();
    let mut desk = clinic.desk_at(0).await;
    let shown = looks(&mut desk, &visit, |card| card.is_some()).await;
    let shown = shown.expect("a finding");
    let text = shown.text();
    assert!(text.contains("Paid twice"), "{text}");
    assert!(text.contains("Refund the second payment, £45.00"), "{text}");
    let form = form_to(&shown, "/refund");
    for _ in 0..2 {
        let after = desk.submit(&shown, &form, &[]).await;
        assert_eq!(after.status, 200, "{}", after.text());
        assert!(
            after.text().contains("The refund is asked for"),
            "{}",
            after.text()
        );
    }
    looks(&mut desk, &visit, |card| card.is_none()).await;
    let visit = clinic.visit(&visit).await;
    let sums = ["paid", "refunded", "credit", "balance"].map(|name| minor(&visit[name]));
    assert_eq!(sums, [9_000, 4_500, 0, 0]);
    let second = &visit["payments"][1];
    assert_eq!(
        (&second["method"], minor(&second["refunded"])),
        (&json!("card_terminal"), 4_500)
    );
}

/// What was paid online goes back the way it came. While it is on its way nothing offers it again.
pub async fn credit_of_a_cancelled_appointment_is_refunded_with_one_press(clinic: &Clinic) {
    let deposit = json!({ "kind": "fixed", "amount": gbp(2_000) });
    let visit = clinic.books(9_000, deposit).await;
    let link = clinic
        .issues(&visit, json!({ "purpose": "deposit" }))
        .await
        .done();
    pays_by_card(&mut clinic.phone(), url(&link)).await;
    clinic.sees_status(&link, "paid").await;
    clinic.cancels(&visit).await;
    let mut desk = clinic.desk_at(0).await;
    let shown = looks(&mut desk, &visit, |card| card.is_some())
        .await
        .expect("a finding");
    assert!(
        shown
            .text()
            .contains("cancelled after £20.00 had been paid"),
        "{}",
        shown.text()
    );
    desk.submit(&shown, &form_to(&shown, "/refund"), &[]).await;
    let offered = |card: &Page| {
        card.forms()
            .iter()
            .any(|form| form.action.ends_with("/refund"))
    };
    looks(&mut desk, &visit, |card| {
        card.is_none_or(|card| !offered(card))
    })
    .await;
    looks(&mut desk, &visit, |card| card.is_none()).await;
    let visit = clinic.visit(&visit).await;
    assert_eq!(
        (minor(&visit["refunded"]), minor(&visit["credit"])),
        (2_000, 0)
    );
    assert_eq!(
        visit["payments"][0]["refunds"].as_array().map(Vec::len),
        Some(1)
    );
}

/// Kept, and nothing has moved; another finding is done only with words.
pub async fn credit_is_kept_with_one_press(clinic: &Clinic) {
    let visit = clinic.books(3_000, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 3_700).await;
    let mut desk = clinic.desk_at(0).await;
    let shown = looks(&mut desk, &visit, |card| card.is_some())
        .await
        .expect("a finding");
    assert!(
        shown.text().contains("£7.00 more than was due"),
        "{}",
        shown.text()
    );
    let after = desk.submit(&shown, &form_to(&shown, "/keep"), &[]).await;
    assert!(
        after.text().contains("kept for the next visit"),
        "{}",
        after.text()
    );
    assert!(card(&after, &visit).is_none());
    let visit = clinic.visit(&visit).await;
    assert_eq!(
        (minor(&visit["refunded"]), minor(&visit["credit"])),
        (0, 700)
    );
    // The credit itself is still there to be refunded.
    let credits = desk.get(&format!("{HERE}?view=credits")).await;
    assert!(credits.body.contains(&format!("credit-{}", id(&visit))));
}

/// A note is kept with who was it and when.
pub async fn a_finding_is_marked_as_done_with_a_note(clinic: &Clinic) {
    let visit = clinic.books(3_000, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 3_100).await;
    let mut desk = clinic.desk_at(0).await;
    let shown = looks(&mut desk, &visit, |card| card.is_some())
        .await
        .expect("a finding");
    let note = "Given back from the till";
    desk.submit(&shown, &form_to(&shown, "/close"), &[("note", note)])
        .await;
    assert!(card(&desk.get(HERE).await, &visit).is_none());
    let done = desk.get(&format!("{HERE}?view=settled")).await;
    let told = card(&done, &visit).expect("kept under Done").text();
    assert!(told.contains(note), "{told}");
}
