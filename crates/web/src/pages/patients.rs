//! Patients: the list with its search, and one record.

use askama::Template;

use super::{AppointmentStatus, Badge, Choice, Field, LinkStatus, Shell};

/// `GET /patients?q=`.
#[derive(Template)]
#[template(path = "staff/patients.html")]
pub struct Patients {
    pub shell: Shell,
    pub q: String,
    pub rows: Vec<PatientRow>,
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// `GET|POST /patients/new`: `name`, `phone`, `email`, `language`.
#[derive(Template)]
#[template(path = "staff/new_patient.html")]
pub struct NewPatient {
    pub shell: Shell,
    pub refused: Option<String>,
    pub name: Field,
    pub phone: Field,
    pub email: Field,
    pub languages: Vec<Choice>,
    /// Works once, however often the button is pressed.
    pub idempotency_key: String,
}

pub struct PatientRow {
    pub id: String,
    pub name: String,
    pub initials: String,
    pub phone: String,
    pub email: String,
    /// `Tue 24 Nov, 10:00`. May be empty.
    pub next_appointment: String,
}

/// `GET /patients/{id}`; contact is saved by `POST /patients/{id}`: `name`, `phone`, `email`, `language`, `version`.
/// `POST .../notes` with `note`; `POST .../notes/{note}/strike`.
#[derive(Template)]
#[template(path = "staff/patient.html")]
pub struct PatientRecord {
    pub shell: Shell,
    pub id: String,
    pub heading: String,
    pub name: Field,
    pub phone: Field,
    pub email: Field,
    /// What messages and the patient's pages speak.
    pub languages: Vec<Choice>,
    pub language_word: String,
    /// The version that is looked at: a save on top of another one is asked about.
    pub version: i64,
    /// Somebody else saved meanwhile: who, when, and what is kept now, beside what was typed.
    pub meanwhile: Option<Meanwhile>,
    pub refused: Option<String>,
    pub may_change: bool,
    pub may_merge: bool,
    pub done: Option<&'static str>,
    pub credit: Option<String>,
    pub appointments: Vec<PatientAppointment>,
    pub links: Vec<PatientLink>,
    pub payments: Vec<PatientPayment>,
    pub notes: Vec<PatientNote>,
    pub note: Field,
    pub note_key: String,
    /// Records that share a number or an address with this one.
    pub alike: Vec<PatientRow>,
}

pub struct Meanwhile {
    pub text: String,
    /// `Mobile`, `+44 7700 900123`: the fields that differ, as they are kept now.
    pub kept: Vec<(&'static str, String)>,
}

pub struct PatientPayment {
    pub id: String,
    pub when: String,
    pub method: String,
    pub amount: String,
    /// `£12.00 refunded`. May be empty.
    pub refunded: String,
}

pub struct PatientNote {
    pub id: String,
    pub text: String,
    pub by: String,
    /// `Struck through by Joanne Bright, Today 10:44`.
    pub struck: Option<String>,
}

/// `GET /patients/{id}/merge`: search for the other record with `q`, choose it with `with`.
/// `POST /patients/{id}/merge`: `with`, `version`, `with_version`, and of `name`, `phone`, `email`, `locale` whether this
/// record's (`this`) or the other's (`other`) stays.
#[derive(Template)]
#[template(path = "staff/merge.html")]
pub struct MergePage {
    pub shell: Shell,
    pub id: String,
    pub name: String,
    pub q: String,
    pub found: Vec<PatientRow>,
    pub chosen: Option<MergeChoice>,
    pub refused: Option<String>,
}

pub struct MergeChoice {
    pub other: String,
    pub other_name: String,
    pub version: i64,
    pub other_version: i64,
    pub details: Vec<MergeDetail>,
    /// `2 appointments, 1 payment link`.
    pub moves: String,
}

pub struct MergeDetail {
    pub field: &'static str,
    pub word: &'static str,
    pub this: String,
    pub other: String,
    /// The other's value is proposed: this record has none.
    pub takes_other: bool,
}

pub struct PatientAppointment {
    pub id: String,
    pub when: String,
    pub what: String,
    pub status: AppointmentStatus,
    pub balance: String,
}

pub struct PatientLink {
    pub id: String,
    pub created: String,
    pub expires: String,
    pub amount: String,
    pub status: LinkStatus,
    pub badges: Vec<Badge>,
}
