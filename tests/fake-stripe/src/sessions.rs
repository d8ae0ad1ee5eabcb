//! Checkout Sessions: made, listed, expired; paid, declined, put off by whoever stands at the hosted page.

use crate::errors::Refusal;
use crate::params::Param;
use crate::tables::{CLEARPAY, KLARNA, MINIMA};
use crate::world::{Charge, Metadata, Movement, Payment, Session, Standing, World};

/// From half an hour to a day after it was made.
const LIFE_MIN_S: i64 = 30 * 60;
const LIFE_MAX_S: i64 = 24 * 60 * 60;

/// Why nobody can pay here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Unknown,
    Complete,
    Expired,
    /// Nothing waits for this answer.
    NotWaiting,
}

/// The card numbers that Stripe publishes for tests, by what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    Pays,
    Declined,
    NoFunds,
    Expired,
    WrongCvc,
    AsksFor3ds,
    /// Pays, and is disputed at once.
    Disputed,
}

impl Card {
    pub fn of(number: &str) -> Option<Card> {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        Some(match digits.as_str() {
            "4242424242424242" | "5555555555554444" => Card::Pays,
            "4000000000000002" => Card::Declined,
            "4000000000009995" => Card::NoFunds,
            "4000000000000069" => Card::Expired,
            "4000000000000127" => Card::WrongCvc,
            "4000002500003155" | "4000002760003184" => Card::AsksFor3ds,
            "4000000000000259" => Card::Disputed,
            _ => return None,
        })
    }
}

