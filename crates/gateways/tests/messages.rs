//! What every carrier of messages promises at the door, against fakes that are strict and fail on demand: each answer is
//! told apart, what provably never left may go out again, what may have left is looked for and never sent twice.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fake_carriers::{
    ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN, Company, FakeCarriers, FakeSmtp, Fault,
    MailFault, SIGNATURE_SECRET, TOKEN, TWILIO_NUMBER,
};
use remit_core::deliveries::Channel;
use remit_gateways::Answer;
use remit_gateways::gateway::{DEFAULT_ID_PATH, GatewayConfig, HttpGateway};
use remit_gateways::http;
use remit_gateways::messages::{
    Attachment, Handover, Message, MessageChannel, MessageStatus, OF_ACCOUNT, OF_MESSAGE,
    OF_RECIPIENT,
};
use remit_gateways::roots::Roots;
use remit_gateways::smtp::{Smtp, SmtpConfig};
use remit_gateways::twilio::{Twilio, TwilioConfig};
use remit_gateways::vonage::{Vonage, VonageConfig};

const COMPANIES: [Company; 3] = [Company::Twilio, Company::Vonage, Company::Gateway];

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn door(company: Company, fake: &FakeCarriers, secret: Option<&str>) -> Box<dyn MessageChannel> {
    let client = http::client(&Roots::default()).unwrap();
    let own = |usual: &str| secret.unwrap_or(usual).to_owned();
    match company {
        Company::Twilio => Box::new(
            Twilio::new(TwilioConfig {
                api_base: fake.url.clone(),
                account_sid: ACCOUNT_SID.into(),
                auth_token: own(AUTH_TOKEN),
                sender: TWILIO_NUMBER.into(),
                callback: None,
                client,
            })
            .unwrap(),
        ),
        Company::Vonage => Box::new(
            Vonage::new(VonageConfig {
                api_base: fake.url.clone(),
                api_key: API_KEY.into(),
                api_secret: own(API_SECRET),
                signature_secret: Some(SIGNATURE_SECRET.into()),
                sender: "Larkhill".into(),
                callback: None,
                client,
            })
            .unwrap(),
        ),
        Company::Gateway => Box::new(
            HttpGateway::new(GatewayConfig {
                api_base: format!("{}/gateway", fake.url),
                token: Some(own(TOKEN)),
                headers: vec![],
                body_template: None,
                id_path: DEFAULT_ID_PATH.into(),
                sender: "Larkhill".into(),
                client,
            })
            .unwrap(),
        ),
    }
}

fn text_to(to: &str) -> Message {
    Message {
        reference: format!(
            "dlv_{:032x}",
            to.bytes()
                .fold(7_u128, |sum, byte| sum * 31 + u128::from(byte))
        ),
        channel: Channel::Sms,
        to: to.into(),
        subject: None,
        text: format!(
            "Larkhill Clinic: please pay £30.00 by secure link https://pay.example/p/{} Ref PL-1",
            &to[1..]
        ),
        html: None,
        attachments: vec![],
    }
}

/// How a handover ended, in a word.
fn word(came: &Handover) -> &'static str {
    match came {
        Handover::Taken(_) => "taken",
        Handover::Refused(refusal) if refusal.code == OF_RECIPIENT => "refused: recipient",
        Handover::Refused(refusal) if refusal.code == OF_ACCOUNT => "refused: account",
        Handover::Refused(refusal) if refusal.code == OF_MESSAGE => "refused: message",
        Handover::Refused(_) => "refused",
        Handover::NotNow(_) => "not now",
        Handover::Unknown(_) => "unknown",
    }
}

