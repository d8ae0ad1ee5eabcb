//! Idempotency keys (hazards A15, C7): one effect and one answer, whatever was cut off in between.

use remit_app::appointments::BookingInput;
use remit_app::deliveries::DeliveryInput;
use remit_app::idempotency::{Claimed, Turn, claim};
use remit_app::payments::{Checkout, DeskInput};
use remit_app::refunds::RefundInput;
use remit_app::{Actor, api_keys};
use remit_core::deliveries::Channel;
use remit_core::links::Purpose;
use remit_core::money::Money;
use remit_core::payments::DeskMethod;
use serde_json::{Value, json};

use crate::desk::{gbp, id, in_days};
use crate::harness::{Ask, Clinic, House, on_both_engines};

/// Longer than a request may work before another takes its key over.
const LEASE_MS: i64 = 31_000;

/// The clinic's owner key, as the verbs know it.
async fn actor(clinic: &Clinic) -> Actor {
    let secret = clinic.owner().secret.unwrap();
    api_keys::caller(&clinic.app, &secret)
        .await
        .unwrap()
        .unwrap()
}

/// A request that claimed its key and was never heard of again.
async fn lost(clinic: &Clinic, key: &str, path: &str, body: &Value) -> Claimed {
    let (who, request, body) = (
        actor(clinic).await,
        format!("POST {path}"),
        body.to_string(),
    );
    match claim(&clinic.app, &who, key, &request, body.as_bytes())
        .await
        .unwrap()
    {
        Turn::Work(claimed) => claimed,
        other => panic!("the key was not free: {other:?}"),
    }
}

