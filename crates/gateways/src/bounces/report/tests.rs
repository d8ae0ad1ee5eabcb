use super::*;

const HEAD: &str = "From: MAILER-DAEMON@mx.example\r\nTo: pay@larkhill.example\r\nSubject: Undelivered Mail\r\n\
                    MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"b\"\r\n\r\n";
const WORDS: &str =
    "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to inform you.\r\n\r\n";
const COPY: &str = "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <dlv_1@larkhill.example>\r\n\
                    Subject: Your payment\r\n\r\nhello\r\n";

fn status(fields: &str) -> String {
    format!(
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n{fields}\r\n\r\n"
    )
}

fn letter(status: &str, copy: &str) -> String {
    format!("{HEAD}{WORDS}{status}{copy}--b--\r\n")
}

fn told(letter: &str) -> Option<(String, String)> {
    let receipt = read(letter.as_bytes())?;
    assert_eq!(receipt.status, MessageStatus::Failed);
    Some((receipt.provider_message_id?, receipt.reason?))
}

#[test]
fn a_reason_is_told_in_plain_words_and_without_the_address() {
    for (fields, expected) in [
        (
            "Final-Recipient: rfc822; ava@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\
             Diagnostic-Code: smtp; 550 5.1.1 <ava@example.com>: no such user",
            "There is no mailbox with this address. Correct it and send again (550 5.1.1).",
        ),
        (
            "Action: Failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp;\r\n 552-5.2.2 the mailbox of\r\n ava is full",
            "The mailbox is full. Send the link by SMS, or try again later (552 5.2.2).",
        ),
        (
            "Action: failed\r\nStatus: 5.4.4",
            "The part after the @ takes no email. Correct the address and send again (5.4.4).",
        ),
        ("Action: failed", "It came back without a reason."),
        (
            "Action: failed\r\nStatus: nonsense\r\nDiagnostic-Code: X-Postfix; unknown",
            "It came back without a reason.",
        ),
    ] {
        let (id, reason) = told(&letter(&status(fields), COPY)).unwrap();
        assert_eq!(
            (id.as_str(), reason.as_str()),
            ("<dlv_1@larkhill.example>", expected)
        );
    }
}

#[test]
fn the_email_is_found_in_its_copy_its_headers_or_what_is_answered() {
    let failed = status("Action: failed\r\nStatus: 5.1.1");
    let headers =
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <dlv_2@larkhill.example>\r\n";
    let (id, _) = told(&letter(&failed, headers)).unwrap();
    assert_eq!(id, "<dlv_2@larkhill.example>");
    let answers = format!(
        "References: <x@y.example> <dlv_3@larkhill.example>\r\n{}",
        letter(&failed, "")
    );
    assert_eq!(told(&answers).unwrap().0, "<dlv_3@larkhill.example>");
    let receipt = read(letter(&failed, COPY).as_bytes()).unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("dlv_1"));
    assert_eq!(
        told(&letter(&failed, "")),
        None,
        "of which email nobody knows"
    );
}

#[test]
fn a_notification_that_was_cut_off_is_read_as_far_as_it_goes() {
    let whole = letter(&status("Action: failed\r\nStatus: 5.1.1"), COPY);
    let cut = &whole[..whole.find("hello").unwrap()];
    assert_eq!(told(cut).unwrap().0, "<dlv_1@larkhill.example>");
}

#[test]
fn only_what_failed_for_good_says_anything() {
    for fields in [
        "Action: delayed\r\nStatus: 4.4.7",
        "Action: delivered\r\nStatus: 2.0.0",
        "Action: relayed",
        "Status: 5.1.1",
    ] {
        assert_eq!(told(&letter(&status(fields), COPY)), None, "{fields}");
    }
    let one_of_two =
        status("Action: delivered\r\nStatus: 2.0.0\r\n\r\nAction: failed\r\nStatus: 5.2.2");
    assert!(told(&letter(&one_of_two, COPY)).unwrap().1.contains("full"));
}

#[test]
fn other_letters_are_no_notifications() {
    let failed = status("Action: failed\r\nStatus: 5.1.1");
    for kind in [
        "multipart/mixed; boundary=\"b\"",
        "multipart/report; report-type=disposition-notification; boundary=\"b\"",
        "text/plain",
    ] {
        let head = format!("Content-Type: {kind}\r\n\r\n");
        assert!(!is_notification(head.as_bytes()), "{kind}");
        assert_eq!(
            told(&format!("{head}{WORDS}{failed}{COPY}--b--\r\n")),
            None,
            "{kind}"
        );
    }
    assert!(is_notification(HEAD.as_bytes()));
    assert!(!is_notification(b""));
    for nonsense in [
        &b""[..],
        b"\0\xff",
        b"Content-Type: multipart/report\r\n\r\n--",
        HEAD.as_bytes(),
    ] {
        assert!(read(nonsense).is_none());
    }
}

proptest::proptest! {
    #[test]
    fn no_letter_breaks_the_reading(bytes: Vec<u8>, at in 0..600usize) {
        let whole = letter(&status("Action: failed\r\nStatus: 5.1.1"), COPY).into_bytes();
        let mut mixed = whole.clone();
        let at = at.min(whole.len());
        mixed.splice(at..at, bytes.iter().copied());
        let _ = read(&mixed);
        let _ = is_notification(&bytes);
    }
}
