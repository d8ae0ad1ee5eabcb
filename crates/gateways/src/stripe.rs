//! Stripe, through Checkout Sessions: one session of mode `payment` for each attempt, with the one method that the
//! patient chose. A thin client of our own: about fifteen calls, frozen bytes, our keys, an address per clinic.
//!
//! Every assumption about Stripe stands in this folder, read from its published API of [`VERSION`].

mod amounts;
mod client;
mod errors;
mod events;
mod facts;
mod form;
mod wire;

use async_trait::async_trait;
use remit_core::methods::Method;
use remit_core::{DAY_MS, MINUTE_MS, SECOND_MS, UtcMs};
use reqwest::Method as Verb;

use crate::payments::{
    About, AccountFacts, Capabilities, Closing, DisputeFacts, FOREIGN, Facts, Frozen, Lookup,
    Movement, Page, PaymentProvider, ProviderEvent, RefundFacts, RefundOrder, Session,
    SessionOrder, SessionStatus, WebhookError, WebhookRequest, WebhookSetup,
};
use crate::{Answer, http, signature};

use client::PAGE;
use wire::{
    AccountAnswer, DisputeAnswer, EndpointAnswer, EventAnswer, ListAnswer, MovementAnswer, REFUND,
    RefundAnswer, SessionAnswer,
};

pub use client::{ConfigError, StripeConfig, StripeProvider, livemode};

/// The version of the API that requests and answers here are written for; sent with every call.
pub const VERSION: &str = "2026-07-29.dahlia";
/// Where Stripe is, unless a clinic's settings say otherwise.
pub const DEFAULT_API_BASE: &str = "https://api.stripe.com";
/// The header that carries a webhook's signature.
pub const SIGNATURE_HEADER: &str = "stripe-signature";

/// `expires_at`: from 30 minutes to 24 hours after creation (hazard B7).
const SESSION_MIN_MS: i64 = 30 * MINUTE_MS;
const SESSION_MAX_MS: i64 = DAY_MS;
/// Keys may be forgotten once they are a day old (hazard A15).
const IDEMPOTENCY_MS: i64 = DAY_MS;
/// How far before an attempt's own time its session is looked for: clocks differ (hazard B6).
const LOOKUP_MARGIN_MS: i64 = 10 * MINUTE_MS;
/// Where sessions are made and listed.
const SESSIONS: [&str; 2] = ["checkout", "sessions"];

/// The payment and the charge behind a session, in one answer.
const WITH_PAYMENT: &str = "payment_intent.latest_charge";
/// The payment of a refund or dispute, to see whether it is ours.
const WITH_OWNER: [(&str, &str); 1] = [("expand[]", "payment_intent")];
const LISTED_WITH_PAYMENT: &str = "data.payment_intent.latest_charge";

impl StripeProvider {
    /// The session with our reference among those made in a span of time.
    async fn find(&self, reference: &str, from: UtcMs, to: UtcMs) -> Answer<Facts> {
        let (from, to) = (floor_seconds(from), floor_seconds(to));
        let query = [
            ("created[gte]", from.as_str()),
            ("created[lte]", to.as_str()),
            ("expand[]", LISTED_WITH_PAYMENT),
        ];
        let read = |session: SessionAnswer| match facts::reference(&session) == Some(reference) {
            true => facts::facts(session).map(Some),
            false => Some(None),
        };
        match self
            .all(&SESSIONS, &query, read)
            .await
            .map(Facts::weightiest)
            .into_result()
        {
            Ok(Some(facts)) => Answer::Done(facts),
            Ok(None) => Answer::refused("not_found", "Stripe has no session with this reference."),
            Err(answer) => answer,
        }
    }

    /// After a stored error: the session if there is one after all. If there is none then nobody ever got its address,
    /// so no money can come by it and another attempt is safe.
    async fn session_despite_error(&self, frozen: &Frozen) -> Answer<Session> {
        let (Some(reference), Some(expires_at)) = (
            form::field(frozen, "client_reference_id"),
            form::field(frozen, "expires_at").and_then(|seconds| seconds.parse::<i64>().ok()),
        ) else {
            return Answer::unknown("stored error, and no reference to look for");
        };
        let end = facts::ms(expires_at);
        let from = end - SESSION_MAX_MS - LOOKUP_MARGIN_MS;
        let facts = match self.find(&reference, from, end).await {
            Answer::Done(facts) => facts,
            Answer::Refused(refusal) if refusal.code == "not_found" => {
                return Answer::refused(
                    "provider_error",
                    "Stripe failed to make a payment page. Nothing was charged; try again.",
                );
            }
            Answer::Refused(refusal) => return Answer::Refused(refusal),
            Answer::Unknown(unknown) => return Answer::Unknown(unknown),
        };
        match facts.url {
            Some(url) => Answer::Done(Session {
                session_id: facts.session_id,
                url,
                expires_at: end,
            }),
            None => Answer::unknown("stored error, and the session has ended meanwhile"),
        }
    }

