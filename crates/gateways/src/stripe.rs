//! Stripe, through Checkout Sessions: one session of mode `payment` for each attempt, with the one method that the
//! patient chose. A thin client of our own: about fifteen calls, frozen bytes, our keys, an address per clinic.
//!
//! Every assumption about Stripe stands in this folder, read from its published API of [`VERSION`].

mod amounts;
mod errors;
mod events;
mod facts;
mod form;
mod wire;

use std::net::IpAddr;

use async_trait::async_trait;
use remit_core::methods::Method;
use remit_core::{DAY_MS, MINUTE_MS, SECOND_MS, UtcMs};
use reqwest::{Client, Method as Verb, RequestBuilder, Url};
use serde::de::DeserializeOwned;

use crate::http::Reply;
use crate::payments::{
    AccountFacts, Capabilities, Closing, DisputeFacts, Facts, Frozen, Lookup, Movement, Page,
    PaymentProvider, ProviderEvent, RefundFacts, RefundOrder, Session, SessionOrder, SessionStatus,
    WebhookError, WebhookRequest, WebhookSetup,
};
use crate::{Answer, http, signature};

use wire::{
    AccountAnswer, DisputeAnswer, EndpointAnswer, EventAnswer, ListAnswer, Listed, MovementAnswer,
    REFUND, RefundAnswer, SessionAnswer,
};

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
/// The most that a page of a list may hold, and the most pages that one look-up reads.
const PAGE: &str = "100";
const PAGES_MAX: usize = 100;

/// The payment and the charge behind a session, in one answer.
const WITH_PAYMENT: &str = "payment_intent.latest_charge";
const LISTED_WITH_PAYMENT: &str = "data.payment_intent.latest_charge";

/// How one account is reached. No `Debug`: it holds secrets.
#[derive(Clone)]
pub struct StripeConfig {
    /// Up to but without `/v1`: [`DEFAULT_API_BASE`], or another https address; http on the loopback only.
    pub api_base: String,
    /// `sk_live_`, `sk_test_`, or restricted: `rk_live_`, `rk_test_`.
    pub secret_key: String,
    /// Two while one replaces the other; none: every webhook is refused (hazard D1).
    pub webhook_secrets: Vec<String>,
    /// `acct_...`, or empty as long as it is not known.
    pub account: String,
    /// From [`http::client`].
    pub client: Client,
}

/// Why no account can be reached with this configuration. The sentences are for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("The address must begin with https://, or with http:// for this machine itself.")]
    Address,
    #[error("This is not a secret or restricted Stripe key: those begin with sk_ or rk_.")]
    Key,
}

/// Whether a key is for live money; `None` when it is no secret or restricted key.
pub fn livemode(key: &str) -> Option<bool> {
    let rest = key.strip_prefix("sk_").or(key.strip_prefix("rk_"))?;
    let (mode, secret) = rest.split_once('_')?;
    let whole = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
    match mode {
        "live" if whole => Some(true),
        "test" if whole => Some(false),
        _ => None,
    }
}

/// One Stripe account.
pub struct StripeProvider {
    config: StripeConfig,
    base: Url,
    livemode: bool,
}

impl StripeProvider {
    /// # Errors
    /// [`ConfigError`]
    pub fn new(config: StripeConfig) -> Result<StripeProvider, ConfigError> {
        let base = Url::parse(&config.api_base).map_err(|_| ConfigError::Address)?;
        let plain = base.query().is_none() && base.fragment().is_none() && base.username() == "";
        if !plain || !(base.scheme() == "https" || is_loopback_http(&base)) {
            return Err(ConfigError::Address);
        }
        let livemode = livemode(&config.secret_key).ok_or(ConfigError::Key)?;
        Ok(StripeProvider {
            config,
            base,
            livemode,
        })
    }

    /// A request to a path below `/v1`; every part is escaped, so an id from outside cannot leave its place.
    fn request(&self, verb: Verb, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.config
            .client
            .request(verb, url)
            .bearer_auth(&self.config.secret_key)
            .header("stripe-version", VERSION)
    }

