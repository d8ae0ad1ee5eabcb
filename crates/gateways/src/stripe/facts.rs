//! Stripe's answers in our words. Pure; `None` says that an answer makes no sense, so that it proves nothing.

use remit_core::methods::Method;
use remit_core::money::{Currency, Money};
use remit_core::{SECOND_MS, UtcMs};

use super::amounts::from_stripe;
use super::form::method_type;
use super::wire::{
    ATTEMPT, AccountAnswer, CardAnswer, ChargeAnswer, DisputeAnswer, EndpointAnswer, ErrorBody,
    Linked, MeansAnswer, MovementAnswer, PaymentAnswer, REFUND, RefundAnswer, SessionAnswer,
    SourceAnswer,
};
use crate::address::is_page;
use crate::payments::{
    DisputeFacts, DisputeStatus, Facts, Movement, MovementKind, RefundFacts, RefundStatus, Session,
    SessionStatus, WebhookSetup,
};

/// Seconds as milliseconds.
pub(super) fn ms(seconds: i64) -> UtcMs {
    seconds.saturating_mul(SECOND_MS)
}

/// Our reference on a session: our own mark. `client_reference_id` alone may be somebody else's.
pub(super) fn reference(session: &SessionAnswer) -> Option<&str> {
    session.metadata.get(ATTEMPT).map(String::as_str)
}

/// A session just made.
pub(super) fn session(session: SessionAnswer) -> Option<Session> {
    Some(Session {
        session_id: session.id,
        url: session.url.filter(|url| is_page(url))?,
        expires_at: ms(session.expires_at),
    })
}

/// The truth about a session whose payment and charge came expanded. Where they came as an id only, the session's own
/// word counts: the amount of a session of ours is fixed, so what it calls paid was received whole.
pub(super) fn facts(session: SessionAnswer) -> Option<Facts> {
    let linked = session.payment_intent.as_ref();
    let payment = linked.and_then(Linked::object);
    let paid_unseen = linked.is_some() && payment.is_none() && session.payment_status == "paid";
    let status = match paid_unseen {
        true => SessionStatus::Paid,
        false => session_status(&session.status, &session.payment_status, payment),
    };
    let with_money = matches!(status, SessionStatus::Paid | SessionStatus::Processing);
    let received = match payment {
        _ if status != SessionStatus::Paid => None,
        Some(payment) => Some(from_stripe(payment.amount_received, &payment.currency)?),
        None => Some(from_stripe(
            session.amount_total?,
            session.currency.as_deref()?,
        )?),
    };
    Some(Facts {
        reference: reference(&session)
            .or(session.client_reference_id.as_deref())
            .unwrap_or_default()
            .to_owned(),
        payment_id: linked.filter(|_| with_money).map(|linked| match linked {
            Linked::Id(id) => id.clone(),
            Linked::Object(payment) => payment.id.clone(),
        }),
        received,
        paid_with: payment.filter(|_| with_money).and_then(means),
        last_error: payment
            .filter(|_| status == SessionStatus::Open)
            .and_then(|payment| payment.last_payment_error.as_ref())
            .map(|error| declined(error).to_owned()),
        livemode: session.livemode,
        url: session.url.filter(|url| is_page(url)),
        session_id: session.id,
        status,
    })
}

/// The payment's word goes before the session's: money is a fact, and the two do not change at the same moment.
fn session_status(
    session: &str,
    payment_status: &str,
    payment: Option<&PaymentAnswer>,
) -> SessionStatus {
    let word = payment.map_or("", |payment| payment.status.as_str());
    match (session, payment_status, word) {
        (_, _, "succeeded") => SessionStatus::Paid,
        // Money that waits for somebody to capture it: never asked for by us.
        (_, _, "requires_capture") => SessionStatus::Other("requires_capture".into()),
        (_, _, "processing") => SessionStatus::Processing,
        ("open", _, _) => SessionStatus::Open,
        ("expired", _, _) => SessionStatus::Expired,
        // The lender's late no: the payment is back where it began, and the session takes no second try.
        ("complete", "unpaid", "requires_payment_method" | "canceled") => SessionStatus::Failed,
        ("complete", "unpaid", "" | "requires_action" | "requires_confirmation") => {
            SessionStatus::Processing
        }
        ("complete", _, _) => SessionStatus::Other(format!("{payment_status} {word}")),
        _ => SessionStatus::Other(session.to_owned()),
    }
}

/// When the money of a session was taken (UTC ms).
pub(super) fn charged_at(session: &SessionAnswer) -> Option<UtcMs> {
    let payment = session.payment_intent.as_ref()?.object()?;
    Some(ms(charge(payment)?.created))
}

fn charge(payment: &PaymentAnswer) -> Option<&ChargeAnswer> {
    payment.latest_charge.as_ref()?.object()
}

/// `Visa ending 4242`, `Apple Pay (Visa ending 4242)`, `Klarna`.
fn means(payment: &PaymentAnswer) -> Option<String> {
    let MeansAnswer { kind, card } = charge(payment)?.payment_method_details.as_ref()?;
    Some(match (kind.as_str(), card) {
        ("card", Some(card)) => card_name(card),
        ("afterpay_clearpay", _) => "Clearpay".into(),
        (kind, _) => title(kind),
    })
}

