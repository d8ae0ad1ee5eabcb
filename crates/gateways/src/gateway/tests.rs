//! Body templates, headers, and where an answer has its id.

use remit_core::deliveries::Channel;

use super::*;

fn message() -> Message {
    Message {
        reference: "dlv_1".into(),
        channel: Channel::Sms,
        to: "+447700900123".into(),
        subject: None,
        text: "Say \"hi\" & pay £1\n{to}".into(),
        html: None,
        attachments: vec![],
    }
}

#[test]
fn a_template_is_filled_the_way_its_format_asks_for() {
    for (template, content, expected) in [
        (
            None,
            None,
            r#"{"from":"Lark","reference":"dlv_1","text":"Say \"hi\" & pay £1\n{to}","to":"+447700900123"}"#,
        ),
        (
            Some(r#"{"n": "{{to}}", "m": {"t": "{text}"}}"#),
            None,
            r#"{"n": "+447700900123", "m": {"t": "Say \"hi\" & pay £1\n{to}"}}"#,
        ),
        (
            Some("to={{to}}&from={{from}}&text={{text}}"),
            Some("application/x-www-form-urlencoded"),
            "to=%2B447700900123&from=Lark&text=Say+%22hi%22+%26+pay+%C2%A31%0A%7Bto%7D",
        ),
        (
            Some("<sms to=\"{{to}}\">{{text}}</sms>"),
            Some("text/xml; charset=utf-8"),
            "<sms to=\"+447700900123\">Say &quot;hi&quot; &amp; pay £1\n{to}</sms>",
        ),
        (
            Some("{{to}} {{text}} {{reference}}"),
            Some("text/plain"),
            "+447700900123 Say \"hi\" & pay £1\n{to} dlv_1",
        ),
    ] {
        let filled = Template::parse(template, content)
            .unwrap()
            .fill(&message(), "Lark");
        assert_eq!(filled, expected, "{template:?}");
    }
}

#[test]
fn a_template_that_cannot_work_is_refused() {
    for (template, expected) in [
        (r#"{"n": "{{to}}"}"#.to_owned(), TemplateError::Incomplete),
        (
            r#"{"n": "{{to}}", "t": "{{text}}", "x": "{{name}}"}"#.into(),
            TemplateError::UnknownPlace("name".into()),
        ),
        (
            r#"{"n": {{to}}, "t": {{text}}}"#.into(),
            TemplateError::NotJson,
        ),
        ("to={{to}}&text={{text}}".into(), TemplateError::NotJson),
        (
            format!("{{{{to}}}}{{{{text}}}}{}", "x".repeat(4_000)),
            TemplateError::TooLong,
        ),
    ] {
        assert_eq!(
            Template::parse(Some(&template), None),
            Err(expected),
            "{template}"
        );
    }
}

#[test]
fn an_id_is_found_where_it_stands() {
    let body = br#"{"id": 17, "messages": [{"id": "m-1", "empty": "", "list": []}]}"#;
    for (path, expected) in [
        ("id", Some("17")),
        ("messages.0.id", Some("m-1")),
        ("messages.0.empty", None),
        ("messages.0.list", None),
        ("messages.1.id", None),
        ("nothing", None),
    ] {
        assert_eq!(id(body, path).as_deref(), expected, "{path}");
    }
    assert_eq!(id(b"<html>", "id"), None);
}

#[test]
fn headers_are_checked_before_they_are_kept() {
    let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert!(headers(&pair("X-Api-Key", "secret")).is_ok());
    for (name, value) in [
        ("X Api", "x"),
        ("X-Api", "a\r\nHost: b"),
        ("Host", "x"),
        ("content-length", "1"),
        ("", "x"),
    ] {
        assert!(headers(&pair(name, value)).is_err(), "{name:?}: {value:?}");
    }
}
