//! Idempotency keys (hazards A15, A26).

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{Answer, Clinic, id};

pub async fn the_same_key_has_one_effect(clinic: &Clinic) {
    let visit = clinic.books(7_000, json!({ "kind": "none" })).await;
    let path = format!("/appointments/{}/payments", id(&visit));
    let body = json!({ "method": "cash", "amount": crate::clinic::gbp(1_000) });
    let other = json!({ "method": "cash", "amount": crate::clinic::gbp(1_001) });
    let key = format!("once-{}", id(&visit));
    let nodes = clinic.nodes.len();
    let first = clinic
        .call(0, Method::POST, &path, Some(&body), Some(&key))
        .await;
    let again = clinic
        .call(nodes - 1, Method::POST, &path, Some(&body), Some(&key))
        .await;
    assert_eq!((first.status, &first.json), (again.status, &again.json));
    let replayed = again
        .headers
        .iter()
        .find(|(name, _)| name == "idempotent-replayed");
    assert!(replayed.is_some(), "{:?}", again.headers);
    let reused = clinic
        .call(0, Method::POST, &path, Some(&other), Some(&key))
        .await;
    assert_eq!(
        (reused.status, reused.problem()),
        (422, "idempotency-key-reused")
    );
    let visit = clinic.visit(&visit).await;
    assert_eq!(crate::clinic::minor(&visit["paid"]), 1_000);
    let refused = clinic
        .call(0, Method::POST, &path, Some(&body), Some("not visible"))
        .await;
    assert_eq!(
        (refused.status, refused.problem()),
        (400, "bad-idempotency-key")
    );
}

pub async fn twenty_clicks_at_once_make_one_link(clinic: &Clinic) {
    let visit = clinic.books(7_100, json!({ "kind": "none" })).await;
    let path = format!("/appointments/{}/payment-links", id(&visit));
    let body = json!({ "purpose": "balance" });
    let key = format!("clicks-{}", id(&visit));
    let clicks = (0..20).map(|click| {
        let node = click % clinic.nodes.len();
        clinic.call(node, Method::POST, &path, Some(&body), Some(&key))
    });
    let answers: Vec<Answer> = join_all(clicks).await;
    let made: Vec<&Value> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| &answer.json["id"])
        .collect();
    assert!(
        !made.is_empty() && made.iter().all(|link| *link == made[0]),
        "{answers:?}"
    );
    let others = answers.iter().filter(|answer| answer.status != 201);
    let in_flight = others
        .clone()
        .filter(|answer| answer.problem() == "request-in-flight");
    assert_eq!(others.count(), in_flight.count(), "{answers:?}");
    let visit = clinic.visit(&visit).await;
    assert_eq!(visit["payment_links"].as_array().map(Vec::len), Some(1));
}
