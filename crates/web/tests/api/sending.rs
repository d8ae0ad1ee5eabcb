//! Sending within limits (hazard D13): what is told, in which order, and until when.

use serde_json::{Value, json};

use crate::desk::{gbp, id};
use crate::harness::{Caller, Clinic, House, Reply, on_both_engines};

async fn sends(desk: &Caller, link: &str, body: Value) -> Reply {
    desk.post(&format!("/payment-links/{link}/deliveries"), body)
        .await
}

/// A link of a fresh appointment.
async fn asks(clinic: &Clinic) -> String {
    let appointment = clinic.books(4500).await;
    id(&clinic.issues_link(&appointment).await)
}

/// The `Retry-After` of a refusal, in seconds.
fn wait(reply: &Reply) -> i64 {
    reply
        .header("retry-after")
        .and_then(|text| text.parse().ok())
        .expect("a Retry-After")
}

on_both_engines! {
    async fn a_number_gets_three_texts_a_day_whoever_sends_them(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        for _ in 0..3 {
            sends(&desk, &asks(&clinic).await, json!({"channel": "sms"})).await.is(201);
        }
        let link = asks(&clinic).await;
        for caller in [&desk, &clinic.as_role(remit_core::roles::Role::Reception)] {
            let refused = sends(caller, &link, json!({"channel": "sms", "to": "+44 7700 900 123"})).await;
            let told = refused.is_problem(429, "sending-limit");
            assert!(told["detail"].as_str().unwrap().starts_with("3 texts went to this number today"), "{told}");
            assert!((1..=25 * 3600).contains(&wait(&refused)), "until midnight: {}", wait(&refused));
        }
        // Nothing was written, another number and the other channel are free, and tomorrow it may be sent.
        assert_eq!(desk.reads(&format!("/payment-links/{link}")).await["deliveries"], json!([]));
        sends(&desk, &link, json!({"channel": "email"})).await.is(201);
        sends(&desk, &link, json!({"channel": "sms", "to": "07700 900124"})).await.is(201);
        house.waits(remit_core::DAY_MS);
        sends(&desk, &link, json!({"channel": "sms"})).await.is(201);
    }

    async fn each_limit_is_told_by_its_own_words(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let mut number = 900_200;
        let mut send = async |channel: &str| {
            number += 1;
            let to = match channel {
                "sms" => format!("07700 {number}"),
                _ => format!("rosa{number}@example.com"),
            };
            sends(&desk, &asks(&clinic).await, json!({"channel": channel, "to": to})).await
        };
        let limits = async |body: Value| desk.put("/settings/sending-limits", body).await.is(200);
        limits(json!({"per_staff": 2, "per_clinic": 100})).await;
        send("sms").await.is(201);
        send("email").await.is(201);
        let told = send("sms").await.is_problem(429, "sending-limit");
        assert!(told["detail"].as_str().unwrap().starts_with("2 messages were sent with this key today"), "{told}");
        limits(json!({"per_staff": 100, "per_clinic": 2})).await;
        let told = send("email").await.is_problem(429, "sending-limit");
        assert!(told["detail"].as_str().unwrap().starts_with("The clinic sent 2 messages today"), "{told}");
        // One text of 4 pence was sent; two more reach the limit, and a third would pass it.
        let shown = limits(json!({"per_clinic": 100, "money": gbp(12)})).await;
        assert_eq!((&shown["today"]["messages"], &shown["today"]["spent"]), (&json!(2), &gbp(4)), "{shown}");
        send("sms").await.is(201);
        send("sms").await.is(201);
        let told = send("sms").await.is_problem(429, "sending-limit");
        assert!(told["detail"].as_str().unwrap().starts_with("Texts would cost more than £0.12"), "{told}");
        send("email").await.is(201);
    }

    async fn what_cannot_be_texted_has_words_of_its_own(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let link = asks(&clinic).await;
        let told = async |body: Value| {
            let told = sends(&desk, &link, body).await.names(422, "invalid-fields", &["to"]);
            told["detail"].as_str().unwrap().to_owned()
        };
        let mut sentences = vec![
            told(json!({"channel": "sms", "to": "0117 496 0142"})).await,
            told(json!({"channel": "sms", "to": "+33 6 12 34 56 78"})).await,
            told(json!({"channel": "sms", "to": "07700 900123\r\n07700 900124"})).await,
            told(json!({"channel": "sms", "to": "12"})).await,
            told(json!({"channel": "email", "to": "rosa@example.com\r\nBcc: all@example.com"})).await,
            told(json!({"channel": "email", "to": "rosa"})).await,
        ];
        let starts = ["This number cannot receive texts", "This is a number of another country (FR)",
            "A phone number is one line", "Enter a phone number", "An email address is one line",
            "Enter an email address"];
        for (sentence, start) in sentences.iter().zip(starts) {
            assert!(sentence.starts_with(start), "{sentence}");
        }
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), 6, "each its own: {sentences:?}");
        desk.put("/settings/sending-limits", json!({"countries": ["GB", "FR"]})).await.is(200);
        sends(&desk, &link, json!({"channel": "sms", "to": "+33 6 12 34 56 78"})).await.is(201);
    }

    async fn limits_are_kept_and_what_cannot_be_is_named(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let shown = desk.reads("/settings/sending-limits").await;
        assert_eq!((&shown["per_number"], &shown["countries"]), (&json!(3), &json!([])));
        for (body, field) in [
            (json!({"per_number": 0}), "per_number"), (json!({"per_number": null}), "per_number"),
            (json!({"per_staff": 10_001}), "per_staff"), (json!({"money": gbp(-1)}), "money"),
            (json!({"segment_cost": gbp(1_001)}), "segment_cost"), (json!({"countries": ["XX"]}), "countries"),
            (json!({"countries": ["gb"]}), "countries"), (json!({"per_day": 1}), "per_day"),
        ] {
            desk.put("/settings/sending-limits", body).await.names(422, "invalid-fields", &[field]);
        }
        desk.put("/settings/sending-limits", json!({"money": {"amount": 1, "currency": "EUR"}})).await
            .names(422, "other-currency", &["money.currency"]);
        assert_eq!(desk.reads("/settings/sending-limits").await["per_number"], json!(3));
    }
}
