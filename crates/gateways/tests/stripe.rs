//! Stripe's adapter against the fake Stripe: what only Stripe has, and what goes wrong on the way.

mod support;

use fake_stripe::faults::Faults;
use fake_stripe::{FakeStripe, Options};
use remit_core::methods::Method;
use remit_core::money::Money;
use remit_gateways::payments::{
    About, DisputeStatus, FOREIGN, Frozen, Lookup, MovementKind, PaymentProvider as _, RefundOrder,
    RefundStatus, Session, SessionStatus, WebhookRequest, WebhookSetup,
};
use remit_gateways::roots::Roots;
use remit_gateways::stripe::{StripeConfig, StripeProvider};
use remit_gateways::{Answer, http};

use support::{done, refused_with};

struct Till {
    there: FakeStripe,
    provider: StripeProvider,
}

impl Till {
    async fn open() -> Till {
        let options = Options {
            clock_at: Some(support::START),
            seed: Some(7),
            ..Options::default()
        };
        let there = FakeStripe::start(options).await.unwrap();
        let provider = with_key(&there, fake_stripe::SECRET_KEY, "whsec_none");
        Till { there, provider }
    }

    fn frozen(&self, reference: &str, minor: i64) -> Frozen {
        let expires_at = self.there.now_ms() + remit_core::HOUR_MS;
        let order = support::order(
            "https://pay.example",
            reference,
            Method::Card,
            minor,
            expires_at,
        );
        self.provider.freeze_session(&order)
    }

    async fn session(&self, reference: &str, minor: i64) -> Session {
        let frozen = self.frozen(reference, minor);
        done(self.provider.create_session(&frozen, reference).await)
    }

    /// The payment's id.
    async fn paid(&self, reference: &str, minor: i64) -> String {
        let session = self.session(reference, minor).await;
        self.there.pay(&session.session_id).unwrap();
        let lookup = Lookup::Session(&session.session_id);
        let facts = done(self.provider.retrieve(lookup).await);
        assert_eq!(facts.paid_with.as_deref(), Some("Visa ending 4242"));
        facts.payment_id.unwrap()
    }

    fn refund(&self, payment_id: &str, reference: &str, minor: i64) -> Frozen {
        self.provider.freeze_refund(&RefundOrder {
            reference: reference.into(),
            payment_id: payment_id.into(),
            amount: Money::gbp(minor),
        })
    }
}

fn with_key(there: &FakeStripe, key: &str, webhook_secret: &str) -> StripeProvider {
    StripeProvider::new(StripeConfig {
        api_base: there.url.clone(),
        secret_key: key.into(),
        webhook_secrets: vec![webhook_secret.into()],
        account: there.world().account.clone(),
        client: http::client(&Roots::default()).unwrap(),
    })
    .unwrap()
}

/// Hazards A14, A15: whatever happens to the calls, one key makes one session, and it is found in the end.
#[tokio::test]
async fn a_session_comes_of_every_broken_call_once() {
    let till = Till::open().await;
    let faults = [
        Faults {
            lost_answer: 1.0,
            ..Faults::default()
        },
        Faults {
            cut_before: 1.0,
            ..Faults::default()
        },
        Faults {
            rate_limit: 1.0,
            retry_after_s: 2,
            ..Faults::default()
        },
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        let reference = format!("att_broken_{n}");
        let frozen = till.frozen(&reference, 3000);
        till.there.set_faults(fault.clone());
        match till.provider.create_session(&frozen, &reference).await {
            Answer::Unknown(unknown) => {
                let asked = (fault.rate_limit > 0.0).then_some(2_000);
                assert_eq!(unknown.retry_after_ms, asked);
            }
            other => panic!("{other:?}"),
        }
        till.there.set_faults(Faults::default());
        let made = done(till.provider.create_session(&frozen, &reference).await);
        let lookup = Lookup::Reference {
            reference: &reference,
            made_at: till.there.now_ms(),
        };
        assert_eq!(
            done(till.provider.retrieve(lookup).await).session_id,
            made.session_id
        );
    }
    assert_eq!(till.there.world().sessions.all().len(), 3);
}

