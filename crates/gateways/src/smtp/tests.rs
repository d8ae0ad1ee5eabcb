//! Settings of a sender, as they are read and refused.

use super::*;

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
