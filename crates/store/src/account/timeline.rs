//! What people see of a decision, and what leaves as an outgoing webhook later.

use remit_core::account::Event;
use remit_core::ids::LinkId;
use remit_core::links::LinkState;
use remit_core::money::Money;
use remit_core::refunds::{Approval, RefundState};
use serde_json::{Value, json};

type Told = (&'static str, Option<LinkId>, Value);

fn money(money: &Money) -> Value {
    json!({ "amount": money.minor, "currency": money.currency.code() })
}

/// The timeline's word for an event, and what its sentence needs.
pub(super) fn told(event: &Event) -> Option<Told> {
    Some(match event {
        Event::ChargeAdded { charge } => (
            "charge.added",
            None,
            json!({ "what": charge.title(), "money": money(&charge.amount) }),
        ),
        Event::ChargeRemoved { amount, why, .. } => (
            "charge.removed",
            None,
            json!({ "money": money(amount), "reason": why }),
        ),
        Event::StatusChanged { from, to } => (
            "appointment.status",
            None,
            json!({ "from": from.name(), "to": to.name() }),
        ),
        Event::Moved { to } => (
            "appointment.moved",
            None,
            json!({ "starts_at": to.starts_at, "ends_at": to.ends_at, "practitioner": to.practitioner }),
        ),
        Event::LinkIssued(link) => (
            "payment_link.created",
            Some(link.id),
            json!({ "money": money(&link.amount), "purpose": link.purpose.name() }),
        ),
        Event::LinkMoved(moved) => (
            match moved.to {
                LinkState::Created => return None,
                LinkState::Sent => "payment_link.sent",
                LinkState::Accessed => "payment_link.accessed",
                LinkState::Expired => "payment_link.expired",
                LinkState::Cancelled => "payment_link.cancelled",
                LinkState::Paid => "payment_link.paid",
            },
            Some(moved.link),
            json!({ "money": money(&moved.amount), "why": moved.why.map(|why| why.name()), "late": moved.late }),
        ),
        Event::NewLinkAsked { link } => ("payment_link.asked_again", Some(*link), json!({})),
        Event::AttemptStarted(attempt) => (
            "attempt.started",
            attempt.link,
            json!({ "method": attempt.method.name(), "money": money(&attempt.amount) }),
        ),
        Event::AttemptMoved(moved) => {
            use remit_core::attempts::AttemptState as S;
            let kind = match moved.to {
                S::Processing => "attempt.processing",
                S::Failed => "attempt.failed",
                S::Creating | S::Unknown | S::Open | S::Expired | S::Cancelled | S::Succeeded => {
                    return None;
                }
            };
            (kind, moved.link, json!({}))
        }
        Event::PaymentReceived(payment) => (
            "payment.succeeded",
            payment.link,
            json!({ "payment": payment.id.to_string(), "money": money(&payment.amount),
                "method": payment.paid_by.name(), "with": payment.reference }),
        ),
        Event::RefundRequested(_)
        | Event::RefundDecided { .. }
        | Event::RefundMoved { .. }
        | Event::DisputeMoved { .. } => return money_back(event),
        Event::Posted(_)
        | Event::BalanceSet(_)
        | Event::FindingOpened(_)
        | Event::FindingRenewed(_)
        | Event::FindingClosed { .. } => return None,
    })
}

/// Money that goes back, or that the payer's bank wants back.
fn money_back(event: &Event) -> Option<Told> {
    Some(match event {
        Event::RefundRequested(refund) => (
            "refund.requested",
            None,
            json!({ "money": money(&refund.amount), "reason": refund.reason,
                "approval": refund.approval.map(Approval::name), "correction": refund.correction }),
        ),
        Event::RefundDecided {
            approval, amount, ..
        } => (
            match approval {
                Approval::Needed => return None,
                Approval::Approved => "refund.approved",
                Approval::Declined => "refund.declined",
            },
            None,
            json!({ "money": money(amount) }),
        ),
        Event::DisputeMoved { before, after } => {
            let known = before.as_ref().map(|before| before.state);
            if known == Some(after.state) {
                return None;
            }
            (
                "payment.disputed",
                None,
                json!({ "payment": after.payment.to_string(), "money": money(&after.amount),
                    "status": after.state.name(), "reason": after.reason, "due_by": after.due_by }),
            )
        }
        // A correction was told of when it was asked for, and gave nothing back.
        Event::RefundMoved {
            to: RefundState::Succeeded,
            amount,
            correction: false,
            ..
        } => ("payment.refunded", None, json!({ "money": money(amount) })),
        Event::RefundMoved {
            to: RefundState::Failed,
            amount,
            ..
        } => ("refund.failed", None, json!({ "money": money(amount) })),
        _ => return None,
    })
}
