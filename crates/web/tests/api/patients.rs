//! Patients: a change on top of another one, a merged duplicate, and what a key of the viewer role reads.

use remit_app::Actor;
use remit_app::patients::merging::{Merge, Side, merge};
use remit_core::roles::Role;
use serde_json::json;

use crate::desk::{id, in_days};
use crate::harness::{House, on_both_engines};

on_both_engines! {
    async fn a_change_may_name_the_version_it_was_made_to(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let path = format!("/patients/{}", desk.adds_patient("Rosa Lindqvist").await);
        let version = desk.reads(&path).await["version"].clone();
        let changed = desk.patch(&path, json!({"name": "Rosa Lind", "version": version})).await.is(200);
        assert_ne!(changed["version"], version);
        let late = desk.patch(&path, json!({"name": "Rosa Quist", "version": version})).await;
        late.is_problem(409, "changed-meanwhile");
        assert_eq!(desk.reads(&path).await["name"], "Rosa Lind");
        desk.patch(&path, json!({"name": "Rosa Quist"})).await.is(200);
    }

    async fn the_id_of_a_merged_duplicate_leads_on(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let (kept, old) = (desk.adds_patient("Rosa Lindqvist").await, desk.adds_patient("Rosa Lind").await);
        let service = desk.offers_service(4500, json!({"kind": "none"})).await;
        let body = |patient: &str, at: String| json!({"patient_id": patient, "service_ids": [service], "starts_at": at});
        let before = id(&desk.post("/appointments", body(&old, in_days(&clinic, 3).await)).await.is(201));
        let wish = Merge { kept: kept.parse().unwrap(), duplicate: old.parse().unwrap(), kept_version: 1,
            duplicate_version: 1, name: Side::Kept, phone: Side::Kept, email: Side::Kept, locale: Side::Kept };
        merge(&clinic.app, &Actor::remit(clinic.id), &wish).await.unwrap();
        assert_eq!(desk.reads(&format!("/patients/{old}")).await["id"], kept);
        let after = id(&desk.post("/appointments", body(&old, in_days(&clinic, 4).await)).await.is(201));
        let moved = desk.reads(&format!("/appointments?patient_id={kept}")).await;
        let moved: Vec<&str> = moved["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert!(moved.contains(&before.as_str()) && moved.contains(&after.as_str()), "{moved:?}");
        let listed = desk.reads("/patients").await;
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
        desk.patch(&format!("/patients/{old}"), json!({"name": "Rosa"})).await.is(200);
        assert_eq!(desk.reads(&format!("/patients/{kept}")).await["name"], "Rosa");
    }

    async fn a_viewers_key_reads_masked_numbers(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let link = id(&clinic.issues_link(&appointment).await);
        desk.post(&format!("/payment-links/{link}/deliveries"), json!({"channel": "sms"})).await.is(201);
        let viewer = clinic.as_role(Role::Viewer);
        for path in ["/patients".to_owned(), "/patients?q=rosa".to_owned(), format!("/payment-links/{link}"),
            format!("/payment-links/{link}/events"), format!("/appointments/{appointment}"), "/payment-links".to_owned(),
            "/follow-ups".to_owned()] {
            let seen = viewer.reads(&path).await.to_string();
            assert!(!seen.contains("7700900123") && !seen.contains("rosa@example.com"), "{path}: {seen}");
        }
        let seen = viewer.reads("/patients").await;
        assert_eq!(seen["data"][0]["phone"], "+44 •••• ••0123");
        assert_eq!(desk.reads("/patients").await["data"][0]["phone"], "+447700900123");
    }
}