#[tokio::test]
async fn every_answer_of_a_carrier_is_told_apart() {
    let fake = FakeCarriers::open().await.unwrap();
    for company in COMPANIES {
        let door = door(company, &fake, None);
        fn of<T>(company: Company, twilio: T, vonage: T, gateway: T) -> T {
            match company {
                Company::Twilio => twilio,
                Company::Vonage => vonage,
                Company::Gateway => gateway,
            }
        }
        for (number, fault, expected, taken) in [
            ("01", None, "taken", 1),
            (
                "02",
                Some(Fault::Refuse(of(company, 21_610, 7, 404))),
                of(
                    company,
                    "refused: recipient",
                    "refused: recipient",
                    "refused: account",
                ),
                0,
            ),
            (
                "03",
                Some(Fault::Refuse(of(company, 21_614, 33, 422))),
                of(
                    company,
                    "refused: recipient",
                    "refused: recipient",
                    "refused: message",
                ),
                0,
            ),
            (
                "04",
                Some(Fault::Refuse(of(company, 21_606, 15, 403))),
                "refused: account",
                0,
            ),
            ("05", Some(Fault::RateLimit), "not now", 0),
            ("06", Some(Fault::CutBefore), "unknown", 0),
            ("07", Some(Fault::CutAfter), "unknown", 1),
            ("08", Some(Fault::ServerError { taken: true }), "unknown", 1),
            (
                "09",
                Some(Fault::ServerError { taken: false }),
                "unknown",
                0,
            ),
            ("10", Some(Fault::Nonsense), "unknown", 1),
            (
                "11",
                Some(Fault::Slow(Duration::from_millis(300))),
                "taken",
                1,
            ),
        ] {
            let to = format!("+4477009{}00{number}", company as u8);
            if let Some(fault) = fault.clone() {
                fake.fault(&to, fault);
            }
            let came = door.send(&text_to(&to)).await;
            assert_eq!(word(&came), expected, "{company:?} {fault:?}: {came:?}");
            assert_eq!(fake.texts(&to).len(), taken, "{company:?} {fault:?}");
        }
    }
    assert_eq!(fake.complaints(), [""; 0]);
}