    async fn retrieve_session(&self, session_id: &str) -> Answer<Facts> {
        let query = [("expand[]", WITH_PAYMENT)];
        self.get(&["checkout", "sessions", session_id], &query, facts::facts)
            .await
    }

    async fn webhook_setup(&self, webhook_url: &str) -> WebhookSetup {
        let read =
            |list: ListAnswer<EndpointAnswer>| Some(facts::webhook_setup(&list.data, webhook_url));
        match self
            .get(&["webhook_endpoints"], &[("limit", PAGE)], read)
            .await
        {
            Answer::Done(setup) => setup,
            // The key may not ask, or nobody answered: this part is unknown, the rest is not.
            Answer::Refused(_) | Answer::Unknown(_) => WebhookSetup::Unknown,
        }
    }

    /// Removes every endpoint of ours with an address but one. What cannot be removed stays: it does no more than be
    /// refused.
    async fn remove_webhooks(&self, webhook_url: &str, but: &str) {
        let path = ["webhook_endpoints"];
        let read = |list: ListAnswer<EndpointAnswer>| Some(list.data);
        let Answer::Done(all) = self.get(&path, &[("limit", PAGE)], read).await else {
            return;
        };
        for endpoint in all {
            if endpoint.url == webhook_url && endpoint.id != but {
                let path = ["webhook_endpoints", endpoint.id.as_str()];
                let request = self.request(Verb::DELETE, &path, &[]);
                let removed: Answer<serde_json::Value> = self.ask(request, Some).await;
                if !matches!(removed, Answer::Done(_)) {
                    tracing::warn!("an old webhook endpoint at Stripe could not be removed");
                }
            }
        }
    }

    /// An authentic event of a form that is not read here. Refusing it would make Stripe repeat it for days and then
    /// turn the endpoint off (hazard A8).
    fn unread_event(&self, body: &[u8], received_at: UtcMs) -> Result<ProviderEvent, WebhookError> {
        let raw: serde_json::Value =
            serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
        let id = raw["id"].as_str().filter(|id| !id.is_empty());
        Ok(ProviderEvent {
            event_id: id.ok_or(WebhookError::Malformed)?.to_owned(),
            kind: raw["type"].as_str().unwrap_or_default().to_owned(),
            about: About::Nothing,
            livemode: raw["livemode"].as_bool().unwrap_or(self.livemode),
            account: self.config.account.clone(),
            created_at: received_at,
        })
    }

    fn account_facts(&self, account: &AccountAnswer) -> AccountFacts {
        AccountFacts {
            account: account.id.clone(),
            name: facts::account_name(account),
            country: account.country.clone(),
            currency: facts::account_currency(account),
            livemode: self.livemode,
            charges_enabled: account.charges_enabled,
            methods: facts::account_methods(account),
            webhook: WebhookSetup::Unknown,
            clock_skew_ms: None,
        }
    }

    /// What is left to say of an account that a restricted key may not read: the key is Stripe's, and whose it is only
    /// as far as it was known before.
    fn unreadable_account(&self) -> AccountFacts {
        AccountFacts {
            account: self.config.account.clone(),
            name: None,
            country: None,
            currency: None,
            livemode: self.livemode,
            charges_enabled: true,
            methods: None,
            webhook: WebhookSetup::Unknown,
            clock_skew_ms: None,
        }
    }
}

/// What was read of ours, or word that it is somebody else's.
fn ours<T>(answer: Answer<Option<T>>) -> Answer<T> {
    match answer.into_result() {
        Ok(Some(value)) => Answer::Done(value),
        Ok(None) => Answer::refused(FOREIGN, "This belongs to no payment of Remit's."),
        Err(answer) => answer,
    }
}