fn card_name(card: &CardAnswer) -> String {
    let brand = match card.brand.as_deref() {
        Some("visa") => "Visa",
        Some("mastercard") => "Mastercard",
        Some("amex") => "American Express",
        Some("discover") => "Discover",
        Some("diners") => "Diners Club",
        Some("jcb") => "JCB",
        Some("unionpay") => "UnionPay",
        Some("cartes_bancaires") => "Cartes Bancaires",
        _ => "Card",
    };
    let name = match &card.last4 {
        Some(last4) => format!("{brand} ending {last4}"),
        None => brand.to_owned(),
    };
    match &card.wallet {
        Some(wallet) => format!("{} ({name})", title(&wallet.kind)),
        None => name,
    }
}

/// `google_pay` as `Google Pay`.
fn title(word: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in word.split('_') {
        let mut letters = word.chars();
        words.extend(
            letters
                .next()
                .map(|first| first.to_uppercase().chain(letters).collect()),
        );
    }
    words.join(" ")
}

/// Why a try to pay did not go through, for the patient and staff. A stolen card is not called so to whoever holds it.
fn declined(error: &ErrorBody) -> &'static str {
    let word = if error.decline_code.is_empty() {
        &error.code
    } else {
        &error.decline_code
    };
    match word.as_str() {
        "insufficient_funds" | "withdrawal_count_limit_exceeded" | "card_velocity_exceeded" => {
            "There was not enough money on the card, or its limit was reached."
        }
        "expired_card" | "invalid_expiry_month" | "invalid_expiry_year" => {
            "The card has expired, or its expiry date was typed wrongly."
        }
        "incorrect_cvc" | "invalid_cvc" => "The card's security code was wrong.",
        "incorrect_number" | "invalid_number" => "The card's number was wrong.",
        "authentication_required"
        | "authentication_failure"
        | "payment_intent_authentication_failure"
        | "card_decline_rate_limit_exceeded" => "The bank's check was not passed.",
        "card_not_supported" | "currency_not_supported" => {
            "The card cannot be used for this kind of payment."
        }
        "payment_method_customer_decline" => "The payment was given up on the lender's page.",
        "payment_method_provider_decline" => "The lender refused the payment.",
        "payment_method_provider_timeout" | "processing_error" => {
            "The payment could not be carried out. It can be tried again."
        }
        _ if error.kind == "card_error" => "The card was declined.",
        _ => "The payment was declined.",
    }
}

/// `None` for a refund without a payment intent: not one of ours.
pub(super) fn refund(refund: RefundAnswer) -> Option<RefundFacts> {
    Some(RefundFacts {
        payment_id: refund.payment_intent.as_ref()?.id().to_owned(),
        reference: refund.metadata.get(REFUND).cloned(),
        amount: from_stripe(refund.amount, &refund.currency)?,
        status: match refund.status.as_str() {
            "pending" | "requires_action" => RefundStatus::Pending,
            "succeeded" => RefundStatus::Succeeded,
            "failed" | "canceled" => RefundStatus::Failed,
            _ => RefundStatus::Other(refund.status.clone()),
        },
        failure: match (refund.failure_reason.as_deref(), refund.status.as_str()) {
            (Some(reason), _) => Some(refund_failure(reason).to_owned()),
            (None, "canceled") => Some("The refund was cancelled at Stripe.".into()),
            (None, _) => None,
        },
        provider_refund_id: refund.id,
    })
}

fn refund_failure(reason: &str) -> &'static str {
    match reason {
        "lost_or_stolen_card" => {
            "The card was lost or stolen, and the bank could not pass it on. Refund another way."
        }
        "expired_or_canceled_card" => {
            "The card has been closed, and the bank could not pass it on. Refund another way."
        }
        "charge_for_pending_refund_disputed" => {
            "The payer disputed the payment before the refund arrived, and gets the money through the dispute."
        }
        "insufficient_funds" => {
            "The Stripe balance was too low. Add funds at Stripe, then refund again."
        }
        "declined" => "The bank refused the refund. Refund another way.",
        "merchant_request" => "The refund was cancelled at the clinic's request.",
        _ => "The bank could not pass the refund on. Refund another way.",
    }
}

/// `None` for a dispute without a payment intent: not one of ours.
pub(super) fn dispute(dispute: DisputeAnswer) -> Option<DisputeFacts> {
    let amount = from_stripe(dispute.amount, &dispute.currency)?;
    let status = dispute_status(&dispute.status);
    let due_by = dispute
        .evidence_details
        .and_then(|evidence| evidence.due_by)
        .filter(|due_by| *due_by > 0 && status == DisputeStatus::NeedsResponse)
        .map(ms);
    Some(DisputeFacts {
        payment_id: dispute.payment_intent.as_ref()?.id().to_owned(),
        amount,
        withdrawn: match dispute.balance_transactions.first() {
            None => Money::zero(amount.currency),
            Some(first) => {
                let taken = dispute.balance_transactions.iter().map(|one| one.amount);
                let taken = taken.fold(0, i64::saturating_add);
                from_stripe(taken.saturating_neg().max(0), &first.currency)?
            }
        },
        status,
        reason: dispute_reason(&dispute.reason),
        due_by,
        opened_at: ms(dispute.created),
        dispute_id: dispute.id,
    })
}

