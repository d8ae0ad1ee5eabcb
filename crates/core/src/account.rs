//! An appointment's account: the facts that every money rule looks at, and what a rule may answer.
//!
//! Each rule is a function of this crate that takes a [`Standing`] read under the appointment's lock row and answers
//! with a [`Decision`]. One place writes decisions down (`store/account.rs`), so nothing else moves money.

use crate::appointments::{Charge, Slot, Status};
use crate::attempts::{Attempt, AttemptState};
use crate::disputes::Dispute;
use crate::faults::{Fault, planted};
use crate::ids::{
    AppointmentId, AttemptId, ChargeId, DeliveryId, LinkId, PatientId, PaymentId, ReceiptId,
    RefundId, StaffId,
};
use crate::ledger::Txn;
use crate::links::{Closing, Link, LinkState};
use crate::money::{Currency, Money};
use crate::payments::Payment;
use crate::refunds::{Approval, Refund, RefundState};
use crate::{UtcMs, ids};

/// The lock row's figures, in minor units of one currency. Derived from the ledger and kept beside it (I2, I13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    pub currency: Currency,
    /// Sum of the charges.
    pub total: i64,
    /// What the services' deposit rules ask for at booking.
    pub deposit: i64,
    /// Everything received, online and at the desk.
    pub paid: i64,
    /// Everything sent back.
    pub refunded: i64,
    /// What the patient still owes. Never negative.
    pub due: i64,
    /// What the clinic owes the patient. Never negative, and zero while something is due.
    pub credit: i64,
}

impl Balance {
    pub fn empty(currency: Currency) -> Balance {
        Balance {
            currency,
            total: 0,
            deposit: 0,
            paid: 0,
            refunded: 0,
            due: 0,
            credit: 0,
        }
    }

    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    pub fn due(&self) -> Money {
        self.money(self.due)
    }

    /// The deposit less what the total has been settled by, never more than what is due. Counted from what is owed,
    /// not from what was paid: a payment that staff refunded to have it owed again settles nothing any more.
    pub fn deposit_due(&self) -> Money {
        let settled = self.total - self.due;
        self.money((self.deposit - settled).clamp(0, self.due.max(0)))
    }

    /// What of the charges is settled by money that the clinic holds.
    pub fn covered(&self) -> Money {
        self.money(self.total - self.due - self.given())
    }

    /// Refunds that were given: neither taken from credit nor owed again. The sum of `refunds_given` in the books.
    pub fn given(&self) -> i64 {
        self.total - self.paid + self.refunded - self.due + self.credit
    }

    /// Takes money in: first what is due, then credit. Answers how much became credit.
    pub(crate) fn receive(&mut self, minor: i64) -> i64 {
        let to_due = minor.min(self.due);
        self.paid += minor;
        self.due -= to_due;
        self.credit += minor - to_due;
        minor - to_due
    }
}

/// What a rule looks at, read under the lock row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub appointment: AppointmentId,
    pub patient: PatientId,
    pub status: Status,
    pub balance: Balance,
    /// The link whose row is open. It may be past its time: the sweep only announces expiry.
    pub open: Option<Link>,
    /// The one attempt that may still take money.
    pub live: Option<Attempt>,
}

/// What happened, as rows to write. The order is the order of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    ChargeAdded {
        charge: Charge,
    },
    ChargeRemoved {
        charge: ChargeId,
        amount: Money,
        why: Option<String>,
    },
    StatusChanged {
        from: Status,
        to: Status,
    },
    Moved {
        to: Slot,
    },
    Posted(Txn),
    BalanceSet(Balance),
    LinkIssued(Link),
    LinkMoved(LinkMove),
    /// The patient asked for a new link.
    NewLinkAsked {
        link: LinkId,
    },
    AttemptStarted(Attempt),
    AttemptMoved(AttemptMove),
    PaymentReceived(Payment),
    RefundRequested(Refund),
    RefundMoved {
        refund: RefundId,
        payment: PaymentId,
        from: RefundState,
        to: RefundState,
        amount: Money,
        correction: bool,
    },
    /// A second person decided about a refund that needs one; declining it releases what it had reserved.
    RefundDecided {
        refund: RefundId,
        payment: PaymentId,
        approval: Approval,
        amount: Money,
    },
    /// A dispute as it is known from now on; `before` is what was known until now.
    DisputeMoved {
        before: Option<Dispute>,
        after: Dispute,
    },
    FindingOpened(Finding),
    /// The same finding with what is to be said now, open again if it had been closed.
    FindingRenewed(Finding),
    /// Its cause is gone.
    FindingClosed {
        kind: FindingKind,
        about: String,
    },
}

