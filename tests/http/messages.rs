//! Real messages: the two journeys once more with a mail server and Twilio instead of the tray, and every fault of a
//! carrier on the way. Nothing is lost, nothing goes out twice, and staff are told what happened.

use fake_carriers::{
    ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN, FakeCarriers, FakeImap, FakeSmtp, Fault,
    MailFault, SIGNATURE_SECRET, TOKEN,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::clinic::{Clinic, continues, has_badge, id, minor, pays_by_card, presses, url};
use crate::doors;
use crate::late::Clock;

/// A clinic whose messages go out for real, as far as it can tell.
struct House {
    clinic: Clinic,
    carriers: FakeCarriers,
    mail: FakeSmtp,
}

impl House {
    async fn opens(clinic: Clinic) -> House {
        let house = House {
            clinic,
            carriers: FakeCarriers::open().await.expect("a port"),
            mail: FakeSmtp::open().await.expect("a port"),
        };
        house.uses_twilio().await;
        house
            .sets("email", json!({ "smtp_url": house.mail.wants_sign_in(), "from": "Larkhill <pay@larkhill.example>" }))
            .await;
        house
    }

    async fn sets(&self, channel: &str, body: Value) -> Value {
        let path = format!("/settings/messaging/{channel}");
        let answer = self
            .clinic
            .call(0, Method::PUT, &path, Some(&body), None)
            .await;
        answer.done()
    }

    async fn uses_twilio(&self) -> Value {
        let body = json!({ "provider": "twilio", "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN,
            "sender": "Larkhill", "api_base": self.carriers.url });
        self.sets("sms", body).await
    }

    async fn uses_vonage(&self) -> Value {
        let body = json!({ "provider": "vonage", "api_key": API_KEY, "api_secret": API_SECRET,
            "signature_secret": SIGNATURE_SECRET, "sender": "Larkhill", "api_base": self.carriers.url });
        self.sets("sms", body).await
    }

    async fn uses_gateway(&self) -> Value {
        let body = json!({ "provider": "http", "token": TOKEN, "sender": "Larkhill",
            "api_base": format!("{}/gateway", self.carriers.url) });
        self.sets("sms", body).await
    }

    /// A link for a new patient, with their number and address.
    async fn issues(&self) -> (Value, String, String) {
        let (visit, link) = self.clinic.books_and_issues(4_500).await;
        let (phone, email) = self.reaches(&visit).await;
        (link, phone, email)
    }

    async fn reaches(&self, visit: &Value) -> (String, String) {
        let path = format!(
            "/patients/{}",
            visit["patient_id"].as_str().expect("a patient")
        );
        let patient = self.clinic.get(&path).await;
        let text = |name: &str| patient[name].as_str().expect("a contact").to_owned();
        (text("phone"), text("email"))
    }

    /// The link once its latest delivery stands so.
    async fn sees(&self, link: &Value, status: &str) -> Value {
        let stands = |link: &Value| latest(link)["status"] == status;
        self.clinic.sees(link, stands).await
    }

    /// The same, with or without the badge: an answer reads the link before its deliveries.
    async fn sees_badged(&self, link: &Value, status: &str, failed: bool) -> Value {
        let stands = |link: &Value| {
            latest(link)["status"] == status && has_badge(link, "delivery_failed") == failed
        };
        self.clinic.sees(link, stands).await
    }

    fn complaints(&self) -> Vec<String> {
        [self.carriers.complaints(), self.mail.complaints()].concat()
    }
}

fn latest(link: &Value) -> &Value {
    let deliveries = link["deliveries"].as_array().expect("deliveries");
    deliveries.last().unwrap_or(&Value::Null)
}

fn reason(link: &Value) -> &str {
    latest(link)["reason"].as_str().unwrap_or_default()
}

pub async fn play(clinic: Clinic) {
    let house = House::opens(clinic).await;
    a_deposit_is_paid_by_the_text(&house).await;
    the_rest_of_a_bill_is_paid_by_the_email(&house).await;
    each_fault_of_a_text_ends_as_it_must(&house).await;
    each_fault_of_an_email_ends_as_it_must(&house).await;
    an_email_that_came_back_is_read_in_the_mailbox(&house).await;
    a_forged_receipt_changes_nothing(&house).await;
    a_mail_server_that_hangs_keeps_no_text_waiting(&house).await;
    the_other_carriers_carry_too(&house).await;
    assert_eq!(house.complaints(), [""; 0]);
    let mut said = doors::secrets_in_logs(&house.clinic).await;
    for (what, canary) in [
        ("auth token", AUTH_TOKEN),
        ("mail password", "fake mail password"),
        ("mail password", "fake%20mail"),
    ] {
        for line in house.clinic.nodes.iter().flat_map(|node| node.log()) {
            if line.contains(canary) {
                said.push(format!("a log line holds the {what}: {line}"));
            }
        }
    }
    assert_eq!(said, [""; 0]);
    house.clinic.books_balance();
}

async fn a_deposit_is_paid_by_the_text(house: &House) {
    let clinic = &house.clinic;
    let visit = clinic
        .books(12_000, json!({ "kind": "percent", "percent": 25 }))
        .await;
    let link = clinic
        .issues(&visit, json!({ "purpose": "deposit" }))
        .await
        .done();
    let (phone, email) = house.reaches(&visit).await;
    clinic.sends(&link, "sms").await;
    let sent = house.sees(&link, "delivered").await;
    assert_eq!(sent["status"], "sent");
    let texts = house.carriers.texts(&phone);
    assert_eq!(texts.len(), 1, "{texts:?}");
    let address = texts[0]
        .text
        .split_whitespace()
        .find(|word| word.contains("://"));
    let address = address.expect("a link");
    assert_eq!(address, url(&link));
    let page = pays_by_card(&mut clinic.phone(), address).await;
    assert!(page.text().contains("is paid"), "{}", page.text());
    clinic.sees_status(&link, "paid").await;
    assert_eq!(minor(&clinic.visit(&visit).await["paid"]), 3_000);
    while house.mail.letters(&email).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let receipt = &house.mail.letters(&email)[0];
    assert!(
        receipt.header("subject").to_lowercase().contains("receipt"),
        "{}",
        receipt.raw
    );
}

async fn the_rest_of_a_bill_is_paid_by_the_email(house: &House) {
    let clinic = &house.clinic;
    let visit = clinic.books(10_000, json!({ "kind": "none" })).await;
    clinic.takes_cash(&visit, 3_000).await;
    let link = clinic.issues_link(&visit).await;
    let (_, email) = house.reaches(&visit).await;
    clinic.sends(&link, "email").await;
    house.sees(&link, "sent").await;
    let letters = house.mail.letters(&email);
    let letter = letters
        .iter()
        .find(|letter| letter.text().contains(url(&link)));
    let letter = letter.unwrap_or_else(|| panic!("no link in {letters:?}"));
    assert!(
        letter
            .message_id()
            .starts_with(&format!("<{}@", id(latest(&clinic.link(&link).await))))
    );
    let mut phone = clinic.phone();
    let page = continues(&mut phone, url(&link), "klarna").await;
    presses(&mut phone, &page, "approve").await;
    clinic.sees_status(&link, "paid").await;
    assert_eq!(minor(&clinic.visit(&visit).await["balance"]), 0);
}

async fn each_fault_of_a_text_ends_as_it_must(house: &House) {
    for (fault, status, words, texts, asked) in [
        (Fault::Refuse(21_610), "failed", "unsubscribed", 0, 1),
        (Fault::Refuse(21_614), "failed", "not a mobile", 0, 1),
        (Fault::Refuse(21_408), "failed", "country", 0, 1),
        (Fault::Refuse(21_606), "failed", "sender", 0, 1),
        (Fault::RateLimit, "delivered", "", 1, 2),
        (Fault::CutAfter, "delivered", "", 1, 1),
        (Fault::ServerError { taken: true }, "delivered", "", 1, 1),
        (Fault::Nonsense, "delivered", "", 1, 1),
        (
            Fault::NotDelivered(30_003),
            "failed",
            "could not be reached",
            1,
            1,
        ),
        (Fault::NoReceipt, "sent", "", 1, 1),
        (Fault::CutBefore, "uncertain", "", 0, 1),
    ] {
        let (link, phone, _) = house.issues().await;
        house.carriers.fault(&phone, fault.clone());
        house.clinic.sends(&link, "sms").await;
        let seen = house.sees_badged(&link, status, status == "failed").await;
        assert!(reason(&seen).contains(words), "{fault:?}: {seen}");
        house.carriers.receipts_sent().await;
        assert_eq!(house.carriers.texts(&phone).len(), texts, "{fault:?}");
        assert_eq!(house.carriers.asked(&phone), asked, "{fault:?}");
        if status == "failed" {
            // The other channel, and the badge is gone.
            house.clinic.sends(&link, "email").await;
            house.sees_badged(&link, "sent", false).await;
        }
    }
}

async fn each_fault_of_an_email_ends_as_it_must(house: &House) {
    for (fault, status, words, letters) in [
        (
            MailFault::Recipient("550 5.1.1 no such user"),
            "failed",
            "no mailbox",
            0,
        ),
        (
            MailFault::Message("554 5.7.1 unwanted"),
            "failed",
            "unwanted",
            0,
        ),
        (MailFault::Recipient("451 4.7.1 greylisted"), "sent", "", 1),
        (MailFault::CutBefore, "sent", "", 1),
        (MailFault::CutAfter, "sent", "", 2),
    ] {
        let (link, _, email) = house.issues().await;
        house.mail.fault(&email, fault.clone());
        house.clinic.sends(&link, "email").await;
        let seen = house.sees(&link, status).await;
        assert!(reason(&seen).contains(words), "{fault:?}: {seen}");
        let got = house.mail.letters(&email);
        assert_eq!(got.len(), letters, "{fault:?}");
        assert!(
            got.windows(2)
                .all(|two| two[0].message_id() == two[1].message_id()),
            "{fault:?}"
        );
    }
}

async fn an_email_that_came_back_is_read_in_the_mailbox(house: &House) {
    let mailbox = FakeImap::open().await.expect("a port");
    let (gone, _, gone_to) = house.issues().await;
    let (fine, _, fine_to) = house.issues().await;
    for link in [&gone, &fine] {
        house.clinic.sends(link, "email").await;
        house.sees(link, "sent").await;
    }
    let letters = house.mail.letters(&gone_to);
    mailbox.receives("Subject: Lunch?\r\n\r\nAt one.\r\n");
    mailbox.bounces(&letters[0], "550 5.1.1 no such user");
    house
        .sets("email", json!({ "bounces_url": mailbox.url }))
        .await;
    let seen = house.sees_badged(&gone, "failed", true).await;
    assert!(reason(&seen).contains("no mailbox"), "{seen}");
    house.sees_badged(&fine, "sent", false).await;
    assert_eq!(house.mail.letters(&fine_to).len(), 1);
    assert_eq!((mailbox.fetched(), mailbox.complaints()), (vec![2], vec![]));
    house.sets("email", json!({ "bounces_url": null })).await;
}

/// The order tells: the text is there while the emails before it still wait for their server.
async fn a_mail_server_that_hangs_keeps_no_text_waiting(house: &House) {
    let mut hanging = Vec::new();
    for _ in 0..3 {
        let (link, _, email) = house.issues().await;
        house.mail.fault(&email, MailFault::Hangs);
        house.clinic.sends(&link, "email").await;
        hanging.push(link);
    }
    while house.mail.hanging() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let (link, _, _) = house.issues().await;
    house.clinic.sends(&link, "sms").await;
    house.sees(&link, "delivered").await;
    for link in &hanging {
        let waits = house.clinic.link(link).await;
        assert_eq!(latest(&waits)["status"], "queued");
    }
}

async fn a_forged_receipt_changes_nothing(house: &House) {
    let (link, phone, _) = house.issues().await;
    house.carriers.fault(&phone, Fault::NoReceipt);
    house.clinic.sends(&link, "sms").await;
    house.sees(&link, "sent").await;
    let text = house.carriers.texts(&phone).remove(0);
    assert_eq!(house.carriers.forges(&text.id, "delivered").await, 403);
    assert_eq!(latest(&house.clinic.link(&link).await)["status"], "sent");
    assert_eq!(house.carriers.tells(&text.id, "delivered", None).await, 200);
    house.sees(&link, "delivered").await;
    // Late, and of less: believed, and it changes nothing.
    for status in ["sent", "queued", "undelivered"] {
        assert_eq!(house.carriers.tells(&text.id, status, None).await, 200);
        assert_eq!(
            latest(&house.clinic.link(&link).await)["status"],
            "delivered",
            "{status}"
        );
    }
}

async fn the_other_carriers_carry_too(house: &House) {
    house.uses_vonage().await;
    for (fault, status, texts, asked) in [
        (None, "delivered", 1, 1),
        (Some(Fault::Refuse(7)), "failed", 0, 1),
        (Some(Fault::Refuse(1)), "delivered", 1, 2),
        (Some(Fault::CutAfter), "delivered", 1, 1),
        (Some(Fault::NotDelivered(3)), "failed", 1, 1),
        (Some(Fault::CutBefore), "uncertain", 0, 1),
    ] {
        let (link, phone, _) = house.issues().await;
        if let Some(fault) = fault.clone() {
            house.carriers.fault(&phone, fault);
        }
        house.clinic.sends(&link, "sms").await;
        house.sees(&link, status).await;
        house.carriers.receipts_sent().await;
        assert_eq!(
            house.carriers.texts(&phone).len(),
            texts,
            "Vonage {fault:?}"
        );
        assert_eq!(house.carriers.asked(&phone), asked, "Vonage {fault:?}");
    }
    house.uses_gateway().await;
    for (fault, status, asked) in [
        (None, "sent", 1),
        (Some(Fault::Refuse(422)), "failed", 1),
        (Some(Fault::RateLimit), "sent", 2),
        (Some(Fault::Nonsense), "uncertain", 1),
        (Some(Fault::CutAfter), "uncertain", 1),
    ] {
        let (link, phone, _) = house.issues().await;
        if let Some(fault) = fault.clone() {
            house.carriers.fault(&phone, fault);
        }
        house.clinic.sends(&link, "sms").await;
        house.sees(&link, status).await;
        assert_eq!(house.carriers.asked(&phone), asked, "gateway {fault:?}");
    }
}

/// What Twilio provably does not have goes out once more, after the call has surely ended and not before (hazard A28).
pub async fn play_a_proven_loss() {
    let Some(clock) = Clock::new() else {
        println!("skipped: libfaketime is not installed (Debian: apt-get install faketime)");
        return;
    };
    let env = clock.env();
    let env: Vec<(&str, &str)> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let house = House::opens(Clinic::on_sqlite(&env)).await;
    let (link, phone, _) = house.issues().await;
    house.carriers.fault(&phone, Fault::CutBefore);
    house.clinic.sends(&link, "sms").await;
    house.sees(&link, "uncertain").await;
    assert_eq!(house.carriers.asked(&phone), 1, "not at once");
    clock.set(180);
    house.sees(&link, "delivered").await;
    assert_eq!(
        (
            house.carriers.asked(&phone),
            house.carriers.texts(&phone).len()
        ),
        (2, 1)
    );
}
