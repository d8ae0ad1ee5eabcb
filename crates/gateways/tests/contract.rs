//! What every payment provider promises, as one suite over the trait. A provider joins by a [`Harness`]: its adapter,
//! and somebody who acts as the payer. Each promise is asked of each provider listed at the end.

mod support;

use async_trait::async_trait;
use fake_stripe::FakeStripe;
use remit_core::UtcMs;
use remit_core::methods::Method;
use remit_core::money::Money;
use remit_gateways::http;
use remit_gateways::mollie::{MollieConfig, MollieProvider};
use remit_gateways::payments::{
    About, Closing, DisputeStatus, Facts, Lookup, PaymentProvider, ProviderEvent, RefundOrder,
    RefundStatus, Session, SessionOrder, SessionStatus,
};
use remit_gateways::roots::Roots;
use remit_gateways::stripe::{StripeConfig, StripeProvider};

use support::{Bench, done, refused_with, until};

/// A provider under test, with a payer who can do what the suite asks for.
#[async_trait]
trait Harness: Send + Sync {
    fn provider(&self) -> &dyn PaymentProvider;
    /// The provider's clock.
    fn now(&self) -> UtcMs;
    /// An order that is valid now.
    fn order(&self, reference: &str, method: Method, minor: i64) -> SessionOrder;
    async fn payer_pays(&self, session: &Session);
    async fn payer_is_declined(&self, session: &Session);
    async fn payer_is_put_off(&self, session: &Session);
    async fn lender_refuses(&self, session: &Session);
    async fn time_passes(&self, ms: i64);
}

/// Somebody who acts as the payer's bank, for providers whose banks can be played.
#[async_trait]
trait Bank: Harness {
    fn harness(&self) -> &dyn Harness;
    async fn disputes(&self, session: &Session);
    async fn is_sent_evidence(&self, session: &Session);
    async fn decides(&self, session: &Session, for_the_shop: bool);
}

async fn session(on: &dyn Harness, reference: &str, method: Method, minor: i64) -> Session {
    let frozen = on
        .provider()
        .freeze_session(&on.order(reference, method, minor));
    done(on.provider().create_session(&frozen, reference).await)
}

fn by_reference<'a>(on: &dyn Harness, reference: &'a str) -> Lookup<'a> {
    Lookup::Reference {
        reference,
        made_at: on.now(),
    }
}

async fn facts(on: &dyn Harness, session: &Session) -> Facts {
    done(
        on.provider()
            .retrieve(Lookup::Session(&session.session_id))
            .await,
    )
}

/// Hazards A14, A15: the same key and bytes are one session, found by id and by reference; other bytes are refused.
async fn a_lost_answer_is_found_again(on: &dyn Harness) {
    let order = on.order("att_again", Method::Card, 3000);
    let frozen = on.provider().freeze_session(&order);
    assert_eq!(frozen, on.provider().freeze_session(&order));
    let first = done(on.provider().create_session(&frozen, "key_again").await);
    on.payer_pays(&first).await;
    assert_eq!(
        done(on.provider().create_session(&frozen, "key_again").await),
        first
    );
    let by_reference = done(on.provider().retrieve(by_reference(on, "att_again")).await);
    assert_eq!(by_reference, facts(on, &first).await);
    let other = on
        .provider()
        .freeze_session(&on.order("att_again", Method::Card, 3001));
    refused_with(on.provider().create_session(&other, "key_again").await);
}

async fn money_is_told_with_amount_and_means(on: &dyn Harness) {
    let session = session(on, "att_paid", Method::Card, 4550).await;
    let before = facts(on, &session).await;
    assert_eq!(
        (before.status, before.payment_id, before.received),
        (SessionStatus::Open, None, None)
    );
    assert_eq!(before.url.as_deref(), Some(session.url.as_str()));
    on.payer_pays(&session).await;
    let after = facts(on, &session).await;
    assert_eq!(
        (after.status, after.received),
        (SessionStatus::Paid, Some(Money::gbp(4550)))
    );
    assert!(after.payment_id.is_some() && after.paid_with.is_some());
    assert_eq!(
        (after.reference.as_str(), after.livemode),
        ("att_paid", before.livemode)
    );
}

async fn a_declined_card_is_told_and_costs_nothing(on: &dyn Harness) {
    let session = session(on, "att_declined", Method::Card, 3000).await;
    on.payer_is_declined(&session).await;
    let declined = facts(on, &session).await;
    assert_eq!(declined.received, None);
    if !on.provider().capabilities().retries_declined {
        assert_eq!(declined.status, SessionStatus::Failed);
        return;
    }
    assert_eq!(declined.status, SessionStatus::Open);
    assert!(declined.last_error.is_some());
    on.payer_pays(&session).await;
    assert_eq!(facts(on, &session).await.status, SessionStatus::Paid);
}

