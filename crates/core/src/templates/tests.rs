use proptest::prelude::*;

use super::*;
use crate::languages::{self, english};
use crate::messages::segments;

const LINK: &str = "https://pay.larkhill.example/p/lark7Qm2vXc9RtL0aZk4sWfH1w";

fn values(language: &Language, channel: TextChannel) -> Values {
    let raw = Values {
        clinic: "Larkhill Clinic".into(),
        clinic_phone: "0117 496 0142".into(),
        first_name: "Ava".into(),
        amount: language.money(crate::money::Money::gbp(3_000)),
        link: LINK.into(),
        reference: "PL-20671A".into(),
        expires: "26 Nov 08:05".into(),
        appointment: "24 Nov 11:00".into(),
        date: "25 Nov 2026".into(),
    };
    raw.map(|value| match channel {
        TextChannel::Sms => language.marked_for_sms(value),
        TextChannel::Email => language.isolated(value),
    })
}

/// What staff are told of a text, refusals first.
fn told(
    channel: TextChannel,
    purpose: Purpose,
    subject: &str,
    body: &str,
) -> (Vec<String>, Vec<String>) {
    let text = Text::tidied(subject, body);
    let found = lint(
        &text,
        channel,
        purpose,
        english(),
        &values(english(), channel),
    );
    let said = |refused: bool| {
        let of = found
            .iter()
            .filter(move |finding| finding.refused == refused);
        of.map(|finding| finding.advice.to_string()).collect()
    };
    (said(true), said(false))
}

#[test]
fn a_text_that_cannot_be_read_says_where_and_what_to_do() {
    for (text, place, words) in [
        ("Pay {amout} now", (1, 5), "Did you mean {amount}?"),
        ("a\nb {First Name}", (2, 3), "Did you mean {first_name}?"),
        ("{clinic phone}", (1, 1), "Did you mean {clinic_phone}?"),
        ("{diagnosis}", (1, 1), "Use one of the placeholders"),
        ("{amount", (1, 1), "Write }"),
        ("{amount\n}", (1, 1), "Write }"),
        ("é {{amount}}", (1, 3), "Write }"),
        ("amount}", (1, 7), "Write {"),
        ("{date}", (1, 1), "Take it out"),
        ("{}", (1, 1), "{} is not known"),
    ] {
        let misread = Template::parse(text, Purpose::Balance).unwrap_err();
        assert_eq!((misread.line, misread.column), place, "{text}");
        assert!(misread.to_string().contains(words), "{misread}");
    }
    assert!(Template::parse("{date} {amount}", Purpose::Receipt).is_ok());
}

#[test]
fn what_a_name_holds_is_never_taken_for_a_placeholder() {
    let template = Template::parse("Hello {first_name}, {link}", Purpose::Balance).unwrap();
    let named = Values {
        first_name: "{link}".into(),
        link: LINK.into(),
        ..Values::default()
    };
    assert_eq!(template.render(&named), format!("Hello {{link}}, {LINK}"));
}

