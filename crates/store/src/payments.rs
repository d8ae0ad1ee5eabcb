//! Payments received, as lists and the API show them.

use remit_core::UtcMs;
use remit_core::disputes::Disputed;
use remit_core::ids::{AppointmentId, ClinicId, LinkId, PaymentId};
use remit_core::money::{Currency, Money};
use remit_core::payments::{PaidBy, Payment, ProviderPayment};

use crate::error::{id, id_opt, read};
use crate::links::Cursor;
use crate::{Result, Store, Tx};

statements! {
    GET = ["SELECT id, appt, link, attempt, method, provider, account, provider_payment_id, amount, currency,
        received_at, received_by, reference, refund_reserved, refunded, disputes_open, dispute_lost FROM payment WHERE clinic = $1 AND id = $2"];
    OF_APPOINTMENT = ["SELECT id, appt, link, attempt, method, provider, account, provider_payment_id, amount, currency,
        received_at, received_by, reference, refund_reserved, refunded, disputes_open, dispute_lost FROM payment
        WHERE clinic = $1 AND appt = $2 ORDER BY received_at, id"];
    OF_LINK = ["SELECT id, appt, link, attempt, method, provider, account, provider_payment_id, amount, currency,
        received_at, received_by, reference, refund_reserved, refunded, disputes_open, dispute_lost FROM payment
        WHERE clinic = $1 AND link = $2 ORDER BY received_at, id"];
    OF_APPOINTMENTS = ["SELECT id, appt, link, attempt, method, provider, account, provider_payment_id, amount, currency,
        received_at, received_by, reference, refund_reserved, refunded, disputes_open, dispute_lost FROM payment
        WHERE clinic = $1 AND appt IN " (ids 2) " ORDER BY received_at, id"];
    OF_LINKS = ["SELECT id, appt, link, attempt, method, provider, account, provider_payment_id, amount, currency,
        received_at, received_by, reference, refund_reserved, refunded, disputes_open, dispute_lost FROM payment
        WHERE clinic = $1 AND link IN " (ids 2) " ORDER BY received_at, id"];
    BY_PROVIDER_ID = ["SELECT id FROM payment WHERE clinic = $1 AND provider = $2 AND account = $3
        AND provider_payment_id = $4"];
    PLACE = ["SELECT id, appt FROM payment WHERE clinic = $1 AND provider = $2 AND account = $3
        AND provider_payment_id = $4"];
    PAGE = ["SELECT id, appt, link, attempt, method, provider, account, provider_payment_id, amount, currency,
        received_at, received_by, reference, refund_reserved, refunded, disputes_open, dispute_lost FROM payment WHERE clinic = $1
        AND (received_at < $2 OR (received_at = $2 AND id < $3)) AND received_at >= $4
        ORDER BY received_at DESC, id DESC LIMIT $5"];
}

/// A payment with what went back of it.
#[derive(Clone, Debug)]
pub struct PaymentView {
    pub payment: Payment,
    /// Who recorded it.
    pub received_by: String,
    /// What went back and did not fail.
    pub refunded: Money,
}

row! {
    struct Row {
        id: String,
        appt: String,
        link: Option<String>,
        attempt: Option<String>,
        method: String,
        provider: Option<String>,
        account: Option<String>,
        provider_payment_id: Option<String>,
        amount: i64,
        currency: String,
        received_at: i64,
        received_by: String,
        reference: Option<String>,
        refund_reserved: i64,
        refunded: i64,
        disputes_open: i64,
        dispute_lost: i64,
    }
}

impl Row {
    fn view(self) -> Result<PaymentView> {
        let amount = Money::new(
            self.amount,
            read(Currency::parse(&self.currency), "currency")?,
        );
        let provider = match (self.provider, self.account, self.provider_payment_id) {
            (Some(provider), Some(account), Some(payment_id)) => Some(ProviderPayment {
                provider,
                account,
                payment_id,
            }),
            _ => None,
        };
        Ok(PaymentView {
            payment: Payment {
                id: id(&self.id, "payment id")?,
                appointment: id(&self.appt, "appointment id")?,
                link: id_opt(&self.link, "link id")?,
                attempt: id_opt(&self.attempt, "attempt id")?,
                paid_by: read(PaidBy::parse(&self.method), "payment method")?,
                provider,
                amount,
                received_at: self.received_at,
                reference: self.reference,
                refund_reserved: self.refund_reserved,
                disputed: Disputed {
                    open: self.disputes_open,
                    lost: self.dispute_lost,
                },
            },
            received_by: self.received_by,
            refunded: amount.with(self.refunded),
        })
    }
}

/// # Errors
/// The engine's own.
pub async fn get(
    store: &Store,
    clinic: ClinicId,
    payment: PaymentId,
) -> Result<Option<PaymentView>> {
    read_opt!(store, Row, GET, clinic.to_string(), payment.to_string())?
        .map(Row::view)
        .transpose()
}

/// A payment, read under the lock of its appointment.
///
/// # Errors
/// The engine's own.
pub async fn get_in(tx: &mut Tx, payment: PaymentId) -> Result<Option<Payment>> {
    Ok(opt!(tx, Row, GET, tx.clinic(), payment.to_string())?
        .map(Row::view)
        .transpose()?
        .map(|view| view.payment))
}

/// Whether a provider's payment was posted already, asked under the lock row.
///
/// # Errors
/// The engine's own.
pub async fn posted(tx: &mut Tx, provider: &ProviderPayment) -> Result<Option<PaymentId>> {
    let row = opt!(
        tx,
        (String,),
        BY_PROVIDER_ID,
        tx.clinic(),
        provider.provider.clone(),
        provider.account.clone(),
        provider.payment_id.clone(),
    )?;
    row.map(|(payment,)| id(&payment, "payment id")).transpose()
}

/// Whether a provider's payment was posted, outside any lock: for reconciliation.
///
/// # Errors
/// The engine's own.
pub async fn is_posted(
    store: &Store,
    clinic: ClinicId,
    provider: &ProviderPayment,
) -> Result<bool> {
    let row = read_opt!(
        store,
        (String,),
        BY_PROVIDER_ID,
        clinic.to_string(),
        provider.provider.clone(),
        provider.account.clone(),
        provider.payment_id.clone(),
    )?;
    Ok(row.is_some())
}

/// Our payment behind a provider's, with its appointment, outside any lock.
///
/// # Errors
/// The engine's own.
pub async fn by_provider_id(
    store: &Store,
    clinic: ClinicId,
    provider: &ProviderPayment,
) -> Result<Option<(PaymentId, AppointmentId)>> {
    let row = read_opt!(
        store,
        (String, String),
        PLACE,
        clinic.to_string(),
        provider.provider.clone(),
        provider.account.clone(),
        provider.payment_id.clone(),
    )?;
    row.map(|(payment, appt)| Ok((id(&payment, "payment id")?, id(&appt, "appointment id")?)))
        .transpose()
}

/// An appointment's payments, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_appointment(
    store: &Store,
    clinic: ClinicId,
    appt: AppointmentId,
) -> Result<Vec<PaymentView>> {
    let rows = read_all!(
        store,
        Row,
        OF_APPOINTMENT,
        clinic.to_string(),
        appt.to_string()
    )?;
    rows.into_iter().map(Row::view).collect()
}

/// An appointment's payments, oldest first, read under its lock.
///
/// # Errors
/// The engine's own.
pub async fn of_appointment_in(tx: &mut Tx, appt: AppointmentId) -> Result<Vec<Payment>> {
    let rows = all!(tx, Row, OF_APPOINTMENT, tx.clinic(), appt.to_string())?;
    rows.into_iter()
        .map(|row| Ok(row.view()?.payment))
        .collect()
}

/// A link's payments, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_link(store: &Store, clinic: ClinicId, link: LinkId) -> Result<Vec<PaymentView>> {
    let rows = read_all!(store, Row, OF_LINK, clinic.to_string(), link.to_string())?;
    rows.into_iter().map(Row::view).collect()
}

/// The payments of many appointments in one statement, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_appointments(
    store: &Store,
    clinic: ClinicId,
    appts: &[AppointmentId],
) -> Result<Vec<PaymentView>> {
    let ids = serde_json::json!(appts).to_string();
    let rows = read_all!(store, Row, OF_APPOINTMENTS, clinic.to_string(), ids)?;
    rows.into_iter().map(Row::view).collect()
}

/// The payments of many links in one statement, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_links(
    store: &Store,
    clinic: ClinicId,
    links: &[LinkId],
) -> Result<Vec<PaymentView>> {
    let ids = serde_json::json!(links).to_string();
    let rows = read_all!(store, Row, OF_LINKS, clinic.to_string(), ids)?;
    rows.into_iter().map(Row::view).collect()
}

/// A page of payments, newest first, `from` inclusive and `to` exclusive.
///
/// # Errors
/// The engine's own.
pub async fn list(
    store: &Store,
    clinic: ClinicId,
    after: Option<&Cursor>,
    (from, to): (UtcMs, UtcMs),
    limit: i64,
) -> Result<(Vec<PaymentView>, Option<Cursor>)> {
    let start = after.cloned().unwrap_or_else(|| Cursor {
        at: to,
        id: String::new(),
    });
    let rows = read_all!(
        store,
        Row,
        PAGE,
        clinic.to_string(),
        start.at,
        start.id,
        from,
        limit + 1
    )?;
    let mut views: Vec<PaymentView> = rows.into_iter().map(Row::view).collect::<Result<_>>()?;
    let keep = usize::try_from(limit).unwrap_or(0);
    let more = views.len() > keep;
    views.truncate(keep);
    let last = views.last().filter(|_| more);
    let next = last.map(|view| Cursor {
        at: view.payment.received_at,
        id: view.payment.id.to_string(),
    });
    Ok((views, next))
}
