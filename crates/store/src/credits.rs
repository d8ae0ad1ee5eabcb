//! Patients' credits: what the clinic owes, appointment by appointment.

use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, PatientId};
use remit_core::money::{Currency, Money};

use crate::error::{id, read};
use crate::{Result, Store};

statements! {
    PAGE_CREDITS = ["SELECT b.appt, b.credit, b.currency, a.starts_at, w.id AS patient, w.name,
        (SELECT COUNT(*) FROM finding f WHERE f.clinic = b.clinic AND f.appt = b.appt
          AND f.kind IN ('surplus', 'credit_left') AND f.closed_at IS NULL) AS asked
        FROM appointment_balance b JOIN appointment a ON a.clinic = b.clinic AND a.id = b.appt
        JOIN patient w ON w.clinic = a.clinic AND w.id = a.patient
        WHERE b.clinic = $1 AND b.credit > 0 AND ($2 = '' OR b.appt < $2) ORDER BY b.appt DESC LIMIT $3"];
    SUM = ["SELECT COUNT(*) AS n, CAST(COALESCE(SUM(credit), 0) AS BIGINT) AS credit FROM appointment_balance
        WHERE clinic = $1 AND credit > 0"];
}

/// An appointment's credit.
#[derive(Clone, Debug)]
pub struct CreditView {
    pub appointment: AppointmentId,
    pub starts_at: UtcMs,
    pub patient: PatientId,
    pub patient_name: String,
    pub credit: Money,
    /// Nobody has decided yet what becomes of it.
    pub undecided: bool,
}

/// A page of credits, the appointment booked last first; `after` is the last appointment of the page before.
///
/// # Errors
/// The engine's own.
pub async fn page(
    store: &Store,
    clinic: ClinicId,
    after: Option<AppointmentId>,
    limit: i64,
) -> Result<(Vec<CreditView>, Option<AppointmentId>)> {
    type Row = (String, i64, String, i64, String, String, i64);
    let after = after.map_or(String::new(), |appointment| appointment.to_string());
    let rows = read_all!(
        store,
        Row,
        PAGE_CREDITS,
        clinic.to_string(),
        after,
        limit + 1
    )?;
    let mut found: Vec<CreditView> = rows
        .into_iter()
        .map(
            |(appt, credit, currency, starts_at, patient, name, asked)| {
                Ok(CreditView {
                    appointment: id(&appt, "appointment id")?,
                    starts_at,
                    patient: id(&patient, "patient id")?,
                    patient_name: name,
                    credit: Money::new(credit, read(Currency::parse(&currency), "currency")?),
                    undecided: asked > 0,
                })
            },
        )
        .collect::<Result<_>>()?;
    let keep = usize::try_from(limit).unwrap_or(0);
    let more = found.len() > keep;
    found.truncate(keep);
    let next = found.last().filter(|_| more).map(|last| last.appointment);
    Ok((found, next))
}

/// How many appointments have credit, and how much that is together, in minor units of the clinic's currency.
///
/// # Errors
/// The engine's own.
pub async fn sum(store: &Store, clinic: ClinicId) -> Result<(i64, i64)> {
    Ok(read_opt!(store, (i64, i64), SUM, clinic.to_string())?.unwrap_or_default())
}
