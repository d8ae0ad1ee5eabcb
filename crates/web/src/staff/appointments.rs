//! The appointment: charges, payments, links, timeline and Checkout on one page.

use axum::extract::Path;
use axum::http::StatusCode;
use remit_app::idempotency::Claimed;
use remit_app::views::{AppointmentView, DisputeView, LinkView, PaymentView, RefundView};
use remit_app::{Error, appointments, disputes, links, payments, refunds};
use remit_core::appointments::{Charge as Charged, ChargeKind, Status};
use remit_core::disputes::Disputed;
use remit_core::ids::{AppointmentId, ChargeId, LinkId};
use remit_core::money::MINOR_MAX;
use remit_core::refunds::{Clearance, RefundState, clearance};
use remit_core::roles::Permission;

use super::answer::{Answer, Failure, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::once::once;
use super::{checkout, sentences, timeline, words};
use crate::pages::appointments::{
    AddCharge, Anyway, Appointment, AppointmentPage, Charge, LinkLine, Payment, WaitingRefund,
};
use crate::pages::{Badge, Field, Section};

/// Which form of the page was refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Charge,
    Checkout,
    /// A button without fields: told at the top.
    Whole,
}

/// A refused form, to be shown again as it was typed.
#[derive(Clone, Copy)]
pub struct Retry<'a> {
    pub which: Which,
    pub form: &'a Form,
    pub error: &'a Error,
    /// Where the form was sent to.
    pub path: &'a str,
}

/// The control that says: although the provider cannot be asked.
pub(super) const OVERRIDE: &str = "override";

impl Retry<'_> {
    /// The message for a field, if the error names one of these.
    pub fn beside(&self, names: &[&str]) -> Option<String> {
        match self.error {
            Error::Invalid { field, message } if names.contains(field) => Some(message.clone()),
            _ => None,
        }
    }
}

/// `GET /appointments/{id}`.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    whole(&desk, id.parse()?, StatusCode::OK, None).await
}

/// `POST /appointments/{id}/status`.
pub async fn change_status(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: AppointmentId = id.parse()?;
    let to = Status::parse(form.text("status")).ok_or(Failure::Unreadable)?;
    let change = appointments::AppointmentChange {
        status: Some(to),
        despite_live_payment: form.ticked(OVERRIDE),
        ..appointments::AppointmentChange::default()
    };
    let done = appointments::change(&desk.app, desk.actor(), id, change).await;
    let path = format!("/appointments/{id}/status");
    onwards(&desk, id, done, Which::Whole, (&form, &path)).await
}

/// `POST /appointments/{id}/charges`.
pub async fn add_charge(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: AppointmentId = id.parse()?;
    let path = format!("/appointments/{id}/charges");
    let done = once(&desk, &form, &path, async |claimed: Option<Claimed>| {
        let typed = form
            .money("amount", desk.currency())
            .map_err(|error| Error::invalid("amount", error))?;
        let many: u32 = match form.text("quantity").trim() {
            "" => 1,
            // What is no number is refused like one that is too large.
            text => text.parse().unwrap_or(0),
        };
        let amount = typed.minor.checked_mul(many.into());
        let amount = amount
            .filter(|minor| minor.abs() <= MINOR_MAX)
            .ok_or_else(|| {
                Error::invalid(
                    "amount",
                    "All of them together are too much. Enter a smaller amount.",
                )
            })?;
        let typed = typed.with(amount);
        // What is called a discount is one, with or without a minus.
        let discount = form.text("kind") == "discount" && typed.minor > 0;
        let amount = typed.with(if discount { -typed.minor } else { typed.minor });
        let input = appointments::ChargeInput {
            description: form.text("description").to_owned(),
            quantity: many,
            amount,
            despite_live_payment: form.ticked(OVERRIDE),
        };
        let charge = claimed.as_ref().map(Claimed::id);
        appointments::add_charge(&desk.app, desk.actor(), id, charge, &input).await?;
        Ok(format!("/appointments/{id}"))
    })
    .await;
    let done = match done {
        Ok(_) => Ok(()),
        Err(Failure::Verb(error)) => Err(error),
        Err(failure) => return Err(failure),
    };
    onwards(&desk, id, done, Which::Charge, (&form, &path)).await
}

