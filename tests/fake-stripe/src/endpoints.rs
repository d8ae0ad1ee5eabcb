//! The endpoints: which there are, which permission each needs, what each does. The world is locked meanwhile.

use serde_json::{Value, json};

use crate::errors::Refusal;
use crate::objects::expand;
use crate::params::{Field, Param};
use crate::world::{Endpoint, Kept, Key, Shelf, World};
use crate::{money, sessions, tables};

/// Events go back so far.
const EVENTS_LIFE_S: i64 = 30 * 86_400;
/// Kinds of events that can be asked for by an endpoint; what is told here, and `*`.
const EVENT_KINDS: &[&str] = &[
    "*",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.created",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "charge.succeeded",
    "charge.failed",
    "charge.pending",
    "charge.refunded",
    "charge.updated",
    "charge.captured",
    "charge.expired",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "payout.created",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
    "balance.available",
    "account.updated",
];

/// One call, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    SessionCreate,
    SessionList,
    SessionGet(String),
    SessionExpire(String),
    PaymentGet(String),
    RefundCreate,
    RefundList,
    RefundGet(String),
    EventList,
    EventGet(String),
    DisputeList,
    DisputeGet(String),
    MovementList,
    PayoutList,
    Account,
    Balance,
    EndpointList,
    EndpointCreate,
}

impl Call {
    /// `path` is what follows `/v1/`.
    pub fn read(verb: &str, path: &str) -> Option<Call> {
        let parts: Vec<&str> = path.split('/').collect();
        Some(match (verb, parts.as_slice()) {
            ("POST", ["checkout", "sessions"]) => Call::SessionCreate,
            ("GET", ["checkout", "sessions"]) => Call::SessionList,
            ("GET", ["checkout", "sessions", id]) => Call::SessionGet((*id).into()),
            ("POST", ["checkout", "sessions", id, "expire"]) => Call::SessionExpire((*id).into()),
            ("GET", ["payment_intents", id]) => Call::PaymentGet((*id).into()),
            ("POST", ["refunds"]) => Call::RefundCreate,
            ("GET", ["refunds"]) => Call::RefundList,
            ("GET", ["refunds", id]) => Call::RefundGet((*id).into()),
            ("GET", ["events"]) => Call::EventList,
            ("GET", ["events", id]) => Call::EventGet((*id).into()),
            ("GET", ["disputes"]) => Call::DisputeList,
            ("GET", ["disputes", id]) => Call::DisputeGet((*id).into()),
            ("GET", ["balance_transactions"]) => Call::MovementList,
            ("GET", ["payouts"]) => Call::PayoutList,
            ("GET", ["account"]) => Call::Account,
            ("GET", ["balance"]) => Call::Balance,
            ("GET", ["webhook_endpoints"]) => Call::EndpointList,
            ("POST", ["webhook_endpoints"]) => Call::EndpointCreate,
            _ => return None,
        })
    }

    /// The endpoint's parameters, and the permission that a restricted key needs for it.
    pub fn table(&self) -> (&'static [Field], &'static str) {
        match self {
            Call::SessionCreate => (tables::SESSION_CREATE, "rak_checkout_session_write"),
            Call::SessionExpire(_) => (tables::NOTHING, "rak_checkout_session_write"),
            Call::SessionList => (tables::SESSION_LIST, "rak_checkout_session_read"),
            Call::SessionGet(_) => (tables::NOTHING, "rak_checkout_session_read"),
            Call::PaymentGet(_) => (tables::NOTHING, "rak_payment_intent_read"),
            Call::RefundCreate => (tables::REFUND_CREATE, "rak_charge_write"),
            Call::RefundList => (tables::BY_PAYMENT_LIST, "rak_charge_read"),
            Call::RefundGet(_) => (tables::NOTHING, "rak_charge_read"),
            Call::EventList => (tables::EVENT_LIST, "rak_event_read"),
            Call::EventGet(_) => (tables::NOTHING, "rak_event_read"),
            Call::DisputeList => (tables::BY_PAYMENT_LIST, "rak_dispute_read"),
            Call::DisputeGet(_) => (tables::NOTHING, "rak_dispute_read"),
            Call::MovementList => (tables::MOVEMENT_LIST, "rak_balance_transaction_source_read"),
            Call::PayoutList => (tables::PAYOUT_LIST, "rak_payout_read"),
            Call::Account => (tables::NOTHING, "rak_accounts_kyc_basic_read"),
            Call::Balance => (tables::NOTHING, "rak_balance_read"),
            Call::EndpointList => (tables::ENDPOINT_LIST, "rak_webhook_read"),
            Call::EndpointCreate => (tables::ENDPOINT_CREATE, "rak_webhook_write"),
        }
    }
}

