//! Settings of a mail server, as they are read, shown and refused.

use super::*;
use crate::smtp::{join, same_sign_in, split};

type Read = (String, u16, Security, Option<(String, String)>);

fn told(text: &str) -> Result<Read, ServerError> {
    Server::parse(text).map(|server| (server.host, server.port, server.security, server.sign_in))
}

#[test]
fn a_server_is_read_and_an_open_connection_only_to_this_machine() {
    let desk = |password: &str| Some(("desk".to_owned(), password.to_owned()));
    for (text, expected) in [
        (
            "smtps://mail.example.com",
            Ok(("mail.example.com", 465, Security::Wrapped, None)),
        ),
        (
            "smtps://desk:p%40ss%20word@mail.example.com:1465",
            Ok((
                "mail.example.com",
                1465,
                Security::Wrapped,
                desk("p@ss word"),
            )),
        ),
        (
            "smtp://desk:a+b%25@mail.example.com?tls=required",
            Ok(("mail.example.com", 587, Security::StartTls, desk("a+b%"))),
        ),
        (
            " smtp://127.0.0.1:2525 ",
            Ok(("127.0.0.1", 2525, Security::Plain, None)),
        ),
        (
            "smtp://localhost",
            Ok(("localhost", 25, Security::Plain, None)),
        ),
        (
            "smtp://[::1]:2525",
            Ok(("::1", 2525, Security::Plain, None)),
        ),
        ("smtp://mail.example.com", Err(ServerError::NotSecure)),
        ("smtp://127.0.0.1.evil.example", Err(ServerError::NotSecure)),
        (
            "smtp://mail.example.com?tls=opportunistic",
            Err(ServerError::NotSecure),
        ),
        ("smtps://mail.example.com/path", Err(ServerError::TooMuch)),
        ("smtps://mail.example.com?x=1", Err(ServerError::TooMuch)),
        (
            "smtps://desk@mail.example.com",
            Err(ServerError::HalfSignIn),
        ),
        (
            "smtps://:secret@mail.example.com",
            Err(ServerError::HalfSignIn),
        ),
        ("https://mail.example.com", Err(ServerError::NotAnAddress)),
        ("smtps://", Err(ServerError::NotAnAddress)),
        (
            "smtps://mail.example.com\r\nx",
            Err(ServerError::NotAnAddress),
        ),
        ("mail.example.com", Err(ServerError::NotAnAddress)),
    ] {
        let expected = expected
            .map(|(host, port, security, sign_in)| (host.to_owned(), port, security, sign_in));
        assert_eq!(told(text), expected, "{text:?}");
    }
}

#[test]
fn a_password_is_kept_apart_and_belongs_to_a_name_at_a_server() {
    let whole = "smtp://desk:p%40ss@mail.example.com?tls=required";
    let (shown, password) = split(whole).unwrap();
    assert_eq!(shown, "smtp://desk@mail.example.com?tls=required");
    assert_eq!(password.as_deref(), Some("p@ss"));
    let again = join(&shown, password.as_deref()).unwrap();
    assert_eq!(told(&again), told(whole));
    for (other, same) in [
        ("smtps://desk@mail.example.com", true),
        ("smtps://other@mail.example.com", false),
        ("smtps://desk@evil.example", false),
        ("nothing", false),
    ] {
        assert_eq!(same_sign_in(&shown, other), same, "{other}");
    }
}

#[test]
fn a_sender_is_one_mailbox_on_one_line() {
    let new = |from: &str, reply_to: Option<&str>| {
        let config = SmtpConfig {
            roots: Roots::default(),
            url: "smtps://mail.example.com".into(),
            from: from.into(),
            reply_to: reply_to.map(str::to_owned),
            receipt_token: None,
        };
        Smtp::new(config).map(drop)
    };
    for good in [
        "pay@larkhill.example",
        "Larkhill Clinic <pay@larkhill.example>",
        "\"Lark, Hill\" <pay@larkhill.example>",
        "Zoë <pay@larkhill.example>",
    ] {
        assert_eq!(new(good, Some(good)), Ok(()), "{good}");
    }
    for bad in [
        "",
        "Larkhill",
        "Ann\r\nBcc: x@y.zz <pay@larkhill.example>",
        "a@b.co, c@d.co",
        "pay@localhost",
    ] {
        assert_eq!(new(bad, None), Err(SmtpError::From), "{bad:?}");
        assert_eq!(
            new("pay@larkhill.example", Some(bad)),
            Err(SmtpError::ReplyTo),
            "{bad:?}"
        );
    }
}
