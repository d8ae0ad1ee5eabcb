//! The sandbox provider: reaches the company of [`company`] over HTTP, through the same trait, with the same frozen
//! bytes, keys and signed webhooks as a real one. In test mode no money moves; nothing else is different.

pub mod company;
mod wire;

use async_trait::async_trait;
use remit_core::methods::Method;
use remit_core::money::{Currency, Money};
use remit_core::{DAY_MS, MINUTE_MS, UtcMs};
use reqwest::{Client, Method as Verb, RequestBuilder, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::payments::{
    About, AccountFacts, Capabilities, Closing, DisputeFacts, DisputeStatus, Facts, Frozen, Lookup,
    Movement, MovementKind, Page, PaymentProvider, ProviderEvent, RefundFacts, RefundOrder,
    RefundStatus, Session, SessionOrder, SessionStatus, Smallest, WebhookError, WebhookRequest,
    WebhookSetup,
};
use crate::{Answer, Refusal, http, signature};

use wire::{
    AccountAnswer, DisputeAnswer, ErrorAnswer, EventAnswer, ListAnswer, MovementAnswer,
    RefundAnswer, RefundRequest, SessionAnswer, SessionRequest,
};

/// The header that carries a webhook's signature.
pub const SIGNATURE_HEADER: &str = "sandbox-signature";

/// A session lives for 30 minutes to 24 hours, like those of the providers it stands in for (hazard B7).
pub const SESSION_MIN_MS: i64 = 30 * MINUTE_MS;
pub const SESSION_MAX_MS: i64 = DAY_MS;
/// How long an idempotency key answers as it did first.
pub const IDEMPOTENCY_MS: i64 = DAY_MS;

/// How one account of the company is reached. No `Debug`: it holds secrets.
#[derive(Clone)]
pub struct SandboxConfig {
    /// `http://host/sandbox/v1`
    pub api_base: String,
    pub secret_key: String,
    /// Two while one replaces the other; none: every webhook is refused (hazard D1).
    pub webhook_secrets: Vec<String>,
    /// `sbx_acct_...`
    pub account: String,
    /// From [`http::client`].
    pub client: Client,
}

/// The `api_base` is no address that calls could be made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider's address is not an http or https address")]
pub struct AddressError;

/// One account at the sandbox's company.
pub struct SandboxProvider {
    config: SandboxConfig,
    base: Url,
}

impl SandboxProvider {
    /// # Errors
    /// [`AddressError`]
    pub fn new(config: SandboxConfig) -> Result<SandboxProvider, AddressError> {
        let base = Url::parse(&config.api_base).map_err(|_| AddressError)?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(AddressError);
        }
        Ok(SandboxProvider { config, base })
    }

    /// A request to a path below the base.
    fn request(&self, verb: Verb, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        self.config
            .client
            .request(verb, http::below(&self.base, path, query))
            .bearer_auth(&self.config.secret_key)
    }

    fn post(&self, path: &[&str], frozen: &Frozen, idempotency_key: &str) -> RequestBuilder {
        self.request(Verb::POST, path, &[])
            .header("content-type", "application/json")
            .header("idempotency-key", idempotency_key)
            .body(frozen.0.clone())
    }

    /// Sends, judges, and turns the answer into ours; `read` says `None` to an answer that makes no sense.
    async fn ask<W: DeserializeOwned, T>(
        &self,
        request: RequestBuilder,
        read: impl FnOnce(W) -> Option<T>,
    ) -> Answer<T> {
        match http::send(request).await {
            Answer::Done(reply) => http::judge(
                &reply,
                |body| serde_json::from_slice(body).ok().and_then(read),
                refusal,
            ),
            Answer::Refused(refusal) => Answer::Refused(refusal),
            Answer::Unknown(unknown) => Answer::Unknown(unknown),
        }
    }

    /// `None` when it is another account's session, or money in no known currency: nothing to act on.
    fn facts(&self, session: SessionAnswer) -> Option<Facts> {
        if session.account != self.config.account {
            return None;
        }
        let (payment_id, received, paid_with) = match session.payment {
            None => (None, None, None),
            Some(payment) => {
                let currency = Currency::parse(&payment.currency)?;
                let received = payment.received.map(|minor| Money::new(minor, currency));
                (Some(payment.id), received, payment.paid_with)
            }
        };
        Some(Facts {
            reference: session.reference,
            session_id: session.id,
            url: session.url,
            status: session_status(session.status),
            payment_id,
            received,
            paid_with,
            last_error: session.last_error,
            livemode: session.livemode,
        })
    }

    /// `None` when it is another account's dispute, or money in no known currency.
    fn dispute_facts(&self, dispute: DisputeAnswer) -> Option<DisputeFacts> {
        if dispute.account != self.config.account {
            return None;
        }
        let currency = Currency::parse(&dispute.currency)?;
        Some(DisputeFacts {
            dispute_id: dispute.id,
            payment_id: dispute.payment,
            amount: Money::new(dispute.amount, currency),
            status: match dispute.status.as_str() {
                "needs_response" => DisputeStatus::NeedsResponse,
                "under_review" => DisputeStatus::UnderReview,
                "won" => DisputeStatus::Won,
                "lost" => DisputeStatus::Lost,
                "withdrawn" => DisputeStatus::Withdrawn,
                _ => DisputeStatus::Other(dispute.status),
            },
            withdrawn: Money::new(dispute.withdrawn, currency),
            reason: dispute.reason,
            due_by: dispute.due_by,
            opened_at: dispute.opened_at,
        })
    }

    async fn list<W: DeserializeOwned, T>(
        &self,
        list: &str,
        since: UtcMs,
        after: Option<&str>,
        read: impl FnOnce(ListAnswer<W>) -> Option<T>,
    ) -> Answer<T> {
        let since = since.to_string();
        let mut query = vec![("since", since.as_str())];
        query.extend(after.map(|after| ("after", after)));
        self.ask(self.request(Verb::GET, &[list], &query), read)
            .await
    }
}

