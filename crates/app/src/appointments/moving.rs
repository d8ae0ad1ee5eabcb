//! Moving an appointment in the diary and changing its status: both or neither, and never unseen over what somebody
//! else has done.

use remit_core::account::{Decision, Standing};
use remit_core::appointments::{self as rules, Fee, Settlement, Slot, Status};
use remit_core::ids::{AppointmentId, ClinicId, PractitionerId};
use remit_core::refunds::Limits;
use remit_core::{MINUTE_MS, UtcMs};
use remit_store::{Tx, appointments, events, payments, services};

use super::{FAR_MS, decide, get};
use crate::error::Meanwhile;
use crate::refunds::{self, RefundInput};
use crate::{Actor, App, Error, Result, clinics, practitioners};

/// Minutes of the shortest and the longest appointment.
const MINUTES: std::ops::RangeInclusive<i64> = 5..=12 * 60;

/// What becomes of what is paid for an appointment that does not take place. Nothing of it stays due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidIs {
    /// A fee that the clinic keeps.
    Kept,
    /// The patient's credit.
    Credited,
    /// Given back: every payment, the way it came.
    Refunded,
}

/// What is to become of an appointment; `None` stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct AppointmentChange {
    pub status: Option<Status>,
    /// With a status that says that it does not take place.
    pub paid: Option<PaidIs>,
    pub starts_at: Option<UtcMs>,
    pub minutes: Option<i64>,
    pub practitioner: Option<PractitionerId>,
    /// The revision that the page showed: refused when somebody has moved it since.
    pub seen: Option<i64>,
    /// Move although the practitioner has another appointment then, is away or does not work.
    pub despite_overlap: bool,
    /// Although the provider cannot be asked to close a payment under way (hazards 7.6); it is asked first.
    pub despite_live_payment: bool,
}

/// A move on its way: what was asked for, and the clinic's zone, read before the transaction.
pub struct Moving {
    change: AppointmentChange,
    zone: String,
    limits: Limits,
}

impl Moving {
    /// Where the appointment is to stand, if elsewhere than now. Under its lock row.
    ///
    /// # Errors
    /// [`Error::MovedMeanwhile`], [`Error::Clash`], or the store's.
    pub(super) async fn place(&self, tx: &mut Tx, id: AppointmentId) -> Result<Option<Slot>> {
        let change = &self.change;
        let (now, revision) = appointments::place_in(tx, id)
            .await?
            .ok_or(Error::NotFound)?;
        if change.seen.is_some_and(|seen| seen != revision) {
            // Whoever it was is looked up after this transaction.
            return Err(Error::MovedMeanwhile(Meanwhile {
                by: String::new(),
                at: 0,
                status: None,
                slot: now,
                practitioner_name: None,
            }));
        }
        let starts_at = change.starts_at.unwrap_or(now.starts_at);
        let length = change
            .minutes
            .map_or(now.ends_at - now.starts_at, |minutes| minutes * MINUTE_MS);
        let to = Slot {
            starts_at,
            ends_at: starts_at + length,
            practitioner: change.practitioner.or(now.practitioner),
        };
        if to == now {
            return Ok(None);
        }
        if !change.despite_overlap {
            practitioners::check_free(tx, &self.zone, id, to).await?;
        }
        Ok(Some(to))
    }

    /// Gives back every payment of the appointment, where that was decided with the status: in the transaction that
    /// changes it, so that both happen or neither.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a role that may not; a refusal; or the store's.
    pub(super) async fn give_back(
        &self,
        app: &App,
        tx: &mut Tx,
        actor: &Actor,
        before: &Standing,
    ) -> Result<()> {
        let id = before.appointment;
        let again = self.change.status == Some(before.status);
        if self.change.paid != Some(PaidIs::Refunded) || again {
            return Ok(());
        }
        let input = RefundInput {
            amount: None,
            reason: self.change.status.map(|status| status.title().into()),
            reopen: false,
            correction: false,
            seen_available: None,
        };
        for payment in payments::of_appointment_in(tx, id).await? {
            if payment.refundable().minor > 0 {
                let place = (id, payment.id);
                refunds::request_in(app, tx, actor, place, None, &input, self.limits).await?;
            }
        }
        Ok(())
    }
}

/// # Errors
/// [`Error::Invalid`]: only with an appointment that does not take place.
fn check_paid(change: &AppointmentChange) -> Result<()> {
    if change.paid.is_some() && !change.status.is_some_and(Status::is_missed) {
        return Err(Error::invalid(
            "paid_is",
            "Decide about the money only together with Cancelled or No-show.",
        ));
    }
    Ok(())
}

