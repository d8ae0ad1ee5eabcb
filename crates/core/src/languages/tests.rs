use std::collections::BTreeSet;

use super::*;
use crate::messages::is_gsm7;
use crate::money::Currency;
use crate::templates::{Advice, Purpose, Text, TextChannel, Values, lint, standard};

fn slots(text: &str) -> BTreeSet<&str> {
    pieces(text)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Slot(name) => Some(name),
            Piece::Text(_) => None,
        })
        .collect()
}

#[test]
fn every_language_has_every_word_with_the_same_placeholders() {
    let ours = english().page.all();
    for language in ALL {
        let words = language.page.all();
        assert_eq!(words.len(), ours.len());
        for ((name, word), (_, english)) in words.iter().zip(&ours) {
            assert!(!word.trim().is_empty(), "{language:?}: {name} says nothing");
            assert_eq!(slots(word), slots(english), "{language:?}: {name}");
        }
        let said = words
            .iter()
            .zip(&ours)
            .filter(|(one, other)| one.1 == other.1);
        assert!(
            *language == *english() || said.count() < 12,
            "{language:?} still speaks English"
        );
        for (button, english) in [
            (language.messages.pay_button, english().messages.pay_button),
            (language.messages.see_button, english().messages.see_button),
        ] {
            assert_eq!(slots(button), slots(english), "{language:?}");
        }
        for names in [
            &language.calendar.months[..],
            &language.calendar.weekdays,
            &language.calendar.months_short,
        ] {
            let distinct: BTreeSet<&&str> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "{language:?}");
        }
        assert!(!language.refused.clinical.is_empty() && !language.refused.urgent.is_empty());
    }
}

