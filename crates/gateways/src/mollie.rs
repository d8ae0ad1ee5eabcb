//! Mollie, through its payments API v2: one payment for each attempt, with the one method that the patient chose. The
//! payment is the session, so both have one id.
//!
//! What it does otherwise than others, its [`Capabilities`] say: its payments end when Mollie has it so, a card payment
//! cannot be cancelled while it is open, webhooks carry an id and no signature, there is no list of events, and the
//! account's movements are not for API keys. Klarna asks for the payer's email address.

mod client;
mod facts;
mod wire;

use async_trait::async_trait;
use remit_core::methods::Method;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};
use reqwest::Method as Verb;
use serde::Serialize;
use serde_json::json;

use crate::payments::{
    About, AccountFacts, Capabilities, Closing, DisputeFacts, Facts, Frozen, Lookup, Movement,
    Page, PaymentProvider, ProviderEvent, RefundFacts, RefundOrder, Session, SessionOrder,
    SessionStatus, Smallest, WebhookError, WebhookRequest, WebhookSetup,
};
use crate::{Answer, http};

use client::PAGE;
use wire::{
    ATTEMPT, Amount, BillingAddress, ChargebackAnswer, Chargebacks, Embedded as _, Line,
    ListAnswer, Methods, PaymentAnswer, PaymentRequest, Payments, ProfileAnswer, REFUND,
    RefundAnswer, RefundRequest, Refunds,
};

pub use client::{ConfigError, MollieConfig, MollieProvider, livemode};

/// Where Mollie is, unless a clinic's settings say otherwise.
pub const DEFAULT_API_BASE: &str = "https://api.mollie.com";
/// Of Mollie's signed webhooks, which payments do not have: nothing is read from it.
pub const SIGNATURE_HEADER: &str = "x-mollie-signature";

/// Mollie ends a payment when it has it so: after a quarter of an hour for a card, up to two days for Klarna.
const SESSION_MIN_MS: i64 = 15 * MINUTE_MS;
const SESSION_MAX_MS: i64 = 2 * DAY_MS;
/// Keys are forgotten after an hour.
const IDEMPOTENCY_MS: i64 = HOUR_MS;
const LOOKUP_MARGIN_MS: i64 = 10 * MINUTE_MS;
const PAGES_MAX: usize = 100;

impl MollieProvider {
    async fn find(&self, reference: &str, made_at: UtcMs) -> Answer<Facts> {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let since = made_at - LOOKUP_MARGIN_MS;
            let read = |payment: PaymentAnswer| match is_ours(&payment) == Some(reference) {
                true => facts::facts(payment).map(Some),
                false => Some(None),
            };
            let page = self
                .list::<Payments, _>(&["payments"], (since, after.as_deref()), read)
                .await;
            match page.into_result() {
                Ok(page) => {
                    found.extend(page.items);
                    after = page.next;
                }
                Err(answer) => return answer,
            }
            if after.is_none() {
                return match Facts::weightiest(found) {
                    Some(facts) => Answer::Done(facts),
                    None => {
                        Answer::refused("not_found", "Mollie has no payment with this reference.")
                    }
                };
            }
        }
        Answer::unknown("a list was too long to read")
    }

    async fn payment(&self, id: &str) -> Answer<PaymentAnswer> {
        self.ask(self.request(Verb::GET, &["payments", id], &[]), Some)
            .await
    }
}

fn is_ours(payment: &PaymentAnswer) -> Option<&str> {
    facts::mark(&payment.metadata, ATTEMPT)
}

/// Ids and texts always serialise, so the fallback is never sent; an empty body would be refused anyway.
fn text(request: &impl Serialize) -> String {
    serde_json::to_string(request).unwrap_or_default()
}

/// The path of what stands below a payment; its id here names both. `None` for an id that was never given out.
fn below<'a>(id: &'a str, kind: &'static str) -> Option<[&'a str; 4]> {
    let (payment_id, id) = id.split_once('/')?;
    Some(["payments", payment_id, kind, id])
}

