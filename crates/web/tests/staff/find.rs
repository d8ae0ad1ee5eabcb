//! Find or do: what a few words lead to, for whom.

use remit_app::links;
use remit_core::roles::Role;

use crate::clinic::{House, Seen, houses};

/// The titles of one group, in order.
fn titles(seen: &Seen, group: &str) -> Vec<String> {
    let heading = format!(">{group}</h2>");
    let after = seen.html.split_once(&heading).map_or("", |(_, rest)| rest);
    let list = after.split("</section>").next().unwrap_or_default();
    list.split("<b><bdi>")
        .skip(1)
        .filter_map(|rest| rest.split("</bdi>").next())
        .map(str::to_owned)
        .collect()
}

async fn reference(house: &House, window: &str) -> String {
    let id = window
        .trim_start_matches("/payment-links/")
        .parse()
        .unwrap();
    links::get(&house.app, house.clinic, id)
        .await
        .unwrap()
        .reference
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_leads_to_what_belongs_to_them() {
    for house in houses("find").await {
        let desk = house.person(Role::Reception).await;
        let window = desk.books("link", "10:00").await.location;
        desk.books("later", "12:00").await;
        let seen = desk.get("/find?q=whit%20hann").await;
        assert_eq!(titles(&seen, "Patients"), ["Hannah Whitlock"]);
        assert_eq!(titles(&seen, "Appointments"), ["Hannah Whitlock"; 2]);
        assert_eq!(titles(&seen, "Payment links"), ["Hannah Whitlock"]);
        assert_eq!(
            titles(&seen, "Actions"),
            ["New appointment for Hannah Whitlock"]
        );
        seen.says("+44 7700 900618").says("£20.00 deposit");
        let places = ("10:00 · Assessment", "12:00 · Assessment");
        let (first, second) = (seen.html.find(places.0), seen.html.find(places.1));
        assert!(first.is_some() && first < second, "in order of start");

        let reference = reference(&house, &window).await;
        for q in [reference.as_str(), "20", "%C2%A320.00", "07700900618"] {
            let seen = desk.get(&format!("/find?q={q}")).await;
            assert_eq!(titles(&seen, "Payment links"), ["Hannah Whitlock"], "{q}");
        }
        desk.get("/find?q=20.01").await.says("Nothing is found");
        let seen = desk.get("/find?q=%3Cscript%3E").await;
        seen.says("Add “&#60;script&#62;” as a new patient");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_is_added_once_and_found() {
    for house in houses("find_add").await {
        let desk = house.person(Role::Reception).await;
        let form = desk.get("/patients/new?name=Ad%C3%A8le%20Roy").await;
        form.says("value=\"Adèle Roy\"");
        let key = form.value("idempotency_key");
        let wrong = [("name", "Adèle Roy"), ("phone", "12"), ("language", "fr")];
        let refused = desk.post("/patients/new", &wrong).await;
        assert_eq!(refused.status, axum::http::StatusCode::UNPROCESSABLE_ENTITY);
        refused.says("field-error").says("Adèle Roy");
        let typed = [
            ("idempotency_key", key.as_str()),
            ("name", "Adèle Roy"),
            ("phone", "07700 900222"),
            ("email", ""),
            ("language", "fr"),
        ];
        let first = desk.post("/patients/new", &typed).await.location;
        assert_eq!(first, desk.post("/patients/new", &typed).await.location);
        desk.get(&first).await.says("Adèle Roy").says("Saved");
        assert_eq!(
            titles(&desk.get("/find?q=adele").await, "Patients"),
            ["Adèle Roy"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_is_offered_what_it_may_do() {
    for house in houses("find_roles").await {
        house
            .person(Role::Reception)
            .await
            .books("link", "10:00")
            .await;
        for (role, actions, offered) in [
            (Role::Viewer, 5, None),
            (Role::Reception, 9, Some("New appointment")),
            (Role::Manager, 11, Some("New service")),
            (Role::Owner, 12, Some("Invite somebody to the staff")),
        ] {
            let person = house.person(role).await;
            let seen = person.get("/find").await;
            let found = titles(&seen, "Actions");
            assert_eq!(found.len(), actions, "{role:?}: {found:?}");
            if let Some(offered) = offered {
                assert!(found.iter().any(|title| title == offered), "{found:?}");
            }
            assert_eq!(titles(&seen, "Pages").len(), 11);
        }
        let viewer = house.person(Role::Viewer).await;
        let seen = viewer.get("/find?q=hannah").await;
        assert!(!seen.html.contains("900618") && !seen.html.contains("hannah@"));
        assert!(titles(&seen, "Actions").is_empty());
        assert!(titles(&viewer.get("/find?q=api%20k").await, "Pages").is_empty());
    }
}
