//! What the summary adds up, along indexes that hold every column they need: nothing walks links or payments outside
//! the days that are shown.

use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, PaymentId};
use remit_core::money::{Currency, Money};
use remit_core::payments::PaidBy;
use remit_core::reports::Funnel;

use crate::error::{id, read};
use crate::links::Cursor;
use crate::{Result, Store};

statements! {
    COLLECTED = ["SELECT (received_at + $4) / 86400000 AS day, method, currency, COUNT(*) AS payments,
        CAST(SUM(amount) AS BIGINT) AS amount FROM payment WHERE clinic = $1 AND provider IS NOT NULL
        AND received_at >= $2 AND received_at < $3 GROUP BY (received_at + $4) / 86400000, method, currency"];
    BACK = ["SELECT (t.at + $4) / 86400000 AS day, t.kind, e.currency, CAST(SUM(e.amount) AS BIGINT) AS amount
        FROM ledger_txn t JOIN ledger_entry e ON e.clinic = t.clinic AND e.txn = t.id
        WHERE t.clinic = $1 AND t.at >= $2 AND t.at < $3
        AND t.kind NOT IN ('charge', 'uncharge', 'capture', 'desk', 'fee', 'payout', 'payout_failure')
        AND e.account LIKE 'psp_clearing:%' GROUP BY (t.at + $4) / 86400000, t.kind, e.currency"];
    MOVED = ["SELECT (at + $4) / 86400000 AS day, kind, currency, CAST(SUM(gross) AS BIGINT) AS gross,
        CAST(SUM(kept) AS BIGINT) AS kept FROM movement WHERE clinic = $1 AND at >= $2 AND at < $3
        AND kind <> 'other' GROUP BY (at + $4) / 86400000, kind, currency"];
    FUNNEL = ["SELECT COUNT(*) AS created,
        COUNT(CASE WHEN sent_at IS NOT NULL OR accessed_at IS NOT NULL OR paid_at IS NOT NULL THEN 1 END) AS sent,
        COUNT(CASE WHEN accessed_at IS NOT NULL OR paid_at IS NOT NULL THEN 1 END) AS accessed,
        COUNT(paid_at) AS paid FROM payment_link WHERE clinic = $1 AND created_at >= $2 AND created_at < $3"];
    PAID_AFTER = ["SELECT (paid_at - created_at) / 60000 AS minutes, COUNT(*) AS links FROM payment_link
        WHERE clinic = $1 AND paid_at IS NOT NULL AND paid_at >= $2 AND paid_at < $3
        GROUP BY (paid_at - created_at) / 60000 ORDER BY 1"];
    PAGE_ONLINE = ["SELECT p.id, p.received_at, p.method, p.reference, p.amount, p.refunded, p.currency, p.appt, w.name
        FROM payment p JOIN appointment a ON a.clinic = p.clinic AND a.id = p.appt
        JOIN patient w ON w.clinic = a.clinic AND w.id = a.patient
        WHERE p.clinic = $1 AND p.provider IS NOT NULL AND p.received_at >= $2 AND p.received_at <= $3
        AND (p.received_at < $3 OR p.id < $4) AND ($5 = '' OR p.method = $5)
        ORDER BY p.received_at DESC, p.id DESC LIMIT $6"];
}

/// A stretch of time within which the clinic's clock does not change: days are counted in it by adding `offset_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: UtcMs,
    /// Exclusive.
    pub to: UtcMs,
    /// Milliseconds east of UTC.
    pub offset_ms: i64,
}

/// What came in on a day by a method. A day is counted from 1970-01-01 in the clinic's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    pub day: i64,
    pub method: PaidBy,
    pub payments: i64,
    pub amount: Money,
}

/// What went back on a day, by refund or dispute; above zero: out of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    pub day: i64,
    /// Refunds, less those that came back; otherwise disputes.
    pub by_refund: bool,
    pub amount: Money,
}

/// What a provider kept and paid out on a day, less what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub day: i64,
    pub kept: Money,
    pub paid_out: Money,
}

/// # Errors
/// The engine's own.
pub async fn collected(
    store: &Store,
    clinic: ClinicId,
    stretch: Stretch,
) -> Result<Vec<Collected>> {
    type Row = (i64, String, String, i64, i64);
    let Stretch {
        from,
        to,
        offset_ms,
    } = stretch;
    let rows = read_all!(
        store,
        Row,
        COLLECTED,
        clinic.to_string(),
        from,
        to,
        offset_ms
    )?;
    rows.into_iter()
        .map(|(day, method, currency, payments, amount)| {
            Ok(Collected {
                day,
                method: read(PaidBy::parse(&method), "payment method")?,
                payments,
                amount: money(amount, &currency)?,
            })
        })
        .collect()
}

/// # Errors
/// The engine's own.
pub async fn back(store: &Store, clinic: ClinicId, stretch: Stretch) -> Result<Vec<Back>> {
    type Row = (i64, String, String, i64);
    let Stretch {
        from,
        to,
        offset_ms,
    } = stretch;
    let rows = read_all!(store, Row, BACK, clinic.to_string(), from, to, offset_ms)?;
    rows.into_iter()
        .map(|(day, kind, currency, amount)| {
            Ok(Back {
                day,
                by_refund: kind.starts_with("refund"),
                amount: money(-amount, &currency)?,
            })
        })
        .collect()
}

/// # Errors
/// The engine's own.
pub async fn moved(store: &Store, clinic: ClinicId, stretch: Stretch) -> Result<Vec<Moved>> {
    type Row = (i64, String, String, i64, i64);
    let Stretch {
        from,
        to,
        offset_ms,
    } = stretch;
    let rows = read_all!(store, Row, MOVED, clinic.to_string(), from, to, offset_ms)?;
    rows.into_iter()
        .map(|(day, kind, currency, gross, kept)| {
            let paid_out = if kind.starts_with("payout") {
                -gross
            } else {
                0
            };
            Ok(Moved {
                day,
                kept: money(kept, &currency)?,
                paid_out: money(paid_out, &currency)?,
            })
        })
        .collect()
}

fn money(minor: i64, currency: &str) -> Result<Money> {
    Ok(Money::new(
        minor,
        read(Currency::parse(currency), "currency")?,
    ))
}

/// How far the links went that were created from `from` until before `to`.
///
/// # Errors
/// The engine's own.
pub async fn funnel(store: &Store, clinic: ClinicId, from: UtcMs, to: UtcMs) -> Result<Funnel> {
    type Row = (i64, i64, i64, i64);
    let row = read_opt!(store, Row, FUNNEL, clinic.to_string(), from, to)?;
    let (created, sent, accessed, paid) = row.unwrap_or_default();
    Ok(Funnel {
        created,
        sent,
        accessed,
        paid,
    })
}

/// Whole minutes from creation to payment of the links paid from `from` until before `to`, with how many took so long.
///
/// # Errors
/// The engine's own.
pub async fn paid_after(
    store: &Store,
    clinic: ClinicId,
    from: UtcMs,
    to: UtcMs,
) -> Result<Vec<(i64, i64)>> {
    read_all!(store, (i64, i64), PAID_AFTER, clinic.to_string(), from, to)
}

/// An online payment, as the list shows it.
#[derive(Clone, Debug)]
pub struct OnlinePayment {
    pub id: PaymentId,
    pub received_at: UtcMs,
    pub method: PaidBy,
    /// What it was paid with, for people.
    pub reference: Option<String>,
    pub amount: Money,
    pub refunded: Money,
    pub appointment: AppointmentId,
    pub patient_name: String,
}

row! {
    struct OnlineRow {
        id: String,
        received_at: i64,
        method: String,
        reference: Option<String>,
        amount: i64,
        refunded: i64,
        currency: String,
        appt: String,
        name: String,
    }
}

/// A page of online payments received from `from` until before `to`, newest first; of one method where `method` names
/// one.
///
/// # Errors
/// The engine's own.
pub async fn online(
    store: &Store,
    clinic: ClinicId,
    (from, to): (UtcMs, UtcMs),
    method: Option<PaidBy>,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<(Vec<OnlinePayment>, Option<Cursor>)> {
    // Before `to` itself nothing with any id: the first page begins below it.
    let start = after.cloned().unwrap_or_else(|| Cursor {
        at: to,
        id: String::new(),
    });
    let rows = read_all!(
        store,
        OnlineRow,
        PAGE_ONLINE,
        clinic.to_string(),
        from,
        start.at,
        start.id,
        method.map_or("", PaidBy::name),
        limit + 1
    )?;
    let mut found: Vec<OnlinePayment> = rows
        .into_iter()
        .map(|row| {
            let amount = money(row.amount, &row.currency)?;
            Ok(OnlinePayment {
                id: id(&row.id, "payment id")?,
                received_at: row.received_at,
                method: read(PaidBy::parse(&row.method), "payment method")?,
                reference: row.reference,
                refunded: amount.with(row.refunded),
                amount,
                appointment: id(&row.appt, "appointment id")?,
                patient_name: row.name,
            })
        })
        .collect::<Result<_>>()?;
    let keep = usize::try_from(limit).unwrap_or(0);
    let more = found.len() > keep;
    found.truncate(keep);
    let next = found.last().filter(|_| more).map(|last| Cursor {
        at: last.received_at,
        id: last.id.to_string(),
    });
    Ok((found, next))
}
