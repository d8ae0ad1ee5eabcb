//! The main job through the API: book, link, hand over, pay at the desk, refund, change, cancel, expire, renew.

use remit_core::links::LIFETIME_MS;
use serde_json::{Value, json};

use crate::desk::{gbp, id, in_days};
use crate::harness::{House, on_both_engines};

on_both_engines! {
    async fn an_appointment_is_booked_linked_and_paid(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let path = format!("/appointments/{appointment}");
        let booked = desk.reads(&path).await;
        for (field, expected) in [
            ("status", json!("booked")),
            ("starts_at", json!(in_days(&clinic, 3).await)),
            ("total", gbp(4500)),
            ("deposit_due", gbp(2250)),
            ("paid", gbp(0)),
            ("refunded", gbp(0)),
            ("credit", gbp(0)),
            ("balance", gbp(4500)),
            ("payments", json!([])),
            ("payment_links", json!([])),
        ] {
            assert_eq!(booked[field], expected, "{field}");
        }
        assert_eq!(booked["charges"][0]["amount"], gbp(4500));

        let deposit = desk.post(&format!("{path}/payment-links"), json!({"purpose": "deposit"})).await.is(201);
        assert_eq!((&deposit["status"], &deposit["amount"], &deposit["amount_due"]), (&json!("created"), &gbp(2250), &gbp(2250)));
        assert!(deposit["url"].as_str().unwrap().starts_with("https://pay.example.test/p/"));
        let lives = |link: &Value| {
            let at = |field: &str| link[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
            at("expires_at") - at("created_at")
        };
        assert_eq!(lives(&deposit), LIFETIME_MS);

        let address = format!("/payment-links/{}", id(&deposit));
        let sent = desk.post(&format!("{address}/deliveries"), json!({"channel": "email", "to": "new@example.org", "remember": true})).await.is(201);
        assert_eq!((&sent["status"], &sent["to"]), (&json!("queued"), &json!("new@example.org")));
        let patient = desk.reads(&format!("/patients/{}", booked["patient_id"].as_str().unwrap())).await;
        assert_eq!(patient["email"], "new@example.org");

        // Cash lowers what an open link asks for (hazard A24).
        clinic.takes_cash(&appointment, 4000).await;
        let lowered = desk.reads(&address).await;
        assert_eq!((&lowered["amount"], &lowered["amount_due"]), (&gbp(2250), &gbp(500)));
        clinic.takes_cash(&appointment, 500).await;
        let closed = desk.reads(&address).await;
        assert_eq!((&closed["status"], &closed["amount_due"], &closed["closed_because"]), (&json!("cancelled"), &gbp(0), &json!("settled")));
        let paid = desk.reads(&path).await;
        assert_eq!((&paid["paid"], &paid["balance"], &paid["deposit_due"]), (&gbp(4500), &gbp(0), &gbp(0)));
        assert_eq!(paid["payments"].as_array().unwrap().len(), 2);
        assert_eq!(paid["payment_links"][0], closed, "the same link, read either way");
        assert_eq!(desk.reads(&format!("/payments/{}", id(&paid["payments"][0]))).await, paid["payments"][0]);
    }

    async fn a_second_link_closes_the_first(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let (first, second) = (clinic.issues_link(&appointment).await, clinic.issues_link(&appointment).await);
        assert_ne!(first["url"], second["url"]);
        let first = desk.reads(&format!("/payment-links/{}", id(&first))).await;
        assert_eq!((&first["status"], &first["closed_because"]), (&json!("cancelled"), &json!("superseded")));
        let address = format!("/payment-links/{}", id(&second));
        desk.post(&format!("{address}/renew"), json!({})).await.is_problem(409, "link-open");
        for _ in 0..2 {
            let cancelled = desk.post(&format!("{address}/cancel"), json!({})).await.is(200);
            assert_eq!((&cancelled["status"], &cancelled["closed_because"]), (&json!("cancelled"), &json!("cancelled")));
        }
        desk.post(&format!("{address}/deliveries"), json!({"channel": "sms"})).await.is_problem(409, "link-cancelled");
        let renewed = desk.post(&format!("{address}/renew"), json!({})).await.is(201);
        assert_eq!((&renewed["status"], &renewed["amount_due"]), (&json!("created"), &gbp(4500)));
    }

    async fn a_link_ends_after_48_hours_to_the_millisecond_and_is_renewed(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let link = clinic.issues_link(&appointment).await;
        let address = format!("/payment-links/{}", id(&link));
        house.waits(LIFETIME_MS - remit_core::HOUR_MS);
        assert_eq!(desk.reads(&address).await["status"], "created");
        house.waits(remit_core::HOUR_MS);
        let expired = desk.reads(&address).await;
        assert_eq!((&expired["status"], &expired["amount_due"]), (&json!("expired"), &gbp(0)));
        assert_eq!(desk.reads("/payment-links?status=expired").await["data"][0]["id"], link["id"]);
        assert_eq!(desk.reads("/payment-links?status=created").await["data"], json!([]));
        desk.post(&format!("{address}/deliveries"), json!({"channel": "sms"})).await.is_problem(409, "link-expired");
        let renewed = desk.post(&format!("{address}/renew"), json!({})).await.is(201);
        assert_ne!(renewed["url"], link["url"]);
        assert_eq!(desk.reads(&address).await["status"], "expired", "the old one never works again");
    }

    async fn a_qr_code_holds_the_address(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let link = id(&clinic.issues_link(&clinic.books(4500).await).await);
        let svg = desk.get(&format!("/payment-links/{link}/qr.svg")).await;
        assert_eq!((svg.status, svg.header("content-type")), (200, Some("image/svg+xml")));
        assert!(svg.text().contains("<svg"));
        let png = desk.get(&format!("/payment-links/{link}/qr.png")).await;
        assert_eq!((png.status, png.header("content-type")), (200, Some("image/png")));
        assert!(png.bytes.starts_with(b"\x89PNG"));
        for reply in [svg, png] {
            assert_eq!(reply.header("cache-control"), Some("no-store"));
        }
    }

    async fn desk_money_is_refunded_in_parts_and_in_full(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let paid = clinic.takes_cash(&appointment, 4500).await;
        assert_eq!((&paid["provider"], &paid["refundable"], &paid["method"]), (&Value::Null, &gbp(4500), &json!("cash")));
        let refunds = format!("/payments/{}/refunds", id(&paid));
        let part = desk.post(&refunds, json!({"amount": gbp(1500), "reason": "Goodwill"})).await.is(201);
        assert_eq!((&part["status"], &part["amount"], &part["reason"]), (&json!("succeeded"), &gbp(1500), &json!("Goodwill")));
        let rest = desk.post(&refunds, json!({})).await.is(201);
        assert_eq!(rest["amount"], gbp(3000));
        let payment = desk.reads(&format!("/payments/{}", id(&paid))).await;
        assert_eq!((&payment["refunded"], &payment["refundable"]), (&gbp(4500), &gbp(0)));
        assert_eq!(payment["refunds"], json!([part, rest]));
        let stands = desk.reads(&format!("/appointments/{appointment}")).await;
        assert_eq!((&stands["refunded"], &stands["paid"]), (&gbp(4500), &gbp(4500)));
        assert!(desk.post(&refunds, json!({})).await.status >= 400, "nothing is left to refund");
    }

    async fn charges_and_discounts_move_the_balance(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let charges = format!("/appointments/{appointment}/charges");
        let dearer = desk.post(&charges, json!({"description": "X-ray", "amount": gbp(900)})).await.is(201);
        assert_eq!((&dearer["total"], &dearer["balance"]), (&gbp(5400), &gbp(5400)));
        let cheaper = desk.post(&charges, json!({"description": "Student", "amount": gbp(-400)})).await.is(201);
        assert_eq!(cheaper["total"], gbp(5000));
        let kinds: Vec<&Value> = cheaper["charges"].as_array().unwrap().iter().map(|charge| &charge["kind"]).collect();
        assert_eq!(kinds, ["service", "extra", "discount"]);
        let several = json!({"description": "Tape", "quantity": 3, "amount": gbp(600)});
        let several = desk.post(&charges, several).await.is(201);
        let tape = several["charges"].as_array().unwrap().last().unwrap();
        assert_eq!((&tape["quantity"], &tape["amount"], &several["charges"][0]["quantity"]), (&json!(3), &gbp(600), &json!(1)));
        let none = json!({"description": "Tape", "quantity": 0, "amount": gbp(600)});
        desk.post(&charges, none).await.names(422, "invalid-fields", &["quantity"]);
        desk.post(&charges, json!({"description": "All the tape back", "amount": gbp(-600)})).await.is(201);
        // More than is due becomes credit.
        clinic.takes_cash(&appointment, 6000).await;
        let stands = desk.reads(&format!("/appointments/{appointment}")).await;
        assert_eq!((&stands["balance"], &stands["credit"], &stands["paid"]), (&gbp(0), &gbp(1000), &gbp(6000)));
    }

    async fn an_appointment_moves_and_changes_in_one_call(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let link = id(&clinic.issues_link(&appointment).await);
        let path = format!("/appointments/{appointment}");
        let before = desk.reads(&path).await;
        assert_eq!(desk.patch(&path, json!({})).await.is(200), before);
        let moved = desk.patch(&path, json!({"starts_at": in_days(&clinic, 6).await, "status": "confirmed"})).await.is(200);
        assert_eq!((&moved["starts_at"], &moved["status"]), (&json!(in_days(&clinic, 6).await), &json!("confirmed")));
        assert_eq!(moved["payment_links"][0]["status"], "created", "the link stays with it");
        for (body, field) in [
            (json!({"status": "gone"}), "status"),
            (json!({"status": null}), "status"),
            (json!({"starts_at": "2126-01-01T09:00:00Z"}), "starts_at"),
            (json!({"starts_at": null}), "starts_at"),
        ] {
            desk.patch(&path, body).await.names(422, "invalid-fields", &[field]);
        }
        clinic.takes_cash(&appointment, 500).await;
        let cancelled = desk.patch(&path, json!({"status": "cancelled"})).await.is(200);
        for (field, expected) in [("status", json!("cancelled")), ("total", gbp(0)), ("credit", gbp(500)), ("balance", gbp(0))] {
            assert_eq!(cancelled[field], expected, "{field}");
        }
        let closed = desk.reads(&format!("/payment-links/{link}")).await;
        assert_eq!((&closed["status"], &closed["closed_because"]), (&json!("cancelled"), &json!("appointment_cancelled")));
        desk.patch(&path, json!({"status": "booked"})).await.is_problem(409, "appointment-cancelled");
        desk.patch(&path, json!({"starts_at": in_days(&clinic, 7).await})).await.is_problem(409, "appointment-cancelled");
        let asked = desk.post(&format!("{path}/payment-links"), json!({"purpose": "balance"})).await;
        asked.is_problem(409, "appointment-cancelled");
    }

    async fn a_practitioner_is_not_booked_twice_where_that_is_asked(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let patient = desk.adds_patient("Rosa Lindqvist").await;
        let service = desk.offers_service(4500, json!({"kind": "none"})).await;
        let practitioner = desk.employs("Dr Hale").await;
        let mut body = json!({"patient_id": patient, "service_ids": [service], "practitioner_id": practitioner,
            "starts_at": in_days(&clinic, 3).await});
        desk.post("/appointments", body.clone()).await.is(201);
        body["despite_overlap"] = json!(false);
        desk.post("/appointments", body.clone()).await.names(409, "time-taken", &["starts_at"]);
        // Without a word the practice's own system is believed: it may know what a diary does not.
        body.as_object_mut().unwrap().remove("despite_overlap");
        desk.post("/appointments", body).await.is(201);
    }

    async fn a_patient_is_corrected_field_by_field(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let path = format!("/patients/{}", desk.adds_patient("Rosa Lindqvist").await);
        let made = desk.reads(&path).await;
        assert_eq!((&made["phone"], &made["locale"]), (&json!("+447700900123"), &json!("en-GB")));
        let changed = desk.patch(&path, json!({"email": null})).await.is(200);
        assert_eq!((&changed["email"], &changed["phone"], &changed["name"]), (&Value::Null, &made["phone"], &made["name"]));
        let changed = desk.patch(&path, json!({"name": "Rosa Berg", "phone": "+44 7700 900456"})).await.is(200);
        assert_eq!((&changed["name"], &changed["phone"]), (&json!("Rosa Berg"), &json!("+447700900456")));
        assert_eq!(desk.reads(&path).await, changed);
    }

    async fn every_deposit_rule_reads_back(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        for deposit in [
            json!({"kind": "none"}),
            json!({"kind": "fixed", "amount": gbp(1000)}),
            json!({"kind": "percent", "percent": 25}),
            json!({"kind": "full"}),
        ] {
            let service = desk.offers_service(4500, deposit.clone()).await;
            let read = desk.reads(&format!("/services/{service}")).await;
            assert_eq!((&read["deposit"], &read["price"]), (&deposit, &gbp(4500)));
        }
        let silent = json!({"name": "Chat", "duration_minutes": 5, "price": gbp(0)});
        assert_eq!(desk.post("/services", silent).await.is(201)["deposit"], json!({"kind": "none"}));
    }
}
