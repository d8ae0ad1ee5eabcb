//! Two clinics on one installation: what belongs to one does not exist for the other (hazard D3).

use std::collections::BTreeMap;

use remit_web::api::ROUTES;
use serde_json::{Value, json};

use crate::desk::{gbp, id, in_days};
use crate::harness::{Ask, Clinic, House, on_both_engines};

/// A clinic with one of everything.
struct Full {
    clinic: Clinic,
    ids: BTreeMap<&'static str, String>,
}

async fn full(house: &House, route: &str) -> Full {
    let clinic = house.founds(route).await;
    let desk = clinic.owner();
    let mut ids = BTreeMap::new();
    let patient = desk.adds_patient("Rosa Lindqvist").await;
    let service = desk.offers_service(4500, json!({"kind": "full"})).await;
    let practitioner = desk.employs("Dr Hale").await;
    let body = json!({"patient_id": patient, "service_ids": [service], "practitioner_id": practitioner,
        "starts_at": in_days(&clinic, 3).await});
    let appointment = id(&desk.post("/appointments", body).await.is(201));
    let payment = id(&clinic.takes_cash(&appointment, 500).await);
    let link = id(&clinic.issues_link(&appointment).await);
    let path = format!("/payment-links/{link}/deliveries");
    desk.post(&path, json!({"channel": "sms"})).await.is(201);
    let path = format!("/payments/{payment}/refunds");
    let refund = desk.post(&path, json!({"amount": gbp(100)})).await.is(201);
    ids.insert("refunds", id(&refund));
    ids.insert("patients", patient);
    ids.insert("services", service);
    ids.insert("practitioners", practitioner);
    ids.insert("appointments", appointment);
    ids.insert("payment-links", link);
    ids.insert("payments", payment);
    Full { clinic, ids }
}

impl Full {
    /// Everything that the clinic can read of itself.
    async fn seen(&self) -> Vec<Value> {
        let mut seen = Vec::new();
        for (method, template, _) in ROUTES {
            if *method != "GET" || template.contains("qr.") || template.ends_with(".pdf") {
                continue;
            }
            seen.push(self.clinic.owner().reads(&self.address(template)).await);
        }
        seen
    }

    /// A route's address with the clinic's own id in it.
    fn address(&self, template: &str) -> String {
        let kind = template.split('/').nth(1).unwrap_or_default();
        match self.ids.get(kind) {
            Some(id) => template.replace("{id}", id),
            None => template
                .replace("{provider}", "stripe")
                .replace("{channel}", "sms")
                .replace("{language}", "en")
                .replace("{purpose}", "balance"),
        }
    }
}

/// A body with which the call would succeed in its own clinic.
fn body(method: &str, template: &str) -> Option<Value> {
    match (method, template) {
        ("GET", _) => None,
        ("PATCH", "/patients/{id}") => Some(json!({"name": "Taken Over"})),
        ("PATCH", "/appointments/{id}") => Some(json!({"status": "cancelled"})),
        ("POST", "/appointments/{id}/charges") => {
            Some(json!({"description": "X-ray", "amount": gbp(1)}))
        }
        ("POST", "/appointments/{id}/payments") => {
            Some(json!({"method": "cash", "amount": gbp(1)}))
        }
        ("POST", "/appointments/{id}/payment-links") => Some(json!({"purpose": "balance"})),
        ("POST", "/payment-links/{id}/deliveries") => {
            Some(json!({"channel": "email", "to": "a@example.com"}))
        }
        ("POST", "/payment-links/{id}/cancel" | "/payment-links/{id}/renew") => Some(json!({})),
        ("POST", "/payment-links/{id}/follow-up") => Some(json!({"called": true})),
        ("POST", "/payments/{id}/receipt") => {
            Some(json!({"channel": "email", "to": "a@example.com"}))
        }
        ("POST", "/payments/{id}/refunds") => Some(json!({"amount": gbp(1)})),
        ("POST", "/refunds/{id}/approval") => Some(json!({"decision": "declined"})),
        _ => panic!("{method} {template}: say here with which body it succeeds"),
    }
}