/// A link rising to another state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkMove {
    pub link: LinkId,
    pub from: LinkState,
    pub to: LinkState,
    pub why: Option<Closing>,
    /// Paid after it had expired or been cancelled.
    pub late: bool,
    /// What it asks for, so that the tallies can follow without reading it again.
    pub amount: Money,
    pub created_at: UtcMs,
}

/// An attempt rising to another state, with what became known on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptMove {
    pub attempt: AttemptId,
    pub link: Option<LinkId>,
    pub from: AttemptState,
    pub to: AttemptState,
    pub session_id: Option<String>,
    pub url: Option<String>,
    pub payment_id: Option<String>,
    /// Minor units received; above zero exactly when `to` is succeeded (I7).
    pub captured: i64,
    pub last_error: Option<String>,
}

/// Something that a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    /// What it is about; with the kind it is unique, so a finding opens once.
    pub about: String,
    pub amount: Option<Money>,
    /// For staff, without personal data.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// More was received than was due; the rest is credit. Proposed: refund.
    Surplus,
    /// The provider received another amount or currency than was asked for.
    AmountMismatch,
    /// The provider used a word this release does not know.
    UnknownStatus,
    /// Credit was left by a price change or a cancellation.
    CreditLeft,
    /// A piece of outside work was given up after all its tries.
    DeadLetter,
    /// Our books and the provider's differ.
    Unreconciled,
    /// A refund failed at the provider.
    RefundFailed,
    /// A refund waits for a second person.
    RefundApproval,
    /// The payer's bank disputes a payment and has not decided yet.
    Dispute,
    /// An invariant of `remit check` does not hold.
    BrokenInvariant,
}

impl FindingKind {
    pub const ALL: [FindingKind; 10] = [
        FindingKind::Surplus,
        FindingKind::AmountMismatch,
        FindingKind::UnknownStatus,
        FindingKind::CreditLeft,
        FindingKind::DeadLetter,
        FindingKind::Unreconciled,
        FindingKind::RefundFailed,
        FindingKind::RefundApproval,
        FindingKind::Dispute,
        FindingKind::BrokenInvariant,
    ];

    pub fn name(self) -> &'static str {
        match self {
            FindingKind::Surplus => "surplus",
            FindingKind::AmountMismatch => "amount_mismatch",
            FindingKind::UnknownStatus => "unknown_status",
            FindingKind::CreditLeft => "credit_left",
            FindingKind::DeadLetter => "dead_letter",
            FindingKind::Unreconciled => "unreconciled",
            FindingKind::RefundFailed => "refund_failed",
            FindingKind::RefundApproval => "refund_approval",
            FindingKind::Dispute => "dispute",
            FindingKind::BrokenInvariant => "broken_invariant",
        }
    }

    pub fn parse(name: &str) -> Option<FindingKind> {
        FindingKind::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// What must still happen outside; carried out at least once, by the outbox, and made harmless to repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Hand a message over.
    Send {
        delivery: DeliveryId,
    },
    /// Make the provider's session for an attempt whose first call got no answer.
    CreateSession {
        attempt: AttemptId,
    },
    /// Make sure that a session takes no more money.
    EnsureClosed {
        attempt: AttemptId,
    },
    CallRefund {
        refund: RefundId,
    },
    /// Send the receipt of an online payment.
    Receipt {
        payment: PaymentId,
    },
    /// Send a receipt that staff asked for.
    SendReceipt {
        receipt: ReceiptId,
    },
    /// Tell the patient that an online refund was made.
    RefundReceipt {
        refund: RefundId,
    },
    /// Email a manager the figures of the day before `day`, which counts days since 1970-01-01 in the clinic's zone.
    Digest {
        staff: StaffId,
        day: i64,
    },
}

