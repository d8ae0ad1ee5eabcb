//! Payment links: the rows, the list of *Online Payments*, its counts.

pub(crate) mod list;
pub(crate) mod tallies;

pub use list::{Cursor, Filter, list, of_amount};
pub use tallies::{Tallies, Tally, fold_tallies, follow_up, tallies};

use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, LinkId, PatientId};
use remit_core::links::{Closing, Link, LinkState};
use remit_core::methods::PurposeKind;
use remit_core::money::{Currency, Money};
use remit_core::token::TokenHash;

use crate::error::{id, read};
use crate::{Result, Store, Tx};

macro_rules! view {
    () => {
        "SELECT l.id, l.appt, l.patient, l.purpose, l.amount, l.currency, l.state, l.why, l.late, l.created_at,
        l.created_by, l.expires_at, l.sent_at, l.sent_by, l.accessed_at, l.paid_at, l.closed_at, l.asked_at,
        l.captured, l.refunded, l.disputed, l.delivery_failed, l.reference, l.token_sealed, b.due,
        a.starts_at, a.title, p.name AS patient_name, p.email, p.phone, p.locale, d.name AS practitioner,
        CAST(CASE WHEN t.id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS live,
        CAST(CASE WHEN EXISTS (SELECT 1 FROM payment_attempt e WHERE e.clinic = l.clinic AND e.link = l.id)
          THEN 1 ELSE 0 END AS BIGINT) AS attempted, "
    };
}

macro_rules! view_from {
    () => {
        " AS read_at
        FROM payment_link l
        JOIN appointment a ON a.clinic = l.clinic AND a.id = l.appt
        JOIN appointment_balance b ON b.clinic = l.clinic AND b.appt = l.appt
        JOIN patient p ON p.clinic = l.clinic AND p.id = l.patient
        LEFT JOIN practitioner d ON d.clinic = a.clinic AND d.id = a.practitioner
        LEFT JOIN payment_attempt t ON t.clinic = l.clinic AND t.appt = l.appt AND t.link = l.id
          AND t.state IN ('creating', 'unknown', 'open', 'processing')
        WHERE l.clinic = $1 AND l."
    };
}

statements! {
    GET = ["SELECT id, appt, purpose, amount, currency, token_hash, state, why, late, created_at, expires_at
        FROM payment_link WHERE clinic = $1 AND id = $2"];
    PLACE = ["SELECT appt FROM payment_link WHERE clinic = $1 AND id = $2"];
    PAYER = ["SELECT l.appt, p.email, p.locale FROM payment_link l JOIN patient p
        ON p.clinic = l.clinic AND p.id = l.patient WHERE l.clinic = $1 AND l.id = $2"];
    SEALED = ["SELECT token_sealed FROM payment_link WHERE clinic = $1 AND id = $2"];
    EXPIRED = ["SELECT clinic, id, appt FROM payment_link WHERE state IN ('created', 'sent', 'accessed')
        AND expires_at <= $1 ORDER BY expires_at LIMIT $2"];
    MARK_SENT_BY = ["UPDATE payment_link SET sent_by = $3, remind_at = COALESCE(CAST($4 AS BIGINT), remind_at)
        WHERE clinic = $1 AND id = $2"];
    MARK_DELIVERY = ["UPDATE payment_link SET delivery_failed = COALESCE((SELECT CASE WHEN d.status = 'failed' THEN 1 ELSE 0 END
        FROM delivery d WHERE d.clinic = $1 AND d.link = $2 AND d.channel IN ('sms', 'email')
        AND NOT (d.automatic IS NOT NULL AND d.status = 'failed' AND d.handed_at IS NULL)
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1), 0) WHERE clinic = $1 AND id = $2"];
    FAILED_TRIES = ["SELECT COUNT(*) AS tries, CAST(COALESCE(MIN(ended_at), 0) AS BIGINT) AS oldest
        FROM payment_attempt WHERE clinic = $1 AND link = $2 AND state = 'failed' AND ended_at > $3"];
    OF_APPOINTMENT = ["SELECT id FROM payment_link WHERE clinic = $1 AND appt = $2
        ORDER BY created_at DESC, id DESC LIMIT 50"];
    VIEW = [(view!()) now (view_from!()) "id = $2"];
    VIEW_BY_TOKEN = [(view!()) now (view_from!()) "token_hash = $2"];
    VIEWS = [(view!()) now (view_from!()) "id IN " (ids 2) " ORDER BY +l.created_at DESC, l.id DESC"];
    OF_APPOINTMENTS = ["SELECT id FROM payment_link WHERE clinic = $1 AND appt IN " (ids 2)];
    ASKED = ["SELECT l.id FROM payment_link l WHERE l.clinic = $1 AND l.asked_at IS NOT NULL
        AND l.asked_at >= $2 AND l.state IN ('expired', 'cancelled') AND l.created_at >= $2
        AND NOT EXISTS (SELECT 1 FROM payment_link n WHERE n.clinic = l.clinic AND n.appt = l.appt
          AND n.created_at > l.created_at)
        AND (SELECT b.due FROM appointment_balance b WHERE b.clinic = l.clinic AND b.appt = l.appt) > 0
        ORDER BY l.asked_at DESC LIMIT $3"];
}

row! {
    struct LinkRow {
        id: String,
        appt: String,
        purpose: String,
        amount: i64,
        currency: String,
        token_hash: Vec<u8>,
        state: String,
        why: Option<String>,
        late: i64,
        created_at: i64,
        expires_at: i64,
    }
}

impl LinkRow {
    fn link(&self) -> Result<Link> {
        let token: Option<[u8; 32]> = self.token_hash.as_slice().try_into().ok();
        Ok(Link {
            id: id(&self.id, "link id")?,
            appointment: id(&self.appt, "appointment id")?,
            purpose: read(PurposeKind::parse(&self.purpose), "purpose")?,
            amount: Money::new(
                self.amount,
                read(Currency::parse(&self.currency), "currency")?,
            ),
            token: TokenHash(read(token, "token hash")?),
            state: read(LinkState::parse(&self.state), "link state")?,
            why: self.why.as_deref().and_then(Closing::parse),
            late: self.late == 1,
            created_at: self.created_at,
            expires_at: self.expires_at,
        })
    }
}

row! {
    /// The open link as the standing's one statement reads it: all empty when there is none.
    pub(crate) struct OpenRow {
        l_id: Option<String>,
        l_purpose: Option<String>,
        l_amount: Option<i64>,
        l_currency: Option<String>,
        l_token_hash: Option<Vec<u8>>,
        l_state: Option<String>,
        l_why: Option<String>,
        l_late: Option<i64>,
        l_created_at: Option<i64>,
        l_expires_at: Option<i64>,
    }
}

impl OpenRow {
    pub(crate) fn link(self, appointment: AppointmentId) -> Result<Option<Link>> {
        let Some(link_id) = self.l_id else {
            return Ok(None);
        };
        let row = LinkRow {
            id: link_id,
            appt: appointment.to_string(),
            purpose: read(self.l_purpose, "purpose")?,
            amount: read(self.l_amount, "amount")?,
            currency: read(self.l_currency, "currency")?,
            token_hash: read(self.l_token_hash, "token hash")?,
            state: read(self.l_state, "link state")?,
            why: self.l_why,
            late: read(self.l_late, "late")?,
            created_at: read(self.l_created_at, "creation")?,
            expires_at: read(self.l_expires_at, "expiry")?,
        };
        row.link().map(Some)
    }
}

/// A link, read under the lock of its appointment.
///
/// # Errors
/// The engine's own.
pub async fn get(tx: &mut Tx, link: LinkId) -> Result<Option<Link>> {
    opt!(tx, LinkRow, GET, tx.clinic(), link.to_string())?
        .map(|row| row.link())
        .transpose()
}

/// The appointment of a link: where its lock row is.
///
/// # Errors
/// The engine's own.
pub async fn place(store: &Store, clinic: ClinicId, link: LinkId) -> Result<Option<AppointmentId>> {
    let row = read_opt!(
        store,
        (String,),
        PLACE,
        clinic.to_string(),
        link.to_string()
    )?;
    row.map(|(appt,)| id(&appt, "appointment id")).transpose()
}

/// Who pays a link, as far as a provider may know it.
#[derive(Clone, Debug)]
pub struct Payer {
    pub appointment: AppointmentId,
    pub email: Option<String>,
    /// BCP 47.
    pub locale: String,
}

/// # Errors
/// The engine's own, or a row that does not parse.
pub async fn payer(store: &Store, clinic: ClinicId, link: LinkId) -> Result<Option<Payer>> {
    let row = read_opt!(
        store,
        (String, Option<String>, String),
        PAYER,
        clinic.to_string(),
        link.to_string()
    )?;
    row.map(|(appt, email, locale)| {
        Ok(Payer {
            appointment: id(&appt, "appointment id")?,
            email,
            locale,
        })
    })
    .transpose()
}

/// The link behind a token's hash, whole: one read is what a patient's page costs.
///
/// # Errors
/// The engine's own.
pub async fn by_token(
    store: &Store,
    clinic: ClinicId,
    token: TokenHash,
) -> Result<Option<LinkView>> {
    read_opt!(
        store,
        ViewRow,
        VIEW_BY_TOKEN,
        clinic.to_string(),
        token.0.to_vec()
    )?
    .map(|row| row.view(store))
    .transpose()
}

/// Open rows whose time is over, oldest first, of every clinic.
///
/// # Errors
/// The engine's own.
pub async fn expired(
    store: &Store,
    now: UtcMs,
    limit: i64,
) -> Result<Vec<(ClinicId, LinkId, AppointmentId)>> {
    let rows = read_all!(store, (String, String, String), EXPIRED, now, limit)?;
    rows.iter()
        .map(|(clinic, link, appt)| {
            Ok((
                id(clinic, "clinic id")?,
                id(link, "link id")?,
                id(appt, "appointment id")?,
            ))
        })
        .collect()
}

/// Remembers how the link was handed over last, and when to look whether a reminder is due.
///
/// # Errors
/// The engine's own.
pub async fn mark_sent_by(
    tx: &mut Tx,
    link: LinkId,
    channel: &str,
    remind_at: Option<UtcMs>,
) -> Result<()> {
    exec!(
        tx,
        MARK_SENT_BY,
        tx.clinic(),
        link.to_string(),
        channel.to_owned(),
        remind_at
    )
    .map(drop)
}

/// Keeps beside the link whether its latest message failed, for the badge. What became of an older one says nothing of
/// the one that the patient has.
///
/// # Errors
/// The engine's own.
pub async fn mark_delivery(tx: &mut Tx, link: LinkId) -> Result<()> {
    tx.tell(link.to_string());
    exec!(tx, MARK_DELIVERY, tx.clinic(), link.to_string()).map(drop)
}

/// Refused tries on a link since a moment, and when the oldest of them was.
///
/// # Errors
/// The engine's own.
pub async fn failed_tries(tx: &mut Tx, link: LinkId, since: UtcMs) -> Result<(i64, UtcMs)> {
    Ok(opt!(
        tx,
        (i64, i64),
        FAILED_TRIES,
        tx.clinic(),
        link.to_string(),
        since
    )?
    .unwrap_or((0, 0)))
}

/// The same as anybody may look at it, without the lock.
///
/// # Errors
/// The engine's own.
pub async fn failed_tries_now(
    store: &Store,
    clinic: ClinicId,
    link: LinkId,
    since: UtcMs,
) -> Result<(i64, UtcMs)> {
    let tries = read_opt!(
        store,
        (i64, i64),
        FAILED_TRIES,
        clinic.to_string(),
        link.to_string(),
        since
    )?;
    Ok(tries.unwrap_or((0, 0)))
}

/// A link with everything that a list, a window or the API shows of it.
#[derive(Clone, Debug)]
pub struct LinkView {
    pub id: LinkId,
    pub appointment: AppointmentId,
    pub patient: PatientId,
    pub patient_name: String,
    pub patient_email: Option<String>,
    pub patient_phone: Option<String>,
    /// BCP 47: which language the patient reads.
    pub patient_locale: String,
    pub purpose: PurposeKind,
    pub amount: Money,
    /// What the appointment still owes.
    pub due: Money,
    pub state: LinkState,
    pub why: Option<Closing>,
    pub late: bool,
    pub reference: String,
    pub created_at: UtcMs,
    pub created_by: String,
    pub expires_at: UtcMs,
    pub sent_at: Option<UtcMs>,
    /// Channel of the latest handing-over.
    pub sent_by: Option<String>,
    pub accessed_at: Option<UtcMs>,
    pub paid_at: Option<UtcMs>,
    pub closed_at: Option<UtcMs>,
    pub asked_at: Option<UtcMs>,
    pub captured: i64,
    pub refunded: i64,
    pub disputed: bool,
    pub delivery_failed: bool,
    pub live_attempt: bool,
    /// Somebody has begun to pay through it, however that went.
    pub attempted: bool,
    /// The database's clock when this was read, for judging its time.
    pub read_at: UtcMs,
    pub appointment_starts_at: UtcMs,
    pub appointment_title: String,
    pub practitioner: Option<String>,
    pub token_sealed: Vec<u8>,
}

impl LinkView {
    /// The status that people are shown.
    pub fn shown(&self, now: UtcMs) -> LinkState {
        if self.state.is_open() && now >= self.expires_at {
            LinkState::Expired
        } else {
            self.state
        }
    }

    /// What a patient would pay now; the link's amount once it has ended.
    pub fn amount_due(&self) -> Money {
        self.amount.with(self.amount.minor.min(self.due.minor))
    }

    pub fn badges(&self) -> Vec<remit_core::links::Badge> {
        remit_core::links::badges(remit_core::links::BadgeFacts {
            late: self.late,
            live_attempt: self.live_attempt,
            captured: self.captured,
            refunded: self.refunded,
            disputed: self.disputed,
            delivery_failed: self.delivery_failed,
        })
    }
}

row! {
    struct ViewRow {
        id: String,
        appt: String,
        patient: String,
        purpose: String,
        amount: i64,
        currency: String,
        state: String,
        why: Option<String>,
        late: i64,
        created_at: i64,
        created_by: String,
        expires_at: i64,
        sent_at: Option<i64>,
        sent_by: Option<String>,
        accessed_at: Option<i64>,
        paid_at: Option<i64>,
        closed_at: Option<i64>,
        asked_at: Option<i64>,
        captured: i64,
        refunded: i64,
        disputed: i64,
        delivery_failed: i64,
        reference: String,
        token_sealed: Vec<u8>,
        due: i64,
        starts_at: i64,
        title: String,
        patient_name: String,
        email: Option<String>,
        phone: Option<String>,
        locale: String,
        practitioner: Option<String>,
        live: i64,
        attempted: i64,
        read_at: i64,
    }
}

impl ViewRow {
    fn view(self, store: &Store) -> Result<LinkView> {
        let currency = read(Currency::parse(&self.currency), "currency")?;
        Ok(LinkView {
            id: id(&self.id, "link id")?,
            appointment: id(&self.appt, "appointment id")?,
            patient: id(&self.patient, "patient id")?,
            patient_name: self.patient_name,
            patient_email: self.email,
            patient_phone: self.phone,
            patient_locale: self.locale,
            purpose: read(PurposeKind::parse(&self.purpose), "purpose")?,
            amount: Money::new(self.amount, currency),
            due: Money::new(self.due, currency),
            state: read(LinkState::parse(&self.state), "link state")?,
            why: self.why.as_deref().and_then(Closing::parse),
            late: self.late == 1,
            reference: self.reference,
            created_at: self.created_at,
            created_by: self.created_by,
            expires_at: self.expires_at,
            sent_at: self.sent_at,
            sent_by: self.sent_by,
            accessed_at: self.accessed_at,
            paid_at: self.paid_at,
            closed_at: self.closed_at,
            asked_at: self.asked_at,
            captured: self.captured,
            refunded: self.refunded,
            disputed: self.disputed == 1,
            delivery_failed: self.delivery_failed == 1,
            live_attempt: self.live == 1,
            attempted: self.attempted == 1,
            read_at: store.shifted(self.read_at),
            appointment_starts_at: self.starts_at,
            appointment_title: self.title,
            practitioner: self.practitioner,
            token_sealed: self.token_sealed,
        })
    }
}

/// One link as it is shown.
///
/// # Errors
/// The engine's own.
pub async fn view(store: &Store, clinic: ClinicId, link: LinkId) -> Result<Option<LinkView>> {
    read_opt!(store, ViewRow, VIEW, clinic.to_string(), link.to_string())?
        .map(|row| row.view(store))
        .transpose()
}

/// An appointment's links, newest first.
///
/// # Errors
/// The engine's own.
pub async fn of_appointment(
    store: &Store,
    clinic: ClinicId,
    appointment: AppointmentId,
) -> Result<Vec<LinkView>> {
    let rows = read_all!(
        store,
        (String,),
        OF_APPOINTMENT,
        clinic.to_string(),
        appointment.to_string()
    )?;
    let ids: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    views(store, clinic, &ids).await
}

/// The links of many appointments, newest first, in two statements.
///
/// # Errors
/// The engine's own.
pub async fn of_appointments(
    store: &Store,
    clinic: ClinicId,
    appointments: &[AppointmentId],
) -> Result<Vec<LinkView>> {
    let of = serde_json::json!(appointments).to_string();
    let rows = read_all!(store, (String,), OF_APPOINTMENTS, clinic.to_string(), of)?;
    let ids: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    views(store, clinic, &ids).await
}

/// The links of these ids, newest first, in one statement.
pub(crate) async fn views(
    store: &Store,
    clinic: ClinicId,
    ids: &[String],
) -> Result<Vec<LinkView>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let rows = read_all!(
        store,
        ViewRow,
        VIEWS,
        clinic.to_string(),
        serde_json::json!(ids).to_string()
    )?;
    rows.into_iter().map(|row| row.view(store)).collect()
}

/// Links whose patient asked for a new one and has none yet, the latest asking first.
///
/// # Errors
/// The engine's own.
pub async fn asked_again(
    store: &Store,
    clinic: ClinicId,
    since: UtcMs,
    limit: i64,
) -> Result<Vec<LinkView>> {
    let rows = read_all!(store, (String,), ASKED, clinic.to_string(), since, limit)?;
    let ids: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    let mut asked = views(store, clinic, &ids).await?;
    asked.sort_by_key(|view| std::cmp::Reverse(view.asked_at));
    Ok(asked)
}

/// The sealed token of a link.
///
/// # Errors
/// The engine's own.
pub async fn sealed(store: &Store, clinic: ClinicId, link: LinkId) -> Result<Option<Vec<u8>>> {
    Ok(read_opt!(
        store,
        (Vec<u8>,),
        SEALED,
        clinic.to_string(),
        link.to_string()
    )?
    .map(|(sealed,)| sealed))
}
