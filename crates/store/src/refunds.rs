//! Refunds: the rows.

use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, PaymentId, RefundId};
use remit_core::money::{Currency, Money};
use remit_core::refunds::{Approval, Refund, RefundState};

use crate::error::{id, read};
use crate::{Result, Store, Tx};

statements! {
    GET = ["SELECT id, payment, appt, amount, currency, reason, reopen, state, requested_at, requested_by, done_at,
        provider_refund_id, last_error, approval, asker, decided_by, correction FROM refund WHERE clinic = $1 AND id = $2"];
    OF_APPOINTMENT = ["SELECT id, payment, appt, amount, currency, reason, reopen, state, requested_at, requested_by,
        done_at, provider_refund_id, last_error, approval, asker, decided_by, correction FROM refund WHERE clinic = $1 AND appt = $2 ORDER BY requested_at, id"];
    OF_PAYMENT = ["SELECT id, payment, appt, amount, currency, reason, reopen, state, requested_at, requested_by,
        done_at, provider_refund_id, last_error, approval, asker, decided_by, correction FROM refund WHERE clinic = $1 AND payment = $2
        ORDER BY requested_at, id"];
    OF_PAYMENTS = ["SELECT id, payment, appt, amount, currency, reason, reopen, state, requested_at, requested_by,
        done_at, provider_refund_id, last_error, approval, asker, decided_by, correction FROM refund WHERE clinic = $1 AND payment IN " (ids 2) "
        ORDER BY requested_at, id"];
    BY_PROVIDER_ID = ["SELECT id FROM refund WHERE clinic = $1 AND provider_refund_id = $2 LIMIT 1"];
    FREEZE = ["UPDATE refund SET request_body = COALESCE(request_body, $3) WHERE clinic = $1 AND id = $2"];
    FROZEN = ["SELECT request_body FROM refund WHERE clinic = $1 AND id = $2"];
    NOTE = ["UPDATE refund SET provider_refund_id = COALESCE($3, provider_refund_id),
        last_error = COALESCE($4, last_error) WHERE clinic = $1 AND id = $2"];
}

/// A refund with who asked for it and how it went.
#[derive(Clone, Debug)]
pub struct RefundView {
    pub refund: Refund,
    pub appointment: AppointmentId,
    pub requested_by: String,
    pub done_at: Option<UtcMs>,
    pub provider_refund_id: Option<String>,
    pub last_error: Option<String>,
    /// Who approved or declined it, where a second person was needed.
    pub decided_by: Option<String>,
}

row! {
    struct Row {
        id: String,
        payment: String,
        appt: String,
        amount: i64,
        currency: String,
        reason: Option<String>,
        reopen: i64,
        state: String,
        requested_at: i64,
        requested_by: String,
        done_at: Option<i64>,
        provider_refund_id: Option<String>,
        last_error: Option<String>,
        approval: Option<String>,
        asker: String,
        decided_by: Option<String>,
        correction: i64,
    }
}

impl Row {
    fn view(self) -> Result<RefundView> {
        Ok(RefundView {
            refund: Refund {
                id: id(&self.id, "refund id")?,
                payment: id(&self.payment, "payment id")?,
                amount: Money::new(
                    self.amount,
                    read(Currency::parse(&self.currency), "currency")?,
                ),
                reason: self.reason,
                state: read(RefundState::parse(&self.state), "refund state")?,
                reopen: self.reopen == 1,
                correction: self.correction == 1,
                requested_at: self.requested_at,
                approval: match &self.approval {
                    None => None,
                    Some(word) => Some(read(Approval::parse(word), "approval")?),
                },
                asker: self.asker,
            },
            appointment: id(&self.appt, "appointment id")?,
            requested_by: self.requested_by,
            done_at: self.done_at,
            provider_refund_id: self.provider_refund_id,
            last_error: self.last_error,
            decided_by: self.decided_by,
        })
    }
}

/// # Errors
/// The engine's own.
pub async fn get(store: &Store, clinic: ClinicId, refund: RefundId) -> Result<Option<RefundView>> {
    read_opt!(store, Row, GET, clinic.to_string(), refund.to_string())?
        .map(Row::view)
        .transpose()
}

/// A refund, read under the lock of its appointment.
///
/// # Errors
/// The engine's own.
pub async fn get_in(tx: &mut Tx, refund: RefundId) -> Result<Option<RefundView>> {
    opt!(tx, Row, GET, tx.clinic(), refund.to_string())?
        .map(Row::view)
        .transpose()
}

/// An appointment's refunds, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_appointment(
    store: &Store,
    clinic: ClinicId,
    appt: AppointmentId,
) -> Result<Vec<RefundView>> {
    let rows = read_all!(
        store,
        Row,
        OF_APPOINTMENT,
        clinic.to_string(),
        appt.to_string()
    )?;
    rows.into_iter().map(Row::view).collect()
}

/// A payment's refunds, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_payment(
    store: &Store,
    clinic: ClinicId,
    payment: PaymentId,
) -> Result<Vec<RefundView>> {
    let rows = read_all!(
        store,
        Row,
        OF_PAYMENT,
        clinic.to_string(),
        payment.to_string()
    )?;
    rows.into_iter().map(Row::view).collect()
}

/// The refunds of many payments in one statement, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_payments(
    store: &Store,
    clinic: ClinicId,
    payments: &[PaymentId],
) -> Result<Vec<RefundView>> {
    let ids = serde_json::json!(payments).to_string();
    let rows = read_all!(store, Row, OF_PAYMENTS, clinic.to_string(), ids)?;
    rows.into_iter().map(Row::view).collect()
}

/// Our refund behind a provider's id.
///
/// # Errors
/// The engine's own.
pub async fn by_provider_id(
    store: &Store,
    clinic: ClinicId,
    provider_refund_id: &str,
) -> Result<Option<RefundId>> {
    let row = read_opt!(
        store,
        (String,),
        BY_PROVIDER_ID,
        clinic.to_string(),
        provider_refund_id.to_owned()
    )?;
    row.map(|(refund,)| id(&refund, "refund id")).transpose()
}

/// The same, asked under the lock of its appointment.
///
/// # Errors
/// The engine's own.
pub async fn by_provider_id_in(tx: &mut Tx, provider_refund_id: &str) -> Result<Option<RefundId>> {
    let row = opt!(
        tx,
        (String,),
        BY_PROVIDER_ID,
        tx.clinic(),
        provider_refund_id.to_owned()
    )?;
    row.map(|(refund,)| id(&refund, "refund id")).transpose()
}

/// Freezes the request's bytes the first time; answers with those that count.
///
/// # Errors
/// The engine's own.
pub async fn freeze(tx: &mut Tx, refund: RefundId, body: &str) -> Result<String> {
    exec!(tx, FREEZE, tx.clinic(), refund.to_string(), body.to_owned())?;
    let row = opt!(
        tx,
        (Option<String>,),
        FROZEN,
        tx.clinic(),
        refund.to_string()
    )?;
    Ok(row
        .and_then(|(body,)| body)
        .unwrap_or_else(|| body.to_owned()))
}

/// Keeps what the provider said beside the refund.
///
/// # Errors
/// The engine's own.
pub async fn note(
    tx: &mut Tx,
    refund: RefundId,
    provider_refund_id: Option<&str>,
    error: Option<&str>,
) -> Result<()> {
    let (provider_refund_id, error) = (
        provider_refund_id.map(str::to_owned),
        error.map(str::to_owned),
    );
    exec!(
        tx,
        NOTE,
        tx.clinic(),
        refund.to_string(),
        provider_refund_id,
        error
    )
    .map(drop)
}