#[async_trait]
impl PaymentProvider for MollieProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "mollie",
            methods: vec![Method::Card, Method::Klarna],
            session_min_ms: SESSION_MIN_MS,
            session_max_ms: SESSION_MAX_MS,
            idempotency_ms: IDEMPOTENCY_MS,
            email_methods: vec![Method::Klarna],
            ends_when_ordered: false,
            closes_open: false,
            retries_declined: false,
            signs_webhooks: false,
            lists_events: false,
            lists_movements: false,
            smallest: Smallest(&[]),
        }
    }

    fn freeze_session(&self, order: &SessionOrder) -> Frozen {
        let description = format!("Payment to {}", order.payee);
        let amount = Amount::of(order.amount);
        let lines = match order.method {
            Method::Klarna => vec![Line {
                description: description.clone(),
                quantity: 1,
                unit_price: amount.clone(),
                total_amount: amount.clone(),
            }],
            Method::Card | Method::Clearpay => Vec::new(),
        };
        Frozen(text(&PaymentRequest {
            amount,
            description,
            redirect_url: order.return_url.clone(),
            cancel_url: order.cancel_url.clone(),
            webhook_url: order.webhook_url.clone(),
            // Clearpay is not on offer here; Mollie refuses its name like any that it does not know.
            method: facts::method_name(order.method).unwrap_or("clearpay"),
            metadata: json!({ATTEMPT: order.reference}),
            locale: facts::locale(&order.locale),
            lines,
            billing_address: order.email.clone().map(|email| BillingAddress { email }),
        }))
    }

    /// A repeated key is answered with the first payment, whatever the bytes: another sum in the answer than in the
    /// request is a key used twice.
    async fn create_session(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<Session> {
        let request = self.post(&["payments"], &frozen.0, idempotency_key);
        let made = match self.ask(request, Some::<PaymentAnswer>).await.into_result() {
            Ok(payment) => payment,
            Err(answer) => return answer,
        };
        let asked: serde_json::Value = serde_json::from_str(&frozen.0).unwrap_or_default();
        let same = asked["metadata"][ATTEMPT].as_str() == is_ours(&made)
            && asked["amount"]["value"].as_str() == Some(made.amount.value.as_str())
            && asked["amount"]["currency"].as_str() == Some(made.amount.currency.as_str());
        if !same {
            return Answer::refused(
                "idempotency_mismatch",
                "Mollie has seen this request before, with other contents, and did nothing.",
            );
        }
        let expires_at = made.expires_at.as_deref().and_then(facts::moment);
        match (facts::checkout(&made), expires_at) {
            (Some(url), Some(expires_at)) => Answer::Done(Session {
                session_id: made.id,
                url,
                expires_at,
            }),
            _ => Answer::unknown("a payment without a page"),
        }
    }

    async fn retrieve(&self, lookup: Lookup<'_>) -> Answer<Facts> {
        match lookup {
            Lookup::Session(id) => {
                let request = self.request(Verb::GET, &["payments", id], &[]);
                self.ask(request, facts::facts).await
            }
            Lookup::Reference { reference, made_at } => self.find(reference, made_at).await,
        }
    }

    async fn ensure_closed(&self, session_id: &str) -> Answer<Closing> {
        let payment = match self.payment(session_id).await.into_result() {
            Ok(payment) => payment,
            Err(answer) => return answer,
        };
        let cancelable = payment.is_cancelable == Some(true);
        let Some(facts) = facts::facts(payment) else {
            return Answer::unknown("answer not understood");
        };
        if cancelable && facts.status == SessionStatus::Open {
            let request = self.request(Verb::DELETE, &["payments", session_id], &[]);
            return self
                .ask(request, |payment| {
                    facts::facts(payment).and_then(Facts::closing)
                })
                .await;
        }
        facts.closing().map_or_else(
            || {
                Answer::refused(
                    "cannot_close",
                    "Mollie cannot close this payment. It ends by itself, a card payment within the hour; wait, or \
                     record what was paid anyway.",
                )
            },
            Answer::Done,
        )
    }

    /// The payment's id, which belongs into the address, on a line of its own before the body.
    fn freeze_refund(&self, order: &RefundOrder) -> Frozen {
        let body = text(&RefundRequest {
            amount: Amount::of(order.amount),
            description: "Refund",
            metadata: json!({REFUND: order.reference}),
        });
        Frozen(format!("{}\n{body}", order.payment_id))
    }

    async fn refund(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<RefundFacts> {
        let (payment_id, body) = frozen.0.split_once('\n').unwrap_or_default();
        let request = self.post(&["payments", payment_id, "refunds"], body, idempotency_key);
        self.ask(request, facts::refund).await
    }

    async fn retrieve_refund(&self, provider_refund_id: &str) -> Answer<RefundFacts> {
        let Some(path) = below(provider_refund_id, "refunds") else {
            return Answer::refused("not_found", "Mollie has no such refund.");
        };
        self.ask(self.request(Verb::GET, &path, &[]), facts::refund)
            .await
    }

    async fn refunds_of(&self, payment_id: &str) -> Answer<Vec<RefundFacts>> {
        let path = ["payments", payment_id, "refunds"];
        let request = self.request(Verb::GET, &path, &[("limit", PAGE)]);
        self.ask(request, |list: ListAnswer<Refunds>| {
            // A payment has a handful of refunds; a second page would make no sense.
            let whole = list.links.next.is_none();
            let refunds = list.embedded.items().into_iter().map(facts::refund);
            refunds.collect::<Option<Vec<_>>>().filter(|_| whole)
        })
        .await
    }

    async fn retrieve_dispute(&self, dispute_id: &str) -> Answer<DisputeFacts> {
        let Some(path) = below(dispute_id, "chargebacks") else {
            return Answer::refused("not_found", "Mollie has no such chargeback.");
        };
        self.ask(self.request(Verb::GET, &path, &[]), facts::dispute)
            .await
    }

    async fn inspect(&self, _: &str, now: UtcMs) -> Answer<AccountFacts> {
        let request = self.request(Verb::GET, &["profiles", "me"], &[]);
        let reply = match http::send(request).await.into_result() {
            Ok(reply) => reply,
            Err(answer) => return answer,
        };
        let profile = http::judge(
            &reply,
            |body| serde_json::from_slice::<ProfileAnswer>(body).ok(),
            facts::refusal,
        );
        let profile = match profile.into_result() {
            Ok(profile) => profile,
            Err(answer) => return answer,
        };
        let request = self.request(Verb::GET, &["methods"], &[]);
        let methods = match self.ask(request, Some::<ListAnswer<Methods>>).await {
            Answer::Done(list) => Some(list.embedded.methods),
            Answer::Refused(_) | Answer::Unknown(_) => None,
        };
        let has = |method: &Method| {
            let name = facts::method_name(*method);
            methods
                .iter()
                .flatten()
                .any(|known| Some(known.id.as_str()) == name)
        };
        Answer::Done(AccountFacts {
            account: profile.id,
            name: profile.name,
            country: None,
            currency: None,
            livemode: self.livemode,
            charges_enabled: !self.livemode || profile.status == "verified",
            methods: methods
                .is_some()
                .then(|| Method::ALL.into_iter().filter(has).collect()),
            webhook: WebhookSetup::PerPayment,
            clock_skew_ms: reply.date_ms.map(|theirs| theirs - now),
        })
    }

    async fn register_webhook(&self, _: &str) -> Answer<String> {
        Answer::refused(
            "invalid_request",
            "There is nothing to set up: Mollie is told the address with every payment.",
        )
    }

    /// Mollie keeps none: payments, refunds and chargebacks are listed.
    async fn list_events(&self, _: UtcMs, _: Option<&str>) -> Answer<Page<ProviderEvent>> {
        Answer::Done(Page::empty())
    }

    async fn list_payments(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Facts>> {
        let read = |payment: PaymentAnswer| {
            let paid_at = payment.paid_at.as_deref().and_then(facts::moment);
            if is_ours(&payment).is_none() {
                return Some(None);
            }
            let facts = facts::facts(payment)?;
            let listed = match facts.status {
                SessionStatus::Paid => paid_at.is_none_or(|at| at >= since),
                SessionStatus::Processing => true,
                _ => false,
            };
            Some(listed.then_some(facts))
        };
        let made_since = since - SESSION_MAX_MS;
        self.list::<Payments, _>(&["payments"], (made_since, after), read)
            .await
    }

    async fn list_refunds(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<RefundFacts>> {
        let read = |refund: RefundAnswer| {
            let payment = refund.embedded.payment.as_ref();
            let of_ours = facts::mark(&refund.metadata, REFUND)
                .or(payment.and_then(|payment| facts::mark(&payment.metadata, ATTEMPT)))
                .is_some();
            match of_ours {
                true => facts::refund(refund).map(Some),
                false => Some(None),
            }
        };
        self.list::<Refunds, _>(&["refunds"], (since, after), read)
            .await
    }

    async fn list_disputes(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<DisputeFacts>> {
        let read = |chargeback: ChargebackAnswer| {
            let payment = chargeback.embedded.payment.as_ref();
            match payment.and_then(|payment| facts::mark(&payment.metadata, ATTEMPT)) {
                Some(_) => facts::dispute(chargeback).map(Some),
                None => Some(None),
            }
        };
        self.list::<Chargebacks, _>(&["chargebacks"], (since, after), read)
            .await
    }

    /// Only keys of the organisation may read the balance; a profile's key may not.
    async fn list_movements(&self, _: UtcMs, _: Option<&str>) -> Answer<Page<Movement>> {
        Answer::Done(Page::empty())
    }

    /// `id=tr_...` and nothing else. It proves nothing and says nothing: whoever sends it makes us look, and the truth
    /// comes from Mollie itself. Each is an event of its own, since nothing tells two of them apart.
    fn verify_webhook(&self, request: WebhookRequest<'_>) -> Result<ProviderEvent, WebhookError> {
        const ID_MAX: usize = 64;
        let id = request
            .body
            .strip_prefix(b"id=")
            .and_then(|id| std::str::from_utf8(id).ok())
            .filter(|id| id.starts_with("tr_") && id.len() <= ID_MAX)
            .filter(|id| {
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
            .ok_or(WebhookError::Malformed)?;
        Ok(ProviderEvent {
            event_id: format!("{id}@{}", request.received_at),
            kind: "payment.changed".into(),
            about: About::Session {
                session_id: id.to_owned(),
                reference: None,
            },
            livemode: self.livemode,
            account: self.config.account.clone(),
            created_at: request.received_at,
        })
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE_HEADER
    }
}

#[cfg(test)]
mod tests;