/// `POST /appointments/{id}/charges/{charge}/remove`.
pub async fn remove_charge(
    desk: Desk,
    Path((id, charge)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let id: AppointmentId = id.parse()?;
    let charge: ChargeId = charge.parse()?;
    let despite = form.ticked(OVERRIDE);
    let why = form.some("reason");
    let why = why.as_deref();
    let removed =
        appointments::remove_charge(&desk.app, desk.actor(), id, charge, why, despite).await;
    let done = match removed {
        // Taken away already, by a second click or by somebody else: as it was wished.
        Err(Error::NotFound) => Ok(()),
        done => done,
    };
    let path = format!("/appointments/{id}/charges/{charge}/remove");
    onwards(&desk, id, done, Which::Whole, (&form, &path)).await
}

/// Back to the appointment; or the page again with what was refused.
async fn onwards(
    desk: &Desk,
    id: AppointmentId,
    done: remit_app::Result<()>,
    which: Which,
    (form, path): (&Form, &str),
) -> Answer {
    match done {
        Ok(()) => Ok(see_other(&format!("/appointments/{id}"))),
        Err(error) if sentences::is_mendable(&error) => {
            let retry = Retry {
                which,
                form,
                error: &error,
                path,
            };
            whole(desk, id, sentences::status(&error), Some(retry)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The page, with a refused form as it was typed.
pub async fn whole(
    desk: &Desk,
    id: AppointmentId,
    status: StatusCode,
    retry: Option<Retry<'_>>,
) -> Answer {
    let view = appointments::get(&desk.app, desk.clinic(), id).await?;
    let made = links::of_appointment(&desk.app, desk.clinic(), id).await?;
    let refused = retry.filter(|retry| retry.which == Which::Whole);
    let shown = AppointmentPage {
        shell: desk.shell(Section::Diary).await?,
        appointment: appointment(desk, &view, &made, retry).await?,
        checkout: checkout::card(desk, &view, open_link(desk, &view, &made), retry)?,
        refused: refused.map(|retry| sentences::sentence(retry.error, &desk.clock)),
        anyway: retry
            .map(|retry| anyway(desk, retry))
            .transpose()?
            .flatten(),
    };
    Ok(page(status, &shown))
}

/// The same form once more, to be sent although the provider cannot be asked to close a payment under way (hazards 7.6).
/// The checkout has a tick of its own for that.
fn anyway(desk: &Desk, retry: Retry<'_>) -> remit_app::Result<Option<Anyway>> {
    if retry.which == Which::Checkout || !matches!(retry.error, Error::ProviderUnreachable(_)) {
        return Ok(None);
    }
    let own = ["csrf", "idempotency_key", OVERRIDE];
    let mut fields: Vec<_> = retry
        .form
        .0
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .cloned()
        .collect();
    fields.push(("idempotency_key".into(), desk.key()?));
    Ok(Some(Anyway {
        action: retry.path.to_owned(),
        fields,
    }))
}

/// The link that asks for all that is due and can be paid.
fn open_link(desk: &Desk, view: &AppointmentView, made: &[LinkView]) -> Option<LinkId> {
    let open = made
        .iter()
        .find(|link| link.amount == view.balance.due() && link.shown(desk.now()).is_open());
    open.map(|link| link.id)
}

async fn appointment(
    desk: &Desk,
    view: &AppointmentView,
    made: &[LinkView],
    retry: Option<Retry<'_>>,
) -> remit_app::Result<Appointment> {
    let (app, clinic, clock) = (&desk.app, desk.clinic(), &desk.clock);
    let day = clock.date(view.starts_at);
    let events = appointments::timeline(app, clinic, view.id).await?;
    let given = refunds::of_appointment(app, clinic, view.id).await?;
    let received = payments::of_appointment(app, clinic, view.id).await?;
    let disputed = disputes::of_appointment(app, clinic, view.id).await?;
    let next = Status::ALL
        .into_iter()
        .filter(|next| desk.may(Permission::Book) && view.status.may_become(*next));
    let payments = received
        .iter()
        .rev()
        .map(|one| payment(desk, one, made, (&given, &disputed)));
    // A paid link's money stands in its payment's line.
    let unpaid = made.iter().filter(|link| link.captured == 0);
    Ok(Appointment {
        id: view.id.to_string(),
        patient: view.patient_name.clone(),
        patient_id: view.patient.to_string(),
        summary: summary(desk, view),
        day: day.to_string(),
        day_words: clock.written(view.starts_at, "%a %-d %B"),
        status: words::appointment_status(view.status),
        next_statuses: next.map(words::appointment_status).collect(),
        may_move: desk.may(Permission::Book) && view.status != Status::Cancelled,
        charges: charges(desk, view).await?,
        add_charge: charge_form(desk, view, retry)?,
        payments: payments.collect(),
        waiting: waiting(desk, &given),
        links: unpaid.map(|link| link_line(desk, link)).collect(),
        timeline: timeline::entries(&events, desk),
    })
}

/// `Physiotherapy assessment with Tom Hargreaves · 10:00 – 10:45 · Room 2`.
pub(super) fn summary(desk: &Desk, view: &AppointmentView) -> String {
    let with = view
        .practitioner_name
        .as_deref()
        .map(|name| format!(" with {name}"));
    let room = view.room.as_deref().filter(|room| !room.is_empty());
    format!(
        "{}{} · {} – {}{}",
        view.title,
        with.unwrap_or_default(),
        desk.clock.time(view.starts_at),
        desk.clock.time(view.ends_at),
        room.map(|room| format!(" · {room}")).unwrap_or_default()
    )
}

async fn charges(desk: &Desk, view: &AppointmentView) -> remit_app::Result<Vec<Charge>> {
    let may = desk.may(Permission::TakeMoney) && view.status != Status::Cancelled;
    let rows = appointments::charges(&desk.app, desk.clinic(), view.id).await?;
    Ok(rows
        .into_iter()
        .map(|charge| Charge {
            id: charge.id.to_string(),
            detail: detail(&charge),
            quantity: charge.quantity,
            description: charge.description,
            amount: charge.amount.to_string(),
            removable: may,
        })
        .collect())
}

/// `Service`, `Extra, £6.25 each`; a sum that cannot be shared out evenly has no price of one.
fn detail(charge: &Charged) -> String {
    let kind = match charge.kind {
        ChargeKind::Service => "Service",
        ChargeKind::Extra => "Extra",
        ChargeKind::Discount => "Discount",
    };
    let (sum, many) = (charge.amount.minor, i64::from(charge.quantity));
    if many == 1 || sum % many != 0 {
        return kind.into();
    }
    format!("{kind}, {} each", charge.amount.with(sum / many))
}

fn charge_form(
    desk: &Desk,
    view: &AppointmentView,
    retry: Option<Retry<'_>>,
) -> remit_app::Result<Option<AddCharge>> {
    if !desk.may(Permission::TakeMoney) || view.status == Status::Cancelled {
        return Ok(None);
    }
    let retry = retry.filter(|retry| retry.which == Which::Charge);
    let field = |name: &str| Field {
        value: retry
            .map(|retry| retry.form.text(name).to_owned())
            .unwrap_or_default(),
        error: retry.and_then(|retry| {
            let other = (name == "amount" && !matches!(retry.error, Error::Invalid { .. }))
                .then(|| sentences::sentence(retry.error, &desk.clock));
            retry.beside(&[name]).or(other)
        }),
    };
    Ok(Some(AddCharge {
        currency_sign: desk.currency().sign(),
        idempotency_key: desk.key()?,
        description: field("description"),
        quantity: retry.map_or_else(|| Field::new("1"), |_| field("quantity")),
        amount: field("amount"),
        discount: retry.is_some_and(|retry| retry.form.text("kind") == "discount"),
        open: retry.is_some(),
    }))
}

/// What became of the money since: given back, or never there.
pub fn sent_back(one: &PaymentView, given: &[RefundView]) -> Option<Badge> {
    let corrected = given.iter().any(|view| {
        view.refund.payment == one.payment.id
            && view.refund.correction
            && view.refund.state == RefundState::Succeeded
    });
    if corrected {
        Some(Badge::Corrected)
    } else if one.refunded == one.payment.amount {
        Some(Badge::Refunded)
    } else {
        (one.refunded.minor > 0).then_some(Badge::PartRefunded)
    }
}

fn payment(
    desk: &Desk,
    one: &PaymentView,
    links: &[LinkView],
    (given, disputed): (&[RefundView], &[DisputeView]),
) -> Payment {
    let payment = &one.payment;
    let link = payment
        .link
        .and_then(|id| links.iter().find(|link| link.id == id));
    let mut badges = Vec::new();
    if link.is_some_and(|link| link.late) {
        badges.push(Badge::Late);
    }
    badges.extend(sent_back(one, given));
    if payment.disputed != Disputed::default() {
        badges.push(Badge::Disputed);
    }
    let pending = given.iter().any(|refund| {
        refund.refund.payment == payment.id
            && refund.refund.state.public_name() == "pending"
            && !refund.refund.waits_for_approval()
    });
    let mut own = disputed
        .iter()
        .filter(|view| view.dispute.payment == payment.id);
    let mut when = desk.clock.moment(payment.received_at);
    if let Some(link) = link {
        when = format!("{when} · {}", link.purpose.title().to_lowercase());
    }
    if pending {
        when.push_str(" · refund on its way");
    }
    Payment {
        id: payment.id.to_string(),
        what: match link {
            Some(_) => format!("{}, payment link", payment.paid_by.title()),
            None => payment.paid_by.title().into(),
        },
        when,
        reference: link
            .map(|link| link.reference.clone())
            .or_else(|| payment.reference.clone())
            .unwrap_or_default(),
        amount: payment.amount.to_string(),
        badges,
        refundable: may_refund(desk) && payment.available().minor > 0,
        dispute: own
            .next_back()
            .map(|view| words::dispute(view, &desk.clock)),
    }
}

/// Whether the role gives money back at all: reception does where the clinic's limit lets it.
pub fn may_refund(desk: &Desk) -> bool {
    let limits = desk.context.refund_limits;
    clearance(desk.actor().role, limits, 0, 0) != Clearance::Forbidden
}

/// The refunds that wait for a second person, with what this person may do about them.
pub fn waiting(desk: &Desk, given: &[RefundView]) -> Vec<WaitingRefund> {
    let waiting = given.iter().filter(|view| view.refund.waits_for_approval());
    waiting
        .map(|view| {
            let own = view.refund.asker == desk.actor().scope();
            let reason = view.refund.reason.as_deref();
            let reason = reason.map(|reason| format!(": {reason}"));
            WaitingRefund {
                id: view.refund.id.to_string(),
                text: format!(
                    "{}, asked for by {}{}",
                    view.refund.amount,
                    view.requested_by,
                    reason.unwrap_or_default()
                ),
                may_approve: !own && desk.may(Permission::Refund),
                may_decline: own || desk.may(Permission::Refund),
            }
        })
        .collect()
}

fn link_line(desk: &Desk, link: &LinkView) -> LinkLine {
    LinkLine {
        id: link.id.to_string(),
        amount: link.amount.to_string(),
        purpose: link.purpose.title().into(),
        status: words::link_status(link.shown(desk.now())),
        badges: words::badges(link),
        expiry: if desk.now() < link.expires_at {
            format!("expires {}", desk.clock.moment(link.expires_at))
        } else {
            format!("expired {}", desk.clock.moment(link.expires_at))
        },
    }
}
