//! The daily digest reaches each manager once a day, however many nodes run and however often they start again.

use fake_carriers::FakeSmtp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{Clinic, minor};

pub async fn play(mut clinic: Clinic) {
    let (address, collected) = yesterday(&clinic).await;
    let on = json!({ "enabled": true, "hour": 0 });
    let saved = clinic.call(0, Method::PUT, "/settings/digest", Some(&on), None);
    saved.await.done();
    one_that_was_given_up_goes_out_by_one_press(&mut clinic).await;
    // Every node looks when it starts. What is due is queued by one of them; and were a day queued twice, the manager
    // would still have it once.
    for _ in 0..2 {
        let today = a_day_passes(&clinic).await;
        clinic.restarts();
        clinic
            .sees_number("SELECT last_day FROM digest_setting", today)
            .await;
        clinic.sees_number(WAITING, 0).await;
    }
    let digests = clinic.tray(DIGEST).await;
    assert_eq!(digests.len(), 1, "one manager, one digest a day");
    let text = digests[0]["text"].as_str().unwrap_or_default();
    assert!(text.contains(&collected), "{collected} in {text}");
    assert!(text.contains(&address), "{address} in {text}");
    clinic.books_balance();
}

/// The mail server no longer knows the clinic. Once that is mended, one press sends what was given up.
async fn one_that_was_given_up_goes_out_by_one_press(clinic: &mut Clinic) {
    let mail = FakeSmtp::open().await.expect("a port");
    let wrong = mail.wants_sign_in().replace("fake%20mail", "wrong");
    let (path, body) = (
        "/settings/messaging/email",
        json!({ "smtp_url": wrong, "from": "pay@larkhill.example" }),
    );
    let set = clinic.call(0, Method::PUT, path, Some(&body), None);
    set.await.done();
    a_day_passes(clinic).await;
    clinic.restarts();
    clinic.sees_number(GIVEN_UP, 1).await;
    let mut desk = clinic.desk_at(0).await;
    let page = desk.get("/financials/findings").await;
    let told = page.text();
    assert!(told.contains("The daily digest was given up"), "{told}");
    assert!(
        told.contains("does not accept the name and password"),
        "{told}"
    );
    let unset = clinic.call(0, Method::DELETE, path, None, None);
    unset.await.done();
    let forms = page.forms().into_iter();
    let mut retry = forms.filter(|form| form.action.ends_with("/retry"));
    let retry = retry.next().expect("Try again");
    let after = desk.submit(&page, &retry, &[]).await;
    assert!(
        after.text().contains("being tried again"),
        "{}",
        after.text()
    );
    clinic.sees_number(WAITING, 0).await;
    assert_eq!(clinic.tray(DIGEST).await.len(), 1);
    let page = desk.get("/financials/findings").await;
    assert!(!page.text().contains("daily digest"), "{}", page.text());
}

const DIGEST: &str = "because it is switched on in Settings, Daily digest";

const GIVEN_UP: &str = "SELECT COUNT(*) FROM outbox WHERE kind = 'digest' AND state = 'dead'";

const WAITING: &str = "SELECT COUNT(*) FROM outbox WHERE kind = 'digest' AND state <> 'done'";

/// As if the last digest had left a day earlier. The database's clock decides, and nobody can move PostgreSQL's. Answers
/// with the day on which the next one is due: today.
async fn a_day_passes(clinic: &Clinic) -> i64 {
    let back = "UPDATE digest_setting SET last_day = last_day - 1 RETURNING last_day";
    clinic.number(back).await + 1
}

/// Where the digest leads, and the figure that it gives: those of the summary of the day before.
async fn yesterday(clinic: &Clinic) -> (String, String) {
    let report = clinic.get("/reports/online-payments").await;
    let days: &[Value] = report["days"].as_array().expect("days");
    let day = &days[days.len() - 2];
    let date = day["date"].as_str().expect("a date");
    let pence = minor(&day["collected"]);
    let figure = format!("£{}.{:02} in ", grouped(pence / 100), pence % 100);
    (
        format!("from={date}&to={date}"),
        format!("Collected online: {figure}"),
    )
}

fn grouped(pounds: i64) -> String {
    match pounds {
        0..1_000 => pounds.to_string(),
        _ => format!("{},{:03}", grouped(pounds / 1_000), pounds % 1_000),
    }
}