/// What a rule decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub events: Vec<Event>,
    pub effects: Vec<Effect>,
}

impl Decision {
    /// Closes the open link and makes sure of its live attempt outside.
    pub(crate) fn close_open_link(&mut self, standing: &Standing, why: Closing, now: UtcMs) {
        if let Some(open) = &standing.open {
            self.events
                .push(Event::LinkMoved(open.closed(closing_for(open, why, now))));
        }
        if let Some(live) = &standing.live {
            self.effects.push(Effect::EnsureClosed { attempt: live.id });
        }
    }
}

impl Decision {
    /// After the balance fell: what would take more than is due now is closed. A link for nothing due ends, unless
    /// this decision has paid it; a session for more than is due is closed at the provider (design 3: a link never
    /// charges an old amount).
    pub(crate) fn close_what_exceeds(&mut self, standing: &Standing, now: UtcMs) {
        if planted(Fault::NothingClosed) {
            return;
        }
        let due = self.due_after(standing);
        if let Some(open) = &standing.open
            && due == 0
            && !self.moves_link(open.id)
        {
            let why = closing_for(open, Closing::Settled, now);
            self.events.push(Event::LinkMoved(open.closed(why)));
        }
        if let Some(live) = &standing.live
            && live.amount.minor > due
            && !self.moves_attempt(live.id)
        {
            self.effects.push(Effect::EnsureClosed { attempt: live.id });
        }
    }

    /// What is due once this decision's balance is written.
    fn due_after(&self, standing: &Standing) -> i64 {
        let set = self.events.iter().rev().find_map(|event| match event {
            Event::BalanceSet(balance) => Some(balance.due),
            _ => None,
        });
        set.unwrap_or(standing.balance.due)
    }

    fn moves_link(&self, id: LinkId) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, Event::LinkMoved(moved) if moved.link == id))
    }

    fn moves_attempt(&self, id: AttemptId) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, Event::AttemptMoved(moved) if moved.attempt == id))
    }
}

/// What is past its time has expired, whatever its row says: the sweep may not have been yet.
pub(crate) fn closing_for(link: &Link, why: Closing, now: UtcMs) -> Closing {
    if link.expired_at(now) {
        Closing::Expired
    } else {
        why
    }
}

/// Why a command was not carried out. Staff can mend each of these; the sentence they read is written in `web`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("nothing is due")]
    NothingDue,
    #[error("{asked} was asked for, {due} is due")]
    MoreThanDue { asked: Money, due: Money },
    #[error("the appointment is cancelled")]
    Cancelled,
    #[error("a discount cannot exceed the total of {total}")]
    BelowZero { total: Money },
    #[error("the amount is too large")]
    TooLarge,
    #[error("the amount is in another currency than the appointment")]
    OtherCurrency,
    /// A payment is under way and must be closed first.
    #[error("an online payment is in progress")]
    LivePayment,
    #[error("the link is paid")]
    LinkPaid,
    #[error("the link has expired")]
    LinkExpired,
    #[error("the link is cancelled")]
    LinkCancelled,
    #[error("the link can still be paid")]
    LinkOpen,
    /// Too many refused payments on one link; open again at the given time (hazard D16).
    #[error("too many tries")]
    TooManyTries { until: UtcMs },
    #[error("more than {available} cannot be refunded")]
    MoreThanRefundable { asked: Money, available: Money },
    /// The form showed another figure than is true now (hazard A18).
    #[error("{available} can be refunded now")]
    AvailableChanged { available: Money },
    /// The payer's bank has not decided about this payment (hazard A23).
    #[error("the payment is disputed")]
    Disputed,
    /// A refund that waits for a second person cannot be decided by who asked for it (hazard D18).
    #[error("another person has to decide")]
    OwnRequest,
    #[error("the refund was decided already")]
    RefundDecided,
    /// What a provider has taken is refunded; only what staff wrote down themselves can have been a mistake.
    #[error("only a whole payment taken at the desk can be corrected")]
    OnlyWholeAtDesk,
}

/// A link's id together with its appointment: what a caller needs to find the lock row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub appointment: ids::AppointmentId,
    pub link: LinkId,
}
