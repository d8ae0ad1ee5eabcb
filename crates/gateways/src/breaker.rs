//! One breaker per provider account: in an outage a provider is asked by single probes, not by everybody who waits
//! (hazard A27). Per process; nodes do not tell each other.
//!
//! [`Guarded`] stands around any provider. After [`FAILURES_MAX`] answers in a row that prove nothing, calls answer
//! *unknown* at once for a while, which grows; then one call is let through. Any answer that proves something, be it
//! done or refused, closes the breaker; so does an error that
//! the provider only repeats for its key, for the provider is there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use remit_core::{HOUR_MS, MINUTE_MS, SECOND_MS, UtcMs};

use crate::payments::{
    AccountFacts, Capabilities, Closing, DisputeFacts, Facts, Frozen, Lookup, Movement, Page,
    PaymentProvider, ProviderEvent, RefundFacts, RefundOrder, Session, SessionOrder, WebhookError,
    WebhookRequest,
};
use crate::{Answer, Contact, Unknown};

/// Answers in a row that prove nothing, before the provider is left alone.
pub const FAILURES_MAX: u32 = 5;
/// The first rest is at most this long; each one after may be twice as long, up to [`REST_MAX_MS`].
const REST_MS: i64 = 4 * SECOND_MS;
const REST_MAX_MS: i64 = 5 * MINUTE_MS;
/// The longest rest that the provider itself may ask for.
const RETRY_AFTER_MAX_MS: i64 = HOUR_MS;
/// A probe that has not come back after this long was cut off with its caller; another may go. Above every call's own
/// timeout.
const PROBE_MAX_MS: i64 = MINUTE_MS;

/// Where a breaker stands. Pure: the caller brings the time (any clock that only rises) and the random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Calls go through; so many in a row proved nothing.
    Closed { failures: u32 },
    /// Calls are answered here until then. `rests`: how many came before without an answer in between.
    Open { until_ms: i64, rests: u32 },
    /// One call is out to see.
    Probing { since_ms: i64, rests: u32 },
}

impl State {
    /// Lets a call through, or says how long it should wait (ms).
    fn admit(self, now_ms: i64) -> (State, Result<(), i64>) {
        match self {
            State::Closed { .. } => (self, Ok(())),
            State::Open { until_ms, .. } if now_ms < until_ms => (self, Err(until_ms - now_ms)),
            State::Open { rests, .. } => {
                let since_ms = now_ms;
                (State::Probing { since_ms, rests }, Ok(()))
            }
            State::Probing { since_ms, rests } if now_ms >= since_ms + PROBE_MAX_MS => {
                let since_ms = now_ms;
                (State::Probing { since_ms, rests }, Ok(()))
            }
            State::Probing { .. } => (self, Err(SECOND_MS)),
        }
    }

    /// How long a call would have to wait now (ms); none: it may go.
    fn rest(self, now_ms: i64) -> Option<i64> {
        self.admit(now_ms).1.err()
    }

    /// After an answer that proves nothing.
    fn failed(self, now_ms: i64, random: u64, retry_after_ms: Option<i64>) -> State {
        let rests = match self {
            State::Closed { failures } if failures + 1 < FAILURES_MAX => {
                return State::Closed {
                    failures: failures + 1,
                };
            }
            State::Closed { .. } => 0,
            State::Probing { rests, .. } => rests.saturating_add(1),
            // A call that left before the breaker opened: told already.
            State::Open { .. } => return self,
        };
        let until_ms = now_ms + rest_ms(rests, random, retry_after_ms);
        State::Open { until_ms, rests }
    }
}

/// Between half and the whole of a span that doubles (equal jitter: never so short that a dead provider is hammered),
/// and never less than the provider asked for.
fn rest_ms(rests: u32, random: u64, retry_after_ms: Option<i64>) -> i64 {
    let span = (REST_MS << rests.min(16)).min(REST_MAX_MS);
    let half = span / 2;
    // The modulus is positive and far below 2^63, so both conversions are exact.
    let jittered = half + (random % (half.unsigned_abs() + 1)).cast_signed();
    jittered.max(retry_after_ms.unwrap_or(0).clamp(0, RETRY_AFTER_MAX_MS))
}

/// The last answer that proved nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// Without address, key or personal data.
    pub why: String,
    /// How long ago, in milliseconds.
    pub ago_ms: i64,
}

/// The breaker of one account.
pub struct Breaker {
    provider: &'static str,
    /// Names the account in the metrics.
    label: String,
    state: Mutex<State>,
    last_failure: Mutex<Option<(String, i64)>>,
    clock: Box<dyn Fn() -> i64 + Send + Sync>,
}

