//! The hosted page speaks as the page before it did: the patient's language, or the one chosen there.

use std::time::Duration;

use fake_stripe::FakeStripe;
use serde_json::json;

use crate::browser::Browser;
use crate::clinic::{Clinic, id, url};
use crate::payers;

const STRIPE_WITHIN: Duration = Duration::from_secs(30);

pub async fn play() {
    let clinic = Clinic::on_sqlite(&[("REMIT_LOG", "warn")]);
    let stripe = payers::stripe(crate::seed()).await;
    payers::connects(&clinic, &stripe).await;
    let of_patient = [("en-GB", "en-GB"), ("pl-PL", "pl"), ("ar", "auto")];
    for (own, spoken) in of_patient {
        let link = asks(&clinic, own).await;
        let phone = clinic.phone();
        assert_eq!(hosted(&stripe, phone, &link).await, spoken, "{own}");
    }
    let link = asks(&clinic, "pl-PL").await;
    let mut phone = clinic.phone();
    let page = phone.get(&format!("{link}?language=de")).await;
    assert!(page.body.contains("lang=\"de\""), "{}", page.text());
    assert_eq!(hosted(&stripe, phone, &link).await, "de", "chosen");
}

/// The address of a link for a patient who reads `locale`.
async fn asks(clinic: &Clinic, locale: &str) -> String {
    let visit = clinic.books(4_500, json!({ "kind": "none" })).await;
    let patient = visit["patient_id"].as_str().expect("a patient");
    let path = format!("/patients/{patient}");
    let body = json!({ "locale": locale });
    let changed = clinic
        .call(0, reqwest::Method::PATCH, &path, Some(&body), None)
        .await;
    assert_eq!(id(&changed.done()), patient);
    url(&clinic.issues_link(&visit).await).to_owned()
}

/// What the session was asked to speak.
async fn hosted(stripe: &FakeStripe, mut phone: Browser, link: &str) -> String {
    let page = payers::reaches_stripe(&mut phone, stripe, link, STRIPE_WITHIN).await;
    let world = stripe.world();
    let mut sessions = world.sessions.all().iter();
    let session = sessions.find(|session| page.url.path().contains(&session.id));
    let spoken = session.and_then(|session| session.locale.clone());
    spoken.expect("a session with a language")
}
