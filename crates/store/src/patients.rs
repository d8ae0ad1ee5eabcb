//! Patients: personal data lives in this table and its search terms, nowhere else (hazard E3).

use std::collections::BTreeSet;

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, PatientId};

use crate::error::id;
use crate::{Result, Store, Tx};

/// Words of a search that count.
pub(crate) const WORDS_MAX: usize = 4;

statements! {
    INSERT = ["INSERT INTO patient (clinic, id, name, email, phone, locale, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"];
    UPDATE = ["UPDATE patient SET name = $3, email = $4, phone = $5, locale = $6, updated_at = $7
        WHERE clinic = $1 AND id = $2"];
    ADD_TERMS = ["INSERT INTO patient_term (clinic, term, patient) SELECT $1, j.value ->> 'term', $3 FROM " (each 2) "
        WHERE true ON CONFLICT (clinic, term, patient) DO NOTHING"];
    CLEAR_TERMS = ["DELETE FROM patient_term WHERE clinic = $1 AND patient = $2"];
    GET = ["SELECT id, name, email, phone, locale, created_at FROM patient WHERE clinic = $1 AND id = $2"];
    PAGE = ["SELECT id, name, email, phone, locale, created_at FROM patient WHERE clinic = $1
        AND id < $2 ORDER BY id DESC LIMIT $3"];
    GET_ALL = ["SELECT id, name, email, phone, locale, created_at FROM patient WHERE clinic = $1 AND id IN " (ids 2)];
    MATCHING = ["SELECT t.patient FROM patient_term t WHERE t.clinic = $1 AND t.term >= $2 AND t.term < $3
        AND ($4 = '' OR (SELECT 1 FROM patient_term o WHERE o.clinic = t.clinic AND o.patient = t.patient
          AND o.term >= $4 AND substr(o.term, 1, length($4)) = $4 LIMIT 1) = 1)
        AND ($5 = '' OR (SELECT 1 FROM patient_term o WHERE o.clinic = t.clinic AND o.patient = t.patient
          AND o.term >= $5 AND substr(o.term, 1, length($5)) = $5 LIMIT 1) = 1)
        AND ($6 = '' OR (SELECT 1 FROM patient_term o WHERE o.clinic = t.clinic AND o.patient = t.patient
          AND o.term >= $6 AND substr(o.term, 1, length($6)) = $6 LIMIT 1) = 1)
        ORDER BY t.term, t.patient LIMIT $7"];
    SHARING = ["SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM patient_term WHERE clinic = $1 AND term >= $2
        AND term < $3 LIMIT $4) AS t"];
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
    let terms: Vec<serde_json::Value> = terms(patient)
        .into_iter()
        .map(|term| serde_json::json!({ "term": term }))
        .collect();
    let terms = serde_json::Value::from(terms).to_string();
    exec!(tx, ADD_TERMS, tx.clinic(), terms, patient.id.to_string()).map(drop)
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

/// What a search looks for: an address or a number as a whole, else each of its first words.
pub(crate) fn sought(q: &str) -> Vec<String> {
    let digits: String = q.chars().filter(char::is_ascii_digit).collect();
    if q.contains('@') {
        vec![q.trim().to_lowercase()]
    } else if digits.len() >= 3 && q.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c)) {
        vec![digits]
    } else {
        words(q).into_iter().take(WORDS_MAX).collect()
    }
}

/// One past everything that starts with `term`, in code point order.
pub(crate) fn end_of(term: &str) -> String {
    format!("{term}\u{10ffff}")
}

/// The words of a search, the longest (which few share) first, the rest empty.
pub(crate) fn words_of(sought: &[String]) -> [String; WORDS_MAX] {
    let mut sought = sought.to_vec();
    sought.sort_by_key(|word| std::cmp::Reverse(word.len()));
    sought.resize(WORDS_MAX, String::new());
    let mut words: [String; WORDS_MAX] = Default::default();
    for (place, word) in words.iter_mut().zip(sought) {
        *place = word;
    }
    words
}

/// Ids of patients of whom every word starts a term: the first word is looked up, the others are checked. Whole words
/// come before longer ones that start with them.
///
/// # Errors
/// The engine's own.
pub(crate) async fn matching(
    store: &Store,
    clinic: &str,
    words: &[String; WORDS_MAX],
    limit: i64,
) -> Result<Vec<String>> {
    let [first, others @ ..] = words;
    if first.is_empty() {
        return Ok(vec![]);
    }
    let rows = read_all!(
        store,
        (String,),
        MATCHING,
        clinic.to_owned(),
        first.clone(),
        end_of(first),
        others[0].clone(),
        others[1].clone(),
        others[2].clone(),
        limit
    )?;
    let mut seen = BTreeSet::new();
    Ok(rows
        .into_iter()
        .map(|(patient,)| patient)
        .filter(|patient| seen.insert(patient.clone()))
        .collect())
}

/// How many terms start with this, counted up to `limit`.
///
/// # Errors
/// The engine's own.
pub(crate) async fn sharing(store: &Store, clinic: &str, term: &str, limit: i64) -> Result<i64> {
    let (from, to) = (term.to_owned(), end_of(term));
    let row = read_opt!(store, (i64,), SHARING, clinic.to_owned(), from, to, limit)?;
    Ok(row.map_or(0, |(count,)| count))
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
    // Behind every id in any collation: the ids are hexadecimal after their prefix.
    let after = after.unwrap_or("pat_z").to_owned();
    let rows = read_all!(store, Row, PAGE, clinic.to_string(), after, limit)?;
    rows.into_iter().map(patient).collect()
}

/// Patients that a search finds, by name: at most `limit`, the nearest to what was typed.
///
/// # Errors
/// The engine's own.
pub async fn search(store: &Store, clinic: ClinicId, q: &str, limit: i64) -> Result<Vec<Patient>> {
    let clinic = clinic.to_string();
    let found = matching(store, &clinic, &words_of(&sought(q)), limit).await?;
    if found.is_empty() {
        return Ok(vec![]);
    }
    let ids = serde_json::json!(found).to_string();
    let mut found: Vec<Patient> = read_all!(store, Row, GET_ALL, clinic, ids)?
        .into_iter()
        .map(patient)
        .collect::<Result<_>>()?;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