on_both_engines! {
    async fn the_same_request_has_one_effect_and_one_answer(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let path = format!("/appointments/{appointment}/payments");
        let body = json!({"method": "cash", "amount": gbp(500)});
        let first = desk.post_under("k1", &path, &body).await;
        let second = desk.post_under("k1", &path, &body).await;
        assert_eq!(first.is(201), second.is(201));
        assert_eq!(first.header("idempotent-replayed"), None);
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        assert_eq!(second.header("content-type"), Some("application/json"));
        assert_eq!(desk.reads(&format!("/appointments/{appointment}")).await["paid"], gbp(500));

        let other = json!({"method": "cash", "amount": gbp(501)});
        desk.post_under("k1", &path, &other).await.is_problem(422, "idempotency-key-reused");
        // Another key, another path, another caller: another request.
        desk.post_under("k2", &path, &body).await.is(201);
        let elsewhere = clinic.books(4500).await;
        desk.post_under("k1", &format!("/appointments/{elsewhere}/payments"), &body).await.is(201);
        let colleague = clinic.as_role(remit_core::roles::Role::Reception);
        let fresh = colleague.post_under("k1", &path, &body).await;
        assert_ne!(fresh.is(201)["id"], first.json()["id"]);
        assert_eq!(desk.reads(&format!("/appointments/{appointment}")).await["paid"], gbp(1500));
    }

    async fn a_refusal_is_replayed_as_it_was(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        clinic.takes_cash(&appointment, 4500).await;
        let path = format!("/appointments/{appointment}/payment-links");
        let body = json!({"purpose": "balance"});
        let first = desk.post_under("k1", &path, &body).await;
        first.is_problem(409, "nothing-due");
        let charge = json!({"description": "X-ray", "amount": gbp(900)});
        desk.post(&format!("/appointments/{appointment}/charges"), charge).await.is(201);
        let second = desk.post_under("k1", &path, &body).await;
        assert_eq!(second.is_problem(409, "nothing-due"), first.json());
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        assert_eq!(second.header("content-type"), Some("application/problem+json"));
        desk.post_under("k2", &path, &body).await.is(201);
    }

    async fn a_passing_refusal_is_not_kept(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let link = id(&clinic.issues_link(&appointment).await);
        let path = format!("/payment-links/{link}/deliveries");
        let body = json!({"channel": "sms"});
        desk.post_under("k1", &path, &body).await.is(201);
        desk.post_under("k2", &path, &body).await.is_problem(429, "too-soon");
        house.waits(3 * remit_core::MINUTE_MS);
        let made = desk.post_under("k2", &path, &body).await;
        made.is(201);
        assert_eq!(made.header("idempotent-replayed"), None);
    }

    async fn a_key_is_one_short_visible_text(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let body = json!({"name": "Rosa Lindqvist"});
        let longest = "k".repeat(255);
        desk.post_under(&longest, "/patients", &body).await.is(201);
        for key in ["", "with space", "é", &"k".repeat(256)] {
            desk.post_under(key, "/patients", &body).await.is_problem(400, "bad-idempotency-key");
        }
        let twice = Ask::new("POST", "/patients").json(&body).under("a").under("b");
        desk.send(twice).await.is_problem(400, "bad-idempotency-key");
    }

    async fn a_request_under_way_is_not_begun_again(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let body = json!({"name": "Rosa Lindqvist"});
        let claimed = lost(&clinic, "k1", "/patients", &body).await;
        desk.post_under("k1", "/patients", &body).await.is_problem(409, "request-in-flight");
        let other = json!({"name": "Another"});
        desk.post_under("k1", "/patients", &other).await.is_problem(422, "idempotency-key-reused");
        house.waits(LEASE_MS);
        let made = desk.post_under("k1", "/patients", &body).await.is(201);
        let expected: remit_core::ids::PatientId = claimed.id();
        assert_eq!(made["id"], expected.to_string());
    }

    async fn many_at_once_have_one_effect(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let path = format!("/appointments/{appointment}/payments");
        let body = json!({"method": "cash", "amount": gbp(100)});
        let tasks: Vec<_> = (0..12).map(|_| {
            let (desk, path, body) = (desk.clone(), path.clone(), body.clone());
            tokio::spawn(async move { desk.post_under("k1", &path, &body).await })
        }).collect();
        let mut made = std::collections::BTreeSet::new();
        for task in tasks {
            let reply = task.await.unwrap();
            match reply.status {
                201 => { made.insert(id(&reply.json())); }
                _ => { reply.is_problem(409, "request-in-flight"); }
            }
        }
        assert_eq!(made.len(), 1);
        assert_eq!(desk.reads(&format!("/appointments/{appointment}")).await["paid"], gbp(100));
    }

    async fn a_payment_cut_off_after_its_commit_is_found(house: House) {
        let clinic = house.founds("lark").await;
        let appointment = clinic.books(4500).await;
        let path = format!("/appointments/{appointment}/payments");
        let body = json!({"method": "cash", "amount": gbp(4500)});
        let claimed = lost(&clinic, "k1", &path, &body).await;
        let sum = DeskInput { method: DeskMethod::Cash, amount: Money::gbp(4500), reference: None };
        let input = Checkout { taken: vec![sum], link: None, despite_live_payment: false };
        let who = actor(&clinic).await;
        let place = appointment.parse().unwrap();
        let made = remit_app::payments::check_out(&clinic.app, &who, place, Some(claimed.id()), &input).await.unwrap();
        house.waits(LEASE_MS);
        let found = clinic.owner().post_under("k1", &path, &body).await.is(201);
        assert_eq!(found["id"], made.payments[0].to_string());
        let stands = clinic.owner().reads(&format!("/appointments/{appointment}")).await;
        assert_eq!((&stands["paid"], stands["payments"].as_array().unwrap().len()), (&gbp(4500), 1));
    }

    async fn a_link_cut_off_after_its_commit_is_found(house: House) {
        let clinic = house.founds("lark").await;
        let appointment = clinic.books(4500).await;
        let path = format!("/appointments/{appointment}/payment-links");
        let body = json!({"purpose": "deposit"});
        let claimed = lost(&clinic, "k1", &path, &body).await;
        let who = actor(&clinic).await;
        let place = appointment.parse().unwrap();
        let made = remit_app::links::issue(&clinic.app, &who, place, Some(claimed.id()), Purpose::Deposit).await.unwrap();
        house.waits(LEASE_MS);
        let found = clinic.owner().post_under("k1", &path, &body).await.is(201);
        assert_eq!(found["id"], made.to_string());
        let stands = clinic.owner().reads(&format!("/appointments/{appointment}")).await;
        assert_eq!(stands["payment_links"].as_array().unwrap().len(), 1);
    }

    async fn a_delivery_cut_off_after_its_commit_is_found(house: House) {
        let clinic = house.founds("lark").await;
        let appointment = clinic.books(4500).await;
        let link = id(&clinic.issues_link(&appointment).await);
        let path = format!("/payment-links/{link}/deliveries");
        let body = json!({"channel": "email", "to": "rosa@example.org"});
        let claimed = lost(&clinic, "k1", &path, &body).await;
        let input = DeliveryInput { channel: Channel::Email, to: Some("rosa@example.org".into()), remember: false };
        let who = actor(&clinic).await;
        let place = link.parse().unwrap();
        let made = remit_app::deliveries::deliver(&clinic.app, &who, place, Some(claimed.id()), &input).await.unwrap();
        house.waits(LEASE_MS);
        let found = clinic.owner().post_under("k1", &path, &body).await.is(201);
        assert_eq!(found["id"], made.id.to_string());
        let stands = clinic.owner().reads(&format!("/payment-links/{link}")).await;
        assert_eq!(stands["deliveries"].as_array().unwrap().len(), 1);
    }

    async fn a_refund_cut_off_after_its_commit_is_found(house: House) {
        let clinic = house.founds("lark").await;
        let appointment = clinic.books(4500).await;
        let payment = id(&clinic.takes_cash(&appointment, 4500).await);
        let path = format!("/payments/{payment}/refunds");
        let body = json!({"amount": gbp(1000)});
        let claimed = lost(&clinic, "k1", &path, &body).await;
        let input = RefundInput { amount: Some(Money::gbp(1000)), reason: None, reopen: false, correction: false, seen_available: None };
        let who = actor(&clinic).await;
        let place = payment.parse().unwrap();
        let made = remit_app::refunds::request(&clinic.app, &who, place, Some(claimed.id()), &input).await.unwrap();
        house.waits(LEASE_MS);
        let found = clinic.owner().post_under("k1", &path, &body).await.is(201);
        assert_eq!(found["id"], made.to_string());
        assert_eq!(clinic.owner().reads(&format!("/payments/{payment}")).await["refunded"], gbp(1000));
    }

    async fn an_appointment_cut_off_after_its_commit_is_found(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let patient = desk.adds_patient("Rosa Lindqvist").await;
        let service = desk.offers_service(4500, json!({"kind": "full"})).await;
        let starts_at = in_days(&clinic, 5).await;
        let body = json!({"patient_id": patient, "service_ids": [service], "starts_at": starts_at});
        let claimed = lost(&clinic, "k1", "/appointments", &body).await;
        let input = BookingInput {
            patient: patient.parse().unwrap(),
            services: vec![service.parse().unwrap()],
            practitioner: None,
            starts_at: starts_at.parse::<jiff::Timestamp>().unwrap().as_millisecond(),
            with_deposit_link: false,
            despite_overlap: false,
        };
        let who = actor(&clinic).await;
        let (made, _) = remit_app::appointments::book(&clinic.app, &who, Some(claimed.id()), &input).await.unwrap();
        house.waits(LEASE_MS);
        let found = desk.post_under("k1", "/appointments", &body).await.is(201);
        assert_eq!(found["id"], made.to_string());
        let all = desk.reads(&format!("/appointments?patient_id={patient}")).await;
        assert_eq!(all["data"].as_array().unwrap().len(), 1);
        assert_eq!(all["data"][0]["total"], gbp(4500));
    }

    async fn a_charge_cut_off_after_its_commit_is_found_even_when_it_was_taken_away(house: House) {
        let clinic = house.founds("lark").await;
        let appointment = clinic.books(4500).await;
        let path = format!("/appointments/{appointment}/charges");
        let body = json!({"description": "X-ray", "amount": gbp(900)});
        let claimed = lost(&clinic, "k1", &path, &body).await;
        let input = remit_app::appointments::ChargeInput { description: "X-ray".into(), quantity: 1, amount: Money::gbp(900), despite_live_payment: false };
        let who = actor(&clinic).await;
        let place = appointment.parse().unwrap();
        let charge: remit_core::ids::ChargeId = claimed.id();
        remit_app::appointments::add_charge(&clinic.app, &who, place, Some(charge), &input).await.unwrap();
        remit_app::appointments::remove_charge(&clinic.app, &who, place, charge, None, false).await.unwrap();
        house.waits(LEASE_MS);
        let found = clinic.owner().post_under("k1", &path, &body).await.is(201);
        assert_eq!(found["total"], gbp(4500));
    }
}