/// The company's own no. A 4xx without its error body comes from something in between and proves nothing.
fn refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    let error = serde_json::from_slice::<ErrorAnswer>(body).ok()?.error;
    let code = match status {
        401 => "unauthorised".to_owned(),
        404 => "not_found".to_owned(),
        _ => error.code,
    };
    Some(Refusal {
        code,
        message: error.message,
    })
}

fn session_status(word: String) -> SessionStatus {
    match word.as_str() {
        "open" => SessionStatus::Open,
        "processing" => SessionStatus::Processing,
        "complete" => SessionStatus::Paid,
        "failed" => SessionStatus::Failed,
        "expired" => SessionStatus::Expired,
        _ => SessionStatus::Other(word),
    }
}

fn refund_facts(refund: RefundAnswer) -> Option<RefundFacts> {
    Some(RefundFacts {
        provider_refund_id: refund.id,
        reference: refund.reference,
        payment_id: refund.payment,
        amount: Money::new(refund.amount, Currency::parse(&refund.currency)?),
        status: match refund.status.as_str() {
            "pending" => RefundStatus::Pending,
            "succeeded" => RefundStatus::Succeeded,
            "failed" => RefundStatus::Failed,
            _ => RefundStatus::Other(refund.status),
        },
        failure: refund.failure,
    })
}

/// `None` when it is in no known currency.
fn movement(movement: MovementAnswer) -> Option<Movement> {
    let currency = Currency::parse(&movement.currency)?;
    Some(Movement {
        movement_id: movement.id,
        kind: match movement.kind.as_str() {
            "payment" => MovementKind::Payment,
            "refund" => MovementKind::Refund,
            "dispute" => MovementKind::Dispute,
            "dispute_reversal" => MovementKind::DisputeReversal,
            "payout" => MovementKind::Payout,
            _ => MovementKind::Other(movement.kind),
        },
        source: movement.source,
        gross: Money::new(movement.gross, currency),
        fee: Money::new(movement.fee, currency),
        net: Money::new(movement.net, currency),
        created_at: movement.created_at,
    })
}