fn settlement(app: &App, change: &AppointmentChange, now: UtcMs) -> Result<Option<Settlement>> {
    Ok(match change.paid {
        None => None,
        Some(PaidIs::Credited | PaidIs::Refunded) => Some(Settlement::Credit),
        Some(PaidIs::Kept) => Some(Settlement::Keep(Fee {
            charge: app.fresh(now)?,
            txn: app.fresh(now)?,
            description: match change.status {
                Some(Status::NoShow) => "Missed appointment fee".into(),
                _ => "Cancellation fee".into(),
            },
        })),
    })
}

/// Moves an appointment and changes its status, both or neither. Money and link stay with it.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::Clash`]; [`Error::MovedMeanwhile`]; a refusal;
/// [`Error::ProviderUnreachable`]; or the store's.
#[crate::boxed]
pub async fn change(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    change: AppointmentChange,
) -> Result<()> {
    check_paid(&change)?;
    let before = get(app, actor.clinic, appointment).await?;
    let starts_at = change.starts_at.filter(|at| *at != before.starts_at);
    if let Some(starts_at) = starts_at
        && (starts_at - app.now().await?).abs() > FAR_MS
    {
        return Err(Error::invalid(
            "starts_at",
            "Choose a date within three years.",
        ));
    }
    if change
        .minutes
        .is_some_and(|minutes| !MINUTES.contains(&minutes))
    {
        return Err(Error::invalid(
            "minutes",
            "Choose a length from 5 minutes to 12 hours.",
        ));
    }
    let other = change
        .practitioner
        .filter(|who| Some(*who) != before.practitioner);
    if let Some(who) = other {
        check_practitioner(app, actor.clinic, who).await?;
    }
    let context = clinics::context(app, actor.clinic).await?;
    let moving = Moving {
        change,
        zone: context.clinic.zone.clone(),
        limits: context.refund_limits,
    };
    let despite = change.despite_live_payment;
    let done = decide(
        app,
        actor,
        appointment,
        despite,
        Some(&moving),
        |standing, charges, to, now| {
            let mut decision = Decision::default();
            if let Some(to) = to {
                decision = rules::reschedule(standing, to)?;
            }
            if let Some(to) = change.status {
                let mut with_txns = Vec::new();
                for charge in charges {
                    with_txns.push((charge.clone(), app.fresh(now)?));
                }
                let settlement = settlement(app, &change, now)?;
                let settlement = settlement.as_ref();
                let status = rules::change_status(standing, to, settlement, &with_txns, now)?;
                decision.events.extend(status.events);
                decision.effects.extend(status.effects);
            }
            Ok(decision)
        },
    )
    .await;
    match done {
        Err(Error::MovedMeanwhile(_)) => Err(Error::MovedMeanwhile(
            meanwhile(app, actor.clinic, appointment).await?,
        )),
        done => done,
    }
}

/// Known, and not retired.
///
/// # Errors
/// [`Error::Invalid`], or the store's.
pub(super) async fn check_practitioner(
    app: &App,
    clinic: ClinicId,
    who: PractitionerId,
) -> Result<()> {
    match services::get_practitioner(&app.store, clinic, who).await? {
        Some(who) if who.active => Ok(()),
        Some(_) => Err(Error::invalid(
            "practitioner_id",
            "This practitioner takes no appointments any more.",
        )),
        None => Err(Error::invalid(
            "practitioner_id",
            "This practitioner is not known.",
        )),
    }
}

/// Who moved the appointment last, or gave it another status.
async fn meanwhile(app: &App, clinic: ClinicId, id: AppointmentId) -> Result<Meanwhile> {
    let view = get(app, clinic, id).await?;
    let lines = events::of_appointment(&app.store, clinic, id, 200).await?;
    let last = lines.into_iter().find(|line| {
        matches!(
            line.kind.as_str(),
            "appointment.moved" | "appointment.status"
        )
    });
    let status = last
        .as_ref()
        .filter(|line| line.kind == "appointment.status")
        .map(|_| view.status);
    Ok(Meanwhile {
        by: last
            .as_ref()
            .map(|line| line.actor.clone())
            .unwrap_or_default(),
        at: last.map_or(view.created_at, |line| line.at),
        status,
        slot: Slot {
            starts_at: view.starts_at,
            ends_at: view.ends_at,
            practitioner: view.practitioner,
        },
        practitioner_name: view.practitioner_name,
    })
}