pub type PayError = (&'static str, Option<&'static str>, &'static str);

const DECLINED: PayError = (
    "card_declined",
    Some("generic_decline"),
    "Your card was declined.",
);
const NO_FUNDS: PayError = (
    "card_declined",
    Some("insufficient_funds"),
    "Your card has insufficient funds.",
);
const EXPIRED_CARD: PayError = ("expired_card", None, "Your card has expired.");
const WRONG_CVC: PayError = (
    "incorrect_cvc",
    None,
    "Your card's security code is incorrect.",
);
const NOT_AUTHENTICATED: PayError = (
    "payment_intent_authentication_failure",
    None,
    "The provided PaymentMethod has failed authentication.",
);
const LENDER_REFUSED: PayError = (
    "payment_method_provider_decline",
    None,
    "The payment method was declined by the provider.",
);
const GIVEN_UP: PayError = (
    "payment_method_customer_decline",
    None,
    "The customer did not approve the payment.",
);

fn metadata(params: &Param, path: &str) -> Metadata {
    params.texts(path).into_iter().collect()
}

fn owned(params: &Param, path: &str) -> Option<String> {
    params.text(path).map(str::to_owned)
}

/// `POST /v1/checkout/sessions`. The parameters' names and types are checked already.
pub fn create(world: &mut World, livemode: bool, params: &Param) -> Result<String, Refusal> {
    let now = world.now();
    let item = "line_items.0.price_data";
    if params.at("line_items.0").is_none() {
        return Err(Refusal::missing_parameter("line_items"));
    }
    if params.at("line_items.1").is_some() {
        return Err(Refusal::invalid("The fake takes one line item.").at("line_items"));
    }
    if params.text(&format!("{item}.product_data.name")).is_none() {
        return Err(Refusal::missing_parameter(
            "line_items[0][price_data][product_data]",
        ));
    }
    let success_url =
        owned(params, "success_url").ok_or_else(|| Refusal::missing_parameter("success_url"))?;
    let cancel_url = owned(params, "cancel_url");
    if livemode
        && [Some(&success_url), cancel_url.as_ref()]
            .into_iter()
            .flatten()
            .any(|url| !url.starts_with("https:"))
    {
        return Err(
            Refusal::invalid("Livemode requests must always be redirected via HTTPS.")
                .code("url_invalid")
                .at("success_url"),
        );
    }
    let currency = params
        .text(&format!("{item}.currency"))
        .unwrap_or_default()
        .to_owned();
    let unit = params
        .integer(&format!("{item}.unit_amount"))
        .unwrap_or_default();
    let amount = unit.saturating_mul(params.integer("line_items.0.quantity").unwrap_or(1));
    let method = method(world, params)?;
    sum(&currency, amount)?;
    lender(&method, &currency, amount)?;
    statement(params)?;
    let expires_at = ends(params.integer("expires_at"), now)?;
    let id = world.new_id(if livemode { "cs_live" } else { "cs_test" });
    let session = Session {
        livemode,
        created: now,
        expires_at,
        standing: Standing::Open,
        paid: false,
        url: format!("{}/c/pay/{id}", world.base),
        method,
        amount,
        currency,
        product: owned(params, &format!("{item}.product_data.name")).unwrap_or_default(),
        reference: owned(params, "client_reference_id"),
        metadata: metadata(params, "metadata"),
        payment_metadata: metadata(params, "payment_intent_data.metadata"),
        description: owned(params, "payment_intent_data.description"),
        statement_suffix: owned(params, "payment_intent_data.statement_descriptor_suffix"),
        email: owned(params, "customer_email"),
        locale: owned(params, "locale"),
        success_url,
        cancel_url,
        payment: None,
        id: id.clone(),
    };
    world.ends.insert((expires_at, id.clone()));
    world.sessions.put(session);
    Ok(id)
}

/// Exactly one, one that exists, one that the account has.
fn method(world: &World, params: &Param) -> Result<String, Refusal> {
    let methods = params.texts("payment_method_types");
    let [(_, method)] = methods.as_slice() else {
        return Err(
            Refusal::invalid("The fake takes exactly one payment method type.")
                .at("payment_method_types"),
        );
    };
    if !["card", "klarna", "afterpay_clearpay"].contains(&method.as_str()) {
        return Err(Refusal::invalid(format!(
            "Invalid payment_method_types[0]: must be one of card, klarna, afterpay_clearpay, ... but was {method}"
        ))
        .at("payment_method_types[0]"));
    }
    if world.methods.contains(method) {
        return Ok(method.clone());
    }
    Err(Refusal::invalid(format!(
        "The payment method type provided: {method} is invalid. Please ensure the provided type is activated in your \
         dashboard and your account is enabled for any preview features that you are trying to use."
    ))
    .code("payment_method_unactivated")
    .at("payment_method_types"))
}

fn sum(currency: &str, amount: i64) -> Result<(), Refusal> {
    let row = MINIMA.iter().find(|(name, _)| *name == currency);
    let (_, least) = row.ok_or_else(|| {
        Refusal::invalid(format!(
            "Invalid currency: {currency}. Stripe currently supports these currencies: ..."
        ))
        .at("line_items[0][price_data][currency]")
    })?;
    if amount < *least {
        return Err(Refusal::invalid(format!(
            "The Checkout Session's total amount due must add up to at least {least} in the smallest unit of {currency}"
        ))
        .code("amount_too_small"));
    }
    if amount > 99_999_999 {
        return Err(Refusal::invalid(
            "The Checkout Session's total amount must be no more than 99,999,999",
        )
        .code("amount_too_large"));
    }
    Ok(())
}

/// What the lender takes by currency and amount.
fn lender(method: &str, currency: &str, amount: i64) -> Result<(), Refusal> {
    let table = match method {
        "klarna" => KLARNA,
        "afterpay_clearpay" => CLEARPAY,
        _ => return Ok(()),
    };
    let Some((_, least, most)) = table.iter().find(|(name, ..)| *name == currency) else {
        return Err(Refusal::invalid(format!(
            "The currency provided ({currency}) is invalid for the payment method type provided: `{method}`."
        ))
        .at("payment_method_types"));
    };
    if amount < *least {
        return Err(
            Refusal::invalid(format!("Amount is below the minimum of `{method}`."))
                .code("amount_too_small")
                .at("payment_method_types"),
        );
    }
    if amount > *most {
        return Err(
            Refusal::invalid(format!("Amount is above the maximum of `{method}`."))
                .code("amount_too_large")
                .at("payment_method_types"),
        );
    }
    Ok(())
}

/// docs.stripe.com/get-started/account/statement-descriptors
fn statement(params: &Param) -> Result<(), Refusal> {
    let name = "payment_intent_data.statement_descriptor_suffix";
    let Some(suffix) = params.text(name) else {
        return Ok(());
    };
    let legal = suffix.is_ascii()
        && suffix.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !suffix.contains(['<', '>', '\\', '\'', '"', '*']);
    if legal {
        return Ok(());
    }
    Err(
        Refusal::invalid("The statement descriptor suffix is not allowed.")
            .at("payment_intent_data[statement_descriptor_suffix]"),
    )
}

fn ends(asked: Option<i64>, now: i64) -> Result<i64, Refusal> {
    let at = asked.unwrap_or(now + LIFE_MAX_S);
    if at < now + LIFE_MIN_S {
        return Err(Refusal::invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
        )
        .at("expires_at"));
    }
    if at > now + LIFE_MAX_S {
        return Err(Refusal::invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
        )
        .at("expires_at"));
    }
    Ok(at)
}

