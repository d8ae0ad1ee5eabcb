//! Settings of a mail server, as they are read, shown and refused.

use super::*;

const SMTP: Protocol = Protocol::Smtp;
const IMAP: Protocol = Protocol::Imap;

type Read = (String, u16, Security, Option<(String, String)>);

fn told(text: &str) -> Result<Read, ServerError> {
    Server::parse(SMTP, text)
        .map(|server| (server.host, server.port, server.security, server.sign_in))
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
        ("smtp://mail.example.com", Err(ServerError::NotSecure(SMTP))),
        (
            "smtp://127.0.0.1.evil.example",
            Err(ServerError::NotSecure(SMTP)),
        ),
        (
            "smtp://mail.example.com?tls=opportunistic",
            Err(ServerError::NotSecure(SMTP)),
        ),
        ("smtps://mail.example.com/path", Err(ServerError::TooMuch)),
        ("smtps://mail.example.com?x=1", Err(ServerError::TooMuch)),
        (
            "smtps://desk@mail.example.com",
            Err(ServerError::HalfSignIn(SMTP)),
        ),
        (
            "smtps://:secret@mail.example.com",
            Err(ServerError::HalfSignIn(SMTP)),
        ),
        (
            "https://mail.example.com",
            Err(ServerError::NotAnAddress(SMTP)),
        ),
        ("smtps://", Err(ServerError::NotAnAddress(SMTP))),
        (
            "smtps://mail.example.com\r\nx",
            Err(ServerError::NotAnAddress(SMTP)),
        ),
        ("mail.example.com", Err(ServerError::NotAnAddress(SMTP))),
    ] {
        let expected = expected
            .map(|(host, port, security, sign_in)| (host.to_owned(), port, security, sign_in));
        assert_eq!(told(text), expected, "{text:?}");
    }
}

#[test]
fn a_password_is_kept_apart_and_belongs_to_a_name_at_a_server() {
    let whole = "smtp://desk:p%40ss@mail.example.com?tls=required";
    let (shown, password) = split(SMTP, whole).unwrap();
    assert_eq!(shown, "smtp://desk@mail.example.com?tls=required");
    assert_eq!(password.as_deref(), Some("p@ss"));
    let again = join(SMTP, &shown, password.as_deref()).unwrap();
    assert_eq!(told(&again), told(whole));
    for (other, same) in [
        ("smtps://desk@mail.example.com", true),
        ("smtps://other@mail.example.com", false),
        ("smtps://desk@evil.example", false),
        ("nothing", false),
    ] {
        assert_eq!(same_sign_in(SMTP, &shown, other), same, "{other}");
    }
}

#[test]
fn a_mailbox_may_name_its_folder() {
    let read = |text: &str| {
        Server::parse(IMAP, text).map(|server| (server.port, server.security, server.folder))
    };
    for (text, expected) in [
        (
            "imaps://desk:secret@mail.example.com",
            Ok((993, Security::Wrapped, "")),
        ),
        (
            "imaps://desk:secret@mail.example.com/Came%20back",
            Ok((993, Security::Wrapped, "Came back")),
        ),
        (
            "imap://desk:secret@mail.example.com/INBOX/Bounces?tls=required",
            Ok((143, Security::StartTls, "INBOX/Bounces")),
        ),
        (
            "imap://desk:secret@127.0.0.1:1143",
            Ok((1143, Security::Plain, "")),
        ),
        (
            "imap://desk:secret@mail.example.com",
            Err(ServerError::NotSecure(IMAP)),
        ),
        (
            "smtps://desk:secret@mail.example.com",
            Err(ServerError::NotAnAddress(IMAP)),
        ),
        (
            "imaps://desk@mail.example.com",
            Err(ServerError::HalfSignIn(IMAP)),
        ),
    ] {
        let expected = expected.map(|(port, security, folder)| (port, security, folder.to_owned()));
        assert_eq!(read(text), expected, "{text:?}");
    }
    let told = ServerError::NotSecure(IMAP).to_string();
    assert!(told.contains("imaps://"), "{told}");
}