/// Hazards A11, A12: *processing* is neither paid nor failed, and can become either.
async fn a_lender_may_decide_later(on: &dyn Harness) {
    let yes = session(on, "att_later_yes", Method::Klarna, 4200).await;
    let methods = on.provider().capabilities().methods;
    let lender = *methods.last().unwrap();
    let no = session(on, "att_later_no", lender, 4200).await;
    for session in [&yes, &no] {
        on.payer_is_put_off(session).await;
        let facts = facts(on, session).await;
        assert_eq!(
            (facts.status, facts.received),
            (SessionStatus::Processing, None)
        );
        assert!(facts.payment_id.is_some());
    }
    on.lender_refuses(&no).await;
    on.time_passes(remit_core::DAY_MS).await;
    until(async || (facts(on, &yes).await.status == SessionStatus::Paid).then_some(())).await;
    assert_eq!(facts(on, &yes).await.received, Some(Money::gbp(4200)));
    assert_eq!(facts(on, &no).await.status, SessionStatus::Failed);
}

/// Hazards A2, B8: closing is safe to repeat, proves itself, and never hides money.
async fn closing_is_certain(on: &dyn Harness) {
    let close =
        async |session: &Session| done(on.provider().ensure_closed(&session.session_id).await);
    let open = session(on, "att_close_open", Method::Card, 3000).await;
    let can = on.provider().capabilities();
    if can.closes_open {
        assert_eq!(close(&open).await, Closing::Closed);
    } else {
        refused_with(on.provider().ensure_closed(&open.session_id).await);
        assert_eq!(facts(on, &open).await.status, SessionStatus::Open);
        on.time_passes(can.session_max_ms).await;
    }
    assert_eq!(close(&open).await, Closing::Closed);
    on.payer_pays(&open).await;
    let closed = facts(on, &open).await;
    assert_eq!(
        (closed.status, closed.received),
        (SessionStatus::Expired, None)
    );

    let paid = session(on, "att_close_paid", Method::Card, 3000).await;
    on.payer_pays(&paid).await;
    assert_eq!(close(&paid).await, Closing::TooLate(facts(on, &paid).await));
    let put_off = session(on, "att_close_later", Method::Klarna, 3000).await;
    on.payer_is_put_off(&put_off).await;
    assert!(
        matches!(close(&put_off).await, Closing::TooLate(facts) if facts.status == SessionStatus::Processing)
    );
    let refused = session(on, "att_close_refused", Method::Klarna, 3000).await;
    on.lender_refuses(&refused).await;
    assert_eq!(close(&refused).await, Closing::Closed);
}

/// Hazard B7: a session can live its shortest and its longest life, and ends by itself.
async fn a_session_ends_in_time(on: &dyn Harness) {
    let can = on.provider().capabilities();
    for (reference, life) in [
        ("att_short", can.session_min_ms),
        ("att_long", can.session_max_ms),
    ] {
        let mut order = on.order(reference, Method::Card, 3000);
        order.expires_at += life - can.session_min_ms;
        let frozen = on.provider().freeze_session(&order);
        let session = done(on.provider().create_session(&frozen, reference).await);
        if can.ends_when_ordered {
            assert_eq!(session.expires_at, order.expires_at);
        }
        assert!(session.expires_at > on.now());
        assert!(session.expires_at <= on.now() + can.session_max_ms);
        on.time_passes(session.expires_at - on.now()).await;
        assert_eq!(facts(on, &session).await.status, SessionStatus::Expired);
        assert_eq!(
            done(on.provider().ensure_closed(&session.session_id).await),
            Closing::Closed
        );
    }
}

async fn what_does_not_exist_is_proven_absent(on: &dyn Harness) {
    let provider = on.provider();
    let not_found = [
        refused_with(provider.retrieve(Lookup::Session("nothing_like_it")).await),
        refused_with(provider.retrieve(by_reference(on, "att_never_made")).await),
        refused_with(provider.ensure_closed("nothing_like_it").await),
        refused_with(provider.retrieve_refund("nothing_like_it").await),
    ];
    assert_eq!(not_found, ["not_found"; 4]);
}

