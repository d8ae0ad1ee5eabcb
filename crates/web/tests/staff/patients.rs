//! Patients: found, changed by two at once, noted, merged; masked for who only looks.

use axum::http::StatusCode;
use remit_app::patients::{self as verbs, PatientInput};
use remit_app::views::Patient;
use remit_app::{Actor, appointments, payments};
use remit_core::roles::Role;

use crate::clinic::{House, Person, houses};

async fn adds(house: &House, name: &str, phone: &str, email: &str) -> Patient {
    let input = PatientInput {
        name: name.into(),
        email: Some(email.into()),
        phone: Some(phone.into()),
        locale: None,
    };
    verbs::create(&house.app, &Actor::remit(house.clinic), None, input)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_is_found_however_they_are_typed() {
    for house in houses("found").await {
        let desk = house.person(Role::Reception).await;
        adds(
            &house,
            "Piotr Szymański-O’Neill",
            "07700 900321",
            "piotr@mail.example",
        )
        .await;
        adds(&house, "Ann Lee", "07700 900654", "ann@mail.example").await;
        for q in [
            "szymanski",
            "Szymański piotr",
            "oneill",
            "O'Neill",
            "07700 900321",
            "+44 (0)7700-900321",
            "0044 7700 900 321",
            "0321",
            "piotr@mail",
            "PIOTR O'N",
        ] {
            let q: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let seen = desk.get(&format!("/patients?q={q}")).await;
            seen.says("Piotr Szymański");
            assert!(!seen.html.contains("Ann Lee"), "{q}");
        }
        desk.get("/patients?q=piotr%20lee")
            .await
            .says("Nobody is found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_save_at_once_do_not_overwrite_each_other() {
    for house in houses("version").await {
        let (one, two) = (
            house.person(Role::Reception).await,
            house.person(Role::Manager).await,
        );
        let patient = adds(&house, "Ann Lee", "07700 900654", "ann@mail.example").await;
        let path = format!("/patients/{}", patient.id);
        let version = one.get(&path).await.value("version");
        let form = |name: &'static str, phone: &'static str, version: &str| {
            vec![
                ("name", name.to_owned()),
                ("phone", phone.to_owned()),
                ("email", "ann@mail.example".to_owned()),
                ("language", "pl".to_owned()),
                ("version", version.to_owned()),
            ]
        };
        fn borrowed<'a>(form: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
            form.iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect()
        }
        let first = form("Ann Lee", "07700 900111", &version);
        assert_eq!(
            one.post(&path, &borrowed(&first)).await.location,
            format!("{path}?done=saved")
        );
        let second = form("Anna Lee", "07700 900654", &version);
        let asked = two.post(&path, &borrowed(&second)).await;
        assert_eq!(asked.status, StatusCode::CONFLICT);
        asked
            .says("Joanne Bright changed this at")
            .says("Mobile now:")
            .says("+44 7700 900111")
            .says("value=\"Anna Lee\"");
        let newer = asked.value("version");
        assert_ne!(newer, version);
        let again = form("Anna Lee", "07700 900111", &newer);
        assert_eq!(
            two.post(&path, &borrowed(&again)).await.status,
            StatusCode::SEE_OTHER
        );
        let kept = verbs::get(&house.app, house.clinic, patient.id)
            .await
            .unwrap();
        assert_eq!(
            (kept.name.as_str(), kept.locale.as_str()),
            ("Anna Lee", "pl")
        );
        let wrong = form("Anna Lee", "12", &two.get(&path).await.value("version"));
        let wrong = two.post(&path, &borrowed(&wrong)).await;
        wrong.says("id=\"phone-error\"").says("value=\"12\"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_written_once_and_struck_never_deleted() {
    for house in houses("notes").await {
        let desk = house.person(Role::Reception).await;
        let patient = adds(&house, "Ann Lee", "07700 900654", "ann@mail.example").await;
        let path = format!("/patients/{}", patient.id);
        let note = [
            ("note", "Prefers mornings.\nRings twice."),
            ("idempotency_key", "n1"),
        ];
        for _ in 0..2 {
            desk.post(&format!("{path}/notes"), &note).await;
        }
        let page = desk.get(&path).await;
        assert_eq!(page.html.matches("Prefers mornings.").count(), 1);
        page.says("Joanne Bright, Today");
        let empty = desk.post(&format!("{path}/notes"), &[("note", " ")]).await;
        empty.says("Write something first");
        let (_, rest) = page.html.split_once(&format!("{path}/notes/")).unwrap();
        let id = rest.split('/').next().unwrap();
        desk.post(&format!("{path}/notes/{id}/strike"), &[]).await;
        desk.get(&path)
            .await
            .says("<s class=\"notetext\"")
            .says("Struck through by Joanne Bright");
        let viewer = house.person(Role::Viewer).await;
        let refused = viewer.post(&format!("{path}/notes"), &note).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let other = adds(&house, "Ben Lee", "07700 900655", "ben@mail.example").await;
        let foreign = desk
            .post(&format!("/patients/{}/notes/{id}/strike", other.id), &[])
            .await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    }
}

/// The record holds what the duplicate held, whose address leads on, and is found by what both were known under.
async fn holds_it_all(house: &House, manager: &Person<'_>, (id, old): (&str, &str), link: &str) {
    let record = verbs::get(&house.app, house.clinic, id.parse().unwrap())
        .await
        .unwrap();
    assert_eq!(record.name, "Hannah Whitlock-Lee");
    assert_eq!(record.email.as_deref(), Some("hannah@example.com"));
    let page = manager.get(&format!("/patients/{id}")).await;
    page.says("Assessment").says("£5.00").says(link);
    let led = manager.get(&format!("/patients/{old}")).await;
    assert_eq!(led.location, format!("/patients/{id}"));
    for q in ["hannah@example.com", "new@mail.example", "whitlock", "0618"] {
        let found = verbs::search(&house.app, house.clinic, q, 9).await.unwrap();
        let ids: Vec<String> = found.iter().map(|one| one.id.to_string()).collect();
        let expected: &[&str] = if q == "new@mail.example" { &[] } else { &[id] };
        assert_eq!(ids, expected, "{q}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_becomes_part_of_the_record_with_all_it_holds() {
    for house in houses("merge").await {
        let manager = house.person(Role::Manager).await;
        let booked = manager.books("link", "10:00").await.location;
        assert!(booked.starts_with("/payment-links/"), "{booked}");
        let old = verbs::search(&house.app, house.clinic, "Hannah Whitlock", 9)
            .await
            .unwrap();
        let old = old[0].clone();
        let kept = adds(
            &house,
            "Hannah Whitlock-Lee",
            "07700 900618",
            "new@mail.example",
        )
        .await;
        let visits =
            appointments::list(&house.app, house.clinic, Some(old.id), (0, ""), i64::MAX, 9);
        let visit = visits.await.unwrap()[0].id;
        let cash = [
            ("cash", "1"),
            ("cash_amount", "5"),
            ("idempotency_key", "c1"),
        ];
        manager
            .post(&format!("/appointments/{visit}/checkout"), &cash)
            .await;
        let path = format!("/patients/{}/merge", kept.id);
        manager
            .get(&format!("/patients/{}", kept.id))
            .await
            .says("Shares a number");
        let both = manager.get(&format!("{path}?with={}", old.id)).await;
        both.says("1 appointment, 1 payment link")
            .says("hannah@example.com");
        let (version, with_version) = (both.value("version"), both.value("with_version"));
        let (id, with) = (kept.id.to_string(), old.id.to_string());
        let mut form = vec![
            ("with", with.as_str()),
            ("version", version.as_str()),
            ("with_version", with_version.as_str()),
            ("email", "other"),
        ];
        let desk = house.person(Role::Reception).await;
        assert_eq!(desk.post(&path, &form).await.status, StatusCode::FORBIDDEN);
        form[1].1 = "99";
        assert_eq!(
            manager.post(&path, &form).await.status,
            StatusCode::CONFLICT
        );
        form[1].1 = version.as_str();
        let merged = manager.post(&path, &form).await;
        assert_eq!(
            merged.location,
            format!("/patients/{id}?done=merged"),
            "{}",
            merged.html
        );
        holds_it_all(&house, &manager, (&id, &with), &booked).await;
        let taken = payments::of_appointment(&house.app, house.clinic, visit)
            .await
            .unwrap();
        assert_eq!(taken.len(), 1);
        let again = manager.post(&path, &form).await;
        assert!(again.status.is_client_error(), "merged before");
        let itself = [
            ("with", id.as_str()),
            ("version", "1"),
            ("with_version", "1"),
        ];
        manager
            .post(&path, &itself)
            .await
            .says("another record than this one");
        // Who books under the old id books for the record.
        let theirs = adds(&house, "Zoe Last", "07700 900777", "zoe@mail.example").await;
        assert_eq!(
            verbs::get(&house.app, house.clinic, theirs.id)
                .await
                .unwrap()
                .id,
            theirs.id
        );
        let log = remit_store::check::run(&house.app.store).await.unwrap();
        assert!(log.iter().all(|one| one.broken.is_empty()), "{log:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_looks_sees_no_whole_number_or_address() {
    for house in houses("masked").await {
        let desk = house.person(Role::Reception).await;
        let window = desk.books("link", "10:00").await.location;
        let sms = [("channel", "sms"), ("idempotency_key", "s1")];
        desk.post(&format!("{window}/deliveries"), &sms).await;
        let found = verbs::search(&house.app, house.clinic, "Hannah Whitlock", 9)
            .await
            .unwrap();
        let viewer = house.person(Role::Viewer).await;
        let appointment = {
            let visits = appointments::list(&house.app, house.clinic, None, (0, ""), i64::MAX, 9);
            format!("/appointments/{}", visits.await.unwrap()[0].id)
        };
        for path in [
            "/patients".to_owned(),
            "/patients?q=07700900618".to_owned(),
            format!("/patients/{}", found[0].id),
            window.clone(),
            appointment,
            "/financials/online-payments".to_owned(),
            "/financials/online-payments/follow-up".to_owned(),
            "/notifications".to_owned(),
        ] {
            let html = viewer.get(&path).await.html;
            for whole in ["7700 900618", "7700900618", "hannah@example.com"] {
                let shown = html.replace("value=\"07700900618\"", "");
                assert!(!shown.contains(whole), "{path} shows {whole}");
            }
        }
        viewer
            .get("/patients")
            .await
            .says("+44 •••• ••0618")
            .says("h•••@example.com");
        desk.get("/patients")
            .await
            .says("+44 7700 900618")
            .says("hannah@example.com");
    }
}
