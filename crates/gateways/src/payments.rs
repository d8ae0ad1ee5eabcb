//! The payment provider's door: one trait that a real PSP fits without change.

use async_trait::async_trait;
use remit_core::UtcMs;
use remit_core::methods::Method;
use remit_core::money::{Currency, Money};

use crate::Answer;

/// What a provider can do, as data: no method of the trait has a default that answers "ok, unchanged".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub name: &'static str,
    pub methods: Vec<Method>,
    /// Shortest and longest life of a session in milliseconds, counted from its creation (hazard B7).
    pub session_min_ms: i64,
    pub session_max_ms: i64,
    /// How long a key replays its first answer, in milliseconds. Past it, look up by reference instead (hazard A14).
    pub idempotency_ms: i64,
    /// Methods that need the payer's email address in the order.
    pub email_methods: Vec<Method>,
    /// A session ends when its order says; otherwise at a time of the provider's own, told in the answer.
    pub ends_when_ordered: bool,
    /// An open session can be closed; otherwise only time ends it, and until then closing is refused (hazard B8).
    pub closes_open: bool,
    /// After a declined card the payer can try again in the same session; otherwise the session has failed.
    pub retries_declined: bool,
    /// Webhooks are signed; otherwise they are a mere hint to look, which anybody who knows the address can give.
    pub signs_webhooks: bool,
    /// There is a list of events, and one of the account's movements.
    pub lists_events: bool,
    pub lists_movements: bool,
    pub smallest: Smallest,
}

/// A provider's smallest charge by currency (ISO 4217), in minor units; none known for a currency that is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Smallest(pub &'static [(&'static str, i64)]);

impl Smallest {
    pub fn in_currency(self, currency: Currency) -> i64 {
        let mut known = self.0.iter();
        known
            .find(|(code, _)| *code == currency.code())
            .map_or(1, |(_, minor)| *minor)
    }
}

impl Capabilities {
    /// Whether a payment by this method can be ordered, with or without the payer's email address.
    pub fn takes(&self, method: Method, with_email: bool) -> bool {
        self.methods.contains(&method) && (with_email || !self.email_methods.contains(&method))
    }
}

/// The small snapshot a provider gets to make a session from. Nothing clinical, nothing personal (hazard E2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOrder {
    /// Our attempt id: set as reference on the session *and* on the payment, so that either finds the other.
    pub reference: String,
    pub amount: Money,
    /// Exactly the method that the patient chose on our page.
    pub method: Method,
    /// The clinic's trading name, as the bank will show it.
    pub payee: String,
    /// Constant routes of ours plus the attempt id; no token, no patient (hazard D11).
    pub return_url: String,
    pub cancel_url: String,
    /// Our `/hooks/{endpoint_id}`, for providers that are told it with every payment.
    pub webhook_url: String,
    /// Frozen at creation.
    pub expires_at: UtcMs,
    /// BCP 47 language of the hosted page.
    pub locale: String,
    /// The payer's address, only where the clinic allows it to be passed on (hazard E2).
    pub email: Option<String>,
}

/// A request's bytes, fixed before the first call and repeated as they are (hazard A15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frozen(pub String);

/// A hosted payment page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub session_id: String,
    /// Where the patient is sent.
    pub url: String,
    pub expires_at: UtcMs,
}

/// What the provider says of one session and its payment. Cumulative: reading it twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub reference: String,
    pub session_id: String,
    pub url: Option<String>,
    pub status: SessionStatus,
    /// Set once money was taken or is being taken.
    pub payment_id: Option<String>,
    /// What was received, in the currency it was received in; zero-less until `Paid`.
    pub received: Option<Money>,
    /// For people: `Visa ending 4242`, `Klarna`.
    pub paid_with: Option<String>,
    /// The provider's last refusal in plain words (a declined card), while the session is still open.
    pub last_error: Option<String>,
    pub livemode: bool,
}

impl Facts {
    /// Whether the session is closed or it is too late for that; `None` while it is neither (hazard B8).
    pub(crate) fn closing(self) -> Option<Closing> {
        match self.status {
            SessionStatus::Expired | SessionStatus::Failed => Some(Closing::Closed),
            SessionStatus::Paid | SessionStatus::Processing => Some(Closing::TooLate(self)),
            SessionStatus::Open | SessionStatus::Other(_) => None,
        }
    }

