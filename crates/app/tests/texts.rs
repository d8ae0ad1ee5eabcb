//! A clinic's own words: what a manager saves is what the patient gets, in the patient's language, and every version
//! before it stays.

mod desk;

use desk::Desk;
use remit_app::deliveries::{DeliveryInput, deliver};
use remit_app::patients::PatientChange;
use remit_app::templates::{self, Which};
use remit_app::{Error, appointments, links, outbox, patients, tray};
use remit_core::deliveries::Channel;
use remit_core::links::Purpose;
use remit_core::messages::segments;
use remit_core::money::Money;
use remit_core::templates::Text;

#[tokio::test(flavor = "multi_thread")]
async fn words_reach_the_patient_on_sqlite() {
    let (store, _folder) = desk::on_sqlite("texts").await;
    play(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_reach_the_patient_on_postgres() {
    if let Some(store) = desk::on_postgres("texts").await {
        play(store).await;
    }
}

/// Sends a link to a new patient who reads `locale`; answers with what arrived: subject and text.
async fn sends(desk: &Desk, locale: &str, channel: Channel) -> (Option<String>, String, String) {
    let app = &desk.app;
    let visit = desk.books().await;
    let patient = appointments::get(app, desk.desk.clinic, visit)
        .await
        .unwrap()
        .patient;
    let change = PatientChange {
        locale: Some(locale.into()),
        ..PatientChange::default()
    };
    patients::change(app, &desk.desk, patient, change)
        .await
        .unwrap();
    let link = links::issue(app, &desk.desk, visit, None, Purpose::Balance)
        .await
        .unwrap();
    let view = links::get(app, desk.desk.clinic, link).await.unwrap();
    let url = links::url(app, desk.desk.clinic, &view).unwrap();
    // A number of its own each time: the caps are another test's.
    let drawn = link.to_string().bytes().map(u32::from).sum::<u32>() % 1_000;
    let input = DeliveryInput {
        channel,
        to: (channel == Channel::Sms).then(|| format!("07700 900{drawn:03}")),
        remember: false,
    };
    deliver(app, &desk.desk, link, None, &input).await.unwrap();
    outbox::run(app).await.unwrap();
    let arrived = tray::messages(app, desk.desk.clinic, 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(arrived.text.matches(&url).count(), 1, "{}", arrived.text);
    (arrived.subject, arrived.text, url)
}

async fn play(store: remit_app::Store) {
    let desk = &Desk::opens(store).await;
    let (app, actor) = (&desk.app, &desk.desk);
    let which = |channel, language| Which::parse(channel, language, "balance").unwrap();

    // The standard text, until somebody writes another.
    let (_, text, _) = sends(desk, "en-GB", Channel::Sms).await;
    assert!(text.starts_with("Test Clinic: please pay £45.00"), "{text}");
    let sms = which("sms", "en");
    let own = Text::tidied("", "{clinic} asks for {amount}\n{link} Ref {reference}");
    let saved = templates::save(app, actor, sms, Some(&own)).await.unwrap();
    assert_eq!((saved.is_standard, saved.versions.len()), (false, 1));
    let (_, text, url) = sends(desk, "en-GB", Channel::Sms).await;
    assert!(
        text.starts_with(&format!("Test Clinic asks for £45.00\n{url} Ref PL-")),
        "{text}"
    );

    // Only that text: the email is still the standard one, and so is every other language.
    let (subject, text, _) = sends(desk, "en-GB", Channel::Email).await;
    assert_eq!(
        subject.as_deref(),
        Some("Your secure payment link from Test Clinic")
    );
    assert!(
        text.starts_with("Test mode: no money moves.\n\nHello Anna,"),
        "{text}"
    );
    let (_, text, _) = sends(desk, "pl-PL", Channel::Email).await;
    assert!(
        text.starts_with("Tryb testowy: pieniądze nie są pobierane.\n\n"),
        "{text}"
    );
    let (_, text, _) = sends(desk, "pl-PL", Channel::Sms).await;
    assert!(
        text.starts_with("Test Clinic: rachunek na 45,00 £"),
        "{text}"
    );
    let (_, text, _) = sends(desk, "ar", Channel::Sms).await;
    assert!(
        text.contains("يرجى دفع \u{200e}£45.00") && segments(&text).count <= 2,
        "{text}"
    );
    let (subject, text, _) = sends(desk, "cy", Channel::Email).await;
    assert_eq!(
        subject.as_deref(),
        Some("Eich dolen dalu ddiogel gan Test Clinic")
    );
    assert!(text.contains("Helo Anna,"), "{text}");

    refuses(desk, sms).await;
    goes_back(desk, sms, &own).await;
    costs(desk, sms).await;
}

/// A text that breaks a rule names its field and changes nothing.
async fn refuses(desk: &Desk, sms: Which) {
    let (app, actor) = (&desk.app, &desk.desk);
    for (body, says) in [
        ("{clinic}: {amout} {link}", "Did you mean {amount}?"),
        ("{clinic}: your botox, {amount} {link}", "botox"),
        ("{clinic}: {amount}", "{link}"),
    ] {
        let refused = templates::save(app, actor, sms, Some(&Text::tidied("", body))).await;
        match refused {
            Err(Error::Invalid {
                field: "body",
                message,
            }) => {
                assert!(message.contains(says), "{message}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
    let view = templates::get(app, actor.clinic, sms).await.unwrap();
    assert_eq!(view.versions.len(), 1);
}

/// Back to the standard text, to an earlier version, and nothing new for what is the same.
async fn goes_back(desk: &Desk, sms: Which, own: &Text) {
    let (app, actor) = (&desk.app, &desk.desk);
    let standard = templates::save(app, actor, sms, None).await.unwrap();
    assert_eq!((standard.is_standard, standard.versions.len()), (true, 2));
    assert_eq!(standard.text, sms.standard());
    let (_, text, _) = sends(desk, "en-GB", Channel::Sms).await;
    assert!(text.starts_with("Test Clinic: please pay"), "{text}");
    let again = templates::use_again(app, actor, sms, 1).await.unwrap();
    assert_eq!((&again.text, again.versions[0].version), (own, 3));
    let same = templates::save(app, actor, sms, Some(own)).await.unwrap();
    assert_eq!(same.versions.len(), 3, "the same words are no new version");
    assert!(matches!(
        templates::use_again(app, actor, sms, 99).await,
        Err(Error::NotFound)
    ));
    // Two managers save at once: both versions stay, one after the other.
    let texts = ["a", "b"].map(|word| Text::tidied("", &format!("{{clinic}} {word} {{link}}")));
    let [one, other] = &texts;
    let (one, other) = tokio::join!(
        templates::save(app, actor, sms, Some(one)),
        templates::save(app, actor, sms, Some(other))
    );
    assert!(one.is_ok() && other.is_ok());
    let view = templates::get(app, actor.clinic, sms).await.unwrap();
    let numbers: Vec<i64> = view.versions.iter().map(|known| known.version).collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
    let listed = templates::list(app, actor.clinic).await.unwrap();
    let changed: Vec<_> = listed.iter().filter(|view| !view.is_standard).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].text, view.text);
}

/// A preview says what a message costs, by the clinic's own price.
async fn costs(desk: &Desk, sms: Which) {
    let (app, clinic) = (&desk.app, desk.desk.clinic);
    let accented = Text::tidied("", "{clinic}: zażółć {amount} {link} Ref {reference}");
    for (text, count, cost) in [(&sms.standard(), 1, 4), (&accented, 2, 8)] {
        let shown = templates::preview(app, clinic, sms, text).await.unwrap();
        let segments = shown.segments.map(|one| one.count);
        assert_eq!(
            (segments, shown.cost),
            (Some(count), Some(Money::gbp(cost)))
        );
    }
}
