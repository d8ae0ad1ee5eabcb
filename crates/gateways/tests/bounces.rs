//! A mailbox that is read for emails that came back, against one that only lets itself be read.

use fake_carriers::{FakeImap, Letter};
use remit_gateways::bounces::{Mailbox, Position, ReadError};
use remit_gateways::messages::MessageStatus;
use remit_gateways::roots::Roots;

fn mailbox(url: &str) -> Mailbox {
    Mailbox::new(url, Roots::default()).unwrap()
}

fn email(id: &str) -> Letter {
    let raw =
        format!("Message-ID: <{id}@larkhill.example>\r\nSubject: Your payment\r\n\r\nhello\r\n");
    Letter::read("pay@larkhill.example", "ava@example.com", &raw)
}

fn ordinary(server: &FakeImap) {
    server
        .receives("Subject: Lunch?\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nAt one.\r\n");
    server.receives("Subject: no kind at all\r\n\r\nhello\r\n");
}

#[tokio::test]
async fn each_notification_is_told_once_and_nothing_else_is_read() {
    let server = FakeImap::open().await.unwrap();
    let door = mailbox(&server.url);
    let empty = door.read(None).await.unwrap();
    assert_eq!((empty.receipts.len(), empty.is_cut), (0, false));
    ordinary(&server);
    server.bounces(&email("dlv_1"), "550 5.1.1 no such user");
    ordinary(&server);
    let read = door.read(Some(empty.upto)).await.unwrap();
    let [receipt] = &read.receipts[..] else {
        panic!("{:?}", read.receipts);
    };
    assert_eq!(receipt.reference.as_deref(), Some("dlv_1"));
    assert_eq!(
        receipt.provider_message_id.as_deref(),
        Some("<dlv_1@larkhill.example>")
    );
    assert_eq!(receipt.status, MessageStatus::Failed);
    assert!(
        receipt.reason.as_deref().unwrap().contains("no mailbox"),
        "{receipt:?}"
    );
    let again = door.read(Some(read.upto)).await.unwrap();
    assert_eq!((again.receipts.len(), again.upto), (0, read.upto));
    assert_eq!(server.fetched(), [3], "letters of others are not fetched");
    // Another count of the same letters: they are looked at again, which changes nothing above.
    server.renumbers();
    let recounted = door.read(Some(read.upto)).await.unwrap();
    assert_eq!(
        (recounted.receipts.len(), recounted.upto),
        (
            1,
            Position {
                validity: 2,
                uid: 5
            }
        )
    );
    assert_eq!(server.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_full_mailbox_is_read_in_parts_and_from_its_end() {
    let server = FakeImap::open().await.unwrap();
    let door = mailbox(&server.url);
    server.bounces(&email("dlv_old"), "550 5.1.1 no such user");
    for _ in 0..250 {
        ordinary(&server);
    }
    let first = door.read(None).await.unwrap();
    assert_eq!(
        (first.receipts.len(), first.upto.uid, first.is_cut),
        (0, 501, false)
    );
    for _ in 0..150 {
        ordinary(&server);
    }
    server.bounces(&email("dlv_new"), "550 5.1.1 no such user");
    let part = door.read(Some(first.upto)).await.unwrap();
    assert_eq!((part.receipts.len(), part.is_cut), (0, true));
    let rest = door.read(Some(part.upto)).await.unwrap();
    assert_eq!(
        (rest.receipts.len(), rest.is_cut, rest.upto.uid),
        (1, false, 802)
    );
    assert_eq!(server.complaints(), [""; 0]);
}

#[tokio::test]
async fn what_is_wrong_with_a_mailbox_is_told_apart() {
    let server = FakeImap::open().await.unwrap();
    let wrong = |from: &str, to: &str| mailbox(&server.url.replace(from, to));
    let told = async |door: Mailbox| (door.greet().await.err(), door.read(None).await.err());
    let twice = |error| (Some(error), Some(error));
    assert_eq!(told(mailbox(&server.url)).await, (None, None));
    assert_eq!(
        told(wrong("fake%20mail", "wrong")).await,
        twice(ReadError::SignIn)
    );
    assert_eq!(
        told(mailbox(&format!("{}/Bounces", server.url))).await,
        (None, None)
    );
    assert_eq!(
        told(mailbox(&format!("{}/Nowhere", server.url))).await,
        twice(ReadError::Folder)
    );
    assert_eq!(
        told(mailbox("imap://desk:secret@127.0.0.1:9")).await,
        twice(ReadError::NoConnection)
    );
    assert_eq!(
        told(mailbox(&format!("{}?tls=required", server.url))).await,
        twice(ReadError::NoStartTls)
    );
    assert!(
        Mailbox::new("imaps://mail.example.com", Roots::default()).is_err(),
        "without a name"
    );
}

#[tokio::test]
async fn a_mailbox_is_reached_in_secret_and_proves_who_it_is() {
    for server in [FakeImap::wrapped().await, FakeImap::upgraded().await] {
        let server = server.unwrap();
        let known = Roots::from_pem(server.authority.as_bytes()).unwrap();
        server.bounces(&email("dlv_1"), "550 5.1.1 no such user");
        let door = Mailbox::new(&server.url, known.clone()).unwrap();
        assert_eq!(
            door.read(None).await.unwrap().receipts.len(),
            1,
            "{}",
            server.url
        );
        let elsewhere = server.url.replace("localhost", "127.0.0.1");
        for (url, roots) in [(&server.url, Roots::default()), (&elsewhere, known)] {
            let refused = Mailbox::new(url, roots).unwrap().read(None).await;
            assert_eq!(refused.err(), Some(ReadError::Tls), "{url}");
        }
        assert_eq!((server.visits(), server.complaints()), (1, vec![]));
    }
}