    /// Which of several sessions with one reference counts. There is more than one only if somebody else made the
    /// second; the one with money goes first.
    pub(crate) fn weightiest(sessions: Vec<Facts>) -> Option<Facts> {
        sessions.into_iter().max_by_key(|facts| match facts.status {
            SessionStatus::Paid => 3,
            SessionStatus::Processing => 2,
            SessionStatus::Open => 1,
            SessionStatus::Failed | SessionStatus::Expired | SessionStatus::Other(_) => 0,
        })
    }
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// Can still be paid.
    Open,
    /// The patient is done, the provider is not: money may come or not.
    Processing,
    Paid,
    /// Ended without money: refused for good.
    Failed,
    /// Ended without money: nobody paid in time, or we asked for it to be closed.
    Expired,
    /// A word that this release does not know: no transition, a finding (hazard A12).
    Other(String),
}

/// The answer to *make sure that this session takes no more money* (hazard B8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Provably closed without money.
    Closed,
    /// It was paid, or is being paid: these are the facts.
    TooLate(Facts),
}

/// Which session is meant: by its id, or by our reference when its id never reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    Session(&'a str),
    Reference {
        reference: &'a str,
        /// When the attempt was made, for providers that can only be searched by time.
        made_at: UtcMs,
    },
}

/// A refund to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// Our refund id.
    pub reference: String,
    pub payment_id: String,
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundFacts {
    pub provider_refund_id: String,
    pub reference: Option<String>,
    pub payment_id: String,
    pub amount: Money,
    pub status: RefundStatus,
    pub failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
    Other(String),
}

/// One event as the provider tells it, by webhook or in its list. A hint: the facts are fetched anew (hazard A7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    pub event_id: String,
    pub kind: String,
    pub about: About,
    pub livemode: bool,
    /// The provider's account the event belongs to.
    pub account: String,
    pub created_at: UtcMs,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Session {
        session_id: String,
        reference: Option<String>,
    },
    /// A payment, where the event does not name its session.
    Payment {
        payment_id: String,
        reference: String,
    },
    Refund {
        provider_refund_id: String,
        payment_id: String,
        reference: Option<String>,
    },
    Dispute {
        dispute_id: String,
        payment_id: String,
    },
    /// Authentic, and of no interest: stored, acknowledged, ignored.
    Nothing,
}

/// A page of a provider's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it to the next call; `None` when this was the last page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A list that has nothing, or that the provider does not keep.
    pub fn empty() -> Page<T> {
        Page {
            items: Vec::new(),
            next: None,
        }
    }
}

/// A dispute as the provider has it now. Cumulative, like [`Facts`]: its events may come in any order (hazard A23).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeFacts {
    pub dispute_id: String,
    pub payment_id: String,
    /// What the payer disputes.
    pub amount: Money,
    pub status: DisputeStatus,
    /// What the provider has taken from the account for it and not given back, without its fee; zero for an inquiry.
    pub withdrawn: Money,
    /// The provider's word for why, in plain words.
    pub reason: String,
    /// Evidence must be in by then (UTC ms); `None` when nothing can be sent any more.
    pub due_by: Option<UtcMs>,
    pub opened_at: UtcMs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeStatus {
    /// The clinic is asked for evidence.
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
    /// An inquiry that ended without becoming a dispute, or one that was taken back.
    Withdrawn,
    Other(String),
}

/// One line of the provider's own books of the account: what `psp_clearing` is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    pub movement_id: String,
    pub kind: MovementKind,
    /// The payment, refund, dispute or payout that it came from.
    pub source: Option<String>,
    /// Positive: into the account. In the account's currency, as are `fee` and `net`.
    pub gross: Money,
    /// Positive: kept by the provider. `gross - fee = net`.
    pub fee: Money,
    pub net: Money,
    pub created_at: UtcMs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MovementKind {
    Payment,
    Refund,
    /// A refund that came back.
    RefundFailure,
    Dispute,
    DisputeReversal,
    /// A fee that belongs to no payment.
    Fee,
    /// Money sent to the clinic's bank (negative).
    Payout,
    /// A payout that came back.
    PayoutFailure,
    Other(String),
}