fn dispute_status(word: &str) -> DisputeStatus {
    match word {
        "needs_response" | "warning_needs_response" => DisputeStatus::NeedsResponse,
        "under_review" | "warning_under_review" => DisputeStatus::UnderReview,
        "won" => DisputeStatus::Won,
        "lost" => DisputeStatus::Lost,
        "warning_closed" | "prevented" => DisputeStatus::Withdrawn,
        _ => DisputeStatus::Other(word.to_owned()),
    }
}

fn dispute_reason(word: &str) -> String {
    match word {
        "fraudulent" => "the payer says that they did not make it",
        "duplicate" => "the payer says that they were charged twice",
        "credit_not_processed" => "the payer says that a refund did not arrive",
        "product_not_received" => "the payer says that they did not get what they paid for",
        "product_unacceptable" => "the payer is not content with what they paid for",
        "unrecognized" => "the payer does not recognise it",
        "subscription_canceled" => "the payer says that they had cancelled",
        "noncompliant" => "the card scheme's rules were broken",
        "general" | "" => "no reason given",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

pub(super) fn movement(movement: MovementAnswer) -> Option<Movement> {
    let money = |units| from_stripe(units, &movement.currency);
    Some(Movement {
        kind: movement_kind(&movement),
        gross: money(movement.amount)?,
        fee: money(movement.fee)?,
        net: money(movement.net)?,
        source: movement.source.as_ref().map(|source| match source {
            Linked::Id(id) => id.clone(),
            Linked::Object(source) => source_id(source),
        }),
        created_at: ms(movement.created),
        movement_id: movement.id,
    })
}

/// A charge is known to us by its payment.
fn source_id(source: &SourceAnswer) -> String {
    match &source.payment_intent {
        Some(payment) if source.object == "charge" => payment.clone(),
        _ => source.id.clone(),
    }
}

fn movement_kind(movement: &MovementAnswer) -> MovementKind {
    match (movement.kind.as_str(), movement.reporting_category.as_str()) {
        ("charge" | "payment", _) => MovementKind::Payment,
        ("refund" | "payment_refund", _) => MovementKind::Refund,
        ("refund_failure", _) => MovementKind::RefundFailure,
        ("payout", _) => MovementKind::Payout,
        ("payout_cancel" | "payout_failure", _) => MovementKind::PayoutFailure,
        ("stripe_fee" | "stripe_fx_fee" | "tax_fee" | "application_fee", _) => MovementKind::Fee,
        // Disputes have no type of their own.
        ("adjustment", "dispute") => MovementKind::Dispute,
        ("adjustment", "dispute_reversal") => MovementKind::DisputeReversal,
        ("adjustment", "refund_failure") => MovementKind::RefundFailure,
        (kind, _) => MovementKind::Other(kind.to_owned()),
    }
}

/// The account's name as its owner chose it.
pub(super) fn account_name(account: &AccountAnswer) -> Option<String> {
    let shown = account
        .settings
        .as_ref()
        .and_then(|settings| settings.dashboard.as_ref()?.display_name.clone());
    let business = account
        .business_profile
        .as_ref()
        .and_then(|business| business.name.clone());
    shown
        .filter(|name| !name.is_empty())
        .or(business)
        .filter(|name| !name.is_empty())
}

/// The methods that the account may take; `None` where it does not say.
pub(super) fn account_methods(account: &AccountAnswer) -> Option<Vec<Method>> {
    let capabilities = account.capabilities.as_ref()?;
    let active = |method: &Method| {
        capabilities
            .get(&format!("{}_payments", method_type(*method)))
            .is_some_and(|state| state == "active")
    };
    Some(Method::ALL.into_iter().filter(active).collect())
}

/// A currency as Stripe writes it, in small letters.
pub(super) fn currency(code: &str) -> Option<Currency> {
    Currency::parse(&code.to_ascii_uppercase())
}

pub(super) fn account_currency(account: &AccountAnswer) -> Option<Currency> {
    currency(account.default_currency.as_ref()?)
}

/// Whether one of the endpoints is ours. Two with our address are as good as the better one.
pub(super) fn webhook_setup(endpoints: &[EndpointAnswer], url: &str) -> WebhookSetup {
    let mut ours = endpoints.iter().filter(|endpoint| endpoint.url == url);
    match (
        ours.clone().any(|endpoint| endpoint.status == "enabled"),
        ours.next(),
    ) {
        (true, _) => WebhookSetup::Registered,
        (false, Some(_)) => WebhookSetup::Disabled,
        (false, None) => WebhookSetup::Missing,
    }
}