    fn post(&self, path: &[&str], frozen: &Frozen) -> RequestBuilder {
        self.request(Verb::POST, path, &[])
            .header("content-type", "application/x-www-form-urlencoded")
            .body(frozen.0.clone())
    }

    async fn ask<W: DeserializeOwned, T>(
        &self,
        request: RequestBuilder,
        read: impl FnOnce(W) -> Option<T>,
    ) -> Answer<T> {
        match http::send(request).await.into_result() {
            Ok(reply) => errors::judge(&reply, read),
            Err(answer) => answer,
        }
    }

    async fn get<W: DeserializeOwned, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        read: impl FnOnce(W) -> Option<T>,
    ) -> Answer<T> {
        self.ask(self.request(Verb::GET, path, query), read).await
    }

    /// Sends frozen bytes under a key. A 5xx is stored for its key and comes again for a day, so once the same one was
    /// repeated only a look at what there is can tell (hazard A15): that is the second value.
    async fn post_once<W: DeserializeOwned, T>(
        &self,
        path: &[&str],
        frozen: &Frozen,
        idempotency_key: &str,
        read: impl FnOnce(W) -> Option<T>,
    ) -> (Answer<T>, bool) {
        let request = self
            .post(path, frozen)
            .header("idempotency-key", idempotency_key);
        match http::send(request).await.into_result() {
            Ok(reply) => {
                let stored_error = is_stored_error(&reply);
                (errors::judge(&reply, read), stored_error)
            }
            Err(answer) => (answer, false),
        }
    }

    /// One page of a list, newest first as Stripe has it, turned over so that the oldest of the page comes first.
    /// `read` answers `None` to what makes no sense and `Some(None)` to what is none of ours.
    async fn list<W: DeserializeOwned + Listed, T>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        after: Option<&str>,
        mut read: impl FnMut(W) -> Option<Option<T>>,
    ) -> Answer<Page<T>> {
        let mut query = query.to_vec();
        query.push(("limit", PAGE));
        query.extend(after.map(|after| ("starting_after", after)));
        self.get(path, &query, |list: ListAnswer<W>| {
            let last = list.data.last().map(|last| last.id().to_owned());
            let mut items = Vec::with_capacity(list.data.len());
            for answer in list.data.into_iter().rev() {
                items.extend(read(answer)?);
            }
            Some(Page {
                items,
                next: last.filter(|_| list.has_more),
            })
        })
        .await
    }

    /// The session with our reference among those made in a span of time.
    async fn find(&self, reference: &str, from: UtcMs, to: UtcMs) -> Answer<Facts> {
        let (from, to) = (floor_seconds(from), floor_seconds(to));
        let query = [
            ("created[gte]", from.as_str()),
            ("created[lte]", to.as_str()),
            ("expand[]", LISTED_WITH_PAYMENT),
        ];
        let (mut found, mut after) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let page = self
                .list(
                    &["checkout", "sessions"],
                    &query,
                    after.as_deref(),
                    |session: SessionAnswer| {
                        let ours = facts::reference(&session) == Some(reference);
                        ours.then(|| facts::facts(session))
                            .map_or(Some(None), |facts| facts.map(Some))
                    },
                )
                .await;
            match page.into_result() {
                Ok(page) => {
                    found.extend(page.items);
                    after = page.next;
                }
                Err(answer) => return answer,
            }
            if after.is_none() {
                return match facts::weightiest(found) {
                    Some(facts) => Answer::Done(facts),
                    None => {
                        Answer::refused("not_found", "Stripe has no session with this reference.")
                    }
                };
            }
        }
        Answer::unknown("too many sessions to look through")
    }

    /// After a stored error: the session if there is one after all. If there is none then nobody ever got its address,
    /// so no money can come by it and another attempt is safe.
    async fn session_despite_error(&self, frozen: &Frozen) -> Answer<Session> {
        let mut form = self.base.clone();
        form.set_query(Some(&frozen.0));
        let field = |name: &str| {
            form.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let (Some(reference), Some(expires_at)) = (
            field("client_reference_id"),
            field("expires_at").and_then(|seconds| seconds.parse::<i64>().ok()),
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

fn is_loopback_http(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    url.scheme() == "http"
        && (host == "localhost"
            || address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback()))
}

fn is_stored_error(reply: &Reply) -> bool {
    reply.replayed && reply.status >= 500
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
        }
    }

    fn freeze_session(&self, order: &SessionOrder) -> Frozen {
        form::session(order)
    }

    async fn create_session(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<Session> {
        let path = ["checkout", "sessions"];
        match self
            .post_once(&path, frozen, idempotency_key, facts::session)
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
        let request = self.post(&path, &Frozen(format!("expand[]={WITH_PAYMENT}")));
        let refused = match self
            .ask(request, |session| {
                facts::facts(session).and_then(facts::closing)
            })
            .await
        {
            Answer::Refused(refusal) => refusal,
            answer => return answer,
        };
        // Only an open session can be expired; which other state it is in decides (hazards A2, B8).
        match self.retrieve_session(session_id).await.into_result() {
            Ok(facts) => match facts::closing(facts) {
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
        let mut form = self.base.clone();
        form.set_query(Some(&frozen.0));
        let field = |name: &str| {
            form.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let (Some(payment_id), reference) = (
            field("payment_intent"),
            field(&format!("metadata[{REFUND}]")),
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
        self.get(&["refunds", provider_refund_id], &[], facts::refund)
            .await
    }

    async fn refunds_of(&self, payment_id: &str) -> Answer<Vec<RefundFacts>> {
        let query = [("payment_intent", payment_id)];
        let (mut refunds, mut after) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let page = self
                .list(&["refunds"], &query, after.as_deref(), |refund| {
                    facts::refund(refund).map(Some)
                })
                .await;
            match page.into_result() {
                Ok(page) => {
                    refunds.extend(page.items);
                    after = page.next;
                }
                Err(answer) => return answer,
            }
            if after.is_none() {
                return Answer::Done(refunds);
            }
        }
        Answer::unknown("too many refunds of one payment")
    }

    async fn retrieve_dispute(&self, dispute_id: &str) -> Answer<DisputeFacts> {
        self.get(&["disputes", dispute_id], &[], facts::dispute)
            .await
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

    async fn register_webhook(&self, webhook_url: &str) -> Answer<String> {
        let form = form::webhook(webhook_url, &events::KINDS, VERSION);
        let request = self.post(&["webhook_endpoints"], &form);
        self.ask(request, |endpoint: EndpointAnswer| endpoint.secret)
            .await
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
        self.list(&["checkout", "sessions"], &query, after, read)
            .await
    }

    async fn list_refunds(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<RefundFacts>> {
        let since = ceil_seconds(since);
        let query = [
            ("created[gte]", since.as_str()),
            ("expand[]", "data.payment_intent"),
        ];
        let read = |refund: RefundAnswer| {
            let of_ours = refund.metadata.contains_key(REFUND)
                || refund
                    .payment_intent
                    .as_ref()
                    .is_some_and(|of| of.is_ours());
            of_ours
                .then(|| facts::refund(refund))
                .map_or(Some(None), |facts| facts.map(Some))
        };
        self.list(&["refunds"], &query, after, read).await
    }

    async fn list_disputes(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<DisputeFacts>> {
        let since = ceil_seconds(since);
        let query = [
            ("created[gte]", since.as_str()),
            ("expand[]", "data.payment_intent"),
        ];
        let read = |dispute: DisputeAnswer| {
            let of_ours = dispute
                .payment_intent
                .as_ref()
                .is_some_and(|of| of.is_ours());
            of_ours
                .then(|| facts::dispute(dispute))
                .map_or(Some(None), |facts| facts.map(Some))
        };
        self.list(&["disputes"], &query, after, read).await
    }

    async fn list_movements(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Movement>> {
        let since = ceil_seconds(since);
        let query = [
            ("created[gte]", since.as_str()),
            ("expand[]", "data.source"),
        ];
        self.list(
            &["balance_transactions"],
            &query,
            after,
            |movement: MovementAnswer| facts::movement(movement).map(Some),
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
            .map(|event| events::event(event, &self.config.account))
            .map_err(|_| WebhookError::Malformed)
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE_HEADER
    }
}

#[cfg(test)]
mod tests;
