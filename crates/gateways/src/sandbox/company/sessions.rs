//! A session's life: the one record that a payment, its refunds and its announcements hang on. Pure: every change is
//! made here, on a copy, and stored by compare-and-swap in `desk`.

use remit_core::SECOND_MS;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::cards::{Card, Verdict};
use super::disputes::{Dispute, Turn};
use crate::sandbox::wire::{PaymentAnswer, RefundAnswer, SessionAnswer, SessionRequest};

/// After *Approve later* the lender approves by itself: long enough to look at *Payment in progress*.
pub const APPROVES_AFTER_MS: i64 = 20 * SECOND_MS;
/// A pending refund succeeds by itself.
pub const REFUNDS_AFTER_MS: i64 = 5 * SECOND_MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Open,
    Processing,
    Complete,
    Failed,
    Expired,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Processing => "processing",
            Status::Complete => "complete",
            Status::Failed => "failed",
            Status::Expired => "expired",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    Pending,
    Succeeded,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: String,
    /// Empty: made on the company's own page.
    pub reference: String,
    pub amount: i64,
    pub state: RefundState,
    /// When a pending one succeeds.
    pub settles_at: i64,
}

impl Refund {
    /// The shop's own name for it, if it made it.
    pub fn named(&self) -> Option<String> {
        (!self.reference.is_empty()).then(|| self.reference.clone())
    }
}

/// Something that must still be told: an event and a webhook follow from it, both with ids that follow from it, so
/// that telling it twice writes nothing twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub kind: String,
    pub at: i64,
    pub refund: Option<String>,
}

/// The stored record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    pub account: String,
    pub request: SessionRequest,
    pub created_at: i64,
    pub status: Status,
    /// The card that waits for its 3-D Secure step.
    pub challenge: Option<String>,
    pub paid_with: Option<String>,
    pub last_error: Option<String>,
    /// When a processing payment is approved by itself.
    pub settles_at: Option<i64>,
    pub paid_at: Option<i64>,
    pub refunds: Vec<Refund>,
    #[serde(default)]
    pub dispute: Option<Dispute>,
    pub unannounced: Vec<Notice>,
}

/// What the payer does on the hosted page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Pay(Card),
    PassChallenge,
    FailChallenge,
    Approve,
    ApproveLater,
    Refuse,
}

/// Why there is no refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRefund {
    NotPaid,
    OtherCurrency,
    MoreThanLeft,
    /// The payer's bank has not decided yet.
    Disputed,
}

impl Session {
    pub fn open(id: String, account: String, request: SessionRequest, now: i64) -> Session {
        Session {
            id,
            account,
            request,
            created_at: now,
            status: Status::Open,
            challenge: None,
            paid_with: None,
            last_error: None,
            settles_at: None,
            paid_at: None,
            refunds: Vec::new(),
            dispute: None,
            unannounced: Vec::new(),
        }
    }

    /// What time alone changes. Runs before every other change, so nothing depends on the background work being
    /// punctual (hazard B4).
    pub fn tick(&mut self, now: i64) {
        if self.status == Status::Open && now >= self.request.expires_at {
            self.end(Status::Expired, "session.expired", now);
        }
        if self.status == Status::Processing && self.settles_at.is_some_and(|at| now >= at) {
            self.complete(now);
        }
        let mut settled = Vec::new();
        for refund in &mut self.refunds {
            if refund.state == RefundState::Pending && now >= refund.settles_at {
                refund.state = RefundState::Succeeded;
                settled.push(refund.id.clone());
            }
        }
        for refund in settled {
            self.announce("refund.succeeded", now, Some(refund));
        }
    }

    /// When the background work must look at this session: at once while something is unannounced.
    pub fn due_at(&self) -> Option<i64> {
        let announcing = self.unannounced.iter().map(|notice| notice.at);
        let pending = self
            .refunds
            .iter()
            .filter(|refund| refund.state == RefundState::Pending);
        let own = match self.status {
            Status::Open => Some(self.request.expires_at),
            Status::Processing => self.settles_at,
            Status::Complete | Status::Failed | Status::Expired => None,
        };
        announcing
            .chain(pending.map(|refund| refund.settles_at))
            .chain(own)
            .min()
    }

