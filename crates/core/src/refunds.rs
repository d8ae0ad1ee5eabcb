//! Refunds: money going back by our will. Reserved in the database before any call (hazard A16), posted when it
//! happened, released when it failed.

use crate::UtcMs;
use crate::account::{Balance, Decision, Effect, Event, Finding, FindingKind, Refusal, Standing};
use crate::ids::{PaymentId, RefundId, TxnId};
use crate::ledger::{self, Account, Txn, TxnKind};
use crate::money::{Money, Payable};
use crate::payments::Payment;
use crate::roles::{Permission, Role};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundState {
    /// Reserved here; the provider was not called yet, or its answer is not written yet.
    Requested,
    /// The answer was lost.
    Unknown,
    /// The provider has it and is not done.
    Pending,
    Succeeded,
    Failed,
}

use RefundState::{Failed, Pending, Requested, Succeeded, Unknown};

/// Every legal move. A refund may still fail after it had succeeded: the bank sent the money back.
pub const TRANSITIONS: &[(RefundState, RefundState)] = &[
    (Requested, Unknown),
    (Requested, Pending),
    (Requested, Succeeded),
    (Requested, Failed),
    (Unknown, Pending),
    (Unknown, Succeeded),
    (Unknown, Failed),
    (Pending, Succeeded),
    (Pending, Failed),
    (Succeeded, Failed),
];

impl RefundState {
    pub const ALL: [RefundState; 5] = [Requested, Unknown, Pending, Succeeded, Failed];

    pub fn name(self) -> &'static str {
        match self {
            Requested => "requested",
            Unknown => "unknown",
            Pending => "pending",
            Succeeded => "succeeded",
            Failed => "failed",
        }
    }

    pub fn parse(name: &str) -> Option<RefundState> {
        RefundState::ALL.into_iter().find(|s| s.name() == name)
    }

    /// The word outside: pending, succeeded or failed.
    pub fn public_name(self) -> &'static str {
        match self {
            Requested | Unknown | Pending => "pending",
            Succeeded => "succeeded",
            Failed => "failed",
        }
    }

    pub fn may_become(self, next: RefundState) -> bool {
        TRANSITIONS.contains(&(self, next))
    }
}

/// Where a refund stands that needs a second person (hazard D18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Approval {
    /// Reserved, and nothing more until somebody else has decided.
    Needed,
    Approved,
    Declined,
}

impl Approval {
    pub const ALL: [Approval; 3] = [Approval::Needed, Approval::Approved, Approval::Declined];

    pub fn name(self) -> &'static str {
        match self {
            Approval::Needed => "needed",
            Approval::Approved => "approved",
            Approval::Declined => "declined",
        }
    }

    pub fn parse(name: &str) -> Option<Approval> {
        Approval::ALL.into_iter().find(|a| a.name() == name)
    }
}

/// How much may be refunded without whom; a clinic's own choice, both off at first. In minor units of its currency,
/// counted over all refunds of one payment, so that a limit cannot be passed in small steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Reception refunds up to this; above it a manager has to approve. None: reception does not refund.
    pub reception_max: Option<i64>,
    /// Above this a second person has to approve, whoever asks. None: nobody has to.
    pub approval_above: Option<i64>,
}

/// Who may ask for a refund, and whether it then waits for somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clearance {
    Forbidden,
    Alone,
    NeedsApproval,
}

