//! Objects as the API answers them, and `expand[]`.

use serde_json::{Value, json};

use crate::errors::Refusal;
use crate::tables::VERSION;
use crate::world::{
    Charge, Dispute, Endpoint, Event, Kept, Movement, Payment, Payout, Refund, Session, Standing,
    World,
};

macro_rules! kept {
    ($($kind:ty => $render:ident),* $(,)?) => { $(impl Kept for $kind {
        fn id(&self) -> &str { &self.id }
        fn created(&self) -> i64 { self.created }
        fn livemode(&self) -> bool { self.livemode }
        fn json(&self, _: &World) -> Value { $render(self) }
    })* };
}
kept!(
    Session => session, Payment => payment, Charge => charge, Refund => refund, Movement => movement,
    Payout => payout, Event => event, Endpoint => endpoint,
);

impl Kept for Dispute {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn livemode(&self) -> bool {
        self.livemode
    }

    /// Its lines of the books come whole, without being asked for.
    fn json(&self, world: &World) -> Value {
        let lines = self
            .movements
            .iter()
            .filter_map(|id| world.movements.get(id));
        let lines: Vec<Value> = lines.map(movement).collect();
        json!({
            "id": self.id, "object": "dispute", "livemode": self.livemode, "created": self.created,
            "amount": self.amount, "currency": self.currency, "charge": self.charge,
            "payment_intent": self.payment, "status": self.status, "reason": self.reason,
            "balance_transactions": lines, "metadata": {}, "is_charge_refundable": false,
            "evidence_details": { "due_by": self.due_by, "has_evidence": false, "past_due": false,
                "submission_count": 0 },
        })
    }
}

/// By the prefix of its id.
pub fn find(world: &World, id: &str) -> Option<Value> {
    fn of<T: Kept>(world: &World, object: Option<&T>) -> Option<Value> {
        object.map(|object| object.json(world))
    }
    match id.split('_').next().unwrap_or_default() {
        "cs" => of(world, world.sessions.get(id)),
        "pi" => of(world, world.payments.get(id)),
        "ch" => of(world, world.charges.get(id)),
        "re" => of(world, world.refunds.get(id)),
        "du" => of(world, world.disputes.get(id)),
        "txn" => of(world, world.movements.get(id)),
        "po" => of(world, world.payouts.get(id)),
        "evt" => of(world, world.events.get(id)),
        "we" => of(world, world.endpoints.get(id)),
        _ => None,
    }
}

fn session(it: &Session) -> Value {
    let standing = match it.standing {
        Standing::Open => "open",
        Standing::Complete => "complete",
        Standing::Expired => "expired",
    };
    json!({
        "id": it.id, "object": "checkout.session", "livemode": it.livemode, "created": it.created,
        "expires_at": it.expires_at, "status": standing, "mode": "payment",
        "payment_status": if it.paid { "paid" } else { "unpaid" },
        "url": (it.standing == Standing::Open).then_some(&it.url),
        "payment_method_types": [it.method], "amount_total": it.amount, "amount_subtotal": it.amount,
        "currency": it.currency, "client_reference_id": it.reference, "metadata": it.metadata,
        "payment_intent": it.payment, "customer": null, "customer_email": it.email,
        "customer_details": null, "locale": it.locale, "success_url": it.success_url,
        "cancel_url": it.cancel_url, "ui_mode": "hosted_page",
        "adaptive_pricing": { "enabled": false },
    })
}

fn payment(it: &Payment) -> Value {
    let error = it.error.map(|(code, decline_code, message)| {
        json!({ "type": "card_error", "code": code, "decline_code": decline_code, "message": message,
            "charge": it.charge })
    });
    json!({
        "id": it.id, "object": "payment_intent", "livemode": it.livemode, "created": it.created,
        "amount": it.amount, "amount_received": it.received, "amount_capturable": 0,
        "currency": it.currency, "status": it.status, "metadata": it.metadata,
        "description": it.description, "latest_charge": it.charge, "last_payment_error": error,
        "payment_method_types": [it.method], "capture_method": "automatic_async",
        "canceled_at": null, "customer": null,
    })
}

