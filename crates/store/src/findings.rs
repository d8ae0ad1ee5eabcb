//! Findings: what a person has to look at. Each opens once per thing it is about.

use remit_core::UtcMs;
use remit_core::account::{Finding, FindingKind};
use remit_core::ids::{AppointmentId, ClinicId, FindingId};
use remit_core::money::{Currency, Money};

use crate::error::{id, id_opt, read};
use crate::links::Cursor;
use crate::{Result, Store, Tx, fresh};

statements! {
    OPEN = ["INSERT INTO finding (clinic, id, kind, about, appt, amount, currency, detail, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (clinic, kind, about) DO NOTHING"];
    STANDS = ["INSERT INTO finding (clinic, id, kind, about, appt, amount, currency, detail, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (clinic, kind, about) DO UPDATE
        SET amount = excluded.amount, currency = excluded.currency, detail = excluded.detail,
        opened_at = CASE WHEN finding.closed_at IS NULL THEN finding.opened_at ELSE excluded.opened_at END,
        closed_at = NULL, closed_by = NULL, note = NULL
        WHERE finding.detail <> excluded.detail OR COALESCE(finding.amount, 0) <> COALESCE(excluded.amount, 0)
        OR finding.closed_by = 'Remit'"];
    CLOSE_ABOUT = ["UPDATE finding SET closed_at = $4, closed_by = $5
        WHERE clinic = $1 AND kind = $2 AND about = $3 AND closed_at IS NULL"];
    OPEN_ABOUT = ["SELECT about FROM finding WHERE clinic = $1 AND kind = $2 AND closed_at IS NULL
        ORDER BY opened_at, id LIMIT 10000"];
    CREDIT_GONE = ["UPDATE finding SET closed_at = $3, closed_by = 'Remit' WHERE clinic = $1 AND appt = $2
        AND kind IN ('surplus', 'credit_left') AND closed_at IS NULL"];
    RENEW = ["INSERT INTO finding (clinic, id, kind, about, appt, amount, currency, detail, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (clinic, kind, about) DO UPDATE
        SET amount = excluded.amount, currency = excluded.currency, detail = excluded.detail,
        opened_at = excluded.opened_at, closed_at = NULL, closed_by = NULL, note = NULL"];
    PAGE_OPEN = ["SELECT id, kind, about, appt, amount, currency, detail, opened_at, closed_at, closed_by, note
        FROM finding WHERE clinic = $1 AND closed_at IS NULL AND ($2 = '' OR kind = $2)
        AND opened_at <= $3 AND (opened_at < $3 OR id < $4) ORDER BY opened_at DESC, id DESC LIMIT $5"];
    PAGE_CLOSED = ["SELECT id, kind, about, appt, amount, currency, detail, opened_at, closed_at, closed_by, note
        FROM finding WHERE clinic = $1 AND closed_at IS NOT NULL AND ($2 = '' OR kind = $2)
        AND closed_at <= $3 AND (closed_at < $3 OR id < $4) ORDER BY closed_at DESC, id DESC LIMIT $5"];
    GET = ["SELECT id, kind, about, appt, amount, currency, detail, opened_at, closed_at, closed_by, note
        FROM finding WHERE clinic = $1 AND id = $2"];
    CLOSE = ["UPDATE finding SET closed_at = $3, closed_by = $4, note = $5
        WHERE clinic = $1 AND id = $2 AND closed_at IS NULL"];
    KEEP = ["UPDATE finding SET closed_at = $3, closed_by = $4, note = $5 WHERE clinic = $1 AND appt = $2
        AND kind IN ('surplus', 'credit_left') AND closed_at IS NULL"];
    COUNT = ["SELECT COUNT(*) AS n FROM finding WHERE clinic = $1 AND closed_at IS NULL"];
}

/// A finding.
#[derive(Clone, Debug)]
pub struct FindingView {
    pub id: FindingId,
    pub kind: FindingKind,
    pub about: String,
    pub appointment: Option<AppointmentId>,
    pub amount: Option<Money>,
    pub detail: String,
    pub opened_at: UtcMs,
    /// When, by whom and with which words it was settled.
    pub closed: Option<(UtcMs, String, Option<String>)>,
}

/// # Errors
/// The engine's own.
pub async fn open(
    tx: &mut Tx,
    finding: &Finding,
    appointment: Option<AppointmentId>,
    now: UtcMs,
) -> Result<()> {
    put(tx, OPEN, finding, appointment, now).await
}

async fn put(
    tx: &mut Tx,
    statement: crate::Sql,
    finding: &Finding,
    appointment: Option<AppointmentId>,
    now: UtcMs,
) -> Result<()> {
    tx.tell("findings");
    exec!(
        tx,
        statement,
        tx.clinic(),
        FindingId(fresh::uuid(now)?).to_string(),
        finding.kind.name(),
        finding.about.clone(),
        appointment.map(|appt| appt.to_string()),
        finding.amount.map(|amount| amount.minor),
        finding
            .amount
            .map(|amount| amount.currency.code().to_owned()),
        finding.detail.clone(),
        now,
    )
    .map(drop)
}

/// Opens a finding, or opens it again with what is true now, whoever had closed it.
///
/// # Errors
/// The engine's own.
pub async fn renew(
    tx: &mut Tx,
    finding: &Finding,
    appointment: Option<AppointmentId>,
    now: UtcMs,
) -> Result<()> {
    put(tx, RENEW, finding, appointment, now).await
}

row! {
    struct Row {
        id: String,
        kind: String,
        about: String,
        appt: Option<String>,
        amount: Option<i64>,
        currency: Option<String>,
        detail: String,
        opened_at: i64,
        closed_at: Option<i64>,
        closed_by: Option<String>,
        note: Option<String>,
    }
}

impl Row {
    fn view(self) -> Result<FindingView> {
        let currency = self
            .currency
            .as_deref()
            .map(|code| read(Currency::parse(code), "currency"))
            .transpose()?;
        Ok(FindingView {
            id: id(&self.id, "finding id")?,
            kind: read(FindingKind::parse(&self.kind), "finding kind")?,
            about: self.about,
            appointment: id_opt(&self.appt, "appointment id")?,
            amount: self
                .amount
                .zip(currency)
                .map(|(minor, currency)| Money::new(minor, currency)),
            detail: self.detail,
            opened_at: self.opened_at,
            closed: self
                .closed_at
                .map(|at| (at, self.closed_by.unwrap_or_default(), self.note)),
        })
    }
}

/// A page of findings, newest first: open ones by when they opened, settled ones by when they were settled.
///
/// # Errors
/// The engine's own.
pub async fn page(
    store: &Store,
    clinic: ClinicId,
    open: bool,
    kind: Option<FindingKind>,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<(Vec<FindingView>, Option<Cursor>)> {
    let start = after.cloned().unwrap_or_else(|| Cursor {
        at: UtcMs::MAX,
        id: String::new(),
    });
    let statement = if open { PAGE_OPEN } else { PAGE_CLOSED };
    let rows = read_all!(
        store,
        Row,
        statement,
        clinic.to_string(),
        kind.map_or("", FindingKind::name),
        start.at,
        start.id,
        limit + 1
    )?;
    let mut found: Vec<FindingView> = rows.into_iter().map(Row::view).collect::<Result<_>>()?;
    let keep = usize::try_from(limit).unwrap_or(0);
    let more = found.len() > keep;
    found.truncate(keep);
    let next = found.last().filter(|_| more).map(|last| Cursor {
        at: last
            .closed
            .as_ref()
            .map_or(last.opened_at, |(at, _, _)| *at),
        id: last.id.to_string(),
    });
    Ok((found, next))
}

/// Open findings, newest first.
///
/// # Errors
/// The engine's own.
pub async fn list(store: &Store, clinic: ClinicId, limit: i64) -> Result<Vec<FindingView>> {
    Ok(page(store, clinic, true, None, None, limit).await?.0)
}

/// One finding, open or settled.
///
/// # Errors
/// The engine's own.
pub async fn get(
    store: &Store,
    clinic: ClinicId,
    finding: FindingId,
) -> Result<Option<FindingView>> {
    read_opt!(store, Row, GET, clinic.to_string(), finding.to_string())?
        .map(Row::view)
        .transpose()
}

/// How many findings are open.
///
/// # Errors
/// The engine's own.
pub async fn count(store: &Store, clinic: ClinicId) -> Result<i64> {
    Ok(read_opt!(store, (i64,), COUNT, clinic.to_string())?.map_or(0, |(n,)| n))
}

/// Settles a finding, with a person's words about it; false when it was settled already.
///
/// # Errors
/// The engine's own.
pub async fn close(
    tx: &mut Tx,
    finding: FindingId,
    by: &str,
    note: Option<&str>,
    now: UtcMs,
) -> Result<bool> {
    tx.tell("findings");
    Ok(exec!(
        tx,
        CLOSE,
        tx.clinic(),
        finding.to_string(),
        now,
        by.to_owned(),
        note.map(str::to_owned)
    )? == 1)
}

/// Settles what is open about an appointment's credit: it is kept. Answers how many findings that were.
///
/// # Errors
/// The engine's own.
pub async fn keep_credit(
    tx: &mut Tx,
    appointment: AppointmentId,
    by: &str,
    note: &str,
    now: UtcMs,
) -> Result<u64> {
    tx.tell("findings");
    exec!(
        tx,
        KEEP,
        tx.clinic(),
        appointment.to_string(),
        now,
        by.to_owned(),
        note.to_owned()
    )
}

/// Opens a finding whose cause stands now, or brings it up to date. One that a person closed stays closed while
/// nothing about it changed; one that had closed by itself opens again.
///
/// # Errors
/// The engine's own.
pub async fn stands(
    tx: &mut Tx,
    finding: &Finding,
    appointment: Option<AppointmentId>,
    now: UtcMs,
) -> Result<()> {
    put(tx, STANDS, finding, appointment, now).await
}

/// Closes the finding about something whose cause is gone; nothing when none is open.
///
/// # Errors
/// The engine's own.
pub async fn close_about(
    tx: &mut Tx,
    kind: FindingKind,
    about: &str,
    by: &str,
    now: UtcMs,
) -> Result<()> {
    tx.tell("findings");
    exec!(
        tx,
        CLOSE_ABOUT,
        tx.clinic(),
        kind.name(),
        about.to_owned(),
        now,
        by.to_owned()
    )
    .map(drop)
}

/// What the open findings of a kind are about.
///
/// # Errors
/// The engine's own.
pub async fn open_about(store: &Store, clinic: ClinicId, kind: FindingKind) -> Result<Vec<String>> {
    let rows = read_all!(
        store,
        (String,),
        OPEN_ABOUT,
        clinic.to_string(),
        kind.name()
    )?;
    Ok(rows.into_iter().map(|(about,)| about).collect())
}

/// Closes what was open about an appointment's credit, because none is left.
///
/// # Errors
/// The engine's own.
pub(crate) async fn credit_gone(tx: &mut Tx, appointment: &str, now: UtcMs) -> Result<()> {
    tx.tell("findings");
    exec!(tx, CREDIT_GONE, tx.clinic(), appointment.to_owned(), now).map(drop)
}