/// Hazard A15: a stored 500 comes again for a day, done or not; what there is decides.
#[tokio::test]
async fn a_stored_error_hides_no_session_and_no_refund() {
    let till = Till::open().await;
    let payment = till.paid("att_paid", 100_000).await;
    let broken = || Faults {
        server_error: 1.0,
        ..Faults::default()
    };
    let (mut found, mut refused) = (0, 0);
    for n in 0..20 {
        let reference = format!("att_stored_{n}");
        let frozen = till.frozen(&reference, 3000);
        till.there.set_faults(broken());
        let first = till.provider.create_session(&frozen, &reference).await;
        assert!(matches!(first, Answer::Unknown(_)), "{first:?}");
        till.there.set_faults(Faults::default());
        match till.provider.create_session(&frozen, &reference).await {
            Answer::Done(_) => found += 1,
            Answer::Refused(refusal) => {
                assert_eq!(refusal.code, "provider_error");
                refused += 1;
            }
            Answer::Unknown(unknown) => panic!("{unknown:?}"),
        }
    }
    assert!(found > 0 && refused > 0, "{found} found, {refused} refused");
    assert_eq!(till.there.world().sessions.all().len(), found + 1);

    for n in 0..20 {
        let reference = format!("ref_stored_{n}");
        let frozen = till.refund(&payment, &reference, 1000);
        till.there.set_faults(broken());
        assert!(matches!(
            till.provider.refund(&frozen, &reference).await,
            Answer::Unknown(_)
        ));
        till.there.set_faults(Faults::default());
        let there = done(till.provider.refunds_of(&payment).await);
        let made = there
            .into_iter()
            .find(|one| one.reference.as_ref() == Some(&reference));
        match (till.provider.refund(&frozen, &reference).await, made) {
            (Answer::Done(told), Some(made)) => assert_eq!(told, made),
            (Answer::Unknown(_), None) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Every line of Stripe's books is read with its kind, and together they are its balance.
#[tokio::test]
async fn the_books_add_up_to_the_balance() {
    let till = Till::open().await;
    let payments = [
        till.paid("att_a", 10_000).await,
        till.paid("att_b", 5_000).await,
        till.paid("att_c", 7_000).await,
    ];
    let refund = till.refund(&payments[0], "ref_a", 2_500);
    let refund = done(till.provider.refund(&refund, "ref_a").await);
    let dispute = till.there.open_dispute(&payments[1], 5_000).unwrap();
    till.there.advance_clock(remit_core::DAY_MS);
    till.there.settle_everything();
    let payouts = till.there.payout();

    let movements = done(till.provider.list_movements(0, None).await).items;
    let net: i64 = movements.iter().map(|line| line.net.minor).sum();
    let balance = till.there.world().balance(false);
    assert_eq!(Some(&net), balance.get("gbp"));
    for line in &movements {
        assert_eq!(line.gross.minor - line.fee.minor, line.net.minor);
    }
    let sources = |kind: &MovementKind| -> Vec<&str> {
        let of_kind = movements.iter().filter(|line| line.kind == *kind);
        let mut sources: Vec<_> = of_kind.filter_map(|line| line.source.as_deref()).collect();
        sources.sort_unstable();
        sources
    };
    let mut paid: Vec<&str> = payments.iter().map(String::as_str).collect();
    paid.sort_unstable();
    assert_eq!(sources(&MovementKind::Payment), paid);
    assert_eq!(
        sources(&MovementKind::Refund),
        [refund.provider_refund_id.as_str()]
    );
    assert_eq!(sources(&MovementKind::Dispute), [dispute.as_str()]);
    assert_eq!(
        sources(&MovementKind::Payout),
        payouts.iter().map(String::as_str).collect::<Vec<_>>()
    );
}

/// Hazard A23: a dispute is read as it stands, with what was taken and given back.
#[tokio::test]
async fn a_dispute_is_followed_to_its_end() {
    let till = Till::open().await;
    for won in [true, false] {
        let payment = till.paid(&format!("att_{won}"), 5_000).await;
        let id = till.there.open_dispute(&payment, 5_000).unwrap();
        let facts = done(till.provider.retrieve_dispute(&id).await);
        assert_eq!(
            (facts.status, facts.withdrawn),
            (DisputeStatus::NeedsResponse, Money::gbp(5_000))
        );
        assert_eq!(
            (facts.payment_id.as_str(), facts.due_by.is_some()),
            (payment.as_str(), true)
        );
        if won {
            till.there.reinstate(&id);
        }
        till.there.close_dispute(&id, won);
        let facts = done(till.provider.retrieve_dispute(&id).await);
        let (status, left) = if won {
            (DisputeStatus::Won, 0)
        } else {
            (DisputeStatus::Lost, 5_000)
        };
        assert_eq!(
            (facts.status.clone(), facts.withdrawn),
            (status, Money::gbp(left))
        );
        let listed = done(till.provider.list_disputes(0, None).await).items;
        assert!(listed.contains(&facts));
    }
}

/// Refunds made in the dashboard, and those that come back, are told with our payment.
#[tokio::test]
async fn refunds_of_the_dashboard_flow_back() {
    let till = Till::open().await;
    let payment = till.paid("att_dash", 5_000).await;
    let id = till.there.refund_in_dashboard(&payment, 1_500).unwrap();
    let facts = done(till.provider.retrieve_refund(&id).await);
    assert_eq!((facts.reference, facts.amount), (None, Money::gbp(1_500)));
    let listed = done(till.provider.list_refunds(0, None).await).items;
    assert_eq!(listed.len(), 1);
    till.there.settle_everything();
    assert!(till.there.fail_refund_later(&id));
    let facts = done(till.provider.retrieve_refund(&id).await);
    assert_eq!(facts.status, RefundStatus::Failed);
    assert!(facts.failure.is_some());
    // A payment of somebody else's: its mark is taken away.
    till.there.change(|world| {
        for payment in world
            .payments
            .all()
            .iter()
            .map(|payment| payment.id.clone())
            .collect::<Vec<_>>()
        {
            world.payments.get_mut(&payment).unwrap().metadata.clear();
        }
    });
    assert_eq!(
        refused_with(till.provider.retrieve_refund(&id).await),
        FOREIGN
    );
    assert!(
        done(till.provider.list_refunds(0, None).await)
            .items
            .is_empty()
    );
}

/// Each of Stripe's events is believed with the secret that it gave us, and says what it is about.
#[tokio::test]
async fn webhooks_are_registered_signed_and_read() {
    let till = Till::open().await;
    let url = "http://127.0.0.1:9/hooks/e1";
    let account = done(till.provider.inspect(url, support::START).await);
    assert_eq!(account.webhook, WebhookSetup::Missing);
    let secret = done(till.provider.register_webhook(url).await);
    let account = done(till.provider.inspect(url, support::START).await);
    assert_eq!(
        (account.webhook, account.livemode),
        (WebhookSetup::Registered, false)
    );
    assert_eq!(account.methods, Some(Method::ALL.to_vec()));

    let session = till.session("att_hook", 3000).await;
    till.there.pay(&session.session_id).unwrap();
    let events = done(till.provider.list_events(0, None).await).items;
    let provider = with_key(&till.there, fake_stripe::SECRET_KEY, &secret);
    let raw = http::client(&Roots::default())
        .unwrap()
        .get(format!("{}/v1/events", till.there.url))
        .bearer_auth(fake_stripe::SECRET_KEY)
        .header("stripe-version", remit_gateways::stripe::VERSION);
    let raw = raw.send().await.unwrap().bytes().await.unwrap();
    let raw: serde_json::Value = serde_json::from_slice(&raw).unwrap();
    let mut about = Vec::new();
    for event in raw["data"].as_array().unwrap() {
        let body = event.to_string();
        let at_s = support::START / 1_000;
        let signature = fake_stripe::webhooks::sign(&secret, at_s, &body);
        let request = WebhookRequest {
            signature: &signature,
            body: body.as_bytes(),
            received_at: support::START,
        };
        let event = provider.verify_webhook(request).unwrap();
        assert_eq!(
            (event.account.as_str(), event.livemode),
            (account.account.as_str(), false)
        );
        about.push(event.about);
    }
    let expected = About::Session {
        session_id: session.session_id,
        reference: Some("att_hook".into()),
    };
    assert!(about.contains(&expected), "{about:?}");
    assert!(events.iter().any(|event| event.about == expected));
}

/// Each key that does not work has its own word; a restricted one leaves parts unknown.
#[tokio::test]
async fn keys_that_may_not_say_so() {
    let till = Till::open().await;
    let inspect = async |key: &str| {
        let provider = with_key(&till.there, key, "whsec_none");
        provider
            .inspect("https://pay.example/hooks/e1", support::START)
            .await
    };
    for (key, word) in [
        ("sk_test_nobodyknows", "does not know"),
        (fake_stripe::REVOKED_KEY, "expired or was replaced"),
    ] {
        match inspect(key).await {
            Answer::Refused(refusal) => {
                assert_eq!(refusal.code, "unauthorised");
                assert!(refusal.message.contains(word), "{}", refusal.message);
                assert!(!refusal.message.contains(key));
            }
            other => panic!("{other:?}"),
        }
    }
    let restricted = done(inspect(fake_stripe::RESTRICTED_KEY).await);
    assert_eq!(
        (restricted.methods, restricted.webhook),
        (None, WebhookSetup::Unknown)
    );

    // The other mode's session is not proven absent.
    let session = till.session("att_test", 3000).await;
    let live = with_key(&till.there, fake_stripe::LIVE_KEY, "whsec_none");
    let lookup = Lookup::Session(&session.session_id);
    assert_eq!(refused_with(live.retrieve(lookup).await), "wrong_mode");
    let status = done(till.provider.retrieve(lookup).await).status;
    assert_eq!(status, SessionStatus::Open);
}