/// `POST /v1/checkout/sessions/{id}/expire`: only an open one.
pub fn expire(world: &mut World, id: &str) -> Result<(), Refusal> {
    if world.expire(id) {
        return Ok(());
    }
    let status = world
        .object(id)
        .map(|session| session["status"].clone())
        .unwrap_or_default();
    Err(Refusal::invalid(format!(
        "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of \
         {status}."
    )))
}

// ---------------------------------------------------------------- the payer

/// The open session, and its payment, made when the payer first tries.
fn open(world: &mut World, id: &str) -> Result<(Session, String), Ended> {
    world.tick();
    let session = world.sessions.get(id).cloned().ok_or(Ended::Unknown)?;
    match session.standing {
        Standing::Open => {}
        Standing::Complete => return Err(Ended::Complete),
        Standing::Expired => return Err(Ended::Expired),
    }
    if let Some(payment) = session.payment.clone() {
        return Ok((session, payment));
    }
    let payment = world.new_id("pi");
    world.payments.put(Payment {
        id: payment.clone(),
        livemode: session.livemode,
        created: world.now(),
        amount: session.amount,
        received: 0,
        currency: session.currency.clone(),
        status: "requires_payment_method",
        method: session.method.clone(),
        metadata: session.payment_metadata.clone(),
        description: session.description.clone(),
        charge: None,
        error: None,
        session: id.to_owned(),
    });
    if let Some(session) = world.sessions.get_mut(id) {
        session.payment = Some(payment.clone());
    }
    world.tell("payment_intent.created", &payment);
    Ok((session, payment))
}

/// A card is typed in.
pub fn pay_by_card(world: &mut World, id: &str, card: Card, last4: &str) -> Result<(), Ended> {
    let (_, payment) = open(world, id)?;
    match card {
        Card::Pays => succeed(world, id, &payment, Some(last4)),
        Card::Disputed => {
            succeed(world, id, &payment, Some(last4));
            let amount = world
                .payments
                .get(&payment)
                .map_or(0, |payment| payment.amount);
            crate::money::open_dispute(world, &payment, amount);
        }
        Card::Declined => fail(world, &payment, DECLINED),
        Card::NoFunds => fail(world, &payment, NO_FUNDS),
        Card::Expired => fail(world, &payment, EXPIRED_CARD),
        Card::WrongCvc => fail(world, &payment, WRONG_CVC),
        Card::AsksFor3ds => asks(world, &payment),
    }
    Ok(())
}

fn asks(world: &mut World, payment: &str) {
    if let Some(payment) = world.payments.get_mut(payment) {
        payment.status = "requires_action";
    }
    world.tell("payment_intent.requires_action", payment);
}

/// The bank's check was passed or not.
pub fn answer_3ds(world: &mut World, id: &str, passed: bool) -> Result<(), Ended> {
    let (_, payment) = open(world, id)?;
    if world
        .payments
        .get(&payment)
        .is_none_or(|payment| payment.status != "requires_action")
    {
        return Err(Ended::NotWaiting);
    }
    if passed {
        succeed(world, id, &payment, Some("3155"));
    } else {
        fail(world, &payment, NOT_AUTHENTICATED);
    }
    Ok(())
}

/// Money comes, whatever the method.
pub fn pay(world: &mut World, id: &str) -> Result<(), Ended> {
    let (_, payment) = open(world, id)?;
    succeed(world, id, &payment, Some("4242"));
    Ok(())
}

/// The lender says no, or the payer gives up there: the session stays open.
pub fn refuse(world: &mut World, id: &str, given_up: bool) -> Result<(), Ended> {
    let (_, payment) = open(world, id)?;
    fail(
        world,
        &payment,
        if given_up { GIVEN_UP } else { LENDER_REFUSED },
    );
    Ok(())
}

/// The payer is done, the lender is not.
pub fn start_async(world: &mut World, id: &str) -> Result<(), Ended> {
    let (session, payment) = open(world, id)?;
    let charge = charge(world, &payment, "pending", None);
    if let Some(payment) = world.payments.get_mut(&payment) {
        payment.status = "processing";
        payment.charge = Some(charge.clone());
        payment.error = None;
    }
    complete(world, &session);
    world.tell("payment_intent.processing", &payment);
    world.tell("charge.pending", &charge);
    world.tell("checkout.session.completed", id);
    Ok(())
}