/// Hazards A16, A18: parts add up to exactly what was paid, once per key.
async fn refunds_reach_exactly_the_payment(on: &dyn Harness) {
    let session = session(on, "att_refund", Method::Card, 3000).await;
    let order = |payment_id: &str, reference: &str, minor| {
        let amount = Money::gbp(minor);
        on.provider().freeze_refund(&RefundOrder {
            reference: reference.into(),
            payment_id: payment_id.into(),
            amount,
        })
    };
    on.payer_pays(&session).await;
    let payment = facts(on, &session).await.payment_id.unwrap();
    let refunded_at = on.now();
    let part = order(&payment, "ref_1", 1000);
    let first = done(on.provider().refund(&part, "ref_1").await);
    assert_eq!(done(on.provider().refund(&part, "ref_1").await), first);
    assert_eq!(
        (first.amount, first.payment_id.as_str()),
        (Money::gbp(1000), payment.as_str())
    );
    assert_eq!(
        done(
            on.provider()
                .retrieve_refund(&first.provider_refund_id)
                .await
        ),
        first
    );
    refused_with(
        on.provider()
            .refund(&order(&payment, "ref_2", 2001), "ref_2")
            .await,
    );
    let rest = done(
        on.provider()
            .refund(&order(&payment, "ref_3", 2000), "ref_3")
            .await,
    );
    on.time_passes(3 * remit_core::DAY_MS).await;
    until(async || {
        let rest = on.provider().retrieve_refund(&rest.provider_refund_id);
        (done(rest.await).status == RefundStatus::Succeeded).then_some(())
    })
    .await;
    let both = done(on.provider().refunds_of(&payment).await);
    let mut minors: Vec<i64> = both.iter().map(|refund| refund.amount.minor).collect();
    minors.sort_unstable();
    assert_eq!(minors, [1000, 2000]);
    let listed = done(on.provider().list_refunds(refunded_at, None).await).items;
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|refund| both.contains(refund)));
    let later = refunded_at + remit_core::SECOND_MS;
    let listed = done(on.provider().list_refunds(later, None).await).items;
    assert_eq!(listed, []);
    refused_with(
        on.provider()
            .refund(&order(&payment, "ref_4", 1), "ref_4")
            .await,
    );
    refused_with(
        on.provider()
            .refund(&order(&payment, "ref_5", 0), "ref_5")
            .await,
    );
}

/// Hazard A8: whoever heard no webhook finds everything in the lists.
async fn the_lists_tell_what_happened(on: &dyn Harness) {
    let session = session(on, "att_listed", Method::Card, 3000).await;
    on.payer_pays(&session).await;
    let facts = facts(on, &session).await;
    let later = on.now() + remit_core::SECOND_MS;
    let provider = on.provider();
    let payments = done(provider.list_payments(0, None).await).items;
    assert_eq!(payments, [facts]);
    let payments = done(provider.list_payments(later, None).await).items;
    assert_eq!(payments, []);

    let about = About::Session {
        session_id: session.session_id.clone(),
        reference: Some("att_listed".into()),
    };
    if provider.capabilities().lists_events {
        until(async || {
            let told = every_event(on, 0).await;
            told.iter().any(|event| event.about == about).then_some(())
        })
        .await;
    }
    assert_eq!(every_event(on, later).await, []);
}

