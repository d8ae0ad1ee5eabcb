//! Refunds: money going back by our will. Reserved in the database before any call (hazard A16), posted when it
//! happened, released when it failed.

use crate::UtcMs;
use crate::account::{Balance, Decision, Effect, Event, Finding, FindingKind, Refusal, Standing};
use crate::ids::{PaymentId, RefundId, TxnId};
use crate::ledger::{self, Account, Txn, TxnKind};
use crate::money::{Money, Payable};
use crate::payments::Payment;

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub payment: PaymentId,
    pub amount: Money,
    pub reason: Option<String>,
    pub state: RefundState,
    /// Staff want the amount to be owed again, so that it can be paid another way.
    pub reopen: bool,
    pub requested_at: UtcMs,
}

/// A request for a refund.
#[derive(Clone, Debug)]
pub struct Request {
    pub refund: RefundId,
    pub txn: TxnId,
    pub amount: Payable,
    pub reason: Option<String>,
    pub reopen: bool,
    /// The figure that the person saw as available; a mismatch is refused (hazard A18).
    pub seen_available: Option<Money>,
}

/// Reserves a refund. Online money goes back through its provider; desk money was handed back by staff, so it is
/// posted at once.
///
/// # Errors
/// [`Refusal::OtherCurrency`], [`Refusal::AvailableChanged`], [`Refusal::MoreThanRefundable`].
pub fn request(
    standing: &Standing,
    payment: &Payment,
    request: Request,
    now: UtcMs,
) -> Result<Decision, Refusal> {
    let amount = request.amount.money();
    let available = payment.refundable();
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
    let refund = Refund {
        id: request.refund,
        payment: payment.id,
        amount,
        reason: request.reason,
        state: Requested,
        reopen: request.reopen,
        requested_at: now,
    };
    let mut decision = Decision::default();
    decision.events.push(Event::RefundRequested(refund.clone()));
    if payment.provider.is_some() {
        decision
            .effects
            .push(Effect::CallRefund { refund: refund.id });
    } else {
        succeed(&mut decision, standing, payment, &refund, request.txn);
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
    if !refund.state.may_become(to) {
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

fn moved(refund: &Refund, to: RefundState) -> Event {
    Event::RefundMoved {
        refund: refund.id,
        payment: refund.payment,
        from: refund.state,
        to,
        amount: refund.amount,
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
