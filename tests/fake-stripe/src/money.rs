//! Money that goes back: refunds, disputes; and payouts to the clinic's bank. Each has its line in the books.

use crate::errors::Refusal;
use crate::params::Param;
use crate::world::{Charge, Dispute, Movement, Payout, Refund, World};

/// What a dispute costs, in minor units.
const DISPUTE_FEE: i64 = 2_000;
const RESPONSE_WITHIN_S: i64 = 7 * 86_400;

/// `POST /v1/refunds`
pub fn refund(world: &mut World, livemode: bool, params: &Param) -> Result<String, Refusal> {
    let charge = refundable(world, livemode, params)?;
    let left = charge.amount - charge.refunded;
    if left == 0 {
        return Err(
            Refusal::invalid(format!("Charge {} has already been refunded.", charge.id))
                .code("charge_already_refunded"),
        );
    }
    if charge.disputed {
        return Err(Refusal::invalid(format!(
            "Charge {} has been charged back; cannot issue a refund.",
            charge.id
        ))
        .code("charge_disputed"));
    }
    let amount = params.integer("amount").unwrap_or(left);
    if amount > left {
        return Err(Refusal::invalid(format!(
            "Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        ))
        .at("amount"));
    }
    let metadata = params.texts("metadata").into_iter().collect();
    let reason = params.text("reason").map(str::to_owned);
    Ok(give_back(world, &charge, amount, metadata, reason))
}

fn refundable(world: &World, livemode: bool, params: &Param) -> Result<Charge, Refusal> {
    let (id, what, param) = match (params.text("payment_intent"), params.text("charge")) {
        (Some(id), None) => (id, "payment_intent", "payment_intent"),
        (None, Some(id)) => (id, "charge", "charge"),
        _ => {
            return Err(Refusal::invalid(
                "One of the following params should be provided for this request: payment_intent or charge.",
            ));
        }
    };
    let charge = match what {
        "charge" => world.charges.get(id),
        _ => match world
            .payments
            .get(id)
            .filter(|payment| payment.livemode == livemode)
        {
            None => None,
            Some(payment) => {
                let charge = payment
                    .charge
                    .as_deref()
                    .and_then(|id| world.charges.get(id));
                let charge = charge.filter(|charge| charge.status == "succeeded");
                return charge.cloned().ok_or_else(|| {
                    Refusal::invalid(format!(
                        "This PaymentIntent ({id}) does not have a successful charge to refund."
                    ))
                    .at("payment_intent")
                });
            }
        },
    };
    let charge = charge.filter(|charge| charge.livemode == livemode);
    charge
        .cloned()
        .ok_or_else(|| Refusal::missing(what, id, param, 404))
}

/// A card's refund has succeeded at once, a lender's is pending until told.
fn give_back(
    world: &mut World,
    charge: &Charge,
    amount: i64,
    metadata: crate::world::Metadata,
    reason: Option<String>,
) -> String {
    let id = world.new_id("re");
    let line = Movement {
        id: world.new_id("txn"),
        livemode: charge.livemode,
        created: world.now(),
        kind: if charge.method == "card" {
            "refund"
        } else {
            "payment_refund"
        },
        category: "refund",
        amount: -amount,
        fee: 0,
        currency: charge.currency.clone(),
        source: id.clone(),
    };
    let movement = world.moves(line);
    world.refunds.put(Refund {
        id: id.clone(),
        livemode: charge.livemode,
        created: world.now(),
        payment: charge.payment.clone(),
        charge: charge.id.clone(),
        amount,
        currency: charge.currency.clone(),
        status: if charge.method == "card" {
            "succeeded"
        } else {
            "pending"
        },
        failure: None,
        reason,
        metadata,
        movement: Some(movement),
        failure_movement: None,
    });
    if let Some(charge) = world.charges.get_mut(&charge.id) {
        charge.refunded += amount;
    }
    world.tell("charge.refunded", &charge.id);
    world.tell("refund.created", &id);
    world.tell("charge.refund.updated", &id);
    id
}

/// A refund made by hand in Stripe's dashboard. `None`: there is no such payment, or not so much is left.
pub fn refund_in_dashboard(world: &mut World, payment: &str, amount: i64) -> Option<String> {
    let charge = world.payments.get(payment)?.charge.clone()?;
    let charge = world.charges.get(&charge)?.clone();
    (amount > 0 && charge.status == "succeeded" && charge.refunded + amount <= charge.amount)
        .then(|| give_back(world, &charge, amount, crate::world::Metadata::new(), None))
}

/// Pending refunds arrive.
pub fn settle_refunds(world: &mut World) {
    let pending = world
        .refunds
        .all()
        .iter()
        .filter(|refund| refund.status == "pending");
    let pending: Vec<String> = pending.map(|refund| refund.id.clone()).collect();
    for id in pending {
        if let Some(refund) = world.refunds.get_mut(&id) {
            refund.status = "succeeded";
        }
        world.tell("refund.updated", &id);
        world.tell("charge.refund.updated", &id);
    }
}

/// A refund comes back, days after it had succeeded. Answers whether it could.
pub fn fail_refund(world: &mut World, id: &str) -> bool {
    let Some(refund) = world
        .refunds
        .get(id)
        .cloned()
        .filter(|refund| refund.status != "failed")
    else {
        return false;
    };
    let line = Movement {
        id: world.new_id("txn"),
        livemode: refund.livemode,
        created: world.now(),
        kind: "refund_failure",
        category: "refund_failure",
        amount: refund.amount,
        fee: 0,
        currency: refund.currency.clone(),
        source: refund.id.clone(),
    };
    let movement = world.moves(line);
    if let Some(refund) = world.refunds.get_mut(id) {
        refund.status = "failed";
        refund.failure = Some("lost_or_stolen_card");
        refund.failure_movement = Some(movement);
    }
    if let Some(charge) = world.charges.get_mut(&refund.charge) {
        charge.refunded -= refund.amount;
    }
    world.tell("refund.failed", id);
    world.tell("charge.refund.updated", id);
    true
}

/// A payer disputes a payment with the bank; the money is taken at once. `None`: nothing was paid.
pub fn open_dispute(world: &mut World, payment: &str, amount: i64) -> Option<String> {
    let charge = world.payments.get(payment)?.charge.clone()?;
    let charge = world
        .charges
        .get(&charge)
        .filter(|charge| charge.status == "succeeded")?
        .clone();
    let id = world.new_id("du");
    world.disputes.put(Dispute {
        id: id.clone(),
        livemode: charge.livemode,
        created: world.now(),
        payment: charge.payment.clone(),
        charge: charge.id.clone(),
        amount,
        currency: charge.currency.clone(),
        status: "needs_response",
        reason: "fraudulent",
        due_by: world.now() + RESPONSE_WITHIN_S,
        movements: Vec::new(),
    });
    if let Some(charge) = world.charges.get_mut(&charge.id) {
        charge.disputed = true;
    }
    world.tell("charge.dispute.created", &id);
    withdraw_funds(world, &id);
    Some(id)
}

/// The disputed money is taken from the balance, with the fee.
pub fn withdraw_funds(world: &mut World, id: &str) {
    takes(world, id, -1);
    world.tell("charge.dispute.funds_withdrawn", id);
}

/// The disputed money is given back; the fee is not.
pub fn reinstate(world: &mut World, id: &str) {
    takes(world, id, 1);
    world.tell("charge.dispute.funds_reinstated", id);
}

fn takes(world: &mut World, id: &str, sign: i64) {
    let Some(dispute) = world.disputes.get(id).cloned() else {
        return;
    };
    let line = Movement {
        id: world.new_id("txn"),
        livemode: dispute.livemode,
        created: world.now(),
        kind: "adjustment",
        category: if sign < 0 {
            "dispute"
        } else {
            "dispute_reversal"
        },
        amount: sign * dispute.amount,
        fee: if sign < 0 { DISPUTE_FEE } else { 0 },
        currency: dispute.currency,
        source: dispute.id,
    };
    let movement = world.moves(line);
    if let Some(dispute) = world.disputes.get_mut(id) {
        dispute.movements.push(movement);
    }
}

/// The bank decides. A win gives the money back.
pub fn close_dispute(world: &mut World, id: &str, won: bool) {
    if let Some(dispute) = world.disputes.get_mut(id) {
        dispute.status = if won { "won" } else { "lost" };
    }
    world.tell("charge.dispute.closed", id);
    if won {
        reinstate(world, id);
    }
}

/// Everything on the balance of a mode goes to the bank: one payout for each currency with something in it.
pub fn pay_out(world: &mut World, livemode: bool) -> Vec<String> {
    let mut made = Vec::new();
    for (currency, amount) in world.balance(livemode) {
        if amount <= 0 {
            continue;
        }
        let id = world.new_id("po");
        let line = Movement {
            id: world.new_id("txn"),
            livemode,
            created: world.now(),
            kind: "payout",
            category: "payout",
            amount: -amount,
            fee: 0,
            currency: currency.clone(),
            source: id.clone(),
        };
        let movement = world.moves(line);
        world.payouts.put(Payout {
            id: id.clone(),
            livemode,
            created: world.now(),
            amount,
            currency,
            status: "paid",
            movement: Some(movement),
        });
        world.tell("payout.created", &id);
        world.tell("payout.paid", &id);
        made.push(id);
    }
    made
}

/// The bank sends a payout back.
pub fn fail_payout(world: &mut World, id: &str) {
    let Some(payout) = world.payouts.get_mut(id) else {
        return;
    };
    payout.status = "failed";
    let payout = payout.clone();
    let line = Movement {
        id: world.new_id("txn"),
        livemode: payout.livemode,
        created: world.now(),
        kind: "payout_failure",
        category: "payout_reversal",
        amount: payout.amount,
        fee: 0,
        currency: payout.currency,
        source: payout.id,
    };
    world.moves(line);
    world.tell("payout.failed", id);
}