/// Hazard A8: a list goes on over its pages, and our reference is found on any of them.
async fn nothing_is_lost_between_pages(on: &dyn Harness) {
    // More than fits on two pages of the smallest kind, and on one of the largest that a provider gives.
    const PAYMENTS: usize = 255;
    let reference = |n: usize| format!("att_page_{n:03}");
    let first_at = on.now();
    for n in 0..PAYMENTS {
        let session = session(on, &reference(n), Method::Card, 100).await;
        on.payer_pays(&session).await;
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = done(on.provider().list_payments(0, after.as_deref()).await);
        listed.extend(page.items.into_iter().map(|facts| facts.reference));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    listed.sort_unstable();
    let all: Vec<_> = (0..PAYMENTS).map(reference).collect();
    assert_eq!(listed, all);
    for n in [0, PAYMENTS / 2, PAYMENTS - 1] {
        let lookup = Lookup::Reference {
            reference: &all[n],
            made_at: first_at,
        };
        let found = done(on.provider().retrieve(lookup).await);
        assert_eq!(
            (found.reference.as_str(), found.status),
            (all[n].as_str(), SessionStatus::Paid)
        );
    }
}

/// The event list from a moment to its end; no event is in it twice.
/// Hazard A23: what a provider says of a dispute is all there is to know, whenever it is asked; nothing goes back
/// meanwhile, and the lists tell of it.
async fn a_dispute_is_told_as_it_goes(on: &dyn Bank) {
    let (harness, provider) = (on.harness(), on.provider());
    for (reference, for_the_shop) in [("att_won", true), ("att_lost", false)] {
        let session = session(harness, reference, Method::Card, 4000).await;
        harness.payer_pays(&session).await;
        let payment = facts(harness, &session).await.payment_id.unwrap();
        let listed = async || {
            let page = done(provider.list_disputes(0, None).await);
            let mut own = page.items.into_iter().filter(|d| d.payment_id == payment);
            own.next()
        };
        assert_eq!(listed().await, None);
        on.disputes(&session).await;
        let opened = listed().await.unwrap();
        let told = async || done(provider.retrieve_dispute(&opened.dispute_id).await);
        assert_eq!(told().await, opened);
        assert_eq!(
            (&opened.status, opened.amount, opened.withdrawn),
            (
                &DisputeStatus::NeedsResponse,
                Money::gbp(4000),
                Money::gbp(4000)
            )
        );
        assert!(opened.due_by.unwrap() > opened.opened_at && !opened.reason.is_empty());
        let refund = provider.freeze_refund(&RefundOrder {
            reference: format!("ref_{reference}"),
            payment_id: payment.clone(),
            amount: Money::gbp(100),
        });
        refused_with(provider.refund(&refund, &format!("key_{reference}")).await);
        on.is_sent_evidence(&session).await;
        let reviewed = told().await;
        assert_eq!(
            (reviewed.status, reviewed.due_by),
            (DisputeStatus::UnderReview, None)
        );
        on.decides(&session, for_the_shop).await;
        let decided = told().await;
        let (status, withdrawn) = if for_the_shop {
            (DisputeStatus::Won, 0)
        } else {
            (DisputeStatus::Lost, 4000)
        };
        assert_eq!(
            (decided.status, decided.withdrawn),
            (status, Money::gbp(withdrawn))
        );
        let about = About::Dispute {
            dispute_id: opened.dispute_id.clone(),
            payment_id: payment.clone(),
        };
        let heard = every_event(harness, 0).await;
        assert!(heard.iter().filter(|event| event.about == about).count() >= 3);
        let again = provider.freeze_refund(&RefundOrder {
            reference: format!("ref_again_{reference}"),
            payment_id: payment.clone(),
            amount: Money::gbp(4000),
        });
        let key = format!("key_again_{reference}");
        if for_the_shop {
            done(provider.refund(&again, &key).await);
        } else {
            refused_with(provider.refund(&again, &key).await);
        }
    }
    refused_with(provider.retrieve_dispute("nothing_like_it").await);
}

async fn every_event(on: &dyn Harness, since: UtcMs) -> Vec<ProviderEvent> {
    let (mut events, mut after) = (Vec::<ProviderEvent>::new(), None);
    loop {
        let page = done(on.provider().list_events(since, after.as_deref()).await);
        for event in page.items {
            assert!(events.iter().all(|known| known.event_id != event.event_id));
            events.push(event);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return events,
        }
    }
}

struct Sandbox(Bench);

#[async_trait]
impl Harness for Sandbox {
    fn provider(&self) -> &dyn PaymentProvider {
        &self.0.provider
    }

    fn now(&self) -> UtcMs {
        self.0.now()
    }

    fn order(&self, reference: &str, method: Method, minor: i64) -> SessionOrder {
        self.0.order(reference, method, minor)
    }

    async fn payer_pays(&self, session: &Session) {
        self.0.pays_with(session, "4242424242424242").await;
    }

    async fn payer_is_declined(&self, session: &Session) {
        self.0.pays_with(session, "4000000000000002").await;
    }

    async fn payer_is_put_off(&self, session: &Session) {
        self.0.presses(session, "approve_later").await;
    }

    async fn lender_refuses(&self, session: &Session) {
        self.0.presses(session, "refuse").await;
    }

    async fn time_passes(&self, ms: i64) {
        self.0.passes(ms);
    }
}

/// Stripe's adapter over the fake Stripe, whose clock stands.
struct Stripe {
    provider: StripeProvider,
    there: FakeStripe,
}

impl Stripe {
    async fn open() -> Stripe {
        let options = fake_stripe::Options {
            clock_at: Some(support::START),
            ..Default::default()
        };
        let there = FakeStripe::start(options).await.unwrap();
        let config = StripeConfig {
            api_base: there.url.clone(),
            secret_key: fake_stripe::SECRET_KEY.into(),
            webhook_secrets: Vec::new(),
            account: there.world().account.clone(),
            client: http::client(&Roots::default()).unwrap(),
        };
        let provider = StripeProvider::new(config).unwrap();
        Stripe { provider, there }
    }
}

/// An ended session has no page any more: pressing there changes nothing.
#[async_trait]
impl Harness for Stripe {
    fn provider(&self) -> &dyn PaymentProvider {
        &self.provider
    }

    fn now(&self) -> UtcMs {
        self.there.now_ms()
    }

    fn order(&self, reference: &str, method: Method, minor: i64) -> SessionOrder {
        let expires_at = self.now() + self.provider.capabilities().session_min_ms;
        support::order("https://pay.example", reference, method, minor, expires_at)
    }

    async fn payer_pays(&self, session: &Session) {
        let _ = self.there.pay(&session.session_id);
    }

    async fn payer_is_declined(&self, session: &Session) {
        self.there.decline(&session.session_id).unwrap();
    }

    async fn payer_is_put_off(&self, session: &Session) {
        self.there.start_async(&session.session_id).unwrap();
    }

    async fn lender_refuses(&self, session: &Session) {
        let id = &session.session_id;
        let late = self.there.settle_async(id, false);
        late.or_else(|_| self.there.refuse(id)).unwrap();
    }

    /// In time every lender that was asked says yes, and every refund arrives.
    async fn time_passes(&self, ms: i64) {
        self.there.advance_clock(ms);
        self.there.settle_everything();
    }
}

/// Mollie's adapter over a small Mollie of our own.
#[async_trait]
impl Bank for Sandbox {
    fn harness(&self) -> &dyn Harness {
        self
    }

    async fn disputes(&self, session: &Session) {
        self.0.presses(session, "dispute").await;
    }

    async fn is_sent_evidence(&self, session: &Session) {
        self.0.presses(session, "evidence").await;
    }

    async fn decides(&self, session: &Session, for_the_shop: bool) {
        let turn = if for_the_shop { "win" } else { "lose" };
        self.0.presses(session, turn).await;
    }
}

struct Mollie {
    provider: MollieProvider,
    there: support::mollie::Mollie,
}

impl Mollie {
    async fn open() -> Mollie {
        let there = support::mollie::Mollie::open().await;
        let config = MollieConfig {
            api_base: there.url.clone(),
            api_key: "test_fake".into(),
            account: "pfl_fake".into(),
            client: http::client(&Roots::default()).unwrap(),
        };
        let provider = MollieProvider::new(config).unwrap();
        Mollie { provider, there }
    }
}

#[async_trait]
impl Harness for Mollie {
    fn provider(&self) -> &dyn PaymentProvider {
        &self.provider
    }

    fn now(&self) -> UtcMs {
        self.there.now()
    }

    fn order(&self, reference: &str, method: Method, minor: i64) -> SessionOrder {
        let expires_at = self.now() + self.provider.capabilities().session_min_ms;
        let email = Some("sam@example.com".into());
        SessionOrder {
            email,
            ..support::order("https://pay.example", reference, method, minor, expires_at)
        }
    }

    async fn payer_pays(&self, session: &Session) {
        self.there.ends(&session.session_id, "paid");
    }

    async fn payer_is_declined(&self, session: &Session) {
        self.there.ends(&session.session_id, "failed");
    }

    async fn payer_is_put_off(&self, session: &Session) {
        self.there.ends(&session.session_id, "authorized");
    }

    async fn lender_refuses(&self, session: &Session) {
        self.there.ends(&session.session_id, "failed");
    }

    async fn time_passes(&self, ms: i64) {
        self.there.passes(ms);
    }
}

macro_rules! contract {
    ($provider:ident, $open:expr => $($promise:ident),* $(,)?) => {
        mod $provider {
            use super::*;
            $(#[tokio::test] async fn $promise() { super::$promise(&$open).await; })*
        }
    };
}

/// Every promise to every provider; what one cannot give, its capabilities say and the promise reads there.
macro_rules! contracts {
    ($($provider:ident: $open:expr;)*) => { $(contract! { $provider, $open =>
    a_lost_answer_is_found_again,
    money_is_told_with_amount_and_means,
    a_declined_card_is_told_and_costs_nothing,
    a_lender_may_decide_later,
    closing_is_certain,
    a_session_ends_in_time,
    what_does_not_exist_is_proven_absent,
    refunds_reach_exactly_the_payment,
    the_lists_tell_what_happened,
    nothing_is_lost_between_pages,
    })* };
}

contracts! {
    sandbox: Sandbox(Bench::open().await);
    stripe: Stripe::open().await;
    mollie: Mollie::open().await;
}

contract! { sandbox_bank, Sandbox(Bench::open().await) => a_dispute_is_told_as_it_goes }