/// Who asks: the key of a request.
///
/// # Errors
/// 401 as Stripe words it: no key, a wrong one, one that was replaced.
pub fn key(world: &World, authorization: Option<&str>) -> Result<Key, Refusal> {
    let none = || {
        Refusal::invalid("You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.").status(401)
    };
    let secret = authorization
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(none)?;
    let shown = match secret.char_indices().rev().nth(3) {
        Some((at, _)) if at >= 8 => format!(
            "{}****{}",
            secret.get(..8).unwrap_or_default(),
            secret.get(at..).unwrap_or_default()
        ),
        _ => "****".to_owned(),
    };
    if secret.starts_with("pk_") {
        return Err(Refusal::invalid(
            "This API call cannot be made with a publishable API key. Please use a secret API key.",
        )
        .code("secret_key_required")
        .status(401));
    }
    let key = world.keys.iter().find(|key| key.secret == secret);
    let key = key.ok_or_else(|| {
        Refusal::invalid(format!("Invalid API Key provided: {shown}")).status(401)
    })?;
    if key.revoked {
        return Err(
            Refusal::invalid(format!("Expired API Key provided: {shown}"))
                .code("api_key_expired")
                .status(401),
        );
    }
    Ok(key.clone())
}

/// # Errors
/// 403: a restricted key without the permission. To write is to be allowed to read.
pub fn permit(world: &World, key: &Key, permission: &str) -> Result<(), Refusal> {
    let writes = permission.replace("_read", "_write");
    let may = |all: &Vec<String>| all.iter().any(|one| *one == permission || *one == writes);
    if key.may.as_ref().is_none_or(may) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "The provided key does not have the required permissions for this endpoint on account '{}'. Having the \
         '{permission}' permission would allow this request to continue.",
        world.account
    ))
    .status(403))
}

/// Carries a call out.
///
/// # Errors
/// Stripe's refusal.
pub fn carry_out(
    world: &mut World,
    livemode: bool,
    call: &Call,
    params: &Param,
) -> Result<Value, Refusal> {
    let mut answer = match call {
        Call::SessionCreate => {
            let id = sessions::create(world, livemode, params)?;
            one(world, &world.sessions, "checkout.session", &id, livemode)?
        }
        Call::SessionExpire(id) => {
            one(world, &world.sessions, "checkout.session", id, livemode)?;
            sessions::expire(world, id)?;
            one(world, &world.sessions, "checkout.session", id, livemode)?
        }
        Call::RefundCreate => {
            let id = money::refund(world, livemode, params)?;
            one(world, &world.refunds, "refund", &id, livemode)?
        }
        Call::EndpointCreate => endpoint(world, livemode, params)?,
        _ => look(world, livemode, call, params)?,
    };
    expand(world, &mut answer, &params.texts("expand"))?;
    Ok(answer)
}

/// The calls that change nothing.
fn look(world: &World, livemode: bool, call: &Call, params: &Param) -> Result<Value, Refusal> {
    let payment = params.text("payment_intent");
    let charge = params.text("charge");
    let is = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
    match call {
        Call::SessionGet(id) => one(world, &world.sessions, "checkout.session", id, livemode),
        Call::SessionList => list(world, &world.sessions, livemode, params, |session| {
            payment.is_none_or(|payment| session.payment.as_deref() == Some(payment))
                && params
                    .text("status")
                    .is_none_or(|status| session.json(world)["status"] == status)
        }),
        Call::PaymentGet(id) => one(world, &world.payments, "payment_intent", id, livemode),
        Call::RefundGet(id) => one(world, &world.refunds, "refund", id, livemode),
        Call::RefundList => list(world, &world.refunds, livemode, params, |refund| {
            is(payment, &refund.payment) && is(charge, &refund.charge)
        }),
        Call::EventGet(id) => one(world, &world.events, "event", id, livemode),
        Call::EventList => {
            let types = params.texts("types");
            let oldest = world.now() - EVENTS_LIFE_S;
            list(world, &world.events, livemode, params, |event| {
                event.created >= oldest
                    && is(params.text("type"), event.kind)
                    && (types.is_empty() || types.iter().any(|(_, kind)| kind == event.kind))
            })
        }
        Call::DisputeGet(id) => one(world, &world.disputes, "dispute", id, livemode),
        Call::DisputeList => list(world, &world.disputes, livemode, params, |dispute| {
            is(payment, &dispute.payment) && is(charge, &dispute.charge)
        }),
        Call::MovementList => list(world, &world.movements, livemode, params, |line| {
            is(params.text("source"), &line.source)
                && is(params.text("type"), line.kind)
                && is(params.text("currency"), &line.currency)
        }),
        Call::PayoutList => list(world, &world.payouts, livemode, params, |payout| {
            is(params.text("status"), payout.status)
        }),
        Call::EndpointList => list(world, &world.endpoints, livemode, params, |_| true),
        Call::Balance => {
            let sums = world.balance(livemode);
            let sums: Vec<Value> = sums
                .into_iter()
                .map(|(currency, amount)| json!({ "amount": amount, "currency": currency }))
                .collect();
            Ok(
                json!({ "object": "balance", "livemode": livemode, "available": sums, "pending": [] }),
            )
        }
        _ => Ok(world.account_json()),
    }
}