on_both_engines! {
    async fn an_id_of_another_clinic_does_not_exist(house: House) {
        let ours = full(&house, "ours").await;
        let theirs = full(&house, "them").await;
        let before = theirs.seen().await;
        let us = ours.clinic.owner();
        for (method, template, _) in ROUTES.iter().filter(|(_, template, _)| template.contains("{id}")) {
            let mut ask = Ask::new(method, &theirs.address(template));
            if let Some(body) = body(method, template) {
                ask = ask.json(&body);
            }
            us.send(ask).await.is_problem(404, "not-found");
        }
        assert_eq!(theirs.seen().await, before, "nothing of theirs has changed");
    }

    async fn an_id_of_another_clinic_in_a_body_or_parameter_finds_nothing(house: House) {
        let ours = full(&house, "ours").await;
        let theirs = full(&house, "them").await;
        let before = theirs.seen().await;
        let us = ours.clinic.owner();
        let starts_at = in_days(&ours.clinic, 8).await;
        let own = json!({"patient_id": ours.ids["patients"], "service_ids": [ours.ids["services"]],
            "practitioner_id": ours.ids["practitioners"], "starts_at": starts_at});
        for (field, value) in [
            ("patient_id", json!(theirs.ids["patients"])),
            ("service_ids", json!([ours.ids["services"], theirs.ids["services"]])),
            ("practitioner_id", json!(theirs.ids["practitioners"])),
        ] {
            let mut body = own.clone();
            body[field] = value;
            us.post("/appointments", body).await.names(422, "invalid-fields", &[field]);
        }
        us.post("/appointments", own).await.is(201);
        for path in [
            format!("/appointments?patient_id={}", theirs.ids["patients"]),
            format!("/payment-links?patient_id={}", theirs.ids["patients"]),
            format!("/payment-links?appointment_id={}", theirs.ids["appointments"]),
            format!("/payments?appointment_id={}", theirs.ids["appointments"]),
        ] {
            assert_eq!(us.reads(&path).await["data"], json!([]), "{path}");
        }
        assert_eq!(theirs.seen().await, before);
    }

    async fn a_list_holds_its_own_clinic_only(house: House) {
        let ours = full(&house, "ours").await;
        let theirs = full(&house, "them").await;
        let us = ours.clinic.owner();
        for path in ["/patients", "/patients?q=rosa", "/services", "/practitioners", "/appointments",
            "/payment-links", "/payment-links?q=rosa", "/payments"] {
            let kind = path.split('?').next().unwrap().trim_start_matches('/');
            let answer = us.reads(path).await;
            let rows = answer["data"].as_array().unwrap();
            assert_eq!(rows.len(), 1, "{path}");
            assert_eq!(rows[0]["id"], ours.ids[kind], "{path}");
        }
        // A cursor of theirs opens no window either.
        theirs.clinic.owner().adds_patient("Ben").await;
        let cursor = theirs.clinic.owner().reads("/patients?limit=1").await;
        let cursor = cursor["next_cursor"].as_str().unwrap().to_owned();
        for row in us.reads(&format!("/patients?cursor={cursor}")).await["data"].as_array().unwrap() {
            assert_eq!(row["id"], ours.ids["patients"]);
        }
    }

    async fn settings_are_a_clinics_own(house: House) {
        let (ours, theirs) = (house.founds("ours").await, house.founds("them").await);
        let off = json!({"methods": [{"method": "klarna", "enabled": false}]});
        let saved = ours.owner().put("/settings/payment-methods", off).await.is(200);
        let klarna = |answer: &Value| answer["methods"].as_array().unwrap().iter()
            .find(|method| method["method"] == "klarna").unwrap()["enabled"].clone();
        assert_eq!(klarna(&saved), json!(false));
        assert_eq!(klarna(&ours.owner().reads("/settings/payment-methods").await), json!(false));
        assert_eq!(klarna(&theirs.owner().reads("/settings/payment-methods").await), json!(true));
    }

    async fn a_way_of_the_desk_that_is_switched_off_takes_nothing(house: House) {
        const METHODS: &str = "/settings/payment-methods";
        let (ours, theirs) = (house.founds("ours").await, house.founds("them").await);
        let desk = ours.owner();
        let cash = |answer: &Value| answer["desk"].as_array().unwrap().iter()
            .find(|method| method["method"] == "cash").unwrap()["enabled"].clone();
        assert_eq!(cash(&desk.reads(METHODS).await), json!(true));
        let appointment = ours.books(4_500).await;
        let path = format!("/appointments/{appointment}/payments");
        let turns = |enabled: bool| json!({"methods": [], "desk": [{"method": "cash", "enabled": enabled}]});
        assert_eq!(cash(&desk.put(METHODS, turns(false)).await.is(200)), json!(false));
        let paid = |method: &str| json!({"method": method, "amount": gbp(1_000)});
        desk.post(&path, paid("cash")).await.names(422, "invalid-fields", &["method"]);
        desk.post(&path, paid("bank_transfer")).await.is(201);
        assert_eq!(cash(&theirs.owner().reads(METHODS).await), json!(true));
        assert_eq!(cash(&desk.put(METHODS, turns(true)).await.is(200)), json!(true));
        desk.post(&path, paid("cash")).await.is(201);
        let unknown = json!({"methods": [], "desk": [{"method": "cheque", "enabled": true}]});
        desk.put(METHODS, unknown).await.names(422, "invalid-fields", &["desk[0].method"]);
    }

    async fn the_same_key_of_another_clinic_is_another_key(house: House) {
        let (ours, theirs) = (house.founds("ours").await, house.founds("them").await);
        let body = json!({"name": "Rosa Lindqvist"});
        let one = ours.owner().post_under("k1", "/patients", &body).await;
        let two = theirs.owner().post_under("k1", "/patients", &body).await;
        assert_ne!(one.is(201)["id"], two.is(201)["id"]);
        assert_eq!(two.header("idempotent-replayed"), None);
    }
}
