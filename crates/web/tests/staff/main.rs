//! The staff pages through their front door, on both engines.

mod clinic;
mod find;
mod online;
mod patients;
mod settings;

use axum::http::{Method, StatusCode};
use clinic::{PASSWORD, houses};
use remit_app::{appointments, links, payments};
use remit_core::ids::AppointmentId;
use remit_core::roles::Role;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_sign_in_says_nothing_and_is_throttled() {
    for house in houses("sign_in").await {
        let stranger = house.send("GET", "/patients", "", &[]).await;
        assert_eq!(stranger.location, "/sign-in?next=/patients");
        let unknown = house
            .try_sign_in("nobody@larkhill.example", "wrong password")
            .await;
        let wrong = house
            .try_sign_in("owner@larkhill.example", "wrong password")
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong
            .says("Email and password do not fit")
            .says("owner@larkhill.example");
        unknown.says("Email and password do not fit");
        for _ in 0..9 {
            house
                .try_sign_in("owner@larkhill.example", "wrong password")
                .await;
        }
        let throttled = house.try_sign_in("owner@larkhill.example", PASSWORD).await;
        assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);
        throttled.says("too many wrong tries");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session() {
    for house in houses("sign_out").await {
        let person = house.person(Role::Reception).await;
        assert_eq!(person.post("/sign-out", &[]).await.location, "/sign-in");
        assert_eq!(person.get("/diary").await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_makes_the_deposit_link() {
    for house in houses("booking").await {
        let person = house.person(Role::Reception).await;
        let booked = person.books("link", "10:00").await;
        assert_eq!(booked.status, StatusCode::SEE_OTHER, "{}", booked.html);
        let window = person.get(&booked.location).await;
        window
            .says("£20.00")
            .says("Send via SMS")
            .says("+44 7700 900618")
            .says("QR code");
        let clash = person.books("later", "10:15").await;
        assert_eq!(clash.status, StatusCode::UNPROCESSABLE_ENTITY);
        clash
            .says("another appointment then")
            .says("Hannah Whitlock");
        person.get("/diary").await.says("£20.00 link made");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_added_while_the_time_was_taken_is_not_added_twice() {
    for house in houses("same_person").await {
        let desk = house.person(Role::Reception).await;
        for (start, status) in [("10:00", 303), ("10:00", 422), ("11:00", 303)] {
            let seen = desk.books("later", start).await;
            assert_eq!(seen.status.as_u16(), status, "{start}");
        }
        let found =
            remit_app::patients::search(&house.app, house.clinic, "Hannah Whitlock", 9).await;
        assert_eq!(found.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_out_once_and_a_wrong_number_is_told_beside_its_field() {
    for house in houses("deliver").await {
        let person = house.person(Role::Reception).await;
        let window = person.books("link", "10:00").await.location;
        let path = format!("{window}/deliveries");
        let wrong = person
            .post(
                &path,
                &[
                    ("channel", "sms"),
                    ("to", "0117 496 0142"),
                    ("idempotency_key", "k1"),
                ],
            )
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.says("cannot receive texts").says("0117 496 0142");
        let form = [
            ("channel", "sms"),
            ("to", "07700 900777"),
            ("remember", "1"),
            ("idempotency_key", "k2"),
        ];
        assert_eq!(person.post(&path, &form).await.location, window);
        assert_eq!(
            person.post(&path, &form).await.location,
            window,
            "a second click"
        );
        let soon = person
            .post(
                &path,
                &[
                    ("channel", "sms"),
                    ("to", "07700 900777"),
                    ("idempotency_key", "k3"),
                ],
            )
            .await;
        assert_eq!(soon.status, StatusCode::TOO_MANY_REQUESTS);
        soon.says("You can send it again from");
        let link = window
            .trim_start_matches("/payment-links/")
            .parse()
            .unwrap();
        let sent = remit_app::deliveries::of_link(&house.app, house.clinic, link)
            .await
            .unwrap();
        assert_eq!(sent.len(), 1);
        let view = links::get(&house.app, house.clinic, link).await.unwrap();
        assert_eq!(
            view.patient_phone.as_deref(),
            Some("+447700900777"),
            "remembered"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_checkout_pressed_twice_takes_the_money_once() {
    for house in houses("checkout").await {
        let person = house.person(Role::Reception).await;
        let page = person.books("later", "10:00").await.location;
        let id: AppointmentId = page.trim_start_matches("/appointments/").parse().unwrap();
        let path = format!("{page}/checkout");
        let form = [
            ("idempotency_key", "press"),
            ("cash", "1"),
            ("cash_amount", "15"),
            ("card_terminal", "1"),
            ("card_terminal_amount", "10.00"),
            ("link", "1"),
            ("link_amount", "40"),
            ("reference", "T-118"),
        ];
        let (one, two) = tokio::join!(person.post(&path, &form), person.post(&path, &form));
        assert!(one.location.starts_with("/payment-links/"), "{}", one.html);
        assert_eq!(one.location, two.location);
        let taken = payments::of_appointment(&house.app, house.clinic, id)
            .await
            .unwrap();
        assert_eq!(taken.len(), 2);
        let view = appointments::get(&house.app, house.clinic, id)
            .await
            .unwrap();
        assert_eq!((view.balance.paid, view.balance.due), (2_500, 4_000));
        let made = links::of_appointment(&house.app, house.clinic, id)
            .await
            .unwrap();
        assert_eq!(made.len(), 1);
        let changed = [
            ("idempotency_key", "press"),
            ("cash", "1"),
            ("cash_amount", "40"),
        ];
        assert_eq!(
            person.post(&path, &changed).await.status,
            StatusCode::CONFLICT
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn checkout_offers_the_ways_that_are_switched_on() {
    for house in houses("ways").await {
        let person = house.person(Role::Manager).await;
        let page = person.books("later", "10:00").await.location;
        let shown = person.get(&page).await;
        shown.says("name=\"cash\"").says("name=\"bank_transfer\"");
        let ways = [("card_enabled", "1"), ("bank_transfer_enabled", "1")];
        let saved = person.post("/settings/payment-methods", &ways).await;
        assert_eq!(saved.location, "/settings/payment-methods?saved=1");
        let shown = person.get(&page).await;
        shown.says("name=\"bank_transfer\"").says("name=\"link\"");
        assert!(!shown.html.contains("name=\"cash\""), "cash is off");
        // A page from before, sent after.
        let cash = [("cash", "1"), ("cash_amount", "10")];
        let cash = person.post(&format!("{page}/checkout"), &cash).await;
        assert_eq!(cash.status, StatusCode::UNPROCESSABLE_ENTITY);
        cash.says("Cash is switched off");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_stays_when_it_is_refused() {
    for house in houses("typed").await {
        let person = house.person(Role::Manager).await;
        let page = person.books("later", "10:00").await.location;
        let checkout = format!("{page}/checkout");
        let much = person
            .post(&checkout, &[("cash", "1"), ("cash_amount", "65.01")])
            .await;
        assert_eq!(much.status, StatusCode::UNPROCESSABLE_ENTITY);
        much.says("Enter at most £65.00").says("65.01");
        let none = person.post(&checkout, &[("reference", "T-9")]).await;
        none.says("Choose how the payment is taken").says("T-9");
        let charge = [("description", "Band"), ("amount", "12.345")];
        let charge = person.post(&format!("{page}/charges"), &charge).await;
        assert_eq!(charge.status, StatusCode::UNPROCESSABLE_ENTITY);
        charge
            .says("at most 2 decimal places")
            .says("12.345")
            .says("Band");
        let many = [("description", "Band"), ("quantity", "x2"), ("amount", "1")];
        let many = person.post(&format!("{page}/charges"), &many).await;
        many.says("from 1 to 999").says("x2");
        let service = [
            ("name", "Massage"),
            ("duration_minutes", "60"),
            ("price", "50"),
            ("deposit_kind", "percent"),
            ("deposit_percent", "101"),
        ];
        let service = person.post("/settings/services/new", &service).await;
        service.says("from 1 to 100").says("Massage");
        let limits = [
            ("klarna_enabled", "1"),
            ("klarna_min", "900"),
            ("klarna_max", "20"),
        ];
        let limits = person.post("/settings/payment-methods", &limits).await;
        limits.says("must not be below the smallest").says("900");
        let list = person.get("/patients?q=whitlock").await;
        let patient = list.html.split_once("/patients/pat_").unwrap().1[..32].to_owned();
        let contact = [
            ("name", "Hannah"),
            ("phone", "12"),
            ("email", "h@example.com"),
        ];
        let contact = person
            .post(&format!("/patients/pat_{patient}"), &contact)
            .await;
        contact.says("Enter a phone number").says("h@example.com");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_back_once_and_never_more_than_was_seen() {
    for house in houses("refund").await {
        let person = house.person(Role::Manager).await;
        let page = person.books("later", "10:00").await.location;
        let paid = [
            ("cash", "1"),
            ("cash_amount", "65"),
            ("idempotency_key", "pay"),
        ];
        assert_eq!(
            person
                .post(&format!("{page}/checkout"), &paid)
                .await
                .location,
            page
        );
        let id = page.trim_start_matches("/appointments/").parse().unwrap();
        let payment = payments::of_appointment(&house.app, house.clinic, id)
            .await
            .unwrap()[0]
            .payment
            .id;
        let path = format!("/payments/{payment}/refund");
        let form = [
            ("amount", "20"),
            ("seen", "65.00"),
            ("reason", "Too long a wait"),
            ("idempotency_key", "back"),
        ];
        assert_eq!(person.post(&path, &form).await.location, page);
        assert_eq!(
            person.post(&path, &form).await.location,
            page,
            "a second click"
        );
        let old_page = [
            ("amount", "20"),
            ("seen", "65.00"),
            ("idempotency_key", "other"),
        ];
        person.post(&path, &old_page).await.says("£45.00 is left");
        person.get(&page).await.says("Part refunded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_sessions_token_changes_nothing() {
    for house in houses("csrf").await {
        let person = house.person(Role::Owner).await;
        for token in ["", "AAAA", "sample"] {
            let form = [("csrf", token), ("name", "Massage")];
            let refused = house
                .send("POST", "/settings/services/new", &person.cookie, &form)
                .await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
            refused.says("Load the page again");
        }
        let large = "x".repeat(70 * 1024);
        let large = person
            .post("/settings/services/new", &[("name", &large)])
            .await;
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_is_refunded_or_kept_with_one_click_and_findings_are_settled_with_words() {
    for house in houses("findings").await {
        let desk = house.person(Role::Manager).await;
        desk.get("/financials/findings").await.says("All is well");
        let page = desk.books("later", "12:00").await.location;
        let appointment: AppointmentId = page.rsplit('/').next().unwrap().parse().unwrap();
        let cash = [("cash", "1"), ("cash_amount", "65.00")];
        let cancelled = [("status", "cancelled")];
        desk.post(&format!("{page}/checkout"), &cash).await;
        desk.post(&format!("{page}/status"), &cancelled).await;
        let visit = appointments::get(&house.app, house.clinic, appointment)
            .await
            .unwrap();
        let credit = visit.balance.money(visit.balance.credit);
        assert!(credit.minor > 0);
        let open = desk.get("/financials/findings").await;
        open.says("The patient has credit")
            .says(&format!("Refund {credit}"));
        let credits = desk.get("/financials/findings?view=credits").await;
        credits
            .says("Not decided yet")
            .says(&credit.to_string())
            .says("Hannah Whitlock");
        // The button leads to the form with the amount filled in.
        let form = open
            .html
            .split("href=\"")
            .find(|rest| rest.starts_with("/payments/"))
            .unwrap();
        let form = desk.get(form.split('"').next().unwrap()).await;
        form.says(&format!("value=\"{}\"", credit.figure()));
        let keep = format!("/financials/credits/{appointment}/keep");
        let kept = "/financials/findings?done=keep";
        assert_eq!(desk.post(&keep, &[]).await.location, kept);
        assert_eq!(desk.post(&keep, &[]).await.location, kept, "a second click");
        desk.get("/financials/findings").await.says("All is well");
        desk.get("/financials/findings?view=credits")
            .await
            .says("Kept as credit");
        desk.get("/financials/findings?view=settled")
            .await
            .says("Kept as credit");

        let second = desk.books("later", "15:00").await.location;
        desk.post(&format!("{second}/checkout"), &cash).await;
        desk.post(&format!("{second}/status"), &cancelled).await;
        let open = desk.get("/financials/findings?kind=credit_left").await;
        let id = open.html.split("/financials/findings/fnd_").nth(1).unwrap();
        let close = format!(
            "/financials/findings/fnd_{}/close",
            id.split('/').next().unwrap()
        );
        let long = "x".repeat(301);
        let refused = desk.post(&close, &[("note", &long)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        desk.post(&close, &[("note", "Given back in cash at the desk")])
            .await;
        let settled = desk
            .get("/financials/findings?view=settled&kind=credit_left")
            .await;
        settled.says("Given back in cash at the desk");
        desk.get("/financials/findings?kind=dead_letter")
            .await
            .says("Nothing of this kind");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_chooses_its_days_and_leads_to_its_list() {
    for house in houses("summary").await {
        let desk = house.person(Role::Viewer).await;
        desk.get("/financials/summary")
            .await
            .says("Nothing happened in these days");
        house
            .person(Role::Reception)
            .await
            .books("link", "10:00")
            .await;
        let page = desk.get("/financials/summary?range=7").await;
        page.says("1 open link")
            .says("Collected per day")
            .says("From created to paid");
        let custom = "/financials/summary?range=custom&from=2026-11-24&to=2026-11-01";
        desk.get(custom).await.says("Swap them");
        let far = "/financials/summary?range=custom&from=2020-01-01&to=2026-11-01";
        desk.get(far).await.says("at most 366 days");
        let csv = desk
            .get("/financials/summary.csv?range=custom&from=2026-06-01&to=2026-06-02")
            .await;
        let lines: Vec<&str> = csv.html.lines().collect();
        assert_eq!(
            lines[2],
            "2026-06-02,0,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,GBP"
        );
        assert_eq!(lines.len(), 3);
        desk.get("/financials/payments?from=2026-06-01&to=2026-06-02&method=klarna")
            .await
            .says("No payment came in");
        desk.get("/financials/payments?from=x&to=y&after=z")
            .await
            .says("0 payments");
    }
}

/// Suite S11: every route with every role.
#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_what_the_table_says_and_no_more() {
    for house in houses("roles").await {
        for role in Role::ALL {
            let person = house.person(role).await;
            for door in remit_web::staff::doors() {
                if door.path == "/sign-out" {
                    continue;
                }
                let path = door
                    .path
                    .replace("{id}", "nothing")
                    .replace("{charge}", "nothing");
                let answer = if door.method == Method::GET {
                    person.get(&path).await
                } else {
                    person.post(&path, &[]).await
                };
                let refused = answer.status == StatusCode::FORBIDDEN;
                assert_eq!(
                    refused,
                    !role.may(door.permission),
                    "{role:?} {} {path}",
                    door.method
                );
                assert!(
                    !answer.status.is_server_error(),
                    "{role:?} {path}: {}",
                    answer.status
                );
                let stranger = house.send(door.method.as_str(), &path, "", &[]).await;
                assert!(stranger.location.starts_with("/sign-in"), "nobody {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_no_button_and_reception_no_refund() {
    for house in houses("viewer").await {
        let desk = house.person(Role::Reception).await;
        let window = desk.books("link", "10:00").await.location;
        let page = desk.books("later", "12:00").await.location;
        let cash = [("cash", "1"), ("cash_amount", "5")];
        desk.post(&format!("{page}/checkout"), &cash).await;
        assert!(!desk.get(&page).await.html.contains("/refund"));
        let viewer = house.person(Role::Viewer).await;
        for path in [
            "/diary",
            &window,
            &page,
            "/financials/online-payments",
            "/patients",
            "/settings/services",
        ] {
            let html = viewer.get(path).await.html;
            let main = html.split_once("id=\"main\"").unwrap().1;
            let forms = main.matches("method=\"post\"").count();
            // What is left posts nothing: signing out, and the settings without a button.
            assert_eq!(forms, 1, "{path}: {main}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_connects_a_carrier_and_nobody_reads_its_secrets() {
    let fake = fake_carriers::FakeCarriers::open().await.unwrap();
    for house in houses("messaging").await {
        let here = "/settings/messages";
        let manager = house.person(Role::Manager).await;
        assert_eq!(manager.get(here).await.status, StatusCode::FORBIDDEN);
        let owner = house.person(Role::Owner).await;
        owner
            .get(here)
            .await
            .says("Message tray")
            .says("Connect Twilio");
        let form = |sid: &'static str, token: &'static str| {
            [
                ("provider", "twilio"),
                ("account_sid", sid),
                ("auth_token", token),
                ("sender", "Larkhill"),
            ]
        };
        let slip = owner
            .post(&format!("{here}/sms"), &form("SK1", "secret_of_the_clinic"))
            .await;
        assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY);
        slip.says("This is an API key (SK)").says("SK1");
        assert!(!slip.html.contains("secret_of_the_clinic"));
        let base = [("api_base", fake.url.as_str())];
        let good = [
            &form(fake_carriers::ACCOUNT_SID, fake_carriers::AUTH_TOKEN)[..],
            &base,
        ]
        .concat();
        let saved = owner.post(&format!("{here}/sms"), &good).await;
        assert_eq!(saved.location, format!("{here}?done=saved&channel=sms#sms"));
        let shown = owner.get(here).await;
        shown
            .says("Twilio · from Larkhill")
            .says("Saved. Leave it empty to keep it");
        assert!(!shown.html.contains(fake_carriers::AUTH_TOKEN));
        let number = if house.app.store.is_sqlite() {
            "07700 900201"
        } else {
            "07700 900202"
        };
        let sent = owner
            .post(&format!("{here}/sms/test"), &[("to", number)])
            .await;
        assert_eq!(sent.location, format!("{here}?done=tested&channel=sms#sms"));
        let landline = owner
            .post(&format!("{here}/sms/test"), &[("to", "0117 496 0142")])
            .await;
        assert_eq!(landline.status, StatusCode::UNPROCESSABLE_ENTITY);
        landline.says("cannot receive texts");
        owner.post(&format!("{here}/sms/disconnect"), &[]).await;
        owner.get(here).await.says("Message tray");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_text_is_told_and_offers_the_email() {
    for house in houses("instead").await {
        let fake = fake_carriers::FakeCarriers::open().await.unwrap();
        let owner = house.person(Role::Owner).await;
        let carrier = [
            ("provider", "twilio"),
            ("account_sid", fake_carriers::ACCOUNT_SID),
            ("auth_token", fake_carriers::AUTH_TOKEN),
            ("sender", "Larkhill"),
            ("api_base", fake.url.as_str()),
        ];
        owner.post("/settings/messages/sms", &carrier).await;
        let window = owner.books("link", "10:00").await.location;
        fake.fault("+447700900611", fake_carriers::Fault::Refuse(21_610));
        let path = format!("{window}/deliveries");
        let text = [
            ("channel", "sms"),
            ("to", "07700 900611"),
            ("idempotency_key", "k-instead"),
        ];
        owner.post(&path, &text).await;
        while remit_app::outbox::run(&house.app).await.unwrap() > 0 {}
        let told = owner.get(&window).await;
        told.says("Not delivered. This person has unsubscribed")
            .says("Delivery failed")
            .says("Send via Email to");
        assert_eq!(fake.asked("+447700900611"), 1);
    }
}
