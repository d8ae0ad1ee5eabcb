//! Services and practitioners: what is booked, and with whom.

use remit_core::UtcMs;
use remit_core::appointments::DepositRule;
use remit_core::ids::{ClinicId, PractitionerId, ServiceId};
use remit_core::money::{Currency, Money};
use remit_core::practitioners::Hue;

use crate::error::{id, read};
use crate::{Result, Store, StoreError, Tx};

statements! {
    INSERT = ["INSERT INTO service (clinic, id, name, duration_minutes, price, currency, deposit_kind, deposit_value,
        active, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"];
    UPDATE = ["UPDATE service SET name = $3, duration_minutes = $4, price = $5, deposit_kind = $6, deposit_value = $7,
        active = $8 WHERE clinic = $1 AND id = $2"];
    GET = ["SELECT id, name, duration_minutes, price, currency, deposit_kind, deposit_value, active, created_at
        FROM service WHERE clinic = $1 AND id = $2"];
    LIST = ["SELECT id, name, duration_minutes, price, currency, deposit_kind, deposit_value, active, created_at
        FROM service WHERE clinic = $1 AND id > $2 AND (active = 1 OR $3 = 1) ORDER BY id LIMIT $4"];
    ADD_PRACTITIONER = ["INSERT INTO practitioner (clinic, id, name, speciality, room, position, active, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"];
    GET_PRACTITIONER = ["SELECT id, name, speciality, room, position, active, created_at, hue FROM practitioner
        WHERE clinic = $1 AND id = $2"];
    PRACTITIONERS = ["SELECT id, name, speciality, room, position, active, created_at, hue FROM practitioner
        WHERE clinic = $1 ORDER BY position, id LIMIT $2"];
}

/// What can be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub id: ServiceId,
    pub name: String,
    pub duration_minutes: i64,
    pub price: Money,
    pub deposit: DepositRule,
    pub active: bool,
    pub created_at: UtcMs,
}

/// Who treats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Practitioner {
    pub id: PractitionerId,
    pub name: String,
    pub speciality: String,
    pub room: String,
    /// Order of the diary's columns.
    pub position: i64,
    /// Retired ones stay in the diary of their appointments and are offered nowhere.
    pub active: bool,
    pub created_at: UtcMs,
    /// None chosen: by their place in the diary.
    pub hue: Option<Hue>,
}

fn written(rule: DepositRule) -> (&'static str, i64) {
    match rule {
        DepositRule::None => ("none", 0),
        DepositRule::Fixed(minor) => ("fixed", minor),
        DepositRule::Percent(percent) => ("percent", i64::from(percent)),
        DepositRule::Full => ("full", 0),
    }
}

fn rule(kind: &str, value: i64) -> Option<DepositRule> {
    Some(match kind {
        "none" => DepositRule::None,
        "fixed" => DepositRule::Fixed(value),
        "percent" => DepositRule::Percent(u8::try_from(value).ok()?),
        "full" => DepositRule::Full,
        _ => return None,
    })
}

/// # Errors
/// The engine's own.
pub async fn insert(tx: &mut Tx, service: &Service) -> Result<()> {
    let (kind, value) = written(service.deposit);
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        service.id.to_string(),
        service.name.clone(),
        service.duration_minutes,
        service.price.minor,
        service.price.currency.code().to_owned(),
        kind,
        value,
        i64::from(service.active),
        service.created_at,
    )
    .map(drop)
}

/// Changes a service; what was booked keeps its charges.
///
/// # Errors
/// The engine's own.
pub async fn update(tx: &mut Tx, service: &Service) -> Result<bool> {
    let (kind, value) = written(service.deposit);
    let rows = exec!(
        tx,
        UPDATE,
        tx.clinic(),
        service.id.to_string(),
        service.name.clone(),
        service.duration_minutes,
        service.price.minor,
        kind,
        value,
        i64::from(service.active),
    )?;
    Ok(rows == 1)
}

type Row = (String, String, i64, i64, String, String, i64, i64, i64);

fn service(
    (service, name, duration_minutes, price, currency, kind, value, active, created_at): Row,
) -> Result<Service> {
    Ok(Service {
        id: id(&service, "service id")?,
        name,
        duration_minutes,
        price: Money::new(price, read(Currency::parse(&currency), "currency")?),
        deposit: rule(&kind, value).ok_or(StoreError::Corrupt("deposit rule"))?,
        active: active == 1,
        created_at,
    })
}

/// # Errors
/// The engine's own.
pub async fn get(
    store: &Store,
    clinic: ClinicId,
    service_id: ServiceId,
) -> Result<Option<Service>> {
    read_opt!(store, Row, GET, clinic.to_string(), service_id.to_string())?
        .map(service)
        .transpose()
}

/// Services in the order they were made; `after` is the id of the last one seen.
///
/// # Errors
/// The engine's own.
pub async fn list(
    store: &Store,
    clinic: ClinicId,
    after: Option<&str>,
    with_inactive: bool,
    limit: i64,
) -> Result<Vec<Service>> {
    let after = after.unwrap_or("").to_owned();
    let rows = read_all!(
        store,
        Row,
        LIST,
        clinic.to_string(),
        after,
        i64::from(with_inactive),
        limit
    )?;
    rows.into_iter().map(service).collect()
}

type PractitionerRow = (
    String,
    String,
    String,
    String,
    i64,
    i64,
    i64,
    Option<String>,
);

fn practitioner(
    (prc, name, speciality, room, position, active, created_at, hue): PractitionerRow,
) -> Result<Practitioner> {
    Ok(Practitioner {
        id: id(&prc, "practitioner id")?,
        name,
        speciality,
        room,
        position,
        active: active == 1,
        created_at,
        hue: hue.as_deref().and_then(Hue::parse),
    })
}

/// # Errors
/// The engine's own.
pub async fn add_practitioner(tx: &mut Tx, who: &Practitioner) -> Result<()> {
    exec!(
        tx,
        ADD_PRACTITIONER,
        tx.clinic(),
        who.id.to_string(),
        who.name.clone(),
        who.speciality.clone(),
        who.room.clone(),
        who.position,
        i64::from(who.active),
        who.created_at,
    )
    .map(drop)
}

/// # Errors
/// The engine's own.
pub async fn get_practitioner(
    store: &Store,
    clinic: ClinicId,
    who: PractitionerId,
) -> Result<Option<Practitioner>> {
    let row = read_opt!(
        store,
        PractitionerRow,
        GET_PRACTITIONER,
        clinic.to_string(),
        who.to_string()
    )?;
    row.map(practitioner).transpose()
}

/// Practitioners in the order of the diary's columns.
///
/// # Errors
/// The engine's own.
pub async fn practitioners(store: &Store, clinic: ClinicId) -> Result<Vec<Practitioner>> {
    let rows = read_all!(
        store,
        PractitionerRow,
        PRACTITIONERS,
        clinic.to_string(),
        200_i64
    )?;
    rows.into_iter().map(practitioner).collect()
}