/// What an account is and can, as *Test the connection* tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// The provider's own id of the account.
    pub account: String,
    pub name: Option<String>,
    /// ISO 3166 two letters.
    pub country: Option<String>,
    pub currency: Option<Currency>,
    pub livemode: bool,
    /// The account may take payments at all.
    pub charges_enabled: bool,
    /// `None` where the key may not ask.
    pub methods: Option<Vec<Method>>,
    pub webhook: WebhookSetup,
    /// The provider's clock minus ours in milliseconds, where it told its time (hazard B6).
    pub clock_skew_ms: Option<i64>,
}

/// Whether the provider sends events to our address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookSetup {
    /// It does.
    Registered,
    /// It knows the address and has stopped sending to it.
    Disabled,
    /// It does not know the address.
    Missing,
    /// The key may not ask.
    Unknown,
    /// The address goes along with every payment: nothing to set up.
    PerPayment,
}

/// Why a webhook was not believed. No detail reaches the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("signature missing or wrong")]
    Signature,
    #[error("timestamp more than 300 s away")]
    Timestamp,
    #[error("not an event")]
    Malformed,
}

/// The two headers that webhook schemes read.
#[derive(Clone, Copy, Debug)]
pub struct WebhookRequest<'a> {
    pub signature: &'a str,
    /// Raw bytes: the signature covers these, not a reserialisation (hazard D2).
    pub body: &'a [u8],
    pub received_at: UtcMs,
}

/// The code of a refusal to tell of what belongs to no payment of ours: an account may be used for other things too.
pub const FOREIGN: &str = "foreign";

/// A payment service provider, bound to one account of one clinic.
///
/// Every call has a timeout of its own and follows no redirect. No call is made while a database transaction is open.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// The bytes to be frozen in the attempt's row before the first call.
    fn freeze_session(&self, order: &SessionOrder) -> Frozen;

    /// Makes a hosted page. The same key and bytes answer with the same session.
    async fn create_session(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<Session>;

    /// The truth about a session. `Refused { code: "not_found" }` proves that there is none.
    async fn retrieve(&self, lookup: Lookup<'_>) -> Answer<Facts>;

    /// Makes sure that the session takes no more money; safe to repeat.
    async fn ensure_closed(&self, session_id: &str) -> Answer<Closing>;

    fn freeze_refund(&self, order: &RefundOrder) -> Frozen;

    async fn refund(&self, frozen: &Frozen, idempotency_key: &str) -> Answer<RefundFacts>;

    /// `Refused { code: FOREIGN }` where the provider can tell that it is of no payment of ours; so too for a dispute.
    async fn retrieve_refund(&self, provider_refund_id: &str) -> Answer<RefundFacts>;

    /// All refunds of a payment: ours with a lost answer past the life of their key, and those made elsewhere.
    async fn refunds_of(&self, payment_id: &str) -> Answer<Vec<RefundFacts>>;

    async fn retrieve_dispute(&self, dispute_id: &str) -> Answer<DisputeFacts>;

    /// What the account is and can; `webhook_url` is looked for among the addresses that the provider sends to.
    /// `now` is our clock (UTC ms), to compare the provider's with.
    async fn inspect(&self, webhook_url: &str, now: UtcMs) -> Answer<AccountFacts>;

    /// Has the provider send its events to our address; answers the secret that it will sign them with.
    async fn register_webhook(&self, webhook_url: &str) -> Answer<String>;

    // Each list starts at a moment (first page) or at a page's `next`, oldest first where the provider can. A list
    // holds what concerns payments of ours; an account may be used for other things too.

    async fn list_events(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<ProviderEvent>>;

    async fn list_payments(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Facts>>;

    async fn list_refunds(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<RefundFacts>>;

    async fn list_disputes(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<DisputeFacts>>;

    /// The whole account's movements, ours or not: only together do they add up to its balance.
    async fn list_movements(&self, since: UtcMs, after: Option<&str>) -> Answer<Page<Movement>>;

    /// Checks signature and age against any of the account's secrets (two while rotating), then parses. No I/O.
    ///
    /// # Errors
    /// See [`WebhookError`]. Without a secret every webhook is refused (hazard D1).
    fn verify_webhook(&self, request: WebhookRequest<'_>) -> Result<ProviderEvent, WebhookError>;

    /// Name of the header that carries the signature, in lower case.
    fn signature_header(&self) -> &'static str;
}