impl Breaker {
    fn new(
        provider: &'static str,
        label: String,
        clock: Box<dyn Fn() -> i64 + Send + Sync>,
    ) -> Breaker {
        Breaker {
            provider,
            label,
            state: Mutex::new(State::Closed { failures: 0 }),
            last_failure: Mutex::new(None),
            clock,
        }
    }

    /// How long a call would have to wait now, in milliseconds; `None`: it may go.
    pub fn rest_ms(&self) -> Option<i64> {
        let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rest((self.clock)())
    }

    /// The last answer that proved nothing, since the last one that did.
    pub fn last_failure(&self) -> Option<LastFailure> {
        let last = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|(why, at_ms)| LastFailure {
            why: why.clone(),
            ago_ms: (self.clock)() - at_ms,
        })
    }

    fn admit(&self) -> Result<(), i64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, admitted) = state.admit((self.clock)());
        *state = next;
        admitted
    }

    fn note<T>(&self, answer: &Answer<T>) {
        let outcome = match answer {
            Answer::Done(_) => "done",
            Answer::Refused(_) => "refused",
            Answer::Unknown(_) => "unknown",
        };
        self.count(outcome);
        let now_ms = (self.clock)();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        *state = match answer {
            Answer::Unknown(unknown) if unknown.contact != Contact::There => {
                before.failed(now_ms, random(), unknown.retry_after_ms)
            }
            _ => State::Closed { failures: 0 },
        };
        let (was, is) = (is_open(before), is_open(*state));
        drop(state);
        self.keep(answer, now_ms);
        if was != is {
            self.tell(is);
        }
    }

    fn keep<T>(&self, answer: &Answer<T>, now_ms: i64) {
        let mut last = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = match answer {
            Answer::Unknown(unknown) => Some((unknown.why.clone(), now_ms)),
            Answer::Done(_) | Answer::Refused(_) => None,
        };
    }

    fn tell(&self, is_open: bool) {
        let (provider, label) = (self.provider, &self.label);
        metrics::gauge!("remit_provider_breaker_open", "provider" => provider, "endpoint" => label.clone())
            .set(if is_open { 1.0 } else { 0.0 });
        if is_open {
            metrics::counter!("remit_provider_breaker_opened_total", "provider" => provider)
                .increment(1);
            tracing::warn!(endpoint.id = %label, "{provider} gives no answer for {label}: asking it by single probes");
        } else {
            tracing::info!(endpoint.id = %label, "{provider} answers again for {label}");
        }
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!("remit_provider_calls_total", "provider" => self.provider, "outcome" => outcome)
            .increment(1);
    }
}

/// A probe is no proof yet: from the outside the breaker is open until an answer closes it.
fn is_open(state: State) -> bool {
    !matches!(state, State::Closed { .. })
}