/// The lender decides.
pub fn settle_async(world: &mut World, id: &str, takes: bool) -> Result<(), Ended> {
    let session = world.sessions.get(id).cloned().ok_or(Ended::Unknown)?;
    let payment = session.payment.ok_or(Ended::NotWaiting)?;
    if world
        .payments
        .get(&payment)
        .is_none_or(|payment| payment.status != "processing")
    {
        return Err(Ended::NotWaiting);
    }
    if takes {
        received(world, id, &payment, None);
        world.tell("checkout.session.async_payment_succeeded", id);
    } else {
        fail(world, &payment, LENDER_REFUSED);
        world.tell("checkout.session.async_payment_failed", id);
    }
    Ok(())
}

fn complete(world: &mut World, session: &Session) {
    if let Some(session) = world.sessions.get_mut(&session.id) {
        session.standing = Standing::Complete;
    }
    world.ends.remove(&(session.expires_at, session.id.clone()));
}

fn succeed(world: &mut World, id: &str, payment: &str, last4: Option<&str>) {
    if let Some(session) = world.sessions.get(id).cloned() {
        complete(world, &session);
    }
    received(world, id, payment, last4);
    world.tell("checkout.session.completed", id);
}

/// The money is there: a charge, a line in the books, the payment's and the session's word.
fn received(world: &mut World, id: &str, payment: &str, last4: Option<&str>) {
    let pending = world
        .payments
        .get(payment)
        .and_then(|payment| payment.charge.clone());
    let pending = pending.filter(|id| {
        world
            .charges
            .get(id)
            .is_some_and(|charge| charge.status == "pending")
    });
    let charge = match pending {
        Some(charge) => charge,
        None => charge(world, payment, "succeeded", last4),
    };
    let line = world.charges.get(&charge).cloned().map(|charge| Movement {
        id: world.new_id("txn"),
        livemode: charge.livemode,
        created: world.now(),
        kind: if charge.method == "card" {
            "charge"
        } else {
            "payment"
        },
        category: "charge",
        amount: charge.amount,
        fee: fee(&charge.method, charge.amount),
        currency: charge.currency,
        source: charge.id,
    });
    let movement = line.map(|line| world.moves(line));
    let now = world.now();
    if let Some(charge) = world.charges.get_mut(&charge) {
        charge.status = "succeeded";
        charge.created = now;
        charge.movement = movement;
    }
    if let Some(payment) = world.payments.get_mut(payment) {
        payment.status = "succeeded";
        payment.received = payment.amount;
        payment.charge = Some(charge.clone());
        payment.error = None;
    }
    if let Some(session) = world.sessions.get_mut(id) {
        session.paid = true;
    }
    world.tell("charge.succeeded", &charge);
    world.tell("payment_intent.succeeded", payment);
}

fn fail(world: &mut World, payment: &str, error: PayError) {
    let charge = charge(world, payment, "failed", None);
    if let Some(payment) = world.payments.get_mut(payment) {
        payment.status = "requires_payment_method";
        payment.error = Some(error);
        payment.charge = Some(charge.clone());
    }
    world.tell("charge.failed", &charge);
    world.tell("payment_intent.payment_failed", payment);
}

fn charge(world: &mut World, payment: &str, status: &'static str, last4: Option<&str>) -> String {
    let id = world.new_id("ch");
    if let Some(payment) = world.payments.get(payment) {
        let charge = Charge {
            id: id.clone(),
            livemode: payment.livemode,
            created: world.now(),
            payment: payment.id.clone(),
            amount: payment.amount,
            refunded: 0,
            currency: payment.currency.clone(),
            status,
            method: payment.method.clone(),
            last4: last4.map(str::to_owned),
            disputed: false,
            movement: None,
        };
        world.charges.put(charge);
    }
    id
}

/// The published prices of the United Kingdom, rounded half up: cards 1.5 % and 20p, Klarna 4.99 % and 35p, Clearpay
/// 6 % and 30p.
fn fee(method: &str, amount: i64) -> i64 {
    let (hundredths, fixed) = match method {
        "klarna" => (499, 35),
        "afterpay_clearpay" => (600, 30),
        _ => (150, 20),
    };
    (amount * hundredths + 5_000) / 10_000 + fixed
}
