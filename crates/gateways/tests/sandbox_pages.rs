//! The sandbox's hosted page, as a payer without script has it.

mod support;

use remit_core::methods::Method;
use remit_core::money::Money;
use remit_core::{MINUTE_MS, SECOND_MS};
use remit_gateways::payments::{About, Lookup, PaymentProvider, Session, SessionStatus};

use support::{Bench, done, status};

const PAYS: &str = "4242 4242 4242 4242";
const CHALLENGED: &str = "4000002500003155";

#[tokio::test]
async fn a_payer_pays_once_however_often_the_form_is_sent() {
    let bench = Bench::open().await;
    let session = bench.session("att_1", Method::Card, 3000).await;
    let page = bench.opens(&session).await;
    for part in [
        "Test mode: no money moves",
        "Larkhill &#60;Clinic&#62;",
        "Pay £30.00</button>",
        "autocomplete=\"cc-number\"",
        "/cancel/att_1",
        "../sandbox.css",
    ] {
        assert!(
            page.html.contains(part),
            "{part} is missing from {}",
            page.html
        );
    }
    assert!(
        page.policy
            .contains(&format!("form-action 'self' {};", bench.shop_url)),
        "{}",
        page.policy
    );
    assert!(!page.html.contains("style=") && !page.html.contains("<script"));
    let back = Some(format!("{}/back/att_1", bench.shop_url));
    let (one, two) = tokio::join!(
        bench.pays_with(&session, PAYS),
        bench.pays_with(&session, PAYS)
    );
    assert_eq!((one.location, two.location), (back.clone(), back.clone()));
    assert_eq!(bench.pays_with(&session, PAYS).await.location, back);
    assert_eq!(bench.next_event().await.kind, "session.completed");
    assert_eq!(bench.vault.count("event"), 1);
    let page = bench.opens(&session).await;
    assert!(
        page.status == 200 && page.html.contains("complete") && page.html.contains("/back/att_1")
    );
    let facts = done(
        bench
            .provider
            .retrieve(Lookup::Session(&session.session_id))
            .await,
    );
    assert_eq!(facts.paid_with.as_deref(), Some("Visa ending 4242"));
    assert!(facts.url.is_none());
}

#[tokio::test]
async fn a_declined_card_gets_a_message_and_another_try() {
    let bench = Bench::open().await;
    let session = bench.session("att_1", Method::Card, 3000).await;
    for (number, words) in [
        ("4000000000000002", "declined"),
        ("4000000000009995", "insufficient funds"),
    ] {
        let sent = bench.pays_with(&session, number).await;
        assert_eq!(
            (sent.status, sent.location),
            (303, Some(session.session_id.clone()))
        );
        let page = bench.opens(&session).await;
        assert!(
            page.html.contains(words) && page.html.contains("name=\"card_number\""),
            "{}",
            page.html
        );
        assert!(
            !page.html.contains(number),
            "a declined card is not the one to try again"
        );
    }
    assert_eq!(bench.vault.count("event"), 0);
}

#[tokio::test]
async fn wrong_fields_are_named_and_what_was_typed_is_kept() {
    let bench = Bench::open().await;
    let session = bench.session("att_1", Method::Card, 3000).await;
    let fields = [
        ("card_number", "4242 4242 4242 4241"),
        ("expiry", "01/20"),
        ("cvc", "98x"),
        ("action", "pay"),
    ];
    let page = bench.sends(&session, &fields).await;
    assert_eq!(page.status, 422);
    for part in [
        "card_number_error",
        "expiry_error",
        "cvc_error",
        "4242 4242 4242 4241",
        "01/20",
        "role=\"alert\"",
    ] {
        assert!(page.html.contains(part), "{part}");
    }
    assert!(!page.html.contains("98x"));
    let real = [
        ("card_number", "5555555555554444"),
        ("expiry", "12/34"),
        ("cvc", "123"),
        ("action", "pay"),
    ];
    let page = bench.sends(&session, &real).await;
    assert!(page.html.contains("never a real one") && !page.html.contains("5555555555554444"));
    assert_eq!(status(&bench, &session).await, SessionStatus::Open);
}

#[tokio::test]
async fn a_3d_secure_step_is_passed_or_failed() {
    let bench = Bench::open().await;
    let session = bench.session("att_1", Method::Card, 3000).await;
    for (action, then) in [
        ("fail", SessionStatus::Open),
        ("complete", SessionStatus::Paid),
    ] {
        bench.pays_with(&session, CHALLENGED).await;
        let page = bench.opens(&session).await;
        assert!(page.html.contains(">Complete</button>") && page.html.contains(">Fail</button>"));
        assert_eq!(status(&bench, &session).await, SessionStatus::Open);
        bench.presses(&session, action).await;
        assert_eq!(status(&bench, &session).await, then);
    }
    // Without a card there is no step to pass, and a card is nothing that a lender approves.
    let other = bench.session("att_2", Method::Card, 3000).await;
    for action in ["complete", "approve", "approve_later", "refuse", "nonsense"] {
        bench.presses(&other, action).await;
        assert_eq!(
            status(&bench, &other).await,
            SessionStatus::Open,
            "{action}"
        );
    }
}

