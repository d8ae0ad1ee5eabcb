//! Attempts: one try to pay through a provider. Intent is written before the call, the outcome after it; what the
//! provider reports is applied by [`settle`], whoever brings it.

use crate::account::{
    AttemptMove, Decision, Effect, Event, Finding, FindingKind, LinkMove, Refusal, Standing,
};
use crate::disputes::Disputed;
use crate::faults::{Fault, planted};
use crate::ids::{AppointmentId, AttemptId, LinkId, PaymentId, TxnId};
use crate::ledger::TxnKind;
use crate::links::{self, Link, LinkState};
use crate::methods::Method;
use crate::money::{MINOR_MAX, Money};
use crate::payments::{PaidBy, Payment, ProviderPayment, post_receipt};
use crate::{HOUR_MS, MINUTE_MS, SECOND_MS, UtcMs};

/// A session may outlive its link by the provider's shortest session life, at most this (hazard B7).
pub const OVERHANG_MS: i64 = 30 * MINUTE_MS;
/// Repeating a call under the same key is safe for less than a day (Stripe keeps keys 24 h); later, look it up.
pub const REPEAT_MS: i64 = 20 * HOUR_MS;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptState {
    /// The intent is written; the provider was not called yet, or the answer is not written yet.
    Creating,
    /// The call's answer was lost. Never treated as failed (hazard A14).
    Unknown,
    /// A session exists that can take money.
    Open,
    /// The patient is done, the provider is not (hazard A11).
    Processing,
    Failed,
    Expired,
    /// Closed by us.
    Cancelled,
    Succeeded,
}

use AttemptState::{Cancelled, Creating, Expired, Failed, Open, Processing, Succeeded, Unknown};

/// Every legal move. A success after an ending is legal: the provider's truth wins (rule 1).
pub const TRANSITIONS: &[(AttemptState, AttemptState)] = &[
    (Creating, Unknown),
    (Creating, Open),
    (Creating, Processing),
    (Creating, Failed),
    (Creating, Expired),
    (Creating, Cancelled),
    (Creating, Succeeded),
    (Unknown, Open),
    (Unknown, Processing),
    (Unknown, Failed),
    (Unknown, Expired),
    (Unknown, Cancelled),
    (Unknown, Succeeded),
    (Open, Processing),
    (Open, Failed),
    (Open, Expired),
    (Open, Cancelled),
    (Open, Succeeded),
    (Processing, Failed),
    (Processing, Expired),
    (Processing, Cancelled),
    (Processing, Succeeded),
    (Failed, Succeeded),
    (Expired, Succeeded),
    (Cancelled, Succeeded),
];

impl AttemptState {
    pub const ALL: [AttemptState; 8] = [
        Creating, Unknown, Open, Processing, Failed, Expired, Cancelled, Succeeded,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Creating => "creating",
            Unknown => "unknown",
            Open => "open",
            Processing => "processing",
            Failed => "failed",
            Expired => "expired",
            Cancelled => "cancelled",
            Succeeded => "succeeded",
        }
    }

    pub fn parse(name: &str) -> Option<AttemptState> {
        AttemptState::ALL.into_iter().find(|s| s.name() == name)
    }

    pub fn rank(self) -> u8 {
        match self {
            Creating => 0,
            Unknown => 1,
            Open => 2,
            Processing => 3,
            Failed | Expired | Cancelled => 4,
            Succeeded => 9,
        }
    }

    /// Whether it may still take money: at most one such attempt per appointment, by unique index (rule 3).
    pub fn is_live(self) -> bool {
        self.rank() < 4
    }

    pub fn may_become(self, next: AttemptState) -> bool {
        TRANSITIONS.contains(&(self, next))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub id: AttemptId,
    pub appointment: AppointmentId,
    pub link: Option<LinkId>,
    pub method: Method,
    /// The provider and the clinic's account with it, kept until the attempt ends even if the clinic changes them.
    pub provider: String,
    pub account: String,
    pub amount: Money,
    pub state: AttemptState,
    pub session_id: Option<String>,
    /// Where the patient is sent.
    pub url: Option<String>,
    pub payment_id: Option<String>,
    /// Minor units received.
    pub captured: i64,
    pub session_expires_at: UtcMs,
    pub created_at: UtcMs,
}

impl Attempt {
    fn moved(&self, to: AttemptState) -> AttemptMove {
        AttemptMove {
            attempt: self.id,
            link: self.link,
            from: self.state,
            to,
            session_id: None,
            url: None,
            payment_id: None,
            captured: self.captured,
            last_error: None,
        }
    }

    /// Until when the same call may be repeated under the same key.
    pub fn repeatable_until(&self) -> UtcMs {
        self.created_at + REPEAT_MS
    }
}

/// What is needed to start a try.
#[derive(Clone, Debug)]
pub struct Start {
    pub attempt: AttemptId,
    pub method: Method,
    pub provider: String,
    pub account: String,
    /// The provider's shortest and longest session life.
    pub session_min_ms: i64,
    pub session_max_ms: i64,
    /// Refused tries on this link within the last [`links::REST_MS`], and when the oldest of them was.
    pub failed_tries: i64,
    pub oldest_failed_at: UtcMs,
}

