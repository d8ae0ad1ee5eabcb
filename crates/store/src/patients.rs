//! Patients: personal data lives in this table and its search terms, nowhere else (hazard E3).

use std::collections::BTreeSet;

use remit_core::UtcMs;
use remit_core::contact::Phone;
use remit_core::ids::{ClinicId, PatientId, PatientNoteId};

use crate::error::{id, id_opt};
use crate::{Result, Store, Tx};

/// Words of a search that count.
pub(crate) const WORDS_MAX: usize = 4;

statements! {
    INSERT = ["INSERT INTO patient (clinic, id, name, email, phone, locale, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"];
    UPDATE = ["UPDATE patient SET name = $3, email = $4, phone = $5, locale = $6, updated_at = $7, updated_by = $8,
        version = version + 1 WHERE clinic = $1 AND id = $2"];
    STATE = ["SELECT id, version, updated_at, updated_by, merged_into FROM patient WHERE clinic = $1 AND id = $2"];
    LOCK = ["SELECT id, version, updated_at, updated_by, merged_into FROM patient WHERE clinic = $1 AND id = $2" lock];
    MERGED = ["SELECT id, name, email, phone, locale, created_at FROM patient WHERE clinic = $1 AND merged_into = $2
        ORDER BY id LIMIT 1000"];
    LEAD_ON = ["UPDATE patient SET merged_into = $3, version = version + 1, updated_at = $4, updated_by = $5
        WHERE clinic = $1 AND (id = $2 OR merged_into = $2)"];
    LOCK_BALANCES = ["SELECT currency FROM appointment_balance WHERE clinic = $1 AND appt IN
        (SELECT id FROM appointment WHERE clinic = $1 AND patient = $2) ORDER BY appt" lock];
    CURRENCY = ["SELECT b.currency FROM appointment a JOIN appointment_balance b ON b.clinic = a.clinic AND b.appt = a.id
        WHERE a.clinic = $1 AND a.patient = $2 AND b.currency <> $3 LIMIT 1"];
    MOVE_APPOINTMENTS = ["UPDATE appointment SET patient = $3 WHERE clinic = $1 AND patient = $2"];
    MOVE_LINKS = ["UPDATE payment_link SET patient = $3 WHERE clinic = $1 AND patient = $2"];
    MOVE_NOTES = ["UPDATE patient_note SET patient = $3 WHERE clinic = $1 AND patient = $2"];
    NEXT = ["SELECT patient, MIN(starts_at) AS next FROM appointment WHERE clinic = $1 AND patient IN " (ids 2) "
        AND starts_at >= $3 AND status NOT IN ('cancelled', 'no_show') GROUP BY patient"];
    ADD_NOTE = ["INSERT INTO patient_note (clinic, id, patient, text, at, written_by) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (clinic, id) DO NOTHING"];
    STRIKE = ["UPDATE patient_note SET struck_at = $4, struck_by = $5 WHERE clinic = $1 AND id = $2 AND patient = $3
        AND struck_at IS NULL"];
    NOTE = ["SELECT id FROM patient_note WHERE clinic = $1 AND id = $2 AND patient = $3"];
    NOTES = ["SELECT id, text, at, written_by, struck_at, struck_by FROM patient_note WHERE clinic = $1 AND patient = $2
        ORDER BY id DESC LIMIT $3"];
    ADD_TERMS = ["INSERT INTO patient_term (clinic, term, patient) SELECT $1, j.value ->> 'term', $3 FROM " (each 2) "
        WHERE true ON CONFLICT (clinic, term, patient) DO NOTHING"];
    CLEAR_TERMS = ["DELETE FROM patient_term WHERE clinic = $1 AND patient = $2"];
    GET = ["SELECT id, name, email, phone, locale, created_at FROM patient WHERE clinic = $1 AND id = $2"];
    PAGE = ["SELECT id, name, email, phone, locale, created_at FROM patient WHERE clinic = $1
        AND id < $2 AND merged_into IS NULL ORDER BY id DESC LIMIT $3"];
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
    let terms = terms(patient);
    add_terms(tx, patient.id, terms).await
}

/// # Errors
/// The engine's own.
pub async fn update(tx: &mut Tx, patient: &Patient, by: &str, now: UtcMs) -> Result<()> {
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
        by.to_owned(),
    )?;
    exec!(tx, CLEAR_TERMS, tx.clinic(), patient.id.to_string())?;
    // Under what a duplicate was known, the record that it became is found as well.
    let mut found_by = terms(patient);
    for old in merged(tx, patient.id).await? {
        found_by.extend(terms(&old));
    }
    add_terms(tx, patient.id, found_by).await
}

/// The duplicates that became this record.
async fn merged(tx: &mut Tx, into: PatientId) -> Result<Vec<Patient>> {
    let rows = all!(tx, Row, MERGED, tx.clinic(), into.to_string())?;
    rows.into_iter().map(patient).collect()
}

async fn add_terms(tx: &mut Tx, patient: PatientId, terms: BTreeSet<String>) -> Result<()> {
    let terms: Vec<serde_json::Value> = terms
        .into_iter()
        .map(|term| serde_json::json!({ "term": term }))
        .collect();
    let terms = serde_json::Value::from(terms).to_string();
    exec!(tx, ADD_TERMS, tx.clinic(), terms, patient.to_string()).map(drop)
}

/// What a patient is found by: words of the name, as written and in plain letters; the address; the number in the ways
/// people write it, and its end.
fn terms(patient: &Patient) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for word in words(&patient.name) {
        let plain = plain(&word);
        terms.insert(plain.replace('\'', ""));
        terms.insert(plain);
        terms.insert(word);
    }
    terms.extend(patient.email.as_deref().map(str::to_lowercase));
    terms.extend(
        patient
            .phone
            .as_deref()
            .map(Phone::ways)
            .unwrap_or_default(),
    );
    terms
}

/// Lower-case words of a text.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’'))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('’', "'"))
        .collect()
}

/// Latin letters without their marks, as people type the names of others.
fn plain(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => plain.push('a'),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => plain.push('c'),
            'ď' | 'đ' | 'ð' => plain.push('d'),
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => plain.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => plain.push('g'),
            'ĥ' | 'ħ' => plain.push('h'),
            'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => plain.push('i'),
            'ĵ' => plain.push('j'),
            'ķ' => plain.push('k'),
            'ĺ' | 'ļ' | 'ľ' | 'ł' => plain.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => plain.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => plain.push('o'),
            'ŕ' | 'ŗ' | 'ř' => plain.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => plain.push('s'),
            'ţ' | 'ť' | 'ŧ' | 'ț' => plain.push('t'),
            'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => plain.push('u'),
            'ŵ' => plain.push('w'),
            'ý' | 'ÿ' | 'ŷ' => plain.push('y'),
            'ź' | 'ż' | 'ž' => plain.push('z'),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'ß' => plain.push_str("ss"),
            'þ' => plain.push_str("th"),
            other => plain.push(other),
        }
    }
    plain
}

/// What a search looks for: an address or a number as a whole, else each of its first words.
pub(crate) fn sought(q: &str) -> Vec<String> {
    if q.contains('@') {
        vec![q.trim().to_lowercase()]
    } else if let Some(digits) = Phone::sought(q) {
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

/// Terms counted of each word before one is looked up: beyond, a word is common.
const COUNTED_MAX: i64 = 2_000;

/// The words of a search, the one that fewest share first, so that few rows are looked at whatever the others are.
async fn rarest_first(
    store: &Store,
    clinic: &str,
    sought: Vec<String>,
) -> Result<[String; WORDS_MAX]> {
    let mut words = words_of(&sought);
    if sought.len() < 2 {
        return Ok(words);
    }
    let mut rarest = (i64::MAX, 0);
    for (place, word) in words
        .iter()
        .enumerate()
        .filter(|(_, word)| !word.is_empty())
    {
        let shared = sharing(store, clinic, word, COUNTED_MAX).await?;
        rarest = rarest.min((shared, place));
    }
    words.swap(0, rarest.1);
    Ok(words)
}

/// Patients that a search looks at beyond those it shows: words may be shared by many (a digit starts a number as well),
/// and whoever is called as was typed must be among them.
const LOOKED_AT_MIN: i64 = 50;

/// The words of a text in plain letters, to compare names by.
fn compared(text: &str) -> Vec<String> {
    words(text).iter().map(|word| plain(word)).collect()
}

/// Patients that a search finds: at most `limit`, those called exactly as typed first, then by name.
///
/// # Errors
/// The engine's own.
pub async fn search(store: &Store, clinic: ClinicId, q: &str, limit: i64) -> Result<Vec<Patient>> {
    let clinic = clinic.to_string();
    let words = rarest_first(store, &clinic, sought(q)).await?;
    let found = matching(store, &clinic, &words, limit.max(LOOKED_AT_MIN)).await?;
    if found.is_empty() {
        return Ok(vec![]);
    }
    let typed = compared(q);
    let ids = serde_json::json!(found).to_string();
    let mut found: Vec<Patient> = read_all!(store, Row, GET_ALL, clinic, ids)?
        .into_iter()
        .map(patient)
        .collect::<Result<_>>()?;
    found.sort_by_cached_key(|patient| {
        let name = compared(&patient.name);
        (
            name != typed,
            !name.starts_with(&typed),
            patient.name.clone(),
        )
    });
    found.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(found)
}

/// How a record stands: which version of it, who made that, and whether it was a duplicate.
#[derive(Clone, Debug)]
pub struct State {
    pub id: PatientId,
    pub version: i64,
    pub updated_at: UtcMs,
    /// Empty: nobody has changed it since it was made.
    pub updated_by: String,
    pub merged_into: Option<PatientId>,
}

type StateRow = (String, i64, i64, String, Option<String>);

fn stands((patient, version, updated_at, updated_by, merged_into): StateRow) -> Result<State> {
    Ok(State {
        id: id(&patient, "patient id")?,
        version,
        updated_at,
        updated_by,
        merged_into: id_opt(&merged_into, "patient id")?,
    })
}

/// # Errors
/// The engine's own.
pub async fn state(store: &Store, clinic: ClinicId, patient: PatientId) -> Result<Option<State>> {
    let (clinic, patient) = (clinic.to_string(), patient.to_string());
    read_opt!(store, StateRow, STATE, clinic, patient)?
        .map(stands)
        .transpose()
}

/// How a record stands, which then waits for this transaction.
///
/// # Errors
/// The engine's own.
pub async fn lock(tx: &mut Tx, patient: PatientId) -> Result<Option<State>> {
    opt!(tx, StateRow, LOCK, tx.clinic(), patient.to_string())?
        .map(stands)
        .transpose()
}

/// The record that an id stands for, which then waits for this transaction: its own, or the one that it was a duplicate
/// of.
///
/// # Errors
/// The engine's own.
pub async fn surviving(tx: &mut Tx, patient: PatientId) -> Result<Option<PatientId>> {
    let state = lock(tx, patient).await?;
    Ok(state.map(|state| state.merged_into.unwrap_or(state.id)))
}

/// Whether appointments of this patient are in another currency than the given one.
///
/// # Errors
/// The engine's own.
pub async fn has_other_currency(tx: &mut Tx, patient: PatientId, currency: &str) -> Result<bool> {
    let currency = currency.to_owned();
    let row = opt!(
        tx,
        (String,),
        CURRENCY,
        tx.clinic(),
        patient.to_string(),
        currency
    )?;
    Ok(row.is_some())
}

/// When the next appointment of each of these patients begins, of those who have one.
///
/// # Errors
/// The engine's own.
pub async fn next_appointments(
    store: &Store,
    clinic: ClinicId,
    patients: &[PatientId],
    now: UtcMs,
) -> Result<Vec<(PatientId, UtcMs)>> {
    let ids: Vec<String> = patients.iter().map(ToString::to_string).collect();
    let ids = serde_json::json!(ids).to_string();
    let rows = read_all!(store, (String, i64), NEXT, clinic.to_string(), ids, now)?;
    rows.into_iter()
        .map(|(patient, next)| Ok((id(&patient, "patient id")?, next)))
        .collect()
}

/// Waits for whoever moves money of a patient's appointments: the first lock of what changes to whom they belong, since a
/// link is issued to whoever its appointment belongs to.
///
/// # Errors
/// The engine's own.
pub async fn lock_balances(tx: &mut Tx, patient: PatientId) -> Result<()> {
    all!(
        tx,
        (String,),
        LOCK_BALANCES,
        tx.clinic(),
        patient.to_string()
    )
    .map(drop)
}

/// Moves what belongs to a duplicate to the record that it becomes: appointments, and with them payments and credit; links;
/// notes. Balances and both records are locked.
///
/// # Errors
/// The engine's own.
pub async fn merge(
    tx: &mut Tx,
    duplicate: PatientId,
    into: PatientId,
    by: &str,
    now: UtcMs,
) -> Result<()> {
    let (old, new) = (duplicate.to_string(), into.to_string());
    for moved in [MOVE_APPOINTMENTS, MOVE_LINKS, MOVE_NOTES] {
        exec!(tx, moved, tx.clinic(), old.clone(), new.clone())?;
    }
    exec!(tx, CLEAR_TERMS, tx.clinic(), old.clone())?;
    tx.tell("diary");
    tx.tell("list");
    exec!(tx, LEAD_ON, tx.clinic(), old, new, now, by.to_owned()).map(drop)
}

/// What somebody wrote down of a patient.
#[derive(Clone, Debug)]
pub struct NoteView {
    pub id: PatientNoteId,
    pub text: String,
    pub at: UtcMs,
    pub written_by: String,
    /// When and by whom it was struck through.
    pub struck: Option<(UtcMs, String)>,
}

/// # Errors
/// The engine's own.
pub async fn add_note(
    tx: &mut Tx,
    note: PatientNoteId,
    patient: PatientId,
    text: &str,
    by: &str,
    now: UtcMs,
) -> Result<()> {
    exec!(
        tx,
        ADD_NOTE,
        tx.clinic(),
        note.to_string(),
        patient.to_string(),
        text.to_owned(),
        now,
        by.to_owned()
    )
    .map(drop)
}

/// Whether the patient has such a note.
///
/// # Errors
/// The engine's own.
pub async fn has_note(tx: &mut Tx, note: PatientNoteId, patient: PatientId) -> Result<bool> {
    let (note, patient) = (note.to_string(), patient.to_string());
    Ok(opt!(tx, (String,), NOTE, tx.clinic(), note, patient)?.is_some())
}

/// Whether this call struck it through.
///
/// # Errors
/// The engine's own.
pub async fn strike_note(
    tx: &mut Tx,
    note: PatientNoteId,
    patient: PatientId,
    by: &str,
    now: UtcMs,
) -> Result<bool> {
    let (note, patient) = (note.to_string(), patient.to_string());
    let struck = exec!(tx, STRIKE, tx.clinic(), note, patient, now, by.to_owned())?;
    Ok(struck == 1)
}

type NoteRow = (String, String, i64, String, Option<i64>, Option<String>);

/// A patient's notes, the newest first.
///
/// # Errors
/// The engine's own.
pub async fn notes(
    store: &Store,
    clinic: ClinicId,
    patient: PatientId,
    limit: i64,
) -> Result<Vec<NoteView>> {
    let (clinic, patient) = (clinic.to_string(), patient.to_string());
    let rows = read_all!(store, NoteRow, NOTES, clinic, patient, limit)?;
    rows.into_iter()
        .map(|(note, text, at, written_by, struck_at, struck_by)| {
            Ok(NoteView {
                id: id(&note, "note id")?,
                text,
                at,
                written_by,
                struck: struck_at.zip(struck_by),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(name: &str) -> Patient {
        Patient {
            id: PatientId(uuid::Uuid::nil()),
            name: name.into(),
            email: None,
            phone: None,
            locale: "en-GB".into(),
            created_at: 0,
        }
    }

    #[test]
    fn a_name_is_found_as_others_type_it() {
        for (name, typed) in [
            ("Piotr Szymański", "szymanski"),
            ("Siân O’Neill", "o'neill"),
            ("Siân O’Neill", "oneill"),
            ("Siân O’Neill", "sian"),
            ("Łukasz Żółć", "zolc"),
            ("Anne-Marie Strauß", "strauss"),
            ("Anne-Marie Strauß", "marie"),
            ("مريم الحسن", "مريم"),
            ("Ann 🙂 Lee", "lee"),
        ] {
            let terms = terms(&patient(name));
            let sought = sought(typed);
            assert!(terms.contains(&sought[0]), "{name}: {typed} in {terms:?}");
        }
    }
}