#[tokio::test]
async fn wrong_keys_are_the_accounts_fault_and_never_in_the_words() {
    let fake = FakeCarriers::open().await.unwrap();
    for company in COMPANIES {
        let door = door(company, &fake, Some("wrong_secret_0000"));
        let came = door.send(&text_to("+447700900123")).await;
        assert_eq!(word(&came), "refused: account", "{company:?}: {came:?}");
        let said = format!("{came:?}");
        assert!(
            !said.contains("wrong_secret") && !said.contains("900123"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_greeting_tells_whether_the_carrier_knows_us_and_sends_nothing() {
    let fake = FakeCarriers::open().await.unwrap();
    for company in [Company::Twilio, Company::Vonage] {
        let right = door(company, &fake, None).greet().await;
        assert!(matches!(right, Answer::Done(())), "{company:?}: {right:?}");
        let wrong = door(company, &fake, Some("wrong_secret_0000"));
        match wrong.greet().await {
            Answer::Refused(refusal) => assert_eq!(refusal.code, OF_ACCOUNT, "{company:?}"),
            other => panic!("{company:?}: {other:?}"),
        }
    }
    // A gateway of whatever make has no question that all of them answer.
    let gateway = door(Company::Gateway, &fake, None).greet().await;
    assert!(matches!(gateway, Answer::Unknown(_)), "{gateway:?}");
    let server = FakeSmtp::open().await.unwrap();
    let url = server.wants_sign_in();
    let known = mail(&url).greet().await;
    assert!(matches!(known, Answer::Done(())), "{known:?}");
    let wrong = mail(&url.replace("fake%20mail", "wrong")).greet().await;
    assert!(matches!(wrong, Answer::Refused(_)), "{wrong:?}");
    let nobody = mail("smtp://127.0.0.1:9").greet().await;
    assert!(matches!(nobody, Answer::Unknown(_)), "{nobody:?}");
    assert_eq!([fake.complaints(), server.complaints()].concat(), [""; 0]);
}

#[tokio::test]
async fn nobody_there_is_a_proof_that_nothing_left() {
    let fake = FakeCarriers::open().await.unwrap();
    let mut gone = FakeCarriers::open().await.unwrap();
    // Nobody listens on the discard port.
    gone.url = "http://127.0.0.1:9".into();
    for company in COMPANIES {
        let came = door(company, &gone, None)
            .send(&text_to("+447700900123"))
            .await;
        assert_eq!(word(&came), "not now", "{company:?}: {came:?}");
    }
    assert!(fake.texts("+447700900123").is_empty());
}

#[tokio::test]
async fn what_a_carrier_may_have_is_looked_for() {
    let fake = FakeCarriers::open().await.unwrap();
    fake.falls_silent();
    for company in COMPANIES {
        let door = door(company, &fake, None);
        let since = now_ms();
        let (has, lacks) = (
            text_to(&format!("+44770090030{}", company as u8)),
            text_to(&format!("+44770090040{}", company as u8)),
        );
        fake.fault(&has.to, Fault::CutAfter);
        fake.fault(&lacks.to, Fault::CutBefore);
        assert_eq!(word(&door.send(&has).await), "unknown");
        assert_eq!(word(&door.send(&lacks).await), "unknown");
        let (found, missing) = (
            door.look_up(&has, since).await,
            door.look_up(&lacks, since).await,
        );
        match company {
            Company::Gateway => {
                assert!(matches!(found, Answer::Unknown(_)), "{found:?}");
                assert!(matches!(missing, Answer::Unknown(_)), "{missing:?}");
            }
            Company::Twilio | Company::Vonage => {
                let Answer::Done(facts) = &found else {
                    panic!("{company:?}: {found:?}")
                };
                assert_eq!(facts.provider_message_id, fake.texts(&has.to)[0].id);
                assert_eq!(facts.status, MessageStatus::Sent);
            }
        }
        match company {
            // The list is whole, so an absence proves something once the call has surely ended.
            Company::Twilio => {
                assert!(
                    matches!(&missing, Answer::Refused(refusal) if refusal.code == "not_found"),
                    "{missing:?}"
                );
                assert!(door.late_ms() >= 60_000);
            }
            // Records come late: an absence proves nothing.
            Company::Vonage => assert!(matches!(missing, Answer::Unknown(_)), "{missing:?}"),
            Company::Gateway => {}
        }
        // An older text of the same words is not this one.
        if company == Company::Twilio {
            let later = door.look_up(&has, since + 10 * 60_000).await;
            assert!(
                matches!(&later, Answer::Refused(refusal) if refusal.code == "not_found"),
                "{later:?}"
            );
        }
    }
    assert_eq!(fake.complaints(), [""; 0]);
}

fn email_to(to: &str) -> Message {
    Message {
        reference: "dlv_019ab000000070008000000000000001".into(),
        channel: Channel::Email,
        to: to.into(),
        subject: Some("Your secure payment link from Larkhill Clinic".into()),
        text:
            "Hello Zoë,\n\nhttps://pay.example/p/lark7Qm2vXc9RtL0aZk4sWfH1w\n.\n.. dots\n£30.00\n"
                .into(),
        html: None,
        attachments: vec![],
    }
}

fn mail(url: &str) -> Smtp {
    mail_trusting(url, Roots::default())
}

fn mail_trusting(url: &str, roots: Roots) -> Smtp {
    Smtp::new(SmtpConfig {
        roots,
        url: url.into(),
        from: "Zoë’s Clinic <pay@larkhill.example>".into(),
        reply_to: Some("desk@larkhill.example".into()),
        receipt_token: None,
    })
    .unwrap()
}

#[tokio::test]
async fn an_email_arrives_as_it_was_written() {
    let server = FakeSmtp::open().await.unwrap();
    let door = mail(&server.url);
    let sent = door.send(&email_to("ava@example.com")).await;
    assert_eq!(word(&sent), "taken", "{sent:?}");
    let letters = server.letters("ava@example.com");
    let letter = &letters[0];
    assert_eq!(letter.from, "pay@larkhill.example");
    assert_eq!(
        letter.message_id(),
        "<dlv_019ab000000070008000000000000001@larkhill.example>"
    );
    assert_eq!(letter.header("auto-submitted"), "auto-generated");
    assert_eq!(letter.header("reply-to"), "desk@larkhill.example");
    assert_eq!(letter.text().trim_end(), email_to("").text.trim_end());
    let rich = Message {
        html: Some("<p>Hello Zoë</p>".into()),
        attachments: vec![Attachment {
            file_name: "receipt.pdf".into(),
            media_type: "application/pdf".into(),
            bytes: (0..=255).collect(),
        }],
        ..email_to("rich@example.com")
    };
    assert_eq!(word(&door.send(&rich).await), "taken");
    let parts = server.letters("rich@example.com")[0].parts();
    let kinds: Vec<_> = parts
        .iter()
        .map(|part| part.media_type.split(';').next().unwrap_or_default())
        .collect();
    assert_eq!(kinds, ["text/plain", "text/html", "application/pdf"]);
    assert_eq!(parts[2].bytes, (0..=255).collect::<Vec<u8>>());
    assert!(parts[2].disposition.contains("receipt.pdf"));
    assert_eq!(server.complaints(), [""; 0]);
}

#[tokio::test]
async fn every_answer_of_a_mail_server_is_told_apart() {
    let server = FakeSmtp::open().await.unwrap();
    let door = mail(&server.url);
    for (to, fault, expected, words, taken) in [
        (
            "gone@example.com",
            MailFault::Recipient("550 5.1.1 <gone@example.com> unknown"),
            "refused: recipient",
            "no mailbox",
            0,
        ),
        (
            "bare@example.com",
            MailFault::Recipient("550 no"),
            "refused: recipient",
            "does not take email",
            0,
        ),
        (
            "full@example.com",
            MailFault::Recipient("552 5.2.2 full"),
            "refused: recipient",
            "full",
            0,
        ),
        (
            "wait@example.com",
            MailFault::Recipient("451 4.7.1 greylisted"),
            "not now",
            "later",
            0,
        ),
        (
            "spam@example.com",
            MailFault::Message("554 5.7.1 spam"),
            "refused: account",
            "unwanted",
            0,
        ),
        (
            "busy@example.com",
            MailFault::Message("452 4.3.1 no room"),
            "not now",
            "later",
            0,
        ),
        (
            "lost@example.com",
            MailFault::CutBefore,
            "unknown",
            "lost",
            0,
        ),
        (
            "twice@example.com",
            MailFault::CutAfter,
            "unknown",
            "lost",
            1,
        ),
    ] {
        server.fault(to, fault.clone());
        let came = door.send(&email_to(to)).await;
        assert_eq!(word(&came), expected, "{to}: {came:?}");
        let said = format!("{came:?}");
        assert!(said.contains(words) && !said.contains(to), "{to}: {said}");
        assert_eq!(server.letters(to).len(), taken, "{to}");
        assert_eq!(
            word(&door.send(&email_to(to)).await),
            "taken",
            "{to}: the next try"
        );
    }
    let twice = server.letters("twice@example.com");
    assert_eq!(twice.len(), 2, "it may be repeated");
    assert_eq!(
        twice[0].message_id(),
        twice[1].message_id(),
        "because it is the same message"
    );
    assert_eq!(server.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_mail_server_gets_the_name_and_password_it_wants() {
    let server = FakeSmtp::open().await.unwrap();
    let url = server.wants_sign_in();
    assert_eq!(
        word(&mail(&url).send(&email_to("a@example.com")).await),
        "taken"
    );
    let wrong = mail(&url.replace("fake%20mail", "wrong"))
        .send(&email_to("b@example.com"))
        .await;
    assert_eq!(word(&wrong), "refused: account", "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("password@"), "{wrong:?}");
    let without = mail(&server.url).send(&email_to("c@example.com")).await;
    assert_eq!(word(&without), "refused: account", "{without:?}");
    // STARTTLS was asked for and is not offered: nothing goes out in the clear.
    let secret = mail(&format!("{url}?tls=required"))
        .send(&email_to("d@example.com"))
        .await;
    assert_eq!(word(&secret), "refused: account", "{secret:?}");
    let nobody = mail("smtp://127.0.0.1:9")
        .send(&email_to("e@example.com"))
        .await;
    assert_eq!(word(&nobody), "not now", "{nobody:?}");
    for to in [
        "b@example.com",
        "c@example.com",
        "d@example.com",
        "e@example.com",
    ] {
        assert!(server.letters(to).is_empty(), "{to}");
    }
}

#[tokio::test]
async fn a_mail_server_is_reached_in_secret_and_proves_who_it_is() {
    for server in [FakeSmtp::wrapped().await, FakeSmtp::upgraded().await] {
        let server = server.unwrap();
        let url = server.wants_sign_in();
        let known = Roots::from_pem(server.authority.as_bytes()).unwrap();
        let sent = mail_trusting(&url, known.clone())
            .send(&email_to("safe@example.com"))
            .await;
        assert_eq!(word(&sent), "taken", "{url}: {sent:?}");
        // An authority that nobody vouches for, and a certificate of another name.
        let elsewhere = url.replace("localhost", "127.0.0.1");
        for (url, roots) in [(&url, Roots::default()), (&elsewhere, known)] {
            let door = mail_trusting(url, roots);
            let refused = door.send(&email_to("spy@example.com")).await;
            assert_eq!(word(&refused), "not now", "{url}: {refused:?}");
            assert!(
                format!("{refused:?}").contains("certificate"),
                "{refused:?}"
            );
        }
        assert_eq!(server.letters("safe@example.com").len(), 1);
        assert!(server.letters("spy@example.com").is_empty());
        assert_eq!(server.complaints(), [""; 0]);
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_before_anybody_is_asked() {
    let server = FakeSmtp::open().await.unwrap();
    for to in [
        "",
        "x",
        "a@b.c\r\nBcc: d@e.f",
        "two@example.com, three@example.com",
    ] {
        let came = mail(&server.url).send(&email_to(to)).await;
        assert_eq!(word(&came), "refused: recipient", "{to:?}: {came:?}");
    }
    let subject = Message {
        subject: Some("Hello\r\nBcc: everybody@example.com".into()),
        ..email_to("ok@example.com")
    };
    assert_eq!(word(&mail(&server.url).send(&subject).await), "taken");
    let letter = &server.letters("ok@example.com")[0];
    assert_eq!(letter.header("bcc"), "", "{}", letter.raw);
}