fn charge(it: &Charge) -> Value {
    let means = match it.method.as_str() {
        "card" => {
            json!({ "type": "card", "card": { "brand": "visa", "last4": it.last4, "wallet": null,
            "country": "GB", "funding": "credit", "exp_month": 12, "exp_year": 2034 } })
        }
        method => json!({ "type": method, method: {} }),
    };
    json!({
        "id": it.id, "object": "charge", "livemode": it.livemode, "created": it.created,
        "amount": it.amount, "amount_captured": if it.status == "succeeded" { it.amount } else { 0 },
        "amount_refunded": it.refunded, "currency": it.currency, "status": it.status,
        "paid": it.status == "succeeded", "captured": it.status == "succeeded",
        "refunded": it.refunded == it.amount, "disputed": it.disputed, "payment_intent": it.payment,
        "balance_transaction": it.movement, "payment_method_details": means,
    })
}

fn refund(it: &Refund) -> Value {
    let mut refund = json!({
        "id": it.id, "object": "refund", "created": it.created, "amount": it.amount,
        "currency": it.currency, "charge": it.charge, "payment_intent": it.payment,
        "status": it.status, "reason": it.reason, "metadata": it.metadata,
        "balance_transaction": it.movement, "failure_balance_transaction": it.failure_movement,
    });
    if let Some(failure) = it.failure {
        refund["failure_reason"] = json!(failure);
    }
    refund
}

fn movement(it: &Movement) -> Value {
    let details = match it.fee {
        0 => json!([]),
        fee => {
            json!([{ "amount": fee, "currency": it.currency, "type": "stripe_fee", "description": "Stripe processing fees" }])
        }
    };
    json!({
        "id": it.id, "object": "balance_transaction", "created": it.created, "type": it.kind,
        "reporting_category": it.category, "amount": it.amount, "fee": it.fee, "net": it.amount - it.fee,
        "currency": it.currency, "source": it.source, "status": "available", "fee_details": details,
        "available_on": it.created + 2 * 86_400, "exchange_rate": null,
    })
}

fn payout(it: &Payout) -> Value {
    json!({
        "id": it.id, "object": "payout", "livemode": it.livemode, "created": it.created,
        "arrival_date": it.created + 86_400, "amount": it.amount, "currency": it.currency,
        "status": it.status, "balance_transaction": it.movement, "automatic": true, "type": "bank_account",
    })
}

fn event(it: &Event) -> Value {
    json!({
        "id": it.id, "object": "event", "livemode": it.livemode, "created": it.created,
        "type": it.kind, "api_version": VERSION, "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null }, "data": { "object": it.object },
    })
}

/// The secret is told once, where the endpoint is made.
fn endpoint(it: &Endpoint) -> Value {
    json!({
        "id": it.id, "object": "webhook_endpoint", "livemode": it.livemode, "created": it.created,
        "url": it.url, "enabled_events": it.kinds, "status": if it.enabled { "enabled" } else { "disabled" },
        "api_version": VERSION, "metadata": it.metadata, "description": null,
    })
}

/// The members that hold an id of another object.
const LINKS: &[&str] = &[
    "payment_intent",
    "latest_charge",
    "charge",
    "balance_transaction",
    "failure_balance_transaction",
    "source",
];

/// Puts objects where ids stood, along each path.
///
/// # Errors
/// Stripe's refusal of a path that leads nowhere, or over four steps.
pub fn expand(
    world: &World,
    answer: &mut Value,
    paths: &[(String, String)],
) -> Result<(), Refusal> {
    for (_, path) in paths {
        let steps: Vec<&str> = path.split('.').collect();
        if steps.len() > 4 {
            return Err(
                Refusal::invalid("You cannot expand more than 4 levels of a property.")
                    .at("expand"),
            );
        }
        step(world, answer, &steps).ok_or_else(|| {
            Refusal::invalid(format!("This property cannot be expanded ({path}).")).at("expand")
        })?;
    }
    Ok(())
}

fn step(world: &World, at: &mut Value, steps: &[&str]) -> Option<()> {
    let Some((first, rest)) = steps.split_first() else {
        return Some(());
    };
    if let (&"data", Some(items)) = (first, at.get_mut("data").and_then(Value::as_array_mut)) {
        return items
            .iter_mut()
            .try_for_each(|item| step(world, item, rest));
    }
    let place = at.get_mut(first)?;
    if !LINKS.contains(first) {
        return None;
    }
    if let Some(object) = place.as_str().and_then(|id| find(world, id)) {
        *place = object;
    }
    if place.is_object() {
        step(world, place, rest)
    } else {
        Some(())
    }
}
