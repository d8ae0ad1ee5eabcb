//! Appointments: booking rows, the day's diary, charges.

use remit_core::UtcMs;
use remit_core::account::Balance;
use remit_core::appointments::{Charge, ChargeKind, Slot, Status};
use remit_core::ids::{AppointmentId, ChargeId, ClinicId, PatientId, PractitionerId};
use remit_core::money::{Currency, Money};
use remit_core::practitioners::Clash;

use crate::error::{id, id_opt, read};
use crate::{Result, Store, Tx};

macro_rules! view {
    () => {
        "SELECT a.id, a.patient, p.name AS patient_name, p.email, p.phone, a.practitioner, d.name AS practitioner_name, d.room, a.title,
        a.starts_at, a.ends_at, a.revision, a.status, a.created_at, b.currency, b.total, b.deposit, b.paid, b.refunded, b.due,
        b.credit, l.state AS link_state, l.amount AS link_amount, l.expires_at AS link_expires_at,
        CAST(CASE WHEN x.id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS expired_unpaid
        FROM appointment a
        JOIN appointment_balance b ON b.clinic = a.clinic AND b.appt = a.id
        JOIN patient p ON p.clinic = a.clinic AND p.id = a.patient
        LEFT JOIN practitioner d ON d.clinic = a.clinic AND d.id = a.practitioner
        LEFT JOIN payment_link l ON l.clinic = a.clinic AND l.appt = a.id
          AND l.state IN ('created', 'sent', 'accessed')
        LEFT JOIN payment_link x ON x.clinic = a.clinic AND x.id = (SELECT y.id FROM payment_link y
          WHERE y.clinic = a.clinic AND y.appt = a.id ORDER BY y.created_at DESC, y.id DESC LIMIT 1)
          AND x.state = 'expired'
        WHERE a.clinic = $1 AND a.id"
    };
}

statements! {
    INSERT = ["INSERT INTO appointment (clinic, id, patient, practitioner, title, starts_at, ends_at, status,
        created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, 'booked', $8, $9)"];
    INSERT_BALANCE = ["INSERT INTO appointment_balance (clinic, appt, currency, total, deposit, paid, refunded, due,
        credit, version) VALUES ($1, $2, $3, 0, 0, 0, 0, 0, 0, 0)"];
    VIEW = [(view!()) " = $2"];
    VIEWS = [(view!()) " IN " (ids 2) " ORDER BY +a.starts_at, a.id"];
    DAY = ["SELECT id FROM appointment WHERE clinic = $1 AND starts_at >= $2 AND starts_at < $3
        ORDER BY starts_at, id LIMIT $4"];
    PAGE = ["SELECT id, starts_at FROM appointment WHERE clinic = $1
        AND (starts_at > $2 OR (starts_at = $2 AND id > $3)) AND starts_at < $4 ORDER BY starts_at, id LIMIT $5"];
    PAGE_PATIENT = ["SELECT id, starts_at FROM appointment WHERE clinic = $1 AND patient = $6
        AND (starts_at > $2 OR (starts_at = $2 AND id > $3)) AND starts_at < $4 ORDER BY starts_at, id LIMIT $5"];
    COMING_OF = ["SELECT id FROM appointment WHERE clinic = $1 AND patient IN " (ids 2) " AND starts_at >= $3
        ORDER BY +starts_at, id LIMIT $4"];
    PAST_OF = ["SELECT id FROM appointment WHERE clinic = $1 AND patient IN " (ids 2) " AND starts_at < $3
        ORDER BY +starts_at DESC, id DESC LIMIT $4"];
    CHARGES = ["SELECT id, kind, description, quantity, amount, currency, service FROM charge
        WHERE clinic = $1 AND appt = $2 AND removed_at IS NULL ORDER BY id"];
    CHARGES_OF = ["SELECT appt, id, kind, description, quantity, amount, currency, service FROM charge
        WHERE clinic = $1 AND appt IN " (ids 2) " AND removed_at IS NULL ORDER BY id"];
    HAS_CHARGE = ["SELECT id FROM charge WHERE clinic = $1 AND id = $2"];
    OVERLAP = ["SELECT p.name, a.starts_at, a.ends_at FROM appointment a
        JOIN patient p ON p.clinic = a.clinic AND p.id = a.patient
        WHERE a.clinic = $1 AND a.practitioner = $2 AND a.starts_at < $4 AND a.ends_at > $3 AND a.id <> $6
        AND a.status NOT IN ('cancelled', 'no_show') AND a.starts_at > $5 ORDER BY a.starts_at, a.id LIMIT 1"];
    PLACE = ["SELECT practitioner, starts_at, ends_at, revision FROM appointment WHERE clinic = $1 AND id = $2"];
}

/// What a fresh booking writes; its charges follow as decisions.
#[derive(Clone, Debug)]
pub struct Booking {
    pub id: AppointmentId,
    pub patient: PatientId,
    pub practitioner: Option<PractitionerId>,
    /// Names of the services, for staff.
    pub title: String,
    pub starts_at: UtcMs,
    pub ends_at: UtcMs,
    pub currency: Currency,
}

/// # Errors
/// The engine's own.
pub async fn insert(tx: &mut Tx, booking: &Booking, actor: &str, now: UtcMs) -> Result<()> {
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        booking.id.to_string(),
        booking.patient.to_string(),
        booking.practitioner.map(|who| who.to_string()),
        booking.title.clone(),
        booking.starts_at,
        booking.ends_at,
        now,
        actor.to_owned(),
    )?;
    tx.tell("diary");
    exec!(
        tx,
        INSERT_BALANCE,
        tx.clinic(),
        booking.id.to_string(),
        booking.currency.code().to_owned()
    )
    .map(drop)
}

/// An appointment with its figures, as diary, page and API show it.
#[derive(Clone, Debug)]
pub struct AppointmentView {
    pub id: AppointmentId,
    pub patient: PatientId,
    pub patient_name: String,
    pub patient_email: Option<String>,
    pub patient_phone: Option<String>,
    pub practitioner: Option<PractitionerId>,
    pub practitioner_name: Option<String>,
    pub room: Option<String>,
    pub title: String,
    pub starts_at: UtcMs,
    pub ends_at: UtcMs,
    /// Counts the moves and changes of status: what a move is held against, so that none is undone unseen.
    pub revision: i64,
    pub status: Status,
    pub created_at: UtcMs,
    pub balance: Balance,
    /// State name, amount and end of the open link, if there is one.
    pub open_link: Option<(remit_core::links::LinkState, i64, UtcMs)>,
    /// The latest link expired without money.
    pub expired_unpaid: bool,
}

row! {
    struct ViewRow {
        id: String,
        patient: String,
        patient_name: String,
        email: Option<String>,
        phone: Option<String>,
        practitioner: Option<String>,
        practitioner_name: Option<String>,
        room: Option<String>,
        title: String,
        starts_at: i64,
        ends_at: i64,
        revision: i64,
        status: String,
        created_at: i64,
        currency: String,
        total: i64,
        deposit: i64,
        paid: i64,
        refunded: i64,
        due: i64,
        credit: i64,
        link_state: Option<String>,
        link_amount: Option<i64>,
        link_expires_at: Option<i64>,
        expired_unpaid: i64,
    }
}

impl ViewRow {
    fn view(self) -> Result<AppointmentView> {
        let state = self
            .link_state
            .as_deref()
            .and_then(remit_core::links::LinkState::parse);
        Ok(AppointmentView {
            id: id(&self.id, "appointment id")?,
            patient: id(&self.patient, "patient id")?,
            patient_name: self.patient_name,
            patient_email: self.email,
            patient_phone: self.phone,
            practitioner: id_opt(&self.practitioner, "practitioner id")?,
            practitioner_name: self.practitioner_name,
            room: self.room,
            title: self.title,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            revision: self.revision,
            status: read(Status::parse(&self.status), "appointment status")?,
            created_at: self.created_at,
            balance: Balance {
                currency: read(Currency::parse(&self.currency), "currency")?,
                total: self.total,
                deposit: self.deposit,
                paid: self.paid,
                refunded: self.refunded,
                due: self.due,
                credit: self.credit,
            },
            open_link: match (state, self.link_amount, self.link_expires_at) {
                (Some(state), Some(amount), Some(expires_at)) => Some((state, amount, expires_at)),
                _ => None,
            },
            expired_unpaid: self.expired_unpaid == 1,
        })
    }
}

/// # Errors
/// The engine's own.
pub async fn view(
    store: &Store,
    clinic: ClinicId,
    appointment: AppointmentId,
) -> Result<Option<AppointmentView>> {
    read_opt!(
        store,
        ViewRow,
        VIEW,
        clinic.to_string(),
        appointment.to_string()
    )?
    .map(ViewRow::view)
    .transpose()
}

/// The appointments of these ids in order of start, in one statement.
async fn views(
    store: &Store,
    clinic: ClinicId,
    ids: impl Iterator<Item = String>,
) -> Result<Vec<AppointmentView>> {
    let ids: Vec<String> = ids.collect();
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let ids = serde_json::json!(ids).to_string();
    let rows = read_all!(store, ViewRow, VIEWS, clinic.to_string(), ids)?;
    rows.into_iter().map(ViewRow::view).collect()
}

/// Appointments that start within a span, in order.
///
/// # Errors
/// The engine's own.
pub async fn between(
    store: &Store,
    clinic: ClinicId,
    from: UtcMs,
    to: UtcMs,
) -> Result<Vec<AppointmentView>> {
    let rows = read_all!(store, (String,), DAY, clinic.to_string(), from, to, 500_i64)?;
    views(store, clinic, rows.into_iter().map(|(id,)| id)).await
}

/// A page in order of start, and whether there is more. `after`: start and id of the last one seen.
///
/// # Errors
/// The engine's own.
pub async fn list(
    store: &Store,
    clinic: ClinicId,
    patient: Option<PatientId>,
    (after_at, after_id): (UtcMs, &str),
    to: UtcMs,
    limit: i64,
) -> Result<Vec<AppointmentView>> {
    let (clinic_text, after_id) = (clinic.to_string(), after_id.to_owned());
    let rows = match patient {
        None => read_all!(
            store,
            (String, i64),
            PAGE,
            clinic_text,
            after_at,
            after_id,
            to,
            limit
        )?,
        Some(patient) => {
            let patient = patient.to_string();
            read_all!(
                store,
                (String, i64),
                PAGE_PATIENT,
                clinic_text,
                after_at,
                after_id,
                to,
                limit,
                patient
            )?
        }
    };
    views(store, clinic, rows.into_iter().map(|(id, _)| id)).await
}

/// Appointments of these patients, at most `limit`: those from a moment on in order of start, then those before it,
/// latest first.
///
/// # Errors
/// The engine's own.
pub async fn around(
    store: &Store,
    clinic: ClinicId,
    patients: &[PatientId],
    moment: UtcMs,
    limit: i64,
) -> Result<Vec<AppointmentView>> {
    if patients.is_empty() {
        return Ok(vec![]);
    }
    let of = serde_json::json!(patients).to_string();
    let clinic_text = clinic.to_string();
    let rows = read_all!(
        store,
        (String,),
        COMING_OF,
        clinic_text.clone(),
        of.clone(),
        moment,
        limit
    )?;
    let mut found = views(store, clinic, rows.into_iter().map(|(id,)| id)).await?;
    let left = limit - i64::try_from(found.len()).unwrap_or(limit);
    if left > 0 {
        let rows = read_all!(store, (String,), PAST_OF, clinic_text, of, moment, left)?;
        let past = views(store, clinic, rows.into_iter().map(|(id,)| id)).await?;
        found.extend(past.into_iter().rev());
    }
    Ok(found)
}

type ChargeRow = (String, String, String, i64, i64, String, Option<String>);

fn charge(row: ChargeRow) -> Result<Charge> {
    let (charge, kind, description, quantity, amount, currency, service) = row;
    Ok(Charge {
        id: id(&charge, "charge id")?,
        kind: read(ChargeKind::parse(&kind), "charge kind")?,
        description,
        quantity: read(u32::try_from(quantity).ok(), "quantity")?,
        amount: Money::new(amount, read(Currency::parse(&currency), "currency")?),
        service: id_opt(&service, "service id")?,
    })
}

/// An appointment's charges, in the order they were added.
///
/// # Errors
/// The engine's own.
pub async fn charges(
    store: &Store,
    clinic: ClinicId,
    appointment: AppointmentId,
) -> Result<Vec<Charge>> {
    let rows = read_all!(
        store,
        ChargeRow,
        CHARGES,
        clinic.to_string(),
        appointment.to_string()
    )?;
    rows.into_iter().map(charge).collect()
}

/// The charges of many appointments in one statement, in the order they were added.
///
/// # Errors
/// The engine's own.
pub async fn charges_of(
    store: &Store,
    clinic: ClinicId,
    appointments: &[AppointmentId],
) -> Result<Vec<(AppointmentId, Charge)>> {
    type Row = (
        String,
        String,
        String,
        String,
        i64,
        i64,
        String,
        Option<String>,
    );
    let ids = serde_json::json!(appointments).to_string();
    let rows = read_all!(store, Row, CHARGES_OF, clinic.to_string(), ids)?;
    rows.into_iter()
        .map(
            |(appt, charge_id, kind, text, quantity, amount, currency, service)| {
                let row = (charge_id, kind, text, quantity, amount, currency, service);
                Ok((id(&appt, "appointment id")?, charge(row)?))
            },
        )
        .collect()
}

/// The charges, read under the lock row.
///
/// # Errors
/// The engine's own.
pub async fn charges_in(tx: &mut Tx, appointment: AppointmentId) -> Result<Vec<Charge>> {
    let rows = all!(tx, ChargeRow, CHARGES, tx.clinic(), appointment.to_string())?;
    rows.into_iter().map(charge).collect()
}

/// Whether a charge was ever added, whatever became of it.
///
/// # Errors
/// The engine's own.
pub async fn knows_charge(store: &Store, clinic: ClinicId, charge: ChargeId) -> Result<bool> {
    let row = read_opt!(
        store,
        (String,),
        HAS_CHARGE,
        clinic.to_string(),
        charge.to_string()
    )?;
    Ok(row.is_some())
}

/// The practitioner's first other appointment in a span.
///
/// # Errors
/// The engine's own.
pub async fn overlapping(
    tx: &mut Tx,
    who: PractitionerId,
    (starts_at, ends_at): (UtcMs, UtcMs),
    except: AppointmentId,
) -> Result<Option<Clash>> {
    // Nothing lasts longer than a day, so older starts need no look: the index on the start does the work.
    let earliest = starts_at - remit_core::DAY_MS;
    let row = opt!(
        tx,
        (String, i64, i64),
        OVERLAP,
        tx.clinic(),
        who.to_string(),
        starts_at,
        ends_at,
        earliest,
        except.to_string()
    )?;
    Ok(row.map(|(patient, starts_at, ends_at)| Clash::Taken {
        patient,
        starts_at,
        ends_at,
    }))
}

/// Where an appointment stands in the diary, and how often that was changed; read under its lock row.
///
/// # Errors
/// The engine's own.
pub async fn place_in(tx: &mut Tx, appointment: AppointmentId) -> Result<Option<(Slot, i64)>> {
    type Row = (Option<String>, i64, i64, i64);
    let row = opt!(tx, Row, PLACE, tx.clinic(), appointment.to_string())?;
    row.map(|(who, starts_at, ends_at, revision)| {
        let place = Slot {
            starts_at,
            ends_at,
            practitioner: id_opt(&who, "practitioner id")?,
        };
        Ok((place, revision))
    })
    .transpose()
}
