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

pub struct PatientRow {
    pub id: String,
    pub name: String,
    pub initials: String,
    pub phone: String,
    pub email: String,
    /// `Tue 24 Nov, 10:00`. May be empty.
    pub next_appointment: String,
}

/// `GET /patients/{id}`; contact is saved by `POST /patients/{id}`: `name`, `phone`, `email`, `language`.
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
    pub may_change: bool,
    pub saved: bool,
    pub credit: Option<String>,
    pub appointments: Vec<PatientAppointment>,
    pub links: Vec<PatientLink>,
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