/// How *Continue to payment* goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// Write this, then call the provider.
    Fresh(Attempt, Decision),
    /// The same try is under way in another tab: the same session (hazard A1).
    Same(Attempt),
    /// Another try is open. Close it at the provider first, then ask again (hazard A2).
    CloseFirst(Attempt),
    /// A payment is being confirmed; a second one waits for its end (hazard A11).
    InProgress(Attempt),
}

/// The session's end: the link's own, within what the provider can do, frozen at creation (hazard B7).
pub fn session_expiry(link_expires_at: UtcMs, min_ms: i64, max_ms: i64, now: UtcMs) -> UtcMs {
    link_expires_at.clamp(now + min_ms, now + max_ms)
}

/// Decides what a patient's *Continue to payment* does. The press itself is human evidence, so the link becomes
/// *Accessed*.
///
/// # Errors
/// The link cannot be used any more, nothing is due, or too many tries were refused (hazard D16).
pub fn start(
    standing: &Standing,
    link: &Link,
    start: Start,
    now: UtcMs,
) -> Result<Started, Refusal> {
    link.usable(now)?;
    let amount = link.payable(standing.balance.due());
    if amount.is_zero() {
        return Err(Refusal::NothingDue);
    }
    if let Some(live) = &standing.live {
        let same =
            live.link == Some(link.id) && live.amount == amount && live.method == start.method;
        return Ok(match live.state {
            Open if same && live.url.is_some() && now < live.session_expires_at => {
                Started::Same(live.clone())
            }
            Open => Started::CloseFirst(live.clone()),
            _ => Started::InProgress(live.clone()),
        });
    }
    if let Some(until) = links::rests_until(start.failed_tries, start.oldest_failed_at) {
        return Err(Refusal::TooManyTries { until });
    }
    let attempt = Attempt {
        id: start.attempt,
        appointment: standing.appointment,
        link: Some(link.id),
        method: start.method,
        provider: start.provider,
        account: start.account,
        amount,
        state: Creating,
        session_id: None,
        url: None,
        payment_id: None,
        captured: 0,
        session_expires_at: session_expiry(
            link.expires_at,
            start.session_min_ms,
            start.session_max_ms,
            now,
        ),
        created_at: now,
    };
    let mut decision = links::access(link, now);
    decision.events.push(Event::AttemptStarted(attempt.clone()));
    Ok(Started::Fresh(attempt, decision))
}

/// The call's answer was lost: the worker goes on with the same bytes and the same key.
pub fn lost(attempt: &Attempt) -> Decision {
    if !attempt.state.may_become(Unknown) {
        return Decision::default();
    }
    Decision {
        events: vec![Event::AttemptMoved(attempt.moved(Unknown))],
        effects: vec![Effect::CreateSession {
            attempt: attempt.id,
        }],
    }
}

/// The provider proved that there is no session and will be none.
pub fn refused(attempt: &Attempt, why: &str) -> Decision {
    let live = attempt.state.is_live();
    let moved = AttemptMove {
        last_error: Some(why.to_owned()),
        ..attempt.moved(Failed)
    };
    Decision {
        events: if live {
            vec![Event::AttemptMoved(moved)]
        } else {
            vec![]
        },
        effects: vec![],
    }
}

/// What a provider says of a session, in our words. Cumulative, so repeating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub session_id: String,
    pub url: Option<String>,
    pub status: Reported,
    pub last_error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    Open,
    Processing {
        payment_id: Option<String>,
    },
    Paid {
        payment_id: String,
        received: Money,
        paid_with: Option<String>,
    },
    Failed,
    Expired,
    /// Closed because we asked for it.
    Closed,
    /// A word that this release does not know: no move, a finding (hazard A12).
    Unheard(String),
}

/// Ids for what may be written.
#[derive(Clone, Copy, Debug)]
pub struct SettleIds {
    pub payment: PaymentId,
    pub txn: TxnId,
}

/// Applies what the provider reports. The one rule by which online money is posted; webhook, browser return and
/// reconciliation all come here (rule 2). Called under the appointment's lock row with the attempt read under it.
pub fn settle(
    standing: &Standing,
    attempt: &Attempt,
    link: Option<&Link>,
    report: &Report,
    ids: SettleIds,
    now: UtcMs,
) -> Decision {
    match &report.status {
        Reported::Paid {
            payment_id,
            received,
            paid_with,
        } => {
            let money = Received {
                payment_id,
                received: *received,
                paid_with: paid_with.clone(),
            };
            paid(standing, attempt, link, report, money, ids, now)
        }
        Reported::Unheard(word) => found(Finding {
            kind: FindingKind::UnknownStatus,
            about: attempt.id.to_string(),
            amount: Some(attempt.amount),
            detail: format!(
                "The provider reports the status \"{}\".",
                word.escape_default()
            ),
        }),
        Reported::Open => raise(attempt, report, Open, None),
        Reported::Processing { payment_id } => {
            raise(attempt, report, Processing, payment_id.clone())
        }
        Reported::Failed => raise(attempt, report, Failed, None),
        Reported::Expired => raise(attempt, report, Expired, None),
        Reported::Closed => raise(attempt, report, Cancelled, None),
    }
}

