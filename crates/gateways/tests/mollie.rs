//! Mollie's adapter against a small Mollie: what only Mollie has.

mod support;

use remit_core::methods::Method;
use remit_core::money::Money;
use remit_gateways::http;
use remit_gateways::mollie::{MollieConfig, MollieProvider};
use remit_gateways::payments::{
    Closing, DisputeStatus, PaymentProvider as _, Session, SessionStatus, WebhookSetup,
};

use remit_gateways::roots::Roots;
use support::mollie::Mollie;
use support::{done, order, refused_with};

fn with_key(there: &Mollie, api_key: &str) -> MollieProvider {
    MollieProvider::new(MollieConfig {
        api_base: there.url.clone(),
        api_key: api_key.into(),
        account: "pfl_fake".into(),
        client: http::client(&Roots::default()).unwrap(),
    })
    .unwrap()
}

async fn session(on: &MollieProvider, reference: &str, method: Method) -> Session {
    let mut order = order("https://pay.example", reference, method, 4550, 0);
    order.email = Some("sam@example.com".into());
    let frozen = on.freeze_session(&order);
    done(on.create_session(&frozen, reference).await)
}

/// Hazard A23: the money is gone at once, and may come back.
#[tokio::test]
async fn a_chargeback_is_lost_until_it_is_reversed() {
    let there = Mollie::open().await;
    let provider = with_key(&there, "test_fake");
    let session = session(&provider, "att_1", Method::Card).await;
    there.ends(&session.session_id, "paid");
    there.charges_back(&session.session_id);
    let [facts] = done(provider.list_disputes(there.now(), None).await)
        .items
        .try_into()
        .unwrap();
    assert_eq!(
        (&facts.status, facts.withdrawn),
        (&DisputeStatus::Lost, Money::gbp(4550))
    );
    assert_eq!(facts.payment_id, session.session_id);
    assert_eq!(
        done(provider.retrieve_dispute(&facts.dispute_id).await),
        facts
    );
    there.reverses(&session.session_id);
    let facts = done(provider.retrieve_dispute(&facts.dispute_id).await);
    assert_eq!(
        (facts.status, facts.withdrawn),
        (DisputeStatus::Won, Money::gbp(0))
    );
    assert_eq!(
        refused_with(provider.retrieve_dispute("chb_1").await),
        "not_found"
    );

    let later = there.now() + remit_core::SECOND_MS;
    assert_eq!(done(provider.list_disputes(later, None).await).items, []);
    there.is_somebody_elses(&session.session_id);
    assert_eq!(done(provider.list_disputes(0, None).await).items, []);
    assert_eq!(done(provider.list_payments(0, None).await).items, []);
}

/// Hazard B8: what can be cancelled is; a card payment has to end by itself.
#[tokio::test]
async fn what_can_be_cancelled_is_closed_at_once() {
    let there = Mollie::open().await;
    let provider = with_key(&there, "test_fake");
    let by_klarna = session(&provider, "att_1", Method::Klarna).await;
    let closed = done(provider.ensure_closed(&by_klarna.session_id).await);
    assert_eq!(closed, Closing::Closed);
    let by_card = session(&provider, "att_2", Method::Card).await;
    assert_eq!(
        refused_with(provider.ensure_closed(&by_card.session_id).await),
        "cannot_close"
    );
    there.passes(by_card.expires_at - there.now());
    assert_eq!(
        done(provider.ensure_closed(&by_card.session_id).await),
        Closing::Closed
    );
}

/// Klarna without an address is refused by Mollie, and so is what it does not have.
#[tokio::test]
async fn an_order_that_mollie_cannot_take_is_refused_with_a_reason() {
    let there = Mollie::open().await;
    let provider = with_key(&there, "test_fake");
    for (method, code) in [
        (Method::Klarna, "invalid_request"),
        (Method::Clearpay, "method_not_active"),
    ] {
        let frozen =
            provider.freeze_session(&order("https://pay.example", "att_1", method, 4550, 0));
        assert_eq!(
            refused_with(provider.create_session(&frozen, method.name()).await),
            code
        );
    }
    let stranger = with_key(&there, "test_stranger");
    let frozen = stranger.freeze_session(&order(
        "https://pay.example",
        "att_1",
        Method::Card,
        4550,
        0,
    ));
    assert_eq!(
        refused_with(stranger.create_session(&frozen, "att_1").await),
        "unauthorised"
    );
    assert_eq!(refused_with(stranger.inspect("", 0).await), "unauthorised");
}

#[tokio::test]
async fn a_profile_says_what_it_is_and_can() {
    let there = Mollie::open().await;
    let provider = with_key(&there, "test_fake");
    let facts = done(
        provider
            .inspect("https://pay.example/hooks/e1", there.now())
            .await,
    );
    assert_eq!(
        (facts.account.as_str(), facts.name.as_deref()),
        ("pfl_fake", Some("Larkhill"))
    );
    assert_eq!(facts.methods, Some(vec![Method::Card, Method::Klarna]));
    assert_eq!(
        (facts.livemode, facts.webhook),
        (false, WebhookSetup::PerPayment)
    );
    assert_eq!(
        refused_with(provider.register_webhook("https://x.example").await),
        "invalid_request"
    );
    let session = session(&provider, "att_1", Method::Card).await;
    there.ends(&session.session_id, "failed");
    let lookup = remit_gateways::payments::Lookup::Session(&session.session_id);
    assert_eq!(
        done(provider.retrieve(lookup).await).status,
        SessionStatus::Failed
    );
}