#[test]
fn the_standard_texts_pass_what_a_clinics_own_must_pass() {
    let sample = Values {
        clinic: "Larkhill Clinic".into(),
        link: "https://pay.larkhill.example/p/lark7Qm2vXc9RtL0aZk4sWfH1w".into(),
        ..Values::default()
    };
    for language in ALL {
        for purpose in Purpose::ALL {
            for channel in TextChannel::ALL {
                let text = standard(channel, purpose, language);
                let refused: Vec<String> = lint(&text, channel, purpose, language, &sample)
                    .into_iter()
                    .filter(|finding| finding.refused)
                    .map(|finding| finding.advice.to_string())
                    .collect();
                assert!(
                    refused.is_empty(),
                    "{language:?} {channel:?} {purpose:?}: {refused:?}"
                );
                if channel == TextChannel::Email {
                    let english = standard(channel, purpose, english());
                    assert_eq!(
                        slots(&text.body),
                        slots(&english.body),
                        "{language:?} {purpose:?}"
                    );
                    assert_eq!(
                        slots(&text.subject),
                        slots(&english.subject),
                        "{language:?} {purpose:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_pages_say_nothing_of_health_and_press_nobody() {
    let mut told = Vec::new();
    for language in ALL {
        for (name, word) in language.page.all() {
            let words = word.replace(['{', '}'], " ");
            let text = Text {
                body: format!("{{clinic}} {{link}} {words}"),
                ..Text::default()
            };
            let found = lint(
                &text,
                TextChannel::Email,
                Purpose::Balance,
                language,
                &Values::default(),
            );
            told.extend(
                found
                    .into_iter()
                    .map(|finding| finding.advice)
                    .filter(|advice| matches!(advice, Advice::Clinical(_) | Advice::Urgent(_)))
                    .map(|advice| format!("{language:?} {name}: {advice}")),
            );
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn texts_for_sms_keep_to_the_phones_alphabet_where_the_language_can() {
    for language in ALL
        .into_iter()
        .filter(|language| !language.is_right_to_left())
    {
        for purpose in Purpose::ALL {
            let texts = match purpose {
                Purpose::Deposit => language.messages.deposit.sms,
                Purpose::Balance => language.messages.balance.sms,
                Purpose::Reminder => language.messages.reminder.sms,
                Purpose::Expiring => language.messages.expiring.sms,
                Purpose::Receipt => language.messages.receipt.sms,
                Purpose::Refund => language.messages.refund.sms,
            };
            for text in texts {
                let beyond: Vec<char> = text.chars().filter(|c| !is_gsm7(*c)).collect();
                assert!(
                    beyond.is_empty(),
                    "{language:?} {purpose:?}: {beyond:?} in {text:?}"
                );
            }
        }
        for month in 1..=12 {
            let at = LocalTime { month, ..AT };
            let date = language.date(at, DateStyle::Sms);
            assert!(date.chars().all(is_gsm7), "{language:?}: {date}");
        }
    }
}

const AT: LocalTime = LocalTime {
    year: 2026,
    month: 11,
    day: 26,
    weekday: 3,
    hour: 8,
    minute: 5,
};

#[test]
fn dates_are_written_as_their_readers_write_them() {
    let written: Vec<String> = ALL
        .into_iter()
        .map(|language| language.date(AT, DateStyle::DayTime))
        .collect();
    assert_eq!(
        written,
        [
            "Thursday 26 November at 08:05",
            "dydd Iau 26 Tachwedd am 08:05",
            "czwartek, 26 listopada, godz. 08:05",
            "jeudi 26 novembre à 08:05",
            "Donnerstag, 26. November, 08:05 Uhr",
            "jueves 26 de noviembre, 08:05 h",
            "الخميس 26 نوفمبر، الساعة 08:05",
        ]
    );
    let first = LocalTime {
        day: 1,
        month: 8,
        weekday: 5,
        ..AT
    };
    assert_eq!(of_locale("fr-FR").date(first, DateStyle::Short), "1er août");
    for language in ALL {
        for style in [
            DateStyle::Full,
            DateStyle::DayTime,
            DateStyle::Long,
            DateStyle::ShortTime,
            DateStyle::ShortYearTime,
            DateStyle::Short,
            DateStyle::Sms,
        ] {
            let date = language.date(AT, style);
            assert!(!date.contains(['{', '}']), "{language:?} {style:?}: {date}");
        }
    }
}

#[test]
fn sums_are_written_as_their_readers_write_them() {
    let large = Money::gbp(104_550);
    let written: Vec<String> = ALL
        .into_iter()
        .map(|language| language.money(large))
        .collect();
    assert_eq!(
        written,
        [
            "£1,045.50",
            "£1,045.50",
            "1045,50\u{a0}£",
            "1\u{202f}045,50\u{a0}£",
            "1.045,50\u{a0}£",
            "1045,50\u{a0}£",
            "£1,045.50",
        ]
    );
    let german = of_locale("de-AT");
    let dinars = Money::new(-1_500, Currency::parse("KWD").unwrap());
    assert_eq!(german.money(dinars), "-1,500\u{a0}KWD");
    assert_eq!(english().money(dinars), dinars.to_string());
    assert_eq!(
        of_locale("pl").money(Money::gbp(1_234_567)),
        "12\u{a0}345,67\u{a0}£"
    );
}

#[test]
fn a_patients_language_is_found_and_english_is_for_everybody_else() {
    for (locale, tag) in [
        ("cy-GB", "cy"),
        ("PL", "pl"),
        ("ar_EG", "ar"),
        ("en-GB", "en"),
        ("pt-BR", "en"),
        ("", "en"),
    ] {
        assert_eq!(of_locale(locale).tag, tag, "{locale}");
    }
    for (header, tag) in [
        ("cy-GB,cy;q=0.9,en;q=0.8", "cy"),
        ("pt-BR, de;q=0.7, fr;q=0.9", "fr"),
        ("pt-BR,pt;q=0.9", "en"),
        ("", "en"),
        ("de;q=0, fr;q=nonsense, *", "en"),
        ("es;q=1.5", "es"),
    ] {
        assert_eq!(of_accept(header).tag, tag, "{header}");
    }
}

#[test]
fn what_runs_from_right_to_left_keeps_figures_in_their_order() {
    let arabic = of_locale("ar");
    assert_eq!(
        arabic.isolated("0117 496 0142"),
        "\u{2068}0117 496 0142\u{2069}"
    );
    assert_eq!(arabic.marked_for_sms("£30.00"), "\u{200e}£30.00");
    assert_eq!(arabic.marked_for_sms("Larkhill"), "Larkhill");
    assert_eq!(english().isolated("£30.00"), "£30.00");
    assert_eq!(of_locale("fr").marked_for_sms("30,00\u{a0}£"), "30,00 £");
    assert_eq!((arabic.dir(), english().dir()), ("rtl", "ltr"));
}

#[test]
fn our_own_texts_are_filled() {
    assert_eq!(
        fill("{a} and {b}, {a}", &[("a", "1"), ("b", "{a}")]),
        "1 and {a}, 1"
    );
    assert_eq!(fill("{what} {", &[]), "{what} {");
    assert_eq!(pieces("x {a}"), [Piece::Text("x "), Piece::Slot("a")]);
}
