//! Payment links: the rows, the list of *Online Payments*, its counts.

use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, LinkId, PatientId};
use remit_core::links::{Closing, Link, LinkState};
use remit_core::methods::PurposeKind;
use remit_core::money::{Currency, Money};
use remit_core::token::TokenHash;

use crate::error::{id, read};
use crate::{Result, Store, Tx};

statements! {
    OPEN_OF = ["SELECT id, appt, purpose, amount, currency, token_hash, state, why, late, created_at, expires_at
        FROM payment_link WHERE clinic = $1 AND appt = $2 AND state IN ('created', 'sent', 'accessed')"];
    GET = ["SELECT id, appt, purpose, amount, currency, token_hash, state, why, late, created_at, expires_at
        FROM payment_link WHERE clinic = $1 AND id = $2"];
    PLACE = ["SELECT appt FROM payment_link WHERE clinic = $1 AND id = $2"];
    BY_TOKEN = ["SELECT id, appt FROM payment_link WHERE clinic = $1 AND token_hash = $2"];
    SEALED = ["SELECT token_sealed FROM payment_link WHERE clinic = $1 AND id = $2"];
    EXPIRED = ["SELECT clinic, id, appt FROM payment_link WHERE state IN ('created', 'sent', 'accessed')
        AND expires_at <= $1 ORDER BY expires_at LIMIT $2"];
    MARK_SENT_BY = ["UPDATE payment_link SET sent_by = $3 WHERE clinic = $1 AND id = $2"];
    MARK_DELIVERY = ["UPDATE payment_link SET delivery_failed = $3 WHERE clinic = $1 AND id = $2"];
    FAILED_TRIES = ["SELECT COUNT(*) AS tries, CAST(COALESCE(MIN(ended_at), 0) AS BIGINT) AS oldest
        FROM payment_attempt WHERE clinic = $1 AND link = $2 AND state = 'failed' AND ended_at > $3"];
    TALLIES = ["SELECT state, CAST(SUM(links) AS BIGINT) AS links, CAST(SUM(amount) AS BIGINT) AS amount
        FROM link_tally WHERE clinic = $1 AND day >= $2 AND day <= $3 GROUP BY state"];
    LATE_ROWS = ["SELECT state, COUNT(*) AS links, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount
        FROM payment_link WHERE clinic = $1 AND state IN ('created', 'sent', 'accessed') AND expires_at <= $2
        GROUP BY state"];
    FOLLOW_UP_COUNT = ["SELECT COUNT(*) AS links, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount
        FROM payment_link WHERE clinic = $1 AND state = 'accessed' AND expires_at > $2"];
    VIEW = ["SELECT l.id, l.appt, l.patient, l.purpose, l.amount, l.currency, l.state, l.why, l.late, l.created_at,
        l.created_by, l.expires_at, l.sent_at, l.sent_by, l.accessed_at, l.paid_at, l.closed_at, l.asked_at,
        l.captured, l.refunded, l.disputed, l.delivery_failed, l.reference, l.token_sealed, b.due,
        a.starts_at, a.title, p.name AS patient_name, p.email, p.phone, d.name AS practitioner,
        CASE WHEN t.id IS NULL THEN 0 ELSE 1 END AS live
        FROM payment_link l
        JOIN appointment a ON a.clinic = l.clinic AND a.id = l.appt
        JOIN appointment_balance b ON b.clinic = l.clinic AND b.appt = l.appt
        JOIN patient p ON p.clinic = l.clinic AND p.id = l.patient
        LEFT JOIN practitioner d ON d.clinic = a.clinic AND d.id = a.practitioner
        LEFT JOIN payment_attempt t ON t.clinic = l.clinic AND t.appt = l.appt AND t.link = l.id
          AND t.state IN ('creating', 'unknown', 'open', 'processing')
        WHERE l.clinic = $1 AND l.id = $2"];
    OF_APPOINTMENT = ["SELECT id FROM payment_link WHERE clinic = $1 AND appt = $2
        ORDER BY created_at DESC, id DESC LIMIT 50"];
    PAGE = ["SELECT id, created_at FROM payment_link WHERE clinic = $1
        AND (created_at < $2 OR (created_at = $2 AND id < $3)) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5"];
    PAGE_PURPOSE = ["SELECT id, created_at FROM payment_link WHERE clinic = $1
        AND (created_at < $2 OR (created_at = $2 AND id < $3)) AND created_at >= $4
        AND purpose = $6 ORDER BY created_at DESC, id DESC LIMIT $5"];
    PAGE_OPEN = ["SELECT id, created_at FROM payment_link WHERE clinic = $1 AND state = $6
        AND (created_at < $2 OR (created_at = $2 AND id < $3)) AND created_at >= $4
        AND (CAST($7 AS TEXT) IS NULL OR purpose = $7) AND expires_at > $8
        ORDER BY created_at DESC, id DESC LIMIT $5"];
    PAGE_ENDED = ["SELECT id, created_at FROM payment_link WHERE clinic = $1 AND state = $6
        AND (created_at < $2 OR (created_at = $2 AND id < $3)) AND created_at >= $4
        AND (CAST($7 AS TEXT) IS NULL OR purpose = $7)
        ORDER BY created_at DESC, id DESC LIMIT $5"];
    PAGE_UNSWEPT = ["SELECT id, created_at FROM payment_link WHERE clinic = $1
        AND state IN ('created', 'sent', 'accessed') AND expires_at <= $7
        AND (created_at < $2 OR (created_at = $2 AND id < $3)) AND created_at >= $4
        AND (CAST($6 AS TEXT) IS NULL OR purpose = $6)
        ORDER BY created_at DESC, id DESC LIMIT $5"];
    PAGE_PATIENT = ["SELECT id, created_at FROM payment_link WHERE clinic = $1 AND patient = $6
        AND (created_at < $2 OR (created_at = $2 AND id < $3)) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5"];
    PAGE_APPOINTMENT = ["SELECT id, created_at FROM payment_link WHERE clinic = $1 AND appt = $6
        AND (created_at < $2 OR (created_at = $2 AND id < $3)) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5"];
    PAGE_REFERENCE = ["SELECT id, created_at FROM payment_link WHERE clinic = $1
        AND reference >= $6 AND reference < $7
        AND (created_at < $2 OR (created_at = $2 AND id < $3)) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5"];
    PAGE_ASKED = ["SELECT id, created_at FROM payment_link WHERE clinic = $1 AND asked_at IS NOT NULL
        AND state IN ('expired', 'cancelled') AND created_at >= $2 ORDER BY asked_at DESC LIMIT $3"];
}

#[derive(sqlx::FromRow)]
pub(crate) struct LinkRow {
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

impl LinkRow {
    pub(crate) fn link(&self) -> Result<Link> {
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

pub(crate) async fn open_of(tx: &mut Tx, appointment: AppointmentId) -> Result<Option<LinkRow>> {
    opt!(tx, LinkRow, OPEN_OF, tx.clinic(), appointment.to_string())
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

/// Finds a link by its token's hash.
///
/// # Errors
/// The engine's own.
pub async fn by_token(
    store: &Store,
    clinic: ClinicId,
    token: TokenHash,
) -> Result<Option<(LinkId, AppointmentId)>> {
    let row = read_opt!(
        store,
        (String, String),
        BY_TOKEN,
        clinic.to_string(),
        token.0.to_vec()
    )?;
    row.map(|(link, appt)| Ok((id(&link, "link id")?, id(&appt, "appointment id")?)))
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

/// Remembers how the link was handed over last.
///
/// # Errors
/// The engine's own.
pub async fn mark_sent_by(tx: &mut Tx, link: LinkId, channel: &str) -> Result<()> {
    exec!(
        tx,
        MARK_SENT_BY,
        tx.clinic(),
        link.to_string(),
        channel.to_owned()
    )
    .map(drop)
}

/// Whether the latest message failed, for the badge.
///
/// # Errors
/// The engine's own.
pub async fn mark_delivery(tx: &mut Tx, link: LinkId, failed: bool) -> Result<()> {
    tx.tell(link.to_string());
    exec!(
        tx,
        MARK_DELIVERY,
        tx.clinic(),
        link.to_string(),
        i64::from(failed)
    )
    .map(drop)
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

/// A link with everything that a list, a window or the API shows of it.
#[derive(Clone, Debug)]
pub struct LinkView {
    pub id: LinkId,
    pub appointment: AppointmentId,
    pub patient: PatientId,
    pub patient_name: String,
    pub patient_email: Option<String>,
    pub patient_phone: Option<String>,
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

#[derive(sqlx::FromRow)]
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
    practitioner: Option<String>,
    live: i64,
}

impl ViewRow {
    fn view(self) -> Result<LinkView> {
        let currency = read(Currency::parse(&self.currency), "currency")?;
        Ok(LinkView {
            id: id(&self.id, "link id")?,
            appointment: id(&self.appt, "appointment id")?,
            patient: id(&self.patient, "patient id")?,
            patient_name: self.patient_name,
            patient_email: self.email,
            patient_phone: self.phone,
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
        .map(ViewRow::view)
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
    views(store, clinic, rows.into_iter().map(|(id,)| id)).await
}

async fn views(
    store: &Store,
    clinic: ClinicId,
    ids: impl Iterator<Item = String>,
) -> Result<Vec<LinkView>> {
    let mut out = Vec::new();
    for link in ids {
        if let Some(row) = read_opt!(store, ViewRow, VIEW, clinic.to_string(), link)? {
            out.push(row.view()?);
        }
    }
    Ok(out)
}

/// Where a page of a newest-first list begins: strictly older than this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: UtcMs,
    pub id: String,
}

impl Cursor {
    /// Newer than anything.
    pub fn newest() -> Cursor {
        Cursor {
            at: i64::MAX,
            id: "~".into(),
        }
    }

    pub fn written(&self) -> String {
        format!("{}.{}", self.at, self.id)
    }

    pub fn parse(text: &str) -> Option<Cursor> {
        let (at, id) = text.split_once('.')?;
        Some(Cursor {
            at: at.parse().ok()?,
            id: id.to_owned(),
        })
    }
}

/// What a list of links is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<LinkState>,
    pub purpose: Option<PurposeKind>,
    pub patient: Option<PatientId>,
    pub appointment: Option<AppointmentId>,
    pub created_from: Option<UtcMs>,
    /// Exclusive.
    pub created_to: Option<UtcMs>,
    /// Starts of words of the patient's name, of the address or phone, or of the reference.
    pub q: Option<String>,
}

/// A page of links, newest first, and where the next one begins.
///
/// # Errors
/// The engine's own.
pub async fn list(
    store: &Store,
    clinic: ClinicId,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: i64,
    now: UtcMs,
) -> Result<(Vec<LinkView>, Option<Cursor>)> {
    let mut start = after.cloned().unwrap_or_else(Cursor::newest);
    if let Some(to) = filter.created_to
        && start.at >= to
    {
        start = Cursor {
            at: to,
            id: String::new(),
        };
    }
    let query = Query {
        clinic,
        from: filter.created_from.unwrap_or(0),
        limit: limit + 1,
        now,
    };
    let mut ids = query.ids(store, filter, &start).await?;
    ids.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
    ids.dedup();
    let more = i64::try_from(ids.len()).unwrap_or(i64::MAX) > limit;
    ids.truncate(usize::try_from(limit).unwrap_or(0));
    let next = ids.last().filter(|_| more).map(|(id, at)| Cursor {
        at: *at,
        id: id.clone(),
    });
    let rows = views(store, clinic, ids.into_iter().map(|(id, _)| id)).await?;
    Ok((rows, next))
}

struct Query {
    clinic: ClinicId,
    from: UtcMs,
    limit: i64,
    now: UtcMs,
}

type Found = Vec<(String, i64)>;

impl Query {
    async fn ids(&self, store: &Store, filter: &Filter, start: &Cursor) -> Result<Found> {
        if let Some(q) = filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            return self.search(store, filter, start, q).await;
        }
        if let Some(patient) = filter.patient {
            let ids = self.of_patient(store, start, &patient.to_string()).await?;
            return self.narrowed(store, filter, ids).await;
        }
        if let Some(appt) = filter.appointment {
            let (clinic, appt) = (self.clinic.to_string(), appt.to_string());
            let ids = read_all!(
                store,
                (String, i64),
                PAGE_APPOINTMENT,
                clinic,
                start.at,
                start.id.clone(),
                self.from,
                self.limit,
                appt
            )?;
            return self.narrowed(store, filter, ids).await;
        }
        self.newest(store, filter, start).await
    }

    async fn newest(&self, store: &Store, filter: &Filter, start: &Cursor) -> Result<Found> {
        let (clinic, at, id) = (self.clinic.to_string(), start.at, start.id.clone());
        let purpose = filter.purpose.map(|purpose| purpose.name());
        match (filter.status, purpose) {
            (None, None) => read_all!(
                store,
                (String, i64),
                PAGE,
                clinic,
                at,
                id,
                self.from,
                self.limit
            ),
            (None, Some(purpose)) => {
                read_all!(
                    store,
                    (String, i64),
                    PAGE_PURPOSE,
                    clinic,
                    at,
                    id,
                    self.from,
                    self.limit,
                    purpose
                )
            }
            (Some(state), purpose) if state.is_open() => {
                read_all!(
                    store,
                    (String, i64),
                    PAGE_OPEN,
                    clinic,
                    at,
                    id,
                    self.from,
                    self.limit,
                    state.name(),
                    purpose,
                    self.now
                )
            }
            (Some(state), purpose) => {
                let mut ids = read_all!(
                    store,
                    (String, i64),
                    PAGE_ENDED,
                    clinic.clone(),
                    at,
                    id.clone(),
                    self.from,
                    self.limit,
                    state.name(),
                    purpose
                )?;
                if state == LinkState::Expired {
                    // Time has ended these; the sweep has not written it down yet.
                    ids.extend(read_all!(
                        store,
                        (String, i64),
                        PAGE_UNSWEPT,
                        clinic,
                        at,
                        id,
                        self.from,
                        self.limit,
                        purpose,
                        self.now
                    )?);
                }
                Ok(ids)
            }
        }
    }

    async fn of_patient(&self, store: &Store, start: &Cursor, patient: &str) -> Result<Found> {
        let clinic = self.clinic.to_string();
        read_all!(
            store,
            (String, i64),
            PAGE_PATIENT,
            clinic,
            start.at,
            start.id.clone(),
            self.from,
            self.limit,
            patient.to_owned()
        )
    }

    /// Patients whose words start so, and links whose reference does.
    async fn search(
        &self,
        store: &Store,
        filter: &Filter,
        start: &Cursor,
        q: &str,
    ) -> Result<Found> {
        let clinic = self.clinic.to_string();
        let mut ids: Found = Vec::new();
        let patients = crate::patients::matching(store, self.clinic, q, 500).await?;
        for patient in patients {
            ids.extend(self.of_patient(store, start, &patient).await?);
        }
        let reference = q.to_uppercase();
        let reference = if reference.starts_with("PL-") {
            reference
        } else {
            format!("PL-{reference}")
        };
        let end = format!("{reference}\u{10ffff}");
        ids.extend(read_all!(
            store,
            (String, i64),
            PAGE_REFERENCE,
            clinic,
            start.at,
            start.id.clone(),
            self.from,
            self.limit,
            reference,
            end
        )?);
        ids.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
        ids.dedup();
        self.narrowed(store, filter, ids).await
    }

    /// Applies status and purpose to a short list that another key found.
    async fn narrowed(&self, store: &Store, filter: &Filter, ids: Found) -> Result<Found> {
        if filter.status.is_none() && filter.purpose.is_none() {
            return Ok(ids);
        }
        let mut kept = Vec::new();
        for (id, at) in ids {
            let Some(row) = read_opt!(store, ViewRow, VIEW, self.clinic.to_string(), id.clone())?
            else {
                continue;
            };
            let view = row.view()?;
            let status_fits = filter
                .status
                .is_none_or(|status| view.shown(self.now) == status);
            if status_fits && filter.purpose.is_none_or(|purpose| view.purpose == purpose) {
                kept.push((id, at));
            }
            if i64::try_from(kept.len()).unwrap_or(i64::MAX) >= self.limit {
                break;
            }
        }
        Ok(kept)
    }
}

/// Links whose patient asked for a new one and has none yet.
///
/// # Errors
/// The engine's own.
pub async fn asked_again(
    store: &Store,
    clinic: ClinicId,
    since: UtcMs,
    limit: i64,
) -> Result<Vec<LinkView>> {
    let rows = read_all!(
        store,
        (String, i64),
        PAGE_ASKED,
        clinic.to_string(),
        since,
        limit
    )?;
    views(store, clinic, rows.into_iter().map(|(id, _)| id)).await
}

/// How many links and how much money stand in a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub links: i64,
    pub amount: i64,
}

/// Counts by shown status over days of creation (UTC), without scanning links.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    pub by_state: Vec<(LinkState, Tally)>,
    /// Accessed, not paid, still open.
    pub follow_up: Tally,
}

impl Tallies {
    pub fn of(&self, state: LinkState) -> Tally {
        self.by_state
            .iter()
            .find(|(known, _)| *known == state)
            .map_or_else(Tally::default, |(_, tally)| *tally)
    }

    pub fn all(&self) -> Tally {
        self.by_state
            .iter()
            .fold(Tally::default(), |sum, (_, tally)| Tally {
                links: sum.links + tally.links,
                amount: sum.amount + tally.amount,
            })
    }
}

/// # Errors
/// The engine's own.
pub async fn tallies(
    store: &Store,
    clinic: ClinicId,
    from: UtcMs,
    to: UtcMs,
    now: UtcMs,
) -> Result<Tallies> {
    let day = |at: UtcMs| at.div_euclid(remit_core::DAY_MS);
    let counted = read_all!(
        store,
        (String, i64, i64),
        TALLIES,
        clinic.to_string(),
        day(from),
        day(to)
    )?;
    let mut tallies = Tallies::default();
    for state in LinkState::ALL {
        let found = counted.iter().find(|(name, _, _)| name == state.name());
        let tally = found.map_or_else(Tally::default, |(_, links, amount)| Tally {
            links: *links,
            amount: *amount,
        });
        tallies.by_state.push((state, tally));
    }
    // What time has ended and the sweep has not written down: moved over here, so that the tabs are never behind.
    for (name, links, amount) in read_all!(
        store,
        (String, i64, i64),
        LATE_ROWS,
        clinic.to_string(),
        now
    )? {
        for (state, tally) in &mut tallies.by_state {
            let sign = if state.name() == name {
                -1
            } else if *state == LinkState::Expired {
                1
            } else {
                0
            };
            *tally = Tally {
                links: tally.links + sign * links,
                amount: tally.amount + sign * amount,
            };
        }
    }
    let follow_up = read_opt!(store, (i64, i64), FOLLOW_UP_COUNT, clinic.to_string(), now)?;
    tallies.follow_up =
        follow_up.map_or_else(Tally::default, |(links, amount)| Tally { links, amount });
    Ok(tallies)
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
