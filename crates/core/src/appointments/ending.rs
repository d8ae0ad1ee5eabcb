//! Changing the status, and what becomes of the money of an appointment that does not take place (hazards 7.6).

use super::{Charge, ChargeKind, Status, credit_left, reprice_balance};
use crate::UtcMs;
use crate::account::{Balance, Decision, Event, Refusal, Standing};
use crate::ids::{ChargeId, TxnId};
use crate::ledger::TxnKind;
use crate::links::Closing;

/// What staff decide about the money of an appointment that does not take place. Either way nothing is due any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// What was paid becomes a fee that the clinic keeps.
    Keep(Fee),
    /// Nothing is charged: what was paid is the patient's credit.
    Credit,
}

/// The line in place of all others, for as much as is paid of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    pub charge: ChargeId,
    pub txn: TxnId,
    pub description: String,
}

/// Changes the status. `settlement` counts only where the appointment does not take place. Without one, a cancelled
/// appointment's charges are gone and what was paid stays as credit that staff have to decide about; a missed one's
/// stay as they are.
///
/// # Errors
/// [`Refusal::Cancelled`]; [`Refusal::LivePayment`] when the charges are to go while a payment is under way.
pub fn change_status(
    standing: &Standing,
    to: Status,
    settlement: Option<&Settlement>,
    charges: &[(Charge, TxnId)],
    now: UtcMs,
) -> Result<Decision, Refusal> {
    if standing.status == to {
        return Ok(Decision::default());
    }
    if !standing.status.may_become(to) {
        return Err(Refusal::Cancelled);
    }
    let mut decision = Decision::default();
    let settlement = settlement.filter(|_| to.is_missed());
    if to == Status::Cancelled || settlement.is_some() {
        if standing.live.is_some() {
            return Err(Refusal::LivePayment);
        }
        let balance = settle(&mut decision, standing, settlement, charges);
        // Staff who have chosen need not be asked again.
        let undecided = settlement.is_none().then(|| {
            credit_left(
                &standing.balance,
                &balance,
                standing.appointment.to_string(),
            )
        });
        decision.events.push(Event::BalanceSet(balance));
        decision.events.extend(undecided.flatten());
        let why = if to == Status::Cancelled {
            Closing::AppointmentCancelled
        } else {
            Closing::Settled
        };
        decision.close_open_link(standing, why, now);
    }
    decision.events.push(Event::StatusChanged {
        from: standing.status,
        to,
    });
    Ok(decision)
}

/// Takes the charges away, a fee put in their place first where one is kept.
fn settle(
    decision: &mut Decision,
    standing: &Standing,
    settlement: Option<&Settlement>,
    charges: &[(Charge, TxnId)],
) -> Balance {
    let mut balance = standing.balance.clone();
    let mut reprice = |change: i64, txn: TxnId, kind, charge: ChargeId| {
        let (after, posted) = reprice_balance(&balance, change, txn, kind, charge.to_string());
        balance = after;
        posted.map(Event::Posted)
    };
    let covered = standing.balance.covered();
    if let Some(Settlement::Keep(fee)) = settlement
        && covered.minor > 0
    {
        decision.events.push(Event::ChargeAdded {
            charge: Charge {
                id: fee.charge,
                kind: ChargeKind::Extra,
                description: fee.description.clone(),
                quantity: 1,
                amount: covered,
                service: None,
            },
        });
        let posted = reprice(covered.minor, fee.txn, TxnKind::Charge, fee.charge);
        decision.events.extend(posted);
    }
    // Discounts are taken away first, so that the total never passes below zero on the way.
    let mut charges: Vec<_> = charges.iter().collect();
    charges.sort_by_key(|(charge, _)| charge.amount.minor);
    for (charge, txn) in charges {
        decision.events.push(Event::ChargeRemoved {
            charge: charge.id,
            amount: charge.amount,
            why: None,
        });
        let posted = reprice(-charge.amount.minor, *txn, TxnKind::Uncharge, charge.id);
        decision.events.extend(posted);
    }
    balance
}