/// Rises without money, or stays.
fn raise(
    attempt: &Attempt,
    report: &Report,
    to: AttemptState,
    payment_id: Option<String>,
) -> Decision {
    let rises = attempt.state.may_become(to) || planted(Fault::RankIgnored);
    if !rises {
        return Decision::default();
    }
    let moved = AttemptMove {
        session_id: Some(report.session_id.clone()),
        url: report.url.clone(),
        payment_id,
        last_error: report.last_error.clone(),
        ..attempt.moved(to)
    };
    Decision {
        events: vec![Event::AttemptMoved(moved)],
        effects: vec![],
    }
}

struct Received<'a> {
    payment_id: &'a str,
    received: Money,
    paid_with: Option<String>,
}

fn paid(
    standing: &Standing,
    attempt: &Attempt,
    link: Option<&Link>,
    report: &Report,
    money: Received<'_>,
    ids: SettleIds,
    now: UtcMs,
) -> Decision {
    let ignored = planted(Fault::LateSuccessIgnored) && !attempt.state.is_live();
    if attempt.state == Succeeded || ignored {
        return another_payment(attempt, &money);
    }
    // Asked for at the provider's word, so nothing here may trust it: a sum that cannot be posted is shown to staff.
    if !(1..=MINOR_MAX).contains(&money.received.minor) {
        return mismatch(attempt, money.received);
    }
    let mut decision = Decision::default();
    decision.events.push(Event::AttemptMoved(AttemptMove {
        session_id: Some(report.session_id.clone()),
        payment_id: Some(money.payment_id.to_owned()),
        captured: money.received.minor,
        ..attempt.moved(Succeeded)
    }));
    let provider = ProviderPayment {
        provider: attempt.provider.clone(),
        account: attempt.account.clone(),
        payment_id: money.payment_id.to_owned(),
    };
    let source = provider.source();
    let payment = Payment {
        id: ids.payment,
        appointment: standing.appointment,
        link: attempt.link,
        attempt: Some(attempt.id),
        paid_by: PaidBy::Online(attempt.method),
        provider: Some(provider),
        amount: money.received,
        received_at: now,
        reference: money.paid_with,
        refund_reserved: 0,
        disputed: Disputed::default(),
    };
    post_receipt(
        &mut decision,
        standing,
        &payment,
        ids.txn,
        TxnKind::Capture,
        source,
    );
    decision.events.push(Event::PaymentReceived(payment));
    if money.received == attempt.amount {
        decision
            .events
            .extend(link.and_then(|link| link_paid(link, now)));
    } else {
        decision
            .events
            .extend(mismatch(attempt, money.received).events);
    }
    decision.close_what_exceeds(standing, now);
    decision.effects.push(Effect::Receipt {
        payment: ids.payment,
    });
    decision
}

/// The link is paid. Late means: it had already ended, by the clock or by staff (hazard A9).
fn link_paid(link: &Link, now: UtcMs) -> Option<Event> {
    let late = !link.state.is_open() || link.expired_at(now);
    (link.state != LinkState::Paid).then(|| {
        Event::LinkMoved(LinkMove {
            late,
            ..link.moved(LinkState::Paid)
        })
    })
}

/// The provider received something else than was asked for.
fn mismatch(attempt: &Attempt, received: Money) -> Decision {
    found(Finding {
        kind: FindingKind::AmountMismatch,
        about: attempt.id.to_string(),
        amount: Some(received),
        detail: format!("{} was asked for, {received} was received.", attempt.amount),
    })
}

/// A report on an attempt that has succeeded: the same payment again is no news; another payment is money that our
/// books cannot place by themselves, and never dropped in silence (hazard A1).
fn another_payment(attempt: &Attempt, money: &Received<'_>) -> Decision {
    if attempt.state != Succeeded || attempt.payment_id.as_deref() == Some(money.payment_id) {
        return Decision::default();
    }
    found(Finding {
        kind: FindingKind::Unreconciled,
        about: attempt.id.to_string(),
        amount: Some(money.received),
        detail: "The provider reports a second payment for one attempt.".into(),
    })
}

fn found(finding: Finding) -> Decision {
    Decision {
        events: vec![Event::FindingOpened(finding)],
        effects: vec![],
    }
}

/// Milliseconds until the next look at a live attempt: 30 s, 1 min, 2 min ... at most 1 h (hazards 7.5, R1).
pub fn next_check_ms(checks: i64) -> i64 {
    let doubled = (30 * SECOND_MS).saturating_mul(1_i64 << checks.clamp(0, 10));
    doubled.min(HOUR_MS)
}