#[test]
fn a_text_may_say_neither_health_nor_urgency_and_says_who_it_is_from() {
    let good =
        "{clinic}: please pay {amount} here: {link} Ref {reference}. Questions? {clinic_phone}";
    assert_eq!(
        told(TextChannel::Sms, Purpose::Balance, "", good),
        (vec![], vec![])
    );
    for (body, part) in [
        (
            "{clinic}: your physiotherapy costs {amount} {link}",
            "“physiotherapy”",
        ),
        ("{clinic}: BLOOD TESTS: {amount} {link}", "“blood tests”"),
        ("{clinic}: final notice, {amount} {link}", "“final notice”"),
        ("{clinic}: pay immediately {link}", "“immediately”"),
        ("{clinic}: {amount}", "Put {link} where"),
        ("{clinic} {link} {link}", "Use {link} once"),
        ("{clinic}: {amount} at {link}.", "Leave a blank"),
        ("{clinic}:{link} {amount}", "Leave a blank"),
        ("{clinic}{link}", "Leave a blank"),
        ("Please pay {amount} {link}", "Put {clinic} in"),
        ("{clinic} {link} or bit.ly/pay", "“bit.ly/pay”"),
        (
            "{clinic} {link} https://evil.example",
            "“https://evil.example”",
        ),
        ("{clinic} {link} www.evil.example", "“www.evil.example”"),
        ("{clinic} {link} larkhill.co.uk", "“larkhill.co.uk”"),
        ("{clinic} {link} \u{202e}abc", "control characters"),
        ("", "Write something"),
    ] {
        let (refused, _) = told(TextChannel::Sms, Purpose::Balance, "", body);
        assert!(
            refused.iter().any(|one| one.contains(part)),
            "{body}: {refused:?}"
        );
    }
    let long = format!("{{clinic}} {{link}} {}", "word ".repeat(200));
    let (refused, _) = told(TextChannel::Sms, Purpose::Balance, "", &long);
    assert!(refused[0].contains("SMS segments"), "{refused:?}");
    // A refund asks for nothing, so it needs no link; courtesy is no court, paint is no pain.
    let fine = "{clinic}: with courtesy, {amount} goes back to you, e.g. by 26.11. at 10 a.m. info@larkhill.co.uk Ref {reference} {clinic_phone}";
    assert_eq!(
        told(TextChannel::Sms, Purpose::Refund, "", fine).0,
        Vec::<String>::new()
    );
}

#[test]
fn an_email_needs_a_phone_and_a_subject_that_tells_nothing() {
    let body = "{clinic} asks for {amount}\n{link}\nRef {reference}";
    let (refused, _) = told(
        TextChannel::Email,
        Purpose::Deposit,
        "Your link from {clinic}",
        body,
    );
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("{clinic_phone}"));
    let body = format!("{body}\nCall {{clinic_phone}}");
    for (subject, part) in [
        ("{amount} for {clinic}", "Take {amount} out"),
        ("Hello {first_name}", "Take {first_name} out"),
        ("Your treatment", "“treatment”"),
        ("", "Write something"),
        ("a\u{7}b", "control characters"),
    ] {
        let (refused, _) = told(TextChannel::Email, Purpose::Deposit, subject, &body);
        assert!(
            refused.iter().any(|one| one.contains(part)),
            "{subject}: {refused:?}"
        );
    }
    assert_eq!(
        told(TextChannel::Email, Purpose::Deposit, "From {clinic}", &body),
        (vec![], vec![])
    );
}

#[test]
fn advice_is_given_where_money_or_trust_is_lost() {
    let sms = |body: &str| told(TextChannel::Sms, Purpose::Balance, "", body);
    let (refused, advice) = sms("{clinic}: zażółć {amount} {link} Ref {reference} {clinic_phone}");
    assert_eq!(refused, Vec::<String>::new());
    assert!(advice.iter().any(|one| one.contains("“ż”")), "{advice:?}");
    assert!(
        advice.iter().any(|one| one.contains("2 SMS segments")),
        "{advice:?}"
    );
    let (_, advice) = sms("{clinic}: PLEASE pay {amount} {link}");
    assert!(
        advice.iter().any(|one| one.contains("capitals")),
        "{advice:?}"
    );
    assert!(
        advice.iter().any(|one| one.contains("{reference}")),
        "{advice:?}"
    );
}