/// Judges a wish to refund `minor` of a payment of which `reserved` went or is going back already.
pub fn clearance(role: Role, limits: Limits, reserved: i64, minor: i64) -> Clearance {
    let sum = reserved.saturating_add(minor);
    let over = |limit: Option<i64>| limit.is_some_and(|limit| sum > limit);
    if role.may(Permission::Refund) {
        return if over(limits.approval_above) {
            Clearance::NeedsApproval
        } else {
            Clearance::Alone
        };
    }
    if limits.reception_max.is_none() || !role.may(Permission::TakeMoney) {
        return Clearance::Forbidden;
    }
    if over(limits.reception_max) || over(limits.approval_above) {
        Clearance::NeedsApproval
    } else {
        Clearance::Alone
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub payment: PaymentId,
    pub amount: Money,
    pub reason: Option<String>,
    pub state: RefundState,
    /// Staff want the amount to be owed again, so that it can be paid another way.
    pub reopen: bool,
    /// No money went back: the payment had been recorded by mistake.
    pub correction: bool,
    pub requested_at: UtcMs,
    /// None: it needed no second person.
    pub approval: Option<Approval>,
    /// Who asked, as an idempotency key is scoped: a name can be borne by two. Empty for what was made elsewhere.
    pub asker: String,
}

impl Refund {
    pub fn waits_for_approval(&self) -> bool {
        self.approval == Some(Approval::Needed) && self.state == Requested
    }
}

/// A request for a refund.
#[derive(Clone, Debug)]
pub struct Request {
    pub refund: RefundId,
    pub txn: TxnId,
    pub amount: Payable,
    pub reason: Option<String>,
    pub reopen: bool,
    /// Undoes a desk payment that was recorded by mistake: the whole of what is left of it, owed again.
    pub correction: bool,
    /// The figure that the person saw as available; a mismatch is refused (hazard A18).
    pub seen_available: Option<Money>,
    /// Another person has to approve before anything moves.
    pub needs_approval: bool,
    pub asker: String,
}

/// Reserves a refund. Online money goes back through its provider; desk money was handed back by staff, so it is
/// posted at once. A refund that needs a second person is reserved and waits.
///
/// # Errors
/// [`Refusal::Disputed`], [`Refusal::OtherCurrency`], [`Refusal::AvailableChanged`], [`Refusal::MoreThanRefundable`];
/// [`Refusal::OnlyWholeAtDesk`] for a correction of anything else.
pub fn request(
    standing: &Standing,
    payment: &Payment,
    request: Request,
    now: UtcMs,
) -> Result<Decision, Refusal> {
    let amount = request.amount.money();
    let available = payment.refundable();
    if payment.disputed.open > 0 {
        return Err(Refusal::Disputed);
    }
    if amount.currency != payment.amount.currency {
        return Err(Refusal::OtherCurrency);
    }
    if request.seen_available.is_some_and(|seen| seen != available) {
        return Err(Refusal::AvailableChanged { available });
    }
    if amount.minor > available.minor {
        return Err(Refusal::MoreThanRefundable {
            asked: amount,
            available,
        });
    }
    if request.correction && (payment.provider.is_some() || amount != available) {
        return Err(Refusal::OnlyWholeAtDesk);
    }
    let refund = Refund {
        id: request.refund,
        payment: payment.id,
        amount,
        reason: request.reason,
        state: Requested,
        reopen: request.reopen || request.correction,
        correction: request.correction,
        requested_at: now,
        approval: request.needs_approval.then_some(Approval::Needed),
        asker: request.asker,
    };
    let mut decision = Decision::default();
    decision.events.push(Event::RefundRequested(refund.clone()));
    if refund.waits_for_approval() {
        decision.events.push(Event::FindingOpened(Finding {
            kind: FindingKind::RefundApproval,
            about: refund.id.to_string(),
            amount: Some(amount),
            detail: "A refund is above the clinic’s limit and waits for a second person.".into(),
        }));
    } else {
        carry_out(&mut decision, standing, payment, &refund, request.txn);
    }
    Ok(decision)
}

fn carry_out(
    decision: &mut Decision,
    standing: &Standing,
    payment: &Payment,
    refund: &Refund,
    txn: TxnId,
) {
    if payment.provider.is_some() {
        let refund = refund.id;
        decision.effects.push(Effect::CallRefund { refund });
    } else {
        succeed(decision, standing, payment, refund, txn);
    }
}

/// A second person lets a waiting refund go.
///
/// # Errors
/// [`Refusal::RefundDecided`], [`Refusal::OwnRequest`], [`Refusal::Disputed`].
pub fn approve(
    standing: &Standing,
    payment: &Payment,
    refund: &Refund,
    by: &str,
    txn: TxnId,
) -> Result<Decision, Refusal> {
    if !refund.waits_for_approval() {
        return Err(Refusal::RefundDecided);
    }
    if refund.asker == by {
        return Err(Refusal::OwnRequest);
    }
    if payment.disputed.open > 0 {
        return Err(Refusal::Disputed);
    }
    let mut decision = decided(refund, Approval::Approved);
    carry_out(&mut decision, standing, payment, refund, txn);
    Ok(decision)
}

/// A waiting refund is declined, or taken back by who asked for it; what it had reserved is available again.
///
/// # Errors
/// [`Refusal::RefundDecided`].
pub fn decline(refund: &Refund) -> Result<Decision, Refusal> {
    if !refund.waits_for_approval() {
        return Err(Refusal::RefundDecided);
    }
    Ok(decided(refund, Approval::Declined))
}

fn decided(refund: &Refund, approval: Approval) -> Decision {
    Decision {
        events: vec![
            Event::RefundDecided {
                refund: refund.id,
                payment: refund.payment,
                approval,
                amount: refund.amount,
            },
            Event::FindingClosed {
                kind: FindingKind::RefundApproval,
                about: refund.id.to_string(),
            },
        ],
        effects: vec![],
    }
}

/// Takes in a refund that was made at the provider without us, in its own dashboard for instance, or one of ours that
/// went through after it had been refused and given up here. It is recorded as any other, its money goes the same way.
///
/// # Errors
/// [`Refusal::MoreThanRefundable`]: it does not fit beside what is reserved here. Provider and we cannot both be right
/// for long: a refund of ours is about to be refused there, so ask again later.
pub fn elsewhere(
    standing: &Standing,
    payment: &Payment,
    refund: Refund,
    to: RefundState,
    txn: TxnId,
    now: UtcMs,
) -> Result<Decision, Refusal> {
    let left = payment.amount.minor - payment.refund_reserved;
    if to != Failed && refund.amount.minor > left {
        return Err(Refusal::MoreThanRefundable {
            asked: refund.amount,
            available: payment.amount.with(left),
        });
    }
    let mut decision = Decision::default();
    if to == Failed {
        return Ok(decision);
    }
    decision.events.push(Event::RefundRequested(refund.clone()));
    let settled = settle(standing, payment, &refund, to, txn, now);
    decision.events.extend(settled.events);
    decision.effects.extend(settled.effects);
    if to == Pending {
        // It is known by the provider's id already, so this only asks how it went on.
        let refund = refund.id;
        decision.effects.push(Effect::CallRefund { refund });
    }
    Ok(decision)
}

/// Applies what became of a refund; repeating it changes nothing. Money that comes back because a refund failed after
/// all may settle what is due, so what would take more than that is closed.
pub fn settle(
    standing: &Standing,
    payment: &Payment,
    refund: &Refund,
    to: RefundState,
    txn: TxnId,
    now: UtcMs,
) -> Decision {
    let mut decision = Decision::default();
    if !refund.state.may_become(to) || refund.waits_for_approval() {
        return decision;
    }
    match to {
        Succeeded => succeed(&mut decision, standing, payment, refund, txn),
        Failed => {
            fail(&mut decision, standing, payment, refund, txn);
            decision.close_what_exceeds(standing, now);
        }
        Requested | Unknown | Pending => decision.events.push(moved(refund, to)),
    }
    decision
}

/// The provider refused the call that would have made a refund. That proves that this call made nothing, and no more:
/// the same call may have been let through at another time, so what is known to be there stays as it is.
pub fn refused(
    standing: &Standing,
    payment: &Payment,
    refund: &Refund,
    txn: TxnId,
    now: UtcMs,
) -> Decision {
    match refund.state {
        Requested | Unknown => settle(standing, payment, refund, Failed, txn, now),
        Pending | Succeeded | Failed => Decision::default(),
    }
}

fn moved(refund: &Refund, to: RefundState) -> Event {
    Event::RefundMoved {
        refund: refund.id,
        payment: refund.payment,
        from: refund.state,
        to,
        amount: refund.amount,
        correction: refund.correction,
    }
}

/// How a refund of this amount is split: credit goes first, then (if staff want it owed again) the receivable, else
/// it was given.
fn split(balance: &Balance, refund: &Refund) -> (i64, i64, i64) {
    if refund.amount.currency != balance.currency {
        return (refund.amount.minor, 0, 0);
    }
    let from_credit = refund.amount.minor.min(balance.credit);
    let rest = refund.amount.minor - from_credit;
    if refund.reopen {
        (from_credit, rest, 0)
    } else {
        (from_credit, 0, rest)
    }
}

fn succeed(
    decision: &mut Decision,
    standing: &Standing,
    payment: &Payment,
    refund: &Refund,
    txn: TxnId,
) {
    let (from_credit, reopened, given) = split(&standing.balance, refund);
    let amount = refund.amount;
    let lines = vec![
        ledger::debit(Account::PatientCredit, amount.with(from_credit)),
        ledger::debit(Account::Receivable, amount.with(reopened)),
        ledger::debit(Account::RefundsGiven, amount.with(given)),
        ledger::credit(payment.account(), amount),
    ];
    decision.events.push(moved(refund, Succeeded));
    if payment.provider.is_some() {
        // At the desk the patient has the money in hand.
        decision
            .effects
            .push(Effect::RefundReceipt { refund: refund.id });
    }
    decision.events.push(Event::Posted(Txn::new(
        txn,
        TxnKind::Refund,
        refund.id.to_string(),
        lines,
    )));
    if amount.currency == standing.balance.currency {
        let mut balance = standing.balance.clone();
        balance.refunded += amount.minor;
        balance.credit -= from_credit;
        balance.due += reopened;
        decision.events.push(Event::BalanceSet(balance));
    }
}

fn fail(
    decision: &mut Decision,
    standing: &Standing,
    payment: &Payment,
    refund: &Refund,
    txn: TxnId,
) {
    let amount = refund.amount;
    decision.events.push(moved(refund, Failed));
    if refund.state == Succeeded {
        // The money is back with the provider: the patient's credit again, for staff to decide anew.
        let mut balance = standing.balance.clone();
        let mut lines = vec![ledger::debit(payment.account(), amount)];
        if amount.currency == balance.currency {
            let to_due = amount.minor.min(balance.due);
            balance.refunded -= amount.minor;
            balance.due -= to_due;
            balance.credit += amount.minor - to_due;
            lines.push(ledger::credit(Account::Receivable, amount.with(to_due)));
            lines.push(ledger::credit(
                Account::PatientCredit,
                amount.with(amount.minor - to_due),
            ));
            decision.events.push(Event::BalanceSet(balance));
        } else {
            lines.push(ledger::credit(Account::PatientCredit, amount));
        }
        decision.events.push(Event::Posted(Txn::new(
            txn,
            TxnKind::RefundReversal,
            refund.id.to_string(),
            lines,
        )));
    }
    decision.events.push(Event::FindingOpened(Finding {
        kind: FindingKind::RefundFailed,
        about: refund.id.to_string(),
        amount: Some(amount),
        detail: "The provider could not send the money back. It is available again.".into(),
    }));
}