/// 64 random bits, for jitter. Zero when the system has none: a rest then loses its jitter, nothing else.
fn random() -> u64 {
    let mut bytes = [0_u8; 8];
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// A provider behind its breaker.
pub struct Guarded {
    inner: Arc<dyn PaymentProvider>,
    breaker: Arc<Breaker>,
}

impl Guarded {
    /// `label` names the account in metrics and log.
    pub fn new(inner: Arc<dyn PaymentProvider>, label: String) -> Guarded {
        let start = Instant::now();
        let clock = move || i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
        Guarded::with_clock(inner, label, Box::new(clock))
    }

    /// `clock`: milliseconds that only rise.
    pub fn with_clock(
        inner: Arc<dyn PaymentProvider>,
        label: String,
        clock: Box<dyn Fn() -> i64 + Send + Sync>,
    ) -> Guarded {
        let provider = inner.capabilities().name;
        Guarded {
            inner,
            breaker: Arc::new(Breaker::new(provider, label, clock)),
        }
    }

    pub fn breaker(&self) -> Arc<Breaker> {
        self.breaker.clone()
    }

    /// Makes a call, or answers it here while the breaker is open.
    async fn ask<T>(&self, call: impl Future<Output = Answer<T>>) -> Answer<T> {
        if let Err(rest_ms) = self.breaker.admit() {
            return self.rested(rest_ms);
        }
        let answer = call.await;
        self.breaker.note(&answer);
        answer
    }

    /// Lists are background work over many objects: one that cannot be read must not keep patients from paying, so a
    /// list neither opens the breaker nor probes.
    async fn list<T>(&self, call: impl Future<Output = Answer<T>>) -> Answer<T> {
        if let Some(rest_ms) = self.breaker.rest_ms() {
            return self.rested(rest_ms);
        }
        let answer = call.await;
        if !matches!(answer, Answer::Unknown(_)) {
            self.breaker.note(&answer);
        }
        answer
    }

    fn rested<T>(&self, rest_ms: i64) -> Answer<T> {
        self.breaker.count("rested");
        Answer::Unknown(Unknown {
            why: "not asked: it gave no answer to the calls before".into(),
            retry_after_ms: Some(rest_ms),
            contact: Contact::NotAsked,
        })
    }
}

#[async_trait]
impl PaymentProvider for Guarded {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn freeze_session(&self, order: &SessionOrder) -> Frozen {
        self.inner.freeze_session(order)
    }

    async fn create_session(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<Session> {
        self.ask(self.inner.create_session(frozen, idempotency_key))
            .await
    }

    async fn retrieve(&self, lookup: Lookup<'_>) -> Answer<Facts> {
        self.ask(self.inner.retrieve(lookup)).await
    }

    async fn ensure_closed(&self, session_id: &str) -> Answer<Closing> {
        self.ask(self.inner.ensure_closed(session_id)).await
    }

    fn freeze_refund(&self, order: &RefundOrder) -> Frozen {
        self.inner.freeze_refund(order)
    }

    async fn refund(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<RefundFacts> {
        self.ask(self.inner.refund(frozen, idempotency_key)).await
    }

    async fn retrieve_refund(&self, provider_refund_id: &str) -> Answer<RefundFacts> {
        self.ask(self.inner.retrieve_refund(provider_refund_id))
            .await
    }

    async fn refunds_of(&self, payment_id: &str) -> Answer<Vec<RefundFacts>> {
        self.ask(self.inner.refunds_of(payment_id)).await
    }

    async fn retrieve_dispute(&self, dispute_id: &str) -> Answer<DisputeFacts> {
        self.ask(self.inner.retrieve_dispute(dispute_id)).await
    }

    /// Somebody pressed *Test the connection*: that is a probe, whatever the breaker says.
    async fn inspect(&self, webhook_url: &str, now: UtcMs) -> Answer<AccountFacts> {
        let answer = self.inner.inspect(webhook_url, now).await;
        self.breaker.note(&answer);
        answer
    }

    async fn register_webhook(&self, webhook_url: &str) -> Answer<String> {
        self.ask(self.inner.register_webhook(webhook_url)).await
    }

    async fn list_events(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<ProviderEvent>> {
        self.list(self.inner.list_events(since, after)).await
    }

    async fn list_payments(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Facts>> {
        self.list(self.inner.list_payments(since, after)).await
    }

    async fn list_refunds(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<RefundFacts>> {
        self.list(self.inner.list_refunds(since, after)).await
    }

    async fn list_disputes(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<DisputeFacts>> {
        self.list(self.inner.list_disputes(since, after)).await
    }

    async fn list_movements(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Movement>> {
        self.list(self.inner.list_movements(since, after)).await
    }

    fn verify_webhook(&self, request: WebhookRequest<'_>) -> Result<ProviderEvent, WebhookError> {
        self.inner.verify_webhook(request)
    }

    fn signature_header(&self) -> &'static str {
        self.inner.signature_header()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roots::Roots;

    fn opened(now_ms: i64) -> State {
        (0..FAILURES_MAX).fold(State::Closed { failures: 0 }, |state, _| {
            state.failed(now_ms, 0, None)
        })
    }

    #[test]
    fn it_opens_at_the_fifth_answer_that_proves_nothing_and_not_before() {
        let mut state = State::Closed { failures: 0 };
        for _ in 1..FAILURES_MAX {
            state = state.failed(0, 0, None);
            assert_eq!(state.rest(0), None);
        }
        assert_eq!(state.failed(0, 0, None).rest(0), Some(REST_MS / 2));
    }

    #[test]
    fn one_probe_goes_and_the_others_wait_for_it() {
        let state = opened(0);
        let (state, first) = state.admit(REST_MS);
        assert_eq!(first, Ok(()));
        let (state, second) = state.admit(REST_MS);
        assert_eq!(second, Err(SECOND_MS));
        let (_, cut_off) = state.admit(REST_MS + PROBE_MAX_MS);
        assert_eq!(cut_off, Ok(()), "a probe that never came back is replaced");
    }

    #[test]
    fn a_call_that_left_before_it_opened_changes_nothing() {
        let state = opened(0);
        assert_eq!(state.failed(1_000, u64::MAX, Some(HOUR_MS)), state);
    }

    #[test]
    fn what_the_provider_asks_for_is_kept() {
        let closed = State::Closed {
            failures: FAILURES_MAX - 1,
        };
        for (asked, least) in [
            (90 * SECOND_MS, 90 * SECOND_MS),
            (25 * HOUR_MS, HOUR_MS),
            (-5, REST_MS / 2),
        ] {
            assert_eq!(closed.failed(0, 0, Some(asked)).rest(0), Some(least));
        }
    }

    /// A provider that nobody listens for, behind its breaker and a clock of the test's.
    fn unreachable() -> (Guarded, Arc<std::sync::atomic::AtomicI64>) {
        let config = crate::sandbox::SandboxConfig {
            api_base: "http://127.0.0.1:9".into(),
            secret_key: "sbx_sk_1".into(),
            webhook_secrets: vec![],
            account: "sbx_acct_1".into(),
            client: crate::http::client(&Roots::default()).unwrap(),
        };
        let inner = crate::sandbox::SandboxProvider::new(config).unwrap();
        let clock = Arc::new(std::sync::atomic::AtomicI64::new(0));
        let hand = clock.clone();
        let read = Box::new(move || hand.load(std::sync::atomic::Ordering::Relaxed));
        (
            Guarded::with_clock(Arc::new(inner), "end_1".into(), read),
            clock,
        )
    }

    async fn why(guarded: &Guarded) -> (String, bool) {
        match guarded.retrieve(Lookup::Session("s")).await {
            Answer::Unknown(unknown) => (unknown.why, unknown.retry_after_ms.is_some()),
            answer => panic!("{answer:?}"),
        }
    }

    #[tokio::test]
    async fn a_dead_provider_is_asked_five_times_and_then_by_probes() {
        let (guarded, clock) = unreachable();
        let asked = ("no connection".to_owned(), false);
        for _ in 0..FAILURES_MAX {
            assert_eq!(guarded.breaker().rest_ms(), None);
            assert_eq!(why(&guarded).await, asked);
        }
        let (told, has_rest) = why(&guarded).await;
        assert!(told.starts_with("not asked") && has_rest, "{told}");
        assert!(guarded.breaker().rest_ms().is_some());
        assert_eq!(
            guarded.breaker().last_failure().map(|last| last.why),
            Some("no connection".into())
        );
        clock.store(REST_MS, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(why(&guarded).await, asked, "one probe");
        assert!(why(&guarded).await.0.starts_with("not asked"));
    }

    /// Hazard A15: an error that is kept for a key comes again for a day, while every other call is answered.
    #[test]
    fn an_error_that_is_only_repeated_for_its_key_is_no_outage() {
        let guarded = unreachable().0;
        let told = |contact| {
            guarded.breaker.note(&Answer::<()>::Unknown(Unknown {
                contact,
                ..Unknown::because("status 500")
            }));
        };
        for _ in 0..10 * FAILURES_MAX {
            told(Contact::There);
        }
        assert_eq!(guarded.breaker().rest_ms(), None);
        for _ in 1..FAILURES_MAX {
            told(Contact::Silent);
        }
        told(Contact::There);
        told(Contact::Silent);
        assert_eq!(guarded.breaker().rest_ms(), None, "it was there in between");
    }

    #[tokio::test]
    async fn a_list_that_cannot_be_read_keeps_no_patient_from_paying() {
        let (guarded, _) = unreachable();
        for _ in 0..2 * FAILURES_MAX {
            let _ = guarded.list_movements(0, None).await;
        }
        assert_eq!(guarded.breaker().rest_ms(), None);
    }

    proptest::proptest! {
        #[test]
        fn rests_grow_and_stay_capped(random: u64, rests in 0_u32..1_000) {
            let rest = rest_ms(rests, random, None);
            let span = (REST_MS << rests.min(16)).min(REST_MAX_MS);
            proptest::prop_assert!((span / 2..=span).contains(&rest));
        }

        /// An hour's outage with a caller every second: about one call a second at most, few in all.
        #[test]
        fn an_outage_is_met_by_probes(seed: u64) {
            let (mut state, mut calls, mut random) = (State::Closed { failures: 0 }, 0, seed);
            for now_ms in (0..HOUR_MS).step_by(1_000) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let (next, admitted) = state.admit(now_ms);
                state = next;
                if admitted.is_ok() {
                    calls += 1;
                    state = state.failed(now_ms, random, None);
                }
            }
            proptest::prop_assert!((FAILURES_MAX + 10..60).contains(&calls), "{calls} calls");
        }
    }
}
