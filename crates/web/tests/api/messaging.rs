//! Settings, messaging: a clinic connects carriers that are strict, mistypes, tests, disconnects; bounces are believed by
//! their token alone, or read from the clinic's mailbox.

use fake_carriers::{
    ACCOUNT_SID, AUTH_TOKEN, FakeCarriers, FakeImap, FakeSmtp, Fault, MailFault, TOKEN,
    TWILIO_NUMBER,
};
use remit_core::roles::Role;
use serde_json::{Value, json};

use crate::desk::id;
use crate::harness::{Ask, Caller, House, on_both_engines};

const SMS: &str = "/settings/messaging/sms";
const EMAIL: &str = "/settings/messaging/email";

impl Caller {
    async fn connects_twilio(&self, fake: &FakeCarriers) -> Value {
        let body = json!({"provider": "twilio", "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN,
            "sender": "+44 7700 900999", "api_base": fake.url});
        self.put(SMS, body).await.is(200)
    }

    async fn connects_email(&self, server: &FakeSmtp) -> Value {
        let body =
            json!({"smtp_url": server.url, "from": "Larkhill Clinic <pay@larkhill.example>"});
        self.put(EMAIL, body).await.is(200)
    }
}

on_both_engines! {
    async fn nothing_is_connected_at_first(house: House) {
        let desk = house.founds("lark").await.owner();
        for path in [SMS, EMAIL] {
            let body = desk.get(path).await.is(200);
            assert_eq!((&body["provider"], &body["uses_tray"], &body["last_error"]), (&Value::Null, &json!(false), &Value::Null));
            desk.post(&format!("{path}/test"), json!({"to": "x"})).await.names(422, "invalid-fields", &["to"]);
        }
        desk.post(&format!("{SMS}/test"), json!({"to": "07700 900123"})).await.is_problem(409, "not-set-up");
        desk.get("/settings/messaging/pigeon").await.is_problem(404, "not-found");
    }

    async fn a_clinic_connects_and_no_secret_comes_back(house: House) {
        let (clinic, fake, server) = (house.founds("lark").await, FakeCarriers::open().await.unwrap(), FakeSmtp::open().await.unwrap());
        let desk = clinic.owner();
        let sms = desk.connects_twilio(&fake).await;
        assert_eq!((&sms["provider"], &sms["account_sid"], &sms["auth_token_set"]), (&json!("twilio"), &json!(ACCOUNT_SID), &json!(true)));
        assert!(sms["receipt_url"].as_str().unwrap().starts_with("https://pay.example.test/hooks/messages/end_"), "{sms}");
        let body = json!({"smtp_url": server.wants_sign_in(), "from": "pay@larkhill.example", "reply_to": "desk@larkhill.example"});
        let email = desk.put(EMAIL, body).await.is(200);
        let shown = email["smtp_url"].as_str().unwrap();
        assert!(shown.starts_with("smtp://desk@127.0.0.1:") && email["password_set"] == true, "{email}");
        for (path, secret) in [(SMS, AUTH_TOKEN), (EMAIL, "fake mail password"), (EMAIL, "fake%20mail")] {
            assert!(!desk.get(path).await.text().contains(secret), "{path}");
        }
        for role in [Role::Viewer, Role::Reception, Role::Manager] {
            clinic.as_role(role).get(SMS).await.is_problem(403, "forbidden");
        }
    }

    async fn a_slip_names_its_field_and_changes_nothing(house: House) {
        let (desk, fake) = (house.founds("lark").await.owner(), FakeCarriers::open().await.unwrap());
        let before = desk.connects_twilio(&fake).await;
        for (body, field, word) in [
            (json!({"provider": "pigeon"}), "provider", "twilio, vonage, http"),
            (json!({"account_sid": "SK0123"}), "account_sid", "API key"),
            (json!({"auth_token": "two words"}), "auth_token", "spaces"),
            (json!({"auth_token": null}), "auth_token", "Leave it out"),
            (json!({"sender": "Larkhill Clinic of Bristol"}), "sender", "11 letters"),
            (json!({"sender": null}), "sender", "Enter the sender"),
            (json!({"api_base": "http://api.twilio.com"}), "api_base", "https"),
            (json!({"api_key": "x"}), "api_key", "Twilio has no such setting"),
            (json!({"provider": "http", "sender": "Lark", "api_base": fake.url, "body_template": "{{to}}"}), "body_template", "{{text}}"),
            (json!({"provider": "http", "sender": "Lark", "api_base": fake.url, "headers": {"Host": "x"}}), "headers", "header"),
            (json!({"provider": "http", "sender": "Lark"}), "api_base", "Enter the address"),
            (json!({"provider": "vonage", "sender": "Lark", "api_key": "k"}), "api_secret", "Enter the API secret"),
            (json!({"colour": "blue"}), "colour", "not known"),
        ] {
            let problem = desk.put(SMS, body.clone()).await.names(422, "invalid-fields", &[field]);
            assert!(problem["detail"].as_str().unwrap().contains(word), "{body}: {problem}");
        }
        for (body, field, word) in [
            (json!({"from": "pay@larkhill.example"}), "smtp_url", "mail server"),
            (json!({"smtp_url": "smtp://mail.example.com", "from": "pay@larkhill.example"}), "smtp_url", "tls=required"),
            (json!({"smtp_url": "smtps://desk@mail.example.com", "from": "pay@larkhill.example"}), "smtp_url", "password"),
            (json!({"smtp_url": "smtps://mail.example.com", "from": "Ann\r\nBcc: x@y.zz <a@b.co>"}), "from", "pay@clinic.example"),
            (json!({"smtp_url": "smtps://mail.example.com", "from": "pay@larkhill.example", "reply_to": "desk"}), "reply_to", "desk@clinic.example"),
            (json!({"smtp_url": "smtps://mail.example.com", "from": "pay@larkhill.example", "receipt_token": "short"}), "receipt_token", "16"),
        ] {
            let problem = desk.put(EMAIL, body.clone()).await.names(422, "invalid-fields", &[field]);
            assert!(problem["detail"].as_str().unwrap().contains(word), "{body}: {problem}");
        }
        assert_eq!(desk.get(SMS).await.is(200), before);
    }

    async fn what_is_left_out_stays_and_another_account_is_another_address(house: House) {
        let (desk, fake) = (house.founds("lark").await.owner(), FakeCarriers::open().await.unwrap());
        let first = desk.connects_twilio(&fake).await;
        let sender = desk.put(SMS, json!({"sender": "Larkhill"})).await.is(200);
        assert_eq!((&sender["receipt_url"], &sender["auth_token_set"], &sender["sender"]), (&first["receipt_url"], &json!(true), &json!("Larkhill")));
        let other = desk.put(SMS, json!({"account_sid": "ACother"})).await.is(200);
        assert_ne!(other["receipt_url"], first["receipt_url"], "receipts of the old account still find their way");
        let gateway = json!({"provider": "http", "api_base": format!("{}/gateway", fake.url), "sender": "Lark", "token": TOKEN,
            "headers": {"X-Clinic": "7"}});
        let http = desk.put(SMS, gateway).await.is(200);
        assert_eq!((&http["header_names"], &http["account_sid"], &http["token_set"]), (&json!(["X-Clinic"]), &Value::Null, &json!(true)));
        let gone = desk.send(Ask::new("DELETE", SMS)).await.is(200);
        assert_eq!((&gone["provider"], &gone["token_set"]), (&Value::Null, &json!(false)));
        desk.put(SMS, json!({"sender": "Lark"})).await.names(422, "invalid-fields", &["provider"]);
    }

    async fn a_password_does_not_follow_to_another_server(house: House) {
        let (desk, server) = (house.founds("lark").await.owner(), FakeSmtp::open().await.unwrap());
        let url = server.wants_sign_in();
        desk.put(EMAIL, json!({"smtp_url": url, "from": "pay@larkhill.example"})).await.is(200);
        let shown = desk.get(EMAIL).await.is(200)["smtp_url"].as_str().unwrap().to_owned();
        let same = desk.put(EMAIL, json!({"smtp_url": shown, "reply_to": "desk@larkhill.example"})).await.is(200);
        assert_eq!(same["password_set"], true, "the address as it was shown keeps its password");
        desk.put(EMAIL, json!({"smtp_url": "smtps://desk@evil.example"})).await.names(422, "invalid-fields", &["smtp_url"]);
        let other = desk.put(EMAIL, json!({"smtp_url": "smtps://evil.example"})).await.is(200);
        assert_eq!(other["password_set"], false);
    }

    async fn a_test_message_says_what_came_of_it(house: House) {
        let (desk, fake, server) = (house.founds("lark").await.owner(), FakeCarriers::open().await.unwrap(), FakeSmtp::open().await.unwrap());
        desk.connects_twilio(&fake).await;
        desk.connects_email(&server).await;
        let sent = desk.post(&format!("{SMS}/test"), json!({"to": "07700 900123"})).await.is(200);
        assert_eq!(sent, json!({"status": "sent", "reason": null}));
        let texts = fake.texts("+447700900123");
        assert!(texts[0].text.contains("test message") && texts[0].from == TWILIO_NUMBER, "{texts:?}");
        assert!(desk.get(SMS).await.is(200)["last_success_at"].is_string());
        fake.fault("+447700900124", Fault::Refuse(21_610));
        let refused = desk.post(&format!("{SMS}/test"), json!({"to": "07700 900124"})).await.is(200);
        assert!(refused["reason"].as_str().unwrap().contains("unsubscribed"), "{refused}");
        assert_eq!(desk.get(SMS).await.is(200)["last_error"], Value::Null, "the person's choice is no fault of the connection");
        desk.put(SMS, json!({"auth_token": "wrong_token"})).await.is(200);
        let wrong = desk.post(&format!("{SMS}/test"), json!({"to": "07700 900125"})).await.is(200);
        assert_eq!(wrong["status"], "failed");
        let error = desk.get(SMS).await.is(200)["last_error"].clone();
        assert!(error["text"].as_str().unwrap().contains("auth token") && error["at"].is_string(), "{error}");
        fake.fault("+447700900126", Fault::CutAfter);
        desk.put(SMS, json!({"auth_token": AUTH_TOKEN})).await.is(200);
        let lost = desk.post(&format!("{SMS}/test"), json!({"to": "07700 900126"})).await.is(200);
        assert_eq!(lost["status"], "uncertain");
        for bad in ["0117 496 0142", "12", ""] {
            desk.post(&format!("{SMS}/test"), json!({"to": bad})).await.names(422, "invalid-fields", &["to"]);
        }
        server.fault("gone@example.com", MailFault::Recipient("550 5.1.1 gone"));
        let gone = desk.post(&format!("{EMAIL}/test"), json!({"to": "gone@example.com"})).await.is(200);
        assert!(gone["reason"].as_str().unwrap().contains("no mailbox"), "{gone}");
        let sent = desk.post(&format!("{EMAIL}/test"), json!({"to": "ava@example.com"})).await.is(200);
        assert_eq!(sent["status"], "sent");
        desk.post(&format!("{EMAIL}/test"), json!({"to": "a@b.co\r\nBcc: c@d.co"})).await.names(422, "invalid-fields", &["to"]);
        assert_eq!((fake.complaints(), server.complaints()), (vec![], vec![]));
    }

    async fn test_messages_are_capped(house: House) {
        let (desk, fake) = (house.founds("lark").await.owner(), FakeCarriers::open().await.unwrap());
        desk.connects_twilio(&fake).await;
        for _ in 0..20 {
            desk.post(&format!("{SMS}/test"), json!({"to": "07700 900123"})).await.is(200);
        }
        desk.post(&format!("{SMS}/test"), json!({"to": "07700 900123"})).await.is_problem(429, "too-many");
        assert_eq!(fake.asked("+447700900123"), 20);
    }

    async fn a_bounce_is_believed_by_its_token_and_undoes_nothing(house: House) {
        let (clinic, server) = (house.founds("lark").await, FakeSmtp::open().await.unwrap());
        let (desk, token) = (clinic.owner(), "bounces-0123456789");
        let body = json!({"smtp_url": server.url, "from": "pay@larkhill.example", "receipt_token": token});
        let url = desk.put(EMAIL, body).await.is(200)["receipt_url"].as_str().unwrap().to_owned();
        let path = url.strip_prefix("https://pay.example.test").unwrap();
        let link = clinic.issues_link(&clinic.books(4500).await).await;
        let address = format!("/payment-links/{}", id(&link));
        let sent = desk.post(&format!("{address}/deliveries"), json!({"channel": "email"})).await.is(201);
        let posts = async |token: &str, body: Value| {
            let answer = house.posts(path, Some(token), &body).await;
            (answer, desk.get(&address).await.is(200))
        };
        let bounce = json!({"reference": id(&sent), "status": "bounced", "reason": "mailbox is gone"});
        assert_eq!(posts(token, bounce.clone()).await.0, 200, "not handed over yet, so it is nobody's");
        while remit_app::outbox::run(&house.app).await.unwrap() > 0 {}
        let letter = &server.letters("rosa@example.com")[0];
        let message_id = letter.message_id();
        for (token, body, expected) in [
            ("wrong-0123456789ab", bounce.clone(), 403),
            ("", bounce.clone(), 403),
            (token, json!({"reference": id(&sent), "status": "dancing"}), 400),
            (token, json!({"status": "bounced"}), 400),
            (token, json!({"reference": "dlv_019ab000000070008000000000000001", "status": "bounced"}), 200),
            (token, json!({"message_id": "<nobody@else.example>", "status": "bounced"}), 200),
        ] {
            let (answer, link) = posts(token, body.clone()).await;
            assert_eq!(answer, expected, "{token} {body}");
            assert_eq!(link["deliveries"][0]["status"], "sent", "{body}");
        }
        let (answer, link) = posts(token, json!({"message_id": message_id, "status": "bounced", "reason": "mailbox\r\nis gone"})).await;
        assert_eq!(answer, 200);
        assert_eq!((&link["deliveries"][0]["status"], &link["badges"]), (&json!("failed"), &json!(["delivery_failed"])));
        assert_eq!(link["deliveries"][0]["reason"], "mailbox  is gone");
        let (answer, link) = posts(token, json!({"reference": id(&sent), "status": "sent"})).await;
        assert_eq!((answer, &link["deliveries"][0]["status"]), (200, &json!("failed")), "late news of less");
    }
    async fn a_mailbox_for_bounces_is_read_and_its_password_stays_with_it(house: House) {
        let (clinic, server, mailbox) = (house.founds("lark").await, FakeSmtp::open().await.unwrap(), FakeImap::open().await.unwrap());
        let desk = clinic.owner();
        desk.connects_email(&server).await;
        let link = clinic.issues_link(&clinic.books(4500).await).await;
        let address = format!("/payment-links/{}", id(&link));
        desk.post(&format!("{address}/deliveries"), json!({"channel": "email"})).await.is(201);
        while remit_app::outbox::run(&house.app).await.unwrap() > 0 {}
        let letter = &server.letters("rosa@example.com")[0];
        let reads = async || {
            remit_app::messaging::read_bounces(&house.app).await.unwrap();
            desk.get(EMAIL).await.is(200)
        };
        assert_eq!(reads().await["bounces_read_at"], Value::Null, "no mailbox, nothing to read");

        let shown = desk.put(EMAIL, json!({"bounces_url": mailbox.url})).await.is(200);
        assert_eq!((&shown["bounces_password_set"], &shown["bounces_error"]), (&json!(true), &Value::Null));
        assert!(!shown["bounces_url"].as_str().unwrap().contains("fake"), "{shown}");
        assert!(reads().await["bounces_read_at"].is_string());
        assert_eq!((mailbox.visits(), reads().await["bounces_error"].clone()), (1, Value::Null), "and then a minute later");

        // A crash between what was written and how far was read: it is read again, and says nothing new.
        mailbox.bounces(letter, "550 5.1.1 <rosa@example.com>: no such user");
        mailbox.bounces(letter, "550 5.1.1 <rosa@example.com>: no such user");
        house.waits(remit_core::MINUTE_MS);
        assert_eq!(reads().await["bounces_error"], Value::Null);
        let failed = desk.get(&address).await.is(200);
        assert_eq!((&failed["deliveries"][0]["status"], &failed["badges"]), (&json!("failed"), &json!(["delivery_failed"])));
        let reason = failed["deliveries"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("no mailbox") && !reason.contains("rosa"), "{reason}");
        mailbox.renumbers();
        house.waits(remit_core::MINUTE_MS);
        reads().await;
        assert_eq!(mailbox.fetched(), [1, 2, 1, 2]);
        assert_eq!(desk.get(&address).await.is(200)["deliveries"], failed["deliveries"]);

        // Another mailbox with the same count: its letters are not taken for those that were read.
        let other = FakeImap::open().await.unwrap();
        other.renumbers();
        other.bounces(letter, "550 5.1.1 no such user");
        desk.put(EMAIL, json!({"bounces_url": other.url})).await.is(200);
        reads().await;
        assert_eq!(other.fetched(), [1]);
        desk.put(EMAIL, json!({"bounces_url": mailbox.url})).await.is(200);

        desk.put(EMAIL, json!({"bounces_password": "another"})).await.is(200);
        let wrong = reads().await;
        assert!(wrong["bounces_error"].as_str().unwrap().contains("name and password"), "{wrong}");
        desk.put(EMAIL, json!({"bounces_url": "imaps://desk@evil.example"})).await.names(422, "invalid-fields", &["bounces_url"]);
        desk.put(EMAIL, json!({"bounces_url": "imap://a:b@mail.example.com"})).await.names(422, "invalid-fields", &["bounces_url"]);
        let without = desk.put(EMAIL, json!({"bounces_url": null})).await.is(200);
        assert_eq!((&without["bounces_url"], &without["bounces_password_set"], &without["bounces_error"]), (&Value::Null, &json!(false), &Value::Null));
        let visits = mailbox.visits();
        reads().await;
        assert_eq!((mailbox.visits(), mailbox.complaints()), (visits, vec![]));
    }
}
