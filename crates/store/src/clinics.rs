//! Clinics: the tenants.

use remit_core::UtcMs;
use remit_core::clinic::Clinic;
use remit_core::ids::ClinicId;
use remit_core::money::Currency;
use remit_core::refunds::Limits;

use crate::error::{id, read};
use crate::{Result, Store, Tx};

statements! {
    INSERT = ["INSERT INTO clinic (id, route, name, strapline, address, phone, email, currency, country, zone,
        test_mode, show_services, auto_refund, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"];
    BY_ID = ["SELECT id, route, name, strapline, address, phone, email, currency, country, zone, test_mode,
        show_services, auto_refund FROM clinic WHERE id = $1"];
    BY_ROUTE = ["SELECT id, route, name, strapline, address, phone, email, currency, country, zone, test_mode,
        show_services, auto_refund FROM clinic WHERE route = $1"];
    ROUTE = ["SELECT route FROM clinic WHERE id = $1"];
    LIST = ["SELECT id, route, name, strapline, address, phone, email, currency, country, zone, test_mode,
        show_services, auto_refund FROM clinic ORDER BY created_at, id LIMIT 10000"];
    REFUND_LIMITS = ["SELECT refund_reception_max, refund_approval_above FROM clinic WHERE id = $1"];
    SET_REFUND_LIMITS = ["UPDATE clinic SET refund_reception_max = $2, refund_approval_above = $3, auto_refund = $4
        WHERE id = $1"];
    SHARES_EMAIL = ["SELECT shares_email FROM clinic WHERE id = $1"];
    SET_SHARES_EMAIL = ["UPDATE clinic SET shares_email = $2 WHERE id = $1"];
    SET_PROFILE = ["UPDATE clinic SET name = $2, strapline = $3, phone = $4, email = $5, address = $6, zone = $7,
        show_services = $8 WHERE id = $1"];
    SET_TEST_MODE = ["UPDATE clinic SET test_mode = $2 WHERE id = $1"];
}

/// # Errors
/// The engine's own; `Unique` when the route is taken.
pub async fn insert(tx: &mut Tx, clinic: &Clinic, now: UtcMs) -> Result<()> {
    exec!(
        tx,
        INSERT,
        clinic.id.to_string(),
        clinic.route.clone(),
        clinic.name.clone(),
        clinic.strapline.clone(),
        clinic.address.clone(),
        clinic.phone.clone(),
        clinic.email.clone(),
        clinic.currency.code().to_owned(),
        clinic.country.clone(),
        clinic.zone.clone(),
        i64::from(clinic.test_mode),
        i64::from(clinic.show_services),
        i64::from(clinic.auto_refund),
        now,
    )
    .map(drop)
}

row! {
    struct Row {
        id: String,
        route: String,
        name: String,
        strapline: String,
        address: String,
        phone: String,
        email: String,
        currency: String,
        country: String,
        zone: String,
        test_mode: i64,
        show_services: i64,
        auto_refund: i64,
    }
}

impl Row {
    fn clinic(self) -> Result<Clinic> {
        Ok(Clinic {
            id: id(&self.id, "clinic id")?,
            route: self.route,
            name: self.name,
            strapline: self.strapline,
            address: self.address,
            phone: self.phone,
            email: self.email,
            currency: read(Currency::parse(&self.currency), "currency")?,
            country: self.country,
            zone: self.zone,
            test_mode: self.test_mode == 1,
            show_services: self.show_services == 1,
            auto_refund: self.auto_refund == 1,
        })
    }
}

/// # Errors
/// The engine's own.
pub async fn get(store: &Store, clinic: ClinicId) -> Result<Option<Clinic>> {
    read_opt!(store, Row, BY_ID, clinic.to_string())?
        .map(Row::clinic)
        .transpose()
}

/// The clinic that a token's routing prefix names.
///
/// # Errors
/// The engine's own.
pub async fn by_route(store: &Store, route: &str) -> Result<Option<Clinic>> {
    read_opt!(store, Row, BY_ROUTE, route.to_owned())?
        .map(Row::clinic)
        .transpose()
}

/// # Errors
/// The engine's own.
pub async fn list(store: &Store) -> Result<Vec<Clinic>> {
    read_all!(store, Row, LIST)?
        .into_iter()
        .map(Row::clinic)
        .collect()
}

/// # Errors
/// The engine's own.
pub async fn set_test_mode(tx: &mut Tx, on: bool) -> Result<()> {
    tx.tell("clinic");
    exec!(tx, SET_TEST_MODE, tx.clinic(), i64::from(on)).map(drop)
}

/// What a clinic says of itself and may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub strapline: String,
    pub phone: String,
    pub email: String,
    pub address: String,
    /// IANA.
    pub zone: String,
    /// Whether its patients' payment pages name the services.
    pub show_services: bool,
}

/// # Errors
/// The engine's own.
pub async fn set_profile(tx: &mut Tx, profile: &Profile) -> Result<()> {
    tx.tell("clinic");
    exec!(
        tx,
        SET_PROFILE,
        tx.clinic(),
        profile.name.clone(),
        profile.strapline.clone(),
        profile.phone.clone(),
        profile.email.clone(),
        profile.address.clone(),
        profile.zone.clone(),
        i64::from(profile.show_services)
    )
    .map(drop)
}

/// The transaction's clinic's routing prefix.
///
/// # Errors
/// The engine's own.
pub async fn route_in(tx: &mut Tx) -> Result<Option<String>> {
    Ok(opt!(tx, (String,), ROUTE, tx.clinic())?.map(|(route,)| route))
}

/// Whether payment providers are told the payer's email address.
///
/// # Errors
/// The engine's own.
pub async fn shares_email(store: &Store, clinic: ClinicId) -> Result<bool> {
    Ok(read_opt!(store, (i64,), SHARES_EMAIL, clinic.to_string())? == Some((1,)))
}

/// # Errors
/// The engine's own.
pub async fn set_shares_email(tx: &mut Tx, shares: bool) -> Result<()> {
    tx.tell("clinic");
    exec!(tx, SET_SHARES_EMAIL, tx.clinic(), i64::from(shares)).map(drop)
}

/// How much may be refunded without whom.
///
/// # Errors
/// The engine's own.
pub async fn refund_limits(store: &Store, clinic: ClinicId) -> Result<Limits> {
    let row = read_opt!(
        store,
        (Option<i64>, Option<i64>),
        REFUND_LIMITS,
        clinic.to_string()
    )?;
    let (reception_max, approval_above) = row.unwrap_or_default();
    Ok(Limits {
        reception_max,
        approval_above,
    })
}

/// `auto_refund`: surplus money goes back by itself.
///
/// # Errors
/// The engine's own.
pub async fn set_refund_limits(tx: &mut Tx, limits: Limits, auto_refund: bool) -> Result<()> {
    tx.tell("clinic");
    exec!(
        tx,
        SET_REFUND_LIMITS,
        tx.clinic(),
        limits.reception_max,
        limits.approval_above,
        i64::from(auto_refund)
    )
    .map(drop)
}