/// The whole second that a moment lies in, for the end or the generous beginning of a span.
fn floor_seconds(at: UtcMs) -> String {
    at.max(0).div_euclid(SECOND_MS).to_string()
}

/// The first whole second that is not before a moment: Stripe's times have no fractions.
fn ceil_seconds(at: UtcMs) -> String {
    at.max(0)
        .saturating_add(SECOND_MS - 1)
        .div_euclid(SECOND_MS)
        .to_string()
}

#[async_trait]
impl PaymentProvider for StripeProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "stripe",
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
            lists_movements: true,
            smallest: amounts::SMALLEST,
        }
    }

    fn freeze_session(&self, order: &SessionOrder) -> Frozen {
        form::session(order)
    }

    async fn create_session(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<Session> {
        match self
            .post_once(&SESSIONS, frozen, idempotency_key, facts::session)
            .await
        {
            (Answer::Unknown(_), true) => self.session_despite_error(frozen).await,
            (answer, _) => answer,
        }
    }

    async fn retrieve(&self, lookup: Lookup<'_>) -> Answer<Facts> {
        match lookup {
            Lookup::Session(id) => self.retrieve_session(id).await,
            Lookup::Reference { reference, made_at } => {
                let from = made_at - LOOKUP_MARGIN_MS;
                self.find(reference, from, made_at + IDEMPOTENCY_MS).await
            }
        }
    }

    async fn ensure_closed(&self, session_id: &str) -> Answer<Closing> {
        let path = ["checkout", "sessions", session_id, "expire"];
        let request = self.post(&path, &form::expand(WITH_PAYMENT));
        let refused = match self
            .ask(request, |session| {
                facts::facts(session).and_then(Facts::closing)
            })
            .await
        {
            Answer::Refused(refusal) => refusal,
            answer => return answer,
        };
        // Only an open session can be expired; which other state it is in decides (hazards A2, B8).
        match self.retrieve_session(session_id).await.into_result() {
            Ok(facts) => match facts.closing() {
                Some(closing) => Answer::Done(closing),
                None => Answer::Refused(refused),
            },
            Err(answer) => answer,
        }
    }

    fn freeze_refund(&self, order: &RefundOrder) -> Frozen {
        form::refund(order)
    }

    async fn refund(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<RefundFacts> {
        let (answer, stored_error) = self
            .post_once(&["refunds"], frozen, idempotency_key, facts::refund)
            .await;
        if !(stored_error && matches!(answer, Answer::Unknown(_))) {
            return answer;
        }
        // Money that goes out is never asked for twice on the word of an absence: only a refund that is there counts.
        let (Some(payment_id), reference) = (
            form::field(frozen, "payment_intent"),
            form::field(frozen, &format!("metadata[{REFUND}]")),
        ) else {
            return answer;
        };
        match self.refunds_of(&payment_id).await {
            Answer::Done(refunds) => refunds
                .into_iter()
                .find(|refund| refund.reference == reference)
                .map_or(answer, Answer::Done),
            Answer::Refused(_) | Answer::Unknown(_) => answer,
        }
    }

    async fn retrieve_refund(&self, provider_refund_id: &str) -> Answer<RefundFacts> {
        let path = ["refunds", provider_refund_id];
        let read = |refund: RefundAnswer| match refund.may_be_ours() {
            true => facts::refund(refund).map(Some),
            false => Some(None),
        };
        ours(self.get(&path, &WITH_OWNER, read).await)
    }

    async fn refunds_of(&self, payment_id: &str) -> Answer<Vec<RefundFacts>> {
        let query = [("payment_intent", payment_id)];
        let read = |refund| facts::refund(refund).map(Some);
        self.all(&["refunds"], &query, read).await
    }

    async fn retrieve_dispute(&self, dispute_id: &str) -> Answer<DisputeFacts> {
        let read = |dispute: DisputeAnswer| match dispute.may_be_ours() {
            true => facts::dispute(dispute).map(Some),
            false => Some(None),
        };
        ours(self.get(&["disputes", dispute_id], &WITH_OWNER, read).await)
    }

    async fn inspect(&self, webhook_url: &str, now: UtcMs) -> Answer<AccountFacts> {
        let request = self.request(Verb::GET, &["account"], &[]);
        let reply = match http::send(request).await.into_result() {
            Ok(reply) => reply,
            Err(answer) => return answer,
        };
        let told = errors::judge(&reply, |account: AccountAnswer| {
            Some(self.account_facts(&account))
        });
        let mut facts = match told {
            Answer::Refused(refusal) if refusal.code == "forbidden" => self.unreadable_account(),
            Answer::Done(facts) => facts,
            answer => return answer,
        };
        facts.clock_skew_ms = reply.date_ms.map(|theirs| theirs - now);
        facts.webhook = self.webhook_setup(webhook_url).await;
        Answer::Done(facts)
    }

    /// Takes the place of what was registered with this address before: its secret is told only once, so it would sign
    /// with one that nobody here has.
    async fn register_webhook(&self, webhook_url: &str) -> Answer<String> {
        let form = form::webhook(webhook_url, &events::KINDS, VERSION);
        let request = self.post(&["webhook_endpoints"], &form);
        let made = self
            .ask(request, |endpoint: EndpointAnswer| {
                Some((endpoint.id, endpoint.secret?))
            })
            .await;
        match made.into_result() {
            Ok((id, secret)) => {
                self.remove_webhooks(webhook_url, &id).await;
                Answer::Done(secret)
            }
            Err(answer) => answer,
        }
    }

    async fn list_events(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<ProviderEvent>> {
        let since = ceil_seconds(since);
        let mut query = vec![("created[gte]", since.as_str())];
        query.extend(events::KINDS.map(|kind| ("types[]", kind)));
        self.list(&["events"], &query, after, |event: EventAnswer| {
            Some(Some(events::event(event, &self.config.account)))
        })
        .await
    }

    /// Sessions are listed by their making, payments happen up to a session's life later.
    async fn list_payments(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Facts>> {
        let made_since = floor_seconds(since - SESSION_MAX_MS);
        let query = [
            ("created[gte]", made_since.as_str()),
            ("expand[]", LISTED_WITH_PAYMENT),
        ];
        let read = |session: SessionAnswer| {
            let charged_at = facts::charged_at(&session);
            if facts::reference(&session).is_none() {
                return Some(None);
            }
            let facts = facts::facts(session)?;
            let listed = match facts.status {
                SessionStatus::Paid => charged_at.is_none_or(|at| at >= since),
                SessionStatus::Processing => true,
                _ => false,
            };
            Some(listed.then_some(facts))
        };
        self.list(&SESSIONS, &query, after, read).await
    }

    async fn list_refunds(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<RefundFacts>> {
        let since = ceil_seconds(since);
        let query = [
            ("created[gte]", since.as_str()),
            ("expand[]", "data.payment_intent"),
        ];
        let read = |refund: RefundAnswer| match refund.may_be_ours() {
            true => facts::refund(refund).map(Some),
            false => Some(None),
        };
        self.list(&["refunds"], &query, after, read).await
    }

    async fn list_disputes(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<DisputeFacts>> {
        let since = ceil_seconds(since);
        let query = [
            ("created[gte]", since.as_str()),
            ("expand[]", "data.payment_intent"),
        ];
        let read = |dispute: DisputeAnswer| match dispute.may_be_ours() {
            true => facts::dispute(dispute).map(Some),
            false => Some(None),
        };
        self.list(&["disputes"], &query, after, read).await
    }

    /// A balance in something that is no currency of ISO 4217 (a stablecoin) is passed over: no books here are in it.
    async fn list_movements(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Movement>> {
        let since = ceil_seconds(since);
        let query = [
            ("created[gte]", since.as_str()),
            ("expand[]", "data.source"),
        ];
        let read = |movement: MovementAnswer| match facts::currency(&movement.currency) {
            Some(_) => facts::movement(movement).map(Some),
            None => Some(None),
        };
        self.list(&["balance_transactions"], &query, after, read)
            .await
    }

    fn verify_webhook(&self, request: WebhookRequest<'_>) -> Result<ProviderEvent, WebhookError> {
        let WebhookRequest {
            signature,
            body,
            received_at,
        } = request;
        signature::verify(signature, body, &self.config.webhook_secrets, received_at)?;
        match serde_json::from_slice(body) {
            Ok(event) => Ok(events::event(event, &self.config.account)),
            Err(_) => self.unread_event(body, received_at),
        }
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE_HEADER
    }
}

#[cfg(test)]
mod tests;
