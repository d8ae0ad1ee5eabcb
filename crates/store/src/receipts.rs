//! Receipts: the rows of their sendings with the outcomes, and how a clinic's receipts look.

use remit_core::UtcMs;
use remit_core::deliveries::{Channel, DeliveryStatus};
use remit_core::ids::{AppointmentId, ClinicId, PaymentId, ReceiptId, RefundId};
use remit_core::receipts::{LegalDetails, ReceiptSettings, VatRate};
use remit_core::token::TokenHash;

use crate::deliveries::replaced_by;
use crate::error::{id, id_opt, read};
use crate::{Result, Store, Tx};

statements! {
    INSERT = ["INSERT INTO receipt (clinic, id, payment, appt, refund, channel, address, status, token_hash, token_sealed,
        created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, $9, $10, $11)
        ON CONFLICT (clinic, id) DO NOTHING"];
    SETTLE = ["UPDATE receipt SET status = $3, reason = $4, provider_message_id = COALESCE($5, provider_message_id),
        done_at = $6 WHERE clinic = $1 AND id = $2 AND status IN ($7, $8, $9) AND status <> $3"];
    GET = ["SELECT id, payment, appt, refund, channel, address, status, reason, token_sealed, created_at, created_by, done_at
        FROM receipt WHERE clinic = $1 AND id = $2"];
    BY_TOKEN = ["SELECT id, payment, appt, refund, channel, address, status, reason, token_sealed, created_at, created_by,
        done_at FROM receipt WHERE clinic = $1 AND token_hash = $2"];
    OF_PAYMENT = ["SELECT id, payment, appt, refund, channel, address, status, reason, token_sealed, created_at, created_by,
        done_at FROM receipt WHERE clinic = $1 AND payment = $2 ORDER BY created_at DESC, id DESC LIMIT 100"];
    LATEST = ["SELECT created_at FROM receipt WHERE clinic = $1 AND payment = $2 AND channel = $3 AND refund IS NULL
        AND status <> 'failed'
        ORDER BY created_at DESC LIMIT 1"];
    SETTINGS = ["SELECT legal_name, registered_address, company_number, vat_number, vat_rate, by_sms, name_services
        FROM receipt_setting WHERE clinic = $1"];
    SET = ["INSERT INTO receipt_setting (clinic, legal_name, registered_address, company_number, vat_number, vat_rate, by_sms,
        name_services) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (clinic) DO UPDATE
        SET legal_name = excluded.legal_name, registered_address = excluded.registered_address,
        company_number = excluded.company_number, vat_number = excluded.vat_number, vat_rate = excluded.vat_rate,
        by_sms = excluded.by_sms, name_services = excluded.name_services"];
}

/// One sending of a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptView {
    pub id: ReceiptId,
    pub payment: PaymentId,
    pub appointment: AppointmentId,
    /// It tells of this refund; none: it is the payment's receipt.
    pub refund: Option<RefundId>,
    pub channel: Channel,
    pub address: String,
    pub status: DeliveryStatus,
    /// Why it failed or is uncertain, in plain words.
    pub reason: Option<String>,
    /// The token of the address that an SMS carries.
    pub token_sealed: Option<Vec<u8>>,
    pub created_at: UtcMs,
    pub created_by: String,
    /// When the outcome became known.
    pub done_at: Option<UtcMs>,
}

row! {
    struct Row {
        id: String,
        payment: String,
        appt: String,
        refund: Option<String>,
        channel: String,
        address: String,
        status: String,
        reason: Option<String>,
        token_sealed: Option<Vec<u8>>,
        created_at: i64,
        created_by: String,
        done_at: Option<i64>,
    }
}

impl Row {
    fn view(self) -> Result<ReceiptView> {
        Ok(ReceiptView {
            id: id(&self.id, "receipt id")?,
            payment: id(&self.payment, "payment id")?,
            appointment: id(&self.appt, "appointment id")?,
            refund: id_opt(&self.refund, "refund id")?,
            channel: read(Channel::parse(&self.channel), "channel")?,
            address: self.address,
            status: read(DeliveryStatus::parse(&self.status), "delivery status")?,
            reason: self.reason,
            token_sealed: self.token_sealed,
            created_at: self.created_at,
            created_by: self.created_by,
            done_at: self.done_at,
        })
    }
}

/// Writes a sending that is to be made; nothing when its id is known already.
///
/// # Errors
/// The engine's own.
pub async fn insert(tx: &mut Tx, receipt: &ReceiptView, token: Option<TokenHash>) -> Result<()> {
    tx.tell(receipt.appointment.to_string());
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        receipt.id.to_string(),
        receipt.payment.to_string(),
        receipt.appointment.to_string(),
        receipt.refund.map(|refund| refund.to_string()),
        receipt.channel.name(),
        receipt.address.clone(),
        token.map(|hash| hash.0.to_vec()),
        receipt.token_sealed.clone(),
        receipt.created_at,
        receipt.created_by.clone(),
    )
    .map(drop)
}

/// Writes an outcome; false when it says nothing new, or less than is known.
///
/// # Errors
/// The engine's own.
pub async fn settle(
    tx: &mut Tx,
    receipt: ReceiptId,
    status: DeliveryStatus,
    reason: Option<&str>,
    provider_message_id: Option<&str>,
    now: UtcMs,
) -> Result<bool> {
    let [first, second, third] = replaced_by(status);
    let rows = exec!(
        tx,
        SETTLE,
        tx.clinic(),
        receipt.to_string(),
        status.name(),
        reason.map(str::to_owned),
        provider_message_id.map(str::to_owned),
        now,
        first,
        second,
        third,
    )?;
    Ok(rows == 1)
}

/// # Errors
/// The engine's own.
pub async fn get(
    store: &Store,
    clinic: ClinicId,
    receipt: ReceiptId,
) -> Result<Option<ReceiptView>> {
    read_opt!(store, Row, GET, clinic.to_string(), receipt.to_string())?
        .map(Row::view)
        .transpose()
}

/// Reads a sending within a transaction.
///
/// # Errors
/// The engine's own.
pub async fn get_in(tx: &mut Tx, receipt: ReceiptId) -> Result<Option<ReceiptView>> {
    opt!(tx, Row, GET, tx.clinic(), receipt.to_string())?
        .map(Row::view)
        .transpose()
}

/// The sending whose message carries a token.
///
/// # Errors
/// The engine's own.
pub async fn by_token(
    store: &Store,
    clinic: ClinicId,
    token: TokenHash,
) -> Result<Option<ReceiptView>> {
    read_opt!(store, Row, BY_TOKEN, clinic.to_string(), token.0.to_vec())?
        .map(Row::view)
        .transpose()
}

/// A payment's sendings, newest first.
///
/// # Errors
/// The engine's own.
pub async fn of_payment(
    store: &Store,
    clinic: ClinicId,
    payment: PaymentId,
) -> Result<Vec<ReceiptView>> {
    let rows = read_all!(
        store,
        Row,
        OF_PAYMENT,
        clinic.to_string(),
        payment.to_string()
    )?;
    rows.into_iter().map(Row::view).collect()
}

/// When a payment's receipt last went out over a channel without failing.
///
/// # Errors
/// The engine's own.
pub async fn latest(tx: &mut Tx, payment: PaymentId, channel: Channel) -> Result<Option<UtcMs>> {
    let row = opt!(
        tx,
        (i64,),
        LATEST,
        tx.clinic(),
        payment.to_string(),
        channel.name()
    )?;
    Ok(row.map(|(at,)| at))
}

row! {
    struct SettingRow {
        legal_name: String,
        registered_address: String,
        company_number: String,
        vat_number: String,
        vat_rate: Option<i64>,
        by_sms: i64,
        name_services: i64,
    }
}

/// How a clinic's receipts look and leave; the defaults where nothing was set.
///
/// # Errors
/// The engine's own.
pub async fn settings(store: &Store, clinic: ClinicId) -> Result<ReceiptSettings> {
    let row = read_opt!(store, SettingRow, SETTINGS, clinic.to_string())?;
    Ok(
        row.map_or_else(ReceiptSettings::default, |row| ReceiptSettings {
            legal: LegalDetails {
                legal_name: row.legal_name,
                registered_address: row.registered_address,
                company_number: row.company_number,
                vat_number: row.vat_number,
                vat_rate: row.vat_rate.and_then(VatRate::of_hundredths),
            },
            by_sms: row.by_sms == 1,
            name_services: row.name_services == 1,
        }),
    )
}

/// # Errors
/// The engine's own.
pub async fn set(tx: &mut Tx, settings: &ReceiptSettings) -> Result<()> {
    tx.tell("clinic");
    let legal = &settings.legal;
    exec!(
        tx,
        SET,
        tx.clinic(),
        legal.legal_name.clone(),
        legal.registered_address.clone(),
        legal.company_number.clone(),
        legal.vat_number.clone(),
        legal.vat_rate.map(VatRate::hundredths),
        i64::from(settings.by_sms),
        i64::from(settings.name_services),
    )
    .map(drop)
}