fn event(event: EventAnswer) -> ProviderEvent {
    let object = event.object;
    let about = match (object.object.as_str(), object.payment) {
        ("session", _) if !object.id.is_empty() => About::Session {
            session_id: object.id,
            reference: object.reference,
        },
        ("refund", Some(payment_id)) if !object.id.is_empty() => About::Refund {
            provider_refund_id: object.id,
            payment_id,
            reference: object.reference,
        },
        ("dispute", Some(payment_id)) if !object.id.is_empty() => About::Dispute {
            dispute_id: object.id,
            payment_id,
        },
        _ => About::Nothing,
    };
    ProviderEvent {
        event_id: event.id,
        kind: event.kind,
        about,
        livemode: event.livemode,
        account: event.account,
        created_at: event.created_at,
    }
}

/// Strings and integers always serialise, so the fallback is never sent; an empty body would be refused anyway.
fn freeze(request: &impl Serialize) -> Frozen {
    Frozen(serde_json::to_string(request).unwrap_or_default())
}

#[async_trait]
impl PaymentProvider for SandboxProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "sandbox",
            methods: Method::ALL.to_vec(),
            session_min_ms: SESSION_MIN_MS,
            session_max_ms: SESSION_MAX_MS,
            idempotency_ms: IDEMPOTENCY_MS,
            email_methods: Vec::new(),
            ends_when_ordered: true,
            closes_open: true,
            retries_declined: true,
            signs_webhooks: true,
            lists_events: true,
            lists_movements: false,
            smallest: Smallest(&[]),
        }
    }

    fn freeze_session(&self, order: &SessionOrder) -> Frozen {
        freeze(&SessionRequest {
            reference: order.reference.clone(),
            amount: order.amount.minor,
            currency: order.amount.currency.code().to_owned(),
            method: order.method.name().to_owned(),
            payee: order.payee.clone(),
            return_url: order.return_url.clone(),
            cancel_url: order.cancel_url.clone(),
            expires_at: order.expires_at,
            locale: order.locale.clone(),
        })
    }

    async fn create_session(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<Session> {
        let request = self.post(&["sessions"], frozen, idempotency_key);
        self.ask(request, |session: SessionAnswer| {
            (session.account == self.config.account).then_some(())?;
            Some(Session {
                session_id: session.id,
                url: session.url?,
                expires_at: session.expires_at,
            })
        })
        .await
    }

    async fn retrieve(&self, lookup: Lookup<'_>) -> Answer<Facts> {
        match lookup {
            Lookup::Session(id) => {
                let request = self.request(Verb::GET, &["sessions", id], &[]);
                self.ask(request, |session| self.facts(session)).await
            }
            Lookup::Reference { reference, .. } => {
                let request = self.request(Verb::GET, &["sessions"], &[("reference", reference)]);
                let found = self
                    .ask(request, |list: ListAnswer<SessionAnswer>| {
                        list.data
                            .into_iter()
                            .map(|session| self.facts(session))
                            .collect::<Option<Vec<_>>>()
                    })
                    .await;
                match found.map(Facts::weightiest) {
                    Answer::Done(Some(facts)) => Answer::Done(facts),
                    Answer::Done(None) => {
                        Answer::refused("not_found", "There is no session with this reference.")
                    }
                    Answer::Refused(refusal) => Answer::Refused(refusal),
                    Answer::Unknown(unknown) => Answer::Unknown(unknown),
                }
            }
        }
    }

    async fn ensure_closed(&self, session_id: &str) -> Answer<Closing> {
        let request = self.request(Verb::POST, &["sessions", session_id, "close"], &[]);
        self.ask(request, |session| {
            self.facts(session).and_then(Facts::closing)
        })
        .await
    }

    fn freeze_refund(&self, order: &RefundOrder) -> Frozen {
        freeze(&RefundRequest {
            reference: order.reference.clone(),
            payment: order.payment_id.clone(),
            amount: order.amount.minor,
            currency: order.amount.currency.code().to_owned(),
        })
    }

    async fn refund(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<RefundFacts> {
        self.ask(
            self.post(&["refunds"], frozen, idempotency_key),
            refund_facts,
        )
        .await
    }

    async fn retrieve_refund(&self, provider_refund_id: &str) -> Answer<RefundFacts> {
        self.ask(
            self.request(Verb::GET, &["refunds", provider_refund_id], &[]),
            refund_facts,
        )
        .await
    }

    async fn refunds_of(&self, payment_id: &str) -> Answer<Vec<RefundFacts>> {
        let request = self.request(Verb::GET, &["refunds"], &[("payment", payment_id)]);
        self.ask(request, |list: ListAnswer<RefundAnswer>| {
            list.data.into_iter().map(refund_facts).collect()
        })
        .await
    }

    async fn retrieve_dispute(&self, dispute_id: &str) -> Answer<DisputeFacts> {
        let request = self.request(Verb::GET, &["disputes", dispute_id], &[]);
        self.ask(request, |dispute| self.dispute_facts(dispute))
            .await
    }

    async fn inspect(&self, webhook_url: &str, _: UtcMs) -> Answer<AccountFacts> {
        let request = self.request(Verb::GET, &["account"], &[]);
        self.ask(request, |account: AccountAnswer| {
            Some(AccountFacts {
                account: account.id,
                name: None,
                country: None,
                currency: None,
                livemode: account.livemode,
                charges_enabled: true,
                methods: Some(Method::ALL.to_vec()),
                webhook: if account.webhook_url == webhook_url {
                    WebhookSetup::Registered
                } else {
                    WebhookSetup::Missing
                },
                // It runs on our own clock.
                clock_skew_ms: Some(0),
            })
        })
        .await
    }

    /// Addresses are told to the company when the account is made.
    async fn register_webhook(&self, _: &str) -> Answer<String> {
        Answer::refused(
            "invalid_request",
            "The sandbox knows its address from the start.",
        )
    }

    async fn list_events(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<ProviderEvent>> {
        self.list("events", since, after, |page: ListAnswer<EventAnswer>| {
            Some(Page {
                items: page.data.into_iter().map(event).collect(),
                next: page.next,
            })
        })
        .await
    }

    async fn list_payments(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Facts>> {
        self.list(
            "payments",
            since,
            after,
            |page: ListAnswer<SessionAnswer>| {
                let payments = page.data.into_iter().map(|session| self.facts(session));
                Some(Page {
                    items: payments.collect::<Option<_>>()?,
                    next: page.next,
                })
            },
        )
        .await
    }

    async fn list_refunds(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<RefundFacts>> {
        self.list("refunds", since, after, |page: ListAnswer<RefundAnswer>| {
            let refunds = page.data.into_iter().map(refund_facts);
            Some(Page {
                items: refunds.collect::<Option<_>>()?,
                next: page.next,
            })
        })
        .await
    }

    async fn list_disputes(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<DisputeFacts>> {
        self.list(
            "disputes",
            since,
            after,
            |page: ListAnswer<DisputeAnswer>| {
                let disputes = page
                    .data
                    .into_iter()
                    .map(|dispute| self.dispute_facts(dispute));
                Some(Page {
                    items: disputes.collect::<Option<_>>()?,
                    next: page.next,
                })
            },
        )
        .await
    }

    async fn list_movements(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Movement>> {
        self.list(
            "movements",
            since,
            after,
            |page: ListAnswer<MovementAnswer>| {
                let movements = page.data.into_iter().map(movement);
                Some(Page {
                    items: movements.collect::<Option<_>>()?,
                    next: page.next,
                })
            },
        )
        .await
    }

    fn verify_webhook(&self, request: WebhookRequest<'_>) -> Result<ProviderEvent, WebhookError> {
        let WebhookRequest {
            signature,
            body,
            received_at,
        } = request;
        signature::verify(signature, body, &self.config.webhook_secrets, received_at)?;
        serde_json::from_slice(body)
            .map(event)
            .map_err(|_| WebhookError::Malformed)
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE_HEADER
    }
}

#[cfg(test)]
mod tests;
