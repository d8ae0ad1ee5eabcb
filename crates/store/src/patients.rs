//! Patients: personal data lives in this table and its search terms, nowhere else (hazard E3).

use std::collections::BTreeSet;

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, PatientId};

use crate::error::id;
use crate::{Result, Store, Tx};

statements! {
    INSERT = ["INSERT INTO patient (clinic, id, name, email, phone, locale, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"];
    UPDATE = ["UPDATE patient SET name = $3, email = $4, phone = $5, locale = $6, updated_at = $7
        WHERE clinic = $1 AND id = $2"];
    ADD_TERM = ["INSERT INTO patient_term (clinic, term, patient) VALUES ($1, $2, $3)
        ON CONFLICT (clinic, term, patient) DO NOTHING"];
    CLEAR_TERMS = ["DELETE FROM patient_term WHERE clinic = $1 AND patient = $2"];
    GET = ["SELECT id, name, email, phone, locale, created_at FROM patient WHERE clinic = $1 AND id = $2"];
    PAGE = ["SELECT id, name, email, phone, locale, created_at FROM patient WHERE clinic = $1
        AND id < $2 ORDER BY id DESC LIMIT $3"];
    BY_TERM = ["SELECT DISTINCT patient FROM patient_term WHERE clinic = $1 AND term >= $2 AND term < $3 LIMIT $4"];
    HAS_TERM = ["SELECT patient FROM patient_term WHERE clinic = $1 AND patient = $2 AND term >= $3 AND term < $4 LIMIT 1"];
}

/// A patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patient {
    pub id: PatientId,
    pub name: String,
    pub email: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// BCP 47.
    pub locale: String,
    pub created_at: UtcMs,
}

impl Patient {
    /// The first word of the name: all that the checkout page says of a patient.
    pub fn first_name(&self) -> &str {
        self.name.split_whitespace().next().unwrap_or(&self.name)
    }
}

/// # Errors
/// The engine's own.
pub async fn insert(tx: &mut Tx, patient: &Patient) -> Result<()> {
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        patient.id.to_string(),
        patient.name.clone(),
        patient.email.clone(),
        patient.phone.clone(),
        patient.locale.clone(),
        patient.created_at,
    )?;
    add_terms(tx, patient).await
}

/// # Errors
/// The engine's own.
pub async fn update(tx: &mut Tx, patient: &Patient, now: UtcMs) -> Result<()> {
    exec!(
        tx,
        UPDATE,
        tx.clinic(),
        patient.id.to_string(),
        patient.name.clone(),
        patient.email.clone(),
        patient.phone.clone(),
        patient.locale.clone(),
        now,
    )?;
    exec!(tx, CLEAR_TERMS, tx.clinic(), patient.id.to_string())?;
    add_terms(tx, patient).await
}

async fn add_terms(tx: &mut Tx, patient: &Patient) -> Result<()> {
    for term in terms(patient) {
        exec!(tx, ADD_TERM, tx.clinic(), term, patient.id.to_string())?;
    }
    Ok(())
}

/// What a patient is found by: words of the name, the address, the number with and without its country code.
fn terms(patient: &Patient) -> BTreeSet<String> {
    let mut terms: BTreeSet<String> = words(&patient.name).into_iter().collect();
    terms.extend(patient.email.as_deref().map(str::to_lowercase));
    if let Some(phone) = &patient.phone {
        terms.insert(phone.trim_start_matches('+').to_owned());
        terms.extend(
            phone
                .strip_prefix("+44")
                .map(|national| format!("0{national}")),
        );
    }
    terms
}

/// Lower-case words of a text.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// What a search looks for: an address or a number as a whole, else each word.
fn sought(q: &str) -> Vec<String> {
    let digits: String = q.chars().filter(char::is_ascii_digit).collect();
    if q.contains('@') {
        vec![q.trim().to_lowercase()]
    } else if digits.len() >= 3 && q.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c)) {
        vec![digits]
    } else {
        words(q).into_iter().take(6).collect()
    }
}

/// One past everything that starts with `term`, in code point order.
fn end_of(term: &str) -> String {
    format!("{term}\u{10ffff}")
}

/// Ids of patients of whom every word of `q` starts a term. The longest word is looked up, the others are checked.
///
/// # Errors
/// The engine's own.
pub(crate) async fn matching(
    store: &Store,
    clinic: ClinicId,
    q: &str,
    limit: i64,
) -> Result<Vec<String>> {
    let mut sought = sought(q);
    sought.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let Some((first, others)) = sought.split_first() else {
        return Ok(vec![]);
    };
    let found = read_all!(
        store,
        (String,),
        BY_TERM,
        clinic.to_string(),
        first.clone(),
        end_of(first),
        limit
    )?;
    let mut ids = Vec::new();
    'patients: for (patient,) in found {
        for other in others {
            let has = read_opt!(
                store,
                (String,),
                HAS_TERM,
                clinic.to_string(),
                patient.clone(),
                other.clone(),
                end_of(other)
            )?;
            if has.is_none() {
                continue 'patients;
            }
        }
        ids.push(patient);
    }
    Ok(ids)
}

type Row = (String, String, Option<String>, Option<String>, String, i64);

fn patient((patient, name, email, phone, locale, created_at): Row) -> Result<Patient> {
    Ok(Patient {
        id: id(&patient, "patient id")?,
        name,
        email,
        phone,
        locale,
        created_at,
    })
}

/// # Errors
/// The engine's own.
pub async fn get(
    store: &Store,
    clinic: ClinicId,
    patient_id: PatientId,
) -> Result<Option<Patient>> {
    read_opt!(store, Row, GET, clinic.to_string(), patient_id.to_string())?
        .map(patient)
        .transpose()
}

/// A patient inside a transaction.
///
/// # Errors
/// The engine's own.
pub async fn get_in(tx: &mut Tx, patient_id: PatientId) -> Result<Option<Patient>> {
    opt!(tx, Row, GET, tx.clinic(), patient_id.to_string())?
        .map(patient)
        .transpose()
}

/// A page of patients, newest first; `after` is the id of the last one seen.
///
/// # Errors
/// The engine's own.
pub async fn list(
    store: &Store,
    clinic: ClinicId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Patient>> {
    let after = after.unwrap_or("~").to_owned();
    let rows = read_all!(store, Row, PAGE, clinic.to_string(), after, limit)?;
    rows.into_iter().map(patient).collect()
}

/// Patients that a search finds, by name.
///
/// # Errors
/// The engine's own.
pub async fn search(store: &Store, clinic: ClinicId, q: &str, limit: i64) -> Result<Vec<Patient>> {
    let mut found = Vec::new();
    for patient_id in matching(store, clinic, q, limit).await? {
        if let Some(row) = read_opt!(store, Row, GET, clinic.to_string(), patient_id)? {
            found.push(patient(row)?);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