    /// One act of the payer. An act that does not fit the state changes nothing, so a form sent twice pays once.
    pub fn act(&mut self, act: Act, now: i64) {
        match (self.status, act) {
            (Status::Open, Act::Pay(card)) if self.challenge.is_none() => self.pay(card, now),
            (Status::Open, Act::PassChallenge) => {
                if let Some(card) = self.challenge.take() {
                    self.paid_with = Some(card);
                    self.complete(now);
                }
            }
            (Status::Open, Act::FailChallenge) => {
                if let Some(_card) = self.challenge.take() {
                    let why = "The 3-D Secure step was not passed, so the card was declined. Try again, or use another card.";
                    self.last_error = Some(why.into());
                }
            }
            (Status::Open | Status::Processing, Act::Approve) if !self.by_card() => {
                self.paid_with = Some(self.lender().into());
                self.complete(now);
            }
            (Status::Open, Act::ApproveLater) if !self.by_card() => {
                self.status = Status::Processing;
                self.settles_at = Some(now + APPROVES_AFTER_MS);
                self.paid_with = Some(self.lender().into());
                self.announce("session.processing", now, None);
            }
            (Status::Open | Status::Processing, Act::Refuse) if !self.by_card() => {
                self.last_error = Some(format!("{} did not approve this payment.", self.lender()));
                self.paid_with = None;
                self.end(Status::Failed, "session.failed", now);
            }
            _ => {}
        }
    }

    /// Takes no more money if none is on its way; otherwise stays as it is (hazard B8).
    pub fn close(&mut self, now: i64) {
        if self.status == Status::Open {
            self.end(Status::Expired, "session.expired", now);
        }
    }

    /// Adds a refund once per id. Amounts ending in 99 are pending for a while, those ending in 98 fail.
    ///
    /// # Errors
    /// See [`NoRefund`]; nothing was changed.
    pub fn refund(
        &mut self,
        id: &str,
        reference: &str,
        amount: i64,
        currency: &str,
        now: i64,
    ) -> Result<(), NoRefund> {
        if self.refunds.iter().any(|refund| refund.id == id) {
            return Ok(());
        }
        if self.status != Status::Complete {
            return Err(NoRefund::NotPaid);
        }
        if currency != self.request.currency {
            return Err(NoRefund::OtherCurrency);
        }
        if self.is_disputed() {
            return Err(NoRefund::Disputed);
        }
        if amount > self.left() {
            return Err(NoRefund::MoreThanLeft);
        }
        let (state, kind) = match first_state(amount) {
            RefundState::Pending => (RefundState::Pending, "refund.pending"),
            RefundState::Succeeded => (RefundState::Succeeded, "refund.succeeded"),
            RefundState::Failed => (RefundState::Failed, "refund.failed"),
        };
        self.refunds.push(Refund {
            id: id.into(),
            reference: reference.into(),
            amount,
            state,
            settles_at: now + REFUNDS_AFTER_MS,
        });
        self.announce(kind, now, Some(id.into()));
        Ok(())
    }

    /// Minor units given back or on their way back.
    fn refunded(&self) -> i64 {
        let counted = self
            .refunds
            .iter()
            .filter(|refund| refund.state != RefundState::Failed);
        counted.map(|refund| refund.amount).sum()
    }

    /// Minor units of the payment that neither went back nor are with the payer's bank.
    pub fn left(&self) -> i64 {
        match self.status {
            Status::Complete => self.request.amount - self.refunded() - self.withdrawn(),
            Status::Open | Status::Processing | Status::Failed | Status::Expired => 0,
        }
    }

    fn pay(&mut self, card: Card, now: i64) {
        if !self.by_card() {
            return;
        }
        match card.verdict {
            Verdict::Declined(why) => self.last_error = Some(why.into()),
            Verdict::Challenge => self.challenge = Some(card.label),
            Verdict::Approved => {
                self.paid_with = Some(card.label);
                self.complete(now);
            }
            Verdict::ApprovedAndDisputed => {
                self.paid_with = Some(card.label);
                self.complete(now);
                self.turn(Turn::Open, now);
            }
        }
    }

    fn complete(&mut self, now: i64) {
        self.last_error = None;
        self.paid_at = Some(now);
        self.end(Status::Complete, "session.completed", now);
    }