#[test]
fn the_standard_sms_fits_and_says_who_it_is_from() {
    let long = "The Very Long Established Larkhill and District Wellbeing Practice of the City of Bristol and Bath";
    for language in languages::ALL {
        for purpose in Purpose::ALL {
            for clinic in ["Larkhill Clinic", long, "Tŷ Gwyn"] {
                let values = Values {
                    clinic: clinic.into(),
                    ..values(language, TextChannel::Sms)
                };
                let text = standard_sms(purpose, language, &values);
                let is_plain = !language.is_right_to_left() && clinic != "Tŷ Gwyn";
                let count = segments(&text).count;
                assert!(count <= if is_plain { 1 } else { 2 }, "{count}: {text}");
                assert!(
                    text.starts_with(clinic.split(' ').next().unwrap()),
                    "{text}"
                );
                assert!(text.contains(&values.amount), "{text}");
                assert_eq!(
                    text.matches(LINK).count(),
                    usize::from(purpose != Purpose::Refund),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn a_clinic_without_a_phone_sends_no_line_about_calling_it() {
    let without = Values {
        clinic_phone: String::new(),
        ..values(english(), TextChannel::Email)
    };
    let worded = word(
        None,
        TextChannel::Email,
        Purpose::Balance,
        english(),
        &without,
    );
    assert!(
        !worded.text.contains("Questions?") && worded.text.contains(LINK),
        "{}",
        worded.text
    );
    let worded = word(
        None,
        TextChannel::Sms,
        Purpose::Balance,
        english(),
        &without,
    );
    assert!(
        !worded.text.contains("Questions?") && worded.text.contains(LINK),
        "{}",
        worded.text
    );
}

#[test]
fn a_clinics_own_text_is_what_goes_out() {
    let own = Text::tidied(
        " News from {clinic} ",
        "Dear {first_name},\r\n\r\n{link}\r\n",
    );
    let worded = word(
        Some(&own),
        TextChannel::Email,
        Purpose::Balance,
        english(),
        &values(english(), TextChannel::Email),
    );
    assert_eq!(worded.subject.as_deref(), Some("News from Larkhill Clinic"));
    assert_eq!(worded.text, format!("Dear Ava,\n\n{LINK}\n"));
    // One that an older release let through and this one cannot read does not stop the message.
    let broken = Text::tidied("", "{clinic");
    let worded = word(
        Some(&broken),
        TextChannel::Sms,
        Purpose::Balance,
        english(),
        &values(english(), TextChannel::Sms),
    );
    assert!(worded.text.contains(LINK));
}

proptest! {
    /// Whatever is written, reading it ends, and what it reads is what was written.
    #[test]
    fn any_text_is_read_or_refused_at_a_place_in_it(text in "[a-z{}_ \nłع]{0,60}") {
        match Template::parse(&text, Purpose::Balance) {
            Ok(template) => {
                let back: String = template.segments().iter().map(|segment| match segment {
                    Segment::Words(words) => words.clone(),
                    Segment::Slot(placeholder) => placeholder.to_string(),
                }).collect();
                prop_assert_eq!(back, text);
            }
            Err(misread) => {
                let line = text.split('\n').nth(misread.line - 1).expect("a line of the text");
                let there = line.chars().nth(misread.column - 1);
                prop_assert!(matches!(there, Some('{' | '}')), "{:?}", misread);
            }
        }
    }

    /// No name, however long or strange, cuts the link or leaves it out of a standard SMS.
    #[test]
    fn the_link_is_never_cut(clinic in ".{1,200}", first in 0_usize..7, which in 0_usize..5) {
        let language = languages::ALL[first];
        let values = Values { clinic, ..values(language, TextChannel::Sms) };
        let text = standard_sms(Purpose::ALL[which], language, &values);
        prop_assert_eq!(text.matches(LINK).count() - values.clinic.matches(LINK).count().min(1), 1);
        prop_assert!(segments(&text).count <= 2, "{}", text);
    }

    /// What passes the lint says the clinic's name and holds the link once, whole and apart, whatever the values.
    #[test]
    fn what_is_saved_keeps_its_promises(body in "[a-z .!]{0,20}(\\{clinic\\}|\\{link\\}|\\{amount\\}|[a-z .\n]{0,9}){0,6}", name in ".{0,30}") {
        let text = Text::tidied("", &body);
        let found = lint(&text, TextChannel::Sms, Purpose::Balance, english(), &values(english(), TextChannel::Sms));
        if found.iter().all(|finding| !finding.refused) {
            let values = Values { first_name: name, ..values(english(), TextChannel::Sms) };
            let worded = word(Some(&text), TextChannel::Sms, Purpose::Balance, english(), &values);
            prop_assert!(worded.text.contains("Larkhill Clinic"));
            prop_assert_eq!(worded.text.split_whitespace().filter(|part| *part == LINK).count(), 1);
        }
    }
}