#[tokio::test]
async fn a_lender_approves_refuses_or_decides_later() {
    let bench = Bench::open().await;
    for (reference, actions, then, kinds) in [
        (
            "att_1",
            &["approve"][..],
            SessionStatus::Paid,
            &["session.completed"][..],
        ),
        (
            "att_2",
            &["refuse"],
            SessionStatus::Failed,
            &["session.failed"],
        ),
        (
            "att_3",
            &["approve_later", "approve"],
            SessionStatus::Paid,
            &["session.processing", "session.completed"],
        ),
        (
            "att_4",
            &["approve_later", "refuse"],
            SessionStatus::Failed,
            &["session.processing", "session.failed"],
        ),
    ] {
        let session = bench.session(reference, Method::Klarna, 4200).await;
        assert!(
            bench
                .opens(&session)
                .await
                .html
                .contains("Abandon and go back")
        );
        for (action, kind) in actions.iter().zip(kinds) {
            let sent = bench.presses(&session, action).await;
            assert_eq!(
                sent.location,
                Some(format!("{}/back/{reference}", bench.shop_url))
            );
            assert_eq!(bench.next_event().await.kind, *kind);
        }
        assert_eq!(status(&bench, &session).await, then);
    }
}

#[tokio::test]
async fn a_lender_who_was_put_off_approves_after_a_while() {
    let bench = Bench::open().await;
    let session = bench.session("att_1", Method::Clearpay, 4200).await;
    bench.presses(&session, "approve_later").await;
    assert!(bench.opens(&session).await.html.contains("Approve now"));
    assert_eq!(bench.next_event().await.kind, "session.processing");
    bench.passes(20 * SECOND_MS - 1);
    assert_eq!(status(&bench, &session).await, SessionStatus::Processing);
    bench.passes(1);
    assert_eq!(bench.next_event().await.kind, "session.completed");
    let facts = done(
        bench
            .provider
            .retrieve(Lookup::Session(&session.session_id))
            .await,
    );
    assert_eq!(
        (facts.status, facts.paid_with.as_deref()),
        (SessionStatus::Paid, Some("Clearpay"))
    );
}

#[tokio::test]
async fn an_expired_page_says_so_and_its_end_is_announced_once() {
    let bench = Bench::open().await;
    bench.another_node_works();
    let session = bench.session("att_1", Method::Card, 3000).await;
    bench.passes(30 * MINUTE_MS);
    let sent = bench.pays_with(&session, PAYS).await;
    assert_eq!(sent.location, Some(session.session_id.clone()));
    let page = bench.opens(&session).await;
    assert!(
        page.status == 410 && page.html.contains("expired") && page.html.contains("/back/att_1")
    );
    assert_eq!(bench.next_event().await.kind, "session.expired");
    assert_eq!(
        (bench.vault.count("event"), bench.no_more_webhooks().await),
        (1, true)
    );
    let nowhere = Session {
        url: format!("{}/pay/nothing", bench.url),
        ..session
    };
    assert_eq!(bench.opens(&nowhere).await.status, 404);
    assert_eq!(bench.pays_with(&nowhere, PAYS).await.status, 404);
}

/// A paid session's page: the bank is played there, and money goes back past the shop, which hears of both.
#[tokio::test]
async fn the_bank_and_the_companys_own_desk_are_played_on_a_paid_page() {
    let bench = Bench::open().await;
    let session = bench.session("att_1", Method::Card, 3000).await;
    bench.pays_with(&session, "4000 0000 0000 0259").await;
    let mut kinds = vec![];
    for _ in 0..3 {
        kinds.push(bench.next_event().await.kind);
    }
    kinds.sort();
    assert_eq!(
        kinds,
        [
            "dispute.funds_withdrawn",
            "dispute.opened",
            "session.completed"
        ]
    );
    let page = bench.opens(&session).await;
    assert!(
        page.html.contains("asks the shop for evidence") && !page.html.contains("value=\"refund\"")
    );
    bench.presses(&session, "win").await;
    let mut kinds = vec![bench.next_event().await.kind, bench.next_event().await.kind];
    kinds.sort();
    assert_eq!(kinds, ["dispute.funds_reinstated", "dispute.won"]);
    // A second press, and a turn that does not fit, change nothing.
    bench.presses(&session, "win").await;
    bench.presses(&session, "lose").await;
    assert!(bench.opens(&session).await.html.contains("has won"));

    for (typed, status) in [
        ("", 422),
        ("30.01", 422),
        ("-1", 422),
        ("10", 303),
        ("20.01", 422),
    ] {
        let page = bench
            .sends(&session, &[("action", "refund"), ("amount", typed)])
            .await;
        assert_eq!(page.status, status, "{typed}");
    }
    let About::Refund {
        reference: None,
        provider_refund_id,
        ..
    } = bench.next_event().await.about
    else {
        panic!("a refund without the shop's name");
    };
    let facts = done(bench.provider.retrieve_refund(&provider_refund_id).await);
    assert_eq!((facts.amount, facts.reference), (Money::gbp(1000), None));
    assert!(bench.no_more_webhooks().await);
}
