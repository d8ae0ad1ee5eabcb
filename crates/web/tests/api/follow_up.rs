//! Links that somebody should look after, what is done about them, and what leaves by itself.

use remit_core::DAY_MS;
use serde_json::{Value, json};

use crate::desk::id;
use crate::harness::{House, on_both_engines};

on_both_engines! {
    async fn each_link_has_the_reason_why_somebody_should_call(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let link = async || {
            let appointment = clinic.books(4500).await;
            let link = id(&clinic.issues_link(&appointment).await);
            (appointment, link)
        };
        let follow_ups = async || -> Vec<(String, String)> {
            let list = desk.reads("/follow-ups").await;
            let word = |one: &Value| {
                (one["reason"].as_str().unwrap().to_owned(), id(&one["payment_link"]))
            };
            list["data"].as_array().unwrap().iter().map(word).collect()
        };

        // One expires and one expires and asks; a third is renewed, a fourth paid: nobody has to call those.
        let (_, expired) = link().await;
        let (_, asked) = link().await;
        let (_, renewed) = link().await;
        let (settled, _) = link().await;
        house.waits(2 * DAY_MS);
        remit_app::expire::run(&clinic.app).await.unwrap();
        remit_app::links::ask_for_new(&clinic.app, clinic.id, asked.parse().unwrap()).await.unwrap();
        remit_app::links::ask_for_new(&clinic.app, clinic.id, renewed.parse().unwrap()).await.unwrap();
        desk.post(&format!("/payment-links/{renewed}/renew"), json!({})).await.is(201);
        clinic.takes_cash(&settled, 4500).await;
        // No channel is set up, so a text fails; another link is opened.
        let (_, failed) = link().await;
        desk.post(&format!("/payment-links/{failed}/deliveries"), json!({"channel": "sms"})).await.is(201);
        while remit_app::outbox::run(&clinic.app).await.unwrap() > 0 {}
        let (_, opened) = link().await;
        remit_app::visits::seen(&clinic.app, clinic.id, opened.parse().unwrap()).await.unwrap();
        let wanted = [("asked", &asked), ("failed", &failed), ("accessed", &opened), ("expired", &expired)];
        let wanted = wanted.map(|(why, link)| (why.to_owned(), link.clone()));
        assert_eq!(follow_ups().await, wanted);
        // A fortnight later what expired is history; who asked is not.
        house.waits(15 * DAY_MS);
        remit_app::expire::run(&clinic.app).await.unwrap();
        assert!(follow_ups().await.iter().all(|(_, link)| *link != expired));
        assert!(follow_ups().await.contains(&("asked".to_owned(), asked)));
    }

    async fn a_note_and_a_call_stay_with_the_link_and_its_timeline(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let link = id(&clinic.issues_link(&appointment).await);
        let path = format!("/payment-links/{link}/follow-up");
        let mark = desk.post(&path, json!({"called": true})).await.is(200);
        assert!(mark["called_at"].is_string() && mark["note"].is_null(), "{mark}");
        assert!(mark["called_by"].as_str().unwrap().contains("owner"), "{mark}");
        let mark = desk.post(&path, json!({"note": " Pays on Friday. "})).await.is(200);
        assert_eq!(mark["note"], json!("Pays on Friday."));
        assert!(mark["called_at"].is_string(), "the call stays: {mark}");
        let mark = desk.post(&path, json!({"note": null})).await.is(200);
        assert_eq!(mark["note"], Value::Null);
        let events = desk.reads(&format!("/payment-links/{link}/events")).await;
        let kinds: Vec<&str> = events["data"].as_array().unwrap().iter()
            .map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds[..3], ["follow_up.noted", "follow_up.noted", "follow_up.called"], "{events}");
        desk.post(&path, json!({})).await.names(422, "invalid-fields", &["note"]);
        desk.post(&path, json!({"note": "x".repeat(301)})).await.names(422, "invalid-fields", &["note"]);
        desk.post(&path, json!({"note": "a\nb"})).await.names(422, "invalid-fields", &["note"]);
        desk.post("/payment-links/lnk_019ab000000070008000000000000001/follow-up", json!({"called": true})).await
            .is_problem(404, "not-found");
    }

    async fn reminders_are_off_until_hours_are_named(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let off = json!({"unopened_after_hours": null, "unpaid_after_hours": null, "before_expiry_hours": null,
            "quiet_from": "20:00", "quiet_to": "09:00"});
        assert_eq!(desk.reads("/settings/reminders").await, off);
        let on = json!({"unopened_after_hours": 24, "unpaid_after_hours": null, "before_expiry_hours": 6,
            "quiet_from": "21:30", "quiet_to": "08:00"});
        assert_eq!(desk.put("/settings/reminders", on.clone()).await.is(200), on);
        assert_eq!(desk.reads("/settings/reminders").await, on);
        for (change, field) in [
            (json!({"unopened_after_hours": 0}), "unopened_after_hours"),
            (json!({"unpaid_after_hours": 48}), "unpaid_after_hours"),
            (json!({"before_expiry_hours": -1}), "before_expiry_hours"),
            (json!({"quiet_from": "24:00"}), "quiet_from"), (json!({"quiet_to": "nine"}), "quiet_to"),
            (json!({"colour": 1}), "colour"),
        ] {
            let mut body = on.clone();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            desk.put("/settings/reminders", body).await.names(422, "invalid-fields", &[field]);
        }
    }
}
