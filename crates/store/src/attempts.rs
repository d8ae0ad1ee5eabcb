//! Attempts: the rows, and which of them wait for a look at the provider.

use remit_core::UtcMs;
use remit_core::attempts::{Attempt, AttemptState};
use remit_core::ids::{AppointmentId, AttemptId, ClinicId, LinkId};
use remit_core::methods::Method;
use remit_core::money::{Currency, Money};

use crate::error::{id, id_opt, read};
use crate::{Result, Store, Tx};

statements! {
    LIVE_OF = ["SELECT id, appt, link, method, provider, account, amount, currency, state, session_id, url, payment_id,
        captured, session_expires_at, created_at FROM payment_attempt
        WHERE clinic = $1 AND appt = $2 AND state IN ('creating', 'unknown', 'open', 'processing')"];
    GET = ["SELECT id, appt, link, method, provider, account, amount, currency, state, session_id, url, payment_id,
        captured, session_expires_at, created_at FROM payment_attempt WHERE clinic = $1 AND id = $2"];
    BY_SESSION = ["SELECT id FROM payment_attempt WHERE clinic = $1 AND provider = $2 AND session_id = $3"];
    PLACE = ["SELECT clinic FROM payment_attempt WHERE id = $1"];
    BODY = ["SELECT request_body FROM payment_attempt WHERE clinic = $1 AND id = $2"];
    DUE = ["SELECT clinic, id FROM payment_attempt WHERE next_check_at IS NOT NULL AND next_check_at <= $1
        ORDER BY next_check_at LIMIT $2"];
    CHECKED = ["UPDATE payment_attempt SET checks = checks + 1, next_check_at = $3
        WHERE clinic = $1 AND id = $2 AND next_check_at IS NOT NULL"];
    CLAIM = ["UPDATE payment_attempt SET next_check_at = $4
        WHERE clinic = $1 AND id = $2 AND next_check_at IS NOT NULL AND next_check_at <= $3"];
    CHECKS = ["SELECT checks FROM payment_attempt WHERE clinic = $1 AND id = $2"];
    LAST_OF_LINK = ["SELECT id, appt, link, method, provider, account, amount, currency, state, session_id, url,
        payment_id, captured, session_expires_at, created_at FROM payment_attempt
        WHERE clinic = $1 AND link = $2 ORDER BY created_at DESC LIMIT 1"];
    TRIES = ["SELECT link, method, amount, currency, state, last_error, created_at, ended_at FROM payment_attempt
        WHERE clinic = $1 AND link IN " (ids 2) " ORDER BY created_at, id LIMIT 2000"];
}

row! {
    struct AttemptRow {
        id: String,
        appt: String,
        link: Option<String>,
        method: String,
        provider: String,
        account: String,
        amount: i64,
        currency: String,
        state: String,
        session_id: Option<String>,
        url: Option<String>,
        payment_id: Option<String>,
        captured: i64,
        session_expires_at: i64,
        created_at: i64,
    }
}

impl AttemptRow {
    fn attempt(&self) -> Result<Attempt> {
        Ok(Attempt {
            id: id(&self.id, "attempt id")?,
            appointment: id(&self.appt, "appointment id")?,
            link: id_opt(&self.link, "link id")?,
            method: read(Method::parse(&self.method), "method")?,
            provider: self.provider.clone(),
            account: self.account.clone(),
            amount: Money::new(
                self.amount,
                read(Currency::parse(&self.currency), "currency")?,
            ),
            state: read(AttemptState::parse(&self.state), "attempt state")?,
            session_id: self.session_id.clone(),
            url: self.url.clone(),
            payment_id: self.payment_id.clone(),
            captured: self.captured,
            session_expires_at: self.session_expires_at,
            created_at: self.created_at,
        })
    }
}

row! {
    /// The live attempt as the standing's one statement reads it: all empty when there is none.
    pub(crate) struct LiveRow {
        t_id: Option<String>,
        t_link: Option<String>,
        t_method: Option<String>,
        t_provider: Option<String>,
        t_account: Option<String>,
        t_amount: Option<i64>,
        t_currency: Option<String>,
        t_state: Option<String>,
        t_session_id: Option<String>,
        t_url: Option<String>,
        t_payment_id: Option<String>,
        t_captured: Option<i64>,
        t_session_expires_at: Option<i64>,
        t_created_at: Option<i64>,
    }
}

impl LiveRow {
    pub(crate) fn attempt(self, appointment: AppointmentId) -> Result<Option<Attempt>> {
        let Some(attempt_id) = self.t_id else {
            return Ok(None);
        };
        let row = AttemptRow {
            id: attempt_id,
            appt: appointment.to_string(),
            link: self.t_link,
            method: read(self.t_method, "method")?,
            provider: read(self.t_provider, "provider")?,
            account: read(self.t_account, "account")?,
            amount: read(self.t_amount, "amount")?,
            currency: read(self.t_currency, "currency")?,
            state: read(self.t_state, "attempt state")?,
            session_id: self.t_session_id,
            url: self.t_url,
            payment_id: self.t_payment_id,
            captured: read(self.t_captured, "captured")?,
            session_expires_at: read(self.t_session_expires_at, "session expiry")?,
            created_at: read(self.t_created_at, "creation")?,
        };
        row.attempt().map(Some)
    }
}

/// The live attempt of an appointment, as pages show it.
///
/// # Errors
/// The engine's own.
pub async fn live(
    store: &Store,
    clinic: ClinicId,
    appointment: AppointmentId,
) -> Result<Option<Attempt>> {
    let row = read_opt!(
        store,
        AttemptRow,
        LIVE_OF,
        clinic.to_string(),
        appointment.to_string()
    )?;
    row.map(|row| row.attempt()).transpose()
}

/// The latest attempt of a link.
///
/// # Errors
/// The engine's own.
pub async fn last_of_link(
    store: &Store,
    clinic: ClinicId,
    link: remit_core::ids::LinkId,
) -> Result<Option<Attempt>> {
    let row = read_opt!(
        store,
        AttemptRow,
        LAST_OF_LINK,
        clinic.to_string(),
        link.to_string()
    )?;
    row.map(|row| row.attempt()).transpose()
}

/// One try to pay, as people are told of it.
#[derive(Clone, Debug)]
pub struct Try {
    pub link: LinkId,
    pub method: Method,
    pub amount: Money,
    pub state: AttemptState,
    /// The provider's last refusal in plain words.
    pub why: Option<String>,
    pub at: UtcMs,
    pub ended_at: Option<UtcMs>,
}

type TryRow = (
    Option<String>,
    String,
    i64,
    String,
    String,
    Option<String>,
    i64,
    Option<i64>,
);

/// The tries of many links, oldest first; 2,000 at most.
///
/// # Errors
/// The engine's own.
pub async fn tries(store: &Store, clinic: ClinicId, links: &[LinkId]) -> Result<Vec<Try>> {
    if links.is_empty() {
        return Ok(vec![]);
    }
    let ids = serde_json::json!(links).to_string();
    let rows = read_all!(store, TryRow, TRIES, clinic.to_string(), ids)?;
    rows.into_iter()
        .map(
            |(link, method, amount, currency, state, why, at, ended_at)| {
                let link: Option<LinkId> = id_opt(&link, "link id")?;
                Ok(Try {
                    link: read(link, "link id")?,
                    method: read(Method::parse(&method), "method")?,
                    amount: Money::new(amount, read(Currency::parse(&currency), "currency")?),
                    state: read(AttemptState::parse(&state), "attempt state")?,
                    why,
                    at,
                    ended_at,
                })
            },
        )
        .collect()
}

/// An attempt, read under the lock of its appointment.
///
/// # Errors
/// The engine's own.
pub async fn get(tx: &mut Tx, attempt: AttemptId) -> Result<Option<Attempt>> {
    opt!(tx, AttemptRow, GET, tx.clinic(), attempt.to_string())?
        .map(|row| row.attempt())
        .transpose()
}

/// An attempt outside any lock: to know where to look, not what to write.
///
/// # Errors
/// The engine's own.
pub async fn peek(store: &Store, clinic: ClinicId, attempt: AttemptId) -> Result<Option<Attempt>> {
    let row = read_opt!(
        store,
        AttemptRow,
        GET,
        clinic.to_string(),
        attempt.to_string()
    )?;
    row.map(|row| row.attempt()).transpose()
}

/// The clinic of an attempt, for the browser's return, whose route names nothing else.
///
/// # Errors
/// The engine's own.
pub async fn clinic_of(store: &Store, attempt: AttemptId) -> Result<Option<ClinicId>> {
    let row = read_opt!(store, (String,), PLACE, attempt.to_string())?;
    row.map(|(clinic,)| id(&clinic, "clinic id")).transpose()
}

/// The attempt that owns a provider's session.
///
/// # Errors
/// The engine's own.
pub async fn by_session(
    store: &Store,
    clinic: ClinicId,
    provider: &str,
    session: &str,
) -> Result<Option<AttemptId>> {
    let row = read_opt!(
        store,
        (String,),
        BY_SESSION,
        clinic.to_string(),
        provider.to_owned(),
        session.to_owned()
    )?;
    row.map(|(attempt,)| id(&attempt, "attempt id")).transpose()
}

/// The frozen request, to be sent again as it is (hazard A15).
///
/// # Errors
/// The engine's own.
pub async fn frozen(store: &Store, clinic: ClinicId, attempt: AttemptId) -> Result<Option<String>> {
    Ok(read_opt!(
        store,
        (String,),
        BODY,
        clinic.to_string(),
        attempt.to_string()
    )?
    .map(|(body,)| body))
}

/// Live attempts whose next look at the provider is due, of every clinic.
///
/// # Errors
/// The engine's own.
pub async fn due(store: &Store, now: UtcMs, limit: i64) -> Result<Vec<(ClinicId, AttemptId)>> {
    let rows = read_all!(store, (String, String), DUE, now, limit)?;
    rows.iter()
        .map(|(clinic, attempt)| Ok((id(clinic, "clinic id")?, id(attempt, "attempt id")?)))
        .collect()
}

/// Takes a due look for this node until `until`; false when another node took it.
///
/// # Errors
/// The engine's own.
pub async fn claim(tx: &mut Tx, attempt: AttemptId, now: UtcMs, until: UtcMs) -> Result<bool> {
    Ok(exec!(tx, CLAIM, tx.clinic(), attempt.to_string(), now, until)? == 1)
}

/// Plans the next look.
///
/// # Errors
/// The engine's own.
pub async fn plan_check(
    tx: &mut Tx,
    attempt: AttemptId,
    session_expires_at: UtcMs,
    now: UtcMs,
) -> Result<()> {
    let checks =
        opt!(tx, (i64,), CHECKS, tx.clinic(), attempt.to_string())?.map_or(0, |(checks,)| checks);
    let mut next = now + remit_core::attempts::next_check_ms(checks);
    // At once when the session ends: that is when the answer becomes final.
    if session_expires_at > now {
        next = next.min(session_expires_at + 1);
    }
    exec!(tx, CHECKED, tx.clinic(), attempt.to_string(), next).map(drop)
}