fn one<T: Kept>(
    world: &World,
    shelf: &Shelf<T>,
    what: &str,
    id: &str,
    livemode: bool,
) -> Result<Value, Refusal> {
    match shelf.get(id) {
        Some(object) if object.livemode() == livemode => Ok(object.json(world)),
        Some(object) => Err(Refusal::other_mode(what, id, "id", object.livemode())),
        None => Err(Refusal::missing(what, id, "id", 404)),
    }
}

/// Newest first, `limit` of them after `starting_after`.
fn list<T: Kept>(
    world: &World,
    shelf: &Shelf<T>,
    livemode: bool,
    params: &Param,
    wanted: impl Fn(&T) -> bool,
) -> Result<Value, Refusal> {
    let all = shelf.all();
    let end = match params.text("starting_after") {
        None => all.len(),
        Some(id) => shelf
            .place(id)
            .ok_or_else(|| Refusal::missing("object", id, "starting_after", 400))?,
    };
    let limit = params
        .integer("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(10);
    let bound = |name: &str| params.integer(&format!("created.{name}"));
    let in_time = |at: i64| {
        bound("gt").is_none_or(|bound| at > bound)
            && bound("gte").is_none_or(|bound| at >= bound)
            && bound("lt").is_none_or(|bound| at < bound)
            && bound("lte").is_none_or(|bound| at <= bound)
            && params.integer("created").is_none_or(|bound| at == bound)
    };
    let older = all.get(..end).unwrap_or_default().iter().rev();
    let mut found = older.filter(|object| {
        object.livemode() == livemode && in_time(object.created()) && wanted(object)
    });
    let page: Vec<Value> = found
        .by_ref()
        .take(limit)
        .map(|object| object.json(world))
        .collect();
    Ok(json!({ "object": "list", "data": page, "has_more": found.next().is_some(), "url": "/v1" }))
}

fn endpoint(world: &mut World, livemode: bool, params: &Param) -> Result<Value, Refusal> {
    let kinds: Vec<String> = params
        .texts("enabled_events")
        .into_iter()
        .map(|(_, kind)| kind)
        .collect();
    for (n, kind) in kinds.iter().enumerate() {
        if !EVENT_KINDS.contains(&kind.as_str()) {
            return Err(
                Refusal::invalid(format!("Invalid enabled_events[{n}]: {kind}"))
                    .at(format!("enabled_events[{n}]")),
            );
        }
    }
    if kinds.is_empty() {
        return Err(Refusal::missing_parameter("enabled_events"));
    }
    if params
        .text("api_version")
        .is_some_and(|version| version != tables::VERSION)
    {
        return Err(Refusal::invalid("Invalid Stripe API version").at("api_version"));
    }
    let url = params.text("url").unwrap_or_default().to_owned();
    if livemode && !url.starts_with("https:") {
        return Err(
            Refusal::invalid("Invalid URL: URL must be https in live mode.")
                .code("url_invalid")
                .at("url"),
        );
    }
    let metadata = params.texts("metadata").into_iter().collect();
    let (id, secret) = register(world, livemode, &url, kinds, metadata);
    let mut answer = world.object(&id).unwrap_or_default();
    answer["secret"] = json!(secret);
    Ok(answer)
}

/// An address that is sent events from now on; answers its id and secret.
pub fn register(
    world: &mut World,
    livemode: bool,
    url: &str,
    kinds: Vec<String>,
    metadata: crate::world::Metadata,
) -> (String, String) {
    let id = world.new_id("we");
    let secret = world.new_id("whsec");
    world.endpoints.put(Endpoint {
        id: id.clone(),
        livemode,
        created: world.now(),
        url: url.to_owned(),
        secret: secret.clone(),
        kinds,
        enabled: true,
        metadata,
    });
    (id, secret)
}
