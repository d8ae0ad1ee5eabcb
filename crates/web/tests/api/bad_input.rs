//! What is refused, and that the refusal says where and what to do.

use serde_json::{Value, json};

use crate::desk::{gbp, id, in_days};
use crate::harness::{Ask, House, on_both_engines};

fn eur(minor: i64) -> Value {
    json!({"amount": minor, "currency": "EUR"})
}

on_both_engines! {
    async fn a_body_is_json_of_at_most_64_kib(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let send = async |content_type: &str, body: Vec<u8>| {
            desk.send(Ask::new("POST", "/patients").text(content_type, body)).await
        };
        for body in ["{", "{\"name\":", "nonsense", "{\"name\":\"A\"} x", "\u{feff}{}", "{\"name\":\"\\ud800\"}"] {
            send("application/json", body.into()).await.is_problem(400, "malformed-request");
        }
        send("application/json", vec![b'{', b'"', 0xff, b'"', b'}']).await.is_problem(400, "malformed-request");
        send("application/json", "[".repeat(5000).into()).await.is_problem(400, "malformed-request");
        // A list would fill the fields by their place.
        send("application/json", "[\"Rosa\"]".into()).await.names(422, "invalid-fields", &["body"]);
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"] {
            send(content_type, "{\"name\":\"A\"}".into()).await.is_problem(415, "unsupported-media-type");
        }
        send("Application/JSON; charset=utf-8", "{\"name\":\"A\"}".into()).await.is(201);
        let padded = |bytes: usize| {
            let body = "{\"name\":\"A\"}";
            format!("{body}{}", " ".repeat(bytes - body.len())).into_bytes()
        };
        send("application/json", padded(64 * 1024)).await.is(201);
        send("application/json", padded(64 * 1024 + 1)).await.is_problem(413, "body-too-large");
    }

    async fn unknown_fields_and_parameters_are_named(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let link = id(&clinic.issues_link(&appointment).await);
        let payment = id(&clinic.takes_cash(&appointment, 500).await);
        let surplus = |mut body: Value| { body["colour"] = json!("blue"); body };
        for (method, path, body, field) in [
            ("POST", "/patients".into(), surplus(json!({"name": "A"})), "colour"),
            ("PATCH", format!("/appointments/{appointment}"), surplus(json!({})), "colour"),
            ("POST", "/services".into(), json!({"name": "A", "duration_minutes": 5, "price": surplus(gbp(1))}), "price.colour"),
            ("POST", "/services".into(), json!({"name": "A", "duration_minutes": 5, "price": gbp(1),
                "deposit": surplus(json!({"kind": "full"}))}), "deposit.colour"),
            ("POST", "/practitioners".into(), surplus(json!({"name": "A"})), "colour"),
            ("POST", "/appointments".into(), surplus(json!({})), "colour"),
            ("POST", format!("/appointments/{appointment}/charges"), surplus(json!({})), "colour"),
            ("POST", format!("/appointments/{appointment}/payments"), surplus(json!({})), "colour"),
            ("POST", format!("/appointments/{appointment}/payment-links"), surplus(json!({})), "colour"),
            ("POST", format!("/payment-links/{link}/deliveries"), surplus(json!({})), "colour"),
            ("POST", format!("/payment-links/{link}/cancel"), surplus(json!({})), "colour"),
            ("POST", format!("/payment-links/{link}/renew"), surplus(json!({})), "colour"),
            ("POST", format!("/payments/{payment}/refunds"), surplus(json!({})), "colour"),
            ("PUT", "/settings/payment-methods".into(),
                json!({"methods": [surplus(json!({"method": "card", "enabled": true}))]}), "methods[0].colour"),
        ] {
            desk.send(Ask::new(method, &path).json(&body)).await.names(422, "invalid-fields", &[field]);
        }
        for (method, path) in [
            ("POST", "/patients".into()),
            ("GET", format!("/appointments/{appointment}")),
            ("PATCH", format!("/appointments/{appointment}")),
            ("GET", format!("/payment-links/{link}")),
            ("GET", format!("/payment-links/{link}/qr.svg")),
            ("POST", format!("/payment-links/{link}/cancel")),
            ("GET", format!("/payments/{payment}")),
            ("GET", "/settings/payment-methods".into()),
            ("PUT", "/settings/payment-methods".into()),
        ] {
            let ask = Ask::new(method, &format!("{path}?colour=blue"));
            desk.send(ask).await.names(400, "bad-parameter", &["colour"]);
        }
    }

    async fn each_field_says_what_is_wrong_with_it(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let patient = desk.adds_patient("Rosa Lindqvist").await;
        let service = desk.offers_service(4500, json!({"kind": "none"})).await;
        let starts_at = in_days(&clinic, 3).await;
        let patients = json!({"name": "Rosa"});
        let services = json!({"name": "Check-up", "duration_minutes": 30, "price": gbp(4500)});
        let appointments = json!({"patient_id": patient, "service_ids": [service], "starts_at": starts_at});
        let cases: [(&str, &Value, &str, Value, &str); 27] = [
            ("/patients", &patients, "name", json!("  "), "name"),
            ("/patients", &patients, "name", json!("a\u{0}b"), "name"),
            ("/patients", &patients, "name", json!("x".repeat(201)), "name"),
            ("/patients", &patients, "name", json!(7), "name"),
            ("/patients", &patients, "email", json!("rosa"), "email"),
            ("/patients", &patients, "phone", json!("12"), "phone"),
            ("/patients", &patients, "locale", json!("not a language"), "locale"),
            ("/services", &services, "name", json!(""), "name"),
            ("/services", &services, "duration_minutes", json!(0), "duration_minutes"),
            ("/services", &services, "duration_minutes", json!(721), "duration_minutes"),
            ("/services", &services, "price", gbp(-1), "price"),
            ("/services", &services, "price", json!(45), "price"),
            ("/services", &services, "price", json!({"amount": 45.5, "currency": "GBP"}), "price.amount"),
            ("/services", &services, "price", json!({"amount": "4500", "currency": "GBP"}), "price.amount"),
            ("/services", &services, "deposit", json!({"kind": "percent", "percent": 0}), "deposit"),
            ("/services", &services, "deposit", json!({"kind": "percent", "percent": 101}), "deposit"),
            ("/services", &services, "deposit", json!({"kind": "fixed", "amount": gbp(4501)}), "deposit"),
            ("/services", &services, "deposit", json!({"kind": "half"}), "deposit.kind"),
            ("/services", &services, "deposit", json!({"kind": "fixed"}), "deposit.amount"),
            ("/appointments", &appointments, "patient_id", json!("x"), "patient_id"),
            ("/appointments", &appointments, "service_ids", json!([]), "service_ids"),
            ("/appointments", &appointments, "service_ids", json!([7]), "service_ids[0]"),
            ("/appointments", &appointments, "service_ids", json!(vec![service.clone(); 21]), "service_ids"),
            ("/appointments", &appointments, "practitioner_id", json!("prc_019ab000000070008000000000000001"), "practitioner_id"),
            ("/appointments", &appointments, "starts_at", json!("tomorrow"), "starts_at"),
            ("/appointments", &appointments, "starts_at", json!("2126-01-01T09:00:00Z"), "starts_at"),
            ("/practitioners", &patients, "room", json!("a\u{0}b"), "room"),
        ];
        for (path, good, field, value, named) in cases {
            let mut body = good.clone();
            body[field] = value;
            let refused = desk.post(path, body).await;
            let body = refused.names(422, "invalid-fields", &[named]);
            let message = body["errors"][0]["message"].as_str().unwrap();
            assert!(message.ends_with('.') && message.len() > 10, "{message}");
            assert!(!message.contains("i64") && !message.contains("struct"), "for people: {message}");
        }
        for (path, good) in [("/patients", patients), ("/services", services), ("/appointments", appointments)] {
            for field in good.as_object().unwrap().keys() {
                let mut body = good.clone();
                body.as_object_mut().unwrap().remove(field);
                desk.post(path, body).await.names(422, "invalid-fields", &[field]);
            }
        }
        desk.patch(&format!("/patients/{patient}"), json!({"name": null})).await.names(422, "invalid-fields", &["name"]);
        desk.patch(&format!("/patients/{patient}"), json!({"email": "x"})).await.names(422, "invalid-fields", &["email"]);
    }

    async fn money_in_another_currency_or_out_of_bounds_is_refused(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let payment = id(&clinic.takes_cash(&appointment, 500).await);
        let paths = [
            (format!("/appointments/{appointment}/charges"), json!({"description": "X-ray"})),
            (format!("/appointments/{appointment}/payments"), json!({"method": "cash"})),
            (format!("/appointments/{appointment}/payment-links"), json!({"purpose": "custom"})),
            (format!("/payments/{payment}/refunds"), json!({})),
        ];
        for (path, good) in &paths {
            let with = |amount: Value| { let mut body = good.clone(); body["amount"] = amount; body };
            desk.post(path, with(eur(100))).await.names(422, "other-currency", &["amount"]);
            for code in ["XXX", "gbp", "", "POUND"] {
                let unknown = json!({"amount": 100, "currency": code});
                desk.post(path, with(unknown)).await.names(422, "other-currency", &["amount.currency"]);
            }
            desk.post(path, with(gbp(0))).await.names(422, "invalid-fields", &["amount"]);
            desk.post(path, with(gbp(i64::MAX))).await.names(422, "amount-too-large", &["amount.amount"]);
            desk.post(path, with(gbp(i64::MIN))).await.names(422, "amount-too-large", &["amount.amount"]);
            let huge = json!({"amount": 1e30, "currency": "GBP"});
            desk.post(path, with(huge)).await.names(422, "invalid-fields", &["amount.amount"]);
        }
        for (path, good) in &paths[1..] {
            let mut body = good.clone();
            body["amount"] = gbp(-100);
            desk.post(path, body).await.names(422, "invalid-fields", &["amount"]);
        }
        let price = json!({"name": "A", "duration_minutes": 5, "price": eur(100)});
        desk.post("/services", price).await.names(422, "invalid-fields", &["price"]);
        let stands = desk.reads(&format!("/appointments/{appointment}")).await;
        assert_eq!((&stands["total"], &stands["paid"], &stands["balance"]), (&gbp(4500), &gbp(500), &gbp(4000)));
        assert_eq!(stands["payment_links"], json!([]));
    }

    async fn rules_of_money_answer_with_their_own_kinds(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let links = format!("/appointments/{appointment}/payment-links");
        let charges = format!("/appointments/{appointment}/charges");
        let part = |minor: i64| json!({"purpose": "custom", "amount": gbp(minor)});
        desk.post(&links, part(4501)).await.names(422, "more-than-due", &["amount"]);
        desk.post(&links, json!({"purpose": "custom"})).await.names(422, "invalid-fields", &["amount"]);
        desk.post(&links, json!({"purpose": "balance", "amount": gbp(1)})).await.names(422, "invalid-fields", &["amount"]);
        desk.post(&links, json!({"purpose": "everything"})).await.names(422, "invalid-fields", &["purpose"]);
        desk.post(&charges, json!({"description": "Discount", "amount": gbp(-4501)})).await.names(422, "below-zero", &["amount"]);
        let payment = id(&clinic.takes_cash(&appointment, 4500).await);
        for purpose in ["deposit", "balance"] {
            desk.post(&links, json!({"purpose": purpose})).await.is_problem(409, "nothing-due");
        }
        let refunds = format!("/payments/{payment}/refunds");
        desk.post(&refunds, json!({"amount": gbp(4501)})).await.names(422, "more-than-refundable", &["amount"]);
        desk.post(&refunds, json!({"reason": "x".repeat(201)})).await.names(422, "invalid-fields", &["reason"]);
        desk.post(&refunds, json!({"reason": "a\u{0}b"})).await.names(422, "invalid-fields", &["reason"]);
        let takes = format!("/appointments/{appointment}/payments");
        let taken = |reference: &str| json!({"method": "cash", "amount": gbp(1), "reference": reference});
        desk.post(&takes, taken(&"x".repeat(101))).await.names(422, "invalid-fields", &["reference"]);
        desk.post(&takes, taken("a\u{0}b")).await.names(422, "invalid-fields", &["reference"]);
        let online = json!({"method": "card", "amount": gbp(1)});
        desk.post(&takes, online).await.names(422, "invalid-fields", &["method"]);
    }

    async fn a_link_goes_only_where_it_can_arrive(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let appointment = clinic.books(4500).await;
        let link = id(&clinic.issues_link(&appointment).await);
        let path = format!("/payment-links/{link}/deliveries");
        for to in ["0117 496 0123", "+44 117 496 0123", "12", "rosa@example.com", "+4477009001230000"] {
            desk.post(&path, json!({"channel": "sms", "to": to})).await.names(422, "invalid-fields", &["to"]);
        }
        for to in ["rosa", "rosa@example", "@example.com", "07700 900123", "a\u{0}@example.com"] {
            desk.post(&path, json!({"channel": "email", "to": to})).await.names(422, "invalid-fields", &["to"]);
        }
        for channel in ["qr", "fax"] {
            desk.post(&path, json!({"channel": channel})).await.names(422, "invalid-fields", &["channel"]);
        }
        assert_eq!(desk.reads(&format!("/payment-links/{link}")).await["deliveries"], json!([]));

        desk.post(&path, json!({"channel": "sms"})).await.is(201);
        let again = desk.post(&path, json!({"channel": "sms"})).await;
        again.is_problem(429, "too-soon");
        let seconds: u32 = again.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=120).contains(&seconds), "{seconds}");
        // The other channel rests on its own.
        desk.post(&path, json!({"channel": "email"})).await.is(201);
    }

    async fn settings_of_methods_are_checked(house: House) {
        let clinic = house.founds("lark").await;
        let desk = clinic.owner();
        let before = desk.reads("/settings/payment-methods").await;
        let one = |field: &str, value: Value| {
            let mut method = json!({"method": "klarna", "enabled": true});
            method[field] = value;
            json!({"methods": [method]})
        };
        for (body, field) in [
            (one("method", json!("cheque")), "methods[0].method"),
            (one("enabled", json!("yes")), "methods[0].enabled"),
            (one("purposes", json!([])), "methods[0].purposes"),
            (one("purposes", json!(["custom"])), "methods[0].purposes[0]"),
            (one("min", gbp(-5)), "methods[0].min"),
            (json!({}), "methods"),
        ] {
            desk.put("/settings/payment-methods", body).await.names(422, "invalid-fields", &[field]);
        }
        desk.put("/settings/payment-methods", one("max", eur(5))).await
            .names(422, "other-currency", &["methods[0].max.currency"]);
        let twice = json!({"methods": [{"method": "card", "enabled": true}, {"method": "card", "enabled": false}]});
        desk.put("/settings/payment-methods", twice).await.names(422, "invalid-fields", &["methods[1].method"]);
        assert_eq!(desk.reads("/settings/payment-methods").await, before);
        let upside_down = json!({"methods": [{"method": "klarna", "enabled": true, "min": gbp(900), "max": gbp(800)}]});
        desk.put("/settings/payment-methods", upside_down).await.names(422, "invalid-fields", &["methods[0].max"]);
        let range = json!({"methods": [{"method": "klarna", "enabled": false, "purposes": ["balance"], "min": gbp(800), "max": gbp(900)}]});
        let saved = desk.put("/settings/payment-methods", range).await.is(200);
        let klarna = saved["methods"].as_array().unwrap().iter().find(|row| row["method"] == "klarna").unwrap();
        assert_eq!(klarna, &json!({"method": "klarna", "enabled": false, "purposes": ["balance"], "min": gbp(800), "max": gbp(900)}));
    }
}
