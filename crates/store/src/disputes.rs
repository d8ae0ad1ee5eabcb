//! Disputes: the rows.

use remit_core::disputes::{Dispute, DisputeState};
use remit_core::ids::{AppointmentId, ClinicId, PaymentId};
use remit_core::money::{Currency, Money};

use crate::error::{id, read};
use crate::{Result, Store, StoreError, Tx};

statements! {
    GET = ["SELECT provider, account, dispute_id, payment, appt, state, amount, currency, withdrawn, withdrawn_currency,
        reason, due_by, opened_at, closed_at, looks, postings FROM dispute
        WHERE clinic = $1 AND provider = $2 AND account = $3 AND dispute_id = $4"];
    LOOKS = ["SELECT looks FROM dispute WHERE clinic = $1 AND provider = $2 AND account = $3 AND dispute_id = $4"];
    OF_APPOINTMENT = ["SELECT provider, account, dispute_id, payment, appt, state, amount, currency, withdrawn,
        withdrawn_currency, reason, due_by, opened_at, closed_at, looks, postings FROM dispute
        WHERE clinic = $1 AND appt = $2 ORDER BY opened_at, dispute_id"];
    OF_PAYMENTS = ["SELECT provider, account, dispute_id, payment, appt, state, amount, currency, withdrawn,
        withdrawn_currency, reason, due_by, opened_at, closed_at, looks, postings FROM dispute
        WHERE clinic = $1 AND payment IN " (ids 2) " ORDER BY opened_at, dispute_id"];
    OPEN = ["SELECT provider, account, dispute_id, payment, appt, state, amount, currency, withdrawn, withdrawn_currency,
        reason, due_by, opened_at, closed_at, looks, postings FROM dispute
        WHERE clinic = $1 AND closed_at IS NULL ORDER BY due_by, dispute_id LIMIT $2"];
    INSERT = ["INSERT INTO dispute (clinic, provider, account, dispute_id, payment, appt, state, amount, currency,
        withdrawn, withdrawn_currency, reason, due_by, opened_at, closed_at, looks, postings)
        SELECT p.clinic, p.provider, p.account, $3, p.id, p.appt, $4, CAST($5 AS BIGINT), $6, CAST($7 AS BIGINT), $8, $9,
        CAST($10 AS BIGINT), CAST($11 AS BIGINT), CAST($12 AS BIGINT), CAST($13 AS BIGINT), CAST($14 AS BIGINT)
        FROM payment p WHERE p.clinic = $1 AND p.id = $2 AND p.provider IS NOT NULL"];
    UPDATE = ["UPDATE dispute SET state = $4, amount = $5, currency = $6, withdrawn = $7, withdrawn_currency = $8,
        reason = $9, due_by = $10, closed_at = $11, looks = $12, postings = $13
        WHERE clinic = $1 AND payment = $2 AND dispute_id = $3 AND looks = $14"];
    PAYMENT = ["UPDATE payment SET disputes_open = disputes_open + $3, dispute_lost = dispute_lost + $4
        WHERE clinic = $1 AND id = $2"];
    LINK = ["UPDATE payment_link SET disputed = (SELECT CAST(CASE WHEN SUM(p.disputes_open + p.dispute_lost) > 0 THEN 1
        ELSE 0 END AS BIGINT) FROM payment p WHERE p.clinic = $1 AND p.appt = payment_link.appt
        AND p.link = payment_link.id)
        WHERE clinic = $1 AND id = (SELECT link FROM payment WHERE clinic = $1 AND id = $2)"];
}

/// A dispute with where it was opened and what for.
#[derive(Clone, Debug)]
pub struct DisputeView {
    pub dispute: Dispute,
    pub provider: String,
    pub account: String,
    pub appointment: AppointmentId,
}

row! {
    struct Row {
        provider: String,
        account: String,
        dispute_id: String,
        payment: String,
        appt: String,
        state: String,
        amount: i64,
        currency: String,
        withdrawn: i64,
        withdrawn_currency: String,
        reason: String,
        due_by: Option<i64>,
        opened_at: i64,
        closed_at: Option<i64>,
        looks: i64,
        postings: i64,
    }
}

impl Row {
    fn view(self) -> Result<DisputeView> {
        let money = |minor, code: &str| {
            read(Currency::parse(code), "currency").map(|currency| Money::new(minor, currency))
        };
        Ok(DisputeView {
            dispute: Dispute {
                dispute_id: self.dispute_id,
                payment: id(&self.payment, "payment id")?,
                state: read(DisputeState::parse(&self.state), "dispute state")?,
                amount: money(self.amount, &self.currency)?,
                withdrawn: money(self.withdrawn, &self.withdrawn_currency)?,
                reason: self.reason,
                due_by: self.due_by,
                opened_at: self.opened_at,
                closed_at: self.closed_at,
                looks: self.looks,
                postings: self.postings,
            },
            provider: self.provider,
            account: self.account,
            appointment: id(&self.appt, "appointment id")?,
        })
    }
}

/// A dispute, read under the lock of its payment's appointment.
///
/// # Errors
/// The engine's own.
pub async fn get_in(
    tx: &mut Tx,
    provider: &str,
    account: &str,
    dispute_id: &str,
) -> Result<Option<Dispute>> {
    let row = opt!(
        tx,
        Row,
        GET,
        tx.clinic(),
        provider.to_owned(),
        account.to_owned(),
        dispute_id.to_owned()
    )?;
    Ok(row.map(Row::view).transpose()?.map(|view| view.dispute))
}

/// How many answers about a dispute were written so far; zero when nothing is known of it.
///
/// # Errors
/// The engine's own.
pub async fn looks(
    store: &Store,
    clinic: ClinicId,
    (provider, account): (&str, &str),
    dispute_id: &str,
) -> Result<i64> {
    let row = read_opt!(
        store,
        (i64,),
        LOOKS,
        clinic.to_string(),
        provider.to_owned(),
        account.to_owned(),
        dispute_id.to_owned()
    )?;
    Ok(row.map_or(0, |(looks,)| looks))
}

/// An appointment's disputes, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_appointment(
    store: &Store,
    clinic: ClinicId,
    appt: AppointmentId,
) -> Result<Vec<DisputeView>> {
    let rows = read_all!(
        store,
        Row,
        OF_APPOINTMENT,
        clinic.to_string(),
        appt.to_string()
    )?;
    rows.into_iter().map(Row::view).collect()
}

/// The disputes of many payments in one statement, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_payments(
    store: &Store,
    clinic: ClinicId,
    payments: &[PaymentId],
) -> Result<Vec<DisputeView>> {
    let ids = serde_json::json!(payments).to_string();
    let rows = read_all!(store, Row, OF_PAYMENTS, clinic.to_string(), ids)?;
    rows.into_iter().map(Row::view).collect()
}

/// A clinic's disputes that no bank has decided yet, the nearest deadline first.
///
/// # Errors
/// The engine's own.
pub async fn open(store: &Store, clinic: ClinicId, limit: i64) -> Result<Vec<DisputeView>> {
    let rows = read_all!(store, Row, OPEN, clinic.to_string(), limit)?;
    rows.into_iter().map(Row::view).collect()
}

/// Writes a dispute as it is known now, and what its payment and link show of it.
///
/// # Errors
/// [`StoreError::Refused`]: somebody else has written it meanwhile, or there is no such online payment.
pub(crate) async fn write(tx: &mut Tx, before: Option<&Dispute>, after: &Dispute) -> Result<()> {
    let rows = match before {
        None => insert(tx, after).await?,
        Some(before) => update(tx, before, after).await?,
    };
    if rows != 1 {
        return Err(StoreError::Refused("the dispute moved on meanwhile".into()));
    }
    let open = |dispute: &Dispute| i64::from(dispute.state.is_open());
    let opened = open(after) - before.map_or(0, open);
    let lost = after.lost() - before.map_or(0, Dispute::lost);
    if opened == 0 && lost == 0 {
        return Ok(());
    }
    let payment = after.payment.to_string();
    exec!(tx, PAYMENT, tx.clinic(), payment.clone(), opened, lost)?;
    exec!(tx, LINK, tx.clinic(), payment).map(drop)
}

async fn insert(tx: &mut Tx, after: &Dispute) -> Result<u64> {
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        after.payment.to_string(),
        after.dispute_id.clone(),
        after.state.name(),
        after.amount.minor,
        after.amount.currency.code().to_owned(),
        after.withdrawn.minor,
        after.withdrawn.currency.code().to_owned(),
        after.reason.clone(),
        after.due_by,
        after.opened_at,
        after.closed_at,
        after.looks,
        after.postings,
    )
}

async fn update(tx: &mut Tx, before: &Dispute, after: &Dispute) -> Result<u64> {
    exec!(
        tx,
        UPDATE,
        tx.clinic(),
        after.payment.to_string(),
        after.dispute_id.clone(),
        after.state.name(),
        after.amount.minor,
        after.amount.currency.code().to_owned(),
        after.withdrawn.minor,
        after.withdrawn.currency.code().to_owned(),
        after.reason.clone(),
        after.due_by,
        after.closed_at,
        after.looks,
        after.postings,
        before.looks,
    )
}