    fn end(&mut self, status: Status, kind: &str, now: i64) {
        self.status = status;
        self.challenge = None;
        self.settles_at = None;
        self.announce(kind, now, None);
    }

    pub(super) fn announce(&mut self, kind: &str, at: i64, refund: Option<String>) {
        self.unannounced.push(Notice {
            kind: kind.into(),
            at,
            refund,
        });
    }

    pub fn by_card(&self) -> bool {
        self.request.method == "card"
    }

    /// The name of the lender as people read it.
    pub fn lender(&self) -> &'static str {
        remit_core::methods::Method::parse(&self.request.method)
            .map_or("The lender", |method| method.title())
    }

    pub fn payment_id(&self) -> String {
        payment_id_of(&self.id)
    }

    /// As the API tells it, judged by time as it is now.
    pub fn answer(&self, public_url: &str) -> SessionAnswer {
        let live = matches!(self.status, Status::Open | Status::Processing);
        let moneyed = matches!(self.status, Status::Processing | Status::Complete);
        SessionAnswer {
            id: self.id.clone(),
            account: self.account.clone(),
            livemode: false,
            reference: self.request.reference.clone(),
            amount: self.request.amount,
            currency: self.request.currency.clone(),
            method: self.request.method.clone(),
            status: self.status.word().into(),
            url: live.then(|| format!("{public_url}/pay/{}", self.id)),
            expires_at: self.request.expires_at,
            payment: moneyed.then(|| PaymentAnswer {
                id: self.payment_id(),
                received: self.paid_at.map(|_| self.request.amount),
                currency: self.request.currency.clone(),
                paid_with: self.paid_with.clone(),
                paid_at: self.paid_at,
            }),
            last_error: self.last_error.clone(),
        }
    }

    pub fn refund_answer(&self, refund: &Refund) -> RefundAnswer {
        RefundAnswer {
            id: refund.id.clone(),
            reference: refund.named(),
            payment: self.payment_id(),
            amount: refund.amount,
            currency: self.request.currency.clone(),
            status: match refund.state {
                RefundState::Pending => "pending",
                RefundState::Succeeded => "succeeded",
                RefundState::Failed => "failed",
            }
            .into(),
            failure: (refund.state == RefundState::Failed)
                .then(|| "The bank did not take the refund.".into()),
        }
    }
}

/// How a refund of this amount begins: it follows from the amount, so a repeated call can be answered as the first.
pub fn first_state(amount: i64) -> RefundState {
    match amount % 100 {
        99 => RefundState::Pending,
        98 => RefundState::Failed,
        _ => RefundState::Succeeded,
    }
}

/// Every id follows from the session's, so no index can fall behind: `sbx_ses_X` has the payment `sbx_pay_X` and the
/// refunds `sbx_ref_X_Y`.
pub fn payment_id_of(session_id: &str) -> String {
    session_id.replacen("sbx_ses_", "sbx_pay_", 1)
}

pub fn session_of_payment(payment_id: &str) -> Option<String> {
    payment_id
        .strip_prefix("sbx_pay_")
        .map(|rest| format!("sbx_ses_{rest}"))
}

/// Unique per session and object, and leads back to its session.
pub fn refund_id(session_id: &str, object: &str) -> String {
    format!(
        "{}_{object}",
        session_id.replacen("sbx_ses_", "sbx_ref_", 1)
    )
}

pub fn session_of_refund(refund_id: &str) -> Option<String> {
    let (session, _) = refund_id.strip_prefix("sbx_ref_")?.split_once('_')?;
    Some(format!("sbx_ses_{session}"))
}

/// The id of the event that tells a notice: its time in front, so that ids sort by it, then what it tells.
pub fn event_id(session_id: &str, notice: &Notice) -> String {
    let mut hash = Sha256::new();
    for part in [
        session_id,
        &notice.kind,
        notice.refund.as_deref().unwrap_or(""),
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = hex::encode(hash.finalize());
    format!("{}{}", event_id_floor(notice.at), &digest[..20])
}

/// Below every event id of this millisecond and above those of all before.
pub fn event_id_floor(at: i64) -> String {
    format!("sbx_evt_{:012x}", at.max(0))
}
